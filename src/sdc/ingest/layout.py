"""How one extract is laid out as a file, as people write it in `params.yaml`."""

import re
from pathlib import Path
from typing import Literal, Self

from pydantic import Field, field_validator, model_validator

from sdc.dictionary import Version
from sdc.documents import Frozen, build, parse_yaml, read_text
from sdc.errors import DictionaryError
from sdc.pcodes import PlacesCheck

Format = Literal["csv", "xlsx", "xls", "ods", "json", "sav", "dta", "parquet", "sql"]
Encoding = Literal[
    "utf-8",
    "utf-16",
    "windows-1250",
    "windows-1251",
    "windows-1252",
    "windows-1254",
    "windows-1256",
    "iso-8859-1",
    "iso-8859-9",
    "iso-8859-15",
]
WORKBOOKS = ("xlsx", "xls", "ods")
NAMED = ("json", "sav", "dta", "parquet", "sql")  # formats whose columns have names of their own
_SQL_SOURCE = re.compile(r"[A-Z][A-Z0-9_]*|keyring:[\w.-]+/[\w.@-]+")


class Repeat(Frozen):
    """A repeat group in a further sheet or file; joined, one row is one repeat.

    Attributes
    ----------
    sheet : name of the worksheet, in the same workbook unless `file` says another.
    file : a further file of the same format, its name beside the main file's.
    parent : column of the main table that a repeat names.
    child : column of the repeat that names its parent.
    columns : columns that a repeat takes from its parent; all of them where none is listed.
    skip_at_end : last rows of the repeat's sheet that are no records.
    """

    sheet: str | None = None
    file: str | None = None
    parent: str = "_index"
    child: str = "_parent_index"
    columns: tuple[str, ...] = ()
    skip_at_end: int = Field(default=0, ge=0, le=100)

    @model_validator(mode="after")
    def _placed(self) -> Self:
        if self.sheet is None and self.file is None:
            raise ValueError("a repeat needs `sheet`, or `file`")
        if self.file is not None and (Path(self.file).name != self.file or self.file in ("", ".", "..")):
            raise ValueError("`file` is the name of a file beside the main one, without a folder")
        return self


