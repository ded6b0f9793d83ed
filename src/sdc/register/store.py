"""Where the register lies: made, opened, read and written in transactions; the database's refusals in our words."""

import os
import re
import stat
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

import sqlalchemy as sa

from sdc.errors import ApprovalError, IntegrityError, RequestError, SdcError
from sdc.register.rules import PREFIX, WORDS, postgresql_triggers, sqlite_triggers
from sdc.register.states import PERMISSIONS, TRANSITIONS
from sdc.register.tables import META, METADATA, PERMISSION, SCHEMA_VERSION, TRANSITION

WAIT_SECONDS = 60
_BROKEN = re.compile(r"not a database|malformed|encrypted", re.IGNORECASE)
_FULL = re.compile(r"disk is full|disk I/O error|No space left", re.IGNORECASE)
_SHUT = re.compile(r"readonly|read-only|permission denied|unable to open", re.IGNORECASE)
_BUSY = re.compile(r"is locked|lock timeout|could not obtain lock", re.IGNORECASE)
_AWAY = re.compile(r"connection|server|no such host|could not translate|authentication", re.IGNORECASE)


class Store:
    """An opened database.

    Parameters
    ----------
    engine : sqlalchemy.Engine
    where : str
        Its place for errors, without a password.
    path : Path or None
        Of the SQLite file.
    """

    def __init__(self, engine: sa.Engine, where: str, path: Path | None) -> None:
        self.engine, self.where, self.path = engine, where, path

    @contextmanager
    def reading(self) -> Iterator[sa.Connection]:
        """One consistent view."""
        with refusals(self.where), self.engine.connect() as connection, connection.begin():
            yield connection

    @contextmanager
    def writing(self) -> Iterator[sa.Connection]:
        """One transaction that waits its turn: whole on disk when the block ends well, and nothing of it otherwise."""
        before = self._file()
        with (
            refusals(self.where),
            self.engine.connect().execution_options(sdc_writes=True) as connection,
            connection.begin(),
        ):
            if self.engine.dialect.name == "postgresql":
                connection.exec_driver_sql("LOCK TABLE event IN SHARE ROW EXCLUSIVE MODE")
            if self._file() != before:
                raise IntegrityError(self.where, "was restored while this waited", "Nothing was changed. Run it again.")
            yield connection

    def _file(self) -> int | None:
        """Which file lies at the path now; another one after a restore."""
        return self.path.stat().st_ino if self.path is not None and self.path.exists() else None

    def close(self) -> None:
        """Let the database go."""
        self.engine.dispose()


def connect(url: str, *, create: bool = False) -> Store:
    """A store by its URL or path; it need not hold a register yet.

    Parameters
    ----------
    url : str
        A path, ``sqlite:///path``, or ``postgresql+psycopg://host/name``.
    create : bool
        Whether an SQLite file may be made, readable by its owner only.

    Raises
    ------
    ApprovalError : when there is no such file.
    IntegrityError : when others than its owner can read it.
    RequestError : when the URL is of another database.
    """
    if "://" not in url or url.startswith("sqlite:///"):
        return _sqlite(Path(url.removeprefix("sqlite:///")), create)
    where = re.sub(r"//[^@/]*@", "//", url).partition("?")[0]
    if not url.startswith(("postgresql://", "postgresql+psycopg://", "postgres://")):
        raise RequestError("the register", "is neither SQLite nor PostgreSQL", "Mend `register` or SDC_REGISTER.")
    try:
        parsed = sa.make_url(re.sub(r"^postgres(ql)?://", "postgresql+psycopg://", url))
    except (sa.exc.ArgumentError, ValueError):
        raise RequestError("the register", "its URL cannot be read", "Mend `register` or SDC_REGISTER.") from None
    engine = sa.create_engine(parsed, pool_size=1, max_overflow=2, hide_parameters=True)
    return Store(engine, where, None)


