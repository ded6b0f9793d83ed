"""The optional engine: frequencies, risk and local suppression by sdcMicro, in real R, in a process of its own.

R can end the process that it lives in, so it lives in a child: this module run as a script. Keys cross as factor codes
and their number of levels, never as values, because text and integers do not cross safely; results come back as
arrays. What R counts on its side is checked against what was sent.
"""

import io
import json
import subprocess
import sys
from collections.abc import Mapping, Sequence
from importlib.util import find_spec
from shutil import which
from typing import Any, Literal

import numpy as np
import pandas as pd

from sdc.errors import DisclosureError, EngineError
from sdc.keys import encode

Missing = Literal["wildcard", "category"]
_R_MISSING = -(2**31)
_COUNT = "local({f <- sdcMicro::freqCalc(frame, keys, w = w, alpha = alpha); c(f$fk, f$Fk)})"
_RISK = "sdcMicro::indivRisk(sdcMicro::freqCalc(frame, keys, w = w, alpha = alpha), survey = !is.null(w))$rk"
_SUPPRESS = """unlist(lapply(as.list(sdcMicro::localSuppression(frame, k = k, importance = ranks, combs = sizes,
    keyVars = keys, strataVars = s)$xAnon)[keys], is.na))"""
_ADVICE = (
    "Install R (Debian: `apt-get install r-base-dev`), rpy2 (`pip install 'dtm-sdc[r]'`) and, in R,\n"
    '`install.packages("sdcMicro")`; or set `engine: native`, which needs none of them.'
)


def frequencies(
    rows: pd.DataFrame,
    keys: Sequence[str],
    *,
    weight: str | None = None,
    missing: Missing = "wildcard",
    alpha: float = 1.0,
) -> pd.DataFrame:
    """Sample and estimated population frequency of each record's key, by ``freqCalc``.

    Parameters, returns: as ``native.frequencies``; the wildcard reading only.

    Raises
    ------
    EngineError : when R, rpy2 or sdcMicro is missing or fails, or the category reading is asked for.
    """
    found = _asked(rows, keys, "frequencies", missing, weight=weight, alpha=alpha)
    return pd.DataFrame({"fk": found["fk"], "Fk": found["Fk"]}, index=rows.index)


def individual_risk(
    rows: pd.DataFrame,
    keys: Sequence[str],
    *,
    weight: str | None = None,
    missing: Missing = "wildcard",
    alpha: float = 1.0,
) -> pd.Series:
    """Probability that each record is re-identified, by ``indivRisk`` (first-order approximation).

    Parameters, returns: as ``native.individual_risk``; the wildcard reading only.

    Raises
    ------
    EngineError : when R, rpy2 or sdcMicro is missing or fails, or the category reading is asked for.
    """
    found = _asked(rows, keys, "individual_risk", missing, weight=weight, alpha=alpha)
    return pd.Series(found["risk"], index=rows.index, name="individual_risk")


def suppress_locally(
    rows: pd.DataFrame,
    keys: Sequence[str],
    k: int,
    *,
    importance: Mapping[str, float] | None = None,
    closed: Mapping[str, str] | None = None,
    missing: Missing = "wildcard",
    strata: Sequence[str] = (),
    sizes: Sequence[int] = (),
    household: str | None = None,
    household_keys: Sequence[str] = (),
    sensitive: Sequence[str] = (),
    ell: int = 1,
    exact: bool = False,
) -> pd.DataFrame:
    """Choose the key values to set to missing so that every record is k-anonymous, by ``localSuppression``.

    Parameters and returns as ``native.suppress_locally``, with what sdcMicro can do: the wildcard reading, costs as a
    ranking of the keys, strata as one column (small ones merged upward before R sees them), subsets by ``sizes``.

    Raises
    ------
    DisclosureError : when ``n < k``, or sdcMicro's result leaves records below ``k``.
    EngineError
        When R, rpy2 or sdcMicro is missing or fails, or something is asked that sdcMicro cannot do.

    Notes
    -----
    sdcMicro's result depends on the order of records, and it stops with an error of its own on some files where one
    suppression has already solved the next record.
    """
    if (household and household_keys) or (sensitive and ell > 1) or exact:
        raise EngineError(
            "engine sdcmicro", "households, diversity and exact answers are not in it.", "Set `engine: native`."
        )
    if len(rows) < k:
        raise DisclosureError(
            "local suppression", f"{len(rows)} records cannot make groups of {k}.", "Ask for a lower k."
        )
    found = _asked(
        rows, keys, "suppress_locally", missing, k=k, sizes=list(sizes),
        importance=_ranks(rows, keys, importance or {}), strata=_pooled(rows, strata, k),
    )  # fmt: skip
    hidden = pd.DataFrame(found["hidden"], columns=list(keys), index=rows.index)
    pairs = [(f, c) for f, c in (closed or {}).items() if f in hidden and c in hidden]
    for finer, coarser in pairs * len(pairs):
        hidden[finer] |= hidden[coarser] & rows[finer].notna()
    whole = [name for name, cost in (importance or {}).items() if np.isinf(cost) and name in hidden]
    if hidden[whole].any(axis=None):
        raise EngineError(
            "engine sdcmicro", "it suppressed a key that must stay whole, which it cannot promise.", "Use native."
        )
    if not sizes and not strata:
        short = int((frequencies(rows[list(keys)].mask(hidden), keys)["fk"] < k).sum())
        if short:
            raise DisclosureError(
                "engine sdcmicro", f"its result leaves {short} records below {k}.", "Set `engine: native`."
            )
    return hidden


