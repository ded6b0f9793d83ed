"""The engine of our own, and the specification of any other: frequencies, risk, local suppression."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
import pandas as pd

from sdc.engines.category import form_groups
from sdc.engines.compatible import compatible_sums
from sdc.engines.packing import observed, pack
from sdc.engines.wildcard import Stars, set_stars
from sdc.errors import DisclosureError, EngineError
from sdc.keys import key_classes, merged

Missing = Literal["wildcard", "category"]
_TIE = 1e-6


def frequencies(
    rows: pd.DataFrame,
    keys: Sequence[str],
    *,
    weight: str | None = None,
    missing: Missing = "wildcard",
    alpha: float = 1.0,
) -> pd.DataFrame:
    """Sample and estimated population frequency of each record's key.

    Parameters
    ----------
    rows : DataFrame, n records
    keys : sequence of str, m keys
    weight : str, optional
        Column of sampling weights, persons; without it ``Fk`` equals ``fk``.
    missing : {"wildcard", "category"}
        Whether a missing value matches any value, or only a missing one.
    alpha : float, 0 to 1
        Credit for a match that rests on a missing value.

    Returns
    -------
    DataFrame, n records, the index of ``rows``
        Columns ``fk`` and ``Fk``.

    References
    ----------
    Templ, Kowarik, Meindl (2015), J. Stat. Softw. 67(4), doi:10.18637/jss.v067.i04
    """
    classes = key_classes(rows, keys)
    amounts = np.ones((len(classes.records), 2))
    amounts[:, 0] = classes.records
    weights = None if weight is None else rows[weight].to_numpy(dtype=np.float64)
    amounts[:, 1] = np.bincount(classes.of_record, weights=weights, minlength=len(classes.records))
    if missing == "wildcard":
        codes = classes.codes + 1
        amounts = compatible_sums(pack(codes), observed(codes), amounts, _all(len(keys)), alpha)
    return pd.DataFrame(amounts[classes.of_record], columns=["fk", "Fk"], index=rows.index)


def individual_risk(
    rows: pd.DataFrame,
    keys: Sequence[str],
    *,
    weight: str | None = None,
    missing: Missing = "wildcard",
    alpha: float = 1.0,
) -> pd.Series:
    """Probability that each record is re-identified, by the negative binomial model.

    Parameters
    ----------
    rows, keys, weight, missing, alpha
        As for ``frequencies``.

    Returns
    -------
    Series of float, n records, 0 to 1, named ``individual_risk``

    Notes
    -----
    With p = fk / Fk: for fk = 1, p/(1-p) ln(1/p); for fk = 2, p/(1-p) - (p/(1-p))^2 ln(1/p); above that the
    first-order p / (fk - (1 - p)). Without weights, or where fk = Fk, it is 1 / fk.

    References
    ----------
    Benedetti, Franconi (1998), Statistical and technological solutions for controlled data dissemination.
    """
    counts = frequencies(rows, keys, weight=weight, missing=missing, alpha=alpha)
    fk, population = counts["fk"].to_numpy(), counts["Fk"].to_numpy()
    risk = 1 / fk
    sampled = population > fk * (1 + 1e-12)
    p = fk[sampled] / population[sampled]
    odds, log = p / (1 - p), np.log(1 / p)
    f = fk[sampled]
    modelled = p / (f - (1 - p))
    modelled = np.where(f == 1, odds * log, modelled)
    risk[sampled] = np.where(f == 2, odds - odds**2 * log, modelled)
    return pd.Series(risk, index=rows.index, name="individual_risk")


def suppress_locally(
    rows: pd.DataFrame,
    keys: Sequence[str],
    k: int,
    *,
    importance: Mapping[str, float] | None = None,
    closed: Mapping[str, str] | None = None,
    missing: Missing = "wildcard",
) -> pd.DataFrame:
    """Choose the key values to set to missing so that every record is k-anonymous.

    The last resort after recoding: the holes follow the rare records, a bias.

    Parameters
    ----------
    rows : DataFrame, n records
        Columns besides the keys only decide which of several records with equal keys loses a value.
    keys : sequence of str, m keys
        Key variables of one disclosure scenario.
    k : int, records
        Least number of records that must share a key.
    importance : mapping of str to float, optional
        Cost of one suppressed value of a key, default 1; ``inf`` for a key that must stay whole. Between equal
        costs the key with more categories is suppressed, which is also sdcMicro's order.
    closed : mapping of str to str, optional
        ``{finer: coarser}``: where the coarser key is suppressed, so is the finer.
    missing : {"wildcard", "category"}
        Whether a missing value matches any value (sdcMicro, ``alpha = 1``), or only a missing one (stricter).

    Returns
    -------
    DataFrame of bool, n records by m keys, the index of ``rows``
        True where the value is to be suppressed; never where it is missing already.

    Raises
    ------
    DisclosureError : when ``n < k``, or when the keys that must stay whole leave records below k.

    Guarantees
    ----------
    * Every record shares its key, in the reading asked for, with at least ``k - 1`` others.
    * The protected records do not depend on the order of the records given.
    * Where a coarser key is suppressed, so are the finer keys closed under it.
    * A record loses no more keys than it takes to make that record safe; one that is safe loses one at most.
    """
    file = _File.of(rows, keys, importance, closed)
    if len(rows) < k:
        raise _too_few(len(rows), k)
    file = _anonymous(file, k, missing)
    return pd.DataFrame(file.hidden, columns=list(keys), index=rows.index)


@dataclass(frozen=True, eq=False)
class _File:
    """Records as classes under what is hidden so far.

    ``codes`` count from 1 (0 is missing), ``of_record`` is the class of each record, ``hidden`` the values
    suppressed, ``real`` the set of keys proper.
    """

    rows: pd.DataFrame
    codes: np.ndarray
    records: np.ndarray
    of_record: np.ndarray
    hidden: np.ndarray
    cost: np.ndarray
    closed: list[tuple[int, int]]
    real: int

    @classmethod
    def of(
        cls,
        rows: pd.DataFrame,
        keys: Sequence[str],
        importance: Mapping[str, float] | None,
        closed: Mapping[str, str] | None,
    ) -> "_File":
        classes = key_classes(rows, keys)
        names = list(keys)
        pairs = [(names.index(f), names.index(c)) for f, c in (closed or {}).items() if {f, c} <= set(names)]
        sizes = np.array([len(values) for values in classes.categories])
        rank = np.argsort(np.argsort(sizes, kind="stable"), kind="stable")
        weight = np.array([(importance or {}).get(name, 1.0) for name in names], dtype=np.float64)
        if not (weight > 0).all():
            raise EngineError("importance", "a key's importance is not above 0.", "Give positive numbers.")
        cost = weight * (1 - _TIE * rank)
        for fine, coarse in pairs * len(pairs):
            cost[coarse] = max(cost[coarse], cost[fine] if np.isinf(cost[fine]) else 0.0)
        return cls(
            rows, classes.codes + 1, classes.records, classes.of_record,
            np.zeros((len(rows), len(names)), dtype=np.bool_), cost, pairs, _all(len(names)),
        )  # fmt: skip

    def without(self, hidden: np.ndarray) -> "_File":
        """The same file with more values hidden."""
        changed = np.flatnonzero(hidden.any(axis=1))
        codes = self.codes[self.of_record[changed]]
        codes[hidden[changed]] = 0
        distinct, number = merged(np.concatenate([self.codes, codes]) - 1)
        of_record = number[self.of_record]
        of_record[changed] = number[len(self.codes) :]
        used, of_record = np.unique(of_record, return_inverse=True)
        return replace(
            self, codes=distinct[used] + 1, records=np.bincount(of_record), of_record=of_record,
            hidden=self.hidden | hidden,
        )  # fmt: skip


def _anonymous(file: _File, k: int, missing: Missing) -> _File:
    """Hide until every record has k alike: once, unless records that lost every key leave others short."""
    choose = set_stars if missing == "wildcard" else form_groups
    while True:
        stars = choose(file.codes, file.records, k, file.cost, file.closed, file.real)
        if len(stars.classes) == 0:
            return file
        hidden = _picked(file, stars)
        lost_all = (observed(file.codes)[stars.classes] & ~stars.keys & file.real == 0).any()
        if not lost_all:
            return replace(file, hidden=file.hidden | hidden)
        file = file.without(hidden)


def _picked(file: _File, stars: Stars) -> np.ndarray:
    """The values to hide, record by record: within a class by the content of the other columns, not by position."""
    starred = np.zeros(len(file.records), dtype=np.bool_)
    starred[stars.classes] = True
    place = np.flatnonzero(starred[file.of_record])
    of = file.of_record[place]
    content = _fingerprint(file.rows.iloc[place])
    order = np.lexsort((place, content, of))
    place, of = place[order], of[order]
    rank = np.arange(len(of)) - np.searchsorted(of, of)
    before = np.cumsum(stars.records) - stars.records
    first = np.searchsorted(stars.classes, stars.classes)
    begins = before - before[first]
    hidden = np.zeros((len(file.rows), file.codes.shape[1]), dtype=np.bool_)
    ends = begins + stars.records
    entry = _entry(stars.classes, ends, of, rank)
    took = entry >= 0
    keys = stars.keys[entry[took]]
    hidden[place[took]] = (keys[:, None] >> np.arange(hidden.shape[1]) & 1).astype(np.bool_)
    return hidden


def _entry(classes: np.ndarray, ends: np.ndarray, of: np.ndarray, rank: np.ndarray) -> np.ndarray:
    """Which star each record takes, by its rank within its class; -1 for none."""
    width = int(max(ends.max(initial=0), rank.max(initial=0))) + 1
    at = np.searchsorted(classes.astype(np.int64) * width + ends, of.astype(np.int64) * width + rank, side="right")
    at = np.minimum(at, len(classes) - 1)
    return np.where((classes[at] == of) & (rank < ends[at]), at, -1)


def _fingerprint(rows: pd.DataFrame) -> np.ndarray:
    """A number from the content of each record, the same wherever the record stands."""
    plain = {
        name: column.astype(str) if column.dtype == object else column.reset_index(drop=True)
        for name, column in rows.reset_index(drop=True).items()
    }
    return pd.util.hash_pandas_object(pd.DataFrame(plain), index=False).to_numpy()


def _all(m: int) -> int:
    return (1 << m) - 1


def _too_few(n: int, k: int) -> DisclosureError:
    return DisclosureError(
        "local suppression", f"{n} records cannot make groups of {k}.", "Ask for more records, or for a lower k."
    )
