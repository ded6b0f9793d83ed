"""How many records each key pattern is compatible with, the protector's own count.

Two patterns are compatible when they agree wherever both are observed. The judge has a count of its own.
"""

from itertools import pairwise

import numpy as np
from numba import njit

from sdc.engines.packing import empty_table, project, slot


def compatible_sums(
    addends: np.ndarray, masks: np.ndarray, amounts: np.ndarray, real: int, alpha: float = 1.0
) -> np.ndarray:
    """Sum of amounts over the records that each pattern is compatible with.

    Parameters
    ----------
    addends : array of int64, (classes, m)
        From ``packing.pack``.
    masks : array of int64, (classes,)
        Bit set of observed keys.
    amounts : array of float64, (classes, q)
        What to sum: records, weights.
    real : int
        Bit set of the keys proper. Any other is a stratum, which is always observed.
    alpha : float, 0 to 1
        Credit for a match that rests on a missing value, as in sdcMicro.

    Returns
    -------
    array of float64, (classes, q)

    Notes
    -----
    As in sdcMicro's ``freqCalc``, a record that misses every key is not counted for a complete pattern, unless
    there is one key only; it is itself compatible with every record.
    """
    groups = by_mask(masks)
    single = real & (real - 1) == 0
    out = np.zeros_like(amounts, dtype=np.float64)
    for ours, mine in groups.items():
        for theirs, other in groups.items():
            if ours & real == real:
                same, factor = theirs == ours, alpha
                if not same and theirs & real == 0 and not single:
                    continue
            else:
                same = theirs == ours
                factor = 1.0 if theirs & real == real or ours & real == 0 else alpha
            factor = 1.0 if same else factor
            if factor > 0:
                out[mine] += factor * agreeing(addends, mine, other, ours & theirs, amounts)
    return out


def by_mask(masks: np.ndarray) -> dict[int, np.ndarray]:
    """The classes that have values for the same keys, by that set of keys."""
    order = np.argsort(masks, kind="stable")
    bounds = np.flatnonzero(np.diff(masks[order], prepend=-1, append=-1))
    return {int(masks[order[a]]): order[a:b] for a, b in pairwise(bounds)}


@njit(cache=True)
def agreeing(addends, mine, other, shared, amounts):
    """For each of mine, the amounts of the others that agree with it on the shared keys."""
    q = amounts.shape[1]
    out = np.zeros((len(mine), q))
    names, _ = empty_table(min(len(mine), len(other)))
    sums = np.zeros((len(names), q))
    projected = project(addends, mine, shared)
    offered = project(addends, other, shared)
    if len(mine) <= len(other):
        for i in range(len(mine)):
            names[slot(names, projected[i])] = projected[i]
    else:
        for i in range(len(other)):
            names[slot(names, offered[i])] = offered[i]
    for i in range(len(other)):
        at = slot(names, offered[i])
        if names[at] != -1:
            for c in range(q):
                sums[at, c] += amounts[other[i], c]
    for i in range(len(mine)):
        at = slot(names, projected[i])
        if names[at] != -1:
            for c in range(q):
                out[i, c] = sums[at, c]
    return out
