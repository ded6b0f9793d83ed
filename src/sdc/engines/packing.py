"""Projections of key classes as single integers, and a hash table to count them."""

import numpy as np
from numba import njit

_WORD = 2**62


def pack(codes: np.ndarray) -> np.ndarray:
    """Addends of each class and key: their sum over a set of keys names the projection on that set.

    Codes count from 1, and 0 is a missing value, which adds nothing. Where all keys fit one word the sum is a
    mixed-radix number, so it is exact. Where they do not, each value gets 62 bits from a fixed mixing function:
    two projections of one file then share a sum with a chance below 1e-4 even for a million classes.
    """
    bases = codes.max(axis=0, initial=0).astype(object) + 1
    multiplier, exact = 1, np.empty(codes.shape, dtype=np.int64)
    for j, base in enumerate(bases):
        if multiplier * base >= _WORD:
            return _mixed(codes)
        exact[:, j] = codes[:, j].astype(np.int64) * multiplier
        multiplier *= base
    return exact


def _mixed(codes: np.ndarray) -> np.ndarray:
    """Addends from a fixed 64-bit mixing function of key and code; their sums wrap."""
    keys = np.arange(1, codes.shape[1] + 1, dtype=np.uint64)
    x: np.ndarray = codes.astype(np.uint64) + keys[None, :] * np.uint64(0x9E3779B97F4A7C15)
    x = (x ^ (x >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    x = (x ^ (x >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    x = (x ^ (x >> np.uint64(31))) & np.uint64(_WORD - 1)
    x[codes == 0] = 0
    return x.astype(np.int64)


@njit(cache=True)
def observed(codes: np.ndarray) -> np.ndarray:
    """Bit set of the keys that each class has a value for."""
    n, m = codes.shape
    masks = np.zeros(n, dtype=np.int64)
    for i in range(n):
        for j in range(m):
            if codes[i, j] > 0:
                masks[i] |= 1 << j
    return masks


@njit(cache=True)
def project(addends: np.ndarray, classes: np.ndarray, keys: int) -> np.ndarray:
    """The packed projection of some classes on a bit set of keys; never negative."""
    m = addends.shape[1]
    out = np.zeros(len(classes), dtype=np.int64)
    for i in range(len(classes)):
        total = 0
        for j in range(m):
            if keys >> j & 1:
                total += addends[classes[i], j]
        out[i] = total & 0x7FFFFFFFFFFFFFFF
    return out


@njit(cache=True)
def empty_table(entries: int) -> tuple[np.ndarray, np.ndarray]:
    """Slots for that many distinct projections: names (-1 is free) and numbers."""
    size = 8
    while size < 2 * entries:
        size *= 2
    return np.full(size, -1, dtype=np.int64), np.zeros(size, dtype=np.int64)


@njit(cache=True)
def slot(names: np.ndarray, name: int) -> int:
    """Where a projection is, or the free slot where it would go."""
    last = len(names) - 1
    at = (name * 0x9E3779B97F4A7C1) >> 17 & last
    while names[at] != -1 and names[at] != name:
        at = at + 1 & last
    return at


@njit(cache=True)
def numbered(projections: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray, int]:
    """Number the distinct projections from 0 in order of appearance: table, number of each, how many."""
    names, numbers = empty_table(len(projections))
    of_each = np.empty(len(projections), dtype=np.int64)
    count = 0
    for i in range(len(projections)):
        at = slot(names, projections[i])
        if names[at] == -1:
            names[at] = projections[i]
            numbers[at] = count
            count += 1
        of_each[i] = numbers[at]
    return names, numbers, of_each, count
