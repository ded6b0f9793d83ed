"""A second form into a dictionary: what is new is added, what was there stays, and the words say what changed."""

import pytest
from form_cases import CHOICES, SURVEY, form

from sdc.dictionary import Confidence, Role, Type
from sdc.errors import DictionaryError
from sdc.forms import confirm, differences, draft, merge, read_form


def drafted(survey=SURVEY, choices=CHOICES):
    return draft(form(survey, choices), "synthetic", scope="loc")


@pytest.fixture(scope="module")
def old():
    return confirm(drafted(), ["*"])[0]


def test_a_new_question_comes_with_its_version_and_waits(old):
    new = drafted(SURVEY + "integer | m0999_loc_num_new_ind | New | | | | | | |\n")
    merged, kept = merge(old, new)
    added = merged.by_name["m0999_loc_num_new_ind"]
    assert (added.since, added.confirmed, merged.version) == ("1.1.0", False, "1.1.0")
    assert merged.variables[:-1] == old.variables
    assert not kept


def test_new_codes_go_to_the_end_of_the_list_with_their_version(old):
    choices = CHOICES.replace("needs | food", "needs | cash | Cash | | Argent\nneeds | food")
    merged, _ = merge(old, drafted(choices=choices))
    assert list(merged.by_name["ranked"].codes) == ["food", "water", "cash"]
    assert merged.by_name["ranked"].codes_since == {"cash": "1.1.0"}
    assert merged.by_name["ranked"].confirmed


def test_labels_in_further_languages_are_added_and_others_kept(old):
    survey = SURVEY.replace("label::French", "label::Spanish (es)").replace("Needs", "What is needed")
    merged, kept = merge(old, drafted(survey))
    assert merged.by_name["needs"].label == {"en": "Needs", "ar": "الاحتياجات", "fr": "Besoins", "es": "Besoins"}
    assert "`needs`: another label in `en`" in kept


def test_contradictions_are_refused_all_at_once(old):
    survey = SURVEY.replace("text | remarks", "integer | remarks")
    choices = CHOICES.replace("sex | f | Female", "sex | f | Woman")
    with pytest.raises(DictionaryError) as refused:
        merge(old, drafted(survey, choices))
    told = str(refused.value)
    assert "is `text`, the form asks for `integer`" in told and "the code `f` has another label in `en`" in told


def test_contradictions_can_be_noted_once(old):
    new = drafted(SURVEY.replace("text | remarks", "integer | remarks"))
    merged, kept = merge(old, new, conflicts="note")
    assert merged.by_name["remarks"].type == Type.TEXT
    assert merged.by_name["remarks"].notes == ("is `text`, the form asks for `integer`",)
    assert kept == ("`remarks`: is `text`, the form asks for `integer`",)
    assert merge(merged, new, conflicts="note")[0] == merged


def test_a_code_without_a_coarser_one_is_a_contradiction(old):
    text = {"name": "reason", "map": {"conflict": "violence", "other": "other"}}
    fields = old.by_name["reason"].model_dump(exclude_defaults=True) | {"hierarchy": (text,)}
    closed = old.model_copy(
        update={"variables": tuple(type(v).model_validate(fields) if v.name == "reason" else v for v in old.variables)}
    )
    closed = type(old).model_validate(closed.model_dump())
    with pytest.raises(DictionaryError, match="no coarser code"):
        merge(closed, drafted(choices=CHOICES + "reason | flood | Flood | |\n"))


def test_what_is_no_longer_asked_ends_only_on_request(old):
    new = drafted("\n".join(line for line in SURVEY.splitlines() if "share" not in line))
    assert merge(old, new)[0] == old
    merged, _ = merge(old, new, retire=True)
    assert merged.by_name["share"].until == "1.0.0"
    assert [v.name for v in merged.variables if v.until] == ["share"]


def test_a_question_known_by_an_alias_is_the_same_question(old):
    aliased = type(old).model_validate(
        old.model_dump()
        | {
            "variables": [
                v.model_dump() | ({"aliases": ("hh_share",)} if v.name == "share" else {}) for v in old.variables
            ]
        }
    )
    merged, _ = merge(aliased, drafted(SURVEY.replace("decimal | share", "decimal | hh_share")))
    assert merged == aliased


