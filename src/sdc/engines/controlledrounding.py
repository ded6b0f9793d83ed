"""Controlled rounding: every count to a multiple of a base, all sums still true."""

from dataclasses import dataclass

import numpy as np
from scipy import sparse
from scipy.sparse.csgraph import connected_components

from sdc.cells.model import Cells
from sdc.cells.solver import Program
from sdc.errors import DisclosureError, PolicyError

_LARGE = 400  # cells of a table that is rounded from its top down


@dataclass(frozen=True, eq=False)
class Rounded:
    """A table of rounded counts.

    Attributes
    ----------
    counts : array of int64, (cells,)
    steps : int
        How many multiples of the base a count may lie beyond its nearest two; 0 is the strict rounding.
    deviation : int, persons
        Largest change of a count.
    """

    counts: np.ndarray
    steps: int
    deviation: int


def controlled_rounding(cells: Cells, base: int, *, most_steps: int = 3, gap: float = 0.02, nodes: int = 20) -> Rounded:
    """Round every count to a multiple of the base so that all sums still hold.

    A large table is rounded from its top down: first the totals over its largest variable, then, with these settled,
    each group of sisters (the admin 2 areas of one admin 1) by itself. Where a group cannot be rounded that way, the
    whole table is rounded at once.

    Parameters
    ----------
    cells : Cells, whole counts
    base : int, persons
    most_steps : int
        A strict rounding (one of the two nearest multiples, a multiple stays) may not exist in tables of four
        variables; then counts may go further, up to this many multiples.
    gap : float, share
        How near to the least possible change the search must come.
    nodes : int
        Branches after which the best rounding found is taken, of each group: a budget that every machine keeps alike.

    Returns
    -------
    Rounded

    Raises
    ------
    DisclosureError : when no rounding within ``most_steps`` was found.

    Guarantees
    ----------
    * Every identity of the table holds for the rounded counts, exactly.
    * Every count is a multiple of the base, none is negative, and an empty cell stays empty.
    * With ``steps == 0`` no count moves by as much as the base.

    References
    ----------
    Hundepool et al. (2012), Statistical Disclosure Control, section 5.4.3 (zero-restricted controlled rounding).
    """
    if base < 2:
        raise PolicyError("rounding base", "rounding to less than 2 changes nothing.", "Ask for a base of 3 or more.")
    every = [np.arange(len(cells))]
    for parts in (_from_the_top(cells) if len(cells) > _LARGE else every, every):
        search = _Search(cells, base, most_steps, gap, nodes)
        if all(search.settle(part) for part in parts):
            moved = np.abs(search.counts - cells.counts)
            return Rounded(search.counts, search.steps, int(moved.max(initial=0)))
        if len(parts) == 1:
            break
    raise DisclosureError(
        "controlled rounding",
        f"no rounding to the base adds up within {most_steps} steps.",
        "Use small-count rounding, a larger base, or fewer variables in one table.",
    )


def _from_the_top(cells: Cells) -> list[np.ndarray]:
    """Cells in parts that are settled one after the other: the totals first, then each group of sisters."""
    if not cells.dimensions:
        return [np.arange(len(cells))]
    largest = max(range(len(cells.dimensions)), key=lambda j: len(cells.dimensions[j].column))
    known = cells.dimensions[largest]
    depth = known.column[cells.nodes[:, largest]]
    levels = np.unique(depth)
    if len(levels) < 3:
        return [np.arange(len(cells))]
    parts = [np.flatnonzero(depth <= levels[1])]
    for level in levels[2:]:
        here = np.flatnonzero(depth == level)
        inside = cells.identities[:, here]
        graph = sparse.csr_array(abs(inside).T @ abs(inside))
        of_cell = connected_components(graph, directed=False)[1]
        order = np.argsort(of_cell, kind="stable")
        parts += np.split(here[order], np.flatnonzero(np.diff(of_cell[order])) + 1)
    return parts


class _Search:
    """Counts settled so far, and the identities over the cells that still wait."""

    def __init__(self, cells: Cells, base: int, most_steps: int, gap: float, nodes: int) -> None:
        self.base, self.most_steps, self.gap, self.nodes = base, most_steps, gap, nodes
        self.whole, self.rest = np.divmod(cells.counts.astype(np.int64), base)
        self.matrix = cells.identities
        self.width = np.diff(self.matrix.indptr)
        self.counts = np.zeros(len(cells), dtype=np.int64)
        self.settled = np.zeros(len(cells), dtype=bool)
        self.steps = 0

    def settle(self, part: np.ndarray) -> bool:
        """Round some cells so that every identity among them and the settled ones holds; whether that was possible."""
        now = self.settled.copy()
        now[part] = True
        complete = np.asarray(abs(self.matrix) @ now.astype(np.float64)).ravel() == self.width
        touched = np.asarray(abs(self.matrix[:, part]).sum(axis=1)).ravel() > 0
        rows = self.matrix[np.flatnonzero(complete & touched)]
        target = -(rows @ (self.counts // self.base)) - rows[:, part] @ self.whole[part]
        for steps in range(self.most_steps + 1):
            found = self._within(rows[:, part], target, self.whole[part], self.rest[part], steps)
            if found is not None:
                self.counts[part] = self.base * (self.whole[part] + found)
                self.settled[part] = True
                self.steps = max(self.steps, steps)
                return True
        return False

    def _within(
        self, matrix: sparse.csr_array, target: np.ndarray, whole: np.ndarray, rest: np.ndarray, steps: int
    ) -> np.ndarray | None:
        """How many multiples to add to each cell; None where no table adds up.

        A strict rounding is one choice a cell. With more steps each step further is a choice of its own, dearer than
        the one before, so that their sum is what is added.
        """
        base, size = self.base, len(whole)
        open_ = rest > 0
        up = [np.where(open_, base - 2 * rest, base)] + [np.full(size, base) for _ in range(steps)]
        down = [np.full(size, base) for _ in range(steps)]
        empty = (whole == 0) & ~open_
        most_up = [np.where(open_, 1, 0)] + [np.where(empty, 0, 1) for _ in range(steps)]
        most_down = [np.where(whole > step, 1, 0) for step in range(steps)]
        blocks = [matrix] * len(up) + [-matrix] * len(down)
        upper = np.concatenate(most_up + most_down).astype(np.float64)
        cost = np.concatenate(up + down).astype(np.float64)
        program = Program(
            sparse.hstack(blocks),
            target,
            target,
            np.zeros(len(upper)),
            upper,
            cost,
            integer=np.ones(len(upper), dtype=bool),
            nodes=self.nodes,
            gap=self.gap,
        )
        x = program.solve().x
        if not len(x):
            return None
        choice = np.rint(x).astype(np.int64).reshape(len(blocks), size)
        return choice[: len(up)].sum(axis=0) - choice[len(up) :].sum(axis=0)
