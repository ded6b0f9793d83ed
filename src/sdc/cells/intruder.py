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
_LARGE = 600  # cells of a component that is searched block by block first
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
    """One connected component, its programs, and the moves found so far.

    A large component has a program for each block besides the one for all: a move inside a block, nothing else
    moving, is a move of the whole, and found much sooner. Only the program for all can prove that there is none.
    """

    def __init__(self, system: _System, columns: np.ndarray, blocks: np.ndarray, *, whole: bool) -> None:
        self.matrix = _filled(system.matrix[:, columns])
        self.cells = system.cells[columns]
        self.whole = whole
        ends = np.concatenate([system.lower[columns], system.upper[columns]])
        self.cap = 1e3 + 10 * float(np.abs(ends[np.isfinite(ends)]).sum())  # stands for "without end"
        self.lower = np.maximum(system.lower[columns], -self.cap)
        self.upper = np.minimum(system.upper[columns], self.cap)
        self.low = np.zeros(len(columns))  # the furthest points seen
        self.high = np.zeros(len(columns))
        self.solves = 0
        self.of_cell: list[list[int]] = [[] for _ in columns]  # moves that change a cell by a person or more
        self.touching: list[list[int]] = [[] for _ in columns]  # moves that change it at all
        self.moves: list[tuple[frozenset[int], list[int]]] = []  # cells touched, cells changed by a person or more
        every = np.arange(len(columns))
        own = blocks[self.cells]
        self.places = [every[own == block] for block in np.unique(own[own >= 0])] if len(columns) > _LARGE else []
        self.places.append(every)
        self.programs: dict[int, Program] = {}

    def program(self, number: int) -> Program:
        """The program of one place, built when it is first needed."""
        if number not in self.programs:
            place = self.places[number]
            matrix = _filled(self.matrix[:, place])
            rest = np.zeros(matrix.shape[0])
            self.programs[number] = Program(
                matrix, rest, rest, self.lower[place], self.upper[place], np.zeros(len(place))
            )
        return self.programs[number]

    def push(self, number: int, cost: np.ndarray) -> None:
        """Look for the move that is best for a cost over one place, minimised, and note it."""
        place = self.places[number]
        program = self.program(number)
        program.costs(np.arange(len(place)), cost[place])
        self.solves += 1
        self.see(place, program.solve().x)

    def see(self, place: np.ndarray, z: np.ndarray) -> None:
        """Note a move of the cells of one place; it can be a witness when it is one of whole persons."""
        self.low[place] = np.minimum(self.low[place], z)
        self.high[place] = np.maximum(self.high[place], z)
        rounded = np.rint(z) if self.whole else z
        if self.whole and (np.abs(z - rounded).max(initial=0) > _NEAR or (self.matrix[:, place] @ rounded).any()):
            return
        touched = place[np.abs(rounded) > _NEAR].tolist()
        far = place[np.abs(rounded) >= 1 - _NEAR].tolist()
        number = len(self.moves)
        self.moves.append((frozenset(touched), far))
        for j in touched:
            self.touching[j].append(number)
        for j in far:
            self.of_cell[j].append(number)

    def moves_without(self, j: int, without: frozenset[int]) -> bool:
        """Whether a noted move changes a cell and leaves others alone."""
        return any(not (self.moves[number][0] & without) for number in self.of_cell[j])

    def extremes(self, j: int) -> tuple[float, float]:
        """Least and greatest move of one cell."""
        cost = np.zeros(len(self.cells))
        for sign in (1.0, -1.0):
            reached = self.low[j] <= self.lower[j] + _NEAR if sign > 0 else self.high[j] >= self.upper[j] - _NEAR
            if not reached:
                cost[j] = sign
                self.push(len(self.places) - 1, cost)
        low, high = float(self.low[j]), float(self.high[j])
        return (low if low > -self.cap / 2 else -np.inf), (high if high < self.cap / 2 else np.inf)

    def decide(self, wanted: Sequence[int], without: np.ndarray, budget: int) -> tuple[list[int], list[int]]:
        """Which of the wanted cells are certain, and which the budget left open.

        Many cells move in one program: each may go one person either way, and the sum of all is pushed.
        Only what is left gets programs of its own, first linear, then in whole numbers.
        """
        hidden = frozenset(without.tolist())
        pending = [j for j in wanted if not self.moves_without(j, hidden)]
        certain, open_ = [], []
        for number, place in enumerate(self.places):
            inside = np.full(len(self.cells), -1)
            inside[place] = np.arange(len(place))
            here = [j for j in pending if inside[j] >= 0]
            if not here:
                continue
            fixed = inside[without][inside[without] >= 0]
            self.program(number).bounds(fixed, np.zeros(len(fixed)), np.zeros(len(fixed)))
            here = self._together(number, here, inside, hidden)
            last = number == len(self.places) - 1
            for j in here:
                if self.solves >= budget:
                    open_ += [j] if last else []
                    continue
                answer = self._alone(number, j, without, hidden)
                if answer is None:
                    open_ += [j] if last else []
                elif answer and last:
                    certain.append(j)
            self.program(number).bounds(fixed, self.lower[place][fixed], self.upper[place][fixed])
            pending = [j for j in pending if not self.moves_without(j, hidden)]
        return certain, open_

    def _together(self, number: int, pending: list[int], inside: np.ndarray, hidden: frozenset[int]) -> list[int]:
        """Move as many cells as possible at once; the cells that nothing moved."""
        sign = np.ones(len(self.cells))
        for turn in range(_TURNS):
            if len(pending) < 2:
                break
            now = np.array(pending)
            program = self.program(number)
            program.bounds(inside[now], np.maximum(self.lower[now], -1), np.minimum(self.upper[now], 1))
            cost = np.zeros(len(self.cells))
            cost[now] = -sign[now]
            self.push(number, cost)
            program.bounds(inside[now], self.lower[now], self.upper[now])
            pending = [j for j in pending if not self.moves_without(j, hidden)]
            if turn and len(pending) > 0.9 * len(now):
                break
            sign = -sign if turn % 2 == 0 else np.where(np.arange(len(sign)) % (turn + 1) == 0, 1.0, -1.0)
        return pending

    def _alone(self, number: int, j: int, without: np.ndarray, hidden: frozenset[int]) -> bool | None:
        """Whether one cell is certain in one place; None when its budget of branches ends first."""
        reach = []
        cost = np.zeros(len(self.cells))
        for sign in (1.0, -1.0):
            if self.moves_without(j, hidden):
                return False
            cost[j] = sign
            before = (self.low[j], self.high[j])
            self.low[j] = self.high[j] = 0
            self.push(number, cost)
            reach.append(max(-self.low[j], self.high[j]))
            self.low[j], self.high[j] = min(before[0], self.low[j]), max(before[1], self.high[j])
        if self.moves_without(j, hidden):
            return False
        if max(reach) < 1 - _NEAR:
            return True
        if number < len(self.places) - 1 or not self.whole:
            return False
        return self._alone_whole(j, without, reach)

    def _alone_whole(self, j: int, without: np.ndarray, reach: Sequence[float]) -> bool | None:
        """Whether no move in whole numbers changes a cell, although a broken one does."""
        open_ = False
        rest = np.zeros(self.matrix.shape[0])
        for sign, far in zip((-1.0, 1.0), (reach[0], reach[1]), strict=True):
            if far < 1 - _NEAR:
                continue
            lower, upper = self.lower.copy(), self.upper.copy()
            lower[without] = upper[without] = 0
            lower[j], upper[j] = (1, upper[j]) if sign > 0 else (lower[j], -1)
            every = np.ones(len(lower), dtype=bool)
            program = Program(
                self.matrix, rest, rest, lower, upper, np.zeros(len(lower)), integer=every, nodes=_BRANCHES
            )
            found = program.solve()
            self.solves += 1
            if len(found.x):
                self.see(self.places[-1], found.x)
                return False
            open_ |= found.status != "infeasible"
        return None if open_ else True


