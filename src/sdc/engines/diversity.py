"""Key values to suppress so that no key gives a sensitive value away: distinct l-diversity."""

from collections.abc import Iterator
from itertools import combinations

import numpy as np
import pandas as pd

from sdc.engines.compatible import agreeing, by_mask
from sdc.engines.holes import Holes, fingerprint
from sdc.engines.packing import observed, pack, project
from sdc.engines.wildcard import allowed, prices
from sdc.errors import DisclosureError


def diversify(file: Holes, sensitive: str, ell: int, missing: str) -> Holes:
    """Hide key values until each record shares its key with ``ell`` distinct sensitive values.

    A missing sensitive value is no value. In the wildcard reading a class that is short either borrows: a record with
    another value, near it, loses a key value and so becomes compatible; or it loses key values itself,
    whichever is cheaper. In the category reading it merges with the classes nearest to it.

    Parameters
    ----------
    file : Holes
        Already k-anonymous; it stays so.
    sensitive : str
        Column of ``file.rows``.
    ell : int
    missing : {"wildcard", "category"}

    Raises
    ------
    DisclosureError : when the file (or a stratum) holds fewer than ``ell`` distinct values.
    """
    values, labels = pd.factorize(file.rows[sensitive], sort=True, use_na_sentinel=True)
    while True:
        near = _Near(file, values, len(labels))
        known = _known(file, near.held) if missing == "wildcard" else near.held
        count = known.sum(axis=1)
        short = np.flatnonzero((count > 0) & (count < ell))
        if len(short) == 0:
            return file
        hidden = _borrowed(near, known, short, ell) if missing == "wildcard" else _merged(near, short, ell)
        file = file.without(hidden)


class _Near:
    """The classes of a file by what they hold, and who agrees with whom on some of the keys."""

    def __init__(self, file: Holes, values: np.ndarray, labels: int) -> None:
        self.file, self.values = file, values
        self.addends, self.masks = pack(file.codes), observed(file.codes)
        self.price = prices(file.cost)
        self.held = np.zeros((len(file.records), labels), dtype=np.bool_)
        seen = values >= 0
        self.held[file.of_record[seen], values[seen]] = True
        self.order = np.argsort(file.of_record, kind="stable")
        self.start = np.concatenate([[0], np.cumsum(file.records)])
        self._indexes: dict[int, tuple[np.ndarray, np.ndarray]] = {}

    def members(self, c: int) -> np.ndarray:
        """Positions of the records of a class."""
        return self.order[self.start[c] : self.start[c + 1]]

    def cell(self, c: int, kept: int) -> np.ndarray:
        """Classes that have the kept keys and agree on them."""
        if kept not in self._indexes:
            able = np.flatnonzero(self.masks & kept == kept)
            projected = project(self.addends, able, kept)
            order = np.argsort(projected, kind="stable")
            self._indexes[kept] = projected[order], able[order]
        projected, able = self._indexes[kept]
        mine = project(self.addends, np.array([c]), kept)[0]
        return able[np.searchsorted(projected, mine) : np.searchsorted(projected, mine, side="right")]

    def sets(self, c: int) -> Iterator[list[int]]:
        """Sets of keys that a class may lose, by size; at last all that it may."""
        file, seen = self.file, int(self.masks[c])
        columns = [j for j in range(file.codes.shape[1]) if seen >> j & 1 and np.isfinite(file.cost[j])]
        for size in range(1, len(columns)):
            chosen = [sum(1 << j for j in some) for some in combinations(columns, size)]
            yield sorted(
                (lost for lost in chosen if allowed(lost, seen, self.price, file.closed, file.real)),
                key=lambda lost: (self.price[lost], lost),
            )
        yield [sum(1 << j for j in columns)]

    def hide(self, hidden: np.ndarray, records: np.ndarray, lost: int) -> None:
        """Note in ``hidden`` that records lose keys."""
        hidden[records] |= lost >> np.arange(hidden.shape[1]) & 1 == 1


def _known(file: Holes, held: np.ndarray) -> np.ndarray:
    """Which sensitive values the records compatible with each class hold, (classes, labels)."""
    addends, masks = pack(file.codes), observed(file.codes)
    groups, real, out = by_mask(masks), file.real, held.copy()
    for ours, mine in groups.items():
        for theirs, other in groups.items():
            if ours & real == real and theirs & real == 0 and real & (real - 1):
                continue
            if ours != theirs:
                amounts = held.astype(np.float64)
                out[mine] |= agreeing(addends, mine, other, ours & theirs, amounts) > 0
    return out


