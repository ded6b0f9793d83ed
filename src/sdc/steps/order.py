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
    ranks = []
    for name in table.rows.columns:
        column = table.rows[name]
        text = column.astype("str") if isinstance(column.dtype, pd.CategoricalDtype) else column
        codes, _ = pd.factorize(text, sort=True, use_na_sentinel=True)
        ranks.append(codes)
    order = np.lexsort(ranks[::-1]) if ranks else np.arange(len(table))
    return table.with_rows(table.rows.iloc[order])
