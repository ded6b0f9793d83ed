"""The keys that releases are signed with: made, rotated, revoked; the public half in git, the private half never."""

import base64
import json
import os
import stat
from contextlib import AbstractContextManager
from datetime import date
from pathlib import Path
from typing import NamedTuple

import keyring
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from keyring.errors import KeyringError
from pydantic import ValidationError

from sdc.documents import Frozen
from sdc.errors import IntegrityError
from sdc.files import alone, write_json, write_text
from sdc.release.sshsig import NAMESPACE, fingerprint, public_line, sign

SERVICE = "dtm-sdc"
FILES = "dtm-sdc-file"  # the namespace of letters and the like: a signature on one is none on a release
PRINCIPAL = "dtm-sdc"  # whom a signature is by, in an allowed_signers file
SIGNERS = Path("signers") / "signers.json"
PRIVATE = Path(".sdc") / "signing"


class Key(Frozen):
    """The public half of a key, and the days on which it signs."""

    id: str
    public: str
    fingerprint: str
    since: date
    until: date | None = None
    revoked: date | None = None
    because: str | None = None

    def signs_on(self, day: date) -> bool:
        """Whether a signature of this day by this key is to be trusted."""
        return self.since <= day and (self.until is None or day <= self.until)


class _Signers(Frozen):
    schema_version: str = "1.0"
    keys: tuple[Key, ...] = ()


class Signer(NamedTuple):
    """A key that can sign."""

    key: Key
    private: Ed25519PrivateKey

    def sign(self, message: bytes) -> str:
        """An armoured SSHSIG of a message."""
        return sign(message, self.private)


def read_keys(path: Path) -> tuple[Key, ...]:
    """All keys there ever were, oldest first; none where there is no such file.

    Raises
    ------
    IntegrityError : when it cannot be read, or a fingerprint is not that of its key.
    """
    try:
        keys = _Signers.model_validate_json(path.read_bytes()).keys
    except FileNotFoundError:
        return ()
    except (ValidationError, OSError):
        raise IntegrityError(str(path), "cannot be read as a list of keys", "Restore it from git.") from None
    if any(fingerprint(key.public) != key.fingerprint for key in keys) or len({key.id for key in keys}) != len(keys):
        raise IntegrityError(str(path), "holds a key twice, or under another fingerprint", "Restore it from git.")
    return keys


def current(keys: tuple[Key, ...]) -> Key | None:
    """The key that signs now: the one that was neither retired nor revoked."""
    live = [key for key in keys if key.until is None and key.revoked is None]
    return live[-1] if live else None


def naming(path: Path) -> str | None:
    """Fingerprint of the key that signs now, for a package to name; None where there is no key."""
    key = current(read_keys(path))
    return None if key is None else key.fingerprint


def new_key(root: Path, today: date, *, in_keyring: bool | None = None) -> Key:
    """Make a signing key where there is none yet.

    Parameters
    ----------
    root : Path of the checkout
    today : date
    in_keyring : bool, optional
        Where the private half is kept: the system's keyring, or a file of mode 0600. Chosen by what there is.

    Raises
    ------
    IntegrityError : when there is one already.
    """
    with _alone(root):
        keys = read_keys(root / SIGNERS)
        if current(keys) is not None:
            raise IntegrityError(str(root / SIGNERS), "there is a signing key", "Run `sdc release keys rotate`.")
        return _added(root, keys, today, in_keyring)


def rotate(
    root: Path, today: date, *, revoke: bool = False, because: str | None = None, in_keyring: bool | None = None
) -> Key:
    """Retire the signing key and make another.

    What the old key signed until today still verifies, unless it is revoked: then nothing does.

    Raises
    ------
    IntegrityError : when there is no key to retire, or one is revoked without a reason.
    """
    with _alone(root):
        keys = read_keys(root / SIGNERS)
        old = current(keys)
        if old is None:
            raise IntegrityError(str(root / SIGNERS), "there is no key to retire", "Run `sdc release keys new`.")
        if revoke and not because:
            raise IntegrityError(old.id, "a key is not revoked without a reason", "Give `--because`.")
        ended = old.model_copy(
            update={"until": today, "revoked": today if revoke else None, "because": because if revoke else None}
        )
        return _added(root, tuple(ended if key.id == old.id else key for key in keys), today, in_keyring)


def load_signer(root: Path) -> Signer:
    """The key that signs now, with its private half.

    Raises
    ------
    IntegrityError : when there is none, others than its owner can read it, or it is not the half of the public key.
    """
    key = current(read_keys(root / SIGNERS))
    if key is None:
        raise IntegrityError(
            str(root / SIGNERS), "there is no signing key", "Run `sdc release keys new`, then `dvc repro`."
        )
    secret = _from_file(root / PRIVATE / f"{key.id}.key") or _from_keyring(key.id)
    if secret is None:
        raise IntegrityError(key.id, "its private half is not on this machine", "Sign where it is, or rotate.")
    try:
        private = Ed25519PrivateKey.from_private_bytes(base64.b64decode(secret, validate=True))
    except ValueError:
        raise IntegrityError(key.id, "its private half cannot be read", "Restore it, or rotate.") from None
    if public_line(private.public_key()) != key.public:
        raise IntegrityError(key.id, "its private half is of another key", "Restore it, or rotate.")
    return Signer(key, private)


