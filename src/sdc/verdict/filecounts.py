"""What stands behind the counts of a file: the extract's counts, who contributes, and which rule each breaks."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy import sparse
from scipy.sparse.csgraph import connected_components

from sdc.cells.rules import dominance, few_contributors, p_percent
from sdc.dictionary import Geography, Role, Sensitivity, Variable
from sdc.policy import Policy
from sdc.table import Table
from sdc.verdict.case import Case

SUMMED = "rows_aggregated"
MERGED = "sites_merged"
SHELTERED_BY = 3  # other places behind a sum in which the people of a sensitive site may stand


@dataclass(frozen=True, eq=False)
class Behind:
    """Rows that exist, their true counts, and where the file shows them.

    Attributes
    ----------
    truth : DataFrame, (rows, counts of the extract)
        One row for each row of the file and for each row of the extract that the file leaves out; missing where
        nothing was observed.
    in_file : array of int64, (rows,)
        Row of the file, by position; -1 for a row that it leaves out.
    of_record : array of int64, (records of the extract,)
        Row that each record went into.
    keys : DataFrame, (rows, columns)
        What is known of each row but its counts: columns of the file, or of the extract where the file has no such
        column any more.
    """

    truth: pd.DataFrame
    in_file: np.ndarray
    of_record: np.ndarray
    keys: pd.DataFrame

    @property
    def summed(self) -> bool:
        """Whether rows hold several records each."""
        return bool(len(self.of_record) > len(self.truth) or (np.bincount(self.of_record, minlength=1) > 1).any())


def behind(case: Case) -> Behind | None:
    """The extract's counts, row by row of the file; None where rows cannot be matched.

    Returns
    -------
    Behind or None
    """
    before, after = case.before, case.after
    counts = before.names(Role.COUNT)
    if MERGED in after:
        return _behind_merged(before, after, counts)
    if SUMMED not in after:
        place = pd.Series(np.arange(len(after)), index=after.rows.index).reindex(before.rows.index, fill_value=-1)
        if not after.rows.index.isin(before.rows.index).all():
            return None
        return Behind(before.rows[counts], place.to_numpy(), np.arange(len(before)), before.rows)
    by = area_columns(after)
    text = _text(before.rows, by)
    wanted = _text(after.rows, by)
    own = pd.MultiIndex.from_frame(wanted)
    if not by or not own.is_unique:
        return None
    number = own.get_indexer(pd.MultiIndex.from_frame(text))
    if (number < 0).any() or len(np.unique(number)) < len(after):
        return None
    truth = pd.DataFrame(_sums(before, counts, number, len(after)), columns=list(counts), index=after.rows.index)
    return Behind(truth, np.arange(len(after)), number, after.rows)


def _behind_merged(before: Table, after: Table, counts: Sequence[str]) -> Behind | None:
    """The same where rows hold several sites, whose names they list: each record goes to the row that names it.

    A row keeps the number of one of its records. The others go to the only row of their area and round that has room
    left for their name, or for one that names none. A place that is shown to nobody, and for which no row has room, is
    a row that the file leaves out.
    """
    placed = [name for name in area_columns(after) if name != "round"]
    if not placed or not after.rows.index.isin(before.rows.index).all() or after.rows.index.duplicated().any():
        return None
    several = "round" in after and len(before.rows["round"].unique()) > 1
    area = [*placed[:-1], *(["round"] if several else [])]
    where = [_text(rows, area).agg("\x1f".join, axis=1).to_numpy() for rows in (before.rows, after.rows)]
    site, named = (rows[placed[-1]].astype("str").fillna("").to_numpy() for rows in (before.rows, after.rows))
    room = [Counter(name for name in listed.split(" + ") if name) for listed in named]
    for row, size in enumerate(after.rows[MERGED].to_numpy(dtype=np.int64).tolist()):
        room[row][""] = size - room[row].total()
    rows_of: dict[str, list[int]] = {}
    for row, place in enumerate(where[1].tolist()):
        rows_of.setdefault(place, []).append(row)
    number = np.full(len(before), -1, dtype=np.int64)
    own = pd.Series(np.arange(len(after)), index=after.rows.index).reindex(before.rows.index, fill_value=-1).to_numpy()
    guarded = sensitive_records(before)
    for record in np.lexsort((guarded, own < 0)).tolist():  # those whose number a row keeps, then those that may be out
        rows = [int(own[record])] if own[record] >= 0 else rows_of.get(where[0][record], [])
        fitting = [row for row in rows if where[1][row] == where[0][record] and room[row][site[record]] > 0]
        if len(fitting) == 1:
            number[record] = fitting[0]
            room[fitting[0]][site[record]] -= 1
        elif fitting or not guarded[record]:
            return None
    if any(left.total() for left in room):
        return None
    left_out = np.flatnonzero(number < 0)
    number[left_out] = len(after) + np.arange(len(left_out))
    size = len(after) + len(left_out)
    truth = pd.DataFrame(_sums(before, counts, number, size), columns=list(counts))
    shared = [name for name in after.rows.columns if name in before]
    keys = pd.concat([after.rows[shared], before.rows[shared].iloc[left_out]], ignore_index=True)
    in_file = np.append(np.arange(len(after)), np.full(len(left_out), -1))
    return Behind(truth, in_file, number, keys)


def area_columns(table: Table) -> list[str]:
    """Columns that tell summed rows apart: places, without those that only name one again, and the round."""
    areas = [name for name in table.names(Role.KEY) if not table.repeats_a_place(name)]
    return list(dict.fromkeys([*areas, *(["round"] if "round" in table else [])]))


def _text(rows: pd.DataFrame, columns: Sequence[str]) -> pd.DataFrame:
    """Columns as text that is the same for the same value, whatever type a file gave a number."""

    def told(column: pd.Series) -> pd.Series:
        plain = column.astype("Float64") if pd.api.types.is_numeric_dtype(column) else column
        return plain.astype("str").fillna("")

    return pd.DataFrame({name: told(rows[name]) for name in columns})


def _sums(before: Table, counts: Sequence[str], number: np.ndarray, rows: int) -> np.ndarray:
    """Sums of counts; missing where a count was not observed in every record in which a count tied to it was."""
    values = before.rows[list(counts)].to_numpy(dtype=np.float64, na_value=np.nan)
    place = {name: j for j, name in enumerate(counts)}
    links = [
        (place[link.total], [place[part] for part in link.parts if part in place])
        for link in before.links
        if link.total in place
    ]
    while True:  # nobody has no parts: forms do not ask for them
        empty = np.zeros(values.shape, dtype=bool)
        for total, parts in links:
            for part in parts:
                empty[:, part] |= (values[:, total] == 0) & np.isnan(values[:, part])
        if not empty.any():
            break
        values[empty] = 0
    tied = sparse.coo_array(
        (
            np.ones(sum(len(parts) for _, parts in links)),
            ([t for t, parts in links for _ in parts], [p for _, parts in links for p in parts]),
        ),
        shape=(len(counts), len(counts)),
    )
    _, family = connected_components(tied, directed=False)
    seen = ~np.isnan(values)
    out = np.full((rows, len(counts)), np.nan)
    for j in range(len(counts)):
        asked = seen[:, family == family[j]].any(axis=1)
        observed = np.bincount(number[seen[:, j]], minlength=rows)
        whole = (observed == np.bincount(number[asked], minlength=rows)) & (observed > 0)
        out[whole, j] = np.bincount(number[seen[:, j]], weights=values[seen[:, j], j], minlength=rows)[whole]
    return np.rint(out)


def minimum_rules(variable: Variable) -> tuple[str, ...]:
    """The rules of a policy that set the least count of a column."""
    unit = "minimum_households" if variable.unit == "households" else "minimum_count"
    return (unit, "minimum_sensitive_count") if variable.sensitivity.rank >= Sensitivity.HIGH.rank else (unit,)


def least_shown(variable: Variable, policy: Policy) -> int:
    """The least count that a column may show: that of its unit, or of its sensitivity where it is larger."""
    rules = [getattr(policy, name) for name in minimum_rules(variable)]
    return max([rule.value for rule in rules if rule.breach == "stop"], default=1)


def broken_rules(case: Case, found: Behind) -> dict[str, np.ndarray]:
    """Which counts break which rule of the policy, by the name of the rule.

    Returns
    -------
    dict of array of bool, (rows, counts)
        A count of a row that breaks no rule is False in all of them; an unobserved one is False.
    """
    policy, before = case.policy, case.before
    counts = [str(name) for name in found.truth.columns]
    values = found.truth.to_numpy(dtype=np.float64, na_value=np.nan)
    filled = np.nan_to_num(values) > 0
    rules: dict[str, np.ndarray] = {}
    for rule in ("minimum_count", "minimum_households", "minimum_sensitive_count"):
        rules[rule] = np.zeros(values.shape, dtype=bool)
    for j, name in enumerate(counts):
        for rule in minimum_rules(before[name]):
            rules[rule][:, j] = filled[:, j] & (values[:, j] < getattr(policy, rule).value)
    rules["zeros"] = (values == 0) & (policy.zeros.value == "hide")
    rules["group_disclosure"] = _one_category(case, counts, values)
    rules["sensitive_sites"] = np.zeros(values.shape, dtype=bool)
    guarded = sensitive_records(before)
    if found.summed:
        rules |= _of_sums(case, found, counts, guarded)
        rules["sensitive_sites"] &= filled
    elif policy.sensitive_sites.value == "remove":
        own = np.bincount(found.of_record[guarded], minlength=len(values)) > 0
        rules["sensitive_sites"] = own[:, None] & filled
    return rules


def sensitive_records(table: Table) -> np.ndarray:
    """Records of places that are shown to nobody: an answer is one of the codes that the dictionary marks."""
    found = np.zeros(len(table), dtype=bool)
    for variable in table.variables:
        if variable.sensitive_codes:
            answers, kinds = pd.factorize(table.rows[variable.name].astype("str"))
            marked = [bool({kind, *str(kind).split()} & set(variable.sensitive_codes)) for kind in kinds]
            found |= np.append(np.array(marked, dtype=bool), False)[answers]
    return found


def _one_category(case: Case, counts: Sequence[str], values: np.ndarray) -> np.ndarray:
    """Sensitive breakdowns that have all their people in one part: it and its empty sisters."""
    found = np.zeros(values.shape, dtype=bool)
    if case.policy.group_disclosure.value != "hide":
        return found
    for link in case.before.links:
        if link.sensitive and len(link.parts) > 1 and all(part in counts for part in link.parts):
            parts = [counts.index(part) for part in link.parts]
            own = values[:, parts]
            alone = ~np.isnan(own).any(axis=1) & ((own > 0).sum(axis=1) == 1)
            found[np.ix_(alone, parts)] = True
    return found


def _of_sums(case: Case, found: Behind, counts: Sequence[str], guarded: np.ndarray) -> dict[str, np.ndarray]:
    """Rules on the places behind a sum."""
    policy = case.policy
    shape = found.truth.shape
    rules = {
        name: np.zeros(shape, dtype=bool)
        for name in ("minimum_contributors", "dominance", "p_percent", "sensitive_sites")
    }
    for j, name in enumerate(counts):
        people = np.nan_to_num(case.before.rows[name].to_numpy(dtype=np.float64, na_value=np.nan))
        at = np.flatnonzero(people > 0)
        shares = sparse.csr_array((people[at], (found.of_record[at], at)), shape=(shape[0], len(people)))
        rules["minimum_contributors"][:, j] = few_contributors(shares, policy.minimum_contributors.value)
        if policy.dominance.value is not None:
            most, percent = policy.dominance.value
            rules["dominance"][:, j] = dominance(shares, int(most), percent)
        if policy.p_percent.value is not None:
            rules["p_percent"][:, j] = p_percent(shares, policy.p_percent.value)
        if policy.sensitive_sites.value == "remove":
            places = np.diff(shares.indptr)
            inside = np.bincount(found.of_record[at[guarded[at]]], minlength=shape[0])
            rules["sensitive_sites"][:, j] = (inside > 0) & (places - inside < SHELTERED_BY)
    return rules


def area_numbers(case: Case, found: Behind, levels: Sequence[Geography]) -> list[tuple[str, np.ndarray]]:
    """The number of each row's area in its round, at each level that is coarser than the rows.

    Returns
    -------
    list of (level, array of int64, (rows,)), the finest level first
        Levels that a column of the rows tells; the country needs none.
    """
    places = _place_columns(case, found)
    grain = max((level.depth for level in places), default=0)
    period = ["round"] if "round" in found.keys else []
    areas: list[tuple[str, np.ndarray]] = []
    for level in sorted(levels, key=lambda level: -level.depth):
        if level.depth < grain and (level in places or level == Geography.ADMIN0):  # a country needs no column
            path = [name for above, name in places.items() if above.depth <= level.depth]
            areas.append((level.value, _numbered(found.keys, [*path, *period])))
    return areas


def _numbered(rows: pd.DataFrame, columns: Sequence[str]) -> np.ndarray:
    """Number of each row's combination of values."""
    if not columns:
        return np.zeros(len(rows), dtype=np.int64)
    return _text(rows, columns).groupby(list(columns), sort=True).ngroup().to_numpy()


