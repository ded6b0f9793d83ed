"""A store that is changed whole or not at all: one at a time, staged, journalled, synced, finished by the next run."""

import json
import os
import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from sdc.errors import IntegrityError
from sdc.files import alone, sha256_of, sync, write_json, write_text
from sdc.release.catalogue import read_catalogue, write_catalogue
from sdc.release.manifest import MANIFEST

Enter = Callable[[Mapping], None]  # tells the register of an entry of the catalogue; the same entry twice does no harm
STAGING = ".staging"
_LOCK, JOURNAL = ".lock", ".journal.json"


@contextmanager
def opened(store: Path, enter: Enter | None = None) -> Iterator[None]:
    """The store for one operation alone, with what a killed one left finished.

    Raises
    ------
    IntegrityError : when another operation is under way, or the store cannot be written.
    """
    with _writable(store), alone(store / _LOCK, "another publication"):
        finish(store, enter)
        yield


def commit(
    store: Path,
    *,
    entries: Sequence[Mapping] = (),
    files: Mapping[str, str] | None = None,
    move: tuple[Path, Path, str] | None = None,
    delete: Sequence[str] = (),
    enter: Enter | None = None,
) -> None:
    """Make a change last: it is written to a journal first, and finished by the next run if this one is killed.

    Parameters
    ----------
    store : Path
    entries : sequence of mapping
        Entries of the catalogue, new or changed; the path tells which.
    files : mapping of relative path to text
        Small documents, such as signed notices; never one that stands there with another content.
    move : (staged folder, its place, SHA-256 of its manifest), optional
        Without the folder in its place the rest is not done.
    delete : sequence of str
        Absolute paths of files outside the store that are deleted, each checked by the caller.
    enter : callable, optional
        Told of what was released, superseded, withdrawn or destroyed, after the catalogue and before the journal goes.

    Guarantees
    ----------
    * All of it is done, or none, at whatever moment the run is killed, once the next run has ended.
    """
    for name, text in (files or {}).items():
        standing = store / name
        if standing.exists() and standing.read_bytes() != text.encode("utf-8"):
            raise IntegrityError(str(standing), "stands there already with another content", "Nothing was changed.")
    journal = {
        "release": None if move is None else {"path": _relative(store, move[1]), "manifest_sha256": move[2]},
        "files": dict(files or {}),
        "entries": [dict(entry) for entry in entries],
        "delete": list(delete),
    }
    if move is not None:
        new_folder(move[1].parent)
    write_json(store / JOURNAL, journal)
    sync(store)
    if move is not None:
        source, target, _ = move
        source.replace(target)
        sync(target.parent)
        sync(store)
    finish(store, enter)


def finish(store: Path, enter: Enter | None = None) -> None:
    """What a killed run left: do what its journal tells, drop what it staged, bring the CSV up to date."""
    entries, place = read_catalogue(store), store / JOURNAL
    new: list[dict] = []
    try:
        journal = json.loads(place.read_bytes())
        release = journal["release"]
        if release is None or _lies_there(store, release):
            for name, text in journal["files"].items():
                _document(store / name, text)
            for name in journal["delete"]:
                gone = Path(name)
                gone.unlink(missing_ok=True)
                sync(gone.parent)
            entries = _entered(entries, journal["entries"])
            moved = release and release["path"]
            told = ("superseded_by", "withdrawn", "destroyed")
            new = [e for e in journal["entries"] if e["path"] == moved or any(e.get(fact) for fact in told)]
    except FileNotFoundError:
        pass
    except (ValueError, KeyError, TypeError, AttributeError):
        raise IntegrityError(str(place), "cannot be read", "Compare the store with a backup.") from None
    write_catalogue(store, entries)
    sync(store)
    if enter is not None:
        for entry in new:
            enter(entry)
    place.unlink(missing_ok=True)
    clear(store)


def _lies_there(store: Path, release: Mapping) -> bool:
    target = store / release["path"]
    if not (target / MANIFEST).is_file() or sha256_of(target / MANIFEST) != release["manifest_sha256"]:
        return False
    target.chmod(0o555 & target.stat().st_mode)
    return True


def _entered(entries: Sequence[dict], changed: Sequence[dict]) -> list[dict]:
    """The catalogue with some entries changed in their places, and new ones at its end."""
    new = {entry["path"]: entry for entry in changed}
    return [new.pop(entry["path"], entry) for entry in entries] + list(new.values())


def _document(path: Path, text: str) -> None:
    """A small document that is written once and read-only."""
    if path.exists():
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    write_text(path, text)
    path.chmod(path.stat().st_mode & 0o444)
    sync(path.parent)
    sync(path.parent.parent)


def _relative(store: Path, path: Path) -> str:
    return path.relative_to(store).as_posix()


def clear(store: Path) -> None:
    """Remove what was staged and never moved."""
    partial = (left for depth in ("", "*/", "*/*/") for left in store.glob(f"{depth}.*.partial"))
    for left in (*store.glob(f"{STAGING}*"), *partial):
        _remove(left)


def staged(candidate: Path, store: Path) -> Path:
    """A copy of a package inside the store, on disk, its files read-only."""
    if candidate.is_symlink():
        raise IntegrityError(str(candidate), "is a link, and no candidate", "Run `dvc repro`.")
    staging = store / STAGING
    staging.mkdir()
    _copy(candidate, staging)
    return staging


def add_file(folder: Path, name: str, text: str) -> None:
    """One more read-only file in a staged package, on disk."""
    with (folder / name).open("xb") as written:
        written.write(text.encode("utf-8"))
        written.flush()
        os.fsync(written.fileno())
    (folder / name).chmod(0o444)
    sync(folder)


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
    sync(target)


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


def new_folder(path: Path) -> None:
    """Make a folder whose name lasts.

    Raises
    ------
    IntegrityError : when a link stands in its place, which would take what is put into it out of the store.
    """
    if path.is_symlink():
        raise IntegrityError(str(path), "is a link, and no folder of the store", "Find out who made it.")
    path.mkdir(exist_ok=True)
    sync(path.parent)


def _remove(path: Path) -> None:
    """Remove what was staged; its folders are read-only."""
    if not path.is_dir() or path.is_symlink():
        path.unlink(missing_ok=True)
        return
    for folder in (path, *(p for p in path.rglob("*") if p.is_dir() and not p.is_symlink())):
        folder.chmod(0o755)
    shutil.rmtree(path)
