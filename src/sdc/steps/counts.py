"""Counts of people: summed to larger areas, small ones suppressed with all that gives them back, the rest rounded."""

from collections.abc import Sequence

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


def aggregate_counts(table: Table, by: Sequence[str]) -> Table:
    """Sum counts over larger areas: one row for each combination of `by`.

    Parameters
    ----------
    table : Table
    by : sequence of str
        Columns that define the new rows (areas, round).

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
    """
    table = _with_implied_zeros(table)
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
    expected = {name: _expected(table, name, number, len(size)) for name in counts}
    for name in counts:
        values = table.rows[name].to_numpy(dtype=np.float64, na_value=np.nan)
        seen = ~np.isnan(values)
        observed = np.bincount(number[seen], minlength=len(size))
        total = np.bincount(number[seen], weights=values[seen], minlength=len(size))
        rows[name] = pd.array(np.rint(total).astype(np.int64), dtype="Int64")
        rows.loc[(observed < expected[name]) | (observed == 0), name] = pd.NA
    rows[CONTRIBUTORS.name] = pd.array(size, dtype="Int64")
    kept = [name for name in table.rows.columns if name in {*by, *twins, *counts}]
    variables = tuple(table[name] for name in kept)
    return Table(rows[[*kept, CONTRIBUTORS.name]], (*variables, CONTRIBUTORS), table.links)


def _with_implied_zeros(table: Table) -> Table:
    """Missing parts of a total of 0 are 0: forms ask for a breakdown only where there is somebody to break down."""
    rows = table.rows.copy()
    for link in reversed(_parts_first(table.links)):
        if link.total in table:
            nobody = (rows[link.total] == 0).fillna(False).to_numpy(dtype=bool)
            for part in link.parts:
                if part in table:
                    rows.loc[nobody & rows[part].isna().to_numpy(), part] = 0
    return table.with_rows(rows)


def _twins(table: Table, by: Sequence[str]) -> list[str]:
    """Columns at the same geography as one of `by` that follow it: names beside codes."""
    return [name for name in table.names(Role.KEY) if table[name].follows in by and table.repeats_a_place(name)]


def _first(column: pd.Series, number: np.ndarray) -> np.ndarray:
    """The first value in sort order of each group: one name for an area that is spelt in several ways."""
    return column.astype("str").groupby(number).min().to_numpy()


def _expected(table: Table, name: str, number: np.ndarray, groups: int) -> np.ndarray:
    """Rows of each group in which the count, or a count linked to it, was observed."""
    linked, wave = {name}, {name}
    while wave:
        wave = {m for link in table.links if wave & set(link.members) for m in link.members} - linked
        linked |= wave
    observed = table.rows[[member for member in linked if member in table]].notna().any(axis=1).to_numpy()
    return np.bincount(number[observed], minlength=groups)


def suppress_counts(table: Table, columns: Sequence[str], minimum: int) -> Table:
    """Suppress counts from 1 to ``minimum - 1``, and every count of the row that would give one of them back.

    Zeros are shown. Secondary suppression inside a row: as long as an identity of the row leaves a single suppressed
    member, or leaves its suppressed parts no choice but to be 1 each, the smallest shown count among its members is
    suppressed too. The table may still hold counts that will not be released: their small values are to be protected
    as well, and their other values are taken as known, since somebody else may ask for them.

    Parameters
    ----------
    table : Table
    columns : sequence of str
        Counts that will be released; only these are suppressed.
    minimum : int, persons or households
        Least count that is shown.

    Guarantees
    ----------
    * No count from 1 to ``minimum - 1`` is left in `columns`.
    * What is left of a row in `columns` determines no suppressed count of it, and no small count of the row at all,
      through its identities, also when it is known that suppressed counts are at least 1.
    * Only values in `columns` change, and only to missing.
    """
    counts = [name for name in table.names(Role.COUNT) if name in columns or _is_linked(table, name)]
    position = {name: j for j, name in enumerate(counts)}
    if not counts:
        return table
    values = np.column_stack([table.rows[name].to_numpy(dtype=np.float64, na_value=np.nan) for name in counts])
    hidden = (values > 0) & (values < minimum)
    released = np.array([name in columns for name in counts])
    identities = [link for link in table.links if any(member in position for member in link.members)]
    while _suppress_secondary(values, hidden, released, identities, position):
        pass
    rows = table.rows.copy()
    for name in columns:
        rows.loc[hidden[:, position[name]], name] = pd.NA
    return table.with_rows(rows)


def _is_linked(table: Table, name: str) -> bool:
    return any(name in link.members for link in table.links)


