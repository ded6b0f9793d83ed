"""Synthetic documents for the reviewer's page: a request of records that passes, one of counts that fails.

`passing_records()` and `failing_counts()` give the keyword arguments of `sdc.report.page.page`; `wide(n)` has many
columns. Every call gives fresh objects, so a test may change them.
"""

from datetime import date
from pathlib import Path
from typing import Any

from sdc.dictionary import Dictionary
from sdc.policy import Policy, read_policy
from sdc.request import Request

POLICIES = Path(__file__).resolve().parents[1] / "policies"
PLAN_SHA256 = "3f7a0c95d1e84b62a6c0f5b7e98d21430fbb6f1a7c2e4d5896a1b3c8d7e0f294"


def policy(**rules: dict) -> Policy:
    """The public policy of the project; `rules` change some: ``k={"value": 3}``."""
    content = read_policy(POLICIES / "public.yaml").model_dump(mode="json", exclude={"components"})
    return Policy.model_validate({**content, **{name: {**content[name], **rule} for name, rule in rules.items()}})


def passing_records() -> dict[str, Any]:
    """A flow-monitoring survey whose every promise holds, with two open warnings."""
    dictionary = Dictionary.model_validate(
        {
            "component": "flow_monitoring_survey",
            "version": "1.2.0",
            "title": {"en": "Flow monitoring survey", "fr": "Enquête de suivi des flux"},
            "unit": "respondent",
            "variables": [
                _variable("respondent_name", "Name of the respondent", "text", "identifier"),
                _variable("respondent_phone", "Phone number of the respondent", "text", "identifier"),
                _variable("enumerator_id", "Enumerator", "text", "identifier"),
                _variable("s0101_adm1_pcode", "Place of interview, admin 1 p-code", "code", "key", open_codes=True),
                _variable("s0102_adm2_pcode", "Place of interview, admin 2 p-code", "code", "key", open_codes=True),
                _variable(
                    "s0210_sex",
                    "Sex",
                    "code",
                    "key",
                    codes={"f": {"en": "Female"}, "m": {"en": "Male"}, "x": {"en": "Other"}},
                ),
                _variable(
                    "s0211_age",
                    "Age in completed years",
                    "integer",
                    "key",
                    hierarchy=[
                        {"name": "5-year bands", "bands": [0, 5, 10, 15, 20, 25, 30, 40, 50, 60]},
                        {"name": "10-year bands", "bands": [0, 10, 20, 30, 40, 50, 60]},
                        {"name": "child, adult, older person", "bands": [0, 20, 60]},
                    ],
                ),
                _variable("s0212_nationality", "Nationality", "code", "key", open_codes=True),
                _variable("s0213_education", "Highest level of education completed", "code", "key", open_codes=True),
                _variable(
                    "s0220_interview_date",
                    "Date of the interview",
                    "date",
                    "key",
                    hierarchy=[{"name": "month", "date": "month"}, {"name": "quarter", "date": "quarter"}],
                ),
                _variable(
                    "s0301_reason",
                    "Main reason for leaving the place of departure",
                    "code",
                    "sensitive",
                    open_codes=True,
                ),
                _variable("s0302_destination", "Intended country of destination", "code", "other", open_codes=True),
                _variable("s0303_needs", "Needs during the journey, all that apply", "codes", "other", open_codes=True),
                _variable("s0304_needs_other", "Needs during the journey, other (specify)", "text", "other"),
                _variable("s0401_group_size", "Number of people travelling together", "integer", "key"),
                _variable("weight", "Sampling weight", "number", "weight"),
            ],
        }
    )
    request = Request.model_validate(
        {
            "id": "REQ-2026-003",
            "title": "Flow monitoring survey 2026, round 1, for a public dashboard",
            "requester": {"organisation": "Regional Mixed Migration Network", "type": "ngo"},
            "purpose": "A public dashboard on routes, reasons for leaving and needs during the journey.",
            "component": "flow_monitoring_survey",
            "country": "TCD",
            "rounds": [1],
            "variables": [
                v.name
                for v in dictionary.variables
                if v.name not in {"enumerator_id", "respondent_name", "respondent_phone"}
            ],
            "policy": "public",
            "approval": {"status": "approved", "by": "actor-014", "on": date(2026, 2, 3)},
            "expires": date(2026, 12, 31),
        }
    )
    keys = [
        "s0101_adm1_pcode",
        "s0210_sex",
        "s0211_age",
        "s0212_nationality",
        "s0213_education",
        "s0220_interview_date",
    ]
    keys += ["s0401_group_size"]
    steps = [
        ("drop_columns", {"columns": ["s0304_needs_other"]}, "policy `public` lets no free text out"),
        ("drop_columns", {"columns": ["s0102_adm2_pcode"]}, "policy `public` shows records no finer than admin1"),
        (
            "recode",
            {"variable": "s0211_age", "level": 2},
            "policy `public` asks k = 5; 61 % of records fall short as collected",
        ),
        (
            "recode",
            {"variable": "s0220_interview_date", "level": 2},
            "policy `public` asks k = 5; 34 % of records still fall short",
        ),
        (
            "suppress_locally",
            {
                "keys": keys,
                "k": 5,
                "missing": "wildcard",
                "engine": "native",
                "importance": {"s0211_age": 3, "s0210_sex": 2},
            },
            "212 records still share their keys with fewer than 4 others",
        ),
        ("suppress_sensitive", {"keys": keys, "sensitive": "s0301_reason", "ell": 2}, "policy `public` asks ℓ = 2"),
        ("sort_records", {}, "the order of collection leaks who was interviewed with whom"),
    ]
    ledger = [
        _entry(
            "remove_identifiers",
            {"columns": ["respondent_name", "respondent_phone", "enumerator_id"]},
            "identifiers end at ingest",
            5000,
            columns_removed=["respondent_name", "respondent_phone", "enumerator_id"],
        ),
        _entry(*steps[0], 5000, columns_removed=["s0304_needs_other"]),
        _entry(*steps[1], 5000, columns_removed=["s0102_adm2_pcode"]),
        _entry(*steps[2], 5000, recoded={"s0211_age": 4968}),
        _entry(*steps[3], 5000, recoded={"s0220_interview_date": 5000}),
        _entry(
            *steps[4],
            5000,
            suppressed={
                "s0212_nationality": 148,
                "s0213_education": 61,
                "s0401_group_size": 212,
                "s0101_adm1_pcode": 9,
            },
        ),
        _entry(*steps[5], 5000, suppressed={"s0301_reason": 38}),
        _entry(*steps[6], 5000),
    ]
    verdict = {
        "request": request.id,
        "title": request.title,
        "policy": "public",
        "tier": "public",
        "component": "flow_monitoring_survey",
        "kind": "records",
        "rounds": [1],
        "gate": "pass",
        "checks": [
            _check("k_anonymity", "Every record shares its keys with at least 4 others (a missing value matches any value)", 0, 0),
            _check("max_individual_risk", "No record's risk of re-identification is above", 0.2, 0.2),
            _check("global_risk", "Mean risk of re-identification is at most", 0.0108, 0.03),
            _check(
                "max_household_risk",
                "The average risk through the household stays below 3 %",
                0.0304,
                0.03,
                "warn",
                False,
            ),
            _check("ell", "Every class holds at least 2 different values of each sensitive column", 2, 2, "warn"),
            _check("max_suppressed_values", "No more than 5 % of a column's values are hidden", 0.0424, 0.05),
            _check("max_suppressed_records", "No more than 20 % of records have a hidden value", 0.0818, 0.2),
            _check("no_identifiers", "No column names a person or household", 0, 0, by="expectations"),
            _check("no_free_text", "No column holds free text", 0, 0, by="expectations"),
            _check("codes", "Every code is in the dictionary's list for its level", 0, 0, by="expectations"),
            _check("lowest_geography_records", "Nothing places a record finer than admin1", "admin1", "admin1"),
            _check("order", "The order of records says nothing about their collection", True, True),
            _check(
                "diversity_closeness",
                "How close the reasons in a class are to all reasons",
                0.31,
                None,
                "report",
                False,
            ),
        ],
        "risk_before": _risk(
            keys,
            3180,
            (3052, 3607, 4188, 4602),
            2390.7,
            0.47814,
            1.0,
            2611.4,
            0.52228,
            (3052, 555, 581, 414, 231, 131, 36, 0),
        ),
        "risk_after": _risk(
            keys, 402, (0, 0, 0, 688), 54.0, 0.0108, 0.2, 152.0, 0.0304, (0, 0, 0, 688, 947, 1481, 1002, 882)
        ),
        "loss": {
            "information_loss": 0.2316,
            "share_suppressed": 0.0085,
            "records_before": 5000,
            "records_after": 5000,
            "columns": [
                _loss("s0101_adm1_pcode", "key", suppressed=9, share=0.0018),
                _loss("s0102_adm2_pcode", "key", dropped="policy `public` shows records no finer than admin1"),
                _loss("s0210_sex", "key"),
                _loss("s0211_age", "key", level=2, level_name="10-year bands", loss=0.094),
                _loss("s0212_nationality", "key", suppressed=148, share=0.0296),
                _loss("s0213_education", "key", suppressed=61, share=0.0122),
                _loss("s0220_interview_date", "key", level=2, level_name="quarter", loss=0.25),
                _loss("s0301_reason", "sensitive", suppressed=38, share=0.0076),
                _loss("s0302_destination", "other"),
                _loss("s0303_needs", "other"),
                _loss("s0304_needs_other", "other", dropped="policy `public` lets no free text out"),
                _loss("s0401_group_size", "key", suppressed=212, share=0.0424),
                _loss("weight", "weight"),
            ],
        },
        "warnings": [
            "Hidden values follow the rare records: shares by nationality are a little too even.",
            "No earlier release of this survey was compared with this one.",
        ],
        "plan_sha256": PLAN_SHA256,
        "expectations": {
            "suites": ["flow_monitoring_survey.typed", "flow_monitoring_survey.public"],
            "evaluated": 87,
            "unsuccessful": 0,
        },
    }
    return _documents(request, policy(), dictionary, steps, ledger, verdict)


