"""Small builders for the documents in `report_samples`: one column, check, ledger entry, loss or risk each."""

from typing import Any

from sdc.dictionary import Dictionary
from sdc.policy import Policy
from sdc.request import Request


def groups(columns: int) -> list[str]:
    parts = [
        f"{status}_{sex}_{age}"
        for status in ("idp", "returnee", "host", "migrant", "refugee", "stranded")
        for sex in ("women", "men")
        for age in ("0_to_4", "5_to_11", "12_to_17", "18_to_59", "60_and_over")
    ]
    names = ["idp_households", "idp_individuals", "returnee_households", "returnee_individuals", *parts]
    return [
        names[n] if n < len(names) else f"{names[n % len(names)]}_list_{n // len(names) + 1}" for n in range(columns)
    ]


def column(name: str, label: str, type_: str, role: str, **more: Any) -> dict:
    return {"name": name, "label": {"en": label}, "type": type_, "role": role, **more}


def documents(
    request: Request, policy_: Policy, dictionary: Dictionary, steps: list[tuple], ledger: list[dict], verdict: dict
) -> dict[str, Any]:
    plan = {
        "request": request.id,
        "policy": policy_.policy,
        "component": dictionary.component,
        "kind": verdict["kind"],
        "rounds": list(request.rounds),
        "steps": [{"name": name, "params": params, "because": because} for name, params, because in steps],
    }
    return {
        "request": request,
        "policy": policy_,
        "dictionary": dictionary,
        "plan": plan,
        "ledger": {"request": request.id, "entries": ledger},
        "verdict": {**verdict, "loss": _labelled(verdict["loss"], dictionary)},
    }


def _labelled(loss: dict, dictionary: Dictionary) -> dict:
    columns = [{**row, "label": dictionary.by_name[row["name"]].label["en"]} for row in loss["columns"]]
    return {**loss, "columns": columns}


def entry(step: str, params: dict, because: str, before: int, *, after: int | None = None, **seen: Any) -> dict:
    nothing: dict[str, Any] = {"columns_removed": [], "columns_added": [], "recoded": {}, "suppressed": {}}
    return {
        "step": step,
        "params": params,
        "because": because,
        "records_before": before,
        "records_after": before if after is None else after,
        **nothing,
        **seen,
    }


def check(
    name: str, promise: str, observed: Any, limit: Any, breach: str = "stop", passed: bool = True, by: str = "judge"
) -> dict:
    return {
        "name": name,
        "promise": promise,
        "observed": observed,
        "limit": limit,
        "passed": passed,
        "breach": breach,
        "by": by,
    }


def risk(
    keys: list[str],
    classes: int,
    violations: tuple[int, ...],
    expected: float,
    average: float,
    highest: float,
    expected_household: float | None,
    average_household: float | None,
    histogram: tuple[int, ...],
) -> dict:
    bins = ("1", "2", "3-4", "5-9", "10-19", "20-49", "50+")
    return {
        "records": sum(histogram),
        "keys": keys,
        "classes": classes,
        "violations": dict(zip(("2", "3", "5", "10"), violations, strict=True)),
        "expected_reidentifications": expected,
        "global_risk": average,
        "max_individual_risk": highest,
        "expected_household_reidentifications": expected_household,
        "global_household_risk": average_household,
        "suda": None,
        "diversity": {},
        "fk_histogram": [{"fk": fk, "records": n} for fk, n in zip(bins, histogram, strict=True)],
    }


def loss(
    name: str,
    role: str,
    *,
    suppressed: int = 0,
    share: float = 0.0,
    level: int = 0,
    level_name: str | None = None,
    loss: float | None = None,
    dropped: str = "",
) -> dict:
    return {
        "name": name,
        "role": role,
        "status": "dropped" if dropped else "released",
        "level": None if dropped else level,
        "level_name": level_name,
        "suppressed": suppressed,
        "share_suppressed": share,
        "loss": 1.0 if dropped else share if loss is None else loss,
        "because": dropped,
    }


def hidden_counts(counts: list[str], hidden: dict[str, int], rows: int) -> dict:
    """The verdict's entry on hidden counts: some break a rule, a third of them protect those, two can be solved."""
    total = sum(hidden.values())
    columns = [
        {
            "name": name,
            "cells": rows,
            "primary": hidden.get(name, 0) - hidden.get(name, 0) // 3,
            "secondary": hidden.get(name, 0) // 3,
            "persons_share": hidden.get(name, 0) / (20 * rows),
        }
        for name in counts
    ]
    secondary = sum(row["secondary"] for row in columns)
    return {
        "published": rows * len(counts) - total,
        "suppressed": total,
        "primary": total - secondary,
        "secondary": secondary,
        "guarded": total - secondary + 7,
        "by_rule": {"minimum_count": total - secondary - 9, "minimum_households": 9},
        "recoverable": {"nothing-known": 0, "at-least-one": 0, "last-round": 2, "knows-primary": 14, "singleton": 1},
        "narrowest_interval": {
            "nothing-known": 1.0, "at-least-one": 1.0, "last-round": 0.0, "knows-primary": 0.0, "singleton": 0.0,
        },
        "given_away_by_sums": 3,
        "persons_suppressed_share": 0.0213,
        "columns": columns,
        "sums": [
            {"level": "admin1", "cells": 11 * len(counts), "withheld": 7},
            {"level": "admin0", "cells": len(counts), "withheld": 0},
        ],
        "components": {"number": 12, "largest": 96},
    }  # fmt: skip


def counts_left() -> dict:
    """The verdict's entry on what users of counts still have."""
    levels = (("row", 2170, 0.941, 0.979, 0.061), ("admin1", 310, 0.812, 0.979, 0.031))
    return {
        "columns": [],
        "levels": [
            {
                "level": level, "cells": cells, "complete": complete, "persons_left": left, "error_mean": mean,
                "error_most": 1.0,
            }
            for level, cells, complete, left, mean in levels
        ],
    }  # fmt: skip
