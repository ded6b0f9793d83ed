"""A policy that promises less than it did when it was granted: found rule by rule, and refused."""

from datetime import date
from pathlib import Path

import pytest

from register_cases import APPROVER, ID, bring, go, office, order
from sdc.errors import ApprovalError
from sdc.policy import Policy, policy_numbers, read_policy, weaker_rules
from sdc.register.obey import require_granted

TODAY = date(2026, 11, 22)


@pytest.fixture
def policy(repo: Path) -> Policy:
    return read_policy(repo / "policies" / "public.yaml")


def changed(policy: Policy, name: str, **entries) -> Policy:
    rule = getattr(policy, name)
    return policy.model_copy(update={name: rule.model_copy(update=entries)})


@pytest.mark.parametrize(
    ("name", "weaker", "stricter"),
    [
        ("k", 2, 20),
        ("ell", 1, 3),
        ("minimum_count", 3, 20),
        ("minimum_households", 3, 20),
        ("rounding_base", 2, 10),
        ("max_global_risk", 0.5, 0.001),
        ("max_individual_risk", 1.0, 0.01),
        ("max_linked", 1.0, 0.0),
        ("lowest_geography_records", "admin3", "admin0"),
        ("lowest_geography_counts", "site", "admin1"),
        ("highest_sensitivity", "severe", "low"),
        ("own_count", "unknown", "known"),
        ("last_round", "unknown", "known"),
    ],
)
def test_a_number_that_goes_the_weaker_way_is_named(policy, name, weaker, stricter):
    granted, kind = policy_numbers(policy), type(getattr(policy, name).value)
    assert weaker_rules(policy_numbers(changed(policy, name, value=kind(weaker))), granted) == [name]
    assert weaker_rules(policy_numbers(changed(policy, name, value=kind(stricter))), granted) == []


def test_each_rule_that_stops_must_go_on_stopping(policy):
    granted = policy_numbers(policy)
    for name, rule in policy.rules():
        if rule.breach == "stop" and not name.startswith(("engine", "max_suppressed_")):
            for breach in ("warn", "report"):
                assert weaker_rules(policy_numbers(changed(policy, name, breach=breach)), granted) == [name]


def test_rules_without_an_order_may_not_change_at_all(policy):
    granted = policy_numbers(policy)
    for name, other in (
        ("free_text", "keep"),
        ("household_links", "keep"),
        ("count_method", "none"),
        ("missing", "wildcard"),
    ):
        assert weaker_rules(policy_numbers(changed(policy, name, value=other)), granted) == [name]


def test_words_and_costs_may_change(policy):
    granted = policy_numbers(policy)
    assert weaker_rules(policy_numbers(changed(policy, "k", because="Another reason, well put.")), granted) == []
    assert weaker_rules(policy_numbers(changed(policy, "max_suppressed_values", value=0.9)), granted) == []
    assert weaker_rules({k: v for k, v in granted.items() if k != "k"}, granted) == ["k"]
    assert weaker_rules(granted, {k: v for k, v in granted.items() if k != "k"}) == ["k"]


def test_the_pipeline_refuses_a_policy_that_was_weakened_after_the_approval(policy, tmp_path):
    with office(f"{tmp_path}/register.sqlite") as register:
        bring(register, "approved")
        grant = register.grant(ID)
        require_granted(order(), policy, grant, "approved", TODAY)
        require_granted(order(), changed(policy, "k", value=11), grant, "approved", TODAY)
        weak = changed(changed(policy, "k", value=1), "minimum_count", breach="report")
        with pytest.raises(ApprovalError, match=r"promises less than when it was granted: `k`, `minimum_count`"):
            require_granted(order(), weak, grant, "approved", TODAY)
        go(register, "approve", APPROVER)  # of the policy as it stands in the folder
        with pytest.raises(ApprovalError):
            require_granted(order(), weak, register.grant(ID), "approved", TODAY)
        assert grant is not None
        assert grant.policy_numbers == policy_numbers(policy.for_component("mobility_tracking"))


def test_an_override_of_the_component_counts(policy, tmp_path):
    loose = {"mobility_tracking": {"minimum_count": {"value": 1, "because": "Nobody would look here."}}}
    with office(f"{tmp_path}/register.sqlite") as register:
        bring(register, "approved")
        with pytest.raises(ApprovalError, match="`minimum_count`"):
            weakened = policy.model_copy(update={"components": loose})
            require_granted(order(), weakened, register.grant(ID), "approved", TODAY)
