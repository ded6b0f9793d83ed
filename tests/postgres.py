"""A PostgreSQL cluster of the tests' own, from Debian's package, gone when the tests end.

`postgres_url` starts it once a session; `postgres_database` gives each test an empty database in it.
"""

import os
import secrets
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa

USER = "sdc_tests"


@pytest.fixture(scope="session")
def postgres_url() -> Iterator[str]:
    """URL (with its password) of database `postgres` in a cluster of this session; skips where there is none."""
    programs = _programs()
    if programs is None:
        pytest.skip("PostgreSQL is absent: apt-get install postgresql")
    as_owner: list[str] = []
    if hasattr(os, "geteuid") and os.geteuid() == 0:  # PostgreSQL refuses to run as root
        if shutil.which("runuser") is None or subprocess.run(["id", "postgres"], capture_output=True).returncode:
            pytest.skip("PostgreSQL does not run as root, and there is no user `postgres` to run it")
        as_owner = ["runuser", "-u", "postgres", "--"]
    folder = Path(tempfile.mkdtemp(prefix="sdc-pg-"))
    password = secrets.token_urlsafe(12)
    (folder / "password").write_text(password)
    if as_owner:
        for path in (folder, folder / "password"):
            shutil.chown(path, "postgres")
    data, port = folder / "data", _free_port()

    def run(program: str, *arguments: str) -> None:
        with (folder / "said").open("ab") as said:  # a pipe would stay open in the server
            done = subprocess.run(
                [*as_owner, str(programs / program), *arguments],
                cwd=folder,
                stdin=subprocess.DEVNULL,
                stdout=said,
                stderr=subprocess.STDOUT,
                timeout=120,
            )
        if done.returncode:
            pytest.fail(f"{program} failed: {(folder / 'said').read_text()[-2000:]}")

    try:
        run(
            *("initdb", "-D", str(data), "-U", USER, "--pwfile", str(folder / "password")),
            *("-A", "scram-sha-256", "-E", "UTF8", "--locale=C.UTF-8", "--no-sync"),
        )
        options = f"-p {port} -c listen_addresses=127.0.0.1 -c unix_socket_directories='' -c fsync=off"
        run("pg_ctl", "-D", str(data), "-w", "-t", "60", "-l", str(folder / "log"), "-o", options, "start")
        try:
            yield f"postgresql+psycopg://{USER}:{password}@127.0.0.1:{port}/postgres"
        finally:
            run("pg_ctl", "-D", str(data), "-w", "-m", "immediate", "stop")
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def postgres_database(postgres_url: str) -> Iterator[str]:
    """URL of an empty database of one test's own, dropped after it."""
    name = f"t_{secrets.token_hex(6)}"
    server = sa.create_engine(postgres_url, isolation_level="AUTOCOMMIT", poolclass=sa.NullPool)
    with server.connect() as connection:
        connection.execute(sa.text(f"CREATE DATABASE {name}"))
    try:
        yield sa.make_url(postgres_url).set(database=name).render_as_string(hide_password=False)
    finally:
        with server.connect() as connection:
            connection.execute(sa.text(f"DROP DATABASE {name} WITH (FORCE)"))
        server.dispose()


def _programs() -> Path | None:
    """Folder of `initdb` and `pg_ctl`: on the PATH, or where Debian puts the newest."""
    found = shutil.which("initdb")
    if found:
        return Path(found).parent
    versions = [p.parent for p in Path("/usr/lib/postgresql").glob("*/bin/initdb")]
    return max(versions, key=lambda folder: int(folder.parent.name), default=None)


def _free_port() -> int:
    """A port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]
