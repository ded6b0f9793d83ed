"""What a review found: records that are repeated, extracts that came sorted, coordinates of people."""

from datetime import date
from pathlib import Path

import pandas as pd
import pytest

from sdc.dictionary import Dictionary, Geography, Role, Type, Variable
from sdc.plan import Brief
from sdc.plan.columns import coarsen_geography
from sdc.policy import read_policy
from sdc.request import Request
from sdc.steps import STEPS
from sdc.table import Table
from sdc.verdict.case import Case
from sdc.verdict.structure import records_kept, structure

POLICIES = Path(__file__).parents[2] / "policies"

AREA = Variable(name="area", type=Type.CODE, role=Role.KEY, open_codes=True)


def table(*areas: str) -> Table:
    return Table(pd.DataFrame({"area": pd.array(areas, dtype="string")}), (AREA,))


def found(before: Table, after: Table) -> dict[str, bool]:
    return {check.name: check.passed for check in records_kept(Case(before, after, None, None, None))}


@pytest.mark.parametrize("copies", [2, 5])
def test_records_that_are_repeated_are_not_taken_for_records_that_were_collected(copies):
    before = table("b", "a")
    after = STEPS["sort_records"](before)
    assert found(before, after)["no_records_added"]
    repeated = after.with_rows(pd.concat([after.rows] * copies))
    assert not found(before, repeated)["no_records_added"]


def test_an_extract_that_came_sorted_by_its_content_can_be_released():
    before = table("a", "b", "c")
    assert found(before, STEPS["sort_records"](before))["order"]


def test_the_order_of_collection_is_refused_where_it_tells_more_than_the_content():
    before = table("b", "c", "a")
    assert not found(before, before)["order"]
    assert found(before, STEPS["sort_records"](before))["order"]


@pytest.mark.parametrize("policy", ["public", "restricted"])
def test_records_of_people_show_no_coordinates_however_rounded(policy):
    latitude = Variable(name="latitude", type=Type.NUMBER, role=Role.OTHER, geography=Geography.POINT, follows="area")
    variables = (AREA.model_copy(update={"geography": Geography.ADMIN1}), latitude)
    dictionary = Dictionary(component="survey", version="1", title={"en": "Survey"}, unit="person", variables=variables)
    rows = pd.DataFrame({"area": pd.array(["b", "a"], dtype="string"), "latitude": [10.25, 11.5]})
    brief = Brief(dictionary, read_policy(POLICIES / f"{policy}.yaml"), a_request(policy))
    before = Table(rows, variables)
    (step,) = coarsen_geography(brief, before, before)
    assert STEPS[step.name](before, **step.params).names(Role.OTHER) == []
    checks = {check.name: check.passed for check in structure(Case(before, before, *brief))}
    assert not checks["lowest_geography"]


def a_request(policy: str) -> Request:
    return Request(
        id="REQ-2026-900",
        title="Review",
        requester={"organisation": "A reviewer", "type": "ngo"},
        purpose="To hold the judge to its word.",
        component="survey",
        country="ZZZ",
        rounds=(1,),
        variables="all",
        policy=policy,
        approval={"by": "ACT-0001", "on": date(2026, 1, 1)},
        expires=date(2030, 1, 1),
    )
