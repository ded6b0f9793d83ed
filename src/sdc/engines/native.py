"""The engine of our own, and the specification of any other: frequencies, risk, local suppression."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from itertools import combinations
from typing import Literal

import numpy as np
import pandas as pd

from sdc.engines.category import form_groups
from sdc.engines.compatible import compatible_sums
from sdc.engines.diversity import diversify
from sdc.engines.holes import Holes, pooled_strata
from sdc.engines.optimum import least_suppression
from sdc.engines.packing import observed, pack
from sdc.engines.wildcard import Stars, set_stars
from sdc.errors import DisclosureError, EngineError
from sdc.keys import key_classes

Missing = Literal["wildcard", "category"]
Choice = Callable[[np.ndarray, np.ndarray, int, np.ndarray, list[tuple[int, int]], int], Stars]


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
    strata: Sequence[str] = (),
    sizes: Sequence[int] = (),
    household: str | None = None,
    household_keys: Sequence[str] = (),
    sensitive: Sequence[str] = (),
    ell: int = 1,
    exact: bool = False,
) -> pd.DataFrame:
    """Choose the key values to set to missing so that every record is k-anonymous.

    The last resort after recoding: the holes follow the rare records, a bias.

    Parameters
    ----------
    rows : DataFrame, n records
        Columns that are not named here only decide which of several records with equal keys loses a value.
    keys : sequence of str, m keys
        Key variables of one disclosure scenario.
    k : int, records
        Least number of records that must share a key.
    importance : mapping of str to float, optional
        Cost of one suppressed value of a key, default 1; ``inf`` for a key that must stay whole. Between equal
        costs the key with more categories is preferred, which is also sdcMicro's order.
    closed : mapping of str to str, optional
        ``{finer: coarser}``: where the coarser key is suppressed, so is the finer.
    missing : {"wildcard", "category"}
        Whether a missing value matches any value (sdcMicro, ``alpha = 1``), or only a missing one (stricter).
    strata : sequence of str
        Columns, coarse to fine, within which the promise holds. A stratum of fewer than ``k`` records is merged
        upward instead: with the small ones of the same parent, then the smallest other, then the parent's level.
    sizes : sequence of int
        Numbers of keys that an intruder may know: every subset of these sizes reaches ``k``. Default: all keys.
    household : str, optional
        Column that ties the records of one household.
    household_keys : sequence of str
        Keys that belong to the household: suppressed for all its members or for none.
    sensitive : sequence of str
        Columns of which every record's key must leave ``ell`` distinct values open, where it is known at all.
    ell : int, distinct values
    exact : bool
        Prove the least suppression (small files only; wildcard reading; no ``sensitive``, no ``household``).

    Returns
    -------
    DataFrame of bool, n records by m keys, the index of ``rows``
        True where the value is to be suppressed; never where it is missing already.

    Raises
    ------
    DisclosureError
        When ``n < k``, when keys that must stay whole leave records below ``k``, or when a file or stratum
        holds fewer than ``ell`` distinct values.
    EngineError : when an exact answer is asked of too large a file.

    Guarantees
    ----------
    * Every record shares its key, in the reading asked for, with at least ``k - 1`` others.
    * The protected records do not depend on the order of the records given.
    * Where a coarser key is suppressed, so are the finer keys closed under it.
    * A household's key is suppressed for all members or for none.
    * Every record's key leaves at least ``ell`` sensitive values open, or none is known.

    Notes
    -----
    Suppressing a value never lowers another record's count, so values are hidden one by one, each time where it
    mends most for its cost; a value may also be hidden in a safe record, when that protects several others.
    No record loses more keys than it takes to make that record safe by itself, or one: without this
    limit a few records that keep a single key would make everybody safe on paper.

    References
    ----------
    Templ, Kowarik, Meindl (2015), J. Stat. Softw. 67(4), doi:10.18637/jss.v067.i04
    """
    if len(rows) < k:
        raise DisclosureError(
            "local suppression",
            f"{len(rows)} records cannot make groups of {k}.",
            "Ask for a lower k, or more records.",
        )
    pools = pooled_strata(rows, strata, k) if strata else None
    file = Holes.of(rows, keys, importance or {}, closed or {}, pools)
    choose = _exact if exact else {"wildcard": set_stars, "category": form_groups}[missing]

    plain = not sizes and not sensitive

    def protect(file: Holes) -> Holes:
        while True:
            before = file
            file = _all_subsets(file, k, sizes, choose) if sizes else _anonymous(file, k, choose)
            for column in sensitive if ell > 1 else ():
                file = diversify(file, column, ell, missing)
            if plain or (file.hidden == before.hidden).all():
                return file

    if household is None or not household_keys:
        file = protect(file)
    else:
        file = _of_households(file, protect, rows[household], [list(keys).index(name) for name in household_keys])
    return pd.DataFrame(file.hidden, columns=list(keys), index=rows.index)


def _anonymous(file: Holes, k: int, choose: Choice) -> Holes:
    """Hide until every record has k alike.

    Once is enough in the wildcard reading, unless records that lost every key leave others short.
    """
    while True:
        stars = choose(file.codes, file.records, k, file.cost, file.closed, file.real)
        if len(stars.classes) == 0:
            return file
        lost_all = (observed(file.codes)[stars.classes] & ~stars.keys & file.real == 0).any()
        file = file.without(file.picked(stars))
        if not lost_all and choose is not form_groups:
            return file


def _exact(
    codes: np.ndarray, records: np.ndarray, k: int, cost: np.ndarray, closed: list[tuple[int, int]], real: int
) -> Stars:
    """The proven optimum; the tie break between keys is left out, so that all optima count as equal."""
    found = least_suppression(codes, records, k, np.round(cost, 4), closed, real)
    if not found.proven:
        raise EngineError(
            "local suppression", "the least suppression could not be proven.", "Use the search without `exact`."
        )
    return found.stars


def _all_subsets(file: Holes, k: int, sizes: Sequence[int], choose: Choice) -> Holes:
    """Every subset of keys of the given sizes, one after the other, until none asks for more."""
    m = file.hidden.shape[1]
    subsets = [list(chosen) for size in sorted(sizes) for chosen in combinations(range(m), size)]
    while True:
        before = file
        for chosen in subsets:
            hidden = np.zeros_like(file.hidden)
            hidden[:, chosen] = _anonymous(file.of_keys(chosen), k, choose).hidden & ~file.hidden[:, chosen]
            if hidden.any():
                file = file.without(file.with_finer(hidden))
        if (file.hidden == before.hidden).all():
            return file


def _of_households(file: Holes, protect: Callable[[Holes], Holes], household: pd.Series, own: list[int]) -> Holes:
    """Keys of the household for all members or for none: chosen first, then the rest without touching them again."""
    ids = pd.factorize(household, use_na_sentinel=True)[0].astype(np.int64)
    alone = ids < 0
    ids[alone] = ids.max(initial=-1) + 1 + np.arange(alone.sum())
    cost = file.cost.copy()
    cost[own] *= len(ids) / max(len(np.unique(ids)), 1)

    def spread(at: Holes) -> np.ndarray:
        hidden = np.zeros_like(at.hidden)
        for j in own:
            hidden[:, j] = (np.bincount(ids, weights=at.hidden[:, j]) > 0)[ids]
        return file.with_finer(hidden) & (file.codes[file.of_record, : hidden.shape[1]] > 0)

    whole = protect(replace(file, cost=cost))
    while (spread(whole) & ~whole.hidden).any():
        whole = protect(whole.without(spread(whole) & ~whole.hidden))
    cost = cost.copy()
    cost[own] = np.inf
    try:
        again = protect(replace(file, cost=cost).without(spread(whole)))
    except DisclosureError:
        return whole
    return again if again.hidden.sum() < whole.hidden.sum() else whole


def _all(m: int) -> int:
    return (1 << m) - 1
