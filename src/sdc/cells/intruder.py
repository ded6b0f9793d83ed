"""The judge of suppressed tables: what an intruder can solve from what is shown."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from scipy import sparse
from scipy.sparse.csgraph import connected_components

from sdc.cells.model import Cells
from sdc.cells.moves import NEAR, Component, components, system_of
from sdc.errors import PolicyError


@dataclass(frozen=True)
class Intruder:
    """What someone knows before reading the table.

    Attributes
    ----------
    name : str
        As verdicts and the bench print it.
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


NOTHING_KNOWN = Intruder("nothing-known", at_least=0)
AT_LEAST_ONE = Intruder("at-least-one")
LAST_ROUND = Intruder("last-round", last_round=True)
KNOWS_PRIMARY = Intruder("knows-primary", knows_primary=True)
SINGLETON = Intruder("singleton", insider=True)
INTRUDERS: Mapping[str, Intruder] = {
    who.name: who for who in (NOTHING_KNOWN, AT_LEAST_ONE, LAST_ROUND, KNOWS_PRIMARY, SINGLETON)
}


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
    minimum_count: int | np.ndarray | None = None,
    last: np.ndarray | None = None,
    margin: float = 0,
    may_be_zero: np.ndarray | None = None,
) -> tuple[np.ndarray, np.ndarray]:
    """Bounds that an intruder puts on every cell before any arithmetic.

    Parameters
    ----------
    cells : Cells
    suppressed, primary : array of bool, (cells,)
    intruder : Intruder
    minimum_count : int or array of int (cells,), optional
        The rule, needed for an intruder who knows which cells are primary.
    last : array of float, (cells,), optional
        What the last round published; NaN where it published nothing. Needed for an intruder who remembers.
    margin : float, share
        How far (0.05: five per cent) a count may have moved since, in their belief.
    may_be_zero : array of bool, (cells,), optional
        Whether a suppressed cell can be an empty one, as far as anybody knows; without it, every cell where some
        suppressed cell is empty.

    Returns
    -------
    lower, upper : array of float64, (cells,)
        The truth always lies between: a belief that is false helps nobody.
    """
    truth = cells.counts.astype(np.float64)
    hidden = suppressed | ~cells.published
    lower, upper = truth.copy(), truth.copy()
    if may_be_zero is None:
        may_be_zero = np.full(len(cells), bool((truth[suppressed] == 0).any()))
    lower[suppressed] = np.where(may_be_zero[suppressed], 0, np.minimum(intruder.at_least, truth[suppressed]))
    lower[~cells.published] = 0
    upper[hidden] = np.inf
    if intruder.knows_primary:
        if minimum_count is None:
            raise PolicyError(
                "intruder", "knows which cells are primary, but the rule is not given.", "Give `minimum_count`."
            )
        least = np.broadcast_to(np.asarray(minimum_count, dtype=np.float64), truth.shape)
        small = suppressed & primary & (truth < least)
        upper[small] = least[small] - 1
        others = suppressed & ~primary & (truth >= least)
        lower[others] = least[others]
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
    system = system_of(cells, lower, upper, whole=_whole(cells))
    for columns in components(system):
        asked = np.flatnonzero(wanted[system.cells[columns]])
        if len(asked):
            part = Component(system, columns, cells.blocks, whole=_whole(cells))
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
    minimum_count: int | np.ndarray | None = None,
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
    lower, upper = box(cells, suppressed, primary, intruder, minimum_count=minimum_count, last=last, margin=margin)
    if groups is None:
        groups = insiders(cells, suppressed & (cells.counts == 1)) if intruder.insider else []
    known = groups if intruder.insider else ()
    return audit_within(cells, lower, upper, primary, name=intruder.name, groups=known, need=need, budget=budget)


def audit_within(
    cells: Cells,
    lower: np.ndarray,
    upper: np.ndarray,
    primary: np.ndarray,
    *,
    name: str,
    groups: Sequence[np.ndarray] = (),
    need: float = 1,
    budget: int = 1_000_000,
) -> Audit:
    """Judge what is left open between bounds that somebody puts on every cell beforehand.

    Parameters
    ----------
    cells : Cells
    lower, upper : array of float64, (cells,)
        The truth lies between; equal where a cell is known.
    primary : array of bool, (cells,)
    name : str
        Of the intruder, for print.
    groups, need, budget : see ``audit``

    Returns
    -------
    Audit
    """
    whole = _whole(cells)
    system = system_of(cells, lower, upper, whole=whole)
    place = np.full(len(cells), -1)
    place[system.cells] = np.arange(len(system.cells))
    certain = set(np.flatnonzero(primary & (place < 0)).tolist())
    left: set[int] = set()
    solves, widths = 0, []
    local = np.full(len(cells), -1)
    parts = components(system)
    of_cell = np.full(len(cells), -1)
    for number, columns in enumerate(parts):
        of_cell[system.cells[columns]] = number
    own: dict[int, list[np.ndarray]] = {}
    for group in groups:
        for number in np.unique(of_cell[group]).tolist():
            own.setdefault(number, []).append(group[of_cell[group] == number])
    for number, columns in enumerate(parts):
        asked = np.flatnonzero(primary[system.cells[columns]])
        if not len(asked):
            continue
        part = Component(system, columns, cells.blocks, whole=whole)
        local[part.cells] = np.arange(len(part.cells))
        sure, open_ = part.decide(asked.tolist(), np.zeros(0, np.int64), budget - solves)
        certain.update(part.cells[sure].tolist())
        left.update(part.cells[open_].tolist())
        wanted = set(asked.tolist())
        for group in own.get(number, ()):
            without = local[group]
            moved = {j for cell in without for move in part.touching[cell] for j in part.moves[move][1]}
            sure, open_ = part.decide(sorted(moved & wanted - set(without.tolist())), without, budget - solves)
            certain.update(part.cells[sure].tolist())
            left.update(part.cells[open_].tolist())
        widths.append(_narrowest(part, asked, budget - solves))
        solves += part.solves
    exposed = np.array(sorted(certain | left), dtype=np.int64)
    return Audit(
        name,
        int(primary.sum()),
        len(exposed),
        len(exposed) if need <= 1 else _narrower(cells, lower, upper, primary, need),
        0.0 if len(exposed) else min(widths, default=np.inf),
        solves,
        not left and solves < budget,
        exposed,
    )


def _narrowest(part: Component, asked: np.ndarray, budget: int) -> float:
    """Width of the narrowest interval in a component: exact, as only cells that may be it are solved."""
    width = part.high[asked] - part.low[asked]
    ends = part.upper[asked] - part.lower[asked]
    best = float(np.min(ends, where=width >= ends - NEAR, initial=np.inf))
    known: set[int] = set()
    while len(asked) and part.solves < budget:
        width = part.high[asked] - part.low[asked]
        j = int(asked[np.argmin(width)])
        if width.min() >= best - NEAR or j in known:
            break
        low, high = part.extremes(j)
        known.add(j)
        best = min(best, np.floor(high + NEAR) - np.ceil(low - NEAR) if part.whole else high - low)
    return float(best)


def _narrower(cells: Cells, lower: np.ndarray, upper: np.ndarray, primary: np.ndarray, need: float) -> int:
    """How many primary cells have an interval below the width asked."""
    low, up = bounds(cells, lower, upper, primary)
    return int((up[primary] - low[primary] < need - NEAR).sum())
