"""The facts store: what every release of a population tells, in the secure area, added to and never taken from."""

import json
import shutil
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import replace
from datetime import date
from pathlib import Path

import pandas as pd

from sdc.audit.facts import Facts
from sdc.errors import Fault, IntegrityError
from sdc.files import alone, appearing_folder, sync, write_json

INDEX, ABOUT = "index.json", "about.json"
AGAIN = "Restore the facts store from a backup: an audit without it proves nothing."


def write_prepared(facts: Facts, folder: Path) -> None:
    """Write the facts of one release as a folder that appears whole or not at all, readable by its owner only."""
    with appearing_folder(folder) as unfinished:
        for name, frame in facts.frames().items():
            frame.to_parquet(unfinished / f"{name}.parquet", compression="zstd")
        write_json(unfinished / ABOUT, {**facts.about, "facts_sha256": facts.digest()})
        _owner_only(unfinished)


def read_prepared(folder: Path) -> Facts:
    """Read one release's facts.

    Raises
    ------
    IntegrityError : when the folder is absent or is not what was written.
    """
    try:
        about = json.loads((folder / ABOUT).read_bytes())
        frames = {path.stem: pd.read_parquet(path) for path in sorted(folder.glob("*.parquet"))}
        digest = about.pop("facts_sha256")
        facts = Facts(about, **frames)
        whole = facts.digest() == digest
    except (OSError, ValueError, KeyError, TypeError):
        raise IntegrityError(str(folder), "holds no facts of a release", AGAIN) from None
    if not whole:
        raise IntegrityError(str(folder), "its facts are not those that were entered", AGAIN)
    return facts


def read_index(store: Path) -> list[dict]:
    """Every release that the store of a component knows, in the order of entry; none where there is no index yet.

    Raises
    ------
    IntegrityError : when it cannot be read, or names a release twice.
    """
    path = store / INDEX
    try:
        entries = json.loads(path.read_bytes())["releases"]
        ids = [entry["release_id"] for entry in entries]
    except FileNotFoundError:
        return []
    except (ValueError, KeyError, TypeError):
        raise IntegrityError(str(path), "cannot be read", AGAIN) from None
    if len(set(ids)) != len(ids):
        raise IntegrityError(str(path), "does not hold every release once", AGAIN)
    return entries


def make_index(store: Path) -> None:
    """An empty index where there is none; one that stands there stays as it is."""
    with _alone(store):
        if not (store / INDEX).is_file():
            _write_index(store, [])


def read_facts(store: Path, population: str) -> list[Facts]:
    """What every release of a population tells, in the order of entry, withdrawn ones too: what is out stays known.

    Raises
    ------
    IntegrityError : when a release of the index is absent or was changed.
    """
    found: list[Facts] = []
    faults: list[Fault] = []
    for entry in read_index(store):
        if entry["population"] != population:
            continue
        folder = store / entry["release_id"]
        try:
            facts = read_prepared(folder)
        except IntegrityError as wrong:
            faults += wrong.faults
            continue
        if facts.digest() != entry["facts_sha256"]:
            faults.append(Fault(str(folder), "its facts are not those of the index", AGAIN))
        named = {"release_id": entry["release_id"], "version": entry["version"]}
        found.append(replace(facts, about={**facts.about, **named}))
    if faults:
        raise IntegrityError.of(faults)
    return found


def enter(prepared: Path, store: Path, *, release_id: str, request: str, version: str, today: date) -> None:
    """Add what a release tells to the store; called while it is published.

    Parameters
    ----------
    prepared : Path
        Folder that the audit stage wrote for this release; it is left as it is.
    store : Path
        Folder of the component.
    release_id, request, version : str
        As in the catalogue.
    today : date

    Raises
    ------
    IntegrityError : when the folder is of another request, another content stands under this id, or somebody else
        is entering.

    Guarantees
    ----------
    * A release is in the index with all its facts or not at all, at whatever moment the run is killed.
    * Entering the same facts again changes nothing; no entry ever leaves.
    """
    facts = read_prepared(prepared)
    if facts.about["request"] != request:
        raise IntegrityError(str(prepared), "holds the facts of another request", "Run `dvc repro`.")
    with _alone(store):
        entries = read_index(store)
        listed = next((entry for entry in entries if entry["release_id"] == release_id), None)
        if listed is not None:
            if listed["facts_sha256"] != facts.digest():
                raise IntegrityError(release_id, "other facts were entered under this id", "Raise the version.")
            return
        with appearing_folder(store / release_id) as unfinished:
            for path in sorted(prepared.iterdir()):
                shutil.copyfile(path, unfinished / path.name)
                sync(unfinished / path.name)
            _owner_only(unfinished)
        sync(store)
        told = ("request", "population", "kind", "tier", "organisation", "rounds")
        entry = (
            {"release_id": release_id, "version": version}
            | {name: facts.about[name] for name in told}
            | {
                "entered_on": today.isoformat(),
                "facts_sha256": facts.digest(),
            }
        )
        _write_index(store, [*entries, entry])


def require_all_known(store: Path, released: Sequence[Mapping], component: str) -> None:
    """Refuse to audit while a release of the component is out and its facts are not known.

    Parameters
    ----------
    released : sequence of mapping
        Entries of the catalogue, and of the register: emptying one of the two hides no release.

    Raises
    ------
    IntegrityError
    """
    known = {entry["release_id"] for entry in read_index(store)}
    out = {entry["release_id"] for entry in released if entry["component"] == component}
    missing = sorted(out - known)
    if missing:
        raise IntegrityError.of(
            Fault(
                release,
                "was released, and the facts store does not know what it tells",
                "Restore data/facts from its newest backup: an audit without it proves nothing. What a killed "
                "`sdc publish` left, running it again ends; for a release from before the audit, `sdc release known`.",
            )
            for release in missing
        )


def _write_index(store: Path, entries: Sequence[Mapping]) -> None:
    write_json(store / INDEX, {"schema_version": "1.0", "releases": list(entries)})
    sync(store)


def _alone(store: Path) -> AbstractContextManager[None]:
    """One writer at a time."""
    store.mkdir(parents=True, exist_ok=True, mode=0o700)
    return alone(store / ".lock", "another entry of facts", seconds=20)


def _owner_only(folder: Path) -> None:
    for path in folder.iterdir():
        path.chmod(0o600)
