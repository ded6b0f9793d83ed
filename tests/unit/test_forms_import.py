"""A form becomes a dictionary: types, codes, texts, ranges, groups, repeats, and roles that wait."""

from collections import Counter

import pytest
from form_cases import CHOICES, SETTINGS, SURVEY, book, form, rows

from sdc.dictionary import Confidence, Geography, Role, Type
from sdc.errors import DictionaryError
from sdc.forms import draft, draft_from_names, read_form
from sdc.forms.languages import language_code, language_header
from sdc.forms.naming import choice_of_name, dtm_name
from sdc.forms.proposals import propose
from sdc.forms.xlsform import parse_form
from sdc.ingest.columns import map_columns
from sdc.ingest.peek import peek


@pytest.fixture(scope="module")
def drafted():
    return draft(form(), "synthetic", scope="loc")


@pytest.mark.parametrize(
    ("name", "type"),
    [
        ("start", Type.DATE), ("today", Type.DATE), ("deviceid", Type.TEXT), ("m0310_loc_num_idp_ind", Type.INTEGER),
        ("share", Type.NUMBER), ("needs", Type.CODES), ("ranked", Type.CODES), ("site", Type.CODE),
        ("reason", Type.CODE), ("remarks", Type.TEXT), ("thanks", Type.TEXT), ("total", Type.NUMBER),
        ("idps_again", Type.INTEGER), ("_m1650_loc_gps_coords_latitude", Type.NUMBER),
    ],
)  # fmt: skip
def test_a_question_has_the_type_that_its_cells_have(drafted, name, type):
    assert drafted.by_name[name].type == type


def test_nothing_of_a_form_is_confirmed_and_everything_says_why(drafted):
    assert drafted.unconfirmed == drafted.variables
    assert all(v.proposed and v.proposed.role == v.role and v.proposed.because for v in drafted.variables)


@pytest.mark.parametrize(
    ("name", "role", "word"),
    [
        ("deviceid", Role.IDENTIFIER, "device"), ("audit", Role.IDENTIFIER, "log"),
        ("ki_name", Role.IDENTIFIER, "name"), ("ki_phone", Role.IDENTIFIER, "phone"),
        ("case_ref", Role.IDENTIFIER, "anonymise"), ("ki_sex", Role.KEY, "anonymise"),
        ("needs_other", Role.OTHER, "free"),
        ("m0310_loc_num_idp_ind", Role.COUNT, "num"), ("full_name", Role.IDENTIFIER, "name"), ("age", Role.KEY, "age"),
        ("photo", Role.IDENTIFIER, "picture"), ("remarks", Role.OTHER, "free text"), ("thanks", Role.OTHER, "nobody"),
        ("m0303_meta_adm1_pcode", Role.KEY, "adm1"), ("_uuid", Role.IDENTIFIER, "submission"),
    ],
)  # fmt: skip
def test_a_role_is_proposed_with_its_reason(drafted, name, role, word):
    variable = drafted.by_name[name]
    assert variable.role == role
    assert word in variable.proposed.because


def test_labels_of_all_languages_are_kept(drafted):
    assert drafted.by_name["needs"].label == {"en": "Needs", "ar": "الاحتياجات", "fr": "Besoins"}
    assert drafted.by_name["sex"].codes["f"] == {"en": "Female", "ar": "أنثى", "fr": "Femme"}
    assert drafted.groups[0].label["fr"] == "Le lieu"


def test_ranges_come_from_plain_constraints_only(drafted):
    bounds = {name: (drafted.by_name[name].min, drafted.by_name[name].max) for name in drafted.by_name}
    assert bounds["m0310_loc_num_idp_ind"] == (1, 28000)
    assert bounds["share"] == (0, 1)
    assert bounds["distance"] == (None, None)
    assert drafted.by_name["distance"].constraint == ". >= 0 or . = -99"
    assert bounds["ki_phone"] == (None, None)


def test_required_holds_for_questions_that_everybody_is_asked(drafted):
    required = {v.name for v in drafted.variables if v.required}
    assert {"m0303_meta_adm1_pcode", "ki_name", "m0310_loc_num_idp_ind"} <= required
    assert not required & {"reason", "thanks", "full_name", "age"}
    assert drafted.by_name["reason"].form.required == "yes"


def test_scope_comes_from_the_name_then_the_repeat(drafted):
    scopes = {name: drafted.by_name[name].scope for name in drafted.by_name}
    assert scopes["m0303_meta_adm1_pcode"] == "meta"
    assert scopes["age"] == "ind"
    assert scopes["needs"] == "loc"
    assert drafted.by_name["age"].form.repeat == "roster"


