"""What protection did to numbers: distances of the values, of their correlations and of their main axes."""

from collections.abc import Mapping

import numpy as np
import pandas as pd

from sdc.errors import DataError


def number_losses(before: pd.DataFrame, after: pd.DataFrame) -> Mapping[str, float | None]:
    """All measures of this file for numeric columns; None where one is not defined (a column that does not vary)."""
    return {
        "il1": il1(before, after),
        "il1s": il1s(before, after),
        "il1s_mean": il1s_mean(before, after),
        "eigenvalues": eigenvalue_change(before, after),
        "correlations": correlation_change(before, after),
        "inverse_correlations": inverse_correlation_change(before, after),
    }


def il1(before: pd.DataFrame, after: pd.DataFrame) -> float:
    """Sum of the relative changes of the values, in per cent of each.

    Parameters
    ----------
    before, after : DataFrame, (n, p), numbers
        The same records in the same order. Cells that are missing on one side, or were 0, do not count.

    Returns
    -------
    float, per cent, summed over cells

    References
    ----------
    Mateo-Sanz, Domingo-Ferrer, Sebe (2005), Data Mining and Knowledge Discovery 11(2), 181-193
    """
    x, y = _pair(before, after)
    change, size = np.abs(x - y), np.abs(x)
    return float(np.nansum(np.where(size > 0, 100 * change / np.where(size > 0, size, 1.0), 0.0)))


def il1s(before: pd.DataFrame, after: pd.DataFrame) -> float:
    """Sum of the changes of the values, each over the standard deviation of its column times the root of 2.

    Parameters
    ----------
    before, after : DataFrame, (n, p), numbers
        The same records in the same order. Cells that are missing on one side do not count, nor columns that do not
        vary.

    Returns
    -------
    float

    Guarantees
    ----------
    * 0 exactly when no counted value changed; not changed by another unit of a column or another order of records.
    """
    x, y = _pair(before, after)
    spread = _spread(x)
    varies = spread > 0
    return float(np.nansum(np.abs(x - y)[:, varies] / (spread[varies] * np.sqrt(2))))


def il1s_mean(before: pd.DataFrame, after: pd.DataFrame) -> float:
    """The same as a mean over all cells, so that files of different sizes can be compared."""
    return il1s(before, after) / max(before.size, 1)


def eigenvalue_change(before: pd.DataFrame, after: pd.DataFrame) -> float | None:
    """Sum of the relative changes of the eigenvalues of the correlation matrix, the largest against the largest.

    Returns
    -------
    float, or None when a column does not vary on either side, or an eigenvalue was 0.
    """
    old, new = (_correlations(values) for values in _pair(before, after))
    if old is None or new is None:
        return None
    first, second = np.linalg.eigvalsh(old)[::-1], np.linalg.eigvalsh(new)[::-1]
    if (np.abs(first) <= 1e-12).any():
        return None
    return float((np.abs(first - second) / first).sum())


def correlation_change(before: pd.DataFrame, after: pd.DataFrame) -> float | None:
    """Mean absolute change of the correlations of all pairs of columns; None as in `eigenvalue_change`."""
    old, new = (_correlations(values) for values in _pair(before, after))
    if old is None or new is None or len(old) < 2:
        return None
    above = np.triu_indices(len(old), 1)
    return float(np.abs(old - new)[above].mean())


def inverse_correlation_change(before: pd.DataFrame, after: pd.DataFrame) -> float | None:
    """Hellinger-like distance of the diagonals of the inverse correlation matrices, 0 to 1.

    A diagonal entry is 1 over the share of a column that the others do not explain.

    Returns
    -------
    float, or None when a matrix has no inverse.
    """
    diagonals = []
    for values in _pair(before, after):
        matrix = _correlations(values[~np.isnan(values).any(axis=1)])
        if matrix is None or np.linalg.cond(matrix) > 1e14:
            return None
        diagonal = np.diag(np.linalg.inv(matrix))
        diagonals.append(diagonal / np.sqrt((diagonal**2).sum()))
    return float(np.sqrt(((diagonals[0] - diagonals[1]) ** 2).sum() / 2))


def _pair(before: pd.DataFrame, after: pd.DataFrame) -> tuple[np.ndarray, np.ndarray]:
    """Both files as matrices of numbers, column by column alike."""
    if list(before.columns) != list(after.columns) or len(before) != len(after):
        raise DataError(
            "protected file", "not the records and columns of the original.", "Pair them by record number first."
        )
    if not all(pd.api.types.is_numeric_dtype(kind) for kind in [*before.dtypes, *after.dtypes]):
        raise DataError("numeric columns", "one holds no numbers.", "Name numeric columns only.")
    return before.to_numpy(np.float64, na_value=np.nan), after.to_numpy(np.float64, na_value=np.nan)


def _spread(x: np.ndarray) -> np.ndarray:
    number = (~np.isnan(x)).sum(axis=0)
    away = x - np.nansum(x, axis=0) / np.maximum(number, 1)
    return np.sqrt(np.nansum(away**2, axis=0) / np.maximum(number - 1, 1))


def _correlations(x: np.ndarray) -> np.ndarray | None:
    """Covariances of the standardised columns, each pair over the records that have both; None without variation."""
    spread = _spread(x)
    if not x.size or not (spread > 0).all():
        return None
    middle = np.nansum(x, axis=0) / np.maximum((~np.isnan(x)).sum(axis=0), 1)
    z = (x - middle) / spread
    if not np.isnan(z).any():
        return z.T @ z / (len(z) - 1)
    both = (~np.isnan(z)).T.astype(np.float64) @ (~np.isnan(z))
    if (both < 2).any():
        return None
    seen, filled = (~np.isnan(z)).astype(np.float64), np.nan_to_num(z)
    sums = filled.T @ seen  # of the first column over the records that have the second
    return (filled.T @ filled - sums * sums.T / both) / (both - 1)
