"""Primary rules: which cells of a table are too revealing to show."""

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
from scipy import sparse

from sdc.cells.model import Cells
from sdc.errors import PolicyError


def minimum_count(counts: np.ndarray, k: int, *, zeros: bool = False) -> np.ndarray:
    """Cells below the minimum count.

    Parameters
    ----------
    counts : array, (cells,), persons or households
    k : int
        Least count that may be shown.
    zeros : bool
        Whether an empty cell reveals too ("nobody of this age is in this area").

    Returns
    -------
    array of bool, (cells,)
    """
    return (counts < k) & ((counts > 0) | zeros)


def contributions(cells: Cells, amounts: np.ndarray, contributors: pd.Series | None = None) -> sparse.csr_array:
    """What each contributor (site, household, company) adds to each cell.

    Parameters
    ----------
    cells : Cells
        Registered from one table of records or inner cells.
    amounts : array, (records,), 0 or more
    contributors : Series, (records,), optional
        Who contributes; without it every record is a contributor of its own.

    Returns
    -------
    scipy.sparse.csr_array, (cells, contributors)

    Raises
    ------
    PolicyError : when the cells were given as margins, which have no contributors.
    """
    if cells.members is None:
        raise PolicyError(
            "rules", "contributors are unknown: the table was given with its totals.", "Give the records."
        )
    if contributors is None:
        who = np.arange(len(amounts))
    else:
        who = pd.factorize(contributors, sort=True, use_na_sentinel=False)[0]
    shape = (cells.members.shape[1], int(who.max(initial=-1)) + 1)
    inner = sparse.csr_array((np.asarray(amounts, dtype=np.float64), (cells.of_record, who)), shape=shape)
    found = sparse.csr_array(cells.members @ inner)
    found.sum_duplicates()
    found.eliminate_zeros()
    return found


def largest(shares: sparse.csr_array, n: int) -> np.ndarray:
    """The n largest contributions to each cell.

    Parameters
    ----------
    shares : scipy.sparse.csr_array, (cells, contributors)
    n : int

    Returns
    -------
    array of float64, (cells, n), largest first, 0 where there are fewer
    """
    cell = np.repeat(np.arange(shares.shape[0]), np.diff(shares.indptr))
    order = np.lexsort((-shares.data, cell))
    rank = np.arange(len(order)) - np.repeat(shares.indptr[:-1], np.diff(shares.indptr))
    out = np.zeros((shares.shape[0], n))
    kept = rank < n
    out[cell[order][kept], rank[kept]] = shares.data[order][kept]
    return out


def dominance(shares: sparse.csr_array, n: int, percent: float) -> np.ndarray:
    """The (n, k) rule: n contributors hold more than k per cent of a cell.

    Parameters
    ----------
    shares : scipy.sparse.csr_array, (cells, contributors)
    n : int, contributors
    percent : float, 0 to 100

    Returns
    -------
    array of bool, (cells,)

    References
    ----------
    Hundepool et al. (2012), Statistical Disclosure Control, section 4.2.1.
    """
    total = np.asarray(shares.sum(axis=1)).ravel()
    return (total > 0) & (largest(shares, n).sum(axis=1) > percent / 100 * total + 1e-9 * total)


def p_percent(shares: sparse.csr_array, p: float, q: float = 100) -> np.ndarray:
    """The p % rule: the second contributor can estimate the first within p per cent.

    Parameters
    ----------
    shares : scipy.sparse.csr_array, (cells, contributors)
    p : float, per cent
        Nearest that anyone may come to the largest contribution.
    q : float, per cent
        How near everyone could come before the release (prior-posterior rule); 100 gives the plain p % rule.

    Returns
    -------
    array of bool, (cells,)

    References
    ----------
    Hundepool et al. (2012), Statistical Disclosure Control, section 4.2.1.
    """
    total = np.asarray(shares.sum(axis=1)).ravel()
    first, second = largest(shares, 2).T
    return (total > 0) & (total - first - second < p / q * first - 1e-9 * total)


def few_contributors(shares: sparse.csr_array, least: int) -> np.ndarray:
    """Cells with fewer contributors (sites, households) than the policy asks; empty cells have none to protect.

    Parameters
    ----------
    shares : scipy.sparse.csr_array, (cells, contributors)
    least : int, contributors

    Returns
    -------
    array of bool, (cells,)
    """
    number = np.diff(shares.indptr)
    return (number > 0) & (number < least)


def group_disclosure(cells: Cells, columns: Sequence[str]) -> np.ndarray:
    """Groups that are all in one category: the total tells what is true of each of its members.

    Parameters
    ----------
    cells : Cells
    columns : sequence of str
        Columns of a sensitive variable (reason, need), whose categories must not be told of a whole group.

    Returns
    -------
    array of bool, (cells,)
        The one filled category and its empty sisters: the zeros tell as much as the count. The total is not among
        them.
    """
    along = {number for number, d in enumerate(cells.dimensions) if set(d.columns) & set(columns)}
    rows = cells.identities[np.flatnonzero(np.isin(cells.of_identity, list(along)))]
    children = rows > 0
    filled = np.asarray(children @ (cells.counts > 0).astype(np.int64)).ravel()
    several = np.asarray(children.sum(axis=1)).ravel() > 1
    alone = (filled == 1) & several
    return np.asarray(children[np.flatnonzero(alone)].sum(axis=0)).ravel() > 0


def sensitive_categories(cells: Cells, codes: Mapping[str, Sequence[str]]) -> np.ndarray:
    """Filled cells of a category that is never counted in public (unaccompanied minors, a site of survivors).

    Parameters
    ----------
    cells : Cells
    codes : mapping of column to its sensitive codes

    Returns
    -------
    array of bool, (cells,)
    """
    found = np.zeros(len(cells), dtype=bool)
    for column, values in codes.items():
        if column not in cells.labels.columns:
            raise PolicyError("sensitive categories", f"`{column}` is no spanning column.", "Name one of the table.")
        found |= cells.labels[column].isin([str(value) for value in values]).to_numpy()
    return found & (cells.counts > 0)
