"""What the register tells and takes: figures and reminders, import and export, the board, and its commands."""

import csv
import io
import json
import shutil
import sys
from datetime import date, datetime, timedelta
from pathlib import Path

import jsonschema
import openpyxl
import pytest

from register_cases import AT, ID, MANAGER, OFFICER, REPO, SECOND, bring, go, office, order, policy_of, received
from sdc.errors import ApprovalError, RequestError
from sdc.register import verbs
from sdc.register.board import board_content
from sdc.register.exchange import (
    as_csv,
    catalogue,
    import_requests,
    read_requests,
    schema,
    sheets,
    write_catalogue,
    write_sheets,
)
from sdc.register.figures import Span, due, durations, figures, reminders, working_days_after, working_days_between
from sdc.register.samples import write_register
from sdc.register.states import ROLES
from sdc.report.board import board_page
from sdc.request import read_request

DAY = timedelta(days=1)


@pytest.fixture
def register(tmp_path):
    with office(str(tmp_path / "register.sqlite")) as made:
        yield made


def way(*steps):
    """Spans from (state, days after the first Monday)."""
    monday = datetime(2026, 11, 2, 9, tzinfo=AT.tzinfo)
    times = [(state, monday + DAY * days) for state, days in steps]
    return [Span(s, t, times[n + 1][1] if n + 1 < len(times) else None) for n, (s, t) in enumerate(times)]


class TestTimes:
    def test_net_leaves_out_what_the_requester_took(self):
        road = way(("received", 0), ("appraisal", 1), ("needs_info", 2), ("appraisal", 6), ("approved", 8))
        road = [*road[:-1], *way(("approved", 8), ("preparing", 9), ("review", 11), ("shared", 12.5))]
        assert durations(road) == {
            "acknowledge": {"gross": 1.0, "net": 1.0},
            "decide": {"gross": 8.0, "net": 4.0},
            "prepare": {"gross": 3.0, "net": 3.0},
            "share": {"gross": 12.5, "net": 8.5},
        }

    def test_what_did_not_happen_has_no_time(self):
        assert durations(way(("received", 0)))["share"] == {"gross": None, "net": None}

    def test_a_due_date_counts_working_days_and_stops_while_the_clock_stands(self):
        now = AT + 10 * DAY
        assert due(way(("received", 0)), "high", "decide", now) == date(2026, 11, 9)
        assert due(way(("received", 0)), "critical", "decide", now) == date(2026, 11, 4)
        waited = way(("received", 0), ("appraisal", 1), ("needs_info", 1), ("appraisal", 4))
        assert due(waited, "high", "decide", now) == date(2026, 11, 12)
        assert due(way(("received", 0), ("needs_info", 0)), "critical", "decide", now) == date(2026, 11, 16)

    def test_working_days(self):
        friday = date(2026, 11, 6)
        assert working_days_after(friday, 1) == date(2026, 11, 9)
        assert working_days_after(friday, 1, weekend=(4, 5)) == date(2026, 11, 8)
        assert working_days_between(friday, date(2026, 11, 9)) == 1
        assert working_days_between(friday, friday) == 0

    def test_figures_and_reminders_of_a_register(self, register):
        bring(register, "shared")
        bring(register, "received", "REQ-2026-043")
        bring(register, "needs_info", "REQ-2026-044")
        go(register, "obligation", due_on="2026-11-20")
        go(register, "extend", expires="2026-12-01", agreement_until="2026-11-30")
        now = AT + 25 * DAY
        found = figures(register, now)
        assert (found["requests"], found["open"]) == (3, 3)
        assert found["open_by_state"]["needs_info"] == 1
        assert found["days"]["share"]["gross"] == {"requests": 1, "median": 0.0, "longest": 0.0}
        told = {(row["request"], row["what"]): row["overdue"] for row in reminders(register, now, within_days=7)}
        assert told == {
            ("REQ-2026-043", "acknowledge"): True,
            ("REQ-2026-043", "decide"): True,
            ("REQ-2026-044", "ask the requester again"): True,
            (ID, "report back"): True,
            (ID, "follow up"): False,
            (ID, "the grant expires"): False,
            (ID, "the agreement ends"): False,
        }
        assert found["overdue"] == 4
        assert (ID, "the grant expires") not in {(r["request"], r["what"]) for r in reminders(register, AT + 2 * DAY)}


