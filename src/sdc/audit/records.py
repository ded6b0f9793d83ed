"""The audit of records: what joining releases on the internal key leaves of k, and how far shared columns link rows."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np
import pandas as pd

from sdc.audit.counts import Limits
from sdc.audit.facts import Facts, row_keys
from sdc.dictionary import Role
from sdc.keys import key_classes
from sdc.risk.frequencies import frequencies
from sdc.steps.recoding import coarsened
from sdc.table import Table


@dataclass(frozen=True, eq=False)
class RecordFindings:
    """What joined releases give away of records; counts and column names.

    Attributes
    ----------
    records : int
        Collected records that stand in some release of the set.
    keys : tuple of str
        Every key at every level that some release shows it at, as ``name@level``.
    violations : int
        Records whose joined keys fewer than k records share.
    uniques : int
        Records whose joined keys nobody shares.
    already : int
        Violations that stood without the candidate.
    alone : mapping of release to int
        Records that are unique on the keys of that release alone.
    linked : tuple of Linkage
    """

    records: int
    keys: tuple[str, ...]
    violations: int
    uniques: int
    already: int
    alone: Mapping[str, int]
    linked: tuple["Linkage", ...]


@dataclass(frozen=True)
class Linkage:
    """How far two releases can be joined without the internal key.

    Attributes
    ----------
    first, second : str
        Ids of the releases.
    columns : tuple of str
        Columns that both show and neither has altered, compared at the coarser level of the two.
    records : int
        Records that stand in both.
    linked : int
        Of them, those whose shared values are unique in both files and equal: joined for certain.
    by_weight : int
        Of them, those linked by the sampling weight alone.
    """

    first: str
    second: str
    columns: tuple[str, ...]
    records: int
    linked: int
    by_weight: int

    @property
    def share(self) -> float:
        """Linked records as a share of those in both."""
        return self.linked / self.records if self.records else 0.0


def audit_records(
    facts: Sequence[Facts], collected: Table, limits: Limits, *, candidate: int | None = None, pairs: bool = True
) -> RecordFindings:
    """Join releases of the same records in the worst case, and measure how near an intruder comes to that.

    Parameters
    ----------
    facts : sequence of Facts, of records
    collected : Table
        The records as ingested; other rounds' records in `facts` are left out, they are other people to a file.
    limits : Limits
    candidate : int, optional
        Position of the release that is not out yet: what stood without it is counted apart.
    pairs : bool
        Whether linkage is measured too.

    Returns
    -------
    RecordFindings

    Guarantees
    ----------
    * One more release never lowers the violations under the category reading.
    * The records of a single release are judged as its verdict judged them.
    """
    keys = pd.Index(row_keys(collected), name="key")
    truth = collected.rows.set_axis(keys)
    here = [one.values[one.values.index.isin(keys)] for one in facts]
    inside = keys.isin(np.unique(np.concatenate([values.index.to_numpy() for values in here])))
    truth = truth[inside]
    levels = _levels(facts, collected)
    joined = _joined(facts, here, truth, collected, levels)
    fk = _fk(joined, limits.missing)
    short = fk < limits.k
    already = 0
    if candidate is not None and len(facts) > 1 and short.any():
        others = [number for number in range(len(facts)) if number != candidate]
        earlier = [facts[number] for number in others]
        rest = _joined(earlier, [here[n] for n in others], truth, collected, _levels(earlier, collected))
        already = int((short & (_fk(rest, limits.missing) < limits.k)).sum())
    alone = {}
    for one, values in zip(facts, here, strict=True):
        own = [name for name, entry in one.about["columns"].items() if entry["role"] == Role.KEY]
        alone[one.release] = int((_fk(values[own], limits.missing) < 2).sum()) if own else 0
    linked = []
    if pairs:
        for a, b in combinations(range(len(facts)), 2):
            linked.append(_linkage(facts[a], facts[b], here[a], here[b], truth, collected))
    return RecordFindings(
        len(truth),
        tuple(joined.columns),
        int(short.sum()) if len(joined.columns) else 0,
        int((fk < 2).sum()) if len(joined.columns) else 0,
        already,
        alone,
        tuple(linked),
    )


def _fk(frame: pd.DataFrame, missing: str) -> np.ndarray:
    """How many records share each record's keys; under the wildcard reading a missing value matches any."""
    if not len(frame.columns):
        return np.full(len(frame), len(frame))
    classes = key_classes(frame, list(frame.columns))
    return frequencies(classes, missing="category" if missing == "category" else "wildcard").fk[classes.of_record]


