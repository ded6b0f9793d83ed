"""Local recoding: different classes at different levels, where one level for all loses more than it must."""

from dataclasses import dataclass, replace

import numpy as np

from sdc.engines.packing import numbered
from sdc.engines.recoding import Lattice, Levels, Promise, best_recoding, broken, class_breaks
from sdc.errors import DisclosureError


@dataclass(frozen=True, eq=False)
class LocalRecoding:
    """Levels class by class.

    Attributes
    ----------
    levels : array of int, (classes, m)
        Level of each key in each class of the lattice.
    suppressed : array of bool, (classes,)
        Classes that no level saves.
    score : float
        As for ``recoding.Node``.
    classes : int
        Distinct classes released.
    """

    levels: np.ndarray
    suppressed: np.ndarray
    score: float
    classes: int


def recode_locally(given: Lattice, promise: Promise, levels: Levels, *, nodes: int = 20_000) -> LocalRecoding:
    """Start from the levels given, save what they suppress, then refine each class as far as it goes.

    Parameters
    ----------
    given : Lattice
        With the loss ``granularity`` or ``entropy``.
    promise : Promise
    levels : tuple of int, one a key
        Usually those of ``recoding.best_recoding``.
    nodes : int
        Evaluations allowed for each search among the records suppressed so far.

    Returns
    -------
    LocalRecoding

    Guarantees
    ----------
    * Every class released keeps the promise.
    * The score is at most that of the levels given.

    Notes
    -----
    The records that a level suppresses are searched again by themselves, at levels of their own, until no more are
    saved. Then every class is split along one key, by one level, when all its parts keep the promise: the
    key that gains most first. The same refinement from the coarsest levels is the rival; the better of both is taken.
    """
    start = _refined(given, promise, *_saved(given, promise, levels, nodes))
    top = np.tile(np.array(given.shape) - 1, (len(given.records), 1))
    number = np.zeros(len(given.records), dtype=np.int64)
    if class_breaks(given, number, promise).any():
        return start
    rival = _refined(given, promise, top, np.zeros(len(given.records), dtype=np.bool_))
    return rival if rival.score < start.score else start


def _saved(given: Lattice, promise: Promise, levels: Levels, nodes: int) -> tuple[np.ndarray, np.ndarray]:
    """Search the suppressed records again and again, each time by themselves."""
    chosen = np.tile(np.array(levels), (len(given.records), 1))
    lost = broken(given, levels, promise)
    while lost.any():
        rest = np.flatnonzero(lost)
        part = _part(given, rest)
        try:
            found = best_recoding(part, promise, 1.0, nodes=nodes)
        except DisclosureError:
            break
        still = broken(part, found.levels, promise)
        if still.all() or all(level == length - 1 for level, length in zip(found.levels, given.shape, strict=True)):
            break
        chosen[rest[~still]] = found.levels
        lost[rest[~still]] = False
    return chosen, lost


def _part(given: Lattice, classes: np.ndarray) -> Lattice:
    """The lattice of some of the classes; what counts as much or little stays in proportion."""
    records = given.records[classes]
    held = tuple(
        np.bincount(given.leaf[j, classes], weights=records, minlength=len(all_held)).astype(np.float64)
        for j, all_held in enumerate(given.held)
    )
    share = records.sum() / given.records.sum()
    least = given.least * share
    most = np.array([one @ lost for one, lost in zip(held, given.gone, strict=True)])
    return replace(
        given, leaf=np.ascontiguousarray(given.leaf[:, classes]), records=records, held=held,
        sensitive=given.sensitive[classes], least=least, most=np.where(most > least, most, least + 1),
    )  # fmt: skip


def _refined(given: Lattice, promise: Promise, levels: np.ndarray, lost: np.ndarray) -> LocalRecoding:
    """Split every class by one level of one key as long as all parts keep the promise."""
    levels = levels.copy()
    m = levels.shape[1]
    number = _patterns(given, levels, lost)
    while True:
        classes = int(number.max(initial=0)) + 1
        gains = np.full((m, classes), -1.0)
        parts = []
        for j in range(m):
            finer = np.maximum(levels[:, j] - 1, 0)
            part = _split(given, number, j, finer)
            parts.append(part)
            breaks = class_breaks(given, part, promise)[part]
            movable = np.bincount(number[breaks | (levels[:, j] == 0)], minlength=classes) == 0
            gain = given.costs[j][levels[:, j], given.leaf[j]] - given.costs[j][finer, given.leaf[j]]
            gain = np.bincount(number, weights=gain * given.records, minlength=classes)
            gains[j] = np.where(movable, gain / (given.most[j] - given.least[j]), -1.0)
        best, gain = gains.argmax(axis=0), gains.max(axis=0)
        moves = (gain >= 0)[number] & ~lost
        if not moves.any():
            return _summary(given, levels, lost, number)
        key = best[number]
        rows = np.flatnonzero(moves)
        levels[rows, key[rows]] -= 1
        joint = np.where(moves, np.stack(parts)[key, np.arange(len(key))] * (m + 1) + key + 1, number * (m + 1))
        number = numbered(joint)[2]


def _patterns(given: Lattice, levels: np.ndarray, lost: np.ndarray) -> np.ndarray:
    """Number of the released class of each class of the lattice; the suppressed ones are one class."""
    number = np.zeros(len(levels), dtype=np.int64)
    for j in range(levels.shape[1]):
        number = _split(given, number, j, levels[:, j])
        number = numbered(number * given.shape[j] + levels[:, j])[2]
    return numbered(np.where(lost, 0, number + 1))[2]


def _split(given: Lattice, number: np.ndarray, j: int, level: np.ndarray) -> np.ndarray:
    """Classes split by the code of one key at a level that may differ from class to class."""
    code = given.maps[given.begin[j][level] + given.leaf[j]]
    return numbered(number * int(given.width[j].max()) + code)[2]


def _summary(given: Lattice, levels: np.ndarray, lost: np.ndarray, number: np.ndarray) -> LocalRecoding:
    logs = []
    for j in range(levels.shape[1]):
        cost = np.where(lost, given.gone[j][given.leaf[j]], given.costs[j][levels[:, j], given.leaf[j]])
        logs.append(np.log1p((cost @ given.records - given.least[j]) / (given.most[j] - given.least[j])))
    return LocalRecoding(levels, lost, float(np.exp(np.mean(logs)) - 1), len(np.unique(number[~lost])))
