"""The counts of each row, their identities and their sums over areas, as cells that an intruder can solve."""

from collections.abc import Sequence

import numpy as np
import pandas as pd
from scipy import sparse

from sdc.cells.model import Cells
from sdc.dictionary import Link

_Entries = tuple[np.ndarray, np.ndarray, np.ndarray]  # signs, rows, cells of one part of the matrix


def row_cells(
    truth: pd.DataFrame, links: Sequence[Link], published: Sequence[str], areas: Sequence[np.ndarray] = ()
) -> Cells:
    """One cell for each observed count of each row, one identity for each link and row that it holds in.

    Parameters
    ----------
    truth : DataFrame of counts, (rows, columns), missing where nothing was observed
    links : sequence of Link
    published : sequence of str
        Columns that the file shows; the intruder knows of the others only that they exist.
    areas : sequence of array of int64, (rows,), optional
        The area of each row at each level whose sums exist, from the finest level to the coarsest, which must nest; -1
        where a row lies in no area. Areas of two rounds have two numbers.

    Returns
    -------
    Cells
        In row order, then column order, observed counts only: ``truth.notna()`` says which those are; then the sums,
        level by level, by area and column. ``labels`` holds the number of row (-1 for a sum), column, level (0 for a
        row) and area (-1 for a row) of each. An identity with an unobserved member is left out, since the intruder
        cannot use it either; so is one that the row breaks. A sum is that of the observed counts.
    """
    values = truth.to_numpy(dtype=np.float64, na_value=np.nan)
    observed = ~np.isnan(values)
    number = np.full(values.shape, -1, dtype=np.int64)
    number[observed] = np.arange(int(observed.sum()))
    parts, of_identity = _links(values, number, observed, links, [str(name) for name in truth.columns])
    height = sum(len(along) for along in of_identity)
    row, column = np.nonzero(observed)
    labels = [pd.DataFrame({"row": row, "column": column, "level": 0, "area": -1})]
    counts = [values[observed]]
    below, own, size = number[observed], column, int(observed.sum())
    for level, area in enumerate(areas, start=1):
        inside = area[row] >= 0
        child, first = np.unique(below[inside], return_index=True)
        key = (area[row] * truth.shape[1] + own)[inside][first]
        keys, at = np.unique(key, return_inverse=True)
        parts.append((np.ones(len(child)), at + height, child))
        parts.append((-np.ones(len(keys)), np.arange(len(keys)) + height, np.arange(len(keys)) + size))
        of_identity.append(np.full(len(keys), len(links) + level - 1))
        counts.append(np.bincount(at, weights=np.concatenate(counts)[child], minlength=len(keys)))
        labels.append(
            pd.DataFrame({"row": -1, "column": keys % truth.shape[1], "level": level, "area": keys // truth.shape[1]})
        )
        up = np.full(len(below), -1, dtype=np.int64)
        up[inside] = np.searchsorted(keys, (area[row] * truth.shape[1] + own)[inside]) + size
        below = np.where(inside, up, below)
        height, size = height + len(keys), size + len(keys)
    frame = pd.concat(labels, ignore_index=True)
    every = [np.concatenate(part) if part else np.empty(0) for part in zip(*parts, strict=True)] or [np.empty(0)] * 3
    matrix = sparse.csr_array((every[0], (every[1].astype(np.int64), every[2].astype(np.int64))), shape=(height, size))
    block = areas[0][row] if len(areas) else row
    return Cells(
        labels=frame,
        counts=np.rint(np.concatenate(counts)).astype(np.int64),
        identities=matrix,
        of_identity=np.concatenate(of_identity) if of_identity else np.empty(0, dtype=np.int64),
        published=truth.columns.isin(published)[frame["column"].to_numpy()],
        copies=np.ones(size, dtype=np.int64),
        blocks=np.append(block, np.full(size - len(row), -1)).astype(np.int64),
        dimensions=(),
        members=None,
        of_record=np.empty(0, dtype=np.int64),
        disagreements=0,
        nodes=np.empty((size, 0), dtype=np.int64),
    )


def _links(
    values: np.ndarray, number: np.ndarray, observed: np.ndarray, links: Sequence[Link], columns: Sequence[str]
) -> tuple[list[_Entries], list[np.ndarray]]:
    """The identities of rows, where they hold, and the link that each is."""
    place = {name: j for j, name in enumerate(columns)}
    parts: list[_Entries] = []
    of_identity: list[np.ndarray] = []
    height = 0
    for i, link in enumerate(links):
        if not all(member in place for member in link.members):
            continue
        members = np.array([place[member] for member in link.members])
        sign = np.array([-1.0] + [1.0] * len(link.parts))
        holds = observed[:, members].all(axis=1)
        holds &= np.where(observed[:, members], values[:, members], 0.0) @ sign == 0
        found = np.flatnonzero(holds)
        at = np.repeat(height + np.arange(len(found)), len(members))
        parts.append((np.tile(sign, len(found)), at, number[np.ix_(found, members)].ravel()))
        of_identity.append(np.full(len(found), i))
        height += len(found)
    return parts, of_identity
