"""What a published table leaves open: bounds propagation, connected components, and moves that change no sum."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy import sparse
from scipy.sparse.csgraph import connected_components

from sdc.cells.model import Cells
from sdc.cells.solver import Program

NEAR = 1e-6  # a solver's point this near to a whole number is that number
_SWEEPS = 200
_TURNS = 8  # programs that move many cells at once, before one cell at a time
_LARGE = 600  # cells of a component that is searched block by block first
_BRANCHES = 20_000  # of a program in whole numbers: a budget that every machine keeps alike


@dataclass(frozen=True, eq=False)
class System:
    """Moves that what is shown allows: ``matrix @ z == 0`` within bounds, z = 0 at the truth."""

    matrix: sparse.csr_array
    cells: np.ndarray
    lower: np.ndarray
    upper: np.ndarray


def system_of(cells: Cells, lower: np.ndarray, upper: np.ndarray, *, whole: bool) -> System:
    """Unknown cells that can move at all, after bounds propagation."""
    truth = cells.counts.astype(np.float64)
    known = np.flatnonzero(lower < upper)
    matrix = cells.identities[:, known]
    matrix = matrix[np.flatnonzero(np.diff(matrix.indptr) > 0)]
    low, up = propagate(matrix, lower[known] - truth[known], upper[known] - truth[known], whole=whole)
    loose = np.flatnonzero(up - low > NEAR)
    matrix = matrix[:, loose]
    matrix = matrix[np.flatnonzero(np.diff(matrix.indptr) > 0)]
    return System(matrix, known[loose], low[loose], up[loose])


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
            next_low, next_up = np.ceil(next_low - NEAR), np.floor(next_up + NEAR)
        moved = (next_low > low + NEAR) | (next_up < up - NEAR)
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


def components(system: System) -> list[np.ndarray]:
    """Columns of each connected component, those without any identity one by one."""
    rows, columns = system.matrix.shape
    graph = (
        sparse.block_array([[None, system.matrix], [system.matrix.T, None]])
        if rows
        else sparse.csr_array((columns, columns))
    )
    of_node = connected_components(graph, directed=False)[1][rows:]
    order = np.argsort(of_node, kind="stable")
    cuts = np.flatnonzero(np.diff(of_node[order])) + 1
    return np.split(order, cuts) if columns else []


class Component:
    """One connected component, its programs, and the moves found so far.

    A large component has a program for each block besides the one for all: a move inside a block, nothing else
    moving, is a move of the whole, and found much sooner. Only the program for all can prove that there is none.
    """

    def __init__(self, system: System, columns: np.ndarray, blocks: np.ndarray, *, whole: bool) -> None:
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
        self.short: dict[int, Program] = {}

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
        rounded = self._in_whole_numbers(place, z) if self.whole else z
        if rounded is None:
            return
        touched = place[np.abs(rounded) > NEAR].tolist()
        far = place[np.abs(rounded) >= 1 - NEAR].tolist()
        number = len(self.moves)
        self.moves.append((frozenset(touched), far))
        for j in touched:
            self.touching[j].append(number)
        for j in far:
            self.of_cell[j].append(number)

    def _in_whole_numbers(self, place: np.ndarray, z: np.ndarray) -> np.ndarray | None:
        """The move, or the same further, in whole persons; None where neither is one."""
        for times in (1, 2, 3, 4, 6):
            whole = np.rint(z * times)
            if np.abs(z * times - whole).max(initial=0) <= NEAR and not (self.matrix[:, place] @ whole).any():
                inside = (whole >= self.lower[place] - NEAR) & (whole <= self.upper[place] + NEAR)
                if inside.all():
                    return whole
        return None

    def moves_without(self, j: int, without: frozenset[int]) -> bool:
        """Whether a noted move changes a cell and leaves others alone."""
        return any(not (self.moves[number][0] & without) for number in self.of_cell[j])

    def extremes(self, j: int) -> tuple[float, float]:
        """Least and greatest move of one cell."""
        cost = np.zeros(len(self.cells))
        for sign in (1.0, -1.0):
            reached = self.low[j] <= self.lower[j] + NEAR if sign > 0 else self.high[j] >= self.upper[j] - NEAR
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
                answer = self._alone(number, j, hidden)
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

    def _alone(self, number: int, j: int, hidden: frozenset[int]) -> bool | None:
        """Whether one cell is certain in one place; None when its budget of branches ends first.

        Of all moves of this cell by a person the shortest is sought: it is nearly always one of whole persons.
        """
        place = self.places[number]
        size = len(place)
        at = int(np.flatnonzero(place == j)[0])
        pair, fixed = np.array([at, at + size]), np.flatnonzero(np.isin(place, list(hidden)))
        fixed = np.append(fixed, fixed + size)
        ends = np.append(self.upper[place], -self.lower[place])
        program = self._short(number)
        program.bounds(fixed, np.zeros(len(fixed)), np.zeros(len(fixed)))
        reached = []
        for sign in (1, -1):
            if self.moves_without(j, hidden):
                break
            if ends[pair[0 if sign > 0 else 1]] < 1:
                continue
            steps = np.array([1.0, 0.0]) if sign > 0 else np.array([0.0, 1.0])
            program.bounds(pair, steps, steps)
            x = program.solve().x
            self.solves += 1
            if len(x):
                reached.append(sign)
                self.see(place, x[:size] - x[size:])
        program.bounds(np.append(pair, fixed), np.zeros(2 + len(fixed)), ends[np.append(pair, fixed)])
        if self.moves_without(j, hidden):
            return False
        if not reached:
            return True
        return self._alone_whole(number, j, hidden, reached) if self.whole else False

    def _short(self, number: int) -> Program:
        """The program of one place for shortest moves, each cell's way up and way down a column of its own."""
        if number not in self.short:
            place = self.places[number]
            matrix = _filled(self.matrix[:, place])
            rest = np.zeros(matrix.shape[0])
            self.short[number] = Program(
                sparse.hstack([matrix, -matrix]),
                rest,
                rest,
                np.zeros(2 * len(place)),
                np.append(self.upper[place], -self.lower[place]),
                np.ones(2 * len(place)),
                restart=True,
            )
        return self.short[number]

    def _alone_whole(self, number: int, j: int, hidden: frozenset[int], signs: Sequence[int]) -> bool | None:
        """Whether no move in whole numbers changes a cell, although a broken one does."""
        place = self.places[number]
        matrix = _filled(self.matrix[:, place])
        rest = np.zeros(matrix.shape[0])
        held = np.isin(place, list(hidden))
        at = int(np.flatnonzero(place == j)[0])
        open_ = False
        for sign in signs:
            lower, upper = np.where(held, 0, self.lower[place]), np.where(held, 0, self.upper[place])
            lower[at], upper[at] = (1, upper[at]) if sign > 0 else (lower[at], -1)
            every = np.ones(len(place), dtype=bool)
            program = Program(matrix, rest, rest, lower, upper, np.zeros(len(place)), integer=every, nodes=_BRANCHES)
            found = program.solve()
            self.solves += 1
            if len(found.x):
                self.see(place, found.x)
                return False
            open_ |= found.status != "infeasible"
        return None if open_ else True


def _filled(matrix: sparse.csr_array) -> sparse.csr_array:
    """Without empty rows."""
    return matrix[np.flatnonzero(np.diff(matrix.indptr) > 0)]
