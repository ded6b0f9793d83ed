"""Promises on columns and rows: what may be in the file at all, and whether the ledger tells the truth about it."""

from collections.abc import Mapping

import numpy as np
import pandas as pd

from sdc.dictionary import Geography, Role, Variable
from sdc.table import Table
from sdc.verdict.case import Case, Check, column_check
from sdc.verdict.filecounts import sensitive_records


def structure(case: Case) -> list[Check]:
    """Columns: known, asked for, and let out by the policy."""
    _, after, dictionary, policy, request = case
    own = {"rows_aggregated", "sites_merged", "round"}
    entries = [dictionary.by_name[v.name] for v in after.variables if v.name in dictionary.by_name]
    unknown = [v.name for v in after.variables if v.name not in dictionary.by_name and v.name not in own]
    unasked = (
        []
        if request.variables == "all"
        else [v.name for v in after.variables if v.name not in {*request.variables, *own}]
    )
    counts = dictionary.kind == "counts"
    lowest = policy.lowest_geography_counts if counts else policy.lowest_geography_records
    # Rows of counts are places, whose coordinates have a rule of their own; rows of people are nowhere so exactly.
    finer = [v for v in entries if v.geography and not (counts and v.geography == Geography.POINT)]
    texts = [v for v in entries if v.is_free_text]
    rank = policy.highest_sensitivity
    links = policy.household_links
    checks = [
        column_check("known_columns", "Every column has an entry in the dictionary", unknown, "stop"),
        column_check("asked_columns", "Nothing is released that was not asked for", unasked, "stop"),
        column_check(
            "no_identifiers",
            "No column names one person or household outright",
            [v.name for v in entries if v.role == Role.IDENTIFIER],
            "stop",
        ),
        column_check(
            "lowest_geography",
            f"No place is finer than {lowest.value}",
            [v.name for v in finer if v.geography and v.geography.depth > lowest.value.depth],
            lowest.breach,
        ),
        column_check(
            "sensitivity",
            f"No column is more sensitive than `{rank.value}`",
            [v.name for v in entries if v.sensitivity.rank > rank.value.rank],
            rank.breach,
        ),
    ]
    if policy.free_text.value == "drop":
        checks.append(column_check("no_free_text", "No free text", [v.name for v in texts], policy.free_text.breach))
    if links.value == "drop":
        tied = [v.name for v in entries if v.role == Role.HOUSEHOLD]
        checks.append(
            column_check("no_household_links", "No column ties the members of a household", tied, links.breach)
        )
    if dictionary.kind == "records":
        untold = [v.name for v in entries if _tells_an_absent_key(v, case)]
        checks.append(column_check("followers", "No column tells a key that is not in the file", untold, "stop"))
    return [*checks, _coordinates(case)]


def _tells_an_absent_key(variable: Variable, case: Case) -> bool:
    leader = case.dictionary.by_name.get(variable.follows or "")
    if leader is None or leader.role != Role.KEY or variable.role not in (Role.OTHER, Role.SENSITIVE):
        return False
    return leader.name in case.before and leader.name not in case.after


def _coordinates(case: Case) -> Check:
    rule = case.policy.coordinate_decimals
    points = [v.name for v in case.after.variables if v.geography == Geography.POINT]
    if rule.value is None:
        promise = "No coordinates" if rule.breach == "stop" else "Coordinates as collected"
        return column_check("coordinates", promise, points if rule.breach == "stop" else [], rule.breach)
    exact = []
    for name in points:
        degrees = case.after.rows[name].to_numpy(dtype=np.float64, na_value=np.nan)
        if not np.allclose(degrees, np.round(degrees, rule.value), equal_nan=True, rtol=0, atol=1e-9):
            exact.append(name)
    return column_check("coordinates", f"Coordinates have at most {rule.value} decimals", exact, rule.breach)


def records_kept(case: Case) -> list[Check]:
    """No record added or repeated, the order of collection gone, every place in one row.

    An extract that was collected in the order of its content stays in it: that order tells nothing more.
    """
    before, after = case.before, case.after
    column = next((name for name in ("rows_aggregated", "sites_merged") if name in after), None)
    merged = column is not None
    strange = ~after.rows.index.isin(before.rows.index) | after.rows.index.duplicated()
    added = 0 if merged else int(strange.sum())
    rising = len(after) > 1 and not merged and bool(after.rows.index.is_monotonic_increasing)
    rising = rising and not sorted_by_content(after)
    checks = [
        Check("no_records_added", "Every released record was collected", added, 0, added == 0, "stop"),
        Check("order", "Records do not stand in the order of collection", int(rising), 0, not rising, "stop"),
    ]
    if column is not None:
        places = int(after.rows[column].sum())
        told = len(before) - (_shown_to_nobody(case) if column == "sites_merged" else 0)
        checks.append(Check("rows_accounted", "Every place went into one row", places, told, places == told, "stop"))
    return checks


def _shown_to_nobody(case: Case) -> int:
    """Places that a file of places leaves out because the policy says so."""
    return int(sensitive_records(case.before).sum()) if case.policy.sensitive_sites.value == "remove" else 0


def sorted_by_content(table: Table) -> bool:
    """Whether no record stands before one that its values, from the first column to the last, put behind it."""
    tied = np.ones(max(len(table) - 1, 0), dtype=bool)  # pairs of neighbours that are equal so far
    for name in table.rows.columns:
        column = table.rows[name]
        text = column.astype("str") if isinstance(column.dtype, pd.CategoricalDtype) else column
        rise = np.diff(pd.factorize(text, sort=True, use_na_sentinel=True)[0])  # a missing value comes first
        if (tied & (rise < 0)).any():
            return False
        tied &= rise == 0
    return True


def ledger_is_true(case: Case, ledger: Mapping) -> list[Check]:
    """The ledger's counts against the two files: cells suppressed, columns gone, records gone."""
    before, after = case.before, case.after
    removed = {name for entry in ledger["entries"] for name in entry["columns_removed"]}
    gone = {name for name in before.rows.columns if name not in after}
    wrong = len(removed ^ gone)
    if "rows_aggregated" not in after and "sites_merged" not in after:
        rows = before.rows.reindex(after.rows.index)
        for name in after.rows.columns:
            seen = int((rows[name].notna().to_numpy() & after.rows[name].isna().to_numpy()).sum())
            told = sum(entry["suppressed"].get(name, 0) for entry in ledger["entries"])
            wrong += seen != told
    if ledger["entries"]:
        wrong += ledger["entries"][-1]["records_after"] != len(after)
    return [Check("ledger", "The ledger says what the files show", wrong, 0, wrong == 0, "stop")]
