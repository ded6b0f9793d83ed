"""No file crashes the program, takes a gigabyte, or has a cell of it told: about a minute."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent / "unit")]

from corpus import CASES  # noqa: E402
from ingest_cases import CANARY  # noqa: E402

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="memory is measured as Linux tells it"),
]
GIB = 1024


@pytest.fixture(scope="module")
def outcomes(tmp_path_factory):
    """What came of every file, told by one process that reads them all."""
    folder = tmp_path_factory.mktemp("hostile")
    for script, argument in (("corpus.py", folder), ("attack.py", folder / "cases.json")):
        environment = {**os.environ, "COLUMNS": "200"}
        done = subprocess.run(
            [sys.executable, str(HERE / script), str(argument)], capture_output=True, text=True, env=environment
        )
        assert not done.returncode, f"{script}: {done.stderr[-2000:]}"
    cases = json.loads((folder / "cases.json").read_text())
    found = [json.loads(line) for line in done.stdout.splitlines()]
    assert len(found) == len(cases)
    return list(zip(cases, found, strict=True)), done.stdout + done.stderr


def test_the_corpus_is_large_enough():
    assert len(CASES) >= 40


@pytest.mark.parametrize("number", range(len(CASES)), ids=lambda n: f"{n:03d}{CASES[n][0]}-{CASES[n][3]}"[:60])
def test_a_hostile_file_is_refused_or_read_for_what_it_is(outcomes, number):
    case, found = outcomes[0][number]
    assert "crash" not in found, found
    assert CANARY not in found.get("all", "")
    if isinstance(case["wanted"], int):
        assert found.get("records") == case["wanted"], found.get("refusal")
    else:
        assert case["wanted"] in found["refusal"]


def test_no_cell_is_printed(outcomes):
    assert CANARY not in outcomes[1]


def test_no_file_takes_a_gigabyte(outcomes):
    last = outcomes[0][-1][1]
    assert last["mib"] < GIB, "the program"
    assert last["child_mib"] < GIB, "the process that parses"


def test_no_file_takes_long(outcomes):
    assert max(found["seconds"] for _, found in outcomes[0]) < 60
