"""From a source of any format to a frame of text, guarded against files that are not what they say."""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from sdc.documents import read_text
from sdc.errors import DataError, DictionaryError
from sdc.ingest import sandbox
from sdc.ingest.layout import WORKBOOKS, Layout
from sdc.ingest.limits import CELL_CHARACTERS, ROWS
from sdc.ingest.recognise import require_format
from sdc.ingest.repeats import joined
from sdc.ingest.text import Progress, text_grid

_INVISIBLE = "[\u200b-\u200f\u061c\u202a-\u202e\u2060-\u2069\ufeff\x00-\x08\x0b-\x1f\x7f]"
_TEXT = pd.StringDtype("pyarrow", na_value=np.nan)


def open_source(path: Path, layout: Layout, progress: Progress | None = None) -> tuple[pd.DataFrame, dict[str, Any]]:
    """Read an extract as text, nothing guessed.

    Parameters
    ----------
    path : Path
        For a database: the file that holds the query, where the layout does not.
    layout : Layout
    progress : called with what is done and what is to do in all (None while nobody knows), rows or bytes

    Returns
    -------
    frame : DataFrame of str, n records
        Columns named as in the source; cells trimmed and in Unicode NFC; an empty cell is the empty string. With
        repeat groups a record is one repeat, its parent's columns before its own.
    told : dict
        ``format``; of a CSV its ``encoding`` and ``separator``; numbers of ``empty_rows`` and ``empty_columns`` that
        were left out; of ``rows_at_end`` that the layout leaves out; with repeat groups the number of
        ``parents_without_repeats`` at each join.

    Raises
    ------
    DataError
        When the file is absent, too large, not of the declared format or encoding, ragged, empty, hostile, or names a
        column twice; when a repeat has no parent, or a parent's index stands twice.

    Guarantees
    ----------
    * No value from the file is in the error, nor in an exception behind it.
    * No formula is evaluated, no macro run, no outside reference followed.
    * All formats but CSV are parsed in a process of its own, within limits of memory and time.
    """
    where = str(path)
    told: dict[str, Any] = {"format": layout.format}
    if layout.format == "csv":
        told |= {"encoding": layout.encoding, "separator": layout.separator}
    grids = _grids(path, layout, where, progress)
    frame, told["empty_rows"], told["empty_columns"] = _framed(grids[0], _names(layout), layout, where)
    if layout.skip_at_end:
        frame, told["rows_at_end"] = _without_end(frame, layout.skip_at_end, where), layout.skip_at_end
    for repeat, grid in zip(layout.repeat, grids[1:], strict=True):
        inner, rows, columns = _framed(grid, (), layout, where)
        told["empty_rows"] += rows
        told["empty_columns"] += columns
        if repeat.skip_at_end:
            inner = _without_end(inner, repeat.skip_at_end, where)
            told["rows_at_end"] = told.get("rows_at_end", 0) + repeat.skip_at_end
        frame, childless = joined(frame, inner, repeat, where)
        told.setdefault("parents_without_repeats", []).append(childless)
    return frame, told


def _grids(path: Path, layout: Layout, where: str, progress: Progress | None) -> list[pa.Table]:
    """The main table from its header on, then each repeat group."""
    if layout.format == "sql":
        from sdc.ingest.database import database_grid  # few extracts come from a database

        return [database_grid(path, layout, where, progress)]
    require_format(path, layout.format, where)
    wanted: list[list[Any]] = [[path, layout.sheet]]
    for repeat in layout.repeat:
        file = path if repeat.file is None else path.with_name(repeat.file)
        if file != path:
            require_format(file, layout.format, str(file))
        wanted.append([file, repeat.sheet])
    if layout.format == "csv":
        return [text_grid(file, layout, str(file), progress) for file, _ in wanted]
    grids: list[pa.Table] = []
    while wanted:  # neighbours in one file are read at one opening
        file = wanted[0][0]
        here = 1
        while layout.format in WORKBOOKS and here < len(wanted) and wanted[here][0] == file:
            here += 1
        job = {
            "task": "read",
            "path": str(file.absolute()),
            "format": layout.format,
            "sheets": [sheet for _, sheet in wanted[:here]],
            "first_row": layout.first_row,
            "options": layout.model_dump(include={"records", "value_labels", "user_missing"}),
        }
        grids += sandbox.run(job, str(file), progress)[1]
        wanted = wanted[here:]
    return grids


def _names(layout: Layout) -> tuple[str, ...]:
    """Column names that the layout gives, or none."""
    if layout.names_file is None:
        return layout.names
    lines = read_text(layout.names_file, DictionaryError).splitlines()
    names = tuple(line.strip() for line in lines if line.strip())
    if not names:
        raise DictionaryError(str(layout.names_file), "holds no column names", "Write one a line.")
    return names