class Layout(Frozen):
    """The shape of one file: nothing of it is guessed.

    Attributes
    ----------
    format : csv, xlsx, xls, ods, json, sav, dta, parquet or sql
    encoding : of a CSV; a byte order mark of UTF-8 is tolerated.
    separator : one character, CSV only.
    sheet : name of the worksheet; may be left out where a workbook has one sheet.
    header_row : 1-based row (CSV: line) that holds the column names; null where there is none.
    header_rows : rows, one below the other, that hold the names together, instead of `header_row`.
    names, names_file : column names in file order, one a line in the file; they replace the header row.
    skip_after_header : rows between header and data, such as a row of HXL hashtags.
    skip_at_end : last rows that are no records: totals, sources, footnotes. As full as a record, they are refused.
    records : JSON only: dotted path of the list of records; empty where the list is the whole file.
    headers : whether the header holds names, or the labels of questions.
    values : whether cells of select questions hold codes, or the labels of choices.
    value_labels : SPSS and Stata only: whether a cell is its code, or the label that the file gives to the code.
    user_missing : SPSS and Stata only: whether codes that the file declares missing stay, or become empty cells.
    url_from : SQL only: environment variable or `keyring:service/user` that holds the database's URL.
    query : SQL only: one SELECT; where there is none, the extract's file holds it.
    repeat : repeat groups, each joined to the table before it.
    missing : cell contents that mean missing, besides an empty cell and the dictionary's own.
    thousands, decimal : how numbers are written; an empty `thousands` allows none.
    date_formats : `strptime` formats of dates that are not written as ISO 8601.
    multiples_broken_rows_allowed : rows in which a select_multiple may differ from its 0/1 columns.
    """

    format: Format
    encoding: Encoding = "utf-8"
    separator: str = Field(default=",", min_length=1, max_length=1)
    sheet: str | None = None
    header_row: int | None = Field(default=1, ge=1, le=1000)
    header_rows: tuple[int, ...] = ()
    names: tuple[str, ...] = ()
    names_file: Path | None = None
    skip_after_header: int = Field(default=0, ge=0, le=1000)
    skip_at_end: int = Field(default=0, ge=0, le=100)
    records: str | None = None
    headers: Literal["names", "labels"] = "names"
    values: Literal["codes", "labels"] = "codes"
    value_labels: Literal["codes", "labels"] = "codes"
    user_missing: Literal["keep", "blank"] = "keep"
    url_from: str | None = None
    query: str | None = None
    repeat: tuple[Repeat, ...] = ()
    missing: tuple[str, ...] = ()
    thousands: Literal["", ",", ".", " ", "'"] = ","
    decimal: Literal[".", ","] = "."
    date_formats: tuple[str, ...] = ()
    multiples_broken_rows_allowed: int = Field(default=0, ge=0)

    @property
    def first_row(self) -> int:
        """1-based row that the table begins with: its first header row, or its first record where there is none."""
        return self.header_rows[0] if self.header_rows else (self.header_row or 1)

    @property
    def header_height(self) -> int:
        """Number of rows that hold the header."""
        return len(self.header_rows) or int(self.header_row is not None)

    @field_validator("separator")
    @classmethod
    def _separates(cls, separator: str) -> str:
        if separator.isalnum() or separator in '"\r\n\\':
            raise ValueError("a letter, digit, quotation mark or line end cannot separate columns")
        if not separator.isascii():
            raise ValueError("a separator is one ASCII character")
        return separator

    @field_validator("repeat", mode="before")
    @classmethod
    def _several(cls, repeat: object) -> object:
        return (repeat,) if isinstance(repeat, dict) else repeat

    @field_validator("header_rows")
    @classmethod
    def _adjacent(cls, rows: tuple[int, ...]) -> tuple[int, ...]:
        if rows and (len(rows) > 5 or not 1 <= rows[0] <= 1000 or rows != tuple(range(rows[0], rows[0] + len(rows)))):
            raise ValueError("name up to five rows, each below the one before, such as [2, 3]")
        return rows

    @field_validator("url_from")
    @classmethod
    def _no_url(cls, source: str | None) -> str | None:
        if source is not None and not _SQL_SOURCE.fullmatch(source):
            raise ValueError(
                "names an environment variable (capitals) or `keyring:service/user`; a URL holds a password, and never "
                "stands in a file"
            )
        return source

    @field_validator("date_formats")
    @classmethod
    def _formats(cls, formats: tuple[str, ...]) -> tuple[str, ...]:
        for form in formats:
            require_date_format(form)
        return formats

    @model_validator(mode="after")
    def _coherent(self) -> Self:
        given = self.model_fields_set
        if self.names and self.names_file is not None:
            raise ValueError("give `names` or `names_file`, not both")
        if self.header_rows and "header_row" in given:
            raise ValueError("give `header_row` or `header_rows`, not both")
        if self.header_height == 0 and not self.names and self.names_file is None:
            raise ValueError("without a header row the layout needs `names` or `names_file`")
        if self.thousands == self.decimal:
            raise ValueError("`thousands` and `decimal` are the same sign")
        if self.format in NAMED and given & {"header_row", "header_rows", "skip_after_header", "skip_at_end"}:
            raise ValueError(f"{self.format} holds names and records and nothing else: no rows are declared")
        only: dict[str, tuple[str, ...]] = {
            "encoding": ("csv",),
            "separator": ("csv",),
            "sheet": WORKBOOKS,
            "records": ("json",),
            "value_labels": ("sav", "dta"),
            "user_missing": ("sav", "dta"),
            "url_from": ("sql",),
            "query": ("sql",),
            "repeat": ("csv", *WORKBOOKS, "json", "sav", "dta", "parquet"),
        }
        for name, formats in only.items():
            if name in given and getattr(self, name) not in (None, ()) and self.format not in formats:
                raise ValueError(f"`{name}` is of {', '.join(formats)}, the format is {self.format}")
        if self.format == "sql" and self.url_from is None:
            raise ValueError("sql needs `url_from`: the environment variable or keyring entry that holds the URL")
        for repeat in self.repeat:
            if repeat.sheet is not None and self.format not in WORKBOOKS:
                raise ValueError(f"{self.format} has no sheets: give the repeat's `file`")
            if repeat.skip_at_end and self.format in NAMED:
                raise ValueError(f"{self.format} holds records and nothing else: no rows are left out")
        return self


class Extract(Frozen):
    """One raw file: which component and round it belongs to, where it lies, how it is laid out.

    `form_version` is the version of the dictionary that its form was built from; left out, the present one. `places`
    says against which official list its p-codes are held.
    """

    component: str
    round: int = Field(ge=0)
    path: Path
    layout: Layout
    form_version: Version | None = None
    places: PlacesCheck | None = None


def require_date_format(form: str) -> None:
    """Refuse a `strptime` format that names no full date, or that ISO 8601 would contradict."""
    directives = set(re.findall(r"%([A-Za-z])", form))
    if not (directives & set("djxc") and directives & set("mbBjxc") and directives & set("yYxc")):
        raise ValueError(f"`{form}` does not name day, month and year")
    if form.startswith("%Y-%d"):
        raise ValueError(f"`{form}` contradicts ISO 8601, in which the month follows the year")


def read_extract(path: Path, name: str) -> Extract:
    """One entry of `extracts` in a params file.

    Parameters
    ----------
    path : Path of `params.yaml`
    name : str, the extract

    Raises
    ------
    DictionaryError : when there is no such entry, or it is wrong; one fault for each wrong part.
    """
    content = parse_yaml(read_text(path, DictionaryError), str(path), DictionaryError)
    extracts = content.get("extracts") if isinstance(content, dict) else None
    entry = extracts.get(name) if isinstance(extracts, dict) else None
    if not isinstance(entry, dict):
        raise DictionaryError(f"{path}, `extracts`", f"there is no extract `{name}`", "Add its entry.")
    return build(entry, f"{path}, `extracts.{name}`", Extract, DictionaryError)
