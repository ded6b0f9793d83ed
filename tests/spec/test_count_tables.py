"""Counts whose rows add up over areas and rounds, drawn."""

import pandas as pd
import pytest

from sdc.dictionary import Link, Role, Sensitivity, Type, Variable
from sdc.errors import DataError, DisclosureError
from sdc.plan import Step
from sdc.plan.run import observe
from sdc.steps.aggregation import aggregate_counts
from sdc.steps.attributes import suppress_attributes
from sdc.steps.bands import band_counts
from sdc.steps.counts import suppress_counts
from sdc.steps.sites import merge_sites, remove_sensitive_sites
from sdc.table import Table

SUM = (Link(total="all", parts=("men", "women")),)
ALL = ["all", "men", "women"]


def table(rows: dict, links: tuple[Link, ...] = (), **changes: dict) -> Table:
    """Columns of numbers are counts, others keys of open codes; `round` is a number of its own."""
    variables, columns = [], {}
    for name, values in rows.items():
        number = all(value is None or isinstance(value, int) for value in values)
        role = Role.OTHER if name == "round" else Role.COUNT if number else Role.KEY
        kind = {"type": Type.INTEGER} if number else {"type": Type.CODE, "open_codes": True}
        variables.append(Variable(name=name, role=role, **{**kind, **changes.get(name, {})}))
        columns[name] = pd.array(values, dtype="Int64" if number else "str")
    return Table(pd.DataFrame(columns), tuple(variables), links)


def shown(result: Table, *columns: str) -> list[tuple]:
    return [tuple(None if pd.isna(v) else v for v in row) for row in result.rows[list(columns)].itertuples(index=False)]


def test_a_two_by_two_table_with_both_margins_loses_a_square():
    """3 women in P, and the sums of P, of all women and of the area are known: three more cells go with them."""
    before = table({"area": ["A", "A"], "all": [43, 50], "men": [40, 20], "women": [3, 30]}, SUM)
    after = suppress_counts(before, ALL, 10, margins=[["area"]])
    assert shown(after, *ALL) == [(43, None, None), (50, None, None)]


def test_a_single_place_in_an_area_is_its_sum_and_a_third_place_protects_nothing_in_it():
    """The 7 of A are the sum of A, which is small and not shown; of the others of the country one goes with them."""
    before = table({"area": ["A", "B", "C"], "people": [7, 60, 80]})
    after = suppress_counts(before, ["people"], 10, margins=[["area"], []])
    assert shown(after, "people")[0] == (None,)


def test_a_sum_hides_behind_another_row_of_its_area():
    before = table({"area": ["A", "A", "A"], "people": [4, 60, 80]})
    assert shown(suppress_counts(before, ["people"], 10, margins=[["area"]]), "people") == [(None,), (None,), (80,)]
    assert shown(suppress_counts(before, ["people"], 10), "people") == [(None,), (60,), (80,)]


def test_a_count_that_did_not_change_fills_no_hole_of_the_next_round():
    """The men of round 2 hide its 4 women; round 1 shows the same men, or tells them by 55 - 15: there both go too."""
    before = table({"p": ["P", "P"], "round": [1, 2], "all": [55, 44], "men": [40, 40], "women": [15, 4]}, SUM)
    after = suppress_counts(before, ["men", "women"], 10, rounds="round", place=["p"])
    loose = suppress_counts(before, ["men", "women"], 10, rounds="round")
    assert shown(loose, "men", "women") == [(40, 15), (None, None)]
    assert shown(after, "men", "women") == [(None, None), (None, None)]


def test_what_an_earlier_release_shows_is_not_chosen():
    before = table({"p": ["P", "Q", "R"], "area": ["A", "A", "A"], "people": [4, 60, 80]})
    published = before.with_rows(before.rows.iloc[[1]])
    after = suppress_counts(before, ["people"], 10, margins=[["area"]], place=["p"], published=published)
    assert shown(after, "people") == [(None,), (60,), (None,)]


def test_households_persons_and_sensitive_counts_each_have_a_minimum():
    before = table(
        {"persons": [8, 30], "families": [8, 30], "disabled": [8, 12]},
        families={"unit": "households"},
        disabled={"sensitivity": Sensitivity.HIGH},
    )
    columns = ["persons", "families", "disabled"]
    after = suppress_counts(before, columns, 10, minimum_households=5, minimum_sensitive=20)
    assert shown(after, *columns) == [(None, 8, None), (30, 30, None)]


def test_zeros_hidden_leave_room_for_zero():
    before = table({"people": [0, 4, 60]})
    assert shown(suppress_counts(before, ["people"], 10, zeros="hide"), "people") == [(None,), (None,), (60,)]


def test_a_sensitive_breakdown_with_all_in_one_category_is_hidden_with_its_zeros():
    links = (Link(total="all", parts=("flood", "conflict"), sensitive=True),)
    before = table({"all": [60], "flood": [0], "conflict": [60]}, links)
    after = suppress_counts(before, ["all", "flood", "conflict"], 10, group_disclosure="hide")
    assert shown(after, "all", "flood", "conflict") == [(60, None, None)]


