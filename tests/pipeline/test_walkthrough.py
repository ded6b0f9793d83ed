"""The tutorials as they stand: every command in their `sh` blocks, in order, in a fresh checkout with small samples."""

import json
import re
import shutil
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest
from checkouts import COPIED, REPO, Checkout

from sdc.register import open_register

TUTORIALS = REPO / "docs" / "tutorial"
SAMPLES = "sdc samples --scale 0.05"
"""In place of `sdc samples`: 250 respondents."""


def blocks_of(text: str) -> list[tuple[str, str]]:
    """Each fenced `sh` block with the heading that it stands under; a backslash stays."""
    found, heading = [], ""
    for part in re.finditer(r"^## ([^\n]+)$|^```sh\n(.*?)^```$", text, re.MULTILINE | re.DOTALL):
        if part[1]:
            heading = part[1]
        else:
            found.append((heading, part[2]))
    return found


def fresh(root: Path) -> Checkout:
    """A checkout as it is cloned: nothing is made yet."""
    root.mkdir()
    ignored = shutil.ignore_patterns("__pycache__", "*.egg-info")
    for name in COPIED:
        shutil.copy2(REPO / name, root / name)
    for name in ("codes", "dictionary", "expectations", "pipelines", "policies", "requests", "src", "signers"):
        shutil.copytree(REPO / name, root / name, ignore=ignored)
    shutil.copytree(REPO / ".dvc" / "plots", root / ".dvc" / "plots")
    shutil.copy2(REPO / ".dvc" / "config", root / ".dvc" / "config")
    (root / "signers" / "signers.json").write_text('{"schema_version": "1.0", "keys": []}\n')
    (root / ".sdc").mkdir(mode=0o700)
    checkout = Checkout(root)
    checkout.do("git", "init", "--quiet")
    return checkout


def walked(checkout: Checkout, tutorial: str, checks: dict[str, Callable[[Checkout, str], None]]) -> None:
    """Run a tutorial part by part; a check looks at what was said under its heading, and at what lies there."""
    blocks = blocks_of((TUTORIALS / tutorial).read_text())
    headings = list(dict.fromkeys(heading for heading, _ in blocks))
    assert set(checks) <= set(headings), "a check of what the tutorial does not say"
    for heading in headings:
        script = "".join(block for under, block in blocks if under == heading)
        script = re.sub(r"^sdc samples$", SAMPLES, script, flags=re.MULTILINE)
        done = checkout.run("bash", "-euo", "pipefail", "-c", script)
        assert done.returncode == 0, f"{heading}\n{done.stdout[-3000:]}\n{done.stderr[-3000:]}"
        if heading in checks:
            checks[heading](checkout, done.stdout + done.stderr)


def gone(folder: Path) -> None:
    """A walk that ended well leaves nothing; folders of releases are read-only."""
    for path in (folder, *folder.rglob("*")):
        if path.is_dir() and not path.is_symlink():
            path.chmod(0o755)
    shutil.rmtree(folder)


def test_blocks_are_all_found():
    """Or else the walk would be shorter than the page."""
    for path in TUTORIALS.glob("*.md"):
        text = path.read_text()
        assert len(blocks_of(text)) == text.count("```sh\n") == text.count("```") / 2, path.name


REQUEST = "REQ-2026-009"
RELEASE = f"DTM-ZZZ-FMS-R01-{REQUEST}"


def shown(checkout: Checkout) -> dict:
    return json.loads(checkout.do("sdc", "request", "show", REQUEST, "--json"))


def catalogue(checkout: Checkout) -> list[dict]:
    return json.loads((checkout / "releases/catalogue.json").read_text())["releases"]


def known(checkout: Checkout) -> list[str]:
    """Releases in the facts store."""
    index = json.loads((checkout / "data/facts/flow_monitoring_survey/index.json").read_text())
    return [entry["release_id"] for entry in index["releases"]]


def came_in(checkout: Checkout, said: str) -> None:
    assert f"{REQUEST}: received. Next: `sdc request appraise {REQUEST}`" in said
    assert shown(checkout)["identity_checked_by"] == "ACT-0002"


def appraised(checkout: Checkout, _: str) -> None:
    found = shown(checkout)
    assert found["state"] == "appraisal"
    assert [found["appraisal"][0][name] for name in ("projects", "data")] == ["yes", "conditional"]
    assert "needs_info" in {event["state_after"] for event in found["events"]}


def granted(checkout: Checkout, _: str) -> None:
    assert shown(checkout)["granted"][0]["agreement_until"] == "2027-12-31"
    assert json.loads((checkout / f"data/register/grants/{REQUEST}.json").read_text())["policy"] == "restricted"


def prepared(checkout: Checkout, said: str) -> None:
    assert "params.yaml names it now" in said
    assert "What will be done" in said
    assert f"Manifest: {shown(checkout)['submission'][0]['manifest_sha256']}" in said
    assert json.loads((checkout / f"data/audits/{REQUEST}/audit.json").read_text())["gate"] == "pass"


def reviewed(checkout: Checkout, said: str) -> None:
    assert "1 of 2 reviewers approved this candidate" in said
    assert "Refused, as it should be." in said
    assert f"Released: releases/{REQUEST}/v1.0.0" in said
    (entry,) = catalogue(checkout)
    assert entry["approved_by"] == ["ACT-0031", "ACT-0032"]
    assert [row["release_id"] for row in shown(checkout)["released"]] == known(checkout) == [f"{RELEASE}-v1.0.0"]


