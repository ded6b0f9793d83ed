"""How one extract is laid out as a file, as people write it in `params.yaml`."""

import re
from pathlib import Path
from typing import Literal, Self

from pydantic import Field, field_validator, model_validator

from sdc.documents import Frozen, build, parse_yaml, read_text
from sdc.errors import DictionaryError

Encoding = Literal["utf-8", "utf-16", "windows-1250", "windows-1252", "windows-1256", "iso-8859-1", "iso-8859-15"]


class Layout(Frozen):
    """The shape of one file: nothing of it is guessed.

    Attributes
    ----------
    format : csv or xlsx
    encoding : of a CSV; a byte order mark of UTF-8 is tolerated.
    separator : one character, CSV only.
    sheet : name of the worksheet; may be left out where a workbook has one sheet.
    header_row : 1-based row (CSV: line) that holds the column names; null where there is none.
    names, names_file : column names in file order, one a line in the file; they replace the header row.
    skip_after_header : rows between header and data, such as a row of HXL hashtags.
    missing : cell contents that mean missing, besides an empty cell and the dictionary's own.
    thousands, decimal : how numbers are written; an empty `thousands` allows none.
    date_formats : `strptime` formats of dates that are not written as ISO 8601.
    multiples_broken_rows_allowed : rows in which a select_multiple may differ from its 0/1 columns.
    """

    format: Literal["csv", "xlsx"]
    encoding: Encoding = "utf-8"
    separator: str = Field(default=",", min_length=1, max_length=1)
    sheet: str | None = None
    header_row: int | None = Field(default=1, ge=1, le=1000)
    names: tuple[str, ...] = ()
    names_file: Path | None = None
    skip_after_header: int = Field(default=0, ge=0, le=1000)
    missing: tuple[str, ...] = ()
    thousands: Literal["", ",", ".", " ", "'"] = ","
    decimal: Literal[".", ","] = "."
    date_formats: tuple[str, ...] = ()
    multiples_broken_rows_allowed: int = Field(default=0, ge=0)

    @field_validator("separator")
    @classmethod
    def _separates(cls, separator: str) -> str:
        if separator.isalnum() or separator in '"\r\n\\':
            raise ValueError("a letter, digit, quotation mark or line end cannot separate columns")
        if not separator.isascii():
            raise ValueError("a separator is one ASCII character")
        return separator

    @field_validator("date_formats")
    @classmethod
    def _formats(cls, formats: tuple[str, ...]) -> tuple[str, ...]:
        for form in formats:
            require_date_format(form)
        return formats

    @model_validator(mode="after")
    def _coherent(self) -> Self:
        if self.names and self.names_file is not None:
            raise ValueError("give `names` or `names_file`, not both")
        if self.header_row is None and not self.names and self.names_file is None:
            raise ValueError("without a header row the layout needs `names` or `names_file`")
        if self.thousands == self.decimal:
            raise ValueError("`thousands` and `decimal` are the same sign")
        if self.format == "csv" and self.sheet is not None:
            raise ValueError("a CSV file has no `sheet`")
        return self


class Extract(Frozen):
    """One raw file: which component and round it belongs to, where it lies, how it is laid out."""

    component: str
    round: int = Field(ge=0)
    path: Path
    layout: Layout


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
