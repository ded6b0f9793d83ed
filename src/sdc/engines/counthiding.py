"""Which counts of a system of rows and areas to suppress."""

from dataclasses import replace

import numpy as np
from scipy import sparse

from sdc.engines.cellsuppression import suppress_cells
from sdc.engines.countmatrix import Counts, System, connected_parts, part_of
from sdc.errors import DisclosureError


def hide(
    counts: Counts,
    primary: np.ndarray,
    released: np.ndarray,
    minimum: np.ndarray,
    *,
    known: np.ndarray | None = None,
    zeros: bool = False,
    own_count: bool = True,
    which_primary: bool = False,
) -> np.ndarray:
    """Choose what to suppress so that no small count can be solved from rows, sums over areas and other rounds.

    Sums over areas are taken as known unless they are small themselves; so are the larger counts of columns that are
    not released. A primary count that follows from those alone is protected against whoever knows less: without the
    columns that are not released, then without the other rounds, and always against whoever has the rows alone.

    Parameters
    ----------
    counts : Counts
    primary : array of bool, (rows, columns)
        What a rule forbids to show.
    released : array of bool, (columns,)
    minimum : array of int, (columns,)
        Least sum that is shown.
    known : array of bool, (rows, columns), optional
        What an earlier release shows, and cannot be hidden any more.
    zeros : bool
        Whether zeros are suppressed too, so that a suppressed count may be 0.
    own_count : bool
        Whether a person who alone fills a count, and a place that alone fills a sum (``alone`` of `Counts`), know it.
    which_primary : bool
        Whether it is known which suppressed counts lie below the minimum, and which do not.

    Returns
    -------
    array of bool, (rows, columns)
        Primary and secondary. Columns that are not released have no secondary ones.

    Raises
    ------
    DisclosureError : when the released columns alone, without any sum, give a count away whatever is suppressed.

    Guarantees
    ----------
    * Every primary entry is hidden, and no entry that is known or zero but for those.
    * No primary count is determined by what is left, for somebody who knows that suppressed counts are at least 1,
      their own count, or which are primary, as far as the two are asked for.
    * Nothing depends on the order of rows, when they come sorted by their content.
    """
    given = (primary, released, minimum, known, zeros, own_count, which_primary)
    tied = _Knowledge(counts, *given)
    loose = tied if counts.same is None else _Knowledge(replace(counts, same=None), *given)
    hidden = primary.copy()
    waiting = tied.needs
    for unreleased in (True, False):
        waiting = tied.protect(hidden, waiting, sums=True, unreleased=unreleased)
    if loose is not tied:
        loose.protect(hidden, loose.of(tied, waiting), sums=True, unreleased=False)
    waiting = tied.protect(hidden, tied.needs, sums=False, unreleased=False)
    if waiting.any() and loose is not tied:  # somebody's own count gives none away, nor do other rounds; both might
        own = loose.protect(hidden, loose.of(tied, waiting), sums=False, unreleased=False)
        tied.owned = []
        waiting = tied.protect(hidden, waiting, sums=False, unreleased=False) | tied.of(loose, own)
    if waiting.any():
        raise DisclosureError(
            "suppress_counts",
            f"{int(waiting.sum())} counts cannot be protected, whatever else is suppressed",
            "Coarsen the area of the rows, ask for fewer counts, or round this table instead of suppressing in it."
            + (" Or leave `which_primary` unknown: the file does not tell." if which_primary else ""),
        )
    return (hidden & released) | primary


