"""Columns of numbers: out of a table as a matrix, and back with other values."""

from collections.abc import Sequence

import numpy as np
import pandas as pd

from sdc.dictionary import Role, Type
from sdc.errors import DataError
from sdc.table import Table


def numbers(table: Table, columns: Sequence[str]) -> np.ndarray:
    """Values of numeric columns, nan where missing: array of float, (records, columns).

    Raises
    ------
    DataError : when a column is a count (its identities would break), or holds no numbers any more.
    """
    for name in columns:
        variable = table[name]
        if variable.role == Role.COUNT:
            raise DataError(f"`{name}`", "a count, which has its own steps.", "Use `suppress_counts`, `round_counts`.")
        if variable.type not in (Type.INTEGER, Type.NUMBER) or variable.level:
            raise DataError(f"`{name}`", "no column of numbers as collected.", "Name numeric columns only.")
    values = [table.rows[name].to_numpy(dtype=np.float64, na_value=np.nan) for name in columns]
    return np.column_stack(values) if values else np.empty((len(table), 0))


def with_numbers(table: Table, columns: Sequence[str], values: np.ndarray) -> Table:
    """The table with other values in some columns, and without what follows them.

    An integer stays an integer: it is rounded. What follows a column is gone, since it would give the value back.
    """
    changed = {}
    for j, name in enumerate(columns):
        missing = np.isnan(values[:, j])
        if table[name].type == Type.INTEGER:
            whole = np.floor(np.where(missing, 0, values[:, j]) + 0.5).astype(np.int64)
            column: pd.api.extensions.ExtensionArray = pd.arrays.IntegerArray(whole, missing)
        else:
            column = pd.arrays.FloatingArray(np.where(missing, 0.0, values[:, j]), missing)
        changed[name] = pd.Series(column, index=table.rows.index, name=name)
    followers = {follower for name in columns for follower in table.followers(name)} - set(columns)
    return table.with_rows(table.rows.assign(**changed)).drop(followers)


def strata_of(table: Table, columns: Sequence[str] | None, least: int) -> np.ndarray:
    """Number of the stratum of each record; strata of fewer than `least` records are put together.

    When even together they are fewer, they join the smallest of the others.
    """
    if not columns:
        return np.zeros(len(table), dtype=np.int64)
    keys = [table.rows[name].astype("str") for name in columns]
    stratum = pd.DataFrame(dict(enumerate(keys))).groupby(list(range(len(keys))), dropna=False, sort=True).ngroup()
    number = stratum.to_numpy().astype(np.int64)
    size = np.bincount(number)
    small = size < least
    if small.any():
        large = np.flatnonzero(~small)
        target = np.flatnonzero(small)[0]
        if size[small].sum() < least and len(large):
            target = large[size[large].argmin()]
        number = np.where(small[number], target, number)
    return number
