"""Codes changed at random in a way that keeps what is expected of their counts (PRAM)."""

from collections.abc import Sequence

import numpy as np
import pandas as pd

from sdc.dictionary import Role
from sdc.errors import DataError
from sdc.steps.numbers import strata_of
from sdc.steps.order import content_order
from sdc.table import Table


def post_randomise(
    table: Table,
    column: str,
    retain: float,
    seed: int,
    *,
    alpha: float = 0.5,
    strata: Sequence[str] | None = None,
) -> Table:
    """Change codes at random by an invariant transition matrix (post-randomisation method, PRAM).

    Parameters
    ----------
    table : Table
    column : str
    retain : float, 0 to 1
        Diagonal of the first matrix, before it is made invariant.
    seed : int
        Secret: who knows it can draw the same changes again.
    alpha : float, 0 to 1
        Share of the invariant matrix in the mixture with "nothing changes".
    strata : sequence of str, optional
        Codes move inside each combination of these only.

    Returns
    -------
    Table

    Guarantees
    ----------
    * What is expected of the weighted count of each code, in each stratum, is what it was (without a weight column: of
      its count).
    * Only codes of the stratum appear; missing stays missing; no other column changes.
    * Columns that follow `column` are gone.
    * The result depends on the content of the records and the seed, not on their order.

    References
    ----------
    Gouweleeuw, Kooiman, Willenborg, de Wolf (1998), J. Official Statistics 14(4), 463-478
    """
    if table[column].role in (Role.COUNT, Role.WEIGHT, Role.HOUSEHOLD):
        raise DataError(f"`{column}`", "no column of codes.", "Name a column whose cells hold one code each.")
    if not (0 <= retain <= 1 and 0 <= alpha <= 1):
        raise DataError("post-randomisation", "a probability lies outside 0 to 1.", "Mend `retain` or `alpha`.")
    values = table.rows[column]
    text = values.astype("str") if isinstance(values.dtype, pd.CategoricalDtype) else values
    codes, labels = pd.factorize(text, sort=True, use_na_sentinel=True)
    weight = table.name(Role.WEIGHT)
    weights = (
        np.ones(len(table)) if weight is None else np.nan_to_num(table.rows[weight].to_numpy(np.float64, na_value=0))
    )
    stratum = strata_of(table, strata, 1)
    order = content_order(table)
    draws = np.empty(len(table))
    draws[order] = np.random.default_rng(seed).random(len(table))
    result = codes.copy()
    for number in np.unique(stratum):
        members = np.flatnonzero((stratum == number) & (codes >= 0))
        present, place = np.unique(codes[members], return_inverse=True)
        totals = np.bincount(place, weights=weights[members])
        if (totals > 0).sum() < 2:
            continue
        reach = np.cumsum(transition(totals, retain, alpha), axis=1)
        for code, row in enumerate(reach):
            own = members[place == code]
            result[own] = present[np.minimum(np.searchsorted(row, draws[own], side="right"), len(present) - 1)]
    taken = pd.Series(labels.take(np.maximum(result, 0)), index=values.index).where(codes >= 0)
    rows = table.rows.assign(**{column: taken.astype(values.dtype)})
    return table.with_rows(rows).drop(table.followers(column))


def transition(totals: np.ndarray, retain: float, alpha: float) -> np.ndarray:
    """Probability that a code (row) becomes another (column), such that the totals are expected to stay.

    With P of diagonal `retain` and equal other entries, Q takes a code back to where it may have come from, and
    ``R = P Q`` leaves the totals as they are; the result is ``alpha R + (1 - alpha) I``.

    Parameters
    ----------
    totals : array of float, (codes,), 0 or more
    retain, alpha : float, 0 to 1

    Returns
    -------
    array of float, (codes, codes)

    Guarantees
    ----------
    * Rows add up to 1, no entry is negative, and ``totals @ result`` equals `totals`.
    * A code whose total is 0 stays, and nothing becomes it.
    """
    result = np.eye(len(totals))
    used = np.flatnonzero(totals > 0)
    m = len(used)
    if m < 2:
        return result
    there = np.full((m, m), (1 - retain) / (m - 1))
    np.fill_diagonal(there, retain)
    joint = totals[used, None] * there
    arrived = joint.sum(axis=0)
    back = (joint / np.where(arrived > 0, arrived, 1.0)).T
    back[arrived <= 0] = np.eye(m)[arrived <= 0]
    result[np.ix_(used, used)] = alpha * (there @ back) + (1 - alpha) * np.eye(m)
    return result