def failing_counts(columns: int = 14) -> dict[str, Any]:
    """A mobility tracking of two rounds, added up to admin 2, that breaks two promises."""
    counts = [f"m{310 + number:04d}_loc_num_{group}" for number, group in enumerate(_groups(columns))]
    labels = [f"Number of {group.replace('_', ' ')} in the location" for group in _groups(columns)]
    dictionary = Dictionary.model_validate(
        {
            "component": "mobility_tracking",
            "version": "1.0.0",
            "title": {"en": "Mobility tracking, baseline sub-area assessment (B2)"},
            "unit": "location",
            "variables": [
                _variable("m0101_ki_name", "Name of the key informant", "text", "identifier"),
                _variable("m0102_ki_phone", "Phone of the key informant", "text", "identifier"),
                _variable("m0489_meta_survey_round", "Round", "integer", "key"),
                _variable(
                    "m0304_meta_adm1_pcode", "Admin 1 p-code", "code", "key", open_codes=True, geography="admin1"
                ),
                _variable(
                    "m0306_meta_adm2_pcode", "Admin 2 p-code", "code", "key", open_codes=True, geography="admin2"
                ),
                _variable(
                    "m0308_meta_site_name", "Name of the location", "code", "key", open_codes=True, geography="site"
                ),
                _variable("m1650_loc_gps_latitude", "Latitude", "number", "key", geography="point"),
                _variable("m1651_loc_gps_longitude", "Longitude", "number", "key", geography="point"),
                *[_variable(name, label, "integer", "count") for name, label in zip(counts, labels, strict=True)],
            ],
        }
    )
    request = Request.model_validate(
        {
            "id": "REQ-2026-011",
            "title": "Mobility tracking rounds 1 and 2, displaced people by area and sex",
            "requester": {"organisation": "Shelter Cluster", "type": "un"},
            "purpose": "Planning of shelter assistance by area for the second half of the year.",
            "component": "mobility_tracking",
            "country": "MWI",
            "rounds": [1, 2],
            "variables": "all",
            "policy": "public",
            "approval": {"status": "approved", "by": "actor-007", "on": date(2026, 3, 17)},
            "expires": date(2026, 9, 30),
            "agreement": "IM-2026-17",
        }
    )
    places = ["m0308_meta_site_name", "m1650_loc_gps_latitude", "m1651_loc_gps_longitude"]
    steps = [
        ("drop_columns", {"columns": places}, "policy `public` shows counts no finer than admin2"),
        (
            "aggregate_counts",
            {
                "by": ["m0489_meta_survey_round", "m0304_meta_adm1_pcode", "m0306_meta_adm2_pcode"],
                "geography": "admin2",
            },
            "policy `public` shows counts no finer than admin2",
        ),
        ("suppress_counts", {"columns": counts, "minimum": 10}, "policy `public` shows no count from 1 to 9"),
        ("round_counts", {"columns": counts, "base": 5}, "policy `public` rounds to multiples of 5"),
        ("sort_records", {}, "the order of collection leaks the route of the team"),
    ]
    hidden = {name: (7 * number) % 9 for number, name in enumerate(counts) if (7 * number) % 9}
    total = sum(hidden.values())
    names = ["m0101_ki_name", "m0102_ki_phone"]
    rows, areas = 1624, 56
    small, safe = 3 * columns, areas * columns
    ledger = [
        _entry("remove_identifiers", {"columns": names}, "identifiers end at ingest", rows, columns_removed=names),
        _entry(*steps[0], rows, columns_removed=places),
        _entry(*steps[1], rows, after=areas, columns_added=["rows_aggregated"]),
        _entry(*steps[2], areas, suppressed=hidden),
        _entry(*steps[3], areas, recoded=dict.fromkeys(counts, areas - 5)),
        _entry(*steps[4], areas),
    ]

    def figures(records: int, below: int, histogram: tuple[int, ...], missing: int) -> dict:
        share, rest = divmod(below, columns)
        cells = {
            name: {
                "cells": records,
                "zero": histogram[0] // columns,
                "missing": missing,
                "below_minimum": share + (n < rest),
            }
            for n, name in enumerate(counts)
        }
        bins = ("0", "1-4", "5-9", "10-19", "20-49", "50-99", "100+")
        return {
            "records": records,
            "counts": cells,
            "below_minimum": below,
            "cells": records * columns,
            "count_histogram": [{"count": bin_, "cells": n} for bin_, n in zip(bins, histogram, strict=True)],
        }

    verdict = {
        "request": request.id,
        "title": request.title,
        "policy": "public",
        "tier": "public",
        "component": "mobility_tracking",
        "kind": "counts",
        "rounds": [1, 2],
        "gate": "fail",
        "checks": [
            _check("no_identifiers", "No column names a person or household", 0, 0, by="expectations"),
            _check("minimum_count", "No count from 1 to 9 is shown", 3, 0, passed=False),
            _check(
                "derivable_counts",
                "No hidden count can be found by adding or subtracting others of its row",
                2,
                0,
                passed=False,
            ),
            _check("rounding_base", "Every count is a multiple of 5", 0, 0),
            _check("lowest_geography_counts", "Nothing places a row finer than admin2", "admin2", "admin2"),
            _check(
                "arithmetic_links", "Totals equal the sums of their parts where all are shown", 0, 0, by="expectations"
            ),
            _check(
                "max_suppressed_values", "No more than 5 % of a column's values are hidden", 0.0503, 0.05, "warn", False
            ),
        ],
        "risk_before": figures(
            rows, 118 * columns + 5, tuple(n * columns for n in (402, 61, 57, 148, 391, 322, 229)), 14
        ),
        "risk_after": figures(
            areas, 3, (2 * columns, 0, 3, 4 * columns, 9 * columns, 12 * columns, safe - small - 24 * columns), 3
        ),
        "loss": {
            "information_loss": 0.3871,
            "share_suppressed": total / safe,
            "records_before": rows,
            "records_after": areas,
            "columns": [
                _loss("m0489_meta_survey_round", "key"),
                _loss("m0304_meta_adm1_pcode", "key"),
                _loss("m0306_meta_adm2_pcode", "key"),
                *[_loss(name, "key", dropped="policy `public` shows counts no finer than admin2") for name in places],
                *[
                    _loss(name, "count", suppressed=hidden.get(name, 0), share=hidden.get(name, 0) / areas)
                    for name in counts
                ],
            ],
        },
        "warnings": ["Round 1 was released before: changes of single areas between the rounds were not compared."],
        "plan_sha256": PLAN_SHA256,
        "expectations": {"suites": ["mobility_tracking.public"], "evaluated": 64, "unsuccessful": 2},
    }
    return _documents(request, policy(), dictionary, steps, ledger, verdict)


