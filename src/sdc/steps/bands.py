"""Numbers to bands that the dictionary does not have."""

from collections.abc import Sequence

from sdc.dictionary import Level
from sdc.errors import DataError
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
    if list(bands) != sorted(set(bands)) or not len(bands):
        raise DataError(f"`{column}`", "its bands do not rise.", "Give their lower ends, from the lowest up.")
    entry = table[column].model_copy(update={"hierarchy": (Level(name=name, bands=tuple(map(int, bands))),)})
    rows = table.rows.assign(**{column: coarsened(table.rows[column], entry, 1)})
    changed = entry.model_copy(update={"level": 1})
    return table.with_rows(rows).with_variable(changed).drop(table.followers(column))
