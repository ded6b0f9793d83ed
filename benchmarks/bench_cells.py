"""Tables of counts: CPU seconds, cells and sums of ours beside the targets and the peers' printed figures.

Run: ``python benchmarks/bench_cells.py FOLDER [TABLE ...]``; FOLDER holds the synthetic tables T05.csv ... T73.csv.
G-Confid (gconfid) and tau-ARGUS (pytauargus) run beside ours, in processes of their own and on the same cells, where
the Python named by PEER_PYTHON (else this one) has them; our audit judges their patterns. Both are copyleft: yardsticks
here, and no dependencies.
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
from sdc.cells.model import Cells, CountTable, find, register
from sdc.cells.rules import minimum_count
from sdc.cells.spanning import parse_by
from sdc.engines.cellsuppression import suppress_cells
from sdc.engines.controlledrounding import controlled_rounding
from sdc.engines.rounding import small_count_rounding
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
PATIENCE = 120  # seconds for one run of a peer
EXACT_FOR_BOUND_0 = ("T05", "T1", "T2", "T5")


def timed(work: Callable) -> tuple:
    """What some work gives, and its CPU seconds."""
    start = time.process_time()
    result = work()
    return result, time.process_time() - start


def load(rows: pd.DataFrame) -> Cells:
    """The cells of one synthetic table."""
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


GCONFID = """
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

TAU_ARGUS = """
import sys, time
import pandas as pd, pytauargus
persons = pd.read_csv(sys.argv[1])
columns = [name for name in persons.columns if name != "persons"]
start = time.process_time()
found = pytauargus.protect(
    persons, columns, "persons", safety_rules="FREQ(5,1)", suppress="MOD(1,60)", hrc={"adm2": sys.argv[2]},
    hierleadstring="@", totcode="Total", workdir=sys.argv[4],
)
spent = time.process_time() - start
found.tables[0].dataframe().to_csv(sys.argv[3], index=False)
print("CPU", spent)
"""


def peer(name: str, script: str, files: list[str], python: str) -> tuple[pd.DataFrame, float] | None:
    """A peer in a process and folder of its own: its table and CPU seconds; None, the reason told, where it gives none.

    tau-ARGUS leaves files (BT.dat, cspSCIP.log, ...) in the folder that it is started in, whatever its ``workdir``.
    """
    command, folder = [python, "-c", script, *files], Path(files[0]).parent
    try:
        run = subprocess.run(command, capture_output=True, text=True, check=False, timeout=PATIENCE, cwd=folder)
    except subprocess.TimeoutExpired:
        print(f"     {name}: skipped (no answer within {PATIENCE} s)")
        return None
    if run.returncode:
        last = run.stderr.strip().splitlines()[-1:] or ["no message"]
        reason = f"signal {-run.returncode}" if run.returncode < 0 else last[0]
        print(f"     {name}: skipped ({reason})")
        return None
    return pd.read_csv(files[2], dtype=str), float(run.stdout.split()[-1])


def compared(name: str, cells: Cells, suppressed: np.ndarray, spent: float, ours: float) -> None:
    """A peer's pattern under our audit, and its CPU time beside ours."""
    primary = minimum_count(cells.counts, 5)
    second = suppressed & ~primary
    told = [audit(cells, suppressed | primary, primary, who).recoverable for who in (NOTHING_KNOWN, AT_LEAST_ONE)]
    print(
        f"     {name} {second.sum()}/{cells.counts[second].sum()}/{spent:.2f}: {spent / ours:.1f} times our CPU; "
        f"recoverable: {told[0]}, where counts are known to be at least 1: {told[1]}"
    )


def gconfid(cells: Cells, ours: float, python: str) -> None:
    """G-Confid on the same cells and identities."""
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
        found = peer("gconfid", GCONFID, files, python)
    if found is not None:
        status = found[0].assign(CellId=found[0]["CellId"].astype(float)).set_index("CellId")["OutStatus"]
        compared("gconfid", cells, np.isin(status.reindex(table["CellId"]).to_numpy(), ["S", "X"]), found[1], ours)


def tau_argus(rows: pd.DataFrame, cells: Cells, ours: float, python: str) -> None:
    """tau-ARGUS, its modular (HiTaS) method, on the persons behind the cells."""
    columns = ["adm2", "sex", "age", *(["reason"] if "reason" in rows else [])]
    filled = rows[rows["freq"] > 0]
    areas = filled[["adm1", "adm2"]].drop_duplicates().sort_values(["adm1", "adm2"])
    tree = "".join(f"{above}\n" + "".join(f"@{code}\n" for code in own) for above, own in areas.groupby("adm1")["adm2"])
    with tempfile.TemporaryDirectory() as folder:
        files = [str(Path(folder) / part) for part in ("persons.csv", "adm.hrc", "out.csv", "work")]
        filled.loc[filled.index.repeat(filled["freq"]), columns].assign(persons=1).to_csv(files[0], index=False)
        Path(files[1]).write_text(tree)
        Path(files[3]).mkdir()
        found = peer("tau-ARGUS", TAU_ARGUS, files, python)
    if found is not None:
        codes = found[0][columns].mask(found[0][columns] == "Total")
        upper = codes["adm2"].isin(areas["adm1"])
        codes["adm1"] = codes["adm2"].where(upper, codes["adm2"].map(areas.set_index("adm2")["adm1"]))
        codes["adm2"] = codes["adm2"].mask(upper)
        at = find(cells, codes.astype(object).where(codes.notna(), None))
        suppressed = np.zeros(len(cells), dtype=bool)
        suppressed[at[(at >= 0) & found[0]["status"].isin(["U", "M"]).to_numpy()]] = True
        compared("tau-ARGUS", cells, suppressed, found[1], ours)


if __name__ == "__main__":
    folder = Path(sys.argv[1])
    python = os.environ.get("PEER_PYTHON", sys.executable)
    for table in sys.argv[2:] or [name for name in PEER if (folder / f"{name}.csv").exists()]:
        inner = pd.read_csv(folder / f"{table}.csv")
        registered, seconds = timed(lambda rows=inner: load(rows))
        print(f"{table}: registered in {seconds:.2f} s")
        seconds = suppression(table, registered)
        if len(registered) < 6_000:
            gconfid(registered, seconds, python)
        if len(registered) < 20_000:
            tau_argus(inner, registered, seconds, python)
        rounding(registered)
