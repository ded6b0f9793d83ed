"""Records to key classes: integer codes, once, for all that counts afterwards.

Records with equal keys form one class. Everything after this pass works on classes, so its cost grows with the
number of distinct keys and not with the number of records. Nothing here decides anything about disclosure,
which is why the judge and the protector may share it.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from sdc.errors import DataError

MISSING = -1
BLOCK = 1 << 17  # rows worked on at a time
DIRECT_CELLS = 1 << 22  # a table of this many cells is looked up directly, whatever the number of records


@dataclass(frozen=True, eq=False)
class KeyClasses:
    """Distinct key patterns of a file.

    Attributes
    ----------
    names : tuple of str, m keys
    codes : array of int32, (classes, m)
        Category number of each key; ``MISSING`` (-1) where the value is missing.
    categories : tuple of pandas Index, m keys
        The values behind the codes, sorted.
    records : array of int64, (classes,)
        Number of records in each class.
    of_record : array of int32 or int64, (records,)
        Class number of each record.
    """

    names: tuple[str, ...]
    codes: np.ndarray
    categories: tuple[pd.Index, ...]
    records: np.ndarray
    of_record: np.ndarray


def key_classes(rows: pd.DataFrame, keys: Sequence[str]) -> KeyClasses:
    """Group records by their exact key pattern, a missing value a category of its own.

    Parameters
    ----------
    rows : DataFrame, n records
    keys : sequence of str, m keys

    Returns
    -------
    KeyClasses
        Classes in lexicographic order of their codes, so the result does not depend on the order of records.

    Raises
    ------
    DataError
        A key with values that have no common order.

    Guarantees
    ----------
    * The classes hold every record once: ``records.sum() == n``.
    * Two records are in one class exactly when they agree in every key, missing equal to missing.
    """
    categories = []

    def columns() -> Iterator[tuple[np.ndarray, int]]:
        for key in keys:
            codes, values = encode(rows[key])
            categories.append(values)
            yield codes, len(values)

    patterns, of_record = _grouped(columns(), len(rows))
    records = totals(of_record, len(patterns))
    return KeyClasses(tuple(keys), patterns, tuple(categories), records, of_record)


def merged(codes: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Distinct rows of a matrix of codes (-1 where missing), in lexicographic order, and which of them each row is."""
    columns = ((codes[:, j], int(codes[:, j].max(initial=MISSING)) + 1) for j in range(codes.shape[1]))
    return _grouped(columns, len(codes))


def encode(column: pd.Series) -> tuple[np.ndarray, pd.Index]:
    """Codes (missing is -1) and the sorted observed values of one column.

    An ordered categorical keeps the order of its categories.
    """
    if isinstance(column.dtype, pd.CategoricalDtype):
        return _encode_categorical(column)
    if pd.api.types.is_integer_dtype(column.dtype) or pd.api.types.is_bool_dtype(column.dtype):
        coded = _encode_integers(column)
        if coded is not None:
            return coded
    try:
        codes, values = pd.factorize(column, sort=True, use_na_sentinel=True)
    except TypeError:
        raise DataError(f"`{column.name}`", "values of more than one type", "Give the column one type.") from None
    return codes.astype(np.int32, copy=False), pd.Index(values)


def totals(of_row: np.ndarray, size: int, weights: np.ndarray | None = None) -> np.ndarray:
    """Number of rows, or sum of their weights, for each of ``size`` classes."""
    total = np.zeros(size, dtype=np.int64 if weights is None else np.float64)
    for rows in _blocks(len(of_row), max(BLOCK, size)):
        total += np.bincount(of_row[rows], weights=None if weights is None else weights[rows], minlength=size)
    return total


def _blocks(n: int, length: int) -> Iterator[slice]:
    """Stretches of rows: working arrays of this length stay in cache and are not new memory each time."""
    return (slice(low, low + length) for low in range(0, n, length))


