"""Risk of sample uniques from a log-linear model of the table that the keys span."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import prod
from typing import Literal

import numpy as np
import pandas as pd

from sdc.errors import DataError
from sdc.keys import KeyClasses, key_classes

Method = Literal["plain", "clogg_eliason", "pseudo_likelihood", "weight_term"]
MOST_CELLS = 1 << 21  # a full table larger than this is not fitted


@dataclass(frozen=True)
class LogLinearRisk:
    """What a log-linear model expects of the sample uniques.

    Attributes
    ----------
    population_uniques : float
        Expected number of sample uniques that are also unique in the population.
    correct_matches : float
        Expected number of right links when each sample unique is linked to one person of its cell.
    sample_uniques : int
    occupied : int
        Cells with at least one record.
    """

    population_uniques: float
    correct_matches: float
    sample_uniques: int
    occupied: int


def log_linear_risk(
    rows: pd.DataFrame,
    keys: Sequence[str],
    weight: str,
    *,
    method: Method = "plain",
    interactions: Sequence[Sequence[str]] = (),
    quantities: Sequence[str] = (),
    means: Literal["population", "sample"] = "population",
) -> LogLinearRisk:
    """Estimate how many sample uniques are population uniques, by a Poisson model of the cell counts.

    Parameters
    ----------
    rows : DataFrame, n records
        Records with a missing key are left out of the model.
    keys : sequence of str
        Each a main effect of the model.
    weight : str
        Column of sampling weights; a record's inclusion probability is 1 / weight, at most 1.
    method : {'plain', 'clogg_eliason', 'pseudo_likelihood', 'weight_term'}
        How the weights enter the fit: not at all; as an offset; as weighted counts scaled to the sample and
        rounded; as one more covariate.
    interactions : sequence of (sequence of str)
        Sets of keys that interact.
    quantities : sequence of str
        Numeric keys that enter linearly, by their value, and not category by category.
    means : {'population', 'sample'}
        ``population``: the fitted mean of a cell is divided by its inclusion probability, as the theory asks.
        ``sample``: it is taken as it is, as ``modRisk`` of sdcMicro does, which overstates the risk of a small
        sample.

    Returns
    -------
    LogLinearRisk

    Raises
    ------
    DataError
        A table of too many cells to fit, a quantity that is no number, or weights that are not positive.

    Notes
    -----
    With ``v = (1 - p) * mean`` a sample unique is a population unique with probability ``exp(-v)``, and a link to
    its cell is right with probability ``(1 - exp(-v)) / v``. Main effects without weights need no table: the
    fitted mean is the product of the margins. All else is fitted by iterated weighted least squares.

    Guarantees
    ----------
    * ``population_uniques <= correct_matches <= sample_uniques``.

    References
    ----------
    Skinner, Holmes (1998), J. Off. Stat. 14, 361-372; Skinner, Shlomo (2008), J. Am. Stat. Assoc. 103, 989-1001
    """
    rows = rows.loc[rows[list(keys)].notna().all(axis=1), [*keys, weight]]
    classes = key_classes(rows, keys)
    weights = rows[weight].to_numpy(dtype=np.float64, na_value=np.nan)
    if not (weights > 0).all():
        raise DataError(f"`{weight}`", "weights that are missing or not positive", "Mend the weights.")
    if method == "plain" and not interactions and not quantities:
        mean = _independent_means(classes)
    else:
        mean = _fitted_means(classes, weights, method, interactions, quantities)
    unique = classes.records == 1
    chance = np.zeros(len(unique))
    np.add.at(chance, classes.of_record, 1.0 / weights)
    p = np.minimum(chance[unique], 1.0)
    v = (1.0 - p) * mean[unique] / (p if means == "population" else 1.0)
    safe = np.where(v > 0, v, 1.0)
    right = np.where(v > 0, -np.expm1(-safe) / safe, 1.0)
    return LogLinearRisk(float(np.exp(-v).sum()), float(right.sum()), int(unique.sum()), len(unique))


def _independent_means(classes: KeyClasses) -> np.ndarray:
    """Fitted mean of each class when the keys are independent: the product of the margins."""
    n = float(classes.records.sum())
    mean = np.full(len(classes.records), n)
    for codes in classes.codes.T:
        mean *= np.bincount(codes, weights=classes.records)[codes] / n
    return mean


def _fitted_means(
    classes: KeyClasses,
    weights: np.ndarray,
    method: Method,
    interactions: Sequence[Sequence[str]],
    quantities: Sequence[str],
) -> np.ndarray:
    """Fitted mean of each class from a Poisson regression on all cells, the empty ones included."""
    shape = [len(values) for values in classes.categories]
    if prod(shape) > MOST_CELLS:
        raise DataError("keys", "span a table of too many cells to fit", "Recode the keys, or model fewer.")
    place = np.ravel_multi_index(list(classes.codes.T), shape)
    counts = np.zeros(prod(shape))
    counts[place] = classes.records
    weighted = np.zeros(len(counts))
    weighted[place] = np.bincount(classes.of_record, weights=weights, minlength=len(place))
    offset = np.zeros(len(counts))
    if method == "clogg_eliason":
        offset = np.log(counts / np.where(weighted > 0, weighted, 1.0) + 0.1)
    elif method == "pseudo_likelihood":
        counts = np.round(weighted * counts.sum() / weighted.sum())
    design = _design(classes, shape, interactions, quantities)
    if method == "weight_term":
        design = np.column_stack([design, weighted])
    return _poisson_means(design, counts, offset)[place]


def _design(
    classes: KeyClasses,
    shape: Sequence[int],
    interactions: Sequence[Sequence[str]],
    quantities: Sequence[str],
) -> np.ndarray:
    """Constant, one indicator a category but the first (or the value of a quantity), and their products."""
    grid = np.indices(shape).reshape(len(shape), -1)
    blocks = {}
    for j, name in enumerate(classes.names):
        if name not in quantities:
            blocks[name] = (grid[j][:, None] == np.arange(1, shape[j])).astype(np.float64)
        elif pd.api.types.is_numeric_dtype(classes.categories[j].dtype):
            blocks[name] = classes.categories[j].to_numpy(dtype=np.float64)[grid[j]][:, None]
        else:
            raise DataError(f"`{name}`", "a quantity that is not numeric", "Let it enter by category.")
    terms = [np.ones((grid.shape[1], 1)), *blocks.values()]
    for names in interactions:
        term = np.ones((grid.shape[1], 1))
        for name in names:
            term = (term[:, :, None] * blocks[name][:, None, :]).reshape(len(term), -1)
        terms.append(term)
    return np.hstack(terms)


def _poisson_means(design: np.ndarray, counts: np.ndarray, offset: np.ndarray) -> np.ndarray:
    """Poisson regression with log link, by iterated weighted least squares until the deviance stands still."""
    mean, before = counts + 0.1, np.inf
    link = np.log(mean)
    for _ in range(100):
        root = np.sqrt(mean)
        target = link - offset + (counts - mean) / mean
        found = np.linalg.lstsq(design * root[:, None], target * root, rcond=None)[0]
        link = design @ found + offset
        mean = np.exp(link)
        ratio = np.log(np.where(counts > 0, counts, 1.0) / mean)
        deviance = 2.0 * float((np.where(counts > 0, counts * ratio, 0.0) - (counts - mean)).sum())
        if abs(deviance - before) < 1e-8 * (abs(deviance) + 0.1):
            return mean
        before = deviance
    raise DataError("keys", "the log-linear model does not converge", "Model fewer keys or interactions.")
