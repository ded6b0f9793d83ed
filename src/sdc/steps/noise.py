"""Random noise on numbers."""

from collections.abc import Sequence

import numpy as np

from sdc.errors import DataError
from sdc.steps.numbers import numbers, with_numbers
from sdc.steps.order import content_order
from sdc.table import Table

METHODS = ("additive", "correlated", "rescaled")


def add_noise(table: Table, columns: Sequence[str], share: float, seed: int, *, method: str = "correlated") -> Table:
    """Add normal noise whose standard deviation is a share of that of the column.

    Parameters
    ----------
    table : Table
    columns : sequence of str
    share : float, above 0
        Standard deviation of the noise over that of the values; 0.1 is ten per cent.
    seed : int
        Secret: who knows it can draw the same noise again.
    method : {"correlated", "additive", "rescaled"}
        ``"correlated"`` draws noise with the correlations of the columns, so that these are kept, and variances grow by
        ``1 + share ** 2``. ``"rescaled"`` brings the variances back. ``"additive"`` draws for each column on its own,
        which weakens correlations.

    Returns
    -------
    Table
        Values stay within the `min` and `max` that the dictionary gives a column.

    Guarantees
    ----------
    * Missing stays missing, a column that does not vary stays as it is, and no other column changes.
    * The result depends on the content of the records and the seed, not on their order.
    * Columns that follow `columns` are gone.

    References
    ----------
    Kim (1986), Proc. Survey Research Methods Section, ASA, 370-374; Brand (2002), LNCS 2316, 97-116
    """
    values = numbers(table, columns)
    if method not in METHODS or not share > 0:
        raise DataError("noise", "no known method, or no share above 0.", f"Methods: {', '.join(METHODS)}.")
    if not values.size:
        return table
    order = content_order(table)
    x = values[order]
    spread = np.nan_to_num(_spread(x))
    draws = np.random.default_rng(seed).standard_normal(x.shape)
    if method != "additive":
        draws = draws @ _root(_correlations(x))
    noisy = x + share * spread * draws
    if method == "rescaled":
        middle = np.nanmean(np.where(np.isnan(x).all(axis=0), 0.0, x), axis=0)
        noisy = np.where(spread > 0, middle + (noisy - middle) / np.sqrt(1 + share**2), noisy)
    for j, name in enumerate(columns):
        noisy[:, j] = np.clip(noisy[:, j], table[name].min, table[name].max) if spread[j] > 0 else x[:, j]
    result = np.empty_like(noisy)
    result[order] = noisy
    return with_numbers(table, columns, result)


def _spread(x: np.ndarray) -> np.ndarray:
    """Standard deviation of the observed values of each column; 0 where there are fewer than two."""
    number = (~np.isnan(x)).sum(axis=0)
    away = x - np.nansum(x, axis=0) / np.maximum(number, 1)
    return np.sqrt(np.nansum(away**2, axis=0) / np.maximum(number - 1, 1))


def _correlations(x: np.ndarray) -> np.ndarray:
    """Correlations over the records that are whole; a column that does not vary correlates with nothing."""
    whole = x[~np.isnan(x).any(axis=1)]
    if len(whole) < 2:
        return np.eye(x.shape[1])
    z = whole - whole.mean(axis=0)
    length = np.sqrt((z**2).sum(axis=0))
    z /= np.where(length > 0, length, 1.0)
    result = z.T @ z
    np.fill_diagonal(result, 1.0)
    return result


def _root(matrix: np.ndarray) -> np.ndarray:
    """A matrix whose square it is."""
    size, axes = np.linalg.eigh(matrix)
    return (axes * np.sqrt(np.maximum(size, 0))) @ axes.T
