"""A first look at a file nobody has described yet: its format and its first rows, as text."""

import codecs
import contextlib
import csv
import io
import unicodedata
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from charset_normalizer import from_bytes

from sdc.errors import DataError
from sdc.ingest import sandbox
from sdc.ingest.layout import Encoding
from sdc.ingest.recognise import format_of, require_format, require_suffix

SEPARATORS = ",;\t|"
_LEGACY: tuple[Encoding, ...] = (  # the likelier first, where a text does not tell them apart
    *("windows-1252", "windows-1256", "windows-1251", "windows-1254", "windows-1250"),
    *("iso-8859-1", "iso-8859-15", "iso-8859-9"),
)
_TURKISH = b"\xd0\xdd\xde\xf0\xfd\xfe"  # letters of Turkish; in windows-1252 of Icelandic
_SAMPLE = 1 << 18
_CHUNK = 1 << 23


@dataclass(frozen=True)
class Grid:
    """The first rows of one table.

    Attributes
    ----------
    sheet : name of the worksheet as it stands, blanks included; empty where the file has one table
    rows : cells as text, trimmed, in NFC; every row as wide as the widest
    height : rows of the table in all, those above the header included; of a CSV its lines
    named : whether the format itself says that the first row holds the names
    labels : labels of questions by column, where the format has them
    value_labels : labels of codes by column, where the format has them
    missing_ranges : lowest and highest code of each declared missing range by column, where the format has them
    """

    sheet: str
    rows: tuple[tuple[str, ...], ...]
    height: int
    named: bool = False
    labels: Mapping[str, str] = field(default_factory=dict)
    value_labels: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    missing_ranges: Mapping[str, Sequence[Sequence[str]]] = field(default_factory=dict)


@dataclass(frozen=True)
class Peek:
    """What a file seems to be. It holds values: it is neither printed nor logged.

    Attributes
    ----------
    format : by content
    encoding, separator : of a CSV, sniffed
    records : of JSON, dotted path of its longest list of records; None where it has none
    grids : every sheet, in the file's order
    """

    format: str
    grids: tuple[Grid, ...]
    encoding: str | None = None
    separator: str | None = None
    records: str | None = None


def peek(path: Path, *, rows: int = 200) -> Peek:
    """Recognise a file by its content, and take its first rows.

    Parameters
    ----------
    path : Path
    rows : int, at most so many of each table

    Raises
    ------
    DataError
        When there is no such file, no reader takes it, it is damaged, or its extension is another format's.

    Guarantees
    ----------
    * A file of a complex format is parsed in a process of its own, within limits of memory and time.
    """
    where = str(path)
    found = format_of(path, where)
    require_suffix(path, found, where)
    require_format(path, found, where)
    if found == "csv":
        return _text(path, rows, where)
    job = {"task": "peek", "path": str(path.absolute()), "format": found, "rows": rows}
    told, _ = sandbox.run(job, where)
    return Peek(found, tuple(_grid(**grid) for grid in told["grids"]), records=told.get("records"))


def _text(path: Path, rows: int, where: str) -> Peek:
    """Encoding, separator and first rows of a text file."""
    encoding = sniffed_encoding(path, where)
    with path.open("rb") as content:
        head = content.read(_SAMPLE)
        whole = len(head) < _SAMPLE
    text = head.decode(encoding, errors="ignore").removeprefix("\ufeff")
    if "\x00" in text:
        raise DataError(where, "holds NUL bytes", "It is no text file.")
    if not whole:
        text = text[: max(text.rfind("\n"), text.rfind("\r")) + 1] or text
    separator = sniffed_separator(text)
    taken: list[list[str]] = []
    with contextlib.suppress(csv.Error):
        for row in csv.reader(io.StringIO(text, newline=""), delimiter=separator):
            taken.append(row)
            if len(taken) == rows:
                break
    if not taken:
        raise DataError(where, "cannot be read as CSV", "Look at its separator and its quotation marks.")
    return Peek("csv", (_grid("", taken, _lines(path)),), encoding=encoding, separator=separator)


def sniffed_encoding(path: Path, where: str) -> str:
    """The encoding that a text file seems to be in: UTF-8 where all of it decodes, else the likeliest of the others."""
    with path.open("rb") as content:
        head = content.read(_SAMPLE)
        if head[:2] in (b"\xff\xfe", b"\xfe\xff"):
            return "utf-16"
        content.seek(0)
        sample = _undecodable(content)
    if sample is None:
        return "utf-8"
    isolated = [codecs.lookup(name).name.replace("-", "_") for name in _LEGACY]
    matches = list(from_bytes(sample, cp_isolation=isolated))
    if not matches:
        raise DataError(where, "is text in no encoding that is known here", "Save it as UTF-8.")
    best = min((match.chaos, -match.coherence) for match in matches)
    alike = {name for match in matches if (match.chaos, -match.coherence) == best for name in _names(match)}
    found = next(name for name, plain in zip(_LEGACY, isolated, strict=True) if plain in alike)
    turkish = any(letter in sample for letter in _TURKISH)
    return "windows-1254" if found == "windows-1252" and turkish else found


def _names(match: Any) -> set[str]:
    """Encodings that give the same text."""
    return {codecs.lookup(name).name.replace("-", "_") for name in (match.encoding, *match.could_be_from_charset)}


def sniffed_separator(text: str) -> str:
    """The separator that cuts most lines into the same number of cells, of more than one."""
    best, found = (0.0, 0), ","
    for separator in SEPARATORS:
        widths: Counter[int] = Counter()
        with contextlib.suppress(csv.Error):
            for number, row in enumerate(csv.reader(io.StringIO(text, newline=""), delimiter=separator)):
                widths[len(row)] += bool(row)
                if number == 200:
                    break
        wide = {width: lines for width, lines in widths.items() if width > 1}
        if wide:
            width, lines = max(wide.items(), key=lambda item: (item[1], item[0]))
            best, found = max((best, found), ((lines / widths.total(), width), separator))
    return found


def _undecodable(content: Any) -> bytes | None:
    """None where all is UTF-8, else the lines around the first that is not, but for those of ASCII alone."""
    decoder = codecs.getincrementaldecoder("utf-8")()
    while chunk := content.read(_CHUNK):
        try:
            decoder.decode(chunk, final=len(chunk) < _CHUNK)
        except UnicodeDecodeError as wrong:
            around = chunk[max(0, wrong.start - _SAMPLE // 4) :][:_SAMPLE]
            return b"\n".join(line for line in around.splitlines() if not line.isascii()) or around
    return None


def _lines(path: Path) -> int:
    """Number of lines of a text file."""
    lines, last = 0, b"\n"
    with path.open("rb") as content:
        while chunk := content.read(_CHUNK):
            lines += chunk.count(b"\n") or chunk.count(b"\r")
            last = chunk[-1:]
    return lines + (last not in b"\r\n")


def _grid(sheet: str, rows: Sequence[Sequence[str]], height: int, **more: Any) -> Grid:
    """Rows trimmed, normalised and padded."""
    width = max(map(len, rows), default=0)
    cleaned = tuple(
        tuple(unicodedata.normalize("NFC", cell.strip()) for cell in (*row, *[""] * (width - len(row)))) for row in rows
    )
    return Grid(sheet, cleaned, height, **more)
