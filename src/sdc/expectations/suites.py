"""Suites written from the dictionary and the policies: plain JSON that Great Expectations reads."""

import json
import uuid
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from sdc.dictionary import Dictionary, Geography, Link, Role, Type, Variable
from sdc.errors import DictionaryError
from sdc.expectations.measures import bare
from sdc.expectations.promises import promise
from sdc.files import write_text
from sdc.policy import Policy, Rule

ROUND = "round"  # ingest adds it
AGGREGATED = "rows_aggregated"  # summing counts to larger areas adds it
SEVERITY = {"stop": "critical", "warn": "warning", "report": "info"}
DATES = {"month": r"[0-9]{4}-[0-9]{2}", "quarter": r"[0-9]{4}-Q[1-4]", "year": r"[0-9]{4}"}
DESCRIBED = "the dictionary describes the column so"
_NAMESPACE = uuid.uuid5(uuid.NAMESPACE_OID, "dtm-sdc")

Suite = dict[str, Any]


def suites(dictionary: Dictionary, policies: Iterable[Policy]) -> dict[str, Suite]:
    """Write the suites of one component.

    Parameters
    ----------
    dictionary : Dictionary
    policies : iterable of Policy, as read from their files

    Returns
    -------
    dict of suite name to suite
        ``typed_<component>`` for what ingest writes, ``release_<component>_<policy>`` for what leaves the house.

    Guarantees
    ----------
    * The same dictionary and policies give the same suites, ids included.
    * Every expectation holds why it is there, and what a breach of it does.
    """
    found = [_suite(f"typed_{dictionary.component}", dictionary, typed_expectations(dictionary))]
    for policy in policies:
        resolved = policy.for_component(dictionary.component)
        name = f"release_{dictionary.component}_{policy.policy}"
        found.append(_suite(name, dictionary, release_expectations(dictionary, resolved)))
    return {suite["name"]: suite for suite in found}


def write_suites(folder: Path, dictionaries: Iterable[Dictionary], policies: Iterable[Policy]) -> list[Path]:
    """Write all suites as JSON, and remove suites of components or policies that are no more.

    Returns
    -------
    list of Path, of the files written
    """
    written = _files(folder, dictionaries, policies)
    for path, text in written.items():
        write_text(path, text)
    for path in _committed(folder) - set(written):
        path.unlink()
    return list(written)


def drift(folder: Path, dictionaries: Iterable[Dictionary], policies: Iterable[Policy]) -> list[Path]:
    """Suites in a folder that are not what the dictionaries and policies write: changed, absent or left over."""
    due = _files(folder, dictionaries, policies)
    stale = {path for path, text in due.items() if not path.is_file() or path.read_bytes() != text.encode("utf-8")}
    return sorted(stale | (_committed(folder) - set(due)))


def require_written(folder: Path, dictionary: Dictionary, policy: Policy) -> None:
    """Refuse to judge by a suite that is not the one that the dictionary and the policy write.

    Raises
    ------
    DictionaryError : when it is absent, was edited by hand, or is older than the dictionary or the policy.
    """
    path = folder / f"release_{dictionary.component}_{policy.policy}.json"
    if not path.is_file() or path.read_bytes() != _files(folder, [dictionary], [policy])[path].encode("utf-8"):
        what = "is not the suite that the dictionary and the policy write"
        raise DictionaryError(str(path), what, "Run `sdc expectations write`; never edit a suite by hand.")


def present(suite: Suite, columns: Sequence[str]) -> Suite:
    """The suite for a table that has only some of its columns: what was not asked for, or not let out, is not judged.

    Expectations of absent columns go, and absent keys are left out of the others. A risk that needs weights or
    households which are not there is left to the judge, who has them. What looks at the columns themselves always
    stays, so a column that the suite does not know still fails.
    """
    kept = []
    for entry in suite["expectations"]:
        kwargs = dict(entry["kwargs"])
        needed = [kwargs[name] for name in ("column", "total", "weight", "household") if name in kwargs]
        if not {*needed, *kwargs.get("parts", ())} <= set(columns):
            continue
        if "keys" in kwargs:
            kwargs["keys"] = [key for key in kwargs["keys"] if key in columns]
            if not kwargs["keys"] and entry["type"] != "expect_k_anonymity":
                continue
        kept.append({**entry, "kwargs": kwargs, "description": promise(entry["type"], kwargs)})
    return {**suite, "expectations": kept}


