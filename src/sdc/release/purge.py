"""Raw data deleted, every copy that the house can find, and a signed record that proves what went."""

import json
import os
from collections.abc import Iterable, Sequence
from datetime import date
from pathlib import Path

from sdc.errors import ApprovalError, DataError, IntegrityError
from sdc.params import read_params
from sdc.release.catalogue import read_catalogue
from sdc.release.notices import NAMESPACE
from sdc.release.package import ACTOR
from sdc.release.pseudonyms import keyed
from sdc.release.signers import Signer
from sdc.release.sshsig import sign
from sdc.release.store import commit, opened

PURGES = "purges"
_CACHES = (Path(".dvc/cache"), Path(".sdc/dvc-site-cache"))


def purge(
    root: Path,
    extracts: Sequence[str],
    *,
    by: str,
    because: str,
    today: date,
    signer: Signer,
    secret: bytes,
) -> dict:
    """Delete the raw and the typed file of extracts, and every other copy of the same bytes in the checkout.

    What is to be deleted is written to the store's journal first, so that a killed run is finished by the next one.
    A file on a disk that keeps old blocks, or in a backup, is not reached: the record says what was done, no more.

    Parameters
    ----------
    root : Path of the checkout
    extracts : sequence of str
        Names in params.yaml.
    by, because : str
        Actor id, and why (the end of the retention period, say).
    secret : bytes
        Master key: contents are told as keyed hashes, which prove what went to whoever holds the key, and let nobody
        else confirm a guess.

    Returns
    -------
    dict, the record: purge_id, extracts, files (path, bytes, hmac_sha256, role), searched, by, on, because

    Raises
    ------
    ApprovalError : when no actor id or no reason is given.
    DataError : when an extract is unknown, or there is nothing to delete.

    Guarantees
    ----------
    * When it ends well, no file below the checkout's data and DVC caches holds the bytes of a raw or typed file.
    * The record is signed, and names each deleted file with its size and keyed hash.
    """
    if not ACTOR.fullmatch(by):
        raise ApprovalError("purge", "nobody is named by an actor id", "Write the id, never a person's name.")
    if len(because.strip()) < 10:
        raise ApprovalError("purge", "no reason is given", "Write a sentence.")
    store = root / "releases"
    with opened(store):
        originals = _originals(root, extracts)
        hashes = {path: keyed(secret, "purge", path.read_bytes()) for path in originals}
        copies = _copies(root, originals, hashes, secret)
        if not originals:
            raise DataError("purge", "there is no file of these extracts", "Were they purged already?")
        number = 1 + len(list((store / PURGES).glob("*.json")))
        files = [_told(root, path, hashes[path], "original") for path in originals]
        files += [_told(root, path, digest, "copy") for path, digest in copies.items()]
        record = {
            "purge_id": f"PURGE-{today.year}-{number:04d}",
            "extracts": sorted(extracts),
            "on": today.isoformat(),
            "by": by,
            "because": because,
            "searched": ["data", *(cache.as_posix() for cache in _CACHES if (root / cache).exists())],
            "files": files,
        }
        text = json.dumps(record, indent=2, ensure_ascii=False) + "\n"
        name = f"{PURGES}/{record['purge_id']}.json"
        for path in (*originals, *copies):
            _writable(path)
        commit(
            store,
            files={name: text, f"{name}.sig": sign(text.encode("utf-8"), signer.private, NAMESPACE)},
            delete=[str(path.absolute()) for path in (*originals, *copies)],
        )
        left = [path for path in (*originals, *copies) if path.exists()]
        if left:
            raise IntegrityError("purge", f"{len(left)} files are still there", "Run it again.")
    return record


def waiting(root: Path, today: date) -> list[dict]:
    """Raw files that no unexpired release needs any more: extract, component, round, last day they were needed for.

    An extract that no release was made of is told too, with no day.
    """
    params = read_params(root / "params.yaml")
    entries = read_catalogue(root / "releases")
    found = []
    for name, extract in params.extracts.items():
        if not (root / extract.path).exists():
            continue
        used = [e for e in entries if e["component"] == extract.component and extract.round in e["rounds"]]
        days = [e["delete_by"] for e in used if e["delete_by"] is not None and e["status"] != "withdrawn"]
        if used and all(day < today.isoformat() for day in days):
            row = {"extract": name, "component": extract.component, "round": extract.round}
            found.append({**row, "needed_until": max(days, default=None)})
    return found


def _originals(root: Path, extracts: Iterable[str]) -> list[Path]:
    """The raw and the typed file of each extract, where they are there."""
    params = read_params(root / "params.yaml")
    found = []
    for name in extracts:
        extract = params.extracts.get(name)
        if extract is None:
            raise DataError(f"params.yaml, `{name}`", "there is no such extract", "`params.yaml` lists them.")
        raw = root / extract.path
        if ".." in Path(extract.path).parts or Path(extract.path).is_absolute() or raw.is_symlink():
            raise DataError(f"params.yaml, `{name}`", "its path leads out of the checkout", "Delete it by hand.")
        typed = root / "data" / "typed" / extract.component / f"{name}.parquet"
        found += [path for path in (raw, typed) if path.is_file()]
    return sorted(set(found))


def _copies(root: Path, originals: Sequence[Path], hashes: dict[Path, str], secret: bytes) -> dict[Path, str]:
    """Files with the bytes of an original, in the data folder and in the caches of DVC."""
    sizes = {path.stat().st_size for path in originals}
    known, own = set(hashes.values()), {path.absolute() for path in originals}
    found = {}
    for place in (root / "data", *(root / cache for cache in _CACHES)):
        for folder, _, names in os.walk(place):
            for name in sorted(names):
                path = Path(folder) / name
                if path.is_symlink() or path.absolute() in own or path.stat().st_size not in sizes:
                    continue
                digest = keyed(secret, "purge", path.read_bytes())
                if digest in known:
                    found[path] = digest
    return found


def _told(root: Path, path: Path, digest: str, role: str) -> dict:
    place = path.absolute().relative_to(root.absolute()).as_posix()
    return {"path": place, "bytes": path.stat().st_size, "hmac_sha256": digest, "role": role}


def _writable(path: Path) -> None:
    """A file in a cache of DVC is read-only; on some systems it cannot be deleted then."""
    path.chmod(path.stat().st_mode | 0o200)
