"""Bad input ends in a clear refusal with its exit code: no output is written, and nothing that was there is lost."""

import json
import re
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime
from typing import Any, NamedTuple

import pandas as pd
import pytest
from checkouts import ACTOR, APPROVER, COUNTS, PERSONS, SITES, UNAPPROVED, Checkout, leaks, reviewed

from sdc.files import read_table, write_table
from sdc.policy import read_policy
from sdc.register import Register, open_register, verbs
from sdc.request import read_request

COUNTS_RAW, PERSONS_RAW = "data/raw/mobility_tracking_r01.csv", "data/raw/registration_r01.csv"
PERSONS_FILE, PERSONS_DICTIONARY = f"requests/{PERSONS}.yaml", "dictionary/registration.yaml"
INGEST_COUNTS, INGEST_PERSONS = "ingest@mobility_tracking_r01", "ingest@registration_r01"
AUDIT = f"data/audits/{PERSONS}/audit.json"
KNOWN = {"release_id": "dashboard", "request": "dashboard", "facts_sha256": "0" * 64}
SUITE = "expectations/release_registration_public.json"

Breakage = Callable[[Checkout], Any]


class Case(NamedTuple):
    """One bad input: what is called, how it is broken, and how it must end."""

    called: str
    breakage: Breakage
    code: int
    error: str
    says: str


def cell(raw: str, column: str, value: str, records: int | None = None) -> Breakage:
    def change(frame: pd.DataFrame) -> pd.DataFrame:
        frame.loc[: len(frame) if records is None else records - 1, column] = value
        return frame

    return frame_of(raw, change)


def frame_of(raw: str, change: Callable[[pd.DataFrame], pd.DataFrame]) -> Breakage:
    def broken(checkout: Checkout) -> None:
        frame = pd.read_csv(checkout / raw, dtype="str", keep_default_na=False)
        change(frame).to_csv(checkout / raw, index=False)

    return broken


def content(path: str, change: Callable[[bytes], bytes]) -> Breakage:
    def broken(checkout: Checkout) -> None:
        before = (checkout / path).read_bytes()
        (checkout / path).write_bytes(change(before))
        assert (checkout / path).read_bytes() != before

    return broken


def appended(path: str, text: str) -> Breakage:
    return content(path, lambda before: before + text.encode())


def swapped(path: str, old: str, new: str) -> Breakage:
    return lambda checkout: checkout.replace(path, old, new)


def gone(path: str) -> Breakage:
    return lambda checkout: (checkout / path).unlink()


def document(path: str, **changes: Any) -> Breakage:
    return lambda checkout: checkout.edit(path, lambda found: found.update(changes))


def rule(policy: str, name: str, value: Any) -> Breakage:
    return lambda checkout: checkout.edit(f"policies/{policy}.yaml", lambda found: found[name].update(value=value))


def wiring(**changes: Any) -> Breakage:
    return lambda checkout: checkout.edit("params.yaml", lambda found: found["requests"][PERSONS].update(changes))


NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)


@contextmanager
def registered(checkout: Checkout) -> Iterator[Register]:
    with open_register(str(checkout / "data/register/register.sqlite")) as register:
        yield register


def ended(how: str) -> Breakage:
    def broken(checkout: Checkout) -> None:
        with registered(checkout) as register:
            verbs.end(register, PERSONS, how, actor=APPROVER if how == "revoked" else "ACT-0002", at=NOW, reason="So.")

    return broken


def until(agreement_until: str, expires: str = "2027-12-31") -> Breakage:
    """Granted anew for another time."""

    def broken(checkout: Checkout) -> None:
        entries = {"expires": expires, "agreement_until": agreement_until}
        with registered(checkout) as register:
            verbs.extend(register, PERSONS, actor=APPROVER, at=NOW, **entries)

    return broken