def _levels(facts: Sequence[Facts], collected: Table) -> dict[str, list[int]]:
    """For each key the levels at which some release shows it, the finest first."""
    found: dict[str, set[int]] = {}
    for one in facts:
        for name, entry in one.about["columns"].items():
            if entry["role"] == Role.KEY and name in collected:
                found.setdefault(name, set()).add(entry["level"])
    return {name: sorted(levels) for name, levels in found.items()}


def _joined(
    facts: Sequence[Facts],
    here: Sequence[pd.DataFrame],
    truth: pd.DataFrame,
    collected: Table,
    levels: Mapping[str, Sequence[int]],
) -> pd.DataFrame:
    """Each key at each level, known where some release shows it at that level or a finer one.

    A column that is not the recoding that its level says (noise, swapping) is a column of its own: what it tells.
    """
    columns: dict[str, pd.Series] = {}
    for name, steps in levels.items():
        known = np.zeros(len(truth), dtype=bool)
        for level in steps:
            at_level = _at(truth[name], collected, name, level)
            for one, values in zip(facts, here, strict=True):
                entry = one.about["columns"].get(name)
                if entry is None or entry["level"] != level or entry["role"] != Role.KEY:
                    continue
                shown = values[name].reindex(truth.index)
                seen = shown.notna().to_numpy()
                altered = seen & (_text(shown) != _text(at_level))
                if altered.any():
                    columns[f"{name}@{level} as in {one.release}"] = shown
                known |= seen & ~altered
            columns[f"{name}@{level}"] = at_level.where(known)
    return pd.DataFrame({name: pd.Series(column) for name, column in columns.items()}, index=truth.index)


def _at(values: pd.Series, collected: Table, name: str, level: int) -> pd.Series:
    return coarsened(values, collected[name], level) if level > collected[name].level else values


def _text(column: pd.Series) -> np.ndarray:
    return column.astype("object").map(str, na_action="ignore").fillna("").to_numpy()


def _linkage(
    first: Facts, second: Facts, a: pd.DataFrame, b: pd.DataFrame, truth: pd.DataFrame, collected: Table
) -> Linkage:
    """Rows of two releases that their shared columns join for certain.

    Two joins are tried, and a row is linked when either finds it: on all shared columns that neither has altered, and
    on those only in which neither has hidden what the other shows.
    """
    both = a.index.intersection(b.index)
    mine, other = first.about["columns"], second.about["columns"]
    ids = {name for name, entry in mine.items() if entry["role"] == Role.HOUSEHOLD}  # issued anew for each recipient
    shared = [name for name in mine if name in other and name != "round" and name not in ids]
    left, right = {}, {}
    for name in shared:
        levels = (mine[name]["level"], other[name]["level"])
        left[name], right[name] = _text(a[name]), _text(b[name])
        if levels[0] != levels[1]:
            coarse = pd.Series(_text(_at(truth[name], collected, name, max(levels))), index=truth.index)
            if levels[0] < levels[1]:
                left[name] = np.where(a[name].notna(), coarse.reindex(a.index).fillna(""), "")
            else:
                right[name] = np.where(b[name].notna(), coarse.reindex(b.index).fillna(""), "")
    frame_a, frame_b = pd.DataFrame(left, index=a.index), pd.DataFrame(right, index=b.index)
    pairs = {name: (frame_a[name].reindex(both).to_numpy(), frame_b[name].reindex(both).to_numpy()) for name in shared}
    agreeing = [name for name, (x, y) in pairs.items() if ((x == y) | (x == "") | (y == "")).all()]
    untouched = [name for name in agreeing if (pairs[name][0] == pairs[name][1]).all()]
    weights = [name for name in shared if mine[name]["role"] == Role.WEIGHT]
    joins = [columns for columns in (agreeing, untouched) if columns]
    found = np.zeros(len(both), dtype=bool)
    for columns in joins:
        found |= _joins(frame_a[columns], frame_b[columns], both)
    by_weight = int(_joins(frame_a[weights], frame_b[weights], both).sum()) if weights else 0
    return Linkage(first.release, second.release, tuple(agreeing), len(both), int(found.sum()), by_weight)


def _joins(a: pd.DataFrame, b: pd.DataFrame, both: pd.Index) -> np.ndarray:
    """Which records have values that are unique in both files and the same in both."""
    every = pd.concat([a, b])
    number = key_classes(every.reset_index(drop=True), list(every.columns)).of_record
    in_a, in_b = number[: len(a)], number[len(a) :]
    alone_a, alone_b = np.bincount(in_a, minlength=number.max() + 1), np.bincount(in_b, minlength=number.max() + 1)
    of_a = pd.Series(in_a, index=a.index).reindex(both).to_numpy()
    of_b = pd.Series(in_b, index=b.index).reindex(both).to_numpy()
    return (of_a == of_b) & (alone_a[of_a] == 1) & (alone_b[of_b] == 1)
