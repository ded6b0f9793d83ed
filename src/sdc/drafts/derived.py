"""Columns that another column decides: a name beside its code, a district's province, a band of an age."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

_ROWS = 20_000  # beyond, a sample decides what is looked for; all rows decide what is true
_CHANCE = -12.0  # log of the chance that unrelated columns would show the same


@dataclass(frozen=True)
class Derived:
    """`column` has one value for each value of `of`; `both` where the reverse holds too."""

    column: str
    of: str
    both: bool
    broken: int
    log_chance: float


def derived(names: Sequence[str], codes: np.ndarray, rng: np.random.Generator) -> list[Derived]:
    """Find columns that another column decides.

    Parameters
    ----------
    names : m names
    codes : array of int, (n, m); -1 where missing
    rng : Generator, for the sample of rows

    Returns
    -------
    list of Derived
        Those that chance would hardly show, in the order of the columns. Columns of one value, and columns in which
        every record differs, decide nothing and are decided by nothing.
    """
    n, m = codes.shape
    sample = codes if n <= _ROWS else codes[np.sort(rng.choice(n, _ROWS, replace=False))]
    distinct = np.array([len(np.unique(column[column >= 0])) for column in sample.T])
    observed = (sample >= 0).sum(axis=0)
    able = [place for place in range(m) if 1 < distinct[place] < 0.9 * max(observed[place], 1)]
    found = []
    for leader in able:
        order = np.argsort(sample[:, leader], kind="stable")
        order = order[np.searchsorted(sample[order, leader], 0) :]
        starts = np.flatnonzero(np.diff(sample[order, leader], prepend=-1))
        if len(starts) < 2:
            continue
        rows = sample[order]
        others = [other for other in able if other != leader and distinct[other] <= distinct[leader]]
        if not others:
            continue
        values = rows[:, others]
        high = np.maximum.reduceat(values, starts)
        low = np.minimum.reduceat(np.where(values >= 0, values, np.iinfo(values.dtype).max), starts)
        same = ((high == low) | (high < 0)).all(axis=0)
        for place in np.flatnonzero(same):
            other = others[place]
            chance = _log_chance(values[:, place], starts)
            if chance < _CHANCE:
                broken = _broken(codes[:, leader], codes[:, other])
                if not broken:
                    back = distinct[other] == distinct[leader] and not _broken(codes[:, other], codes[:, leader])
                    found.append(Derived(names[other], names[leader], bool(back), 0, chance))
    return found


def _log_chance(values: np.ndarray, starts: np.ndarray) -> float:
    """Log of the chance that each group holds one value only, if groups drew their values independently."""
    seen = values >= 0
    counts = np.bincount(values[seen])
    repeat = float(((counts / counts.sum()) ** 2).sum())
    in_group = np.add.reduceat(seen.astype(int), starts)
    return float(np.log(max(repeat, 1e-12)) * (np.maximum(in_group - 1, 0)).sum())


def _broken(leader: np.ndarray, follower: np.ndarray) -> int:
    """Values of the leader that have more than one value of the follower."""
    both = (leader >= 0) & (follower >= 0)
    width = int(follower.max()) + 1
    pairs = np.unique(leader[both].astype(np.int64) * width + follower[both])
    leaders = pairs // width
    return int((np.diff(leaders) == 0).sum())
