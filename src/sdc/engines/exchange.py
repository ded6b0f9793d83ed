"""Stars exchanged for fewer: what the greedy choice of stars left on the table.

A star and some that protect the same records are taken back, the records left short are mended anew, and the new
stars stay when they cost no more. The draws come from a fixed sequence, so the result is a function of the file.
"""

from typing import NamedTuple

import numpy as np
from numba import njit

_MOST_LIFTED = 8
_MOST_GIVERS = 48
_TOLERANCE = 1e-4
_SAFE = 2e-4
_SPARED = 0.5


class Moves(NamedTuple):
    """All stars worth setting: cells, the violators within them, who may be suppressed into them.

    Attributes
    ----------
    violators : array of int64, (v,)
        Classes below k.
    number : array of int64, (classes,)
        Place of each class among the violators, -1 for a safe one.
    helper, helper_keys : arrays of int64, (cells,)
        A safe class that may give one value to protect others (-1: none), and that value's key.
    member_start, member : CSR, cells -> violators
    in_start, in_cell : CSR, violators -> cells
    own_start, own_cell, own_keys : CSR, violators -> the cells they may be suppressed into, the keys lost
    giver_start, giver, giver_keys : CSR, cells -> the violators that may be suppressed into them, the keys lost
    """

    violators: np.ndarray
    number: np.ndarray
    helper: np.ndarray
    helper_keys: np.ndarray
    member_start: np.ndarray
    member: np.ndarray
    in_start: np.ndarray
    in_cell: np.ndarray
    own_start: np.ndarray
    own_cell: np.ndarray
    own_keys: np.ndarray
    giver_start: np.ndarray
    giver: np.ndarray
    giver_keys: np.ndarray


class Board(NamedTuple):
    """What stands at one moment.

    Attributes
    ----------
    need : array of int64, (v,)
        Compatible records that a violator's unsuppressed records lack; 0 or less is safe.
    bare : array of int64, (v,)
        Its records that are not suppressed.
    spent : array of int64, (classes,)
        Records of a safe class that were given to protect others.
    live : array of int64, (cells,)
        Bare records in need within each cell.
    """

    need: np.ndarray
    bare: np.ndarray
    spent: np.ndarray
    live: np.ndarray


class Placed(NamedTuple):
    """The stars that stand, in slots, with a list of those of each cell (``head``, ``after``, ``before``)."""

    giver: np.ndarray
    cell: np.ndarray
    keys: np.ndarray
    counted: np.ndarray
    head: np.ndarray
    after: np.ndarray
    before: np.ndarray
    standing: np.ndarray
    place: np.ndarray
    totals: np.ndarray


@njit(cache=True)
def compatible(codes, a, b):
    """Whether two classes agree wherever both are observed."""
    for j in range(codes.shape[1]):  # noqa: SIM110, compiled as it stands
        if codes[a, j] != codes[b, j] and codes[a, j] > 0 and codes[b, j] > 0:
            return False
    return True


@njit(cache=True)
def set_star(codes, moves, board, giver, cell, counted):
    """Take note of a new star: the members of its cell gain a record, its giver has one less to protect."""
    if counted:
        for e in range(moves.member_start[cell], moves.member_start[cell + 1]):
            w = moves.member[e]
            if moves.violators[w] == giver or compatible(codes, giver, moves.violators[w]):
                continue
            board.need[w] -= 1
            if board.need[w] == 0 and board.bare[w] > 0:
                for f in range(moves.in_start[w], moves.in_start[w + 1]):
                    board.live[moves.in_cell[f]] -= board.bare[w]
    own = moves.number[giver]
    if own < 0:
        board.spent[giver] += 1
        return
    board.bare[own] -= 1
    if board.need[own] > 0:
        for f in range(moves.in_start[own], moves.in_start[own + 1]):
            board.live[moves.in_cell[f]] -= 1


