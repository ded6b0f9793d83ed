"""The register under attack: killed, tampered with, restored, moved, four writers, a full disk, a shut door."""

import errno
import itertools
import json
import os
import resource
import shutil
import sqlite3
import subprocess
import sys
import tempfile
from contextlib import closing
from pathlib import Path

import pytest
import sqlalchemy as sa

from register_cases import AT, ID, MANAGER, MANIFEST, OFFICER, bring, entry, go, office
from sdc.errors import ApprovalError, IntegrityError, RequestError
from sdc.register import create_register, open_register
from sdc.register.history import Head, canonical, hash_of
from sdc.register.keeping import backup, migrate, read_anchor, restore, write_anchor
from sdc.register.rules import ALL, sqlite_triggers
from sdc.register.tables import KEPT

TESTS = Path(__file__).resolve().parents[1]


@pytest.fixture(scope="module")
def template(tmp_path_factory):
    path = tmp_path_factory.mktemp("template") / "register.sqlite"
    with office(str(path)) as register:
        bring(register, "closed")
        go(register, "use")
        bring(register, "appraisal", "REQ-2026-043")
    return path


@pytest.fixture
def tmp_path():
    """In memory where there is such a place: a disk syncs for seconds what a kill or a forger does not touch."""
    with tempfile.TemporaryDirectory(dir="/dev/shm" if Path("/dev/shm").is_dir() else None) as folder:
        yield Path(folder)


@pytest.fixture
def path(template, tmp_path):
    copy = tmp_path / "register.sqlite"
    shutil.copy2(template, copy)
    return copy


def alter(path, *statements, keep_rules=False):
    """Somebody with the file and a database client: the rules taken away, and put back as they were."""
    with closing(sqlite3.connect(path, isolation_level=None)) as base:
        for rule in ALL:
            base.execute(f"DROP TRIGGER {rule.name}")
        for statement in statements:
            base.execute(statement)
        if not keep_rules:
            for trigger in sqlite_triggers():
                base.execute(trigger)


def verify(path, *anchors):
    with open_register(str(path)) as register:
        return register.verify(anchors)


