"""The proven least suppression of a small file, by integer programming: the yardstick of local suppression.

One variable says how many records of a class lose one set of keys. What must hold is stated for each released
pattern that is not safe whatever else happens: if a record is released with it, k records are compatible.
"""

from dataclasses import dataclass

import numpy as np
from scipy.optimize import Bounds, LinearConstraint, milp
from scipy.sparse import csr_matrix

from sdc.engines.compatible import compatible_sums
from sdc.engines.packing import observed, pack
from sdc.engines.wildcard import Stars, allowed, gathered, own_sets, prices
from sdc.errors import EngineError

_MOST_PATTERNS = 12_000


@dataclass(frozen=True, eq=False)
class Optimum:
    """The best suppression found, and what is proven about it.

    Attributes
    ----------
    stars : Stars
    cost : float
        Sum of the costs of the suppressed values; their number when each costs 1.
    bound : float
        No suppression costs less.
    proven : bool
        Whether ``cost`` is the minimum.
    """

    stars: Stars
    cost: float
    bound: float
    proven: bool


def least_suppression(
    codes: np.ndarray,
    records: np.ndarray,
    k: int,
    cost: np.ndarray,
    closed: list[tuple[int, int]],
    real: int,
    *,
    nodes: int = 100_000,
    most: int = 0,
) -> Optimum:
    """Solve local suppression, a missing value matching any, to the proven minimum.

    Parameters
    ----------
    codes, records, k, cost, closed, real
        As for ``wildcard.set_stars``; ``k`` is at most the number of records.
    nodes : int
        Branch-and-bound nodes after which the best found is returned, with what is proven so far.
    most : int
        Keys that any record may lose. By default what it takes to make that record safe by itself, or one:
        otherwise a few records that keep one key each match nearly everybody, the count is minimal,
        and nobody is protected.

    Raises
    ------
    EngineError : when the file is too large for an exact answer, or none was found within the nodes.
    """
    masks = observed(codes)
    price = prices(cost)
    fk = np.rint(compatible_sums(pack(codes), masks, records[:, None].astype(np.float64), real)[:, 0])
    limits = np.maximum(own_sets(codes, records, fk.astype(np.int64), k, cost, closed, real), max(most, 1))
    choices = _choices(masks, limits, price, closed, real)
    model = _Model.of(codes, records, masks, k, choices, real)
    weights = np.concatenate([price[choices[:, 1]], np.zeros(model.guarded)])
    upper = np.concatenate([records[choices[:, 0]], np.ones(model.guarded)])
    found = milp(
        weights,
        integrality=np.ones(len(weights)),
        bounds=Bounds(0, upper),
        constraints=model.constraints,
        options={"node_limit": nodes, "mip_rel_gap": 0.0},
    )
    if found.x is None:
        raise EngineError("optimum", "no suppression was found within the nodes allowed.", "Allow more nodes.")
    counts = np.rint(found.x[: len(choices)]).astype(np.int64)
    used = (counts > 0) & (choices[:, 1] > 0)
    stars = gathered(choices[used, 0], choices[used, 1], counts[used])
    total = float(price[stars.keys] @ stars.records)
    bound = total if found.status == 0 else float(found.mip_dual_bound)
    return Optimum(stars, total, bound, found.status == 0)


def _choices(
    masks: np.ndarray, limits: np.ndarray, price: np.ndarray, closed: list[tuple[int, int]], real: int
) -> np.ndarray:
    """Pairs of class and set of keys that its records may lose, the empty set among them."""
    sizes = np.array([int(keys).bit_count() for keys in range(len(price))])
    pairs = []
    for c, (seen, most) in enumerate(zip(masks.tolist(), limits.tolist(), strict=True)):
        for lost in np.flatnonzero(sizes <= most).tolist():
            blank = lost == seen & real and most >= lost.bit_count() and np.isfinite(price[lost])
            if not lost & ~seen and (blank or allowed(lost, seen, price, closed, real)):
                pairs.append((c, lost))
    return np.array(pairs, dtype=np.int64)


@dataclass(frozen=True, eq=False)
class _Model:
    """Rows of the program and how many patterns needed a guard (a 0/1 variable: it is released)."""

    constraints: LinearConstraint
    guarded: int

    @classmethod
    def of(
        cls, codes: np.ndarray, records: np.ndarray, masks: np.ndarray, k: int, choices: np.ndarray, real: int
    ) -> "_Model":
        m = codes.shape[1]
        released = codes[choices[:, 0]].copy()
        released[(choices[:, 1, None] >> np.arange(m) & 1).astype(np.bool_)] = 0
        patterns, pattern = np.unique(released, axis=0, return_inverse=True)
        if len(patterns) > _MOST_PATTERNS:
            raise EngineError(
                "optimum",
                f"{len(patterns)} patterns are too many for an exact answer.",
                "Use the search without `exact`.",
            )
        keys = [j for j in range(m) if real >> j & 1]
        whole: np.ndarray = np.all(patterns[:, keys] > 0, axis=1)
        blank: np.ndarray = np.all(patterns[:, keys] == 0, axis=1) & (len(keys) > 1)
        rows, columns, values = [], [], []
        low: list[float] = []
        high: list[float] = []

        def row(at: np.ndarray, coefficients: np.ndarray, least: float, greatest: float) -> None:
            rows.append(np.full(len(at), len(low)))
            columns.append(at)
            values.append(coefficients)
            low.append(least)
            high.append(greatest)

        for c in range(len(codes)):
            mine = np.flatnonzero(choices[:, 0] == c)
            row(mine, np.ones(len(mine)), records[c], records[c])
        guarded = 0
        for p in range(len(patterns)):
            agree = _agree(patterns[p], codes)
            counts = _agree(patterns[p], patterns)
            if whole[p]:
                agree &= np.any(codes[:, keys] > 0, axis=1) | (len(keys) == 1)
                counts &= ~blank
            gain = counts[pattern].astype(np.float64) - agree[choices[:, 0]]
            surely = records[agree].sum() + np.minimum(gain, 0) @ records[choices[:, 0]]
            if surely >= k or blank[p]:
                continue
            guard = len(choices) + guarded
            guarded += 1
            at = np.flatnonzero(gain)
            base = float(records[agree].sum())
            if (gain >= 0).all():
                row(np.append(at, guard), np.append(gain[at], base - k), 0.0, np.inf)
            else:
                row(np.append(at, guard), np.append(gain[at], -float(k)), -base, np.inf)
            for choice in np.flatnonzero(pattern == p):
                row(np.array([choice, guard]), np.array([1.0, -records[choices[choice, 0]]]), -np.inf, 0.0)
        shape = (len(low), len(choices) + guarded)
        triplets = (np.concatenate(values), (np.concatenate(rows), np.concatenate(columns)))
        return cls(LinearConstraint(csr_matrix(triplets, shape=shape), np.array(low), np.array(high)), guarded)


def _agree(pattern: np.ndarray, others: np.ndarray) -> np.ndarray:
    """Which of the others agree with a pattern wherever both are observed."""
    agree: np.ndarray = np.all((others == pattern) | (others == 0) | (pattern == 0), axis=1)
    return agree
