"""Numbers to multiples of a base."""

from collections.abc import Sequence

import numpy as np

from sdc.dictionary import Type
from sdc.errors import DataError
from sdc.steps.numbers import numbers, with_numbers
from sdc.table import Table


def round_numbers(table: Table, columns: Sequence[str], base: float) -> Table:
    """Round numbers to the nearest multiple of a base, halves upwards.

    Parameters
    ----------
    table : Table
    columns : sequence of str
    base : float, in the unit of the columns
        A whole number for columns of integers.

    Guarantees
    ----------
    * Every value in `columns` is the multiple of `base` that is nearest to what it was; missing stays missing.
    * No other column changes; columns that follow `columns` are gone.
    """
    values = numbers(table, columns)
    if not base > 0:
        raise DataError("rounding", "the base is not above 0.", "Give the step that values are rounded to.")
    for name in columns:
        if table[name].type == Type.INTEGER and base != int(base):
            raise DataError(f"`{name}`", "an integer cannot be rounded to parts.", "Give a whole number as the base.")
    result = np.floor(values / base + 0.5) * base
    return with_numbers(table, columns, result)
