"""How well a model tells protected records from original ones (propensity score, pMSE)."""

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from sdc.dictionary import Type
from sdc.errors import DataError
from sdc.steps.recoding import coarsened
from sdc.table import Table

CATEGORIES = 30  # of a column; rarer ones are taken as one
STEPS = 50
RIDGE = 1e-6


def propensity(before: Table, after: Table, columns: Sequence[str], ways: int = 1) -> Mapping[str, float]:
    """Mean squared error of the probability that a record is a protected one, by logistic regression.

    Parameters
    ----------
    before, after : Table
        Records need not be paired. Columns are compared at the level of `after`.
    columns : sequence of str
        Predictors: codes as indicators, a missing value being one; numbers as they are and squared, and whether they
        are missing.
    ways : {1, 2}
        2 adds the products of all pairs of predictors of two columns.

    Returns
    -------
    mapping with pmse, expected (what chance alone gives a file drawn from a right model of the original), ratio
        The ratio is about 1 for such a file and 2 for a second sample of the same people; it is smaller for a file that
        keeps its records, and large where the two can be told apart.

    Guarantees
    ----------
    * `pmse` lies between 0 and the product of the two files' shares, and is 0 for a file compared with itself.

    References
    ----------
    Snoke, Raab, Nowok, Dibben, Slavkovic (2018), J. Royal Statistical Society A 181(3), 663-688
    """
    if ways not in (1, 2):
        raise DataError("propensity score", "`ways` is neither 1 nor 2.", "Name one of them.")
    blocks = [_predictors(before, after, name) for name in columns]
    parts = list(blocks)
    if ways == 2:
        parts += [
            (one[:, :, None] * other[:, None, :]).reshape(len(one), -1)
            for i, one in enumerate(blocks)
            for other in blocks[i + 1 :]
        ]
    n = len(before) + len(after)
    x = np.column_stack([np.ones(n), *parts])
    x = x[:, np.r_[True, x[:, 1:].std(axis=0) > 0]]
    protected = np.r_[np.zeros(len(before)), np.ones(len(after))]
    share = float(protected.mean()) if n else 0.0
    if not 0 < share < 1:
        raise DataError("propensity score", "one of the files is empty.", "Compare files with records.")
    score = _logistic(x, protected)
    rank = int(np.linalg.matrix_rank(x.T @ x))
    pmse = float(((score - share) ** 2).mean())
    expected = (rank - 1) * (1 - share) ** 2 * share / n
    return {"pmse": pmse, "expected": expected, "ratio": pmse / expected if expected else 0.0}


def _predictors(before: Table, after: Table, name: str) -> np.ndarray:
    """A column of both files, one under the other, as numbers from which to predict."""
    old, new, level = before.rows[name], after.rows[name], after[name].level
    if level and not before[name].level:
        old = coarsened(old, after[name], level)
    elif before[name].type in (Type.INTEGER, Type.NUMBER) and not level:
        values = np.r_[old.to_numpy(np.float64, na_value=np.nan), new.to_numpy(np.float64, na_value=np.nan)]
        missing = np.isnan(values)
        middle = float(values[~missing].mean()) if (~missing).any() else 0.0
        spread = float(values[~missing].std()) if (~missing).any() else 0.0
        z = np.where(missing, 0.0, (values - middle) / (spread or 1.0))
        return np.column_stack([z, z**2, missing])
    text = pd.concat([old.astype("str"), new.astype("str")], ignore_index=True).fillna("")
    codes, labels = pd.factorize(text, sort=True)
    counts = np.bincount(codes, minlength=len(labels))
    kept = np.lexsort((np.arange(len(labels)), -counts))[:CATEGORIES][1:]  # the most frequent one is the reference
    return (codes[:, None] == kept[None, :]).astype(np.float64)


def _logistic(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Fitted probabilities by Newton's method, with a ridge so small that it only decides what the data leave open."""
    scale = np.sqrt((x**2).mean(axis=0))
    z = x / np.where(scale > 0, scale, 1.0)
    weight = np.zeros(z.shape[1])
    weight[0] = np.log(y.mean() / (1 - y.mean()))
    ridge = RIDGE * len(y)
    start = weight.copy()
    for _ in range(STEPS):
        score = 1 / (1 + np.exp(-np.clip(z @ weight, -30, 30)))
        slope = z.T @ (y - score) - ridge * (weight - start)
        curve = (z * (score * (1 - score))[:, None]).T @ z + ridge * np.eye(len(weight))
        step = np.linalg.solve(curve, slope)
        weight = weight + step / max(1.0, float(np.abs(step).max()) / 5)
        if np.abs(step).max() < 1e-10:
            break
    return 1 / (1 + np.exp(-np.clip(z @ weight, -30, 30)))
