"""`sdc dictionary` and `sdc pcodes`: what an officer types, from a form to a confirmed dictionary."""

import json

import pytest
from form_cases import CHOICES, SETTINGS, SURVEY, book, rows
from typer.testing import CliRunner

from sdc.cli import app
from sdc.dictionary import Role, read_dictionary
from sdc.errors import DictionaryError

SHEETS = {"survey": rows(SURVEY), "choices": rows(CHOICES), "settings": SETTINGS}


@pytest.fixture
def sdc(tmp_path):
    def run(*words: object):
        result = CliRunner().invoke(app, [*map(str, words), "--json"], catch_exceptions=True)
        if result.exception and not isinstance(result.exception, SystemExit):
            raise result.exception
        return json.loads(result.output)

    return run


@pytest.fixture
def imported(sdc, tmp_path):
    path = book(tmp_path / "form.xlsx", SHEETS)
    return sdc("dictionary", "import", path, "--scope", "loc", "--root", tmp_path)


def test_a_form_is_imported_once_under_its_own_name(sdc, imported, tmp_path):
    assert imported["component"] == "synthetic" and imported["unconfirmed"] == imported["variables"]
    found = read_dictionary(tmp_path / "dictionary" / "synthetic.yaml")
    assert len(found.variables) == imported["variables"]
    with pytest.raises(DictionaryError, match="is there already"):
        sdc("dictionary", "import", tmp_path / "form.xlsx", "--root", tmp_path)


def test_what_waits_is_shown_and_confirmed(sdc, imported, tmp_path):
    shown = sdc("dictionary", "confirm", "synthetic", "--root", tmp_path)
    assert {"name", "type", "role", "confidence", "because"} == set(shown["proposals"][0])
    assert sdc("dictionary", "confirm", "synthetic", "age", "--role", "sensitive", "--root", tmp_path)["confirmed"] == [
        "age"
    ]
    rest = sdc("dictionary", "confirm", "synthetic", "--all", "--root", tmp_path)
    assert rest["unconfirmed"] == 0
    assert read_dictionary(tmp_path / "dictionary" / "synthetic.yaml").by_name["age"].role == Role.SENSITIVE


def test_a_second_form_is_merged_and_the_first_version_compared(sdc, imported, tmp_path):
    before = tmp_path / "dictionary" / "synthetic.yaml"
    (tmp_path / "old.yaml").write_bytes(before.read_bytes())
    more = {**SHEETS, "survey": [*SHEETS["survey"], ["integer", "extra", "Extra"]]}
    path = book(tmp_path / "second.xlsx", more)
    told = sdc("dictionary", "merge", "synthetic", path, "--dry-run", "--root", tmp_path)
    assert told["written"] is None and before.read_bytes() == (tmp_path / "old.yaml").read_bytes()
    merged = sdc("dictionary", "merge", "synthetic", path, "--root", tmp_path)
    assert [change["name"] for change in merged["changes"]] == ["extra"] and merged["to"] == "1.1.0"
    compared = sdc("dictionary", "diff", tmp_path / "old.yaml", "synthetic", "--root", tmp_path)
    assert compared["changes"] == merged["changes"]


def test_a_dictionary_is_exported_and_imported_again(sdc, imported, tmp_path):
    sdc("dictionary", "export", "synthetic", "--out", tmp_path / "again.xlsx", "--root", tmp_path)
    other = tmp_path / "other"
    sdc("dictionary", "import", tmp_path / "again.xlsx", "--root", other)
    first = read_dictionary(tmp_path / "dictionary" / "synthetic.yaml")
    assert read_dictionary(other / "dictionary" / "synthetic.yaml") == first


def test_names_alone_are_enough_for_a_draft(sdc, tmp_path):
    (tmp_path / "b2.txt").write_text("m0310_loc_num_idp_ind\nm1471_meta_enum_phone\n")
    assert sdc("dictionary", "import", tmp_path / "b2.txt", "--root", tmp_path)["roles"] == {
        "count": 1,
        "identifier": 1,
    }


def test_a_name_that_leaves_the_folder_is_refused(sdc, tmp_path):
    path = book(tmp_path / "form.xlsx", SHEETS)
    with pytest.raises(DictionaryError, match="cannot be a file's"):
        sdc("dictionary", "import", path, "--component", "../../x", "--root", tmp_path)


def test_the_codes_of_a_list_are_written_into_a_variable(sdc, imported, repo, tmp_path):
    places = repo / "codes" / "zzz.csv"
    assert [row["codes"] for row in sdc("pcodes", "check", places)["levels"]] == [1, 8, 50, 224]
    told = sdc("pcodes", "write", "synthetic", "m0304_meta_adm2_pcode", places, "--root", tmp_path)
    assert (told["codes"], told["levels"]) == (50, 1)
    found = read_dictionary(tmp_path / "dictionary" / "synthetic.yaml").by_name["m0304_meta_adm2_pcode"]
    assert found.hierarchy[0].map["ZZ0101"] == "ZZ01"


@pytest.mark.parametrize(
    "words", [("dictionary", "confirm", "synthetic"), ("dictionary", "diff", "synthetic", "synthetic")]
)
def test_people_get_words(imported, tmp_path, words):
    result = CliRunner().invoke(app, [*words, "--root", str(tmp_path)])
    assert result.exit_code == 0
    assert "wait" in result.output or "Nothing but the version differs" in result.output


def test_suites_are_not_written_where_no_dictionary_is(sdc, tmp_path):
    """A folder that is no checkout: its suites would all be of components that are no more, and be removed."""
    suite = tmp_path / "expectations" / "typed_other.json"
    suite.parent.mkdir()
    suite.write_text("{}")
    with pytest.raises(DictionaryError, match="holds no dictionary"):
        sdc("expectations", "write", "--root", tmp_path)
    assert suite.exists()
