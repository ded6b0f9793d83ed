"""Partners for rank swapping: who exchanges values with whom along a sorted column."""

import numpy as np
from numba import njit


def partners(draws: np.ndarray, window: int) -> np.ndarray:
    """Pair ranks, each with one at most `window` ranks away, drawn evenly among those still free.

    Parameters
    ----------
    draws : array of float, (n,), 0 to 1
        One random number a rank.
    window : int, ranks

    Returns
    -------
    array of int, (n,)
        Rank of the partner; the own rank where nobody was left. ``partners[partners] == arange(n)``.
    """
    return _partners(draws, window)


@njit(cache=True)
def _partners(draws, window):  # pragma: no cover - compiled
    n = len(draws)
    tree = np.zeros(n + 1, dtype=np.int64)  # Fenwick tree over the ranks that are free
    for i in range(1, n + 1):
        tree[i] += 1
        if i + (i & -i) <= n:
            tree[i + (i & -i)] += tree[i]
    top = 1
    while top * 2 <= n:
        top *= 2
    partner = np.arange(n)
    free = np.ones(n, dtype=np.bool_)
    for rank in range(n):
        if not free[rank]:
            continue
        below, within = 0, 0
        i = rank + 1
        while i > 0:
            below += tree[i]
            i -= i & -i
        i = min(rank + window, n - 1) + 1
        while i > 0:
            within += tree[i]
            i -= i & -i
        number = within - below
        if number > 0:
            wanted = below + min(int(draws[rank] * number), number - 1) + 1
            place, step = 0, top
            while step > 0:  # the rank of the wanted free one
                if place + step <= n and tree[place + step] < wanted:
                    place += step
                    wanted -= tree[place]
                step //= 2
            partner[rank], partner[place] = place, rank
            free[place] = False
            i = place + 1
            while i <= n:
                tree[i] -= 1
                i += i & -i
        free[rank] = False
        i = rank + 1
        while i <= n:
            tree[i] -= 1
            i += i & -i
    return partner
