"""The judge of rounded and perturbed tables: what is left of the noise once the sums are solved."""

import numpy as np

from sdc.cells.intruder import Audit
from sdc.cells.model import Cells
from sdc.cells.moves import NEAR, Component, components, system_of

_TURNS = 8  # programs that move many cells at once, before one cell at a time


def rounding_box(shown: np.ndarray, reach: int) -> tuple[np.ndarray, np.ndarray]:
    """Where the truth can lie when every shown count is off by at most ``reach``.

    Parameters
    ----------
    shown : array of int, (cells,)
    reach : int, persons

    Returns
    -------
    lower, upper : array of float64, (cells,)
    """
    return np.maximum(shown - reach, 0).astype(np.float64), (shown + reach).astype(np.float64)


def audit_independent(cells: Cells, low: np.ndarray, high: np.ndarray, primary: np.ndarray, *, name: str) -> Audit:
    """Judge what someone learns who knows bounds of every inner count, and nothing true of any total.

    Parameters
    ----------
    cells : Cells
        Registered from inner cells (``members``).
    low, high : array of float64, (inner rows,)
        The true inner counts lie between them, each wherever it likes.
    primary : array of bool, (cells,)
    name : str
        Of the intruder, for print.

    Returns
    -------
    Audit
    """
    assert cells.members is not None
    width = (cells.members @ (high - low))[primary]
    exposed = np.flatnonzero(primary)[width < 1]
    narrowest = float(width.min(initial=np.inf))
    return Audit(name, int(primary.sum()), len(exposed), len(exposed), narrowest, 0, True, exposed)


def audit_box(
    cells: Cells, lower: np.ndarray, upper: np.ndarray, primary: np.ndarray, *, name: str, budget: int = 20_000
) -> Audit:
    """Judge what someone learns who knows bounds of every count, and that true counts add up.

    Parameters
    ----------
    cells : Cells
        With the true counts.
    lower, upper : array of float64, (cells,)
        The truth lies between them.
    primary : array of bool, (cells,)
    name : str
        Of the intruder, for print.
    budget : int, programs

    Returns
    -------
    Audit
        ``narrowest`` is the least width of an interval of a primary cell: as the programs found it, or, where the
        budget ended first, of what they reached.

    Guarantees
    ----------
    * ``recoverable`` is exact for someone who knows that counts are whole, when the audit is finished.
    """
    whole = bool(np.issubdtype(cells.counts.dtype, np.integer))
    system = system_of(cells, lower, upper, whole=whole)
    place = np.full(len(cells), -1)
    place[system.cells] = np.arange(len(system.cells))
    certain = set(np.flatnonzero(primary & (place < 0)).tolist())
    left: set[int] = set()
    solves, narrowest = 0, np.inf
    for columns in components(system):
        asked = np.flatnonzero(primary[system.cells[columns]])
        if not len(asked):
            continue
        part = Component(system, columns, cells.blocks, whole=whole)
        sure, open_ = part.decide(asked.tolist(), np.zeros(0, np.int64), budget - solves)
        certain.update(part.cells[sure].tolist())
        left.update(part.cells[open_].tolist())
        settled = np.setdiff1d(asked, np.append(sure, open_).astype(np.int64))
        narrowest = min(narrowest, _narrowest(part, settled, budget - solves))
        solves += part.solves
    exposed = np.array(sorted(certain | left), dtype=np.int64)
    return Audit(
        name,
        int(primary.sum()),
        len(exposed),
        len(exposed),
        0.0 if len(exposed) else narrowest,
        solves,
        not left,
        exposed,
    )


def _narrowest(part: Component, asked: np.ndarray, budget: int) -> float:
    """Least width among cells: many are pushed at once, and those that may still be it are solved one by one."""
    best = np.inf
    solved: set[int] = set()

    def open_cells() -> np.ndarray:
        """Cells whose width may be below the best known, the most cramped first."""
        nonlocal best
        width = part.high[asked] - part.low[asked]
        full = width >= part.upper[asked] - part.lower[asked] - NEAR
        best = min(best, float(width[full].min(initial=np.inf)))
        left = asked[~full & (width < best - NEAR)]
        left = left[np.argsort((part.high - part.low)[left], kind="stable")]
        return np.array([j for j in left.tolist() if j not in solved], dtype=np.int64)

    for turn in range(_TURNS):
        for number, place in enumerate(part.places):
            here = np.intersect1d(open_cells(), place)
            if not len(here) or part.solves >= budget or (number == len(part.places) - 1 and turn % 4 > 1):
                continue
            cost = np.zeros(len(part.cells))
            up = part.upper[here] - part.high[here] > NEAR
            down = part.low[here] - part.lower[here] > NEAR
            cost[here] = np.where(up if turn % 2 == 0 else ~down, -1.0, 1.0)
            if turn > 1:  # pushed one way all together they are in each other's way
                cost[here] *= np.where(np.arange(len(here)) // (turn - 1) % 2 == 0, 1.0, -1.0)
            part.push(number, cost)
    while len(left := open_cells()):
        j = int(left[0])
        if part.solves >= budget:
            return float(min(best, part.high[j] - part.low[j]))
        low, high = part.extremes(j)
        solved.add(j)
        best = min(best, high - low)
    return best
