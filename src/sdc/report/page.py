"""The one page a reviewer reads: verdict, request, promises, risk, steps, loss, warnings, what to do next."""

import re
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from sdc.dictionary import Dictionary, Role
from sdc.errors import IntegrityError
from sdc.pages import render
from sdc.policy import Policy
from sdc.report.comparison import class_rows, figures, like, of_records, pictures, risk_rows
from sdc.report.counts import counts_section
from sdc.report.words import (
    FILTERS,
    columns_in_words,
    count_in_words,
    counted,
    effects_in_words,
    label_of,
    listed,
    pair_in_words,
    share_in_words,
    step_in_words,
    value_in_words,
    whole_promise,
)
from sdc.request import Request

_NAME = re.compile(r"`([^`]+)`")
_SHA256 = re.compile(r"[0-9a-f]{64}")
_SAID = 5  # columns that the sentence of a step names one by one
_FEW = 12  # columns that are shown at once; more are folded
_JUDGES = {"judge": "the pipeline's own judge", "expectations": "Great Expectations"}
_ROLES = {
    Role.IDENTIFIER: "Names a person or household",
    Role.HOUSEHOLD: "Ties a household",
    Role.KEY: "Key",
    Role.SENSITIVE: "Sensitive",
    Role.WEIGHT: "Sampling weight",
    Role.COUNT: "Count of people",
    Role.OTHER: "Other",
}
_RULES = {
    "free_text": "Free text",
    "highest_sensitivity": "Highest sensitivity let out",
    "household_links": "Link between members of a household",
    "minimum_alike_households": "Fewest households that answered alike",
    "lowest_geography_records": "Finest geography, records",
    "lowest_geography_counts": "Finest geography, counts",
    "coordinate_decimals": "Decimals of coordinates",
    "missing": "Reading of missing keys",
    "own_count": "A count of one, to the one it counts",
    "which_primary": "Which counts were small",
    "sensitive_amounts": "Exact amounts",
    "minimum_width": "Least values a hidden count may have, releases joined",
    "minimum_change": "Smallest change between rounds shown",
    "max_linked": "Rows that two releases may link",
    "k": "k: records that share their keys",
    "ell": "ℓ: different sensitive values in a class",
    "max_individual_risk": "Highest risk of one record",
    "max_global_risk": "Average risk of a record",
    "max_household_risk": "Average risk through the household",
    "minimum_count": "Smallest count shown",
    "minimum_households": "Smallest count of households shown",
    "minimum_sensitive_count": "Smallest count of a sensitive kind shown",
    "zeros": "Zeros",
    "minimum_contributors": "Fewest places behind a sum",
    "dominance": "Places that dominate a sum (number, per cent)",
    "p_percent": "Nearest estimate of a place's share, per cent",
    "group_disclosure": "Everybody in one sensitive category",
    "margins": "Sums taken as published",
    "secondary_suppression": "Secondary suppression",
    "last_round": "Counts of the last round",
    "count_method": "How counts are protected",
    "cell_noise": "Noise of cell keys (greatest, variance)",
    "small_sites": "Small sites",
    "count_bands": "Bands of counts",
    "sensitive_sites": "Sensitive sites",
    "minimum_attribute_persons": "Fewest people of whom attributes are told",
    "coordinate_displacement": "Displacement of coordinates, km",
    "max_suppressed_counts": "Counts hidden, of all",
    "rounding_base": "Counts rounded to multiples of",
    "max_suppressed_values": "Values hidden, of one column",
    "max_suppressed_records": "Records with a hidden value",
    "engine": "Engine of suppression",
}
_DONE = {  # by a step to a column, where the step alone tells it
    "surrogate_households": "numbered anew",
    "average_weights": "averaged over records alike",
    "band_counts": "shown in bands",
    "recode_to_bands": "recoded to bands",
    "top_code": "the highest told as one value",
    "bottom_code": "the lowest told as one value",
    "microaggregate": "replaced by means of groups",
    "add_noise": "moved by random noise",
    "swap_ranks": "exchanged between similar records",
    "post_randomise": "changed at random",
    "swap_records": "exchanged between similar households",
    "displace_coordinates": "moved by random distances",
}
_BREACHES = {"stop": "Stops the release", "warn": "Warns", "report": "Is reported"}