def _filled(matrix: sparse.csr_array) -> sparse.csr_array:
    """Without empty rows."""
    return matrix[np.flatnonzero(np.diff(matrix.indptr) > 0)]


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
            part = _Component(system, columns, cells.blocks, whole=_whole(cells))
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
        part = _Component(system, columns, cells.blocks, whole=whole)
        sure, open_ = part.decide(asked.tolist(), np.zeros(0, np.int64), budget - solves)
        certain.update(part.cells[sure].tolist())
        left.update(part.cells[open_].tolist())
        if intruder.insider:
            local = np.full(len(cells), -1)
            local[part.cells] = np.arange(len(part.cells))
            wanted = set(asked.tolist())
            for group in groups:
                without = local[group][local[group] >= 0]
                moved = {j for cell in without for number in part.touching[cell] for j in part.moves[number][1]}
                sure, open_ = part.decide(sorted(moved & wanted - set(without.tolist())), without, budget - solves)
                certain.update(part.cells[sure].tolist())
                left.update(part.cells[open_].tolist())
        widths.append(_narrowest(part, asked, budget - solves))
        solves += part.solves
    narrowest = 0.0 if certain or left else min(widths, default=np.inf)
    exposed = np.array(sorted(certain | left), dtype=np.int64)
    unprotected = len(exposed) if need <= 1 else _narrower(cells, lower, upper, primary, need)
    return Audit(
        intruder.name, int(primary.sum()), len(exposed), unprotected, narrowest, solves, not left and solves < budget, exposed
    )


def _narrowest(part: _Component, asked: np.ndarray, budget: int) -> float:
    """Width of the narrowest interval in a component: exact, as only cells that may be it are solved."""
    width = part.high[asked] - part.low[asked]
    ends = part.upper[asked] - part.lower[asked]
    best = float(np.min(ends, where=width >= ends - _NEAR, initial=np.inf))
    known: set[int] = set()
    while len(asked) and part.solves < budget:
        width = part.high[asked] - part.low[asked]
        j = int(asked[np.argmin(width)])
        if width.min() >= best - _NEAR or j in known:
            break
        low, high = part.extremes(j)
        known.add(j)
        best = min(best, high - low)
    return best


def _narrower(cells: Cells, lower: np.ndarray, upper: np.ndarray, primary: np.ndarray, need: float) -> int:
    """How many primary cells have an interval below the width asked."""
    low, up = bounds(cells, lower, upper, primary)
    return int((up[primary] - low[primary] < need - _NEAR).sum())
