"""Promises on counts: no rule of the policy broken by what is shown, and nothing hidden that can be solved."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np

from sdc.cells.moves import components, system_of
from sdc.dictionary import Geography, Role
from sdc.policy import Policy
from sdc.table import Table
from sdc.utility.counts import count_losses
from sdc.verdict.case import Case, Check, limit_checks
from sdc.verdict.cellaudit import INTRUDERS, Learned, Shown, cells_of, learns
from sdc.verdict.filecounts import Behind, area_numbers, behind, broken_rules, minimum_rules, same_places
from sdc.verdict.shown import EXACT, count_columns, shown_of

_PROMISES = {
    "zeros": "No zero is shown where zeros tell too",
    "minimum_contributors": "No sum is shown to which fewer than {least} places contribute",
    "dominance": "No sum is shown that a few places dominate",
    "p_percent": "No sum is shown from which one place can estimate another",
    "group_disclosure": "No breakdown by something sensitive is shown that has everybody in one category",
    "sensitive_sites": "No count is shown that tells of a place shown to nobody",
}
_KNOWS = {
    "nothing-known": "who knows nothing but the file and the published sums",
    "at-least-one": "who also knows that a hidden count is not 0",
    "last-round": "who also has the other rounds, and counts that did not change",
    "knows-primary": "who also knows which counts were hidden for being small",
    "singleton": "who is the only one in some count, and knows it",
}
_TAKEN_AS_KNOWN = {"last-round": "last_round", "singleton": "own_count", "knows-primary": "which_primary"}
_UNASKED = "larger-counts-known"


class CountFindings(NamedTuple):
    """Checks on counts, the figures of the verdict, and open warnings."""

    checks: list[Check]
    cells: dict[str, Any]
    loss: dict[str, Any] | None
    warnings: list[str]


def count_promises(case: Case, earlier: Sequence[Table] = ()) -> CountFindings:
    """Hold what the file shows of counts against the rules of the policy, and against intruders.

    Parameters
    ----------
    case : Case
    earlier : sequence of Table
        What was released before of the same rounds: known to the intruder who remembers.

    Returns
    -------
    CountFindings
    """
    policy = case.policy
    found = behind(case)
    if found is None:
        rule = policy.secondary_suppression
        promise = "Rows of the file are those of the extract"
        return CountFindings([Check("recoverable", promise, "no", "yes", False, rule.breach)], {}, None, [])
    rules = broken_rules(case, found)
    areas = area_numbers(case, found, policy.margins.value) if policy.count_method.value in EXACT else []
    released = found.truth.columns.isin(case.after.rows.columns)
    guarding = {name: broken for name, broken in rules.items() if getattr(policy, name).breach == "stop"}
    cells = cells_of(found.truth, case.before.links, released, [number for _, number in areas])
    shown = shown_of(case, found, cells, guarding, same_places(case, found))
    learned = {name: learns(shown, name, _remembered(earlier, case, found, shown)) for name in INTRUDERS}
    checks = [*_rule_checks(case, found, rules), *_rounding_check(case)]
    checks += [_recoverable(name, told, policy) for name, told in learned.items()]
    checks += _larger_counts_known(case, found, shown, rules, areas, released)
    figures = _figures(case, found, shown, rules, areas, learned)
    promise = "Share of the counts of the file that are hidden"
    observed = figures["published"] + figures["suppressed"]
    share = figures["suppressed"] / observed if observed else 0.0
    checks += limit_checks("max_suppressed_counts", promise, round(share, 4), policy.max_suppressed_counts)
    return CountFindings(checks, figures, _loss(case, found), _warnings(figures["given_away_by_sums"]))


def _rule_checks(case: Case, found: Behind, rules: Mapping[str, np.ndarray]) -> list[Check]:
    """No count that the file shows breaks a rule; small ones are looked for in what is written."""
    policy, after = case.policy, case.after
    exact = policy.count_method.value in EXACT
    small = dict.fromkeys(("minimum_count", "minimum_households", "minimum_sensitive_count"), 0)
    limits: dict[str, int] = {}
    for name in count_columns(after):
        values = after.rows[name].to_numpy(dtype=np.float64, na_value=np.nan)
        for rule in minimum_rules(case.before[name]):
            limits[rule] = getattr(policy, rule).value
            small[rule] += int(((values > 0) & (values < limits[rule])).sum())
    what = {
        "minimum_count": "No count from 1 to {}",
        "minimum_households": "No count of households from 1 to {}",
        "minimum_sensitive_count": "No count of a sensitive kind from 1 to {}",
    }
    checks = [
        Check(rule, what[rule].format(limits[rule] - 1), small[rule], 0, small[rule] == 0, getattr(policy, rule).breach)
        for rule in limits
        if rule == "minimum_count" or limits[rule] > 1
    ]
    written = np.zeros(found.truth.shape, dtype=bool)
    inside = np.flatnonzero(found.in_file >= 0)
    for j, name in enumerate(found.truth.columns):
        if name in after:
            written[inside, j] = after.rows[name].notna().to_numpy()[found.in_file[inside]]
    for rule, promise in _PROMISES.items():
        broken = rules.get(rule)
        if broken is None or not exact or not (broken.any() or _asked(policy, rule)):
            continue
        seen = int((broken & written).sum())
        text = promise.format(least=policy.minimum_contributors.value)
        checks.append(Check(rule, text, seen, 0, seen == 0, getattr(policy, rule).breach))
    return checks


def _asked(policy: Policy, rule: str) -> bool:
    """Whether the policy's value for a rule asks for anything."""
    value = getattr(policy, rule).value
    return value not in (None, "show", "keep", 1)