def _place_columns(case: Case, found: Behind) -> dict[Geography, str]:
    """The column that tells the place of a row at each level, the coarsest level first."""
    table = case.after if found.summed else case.before
    own: dict[Geography, str] = {}
    for variable in table.variables:
        level = variable.geography
        if variable.role != Role.KEY or level is None or level == Geography.POINT or variable.name not in found.keys:
            continue
        if not table.repeats_a_place(variable.name):
            own.setdefault(level, variable.name)
    return dict(sorted(own.items(), key=lambda item: item[0].depth))


def same_places(case: Case, found: Behind) -> np.ndarray | None:
    """Number of the place of each row, equal in every round; -1 where a round has several rows of one place.

    A row is one place of one kind: columns of places and other keys name it. None where there is one round.
    """
    if "round" not in found.keys or found.keys["round"].nunique() < 2:
        return None
    table = case.after if found.summed else case.before
    keys = [name for name in table.names(Role.KEY) if name in found.keys and not table.repeats_a_place(name)]
    columns = [name for name in keys if name != "round"]
    if not columns:
        return None
    number, one = _numbered(found.keys, columns), _numbered(found.keys, [*columns, "round"])
    doubled = pd.Series(one).duplicated(keep=False).to_numpy()
    return np.where(np.isin(number, number[doubled]), -1, number)
