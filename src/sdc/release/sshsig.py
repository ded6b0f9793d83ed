"""Ed25519 signatures in the SSHSIG format, which a stock `ssh-keygen -Y verify` reads: nothing to install.

The format is OpenSSH's PROTOCOL.sshsig: a preamble, the public key, a namespace, the hash of the message, and the
signature over these.
"""

import base64
import re
from hashlib import sha256, sha512

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from sdc.errors import IntegrityError

NAMESPACE = "dtm-sdc-release"
_MAGIC, _KIND, _HASH = b"SSHSIG", b"ssh-ed25519", b"sha512"
_BEGIN, _END = "-----BEGIN SSH SIGNATURE-----", "-----END SSH SIGNATURE-----"


def _string(content: bytes) -> bytes:
    return len(content).to_bytes(4, "big") + content


def public_blob(key: Ed25519PublicKey) -> bytes:
    """The public key as SSH writes it."""
    return _string(_KIND) + _string(key.public_bytes(Encoding.Raw, PublicFormat.Raw))


def public_line(key: Ed25519PublicKey) -> str:
    """``ssh-ed25519 AAAA...``."""
    return f"{_KIND.decode()} {base64.b64encode(public_blob(key)).decode()}"


def public_of(line: str) -> Ed25519PublicKey:
    """The public key of a line that `public_line` wrote.

    Raises
    ------
    IntegrityError
    """
    try:
        kind, raw = _strings(base64.b64decode(line.split()[1], validate=True), 2)
        key = Ed25519PublicKey.from_public_bytes(raw)
    except (IndexError, ValueError):
        kind = b""
    if kind != _KIND:
        raise IntegrityError("public key", "is no line `ssh-ed25519 AAAA...`")
    return key


def fingerprint(line: str) -> str:
    """``SHA256:...`` of a public key, as `ssh-keygen -l` prints it."""
    return "SHA256:" + base64.b64encode(sha256(public_blob(public_of(line))).digest()).decode().rstrip("=")


def _signed(message: bytes, namespace: str) -> bytes:
    parts = (namespace.encode(), b"", _HASH, sha512(message).digest())
    return _MAGIC + b"".join(_string(part) for part in parts)


def sign(message: bytes, key: Ed25519PrivateKey, namespace: str = NAMESPACE) -> str:
    """Sign a message; the same key and message give the same text.

    Returns
    -------
    str
        An armoured SSHSIG, as `ssh-keygen -Y sign` writes.
    """
    signature = _string(_KIND) + _string(key.sign(_signed(message, namespace)))
    parts = (public_blob(key.public_key()), namespace.encode(), b"", _HASH, signature)
    blob = _MAGIC + (1).to_bytes(4, "big") + b"".join(_string(part) for part in parts)
    text = base64.b64encode(blob).decode()
    lines = [text[at : at + 70] for at in range(0, len(text), 70)]
    return "\n".join([_BEGIN, *lines, _END, ""])


def signer_of(message: bytes, signature: str, namespace: str = NAMESPACE) -> str:
    """Who signed a message: the line of the public key, once the signature is seen to hold.

    That this key is one to trust is for the caller to find.

    Raises
    ------
    IntegrityError : when the text is no SSHSIG of this namespace, or the signature does not hold.
    """
    body = re.fullmatch(rf"{_BEGIN}\n([A-Za-z0-9+/=\n]+)\n{_END}\n", signature)
    start = _MAGIC + (1).to_bytes(4, "big")
    try:
        blob = base64.b64decode(body[1].replace("\n", ""), validate=True) if body else b""
        public, space, reserved, hashing, signed = _strings(blob.removeprefix(start), 5)
        kind, raw = _strings(signed, 2)
        line = f"{_KIND.decode()} {base64.b64encode(public).decode()}"
        public_of(line).verify(raw, _signed(message, namespace))
        sound = blob.startswith(start) and (space, reserved, hashing, kind) == (namespace.encode(), b"", _HASH, _KIND)
    except (ValueError, InvalidSignature, IntegrityError):
        sound = False
    if not sound:
        raise IntegrityError("signature", "does not hold", "Do not use what it signs; ask for it again.")
    return line


def _strings(blob: bytes, number: int) -> list[bytes]:
    """Strings of SSH's encoding, exactly so many."""
    found, at = [], 0
    for _ in range(number):
        length = int.from_bytes(blob[at : at + 4], "big")
        part = blob[at + 4 : at + 4 + length]
        if len(part) != length or at + 4 > len(blob):
            raise ValueError
        found.append(part)
        at += 4 + length
    if at != len(blob):
        raise ValueError
    return found
