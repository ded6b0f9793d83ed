"""Fewest values to suppress so that every record has k compatible ones, a missing value matching any.

A *star* is a record that loses the values of a set of keys. It stays compatible with all it matched before and
becomes compatible with all that agree with it on the keys it keeps, its *cell*; so one star can protect
a record that is not itself suppressed. No suppression ever lowers another record's count, as long as one key is
left, so stars are set one by one, the one that mends most per cost first, and at the end those that
the later ones made needless are taken back.
"""

import heapq
from dataclasses import dataclass
from itertools import combinations

import numpy as np
from numba import njit

from sdc.engines.compatible import agreeing, by_mask, compatible_sums
from sdc.engines.exchange import Board, Moves, exchange, lift_star, needless, set_star
from sdc.engines.packing import numbered, observed, pack, project, slot
from sdc.errors import DisclosureError

_JOINS = 4_000_000
_ROUNDS = 30
_WORK = 8_000_000


@dataclass(frozen=True, eq=False)
class Stars:
    """Which records of which class lose which keys.

    Attributes
    ----------
    classes, keys, records : arrays of int64, (s,)
        Class number; bit set of the keys that are suppressed; in how many of its records.
    """

    classes: np.ndarray
    keys: np.ndarray
    records: np.ndarray


def set_stars(
    codes: np.ndarray, records: np.ndarray, k: int, cost: np.ndarray, closed: list[tuple[int, int]], real: int
) -> Stars:
    """Choose the stars for one file.

    Parameters
    ----------
    codes : array of int, (classes, m)
        Codes from 1; 0 is missing. No two classes are equal.
    records : array of int64, (classes,)
    cost : array of float, (m,)
        Cost of one suppressed value of each key; infinite for a key that must stay.
    closed : list of (finer, coarser)
        Where the coarser key is suppressed, so is the finer.
    real : int
        Bit set of the keys proper; any other is a stratum.

    Returns
    -------
    Stars
        Every record has ``k`` compatible ones, but for what a record that loses all keys takes from others.
    """
    addends, masks = pack(codes), observed(codes)
    fk = compatible_sums(addends, masks, records[:, None].astype(np.float64), real)[:, 0]
    fk = np.rint(fk).astype(np.int64)
    violators = np.flatnonzero(fk < k)
    price = prices(cost)
    moves = _moves(addends, masks, records, fk, violators, k, price, closed, real)
    board = Board(
        k - fk[violators],
        records[violators].copy(),
        np.zeros(len(records), dtype=np.int64),
        np.zeros(len(moves.helper), dtype=np.int64),
    )
    giver, cell, lost, counted = _greedy(codes, records, k, price, moves, board)
    classes, keys = exchange(
        codes, records, fk >= k, moves, board, price, giver, cell, lost, counted, _ROUNDS, _WORK
    )  # fmt: skip
    left = np.where(board.need > 0, board.bare, 0)
    blank = np.flatnonzero(left > 0)
    stay = sum(1 << j for j in range(codes.shape[1]) if not np.isfinite(cost[j]))
    if (masks[violators[blank]] & stay & real != 0).any():
        raise must_stay(k)
    classes = np.concatenate([classes, violators[blank]])
    keys = np.concatenate([keys, masks[violators[blank]] & real])
    counts = np.concatenate([np.ones(len(classes) - len(blank), dtype=np.int64), left[blank]])
    return gathered(classes, keys, counts)


def own_sets(
    codes: np.ndarray,
    records: np.ndarray,
    fk: np.ndarray,
    k: int,
    cost: np.ndarray,
    closed: list[tuple[int, int]],
    real: int,
) -> np.ndarray:
    """How many keys a record of each class loses at most to be safe by itself; 0 where it is safe."""
    addends, masks = pack(codes), observed(codes)
    violators = np.flatnonzero(fk < k)
    moves = _moves(addends, masks, records, fk, violators, k, prices(cost), closed, real)
    sizes = np.array([int(keys).bit_count() for keys in moves.own_keys.tolist()], dtype=np.int64)
    owner = np.repeat(np.arange(len(violators)), np.diff(moves.own_start))
    most = np.zeros(len(violators), dtype=np.int64)
    np.maximum.at(most, owner, sizes)
    everything = np.array([int(seen & real).bit_count() for seen in masks[violators].tolist()], dtype=np.int64)
    out = np.zeros(len(codes), dtype=np.int64)
    out[violators] = np.where(most > 0, most, everything)
    return out


def must_stay(k: int) -> DisclosureError:
    """The refusal when suppression is not allowed where it is needed."""
    return DisclosureError(
        "local suppression",
        f"the keys that must stay whole leave records below {k}.",
        "Recode these keys, or give them a finite importance.",
    )


def gathered(classes: np.ndarray, keys: np.ndarray, counts: np.ndarray) -> Stars:
    """One entry for each class and set of keys, in their order."""
    order = np.lexsort((keys, classes))
    classes, keys, counts = classes[order], keys[order], counts[order]
    first = np.flatnonzero((np.diff(classes, prepend=-1) != 0) | (np.diff(keys, prepend=-1) != 0))
    if len(first) == 0:
        return Stars(classes, keys, counts)
    return Stars(classes[first], keys[first], np.add.reduceat(counts, first))


