"""The values of a file that are hidden so far, and the key classes that result."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Self

import numpy as np
import pandas as pd

from sdc.engines.wildcard import Stars
from sdc.errors import EngineError
from sdc.keys import encode, key_classes, merged

_TIE = 1e-6
_MOST_KEYS = 16


@dataclass(frozen=True, eq=False)
class Holes:
    """Records as classes under the values hidden so far.

    Attributes
    ----------
    rows : DataFrame, n records
    hidden : array of bool, (n, m)
        Values suppressed so far.
    codes : array of int32, (classes, m or m + 1)
        Codes of the keys from 1, 0 where missing or hidden; a last column for the stratum where there are strata.
    records : array of int64, (classes,)
    of_record : array of int, (n,)
    cost : array of float, one a column
        Cost of one suppressed value; infinite for what must stay.
    closed : list of (finer, coarser)
        Where the coarser key is suppressed, so is the finer.
    real : int
        Bit set of the columns that are keys.
    """

    rows: pd.DataFrame
    hidden: np.ndarray
    codes: np.ndarray
    records: np.ndarray
    of_record: np.ndarray
    cost: np.ndarray
    closed: list[tuple[int, int]]
    real: int

    @classmethod
    def of(
        cls,
        rows: pd.DataFrame,
        keys: Sequence[str],
        importance: Mapping[str, float],
        closed: Mapping[str, str],
        strata: np.ndarray | None,
    ) -> Self:
        """Nothing hidden yet."""
        if len(keys) > _MOST_KEYS:
            raise EngineError(
                "local suppression",
                f"{len(keys)} keys are too many to search their subsets.",
                f"Ask for at most {_MOST_KEYS}: drop some, or recode them first.",
            )
        classes = key_classes(rows, keys)
        codes, records, of_record = classes.codes + 1, classes.records, classes.of_record
        cost = _costs(keys, [len(values) for values in classes.categories], importance)
        if strata is not None:
            codes, of_record = merged(np.column_stack([classes.codes[of_record], strata]))
            codes, records = codes + 1, np.bincount(of_record, minlength=len(codes))
            cost = np.append(cost, np.inf)
        names = list(keys)
        pairs = [(names.index(f), names.index(c)) for f, c in closed.items() if f in names and c in names]
        for fine, coarse in pairs * len(pairs):
            if np.isinf(cost[fine]):
                cost[coarse] = np.inf
        hidden = np.zeros((len(rows), len(names)), dtype=np.bool_)
        return cls(rows, hidden, codes, records, of_record, cost, pairs, (1 << len(names)) - 1)

    def without(self, hidden: np.ndarray) -> Self:
        """The same file with more values hidden."""
        changed = np.flatnonzero(hidden.any(axis=1))
        codes = self.codes[self.of_record[changed]]
        codes[:, : hidden.shape[1]][hidden[changed]] = 0
        distinct, number = merged(np.concatenate([self.codes, codes]) - 1)
        of_record = number[self.of_record]
        of_record[changed] = number[len(self.codes) :]
        records = np.bincount(of_record, minlength=len(distinct))
        used = records > 0
        return replace(
            self, codes=distinct[used] + 1, records=records[used], of_record=(np.cumsum(used) - 1)[of_record],
            hidden=self.hidden | hidden,
        )  # fmt: skip

    def with_finer(self, hidden: np.ndarray) -> np.ndarray:
        """Values to hide, and the finer ones that are closed under them."""
        hidden = hidden.copy()
        for fine, coarse in self.closed * len(self.closed):
            hidden[:, fine] |= hidden[:, coarse] & (self.codes[self.of_record, fine] > 0)
        return hidden

    def of_keys(self, chosen: Sequence[int]) -> Self:
        """The same file seen by an intruder who knows only these keys (and the stratum)."""
        m = self.hidden.shape[1]
        columns = [*chosen, *range(m, self.codes.shape[1])]
        codes, number = merged(self.codes[:, columns] - 1)
        of_record = number[self.of_record]
        pairs = [(chosen.index(f), chosen.index(c)) for f, c in self.closed if f in chosen and c in chosen]
        return replace(
            self, hidden=self.hidden[:, list(chosen)], codes=codes + 1, of_record=of_record,
            records=np.bincount(of_record, minlength=len(codes)), cost=self.cost[columns], closed=pairs,
            real=(1 << len(chosen)) - 1,
        )  # fmt: skip

    def picked(self, stars: Stars) -> np.ndarray:
        """The values to hide, record by record.

        Which of several records with equal keys loses a value is decided by the content of the other columns
        and not by position: records that are equal throughout are the only ones that are taken as they come.
        """
        starred = np.zeros(len(self.records), dtype=np.bool_)
        starred[stars.classes] = True
        place = np.flatnonzero(starred[self.of_record])
        of = self.of_record[place].astype(np.int64)
        order = np.lexsort((place, fingerprint(self.rows.iloc[place]), of))
        place, of = place[order], of[order]
        rank = np.arange(len(of)) - np.searchsorted(of, of)
        ends = np.cumsum(stars.records)
        ends -= (ends - stars.records)[np.searchsorted(stars.classes, stars.classes)]
        width = int(max(ends.max(initial=0), rank.max(initial=0))) + 1
        entry = np.searchsorted(stars.classes * width + ends, of * width + rank, side="right")
        entry = np.minimum(entry, len(stars.classes) - 1)
        took = (stars.classes[entry] == of) & (rank < ends[entry])
        hidden = np.zeros_like(self.hidden)
        hidden[place[took]] = stars.keys[entry[took], None] >> np.arange(hidden.shape[1]) & 1 == 1
        return hidden


def pooled_strata(rows: pd.DataFrame, strata: Sequence[str], k: int) -> np.ndarray:
    """Stratum of each record, those of fewer than k records merged upward.

    ``strata`` runs from coarse to fine. Small strata of one parent are pooled; a pool that is still small joins
    the smallest other stratum of that parent, and where there is none it goes up to the parent's own level.
    """
    levels = [np.zeros(len(rows), dtype=np.int64)]
    for name in strata:
        pairs = np.column_stack([levels[-1], encode(rows[name])[0].astype(np.int64)])
        levels.append(merged(pairs.astype(np.int32))[1].astype(np.int64))
    unit = levels[-1].copy()
    for parent in reversed(levels[:-1]):
        number, size = np.unique(unit, return_counts=True)
        first = np.searchsorted(number, unit)
        above = np.zeros(len(number), dtype=np.int64)
        above[first] = parent
        target = number.copy()
        for one in np.unique(above[size < k]).tolist():
            small = (above == one) & (size < k)
            large = np.flatnonzero((above == one) & (size >= k))
            pool = number[small].min()
            if size[small].sum() < k and len(large):
                pool = number[large[np.argmin(size[large])]]
            target[small] = pool
        unit = target[first]
    return unit.astype(np.int32)


def _costs(keys: Sequence[str], sizes: Sequence[int], importance: Mapping[str, float]) -> np.ndarray:
    """Cost of one value of each key; between equals the key with more categories is slightly cheaper."""
    weight = np.array([importance.get(name, 1.0) for name in keys], dtype=np.float64)
    if not (weight > 0).all():
        raise EngineError("importance", "an importance is not above 0.", "Give each key a positive number.")
    rank = np.argsort(np.argsort(np.array(sizes), kind="stable"), kind="stable")
    return weight * (1 - _TIE * rank)


def fingerprint(rows: pd.DataFrame) -> np.ndarray:
    """A number from the content of each record, the same wherever the record stands."""
    rows = rows.reset_index(drop=True)
    plain = {name: column.astype(str) if column.dtype == object else column for name, column in rows.items()}
    return pd.util.hash_pandas_object(pd.DataFrame(plain), index=False).to_numpy()
