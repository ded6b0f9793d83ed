"""The best level for each key: global recoding as a search over the lattice of levels, to the proven optimum.

Two facts prune the search. Records that stand alone at some levels stand alone at all finer ones. So what a node
suppresses is suppressed at every node below it, which bounds their loss from below; and where it is more than
the limit, none of them will do.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numba import njit

from sdc.engines.hierarchies import Hierarchy
from sdc.engines.packing import empty_table, slot
from sdc.errors import DisclosureError

Loss = Literal["granularity", "entropy", "discernibility"]
Levels = tuple[int, ...]

_LARGEST = 1_000_000
_WORD = 2**62


@dataclass(frozen=True, eq=False)
class Lattice:
    """A file and the hierarchies of its keys, ready for evaluation.

    Attributes
    ----------
    leaf : array of int32, (m, classes)
        Leaf of each key in each class; a missing value is the leaf after the last.
    records : array of int64, (classes,)
    sensitive : array of int64, (classes,)
        Code of the sensitive value; classes are split by it. All 0 without one.
    maps : array of int64
        Code at a level by leaf, all levels of all keys one after the other.
    begin : array of int64, (m, most levels)
        Where in ``maps`` a level begins.
    width : array of int64, (m, most levels)
        Codes of a level.
    costs : tuple of arrays of float, (levels, leaves), one a key
        What one record loses in the key at a level.
    gone : tuple of arrays of float, (leaves,), one a key
        What it loses when it is suppressed.
    held : tuple of arrays of float, (leaves,), one a key
        Records that have each leaf.
    least, most : arrays of float, (m,)
        Sum of the costs at which the loss of a key is 0 and 1.
    overall : array of float, (values,)
        Records that have each sensitive value, in the whole file.
    loss : str
    """

    leaf: np.ndarray
    records: np.ndarray
    sensitive: np.ndarray
    maps: np.ndarray
    begin: np.ndarray
    width: np.ndarray
    costs: tuple[np.ndarray, ...]
    gone: tuple[np.ndarray, ...]
    held: tuple[np.ndarray, ...]
    least: np.ndarray
    most: np.ndarray
    overall: np.ndarray
    loss: Loss

    @property
    def shape(self) -> Levels:
        """Number of levels of each key."""
        return tuple(len(cost) for cost in self.costs)


@dataclass(frozen=True)
class Promise:
    """What every released class keeps.

    Attributes
    ----------
    k : int, records
    ell : float, sensitive values
    diversity : {"distinct", "entropy", "recursive"}
        How ``ell`` is measured: number of values; exp of their entropy; (c, ell) with the ``c`` given.
    c : float
    t : float, 0 to 1
        Largest distance of a class's sensitive distribution from the file's; 1 asks nothing.
    ordered : bool
        Whether that distance follows the order of the sensitive codes, or is equal between all.
    """

    k: int
    ell: float = 1
    diversity: Literal["distinct", "entropy", "recursive"] = "distinct"
    c: float = 4.0
    t: float = 1.0
    ordered: bool = False


@dataclass(frozen=True)
class Node:
    """One choice of levels and what it does.

    Attributes
    ----------
    levels : tuple of int, one a key
    score : float
        The loss, lower is better: for ``granularity`` and ``entropy`` the geometric mean of 1 + loss over the
        keys, minus 1; for ``discernibility`` the sum over records of the records they cannot be told from.
    suppressed : int, records
        Records in classes that break the promise.
    classes : int
        Classes released.
    """

    levels: Levels
    score: float
    suppressed: int
    classes: int


@dataclass(frozen=True)
class Recoding(Node):
    """The node chosen, how many were evaluated, and whether no other is better.

    Attributes
    ----------
    checked : int, nodes
    optimal : bool
    """

    checked: int = 0
    optimal: bool = False


def lattice(
    leaves: np.ndarray,
    records: np.ndarray,
    hierarchies: Sequence[Hierarchy],
    *,
    sensitive: np.ndarray | None = None,
    loss: Loss = "granularity",
) -> Lattice:
    """Prepare a file for the search.

    Parameters
    ----------
    leaves : array of int, (classes, m)
        Leaf of each key in each class of equal records; -1 where it is missing. A missing value stays apart from
        all others up to a level with one label only, and no recoding makes it worse.
    records : array of int, (classes,)
    hierarchies : sequence of Hierarchy, m keys
    sensitive : array of int, (classes,), optional
        Code of the sensitive value, from 0, in its order where it has one; the classes are then split by it.
    loss : {"granularity", "entropy", "discernibility"}
        ARX's Loss (share of the domain that a label covers); non-uniform entropy (bits lost, from the file's own
        frequencies); or the records that each record cannot be told from.

    Returns
    -------
    Lattice
    """
    n, m = int(records.sum()), leaves.shape[1]
    levels = max(len(h.codes) for h in hierarchies)
    begin, width = np.zeros((m, levels), dtype=np.int64), np.ones((m, levels), dtype=np.int64)
    leaf = np.empty((m, len(leaves)), dtype=np.int32)
    maps, costs, gone, every = [], [], [], []
    least, most = np.zeros(m), np.ones(m)
    at = 0
    for j, hierarchy in enumerate(hierarchies):
        last = len(hierarchy.leaves)
        leaf[j] = np.where(leaves[:, j] < 0, last, leaves[:, j])
        held = np.bincount(leaf[j], weights=records, minlength=last + 1)
        for level, codes in enumerate(hierarchy.codes):
            labels = int(codes.max()) + 1
            begin[j, level], width[j, level] = at, labels + (labels > 1)
            maps.append(np.append(codes, labels if labels > 1 else 0))
            at += last + 1
        if loss == "entropy":
            cost, lost = _bits(hierarchy, held)
            least[j], most[j] = 0.0, held @ lost
        else:
            cost, lost = np.ones((len(hierarchy.codes), last + 1)), np.ones(last + 1)
            cost[:, :last] = hierarchy.share
            least[j], most[j] = n / last, n
        every.append(held)
        costs.append(cost)
        gone.append(lost)
    most = np.where(most > least, most, least + 1)
    codes = np.zeros(len(leaves), dtype=np.int64) if sensitive is None else np.asarray(sensitive, dtype=np.int64)
    return Lattice(
        leaf, records.astype(np.int64), codes, np.concatenate(maps).astype(np.int64), begin, width,
        tuple(costs), tuple(gone), tuple(every), least, most,
        np.bincount(codes, weights=records), loss,
    )  # fmt: skip


def _bits(hierarchy: Hierarchy, held: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Bits lost by a record at each level, and when it is suppressed."""
    known = np.maximum(held[:-1], 1)
    cost = np.zeros((len(hierarchy.codes), len(held)))
    for level, codes in enumerate(hierarchy.codes):
        cost[level, :-1] = np.log2(np.maximum(np.bincount(codes, weights=held[:-1])[codes], 1) / known)
    return cost, np.append(np.log2(max(held[:-1].sum(), 1) / known), 0.0)