def prices(cost: np.ndarray) -> np.ndarray:
    """Cost of each set of keys, by its bit set."""
    price = np.zeros(1)
    for one in cost:
        price = np.concatenate([price, price + one])
    return price


def allowed(lost: int, seen: int, price: np.ndarray, closed: list[tuple[int, int]], real: int) -> bool:
    """Whether a record that has the seen keys may lose this set: affordable, closed, not its last key."""
    if not np.isfinite(price[lost]) or (seen & ~lost & real == 0 and real & (real - 1)):
        return False
    left = seen & ~lost
    return not any(lost >> coarse & 1 and left >> fine & 1 for fine, coarse in closed)


def _moves(addends, masks, records, fk, violators, k, price, closed, real):
    """Level by level: the smallest sets of keys that each violator can lose to be safe by itself."""
    m = addends.shape[1]
    number = np.full(len(masks), -1, dtype=np.int64)
    number[violators] = np.arange(len(violators))
    cheapest = np.full(len(violators), np.inf)
    distinct = np.unique(masks)
    single = np.zeros((len(distinct), m), dtype=np.bool_)
    for i, seen in enumerate(distinct.tolist()):
        for j in range(m):
            single[i, j] = seen >> j & 1 and allowed(1 << j, seen, price, closed, real)
    group = np.searchsorted(distinct, masks)
    groups = by_mask(masks)
    members: list[np.ndarray] = []
    inside: list[np.ndarray] = []
    own: list[tuple[np.ndarray, np.ndarray, np.ndarray]] = []
    helpers: list[np.ndarray] = []
    helper_keys: list[np.ndarray] = []
    cells = 0
    for size in range(1, m + 1):
        wanted: dict[int, list[tuple[int, np.ndarray]]] = {}
        sets = [sum(1 << j for j in chosen) for chosen in combinations(range(m), size)]
        for seen in np.unique(masks[violators]).tolist():
            mine = np.flatnonzero(masks[violators] == seen)
            for lost in sets:
                if lost & ~seen or not allowed(lost, seen, price, closed, real):
                    continue
                givers = mine[cheapest[mine] > price[lost]]
                if len(givers):
                    wanted.setdefault(seen & ~lost, []).append((lost, givers))
        found = cheapest.copy()
        for kept, parties in sorted(wanted.items()):
            givers = np.concatenate([part for _, part in parties])
            keys = np.concatenate([np.full(len(part), lost) for lost, part in parties])
            projected = project(addends, violators[givers], kept)
            names, numbers, cell, count = numbered(projected)
            supply, helper, who, where = _fill(
                addends, masks, records, fk, k, kept, names, numbers, count, number, group, single
            )
            if (supply < k).any() and len(groups) > 1:
                supply = _partial(addends, records, kept, supply, k, violators[givers], cell, groups)
            good = supply >= k
            renumber = np.where(good, cells + np.cumsum(good) - 1, -1)
            cells += int(good.sum())
            safe = good[cell]
            own.append((givers[safe], renumber[cell[safe]], keys[safe]))
            np.minimum.at(found, givers[safe], price[keys[safe]])
            keep = good[where]
            members.append(who[keep])
            inside.append(renumber[where[keep]])
            chosen = helper[good]
            helpers.append(chosen)
            helper_keys.append(np.where(chosen >= 0, masks[chosen] & ~kept, 0))
        cheapest = found
    return _assemble(violators, number, members, inside, own, helpers, helper_keys, cells)


def _assemble(violators, number, members, inside, own, helpers, helper_keys, cells):
    """The lists of all levels, as CSR arrays both ways."""

    def joined(parts: list[np.ndarray]) -> np.ndarray:
        return np.concatenate([np.empty(0, dtype=np.int64), *parts]).astype(np.int64)

    def starts(of: np.ndarray, count: int) -> np.ndarray:
        return np.concatenate([[0], np.cumsum(np.bincount(of, minlength=count))]).astype(np.int64)

    who, where = joined(members), joined(inside)
    by_cell = np.argsort(where, kind="stable")
    by_violator = np.argsort(who, kind="stable")
    owner, own_cell, own_keys = (joined([part[i] for part in own]) for i in range(3))
    by_owner = np.argsort(owner, kind="stable")
    by_own_cell = np.argsort(own_cell, kind="stable")
    return Moves(
        violators,
        number,
        joined(helpers),
        joined(helper_keys),
        starts(where, cells),
        who[by_cell],
        starts(who, len(violators)),
        where[by_violator],
        starts(owner, len(violators)),
        own_cell[by_owner],
        own_keys[by_owner],
        starts(own_cell, cells),
        owner[by_own_cell],
        own_keys[by_own_cell],
    )


