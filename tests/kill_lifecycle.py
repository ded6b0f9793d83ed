"""Every operation on a store, in children that are killed at each system call that changes it; then once more.

Run as a program: ``python kill_lifecycle.py WORK NTH``. Prints one JSON line. Afterwards a store must look, byte for
byte, as it does when nobody was killed.
"""

import json
import shutil
import signal
import sys
from pathlib import Path

import yaml

from kill_publish import arm, in_child, whole
from release_samples import SECRET, TODAY, places, read_notice, released, signer, survey
from sdc.errors import DataError
from sdc.release.catalogue import read_catalogue
from sdc.release.notices import destroyed, supersede, withdraw
from sdc.release.package import build_next
from sdc.release.purge import purge

BY = {"by": "ACT-0007", "today": TODAY, "signer": signer()}
FIRST, OTHER = places(), survey(n=60, id="REQ-2026-043")
SECOND = {**FIRST, "request": FIRST["request"].model_copy(update={"purpose": "The same, in other words than before."})}
WHO = "Ministry of Relief (fictitious)"


def purged(root: Path) -> None:
    """Once more, where a killed run was finished, is refused: nothing is left."""
    try:
        purge(root, ["sites_r01"], because="Past its retention period.", secret=SECRET, **BY)
    except DataError:
        assert list((root / "releases" / "purges").glob("*.json")), "nothing was purged, and there is nothing to purge"


OPERATIONS = {
    "publish": lambda root: released(root / "releases", root / "second" / SECOND_NAME, SECOND),
    "supersede": lambda root: supersede(root / "releases", "REQ-2026-042", "REQ-2026-043", **BY),
    "withdraw": lambda root: withdraw(root / "releases", "REQ-2026-042", reason="legal", **BY),
    "destroyed": lambda root: destroyed(root / "releases", "REQ-2026-042", organisation=WHO, on=TODAY, **BY),
    "purge": purged,
}
SECOND_NAME = "DTM-ZZZ-SL-R01-REQ-2026-042-v1.0.1"


def house(work: Path) -> Path:
    """A checkout with two releases, a candidate, and raw data with a copy."""
    root = work / "house"
    for given in (FIRST, OTHER):
        candidate = build_next(root / "first" / given["request"].id, store=root / "releases", **given)
        released(root / "releases", candidate, given)
    assert build_next(root / "second", store=root / "releases", **SECOND).name == SECOND_NAME
    layout = {"format": "csv", "encoding": "utf-8", "separator": ",", "header_row": 1}
    extract = {"component": "site_list", "round": 1, "path": "data/raw/sites_r01.csv", "layout": layout}
    (root / "params.yaml").write_text(yaml.safe_dump({"extracts": {"sites_r01": extract}}))
    for place in ("data/raw/sites_r01.csv", "data/raw/copy.csv", "data/typed/site_list/sites_r01.parquet"):
        (root / place).parent.mkdir(parents=True, exist_ok=True)
        (root / place).write_text("name,phone\n" if place.endswith("csv") else "typed")
    return root


def state(root: Path) -> dict[str, bytes | None]:
    """All that lasts: files of the store, and names of the raw data."""
    found: dict[str, bytes | None] = {
        path.relative_to(root).as_posix(): path.read_bytes()
        for path in (root / "releases").rglob("*")
        if path.is_file() and path.name != ".lock"
    }
    return found | {path.relative_to(root).as_posix(): None for path in (root / "data").rglob("*") if path.is_file()}


def sound(root: Path) -> None:
    """Nothing half, at whatever moment: releases verify, each notice of the catalogue stands and is signed."""
    store = root / "releases"
    entries = read_catalogue(store)
    for entry in entries:
        assert (store / entry["path"]).is_dir()
        for status in {entry["status"]} & {"withdrawn", "superseded"}:
            read_notice(store / "notices" / f"{entry['release_id']}.{status}.json", (signer().key,), TODAY)
    if not any(entry["status"] == "withdrawn" for entry in entries):
        whole(store)


def copy(source: Path, target: Path) -> Path:
    return Path(shutil.copytree(source, target, symlinks=True))


def main() -> None:
    work, nth = Path(sys.argv[1]), int(sys.argv[2])
    origin = house(work)
    told = {}
    for name, operate in OPERATIONS.items():
        root = copy(origin, work / f"{name}-undisturbed")
        counted = work / f"{name}-calls"

        def count(root=root, operate=operate, counted=counted) -> None:
            seen = arm(10**9, after=False)
            operate(root)
            counted.write_text(str(seen[0]))

        assert in_child(count) == 0, name
        expected, total, killed = state(root), int(counted.read_text()), 0
        assert expected != state(origin), name
        for moment in range(1, total + 1, nth):
            for after in (False, True):
                root = copy(origin, work / "one")

                def dying(root=root, operate=operate, moment=moment, after=after) -> None:
                    arm(moment, after)
                    operate(root)

                assert in_child(dying) == -signal.SIGKILL, (name, moment)
                killed += 1
                sound(root)
                assert in_child(lambda root=root, operate=operate: operate(root)) == 0, (name, moment, after)
                assert state(root) == expected, (name, moment, after)
                for path in (root, *root.rglob("*")):
                    if path.is_dir():
                        path.chmod(0o755)
                shutil.rmtree(root)
        told[name] = killed
    print(json.dumps(told))


if __name__ == "__main__":
    main()
