"""The catalogue of a store: every release once, as JSON that a registry can read and as CSV written from it."""

import csv
import io
import json
from collections.abc import Mapping, Sequence
from pathlib import Path

from sdc.errors import IntegrityError
from sdc.files import write_text

CATALOGUE, TABLE = "catalogue.json", "catalogue.csv"
COLUMNS = (
    "release_id",
    "request_id",
    "version",
    "status",
    "title",
    "country",
    "component",
    "rounds",
    "tier",
    "organisation",
    "published_on",
    "approved_by",
    "delete_by",
    "path",
    "files",
    "bytes",
    "manifest_sha256",
    "sums_sha256",
    "signed_by",
    "supersedes",
    "superseded_by",
)


def read_catalogue(store: Path) -> list[dict]:
    """Entries of a store's catalogue, in the order of publication; none where there is no catalogue yet.

    Raises
    ------
    IntegrityError : when it cannot be read.
    """
    path = store / CATALOGUE
    try:
        entries = json.loads(path.read_bytes())["releases"]
        paths = [entry["path"] for entry in entries]
    except FileNotFoundError:
        return []
    except (ValueError, KeyError, TypeError, RecursionError):
        raise IntegrityError(str(path), "cannot be read as a catalogue", "Restore it from a backup.") from None
    if not all(isinstance(place, str) for place in paths) or len(set(paths)) != len(paths):
        raise IntegrityError(str(path), "does not hold every release once", "Restore it from a backup.")
    return entries


def write_catalogue(store: Path, entries: Sequence[Mapping]) -> None:
    """Write the catalogue, each file whole or not at all; the CSV follows from the JSON."""
    text = json.dumps({"schema_version": "1.0", "releases": list(entries)}, indent=2, ensure_ascii=False) + "\n"
    for name, content in ((CATALOGUE, text), (TABLE, as_csv(entries))):
        path = store / name
        if not path.exists() or path.read_bytes() != content.encode("utf-8"):
            write_text(path, content)


def as_csv(entries: Sequence[Mapping]) -> str:
    """The catalogue as a table; lists are joined by blanks."""
    buffer = io.StringIO()
    table = csv.writer(buffer, lineterminator="\n")
    table.writerow(COLUMNS)
    for entry in entries:
        table.writerow([_cell(entry.get(column)) for column in COLUMNS])
    return buffer.getvalue()


def _cell(value: object) -> object:
    if isinstance(value, list | tuple):
        return " ".join(str(part) for part in value)
    return "" if value is None else value


def entry_of(release: Path) -> dict | None:
    """The entry of a released folder in the catalogue of the store around it; None outside a store."""
    place = release.resolve()
    store = place.parent.parent
    if not (store / CATALOGUE).is_file():
        return None
    relative = place.relative_to(store).as_posix()
    return next((entry for entry in read_catalogue(store) if entry["path"] == relative), None)
