"""What the register refuses: every pair of states, every role, and the rules that the database itself keeps."""

import tempfile
from pathlib import Path

import pytest
import sqlalchemy as sa

from register_cases import (
    ACTORS,
    AT,
    BOTH,
    MANIFEST,
    OFFICER,
    OTHER,
    REVIEWER,
    SECOND,
    VERBS,
    WAYS,
    YES,
    bring,
    entry,
    go,
    office,
    order,
)
from sdc.errors import ApprovalError, IntegrityError, RequestError, SdcError
from sdc.register.history import append
from sdc.register.states import MOVES, PERMISSIONS, STATES, TRANSITIONS


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def shop(request):
    """Gives the URL of a new, empty database each time it is called."""
    if request.param == "sqlite":
        numbers = iter(range(10**6))
        with tempfile.TemporaryDirectory(dir="/dev/shm" if Path("/dev/shm").is_dir() else None) as folder:
            yield lambda: f"{folder}/{next(numbers)}.sqlite"
        return
    url = sa.make_url(request.getfixturevalue("postgres_url"))
    server = sa.create_engine(url, isolation_level="AUTOCOMMIT", poolclass=sa.NullPool)
    names = iter(range(10**6))

    def new() -> str:
        name = f"register_{next(names)}"
        with server.connect() as connection:
            connection.exec_driver_sql(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")
            connection.exec_driver_sql(f"CREATE DATABASE {name}")
        return url.set(database=name).render_as_string(hide_password=False)

    yield new


@pytest.fixture(scope="module")
def register(shop):
    """One register for all tests of a database; each request has an id of its own."""
    with office(shop()) as made:
        yield made


@pytest.fixture(scope="module")
def ids():
    numbers = iter(range(1000, 10000))
    return lambda: f"REQ-2026-{next(numbers)}"


def raw(register, statement, **values):
    """A statement past all verbs, as somebody with a database client would type it."""
    with register.writing() as connection:
        connection.execute(sa.text(statement), values)


class TestStates:
    def test_each_state_can_be_reached(self, register, ids):
        for state in STATES:
            bring(register, state, ids())
        register.verify()

    @pytest.mark.parametrize("before", STATES)
    @pytest.mark.parametrize("after", STATES)
    def test_a_pair_of_states_is_allowed_or_refused(self, register, ids, before, after):
        """The database's own word, with an event that tells the change as it should."""
        id = ids()
        bring(register, before, id)
        allowed = before == after or (before, after) in TRANSITIONS
        try:
            with register.writing() as connection:
                row = dict(
                    connection.execute(sa.text("SELECT * FROM request WHERE id = :id"), {"id": id}).mappings().one()
                )
                words = {"reason": "a reason", "closure": "a closure", "asked_from": "appraisal"}
                append(
                    connection,
                    verb="receive",
                    actor=OFFICER,
                    at=AT,
                    request_id=id,
                    before=before,
                    after=after,
                    rows=[("request", {**row, **words, "state": after})],
                )
        except ApprovalError as refused:
            told = str(refused)
            if allowed:  # the way is there; what must be done on it is not done
                assert "no way" not in told
                assert after in ("approved", "preparing", "review", "shared"), told
            else:
                assert (
                    "no way" in told or "grant" in told or "prepares" in told or "review" in told or "released" in told
                )
            assert register.state(id) == before
        else:
            assert allowed, (before, after)
            assert register.state(id) == after

    @pytest.mark.parametrize("before", ["", *STATES])
    @pytest.mark.parametrize("verb", sorted(VERBS))
    def test_a_verb_leads_where_the_table_says_or_is_refused(self, register, ids, verb, before):
        id = ids()
        bring(register, before, id)
        name = {"answers": "appraise", "return": "review", "fulfil": "obligation"}.get(verb, verb)
        ways = {after for start, after in MOVES[name] if start == before}
        needs = {("publish", "review"), ("share", "review")}
        if verb == "fulfil" and ways:
            go(register, "obligation", id=id)
        events = register.head().events
        if verb == "publish" and "publish" in WAYS[before]:
            go(register, verb, id=id)  # it is entered already
            assert register.head().events == events
            return
        if not ways or (verb, before) in needs or (verb == "answers" and before == "received"):
            if not (verb == "answers" and before == "received"):
                with pytest.raises(ApprovalError):
                    go(register, verb, id=id)
                assert register.state(id) == (before or None)
                assert register.head().events == events
            return
        if verb == "submit":
            go(register, verb, id=id, manifest_sha256=OTHER)
        else:
            go(register, verb, id=id)
        assert register.state(id) in ways
        assert register.head().events == events + 1


class TestPermissions:
    @pytest.mark.parametrize("actor", [*ACTORS, "ACT-X9"])
    @pytest.mark.parametrize("verb", sorted(set(VERBS) - {"return", "answers", "fulfil"}))
    def test_a_verb_is_for_its_roles_only(self, register, ids, verb, actor):
        """The actor may where a role of the matrix says so; where not, verb and database both refuse."""
        id, before = ids(), min((w for w in {a for a, _ in MOVES[verb]}), key=lambda s: len(WAYS[s]))
        bring(register, before, id)
        if verb in ("publish", "share"):
            go(register, "review", id=id)
            go(register, "review", SECOND, id=id)
            if verb == "share":
                go(register, "publish", id=id)
        may = bool(set(ACTORS.get(actor, ())) & set(PERMISSIONS[verb]))
        if may:
            go(register, verb, actor, id=id)
            return
        with pytest.raises(ApprovalError, match=r"may `|not an actor"):
            go(register, verb, actor, id=id)
        with pytest.raises(ApprovalError, match="holds no role"), register.writing() as connection:
            append(connection, verb=verb, actor=actor, at=AT, request_id=id, rows=[])
        assert register.state(id) == (before or None)

    def test_an_actor_who_was_shut_out_may_nothing(self, shop, ids):
        with office(shop()) as register:
            register.set_actor(OFFICER, ["officer"], actor="ACT-M1", at=AT, active=False)
            with pytest.raises(ApprovalError, match="not an actor"):
                bring(register, "received", ids())
            register.set_actor(OFFICER, ["officer"], actor="ACT-M1", at=AT)
            bring(register, "received", ids())
            with pytest.raises(ApprovalError, match="last manager"):
                register.set_actor("ACT-M1", ["officer"], actor="ACT-M1", at=AT)
            with pytest.raises(ApprovalError, match="may `actor`"):
                register.set_actor("ACT-M2", ["officer"], actor=OFFICER, at=AT)
            for who in ("Amina Example", "Amina", "a@b.org1", "", "x" * 70 + "1"):
                with pytest.raises(RequestError):
                    register.set_actor(who, ["officer"], actor="ACT-M1", at=AT)
            with pytest.raises(RequestError, match="there is no role"):
                register.set_actor("ACT-M2", ["boss"], actor="ACT-M1", at=AT)
            register.verify()


class TestRules:
    def test_no_approval_without_five_answers(self, register, ids):
        id = ids()
        for verb in ("receive", "appraise"):
            go(register, verb, id=id)
        with pytest.raises(ApprovalError, match="five answers"):
            go(register, "approve", id=id)
        with pytest.raises(RequestError, match="answers all of"):
            go(register, "answers", id=id, answers={"data": ("yes", "It is.")})
        go(register, "answers", id=id, answers={**YES, "outputs": ("no", "It would disclose.")})
        with pytest.raises(ApprovalError, match="none of them `no`"):
            go(register, "approve", id=id)
        go(register, "answers", id=id, answers={**YES, "outputs": ("conditional", "After a check.")})
        go(register, "approve", id=id)
        assert register.grant(id).order_sha256

    def test_an_approval_past_the_verbs_needs_a_grant(self, register, ids):
        id = ids()
        bring(register, "appraisal", id)
        with pytest.raises(ApprovalError, match=r"no state without an event|without a grant"):
            raw(register, "UPDATE request SET state = 'approved' WHERE id = :id", id=id)

    def test_a_reopened_request_is_appraised_and_approved_anew(self, register, ids):
        id = ids()
        bring(register, "closed", id)
        go(register, "reopen", id=id)
        assert register.grant(id) is None
        with pytest.raises(ApprovalError, match="five answers"):
            go(register, "approve", id=id)
        go(register, "answers", id=id)
        go(register, "approve", id=id)
        assert register.grant(id).state == "approved"

    def test_two_others_approve_what_one_prepared(self, register, ids):
        id = ids()
        bring(register, "preparing", id)
        go(register, "prepare", BOTH, id=id)
        go(register, "submit", id=id)
        with pytest.raises(ApprovalError, match="whoever prepared it"):
            go(register, "review", BOTH, id=id)
        with pytest.raises(ApprovalError, match="names its hash"):
            go(register, "review", id=id, manifest_sha256=OTHER)
        go(register, "review", id=id)
        with pytest.raises(ApprovalError, match="has voted"):
            go(register, "review", id=id)
        for refused in (lambda: go(register, "publish", id=id), lambda: register.approvers(id, MANIFEST)):
            with pytest.raises(ApprovalError, match=r"two distinct|1 of 2"):
                refused()
        go(register, "review", SECOND, id=id)
        assert register.approvers(id, MANIFEST) == (REVIEWER, SECOND)
        with pytest.raises(ApprovalError, match="0 of 2"):
            register.approvers(id, OTHER)
        with pytest.raises(ApprovalError, match="two distinct"):
            go(register, "publish", id=id, manifest=OTHER)
        go(register, "publish", id=id)

    def test_votes_end_with_the_submission_they_were_given_on(self, register, ids):
        id = ids()
        bring(register, "review", id)
        go(register, "review", SECOND, id=id)
        with pytest.raises(RequestError, match="vote_returns_with_a_note"):
            go(register, "return", id=id, note=None)
        go(register, "return", id=id)
        assert register.state(id) == "preparing"
        go(register, "submit", id=id)
        with pytest.raises(ApprovalError, match="0 of 2"):
            register.approvers(id, MANIFEST)
        go(register, "review", id=id)
        go(register, "review", SECOND, id=id)
        go(register, "publish", id=id)

    def test_a_release_is_entered_once_and_another_is_refused(self, register, ids):
        id = ids()
        bring(register, "shared", id)
        events = register.head().events
        go(register, "publish", id=id)
        assert register.head().events == events
        with pytest.raises(IntegrityError, match="another package"):
            go(register, "publish", id=id, manifest=OTHER)
        with pytest.raises(IntegrityError, match="another package"):
            go(register, "publish", id=id, release_id="DTM-OTHER")

    def test_a_withdrawal_has_a_reason(self, register, ids):
        id = ids()
        bring(register, "shared", id)
        release = entry(id)["release_id"]
        for reason in (None, "", "because"):
            with pytest.raises(RequestError, match="mark_withdrawn_with_a_reason"):
                register.marked(release, "withdrawn", OFFICER, AT, reason=reason)
        with pytest.raises(ApprovalError, match="no such release"):
            register.marked("DTM-NONE", "withdrawn", OFFICER, AT, reason="legal")
        with pytest.raises(RequestError, match="mark_kind"):
            register.marked(release, "lost", OFFICER, AT)
        register.marked(release, "withdrawn", OFFICER, AT, reason="legal")
        register.marked(release, "withdrawn", OFFICER, AT, reason="legal")
        (row,) = register.releases(id)
        assert row["status"] == "withdrawn"
        with pytest.raises(ApprovalError, match="standing release"):
            go(register, "share", id=id)

    def test_a_deletion_date_becomes_an_obligation_that_is_met_before_the_end(self, register, ids):
        id = ids()
        bring(register, "review", id)
        go(register, "review", id=id)
        go(register, "review", SECOND, id=id)
        go(register, "publish", id=id, delete_by="2027-12-31")
        go(register, "share", id=id)
        go(register, "share", id=id, channel="in_person")
        go(register, "follow_up", id=id)
        with pytest.raises(ApprovalError, match="obligations are open"):
            go(register, "close", id=id)
        go(register, "fulfil", id=id)
        with pytest.raises(ApprovalError, match="confirmed already"):
            go(register, "fulfil", id=id)
        with pytest.raises(RequestError, match="no such obligation"):
            go(register, "fulfil", id=id, number=2)
        go(register, "close", id=id)

    @pytest.mark.parametrize(
        ("changes", "says"),
        [
            ({"category": "gossip"}, "request_category"),
            ({"urgency": "yesterday"}, "request_urgency"),
            ({"importance": "huge"}, "request_importance"),
            ({"data_level": "raw"}, "request_data_level"),
            ({"onward_sharing": "sure"}, "request_onward_sharing"),
            ({"needed_on": "soon"}, "is no date"),
        ],
    )
    def test_an_entry_outside_its_list_is_refused(self, register, ids, changes, says):
        with pytest.raises(RequestError, match=says):
            go(register, "receive", id=ids(), **changes)

    def test_a_request_is_received_once_and_must_be_there(self, register, ids):
        id = ids()
        go(register, "receive", id=id)
        with pytest.raises(ApprovalError, match="holds this request already"):
            go(register, "receive", id=id)
        with pytest.raises(ApprovalError, match="holds no such request"):
            go(register, "appraise", id="REQ-2026-99999")

    def test_what_is_restricted_needs_an_agreement(self, register, ids):
        id = ids()
        bring(register, "appraisal", id)
        with pytest.raises(ApprovalError, match="names no agreement"):
            go(register, "approve", id=id, order=order(id=id, policy="restricted"))
        go(register, "approve", id=id, order=order(id=id, policy="restricted", agreement="DSA-1"))
        assert (register.grant(id).tier, register.grant(id).agreement) == ("restricted", "DSA-1")


@pytest.fixture(scope="module")
def full(shop):
    """A register in which every table of facts holds something."""
    with office(shop()) as register:
        bring(register, "closed")
        yield register


TABLES = ("event", "appraisal", "granted", "preparation", "submission", "vote", "released", "delivery", "transition")


class TestPastTheVerbs:
    """As somebody with a database client would try it."""

    @pytest.mark.parametrize("table", TABLES)
    @pytest.mark.parametrize("statement", ["UPDATE {t} SET {c} = {c}", "DELETE FROM {t}"])
    def test_a_row_never_changes(self, full, table, statement):
        columns = {"event": "verb", "transition": "state_after", "released": "version"}
        column = columns.get(table, "request_id")
        with pytest.raises(IntegrityError, match="only ever adds"):
            raw(full, statement.format(t=table, c=column))
        full.verify()

    @pytest.mark.parametrize("table", ["request", "obligation", "actor", "actor_role"])
    def test_a_row_is_never_removed(self, full, table):
        go(full, "obligation", kind="other")
        with pytest.raises(IntegrityError, match="only ever adds"):
            raw(full, f"DELETE FROM {table}")

    def test_an_event_cannot_be_put_anywhere_but_at_the_end(self, full):
        for seq, previous in ((1, "0" * 64), (10**6, "0" * 64), (full.head().events + 1, "0" * 64)):
            with pytest.raises(IntegrityError):
                raw(
                    full,
                    "INSERT INTO event VALUES (:s, 't', 'ACT-O1', 'use', NULL, NULL, NULL, '[]', :p, :h)",
                    s=seq,
                    p=previous,
                    h="f" * 64,
                )
        full.verify()

    def test_replacing_a_row_is_no_way_around(self, full):
        if full.path is None:
            with pytest.raises(SdcError):
                raw(full, "TRUNCATE event")
            return
        for statement in ("INSERT OR REPLACE", "REPLACE"):
            with pytest.raises(IntegrityError):
                raw(full, f"{statement} INTO vote SELECT * FROM vote LIMIT 1")
        full.verify()
