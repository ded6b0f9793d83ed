"""Bad extracts: each is refused with a clear error, and none of its cells is in what is told."""

import io
import os
import traceback
import zipfile
from collections.abc import Callable
from pathlib import Path

import openpyxl
import pytest
from ingest_cases import CANARY, DICTIONARY, GOOD, HEADER, ROWS, dictionary, extract, with_cell, with_column, workbook

from sdc.errors import DataError, DictionaryError, SdcError
from sdc.ingest import ingest, recognise, sandbox

NAMES = HEADER.split(",")

CSV = {
    # what is wrong: content, layout, words that the error must hold
    "empty file": ("", {}, "is empty"),
    "blank lines only": ("\n\n \n", {}, "is empty"),
    "header only": (HEADER + "\n", {}, "holds no records"),
    "rows of separators only": (HEADER + "\n" + "," * 13 + "\n", {}, "holds no records"),
    "nothing after the title": ("Title\n" + GOOD, {"header_row": 9}, "ends before row 9"),
    "short row": (GOOD + f"r4,{CANARY}\n", {}, "1 rows do not have 14 columns"),
    "long row": (GOOD + ROWS[0] + f",{CANARY}\n", {}, "1 rows do not have 14 columns"),
    "open quotation mark": (GOOD + f'r4,"{CANARY}\n', {}, "quotation mark is not closed"),
    "swallowed records": (GOOD[:-1] + '"' + f"{CANARY},\n" * 6000 + '"\n', {}, "more than 32,767 characters"),
    "NUL bytes": (GOOD.replace("r2", "r\x00"), {}, "NUL bytes"),
    "UTF-16 read as UTF-8": (GOOD.encode("utf-16"), {}, "is not text in utf-8"),
    "UTF-16 without mark read as UTF-8": (GOOD.encode("utf-16-le"), {}, "NUL bytes"),
    "another encoding": (GOOD.replace("said", "é").encode("windows-1252"), {}, "is not text in utf-8"),
    "JSON": ('[{"record": "' + CANARY + '"}]', {}, "the content is JSON"),
    "a web page": (f"<html>{CANARY}</html>", {}, "the content is a page"),
    "a workbook named csv": (b"PK\x03\x04" + CANARY.encode(), {}, "is a damaged archive"),
    "a gzip archive": (b"\x1f\x8b\x08\x00" + CANARY.encode(), {}, "the content is a gzip"),
    "an endless header": ("a" * 1_100_000 + f",{CANARY}\n", {}, "header row is longer"),
    "commas": ("," * 5000 + f"\n{CANARY}\n", {}, "more than 4,000 columns"),
    "a name twice": (GOOD.replace("sex,age", "sex,sex"), {}, "columns 6 and 7 have the same name"),
    "a column without a name": (GOOD.replace("sex,age", "sex,"), {}, "column 7 holds cells but has no name"),
    "no header row": ("\n".join(ROWS) + "\n", {}, "have no entry"),
    "wrong separator": (GOOD, {"separator": ";"}, "have no entry"),
    "more names than columns": (GOOD, {"names": ["a", "b"]}, "has 14 columns, the layout names 2"),
    "unknown column": (with_column("shoe_size", CANARY, "", ""), {}, "`shoe_size` (column 15) has no entry"),
    "unknown column with a telling name": (
        with_column(f"{CANARY} 0791234567", "", "", ""),
        {},
        "column 15 has no entry",
    ),
    "unknown choice column": (with_column("needs/cash", "0", "1", "0"), {}, "`needs/cash` is a code that `needs`"),
    "two columns of one variable": (with_column("district", CANARY, "", ""), {}, "columns 5, 15 are all `admin2`"),
    "required column absent": (GOOD.replace("admin1", "pcode2", 1).replace("admin2", "district"), {}, "`admin1`"),
    "required cell missing": (with_cell("admin1", ""), {}, "missing in 1 of 3 records, and required"),
    "unknown code": (with_cell("sex", CANARY), {}, "1 of 3 records hold a code outside the list"),
    "code in another letter case": (with_cell("sex", "F"), {}, "1 of 3 records hold a code outside the list"),
    "not an integer": (with_cell("age", CANARY), {}, "1 of 3 records are not whole numbers"),
    "a fraction for an integer": (with_cell("age", "30.5"), {}, "1 of 3 records are not whole numbers"),
    "half a group of thousands": (with_cell("people", '"1,00"'), {}, "1 of 3 records are not whole numbers"),
    "infinity": (with_cell("weight", "1e999"), {}, "larger than a number"),
    "not a number": (with_cell("weight", "NaN"), {}, "1 of 3 records are not numbers"),
    "below the range": (with_cell("age", "-1"), {}, "1 of 3 records are outside the range 0 to 120"),
    "above the range": (with_cell("age", "431"), {}, "1 of 3 records are outside the range 0 to 120"),
    "a negative count": (with_cell("people", "-3"), {}, "1 of 3 records are outside the range"),
    "no date": (with_cell("arrival", CANARY), {}, "1 of 3 records are no dates"),
    "the 30th of February": (with_cell("arrival", "2024-02-30"), {}, "1 of 3 records are no dates"),
    "two readings of a date": (
        with_cell("arrival", "03/04/2024"),
        {"date_formats": ["%m/%d/%Y"]},
        "different dates in two declared formats",
    ),
    "an id twice": (with_cell("record", "r2"), {}, "2 of 3 records share their value"),
    "unknown choice": (with_cell("needs", f"food {CANARY}"), {}, "1 of 3 records hold a code outside the list"),
    "choice columns that disagree": (
        with_column("needs/food", "0", "0", "0"),
        {},
        "differ in 1 records, 0 are allowed",
    ),
    "choice columns of text": (with_column("needs/food", CANARY, "0", "0"), {}, "hold neither 0 nor 1"),
    "a direction-changing character": (with_cell("admin2", "AA\u202e01"), {}, "invisible or direction-changing"),
    "totals": (with_cell("men", "9").replace("2,3,1.5", "4,3,1.5"), {}, "in 2 of 3 records, 1 are allowed"),
    "telephone numbers as codes": (with_cell("admin2", "+260 97 1234567"), {}, "look like telephone numbers"),
    "e-mails as codes": (with_cell("admin2", f"{CANARY}@example.org"), {}, "look like e-mail addresses"),
    "device ids as codes": (with_cell("admin2", "490154203237518"), {}, "look like device numbers"),
    "record ids as codes": (
        with_cell("admin2", "uuid:123e4567-e89b-12d3-a456-426614174000"),
        {},
        "look like universally unique ids",
    ),
    "coordinates as codes": (with_cell("admin2", "-13.6870378 34.9220021 531"), {}, "look like coordinates"),
    "another round": (with_column("round", "1", "2", "1"), {}, "1 of 3 records tell another round"),
}