class Check(NamedTuple):
    """One promise as it was judged."""

    state: str
    promise: str
    name: str
    observed: str
    limit: str
    judge: str


class Effects(NamedTuple):
    """A list that may be long, folded under its title."""

    title: str
    items: list[tuple[str, str, str]]


class Done(NamedTuple):
    """One step of the ledger, in words."""

    sentence: str
    because: str
    effects: list[str]
    folded: list[Effects]


class Column(NamedTuple):
    """What became of one column that was asked for."""

    label: str
    name: str
    role: str
    fate: str
    because: str
    hidden: str
    share_hidden: float
    loss: float

    @property
    def pair(self) -> tuple[str, str]:
        """Label and name."""
        return self.label, self.name


def page(*, request: Request, policy: Policy, dictionary: Dictionary, plan: dict, ledger: dict, verdict: dict) -> str:
    """Write the page a reviewer reads before deciding on a release.

    Parameters
    ----------
    request : Request
    policy : Policy
        Overrides for the component are applied here.
    dictionary : Dictionary
        Labels of columns and names of levels are taken from it; codes are not.
    plan, ledger, verdict : dict
        As in plan.json, ledger.json and verdict.json: counts and column names.

    Returns
    -------
    str : HTML, one self-contained document without scripts

    Raises
    ------
    IntegrityError : when plan, ledger, verdict and request are not of one request.

    Guarantees
    ----------
    * The same documents give the same bytes.
    * Nothing outside the page is referred to.
    * Only entries of the documents' known shape are shown, and all text is escaped.
    * A broken promise that stops the release shows as a failed gate, whatever the verdict's `gate` says.
    """
    _of_one_request(request, policy, dictionary, plan=plan, ledger=ledger, verdict=verdict)
    policy = policy.for_component(verdict["component"])
    verdict = {**verdict, "risk_after": like(verdict["risk_before"], verdict["risk_after"])}
    records = of_records(verdict)  # records without keys are judged as counts are
    noun = "record" if verdict["kind"] == "records" else "row"
    checks = [_check(entry, dictionary) for entry in verdict["checks"]]
    checks.sort(key=lambda check: _ORDER.index(check.state))
    broken = [check for check in checks if check.state == "fails"]
    passes = verdict["gate"] == "pass" and not broken
    warned = [check for check in checks if check.state == "warns"]
    names = {check.name for check in warned}
    known, left = (verdict[risk].get("keys", ()) for risk in ("risk_before", "risk_after"))
    done = _done_whole(ledger, dictionary)
    columns = [_column(entry, dictionary, done) for entry in verdict["loss"]["columns"]]
    return render(
        "report/page.html",
        filters=FILTERS,
        request=request,
        policy=policy,
        dictionary_title=dictionary.title.get("en", dictionary.component),
        dictionary=dictionary,
        verdict=verdict,
        noun=noun,
        records=records,
        rounds=_rounds(verdict["rounds"]),
        passes=passes,
        broken=broken,
        contradicts=verdict["gate"] == "pass" and not passes,
        checks=checks,
        warned=warned,
        notes=[check for check in warned if check.name.removeprefix("expect_") not in names - {check.name}],
        holding=sum(check.state == "holds" for check in checks),
        figures=figures(verdict, policy, ledger),
        asked=_asked(request, dictionary, sum(column.name in dictionary.by_name for column in columns)),
        rules=_rules(policy),
        risk_rows=risk_rows(verdict, policy),
        class_rows=class_rows(verdict),
        keys=columns_in_words(known, dictionary, most=40),
        keys_left=None if len(left) == len(known) else columns_in_words(left, dictionary, most=40),
        pictures=pictures(verdict, policy),
        master=any("the master" in step["because"] for step in plan["steps"]),
        counts=counts_section(verdict, dictionary),
        steps=[_done(entry, dictionary, noun) for entry in ledger["entries"]],
        loss_groups=_grouped(columns),
        warnings=[*_warnings(verdict), *_unseen(plan, ledger, dictionary)],
        hashes=_hashes(verdict),
        few=_FEW,
        hidden="Missing or hidden" if any(e["step"] == "aggregate_counts" for e in ledger["entries"]) else "Hidden",
    )


