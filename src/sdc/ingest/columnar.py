"""A Parquet file as columns of text."""

from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from sdc.errors import DataError
from sdc.ingest.limits import COLUMNS, EXACT, ROWS

CELLS = 400_000_000
UNPACKED_BYTES = 4 << 30


def columnar_grid(path: Path, where: str, rows: int = 0) -> tuple[pa.Table, int]:
    """Cells of a Parquet file as text, the names of its columns in the first row.

    Parameters
    ----------
    path : Path
    where : str, for errors
    rows : int, at most so many; 0 for all

    Returns
    -------
    grid : pyarrow Table of str
    height : int, rows in all, the names among them

    Raises
    ------
    DataError : when the file is damaged, larger than a table can be, or has a column of lists, records or bytes.

    Guarantees
    ----------
    * What the file says of its size is looked at before anything is unpacked.
    """
    refusal, columns, height = None, {}, 0
    try:
        with pq.ParquetFile(path, memory_map=False) as file:
            height = _measured(file, where)
            schema = file.schema_arrow
            _require_flat(schema, where)
            for place, name in enumerate(schema.names):
                if rows:
                    column = next(file.iter_batches(rows, columns=[name])).column(0) if height else pa.array([])
                    column = pa.chunked_array([column])
                else:
                    column = file.read(columns=[name]).column(0)
                columns[str(place)] = pa.chunked_array([pa.array([name]), *_text(column).chunks], type=pa.string())
    except DataError as refused:
        refusal = refused
    except MemoryError:
        raise
    except Exception:  # noqa: BLE001 - its message may quote a cell
        refusal = DataError(where, "cannot be read as Parquet", "It is damaged: export it again.")
    if refusal:
        raise refusal
    return pa.table(columns), height + 1


def _measured(file: pq.ParquetFile, where: str) -> int:
    """Number of rows, when the file is not larger than a table can be."""
    meta = file.metadata
    if meta.num_columns > COLUMNS:
        raise DataError(where, f"has more than {COLUMNS:,} columns")
    if not meta.num_columns:
        raise DataError(where, "holds no columns")
    groups = [meta.row_group(number) for number in range(min(meta.num_row_groups, 100_000))]
    unpacked = sum(max(group.total_byte_size, 0) for group in groups)
    if meta.num_rows > ROWS or meta.num_rows * meta.num_columns > CELLS or unpacked > UNPACKED_BYTES:
        raise DataError(where, "unpacks to more than a table can be", "Split the extract.")
    return meta.num_rows


def _require_flat(schema: pa.Schema, where: str) -> None:
    """Refuse columns that are no columns of single values."""
    wrong = 0
    for field in schema:
        kind = field.type.value_type if pa.types.is_dictionary(field.type) else field.type
        flat = (
            pa.types.is_string(kind)
            or pa.types.is_large_string(kind)
            or pa.types.is_string_view(kind)
            or pa.types.is_integer(kind)
            or pa.types.is_floating(kind)
            or pa.types.is_boolean(kind)
            or pa.types.is_decimal(kind)
            or pa.types.is_temporal(kind)
            or pa.types.is_null(kind)
        )
        wrong += not flat
    if wrong:
        raise DataError(where, f"{wrong:,} columns hold lists, records or bytes", "Export one value a cell.")


def _text(column: pa.ChunkedArray) -> pa.ChunkedArray:
    """Cells as the other readers write them; a missing one is empty."""
    kind = column.type
    if pa.types.is_dictionary(kind):
        column = column.cast(kind.value_type)
        kind = column.type
    if pa.types.is_timestamp(kind):
        column = pc.strftime(column, format="%Y-%m-%d %H:%M:%S") if kind.tz is None else column.cast(pa.string())
        column = pc.replace_substring_regex(column, pattern=r"^(\d{4}-\d{2}-\d{2}) 00:00:00(\.0*)?$", replacement=r"\1")
        column = pc.replace_substring_regex(column, pattern=r"(:\d{2})\.0*$", replacement=r"\1")
    elif pa.types.is_boolean(kind):
        column = pc.if_else(column, "TRUE", "FALSE")
    elif pa.types.is_floating(kind):
        number = column.cast(pa.float64())
        whole = pc.and_(pc.less(pc.abs(number), EXACT), pc.equal(number, pc.round(number)))
        exact = pc.if_else(whole, number, None).cast(pa.int64()).cast(pa.string())
        column = pc.if_else(pc.is_nan(number), None, pc.coalesce(exact, column.cast(pa.string())))
    else:
        column = column.cast(pa.string())
    return pc.fill_null(column.cast(pa.string()), "")
