"""The data file of a package: typed CSV, written from a table and read back under its published schema."""

import re
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.csv

from sdc.dictionary import Type, Variable
from sdc.errors import DataError, Fault
from sdc.table import Table

# A spreadsheet runs a cell that begins with one of these, also in its full-width form or behind what is not seen.
_LIVE = re.compile(r"\A[\s\u200b-\u200f\u2060\ufeff]*[=+\-@\t\r\uff1d\uff0b\uff0d\uff20]|\A[\t\r]")
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f\ufffe\uffff]|[\ud800-\udfff]")
LONGEST_CELL = 32767  # characters; a workbook silently cuts what is longer

_PATTERNS = {
    "integer": re.compile(r"-?(?:0|[1-9][0-9]*)"),
    "number": re.compile(r"-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:e[+-]?[0-9]+)?"),
    "date": re.compile(r"[0-9]{4}-(?:0[1-9]|1[0-2])-(?:0[1-9]|[12][0-9]|3[01])"),
}


def released_type(variable: Variable) -> str:
    """Type of a column in the package: `integer`, `number`, `date` or `string`; what is recoded is a string."""
    plain = {Type.INTEGER: "integer", Type.NUMBER: "number", Type.DATE: "date"}
    return plain.get(variable.type, "string") if variable.level == 0 else "string"


def text_columns(table: Table) -> pd.DataFrame:
    """The table as it is released: numbers of up to 15 digits, dates as ISO text, all else text; no record numbers.

    Raises
    ------
    DataError : one fault a column, for cells that a spreadsheet would run, that hold control characters, are longer
        than a workbook's cells, or are infinite.
    """
    columns, faults = {}, []
    for variable in table.variables:
        given, kind = table.rows[variable.name], released_type(variable)
        column: pd.Series
        wrong = ""
        if kind == "integer":
            column = given.astype("Int64")
        elif kind == "number":
            column = _fifteen_digits(given.astype("Float64"))
            infinite = int(np.isinf(column.to_numpy(dtype=np.float64, na_value=np.nan)).sum())
            wrong = f"{infinite} values are infinite" if infinite else ""
        elif kind == "date":
            column = given.dt.strftime("%Y-%m-%d")
        else:
            column = given.astype("str")
            wrong = unsafe_text(column)
        if wrong or unsafe_name(variable.name):
            faults.append(Fault(f"`{variable.name}`", wrong or "a name that a spreadsheet would run", _MEND))
        columns[variable.name] = column.reset_index(drop=True)
    if faults:
        raise DataError.of(faults)
    return pd.DataFrame(columns, index=pd.RangeIndex(len(table)))


def _fifteen_digits(column: pd.Series) -> pd.Series:
    """Numbers as a spreadsheet keeps them too: an average has more digits than it can hold."""
    numbers = column.dropna().unique()
    kept = {value: float(f"{value:.15g}") for value in numbers if abs(value) < 10**15}
    return column.map(lambda value: kept.get(value, value), na_action="ignore").astype("Float64")


_MEND = "Mend the extract, or drop the column; no package is written."


def unsafe_name(name: str) -> bool:
    """Whether a column name would run in a spreadsheet, or breaks a file."""
    return bool(_LIVE.search(name) or _CONTROL.search(name) or "\n" in name)


def unsafe_text(column: pd.Series) -> str:
    """What is unsafe about a column of text, in counts; empty where nothing is."""
    tally = column.dropna().astype("str").value_counts(sort=False)
    for what, hit in (
        ("begin like a formula", _LIVE.search),
        ("hold control characters", _CONTROL.search),
        (f"are longer than {LONGEST_CELL} characters", lambda text: len(text) > LONGEST_CELL),
    ):
        cells = sum(int(n) for text, n in tally.items() if hit(str(text)))
        if cells:
            return f"{cells} cells {what}"
    return ""


