"""Answers of households: none stands in for the number of a household that is not released."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from report_samples import policy
from sdc.dictionary import Dictionary, Role, Type, Variable
from sdc.errors import DisclosureError
from sdc.master import Master, Served, compile_cut
from sdc.plan import Brief, apply, compile_plan, dropped_because
from sdc.request import Request
from sdc.steps.households import suppress_household_answers
from sdc.table import Table
from sdc.verdict import Case, conclude, judge
from sdc.verdict.records import tied_members


def coded(name: str, role: Role, **more) -> Variable:
    return Variable(name=name, type=Type.CODE, role=role, open_codes=True, **more)


@st.composite
def rosters(draw) -> Table:
    """Members of households with up to three answers, some missing, some not alike inside; some without a number."""
    seed, n, m = draw(st.integers(0, 10**6)), draw(st.integers(1, 60)), draw(st.integers(1, 3))
    rng = np.random.default_rng(seed)
    home = rng.integers(0, max(n // 3, 1), n)
    given_for_all = rng.integers(0, draw(st.integers(1, 5)), (n, m))[home].astype(object)
    given_for_all[rng.random((n, m)) < 0.05] = 9
    given_for_all[rng.random((n, m)) < 0.05] = None
    names = [f"answer{j}" for j in range(m)]
    rows = pd.DataFrame(given_for_all, columns=names).astype("string")
    rows["follower"] = rows["answer0"]
    rows["home"] = pd.Series(home).astype("Int64").mask(rng.random(n) < draw(st.sampled_from([0, 0.2])))
    rows["sex"] = pd.Series(rng.choice(["f", "m"], n), dtype="string")
    first = draw(st.sampled_from([Role.KEY, Role.SENSITIVE]))
    variables = (
        *(coded(name, Role.SENSITIVE if j else first) for j, name in enumerate(names)),
        coded("follower", Role.OTHER, follows="answer0"),
        Variable(name="home", type=Type.INTEGER, role=Role.HOUSEHOLD),
        coded("sex", Role.KEY),
    )
    return Table(rows, variables)


@settings(max_examples=80, deadline=None)
@given(rosters(), st.integers(2, 4), st.integers(0, 10**6))
def test_every_combination_that_a_household_shows_is_shown_by_enough_households(table, least, seed):
    names = [name for name in table.rows if name.startswith("answer")]
    before = table.rows.copy(deep=True)
    try:
        after = suppress_household_answers(table, "home", names, least).rows
    except DisclosureError:
        assert before["home"].nunique() < least
        return
    pd.testing.assert_frame_equal(table.rows, before)
    tied = after[after["home"].notna()].drop_duplicates(["home", *names])
    assert (tied.groupby(names, dropna=False).size() >= least).all()
    pd.testing.assert_frame_equal(after[["home", "sex"]], before[["home", "sex"]])
    pd.testing.assert_frame_equal(after[after["home"].isna()], before[before["home"].isna()])
    assert after["follower"].isna().equals(after["answer0"].isna())
    if table["answer0"].role == Role.KEY:
        sharing = before[before["home"].notna()].drop_duplicates(["home", "answer0"]).groupby("answer0", dropna=False)
        assert (sharing.size() < least).any() or after["answer0"].equals(before["answer0"])
    for name in names:
        kept = after[name].notna()
        assert (after[name][kept] == before[name][kept]).all()
    order = np.random.default_rng(seed).permutation(len(before))
    other = suppress_household_answers(table.with_rows(before.iloc[order]), "home", names, least).rows
    pd.testing.assert_frame_equal(other.sort_index(), after)


def brief_of(asked="all", importance=None, **rules) -> Brief:
    code, number = {"type": "code", "open_codes": True}, {"type": "integer"}
    variables = [
        {"name": "home", "role": "household", **number},
        {"name": "area", "role": "key", **code},
        {"name": "sex", "role": "key", **code},
        {"name": "fled", "role": "sensitive", "scope": "hh", **code},
        {"name": "shelter", "role": "other", "scope": "hh", **code},
    ]
    entries = [{"label": {"en": v["name"]}, **v} for v in variables]
    document = {"component": "sample", "version": "1.0.0", "title": {"en": "S"}, "unit": "person", "variables": entries}
    request = {
        "id": "REQ-2026-090",
        "title": "A sample",
        "requester": {"organisation": "Nobody (fictitious)", "type": "ngo"},
        "purpose": "To try out households.",
        "component": "sample",
        "country": "ZZZ",
        "rounds": [1],
        "variables": asked,
        "policy": "public",
        "importance": importance or {},
        "approval": {"by": "ACT-0001", "on": "2026-01-01"},
        "expires": "2099-12-31",
    }
    risks = {name: {"value": 0.9} for name in ("max_global_risk", "max_household_risk", "max_individual_risk")}
    return Brief(Dictionary.model_validate(document), policy(**{**risks, **rules}), Request.model_validate(request))


def roster(brief: Brief, homes: int = 300) -> Table:
    """Households of two to five; one of them fled from what nobody else did, and shelters are of many kinds."""
    rng = np.random.default_rng(3)
    fled = np.append(["rare"], rng.choice(["war", "flood"], homes - 1))
    home = np.repeat(np.arange(homes), rng.integers(2, 6, homes))
    rows = pd.DataFrame(
        {
            "home": pd.array(home, dtype="Int64"),
            "area": rng.choice(["n", "s"], homes)[home],
            "sex": rng.choice(["f", "m"], len(home)),
            "fled": fled[home],
            "shelter": rng.choice([f"k{i}" for i in range(60)], homes)[home],
        }
    ).astype(dict.fromkeys(("area", "sex", "fled", "shelter"), "str"))
    rows = rows.sample(frac=1, random_state=1).reset_index(drop=True)
    return Table(rows, brief.dictionary.variables)


def verdict_of(before: Table, after: Table, brief: Brief, ledger: list, steps) -> dict:
    found = judge(Case(before, after, *brief), {"entries": ledger}, dropped_because(steps, before))
    return conclude(found, [], [], "")


def check(verdict: dict) -> dict:
    return next(one for one in verdict["checks"] if one["name"] == "households_alike")


def test_the_plan_hides_what_is_rare_and_drops_what_it_cannot_pay_for():
    brief = brief_of()
    before = roster(brief)
    steps = compile_plan(before, brief)
    after, ledger = apply(steps, before)
    assert [step.name for step in steps if step.name != "drop_columns"] == [
        "suppress_locally", "suppress_household_answers", "suppress_sensitive", "sort_records"
    ]  # fmt: skip
    assert list(after.rows) == ["area", "sex", "fled"]
    assert steps[-2].params["columns"] == ["home"], "the number is dropped when nothing stands in for it any more"
    hidden = before.rows["fled"].reindex(after.rows.index)[after.rows["fled"].isna()]
    assert 0 < len(hidden) < 0.05 * len(before) and "rare" in set(hidden)
    verdict = verdict_of(before, after, brief, ledger, steps)
    assert verdict["gate"] == "pass" and check(verdict)["observed"] == 0


def test_what_the_request_calls_important_is_kept_first():
    budget = {"max_suppressed_values": {"value": 0.4}, "max_suppressed_records": {"value": 0.9}}
    brief = brief_of(importance={"shelter": 9}, minimum_alike_households={"value": 2}, **budget)
    before = roster(brief)
    after, _ = apply(compile_plan(before, brief), before)
    assert "shelter" in after


def test_a_number_that_was_not_asked_for_protects_before_it_goes():
    brief = brief_of(asked=["area", "sex", "fled"], household_links={"value": "keep"})
    before = roster(brief)
    steps = compile_plan(before, brief)
    after, _ = apply(steps, before)
    assert "home" not in after and tied_members(before, after, 3) == (0, 0)
    assert steps[-2].because.startswith("not asked for")


def test_a_number_that_leaves_leaves_the_answers_alone():
    brief = brief_of(household_links={"value": "keep"})
    before = roster(brief)
    steps = compile_plan(before, brief)
    assert "suppress_household_answers" not in [step.name for step in steps]
    local = next(step for step in steps if step.name == "suppress_locally")
    assert local.params["household"] == "home"


def test_the_judge_finds_answers_that_were_left():
    brief = brief_of()
    before = roster(brief)
    steps = [step for step in compile_plan(before, brief) if not step.name.startswith("suppress_")]
    after, ledger = apply(steps, before)
    verdict = verdict_of(before, after, brief, ledger, steps)
    assert verdict["gate"] == "fail" and check(verdict)["observed"] > 0
    lenient = brief_of(minimum_alike_households={"value": 3, "breach": "warn"})
    told = verdict_of(before, after, lenient, ledger, steps)
    assert told["gate"] == "pass" and any("household answered alike" in line for line in told["warnings"])


def test_a_master_protects_answers_in_the_tier_that_drops_the_number():
    brief = brief_of()
    before = roster(brief)
    keeps = {"value": "keep"}, {"value": 3, "breach": "warn"}
    fine = brief_of(household_links=keeps[0], minimum_alike_households=keeps[1]).policy
    fine, coarse = fine.model_copy(update={"policy": "restricted"}), brief.policy
    master = Master(because="One population, two audiences.", tiers=("restricted", "public"))
    steps = compile_cut(before, brief, Served(master, (fine, coarse)))
    after, _ = apply(steps, before, bytes(32))
    assert "home" not in after and tied_members(before, after, 3) == (0, 0)


def test_too_few_households_are_refused():
    table = Table(
        pd.DataFrame({"home": pd.array([1, 1, 2], dtype="Int64"), "area": ["n", "n", "n"]}),
        (Variable(name="home", type=Type.INTEGER, role=Role.HOUSEHOLD), coded("area", Role.KEY)),
    )
    with pytest.raises(DisclosureError, match="fewer than 3 households"):
        suppress_household_answers(table, "home", ["area"], 3)