def _rounding_check(case: Case) -> list[Check]:
    rule = case.policy.rounding_base
    if rule.value <= 1 or case.policy.count_method.value in ("small_count", "cell_key", "none"):
        return []
    values = case.after.rows[count_columns(case.after)].to_numpy(dtype=np.float64, na_value=np.nan)
    odd = int((np.nan_to_num(values) % rule.value != 0).sum())
    return [Check("rounding", f"Counts are multiples of {rule.value}", odd, 0, odd == 0, rule.breach)]


def _recoverable(name: str, told: Learned, policy: Policy) -> Check:
    """Whether one intruder can solve for a guarded count."""
    breach = "report"
    if name in ("nothing-known", "at-least-one") and policy.secondary_suppression.value == "required":
        breach = policy.secondary_suppression.breach
    if name in _TAKEN_AS_KNOWN and getattr(policy, _TAKEN_AS_KNOWN[name]).value == "known":
        breach = getattr(policy, _TAKEN_AS_KNOWN[name]).breach
    left = told.recoverable if told.finished else max(told.recoverable, 1)
    promise = f"None of {told.primary:,} guarded counts can be solved by somebody {_KNOWS[name]}"
    return Check(f"recoverable:{name}", promise, left, 0, left == 0, breach)


def _larger_counts_known(
    case: Case,
    found: Behind,
    shown: Shown,
    rules: Mapping[str, np.ndarray],
    areas: Sequence[tuple[str, np.ndarray]],
    released: np.ndarray,
) -> list[Check]:
    """The same for somebody who got the larger counts that were not asked for in another release."""
    rule = case.policy.secondary_suppression
    if released.all() or rule.value != "required" or case.policy.count_method.value not in EXACT:
        return []
    every = np.ones(len(released), dtype=bool)
    cells = cells_of(found.truth, case.before.links, every, [number for _, number in areas])
    row, column = cells.labels["row"].to_numpy(), cells.labels["column"].to_numpy()
    small = np.zeros(found.truth.shape, dtype=bool)
    for broken in rules.values():
        small |= broken
    unasked = ~released[column]
    withheld = (cells.counts < shown.least) & (cells.counts > 0)
    hidden = np.where(unasked, np.where(row >= 0, small[row, column], withheld), shown.hidden)
    known = replace(shown, cells=cells, hidden=hidden, primary=shown.primary & ~unasked)
    told = learns(known, "at-least-one")
    breach = "warn" if rule.breach == "stop" else rule.breach
    promise = "No guarded count can be solved by somebody who knows the larger counts that were not asked for"
    left = told.recoverable if told.finished else max(told.recoverable, 1)
    return [Check(f"recoverable:{_UNASKED}", promise, left, 0, left == 0, breach)]


