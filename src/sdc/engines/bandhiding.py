"""Which bands of a file to leave empty, so that no small count follows from the bands and the sums over areas."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from scipy import sparse

from sdc.engines.circulation import CHEAP, Move, Need, Place, Problem
from sdc.engines.countmatrix import Counts, System, connected_parts, part_of
from sdc.errors import DisclosureError


def hide_bands(
    counts: Counts,
    low: np.ndarray,
    high: np.ndarray,
    minimum: np.ndarray,
    small: np.ndarray,
    gone: np.ndarray,
    *,
    own_count: bool = True,
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
    own_count : bool
        Whether a person who alone fills a count knows it.

    Returns
    -------
    array of bool, (rows, columns)
        Bands to hide, with those that are gone; never that of another empty entry.

    Raises
    ------
    DisclosureError : when the bands alone tell a small count, whatever is hidden.

    Guarantees
    ----------
    * Each small entry can take another whole value, whatever it is worth to know that hidden ones are not 0, or a count
      of 1 that is one's own; but for what the sums over areas alone give away.
    """
    hidden = gone | (small & (low == high))
    tied = _Bands(counts, low, high, minimum, small, own_count)
    loose = tied if counts.same is None else _Bands(replace(counts, same=None), low, high, minimum, small, own_count)
    waiting = tied.widen(hidden, tied.needs, sums=True)
    if waiting.any() and loose is not tied:
        loose.widen(hidden, loose.of(tied, waiting), sums=True)
    stuck = tied.widen(hidden, tied.needs & tied.in_rows, sums=False)
    if stuck.any() and loose is not tied:  # somebody's own count gives none away, nor do other rounds; both might
        own = loose.widen(hidden, loose.of(tied, stuck), sums=False)
        tied.owner[:] = -1
        stuck = tied.widen(hidden, stuck, sums=False) | tied.of(loose, own)
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
        self,
        counts: Counts,
        low: np.ndarray,
        high: np.ndarray,
        minimum: np.ndarray,
        small: np.ndarray,
        own_count: bool,
    ) -> None:
        self.system = system = System(counts)
        self.owner = np.full(system.size, -1, dtype=np.int64)  # who fills a cell alone
        for number, own in enumerate(system.own_counts() if own_count else []):
            self.owner[own] = number
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

    def of(self, other: "_Bands", cells: np.ndarray) -> np.ndarray:
        """The cells of another system over the same counts, as cells of this one."""
        found = np.zeros(self.system.size, dtype=bool)
        found[self.system.of[cells[other.system.of]]] = True
        return found

    def widen(self, hidden: np.ndarray, wanted: np.ndarray, *, sums: bool) -> np.ndarray:
        """Hide the bands that the wanted cells need, in ``hidden``; the cells that cannot be protected so."""
        system = self.system
        matrix = system.matrix if sums else system.matrix[: system.of_rows]
        free = np.flatnonzero(~self.known | ((system.count > 0) & (not sums)))
        inside = sparse.csc_array(matrix[:, free])
        gone, stuck = system.any(hidden), np.zeros(system.size, dtype=bool)
        for group in connected_parts(inside):
            if wanted[free[group]].any():
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
        owner = np.append(self.owner[own], self.owner[own])
        at = np.flatnonzero(wanted[own])
        for cell in at[np.argsort(truth[at], kind="stable")].tolist():
            ways = [Need(cell, (1, -1), 1, still=(cell + size,)), Need(cell + size, (1, -1), 1, still=(cell,))]
            ways = ways[: 1 + int(banded[cell])]
            first = _cheapest(place, ways, (), opened)
            moves = [first]
            if first is not None:
                for other in np.setdiff1d(owner[first.cells], [-1, owner[cell]]).tolist():
                    moves.append(_cheapest(place, ways, np.flatnonzero(owner == other).tolist(), opened))
            for move in moves:
                if move is None:
                    stuck[own[cell]] = True
                else:
                    opened[move.cells] = True
        gone[own[opened[size:] & banded]] = True


def _cheapest(place: Place, ways: Sequence[Need], still: Sequence[int], opened: np.ndarray) -> Move | None:
    """The cheapest move that meets a need in one of several ways, while more cells stand still."""
    place.price(opened)
    found = [place.cheapest(need, still, whole=True, thorough=True) for need in ways]
    return min((move for move in found if move is not None), key=lambda move: move.added, default=None)
