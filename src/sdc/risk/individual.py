"""Probability that an intruder re-identifies a record, its household, or the file as a whole."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import pandas as pd
from scipy.special import hyp2f1

from sdc.errors import DataError
from sdc.keys import KeyClasses, key_classes

SERIES_FROM = 20  # above this fk the series ends within 1e-17 after ...
SERIES_TERMS = 60  # ... this many terms, whatever the sampling fraction


def individual_risk(
    fk: np.ndarray, Fk: np.ndarray, *, method: Literal["first_order", "exact"] = "first_order"
) -> np.ndarray:
    """Probability that a record is re-identified, given its frequencies (Benedetti-Franconi).

    Parameters
    ----------
    fk : array, (c,), records
        Sample frequency of a class or record.
    Fk : array, (c,), persons
        Estimated population frequency. Where it is not above ``fk`` (no weights, a full enumeration), the risk
        is ``1 / fk``.
    method : {'first_order', 'exact'}
        From ``fk`` above 2, the exact expectation of ``1 / F`` or its first-order approximation.

    Returns
    -------
    array of float, (c,), 0 to 1

    Notes
    -----
    With ``p = fk / Fk`` the population frequency follows a negative binomial law, and the risk is
    ``p / fk * 2F1(1, 1; fk + 1; 1 - p)``. At ``fk`` of 1 and 2 this is the closed form with ``log p``, without its
    loss of digits near ``p = 1``. First order: ``p / (fk - (1 - p))``.

    Guarantees
    ----------
    * Every risk lies in 0..1.
    * At the same ``p``, a larger whole ``fk`` never has a larger risk.

    References
    ----------
    Benedetti, Franconi (1998), Pre-proceedings of New Techniques and Technologies for Statistics 1, 398-407.
    Polettini (2003), CASC deliverable 1.2-D3, for the hypergeometric form.
    """
    fk = np.asarray(fk, dtype=np.float64)
    Fk = np.asarray(Fk, dtype=np.float64)
    risk = 1.0 / fk
    estimated = Fk > fk
    f, p = fk[estimated], fk[estimated] / Fk[estimated]
    r = p / (f - 1.0 + p)
    summed = (f <= 2) if method == "first_order" else np.ones(len(f), dtype=bool)
    r[summed] = p[summed] / f[summed] * _gauss(f[summed], 1.0 - p[summed])
    risk[estimated] = r
    return risk


def _gauss(f: np.ndarray, q: np.ndarray) -> np.ndarray:
    """2F1(1, 1; f + 1; q): the series from f = 20 on, where it is short and scipy's function overflows."""
    result = hyp2f1(1.0, 1.0, np.minimum(f, SERIES_FROM) + 1.0, q)
    long = f > SERIES_FROM
    term = total = np.ones(int(long.sum()))
    for n in range(1, SERIES_TERMS):
        term = term * q[long] * n / (f[long] + n)
        total = total + term
    result[long] = total
    return result


def household_risk(risk: np.ndarray, household: np.ndarray) -> np.ndarray:
    """Probability that at least one member of the household is re-identified, for each member.

    Parameters
    ----------
    risk : array of float, (n,), 0 to 1
        Individual risk of each record.
    household : array of int, (n,)
        Household number of each record; negative where missing: such a record is a household of its own.

    Returns
    -------
    array of float, (n,), 0 to 1

    Guarantees
    ----------
    * Never below the individual risk.
    * The same for all members of a household.
    """
    with np.errstate(divide="ignore"):
        safe = np.log1p(-np.asarray(risk, dtype=np.float64))
    alone = household < 0
    together = np.bincount(np.where(alone, 0, household), weights=np.where(alone, 0.0, safe))
    return -np.expm1(np.where(alone, safe, together[household]))


def expected_reidentifications(risk: np.ndarray, records: np.ndarray | None = None) -> float:
    """Sum of the individual risk over records.

    Parameters
    ----------
    risk : array of float, (n,) or (classes,)
    records : array of int, (classes,), optional
        Records in each class, when ``risk`` has one value a class.
    """
    return float(risk.sum() if records is None else (risk * records).sum())


