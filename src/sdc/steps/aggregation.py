"""Counts of people summed to larger areas."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
import pandas as pd

from sdc.dictionary import Link, Role, Type, Variable
from sdc.errors import DisclosureError
from sdc.table import Table

CONTRIBUTORS = Variable(
    name="rows_aggregated",
    label={"en": "Number of assessed places in this row", "fr": "Nombre de lieux évalués dans cette ligne"},
    type=Type.INTEGER,
    role=Role.OTHER,
    scope="meta",
    unit="places",
)


def aggregate_counts(
    table: Table,
    by: Sequence[str],
    *,
    minimum_contributors: int = 1,
    dominance: Sequence[float] | None = None,
    p_percent: float | None = None,
    sensitive_sites: Mapping[str, Sequence[str]] | None = None,
) -> Table:
    """Sum counts over larger areas: one row for each combination of `by`.

    Rules on who stands behind a sum are read here, where the places can still be seen; what breaks one is marked
    (`Table.revealing`) for `suppress_counts`, and so is who stands behind a sum alone (`Table.alone`).

    Parameters
    ----------
    table : Table
    by : sequence of str
        Columns that define the new rows (areas, round).
    minimum_contributors : int, places
        A sum to which fewer places contribute people is marked.
    dominance : (n, percent), optional
        A sum of which `n` places hold more than `percent` per cent is marked.
    p_percent : float, per cent, optional
        A sum from which the second largest place could tell the largest within `p_percent` per cent is marked.
    sensitive_sites : mapping of column to codes, optional
        A sum is marked when a place with one of these codes contributes and fewer than three others do.

    Returns
    -------
    Table
        `by`, the columns that name the same areas, the counts, and `rows_aggregated`, how many rows went into each.

    Guarantees
    ----------
    * A count that is shown is the sum of that count over all rows of the group in which any count linked to it was
      observed: a sum over some of the places only is not shown, since it would break the identities. Parts that were
      not asked for because their total is 0 count as observed zeros.
    * Every row of the table given contributes to exactly one row of the result.
    * Every sum that breaks a rule is marked, and no sum of 0.

    References
    ----------
    Hundepool et al. (2012), Statistical Disclosure Control, section 4.2.1, for dominance and the p % rule.
    """
    table = with_implied_zeros(table)
    counts = table.names(Role.COUNT)
    twins = [name for name in _twins(table, by) if name not in by]
    groups = [table.rows[name] for name in by]
    grouped = table.rows[[*counts, *twins]].groupby(
        [column.astype("str") if isinstance(column.dtype, pd.CategoricalDtype) else column for column in groups],
        dropna=False,
        sort=True,
    )
    number = grouped.ngroup().to_numpy()
    size = np.bincount(number)
    rows = table.rows[list(by)].iloc[np.unique(number, return_index=True)[1]].reset_index(drop=True)
    for twin in twins:
        rows[twin] = grouped[twin].min().to_numpy() if twin in counts else _first(table.rows[twin], number)
    sums = observed_sums(table, number)
    guarded = rows_with(table, sensitive_sites or {})
    marked = {}
    for name in counts:
        values = table.rows[name].to_numpy(dtype=np.float64, na_value=np.nan)
        behind = _Behind.of_values(np.nan_to_num(values), number, len(size), guarded)
        marked[name] = behind.breaks(minimum_contributors, dominance, p_percent)
        rows[name] = sums[name]
    rows[CONTRIBUTORS.name] = pd.array(size, dtype="Int64")
    kept = [name for name in table.rows.columns if name in {*by, *twins, *counts}]
    variables = tuple(table[name] for name in kept)
    rows = rows[[*kept, CONTRIBUTORS.name]]
    marks = pd.DataFrame(marked, index=rows.index)
    alone = only_places(table, number).set_axis(rows.index)
    return Table(rows, (*variables, CONTRIBUTORS), table.links, revealing=marks, alone=alone)


SHELTERED_BY = 3  # other places behind a sum in which a sensitive site's people may stand


class _Behind(NamedTuple):
    """What places add to each sum of one count."""

    shares: np.ndarray  # of places with people, largest first within a sum
    rank: np.ndarray  # of each share in its sum, from 0
    of: np.ndarray  # the sum of each share
    total: np.ndarray
    places: np.ndarray
    guarded: np.ndarray  # sensitive places among them

    @classmethod
    def of_values(cls, values: np.ndarray, number: np.ndarray, sums: int, sensitive: np.ndarray) -> "_Behind":
        """From the counts of the places, the sum each goes into, and which places are sensitive."""
        there = np.flatnonzero(values > 0)
        order = there[np.lexsort((-values[there], number[there]))]
        of = number[order]
        places = np.bincount(of, minlength=sums)
        rank = np.arange(len(of)) - np.repeat(np.cumsum(places) - places, places)
        total = np.bincount(of, weights=values[order], minlength=sums)
        return cls(values[order], rank, of, total, places, np.bincount(of[sensitive[order]], minlength=sums))

    def largest(self, n: int) -> np.ndarray:
        """What the n largest places hold of each sum."""
        top = self.rank < n
        return np.bincount(self.of[top], weights=self.shares[top], minlength=len(self.total))

    def breaks(self, least: int, dominance: Sequence[float] | None, p_percent: float | None) -> np.ndarray:
        """Sums that break a rule."""
        broken = (self.guarded > 0) & (self.places - self.guarded < SHELTERED_BY)
        broken |= (self.places > 0) & (self.places < least)
        if dominance is not None:
            broken |= self.largest(int(dominance[0])) * 100 > dominance[1] * self.total
        if p_percent is not None:
            rest = self.total - self.largest(2)
            broken |= (self.total > 0) & (rest * 100 < p_percent * self.largest(1))
        return broken


def rows_with(table: Table, codes: Mapping[str, Sequence[str]]) -> np.ndarray:
    """Rows that hold one of the codes of some column, alone or among others: array of bool, (rows,)."""
    found = np.zeros(len(table), dtype=bool)
    for name, listed in codes.items():
        if name in table:
            found |= _holds(table.rows[name], listed)
    return found


def _holds(column: pd.Series, codes: Sequence[str]) -> np.ndarray:
    text = column.astype("str").fillna("")
    values, kinds = pd.factorize(text)
    hit = np.array([bool(set(kind.split()) & set(codes)) or kind in codes for kind in kinds], dtype=bool)
    return hit[values] if len(kinds) else np.zeros(len(column), dtype=bool)


def with_implied_zeros(table: Table) -> Table:
    """Missing parts of a total of 0 are 0: forms ask for a breakdown only where there is somebody to break down."""
    rows = table.rows.copy()
    for link in reversed(parts_first(table.links)):
        if link.total in table:
            nobody = (rows[link.total] == 0).fillna(False).to_numpy(dtype=bool)
            for part in link.parts:
                if part in table:
                    rows.loc[nobody & rows[part].isna().to_numpy(), part] = 0
    return table.with_rows(rows)


def only_places(table: Table, number: np.ndarray) -> pd.DataFrame:
    """The only row with people in each group, for each count: its position, or -1 where there are none or several."""
    groups = int(number.max(initial=-1)) + 1
    found = {}
    for name in table.names(Role.COUNT):
        there = np.flatnonzero((table.rows[name] > 0).fillna(False).to_numpy(dtype=bool))
        place = np.full(groups, -1, dtype=np.int64)
        place[number[there]] = there
        found[name] = np.where(np.bincount(number[there], minlength=groups) == 1, place, -1)
    return pd.DataFrame(found, dtype=np.int64)


def _twins(table: Table, by: Sequence[str]) -> list[str]:
    """Columns at the same geography as one of `by` that follow it: names beside codes."""
    return [name for name in table.names(Role.KEY) if table[name].follows in by and table.repeats_a_place(name)]


def _first(column: pd.Series, number: np.ndarray) -> np.ndarray:
    """The first value in sort order of each group: one name for an area that is spelt in several ways."""
    return column.astype("str").groupby(number).min().to_numpy()


def observed_sums(table: Table, number: np.ndarray) -> dict[str, pd.api.extensions.ExtensionArray]:
    """Each count summed over the rows of each group, missing unless it was observed in every row that tells of it."""
    groups = int(number.max(initial=-1)) + 1
    sums: dict[str, pd.api.extensions.ExtensionArray] = {}
    for name in table.names(Role.COUNT):
        values = table.rows[name].to_numpy(dtype=np.float64, na_value=np.nan)
        seen = ~np.isnan(values)
        observed = np.bincount(number[seen], minlength=groups)
        total = np.bincount(number[seen], weights=values[seen], minlength=groups)
        gap = (observed < _expected(table, name, number, groups)) | (observed == 0)
        sums[name] = pd.arrays.IntegerArray(np.rint(total).astype(np.int64), gap)
    return sums


def _expected(table: Table, name: str, number: np.ndarray, groups: int) -> np.ndarray:
    """Rows of each group in which the count, or a count linked to it, was observed."""
    linked, wave = {name}, {name}
    while wave:
        wave = {m for link in table.links if wave & set(link.members) for m in link.members} - linked
        linked |= wave
    observed = table.rows[[member for member in linked if member in table]].notna().any(axis=1).to_numpy()
    return np.bincount(number[observed], minlength=groups)


def parts_first(links: Sequence[Link]) -> list[Link]:
    """Identities in an order in which a total is built before it is used as a part."""
    waiting, done = list(links), []
    while waiting:
        ready = [link for link in waiting if not any(other.total in link.parts for other in waiting if other != link)]
        if not ready:
            where = ", ".join(f"`{link.total}`" for link in waiting)
            raise DisclosureError(where, "these totals are parts of each other", "Mend the links of the dictionary.")
        done += ready
        waiting = [link for link in waiting if link not in ready]
    return done
