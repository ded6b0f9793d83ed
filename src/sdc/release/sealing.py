"""A release as one file for its recipient: a tar that is always the same, encrypted to the recipient's age key."""

import io
import re
import tarfile
from collections.abc import Mapping
from datetime import date
from hashlib import sha256
from pathlib import Path

import pyrage
from pydantic import Field

from sdc.documents import Frozen, read_document
from sdc.errors import ApprovalError, Fault, IntegrityError, RequestError
from sdc.files import appearing
from sdc.release.catalogue import read_catalogue
from sdc.release.notices import entry_named
from sdc.release.package import ACTOR
from sdc.release.store import commit, opened
from sdc.release.verify import verify

RECIPIENTS = Path("recipients.yaml")
_AGE = r"^age1[ac-hj-np-z02-9]{58}$"
_MOST_BYTES = 8 << 30


class Recipient(Frozen):
    """An organisation's public key, and who made sure that it is theirs."""

    organisation: str
    age: str = Field(pattern=_AGE)
    confirmed_by: str = Field(pattern=ACTOR.pattern)
    confirmed_on: date
    how: str = Field(min_length=5)


class Recipients(Frozen):
    """The content of recipients.yaml."""

    recipients: tuple[Recipient, ...] = ()


def read_recipients(path: Path) -> tuple[Recipient, ...]:
    """The keys of recipients; none where there is no such file.

    Raises
    ------
    RequestError : when it cannot be read, or an organisation stands twice.
    """
    if not path.exists():
        return ()
    found = read_document(path, Recipients, RequestError).recipients
    names = [each.organisation for each in found]
    if len(set(names)) != len(names):
        raise RequestError(str(path), "names an organisation twice", "Keep the key that is confirmed last.")
    return found


def share(
    store: Path,
    release: str,
    out: Path,
    *,
    recipients: tuple[Recipient, ...],
    to: str | None,
    by: str,
    today: date,
    unencrypted_because: str | None = None,
) -> dict:
    """Write a release as one file for its recipient, and enter in the catalogue that it was shared.

    Parameters
    ----------
    release : str
        A release id, or a request id for its newest release.
    out : Path
        The file to write: a tar encrypted with age, or a plain tar.
    recipients : tuple of Recipient
    to : str, optional
        The public key; it must be the confirmed one of the organisation where there is one.
    by : str
        Actor id of the officer who shares.
    unencrypted_because : str, optional
        Why a share goes out plain; without it only public releases do.

    Returns
    -------
    dict with release_id, to, on, by, age, sha256, unencrypted_because: as entered

    Raises
    ------
    ApprovalError : when a restricted release has no key and no reason, or another key than the confirmed one.
    IntegrityError : when the release is withdrawn, expired, or not whole, or `out` is there already.

    Guarantees
    ----------
    * A restricted release goes out encrypted to the organisation it was made for, or with a written reason.
    """
    if not ACTOR.fullmatch(by):
        raise ApprovalError(release, "nobody is named by an actor id", "Write the id, never a person's name.")
    if out.exists():
        raise IntegrityError(str(out), "is there already", "Name another file.")
    with opened(store):
        entry = entry_named(read_catalogue(store), release)
        name = entry["release_id"]
        if entry["status"] == "withdrawn":
            raise IntegrityError(name, "was withdrawn, and is not shared")
        if entry["delete_by"] is not None and date.fromisoformat(entry["delete_by"]) < today:
            raise IntegrityError(name, "is past its day of deletion, and is not shared")
        key = _key(entry, recipients, to, unencrypted_because)
        folder = store / entry["path"]
        verify(folder)
        packed = pack(folder, name)
        content = packed if key is None else pyrage.encrypt(packed, [pyrage.x25519.Recipient.from_str(key)])
        record = {
            "to": entry["organisation"],
            "on": today.isoformat(),
            "by": by,
            "age": key,
            "sha256": sha256(content).hexdigest(),
            "unencrypted_because": unencrypted_because if key is None else None,
        }
        with appearing(out) as unfinished:  # the file has its name only once the share is entered
            unfinished.write_bytes(content)
            commit(store, entries=[{**entry, "shares": [*entry.get("shares", []), record]}])
    return {"release_id": name, **record}


