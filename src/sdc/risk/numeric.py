"""Disclosure risk of numeric variables: how near a protected value stays to the true one."""

import numpy as np
import pandas as pd
from scipy.spatial import KDTree

from sdc.errors import DataError

TIE = 1e-12  # relative difference up to which two distances count as equal
FAR = 1e100  # standard deviations beyond which all is equally far; their squares are still numbers


def interval_risk(original: pd.DataFrame, protected: pd.DataFrame, width: float) -> float:
    """Share of records whose every numeric value stays within an interval around the protected value.

    Parameters
    ----------
    original, protected : DataFrame, (n, p), numbers
        The same records in the same order.
    width : float, standard deviations of the protected variable
        Half width of the interval (sdcMicro: 0.05).

    Returns
    -------
    float, 0 to 1

    Guarantees
    ----------
    * A wider interval never has a smaller risk; unchanged data have risk 1.

    References
    ----------
    Mateo-Sanz, Sebe, Domingo-Ferrer (2004), LNCS 3050, 201-215
    """
    x, y = _numbers(original, protected)
    if not len(x):
        return 0.0
    spread = np.nanstd(y, axis=0, ddof=1) if len(x) > 1 else np.zeros(y.shape[1])
    away = np.abs(x - y) > width * spread
    return float(1.0 - away.any(axis=1).mean())


def linkage_risk(original: pd.DataFrame, protected: pd.DataFrame) -> float:
    """Share of protected records whose nearest original record is their own (distance-based record linkage).

    Parameters
    ----------
    original, protected : DataFrame, (n, p), numbers
        The same records in the same order.

    Returns
    -------
    float, 0 to 1
        Where t original records are equally near, a right link counts 1/t.

    Notes
    -----
    Euclidean distance on variables divided by their standard deviation in the original file. Records with a
    missing value cannot be linked and count as not linked.

    Guarantees
    ----------
    * The result does not depend on the order of records.

    References
    ----------
    Domingo-Ferrer, Torra (2001), in: Doyle et al. (eds), Confidentiality, Disclosure and Data Access, 111-133
    """
    x, y = _numbers(original, protected)
    whole = ~(np.isnan(x).any(axis=1) | np.isnan(y).any(axis=1))
    n, x, y = len(x), x[whole], y[whole]
    if not len(x):
        return 0.0
    centre, spread = x.mean(axis=0), x.std(axis=0)
    varies = spread > 0
    if not varies.any():
        return 1.0 / n
    x, y = ((values[:, varies] - centre[varies]) / spread[varies] for values in (x, y))
    y = y.clip(-FAR, FAR)
    tree = KDTree(x)
    nearest = tree.query(y, k=1)[0] * (1 + TIE)
    own = np.sqrt(((x - y) ** 2).sum(axis=1))
    linked = own <= nearest
    ties = tree.query_ball_point(y[linked], nearest[linked], return_length=True)
    return float((1.0 / np.maximum(ties, 1)).sum() / n)


def _numbers(original: pd.DataFrame, protected: pd.DataFrame) -> tuple[np.ndarray, np.ndarray]:
    """Both files as matrices of numbers, column by column alike."""
    if list(original.columns) != list(protected.columns) or len(original) != len(protected):
        raise DataError(
            "protected file",
            "not the same records and columns as the original",
            "Give both files with equal columns and records in the same order.",
        )
    numeric = [pd.api.types.is_numeric_dtype(t) for t in [*original.dtypes, *protected.dtypes]]
    if not all(numeric):
        raise DataError("numeric variables", "a column is not numeric", "Name numeric columns only.")
    return original.to_numpy(dtype=np.float64, na_value=np.nan), protected.to_numpy(np.float64, na_value=np.nan)
