"""Groups of at least k alike records for microaggregation, and the means that replace them."""

from collections.abc import Callable, Mapping

import numpy as np
from numba import njit

from sdc.engines.clara import clara
from sdc.engines.mcd import least_determinant, reweighted


def microaggregated(values: np.ndarray, k: int, method: str) -> np.ndarray:
    """Replace values by the means of groups of at least k records.

    Parameters
    ----------
    values : array of float, (n, p)
        A missing value (nan) stays missing and enters no mean.
    k : int, records
        With fewer than ``2 k`` records there is one group.
    method : str
        A key of `GROUPINGS`, or ``"onedims"``, which groups each column on its own.

    Returns
    -------
    array of float, (n, p)

    Notes
    -----
    Ties are broken by the order of the rows, so a caller that wants a result without order sorts them first.
    """
    if method == "onedims":
        columns = [microaggregated(column[:, None], k, "single") for column in values.T]
        return np.column_stack(columns) if columns else values.copy()
    return group_means(values, GROUPINGS[method](values, k))


def group_means(values: np.ndarray, groups: np.ndarray) -> np.ndarray:
    """The mean of the observed values of each group, in the place of each observed value."""
    number = int(groups.max(initial=-1)) + 1
    result = np.full(values.shape, np.nan)
    for j, column in enumerate(values.T):
        seen = ~np.isnan(column)
        sums = np.bincount(groups[seen], weights=column[seen], minlength=number)
        counts = np.bincount(groups[seen], minlength=number)
        result[seen, j] = (sums / np.maximum(counts, 1))[groups[seen]]
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
    return _along(z, np.cov(z, rowvar=False, ddof=0), k)


def by_robust_component(values: np.ndarray, k: int) -> np.ndarray:
    """Groups by the first principal component of the minimum covariance determinant, values as measured.

    References
    ----------
    Templ, Meindl (2008), LNCS 5262, 113-126
    """
    n, p = values.shape
    half = (n + p + 1) // 2
    centre, scatter = reweighted(values, least_determinant(values, half), half / n)
    return _along(values - centre, scatter, k)


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
    z = _standardised(values)
    n, p = z.shape
    half = (n + p + 1) // 2
    centre, scatter = reweighted(z, least_determinant(z, half), half / n)
    away = z - centre
    distance = np.einsum("ij,ij->i", away @ np.linalg.inv(scatter), away)
    return _nearest_to_farthest(z, distance, k)


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
def _nearest_to_farthest(z, distance, k):  # type: ignore[no-untyped-def]  # pragma: no cover - compiled
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
def _distances(x, at, weight, unlike, n, into):  # type: ignore[no-untyped-def]  # pragma: no cover - compiled
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
def _mdav(values, weight, unlike, k):  # type: ignore[no-untyped-def]  # pragma: no cover - compiled
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