def _borrowed(near: _Near, known: np.ndarray, short: np.ndarray, ell: int) -> np.ndarray:
    """Wildcard reading: what to hide so that each short class is compatible with further values."""
    file = near.file
    hidden = np.zeros_like(file.hidden)
    codes = file.codes[short]
    rank = fingerprint(file.rows)
    for at, c in enumerate(short.tolist()):
        if known[c].sum() >= ell:
            continue
        for lost, records in _cheapest(near, known, hidden, rank, c, ell):
            near.hide(hidden, records, lost)
            giver = file.codes[file.of_record[records[0]]].copy()
            alike = (codes == giver) | (codes == 0) | (giver == 0)
            giver[[j for j in range(len(giver)) if lost >> j & 1]] = 0
            joined = ((codes == giver) | (codes == 0) | (giver == 0)).all(axis=1) & ~alike.all(axis=1)
            given = near.values[records]
            known[np.ix_(short[joined], given[given >= 0])] = True
            if records[0] in near.members(c):
                known[short[at]] = True
    return hidden


def _cheapest(
    near: _Near, known: np.ndarray, hidden: np.ndarray, rank: np.ndarray, c: int, ell: int
) -> list[tuple[int, np.ndarray]]:
    """Either all records of the class lose one set, or records near it with other values lose one each."""
    file, seen = near.file, int(near.masks[c])
    best: tuple[float, list[tuple[int, np.ndarray]]] = (np.inf, [])
    for sets in near.sets(c):
        for lost in sets:
            cell = near.cell(c, seen & ~lost)
            if near.held[cell].any(axis=0).sum() >= ell and file.records[c] * near.price[lost] < best[0]:
                best = (file.records[c] * near.price[lost], [(lost, near.members(c))])
            deal = _loans(near, known, hidden, rank, c, ell, cell, seen & ~lost)
            cost = sum(near.price[keys] for keys, _ in deal) if deal else np.inf
            if cost < best[0]:
                best = (cost, deal)
        if best[1]:
            return best[1]
    raise _too_alike(ell)


def _loans(
    near: _Near,
    known: np.ndarray,
    hidden: np.ndarray,
    rank: np.ndarray,
    c: int,
    ell: int,
    cell: np.ndarray,
    kept: int,
) -> list[tuple[int, np.ndarray]]:
    """One record for each value that the class lacks, from the classes of one cell; none where they have too few."""
    file, deal = near.file, []
    wanted = ell - int(known[c].sum())
    if kept & file.real == 0:
        return []
    for value in np.flatnonzero(near.held[cell].any(axis=0) & ~known[c]).tolist():
        for g in cell[near.held[cell, value]].tolist():
            lost = int(near.masks[g]) & ~kept
            if not lost or not allowed(lost, int(near.masks[g]), near.price, file.closed, file.real):
                continue
            records = near.members(g)
            records = records[(near.values[records] == value) & ~hidden[records].any(axis=1)]
            if len(records):
                deal.append((lost, records[[np.argmin(rank[records])]]))
                break
        if len(deal) == wanted:
            return deal
    return []


def _merged(near: _Near, short: np.ndarray, ell: int) -> np.ndarray:
    """Category reading: what to hide so that each short class falls together with classes near it."""
    file = near.file
    hidden = np.zeros_like(file.hidden)
    free = np.ones(len(file.records), dtype=np.bool_)
    for c in short.tolist():
        if not free[c]:
            continue
        best: tuple[float, int, list[int]] = (np.inf, 0, [])
        for sets in near.sets(c):
            for lost in sets:
                kept = int(near.masks[c]) & ~lost
                cost, parties = _parties(near, free, c, ell, near.cell(c, kept), kept)
                if cost < best[0]:
                    best = (cost, kept, parties)
            if best[2]:
                break
        for g in best[2]:
            free[g] = False
            near.hide(hidden, near.members(g), int(near.masks[g]) & ~best[1])
    if not hidden.any():
        raise _too_alike(ell)
    return hidden


def _parties(near: _Near, free: np.ndarray, c: int, ell: int, cell: np.ndarray, kept: int) -> tuple[float, list[int]]:
    """The cheapest classes of a cell that hold enough values together with one class, and what it costs."""
    file = near.file
    total = file.records[c] * near.price[int(near.masks[c]) & ~kept]
    union, parties = near.held[c].copy(), [c]
    costs = []
    for g in cell[free[cell] & (cell != c)].tolist():
        lost = int(near.masks[g]) & ~kept
        last = kept & file.real == 0 and np.isfinite(near.price[lost])
        if not lost or last or allowed(lost, int(near.masks[g]), near.price, file.closed, file.real):
            costs.append((file.records[g] * near.price[lost], g))
    for cost, g in sorted(costs):
        if union.sum() >= ell:
            break
        if (near.held[g] & ~union).any() or near.masks[g] == kept:
            union |= near.held[g]
            total += cost
            parties.append(g)
    return (float(total), parties) if union.sum() >= ell else (np.inf, [])


def _too_alike(ell: int) -> DisclosureError:
    return DisclosureError(
        "local suppression",
        f"no suppression gives every record {ell} distinct sensitive values.",
        "Ask for a lower ell, coarser strata, or leave the sensitive variable out.",
    )
