"""An SPSS or Stata file as columns of text."""

from collections.abc import Iterable, Mapping
from typing import Any

import pyarrow as pa
import pyreadstat

from sdc.errors import DataError
from sdc.ingest.limits import COLUMNS
from sdc.ingest.workbook import as_text

ROWS = 5_000_000
CELLS = 200_000_000


def statistical_grid(
    path: str, kind: str, options: Mapping[str, str], where: str, rows: int = 0
) -> tuple[pa.Table, dict[str, Any]]:
    """Cells of an SPSS or Stata file, the names of its columns in the first row.

    Parameters
    ----------
    path : str
    kind : sav or dta
    options : mapping
        ``value_labels`` codes or labels: what a labelled cell becomes. ``user_missing`` keep or blank: what becomes of
        codes that the file declares missing; Stata's extended missing values are the letters ``a`` to ``z``.
    where : str, for errors
    rows : int, at most so many; 0 for all

    Returns
    -------
    grid : pyarrow Table of str
    told : dict
        ``labels`` of columns, ``value_labels`` by column, ``missing_ranges`` by column, ``height``.

    Raises
    ------
    DataError : when the file is damaged or larger than a table can be.
    """
    read = {"sav": pyreadstat.read_sav, "dta": pyreadstat.read_dta}[kind]
    keep = options.get("user_missing", "keep") == "keep"
    _, head = _called(read, path, where, metadataonly=True)
    height, width = int(head.number_rows or 0), int(head.number_columns or 0)
    if width > COLUMNS:
        raise DataError(where, f"has more than {COLUMNS:,} columns")
    if height > ROWS or height * width > CELLS:
        raise DataError(where, f"has more than {ROWS:,} rows, or too many cells", "Split the extract.")
    content, meta = _called(
        read, path, where, user_missing=keep, row_limit=rows, output_format="dict", disable_datetime_conversion=False
    )
    as_labels = options.get("value_labels", "codes") == "labels"
    columns = {}
    for place, name in enumerate(meta.column_names):
        labels = meta.variable_value_labels.get(name, {}) if as_labels else {}
        columns[str(place)] = pa.array([name, *_cells(content[name], labels)], type=pa.string())
    if not columns:
        raise DataError(where, "holds no columns")
    told = {
        "height": height + 1,
        "labels": {name: label for name, label in meta.column_names_to_labels.items() if label},
        "value_labels": {
            name: {as_text(code): str(label) for code, label in labels.items()}
            for name, labels in meta.variable_value_labels.items()
        },
        "missing_ranges": {
            name: [[as_text(part["lo"]), as_text(part["hi"])] for part in ranges]
            for name, ranges in (meta.missing_ranges or {}).items()
        },
    }
    return pa.table(columns), told


def _called(read: Any, path: str, where: str, **options: Any) -> Any:
    """What the library reads, or our refusal; its message may quote a cell."""
    try:
        return read(path, **options)
    except MemoryError:
        raise
    except OverflowError:
        refusal = DataError(where, "holds a date outside the years 1 to 9999", "Mend it where the file was written.")
    except Exception:  # noqa: BLE001
        refusal = DataError(where, "cannot be read as an SPSS or Stata file", "It is damaged: export it again.")
    raise refusal


def _cells(values: Iterable[Any], labels: Mapping[Any, str]) -> list[str]:
    """Cells of a column as text; a missing number is empty."""
    found = []
    for value in values.tolist() if hasattr(values, "tolist") else values:
        if value is None or value != value:
            found.append("")
        elif labels and value in labels:
            found.append(str(labels[value]))
        else:
            found.append(as_text(value))
    return found
