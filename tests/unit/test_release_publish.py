"""Publishing: refused when it should be, whole when it is done, and finished by the next run when it was killed."""

import csv
import errno
import fcntl
import io
import json
import os
import resource
import subprocess
import sys
from datetime import date
from pathlib import Path

import pytest

from release_samples import copy_of, places, released, request, signed, signer, survey
from sdc.errors import ApprovalError, DisclosureError, IntegrityError
from sdc.release.catalogue import COLUMNS, read_catalogue
from sdc.release.manifest import package_name
from sdc.release.package import build
from sdc.release.verify import inspect, verify

TESTS = Path(__file__).resolve().parents[1]


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    given = places()
    folder = tmp_path_factory.mktemp("candidates") / package_name(given["request"])
    build(folder, **given)
    return folder, given


def build_in(folder: Path, given: dict) -> Path:
    build(folder, **given)
    return folder


@pytest.fixture
def go(made, tmp_path):
    folder, given = made

    def run(candidate=folder, **changes):
        return released(tmp_path / "releases", candidate, given, **changes)

    return run


def test_a_release_lies_in_the_store_and_in_the_catalogue(go, made, tmp_path):
    folder, _ = made
    store = tmp_path / "releases"
    released = go()
    assert released == store / "REQ-2026-042" / "v1.0.0"
    assert "catalogue" in verify(released)
    (entry,) = read_catalogue(store)
    assert entry["release_id"] == folder.name
    assert entry["path"] == "REQ-2026-042/v1.0.0"
    assert entry["status"] == "released"
    assert entry["published_on"] == "2026-11-22"
    assert entry["approved_by"] == ["ACT-0002", "ACT-0003"]
    assert entry["at_publication"] == {"dvc_lock_sha256": "a" * 64}
    (row,) = csv.DictReader(io.StringIO((store / "catalogue.csv").read_text()))
    assert tuple(row) == COLUMNS
    assert row["release_id"] == folder.name
    assert row["approved_by"] == "ACT-0002 ACT-0003"
    assert sorted(p.name for p in store.iterdir()) == [
        ".lock",
        "REQ-2026-042",
        "catalogue.csv",
        "catalogue.json",
        "papers",
    ]


def test_the_candidate_stays_as_it_was_and_the_release_is_read_only(go, made):
    folder, _ = made
    released = go()
    verify(folder, candidate=True)
    files = [path for path in released.rglob("*") if path.is_file()]
    assert len(files) == 12
    for path in (released, *released.rglob("*")):
        assert not path.stat().st_mode & 0o222, path.name
    before = {path.relative_to(folder) for path in folder.rglob("*") if path.is_file()}
    assert {p.relative_to(released) for p in files} - before == {Path("SHA256SUMS.sig")}
    assert all((folder / name).read_bytes() == (released / name).read_bytes() for name in before)


def test_publishing_again_changes_nothing(go, tmp_path):
    go()
    before = {p: p.read_bytes() for p in (tmp_path / "releases").rglob("*") if p.is_file()}
    go(today=date(2026, 12, 24), approved_by=("ACT-0009",))
    assert {p: p.read_bytes() for p in (tmp_path / "releases").rglob("*") if p.is_file()} == before


def test_another_package_under_the_same_version_is_refused(go, tmp_path):
    released = go()
    other = places(n=61)
    build(tmp_path / "other", **other)
    with pytest.raises(IntegrityError, match="released under this version"):
        go(tmp_path / "other", verdict=other["verdict"])
    verify(released)
    assert len(read_catalogue(tmp_path / "releases")) == 1


