"""The search for levels against every combination of levels there is."""

import itertools
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from sdc.dictionary import Role, Type, Variable
from sdc.policy import Policy, read_policy
from sdc.risk.summary import assess_risk
from sdc.search import _Trial, lowest_levels
from sdc.steps.suppression import suppress_locally
from sdc.table import Table

AGES = ({"name": "five years", "bands": tuple(range(0, 90, 5))}, {"name": "groups", "bands": (0, 20, 60)})
REGIONS = {f"R{i}": {} for i in range(12)}
TRADES = {f"T{i}": {} for i in range(6)}


def _people(seed: int, records: int = 400) -> Table:
    """Records with an age, a region and a trade, each with a hierarchy, skewed as real answers are."""
    draw = np.random.default_rng(seed)
    region = draw.choice(len(REGIONS), records, p=np.arange(12, 0, -1) / 78)
    trade = draw.choice(len(TRADES), records, p=[0.5, 0.2, 0.15, 0.1, 0.04, 0.01])
    rows = pd.DataFrame(
        {
            "age": pd.array(draw.gamma(3, 12, records).astype(int).clip(0, 89), dtype="Int64"),
            "region": pd.Categorical.from_codes(region, list(REGIONS)),
            "trade": pd.Categorical.from_codes(trade, list(TRADES)),
        }
    )
    halves = {code: f"H{i % 3}" for i, code in enumerate(REGIONS)}
    kinds = {code: "many" if code in ("T0", "T1") else "few" for code in TRADES}
    variables = (
        Variable(name="age", type=Type.INTEGER, role=Role.KEY, hierarchy=AGES),
        Variable(
            name="region", type=Type.CODE, role=Role.KEY, codes=REGIONS, hierarchy=({"name": "part", "map": halves},)
        ),
        Variable(
            name="trade", type=Type.CODE, role=Role.KEY, codes=TRADES, hierarchy=({"name": "kind", "map": kinds},)
        ),
    )
    return Table(rows, variables, ())


@pytest.fixture
def policy(repo: Path) -> Policy:
    """The public policy; without sensitive variables, weights and households only k and the budgets bind."""
    return read_policy(repo / "policies" / "public.yaml")


def _with_k(policy: Policy, k: int) -> Policy:
    return policy.model_copy(update={"k": policy.k.model_copy(update={"value": k})})


@pytest.mark.parametrize("k", [2, 5, 10])
@pytest.mark.parametrize("seed", [1, 2, 3])
def test_no_combination_of_levels_that_keeps_the_budget_costs_less(policy, seed, k):
    table = _people(seed)
    trial = _Trial(table, table, _with_k(policy, k), {}, table.keys())
    lattice = itertools.product(*(range(trial.top(key) + 1) for key in trial.keys))
    best = min(trial.loss(levels) for levels in lattice if trial.excess(levels) == 0)
    found = lowest_levels(table, table, _with_k(policy, k), {})
    assert trial.loss(tuple(found.get(key, 0) for key in trial.keys)) == pytest.approx(best)


def test_the_order_of_records_decides_nothing(policy):
    table = _people(4)
    shuffled = table.with_rows(table.rows.sample(frac=1, random_state=np.random.RandomState(0)))
    assert lowest_levels(table, table, policy, {}) == lowest_levels(shuffled, shuffled, policy, {})


def test_what_the_requester_values_is_kept_finest(policy):
    table = _people(5)
    keys = table.keys()
    for key in keys:
        levels = lowest_levels(table, table, _with_k(policy, 10), {key: 50.0})
        others = lowest_levels(table, table, _with_k(policy, 10), {other: 50.0 for other in keys if other != key})
        assert levels.get(key, 0) <= others.get(key, 0)


def test_the_search_stays_a_little_below_a_limit_of_risk(policy):
    """Who of several equal records loses a value is known in the end only, and moves the risk of households a bit."""
    table = _people(1)
    home = Variable(name="home", type=Type.INTEGER, role=Role.HOUSEHOLD)
    rows = table.rows.assign(home=pd.array(np.arange(len(table)) // 3, dtype="Int64"))
    collected = Table(rows, (*table.variables, home), ())

    def excess(limit: float) -> float:
        rule = policy.max_household_risk.model_copy(update={"value": limit})
        other = policy.max_global_risk.model_copy(update={"value": 0.9})
        found = policy.model_copy(update={"max_household_risk": rule, "max_global_risk": other})
        return _Trial(table, collected, found, {}, table.keys()).excess((2, 1, 1))

    hidden = _Trial(table, collected, policy, {}, table.keys()).recoded((2, 1, 1))
    keys = table.keys()
    hidden = suppress_locally(hidden, keys, policy.k.value, missing=policy.missing.value)
    risk = assess_risk(hidden.rows.assign(home=rows["home"]), keys, household="home", missing=policy.missing.value)
    exact = risk["global_household_risk"]
    assert excess(exact / 0.98) == 0 < excess(exact / 0.995)