def _suppress_secondary(
    values: np.ndarray, hidden: np.ndarray, released: np.ndarray, identities: Sequence[Link], position: dict[str, int]
) -> bool:
    """One round over identities and pairs of identities; whether anything was suppressed."""
    signs = np.zeros((len(identities), values.shape[1]))
    for i, link in enumerate(identities):
        for member, sign in ((link.total, -1.0), *((part, 1.0) for part in link.parts)):
            if member in position:
                signs[i, position[member]] += sign
    changed = False
    for vector in _combinations(signs):
        involved = np.flatnonzero(vector)
        changed |= _close_identity(values, hidden, released, involved, vector[involved])
    return changed


def _combinations(signs: np.ndarray) -> list[np.ndarray]:
    """Each identity, and the sum and difference of each two that share a column: what a row's reader can derive."""
    found = [row for row in signs if row.any()]
    for i, first in enumerate(signs):
        for second in signs[i + 1 :]:
            if (first * second).any():
                found += [vector for vector in (first - second, first + second) if vector.any()]
    unique = {tuple(vector if vector[np.flatnonzero(vector)[0]] > 0 else -vector): vector for vector in found}
    return [unique[key] for key in sorted(unique)]


def _close_identity(
    values: np.ndarray, hidden: np.ndarray, released: np.ndarray, involved: np.ndarray, signs: np.ndarray
) -> bool:
    """Suppress one more member in each row where this identity gives a suppressed member back."""
    x, gone = values[:, involved], hidden[:, involved]
    observed = ~np.isnan(x).any(axis=1)  # a member that is blank in the extract leaves the identity open
    number = gone.sum(axis=1)
    remainder = -np.where(gone, 0.0, np.nan_to_num(x) * signs).sum(axis=1)  # what the suppressed members add up to
    one_sided = (np.where(gone, signs, 1.0) > 0).all(axis=1) | (np.where(gone, signs, -1.0) < 0).all(axis=1)
    tight = one_sided & (np.abs(remainder) == np.where(gone, np.abs(signs), 0.0).sum(axis=1))
    solved = observed & (number > 0) & ((number == 1) | tight)
    shown = ~gone & (np.nan_to_num(x) > 0) & released[involved]
    solved &= shown.any(axis=1)
    rows = np.flatnonzero(solved)
    if not len(rows):
        return False
    candidates = np.where(shown[rows], x[rows], np.inf)
    hidden[rows, involved[candidates.argmin(axis=1)]] = True
    return True


def round_counts(table: Table, columns: Sequence[str], base: int) -> Table:
    """Round counts to multiples of a base; totals whose parts are all shown become the sum of the rounded parts.

    Parameters
    ----------
    table : Table
    columns : sequence of str
    base : int, persons or households

    Guarantees
    ----------
    * Every value in `columns` is a multiple of `base`; missing stays missing; no other column changes.
    * An identity that held, with all members shown, holds afterwards, unless its total is broken down in a second way
      too: then the breakdown that the dictionary names first holds.

    Raises
    ------
    DisclosureError : when the identities run in a circle (a total that is a part of its own part).
    """
    rows = table.rows.copy()
    exact = {name: rows[name].to_numpy(dtype=np.float64, na_value=np.nan) for name in columns}
    rounded = {name: np.floor(values / base + 0.5) * base for name, values in exact.items()}
    built: set[str] = set()
    for link in _parts_first(_away_from_sums(table.links)):
        if link.total in built or not all(member in exact for member in link.members):
            continue
        held = sum(exact[part] for part in link.parts) == exact[link.total]
        rounded[link.total] = np.where(held, sum(rounded[part] for part in link.parts), rounded[link.total])
        built.add(link.total)
    for name in columns:
        shown = ~np.isnan(rounded[name])
        rows[name] = pd.array(np.where(shown, rounded[name], 0).astype(np.int64), dtype="Int64")
        rows.loc[~shown, name] = pd.NA
    return table.with_rows(rows)


def _away_from_sums(links: Sequence[Link]) -> list[Link]:
    """Equal counts turned so that the one that is a sum is the source: ``a = b`` and ``a = c + d`` give ``b = a``."""
    sums = {link.total for link in links if len(link.parts) > 1}
    turned = []
    for link in links:
        twin = link.parts[0]
        turn = len(link.parts) == 1 and link.total in sums and twin not in sums
        turned.append(Link(total=twin, parts=(link.total,)) if turn else link)
    return turned


def _parts_first(links: Sequence[Link]) -> list[Link]:
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