def _grouped(columns: Iterable[tuple[np.ndarray, int]], n: int) -> tuple[np.ndarray, np.ndarray]:
    """Distinct patterns of columns of codes, each with its number of categories, and the pattern of each row."""
    packed = np.zeros(n, dtype=np.int32)
    patterns, cells = np.empty((1, 0), dtype=np.int32), 1
    bases: list[int] = []
    for codes, size in columns:
        base = size + 1
        if bases and cells * base > max(DIRECT_CELLS, 4 * n):
            packed, seen = _ranked(packed, cells)
            patterns, bases, cells = _unpacked(seen, patterns, bases), [], len(seen)
        cells *= base
        if cells > np.iinfo(packed.dtype).max:
            packed = packed.astype(np.int64)
        packed *= base
        packed += codes
        packed += 1
        bases.append(base)
    of_row, seen = _ranked(packed, cells)
    return _unpacked(seen, patterns, bases), of_row


def _ranked(numbers: np.ndarray, cells: int, low: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Ranks of integers from ``low`` to below ``low + cells`` among their distinct values, and those, sorted."""
    if cells <= max(DIRECT_CELLS, 16 * len(numbers)):
        present = np.zeros(cells, dtype=bool)
        for rows in _blocks(len(numbers), BLOCK):
            present[np.subtract(numbers[rows], low, dtype=np.int64)] = True
        seen = np.flatnonzero(present)
        rank = np.empty(cells, dtype=np.int32)
        rank[seen] = np.arange(len(seen), dtype=np.int32)
        ranks = np.empty(len(numbers), dtype=np.int32)
        for rows in _blocks(len(numbers), BLOCK):
            ranks[rows] = rank[np.subtract(numbers[rows], low, dtype=np.int64)]
        return ranks, seen + low
    found, seen = pd.factorize(numbers)
    order = np.argsort(seen)
    rank = np.empty(len(seen), dtype=np.int32)
    rank[order] = np.arange(len(seen), dtype=np.int32)
    return rank[found], seen[order]


def _unpacked(packed: np.ndarray, patterns: np.ndarray, bases: Sequence[int]) -> np.ndarray:
    """Class codes behind packed numbers: known patterns first, then one digit for each base."""
    known = patterns.shape[1]
    codes = np.empty((len(packed), known + len(bases)), dtype=np.int32)
    rest = packed
    for j in range(len(bases) - 1, -1, -1):
        rest, digit = np.divmod(rest, bases[j])
        codes[:, known + j] = digit - 1
    codes[:, :known] = patterns[rest]
    return codes


def _encode_categorical(column: pd.Series) -> tuple[np.ndarray, pd.Index]:
    """Codes of the categories that occur; unordered categories are put in order of their values."""
    given = column.cat.codes.to_numpy()
    values = column.cat.categories
    occurs = np.bincount(given.astype(np.int64) + 1, minlength=len(values) + 1)[1:] > 0
    kept = np.flatnonzero(occurs)
    if not column.cat.ordered:
        kept = kept[encode(pd.Series(values[kept], name=column.name))[0].argsort(kind="stable")]
    code = np.full(len(values) + 1, MISSING, dtype=np.int32)
    code[kept] = np.arange(len(kept), dtype=np.int32)
    return code[given], values[kept]


def _encode_integers(column: pd.Series) -> tuple[np.ndarray, pd.Index] | None:
    """Codes of integers and truth values by direct lookup; none where their range is too wide for it."""
    missing = column.isna().to_numpy() if pd.api.types.is_extension_array_dtype(column.dtype) else None
    if missing is not None and not missing.any():
        missing = None
    if missing is not None and missing.all():
        return np.full(len(column), MISSING, dtype=np.int32), pd.Index(column.iloc[:0].array)
    values = column.to_numpy() if missing is None else column[~missing].to_numpy()
    if not len(values) or values.dtype == np.uint64:
        return None
    low, high = int(values.min()), int(values.max())
    if high - low >= max(DIRECT_CELLS, 4 * len(values)):
        return None
    codes, seen = _ranked(values, high - low + 1, low)
    index = pd.Index(pd.Series(seen).astype(column.dtype).array)
    if missing is None:
        return codes, index
    placed = np.full(len(column), MISSING, dtype=np.int32)
    placed[~missing] = codes
    return placed, index