_ORDER = ("fails", "warns", "holds", "told")


def _of_one_request(request: Request, policy: Policy, dictionary: Dictionary, **documents: dict) -> None:
    """Refuse a page put together from the documents of different requests."""
    for name, document in documents.items():
        if document["request"] != request.id:
            raise IntegrityError(request.id, f"its {name} is of another request", "Run `dvc repro`.")
    verdict = documents["verdict"]
    for name, said, given in (
        ("policy", verdict["policy"], policy.policy),
        ("component", verdict["component"], dictionary.component),
    ):
        if said != given:
            raise IntegrityError(request.id, f"its verdict is about another {name}", "Run `dvc repro`.")


def _rounds(rounds: Iterable[int]) -> str:
    numbers = [str(number) for number in rounds]
    return f"{'Round' if len(numbers) == 1 else 'Rounds'} {listed(numbers)}"


def _check(entry: Mapping, dictionary: Dictionary) -> Check:
    """A check whose outcome is not plainly true counts as broken."""
    state = "holds" if entry["passed"] is True else {"warn": "warns", "report": "told"}.get(entry["breach"], "fails")
    observed, limit = pair_in_words(entry["observed"], entry["limit"])
    promise = whole_promise(str(entry["promise"]), limit)
    if promise.count("`") == 2:  # of one column, whose name stands below: told by its label
        promise = _NAME.sub(lambda found: _labelled(found[1], entry["name"], dictionary), promise)
    return Check(state, promise, str(entry["name"]), observed, limit, _JUDGES.get(entry["by"], str(entry["by"])))


def _labelled(name: str, check: str, dictionary: Dictionary) -> str:
    label = label_of(name, dictionary)
    return f"“{label}”" if label != name and name in check else f"`{name}`"


def _warnings(verdict: Mapping) -> list[str]:
    """Open warnings, without those that only repeat a check: the page tells checks itself."""
    told = {f"{check['promise']}: {check['observed']} (limit {check['limit']})" for check in verdict["checks"]}
    return [str(warning) for warning in verdict["warnings"] if warning not in told]


def _asked(request: Request, dictionary: Dictionary, columns: int) -> dict[str, Any]:
    """Columns asked for, and the sentence that tells how many."""
    if request.variables == "all":
        there = f"{count_in_words(columns)} of the dictionary's {count_in_words(len(dictionary.variables))}"
        words = f"All: {there} came through ingest, which ends direct identifiers"
        return {"words": words, "columns": []}
    names = list(request.variables)
    return {
        "words": f"{count_in_words(len(names))} of {counted(len(dictionary.variables), 'column')}",
        "columns": [(label_of(name, dictionary), name) for name in names],
    }


def _rules(policy: Policy) -> list[tuple[str, str, str, str]]:
    rules = []
    for name, rule in policy.rules():
        share = name.startswith("max_")
        value = share_in_words(rule.value) if share else value_in_words(rule.value, shares=False)
        label = _RULES.get(name, name.replace("_", " ").capitalize())
        rules.append((label, "none kept" if rule.value is None else value, rule.because, _BREACHES[rule.breach]))
    return rules


