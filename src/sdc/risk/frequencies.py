"""How many records, and how many people, share a key: ``fk`` and ``Fk`` of every class."""

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import combinations
from typing import Literal

import numpy as np

from sdc.errors import DataError
from sdc.keys import DIRECT_CELLS, KeyClasses, merged, totals

Missing = Literal["wildcard", "category"]
CHUNK_CELLS = 1 << 31  # keys are numbered together as long as their patterns stay below this


@dataclass(frozen=True, eq=False)
class Frequencies:
    """Sample and estimated population frequency of each key class.

    Attributes
    ----------
    fk : array of int64 (float64 when 0 < alpha < 1), (classes,), records
    Fk : array of float64, (classes,), persons
        Sum of the weights of the records counted in ``fk``; equal to ``fk`` without weights.
    """

    fk: np.ndarray
    Fk: np.ndarray

    def per_record(self, classes: KeyClasses) -> "Frequencies":
        """The same, one value a record, in the order of the records."""
        return Frequencies(self.fk[classes.of_record], self.Fk[classes.of_record])


def frequencies(
    classes: KeyClasses,
    weights: np.ndarray | None = None,
    *,
    missing: Missing = "wildcard",
    alpha: float = 1.0,
) -> Frequencies:
    """Count the records, and the people they stand for, that an intruder cannot tell from each record.

    Parameters
    ----------
    classes : KeyClasses, n records
    weights : array of float, (n,), persons, optional
        Sampling weights. Without them ``Fk`` equals ``fk``.
    missing : {'wildcard', 'category'}
        What a missing key value matches: any value, or a missing value alone.
    alpha : float, 0 to 1
        Share at which records with missing keys count for others under ``wildcard``.

    Returns
    -------
    Frequencies, one value a class

    Raises
    ------
    DataError
        Weights that are missing, negative or infinite, or not one a record.

    Notes
    -----
    Under ``wildcard`` two patterns are compatible when they agree wherever both are observed. A complete pattern
    counts its own records in full and compatible partial ones times ``alpha``; records missing in every key are
    left out, unless there is one key only. A partial pattern counts its own records and compatible complete ones
    in full, other compatible ones times ``alpha``. A record missing in every key counts all records.

    Guarantees
    ----------
    * The result does not depend on the order of records.
    * ``Fk >= fk`` where every weight is 1 or more.
    * Recoding a key never lowers ``fk``.
    * Under ``wildcard``, ``fk`` is never below ``fk`` under ``category``.

    References
    ----------
    Templ, Kowarik, Meindl (2015), J. Stat. Softw. 67(4), doi:10.18637/jss.v067.i04
    """
    if not 0 <= alpha <= 1:
        raise DataError("`alpha`", "lies outside 0 to 1", "Give a share; 1 counts missing values in full.")
    sums = class_sums(classes, weights)
    if missing == "wildcard":
        sums = compatible_sums(classes.codes, sums, alpha)
    return _frequencies(sums, weights is not None, missing == "category" or alpha in (0, 1))


def class_sums(classes: KeyClasses, weights: np.ndarray | None = None) -> np.ndarray:
    """Records and sum of weights of each class: array of float64, (classes, 1 or 2)."""
    records = classes.records.astype(np.float64)[:, None]
    if weights is None:
        return records
    weights = np.asarray(weights, dtype=np.float64)
    if weights.shape != classes.of_record.shape:
        raise DataError("weights", "not one weight a record", "Give the weight column of the same rows.")
    if not (np.isfinite(weights).all() and (weights >= 0).all()):
        bad = int(np.count_nonzero(~(weights >= 0) | ~np.isfinite(weights)))
        raise DataError(
            "weights",
            f"{bad} of {len(weights)} records have a missing, negative or infinite weight",
            "Mend the weights, or judge the file without them.",
        )
    persons = totals(classes.of_record, len(records), weights)
    return np.column_stack([records, persons])