def _remembered(earlier: Sequence[Table], case: Case, found: Behind, shown: Shown) -> np.ndarray | None:
    """What earlier releases showed of each count that is still true; NaN elsewhere."""
    if not earlier:
        return None
    row, column = shown.cells.labels["row"].to_numpy(), shown.cells.labels["column"].to_numpy()
    last = np.full(len(shown.cells), np.nan)
    for table in earlier:
        keys = [name for name in found.keys.columns if name in table and table[name].role == Role.KEY]
        if not keys:
            continue
        own = found.keys[keys].astype("str").fillna("").agg("\x1f".join, axis=1)
        names = table.rows[keys].astype("str").fillna("").agg("\x1f".join, axis=1)
        for j, name in enumerate(found.truth.columns):
            if name not in table or table[str(name)].level:
                continue
            told = set(zip(names, table.rows[name].astype("Float64"), strict=True))
            at = np.flatnonzero((row >= 0) & (column == j))
            truth = shown.cells.counts[at].astype(np.float64)
            true = np.array([pair in told for pair in zip(own.to_numpy()[row[at]], truth, strict=True)], dtype=bool)
            last[at[true]] = truth[true]
    return last


def _figures(
    case: Case,
    found: Behind,
    shown: Shown,
    rules: Mapping[str, np.ndarray],
    areas: Sequence[tuple[str, np.ndarray]],
    learned: Mapping[str, Learned],
) -> dict[str, Any]:
    """The verdict's entry on counts, in counts and shares."""
    labels = shown.cells.labels
    row, column, level = (labels[name].to_numpy() for name in ("row", "column", "level"))
    inside = (row >= 0) & (found.in_file[row] >= 0) & shown.cells.published
    gone = inside & shown.hidden
    breaking = np.zeros(len(row), dtype=bool)
    by_rule = {}
    for rule, broken in rules.items():
        own = gone & broken[row, column]
        by_rule[rule] = int(own.sum())
        breaking |= own
    persons = np.where(gone, shown.cells.counts, 0)
    columns = []
    for j, name in enumerate(found.truth.columns):
        here = inside & (column == j)
        if here.any():
            there = float(shown.cells.counts[here].sum())
            columns.append({
                "name": str(name), "cells": int(here.sum()), "primary": int((breaking & here).sum()),
                "secondary": int((gone & ~breaking & here).sum()),
                "persons_share": round(float(persons[here].sum()) / there, 4) if there else 0.0,
            })  # fmt: skip
    total = float(shown.cells.counts[inside].sum())
    free = system_of(
        shown.cells,
        np.where(shown.hidden | ~shown.cells.published, 0, shown.low),
        np.where(shown.hidden | ~shown.cells.published, np.inf, shown.high),
        whole=True,
    )
    sizes = [len(part) for part in components(free)]
    return {
        "published": int((inside & ~shown.hidden).sum()),
        "suppressed": int(gone.sum()),
        "primary": int(breaking.sum()),
        "secondary": int((gone & ~breaking).sum()),
        "guarded": int(shown.primary.sum()),
        "by_rule": {rule: n for rule, n in by_rule.items() if n},
        "recoverable": {name: told.recoverable for name, told in learned.items()},
        "narrowest_interval": {name: _width(told) for name, told in learned.items()},
        "given_away_by_sums": _given_away(case.policy, learned),
        "persons_suppressed_share": round(float(persons.sum()) / total, 4) if total else 0.0,
        "columns": columns,
        "sums": [
            {"level": name, "cells": int((level == i).sum()), "withheld": int((shown.hidden & (level == i)).sum())}
            for i, (name, _) in enumerate(areas, start=1)
        ],
        "components": {"number": len(sizes), "largest": max(sizes, default=0)},
    }


def _loss(case: Case, found: Behind) -> dict[str, Any] | None:
    """What users of the file, and of sums of its rows, still have."""
    inside = np.flatnonzero(found.in_file >= 0)
    names = [name for name in found.truth.columns if name in count_columns(case.after)]
    if not names:  # all are bands
        return None
    left = case.after.rows[names].iloc[found.in_file[inside]]
    areas = area_numbers(case, found, (Geography.ADMIN2, Geography.ADMIN1))
    return count_losses(found.truth[names].iloc[inside], left, [(name, number[inside]) for name, number in areas])


def _width(told: Learned) -> float | None:
    return None if np.isinf(told.narrowest) else float(told.narrowest)


def _given_away(policy: Policy, learned: Mapping[str, Learned]) -> int:
    """Small counts that sums alone give to an intruder whom the policy takes account of."""
    untold = {name for name, rule in _TAKEN_AS_KNOWN.items() if getattr(policy, rule).value != "known"}
    return max(told.given_away for name, told in learned.items() if name not in untold)


def _warnings(given: int) -> list[str]:
    """What protection of this file cannot mend."""
    if not given:
        return []
    return [
        f"{given:,} small counts follow from sums over larger areas alone, whatever this file hides: whoever publishes "
        "these sums withholds one more of them."
    ]
