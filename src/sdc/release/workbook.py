"""The workbook of a package: README, data, dictionary, codes; no cell of it is ever run."""

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from pathlib import Path

import pandas as pd
import xlsxwriter

from sdc.dictionary import Role
from sdc.release.data import released_type
from sdc.release.wording import PUBLISHER, RIGHT_TO_LEFT, WORDS
from sdc.table import Table

MOST_CELLS = 1_500_000  # about 6 CPU seconds; writing more takes longer than all the rest of a release
MOST_ROWS = 1_048_575  # below the header
_INERT = {"strings_to_formulas": False, "strings_to_urls": False, "strings_to_numbers": False}
_PRINTABLE = 260  # characters beside each other that can still be read on one page
_EXACT = 10**15  # a spreadsheet keeps 15 digits of a number
_EPOCH = pd.Timestamp("1899-12-30")  # day 0 of a spreadsheet's dates
_FIRST_DAY = pd.Timestamp("1900-03-01")  # before it, spreadsheets disagree on what day a number is


def write_workbook(
    path: Path,
    table: Table,
    rows: pd.DataFrame,
    readme: Sequence[tuple[str, str]],
    *,
    given: Mapping[str, str],
    language: str,
    created: date,
) -> None:
    """Write the workbook.

    Parameters
    ----------
    path : Path
    table : Table
    rows : DataFrame
        The released rows, as `text_columns` gives them.
    readme : sequence of (heading, text)
    given : mapping of column to text
        How each is given (`sdc.release.papers.given_as`); a column that is not in it was made here.
    language : {"en", "fr", "es", "ar"}
        Sheets of a language that runs from right to left do too, but for the data.
    created : date
        Written into the file's properties: the same package gives the same bytes.

    Guarantees
    ----------
    * Every cell of the data is a number, a date, or inert text; none is a formula or a link.
    * The cells equal those of the CSV. Beyond `MOST_CELLS` or `MOST_ROWS` the data sheet names the CSV instead.
    """
    words = WORDS[language]
    book = xlsxwriter.Workbook(path, _INERT)
    moment = datetime(created.year, created.month, created.day)
    book.set_properties({"title": readme[0][1], "author": PUBLISHER, "created": moment})
    turned = {"reading_order": 2} if language in RIGHT_TO_LEFT else {}
    styles = {
        "head": book.add_format(
            {"bold": True, "font_color": "#FFFFFF", "bg_color": "#17457F", "text_wrap": True, "valign": "vcenter"}
        ),
        "wrap": book.add_format({"text_wrap": True, "valign": "top", **turned}),
        "apart": book.add_format({"text_wrap": True, "valign": "top", "indent": 1, **turned}),
        "title": book.add_format({"bold": True, "font_size": 14, "text_wrap": True, "valign": "top", **turned}),
        "bold": book.add_format({"bold": True, "text_wrap": True, "valign": "top", "font_color": "#17457F", **turned}),
        "date": book.add_format({"num_format": "yyyy-mm-dd"}),
        "count": book.add_format({"num_format": "#,##0"}),
    }
    _readme(book.add_worksheet("README"), readme, styles)
    data = book.add_worksheet("data")
    if fits(rows):
        _data(data, table, rows, styles)
    else:
        data.set_column(0, 0, 90)
        data.write_string(0, 0, words["too_large"].format(csv=f"{path.stem}.csv"), styles["wrap"])
    _dictionary(book.add_worksheet("dictionary"), table, rows, given, language, styles)
    _codes(book.add_worksheet("codes"), table, language, styles)
    if language in RIGHT_TO_LEFT:
        for sheet in book.worksheets():
            if sheet is not data:
                sheet.right_to_left()
    book.close()


def fits(rows: pd.DataFrame) -> bool:
    """Whether the data go into a workbook."""
    return rows.size <= MOST_CELLS and len(rows) <= MOST_ROWS