@njit(cache=True)
def _fill(addends, masks, records, fk, k, kept, names, numbers, count, number, group, single):
    """Of each cell: the records that have the kept keys and agree, the largest safe class, the violators."""
    m = addends.shape[1]
    supply = np.zeros(count, dtype=np.int64)
    helper = np.full(count, -1, dtype=np.int64)
    who = []
    where = []
    for i in range(len(masks)):
        if masks[i] & kept != kept:
            continue
        total = 0
        for j in range(m):
            if kept >> j & 1:
                total += addends[i, j]
        at = slot(names, total & 0x7FFFFFFFFFFFFFFF)
        if names[at] == -1:
            continue
        cell = numbers[at]
        supply[cell] += records[i]
        if number[i] >= 0:
            who.append(number[i])
            where.append(cell)
        elif fk[i] >= k:
            lost = masks[i] & ~kept
            for j in range(m):
                if lost != 1 << j or not single[group[i], j]:
                    continue
                if helper[cell] < 0 or records[i] > records[helper[cell]]:
                    helper[cell] = i
    return supply, helper, np.array(who, dtype=np.int64), np.array(where, dtype=np.int64)


def _partial(addends, records, kept, supply, k, projected_by, cell, groups):
    """Add, for cells still short, the records that miss some of the kept keys and agree on the rest."""
    short, first = np.unique(cell[supply[cell] < k], return_index=True)
    speakers = projected_by[supply[cell] < k][first]
    others = [(seen, classes) for seen, classes in groups.items() if kept & ~seen]
    if len(speakers) * len(others) > _JOINS:
        return supply
    supply = supply.copy()
    for seen, classes in others:
        amounts = records[:, None].astype(np.float64)
        found = agreeing(addends, speakers, classes, kept & seen, amounts)
        supply[short] += np.rint(found[:, 0]).astype(np.int64)
    return supply


@njit(cache=True)
def _greedy(codes, records, k, price, moves, board):
    """Set stars, the best ratio of mended deficit to cost first; then take back the needless ones."""
    v, cells = len(moves.violators), len(moves.helper)
    for i in range(v):
        for e in range(moves.in_start[i], moves.in_start[i + 1]):
            board.live[moves.in_cell[e]] += board.bare[i]
    heap = [(0.0, 0, 0)]
    heap.clear()
    for i in range(v + cells):
        ratio, move = _best(i, moves, board, price)
        if ratio > 0:
            heap.append((-ratio, i, move))
    heapq.heapify(heap)
    star_giver = []
    star_cell = []
    star_keys = []
    star_counted = []
    stars_in = np.zeros(cells, dtype=np.int64)
    while len(heap) > 0:
        stale, i, _ = heapq.heappop(heap)
        ratio, move = _best(i, moves, board, price)
        if ratio <= 0:
            continue
        if ratio < -stale - 1e-12:
            heapq.heappush(heap, (-ratio, i, move))
            continue
        if i < v:
            giver, cell, keys = moves.violators[i], moves.own_cell[move], moves.own_keys[move]
        else:
            giver, cell, keys = moves.helper[move], move, moves.helper_keys[move]
            if board.spent[giver] >= records[giver]:
                continue
        counted = board.live[cell] > 0 or stars_in[cell] < k
        stars_in[cell] += 1
        set_star(codes, moves, board, giver, cell, counted)
        star_giver.append(giver)
        star_cell.append(cell)
        star_keys.append(keys)
        star_counted.append(counted)
        heapq.heappush(heap, (-ratio, i, move))
    count = len(star_giver)
    kept = np.ones(count, dtype=np.bool_)
    cost = np.empty(count)
    for s in range(count):
        cost[s] = price[star_keys[count - 1 - s]]
    short = [0]
    for r in np.argsort(-cost, kind="mergesort"):
        s = count - 1 - r
        if needless(codes, moves, board, star_giver[s], star_cell[s], star_counted[s]):
            lift_star(codes, moves, board, star_giver[s], star_cell[s], star_counted[s], short)
            kept[s] = False
    return (
        np.array(star_giver, dtype=np.int64)[kept],
        np.array(star_cell, dtype=np.int64)[kept],
        np.array(star_keys, dtype=np.int64)[kept],
        np.array(star_counted, dtype=np.bool_)[kept],
    )


@njit(cache=True)
def _best(i, moves, board, price):
    """The best move of one violator, or of the safe helper of one cell: its ratio and which it is."""
    v = len(moves.violators)
    if i >= v:
        cell = i - v
        if moves.helper[cell] < 0:
            return 0.0, cell
        return board.live[cell] / price[moves.helper_keys[cell]], cell
    best, move = 0.0, -1
    if board.bare[i] == 0:
        return best, move
    mine = board.need[i] - board.bare[i] if board.need[i] > 0 else 0
    for e in range(moves.own_start[i], moves.own_start[i + 1]):
        ratio = (board.live[moves.own_cell[e]] + mine) / price[moves.own_keys[e]]
        if ratio > best:
            best, move = ratio, e
    return best, move
