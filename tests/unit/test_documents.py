"""The documents that the project ships can be read; wrong ones are refused, each fault with its place and no value."""

from datetime import date
from pathlib import Path

import pytest

from sdc.dictionary import Dictionary, Geography, Role, Type, read_dictionary
from sdc.documents import parse_yaml
from sdc.errors import ApprovalError, DictionaryError, PolicyError, RequestError
from sdc.policy import read_policy
from sdc.register.samples import UNDECIDED, write_register
from sdc.request import Approval, read_request

REPO = Path(__file__).resolve().parents[2]
DICTIONARIES = sorted((REPO / "dictionary").glob("*.yaml"))
POLICIES = sorted((REPO / "policies").glob("*.yaml"))
REQUESTS = sorted((REPO / "requests").glob("*.yaml"))
SAMPLED = {"mobility_tracking", "site_assessment", "flow_monitoring_survey", "registration"}


def named(paths):
    return {"argvalues": paths, "ids": [path.stem for path in paths]}


# Dictionaries


def test_all_components_have_a_dictionary():
    assert {path.stem for path in DICTIONARIES} >= SAMPLED | {"mobility_tracking_malawi", "mobility_tracking_iraq"}


@pytest.fixture(params=DICTIONARIES, ids=lambda path: path.stem)
def dictionary(request) -> Dictionary:
    found = read_dictionary(request.param)
    assert found.component == request.param.stem
    return found


def test_each_variable_and_each_code_has_labels_in_both_languages(dictionary):
    labels = {v.name: v.label for v in dictionary.variables}
    labels |= {f"{v.name}/{code}": label for v in dictionary.variables for code, label in v.codes.items()}
    labels["title"] = dictionary.title
    assert [name for name, label in labels.items() if not (label.get("en") and label.get("fr"))] == []


def test_identifiers_are_as_sensitive_as_it_gets_where_they_name_people(dictionary):
    naming = [v for v in dictionary.variables if any(sign in v.name for sign in ("_name", "phone", "deviceid"))]
    people = [v for v in naming if v.geography is None]
    assert {v.role for v in people} <= {Role.IDENTIFIER, Role.KEY}
    assert all(v.sensitivity == "severe" for v in people if v.role == Role.IDENTIFIER)


def test_whatever_places_a_row_more_finely_follows_what_places_it_more_coarsely(dictionary):
    for variable in dictionary.variables:
        coarser = [v for v in dictionary.variables if v.geography and variable.geography]
        coarser = [v for v in coarser if v.geography.depth < variable.geography.depth]
        if not coarser or variable.role == Role.IDENTIFIER:
            continue
        leaders, leader = set(), variable.follows
        while leader is not None:
            leaders.add(leader)
            leader = dictionary.by_name[leader].follows
        reached = {dictionary.by_name[name].geography for name in leaders}
        admin1 = {v.geography for v in coarser if v.geography.depth <= Geography.ADMIN1.depth}
        assert admin1 <= reached, variable.name


def test_free_text_of_another_answer_follows_it(dictionary):
    others = [v for v in dictionary.variables if v.name.endswith("_other")]
    assert all(v.type == Type.TEXT and v.follows == v.name.removesuffix("_other") for v in others)


def test_every_level_can_be_reached_from_every_code(dictionary):
    for variable in dictionary.variables:
        for level in range(1, variable.top + 1):
            codes = variable.codes_at(level)
            finer = variable.codes_at(level - 1)
            assert codes is None or finer is None or 1 < len(codes) < len(finer), f"{variable.name} level {level}"


@pytest.mark.parametrize("component", ["flow_monitoring_survey", "registration"])
def test_records_have_keys_sensitive_variables_and_coarse_levels(component):
    found = read_dictionary(REPO / "dictionary" / f"{component}.yaml")
    assert found.kind == "records"
    keys = [v for v in found.variables if v.role == Role.KEY and v.geography is None]
    assert 6 <= len(keys) <= 9
    assert all(v.hierarchy for v in keys if v.codes_at(0) is None or len(v.codes) > 2)
    assert sum(v.role == Role.SENSITIVE for v in found.variables) >= 5


