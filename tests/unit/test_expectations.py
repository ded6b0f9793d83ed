"""Suites equal what the documents write; each expectation tells right from wrong; no value leaves a run."""

import json
import re
import socket
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from sdc.dictionary import Dictionary, read_dictionary
from sdc.errors import DataError
from sdc.expectations import drift, suites, write_suites
from sdc.expectations.measures import MEASURES, measure
from sdc.expectations.promises import PROMISES
from sdc.expectations.suites import AGGREGATED, present
from sdc.policy import Policy, read_policy
from sdc.steps.aggregation import CONTRIBUTORS
from sdc.table import Table

TOKEN = "CANARYBEATRIX"
NUMBER = 918273645


def integers(*values):
    return pd.array([None if v is None else v for v in values], dtype="Int64")


def texts(*values):
    return pd.array(list(values), dtype="str")


def codes(*values):
    return pd.Categorical(values)


def frame(**columns):
    return pd.DataFrame(columns)


def rule(value, breach="stop"):
    return {"value": value, "because": f"reason that a policy gives for {value}", "breach": breach}


def policy(**changes) -> Policy:
    """A strict policy, with some of its rules changed."""
    values = {
        "free_text": rule("drop"),
        "highest_sensitivity": rule("moderate"),
        "household_links": rule("drop"),
        "lowest_geography_records": rule("admin1"),
        "lowest_geography_counts": rule("admin2"),
        "coordinate_decimals": rule(None),
        "missing": rule("wildcard"),
        "k": rule(3),
        "ell": rule(2),
        "max_individual_risk": rule(0.4),
        "max_global_risk": rule(0.4, "warn"),
        "max_household_risk": rule(0.4, "report"),
        "minimum_count": rule(10),
        "minimum_households": rule(10),
        "minimum_sensitive_count": rule(10),
        "count_method": rule("suppress"),
        "rounding_base": rule(5),
        "max_suppressed_values": rule(0.05),
        "max_suppressed_records": rule(0.2),
        "engine": rule("native"),
    }
    terms = {"licence": "x", "credit": "y", "conditions": ["z"]}
    internal = read_policy(Path(__file__).resolve().parents[2] / "policies" / "internal.yaml")
    internal = internal.model_dump(mode="json", exclude={"components"})
    own = {"policy": "strict", "title": "Strict", "tier": "public", "terms": terms, **values, **changes}
    content = {**internal, **own}
    return Policy.model_validate(content)


def dictionary(kind: str) -> Dictionary:
    """A small component: persons, or places with counts."""
    yes_no = {"yes": {}, "no": {}}
    shared = [
        {"name": "informant", "aliases": ["ki/Name"], "type": "text", "role": "identifier"},
        {"name": "admin1", "type": "code", "open_codes": True, "role": "key", "geography": "admin1"},
        {
            "name": "admin3",
            "type": "code",
            "open_codes": True,
            "role": "key",
            "geography": "admin3",
            "follows": "admin1",
        },
        {"name": "latitude", "type": "number", "role": "other", "geography": "point", "follows": "admin3"},
        {"name": "remark", "type": "text", "role": "other"},
    ]
    persons = [
        {"name": "family", "type": "text", "role": "household"},
        {"name": "sex", "type": "code", "role": "key", "codes": {"f": {}, "m": {}}},
        {
            "name": "age",
            "type": "integer",
            "role": "key",
            "min": 0,
            "max": 120,
            "required": True,
            "hierarchy": [{"name": "broad", "bands": [0, 18]}],
        },
        {"name": "seen", "type": "date", "role": "other", "hierarchy": [{"name": "month", "date": "month"}]},
        {"name": "needs", "type": "codes", "role": "other", "codes": {"food": {}, "shelter": {}}},
        {"name": "threat", "type": "code", "role": "sensitive", "codes": yes_no},
        {"name": "tribe", "type": "code", "role": "sensitive", "codes": yes_no, "sensitivity": "severe"},
        {"name": "weight", "type": "number", "role": "weight"},
    ]
    places = [
        {"name": "all", "type": "integer", "role": "count"},
        {"name": "men", "type": "integer", "role": "count"},
        {"name": "women", "type": "integer", "role": "count"},
    ]
    return Dictionary.model_validate(
        {
            "component": kind,
            "version": "1.0.0",
            "title": {"en": kind},
            "unit": "row",
            "variables": shared + (persons if kind == "persons" else places),
            "links": []
            if kind == "persons"
            else [{"total": "all", "parts": ["men", "women"], "broken_rows_allowed": 1}],
        }
    )


