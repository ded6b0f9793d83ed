"""Compile a policy into steps, apply them, observe what they did."""

from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

import pandas as pd

from sdc.dictionary import Dictionary, Geography, Role, Type
from sdc.errors import DisclosureError, RequestError
from sdc.policy import Policy
from sdc.request import Request
from sdc.search import lowest_levels
from sdc.steps import STEPS
from sdc.steps.counts import CONTRIBUTORS
from sdc.table import Table

NOT_ASKED = "not asked for in the request: the least data that serves the purpose"


MEND = "Mend `variables` of the request."


class Step(NamedTuple):
    """One protection: its name on the menu, its plain values, and why it is taken."""

    name: str
    params: Mapping
    because: str


class Brief(NamedTuple):
    """What a plan is compiled for."""

    dictionary: Dictionary
    policy: Policy
    request: Request


def compile_plan(table: Table, brief: Brief) -> tuple[Step, ...]:
    """Turn a policy and a request into steps for one table.

    Each phase sees the table as the phases before it left it, so that no step is planned for a column that is gone, and
    the table as collected.

    Parameters
    ----------
    table : Table, as ingested
    brief : Brief
        The policy as it stands for the component (`Policy.for_component`).

    Returns
    -------
    tuple of Step

    Raises
    ------
    RequestError : when the request asks for variables that are not there.
    DisclosureError : when no recoding and suppression within the policy's budget keeps its promises.

    Guarantees
    ----------
    * The same table and brief give the same plan, whatever the order of records.
    """
    steps: tuple[Step, ...] = ()
    collected = table
    for phase in PHASES:
        planned = phase(brief, table, collected)
        for step in planned:
            table = STEPS[step.name](table, **step.params)
        steps += planned
    return steps


def apply(steps: Sequence[Step], table: Table) -> tuple[Table, list[dict]]:
    """Take the steps one by one, and write the ledger from what each was seen to do.

    Returns
    -------
    Table, and one ledger entry a step
    """
    ledger = []
    for step in steps:
        before, table = table, STEPS[step.name](table, **step.params)
        ledger.append(observe(step, before, table))
    return table, ledger


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
            gone = old.notna().to_numpy() & new.isna().to_numpy()
            both = old.notna().to_numpy() & new.notna().to_numpy()
            changed = int((old[both].astype("str").to_numpy() != new[both].astype("str").to_numpy()).sum())
            if gone.any():
                suppressed[name] = int(gone.sum())
            if changed:
                recoded[name] = changed
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


def keep_requested(brief: Brief, table: Table, _: Table) -> tuple[Step, ...]:
    """Drop what was not asked for. The round stays, and counts tied to counts that were asked for stay for a while."""
    asked = brief.request.variables
    strangers = [name for name in brief.request.importance if name not in brief.dictionary.by_name]
    if strangers:
        names = ", ".join(f"`{name}`" for name in strangers)
        raise RequestError(brief.request.id, f"gives importance to what the dictionary does not have: {names}")
    if asked == "all":
        return ()
    unknown = [name for name in asked if name not in brief.dictionary.by_name]
    if unknown:
        names = ", ".join(f"`{name}`" for name in unknown)
        raise RequestError(brief.request.id, f"asks for variables that the dictionary does not have: {names}", MEND)
    absent = [name for name in asked if name not in table and brief.dictionary.by_name[name].role != Role.IDENTIFIER]
    if absent:
        names = ", ".join(f"`{name}`" for name in absent)
        raise RequestError(brief.request.id, f"asks for variables that its rounds do not have: {names}", MEND)
    _require_leaders(brief, asked)
    kept = {*asked, "round", *_linked_counts(table, asked)}
    others = [name for name in table.rows.columns if name not in kept]
    return _drop(others, NOT_ASKED)


def _require_leaders(brief: Brief, asked: Sequence[str]) -> None:
    """Refuse a column that tells a key which is not asked for: it would leave as nobody protects it."""
    if brief.dictionary.kind == "counts":
        return
    for name in asked:
        variable = brief.dictionary.by_name[name]
        leader = brief.dictionary.by_name.get(variable.follows or "")
        if leader is None or leader.role != Role.KEY or leader.name in asked:
            continue
        if variable.role in (Role.OTHER, Role.SENSITIVE):
            raise RequestError(
                brief.request.id,
                f"asks for `{name}`, which follows the key `{leader.name}`, without asking for that",
                "Ask for both, or for neither.",
            )


