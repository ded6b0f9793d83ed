"""Special uniques (SUDA2): the smallest sets of keys that single a record out, and what they say of its risk."""

from collections.abc import Iterator
from dataclasses import dataclass
from math import comb, factorial
from typing import Literal

import numpy as np
import pandas as pd

from sdc.keys import KeyClasses

ROOM = 1 << 16  # tables of this many cells are counted directly, however few the classes


@dataclass(frozen=True, eq=False)
class SpecialUniques:
    """What minimal sample uniques say of each class.

    Attributes
    ----------
    score : array of float, (classes,)
        Sum over the minimal sample uniques (MSU) of the record; 0 where it has none. Only classes of one record
        can have a score.
    dis : array of float, (classes,), 0 to 1
        Probability that a match on the keys is right (data intrusion simulation, spread by score).
    contributions : array of float, (classes, keys), 0 to 1
        Share of the score that comes from MSUs with this key.
    sizes : array of int, (classes, keys)
        Number of MSUs with 1, 2, ... keys.
    """

    score: np.ndarray
    dis: np.ndarray
    contributions: np.ndarray
    sizes: np.ndarray

    def key_contributions(self) -> np.ndarray:
        """Share of the file's score that comes from MSUs with each key: array of float, (keys,), 0 to 1."""
        total = self.score.sum()
        return self.score @ self.contributions / total if total else np.zeros(self.contributions.shape[1])


def special_uniques(
    classes: KeyClasses,
    *,
    scoring: Literal["original", "ihsn"] = "original",
    disclosure_fraction: float = 0.01,
    max_size: int | None = None,
) -> SpecialUniques:
    """Find every minimal sample unique and score the records by them.

    Parameters
    ----------
    classes : KeyClasses, m keys
    scoring : {'original', 'ihsn'}
        An MSU of s keys scores ``(m - s)!``, or ``(2^(m-s) - 1) s! (m-s)! / m!``.
    disclosure_fraction : float, above 0 to 1
        Sampling fraction of data intrusion simulation.
    max_size : int, optional
        Look for MSUs of at most this many keys; all sizes by default.

    Returns
    -------
    SpecialUniques, one row a class

    Notes
    -----
    A minimal sample unique is a set of keys on which a record is alone in the file while it is alone on no proper
    subset. A missing value never forms one and never meets another record. Sets are visited so that every subset
    comes before its superset; classes that are alone, or that share a cell with no unique record, leave the
    search there.

    Guarantees
    ----------
    * The result does not depend on the order of records.
    * A record has a score exactly when it is alone on some set of keys that it has.
    * DIS lies in 0..1 and grows with the score.

    References
    ----------
    Manning, Haglin, Keane (2008), Data Min. Knowl. Disc. 16, 165-196, doi:10.1007/s10618-007-0078-6
    Elliot (2000), Statistics Canada Symposium; Skinner, Elliot (2002), J. R. Stat. Soc. B 64, 855-867
    """
    m = len(classes.names)
    uniques = np.flatnonzero(classes.records == 1)
    score = np.zeros(len(uniques))
    by_key = np.zeros((len(uniques), m))
    sizes = np.zeros((len(uniques), m), dtype=np.int64)
    for members, minimal in _minimal_uniques(classes, uniques, m if max_size is None else min(max_size, m)):
        s = len(members)
        worth = _worth(m, s, scoring)
        score[minimal] += worth
        for j in members:
            by_key[minimal, j] += worth
        sizes[minimal, s - 1] += 1
    count = len(classes.records)
    result = SpecialUniques(np.zeros(count), np.zeros(count), np.zeros((count, m)), np.zeros((count, m), np.int64))
    scored = score > 0
    result.score[uniques] = score
    result.contributions[uniques[scored]] = by_key[scored] / score[scored, None]
    result.sizes[uniques] = sizes
    result.dis[uniques[scored]] = _dis(score[scored], int((classes.records == 2).sum()), m, disclosure_fraction)
    return result


def _worth(m: int, s: int, scoring: str) -> float:
    """Score of one MSU of ``s`` of ``m`` keys."""
    return float(factorial(m - s)) if scoring == "original" else (2 ** (m - s) - 1) / comb(m, s)


def _dis(score: np.ndarray, pairs: int, m: int, fraction: float) -> np.ndarray:
    """Data intrusion simulation, spread over the unique records by their score."""
    power = score ** (1.0 + (8 - m) / 20.0)
    odds = 2 * pairs * (1.0 - fraction) / fraction
    return 1.0 / (1.0 + odds / (power * (1.0 / power).sum()))


def _minimal_uniques(
    classes: KeyClasses, uniques: np.ndarray, max_size: int
) -> Iterator[tuple[tuple[int, ...], np.ndarray]]:
    """Each set of keys with the unique records (as positions in ``uniques``) that it singles out and no subset does."""
    m = len(classes.names)
    codes = [np.ascontiguousarray(column) for column in classes.codes.T]
    bases = [len(values) for values in classes.categories]
    position = np.full(len(classes.records), -1, dtype=np.int64)
    position[uniques] = np.arange(len(uniques))
    alone_on: dict[int, np.ndarray] = {0: np.packbits(np.zeros(len(uniques), dtype=bool))}

    def covered(mask: int) -> np.ndarray:
        """Records alone on some subset; a set left unvisited adds nobody who could still be alone on more keys."""
        while mask not in alone_on:
            mask &= mask - 1
        return alone_on[mask]

    def visit(
        mask: int, members: tuple[int, ...], rows: np.ndarray, number: np.ndarray, cells: int
    ) -> Iterator[tuple[tuple[int, ...], np.ndarray]]:
        for j in range(min(members, default=m)):
            digit = codes[j][rows]
            known = digit >= 0
            kept, wide = (rows, number) if known.all() else (rows[known], number[known])
            wide = wide * bases[j] + (digit if kept is rows else digit[known])
            size = cells * bases[j]
            if size > 16 * len(wide) + ROOM:
                wide, seen = pd.factorize(wide)
                size = len(seen)
            shared = np.bincount(wide, minlength=size)
            here = position[kept]
            alone = (shared[wide] == 1) & (here >= 0)
            grown, under = (j, *members), mask | 1 << j
            flags = np.zeros(len(uniques), dtype=bool)
            flags[here[alone]] = True
            before = alone_on[mask].copy()
            for i in members:
                before |= covered(under ^ 1 << i)
            minimal = np.flatnonzero(flags & ~np.unpackbits(before, count=len(uniques)).astype(bool))
            alone_on[under] = np.packbits(flags) | before
            if len(minimal):
                yield grown, minimal
            if j and len(grown) < max_size:
                wanted = np.zeros(size, dtype=bool)
                wanted[wide[here >= 0]] = True
                wanted &= shared > 1
                going = wanted[wide]
                if going.any():
                    yield from visit(under, grown, kept[going], wide[going], size)

    yield from visit(0, (), np.arange(len(classes.records)), np.zeros(len(classes.records), dtype=np.int64), 1)
