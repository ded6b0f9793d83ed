"""Synthetic documents for the reviewer's page: a request of records that passes, one of counts that fails.

`passing_records()` and `failing_counts()` give the keyword arguments of `sdc.report.page.page`; `wide(n)` has many
columns. Every call gives fresh objects, so a test may change them.
"""

from datetime import date
from pathlib import Path
from typing import Any

from report_parts import check, column, counts_left, documents, entry, groups, hidden_counts, loss, risk
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
                column("respondent_name", "Name of the respondent", "text", "identifier"),
                column("respondent_phone", "Phone number of the respondent", "text", "identifier"),
                column("enumerator_id", "Enumerator", "text", "identifier"),
                column("s0101_adm1_pcode", "Place of interview, admin 1 p-code", "code", "key", open_codes=True),
                column("s0102_adm2_pcode", "Place of interview, admin 2 p-code", "code", "key", open_codes=True),
                column(
                    "s0210_sex",
                    "Sex",
                    "code",
                    "key",
                    codes={"f": {"en": "Female"}, "m": {"en": "Male"}, "x": {"en": "Other"}},
                ),
                column(
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
                column("s0212_nationality", "Nationality", "code", "key", open_codes=True),
                column("s0213_education", "Highest level of education completed", "code", "key", open_codes=True),
                column(
                    "s0220_interview_date",
                    "Date of the interview",
                    "date",
                    "key",
                    hierarchy=[{"name": "month", "date": "month"}, {"name": "quarter", "date": "quarter"}],
                ),
                column(
                    "s0301_reason",
                    "Main reason for leaving the place of departure",
                    "code",
                    "sensitive",
                    open_codes=True,
                ),
                column("s0302_destination", "Intended country of destination", "code", "other", open_codes=True),
                column("s0303_needs", "Needs during the journey, all that apply", "codes", "other", open_codes=True),
                column("s0304_needs_other", "Needs during the journey, other (specify)", "text", "other"),
                column("s0401_group_size", "Number of people travelling together", "integer", "key"),
                column("weight", "Sampling weight", "number", "weight"),
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
            "approval": {"by": "actor-014", "on": date(2026, 2, 3)},
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
        entry(
            "remove_identifiers",
            {"columns": ["respondent_name", "respondent_phone", "enumerator_id"]},
            "identifiers end at ingest",
            5000,
            columns_removed=["respondent_name", "respondent_phone", "enumerator_id"],
        ),
        entry(*steps[0], 5000, columns_removed=["s0304_needs_other"]),
        entry(*steps[1], 5000, columns_removed=["s0102_adm2_pcode"]),
        entry(*steps[2], 5000, recoded={"s0211_age": 4968}),
        entry(*steps[3], 5000, recoded={"s0220_interview_date": 5000}),
        entry(
            *steps[4],
            5000,
            suppressed={
                "s0212_nationality": 148,
                "s0213_education": 61,
                "s0401_group_size": 212,
                "s0101_adm1_pcode": 9,
            },
        ),
        entry(*steps[5], 5000, suppressed={"s0301_reason": 38}),
        entry(*steps[6], 5000),
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
            check(
                "k_anonymity",
                "Every record shares its keys with at least 4 others (a missing value matches any value)",
                0,
                0,
            ),
            check("max_individual_risk", "No record's risk of re-identification is above", 0.2, 0.2),
            check("global_risk", "Mean risk of re-identification is at most", 0.0108, 0.03),
            check(
                "household_risk", "Mean risk that somebody of the household is re-identified is at most", 0.0267, 0.03
            ),
            check(
                "household_risk_warning",
                "Mean risk that somebody of the household is re-identified is at most",
                0.0267,
                0.025,
                "warn",
                False,
            ),
            check(
                "l_diversity:s0301_reason", "Every class that shows `s0301_reason` shows at least 2 values of it", 0, 0
            ),
            check("suppressed_values", "No key loses more of its values than", 0.0424, 0.05),
            check("suppressed_records", "No more records lose a value than", 0.0818, 0.2),
            check("no_identifiers", "No column names a person or household", 0, 0, by="expectations"),
            check("no_free_text", "No column holds free text", 0, 0, by="expectations"),
            check("codes", "Every code is in the dictionary's list for its level", 0, 0, by="expectations"),
            check("lowest_geography_records", "Nothing places a record finer than admin1", "admin1", "admin1"),
            check("order", "The order of records says nothing about their collection", True, True),
            check(
                "k_anonymity_other_reading",
                "The same where a missing value matches only itself",
                391,
                0,
                "report",
                False,
            ),
        ],
        "risk_before": risk(
            keys,
            3180,
            (3052, 3607, 4188, 4602),
            2390.7,
            0.47814,
            1.0,
            2611.4,
            0.52228,
            (3052, 555, 581, 414, 231, 131, 36),
        ),
        "risk_after": risk(
            keys, 402, (0, 0, 0, 688), 54.0, 0.0108, 0.2, 133.5, 0.0267, (0, 0, 0, 688, 947, 1481, 1884)
        ),
        "loss": {
            "information_loss": 0.2316,
            "share_suppressed": 0.0085,
            "records_before": 5000,
            "records_after": 5000,
            "columns": [
                loss("s0101_adm1_pcode", "key", suppressed=9, share=0.0018),
                loss("s0102_adm2_pcode", "key", dropped="policy `public` shows records no finer than admin1"),
                loss("s0210_sex", "key"),
                loss("s0211_age", "key", level=2, level_name="10-year bands", loss=0.094),
                loss("s0212_nationality", "key", suppressed=148, share=0.0296),
                loss("s0213_education", "key", suppressed=61, share=0.0122),
                loss("s0220_interview_date", "key", level=2, level_name="quarter", loss=0.25),
                loss("s0301_reason", "sensitive", suppressed=38, share=0.0076),
                loss("s0302_destination", "other"),
                loss("s0303_needs", "other"),
                loss("s0304_needs_other", "other", dropped="policy `public` lets no free text out"),
                loss("s0401_group_size", "key", suppressed=212, share=0.0424),
                loss("weight", "weight"),
            ],
        },
        "warnings": [
            "Mean risk that somebody of the household is re-identified is at most: 0.0267 (limit 0.025)",
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
    return documents(request, policy(), dictionary, steps, ledger, verdict)


def failing_counts(columns: int = 14) -> dict[str, Any]:
    """A mobility tracking of two rounds, added up to admin 2, that breaks two promises."""
    counts = [f"m{310 + number:04d}_loc_num_{group}" for number, group in enumerate(groups(columns))]
    labels = [f"Number of {group.replace('_', ' ')} in the location" for group in groups(columns)]
    dictionary = Dictionary.model_validate(
        {
            "component": "mobility_tracking",
            "version": "1.0.0",
            "title": {"en": "Mobility tracking, baseline sub-area assessment (B2)"},
            "unit": "location",
            "variables": [
                column("m0101_ki_name", "Name of the key informant", "text", "identifier"),
                column("m0102_ki_phone", "Phone of the key informant", "text", "identifier"),
                column("m0489_meta_survey_round", "Round", "integer", "key"),
                column("m0304_meta_adm1_pcode", "Admin 1 p-code", "code", "key", open_codes=True, geography="admin1"),
                column("m0306_meta_adm2_pcode", "Admin 2 p-code", "code", "key", open_codes=True, geography="admin2"),
                column(
                    "m0308_meta_site_name", "Name of the location", "code", "key", open_codes=True, geography="site"
                ),
                column("m1650_loc_gps_latitude", "Latitude", "number", "key", geography="point"),
                column("m1651_loc_gps_longitude", "Longitude", "number", "key", geography="point"),
                *[column(name, label, "integer", "count") for name, label in zip(counts, labels, strict=True)],
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
            "approval": {"by": "actor-007", "on": date(2026, 3, 17)},
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
        entry("remove_identifiers", {"columns": names}, "identifiers end at ingest", rows, columns_removed=names),
        entry(*steps[0], rows, columns_removed=places),
        entry(*steps[1], rows, after=areas, columns_added=["rows_aggregated"]),
        entry(*steps[2], areas, suppressed=hidden),
        entry(*steps[3], areas, recoded=dict.fromkeys(counts, areas - 5)),
        entry(*steps[4], areas),
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
            check("no_identifiers", "No column names a person or household", 0, 0, by="expectations"),
            check("minimum_count", "No count from 1 to 9 is shown", 3, 0, passed=False),
            check(
                "derivable_counts",
                "No hidden count can be found by adding or subtracting others of its row",
                2,
                0,
                passed=False,
            ),
            *[
                check(f"recoverable:{name}", "None of the guarded counts can be solved", solved, 0, breach, not solved)
                for name, solved, breach in (
                    ("nothing-known", 0, "stop"),
                    ("at-least-one", 0, "stop"),
                    ("last-round", 2, "stop"),
                    ("knows-primary", 14, "report"),
                    ("singleton", 1, "report"),
                )
            ],
            check("rounding_base", "Every count is a multiple of 5", 0, 0),
            check("lowest_geography_counts", "Nothing places a row finer than admin2", "admin2", "admin2"),
            check(
                "arithmetic_links", "Totals equal the sums of their parts where all are shown", 0, 0, by="expectations"
            ),
            check(
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
                loss("m0489_meta_survey_round", "key"),
                loss("m0304_meta_adm1_pcode", "key"),
                loss("m0306_meta_adm2_pcode", "key"),
                *[loss(name, "key", dropped="policy `public` shows counts no finer than admin2") for name in places],
                *[
                    loss(name, "count", suppressed=hidden.get(name, 0), share=hidden.get(name, 0) / areas)
                    for name in counts
                ],
            ],
            "counts": counts_left(),
        },
        "cells": hidden_counts(counts, hidden, areas),
        "warnings": ["Round 1 was released before: changes of single areas between the rounds were not compared."],
        "plan_sha256": PLAN_SHA256,
        "expectations": {"suites": ["mobility_tracking.public"], "evaluated": 64, "unsuccessful": 2},
    }
    return documents(request, policy(), dictionary, steps, ledger, verdict)


def wide(columns: int = 150) -> dict[str, Any]:
    """The counts with many columns, and many checks."""
    found = failing_counts(columns)
    checks = found["verdict"]["checks"]
    for row in found["verdict"]["loss"]["columns"]:
        checks.append(
            check(
                f"codes.{row['name']}", f"Column {row['name']} holds what the dictionary says", 0, 0, by="expectations"
            )
        )
    return found
