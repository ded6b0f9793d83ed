"""The reviewer's page and its words: what it says, what it never says, and that its bytes repeat."""

import hashlib
import json
import os
import re
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path

import pytest

import report_samples as samples
from sdc.dictionary import Dictionary
from sdc.errors import IntegrityError
from sdc.report.page import _RULES, page
from sdc.report.pictures import Measure, histogram, risk_bars
from sdc.report.words import (
    columns_in_words,
    counted,
    effects_in_words,
    pair_in_words,
    share_in_words,
    step_in_words,
)
from sdc.steps import STEPS

CANARY = "Xanaduq7"
BLOCKS = {"td", "th", "dt", "dd", "li", "p", "h1", "h2", "h3", "summary", "caption", "figcaption", "div"}
VOID = {"meta", "link", "br", "hr", "img", "input"}


class Outline(HTMLParser):
    """Text of a page, its headings and tags, and what is not closed."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.text: list[str] = []
        self.ids: list[str] = []
        self.links: list[str] = []
        self.tags: set[str] = set()
        self.feed(html)

    def handle_starttag(self, tag, attrs):
        self.tags.add(tag)
        self.ids += [value for name, value in attrs if name == "id"]
        self.links += [value for name, value in attrs if name in ("href", "src", "xlink:href", "srcset", "action")]
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.tags.add(tag)

    def handle_endtag(self, tag):
        assert self.open, f"</{tag}> closes nothing"
        assert self.open.pop() == tag, f"</{tag}> is in the wrong place"
        if tag in BLOCKS:
            self.text.append(" ")

    def handle_data(self, data):
        if "style" not in self.open:
            self.text.append(data)


def said(html: str) -> str:
    """What a reader sees, blanks closed up."""
    return re.sub(r"\s+", " ", "".join(Outline(html).text))


@pytest.fixture(scope="module")
def passing() -> str:
    return page(**samples.passing_records())


@pytest.fixture(scope="module")
def failing() -> str:
    return page(**samples.failing_counts())


@pytest.fixture(params=["passing", "failing"])
def either(request) -> str:
    return request.getfixturevalue(request.param)


def test_a_passing_request_says_so_at_the_top(passing):
    text = said(passing)
    assert "Passes" in text[: text.index("What was asked")]
    assert "Does not pass" not in text
    assert "sdc publish REQ-2026-003" in text


def test_a_failing_request_names_the_broken_promises_at_the_top(failing):
    text = said(failing)
    top = text[: text.index("What was asked")]
    assert "Does not pass" in top
    assert "3 promises of 12 are broken" in top
    assert "No count from 1 to 9 is shown: 3, allowed 0" in top
    assert "sdc publish REQ-2026-011" not in text


def test_who_asked_for_what_and_until_when(passing):
    text = said(passing)
    for expected in (
        "Regional Mixed Migration Network, NGO",
        "A public dashboard on routes, reasons for leaving and needs during the journey.",
        "2026-12-31; approved by actor-014 on 2026-02-03",
        "13 of 16 columns",
        "round 1",
    ):
        assert expected in text


def test_risk_before_and_after_stand_side_by_side(passing):
    text = said(passing)
    assert "47.8 % → 1.1 %" in text
    assert "4,188 → 0" in text
    assert "Average risk of a record 47.8 % 1.1 % 3 %" in text


def test_risk_just_under_its_limit_does_not_read_like_it():
    documents = samples.passing_records()
    documents["verdict"]["risk_after"]["global_risk"] = 0.02981
    text = said(page(**documents))
    assert "47.8 % → 2.98 %" in text
    assert "Average risk of a record 47.8 % 2.98 % 3 %" in text


def test_keys_that_left_the_file_are_told_apart():
    documents = samples.passing_records()
    assert "The released file still holds" not in said(page(**documents))
    documents["verdict"]["risk_after"]["keys"] = ["s0210_sex"]
    assert "Number of people travelling together. The released file still holds: Sex." in said(page(**documents))


def test_each_step_is_told_with_its_reason_and_what_it_did(passing):
    text = said(passing)
    assert "Recode Age in completed years to “10-year bands” (level 2 of 3)." in text
    assert "Why: policy public asks k = 5; 61 % of records fall short as collected" in text
    assert "430 values hidden in 4 columns" in text


def test_what_was_lost_is_told_for_each_column(passing):
    text = said(passing)
    lost = text[text.index("What was lost") :]
    assert "Recoded to “quarter”" in lost
    assert "4.2 % (212)" in lost
    assert re.search(r"Dropped \(2\).*admin 2 p-code.*no finer than admin1", lost)
    assert re.search(r"Released as collected \(4\).*Sex", lost)


def test_counts_that_were_added_up_and_rounded_are_not_said_to_be_as_collected(failing):
    text = said(failing)
    kept = text[text.index("Released as collected (3)") : text.index("Open warnings and known limits")]
    assert "Number of" not in kept
    assert "Added up and rounded to multiples of 5" in text
    assert "Added up, rounded to multiples of 5 and some values hidden" in text


def test_a_column_that_a_step_changed_is_not_said_to_be_as_collected():
    documents = samples.passing_records()
    kept = next(c["name"] for c in documents["verdict"]["loss"]["columns"] if not (c["loss"] or c["level"]))
    entry = documents["ledger"]["entries"][-1] | {"step": "average_weights", "params": {}, "recoded": {kept: 7}}
    documents["ledger"] = {**documents["ledger"], "entries": [*documents["ledger"]["entries"], entry]}
    text = said(page(**documents))
    assert "Averaged over records alike" in text
    assert "Released as collected (3)" in text


def test_numbers_of_the_policy_that_are_no_shares_are_not_told_in_per_cent(passing):
    assert "Least values a hidden count may have, releases joined" in said(passing)
    assert re.search(r"releases joined ?Stops the release 1 [A-Z]", said(passing))


def test_every_rule_of_a_policy_has_a_name_of_its_own_on_the_page():
    assert {name for name, _ in samples.policy().rules()} <= set(_RULES)


def test_a_warning_of_a_check_is_told_once(passing):
    text = said(passing)
    assert "(limit 0.025)" not in text
    assert text.count("the policy warns at 2.5 %") == 1
    assert "No earlier release of this survey was compared with this one." in text


def test_a_warning_that_both_judges_give_is_one_open_warning():
    documents = samples.passing_records()
    own = next(check for check in documents["verdict"]["checks"] if check["breach"] == "warn" and not check["passed"])
    before = said(page(**documents))
    twin = {**own, "name": f"expect_{own['name']}", "promise": "The same in other words", "by": "expectations"}
    documents["verdict"]["checks"] = [*documents["verdict"]["checks"], twin]
    text = said(page(**documents))
    opened = [re.search(r"([0-9]+) open warning", each)[1] for each in (before, text)]
    assert opened[0] == opened[1]
    assert "The same in other words" in text[: text.index("Open warnings and known limits")]
    assert "The same in other words" not in text[text.index("Open warnings and known limits") :]


def test_promises_that_the_limit_completes_are_whole_sentences(passing):
    assert "Mean risk of re-identification is at most 3 %" in said(passing)


def test_the_hash_of_the_plan_is_shown(either):
    assert samples.PLAN_SHA256 in said(either)


def test_the_page_is_well_formed_and_each_id_stands_once(either):
    outline = Outline(either)
    assert outline.open == []
    assert len(outline.ids) == len(set(outline.ids))
    assert "script" not in outline.tags


def test_links_lead_to_places_in_the_page_only(either):
    outline = Outline(either)
    for link in outline.links:
        assert link == "data:," or link.removeprefix("#") in outline.ids, link


def test_nothing_outside_is_named(either):
    assert not re.search(r"(?i)https?:|//[a-z]|@import|url\(", re.sub(r'\sxmlns(:\w+)?="[^"]*"', "", either))


def test_the_same_documents_give_the_same_bytes(passing, repo, tmp_path):
    """In another process too, with another hash seed, time zone, language and settings of matplotlib."""
    (tmp_path / "matplotlibrc").write_text("font.size: 31\nsvg.fonttype: path\nfigure.dpi: 200\npatch.linewidth: 9\n")
    code = (
        "import hashlib, sys; sys.path.insert(0, 'tests'); import report_samples; from sdc.report.page import page; "
        "print(hashlib.sha256(page(**report_samples.passing_records()).encode()).hexdigest())"
    )
    settings = {"PYTHONHASHSEED": "7", "TZ": "Asia/Kathmandu", "LC_ALL": "C", "MPLBACKEND": "pdf"}
    environment = {**os.environ, **settings, "MPLCONFIGDIR": str(tmp_path)}
    other = subprocess.run(
        [sys.executable, "-c", code], cwd=repo, env=environment, capture_output=True, text=True, check=True
    )
    assert other.stdout.strip() == hashlib.sha256(passing.encode()).hexdigest()


def test_the_documents_are_left_as_they_were():
    documents = samples.passing_records()
    before = json.dumps([documents[name] for name in ("plan", "ledger", "verdict")])
    page(**documents)
    assert json.dumps([documents[name] for name in ("plan", "ledger", "verdict")]) == before


def test_no_code_of_the_dictionary_and_no_unknown_entry_reaches_the_page():
    """A token in every code, code label, hierarchy code and entry beyond the known shape is found nowhere."""
    documents = samples.passing_records()
    content = documents["dictionary"].model_dump(mode="json")
    for variable in content["variables"]:
        if variable["name"] == "s0210_sex":
            variable["codes"] = {CANARY: {"en": CANARY}}
            variable["hierarchy"] = [{"name": "all", "map": {CANARY: CANARY}}]
            variable["formats"] = [CANARY]
    documents["dictionary"] = Dictionary.model_validate(content)
    verdict = documents["verdict"]
    verdict["examples"] = [CANARY]
    verdict["table_sha256"] = CANARY
    for entry in (*verdict["checks"], *verdict["loss"]["columns"], verdict["risk_before"], verdict["expectations"]):
        entry["unexpected_values"] = [CANARY]
    for entry in documents["ledger"]["entries"]:
        entry["sample"] = {CANARY: CANARY}
    documents["ledger"]["entries"].append(
        {
            **documents["ledger"]["entries"][-1],
            "step": "swap_values",
            "params": {"from": CANARY, "codes": [CANARY], "map": {"a": CANARY}, "column": "s0210_sex"},
        }
    )
    html = page(**documents)
    assert CANARY not in html
    assert "Swap values: Sex." in said(html)


def test_text_from_documents_is_escaped():
    documents = samples.failing_counts()
    evil = "<script>alert(1)</script><b onclick='x'>\"&"
    documents["verdict"]["warnings"] = [evil, "`" + evil + "`"]
    documents["verdict"]["checks"][1]["promise"] = evil
    documents["ledger"]["entries"][1]["because"] = evil
    documents["request"] = documents["request"].model_copy(update={"title": evil, "purpose": evil})
    html = page(**documents)
    outline = Outline(html)
    assert "script" not in outline.tags
    assert "b" not in outline.tags
    assert evil in "".join(outline.text)


@pytest.mark.parametrize("name", ["plan", "ledger", "verdict"])
def test_documents_of_another_request_are_refused(name):
    documents = samples.passing_records()
    documents[name] = {**documents[name], "request": "REQ-2026-999"}
    with pytest.raises(IntegrityError, match=name):
        page(**documents)


def test_a_verdict_under_another_policy_is_refused():
    documents = samples.passing_records()
    documents["verdict"]["policy"] = "internal"
    with pytest.raises(IntegrityError, match="policy"):
        page(**documents)


def test_a_broken_promise_closes_the_gate_whatever_the_verdict_says():
    documents = samples.failing_counts()
    documents["verdict"]["gate"] = "pass"
    text = said(page(**documents))
    assert "Does not pass" in text
    assert "Treat it as failed" in text


@pytest.mark.parametrize("outcome", [None, "yes", 1])
def test_a_check_without_a_plain_outcome_counts_as_broken(outcome):
    documents = samples.passing_records()
    documents["verdict"]["checks"][0]["passed"] = outcome
    assert "Does not pass" in said(page(**documents))


def test_a_planned_step_that_the_ledger_lacks_is_an_open_warning():
    documents = samples.passing_records()
    documents["ledger"]["entries"] = [e for e in documents["ledger"]["entries"] if e["step"] != "sort_records"]
    assert "Planned, but not seen done: Sort the file by its content" in said(page(**documents))


def test_a_file_that_lost_all_its_keys_has_a_page_too():
    documents = samples.passing_records()
    counts = {"records": 5000, "cells": 0, "below_minimum": 0, "counts": {}, "count_histogram": []}
    documents["verdict"]["risk_after"] = counts
    text = said(page(**documents))
    assert "Different combinations of keys 3,180 –" in text
    assert "No key is left in the released file" in text


def test_a_file_that_lost_all_its_counts_has_a_page_too():
    documents = samples.failing_counts()
    documents["verdict"]["risk_after"] = samples.passing_records()["verdict"]["risk_after"]
    assert "Counts shown 22,736 0" in said(page(**documents))


def test_many_columns_are_folded():
    html = page(**samples.wide(150))
    assert re.search(r"<details><summary>138 columns that lost less", html)
    assert re.search(r"<details><summary>162 promises that hold</summary>", html)
    assert Outline(html).open == []


def test_rendering_leaves_the_settings_of_matplotlib_alone():
    import matplotlib as mpl

    before = dict(mpl.rcParams)
    histogram("x", [("1", 1, 0)], unsafe=(0, 1), zone="z")
    assert dict(mpl.rcParams) == before


def test_bars_are_as_long_as_their_shares():
    """Half as many records, half as long a bar; none, no bar."""
    drawn = histogram("x", [("1", 20, 0), ("2", 10, 30)], unsafe=(0, 0), zone="")
    corners = [[float(x) for x in re.findall(r"[ML] ([\d.]+)", path)] for path in re.findall(r'd="([^"]*z)', drawn)]
    widths = sorted(max(xs) - min(xs) for xs in corners if min(xs) == 70)
    assert len(widths) == 3
    assert widths[1] == pytest.approx(2 * widths[0])
    assert widths[2] == pytest.approx(3 * widths[0])


def test_pictures_name_what_they_show_and_escape_it():
    drawn = risk_bars('a "chart" <of> risk', [Measure("Mean <risk>", 0.5, 0.0, 0.03)])
    assert 'aria-label="a &#34;chart&#34; &lt;of&gt; risk"' in drawn or "a &quot;chart&quot; &lt;of&gt;" in drawn
    assert "Mean &lt;risk&gt;" in drawn
    assert "limit 3 %" in drawn


def _step(name: str, **params) -> str:
    return step_in_words({"name": name, "params": params}, samples.passing_records()["dictionary"])


@pytest.mark.parametrize(
    ("sentence", "expected"),
    [
        (_step("drop_columns", columns=["s0210_sex"]), "Drop Sex."),
        (
            _step("recode", variable="s0220_interview_date", level=1),
            "Recode Date of the interview to “month” (level 1 of 2).",
        ),
        (_step("recode", variable="s0211_age", level=0), "Keep Age in completed years as collected."),
        (
            _step("coarsen_coordinates", columns=["lat", "lon"], decimals=2),
            "Round lat and lon to 2 decimals, steps of about 1.1 km on the ground.",
        ),
        (
            _step("coarsen_coordinates", columns=["lat"], decimals=0),
            "Round lat to 0 decimals, steps of about 111 km on the ground.",
        ),
        (
            _step("coarsen_coordinates", columns=["lat"], decimals=3),
            "Round lat to 3 decimals, steps of about 110 m on the ground.",
        ),
        (_step("coarsen_coordinates", columns=["lat"], decimals=None), "Remove the coordinates lat."),
        (
            _step("suppress_locally", keys=["s0210_sex", "s0212_nationality"], k=3, missing="category"),
            "Hide single values until every record shares its keys with at least 2 others (k = 3). A hidden or missing "
            "value matches only another such. Keys: Sex and Nationality.",
        ),
        (
            _step("suppress_sensitive", keys=["s0210_sex"], sensitive="s0301_reason", ell=2),
            "Hide Main reason for leaving the place of departure wherever the records alike in 1 key hold fewer than "
            "2 different values of it (ℓ = 2).",
        ),
        (
            _step("drop_records", keys=["s0210_sex"], k=2),
            "Remove the records that share Sex with fewer than 1 other (k = 2).",
        ),
        (
            _step("suppress_counts", columns=["a", "b", "c"], minimum=10),
            "Hide counts from 1 to 9, and as little else as keeps a hidden one from being solved from the other counts "
            "of its row, in 3 columns (a, b and c).",
        ),
        (_step("round_counts", columns=["a"], base=5), "Round counts to multiples of 5 in a."),
        (_step("sort_records"), "Sort the file by its content, so that the order of collection is gone."),
        (
            _step("surrogate_households", column="household"),
            "Replace household by numbers that mean nothing outside this file.",
        ),
        (
            _step("remove_identifiers", columns=["enumerator_id"]),
            "Remove what names a person or household outright: Enumerator.",
        ),
        (
            _step("blur_answers", columns=["s0210_sex", "nobody"], seed=7, who=CANARY),
            "Blur answers: Sex.",
        ),
        (_step("shake"), "Shake."),
    ],
)
def test_steps_read_as_sentences(sentence, expected):
    assert sentence == expected


def test_counts_are_said_to_be_added_up_to_the_finest_place_that_is_left():
    documents = samples.failing_counts()
    step = {"name": "aggregate_counts", "params": {"by": ["m0306_meta_adm2_pcode", "m0489_meta_survey_round"]}}
    assert step_in_words(step, documents["dictionary"]) == (
        "Add the counts up to admin2: one row for each combination of Admin 2 p-code and Round."
    )


def test_every_step_of_the_menu_has_a_sentence_of_its_own():
    from sdc.report.words import _SENTENCES

    assert set(STEPS) <= set(_SENTENCES)


def test_columns_with_one_label_are_told_apart_by_name():
    content = samples.passing_records()["dictionary"].model_dump(mode="json")
    for variable in content["variables"][:2]:
        variable["label"] = {"en": "Name"}
    dictionary = Dictionary.model_validate(content)
    names = ["respondent_name", "respondent_phone", "s0210_sex"]
    assert columns_in_words(names, dictionary) == "Name (respondent_name), Name (respondent_phone) and Sex"


def test_many_columns_are_counted():
    dictionary = samples.passing_records()["dictionary"]
    assert columns_in_words([f"c{n}" for n in range(1500)], dictionary, most=2) == "c0, c1 and 1,498 more"


def test_a_step_that_did_nothing_says_so():
    entry = {"step": "suppress_locally", "records_before": 5, "records_after": 5, "suppressed": {"a": 0}}
    assert effects_in_words(entry, samples.passing_records()["dictionary"]) == ["Nothing had to change"]


def test_records_removed_are_told():
    entry = {"step": "drop_records", "records_before": 1205, "records_after": 1204}
    assert effects_in_words(entry, samples.passing_records()["dictionary"]) == ["1 record removed, 1,204 left"]


@pytest.mark.parametrize(
    ("share", "expected"),
    [
        (0.0, "0 %"),
        (0.021, "2.1 %"),
        (0.34, "34 %"),
        (1.0, "100 %"),
        (0.9999, "above 99.9 %"),
        (0.00034, "0.03 %"),
        (0.00001, "below 0.01 %"),
        (0.2, "20 %"),
    ],
)
def test_shares_are_told_in_per_cent(share, expected):
    assert share_in_words(share) == expected


@pytest.mark.parametrize(
    ("observed", "limit", "expected"),
    [
        (0.0304, 0.03, ("3.04 %", "3 %")),
        (0.0300004, 0.03, ("3.00004 %", "3 %")),
        (0.03, 0.03, ("3 %", "3 %")),
        (12345, 0, ("12,345", "0")),
        (0, 0, ("0", "0")),
        ("admin1", "admin2", ("admin1", "admin2")),
        (None, None, ("–", "–")),
        (True, True, ("yes", "yes")),
        (0.31, None, ("31 %", "–")),
        (54.25, 60, ("54.25", "60")),
    ],
)
def test_a_breach_never_reads_like_its_limit(observed, limit, expected):
    assert pair_in_words(observed, limit) == expected


def test_one_and_many():
    assert (counted(1, "row"), counted(0, "row"), counted(12345, "row")) == ("1 row", "0 rows", "12,345 rows")


def test_words_load_without_the_library_of_pictures(repo: Path):
    code = "import sys, sdc.report.words; print('matplotlib' in sys.modules or 'jinja2' in sys.modules)"
    found = subprocess.run([sys.executable, "-c", code], cwd=repo, capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "False"