def given(**entries):
    """One request of an external register, as its export says it."""
    answer = {"answer": "yes", "note": "It is so."}
    return {
        "id": "REQ-2026-300",
        "title": "=1+1 people by district",
        "requester": {"organisation": "Ministry of Relief (fictitious)", "type": "government"},
        "purpose": "Show how many people are displaced.",
        "component": "mobility_tracking",
        "country": "ZZZ",
        "rounds": [1, 2],
        "variables": "all",
        "policy": "public",
        "expires": "2027-12-31",
        "category": "table",
        "data_level": "aggregate",
        "appraisal": dict.fromkeys(("projects", "people", "data", "settings", "outputs"), answer),
        "approved_by": "EXT-12",
        "approved_on": "2026-10-01",
        **entries,
    }


def flat(row):
    """The same as a row of a CSV."""
    cells = {}
    for name, value in row.items():
        if isinstance(value, dict):
            cells |= {f"{name}.{key}": cell for key, cell in flat(value).items()}
        else:
            cells[name] = " ".join(map(str, value)) if isinstance(value, list) else value
    return cells


class TestImport:
    POLICIES = {name: policy_of(name) for name in ("public", "restricted", "internal")}

    def take(self, register, rows):
        done = import_requests(register, rows, self.POLICIES, actor=MANAGER, at=AT, source="the list")
        return done.added, done.changed, done.same

    def test_once_again_and_changed(self, register):
        rows = [given(), given(id="REQ-2026-301", policy="restricted", agreement="DSA-1", variables=["a", "b"])]
        assert self.take(register, rows) == (("REQ-2026-300", "REQ-2026-301"), (), ())
        events = register.head()
        assert self.take(register, rows) == ((), (), ("REQ-2026-300", "REQ-2026-301"))
        assert register.head() == events
        assert self.take(register, [given(rounds=[1])]) == ((), ("REQ-2026-300",), ())
        assert register.grant("REQ-2026-300").rounds == (1,)
        register.verify()

    def test_csv_says_the_same_as_json(self, tmp_path):
        rows = [given(), given(id="REQ-2026-301", variables=["a", "b"])]
        (tmp_path / "a.json").write_text(json.dumps({"schema_version": "1.0", "requests": rows}))
        buffer = io.StringIO()
        table = csv.DictWriter(buffer, flat(rows[0]))
        table.writeheader()
        table.writerows(flat(row) for row in rows)
        (tmp_path / "a.csv").write_text("\ufeff" + buffer.getvalue(), encoding="utf-8")
        assert read_requests(tmp_path / "a.json") == read_requests(tmp_path / "a.csv") == rows

    @pytest.mark.parametrize(
        "text", ["", "{", "[]", '{"schema_version": "1.0", "requests": [{"id": "Amina"}]}', "[" * 100_000]
    )
    def test_what_is_no_import_is_refused_without_its_values(self, tmp_path, text):
        (tmp_path / "a.json").write_text(text)
        with pytest.raises(RequestError) as refused:
            read_requests(tmp_path / "a.json")
        assert "Amina" not in str(refused.value)
        (tmp_path / "a.csv").write_text("id,title\nREQ-2026-300,x,y\n")
        for name in ("a.csv", "absent.json"):
            with pytest.raises(RequestError):
                read_requests(tmp_path / name)

    @pytest.mark.parametrize(
        ("entries", "error"),
        [
            ({"policy": "secret"}, RequestError),
            ({"expires": "2020-01-01"}, RequestError),
            ({"policy": "restricted"}, RequestError),
            ({"purpose": "   "}, RequestError),
        ],
    )
    def test_nothing_of_a_file_with_a_fault_is_entered(self, register, entries, error):
        events = register.head()
        with pytest.raises(error):
            self.take(register, [given(id="REQ-2026-301"), given(**entries)])
        assert register.head() == events

    def test_what_was_ended_here_does_not_come_back(self, register):
        bring(register, "rejected")
        with pytest.raises(ApprovalError, match="is `rejected` here"):
            self.take(register, [given(id=ID)])
        with pytest.raises(ApprovalError, match="may `import`"):
            import_requests(register, [given()], self.POLICIES, actor=OFFICER, at=AT, source="x")


