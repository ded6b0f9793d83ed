"""Which counts of a system of rows and areas to suppress."""

from dataclasses import replace

import numpy as np
from scipy import sparse
from scipy.sparse.csgraph import connected_components

from sdc.cells.intruder import insiders
from sdc.engines.cellsuppression import suppress_cells
from sdc.engines.countmatrix import Counts, System, part_of
from sdc.errors import DisclosureError


def hide(
    counts: Counts,
    primary: np.ndarray,
    released: np.ndarray,
    minimum: np.ndarray,
    *,
    known: np.ndarray | None = None,
    zeros: bool = False,
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
    * No primary count is determined by what is left, for somebody who knows that suppressed counts are at least 1.
    * Nothing depends on the order of rows, when they come sorted by their content.
    """
    tied = _Knowledge(System(counts), primary, released, minimum, known, zeros)
    loose = tied if counts.same is None else _Knowledge(System(replace(counts, same=None)), *tied.given)
    hidden = primary.copy()
    waiting = tied.needs
    for unreleased in (True, False):
        waiting = tied.protect(hidden, waiting, sums=True, unreleased=unreleased)
    if loose is not tied:
        loose.protect(hidden, loose.of(tied, waiting), sums=True, unreleased=False)
    waiting = tied.protect(hidden, tied.needs, sums=False, unreleased=False)
    if waiting.any():
        raise DisclosureError(
            "suppress_counts",
            f"{int(waiting.sum())} counts cannot be protected, whatever else is suppressed",
            "Coarsen the area of the rows, ask for fewer counts, or round this table instead of suppressing in it.",
        )
    return (hidden & released) | primary


class _Knowledge:
    """One system as an intruder sees it, and what is to be protected in it."""

    def __init__(
        self,
        system: System,
        primary: np.ndarray,
        released: np.ndarray,
        minimum: np.ndarray,
        known: np.ndarray | None,
        zeros: bool,
    ) -> None:
        self.given = (primary, released, minimum, known, zeros)
        self.system, self.zeros = system, zeros
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
        matrix = system.matrix if sums else system.matrix[: system.of_rows]
        fixed = self.fixed | (stands & ~self.needs)
        now = system.any(hidden)
        found, stuck = _solve(system, matrix, wanted, fixed, unknown, now, self.copies, self.zeros)
        seen = system.entry >= 0
        hidden[seen] |= found[system.of[system.entry[seen]]]
        return stuck


def _solve(
    system: System,
    matrix: sparse.csr_array,
    waiting: np.ndarray,
    fixed: np.ndarray,
    unknown: np.ndarray,
    hidden: np.ndarray,
    copies: np.ndarray,
    zeros: bool,
) -> tuple[np.ndarray, np.ndarray]:
    """What to hide in each connected part of the system by itself, and what cannot be protected so."""
    free = ((system.count > 0) | waiting | unknown) & ~fixed
    cells = np.flatnonzero(free)
    inside = sparse.csc_array(matrix[:, cells])
    graph = sparse.block_array([[None, inside], [inside.T, None]])
    part = connected_components(graph, directed=False)[1][inside.shape[0] :]
    found, stuck = np.zeros_like(free), np.zeros_like(free)
    touched = np.diff(inside.indptr) > 0
    order = np.argsort(part, kind="stable")
    for group in np.split(order, np.flatnonzero(np.diff(part[order])) + 1):
        own = cells[group]
        if not waiting[own].any() or not touched[group].any():
            continue
        truth = system.count[own]
        sub = part_of(inside[:, group], truth, ~unknown[own], system.blocks[own])
        price = np.where(hidden[own], 1e-3, 1.0) * truth * np.maximum(copies[own], 1)
        pattern = suppress_cells(
            sub,
            waiting[own],
            lower=np.zeros(len(own)) if zeros else np.minimum(truth, 1),
            insiders=insiders(sub, (truth == 1) & ~unknown[own]),
            weight=price,
            infeasible="tell",
        )
        found[own] = pattern.suppressed
        stuck[own[pattern.unprotected]] = True
    return found, stuck & waiting
