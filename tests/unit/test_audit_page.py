"""The page of the audit, and the two commands: what a person sees, and what a careless one is told."""

import json
from contextlib import suppress
from datetime import UTC, date, datetime

import numpy as np
import pandas as pd
import pytest
import yaml
from typer.testing import CliRunner

from audit_samples import about, dictionary, released, sites, survey
from register_cases import APPROVER, AT, MANAGER, OFFICER, PREPARER, bring, office
from sdc import cli_audit
from sdc.audit.facts import facts_of
from sdc.audit.gate import bound
from sdc.audit.judge import Clock, audit_release
from sdc.audit.store import INDEX, enter, make_index, read_index, write_prepared
from sdc.cli import app
from sdc.errors import ApprovalError, DisclosureError, IntegrityError
from sdc.files import write_json
from sdc.register import open_register
from sdc.report.audit import audit_page

TODAY = date(2026, 11, 22)
REQUEST = "REQ-2026-042"
PARAMS = """
register: register.sqlite
extracts: {s_r01: {component: mobility_tracking, round: 1, path: raw.csv, layout: {format: csv}}}
"""


def outcome(**how):
    before = sites(3, districts=1, per_district=1)
    rows = before.rows.assign(men=3, women=40, all=43).astype({"men": "Int64", "women": "Int64", "all": "Int64"})
    before, hide = before.with_rows(rows), np.array([True])
    first = released(before, {"men": hide, "women": hide}, "A")
    second = released(before, {"men": hide, "all": hide}, "B")
    return before, audit_release(second, [first], before, today=TODAY, **how).document


def test_the_page_tells_cause_and_remedy_and_no_place():
    before, found = outcome()
    page = audit_page(found, title="A <title>", dictionary=dictionary(before))
    assert "Does not pass" in page and "A &lt;title&gt;" in page
    assert "The releases that cause it" in page and "What would mend it" in page
    assert "S000" not in page


@pytest.mark.parametrize("change", [{"complete": False}, {"gate": "fail"}])
def test_the_page_of_an_audit_that_is_not_complete_never_says_that_it_passes(change):
    before = sites(1)
    found = audit_release(released(before, {}, "A", minimum_count=1), [], before, today=TODAY).document
    assert found["gate"] == "pass"
    assert ">Passes<" in audit_page(found, title="t", dictionary=dictionary(before))
    assert ">Passes<" not in audit_page({**found, **change}, title="t", dictionary=dictionary(before))


def test_a_stopped_audit_says_on_its_page_that_it_proves_nothing():
    before, found = outcome(clock=Clock(stop=lambda: True))
    assert "proves nothing" in audit_page(found, title="t", dictionary=dictionary(before))


def test_the_page_of_records_tells_linkage_as_shares():
    table = survey(records=300)
    known = [facts_of(table, table, about(name)) for name in "AB"]
    known[1] = facts_of(table, table, about("B", "restricted", "B"))
    found = audit_release(known[1], [known[0]], table, today=TODAY).document
    page = audit_page(found, title="t", dictionary=dictionary(table))
    assert "How far shared columns link rows" in page and "100 %" in page


@pytest.fixture
def checkout(tmp_path):
    """A protected table with a passed audit, its facts prepared, and an empty store."""
    before = sites(1)
    facts = released(before, {}, "A", minimum_count=1)
    audits, store = tmp_path / "data" / "audits" / REQUEST, tmp_path / "data" / "facts" / "mobility_tracking"
    make_index(store)
    table = tmp_path / "data" / "protected" / REQUEST / "table.parquet"
    table.parent.mkdir(parents=True)
    table.write_bytes(b"a table")
    facts.about["request"] = REQUEST
    write_prepared(facts, audits / "facts")
    found = audit_release(facts, [], before, today=TODAY).document
    write_json(audits / "audit.json", found | bound(table, store / INDEX))
    office(str(tmp_path / "register.sqlite")).close()
    (tmp_path / "params.yaml").write_text(PARAMS)
    (tmp_path / "exceptions.yaml").write_text("exceptions: []\n")
    return tmp_path


ENTRY = {
    "status": "released",
    "request_id": REQUEST,
    "component": "mobility_tracking",
    "release_id": "R-1",
    "version": "1.0.0",
}


def publishing(root):
    return cli_audit.publishing(root, REQUEST, "mobility_tracking", ENTRY["release_id"], lambda: None)


def office_of(root):
    return open_register(str(root / "register.sqlite"))


