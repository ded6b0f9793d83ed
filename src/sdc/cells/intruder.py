"""The judge of suppressed tables: what an intruder can solve from what is shown."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy import sparse
from scipy.sparse.csgraph import connected_components

from sdc.cells.model import Cells
from sdc.cells.solver import INFINITY, Program
from sdc.errors import PolicyError

_NEAR = 1e-6  # a solver's point this near to a whole number is that number
_SWEEPS = 200


@dataclass(frozen=True)
class Intruder:
    """What someone knows before reading the table.

    Attributes
    ----------
    name : str
        As verdicts print it.
    at_least : int, persons
        Least value of a suppressed count: 0, or 1 where empty cells are shown.
    knows_primary : bool
        Whether they can tell which suppressed cells lie below the minimum count.
    last_round : bool
        Whether they take last round's published values for this round's suppressed ones where that is true.
    insider : bool
        Whether they alone fill a cell, and so know it.
    """

    name: str
    at_least: int = 1
    knows_primary: bool = False
    last_round: bool = False
    insider: bool = False


NOTHING_KNOWN = Intruder("nothing known", at_least=0)
AT_LEAST_ONE = Intruder("counts at least 1")
KNOWS_PRIMARY = Intruder("knows which are primary", knows_primary=True)
LAST_ROUND = Intruder("knows last round", last_round=True)
SINGLETON = Intruder("singleton contributor", insider=True)
INTRUDERS = (NOTHING_KNOWN, AT_LEAST_ONE, KNOWS_PRIMARY, LAST_ROUND, SINGLETON)


@dataclass(frozen=True, eq=False)
class Audit:
    """What one intruder learns of the primary cells.

    Attributes
    ----------
    intruder : str
    primary : int, cells
    recoverable : int, cells
        Primary cells whose count is certain, for someone who knows that counts are whole; a cell that the audit
        could not decide counts too.
    unprotected : int, cells
        Primary cells whose interval is narrower than was asked.
    narrowest : float, persons
        Width of the narrowest interval of a primary cell; infinite where there is none.
    solves : int
        Programs solved.
    finished : bool
        False when the budget ended first: such an audit fails.
    exposed : array of int64
        Cell numbers that are recoverable; for whoever mends the table, never for print.
    """

    intruder: str
    primary: int
    recoverable: int
    unprotected: int
    narrowest: float
    solves: int
    finished: bool
    exposed: np.ndarray

    @property
    def passed(self) -> bool:
        """Whether the audit ended and no primary cell is recoverable or too narrow."""
        return self.finished and self.recoverable == 0 and self.unprotected == 0


def box(
    cells: Cells,
    suppressed: np.ndarray,
    primary: np.ndarray,
    intruder: Intruder,
    *,
    minimum_count: int | None = None,
    last: np.ndarray | None = None,
    margin: float = 0,
) -> tuple[np.ndarray, np.ndarray]:
    """Bounds that an intruder puts on every cell before any arithmetic.

    Parameters
    ----------
    cells : Cells
    suppressed, primary : array of bool, (cells,)
    intruder : Intruder
    minimum_count : int, optional
        The rule, needed for an intruder who knows which cells are primary.
    last : array of float, (cells,), optional
        What the last round published; NaN where it published nothing. Needed for an intruder who remembers.
    margin : float, share
        How far (0.05: five per cent) a count may have moved since, in their belief.

    Returns
    -------
    lower, upper : array of float64, (cells,)
        The truth always lies between: a belief that is false helps nobody.
    """
    truth = cells.counts.astype(np.float64)
    hidden = suppressed | ~cells.published
    lower, upper = truth.copy(), truth.copy()
    zeros = bool((truth[suppressed] == 0).any())
    lower[suppressed] = 0 if zeros else np.minimum(intruder.at_least, truth[suppressed])
    lower[~cells.published] = 0
    upper[hidden] = np.inf
    if intruder.knows_primary:
        if minimum_count is None:
            raise PolicyError("intruder", "knows which cells are primary, but the rule is not given.", "Give `minimum_count`.")
        small = suppressed & primary & (truth < minimum_count)
        upper[small] = minimum_count - 1
        others = suppressed & ~primary & (truth >= minimum_count)
        lower[others] = minimum_count
    if intruder.last_round:
        if last is None:
            raise PolicyError("intruder", "knows last round, but its values are not given.", "Give `last`.")
        near, far = last - np.abs(last) * margin, last + np.abs(last) * margin
        right = hidden & (near <= truth) & (truth <= far)  # comparisons with NaN are false
        lower[right] = np.maximum(lower[right], near[right])
        upper[right] = np.minimum(upper[right], far[right])
    return lower, upper


def insiders(cells: Cells, singletons: np.ndarray) -> list[np.ndarray]:
    """Cells that one and the same contributor fills alone.

    Parameters
    ----------
    cells : Cells
    singletons : array of bool, (cells,)
        Cells with a single contributor; in a table of persons, the cells with a count of 1.

    Returns
    -------
    list of array of int64
        Cells that each insider knows: a singleton and the singleton totals above it.
    """
    own = np.flatnonzero(singletons)
    inside = cells.identities[:, own]
    parents, children = inside < 0, inside > 0
    graph = sparse.csr_array(parents.T.astype(np.int64) @ children.astype(np.int64))
    number, of_cell = connected_components(graph, directed=False)
    order = np.argsort(of_cell, kind="stable")
    return np.split(own[order], np.cumsum(np.bincount(of_cell, minlength=number))[:-1]) if len(own) else []


@dataclass(frozen=True, eq=False)
class _System:
    """Moves that what is shown allows: ``matrix @ z == 0`` within bounds, z = 0 at the truth."""

    matrix: sparse.csr_array
    cells: np.ndarray
    lower: np.ndarray
    upper: np.ndarray


def _system(cells: Cells, lower: np.ndarray, upper: np.ndarray, *, whole: bool) -> _System:
    """Unknown cells that can move at all, after bounds propagation."""
    truth = cells.counts.astype(np.float64)
    known = np.flatnonzero(lower < upper)
    matrix = cells.identities[:, known]
    matrix = matrix[np.flatnonzero(np.diff(matrix.indptr) > 0)]
    low, up = propagate(matrix, lower[known] - truth[known], upper[known] - truth[known], whole=whole)
    loose = np.flatnonzero(up - low > _NEAR)
    matrix = matrix[:, loose]
    matrix = matrix[np.flatnonzero(np.diff(matrix.indptr) > 0)]
    return _System(matrix, known[loose], low[loose], up[loose])


def propagate(
    matrix: sparse.csr_array, lower: np.ndarray, upper: np.ndarray, *, whole: bool
) -> tuple[np.ndarray, np.ndarray]:
    """Tighten bounds until no single identity can tighten them further.

    Parameters
    ----------
    matrix : scipy.sparse.csr_array, (rows, cells), entries -1 and +1
    lower, upper : array, (cells,)
    whole : bool
        Whether counts are whole numbers.

    Returns
    -------
    lower, upper : array of float64, (cells,)
    """
    low, up = lower.astype(np.float64), upper.astype(np.float64)
    if matrix.nnz == 0:
        return low, up
    row = np.repeat(np.arange(matrix.shape[0]), np.diff(matrix.indptr))
    column, sign = matrix.indices, matrix.data
    plus = sign > 0
    for _ in range(_SWEEPS):
        least = np.where(plus, low[column], -up[column])
        most = np.where(plus, up[column], -low[column])
        new_most = -_others(least, row, matrix.shape[0], -np.inf)
        new_least = -_others(most, row, matrix.shape[0], np.inf)
        to_low = np.where(plus, new_least, -new_most)
        to_up = np.where(plus, new_most, -new_least)
        next_low, next_up = low.copy(), up.copy()
        np.maximum.at(next_low, column, to_low)
        np.minimum.at(next_up, column, to_up)
        if whole:
            next_low, next_up = np.ceil(next_low - _NEAR), np.floor(next_up + _NEAR)
        moved = (next_low > low + _NEAR) | (next_up < up - _NEAR)
        low, up = next_low, next_up
        if not moved.any():
            break
    return low, up


def _others(values: np.ndarray, row: np.ndarray, rows: int, infinite: float) -> np.ndarray:
    """For each entry the sum of the other entries of its row, infinite where one of them is."""
    endless = np.isinf(values)
    finite = np.where(endless, 0, values)
    total = np.bincount(row, weights=finite, minlength=rows)[row] - finite
    others = np.bincount(row, weights=endless, minlength=rows)[row] - endless
    return np.where(others > 0, infinite, total)


def _components(system: _System) -> list[np.ndarray]:
    """Columns of each connected component, those without any identity one by one."""
    rows, columns = system.matrix.shape
    graph = sparse.block_array([[None, system.matrix], [system.matrix.T, None]]) if rows else sparse.csr_array((columns, columns))
    of_node = connected_components(graph, directed=False)[1][rows:]
    order = np.argsort(of_node, kind="stable")
    cuts = np.flatnonzero(np.diff(of_node[order])) + 1
    return np.split(order, cuts) if columns else []


class _Component:
    """One connected component as a program, with the widest moves seen so far."""

    def __init__(self, system: _System, columns: np.ndarray, whole: bool) -> None:
        part = system.matrix[:, columns]
        self.matrix = part[np.flatnonzero(np.diff(part.indptr) > 0)]
        self.cells = system.cells[columns]
        self.whole = whole
        finite = np.concatenate([system.lower[columns], system.upper[columns]])
        widest = 1e3 + 10 * np.abs(finite[np.isfinite(finite)]).sum()
        self.endless = np.isinf(system.upper[columns]) | np.isinf(system.lower[columns])
        self.cap = min(widest, 1e9)
        self.lower = np.maximum(system.lower[columns], -self.cap)
        self.upper = np.minimum(system.upper[columns], self.cap)
        self.low = np.zeros(len(columns))  # every point seen is a move that the table allows
        self.high = np.zeros(len(columns))
        self.witnesses: list[np.ndarray] = []  # whole moves
        self.solves = 0
        nothing = np.zeros(self.matrix.shape[0])
        self.program = Program(self.matrix, nothing, nothing, self.lower, self.upper, np.zeros(len(columns)))

    def see(self, z: np.ndarray) -> bool:
        """Note a move; true when it is one of whole numbers (or counts need not be whole)."""
        rounded = np.rint(z)
        if self.whole and np.abs(z - rounded).max(initial=0) > _NEAR:
            np.minimum(self.low, z, out=self.low)
            np.maximum(self.high, z, out=self.high)
            return False
        z = rounded if self.whole else z
        if self.whole and np.abs(self.matrix @ z).max(initial=0) > 0:
            return False
        np.minimum(self.low, z, out=self.low)
        np.maximum(self.high, z, out=self.high)
        self.witnesses.append(z)
        return True

    def push(self, cost: np.ndarray) -> np.ndarray:
        """The move that is best for a cost, minimised."""
        self.program.costs(np.arange(len(cost)), cost)
        self.solves += 1
        return self.program.solve().x

    def extreme(self, j: int) -> tuple[float, float]:
        """Least and greatest move of one cell."""
        ends = []
        for sign in (1.0, -1.0):
            reached = self.low[j] <= self.lower[j] + _NEAR if sign > 0 else self.high[j] >= self.upper[j] - _NEAR
            if not reached:
                cost = np.zeros(len(self.cells))
                cost[j] = sign
                self.see(self.push(cost))
            ends.append(self.low[j] if sign > 0 else self.high[j])
        low, high = ends
        return (low if low > -self.cap / 2 else -np.inf), (high if high < self.cap / 2 else np.inf)

    def whole_move(self, j: int, nodes: int) -> bool | None:
        """Whether some whole move changes cell ``j``; None when the node budget ends first."""
        undecided = False
        for sign in (1, -1):
            lower, upper = self.lower.copy(), self.upper.copy()
            if sign > 0:
                lower[j] = 1
            else:
                upper[j] = -1
            if lower[j] > upper[j]:
                continue
            nothing = np.zeros(self.matrix.shape[0])
            program = Program(
                self.matrix, nothing, nothing, lower, upper, np.zeros(len(lower)),
                integer=np.ones(len(lower), bool), nodes=nodes,
            )
            found = program.solve()
            self.solves += 1
            if found.feasible and len(found.x):
                self.see(found.x)
                return True
            undecided |= not found.optimal and found.bound == found.bound
        return None if undecided else False
