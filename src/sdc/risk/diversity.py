"""What a class gives away of its members: l-diversity, t-closeness and their kin, of all classes at once."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import pandas as pd

from sdc.errors import DataError
from sdc.keys import KeyClasses, encode, key_classes, merged
from sdc.risk.frequencies import Missing, compatible_sums

BLOCK_CELLS = 1 << 22  # classes times values that are held densely at a time


@dataclass(frozen=True, eq=False)
class SensitiveCounts:
    """How often each sensitive value occurs in each class; missing values are left out.

    Attributes
    ----------
    classes : int
    values : pandas Index, (s,)
        Sensitive values that occur, in order.
    of_class, value : array of int, (pairs,)
        Class and value of each pair that occurs together, in order.
    count : array of float, (pairs,), records
    observed : array of float, (classes,), records
        Records of the class with a sensitive value.
    share : array of float, (s,), 0 to 1
        Share of each value in the whole file.
    """

    classes: int
    values: pd.Index
    of_class: np.ndarray
    value: np.ndarray
    count: np.ndarray
    observed: np.ndarray
    share: np.ndarray

    def per_class(self, numbers: np.ndarray) -> np.ndarray:
        """Sum over the pairs of each class: array of float, (classes,)."""
        return np.bincount(self.of_class, weights=numbers, minlength=self.classes)

    @property
    def p(self) -> np.ndarray:
        """Share of each pair in its class: array of float, (pairs,)."""
        return self.count / self.observed[self.of_class]


def sensitive_counts(classes: KeyClasses, sensitive: pd.Series, *, missing: Missing = "category") -> SensitiveCounts:
    """Count each sensitive value in each class.

    Parameters
    ----------
    classes : KeyClasses, n records
    sensitive : Series, (n,)
        One sensitive variable. Its missing values are not counted: they disclose nothing. (sdcMicro counts each
        of them as a new value, which makes a class look more diverse than it is.)
    missing : {'category', 'wildcard'}
        Who belongs to a class: the records of its exact key pattern, or all compatible ones.

    Returns
    -------
    SensitiveCounts
    """
    codes, values = encode(sensitive)
    known = codes >= 0
    of_record = classes.of_record if known.all() else classes.of_record[known]
    pairs, of_pair = merged(np.column_stack([of_record, codes if known.all() else codes[known]]))
    count = np.bincount(of_pair, minlength=len(pairs)).astype(np.float64)
    of_class, value = pairs[:, 0].astype(np.int64), pairs[:, 1].astype(np.int64)
    size, total = len(classes.records), np.bincount(value, weights=count, minlength=len(values))
    if missing == "wildcard" and len(values) and (classes.codes < 0).any():
        of_class, value, count = _compatible(classes.codes, of_class, value, count, len(values))
    observed = np.bincount(of_class, weights=count, minlength=size)
    return SensitiveCounts(size, values, of_class, value, count, observed, total / max(total.sum(), 1.0))


def distinct_diversity(counts: SensitiveCounts) -> np.ndarray:
    """Number of different sensitive values in each class: array of int, (classes,).

    References
    ----------
    Machanavajjhala et al. (2007), ACM Trans. Knowl. Discov. Data 1(1), doi:10.1145/1217299.1217302
    """
    return np.bincount(counts.of_class, minlength=counts.classes)


def entropy_diversity(counts: SensitiveCounts) -> np.ndarray:
    """Effective number of sensitive values in each class, ``exp(-sum p ln p)``.

    Returns
    -------
    array of float, (classes,)
        0 where no sensitive value is observed.

    Guarantees
    ----------
    * At least 1 and at most the number of distinct values, where a value is observed.
    """
    p = counts.p
    return np.where(counts.observed > 0, np.exp(counts.per_class(-p * np.log(p))), 0.0)


def recursive_diversity(counts: SensitiveCounts, c: float) -> np.ndarray:
    """Largest ell for which each class is recursively (c, ell)-diverse.

    Parameters
    ----------
    counts : SensitiveCounts
    c : float, above 0
        The commonest value must stay below ``c`` times the sum of the ell-th commonest and all rarer ones.

    Returns
    -------
    array of int, (classes,)
        1 where no larger ell holds; 0 where no sensitive value is observed.

    Guarantees
    ----------
    * At least 1 and at most the number of distinct values, where a value is observed.
    * A larger ``c`` never gives a smaller ell.
    """
    rank, tail, first = _tails(counts)
    holds = (rank == 0) | (first[counts.of_class] < c * tail)
    return np.bincount(counts.of_class[holds], minlength=counts.classes)


def recursive_bound(counts: SensitiveCounts, ell: int) -> np.ndarray:
    """Number that ``c`` must exceed for each class to be recursively (c, ell)-diverse.

    Returns
    -------
    array of float, (classes,)
        Infinite where a class has fewer than ``ell`` values.
    """
    rank, tail, first = _tails(counts)
    bound = np.full(counts.classes, np.inf)
    at = rank == ell - 1
    bound[counts.of_class[at]] = first[counts.of_class[at]] / tail[at]
    return bound


def t_closeness(
    counts: SensitiveCounts,
    *,
    distance: Literal["equal", "ordered", "hierarchical"] = "equal",
    levels: Sequence[Mapping] = (),
) -> np.ndarray:
    """Distance between the sensitive values of each class and those of the whole file.

    Parameters
    ----------
    counts : SensitiveCounts
    distance : {'equal', 'ordered', 'hierarchical'}
        Earth mover's distance when any two values are equally far apart, when they are ranked, or when they hang
        in a tree.
    levels : sequence of mappings
        For ``hierarchical``: from each sensitive value to its group at height 1, 2, ...; all groups of the last
        level meet in the root.

    Returns
    -------
    array of float, (classes,), 0 to 1
        0 where no sensitive value is observed.

    Raises
    ------
    DataError
        Sensitive values without a place in the hierarchy.

    Guarantees
    ----------
    * 0 for a class with the shares of the whole file; never above 1.

    References
    ----------
    Li, Li, Venkatasubramanian (2007), ICDE, doi:10.1109/ICDE.2007.367856
    """
    if distance == "equal":
        q = counts.share[counts.value]
        t = 0.5 * (counts.per_class(np.abs(counts.p - q) - q) + 1.0)
    elif distance == "ordered":
        t = _ordered_distance(counts)
    else:
        t = _hierarchical_distance(counts, levels)
    return np.where(counts.observed > 0, np.clip(t, 0.0, 1.0), 0.0)


def beta_likeness(counts: SensitiveCounts, *, form: Literal["basic", "enhanced"] = "basic") -> np.ndarray:
    """Largest relative gain ``(p - q) / q`` that a class gives on any sensitive value.

    Parameters
    ----------
    counts : SensitiveCounts
    form : {'basic', 'enhanced'}
        Enhanced likeness also asks that no gain exceed ``-ln q``: no beta will do where one does.

    Returns
    -------
    array of float, (classes,)
        Least beta that the class fulfils; infinite where none does.

    References
    ----------
    Cao, Karras (2012), PVLDB 5(11), 1388-1399
    """
    q = counts.share[counts.value]
    gain = counts.p / q - 1.0
    if form == "enhanced":
        gain = np.where(gain > -np.log(q) + 1e-12, np.inf, gain)
    largest = np.zeros(counts.classes)
    np.maximum.at(largest, counts.of_class, gain)
    return largest


def delta_presence(rows: pd.DataFrame, population: pd.DataFrame, keys: Sequence[str]) -> tuple[float, float]:
    """Smallest and largest probability that a person of the population is in the file.

    Parameters
    ----------
    rows : DataFrame, n records
    population : DataFrame, N persons
        The population that the file was drawn from, with the keys coded and recoded alike.
    keys : sequence of str

    Returns
    -------
    tuple of float, 0 to 1

    References
    ----------
    Nergiz, Atzori, Clifton (2007), SIGMOD, doi:10.1145/1247480.1247554
    """
    both = key_classes(pd.concat([rows[list(keys)], population[list(keys)]], ignore_index=True), keys)
    in_file = np.bincount(both.of_record[: len(rows)], minlength=len(both.records))
    persons = both.records - in_file
    if (persons < in_file).any():
        raise DataError(
            "population",
            f"{int((persons < in_file).sum())} classes hold more records than the population has persons",
            "Give the population that the file was drawn from, with the keys recoded alike.",
        )
    presence = in_file / persons
    return float(presence.min(initial=1.0)), float(presence.max(initial=0.0))


def diversity_summary(
    classes: KeyClasses, sensitive: pd.Series, *, c: float, ells: Sequence[int], missing: Missing = "category"
) -> dict[str, Any]:
    """Worst figures over all classes with an observed sensitive value; counts and figures only.

    Parameters
    ----------
    classes : KeyClasses
    sensitive : Series, (n,)
    c : float
        For recursive (c, ell)-diversity.
    ells : sequence of int
        Each ell to count the records for whose class has fewer distinct values.
    missing : {'category', 'wildcard'}
        As for `sensitive_counts`.

    Returns
    -------
    dict
        ``values``, ``missing`` (records), ``distinct_min``, ``entropy_min``, ``recursive_min``,
        ``t_closeness_max``, ``t_closeness_ordered_max`` (None for values without an order of their own),
        ``beta_max``, ``violations`` ({"2": records, ...}).
    """
    counts = sensitive_counts(classes, sensitive, missing=missing)
    seen = counts.observed > 0
    distinct = distinct_diversity(counts)
    ordered = isinstance(sensitive.dtype, pd.CategoricalDtype) and sensitive.dtype.ordered
    ranked = ordered or pd.api.types.is_numeric_dtype(sensitive.dtype)

    def least(per_class: np.ndarray) -> float:
        return float(per_class[seen].min()) if seen.any() else 0.0

    def most(per_class: np.ndarray) -> float:
        return float(per_class[seen].max()) if seen.any() else 0.0

    return {
        "values": len(counts.values),
        "missing": int(sensitive.isna().sum()),
        "distinct_min": int(least(distinct)),
        "entropy_min": least(entropy_diversity(counts)),
        "recursive_min": int(least(recursive_diversity(counts, c))),
        "t_closeness_max": most(t_closeness(counts)),
        "t_closeness_ordered_max": most(t_closeness(counts, distance="ordered")) if ranked else None,
        "beta_max": most(beta_likeness(counts)),
        "violations": {str(ell): int(classes.records[seen & (distinct < ell)].sum()) for ell in ells},
    }


def joint_diversity(
    rows: pd.DataFrame, keys: Sequence[str], sensitive: Sequence[str], *, c: float
) -> tuple[KeyClasses, np.ndarray, np.ndarray]:
    """Diversity against an intruder who also knows the other sensitive variables of the record.

    Parameters
    ----------
    rows : DataFrame, n records
    keys, sensitive : sequence of str
    c : float

    Returns
    -------
    KeyClasses, of ``keys``
    array of float, (classes,)
        Least entropy diversity of any sensitive variable within any combination of the others.
    array of int, (classes,)
        The same for recursive (c, ell)-diversity.
    """
    classes = key_classes(rows, keys)
    entropy = np.full(len(classes.records), np.inf)
    recursive = np.full(len(classes.records), np.iinfo(np.int64).max)
    for name in sensitive:
        within = key_classes(rows, [*keys, *(other for other in sensitive if other != name)])
        counts = sensitive_counts(within, rows[name])
        outer = np.zeros(counts.classes, dtype=np.int64)
        outer[within.of_record] = classes.of_record
        seen = counts.observed > 0
        np.minimum.at(entropy, outer[seen], entropy_diversity(counts)[seen])
        np.minimum.at(recursive, outer[seen], recursive_diversity(counts, c)[seen])
    blank = np.isinf(entropy)
    return classes, np.where(blank, 0.0, entropy), np.where(blank, 0, recursive)


def _compatible(
    codes: np.ndarray, of_class: np.ndarray, value: np.ndarray, count: np.ndarray, values: int
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Pairs counted over all compatible patterns, some values at a time."""
    step = max(1, BLOCK_CELLS // max(len(codes), 1))
    found = []
    for low in range(0, values, step):
        width = min(step, values - low)
        inside = (value >= low) & (value < low + width)
        dense = np.zeros((len(codes), width))
        dense[of_class[inside], value[inside] - low] = count[inside]
        dense = compatible_sums(codes, dense)
        rows, columns = np.nonzero(dense)
        found.append((rows, columns + low, dense[rows, columns]))
    rows, columns, sums = (np.concatenate(part) for part in zip(*found, strict=True))
    order = np.lexsort((columns, rows))
    return rows[order], columns[order], sums[order]


def _tails(counts: SensitiveCounts) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Pairs by falling count in each class: rank from 0, records from there on, and each class's largest count."""
    order = np.lexsort((-counts.count, counts.of_class))
    by_size = counts.count[order]
    size = np.bincount(counts.of_class, minlength=counts.classes)
    start = np.cumsum(size) - size
    before = np.cumsum(by_size) - by_size
    tail = counts.observed[counts.of_class] - (before - before[start[counts.of_class]])
    first = np.zeros(counts.classes)
    first[size > 0] = by_size[start[size > 0]]
    return np.arange(len(order)) - start[counts.of_class], tail, first


def _ordered_distance(counts: SensitiveCounts) -> np.ndarray:
    """Sum of |F - Q| over ranks, F and Q cumulative shares, divided by the longest way.

    Between two values of a class F stands still and Q climbs, so each stretch splits once, where Q passes F.
    """
    s = len(counts.values)
    if s < 2 or not len(counts.value):
        return np.zeros(counts.classes)
    Q = np.cumsum(counts.share)
    area = np.concatenate([[0.0], np.cumsum(Q)])  # area[i] = Q[0] + ... + Q[i - 1]
    p = counts.p
    opens = np.concatenate([[True], counts.of_class[1:] != counts.of_class[:-1]])
    running = np.cumsum(p)
    F = running - (running - p)[opens][np.cumsum(opens) - 1]
    upto = np.concatenate([np.where(opens[1:], s, counts.value[1:]), [s]])
    turn = np.clip(np.searchsorted(Q, F), counts.value, upto)
    stretch = F * (2 * turn - counts.value - upto) + area[counts.value] + area[upto] - 2 * area[turn]
    ahead = np.where(opens, area[counts.value], 0.0)  # ranks before the first value, where F is 0
    return counts.per_class(stretch + ahead) / (s - 1)


def _hierarchical_distance(counts: SensitiveCounts, levels: Sequence[Mapping]) -> np.ndarray:
    """At each node of the tree, what moves between its children, weighted by the node's height."""
    s = len(counts.values)
    groups = [np.arange(s)]
    for level in levels:
        labels = pd.Series([level.get(value) for value in counts.values], dtype=object)
        if labels.isna().any():
            raise DataError(
                "hierarchy",
                f"{int(labels.isna().sum())} of {s} sensitive values have no group at a level",
                "Complete the hierarchy of the sensitive variable.",
            )
        groups.append(pd.factorize(labels)[0])
    if groups[-1].max(initial=0) > 0:
        groups.append(np.zeros(s, dtype=np.int64))
    height = len(groups) - 1
    result = np.zeros(counts.classes)
    step = max(1, BLOCK_CELLS // max(s, 1))
    for low in range(0, counts.classes, step):
        width = min(step, counts.classes - low)
        first, last = np.searchsorted(counts.of_class, [low, low + width])
        extra = np.zeros((width, s)) - counts.share
        extra[counts.of_class[first:last] - low, counts.value[first:last]] += counts.p[first:last]
        for h in range(1, height + 1):
            nodes, child = np.unique(groups[h - 1], return_index=True)
            parent = groups[h][child]
            under = np.zeros((len(nodes), int(parent.max(initial=0)) + 1))
            under[np.arange(len(nodes)), parent] = 1.0
            moved = np.minimum(np.clip(extra, 0, None) @ under, np.clip(-extra, 0, None) @ under)
            result[low : low + width] += moved.sum(axis=1) * (h / height)
            extra = extra @ under
    return result
