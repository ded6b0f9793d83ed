"""A workbook of a package read with distrust: does it hold what the data file holds, and nothing that runs.

Workbooks come back from strangers. This reader looks before it opens (entries, unpacked size, ratio), knows no macro,
link, formula or document type, and reads only what our own writer writes.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any
from xml.parsers import expat
from zipfile import BadZipFile, ZipFile

import pandas as pd

from sdc.release.workbook import MOST_CELLS, MOST_ROWS

_MOST_ENTRIES, _MOST_UNPACKED, _MOST_RATIO = 64, 512 << 20, 200
_ALLOWED = re.compile(
    r"\[Content_Types\]\.xml|_rels/\.rels|docProps/(?:app|core)\.xml"
    r"|xl/(?:workbook|styles|sharedStrings)\.xml|xl/theme/theme1\.xml|xl/_rels/workbook\.xml\.rels"
    r"|xl/worksheets/sheet[1-4]\.xml"
)
_SHEETS = ("README", "data", "dictionary", "codes")
_EPOCH = pd.Timestamp("1899-12-30")


class _Refused(Exception):
    """What is wrong with a workbook."""


def differences(path: Path, fields: Sequence[Mapping], rows: pd.DataFrame) -> list[str]:
    """How a workbook differs from the data file, in words and counts.

    Parameters
    ----------
    path : Path
    fields : sequence of mapping
        Fields of the table schema.
    rows : DataFrame
        The data, as `sdc.release.data.read_csv` gives them.

    Guarantees
    ----------
    * An empty list means: the data sheet equals the data file cell by cell (or names it, where it is too large), and
      no sheet holds a formula, link, macro or external part.
    """
    try:
        with ZipFile(path) as archive:
            _look(archive)
            texts = _texts(archive)
            _sheet_names(archive)
            for number in (1, 3, 4):
                _cells(archive, number, texts)
            cells = _cells(archive, 2, texts)
    except (BadZipFile, KeyError, OSError, ValueError, NotImplementedError, RuntimeError, expat.ExpatError):
        return ["cannot be read as a workbook of ours"]
    except _Refused as refused:
        return [str(refused)]
    if rows.size > MOST_CELLS or len(rows) > MOST_ROWS:
        return [] if len(cells) <= 1 else ["holds more than the name of the data file"]
    return list(_compared(cells, fields, rows))


def _look(archive: ZipFile) -> None:
    """Refuse what is not the shape of our workbooks, before anything is unpacked."""
    entries = archive.infolist()
    if len(entries) > _MOST_ENTRIES or len({e.filename for e in entries}) != len(entries):
        raise _Refused("has too many parts, or one twice")
    unknown = sum(not _ALLOWED.fullmatch(entry.filename) for entry in entries)
    if unknown:
        raise _Refused(f"has {unknown} parts that our workbooks do not have")
    unpacked, packed = sum(e.file_size for e in entries), sum(max(e.compress_size, 1) for e in entries)
    if unpacked > _MOST_UNPACKED or unpacked > _MOST_RATIO * packed + (1 << 20):
        raise _Refused("unpacks to more than it should")


def _parse(archive: ZipFile, name: str, start: Any, end: Any = None, text: Any = None) -> None:
    """Read one XML part as a stream; a document type is refused, so no entity can grow."""

    def doctype(*_: Any) -> None:
        raise _Refused("has a document type")

    parser = expat.ParserCreate()
    parser.buffer_text = True
    parser.StartDoctypeDeclHandler = doctype
    parser.StartElementHandler, parser.EndElementHandler, parser.CharacterDataHandler = start, end, text
    with archive.open(name) as part:
        read = 0
        while chunk := part.read(1 << 20):
            read += len(chunk)
            if read > _MOST_UNPACKED:
                raise _Refused("unpacks to more than it should")
            parser.Parse(chunk, False)
        parser.Parse(b"", True)


def _sheet_names(archive: ZipFile) -> None:
    names, wrong = [], []

    def start(tag: str, given: dict) -> None:
        if tag == "sheet":
            names.append(given.get("name"))
            wrong.extend([1] if given.get("state", "visible") != "visible" else [])

    _parse(archive, "xl/workbook.xml", start)
    targets: list[str] = []
    _parse(archive, "xl/_rels/workbook.xml.rels", lambda tag, given: targets.append(given.get("TargetMode", "")))
    if tuple(names) != _SHEETS or wrong:
        raise _Refused("has other sheets than our workbooks")
    if any(mode == "External" for mode in targets):
        raise _Refused("has links to other files")


def _texts(archive: ZipFile) -> list[str]:
    """The shared strings."""
    if "xl/sharedStrings.xml" not in archive.namelist():
        return []
    found: list[str] = []
    part: list[str] = []
    inside = [False]

    def start(tag: str, _: dict) -> None:
        if tag == "si":
            part.clear()
        inside[0] = tag == "t"

    def end(tag: str) -> None:
        inside[0] = False
        if tag == "si":
            found.append(_unescaped("".join(part)))

    _parse(archive, "xl/sharedStrings.xml", start, end, lambda text: part.append(text) if inside[0] else None)
    return found


def _unescaped(text: str) -> str:
    """A workbook writes characters that look like its own escapes as ``_x005F_x....``."""
    return re.sub(r"_x([0-9A-Fa-f]{4})_", lambda found: chr(int(found[1], 16)), text)


def _cells(archive: ZipFile, number: int, texts: list[str]) -> dict[int, dict[int, Any]]:
    """Values of a sheet by row and column, counted from 0; formulas and links are refused."""
    found: dict[int, dict[int, Any]] = {}
    state: dict[str, Any] = {"place": "", "kind": "", "value": [], "inside": False, "cells": 0}

    def start(tag: str, given: dict) -> None:
        if tag in ("f", "hyperlink", "hyperlinks", "legacyDrawing", "drawing", "oleObjects", "controls", "is"):
            raise _Refused("holds a formula, a link or a drawing")
        if tag == "c":
            state.update(place=given.get("r", ""), kind=given.get("t", "n"), value=[])
        state["inside"] = tag == "v"

    def end(tag: str) -> None:
        state["inside"] = False
        if tag == "c" and state["value"]:
            state["cells"] += 1
            if state["cells"] > 4 * MOST_CELLS:
                raise _Refused("holds too many cells")
            row, column = _place(state["place"])
            text = "".join(state["value"])
            if state["kind"] not in ("s", "n"):
                raise _Refused("holds cells of a kind that our workbooks do not have")
            found.setdefault(row, {})[column] = texts[_index(text, texts)] if state["kind"] == "s" else float(text)

    def text(piece: str) -> None:
        if state["inside"]:
            state["value"].append(piece)

    _parse(archive, f"xl/worksheets/sheet{number}.xml", start, end, text)
    return found


def _index(text: str, texts: list[str]) -> int:
    number = int(text)
    if not 0 <= number < len(texts):
        raise _Refused("points to a text that is not there")
    return number


def _place(name: str) -> tuple[int, int]:
    """Row and column of ``C7``: 6 and 2."""
    split = re.fullmatch(r"([A-Z]{1,3})([1-9][0-9]{0,6})", name)
    if split is None:
        raise _Refused("holds a cell without a place")
    column = 0
    for letter in split[1]:
        column = 26 * column + ord(letter) - 64
    return int(split[2]) - 1, column - 1


def _compared(cells: dict[int, dict[int, Any]], fields: Sequence[Mapping], rows: pd.DataFrame) -> Iterator[str]:
    head = cells.pop(0, {})
    if head != {number: field["name"] for number, field in enumerate(fields)}:
        yield "its columns are not those of the data file"
        return
    if cells and (max(cells) > len(rows) or max(max(row) for row in cells.values()) >= len(fields)):
        yield "its data go beyond those of the data file"
        return
    for number, field in enumerate(fields):
        wrong = 0
        for at, given in enumerate(_as_cells(rows[field["name"]], field["type"]), start=1):
            wrong += cells.get(at, _EMPTY).get(number) not in given
        if wrong:
            yield f"`{field['name']}`: {wrong} cells differ from the data file"


_EMPTY: dict[int, Any] = {}


def _as_cells(column: pd.Series, kind: str) -> Iterator[tuple]:
    """For each row the cell values that stand for it."""
    if kind == "date":
        for text in column:
            if pd.isna(text):
                yield (None,)
            else:
                yield (text, float((pd.Timestamp(text) - _EPOCH).days))
    elif kind == "string":
        for text in column:
            yield (None,) if pd.isna(text) else (text,)
    else:
        for value in column:
            yield (None,) if pd.isna(value) else (float(value), *_long(value))


def _long(value: float) -> tuple[str, ...]:
    """Numbers of more than 15 digits stand as text."""
    return (str(int(value)), str(float(value))) if abs(value) >= 10**15 else ()