def approved(breakage: Breakage) -> Breakage:
    """What was broken, approved again as it stands: the approver did not see it either."""

    def broken(checkout: Checkout) -> None:
        breakage(checkout)
        order = read_request(checkout / PERSONS_FILE)
        policy = read_policy(checkout / f"policies/{order.policy}.yaml")
        with registered(checkout) as register:
            verbs.prepare(register, PERSONS, actor="ACT-0021", at=NOW)
            verbs.approve(register, order, policy, actor=APPROVER, at=NOW)

    return broken


def in_register(statement: str, *triggers: str) -> Breakage:
    """A row changed past all verbs, by somebody who takes the rules away first."""

    def broken(checkout: Checkout) -> None:
        with closing(sqlite3.connect(checkout / "data/register/register.sqlite")) as base, base:
            for trigger in triggers:
                base.execute(f"DROP TRIGGER {trigger}")
            assert base.execute(statement).rowcount > 0

    return broken


def in_json(path: str, change: Callable[[Any], Any]) -> Breakage:
    def broken(checkout: Checkout) -> None:
        found = json.loads((checkout / path).read_text())
        change(found)
        (checkout / path).write_text(json.dumps(found, indent=2))

    return broken


def in_package(path: str, change: Callable[[bytes], bytes]) -> Breakage:
    def broken(checkout: Checkout) -> None:
        target = checkout.package(PERSONS) / path
        target.write_bytes(change(target.read_bytes() if target.exists() else b""))

    return broken


def extract_twice(checkout: Checkout) -> None:
    def change(found: dict) -> None:
        found["extracts"]["registration_again"] = found["extracts"]["registration_r01"]

    checkout.edit("params.yaml", change)