def typed_expectations(dictionary: Dictionary) -> Iterator[dict]:
    """What holds for a typed table: what the dictionary says of each column, as collected."""
    variables = [v for v in dictionary.variables if v.role != Role.IDENTIFIER]
    required = [v.name for v in variables if v.required]
    yield _rows()
    yield _expect(
        "expect_only_known_columns",
        {"columns": _unique([*(v.name for v in variables), ROUND]), "required": _unique([*required, ROUND])},
        "a column that nobody described may hold anything: fail closed",
    )
    yield _identifiers(dictionary)
    for variable in variables:
        yield from _column_as_collected(variable)
    for link in dictionary.links:
        yield _link(link, 0)


def release_expectations(dictionary: Dictionary, policy: Policy) -> Iterator[dict]:
    """What holds for a table that leaves the house under a policy, as it stands for the component."""
    counts = dictionary.kind == "counts"
    restricted = list(_restricted(dictionary, policy))
    stopped = {name for names, _, rule in restricted if rule.breach == "stop" for name in names}
    released = [v for v in dictionary.variables if v.role != Role.IDENTIFIER and v.name not in stopped]
    added = [ROUND, *([AGGREGATED] if counts else [])]
    yield _rows()
    yield _expect(
        "expect_only_known_columns",
        {"columns": _unique([*(v.name for v in released), *added]), "required": [ROUND]},
        "what the policy does not let out, or nobody described, does not leave the house: fail closed",
    )
    yield _identifiers(dictionary)
    for names, field, rule in restricted:
        if names:
            yield _ruled("expect_no_restricted_columns", {"columns": names, "rule": field, "limit": rule.value}, rule)
    for variable in released:
        yield from _column_released(variable, policy)
    if counts:
        yield from _counts_released(dictionary, policy, [v.name for v in released])
    else:
        yield from _records_released(dictionary, policy, released)


def _restricted(dictionary: Dictionary, policy: Policy) -> Iterator[tuple[list[str], str, Rule]]:
    """Columns that a rule of the policy does not let out, the rule's name, and the rule."""
    counts = dictionary.kind == "counts"
    field = "lowest_geography_counts" if counts else "lowest_geography_records"
    lowest: Rule[Geography] = getattr(policy, field)
    free_text, finer, points, sensitive, households = [], [], [], [], []
    for v in dictionary.variables:
        if v.role == Role.IDENTIFIER:
            continue
        if v.role == Role.HOUSEHOLD:  # a number since ingest, whatever it was
            households.append(v.name)
        elif v.type == Type.TEXT:
            free_text.append(v.name)
        if v.sensitivity.rank > policy.highest_sensitivity.value.rank:
            sensitive.append(v.name)
        if v.geography == Geography.POINT:
            if policy.coordinate_decimals.value is None or v.type != Type.NUMBER:
                points.append(v.name)
        elif v.geography is not None and v.geography.depth > lowest.value.depth:
            finer.append(v.name)
    if policy.free_text.value == "drop":
        yield free_text, "free_text", policy.free_text
    if policy.household_links.value == "drop":
        yield households, "household_links", policy.household_links
    yield sensitive, "highest_sensitivity", policy.highest_sensitivity
    yield finer, field, lowest
    if policy.coordinate_decimals.breach != "report":
        yield points, "coordinate_decimals", policy.coordinate_decimals


