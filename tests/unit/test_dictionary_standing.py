"""What of a dictionary passes ingest: what somebody confirmed, and what the form of the extract asked."""

import pandas as pd
import pytest
from form_cases import form
from ingest_cases import extract

from sdc.dictionary import Role, parse_dictionary, version_key
from sdc.errors import DataError, DictionaryError
from sdc.expectations import write_suites
from sdc.forms import confirm, draft
from sdc.ingest.assemble import assemble

TEXT = """
component: camp
version: 1.2.0
title: {en: Camp}
unit: household
lists:
  needs: {food: {en: Food}, cash: {en: Cash, since: 1.1.0}}
variables:
  - {name: admin1, type: code, role: key, open_codes: true}
  - name: phone
    type: text
    role: identifier
    confirmed: false
    proposed: {role: identifier, because: its name, confidence: high}
  - {name: area, type: text, role: key, follows: phone}
  - {name: old, type: integer, role: other, required: true, until: 1.1.0, replaced_by: new}
  - {name: new, type: integer, role: other, required: true, since: 1.2.0}
  - {name: needs, type: codes, role: sensitive, codes: needs}
"""


def ingested(text=TEXT, version=None, **columns):
    frame = pd.DataFrame({name: list(cells) for name, cells in columns.items()}, dtype="str")
    extracted = extract().model_copy(update={"form_version": version})
    return assemble(frame, extracted, parse_dictionary(text, "camp"), "raw.csv")[0]


def test_a_file_with_an_unconfirmed_variable_is_refused_with_the_command():
    with pytest.raises(DictionaryError) as refused:
        ingested(admin1=["a"], phone=["Qanari"], new=["1"])
    told = str(refused.value)
    assert "1 of its variables are not confirmed: `phone`" in told
    assert "sdc dictionary confirm camp phone --role identifier" in told and "Qanari" not in told


def test_one_that_follows_an_unconfirmed_variable_is_refused_too():
    with pytest.raises(DictionaryError, match="`phone`"):
        ingested(area=["x"], new=["1"])


def test_a_file_without_it_passes_and_so_does_one_after_confirmation():
    assert list(ingested(admin1=["a"], new=["1"]).rows.columns) == ["admin1", "new", "round"]
    confirmed, _ = confirm(parse_dictionary(TEXT, "camp"), ["phone"])
    frame = pd.DataFrame({"admin1": ["a"], "phone": ["1"], "new": ["1"]}, dtype="str")
    assert "phone" not in assemble(frame, extract(), confirmed, "raw.csv")[0]


def test_absence_of_confirmed_means_confirmed():
    assert [v.name for v in parse_dictionary(TEXT, "camp").unconfirmed] == ["phone"]


def test_an_earlier_round_need_not_hold_what_came_later():
    assert "old" in ingested(version="1.1.0", old=["1"])


def test_a_column_that_its_form_did_not_ask_for_is_refused_with_what_to_say():
    with pytest.raises(DataError) as refused:
        ingested(old=["1"], new=["2"])
    told = str(refused.value)
    assert "`old`: is asked until version 1.1.0, the extract is of version 1.2.0" in told
    assert "`form_version`" in told and "`new` replaced it" in told
    with pytest.raises(DataError, match=r"is asked from version 1\.2\.0, the extract is of version 1\.1\.0"):
        ingested(version="1.1.0", old=["1"], new=["2"])


def test_a_required_column_of_the_present_form_must_be_there():
    with pytest.raises(DataError, match="`new`: a required column"):
        ingested(admin1=["a"])


def test_a_code_says_which_version_brought_it():
    needs = parse_dictionary(TEXT, "camp").by_name["needs"]
    assert needs.codes_since == {"cash": "1.1.0"} and needs.codes["cash"] == {"en": "Cash"}


def test_versions_compare_as_numbers():
    assert version_key("1.10.0") > version_key("1.9.3") and version_key("1") == version_key("1.0.0")


@pytest.mark.parametrize(
    ("change", "what"),
    [
        (("until: 1.1.0", "until: soon"), "pattern"),
        (("since: 1.2.0", "since: 1.2.0, until: 1.1.0"), "`until` lies before `since`"),
        (("replaced_by: new", "replaced_by: absent"), "is replaced by `absent`, which is no variable"),
        (("confidence: high", "confidence: certain"), "confidence"),
    ],
)
def test_a_dictionary_that_contradicts_itself_is_refused(change, what):
    with pytest.raises(DictionaryError, match=what):
        parse_dictionary(TEXT.replace(*change), "camp")


def test_suites_follow_a_dictionary_that_a_form_made(repo, tmp_path):
    """Confirmed as proposed, the form's dictionary types a table that fits, and its suite holds for it."""
    drafted = draft(form(), "synthetic", scope="loc")
    dictionary, _ = confirm(drafted, ["*"])
    folder = tmp_path / "context"
    folder.mkdir()
    (folder / "great_expectations.yml").write_bytes((repo / "expectations" / "great_expectations.yml").read_bytes())
    written = write_suites(folder, [dictionary], [])
    assert [path.name for path in written] == ["typed_synthetic.json"]
    frame = pd.DataFrame(
        {
            "_uuid": ["u1", "u2"], "m0303_meta_adm1_pcode": ["ZZ01", "ZZ02"],
            "m0304_meta_adm2_pcode": ["ZZ0101", "ZZ0201"], "ki_name": ["x", "y"], "ki_sex": ["f", "m"],
            "m0310_loc_num_idp_ind": ["10", "28000"], "share": ["0", "0.5"], "needs": ["food water", "other"],
            "needs/food": ["1", "0"], "needs/water": ["1", "0"], "needs/other": ["0", "1"],
            "idps_again": ["10", "28000"],
        },
        dtype="str",
    )  # fmt: skip
    table, summary = assemble(frame, extract().model_copy(update={"component": "synthetic"}), dictionary, "raw.csv")
    assert "ki_name" in summary["columns_removed"]["identifier"]
    assert all(dictionary.by_name[name].role != Role.IDENTIFIER for name in table.rows.columns if name != "round")
    from sdc.expectations import validate  # Great Expectations takes seconds to import

    outcomes = validate(table, "typed_synthetic", folder, tmp_path / "docs")
    assert len(outcomes) > 5 and [outcome.name for outcome in outcomes if not outcome.passed] == []
    wrong = table.with_rows(table.rows.assign(share=[0.5, 7.0]))
    outcomes = validate(wrong, "typed_synthetic", folder, tmp_path / "docs")
    assert [outcome.columns for outcome in outcomes if not outcome.passed] == [("share",)]
