"""One checkout, built once by `dvc repro` from extracts full of tokens; tests copy it, and never change it."""

import fcntl
import json
import os
import runpy
import shutil
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

import pytest
from checkouts import COUNTS, PERSONS, Checkout, commit, make_checkout, reviewed


class Built(NamedTuple):
    """The checkout as `dvc repro` left it."""

    checkout: Checkout
    tokens: dict[str, list[str]]
    log: str


@pytest.fixture(scope="session")
def built(tmp_path_factory) -> Built:
    """The built checkout, shared by all workers of a test run. Read only."""
    base = tmp_path_factory.getbasetemp()
    if "PYTEST_XDIST_WORKER" in os.environ:
        base = base.parent
    folder = base / "pipeline"
    folder.mkdir(exist_ok=True)
    with (folder / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (folder / "log").exists():
            checkout, tokens = make_checkout(folder / "work" / "checkout")
            suites = checkout.run("sdc", "expectations", "write")
            assert suites.returncode == 0, suites.stderr
            commit(checkout, "documents")
            repro = checkout.run("dvc", "repro")
            assert repro.returncode == 0, (repro.stdout + repro.stderr)[-800:]
            for request in (COUNTS, PERSONS):
                reviewed(checkout, request)
            (folder / "tokens.json").write_text(json.dumps(tokens))
            commit(checkout, "built")
            (folder / "log").write_text(suites.stdout + suites.stderr + repro.stdout + repro.stderr)
    return Built(
        Checkout(folder / "work" / "checkout"),
        json.loads((folder / "tokens.json").read_text()),
        (folder / "log").read_text(),
    )


@pytest.fixture
def checkout(built, tmp_path) -> Iterator[Checkout]:
    """A copy of the built checkout, for a test to change."""
    yield built.checkout.copy(tmp_path / "checkout")
    shutil.rmtree(tmp_path, ignore_errors=True)  # pytest would keep a hundred of them


@pytest.fixture
def bare(built, tmp_path) -> Iterator[Checkout]:
    """A copy without the program and DVC's cache, which calls in this process do not need."""
    yield built.checkout.copy(tmp_path / "checkout", "src", "cache", "tmp", "dvc-site-cache")
    shutil.rmtree(tmp_path, ignore_errors=True)


class Ended(NamedTuple):
    """How a call ended."""

    code: int
    out: str
    err: str


@pytest.fixture
def call(monkeypatch, capfd) -> Iterator[Callable[[Path, list[str]], Ended]]:
    """Call a script of the pipeline, or `sdc`, within this process: a second sooner than a process of its own."""
    mask = os.umask(0o077)

    def one(root: Path, words: list[str]) -> Ended:
        monkeypatch.chdir(root)
        script = words[0] == "python"
        monkeypatch.setattr(sys, "argv", words[1:] if script else words)
        capfd.readouterr()
        code = 0
        try:
            if script:
                runpy.run_path(words[1], run_name="__main__")
            else:
                from sdc.cli import main

                main()
        except SystemExit as ended:
            code = ended.code if isinstance(ended.code, int) else int(ended.code is not None)
        told = capfd.readouterr()
        return Ended(code, told.out, told.err)

    yield one
    os.umask(mask)