def test_a_higher_version_stands_beside_the_lower(go, made, tmp_path):
    folder, _ = made
    first = go()
    given = places(version="1.1.0")
    build(tmp_path / "next", **given, supersedes=folder.name)
    second = go(tmp_path / "next", request=given["request"], verdict=given["verdict"])
    assert second == first.parent / "v1.1.0"
    assert [entry["version"] for entry in read_catalogue(tmp_path / "releases")] == ["1.0.0", "1.1.0"]
    assert [entry["status"] for entry in read_catalogue(tmp_path / "releases")] == ["superseded", "released"]
    verify(first)
    verify(second)


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"approved_by": ()}, ApprovalError),
        ({"approved_by": ("Amina Example",)}, ApprovalError),
        ({"approved_by": ("",)}, ApprovalError),
        ({"today": date(2028, 1, 1)}, ApprovalError),
        ({"request": request("site_list", approval=None)}, ApprovalError),
        ({"request": request("site_list", id="REQ-2026-044")}, DisclosureError),
        ({"signer": signer(2)}, IntegrityError),
        ({"verdict": {"gate": "fail", "request": "REQ-2026-042"}}, DisclosureError),
        ({"verdict": {}}, DisclosureError),
        ({"verdict": {"gate": "pass", "request": "REQ-2026-042"}}, IntegrityError),
    ],
)
def test_what_must_not_be_published_is_refused_and_leaves_nothing(go, tmp_path, changes, error):
    with pytest.raises(error):
        go(**changes)
    store = tmp_path / "releases"
    assert not store.exists() or not [p for p in store.iterdir() if p.is_dir() and not p.name.startswith(".")]
    assert not store.exists() or read_catalogue(store) == []


def test_a_refusal_leaves_no_staging_behind_for_the_next_run(go, made, tmp_path):
    broken = copy_of(made[0], tmp_path / "broken")
    (broken / "README.txt").write_text("changed")
    with pytest.raises(IntegrityError, match=r"README\.txt: was changed"):
        go(broken)
    assert not (tmp_path / "releases" / "REQ-2026-042").exists()
    go()
    assert not (tmp_path / "releases" / ".staging").exists()


@pytest.mark.parametrize("kind", ["absent", "link inside", "pipe inside", "unexpected file"])
def test_a_candidate_that_is_no_package_is_refused(go, made, tmp_path, kind):
    broken = tmp_path / "broken"
    if kind != "absent":
        copy_of(made[0], broken)
    if kind == "link inside":
        (broken / "docs" / "more").symlink_to("/etc/hostname")
    if kind == "pipe inside":
        os.mkfifo(broken / "docs" / "more")
    if kind == "unexpected file":
        (broken / "docs" / "more").write_text("x")
    with pytest.raises(IntegrityError):
        go(broken)
    assert not (tmp_path / "releases" / "REQ-2026-042").exists()


def test_a_release_that_was_changed_is_found(go):
    released = go()
    (released / "README.txt").chmod(0o644)
    (released / "README.txt").write_text("changed")
    with pytest.raises(IntegrityError, match=r"README\.txt"):
        go()


def test_a_release_replaced_by_another_genuine_package_is_found_by_the_catalogue(go, tmp_path):
    released = go()
    other = places(n=61)
    signed(build_in(tmp_path / "other", other))
    for path in (released, *released.rglob("*")):
        path.chmod(0o755)
    for path in released.rglob("*"):
        if path.is_file():
            path.write_bytes((tmp_path / "other" / path.relative_to(released)).read_bytes())
    assert {check.name for check in inspect(released) if not check.passed} == {"catalogue"}


@pytest.mark.parametrize(
    "raw", [b"", b"{", b"[]", b'{"releases": [1]}', b'{"releases": [{"path": "a"}, {"path": "a"}]}']
)
def test_a_broken_catalogue_stops_everything(go, tmp_path, raw):
    go()
    (tmp_path / "releases" / "catalogue.json").write_bytes(raw)
    with pytest.raises(IntegrityError, match="catalogue"):
        go()
    assert (tmp_path / "releases" / "catalogue.json").read_bytes() == raw


def test_a_lost_table_is_written_again(go, tmp_path):
    go()
    (tmp_path / "releases" / "catalogue.csv").unlink()
    go()
    assert (tmp_path / "releases" / "catalogue.csv").exists()


