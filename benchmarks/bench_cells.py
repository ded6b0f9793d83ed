"""Tables of counts: CPU seconds, cells and sums of ours beside the targets and the peers' printed figures.

Run: ``python benchmarks/bench_cells.py FOLDER [TABLE ...]``; FOLDER holds the synthetic tables T05.csv ... T73.csv.
G-Confid runs beside ours where the Python named by PEER_PYTHON (else this one) has it. tau-ARGUS is not driven here.
"""

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd

from sdc.cells.intruder import AT_LEAST_ONE, KNOWS_PRIMARY, NOTHING_KNOWN, SINGLETON, audit
from sdc.cells.model import Cells, CountTable, register
from sdc.cells.rules import minimum_count
from sdc.cells.spanning import parse_by
from sdc.engines.cellsuppression import suppress_cells
from sdc.engines.rounding import controlled_rounding, small_count_rounding
from sdc.errors import DisclosureError

# secondary cells / their sum / CPU seconds of GaussSuppression; CPU target of suppression and audit
PEER = {
    "T05": ("59/1259/0.25", 0.5),
    "T1": ("115/2978/0.41", 0.5),
    "T2": ("238/5754/1.04", 2),
    "T5": ("458/6524/5.0", 2),
    "T15": ("1254/14548/35.7", 6),
    "T3r": ("544/9447/2.0", None),
    "T7r": ("1182/31502/9.8", None),
    "T26": ("4092/98982/114.6", 60),
    "T73": ("-", None),
}
OPTIMUM = {"T05": 1204, "T1": 2364, "T2": 5370, "T5": 6171}  # T5: a bound
EXACT_FOR_BOUND_0 = ("T05", "T1", "T2", "T5")


def timed(work: Callable) -> tuple:
    """What some work gives, and its CPU seconds."""
    start = time.process_time()
    result = work()
    return result, time.process_time() - start


def load(file: Path) -> Cells:
    """The cells of one synthetic table."""
    rows = pd.read_csv(file)
    return register([CountTable(rows, parse_by("adm1>adm2,sex,age" + (",reason" if "reason" in rows else "")), "freq")])


def suppression(name: str, cells: Cells) -> float:
    """Suppression and audit, counts at least 1; what other intruders learn. CPU seconds of the suppression."""
    primary = minimum_count(cells.counts, 5)
    pattern, spent = timed(lambda: suppress_cells(cells, primary))
    verdict, judged = timed(lambda: audit(cells, pattern.suppressed, primary, AT_LEAST_ONE))
    printed, target = PEER[name]
    taken = spent
    total = cells.counts[pattern.secondary].sum()
    print(
        f"{name:4} {len(cells):6} cells {primary.sum():5} primary | secondary/sum/CPU s: ours "
        f"{pattern.secondary.sum()}/{total}/{spent:.2f} + audit {judged:.2f} (target {target}) | "
        f"GaussSuppression {printed} | recoverable {verdict.recoverable}, narrowest {verdict.narrowest:.0f}"
    )
    for intruder in (NOTHING_KNOWN, KNOWS_PRIMARY, SINGLETON):
        other, judged = timed(lambda i=intruder: audit(cells, pattern.suppressed, primary, i, minimum_count=5))
        print(f"     {intruder.name}: recoverable {other.recoverable}, {judged:.2f} s")
    if name in EXACT_FOR_BOUND_0:
        both, spent = timed(lambda: suppress_cells(cells, primary, lower=np.zeros(len(cells)), both=True))
        total = cells.counts[both.secondary].sum()
        print(
            f"     bound 0, one up and one down: {both.secondary.sum()}/{total}/{spent:.2f}, "
            f"{100 * (total / OPTIMUM[name] - 1):+.1f} % of the optimum {OPTIMUM[name]}"
        )
    return taken


def rounding(cells: Cells) -> None:
    """Controlled and small-count rounding."""
    for base in (3, 5):
        try:
            found, spent = timed(lambda b=base: controlled_rounding(cells, b))
            moved = np.abs(found.counts - cells.counts).sum()
            nearest = np.abs(base * np.rint(cells.counts / base) - cells.counts).sum()
            text = f"steps {found.steps}, moved {moved} (nearest, not additive: {nearest:.0f}), {spent:.2f} s"
        except DisclosureError as refusal:
            text = refusal.faults[0].what
        small, spent = timed(lambda b=base: small_count_rounding(cells, b))
        moved = np.abs(small.counts - cells.counts).sum()
        print(f"     base {base}: controlled {text} | small-count moved {moved}, most {small.deviation}, {spent:.2f} s")


PEER_RUN = """
import logging, sys, time
import pandas as pd
logging.disable(logging.CRITICAL)
import gconfid
cells, rows = pd.read_csv(sys.argv[1]), pd.read_csv(sys.argv[2])
start = time.process_time()
found = gconfid.Suppression(incell=cells, inconstraint=rows, outsuppress="pandas", capture=True).outsuppress
spent = time.process_time() - start
found.to_csv(sys.argv[3], index=False)
print("CPU", spent)
"""


def gconfid(name: str, cells: Cells, ours: float, python: str) -> None:
    """G-Confid on the same cells and identities, in a process of its own; its pattern under our audit."""
    primary = minimum_count(cells.counts, 5)
    size = np.maximum(cells.counts, 0.001)  # it takes no zeros
    status = np.select([primary, cells.counts > 0], ["S", "V"], "P")
    table = {"CellId": np.arange(len(cells)) + 1, "TotalNoise": size, "Sensitivity": np.where(primary, 1.0, -1.0)}
    entries = cells.identities.tocoo()
    rows = {"ConstraintId": entries.row + 1, "CellId": entries.col + 1, "Coefficient": entries.data.astype(int)}
    with tempfile.TemporaryDirectory() as folder:
        files = [str(Path(folder) / part) for part in ("cells.csv", "rows.csv", "out.csv")]
        pd.DataFrame(table).assign(Status=status, Type="C", Size=size).to_csv(files[0], index=False)
        pd.DataFrame(rows).to_csv(files[1], index=False)
        run = subprocess.run([python, "-c", PEER_RUN, *files], capture_output=True, text=True, check=False)
        if run.returncode:
            print(f"     gconfid: failed with code {run.returncode} (not installed?)")
            return
        out = pd.read_csv(files[2])
    spent = float(run.stdout.split()[-1])
    status = out.set_index("CellId")["OutStatus"].reindex(table["CellId"]).to_numpy()
    suppressed = np.isin(status, ["S", "X"])
    verdict = audit(cells, suppressed | primary, primary, AT_LEAST_ONE)
    second = suppressed & ~primary
    print(
        f"     gconfid {second.sum()}/{cells.counts[second].sum()}/{spent:.2f}: "
        f"{spent / ours:.1f} times our CPU; recoverable where counts are at least 1: {verdict.recoverable}"
    )


if __name__ == "__main__":
    folder = Path(sys.argv[1])
    peer = os.environ.get("PEER_PYTHON", sys.executable)
    for table in sys.argv[2:] or [name for name in PEER if (folder / f"{name}.csv").exists()]:
        registered, seconds = timed(lambda t=table: load(folder / f"{t}.csv"))
        print(f"{table}: registered in {seconds:.2f} s")
        seconds = suppression(table, registered)
        if len(registered) < 6_000:
            gconfid(table, registered, seconds, peer)
        if len(registered.dimensions) < 4 or len(registered) < 3_000:
            rounding(registered)