def test_columns_that_an_export_derives_have_entries_and_follow(drafted):
    follows = {name: drafted.by_name[name].follows for name in drafted.by_name}
    assert follows["_m1650_loc_gps_coords_longitude"] == "m1650_loc_gps_coords"
    assert follows["needs_other"] == "needs"
    assert follows["reason_other"] == "reason"
    assert follows["idps_again"] == "m0310_loc_num_idp_ind"
    assert follows["total"] is None
    assert follows["m0304_meta_adm2_pcode"] == "m0303_meta_adm1_pcode"
    assert follows["m0304_meta_adm2_name"] == "m0304_meta_adm2_pcode"


def test_or_other_adds_the_code_to_a_list_of_its_own(drafted):
    assert "other" in drafted.by_name["needs"].codes
    assert "other" not in drafted.by_name["ranked"].codes


def test_a_list_that_the_form_lacks_is_open(drafted):
    assert drafted.by_name["unlisted"].open_codes
    assert drafted.by_name["site"].open_codes and drafted.by_name["site"].form.file == "sites.csv"


def test_one_repeat_can_be_taken_alone():
    survey = (
        SURVEY
        + "begin_repeat | crossings | | | | | | | |\ninteger | points | | | | | | | |\nend_repeat | | | | | | | | |\n"
    )
    names = {v.name for v in draft(form(survey), "synthetic", repeats=["roster"]).variables}
    assert "age" in names and "points" not in names
    with pytest.raises(DictionaryError, match="no repeat `absent`"):
        draft(form(survey), "synthetic", repeats=["absent"])


def test_names_that_two_groups_share_stay_apart():
    survey = """
    type | name
    begin_group | a
    text | remark
    end_group |
    begin_group | b
    text | remark
    end_group |
    """
    names = [v.name for v in draft(form(survey), "synthetic", envelope="none").variables]
    assert names == ["remark", "b/remark"]


def test_headers_with_blanks_and_misspelt_ones_are_read_and_told():
    survey = (
        "type | name | lable::English | relevent | label::Français\ninteger | n | How many? | ${a} = 1 | Combien ?\n"
    )
    choices = "list name | name | label\nsex | f | Female\n"
    read = form(survey, choices)
    assert read.rows[0].label == {"en": "How many?", "fr": "Combien ?"}
    assert read.rows[0].cells["relevant"] == "${a} = 1"
    assert read.lists == {"sex": {"f": {"en": "Female"}}}
    assert any("`relevent` was read as `relevant`" in finding for finding in read.findings)


def test_a_workbook_with_blanks_in_sheet_names_and_a_very_wide_choices_sheet(tmp_path):
    sheets = {"survey ": rows(SURVEY), " Choices": rows(CHOICES), "settings": SETTINGS}
    path = book(tmp_path / "form.xlsx", sheets, wide=16_384)
    assert draft(read_form(path), "synthetic") == draft(form(), "synthetic")


@pytest.mark.parametrize("kind", ["deviceid", "uri:deviceid", "device id", "imei"])
def test_older_words_for_a_question_are_understood(kind):
    assert form(f"type | name | label\n{kind} | d | D").rows[0].type == "deviceid"


def test_disabled_questions_and_rows_without_a_type_are_left_out():
    read = form("type | name | disabled\ntext | a |\ntext | b | yes\n | c |\n# note | d |\n")
    assert [row.name for row in read.rows] == ["a"]
    assert len(read.findings) == 2


@pytest.mark.parametrize(
    ("survey", "what"),
    [
        ("type | name\nfoo | x", "no type of question"),
        ("type | name\ntext | ", "without a name"),
        ("type | name\ntext | a\nend_group |", "nothing began"),
        ("type | name\nbegin_group | g\ntext | a", "never end"),
        ("type | name\ntext | a\u202eb", "invisible"),
        ("question | answer\na | b", "no columns `type` and `name`"),
        ("type | name\n", "asks nothing"),
    ],
)
def test_a_form_that_cannot_be_read_is_refused(survey, what):
    with pytest.raises(DictionaryError, match=what):
        form(survey)


def test_a_workbook_without_a_survey_is_no_form():
    with pytest.raises(DictionaryError, match="has no sheet `survey`"):
        parse_form({"data": [["a"]], "more": [["b"]]}, "x.xlsx")