def refused(tmp_path, text, read, error, name="wrong.yaml"):
    path = tmp_path / name
    path.write_text(text, encoding="utf-8")
    with pytest.raises(error) as refusal:
        read(path)
    assert refusal.value.exit_code in (10, 15)
    return str(refusal.value)


MINIMAL = """
component: small
version: 1.0.0
title: {en: Small}
unit: person
variables:
  - {name: sex, type: code, role: key, codes: {f: {en: Female}, m: {en: Male}}}
"""


def test_codes_that_look_like_truth_values_and_numbers_stay_text(tmp_path):
    path = tmp_path / "small.yaml"
    path.write_text(
        MINIMAL.replace(
            "{f: {en: Female}, m: {en: Male}}", "{yes: {}, no: {}, on: {}, off: {}, 1: {}, 007: {}, 1e3: {}}"
        )
    )
    assert list(read_dictionary(path).by_name["sex"].codes) == ["yes", "no", "on", "off", "1", "007", "1e3"]


def test_dates_stay_text_until_a_model_asks_for_a_date():
    assert parse_yaml("day: 2026-11-22", "x", DictionaryError) == {"day": "2026-11-22"}


WRONG_DICTIONARIES = {
    "broken YAML": ("component: [small", "not readable as YAML"),
    "not entries": ("- a\n- b", "holds no entries"),
    "empty": ("", "holds no entries"),
    "an entry twice": (MINIMAL + "unit: household\n", "an entry stands twice"),
    "a code twice": (MINIMAL.replace("m: {en: Male}", "f: {en: Male}"), "an entry stands twice"),
    "an unknown entry": (MINIMAL + "colour: red\n", "`colour`"),
    "an unknown role": (MINIMAL.replace("role: key", "role: quasi"), "variables.0.role"),
    "no variables": (MINIMAL.split("variables:")[0] + "variables: []\n", "variables"),
    "no code list": (MINIMAL.replace("codes: {f: {en: Female}, m: {en: Male}}", "codes: sexes"), "no list `sexes`"),
    "coded without codes": (MINIMAL.replace(", codes: {f: {en: Female}, m: {en: Male}}", ""), "needs `codes`"),
    "a name twice": (MINIMAL + "  - {name: sex, type: text, role: other}\n", "names both"),
    "an alias that is a name": (MINIMAL + "  - {name: s, aliases: [sex], type: text, role: other}\n", "names both"),
    "following nothing": (MINIMAL + "  - {name: a, type: text, role: other, follows: b}\n", "no variable"),
    "following itself": (
        MINIMAL
        + "  - {name: a, type: text, role: other, follows: b}\n  - {name: b, type: text, role: other, follows: a}\n",
        "follows itself",
    ),
    "a count that is no integer": (MINIMAL + "  - {name: n, type: number, role: count}\n", "a count is an integer"),
    "a weight that is text": (MINIMAL + "  - {name: w, type: text, role: weight}\n", "a weight is a number"),
    "two weights": (
        MINIMAL + "  - {name: w, type: number, role: weight}\n  - {name: v, type: number, role: weight}\n",
        "more than one variable",
    ),
    "a link of no counts": (MINIMAL + "links: [{total: sex, parts: [sex]}]\n", "is no count"),
    "bands that fall": (
        MINIMAL + "  - {name: a, type: integer, role: key, hierarchy: [{name: x, bands: [18, 0]}]}\n",
        "must rise",
    ),
    "bands that are no ends of finer ones": (
        MINIMAL
        + "  - {name: a, type: integer, role: key, hierarchy: [{name: x, bands: [0, 9]}, {name: y, bands: [8]}]}\n",
        "ends of the level below",
    ),
    "a code without a coarser one": (
        MINIMAL.replace("role: key, ", "role: key, hierarchy: [{name: all, map: {f: any}}], "),
        "1 codes of the level below have no coarser code",
    ),
    "a level of two kinds": (
        MINIMAL.replace("role: key, ", "role: key, hierarchy: [{name: all, date: year, map: {f: any, m: any}}], "),
        "exactly one of",
    ),
}


