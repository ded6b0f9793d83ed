"""Secondary suppression: the cheapest cells that keep an intruder from solving for the primary ones."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np

from sdc.cells.model import Cells
from sdc.engines.circulation import CHEAP, NEAR, Move, Need, Place, Problem
from sdc.errors import DisclosureError

_AGAIN = 80_000  # iterations of all blocks together within which another order is tried
_ASKED = 50  # cells that cannot be protected, to which a refusal looks for its reason
_SMALL = 1_000  # cells of a table that is also searched as a whole


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
    unprotected : array of int64
        Numbers of primary cells that nothing can protect, or not against each insider (such a cell is protected
        against all others); empty but where the caller asked to be told.
    """

    suppressed: np.ndarray
    secondary: np.ndarray
    iterations: int
    unprotected: np.ndarray


class _Search:
    """A pattern under construction, and for every need the move that proves it met."""

    def __init__(self, problem: Problem, suppressed: np.ndarray) -> None:
        self.problem = problem
        self.start = suppressed
        self.suppressed = suppressed.copy()
        self.proofs: dict[Need, Move] = {}
        self.uses: dict[int, set[Need]] = {}

    def prove(self, need: Need, move: Move) -> None:
        """Let a move stand as the proof of a need."""
        old = self.proofs.get(need)
        if old is not None:
            for cell in old.cells.tolist():
                self.uses[cell].discard(need)
        self.proofs[need] = move
        for cell in move.cells.tolist():
            self.uses.setdefault(cell, set()).add(need)

    @property
    def cost(self) -> float:
        """Weight of the secondary cells."""
        return float(self.problem.weight[self.suppressed & ~self.start].sum())

    def complete(
        self, needs: Sequence[Need], insiders: Sequence[np.ndarray], effort: int
    ) -> tuple[list[Need], list[Need]]:
        """Meet over the whole table what no block has met; what nothing can meet, and not against some insider."""
        before = self.suppressed.copy()
        unmet = self.meet([need for need in needs if need not in self.proofs], -1)
        unguarded = self.guard(needs, insiders, -1) if insiders and not unmet else []
        fresh = self.suppressed & ~before
        if fresh.any() and not unmet:
            self.release(-1, insiders, effort, swap=False, among=self.suppressed)
            self.release(-1, insiders, effort, swap=True, among=fresh)
        return unmet, unguarded

    def meet(self, needs: Sequence[Need], block: int) -> list[Need]:
        """Suppress what the needs ask, one after the other; those that this place cannot meet."""
        place = self.problem.place(block)
        of_cell: dict[int, list[Need]] = {}
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

    def release(
        self, block: int, insiders: Sequence[np.ndarray], effort: int, *, swap: bool, among: np.ndarray
    ) -> None:
        """Show again every secondary cell that is not needed or, with ``swap``, that others replace for less."""
        place = self.problem.place(block)
        weight = self.problem.weight
        secondary = np.flatnonzero(self.suppressed & ~self.start & among)
        for cell in secondary[np.lexsort((secondary, -weight[secondary]))].tolist():
            if self.problem.iterations > effort if block < 0 else place.program.iterations > effort:
                return
            if not self.suppressed[cell]:
                continue
            if not swap:
                trial = self.suppressed.copy()
                trial[cell] = False
                if place.stuck(trial, self.start & self.problem.judged):
                    continue
            self._without(place, cell, insiders)

    def _without(self, place: Place, cell: int, insiders: Sequence[np.ndarray]) -> None:
        """Try to show one cell: new proofs for the needs that use it, for less weight than it has."""
        trial = self.suppressed.copy()
        trial[cell] = False
        added = 0.0
        proofs: dict[Need, Move] = {}
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
            if added >= self.problem.weight[cell] - NEAR:
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

    def _unguarded(self, need: Need, insiders: Sequence[np.ndarray]) -> list[int]:
        """Cells of insiders against whom this need has no proof but its first."""
        if not insiders or need.still:
            return []
        return [
            cell
            for group in insiders
            if need.cell not in group and need._replace(still=tuple(group.tolist())) not in self.proofs
            for cell in group.tolist()
        ]

    def guard(self, needs: Sequence[Need], insiders: Sequence[np.ndarray], block: int) -> list[Need]:
        """Add a proof that an insider cannot block wherever a proof uses a cell that an insider knows."""
        of_cell: dict[int, list[tuple[int, ...]]] = {}
        for group in insiders:
            for cell in group.tolist():
                of_cell.setdefault(cell, []).append(tuple(group.tolist()))
        more = []
        for need in needs:
            for known in sorted(
                {group for cell in self.proofs[need].cells.tolist() for group in of_cell.get(cell, ())}
            ):
                if need.cell not in known:
                    more.append(need._replace(still=known))
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
    effort: int | None = None,
    infeasible: Literal["refuse", "tell"] = "refuse",
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
        Whether it must be able to move up and down, as far as ``lower`` and ``upper`` leave room; else one of the two
        is enough (a sliding interval).
    frozen : array of bool, (cells,), optional
        Cells that must stay shown, as an earlier release showed them.
    insiders : sequence of array of int, optional
        Cells that one contributor knows, each group by itself.
    weight : array of float, (cells,), optional
        What a cell costs when it is suppressed; its count, if not given.
    effort : int, simplex iterations, optional
        After which only what is needed is done and no better pattern is sought; 20 for each entry of the
        identities, if not given. A count of iterations and no clock: every machine finds the same pattern.
    infeasible : {"refuse", "tell"}
        What to do with primary cells that cannot be protected whatever is suppressed: refuse the table, or tell which
        they are and protect the others.

    Returns
    -------
    Pattern

    Raises
    ------
    DisclosureError : when some primary cell cannot be protected whatever is suppressed, and the caller did not ask
        to be told.

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
    price = np.maximum(truth if weight is None else weight, CHEAP)
    hidden = ~cells.published
    price[hidden] = CHEAP
    low[hidden], high[hidden] = 0, np.inf
    free = (truth > 0) | primary | hidden
    if frozen is not None:
        free &= ~frozen | primary | hidden
    problem = Problem(cells, price, low, high, free, primary)
    start = primary | hidden
    by_value = np.flatnonzero(primary)[np.argsort(truth[primary], kind="stable")]
    if both:
        room = np.column_stack([high - truth, truth - low])
        room[(room <= 0).all(axis=1)] = amount  # no room at all: nothing can protect it
        reach = np.minimum(room, amount)
        ways = [(cell, j, reach[cell, j]) for cell in by_value.tolist() for j in (0, 1) if reach[cell, j] > 0]
        needs = [Need(cell, ((1,), (-1,))[j], by) for cell, j, by in ways]
    else:
        needs = [Need(cell, (1, -1), amount) for cell in by_value.tolist()]
    effort = max(20 * cells.identities.nnz, 100_000) if effort is None else effort
    stuck: set[int] = set()
    while True:
        best, unmet, unguarded = _best(problem, start, needs, insiders, effort)
        if infeasible == "refuse" and unmet | unguarded:
            raise _cannot(cells, problem, unmet | unguarded)
        stuck |= {need.cell for need in unmet | unguarded}
        if best is not None:
            break
        needs = [need for need in needs if need.cell not in stuck]
    unprotected = np.array(sorted(stuck), dtype=np.int64)
    return Pattern(best.suppressed & ~hidden, best.suppressed & ~start, problem.iterations, unprotected)


