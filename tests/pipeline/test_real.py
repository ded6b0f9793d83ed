"""Real extracts through the whole pipeline, from `dvc repro` to verified packages; skipped where they are absent."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import yaml

from sdc.cells.intruder import AT_LEAST_ONE, NOTHING_KNOWN, audit
from sdc.cells.rows import row_cells
from sdc.dictionary import Role
from sdc.files import read_table
from sdc.policy import read_policy
from sdc.register.samples import write_register
from sdc.request import read_request

pytestmark = [pytest.mark.shared, pytest.mark.slow]

REPO = Path(__file__).resolve().parents[2]
IRAQ = {"format": "csv", "header_row": None, "names_file": "raw/header.txt", "date_formats": ["%d %b %Y", "%d-%m-%Y"]}
MALAWI = {"format": "csv", "missing": ["NULL", "NaT", "NaN", "nan"], "multiples_broken_rows_allowed": 18}
FILES = {
    "malawi_r05": ("iom_dtm_malawi_survey.csv", "mobility_tracking_malawi", 5, MALAWI),
    "iraq_r04": ("iraq2014_DTM_Dataset_18082014.csv", "mobility_tracking_iraq", 4, IRAQ),
    "iraq_r05": ("iraq2014_DTM_Dataset_01092014.csv", "mobility_tracking_iraq", 5, IRAQ),
    "iraq_r06": ("iraq2014_DTM_Dataset_14092014.csv", "mobility_tracking_iraq", 6, IRAQ),
}
REQUESTS = {
    "REQ-2026-101": ("mobility_tracking_malawi", "public", "MWI", [5]),
    "REQ-2026-102": ("mobility_tracking_malawi", "restricted", "MWI", [5]),
    "REQ-2026-103": ("mobility_tracking_iraq", "public", "IRQ", [4, 5, 6]),
    "REQ-2026-104": ("mobility_tracking_iraq", "restricted", "IRQ", [4, 5, 6]),
}


@pytest.fixture(scope="module")
def checkout(shared: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A checkout that holds the real extracts and four requests, after `dvc repro`."""
    root = tmp_path_factory.mktemp("real")
    for name in ("codes", "dictionary", "policies", "pipelines", "expectations", "signers"):
        shutil.copytree(REPO / name, root / name, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copytree(REPO / "src" / "sdc", root / "src" / "sdc", ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("dvc.yaml", ".dvcignore", "exceptions.yaml"):
        shutil.copy(REPO / name, root / name)
    (root / "raw").mkdir()
    shutil.copyfile(shared / "data" / "dtm" / "iraq2014_HEADER_41cols.txt", root / "raw" / "header.txt")
    extracts, wiring = {}, {}
    for name, (file, component, number, layout) in FILES.items():
        shutil.copyfile(shared / "data" / "dtm" / file, root / "raw" / f"{name}.csv")
        path = f"raw/{name}.csv"
        extracts[name] = {"component": component, "round": number, "path": path, "layout": layout}
    (root / "requests").mkdir()
    for name, (component, policy, country, rounds) in REQUESTS.items():
        wiring[name] = {"component": component, "policy": policy}
        request = {
            "id": name,
            "title": "Trial on real files",
            "requester": {"organisation": "Trial organisation", "type": "ngo"},
            "purpose": "See that real files become protected, validated, packaged releases.",
            "component": component,
            "country": country,
            "rounds": rounds,
            "variables": "all",
            "policy": policy,
            "expires": "2099-12-31",
            "agreement": "TRIAL",
        }
        (root / "requests" / f"{name}.yaml").write_text(yaml.safe_dump(request))
    components = sorted({component for component, *_ in REQUESTS.values()})
    params = {"components": components, "extracts": extracts, "requests": wiring, "masters": {}}
    (root / "params.yaml").write_text(yaml.safe_dump(params))
    orders = [read_request(path) for path in sorted((root / "requests").glob("*.yaml"))]
    policies = {path.stem: read_policy(path) for path in (root / "policies").glob("*.yaml")}
    write_register(str(root / "data" / "register" / "register.sqlite"), orders, policies).close()
    run(root, "dvc", "init", "-q", "--no-scm")
    config = (REPO / ".dvc" / "config").read_text()
    (root / ".dvc" / "config").write_text(config + "    no_scm = true\n")
    for path in (root / "policies").glob("*.yaml"):
        path.write_text(path.read_text().replace("dtm-data@country.example", "trial@mission.local"))
    run(root, "sdc", "release", "keys", "new", "--file")
    run(root, "dvc", "repro")
    return root


def run(root: Path, *command: str) -> str:
    """Run a command of the environment that runs the tests; its output."""
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    env = {**os.environ, "PATH": path, "DVC_NO_ANALYTICS": "1", "GX_ANALYTICS_ENABLED": "false"}
    done = subprocess.run(command, cwd=root, env=env, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    return done.stdout


def verdict(root: Path, request: str) -> dict:
    return json.loads((root / "data" / "verdicts" / request / "verdict.json").read_text())


@pytest.mark.parametrize("request_id", REQUESTS)
def test_real_files_become_packages_that_verify(checkout, request_id):
    found = verdict(checkout, request_id)
    assert found["gate"] == "pass"
    assert found["risk_before"]["below_minimum"] > 0
    assert found["risk_after"]["below_minimum"] == 0
    assert all(check["passed"] for check in found["checks"] if check["breach"] == "stop")
    (candidate,) = (checkout / "data" / "candidates" / request_id).glob("DTM-*")
    run(checkout, "sdc", "verify", "--candidate", str(candidate))


def test_rows_and_columns_are_those_of_the_files(checkout):
    malawi, iraq = verdict(checkout, "REQ-2026-102")["loss"], verdict(checkout, "REQ-2026-104")["loss"]
    assert (malawi["records_before"], malawi["records_after"]) == (776, 776)
    assert (iraq["records_before"], iraq["records_after"]) == (2077 + 2488 + 2586, 2077 + 2488 + 2586)
    assert len(iraq["columns"]) == 41


def test_nothing_that_is_left_gives_a_suppressed_malawi_count_back(checkout):
    """`m0310` and `m1536` are one count under two names, and men, women and children add up to both."""
    truth = read_table(checkout / "data" / "typed" / "mobility_tracking_malawi" / "malawi_r05.parquet")
    shown = read_table(checkout / "data" / "protected" / "REQ-2026-102" / "table.parquet")
    one, two = "m0310_loc_num_idp_ind", "m1536_loc_num_arrival_ind_period"
    before = truth.rows.loc[shown.rows.index]
    hidden = before[one].notna() & shown.rows[one].isna()
    assert hidden.sum() > 0
    assert (hidden == (before[two].notna() & shown.rows[two].isna())).all()

    counts = shown.names(Role.COUNT)
    observed = before[counts].notna().to_numpy()
    suppressed = (before[counts].notna() & shown.rows[counts].isna()).to_numpy()[observed]
    for intruder in (NOTHING_KNOWN, AT_LEAST_ONE):
        assert audit(row_cells(before[counts], shown.links, counts), suppressed, suppressed, intruder).recoverable == 0

    for name in shown.rows.columns:  # no column, declared or not, repeats the count where it is hidden
        if name != one and pd.api.types.is_numeric_dtype(shown.rows[name].dtype):
            seen = hidden & shown.rows[name].notna() & (before[one] > 0)
            same = (shown.rows[name][seen].astype(float) == before[one][seen].astype(float)).sum()
            assert same <= 0.1 * max(int(hidden.sum()), 1), name
    pairs = [c for c in counts if c != one and shown.rows.loc[hidden, c].notna().any()]
    left = shown.rows.loc[hidden, pairs].to_numpy(dtype=float, na_value=np.nan)
    target = before.loc[hidden, one].to_numpy(dtype=float)
    for i in range(len(pairs)):
        for j in range(i):
            for sign in (1.0, -1.0):
                guess = left[:, i] + sign * left[:, j]
                assert (np.abs(guess) == target)[target > 0].mean() <= 0.1


def test_raw_and_typed_data_are_not_in_the_dvc_cache(checkout):
    """What still holds values of places or people has no copy that outlives it."""
    cached = {path.stat().st_size for path in (checkout / ".dvc" / "cache").rglob("*") if path.is_file()}
    holding = [
        *(checkout / "raw").iterdir(),
        *checkout.glob("data/typed/*/*"),
        *checkout.glob("data/protected/*/*.parquet"),
    ]
    assert holding
    assert not cached & {path.stat().st_size for path in holding}