class Told:
    """A register that only listens."""

    def __init__(self):
        self.entries = []

    def entered(self, entry, actor, at):
        self.entries.append((entry["status"], actor, at.date()))


def test_publishing_enters_the_facts_and_again_needs_no_newer_audit(checkout):
    register = Told()
    enter = cli_audit.entering(checkout, register, "ACT-0002", lambda: datetime(2026, 11, 22, tzinfo=UTC))
    for _ in range(2):
        with publishing(checkout):
            enter(ENTRY)
    assert [one["release_id"] for one in read_index(checkout / "data" / "facts" / "mobility_tracking")] == ["R-1"]
    enter({**ENTRY, "status": "superseded"})
    assert register.entries == [(status, "ACT-0002", TODAY) for status in ("released", "released", "superseded")]


def test_publishing_is_refused_when_something_else_went_out_after_the_audit(checkout):
    other = released(sites(5), {}, "Z")
    write_prepared(other, checkout / "other")
    store = checkout / "data" / "facts" / "mobility_tracking"
    ids = {"release_id": "Z", "request": other.about["request"], "version": "1.0.0"}
    enter(checkout / "other", store, **ids, today=TODAY)
    with pytest.raises(IntegrityError, match="another release of its population"), publishing(checkout):
        pass


def test_publishing_another_table_than_the_audited_one_is_refused(checkout):
    (checkout / "data" / "protected" / REQUEST / "table.parquet").write_bytes(b"another table")
    with pytest.raises(IntegrityError, match="another table"), publishing(checkout):
        pass


def test_publishing_a_failed_audit_is_refused(checkout):
    path = checkout / "data" / "audits" / REQUEST / "audit.json"
    path.write_text(path.read_text().replace('"gate": "pass"', '"gate": "fail"'))
    with pytest.raises(DisclosureError), publishing(checkout):
        pass


def test_publishing_other_facts_than_the_audited_ones_is_refused(checkout):
    prepared = checkout / "data" / "audits" / REQUEST / "facts"
    other = released(sites(5), {}, "Z")
    other.about["request"] = REQUEST
    write_prepared(other, prepared)
    with pytest.raises(IntegrityError, match="not the facts that were audited"), publishing(checkout):
        pass


def test_facts_and_catalogue_emptied_together_hide_no_release_from_the_register(checkout):
    """The audit was made before the release; so index and audit fit each other again."""
    with office_of(checkout) as register:
        bring(register, "shared")
    with pytest.raises(IntegrityError, match="the facts store does not know"), publishing(checkout):
        pass


EXCEPTION = {"request": REQUEST, "set": "all recipients together", "reason": "It is needed by all of them, and soon."}


@pytest.mark.parametrize(
    ("by", "until", "says"),
    [
        (APPROVER, "2027-06-30", ""),
        (APPROVER, "2026-11-02", "stands no more"),
        (None, "2027-06-30", "stands no more"),
        (OFFICER, "2027-06-30", "may `approve`"),
        (PREPARER, "2027-06-30", "prepared the request"),
    ],
)
def test_an_exception_stands_at_publication_too_and_in_the_name_of_an_approver(checkout, by, until, says):
    with office_of(checkout) as register:
        bring(register, "preparing")
        register.set_actor(PREPARER, ["preparer", "approver"], actor=MANAGER, at=AT)
    audited = {**EXCEPTION, "by": by or APPROVER, "until": until}
    path = checkout / "data" / "audits" / REQUEST / "audit.json"
    found = json.loads(path.read_text())
    found["sets"].append({**found["sets"][0], "name": EXCEPTION["set"], "exception": audited})
    path.write_text(json.dumps(found))
    (checkout / "exceptions.yaml").write_text(yaml.safe_dump({"exceptions": [audited] if by else []}))
    if not says:
        with publishing(checkout):
            return
    with pytest.raises(ApprovalError, match=says), publishing(checkout):
        pass


def test_two_publications_of_a_component_at_once_are_refused(checkout):
    with publishing(checkout), pytest.raises(IntegrityError, match="under way"), publishing(checkout):
        pass
    with suppress(ValueError), publishing(checkout):
        raise ValueError
    with publishing(checkout):
        pass


def test_a_name_that_is_no_folder_is_refused(tmp_path):
    file = tmp_path / "cells.csv"
    pd.DataFrame({"measure": ["persons"], "value": ["1"]}).to_csv(file, index=False)
    words = ["release", "known", str(file), "--population", "ZZZ/x", "--name", "../x", "--root", str(tmp_path)]
    found = CliRunner().invoke(app, words)
    assert isinstance(found.exception, IntegrityError)
