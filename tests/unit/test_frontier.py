"""The frontier: each number as the pipeline would make it, nothing else touched, and a page that stands alone."""

import numpy as np
import pandas as pd
import pytest

from report_samples import policy
from sdc.dictionary import Dictionary
from sdc.errors import IntegrityError, PolicyError
from sdc.frontier import frontier, whole_numbers
from sdc.master import Master, Served, compile_for
from sdc.plan import Brief, apply, compile_plan
from sdc.report.frontier import frontier_grids, frontier_page
from sdc.request import Request
from sdc.table import Table
from sdc.verdict import risk_of

SEXES = {"f": {"en": "Female"}, "m": {"en": "Male"}}
CANARY = "Xanaduq7"


def brief_of(variables: list[dict], **rules: dict) -> Brief:
    title = {"en": "Sample"}
    entries = {"component": "sample", "version": "1.0.0", "title": title, "unit": "person", "variables": variables}
    dictionary = Dictionary.model_validate(entries)
    request = Request.model_validate(
        {
            "id": "REQ-2026-090",
            "title": "A sample",
            "requester": {"organisation": "Nobody (fictitious)", "type": "ngo"},
            "purpose": "To try out the frontier.",
            "component": "sample",
            "country": "ZZZ",
            "rounds": [1],
            "variables": "all",
            "policy": "public",
            "approval": {"by": "ACT-0001", "on": "2026-01-01"},
            "expires": "2099-12-31",
        }
    )
    return Brief(dictionary, policy(**rules), request)


@pytest.fixture(scope="module")
def records() -> tuple[Table, Brief]:
    """Persons with sex, age and a town; young people are many, old people few."""
    bands = [{"name": "20 years", "bands": [0, 20, 40, 60]}, {"name": "two halves", "bands": [0, 40]}]
    variables = [
        {"name": "sex", "label": {"en": "Sex"}, "type": "code", "role": "key", "codes": SEXES},
        {"name": "age", "label": {"en": "Age"}, "type": "integer", "role": "key", "min": 0, "max": 79}
        | {"hierarchy": bands},
        {"name": "town", "label": {"en": "Town"}, "type": "code", "role": "key", "open_codes": True},
    ]
    draws = np.random.default_rng(7)
    towns = draws.choice(["north", "south", CANARY], 400, p=[0.6, 0.36, 0.04])
    rows = pd.DataFrame(
        {
            "sex": pd.Categorical(draws.choice(["f", "m"], 400), categories=["f", "m"], ordered=True),
            "age": pd.array(np.minimum(draws.exponential(22, 400), 79).astype(int), dtype="Int64"),
            "town": pd.Series(towns, dtype="str"),
        }
    )
    rules = {"max_global_risk": {"value": 0.9}, "max_individual_risk": {"value": 0.5}}
    brief = brief_of(variables, **rules)
    return Table(rows, brief.dictionary.variables), brief


@pytest.fixture(scope="module")
def counts() -> tuple[Table, Brief]:
    """Districts with people in them, from one to some hundreds."""
    variables = [
        {"name": "district", "label": {"en": "District"}, "type": "code", "role": "key", "open_codes": True}
        | {"geography": "admin2"},
        {"name": "women", "label": {"en": "Women"}, "type": "integer", "role": "count"},
        {"name": "men", "label": {"en": "Men"}, "type": "integer", "role": "count"},
    ]
    brief = brief_of(variables, rounding_base={"value": 1})
    people = np.arange(1, 61)
    rows = pd.DataFrame(
        {
            "district": pd.Series([f"{CANARY}{n:02}" for n in people], dtype="str"),
            "women": pd.array(people, dtype="Int64"),
            "men": pd.array(people[::-1] * 3, dtype="Int64"),
        }
    )
    return Table(rows, brief.dictionary.variables), brief


@pytest.fixture(scope="module")
def found(records) -> dict:
    return frontier(*records, numbers=(2, 20))


def point(found: dict, number: int) -> dict:
    return next(point for point in found["points"] if point["number"] == number)


def test_the_policys_own_number_is_always_among_the_points(found):
    assert [p["number"] for p in found["points"]] == [2, 5, 20]
    assert found["policy_number"] == 5


def test_a_point_is_what_the_pipeline_would_make(records, found):
    table, brief = records
    after, _ = apply(compile_plan(table, brief), table)
    risk, own = risk_of(after, brief.policy, links=table), point(found, 5)
    assert own["risk"]["expected_reidentifications"] == risk["expected_reidentifications"]
    assert own["risk"]["violations"] == risk["violations"]
    levels = {key["name"]: key["level"] for key in own["keys"] if key["status"] == "released"}
    assert levels == {v.name: v.level for v in after.variables}
    hidden = sum(int(table.rows[name].notna().sum() - after.rows[name].notna().sum()) for name in after.rows.columns)
    assert own["share_suppressed"] == pytest.approx(hidden / (len(after) * len(after.variables)))


def test_each_k_is_kept_and_a_higher_one_is_dearer(found):
    for number in (2, 5, 20):
        assert point(found, number)["risk"]["violations"][str(number)] == 0
        assert point(found, number)["risk"]["max_individual_risk"] <= 1 / number
    assert point(found, 2)["information_loss"] < point(found, 20)["information_loss"]
    assert point(found, 20)["risk"]["global_risk"] < point(found, 2)["risk"]["global_risk"]
    assert found["before"]["violations"]["5"] > 0


