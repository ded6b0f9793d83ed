"""The whole judgement of one file of records in one dictionary of counts and figures."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from sdc.errors import DataError
from sdc.keys import KeyClasses, encode, key_classes
from sdc.risk.diversity import diversity_summary
from sdc.risk.frequencies import Missing, frequencies, violations
from sdc.risk.individual import expected_reidentifications, household_risk, individual_risk
from sdc.risk.suda import special_uniques


def assess_risk(
    rows: pd.DataFrame,
    keys: Sequence[str],
    *,
    weight: str | None = None,
    household: str | None = None,
    sensitive: Sequence[str] = (),
    missing: Missing = "wildcard",
    alpha: float = 1.0,
    ks: Sequence[int] = (2, 3, 5, 10),
    c: float = 2.0,
    suda: bool = False,
) -> dict[str, Any]:
    """Measure the disclosure risk of a file of records in one scenario.

    Parameters
    ----------
    rows : DataFrame, n records
    keys : sequence of str
        Key variables of the scenario.
    weight : str, optional
        Column of sampling weights; without it each record stands for itself, and its risk is ``1 / fk``.
    household : str, optional
        Column that ties the records of one household.
    sensitive : sequence of str
        Columns whose diversity in each class is measured.
    missing, alpha
        Reading of missing key values, as for `sdc.risk.frequencies.frequencies`.
    ks : sequence of int
        Each k to count violations for; also each ell for diversity.
    c : float
        For recursive (c, ell)-diversity.
    suda : bool
        Also find special uniques (SUDA2).

    Returns
    -------
    dict
        ``records``, ``classes``, ``violations`` ({"2": records, ...}), ``expected_reidentifications``,
        ``global_risk``, ``max_individual_risk``, ``expected_household_reidentifications`` and
        ``global_household_risk`` (None without households), ``suda`` (None unless asked for), ``diversity``
        ({column: figures in exact key patterns; ``wildcard``: the same over compatible records, None where the
        reading of missing values makes no difference}). No value of the data is in it.

    Raises
    ------
    DataError
        A column that is not there, no keys, or weights that are not numbers of 0 or more.

    Guarantees
    ----------
    * The result does not depend on the order of records.
    * All risks lie in 0..1; no household risk is below the individual risk.
    """
    _check(rows, keys, weight, household, sensitive)
    classes = key_classes(rows, keys)
    n = len(rows)
    weights = None if weight is None else rows[weight].to_numpy(dtype=np.float64, na_value=np.nan)
    counted = frequencies(classes, weights, missing=missing, alpha=alpha)
    risk = individual_risk(counted.fk, counted.Fk)
    expected = expected_reidentifications(risk, classes.records)
    expected_household = None
    if household is not None:
        expected_household = float(household_risk(risk[classes.of_record], encode(rows[household])[0]).sum())
    return {
        "records": n,
        "classes": len(classes.records),
        "violations": {str(k): count for k, count in violations(counted.fk, classes, ks).items()},
        "expected_reidentifications": expected,
        "global_risk": expected / n if n else 0.0,
        "max_individual_risk": float(risk.max(initial=0.0)),
        "expected_household_reidentifications": expected_household,
        "global_household_risk": None if expected_household is None else expected_household / max(n, 1),
        "suda": _suda(classes) if suda else None,
        "diversity": {name: _diversity(classes, rows[name], missing, c, ks) for name in sensitive},
    }


def _suda(classes: KeyClasses) -> dict[str, Any]:
    """What SUDA2 says of the file, in counts and shares."""
    found = special_uniques(classes)
    shares = found.key_contributions()
    return {
        "records": int((found.score > 0).sum()),
        "max_score": float(found.score.max(initial=0.0)),
        "max_dis": float(found.dis.max(initial=0.0)),
        "expected_reidentifications": float(found.dis.sum()),
        "minimal_uniques": {str(s): int(n) for s, n in enumerate(found.sizes.sum(axis=0), start=1)},
        "contributions": {key: float(share) for key, share in zip(classes.names, shares, strict=True)},
    }


def _diversity(
    classes: KeyClasses, sensitive: pd.Series, missing: Missing, c: float, ells: Sequence[int]
) -> dict[str, Any]:
    """Diversity of one sensitive variable, in exact key patterns and over compatible records."""
    figures = diversity_summary(classes, sensitive, c=c, ells=ells)
    differs = missing == "wildcard" and bool((classes.codes < 0).any())
    wide = diversity_summary(classes, sensitive, c=c, ells=ells, missing="wildcard") if differs else None
    return {**figures, "wildcard": wide}


def _check(
    rows: pd.DataFrame,
    keys: Sequence[str],
    weight: str | None,
    household: str | None,
    sensitive: Sequence[str],
) -> None:
    """Refuse columns that are not there, and weights that are not numbers."""
    if not keys:
        raise DataError("keys", "none are given", "Name the key variables of the scenario.")
    asked = [*keys, *sensitive, *(c for c in (weight, household) if c is not None)]
    absent = [c for c in dict.fromkeys(asked) if c not in rows.columns]
    if absent:
        raise DataError(", ".join(f"`{c}`" for c in absent), "no such column", "Name columns of this file.")
    if weight is not None and not pd.api.types.is_numeric_dtype(rows[weight].dtype):
        raise DataError(f"`{weight}`", "a weight column that is not numeric", "Give a column of numbers.")
