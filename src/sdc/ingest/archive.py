"""A zip archive measured and its XML scanned, before anything in it is parsed."""

import re
import zipfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from xml.etree import ElementTree

from sdc.errors import DataError
from sdc.ingest.limits import COLUMNS

ENTRIES = 2_000
UNPACKED_BYTES = 512 << 20
RATIO_FREE_BYTES = 16 << 20  # below this an archive cannot do harm, however tightly it is packed
RATIO = 200
PART_BYTES = 8 << 20  # of a part that is read whole: the list of sheets, the manifest
ROW_BYTES = 16 << 20  # of XML; the parser holds one row at a time
_CHUNK, _OVERLAP = 1 << 20, 1 << 16
_DOCTYPE = re.compile(rb"<!(?:DOCTYPE|ENTITY)")
_DECLARED = re.compile(rb"""\A(?:\xef\xbb\xbf)?\s*<\?xml[^>]*?encoding\s*=\s*["']([A-Za-z0-9._-]+)""")
_ROW = re.compile(rb"<(?:\w+:)?(?:table-)?row[\s>/]")
_FORMULA = re.compile(
    rb"<(?:\w+:)?c\b([^>]*)>\s*<(?:\w+:)?f\b[^>]*?(?:/>|>[^<]*</(?:\w+:)?f>)\s*"
    rb"(?:</(?:\w+:)?c>|<(?:\w+:)?v\s*/>|<(?:\w+:)?v>\s*</)"
)
_ERROR = re.compile(rb"""<(?:\w+:)?c\s[^<>]*?\bt\s*=\s*["']e["']""")
_FAR = re.compile(rb"""\sr\s*=\s*["']([A-Z]{3,})[0-9]+["'](?![^<>]*/>)""")  # a cell with formatting alone is none
_ODS_FORMULA = re.compile(rb"<table:table-cell\b(?=[^>]*\stable:formula=)(?![^>]*\soffice:value-type=)[^>]*>")
_ODS_ERROR = re.compile(rb"<text:p>(?:#(?:N/A|REF!|VALUE!|DIV/0!|NAME\?|NULL!|NUM!)|Err:[0-9]{3})</text:p>")
_ODS_LINK = re.compile(rb"<table:table-source\b|<table:cell-range-source\b|<office:dde-source\b")


def look(path: Path, kind: str, where: str, sheets: Sequence[str | None] | None = None) -> None:
    """Measure a workbook and scan its parts.

    Parameters
    ----------
    path : Path
    kind : xlsx or ods
    where : str, for errors
    sheets : names of the sheets whose cells have to say what they hold; all of them where it is left out

    Raises
    ------
    DataError
        When the archive is larger than its limits, damaged, encrypted, holds macros, outside links, a part outside its
        folder, a document type, a formula or a link whose result is not saved, an error of the spreadsheet, or a cell
        far outside a table.
    """
    refusal, sound = None, False
    try:
        with zipfile.ZipFile(path) as archive:
            _measure(archive, path.stat().st_size, where)
            if kind == "xlsx":
                _scan_xlsx(archive, where, sheets)
            else:
                _scan_ods(archive, where, sheets)
            sound = True
    except DataError as refused:
        refusal = refused
    except Exception:  # noqa: BLE001, S110 - zipfile raises many things, where a checksum or a length differs too
        pass
    if refusal:
        raise refusal
    if not sound:
        raise DataError(where, "is a damaged archive", "Open it and save it again.")


def _measure(archive: zipfile.ZipFile, size: int, where: str) -> None:
    """Refuse what the table of contents gives away."""
    entries = archive.infolist()
    names = [entry.filename for entry in entries]
    unpacked = sum(entry.file_size for entry in entries)
    if len(entries) > ENTRIES or len(set(names)) < len(names):
        raise DataError(where, "is an archive with too many parts, or a part that stands twice")
    if unpacked > UNPACKED_BYTES or (unpacked > RATIO_FREE_BYTES and unpacked > RATIO * size):
        raise DataError(where, "unpacks to more than a workbook of its size can hold", "Send the extract as CSV.")
    if any(name.startswith(("/", "\\")) or ".." in re.split(r"[/\\]", name) or ":" in name for name in names):
        raise DataError(where, "is an archive with a part outside its folder")
    if any(entry.flag_bits & 1 for entry in entries):
        raise DataError(where, "is encrypted", "Save it without a password.")
    lower = [name.lower() for name in names]
    macros = ("vbaproject", "activex", "macrosheets/", "dialogsheets/")
    if any(any(word in name for word in macros) or name.startswith(("basic/", "scripts/")) for name in lower):
        raise DataError(where, "holds macros", "Save it as .xlsx, which cannot.")
    if any("externallinks/" in name for name in lower):
        raise DataError(where, "holds links to other workbooks", "Break the links, then save it.")


