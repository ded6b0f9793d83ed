"""The judge of counts on small files that somebody protected badly, or well."""

import re
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from sdc.dictionary import Dictionary, Geography, Level, Link, Role, Sensitivity, Type, Variable
from sdc.policy import Policy, read_policy
from sdc.request import Request
from sdc.table import Table
from sdc.verdict.case import Case, Check
from sdc.verdict.counts import CountFindings, count_promises
from sdc.verdict.places import place_promises

POLICIES = Path(__file__).parents[2] / "policies"
PLACES = {"adm1": Geography.ADMIN1, "adm2": Geography.ADMIN2, "site": Geography.SITE}
SUM = (Link(total="all", parts=("men", "women")),)
PROMISED = ("nothing-known", "at-least-one", "last-round")


def variable(name: str, **more: Any) -> Variable:
    if name in PLACES:
        return Variable(name=name, type=Type.CODE, role=Role.KEY, open_codes=True, geography=PLACES[name])
    if name == "round":
        return Variable(name=name, type=Type.INTEGER, role=Role.OTHER)
    if name in ("latitude", "longitude"):
        most = 90 if name == "latitude" else 180
        return Variable(name=name, type=Type.NUMBER, role=Role.OTHER, geography=Geography.POINT, min=-most, max=most)
    if name == "rows_aggregated":
        return Variable(name=name, type=Type.INTEGER, role=Role.OTHER)
    if name in ("kind", "need"):
        codes = {code: {"en": code} for code in ("camp", "shelter", "food")}
        role = Role.SENSITIVE if name == "need" else Role.OTHER
        return Variable(name=name, type=Type.CODE, role=role, codes=codes, **more)
    return Variable(name=name, type=Type.INTEGER, role=Role.COUNT, **{"unit": "persons", **more})


def table(columns: str, *rows: tuple, links: tuple[Link, ...] = (), more: dict[str, dict] | None = None) -> Table:
    """A file: columns by their names; `None` is a hidden or unobserved count."""
    names = columns.split()
    variables = tuple(variable(name, **(more or {}).get(name, {})) for name in names)
    frame = pd.DataFrame(rows, columns=names)
    for entry in variables:
        if entry.type == Type.INTEGER and not entry.level:
            frame[entry.name] = frame[entry.name].astype("Int64")
        elif entry.type == Type.CODE:
            frame[entry.name] = frame[entry.name].astype("string")
    return Table(frame, variables, links)


def without(before: Table, **hidden: list[int]) -> Table:
    """The same file with some counts hidden, by column and row."""
    rows = before.rows.copy()
    for name, places in hidden.items():
        rows.loc[places, name] = pd.NA
    return before.with_rows(rows)


def policy(**rules: Any) -> Policy:
    """The restricted policy: minimum 5, sums over admin 2, 1 and 0 known; some rules changed."""
    content = read_policy(POLICIES / "restricted.yaml").model_dump(mode="json", exclude={"components"})
    for name, value in rules.items():
        content[name] = {**content[name], "value": value, "breach": "stop"}
    return Policy.model_validate(content)


def case(before: Table, after: Table, **rules: Any) -> Case:
    dictionary = Dictionary.model_construct(
        component="places", variables=before.variables, links=before.links, groups=(), version="1", unit="place"
    )
    request = Request.model_construct(id="REQ-2026-900", rounds=(1,), variables="all", policy="restricted")
    return Case(before, after, dictionary, policy(**rules), request)


def judged(before: Table, after: Table, earlier: tuple[Table, ...] = (), **rules: Any) -> CountFindings:
    return count_promises(case(before, after, **rules), earlier)


def solved(before: Table, after: Table, earlier: tuple[Table, ...] = (), **rules: Any) -> dict[str, int]:
    return judged(before, after, earlier, **rules).cells["recoverable"]


def check(found: CountFindings | list[Check], name: str) -> Check:
    return next(one for one in (found if isinstance(found, list) else found.checks) if one.name == name)


SITES = table(
    "adm1 adm2 site all men women",
    ("A", "A1", "s1", 60, 3, 57),
    ("A", "A1", "s2", 90, 40, 50),
    ("A", "A2", "s3", 80, 30, 50),
    ("B", "B1", "s4", 70, 35, 35),
    ("B", "B1", "s5", 75, 40, 35),
    links=SUM,
)


