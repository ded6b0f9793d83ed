"""Any CSV or Parquet file as columns of codes and numbers, and back with some columns replaced."""

import contextlib
import csv
import io
import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.csv as pcsv
import pyarrow.parquet as pq

from sdc.errors import DataError
from sdc.files import appearing

SEPARATORS = (",", ";", "\t", "|")
_HEAD = 1 << 20  # a header row ends within so many bytes
_CHUNK = 1 << 24
_INTEGER = re.compile(r"(?:0|-?[1-9][0-9]{0,15})")
_INDEX = re.compile(r"__index_level_\d+__")  # what pandas writes beside the columns: the order of the records
_TAG = re.compile(r"#[a-z]")
_CSV = (".csv", ".tsv", ".txt")
_PARQUET = (".parquet", ".pq")


@dataclass(frozen=True, eq=False)
class Sheet:
    """A file as it is: nothing trimmed, nothing typed that its format does not type.

    Attributes
    ----------
    path : Path
    columns : pyarrow Table, n records
        The columns that were asked for, or all.
    separator : str
        Of a CSV; a comma for Parquet, should it be written as CSV.
    missing : tuple of str
        Cell contents that mean missing, besides an empty cell.
    tags : pyarrow Table, 1 row, optional
        The row of HXL hashtags under the names of a CSV: no record, and written back where it was.
    """

    path: Path
    columns: pa.Table
    separator: str
    missing: tuple[str, ...]
    tags: pa.Table | None = None

    def __len__(self) -> int:
        return self.columns.num_rows

    def require(self, names: Sequence[str]) -> None:
        """Refuse names of columns that are not there."""
        _require(self.columns.column_names, names, self.path)

    def codes(self, names: Sequence[str] | None = None) -> pd.DataFrame:
        """Columns as codes; where all codes of a column are whole numbers, they are sorted as numbers.

        Parameters
        ----------
        names : sequence of str, optional
            All columns by default.
        """
        names = self.columns.column_names if names is None else list(dict.fromkeys(names))
        return pd.DataFrame({name: self._codes(name) for name in names}, copy=False)

    def as_they_are(self, names: Sequence[str]) -> pd.DataFrame:
        """Columns as they are read, cheaply: to tell records apart, not to compare codes."""
        return self.columns.select(list(names)).to_pandas(split_blocks=True)

    def numbers(self, name: str) -> np.ndarray:
        """One column as numbers: array of float64, (n,), NaN where it is missing.

        Raises
        ------
        DataError : when a value is no number.
        """
        column = self.columns.column(name)
        if not _is_text(column.type):
            if (
                pa.types.is_integer(column.type)
                or pa.types.is_floating(column.type)
                or pa.types.is_decimal(column.type)
            ):
                return column.to_pandas().to_numpy(dtype=np.float64, na_value=np.nan)
            raise DataError(f"{self.path}, `{name}`", "is no column of numbers", "Name another column.")
        codes, texts = _distinct(column, self.missing)
        values = pd.to_numeric(pd.Series(texts, dtype=object), errors="coerce").to_numpy(dtype=np.float64)
        found = np.append(values, np.nan)[codes]
        bad = int((np.isnan(found) & (codes >= 0)).sum())
        if bad:
            raise DataError(
                f"{self.path}, `{name}`",
                f"{bad} of {len(self)} values are no numbers",
                "The values are not shown here. Write numbers with a decimal point and nothing else.",
            )
        return found

    def masked(self, hidden: pd.DataFrame) -> "Sheet":
        """The same file with the values missing where ``hidden`` is True, columns by name."""
        columns = self.columns
        for name in hidden.columns:
            at = columns.column_names.index(name)
            whole = columns.column(name).combine_chunks()
            kept = pa.array(~hidden[name].to_numpy(dtype=bool))
            emptied = pa.compute.if_else(kept, whole, pa.nulls(len(whole), whole.type))
            columns = columns.set_column(at, columns.field(at).with_nullable(True), emptied)
        return replace(self, columns=columns)

    def replaced(self, values: pd.DataFrame) -> "Sheet":
        """The same file with other text in some columns."""
        columns = self.columns
        for name in values.columns:
            column = values[name]
            at = columns.column_names.index(name)
            columns = columns.set_column(at, name, pa.array(column.astype(object), type=pa.string(), from_pandas=True))
        return replace(self, columns=columns)

    def _codes(self, name: str) -> pd.Series:
        column = self.columns.column(name)
        if _is_text(column.type):
            return _coded(*_distinct(column, self.missing), name)
        if pa.types.is_integer(column.type) and column.null_count:
            return column.to_pandas(types_mapper=lambda kind: pd.Int64Dtype()).rename(name)
        values = column.to_pandas().rename(name)
        if pa.types.is_floating(column.type):
            known = values.dropna()
            if np.isfinite(known).all() and (known == np.rint(known)).all() and (np.abs(known) < 2**53).all():
                return values.astype(pd.Int64Dtype())
        return values