def wide(columns: int = 150) -> dict[str, Any]:
    """The counts with many columns, and many checks."""
    documents = failing_counts(columns)
    checks = documents["verdict"]["checks"]
    for row in documents["verdict"]["loss"]["columns"]:
        checks.append(
            _check(
                f"codes.{row['name']}", f"Column {row['name']} holds what the dictionary says", 0, 0, by="expectations"
            )
        )
    return documents


def _groups(columns: int) -> list[str]:
    parts = [
        f"{status}_{sex}_{age}"
        for status in ("idp", "returnee", "host", "migrant", "refugee", "stranded")
        for sex in ("women", "men")
        for age in ("0_to_4", "5_to_11", "12_to_17", "18_to_59", "60_and_over")
    ]
    names = ["idp_households", "idp_individuals", "returnee_households", "returnee_individuals", *parts]
    return [
        names[n] if n < len(names) else f"{names[n % len(names)]}_list_{n // len(names) + 1}" for n in range(columns)
    ]


def _variable(name: str, label: str, type_: str, role: str, **more: Any) -> dict:
    return {"name": name, "label": {"en": label}, "type": type_, "role": role, **more}


def _documents(
    request: Request, policy_: Policy, dictionary: Dictionary, steps: list[tuple], ledger: list[dict], verdict: dict
) -> dict[str, Any]:
    plan = {
        "request": request.id,
        "policy": policy_.policy,
        "component": dictionary.component,
        "kind": verdict["kind"],
        "rounds": list(request.rounds),
        "steps": [{"name": name, "params": params, "because": because} for name, params, because in steps],
    }
    return {
        "request": request,
        "policy": policy_,
        "dictionary": dictionary,
        "plan": plan,
        "ledger": {"request": request.id, "entries": ledger},
        "verdict": {**verdict, "loss": _labelled(verdict["loss"], dictionary)},
    }


