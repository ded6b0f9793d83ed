"""Fewest values to suppress so that every exact pattern, missing a category of its own, has k records.

Here a suppressed record leaves its class and matches only records that keep the same keys and agree on them: a
*group*. Records below k are gathered into groups of k or more, the smallest sets of keys first; a group that is short
borrows records from classes that can spare them. What no group takes loses every key it may.
"""

import heapq
from itertools import combinations

import numpy as np
from numba import njit

from sdc.engines.packing import numbered, observed, pack, project, slot
from sdc.engines.wildcard import Stars, allowed, gathered, must_stay, prices


def form_groups(
    codes: np.ndarray, records: np.ndarray, k: int, cost: np.ndarray, closed: list[tuple[int, int]], real: int
) -> Stars:
    """Choose what each record below k loses.

    Parameters
    ----------
    codes, records, k, cost, closed, real
        As for ``wildcard.set_stars``.

    Returns
    -------
    Stars
        Every pattern then has ``k`` records, except that the one of records that lost all they may can need further
        calls, which draw on the groups formed by now.

    Raises
    ------
    DisclosureError : when the keys that must stay leave records below ``k``.
    """
    addends, masks = pack(codes), observed(codes)
    price = prices(cost)
    bare = records.copy()
    pending = records < k
    got: list[tuple[np.ndarray, np.ndarray, np.ndarray]] = []
    m = codes.shape[1]
    for size in range(1, m + 1):
        kept_by = set()
        for seen in np.unique(masks[pending]).tolist():
            for chosen in combinations(range(m), size):
                lost = sum(1 << j for j in chosen)
                if not lost & ~seen and allowed(lost, seen, price, closed, real):
                    kept_by.add(seen & ~lost)
        if kept_by:
            got.append(_level(addends, masks, bare, pending, k, sorted(kept_by), price, closed, real, size))
    stay = sum(1 << j for j in range(m) if not np.isfinite(cost[j]))
    got.append(_last(addends, masks, records, bare, pending, k, stay))
    return gathered(*(np.concatenate(parts) for parts in zip(*got, strict=True)))


def _level(addends, masks, bare, pending, k, kept_by, price, closed, real, size):
    """Form the groups worth forming when records may lose this many keys."""
    member: list[np.ndarray] = []
    inside: list[np.ndarray] = []
    lost: list[np.ndarray] = []
    cells = 0
    legal = {}
    for kept in kept_by:
        able = [
            seen
            for seen in np.unique(masks).tolist()
            if seen == kept or (not kept & ~seen and allowed(seen & ~kept, seen, price, closed, real))
        ]
        legal[kept] = np.array(able, dtype=np.int64)
        candidates = np.flatnonzero(np.isin(masks, legal[kept]) & (pending | (bare > k) | (masks == kept)))
        speakers = candidates[pending[candidates]]
        if len(speakers) == 0:
            continue
        names, numbers, _, count = numbered(project(addends, speakers, kept))
        at = _cells(names, numbers, project(addends, candidates, kept))
        found = at >= 0
        member.append(candidates[found])
        inside.append(at[found] + cells)
        lost.append(masks[candidates[found]] & ~kept)
        cells += count
    if not cells:
        nothing = np.empty(0, dtype=np.int64)
        return nothing, nothing, nothing
    who, where, sets = (np.concatenate(part) for part in (member, inside, lost))
    order = np.argsort(where, kind="stable")
    start = np.concatenate([[0], np.cumsum(np.bincount(where, minlength=cells))])
    finite = price[np.isfinite(price)]
    single = price[1 << np.arange(addends.shape[1])]
    limit = (size + 1) * single[np.isfinite(single)].max(initial=0.0) if len(finite) else 0.0
    return _form(who[order], sets[order], start, bare, pending, k, price, limit)


@njit(cache=True)
def _cells(names, numbers, projected):
    """Number of the cell of each projection, -1 where nobody is pending in it."""
    out = np.full(len(projected), -1, dtype=np.int64)
    for i in range(len(projected)):
        at = slot(names, projected[i])
        if names[at] != -1:
            out[i] = numbers[at]
    return out