def test_two_at_once_are_refused_with_a_clear_error(go, tmp_path):
    (tmp_path / "releases").mkdir()
    with (tmp_path / "releases" / ".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        with pytest.raises(IntegrityError, match="another publication is under way"):
            go()
    go()


def test_several_publishers_lose_nothing(tmp_path):
    """Four processes, four requests, one store: each gets in, sooner or later."""
    code = (
        "import sys, time; sys.path.insert(0, sys.argv[1]); from pathlib import Path; "
        "from release_samples import places, released; from sdc.errors import IntegrityError; "
        "from sdc.release.package import build, package_name\n"
        "work, given = Path(sys.argv[2]), places(id=sys.argv[3]); folder = work / package_name(given['request'])\n"
        "build(folder, **given)\n"
        "for attempt in range(600):\n"
        "    try:\n"
        "        released(work / 'releases', folder, given); break\n"
        "    except IntegrityError as busy:\n"
        "        assert 'under way' in str(busy), busy; time.sleep(0.05)\n"
        "else:\n    sys.exit(3)\n"
    )
    ids = [f"REQ-2026-10{number}" for number in range(4)]
    running = [subprocess.Popen([sys.executable, "-c", code, str(TESTS), str(tmp_path), each]) for each in ids]
    assert [process.wait(timeout=120) for process in running] == [0] * 4
    entries = read_catalogue(tmp_path / "releases")
    assert sorted(entry["request_id"] for entry in entries) == ids
    for entry in entries:
        verify(tmp_path / "releases" / entry["path"])


@pytest.mark.slow
def test_a_publisher_killed_at_any_moment_leaves_nothing_half(tmp_path):
    """Before and after every second call that changes the store: that is every state in between."""
    nth = 2
    done = subprocess.run(
        [sys.executable, str(TESTS / "kill_publish.py"), str(tmp_path), str(nth)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    found = json.loads(done.stdout)
    assert found["killed"] >= 2 * (found["calls"] // nth)
    assert found["killed"] >= 60
    assert found["renamed_but_not_listed"] >= 2


@pytest.mark.parametrize(
    ("call", "code"),
    [("replace", errno.EROFS), ("fsync", errno.ENOSPC), ("mkdir", errno.EACCES), ("replace", errno.EXDEV)],
)
def test_a_store_that_cannot_be_written_gives_a_clear_error(go, tmp_path, monkeypatch, call, code):
    def fail(*_, **__):
        raise OSError(code, os.strerror(code))

    with monkeypatch.context() as patched:
        patched.setattr(os, call, fail)
        with pytest.raises(IntegrityError) as refusal:
            go()
    assert os.strerror(code) in str(refusal.value)
    assert "Nothing was released" in str(refusal.value)
    assert not (tmp_path / "releases" / "REQ-2026-042" / "v1.0.0").exists()
    verify(go())


def test_a_store_below_a_file_gives_a_clear_error(made, tmp_path):
    folder, given = made
    (tmp_path / "file").write_text("x")
    with pytest.raises(IntegrityError, match="cannot be written"):
        released(tmp_path / "file" / "releases", folder, given)


@pytest.mark.skipif(os.name == "posix" and os.geteuid() == 0, reason="root may write everywhere")
def test_a_read_only_store_gives_a_clear_error(go, tmp_path):
    (tmp_path / "releases").mkdir(mode=0o555)
    with pytest.raises(IntegrityError, match="cannot be written"):
        go()


def test_a_disk_that_fills_up_releases_nothing(go, made, tmp_path):
    """A real limit on file size, in a child: the copy of the workbook does not fit."""
    folder, _ = made
    limit = max(path.stat().st_size for path in folder.rglob("*") if path.is_file()) - 1
    child = os.fork()
    if child == 0:
        code = 1
        try:
            resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))
            go()
        except IntegrityError as refused:
            code = 14 if "cannot be written" in str(refused) else 2
        finally:
            os._exit(code)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 14
    assert not (tmp_path / "releases" / "REQ-2026-042").exists()
    verify(go())


def test_the_catalogue_cannot_run_in_a_spreadsheet(tmp_path):
    """Titles come from people; a title that would run is refused when the package is built."""
    from sdc.errors import RequestError

    given = survey()
    with pytest.raises(RequestError):
        build(tmp_path / "p", **{**given, "request": request("flow_survey", title="@SUM(1)")})


def test_the_register_is_told_of_each_release_also_by_the_run_after_a_killed_one(go, made, tmp_path):
    told = []
    go(enter=lambda entry: told.append((entry["release_id"], entry["status"])))
    go(enter=lambda entry: told.append((entry["release_id"], entry["status"])))
    assert told == [(made[0].name, "released")] * 2

    def broken(_):
        raise IntegrityError("register", "cannot be reached")

    other = places(id="REQ-2026-044")
    build(tmp_path / "other", **other)
    given = {"request": other["request"], "verdict": other["verdict"]}
    with pytest.raises(IntegrityError, match="cannot be reached"):
        go(tmp_path / "other", **given, enter=broken)
    assert (tmp_path / "releases" / ".journal.json").exists()
    go(enter=lambda entry: told.append((entry["release_id"], entry["status"])))
    assert told[2][0].endswith("REQ-2026-044-v1.0.0")
    assert not (tmp_path / "releases" / ".journal.json").exists()


@pytest.mark.parametrize("country", ["ZZZ", "SDN"])
def test_no_package_with_a_placeholder_for_a_contact_leaves_for_real(tmp_path, go, country):
    given = places(country=country)
    build(tmp_path / "p", **given)
    entries = {"request": given["request"], "verdict": given["verdict"]}
    if country == "ZZZ":
        assert go(tmp_path / "p", **entries)
    else:
        with pytest.raises(IntegrityError, match="placeholder"):
            go(tmp_path / "p", **entries)


def test_a_candidate_that_names_no_key_is_not_published(tmp_path, go):
    given = places()
    build(tmp_path / "p", **{**given, "signing": None})
    with pytest.raises(IntegrityError, match="names no signing key"):
        go(tmp_path / "p", request=given["request"], verdict=given["verdict"])


def test_the_papers_of_a_release_are_kept_beside_it_and_not_in_it(go, made, tmp_path):
    """The next version is built where they lay; they tell what a recipient must not know."""
    target = go()
    kept = tmp_path / "releases" / "papers" / made[0].name / "verdict.json"
    assert json.loads(kept.read_text()) == made[1]["verdict"]
    assert not kept.stat().st_mode & 0o222
    assert not [path for path in target.rglob("*") if path.name in ("verdict.json", "ledger.json")]
    assert go(papers={"verdict.json": "{}"}) == target
    assert json.loads(kept.read_text()) == made[1]["verdict"], "a release that is out keeps its papers"


def test_a_candidate_swapped_after_its_votes_were_counted_is_refused(go, tmp_path):
    with pytest.raises(IntegrityError, match="not the one that was reviewed"):
        go(reviewed="f" * 64)
    assert read_catalogue(tmp_path / "releases") == []


def test_a_key_that_does_not_sign_on_this_day_signs_nothing(go, tmp_path):
    """Its signature would not verify anywhere."""
    with pytest.raises(IntegrityError, match="does not sign on this day"):
        go(today=date(2026, 10, 31))
    assert read_catalogue(tmp_path / "releases") == []


@pytest.mark.parametrize("what", ["candidate", "folder of the request"])
def test_a_link_in_the_place_of_a_folder_is_refused(go, made, tmp_path, what):
    """It would bring in what was not looked at, or take the release out of the store."""
    if what == "candidate":
        (tmp_path / "link").symlink_to(made[0])
        with pytest.raises(IntegrityError, match="is a link"):
            go(tmp_path / "link")
    else:
        (tmp_path / "elsewhere").mkdir()
        (tmp_path / "releases").mkdir()
        (tmp_path / "releases" / "REQ-2026-042").symlink_to(tmp_path / "elsewhere")
        with pytest.raises(IntegrityError, match="is a link"):
            go()
        assert list((tmp_path / "elsewhere").iterdir()) == []
        (tmp_path / "releases" / "REQ-2026-042").unlink()
    verify(go())