def _scan_xlsx(archive: zipfile.ZipFile, where: str, sheets: Sequence[str | None] | None) -> None:
    """Every part that is XML; of the worksheets that are wanted, the formulas and errors too."""
    parts = [entry for entry in archive.infolist() if entry.filename.lower().endswith((".xml", ".rels", ".vml"))]
    worksheets = [entry for entry in parts if "worksheets/" in entry.filename.lower()]
    for entry in parts:
        if entry not in worksheets:
            _scan_part(archive, entry, where)
    if b"macroEnabled" in _whole(archive, "[Content_Types].xml"):
        raise DataError(where, "holds macros", "Save it as .xlsx, which cannot.")
    wanted = None if sheets is None or None in sheets else _parts_of(archive, sheets)
    for entry in worksheets:
        cells = "xlsx" if wanted is None or entry.filename in wanted else ""
        _scan_part(archive, entry, where, far=True, cells=cells)


def _parts_of(archive: zipfile.ZipFile, sheets: Sequence[str | None]) -> set[str]:
    """Names of the parts that hold the sheets of these names; no part declares a document type any more."""
    wanted = {sheet.strip().casefold() for sheet in sheets if sheet is not None}
    book = ElementTree.fromstring(_whole(archive, "xl/workbook.xml"))  # noqa: S314 - scanned before
    links = ElementTree.fromstring(_whole(archive, "xl/_rels/workbook.xml.rels"))  # noqa: S314
    target = {link.get("Id"): link.get("Target", "") for link in links}
    parts = set()
    for element in book.iter():
        if element.tag.endswith("}sheet") and element.get("name", "").strip().casefold() in wanted:
            place = next((target.get(value, "") for name, value in element.items() if name.endswith("}id")), "")
            parts.add(place.removeprefix("/") if place.startswith("/") else f"xl/{place}")
    return parts


def _scan_ods(archive: zipfile.ZipFile, where: str, sheets: Sequence[str | None] | None) -> None:
    """Every part that is XML; the content for its formulas, errors and links."""
    if b"encryption-data" in _whole(archive, "META-INF/manifest.xml"):
        raise DataError(where, "is encrypted", "Save it without a password.")
    for entry in archive.infolist():
        if entry.filename.lower().endswith((".xml", ".rdf")):
            content = entry.filename == "content.xml"
            _scan_part(archive, entry, where, far=content, cells="ods" if content and sheets != () else "")


def _scan_part(
    archive: zipfile.ZipFile, entry: zipfile.ZipInfo, where: str, *, far: bool = False, cells: str = ""
) -> None:
    """Refuse a document type, an unusual encoding, rows without end, and cells that do not say what they hold."""
    bare = errors = since_row = 0
    with archive.open(entry) as part:
        tail, first = b"", True
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
            if far:
                since_row = 0 if _ROW.search(chunk) else since_row + len(chunk)
                if since_row > ROW_BYTES:
                    raise DataError(where, "has a row longer than a row can be", "Send the extract as CSV.")
                if any(_number(place[1]) > COLUMNS for place in _FAR.finditer(window)):
                    what = f"holds cells beyond column {COLUMNS:,}"
                    raise DataError(where, what, "Delete what stands outside the table.")
                if _ODS_LINK.search(window):
                    raise DataError(where, "holds links to other workbooks", "Break the links, then save it.")
            if cells:
                found = (_ods_cells if cells == "ods" else _cells)(window, len(tail))
                bare, errors = bare + found[0], errors + found[1]
            tail = window[-_OVERLAP:]
    if bare:
        do = "Open it, save it, or paste values."
        raise DataError(where, f"holds {bare:,} formulas that were saved without their results", do)
    if errors:
        raise DataError(where, f"{errors:,} cells hold a spreadsheet error such as a division by zero", "Mend them.")


def _cells(window: bytes, old: int) -> tuple[int, int]:
    """Formulas without a result, and errors, that do not end within the bytes that were looked at before."""
    bare = errors = 0
    if b"f>" in window or b"<f" in window or b":f" in window:
        found = [cell for cell in _FORMULA.finditer(window) if cell.end() > old]
        bare = sum(not (b't="str"' in cell[1] and cell[0].rstrip().endswith((b"/>", b"</"))) for cell in found)
    if b'"e"' in window or b"'e'" in window:
        errors = sum(cell.end() > old for cell in _ERROR.finditer(window))
    return bare, errors


def _ods_cells(window: bytes, old: int) -> tuple[int, int]:
    """The same for the other format."""
    bare = sum(cell.end() > old for cell in _ODS_FORMULA.finditer(window)) if b"table:formula" in window else 0
    return bare, sum(cell.end() > old for cell in _ODS_ERROR.finditer(window))


def _number(letters: bytes) -> int:
    """Column number of its letters."""
    number = 0
    for letter in letters[:4]:
        number = number * 26 + letter - 64
    return number


def _whole(archive: zipfile.ZipFile, name: str) -> bytes:
    """A small part, or nothing where there is none."""
    held: Mapping[str, zipfile.ZipInfo] = archive.NameToInfo
    return archive.open(name).read(PART_BYTES) if name in held else b""
