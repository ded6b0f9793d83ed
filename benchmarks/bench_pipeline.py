"""CPU seconds and peak memory of each stage on a survey of 100,000 respondents, and `dvc repro` with nothing changed.

usage: python benchmarks/bench_pipeline.py [--scale 20] [--request REQ-2026-005]

Builds a checkout in a temporary folder with this checkout's code and documents, one request and its extracts; runs
`dvc repro`, then each stage again by itself, and reads the operating system's own account of the finished process.
"""

import argparse
import os
import shlex
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import yaml

REPO = Path(__file__).resolve().parents[1]


def checkout(root: Path, request: str, scale: float) -> None:
    """A checkout with one request wired and its extracts; nothing is built yet."""
    for name in ("codes", "dictionary", "policies", "pipelines", "expectations", "requests", "signers", "src"):
        shutil.copytree(REPO / name, root / name, ignore=shutil.ignore_patterns("__pycache__", "*.egg-info"))
    for name in ("dvc.yaml", ".dvcignore", "exceptions.yaml", "constraints.txt"):
        shutil.copy(REPO / name, root / name)
    (root / ".sdc").mkdir(mode=0o700)
    params = yaml.safe_load((REPO / "params.yaml").read_text())
    component = params["requests"][request]["component"]
    params["extracts"] = {n: e for n, e in params["extracts"].items() if e["component"] == component}
    params |= {"requests": {request: params["requests"][request]}, "components": [component]}
    (root / "params.yaml").write_text(yaml.safe_dump(params))
    for words in (["dvc", "init", "-q", "--no-scm"], ["sdc", "samples", "--scale", str(scale)]):
        subprocess.run(words, cwd=root, check=True, capture_output=True)
    shutil.copytree(REPO / ".dvc" / "plots", root / ".dvc" / "plots", dirs_exist_ok=True)


def commands(root: Path) -> list[list[str]]:
    """Stages in the order of the flow, each with its command, as DVC ran them."""
    locked = yaml.safe_load((root / "dvc.lock").read_text())["stages"]
    order = list(yaml.safe_load((root / "dvc.yaml").read_text())["stages"])
    names = sorted(locked, key=lambda name: order.index(name.partition("@")[0]))
    return [[name.partition("@")[0], *shlex.split(locked[name]["cmd"])] for name in names]


def measured(command: list[str], root: Path) -> tuple[float, float, float]:
    """Wall seconds, CPU seconds and peak memory in MiB of one command."""
    start = time.perf_counter()
    process = subprocess.Popen(command, cwd=root, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    _, status, usage = os.wait4(process.pid, 0)
    if status:
        raise SystemExit(f"failed: {' '.join(command[:3])}")
    return time.perf_counter() - start, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--scale", type=float, default=20)
    parser.add_argument("--request", default="REQ-2026-005")
    at = parser.parse_args()
    os.environ["PATH"] = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        checkout(root, at.request, at.scale)
        whole = [(name, measured(["dvc", "repro"], root)) for name in ("dvc repro", "with nothing changed")]
        stages = [(stage, measured(command, root)) for stage, *command in commands(root)]
    print(f"{'stage':<22}{'wall s':>8}{'CPU s':>8}{'peak MiB':>10}")
    for name, (wall, cpu, peak) in stages + whole:
        print(f"{name:<22}{wall:>8.1f}{cpu:>8.1f}{peak:>10.0f}")


if __name__ == "__main__":
    main()
