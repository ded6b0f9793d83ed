"""The process in which a file of a complex format is parsed: limited in memory and time, and ended after it.

It reads its job from the standard input and writes one line of JSON, then one Arrow stream a table, to the standard
output: nothing of the file touches the disk. Libraries are imported where they are used, below the limits, and only
the one that the format needs.
"""

import json
import os
import sys
from pathlib import Path
from typing import Any, BinaryIO

import pyarrow as pa

from sdc.errors import SdcError


def main() -> None:
    """Do one job; whatever happens, no exception leaves this process with its message."""
    job = json.load(sys.stdin)
    out, told = _apart()
    _limit(job)
    result: dict[str, Any] = {}
    tables: list[pa.Table] = []
    try:
        result, tables = (_peek if job["task"] == "peek" else _read)(job, told)
    except SdcError as refusal:
        result = {"faults": [[fault.where, fault.what, fault.do] for fault in refusal.faults]}
    except MemoryError:
        result = {"failed": "memory"}
    except BaseException:  # noqa: BLE001 - a panic of a parser is no Exception
        result = {"failed": "format"}
    result["tables"] = len(tables)
    out.write(json.dumps(result).encode("utf-8", errors="replace") + b"\n")
    for table in tables:
        with pa.ipc.new_stream(out, table.schema) as stream:
            stream.write_table(table, max_chunksize=1 << 16)
    out.flush()


def _apart() -> tuple[BinaryIO, BinaryIO]:
    """Our own ends of the two pipes; what a library prints goes nowhere, as it may quote a cell."""
    out, told = os.fdopen(os.dup(1), "wb"), os.fdopen(os.dup(2), "wb", buffering=0)
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 1)
    os.dup2(nowhere, 2)
    return out, told


def _limit(job: dict[str, Any]) -> None:
    """Limits that the kernel keeps; Windows has none of them, there only the parent's clock counts."""
    try:
        import resource
    except ImportError:
        return
    for name, value in (
        ("RLIMIT_DATA", job["memory_bytes"]),
        ("RLIMIT_CPU", job["cpu_seconds"]),
        ("RLIMIT_FSIZE", 0),
        ("RLIMIT_CORE", 0),
    ):
        kind = getattr(resource, name, None)
        if kind is not None:
            hard = resource.getrlimit(kind)[1]
            limit = value if hard == resource.RLIM_INFINITY else min(value, hard)
            resource.setrlimit(kind, (limit, limit))


def _read(job: dict[str, Any], told: BinaryIO) -> tuple[dict[str, Any], list[pa.Table]]:
    """All cells of the tables that the layout names."""
    path, where, kind, options = Path(job["path"]), job["where"], job["format"], job["options"]

    def tick(done: int, whole: int | None) -> None:
        told.write(b"%d %d\n" % (done, whole or 0))

    if kind in ("xlsx", "xls", "ods"):
        from sdc.ingest.archive import look
        from sdc.ingest.workbook import open_workbook, sheet_grid

        if kind != "xls":
            look(path, kind, where, job["sheets"])
        book = open_workbook(str(path), where)
        return {}, [sheet_grid(book, sheet, job["first_row"], where, tick) for sheet in job["sheets"]]
    if kind == "json":
        from sdc.ingest.objects import object_grid

        return {}, [object_grid(path, options.get("records"), where)]
    if kind == "parquet":
        from sdc.ingest.columnar import columnar_grid

        return {}, [columnar_grid(path, where)[0]]
    from sdc.ingest.statistical import statistical_grid

    return {}, [statistical_grid(str(path), kind, options, where)[0]]


def _peek(job: dict[str, Any], told: BinaryIO) -> tuple[dict[str, Any], list[pa.Table]]:
    """The first rows of every table that the file holds."""
    path, where, kind, rows = Path(job["path"]), job["where"], job["format"], job["rows"]
    if kind in ("xlsx", "xls", "ods"):
        from sdc.ingest.archive import look
        from sdc.ingest.workbook import first_rows, open_workbook, sheet_names

        if kind != "xls":
            look(path, kind, where, ())
        book = open_workbook(str(path), where)
        grids = []
        for sheet in sheet_names(book, where):
            found, height = first_rows(book, sheet, rows, where)
            grids.append({"sheet": sheet, "rows": found, "height": height})
        return {"grids": grids}, []
    if kind == "json":
        from sdc.ingest.objects import grid_of, lists, parse

        held = lists(parse(path, where))
        records = max(held, key=lambda name: len(held[name]), default=None)
        if records is None:
            return {"grids": [], "records": None}, []
        grid = grid_of(held[records][:rows], where)
        return {"grids": [_named(grid, len(held[records]) + 1)], "records": records}, []
    if kind == "parquet":
        from sdc.ingest.columnar import columnar_grid

        grid, height = columnar_grid(path, where, rows)
        return {"grids": [_named(grid, height)]}, []
    from sdc.ingest.statistical import statistical_grid

    grid, more = statistical_grid(str(path), kind, {}, where, rows)
    return {"grids": [{**_named(grid, more["height"]), **more}]}, []


def _named(grid: pa.Table, height: int) -> dict[str, Any]:
    rows = list(zip(*(column.to_pylist() for column in grid.columns), strict=True))
    return {"sheet": "", "rows": rows, "height": height, "named": True}


if __name__ == "__main__":
    main()
