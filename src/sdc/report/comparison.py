"""Risk before and after: the few figures that matter, the tables, and the pictures that go with them."""

import re
from collections.abc import Mapping
from typing import Any, NamedTuple

from markupsafe import Markup

from sdc.policy import Policy, Rule
from sdc.report.pictures import Measure, histogram, risk_bars
from sdc.report.words import count_in_words, counted, pair_in_words, share_in_words


class Figure(NamedTuple):
    """One of the few figures at the top: before (where there was one), now, what it means."""

    label: str
    now: str
    before: str | None
    note: str


class Row(NamedTuple):
    """One line of a table of figures before and after."""

    label: str
    before: str
    after: str
    limit: str = ""


def like(before: Mapping, after: Mapping) -> Mapping:
    """The risk after, in the shape of the risk before: a file that lost its keys, or its counts, has none to tell."""
    if ("violations" in before) == ("violations" in after):
        return after
    empty = (
        {"violations": {}, "fk_histogram": []}
        if "violations" in before
        else {"counts": {}, "cells": 0, "below_minimum": 0, "count_histogram": []}
    )
    return {"records": after["records"], **empty}


def of_records(verdict: Mapping) -> bool:
    """Whether risk was measured on records with keys, or on counts."""
    return "violations" in verdict["risk_before"]


def figures(verdict: Mapping, policy: Policy, ledger: Mapping) -> list[Figure]:
    """The few figures that a decision turns on."""
    before, after, loss = verdict["risk_before"], verdict["risk_after"], verdict["loss"]
    released = sum(column["status"] == "released" for column in loss["columns"])
    records = of_records(verdict)
    noun = "Records" if records else "Rows"
    added_up = any(entry["step"] == "aggregate_counts" for entry in ledger["entries"])
    found = [
        Figure(
            f"{noun} released",
            count_in_words(loss["records_after"]),
            count_in_words(loss["records_before"]) if loss["records_before"] != loss["records_after"] else None,
            "added up to larger areas" if added_up else f"of {count_in_words(loss['records_before'])} in the extract",
        ),
        Figure(
            "Columns released",
            count_in_words(released),
            None,
            f"of {counted(len(loss['columns']), 'column')} asked for",
        ),
    ]
    if records:
        at = next(
            (k for k in (str(policy.k.value), "2") if k in after["violations"] and k in before["violations"]), None
        )
        if at is not None:
            found.append(
                Figure(
                    f"Records short of k\u00a0=\u00a0{at}",
                    count_in_words(after["violations"][at]),
                    count_in_words(before["violations"][at]),
                    f"share their keys with fewer than {counted(int(at) - 1, 'other')}",
                )
            )
        if after.get("global_risk") is not None:
            found.append(
                Figure(
                    "Average risk of a record",
                    _against(after["global_risk"], policy.max_global_risk),
                    share_in_words(before["global_risk"]),
                    f"{_allowed(policy.max_global_risk)}; chance of being found",
                )
            )
        if after.get("global_household_risk") is not None:
            household_before = before.get("global_household_risk")
            found.append(
                Figure(
                    "Risk through the household",
                    _against(after["global_household_risk"], policy.max_household_risk),
                    None if household_before is None else share_in_words(household_before),
                    _allowed(policy.max_household_risk),
                )
            )
    else:
        found.append(
            Figure(
                f"Counts from 1 to {policy.minimum_count.value - 1}",
                count_in_words(after["below_minimum"]),
                count_in_words(before["below_minimum"]),
                f"of {counted(after['cells'], 'count')} shown",
            )
        )
    found += [
        Figure(
            "Values missing or hidden" if added_up else "Values hidden",
            share_in_words(loss["share_suppressed"]),
            None,
            "of the values in the file",
        ),
        Figure(
            "Information lost", share_in_words(loss["information_loss"]), None, "0 % as collected, 100 % nothing left"
        ),
    ]
    return found