def _best(
    problem: Problem, start: np.ndarray, needs: Sequence[Need], insiders: Sequence[np.ndarray], effort: int
) -> tuple[_Search | None, set[Need], set[Need]]:
    """The best of several searches, or none; the needs that nothing can meet, and those against some insider."""
    tries = [(_best_blocks(problem, start, needs, insiders, effort), needs)]
    if problem.free.sum() <= _SMALL or (problem.blocks < 0).all():
        tries += [(_Search(problem, start), order) for order in (needs, needs[::-1])]
    best: _Search | None = None
    open_: set[Need] = set()
    for search, order in tries:
        if best is not None and problem.iterations > effort:
            break
        unmet, unguarded = search.complete(order, insiders, effort)
        if unmet:
            return None, set(unmet), set()
        if best is None or search.cost < best.cost - NEAR:
            best, open_ = search, set(unguarded)
    return best, set(), open_


def _best_blocks(
    problem: Problem, start: np.ndarray, needs: Sequence[Need], insiders: Sequence[np.ndarray], effort: int
) -> _Search:
    """The best of several searches in each block by itself, joined."""
    whole = _Search(problem, start)
    of_block: dict[int, list[Need]] = {}
    for need in needs:
        of_block.setdefault(int(problem.blocks[need.cell]), []).append(need)
    of_block.pop(-1, None)
    inside = max(int((problem.free & (problem.blocks >= 0)).sum()), 1)
    for _, own in sorted(of_block.items()):
        block = int(problem.blocks[own[0].cell])
        place = problem.place(block)
        mine = problem.blocks == block
        share, again = (work * len(place.cells) // inside for work in (effort, _AGAIN))
        best: tuple[tuple[int, float], _Search] | None = None
        for order in (own, own[::-1], own[::2] + own[1::2], own[1::2] + own[::2]):
            if best is not None and place.program.iterations > min(share // 2, again):
                break
            trial = _Search(problem, start)
            unmet = set(trial.meet(order, block))
            if insiders:
                unmet |= set(trial.guard([need for need in own if need not in unmet], insiders, block))
            trial.release(block, insiders, share, swap=False, among=mine)
            rank = (len(unmet), trial.cost)
            if best is None or rank < best[0]:
                best = (rank, trial)
        if best is not None:
            best[1].release(block, insiders, share, swap=True, among=mine)
            whole.suppressed |= best[1].suppressed
            for need, move in best[1].proofs.items():
                whole.prove(need, move)
    return whole


def _cannot(cells: Cells, problem: Problem, stuck: set[Need]) -> DisclosureError:
    """Name the variable whose sums leave these cells no room, and say whether that is proved.

    It is proved where no move of the table, not even in fractions, meets a need. The variable is the one without
    whose sums most of the needs could be met.
    """
    some = sorted(stuck)[:_ASKED]
    freed = [
        _movable(_without_sums(cells, problem, number), some)
        + _alone(cells, problem, [need.cell for need in some], number) / (2 * _ASKED)
        for number in range(len(cells.dimensions))
    ]
    columns = cells.dimensions[int(np.argmax(freed))].columns if freed else ()
    proved = not _movable(problem, some)
    shown = "no other table agrees with what must be shown and is known"
    how = f"that is proved: {shown}" if proved else "no room was found for them"
    return DisclosureError(
        "cell suppression",
        f"{len({need.cell for need in stuck})} cells cannot be protected, whatever else is suppressed ({how})",
        f"Coarsen `{' > '.join(columns)}`, or round this table instead of suppressing in it.",
    )


def _movable(problem: Problem, wanted: Sequence[Need]) -> int:
    """How many needs can be met at all when everything that may be hidden is hidden."""
    place = problem.place(-1)
    return sum(place.cheapest(need, (), whole=False, thorough=False) is not None for need in wanted)


def _without_sums(cells: Cells, problem: Problem, dimension: int) -> Problem:
    """The table without the sums along one variable."""
    kept = np.flatnonzero(cells.of_identity != dimension)
    less = replace(cells, identities=cells.identities[kept], of_identity=cells.of_identity[kept])
    truth = cells.counts.astype(np.float64)
    return Problem(less, problem.weight, truth - problem.down, truth + problem.up, problem.free, problem.judged)


def _alone(cells: Cells, problem: Problem, wanted: Sequence[int], dimension: int) -> int:
    """In how many sums along a variable some of the cells have nobody to hide behind."""
    rows = cells.identities[np.flatnonzero(cells.of_identity == dimension)]
    single = np.asarray(abs(rows) @ problem.free.astype(np.float64)).ravel() <= 1
    return int((abs(rows[np.flatnonzero(single)])[:, list(wanted)].sum(axis=0) > 0).sum())
