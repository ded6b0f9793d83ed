"""The protected master of a population: what is protected once, and what every release of a tier is cut from."""

from collections.abc import Sequence
from typing import NamedTuple

import pandas as pd

from sdc.dictionary import Role
from sdc.errors import DisclosureError, RequestError
from sdc.params import Master
from sdc.plan import PHASES, TRIAL, Brief, Step, compile_plan
from sdc.plan.columns import coarsen_geography, drop_restricted, keep_requested
from sdc.plan.compiling import LAST
from sdc.plan.households import drop_numbers, drop_unaffordable, withheld
from sdc.plan.records import coarsen_amounts, suppress_records
from sdc.plan.run import take
from sdc.policy import Policy
from sdc.search import lowest_levels
from sdc.table import Table

CUT = "protected in the master, and not asked for by this request"


class Served(NamedTuple):
    """A master with the policies of its tiers, from the finest down to the request's own."""

    master: Master
    policies: tuple[Policy, ...]


def compile_for(table: Table, brief: Brief, served: Served | None) -> tuple[Step, ...]:
    """The plan of a request: a cut from its master, or from a table of its own where it has none."""
    return compile_plan(table, brief) if served is None else compile_cut(table, brief, served)


def compile_cut(table: Table, brief: Brief, served: Served) -> tuple[Step, ...]:
    """Turn a request into the steps of its master and a cut.

    Parameters
    ----------
    table : Table, as ingested
    brief : Brief
    served : Served

    Returns
    -------
    tuple of Step

    Raises
    ------
    RequestError : when the request asks for what the master does not hold.
    DisclosureError : when no recoding and suppression within the budgets keeps the promises of a tier.

    Guarantees
    ----------
    * Two requests of one tier show the same value wherever both show the column: each is a choice of columns of one
      protected table.
    * A coarser tier tells nothing of a key that the finer tier does not tell: its values are recodings of the finer
      tier's, and missing wherever those are.
    """
    _require_held(brief, served.master)
    asked = brief.request.variables
    whole = brief._replace(
        request=brief.request.model_copy(
            update={"variables": served.master.variables, "importance": served.master.importance}
        )
    )
    steps: tuple[Step, ...] = ()
    after = table
    keep_requested(brief, table, table)  # refuses what its own plan would refuse
    if brief.dictionary.kind == "counts":
        for phase in PHASES:
            after, steps = _taken(after, steps, phase(whole, after, table))
    else:
        for number, policy in enumerate(served.policies):
            tier = whole._replace(policy=policy)
            spent = (number + 1) / len(served.master.tiers)
            if number == 0:
                after, steps = _taken(after, steps, keep_requested(tier, after, table))
            for phase in (drop_restricted, coarsen_geography, coarsen_amounts):
                after, steps = _taken(after, steps, phase(tier, after, table))
            after, steps = _taken(after, steps, _coarsen_further(tier, after, table, spent))
            for phase in (drop_unaffordable, suppress_records, drop_numbers):
                after, steps = _taken(after, steps, phase(tier, after, table))
            if number:
                after, steps = _taken(after, steps, _average_weights(after))
    if asked != "all":
        others = [name for name in after.rows.columns if name not in {*asked, "round", "rows_aggregated"}]
        if others:
            after, steps = _taken(after, steps, (Step("drop_columns", {"columns": others}, CUT),))
    return steps + LAST


def _taken(table: Table, steps: tuple[Step, ...], planned: Sequence[Step]) -> tuple[Table, tuple[Step, ...]]:
    for step in planned:
        table = take(step, table, TRIAL)
    return table, steps + tuple(planned)


def _average_weights(table: Table) -> tuple[Step, ...]:
    """Below the finest tier weights are averaged: as collected they would link the tiers record by record."""
    weight = table.name(Role.WEIGHT)
    if weight is None or not table.keys():
        return ()
    because = "a weight as collected is nearly a record number, and the finer tier shows it"
    return (Step("average_weights", {"weight": weight, "by": table.keys()}, because),)


def _require_held(brief: Brief, master: Master) -> None:
    """Refuse a request for columns that the master does not protect."""
    if brief.policy.policy not in master.tiers:
        raise RequestError(
            brief.request.id, f"policy `{brief.policy.policy}` is no tier of the master", "Cut it from its own."
        )
    if master.variables == "all":
        return
    asked = brief.request.variables
    if asked == "all":
        raise RequestError(brief.request.id, "asks for all variables, and the master holds some", "Name them.")
    missing = [name for name in asked if name not in master.variables]
    if missing:
        names = ", ".join(f"`{name}`" for name in missing)
        raise RequestError(
            brief.request.id, f"asks for what the master does not hold: {names}", "Add it to the master."
        )


def _coarsen_further(brief: Brief, table: Table, collected: Table, part: float) -> tuple[Step, ...]:
    """Recode keys, from where the finer tier left them, until suppression stays inside this tier's part of the budget.

    Holes of the finer tier count as spent. Levels are sought on the keys as collected with those holes in them.
    """
    policy, keys = brief.policy, table.keys()
    if policy.k.breach != "stop" or not keys:
        return ()
    holes = {key: collected.rows[key].where(table.rows[key].notna()) for key in keys}
    entries = tuple(
        variable.model_copy(update={"level": 0}) if variable.name in holes else variable for variable in table.variables
    )
    rows = table.rows.assign(**holes)
    bare = Table(rows, entries, table.links).drop(withheld(brief, table))
    gone = pd.DataFrame({key: collected.rows[key].notna() & rows[key].isna() for key in keys})
    seen = collected.rows[keys].notna().sum().clip(lower=1)
    left = policy.model_copy(
        update={
            name: getattr(policy, name).model_copy(
                update={"value": max(getattr(policy, name).value * part - lost, 0.0)}
            )
            for name, lost in (
                ("max_suppressed_values", float((gone.sum() / seen).max())),
                ("max_suppressed_records", float(gone.any(axis=1).mean())),
            )
        }
    )
    levels = lowest_levels(bare, collected, left, brief.request.importance)
    if all(levels.get(key, 0) > table[key].top for key in keys):
        raise DisclosureError(
            brief.request.id,
            f"the master cannot keep policy `{policy.policy}` with any of its {len(keys)} keys",
            "Give the master fewer keys, or cut the release from its own table.",
        )
    steps: tuple[Step, ...] = ()
    dropped: set[str] = set()
    for name, level in levels.items():
        if level > table[name].top:
            columns = [c for c in (name, *table.followers(name)) if c in table and c not in dropped]
            dropped |= set(columns)
            because = f"no level of its hierarchy keeps the promises of policy `{policy.policy}` in the master"
            steps += (Step("drop_columns", {"columns": columns}, because),) if columns else ()
        elif level > table[name].level and name not in dropped:
            what = table[name].hierarchy[level - 1].name
            because = (
                f"{what}: the master keeps the promises of policy `{policy.policy}` for every key that may be asked"
            )
            steps += (Step("recode", {"variable": name, "level": level}, because),)
    return steps
