"""Which bands of a file to leave empty, so that no small count follows from the bands and the sums over areas."""

from dataclasses import replace

import numpy as np
from scipy import sparse
from scipy.sparse.csgraph import connected_components

from sdc.engines.circulation import CHEAP, Move, Need, Problem
from sdc.engines.countmatrix import Counts, System, part_of
from sdc.errors import DisclosureError


def hide_bands(
    counts: Counts, low: np.ndarray, high: np.ndarray, minimum: np.ndarray, small: np.ndarray, gone: np.ndarray
) -> np.ndarray:
    """Choose bands to hide until every small count can be another one, for somebody who has the sums over areas.

    For one small count after the other the cheapest move is sought that leaves all sums as they are and changes it:
    inside its band each count moves for nothing, and what has to leave its band loses the band. What follows from sums
    alone is protected against whoever has no other round, and in any case against whoever has the bands alone.

    Parameters
    ----------
    counts : Counts
    low, high : array of float64, (rows, columns)
        Ends of the band of each entry.
    minimum : array of int, (columns,)
        Sums below it are not known.
    small : array of bool, (rows, columns)
        Entries that must not be certain.
    gone : array of bool, (rows, columns)
        Entries that are not shown in any case.

    Returns
    -------
    array of bool, (rows, columns)
        Bands to hide, with those that are gone; never that of another empty entry.

    Raises
    ------
    DisclosureError : when the bands alone tell a small count, whatever is hidden.

    Guarantees
    ----------
    * Each small entry can take another whole value, whatever it is worth to know that hidden ones are not 0; but for
      what the sums over areas alone give away.
    """
    hidden = gone | (small & (low == high))
    tied = _Bands(System(counts), low, high, minimum, small)
    waiting = tied.widen(hidden, tied.needs, sums=True)
    if counts.same is not None and waiting.any():
        loose = _Bands(System(replace(counts, same=None)), low, high, minimum, small)
        of_tied = np.zeros(loose.system.size, dtype=bool)
        of_tied[loose.system.of[waiting[tied.system.of]]] = True
        loose.widen(hidden, of_tied, sums=True)
    stuck = tied.widen(hidden, tied.needs & tied.in_rows, sums=False)
    if stuck.any():
        raise DisclosureError(
            "band_counts",
            f"{int(stuck.sum())} counts cannot be protected, whatever else is hidden",
            "Take wider bands, coarsen the area of the rows, or ask for fewer counts.",
        )
    return hidden


class _Bands:
    """One system in which the bands are known."""

    def __init__(
        self, system: System, low: np.ndarray, high: np.ndarray, minimum: np.ndarray, small: np.ndarray
    ) -> None:
        self.system = system
        seen = system.entry >= 0
        entries = system.of[system.entry[seen]]
        self.low, self.high = np.ones(system.size), np.full(system.size, np.inf)
        np.maximum.at(self.low, entries, low[seen])
        np.minimum.at(self.high, entries, high[seen])
        self.in_rows = np.zeros(system.size, dtype=bool)
        self.in_rows[entries] = True
        self.copies = np.maximum(np.bincount(entries, minlength=system.size), 1)
        sums = np.zeros(system.size, dtype=bool)
        sums[system.of[system.margin]] = True
        least = np.ones(system.size)
        np.maximum.at(least, system.of, minimum[system.column])
        withheld = sums & (system.count < least)
        self.known = (sums & ~withheld) | (system.count == 0)
        self.needs = (system.any(small) | withheld) & (system.count > 0)

    def widen(self, hidden: np.ndarray, wanted: np.ndarray, *, sums: bool) -> np.ndarray:
        """Hide the bands that the wanted cells need, in ``hidden``; the cells that cannot be protected so."""
        system = self.system
        matrix = system.matrix if sums else system.matrix[: system.of_rows]
        free = np.flatnonzero(~self.known | ((system.count > 0) & (not sums)))
        inside = sparse.csc_array(matrix[:, free])
        graph = sparse.block_array([[None, inside], [inside.T, None]])
        part = connected_components(graph, directed=False)[1][inside.shape[0] :]
        gone, stuck = system.any(hidden), np.zeros(system.size, dtype=bool)
        touched = np.diff(inside.indptr) > 0
        order = np.argsort(part, kind="stable")
        for group in np.split(order, np.flatnonzero(np.diff(part[order])) + 1):
            if (wanted[free[group]] & touched[group]).any():
                self._part(inside[:, group], free[group], wanted, gone, stuck)
        seen = system.entry >= 0
        hidden[seen] |= gone[system.of[system.entry[seen]]]
        return stuck

    def _part(
        self, columns: sparse.csc_array, own: np.ndarray, wanted: np.ndarray, gone: np.ndarray, stuck: np.ndarray
    ) -> None:
        """The same in one connected part; a cell is two columns: it moves in its band, and beyond it at a price."""
        size, truth = len(own), self.system.count[own]
        banded = self.in_rows[own]
        low, high = np.where(banded, self.low[own], 1), np.where(banded, self.high[own], np.inf)
        weight = np.append(np.full(size, CHEAP), truth * self.copies[own])
        twice = sparse.csc_array(sparse.hstack([columns, columns]))
        cells = part_of(twice, np.append(truth, truth), np.ones(2 * size, bool), np.full(2 * size, -1))
        none = np.zeros(2 * size, dtype=bool)
        ends = (np.append(low, np.ones(size)), np.append(high, np.full(size, np.inf)))
        problem = Problem(cells, weight, *ends, np.append(np.ones(size, bool), banded), none)
        place = problem.place(-1)
        opened = np.append(np.ones(size, bool), gone[own])
        at = np.flatnonzero(wanted[own])
        for cell in at[np.argsort(truth[at], kind="stable")].tolist():
            place.price(opened)
            ways = [Need(cell, (1, -1), 1, still=(cell + size,)), Need(cell + size, (1, -1), 1, still=(cell,))]
            best: Move | None = None
            for need in ways[: 1 + int(banded[cell])]:
                move = place.cheapest(need, (), whole=True, thorough=True)
                if move is not None and (best is None or move.added < best.added):
                    best = move
            if best is None:
                stuck[own[cell]] = True
            else:
                opened[best.cells] = True
        gone[own[opened[size:] & banded]] = True