def test_a_count_that_its_row_gives_back_fails_for_every_intruder() -> None:
    found = judged(SITES, without(SITES, men=[0]), margins=())
    assert all(found.cells["recoverable"][name] == 1 for name in PROMISED)
    assert not check(found, "recoverable:nothing-known").passed
    assert check(found, "recoverable:nothing-known").breach == "stop"
    assert (found.cells["primary"], found.cells["secondary"]) == (1, 0)


def test_a_second_hidden_count_of_the_row_protects_only_while_no_sum_over_areas_is_known() -> None:
    after = without(SITES, men=[0], women=[0])
    assert solved(SITES, after, margins=())["at-least-one"] == 0
    assert solved(SITES, after)["at-least-one"] == 1


def test_a_rectangle_of_hidden_counts_in_one_area_protects_against_the_sums_too() -> None:
    found = judged(SITES, without(SITES, men=[0, 1], women=[0, 1]))
    assert all(found.cells["recoverable"][name] == 0 for name in PROMISED)
    assert found.cells["secondary"] == 3
    assert found.cells["narrowest_interval"]["at-least-one"] >= 1
    assert found.warnings == []


def test_what_follows_from_the_sums_alone_is_told_and_does_not_stop() -> None:
    """A2 has one site: the sum over A2 is that site. Its row hides it as well as a row can."""
    before = table(
        "adm1 adm2 site all men women",
        ("A", "A1", "s1", 60, 20, 40), ("A", "A1", "s2", 90, 40, 50), ("A", "A2", "s3", 40, 3, 37),
        ("B", "B1", "s4", 70, 35, 35), ("B", "B1", "s5", 75, 40, 35),
        links=SUM,
    )  # fmt: skip
    hidden = judged(before, without(before, men=[2], women=[2]))
    assert hidden.cells["recoverable"]["at-least-one"] == 0
    assert hidden.cells["given_away_by_sums"] >= 1
    assert "follow from sums over larger areas alone" in hidden.warnings[0]
    given_back = judged(before, without(before, men=[2]))  # 40 - 37: its own row tells
    assert given_back.cells["recoverable"]["at-least-one"] == 1


def test_two_hidden_ones_that_add_up_to_two_are_known_to_whoever_knows_that_neither_is_0() -> None:
    before = table("adm1 site all men women", ("A", "s1", 2, 1, 1), ("A", "s2", 90, 50, 40), links=SUM)
    after = without(before, men=[0], women=[0])  # the total of 2 breaks the minimum itself, and is shown
    found = judged(before, after, margins=())
    assert found.cells["recoverable"] | {"knows-primary": 0, "singleton": 0} == {
        "nothing-known": 0, "at-least-one": 2, "last-round": 2, "knows-primary": 0, "singleton": 0,
    }  # fmt: skip
    assert check(found, "minimum_count").observed == 1


ROUNDS = table(
    "round adm1 site all men women",
    (1, "A", "s1", 60, 20, 40), (1, "A", "s2", 90, 50, 40), (2, "A", "s1", 43, 3, 40), (2, "A", "s2", 70, 50, 20),
    links=SUM,
)  # fmt: skip


def test_a_count_that_another_round_shows_unchanged_is_known_to_whoever_has_both() -> None:
    """Round 2 hides 3 men with 40 women; round 1 shows the same 40 women."""
    found = solved(ROUNDS, without(ROUNDS, men=[2], women=[2]), margins=())
    assert (found["at-least-one"], found["last-round"]) == (0, 1)
    hidden_in_both = solved(ROUNDS, without(ROUNDS, men=[0, 2], women=[0, 2]), margins=())
    assert hidden_in_both["last-round"] == 0


def test_equal_counts_that_both_rounds_hide_tie_the_rounds() -> None:
    """Nobody shows the 40 women; but 60 - 20 men of round 1 tells them, and so 43 - 40 of round 2."""
    assert solved(ROUNDS, without(ROUNDS, men=[2], women=[0, 2]), margins=())["last-round"] == 1


def test_an_earlier_release_is_remembered() -> None:
    after = without(SITES, men=[0, 1], women=[0, 1])
    earlier = without(SITES, men=[0], women=[0])
    assert solved(SITES, after)["last-round"] == 0
    assert solved(SITES, after, (earlier,))["last-round"] == 1


def test_rows_that_cannot_be_matched_fail() -> None:
    after = SITES.with_rows(SITES.rows.set_axis(range(100, 105)))
    assert not check(judged(SITES, after), "recoverable").passed