def refused(path: Path, **layout: object) -> SdcError:
    """The refusal of a file, after a look for cells in it."""
    with pytest.raises(SdcError) as caught:
        ingest(path, extract(**layout), dictionary())
    link: BaseException | None = caught.value
    while link is not None:
        told = [str(link), repr(link), repr(link.args), *traceback.format_exception(link)]
        assert CANARY not in "".join(told)
        link = link.__cause__ or link.__context__
    return caught.value


@pytest.mark.parametrize("case", CSV)
def test_a_bad_csv_is_refused(tmp_path, case):
    content, layout, words = CSV[case]
    path = tmp_path / "raw.csv"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    error = refused(path, **layout)
    assert isinstance(error, DataError)
    assert error.exit_code == 11
    assert words in str(error)


def test_all_faults_of_a_file_are_told_at_once(tmp_path):
    text = with_cell("sex", CANARY).replace("31", CANARY).replace("2024-05-06", CANARY)
    path = tmp_path / "raw.csv"
    path.write_text(text.replace("remarks", "shoe_size"))
    error = refused(path)
    assert [fault.where.split("`")[1] if "`" in fault.where else "file" for fault in error.faults] == [
        "file",
        "sex",
        "age",
        "arrival",
    ]


def test_a_file_that_is_not_there(tmp_path):
    assert "no such file" in str(refused(tmp_path / "raw.csv"))


