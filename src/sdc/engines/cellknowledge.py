"""What a pattern has to withstand: what somebody may know of cells before reading the table."""

import numpy as np
import pandas as pd
from scipy import sparse
from scipy.sparse.csgraph import connected_components

from sdc.cells.model import Cells


def known_bounds(
    cells: Cells,
    primary: np.ndarray,
    *,
    at_least: int = 1,
    below: int | None = None,
    last: np.ndarray | None = None,
) -> tuple[np.ndarray, np.ndarray]:
    """What is known of each cell, if it were suppressed.

    Parameters
    ----------
    cells : Cells
    primary : array of bool, (cells,)
    at_least : int, persons
        Least value of a suppressed count; none is known where an empty cell is primary.
    below : int, persons, optional
        The minimum count, where it is known which suppressed cells lie below it.
    last : array of float, (cells,), optional
        What the last round published, NaN where nothing: a cell that did not change is known.

    Returns
    -------
    lower, upper : array of float64, (cells,)
    """
    truth = cells.counts.astype(np.float64)
    empty = bool((truth[primary] == 0).any())
    lower, upper = np.minimum(truth, 0 if empty else at_least), np.full(len(cells), np.inf)
    if below is not None:
        upper[primary & (truth < below)] = below - 1
        lower[~primary & (truth >= below)] = below
    if last is not None:
        same = last == truth
        lower[same] = upper[same] = truth[same]
    return lower, upper


def same_counts(matrix: sparse.csr_array, count: np.ndarray) -> np.ndarray:
    """Number of the family of each cell: a total of which one part alone has people is that part for everybody.

    Parameters
    ----------
    matrix : scipy.sparse.csr_array, (identities, cells)
        -1 at a total, +1 at its parts.
    count : array, (cells,)

    Returns
    -------
    array of int64, (cells,)
    """
    height, size = matrix.shape
    row, column = matrix.nonzero()
    child = (matrix.data > 0) & (count[column] > 0)
    total, part = (np.full(height, -1, dtype=np.int64) for _ in range(2))
    total[row[matrix.data < 0]] = column[matrix.data < 0]
    part[row[child]] = column[child]
    only = (np.bincount(row[child], minlength=height) == 1) & (total >= 0)
    graph = sparse.coo_array((np.ones(int(only.sum())), (total[only], part[only])), shape=(size, size))
    return connected_components(graph, directed=False)[1].astype(np.int64)


def own_counts(
    matrix: sparse.csr_array, count: np.ndarray, alone: tuple[np.ndarray, np.ndarray] | None = None
) -> list[np.ndarray]:
    """Cells that one person fills, a count of 1 with the totals that are no more; or that one place fills by itself.

    Parameters
    ----------
    matrix, count : see `same_counts`
    alone : (array of int64 from 0, array of int64), optional
        Numbers of places, and of cells that each fills by itself.

    Returns
    -------
    list of array of int64
        Cells of each person and of each place; a cell may be in several.
    """
    same = same_counts(matrix, count)
    one = np.flatnonzero(count == 1)
    pairs = pd.DataFrame({"owner": same[one], "cell": one})
    if alone is not None:
        families = pd.DataFrame({"same": same, "cell": np.arange(len(same))})
        filled = pd.DataFrame({"owner": alone[0] + len(same), "same": same[alone[1]]}).drop_duplicates()
        pairs = pd.concat([pairs, filled.merge(families)[["owner", "cell"]]])
    pairs = pairs.sort_values(["owner", "cell"], kind="stable")
    cuts = np.flatnonzero(np.diff(pairs["owner"])) + 1
    return np.split(pairs["cell"].to_numpy(), cuts) if len(pairs) else []