@njit(cache=True)
def _quote(who, sets, a, b, bare, pending, k, price):
    """Cost for each record that a group would make safe; infinite where it cannot reach k."""
    cost, safe, there, spare = 0.0, 0, 0, 0
    cheapest = np.inf
    for e in range(a, b):
        c = who[e]
        if pending[c]:
            safe += bare[c]
            cost += bare[c] * price[sets[e]]
        elif sets[e] == 0:
            there += bare[c]
        elif bare[c] > k:
            spare += bare[c] - k
            cheapest = min(cheapest, price[sets[e]])
    short = k - safe - there
    if safe == 0 or short > spare:
        return np.inf
    if short > 0:
        cost += short * cheapest
    return cost / safe


@njit(cache=True)
def _form(who, sets, start, bare, pending, k, price, limit):
    """Form groups, the lowest cost for each record made safe first, up to a limit."""
    heap = [(0.0, 0)]
    heap.clear()
    for cell in range(len(start) - 1):
        quote = _quote(who, sets, start[cell], start[cell + 1], bare, pending, k, price)
        if quote <= limit:
            heap.append((quote, cell))
    heapq.heapify(heap)
    classes = []
    lost = []
    counts = []
    while len(heap) > 0:
        stale, cell = heapq.heappop(heap)
        a, b = start[cell], start[cell + 1]
        quote = _quote(who, sets, a, b, bare, pending, k, price)
        if quote > limit:
            continue
        if quote > stale + 1e-12:
            heapq.heappush(heap, (quote, cell))
            continue
        total = 0
        for e in range(a, b):
            c = who[e]
            if pending[c]:
                total += bare[c]
                pending[c] = False
                if sets[e] != 0:
                    classes.append(c)
                    lost.append(sets[e])
                    counts.append(bare[c])
                    bare[c] = 0
            elif sets[e] == 0:
                total += bare[c]
        while total < k:
            best = -1
            for e in range(a, b):
                if sets[e] == 0 or bare[who[e]] <= k:
                    continue
                if best < 0 or (price[sets[e]], -bare[who[e]]) < (price[sets[best]], -bare[who[best]]):
                    best = e
            lent = min(k - total, bare[who[best]] - k)
            classes.append(who[best])
            lost.append(sets[best])
            counts.append(lent)
            bare[who[best]] -= lent
            total += lent
    return np.array(classes, dtype=np.int64), np.array(lost, dtype=np.int64), np.array(counts, dtype=np.int64)


def _last(addends, masks, records, bare, pending, k, stay):
    """Records that no group took lose all they may; others join them, the cheapest first, until they are k."""
    nothing = np.empty(0, dtype=np.int64)
    if not pending.any():
        return nothing, nothing, nothing
    cell = np.unique(project(addends, np.arange(len(masks)), stay), return_inverse=True)[1]
    whole = np.bincount(cell, weights=records)
    classes: list[int] = []
    counts: list[int] = []
    for where in np.unique(cell[pending]).tolist():
        inside = np.flatnonzero((cell == where) & (bare > 0))
        mine = inside[pending[inside]]
        there = inside[~pending[inside] & (masks[inside] & ~stay == 0)]
        total = int(bare[mine].sum() + bare[there].sum())
        classes += mine.tolist()
        counts += bare[mine].tolist()
        others = np.setdiff1d(inside, np.concatenate([mine, there]))
        spare = np.maximum(bare[others] - k, 0)
        for c, lent in zip(others[np.argsort(-spare, kind="stable")].tolist(), np.sort(-spare).tolist(), strict=True):
            lent = min(-lent, k - total)
            if lent > 0:
                classes.append(c)
                counts.append(lent)
                bare[c] -= lent
                total += lent
        for c in others[np.argsort(bare[others], kind="stable")].tolist():
            if total >= k:
                break
            if bare[c] > 0:
                classes.append(c)
                counts.append(int(bare[c]))
                total += int(bare[c])
                bare[c] = 0
        if whole[where] < k:
            raise must_stay(k)
    who = np.array(classes, dtype=np.int64)
    return who, masks[who] & ~stay, np.array(counts, dtype=np.int64)
