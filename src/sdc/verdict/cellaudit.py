"""What intruders solve from the counts of a file, with the sums over areas that others publish."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
from scipy import sparse

from sdc.cells.intruder import INTRUDERS, Audit, Intruder, audit_within, box, insiders
from sdc.cells.model import Cells
from sdc.cells.rows import row_cells
from sdc.dictionary import Link

_BUDGET = 200_000  # programs of one intruder


@dataclass(frozen=True, eq=False)
class Shown:
    """What is shown of every cell, and what may not be known of it.

    Attributes
    ----------
    cells : Cells
        As `row_cells` gives them: counts of rows, then sums over areas.
    hidden : array of bool, (cells,)
        Cells of columns of the file that it does not show, and sums too small to be published.
    low, high : array of float64, (cells,)
        What the file says of each cell: equal for an exact count, an interval for a rounded or banded one.
    primary : array of bool, (cells,)
        Cells that a rule of the policy guards.
    least : array of float64, (cells,)
        The least count that each may show.
    may_be_zero : array of bool, (cells,)
        Whether a hidden cell can be an empty one, as far as anybody knows.
    same : array of int64, (cells,)
        Cells of one place and column in several rounds share a number; -1 where no other round has it.
    alone : sequence of array of int64
        Cells that one and the same place fills by itself, for each such place.
    """

    cells: Cells
    hidden: np.ndarray
    low: np.ndarray
    high: np.ndarray
    primary: np.ndarray
    least: np.ndarray
    may_be_zero: np.ndarray
    same: np.ndarray
    alone: Sequence[np.ndarray] = ()


@dataclass(frozen=True)
class Learned:
    """What one intruder learns.

    Attributes
    ----------
    primary : int, cells
    recoverable : int, cells
        Guarded cells whose count is certain, but for those of ``given_away``.
    given_away : int, cells
        Guarded cells that follow from sums over areas alone, whatever the file hides, and not from its rows.
    narrowest : float, persons
        Width of the narrowest interval of a guarded cell that is not certain; infinite where there is none.
    finished : bool
    exposed : array of int64
        Cells counted in ``recoverable``.
    """

    primary: int
    recoverable: int
    given_away: int
    narrowest: float
    finished: bool
    exposed: np.ndarray


def cells_of(truth: pd.DataFrame, links: Sequence[Link], published: np.ndarray, areas: Sequence[np.ndarray]) -> Cells:
    """The cells of rows and of areas; ``published`` says of each column whether the file has it."""
    names = [str(name) for name, there in zip(truth.columns, published, strict=True) if there]
    return row_cells(truth, links, names, areas)


def learns(shown: Shown, name: str, remembered: np.ndarray | None = None) -> Learned:
    """Let one intruder solve, with the sums over areas and, for what these alone give away, without them.

    Parameters
    ----------
    shown : Shown
    name : str
        A key of `INTRUDERS`.
    remembered : array of float64, (cells,), optional
        What an earlier release showed of each cell; NaN where nothing. For the intruder who knows the last round.

    Returns
    -------
    Learned
    """
    intruder = INTRUDERS[name]
    lower, upper = _beliefs(shown, intruder, remembered)
    cells = _with_equal_rounds(shown) if intruder.last_round else shown.cells
    groups = _known_to_one(shown) if intruder.insider else []
    first = audit_within(cells, lower, upper, shown.primary, name=name, groups=groups, budget=_BUDGET)
    given = _from_sums_alone(shown, first, intruder)
    left = np.setdiff1d(first.exposed, given)
    finished, narrowest = first.finished, first.narrowest
    if len(given):
        rows = _of_cells(given, cells) & ~_sums(cells)  # a small sum that rows give away has a small part that they do
        alone = _without(cells, _sums(cells))
        again = audit_within(alone, lower, upper, rows, name=name, groups=groups, budget=_BUDGET)
        left = np.union1d(left, again.exposed)
        given = np.setdiff1d(given, again.exposed)
        finished &= again.finished
    if len(first.exposed) and not len(left):
        rest = shown.primary & ~_of_cells(given, cells)
        narrowest = audit_within(cells, lower, upper, rest, name=name, groups=groups, budget=_BUDGET).narrowest
    return Learned(int(shown.primary.sum()), len(left), len(given), 0.0 if len(left) else narrowest, finished, left)


def _beliefs(shown: Shown, intruder: Intruder, remembered: np.ndarray | None) -> tuple[np.ndarray, np.ndarray]:
    """Bounds that an intruder puts on every cell before any arithmetic."""
    last = None
    if intruder.last_round:
        last = (
            _of_other_rounds(shown)
            if remembered is None
            else np.where(np.isnan(remembered), _of_other_rounds(shown), remembered)
        )
    lower, upper = box(
        shown.cells,
        shown.hidden,
        shown.primary,
        intruder,
        minimum_count=shown.least,
        last=last,
        may_be_zero=shown.may_be_zero,
    )
    open_ = shown.cells.published & ~shown.hidden & (shown.low < shown.high)
    lower[open_], upper[open_] = shown.low[open_], shown.high[open_]
    return lower, upper


def _of_other_rounds(shown: Shown) -> np.ndarray:
    """What another round of the file shows of each cell, where that is still true; NaN elsewhere."""
    exact = shown.cells.published & ~shown.hidden & (shown.low == shown.high)
    frame = pd.DataFrame({"same": shown.same, "count": shown.cells.counts, "exact": exact})
    told = frame.groupby(["same", "count"])["exact"].transform("any").to_numpy() & (shown.same >= 0)
    return np.where(told, shown.cells.counts, np.nan)


def _with_equal_rounds(shown: Shown) -> Cells:
    """With one more identity for each count that did not change: who knows one round knows the other."""
    cells = shown.cells
    at = np.flatnonzero(shown.same >= 0)
    frame = pd.DataFrame({"same": shown.same[at], "count": cells.counts[at], "cell": at})
    first = frame.groupby(["same", "count"])["cell"].transform("min").to_numpy()
    pairs = np.flatnonzero(first != at)
    rows = np.arange(len(pairs))
    more = sparse.csr_array(
        (
            np.append(np.ones(len(pairs)), -np.ones(len(pairs))),
            (np.append(rows, rows), np.append(at[pairs], first[pairs])),
        ),
        shape=(len(pairs), len(cells)),
    )
    return replace(
        cells,
        identities=sparse.csr_array(sparse.vstack([cells.identities, more])),
        of_identity=np.append(cells.of_identity, np.full(len(pairs), -1)),
    )


def _from_sums_alone(shown: Shown, found: Audit, intruder: Intruder) -> np.ndarray:
    """Exposed cells that would be exposed if the file showed nothing but its zeros, even so that rounds are tied."""
    if not len(found.exposed) or not _sums(shown.cells).any():
        return np.empty(0, dtype=np.int64)
    cells = _with_equal_rounds(shown)
    rows = ~_sums(cells) & shown.cells.published & ((cells.counts > 0) | shown.primary)
    bare = replace(shown, hidden=shown.hidden | rows)
    lower, upper = _beliefs(bare, replace(intruder, at_least=1, last_round=False), None)
    groups = _known_to_one(bare) if intruder.insider else []
    wanted = _of_cells(found.exposed, cells)
    return audit_within(cells, lower, upper, wanted, name=found.intruder, groups=groups, budget=_BUDGET).exposed


def _known_to_one(shown: Shown) -> list[np.ndarray]:
    """Cells not shown that one person or one place knows: each count of 1, and what a place fills alone."""
    secret = shown.hidden | ~shown.cells.published | (shown.low < shown.high)
    places = [cells[secret[cells]] for cells in shown.alone]
    return [*insiders(shown.cells, secret & (shown.cells.counts == 1)), *(cells for cells in places if len(cells))]


def _sums(cells: Cells) -> np.ndarray:
    return (cells.labels["level"] > 0).to_numpy()


def _of_cells(numbers: np.ndarray, cells: Cells) -> np.ndarray:
    marked = np.zeros(len(cells), dtype=bool)
    marked[numbers] = True
    return marked


def _without(cells: Cells, gone: np.ndarray) -> Cells:
    """Without the identities that some cells take part in."""
    kept = np.asarray(abs(cells.identities) @ gone.astype(np.float64)).ravel() == 0
    return replace(cells, identities=cells.identities[np.flatnonzero(kept)], of_identity=cells.of_identity[kept])
