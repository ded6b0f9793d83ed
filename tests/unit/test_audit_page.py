"""The page of the audit, and the two commands: what a person sees, and what a careless one is told."""

from contextlib import suppress
from datetime import UTC, date, datetime

import numpy as np
import pandas as pd
import pytest
from typer.testing import CliRunner

from audit_samples import about, dictionary, released, sites, survey
from sdc import cli_audit
from sdc.audit.facts import facts_of
from sdc.audit.gate import bound
from sdc.audit.judge import Clock, audit_release
from sdc.audit.store import INDEX, enter, make_index, read_index, write_prepared
from sdc.cli import app
from sdc.errors import DisclosureError, IntegrityError
from sdc.files import write_json
from sdc.report.audit import audit_page

TODAY = date(2026, 11, 22)
REQUEST = "REQ-2026-042"


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
    audits, store = tmp_path / "data" / "audits" / REQUEST, tmp_path / "data" / "facts" / "synthetic"
    make_index(store)
    table = tmp_path / "data" / "protected" / REQUEST / "table.parquet"
    table.parent.mkdir(parents=True)
    table.write_bytes(b"a table")
    facts.about["request"] = REQUEST
    write_prepared(facts, audits / "facts")
    found = audit_release(facts, [], before, today=TODAY).document
    write_json(audits / "audit.json", found | bound(table, store / INDEX))
    return tmp_path


ENTRY = {"status": "released", "request_id": REQUEST, "component": "synthetic", "release_id": "R-1", "version": "1.0.0"}


def publishing(root):
    return cli_audit.publishing(root, REQUEST, "synthetic", ENTRY["release_id"], lambda: None)


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
    assert [one["release_id"] for one in read_index(checkout / "data" / "facts" / "synthetic")] == ["R-1"]
    enter({**ENTRY, "status": "superseded"})
    assert register.entries == [(status, "ACT-0002", TODAY) for status in ("released", "released", "superseded")]


def test_publishing_is_refused_when_something_else_went_out_after_the_audit(checkout):
    other = released(sites(5), {}, "Z")
    write_prepared(other, checkout / "other")
    store = checkout / "data" / "facts" / "synthetic"
    ids = {"release_id": "Z", "request": other.about["request"], "version": "1.0.0"}
    enter(checkout / "other", store, **ids, today=TODAY)
    with pytest.raises(IntegrityError, match="releases known"), publishing(checkout):
        pass


def test_publishing_another_table_than_the_audited_one_is_refused(checkout):
    (checkout / "data" / "protected" / REQUEST / "table.parquet").write_bytes(b"another table")
    with pytest.raises(IntegrityError, match="other table"), publishing(checkout):
        pass


def test_publishing_a_failed_audit_is_refused(checkout):
    path = checkout / "data" / "audits" / REQUEST / "audit.json"
    path.write_text(path.read_text().replace('"gate": "pass"', '"gate": "fail"'))
    with pytest.raises(DisclosureError), publishing(checkout):
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
