"""A policy and a request turned into steps for one table."""

from collections.abc import Callable

from sdc.plan.brief import Brief, Step
from sdc.plan.columns import coarsen_geography, drop_restricted, keep_requested
from sdc.plan.counts import protect_counts, protect_sites
from sdc.plan.households import drop_numbers, drop_unaffordable
from sdc.plan.records import coarsen_amounts, coarsen_keys, suppress_records
from sdc.plan.run import take
from sdc.table import Table

TRIAL = bytes(32)  # steps are tried while a plan is compiled; nothing of that is kept
LAST = (Step("sort_records", {}, "the order of collection tells who was asked after whom"),)


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
    planned: tuple[Step, ...] = ()
    collected = table
    for phase in PHASES:
        for step in planned:
            table = take(step, table, TRIAL)
        planned = phase(brief, table, collected)
        steps += planned
    return steps + LAST


PHASES: tuple[Callable[[Brief, Table, Table], tuple[Step, ...]], ...] = (
    keep_requested,
    drop_restricted,
    coarsen_geography,
    coarsen_amounts,
    coarsen_keys,
    drop_unaffordable,
    suppress_records,
    drop_numbers,
    protect_sites,
    protect_counts,
)