def _sqlite(path: Path, create: bool) -> Store:
    with refusals(str(path)):
        if create and not path.exists():
            path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600))
        if not path.exists():
            raise ApprovalError(
                str(path), "there is no register", "Make one: `sdc registry init --as ACTOR`; or restore a backup."
            )
        if os.name == "posix" and stat.S_IMODE(path.stat().st_mode) & 0o077:
            raise IntegrityError(str(path), "others than its owner can read the register", f"Run `chmod 600 {path}`.")
        mode = "rw" if os.access(path, os.W_OK) and os.access(path.parent, os.W_OK) else "ro"
    engine = sa.create_engine(
        f"sqlite:///file:{_quoted(path)}?mode={mode}&uri=true",
        connect_args={"timeout": WAIT_SECONDS},
        poolclass=sa.NullPool,
        hide_parameters=True,
    )

    @sa.event.listens_for(engine, "connect")
    def _opened(connection, _record) -> None:
        connection.isolation_level = None  # the driver begins nothing by itself
        for pragma in ("foreign_keys = ON", "synchronous = FULL", "trusted_schema = OFF", "recursive_triggers = ON"):
            connection.execute(f"PRAGMA {pragma}")

    @sa.event.listens_for(engine, "begin")
    def _begun(connection: sa.Connection) -> None:
        writes = connection.get_execution_options().get("sdc_writes")
        connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")

    return Store(engine, str(path), path)


def _quoted(path: Path) -> str:
    return str(path.absolute()).replace("%", "%25").replace("?", "%3f").replace("#", "%23")


def making(store: Store) -> AbstractContextManager[sa.Connection]:
    """A write transaction in a database without tables: there is none to lock yet."""
    return store.engine.execution_options(sdc_writes=True).begin()


def create_tables(connection: sa.Connection) -> None:
    """Tables, and what the rules look up; within the caller's transaction."""
    METADATA.create_all(connection)
    for table, names, rows in (
        (TRANSITION, ("state_before", "state_after"), TRANSITIONS),
        (PERMISSION, ("verb", "role"), [(verb, role) for verb, roles in PERMISSIONS.items() for role in roles]),
    ):
        connection.execute(table.insert(), [dict(zip(names, row, strict=True)) for row in rows])
    connection.execute(META.insert(), [{"entry": "schema_version", "content": SCHEMA_VERSION}])


def create_rules(connection: sa.Connection) -> None:
    """The triggers that keep the rules."""
    for statement in _triggers(connection):
        connection.exec_driver_sql(statement)


def _triggers(connection: sa.Connection) -> list[str]:
    made = sqlite_triggers() if connection.dialect.name == "sqlite" else postgresql_triggers()
    return [statement.replace("%", "%%") if connection.dialect.name != "sqlite" else statement for statement in made]


def require_rules(connection: sa.Connection, where: str) -> None:
    """Refuse a database in which a rule, a transition or a permission is not the one that this program wrote.

    Raises
    ------
    IntegrityError
    """
    if connection.dialect.name == "sqlite":
        asked = "SELECT name, sql FROM sqlite_master WHERE type = 'trigger'"
        there = {row[0]: row[1] for row in connection.exec_driver_sql(asked)}
        wanted = {made.split()[2]: made for made in sqlite_triggers()}
    else:
        asked = (
            "SELECT t.tgname, p.prosrc, t.tgenabled::text FROM pg_trigger t JOIN pg_proc p ON p.oid = t.tgfoid "
            "JOIN pg_class c ON c.oid = t.tgrelid WHERE NOT t.tgisinternal "
            "AND c.relnamespace = current_schema()::regnamespace"
        )
        there = {row[0]: row[1] if row[2] == "O" else "off" for row in connection.exec_driver_sql(asked)}
        made = [text for text in postgresql_triggers() if text.startswith("CREATE FUNCTION")]
        bodies = {text.split()[2].removesuffix("()"): text.split("$rule$")[1] for text in made}
        wanted = {
            text.split()[2]: bodies[text.rpartition(" ")[2].removesuffix("()")]
            for text in postgresql_triggers()
            if text.startswith("CREATE TRIGGER")
        }
    lost = sum(there.get(name) != text for name, text in wanted.items()) + len(there.keys() - wanted.keys())
    moves = {tuple(row) for row in connection.execute(sa.select(TRANSITION))}
    may = {tuple(row) for row in connection.execute(sa.select(PERMISSION))}
    expected = {(verb, role) for verb, roles in PERMISSIONS.items() for role in roles}
    lost += len(moves ^ set(TRANSITIONS)) + len(may ^ expected)
    if lost:
        raise IntegrityError(
            where, f"{lost} rules of the database are not those of the register", "Restore the last good backup."
        )