def test_a_row_that_the_file_leaves_out_still_stands_in_the_sums() -> None:
    """Its 3 men are the area's men less those shown."""
    after = SITES.with_rows(SITES.rows.drop(index=0))
    assert solved(SITES, after)["nothing-known"] == 1
    assert solved(SITES, after, margins=())["nothing-known"] == 0


def test_nothing_depends_on_the_order_of_rows() -> None:
    after = without(SITES, men=[0, 1], women=[0])
    turned = SITES.with_rows(SITES.rows.iloc[::-1])
    shuffled = after.with_rows(after.rows.iloc[[3, 0, 4, 2, 1]])
    assert judged(SITES, after).cells == judged(turned, shuffled).cells


SUMS = table(
    "adm1 adm2 site all",
    ("A", "A1", "s1", 90), ("A", "A1", "s2", 3), ("A", "A2", "s3", 40), ("A", "A2", "s4", 35), ("B", "B1", "s5", 70),
)  # fmt: skip
SUMMED = table("adm1 adm2 all rows_aggregated", ("A", "A1", 93, 2), ("A", "A2", 75, 2), ("B", "B1", 70, 1))


@pytest.mark.parametrize(
    ("rule", "value", "broken"),
    [
        ("minimum_contributors", 2, 1),
        ("minimum_contributors", 3, 3),
        ("dominance", [1, 90], 2),
        ("p_percent", 10, 3),
        ("p_percent", 1, 3),
    ],
)
def test_rules_on_the_places_behind_a_sum(rule: str, value: Any, broken: int) -> None:
    """A1 is 90 + 3, A2 is 40 + 35, B1 is one place of 70: with two places one knows the other exactly."""
    assert check(judged(SUMS, SUMMED, **{rule: value}), rule).observed == broken


def test_a_sum_over_places_of_which_some_were_not_asked_is_no_count() -> None:
    before = table(
        "adm2 site all men women", ("A1", "s1", 60, 20, 40), ("A1", "s2", 9, None, None), ("B1", "s3", 50, 20, 30),
        links=SUM,
    )  # fmt: skip
    after = table("adm2 all men women rows_aggregated", ("A1", 69, None, None, 2), ("B1", 50, 20, 30, 1), links=SUM)
    found = judged(before, after)
    assert found.cells["published"] == 4
    assert found.cells["suppressed"] == 0


def test_households_and_sensitive_counts_have_their_own_minimum() -> None:
    more = {"hh": {"unit": "households"}, "alone": {"sensitivity": Sensitivity.HIGH}}
    before = table("adm1 site all hh alone", ("A", "s1", 60, 6, 7), ("A", "s2", 90, 30, 20), more=more)
    found = judged(before, before, margins=(), minimum_households=7)
    assert [check(found, name).observed for name in ("minimum_count", "minimum_households")] == [0, 1]
    assert check(found, "minimum_sensitive_count").observed == 1


def test_everybody_in_one_sensitive_category_and_zeros_that_tell() -> None:
    links = (Link(total="all", parts=("men", "women"), sensitive=True),)
    before = table("adm1 site all men women", ("A", "s1", 60, 60, 0), ("A", "s2", 90, 40, 50), links=links)
    assert check(judged(before, before, group_disclosure="hide"), "group_disclosure").observed == 2
    assert check(judged(before, before, zeros="hide"), "zeros").observed == 1
    both = judged(before, without(before, men=[0, 1], women=[0, 1]), group_disclosure="hide")
    assert both.cells["recoverable"]["nothing-known"] == 0
    assert both.cells["by_rule"]["group_disclosure"] == 2


def test_a_place_that_is_shown_to_nobody_stands_only_in_sums_with_three_others() -> None:
    more = {"kind": {"sensitive_codes": ("shelter",)}}
    rows = [("A1", f"s{i}", 50, "camp") for i in range(2)] + [("A1", "x", 40, "shelter")]
    rows += [("B1", f"t{i}", 50, "camp") for i in range(3)] + [("B1", "y", 40, "shelter")]
    before = table("adm2 site all kind", *rows, more=more)
    after = table("adm2 all rows_aggregated", ("A1", 140, 3), ("B1", 190, 4))
    assert check(judged(before, after), "sensitive_sites").observed == 1
    rows_shown = place_promises(case(before, before))
    assert check(rows_shown, "sensitive_places").observed == 2
    left_out = before.with_rows(before.rows[before.rows["kind"] != "shelter"])
    assert check(place_promises(case(before, left_out)), "sensitive_places").passed
    assert check(place_promises(case(before, left_out)), "places_kept").passed
    assert not check(place_promises(case(before, left_out.with_rows(left_out.rows.iloc[1:]))), "places_kept").passed