def unjudged_table(checkout: Checkout) -> None:
    """Another table than the judge saw: it keeps every promise, and half of the records are gone."""
    path = checkout / f"data/protected/{PERSONS}/table.parquet"
    table = read_table(path)
    write_table(table.with_rows(table.rows.iloc[: len(table) // 2]), path)


def ask_for(*names: str) -> Breakage:
    return lambda checkout: checkout.edit(PERSONS_FILE, lambda found: found["variables"].extend(names))


def drop_step(found: dict) -> None:
    found["steps"] = [step for step in found["steps"] if step["name"] != "suppress_sensitive"]


def without_column(frame: pd.DataFrame) -> pd.DataFrame:
    return frame.drop(columns="r3110_ind_sex")


def unknown_column(frame: pd.DataFrame) -> pd.DataFrame:
    return frame.assign(r9999_ind_shoe_size="38")


def same_header(before: bytes) -> bytes:
    return before.replace(b"r3110_ind_sex", b"r3111_ind_age", 1)


def other_children(frame: pd.DataFrame) -> pd.DataFrame:
    frame["r3126_ind_vulnerability/pregnant"] = "1"
    return frame


def _assess(breakage: Breakage, code: int, error: str, says: str) -> Case:
    return Case(f"assess@{PERSONS}", breakage, code, error, says)


def _ingest(breakage: Breakage, says: str, code: int = 11, error: str = "DataError") -> Case:
    return Case(INGEST_PERSONS, breakage, code, error, says)


CASES = {
    # The extract
    "unknown column": _ingest(frame_of(PERSONS_RAW, unknown_column), "`r9999_ind_shoe_size` (column "),
    "required column absent": _ingest(frame_of(PERSONS_RAW, without_column), "a required column that the file"),
    "the same header twice": _ingest(content(PERSONS_RAW, same_header), "have the same name"),
    "unknown code": _ingest(cell(PERSONS_RAW, "r3110_ind_sex", "unknown", 3), "3 of 4,098 records hold a code outside"),
    "text in a number": _ingest(cell(PERSONS_RAW, "r3111_ind_age", "old", 7), "7 of 4,098 records are not whole"),
    "a number out of range": _ingest(cell(PERSONS_RAW, "r3111_ind_age", "140", 2), "2 of 4,098 records are outside"),
    "no date": _ingest(cell(PERSONS_RAW, "registration_date", "Monday", 2), "are no dates"),
    "required cell empty": _ingest(cell(PERSONS_RAW, "r3110_ind_sex", "", 5), "5 of 4,098 records"),
    "duplicate ids": _ingest(cell(PERSONS_RAW, "r3100_ind_registration_number", "A1", 4), "twice"),
    "another round in the file": _ingest(cell(PERSONS_RAW, "m0489_meta_survey_round", "2"), "tell another round"),
    "multiples contradict": _ingest(frame_of(PERSONS_RAW, other_children), "its text and its 0/1 columns differ"),
    "empty file": _ingest(content(PERSONS_RAW, lambda _: b""), "is empty"),
    "header only": _ingest(content(PERSONS_RAW, lambda before: before.splitlines()[0] + b"\n"), "holds no records"),
    "cut off": _ingest(content(PERSONS_RAW, lambda before: before[:-40]), "rows do not have"),
    "another encoding": _ingest(content(PERSONS_RAW, lambda b: b.decode().encode("utf-16")), "is not text in utf-8"),
    "a workbook named csv": _ingest(
        content(PERSONS_RAW, lambda before: b"PK\x03\x04" + before), "is a damaged archive"
    ),
    "file absent": _ingest(gone(PERSONS_RAW), "there is no such file"),
    "total and parts differ": Case(
        INGEST_COUNTS, cell(COUNTS_RAW, "m1536_loc_num_arrival_ind_period", "12"), 11, "DataError", "is not the sum of"
    ),
    # The dictionary, and params.yaml
    "dictionary: broken YAML": _ingest(
        appended(PERSONS_DICTIONARY, "\n  - [unclosed"), "not readable as YAML", 10, "DictionaryError"
    ),
    "dictionary: unknown entry": _ingest(document(PERSONS_DICTIONARY, owner="us"), "`owner`", 10, "DictionaryError"),
    "dictionary: follows nothing": _ingest(
        swapped(PERSONS_DICTIONARY, "follows: m0305_meta_adm3_pcode", "follows: m0000"),
        "which is no variable",
        10,
        "DictionaryError",
    ),
    "dictionary: a column less": _ingest(
        lambda c: c.edit(PERSONS_DICTIONARY, lambda found: found["variables"].pop()), "has no entry"
    ),
    "dictionary absent": _ingest(gone(PERSONS_DICTIONARY), "there is no such file", 10, "DictionaryError"),
    "extract not in params": _ingest(
        lambda c: c.edit("params.yaml", lambda found: found["extracts"].pop("registration_r01")),
        "there is no extract `registration_r01`",
        10,
        "DictionaryError",
    ),
    "params: broken YAML": _assess(appended("params.yaml", "\nrequests: {"), 10, "RequestError", "not readable"),
    "params: an entry twice": _assess(appended("params.yaml", "\nrequests: {}\n"), 10, "RequestError", "stands twice"),
    # The policy
    "policy: broken YAML": _assess(appended("policies/public.yaml", "\nk: ["), 10, "PolicyError", "not readable"),
    "policy: k of 0": _assess(rule("public", "k", 0), 10, "PolicyError", "`k` must lie from 1"),
    "policy: a rule less": _assess(
        lambda c: c.edit("policies/public.yaml", lambda found: found.pop("ell")), 10, "PolicyError", "`ell`"
    ),
    "policy absent": _assess(gone("policies/public.yaml"), 10, "PolicyError", "there is no such file"),
    "k larger than n": _assess(rule("public", "k", 5000), 13, "DisclosureError", "fewer records than the k"),
    "a promise that nothing keeps": _assess(
        rule("public", "max_household_risk", 0.000001), 13, "DisclosureError", "cannot be met with any"
    ),
    # The request
    "request: broken YAML": _assess(appended(PERSONS_FILE, "\nrounds: ["), 10, "RequestError", "not readable"),
    "request: unknown entry": _assess(document(PERSONS_FILE, urgent=True), 10, "RequestError", "`urgent`"),
    "request absent": _assess(gone(PERSONS_FILE), 10, "RequestError", "there is no such file"),
    "request of another name": _assess(document(PERSONS_FILE, id="REQ-2026-099"), 10, "RequestError", "REQ-2026-099"),
    "approval in the file": _assess(
        document(PERSONS_FILE, approval={"by": "ACT-0012", "on": "2026-11-10"}), 10, "RequestError", "register only"
    ),
    # The register
    "withdrawn": _assess(ended("withdrawn"), 15, "ApprovalError", "holds it as `withdrawn`"),
    "revoked": _assess(ended("revoked"), 15, "ApprovalError", "holds it as `revoked`"),
    "no register": _assess(gone("data/register/register.sqlite"), 15, "ApprovalError", "there is no register"),
    "a register that others can read": _assess(
        lambda c: (c / "data/register/register.sqlite").chmod(0o644), 14, "IntegrityError", "can read the register"
    ),
    "no register any more": _assess(
        content("data/register/register.sqlite", lambda b: b"x" * len(b)), 14, "IntegrityError", "is no register"
    ),
    "a password in params": _assess(
        document("params.yaml", register="postgresql://sdc:secret@host/sdc"), 10, "RequestError", "stands in no file"
    ),
    "a weaker policy": _assess(
        document(PERSONS_FILE, policy="internal"), 15, "ApprovalError", "is weaker (`internal`) than granted (`public`)"
    ),
    "a number of the policy weakened after the approval": _assess(
        rule("public", "max_household_risk", 1.0),
        15,
        "ApprovalError",
        "promises less than when it was granted: `max_household_risk`",
    ),
    "another recipient": _assess(
        document(PERSONS_FILE, requester={"organisation": "Somebody Else", "type": "private"}),
        15,
        "ApprovalError",
        "names another recipient",
    ),
    "more rounds": _assess(document(PERSONS_FILE, rounds=[1, 7]), 15, "ApprovalError", "1 rounds beyond"),
    "more variables": _assess(
        lambda c: c.edit(PERSONS_FILE, lambda found: found["variables"].append("r3112_ind_x")),
        15,
        "ApprovalError",
        "1 beyond",
    ),
    "all variables": _assess(document(PERSONS_FILE, variables="all"), 15, "ApprovalError", "all beyond"),
    "changed since": _assess(
        document(PERSONS_FILE, purpose="Something quite different from that."), 15, "ApprovalError", "was changed after"
    ),
    "a later expiry": _assess(document(PERSONS_FILE, expires="2030-01-31"), 15, "ApprovalError", "later than granted"),
    "an agreement that ended": _assess(until("2026-02-01"), 15, "ApprovalError", "the agreement ended on 2026-02-01"),
    "a grant that expired": _assess(
        until("2028-01-01", "2026-02-01"), 15, "ApprovalError", "the grant expired on 2026-02-01"
    ),
    "a grant put in by hand": _assess(
        in_register(f"UPDATE granted SET expires = '2099-12-31' WHERE request_id = '{PERSONS}'", "granted_no_update"),
        14,
        "IntegrityError",
        "table `granted`",
    ),
    "an event changed by hand": _assess(
        in_register("UPDATE event SET actor = 'ACT-0099' WHERE seq = 20", "event_no_update"),
        14,
        "IntegrityError",
        "event 20: was changed",
    ),
    "an event taken out": _assess(
        in_register("DELETE FROM event WHERE seq = 20", "event_no_delete"), 14, "IntegrityError", "event 21"
    ),
    "expired": _assess(document(PERSONS_FILE, expires="2026-01-31"), 15, "ApprovalError", "expired on 2026-01-31"),
    "wired to another policy": _assess(wiring(policy="restricted"), 10, "RequestError", "the request says `public`"),
    "wired to another component": _assess(
        wiring(component="mobility_tracking"), 10, "RequestError", "the request says `registration`"
    ),
    "not in params": _assess(
        lambda c: c.edit("params.yaml", lambda found: found["requests"].pop(PERSONS)),
        10,
        "RequestError",
        "is not among the requests",
    ),
    "asks for what does not exist": _assess(
        approved(ask_for("r4000_ind_income")), 10, "RequestError", "`r4000_ind_income`"
    ),
    "a round without extract": _assess(approved(document(PERSONS_FILE, rounds=[1, 7])), 10, "RequestError", "round 7"),
    "two extracts of one round": _assess(extract_twice, 10, "RequestError", "has 2 extracts"),
    # What the stages before wrote
    "typed table absent": _assess(
        gone("data/typed/registration/registration_r01.parquet"), 11, "DataError", "there is no such file"
    ),
    "typed table damaged": _assess(
        content("data/typed/registration/registration_r01.parquet", lambda before: before[:-3000]),
        11,
        "DataError",
        "is no typed table",
    ),
    "plan with an unknown step": Case(
        f"protect@{PERSONS}",
        in_json(f"data/assessed/{PERSONS}/plan.json", lambda found: found["steps"][0].update(name="anonymise")),
        10,
        "RequestError",
        "`anonymise` is no step",
    ),
    "plan damaged": Case(
        f"protect@{PERSONS}",
        content(f"data/assessed/{PERSONS}/plan.json", lambda before: before[:200]),
        11,
        "DataError",
        "is no JSON",
    ),
    "plan without its entries": Case(
        f"protect@{PERSONS}",
        in_json(f"data/assessed/{PERSONS}/plan.json", lambda found: found.pop("steps")),
        10,
        "RequestError",
        "a step lacks",
    ),
    "plan of another request": Case(
        f"protect@{PERSONS}",
        in_json(f"data/assessed/{PERSONS}/plan.json", lambda found: found.update(request=SITES)),
        14,
        "IntegrityError",
        "another request",
    ),
    "expired before protect": Case(
        f"protect@{PERSONS}", document(PERSONS_FILE, expires="2026-01-31"), 15, "ApprovalError", "expired"
    ),
    "plan edited after the ledger": Case(
        f"validate@{PERSONS}",
        in_json(f"data/assessed/{PERSONS}/plan.json", drop_step),
        14,
        "IntegrityError",
        "are not the steps of the plan",
    ),
    "protected table absent": Case(
        f"validate@{PERSONS}",
        gone(f"data/protected/{PERSONS}/table.parquet"),
        11,
        "DataError",
        "there is no such file",
    ),
    "suite edited by hand": Case(
        f"validate@{PERSONS}", swapped(SUITE, '"stop"', '"report"'), 10, "DictionaryError", "sdc expectations write"
    ),
    "suite absent": Case(f"validate@{PERSONS}", gone(SUITE), 10, "DictionaryError", "sdc expectations write"),
    "verdict that fails": Case(
        f"release@{PERSONS}",
        in_json(f"data/verdicts/{PERSONS}/verdict.json", lambda found: found.update(gate="fail")),
        13,
        "DisclosureError",
        "no package is written",
    ),
    "verdict of another request": Case(
        f"release@{PERSONS}",
        in_json(f"data/verdicts/{PERSONS}/verdict.json", lambda found: found.update(request=SITES)),
        14,
        "IntegrityError",
        "another request",
    ),
    "another table than was judged": Case(
        f"release@{PERSONS}", unjudged_table, 14, "IntegrityError", "is not the one that was judged"
    ),
    "another plan than was judged": Case(
        f"release@{PERSONS}",
        in_json(f"data/assessed/{PERSONS}/plan.json", drop_step),
        14,
        "IntegrityError",
        "is not the one that was judged",
    ),
    "ledger changed since it was judged": Case(
        f"release@{PERSONS}",
        in_json(f"data/protected/{PERSONS}/ledger.json", lambda found: found.update(note="x")),
        14,
        "IntegrityError",
        "is not the one that was judged",
    ),
    "policy changed since it was judged": Case(
        f"release@{PERSONS}",
        rule("public", "max_household_risk", 0.01),
        14,
        "IntegrityError",
        "the one that was judged",
    ),
    "key that others can read": Case(
        f"release@{PERSONS}", lambda c: (c / ".sdc/key").chmod(0o640), 14, "IntegrityError", "others than its owner"
    ),
    # The command line
    "publish: no candidate": Case(
        f"sdc publish {PERSONS} --as ACT-0002",
        lambda c: c.package(PERSONS).rename(c / "elsewhere"),
        14,
        "IntegrityError",
        "there is no candidate",
    ),
    "publish: gate failed": Case(
        f"sdc publish {PERSONS} --as ACT-0002",
        in_json(f"data/verdicts/{PERSONS}/verdict.json", lambda found: found.update(gate="fail")),
        13,
        "DisclosureError",
        "Nothing is published",
    ),
    "publish: expired": Case(
        f"sdc publish {PERSONS} --as ACT-0002",
        document(PERSONS_FILE, expires="2026-01-31"),
        15,
        "ApprovalError",
        "expired",
    ),
    "publish: revoked": Case(
        f"sdc publish {PERSONS} --as ACT-0002", ended("revoked"), 15, "ApprovalError", "`revoked`"
    ),
    "publish: another recipient": Case(
        f"sdc publish {PERSONS} --as ACT-0002",
        document(PERSONS_FILE, requester={"organisation": "Somebody Else", "type": "private"}),
        15,
        "ApprovalError",
        "names another recipient",
    ),
    "publish: request changed since": Case(
        f"sdc publish {PERSONS} --as ACT-0002",
        document(PERSONS_FILE, title="Another one"),
        15,
        "ApprovalError",
        "after",
    ),
    "publish: agreement ended": Case(
        f"sdc publish {PERSONS} --as ACT-0002", until("2026-02-01"), 15, "ApprovalError", "agreement ended"
    ),
    "publish: policy weakened": Case(
        f"sdc publish {PERSONS} --as ACT-0002",
        rule("public", "max_household_risk", 1.0),
        15,
        "ApprovalError",
        "promises less than when it was granted",
    ),
    "publish: audit failed": Case(
        f"sdc publish {PERSONS} --as ACT-0002",
        in_json(AUDIT, lambda found: found.update(gate="fail")),
        13,
        "DisclosureError",
        "no package is written",
    ),
    "publish: audit not ended": Case(
        f"sdc publish {PERSONS} --as ACT-0002",
        in_json(AUDIT, lambda found: found.update(complete=False)),
        13,
        "DisclosureError",
        "no package is written",
    ),
    "publish: audited before another release": Case(
        f"sdc publish {PERSONS} --as ACT-0002",
        in_json("data/facts/registration/index.json", lambda found: found["releases"].append(KNOWN)),
        14,
        "IntegrityError",
        "before another release of its population",
    ),
    "publish: facts of another audit": Case(
        f"sdc publish {PERSONS} --as ACT-0002",
        in_json(AUDIT, lambda found: found.update(facts_sha256="0" * 64)),
        14,
        "IntegrityError",
        "not the facts that were audited",
    ),
    "publish: another table than was judged": Case(
        f"sdc publish {PERSONS} --as ACT-0002", unjudged_table, 14, "IntegrityError", "is of another table"
    ),
    "publish: never approved": Case(
        f"sdc publish {UNAPPROVED} --as ACT-0002", lambda _: None, 15, "ApprovalError", "`appraisal`"
    ),
    "publish: by nobody": Case(f"sdc publish {PERSONS}", lambda _: None, 15, "ApprovalError", "says not who acts"),
    "publish: by one who may not": Case(
        f"sdc publish {PERSONS} --as ACT-0031", lambda _: None, 15, "ApprovalError", "may `publish`"
    ),
    "publish: not reviewed": Case(
        f"sdc publish {PERSONS} --as ACT-0002",
        in_package("manifest.json", lambda before: before + b"\n"),
        15,
        "ApprovalError",
        "0 of 2 reviewers",
    ),
    "publish: taken back": Case(
        f"sdc publish {PERSONS} --as ACT-0002", approved(lambda _: None), 15, "ApprovalError", "is `preparing`"
    ),
    "publish: by a name": Case(
        f"sdc publish {PERSONS} --as Mister@Example", lambda _: None, 15, "ApprovalError", "is not an actor"
    ),
    "publish: policy changed since": Case(
        f"sdc publish {PERSONS} --as ACT-0002", rule("public", "k", 6), 14, "IntegrityError", "policy"
    ),
    "publish: dictionary changed since": Case(
        f"sdc publish {PERSONS} --as ACT-0002",
        document(PERSONS_DICTIONARY, version="9.0.0"),
        14,
        "IntegrityError",
        "dictionary",
    ),
    "publish: cell changed": Case(
        f"sdc publish {PERSONS} --as ACT-0002",
        in_package("data/registration.csv", lambda before: before.replace(b"female", b"male", 1)),
        14,
        "IntegrityError",
        "was changed",
    ),
    "verify: cell changed": Case(
        "sdc verify {package}",
        in_package("data/registration.csv", lambda before: before.replace(b"female", b"male", 1)),
        14,
        "IntegrityError",
        "was changed",
    ),
    "verify: a file more": Case(
        "sdc verify {package}", in_package("data/notes.txt", lambda _: b"x"), 14, "IntegrityError", "is unexpected"
    ),
    "verify: no package": Case("sdc verify nowhere", lambda _: None, 14, "IntegrityError", "is no folder"),
    "check: suite edited by hand": Case(
        "sdc check", swapped(SUITE, '"stop"', '"report"'), 10, "DictionaryError", "sdc expectations write"
    ),
    "check: broken request": Case("sdc check", document(PERSONS_FILE, expires="soon"), 10, "RequestError", "expires"),
    "check: no such policy": Case(
        "sdc check", document(PERSONS_FILE, policy="secret"), 10, "RequestError", "names `secret`"
    ),
    "explain: no plan": Case(
        f"sdc explain {PERSONS}",
        gone(f"data/assessed/{PERSONS}/plan.json"),
        11,
        "DataError",
        "there is no such file",
    ),
    "explain: no request": Case("sdc explain REQ-2026-404", lambda _: None, 10, "RequestError", "there is no such"),
}


@pytest.mark.parametrize("case", CASES.values(), ids=CASES.keys())
def test_refuses(case, bare, built, call):
    words = (
        case.called.format(package=bare.package(PERSONS).relative_to(bare.root)).split()
        if case.called.startswith("sdc ")
        else bare.command(case.called)
    )
    case.breakage(bare)
    before = bare.files()
    done = call(bare.root, words)
    assert done.code == case.code, done.err
    assert done.out == ""
    assert done.err.startswith(f"{case.error}: "), done.err
    assert case.says in done.err
    where, what, do = _parts(done.err)
    assert where
    assert what
    assert do, "an error says what to do"
    assert _without_store(bare.files()) == _without_store(before)
    (bare.root.parent / "told").write_text(done.err)
    assert not leaks([bare.root.parent / "told"], [token for kind in built.tokens.values() for token in kind])


def test_the_same_calls_work_on_what_is_not_broken(bare, call):
    """Or else a refusal shows nothing."""
    for stage in (INGEST_PERSONS, INGEST_COUNTS, f"assess@{PERSONS}", f"protect@{PERSONS}", f"release@{PERSONS}"):
        runs = []
        for _ in range(2):
            done = call(bare.root, bare.command(stage))
            assert (done.code, done.err) == (0, ""), stage
            runs.append(bare.files())
        assert runs[0] == runs[1], f"{stage} gives other bytes the second time"
    package = str(bare.package(PERSONS).relative_to(bare.root))
    for words in (("check",), ("explain", PERSONS), ("verify", "--candidate", package)):
        done = call(bare.root, ["sdc", *words])
        assert (done.code, done.err) == (0, ""), words
    reviewed(bare, PERSONS)
    done = call(bare.root, ["sdc", "publish", PERSONS, *ACTOR])
    assert (done.code, done.err) == (0, "")


class TestAVerdictThatFails:
    """The page is written, so that somebody can see why; a package is not."""

    @pytest.fixture
    def spoiled(self, bare) -> Checkout:
        """Three small counts back in the protected table, as a broken step would leave them."""
        path = bare / f"data/protected/{COUNTS}/table.parquet"
        table = read_table(path)
        rows = table.rows.copy()
        rows.loc[rows.index[:3], "m0851_loc_num_return_idp_ind"] = 2
        write_table(table.with_rows(rows), path)
        return bare

    def test_no_package(self, spoiled, call):
        before = spoiled.files()
        done = call(spoiled.root, spoiled.command(f"validate@{COUNTS}"))
        assert done.code == 13
        assert "minimum_count" in done.err
        assert "no package is written" in done.err
        verdict = json.loads((spoiled / f"data/verdicts/{COUNTS}/verdict.json").read_text())
        assert verdict["gate"] == "fail"
        assert "fail" in (spoiled / f"data/verdicts/{COUNTS}/report.html").read_text().lower()
        assert json.loads((spoiled / f"metrics/{COUNTS}.json").read_text())["gate"] == "fail"
        after = spoiled.files()
        changed = {path for path in before | after if before.get(path) != after.get(path)}
        assert all(path.startswith((f"data/verdicts/{COUNTS}/", f"metrics/{COUNTS}.")) for path in changed)
        for words, code in ((spoiled.command(f"release@{COUNTS}"), 13), (["sdc", "publish", COUNTS, *ACTOR], 14)):
            refused = call(spoiled.root, words)
            assert refused.code == code, refused.err
            assert _without_store(spoiled.files()) == _without_store(after)
        assert not (spoiled / "releases" / COUNTS).exists()


def test_check_tells_all_faults_of_all_documents_at_once(bare, call):
    for breakage in (
        document(PERSONS_FILE, expires="soon", purpose="x"),
        rule("public", "k", 0),
        document(PERSONS_DICTIONARY, owner="us"),
    ):
        breakage(bare)
    done = call(bare.root, ["sdc", "check"])
    assert done.code == 10
    for told in ("expires", "purpose", "`k`", "owner"):
        assert told in done.err


def test_all_faults_of_an_extract_are_told_at_once(bare, call):
    for breakage in (
        cell(PERSONS_RAW, "r3110_ind_sex", "unknown", 3),
        cell(PERSONS_RAW, "r3111_ind_age", "old", 7),
        frame_of(PERSONS_RAW, unknown_column),
    ):
        breakage(bare)
    done = call(bare.root, bare.command(INGEST_PERSONS))
    assert done.code == 11
    for told in ("r3110_ind_sex", "r3111_ind_age", "r9999_ind_shoe_size"):
        assert told in done.err


def _parts(text: str) -> tuple[str, str, str]:
    """Where, what, and what to do, of the first fault."""
    found = re.match(r"\w+Error: (.+?): (.+)\n((?:.*\n)*)", text)
    assert found, text
    return found[1], found[2], "".join(line for line in found[3].splitlines() if line.startswith("  "))


def _without_store(files: dict[str, str]) -> dict[str, str]:
    """Without what a refused publication may leave: its locks, and a catalogue without releases."""
    left = {"releases/.lock", "releases/catalogue.json", "releases/catalogue.csv"}
    return {path: digest for path, digest in files.items() if path not in left and not path.endswith("/.publishing")}