class _Knowledge:
    """One system as an intruder sees it, and what is to be protected in it."""

    def __init__(
        self,
        counts: Counts,
        primary: np.ndarray,
        released: np.ndarray,
        minimum: np.ndarray,
        known: np.ndarray | None,
        zeros: bool,
        own_count: bool,
        which_primary: bool,
    ) -> None:
        self.system = system = System(counts)
        self.owned = system.own_counts(counts.alone) if own_count else []
        self.fixed = system.any(known) if known is not None else np.zeros(system.size, dtype=bool)
        self.margins = np.zeros(system.size, dtype=bool)
        self.margins[system.of[system.margin]] = True
        least = np.ones(system.size)
        np.maximum.at(least, system.of, minimum[system.column])
        small = self.margins & (system.count < least) & ((system.count > 0) | zeros)
        self.needs = (system.any(primary) | small) & ~self.fixed
        self.others = system.any(np.broadcast_to(~released, primary.shape))
        shown = (system.entry >= 0) & released
        self.copies = np.bincount(system.of[system.entry[shown]], minlength=system.size)
        self.lower = np.zeros(system.size) if zeros else np.minimum(system.count, 1)
        self.upper = np.full(system.size, np.inf)
        if which_primary:
            self._tell_primary(np.flatnonzero(released[system.column] | system.margin), minimum)

    def _tell_primary(self, entries: np.ndarray, minimum: np.ndarray) -> None:
        """A suppressed count is below the minimum of its column where it is primary, and not where it is secondary."""
        cell, least = self.system.of[entries], minimum[self.system.column[entries]].astype(np.float64)
        below = self.system.count[cell] < least
        own = self.needs[cell] & below
        np.minimum.at(self.upper, cell[own], least[own] - 1)
        other = ~self.needs[cell] & ~below
        np.maximum.at(self.lower, cell[other], least[other])

    def of(self, other: "_Knowledge", cells: np.ndarray) -> np.ndarray:
        """The cells of another system over the same counts, as cells of this one."""
        found = np.zeros(self.system.size, dtype=bool)
        found[self.system.of[cells[other.system.of]]] = True
        return found & self.needs

    def protect(self, hidden: np.ndarray, wanted: np.ndarray, *, sums: bool, unreleased: bool) -> np.ndarray:
        """Hide what protects the wanted cells from someone who has the sums, and the columns that are not released.

        Adds to ``hidden``, (rows, columns); returns the cells that cannot be protected so.
        """
        system = self.system
        stands = (self.margins & sums) | (self.others & unreleased)
        unknown = (self.margins & (not sums)) | (self.others & (not unreleased))
        unknown &= ~stands & ~self.needs & (self.copies == 0)
        fixed = self.fixed | (stands & ~self.needs)
        found, stuck = self._solve(sums, wanted, fixed, unknown, system.any(hidden))
        seen = system.entry >= 0
        hidden[seen] |= found[system.of[system.entry[seen]]]
        return stuck

    def _solve(
        self, sums: bool, waiting: np.ndarray, fixed: np.ndarray, unknown: np.ndarray, hidden: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray]:
        """What to hide in each connected part of the system by itself, and what cannot be protected so."""
        system = self.system
        free = ((system.count > 0) | waiting | unknown) & ~fixed
        cells = np.flatnonzero(free)
        inside = sparse.csc_array((system.matrix if sums else system.matrix[: system.of_rows])[:, cells])
        parts = connected_parts(inside)
        found, stuck = np.zeros_like(free), np.zeros_like(free)
        at, of_part = np.full(system.size, -1), np.full(system.size, -1)
        for number, group in enumerate(parts):
            of_part[cells[group]] = number
        owned: dict[int, list[np.ndarray]] = {}
        for known in self.owned:
            for number in np.unique(of_part[known]).tolist():
                owned.setdefault(number, []).append(known[of_part[known] == number])
        for number, group in enumerate(parts):
            own = cells[group]
            if not waiting[own].any():
                continue
            at[own] = np.arange(len(own))
            price = np.where(hidden[own], 1e-3, 1.0) * system.count[own] * np.maximum(self.copies[own], 1)
            pattern = suppress_cells(
                part_of(inside[:, group], system.count[own], ~unknown[own], system.blocks[own]),
                waiting[own],
                lower=self.lower[own],
                upper=self.upper[own],
                insiders=[at[known] for known in owned.get(number, ())],
                weight=price,
                infeasible="tell",
            )
            found[own] = pattern.suppressed
            stuck[own[pattern.unprotected]] = True
        return found, stuck & waiting
