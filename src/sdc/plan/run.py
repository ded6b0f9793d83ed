"""Steps taken one by one, and observed."""

import hashlib
import hmac
from collections.abc import Mapping, Sequence

import pandas as pd

from sdc.dictionary import Role
from sdc.errors import IntegrityError, RequestError
from sdc.plan.brief import Brief, Step
from sdc.steps import STEPS
from sdc.steps.aggregation import CONTRIBUTORS
from sdc.steps.counts import primary_counts
from sdc.table import Table

RULES = ("minimum", "minimum_households", "minimum_sensitive", "zeros", "group_disclosure", "sensitive_sites")


def apply(steps: Sequence[Step], table: Table, secret: bytes | None = None) -> tuple[Table, list[dict]]:
    """Take the steps one by one, and write the ledger from what each was seen to do.

    Parameters
    ----------
    steps : sequence of Step
    table : Table
    secret : bytes, optional
        The key of the house, for steps that draw at random.

    Returns
    -------
    Table, and one ledger entry a step

    Raises
    ------
    IntegrityError : when a step draws at random and there is no secret.
    """
    ledger = []
    for step in steps:
        before, table = table, take(step, table, secret)
        ledger.append(observe(step, before, table))
    return table, ledger


def take(step: Step, table: Table, secret: bytes | None) -> Table:
    """One step. Where the plan names the purpose of a key, the seed is drawn from the secret of the house for it."""
    params = dict(step.params)
    if "key" in params:
        if secret is None or len(secret) < 16:
            raise IntegrityError(f"step `{step.name}`", "draws at random, and there is no secret", "Give the key file.")
        digest = hmac.new(secret, str(params.pop("key")).encode(), hashlib.sha256).digest()
        params["seed"] = int.from_bytes(digest[:16], "big")
    return STEPS[step.name](table, **params)


def observe(step: Step, before: Table, after: Table) -> dict:
    """What a step was seen to do, in counts: a step cannot misreport itself."""
    shared = [name for name in after.rows.columns if name in before]
    paired = after.rows.index.isin(before.rows.index).all() and len(after) <= len(before)
    merged = any(name not in before for name in after.rows.columns)
    suppressed, recoded = {}, {}
    if paired and not merged:
        old_rows = before.rows.loc[after.rows.index]
        for name in shared:
            old, new = old_rows[name], after.rows[name]
            if old.dtype != object and old.equals(new):
                continue
            gone = old.notna().to_numpy() & new.isna().to_numpy()
            both = old.notna().to_numpy() & new.notna().to_numpy()
            changed = int((old[both].astype("str").to_numpy() != new[both].astype("str").to_numpy()).sum())
            if gone.any():
                suppressed[name] = int(gone.sum())
            if changed:
                recoded[name] = changed
    rules = {}
    if step.name == "suppress_counts":
        forbidden = primary_counts(before, **{name: step.params[name] for name in RULES if name in step.params})
        hidden = {n: before.rows[n].notna() & after.rows[n].isna() for n in forbidden if n in suppressed}
        rules = {
            "primary": {name: int((rows & forbidden[name]).sum()) for name, rows in hidden.items()},
            "secondary": {name: int((rows & ~forbidden[name]).sum()) for name, rows in hidden.items()},
        }
    return {
        "step": step.name,
        "params": dict(step.params),
        "because": step.because,
        "records_before": len(before),
        "records_after": len(after),
        "columns_removed": [name for name in before.rows.columns if name not in after],
        "columns_added": [name for name in after.rows.columns if name not in before],
        "recoded": recoded,
        "suppressed": suppressed,
        **rules,
    }


def plan_document(steps: Sequence[Step], brief: Brief) -> dict:
    """The plan as plain values: what is printed, diffed, approved and hashed."""
    return {
        "request": brief.request.id,
        "policy": brief.policy.policy,
        "component": brief.dictionary.component,
        "kind": brief.dictionary.kind,
        "rounds": list(brief.request.rounds),
        "steps": [{"name": s.name, "params": dict(s.params), "because": s.because} for s in steps],
    }


def steps_of(document: Mapping) -> tuple[Step, ...]:
    """The steps of a plan document; a step that is not on the menu is refused."""
    try:
        steps = tuple(Step(s["name"], dict(s["params"]), str(s["because"])) for s in document["steps"])
    except (KeyError, TypeError, ValueError):
        where = f"plan of {document['request']}"
        raise RequestError(
            where, "a step lacks its name, its params or its reason", "Compile the plan again."
        ) from None
    for step in steps:
        if step.name not in STEPS:
            raise RequestError(f"plan of {document['request']}", f"`{step.name}` is no step", "Compile the plan again.")
    return steps


def dropped_because(steps: Sequence[Step], table: Table) -> dict[str, str]:
    """Why each column left, by name; for aggregation, the columns that cannot be summed."""
    reasons: dict[str, str] = {}
    kept = pd.Index(table.rows.columns)
    for step in steps:
        if step.name == "drop_columns":
            reasons |= dict.fromkeys(step.params["columns"], step.because)
        elif step.name == "aggregate_counts":
            summed = {*step.params["by"], *table.names(Role.COUNT), CONTRIBUTORS.name}
            reasons |= {name: step.because for name in kept if name not in summed and name not in reasons}
        elif step.name == "recode":
            reasons |= dict.fromkeys(table.followers(step.params["variable"]), step.because)
    return reasons
