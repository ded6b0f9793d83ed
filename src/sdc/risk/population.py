"""How many people are alone on their keys in the population, estimated from the class sizes of a sample."""

from dataclasses import dataclass
from typing import Literal

import numpy as np
from scipy.optimize import least_squares, minimize, root
from scipy.special import digamma, expit, gammaln
from scipy.stats import hypergeom

from sdc.errors import DataError
from sdc.keys import KeyClasses

PITMAN_UP_TO = 0.1  # sampling fraction below which Dankar et al. found Pitman's model the best


@dataclass(frozen=True)
class PopulationUniques:
    """Estimated number of persons that are alone on their keys in the population.

    Attributes
    ----------
    zayatz : float, persons
    pitman, snb : float or None, persons
        None where the model has no solution for these class sizes.
    estimate : float, persons
        The one that Dankar's rule picks.
    model : {'pitman', 'snb', 'zayatz', 'none'}
        Which one that is; 'none' where no record is alone on its keys, so nobody is estimated to be.
    """

    zayatz: float
    pitman: float | None
    snb: float | None
    estimate: float
    model: Literal["pitman", "snb", "zayatz", "none"]


def population_uniques(classes: KeyClasses, population: float) -> PopulationUniques:
    """Estimate the population uniques behind a sample by three models, and pick one.

    Parameters
    ----------
    classes : KeyClasses, n records
    population : float, persons
        Size of the population that the file was drawn from.

    Returns
    -------
    PopulationUniques

    Raises
    ------
    DataError
        A population smaller than the file.

    Guarantees
    ----------
    * Every estimate lies between 0 and the population size.
    * A file without unique records has an estimate of 0.

    References
    ----------
    Dankar, El Emam, Neisa, Roffey (2012), BMC Med. Inform. Decis. Mak. 12:66, doi:10.1186/1472-6947-12-66
    """
    n = int(classes.records.sum())
    if population < n:
        raise DataError("population", "smaller than the file", "Give the number of persons it was drawn from.")
    sizes, counts = np.unique(classes.records, return_counts=True)
    if not len(sizes) or sizes[0] != 1:
        return PopulationUniques(0.0, 0.0, 0.0, 0.0, "none")
    fraction = n / population
    zayatz = zayatz_uniques(sizes, counts, population)
    pitman = pitman_uniques(sizes, counts, population)
    snb = snb_uniques(sizes, counts, fraction)
    if snb is not None and not 0 <= snb <= population:
        snb = None
    estimate, model = dankar_choice(fraction, zayatz, pitman, snb)
    return PopulationUniques(zayatz, pitman, snb, estimate, model)


def dankar_choice(
    fraction: float, zayatz: float, pitman: float | None, snb: float | None
) -> tuple[float, Literal["pitman", "snb", "zayatz"]]:
    """The estimate that fits the sampling fraction: Pitman's up to 10 %, else the smaller of SNB and Zayatz.

    A model without a solution (None) leaves the choice to Zayatz's, which always has one.
    """
    if fraction <= PITMAN_UP_TO:
        return (zayatz, "zayatz") if pitman is None else (pitman, "pitman")
    return (zayatz, "zayatz") if snb is None or zayatz < snb else (snb, "snb")


def zayatz_uniques(sizes: np.ndarray, counts: np.ndarray, population: float) -> float:
    """Population uniques when classes of the population are as large as those of the sample (Zayatz).

    Parameters
    ----------
    sizes, counts : array of int
        Class sizes that occur, rising from 1, and the number of classes of each.
    population : float, persons

    Notes
    -----
    A class of j persons shows up with one record with the hypergeometric probability h(j); a sample unique is a
    population unique with probability ``S1 h(1) / sum(Sj h(j))``.

    References
    ----------
    Zayatz (1991), Estimation of the Percent of Unique Population Elements on a Microdata File Using the Sample,
    US Bureau of the Census, Statistical Research Division Report 91/08
    """
    n = int((sizes * counts).sum())
    alone = hypergeom.pmf(1, round(population), sizes, n)
    given_unique = counts[0] * alone[0] / float((counts * alone).sum())
    return float(given_unique * counts[0] * population / n)


