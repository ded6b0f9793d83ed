"""A list of records in JSON as columns of text."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pyarrow as pa

from sdc.errors import DataError
from sdc.ingest.limits import COLUMNS, EXACT

ROWS = 5_000_000
DEPTH = 6  # objects within objects; a form has no more groups


class _Refused(ValueError):
    """What JSON says of itself that no JSON may."""


def parse(path: Path, where: str) -> Any:
    """The content of a JSON file: numbers as they are written, no entry twice in one object."""
    refusal, content = None, None
    try:
        with path.open(encoding="utf-8-sig") as text:
            content = json.load(
                text, parse_int=str, parse_float=_number, parse_constant=_constant, object_pairs_hook=_once
            )
    except UnicodeDecodeError:
        refusal = DataError(where, "is not text in utf-8", "JSON is UTF-8: export it again.")
    except _Refused as refused:
        refusal = DataError(where, str(refused), "Export it again.")
    except RecursionError:
        refusal = DataError(where, "is nested deeper than records are", "Export it as a list of records.")
    except ValueError:
        refusal = DataError(where, "cannot be read as JSON", "It is cut off, or no JSON. Export it again.")
    if refusal:
        raise refusal
    return content


def lists(content: Any) -> dict[str, list[Any]]:
    """Dotted paths of the lists of objects down to the third level, the empty path for the whole."""
    found: dict[str, list[Any]] = {}

    def visit(value: Any, path: str, depth: int) -> None:
        if isinstance(value, list):
            if value and all(isinstance(item, dict) for item in value[:100]):
                found[path] = value
        elif isinstance(value, dict) and depth < 3:
            for name, item in value.items():
                visit(item, f"{path}.{name}" if path else name, depth + 1)

    visit(content, "", 0)
    return found


def object_grid(path: Path, records: str | None, where: str) -> pa.Table:
    """Records under their names; an object within a record gives columns `outer/inner`, a list of values one cell.

    Parameters
    ----------
    path : Path
    records : str, dotted path of the list of records; empty or None where the list is the whole file
    where : str, for errors

    Returns
    -------
    pyarrow Table of str; its first row holds the names

    Raises
    ------
    DataError
        When it is no JSON, holds NaN, an entry twice or a list of objects within a record, or no list of records there.
    """
    found: Any = parse(path, where)
    for name in (records or "").split(".") if records else ():
        found = found.get(name) if isinstance(found, dict) else None
    if not isinstance(found, list):
        what = f"holds no list of records under `{records}`" if records else "is no list of records"
        raise DataError(where, what, "Name the list's path in `records`; `sdc inspect` finds it.")
    return grid_of(found, where)


def grid_of(records: list[Any], where: str) -> pa.Table:
    """Records as columns of text, their names in the first row."""
    if len(records) > ROWS:
        raise DataError(where, f"has more than {ROWS:,} records", "Split the extract.")
    columns: dict[str, list[str]] = {}
    for number, record in enumerate(records):
        if not isinstance(record, dict):
            raise DataError(where, "its list holds something else than records", "Mend `records` in the layout.")
        for name, text in _flat(record, where):
            column = columns.get(name)
            if column is None:
                if len(columns) == COLUMNS:
                    raise DataError(where, f"has more than {COLUMNS:,} columns")
                column = columns[name] = []
            if len(column) > number:
                raise DataError(where, "a record names one entry twice", "Export it again.")
            column.extend([""] * (number - len(column)))
            column.append(text)
    if not columns:
        raise DataError(where, "holds no records", "Export it again.")
    return pa.table(
        {
            str(place): pa.array([name, *column, *[""] * (len(records) - len(column))], type=pa.string())
            for place, (name, column) in enumerate(columns.items())
        }
    )


def _flat(record: Mapping[str, Any], where: str, prefix: str = "", depth: int = 0) -> list[tuple[str, str]]:
    """Names and texts of one record."""
    if depth > DEPTH:
        raise DataError(where, "is nested deeper than records are", "Export it as a list of records.")
    found = []
    for name, value in record.items():
        if isinstance(value, dict):
            found += _flat(value, where, f"{prefix}{name}/", depth + 1)
        elif isinstance(value, list):
            if any(isinstance(item, dict | list) for item in value):
                what = "a record holds a list of records"
                raise DataError(where, what, "Export repeat groups as sheets or files, and name them in `repeat`.")
            found.append((prefix + name, " ".join(map(_text, value))))
        else:
            found.append((prefix + name, _text(value)))
    return found


def _text(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "TRUE" if value else "FALSE"
    return value


def _number(written: str) -> str:
    """A number with a fraction as it is written, or as the whole number that it is."""
    number = float(written)
    return str(int(number)) if -EXACT < number < EXACT and number == int(number) else written


def _constant(name: str) -> None:
    raise _Refused("holds NaN or Infinity, which is no JSON")


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """An object; two entries of one name leave open which is meant."""
    content = dict(pairs)
    if len(content) < len(pairs):
        raise _Refused("an object names one entry twice")
    return content
