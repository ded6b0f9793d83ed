"""Secondary suppression: the cheapest cells that keep an intruder from solving for the primary ones."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from scipy import sparse

from sdc.cells.model import Cells
from sdc.cells.solver import Program
from sdc.errors import DisclosureError

_NEAR = 1e-6
_CHEAP = 1e-3  # share of its weight that a cell costs once it is suppressed: short moves before long ones
_BRANCHES = 2_000


@dataclass(frozen=True, eq=False)
class Pattern:
    """Which cells are not shown.

    Attributes
    ----------
    suppressed : array of bool, (cells,)
        Primary and secondary; one symbol stands for both in print.
    secondary : array of bool, (cells,)
    iterations : int
        Work of the solver, equal on every machine.
    """

    suppressed: np.ndarray
    secondary: np.ndarray
    iterations: int


class _Need(NamedTuple):
    """A primary cell that must be able to move by an amount, one way or either, while some cells stand still."""

    cell: int
    signs: tuple[int, ...]
    amount: float
    still: tuple[int, ...] = ()


class _Move(NamedTuple):
    """A move that the identities allow: cells and by how much; and the weight of cells it adds to the pattern."""

    cells: np.ndarray
    by: np.ndarray
    added: float = 0.0

    def serves(self, need: _Need) -> bool:
        """Whether the move is a certificate for a need."""
        at = np.flatnonzero(self.cells == need.cell)
        if not len(at) or (need.still and np.isin(self.cells, need.still).any()):
            return False
        moved = self.by[at[0]]
        return any(sign * moved >= need.amount - _NEAR for sign in need.signs)


class _Place:
    """The program of one set of cells, everything outside standing still."""

    def __init__(self, problem: "_Problem", cells: np.ndarray) -> None:
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
            np.append(self.weight, self.weight), restart=True,
        )

    def price(self, suppressed: np.ndarray) -> None:
        """Make what is suppressed already nearly free."""
        now = suppressed[self.cells]
        changed = np.flatnonzero(now != self.cheap)
        if len(changed):
            self.cheap = now
            cost = np.where(now[changed], _CHEAP, 1.0) * self.weight[changed]
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

    def cheapest(self, need: _Need, banned: Iterable[int], *, whole: bool, thorough: bool) -> _Move | None:
        """The move that serves a need and adds the least weight; None where there is none."""
        size = len(self.cells)
        j = self.at[need.cell]
        still = [k for k in (self.at[cell] for cell in (*need.still, *banned)) if k >= 0]
        fixed = np.array([*still, *(k + size for k in still)], dtype=np.int64)
        none = np.zeros(len(fixed))
        self.program.bounds(fixed, none, none)
        pair = np.array([j, j + size])
        best: _Move | None = None
        for sign in need.signs:
            room = self.up[j] if sign > 0 else self.down[j]
            if room < need.amount:
                continue
            ends = np.array([need.amount, 0.0] if sign > 0 else [0.0, need.amount])
            self.program.bounds(pair, ends, ends)
            move = self._move(self.program.solve().x)
            if whole and move is not None:
                move = self._whole(move) or (self._detour(move, pair, ends, fixed) if thorough else None)
            if move is not None and (best is None or move.added < best.added - _NEAR):
                best = move
        self.program.bounds(pair, np.zeros(2), np.array([self.up[j], self.down[j]]))
        self.program.bounds(fixed, none, np.append(self.up[still], self.down[still]))
        return best

    def _whole(self, move: _Move) -> _Move | None:
        """The move in whole numbers: an intruder who knows that counts are whole must find room too.

        A broken move is tried at a multiple of its length: the same cells, further.
        """
        at = self.at[move.cells]
        for times in (1, 2, 3, 4, 6):
            by = np.rint(move.by * times)
            if np.abs(by - move.by * times).max() > _NEAR:
                continue
            if (by <= self.up[at]).all() and (-by <= self.down[at]).all():
                return _Move(move.cells, by, move.added)
        return None

    def _detour(self, move: _Move, pair: np.ndarray, ends: np.ndarray, fixed: np.ndarray) -> _Move | None:
        """Another move in place of a broken one: first with its broken cells made dear, then by branching."""
        size = len(self.cells)
        for _ in range(3):
            broken = self.at[move.cells[np.abs(move.by - np.rint(move.by)) > _NEAR]]
            dear = np.append(broken, broken + size)
            price = np.where(self.cheap[broken], _CHEAP, 1.0) * self.weight[broken]
            self.program.costs(dear, np.tile(4 * price + self.weight[broken], 2))
            other = self._move(self.program.solve().x)
            self.program.costs(dear, np.tile(price, 2))
            if other is None:
                return None
            found = self._whole(other)
            if found is not None:
                return found
            move = other
        return self._branch(pair, ends, fixed)

    def _move(self, x: np.ndarray) -> _Move | None:
        if not len(x):
            return None
        z = x[: len(self.cells)] - x[len(self.cells) :]
        at = np.flatnonzero(np.abs(z) > _NEAR)
        return _Move(self.cells[at], z[at], float(self.weight[at][~self.cheap[at]].sum()))

    def _branch(self, pair: np.ndarray, ends: np.ndarray, fixed: np.ndarray) -> _Move | None:
        """The cheapest move in whole numbers, by branch and bound."""
        lower, upper = np.zeros(2 * len(self.cells)), np.append(self.up, self.down)
        upper[fixed] = 0
        lower[pair] = upper[pair] = ends
        cost = np.where(self.cheap, _CHEAP, 1.0) * self.weight
        program = Program(
            self.matrix,
            self.rest,
            self.rest,
            lower,
            upper,
            np.append(cost, cost),
            integer=np.ones(len(lower), dtype=bool),
            nodes=_BRANCHES,
            gap=0.01,
        )
        move = self._move(program.solve().x)
        self.program.iterations += program.iterations
        return move and self._whole(move)


class _Problem:
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
        self.places: dict[int, _Place] = {}

    def place(self, block: int) -> _Place:
        """The cells of one block, or all (-1)."""
        if block not in self.places:
            inside = self.free if block < 0 else self.free & (self.blocks == block)
            self.places[block] = _Place(self, np.flatnonzero(inside))
        return self.places[block]

    @property
    def iterations(self) -> int:
        """Work so far."""
        return sum(place.program.iterations for place in self.places.values())


class _Search:
    """A pattern under construction, and for every need the move that proves it met."""

    def __init__(self, problem: _Problem, suppressed: np.ndarray) -> None:
        self.problem = problem
        self.start = suppressed
        self.suppressed = suppressed.copy()
        self.proofs: dict[_Need, _Move] = {}
        self.uses: dict[int, set[_Need]] = {}

    def prove(self, need: _Need, move: _Move) -> None:
        """Let a move stand as the proof of a need."""
        old = self.proofs.get(need)
        if old is not None:
            for cell in old.cells.tolist():
                self.uses[cell].discard(need)
        self.proofs[need] = move
        for cell in move.cells.tolist():
            self.uses.setdefault(cell, set()).add(need)

    def meet(self, needs: Sequence[_Need], block: int) -> list[_Need]:
        """Suppress what the needs ask, one after the other; those that this place cannot meet."""
        place = self.problem.place(block)
        of_cell: dict[int, list[_Need]] = {}
        for need in needs:
            of_cell.setdefault(need.cell, []).append(need)
        unmet = []
        for need in needs:
            if need in self.proofs:
                continue
            place.price(self.suppressed)
            move = place.cheapest(need, (), whole=self.problem.whole, thorough=True)
            if move is None:
                unmet.append(need)
                continue
            self.suppressed[move.cells] = True
            for cell in move.cells.tolist():
                for other in of_cell.get(cell, ()):
                    if other not in self.proofs and move.serves(other):
                        self.prove(other, move)
            if need not in self.proofs:
                self.prove(need, move)
        return unmet

    def release(self, block: int, insiders: Sequence[np.ndarray], effort: int, *, swap: bool) -> None:
        """Show again every secondary cell that is not needed or, with ``swap``, that others replace for less."""
        place = self.problem.place(block)
        weight = self.problem.weight
        mine = np.zeros(self.problem.size, dtype=bool)
        mine[place.cells] = True
        secondary = np.flatnonzero(self.suppressed & ~self.start & mine)
        for cell in secondary[np.lexsort((secondary, -weight[secondary]))].tolist():
            if place.program.iterations > effort:
                return
            if not self.suppressed[cell]:
                continue
            if not swap:
                trial = self.suppressed.copy()
                trial[cell] = False
                if place.stuck(trial, self.start & self.problem.judged):
                    continue
            self._without(place, cell, insiders)

    def _without(self, place: _Place, cell: int, insiders: Sequence[np.ndarray]) -> None:
        """Try to show one cell: new proofs for the needs that use it, for less weight than it has."""
        trial = self.suppressed.copy()
        trial[cell] = False
        added = 0.0
        proofs: dict[_Need, _Move] = {}
        hit = sorted(self.uses.get(cell, ()))
        for need in hit:
            if need in proofs:
                continue
            place.price(trial)
            banned = (cell, *self._unguarded(need, insiders))
            move = place.cheapest(need, banned, whole=self.problem.whole, thorough=False)
            if move is None:
                return
            added += move.added
            if added >= self.problem.weight[cell] - _NEAR:
                return
            trial[move.cells] = True
            proofs[need] = move
            for other in hit:
                if other not in proofs and move.serves(other):
                    guarded = self._unguarded(other, insiders)
                    if not np.isin(move.cells, guarded).any():
                        proofs[other] = move
        for need, move in proofs.items():
            self.prove(need, move)
        used = np.array([bool(self.uses.get(i)) for i in np.flatnonzero(trial).tolist()], dtype=bool)
        self.suppressed = self.start.copy()
        self.suppressed[np.flatnonzero(trial)[used]] = True

    def _unguarded(self, need: _Need, insiders: Sequence[np.ndarray]) -> list[int]:
        """Cells of insiders against whom this need has no proof but its first."""
        if not insiders or need.still:
            return []
        return [
            cell
            for group in insiders
            if need.cell not in group and need._replace(still=tuple(group.tolist())) not in self.proofs
            for cell in group.tolist()
        ]

    def guard(self, needs: Sequence[_Need], insiders: Sequence[np.ndarray], block: int) -> list[_Need]:
        """Add a proof that an insider cannot block wherever a proof uses a cell that an insider knows."""
        of_cell: dict[int, list[tuple[int, ...]]] = {}
        for group in insiders:
            for cell in group.tolist():
                of_cell.setdefault(cell, []).append(tuple(group.tolist()))
        more = []
        for need in needs:
            for group in sorted(
                {group for cell in self.proofs[need].cells.tolist() for group in of_cell.get(cell, ())}
            ):
                if need.cell not in group:
                    more.append(need._replace(still=group))
        return self.meet(more, block)


def suppress_cells(
    cells: Cells,
    primary: np.ndarray,
    *,
    lower: np.ndarray | None = None,
    upper: np.ndarray | None = None,
    amount: float = 1,
    both: bool = False,
    frozen: np.ndarray | None = None,
    insiders: Sequence[np.ndarray] = (),
    weight: np.ndarray | None = None,
    effort: int = 600_000,
) -> Pattern:
    """Choose the cells to suppress besides the primary ones, so that no primary cell can be solved for.

    For one primary cell after the other the cheapest move of the whole table is sought that leaves all sums as
    they are and changes this cell: the cells that move join the pattern, and the move is kept as the proof. Then
    cells that no proof needs, or that others replace for less, are shown again.

    Parameters
    ----------
    cells : Cells
    primary : array of bool, (cells,)
    lower, upper : array of float, (cells,), optional
        What an intruder knows of each cell if it were suppressed; without them at least 1 (0 for a cell that is
        empty) and no upper end.
    amount : float, persons
        By how much each primary cell must be able to move.
    both : bool
        Whether it must be able to move up and down; else one of the two is enough (a sliding interval).
    frozen : array of bool, (cells,), optional
        Cells that must stay shown, as an earlier release showed them.
    insiders : sequence of array of int, optional
        Cells that one contributor knows, each group by itself.
    weight : array of float, (cells,), optional
        What a cell costs when it is suppressed; its count, if not given.
    effort : int, simplex iterations
        After which only what is needed is done and no better pattern is sought.

    Returns
    -------
    Pattern

    Raises
    ------
    DisclosureError : when some primary cell cannot be protected whatever is suppressed.

    Guarantees
    ----------
    * Every primary cell is suppressed, and can take another whole value in a table that agrees with all that is
      shown and with ``lower`` and ``upper``.
    * No empty cell is a secondary one, and no frozen cell.
    * The pattern does not depend on the order of rows.

    References
    ----------
    Hundepool et al. (2012), Statistical Disclosure Control, section 4.4; Fischetti, Salazar-Gonzalez (2001),
    Management Science 47(7), for the program behind a proof.
    """
    truth = cells.counts.astype(np.float64)
    low = np.minimum(truth, 1) if lower is None else np.minimum(lower, truth)
    high = np.full(len(cells), np.inf) if upper is None else np.maximum(upper, truth)
    if lower is None and (truth[primary] == 0).any():
        low = np.zeros(len(cells))
    price = np.maximum(truth if weight is None else weight, _CHEAP)
    hidden = ~cells.published
    price[hidden] = _CHEAP
    low[hidden], high[hidden] = 0, np.inf
    free = (truth > 0) | primary | hidden
    if frozen is not None:
        free &= ~frozen | primary | hidden
    problem = _Problem(cells, price, low, high, free, primary)
    start = primary | hidden
    signs = ((1,), (-1,)) if both else ((1, -1),)
    by_value = np.flatnonzero(primary)[np.argsort(truth[primary], kind="stable")]
    needs = [_Need(int(cell), sign, amount) for cell in by_value.tolist() for sign in signs]
    search = _best_blocks(problem, start, needs, insiders, effort)
    left = [need for need in needs if need not in search.proofs]
    unmet = search.meet(left, -1)
    if insiders and not unmet:
        unmet = search.guard([need for need in needs if need in search.proofs], insiders, -1)
    if unmet:
        raise _cannot(cells, problem, {need.cell for need in unmet})
    if left or (cells.blocks < 0).all():
        for swap in (False, True):
            search.release(-1, insiders, effort - problem.iterations, swap=swap)
    return Pattern(search.suppressed & ~hidden, search.suppressed & ~start, problem.iterations)


def _best_blocks(
    problem: _Problem, start: np.ndarray, needs: Sequence[_Need], insiders: Sequence[np.ndarray], effort: int
) -> _Search:
    """The best of several searches in each block by itself, joined."""
    whole = _Search(problem, start)
    of_block: dict[int, list[_Need]] = {}
    for need in needs:
        of_block.setdefault(int(problem.blocks[need.cell]), []).append(need)
    of_block.pop(-1, None)
    inside = max(int((problem.free & (problem.blocks >= 0)).sum()), 1)
    for _, own in sorted(of_block.items()):
        block = int(problem.blocks[own[0].cell])
        place = problem.place(block)
        share = effort * len(place.cells) // inside
        best: tuple[float, _Search] | None = None
        for order in (own, own[::-1], own[::2] + own[1::2], own[1::2] + own[::2]):
            if best is not None and 2 * place.program.iterations > share:
                break
            trial = _Search(problem, start)
            unmet = set(trial.meet(order, block))
            if insiders:
                unmet |= set(trial.guard([need for need in own if need not in unmet], insiders, block))
            trial.release(block, insiders, share, swap=False)
            cost = len(unmet) * 1e12 + float(problem.weight[trial.suppressed & ~start].sum())
            if best is None or cost < best[0]:
                best = (cost, trial)
        if best is not None:
            best[1].release(block, insiders, share, swap=True)
            whole.suppressed |= best[1].suppressed
            for need, move in best[1].proofs.items():
                whole.prove(need, move)
    return whole


def _cannot(cells: Cells, problem: _Problem, stuck: set[int]) -> DisclosureError:
    """Name the variable along which the cells that cannot be protected have nobody to hide behind."""
    rows = cells.identities
    alone = np.zeros(len(cells.dimensions), dtype=np.int64)
    by_column = sparse.csc_array(rows)
    for cell in stuck:
        for row in by_column.indices[by_column.indptr[cell] : by_column.indptr[cell + 1]]:
            others = rows.indices[rows.indptr[row] : rows.indptr[row + 1]]
            alone[cells.of_identity[row]] += int(problem.free[others].sum() <= 1)
    columns = cells.dimensions[int(np.argmax(alone))].columns if len(alone) else ()
    return DisclosureError(
        "cell suppression",
        f"{len(stuck)} cells cannot be protected, whatever else is suppressed.",
        f"Coarsen `{' > '.join(columns)}`, or round this table instead of suppressing in it.",
    )