def test_all_zeros_one_row_nothing_to_suppress_everything_primary():
    for rows in ({"all": [0, 0], "men": [0, 0], "women": [0, 0]}, {"all": [90], "men": [40], "women": [50]}):
        before = table({"area": ["A"] * len(rows["all"]), **rows}, SUM)
        pd.testing.assert_frame_equal(suppress_counts(before, ALL, 10, margins=[["area"]]).rows, before.rows)
    small = table({"area": ["A", "A"], "all": [5, 7], "men": [2, 3], "women": [3, 4]}, SUM)
    assert suppress_counts(small, ALL, 10, margins=[["area"]]).rows[ALL].isna().all(axis=None)


def test_what_cannot_be_protected_is_refused_without_a_value():
    """The men are released already, and so are all: the 4 women are their difference."""
    before = table({"p": ["P"], "all": [44], "men": [40], "women": [4]}, SUM)
    published = before.drop(["women"])
    with pytest.raises(DisclosureError, match="1 counts cannot be protected") as refused:
        suppress_counts(before, ALL, 10, place=["p"], published=published)
    assert "44" not in str(refused.value)


def test_rows_that_break_a_sum_more_often_than_the_dictionary_allows_are_refused():
    before = table({"all": [60, 90], "men": [7, 40], "women": [52, 50]}, SUM)
    with pytest.raises(DataError, match="1 of 2 rows break the sum of its 2 parts"):
        suppress_counts(before, ALL, 10)
    allowed = Table(before.rows, before.variables, (SUM[0].model_copy(update={"broken_rows_allowed": 1}),))
    assert shown(suppress_counts(allowed, ALL, 10), *ALL)[0] == (60, None, 52)


def test_rules_on_the_places_behind_a_sum_are_kept_by_suppression():
    """A: one place; B: one of three holds nearly all; C: three alike."""
    before = table({"area": list("ABBBCCC"), "place": list("pqrstuv"), "people": [60, 90, 4, 2, 20, 20, 20]})
    few = suppress_counts(aggregate_counts(before, ["area"], minimum_contributors=3), ["people"], 10)
    large = suppress_counts(aggregate_counts(before, ["area"], dominance=[1, 80]), ["people"], 10)
    near = suppress_counts(aggregate_counts(before, ["area"], p_percent=10), ["people"], 10)
    assert shown(few, "people") == [(None,), (96,), (60,)]
    assert shown(large, "people") == shown(near, "people") == [(None,), (None,), (60,)]


def test_a_sensitive_site_protects_itself_by_others_and_then_leaves():
    rows = {"area": ["A"] * 4, "kind": ["safe", "open", "open", "open"], "people": [50, 60, 70, 80]}
    codes = {"kind": ["safe"]}
    before = table(rows)
    hidden = suppress_counts(before, ["people"], 10, margins=[["area"]], sensitive_sites=codes)
    after = remove_sensitive_sites(hidden, codes)
    assert shown(after, "people") == [(None,), (70,), (80,)]
    summed = aggregate_counts(before, ["area"], sensitive_sites=codes)
    assert not summed.revealing["people"].any()
    assert (
        aggregate_counts(table({n: v[:3] for n, v in rows.items()}), ["area"], sensitive_sites=codes)
        .revealing["people"]
        .all()
    )


def test_what_is_said_of_few_people_is_hidden_with_what_follows_it():
    before = table({"reason": ["flood", "war", "war"], "other": ["x", "y", "z"], "people": [4, 40, None]})
    after = suppress_attributes(before, {"reason": "people"}, 5)
    assert shown(after, "reason", "other") == [(None, "x"), ("war", "y"), (None, "z")]


def test_bands_that_a_sum_would_fix_are_hidden():
    """9 and 19 stand at the upper ends of their bands: the 28 of the area would tell both."""
    before = table({"area": ["A", "A", "B", "B"], "people": [9, 19, 3, 15]})
    after = band_counts(before, ["people"], [10, 20], margins=[["area"]])
    assert shown(after, "people") == [(None,), ("10-19",), ("1-9",), ("10-19",)]


def test_small_sites_join_a_neighbour_of_their_area():
    before = table({"area": ["A", "A", "B"], "site": ["s1", "s2", "s3"], "reason": list("xyz"), "people": [4, 60, 30]})
    after = merge_sites(before, "site", ["area"], "people", 10)
    columns = ("area", "site", "reason", "people", "sites_merged")
    assert shown(after, *columns) == [("A", "s1 + s2", None, 64, 2), ("B", "s3", "z", 30, 1)]


def test_the_ledger_tells_primary_and_secondary_apart():
    before = table({"area": ["A"] * 3, "people": [4, 60, 80]})
    params = {"columns": ["people"], "minimum": 10, "margins": [["area"]]}
    after = suppress_counts(before, **params)
    entry = observe(Step("suppress_counts", params, "test"), before, after)
    assert (entry["suppressed"], entry["primary"], entry["secondary"]) == ({"people": 2}, {"people": 1}, {"people": 1})
