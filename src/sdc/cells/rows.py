"""The counts of each row of a file, and the identities between them, as cells that an intruder can solve."""

from collections.abc import Sequence

import numpy as np
import pandas as pd
from scipy import sparse

from sdc.cells.model import Cells
from sdc.dictionary import Link


def row_cells(truth: pd.DataFrame, links: Sequence[Link], published: Sequence[str]) -> Cells:
    """One cell for each observed count of each row, one identity for each link and row that it holds in.

    Parameters
    ----------
    truth : DataFrame of counts, (rows, columns), missing where nothing was observed
    links : sequence of Link
    published : sequence of str
        Columns that the file shows; the intruder knows of the others only that they exist.

    Returns
    -------
    Cells
        In row order, then column order, observed counts only: ``truth.notna()`` says which those are. An identity with
        an unobserved member is left out, since the intruder cannot use it either; so is one that the row breaks.
    """
    values = truth.to_numpy(dtype=np.float64, na_value=np.nan)
    observed = ~np.isnan(values)
    number = np.full(values.shape, -1, dtype=np.int64)
    number[observed] = np.arange(int(observed.sum()))
    place = {name: j for j, name in enumerate(truth.columns)}
    entries, columns, signs = [], [], []
    rows = 0
    of_identity = []
    for i, link in enumerate(links):
        if not all(member in place for member in link.members):
            continue
        members = np.array([place[member] for member in link.members])
        sign = np.array([-1.0] + [1.0] * len(link.parts))
        holds = observed[:, members].all(axis=1)
        holds &= np.where(observed[:, members], values[:, members], 0.0) @ sign == 0
        found = np.flatnonzero(holds)
        entries.append(np.repeat(rows + np.arange(len(found)), len(members)))
        columns.append(number[np.ix_(found, members)].ravel())
        signs.append(np.tile(sign, len(found)))
        of_identity.append(np.full(len(found), i))
        rows += len(found)
    cells = int(observed.sum())
    shape = (rows, cells)
    parts = [np.concatenate(part) if part else np.empty(0) for part in (signs, entries, columns)]
    matrix = sparse.csr_array((parts[0], (parts[1].astype(np.int64), parts[2].astype(np.int64))), shape=shape)
    return Cells(
        labels=pd.DataFrame(index=range(cells)),
        counts=values[observed].astype(np.int64),
        identities=matrix,
        of_identity=np.concatenate(of_identity) if of_identity else np.empty(0, dtype=np.int64),
        published=np.broadcast_to(truth.columns.isin(published), observed.shape)[observed],
        copies=np.ones(cells, dtype=np.int64),
        blocks=np.repeat(np.arange(len(truth)), observed.sum(axis=1)),
        dimensions=(),
        members=None,
        of_record=np.empty(0, dtype=np.int64),
        disagreements=0,
        nodes=np.empty((cells, 0), dtype=np.int64),
    )
