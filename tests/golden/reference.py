"""Reference results: which cases there are, and the records they were computed from."""

import json
import os
from pathlib import Path
from typing import Any

import pandas as pd

SHARED = Path(os.environ.get("SDC_SHARED", Path(__file__).resolve().parents[2].parent / "shared"))
SDCMICRO = SHARED / "golden" / "sdcmicro"


def sdcmicro_cases(method: str) -> list[str]:
    """Names of all cases of one method; none where the reference files are absent."""
    index = SDCMICRO / "INDEX.json"
    if not index.is_file():
        return []
    return [case["id"] for case in json.loads(index.read_text())["cases"] if case["method"] == method]


def sdcmicro(case: str) -> dict[str, Any]:
    """One case: its input, arguments and output."""
    return json.loads((SDCMICRO / f"{case}.json").read_text())


def input_rows(golden: dict[str, Any]) -> pd.DataFrame:
    """Records that a case was computed from."""
    given = golden["input"]
    if "rows" in given:
        return pd.DataFrame(given["rows"])
    return pd.read_csv(SHARED / "data" / "records" / f"{given['dataset']}.csv")


def output_records(golden: dict[str, Any]) -> pd.DataFrame:
    """One line a record, in the order of the input."""
    return pd.read_csv(SDCMICRO / golden["output"]["records"])


def names(argument: str | list[str]) -> list[str]:
    """Column names of an argument that R writes as one name or as many."""
    return [argument] if isinstance(argument, str) else list(argument)
