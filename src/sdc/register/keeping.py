"""The register kept safe: whole copies, restored without losing what is there, moved to another database."""

import json
import os
from collections.abc import Iterable, Mapping
from contextlib import closing
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from sdc.errors import ApprovalError, IntegrityError, SdcError
from sdc.files import sync, write_json
from sdc.register.book import Register
from sdc.register.entry import require_permission
from sdc.register.history import Head, require_whole
from sdc.register.store import (
    Store,
    connect,
    create_rules,
    create_tables,
    has_schema,
    making,
    refusals,
    require_rules,
    schema_version,
)
from sdc.register.tables import EVENT, KEPT, METADATA, SCHEMA_VERSION

Content = dict[str, list[dict[str, Any]]]


def write_anchor(register: Register, path: Path) -> Head:
    """Write the end of the chain to a file, to be kept where those who write the register cannot reach."""
    found = register.verify()
    write_json(path, {"events": found.events, "hash": found.hash})
    return found


def read_anchor(path: Path) -> Head:
    """Read an anchor.

    Raises
    ------
    IntegrityError : when it is none.
    """
    try:
        content = json.loads(path.read_bytes())
        return Head(int(content["events"]), str(content["hash"]))
    except (OSError, ValueError, KeyError, TypeError):
        raise IntegrityError(str(path), "is no anchor", "`sdc registry anchor FILE` writes one.") from None


def backup(register: Register, path: Path) -> Head:
    """Write a consistent copy as an SQLite file, and its head beside it; of a PostgreSQL register too.

    Raises
    ------
    IntegrityError : when the register is broken, the copy exists, or the disk refuses.

    Guarantees
    ----------
    * The file appears whole or not at all, readable by its owner only, and never in the place of another.
    """
    if path.exists():
        raise IntegrityError(str(path), "is there already", "Name another file: a backup replaces nothing.")
    with register.reading() as connection:
        require_whole(connection, register.where)
        content = _content(connection)
    found = _write_file(path, content, path)
    write_json(_beside(path), {"events": found.events, "hash": found.hash})
    return found


def _beside(path: Path) -> Path:
    return path.with_name(f"{path.name}.head.json")


def restore(url: str, source: Path, *, aside: Path, anchors: Iterable[Head] = ()) -> tuple[Head, Path | None]:
    """Put a backup in the place of the register; what is there now is kept aside, whatever its state.

    Parameters
    ----------
    url : str
        Of the register; it need not be there.
    source : Path
        A backup.
    aside : Path
        Folder in which what is there now is kept, where the register is not a file itself.
    anchors : iterable of Head
        That the backup must hold.

    Returns
    -------
    the head of what was restored, and where the old register is kept; None where there was none

    Raises
    ------
    IntegrityError : when the backup is broken, or not the one its head tells.

    Guarantees
    ----------
    * At each moment the register is the old one or the new one, whole.
    """
    kept = [*anchors, *([read_anchor(_beside(source))] if _beside(source).exists() else [])]
    with closing(connect(str(source))) as given, given.reading() as connection:
        if not has_schema(connection):
            raise IntegrityError(str(source), "is no backup of a register", "Name another file.")
        _require_version(connection, str(source))
        require_whole(connection, str(source), kept)
        content = _content(connection)
    return _replace(url, content, aside)


def migrate(url: str, *, actor: str, aside: Path, target: str | None = None) -> tuple[Head, Path | None]:
    """Write the register anew as this program keeps it, or into another database; its events stay as they are.

    Parameters
    ----------
    target : str or None
        URL of an empty database to move to, such as PostgreSQL; the old register stays then.

    Returns
    -------
    the head, and where the old register is kept

    Raises
    ------
    ApprovalError : when the actor is no manager, or the target holds a register.
    IntegrityError : when the register is broken, or of a later version.
    """
    with closing(connect(url)) as found, found.reading() as connection:
        if not has_schema(connection):
            raise ApprovalError(found.where, "holds no register", "Make one: `sdc registry init --as ACTOR`.")
        _require_version(connection, found.where)
        require_whole(connection, found.where)
        require_permission(connection, actor, "actor")
        content = _content(connection)
    if target is None:
        return _replace(url, content, aside)
    with closing(connect(target, create=True)) as other, refusals(other.where), making(other) as connection:
        if has_schema(connection):
            raise ApprovalError(other.where, "holds a register already", "Name an empty database.")
        return _fill(connection, content, other.where), None


def _require_version(connection: sa.Connection, where: str) -> None:
    version = schema_version(connection)
    if not version.isdigit() or int(version) > int(SCHEMA_VERSION):
        raise IntegrityError(where, "was written by a later program", "Install that version of the program.")