def _column_as_collected(variable: Variable) -> Iterator[dict]:
    name = variable.name
    kind = "integer" if variable.role == Role.HOUSEHOLD else variable.type.value
    yield _expect("expect_column_of_type", {"column": name, "kind": kind, "recoded": False}, DESCRIBED)
    if variable.role == Role.HOUSEHOLD:
        return
    if variable.required:
        yield _expect("expect_column_values_to_not_be_null", {"column": name}, DESCRIBED)
    if variable.unique:
        yield _expect("expect_column_values_to_be_unique", {"column": name}, DESCRIBED)
    if variable.type in (Type.INTEGER, Type.NUMBER) and not (variable.min is None and variable.max is None):
        ends = {"min_value": variable.min, "max_value": variable.max}
        kwargs = {"column": name, **{end: _plain(value) for end, value in ends.items() if value is not None}}
        yield _expect("expect_column_values_to_be_between", kwargs, DESCRIBED)
    if variable.codes:
        yield _codes(variable, {"as collected": variable.codes})


def _column_released(variable: Variable, policy: Policy) -> Iterator[dict]:
    """The codes of any level of a column's hierarchy, and its storage."""
    name = variable.name
    recoded = bool(variable.hierarchy)
    kind = "integer" if variable.role == Role.HOUSEHOLD else variable.type.value
    yield _expect("expect_column_of_type", {"column": name, "kind": kind, "recoded": recoded}, DESCRIBED)
    if variable.type == Type.DATE:
        patterns = {step.name: DATES[step.date] for step in variable.hierarchy if step.date is not None}
        kwargs: dict[str, Any] = {"column": name, "patterns": patterns, "as_collected": True}
        if patterns:
            yield _expect("expect_truncated_dates", kwargs, DESCRIBED)
    elif variable.role != Role.HOUSEHOLD:
        levels = {step.name: variable.codes_at(i) for i, step in enumerate(variable.hierarchy, start=1)}
        if variable.type in (Type.CODE, Type.CODES):
            levels = {"as collected": variable.codes_at(0), **levels}
        lists = {level: codes for level, codes in levels.items() if codes is not None}
        if lists and len(lists) == len(levels):
            yield _codes(variable, lists)
    if variable.geography == Geography.POINT and policy.coordinate_decimals.value is not None:
        kwargs = {"column": name, "decimals": policy.coordinate_decimals.value}
        yield _ruled("expect_coarse_coordinates", kwargs, policy.coordinate_decimals)


def _counts_released(dictionary: Dictionary, policy: Policy, names: Sequence[str]) -> Iterator[dict]:
    base = policy.rounding_base.value
    for variable in dictionary.variables:
        if variable.role == Role.COUNT and variable.name in names:
            least = policy.least_count(variable.unit)
            if least.value > 1:
                kwargs = {"column": variable.name, "minimum": least.value}
                yield _ruled("expect_minimum_count", kwargs, least)
            if base > 1:
                kwargs = {"column": variable.name, "base": base}
                yield _ruled("expect_rounded_counts", kwargs, policy.rounding_base)
    for link in dictionary.links:
        rounding = base if policy.rounding_base.breach == "stop" else 1
        yield _link(link, _slack(link, dictionary.links, rounding))
        least = policy.least_count(dictionary.by_name[link.total].unit)
        if least.value > 1:
            slack = rounding / 2 * len(link.members) if rounding > 1 else 0
            kwargs = {"total": link.total, "parts": list(link.parts), "minimum": least.value, "slack": _plain(slack)}
            yield _ruled("expect_no_count_given_away", kwargs, least)


def _records_released(dictionary: Dictionary, policy: Policy, released: Sequence[Variable]) -> Iterator[dict]:
    def with_role(role: Role) -> list[str]:
        return [v.name for v in released if v.role == role]

    keys, missing = with_role(Role.KEY), policy.missing.value
    if policy.k.value > 1:
        yield _ruled("expect_k_anonymity", {"keys": keys, "k": policy.k.value, "missing": missing}, policy.k)
    if policy.ell.value > 1:
        for name in with_role(Role.SENSITIVE):
            yield _ruled("expect_l_diversity", {"column": name, "keys": keys, "ell": policy.ell.value}, policy.ell)
    weight, household = (next(iter(with_role(role)), None) for role in (Role.WEIGHT, Role.HOUSEHOLD))
    for figure, rule, tie in (
        ("max_individual_risk", policy.max_individual_risk, {}),
        ("global_risk", policy.max_global_risk, {}),
        ("global_household_risk", policy.max_household_risk, {"household": household}),
    ):
        if rule.value < 1 and None not in tie.values():
            kwargs = {"figure": figure, "keys": keys, "limit": rule.value, "missing": missing, **tie}
            yield _ruled("expect_risk_at_most", kwargs if weight is None else {**kwargs, "weight": weight}, rule)