def has_schema(connection: sa.Connection) -> bool:
    """Whether this database holds a register, whatever its version."""
    return bool(sa.inspect(connection).has_table("meta"))


def schema_version(connection: sa.Connection) -> str:
    """Version of the tables in this database."""
    found = connection.execute(sa.select(META.c.content).where(META.c.entry == "schema_version")).scalar()
    return str(found)


def require_current(store: Store) -> None:
    """Refuse a database that holds no register, or one of another version.

    Raises
    ------
    ApprovalError : when it holds none.
    IntegrityError : when it is of another version.
    """
    with store.reading() as connection:
        if not has_schema(connection):
            raise ApprovalError(store.where, "holds no register", "Make one: `sdc registry init --as ACTOR`.")
        version = schema_version(connection)
    if version != SCHEMA_VERSION:
        raise IntegrityError(
            store.where,
            f"is a register of version {version}, and this program reads version {SCHEMA_VERSION}",
            "Run `sdc registry migrate --as ACTOR`; it takes a backup first.",
        )


@contextmanager
def refusals(where: str) -> Iterator[None]:
    """What the database or the disk refuses, as our errors; their texts may quote data, so none is passed on."""
    try:
        yield
    except SdcError:
        raise
    except sa.exc.DBAPIError as refused:
        raise _told(where, str(refused.orig)) from None
    except OSError as refused:
        reason = os.strerror(refused.errno) if refused.errno else "unknown"
        raise IntegrityError(
            where, f"cannot be reached ({reason})", "Nothing was changed. Mend the disk or its permissions."
        ) from None


def _told(where: str, text: str) -> SdcError:
    rule = re.search(rf"{PREFIX}(\w+)", text)
    if rule and rule[1] in WORDS:
        told = WORDS[rule[1]]
        if told.name.endswith(("_no_update", "_no_delete", "_once", "_next", "_follows")):
            return IntegrityError(where, told.words, "The register only ever adds.")
        return ApprovalError(where, told.words, told.do)
    check = re.search(r"CHECK constraint failed: (\w+)|check constraint \"(\w+)\"", text)
    if check:
        name = next(part for part in check.groups() if part)
        return RequestError(where, f"an entry is not what the register takes (`{name}`)", "See the command's `--help`.")
    if re.search(r"UNIQUE constraint|duplicate key", text):
        return IntegrityError(where, "this row is there already", "The register only ever adds.")
    if re.search(r"NOT NULL constraint|null value in column|cannot store", text):
        return RequestError(where, "an entry is missing, or of the wrong type", "See the command's `--help`.")
    for pattern, what, do in (
        (_BROKEN, "is no register, or is damaged", "Restore a backup: `sdc registry restore FILE`."),
        (_FULL, "the disk is full, or failed", "Nothing was changed. Make room, and run it again."),
        (_SHUT, "cannot be written", "Nothing was changed. Mend its permissions or the disk."),
        (_BUSY, "somebody else is writing", "Nothing was changed. Run it again."),
        (_AWAY, "the database does not answer", "Mend the connection: host, name, user, PGPASSWORD or ~/.pgpass."),
    ):
        if pattern.search(text):
            return IntegrityError(where, what, do)
    return IntegrityError(where, "the database refused", "Nothing was changed. Run `sdc registry verify`.")