def _done(entry: Mapping, dictionary: Dictionary, noun: str) -> Done:
    """One ledger entry: the sentence, the reason, what was seen, and the long lists folded."""
    step = {"name": entry["step"], "params": entry["params"]}
    folded = []
    said = entry["params"].get("columns") or []
    for field, title in (("columns_removed", "Columns removed"), ("columns_added", "Columns added")):
        names = entry.get(field) or []
        if names and (len(names) > _SAID or set(names) != set(said)):
            folded.append(Effects(title, [(label_of(name, dictionary), name, "") for name in names]))
    for field, title in (("recoded", "Values changed, by column"), ("suppressed", "Values hidden, by column")):
        cells = {name: n for name, n in (entry.get(field) or {}).items() if n}
        if len(cells) > 1:
            most = sorted(cells.items(), key=lambda cell: (-cell[1], cell[0]))
            folded.append(Effects(title, [(label_of(name, dictionary), name, count_in_words(n)) for name, n in most]))
    return Done(
        step_in_words(step, dictionary), str(entry["because"]), effects_in_words(entry, dictionary, noun), folded
    )


def _column(entry: Mapping, dictionary: Dictionary, done: Mapping[str, list[str]]) -> Column:
    """One column's row: its fate is told by its level and by the steps that changed it whole."""
    fates = [f"recoded to “{entry['level_name'] or entry['level']}”"] if entry.get("level") else []
    fates += done.get(entry["name"], [])
    if entry["suppressed"]:
        fates.append("all values hidden" if entry["share_suppressed"] >= 1 else "some values hidden")
    if entry["status"] == "dropped":
        told = "dropped"
    else:
        told = listed(fates) or ("some records removed" if entry["loss"] else "")
    return Column(
        label_of(entry["name"], dictionary),
        str(entry["name"]),
        _ROLES[Role(entry["role"])],
        told[:1].upper() + told[1:],
        str(entry.get("because") or ""),
        count_in_words(entry["suppressed"]),
        entry["share_suppressed"],
        entry["loss"],
    )


def _done_whole(ledger: Mapping, dictionary: Dictionary) -> dict[str, list[str]]:
    """What steps did to each column beside hiding and recoding, which its figures tell."""
    done: dict[str, list[str]] = {}
    for entry in ledger["entries"]:
        step, params = entry["step"], entry["params"]
        columns = [name for name, cells in (entry.get("recoded") or {}).items() if cells]
        if step == "recode":
            continue
        if step == "aggregate_counts":
            columns, told = [v.name for v in dictionary.variables if v.role == Role.COUNT], "added up"
        elif step == "round_counts":
            columns, told = params["columns"], f"rounded to multiples of {params['base']}"
        elif step == "coarsen_coordinates":
            columns, told = params["columns"], f"rounded to {counted(params['decimals'] or 0, 'decimal')}"
        else:
            told = _DONE.get(step, "changed")
        for name in columns:
            done.setdefault(name, []).append(told)
    return done


def _grouped(columns: list[Column]) -> list[dict[str, Any]]:
    """Columns by their fate: changed first (most lost on top), then dropped, then those as collected."""
    dropped = [column for column in columns if column.fate == "Dropped"]
    kept = [column for column in columns if not column.fate]
    changed = [column for column in columns if column.fate not in ("Dropped", "")]
    changed.sort(key=lambda column: (-column.loss, -column.share_hidden))
    groups = (("changed", "Released with less detail, or changed", changed), ("dropped", "Dropped", dropped))
    return [
        {"fate": fate, "title": title, "columns": found, "open": len(found) <= _FEW or fate == "changed"}
        for fate, title, found in (*groups, ("kept", "Released as collected", kept))
        if found
    ]


def _unseen(plan: Mapping, ledger: Mapping, dictionary: Dictionary) -> list[str]:
    """Steps that were planned and are not in the ledger: a reviewer must know."""
    seen = [(entry["step"], entry["params"]) for entry in ledger["entries"]]
    missing = [step for step in plan["steps"] if (step["name"], step["params"]) not in seen]
    return [f"Planned, but not seen done: {step_in_words(step, dictionary)}" for step in missing]


def _hashes(verdict: Mapping) -> list[tuple[str, str]]:
    """Every SHA-256 that the verdict names."""
    return [
        (name.removesuffix("_sha256").replace("_", " ").capitalize(), value)
        for name, value in verdict.items()
        if name.endswith("_sha256") and isinstance(value, str) and _SHA256.fullmatch(value)
    ]
