"""Phases for counts of people: what is said of small groups, and the counts themselves."""

from collections.abc import Mapping
from typing import Literal

from sdc.dictionary import Geography, Role, Type
from sdc.plan.brief import NOT_ASKED, Brief, Step, dropping
from sdc.policy import Policy, Rule
from sdc.steps.aggregation import CONTRIBUTORS
from sdc.table import Table


def sensitive_sites(brief: Brief, table: Table) -> dict[str, list[str]]:
    """Columns that mark sites shown to nobody, with the codes that do, where the policy removes such sites."""
    if brief.dictionary.kind != "counts" or brief.policy.sensitive_sites.value == "keep":
        return {}
    return {v.name: list(v.sensitive_codes) for v in table.variables if v.sensitive_codes}


def contributor_rules(brief: Brief, table: Table) -> Mapping:
    """Rules on the places behind a sum, as `aggregate_counts` takes them; what is off is left out."""
    policy = brief.policy
    found: dict = {}
    if _stops(policy.minimum_contributors) and policy.minimum_contributors.value > 1:
        found["minimum_contributors"] = policy.minimum_contributors.value
    if _stops(policy.dominance) and policy.dominance.value is not None:
        found["dominance"] = list(policy.dominance.value)
    if _stops(policy.p_percent) and policy.p_percent.value is not None:
        found["p_percent"] = policy.p_percent.value
    guarded = sensitive_sites(brief, table)
    return found | ({"sensitive_sites": guarded} if guarded else {})


def protect_sites(brief: Brief, table: Table, _: Table) -> tuple[Step, ...]:
    """What is said of the people of a place, where they are too few to be spoken of."""
    if brief.dictionary.kind != "counts" or CONTRIBUTORS.name in table:
        return ()
    return _attributes(brief, table, keys=False)


def protect_counts(brief: Brief, table: Table, _: Table) -> tuple[Step, ...]:
    """Small counts hidden, banded or moved, with all that gives them back; then what was not asked for goes."""
    policy, asked = brief.policy, brief.request.variables
    columns = [name for name in table.names(Role.COUNT) if asked == "all" or name in asked]
    others = [name for name in table.names(Role.COUNT) if name not in columns]
    guarded = sensitive_sites(brief, table)
    method = policy.count_method.value if policy.count_method.breach == "stop" else "none"
    steps: tuple[Step, ...] = ()
    if columns and method == "suppress" and policy.minimum_count.breach == "stop":
        if policy.small_sites.value == "merge" and CONTRIBUTORS.name not in table:
            steps += _merge(brief, table, guarded)
        banded = policy.small_sites.value == "band" and CONTRIBUTORS.name not in table
        steps += _bands(brief, table, columns, guarded) if banded else _suppression(brief, table, columns, guarded)
    if CONTRIBUTORS.name not in table:
        steps += _attributes(brief, table, keys=True)
    if guarded and CONTRIBUTORS.name not in table:
        steps += (Step("remove_sensitive_sites", {"sites": guarded}, policy.sensitive_sites.because),)
    untold = [name for name in guarded if not _may_leave(brief, name)]
    steps += dropping(untold, f"marks sites that are shown to nobody. {policy.sensitive_sites.because}")
    stayed = "They stayed until now so that no small count can be solved from the others" if steps else ""
    steps += dropping(others, f"{NOT_ASKED}. {stayed}".rstrip(". "))
    if columns:
        steps += _rounding(brief, table, columns, method)
    return steps


def displacement(brief: Brief, table: Table) -> tuple[Step, ...]:
    """Coordinates moved inside admin 2, as the surveys of DHS do it; before they are rounded."""
    far, place = brief.policy.coordinate_displacement, _place(table)
    points = [v.name for v in table.variables if v.geography == Geography.POINT and v.type == Type.NUMBER]
    if far.value is None or far.breach != "stop" or len(points) != 2 or not place:
        return ()
    north, east = sorted(points, key=lambda name: "lat" not in name.lower())
    params: dict = {"latitude": north, "longitude": east, "place": place[-1], "distances": {"*": list(far.value)}}
    inside = [name for name in place if table[name].geography == Geography.ADMIN2]
    params |= {"area": inside[0]} if inside else {}
    return (Step("displace_coordinates", params | {"key": "places"}, far.because),)


def _may_leave(brief: Brief, name: str) -> bool:
    """Whether the request and the policy would let a column out."""
    asked, limit = brief.request.variables, brief.policy.highest_sensitivity.value
    return (asked == "all" or name in asked) and brief.dictionary.by_name[name].sensitivity.rank <= limit.rank


def _suppression(brief: Brief, table: Table, columns: list[str], guarded: Mapping[str, list[str]]) -> tuple[Step, ...]:
    """The step that suppresses, with every rule of the policy that stops."""
    policy = brief.policy
    params: dict = {"columns": columns} | _minimums(policy)
    for name in ("zeros", "group_disclosure"):
        if _stops(getattr(policy, name)):
            params[name] = getattr(policy, name).value
    if guarded:
        params["sensitive_sites"] = dict(guarded)
    reasons = [policy.minimum_count.because]
    if _stops(policy.secondary_suppression):
        params["secondary"] = policy.secondary_suppression.value
    if params.get("secondary") == "required":
        params |= _known_beside(brief, table)
        params["which_primary"] = _knowledge(policy.which_primary)
        reasons.append(policy.secondary_suppression.because)
    return (Step("suppress_counts", params, " ".join(reasons)),)