def table_of(component: Dictionary, rows: pd.DataFrame) -> Table:
    """A table of some of the component's columns, and of the round."""
    added = {"name": "round", "type": "integer", "role": "other"}
    variables = {**component.by_name, "round": type(component.variables[0]).model_validate(added)}
    return Table(rows, tuple(variables[name] for name in rows.columns), component.links)


@pytest.fixture(scope="session")
def validate():
    """Great Expectations takes seconds to import: once for all tests."""
    from sdc.expectations import validate

    return validate


@pytest.fixture
def context(repo, tmp_path) -> Path:
    """A file context without suites."""
    folder = tmp_path / "context"
    folder.mkdir()
    committed = (repo / "expectations" / "great_expectations.yml").read_bytes()
    (folder / "great_expectations.yml").write_bytes(committed)
    return folder


@pytest.fixture
def judge(context, tmp_path, validate):
    """Run one expectation over a frame."""

    def run(kind, kwargs, rows):
        entry = {
            "id": "0c8b3d2e-4a53-5d34-9d39-3f3c2f0a7a11",
            "type": kind,
            "kwargs": kwargs,
            "description": PROMISES[kind](kwargs),
            "severity": "warning",
            "meta": {"attributes": {"because": "a test", "breach": "warn"}},
        }
        suite = {"name": "typed_x", "id": "5f0cbb1e-51a4-5f0e-8f43-6f9c3b1f2a10", "expectations": [entry], "meta": {}}
        (context / "typed_x.json").write_text(json.dumps(suite))
        table = Table.__new__(Table)
        object.__setattr__(table, "rows", rows)
        return validate(table, "typed_x", context, tmp_path / "docs")[0]

    return run


