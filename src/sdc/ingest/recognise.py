"""What a file is, by its first bytes and its table of contents; never by its name."""

import codecs
import re
import stat
import zipfile
from pathlib import Path
from typing import BinaryIO

from sdc.errors import DataError

SUFFIXES = {
    "csv": (".csv", ".tsv", ".txt"),
    "xlsx": (".xlsx",),
    "xls": (".xls",),
    "ods": (".ods",),
    "json": (".json", ".geojson"),
    "sav": (".sav", ".zsav"),
    "dta": (".dta",),
    "parquet": (".parquet",),
    "sql": (".sql",),
}
FILE_BYTES = {  # the largest file of a format that is opened at all
    "csv": 2 << 30,
    "xlsx": 200 << 20,
    "xls": 200 << 20,
    "ods": 200 << 20,
    "json": 200 << 20,
    "sav": 1 << 30,
    "dta": 1 << 30,
    "parquet": 1 << 30,
    "sql": 1 << 20,
}
DIRECTORY_BYTES = 1 << 20  # of the table of contents of an archive
_DIRECTORY_END = 66_000  # where an archive says how long its table of contents is
_HEAD = 4_096
_OLD_DTA = re.compile(rb"[\x66-\x73][\x01\x02]\x01\x00")  # releases 102 to 115: release, byte order, type, padding
_OLE = b"\xd0\xcf\x11\xe0"
_REFUSED = (
    (b"%PDF", "a PDF"),
    (b"\x1f\x8b", "a gzip archive"),
    (b"7z\xbc\xaf", "a 7z archive"),
    (b"Rar!", "a RAR archive"),
    (b"BZh", "a bzip2 archive"),
    (b"\xfd7zXZ", "an xz archive"),
    (b"SQLite format 3", "a database"),
    (b"{\\rtf", "a text document"),
    (b"MZ", "a program"),
    (b"\x7fELF", "a program"),
    (b"\x89PNG", "a picture"),
    (b"\xff\xd8\xff", "a picture"),
)
_JSON = re.compile(rb'\{\s*["}]|\[\s*[\[{\]]|\[\s*\Z')


def require_file(path: Path, where: str) -> int:
    """Size in bytes of a regular file; a link, a folder, a pipe or a device is refused before it is opened."""
    try:
        status = path.lstat()
        if stat.S_ISLNK(status.st_mode):
            raise DataError(where, "is a symbolic link", "Put the file itself there.")
        if not stat.S_ISREG(status.st_mode):
            raise DataError(where, "is no regular file")
        with path.open("rb"):
            return status.st_size
    except FileNotFoundError:
        raise DataError(where, "there is no such file", "Put the extract there, or mend `params.yaml`.") from None
    except (OSError, ValueError):
        raise DataError(where, "cannot be read", "Look at its name and its permissions.") from None


def format_of(path: Path, where: str) -> str:
    """Format of a file, by content.

    Returns
    -------
    str, a key of `SUFFIXES` but sql; text that is nothing else is csv

    Raises
    ------
    DataError
        When it is no regular file, empty, or of a kind that no reader of ours takes: encrypted, with macros, packed.
    """
    if not require_file(path, where):
        raise DataError(where, "is empty", "Export it again.")
    with path.open("rb") as content:
        head = content.read(_HEAD)
        if head.startswith(b"PK"):
            return _of_archive(content, where)
        if head.startswith(_OLE):
            return _of_ole(content, where)
    if head.startswith(b"PAR1"):
        return "parquet"
    if head.startswith((b"$FL2", b"$FL3")):
        return "sav"
    if head.startswith(b"<stata_dta>") or _OLD_DTA.match(head):
        return "dta"
    other = next((what for magic, what in _REFUSED if head.startswith(magic)), None)
    if other:
        do = "Export it as CSV, XLSX, ODS, JSON, SPSS, Stata or Parquet."
        if other == "a database":
            do += " Or write a SELECT into a file: `sdc inspect FILE.sql --url-from ...`."
        raise DataError(where, f"the content is {other}", do)
    start = head.removeprefix(codecs.BOM_UTF8).lstrip()
    if start.startswith(b"<"):
        raise DataError(where, "the content is a page of HTML or XML", "Export it as CSV or XLSX.")
    return "json" if _JSON.match(start[:64]) else "csv"