def global_risk(risk: np.ndarray, records: np.ndarray | None = None) -> float:
    """Expected re-identifications as a share of the records; parameters as `expected_reidentifications`."""
    n = len(risk) if records is None else int(records.sum())
    return expected_reidentifications(risk, records) / n if n else 0.0


@dataclass(frozen=True)
class AttackRisk:
    """Risk against one kind of intruder.

    Attributes
    ----------
    highest : float, 0 to 1
        Largest risk of a record.
    average : float, 0 to 1
        Share of the records that such an intruder expects to re-identify.
    records_at_risk : int
        Records whose risk is above the threshold asked for.
    """

    highest: float
    average: float
    records_at_risk: int


def prosecutor_risk(classes: KeyClasses, *, threshold: float) -> AttackRisk:
    """Risk when the intruder knows that a person is in the file: 1 / class size.

    Parameters
    ----------
    classes : KeyClasses
    threshold : float, 0 to 1
        A record counts as at risk above this.

    Notes
    -----
    The average is also the marketer risk of a file that is its own population: classes / records.

    References
    ----------
    El Emam (2013), Guide to the De-Identification of Personal Health Information, ch. 16-17.
    """
    return _attack(classes.records, classes.records, threshold)


def journalist_risk(classes: KeyClasses, population: np.ndarray, *, threshold: float) -> AttackRisk:
    """Risk when the intruder picks a record and looks for its person in a population: 1 / population class size.

    Parameters
    ----------
    classes : KeyClasses, of the file
    population : array of int, (classes,), persons
        Size of each class in the population, as `population_sizes` gives.
    threshold : float, 0 to 1

    Notes
    -----
    The average is the larger of classes / persons in these classes and the marketer risk.
    """
    return _attack(classes.records, population, threshold)


def marketer_risk(classes: KeyClasses, population: np.ndarray | None = None) -> float:
    """Share of records that an intruder expects to match rightly who links the whole file.

    Parameters
    ----------
    classes : KeyClasses
    population : array of int, (classes,), persons, optional
        Size of each class in the population; the file itself where none is given.
    """
    sizes = classes.records if population is None else population
    return float((classes.records / sizes).sum() / classes.records.sum()) if len(sizes) else 0.0


def population_sizes(
    rows: pd.DataFrame, population: pd.DataFrame, keys: Sequence[str]
) -> tuple[KeyClasses, np.ndarray]:
    """Classes of a file, and the size of each in the population that the file was drawn from.

    Parameters
    ----------
    rows : DataFrame, n records
    population : DataFrame, N persons
        The population with the same keys, coded and recoded as ``rows``.
    keys : sequence of str

    Returns
    -------
    KeyClasses, of ``rows``
    array of int, (classes,), persons

    Raises
    ------
    DataError
        A class with more records in the file than in the population.
    """
    classes = key_classes(rows, keys)
    both = key_classes(pd.concat([rows[list(keys)], population[list(keys)]], ignore_index=True), keys)
    of_file, of_population = both.of_record[: len(rows)], both.of_record[len(rows) :]
    sizes = np.bincount(of_population, minlength=len(both.records))
    joint = np.zeros(len(classes.records), dtype=np.int64)
    joint[classes.of_record] = of_file
    if (sizes[joint] < classes.records).any():
        short = int(classes.records[sizes[joint] < classes.records].sum())
        raise DataError(
            "population",
            f"{short} of {len(rows)} records have a key that is rarer in the population than in the file",
            "Give the population that the file was drawn from, with the keys recoded alike.",
        )
    return classes, sizes[joint]


def _attack(records: np.ndarray, sizes: np.ndarray, threshold: float) -> AttackRisk:
    """Highest, average and share above a threshold, from the size of the group each class hides in."""
    n = int(records.sum())
    if not n:
        return AttackRisk(0.0, 0.0, 0)
    risk = 1.0 / sizes
    average = max(len(sizes) / float(sizes.sum()), float((records * risk).sum()) / n)
    return AttackRisk(float(risk.max()), average, int(records[risk > threshold].sum()))