def _codes(variable: Variable, levels: Mapping[str, Iterable[str]]) -> dict:
    kwargs = {
        "column": variable.name,
        "levels": {name: list(codes) for name, codes in levels.items()},
        "multiple": variable.type == Type.CODES,
        "as_collected": variable.type in (Type.INTEGER, Type.NUMBER),
    }
    return _expect("expect_codes_in_list", kwargs, "a code outside the lists means nothing, or names somebody")


def _link(link: Link, slack: float) -> dict:
    kwargs = {
        "total": link.total,
        "parts": list(link.parts),
        "slack": _plain(slack),
        "rows_allowed": link.broken_rows_allowed,
    }
    return _expect("expect_link_to_hold", kwargs, "the dictionary states the identity, and readers add the parts up")


def _slack(link: Link, links: Sequence[Link], base: int) -> float:
    """How far rounding may pull a total from its parts: not at all, unless the total is broken down in two ways."""
    ways = [other for other in links if other.total == link.total and len(other.parts) > 1]
    if base == 1 or len(ways) < 2:
        return 0
    return base / 2 * (len(link.parts) + max(len(other.parts) for other in ways))


def _identifiers(dictionary: Dictionary) -> dict:
    names = [name for v in dictionary.variables if v.role == Role.IDENTIFIER for name in (v.name, *v.aliases)]
    others = {n.casefold() for v in dictionary.variables if v.role != Role.IDENTIFIER for n in (v.name, *v.aliases)}
    names = [form for name in names for form in (name, bare(name)) if form.casefold() not in others]
    return _expect(
        "expect_no_identifier_columns",
        {"columns": _unique(names)},
        "identifiers name one person or household outright: they end at ingest",
    )


def _rows() -> dict:
    return _expect("expect_table_row_count_to_be_between", {"min_value": 1}, "an empty file keeps every promise")


def _ruled(kind: str, kwargs: dict, rule: Rule) -> dict:
    return _expect(kind, kwargs, rule.because, rule.breach)


def _expect(kind: str, kwargs: dict, because: str, breach: str = "stop") -> dict:
    return {
        "type": kind,
        "kwargs": kwargs,
        "description": promise(kind, kwargs),
        "severity": SEVERITY[breach],
        "meta": {"attributes": {"because": because, "breach": breach}},
        "notes": because,
    }


def _files(folder: Path, dictionaries: Iterable[Dictionary], policies: Iterable[Policy]) -> dict[Path, str]:
    policies = tuple(policies)
    return {
        folder / f"{name}.json": json.dumps(suite, indent=2, ensure_ascii=False) + "\n"
        for dictionary in dictionaries
        for name, suite in suites(dictionary, policies).items()
    }


def _committed(folder: Path) -> set[Path]:
    return {*folder.glob("typed_*.json"), *folder.glob("release_*.json")}


def _suite(name: str, dictionary: Dictionary, expectations: Iterable[dict]) -> Suite:
    entries = [{"id": _id(name, entry), **entry} for entry in expectations]
    return {
        "name": name,
        "id": _id(name, [entry["id"] for entry in entries]),
        "notes": f"Written by `sdc expectations write` from the dictionary {dictionary.component} "
        f"{dictionary.version}; not to be edited by hand.",
        "expectations": entries,
    }


def _id(name: str, content: object) -> str:
    return str(uuid.uuid5(_NAMESPACE, name + json.dumps(content, sort_keys=True)))


def _unique(names: Iterable[str]) -> list[str]:
    return list(dict.fromkeys(names))


def _plain(value: float) -> int | float:
    """A whole number without its decimal point."""
    return int(value) if float(value).is_integer() else value