def require_format(path: Path, declared: str, where: str) -> None:
    """Refuse a file that is too large, is not what the layout says, or whose name says something else."""
    size = require_file(path, where)
    limit = FILE_BYTES[declared]
    if size > limit:
        told = f"{limit >> 30} GiB" if limit >= 1 << 30 else f"{limit >> 20} MiB"
        kind = "a workbook" if declared in ("xlsx", "xls", "ods") else "a file"
        raise DataError(where, f"is {kind} larger than {told}", "Split the extract, or send it as CSV.")
    require_suffix(path, declared, where, f"the layout says {declared}, ")
    found = format_of(path, where)
    if found != declared:
        told = {"csv": "text", "json": "JSON"}.get(found, found)
        what = f"the layout says {declared}, the content is {told}"
        raise DataError(where, what, f"Mend `format` in the layout, or save it as {declared}.")


def require_suffix(path: Path, found: str, where: str, prefix: str = "") -> None:
    """Refuse a name that ends as another format's does."""
    if path.suffix.lower() not in SUFFIXES[found]:
        accepted = ", ".join(SUFFIXES[found])
        told = prefix or f"the content is {found}, "
        raise DataError(where, f"{told}the file's name does not end in {accepted}", "Give it the right extension.")


def _of_archive(content: BinaryIO, where: str) -> str:
    """Xlsx or ods; any other archive is refused."""
    names: set[str] = set()
    kind = b""
    _require_short_directory(content, where)
    try:
        with zipfile.ZipFile(content) as archive:
            entries = archive.infolist()
            names = {entry.filename.lower() for entry in entries}
            first = next((entry for entry in entries[:10] if entry.filename == "mimetype"), None)
            if first is not None and first.file_size < 200 and not first.flag_bits & 1:
                kind = archive.open(first).read(200)
    except Exception:  # noqa: BLE001 - zipfile breaks in many ways on a broken archive, and may quote a name
        names = set()
    if not names:
        raise DataError(where, "is a damaged archive", "Open it and save it again, or export it again.")
    if any("vbaproject" in name or name.startswith("basic/") for name in names):
        raise DataError(where, "holds macros", "Save it as .xlsx, which cannot.")
    if "xl/workbook.xml" in names:
        return "xlsx"
    if "xl/workbook.bin" in names:
        raise DataError(where, "the content is a binary workbook (xlsb)", "Save it as .xlsx.")
    if kind.startswith(b"application/vnd.oasis.opendocument.spreadsheet"):
        return "ods"
    raise DataError(where, "is an archive, but no workbook", "Unpack it, and name the extract in it.")


def _require_short_directory(content: BinaryIO, where: str) -> None:
    """Refuse a table of contents that is too long to be read; a workbook's has some dozen entries."""
    size = content.seek(0, 2)
    content.seek(max(0, size - _DIRECTORY_END))
    tail = content.read()
    at = tail.rfind(b"PK\x05\x06")
    if at < 0 or len(tail) < at + 16:
        raise DataError(where, "is a damaged archive", "Open it and save it again, or export it again.")
    if int.from_bytes(tail[at + 12 : at + 16], "little") > DIRECTORY_BYTES:
        raise DataError(where, "is an archive with too many parts, or a part that stands twice")
    content.seek(0)


def _of_ole(content: BinaryIO, where: str) -> str:
    """An xls; a workbook that is encrypted or holds macros is refused."""
    content.seek(0)
    held = content.read(FILE_BYTES["xls"])
    if _utf16("EncryptedPackage") in held or _utf16("StrongEncryptionDataSpace") in held:
        raise DataError(where, "is encrypted", "Save it without a password.")
    if _utf16("_VBA_PROJECT") in held or _utf16("VBA_PROJECT_CUR") in held:
        raise DataError(where, "holds macros", "Save it as .xlsx, which cannot.")
    if _utf16("Workbook") not in held and _utf16("Book") not in held:
        raise DataError(where, "is an old document, but no workbook", "Export it as .xlsx.")
    return "xls"


def _utf16(name: str) -> bytes:
    """A name as an old document writes it."""
    return name.encode("utf-16-le")
