"""What a file of counts still tells: by column, by row, and to somebody who adds its rows up to larger areas."""

from collections.abc import Sequence

import numpy as np
import pandas as pd


def count_losses(truth: pd.DataFrame, shown: pd.DataFrame, areas: Sequence[tuple[str, np.ndarray]]) -> dict:
    """Counts and persons hidden, and the error of totals, at each level.

    Parameters
    ----------
    truth : DataFrame of counts, (rows, columns), missing where nothing was observed
    shown : DataFrame of counts, (rows, columns)
        What the file shows of them; missing where hidden.
    areas : sequence of (level, array of int64, (rows,))
        Area of each row at some coarser levels.

    Returns
    -------
    dict
        ``columns``: for each its name, cells observed, hidden, and the shares of cells and of persons hidden.
        ``levels``: for the rows and for each coarser level, what a user has who adds rows up: cells (areas times
        columns), ``complete`` (share of cells of which no row is hidden), ``persons_left`` (share of the persons that
        are in rows shown), ``error_mean`` and ``error_most`` (distance of the sum shown from the true one, as a share
        of the true one, over cells with people; what is hidden counts as nobody).

    Guarantees
    ----------
    * All shares lie from 0 to 1 where nothing but suppression was done; 0 lost for a file compared with itself.
    * The order of rows does not matter.
    """
    values = truth.to_numpy(dtype=np.float64, na_value=np.nan)
    left = shown[list(truth.columns)].to_numpy(dtype=np.float64, na_value=np.nan)
    observed = ~np.isnan(values)
    gone = observed & np.isnan(left)
    columns = []
    for j, name in enumerate(truth.columns):
        persons = float(np.nansum(values[:, j]))
        cells = int(observed[:, j].sum())
        columns.append({
            "name": str(name), "cells": cells, "hidden": int(gone[:, j].sum()),
            "cells_share": _share(float(gone[:, j].sum()), cells),
            "persons_share": _share(float(np.nansum(values[gone[:, j], j])), persons),
        })  # fmt: skip
    every = [("row", np.arange(len(truth))), *areas]
    return {
        "columns": columns,
        "levels": [_level(name, number, values, left, observed, gone) for name, number in every],
    }


def _level(
    name: str, number: np.ndarray, values: np.ndarray, left: np.ndarray, observed: np.ndarray, gone: np.ndarray
) -> dict:
    """One level's figures."""
    size = int(number.max(initial=-1)) + 1

    def summed(what: np.ndarray) -> np.ndarray:
        return np.column_stack([np.bincount(number, weights=column, minlength=size) for column in what.T])

    there = summed(observed.astype(np.float64)) > 0
    whole = there & (summed(gone.astype(np.float64)) == 0)
    people = summed(np.nan_to_num(values))
    told = summed(np.where(observed, np.nan_to_num(left), 0.0))
    known = summed(np.where(observed & ~gone, np.nan_to_num(values), 0.0))
    filled = people > 0
    error = np.abs(told - people)[filled] / people[filled]
    return {
        "level": name,
        "cells": int(there.sum()),
        "complete": _share(float(whole.sum()), float(there.sum())),
        "persons_left": _share(float(known.sum()), float(people.sum())),
        "error_mean": round(float(error.mean()), 4) if len(error) else 0.0,
        "error_most": round(float(error.max()), 4) if len(error) else 0.0,
    }


def _share(part: float, whole: float) -> float:
    return round(part / whole, 4) if whole else 0.0
