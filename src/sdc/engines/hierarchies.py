"""A key's hierarchy as arrays: each value's code at each level, and how much of the domain its label covers."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import pandas as pd

from sdc.errors import DataError
from sdc.keys import encode


@dataclass(frozen=True, eq=False)
class Hierarchy:
    """What the leaves of one key become at each level.

    Attributes
    ----------
    name : str
    leaves : pandas Index, (leaves,)
        Values as collected.
    codes : array of int32, (levels, leaves)
        Code of each leaf at each level; level 0 is as collected, and each level is a coarsening of the one before.
    labels : tuple of pandas Index, one a level
        The label behind each code.
    """

    name: str
    leaves: pd.Index
    codes: np.ndarray
    labels: tuple[pd.Index, ...]

    @property
    def share(self) -> np.ndarray:
        """Leaves under the label of each leaf, as a share of all: array of float, (levels, leaves)."""
        return np.stack([np.bincount(row)[row] for row in self.codes]) / self.codes.shape[1]


def hierarchy_of(name: str, labels: pd.DataFrame) -> Hierarchy:
    """Read a hierarchy from a table of labels, one row a leaf and one column a level, leaf first (as ARX writes it).

    Parameters
    ----------
    name : str
        The key that it belongs to.
    labels : DataFrame of str, (leaves, levels)

    Returns
    -------
    Hierarchy

    Raises
    ------
    DataError : when a leaf stands twice, a label is missing, or a level splits what the level below had joined.
    """
    columns = [encode(labels.iloc[:, j].astype(str)) for j in range(labels.shape[1])]
    codes = np.stack([codes for codes, _ in columns])
    if labels.isna().any(axis=None) or len(columns[0][1]) != len(labels):
        raise DataError(f"hierarchy of `{name}`", "a leaf stands twice, or a label is missing.", "Mend the file.")
    for finer, coarser in pairwise(codes):
        if len(np.unique(np.stack([finer, coarser]), axis=1).T) != len(np.unique(finer)):
            raise DataError(
                f"hierarchy of `{name}`", "a level splits what the level below has joined.", "Mend the levels."
            )
    return Hierarchy(name, pd.Index(labels.iloc[:, 0].astype(str)), codes, tuple(values for _, values in columns))


def flat(name: str, values: pd.Index) -> Hierarchy:
    """The hierarchy of a key that has none: as collected, or nothing."""
    codes = np.stack([np.arange(len(values)), np.zeros(len(values), dtype=np.int64)]).astype(np.int32)
    return Hierarchy(name, values, codes, (values, pd.Index(["*"])))


def leaf_codes(rows: pd.DataFrame, hierarchies: Sequence[Hierarchy]) -> np.ndarray:
    """Leaf number of each value, (records, keys); -1 where it is missing.

    Raises
    ------
    DataError : when a column holds values that its hierarchy does not have.
    """
    columns = []
    for hierarchy in hierarchies:
        codes, values = encode(rows[hierarchy.name])
        at = hierarchy.leaves.get_indexer(values if values.dtype == hierarchy.leaves.dtype else values.astype(str))
        if (at < 0).any():
            raise DataError(
                f"`{hierarchy.name}`",
                f"{int((at[codes[codes >= 0]] < 0).sum())} of {len(rows)} records hold a value outside its hierarchy.",
                "The values are not shown here. Complete the hierarchy, or mend the file.",
            )
        columns.append(np.where(codes >= 0, at[codes], -1))
    return np.stack(columns, axis=1).astype(np.int32)


def recoded(rows: pd.DataFrame, hierarchies: Sequence[Hierarchy], levels: Mapping[str, int]) -> pd.DataFrame:
    """The keys with each value replaced by its label at the key's level; missing values stay missing."""
    codes = leaf_codes(rows, hierarchies)
    columns = {}
    for j, hierarchy in enumerate(hierarchies):
        level = levels[hierarchy.name]
        labels = hierarchy.labels[level][hierarchy.codes[level]]
        columns[hierarchy.name] = labels.take(codes[:, j]).where(codes[:, j] >= 0)
    return pd.DataFrame(columns, index=rows.index)