@dataclass(frozen=True, eq=False)
class _Outcome:
    """What the evaluation of a node tells: the node, and what holds for all finer ones."""

    node: Node
    surely: int
    released: np.ndarray
    squares: float


def evaluate(given: Lattice, levels: Levels, promise: Promise) -> Node:
    """What these levels cost, and how many records break the promise at them.

    Parameters
    ----------
    given : Lattice
    levels : tuple of int, one a key
    promise : Promise

    Returns
    -------
    Node
    """
    return _evaluate(given, levels, promise).node


def broken(given: Lattice, levels: Levels, promise: Promise) -> np.ndarray:
    """Which classes of the lattice break the promise at these levels: array of bool, (classes,)."""
    number, size = _classes(given, levels)
    return _bad(given, number, size, promise)[0][number]


def class_breaks(given: Lattice, number: np.ndarray, promise: Promise) -> np.ndarray:
    """Which classes of a numbering of the lattice's classes break the promise: array of bool, (numbers,)."""
    size = np.bincount(number, weights=given.records).astype(np.int64)
    return _bad(given, number, size, promise)[0]


def _classes(given: Lattice, levels: Levels) -> tuple[np.ndarray, np.ndarray]:
    """Class of each class of the file at these levels, and its records."""
    chosen = np.arange(len(levels)), np.array(levels)
    return _joined(given.leaf, given.records, given.maps, given.begin[chosen], given.width[chosen])


@njit(cache=True)
def _joined(leaf, records, maps, begin, width):
    """Number the classes that are equal at some levels, and count their records."""
    m, n = leaf.shape
    packed = np.zeros(n, dtype=np.int64)
    span = 1
    for j in range(m):
        if width[j] > _WORD // span:
            packed, span = _numbered(packed)
        for i in range(n):
            packed[i] = packed[i] * width[j] + maps[begin[j] + leaf[j, i]]
        span *= width[j]
    number, count = _numbered(packed)
    size = np.zeros(count, dtype=np.int64)
    for i in range(n):
        size[number[i]] += records[i]
    return number, size


