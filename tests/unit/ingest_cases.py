"""A small dictionary and small files for the tests of ingest; nothing in them is of a real person."""

from pathlib import Path

import openpyxl

from sdc.dictionary import Dictionary, _File
from sdc.documents import parse_document
from sdc.errors import DictionaryError
from sdc.ingest import Extract, Layout

CANARY = "Qanari"

DICTIONARY = """
component: camp
version: 1.0.0
title: {en: Camp}
unit: household
missing: [dnk, "-99"]
lists:
  needs: {food: {en: Food}, water: {en: Water}, none: {en: None}}
variables:
  - {name: record, type: code, role: identifier, open_codes: true, unique: true}
  - {name: phone, aliases: [tel], type: text, role: identifier}
  - {name: phone_area, type: code, role: key, open_codes: true, follows: phone}
  - {name: household, type: code, role: household, open_codes: true}
  - {name: admin1, type: code, role: key, codes: {AA01: {en: North}, AA02: {en: South}}, required: true}
  - {name: admin2, aliases: [district], type: code, role: key, open_codes: true, follows: admin1}
  - {name: admin2_name, type: text, role: key, follows: admin2}
  - {name: sex, type: code, role: key, codes: {f: {en: Female}, m: {en: Male}}}
  - {name: age, type: integer, role: key, min: 0, max: 120}
  - {name: arrival, type: date, role: key, formats: ["%d/%m/%Y"]}
  - {name: needs, type: codes, role: sensitive, codes: needs}
  - {name: answered, type: code, role: other, codes: {yes: {en: "Yes"}, dnk: {en: Don't know}}}
  - {name: people, type: integer, role: count}
  - {name: men, type: integer, role: count}
  - {name: women, type: integer, role: count}
  - {name: weight, type: number, role: weight}
  - {name: remarks, type: text, role: other, sensitivity: high}
links:
  - {total: people, parts: [men, women], broken_rows_allowed: 1}
"""

HEADER = "record,phone,household,admin1,admin2,sex,age,arrival,needs,people,men,women,weight,remarks"
ROWS = (
    f"r1,{CANARY} 0791,h9,AA01,AA0101,f,31,2024-05-06,food water,3,1,2,1.5,{CANARY} said so",
    f"r2,{CANARY} 0792,h9,AA01,AA0101,m,33,06/05/2024,water,5,2,3,1.5,",
    f"r3,{CANARY} 0793,h2,AA02,{CANARY}place,f,dnk,,,7,3,4,2,",
)
GOOD = "\n".join((HEADER, *ROWS)) + "\n"


def dictionary(text: str = DICTIONARY) -> Dictionary:
    """The dictionary of the tests, or another."""
    return parse_document(text, "dictionary/camp.yaml", _File, DictionaryError)


def extract(**layout: object) -> Extract:
    """An extract of the tests' component, its layout a plain CSV but for what is given."""
    return Extract(component="camp", round=1, path=Path("x"), layout=Layout(**{"format": "csv", **layout}))


def with_cell(column: str, value: str, row: int = 1) -> str:
    """The good file with one cell replaced."""
    lines = GOOD.splitlines()
    cells = lines[row].split(",")
    cells[HEADER.split(",").index(column)] = value
    lines[row] = ",".join(cells)
    return "\n".join(lines) + "\n"


def with_column(name: str, *cells: str) -> str:
    """The good file with one more column."""
    return "".join(f"{line},{cell}\n" for line, cell in zip(GOOD.splitlines(), (name, *cells), strict=True))


def workbook(path: Path, rows: list[list[object]], *sheets: str) -> Path:
    """A workbook with the rows in its first sheet, and empty sheets after it."""
    book = openpyxl.Workbook()
    for row in rows:
        book.active.append(row)
    for title in sheets:
        book.create_sheet(title)
    book.save(path)
    return path
