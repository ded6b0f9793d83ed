"""A worksheet as a grid of text: looked at before it is opened, and never calculated."""

import io
import re
import warnings
import zipfile
from collections.abc import Iterator
from datetime import date, datetime, time
from typing import Any

import openpyxl
import pyarrow as pa

from sdc.errors import DataError
from sdc.ingest.layout import Layout

FILE_BYTES = 200 << 20
ENTRIES = 2_000
UNPACKED_BYTES = 512 << 20
RATIO_FREE_BYTES = 16 << 20  # below this an archive cannot do harm, however tightly it is packed
RATIO = 200
ROW_BYTES = 16 << 20  # of XML; the parser holds one row at a time
COLUMNS = 4_000
ROWS = 1 << 20
_BLOCK_ROWS = 8_192
_CHUNK, _OVERLAP = 1 << 20, 1 << 16
_DOCTYPE = re.compile(rb"<!(?:DOCTYPE|ENTITY)")
_DECLARED = re.compile(rb"""\A(?:\xef\xbb\xbf)?\s*<\?xml[^>]*?encoding\s*=\s*["']([A-Za-z0-9._-]+)""")
_ROW = re.compile(rb"<(?:\w+:)?row[\s>/]")
_FORMULA = re.compile(
    rb"<(?:\w+:)?c\b([^>]*)>\s*<(?:\w+:)?f\b[^>]*?(?:/>|>[^<]*</(?:\w+:)?f>)\s*"
    rb"(?:</(?:\w+:)?c>|<(?:\w+:)?v\s*/>|<(?:\w+:)?v>\s*</)"
)
_ERRORS = frozenset({"#N/A", "#REF!", "#VALUE!", "#DIV/0!", "#NAME?", "#NULL!", "#NUM!"})


def workbook_grid(content: bytes, layout: Layout, where: str) -> pa.Table:
    """Rows of one worksheet from its header on, as columns of text.

    Numbers are written as short as they can be without loss, dates as ISO 8601, truth values as TRUE and FALSE. A
    formula gives the result that was saved with it.

    Parameters
    ----------
    content : bytes of the workbook
    layout : Layout
    where : str, for errors

    Returns
    -------
    pyarrow Table of str, as wide as the widest row

    Raises
    ------
    DataError
        When the archive is larger than its limits, holds macros, outside links, a document type or a formula without
        a saved result, or has no such sheet.

    Guarantees
    ----------
    * The archive is measured before anything in it is parsed.
    """
    _look(content, where)
    rows = _Quiet(lambda: list(_blocks(content, layout, where)))
    if rows.result is None:
        raise rows.refusal or DataError(where, "cannot be read as a workbook", "Open it and save it again as .xlsx.")
    blocks: list[pa.Table] = rows.result
    if not blocks:
        raise DataError(where, "holds no rows from the header row on")
    return pa.concat_tables(_widened(block, max(block.num_columns for block in blocks)) for block in blocks)


class _Quiet:
    """Result of a call, or our refusal; a library's exception, which may quote cells, is let go."""

    def __init__(self, call: Any) -> None:
        self.result, self.refusal = None, None
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                self.result = call()
        except DataError as refusal:
            self.refusal = refusal
        except Exception:  # noqa: BLE001, S110 - a broken workbook breaks openpyxl in any way there is
            pass


def _look(content: bytes, where: str) -> None:
    """Measure the archive and scan its parts, before a parser sees them."""
    if len(content) > FILE_BYTES:
        raise DataError(where, f"is a workbook larger than {FILE_BYTES >> 20} MiB", "Send the extract as CSV.")
    scanned = _Quiet(lambda: _scan(content, where))
    if scanned.refusal:
        raise scanned.refusal
    if not scanned.result:
        raise DataError(where, "is a damaged archive", "Open it and save it again as .xlsx.")


def _scan(content: bytes, where: str) -> bool:
    """True, or a refusal; zipfile raises where an entry is longer than it says, or its checksum differs."""
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        entries = archive.infolist()
        names = [entry.filename for entry in entries]
        unpacked = sum(entry.file_size for entry in entries)
        if len(entries) > ENTRIES or len(set(names)) < len(names):
            raise DataError(where, "is an archive with too many parts, or a part that stands twice")
        if unpacked > UNPACKED_BYTES or (unpacked > RATIO_FREE_BYTES and unpacked > RATIO * len(content)):
            raise DataError(where, "unpacks to more than a workbook of its size can hold", "Send the extract as CSV.")
        if any(name.startswith(("/", "\\")) or ".." in name.split("/") for name in names):
            raise DataError(where, "is an archive with a part outside its folder")
        if any(entry.flag_bits & 1 for entry in entries):
            raise DataError(where, "is encrypted", "Save it without a password.")
        lower = [name.lower() for name in names]
        if any("vbaproject" in name or "activex" in name or "macrosheets/" in name for name in lower):
            raise DataError(where, "holds macros", "Save it as .xlsx, which cannot.")
        if any("externallinks/" in name for name in lower):
            raise DataError(where, "holds links to other workbooks", "Break the links, then save it.")
        if "xl/workbook.xml" not in lower:
            raise DataError(where, "is an archive, but no workbook")
        for entry, name in zip(entries, lower, strict=True):
            if name.endswith((".xml", ".rels", ".vml")):
                _scan_part(archive, entry, sheet="worksheets/" in name, where=where)
    return True