def test_a_folder(tmp_path):
    folder = tmp_path / "raw.csv"
    folder.mkdir()
    assert isinstance(refused(folder), DataError)


def test_a_pipe_is_not_waited_for(tmp_path):
    os.mkfifo(tmp_path / "raw.csv")
    assert "no regular file" in str(refused(tmp_path / "raw.csv"))


def test_another_extension(tmp_path):
    path = tmp_path / "raw.json"
    path.write_text(GOOD)
    assert "does not end in .csv" in str(refused(path))


def test_a_file_beyond_the_size_limit(tmp_path, monkeypatch):
    monkeypatch.setitem(recognise.FILE_BYTES, "csv", 100)
    path = tmp_path / "raw.csv"
    path.write_text(GOOD)
    assert "is a file larger than" in str(refused(path))


def test_an_extract_of_another_component(tmp_path):
    path = tmp_path / "raw.csv"
    path.write_text(GOOD)
    with pytest.raises(DictionaryError, match="is an extract of `camp`, the dictionary is of `site`"):
        ingest(path, extract(), dictionary(DICTIONARY.replace("component: camp", "component: site")))


def test_names_file_that_is_not_there(tmp_path):
    path = tmp_path / "raw.csv"
    path.write_text(GOOD)
    error = refused(path, header_row=None, names_file=tmp_path / "names.txt")
    assert isinstance(error, DictionaryError)
    assert "no such file" in str(error)


def rows(*more: list[object]) -> list[list[object]]:
    """The good file as rows of a workbook."""
    return [list(NAMES), *(row.split(",") for row in ROWS), *more]


def rewritten(path: Path, change: Callable[[str, bytes], bytes | None], **added: bytes) -> Path:
    """A workbook with its parts changed (None: left out), and parts added."""
    parts = io.BytesIO()
    with zipfile.ZipFile(path) as old, zipfile.ZipFile(parts, "w", zipfile.ZIP_DEFLATED) as new:
        for name in old.namelist():
            content = change(name, old.read(name))
            if content is not None:
                new.writestr(name, content)
        for name, content in added.items():
            new.writestr(name, content)
    path.write_bytes(parts.getvalue())
    return path


def same(name: str, content: bytes) -> bytes:
    return content


def in_sheet(old: bytes, new: bytes) -> Callable[[str, bytes], bytes]:
    return lambda name, content: content.replace(old, new, 1) if "worksheets/" in name else content