def violations(fk: np.ndarray, classes: KeyClasses, ks: Iterable[int]) -> dict[int, int]:
    """Number of records that fall short of k-anonymity, for many k at once.

    Parameters
    ----------
    fk : array, (classes,), records
    classes : KeyClasses
    ks : iterable of int

    Returns
    -------
    dict of k to the number of records with ``fk < k``

    Guarantees
    ----------
    * A larger k never has fewer violations.
    """
    return {k: int(classes.records[fk < k].sum()) for k in ks}


def subset_violations(
    classes: KeyClasses,
    ks: Iterable[int],
    sizes: Iterable[int],
    *,
    missing: Missing = "wildcard",
    alpha: float = 1.0,
) -> dict[tuple[str, ...], dict[int, int]]:
    """Violations of k-anonymity on every subset of the keys (all-m).

    Parameters
    ----------
    classes : KeyClasses, m keys
    ks : iterable of int
    sizes : iterable of int, 1 to m
        How many keys the intruder knows.
    missing, alpha
        As for `frequencies`.

    Returns
    -------
    dict of key names to (dict of k to number of records with ``fk < k`` on these keys)

    Guarantees
    ----------
    * The whole set of keys has at least as many violations as any subset, when no key is missing.
    """
    ks = tuple(ks)
    found = {}
    for subset in _subsets(classes, sizes):
        codes, of_class = merged(classes.codes[:, subset])
        sums = np.bincount(of_class, weights=classes.records, minlength=len(codes))[:, None]
        if missing == "wildcard":
            sums = compatible_sums(codes, sums, alpha)
        per_class = sums[of_class, 0]
        found[tuple(classes.names[j] for j in subset)] = violations(per_class, classes, ks)
    return found


def risky_cells(classes: KeyClasses, thresholds: Iterable[int]) -> dict[tuple[str, ...], int]:
    """Number of occupied cells below a threshold in every table of one, two, ... keys.

    Parameters
    ----------
    classes : KeyClasses, m keys
    thresholds : iterable of int, records
        Least number of records a cell, the first for tables of one key, the second for tables of two, and so on.

    Returns
    -------
    dict of key names to the number of cells with fewer records than the threshold of that dimension
    """
    limits = dict(enumerate(thresholds, start=1))
    found = {}
    for subset in _subsets(classes, limits):
        codes, of_class = merged(classes.codes[:, subset])
        counts = np.bincount(of_class, weights=classes.records, minlength=len(codes))
        found[tuple(classes.names[j] for j in subset)] = int((counts < limits[len(subset)]).sum())
    return found


def distinguishing_power(classes: KeyClasses, sizes: Iterable[int]) -> dict[tuple[str, ...], tuple[float, float]]:
    """How well each set of keys tells records apart: distinction and separation.

    Parameters
    ----------
    classes : KeyClasses, m keys
    sizes : iterable of int, 1 to m

    Returns
    -------
    dict of key names to (share of records that are distinct patterns, share of pairs of records that differ)

    References
    ----------
    Motwani, Xu (2007), Efficient algorithms for masking and finding quasi-identifiers, VLDB PDM workshop
    """
    n = int(classes.records.sum())
    pairs = n * (n - 1)
    found = {}
    for subset in _subsets(classes, sizes):
        _, of_class = merged(classes.codes[:, subset])
        counts = np.bincount(of_class, weights=classes.records)
        alike = float((counts * (counts - 1)).sum())
        separation = 1.0 - alike / pairs if pairs else 0.0
        found[tuple(classes.names[j] for j in subset)] = (len(counts) / max(n, 1), separation)
    return found


