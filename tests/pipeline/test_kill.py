"""Killed at any moment, nothing half passes as whole; run again, and the bytes are those of an undisturbed run."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from checkouts import ACTOR, COUNTS, PERSONS, SITES, Checkout

OUTPUTS = ("data/typed", "data/assessed", "data/protected", "data/verdicts", "data/candidates", "metrics")
EXTRACTS = ("mobility_tracking_r01", "mobility_tracking_r02")


@pytest.fixture
def unbuilt(built, tmp_path) -> Checkout:
    """The checkout before its first `dvc repro`, at the commit from which it was built, with its key."""
    checkout = built.checkout.copy(tmp_path / "checkout", "typed", "assessed", "protected", "verdicts", "candidates")
    for words in (("reset", "--quiet", "--hard", "HEAD~1"), ("clean", "--quiet", "--force", "-d")):
        done = checkout.run("git", *words)
        assert done.returncode == 0, done.stderr
    for left in ("dvc.lock", "metrics", ".dvc/cache", ".dvc/tmp"):
        done = checkout.run("rm", "-rf", left)
        assert done.returncode == 0, done.stderr
    assert not (checkout / "dvc.lock").exists()
    return checkout


def outputs(checkout: Checkout, *requests: str) -> dict[str, str]:
    """SHA-256 of all that the stages of these requests wrote."""
    mine = (*EXTRACTS, *requests)
    return {
        path: digest
        for path, digest in checkout.files("src").items()
        if path.startswith(OUTPUTS) and any(name in path for name in mine)
    }


def killed_when(checkout: Checkout, words: tuple[str, ...], due: Callable[[], bool], after: float = 0.0) -> None:
    """Start a program, and kill it with all that it started as soon as something is due, and some seconds more."""
    process = checkout.start(*words)
    end = time.monotonic() + 120
    while process.poll() is None and not due():
        assert time.monotonic() < end, checkout.log()
        time.sleep(0.0005)
    time.sleep(after)
    assert process.poll() is None, f"ended before it could be killed: {checkout.log()}"
    os.killpg(process.pid, signal.SIGKILL)
    assert process.wait() == -signal.SIGKILL


def running(checkout: Checkout, stage: str) -> Callable[[], bool]:
    return lambda: f"> python pipelines/{stage}.py" in checkout.log()


def nothing_half_is_taken(checkout: Checkout, whole: dict[str, str]) -> None:
    """What has its name is whole: its bytes are those of an undisturbed run, and no release can be made of it."""
    there = {path: digest for path, digest in outputs(checkout, COUNTS).items() if not _unfinished(path)}
    assert {path: digest for path, digest in there.items() if whole.get(path) != digest} == {}
    candidate = checkout / "data/candidates" / COUNTS
    if candidate.exists() and any(not path.name.startswith(".") for path in candidate.iterdir()):
        packaged = {path for path in whole if path.startswith(f"data/candidates/{COUNTS}/")}
        assert packaged <= set(there)
        return
    published = checkout.run("sdc", "publish", COUNTS, *ACTOR)
    assert published.returncode in (11, 14), published.stderr
    assert not list((checkout / "releases").glob("REQ-*"))


def _unfinished(path: str) -> bool:
    return any(part.startswith(".") and part.endswith(".partial") for part in path.split("/"))


@pytest.mark.slow
def test_a_pipeline_that_is_killed_again_and_again(built, unbuilt):
    """At each stage in turn, each time a little further on."""
    unbuilt.edit("params.yaml", lambda found: found["requests"].pop(PERSONS))
    unbuilt.edit("params.yaml", lambda found: found["requests"].pop(SITES))
    unbuilt.edit("params.yaml", lambda found: found["extracts"].pop("registration_r01"))
    whole = outputs(built.checkout, COUNTS)
    raw = unbuilt.files("src", ".dvc", ".sdc")
    package = unbuilt / "data/candidates" / COUNTS
    for due, after in (
        (running(unbuilt, "ingest"), 0.9),
        (running(unbuilt, "assess"), 0.0),
        (running(unbuilt, "protect"), 0.9),
        (running(unbuilt, "validate"), 2.0),
        (lambda: package.exists() and any(_unfinished(path.name) for path in package.iterdir()), 0.0),
    ):
        killed_when(unbuilt, ("dvc", "repro"), due, after)
        nothing_half_is_taken(unbuilt, whole)
    assert any(_unfinished(path.name) for path in package.iterdir()), "no package was caught half written"
    done = unbuilt.run("dvc", "repro")
    assert done.returncode == 0, done.stdout + done.stderr
    after = {path: digest for path, digest in outputs(unbuilt, COUNTS).items() if not _unfinished(path)}
    assert _but_for_commit(after) == _but_for_commit(whole)
    assert unbuilt.run("dvc", "repro").stdout.endswith("Data and pipelines are up to date.\n")
    assert {path: d for path, d in unbuilt.files().items() if path in raw and not path.startswith(OUTPUTS)} == raw
    (candidate,) = (path for path in package.iterdir() if not path.name.startswith("."))
    verified = unbuilt.run("sdc", "verify", "--candidate", str(candidate))
    assert verified.returncode == 0, verified.stderr


def _but_for_commit(files: dict[str, str]) -> dict[str, str]:
    """Without what names the state of the repository: params.yaml is another here."""
    return {path: d for path, d in files.items() if not path.endswith(("/manifest.json", "/SHA256SUMS"))}


@pytest.mark.skipif(not Path("/proc").is_dir(), reason="looks for the stage in /proc")
def test_a_stage_that_the_system_kills_ends_the_run(checkout):
    """As when memory runs out: DVC tells it, locks nothing, and starts the stage again."""
    checkout.edit(
        "policies/restricted.yaml", lambda found: found["k"].update(because="Another reason, as good as that.")
    )
    process = checkout.start("dvc", "repro", f"assess@{SITES}")
    stage = None
    while process.poll() is None and stage is None:
        stage = _child(process.pid)
    assert stage is not None, checkout.log()
    time.sleep(0.5)
    os.kill(stage, signal.SIGKILL)
    assert process.wait() not in (0, -signal.SIGKILL)
    assert "failed to reproduce" in checkout.log()
    assert not [path for path in (checkout / "data/assessed" / SITES).glob("*") if not path.name.startswith(".")]
    again = checkout.run("dvc", "repro", f"assess@{SITES}")
    assert again.returncode == 0, again.stderr


def _child(leader: int) -> int | None:
    """The stage that a running `dvc repro` has started, by the system's table of processes."""
    for process in Path("/proc").glob("[0-9]*"):
        try:
            _, _, _, session, *_ = (process / "stat").read_text().rsplit(")", 1)[1].split()
            words = (process / "cmdline").read_text().split("\0")
        except OSError:
            continue
        if int(session) == leader and words[:2] == ["python", "pipelines/assess.py"]:
            return int(process.name)
    return None


