"""The verdict across releases: knowledge sets, checks against the policy, cause and remedy; counts and columns only."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import date
from typing import NamedTuple

import numpy as np
import pandas as pd

from sdc.audit.counts import CountFindings, Limits, audit_counts, gives_away, smallest_combination
from sdc.audit.exceptions import Exemption, standing
from sdc.audit.facts import Facts
from sdc.audit.learned import Stop, Tell, intervals
from sdc.audit.records import Linkage, RecordFindings, audit_records
from sdc.policy import Policy
from sdc.steps.counts import least_counts
from sdc.table import Table

PUBLIC = "public"
ITSELF, WITH_PUBLIC, EVERYBODY = "itself", "public and this recipient", "all recipients together"
_SHOWN = 12  # lines of the worst


class Clock(NamedTuple):
    """What the edge lends the core: when to stop, and whom to tell of progress."""

    stop: Stop = lambda: False
    tell: Tell = lambda _done, _all: None


class Knowledge(NamedTuple):
    """What somebody may hold: the candidate, and earlier releases."""

    name: str
    of: str
    facts: tuple[Facts, ...]
    hard: bool


class Outcome(NamedTuple):
    """The audit as a document, and the exposed cells by place, which stay in the secure area."""

    document: dict
    exposed: pd.DataFrame


def limits_of(policy: Policy, table: Table) -> dict:
    """The numbers of a policy that the audit asks for, as far as their breach stops or warns.

    Parameters
    ----------
    policy : Policy, as it stands for the component
    table : Table, as ingested
        Whose columns count households or sensitive groups.
    """

    def value(name: str, none: int, breaches: tuple[str, ...] = ("stop",)) -> float:
        rule = getattr(policy, name)
        return rule.value if rule.breach in breaches else none

    numbers = (value("minimum_count", 1), value("minimum_households", 1), value("minimum_sensitive_count", 1))
    return {
        "minimum_count": int(numbers[0]),
        "minimums": least_counts(table, *(int(number) for number in numbers)),
        "minimum_width": float(value("minimum_width", 1)),
        "minimum_change": int(value("minimum_change", 1, ("stop", "warn"))),
        "change_stops": policy.minimum_change.breach == "stop",
        "k": int(value("k", 1)),
        "missing": policy.missing.value,
        "max_linked": float(policy.max_linked.value),
        "linked_stops": policy.max_linked.breach == "stop",
    }


def knowledge_sets(candidate: Facts, known: Sequence[Facts]) -> list[Knowledge]:
    """What may be held together with the candidate: nothing, all that is public with one recipient, everything.

    A public candidate joins what every single recipient holds, so each of them is a set.
    """
    own = str(candidate.about["organisation"])
    public = [one for one in known if one.about["tier"] == PUBLIC]
    sets = [Knowledge(ITSELF, own, (candidate,), True)]
    held: dict[str, list[Facts]] = {}
    for one in known:
        if one.about["tier"] != PUBLIC:
            held.setdefault(str(one.about["organisation"]), []).append(one)
    holders = [own] if candidate.about["tier"] != PUBLIC else sorted(held)
    for holder in holders:
        facts = (*public, *held.get(holder, ()), candidate)
        if len(facts) > 1:
            sets.append(Knowledge(WITH_PUBLIC, holder, facts, True))
    if candidate.about["tier"] == PUBLIC and public:
        sets.insert(1, Knowledge(WITH_PUBLIC, "everybody", (*public, candidate), True))
    if len({*held, *(() if candidate.about["tier"] == PUBLIC else (own,))}) > 1:
        sets.append(Knowledge(EVERYBODY, "everybody", (*known, candidate), False))
    return sets


def audit_release(
    candidate: Facts,
    known: Sequence[Facts],
    collected: Table,
    *,
    exceptions: Sequence[Exemption] = (),
    today: date,
    clock: Clock = Clock(),  # noqa: B008 - immutable
) -> Outcome:
    """Hold one release against every earlier one of its population.

    Parameters
    ----------
    candidate : Facts
    known : sequence of Facts
        Every earlier release of the population, public and withdrawn ones too; one that tells exactly what the
        candidate tells, to the same recipient, is the candidate itself and is left out.
    collected : Table
        The rounds as ingested, with the identities of their counts.
    exceptions : sequence of Exemption
    today : date
    clock : Clock

    Returns
    -------
    Outcome

    Guarantees
    ----------
    * The gate passes only when every set was judged to its end and every promise that stops holds in it, or a written
      exception covers it; a hard set knows no exception.
    * The document holds counts, column names, levels and release ids; no count of people and no place.
    """
    same = candidate.digest()
    earlier = [one for one in known if one.about["kind"] == candidate.about["kind"] and one.digest() != same]
    found, exposed = [], []
    for held in knowledge_sets(candidate, earlier):
        limits = _least(held.facts)
        judge = _counts if candidate.about["kind"] == "counts" else _records
        entry, cells = judge(held, collected, limits, clock)
        exempt = None if held.hard else standing(exceptions, str(candidate.about["request"]), held.name, today)
        failed = [check for check in entry["checks"] if not check["passed"] and check["breach"] == "stop"]
        entry |= {"exception": exempt.model_dump(mode="json") if exempt else None}
        entry |= {"gate": "pass" if not failed or exempt else "fail"}
        found.append(entry)
        exposed.append(cells.assign(held=f"{held.name}: {held.of}"))
    complete = all(entry["complete"] for entry in found)
    document = {
        "request": candidate.about["request"],
        "release": candidate.release,
        "population": candidate.about["population"],
        "kind": candidate.about["kind"],
        "tier": candidate.about["tier"],
        "facts_sha256": same,
        "known": [_named(one) for one in earlier],
        "sets": found,
        "complete": complete,
        "gate": "pass" if complete and all(entry["gate"] == "pass" for entry in found) else "fail",
    }
    return Outcome(document, pd.concat(exposed, ignore_index=True) if exposed else pd.DataFrame())


def _named(one: Facts) -> dict:
    return {
        name: one.about.get(name) for name in ("release_id", "request", "version", "tier", "organisation", "rounds")
    }


def _least(facts: Sequence[Facts]) -> dict:
    """The numbers for whoever holds the set: those of the least strict policy that they hold a release under."""
    given = [one.about["limits"] for one in facts if one.about.get("limits")]
    apart = ("missing", "max_linked", "minimums")
    least = {name: min(one[name] for one in given) for name in given[0] if name not in apart}
    columns = {column for one in given for column in one["minimums"]}
    least["minimums"] = {
        column: min(one["minimums"].get(column, one["minimum_count"]) for one in given) for column in sorted(columns)
    }
    least["missing"] = "wildcard" if any(one["missing"] == "wildcard" for one in given) else "category"
    least["max_linked"] = max(one["max_linked"] for one in given)
    return least


def _asked(limits: Mapping) -> Limits:
    return Limits(**{name: limits[name] for name in Limits._fields})


def _check(name: str, promise: str, observed: float, already: float, limit: float, breach: str) -> dict:
    return {
        "name": name,
        "promise": promise,
        "observed": observed,
        "already": already,
        "limit": limit,
        "passed": bool(observed - already <= limit),
        "breach": breach,
    }


def _ended(complete: bool) -> dict:
    return _check("complete", "The audit came to its end", 0 if complete else 1, 0, 0, "stop")


def _entry(held: Knowledge, limits: Mapping, checks: list[dict], complete: bool, more: Mapping) -> dict:
    return {
        "name": held.name,
        "of": held.of,
        "hard": held.hard,
        "releases": [one.release for one in held.facts],
        "complete": complete,
        "limits": {name: limits[name] for name in Limits._fields if name != "minimums"},
        "checks": [_ended(complete), *checks],
        **more,
    }


def _counts(held: Knowledge, collected: Table, limits: Mapping, clock: Clock) -> tuple[dict, pd.DataFrame]:
    """One knowledge set of counts."""
    asked = _asked(limits)
    last = len(held.facts) - 1
    links = collected.links
    found = audit_counts(held.facts, links, asked, candidate=last, stop=clock.stop, tell=clock.tell)
    changes = "stop" if limits["change_stops"] else "warn"
    checks = [
        _check(
            "small_counts",
            f"No count from 1 to {asked.minimum_count - 1} (or to the number of its column) is known "
            f"{_within(asked.minimum_width)}",
            len(found.exposed),
            found.already.narrow,
            0,
            "stop",
        ),
        _check(
            "persistence",
            "No such count is known to somebody who takes another round's for this round's where it has not changed",
            len(found.persistent),
            found.already.persistent,
            0,
            changes,
        ),
        _check(
            "changes",
            f"No change of 1 to {asked.minimum_change - 1} between rounds is known exactly",
            len(found.changes),
            found.already.changes,
            0,
            changes,
        ),
    ]
    cause: list[str] = []
    if len(found.exposed) > found.already.narrow and len(held.facts) > 1:
        kept = smallest_combination(held.facts, lambda facts: gives_away(facts, links, asked), last)
        cause = [held.facts[number].release for number in kept]
    more = {
        "cells": len(found.protected),
        "protected": int(found.protected.sum()),
        "exact_suppressed": found.suppressed_exact,
        "exact_differences": found.differences_exact,
        "changes_protected": found.changes_asked,
        "components": found.attack.components,
        "largest_component": found.attack.largest,
        "programs": found.attack.solves,
        "cause": cause,
        "worst": _worst(found),
        "remedy": _remedy_counts(found, cause, held, checks),
    }
    return _entry(held, limits, checks, found.complete, more), _places(found)


def _within(width: float) -> str:
    return "exactly" if width <= 1 else f"within less than {width:g} persons"


def _worst(found: CountFindings) -> list[dict]:
    """Where most is given away: column and level, in numbers of cells."""
    cells = np.unique(np.concatenate([found.exposed, found.persistent]))
    if not len(cells):
        return []
    about = found.refinement.about.iloc[cells].assign(exposed=np.isin(cells, found.exposed))
    groups = about.groupby(["column", "depth"])["exposed"].agg(["sum", "size"]).reset_index()
    groups = groups.sort_values(["size", "column", "depth"], ascending=[False, True, True]).head(_SHOWN)
    return [
        {"column": column, "level": level, "exposed": exposed, "with_persistence": cells}
        for column, level, exposed, cells in groups.astype({"sum": "int", "size": "int"}).to_numpy().tolist()
    ]


def _places(found: CountFindings) -> pd.DataFrame:
    """Every exposed cell with its place and its interval: for the secure area."""
    system = found.refinement
    cells = np.unique(np.concatenate([found.exposed, found.persistent]))[:1000]
    wanted = np.isin(np.arange(len(found.protected)), cells)
    low, high = intervals(system.cells, system.lower, system.upper, wanted)
    about = system.about.iloc[cells][["column", "depth", "round", "place"]]
    return about.assign(low=low[cells], high=high[cells])


def _remedy_counts(found: CountFindings, cause: Sequence[str], held: Knowledge, checks: Sequence[Mapping]) -> list[str]:
    """What would mend it, in words."""
    words = []
    if len(found.exposed) > found.already.narrow:
        if len(held.facts) == 1:
            words.append(
                "The release gives its own small counts away through sums of its rows: hide one more count of each sum."
            )
        else:
            others = ", ".join(name for name in cause if name != held.facts[-1].release)
            words.append(
                f"Cut this release from the protected master that {others or 'the earlier releases'} was cut from."
            )
            words.append("Or ask for fewer columns, or for one level of areas only: those of the list above.")
        if found.differences_exact:
            words.append(
                f"{found.differences_exact} of them are differences between areas that no release shows: "
                "publish the same areas."
            )
    told = {check["name"]: check for check in checks}
    if not told["changes"]["passed"] or not told["persistence"]["passed"]:
        words.append("Round counts, or publish the later round with the earlier round's hidden cells hidden.")
    if not told["changes"]["passed"]:
        words.append("Changes between rounds are small where little happens: publish fewer rounds, or larger areas.")
    if not found.complete:
        words.append(
            "The audit did not end: give it more time, or ask for fewer columns. Unfinished, it proves nothing."
        )
    return words


def _records(held: Knowledge, collected: Table, limits: Mapping, _: Clock) -> tuple[dict, pd.DataFrame]:
    """One knowledge set of records."""
    asked = _asked(limits)
    last = len(held.facts) - 1
    found = audit_records(held.facts, collected, asked, candidate=last)
    own = [link for link in found.linked if held.facts[last].release in (link.first, link.second)]
    linked = max((link.share for link in own), default=0.0)
    checks = [
        _check(
            "joined_k",
            f"Joined on the internal key, every record shares its keys with at least {asked.k - 1} others",
            found.violations,
            found.already,
            0,
            "stop",
        ),
        _check(
            "linkage",
            "The share of records that columns of two releases link for certain is at most",
            round(linked, 4),
            0,
            limits["max_linked"],
            "stop" if limits["linked_stops"] else "warn",
        ),
    ]
    more = {
        "records": found.records,
        "uniques": found.uniques,
        "uniques_alone": dict(found.alone),
        "keys": list(found.keys),
        "linkage": [_link(link) for link in found.linked],
        "cause": [one.release for one in held.facts] if found.violations > found.already else [],
        "worst": [],
        "remedy": _remedy_records(found, own, checks),
    }
    return _entry(held, limits, checks, True, more), pd.DataFrame(columns=["column", "depth", "round", "place"])


def _link(link: Linkage) -> dict:
    return {**asdict(link), "columns": list(link.columns), "share": round(link.share, 4)}


def _remedy_records(found: RecordFindings, own: Sequence, checks: Sequence[Mapping]) -> list[str]:
    words = []
    told = {check["name"]: check for check in checks}
    if not told["joined_k"]["passed"]:
        words.append("Cut both releases from one protected master: then no two recodings join to more than the finest.")
        words.append("Or ask for keys at the levels at which the earlier release shows them.")
    if not told["linkage"]["passed"]:
        worst = max(own, key=lambda link: link.share)
        words.append(f"{len(worst.columns)} columns are shared with an earlier release: leave some of them out.")
        if worst.by_weight:
            words.append(
                f"{worst.by_weight:,} records are linked by the weight alone: average the weights over records that "
                "share their keys, or leave the weight out."
            )
    return words