def read_sheet(
    path: Path,
    names: Sequence[str] | None = None,
    *,
    separator: str | None = None,
    encoding: str = "utf-8",
    missing: Sequence[str] = (),
) -> Sheet:
    """Read a CSV or Parquet file.

    Parameters
    ----------
    path : Path
        A CSV has its column names in the first row.
    names : sequence of str, optional
        Columns that are needed; all by default.
    separator : str, optional
        Of a CSV; taken from its first row if not given.
    encoding : str
    missing : sequence of str
        Cell contents that mean missing, besides an empty cell.

    Returns
    -------
    Sheet

    Raises
    ------
    DataError
        When the file is absent, unreadable, ragged or empty, or lacks a column.

    Guarantees
    ----------
    * No value from the file is in the error.
    """
    try:
        with path.open("rb") as content:
            head = content.read(_HEAD)
    except FileNotFoundError:
        raise DataError(str(path), "there is no such file") from None
    except OSError:
        raise DataError(str(path), "cannot be read", "Give a file, and look at its permissions.") from None
    if head.startswith(b"PAR1"):
        columns = _parquet(path, names)
        return Sheet(path, columns, ",", tuple(missing))
    header, separator = _header(head, path, separator, encoding)
    _require(header, names, path)
    columns = _csv(path, header, names, separator, encoding)
    tags = columns.slice(0, 1) if _is_tagged(columns) else None
    columns = columns if tags is None else columns.slice(1)
    if not columns.num_rows:
        raise DataError(str(path), "holds no records")
    return Sheet(path, columns, separator, tuple(missing), tags)


def write_sheet(sheet: Sheet, path: Path) -> None:
    """Write a file as CSV or Parquet, as its name ends; it appears whole or not at all.

    Raises
    ------
    DataError : when the name ends otherwise, or is that of the file that was read.
    """
    check_output(sheet.path, path)
    columns = sheet.columns if sheet.tags is None else pa.concat_tables([sheet.tags, sheet.columns])
    with appearing(path) as unfinished:
        if path.suffix.lower() in _PARQUET:
            pq.write_table(columns, unfinished, compression="zstd")
        else:
            _write_csv(columns, unfinished, "\t" if path.suffix.lower() == ".tsv" else sheet.separator)


def check_output(source: Path, path: Path) -> None:
    """Refuse a name under which nothing can or should be written, before any work is done."""
    if path.suffix.lower() not in _CSV + _PARQUET:
        raise DataError(str(path), "its name says neither CSV nor Parquet", "End it in .csv or .parquet.")
    if path.resolve() == source.resolve() or (path.exists() and path.samefile(source)):
        raise DataError(str(path), "is the file that was given", "Name another: the original is never overwritten.")


def frame_as_sheet(frame: pd.DataFrame, source: Sheet) -> Sheet:
    """A new table to be written like the file that it comes from."""
    return Sheet(source.path, pa.Table.from_pandas(frame, preserve_index=False), source.separator, source.missing)


