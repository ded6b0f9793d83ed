"""The minimum covariance determinant: centre and scatter of the half of the records that lies closest together."""

import numpy as np
from scipy.stats import chi2

STARTS = 500
STEPS_FIRST, BEST_STARTS = 2, 10


def least_determinant(values: np.ndarray, h: int) -> np.ndarray:
    """The h records whose covariance matrix has the least determinant that was found.

    Random subsets of ``p + 1`` records, each grown to h by concentration steps; a fixed generator, so the same values
    in the same order give the same records.

    Parameters
    ----------
    values : array of float, (n, p), without missing values
    h : int, records

    Returns
    -------
    array of int, (h,), sorted

    References
    ----------
    Rousseeuw, Van Driessen (1999), Technometrics 41(3), 212-223
    """
    n, p = values.shape
    rng = np.random.default_rng(0)
    spread = values.std(axis=0)
    z = (values - np.median(values, axis=0)) / np.where(spread > 0, spread, 1.0)
    found = []
    for _ in range(STARTS):
        subset = rng.permutation(n)[: p + 1]
        for _ in range(STEPS_FIRST):
            subset = _concentrated(z, subset, h)
        found.append((_log_determinant(z[subset]), tuple(np.sort(subset))))
    best = None
    for start in sorted(set(found))[:BEST_STARTS]:
        determinant, subset = start[0], np.array(start[1])
        while True:
            nearer = np.sort(_concentrated(z, subset, h))
            lower = _log_determinant(z[nearer])
            if not lower < determinant:
                break
            determinant, subset = lower, nearer
        if best is None or determinant < best[0]:
            best = (determinant, subset)
    assert best is not None
    return best[1]


def reweighted(values: np.ndarray, subset: np.ndarray, share: float) -> tuple[np.ndarray, np.ndarray]:
    """Centre and covariance of the records that a robust distance does not call far away (97.5 per cent of normal ones)."""
    p = values.shape[1]
    distance = distances(values, values[subset])
    consistent = np.quantile(distance, share) / chi2.ppf(share, p)
    near = values[distance < chi2.ppf(0.975, p) * consistent]
    return near.mean(axis=0), np.cov(near, rowvar=False)


def distances(values: np.ndarray, among: np.ndarray) -> np.ndarray:
    """Squared Mahalanobis distances by the centre and covariance of some of the records."""
    away = values - among.mean(axis=0)
    return np.einsum("ij,ij->i", away @ np.linalg.pinv(np.cov(among, rowvar=False)), away)


def _concentrated(z: np.ndarray, subset: np.ndarray, h: int) -> np.ndarray:
    return np.argsort(distances(z, z[subset]), kind="stable")[:h]


def _log_determinant(among: np.ndarray) -> float:
    return float(np.linalg.slogdet(np.cov(among, rowvar=False))[1])