def shared(checkout: Checkout, _: str) -> None:
    assert (checkout / "exports/share.age").read_bytes().startswith(b"age-encryption.org/v1\n")
    assert catalogue(checkout)[0]["shares"][0]["age"].startswith("age1")
    found = shown(checkout)
    assert found["state"] == "shared"
    assert [(owed["kind"], owed["due_on"]) for owed in found["obligation"]] == [("deletion", "2027-12-31")]


def genuine(_: Checkout, said: str) -> None:
    assert "GOOD" in said
    assert "(the sender's)" in said
    assert 'Good "dtm-sdc-release" signature' in said


def superseded(checkout: Checkout, _: str) -> None:
    assert [entry["status"] for entry in catalogue(checkout)] == ["superseded", "released"]
    assert known(checkout) == [f"{RELEASE}-v1.0.0", f"{RELEASE}-v2.0.0"]
    assert (checkout / f"releases/notices/{RELEASE}-v1.0.0.superseded.json.sig").is_file()
    both = [(checkout / f"releases/{REQUEST}/v{n}.0.0/data/flow_monitoring_survey.csv").read_text() for n in (1, 2)]
    assert both[0] != both[1]


def withdrawn(checkout: Checkout, said: str) -> None:
    assert "Withdrawn." in said
    assert "WRONG  the release was withdrawn: data_error" in said
    tombstone = json.loads((checkout / f"releases/notices/{RELEASE}-v1.0.0.withdrawn.json").read_text())
    assert tombstone["must_delete"] == ["Coastal Health Institute (fictitious)"]
    assert [owed["done_on"] is None for owed in shown(checkout)["obligation"]] == [False, True]
    assert checkout.run("sdc", "verify", f"releases/{REQUEST}/v1.0.0").returncode == 14


def closed(checkout: Checkout, said: str) -> None:
    assert "Not yet: a deletion is open." in said
    found = shown(checkout)
    assert found["state"] == "closed"
    (use,) = found["use_record"]
    assert (use["dtm_cited"], use["accurate"], use["sensitive_issue"]) == (1, 1, 0)
    assert all(owed["done_on"] for owed in found["obligation"])
    assert json.loads(checkout.do("sdc", "release", "due", "--days", "999", "--json"))["copies"] == []


def remains(checkout: Checkout, said: str) -> None:
    assert "Coastal Health" in said
    assert REQUEST in (checkout / "exports/board.html").read_text()
    with closing(sqlite3.connect(checkout / "exports/register.sqlite")) as base:
        assert base.execute("SELECT state FROM request WHERE id = ?", (REQUEST,)).fetchone() == ("closed",)
    told = json.loads((checkout / "exports/catalogue.json").read_text())["releases"]
    assert [row["release_id"] for row in told] == known(checkout)
    assert list((checkout / "exports").rglob("bagit.txt"))
    assert not (checkout / "data/raw/flow_monitoring_survey_r01.csv").exists()
    assert list((checkout / "releases/purges").glob("PURGE-*.json.sig"))
    with open_register(str(checkout / "data/register/register.sqlite")) as register:
        assert register.verify().events > 60


def costs(checkout: Checkout, said: str) -> None:
    assert json.loads((checkout / "metrics/REQ-2026-005.json").read_text())["k"] == 5
    assert said.count("Running stage 'protect@REQ-2026-005'") == 2, "with the number changed, and set back"
    assert "ingest@" not in "".join(re.findall("Running stage '(.+?)'", said))


def published(checkout: Checkout, said: str) -> None:
    assert "Released: releases/REQ-2026-005/v1.0.0" in said
    assert [entry["request_id"] for entry in catalogue(checkout)] == ["REQ-2026-005"]


def verified(_: Checkout, said: str) -> None:
    assert "catalogue" in said
    assert said.count("FAILS") == 0
    assert "IntegrityError" in said
    assert "Not what was sent." in said


def refuses(checkout: Checkout, said: str) -> None:
    assert said.count("Refused.") == said.count("ApprovalError: ") == 2
    assert "holds it as `appraisal`" in said
    assert "holds it as `revoked`" in said
    assert not (checkout / "data/assessed/REQ-2026-008").exists()


@pytest.mark.slow
def test_the_first_release(tmp_path):
    checks = {
        "4. Change a number": costs,
        "5. Review and publish": published,
        "6. Verify": verified,
        "7. See it refuse": refuses,
    }
    walked(fresh(tmp_path / "checkout"), "first-release.md", checks)
    gone(tmp_path)


@pytest.mark.slow
@pytest.mark.skipif(
    not all(map(shutil.which, ("age", "age-keygen", "ssh-keygen", "git"))), reason="age or ssh-keygen is absent"
)
def test_a_request_from_start_to_end(tmp_path):
    checks = {
        "1. A request comes in": came_in,
        "2. It is appraised": appraised,
        "3. It is approved": granted,
        "4. The release is prepared": prepared,
        "5. Two others review it": reviewed,
        "6. It is shared, encrypted": shared,
        "7. The recipient looks whether it is genuine": genuine,
        "8. A corrected version takes its place": superseded,
        "9. The first version is withdrawn": withdrawn,
        "10. Its use is recorded, and it is closed": closed,
        "11. What remains": remains,
    }
    walked(fresh(tmp_path / "checkout"), "a-request-from-start-to-end.md", checks)
    gone(tmp_path)
