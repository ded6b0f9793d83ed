"""Move a candidate into the store: staged, checked as staged, renamed, entered in the catalogue; never half."""

import json
import os
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import date
from pathlib import Path

from filelock import FileLock, Timeout

from sdc.errors import ApprovalError, DisclosureError, IntegrityError, SdcError
from sdc.files import sha256_of, write_json
from sdc.release.catalogue import read_catalogue, write_catalogue
from sdc.release.manifest import MANIFEST, SUMS, verdict_sha256
from sdc.release.package import ACTOR
from sdc.release.verify import verify
from sdc.request import Request

_LOCK, _JOURNAL, _STAGING = ".lock", ".journal.json", ".staging"


def publish(
    candidate: Path,
    store: Path,
    *,
    request: Request,
    verdict: Mapping,
    today: date,
    approved_by: tuple[str, ...],
    extra: Mapping,
) -> Path:
    """Move a candidate package into the store and enter it in the catalogue.

    The copy in the staging folder is what is verified and what is renamed. What is about to be entered is written to
    a journal first, so that the next run, of whatever request, finishes what a killed one left.

    Parameters
    ----------
    candidate : Path
        Folder of a package; it is left as it is.
    store : Path
    request : Request
    verdict : mapping
        The one the package was built from.
    today : date
    approved_by : tuple of str
        Actor ids of those who reviewed the candidate.
    extra : mapping
        What is known only now (the lock of the pipeline), entered in the catalogue as it is.

    Returns
    -------
    Path of the release in the store

    Raises
    ------
    ApprovalError : when the request is not approved or has expired, or nobody is named who reviewed the candidate.
    DisclosureError : when the verdict's gate is not `pass`.
    IntegrityError : when the package is not whole, is not built from this verdict, another package was released under
        this version, another publication is under way, or the store cannot be written.

    Guarantees
    ----------
    * A release is there whole or not at all, at whatever moment the run is killed; running it again finishes.
    * A released folder never changes; publishing the same package again changes nothing.
    * The catalogue holds every release once.
    """
    request.require_approval(today)
    if not approved_by or not all(ACTOR.fullmatch(actor) for actor in approved_by):
        raise ApprovalError(request.id, "no reviewer is named by an actor id", "Name who read the report.")
    if verdict.get("gate") != "pass" or verdict.get("request") != request.id:
        raise DisclosureError(request.id, "the verdict's gate is not `pass`", "Nothing is published. Read the report.")
    if not (candidate / MANIFEST).is_file():
        raise IntegrityError(str(candidate), "there is no candidate", "Run `dvc repro`.")
    with _writable(store), _alone(store):
        _finish(store)
        target = store / request.id / f"v{request.version}"
        entries = read_catalogue(store)
        listed = next((e for e in entries if e["path"] == target.relative_to(store).as_posix()), None)
        if listed is not None or target.exists():
            _same(candidate, target, request)
            if listed is not None:
                return target
        try:
            source = target if target.exists() else _staged(candidate, store)
            verify(source)
            entry = _entry(source, target, store, request, verdict, today, approved_by, extra)
        except SdcError:
            _clear(store)  # the copy of a package that is refused does not stay
            raise
        write_json(store / _JOURNAL, entry)
        _sync(store)
        if source != target:
            _new_folder(target.parent)
            source.replace(target)
            _sync(target.parent)
            _sync(store)
        _finish(store)
    return target


def _finish(store: Path) -> None:
    """What a killed run left: enter the release that it moved, drop what it staged, bring the CSV up to date."""
    entries, journal = read_catalogue(store), store / _JOURNAL
    try:
        entry = json.loads(journal.read_bytes())
        target = store / entry["path"]
        if (target / MANIFEST).is_file() and sha256_of(target / MANIFEST) == entry["manifest_sha256"]:
            target.chmod(0o555 & target.stat().st_mode)
            if all(known["path"] != entry["path"] for known in entries):
                entries = [*entries, entry]
    except FileNotFoundError:
        pass
    except (ValueError, KeyError, TypeError):
        raise IntegrityError(str(journal), "cannot be read", "Compare the store with a backup.") from None
    write_catalogue(store, entries)
    _sync(store)
    journal.unlink(missing_ok=True)
    _clear(store)


def _clear(store: Path) -> None:
    """Remove what was staged and never moved."""
    for left in (*store.glob(f"{_STAGING}*"), *store.glob(".*.partial")):
        _remove(left)


