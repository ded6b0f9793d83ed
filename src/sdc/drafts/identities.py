"""Identities between columns of numbers: the same number twice, and totals that are the sums of their parts.

Columns are projected on random weights modulo 2**64, over a few rows at a time: equal numbers have equal projections,
and a total has the sum of its parts' projections. Candidates are looked up in sorted lists, then counted in every row,
so a few broken rows hide no identity and no chance makes one.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

_TRIALS, _ROWS = 8, 28  # samples of rows; rows of each
_FEW = 8  # rows of the fullest samples: fewer rows meet fewer broken ones, and every candidate is counted after
_BROKEN = 0.03  # most rows that may break an identity: more is no identity
_LEAST = 8  # rows that must show an identity
_RARE = 8  # columns that a total may have beyond those of the sample
_PAIRS = 160  # columns up to which sums of four parts are sought; beyond, of adjacent columns and of three


@dataclass(frozen=True)
class Identity:
    """A total and its parts (one part: the two columns are equal), the rows that show it and those that break it."""

    total: str
    parts: tuple[str, ...]
    checked: int
    broken: int


def identities(names: Sequence[str], values: np.ndarray, rng: np.random.Generator) -> list[Identity]:
    """Find identities between columns of whole numbers.

    Parameters
    ----------
    names : m names, in file order
    values : array of float, (n, m); missing is nan
    rng : Generator, for the weights; it decides what is tried, not what is true

    Returns
    -------
    list of Identity
        Independent ones only: none follows from those before it. Columns that only hold nought take no part.

    Guarantees
    ----------
    * `checked` and `broken` are counts over all rows in which total and parts are observed.
    * An identity that every row shows is found for sums of two or three columns, for sums of adjacent columns of any
      number and, up to 160 columns, for sums of four.
    """
    observed = ~np.isnan(values)
    filled = np.where(observed, values, 0.0)
    whole = (filled == np.rint(filled)).all(axis=0) & (np.abs(filled) < 2**52).all(axis=0)
    useful = np.flatnonzero(whole & ((filled != 0) & observed).any(axis=0) & (observed.sum(axis=0) >= _LEAST))
    varied = [int(place) for place in useful if len(np.unique(filled[observed[:, place], place])) > 2]
    twins, first = _equal(names, filled, observed, varied)
    found = _Found(names, filled, observed)
    weight = (observed[:, first] & (filled[:, first] != 0)).sum(axis=1)
    complete = observed[:, first].sum(axis=1)
    for trial in range(_TRIALS if len(first) > 2 else 0):
        rows = _sample(weight, rng) if trial % 2 else _fullest(weight, complete, rng)
        if len(rows) >= 3:
            for total, parts in _candidates(filled[rows][:, first].astype(np.int64), rng):
                found.add(first[total], tuple(sorted(first[part] for part in parts)))
    return [*twins, *found.independent()]


def _equal(
    names: Sequence[str], filled: np.ndarray, observed: np.ndarray, columns: list[int]
) -> tuple[list[Identity], list[int]]:
    """Columns that are equal where both are observed, and one of each family of equals."""
    twins: list[Identity] = []
    first: list[int] = []
    for column in columns:
        for leader in first:
            both = observed[:, leader] & observed[:, column]
            checked = int(both.sum())
            if checked < _LEAST or 2 * checked < min(observed[:, leader].sum(), observed[:, column].sum()):
                continue
            one, other = filled[both, leader], filled[both, column]
            differ = int((one != other).sum())
            told = int(((one != 0) | (other != 0)).sum())  # two columns of noughts are not the same number
            if told >= _LEAST and differ <= _BROKEN * told and len(np.unique(one)) > 3:
                twins.append(Identity(names[leader], (names[column],), checked, differ))
                break
        else:
            first.append(column)
    return twins, first


def _sample(weight: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Some rows, those that hold more numbers more often."""
    told = np.flatnonzero(weight >= 2)
    if len(told) <= _ROWS:
        return told
    chances = weight[told].astype(float)
    return rng.choice(told, size=_ROWS, replace=False, p=chances / chances.sum())


