"""A text file with separators as columns of text, checked while it streams by."""

import codecs
import contextlib
import csv
import io
import re
from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
import pyarrow.csv

from sdc.errors import DataError
from sdc.ingest.layout import Layout
from sdc.ingest.limits import COLUMNS

HEADER_BYTES = 1 << 20  # a header row, and all before it, must end within so many bytes
_CHUNK = 1 << 23  # a line that runs on over a whole chunk is no line
_BLOCK = 1 << 22  # what the parser holds at a time: no row can be longer
_EMPTY_CELLS = 40_000_000  # a cell without content costs one byte of the file and four of memory
_SPREAD = 0.05  # bytes in a cell, on average
_LINE_END = re.compile(r"\r\n|\n|\r")

Progress = Callable[[int, int | None], None]


def text_grid(path: Path, layout: Layout, where: str, progress: Progress | None = None) -> pa.Table:
    """Rows of a text file from its header on.

    Parameters
    ----------
    path : Path of a file whose size and first bytes were looked at
    layout : Layout
    where : str, for errors
    progress : called with the bytes read and the bytes in all

    Returns
    -------
    pyarrow Table of str, columns named by their position

    Raises
    ------
    DataError
        When the file is not text in the declared encoding, ragged, cut off within quotation marks, holds NUL bytes, a
        line longer than a row can be, or hardly anything but separators.

    Guarantees
    ----------
    * The file is never in memory as a whole, and no cell of it is in an error.
    """
    text, skipped = _header(path, layout, where)
    width = _width(text, layout, where)
    names = [str(position) for position in range(width)]
    ragged = 0

    def count_ragged(row: pa.csv.InvalidRow) -> str:
        nonlocal ragged
        ragged += 1
        return "skip"

    batches, complete = [], False
    cells = held = 0
    with path.open("rb") as raw:
        source = _Source(raw, layout.encoding, skipped, path.stat().st_size, progress)
        with contextlib.suppress(pa.ArrowInvalid):  # its message quotes the row; ours is raised outside this block
            reader = pa.csv.open_csv(
                pa.PythonFile(source, mode="r"),
                read_options=pa.csv.ReadOptions(column_names=names, block_size=_BLOCK),
                parse_options=pa.csv.ParseOptions(
                    delimiter=layout.separator, newlines_in_values=True, invalid_row_handler=count_ragged
                ),
                convert_options=pa.csv.ConvertOptions(
                    column_types=dict.fromkeys(names, pa.string()), strings_can_be_null=False
                ),
            )
            for batch in reader:
                batches.append(batch)
                cells += batch.num_rows * width
                held += batch.nbytes
                if cells > _EMPTY_CELLS and held - 4 * cells < _SPREAD * cells:
                    source.fault = ("holds hardly anything but separators", "Export the columns that hold something.")
                    break
            complete = True
    if source.fault:
        raise DataError(where, *source.fault)
    if source.ended and source.quotes % 2:
        raise DataError(where, "a quotation mark is not closed", "The file is cut off, or a cell is quoted wrongly.")
    if not complete:
        raise DataError(where, "cannot be read as CSV", "Look at its separator and its quotation marks.")
    if ragged:
        raise DataError(
            where,
            f"{ragged:,} rows do not have {width:,} columns as the header has",
            "A cell with the separator in it must stand in quotation marks. Export the file again.",
        )
    return pa.Table.from_batches(batches, schema=pa.schema([(name, pa.string()) for name in names]))


class _Source(io.RawIOBase):
    """The bytes of a file in UTF-8, from a place on; the first fault ends them and is kept."""

    def __init__(self, raw: io.BufferedReader, encoding: str, skipped: int, size: int, progress: Progress | None):
        self.raw, self.encoding, self.size, self.progress = raw, encoding, size, progress
        self.decoder = codecs.getincrementaldecoder(encoding)()
        self.to_skip = skipped  # characters before the header, a byte order mark among them
        self.ready = b""
        self.bytes_read = self.quotes = 0
        self.fault: tuple[str, str] | None = None
        self.ended = False

    def readable(self) -> bool:
        return True

    def read(self, size: int = -1) -> bytes:
        """At most `size` bytes; none at the end, or at the first fault."""
        while not self.ready and not self.ended:
            self._fill()
        given, self.ready = (self.ready, b"") if size < 0 else (self.ready[:size], self.ready[size:])
        return given

    def _fill(self) -> None:
        """Read one chunk, look at it, and make it UTF-8."""
        chunk = self.raw.read(_CHUNK)
        self.bytes_read += len(chunk)
        self.ended = not chunk
        pending, text = bool(self.decoder.getstate()[0]), None
        with contextlib.suppress(UnicodeError):
            text = self.decoder.decode(chunk, final=not chunk)
        if text is None:
            self._stop(f"is not text in {self.encoding}", _ENCODING)
        elif "\x00" in text:
            self._stop("holds NUL bytes", "It is no text file, or its `encoding` is UTF-16.")
        elif len(chunk) == _CHUNK and "\n" not in text and "\r" not in text:
            self._stop("has a row longer than a row can be", "Look at its line ends and its quotation marks.")
        else:
            skip = min(self.to_skip, len(text))
            self.to_skip -= skip
            self.quotes += text.count('"', skip)
            as_it_is = self.encoding == "utf-8" and not (skip or pending or self.decoder.getstate()[0])
            self.ready = chunk if as_it_is else text[skip:].encode("utf-8")
        if self.progress:
            self.progress(self.bytes_read, self.size)

    def _stop(self, what: str, do: str) -> None:
        self.fault, self.ended, self.ready = (what, do), True, b""


_ENCODING = "Say its `encoding` in the layout: an older spreadsheet writes windows-1252, in Arabic windows-1256."


def _header(path: Path, layout: Layout, where: str) -> tuple[str, int]:
    """Text from the header row on, as far as a header may reach, and the number of characters before it."""
    with path.open("rb") as raw:
        source = _Source(raw, layout.encoding, 0, 0, None)
        decoder, chunk = source.decoder, raw.read(2 * HEADER_BYTES)
        text = None
        with contextlib.suppress(UnicodeError):
            text = decoder.decode(chunk, final=len(chunk) < 2 * HEADER_BYTES)
    if text is None:
        raise DataError(where, f"is not text in {layout.encoding}", _ENCODING)
    begin = len(text) - len(text.removeprefix("\ufeff"))
    if "\x00" in text:
        raise DataError(where, "holds NUL bytes", "It is no text file, or its `encoding` is UTF-16.")
    if not text[begin:].strip():
        raise DataError(where, "is empty", "Export it again.")
    for _ in range(layout.first_row - 1):
        end = _LINE_END.search(text, begin)
        if end is None:
            raise DataError(where, f"ends before row {layout.first_row}, where the layout puts the header")
        begin = end.end()
    return text[begin : begin + HEADER_BYTES], begin


def _width(head: str, layout: Layout, where: str) -> int:
    """Number of columns in the first row that is not blank."""
    lines = io.StringIO(head, newline="")
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