def moved(before: Table, **columns: list[int]) -> Table:
    return before.with_rows(before.rows.assign(**{name: pd.array(v, dtype="Int64") for name, v in columns.items()}))


def test_rounded_counts_leave_the_interval_of_their_base() -> None:
    after = moved(SITES, all=[60, 90, 80, 70, 75], men=[5, 40, 30, 35, 40], women=[55, 50, 50, 35, 35])
    found = judged(SITES, after, count_method="random", rounding_base=5)
    assert found.cells["recoverable"]["nothing-known"] == 0
    assert found.cells["narrowest_interval"]["nothing-known"] > 0
    assert found.cells["suppressed"] == 0
    assert check(found, "rounding").passed
    off = moved(SITES, all=[60, 90, 80, 70, 75], men=[4, 40, 30, 35, 40], women=[55, 50, 50, 35, 35])
    assert not check(judged(SITES, off, count_method="random", rounding_base=5), "rounding").passed
    assert not check(judged(SITES, off, count_method="random", rounding_base=5), "minimum_count").passed


def test_small_count_rounding_shows_large_inner_counts_as_they_are() -> None:
    """3 men became 0, and the total 57: between 0 and 4 men, nothing else is open."""
    after = moved(SITES, all=[57, 90, 80, 70, 75], men=[0, 40, 30, 35, 40])
    found = judged(SITES, after, count_method="small_count", rounding_base=5)
    assert found.cells["recoverable"]["nothing-known"] == 0
    assert found.cells["narrowest_interval"]["nothing-known"] == 4


def test_noise_by_cell_keys_reaches_as_far_as_it_may() -> None:
    after = moved(SITES, men=[5, 41, 30, 35, 40])
    found = judged(SITES, after, count_method="cell_key", rounding_base=1, cell_noise=[5, 4])
    assert found.cells["recoverable"]["nothing-known"] == 0
    assert found.cells["narrowest_interval"]["nothing-known"] > 1


def test_a_count_in_a_band_lies_in_it_and_its_area_may_narrow_that_down() -> None:
    banded = variable("men").model_copy(update={"hierarchy": (Level(name="bands", bands=(0, 1, 5, 50)),), "level": 1})
    labels = pd.array(["1-4", "5-49", "5-49", "5-49", "5-49"], dtype="string")
    after = SITES.with_rows(SITES.rows.assign(men=labels)).with_variable(banded)
    alone = judged(SITES, without(after, women=[0]), margins=())
    assert alone.cells["recoverable"]["nothing-known"] == 0
    assert alone.cells["narrowest_interval"]["nothing-known"] == 3
    assert judged(SITES, after, margins=()).cells["recoverable"]["nothing-known"] == 1  # 60 - 57


def test_larger_counts_that_were_not_asked_for_are_told() -> None:
    after = without(SITES, men=[0, 1]).drop(["women"])
    found = judged(SITES, after, margins=())
    assert found.cells["recoverable"]["nothing-known"] == 0
    assert not check(found, "recoverable:larger-counts-known").passed
    assert check(found, "recoverable:larger-counts-known").breach == "warn"


def test_a_column_that_repeats_a_hidden_count_is_found_although_no_link_says_so() -> None:
    rows = [(f"A{i % 3}", f"s{i}", 3 if i == 0 else 20 + i, 3 if i == 0 else 20 + i) for i in range(40)]
    before = table("adm1 site here arrived", *rows)
    assert check(place_promises(case(before, without(before, here=[0]))), "equal_columns").observed == 1
    assert check(place_promises(case(before, without(before, here=[0], arrived=[0]))), "equal_columns").passed


def test_what_follows_a_count_is_hidden_with_it() -> None:
    before = table(
        "adm1 site all kind", ("A", "s1", 3, "camp"), ("A", "s2", 30, "camp"), more={"kind": {"follows": "all"}}
    )
    after = without(before, all=[0])
    assert check(place_promises(case(before, after)), "followers").observed == 1
    assert check(place_promises(case(before, without(after, kind=[0]))), "followers").passed