def _framed(grid: pa.Table, names: tuple[str, ...], layout: Layout, where: str) -> tuple[pd.DataFrame, int, int]:
    """Rows under their column names; the numbers of empty rows and of empty nameless columns that are left out."""
    columns = [_clean(column, where) for column in grid.columns]
    height = layout.header_height
    if grid.num_rows < height:
        raise DataError(where, "has no header row")
    header = _header(columns, height)
    skipped = height + (layout.skip_after_header if height else 0)
    if names and len(names) != len(columns):
        raise DataError(where, f"has {len(columns):,} columns, the layout names {len(names):,}", "Mend `names`.")
    header = tuple(pc.utf8_normalize(pa.scalar(name), "NFC").as_py() for name in names) or header
    columns = [column.slice(skipped) for column in columns]
    occupied = np.zeros(grid.num_rows - min(skipped, grid.num_rows), dtype=bool)
    kept = []
    for position, (name, column) in enumerate(zip(header, columns, strict=True), start=1):
        filled = pc.not_equal(column, "").to_numpy(zero_copy_only=False) if len(occupied) else occupied
        occupied |= filled
        if not name and filled.any():
            raise DataError(where, f"column {position} holds cells but has no name", "Give it one in the header row.")
        if name:
            kept.append((name, column))
    _require_plain(header, where)
    if not occupied.any():
        raise DataError(where, "holds no records", "Export it again.")
    if len(occupied) > ROWS:
        raise DataError(where, f"has more than {ROWS:,} rows", "Split the extract.")
    empty_rows = int((~occupied).sum())
    mask = pa.array(occupied) if empty_rows else None
    data = {name: pd.Series(column.filter(mask) if empty_rows else column, dtype=_TEXT) for name, column in kept}
    return pd.DataFrame(data), empty_rows, len(columns) - len(kept)


def _without_end(frame: pd.DataFrame, rows: int, where: str) -> pd.DataFrame:
    """A table without its last rows; refused where one of them fills every column that all records fill."""
    if rows >= len(frame):
        raise DataError(where, "holds no records above the rows that `skip_at_end` leaves out", "Mend the layout.")
    records, end = frame.iloc[:-rows], frame.iloc[-rows:]
    full = [name for name in frame if bool((records[name] != "").all())]
    as_full = int((end[full] != "").all(axis=1).sum())
    if as_full:
        what = f"{as_full:,} of the {rows:,} rows that `skip_at_end` leaves out are as full as records"
        raise DataError(where, what, "Mend `skip_at_end`; take a total that fills every column out of the file.")
    return records.reset_index(drop=True)


def _header(columns: list[pa.ChunkedArray], height: int) -> tuple[str, ...]:
    """Names of the columns: of one row as they stand, of several joined; a group's name reaches to the next."""
    if not height:
        return ("",) * len(columns)
    lines = [[column[line].as_py() for column in columns] for line in range(height)]
    for line in lines[:-1]:
        for place in range(1, len(line)):
            line[place] = line[place] or line[place - 1]
    names = []
    for parts in zip(*lines, strict=True):
        names.append(" / ".join(part for part in dict.fromkeys(parts) if part))
    return tuple(names)


def _clean(column: pa.ChunkedArray, where: str) -> pa.ChunkedArray:
    """Trimmed, in NFC, refused where a cell is longer than a cell can be."""
    if len(column) and pc.max(pc.binary_length(column)).as_py() > CELL_CHARACTERS:
        longest = pc.max(pc.utf8_length(column)).as_py()
        if longest > CELL_CHARACTERS:
            raise DataError(
                where, f"a cell holds more than {CELL_CHARACTERS:,} characters", "Mend its quotation marks."
            )
    column = pc.utf8_trim_whitespace(column)
    return column if pc.all(pc.string_is_ascii(column)).as_py() else pc.utf8_normalize(column, "NFC")


def _require_plain(header: tuple[str, ...], where: str) -> None:
    """Refuse a name over two columns, or with signs that nobody sees; positions are told, as a header may hold data."""
    names = pa.array(header, type=pa.string())
    hidden = pc.match_substring_regex(names, _INVISIBLE).to_pylist() if header else []
    seen: dict[str, int] = {}
    for position, (name, invisible) in enumerate(zip(header, hidden, strict=True), start=1):
        if invisible:
            what = f"the name of column {position} holds invisible or direction-changing characters"
            raise DataError(where, what, "Rename it in the file, or give `names`.")
        if name and name in seen:
            raise DataError(
                where, f"columns {seen[name]} and {position} have the same name", "Rename one, or give `names`."
            )
        seen[name] = position