@njit(cache=True)
def lift_star(codes, moves, board, giver, cell, counted, short):
    """Take a star back; violators that are then in need are appended to ``short``."""
    if counted:
        for e in range(moves.member_start[cell], moves.member_start[cell + 1]):
            w = moves.member[e]
            if moves.violators[w] == giver or compatible(codes, giver, moves.violators[w]):
                continue
            board.need[w] += 1
            if board.need[w] == 1 and board.bare[w] > 0:
                short.append(w)
                for f in range(moves.in_start[w], moves.in_start[w + 1]):
                    board.live[moves.in_cell[f]] += board.bare[w]
    own = moves.number[giver]
    if own < 0:
        board.spent[giver] -= 1
        return
    board.bare[own] += 1
    if board.need[own] > 0:
        short.append(own)
        for f in range(moves.in_start[own], moves.in_start[own + 1]):
            board.live[moves.in_cell[f]] += 1


@njit(cache=True)
def needless(codes, moves, board, giver, cell, counted):
    """Whether a star can be taken back and nobody is in need then."""
    own = moves.number[giver]
    if own >= 0 and board.need[own] > 0:
        return False
    if counted:
        for e in range(moves.member_start[cell], moves.member_start[cell + 1]):
            w = moves.member[e]
            if board.need[w] != 0 or board.bare[w] == 0 or moves.violators[w] == giver:
                continue
            if not compatible(codes, giver, moves.violators[w]):
                return False
    return True


@njit(cache=True)
def _place(placed, giver, cell, keys, counted):
    """Put a star in the next free slot."""
    at = placed.totals[0]
    s = placed.standing[at]
    placed.totals[0] += 1
    placed.place[s] = at
    placed.giver[s], placed.cell[s], placed.keys[s], placed.counted[s] = giver, cell, keys, counted
    placed.after[s], placed.before[s] = placed.head[cell], -1
    if placed.head[cell] >= 0:
        placed.before[placed.head[cell]] = s
    placed.head[cell] = s
    return s


@njit(cache=True)
def _displace(placed, s):
    """Free the slot of a star."""
    if placed.before[s] >= 0:
        placed.after[placed.before[s]] = placed.after[s]
    else:
        placed.head[placed.cell[s]] = placed.after[s]
    if placed.after[s] >= 0:
        placed.before[placed.after[s]] = placed.before[s]
    placed.totals[0] -= 1
    last = placed.standing[placed.totals[0]]
    at = placed.place[s]
    placed.standing[at], placed.place[last] = last, at
    placed.standing[placed.totals[0]], placed.place[s] = s, placed.totals[0]


@njit(cache=True)
def _draw(state, below):
    """The next number of the fixed sequence, 0 to below - 1."""
    x = state[0]
    x ^= (x << 13) & 0x7FFFFFFFFFFFFFFF
    x ^= x >> 7
    x ^= (x << 17) & 0x7FFFFFFFFFFFFFFF
    state[0] = x
    return (x >> 11) % below


@njit(cache=True)
def exchange(codes, records, safe, moves, board, price, giver, cell, keys, counted, rounds, work):
    """Improve the stars; ``board`` changes with them. Returns the classes and keys of those that stand.

    ``rounds`` bounds the exchanges for each star, ``work`` the members of cells that are looked at: budgets in
    steps and not in seconds, so that the result does not depend on the machine.
    """
    first = len(giver)
    slots = 2 * first + 64
    placed = Placed(
        np.empty(slots, np.int64), np.empty(slots, np.int64), np.empty(slots, np.int64), np.empty(slots, np.bool_),
        np.full(len(moves.helper), -1, np.int64), np.empty(slots, np.int64), np.empty(slots, np.int64),
        np.arange(slots), np.empty(slots, np.int64), np.zeros(1, np.int64),
    )  # fmt: skip
    for s in range(first):
        _place(placed, giver[s], cell[s], keys[s], counted[s])
    random = np.full(1, 88172645463325252, np.int64)
    done = 0
    nobody = np.zeros_like(safe)
    turns = rounds * first
    for turn in range(turns):
        if done > work or placed.totals[0] == 0:
            break
        # first any exchange of equal cost, which finds ways out of a local optimum; last those that spare safe records
        spared = safe if 4 * turn >= 3 * turns else nobody
        done += _one(codes, records, spared, moves, board, price, placed, random)
    standing = placed.standing[: placed.totals[0]]
    return placed.giver[standing], placed.keys[standing]


