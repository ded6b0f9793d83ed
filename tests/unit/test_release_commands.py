"""`sdc release` as people type it, on a store of a temporary checkout."""

import json
import os
from contextlib import contextmanager
from datetime import date
from pathlib import Path

import pyrage
import pytest
import yaml
from typer.testing import CliRunner

from release_samples import SECRET, copy_of, places, released, survey
from sdc import cli_request
from sdc.cli import app
from sdc.errors import ApprovalError, IntegrityError
from sdc.release.catalogue import read_catalogue
from sdc.release.notices import NAMESPACE as NOTICE
from sdc.release.package import build_next
from sdc.release.signers import FILES, load_signer
from sdc.release.sshsig import NAMESPACE, signer_of

WHO = "Ministry of Relief (fictitious)"


class Register:
    """What the register is told, written down."""

    def __init__(self) -> None:
        self.told: list[tuple] = []
        self.states: dict[str, str] = {}

    def require(self, actor, verb):
        if actor == "ACT-9999":
            raise ApprovalError(actor, "may not do this")

    def verify(self, anchors):
        return anchors

    def releases(self):
        return []

    def state(self, request_id):
        return self.states.get(request_id, "review")

    def entered(self, entry, actor, at):
        facts = [fact for fact in ("superseded_by", "withdrawn", "destroyed") if entry.get(fact)]
        self.told += [(fact, entry["release_id"], entry["status"]) for fact in ("entered", *facts)]


