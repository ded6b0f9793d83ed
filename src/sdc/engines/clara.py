"""Clusters of many records around medoids that are found on small samples of them."""

from collections.abc import Iterator

import numpy as np

SAMPLES = 5


def clara(values: np.ndarray, clusters: int) -> tuple[np.ndarray, np.ndarray]:
    """Find medoids on samples of ``40 + 2 k`` records, and keep those that suit all records best.

    Samples are drawn by the method's own generator, which always begins with the same number: the same values in the
    same order give the same clusters.

    Parameters
    ----------
    values : array of float, (n, p), without missing values
    clusters : int, k

    Returns
    -------
    medoids : array of int, (k,), record numbers
    label : array of int, (n,), numbers of clusters, in the order in which they first appear

    References
    ----------
    Kaufman, Rousseeuw (1990), Finding Groups in Data, chapter 3
    """
    n = len(values)
    k, size = min(clusters, n - 1), min(n, 40 + 2 * clusters)
    generator = _draws(n)
    best: np.ndarray | None = None
    best_sum = np.inf
    for _ in range(1 if size == n else SAMPLES):
        sample = np.arange(n) if size == n else _sample(generator, n, size, best)
        gaps = values[sample, None, :] - values[None, sample, :]
        chosen = sample[_medoids(np.sqrt((gaps**2).sum(axis=2)), k)]
        label, total = _nearest(values, chosen)
        if best is None or total < best_sum:
            first = np.unique(label, return_index=True)
            best, best_sum = chosen[first[0][np.argsort(first[1])]], total
    assert best is not None
    return best, _nearest(values, best)[0]


def _draws(n: int) -> Iterator[int]:
    """Record numbers from a linear congruential generator of period 2**16."""
    state = 0
    while True:
        state = (state * 5761 + 999) % 65536
        yield int(n * (state / 65536))


def _sample(generator: Iterator[int], n: int, size: int, best: np.ndarray | None) -> np.ndarray:
    """A sample that holds the best medoids so far; more than half of the records are drawn as those left out."""
    most = n < 2 * size
    wanted = n - size if most else size
    drawn = set() if best is None or most else {int(record) for record in best}
    barred = {int(record) for record in best} if best is not None and most else set()
    while len(drawn) < wanted:
        record = next(generator)
        if record not in barred:
            drawn.add(record)
    chosen = np.array(sorted(drawn), dtype=np.int64)
    return np.setdiff1d(np.arange(n), chosen) if most else chosen


def _medoids(distance: np.ndarray, k: int) -> np.ndarray:
    """Places of k medoids in a sample: taken one by one, then exchanged as long as it lowers the cost."""
    m = len(distance)
    chosen = np.zeros(m, dtype=bool)
    nearest = np.full(m, distance.max() * 1.1 + 1)
    for _ in range(k):
        gain = np.maximum(nearest[None, :] - distance, 0).sum(axis=1)
        gain[chosen] = -1
        best = m - 1 - int(gain[::-1].argmax())  # the last of equals
        chosen[best] = True
        nearest = np.minimum(nearest, distance[best])
    while k > 1:
        medoids, others = np.flatnonzero(chosen), np.flatnonzero(~chosen)
        two = np.sort(distance[medoids], axis=0)[:2]
        cost = np.array([[_exchange(distance, int(i), int(h), two[0], two[1]) for i in medoids] for h in others])
        if not len(others) or cost.min() >= 0:
            break
        h, i = np.unravel_index(cost.argmin(), cost.shape)
        chosen[others[h]], chosen[medoids[i]] = True, False
    return np.flatnonzero(chosen)


def _exchange(distance: np.ndarray, i: int, h: int, first: np.ndarray, second: np.ndarray) -> float:
    """What it costs to take h instead of the medoid i, by the criterion of the method's first program.

    An object of i goes to its second medoid when that is not farther than i, else to h (PAM compares it with h).
    """
    own = distance[i] == first
    moved = np.where(second > distance[i], distance[h], second)
    return float(np.where(own, moved - first, np.minimum(distance[h] - first, 0)).sum())


def _nearest(values: np.ndarray, medoids: np.ndarray) -> tuple[np.ndarray, float]:
    """The nearest medoid of each record, and the sum of the distances."""
    squares = np.stack([((values - values[medoid]) ** 2).sum(axis=1) for medoid in medoids], axis=1)
    return squares.argmin(axis=1), float(np.sqrt(squares.min(axis=1)).sum())