def compatible_sums(codes: np.ndarray, sums: np.ndarray, alpha: float = 1.0) -> np.ndarray:
    """Sums over compatible patterns, a missing key value matching any value.

    Parameters
    ----------
    codes : array of int, (classes, m)
        Distinct patterns; negative where missing.
    sums : array of float, (classes, q)
        What is summed, for each pattern.
    alpha : float, 0 to 1
        Share at which incomplete patterns count for others.

    Returns
    -------
    array of float, (classes, q)

    Notes
    -----
    Patterns are grouped by the set of keys they have. For one such set O, all patterns are cut down to O and summed
    there; a pattern on O then looks up itself with every set R of its keys that some other pattern has within O.
    So the cost grows with (sets x classes), never with classes squared.
    """
    observed = codes >= 0
    complete = observed.all(axis=1)
    if complete.all():
        return sums.astype(np.float64)
    groups, of_group = merged(observed.astype(np.int8))
    groups = groups.astype(bool)
    shares = np.where(complete, 1.0, alpha)[:, None] * sums
    result = np.empty(sums.shape, dtype=np.float64)
    for g, own in enumerate(groups):
        rows = np.flatnonzero(of_group == g)
        if not own.any():
            result[rows] = sums.sum(axis=0)
            continue
        table = _Table(codes, np.flatnonzero(own), shares)
        total = np.zeros((len(rows), sums.shape[1])) if own.all() else (1.0 - alpha) * sums[rows]
        for kept in np.unique(groups & own, axis=0):
            if own.all() and not kept.any() and len(own) > 1:
                continue
            total += table.look_up(codes[rows], kept)
        result[rows] = total
    return result


def _frequencies(sums: np.ndarray, weighted: bool, whole: bool) -> Frequencies:
    """Counts as integers where they are whole; the weights' sums beside them."""
    fk = np.rint(sums[:, 0]).astype(np.int64) if whole else sums[:, 0]
    return Frequencies(fk, sums[:, 1] if weighted else fk.astype(np.float64))


def _subsets(classes: KeyClasses, sizes: Iterable[int]) -> list[tuple[int, ...]]:
    """Column numbers of all subsets of the keys of the given sizes."""
    return [subset for size in sizes for subset in combinations(range(len(classes.names)), size)]


class _Table:
    """Sums over patterns cut down to some columns, looked up by patterns cut down further."""

    def __init__(self, codes: np.ndarray, columns: np.ndarray, sums: np.ndarray) -> None:
        self.chunks: list[tuple[int, list[tuple[int, int]]]] = [(1, [])]  # (cells, [(column, stride)])
        for j in columns:
            base = int(codes[:, j].max()) + 2
            cells, strides = self.chunks[-1]
            if cells * base > CHUNK_CELLS and strides:
                self.chunks.append((1, []))
                cells, strides = self.chunks[-1]
            self.chunks[-1] = (cells * base, [*strides, (j, cells)])
        cells = self.chunks[0][0]
        self.direct = len(self.chunks) == 1 and cells * sums.shape[1] <= DIRECT_CELLS
        self.seen: list[np.ndarray] = []  # numbers that occur, sorted, after each chunk
        number, self.size = self._number(codes, 0, None, None), cells
        if not self.direct:
            for i in range(len(self.chunks)):
                if i:
                    number = self._number(codes, i, None, number)
                seen, number = np.unique(number, return_inverse=True)
                self.seen.append(seen)
            self.size = len(self.seen[-1])
        self.sums = np.column_stack([np.bincount(number, weights=column, minlength=self.size + 1) for column in sums.T])

    def look_up(self, codes: np.ndarray, kept: np.ndarray) -> np.ndarray:
        """Sums of the patterns that equal these on the kept columns and are missing on the others."""
        if self.direct:
            return self.sums[self._number(codes, 0, kept, None)]
        rank, found = np.zeros(len(codes), dtype=np.int64), np.ones(len(codes), dtype=bool)
        for i, seen in enumerate(self.seen):
            number = self._number(codes, i, kept, rank)
            rank = np.minimum(np.searchsorted(seen, number), len(seen) - 1)
            found &= seen[rank] == number
        return self.sums[np.where(found, rank, self.size)]

    def _number(self, codes: np.ndarray, i: int, kept: np.ndarray | None, before: np.ndarray | None) -> np.ndarray:
        """One number a pattern: the columns of chunk ``i`` behind the rank reached before; missing is digit 0."""
        cells, strides = self.chunks[i]
        number = np.zeros(len(codes), dtype=np.int64) if before is None else before * cells
        for column, stride in strides:
            if kept is None or kept[column]:
                number += (codes[:, column].astype(np.int64) + 1) * stride
        return number
