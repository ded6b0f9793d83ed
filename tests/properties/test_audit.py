"""What the audit guarantees, in the words of its docstrings, on small random populations."""

from datetime import date

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import linprog

from audit_samples import ALL, SUM, about, sites, survey
from sdc.audit.counts import Limits, audit_counts, protected_cells
from sdc.audit.facts import facts_of
from sdc.audit.judge import audit_release
from sdc.audit.learned import intervals, learned
from sdc.audit.records import audit_records
from sdc.audit.refinement import refine
from sdc.dictionary import Dictionary, Role
from sdc.master import Served, compile_cut
from sdc.params import Master
from sdc.plan import Brief, apply
from sdc.policy import read_policy
from sdc.request import Request
from sdc.steps import STEPS
from sdc.steps.aggregation import aggregate_counts

QUICK = settings(max_examples=25, deadline=None)
seeds = st.integers(0, 2**32 - 1)


def releases(seed, number=3):
    """Random releases of one population: sites with holes, rounded sites, sums of districts with holes."""
    draw = np.random.default_rng(seed)
    before = sites(seed, districts=3, per_district=3, most=12)
    found = []
    for i in range(number):
        kind = draw.integers(3)
        table = aggregate_counts(before, ["district", "round"]) if kind == 2 else before
        rows = table.rows.copy()
        base = 1
        if kind == 1:
            base = 5
            rows = rows.assign(**{n: (rows[n] + 2) // 5 * 5 for n in ("all", "men", "women")})
        for name in ("all", "men", "women"):
            rows.loc[draw.random(len(rows)) < 0.4, name] = pd.NA
        found.append(facts_of(before, table.with_rows(rows), about(f"R{i}"), base=base))
    return before, found


@QUICK
@given(seeds)
def test_the_truth_satisfies_every_identity_and_lies_in_every_interval(seed):
    _, known = releases(seed)
    system = refine(known, (SUM,))
    truth = system.cells.counts
    assert not (system.cells.identities @ truth).any()
    assert ((system.lower <= truth) & (truth <= system.upper)).all()
    low, high = intervals(system.cells, system.lower, system.upper, np.ones(len(truth), dtype=bool))
    assert ((low <= truth) & (truth <= high)).all()


@QUICK
@given(seeds)
def test_intervals_are_those_of_another_solver(seed):
    _, known = releases(seed)
    system = refine(known, (SUM,))
    wanted = protected_cells(system, ALL)
    low, high = intervals(system.cells, system.lower, system.upper, wanted)
    matrix = system.cells.identities.toarray()
    box = [(a, None if np.isinf(b) else b) for a, b in zip(system.lower, system.upper, strict=True)]
    for cell in np.flatnonzero(wanted)[:6]:
        cost = np.zeros(len(box))
        cost[cell] = 1
        ends = []
        for sign in (1, -1):
            found = linprog(sign * cost, A_eq=matrix, b_eq=np.zeros(len(matrix)), bounds=box)
            ends.append(sign * found.fun if found.status == 0 else sign * -np.inf)
        assert (low[cell] >= np.ceil(ends[0] - 1e-6) and high[cell] <= np.floor(ends[1] + 1e-6)) or np.isinf(high[cell])


@QUICK
@given(seeds)
def test_one_more_release_never_widens_an_interval(seed):
    _, known = releases(seed)
    system = refine(known, (SUM,))
    fewer = refine(known, (SUM,), {2})
    assert (fewer.lower <= system.lower).all() and (fewer.upper >= system.upper).all()
    more = audit_counts(known, (SUM,), ALL, candidate=2)
    assert more.already.narrow <= len(more.exposed)


@QUICK
@given(seeds, st.integers(0, 12))
def test_complete_is_never_said_when_a_wanted_cell_was_not_decided(seed, looks):
    """However often the clock is looked at before it stops the attack: complete, or fewer cells, never a wrong pass."""
    _, known = releases(seed)
    system = refine(known, (SUM,))
    wanted = protected_cells(system, ALL)
    whole = learned(system.cells, system.lower, system.upper, wanted)
    left = iter([False] * looks)
    part = learned(system.cells, system.lower, system.upper, wanted, stop=lambda: next(left, True))
    assert whole.complete
    assert set(part.certain) <= set(whole.certain)
    if part.complete:
        assert set(part.certain) == set(whole.certain)


@QUICK
@given(seeds, st.lists(st.sampled_from(["all", "men", "women"]), min_size=1, unique=True), st.integers(0, 511))
def test_any_choice_of_columns_and_rows_of_a_protected_master_passes_together_with_any_other(seed, columns, rows):
    before = sites(seed % 1000, districts=3, per_district=3, most=14)
    params = {"columns": ["all", "men", "women"], "minimum": 5, "margins": [["district"]]}
    master = STEPS["suppress_counts"](before, **params)
    kept = np.array([bool(rows >> i & 1) for i in range(9)])
    cut = master.with_rows(master.rows[kept]).drop([n for n in ("all", "men", "women") if n not in columns])
    known = [facts_of(before, master, about("whole")), *([facts_of(before, cut, about("cut"))] if kept.any() else [])]
    sums = aggregate_counts(before, ["district", "round"])
    shown = {n: (sums.rows[n] > 0) & (sums.rows[n] < 5) for n in ("all", "men", "women")}
    found = audit_counts(known, (SUM,), ALL)
    assert found.complete
    assert len(found.exposed) == 0
    if not any(column.any() for column in shown.values()):
        with_sums = audit_counts([*known, facts_of(before, sums, about("sums"))], (SUM,), ALL)
        assert len(with_sums.exposed) == 0


@pytest.fixture(scope="module")
def tiers(repo):
    """A survey, its master of two tiers, and what each tier's whole cut is."""
    before = survey(seed=3, records=1_500)
    dictionary = Dictionary(
        component="survey", version="1", title={"en": "Survey"}, unit="person", variables=before.variables
    )
    policies = tuple(read_policy(repo / "policies" / f"{name}.yaml") for name in ("restricted", "public"))
    names = tuple(v.name for v in before.variables if v.name != "round")
    master = Master(because="Two recodings, joined.", tiers=("restricted", "public"), variables=names)

    def cut(tier, columns):
        request = Request.model_construct(
            id="REQ-2026-001", variables=tuple(columns), importance={}, rounds=(1,), component="survey", country="ZZZ"
        )
        brief = Brief(dictionary, policies[tier], request)
        after, _ = apply(compile_cut(before, brief, Served(master, policies[: tier + 1])), before)
        return after

    return before, cut, names


def test_a_coarser_tier_tells_nothing_of_a_key_that_the_finer_does_not_tell(tiers):
    _, cut, names = tiers
    fine, coarse = cut(0, names), cut(1, names)
    for variable in coarse.variables:
        if variable.role == Role.KEY:
            assert variable.level >= fine[variable.name].level
            finer = fine.rows[variable.name].reindex(coarse.rows.index)
            assert not (coarse.rows[variable.name].notna() & finer.isna()).any()
            pairs = pd.DataFrame({"fine": finer.astype("str"), "coarse": coarse.rows[variable.name].astype("str")})
            pairs = pairs[finer.notna().to_numpy() & coarse.rows[variable.name].notna().to_numpy()].drop_duplicates()
            assert pairs["fine"].is_unique


@settings(max_examples=8, deadline=None)
@given(data=st.data())
def test_any_two_cuts_of_a_master_join_to_no_more_than_the_finest_tier(tiers, data):
    """Two choices of columns, of any tiers: joined in the worst case, every record keeps the finest tier's k."""
    before, cut, names = tiers
    keys = [name for name in names if before[name].role == Role.KEY]
    known = []
    for number in range(2):
        tier = data.draw(st.integers(0, 1))
        columns = data.draw(st.lists(st.sampled_from(keys), min_size=1, unique=True))
        known.append(facts_of(before, cut(tier, [*columns, "weight", "reason"]), about(f"R{number}")))
    found = audit_records(known, before, Limits(k=3, missing="wildcard"))
    assert found.violations == 0


def test_cuts_of_two_tiers_pass_the_gate_in_either_order(tiers):
    before, cut, names = tiers
    restricted = facts_of(before, cut(0, names), about("A", "restricted", "A", missing="wildcard"))
    public = facts_of(before, cut(1, names), about("P", k=5))
    for first, second in ((restricted, public), (public, restricted)):
        found = audit_release(second, [first], before, today=date(2026, 11, 22)).document
        assert found["gate"] == "pass", [held["checks"] for held in found["sets"]]
