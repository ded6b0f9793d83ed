"""A stage ends with an error that holds no data, and an exit code."""

import subprocess
import sys
from pathlib import Path

import pytest
from ingest_cases import CANARY, DICTIONARY, GOOD, with_cell

STAGE = """
import os, sys, warnings
from pathlib import Path
from sdc.errors import DisclosureError
from sdc.stage import run

def main():
    how, where = sys.argv[1:]
    warnings.warn("Qanari")
    if how == "refuse":
        raise DisclosureError("REQ-1", "2 records too few", "See the verdict.")
    if how == "break":
        int("Qanari")
    if how == "interrupt":
        raise KeyboardInterrupt
    Path(where).write_text("done")

run(main)
"""


@pytest.fixture
def stage(tmp_path):
    def call(how: str) -> subprocess.CompletedProcess:
        script = tmp_path / "protect.py"
        script.write_text(STAGE)
        command = [sys.executable, str(script), how, str(tmp_path / "out")]
        return subprocess.run(command, capture_output=True, text=True, check=False)

    return call


def test_a_stage_that_works_says_nothing(stage, tmp_path):
    done = stage("work")
    assert (done.returncode, done.stderr) == (0, "")
    assert (tmp_path / "out").stat().st_mode & 0o777 == 0o600


def test_a_refusal_is_told_with_its_exit_code(stage):
    done = stage("refuse")
    assert done.returncode == 13
    assert done.stderr == "DisclosureError: REQ-1: 2 records too few\n  See the verdict.\n"


def test_an_internal_error_tells_its_type_and_place_only(stage):
    done = stage("break")
    assert done.returncode == 1
    assert done.stderr.startswith("internal error in protect: ValueError at ")
    assert CANARY not in done.stderr + done.stdout


def test_an_interruption_has_its_own_exit_code(stage):
    assert stage("interrupt").returncode == 130


class TestIngestScript:
    @pytest.fixture
    def script(self, tmp_path, repo):
        (tmp_path / "params.yaml").write_text(
            "extracts:\n  camp_r01: {component: camp, round: 1, path: raw.csv, layout: {format: csv}}\n"
        )
        (tmp_path / "camp.yaml").write_text(DICTIONARY)

        def call(content: str, name: str = "camp_r01") -> subprocess.CompletedProcess:
            (tmp_path / "raw.csv").write_text(content)
            paths = {"params": "params.yaml", "raw": "raw.csv", "dictionary": "camp.yaml", "out": "typed/camp.parquet"}
            command = [sys.executable, str(repo / "pipelines" / "ingest.py"), "--extract", name]
            for option, path in paths.items():
                command += [f"--{option}", str(tmp_path / path)]
            return subprocess.run(command, capture_output=True, text=True, check=False)

        return call

    def test_one_line_of_counts(self, script, tmp_path):
        done = script(GOOD)
        assert (done.returncode, done.stderr) == (0, "")
        assert done.stdout.count("\n") == 1
        assert done.stdout.startswith("camp_r01: 3 records; 14 columns read, 2 ended")
        assert CANARY not in done.stdout
        assert (tmp_path / "typed/camp.parquet").stat().st_mode & 0o777 == 0o600

    def test_a_refusal_leaves_nothing(self, script, tmp_path):
        done = script(with_cell("sex", CANARY))
        assert done.returncode == 11
        assert "1 of 3 records hold a code outside the list" in done.stderr
        assert CANARY not in done.stdout + done.stderr
        assert not list(Path(tmp_path / "typed").rglob("*"))

    def test_an_extract_without_entry(self, script):
        assert script(GOOD, "camp_r02").returncode == 10


def test_a_stage_shuts_the_secure_folders_of_its_checkout(tmp_path):
    """DVC writes what it keeps readable by everybody: nobody else comes as far as that."""
    (tmp_path / "stage.py").write_text(STAGE)
    (tmp_path / "data" / "verdicts").mkdir(parents=True)
    (tmp_path / "data").chmod(0o755)
    (tmp_path / "docs").mkdir()
    (tmp_path / "docs").chmod(0o755)
    command = [sys.executable, "stage.py", "work", "out"]
    for inside in (False, True):
        subprocess.run(command, cwd=tmp_path, check=True)
        modes = {name: (tmp_path / name).stat().st_mode & 0o777 for name in ("data", "docs")}
        assert modes == {"data": 0o700 if inside else 0o755, "docs": 0o755}
        assert (tmp_path / ".dvc" / "cache").is_dir() == inside
        (tmp_path / "dvc.yaml").write_text("stages: {}\n")
    for name in (".sdc", ".dvc/cache"):
        assert (tmp_path / name).stat().st_mode & 0o777 == 0o700
