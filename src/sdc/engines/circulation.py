"""Moves that leave every sum as it is: the program behind one proof that a cell is protected."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from scipy import sparse

from sdc.cells.model import Cells
from sdc.cells.solver import Program

NEAR = 1e-6
CHEAP = 1e-3  # share of its weight that a cell costs once it is suppressed: short moves before long ones
_DETOURS = 8  # linear programs tried before branching
_BRANCHES = 2_000  # of a program in whole numbers


class Need(NamedTuple):
    """A primary cell that must be able to move by an amount, one way or either, while some cells stand still."""

    cell: int
    signs: tuple[int, ...]
    amount: float
    still: tuple[int, ...] = ()


class Move(NamedTuple):
    """A move that the identities allow: cells and by how much; and the weight of cells it adds to the pattern."""

    cells: np.ndarray
    by: np.ndarray
    added: float = 0.0

    def serves(self, need: Need) -> bool:
        """Whether the move is a certificate for a need."""
        at = np.flatnonzero(self.cells == need.cell)
        if not len(at) or (need.still and np.isin(self.cells, need.still).any()):
            return False
        moved = self.by[at[0]]
        return any(sign * moved >= need.amount - NEAR for sign in need.signs)


class Place:
    """The program of one set of cells, everything outside standing still."""

    def __init__(self, problem: "Problem", cells: np.ndarray) -> None:
        matrix = sparse.csr_array(problem.by_column[:, cells])
        matrix = matrix[np.flatnonzero(np.diff(matrix.indptr) > 0)]
        self.cells = cells
        self.at = np.full(problem.size, -1)
        self.at[cells] = np.arange(len(cells))
        self.up, self.down, self.weight = problem.up[cells], problem.down[cells], problem.weight[cells]
        self.cheap = np.zeros(len(cells), dtype=bool)
        self.matrix = sparse.hstack([matrix, -matrix])
        self.rest = np.zeros(matrix.shape[0])
        by_column = sparse.csc_array(matrix)
        self.row, self.rises = by_column.indices, by_column.data > 0
        self.column = np.repeat(np.arange(len(cells)), np.diff(by_column.indptr))
        self.program = Program(
            self.matrix,
            self.rest,
            self.rest,
            np.zeros(2 * len(cells)),
            np.append(self.up, self.down),
            np.append(self.weight, self.weight),
            restart=True,
        )

    def price(self, suppressed: np.ndarray) -> None:
        """Make what is suppressed already nearly free."""
        now = suppressed[self.cells]
        changed = np.flatnonzero(now != self.cheap)
        if len(changed):
            self.cheap = now
            cost = np.where(now[changed], CHEAP, 1.0) * self.weight[changed]
            self.program.costs(np.append(changed, changed + len(self.cells)), np.append(cost, cost))

    def stuck(self, suppressed: np.ndarray, primary: np.ndarray) -> bool:
        """Whether some primary cell of this place plainly cannot move within a pattern.

        A cell can rise only if in each of its sums another can make up for it; so on until nothing changes. What
        this finds is certain, and found without a program; what it misses the program finds.
        """
        hidden = suppressed[self.cells]
        kept = hidden[self.column]
        row, column, rises = self.row[kept], self.column[kept], self.rises[kept]
        first = np.flatnonzero(np.diff(column, prepend=-1))
        rows, own = len(self.rest), column[first]
        up, down = hidden & (self.up > 0), hidden & (self.down > 0)
        while len(own):
            adds = np.where(rises, up[column], down[column])
            takes = np.where(rises, down[column], up[column])
            met_add = np.bincount(row, weights=takes, minlength=rows)[row] > takes
            met_take = np.bincount(row, weights=adds, minlength=rows)[row] > adds
            next_up, next_down = up.copy(), down.copy()
            next_up[own] &= np.logical_and.reduceat(np.where(rises, met_add, met_take), first)
            next_down[own] &= np.logical_and.reduceat(np.where(rises, met_take, met_add), first)
            if (next_up == up).all() and (next_down == down).all():
                break
            up, down = next_up, next_down
        return bool((primary[self.cells] & ~up & ~down).any())

    def cheapest(self, need: Need, banned: Sequence[int], *, whole: bool, thorough: bool) -> Move | None:
        """The move that serves a need and adds the least weight; None where there is none."""
        size = len(self.cells)
        j = self.at[need.cell]
        still = np.unique(self.at[[*need.still, *banned]]) if need.still or banned else np.zeros(0, np.int64)
        still = still[still >= 0]
        fixed = np.append(still, still + size)
        none = np.zeros(len(fixed))
        self.program.bounds(fixed, none, none)
        pair = np.array([j, j + size])
        best: Move | None = None
        for sign in need.signs:
            room = self.up[j] if sign > 0 else self.down[j]
            if room < need.amount or (best is not None and best.added <= NEAR):
                continue
            ends = np.array([need.amount, 0.0] if sign > 0 else [0.0, need.amount])
            self.program.bounds(pair, ends, ends)
            move = self._move(self.program.solve().x)
            if whole and move is not None:
                move = self._whole(move) or (self._detour(move, pair, ends, fixed) if thorough else None)
            if move is not None and (best is None or move.added < best.added - NEAR):
                best = move
        self.program.bounds(pair, np.zeros(2), np.array([self.up[j], self.down[j]]))
        self.program.bounds(fixed, none, np.append(self.up[still], self.down[still]))
        return best

    def _whole(self, move: Move) -> Move | None:
        """The move in whole numbers: an intruder who knows that counts are whole must find room too.

        A broken move is tried at a multiple of its length: the same cells, further.
        """
        at = self.at[move.cells]
        for times in (1, 2, 3, 4, 6):
            by = np.rint(move.by * times)
            if np.abs(by - move.by * times).max() > NEAR:
                continue
            if (by <= self.up[at]).all() and (-by <= self.down[at]).all():
                return Move(move.cells, by, move.added)
        return None

    def _detour(self, move: Move, pair: np.ndarray, ends: np.ndarray, fixed: np.ndarray) -> Move | None:
        """Another move in place of a broken one: first with its broken cells made dear, then by branching."""
        size = len(self.cells)
        price = np.where(self.cheap, CHEAP, 1.0) * self.weight
        dear, seen = price.copy(), self.cheap.copy()
        found = None
        for _ in range(_DETOURS):
            broken = self.at[move.cells[np.abs(move.by - np.rint(move.by)) > NEAR]]
            seen[self.at[move.cells]] = True
            dear[broken] = 3 * dear[broken] + self.weight[broken]
            self.program.costs(np.append(broken, broken + size), np.tile(dear[broken], 2))
            other = self._move(self.program.solve().x)
            if other is None:
                break
            move = other
            found = self._whole(other)
            if found is not None:
                break
        changed = np.flatnonzero(dear != price)
        self.program.costs(np.append(changed, changed + size), np.tile(price[changed], 2))
        if found is not None:
            return found
        return self._branch(pair, ends, fixed, seen) or self._branch(pair, ends, fixed, np.ones(size, dtype=bool))

    def _move(self, x: np.ndarray) -> Move | None:
        if not len(x):
            return None
        z = x[: len(self.cells)] - x[len(self.cells) :]
        at = np.flatnonzero(np.abs(z) > NEAR)
        return Move(self.cells[at], z[at], float(self.weight[at][~self.cheap[at]].sum()))

    def _branch(self, pair: np.ndarray, ends: np.ndarray, fixed: np.ndarray, among: np.ndarray) -> Move | None:
        """The cheapest move in whole numbers among some cells, by branch and bound."""
        lower, upper = np.zeros(2 * len(self.cells)), np.append(self.up, self.down)
        upper[fixed] = 0
        upper[np.tile(~among, 2)] = 0
        lower[pair] = upper[pair] = ends
        cost = np.where(self.cheap, CHEAP, 1.0) * self.weight
        program = Program(
            self.matrix,
            self.rest,
            self.rest,
            lower,
            upper,
            np.append(cost, cost),
            integer=np.ones(len(lower), dtype=bool),
            nodes=_BRANCHES,
            gap=0.05,
        )
        move = self._move(program.solve().x)
        self.program.iterations += program.iterations
        return move and self._whole(move)


class Problem:
    """The table as the search sees it: weights, room to move, places."""

    def __init__(
        self,
        cells: Cells,
        weight: np.ndarray,
        lower: np.ndarray,
        upper: np.ndarray,
        free: np.ndarray,
        judged: np.ndarray,
    ) -> None:
        truth = cells.counts.astype(np.float64)
        self.size = len(cells)
        self.by_column = sparse.csc_array(cells.identities)
        self.weight = weight
        self.down = np.maximum(truth - lower, 0)
        self.up = np.minimum(np.maximum(upper - truth, 0), 1e3 + 10 * truth.max(initial=0))
        self.free = free
        self.judged = judged
        self.blocks = cells.blocks
        self.whole = bool(np.issubdtype(cells.counts.dtype, np.integer))
        self.places: dict[int, Place] = {}

    def place(self, block: int) -> Place:
        """The cells of one block, or all (-1)."""
        if block not in self.places:
            inside = self.free if block < 0 else self.free & (self.blocks == block)
            self.places[block] = Place(self, np.flatnonzero(inside))
        return self.places[block]

    @property
    def iterations(self) -> int:
        """Work so far."""
        return sum(place.program.iterations for place in self.places.values())
