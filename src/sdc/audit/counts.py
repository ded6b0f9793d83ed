"""The audit of counts: small counts, differences of areas and changes between rounds that a set gives away."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import NamedTuple

import numpy as np
import pandas as pd

from sdc.audit.facts import Facts
from sdc.audit.learned import Learned, Stop, Tell, learned
from sdc.audit.refinement import Refinement, refine
from sdc.dictionary import Link


class Limits(NamedTuple):
    """What the policy of whoever holds a knowledge set asks for.

    Attributes
    ----------
    minimum_count : int, persons
        Counts from 1 to one less are protected; 1 protects none.
    minimums : mapping of column to int
        The same for columns that have a number of their own: households, sensitive groups.
    minimum_width : float, persons
        Least width of the interval of a protected count.
    minimum_change : int, persons
        Changes of 1 to one less between rounds are protected; 1 protects none.
    k : int, records
    missing : str
        Reading of missing keys: wildcard or category.
    """

    minimum_count: int = 1
    minimums: Mapping[str, int] = MappingProxyType({})
    minimum_width: float = 1
    minimum_change: int = 1
    k: int = 1
    missing: str = "wildcard"


class Already(NamedTuple):
    """What was given away before the candidate, in cells and pairs; None where nobody asked."""

    narrow: int = 0
    persistent: int = 0
    changes: int = 0


@dataclass(frozen=True, eq=False)
class CountFindings:
    """What a knowledge set gives away of counts; numbers of cells in `refinement`.

    Attributes
    ----------
    refinement : Refinement
    protected : array of bool, (cells,)
        Small counts that no release shows.
    attack : Learned
    exposed : array of int64
        Protected cells whose interval is narrower than the limits ask.
    suppressed_exact : int
        Protected cells known exactly that some release holds and suppressed.
    differences_exact : int
        Protected cells known exactly that no release holds: differences of areas, columns that nobody asked for.
    persistent : array of int64
        Protected cells that follow for somebody who takes another round's count for this round's where that is true.
    changes : DataFrame of first, second
        Pairs of cells of one place and column whose change is protected and known too well.
    changes_asked : int
        Pairs whose change is protected.
    already : Already
        How much of that was given away without the candidate.
    complete : bool
    """

    refinement: Refinement
    protected: np.ndarray
    attack: Learned
    exposed: np.ndarray
    suppressed_exact: int
    differences_exact: int
    persistent: np.ndarray
    changes: pd.DataFrame
    changes_asked: int
    already: Already
    complete: bool


def audit_counts(
    facts: Sequence[Facts],
    links: Sequence[Link],
    limits: Limits,
    *,
    candidate: int | None = None,
    stop: Stop = lambda: False,
    tell: Tell = lambda _done, _all: None,
) -> CountFindings:
    """Attack everything that a knowledge set should not know of counts.

    Parameters
    ----------
    facts : sequence of Facts, of counts
    links : sequence of Link
    limits : Limits
    candidate : int, optional
        Position of the release that is not out yet: what is given away without it is counted apart.
    stop, tell : see ``learned``

    Returns
    -------
    CountFindings

    Guarantees
    ----------
    * With `complete`, no protected count and no protected change is known better than the limits allow but those told.
    """
    system = refine(facts, links)
    protected = protected_cells(system, limits)
    pairs = _pairs(system, limits.minimum_change)
    attack, narrow, changed, finished = _attacked(system, protected, pairs, limits, stop, tell)
    certain = np.isin(np.arange(len(protected)), attack.certain)
    persistent, ended = _persistent(system, protected & ~narrow, stop)
    already = Already()
    if candidate is not None and len(facts) > 1 and (narrow.any() or len(changed) or len(persistent)):
        before = refine(facts, links, {candidate})
        held = narrow | np.isin(np.arange(len(protected)), persistent)
        _, old, old_changed, done = _attacked(before, narrow, changed, limits, stop)
        stayed, sure = _persistent(before, held & ~old, stop)
        already = Already(int(old.sum()), int(np.isin(stayed, persistent).sum()), len(old_changed))
        finished &= done and sure
    return CountFindings(
        system,
        protected,
        attack,
        np.flatnonzero(narrow),
        int((certain & protected & system.suppressed).sum()),
        int((certain & protected & ~system.suppressed).sum()),
        persistent,
        changed,
        len(pairs),
        already,
        finished and ended,
    )


def _attacked(
    system: Refinement,
    protected: np.ndarray,
    pairs: pd.DataFrame,
    limits: Limits,
    stop: Stop,
    tell: Tell = lambda _done, _all: None,
) -> tuple[Learned, np.ndarray, pd.DataFrame, bool]:
    """Attack on protected cells and on both ends of protected changes: which are known too well, and whether it ended.

    The interval of a change is as wide as those of its two ends together: no identity ties two rounds.
    """
    wanted = protected.copy()
    wanted[pairs.to_numpy().ravel()] = True
    wanted &= ~system.shown
    attack = learned(system.cells, system.lower, system.upper, wanted, need=limits.minimum_width, stop=stop, tell=tell)
    number = np.arange(len(protected))
    known = np.isin(number, attack.certain) | system.shown
    changed = pairs[known[pairs["first"].to_numpy()] & known[pairs["second"].to_numpy()]]
    narrow = protected & (np.isin(number, attack.narrow) | system.shown)
    return attack, narrow, changed, attack.complete


def protected_cells(system: Refinement, limits: Limits) -> np.ndarray:
    """Cells that a knowledge set should not know: small counts that nobody shows."""
    truth = system.cells.counts
    least = system.about["column"].map(lambda name: limits.minimums.get(name, limits.minimum_count)).to_numpy()
    return (truth > 0) & (truth < least) & ~system.shown


def _pairs(system: Refinement, minimum_change: int) -> pd.DataFrame:
    """Cells of one place and column at two times whose counts differ by a protected change."""
    named = system.about.assign(cell=np.arange(len(system.about)), count=system.cells.counts)
    named = named[named["place"] != ""][["place", "column", "round", "cell", "count"]]
    if minimum_change <= 1 or (named["round"].nunique() < 2 and not named.duplicated(["place", "column"]).any()):
        return pd.DataFrame({"first": [], "second": []}, dtype=np.int64)
    both = named.merge(named, on=["place", "column"], suffixes=("_a", "_b"))
    change = (both["count_a"] - both["count_b"]).abs()
    both = both[(both["cell_a"] < both["cell_b"]) & (change > 0) & (change < minimum_change)]
    return pd.DataFrame({"first": both["cell_a"], "second": both["cell_b"]}).reset_index(drop=True)


def _persistent(system: Refinement, protected: np.ndarray, stop: Stop) -> tuple[np.ndarray, bool]:
    """Protected cells that are certain once unchanged counts of other rounds stand in for hidden ones."""
    named = system.about.assign(cell=np.arange(len(system.about)), count=system.cells.counts)
    named = named[named["place"] != ""]
    if named["round"].nunique() < 2 or not protected.any():
        return np.empty(0, np.int64), True
    shown = named[system.shown[named["cell"]]][["place", "column", "round", "count"]]
    hidden = named[~system.shown[named["cell"]]][["place", "column", "round", "count", "cell"]]
    both = hidden.merge(shown, on=["place", "column", "count"], suffixes=("", "_b"))
    same = both.loc[both["round"] != both["round_b"], "cell"].unique()
    if not len(same):
        return np.empty(0, np.int64), True
    truth = system.cells.counts.astype(np.float64)
    lower, upper = system.lower.copy(), system.upper.copy()
    lower[same] = upper[same] = truth[same]
    wanted = protected.copy()
    wanted[same] = False
    found = learned(system.cells, lower, upper, wanted, stop=stop)
    return found.certain, found.complete


def smallest_combination(facts: Sequence[Facts], still: Callable[[Sequence[Facts]], bool], candidate: int) -> list[int]:
    """A least set of releases that, with the candidate, still gives something away: leave one out, the oldest first.

    Parameters
    ----------
    facts : sequence of Facts
    still : callable
        Whether a set of releases gives something away.
    candidate : int
        Its position; it stays.
    """
    kept = list(range(len(facts)))
    for number in range(len(facts)):
        if number == candidate or len(kept) <= 1:
            continue
        fewer = [i for i in kept if i != number]
        if still([facts[i] for i in fewer]):
            kept = fewer
    return kept


def gives_away(facts: Sequence[Facts], links: Sequence[Link], limits: Limits) -> bool:
    """Whether a set of releases gives a protected count away; ends at the first."""
    system = refine(facts, links)
    wanted = protected_cells(system, limits)
    found = learned(system.cells, system.lower, system.upper, wanted, need=limits.minimum_width, first_only=True)
    return bool(len(found.narrow))