WORKBOOKS = {
    "not a workbook": (lambda path: path.write_text(GOOD), {}, "the layout says xlsx"),
    "password or old format": (
        lambda path: path.write_bytes(b"\xd0\xcf\x11\xe0" + b"x" * 99),
        {},
        "old document, but no workbook",
    ),
    "cut off": (lambda path: path.write_bytes(workbook(path, rows()).read_bytes()[:-400]), {}, "damaged archive"),
    "a zip of something else": (
        lambda path: rewritten(workbook(path, rows()), lambda n, c: None if n == "xl/workbook.xml" else c),
        {},
        "no workbook",
    ),
    "broken XML": (
        lambda path: rewritten(workbook(path, rows()), in_sheet(b"</sheetData>", b"</sheet>")),
        {},
        "holds a sheet that cannot be read",
    ),
    "macros": (lambda path: rewritten(workbook(path, rows()), same, **{"xl/vbaProject.bin": b"x"}), {}, "macros"),
    "outside links": (
        lambda path: rewritten(workbook(path, rows()), same, **{"xl/externalLinks/externalLink1.xml": b"<x/>"}),
        {},
        "links to other workbooks",
    ),
    "a part outside": (
        lambda path: rewritten(workbook(path, rows()), same, **{"../x": b"x"}),
        {},
        "outside its folder",
    ),
    "a document type": (
        lambda path: rewritten(
            workbook(path, rows()), in_sheet(b"<worksheet", b'<!DOCTYPE x [<!ENTITY a "b">]><worksheet')
        ),
        {},
        "declares a document type",
    ),
    "a part in UTF-16": (
        lambda path: rewritten(
            workbook(path, rows()), lambda n, c: c.decode().encode("utf-16") if "worksheets/" in n else c
        ),
        {},
        "not in UTF-8",
    ),
    "a bomb": (
        lambda path: rewritten(workbook(path, rows()), same, **{"xl/media/a.bin": b"\x00" * (40 << 20)}),
        {},
        "unpacks to more",
    ),
    "an endless row": (
        lambda path: rewritten(
            workbook(path, rows()),
            in_sheet(b"</row>", b"<c/>" * (5 << 20) + b"</row>"),
            **{"xl/noise": os.urandom(200_000)},
        ),
        {},
        "a row longer than a row can be",
    ),
    "a formula without result": (lambda path: workbook(path, rows(["=1+1", CANARY])), {}, "without their results"),
    "an error cell": (lambda path: workbook(path, rows(["#DIV/0!", CANARY])), {}, "1 cells hold a spreadsheet error"),
    "two sheets": (lambda path: workbook(path, rows(), CANARY), {}, "has 2 sheets, and the layout names none"),
    "no such sheet": (
        lambda path: workbook(path, rows(), CANARY),
        {"sheet": "main"},
        "has no sheet `main` among its 2",
    ),
    "an empty sheet": (lambda path: workbook(path, []), {}, "holds no rows"),
    "a cell far outside": (lambda path: far_cell(path), {}, "cells beyond column 4,000"),
    "an unknown code": (lambda path: workbook(path, rows([CANARY] * len(NAMES))), {}, "outside the list"),
    "no header": (lambda path: workbook(path, rows()[1:]), {}, "have no entry"),
}


def far_cell(path: Path) -> Path:
    book = openpyxl.Workbook()
    book.active.append(NAMES)
    book.active["XFD1048576"] = CANARY
    book.save(path)
    return path


@pytest.mark.parametrize("case", WORKBOOKS)
def test_a_bad_workbook_is_refused(tmp_path, case):
    make, layout, words = WORKBOOKS[case]
    path = tmp_path / "raw.xlsx"
    make(path)
    error = refused(path, format="xlsx", **layout)
    assert error.exit_code == 11
    assert words in str(error)


def test_a_workbook_is_measured_before_it_is_parsed(tmp_path, monkeypatch):
    path = workbook(tmp_path / "raw.xlsx", rows())
    monkeypatch.setitem(recognise.FILE_BYTES, "xlsx", 100)
    monkeypatch.setattr(sandbox, "run", lambda *a, **k: pytest.fail("parsed"))
    assert "is a workbook larger than" in str(refused(path, format="xlsx"))


@pytest.mark.parametrize(
    "layout",
    [
        {"separator": "a"},
        {"separator": '"'},
        {"thousands": "."},
        {"header_row": None},
        {"header_row": 0},
        {"names": ["a"], "names_file": "b"},
        {"sheet": "main"},
        {"encoding": "rot13"},
        {"date_formats": ["%d/%m"]},
        {"date_formats": ["%Y-%d-%m"]},
        {"surprise": 1},
    ],
)
def test_a_layout_that_contradicts_itself_is_refused(layout):
    with pytest.raises(ValueError, match="validation error"):
        extract(**layout)