def _scan_part(archive: zipfile.ZipFile, entry: zipfile.ZipInfo, *, sheet: bool, where: str) -> None:
    """Refuse a document type, an unusual encoding, and a formula that was saved without its result."""
    with archive.open(entry) as part:
        tail, first, bare, since_row = b"", True, 0, 0
        while chunk := part.read(_CHUNK):
            window = tail + chunk
            if first:
                declared = _DECLARED.match(window)
                if window[:2] in (b"\xff\xfe", b"\xfe\xff") or b"\x00" in window[:64]:
                    raise DataError(where, "a part of the workbook is not in UTF-8")
                if declared and declared[1].lower() not in (b"utf-8", b"us-ascii"):
                    raise DataError(where, "a part of the workbook is not in UTF-8")
                first = False
            if _DOCTYPE.search(window):
                raise DataError(where, "a part of the workbook declares a document type", "A workbook has none.")
            if sheet:
                since_row = 0 if _ROW.search(chunk) else since_row + len(chunk)
                if since_row > ROW_BYTES:
                    raise DataError(where, "has a row longer than a row can be", "Send the extract as CSV.")
                found = _FORMULA.finditer(window)
                bare += sum(not (b't="str"' in cell[1] and cell[0].rstrip().endswith((b"/>", b"</"))) for cell in found)
            tail = window[-_OVERLAP:]
        if bare:
            raise DataError(
                where, "holds formulas that were saved without their results", "Open it, save it, or paste values."
            )


def _blocks(content: bytes, layout: Layout, where: str) -> Iterator[pa.Table]:
    """The sheet's rows from the header row on, some thousand at a time, as wide as their widest."""
    book = openpyxl.load_workbook(io.BytesIO(content), read_only=True, data_only=True, keep_links=False)
    sheet = _sheet(book, layout, where)
    sheet.reset_dimensions()  # what the file says of its own size is not to be trusted
    block: list[list[str]] = []
    errors = 0
    for number, row in enumerate(sheet.iter_rows(values_only=True), start=1):
        if number < (layout.header_row or 1):
            continue
        if number > ROWS:
            raise DataError(where, f"has more than {ROWS:,} rows")
        cells = ["" if cell is None else _as_text(cell) for cell in row]
        while cells and not cells[-1]:
            cells.pop()
        if len(cells) > COLUMNS:
            raise DataError(where, f"holds cells beyond column {COLUMNS:,}", "Delete what stands outside the table.")
        errors += any(cell in _ERRORS for cell in cells)
        block.append(cells)
        if len(block) == _BLOCK_ROWS:
            yield _as_columns(block)
            block = []
    if errors:
        raise DataError(where, f"{errors:,} rows hold a spreadsheet error such as a division by zero", "Mend them.")
    if block:
        yield _as_columns(block)


def _sheet(book: Any, layout: Layout, where: str) -> Any:
    """The worksheet that the layout names, or the only one. Names of sheets are not told: they may hold data."""
    sheets = {sheet.title: sheet for sheet in book.worksheets}
    if layout.sheet is None:
        if len(sheets) != 1:
            raise DataError(
                where, f"has {len(sheets)} sheets, and the layout names none", "Add `sheet:` to the layout."
            )
        return next(iter(sheets.values()))
    wanted = [sheet for title, sheet in sheets.items() if title.strip().casefold() == layout.sheet.strip().casefold()]
    if len(wanted) > 1:
        wanted = [sheet for title, sheet in sheets.items() if title == layout.sheet]
    if len(wanted) != 1:
        raise DataError(where, f"has no sheet `{layout.sheet}` among its {len(sheets)}", "Mend `sheet` in the layout.")
    return wanted[0]


def _as_text(cell: Any) -> str:
    """What a cell holds, as text that says the same."""
    if isinstance(cell, str):
        return cell.strip()
    if isinstance(cell, bool):
        return "TRUE" if cell else "FALSE"
    if isinstance(cell, float) and cell.is_integer() and abs(cell) < 1e15:
        return str(int(cell))
    if isinstance(cell, datetime):
        return cell.date().isoformat() if cell.time() == time(0) else cell.isoformat(sep=" ", timespec="seconds")
    if isinstance(cell, date | time):
        return cell.isoformat()
    return str(cell)


def _as_columns(block: list[list[str]]) -> pa.Table:
    """Rows of unequal width to columns of equal length."""
    width = max(len(row) for row in block)
    if not width:
        return pa.table({"0": pa.array([""] * len(block))})
    padded = [row + [""] * (width - len(row)) for row in block]
    columns = [pa.array(column, type=pa.string()) for column in zip(*padded, strict=True)]
    return pa.table(columns, names=[str(position) for position in range(width)])


def _widened(block: pa.Table, width: int) -> pa.Table:
    """With empty columns on the right."""
    for position in range(block.num_columns, width):
        block = block.append_column(str(position), pa.array([""] * len(block)))
    return block
