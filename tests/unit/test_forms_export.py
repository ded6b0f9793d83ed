"""What is imported is exported again, and what is written is read again: nothing that we hold is lost on the way."""

from collections import Counter
from pathlib import Path

import pytest
from form_cases import form

from sdc.dictionary import Role, parse_dictionary, read_dictionary
from sdc.forms import confirm, draft, merge, read_form, rewritten, xlsform_workbook, yaml_text
from sdc.forms.export import xlsform_sheets
from sdc.forms.sheets import trimmed
from sdc.forms.xlsform import parse_form

REAL = (
    "reach_2024_msna_kobo_tool_v11.xlsx",
    "reach_somalia_DSA_site_assessment_xlsform_v7.xlsx",
    "koboloadeR_form.xls",
)
SHIPPED = sorted((Path(__file__).resolve().parents[2] / "dictionary").glob("*.yaml"))


def again(dictionary):
    """The dictionary of the form that a dictionary exports, without a file between."""
    sheets = {name: trimmed(lines) for name, lines in xlsform_sheets(dictionary).items()}
    return draft(parse_form(sheets, "again"), "ignored")


@pytest.fixture(scope="module")
def drafted():
    return draft(form(), "synthetic", scope="loc")


def test_import_export_import_is_import(drafted, tmp_path):
    path = tmp_path / "form.xlsx"
    path.write_bytes(xlsform_workbook(drafted))
    assert draft(read_form(path), "ignored") == drafted


def test_the_same_dictionary_gives_the_same_workbook(drafted):
    assert xlsform_workbook(drafted) == xlsform_workbook(drafted)


def test_an_exported_form_asks_what_the_first_one_asked(drafted):
    sheets = xlsform_sheets(drafted)
    read = parse_form({name: trimmed(lines) for name, lines in sheets.items()}, "again")
    first = form()
    asked = [(row.type, row.name, row.group) for row in read.rows]
    expected = [(row.type, row.name, row.group) for row in first.rows]
    expected.insert(
        [name for _, name, _ in expected].index("ranked"), ("text", "needs_other", "")
    )  # what or_other adds
    assert asked == expected
    assert set(read.lists["reason"]) == {"conflict", "other"}


def test_what_people_confirm_survives_the_form(drafted):
    confirmed, _ = confirm(drafted, ["age"], role=Role.SENSITIVE)
    found = again(confirmed)
    assert found == confirmed
    assert found.by_name["age"].confirmed and found.by_name["age"].role == Role.SENSITIVE


def test_what_people_change_in_an_exported_form_comes_back(drafted):
    sheets = {name: trimmed(lines) for name, lines in xlsform_sheets(drafted).items()}
    place = sheets["survey"][0].index("label::English (en)")
    line = next(line for line in sheets["survey"] if line[1:2] == ["age"])
    line[place] = "Age in years"
    found = draft(parse_form(sheets, "again"), "ignored")
    assert found.by_name["age"].label["en"] == "Age in years"
    assert found.by_name["age"].role == drafted.by_name["age"].role


@pytest.mark.parametrize("path", SHIPPED, ids=lambda path: path.stem)
def test_dictionaries_written_by_hand_survive_the_form_and_the_text(path):
    dictionary = read_dictionary(path)
    assert again(dictionary) == dictionary
    assert parse_dictionary(yaml_text(dictionary), "again") == dictionary


def test_yaml_is_read_as_it_was_written(drafted):
    text = yaml_text(drafted)
    assert parse_dictionary(text, "again") == drafted
    assert yaml_text(parse_dictionary(text, "again")) == text


def test_yaml_is_written_for_people(drafted):
    lines = yaml_text(drafted).splitlines()
    assert lines[0] == "component: synthetic"
    assert lines.count("  sex:") == 1, "a list stands once"
    assert "    f: {en: Female, ar: أنثى, fr: Femme}" in lines
    assert "    codes: sex" in lines
    assert "    confirmed: false" in lines


def test_codes_that_yaml_would_take_for_something_else_stay_text():
    codes = [
        "yes",
        "no",
        "on",
        "null",
        "true",
        "1",
        "01",
        "1.5",
        "1e5",
        "1.5e10",
        "0x1f",
        "~",
        "=",
        "<<",
        "2024-01-01",
        "1:30",
    ]
    choices = "list_name | name | label\n" + "\n".join(f"odd | {code} | Label: {code}, #{code}" for code in codes)
    dictionary = draft(form("type | name\nselect_one odd | q\n", choices), "synthetic")
    read = parse_dictionary(yaml_text(dictionary), "again")
    assert list(read.by_name["q"].codes) == codes
    assert again(dictionary) == dictionary


@pytest.mark.parametrize("path", SHIPPED, ids=lambda path: path.stem)
def test_a_file_that_is_written_again_keeps_its_lines(path):
    text = path.read_text()
    dictionary = read_dictionary(path)
    assert rewritten(text, dictionary) == text
    survey = "type | name\nselect_one colour | favourite_colour\ninteger | m0999_loc_num_new_ind\n"
    new = draft(form(survey, "list_name | name | label\ncolour | red | Red\n"), dictionary.component, envelope="none")
    changed, _ = merge(dictionary, new)
    written = rewritten(text, changed)
    assert parse_dictionary(written, "again") == changed
    assert set(Counter(text.splitlines()) - Counter(written.splitlines())) == {f"version: {dictionary.version}"}


def test_a_file_that_a_real_change_touches_keeps_its_comments():
    path = next(path for path in SHIPPED if path.stem == "mobility_tracking")
    text, dictionary = path.read_text(), read_dictionary(path)
    changed, _ = merge(dictionary, draft(form(), dictionary.component), conflicts="note")
    written = rewritten(text, changed)
    assert parse_dictionary(written, "again") == changed
    comments = [line for line in text.splitlines() if line.lstrip().startswith("#")]
    assert comments and [line for line in written.splitlines() if line in comments] == comments


def test_confirming_changes_the_lines_of_one_entry(drafted):
    text = "# About this file.\n" + yaml_text(drafted).replace("variables:\n", "variables:\n  # The first.\n")
    confirmed, _ = confirm(drafted, ["age"])
    before, after = text.splitlines(), rewritten(text, confirmed).splitlines()
    gone = Counter(before) - Counter(after)
    assert gone.total() == 2 and gone["    confirmed: false"] == 1, "`confirmed` and `proposed`"
    assert not Counter(after) - Counter(before)
    assert after[0] == "# About this file." and "  # The first." in after


@pytest.mark.shared
@pytest.mark.parametrize("name", REAL)
def test_real_forms_survive_the_round(shared, tmp_path, name):
    dictionary = draft(read_form(shared / "data" / "kobo" / name), "real")
    path = tmp_path / "form.xlsx"
    path.write_bytes(xlsform_workbook(dictionary))
    assert draft(read_form(path), "ignored") == dictionary
    assert parse_dictionary(yaml_text(dictionary), "again") == dictionary
