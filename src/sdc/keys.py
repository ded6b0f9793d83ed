"""Records to key classes: integer codes, once, for all that counts afterwards.

Records with equal keys form one class. Everything after this pass works on classes, so its cost grows with the
number of distinct keys and not with the number of records. Nothing here decides anything about disclosure,
which is why the judge and the protector may share it.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

MISSING = -1


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

    Guarantees
    ----------
    * The classes hold every record once: ``records.sum() == n``.
    * Two records are in one class exactly when they agree in every key, missing equal to missing.
    """
    columns, categories = [], []
    for key in keys:
        codes, values = encode(rows[key])
        columns.append(codes)
        categories.append(values)
    n, m = len(rows), len(columns)
    packed = np.zeros(n, dtype=np.int64)
    for codes, values in zip(columns, categories, strict=True):
        base = len(values) + 1
        if int(packed.max(initial=0)) > (2**62) // base:
            packed = np.unique(packed, return_inverse=True)[1]
        packed = packed * base + (codes.astype(np.int64) + 1)
    _, first, of_record, records = np.unique(packed, return_index=True, return_inverse=True, return_counts=True)
    matrix = np.empty((len(first), m), dtype=np.int32)
    for j, codes in enumerate(columns):
        matrix[:, j] = codes[first]
    return KeyClasses(tuple(keys), matrix, tuple(categories), records.astype(np.int64), of_record)


def encode(column: pd.Series) -> tuple[np.ndarray, pd.Index]:
    """Codes (missing is -1) and the sorted observed values of one column."""
    codes, values = pd.factorize(column, sort=True, use_na_sentinel=True)
    return codes.astype(np.int32), pd.Index(values)
