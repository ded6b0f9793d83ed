"""Groups of at least k alike records for microaggregation, and the means that replace them."""

from collections.abc import Callable, Mapping

import numpy as np
from numba import njit

from sdc.engines.clara import clara
from sdc.engines.mcd import consistency, distances, local_optima, matched, reweighted


def grouped(values: np.ndarray, k: int, method: str) -> np.ndarray:
    """Put records into groups of at least k, for each column.

    Parameters
    ----------
    values : array of float, (n, p)
    k : int, records
        With fewer than ``2 k`` records there is one group.
    method : str
        A key of `GROUPINGS`, whose groups are the same in all columns, or ``"onedims"``, which groups each column on
        its own.

    Returns
    -------
    array of int, (n, p)

    Notes
    -----
    Ties are broken by the order of the rows, so a caller that wants a result without order sorts them first.
    """
    if method == "onedims":
        columns = [by_first_column(column[:, None], k) for column in values.T]
        return np.stack(columns, axis=1)
    return np.repeat(GROUPINGS[method](values, k)[:, None], values.shape[1], axis=1)


def group_means(values: np.ndarray, groups: np.ndarray) -> np.ndarray:
    """The mean of the observed values of each group, in the place of each observed value: array of float, (n, p)."""
    result = np.full(values.shape, np.nan)
    for j, column in enumerate(values.T):
        seen = ~np.isnan(column)
        group = groups[seen, j]
        sums = np.bincount(group, weights=column[seen])
        result[seen, j] = sums[group] / np.bincount(group)[group]
    return result


def filled_up(column: np.ndarray, groups: np.ndarray, k: int) -> np.ndarray:
    """The groups of one column, without any that holds fewer than k observed values of it.

    A mean of fewer would give a value away. Such groups are put together, with the nearest other one where they are
    still too few, and cut anew along the values.
    """
    seen = ~np.isnan(column)
    counts = np.bincount(groups[seen], minlength=int(groups.max(initial=-1)) + 1)
    thin = seen & (counts[groups] < k)
    if not thin.any():
        return groups
    if thin.sum() < k and (counts >= k).any():
        means = np.bincount(groups[seen], weights=column[seen], minlength=len(counts)) / np.maximum(counts, 1)
        away = np.where(counts >= k, np.abs(means - column[thin].mean()), np.inf)
        thin |= seen & (groups == away.argmin())
    result = groups.copy()
    result[thin] = len(counts) + consecutive_groups(np.argsort(column[thin], kind="stable"), k)
    return result