def test_attributes_are_told_of_enough_people() -> None:
    more = {"kind": {"describes": "all"}, "need": {"describes": "all"}}
    before = table(
        "adm2 site all kind need",
        ("A", "s1", 3, "camp", "food"), ("A", "s2", 30, "camp", "food"), ("B", "s3", 30, "camp", "camp"),
        more=more,
    )  # fmt: skip
    found = place_promises(case(before, without(before, all=[0]), minimum_attribute_persons=5))
    assert check(found, "attribute_persons").observed == 2
    assert check(found, "attribute_classes").breach == "report"
    assert check(found, "attribute_diversity:need").observed == 2
    quiet = without(before, all=[0], kind=[0], need=[0])
    assert check(place_promises(case(before, quiet, minimum_attribute_persons=5)), "attribute_persons").passed


def test_coordinates_stand_as_far_away_as_was_promised() -> None:
    before = table("adm1 site all latitude longitude", ("A", "s1", 60, 10.0, 20.0), ("A", "s2", 60, 11.0, 20.0))
    near = before.with_rows(before.rows.assign(latitude=[10.001, 11.0], longitude=[20.0, 20.03]))
    found = place_promises(case(before, near, coordinate_displacement=[1, 5], coordinate_decimals=4))
    assert check(found, "displacement").observed == 1
    assert check(found, "displacement_most").passed
    far = place_promises(case(before, near, coordinate_displacement=[0.05, 2], coordinate_decimals=4))
    assert check(far, "displacement").passed
    assert check(far, "displacement_most").observed == 1


def test_figures_of_loss_tell_what_users_of_larger_areas_still_have() -> None:
    found = judged(SITES, without(SITES, men=[0, 1], women=[0, 1]))
    assert found.loss is not None
    levels = {row["level"]: row for row in found.loss["levels"]}
    assert (levels["row"]["cells"], levels["row"]["complete"]) == (15, round(11 / 15, 4))
    assert (levels["admin2"]["cells"], levels["admin2"]["complete"]) == (9, round(7 / 9, 4))
    assert (levels["admin1"]["cells"], levels["admin1"]["complete"]) == (6, round(4 / 6, 4))
    lost = (3 + 40 + 57 + 50) / float(np.asarray(SITES.rows[["all", "men", "women"]], dtype=float).sum())
    assert abs(levels["admin1"]["persons_left"] - (1 - lost)) < 1e-3
    same = judged(SITES, SITES, minimum_count=1)
    assert same.loss is not None
    assert all(row["complete"] == 1 and row["error_most"] == 0 for row in same.loss["levels"])


def test_who_knows_a_count_of_his_own_stops_a_release_where_the_policy_says_so() -> None:
    """One man at s1 knows that he is one: with the sums he has the men of s2; no one else has."""
    before = table("adm1 site all men", ("A", "s1", 60, 1), ("A", "s2", 90, 3), ("A", "s3", 70, 40))
    after = without(before, men=[0, 1])
    for known in ("known", "unknown"):
        found = check(judged(before, after, own_count=known), "recoverable:singleton")
        assert (found.observed, found.passed, found.breach) == (1, False, "stop" if known == "known" else "report")
    found = judged(before, without(before, men=[0, 1, 2]), own_count="known")
    assert check(found, "recoverable:singleton").passed


def test_who_knows_which_counts_are_small_stops_a_release_where_the_policy_says_so() -> None:
    """Two of at most 4 that add up to 8 are 4 each."""
    before = table("adm1 site men", ("A", "s1", 4), ("A", "s2", 4), ("A", "s3", 40), ("A", "s4", 50))
    after = without(before, men=[0, 1])
    for known in ("known", "unknown"):
        found = check(judged(before, after, which_primary=known), "recoverable:knows-primary")
        assert (found.observed, found.breach) == (2, "stop" if known == "known" else "report")
    assert solved(before, without(before, men=[0, 1, 2]), which_primary="known")["knows-primary"] == 0


def test_judge_and_protector_share_no_code_that_decides() -> None:
    """Both read the registry of cells and call the solver; no more."""
    source = Path(__file__).parents[2] / "src" / "sdc"
    asked = r"^\s*(?:from|import) sdc\.(cells\.\w+|verdict|risk|audit|engines|steps|plan)\b"
    for protects in (*(source / "engines").glob("*.py"), *(source / "steps").glob("*.py")):
        found = set(re.findall(asked, protects.read_text(), re.MULTILINE)) - {"engines", "steps"}
        assert found <= {"cells.model", "cells.solver"}, protects.name
    for judges in (*(source / "cells").glob("*.py"), *(source / "verdict").glob("*.py")):
        assert not set(re.findall(asked, judges.read_text(), re.MULTILINE)) & {"engines", "steps", "plan"}, judges.name
