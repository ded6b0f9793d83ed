"""Bytes of files that no honest program writes: archives, workbooks and old workbooks built part by part."""

import io
import struct
import zipfile
from collections.abc import Mapping

_NS = 'xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"'
_REL = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
_TYPES = (
    '<Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types">'
    '<Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/>'
    '<Override PartName="/xl/workbook.xml" ContentType="application/vnd.{kind}.main+xml"/></Types>'
)
SHEET = "xl/worksheets/sheet1.xml"
XLSX_TYPE = "openxmlformats-officedocument.spreadsheetml.sheet"


def zipped(parts: Mapping[str, bytes | str], *, stored: tuple[str, ...] = ()) -> bytes:
    """A zip archive."""
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in parts.items():
            kind = zipfile.ZIP_STORED if name in stored else zipfile.ZIP_DEFLATED
            archive.writestr(name, content, compress_type=kind)
    return made.getvalue()


def cells(rows: list[list[str]]) -> str:
    """Rows of text cells."""
    return "".join(
        "<row>" + "".join(f'<c t="inlineStr"><is><t>{cell}</t></is></c>' for cell in row) + "</row>" for row in rows
    )


def xlsx_parts(data: str, kind: str = XLSX_TYPE) -> dict[str, bytes | str]:
    """The parts of a workbook of one sheet, its rows given as XML."""
    return {
        "[Content_Types].xml": _TYPES.format(kind=kind),
        "_rels/.rels": (
            '<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships">'
            f'<Relationship Id="r1" Type="{_REL}/officeDocument" Target="xl/workbook.xml"/></Relationships>'
        ),
        "xl/workbook.xml": (
            f'<workbook {_NS} xmlns:r="{_REL}"><sheets><sheet name="data" sheetId="1" r:id="r1"/></sheets></workbook>'
        ),
        "xl/_rels/workbook.xml.rels": (
            '<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships">'
            f'<Relationship Id="r1" Type="{_REL}/worksheet" Target="worksheets/sheet1.xml"/></Relationships>'
        ),
        SHEET: f"<worksheet {_NS}><sheetData>{data}</sheetData></worksheet>",
    }


def ods_parts(table: str, prolog: str = "") -> dict[str, bytes | str]:
    """The parts of an OpenDocument spreadsheet of one sheet, its rows given as XML."""
    office = "urn:oasis:names:tc:opendocument:xmlns:"
    return {
        "mimetype": "application/vnd.oasis.opendocument.spreadsheet",
        "META-INF/manifest.xml": (
            f'<manifest:manifest xmlns:manifest="{office}manifest:1.0"><manifest:file-entry manifest:full-path="/" '
            'manifest:media-type="application/vnd.oasis.opendocument.spreadsheet"/></manifest:manifest>'
        ),
        "content.xml": (
            f'<?xml version="1.0" encoding="UTF-8"?>{prolog}<office:document-content xmlns:office="{office}office:1.0" '
            f'xmlns:table="{office}table:1.0" xmlns:text="{office}text:1.0" '
            'xmlns:xlink="http://www.w3.org/1999/xlink"><office:body><office:spreadsheet>'
            f'<table:table table:name="data">{table}</table:table>'
            "</office:spreadsheet></office:body></office:document-content>"
        ),
    }


def ods_cells(rows: list[list[str]]) -> str:
    """Rows of text cells."""
    return "".join(
        "<table:table-row>"
        + "".join(
            f'<table:table-cell office:value-type="string"><text:p>{cell}</text:p></table:table-cell>' for cell in row
        )
        + "</table:table-row>"
        for row in rows
    )


def xls(
    rows: list[list[str | float]], *, before: bytes = b"", in_sheet: bytes = b"", macro_sheet: bool = False
) -> bytes:
    """An old workbook (BIFF8) of one sheet."""

    def record(kind: int, body: bytes) -> bytes:
        return struct.pack("<HH", kind, len(body)) + body

    bof = struct.pack("<HHHHII", 0x0600, 0x0005, 0x0DBB, 0x07CC, 0, 6)
    sheet_bof = struct.pack("<HHHHII", 0x0600, 0x0010, 0x0DBB, 0x07CC, 0, 6)
    sheet = record(0x0809, sheet_bof)
    sheet += record(0x0200, struct.pack("<IIHHH", 0, len(rows), 0, max(map(len, rows)), 0))
    for y, row in enumerate(rows):
        for x, cell in enumerate(row):
            if isinstance(cell, str):
                text = cell.encode("utf-16-le")
                sheet += record(0x0204, struct.pack("<HHHHB", y, x, 0, len(text) // 2, 1) + text)
            else:
                sheet += record(0x0203, struct.pack("<HHHd", y, x, 0, cell))
    sheet += in_sheet + record(0x000A, b"")
    name = b"data"
    bound = struct.pack("<BBB", 0, int(macro_sheet), len(name)) + b"\x00" + name
    top = record(0x0809, bof) + before
    place = len(top) + 4 + 4 + len(bound) + 4
    stream = top + record(0x0085, struct.pack("<I", place) + bound) + record(0x000A, b"") + sheet
    return compound({"Workbook": stream})


def compound(streams: Mapping[str, bytes]) -> bytes:
    """An OLE2 compound document with these streams."""
    end, free, fat_mark = 0xFFFFFFFE, 0xFFFFFFFF, 0xFFFFFFFD
    sectors: list[bytes] = []
    fat: list[int] = []
    entries = []
    for name, content in streams.items():
        content = content.ljust(4096, b"\0")
        count = -(-len(content) // 512)
        start = len(sectors)
        sectors += [content[i * 512 : i * 512 + 512].ljust(512, b"\0") for i in range(count)]
        fat += [*range(start + 1, start + count), end]
        entries.append((name, 2, start, len(content)))
    directory = b""
    for number, (name, kind, start, size) in enumerate([("Root Entry", 5, end, 0), *entries]):
        title = (name + "\0").encode("utf-16-le")
        child = 1 if kind == 5 and entries else free
        right = number + 1 if kind == 2 and number < len(entries) else free
        directory += title.ljust(64, b"\0") + struct.pack("<HBBIII", len(title), kind, 1, free, right, child)
        directory += b"\0" * 36 + struct.pack("<IQ", start, size)
    directory = directory.ljust(-(-len(directory) // 512) * 512, b"\0")
    first = len(sectors)
    count = len(directory) // 512
    sectors += [directory[i * 512 : i * 512 + 512] for i in range(count)]
    fat += [*range(first + 1, first + count), end]
    fat_sectors = -(-(len(fat) + 1) // 127)
    fat_first = len(sectors)
    fat += [fat_mark] * fat_sectors
    fat += [free] * (fat_sectors * 128 - len(fat))
    packed = struct.pack(f"<{len(fat)}I", *fat)
    sectors += [packed[i * 512 : i * 512 + 512] for i in range(fat_sectors)]
    difat = [*range(fat_first, fat_first + fat_sectors), *[free] * (109 - fat_sectors)]
    header = bytes.fromhex("d0cf11e0a1b11ae1") + b"\0" * 16 + struct.pack("<HHHHH", 0x3E, 3, 0xFFFE, 9, 6) + b"\0" * 6
    header += struct.pack("<IIIIIIIII", 0, fat_sectors, first, 0, 4096, end, 0, end, 0)
    return header + struct.pack("<109I", *difat) + b"".join(sectors)
