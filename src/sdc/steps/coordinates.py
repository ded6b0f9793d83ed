"""Coordinates to fewer decimals."""

from collections.abc import Sequence

import numpy as np
import pandas as pd

from sdc.table import Table


def coarsen_coordinates(table: Table, columns: Sequence[str], decimals: int) -> Table:
    """Cut coordinates to a grid, by rounding their decimals.

    Two decimals are a grid of about 1.1 km at the equator. It is a coarsening and not a displacement: the same place
    gives the same grid point in every release, so repeated releases add nothing.

    Parameters
    ----------
    table : Table
    columns : sequence of str
        Latitudes and longitudes, degrees.
    decimals : int

    Guarantees
    ----------
    * Every value is a multiple of ``10 ** -decimals``; missing stays missing; no other column changes.
    """
    rows = table.rows.copy()
    for column in columns:
        degrees = rows[column].to_numpy(dtype=np.float64, na_value=np.nan)
        rows[column] = pd.array(np.round(degrees, decimals), dtype="Float64")
        rows.loc[np.isnan(degrees), column] = pd.NA
    return table.with_rows(rows)