def test_a_publication_that_is_killed(checkout):
    """Killed as its staging appears, and once more a little later: then it finishes, and is in the catalogue once."""
    store = checkout / "releases"
    words = ("sdc", "publish", PERSONS, *ACTOR)
    for due in (
        lambda: (store / ".staging").exists(),
        lambda: (store / ".journal.json").exists(),
    ):
        killed_when(checkout, words, due)
        for version in store.glob("REQ-*/v*"):
            assert checkout.run("sdc", "verify", str(version)).returncode == 0
        catalogue = store / "catalogue.json"
        assert not catalogue.exists() or len(json.loads(catalogue.read_text())["releases"]) <= 1
    done = checkout.run(*words)
    assert done.returncode == 0, done.stderr
    (released,) = store.glob("REQ-*/v*")
    package = checkout.package(PERSONS)
    names = {path.relative_to(package) for path in package.rglob("*") if path.is_file()}
    signed = {path.relative_to(released) for path in released.rglob("*") if path.is_file()}
    assert signed - names == {Path("SHA256SUMS.sig")}
    assert names < signed
    assert all((released / name).read_bytes() == (package / name).read_bytes() for name in names)
    assert len(json.loads((store / "catalogue.json").read_text())["releases"]) == 1
    assert checkout.run("sdc", "verify", str(released)).returncode == 0
    kept = {"catalogue.json", "catalogue.csv", ".lock", "papers", PERSONS}
    assert {path.name for path in store.iterdir()} == kept
    (papers,) = (store / "papers").iterdir()
    assert papers.name == json.loads((store / "catalogue.json").read_text())["releases"][0]["release_id"]
    assert all(path.suffix in (".json", ".md", ".html") for path in papers.rglob("*") if path.is_file())


@pytest.mark.slow
def test_a_publication_killed_anywhere_is_in_three_places_or_in_none(checkout, tmp_path):
    """Store, register and facts: whichever command comes next, they tell the same, and the release is there once."""
    program = Path(__file__).resolve().parents[1] / "kill_publication.py"
    (work := tmp_path / "killed").mkdir()
    done = subprocess.run(
        [sys.executable, str(program), str(checkout.root), PERSONS, str(work), "20"],
        env={**checkout.environment(), "PYTHONPATH": f"{checkout.root / 'src'}:{program.parent}"},
        capture_output=True,
        text=True,
        check=False,
        timeout=900,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    told = json.loads(done.stdout)
    assert told["at_calls"] == 20
    assert told["finished_by_another_verb"] >= 1
