"""Local suppression from a typed Parquet file: CPU seconds, cells and peak memory beside the targets.

usage: bench_suppression.py FOLDER [SIZE ...]   FOLDER holds testdata_<records>.parquet as made by gen_scaled.py
Compilation is timed apart, on 200 records; each line then runs in a process of its own.
"""

import resource
import subprocess
import sys
import time
from pathlib import Path

import pandas as pd

KEYS = {
    "K6": ["urbrur", "roof", "walls", "water", "relat", "sex"],
    "K6A": ["urbrur", "roof", "water", "relat", "sex", "age"],
    "K6H": ["admin", "urbrur", "water", "relat", "sex", "age"],
    "K10": ["admin", "urbrur", "roof", "walls", "water", "electcon", "relat", "sex", "hhcivil", "age"],
}
# CPU seconds asked for at k = 3; sdcMicro 5.8.0's own CPU seconds and cells where it finished
TARGET = {
    (100_000, "K6A"): 0.3, (100_000, "K6H"): 1, (1_000_000, "K6A"): 1.5, (1_000_000, "K6H"): 5,
    (10_000_000, "K6"): 8, (100_000, "K10"): 3,
}  # fmt: skip
SDCMICRO = {
    (10_000, "K6"): "1.02 s", (100_000, "K6"): "3.26 s", (1_000_000, "K6"): "7.38 s",
    (10_000, "K6A"): "7.08 s, 1,571 cells", (100_000, "K6A"): "18.47 s, 2,384 cells",
    (1_000_000, "K6A"): "64.02 s, 4,481 cells", (10_000, "K6H"): "59.18 s, 8,768 cells",
    (100_000, "K6H"): "not finished in 600 s",
}  # fmt: skip


def one(path: Path, name: str, k: int, missing: str) -> None:
    """Run one case in this process and print its figures."""
    from sdc.engines.native import frequencies, suppress_locally

    keys = KEYS[name]
    warm = pd.read_parquet(path, columns=keys).head(200)
    began = time.process_time()
    suppress_locally(warm, keys, k, missing=missing)
    compiled = time.process_time() - began
    began = time.process_time()
    rows = pd.read_parquet(path, columns=keys)
    hidden = suppress_locally(rows, keys, k, missing=missing)
    seconds = time.process_time() - began
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    short = int((frequencies(rows.mask(hidden), keys, missing=missing)["fk"] < k).sum())
    target = TARGET.get((len(rows), name), "") if missing == "wildcard" and k == 3 else ""
    peer = SDCMICRO.get((len(rows), name), "") if missing == "wildcard" and k == 3 else ""
    cells = int(hidden.to_numpy().sum())
    print(
        f"{len(rows):>10,} {name:4} {k:>2} {missing:9} {seconds:8.2f} {target!s:>6} {cells:>10,} {short:>6} "
        f"{peak:6.2f} {compiled:8.2f}  {peer}",
        flush=True,
    )


def main() -> None:
    folder, sizes = Path(sys.argv[1]), sys.argv[2:] or ["10000", "100000", "1000000"]
    print("   records keys  k reading    CPU s  target     cells  short  GiB  warm-up  sdcMicro (k = 3)")
    for size in sizes:
        path = folder / f"testdata_{size}.parquet"
        for name in KEYS:
            for k, missing in ((3, "wildcard"), (5, "wildcard"), (3, "category")):
                command = [sys.executable, __file__, "--one", str(path), name, str(k), missing]
                subprocess.run(command, check=True)


if __name__ == "__main__":
    if sys.argv[1] == "--one":
        one(Path(sys.argv[2]), sys.argv[3], int(sys.argv[4]), sys.argv[5])
    else:
        main()