def obstacle() -> str:
    """Why this engine cannot run here, in one sentence; empty when it can."""
    try:
        _run({"task": "hello"}, {})
    except EngineError as refusal:
        return refusal.faults[0].what
    return ""


def _ranks(rows: pd.DataFrame, keys: Sequence[str], importance: Mapping[str, float]) -> list[int]:
    """Rank as sdcMicro wants it: 1 is kept longest; between equal costs the key with fewer categories is."""
    if not importance:
        return []
    order = sorted(range(len(keys)), key=lambda j: (-importance.get(keys[j], 1.0), rows[keys[j]].nunique(), j))
    return [order.index(j) + 1 for j in range(len(keys))]


def _pooled(rows: pd.DataFrame, strata: Sequence[str], k: int) -> np.ndarray:
    if not strata:
        return np.empty(0, dtype=np.int32)
    from sdc.engines.holes import pooled_strata

    return pooled_strata(rows, strata, k)


def _asked(
    rows: pd.DataFrame,
    keys: Sequence[str],
    task: str,
    missing: Missing,
    *,
    weight: str | None = None,
    strata: np.ndarray | None = None,
    **arguments: Any,
) -> dict[str, np.ndarray]:
    """Send codes and levels to the child, and take what it sends back."""
    if missing != "wildcard":
        raise EngineError(
            "engine sdcmicro",
            "a missing value matches any value in it.",
            "Set `missing: wildcard` or `engine: native`.",
        )
    coded = [encode(rows[key]) for key in keys]
    arrays: dict[str, np.ndarray] = {
        "codes": np.stack([codes for codes, _ in coded], axis=1).astype(np.int32),
        "levels": np.array([len(values) for _, values in coded], dtype=np.int64),
        "weight": np.empty(0) if weight is None else rows[weight].to_numpy(dtype=np.float64),
        "strata": np.empty(0, dtype=np.int32) if strata is None else strata,
    }
    return _run({"task": task, **arguments}, arrays)