class TestTampering:
    @pytest.mark.parametrize(
        "column",
        ["at", "actor", "verb", "request_id", "state_before", "state_after", "content", "previous_hash", "hash"],
    )
    @pytest.mark.parametrize("seq", [1, 12, 24])
    def test_an_edited_event_is_found(self, path, column, seq):
        alter(path, f"UPDATE event SET {column} = '{'e' * 64}' WHERE seq = {seq}")
        with pytest.raises(IntegrityError, match="event"):
            verify(path)

    @pytest.mark.parametrize("seq", [1, 2, 20])
    def test_a_removed_event_is_found(self, path, seq):
        alter(path, f"DELETE FROM event WHERE seq = {seq}")
        with pytest.raises(IntegrityError, match="removed, added or moved"):
            verify(path)

    def test_a_removed_event_is_found_where_the_others_are_numbered_anew(self, path):
        alter(path, "DELETE FROM event WHERE seq = 20", "UPDATE event SET seq = seq - 1 WHERE seq > 20")
        with pytest.raises(IntegrityError, match="event 20: does not follow"):
            verify(path)

    def test_events_in_another_order_are_found(self, path):
        alter(
            path,
            "UPDATE event SET seq = 999 WHERE seq = 14",
            "UPDATE event SET seq = 14 WHERE seq = 15",
            "UPDATE event SET seq = 15 WHERE seq = 999",
        )
        with pytest.raises(IntegrityError, match="event 14"):
            verify(path)

    def test_an_added_event_is_found(self, path):
        alter(
            path,
            "UPDATE event SET seq = seq + 100000 WHERE seq > 20",
            "INSERT INTO event SELECT 21, at, actor, verb, request_id, state_before, state_after, content, hash, hash "
            "FROM event WHERE seq = 20",
            "UPDATE event SET seq = seq - 99999 WHERE seq > 100000",
        )
        with pytest.raises(IntegrityError, match="event 21"):
            verify(path)

    def test_a_cut_end_is_found_with_an_anchor(self, path):
        before = verify(path)
        alter(path, "DELETE FROM event WHERE seq > (SELECT max(seq) - 3 FROM event)", *_without("REQ-2026-043"))
        with pytest.raises(IntegrityError, match="the end was cut off"):
            verify(path, before)

    def test_a_chain_made_anew_is_found_with_an_anchor(self, path):
        before = verify(path)
        with closing(sqlite3.connect(path)) as base:
            base.row_factory = sqlite3.Row
            events = [dict(row) for row in base.execute("SELECT * FROM event ORDER BY seq")]
        previous, statements = "0" * 64, []
        for event in events:
            event["actor"] = "ACT-Z9" if event["seq"] == 20 else event["actor"]
            event["previous_hash"] = previous
            previous = event["hash"] = hash_of(event)
            statements.append(
                f"UPDATE event SET actor = '{event['actor']}', previous_hash = '{event['previous_hash']}', "
                f"hash = '{previous}' WHERE seq = {event['seq']}"
            )
        alter(path, *statements)
        verify(path)  # nothing within the file can tell
        with pytest.raises(IntegrityError, match="the chain was made anew"):
            verify(path, before)

    @pytest.mark.parametrize("table", [table for table in KEPT if table.name not in ("mark", "obligation")], ids=str)
    @pytest.mark.parametrize("how", ["edit", "add", "remove"])
    def test_a_row_that_no_event_tells_is_found(self, path, table, how):
        key = next(iter(table.primary_key)).name
        plain = [c.name for c in table.columns if not c.primary_key and isinstance(c.type, sa.Text)]
        free = [name for name in plain if name in ("at", "added_at", "received_at")]
        columns = ", ".join(
            {"actor": "'ACT-Z9'", "version": "'9.9.9'", key: "'REQ-2026-999'"}.get(c.name, c.name)
            for c in table.columns
        )
        edit = (
            f"UPDATE {table.name} SET {free[0]} = '2020-01-01T00:00:00Z'"
            if free
            else (f"UPDATE {table.name} SET active = 1 - active")
        )
        statement = {
            "edit": edit,
            "add": f"INSERT INTO {table.name} SELECT {columns} FROM {table.name} LIMIT 1",
            "remove": f"DELETE FROM {table.name}",
        }[how]
        statements = ["PRAGMA ignore_check_constraints = ON", statement]
        alter(path, *statements)
        with pytest.raises(IntegrityError, match=f"table `{table.name}`"):
            verify(path)

    @pytest.mark.parametrize(
        "statement",
        [
            "DROP TRIGGER vote_by_another",
            "DROP TRIGGER event_no_update",
            "CREATE TRIGGER mine AFTER INSERT ON vote BEGIN SELECT 1; END",
            "INSERT INTO transition VALUES ('received', 'approved')",
            "INSERT INTO permission VALUES ('approve', 'officer')",
        ],
    )
    def test_a_rule_that_was_changed_is_found(self, path, statement):
        with closing(sqlite3.connect(path)) as base, base:
            base.execute(statement)
        with pytest.raises(IntegrityError, match="rules of the database"):
            verify(path)

    def test_a_file_that_is_no_register_any_more(self, path):
        path.write_bytes(path.read_bytes()[:5000])
        with pytest.raises(IntegrityError, match=r"damaged|cannot|refused"):
            verify(path)
        path.write_bytes(b"")
        with pytest.raises(ApprovalError, match="holds no register"):
            verify(path)

    def test_the_hash_is_of_the_canonical_content(self, path):
        """As anybody can compute it with the standard library."""
        import hashlib

        with closing(sqlite3.connect(path)) as base:
            base.row_factory = sqlite3.Row
            for row in map(dict, base.execute("SELECT * FROM event")):
                digest = row.pop("hash")
                text = json.dumps(row, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
                assert hashlib.sha256(text.encode()).hexdigest() == digest
        assert canonical({"b": 1, "a": "é"}) == '{"a":"é","b":1}'


def _without(request):
    found = [f"DELETE FROM {table.name} WHERE request_id = '{request}'" for table in KEPT if "request_id" in table.c]
    return [*found, f"DELETE FROM request WHERE id = '{request}'"]


class TestKeeping:
    def test_a_backup_is_the_register_and_replaces_nothing(self, path, tmp_path):
        copy = tmp_path / "backup.sqlite"
        with open_register(str(path)) as register:
            assert backup(register, copy) == register.head()
            with pytest.raises(IntegrityError, match="replaces nothing"):
                backup(register, copy)
        assert copy.stat().st_mode & 0o077 == 0
        assert verify(copy, read_anchor(tmp_path / "backup.sqlite.head.json")) == verify(path)
        assert not list(tmp_path.glob(".*"))

    def test_what_was_there_is_kept_when_a_backup_is_restored(self, path, tmp_path):
        copy = tmp_path / "backup.sqlite"
        with open_register(str(path)) as register:
            backup(register, copy)
            go(register, "use")
            later = register.head()
        head, aside = restore(str(path), copy, aside=tmp_path)
        assert verify(path) == head == read_anchor(tmp_path / "backup.sqlite.head.json")
        assert verify(aside) == later
        _, second = restore(str(path), aside, aside=tmp_path)
        assert (verify(path), verify(second)) == (later, head)

    def test_a_broken_backup_is_refused_and_changes_nothing(self, path, tmp_path):
        copy = tmp_path / "backup.sqlite"
        with open_register(str(path)) as register:
            backup(register, copy)
        before = path.read_bytes()
        broken = tmp_path / "broken.sqlite"
        for statement in ("UPDATE event SET verb = 'x' WHERE seq = 3", "UPDATE granted SET expires = '2099-01-01'"):
            shutil.copy2(copy, broken)
            alter(broken, statement)
            with pytest.raises(IntegrityError):
                restore(str(path), broken, aside=tmp_path)
        shutil.copy2(copy, broken)
        alter(broken, "DELETE FROM event WHERE seq > (SELECT max(seq) - 3 FROM event)", *_without("REQ-2026-043"))
        shutil.copy2(f"{copy}.head.json", f"{broken}.head.json")
        with pytest.raises(IntegrityError, match="cut off"):
            restore(str(path), broken, aside=tmp_path)
        (tmp_path / "text").write_text("x" * 5000)
        (tmp_path / "text").chmod(0o600)
        for source in (tmp_path / "text", tmp_path / "absent"):
            with pytest.raises((IntegrityError, ApprovalError)):
                restore(str(path), source, aside=tmp_path)
        with pytest.raises(IntegrityError, match="made anew"):
            restore(str(path), copy, aside=tmp_path, anchors=[Head(3, "f" * 64)])
        assert path.read_bytes() == before
        assert not list(tmp_path.glob("register.sqlite.*"))

    def test_a_damaged_register_is_kept_aside_too(self, path, tmp_path):
        copy = tmp_path / "backup.sqlite"
        with open_register(str(path)) as register:
            head = backup(register, copy)
        path.write_bytes(b"damaged " * 1000)
        _, aside = restore(str(path), copy, aside=tmp_path)
        assert verify(path) == head
        assert aside.read_bytes() == b"damaged " * 1000
        path.unlink()
        assert restore(str(path), copy, aside=tmp_path) == (head, None)

    def test_an_older_register_is_migrated_and_kept(self, path, tmp_path):
        """A column and a rule less, as a program before this one would have left it."""
        head = verify(path)
        alter(path, "ALTER TABLE request DROP COLUMN planned_linkage", "UPDATE meta SET content = '0'", keep_rules=True)
        with pytest.raises(IntegrityError, match="sdc registry migrate"):
            verify(path)
        with pytest.raises(ApprovalError, match="may `actor`"):
            migrate(str(path), actor=OFFICER, aside=tmp_path)
        found, aside = migrate(str(path), actor=MANAGER, aside=tmp_path)
        assert found == head == verify(path)
        with pytest.raises(IntegrityError, match="version 0"):
            verify(aside)

    def test_a_later_register_is_left_alone(self, path, tmp_path):
        alter(path, "UPDATE meta SET content = '2'")
        with pytest.raises(IntegrityError, match="later program"):
            migrate(str(path), actor=MANAGER, aside=tmp_path)
        with pytest.raises(IntegrityError, match="version 2"):
            verify(path)

    def test_to_postgresql_and_back(self, path, tmp_path, postgres_database):
        head = verify(path)
        assert migrate(str(path), actor=MANAGER, aside=tmp_path, target=postgres_database) == (head, None)
        with pytest.raises(ApprovalError, match="holds a register already"):
            migrate(str(path), actor=MANAGER, aside=tmp_path, target=postgres_database)
        with open_register(postgres_database) as register:
            assert register.verify() == head
            go(register, "use")
            later = backup(register, tmp_path / "backup.sqlite")
        assert verify(tmp_path / "backup.sqlite") == later
        assert migrate(postgres_database, actor=MANAGER, aside=tmp_path)[0] == later
        found, aside = restore(postgres_database, tmp_path / "backup.sqlite", aside=tmp_path)
        assert found == later
        assert len(json.loads(aside.read_text())["event"]) == later.events
        assert aside.stat().st_mode & 0o077 == 0
        with open_register(postgres_database) as register:
            assert register.verify([head, later]) == later
            go(register, "use")
        with sa.create_engine(postgres_database, poolclass=sa.NullPool).begin() as connection:
            connection.exec_driver_sql("ALTER TABLE event DISABLE TRIGGER event_no_update")
            connection.exec_driver_sql("UPDATE event SET actor = 'ACT-Z9' WHERE seq = 9")
        with open_register(postgres_database) as register:
            with pytest.raises(IntegrityError, match="1 rules"):
                register.verify()
            with pytest.raises(IntegrityError, match="event 9: was changed"):
                register.grant(ID)

    def test_an_anchor_is_read_or_refused(self, path, tmp_path):
        with open_register(str(path)) as register:
            head = write_anchor(register, tmp_path / "anchor.json")
        assert verify(path, read_anchor(tmp_path / "anchor.json")) == head
        (tmp_path / "anchor.json").write_text("{}")
        for name in ("anchor.json", "absent.json"):
            with pytest.raises(IntegrityError, match="is no anchor"):
                read_anchor(tmp_path / name)


@pytest.mark.slow
def test_fifty_kills_break_no_chain_and_leave_no_half_release(tmp_path):
    done = subprocess.run(
        [sys.executable, str(TESTS / "kill_register.py"), str(tmp_path), "11"],
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    found = json.loads(done.stdout)
    assert found["total"] >= 50, found
    assert min(found["killed"].values()) >= 5, found


_WRITER = """
import sys; sys.path.insert(0, sys.argv[1])
from register_cases import go
from sdc.register import open_register
with open_register(sys.argv[2]) as register:
    for number in range(10):
        id = f"REQ-2026-{int(sys.argv[3])}{number:02}"
        for verb in ("receive", "appraise", "answers", "approve"):
            go(register, verb, id=id)
"""


@pytest.mark.parametrize("where", ["sqlite", "postgresql"])
def test_four_writers_at_once_lose_nothing(where, tmp_path, request):
    url = str(tmp_path / "register.sqlite") if where == "sqlite" else request.getfixturevalue("postgres_database")
    with office(url) as register:
        before = register.head().events
        words = [sys.executable, "-c", _WRITER, str(TESTS), url]
        running = [subprocess.Popen([*words, str(number)]) for number in range(11, 15)]
        assert [process.wait(timeout=240) for process in running] == [0] * 4
        assert register.verify().events == before + 4 * 10 * 4
        assert {row["state"] for row in register.requests()} == {"approved"}
        assert len(register.requests()) == 40


class TestDisk:
    def test_a_disk_that_fills_up_changes_nothing(self, path):
        """A real limit on file size, in a child: the next page does not fit."""
        before = verify(path)
        child = os.fork()
        if child == 0:
            code = 1
            try:
                resource.setrlimit(resource.RLIMIT_FSIZE, (path.stat().st_size, path.stat().st_size))
                with open_register(str(path)) as register:
                    for _ in itertools.count():
                        go(register, "use", note="x" * 4000)
            except IntegrityError as refused:
                code = 14 if "disk is full" in str(refused) and "Nothing was changed" in str(refused) else 2
            finally:
                os._exit(code)
        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 14
        after = verify(path, before)
        with open_register(str(path)) as register:
            go(register, "use")
            assert register.verify([before, after]).events == after.events + 1

    def test_a_backup_that_does_not_fit_leaves_nothing(self, path, tmp_path):
        child = os.fork()
        if child == 0:
            code = 1
            try:
                resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))
                with open_register(str(path)) as register:
                    backup(register, tmp_path / "b" / "backup.sqlite")
            except IntegrityError as refused:
                code = 14 if "disk is full" in str(refused) else 2
            finally:
                os._exit(code)
        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 14
        assert list((tmp_path / "b").iterdir()) == []

    def test_a_read_only_register_is_read_and_not_written(self, path, monkeypatch):
        real = os.access
        monkeypatch.setattr(os, "access", lambda place, mode: mode != os.W_OK and real(place, mode))
        with open_register(str(path)) as register:
            register.verify()
            with pytest.raises(IntegrityError, match="cannot be written"):
                go(register, "use")

    @pytest.mark.parametrize("code", [errno.EROFS, errno.ENOSPC, errno.EACCES])
    def test_a_restore_that_cannot_be_written(self, path, tmp_path, monkeypatch, code):
        copy = tmp_path / "backup.sqlite"
        with open_register(str(path)) as register:
            head = backup(register, copy)

        def fail(*_, **__):
            raise OSError(code, os.strerror(code))

        with monkeypatch.context() as patched:
            patched.setattr(os, "link", fail)
            with pytest.raises(IntegrityError, match="Nothing was changed"):
                restore(str(path), copy, aside=tmp_path)
        assert verify(path) == head

    def test_a_register_below_a_file(self, tmp_path):
        (tmp_path / "file").write_text("x")
        with pytest.raises(IntegrityError, match="cannot be reached"):
            create_register(str(tmp_path / "file" / "register.sqlite"), actor=MANAGER, at=AT)

    def test_two_registers_in_one_place(self, path):
        with pytest.raises(ApprovalError, match="holds a register already"):
            create_register(str(path), actor=MANAGER, at=AT)

    def test_somebody_who_writes_is_waited_for_and_then_told(self, path, monkeypatch):
        monkeypatch.setattr("sdc.register.store.WAIT_SECONDS", 0.1)
        with (
            open_register(str(path)) as first,
            open_register(str(path)) as second,
            first.writing(),
            pytest.raises(IntegrityError, match="somebody else is writing"),
        ):
            go(second, "use")

    def test_a_writer_that_waited_through_a_restore_is_told(self, path, tmp_path):
        """Its change would have gone to the file that was put aside."""
        copy = tmp_path / "backup.sqlite"
        with open_register(str(path)) as register:
            backup(register, copy)
            real = register.engine.connect

            def late():
                connection = real()
                connection.exec_driver_sql("SELECT 1")
                connection.rollback()
                restore(str(path), copy, aside=tmp_path)
                return connection

            register.engine.connect = late
            with pytest.raises(IntegrityError, match="was restored while"):
                go(register, "use")

    @pytest.mark.parametrize("url", ["mysql://host/name", "postgresql://[bad", "sqlite://odd"])
    def test_another_database(self, url):
        with pytest.raises((RequestError, IntegrityError, ApprovalError)):
            open_register(url)

    def test_a_password_is_in_no_error(self):
        with pytest.raises(IntegrityError, match="does not answer") as refused:
            open_register("postgresql://sdc:hunter2@127.0.0.1:9/sdc")
        assert "hunter2" not in str(refused.value)


def test_the_release_of_a_killed_publication_is_entered_by_the_next_run(path):
    """What the store's journal holds is entered again, and once."""
    with open_register(str(path)) as register:
        before = register.head()
        register.entered({**entry(), "status": "released"}, OFFICER, AT)
        assert register.head() == before
        assert entry()["manifest_sha256"] == MANIFEST
        register.entered({**entry(), "status": "withdrawn", "withdrawn": {"reason": "legal"}}, OFFICER, AT)
        register.entered({**entry(), "status": "withdrawn", "withdrawn": {"reason": "legal"}}, OFFICER, AT)
        assert register.head().events == before.events + 1
