"""Worksheets of an xlsx, xls or ods as columns of text; nothing in them is calculated."""

from collections.abc import Callable, Iterator, Sequence
from datetime import date, datetime, time, timedelta
from itertools import zip_longest
from typing import Any

import pyarrow as pa
from python_calamine import CalamineWorkbook, PasswordError, SheetTypeEnum, load_workbook

from sdc.errors import DataError
from sdc.ingest.limits import COLUMNS, EXACT

ROWS = 1 << 20
_BLOCK_ROWS = 4_096

Tick = Callable[[int, int | None], None]


def open_workbook(path: str, where: str) -> CalamineWorkbook:
    """A workbook; the archive was measured before."""
    try:
        return load_workbook(path)
    except PasswordError:
        refusal = DataError(where, "is encrypted", "Save it without a password.")
    except Exception:  # noqa: BLE001 - its message may quote a cell
        refusal = DataError(where, "cannot be read as a workbook", "Open it and save it again as .xlsx.")
    raise refusal


def sheet_names(book: CalamineWorkbook, where: str) -> list[str]:
    """Names of the sheets that hold cells, in order; sheets of macros are refused."""
    kinds = (SheetTypeEnum.MacroSheet, SheetTypeEnum.Vba, SheetTypeEnum.DialogSheet)
    if any(sheet.typ in kinds for sheet in book.sheets_metadata):
        raise DataError(where, "holds macros", "Save it as .xlsx, which cannot.")
    return [sheet.name for sheet in book.sheets_metadata if sheet.typ == SheetTypeEnum.WorkSheet]


def sheet_grid(
    book: CalamineWorkbook, wanted: str | None, first_row: int, where: str, tick: Tick | None = None
) -> pa.Table:
    """Rows of one worksheet from its header on.

    Numbers are written as short as they can be without loss, dates as ISO 8601, truth values as TRUE and FALSE. A
    formula gives the result that was saved with it.

    Parameters
    ----------
    book : CalamineWorkbook
    wanted : str, name of the sheet, blanks around it and letter case aside; None for the only one
    first_row : int, 1-based
    where : str, for errors
    tick : called with the rows read and the rows in all

    Returns
    -------
    pyarrow Table of str, as wide as the widest row

    Raises
    ------
    DataError : when there is no such sheet, or it has no rows, or more rows or columns than a table has.
    """
    blocks, width = [], 1
    for block in _blocks(book, _chosen(sheet_names(book, where), wanted, where), where, tick, first_row):
        blocks.append(_as_columns(block))
        width = max(width, len(blocks[-1]))
    if not blocks:
        raise DataError(where, "holds no rows from the header row on")
    parts: list[list[pa.Array]] = [[] for _ in range(width)]
    for columns in blocks:
        blank = pa.array([""] * len(columns[0]))
        for place, part in enumerate(parts):
            part.append(columns[place] if place < len(columns) else blank)
    return pa.table({str(place): pa.chunked_array(part) for place, part in enumerate(parts)})


def first_rows(book: CalamineWorkbook, sheet: str, rows: int, where: str) -> tuple[list[list[str]], int]:
    """The first rows of a sheet as text, and how many rows it has."""
    held = _sheet(book, sheet, where)
    found: list[list[str]] = []
    for block in _rows(held, where, None, rows):
        found += [[as_text(cell) for cell in row] for row in block]
    return found, _extent(held)[0]


def _chosen(names: list[str], wanted: str | None, where: str) -> str:
    """The sheet that the layout names, or the only one. Names of sheets are not told: they may hold data."""
    if wanted is None:
        if len(names) != 1:
            what = f"has {len(names)} sheets, and the layout names none"
            raise DataError(where, what, "Add `sheet:` to the layout.")
        return names[0]
    alike = [name for name in names if name.strip().casefold() == wanted.strip().casefold()]
    if len(alike) > 1:
        alike = [name for name in alike if name == wanted]
    if len(alike) != 1:
        raise DataError(where, f"has no sheet `{wanted}` among its {len(names)}", "Mend `sheet` in the layout.")
    return alike[0]


def _sheet(book: CalamineWorkbook, name: str, where: str) -> Any:
    """The cells of a sheet."""
    try:
        return book.get_sheet_by_name(name)
    except Exception:  # noqa: BLE001 - its message may quote a cell
        refusal = DataError(where, "holds a sheet that cannot be read", "Open it and save it again as .xlsx.")
    raise refusal


def _blocks(
    book: CalamineWorkbook, name: str, where: str, tick: Tick | None, first_row: int
) -> Iterator[list[list[Any]]]:
    """Rows from the header row on, some thousand at a time."""
    skip = first_row - 1
    for block in _rows(_sheet(book, name, where), where, tick, ROWS + 1):
        if skip < len(block):
            yield block[skip:]
        skip = max(0, skip - len(block))


def _rows(sheet: Any, where: str, tick: Tick | None, most: int) -> Iterator[list[list[Any]]]:
    """Rows from the first on, each as wide as the sheet."""
    height, width = _extent(sheet)
    if width > COLUMNS:
        raise DataError(where, f"holds cells beyond column {COLUMNS:,}", "Delete what stands outside the table.")
    if height > ROWS:
        raise DataError(where, f"has more than {ROWS:,} rows")
    block: list[list[Any]] = []
    for number, row in enumerate(sheet.iter_rows() if height else (), start=1):
        block.append(row)
        if len(block) == _BLOCK_ROWS or number == most:
            yield block
            block = []
            if tick:
                tick(number, height)
        if number == most:
            return
    if block:
        yield block


def _extent(sheet: Any) -> tuple[int, int]:
    """Rows and columns from the first cell of a sheet to its last one that holds something."""
    return (0, 0) if sheet.end is None else (sheet.end[0] + 1, sheet.end[1] + 1)


def as_text(cell: Any) -> str:
    """What a cell holds, as text that says the same."""
    kind = cell.__class__
    if kind is str:
        return cell
    if kind is float or kind is int:
        if kind is float and not (-EXACT < cell < EXACT and cell == int(cell)):
            return repr(cell)
        return str(int(cell))
    if kind is bool:
        return "TRUE" if cell else "FALSE"
    if isinstance(cell, datetime):
        return cell.date().isoformat() if cell.time() == time(0) else cell.isoformat(sep=" ", timespec="seconds")
    if isinstance(cell, date | time):
        return cell.isoformat()
    if isinstance(cell, timedelta):
        minutes, seconds = divmod(round(cell.total_seconds()), 60)
        return f"{minutes // 60:02d}:{minutes % 60:02d}:{seconds:02d}"
    return "" if cell is None else str(cell)


def _as_columns(block: Sequence[Sequence[Any]]) -> list[pa.Array]:
    """Rows to columns of text, empty ones on the right left out, but for the first."""
    columns = list(zip_longest(*block, fillvalue=""))
    while len(columns) > 1 and not any(columns[-1]) and set(columns[-1]) == {""}:
        columns.pop()
    return [
        pa.array(column if set(map(type, column)) == {str} else [as_text(cell) for cell in column], type=pa.string())
        for column in columns
    ]