@pytest.fixture
def house(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PYTHON_KEYRING_BACKEND", "keyring.backends.fail.Keyring")
    monkeypatch.delenv("SDC_ACTOR", raising=False)
    register = Register()

    @contextmanager
    def opened(root):
        yield register

    monkeypatch.setattr(cli_request, "opened", opened)
    (tmp_path / ".sdc").mkdir(mode=0o700)
    (tmp_path / ".sdc" / "key").write_bytes(SECRET)
    (tmp_path / ".sdc" / "key").chmod(0o600)
    assert run("keys", "new", "--file")["id"].startswith("KEY-")
    for given in (places(), survey(n=80, id="REQ-2026-043")):
        signer = load_signer(tmp_path)
        named = {**given, "signing": signer.key.fingerprint}
        package = build_next(tmp_path / "candidates" / given["request"].id, store=tmp_path / "releases", **named)
        released(tmp_path / "releases", package, given, today=date.today(), signer=signer)
    (tmp_path / "params.yaml").write_text(yaml.safe_dump({"extracts": {"sites_r01": {
        "component": "site_list", "round": 1, "path": "data/raw/sites.csv",
        "layout": {"format": "csv", "encoding": "utf-8", "separator": ",", "header_row": 1}}}}))  # fmt: skip
    return tmp_path, register


def run(*words: str) -> dict:
    done = CliRunner().invoke(app, ["release", *words, "--json"], catch_exceptions=False)
    assert done.exit_code == 0, done.output
    return json.loads(done.stdout)


def refused(*words: str) -> Exception:
    done = CliRunner().invoke(app, ["release", *words])
    assert done.exception is not None, done.output
    return done.exception


def entry(root: Path, request: str = "REQ-2026-042") -> dict:
    return next(each for each in read_catalogue(root / "releases") if each["request_id"] == request)


def test_a_release_is_shared_traced_replaced_withdrawn_and_destroyed(house):
    root, register = house
    identity = pyrage.x25519.Identity.generate()
    Path("me.txt").write_text(f"{identity}\n")
    done = run("encrypt", "REQ-2026-042", "--out", "s.age", "--to", str(identity.to_public()), "--as", "ACT-0003")
    assert (done["to"], done["age"]) == (WHO, str(identity.to_public()))
    opened = run("decrypt", "s.age", "--identity", "me.txt", "--out", "got")["package"]
    assert Path(opened, "verify.py").is_file()

    data = next(Path("releases/REQ-2026-043").glob("v1.0.0/data/*.csv")).read_text().splitlines()
    Path("leak.csv").write_text("\n".join(line.split(",")[0] for line in reversed(data[10:70])))
    (named,) = run("whose", "leak.csv")["named"]
    assert (named["request_id"], named["ids"], named["organisation"]) == ("REQ-2026-043", 60, WHO)
    Path("other.csv").write_text("a,b\n1,2\n")
    assert run("whose", "other.csv")["named"] == []

    run("supersede", "REQ-2026-042", "REQ-2026-043", "--as", "ACT-0003")
    run("withdraw", "REQ-2026-042", "--reason", "legal", "--as", "ACT-0003")
    assert [row["why"] for row in run("due")["copies"]] == ["withdrawn"]
    today = date.today().isoformat()
    run("destroyed", "REQ-2026-042", "--organisation", WHO, "--on", today, "--as", "ACT-0003")
    assert run("due")["copies"] == []
    own = entry(root)["release_id"]
    for kind in ("superseded_by", "withdrawn", "destroyed"):
        assert kind in [told[0] for told in register.told if told[1] == own], kind
    assert isinstance(refused("encrypt", "REQ-2026-042", "--out", "t.age", "--as", "ACT-0003"), IntegrityError)


def test_who_may_not_act_or_does_not_say_who_acts_changes_nothing(house):
    root, _ = house
    before = entry(root)
    plain = ("--unencrypted-because", "It stays on this machine.")
    for words in (("--as", "ACT-9999"), ()):
        for call in (
            ("withdraw", "REQ-2026-042", "--reason", "legal"),
            ("supersede", "REQ-2026-042", "REQ-2026-043"),
            ("encrypt", "REQ-2026-042", "--out", "s.tar", *plain),
            ("purge", "sites_r01", "--because", "Past its retention period."),
            ("known", "params.yaml", "--population", "ZZZ/site_list", "--name", "dashboard"),
        ):
            assert isinstance(refused(*call, *words), ApprovalError), call
    assert entry(root) == before
    assert not Path("s.tar").exists()


def test_nothing_is_sent_of_a_request_that_was_revoked(house):
    root, register = house
    before = entry(root)
    words = ("encrypt", "REQ-2026-042", "--out", "s.tar", "--unencrypted-because", "It stays on this machine.")
    register.states["REQ-2026-042"] = "revoked"
    assert "is `revoked`" in str(refused(*words, "--as", "ACT-0003"))
    assert (entry(root), Path("s.tar").exists()) == (before, False)
    run("withdraw", "REQ-2026-042", "--reason", "recipient_breach", "--as", "ACT-0003")


def test_a_release_that_the_register_does_not_know_tells_of_an_older_register(house):
    root, _ = house
    path = root / "releases" / "catalogue.json"
    content = json.loads(path.read_text())
    content["releases"][1]["at_publication"]["register"] = {"events": 7, "hash": "a" * 64}
    path.write_text(json.dumps(content))
    told = str(refused("withdraw", "REQ-2026-042", "--reason", "legal", "--as", "ACT-0003"))
    assert "was published, and the register does not know it" in told
    assert "sdc registry restore" in told


def test_verify_tells_a_machine_what_failed_and_ends_with_14(house):
    root, _ = house
    released = root / "releases" / entry(root)["path"]
    good = CliRunner().invoke(app, ["verify", str(released), "--json"])
    assert (good.exit_code, json.loads(good.stdout)["verified"]) == (0, True)
    broken = copy_of(released, root / "broken")
    (broken / "README.txt").write_text("changed")
    done = CliRunner().invoke(app, ["verify", str(broken), "--json"])
    told = json.loads(done.stdout)
    assert (done.exit_code, told["verified"]) == (14, False)
    failed = {each["check"] for each in told["results"] if not each["holds"]}
    assert failed == {"SHA256SUMS", "files of the manifest"}
    assert not failed & set(told["checks"])


def test_keys_are_listed_exported_and_rotated(house):
    first = run("keys", "list")["keys"][0]
    assert run("keys", "rotate", "--file")["id"] != first["id"]
    written = run("keys", "export", "--out", "public")["written"]
    assert first["public"] in Path(written[0]).read_text()
    Path("letter.txt").write_text("x")
    signature = Path(run("sign", "letter.txt")["signature"]).read_text()
    assert signer_of(b"x", signature, FILES) in Path(written[0]).read_text() + run("keys", "list")["keys"][1]["public"]
    for space in (NAMESPACE, NOTICE):
        with pytest.raises(IntegrityError, match="does not hold"):  # or a letter could be a list of hashes
            signer_of(b"x", signature, space)


def test_exports_and_purge(house):
    root, _ = house
    for shape in ("bagit", "ddi", "csvw", "ckan", "prov"):
        assert Path(run("export", "REQ-2026-043", "--to", shape, "--out", "exports")["written"]).exists()
    (root / "data" / "raw").mkdir(parents=True)
    for name in ("sites.csv", "copy.csv"):
        (root / "data" / "raw" / name).write_text("name\nx\n")
    record = run("purge", "sites_r01", "--because", "Past its retention period.", "--as", "ACT-0003")
    assert sorted(each["role"] for each in record["files"]) == ["copy", "original"]
    assert os.listdir(root / "data" / "raw") == []  # noqa: PTH208
