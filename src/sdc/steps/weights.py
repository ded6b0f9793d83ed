"""Sampling weights averaged over records that share their keys, so that no weight is a record number."""

from collections.abc import Sequence

import numpy as np
import pandas as pd

from sdc.keys import key_classes, totals
from sdc.table import Table


def average_weights(table: Table, weight: str, by: Sequence[str]) -> Table:
    """Give every record the mean weight of the records that share its keys.

    A weight as collected is nearly a record number: it links any two files that hold it. Within a class of equal keys
    the mean serves every table of keys as well; tables of other columns are estimated with less spread of weights.

    Parameters
    ----------
    table : Table, n records
    weight : str
        The column of weights, persons a record.
    by : sequence of str
        Key variables; a missing value is a class of its own.

    Returns
    -------
    Table, n records, in the same order

    Guarantees
    ----------
    * Every weighted table of the columns `by` is what it was.
    * Records that agree in `by` have one weight; a missing weight stays missing and counts for nobody.
    * No other column changes.
    """
    classes = key_classes(table.rows, list(by))
    values = table.rows[weight].to_numpy(dtype=np.float64, na_value=np.nan)
    seen = ~np.isnan(values)
    persons = totals(classes.of_record[seen], len(classes.records), values[seen])
    records = totals(classes.of_record[seen], len(classes.records))
    mean = persons / np.maximum(records, 1)
    averaged = pd.array(np.where(seen, mean[classes.of_record], 0.0), dtype="Float64")
    averaged[~seen] = pd.NA
    return table.with_rows(table.rows.assign(**{weight: averaged}))
