"""The one page a reviewer reads: verdict, request, promises, risk, steps, loss, warnings, what to do next."""

import re
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from sdc import __version__
from sdc.dictionary import Dictionary, Role
from sdc.errors import IntegrityError
from sdc.policy import Policy
from sdc.report.pictures import Measure, histogram, risk_bars
from sdc.report.words import (
    count_in_words,
    counted,
    effects_in_words,
    label_of,
    listed,
    pair_in_words,
    share_in_words,
    step_in_words,
    value_in_words,
)
from sdc.request import Request

_SHA256 = re.compile(r"[0-9a-f]{64}")
_FEW = 12  # columns that are shown at once; more are folded
_OPEN_ENDS = (" at most", " at least", " above", " below", " than")  # of promises that the limit completes
_JUDGES = {"judge": "the pipeline's own judge", "expectations": "Great Expectations"}
_ROLES = {
    Role.IDENTIFIER: "Names a person or household",
    Role.HOUSEHOLD: "Ties a household",
    Role.KEY: "Key: an intruder may know it",
    Role.SENSITIVE: "Sensitive",
    Role.WEIGHT: "Sampling weight",
    Role.COUNT: "Count of people",
    Role.OTHER: "Other",
}
_RULES = {
    "free_text": "Free text",
    "highest_sensitivity": "Highest sensitivity let out",
    "household_links": "Link between members of a household",
    "lowest_geography_records": "Finest geography, records",
    "lowest_geography_counts": "Finest geography, counts",
    "coordinate_decimals": "Decimals of coordinates",
    "missing": "Reading of missing keys",
    "k": "k: records that share their keys",
    "ell": "ℓ: different sensitive values in a class",
    "max_individual_risk": "Highest risk of one record",
    "max_global_risk": "Average risk of a record",
    "max_household_risk": "Average risk through the household",
    "minimum_count": "Smallest count shown",
    "rounding_base": "Counts rounded to multiples of",
    "max_suppressed_values": "Values hidden, of one column",
    "max_suppressed_records": "Records with a hidden value",
    "engine": "Engine of suppression",
}
_BREACHES = {"stop": "Stops the release", "warn": "Warns", "report": "Is reported"}


class Figure(NamedTuple):
    """One of the few figures at the top: before (where there was one), now, what it means."""

    label: str
    now: str
    before: str | None
    note: str


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


class Row(NamedTuple):
    """One line of a table of figures before and after."""

    label: str
    before: str
    after: str
    limit: str = ""


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
    records = "violations" in verdict["risk_before"]  # records without keys are judged as counts are
    noun = "record" if verdict["kind"] == "records" else "row"
    checks = sorted((_check(entry) for entry in verdict["checks"]), key=lambda check: _ORDER.index(check.state))
    broken = [check for check in checks if check.state == "fails"]
    passes = verdict["gate"] == "pass" and not broken
    columns = [_column(entry, dictionary) for entry in verdict["loss"]["columns"]]
    return _template().render(
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
        warned=[check for check in checks if check.state == "warns"],
        holding=sum(check.state == "holds" for check in checks),
        figures=_figures(verdict, policy, records),
        asked=_asked(request, dictionary),
        rules=_rules(policy),
        risk_rows=_risk_rows(verdict, policy) if records else _count_rows(verdict, policy),
        class_rows=_class_rows(verdict, records),
        keys=[(label_of(name, dictionary), name) for name in verdict["risk_after"].get("keys", ())],
        pictures=_pictures(verdict, policy, records),
        steps=[_done(entry, dictionary, noun) for entry in ledger["entries"]],
        loss_groups=_grouped(verdict["loss"]["columns"], columns),
        warnings=[*_warnings(verdict), *_unseen(plan, ledger, dictionary)],
        hashes=_hashes(verdict),
        version=__version__,
        few=_FEW,
    )


_ORDER = ("fails", "warns", "told", "holds")


