"""The judge of suppressed tables: what an intruder can solve from what is shown."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy import sparse
from scipy.sparse.csgraph import connected_components

from sdc.cells.model import Cells
from sdc.cells.solver import Program
from sdc.errors import PolicyError

_NEAR = 1e-6  # a solver's point this near to a whole number is that number
_SWEEPS = 200
_TURNS = 8  # programs that move many cells at once, before one cell at a time
_BRANCHES = 20_000  # of a program in whole numbers: a budget that every machine keeps alike


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
    """One connected component as a program, with the moves seen so far."""

    def __init__(self, system: _System, columns: np.ndarray, *, whole: bool) -> None:
        part = system.matrix[:, columns]
        self.matrix = part[np.flatnonzero(np.diff(part.indptr) > 0)]
        self.cells = system.cells[columns]
        self.whole = whole
        ends = np.concatenate([system.lower[columns], system.upper[columns]])
        self.cap = 1e3 + 10 * float(np.abs(ends[np.isfinite(ends)]).sum())  # stands for "without end"
        self.lower = np.maximum(system.lower[columns], -self.cap)
        self.upper = np.minimum(system.upper[columns], self.cap)
        self.low = np.zeros(len(columns))  # every point seen is a move that the table allows
        self.high = np.zeros(len(columns))
        self.moves: list[np.ndarray] = []  # those in whole numbers
        self.solves = 0
        self.rest = np.zeros(self.matrix.shape[0])
        self.program = Program(self.matrix, self.rest, self.rest, self.lower, self.upper, np.zeros(len(columns)))

    def push(self, cost: np.ndarray) -> np.ndarray:
        """The move that is best for a cost, minimised; noted if it is in whole numbers."""
        self.program.costs(np.arange(len(cost)), cost)
        self.solves += 1
        return self.see(self.program.solve().x)

    def see(self, z: np.ndarray) -> np.ndarray:
        """Note a move."""
        if self.whole:
            rounded = np.rint(z)
            if np.abs(z - rounded).max() <= _NEAR and not (self.matrix @ rounded).any():
                z = rounded
                self.moves.append(z)
        else:
            self.moves.append(z)
        np.minimum(self.low, z, out=self.low)
        np.maximum(self.high, z, out=self.high)
        return z

    def extremes(self, j: int) -> tuple[float, float]:
        """Least and greatest move of one cell."""
        cost = np.zeros(len(self.cells))
        for sign in (1.0, -1.0):
            reached = self.low[j] <= self.lower[j] + _NEAR if sign > 0 else self.high[j] >= self.upper[j] - _NEAR
            if not reached:
                cost[j] = sign
                self.push(cost)
        low, high = float(self.low[j]), float(self.high[j])
        return (low if low > -self.cap / 2 else -np.inf), (high if high < self.cap / 2 else np.inf)

    def moved(self, without: np.ndarray, least: np.ndarray) -> np.ndarray:
        """Cells that some noted move changes by ``least``, among the moves that leave ``without`` alone."""
        found = np.zeros(len(self.cells), dtype=bool)
        for z in self.moves:
            if not z[without].any():
                found |= np.abs(z) >= least - _NEAR
        return found

    def decide(self, wanted: np.ndarray, without: np.ndarray, budget: int) -> tuple[np.ndarray, np.ndarray]:
        """Which of the wanted cells are certain, and which the budget left open.

        Many cells move in one program: each may go one person either way, and the sum of all is pushed.
        Only what is left gets programs of its own, first linear, then in whole numbers.
        """
        least = np.ones(len(self.cells))
        held = np.zeros(len(without))
        self.program.bounds(without, held, held)
        pending = wanted[~self.moved(without, least)[wanted]]
        sign = np.ones(len(self.cells))
        for turn in range(_TURNS):
            if len(pending) < 2:
                break
            low, up = np.maximum(self.lower[pending], -1), np.minimum(self.upper[pending], 1)
            self.program.bounds(pending, low, up)
            cost = np.zeros(len(self.cells))
            cost[pending] = -sign[pending]
            self.push(cost)
            self.program.bounds(pending, self.lower[pending], self.upper[pending])
            before = len(pending)
            pending = pending[~self.moved(without, least)[pending]]
            if turn and len(pending) > 0.9 * before:
                break
            sign = -sign if turn % 2 == 0 else np.where(np.arange(len(sign)) % (turn + 1) == 0, 1.0, -1.0)
        certain, open_ = [], []
        for j in pending.tolist():
            if self.solves >= budget:
                open_.append(j)
                continue
            answer = self._alone(j, without, least)
            if answer is None:
                open_.append(j)
            elif answer:
                certain.append(j)
        self.program.bounds(without, self.lower[without], self.upper[without])
        return np.array(certain, dtype=np.int64), np.array(open_, dtype=np.int64)

    def _alone(self, j: int, without: np.ndarray, least: np.ndarray) -> bool | None:
        """Whether one cell is certain; None when its budget of branches ends first."""
        if self.moved(without, least)[j]:
            return False
        reach = []
        cost = np.zeros(len(self.cells))
        for sign in (1.0, -1.0):
            cost[j] = sign
            z = self.push(cost)
            if self.moved(without, least)[j]:
                return False
            reach.append(abs(z[j]))
        if max(reach) < 1 - _NEAR:
            return True
        if not self.whole:
            return False
        open_ = False
        for sign, far in zip((-1.0, 1.0), reach, strict=True):
            if far < 1 - _NEAR:
                continue
            lower, upper = self.lower.copy(), self.upper.copy()
            lower[without] = upper[without] = 0
            if sign > 0:
                lower[j] = 1
            else:
                upper[j] = -1
            program = Program(
                self.matrix, self.rest, self.rest, lower, upper, np.zeros(len(lower)),
                integer=np.ones(len(lower), dtype=bool), nodes=_BRANCHES,
            )
            found = program.solve()
            self.solves += 1
            if len(found.x):
                self.see(found.x)
                return False
            open_ |= found.status != "infeasible"
        return None if open_ else True


def _whole(cells: Cells) -> bool:
    """Whether the counts are whole numbers, which the intruder knows."""
    return bool(np.issubdtype(cells.counts.dtype, np.integer))


def bounds(cells: Cells, lower: np.ndarray, upper: np.ndarray, wanted: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Least and greatest count of each wanted cell that agrees with everything shown.

    Parameters
    ----------
    cells : Cells
    lower, upper : array, (cells,)
        What the intruder puts on every cell beforehand (``box``); equal where a cell is shown.
    wanted : array of bool, (cells,)

    Returns
    -------
    lower, upper : array of float64, (cells,)
        Tight for wanted cells (without asking that the other counts be whole); as given for the others.

    Guarantees
    ----------
    * The truth lies in every interval.
    * One more shown cell never widens an interval.

    References
    ----------
    Fischetti, Salazar-Gonzalez (2001), Management Science 47(7), section 2.
    """
    truth = cells.counts.astype(np.float64)
    low, up = lower.astype(np.float64), upper.astype(np.float64)
    low[wanted] = up[wanted] = truth[wanted]
    system = _system(cells, lower, upper, whole=_whole(cells))
    for columns in _components(system):
        asked = np.flatnonzero(wanted[system.cells[columns]])
        if len(asked):
            part = _Component(system, columns, whole=_whole(cells))
            for j in asked.tolist():
                least, most = part.extremes(j)
                cell = part.cells[j]
                low[cell], up[cell] = truth[cell] + least, truth[cell] + most
    return low, up


