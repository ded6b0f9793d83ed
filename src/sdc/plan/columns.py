"""Phases that decide which columns leave, and how finely they place a row."""

from collections.abc import Sequence

from sdc.dictionary import Geography, Role, Type
from sdc.errors import RequestError
from sdc.plan.brief import NOT_ASKED, Brief, Step, dropping, with_followers
from sdc.plan.counts import contributor_rules, displacement, sensitive_sites
from sdc.plan.households import withheld
from sdc.table import Table

MEND = "Mend `variables` of the request."


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
    described = {v.describes for v in table.variables if v.name in asked and v.describes is not None}
    kept = {
        *asked,
        "round",
        *_linked_counts(table, [*asked, *described]),
        *sensitive_sites(brief, table),
        *withheld(brief, table),
    }
    others = [name for name in table.rows.columns if name not in kept]
    return dropping(others, NOT_ASKED)


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
    # These stay until what they mark is dealt with: sites that are shown to nobody, and members of one household.
    guards = {*sensitive_sites(brief, table), *withheld(brief, table)}
    homes = table.names(Role.HOUSEHOLD)
    reasons: list[tuple[list[str], str]] = [
        (table.names(Role.IDENTIFIER), "names one person or household outright"),
        (
            [v.name for v in table.variables if v.is_free_text] if policy.free_text.value == "drop" else [],
            f"free text. {policy.free_text.because}",
        ),
        (
            [v.name for v in table.variables if v.sensitivity.rank > limit.rank and v.name not in guards],
            f"more sensitive than `{limit}`. {policy.highest_sensitivity.because}",
        ),
        (
            [name for name in homes if name not in guards] if policy.household_links.value == "drop" else [],
            f"ties the members of a household. {policy.household_links.because}",
        ),
    ]
    steps: tuple[Step, ...] = ()
    gone: set[str] = set()
    for names, because in reasons:
        columns = with_followers(table, [name for name in names if name not in gone])
        steps += dropping([name for name in columns if name not in gone], because)
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
    grain = {v.geography for v in brief.dictionary.variables} - {None, Geography.POINT}
    summed = counts and any(geography.depth > lowest.depth for geography in grain if geography is not None)
    steps: tuple[Step, ...] = ()
    decimals = policy.coordinate_decimals.value
    if points and not counts and decimals is not None and lowest.depth < Geography.POINT.depth:
        steps += dropping(with_followers(table, points), f"coordinates, finer than {lowest}. {rule.because}")
    elif points and policy.coordinate_decimals.breach != "report":
        if decimals is None:
            steps += dropping(with_followers(table, points), f"coordinates. {policy.coordinate_decimals.because}")
        else:
            numbers = [name for name in points if table[name].type == Type.NUMBER]
            texts = [name for name in points if name not in numbers]
            steps += dropping(with_followers(table, texts), "coordinates as text, which cannot be rounded")
            if numbers:
                steps += displacement(brief, table) if counts and not summed else ()
                params = {"columns": numbers, "decimals": decimals}
                steps += (Step("coarsen_coordinates", params, policy.coordinate_decimals.because),)
    if summed:
        keys = set(table.names(Role.KEY)) - set(finer)
        by = [v.name for v in placed if v.name in keys and not table.repeats_a_place(v.name)]
        by += ["round"] if "round" in table and "round" not in by else []
        params = {"by": by, **contributor_rules(brief, table)}
        return (Step("aggregate_counts", params, f"rows are summed to {lowest}. {rule.because}"),)
    already = {name for step in steps if step.name == "drop_columns" for name in step.params["columns"]}
    columns = [name for name in with_followers(table, finer) if name not in already and name not in points]
    return steps + dropping(columns, f"finer than {lowest}. {rule.because}")


def _linked_counts(table: Table, asked: Sequence[str]) -> set[str]:
    """Counts that identities tie to counts that were asked for, directly or through others."""
    tied = {name for name in asked if name in table and table[name].role == Role.COUNT}
    wave = tied
    while wave:
        wave = {m for link in table.links if wave & set(link.members) for m in link.members} - tied
        tied = tied | wave
    return tied
