"""The minimum covariance determinant: centre and scatter of the half of the records that lies closest together."""

import numpy as np
from scipy.stats import chi2, gamma

STARTS = 2000
SEARCHED = 1500  # records; a larger file is searched on so many of them, and the best finds are mended on all
REFINED = 100
NEAR = 0.975  # of normal records keep their weight
# Pison, Van Aelst, Willems (2002), Metrika 55, 111-123: the bias of small samples at half of the records
_BIAS_1 = (0.262024211897096, 0.604756680630497)
_BIAS_2 = (0.673292623522027, 0.691365864961895)
_BIAS_MANY = ((-1.42764571687802, 1.26263336932151, 2), (-1.06141115981725, 1.28907991440387, 3))


def local_optima(values: np.ndarray, h: int) -> list[np.ndarray]:
    """Subsets of h records that no concentration step improves, the least determinant first.

    Random subsets of ``p + 1`` records, each grown to h; a fixed generator, so the same values in the same order give
    the same subsets. Files have many such optima, with nearly equal determinants.

    Parameters
    ----------
    values : array of float, (n, p), without missing values
    h : int, records

    Returns
    -------
    list of arrays of int, (h,), sorted record numbers

    References
    ----------
    Rousseeuw, Van Driessen (1999), Technometrics 41(3), 212-223
    """
    n, p = values.shape
    rng = np.random.default_rng(0)
    spread = np.subtract(*np.quantile(values, [0.75, 0.25], axis=0))
    z = (values - np.median(values, axis=0)) / np.where(spread > 0, spread, 1.0)
    part = np.sort(rng.permutation(n)[:SEARCHED])
    few = z[part]
    half = max(h * len(few) // n, p + 1)
    starts = set()
    for _ in range(STARTS):
        subset = rng.permutation(len(few))[: p + 1]
        subset = _concentrated(few, _concentrated(few, subset, half), half)
        starts.add((_log_determinant(few[subset]), tuple(np.sort(subset).tolist())))
    found = {}
    for _, start in sorted(starts)[:REFINED]:
        subset = _settled(z, part[np.array(start)], h)
        found[subset.tobytes()] = (_log_determinant(z[subset]), subset)
    return [subset for _, subset in sorted(found.values(), key=lambda pair: (pair[0], pair[1].tolist()))]


def consistency(n: int, p: int, h: int) -> float:
    """What the covariance of the closest h of n normal records is multiplied by, to be that of all of them.

    References
    ----------
    Croux, Haesbroeck (1999), J. Multivariate Analysis 71, 161-190; Pison, Van Aelst, Willems (2002)
    """
    share = h / n
    if p <= 2:
        bias = _BIAS_1 if p == 1 else _BIAS_2
    else:
        at = np.array([[1, -np.log(c * p**2)] for _, _, c in _BIAS_MANY])
        bias = tuple(np.linalg.solve(at, np.array([np.log(-a / p**b) for a, b, _ in _BIAS_MANY])))
    return float(share / gamma.cdf(chi2.ppf(share, p) / 2, p / 2 + 1) / (1 - np.exp(bias[0]) / n ** bias[1]))


def matched(values: np.ndarray, subset: np.ndarray) -> float:
    """The same factor, chosen so that the distances of all records have the quantile of normal ones at h of n."""
    share = len(subset) / len(values)
    return float(np.quantile(distances(values, values[subset]), share) / chi2.ppf(share, values.shape[1]))


def reweighted(values: np.ndarray, subset: np.ndarray, factor: float) -> np.ndarray:
    """The records that are not far from a subset, once its covariance is multiplied by a factor."""
    return values[distances(values, values[subset]) < chi2.ppf(NEAR, values.shape[1]) * factor]


def distances(values: np.ndarray, among: np.ndarray) -> np.ndarray:
    """Squared Mahalanobis distances by the centre and covariance of some of the records."""
    away = values - among.mean(axis=0)
    covariance = np.atleast_2d(np.cov(among, rowvar=False))
    return np.einsum("ij,ij->i", away @ np.linalg.pinv(covariance), away)


def _settled(z: np.ndarray, subset: np.ndarray, h: int) -> np.ndarray:
    """Concentration steps until the determinant falls no more."""
    subset = np.sort(_concentrated(z, subset, h))
    determinant = _log_determinant(z[subset])
    while True:
        nearer = np.sort(_concentrated(z, subset, h))
        lower = _log_determinant(z[nearer])
        if not lower < determinant:
            return subset
        subset, determinant = nearer, lower


def _concentrated(z: np.ndarray, subset: np.ndarray, h: int) -> np.ndarray:
    return np.argsort(distances(z, z[subset]), kind="stable")[:h]


def _log_determinant(among: np.ndarray) -> float:
    return float(np.linalg.slogdet(np.atleast_2d(np.cov(among, rowvar=False)))[1])