def _run(request: dict[str, Any], arrays: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Start R in a child, hand it a request, and read its answer from the pipe."""
    if which("R") is None:
        raise EngineError("engine sdcmicro", "R is not installed.", _ADVICE)
    if find_spec("rpy2") is None:
        raise EngineError("engine sdcmicro", "rpy2 is not installed in this Python.", _ADVICE)
    message = io.BytesIO()
    np.savez(message, request=np.array(json.dumps(request)), **arrays)  # type: ignore[arg-type]
    done = subprocess.run(
        [sys.executable, "-m", "sdc.engines.sdcmicro"], input=message.getvalue(), capture_output=True, check=False
    )
    if done.returncode or not done.stdout:
        raise EngineError("engine sdcmicro", "R ended without a result.", "Try again, or set `engine: native`.")
    with np.load(io.BytesIO(done.stdout), allow_pickle=False) as answer:
        found = {name: answer[name] for name in answer.files}
    if "fault" in found:
        advice = _ADVICE if "install" in str(found["fault"]) else "Set `engine: native`."
        raise EngineError("engine sdcmicro", str(found["fault"]), advice)
    return found


def _answer(message: bytes) -> dict[str, Any]:
    """In the child: do what is asked, in R."""
    with np.load(io.BytesIO(message), allow_pickle=False) as given:
        arrays = {name: given[name] for name in given.files}
    request = json.loads(str(arrays.pop("request")))
    try:
        import rpy2.rinterface as ri
        from rpy2.rinterface_lib import callbacks
        from rpy2.rinterface_lib.embedded import RRuntimeError

        ri.initr()
    except Exception:  # noqa: BLE001, rpy2 fails in many ways where R does not suit it
        return {"fault": "rpy2 cannot start R (it must be built for the R that is installed)."}
    callbacks.consolewrite_print = callbacks.consolewrite_warnerror = lambda text: None
    try:
        if not ri.baseenv["requireNamespace"](ri.StrSexpVector(["sdcMicro"]), quietly=ri.BoolSexpVector([True]))[0]:
            return {"fault": "sdcMicro is not installed in R."}
        return {} if request["task"] == "hello" else _in_r(ri, request, arrays)
    except RRuntimeError:
        return {"fault": "sdcMicro stopped with an error of its own (some files make it do so)."}


def _in_r(ri: Any, request: dict[str, Any], arrays: dict[str, np.ndarray]) -> dict[str, Any]:
    """In the child: factors out of codes, one call of sdcMicro, arrays out of its result."""
    codes, levels, weight, strata = (arrays[name] for name in ("codes", "levels", "weight", "strata"))
    n, m = codes.shape
    names = [f"k{j}" for j in range(m)]
    columns = {name: _factor(ri, codes[:, j], int(levels[j])) for j, name in enumerate(names)}
    if len(weight):
        columns["w"] = ri.FloatSexpVector(weight.tolist())
    if len(strata):
        columns["s"] = ri.IntSexpVector(strata.tolist())
    frame = ri.baseenv["data.frame"](**columns)
    missing = [int(sum(ri.baseenv["is.na"](frame[j]))) for j in range(m)]
    if len(frame[0]) != n or missing != (codes < 0).sum(axis=0).tolist():
        return {"fault": "R did not receive the records that were sent."}
    nothing = ri.NULL
    for name, value in {
        "frame": frame,
        "keys": ri.StrSexpVector(names),
        "w": ri.StrSexpVector(["w"]) if len(weight) else nothing,
        "s": ri.StrSexpVector(["s"]) if len(strata) else nothing,
        "k": ri.FloatSexpVector([request.get("k", 1)]),
        "alpha": ri.FloatSexpVector([request.get("alpha", 1)]),
        "ranks": ri.FloatSexpVector(request["importance"]) if request.get("importance") else nothing,
        "sizes": ri.FloatSexpVector(request["sizes"]) if request.get("sizes") else nothing,
    }.items():
        ri.globalenv[name] = value
    if request["task"] == "suppress_locally":
        hidden = np.array(ri.evalr(_SUPPRESS), dtype=bool).reshape(m, -1).T
        if hidden.shape != codes.shape or not hidden[codes < 0].all():
            return {"fault": "sdcMicro did not return the records that it was given."}
        return {"hidden": hidden & (codes >= 0)}
    if request["task"] == "frequencies":
        found = np.array(ri.evalr(_COUNT), dtype=np.float64).reshape(2, -1)
        return {"fk": found[0], "Fk": found[1]}
    return {"risk": np.array(ri.evalr(_RISK), dtype=np.float64)}


def _factor(ri: Any, codes: np.ndarray, levels: int) -> Any:
    """An R factor of integer codes from 1, with R's own missing value and numbered levels."""
    numbers = ri.IntSexpVector(np.where(codes < 0, _R_MISSING, codes + 1).tolist())
    return ri.baseenv["factor"](numbers, levels=ri.IntSexpVector(range(1, levels + 1)))


def _child() -> None:
    """Read a request from standard input and write the answer to standard output, which R does not get to see."""
    import os

    out = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    answer = io.BytesIO()
    np.savez(answer, **_answer(sys.stdin.buffer.read()))
    out.write(answer.getvalue())
    out.close()


if __name__ == "__main__":
    _child()
