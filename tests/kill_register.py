"""Change a register in children that are killed at any moment, at system calls and at SQLite's own; then look.

Run as a program: ``python kill_register.py WORK ROUNDS``. Prints one JSON line.
"""

import json
import random
import sys
from pathlib import Path

from kill_publish import killed_after
from register_cases import AT, ID, MANAGER, MANIFEST, OFFICER, SECOND, bring, entry, go, office
from sdc.register import open_register
from sdc.register.keeping import backup, migrate, restore


def ready(path: Path) -> None:
    """A register with one request reviewed by two, not yet published."""
    with office(str(path)) as register:
        bring(register, "review")
        go(register, "review")
        go(register, "review", SECOND)


def append(path: Path) -> None:
    with open_register(str(path)) as register:
        for _ in range(1000):
            go(register, "obligation")


def publish(path: Path) -> None:
    with open_register(str(path)) as register:
        for number in range(1000):
            register.released(entry(version=f"1.{number}.0"), OFFICER, AT)


def moved(path: Path) -> None:
    for _ in range(1000):
        migrate(str(path), actor=MANAGER, aside=path.parent)


def put_back(path: Path) -> None:
    for _ in range(1000):
        restore(str(path), path.parent / "backup.sqlite", aside=path.parent)


def saved(path: Path) -> None:
    with open_register(str(path)) as register:
        for number in range(1000):
            backup(register, path.parent / f"copy-{number}.sqlite")


def main() -> None:
    work, rounds = Path(sys.argv[1]), int(sys.argv[2])
    chance = random.Random(20261122)
    template = work / "template" / "register.sqlite"
    ready(template)
    killed = dict.fromkeys(("append", "publish", "moved", "put_back", "saved"), 0)
    for number in range(rounds):
        for task in (append, publish, moved, put_back, saved):
            path = work / f"{task.__name__}-{number}" / "register.sqlite"
            path.parent.mkdir()
            path.write_bytes(template.read_bytes())
            path.chmod(0o600)
            with open_register(str(path)) as register:
                before = register.head()
                backup(register, path.parent / "backup.sqlite")
            killed[task.__name__] += killed_after(lambda path=path, task=task: task(path), 0.02 + 0.3 * chance.random())
            with open_register(str(path)) as register:
                after = register.verify([before])
                known = register.releases(ID)
                assert all(row["manifest_sha256"] == MANIFEST for row in known)
                assert task is append or task is publish or after == before, task.__name__
                assert task is not publish or after.events == before.events + len(known)
                go(register, "obligation")
                register.verify([before, after])
            for copy in path.parent.glob("copy-*.sqlite"):
                with open_register(str(copy)) as found:
                    assert found.verify() == before
            for kept in path.parent.glob("register.sqlite.replaced-*"):
                kept.chmod(0o600)
                with open_register(str(kept)) as found:
                    assert found.verify() == before
    print(json.dumps({"killed": killed, "total": sum(killed.values())}))


if __name__ == "__main__":
    main()
