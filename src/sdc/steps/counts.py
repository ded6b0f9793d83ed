"""Small counts of people suppressed, with all that gives them back."""

from collections.abc import Mapping, Sequence
from typing import Literal

import numpy as np
import pandas as pd

from sdc.dictionary import Role, Sensitivity
from sdc.engines.counthiding import hide
from sdc.engines.countmatrix import Counts
from sdc.errors import DataError
from sdc.steps.aggregation import rows_with
from sdc.steps.order import content_order
from sdc.table import Table

HOUSEHOLDS = "households"


def suppress_counts(
    table: Table,
    columns: Sequence[str],
    minimum: int,
    *,
    minimum_households: int | None = None,
    minimum_sensitive: int = 1,
    zeros: Literal["show", "hide"] = "show",
    group_disclosure: Literal["show", "hide"] = "show",
    sensitive_sites: Mapping[str, Sequence[str]] | None = None,
    secondary: Literal["required", "none"] = "required",
    margins: Sequence[Sequence[str]] = (),
    rounds: str | None = None,
    place: Sequence[str] = (),
    own_count: Literal["known", "unknown"] = "known",
    which_primary: Literal["known", "unknown"] = "unknown",
    published: Table | None = None,
) -> Table:
    """Suppress counts from 1 to ``minimum - 1``, and the cheapest others that keep them from being solved.

    Rows, their identities, the sums over areas that others publish and the unchanged counts of other rounds are one
    system. The table may still hold counts that will not be released: their small values are to be protected as well,
    and their other values are taken as known, since somebody else may ask for them.

    Parameters
    ----------
    table : Table
    columns : sequence of str
        Counts that will be released; only these are suppressed.
    minimum : int, persons
        Least count that is shown.
    minimum_households : int, optional
        The same for counts of households; `minimum`, if not given.
    minimum_sensitive : int
        Least count in columns that are `high` or more in sensitivity, where it is larger.
    zeros : {"show", "hide"}
    group_disclosure : {"show", "hide"}
        Whether a sensitive breakdown with all people in one category is shown.
    sensitive_sites : mapping of column to codes, optional
        Rows with one of these codes leave the file after this step: all their counts are to be protected by what is
        shown of other rows, and they stay as they are until they go.
    secondary : {"required", "none"}
    margins : sequence of (columns of one level), the finest level first
        Sums over these areas are published. A level without columns is the sum of all rows.
    rounds : str, optional
        Column of the round: sums are those of one round.
    place : sequence of str
        Columns that together name the place of a row in every round. With them, unchanged counts of two rounds share
        their fate.
    own_count : {"known", "unknown"}
        Whether a person who alone fills a count, and a place that alone fills a sum, know it.
    which_primary : {"known", "unknown"}
        Whether it is known which suppressed counts lie below the minimum.
    published : Table, optional
        Earlier releases. What they show of a row, unchanged, cannot be hidden any more.

    Raises
    ------
    DataError : when more rows break an identity than the dictionary allows.
    DisclosureError : when a small count cannot be protected, whatever else is suppressed.

    Guarantees
    ----------
    * No count that a rule forbids is left in `columns`, but in rows that leave.
    * What is left of the rows in `columns` determines no suppressed count, through the identities, the unchanged
      counts of other rounds and the sums over areas, also when it is known that suppressed counts are at least 1, and
      what `own_count` and `which_primary` say; but for counts that sums over areas alone give away.
    * Only values in `columns` change, and only to missing; no zero does where zeros are shown.
    * What is shown does not depend on the order of rows.

    References
    ----------
    Hundepool et al. (2012), Statistical Disclosure Control, sections 4.3 and 4.4.
    """
    counts = table.names(Role.COUNT)
    released = [name for name in columns if name in counts]
    if not released or not len(table):
        return table
    _require_additive(table, rounds)
    primary = primary_counts(
        table,
        minimum,
        minimum_households=minimum_households,
        minimum_sensitive=minimum_sensitive,
        zeros=zeros,
        group_disclosure=group_disclosure,
        sensitive_sites=sensitive_sites,
    ).to_numpy()
    hidden = primary
    leaving = rows_with(table, sensitive_sites or {})
    if secondary == "required" and primary.any():
        order = content_order(table)
        back = np.empty_like(order)
        back[order] = np.arange(len(order))
        ordered = table.with_rows(table.rows.iloc[order])
        least = least_counts(table, minimum, minimum_households, minimum_sensitive)
        hidden = hide(
            system_of(ordered, counts, margins, rounds, place),
            primary[order],
            np.isin(counts, released),
            np.array([least[name] for name in counts]),
            known=None if published is None else _already_shown(ordered, published, rounds, place),
            zeros=zeros == "hide",
            own_count=own_count == "known",
            which_primary=which_primary == "known",
        )[back]
    return table.with_rows(_without(table, hidden & ~leaving[:, None], released))


def _without(table: Table, hidden: np.ndarray, released: Sequence[str]) -> pd.DataFrame:
    """The rows with hidden counts missing, and with them the counts of people that follow one."""
    rows = table.rows.copy()
    gone = dict(zip(table.names(Role.COUNT), hidden.T, strict=True))
    for name in list(gone):
        for follower in table.followers(name):
            if follower in gone:
                gone[follower] = gone[follower] | (gone[name] & (table.rows[follower] > 0).fillna(False).to_numpy(bool))
    for name in released:
        rows.loc[gone[name], name] = pd.NA
    return rows


