"""Which records of a file break which promise in one scenario, by class and count only."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from sdc.keys import encode, key_classes
from sdc.risk.diversity import distinct_diversity, sensitive_counts, t_closeness
from sdc.risk.frequencies import Missing, frequencies
from sdc.risk.individual import household_risk, individual_risk


@dataclass(frozen=True)
class Promises:
    """What a policy promises of a file; what is left out is not judged.

    Attributes
    ----------
    k : int, records
    ell : dict of sensitive column to least number of distinct values
    t : dict of sensitive column to largest distance (equal)
    individual_risk, household_risk : float, 0 to 1
        Largest risk of a record, and of its household.
    """

    k: int | None = None
    ell: Mapping[str, int] = field(default_factory=dict)
    t: Mapping[str, float] = field(default_factory=dict)
    individual_risk: float | None = None
    household_risk: float | None = None


@dataclass(frozen=True, eq=False)
class ScenarioReport:
    """Broken promises without a value of the data.

    Attributes
    ----------
    promises : DataFrame, one row a promise
        ``promise``, ``asked``, ``found`` (the worst figure), ``classes`` and ``records`` that break it.
    classes : DataFrame, one row a class that breaks a promise
        ``class`` (its number), ``records``, ``fk``, and for each promise the number of its records that break it.
    """

    promises: pd.DataFrame
    classes: pd.DataFrame


def scenario_report(
    rows: pd.DataFrame,
    keys: Sequence[str],
    promises: Promises,
    *,
    weight: str | None = None,
    household: str | None = None,
    missing: Missing = "wildcard",
) -> ScenarioReport:
    """Hold a file against the promises of a policy in one scenario.

    Parameters
    ----------
    rows : DataFrame, n records
    keys : sequence of str
        Key variables of the scenario.
    promises : Promises
    weight, household : str, optional
        Columns of sampling weights and of households; without households no household risk is judged.
    missing : {'wildcard', 'category'}
        Reading of missing key values, for frequencies and for diversity.

    Returns
    -------
    ScenarioReport

    Guarantees
    ----------
    * The result does not depend on the order of records.
    * A file that keeps every promise has an empty table of classes.
    """
    classes = key_classes(rows, keys)
    of, size = classes.of_record, len(classes.records)
    weights = None if weight is None else rows[weight].to_numpy(dtype=np.float64, na_value=np.nan)
    counted = frequencies(classes, weights, missing=missing)
    risk = individual_risk(counted.fk, counted.Fk)
    lines, broken = [], {}

    def judge(promise: str, asked: float, worst: float, by_class: np.ndarray) -> None:
        """One promise: how many records of each class break it."""
        lines.append((promise, asked, worst, int((by_class > 0).sum()), int(by_class.sum())))
        broken[promise] = by_class

    if promises.k is not None:
        worst = float(counted.fk.min(initial=len(rows)))
        judge("k", promises.k, worst, classes.records * (counted.fk < promises.k))
    for name, ell in promises.ell.items():
        counts = sensitive_counts(classes, rows[name], missing=missing)
        seen, distinct = counts.observed > 0, distinct_diversity(counts)
        worst = float(distinct[seen].min()) if seen.any() else 0.0
        judge(f"ell of {name}", ell, worst, classes.records * (seen & (distinct < ell)))
    for name, t in promises.t.items():
        distance = t_closeness(sensitive_counts(classes, rows[name], missing=missing))
        judge(f"t of {name}", t, _most(distance), classes.records * (distance > t))
    if promises.individual_risk is not None:
        limit = promises.individual_risk
        judge("individual_risk", limit, _most(risk), classes.records * (risk > limit))
    if promises.household_risk is not None and household is not None:
        together = household_risk(risk[of], encode(rows[household])[0])
        limit = promises.household_risk
        judge("household_risk", limit, _most(together), np.bincount(of[together > limit], minlength=size))
    table = pd.DataFrame({"class": np.arange(size), "records": classes.records, "fk": counted.fk, **broken})
    some = table[list(broken)].any(axis=1) if broken else np.zeros(size, dtype=bool)
    summary = pd.DataFrame(lines, columns=["promise", "asked", "found", "classes", "records"])
    return ScenarioReport(summary, table[some].reset_index(drop=True))


def _most(figures: np.ndarray) -> float:
    """Largest figure; 0 of an empty file."""
    return float(figures.max(initial=0.0))