def pitman_uniques(sizes: np.ndarray, counts: np.ndarray, population: float) -> float | None:
    """Population uniques under Pitman's sampling formula, fitted by maximum likelihood.

    Parameters
    ----------
    sizes, counts : array of int
        Class sizes that occur, rising, and the number of classes of each.
    population : float, persons

    Returns
    -------
    float or None
        None where the likelihood has no maximum inside the parameters' bounds.

    References
    ----------
    Hoshino (2001), J. Off. Stat. 17(4), 499-520
    """
    n, u = float((sizes * counts).sum()), float(counts.sum())

    def loss(z: np.ndarray) -> float:
        a, t = _pitman_bounds(z)
        value = (u - 1) * np.log(a) + gammaln(t / a + u) - gammaln(t / a + 1)
        value -= gammaln(t + n) - gammaln(t + 1)
        return -float(value + (counts * (gammaln(sizes - a) - gammaln(1 - a))).sum())

    def gradient(x: np.ndarray) -> np.ndarray:
        a, t = x
        climb = (digamma(t / a + u) - digamma(t / a + 1)) / a
        by_t = climb - (digamma(t + n) - digamma(t + 1))
        by_a = (u - 1 - t * climb) / a - (counts * (digamma(sizes - a) - digamma(1 - a))).sum()
        return np.array([by_a, by_t]) / u

    with np.errstate(all="ignore"):
        rough = minimize(loss, np.array([0.0, np.log(u)]), method="Nelder-Mead", options={"maxiter": 4000})
        start = _pitman_bounds(rough.x)
        if not 1e-6 < start[0] < 1 - 1e-6:
            return None
        a, t = root(gradient, start, tol=1e-14).x
        if not (0 < a < 1 and t > -a and np.abs(gradient(np.array([a, t]))).max() < 1e-8):
            return None
    uniques = float(np.exp(gammaln(t + 1) - gammaln(t + a) + a * np.log(population)))
    return uniques if uniques <= population else None


def _pitman_bounds(z: np.ndarray) -> tuple[float, float]:
    """Alpha in (0, 1) and theta above -alpha from two free numbers."""
    a = float(expit(z[0]))
    return a, float(np.exp(min(z[1], 700.0))) - a


def snb_uniques(sizes: np.ndarray, counts: np.ndarray, fraction: float) -> float | None:
    """Population uniques when class sizes are 1 plus a negative binomial number (slide negative binomial).

    Parameters
    ----------
    sizes, counts : array of int
        Class sizes that occur, rising from 1, and the number of classes of each.
    fraction : float, 0 to 1
        Sampling fraction.

    Returns
    -------
    float or None
        None where no parameters give the numbers of classes of one and of two records.

    Notes
    -----
    The number of classes K in the population is Shlosser's estimate; alpha and beta solve the expected numbers of
    classes that show one record and two records. There are ``K beta^alpha`` uniques.

    References
    ----------
    Chen, Keller-McNulty (1998), J. Off. Stat. 14(1), 79-95; Haas, Stokes (1998), J. Am. Stat. Assoc. 93, 1475-1487
    """
    twos = int(counts[sizes == 2].sum())
    if not twos or fraction >= 1:
        return None
    k = shlosser_classes(sizes, counts, fraction)

    def excess(z: np.ndarray) -> np.ndarray:
        one, two = snb_expected(k, float(np.exp(z[0])), float(expit(z[1])), fraction)
        return np.log([one / counts[0], two / twos])

    starts = [(0.0, 0.0), (-2.0, -2.0), (-4.0, -4.0), (2.0, 2.0)]
    with np.errstate(all="ignore"):
        tries = [least_squares(excess, start, xtol=1e-15, ftol=1e-15, gtol=1e-15, bounds=(-30, 30)) for start in starts]
    best = min(tries, key=lambda found: float(np.abs(found.fun).max()))
    if not np.abs(best.fun).max() < 1e-8:
        return None
    return float(k * expit(best.x[1]) ** np.exp(best.x[0]))


def snb_expected(k: float, alpha: float, beta: float, fraction: float) -> tuple[float, float]:
    """Expected numbers of classes that show one and two records in a sample of ``k`` classes."""
    d = (1 - fraction) * (1 - beta)
    empty = (beta / (1 - d)) ** alpha
    one = k * fraction * empty * (alpha * d / (1 - d) + 1)
    two = k * alpha * empty * fraction**2 * (1 - beta) * (2 - (1 - alpha) * d) / (2 * (1 - d) ** 2)
    return one, two


def shlosser_classes(sizes: np.ndarray, counts: np.ndarray, fraction: float) -> float:
    """Number of classes in the population, by the modified estimator of Shlosser (Haas, Stokes 1998)."""
    q, miss = fraction, (1.0 - fraction) ** sizes
    first = (sizes * q**2 * (1 - q**2) ** (sizes - 1) * counts).sum()
    second = (((1 - q**2) ** sizes - miss) * counts).sum()
    third = (miss * counts).sum()
    fourth = (sizes * q * (1 - q) ** (sizes - 1) * counts).sum()
    return float(counts.sum() + counts[0] * (first / second) * (third / fourth) ** 2)
