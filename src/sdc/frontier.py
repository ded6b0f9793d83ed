"""The risk-utility frontier of a request: what each number of its policy would cost, and what it would leave."""

from collections.abc import Mapping, Sequence
from typing import Any

from sdc.dictionary import Role
from sdc.errors import DisclosureError, PolicyError
from sdc.master import Served, compile_for
from sdc.plan import TRIAL, Brief, apply, dropped_because
from sdc.table import Table
from sdc.verdict import Case, judge, risk_of

NUMBERS = (2, 3, 5, 10, 20)
SMALL = ("1-4", "5-9", "10-19")  # bands of the counts that a small place's neighbours recognise
_RECORD_RISKS = (
    "classes",
    "violations",
    "expected_reidentifications",
    "global_risk",
    "max_individual_risk",
    "expected_household_reidentifications",
    "global_household_risk",
)
_WEIGHED = ("global_risk", "global_household_risk", "small_counts", "share_suppressed", "information_loss")


def rule_of(brief: Brief) -> str:
    """The rule that the frontier varies: `k` for records, `minimum_count` for counts."""
    return "k" if brief.dictionary.kind == "records" else "minimum_count"


def whole_numbers(text: str) -> tuple[int, ...]:
    """Numbers as they are typed: ``2,3,5``.

    Raises
    ------
    PolicyError : when they are no whole numbers.
    """
    try:
        return tuple(int(part) for part in text.split(","))
    except ValueError:
        raise PolicyError("numbers of the frontier", "not whole numbers with commas", "Write them as 2,3,5.") from None


def frontier(table: Table, brief: Brief, numbers: Sequence[int] = NUMBERS, served: Served | None = None) -> dict:
    """Protect and judge a request once for each number, all other rules of its policy as they stand.

    Parameters
    ----------
    table : Table, as ingested
    brief : Brief
        The policy as it stands for the component (`Policy.for_component`).
    numbers : sequence of int, records (or persons, for counts), at least 2
        Values of `k`, or of `minimum_count`; the policy's own is added.
    served : Served, optional
        The master that the request is cut from: its finer tiers stay as they are.

    Returns
    -------
    dict
        request, policy, component, kind, rule, policy_number, records, ``before`` (risk as collected) and ``points``,
        by rising number. A point has number, refused (why no plan keeps the promises, else None), risk,
        share_suppressed, information_loss, keys (level of each key), broken (promises that stop a release and
        would not hold) and beaten_by (a number that is larger, costs no more and leaves no more risk; else None).
        Counts and names of columns only.

    Raises
    ------
    PolicyError : when a number is below 2, or the policy does not protect to the rule.
    RequestError : when the request asks for variables that are not there.

    Guarantees
    ----------
    * The point of the policy's own number is what the pipeline makes of the request.
    * The table, the policy and the pipeline's files are left as they were.
    * The same table and brief give the same frontier, whatever the order of records.
    """
    rule = rule_of(brief)
    own = getattr(brief.policy, rule)
    where = f"policy `{brief.policy.policy}`, `{rule}`"
    if own.breach != "stop":
        raise PolicyError(
            where, f"a breach of it is a `{own.breach}`, so no number changes what is protected", "Choose a policy."
        )
    if any(number < 2 for number in numbers):
        raise PolicyError(where, "a number below 2 protects nobody", "Give whole numbers from 2.")
    points = [_point(table, brief, served, rule, number) for number in sorted({*numbers, own.value})]
    return {
        "request": brief.request.id,
        "policy": brief.policy.policy,
        "component": brief.dictionary.component,
        "kind": brief.dictionary.kind,
        "rule": rule,
        "policy_number": own.value,
        "records": len(table),
        "before": _risk(risk_of(table, brief.policy)),
        "points": [point | {"beaten_by": _beaten_by(point, points)} for point in points],
    }


def _point(table: Table, brief: Brief, served: Served | None, rule: str, number: int) -> dict[str, Any]:
    """One number: plan, protect, judge."""
    varied = getattr(brief.policy, rule).model_copy(update={"value": number})
    brief = brief._replace(policy=brief.policy.model_copy(update={rule: varied}))
    if served is not None:
        served = served._replace(policies=(*served.policies[:-1], brief.policy))
    try:
        steps = compile_for(table, brief, served)
    except DisclosureError as refusal:
        return {"number": number, "refused": refusal.faults[0].what, "broken": []}
    after, entries = apply(steps, table, TRIAL)
    verdict = judge(Case(table, after, *brief), {"entries": entries}, dropped_because(steps, table))
    loss = verdict["loss"]
    return {
        "number": number,
        "refused": None,
        "records": loss["records_after"],
        "risk": _risk(verdict["risk_after"]),
        "share_suppressed": loss["share_suppressed"],
        "information_loss": loss["information_loss"],
        "keys": [_key(row, table) for row in loss["columns"] if row["role"] == Role.KEY],
        "broken": [check["name"] for check in verdict["checks"] if not check["passed"] and check["breach"] == "stop"],
    }


def _risk(risk: Mapping) -> dict[str, Any]:
    """The few figures of risk that a number is picked by."""
    if "violations" in risk:
        return {name: risk[name] for name in _RECORD_RISKS}
    small = sum(band["cells"] for band in risk["count_histogram"] if band["count"] in SMALL)
    return {
        "cells": risk["cells"],
        "below_minimum": risk["below_minimum"],
        "small_counts": small,
    }


def _key(row: Mapping, table: Table) -> dict[str, Any]:
    """What became of one key."""
    kept = ("name", "label", "status", "level", "level_name", "share_suppressed", "loss")
    return {name: row[name] for name in kept} | {"levels": table[row["name"]].top}


def _beaten_by(point: Mapping, points: Sequence[Mapping]) -> int | None:
    """A larger number that keeps all promises, costs no more and leaves no more risk."""
    if point["refused"]:
        return None
    cost = _figures(point)
    for other in points:
        if other["number"] > point["number"] and not other["refused"] and not other["broken"]:
            theirs = _figures(other)
            if theirs.keys() == cost.keys() and all(theirs[name] <= cost[name] + 1e-12 for name in cost):
                return int(other["number"])
    return None


def _figures(point: Mapping) -> dict[str, float]:
    every = {**point["risk"], **point}
    return {name: every[name] for name in _WEIGHED if every.get(name) is not None}
