"""Rows of counts, their identities and their sums over areas as one system of cells."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
from scipy import sparse
from scipy.sparse.csgraph import connected_components

from sdc.cells.model import Cells
from sdc.engines.cellknowledge import own_counts


@dataclass(frozen=True, eq=False)
class Counts:
    """Counts of places in rows, and what an intruder knows to be equal or to add up.

    Attributes
    ----------
    values : array of float64, (rows, columns), persons or households
        NaN where nothing was observed.
    sums : sequence of (total, parts)
        Column numbers of the identities of a row; an equality has one part.
    areas : sequence of array of int64, (rows,)
        The area of each row at each level whose sums are known, from the finest level to the coarsest; areas of two
        rounds have two numbers.
    same : array of int64, (rows,)
        Rows of one place in several rounds share a number; -1 where no other round has the place.
    home : array of int64, (rows,)
        Area of the finest level, the same in all rounds: where to look first for what to suppress.
    alone : array of int64, (rows, columns), optional
        Number of the only place behind each entry; -1 where there are none or several.
    """

    values: np.ndarray
    sums: Sequence[tuple[int, Sequence[int]]]
    areas: Sequence[np.ndarray] = ()
    same: np.ndarray | None = None
    home: np.ndarray | None = None
    alone: np.ndarray | None = None


class System:
    """Every distinct count of the rows and of the areas, equal ones made one.

    Attributes
    ----------
    size : int, cells
    count : array of float64, (cells,)
    entry : array of int64, (rows, columns)
        Number of each observed entry, -1 where nothing was observed; `of` takes it to its cell.
    of : array of int64, (entries and sums,)
    column : array of int64, (entries and sums,)
    margin : array of bool, (entries and sums,)
        Whether it is a sum over an area.
    matrix : scipy.sparse.csr_array, (identities, cells)
        -1 at a total, +1 at its parts; the first `of_rows` identities are those of rows.
    blocks : array of int64, (cells,)
        Area of the finest level, -1 where there is none.
    """

    def __init__(self, counts: Counts) -> None:
        values = counts.values
        seen = ~np.isnan(values)
        self.entry = np.full(values.shape, -1, dtype=np.int64)
        self.entry[seen] = np.arange(int(seen.sum()))
        self.truth = values[seen]
        self.column = np.nonzero(seen)[1]
        home = counts.home if counts.home is not None else np.full(len(values), -1, dtype=np.int64)
        self.block = home[np.nonzero(seen)[0]]
        self.rows: list[tuple[np.ndarray, np.ndarray, np.ndarray]] = []
        self.height = 0
        self.equal: list[tuple[np.ndarray, np.ndarray]] = []
        self._identities(values, counts.sums)
        self.of_rows = self.height  # identities of rows stand before those of areas
        if counts.same is not None:
            self._unchanged(self.entry, counts.same)
        finest = len(self.truth)
        below = self.entry
        for area in counts.areas:
            below = self._areas(below, area)
        self.margin = np.arange(len(self.truth)) >= finest
        self._merge()

    def _identities(self, values: np.ndarray, sums: Sequence[tuple[int, Sequence[int]]]) -> None:
        """Sums and equalities of the rows in which they hold."""
        for total, parts in sums:
            members = [total, *parts]
            sign = np.array([-1.0] + [1.0] * len(parts))
            holds = np.flatnonzero(values[:, members] @ sign == 0)  # NaN never holds
            own = self.entry[holds][:, members]
            if len(parts) == 1:
                self.equal.append((own[:, 0], own[:, 1]))
            else:
                self._add(own, sign)

    def _add(self, cells: np.ndarray, sign: np.ndarray) -> None:
        at = np.repeat(np.arange(len(cells)) + self.height, cells.shape[1])
        self.rows.append((at, cells.ravel(), np.tile(sign, len(cells))))
        self.height += len(cells)

    def _unchanged(self, entry: np.ndarray, same: np.ndarray) -> None:
        """Counts of one place that are equal in two rounds are one cell: whoever knows one knows the other."""
        row, column = np.nonzero((entry >= 0) & (same >= 0)[:, None])
        cell = entry[row, column]
        frame = pd.DataFrame({"place": same[row], "column": column, "value": self.truth[cell], "cell": cell})
        first = frame.groupby(["place", "column", "value"])["cell"].transform("min")
        self.equal.append((first.to_numpy(), cell))

    def _areas(self, below: np.ndarray, area: np.ndarray) -> np.ndarray:
        """One cell for each area and column, and the sum of what lies in it; where one lies in it, it is that one."""
        number, of_row = np.unique(area, return_inverse=True)
        up = np.full(below.shape, -1, dtype=np.int64)
        new_truth, new_column = [], []
        start = len(self.truth)
        for j in range(below.shape[1]):
            seen = np.flatnonzero(below[:, j] >= 0)
            pairs = pd.DataFrame({"area": of_row[seen], "cell": below[seen, j]}).drop_duplicates()
            inside, owner = pairs["cell"].to_numpy(), pairs["area"].to_numpy()
            areas, at = np.unique(owner, return_inverse=True)
            own = start + np.arange(len(areas))
            new_truth.append(np.bincount(at, weights=self.truth[inside], minlength=len(areas)))
            new_column.append(np.full(len(areas), j))
            start += len(areas)
            single = np.bincount(at, minlength=len(areas)) == 1
            self.equal.append((own[at[single[at]]], inside[single[at]]))
            several = ~single[at]
            many = np.unique(at[several], return_inverse=True)
            rows = many[1] + self.height
            self.rows.append((rows, inside[several], np.ones(int(several.sum()))))
            self.rows.append((np.arange(len(many[0])) + self.height, own[many[0]], -np.ones(len(many[0]))))
            self.height += len(many[0])
            of_area = np.full(len(number), -1, dtype=np.int64)
            of_area[areas] = own
            up[seen, j] = of_area[of_row[seen]]
        self.truth = np.concatenate([self.truth, *new_truth])
        self.column = np.concatenate([self.column, *new_column])
        self.block = np.append(self.block, np.full(len(self.truth) - len(self.block), -1, dtype=np.int64))
        return up

    def _merge(self) -> None:
        size = len(self.truth)
        left = np.concatenate([np.empty(0, np.int64), *(pair[0] for pair in self.equal)])
        right = np.concatenate([np.empty(0, np.int64), *(pair[1] for pair in self.equal)])
        graph = sparse.coo_array((np.ones(len(left)), (left, right)), shape=(size, size))
        self.size, self.of = connected_components(graph, directed=False)
        row = np.concatenate([np.empty(0, np.int64), *(part[0] for part in self.rows)])
        column = np.concatenate([np.empty(0, np.int64), *(part[1] for part in self.rows)])
        sign = np.concatenate([np.empty(0), *(part[2] for part in self.rows)])
        matrix = sparse.csr_array((sign, (row, self.of[column])), shape=(self.height, self.size))
        matrix.sum_duplicates()
        matrix.eliminate_zeros()
        self.matrix = matrix
        self.count = np.zeros(self.size)
        self.count[self.of] = self.truth
        self.blocks = np.full(self.size, -1, dtype=np.int64)
        np.maximum.at(self.blocks, self.of, self.block)

    def own_counts(self, alone: np.ndarray | None = None) -> list[np.ndarray]:
        """Cells that one and the same person fills, or one and the same place (``alone`` of `Counts`)."""
        if alone is None:
            return own_counts(self.matrix, self.count)
        seen = (self.entry >= 0) & (alone >= 0)
        return own_counts(self.matrix, self.count, (alone[seen], self.of[self.entry[seen]]))

    def any(self, marked: np.ndarray) -> np.ndarray:
        """Cells of which some entry is marked; ``marked`` is (rows, columns)."""
        found = np.zeros(self.size, dtype=bool)
        seen = self.entry >= 0
        found[self.of[self.entry[seen & marked]]] = True
        return found


def connected_parts(columns: sparse.csc_array) -> list[np.ndarray]:
    """Numbers of the columns of each part that identities connect; a column without any identity is in none."""
    graph = sparse.block_array([[None, columns], [columns.T, None]])
    part = connected_components(graph, directed=False)[1][columns.shape[0] :]
    tied = np.flatnonzero(np.diff(columns.indptr))
    order = tied[np.argsort(part[tied], kind="stable")]
    return np.split(order, np.flatnonzero(np.diff(part[order])) + 1) if len(order) else []


def part_of(columns: sparse.csc_array, truth: np.ndarray, published: np.ndarray, blocks: np.ndarray) -> Cells:
    """Some cells as a registry of their own, identities that say the same said once."""
    rows = sparse.csr_array(columns)
    seen: dict[bytes, int] = {}
    for i in np.flatnonzero(np.diff(rows.indptr)).tolist():
        at = slice(rows.indptr[i], rows.indptr[i + 1])
        sign = rows.data[at] * np.sign(rows.data[rows.indptr[i]])
        seen.setdefault(rows.indices[at].tobytes() + sign.tobytes(), i)
    rows = rows[np.array(sorted(seen.values()), dtype=np.int64)]
    size = len(truth)
    return Cells(
        labels=pd.DataFrame(index=range(size)),
        counts=np.rint(truth).astype(np.int64),
        identities=rows,
        of_identity=np.zeros(rows.shape[0], dtype=np.int64),
        published=published,
        copies=np.ones(size, dtype=np.int64),
        blocks=blocks if len(np.unique(blocks)) > 1 else np.full(size, -1, dtype=np.int64),
        dimensions=(),
        members=None,
        of_record=np.empty(0, dtype=np.int64),
        disagreements=0,
        nodes=np.empty((size, 0), dtype=np.int64),
    )


def whole(counts: Counts, labels: pd.DataFrame) -> tuple[Cells, System]:
    """All cells of a system as one registry, with the inner cells that each is the sum of.

    Where a total is broken down in two ways it is the sum of the parts that are named first.

    Parameters
    ----------
    counts : Counts
    labels : DataFrame, (rows, columns that name a row)
        The cell of an entry is named by its row and its column, so that it has one name in every round.

    Returns
    -------
    Cells, System
    """
    system = System(counts)
    matrix = system.matrix
    children = matrix.multiply(matrix > 0).tocsr()
    parent = np.full(system.size, -1, dtype=np.int64)
    rows, columns = (matrix < 0).nonzero()
    for row, cell in zip(rows[::-1].tolist(), columns[::-1].tolist(), strict=True):  # the first identity stays
        parent[cell] = row
    totals = np.flatnonzero(parent >= 0)
    spread = (
        sparse.csr_array((np.ones(len(totals)), (totals, parent[totals])), shape=(system.size, matrix.shape[0]))
        @ children
    )
    leaves = np.flatnonzero(parent < 0)
    own = sparse.csr_array((np.ones(len(leaves)), (leaves, np.arange(len(leaves)))), shape=(system.size, len(leaves)))
    members, before = own, -1
    while members.nnz != before:
        before = members.nnz
        members = sparse.csr_array(own + spread @ members)
    members.data[:] = 1
    first = np.full(system.size, len(system.of), dtype=np.int64)
    np.minimum.at(first, system.of, np.arange(len(system.of)))
    row = np.append(np.nonzero(system.entry >= 0)[0], np.full(len(system.of), -1))[first]
    names = labels.astype("str").fillna("").to_numpy(dtype=object)
    text = np.where((row >= 0)[:, None], names[row], "")
    frame = pd.DataFrame(text, columns=[f"place {j}" for j in range(text.shape[1])]).assign(count=system.column[first])
    found = part_of(sparse.csc_array(matrix), system.count, np.ones(system.size, bool), system.blocks)
    return replace(found, labels=frame.astype(object), members=members), system