def _template() -> Any:
    environment = Environment(
        loader=PackageLoader("sdc.report", ""),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {"n": count_in_words, "share": share_in_words, "counted": lambda n, noun: counted(n, noun)}
    return environment.get_template("page.html")


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


def _check(entry: Mapping) -> Check:
    """A check whose outcome is not plainly true counts as broken."""
    state = "holds" if entry["passed"] is True else {"warn": "warns", "report": "told"}.get(entry["breach"], "fails")
    observed, limit = pair_in_words(entry["observed"], entry["limit"])
    promise = str(entry["promise"])
    if promise.endswith(_OPEN_ENDS):
        promise = f"{promise} {limit}"
    return Check(state, promise, str(entry["name"]), observed, limit, _JUDGES.get(entry["by"], str(entry["by"])))


def _warnings(verdict: Mapping) -> list[str]:
    """Open warnings, without those that only repeat a check: the page tells checks itself."""
    told = {f"{check['promise']}: {check['observed']} (limit {check['limit']})" for check in verdict["checks"]}
    return [str(warning) for warning in verdict["warnings"] if warning not in told]


def _figures(verdict: Mapping, policy: Policy, records: bool) -> list[Figure]:
    """The few figures that a decision turns on."""
    before, after, loss = verdict["risk_before"], verdict["risk_after"], verdict["loss"]
    released = sum(column["status"] == "released" for column in loss["columns"])
    noun = "Records" if records else "Rows"
    figures = [
        Figure(
            f"{noun} released",
            count_in_words(loss["records_after"]),
            count_in_words(loss["records_before"]) if loss["records_before"] != loss["records_after"] else None,
            "added up to larger areas"
            if not records and loss["records_after"] < loss["records_before"]
            else f"of {count_in_words(loss['records_before'])} in the extract",
        ),
        Figure(
            "Columns released",
            count_in_words(released),
            None,
            f"of {counted(len(loss['columns']), 'column')} asked for",
        ),
    ]
    if records:
        k = str(policy.k.value)
        at = k if k in after["violations"] and k in before["violations"] else "2"
        figures += [
            Figure(
                f"Records short of k = {at}",
                count_in_words(after["violations"][at]),
                count_in_words(before["violations"][at]),
                f"share their keys with fewer than {counted(int(at) - 1, 'other')}",
            ),
            Figure(
                "Average risk of a record",
                share_in_words(after["global_risk"]),
                share_in_words(before["global_risk"]),
                f"{_allowed(policy.max_global_risk)}; chance of being found",
            ),
        ]
        if after.get("global_household_risk") is not None:
            household_before = before.get("global_household_risk")
            figures.append(
                Figure(
                    "Risk through the household",
                    share_in_words(after["global_household_risk"]),
                    None if household_before is None else share_in_words(household_before),
                    _allowed(policy.max_household_risk),
                )
            )
    else:
        figures.append(
            Figure(
                f"Counts from 1 to {policy.minimum_count.value - 1}",
                count_in_words(after["below_minimum"]),
                count_in_words(before["below_minimum"]),
                f"of {counted(after['cells'], 'count')} in the file",
            )
        )
    figures += [
        Figure("Values hidden", share_in_words(loss["share_suppressed"]), None, "of the values in the file"),
        Figure(
            "Information lost", share_in_words(loss["information_loss"]), None, "0 % as collected, 100 % nothing left"
        ),
    ]
    return figures


def _allowed(rule: Any) -> str:
    words = {"stop": "at most", "warn": "warns above", "report": "for comparison"}[rule.breach]
    return f"{words} {share_in_words(rule.value)}"


def _asked(request: Request, dictionary: Dictionary) -> dict[str, Any]:
    """Columns asked for, and the sentence that tells how many."""
    if request.variables == "all":
        return {"all": True, "words": f"All {count_in_words(len(dictionary.variables))} columns", "columns": []}
    names = list(request.variables)
    return {
        "all": False,
        "words": f"{count_in_words(len(names))} of {counted(len(dictionary.variables), 'column')}",
        "columns": [(label_of(name, dictionary), name) for name in names],
    }


def _rules(policy: Policy) -> list[tuple[str, str, str, str]]:
    shares = {"max_individual_risk", "max_global_risk", "max_household_risk"}
    shares |= {"max_suppressed_values", "max_suppressed_records"}
    rules = []
    for name, rule in policy.rules():
        value = share_in_words(rule.value) if name in shares else value_in_words(rule.value)
        label = _RULES.get(name, name.replace("_", " ").capitalize())
        rules.append((label, "none kept" if rule.value is None else value, rule.because, _BREACHES[rule.breach]))
    return rules


def _risk_rows(verdict: Mapping, policy: Policy) -> list[Row]:
    """Figures of record risk, before and after, beside what the policy allows."""
    before, after = verdict["risk_before"], verdict["risk_after"]

    def row(label: str, key: str, say: Any, limit: str = "") -> Row:
        told = [("–" if risk.get(key) is None else say(risk[key])) for risk in (before, after)]
        return Row(label, told[0], told[1], limit)

    def persons(number: float) -> str:
        return f"{number:,.1f}"

    rows = [
        row("Records", "records", count_in_words),
        row("Different combinations of keys", "classes", count_in_words),
    ]
    for k in after["violations"]:
        label = "Records alone with their keys" if k == "2" else f"Records in classes smaller than {k}"
        limit = "0" if int(k) == policy.k.value and policy.k.breach == "stop" else ""
        counts = [count_in_words(risk["violations"][k]) if k in risk["violations"] else "–" for risk in (before, after)]
        rows.append(Row(label, counts[0], counts[1], limit))
    rows += [
        row("Records an intruder would expect to identify", "expected_reidentifications", persons),
        row("Average risk of a record", "global_risk", share_in_words, _limit(policy.max_global_risk)),
        row("Highest risk of a record", "max_individual_risk", share_in_words, _limit(policy.max_individual_risk)),
    ]
    if any(risk.get("global_household_risk") is not None for risk in (before, after)):
        rows += [
            row(
                "Records expected to be identified through their household",
                "expected_household_reidentifications",
                persons,
            ),
            row(
                "Average risk through the household",
                "global_household_risk",
                share_in_words,
                _limit(policy.max_household_risk),
            ),
        ]
    return rows


def _count_rows(verdict: Mapping, policy: Policy) -> list[Row]:
    """Figures of the counts in the file, before and after."""
    before, after = verdict["risk_before"], verdict["risk_after"]
    most = policy.minimum_count.value - 1

    def total(risk: Mapping, field: str) -> str:
        return count_in_words(sum(column[field] for column in risk["counts"].values()))

    return [
        Row("Rows", count_in_words(before["records"]), count_in_words(after["records"])),
        Row("Columns of counts", count_in_words(len(before["counts"])), count_in_words(len(after["counts"]))),
        Row("Counts in all", count_in_words(before["cells"]), count_in_words(after["cells"])),
        Row(
            f"Counts from 1 to {most}",
            count_in_words(before["below_minimum"]),
            count_in_words(after["below_minimum"]),
            "0" if policy.minimum_count.breach == "stop" else "",
        ),
        Row("Counts of nobody (0)", total(before, "zero"), total(after, "zero")),
        Row("Counts missing or hidden", total(before, "missing"), total(after, "missing")),
    ]


def _limit(rule: Any) -> str:
    return "" if rule.breach == "report" else share_in_words(rule.value)


def _class_rows(verdict: Mapping, records: bool) -> list[tuple[str, int, int]]:
    """Classes of size with their numbers before and after."""
    entry, label, number = ("fk_histogram", "fk", "records") if records else ("count_histogram", "count", "cells")
    numbers = [{row[label]: row[number] for row in verdict[risk][entry]} for risk in ("risk_before", "risk_after")]
    labels = dict.fromkeys([*numbers[0], *numbers[1]])
    return [(name.replace("-", "–"), numbers[0].get(name, 0), numbers[1].get(name, 0)) for name in labels]


def _pictures(verdict: Mapping, policy: Policy, records: bool) -> dict[str, Markup | None]:
    classes = _class_rows(verdict, records)
    before, after = verdict["risk_before"], verdict["risk_after"]
    if not records:
        least = policy.minimum_count.value
        unsafe = _below(classes, least, first=1)
        drawn = histogram(
            "Bar chart of the counts in the file by their size, as shares of all counts, before and after protection. "
            "The table beside it holds the same figures.",
            classes,
            unsafe=unsafe,
            zone=f"Not allowed: 1 to {least - 1}",
        )
        return {"classes": Markup(drawn), "risks": None}  # noqa: S704 - our own drawing, escaped where it is made
    k = policy.k.value
    drawn = histogram(
        "Bar chart of records by how many share their keys, as shares of all records, before and after protection. "
        "The table beside it holds the same figures.",
        classes,
        unsafe=_below(classes, k, first=0),
        zone=f"Below k = {k}",
    )
    measures = [
        Measure(label, before.get(key), after.get(key), None if rule.breach == "report" else rule.value, word)
        for label, key, rule in (
            ("Average risk of a record", "global_risk", policy.max_global_risk),
            ("Average risk through the household", "global_household_risk", policy.max_household_risk),
            ("Highest risk of a record", "max_individual_risk", policy.max_individual_risk),
        )
        for word in ("limit" if rule.breach == "stop" else "warns at",)
        if after.get(key) is not None
    ]
    bars = risk_bars(
        "Bar chart of the risk of re-identification before and after protection, with the limits of the policy. "
        "The table below holds the same figures.",
        measures,
    )
    return {"classes": Markup(drawn), "risks": Markup(bars)}  # noqa: S704 - as above


def _below(classes: list[tuple[str, int, int]], least: int, *, first: int) -> tuple[int, int]:
    """First and last place (exclusive) of the classes that lie wholly below `least`."""
    last = first
    while last < len(classes):
        ends = re.findall(r"[0-9]+", classes[last][0])
        if not ends or classes[last][0].endswith("+") or int(ends[-1]) >= least:
            break
        last += 1
    return first, last


def _done(entry: Mapping, dictionary: Dictionary, noun: str) -> Done:
    """One ledger entry: the sentence, the reason, what was seen, and the long lists folded."""
    step = {"name": entry["step"], "params": entry["params"]}
    folded = []
    for field, title in (("columns_removed", "Columns removed"), ("columns_added", "Columns added")):
        names = entry.get(field) or []
        if names:
            folded.append(Effects(title, [(label_of(name, dictionary), name, "") for name in names]))
    for field, title in (("recoded", "Values changed"), ("suppressed", "Values hidden")):
        cells = {name: n for name, n in (entry.get(field) or {}).items() if n}
        if len(cells) > 1:
            most = sorted(cells.items(), key=lambda cell: (-cell[1], cell[0]))
            folded.append(Effects(title, [(label_of(name, dictionary), name, count_in_words(n)) for name, n in most]))
    return Done(
        step_in_words(step, dictionary), str(entry["because"]), effects_in_words(entry, dictionary, noun), folded
    )


def _column(entry: Mapping, dictionary: Dictionary) -> Column:
    level = entry.get("level")
    if entry["status"] == "dropped":
        fate = "Dropped"
    elif level:
        fate = f"Recoded to “{entry['level_name'] or level}”"
    else:
        fate = "Some values hidden" if entry["suppressed"] else "As collected"
    role = _ROLES[Role(entry["role"])]
    return Column(
        label_of(entry["name"], dictionary),
        str(entry["name"]),
        role,
        fate,
        str(entry.get("because") or ""),
        count_in_words(entry["suppressed"]),
        entry["share_suppressed"],
        entry["loss"],
    )


def _grouped(entries: list[Mapping], columns: list[Column]) -> list[dict[str, Any]]:
    """Columns by their fate: changed first (most lost on top), then dropped, then those as collected."""
    groups: dict[str, list[Column]] = {"changed": [], "dropped": [], "kept": []}
    for entry, column in zip(entries, columns, strict=True):
        if entry["status"] == "dropped":
            groups["dropped"].append(column)
        elif entry.get("level") or entry["suppressed"] or entry["loss"]:
            groups["changed"].append(column)
        else:
            groups["kept"].append(column)
    groups["changed"].sort(key=lambda column: (-column.loss, -column.share_hidden))
    titles = {
        "changed": "Released with less detail",
        "dropped": "Dropped",
        "kept": "Released as collected",
    }
    return [
        {"fate": fate, "title": titles[fate], "columns": found, "open": len(found) <= _FEW or fate == "changed"}
        for fate, found in groups.items()
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