def _labelled(loss: dict, dictionary: Dictionary) -> dict:
    columns = [{**row, "label": dictionary.by_name[row["name"]].label["en"]} for row in loss["columns"]]
    return {**loss, "columns": columns}


def _entry(step: str, params: dict, because: str, before: int, *, after: int | None = None, **seen: Any) -> dict:
    nothing: dict[str, Any] = {"columns_removed": [], "columns_added": [], "recoded": {}, "suppressed": {}}
    return {
        "step": step,
        "params": params,
        "because": because,
        "records_before": before,
        "records_after": before if after is None else after,
        **nothing,
        **seen,
    }


def _check(
    name: str, promise: str, observed: Any, limit: Any, breach: str = "stop", passed: bool = True, by: str = "judge"
) -> dict:
    return {
        "name": name,
        "promise": promise,
        "observed": observed,
        "limit": limit,
        "passed": passed,
        "breach": breach,
        "by": by,
    }


def _risk(
    keys: list[str],
    classes: int,
    violations: tuple[int, ...],
    expected: float,
    average: float,
    highest: float,
    expected_household: float | None,
    average_household: float | None,
    histogram: tuple[int, ...],
) -> dict:
    bins = ("1", "2", "3-4", "5-9", "10-19", "20-49", "50+")
    return {
        "records": sum(histogram),
        "keys": keys,
        "classes": classes,
        "violations": dict(zip(("2", "3", "5", "10"), violations, strict=True)),
        "expected_reidentifications": expected,
        "global_risk": average,
        "max_individual_risk": highest,
        "expected_household_reidentifications": expected_household,
        "global_household_risk": average_household,
        "suda": None,
        "diversity": {},
        "fk_histogram": [{"fk": fk, "records": n} for fk, n in zip(bins, histogram, strict=True)],
    }


def _loss(
    name: str,
    role: str,
    *,
    suppressed: int = 0,
    share: float = 0.0,
    level: int = 0,
    level_name: str | None = None,
    loss: float | None = None,
    dropped: str = "",
) -> dict:
    return {
        "name": name,
        "role": role,
        "status": "dropped" if dropped else "released",
        "level": None if dropped else level,
        "level_name": level_name,
        "suppressed": suppressed,
        "share_suppressed": share,
        "loss": 1.0 if dropped else share if loss is None else loss,
        "because": dropped,
    }