@njit(cache=True)
def _numbered(packed):
    """Number distinct values from 0 in order of appearance."""
    names, numbers = empty_table(len(packed))
    out = np.empty(len(packed), dtype=np.int64)
    count = 0
    for i in range(len(packed)):
        at = slot(names, packed[i])
        if names[at] == -1:
            names[at] = packed[i]
            numbers[at] = count
            count += 1
        out[i] = numbers[at]
    return out, count


@njit(cache=True)
def _released(leaf, records, number, bad, most):
    """Records of each leaf of each key that are in no bad class, (m, leaves)."""
    m, n = leaf.shape
    out = np.zeros((m, most), dtype=np.int64)
    for j in range(m):
        for i in range(n):
            if not bad[number[i]]:
                out[j, leaf[j, i]] += records[i]
    return out


def _bad(given: Lattice, number: np.ndarray, size: np.ndarray, promise: Promise) -> tuple[np.ndarray, np.ndarray]:
    """Classes that break the promise, and those of them that finer levels could only break too."""
    short = size < promise.k
    if promise.ell <= 1 and promise.t >= 1:
        return short, short
    values = len(given.overall)
    table = np.bincount(number * values + given.sensitive, weights=given.records, minlength=len(size) * values)
    table = table.reshape(len(size), values)
    p = table / size[:, None]
    surely = short | ((table > 0).sum(axis=1) < promise.ell)
    bad = surely
    if promise.diversity == "entropy":
        logs = np.log(p, out=np.zeros_like(p), where=p > 0)
        bad = bad | (np.exp(-(p * logs).sum(axis=1)) < promise.ell * (1 - 1e-12))
    elif promise.diversity == "recursive":
        ranked = -np.sort(-table, axis=1)
        bad = bad | (ranked[:, 0] >= promise.c * ranked[:, int(promise.ell) - 1 :].sum(axis=1))
    if promise.t < 1:
        away = p - given.overall / given.overall.sum()
        distance = np.abs(away).sum(axis=1) / 2
        if promise.ordered:
            distance = np.abs(away.cumsum(axis=1)).sum(axis=1) / max(values - 1, 1)
        bad = bad | (distance > promise.t + 1e-12)
    return bad, surely


def _evaluate(given: Lattice, levels: Levels, promise: Promise) -> _Outcome:
    number, size = _classes(given, levels)
    bad, surely = _bad(given, number, size, promise)
    leaves = max(len(held) for held in given.held)
    released = _released(given.leaf, given.records, number, surely, leaves)
    kept = released if bad is surely else _released(given.leaf, given.records, number, bad, leaves)
    suppressed = int(size[bad].sum())
    if given.loss == "discernibility":
        score = float((size[~bad].astype(np.float64) ** 2).sum()) + float(suppressed) * float(size.sum())
    else:
        logs = [_log_losses(given, kept, j)[level] for j, level in enumerate(levels)]
        score = float(np.exp(np.mean(logs)) - 1)
    node = Node(levels, score, suppressed, int((~bad).sum()))
    return _Outcome(node, int(size[surely].sum()), released, float((size.astype(np.float64) ** 2).sum()))


def _log_losses(given: Lattice, released: np.ndarray, j: int) -> np.ndarray:
    """ln(1 + loss) of one key at each of its levels, when only these records are released."""
    here = released[j, : len(given.gone[j])]
    lost = given.costs[j] @ here + given.gone[j] @ (given.held[j] - here)
    return np.log1p((lost - given.least[j]) / (given.most[j] - given.least[j]))


def best_recoding(given: Lattice, promise: Promise, limit: float, *, nodes: int = 50_000) -> Recoding:
    """Search the levels with the least loss that keep the promise.

    Parameters
    ----------
    given : Lattice
    promise : Promise
    limit : float, 0 to 1
        Largest share of the records that may be suppressed, whole, because their class breaks the promise.
    nodes : int
        Evaluations allowed, a budget in steps so that the result does not depend on the machine. A lattice
        of more than a million nodes is searched from its most promising corners, without proof.

    Returns
    -------
    Recoding

    Raises
    ------
    DisclosureError : when no levels keep the promise within the limit.

    Guarantees
    ----------
    * No other levels within the limit have a lower score, where ``optimal`` is True.
    * At most ``limit`` of the records are suppressed.
    * The same file gives the same levels, in whatever order its records stand.

    References
    ----------
    Kohlmayer, Prasser, Eckert, Kemper, Kuhn (2012), Flash: efficient, stable and optimal k-anonymity.
    """
    size = int(np.prod([float(length) for length in given.shape]))
    search = _proven if size <= _LARGEST else _climbed
    best, checked, optimal = search(given, promise, int(limit * given.records.sum() + 1e-9), nodes)
    if best is None:
        raise DisclosureError(
            "recoding",
            "no levels keep the promise within the limit on suppressed records.",
            "Allow more suppression, ask for less, or drop a key.",
        )
    return Recoding(best.levels, best.score, best.suppressed, best.classes, checked, optimal)


