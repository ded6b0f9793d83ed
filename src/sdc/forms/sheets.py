"""The sheets of a form as text, opened as guardedly as an extract."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from sdc.errors import DataError
from sdc.ingest.peek import peek

ROWS = 200_000
Rows = list[list[str]]


def form_sheets(path: Path) -> dict[str, Rows]:
    """All sheets of a workbook (or the one table of a CSV) by their names, blanks around the names cut off.

    Parameters
    ----------
    path : Path of an .xlsx, .xls, .ods or .csv

    Returns
    -------
    dict of name to rows; cells as text, trailing empty ones and empty rows left out (their places kept as [])

    Raises
    ------
    DataError : when it is no such file, is broken, or has more rows than a form can have.
    """
    found: dict[str, Rows] = {}
    for grid in peek(path, rows=ROWS).grids:
        if grid.height > ROWS:
            raise DataError(str(path), f"has a sheet of more than {ROWS:,} rows", "Is it a form?")
        found[grid.sheet.strip().casefold()] = trimmed(grid.rows)
    return found


def trimmed(rows: Sequence[Sequence[str]]) -> Rows:
    """Rows without their trailing empty cells: a sheet 16,384 columns wide is mostly these."""
    kept = []
    for row in rows:
        width = len(row)
        while width and not row[width - 1]:
            width -= 1
        kept.append([cell.replace("\r\n", "\n") for cell in row[:width]])
    return kept


def records(rows: Rows) -> tuple[list[str], list[tuple[int, Mapping[str, str]]]]:
    """The header, and each row below it that holds anything: its 1-based number, and its cells by header.

    The header is the first row that holds anything. Cells under no header are left out.
    """
    start = next((place for place, row in enumerate(rows) if row), None)
    if start is None:
        return [], []
    header = [" ".join(name.split()) for name in rows[start]]
    named = [(place, name) for place, name in enumerate(header) if name]
    found: list[tuple[int, Mapping[str, str]]] = []
    for number, row in enumerate(rows[start + 1 :], start=start + 2):
        cells = {name: row[place] for place, name in named if place < len(row) and row[place]}
        if cells:
            found.append((number, cells))
    return [name for _, name in named], found