def test_a_list_of_the_same_name_with_other_codes_gets_a_name_of_its_own(old):
    survey = SURVEY + "select_one reason | why | Why | | | | | | |\n"
    choices = CHOICES.replace("reason | conflict | Conflict", "reason | 1 | One").replace(
        "reason | other", "reason | 2"
    )
    new = drafted(
        survey.replace("select_one reason | reason", "text | unrelated").replace("${reason}", "${unrelated}"), choices
    )
    merged, _ = merge(old, new)
    assert list(merged.by_name["reason"].codes) == ["conflict", "other"]
    assert list(merged.by_name["why"].codes) == ["1", "2"]
    assert merged.by_name["why"].list_name == "reason_2"


def test_a_second_household_or_weight_is_only_proposed_as_something_else():
    survey = "type | name\ninteger | hh_id\ninteger | age\n"
    first = draft(form(survey), "people", scope="hh", envelope="none")
    assert first.by_name["hh_id"].role == Role.HOUSEHOLD
    merged, _ = merge(
        first, draft(form("type | name\ninteger | household_number\n"), "people", scope="hh", envelope="none")
    )
    assert merged.by_name["household_number"].role == Role.IDENTIFIER
    assert "has a household already" in merged.by_name["household_number"].proposed.because


def test_the_words_say_what_a_change_means_for_releases(old):
    new = drafted(
        SURVEY + "integer | m0999_loc_num_new_ind | New | | | | | | |\n", CHOICES + "reason | flood | Flood | |\n"
    )
    merged, _ = merge(old, new, retire=True)
    told = {(change.kind, change.name): change for change in differences(old, merged)}
    assert "minimum count" in told["added", "m0999_loc_num_new_ind"].means
    assert told["codes_added", "list reason"].what == "1 code more: `flood`"
    assert set(told) == {("added", "m0999_loc_num_new_ind"), ("codes_added", "list reason")}


def test_the_words_name_each_kind_of_change(old):
    first = old.by_name["reason"]
    fields = first.model_dump() | {
        "role": "sensitive", "until": "1.0.0", "replaced_by": "needs", "sensitivity": "high",
        "label": {"en": "Why", "es": "Por qué"},
    }  # fmt: skip
    variables = [v.model_dump() if v.name != "reason" else fields for v in old.variables if v.name != "remarks"]
    new = type(old).model_validate(old.model_dump() | {"variables": variables, "unit": "site"})
    kinds = {(change.kind, change.name) for change in differences(old, new)}
    reason = {"retired", "replaced", "role", "labels", "labels_added", "sensitivity"}
    assert kinds == {(kind, "reason") for kind in reason} | {("removed", "remarks"), ("unit", "synthetic")}
    assert differences(old, old) == ()


def test_confirming_takes_names_patterns_and_a_least_confidence():
    waiting = drafted()
    some, names = confirm(waiting, ["ki_*"])
    assert set(names) == {"ki_name", "ki_phone", "ki_sex"} and len(some.unconfirmed) == len(waiting.unconfirmed) - 3
    sure, _ = confirm(waiting, ["*"], confidence=Confidence.HIGH)
    assert {v.proposed.confidence for v in sure.unconfirmed} == {Confidence.MEDIUM, Confidence.LOW}
    assert sure.by_name["photo"].proposed is None


def test_confirming_refuses_what_cannot_be(old):
    waiting = drafted()
    with pytest.raises(DictionaryError, match="is no variable"):
        confirm(waiting, ["absent"])
    with pytest.raises(DictionaryError, match="confirmed already"):
        confirm(old, ["age"])
    with pytest.raises(DictionaryError, match="a count is an integer"):
        confirm(waiting, ["remarks"], role=Role.COUNT)
    changed, _ = confirm(waiting, ["unlisted"], type=Type.INTEGER, role=Role.COUNT)
    assert changed.by_name["unlisted"].type == Type.INTEGER and not changed.by_name["unlisted"].open_codes


@pytest.mark.shared
def test_real_forms_merged_lose_nothing(shared):
    kobo = shared / "data" / "kobo"
    first = draft(read_form(kobo / "reach_2024_msna_kobo_tool_v11.xlsx"), "both")
    second = draft(read_form(kobo / "koboloadeR_form.xls"), "both")
    merged, _ = merge(first, second, conflicts="note")
    names = {name for v in merged.variables for name in (v.name, *v.aliases)}
    assert {v.name for v in first.variables} | {v.name for v in second.variables} <= names
    for old_one, new_one in zip(first.variables, merged.variables, strict=False):
        assert (
            set(old_one.codes) <= set(new_one.codes) and old_one.role == new_one.role and old_one.type == new_one.type
        )
    assert merge(merged, second, conflicts="note")[0] == merged