@pytest.mark.parametrize(
    ("name", "id", "scope", "part_of", "part"),
    [
        ("m0310_loc_num_idp_ind", "m0310", "loc", None, None),
        ("m0302_meta_adm0_pcode", "m0302", "meta", None, None),
        ("_m1650_loc_gps_coords_latitude", "m1650", "loc", "m1650_loc_gps_coords", "latitude"),
        ("s2878_loc_top_3_priority_need_idp_other", "s2878", "loc", "s2878_loc_top_3_priority_need_idp", "other"),
    ],
)
def test_names_of_the_central_dictionary_are_taken_apart(name, id, scope, part_of, part):
    told = dtm_name(name)
    assert (told.id, told.scope, told.part_of, told.part) == (id, scope, part_of, part)


def test_other_names_are_not_of_the_central_dictionary():
    assert dtm_name("response_id") is None
    assert choice_of_name("s2878_loc_top_3_priority_need_idp/food") == ("s2878_loc_top_3_priority_need_idp", "food")
    assert choice_of_name("group/question") is None


@pytest.mark.parametrize(
    ("written", "code"),
    [
        ("English (en)", "en"),
        ("french", "fr"),
        ("العربية", "ar"),
        ("Español", "es"),
        ("Somali (so)", "so"),
        ("Xx", "xx"),
    ],
)
def test_languages_are_known_by_name_or_code(written, code):
    assert language_code(written) == code
    assert language_code(language_header(code)) == code


@pytest.mark.parametrize(
    ("name", "labels", "role"),
    [
        ("q7", ["Numéro de téléphone"], Role.IDENTIFIER), ("q8", ["اسم رب الأسرة"], Role.IDENTIFIER),
        ("q9", ["الجنس"], Role.OTHER), ("nom_enqueteur", [], Role.IDENTIFIER), ("site_name", [], Role.KEY),
        ("organization_name", [], Role.OTHER), ("clan", [], Role.SENSITIVE),
    ],
)  # fmt: skip
def test_words_of_several_languages_tell_what_a_text_is(name, labels, role):
    assert propose(name, type=Type.TEXT, scope="hh", labels=labels).role == role


def test_a_question_whether_somebody_has_a_phone_is_no_phone_number():
    assert propose("has_phone", type=Type.CODE, scope="hh").role != Role.IDENTIFIER


def test_an_unsure_word_of_a_label_weighs_less_than_one_of_the_name():
    by_name = propose("age", type=Type.INTEGER, scope="ind")
    by_label = propose("q1", type=Type.INTEGER, scope="ind", labels=["Age of the person"])
    assert (by_name.confidence, by_label.confidence) == (Confidence.HIGH, Confidence.LOW)
    assert by_name.role == by_label.role == Role.KEY


def test_a_dictionary_is_drafted_from_names_of_the_scheme_alone():
    names = [
        "m0304_meta_adm2_pcode", "m0310_loc_num_idp_ind", "s2878_loc_needs_idp", "s2878_loc_needs_idp/food",
        "s2878_loc_needs_idp/water", "s2878_loc_needs_idp_other", "m1471_meta_enum_phone", "_m1650_loc_gps_latitude",
    ]  # fmt: skip
    found = draft_from_names(names, "b2")
    assert found.unconfirmed == found.variables
    assert found.by_name["s2878_loc_needs_idp"].codes == {"food": {}, "water": {}}
    assert found.by_name["s2878_loc_needs_idp_other"].follows == "s2878_loc_needs_idp"
    assert found.by_name["m0310_loc_num_idp_ind"].role == Role.COUNT
    assert found.by_name["m1471_meta_enum_phone"].role == Role.IDENTIFIER
    assert found.by_name["m0304_meta_adm2_pcode"].geography == Geography.ADMIN2


@pytest.mark.shared
def test_the_somali_site_assessment_form(shared):
    """423 rows: 144 of them begin or end a group, so 279 ask something; 838 choices rows hold 762 codes."""
    read = read_form(shared / "data" / "kobo" / "reach_somalia_DSA_site_assessment_xlsform_v7.xlsx")
    found = draft(read, "dsa", envelope="none")
    assert len(read.rows) + 2 * len(read.groups) == 423
    asked = Counter(row.type for row in read.rows)
    assert asked == {
        "select_one": 120, "text": 54, "select_multiple": 42, "note": 18, "integer": 15, "acknowledge": 13,
        "calculate": 12, "start": 1, "today": 1, "end": 1, "deviceid": 1, "geopoint": 1,
    }  # fmt: skip
    kinds = Counter(v.type for v in found.variables if v.form.type != "derived")
    assert kinds[Type.CODE] == 120 and kinds[Type.CODES] == 42 and kinds[Type.INTEGER] == 15
    assert not [v.name for v in found.variables if v.open_codes]
    roles = {v.name: v.role for v in found.variables}
    assert roles["enum_phone"] == roles["referral_name"] == roles["referral_phone"] == Role.IDENTIFIER
    assert roles["clan_heritage"] == Role.SENSITIVE
    assert set(found.by_name["ki_role"].label) == {"en", "so"}


