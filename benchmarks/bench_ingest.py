"""CPU seconds and peak memory of ingest, its growth, and the physical floor: the plain read of the same file.

usage: python benchmarks/bench_ingest.py [--rows 1000000] [--book-rows 100000]

A CSV of 40 columns and a workbook of 60, synthetic, go through `ingest` (read, map, type, check) to a typed Parquet.
Beside it: pyarrow's own CSV reader, and calamine's own walk over all cells, which nobody can beat. Each figure is of
a process of its own, its children included, as the operating system accounts for it.
"""

import argparse
import os
import subprocess
import sys
import tempfile
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.csv

CODES = ["conflict", "drought", "flood", "none"]
KINDS = ("integer", "number", "code", "pcode", "date")
ENTRY = {
    "integer": "type: integer, role: count",
    "number": "type: number, role: other",
    "code": "type: code, role: sensitive, codes: {conflict: {}, drought: {}, flood: {}, none: {}}",
    "pcode": "type: code, role: key, open_codes: true",
    "date": "type: date, role: key",
}

INGEST = """
import sys
from pathlib import Path
from sdc.dictionary import read_dictionary
from sdc.files import write_table
from sdc.ingest import Extract, Layout, ingest
source, dictionary, kind, out = sys.argv[1:]
extract = Extract(component="bench", round=1, path=Path(source), layout=Layout(format=kind))
table, _ = ingest(Path(source), extract, read_dictionary(Path(dictionary)))
write_table(table, Path(out))
"""
READ = """
import sys
from pathlib import Path
from sdc.ingest.layout import Layout
from sdc.ingest.read import open_source
open_source(Path(sys.argv[1]), Layout(format=sys.argv[3]))
"""
FLOOR = {
    "csv": "import sys, pyarrow.csv; pyarrow.csv.read_csv(sys.argv[1])",
    "xlsx": (
        "import sys, python_calamine\nbook = python_calamine.load_workbook(sys.argv[1])\n"
        "for row in book.get_sheet_by_index(0).iter_rows(): pass"
    ),
}


def columns(rows: int, width: int) -> pa.Table:
    """Synthetic answers, five kinds in turn."""
    draws = np.random.default_rng(5)
    days = (np.datetime64("2024-01-01") + draws.integers(0, 365, rows)).astype(str)
    made = {}
    for place in range(width):
        kind = KINDS[place % 5]
        made[f"{kind}_{place}"] = {
            "integer": lambda: draws.integers(0, 5_000, rows),
            "number": lambda: draws.random(rows).round(4) * 100,
            "code": lambda: np.array(CODES)[draws.integers(0, 4, rows)],
            "pcode": lambda: np.char.add("XX", draws.integers(1_000, 3_000, rows).astype(str)),
            "date": lambda: days,
        }[kind]()
    return pa.table(made)


def write(folder: Path, kind: str, rows: int, width: int) -> tuple[Path, Path]:
    """The file and its dictionary."""
    path, dictionary = folder / f"raw_{rows}.{kind}", folder / f"{kind}_{width}.yaml"
    table = columns(rows, width)
    entries = "\n".join(f"  - {{name: {n}, {ENTRY[n.split('_')[0]]}}}" for n in table.column_names)
    head = "component: bench\nversion: 1.0.0\ntitle: {en: Bench}\nunit: record\nvariables:\n"
    dictionary.write_text(head + entries + "\n")
    if kind == "csv":
        pyarrow.csv.write_csv(table, path)
    else:
        import xlsxwriter

        book = xlsxwriter.Workbook(path, {"constant_memory": True})
        sheet = book.add_worksheet("data")
        sheet.write_row(0, 0, table.column_names)
        for number, row in enumerate(zip(*(c.to_pylist() for c in table.columns), strict=True), start=1):
            sheet.write_row(number, 0, row)
        book.close()
    return path, dictionary


def measured(script: str, *arguments: str) -> tuple[float, float]:
    """CPU seconds and peak memory in MiB of one process and its children."""
    process = subprocess.Popen([sys.executable, "-c", script, *arguments])
    _, status, usage = os.wait4(process.pid, 0)
    if status:
        raise SystemExit("failed")
    return usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--book-rows", type=int, default=100_000)
    given = parser.parse_args()
    print("format       rows  columns   MiB    floor     read  to Parquet  of the floor     peak")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for kind, most, width in (("csv", given.rows, 40), ("xlsx", given.book_rows, 60)):
            for rows in (most // 10, most // 3, most):
                with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:  # a child's peak begins with ours
                    path, dictionary = pool.submit(write, folder, kind, rows, width).result()
                arguments = (str(path), str(dictionary), kind, str(folder / "out.parquet"))
                floor, _ = measured(FLOOR[kind], *arguments)
                read, _ = measured(READ, *arguments)
                whole, peak = measured(INGEST, *arguments)
                print(
                    f"{kind:6} {rows:10,} {width:8} {path.stat().st_size / 2**20:5.0f} {floor:7.1f}s {read:7.1f}s "
                    f"{whole:10.1f}s {whole / floor:13.1f} {peak:6.0f} MiB",
                    flush=True,
                )
                path.unlink()


if __name__ == "__main__":
    main()
