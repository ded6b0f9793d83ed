"""The facts store and the gate: whole or not at all, bound to a table and to what is known, no exception."""

import json
import os
from datetime import date

import numpy as np
import pytest

from audit_samples import released, sites
from sdc.audit.exceptions import Exemption, read_exceptions
from sdc.audit.gate import bound, require_audited
from sdc.audit.judge import EVERYBODY, ITSELF, WITH_PUBLIC, Clock, audit_release, knowledge_sets
from sdc.audit.store import (
    INDEX,
    enter,
    make_index,
    read_facts,
    read_index,
    require_all_known,
    write_prepared,
)
from sdc.errors import ApprovalError, DisclosureError, IntegrityError
from sdc.files import write_json

TODAY = date(2026, 11, 22)
NAMED = {"release_id": "REL-1", "version": "1.0.0", "today": TODAY}


@pytest.fixture
def facts():
    before = sites(1)
    small = {n: ((before.rows[n] > 0) & (before.rows[n] < 5)).to_numpy(dtype=bool) for n in ("men", "women", "all")}
    return released(before, small, "REL-1")


@pytest.fixture
def prepared(facts, tmp_path):
    write_prepared(facts, tmp_path / "prepared")
    return tmp_path / "prepared"


def entered(prepared, store, facts, **changed):
    enter(prepared, store, request=facts.about["request"], **{**NAMED, **changed})


def test_facts_come_back_as_they_were_entered(facts, prepared, tmp_path):
    store = tmp_path / "store"
    entered(prepared, store, facts)
    (back,) = read_facts(store, "ZZZ/synthetic")
    assert back.digest() == facts.digest()
    assert back.release == "REL-1"
    assert read_facts(store, "ZZZ/other") == []


def test_entering_again_changes_nothing_and_other_facts_under_the_same_id_are_refused(facts, prepared, tmp_path):
    store = tmp_path / "store"
    entered(prepared, store, facts)
    index = (store / INDEX).read_bytes()
    entered(prepared, store, facts)
    assert (store / INDEX).read_bytes() == index
    other = released(sites(2), {}, "REL-1")
    write_prepared(other, tmp_path / "other")
    with pytest.raises(IntegrityError, match="other facts were entered"):
        entered(tmp_path / "other", store, other)
    assert (store / INDEX).read_bytes() == index


def test_facts_and_index_are_their_owners_alone(facts, prepared, tmp_path):
    store = tmp_path / "store"
    os.umask(0o022)
    entered(prepared, store, facts)
    modes = {path.stat().st_mode & 0o077 for path in (store / "REL-1").iterdir()}
    assert modes == {0}


def test_facts_that_were_changed_on_disk_are_refused(facts, prepared, tmp_path):
    store = tmp_path / "store"
    entered(prepared, store, facts)
    write_prepared(released(sites(2), {}, "REL-1"), store / "REL-1")
    with pytest.raises(IntegrityError, match="not those of the index"):
        read_facts(store, "ZZZ/synthetic")
    (store / "REL-1" / "cells.parquet").unlink()
    with pytest.raises(IntegrityError):
        read_facts(store, "ZZZ/synthetic")


@pytest.mark.parametrize("death", range(4))
def test_a_run_that_dies_while_it_enters_leaves_the_release_out_and_the_next_run_enters_it(
    death, facts, prepared, tmp_path, monkeypatch
):
    """At each write in turn: copying, the folder's name, the index, the last sync."""
    from sdc.audit import store as module

    store = tmp_path / "store"
    make_index(store)
    calls = 0

    def dying(function):
        def call(*values):
            nonlocal calls
            calls += 1
            if calls > death:
                raise KeyboardInterrupt
            return function(*values)

        return call

    with monkeypatch.context() as patch:
        patch.setattr(module, "sync", dying(module.sync))
        patch.setattr(module, "_write_index", dying(module._write_index))
        patch.setattr(module.shutil, "copyfile", dying(module.shutil.copyfile))
        with pytest.raises(KeyboardInterrupt):
            entered(prepared, store, facts)
    assert read_index(store) == []
    entered(prepared, store, facts)
    assert [entry["release_id"] for entry in read_index(store)] == ["REL-1"]
    assert read_facts(store, "ZZZ/synthetic")[0].digest() == facts.digest()


def test_an_index_that_stands_is_kept(facts, prepared, tmp_path):
    entered(prepared, tmp_path / "store", facts)
    make_index(tmp_path / "store")
    assert len(read_index(tmp_path / "store")) == 1


def test_an_audit_is_refused_while_a_release_is_out_that_the_facts_do_not_know(facts, prepared, tmp_path):
    store = tmp_path / "store"
    out = [{"release_id": "REL-1", "component": "synthetic"}, {"release_id": "REL-9", "component": "another"}]
    make_index(store)
    with pytest.raises(IntegrityError, match="does not know what it tells"):
        require_all_known(store, out, "synthetic")
    entered(prepared, store, facts)
    require_all_known(store, out, "synthetic")


