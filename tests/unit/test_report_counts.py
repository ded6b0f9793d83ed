"""The section of the reviewer's page on hidden counts."""

import re

import report_samples as samples
from sdc.report.counts import counts_section
from sdc.report.page import page


def _section(html: str) -> str:
    start = html.index('aria-labelledby="counts"')
    return html[start : html.index("</section>", start)]


def test_primary_and_secondary_stand_apart_and_each_intruder_has_a_line() -> None:
    documents = samples.failing_counts()
    cells = documents["verdict"]["cells"]
    html = _section(page(**documents))
    text = re.sub(r"<[^>]+>", " ", html)
    assert f"{cells['primary']}  break a rule (primary)" in text
    assert f"{cells['secondary']}  would give those back" in text
    assert text.count("Holds") == 2
    assert text.count("Broken") == 1
    assert text.count("Reported") == 2
    assert "<svg" in html
    assert html.count("<script") == 0


def test_a_verdict_without_counts_has_no_section() -> None:
    documents = samples.passing_records()
    assert counts_section(documents["verdict"], documents["dictionary"]) is None
    assert 'id="counts"' not in page(**documents)


def test_a_file_that_hides_nothing_says_so_and_draws_nothing() -> None:
    documents = samples.failing_counts()
    cells = documents["verdict"]["cells"]
    cells["published"], cells["suppressed"], cells["primary"], cells["secondary"] = 784, 0, 0, 0
    for column in cells["columns"]:
        column["primary"] = column["secondary"] = 0
    html = _section(page(**documents))
    assert "None of the 784 counts in the file is hidden" in html
    assert "<figure>" not in html


def test_an_intruder_whose_check_failed_is_never_shown_as_holding() -> None:
    """Whatever the figures say, the check decides: an audit that did not finish counts as broken."""
    documents = samples.failing_counts()
    for check in documents["verdict"]["checks"]:
        if check["name"] == "recoverable:nothing-known":
            check["passed"] = False
    states = {line.who: line.state for line in counts_section(documents["verdict"], documents["dictionary"])["solvers"]}
    assert states["Knows nothing else"] == "fails"
