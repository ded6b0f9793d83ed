"""What all pages share: one frame, a title, a language, headed tables, and nothing from outside."""

import re
from pathlib import Path

import pytest
from jinja2 import UndefinedError
from jinja2.exceptions import TemplateRuntimeError

from sdc.pages import prose, render

SOURCE = Path(__file__).resolve().parents[2] / "src" / "sdc"
FRAME = {"pages/base.html", "pages/parts.html", "report/counts.html"}  # the frame, and what pages take in
TEMPLATES = sorted(str(path.relative_to(SOURCE)) for path in SOURCE.rglob("*.html"))
STYLES = sorted(str(path.relative_to(SOURCE)) for path in SOURCE.rglob("*.css"))


@pytest.mark.parametrize("name", sorted(set(TEMPLATES) - FRAME))
def test_every_page_stands_in_the_one_frame(name):
    text = (SOURCE / name).read_text()
    assert text.startswith('{% extends "pages/base.html" %}')
    assert "{% block title %}" in text
    assert "<html" not in text and "<head" not in text


@pytest.mark.parametrize("name", TEMPLATES + STYLES)
def test_nothing_comes_from_outside(name):
    text = (SOURCE / name).read_text()
    assert not re.search(r"(?i)<script|<iframe|@import|url\(|//[a-z]|\ssrc=|\son[a-z]+=", text)


@pytest.mark.parametrize("name", TEMPLATES)
def test_heads_of_tables_say_what_they_head(name):
    for head in re.findall(r"<th\b[^>]*>", (SOURCE / name).read_text()):
        assert re.search(r'scope="(col|row)"', head), head


def test_the_frame_gives_a_language_a_title_landmarks_and_a_policy_that_runs_nothing():
    told = {"release_id": "R", "title": "A <title>", "language": "ar"}
    words = {"summary_title": "T"} | dict.fromkeys(
        ("summary_lead", "methods", "nothing_done", "checked", "lost", "column", "released_as", "emptied"), "w"
    )
    words |= {"detail_lost": "w", "limits": "w"}
    part = {"language": "ar", "direction": "rtl", "words": words, "checked": "", "lost": "", "removed": ""}
    part |= {"methods": [], "promises": [], "columns": [], "limits": []}
    page = render("release/summary.html", parts=[part], **told)
    assert page.startswith('<!doctype html>\n<html lang="ar" dir="rtl">')
    assert "<title>T: A &lt;title&gt;</title>" in page
    assert page.count("<main ") == page.count("<h1>") == 1
    assert "default-src 'none'" in page and "script-src" not in page


def test_a_value_that_nobody_gave_is_refused():
    with pytest.raises(UndefinedError):
        render("release/summary.html", language="en")


def test_a_page_without_a_title_is_refused():
    with pytest.raises(TemplateRuntimeError, match="title"):
        render("pages/base.html")


def test_prose_is_escaped_before_names_become_code():
    assert prose("`a` <b> `<c>`") == "<code>a</code> &lt;b&gt; <code>&lt;c&gt;</code>"
