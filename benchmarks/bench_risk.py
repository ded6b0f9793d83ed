"""CPU seconds and peak memory of the judge of records, from a typed Parquet file to the result.

usage: python benchmarks/bench_risk.py FOLDER [CALL ...]

FOLDER holds files named testdata_<records>.parquet and testdata_<records>_na.parquet (2 % of the key values
missing). Each call runs in a process of its own; start-up (imports and a first small call) is stated apart.
"""

import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import pandas as pd
import pyarrow.parquet as pq

K6 = ["urbrur", "roof", "walls", "water", "relat", "sex"]
K6A = ["urbrur", "roof", "water", "relat", "sex", "age"]
K6H = ["admin", "urbrur", "water", "relat", "sex", "age"]
K10 = ["admin", "urbrur", "roof", "walls", "water", "electcon", "relat", "sex", "age", "hhcivil"]
WEIGHT, HOUSEHOLD, SENSITIVE = "sampling_weight", "hid", "hhcivil"

# call: (keys, file with missing keys, {records: CPU seconds asked for})
CALLS = {
    "frequencies K6": (K6, False, {1_000_000: 0.25, 10_000_000: 2.5}),
    "frequencies K6H": (K6H, False, {}),
    "risk and households K6": (K6, False, {1_000_000: 0.6}),
    "risk and households K6H": (K6H, False, {1_000_000: 0.6}),
    "frequencies K6 missing": (K6, True, {}),
    "frequencies K6A missing": (K6A, True, {1_000_000: 1.5}),
    "frequencies K6H missing": (K6H, True, {}),
    "frequencies K10 missing": (K10, True, {}),
    "k, l, t K6A": (K6A, False, {1_000_000: 0.3}),
    "suda K6": (K6, False, {}),
    "suda K6H": (K6H, False, {1_000_000: 2.0}),
    "subsets of 1 to 3 of K6A": (K6A, False, {}),
}


def run(call: str, path: Path, keys: list[str]) -> None:
    """One call, from the file to its figures."""
    from sdc.keys import key_classes
    from sdc.risk.diversity import diversity_summary
    from sdc.risk.frequencies import frequencies, subset_violations, violations
    from sdc.risk.suda import special_uniques
    from sdc.risk.summary import assess_risk

    if call.startswith("risk"):
        rows = read(path, [*keys, WEIGHT, HOUSEHOLD])
        assess_risk(rows, keys, weight=WEIGHT, household=HOUSEHOLD)
    elif call.startswith("frequencies"):
        rows = read(path, [*keys, WEIGHT])
        classes = key_classes(rows, keys)
        counted = frequencies(classes, rows[WEIGHT].to_numpy())
        violations(counted.fk, classes, (2, 3, 5, 10))
    elif call.startswith("k, l, t"):
        rows = read(path, [*keys, SENSITIVE])
        classes = key_classes(rows, keys)
        violations(frequencies(classes).fk, classes, (2, 3, 5, 10))
        diversity_summary(classes, rows[SENSITIVE], c=2, ells=(2, 3, 5))
    elif call.startswith("suda"):
        special_uniques(key_classes(read(path, keys), keys))
    else:
        subset_violations(key_classes(read(path, keys), keys), (2, 3, 5), (1, 2, 3))


def read(path: Path, columns: list[str]) -> pd.DataFrame:
    """Columns of a typed file, each in memory of its own: one copy less than blocks of columns."""
    return pq.read_table(path, columns=columns).to_pandas(split_blocks=True, self_destruct=True)


def measure(call: str, path: Path) -> None:
    """Print start-up seconds, CPU seconds and peak MiB of one call in this process."""
    keys, missing, _ = CALLS[call]
    warm = small_file(keys, missing)
    before = time.process_time()
    run(call, path, keys)
    cpu = time.process_time() - before
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(warm, cpu, peak)


def small_file(keys: list[str], missing: bool) -> float:
    """CPU seconds of the imports and one run on a hundred records."""
    columns = dict.fromkeys([*keys, WEIGHT, HOUSEHOLD, SENSITIVE], [1, 2] * 50)
    rows = pd.DataFrame(columns)
    if missing:
        rows = rows.astype(dict.fromkeys(keys, "Int64"))
        rows.loc[0, keys[0]] = pd.NA
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "small.parquet"
        rows.to_parquet(path)
        for call, (asked, with_missing, _) in CALLS.items():
            if asked == keys and with_missing == missing:
                run(call, path, keys)
    return time.process_time()


def main(folder: Path, wanted: list[str]) -> None:
    """Every call on every file, beside its target."""
    print(f"{'call':28} {'records':>11} {'CPU s':>8} {'target':>7} {'peak MiB':>9} {'start-up s':>11}")
    for call, (_, missing, targets) in CALLS.items():
        if wanted and call not in wanted:
            continue
        files = {
            int(p.stem.split("_")[1]): p for p in folder.glob("testdata_*.parquet") if ("_na" in p.stem) == missing
        }
        for records, path in sorted(files.items()):
            command = [sys.executable, __file__, "--one", call, str(path)]
            done = subprocess.run(command, capture_output=True, text=True, check=True)
            start, cpu, peak = map(float, done.stdout.split())
            target = targets.get(records)
            print(
                f"{call:28} {records:>11,} {cpu:>8.3f} {target if target else '':>7} {peak:>9,.0f} {start:>11.2f}",
                flush=True,
            )


if __name__ == "__main__":
    if sys.argv[1] == "--one":
        measure(sys.argv[2], Path(sys.argv[3]))
    else:
        main(Path(sys.argv[1]), sys.argv[2:])
