"""A growth curve of the judge and the protector of records: CPU seconds by records, drawn on logarithmic scales.

usage: python benchmarks/growth.py FOLDER [FOLDER ...] [--out benchmarks/growth.svg]

The folders hold testdata_<records>.parquet. Each point is one process, measured by bench_risk.py and
bench_suppression.py as they do for their own tables: from the typed file to the result, start-up and compilation apart.
"""

import argparse
import subprocess
import sys
from pathlib import Path

import matplotlib as mpl
import numpy as np
from matplotlib.figure import Figure

HERE = Path(__file__).resolve().parent
RISK = {
    "fk and Fk, K6": "frequencies K6",
    "fk and Fk, K6H": "frequencies K6H",
    "risk and households, K6H": "risk and households K6H",
    "SUDA2, K6H": "suda K6H",
}
SUPPRESSION = {f"suppression k = 3, {keys}": keys for keys in ("K6", "K6A", "K6H")}
LOOKS = ("#17457f", "#17457f", "#0b5d54", "#6f4a00", "#a33a0c", "#a33a0c", "#a33a0c")
LINE = 0.065  # of the height of the picture
DASHES = ("-", "--", "-", "-", "-", "--", ":")


def measured(name: str, path: Path) -> float:
    """CPU seconds of one call on one file, in a process of its own."""
    if name in RISK:
        command = [sys.executable, HERE / "bench_risk.py", "--one", RISK[name], path]
        place = 1
    else:
        command = [sys.executable, HERE / "bench_suppression.py", "--one", path, SUPPRESSION[name], "3", "wildcard"]
        place = 4
    done = subprocess.run([str(part) for part in command], capture_output=True, text=True, check=True)
    return float(done.stdout.split()[place])


def draw(curves: dict[str, dict[int, float]], out: Path) -> None:
    """All curves in one picture, each named at its end."""
    style = {"svg.fonttype": "none", "svg.hashsalt": "growth", "font.size": 11, "font.family": "sans-serif"}
    with mpl.rc_context(style):
        figure = Figure(figsize=(8.2, 4.9))
        plane = figure.add_axes((0.07, 0.13, 0.58, 0.80))
        for (name, points), colour, dash in zip(curves.items(), LOOKS, DASHES, strict=True):
            plane.loglog(
                list(points), list(points.values()), color=colour, linestyle=dash, marker="o", markersize=4, label=name
            )
        low, high = np.log10(plane.get_ylim())
        ends = sorted((list(points.values())[-1], list(points)[-1], name) for name, points in curves.items())
        heights = [(np.log10(seconds) - low) / (high - low) for seconds, *_ in ends]
        middle = min(float(np.mean(heights)), 1 - LINE * (len(ends) - 1) / 2)
        for place, (seconds, records, name) in enumerate(ends):  # names a line apart, the fastest lowest
            plane.annotate(
                f"{name}: {seconds:.2g} s", xy=(records, seconds),
                xytext=(1.08, middle + LINE * (place - (len(ends) - 1) / 2)), textcoords="axes fraction",
                va="center", annotation_clip=False, color=LOOKS[list(curves).index(name)],
                arrowprops={"arrowstyle": "-", "color": "#94a3b8", "linewidth": 0.8, "relpos": (0, 0.5)},
            )  # fmt: skip
        sizes = sorted({records for points in curves.values() for records in points})
        plane.set_xticks(sizes, [f"{records:,}" for records in sizes])
        plane.minorticks_off()
        plane.grid(color="#e9eef5")
        plane.spines[["top", "right"]].set_visible(False)
        plane.set_xlabel("records")
        plane.set_title("CPU seconds, from the typed file to the result", loc="left", fontsize=12)
        figure.savefig(out, format="svg", metadata={"Date": None, "Creator": None})


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folders", nargs="+", type=Path)
    parser.add_argument("--out", type=Path, default=HERE / "growth.svg")
    at = parser.parse_args()
    files = [path for folder in at.folders for path in folder.glob("testdata_*.parquet") if "_na" not in path.stem]
    curves: dict[str, dict[int, float]] = {}
    for name in (*RISK, *SUPPRESSION):
        curves[name] = {}
        for path in sorted(files, key=lambda path: int(path.stem.split("_")[1])):
            records = int(path.stem.split("_")[1])
            curves[name][records] = measured(name, path)
            print(f"{name:28} {records:>11,} {curves[name][records]:>8.3f}", flush=True)
    draw(curves, at.out)


if __name__ == "__main__":
    main()