class TestExport:
    def test_the_catalogue_keeps_its_schema(self, register, tmp_path):
        bring(register, "shared")
        rows = catalogue(register)
        write_catalogue(rows, tmp_path / "c.json")
        content = json.loads((tmp_path / "c.json").read_text())
        jsonschema.Draft202012Validator(schema("catalogue")).validate(content)
        assert content["releases"][0]["deliveries"] == 1
        write_catalogue(rows, tmp_path / "c.csv")
        assert (tmp_path / "c.csv").read_text().startswith("release_id,")
        write_catalogue(rows, tmp_path / "csv")
        assert (tmp_path / "csv" / "releases.csv").read_text().startswith("release_id,")

    @pytest.mark.parametrize("name", ["import", "catalogue"])
    def test_schemas_are_published(self, name):
        jsonschema.Draft202012Validator.check_schema(schema(name))
        published = REPO / "docs" / "reference" / f"register-{name}.schema.json"
        assert json.loads(published.read_text()) == schema(name)

    @pytest.mark.parametrize("role", ROLES)
    def test_each_role_has_its_tables_and_none_runs(self, register, tmp_path, role):
        received(register, order(title="=cmd|' /C calc'!A0"))
        bring(register, "closed", "REQ-2026-043")
        content = sheets(register, role, AT)
        assert content
        write_sheets(content, tmp_path / "a.json")
        write_sheets(content, tmp_path / "a.xlsx")
        with pytest.raises(RequestError, match="cannot hold"):
            write_sheets(content, tmp_path / "a.csv")
        written = write_sheets(content, tmp_path / "csv")
        assert [path.stem for path in written] == list(content)
        assert not [
            cell for path in written for cell in path.read_text().split(",") if cell.lstrip('"').startswith("=")
        ]
        book = openpyxl.load_workbook(tmp_path / "a.xlsx")
        assert book.sheetnames == list(content)
        assert not [c for s in book for row in s.iter_rows() for c in row if c.data_type == "f"]

    def test_a_role_that_is_none(self, register):
        with pytest.raises(RequestError, match="there is no role"):
            sheets(register, "boss", AT)
        assert as_csv([]) == ""


def test_the_board_shows_each_request_and_runs_nothing(register):
    received(register, order(title="<script>alert(1)</script> \u0645\u0631\u062d\u0628\u0627"), urgency="critical")
    bring(register, "shared", "REQ-2026-043")
    page = board_page(board_content(register, AT + 9 * DAY))
    assert "<script" not in page
    assert "\u0645\u0631\u062d\u0628\u0627" in page
    for told in (ID, "REQ-2026-043", "overdue since 2026-11-04", "Receipt to sharing"):
        assert told in page
    assert "http" not in page.replace("http-equiv", "")
    empty = {**board_content(register, AT), "reminders": [], "columns": []}
    assert "Nothing is due" in board_page(empty)


def test_the_register_of_the_samples_is_always_the_same(tmp_path):
    orders = [read_request(path) for path in sorted((REPO / "requests").glob("REQ-*.yaml"))]
    policies = {path.stem: policy_of(path.stem) for path in (REPO / "policies").glob("*.yaml")}
    heads = []
    for name in ("a", "b"):
        with write_register(str(tmp_path / name), reversed(orders), policies) as register:
            heads.append(register.verify())
            states = {row["id"]: row["state"] for row in register.requests()}
    assert heads[0] == heads[1]
    assert states.pop("REQ-2026-008") == "appraisal"
    assert set(states.values()) == {"approved"}


