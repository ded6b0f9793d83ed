"""A register that was replaced by an older one, or made anew, is found by what the releases tell of it."""

import shutil

import pytest
from typer.testing import CliRunner

from register_cases import OFFICER, SECOND, bring, entry, go, office
from sdc.cli import app
from sdc.errors import IntegrityError
from sdc.register import open_register
from sdc.release.anchors import anchors_of, require_register
from sdc.release.catalogue import write_catalogue

EXTRACTS = "{s_r01: {component: mobility_tracking, round: 1, path: raw.csv, layout: {format: csv}}}"


@pytest.fixture
def published(tmp_path):
    """A register with a release, the catalogue that it was published into, and a copy from before."""
    path = tmp_path / "register.sqlite"
    with office(str(path)) as register:
        bring(register, "review")
        go(register, "review")
        go(register, "review", SECOND)
        shutil.copy2(path, tmp_path / "older.sqlite")
        go(register, "obligation")
        told = {**entry(), "at_publication": {"register": register.head()._asdict()}}
        go(register, "publish")
    return path, [told]


def test_the_register_of_the_house_passes_also_as_it_grows(published):
    path, entries = published
    with open_register(str(path)) as register:
        assert require_register(register, entries) == register.head()
        go(register, "obligation", OFFICER)
        assert require_register(register, entries, anchors_of(entries)).events == anchors_of(entries)[0].events + 2


def test_an_older_one_is_refused(published):
    path, entries = published
    with open_register(str(path.parent / "older.sqlite")) as register:
        register.verify()
        with pytest.raises(IntegrityError, match="the end was cut off"):
            require_register(register, entries)


def test_one_that_stood_there_just_before_the_release_is_refused(published):
    path, entries = published
    older = path.parent / "older.sqlite"
    with open_register(str(older)) as register:
        go(register, "obligation")
        with pytest.raises(IntegrityError, match="was published, and the register does not know it"):
            require_register(register, entries)


def test_one_that_was_made_anew_is_refused(published, tmp_path):
    """Whole in itself, with the same release: only its history is another."""
    _, entries = published
    with office(str(tmp_path / "new.sqlite")) as register:
        go(register, "receive")
        go(register, "appraise")
        go(register, "answers", identity_checked=True)
        for verb in ("approve", "prepare", "submit", "review"):
            go(register, verb)
        go(register, "review", SECOND)
        go(register, "publish")
        register.verify()
        with pytest.raises(IntegrityError, match="made anew"):
            require_register(register, entries)


def test_a_release_from_before_there_were_anchors_says_nothing(published):
    path, entries = published
    old = [{**entries[0], "at_publication": {"dvc_lock_sha256": None}}]
    assert anchors_of(old) == []
    with open_register(str(path.parent / "older.sqlite")) as register:
        require_register(register, old)


@pytest.mark.parametrize(("register", "says"), [("register.sqlite", ""), ("older.sqlite", "the end was cut off")])
def test_whoever_verifies_the_register_needs_no_anchor_for_that(published, tmp_path, register, says):
    _, entries = published
    (tmp_path / "params.yaml").write_text(f"register: {register}\nextracts: {EXTRACTS}\n")
    (tmp_path / "releases").mkdir()
    write_catalogue(tmp_path / "releases", entries)
    done = CliRunner().invoke(app, ["registry", "verify", "--root", str(tmp_path)])
    assert (done.exit_code == 0) == (not says), done.output
    assert says in str(done.exception or "")