def drop_restricted(brief: Brief, table: Table, _: Table) -> tuple[Step, ...]:
    """Drop what the policy does not let out, whoever asks: with each column all that follow it."""
    policy = brief.policy
    limit = policy.highest_sensitivity.value
    reasons: list[tuple[list[str], str]] = [
        (table.names(Role.IDENTIFIER), "names one person or household outright"),
        (
            [v.name for v in table.variables if v.is_free_text] if policy.free_text.value == "drop" else [],
            f"free text. {policy.free_text.because}",
        ),
        (
            [v.name for v in table.variables if v.sensitivity.rank > limit.rank],
            f"more sensitive than `{limit}`. {policy.highest_sensitivity.because}",
        ),
        (
            table.names(Role.HOUSEHOLD) if policy.household_links.value == "drop" else [],
            f"ties the members of a household. {policy.household_links.because}",
        ),
    ]
    steps: tuple[Step, ...] = ()
    gone: set[str] = set()
    for names, because in reasons:
        columns = _with_followers(table, [name for name in names if name not in gone])
        steps += _drop([name for name in columns if name not in gone], because)
        gone |= set(columns)
    return steps


def coarsen_geography(brief: Brief, table: Table, _: Table) -> tuple[Step, ...]:
    """No place finer than the policy's lowest geography; rows of counts are summed up to it."""
    policy, counts = brief.policy, brief.dictionary.kind == "counts"
    rule = policy.lowest_geography_counts if counts else policy.lowest_geography_records
    lowest = rule.value
    placed = [v for v in table.variables if v.geography is not None and v.geography != Geography.POINT]
    finer = [v.name for v in placed if v.geography is not None and v.geography.depth > lowest.depth]
    points = [v.name for v in table.variables if v.geography == Geography.POINT]
    steps: tuple[Step, ...] = ()
    decimals = policy.coordinate_decimals.value
    if points and not counts and decimals is not None and lowest.depth < Geography.POINT.depth:
        steps += _drop(_with_followers(table, points), f"coordinates, finer than {lowest}. {rule.because}")
    elif points and policy.coordinate_decimals.breach != "report":
        if decimals is None:
            steps += _drop(_with_followers(table, points), f"coordinates. {policy.coordinate_decimals.because}")
        else:
            numbers = [name for name in points if table[name].type == Type.NUMBER]
            texts = [name for name in points if name not in numbers]
            steps += _drop(_with_followers(table, texts), "coordinates as text, which cannot be rounded")
            if numbers:
                params = {"columns": numbers, "decimals": decimals}
                steps += (Step("coarsen_coordinates", params, policy.coordinate_decimals.because),)
    grain = {v.geography for v in brief.dictionary.variables} - {None, Geography.POINT}
    rows_finer = any(geography.depth > lowest.depth for geography in grain if geography is not None)
    if counts and rows_finer:
        keys = set(table.names(Role.KEY)) - set(finer)
        by = [v.name for v in placed if v.name in keys and not table.repeats_a_place(v.name)]
        by += ["round"] if "round" in table and "round" not in by else []
        return (Step("aggregate_counts", {"by": by}, f"rows are summed to {lowest}. {rule.because}"),)
    already = {name for step in steps for name in step.params["columns"] if step.name == "drop_columns"}
    columns = [name for name in _with_followers(table, finer) if name not in already and name not in points]
    return steps + _drop(columns, f"finer than {lowest}. {rule.because}")