# Each case: type, arguments, rows that keep the promise, rows that break it, breaches (or the risk) that are counted.
CASES = [
    (
        "expect_only_known_columns",
        {"columns": ["a", "b"], "required": ["a"]},
        frame(a=integers(1)),
        frame(b=integers(1), c=integers(1)),
        2,
    ),
    (
        "expect_no_identifier_columns",
        {"columns": ["ki/Name", "Name"]},
        frame(a=texts("x"), nickname=texts("x")),
        pd.DataFrame({"KI/NAME": ["x"], "group/name": ["x"], "a": ["x"]}),
        2,
    ),
    (
        "expect_no_restricted_columns",
        {"columns": ["remark"], "rule": "free_text", "limit": "drop"},
        frame(a=texts("x")),
        frame(remark=texts("x")),
        1,
    ),
    (
        "expect_column_of_type",
        {"column": "a", "kind": "integer", "recoded": True},
        frame(a=codes("0-17", "18+")),
        frame(a=pd.array([0.5, 1], dtype="Float64")),
        1,
    ),
    (
        "expect_codes_in_list",
        {
            "column": "a",
            "levels": {"as collected": ["x", "y"], "coarse": ["z"]},
            "multiple": False,
            "as_collected": False,
        },
        frame(a=codes("z", "z", None)),
        frame(a=codes("x", "z", "z", "z")),
        1,  # three cells fit the coarse level, one does not: levels do not mix
    ),
    (
        "expect_codes_in_list",
        {"column": "a", "levels": {"as collected": ["x", "y"]}, "multiple": True, "as_collected": False},
        frame(a=texts("x y", "y", None)),
        frame(a=texts("x y", "x q", "x x", " ")),
        3,  # a code outside the list, a code twice, and a cell without a code
    ),
    (
        "expect_truncated_dates",
        {"column": "a", "patterns": {"month": "[0-9]{4}-[0-9]{2}", "year": "[0-9]{4}"}, "as_collected": True},
        frame(a=codes("2024-05", "2024-06")),
        frame(a=codes("2024-05", "2024", "2024-05-17")),
        2,
    ),
    (
        "expect_coarse_coordinates",
        {"column": "a", "decimals": 2},
        frame(a=pd.array([-11.55, 0.1, None], dtype="Float64")),
        frame(a=pd.array([-11.553, 0.1], dtype="Float64")),
        1,
    ),
    (
        "expect_k_anonymity",
        {"keys": ["a", "b"], "k": 2, "missing": "wildcard"},
        frame(a=codes("x", "x", "y", "y"), b=codes("1", None, "1", "1")),
        frame(a=codes("x", "x", "y"), b=codes("1", "1", "1")),
        1,
    ),
    (
        "expect_k_anonymity",
        {"keys": ["a"], "k": 2, "missing": "category"},
        frame(a=codes("x", "x", None, None)),
        frame(a=codes("x", "x", None)),
        1,
    ),
    (
        "expect_l_diversity",
        {"column": "s", "keys": ["a"], "ell": 2},
        frame(a=codes("x", "x", "y", "y"), s=codes("p", "q", None, None)),
        frame(a=codes("x", "x", "y", "y"), s=codes("p", "q", "p", "p")),
        2,
    ),
    (
        "expect_risk_at_most",
        {"figure": "max_individual_risk", "keys": ["a"], "limit": 0.5, "missing": "wildcard"},
        frame(a=codes("x", "x")),
        frame(a=codes("x", "x", "y")),
        1.0,
    ),
    (
        "expect_risk_at_most",
        {"figure": "global_household_risk", "keys": ["a"], "limit": 0.5, "missing": "wildcard", "household": "h"},
        frame(a=codes("x", "x"), h=integers(1, 2)),
        frame(a=codes("x", "x"), h=integers(1, 1)),
        0.75,  # 1 - (1 - 1/2)(1 - 1/2)
    ),
    (
        "expect_minimum_count",
        {"column": "a", "minimum": 10},
        frame(a=integers(0, 10, None)),
        frame(a=integers(0, 9, 1)),
        2,
    ),
    ("expect_rounded_counts", {"column": "a", "base": 5}, frame(a=integers(0, 15, None)), frame(a=integers(5, 7)), 1),
    (
        "expect_link_to_hold",
        {"total": "t", "parts": ["a", "b"], "slack": 0, "rows_allowed": 1},
        frame(t=integers(5, 9, 4), a=integers(2, 2, None), b=integers(3, 3, 3), round=integers(1, 1, 1)),
        frame(t=integers(5, 9, 8, 7), a=integers(2, 2, 2, 2), b=integers(3, 3, 3, 3), round=integers(1, 1, 1, 2)),
        1,  # two rows of round 1 break it where one may, one row of round 2
    ),
    (
        "expect_no_count_given_away",
        {"total": "t", "parts": ["a", "b"], "minimum": 5, "slack": 0},
        frame(t=integers(20, 20, None), a=integers(10, None, 10), b=integers(10, None, 10)),
        frame(t=integers(20, 20, None), a=integers(17, 15, 1), b=integers(None, None, 2)),
        2,  # 20 - 17 and 1 + 2; 20 - 15 is not small
    ),
]


def ids(case):
    return case[0].removeprefix("expect_")


@pytest.mark.parametrize("case", CASES, ids=ids)
def test_an_expectation_holds_for_rows_that_keep_it(case, judge):
    kind, kwargs, good, _, _ = case
    outcome = judge(kind, kwargs, good)
    assert outcome.passed
    assert "not_measured" not in outcome.counts


