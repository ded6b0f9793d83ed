"""Publish in children that are killed at each system call that changes the store; then once more, and look.

Run as a program: ``python kill_publish.py WORK NTH``. Every NTH call is a moment of death. Prints one JSON line.
"""

import json
import os
import signal
import sys
import time
from pathlib import Path

from release_samples import places, released, survey
from sdc.release.catalogue import as_csv, read_catalogue
from sdc.release.package import build, package_name
from sdc.release.verify import verify

CALLS = ("replace", "rename", "fsync", "mkdir", "chmod", "unlink", "rmdir", "link", "open")


def arm(moment: int, after: bool) -> list[int]:
    """Die at the `moment`-th call, before it or after it; the list counts calls."""
    seen = [0]

    def deadly(real):
        def call(*args, **kwargs):
            seen[0] += 1
            doomed = seen[0] == moment
            if doomed and not after:
                os.kill(os.getpid(), signal.SIGKILL)
            try:
                return real(*args, **kwargs)
            finally:
                if doomed:
                    os.kill(os.getpid(), signal.SIGKILL)

        return call

    for name in CALLS:
        setattr(os, name, deadly(getattr(os, name)))
    return seen


def in_child(work, seconds: float | None = None) -> int:
    """Run in a forked child, killed after some time where that is given: its exit code, or minus the signal."""
    child = os.fork()
    if child == 0:
        code = 1
        try:
            work()
            code = 0
        finally:
            os._exit(code)
    if seconds is not None:
        time.sleep(seconds)
        os.kill(child, signal.SIGKILL)
    _, status = os.waitpid(child, 0)
    return os.waitstatus_to_exitcode(status)


def killed_after(work, seconds: float) -> bool:
    """Whether a child was killed before it ended well."""
    code = in_child(work, seconds)
    assert code in (0, -signal.SIGKILL), code
    return code == -signal.SIGKILL


def whole(store: Path) -> int:
    """Releases in a store, each of which must verify; nothing half."""
    found = list(store.glob("REQ-*/v*"))
    for path in found:
        verify(path)
    for entry in read_catalogue(store):
        assert (store / entry["path"]).is_dir(), "the catalogue tells of a release that is not there"
    return len(found)


def settled(store: Path, releases: int) -> None:
    """What a store looks like when a run has ended well."""
    entries = read_catalogue(store)
    assert len(entries) == releases == whole(store)
    assert (store / "catalogue.csv").read_text() == as_csv(entries)
    left = {path.name for path in store.glob(".*")} - {".lock"}
    assert not left, left
    for path in store.glob("REQ-*/v*/**/*"):
        assert not path.stat().st_mode & 0o222, path.name


def main() -> None:
    work, nth = Path(sys.argv[1]), int(sys.argv[2])
    given, other = places(), survey(id="REQ-2026-043")
    candidates = []
    for each in (given, other):
        candidates.append(work / "candidates" / package_name(each["request"]))
        build(candidates[-1], **each)

    def run(store: Path, which: int = 0) -> None:
        released(store, candidates[which], (given, other)[which])

    store = work / "count"
    run(store, 1)
    counted = work / "calls"

    def count() -> None:
        seen = arm(10**9, after=False)
        run(store)
        counted.write_text(str(seen[0]))

    assert in_child(count) == 0
    total = int(counted.read_text())
    killed = partial = 0
    for moment in range(1, total + 1, nth):
        for after in (False, True):
            store = work / f"store-{moment}-{int(after)}"
            in_child(lambda store=store: run(store, 1))

            def dying(store=store, moment=moment, after=after) -> None:
                arm(moment, after)
                run(store)

            code = in_child(dying)
            assert code == -signal.SIGKILL, code
            killed += 1
            there = whole(store)
            assert there in (1, 2)
            partial += there == 2 and len(read_catalogue(store)) == 1
            again = moment % 2
            assert in_child(lambda store=store, again=again: run(store, again)) == 0
            settled(store, whole(store))
            assert in_child(lambda store=store: run(store)) == 0
            settled(store, 2)
    print(json.dumps({"calls": total, "killed": killed, "renamed_but_not_listed": partial}))


if __name__ == "__main__":
    main()
