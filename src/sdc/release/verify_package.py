#!/usr/bin/env python3
"""Tell whether this package is as it was sent: run ``python verify.py`` in its folder. Needs Python 3.8, nothing else.

It checks that every file is listed with its hash and none is missing, added, or a link; that the manifest agrees; and
that the list of hashes is signed. It prints the key that signed: compare it with the one that you were given by another
way. ``--key SHA256:...`` or ``--allowed-signers FILE`` does that for you, ``--notices FOLDER`` looks whether the sender
has withdrawn or replaced the release. Exit code 0: all holds; 14: something is wrong; 2: it could not be asked.

Whoever can change a package can change this file too. So take it from the sender's site if you can, or use
``sha256sum -c SHA256SUMS`` and ``ssh-keygen -Y verify``, which tell the same about hashes and signature.
"""

import argparse
import base64
import hashlib
import json
import os
import re
import stat
import sys

NAMESPACE, NOTICES = b"dtm-sdc-release", b"dtm-sdc-notice"
MANIFEST, SUMS, SIGNATURE = "manifest.json", "SHA256SUMS", "SHA256SUMS.sig"
LARGEST_DOCUMENT = 64 << 20  # bytes


class Wrong(Exception):
    """What is wrong, in words."""


# Ed25519, checked as in RFC 8032, section 5.1.7: [8][S]B = [8]R + [8][k]A on the twisted Edwards curve.
P = 2**255 - 19
ORDER = 2**252 + 27742317777372353535851937790883648493
D = -121665 * pow(121666, P - 2, P) % P
ROOT = pow(2, (P - 1) // 4, P)  # of -1


def add(a, b):
    """Sum of two points in extended coordinates (x, y, z, t)."""
    e, f = (a[1] - a[0]) * (b[1] - b[0]) % P, (a[1] + a[0]) * (b[1] + b[0]) % P
    g, h = 2 * a[3] * b[3] * D % P, 2 * a[2] * b[2] % P
    e, f, g, h = f - e, h - g, h + g, f + e
    return e * f % P, g * h % P, f * g % P, e * h % P


def times(number, point):
    """A point, added to itself so many times."""
    total = (0, 1, 1, 0)
    while number:
        if number & 1:
            total = add(total, point)
        point = add(point, point)
        number >>= 1
    return total


def equal(a, b):
    """Whether two points are one."""
    return (a[0] * b[2] - b[0] * a[2]) % P == 0 and (a[1] * b[2] - b[1] * a[2]) % P == 0


def point(raw):
    """The point behind 32 bytes."""
    number = int.from_bytes(raw, "little")
    y, odd = number & ((1 << 255) - 1), number >> 255
    if len(raw) != 32 or y >= P:
        raise Wrong("the signature does not hold")
    square = (y * y - 1) * pow(D * y * y + 1, P - 2, P) % P
    x = pow(square, (P + 3) // 8, P)
    if (x * x - square) % P:
        x = x * ROOT % P
    if (x * x - square) % P or (x == 0 and odd):
        raise Wrong("the signature does not hold")
    x = P - x if x & 1 != odd else x
    return x, y, 1, x * y % P


BASE = point((4 * pow(5, P - 2, P) % P).to_bytes(32, "little"))


def ed25519_holds(public, message, signature):
    """Whether an Ed25519 signature holds; about 10 milliseconds."""
    if len(signature) != 64 or len(public) != 32:
        return False
    s = int.from_bytes(signature[32:], "little")
    if s >= ORDER:
        return False
    try:
        key, commitment = point(public), point(signature[:32])
    except Wrong:
        return False
    if equal(times(8, key), (0, 1, 1, 0)):
        return False  # a key of small order signs anything
    k = int.from_bytes(hashlib.sha512(signature[:32] + public + message).digest(), "little") % ORDER
    return equal(times(8, times(s, BASE)), times(8, add(commitment, times(k, key))))


def strings(blob, number):
    """Strings as SSH writes them, exactly so many."""
    found, at = [], 0
    for _ in range(number):
        length = int.from_bytes(blob[at : at + 4], "big")
        found.append(blob[at + 4 : at + 4 + length])
        if at + 4 > len(blob) or len(found[-1]) != length:
            raise Wrong("the signature cannot be read")
        at += 4 + length
    if at != len(blob):
        raise Wrong("the signature cannot be read")
    return found


def string(content):
    """A string as SSH writes it."""
    return len(content).to_bytes(4, "big") + content


def signer(message, armoured, namespace):
    """The public key that signed a message (SSHSIG), once its signature holds."""
    body = re.match(r"-----BEGIN SSH SIGNATURE-----\n([A-Za-z0-9+/=\n]+)\n-----END SSH SIGNATURE-----\n\Z", armoured)
    try:
        blob = base64.b64decode(body.group(1).replace("\n", "") if body else "?", validate=True)
    except ValueError:
        raise Wrong("the signature cannot be read") from None
    if blob[:10] != b"SSHSIG" + (1).to_bytes(4, "big"):
        raise Wrong("the signature cannot be read")
    public, space, reserved, hashing, signature = strings(blob[10:], 5)
    kind, raw_key = strings(public, 2)
    signed_kind, raw = strings(signature, 2)
    if (kind, signed_kind, space, reserved, hashing) != (b"ssh-ed25519", kind, namespace, b"", b"sha512"):
        raise Wrong("the signature is of another kind than the sender makes")
    signed = b"SSHSIG" + string(space) + string(b"") + string(hashing) + string(hashlib.sha512(message).digest())
    if not ed25519_holds(raw_key, signed, raw):
        raise Wrong("the signature does not hold")
    return public


def fingerprint(public):
    """``SHA256:...`` of a public key."""
    return "SHA256:" + base64.b64encode(hashlib.sha256(public).digest()).decode().rstrip("=")


def shown(name):
    """A file name that is safe to print."""
    return ascii(name)[1:-1][:120]


def find(folder):
    """Relative names of all files, and what is no plain file."""
    if os.path.islink(folder) or not os.path.isdir(folder):
        raise Wrong("there is no such folder")
    names, faults, waiting = [], [], [folder]
    while waiting:
        with os.scandir(waiting.pop()) as entries:
            for entry in entries:
                name = os.path.relpath(entry.path, folder).replace(os.sep, "/")
                mode = entry.stat(follow_symlinks=False).st_mode
                if stat.S_ISDIR(mode) and name.count("/") < 8:
                    waiting.append(entry.path)
                elif stat.S_ISREG(mode):
                    names.append(name)
                else:
                    faults.append("%s: is a link, a special file, or lies too deep" % shown(name))
        if len(names) > 1000:
            raise Wrong("holds too many files for a package")
    return sorted(names), faults


def digest(path):
    """SHA-256 of a file."""
    found = hashlib.sha256()
    with open(path, "rb") as content:
        for part in iter(lambda: content.read(1 << 20), b""):
            found.update(part)
    return found.hexdigest()


def read(folder, name):
    """Bytes of a small document."""
    path = os.path.join(folder, *name.split("/"))
    if not os.path.isfile(path) or os.path.getsize(path) > LARGEST_DOCUMENT:
        raise Wrong("%s: is missing or too large" % name)
    with open(path, "rb") as content:
        return content.read()


def once(pairs):
    """An object whose entries stand once."""
    content = dict(pairs)
    if len(content) != len(pairs):
        raise ValueError
    return content


def document(raw, name):
    """A JSON object."""
    try:
        content = json.loads(raw.decode("utf-8"), object_pairs_hook=once)
    except (ValueError, RecursionError):
        content = None
    if not isinstance(content, dict):
        raise Wrong("%s: cannot be read" % name)
    return content


def listed(raw):
    """Name to hash, as SHA256SUMS tells."""
    lines = raw.decode("ascii", "replace").split("\n")
    told = {}
    if lines.pop() != "":
        raise Wrong("%s: does not end with a line end" % SUMS)
    for line in lines:
        split = re.match(r"([0-9a-f]{64})  (\S.*)\Z", line)
        if not split or split.group(2) in told:
            raise Wrong("%s: holds a line that is no hash and name, or a name twice" % SUMS)
        told[split.group(2)] = split.group(1)
    return told


def compare(where, told, found):
    """What differs between hashes that are told and hashes that are found."""
    for name in sorted(set(told) | set(found)):
        if name not in found:
            yield "%s: is missing, %s tells of it" % (shown(name), where)
        elif name not in told:
            yield "%s: is unexpected, %s does not tell of it" % (shown(name), where)
        elif told[name] != found[name]:
            yield "%s: was changed, it has another hash than in %s" % (shown(name), where)


def against_manifest(folder, manifest, digests):
    """What differs between the manifest and the files, or within the manifest."""
    told = {}
    try:
        for entry in manifest["files"]:
            if entry["path"] in told:
                yield "%s: names %s twice" % (MANIFEST, shown(entry["path"]))
            told[entry["path"]] = entry["sha256"]
            path = os.path.join(folder, *entry["path"].split("/"))
            if entry["path"] in digests and os.path.getsize(path) != entry["bytes"]:
                yield "%s: has another size than the manifest tells" % shown(entry["path"])
        release, version = manifest["release_id"], manifest["version"]
        if not (release.endswith("-v" + version) and manifest["request_id"] in release):
            yield "%s: its release id does not fit its request and version" % MANIFEST
    except (KeyError, TypeError, AttributeError):
        yield "%s: lacks what every manifest has" % MANIFEST
        return
    for found in compare(MANIFEST, told, {n: d for n, d in digests.items() if n not in (MANIFEST, SUMS, SIGNATURE)}):
        yield found
    for name in ("datapackage.json", "metadata/sdc-record.json"):
        content = document(read(folder, name), name)
        if content.get("release_id", content.get("id")) != release:
            yield "%s: is of another release" % name


def allowed(path):
    """Fingerprints of an allowed_signers file (a line: principal, options, key kind, key)."""
    with open(path, encoding="utf-8") as lines:
        keys = re.findall(r"\bssh-ed25519 (\S+)", "".join(line for line in lines if not line.startswith("#")))
    return {fingerprint(base64.b64decode(key)) for key in keys}


def notices(folder, release, keys):
    """What the sender's signed notices say of a release."""
    for kind in ("withdrawn", "superseded"):
        name = "%s.%s.json" % (release, kind)
        if os.path.isfile(os.path.join(folder, name)):
            raw = read(folder, name)
            if fingerprint(signer(raw, read(folder, name + ".sig").decode("ascii", "replace"), NOTICES)) not in keys:
                raise Wrong("%s: is signed by another key" % name)
            content = document(raw, name)
            if content.get("release_id") == release:
                yield kind, str(content.get("reason") or content.get("superseded_by"))


def check(folder, key=None, signers=None, notes=None):
    """Everything about one package: a dictionary with release, key, faults and notes."""
    names, faults = find(folder)
    result = {"release": None, "key": None, "confirmed": False, "faults": faults, "notes": []}
    if faults:
        return result
    digests = {name: digest(os.path.join(folder, *name.split("/"))) for name in names}
    sums = read(folder, SUMS)
    faults.extend(compare(SUMS, listed(sums), {n: d for n, d in digests.items() if n not in (SUMS, SIGNATURE)}))
    manifest = document(read(folder, MANIFEST), MANIFEST)
    faults.extend(against_manifest(folder, manifest, digests))
    result["release"] = manifest.get("release_id")
    named = manifest.get("signing")
    if not isinstance(named, dict):
        raise Wrong("the manifest names no key: this is a draft, not for use")
    found = fingerprint(signer(sums, read(folder, SIGNATURE).decode("ascii", "replace"), NAMESPACE))
    result["key"] = found
    if named.get("fingerprint") != found:
        faults.append("%s: is by another key than the manifest names" % SIGNATURE)
    trusted = ({key} if key else set()) | (allowed(signers) if signers else set())
    if trusted and found not in trusted:
        faults.append("%s: is by a key that is not the sender's" % SIGNATURE)
    result["confirmed"] = found in trusted
    for kind, why in notices(notes, str(result["release"]), trusted or {found}) if notes else ():
        (faults if kind == "withdrawn" else result["notes"]).append("the release was %s: %s" % (kind, shown(why)))
    return result


def main():
    """Ask, tell, and end with the exit code."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    here = os.path.dirname(os.path.abspath(__file__))
    parser.add_argument("folder", nargs="?", default=here, help="the package; this folder if not given")
    parser.add_argument("--key", help="fingerprint of the sender's key, SHA256:...")
    parser.add_argument("--allowed-signers", help="the sender's allowed_signers file")
    parser.add_argument("--notices", help="folder with the sender's notices")
    parser.add_argument("--json", action="store_true", help="print JSON")
    given = parser.parse_args()
    try:
        result = check(given.folder, given.key, given.allowed_signers, given.notices)
    except Wrong as wrong:
        result = {"release": None, "key": None, "confirmed": False, "faults": [str(wrong)], "notes": []}
    except OSError as wrong:
        print("cannot be read: %s" % (wrong.strerror or "unknown"), file=sys.stderr)
        return 2
    if given.json:
        print(json.dumps(result, indent=2))
        return 14 if result["faults"] else 0
    for fault in result["faults"]:
        print("WRONG  " + fault)
    for note in result["notes"]:
        print("NOTE   " + note)
    if result["faults"]:
        print("Do not use this package; ask the sender for it again.")
        return 14
    print("GOOD   %s: every file is as it was signed" % result["release"])
    print("KEY    %s%s" % (result["key"], " (the sender's)" if result["confirmed"] else ""))
    if not result["confirmed"]:
        print("       Compare it with the key that the sender gave you by another way:")
        print("       anybody can sign with a key of their own.")
    if not given.notices:
        print("       Whether the release was withdrawn since, the sender tells.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