def _staged(candidate: Path, store: Path) -> Path:
    """A copy of the candidate inside the store, on disk, read-only but for its own folder."""
    staging = store / _STAGING
    staging.mkdir()
    _copy(candidate, staging)
    return staging


def _copy(source: Path, target: Path) -> None:
    for path in sorted(source.iterdir()):
        copy = target / path.name
        if path.is_symlink() or not (path.is_file() or path.is_dir()):
            raise IntegrityError(path.name.encode("ascii", "replace").decode(), "is a link or a special file")
        if path.is_dir():
            copy.mkdir()
            _copy(path, copy)
            copy.chmod(copy.stat().st_mode & 0o555)
            continue
        with path.open("rb") as content, copy.open("xb") as written:
            shutil.copyfileobj(content, written, 1 << 20)
            written.flush()
            os.fsync(written.fileno())
        copy.chmod(copy.stat().st_mode & 0o444)
    _sync(target)


def _same(candidate: Path, target: Path, request: Request) -> None:
    """Refuse another package under a version that is released already."""
    released = target / MANIFEST
    if not released.is_file() or sha256_of(candidate / MANIFEST) != sha256_of(released):
        raise IntegrityError(
            f"{request.id}, v{request.version}",
            "another package was released under this version",
            "Give the request a higher version, run `dvc repro`, and publish that.",
        )
    verify(target)


def _entry(
    source: Path,
    target: Path,
    store: Path,
    request: Request,
    verdict: Mapping,
    today: date,
    approved_by: tuple[str, ...],
    extra: Mapping,
) -> dict:
    """The catalogue's entry of a verified package."""
    manifest = json.loads((source / MANIFEST).read_bytes())
    if (manifest["request_id"], manifest["version"]) != (request.id, request.version):
        raise IntegrityError(str(request.id), "the candidate is of another request or version", "Run `dvc repro`.")
    if manifest["validation"]["verdict_sha256"] != verdict_sha256(verdict):
        raise IntegrityError(str(request.id), "the candidate was built from another verdict", "Run `dvc repro`.")
    return {
        "release_id": manifest["release_id"],
        "request_id": request.id,
        "version": request.version,
        "status": "released",
        "title": manifest["title"],
        "country": manifest["country"],
        "component": manifest["component"],
        "population_id": manifest["population_id"],
        "rounds": manifest["rounds"],
        "tier": manifest["recipient"]["tier"],
        "organisation": manifest["recipient"]["organisation"],
        "classification": manifest["classification"],
        "published_on": today.isoformat(),
        "approved_by": list(approved_by),
        "delete_by": manifest["retention"]["delete_by"],
        "path": target.relative_to(store).as_posix(),
        "files": len(manifest["files"]) + 2,
        "bytes": sum(path.stat().st_size for path in source.rglob("*") if path.is_file()),
        "manifest_sha256": sha256_of(source / MANIFEST),
        "sums_sha256": sha256_of(source / SUMS),
        "at_publication": dict(extra),
    }


@contextmanager
def _alone(store: Path) -> Iterator[None]:
    """One publication at a time; the system takes the lock back when its holder ends, however it ends."""
    lock = FileLock(store / _LOCK, timeout=0)
    try:
        lock.acquire()
    except Timeout:
        raise IntegrityError(str(store), "another publication is under way", "Run it again when that ends.") from None
    try:
        yield
    finally:
        lock.release()


@contextmanager
def _writable(store: Path) -> Iterator[None]:
    """A store that cannot be written, or a disk that is full, in our words."""
    try:
        store.mkdir(parents=True, exist_ok=True)
        yield
    except OSError as refused:
        raise IntegrityError(
            str(store),
            f"cannot be written ({os.strerror(refused.errno) if refused.errno else 'unknown'})",
            "Nothing was released. Mend the disk or its permissions, and run it again.",
        ) from None


def _new_folder(path: Path) -> None:
    path.mkdir(exist_ok=True)
    _sync(path.parent)


def _sync(folder: Path) -> None:
    """Make names in a folder last; only POSIX can open a folder for that."""
    if os.name != "posix":
        return
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _remove(path: Path) -> None:
    """Remove what was staged; its folders are read-only."""
    if not path.is_dir() or path.is_symlink():
        path.unlink(missing_ok=True)
        return
    for folder in (path, *(p for p in path.rglob("*") if p.is_dir() and not p.is_symlink())):
        folder.chmod(0o755)
    shutil.rmtree(path)
