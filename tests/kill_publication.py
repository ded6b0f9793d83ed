"""`sdc publish` in children that are killed, at calls of the system and at any moment; then once more, and look.

Run as a program: ``python kill_publication.py CHECKOUT REQUEST WORK KILLS``. The checkout holds a candidate that two
reviewers approved. Prints one JSON line.
"""

import json
import os
import random
import shutil
import signal
import sys
import time
from pathlib import Path

from kill_publish import arm, in_child, killed_after, settled, whole
from sdc.audit import read_index
from sdc.cli import publish
from sdc.cli_release import encrypt
from sdc.errors import IntegrityError
from sdc.register import open_register
from sdc.release.catalogue import read_catalogue

LEFT_OUT = shutil.ignore_patterns(".git", "src", "cache", "tmp", "dvc-site-cache")


def silent() -> None:
    """What children say is nobody's; a refusal that is expected has no trace either."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 1)


def run(root: Path, request: str) -> None:
    silent()
    publish(request, actor="ACT-0002", root=root)


def share(root: Path, request: str) -> None:
    """Another verb: it finishes what was journalled, and refuses where nothing was."""
    silent()
    try:
        encrypt(request, root / "s.tar", actor="ACT-0002", unencrypted_because="It stays on this machine.", root=root)
    except IntegrityError:
        assert not read_catalogue(root / "releases")


def holders(root: Path, component: str) -> tuple[list[str], list[str], list[str]]:
    """Release ids in the catalogue, in the register, and among the facts."""
    with open_register(str(root / "data" / "register" / "register.sqlite")) as register:
        register.verify()
        registered = [row["release_id"] for row in register.releases()]
    stored = [entry["release_id"] for entry in read_catalogue(root / "releases")]
    return stored, registered, [entry["release_id"] for entry in read_index(root / "data" / "facts" / component)]


def in_three_places(root: Path, component: str, releases: int | None = None) -> None:
    stored, registered, known = holders(root, component)
    assert stored == registered == known, (stored, registered, known)
    if releases is not None:
        assert len(stored) == releases, stored
        assert not list((root / "data" / "facts" / component).glob(".*.publishing")), "facts are still laid aside"


def main() -> None:
    origin, request, work, kills = Path(sys.argv[1]), sys.argv[2], Path(sys.argv[3]), int(sys.argv[4])
    (folder,) = (origin / "data" / "candidates" / request).iterdir()
    component = json.loads((folder / "manifest.json").read_text())["component"]
    chance = random.Random(20261122)

    def copied(name: str) -> Path:
        return Path(shutil.copytree(origin, work / name, ignore=LEFT_OUT))

    root, counted = copied("undisturbed"), work / "calls"

    def count() -> None:
        seen, began = arm(10**9, after=False), time.monotonic()
        run(root, request)
        counted.write_text(f"{seen[0]} {time.monotonic() - began}")

    assert in_child(count) == 0
    in_three_places(root, component, 1)
    calls, seconds = counted.read_text().split()
    moments = [1 + int(calls) * number // kills for number in range(kills)]
    told = {"calls": int(calls), "at_calls": 0, "at_times": 0, "finished_by_another_verb": 0}
    for number, moment in enumerate([*moments, *[None] * (kills // 4)]):
        root = copied("one")
        if moment is None:
            wait = float(seconds) * chance.uniform(0.1, 1)
            told["at_times"] += killed_after(lambda root=root: run(root, request), wait)
        else:

            def dying(root=root, moment=moment, after=number % 2 == 1) -> None:
                arm(moment, after)
                run(root, request)

            assert in_child(dying) == -signal.SIGKILL, moment
            told["at_calls"] += 1
        assert whole(root / "releases") <= 1
        if number % 3 == 2:
            assert in_child(lambda root=root: share(root, request)) == 0, moment
            in_three_places(root, component)
            told["finished_by_another_verb"] += len(read_catalogue(root / "releases"))
        assert in_child(lambda root=root: run(root, request)) == 0, moment
        in_three_places(root, component, 1)
        settled(root / "releases", 1)
        for path in (root, *root.rglob("*")):
            if path.is_dir():
                path.chmod(0o755)
        shutil.rmtree(root)
    print(json.dumps(told))


if __name__ == "__main__":
    main()
