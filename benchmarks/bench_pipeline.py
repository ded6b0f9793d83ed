"""CPU seconds and peak memory of each stage on a survey of 100,000 respondents, and `dvc repro` with nothing changed.

usage: python benchmarks/bench_pipeline.py [--scale 20] [--request REQ-2026-005]

Builds a checkout in a temporary folder with this checkout's code and documents, one request and its extracts; runs
each stage as DVC would, and reads the operating system's own account of the finished process.
"""

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import yaml

REPO = Path(__file__).resolve().parents[1]


def checkout(root: Path, request: str, scale: float) -> list[list[str]]:
    """A checkout with one request wired; the commands of its stages in order."""
    for name in ("codes", "dictionary", "policies", "pipelines", "expectations", "requests", "src"):
        shutil.copytree(REPO / name, root / name, ignore=shutil.ignore_patterns("__pycache__", "*.egg-info"))
    for name in ("dvc.yaml", ".dvcignore"):
        shutil.copy(REPO / name, root / name)
    params = yaml.safe_load((REPO / "params.yaml").read_text())
    wiring = params["requests"][request]
    extracts = {n: e for n, e in params["extracts"].items() if e["component"] == wiring["component"]}
    (root / "params.yaml").write_text(yaml.safe_dump({"extracts": extracts, "requests": {request: wiring}}))
    subprocess.run(["sdc", "samples", "--scale", str(scale)], cwd=root, check=True, capture_output=True)
    subprocess.run(["dvc", "init", "-q", "--no-scm"], cwd=root, check=True)
    flow = yaml.safe_load((root / "dvc.yaml").read_text())
    commands = []
    for stage, content in flow["stages"].items():
        items = extracts if stage == "ingest" else {request: wiring}
        for key, item in items.items():
            line = content["do"]["cmd"].replace("${documents}", flow["vars"][0]["documents"]).replace("${key}", key)
            for name in ("component", "policy", "path"):
                line = line.replace("${item." + name + "}", str(item.get(name)))
            commands.append([stage, *line.split()])
    return commands


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
        print(f"{'stage':<22}{'wall s':>8}{'CPU s':>8}{'peak MiB':>10}")
        for stage, *command in checkout(root, at.request, at.scale):
            wall, cpu, peak = measured(command, root)
            print(f"{stage:<22}{wall:>8.1f}{cpu:>8.1f}{peak:>10.0f}", flush=True)
        for name in ("dvc repro", "with nothing changed"):
            wall, cpu, peak = measured(["dvc", "repro"], root)
            print(f"{name:<22}{wall:>8.1f}{cpu:>8.1f}{peak:>10.0f}", flush=True)


if __name__ == "__main__":
    main()