def least_counts(
    table: Table, minimum: int, minimum_households: int | None = None, minimum_sensitive: int = 1
) -> dict[str, int]:
    """The least count that each count column may show: that of its unit, or of its sensitivity where it is larger."""
    least = {}
    for name in table.names(Role.COUNT):
        entry = table[name]
        own = minimum_households if entry.unit == HOUSEHOLDS and minimum_households is not None else minimum
        least[name] = max(own, minimum_sensitive) if entry.sensitivity.rank >= Sensitivity.HIGH.rank else own
    return least


def primary_counts(
    table: Table,
    minimum: int,
    *,
    minimum_households: int | None = None,
    minimum_sensitive: int = 1,
    zeros: Literal["show", "hide"] = "show",
    group_disclosure: Literal["show", "hide"] = "show",
    sensitive_sites: Mapping[str, Sequence[str]] | None = None,
) -> pd.DataFrame:
    """Counts that a rule forbids to show.

    Parameters
    ----------
    table : Table
    minimum, minimum_households, minimum_sensitive, zeros, group_disclosure, sensitive_sites : see `suppress_counts`

    Returns
    -------
    DataFrame of bool, (rows, counts of the table)
    """
    counts = table.names(Role.COUNT)
    least = least_counts(table, minimum, minimum_households, minimum_sensitive)
    marks = table.revealing
    guarded = rows_with(table, sensitive_sites or {})
    found = pd.DataFrame(False, index=table.rows.index, columns=counts)
    for name in counts:
        values = table.rows[name].to_numpy(dtype=np.float64, na_value=np.nan)
        broken = (values < least[name]) & ((values > 0) | (zeros == "hide"))
        broken |= guarded & (values > 0)
        if marks is not None and name in marks:
            broken |= marks[name].reindex(table.rows.index, fill_value=False).to_numpy() & (values > 0)
        found[name] = broken
    if group_disclosure == "hide":
        for link in table.links:
            if link.sensitive and len(link.parts) > 1 and all(part in found for part in link.parts):
                parts = table.rows[list(link.parts)].to_numpy(dtype=np.float64, na_value=np.nan)
                alone = ((parts > 0).sum(axis=1) == 1) & ~np.isnan(parts).any(axis=1)
                found.loc[alone, list(link.parts)] = True
    return found


def _require_additive(table: Table, rounds: str | None) -> None:
    """Refuse when more rows break an identity than the dictionary allows in its extracts."""
    extracts = table.rows[rounds].nunique() if rounds is not None and rounds in table else 1
    for link in table.links:
        if all(member in table for member in link.members):
            values = table.rows[list(link.members)].to_numpy(dtype=np.float64, na_value=np.nan)
            off = values[:, 0] - values[:, 1:].sum(axis=1)
            broken = int((np.nan_to_num(off) != 0).sum())
            if broken > link.broken_rows_allowed * max(extracts, 1):
                raise DataError(
                    f"`{link.total}`",
                    f"{broken} of {len(table):,} rows break the sum of its {len(link.parts)} parts",
                    "Mend the extract, or raise `broken_rows_allowed` in the dictionary.",
                )


def system_of(
    table: Table, counts: Sequence[str], margins: Sequence[Sequence[str]], rounds: str | None, place: Sequence[str]
) -> Counts:
    """The counts of a table with the areas and rounds that tie them."""
    number = {name: j for j, name in enumerate(counts)}
    sums = [
        (number[link.total], [number[part] for part in link.parts])
        for link in table.links
        if all(member in number for member in link.members)
    ]
    period = [rounds] if rounds is not None and rounds in table else []
    areas = [_codes(table, [*level, *period]) for level in margins]
    tied = bool(place) and bool(period)
    return Counts(
        values=np.column_stack([table.rows[name].to_numpy(dtype=np.float64, na_value=np.nan) for name in counts]),
        sums=sums,
        areas=areas,
        same=_same(table, place, period) if tied else None,
        home=_codes(table, margins[0]) if margins else None,
        alone=None if table.alone is None else table.alone.loc[table.rows.index, list(counts)].to_numpy(),
    )


def _codes(table: Table, columns: Sequence[str]) -> np.ndarray:
    """Number of each row's combination of values, the same for the same values."""
    if not columns:
        return np.zeros(len(table), dtype=np.int64)
    text = table.rows[list(columns)].astype("str").fillna("")
    return text.groupby(list(columns), sort=True).ngroup().to_numpy()


def _same(table: Table, place: Sequence[str], period: Sequence[str]) -> np.ndarray:
    """Number of each row's place; -1 where some round has several rows of it, which cannot be told apart."""
    number = _codes(table, place)
    doubled = pd.Series(_codes(table, [*place, *period])).duplicated(keep=False).to_numpy()
    return np.where(np.isin(number, number[doubled]), -1, number)


def _already_shown(table: Table, published: Table, rounds: str | None, place: Sequence[str]) -> np.ndarray:
    """Counts that earlier releases show as they are now: of the same round, or else of an earlier one."""
    counts = table.names(Role.COUNT)
    found = np.zeros((len(table), len(counts)), dtype=bool)
    if not all(name in published for name in place):
        return found
    for j, name in enumerate(counts):
        if name in published:
            now, then = (_told(source, place, name) for source in (table, published))
            found[:, j] = now.isin(then) & table.rows[name].notna().to_numpy()
    return found


def _told(table: Table, place: Sequence[str], name: str) -> pd.MultiIndex:
    """Place and value of each row."""
    return pd.MultiIndex.from_frame(table.rows[[*place, name]].astype("str").fillna(""))