def coarsen_keys(brief: Brief, table: Table, collected: Table) -> tuple[Step, ...]:
    """Recode keys to the lowest levels at which suppression stays inside the policy's budget."""
    policy = brief.policy
    if brief.dictionary.kind == "counts" or policy.k.breach != "stop":
        return ()
    keys = table.keys()
    if keys and len(table) < policy.k.value:
        raise DisclosureError(
            brief.request.id,
            f"its rounds hold fewer records than the k = {policy.k.value} of policy `{policy.policy}`",
            "Wait for more records, or release sums: no suppression can help.",
        )
    levels = lowest_levels(table, collected, policy, brief.request.importance)
    if keys and all(levels.get(name, 0) > table[name].top for name in keys):
        raise DisclosureError(
            brief.request.id,
            f"policy `{policy.policy}` cannot be met with any of the {len(keys)} keys, however far they are recoded",
            "Ask for fewer keys, for fewer sensitive variables, or under a policy that fits the recipient.",
        )
    steps: tuple[Step, ...] = ()
    for name, level in levels.items():
        top = table[name].top
        if level > top:
            because = f"no level of its hierarchy keeps the policy's promises. {policy.max_suppressed_values.because}"
            gone = {column for step in steps if step.name == "drop_columns" for column in step.params["columns"]}
            steps += _drop([c for c in _with_followers(table, [name]) if c not in gone], because)
        elif level:
            what = table[name].hierarchy[level - 1].name
            because = f"{what}: the smallest change that keeps the policy's promises with few suppressed values"
            steps += (Step("recode", {"variable": name, "level": level}, because),)
    return steps


def suppress_records(brief: Brief, table: Table, _: Table) -> tuple[Step, ...]:
    """Local suppression to k, then what classes give away of sensitive values."""
    policy = brief.policy
    keys = table.keys()
    if brief.dictionary.kind == "counts" or not keys:
        return ()
    steps: tuple[Step, ...] = ()
    if policy.k.breach == "stop":
        params = {
            "keys": keys,
            "k": policy.k.value,
            "missing": policy.missing.value,
            "importance": {key: brief.request.importance[key] for key in keys if key in brief.request.importance},
            "engine": policy.engine.value,
        }
        steps += (Step("suppress_locally", params, f"k = {policy.k.value}. {policy.k.because}"),)
    if policy.ell.breach == "stop" and policy.ell.value > 1:
        because = f"l = {policy.ell.value}. {policy.ell.because}"
        for sensitive in table.names(Role.SENSITIVE):
            params = {"keys": keys, "sensitive": sensitive, "ell": policy.ell.value}
            steps += (Step("suppress_sensitive", params, because),)
    return steps


def suppress_small_counts(brief: Brief, table: Table, _: Table) -> tuple[Step, ...]:
    """Counts under the minimum, with all that gives them back; then rounding."""
    policy, asked = brief.policy, brief.request.variables
    columns = [name for name in table.names(Role.COUNT) if asked == "all" or name in asked]
    others = [name for name in table.names(Role.COUNT) if name not in columns]
    steps: tuple[Step, ...] = ()
    if not columns:
        return _drop(others, NOT_ASKED)
    if policy.minimum_count.breach == "stop" and policy.minimum_count.value > 1:
        params = {"columns": columns, "minimum": policy.minimum_count.value}
        steps += (Step("suppress_counts", params, policy.minimum_count.because),)
    steps += _drop(others, f"{NOT_ASKED}. They stayed until now so that no small count can be solved from the others")
    if policy.rounding_base.breach == "stop" and policy.rounding_base.value > 1:
        params = {"columns": columns, "base": policy.rounding_base.value}
        steps += (Step("round_counts", params, policy.rounding_base.because),)
    return steps


def order_records(brief: Brief, table: Table, _: Table) -> tuple[Step, ...]:
    """Every plan ends here: the order of collection leaks."""
    return (Step("sort_records", {}, "the order of collection tells who was asked after whom"),)


PHASES: tuple[Callable[[Brief, Table, Table], tuple[Step, ...]], ...] = (
    keep_requested,
    drop_restricted,
    coarsen_geography,
    coarsen_keys,
    suppress_records,
    suppress_small_counts,
    order_records,
)


def _drop(columns: Sequence[str], because: str) -> tuple[Step, ...]:
    return (Step("drop_columns", {"columns": list(columns)}, because),) if columns else ()


def _linked_counts(table: Table, asked: Sequence[str]) -> set[str]:
    """Counts that identities tie to counts that were asked for, directly or through others."""
    tied = {name for name in asked if name in table and table[name].role == Role.COUNT}
    wave = tied
    while wave:
        wave = {m for link in table.links if wave & set(link.members) for m in link.members} - tied
        tied = tied | wave
    return tied


def _with_followers(table: Table, names: Sequence[str]) -> list[str]:
    hidden = {name for leader in names for name in (leader, *table.followers(leader))}
    return [name for name in table.rows.columns if name in hidden]


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