def _key(entry: Mapping, recipients: tuple[Recipient, ...], to: str | None, because: str | None) -> str | None:
    """The key to encrypt to; None where the share goes out plain for a reason, or is public."""
    name = entry["release_id"]
    confirmed = next((each.age for each in recipients if each.organisation == entry["organisation"]), None)
    if to is not None and not re.fullmatch(_AGE, to):
        raise RequestError("--to", "is no age public key", "It begins with `age1` and has 62 characters.")
    if to is not None and confirmed is not None and to != confirmed:
        said = "the key is not the confirmed one of the organisation that this release was made for"
        raise ApprovalError(name, said, f"Mend {RECIPIENTS} if the organisation has a new key.")
    if because is not None and len(because.strip()) < 10:
        raise ApprovalError(name, "the reason to share it plain says nothing", "Write a sentence.")
    key = to or confirmed
    if key is not None and because is None:
        return key
    if because is not None or entry["tier"] == "public":
        return None
    do = f"Ask the organisation for an age public key and enter it in {RECIPIENTS}; or give a reason in writing."
    raise ApprovalError(name, f"a {entry['tier']} release is not shared unencrypted", do)


def pack(folder: Path, name: str) -> bytes:
    """A folder as a tar: the same bytes whoever packs it, wherever and whenever."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=tarfile.PAX_FORMAT) as archive:
        for path in sorted(folder.rglob("*"), key=lambda path: path.relative_to(folder).as_posix()):
            if path.is_file():
                member = tarfile.TarInfo(f"{name}/{path.relative_to(folder).as_posix()}")
                member.size, member.mode = path.stat().st_size, 0o644
                with path.open("rb") as content:
                    archive.addfile(member, content)
    return buffer.getvalue()


def open_sealed(file: Path, identity: Path, out: Path) -> Path:
    """Decrypt a share and unpack it.

    Parameters
    ----------
    file : Path
    identity : Path
        File with the recipient's secret key, as `age-keygen` writes it.
    out : Path
        Folder to unpack into; the package must not be there yet.

    Returns
    -------
    Path of the package

    Raises
    ------
    IntegrityError : when the key does not open it, or it holds anything but one folder of plain files.
    """
    try:
        lines = identity.read_text(encoding="ascii").splitlines()
        keys = [pyrage.x25519.Identity.from_str(line.strip()) for line in lines if line.startswith("AGE-SECRET-KEY-")]
        packed = pyrage.decrypt(file.read_bytes(), keys)
    except (OSError, UnicodeDecodeError, ValueError, pyrage.IdentityError, pyrage.DecryptError):
        raise IntegrityError(str(file), "is not opened by this key", "Is the key the one that you sent?") from None
    try:
        return _unpacked(packed, out)
    except (tarfile.TarError, OSError):
        raise IntegrityError(str(file), "holds no package that can be unpacked") from None


def _unpacked(packed: bytes, out: Path) -> Path:
    with tarfile.open(fileobj=io.BytesIO(packed), mode="r:") as archive:
        members = archive.getmembers()
        tops = {member.name.split("/")[0] for member in members}
        wrong = [m for m in members if not m.isfile() or not re.fullmatch(r"\w[\w.-]*(?:/\w[\w.-]*)+", m.name)]
        if wrong or len(tops) != 1 or sum(member.size for member in members) > _MOST_BYTES:
            raise IntegrityError.of([Fault("share", "holds other than one folder of plain files", "Do not use it.")])
        target = out / tops.pop()
        if target.exists():
            raise IntegrityError(str(target), "is there already", "Name another folder.")
        out.mkdir(parents=True, exist_ok=True)
        archive.extractall(out, filter="data")
    return target
