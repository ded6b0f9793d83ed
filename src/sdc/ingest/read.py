"""From the bytes of an extract to a frame of text, guarded against files that are not what they say."""

import codecs
import contextlib
import csv
import io
import stat
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv

from sdc.documents import read_text
from sdc.errors import DataError, DictionaryError
from sdc.ingest.layout import Layout

FILE_BYTES = 2 << 30  # the largest CSV
HEADER_BYTES = 1 << 20  # a header row, and all before it, must end within so many bytes
COLUMNS = 4_000
ROWS = 20_000_000
CELL_CHARACTERS = 32_767  # what a spreadsheet holds; a longer cell is a quotation mark that was never closed
_CHUNK = 1 << 24
_SUFFIXES = {"csv": (".csv", ".tsv", ".txt"), "xlsx": (".xlsx",)}
_MAGIC = (
    (b"PK\x03\x04", "a zip archive or a workbook"),
    (b"\xd0\xcf\x11\xe0", "an old or a password-protected workbook"),
    (b"%PDF", "a PDF"),
    (b"\x1f\x8b", "a gzip archive"),
    (b"PAR1", "a Parquet file"),
    (b"SQLite format 3", "a database"),
    (b"{", "JSON"),
    (b"[{", "JSON"),
    (b"<", "a page of HTML or XML"),
)
_TEXT = pd.StringDtype("pyarrow", na_value=np.nan)


def read_text_frame(path: Path, layout: Layout) -> tuple[pd.DataFrame, dict[str, int]]:
    """Read an extract as text, nothing guessed.

    Parameters
    ----------
    path : Path
    layout : Layout

    Returns
    -------
    frame : DataFrame of str, n records
        Columns named as in the file; cells trimmed and in Unicode NFC; an empty cell is the empty string.
    tolerated : dict
        Numbers of ``empty_rows`` and ``empty_columns`` that were left out.

    Raises
    ------
    DataError
        When the file is absent, too large, not of the declared format or encoding, ragged, empty, or names a column
        twice.

    Guarantees
    ----------
    * No value from the file is in the error, nor in an exception behind it.
    * No formula is evaluated, no macro run, no outside reference followed.
    """
    where = str(path)
    content = _bytes_of(path, layout)
    if layout.format == "csv":
        grid = _csv_grid(content, layout, where)
    else:
        from sdc.ingest.workbook import workbook_grid  # openpyxl is heavy, and most extracts are CSV

        grid = workbook_grid(content, layout, where)
    return _framed(grid, _names(layout), layout, where)


def _bytes_of(path: Path, layout: Layout) -> bytes:
    """Content of a file whose size, name and first bytes fit the declared format."""
    where = str(path)
    try:
        status = path.stat()
        if not stat.S_ISREG(status.st_mode):
            raise DataError(where, "is no regular file")
        if status.st_size > FILE_BYTES:
            raise DataError(where, f"is larger than {FILE_BYTES >> 30} GiB", "Split the extract.")
        content = path.read_bytes()
    except FileNotFoundError:
        raise DataError(where, "there is no such file", "Put the extract there, or mend `params.yaml`.") from None
    except OSError:
        raise DataError(where, "cannot be read", "Look at its permissions.") from None
    if path.suffix.lower() not in _SUFFIXES[layout.format]:
        accepted = ", ".join(_SUFFIXES[layout.format])
        raise DataError(where, f"the layout says {layout.format}, the file's name does not end in {accepted}")
    if not content.strip(b"\xef\xbb\xbf \t\r\n"):
        raise DataError(where, "is empty", "Export it again.")
    start = content[:64].removeprefix(codecs.BOM_UTF8).lstrip()
    found = next((what for magic, what in _MAGIC if start.startswith(magic)), None)
    if layout.format == "csv" and found:
        raise DataError(where, f"the layout says csv, the content is {found}", "Mend the layout, or export again.")
    if layout.format == "xlsx" and not content.startswith(_MAGIC[0][0]):
        raise DataError(
            where, f"the layout says xlsx, the content is {found or 'none'}", "Save it as a .xlsx workbook."
        )
    return content


