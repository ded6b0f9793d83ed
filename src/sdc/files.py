"""Tables to Parquet and back, and files that appear whole or not at all."""

import hashlib
import json
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
from filelock import FileLock, Timeout

from sdc.dictionary import Link, Variable
from sdc.errors import DataError, IntegrityError
from sdc.table import Table

_VARIABLES, _LINKS = b"sdc.variables", b"sdc.links"


def write_table(table: Table, path: Path) -> None:
    """Write a table as Parquet, its variables in the file's own metadata.

    Guarantees
    ----------
    * `read_table` gives the same rows, variables and links back.
    * The file appears whole or not at all, readable by its owner only.
    """
    arrow = pa.Table.from_pandas(table.rows, preserve_index=True)
    metadata = {
        **(arrow.schema.metadata or {}),
        _VARIABLES: json.dumps([v.model_dump(mode="json", exclude_defaults=True) for v in table.variables]).encode(),
        _LINKS: json.dumps([link.model_dump(mode="json") for link in table.links]).encode(),
    }
    with appearing(path) as unfinished:
        pq.write_table(arrow.replace_schema_metadata(metadata), unfinished, compression="zstd")


def read_table(path: Path) -> Table:
    """Read a table that `write_table` wrote.

    Raises
    ------
    DataError : when the file is absent, or is no such table.
    """
    try:
        arrow = pq.read_table(path)
        metadata = arrow.schema.metadata
        variables = tuple(Variable.model_validate(v) for v in json.loads(metadata[_VARIABLES]))
        links = tuple(Link.model_validate(link) for link in json.loads(metadata[_LINKS]))
    except FileNotFoundError:
        raise DataError(str(path), "there is no such file", "Run `dvc repro`.") from None
    except (pa.ArrowInvalid, KeyError, TypeError, ValueError):
        raise DataError(str(path), "is no typed table of this pipeline", "Run `dvc repro`.") from None
    rows = arrow.to_pandas()
    days = {name: "datetime64[s]" for name, dtype in rows.dtypes.items() if dtype.kind == "M"}
    return Table(rows.astype(days), variables, links)  # Parquet knows no seconds, and gives milliseconds back


@contextmanager
def appearing(path: Path) -> Iterator[Path]:
    """A temporary file beside `path` that takes its name when the block ends well, and vanishes otherwise."""
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.", suffix=".partial")
    os.close(handle)
    unfinished = Path(name)
    try:
        yield unfinished
        with unfinished.open("rb+") as written:
            os.fsync(written.fileno())
        unfinished.replace(path)
    finally:
        unfinished.unlink(missing_ok=True)


@contextmanager
def appearing_folder(path: Path) -> Iterator[Path]:
    """The same for a folder; a folder that stood there before is replaced."""
    path.parent.mkdir(parents=True, exist_ok=True)
    unfinished = Path(tempfile.mkdtemp(dir=path.parent, prefix=f".{path.name}.", suffix=".partial"))
    try:
        yield unfinished
        if path.exists():
            shutil.rmtree(path)
        unfinished.replace(path)
    finally:
        shutil.rmtree(unfinished, ignore_errors=True)


@contextmanager
def alone(lock: Path, what: str, seconds: float = 0) -> Iterator[None]:
    """Hold a lock; the system takes it back when its holder ends, however it ends.

    Parameters
    ----------
    lock : Path
        File beside what is locked.
    what : str
        What its holder is doing, for whoever comes second.
    seconds : float
        How long that one waits.

    Raises
    ------
    IntegrityError : when somebody else holds it for longer.
    """
    held = FileLock(lock, timeout=seconds, mode=0o600)
    try:
        held.acquire()
    except Timeout:
        raise IntegrityError(str(lock.parent), f"{what} is under way", "Run it again when that ends.") from None
    try:
        yield
    finally:
        held.release()


def sync(path: Path) -> None:
    """Make names in a folder, or a file's content, last; only POSIX can open a folder for that."""
    if os.name != "posix":
        return
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def write_text(path: Path, text: str) -> None:
    """Write UTF-8 text with LF line ends, whole or not at all."""
    with appearing(path) as unfinished:
        unfinished.write_bytes(text.encode("utf-8"))


def write_json(path: Path, content: object) -> None:
    """Write JSON, entries in their order, whole or not at all."""
    write_text(path, json.dumps(content, indent=2, ensure_ascii=False) + "\n")


def read_json(path: Path) -> Any:
    """Read JSON that a stage wrote.

    Raises
    ------
    DataError : when the file is absent or is no JSON.
    """
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise DataError(str(path), "there is no such file", "Run `dvc repro`.") from None
    except ValueError:
        raise DataError(str(path), "is no JSON", "Run `dvc repro`.") from None


def sha256_of(path: Path) -> str:
    """SHA-256 of a file, hexadecimal."""
    with path.open("rb") as content:
        return hashlib.file_digest(content, "sha256").hexdigest()
