"""The verdict: whether the file on disk keeps what the policy promises.

The judge works on the table as read back from disk and on the table as ingested. It knows the policy; it does not ask
the plan or the ledger what was done, but for holding the ledger against the two files.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Literal, NamedTuple

import numpy as np
import pandas as pd

from sdc.cells.intruder import AT_LEAST_ONE, NOTHING_KNOWN, Audit, audit
from sdc.cells.rows import row_cells
from sdc.dictionary import Dictionary, Geography, Role
from sdc.errors import DisclosureError, Fault
from sdc.keys import key_classes
from sdc.policy import Policy, Rule
from sdc.request import Request
from sdc.risk.frequencies import frequencies
from sdc.risk.summary import assess_risk
from sdc.table import Table
from sdc.utility import column_losses, information_loss

FK_BANDS = ((1, "1"), (2, "2"), (3, "3-4"), (5, "5-9"), (10, "10-19"), (20, "20-49"), (50, "50+"))
COUNT_BANDS = ((0, "0"), (1, "1-4"), (5, "5-9"), (10, "10-19"), (20, "20-49"), (50, "50-99"), (100, "100+"))


class Check(NamedTuple):
    """One promise held against the file."""

    name: str
    promise: str
    observed: float | int | str | None
    limit: float | int | str | None
    passed: bool
    breach: str
    by: str = "judge"


class Case(NamedTuple):
    """What the judge is given."""

    before: Table
    after: Table
    dictionary: Dictionary
    policy: Policy
    request: Request


def risk_of(table: Table, policy: Policy, links: Table | None = None) -> dict:
    """Disclosure risk of a table, in counts and figures.

    Parameters
    ----------
    table : Table
    policy : Policy, as it stands for the component
    links : Table, optional
        Where weights and households stand when the table no longer has them; the worst case is that an intruder does.
    """
    if table.names(Role.COUNT) or not table.keys():
        return _risk_of_counts(table, policy)
    source = links if links is not None else table
    rows = table.rows.copy()
    weight, household = source.name(Role.WEIGHT), source.name(Role.HOUSEHOLD)
    for name in (weight, household):
        if name is not None:
            rows[name] = source.rows[name].reindex(rows.index)
    keys = table.names(Role.KEY)
    risk = assess_risk(
        rows,
        keys,
        weight=weight,
        household=household,
        sensitive=table.names(Role.SENSITIVE),
        missing=policy.missing.value,
        ks=sorted({2, 3, 5, 10, policy.k.value}),
    )
    return {"keys": keys, **risk, "fk_histogram": fk_histogram(rows, keys, policy)}


def fk_histogram(rows: pd.DataFrame, keys: Sequence[str], policy: Policy) -> list[dict]:
    """Records by the number of records that share their key."""
    classes = key_classes(rows, keys)
    fk = frequencies(classes, missing=policy.missing.value).fk
    place = np.searchsorted([low for low, _ in FK_BANDS], fk, side="right") - 1
    records = np.bincount(place, weights=classes.records, minlength=len(FK_BANDS))
    return [{"fk": label, "records": int(n)} for (_, label), n in zip(FK_BANDS, records, strict=True)]


def _risk_of_counts(table: Table, policy: Policy) -> dict:
    minimum = policy.minimum_count.value
    columns, cells = {}, []
    for name in table.names(Role.COUNT):
        values = table.rows[name].dropna().to_numpy(dtype=np.float64)
        cells.append(values)
        columns[name] = {
            "cells": len(values),
            "zero": int((values == 0).sum()),
            "missing": len(table) - len(values),
            "below_minimum": int(((values > 0) & (values < minimum)).sum()),
        }
    every = np.concatenate(cells) if cells else np.empty(0)
    place = np.searchsorted([low for low, _ in COUNT_BANDS], every, side="right") - 1
    sizes = np.bincount(place, minlength=len(COUNT_BANDS))
    return {
        "records": len(table),
        "cells": len(every),
        "below_minimum": sum(column["below_minimum"] for column in columns.values()),
        "counts": columns,
        "count_histogram": [
            {"count": label, "cells": int(n)} for (_, label), n in zip(COUNT_BANDS, sizes, strict=True)
        ],
    }


def judge(case: Case, ledger: Mapping, reasons: Mapping[str, str]) -> dict:
    """Hold every promise of the policy against the file on disk.

    Returns
    -------
    dict
        The verdict without the findings of the Great Expectations suites; `conclude` adds them and the gate.
    """
    before, after, dictionary, policy, request = case
    asked = request.variables if request.variables != "all" else tuple(before.rows.columns)
    asked = tuple(dict.fromkeys(name for name in asked if name in before))
    risk_after = risk_of(after, policy, links=before if "rows_aggregated" not in after else None)
    losses = column_losses(before, after, asked, reasons)
    checks = [*_structure(case), *_records_kept(case)]
    if dictionary.kind == "records" and after.names(Role.KEY):
        checks += _record_promises(case, risk_after, losses)
    if after.names(Role.COUNT):
        checks += _count_promises(case)
    checks += _ledger_is_true(case, ledger)
    cells = sum(row["suppressed"] for row in losses)
    total = sum(len(after) for row in losses if row["status"] == "released")
    return {
        "request": request.id,
        "title": request.title,
        "policy": policy.policy,
        "tier": policy.tier,
        "component": dictionary.component,
        "kind": dictionary.kind,
        "rounds": list(request.rounds),
        "checks": [check._asdict() for check in checks],
        "risk_before": risk_of(before, policy),
        "risk_after": risk_after,
        "loss": {
            "information_loss": information_loss(losses, request.importance),
            "share_suppressed": cells / total if total else 0.0,
            "records_before": len(before),
            "records_after": len(after),
            "columns": losses,
        },
        "warnings": open_warnings(case),
    }


def conclude(verdict: dict, outcomes: Sequence[Any], suites: Sequence[str], plan_sha256: str) -> dict:
    """Add the findings of the suites, and the gate: it fails when a promise whose breach stops does not hold."""
    found = [Check(o.name, o.promise, o.observed, o.limit, o.passed, o.breach, o.by) for o in outcomes]
    checks = verdict["checks"] + [check._asdict() for check in found]
    failed = [check for check in checks if not check["passed"] and check["breach"] == "stop"]
    told = [
        f"{check['promise']}: {check['observed']} (limit {check['limit']})"
        for check in checks
        if not check["passed"] and check["breach"] == "warn"
    ]
    return {
        **verdict,
        "gate": "fail" if failed else "pass",
        "checks": checks,
        "warnings": [*told, *verdict["warnings"]],
        "expectations": {
            "suites": list(suites),
            "evaluated": len(outcomes),
            "unsuccessful": sum(not outcome.passed for outcome in outcomes),
        },
        "plan_sha256": plan_sha256,
    }


def require_pass(verdict: Mapping, report: Path) -> None:
    """Refuse to go on from a verdict whose gate is not `pass`.

    Raises
    ------
    DisclosureError : that names the promises that do not hold.
    """
    if verdict["gate"] != "pass":
        broken = [c for c in verdict["checks"] if not c["passed"] and c["breach"] == "stop"]
        raise DisclosureError.of(
            [
                Fault(f"{verdict['request']}, {c['name']}", f"{c['promise']}: {c['observed']} (limit {c['limit']})")
                for c in broken
            ]
            + [Fault(str(verdict["request"]), "no package is written", f"Read {report}")]
        )


def metrics(verdict: Mapping, policy: Policy) -> dict:
    """The few figures that are tracked from run to run."""
    before, after, loss = verdict["risk_before"], verdict["risk_after"], verdict["loss"]
    figures = {"gate": verdict["gate"], "records": loss["records_after"]}
    if "violations" in after:
        k = policy.k.value
        figures |= {
            "k": k,
            "violations_before": before["violations"].get(str(k)),
            "violations": next(c["observed"] for c in verdict["checks"] if c["name"] == "k_anonymity"),
            "expected_reidentifications_before": before["expected_reidentifications"],
            "expected_reidentifications": after["expected_reidentifications"],
            "global_risk_before": before["global_risk"],
            "global_risk": after["global_risk"],
            "household_risk_before": before["global_household_risk"],
            "household_risk": after["global_household_risk"],
        }
    else:
        figures |= {
            "minimum_count": policy.minimum_count.value,
            "violations_before": before["below_minimum"],
            "violations": after["below_minimum"],
        }
    return figures | {"share_suppressed": loss["share_suppressed"], "information_loss": loss["information_loss"]}


def _structure(case: Case) -> list[Check]:
    """Columns: known, asked for, and let out by the policy."""
    _, after, dictionary, policy, request = case
    own = {"rows_aggregated", "round"}
    entries = [dictionary.by_name[v.name] for v in after.variables if v.name in dictionary.by_name]
    unknown = [v.name for v in after.variables if v.name not in dictionary.by_name and v.name not in own]
    unasked = (
        []
        if request.variables == "all"
        else [v.name for v in after.variables if v.name not in {*request.variables, *own}]
    )
    lowest = policy.lowest_geography_counts if dictionary.kind == "counts" else policy.lowest_geography_records
    finer = [v for v in entries if v.geography and v.geography != Geography.POINT]
    texts = [v for v in entries if v.is_free_text]
    rank = policy.highest_sensitivity
    links = policy.household_links
    checks = [
        _columns("known_columns", "Every column has an entry in the dictionary", unknown, "stop"),
        _columns("asked_columns", "Nothing is released that was not asked for", unasked, "stop"),
        _columns(
            "no_identifiers",
            "No column names one person or household outright",
            [v.name for v in entries if v.role == Role.IDENTIFIER],
            "stop",
        ),
        _columns(
            "lowest_geography",
            f"No place is finer than {lowest.value}",
            [v.name for v in finer if v.geography and v.geography.depth > lowest.value.depth],
            lowest.breach,
        ),
        _columns(
            "sensitivity",
            f"No column is more sensitive than `{rank.value}`",
            [v.name for v in entries if v.sensitivity.rank > rank.value.rank],
            rank.breach,
        ),
    ]
    if policy.free_text.value == "drop":
        checks.append(_columns("no_free_text", "No free text", [v.name for v in texts], policy.free_text.breach))
    if links.value == "drop":
        tied = [v.name for v in entries if v.role == Role.HOUSEHOLD]
        checks.append(_columns("no_household_links", "Nothing ties the members of a household", tied, links.breach))
    return [*checks, _coordinates(case)]


def _coordinates(case: Case) -> Check:
    rule = case.policy.coordinate_decimals
    points = [v.name for v in case.after.variables if v.geography == Geography.POINT]
    if rule.value is None:
        promise = "No coordinates" if rule.breach == "stop" else "Coordinates as collected"
        return _columns("coordinates", promise, points if rule.breach == "stop" else [], rule.breach)
    exact = []
    for name in points:
        degrees = case.after.rows[name].to_numpy(dtype=np.float64, na_value=np.nan)
        if not np.allclose(degrees, np.round(degrees, rule.value), equal_nan=True, rtol=0, atol=1e-9):
            exact.append(name)
    return _columns("coordinates", f"Coordinates have at most {rule.value} decimals", exact, rule.breach)


def _columns(name: str, promise: str, found: Sequence[str], breach: str) -> Check:
    return Check(name, promise, ", ".join(found) if found else 0, 0, not found, breach)


def _records_kept(case: Case) -> list[Check]:
    before, after = case.before, case.after
    merged = "rows_aggregated" in after
    added = 0 if merged else int((~after.rows.index.isin(before.rows.index)).sum())
    rising = len(after) > 1 and not merged and bool(after.rows.index.is_monotonic_increasing)
    checks = [
        Check("no_records_added", "Every released record was collected", added, 0, added == 0, "stop"),
        Check("order", "Records do not stand in the order of collection", int(rising), 0, not rising, "stop"),
    ]
    if merged:
        people = int(after.rows["rows_aggregated"].sum())
        held = people == len(before)
        checks.append(Check("rows_accounted", "Every place went into one row", people, len(before), held, "stop"))
    return checks


def _record_promises(case: Case, risk: Mapping, losses: Sequence[Mapping]) -> list[Check]:
    policy, after = case.policy, case.after
    k, ell = policy.k, policy.ell
    keys = after.names(Role.KEY)
    violations: dict[str, int] = {}
    classes = key_classes(after.rows, keys)
    readings: tuple[Literal["wildcard", "category"], ...] = ("wildcard", "category")
    for one in readings:
        fk = frequencies(classes, missing=one).fk
        violations[one] = int(classes.records[fk < k.value].sum())
    promised = violations[policy.missing.value]
    other = "category" if policy.missing.value == "wildcard" else "wildcard"
    reading = {"wildcard": "a missing value matches any value", "category": "a missing value matches only itself"}
    checks = [
        Check(
            "k_anonymity",
            f"Every record shares its keys with at least {k.value - 1} others ({reading[policy.missing.value]})",
            promised,
            0,
            promised == 0,
            k.breach,
        ),
        Check(
            "k_anonymity_other_reading",
            f"Every record shares its keys with at least {k.value - 1} others ({reading[other]})",
            violations[other],
            0,
            violations[other] == 0,
            "report",
        ),
    ]
    for sensitive in after.names(Role.SENSITIVE):
        alike = _homogeneous_records(after, keys, sensitive, ell.value)
        promise = f"Every class that shows `{sensitive}` shows at least {ell.value} values of it"
        checks.append(Check(f"l_diversity:{sensitive}", promise, alike, 0, alike == 0, ell.breach))
    for name, rule, observed, promise in (
        (
            "max_individual_risk",
            policy.max_individual_risk,
            risk["max_individual_risk"],
            "No record's risk of re-identification is above",
        ),
        ("global_risk", policy.max_global_risk, risk["global_risk"], "Mean risk of re-identification is at most"),
        (
            "household_risk",
            policy.max_household_risk,
            risk["global_household_risk"],
            "Mean risk that somebody of the household is re-identified is at most",
        ),
    ):
        if observed is not None:
            checks += _limit(name, promise, observed, rule)
    kept = [row for row in losses if row["status"] == "released" and row["role"] == "key"]
    worst = max((row["share_suppressed"] for row in kept), default=0.0)
    before = case.before.rows.reindex(after.rows.index)
    touched = np.zeros(len(after), dtype=bool)
    for key in keys:
        touched |= before[key].notna().to_numpy() & after.rows[key].isna().to_numpy()
    share = float(touched.mean()) if len(touched) else 0.0
    return [
        *checks,
        *_limit("suppressed_values", "No key loses more of its values than", worst, policy.max_suppressed_values),
        *_limit("suppressed_records", "No more records lose a value than", share, policy.max_suppressed_records),
    ]


def _homogeneous_records(table: Table, keys: Sequence[str], sensitive: str, ell: int) -> int:
    """Records that show a sensitive value in a class of equal keys that shows fewer than `ell` distinct ones."""
    shown = table.rows[[*keys, sensitive]].dropna(subset=[sensitive])
    if not len(shown):
        return 0
    text = shown[sensitive].astype("str")
    distinct = text.groupby([shown[key].astype("str") for key in keys], dropna=False).transform("nunique")
    return int((distinct < ell).sum())


def _limit(name: str, promise: str, observed: float, rule: Rule) -> list[Check]:
    checks = [Check(name, promise, observed, rule.value, observed <= rule.value + 1e-12, rule.breach)]
    if rule.warn_at is not None and checks[0].passed:
        checks.append(Check(f"{name}_warning", promise, observed, rule.warn_at, observed <= rule.warn_at, "warn"))
    return checks


def _count_promises(case: Case) -> list[Check]:
    after, policy = case.after, case.policy
    columns = after.names(Role.COUNT)
    values = after.rows[columns].to_numpy(dtype=np.float64, na_value=np.nan)
    small = int(((values > 0) & (values < policy.minimum_count.value)).sum())
    checks = [
        Check(
            "minimum_count",
            f"No count from 1 to {policy.minimum_count.value - 1}",
            small,
            0,
            small == 0,
            policy.minimum_count.breach,
        )
    ]
    base = policy.rounding_base
    if base.value > 1:
        odd = int((np.nan_to_num(values) % base.value != 0).sum())
        checks.append(Check("rounding", f"Counts are multiples of {base.value}", odd, 0, odd == 0, base.breach))
    return [*checks, *_unrecoverable(case)]


def _unrecoverable(case: Case) -> list[Check]:
    """No small count of a row, released or not, follows from what the file shows of that row.

    Shown counts are taken as exact, though they may be rounded. A last intruder also knows every count that was not
    asked for and is not small: somebody else may have asked for it. That one is told, and does not stop.
    """
    after, rule = case.after, case.policy.minimum_count
    truth = _truth(case)
    if truth is None:
        return [Check("unrecoverable", "Rows of the file are those of the extract", "no", "yes", False, rule.breach)]
    observed = truth.notna().to_numpy()
    values = truth.to_numpy(dtype=np.float64, na_value=np.nan)
    small = ((values > 0) & (values < rule.value))[observed]
    own = np.broadcast_to(truth.columns.isin(after.rows.columns), observed.shape)[observed]
    gone = after.rows.reindex(columns=truth.columns).isna().to_numpy()[observed]
    checks = []
    for intruder in (NOTHING_KNOWN, AT_LEAST_ONE):
        cells = row_cells(truth, after.links, [str(name) for name in truth.columns if name in after.rows.columns])
        found = audit(cells, gone & own, small & gone, intruder)
        promise = f"No small count of {found.primary:,} can be solved from its row (intruder: {intruder.name})"
        checks.append(_audited(intruder.name, promise, found, rule.breach))
    if not own.all():
        cells = row_cells(truth, after.links, list(truth.columns))
        hidden = (gone & own) | (small & ~own)
        found = audit(cells, hidden, hidden & own & small, AT_LEAST_ONE)
        promise = "Nor by somebody who knows the larger counts that were not asked for"
        breach = "warn" if rule.breach == "stop" else rule.breach
        checks.append(_audited("larger counts known", promise, found, breach))
    return checks


def _audited(intruder: str, promise: str, found: Audit, breach: str) -> Check:
    left = found.recoverable if found.finished else max(found.recoverable, 1)
    return Check(f"unrecoverable:{intruder}", promise, left, 0, found.passed, breach)


def _truth(case: Case) -> pd.DataFrame | None:
    """The counts behind the rows of the file, for every count of the extract; None where rows cannot be matched."""
    before, after = case.before, case.after
    counts = before.names(Role.COUNT)
    if "rows_aggregated" not in after:
        return before.rows.loc[after.rows.index, counts]
    areas = [name for name in after.names(Role.KEY) if not after.repeats_a_place(name)]
    areas = list(dict.fromkeys([*areas, *(["round"] if "round" in after else [])]))
    text = {name: before.rows[name].astype("str").fillna("") for name in areas}
    sums = before.rows[counts].groupby(list(text.values()), dropna=False).sum(min_count=1)
    wanted = pd.MultiIndex.from_frame(pd.DataFrame({n: after.rows[n].astype("str").fillna("") for n in areas}))
    if len(areas) == 1:
        sums.index = pd.MultiIndex.from_arrays([sums.index], names=areas)
    if not wanted.is_unique or not wanted.isin(sums.index).all():
        return None
    return sums.reindex(wanted).set_axis(after.rows.index)


def _ledger_is_true(case: Case, ledger: Mapping) -> list[Check]:
    """The ledger's counts against the two files: cells suppressed, columns gone, records gone."""
    before, after = case.before, case.after
    removed = {name for entry in ledger["entries"] for name in entry["columns_removed"]}
    gone = {name for name in before.rows.columns if name not in after}
    wrong = len(removed ^ gone)
    if "rows_aggregated" not in after:
        rows = before.rows.reindex(after.rows.index)
        for name in after.rows.columns:
            seen = int((rows[name].notna().to_numpy() & after.rows[name].isna().to_numpy()).sum())
            told = sum(entry["suppressed"].get(name, 0) for entry in ledger["entries"])
            wrong += seen != told
    if ledger["entries"]:
        wrong += ledger["entries"][-1]["records_after"] != len(after)
    return [Check("ledger", "The ledger says what the files show", wrong, 0, wrong == 0, "stop")]


def open_warnings(case: Case) -> list[str]:
    """What this release does not protect against, in sentences."""
    after, policy = case.after, case.policy
    warnings = []
    if after.names(Role.COUNT):
        if "rows_aggregated" in after:
            alone = int((after.rows["rows_aggregated"] == 1).sum())
            if alone:
                warnings.append(f"{alone} rows hold a single assessed place: their counts are that place's counts.")
        elif after.names(Role.KEY, Role.SENSITIVE):
            warnings.append(
                "Rows are places: a rare combination of attributes can single out a place, and what is said of it is "
                "said of everybody in it."
            )
        warnings.append("Totals over areas were not held against other releases; do it before publishing two of them.")
    elif policy.missing.value == "wildcard":
        warnings.append(
            "k-anonymity is read with missing values as wildcards: an intruder who knows which values were suppressed "
            "has classes smaller than k (the check of the other reading says how many records)."
        )
    return warnings
