"""The order of records, which tells how they were collected."""

import numpy as np
import pandas as pd

from sdc.table import Table


def sort_records(table: Table) -> Table:
    """Sort records by their own content, so that the order of collection is gone.

    Sorting needs no seed, gives the same file every time, and cannot be undone: records with equal content keep no
    order of their own, since nothing distinguishes them.

    Guarantees
    ----------
    * The same records, in an order that depends on their content only.
    """
    return table.with_rows(table.rows.iloc[content_order(table)])


def shuffle_records(table: Table, seed: int) -> Table:
    """Put records into an order drawn at random: where a sorted file would tell what it was sorted by.

    Parameters
    ----------
    table : Table
    seed : int
        Keep it secret; it tells nothing but the order.

    Guarantees
    ----------
    * The same records, in an order that depends on their content and the seed only.
    """
    order = content_order(table)
    return table.with_rows(table.rows.iloc[order[np.random.default_rng(seed).permutation(len(order))]])


def content_order(table: Table) -> np.ndarray:
    """Places of the records, sorted by all their values from the first column to the last, missing values first.

    What a step draws at random it draws along this order, so that the order of the file decides nothing.
    """
    ranks = []
    for name in table.rows.columns:
        column = table.rows[name]
        text = column.astype("str") if isinstance(column.dtype, pd.CategoricalDtype) else column
        codes, _ = pd.factorize(text, sort=True, use_na_sentinel=True)
        ranks.append(codes)
    return np.lexsort(ranks[::-1]) if ranks else np.arange(len(table))