def allowed_signers(keys: tuple[Key, ...]) -> str:
    """All keys that were not revoked, each with the days on which it signs, as `ssh-keygen -Y verify` reads them."""
    lines = []
    for key in keys:
        if key.revoked is None:
            days = f'namespaces="{NAMESPACE},dtm-sdc-notice,{FILES}",valid-after="{key.since:%Y%m%d}"'
            days += f',valid-before="{key.until:%Y%m%d}235959"' if key.until else ""
            lines.append(f"{PRINCIPAL} {days} {key.public} {key.id}\n")
    return "".join(lines)


def revoked_keys(keys: tuple[Key, ...]) -> str:
    """Keys that nobody may trust any more, as `ssh-keygen -Y verify -r` reads them."""
    return "".join(f"{key.public} {key.id}\n" for key in keys if key.revoked is not None)


def export_keys(root: Path, out: Path) -> list[Path]:
    """Write what recipients need: `allowed_signers`, `revoked_keys`, and the list as JSON.

    Raises
    ------
    IntegrityError : when there is no key.
    """
    keys = read_keys(root / SIGNERS)
    if not keys:
        raise IntegrityError(str(root / SIGNERS), "there is no signing key", "Run `sdc release keys new`.")
    written = [out / "allowed_signers", out / "revoked_keys", out / "signers.json"]
    write_text(written[0], allowed_signers(keys))
    write_text(written[1], revoked_keys(keys))
    if written[2].resolve() != (root / SIGNERS).resolve():
        _write(written[2], keys)
    return written


def trusted(keys: tuple[Key, ...], line: str, day: date | None) -> str:
    """What is wrong with a signature by a public key on a day, if that is known; empty where nothing is."""
    known = next((key for key in keys if key.public == line), None)
    if known is None:
        return "is by a key that is not among the signers"
    if known.revoked is not None:
        return f"is by the key {known.id}, which was revoked"
    return "" if day is None or known.signs_on(day) else f"is by the key {known.id}, which did not sign on that day"


def _added(root: Path, keys: tuple[Key, ...], today: date, in_keyring: bool | None) -> Key:
    private = Ed25519PrivateKey.generate()
    line = public_line(private.public_key())
    key = Key(id=f"KEY-{today.year}-{len(keys) + 1:02d}", public=line, fingerprint=fingerprint(line), since=today)
    secret = base64.b64encode(private.private_bytes(Encoding.Raw, PrivateFormat.Raw, NoEncryption())).decode()
    if in_keyring is None:
        in_keyring = has_keyring()
    if in_keyring:
        try:
            keyring.set_password(SERVICE, key.id, secret)
        except KeyringError:
            raise IntegrityError("keyring", "does not take the key", "Give `--file`.") from None
    else:
        _to_file(root / PRIVATE / f"{key.id}.key", secret)
    _write(root / SIGNERS, (*keys, key))
    return key


def has_keyring() -> bool:
    """Whether this machine has a keyring that keeps something: the null and fail backends do not."""
    return float(getattr(keyring.get_keyring(), "priority", 0)) > 0


def _write(path: Path, keys: tuple[Key, ...]) -> None:
    write_json(path, json.loads(_Signers(keys=keys).model_dump_json()))
    path.chmod(0o644)


def _to_file(path: Path, secret: str) -> None:
    """Write a private half; one that a killed run left under this name signs nothing, and is replaced."""
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    unfinished = path.with_suffix(".partial")
    unfinished.unlink(missing_ok=True)
    handle = os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(handle, "w") as new:
        new.write(secret)
        new.flush()
        os.fsync(new.fileno())
    unfinished.replace(path)


def _from_file(path: Path) -> str | None:
    if not path.exists():
        return None
    if os.name == "posix" and stat.S_IMODE(path.stat().st_mode) & 0o077:
        raise IntegrityError(str(path), "others than its owner can read the key", f"Run `chmod 600 {path}`.")
    return path.read_text(encoding="ascii", errors="replace").strip()


def _from_keyring(name: str) -> str | None:
    try:
        return keyring.get_password(SERVICE, name)
    except KeyringError:
        return None


def _alone(root: Path) -> AbstractContextManager[None]:
    (root / PRIVATE).mkdir(parents=True, exist_ok=True, mode=0o700)
    return alone(root / PRIVATE / ".lock", "another change of keys", seconds=10)