def read_hierarchy(folder: Path, key: str) -> pd.DataFrame:
    """The labels of one key, one row a leaf and one column a level, from ``*_hierarchy_<key>.csv`` or ``<key>.csv``.

    Raises
    ------
    DataError : when there is no such file, more than one, or one that is no table of labels.
    """
    if not folder.is_dir():
        raise DataError(str(folder), "there is no such folder", "Name the folder of the hierarchies.")
    ending = f"_hierarchy_{key}.csv"
    found = sorted(path for path in folder.iterdir() if path.name == f"{key}.csv" or path.name.endswith(ending))
    if len(found) != 1:
        raise DataError(
            f"{folder}, `{key}`",
            f"{len(found)} files hold its hierarchy" if found else "no file holds its hierarchy",
            f"Put one file there, `{key}.csv` or `NAME{ending}`: a row for each value, the value first, then what it "
            "becomes at each level, separated by semicolons.",
        )
    try:
        text = found[0].read_text(encoding="utf-8-sig")
    except (OSError, UnicodeError):
        raise DataError(str(found[0]), "cannot be read as text in UTF-8") from None
    separator = max((";", ",", "\t"), key=text.partition("\n")[0].count)
    content = csv.reader(io.StringIO(text, newline=""), delimiter=separator)
    lines = [[_clean(cell) for cell in row] for row in content if row]
    widths = {len(row) for row in lines}
    if len(widths) != 1:
        raise DataError(str(found[0]), "its rows do not have the same number of levels", "Mend the file.")
    labels = pd.DataFrame(lines, dtype=object)
    return labels.where(labels != "", None)


def _parquet(path: Path, names: Sequence[str] | None) -> pa.Table:
    columns = None
    try:
        held = [name for name in pq.read_schema(path).names if not _INDEX.fullmatch(name)]
        _require(held, names, path)
        columns = pq.read_table(path, columns=held if names is None else list(dict.fromkeys(names)))
        columns = columns.replace_schema_metadata(None)
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError, OSError):
        pass  # its message may quote; ours is raised outside
    if columns is None:
        raise DataError(str(path), "cannot be read as Parquet", "Write it again.")
    if not columns.num_rows:
        raise DataError(str(path), "holds no records")
    return columns


def _header(head: bytes, path: Path, separator: str | None, encoding: str) -> tuple[list[str], str]:
    """Column names and separator of a CSV, from its first row."""
    if b"\x00" in head and encoding.lower().replace("-", "") not in ("utf16", "utf32"):
        raise DataError(str(path), "is neither CSV nor Parquet", "Save a workbook as CSV first.")
    text = None
    try:
        text = head.decode(encoding, errors="strict" if len(head) < _HEAD else "ignore").removeprefix("\ufeff")
    except LookupError:
        raise DataError("encoding", "there is no encoding of this name", "Give utf-8, windows-1252, ...") from None
    except UnicodeError:
        pass
    if text is None:
        raise DataError(
            str(path),
            f"is not text in {encoding}",
            "Say its encoding: an older spreadsheet writes windows-1252, in Arabic windows-1256.",
        )
    if separator is not None and len(separator) != 1:
        raise DataError("separator", "is not one character", "Give one, such as `;`, or `tab`.")
    rows = {mark: _first_row(text, mark) for mark in ((separator,) if separator else SEPARATORS)}
    separator = max(rows, key=lambda mark: len(rows[mark]))
    header = rows[separator]
    if not header:
        raise DataError(str(path), "is empty, or its first row is no row of names", "Names stand in the first row.")
    seen: dict[str, int] = {}
    for position, name in enumerate(header, start=1):
        if name in seen:
            raise DataError(
                str(path), f"columns {seen[name]} and {position} have the same name", "Rename one; names are in row 1."
            )
        seen[name] = position
    return header, separator


def _is_tagged(columns: pa.Table) -> bool:
    """Whether the first row is one of HXL hashtags."""
    first = [(column[0].as_py() or "").strip() for column in columns.columns] if columns.num_rows else []
    return any(first) and all(not cell or _TAG.match(cell) for cell in first)


def _first_row(text: str, separator: str) -> list[str]:
    """Cells of the first row that is not blank; none where there is no such row."""
    with contextlib.suppress(csv.Error):
        return next((row for row in csv.reader(io.StringIO(text, newline=""), delimiter=separator) if row), [])
    return []


def _require(held: Sequence[str], names: Sequence[str] | None, path: Path) -> None:
    """Refuse columns that are not there; the file's own names are not told, as a first row may hold data."""
    absent = [name for name in dict.fromkeys(names or ()) if name not in held]
    if absent:
        folded = {name.casefold().strip() for name in held}
        near = [name for name in absent if name.casefold().strip() in folded]
        raise DataError(
            f"{path}, {', '.join(f'`{name}`' for name in absent)}",
            f"no such column among the {len(held)} of this file",
            "Mind capitals and spaces: the file has a column that differs in nothing else."
            if near
            else "Name columns as the first row spells them; a file with one column has another separator.",
        )