@njit(cache=True)
def _one(codes, records, safe, moves, board, price, placed, random):
    """Lift a star and some near it, mend, keep or restore; returns the work done."""
    work = 16
    seed = placed.standing[_draw(random, placed.totals[0])]
    lifted = [seed]
    most = 1 + _draw(random, _MOST_LIFTED)
    members = moves.member_start[placed.cell[seed] + 1] - moves.member_start[placed.cell[seed]]
    if most > 1 and members > 0:
        w = moves.member[moves.member_start[placed.cell[seed]] + _draw(random, members)]
        span = moves.in_start[w + 1] - moves.in_start[w]
        skip = _draw(random, span)
        for f in range(span):
            near = placed.head[moves.in_cell[moves.in_start[w] + (f + skip) % span]]
            while near >= 0 and len(lifted) < most:
                if near != seed and _draw(random, 3) > 0:
                    lifted.append(near)
                near = placed.after[near]
                work += 1
    short = [0]
    short.clear()
    before = 0.0
    for s in lifted:
        before += _cost(price, placed.keys[s], safe[placed.giver[s]])
        work += moves.member_start[placed.cell[s] + 1] - moves.member_start[placed.cell[s]]
        lift_star(codes, moves, board, placed.giver[s], placed.cell[s], placed.counted[s], short)
        _displace(placed, s)
    old = [(placed.giver[s], placed.cell[s], placed.keys[s], placed.counted[s]) for s in lifted]
    after = 0.0
    new = [0]
    new.clear()
    good = True
    while True:
        best, best_giver, best_cell, best_keys = 0.0, -1, -1, 0
        left = 0
        for i in range(len(short)):
            w = short[i]
            if board.need[w] <= 0 or board.bare[w] == 0:
                continue
            short[left] = w
            left += 1
            for f in range(moves.in_start[w], moves.in_start[w + 1]):
                x = moves.in_cell[f]
                ratio, g, keys, looked = _giver(moves, board, records, safe, price, x, random)
                work += looked
                ratio *= 1.0 + _draw(random, 1024) / 4096.0
                if ratio > best:
                    best, best_giver, best_cell, best_keys = ratio, g, x, keys
        while len(short) > left:
            short.pop()
        if left == 0:
            break
        if best_giver < 0 or placed.totals[0] == len(placed.giver):
            good = False
            break
        after += _cost(price, best_keys, safe[best_giver])
        if after > before + _TOLERANCE:
            good = False
            break
        set_star(codes, moves, board, best_giver, best_cell, True)
        new.append(_place(placed, best_giver, best_cell, best_keys, True))
        work += moves.member_start[best_cell + 1] - moves.member_start[best_cell]
    if not good:
        for s in new:
            lift_star(codes, moves, board, placed.giver[s], placed.cell[s], placed.counted[s], short)
            _displace(placed, s)
        for g, x, keys, counted in old:
            set_star(codes, moves, board, g, x, counted)
            _place(placed, g, x, keys, counted)
    return work


@njit(cache=True)
def _cost(price, keys, safe):
    """What a suppression costs; a hair more in a record that needs none, so that ties fall on those that do."""
    return price[keys] * (1.0 + _SAFE) if safe else price[keys]


@njit(cache=True)
def _giver(moves, board, records, safe, price, x, random):
    """The best record to suppress into a cell: its ratio of mended deficit to cost, its class, the keys it loses."""
    best, giver, keys = 0.0, -1, 0
    helper = moves.helper[x]
    if helper >= 0 and board.spent[helper] < records[helper]:
        best, giver, keys = board.live[x] / price[moves.helper_keys[x]], helper, moves.helper_keys[x]
        if safe[helper]:
            best *= _SPARED
    a, b = moves.giver_start[x], moves.giver_start[x + 1]
    looked = min(b - a, _MOST_GIVERS)
    skip = _draw(random, b - a) if b > a else 0
    for i in range(looked):
        e = a + (skip + i) % (b - a)
        g = moves.giver[e]
        if board.bare[g] == 0:
            continue
        mine = board.need[g] - board.bare[g] if board.need[g] > 0 else 0
        ratio = (board.live[x] + mine) / price[moves.giver_keys[e]]
        if ratio > best:
            best, giver, keys = ratio, moves.violators[g], moves.giver_keys[e]
    return best, giver, keys, looked