def _proven(given: Lattice, promise: Promise, most: int, nodes: int) -> tuple[Node | None, int, bool]:
    """Evaluate the node with the lowest bound, and the nodes above it that may rule it out, until none is left."""
    n = int(given.records.sum())
    everyone = np.zeros((len(given.leaf), max(len(held) for held in given.held)), dtype=np.int64)
    for j, held in enumerate(given.held):
        everyone[j, : len(held)] = held
    bound = _bounds(given, everyone, given.shape)
    done = np.zeros(given.shape, dtype=np.bool_)
    top = np.array(given.shape) - 1
    best: Node | None = None
    ceiling, checked = np.inf, 0
    while checked < nodes:
        low = np.array(np.unravel_index(int(np.argmin(bound)), given.shape))
        if bound[tuple(low)] >= ceiling:
            return best, checked, True
        if np.isinf(bound[tuple(low)]):
            return best, checked, True
        high = top
        while True:
            at = tuple(int(level) for level in (low + high) // 2)
            if not done[at]:
                outcome = _evaluate(given, at, promise)
                checked += 1
                done[at] = True
                _tighten(given, outcome, bound, promise, most, n)
                if outcome.node.suppressed <= most and _worth(given, outcome.node.score) < ceiling:
                    best, ceiling = outcome.node, _worth(given, outcome.node.score)
                bound[at] = np.inf
            high = np.array(at)
            if bound[tuple(low)] >= ceiling or (high == low).all():
                break
    return best, checked, False


def _worth(given: Lattice, score: float) -> float:
    """The score on the scale of the bounds."""
    return score if given.loss == "discernibility" else float(np.log1p(score))


def _bounds(given: Lattice, released: np.ndarray, shape: Levels) -> np.ndarray:
    """Lower bound of the loss at all nodes of a corner of the lattice, when only these records can be released."""
    if given.loss == "discernibility":
        return np.zeros(shape)
    total = np.zeros(())
    for j, length in enumerate(shape):
        total = total[..., None] + _log_losses(given, released, j)[:length]
    return total / len(shape) - 1e-12


def _tighten(given: Lattice, outcome: _Outcome, bound: np.ndarray, promise: Promise, most: int, n: int) -> None:
    """What one evaluation says of all finer levels (and of coarser ones, for discernibility)."""
    levels = outcome.node.levels
    below = bound[tuple(slice(level + 1) for level in levels)]
    if outcome.surely > most:
        below[...] = np.inf
    elif given.loss == "discernibility":
        np.maximum(below, float(outcome.surely) * n + float(n - outcome.surely) * promise.k, out=below)
        above = bound[tuple(slice(level, None) for level in levels)]
        np.maximum(above, outcome.squares, out=above)
    else:
        np.maximum(below, _bounds(given, outcome.released, below.shape), out=below)


def _climbed(given: Lattice, promise: Promise, most: int, nodes: int) -> tuple[Node | None, int, bool]:
    """Where the lattice is too large for a proof: downhill from several heights, by single steps and exchanges."""
    seen: dict[Levels, Node] = {}
    best: Node | None = None

    def rank(levels: Levels) -> tuple[float, float, Levels]:
        """Order of preference: to keep the limit, then the loss."""
        if levels not in seen:
            seen[levels] = evaluate(given, levels, promise)
        return max(0, seen[levels].suppressed - most), seen[levels].score, levels

    for quarters in (4, 3, 2, 1):
        at = tuple((length - 1) * quarters // 4 for length in given.shape)
        while len(seen) < nodes:
            better = min([at, *_near(at, given.shape)], key=rank)
            if rank(better) >= rank(at):
                break
            at = better
        if rank(at)[0] == 0 and (best is None or seen[at].score < best.score):
            best = seen[at]
    return best, len(seen), False


def _near(levels: Levels, shape: Levels) -> list[Levels]:
    """Levels one step away, and those where one key gains a level that another gives."""
    steps = []
    for j, level in enumerate(levels):
        for by in (-1, 1):
            if not 0 <= level + by < shape[j]:
                continue
            moved = (*levels[:j], level + by, *levels[j + 1 :])
            steps.append(moved)
            for i in range(j + 1, len(levels)):
                if 0 <= levels[i] - by < shape[i]:
                    steps.append((*moved[:i], levels[i] - by, *moved[i + 1 :]))
    return steps