@pytest.mark.shared
def test_the_msna_form_with_its_four_repeats(shared):
    read = read_form(shared / "data" / "kobo" / "reach_2024_msna_kobo_tool_v11.xlsx")
    assert Counter(row.type for row in read.rows) == {
        "select_one": 94, "integer": 61, "calculate": 46, "text": 25, "note": 24, "select_multiple": 19, "audit": 1,
        "start": 1, "end": 1, "today": 1, "deviceid": 1, "geopoint": 1,
    }  # fmt: skip
    assert [group.path for group in read.groups if group.repeat]
    assert {row.repeat for row in read.rows if row.repeat} == {"roster", "edu_ind", "health_ind", "nut_ind"}
    found = draft(read, "msna")
    assert found.by_name["ind_age"].scope == "ind" and found.by_name["ind_age"].role == Role.KEY
    assert found.by_name["household_geopoint"].role == Role.IDENTIFIER
    assert (found.by_name["resp_age"].min, found.by_name["resp_age"].max) == (18, 120)
    assert set(found.by_name["resp_gender"].codes["female"]) == {"en", "fr"}


@pytest.mark.shared
def test_the_anonymise_column_of_koboloader_decides_roles(shared):
    read = read_form(shared / "data" / "kobo" / "koboloadeR_form.xls")
    found = draft(read, "unhcr", envelope="none")
    told = {v.name: v for v in found.variables if v.form.anonymise}
    assert Counter(v.form.anonymise for v in told.values()).keys() <= {
        "remove",
        "reference",
        "key",
        "sensitive",
        "outlier",
        "scramble",
    }
    assert all(v.proposed.because.startswith("the form's column `anonymise`") for v in told.values())
    for name in ("start", "deviceid", "imei", "phonenumber", "UNHCRCaseNo", "FirstName"):
        assert found.by_name[name].role == Role.IDENTIFIER, name
        assert found.by_name[name].proposed.confidence == Confidence.HIGH, name


@pytest.mark.shared
def test_the_dictionary_of_a_form_fits_the_export_of_the_form(shared):
    """Of 367 columns and four repeats, only what REACH added has no entry; all 243 of koboloadeR's file have one."""
    kobo = shared / "data" / "kobo"
    found = draft(read_form(kobo / "reach_2024_msna_kobo_tool_v11.xlsx"), "msna")
    for grid in peek(kobo / "reach_2024_msna_dummy_raw_data.xlsx", rows=1).grids:
        unknown = unmapped(grid.rows[0], found)
        assert unknown == (["row_id", "stratum", "weight"] if grid.sheet == "main" else ["row_id"]), grid.sheet
    found = draft(read_form(kobo / "koboloadeR_form.xls"), "unhcr")
    assert unmapped(peek(kobo / "koboloadeR_MainDataFrame.csv", rows=1).grids[0].rows[0], found) == []


@pytest.mark.shared
def test_the_names_of_the_malawi_file_tell_their_ids_and_families(shared):
    """151 columns: 77 of them are codes of three questions; 71 of the others have one of 54 ids."""
    header = peek(shared / "data" / "dtm" / "iom_dtm_malawi_survey.csv", rows=1).grids[0].rows[0]
    found = draft_from_names(list(header), "malawi")
    assert unmapped(header, found) == []
    assert (len(header), len(found.variables)) == (151, 74)
    assert sum(v.id is not None for v in found.variables) == 71 and len({v.id for v in found.variables if v.id}) == 54
    assert sum(len(v.codes) for v in found.variables) == 77
    assert found.by_name["_m2696_meta_start_gps_latitude"].role == Role.IDENTIFIER


def unmapped(header, dictionary):
    """Columns of a file that have no entry."""
    mapping, faults = map_columns([name for name in header if name], dictionary.variables, "file")
    found = {*mapping.columns.values(), *(name for codes in mapping.children.values() for name in codes.values())}
    assert len(faults) == len([name for name in header if name and name not in found])
    return [name for name in header if name and name not in found]