@pytest.mark.parametrize("case", CASES, ids=ids)
def test_an_expectation_counts_the_rows_that_break_it(case, judge):
    kind, kwargs, _, bad, breaches = case
    outcome = judge(kind, kwargs, bad)
    assert not outcome.passed
    assert outcome.observed == breaches
    assert outcome.limit == (0.5 if kind == "expect_risk_at_most" else 0)
    assert outcome.breach == "warn"


@pytest.mark.parametrize("case", CASES, ids=ids)
def test_a_measure_does_not_depend_on_the_order_of_rows(case):
    kind, kwargs, _, bad, _ = case
    if kind == "expect_no_restricted_columns":
        kwargs = {"columns": kwargs["columns"]}
    assert measure(kind, bad.iloc[::-1].reset_index(drop=True), kwargs) == measure(kind, bad, kwargs)


def test_every_expectation_has_a_measure_a_promise_and_a_case(validate):
    from sdc.expectations.custom import Counted

    own = {subclass.expectation_type for subclass in Counted.__subclasses__()}
    assert own == set(MEASURES) == {case[0] for case in CASES}
    assert own < set(PROMISES)


def test_rounding_pulls_a_total_from_its_parts_no_further_than_the_slack():
    rows = frame(t=integers(20), a=integers(10), b=integers(5))
    assert measure("expect_link_to_hold", rows, {"total": "t", "parts": ["a", "b"], "slack": 5})["breaches"] == 0
    assert measure("expect_link_to_hold", rows, {"total": "t", "parts": ["a", "b"], "slack": 4})["breaches"] == 1


def test_a_file_without_keys_needs_k_records():
    arguments = {"keys": ["gone"], "k": 3, "missing": "wildcard"}
    assert measure("expect_k_anonymity", frame(a=integers(1, 2, 3)), arguments)["breaches"] == 0
    assert measure("expect_k_anonymity", frame(a=integers(1, 2)), arguments)["breaches"] == 2


# The suites


def documents(repo):
    dictionaries = [read_dictionary(path) for path in sorted((repo / "dictionary").glob("*.yaml"))]
    return dictionaries, [read_policy(path) for path in sorted((repo / "policies").glob("*.yaml"))]


def test_the_committed_suites_are_what_the_documents_write(repo):
    assert drift(repo / "expectations", *documents(repo)) == []


def test_drift_finds_what_was_changed_removed_and_left_over(tmp_path):
    write_suites(tmp_path, [dictionary("persons")], [policy()])
    (tmp_path / "release_gone_strict.json").write_text("{}")
    changed = tmp_path / "release_persons_strict.json"
    changed.write_text(changed.read_text().replace('"k": 3', '"k": 2'))
    (tmp_path / "typed_persons.json").unlink()
    found = drift(tmp_path, [dictionary("persons")], [policy()])
    assert [path.name for path in found] == [
        "release_gone_strict.json",
        "release_persons_strict.json",
        "typed_persons.json",
    ]
    write_suites(tmp_path, [dictionary("persons")], [policy()])
    assert drift(tmp_path, [dictionary("persons")], [policy()]) == []


def test_every_expectation_of_a_suite_says_why_and_what_a_breach_does(repo):
    dictionaries, policies = documents(repo)
    for component in dictionaries:
        for suite in suites(component, policies).values():
            assert len({entry["id"] for entry in suite["expectations"]}) == len(suite["expectations"])
            for entry in suite["expectations"]:
                assert entry["severity"] in {"critical", "warning", "info"}
                assert entry["meta"]["attributes"]["because"] == entry["notes"] != ""
                assert "\n" not in entry["description"]


def entries(suite, kind):
    return [entry for entry in suite["expectations"] if entry["type"] == kind]