def _csv(path: Path, header: list[str], names: Sequence[str] | None, separator: str, encoding: str) -> pa.Table:
    """Columns of text, nothing converted."""
    ragged = 0

    def count_ragged(row: pcsv.InvalidRow) -> str:
        nonlocal ragged
        ragged += 1
        return "skip"

    columns = None
    with contextlib.suppress(pa.ArrowInvalid, pa.ArrowKeyError, UnicodeError):  # its message quotes the row
        columns = pcsv.read_csv(
            path,
            read_options=pcsv.ReadOptions(encoding=encoding, block_size=_CHUNK),
            parse_options=pcsv.ParseOptions(
                delimiter=separator,
                newlines_in_values=True,
                ignore_empty_lines=len(header) > 1,
                invalid_row_handler=count_ragged,
            ),
            convert_options=pcsv.ConvertOptions(
                column_types=dict.fromkeys(header, pa.string()),
                strings_can_be_null=False,
                include_columns=None if names is None else list(dict.fromkeys(names)),
            ),
        )
    if columns is None:
        raise DataError(str(path), "cannot be read as CSV", "Look at its separator, its encoding, its quotation marks.")
    if ragged:
        raise DataError(
            str(path),
            f"{ragged:,} rows do not have {len(header):,} columns as the first row has",
            "A cell with the separator in it must stand in quotation marks.",
        )
    return columns


def _write_csv(columns: pa.Table, path: Path, separator: str) -> None:
    """UTF-8, LF, quotation marks only where a cell needs them."""
    if columns.num_columns > 1 and not any(set(name) & {separator, '"', "\n", "\r"} for name in columns.column_names):
        header = separator.join(columns.column_names).encode() + b"\n"
        options = pcsv.WriteOptions(include_header=False, delimiter=separator, quoting_style="none")
        try:
            with path.open("wb") as out:
                out.write(header)
                pcsv.write_csv(columns, out, options)
        except pa.ArrowInvalid:
            pass  # a cell needs quotation marks
        else:
            return
    frame = columns.to_pandas(types_mapper=lambda kind: pd.Int64Dtype() if pa.types.is_integer(kind) else None)
    frame.to_csv(path, sep=separator, index=False, lineterminator="\n")


def _is_text(kind: pa.DataType) -> bool:
    value = kind.value_type if pa.types.is_dictionary(kind) else kind
    return bool(pa.types.is_string(value) or pa.types.is_large_string(value) or pa.types.is_string_view(value))


def _distinct(column: pa.ChunkedArray, missing: Sequence[str]) -> tuple[np.ndarray, list[str]]:
    """Code of each value (-1 where it is missing) and the distinct cleaned texts, sorted."""
    if pa.types.is_dictionary(column.type):
        column = column.unify_dictionaries()
    elif not pa.types.is_string(column.type):
        column = column.cast(pa.string())
    coded = column if pa.types.is_dictionary(column.type) else column.dictionary_encode()
    coded = coded.combine_chunks()
    if isinstance(coded, pa.ChunkedArray):
        coded = coded.chunk(0) if coded.num_chunks else pa.array([], pa.string()).dictionary_encode()
    gone = {"", *missing}
    clean = [None if text is None or _clean(text) in gone else _clean(text) for text in coded.dictionary.to_pylist()]
    texts = sorted({text for text in clean if text is not None})
    number = {text: at for at, text in enumerate(texts)}
    of_raw = np.array([*(-1 if text is None else number[text] for text in clean), -1], dtype=np.int64)
    raw = coded.indices.fill_null(len(clean)).to_numpy(zero_copy_only=False)
    return of_raw[raw], texts


def _coded(codes: np.ndarray, texts: list[str], name: str) -> pd.Series:
    """A column of whole numbers where all its texts are such, else of categories in the order of their text."""
    if texts and all(_INTEGER.fullmatch(text) for text in texts):
        values = np.array([int(text) for text in texts], dtype=np.int64)
        gone = codes < 0
        found = values[np.where(gone, 0, codes)]
        if not gone.any():
            return pd.Series(found, name=name, copy=False)
        return pd.Series(pd.arrays.IntegerArray(found, gone), name=name, copy=False)
    categories = pd.Index(texts, dtype="str")
    return pd.Series(pd.Categorical.from_codes(codes.astype(np.int32), categories=categories), name=name, copy=False)


def _clean(text: str) -> str:
    text = text.strip()
    return text if text.isascii() else unicodedata.normalize("NFC", text)