def _content(connection: sa.Connection) -> Content:
    """All rows of all tables as they are, with the columns that the database has."""
    found: Content = {}
    inspector = sa.inspect(connection)
    for table in (EVENT, *KEPT):
        if not inspector.has_table(table.name):
            found[table.name] = []
            continue
        there = sa.table(table.name, *(sa.column(c["name"]) for c in inspector.get_columns(table.name)))
        asked = sa.select(there).order_by(*(there.c[key.name] for key in table.primary_key))
        found[table.name] = [dict(row) for row in connection.execute(asked).mappings()]
    return found


def _fill(connection: sa.Connection, content: Mapping[str, list[dict]], where: str) -> Head:
    """Tables, rows, then rules, in an empty database; and a look whether all is whole."""
    create_tables(connection)
    for table in (EVENT, *KEPT):
        if content[table.name]:
            rows = [{**dict.fromkeys(table.columns.keys()), **row} for row in content[table.name]]
            connection.execute(table.insert(), rows)
    create_rules(connection)
    require_rules(connection, where)
    return require_whole(connection, where)


def _write_file(path: Path, content: Content, told: Path) -> Head:
    """A new SQLite file that appears whole."""
    clear(path)
    unfinished = path.with_name(f".{path.name}.{os.getpid()}.partial")
    try:
        with closing(connect(str(unfinished), create=True)) as made, refusals(str(told)), making(made) as connection:
            found = _fill(connection, content, str(told))
        with refusals(str(told)):
            os.link(unfinished, path)  # refuses to take another file's place
            sync(path.parent)
    finally:
        unfinished.unlink(missing_ok=True)
        unfinished.with_name(f"{unfinished.name}-journal").unlink(missing_ok=True)
    return found


def _replace(url: str, content: Content, folder: Path) -> tuple[Head, Path | None]:
    """Content in the place of a register, which is kept aside as a file."""
    if "://" in url and not url.startswith("sqlite:///"):
        return _replace_tables(connect(url), content, folder)
    path = Path(url.removeprefix("sqlite:///"))
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    clear(path)
    new = path.with_name(f".{path.name}.{os.getpid()}.new")
    found = _write_file(new, content, path)
    aside: Path | None = None
    try:
        with refusals(str(path)):
            if path.exists():
                aside = _free(path)
                _swap(path, new, aside)
            else:
                os.link(new, path)
            sync(path.parent)
    finally:
        new.unlink(missing_ok=True)
    return found, aside


def _swap(path: Path, new: Path, aside: Path) -> None:
    """The old file gets a second name, then its first name goes to the new one: no moment is without a register."""
    journal = path.with_name(f"{path.name}-journal")
    old = connect(str(path))
    try:
        with old.writing():  # nobody else writes, and what a killed writer left is rolled back
            os.link(path, aside)
            new.replace(path)
    except SdcError:
        if aside.exists() and not path.samefile(aside):
            raise  # it was done, and only the end of the transaction failed
        aside.unlink(missing_ok=True)
        os.link(path, aside)
        if journal.exists():
            journal.replace(aside.with_name(f"{aside.name}-journal"))
        new.replace(path)
    finally:
        old.close()


def _replace_tables(store: Store, content: Content, folder: Path) -> tuple[Head, Path | None]:
    """The same in PostgreSQL, in one transaction; the old register becomes a file of its rows."""
    aside: Path | None = None
    with closing(store), refusals(store.where), making(store) as connection:
        if has_schema(connection):
            connection.exec_driver_sql("LOCK TABLE event IN ACCESS EXCLUSIVE MODE")
            folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            aside = _free(folder / "register.json")
            _write_raw(aside, _content(connection))
            METADATA.drop_all(connection)
            names = connection.exec_driver_sql(
                "SELECT p.proname FROM pg_proc p WHERE p.pronamespace = current_schema()::regnamespace "
                "AND p.proname LIKE 'rule\\_%%'"
            ).scalars()
            for name in list(names):
                connection.exec_driver_sql(f"DROP FUNCTION {name}()")
        found = _fill(connection, content, store.where)
    return found, aside


def _write_raw(path: Path, content: Content) -> None:
    """A copy that need not be whole: what is replaced may be broken, and is kept all the same."""
    with path.open("x", encoding="utf-8") as out:
        path.chmod(0o600)
        json.dump(content, out, ensure_ascii=False)
        out.flush()
        os.fsync(out.fileno())


def _free(path: Path) -> Path:
    """A name beside a file that is not taken."""
    number = 1
    while path.with_name(f"{path.name}.replaced-{number}").exists():
        number += 1
    return path.with_name(f"{path.name}.replaced-{number}")


def clear(path: Path) -> None:
    """Remove what killed runs of backup, restore and migrate left half beside a file."""
    for left in path.parent.glob(f".{path.name}.*"):
        if left.name.endswith((".partial", ".new", "-journal")):
            left.unlink(missing_ok=True)