def test_a_release_suite_has_the_policy_s_numbers_reasons_and_severities():
    suite = suites(dictionary("persons"), [policy()])["release_persons_strict"]
    (k,) = entries(suite, "expect_k_anonymity")
    assert k["kwargs"] == {"keys": ["admin1", "sex", "age"], "k": 3, "missing": "wildcard"}
    assert (k["severity"], k["notes"]) == ("critical", "reason that a policy gives for 3")
    figures = {entry["kwargs"]["figure"]: entry["severity"] for entry in entries(suite, "expect_risk_at_most")}
    assert figures == {"max_individual_risk": "critical", "global_risk": "warning"}  # households are not let out
    assert [entry["kwargs"]["column"] for entry in entries(suite, "expect_l_diversity")] == ["threat"]


def test_a_release_suite_lets_out_no_column_that_the_policy_holds_back():
    suite = suites(dictionary("persons"), [policy()])["release_persons_strict"]
    (known,) = entries(suite, "expect_only_known_columns")
    assert known["kwargs"]["columns"] == ["admin1", "sex", "age", "seen", "needs", "threat", "weight", "round"]
    held = {
        entry["kwargs"]["rule"]: entry["kwargs"]["columns"] for entry in entries(suite, "expect_no_restricted_columns")
    }
    assert held == {
        "free_text": ["remark"],
        "household_links": ["family"],
        "highest_sensitivity": ["tribe"],
        "lowest_geography_records": ["admin3"],
        "coordinate_decimals": ["latitude"],
    }


def test_an_identifier_is_known_by_its_aliases_unless_another_column_bears_the_name():
    def names(aliases):
        content = dictionary("persons").model_dump()
        content["variables"][0]["aliases"] = aliases
        suite = suites(Dictionary.model_validate(content), [])["typed_persons"]
        return entries(suite, "expect_no_identifier_columns")[0]["kwargs"]["columns"]

    assert names(["ki/Name"]) == ["informant", "ki/Name", "Name"]
    assert names(["ki/sex"]) == ["informant", "ki/sex"]


def test_a_rule_that_only_warns_does_not_make_its_columns_unknown():
    lenient = policy(highest_sensitivity=rule("moderate", "warn"))
    suite = suites(dictionary("persons"), [lenient])["release_persons_strict"]
    assert "tribe" in entries(suite, "expect_only_known_columns")[0]["kwargs"]["columns"]
    severities = {
        entry["kwargs"]["rule"]: entry["severity"] for entry in entries(suite, "expect_no_restricted_columns")
    }
    assert severities["highest_sensitivity"] == "warning"


def test_coordinates_may_have_the_decimals_that_the_policy_names():
    coarse = policy(coordinate_decimals=rule(2))
    suite = suites(dictionary("persons"), [coarse])["release_persons_strict"]
    assert entries(suite, "expect_coarse_coordinates")[0]["kwargs"] == {"column": "latitude", "decimals": 2}
    assert "latitude" in entries(suite, "expect_only_known_columns")[0]["kwargs"]["columns"]


def test_a_component_s_own_number_of_a_policy_is_the_one_in_its_suite():
    strict = policy(components={"persons": {"k": {"value": 11, "because": "cases of trafficking"}}})
    suite = suites(dictionary("persons"), [strict])["release_persons_strict"]
    assert entries(suite, "expect_k_anonymity")[0]["kwargs"]["k"] == 11
    assert entries(suite, "expect_k_anonymity")[0]["notes"] == "cases of trafficking"


def test_a_suite_of_counts_judges_counts_and_their_links():
    suite = suites(dictionary("places"), [policy()])["release_places_strict"]
    assert [entry["kwargs"]["column"] for entry in entries(suite, "expect_minimum_count")] == ["all", "men", "women"]
    assert {entry["kwargs"]["base"] for entry in entries(suite, "expect_rounded_counts")} == {5}
    (link,) = entries(suite, "expect_link_to_hold")
    assert link["kwargs"] == {"total": "all", "parts": ["men", "women"], "slack": 0, "rows_allowed": 1}
    assert entries(suite, "expect_k_anonymity") == []
    assert CONTRIBUTORS.name == AGGREGATED
    assert AGGREGATED in entries(suite, "expect_only_known_columns")[0]["kwargs"]["columns"]