def test_other_promises_still_count(records):
    table, brief = records
    strict = brief.policy.max_individual_risk.model_copy(update={"value": 0.2})
    brief = brief._replace(policy=brief.policy.model_copy(update={"max_individual_risk": strict}))
    found = frontier(table, brief, (2, 5))
    assert point(found, 2)["broken"] == ["max_individual_risk"]
    assert point(found, 2)["beaten_by"] is None or point(found, 2)["beaten_by"] == 5
    assert point(found, 5)["broken"] == []


def test_a_number_that_no_plan_keeps_is_told_and_not_raised(records):
    found = frontier(*records, numbers=(2, 401))
    assert "fewer records" in point(found, 401)["refused"]
    assert point(found, 2)["refused"] is None
    assert "No plan" in frontier_page(found, records[1])


def test_a_larger_number_for_nothing_beats_a_smaller_one():
    variables = [{"name": "sex", "label": {"en": "Sex"}, "type": "code", "role": "key", "codes": SEXES}]
    brief = brief_of(variables)
    rows = pd.DataFrame({"sex": pd.Categorical(["m", "f"] * 100, categories=["f", "m"], ordered=True)})
    found = frontier(Table(rows, brief.dictionary.variables), brief, (3, 10))
    assert [p["beaten_by"] for p in found["points"]] == [5, 10, None]


def test_the_order_of_records_does_not_matter(records, found):
    table, brief = records
    mixed = table.with_rows(table.rows.sample(frac=1, random_state=1).reset_index(drop=True))
    again = frontier(mixed, brief, (2, 20))
    for one, other in zip(found["points"], again["points"], strict=True):
        assert one["keys"] == other["keys"]
        assert one["risk"]["violations"] == other["risk"]["violations"]
        assert one["information_loss"] == pytest.approx(other["information_loss"])


def test_nothing_that_is_given_changes(records):
    table, brief = records
    rows, rules = table.rows.copy(deep=True), brief.policy.model_dump_json()
    frontier(table, brief, (3,))
    pd.testing.assert_frame_equal(table.rows, rows)
    assert brief.policy.model_dump_json() == rules


def test_counts_vary_the_minimum_count(counts):
    found = frontier(*counts, numbers=(3, 20))
    assert found["rule"] == "minimum_count"
    assert [p["number"] for p in found["points"]] == [3, 10, 20]
    assert found["before"]["cells"] == 120
    assert found["before"]["small_counts"] == 19 + 6  # women 1 to 19; men 3, 6, ... 18
    assert point(found, 20)["risk"]["small_counts"] == 0
    shown = [p["risk"]["cells"] for p in found["points"]]
    assert shown == sorted(shown, reverse=True)
    assert shown[0] == 120 - 3  # women 1 and 2, and a third against the only one in a count
    assert "Minimum count" in frontier_page(found, counts[1])


def test_numbers_that_protect_nobody_are_refused(records):
    with pytest.raises(PolicyError, match="below 2"):
        frontier(*records, numbers=(1, 5))
    with pytest.raises(PolicyError, match="whole numbers"):
        whole_numbers("2,many")
    assert whole_numbers("2, 10") == (2, 10)


def test_a_policy_that_only_reports_the_rule_has_no_frontier(records):
    table, brief = records
    told = brief.policy.k.model_copy(update={"breach": "report"})
    with pytest.raises(PolicyError, match="report"):
        frontier(table, brief._replace(policy=brief.policy.model_copy(update={"k": told})))


def test_the_page_stands_alone_and_holds_no_value(records, found):
    html = frontier_page(found, records[1])
    assert html == frontier_page(found, records[1])
    assert CANARY not in html
    assert "<script" not in html
    assert 'href="http' not in html
    assert "url(" not in html
    assert html.count('role="img"') == 1
    for number in (2, 5, 20):
        assert f'<th scope="row">{number}' in html


def test_the_page_refuses_another_requests_frontier(records, found):
    with pytest.raises(IntegrityError):
        frontier_page({**found, "request": "REQ-2026-001"}, records[1])


def test_the_terminal_shows_each_number_once(found):
    figures = frontier_grids(found)[0]
    assert list(figures.columns[0].cells) == ["2", "5*", "20"]


def test_a_request_that_is_cut_from_a_master_is_measured_as_it_is_cut(counts):
    table, brief = counts
    asked = brief.request.model_copy(update={"variables": ("district", "women")})
    brief = brief._replace(request=asked)
    served = Served(Master(because="one pattern for everybody", tiers=("public",)), (brief.policy,))
    number = brief.policy.minimum_count.value
    own = point(frontier(table, brief, (number,), served), number)
    after, _ = apply(compile_for(table, brief, served), table)
    hidden = int(after.rows["women"].isna().sum())
    assert own["share_suppressed"] == pytest.approx(hidden / (len(after) * len(after.variables)))
    larger = point(frontier(table, brief, (number, 40), served), 40)
    assert larger["share_suppressed"] > own["share_suppressed"]