def write_csv(rows: pd.DataFrame, path: Path) -> None:
    """Write released rows as CSV: UTF-8 without BOM, LF, missing values empty."""
    path.write_bytes(rows.to_csv(index=False, lineterminator="\n", na_rep="").encode("utf-8"))


def read_csv(path: Path, fields: Sequence[Mapping]) -> tuple[pd.DataFrame, list[Fault]]:
    """Read a released data file under its schema.

    Parameters
    ----------
    path : Path
    fields : sequence of mapping
        Fields of the Data Package's table schema.

    Returns
    -------
    DataFrame
        Numbers as Int64 and Float64, all else category of str; empty where the file cannot be read at all.
    list of Fault
        What breaks the schema, with counts and column names only.
    """
    where = f"data/{path.name}"
    raw = path.read_bytes()
    faults = [
        Fault(where, said)
        for said, wrong in (
            ("begins with a byte order mark", raw.startswith(b"\xef\xbb\xbf")),
            ("has line ends other than LF", b"\r" in raw),
            ("does not end with a line end", not raw.endswith(b"\n")),
        )
        if wrong
    ]
    names = [field["name"] for field in fields]
    try:
        arrow = pa.csv.read_csv(
            pa.BufferReader(raw),
            read_options=pa.csv.ReadOptions(use_threads=False),
            parse_options=pa.csv.ParseOptions(newlines_in_values=True, ignore_empty_lines=False),
            convert_options=pa.csv.ConvertOptions(
                column_types={name: pa.string() for name in names},
                null_values=[""],
                strings_can_be_null=True,
                quoted_strings_can_be_null=True,
            ),
        )
    except (pa.ArrowInvalid, UnicodeDecodeError):
        return pd.DataFrame(), [*faults, Fault(where, "cannot be read as CSV in UTF-8")]
    if arrow.column_names != names:
        return pd.DataFrame(), [*faults, Fault(where, "its columns are not those of datapackage.json")]
    text = arrow.to_pandas(strings_to_categorical=True)
    columns = {}
    for field in fields:
        columns[field["name"]], said = _typed(text[field["name"]], field)
        faults += [Fault(f"{where}, `{field['name']}`", each) for each in said]
    return pd.DataFrame(columns, index=text.index), faults


def _typed(column: pd.Series, field: Mapping) -> tuple[pd.Series, list[str]]:
    """One column in its type, and what of it breaks the schema."""
    kind, rules = field["type"], field.get("constraints", {})
    cells = column.value_counts(sort=False)
    said = []

    def count(broken) -> int:
        return sum(int(n) for value, n in cells.items() if broken(str(value)))

    pattern = _PATTERNS.get(kind)
    wrong = count(lambda value: not pattern.fullmatch(value)) if pattern else 0
    if wrong:
        return column, [f"{wrong} cells hold no {kind}"]
    if kind in ("integer", "number"):
        values = np.array([float(value) for value in column.cat.categories] + [np.nan])
        result = pd.Series(values[column.cat.codes.to_numpy()], index=column.index).astype("Float64")
        low, high = rules.get("minimum", -np.inf), rules.get("maximum", np.inf)
        outside = count(lambda value: not low <= float(value) <= high)
        return result, [f"{outside} cells lie outside its range"] if outside else []
    if "enum" in rules:
        allowed = set(rules["enum"])
        wrong = count(lambda value: value not in allowed)
        said += [f"{wrong} cells hold a code outside its list"] if wrong else []
    if "pattern" in rules:
        shape = re.compile(rules["pattern"])
        wrong = count(lambda value: not shape.fullmatch(value))
        said += [f"{wrong} cells break its pattern"] if wrong else []
    if kind == "date":
        wrong = count(lambda value: pd.isna(pd.to_datetime(value, format="%Y-%m-%d", errors="coerce")))
        said += [f"{wrong} cells hold no date"] if wrong else []
    elif unsafe := unsafe_text(column):
        said.append(unsafe)
    return column, said
