"""A job for the parsing process: start it, listen to it, and end it where it goes beyond its limits."""

import json
import os
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import pyarrow as pa

from sdc.errors import DataError, Fault
from sdc.ingest.text import Progress

MEMORY_BYTES = 768 << 20  # of data; with its libraries the process stays below 1 GiB
MOST_MEMORY_BYTES = 3 << 30
MEMORY_PER_BYTE = {"sav": 12, "dta": 12, "parquet": 12}  # an honest large file of these needs more than the base
CPU_SECONDS = 180
WALL_SECONDS = 600
_PASSED_ON = ("PATH", "PYTHONPATH", "PYTHONHOME", "SYSTEMROOT", "LANG", "LC_ALL", "LD_LIBRARY_PATH", "VIRTUAL_ENV")


def run(job: dict[str, Any], where: str, progress: Progress | None = None) -> tuple[dict[str, Any], list[pa.Table]]:
    """Do a job in a process of its own.

    Parameters
    ----------
    job : dict
        ``task`` (read, peek), ``path``, ``format``, and what the task needs.
    where : str, for errors
    progress : called with the rows read and the rows in all

    Returns
    -------
    result : dict, what the process tells
    tables : list of pyarrow Table

    Raises
    ------
    DataError : the refusal of the process, or ours where it ended without one.

    Guarantees
    ----------
    * A file that crashes its parser, or makes it need more memory or time than its limit, is refused.
    * The process knows no password: it has none of the environment but where Python and its libraries are.
    """
    size = Path(job["path"]).stat().st_size
    memory = min(MOST_MEMORY_BYTES, max(MEMORY_BYTES, MEMORY_PER_BYTE.get(job["format"], 0) * size))
    job = {**job, "where": where, "memory_bytes": memory, "cpu_seconds": CPU_SECONDS}
    environment = {name: os.environ[name] for name in _PASSED_ON if name in os.environ}
    environment |= {"ARROW_DEFAULT_MEMORY_POOL": "system", "OMP_NUM_THREADS": "1", "PYTHONUTF8": "1"}
    late = threading.Event()
    with subprocess.Popen(
        [sys.executable, "-P", "-m", "sdc.ingest.child"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=environment,
    ) as process:
        clock = threading.Timer(WALL_SECONDS, _stop, (process, late))
        listener = threading.Thread(target=_listen, args=(process.stderr, progress), daemon=True)
        clock.start()
        listener.start()
        try:
            result, tables = _converse(process, job)
        finally:
            clock.cancel()
            if process.poll() is None and sys.exc_info()[0] is not None:
                process.kill()
            process.wait()
            listener.join()
    if result is not None and result.get("faults"):
        raise DataError.of(Fault(*fault) for fault in result["faults"])
    if result is None or result.get("failed") or len(tables) < result["tables"]:
        raise _refusal(process.returncode, result, late.is_set(), where)
    return result, tables


def _converse(process: subprocess.Popen, job: dict[str, Any]) -> tuple[dict[str, Any] | None, list[pa.Table]]:
    """Hand over the job; take what comes back, as far as it comes."""
    assert process.stdin is not None
    assert process.stdout is not None
    tables: list[pa.Table] = []
    result = None
    try:
        with process.stdin as into:
            into.write(json.dumps(job).encode())
        result = json.loads(process.stdout.readline())
        for _ in range(result["tables"]):
            with pa.ipc.open_stream(pa.PythonFile(process.stdout, mode="r")) as stream:
                tables.append(stream.read_all())
    except (OSError, ValueError):  # the process ended: its return code says how
        pass
    return result, tables


def _stop(process: subprocess.Popen, late: threading.Event) -> None:
    """End a process whose time is up."""
    late.set()
    process.kill()


def _listen(pipe: Any, progress: Progress | None) -> None:
    """Pass on how far the process is."""
    with pipe:
        while line := pipe.readline(64):
            done, _, whole = line.strip().partition(b" ")
            if progress and done.isdigit() and whole.isdigit():
                progress(int(done), int(whole) or None)


def _refusal(code: int, result: dict[str, Any] | None, late: bool, where: str) -> DataError:
    """What the end of a process without a result means."""
    if late or (os.name == "posix" and -code in (24,)):  # SIGXCPU
        return DataError(where, "takes longer to read than a file of its size should", "Send the extract as CSV.")
    if (result or {}).get("failed") == "memory" or (os.name == "posix" and -code in (6, 9)):  # aborted, killed
        what = "needs more memory than a file of its size should"
        return DataError(where, what, "Delete what stands outside the table, or send the extract as CSV.")
    return DataError(where, "cannot be read: its parser gave up", "Open it and save it again, or send it as CSV.")