def risk_rows(verdict: Mapping, policy: Policy) -> list[Row]:
    """Figures of risk before and after, beside what the policy allows."""
    return _record_rows(verdict, policy) if of_records(verdict) else _count_rows(verdict, policy)


def _record_rows(verdict: Mapping, policy: Policy) -> list[Row]:
    before, after = verdict["risk_before"], verdict["risk_after"]

    def row(label: str, key: str, say: Any, limit: str = "") -> Row:
        told = [("–" if risk.get(key) is None else say(risk[key])) for risk in (before, after)]
        return Row(label, told[0], told[1], limit)

    def persons(number: float) -> str:
        return f"{number:,.0f}" if number >= 100 else f"{number:,.1f}"

    def risk(label: str, key: str, rule: Rule) -> Row:
        return row(label, key, lambda share: _against(share, rule), _limit(rule))

    rows = [
        row("Records", "records", count_in_words),
        row("Different combinations of keys", "classes", count_in_words),
    ]
    for k in before["violations"]:
        label = "Records alone with their keys" if k == "2" else f"Records in classes smaller than {k}"
        limit = "0" if int(k) == policy.k.value and policy.k.breach == "stop" else ""
        counts = [count_in_words(risk["violations"][k]) if k in risk["violations"] else "–" for risk in (before, after)]
        rows.append(Row(label, counts[0], counts[1], limit))
    rows += [
        row("Records an intruder would expect to identify", "expected_reidentifications", persons),
        risk("Average risk of a record", "global_risk", policy.max_global_risk),
        risk("Highest risk of a record", "max_individual_risk", policy.max_individual_risk),
    ]
    if any(risk.get("global_household_risk") is not None for risk in (before, after)):
        rows += [
            row(
                "Records expected to be identified through their household",
                "expected_household_reidentifications",
                persons,
            ),
            risk("Average risk through the household", "global_household_risk", policy.max_household_risk),
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
        Row("Counts shown", count_in_words(before["cells"]), count_in_words(after["cells"])),
        Row(
            f"Counts from 1 to {most}",
            count_in_words(before["below_minimum"]),
            count_in_words(after["below_minimum"]),
            "0" if policy.minimum_count.breach == "stop" else "",
        ),
        Row("Counts of nobody (0)", total(before, "zero"), total(after, "zero")),
        Row("Counts missing or hidden", total(before, "missing"), total(after, "missing")),
    ]


def class_rows(verdict: Mapping) -> list[tuple[str, int, int]]:
    """Classes of size with their numbers before and after."""
    entry, label, number = (
        ("fk_histogram", "fk", "records") if of_records(verdict) else ("count_histogram", "count", "cells")
    )
    numbers = [{row[label]: row[number] for row in verdict[risk][entry]} for risk in ("risk_before", "risk_after")]
    labels = dict.fromkeys([*numbers[0], *numbers[1]])
    return [(name.replace("-", "–"), numbers[0].get(name, 0), numbers[1].get(name, 0)) for name in labels]


def pictures(verdict: Mapping, policy: Policy) -> dict[str, Markup | None]:
    """The histogram of classes, and for records the bars of risk, as SVG."""
    classes = class_rows(verdict)
    before, after = verdict["risk_before"], verdict["risk_after"]
    if not of_records(verdict):
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
    if not measures:
        return {"classes": Markup(drawn), "risks": None}  # noqa: S704 - as below
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


def _against(share: float, rule: Rule) -> str:
    """A share with digits enough to tell it from what the rule allows."""
    return pair_in_words(share, rule.value)[0]


def _allowed(rule: Rule) -> str:
    words = {"stop": "at most", "warn": "warns above", "report": "for comparison"}[rule.breach]
    return f"{words} {share_in_words(rule.value)}"


def _limit(rule: Rule) -> str:
    return "" if rule.breach == "report" else share_in_words(rule.value)