def _csv_grid(content: bytes, layout: Layout, where: str) -> pa.Table:
    """All lines from the header on, as columns of text."""
    content = _as_utf8(content, layout, where)
    if b"\x00" in content:
        raise DataError(where, "holds NUL bytes", "It is no text file, or its `encoding` is UTF-16.")
    if content.count(b'"') % 2:
        raise DataError(where, "a quotation mark is not closed", "The file is cut off, or a cell is quoted wrongly.")
    begin = 0
    for _ in range((layout.header_row or 1) - 1):
        begin = content.find(b"\n", begin, begin + HEADER_BYTES) + 1
        if not begin:
            raise DataError(where, f"ends before row {layout.header_row}, where the layout puts the header")
    width = _width(content[begin : begin + HEADER_BYTES], layout, where)
    names = [str(position) for position in range(width)]
    ragged = 0

    def count_ragged(row: pa.csv.InvalidRow) -> str:
        nonlocal ragged
        ragged += 1
        return "skip"

    try:
        grid = pa.csv.read_csv(
            pa.BufferReader(pa.py_buffer(content).slice(begin)),
            read_options=pa.csv.ReadOptions(column_names=names, block_size=_CHUNK),
            parse_options=pa.csv.ParseOptions(
                delimiter=layout.separator, newlines_in_values=True, invalid_row_handler=count_ragged
            ),
            convert_options=pa.csv.ConvertOptions(
                column_types=dict.fromkeys(names, pa.string()), strings_can_be_null=False
            ),
        )
    except pa.ArrowInvalid:
        grid = None  # its message quotes the row; ours is raised outside this block, so that nothing hangs on it
    if grid is None:
        raise DataError(where, "cannot be read as CSV", "Look at its separator and its quotation marks.")
    if ragged:
        raise DataError(
            where,
            f"{ragged:,} rows do not have {width:,} columns as the header has",
            "A cell with the separator in it must stand in quotation marks. Export the file again.",
        )
    return grid


def _as_utf8(content: bytes, layout: Layout, where: str) -> bytes:
    """The same text in UTF-8 without a byte order mark."""
    utf8 = layout.encoding == "utf-8"
    text = None
    try:
        if utf8:
            decoder = codecs.getincrementaldecoder("utf-8")()
            for start in range(0, len(content), _CHUNK):
                decoder.decode(content[start : start + _CHUNK], final=start + _CHUNK >= len(content))
            return content.removeprefix(codecs.BOM_UTF8)
        text = content.decode(layout.encoding)
    except UnicodeError:
        pass  # the exception holds the bytes
    if text is None:
        raise DataError(
            where,
            f"is not text in {layout.encoding}",
            "Say its `encoding` in the layout: an older spreadsheet writes windows-1252, in Arabic windows-1256.",
        )
    return text.removeprefix("\ufeff").encode("utf-8")


def _width(head: bytes, layout: Layout, where: str) -> int:
    """Number of columns in the first row that is not blank."""
    lines = io.StringIO(head.decode("utf-8", errors="ignore"), newline="")
    width = None
    with contextlib.suppress(csv.Error):
        width = next((len(row) for row in csv.reader(lines, delimiter=layout.separator) if row), 0)
    if width is None or (len(head) == HEADER_BYTES and not lines.readline()):
        raise DataError(where, "the header row is longer than a header can be", "Look at its line ends.")
    if not width:
        raise DataError(where, "is empty from the header row on")
    if width > COLUMNS:
        raise DataError(where, f"has more than {COLUMNS:,} columns")
    return width


def _names(layout: Layout) -> tuple[str, ...]:
    """Column names that the layout gives, or none."""
    if layout.names_file is None:
        return layout.names
    lines = read_text(layout.names_file, DictionaryError).splitlines()
    names = tuple(line.strip() for line in lines if line.strip())
    if not names:
        raise DictionaryError(str(layout.names_file), "holds no column names", "Write one a line.")
    return names


def _framed(grid: pa.Table, names: tuple[str, ...], layout: Layout, where: str) -> tuple[pd.DataFrame, dict[str, int]]:
    """Rows under their column names, without empty rows and empty nameless columns."""
    columns = [_clean(column, where) for column in grid.columns]
    skipped = 0
    if layout.header_row is not None:
        if not grid.num_rows:
            raise DataError(where, "has no header row")
        header = tuple(column[0].as_py() for column in columns)
        skipped = 1 + layout.skip_after_header
    else:
        header = ("",) * len(columns)
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
    _require_distinct(header, where)
    if not occupied.any():
        raise DataError(where, "holds no records", "Export it again.")
    if len(occupied) > ROWS:
        raise DataError(where, f"has more than {ROWS:,} rows", "Split the extract.")
    empty_rows = int((~occupied).sum())
    mask = pa.array(occupied) if empty_rows else None
    data = {name: pd.Series(column.filter(mask) if empty_rows else column, dtype=_TEXT) for name, column in kept}
    return pd.DataFrame(data), {"empty_rows": empty_rows, "empty_columns": len(columns) - len(kept)}


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


def _require_distinct(header: tuple[str, ...], where: str) -> None:
    """Refuse a name that stands over two columns; positions are told, as a header may hold data."""
    seen: dict[str, int] = {}
    for position, name in enumerate(header, start=1):
        if name and name in seen:
            raise DataError(
                where, f"columns {seen[name]} and {position} have the same name", "Rename one, or give `names`."
            )
        seen[name] = position
