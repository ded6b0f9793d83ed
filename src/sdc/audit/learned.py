"""What can be solved from a system of intervals and sums: certain cells, and cells known within too little."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from sdc.cells.model import Cells
from sdc.cells.moves import NEAR, Component, components, system_of

Stop = Callable[[], bool]
Tell = Callable[[int, int], None]  # components done, of how many


@dataclass(frozen=True, eq=False)
class Learned:
    """Outcome of an attack on counts.

    Attributes
    ----------
    asked : int, cells
    narrow : array of int64
        Cells whose interval is narrower than was asked, those known exactly among them.
    certain : array of int64
        Cells known exactly.
    low, high : array of float64, (cells,)
        The furthest points seen for asked cells: inside the true interval, equal to its ends where it was solved.
    complete : bool
        False when somebody stopped it or the solver could not decide a cell: then nothing is proven.
    solves : int
        Programs solved.
    components : int
    largest : int, cells
    """

    asked: int
    narrow: np.ndarray
    certain: np.ndarray
    low: np.ndarray
    high: np.ndarray
    complete: bool
    solves: int
    components: int
    largest: int


def learned(
    cells: Cells,
    lower: np.ndarray,
    upper: np.ndarray,
    wanted: np.ndarray,
    *,
    need: float = 1,
    stop: Stop = lambda: False,
    tell: Tell = lambda _done, _all: None,
    first_only: bool = False,
) -> Learned:
    """Attack a set of cells with all that is told, component by component.

    Parameters
    ----------
    cells : Cells
        With the true counts, which satisfy the identities.
    lower, upper : array of float64, (cells,)
        What is told of each cell; the truth lies between.
    wanted : array of bool, (cells,)
    need : float, persons
        Least width of an interval that counts as protection; 1 means: not known exactly.
    stop : callable
        Asked between programs; when it says True, the attack ends unfinished.
    tell : callable
        Told how many components are done, of how many.
    first_only : bool
        End at the first cell found: enough to know that there is one.

    Returns
    -------
    Learned

    Guarantees
    ----------
    * `certain` and `narrow` are exact for somebody who knows that counts are whole, when `complete`.
    * `complete` is False whenever a wanted cell was not decided.
    """
    truth = cells.counts.astype(np.float64)
    low, high = truth.copy(), truth.copy()
    system = system_of(cells, lower, upper, whole=True)
    loose = np.zeros(len(cells), dtype=bool)
    loose[system.cells] = True
    certain = np.flatnonzero(wanted & ~loose).tolist()
    narrow = list(certain)
    parts = [part for part in components(system) if wanted[system.cells[part]].any()]
    complete, solves = True, 0
    if first_only and certain:
        parts = []
    for number, columns in enumerate(parts):
        tell(number, len(parts))
        if stop():
            complete = False
            break
        part = Component(system, columns, cells.blocks, whole=True)
        asked = np.flatnonzero(wanted[part.cells])
        sure, open_ = _decided(part, asked, stop)
        complete &= not open_
        certain += part.cells[sure].tolist()
        narrow += part.cells[sure].tolist()
        if need > 1:
            for j in sorted(set(asked.tolist()) - set(sure) - set(open_)):
                if stop():
                    complete = False
                    break
                if _width(part, j, need) < need - NEAR:
                    narrow.append(int(part.cells[j]))
        at = part.cells[asked]
        low[at], high[at] = truth[at] + part.low[asked], truth[at] + part.high[asked]
        solves += part.solves
        if first_only and narrow:
            break
    tell(len(parts), len(parts))
    return Learned(
        int(wanted.sum()),
        np.array(sorted(set(narrow)), dtype=np.int64),
        np.array(sorted(set(certain)), dtype=np.int64),
        low,
        high,
        bool(complete),
        solves,
        len(parts),
        max((len(part) for part in parts), default=0),
    )


def intervals(cells: Cells, lower: np.ndarray, upper: np.ndarray, wanted: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Least and greatest count of each wanted cell, tightened to whole numbers; the truth for all others."""
    truth = cells.counts.astype(np.float64)
    low, high = truth.copy(), truth.copy()
    system = system_of(cells, lower, upper, whole=True)
    for columns in components(system):
        asked = np.flatnonzero(wanted[system.cells[columns]])
        if len(asked):
            part = Component(system, columns, cells.blocks, whole=True)
            for j in asked.tolist():
                least, most = part.extremes(j)
                at = part.cells[j]
                low[at], high[at] = truth[at] + np.ceil(least - NEAR), truth[at] + np.floor(most + NEAR)
    return low, high


_STEP = 400  # programs between two looks at the clock


def _decided(part: Component, asked: np.ndarray, stop: Stop) -> tuple[list[int], list[int]]:
    """Certain cells of one component, and those left open when somebody stopped it."""
    sure: list[int] = []
    open_ = asked.tolist()
    while open_:
        before = part.solves
        found, left = part.decide(open_, np.zeros(0, np.int64), part.solves + _STEP)
        sure += found
        if not left or stop():
            return sure, left
        if len(left) == len(open_) and part.solves < before + _STEP:
            return sure, left  # the solver gave up on them: more time would not help
        open_ = left
    return sure, []


def _width(part: Component, j: int, need: float) -> float:
    """Width of one interval in whole numbers, no further than is needed to decide."""
    if part.high[j] - part.low[j] >= need - NEAR and need == int(need):
        seen = np.floor(part.high[j] + NEAR) - np.ceil(part.low[j] - NEAR)
        if seen >= need:
            return float(seen)
    least, most = part.extremes(j)
    return float(np.floor(most + NEAR) - np.ceil(least - NEAR))