def audit(
    cells: Cells,
    suppressed: np.ndarray,
    primary: np.ndarray,
    intruder: Intruder,
    *,
    minimum_count: int | None = None,
    last: np.ndarray | None = None,
    margin: float = 0,
    groups: Sequence[np.ndarray] | None = None,
    need: float = 1,
    budget: int = 1_000_000,
) -> Audit:
    """Judge a pattern of suppressed cells against one intruder.

    Parameters
    ----------
    cells : Cells
    suppressed, primary : array of bool, (cells,)
    intruder : Intruder
    minimum_count, last, margin : see ``box``
    groups : sequence of array of int, optional
        Cells that each insider knows; without it those of ``insiders`` over the counts of 1.
    need : float, persons
        Least width of an interval.
    budget : int, programs
        After which the audit stops, unfinished.

    Returns
    -------
    Audit

    Guarantees
    ----------
    * ``recoverable`` is exact for an intruder who knows that counts are whole, when the audit is finished.
    * A pattern that passes for an intruder passes for one who knows less.
    """
    whole = _whole(cells)
    lower, upper = box(
        cells, suppressed, primary, intruder, minimum_count=minimum_count, last=last, margin=margin
    )
    system = _system(cells, lower, upper, whole=whole)
    place = np.full(len(cells), -1)
    place[system.cells] = np.arange(len(system.cells))
    certain = set(np.flatnonzero(primary & (place < 0)).tolist())
    if groups is None:
        groups = insiders(cells, suppressed & (cells.counts == 1)) if intruder.insider else []
    left: set[int] = set()
    solves, widths = 0, []
    for columns in _components(system):
        asked = np.flatnonzero(primary[system.cells[columns]])
        if not len(asked):
            continue
        part = _Component(system, columns, whole=whole)
        everything = [np.zeros(0, np.int64)]
        if intruder.insider:
            local = np.full(len(cells), -1)
            local[part.cells] = np.arange(len(part.cells))
            everything += [inside[inside >= 0] for inside in (local[group] for group in groups) if (inside >= 0).any()]
        for without in everything:
            sure, open_ = part.decide(np.setdiff1d(asked, without), without, budget - solves)
            certain.update(part.cells[sure].tolist())
            left.update(part.cells[open_].tolist())
        widths.append(_narrowest(part, np.array([j for j in asked if part.cells[j] not in certain], dtype=np.int64), budget - solves))
        solves += part.solves
    narrowest = 0.0 if certain or left else min(widths, default=np.inf)
    exposed = np.array(sorted(certain | left), dtype=np.int64)
    unprotected = len(exposed) if need <= 1 else _narrower(cells, lower, upper, primary, need)
    return Audit(
        intruder.name, int(primary.sum()), len(exposed), unprotected, narrowest, solves, not left and solves < budget, exposed
    )


def _narrowest(part: _Component, asked: np.ndarray, budget: int) -> float:
    """Width of the narrowest interval in a component: exact, as only cells that may be it are solved."""
    best = np.inf
    known: set[int] = set()
    while len(asked) and part.solves < budget:
        width = part.high[asked] - part.low[asked]
        j = int(asked[np.argmin(width)])
        if width.min() >= best or j in known:
            break
        low, high = part.extremes(j)
        known.add(j)
        best = min(best, high - low)
    return float(best)


def _narrower(cells: Cells, lower: np.ndarray, upper: np.ndarray, primary: np.ndarray, need: float) -> int:
    """How many primary cells have an interval below the width asked."""
    low, up = bounds(cells, lower, upper, primary)
    return int((up[primary] - low[primary] < need - _NEAR).sum())
