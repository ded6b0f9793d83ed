"""The ends of a number's range: what lies beyond them is told as one value."""

import numpy as np

from sdc.errors import DataError
from sdc.steps.numbers import numbers, with_numbers
from sdc.table import Table


def top_code(table: Table, column: str, limit: float, replacement: float | None = None) -> Table:
    """Replace every value above a limit: the few who earn, own or live longest are told by one number.

    Parameters
    ----------
    table : Table
    column : str
    limit : float, in the unit of the column
    replacement : float, optional
        Written instead; the limit itself where it is not given. The mean of the values above keeps the total.

    Guarantees
    ----------
    * No value lies above the limit, but the replacement.
    * Values up to the limit stay, missing stays missing, no other column changes.
    * Columns that follow `column` are gone.
    """
    values = numbers(table, [column])
    written = _written(column, limit, replacement, limit)
    return with_numbers(table, [column], np.where(values > limit, written, values))


def bottom_code(table: Table, column: str, limit: float, replacement: float | None = None) -> Table:
    """Replace every value below a limit, as `top_code` does above one.

    Parameters
    ----------
    table : Table
    column : str
    limit : float, in the unit of the column
    replacement : float, optional

    Guarantees
    ----------
    * No value lies below the limit, but the replacement.
    * Values from the limit on stay, missing stays missing, no other column changes.
    * Columns that follow `column` are gone.
    """
    values = numbers(table, [column])
    written = _written(column, -limit, None if replacement is None else -replacement, -limit)
    return with_numbers(table, [column], np.where(values < limit, -written, values))


def _written(column: str, limit: float, replacement: float | None, otherwise: float) -> float:
    """What is written, refused where it would stand among the values that stay."""
    if replacement is not None and replacement < limit:
        raise DataError(
            f"`{column}`", "the replacement stands among the values that stay.", "Choose one at or beyond the limit."
        )
    return otherwise if replacement is None else replacement