def consecutive_groups(order: np.ndarray, k: int) -> np.ndarray:
    """Group number of each record when every k in an order make a group; the last takes what is left over."""
    groups = np.empty(len(order), dtype=np.int64)
    last = max(len(order) // k - 1, 0)
    groups[order] = np.minimum(np.arange(len(order)) // k, last)
    return groups


def as_given(values: np.ndarray, k: int) -> np.ndarray:
    """Groups of consecutive records in the order of the file."""
    return consecutive_groups(np.arange(len(values)), k)


def by_first_column(values: np.ndarray, k: int) -> np.ndarray:
    """Groups of consecutive records by the values of the first column; records without a value form groups apart."""
    seen = ~np.isnan(values[:, 0])
    groups = np.empty(len(values), dtype=np.int64)
    groups[seen] = consecutive_groups(np.argsort(values[seen, 0], kind="stable"), k)
    rest = int((~seen).sum())
    groups[~seen] = consecutive_groups(np.arange(rest), k) + int(groups[seen].max(initial=-1)) + 1
    return groups


def by_component(values: np.ndarray, k: int) -> np.ndarray:
    """Groups of consecutive records by the first principal component of the standardised values."""
    z = _standardised(values)
    return _along(z, np.atleast_2d(np.cov(z, rowvar=False)), k)


def by_robust_component(values: np.ndarray, k: int) -> np.ndarray:
    """Groups by the first principal component of the minimum covariance determinant, values as measured.

    References
    ----------
    Templ, Meindl (2008), LNCS 5262, 113-126
    """
    return along_robust_component(values, k, local_optima(values, _half(values))[0])


def along_robust_component(values: np.ndarray, k: int, subset: np.ndarray) -> np.ndarray:
    """Groups by the first principal component of the records near a subset of half of them."""
    near = reweighted(values, subset, matched(values, subset))
    return _along(values - near.mean(axis=0), np.atleast_2d(np.cov(near, rowvar=False)), k)


def _along(centred: np.ndarray, scatter: np.ndarray, k: int) -> np.ndarray:
    """Groups of consecutive records along the main axis of a scatter matrix, its first coordinate positive."""
    axis = np.linalg.eigh(scatter)[1][:, -1]
    axis = -axis if axis[0] < 0 else axis
    return consecutive_groups(np.argsort(centred @ axis, kind="stable"), k)


def by_cluster(values: np.ndarray, k: int, clusters: int = 8) -> np.ndarray:
    """Groups of consecutive records inside clusters, sorted by the column that is largest in the cluster's medoid.

    References
    ----------
    Templ, Meindl (2008), LNCS 5262, 113-126; the clusters are those of CLARA (Kaufman, Rousseeuw 1990, ch. 3)
    """
    medoids, label = clara(values, clusters)
    leading = values[medoids].argmax(axis=1)
    return consecutive_groups(np.lexsort((values[np.arange(len(values)), leading[label]], label)), k)


def by_robust_distance(values: np.ndarray, k: int) -> np.ndarray:
    """Groups of the k records nearest to the one that is farthest by a robust Mahalanobis distance, one after another.

    References
    ----------
    Templ, Meindl (2008), LNCS 5262, 113-126
    """
    return from_robust_distance(values, k, local_optima(_standardised(values), _half(values))[0])


def from_robust_distance(values: np.ndarray, k: int, subset: np.ndarray) -> np.ndarray:
    """Groups from the farthest record inwards, by the distance to the records near a subset of half of them."""
    z = _standardised(values)
    near = reweighted(z, subset, consistency(len(z), z.shape[1], len(subset)))
    return _nearest_to_farthest(z, distances(z, near), k)


def _half(values: np.ndarray) -> int:
    """The least number of records whose centre cannot be carried off by the others."""
    return (len(values) + values.shape[1] + 1) // 2


def mdav(values: np.ndarray, k: int) -> np.ndarray:
    """Groups of k by maximum distance to the average vector: two opposite groups a round.

    Squared Euclidean distance in units of the variance; a missing value against an observed one counts as the squared
    range of its column. Distances are held in single precision, as in the reference implementation: what differs
    beyond its seventh digit is a tie, and ties are not left to the noise of an addition.

    References
    ----------
    Domingo-Ferrer, Torra (2005), Data Mining and Knowledge Discovery 11(2), 195-212
    """
    seen = ~np.isnan(values)
    number = np.maximum(seen.sum(axis=0), 1)
    filled = np.where(seen, values, 0.0)
    variance = (filled**2).sum(axis=0) / number - (filled.sum(axis=0) / number) ** 2
    weight = np.where(variance != 0, 1 / np.where(variance != 0, variance, 1), 1.0)
    spread = np.where(seen, values, -np.inf).max(axis=0, initial=0) - np.where(seen, values, np.inf).min(axis=0)
    unlike = (np.where(seen.any(axis=0), spread, 0.0) ** 2 * weight).astype(np.float32)
    return _mdav(np.ascontiguousarray(values, dtype=np.float64), weight, unlike, k)


GROUPINGS: Mapping[str, Callable[[np.ndarray, int], np.ndarray]] = {
    "mdav": mdav,
    "single": by_first_column,
    "pca": by_component,
    "mcdpca": by_robust_component,
    "rmd": by_robust_distance,
    "influence": by_cluster,
    "simple": as_given,
}
NEED_WHOLE_RECORDS = ("pca", "mcdpca", "rmd", "influence")


def _standardised(values: np.ndarray) -> np.ndarray:
    spread = values.std(axis=0, ddof=1) if len(values) > 1 else np.ones(values.shape[1])
    return (values - values.mean(axis=0)) / np.where(spread > 0, spread, 1.0)


@njit(cache=True)
def _nearest_to_farthest(z, distance, k):  # pragma: no cover - compiled
    n, p = z.shape
    groups = np.full(n, -1, dtype=np.int64)
    near = np.empty(n)
    group = 0
    for group in range(max(n // k, 1) - 1):
        far = -1
        for i in range(n):
            if groups[i] < 0 and (far < 0 or distance[i] > distance[far]):
                far = i
        for i in range(n):
            total = 0.0
            for j in range(p):
                total += (z[i, j] - z[far, j]) ** 2
            near[i] = np.sqrt(total)
        for _ in range(k):
            best = -1
            for i in range(n):
                if groups[i] < 0 and (best < 0 or near[i] < near[best]):
                    best = i
            groups[best] = group
    last = max(n // k, 1) - 1
    for i in range(n):
        if groups[i] < 0:
            groups[i] = last
    return groups


@njit(cache=True)
def _distances(x, at, weight, unlike, n, into):  # pragma: no cover - compiled
    """Distance of each of the first n rows to a vector; the number of the first row that is farthest."""
    farthest = 0
    for i in range(n):
        total = np.float32(0.0)
        for j in range(len(at)):
            a, b = x[i, j], at[j]
            if np.isnan(a) != np.isnan(b):
                total += unlike[j]
            elif not np.isnan(a):
                total += np.float32((a - b) * (a - b) * weight[j])
        into[i] = total
        if total > into[farthest]:
            farthest = i
    return farthest


@njit(cache=True)
def _mdav(values, weight, unlike, k):  # pragma: no cover - compiled
    n, p = values.shape
    x, record = values.copy(), np.arange(n)  # the rows that are still in no group, in their order
    groups = np.zeros(n, dtype=np.int64)
    distance = np.empty(n, dtype=np.float32)
    nearest, gap = np.empty(k, dtype=np.int64), np.empty(k, dtype=np.float32)
    centre, number = np.empty(p), np.empty(p)
    group, left = 0, n
    while left >= 2 * k:
        centre[:] = 0
        number[:] = 0
        for i in range(left):
            for j in range(p):
                if not np.isnan(x[i, j]):
                    centre[j] += x[i, j]
                    number[j] += 1
        for j in range(p):
            centre[j] = centre[j] / number[j] if number[j] else np.nan
        end = x[_distances(x, centre, weight, unlike, left, distance)].copy()
        for _ in range(2 if left >= 3 * k else 1):
            opposite = x[_distances(x, end, weight, unlike, left, distance)].copy()
            found = 0
            for i in range(left):  # the k nearest; of equally near ones the last in order
                if found == k and distance[i] > gap[k - 1]:
                    continue
                place = found if found < k else k - 1
                while place > 0 and gap[place - 1] >= distance[i]:
                    gap[place], nearest[place] = gap[place - 1], nearest[place - 1]
                    place -= 1
                gap[place], nearest[place] = distance[i], i
                found = min(found + 1, k)
            for i in range(k):
                groups[record[nearest[i]]] = group
                record[nearest[i]] = -1
            group += 1
            kept = 0
            for i in range(left):
                if record[i] >= 0:
                    record[kept] = record[i]
                    for j in range(p):
                        x[kept, j] = x[i, j]
                    kept += 1
            left = kept
            end = opposite
    for i in range(left):
        groups[record[i]] = group
    return groups
