"""The verdict: whether the file on disk keeps what the policy promises.

The judge works on the table as read back from disk and on the table as ingested. It knows the policy; it does not ask
the plan or the ledger what was done, but for holding the ledger against the two files.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from sdc.dictionary import Role
from sdc.errors import DisclosureError, Fault
from sdc.policy import Policy
from sdc.table import Table
from sdc.utility import column_losses, information_loss
from sdc.utility.tables import table_distances
from sdc.verdict.case import Case, Check
from sdc.verdict.counts import CountFindings, count_promises
from sdc.verdict.measures import risk_of
from sdc.verdict.places import place_promises
from sdc.verdict.records import record_promises
from sdc.verdict.structure import ledger_is_true, records_kept, structure


def judge(case: Case, ledger: Mapping, reasons: Mapping[str, str], earlier: Sequence[Table] = ()) -> dict:
    """Hold every promise of the policy against the file on disk.

    Parameters
    ----------
    case : Case
    ledger : mapping
    reasons : mapping of column to why it left
    earlier : sequence of Table
        Counts that were released before, which an intruder remembers.

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
    checks = [*structure(case), *records_kept(case)]
    if dictionary.kind == "records" and after.names(Role.KEY):
        checks += record_promises(case, risk_after, losses)
    counted = any(name in after for name in before.names(Role.COUNT))  # as numbers, or as bands
    counts = count_promises(case, earlier) if counted else CountFindings([], {}, None, [])
    checks += counts.checks
    if dictionary.kind == "counts":
        checks += place_promises(case)
    checks += ledger_is_true(case, ledger)
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
            "tables": _tables_moved(case) if dictionary.kind == "records" else None,
            "counts": counts.loss,
        },
        **({"cells": counts.cells} if counts.cells else {}),
        "warnings": [*counts.warnings, *open_warnings(case)],
    }


def _tables_moved(case: Case) -> dict | None:
    """How far the tables that users make moved: weighted margins, and two-way tables of keys with the rest.

    Shares of persons in another cell than before, at the level released, rounded so that no single weight shows.
    """
    before, after = case.before, case.after
    columns = after.names(Role.KEY, Role.SENSITIVE)
    if not columns:
        return None
    weight = before.name(Role.WEIGHT)
    if weight is not None and weight not in after:
        before = before.drop([weight])
    found = table_distances(before, after, columns, ways=(1, 2))
    margins = [row["total_variation"] for row in found if len(row["columns"]) == 1]
    pairs = [row["total_variation"] for row in found if len(row["columns"]) == 2]
    return {
        "margins_mean": round(sum(margins) / len(margins), 3),
        "margins_most": round(max(margins), 3),
        "two_way_mean": round(sum(pairs) / len(pairs), 3) if pairs else None,
        "two_way_most": round(max(pairs), 3) if pairs else None,
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
    if loss["tables"]:
        figures |= {"margins_moved": loss["tables"]["margins_mean"], "two_way_moved": loss["tables"]["two_way_mean"]}
    return figures | {"share_suppressed": loss["share_suppressed"], "information_loss": loss["information_loss"]}


def open_warnings(case: Case) -> list[str]:
    """What this release does not protect against, in sentences."""
    after, policy = case.after, case.policy
    warnings = []
    weight = after.name(Role.WEIGHT)
    if weight is not None:
        alone = int((~after.rows[weight].duplicated(keep=False) & after.rows[weight].notna()).sum())
        if alone:
            warnings.append(
                f"{alone:,} records hold a sampling weight that no other record holds. Weights are released untouched: "
                "whoever has another release of the same records can join the two by them."
            )
    if after.name(Role.HOUSEHOLD) is not None:
        warnings.append(
            "Household numbers are released: the members of a household can be counted, whatever is done to its size."
        )
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
        if not policy.margins.value:
            warnings.append("Sums over areas were not held against this file: whoever publishes them may give it away.")
    elif policy.missing.value == "wildcard":
        warnings.append(
            "k-anonymity is read with missing values as wildcards: an intruder who knows which values were suppressed "
            "has classes smaller than k (the check of the other reading says how many records)."
        )
    return warnings
