"""Numbers and counts to bands that the dictionary does not have."""

from collections.abc import Mapping, Sequence
from typing import Literal

import numpy as np
import pandas as pd

from sdc.dictionary import Level, Role, Variable
from sdc.engines.bandhiding import hide_bands
from sdc.errors import DataError
from sdc.steps.aggregation import rows_with
from sdc.steps.counts import least_counts, primary_counts, system_of
from sdc.steps.numbers import numbers
from sdc.steps.order import content_order
from sdc.steps.recoding import coarsened
from sdc.table import Table


def recode_to_bands(table: Table, column: str, bands: Sequence[int], name: str = "bands") -> Table:
    """Replace numbers by the band that they lie in, the bands being those of one request and not of the dictionary.

    Parameters
    ----------
    table : Table
    column : str
    bands : sequence of int
        Lower ends, rising: ``0, 18, 60`` gives ``0-17, 18-59, 60+``, and ``under 0`` for what lies below.
    name : str
        What the level is called in the table that is returned.

    Returns
    -------
    Table
        The column has one level of hierarchy, these bands, and is at that level. Columns that follow it are gone.

    Guarantees
    ----------
    * Values of one band agree afterwards, values of two bands do not; missing stays missing.
    * No other column changes.
    """
    numbers(table, [column])
    entry = _banded(table[column], bands, name)
    rows = table.rows.assign(**{column: coarsened(table.rows[column], entry, 1)})
    changed = entry.model_copy(update={"level": 1})
    return table.with_rows(rows).with_variable(changed).drop(table.followers(column))


def _banded(entry: Variable, bands: Sequence[int], name: str) -> Variable:
    """A column with these bands as its only level."""
    if list(bands) != sorted(set(bands)) or not len(bands):
        raise DataError(f"`{entry.name}`", "its bands do not rise.", "Give their lower ends, from the lowest up.")
    return entry.model_copy(update={"hierarchy": (Level(name=name, bands=tuple(map(int, bands))),)})


def band_counts(
    table: Table,
    columns: Sequence[str],
    bands: Sequence[int],
    *,
    minimum: int | None = None,
    minimum_households: int | None = None,
    minimum_sensitive: int = 1,
    sensitive_sites: Mapping[str, Sequence[str]] | None = None,
    margins: Sequence[Sequence[str]] = (),
    rounds: str | None = None,
    place: Sequence[str] = (),
    own_count: Literal["known", "unknown"] = "known",
) -> Table:
    """Show counts as bands: 0, 1 up to the first end, and so on.

    Where the bands, the identities of the rows, the sums over areas and the unchanged counts of other rounds together
    would tell a small count all the same, the cheapest bands are hidden that cure it.

    Parameters
    ----------
    table : Table
    columns : sequence of str
        Counts that will be released.
    bands : sequence of int, rising from 2 or more
        Where bands begin after the first: ``10, 20, 50`` gives 0, 1-9, 10-19, 20-49, 50+.
    minimum : int, persons
        Counts below it are small; the first end, if not given.
    minimum_households, minimum_sensitive, sensitive_sites, margins, rounds, place, own_count : see `suppress_counts`

    Returns
    -------
    Table
        The columns hold bands, at level 1, and are counts no longer; their identities are gone, since bands do not add
        up.

    Raises
    ------
    DisclosureError : when a row alone tells a small count, whatever is hidden.

    Guarantees
    ----------
    * Every count lies in its band, or its band is missing.
    * No small count is certain, and none of a sensitive site, but for those that sums over areas alone give away.
    * No other column changes.
    """
    ends = (0, 1, *bands)
    counts = table.names(Role.COUNT)
    values = table.rows[counts].to_numpy(dtype=np.float64, na_value=np.nan)
    limits = (bands[0] if minimum is None else minimum, minimum_households, minimum_sensitive)
    small = primary_counts(
        table, limits[0], minimum_households=limits[1], minimum_sensitive=limits[2], sensitive_sites=sensitive_sites
    ).to_numpy()
    least = least_counts(table, *limits)
    leaving = rows_with(table, sensitive_sites or {})[:, None] & (values > 0)
    starts = np.array([*ends, np.inf])
    at = np.searchsorted(starts, np.nan_to_num(values), side="right")
    order = content_order(table)
    hidden = np.zeros(values.shape, dtype=bool)
    hidden[order] = hide_bands(
        system_of(table.with_rows(table.rows.iloc[order]), counts, margins, rounds, place),
        starts[at - 1][order],
        (starts[at] - 1)[order],
        np.array([least[name] for name in counts]),
        small[order],
        leaving[order],
        own_count=own_count == "known",
    )
    hidden &= ~leaving
    rows, changed = table.rows.copy(), table
    for name in columns:
        entry = _banded(table[name], ends, "bands")
        rows[name] = coarsened(rows[name], entry, 1)
        rows.loc[hidden[:, counts.index(name)], name] = pd.NA
        changed = changed.with_variable(entry.model_copy(update={"level": 1, "role": Role.OTHER}))
    kept = tuple(link for link in table.links if not set(link.members) & set(columns))
    return Table(rows, changed.variables, kept)
