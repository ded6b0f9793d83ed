"""The rows of one SELECT as columns of text; the database is only ever read."""

import os
import re
import sqlite3
import time
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pyarrow as pa
import sqlalchemy as sa

from sdc.documents import read_text
from sdc.errors import DataError, DictionaryError
from sdc.ingest.layout import Layout
from sdc.ingest.limits import COLUMNS, ROWS
from sdc.ingest.recognise import require_file
from sdc.ingest.text import Progress
from sdc.ingest.workbook import as_text

CELLS = 200_000_000
SECONDS = 600
_BLOCK_ROWS = 10_000
_CELL_BYTES = 1 << 20
_SQLITE_STEPS = 100_000  # of its virtual machine, between two looks at the clock
_ASIDE = re.compile(
    r"--[^\n]*|/\*.*?\*/|'(?:[^']|'')*'|\"(?:[^\"]|\"\")*\"|\$(\w*)\$.*?\$\1\$", re.DOTALL
)  # comments, texts and quoted names
_WRITES = re.compile(
    r"\b(insert|update|delete|merge|replace\s+into|drop|create|alter|truncate|attach|detach|pragma|vacuum|reindex|copy|"
    r"grant|revoke|call|do|set|reset|lock|into|begin|commit|rollback|savepoint|listen|notify|load_extension)\b",
    re.IGNORECASE,
)


def database_grid(path: Path, layout: Layout, where: str, progress: Progress | None = None) -> pa.Table:
    """Rows of the layout's query, the names of its columns in the first row.

    Parameters
    ----------
    path : Path of a file that holds the query, where the layout does not
    layout : Layout
    where : str, for errors
    progress : called with the rows read

    Returns
    -------
    pyarrow Table of str

    Raises
    ------
    DataError
        When there is no URL, the query is no single SELECT, or the database refuses it, cannot be reached, or gives
        more than a table can be.

    Guarantees
    ----------
    * Neither the URL nor anything that the database says is in an error.
    * The database is opened read-only, and the query is one SELECT.
    """
    query = layout.query if layout.query is not None else read_text(path, DictionaryError)
    _require_select(query, where)
    engine = _engine(_url(layout.url_from or "", where), where)
    refusal, grid = None, None
    try:
        with engine.connect() as connection:
            result = connection.execution_options(stream_results=True, max_row_buffer=_BLOCK_ROWS).exec_driver_sql(
                query
            )
            grid = _grid(result, where, progress)
    except DataError as refused:
        refusal = refused
    except sa.exc.ProgrammingError:
        refusal = DataError(where, "the database refuses the query", "Run it by hand; it may only read.")
    except sa.exc.SQLAlchemyError:
        refusal = DataError(where, "the database cannot be reached, or fails at the query", "Look at it by hand.")
    except Exception:  # noqa: BLE001 - a driver's message may quote a cell or the URL
        refusal = DataError(where, "the database fails at the query", "Look at it by hand.")
    finally:
        engine.dispose()
    if refusal:
        raise refusal
    return grid


def _grid(result: Any, where: str, progress: Progress | None) -> pa.Table:
    """All rows, some thousand at a time."""
    names = [str(name) for name in result.keys()]  # noqa: SIM118 - no mapping
    if len(names) > COLUMNS:
        raise DataError(where, f"has more than {COLUMNS:,} columns")
    columns: list[list[pa.Array]] = [[pa.array([name], type=pa.string())] for name in names]
    read = 0
    for block in result.partitions(_BLOCK_ROWS):
        read += len(block)
        if read > ROWS or read * len(names) > CELLS:
            raise DataError(where, "gives more than a table can be", "Split the extract.")
        for parts, cells in zip(columns, zip(*block, strict=True), strict=True):
            if any(isinstance(cell, bytes | memoryview | dict | list) for cell in cells):
                raise DataError(where, "gives columns of bytes, lists or records", "Select one value a cell.")
            parts.append(pa.array([as_text(cell) for cell in cells], type=pa.string()))
        if progress:
            progress(read, None)
    return pa.table({str(place): pa.chunked_array(parts) for place, parts in enumerate(columns)})


def _url(source: str, where: str) -> sa.URL:
    """The database's URL, from the environment or from the keyring of the machine."""
    if source.startswith("keyring:"):
        import keyring  # its back ends take a while to find

        service, user = source.removeprefix("keyring:").split("/", 1)
        try:
            found = keyring.get_password(service, user)
        except keyring.errors.KeyringError:
            found = None
        do = f"Store it there: `keyring set {service} {user}`."
    else:
        found, do = os.environ.get(source), f"Set the environment variable `{source}` to the URL."
    if not found:
        raise DataError(where, f"`{source}` holds no URL of a database", do)
    try:
        return sa.make_url(found)
    except sa.exc.ArgumentError:
        refusal = DataError(where, f"`{source}` holds no URL of a database", "Write it as `driver://user:…@host/name`.")
    raise refusal


def _engine(url: sa.URL, where: str) -> sa.Engine:
    """An engine that can only read."""
    kind = url.get_backend_name()
    if kind == "sqlite":
        file = Path(url.database or "")
        require_file(file, f"{where}, its database")
        return sa.create_engine("sqlite://", creator=lambda: _sqlite(file), poolclass=sa.NullPool)
    if kind == "postgresql":
        options = f"-c default_transaction_read_only=on -c statement_timeout={SECONDS * 1000}"
        return sa.create_engine(
            url.set(drivername="postgresql+psycopg"),
            poolclass=sa.NullPool,
            connect_args={"options": options, "connect_timeout": 30},
            execution_options={"postgresql_readonly": True},
        )
    raise DataError(where, "is a database of a kind that is not read here", "SQLite and PostgreSQL are.")


def _sqlite(file: Path) -> sqlite3.Connection:
    """A SQLite file opened to be read: no other file is attached, no function of it writes, and it has a clock."""
    connection = sqlite3.connect(f"file:{quote(str(file.absolute()))}?mode=ro", uri=True)
    connection.setlimit(sqlite3.SQLITE_LIMIT_ATTACHED, 0)
    connection.setlimit(sqlite3.SQLITE_LIMIT_LENGTH, _CELL_BYTES)
    connection.execute("PRAGMA query_only = ON")
    connection.execute("PRAGMA trusted_schema = OFF")
    end = time.monotonic() + SECONDS
    connection.set_progress_handler(lambda: int(time.monotonic() > end), _SQLITE_STEPS)
    return connection


def _require_select(query: str, where: str) -> None:
    """Refuse what is no single SELECT; the database's own lock stands behind this."""
    bare = _ASIDE.sub(" ", query).strip().rstrip(";")
    if not re.match(r"(select|with|values)\b", bare, re.IGNORECASE) or ";" in bare or "\x00" in query:
        raise DataError(where, "its query is not one SELECT", "One statement that begins with SELECT or WITH.")
    if _WRITES.search(bare):
        what = "its query holds a word of a statement that writes"
        raise DataError(where, what, "An extract is only read. A column of that name stands in quotation marks.")