def _fullest(weight: np.ndarray, complete: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Rows with the fewest missing numbers: a missing part hides its sum."""
    told = rng.permutation(np.flatnonzero(weight >= 2))
    return told[np.argsort(-complete[told], kind="stable")][:_FEW]


def _candidates(sample: np.ndarray, rng: np.random.Generator) -> list[tuple[int, tuple[int, ...]]]:
    """Totals and parts whose projections agree."""
    weights = rng.integers(1, 2**63, len(sample), dtype=np.uint64) | np.uint64(1)
    alive = np.flatnonzero((sample != 0).any(axis=0))
    m = len(alive)
    if m < 3:
        return []
    projected = (sample[:, alive].astype(np.uint64) * weights[:, None]).sum(axis=0, dtype=np.uint64)
    order = np.argsort(projected)
    ordered = projected[order]

    def columns_of(sums: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Places in `sums` that equal a column, and that column."""
        at = np.minimum(np.searchsorted(ordered, sums), m - 1)
        hit = np.flatnonzero(ordered[at] == sums)
        return hit, order[at[hit]]

    found: set[tuple[int, tuple[int, ...]]] = set()
    left, right = np.triu_indices(m, 1)
    pairs = projected[left] + projected[right]
    for place, total in zip(*columns_of(pairs), strict=True):
        found.add((int(total), (int(left[place]), int(right[place]))))
    running = np.concatenate([np.zeros(1, np.uint64), np.cumsum(projected, dtype=np.uint64)])
    for length in range(3, m):
        for place, total in zip(*columns_of(running[length:] - running[:-length]), strict=True):
            if not place <= total < place + length:
                found.add((int(total), tuple(range(int(place), int(place) + length))))
        if length > 60:
            break
    for step in (2, 3, 4):  # men and women by turns: every second column
        for start in range(m):
            strided = np.cumsum(projected[start::step], dtype=np.uint64)
            for place, total in zip(*columns_of(strided[2:20]), strict=True):
                parts = tuple(range(start, start + step * (int(place) + 3), step))
                if total not in parts:
                    found.add((int(total), parts))
    if m <= 2 * _PAIRS:
        by_sum = np.argsort(pairs)
        sums = pairs[by_sum]
        for total in range(m):
            _threes(total, projected, left, right, by_sum, sums, found)
            if m <= _PAIRS:
                _fours(total, projected, pairs, left, right, by_sum, sums, found)
    return [
        (int(alive[total]), tuple(int(alive[part]) for part in parts)) for total, parts in found if total not in parts
    ]


def _threes(
    total: int,
    projected: np.ndarray,
    left: np.ndarray,
    right: np.ndarray,
    by_sum: np.ndarray,
    sums: np.ndarray,
    found: set,
) -> None:
    """Sums of three columns: a total less one column is a pair."""
    wanted = projected[total] - projected
    at = np.minimum(np.searchsorted(sums, wanted), len(sums) - 1)
    for part in np.flatnonzero(sums[at] == wanted):
        pair = by_sum[at[part]]
        parts = {int(part), int(left[pair]), int(right[pair])}
        if len(parts) == 3 and total not in parts:
            found.add((total, tuple(sorted(parts))))


def _fours(
    total: int, projected: np.ndarray, pairs: np.ndarray, left: np.ndarray, right: np.ndarray, by_sum: np.ndarray,
    sums: np.ndarray, found: set,
) -> None:  # fmt: skip
    """Sums of four columns: a total less one pair is another."""
    wanted = projected[total] - pairs
    at = np.minimum(np.searchsorted(sums, wanted), len(sums) - 1)
    for place in np.flatnonzero(sums[at] == wanted)[:200]:
        pair = by_sum[at[place]]
        parts = {int(left[place]), int(right[place]), int(left[pair]), int(right[pair])}
        if len(parts) == 4 and total not in parts:
            found.add((total, tuple(sorted(parts))))


class _Found:
    """Candidates, each counted once in every row."""

    def __init__(self, names: Sequence[str], filled: np.ndarray, observed: np.ndarray) -> None:
        self.names, self.filled, self.observed = names, filled, observed
        self.whole = (filled == np.rint(filled)).all(axis=0)
        self.counted: dict[tuple[int, tuple[int, ...]], tuple[int, int] | None] = {}

    def add(self, total: int, parts: tuple[int, ...]) -> None:
        """Count one candidate; one that too few rows show, or too many break, is dropped."""
        parts = self._with_rare(total, parts)
        if (total, parts) in self.counted:
            return
        members = [total, *parts]
        rows = self.observed[:, members].all(axis=1)
        values = self.filled[rows][:, members]
        broken = int((values[:, 0] != values[:, 1:].sum(axis=1)).sum())
        told = int(((values[:, 1:] != 0).sum(axis=1) >= 2).sum())
        each = (values[:, 1:] != 0).any(axis=0).all() if len(values) else False
        some = int((values != 0).any(axis=1).sum())  # rows of noughts show nothing
        good = told >= _LEAST and each and broken <= _BROKEN * some
        self.counted[total, parts] = (len(values), broken) if good else None

    def _with_rare(self, total: int, parts: tuple[int, ...]) -> tuple[int, ...]:
        """Parts, and columns that a sample of rows did not show: those that mend rows in which the sum falls short."""
        for _ in range(_RARE):
            rest = self.filled[:, total] - self.filled[:, list(parts)].sum(axis=1)
            rest[~self.observed[:, [total, *parts]].all(axis=1)] = 0
            wrong = np.flatnonzero(rest != 0)
            if not len(wrong) or len(wrong) > 0.3 * len(rest) or len(parts) < 2:
                return parts
            others = [c for c in range(self.filled.shape[1]) if c != total and c not in parts and self.whole[c]]
            held = self.filled[:, others]
            mended = ((held[wrong] != 0) & (np.abs(rest[wrong, None] - held[wrong]) < np.abs(rest[wrong, None]))).sum(
                axis=0
            )
            spoilt = ((held != 0).sum(axis=0)) - (held[wrong] != 0).sum(axis=0)
            gain = mended - spoilt
            if not len(others) or gain.max() <= 0:
                return parts
            parts = tuple(sorted((*parts, others[int(gain.argmax())])))
        return parts

    def independent(self) -> list[Identity]:
        """Identities of fewest parts first, without those that follow from the ones before."""
        good = {key: counts for key, counts in self.counted.items() if counts is not None}
        columns = sorted({column for total, parts in good for column in (total, *parts)})
        place = {column: number for number, column in enumerate(columns)}
        basis = np.zeros((0, len(columns)))
        kept = []
        for (total, parts), (checked, broken) in sorted(
            good.items(), key=lambda item: (item[1][1], len(item[0][1]), item[0])
        ):
            row = np.zeros(len(columns))
            row[place[total]] = -1
            row[[place[part] for part in parts]] = 1
            if len(basis) and np.abs(row - basis.T @ (basis @ row)).max() < 1e-9:
                continue
            rest = row - basis.T @ (basis @ row) if len(basis) else row
            basis = np.vstack([basis, rest / np.linalg.norm(rest)])
            kept.append(Identity(self.names[total], tuple(self.names[part] for part in parts), checked, broken))
        return kept