def _readme(sheet, readme: Sequence[tuple[str, str]], styles: dict) -> None:
    sheet.hide_gridlines(2)
    sheet.set_paper(9)
    sheet.fit_to_pages(1, 0)
    sheet.set_column(0, 0, 22)
    sheet.set_column(1, 1, 100)
    for row, (heading, text) in enumerate(readme):
        sheet.write_string(row, 0, heading, styles["bold"])
        sheet.write_string(row, 1, text, styles["title"] if row == 0 else styles["wrap"])
        lines = sum(1 + len(line) // 105 for line in text.split("\n"))
        sheet.set_row(row, max(lines * 15.5, 22 if row == 0 else 15.5) + 5)


def _data(sheet, table: Table, rows: pd.DataFrame, styles: dict) -> None:
    widths = [_width(name, rows[name]) for name in rows.columns]
    _header(sheet, list(rows.columns), styles, pages=1 + int(sum(widths) // _PRINTABLE))
    sheet.freeze_panes(1, 0)
    sheet.autofilter(0, 0, max(len(rows), 1), max(rows.shape[1] - 1, 0))
    for number, variable in enumerate(table.variables):
        column, kind = rows[variable.name], released_type(variable)
        sheet.set_column(number, number, widths[number], styles["count"] if variable.role == Role.COUNT else None)
        if kind == "date":
            _dates(sheet, number, column, styles["date"])
            continue
        write = sheet.write_number if kind in ("integer", "number") else sheet.write_string
        shown = column.notna().to_numpy()
        for row, value in zip(shown.nonzero()[0].tolist(), column[shown].tolist(), strict=True):
            if write == sheet.write_number and abs(value) >= _EXACT:
                sheet.write_string(row + 1, number, str(value))
            else:
                write(row + 1, number, value)


def _dates(sheet, number: int, column: pd.Series, style) -> None:
    """Dates as a spreadsheet's dates; those before its calendar begins as text."""
    for row, text in enumerate(column):
        if pd.isna(text):
            continue
        day = pd.Timestamp(text)
        if day >= _FIRST_DAY:
            sheet.write_number(row + 1, number, (day - _EPOCH).days, style)
        else:
            sheet.write_string(row + 1, number, text)


def _dictionary(sheet, table: Table, rows: pd.DataFrame, given: Mapping[str, str], language: str, styles: dict) -> None:
    words = WORDS[language]
    heads = ["column", "label", "type", "unit", "released_as", "codes_of", "empty_cells"]
    _header(sheet, [words[head] for head in heads] + ["HXL"], styles)
    sheet.freeze_panes(1, 1)
    for number, width in enumerate((30, 62, 12, 14, 26, 20, 14, 26)):
        sheet.set_column(number, number, width, styles["wrap"])
    for row, variable in enumerate(table.variables, start=1):
        listed = words["see_codes"] if _code_labels(table, variable.name, language) else ""
        label = variable.label.get(language) or next(iter(variable.label.values()), variable.name)
        texts = [variable.name, label, released_type(variable), variable.unit or ""]
        texts += [given.get(variable.name, "–"), listed]
        for number, text in enumerate(texts):
            sheet.write_string(row, number, text, styles["wrap"])
        sheet.write_number(row, len(texts), int(rows[variable.name].isna().sum()), styles["wrap"])
        sheet.write_string(row, len(texts) + 1, variable.hxl or "", styles["apart"])


def _codes(sheet, table: Table, language: str, styles: dict) -> None:
    words = WORDS[language]
    _header(sheet, [words["column"], words["code"], words["label"]], styles)
    sheet.freeze_panes(1, 1)
    for number, width in enumerate((30, 26, 70)):
        sheet.set_column(number, number, width)
    row = 1
    for variable in table.variables:
        for code, label in _code_labels(table, variable.name, language):
            for number, text in enumerate((variable.name, code, label)):
                sheet.write_string(row, number, text, styles["wrap"])
            row += 1


def _code_labels(table: Table, name: str, language: str) -> list[tuple[str, str]]:
    """Codes at the released level with their labels; labels of collected codes only are known."""
    variable = table[name]
    codes = variable.codes_at(variable.level) or ()
    labels = variable.codes if variable.level == 0 else {}
    return [
        (code, labels.get(code, {}).get(language) or next(iter(labels.get(code, {}).values()), code)) for code in codes
    ]


def _header(sheet, heads: Sequence[str], styles: dict, *, pages: int = 1) -> None:
    sheet.set_row(0, 20)
    sheet.set_landscape()
    sheet.set_paper(9)
    sheet.fit_to_pages(pages, 0)
    sheet.repeat_rows(0)
    for number, head in enumerate(heads):
        sheet.write_string(0, number, head, styles["head"])


def _width(name: str, column: pd.Series) -> float:
    """Wide enough for the header with its button and for the longest cell, within reason."""
    longest = int(column.dropna().astype("str").str.len().max()) if column.notna().any() else 0
    return min(max(len(name) * 1.15 + 4, longest + 3, 9), 48)