def _minimums(policy: Policy) -> dict:
    """The least counts that may be shown."""
    found = {"minimum": policy.minimum_count.value}
    found["minimum_households"] = policy.minimum_households.value if _stops(policy.minimum_households) else 1
    if _stops(policy.minimum_sensitive_count):
        found["minimum_sensitive"] = policy.minimum_sensitive_count.value
    return found


def _known_beside(brief: Brief, table: Table) -> dict:
    """Sums over areas and unchanged counts of other rounds, as far as the policy takes them as known."""
    policy = brief.policy
    found: dict = {"own_count": _knowledge(policy.own_count)}
    margins = _margins(table, policy.margins.value) if _stops(policy.margins) else []
    if margins:
        found["margins"] = margins
    if "round" in table and len(brief.request.rounds) > 1:
        found["rounds"] = "round"
        if _stops(policy.last_round) and policy.last_round.value == "known":
            found["place"] = _row_names(table)
    return found


def _knowledge(rule: Rule[Literal["known", "unknown"]]) -> str:
    """What a rule takes as known, where it stops."""
    return rule.value if _stops(rule) else "unknown"


def _stops(rule: object) -> bool:
    return getattr(rule, "breach", None) == "stop"


def _place(table: Table) -> list[str]:
    """Columns that say where a row is, each level once, from coarse to fine; points are none."""
    placed = [v for v in table.variables if v.geography is not None and v.role == Role.KEY]
    once = [v for v in placed if v.geography != Geography.POINT and not table.repeats_a_place(v.name)]
    return [v.name for v in sorted(once, key=lambda v: v.geography.depth if v.geography else 0)]


def _row_names(table: Table) -> list[str]:
    """Columns that together name a row in every round: places and other keys, without names beside codes."""
    return [name for name in table.names(Role.KEY) if name != "round" and not table.repeats_a_place(name)]


def _attributes(brief: Brief, table: Table, *, keys: bool) -> tuple[Step, ...]:
    """Hide what is said of too few people; keys after the counts, since they tell rows apart until then."""
    rule = brief.policy.minimum_attribute_persons
    about = {
        v.name: v.describes
        for v in table.variables
        if v.describes is not None and v.describes in table and (v.role == Role.KEY) == keys
    }
    if not about or not _stops(rule) or rule.value <= 1:
        return ()
    params: dict = {"describes": about, "minimum": rule.value}
    guarded = sensitive_sites(brief, table)
    params |= {"sensitive_sites": guarded} if guarded else {}
    return (Step("suppress_attributes", params, rule.because),)


def _margins(table: Table, levels: tuple[Geography, ...]) -> list[list[str]]:
    """Columns of the areas whose sums are published, the finest level first; the country needs no column."""
    place = _place(table)
    depth = {name: table[name].geography.depth for name in place}  # type: ignore[union-attr]
    finest = max(depth.values(), default=0)
    found = []
    for level in sorted(levels, key=lambda level: -level.depth):
        columns = [name for name in place if depth[name] <= level.depth]
        if level.depth < finest and (level == Geography.ADMIN0 or any(depth[name] == level.depth for name in columns)):
            found.append(columns)
    return found


def _bands(brief: Brief, table: Table, columns: list[str], guarded: Mapping[str, list[str]]) -> tuple[Step, ...]:
    policy = brief.policy
    params = {"columns": columns, "bands": list(policy.count_bands.value)} | _minimums(policy)
    params |= {"sensitive_sites": dict(guarded)} if guarded else {}
    return (
        Step(
            "band_counts",
            params | _known_beside(brief, table),
            f"{policy.minimum_count.because} {policy.count_bands.because}",
        ),
    )


def _merge(brief: Brief, table: Table, guarded: Mapping[str, list[str]]) -> tuple[Step, ...]:
    policy, place = brief.policy, _place(table)
    points = [v.name for v in table.variables if v.geography == Geography.POINT and v.type == Type.NUMBER]
    sizes = [v.describes for v in brief.dictionary.variables if v.describes] or table.names(Role.COUNT)
    params: dict = {"site": place[-1], "area": place[:-1], "count": sizes[0], "least": policy.minimum_count.value}
    params |= {"rounds": "round"} if "round" in table else {}
    params |= {"sensitive_sites": dict(guarded)} if guarded else {}
    if len(points) == 2:
        params["latitude"], params["longitude"] = sorted(points, key=lambda name: "lat" not in name.lower())
    return (Step("merge_sites", params, policy.small_sites.because),)


def _rounding(brief: Brief, table: Table, columns: list[str], method: str) -> tuple[Step, ...]:
    """Rounding or noise, as the policy's method says; after suppression each count for itself."""
    policy = brief.policy
    base = policy.rounding_base
    if method == "none" and not _stops(policy.rounding_base):
        return ()
    banded = policy.small_sites.value == "band" and CONTRIBUTORS.name not in table
    if method in ("suppress", "none"):
        if not _stops(base) or base.value <= 1 or banded:
            return ()
        return (Step("round_counts", {"columns": columns, "base": base.value}, base.because),)
    margins = _margins(table, policy.margins.value) if _stops(policy.margins) else []
    params: dict = {"columns": columns, "base": base.value, "method": method, "margins": margins}
    params["place"] = _row_names(table)
    if "round" in table:
        params["rounds"] = "round"
    if method in ("random", "cell_key"):
        params["key"] = "counts"
    if method == "cell_key" and policy.cell_noise.value is not None:
        params["noise"] = list(policy.cell_noise.value)
        params["least"] = policy.minimum_count.value
    return (Step("round_counts", params, policy.count_method.because),)
