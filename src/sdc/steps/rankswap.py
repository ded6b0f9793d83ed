"""Numbers exchanged between records of nearly the same rank."""

from collections.abc import Sequence

import numpy as np

from sdc.engines.rankswap import partners
from sdc.errors import DataError
from sdc.steps.numbers import numbers, with_numbers
from sdc.steps.order import content_order
from sdc.table import Table


def swap_ranks(table: Table, columns: Sequence[str], window: float, seed: int) -> Table:
    """Exchange values between records that are near each other in rank, in each column on its own.

    Parameters
    ----------
    table : Table
    columns : sequence of str
    window : float, 0 to 1
        How far apart two ranks may be, as a share of the values of the column; at least one rank.
    seed : int
        Secret: who knows it can take the exchange back.

    Guarantees
    ----------
    * Each column holds the same values as before, each the same number of times; missing stays missing.
    * No value moves by more ranks than the window.
    * No other column changes; columns that follow `columns` are gone.
    * The result depends on the content of the records and the seed, not on their order.

    References
    ----------
    Moore (1996), Controlled data-swapping techniques for masking public use microdata, US Bureau of the Census RR 96-04
    """
    values = numbers(table, columns)
    if not 0 < window <= 1:
        raise DataError("rank swapping", "the window is no share from 0 to 1.", "Give a share of the ranks.")
    rng = np.random.default_rng(seed)
    order = content_order(table)
    result = values.copy()
    for j in range(len(columns)):
        observed = order[~np.isnan(values[order, j])]
        ranked = observed[np.argsort(values[observed, j], kind="stable")]
        reach = max(int(window * len(ranked)), 1)
        result[ranked, j] = values[ranked[partners(rng.random(len(ranked)), reach)], j]
    return with_numbers(table, columns, result)