def test_knowledge_sets_are_alone_public_with_one_recipient_and_everybody():
    before = sites(1)
    known = [
        released(before, {}, "P", tier="public"),
        released(before, {}, "A", tier="restricted", organisation="A"),
        released(before, {}, "B", tier="restricted", organisation="B"),
    ]
    mine = released(before, {}, "C", tier="restricted", organisation="A")
    sets = {(held.name, held.of): [one.release for one in held.facts] for held in knowledge_sets(mine, known)}
    assert sets == {
        (ITSELF, "A"): ["C"],
        (WITH_PUBLIC, "A"): ["P", "A", "C"],
        (EVERYBODY, "everybody"): ["P", "A", "B", "C"],
    }
    for_all = released(before, {}, "D", tier="public")
    sets = {(held.name, held.of): [one.release for one in held.facts] for held in knowledge_sets(for_all, known)}
    assert sets[(WITH_PUBLIC, "B")] == ["P", "B", "D"]
    assert sets[(WITH_PUBLIC, "everybody")] == ["P", "D"]


def leak(organisation="B"):
    """A holds men hidden with women; another release of the same sites shows the women."""
    before = sites(3, districts=1, per_district=1)
    rows = before.rows.assign(men=3, women=40, all=43).astype({"men": "Int64", "women": "Int64", "all": "Int64"})
    before, hide = before.with_rows(rows), np.array([True])
    first = released(before, {"men": hide, "women": hide}, "A", tier="restricted", organisation="A")
    second = released(before, {"men": hide, "all": hide}, "B", tier="restricted", organisation=organisation)
    return before, first, second


def test_the_hard_gate_stops_what_one_recipient_can_join_whatever_is_excepted():
    before, first, second = leak(organisation="A")
    request = second.about["request"]
    excuse = Exemption(request=request, set=EVERYBODY, reason="A reason that is long enough.", by="ACT-1", until=TODAY)
    found = audit_release(second, [first], before, exceptions=[excuse], today=TODAY).document
    assert found["gate"] == "fail"
    held = next(held for held in found["sets"] if held["name"] == WITH_PUBLIC)
    assert held["cause"] == ["A", "B"]
    assert held["remedy"]
    assert held["worst"][0] == {"column": "men", "level": "site", "exposed": 1, "with_persistence": 1}


@pytest.mark.parametrize(("until", "gate"), [(date(2026, 11, 22), "pass"), (date(2026, 11, 21), "fail")])
def test_what_all_recipients_together_learn_needs_an_exception_that_has_not_expired(until, gate):
    before, first, second = leak()
    request = second.about["request"]
    excuse = Exemption(request=request, set=EVERYBODY, reason="A reason that is long enough.", by="ACT-1", until=until)
    assert audit_release(second, [first], before, today=TODAY).document["gate"] == "fail"
    assert audit_release(second, [first], before, exceptions=[excuse], today=TODAY).document["gate"] == gate


def test_an_audit_that_did_not_end_fails_and_never_says_complete():
    before, first, second = leak(organisation="A")
    found = audit_release(second, [first], before, today=TODAY, clock=Clock(stop=lambda: True)).document
    assert (found["complete"], found["gate"]) == (False, "fail")
    assert any("did not end" in line for held in found["sets"] for line in held["remedy"])


def test_a_release_that_tells_the_same_is_the_candidate_itself():
    before, first, _ = leak()
    found = audit_release(first, [first], before, today=TODAY).document
    assert (found["gate"], found["known"]) == ("pass", [])


def test_the_document_holds_no_place_and_no_count_of_people():
    before, first, second = leak(organisation="A")
    outcome = audit_release(second, [first], before, today=TODAY)
    text = json.dumps(outcome.document)
    assert "S000" not in text and "D0" not in text
    assert "S000" in outcome.exposed.to_csv()


def test_the_gate_is_bound_to_the_table_and_to_what_is_known(tmp_path):
    table, index = tmp_path / "table.parquet", tmp_path / INDEX
    table.write_bytes(b"a table")
    index.write_bytes(b"{}")
    passed = {"request": "REQ-2026-001", "gate": "pass", "complete": True, "sets": []} | bound(table, index)
    require_audited(passed, "REQ-2026-001", table, index)
    with pytest.raises(IntegrityError, match="another request"):
        require_audited(passed, "REQ-2026-002", table, index)
    for wrong in ({"gate": "fail"}, {"complete": False}):
        with pytest.raises(DisclosureError):
            require_audited({**passed, **wrong}, "REQ-2026-001", table, index)
    index.write_bytes(b"{ }")
    with pytest.raises(IntegrityError, match="before another release"):
        require_audited(passed, "REQ-2026-001", table, index)


def test_exceptions_are_read_and_a_careless_one_is_refused(tmp_path):
    path = tmp_path / "exceptions.yaml"
    path.write_text("exceptions: []\n")
    assert read_exceptions(path) == ()
    path.write_text(
        "exceptions:\n  - {request: REQ-2026-001, set: public and this recipient, reason: because, by: A, "
        "until: 2027-01-01}\n"
    )
    with pytest.raises(ApprovalError):
        read_exceptions(path)


def test_written_json_is_plain(tmp_path):
    before, first, second = leak()
    write_json(tmp_path / "audit.json", audit_release(second, [first], before, today=TODAY).document)
    assert json.loads((tmp_path / "audit.json").read_text())["kind"] == "counts"