def test_what_is_not_in_the_file_is_not_judged_but_what_is_there_must_be_known():
    suite = suites(dictionary("persons"), [policy()])["release_persons_strict"]
    cut = present(suite, ["sex", "weight", "round"])
    assert entries(cut, "expect_k_anonymity")[0]["kwargs"]["keys"] == ["sex"]
    assert "`age`" not in entries(cut, "expect_k_anonymity")[0]["description"]
    assert entries(cut, "expect_l_diversity") == []
    assert entries(cut, "expect_only_known_columns") == entries(suite, "expect_only_known_columns")
    assert (
        entries(present(suite, ["sex", "round"]), "expect_risk_at_most") == []
    )  # without weights the judge must do it


# Whole runs


def persons(n=12, *, token=TOKEN):
    """Persons that break nearly every promise, a token in each cell that can hold one."""
    odd = [token, f"{token} {token}"]
    return frame(
        admin1=codes(*(odd * (n // 2))),
        admin3=codes(*(odd * (n // 2))),
        latitude=pd.array(np.linspace(11.123456, 12.345678, n), dtype="Float64"),
        remark=texts(*(odd * (n // 2))),
        sex=codes(*(odd * (n // 2))),
        age=integers(*range(NUMBER, NUMBER + n)),
        seen=pd.Series(pd.to_datetime(["2931-07-19"] * n)).astype("datetime64[s]"),
        needs=texts(*(odd * (n // 2))),
        threat=codes(*(odd * (n // 2))),
        tribe=codes(*(odd * (n // 2))),
        weight=pd.array([float(NUMBER)] * n, dtype="Float64"),
        informant=texts(*(odd * (n // 2))),
        round=integers(*([1] * n)),
    )


@pytest.fixture
def broken_run(context, tmp_path, validate, monkeypatch, caplog):
    """Both suites over a file that breaks them: outcomes, pages, and all that Great Expectations held as its result."""
    import great_expectations as gx

    from sdc.expectations import validate_all

    component = dictionary("persons")
    write_suites(context, [component], [policy()])
    seen, run = [], gx.ValidationDefinition.run

    def spy(self, **kwargs):
        results = run(self, **kwargs)
        seen.append(json.dumps(results.to_json_dict()))
        return results

    monkeypatch.setattr(gx.ValidationDefinition, "run", spy)
    table = table_of(component, persons())
    with caplog.at_level("DEBUG"):
        outcomes = validate_all({"typed_persons": table, "release_persons_strict": table}, context, tmp_path / "docs")
    return outcomes, tmp_path / "docs", seen, caplog.text


def test_no_value_of_the_data_is_in_outcomes_results_pages_or_logs(broken_run):
    outcomes, docs, results, log = broken_run
    pages = [path.read_text() for path in docs.rglob("*.html")]
    assert len(pages) == 5
    assert sum(not outcome.passed for outcome in outcomes) > 10
    for text in (repr(outcomes), *results, *pages, log):
        for value in (TOKEN, str(NUMBER), "91827", "12.345678", "11.12", "2931"):
            assert value not in text


def test_an_error_that_quotes_data_fails_its_expectation_and_is_not_shown(judge, tmp_path, caplog):
    rows = frame(a=pd.Series([TOKEN, 3.5], dtype=object))
    outcome = judge("expect_minimum_count", {"column": "a", "minimum": 10}, rows)
    assert not outcome.passed
    assert outcome.counts["not_measured"] == 1
    pages = "".join(path.read_text() for path in (tmp_path / "docs").rglob("*.html"))
    assert TOKEN not in pages + repr(outcome) + caplog.text


def test_an_error_of_the_library_s_own_expectation_is_not_shown_either(judge, tmp_path, caplog):
    rows = frame(a=pd.Series([TOKEN, 3.5], dtype=object))
    outcome = judge("expect_column_values_to_be_between", {"column": "a", "min_value": 1}, rows)
    assert not outcome.passed
    assert outcome.counts == {"not_measured": 1}
    pages = "".join(path.read_text() for path in (tmp_path / "docs").rglob("*.html"))
    assert TOKEN not in pages + repr(outcome)


def test_pages_load_nothing_and_their_links_lead_somewhere(broken_run):
    _, docs, _, _ = broken_run
    for page in docs.rglob("*.html"):
        text = page.read_text()
        assert not re.search(r"(?i)https?:|<script|@import|url\(|<img|<iframe", text)
        for target in re.findall(r'href="([^"]+)"', text):
            inside = target.startswith("#") and f'id="{target[1:]}"' in text
            assert inside or target == "data:," or (page.parent / target).is_file(), target


def test_the_results_page_tells_promises_counts_reasons_and_breaches(broken_run):
    _, docs, _, _ = broken_run
    (page,) = (docs / "validations" / "release_persons_strict").rglob("*.html")
    text = re.sub(r"\s+", " ", re.sub(r"<[^>]+>", "", page.read_text()))
    assert "Every record shares admin1, sex and age with at least 2 others; a missing key matches any value." in text
    assert "Why: reason that a policy gives for 3" in text
    assert "Stops the release" in text
    assert "<dt>smallest class</dt><dd>1</dd>" in page.read_text()


def test_a_run_repeats_byte_for_byte_leaves_the_context_alone_and_opens_no_connection(
    context, tmp_path, validate, monkeypatch
):
    def refuse(*_):
        raise AssertionError("a connection was opened")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    component = dictionary("persons")
    write_suites(context, [component], [policy()])
    before = {path: path.read_bytes() for path in context.rglob("*") if path.is_file()}
    table = table_of(component, persons())
    outcomes = [validate(table, "release_persons_strict", context, tmp_path / name) for name in ("a", "b")]
    pages = [
        {path.relative_to(tmp_path / name): path.read_bytes() for path in (tmp_path / name).rglob("*.html")}
        for name in ("a", "b")
    ]
    assert outcomes[0] == outcomes[1]
    assert pages[0] == pages[1]
    assert {path: path.read_bytes() for path in context.rglob("*") if path.is_file()} == before


def test_an_unknown_column_fails_and_so_does_an_empty_file(context, tmp_path, validate):
    component = dictionary("persons")
    write_suites(context, [component], [policy()])
    rows = frame(sex=codes("f", "f", "f"), round=integers(1, 1, 1))
    good = validate(table_of(component, rows), "release_persons_strict", context, tmp_path / "docs")
    assert [outcome.name for outcome in good if not outcome.passed] == []
    empty = validate(table_of(component, rows.iloc[:0]), "release_persons_strict", context, tmp_path / "docs")
    assert [o.name for o in empty if not o.passed] == ["expect_table_row_count_to_be_between"]
    grown = table_of(component, rows).rows.assign(extra=integers(1, 1, 1))
    table = Table.__new__(Table)
    object.__setattr__(table, "rows", grown)
    bad = validate(table, "release_persons_strict", context, tmp_path / "docs")
    assert [(o.name, o.observed, o.breach) for o in bad if not o.passed] == [("expect_only_known_columns", 1, "stop")]


def test_a_suite_that_is_not_there_is_refused_before_anything_is_written(context, tmp_path, validate):
    table = table_of(dictionary("persons"), frame(sex=codes("f")))
    with pytest.raises(DataError, match="there is no such suite"):
        validate(table, "release_persons_nobody", context, tmp_path / "docs")
    assert not (tmp_path / "docs").exists()


def test_the_committed_folder_is_a_file_context_that_lists_its_suites(repo, tmp_path, validate):
    import shutil

    import great_expectations as gx

    shutil.copytree(repo / "expectations", tmp_path / "expectations")
    context = gx.get_context(mode="file", context_root_dir=tmp_path / "expectations")
    assert context.config.analytics_enabled is False
    expected = {path.stem for path in (repo / "expectations").glob("*.json")}
    assert {suite.name for suite in context.suites.all()} == expected