@pytest.mark.parametrize("case", WRONG_DICTIONARIES)
def test_wrong_dictionaries_are_refused(case, tmp_path):
    text, told = WRONG_DICTIONARIES[case]
    message = refused(tmp_path, text, read_dictionary, DictionaryError)
    assert told in message
    assert "wrong.yaml" in message


def test_all_faults_of_a_document_are_told_at_once(tmp_path):
    text = MINIMAL.replace("role: key", "role: quasi").replace("unit: person", "colour: red")
    path = tmp_path / "wrong.yaml"
    path.write_text(text)
    with pytest.raises(DictionaryError) as refusal:
        read_dictionary(path)
    places = {fault.where.rsplit(", ", 1)[1] for fault in refusal.value.faults}
    assert places >= {"`unit`", "`colour`", "`variables.0.role`"}


def test_a_missing_file_and_bytes_that_are_no_text_are_refused(tmp_path):
    with pytest.raises(DictionaryError, match="no such file"):
        read_dictionary(tmp_path / "absent.yaml")
    (tmp_path / "wrong.yaml").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(DictionaryError, match="UTF-8"):
        read_dictionary(tmp_path / "wrong.yaml")


# Policies


def test_the_three_policies_hold_the_numbers_of_the_design():
    public, restricted, internal = (
        read_policy(REPO / "policies" / f"{n}.yaml") for n in ("public", "restricted", "internal")
    )
    assert (public.k.value, restricted.k.value) == (5, 3)
    assert (public.minimum_count.value, restricted.minimum_count.value) == (10, 5)
    assert (public.rounding_base.value, restricted.rounding_base.value) == (5, 1)
    assert (public.max_global_risk.value, restricted.max_global_risk.value, restricted.max_global_risk.warn_at) == (
        0.03,
        0.05,
        0.03,
    )
    assert (public.lowest_geography_records.value, restricted.lowest_geography_records.value) == ("admin1", "admin3")
    assert (public.lowest_geography_counts.value, restricted.lowest_geography_counts.value) == ("admin2", "site")
    assert (public.coordinate_decimals.value, restricted.coordinate_decimals.value) == (None, 2)
    assert (public.ell.breach, restricted.ell.breach, internal.k.breach) == ("stop", "warn", "report")
    for policy in (public, restricted, internal):
        assert policy.for_component("registration").k.value == policy.k.value
        assert "Displacement Tracking Matrix (DTM)" in policy.terms.credit


@pytest.mark.parametrize("path", **named(POLICIES))
def test_each_number_has_its_own_reason(path):
    policy = read_policy(path)
    assert policy.policy == policy.tier == path.stem
    assert policy.max_individual_risk.value >= 1 / policy.k.value or policy.k.breach != "stop"
    assert all(len(rule.because.split()) > 3 for _, rule in policy.rules())


WRONG_POLICIES = {
    "another name inside": (("policy: public", "policy: open"), "is named `open`"),
    "a number without a reason": (("because: >-", "why: >-"), "because"),
    "a share above one": (("max_suppressed_values:\n  value: 0.05", "max_suppressed_values:\n  value: 5"), "`max_supp"),
    "k of nothing": (("k:\n  value: 5", "k:\n  value: 0"), "`k`"),
    "k that is no number": (("k:\n  value: 5", "k:\n  value: five"), "k.value"),
    "an unknown rule for a component": (("components: {}", "components: {a: {ka: {value: 1}}}"), "`ka` is no rule"),
    "a base below the least count": (
        ("count_method:\n  value: suppress", "count_method:\n  value: random"),
        "must be 10",
    ),
    "bands that fall": (
        ("count_bands:\n  value: [10, 20,", "count_bands:\n  value: [20, 10,"),
        "`count_bands` must rise",
    ),
    "an unknown place": (("value: admin1", "value: village"), "lowest_geography_records"),
}