class TestCommands:
    """The whole way by the command line, in a folder that holds the documents only."""

    @pytest.fixture
    def sdc(self, tmp_path, monkeypatch, capsys):
        for name in ("policies", "dictionary", "requests"):
            shutil.copytree(REPO / name, tmp_path / name)
        shutil.copy(REPO / "params.yaml", tmp_path / "params.yaml")
        monkeypatch.chdir(tmp_path)
        monkeypatch.delenv("SDC_REGISTER", raising=False)

        def run(line, code=0):
            from sdc.cli import main

            monkeypatch.setattr(sys, "argv", ["sdc", *line.split()])
            ended = 0
            try:
                main()
            except SystemExit as stopped:
                ended = stopped.code or 0
            told = capsys.readouterr()
            assert ended == code, told.err
            return json.loads(told.out) if "--json" in line and code == 0 else told.out + told.err

        return run

    def test_from_receipt_to_the_end(self, sdc):
        id = "REQ-2026-001"
        assert "sdc registry init" in sdc("request list", 15)
        assert "says not who acts" in sdc("registry init", 15)
        sdc("registry init --as M-1")
        for actor, roles in (("O-1", "officer"), ("P-1", "appraiser"), ("A-1", "approver"), ("W-1", "preparer")):
            sdc(f"registry actor {actor} --role {roles} --as M-1")
        for reviewer in ("R-1", "R-2"):
            sdc(f"registry actor {reviewer} --role reviewer --as M-1")
        sdc(f"request receive {id} --category table --data-level aggregate --urgency high --as O-1")
        sdc(f"request appraise {id} --as P-1")
        assert "is no answer with its reason" in sdc(f"request appraise {id} --data maybe --as P-1", 10)
        sdc(f"request consult {id} --question Lawful? --as P-1")
        sdc(f"request answer {id} --note Yes. --as O-1")
        sdc(f"request ask {id} --question Which? --as O-1")
        sdc(f"request answer {id} --note Both. --as O-1")
        words = " ".join(f"--{name} yes:because" for name in ("projects", "people", "data", "settings", "outputs"))
        sdc(f"request appraise {id} {words} --as P-1")
        assert sdc(f"request approve {id} --as A-1 --json") == {"request": id, "state": "approved"}
        grant = Path("data/register/grants") / f"{id}.json"
        assert json.loads(grant.read_text())["policy"] == "public"
        before = grant.read_bytes()
        sdc(f"request prepare {id} --as W-1")
        assert grant.read_bytes() == before
        manifest = "a" * 64
        sdc(f"request submit {id} --manifest {manifest} --as W-1")
        for reviewer in ("R-1", "R-2"):
            sdc(f"request review {id} approve --manifest {manifest} --as {reviewer}")
        assert "no such release" in sdc(f"request share {id} --channel portal --as O-1", 15)
        assert len(sdc(f"request show {id} --json")["vote"]) == 2
        assert id in sdc("request board --out board.html")
        assert Path("board.html").stat().st_size > 5000
        sdc(f"request obligation {id} --kind report_back --due 2027-01-31 --as O-1")
        assert "says not what to do" in sdc(f"request obligation {id} --as O-1", 10)
        sdc(f"request obligation {id} --done 1 --note A_letter --as O-1")
        sdc(f"request end {id} revoked --reason Breach --as A-1")
        assert not grant.exists()
        head = sdc("registry anchor anchor.json --json")
        assert sdc("registry verify --anchor anchor.json --json")["hash"] == head["hash"]
        sdc("registry backup copy.sqlite")
        sdc("registry restore copy.sqlite --anchor anchor.json")
        sdc("registry migrate --as M-1")
        for role in ROLES:
            sdc(f"registry export out/{role}.xlsx --for {role}")
        assert sdc("registry catalogue --json")["releases"] == []
        assert sdc("registry figures --json")["requests"] == 1
        assert sdc("request reminders --json")["reminders"] == []
        Path("in.json").write_text(json.dumps({"schema_version": "1.0", "requests": [given(title="People")]}))
        assert sdc("registry import in.json --write-requests --as M-1 --json")["added"] == ["REQ-2026-300"]
        assert sdc("registry import in.json --as M-1 --json")["same"] == ["REQ-2026-300"]
        assert read_request(Path("requests/REQ-2026-300.yaml")).rounds == (1, 2)
        assert sdc("registry grants --json")["requests"] == [id, "REQ-2026-300"]

    @pytest.mark.parametrize("group", ["request", "registry"])
    def test_each_verb_teaches(self, sdc, group):
        """Help, `--json`, and an entry in the reference."""
        from sdc import cli_registry, cli_request

        app = {"request": cli_request.app, "registry": cli_registry.app}[group]
        text = (REPO / "docs" / "reference" / "commands.md").read_text()
        for command in app.registered_commands:
            name = command.name or command.callback.__name__
            told = sdc(f"{group} {name} --help")
            assert "--json" in told
            assert command.callback.__doc__.splitlines()[0].split("`")[0].split(".")[0][:20] in told
            assert f"`sdc {group} {name}" in text, name


def test_verbs_are_those_of_the_cases(register):
    bring(register, "review")
    go(register, "review", SECOND)
    assert verbs.show(register, ID)["next"]
