"""Numbers and counts to bands that the dictionary does not have."""

from collections.abc import Sequence

import numpy as np
import pandas as pd

from sdc.dictionary import Level, Role, Variable
from sdc.engines.counthiding import given_away
from sdc.errors import DataError
from sdc.steps.counts import system_of
from sdc.steps.numbers import numbers
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
    margins: Sequence[Sequence[str]] = (),
    rounds: str | None = None,
) -> Table:
    """Show counts as bands: 0, 1 up to the first end, and so on.

    Where a sum over an area, or of a row, would tell a count of the first band all the same, that band is hidden too.

    Parameters
    ----------
    table : Table
    columns : sequence of str
        Counts that will be released.
    bands : sequence of int, rising from 2 or more
        Where bands begin after the first: ``10, 20, 50`` gives 0, 1-9, 10-19, 20-49, 50+.
    margins, rounds : see `suppress_counts`

    Returns
    -------
    Table
        The columns hold bands, at level 1, and are counts no longer; their identities are gone, since bands do not add
        up.

    Guarantees
    ----------
    * Every count lies in its band, or its band is missing.
    * No sum over one area or row alone tells a count of the first band.
    * No other column changes.
    """
    ends = (0, 1, *bands)
    counts = table.names(Role.COUNT)
    values = table.rows[counts].to_numpy(dtype=np.float64, na_value=np.nan)
    system = system_of(table, counts, margins, rounds, ())
    starts = np.array([*ends, np.inf])
    at = np.searchsorted(starts, np.nan_to_num(values), side="right")
    small = (values > 0) & (values < bands[0])
    hidden = np.zeros(values.shape, dtype=bool)
    minimum = np.full(len(counts), bands[0])
    while True:
        low = np.where(hidden, 1, starts[at - 1])
        high = np.where(hidden, np.inf, starts[at] - 1)
        told = given_away(system, low, high, minimum, small & ~hidden)
        if not told.any():
            break
        hidden |= told
    rows, changed = table.rows.copy(), table
    for name in columns:
        entry = _banded(table[name], ends, "bands")
        rows[name] = coarsened(rows[name], entry, 1)
        rows.loc[hidden[:, counts.index(name)], name] = pd.NA
        changed = changed.with_variable(entry.model_copy(update={"level": 1, "role": Role.OTHER}))
    kept = tuple(link for link in table.links if not set(link.members) & set(columns))
    return Table(rows, changed.variables, kept)