@pytest.mark.parametrize("case", WRONG_POLICIES)
def test_wrong_policies_are_refused(case, tmp_path):
    (old, new), told = WRONG_POLICIES[case]
    text = (REPO / "policies" / "public.yaml").read_text(encoding="utf-8")
    assert old in text
    message = refused(tmp_path, text.replace(old, new), read_policy, PolicyError, "public.yaml")
    assert told in message


# Requests


@pytest.mark.parametrize("path", **named(REQUESTS))
def test_requests_ask_for_what_exists(path):
    request = read_request(path)
    found = read_dictionary(REPO / "dictionary" / f"{request.component}.yaml")
    assert (REPO / "policies" / f"{request.policy}.yaml").is_file()
    asked = found.by_name if request.variables == "all" else request.variables
    assert set(asked) <= found.by_name.keys()
    assert set(request.importance) <= set(asked)
    assert (request.agreement is not None) == (request.policy == "restricted" and request.id not in UNDECIDED)
    assert date(2027, 1, 1) <= request.expires <= date(2028, 12, 31)


def test_params_wire_all_approved_requests_and_no_other(tmp_path):
    content = parse_yaml((REPO / "params.yaml").read_text(encoding="utf-8"), "params.yaml", RequestError)
    requests = {path.stem: read_request(path) for path in REQUESTS}
    policies = {path.stem: read_policy(path) for path in (REPO / "policies").glob("*.yaml")}
    with write_register(str(tmp_path / "register.sqlite"), requests.values(), policies) as register:
        granted = {name for name in requests if register.grant(name)}
    wired = {name: (entry["component"], entry["policy"]) for name, entry in content["requests"].items()}
    approved = {n: (r.component, r.policy) for n, r in requests.items() if n in granted}
    assert wired == approved
    assert len(requests) > len(approved)
    assert {component for component, _ in approved.values()} == SAMPLED
    rounds = {(entry["component"], entry["round"]) for entry in content["extracts"].values()}
    assert {(r.component, n) for r in requests.values() for n in r.rounds} == rounds


def test_nothing_is_built_without_approval_or_after_expiry():
    order = read_request(REQUESTS[0])
    with pytest.raises(ApprovalError, match="not approved"):
        order.require_approval(date(2026, 11, 22))
    approved = order.model_copy(update={"approval": Approval(by="ACT-0012", on=date(2026, 11, 10))})
    approved.require_approval(date(2026, 11, 22))
    with pytest.raises(ApprovalError, match="expired"):
        approved.require_approval(date(2031, 1, 1))


WRONG_REQUESTS = {
    "another id inside": (("id: REQ-2026-001", "id: REQ-2026-009"), "holds the request"),
    "no id of ours": (("id: REQ-2026-001", "id: 1"), "`id`"),
    "an approval in the file": (
        ("expires: 2027", "approval: {by: ACT-0012, on: 2026-11-10}\nexpires: 2027"),
        "stands in the register only",
    ),
    "no purpose": (('purpose: "', 'goal: "'), "purpose"),
    "no rounds": (("rounds: [1, 2]", "rounds: []"), "rounds"),
    "a day that is none": (("expires: 2027-12-31", "expires: 2027-13-31"), "expires"),
    "a country that is none": (("country: ZZZ", "country: Zed"), "country"),
}


@pytest.mark.parametrize("case", WRONG_REQUESTS)
def test_wrong_requests_are_refused(case, tmp_path):
    (old, new), told = WRONG_REQUESTS[case]
    text = (REPO / "requests" / "REQ-2026-001.yaml").read_text(encoding="utf-8")
    assert old in text
    message = refused(tmp_path, text.replace(old, new), read_request, RequestError, "REQ-2026-001.yaml")
    assert told in message
