"""Counts that were published outside this pipeline, as facts: each row of a CSV is one cell."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pandas as pd

from sdc.audit.facts import Facts, row_keys
from sdc.dictionary import Dictionary, Role
from sdc.errors import DataError, Fault
from sdc.table import Table

_TOLD = ("measure", "value", "low", "high", "round")


def read_cells(path: Path) -> pd.DataFrame:
    """Read the CSV of an outside release, all of it as text.

    Raises
    ------
    DataError : when it is no CSV with a `measure` and a `value`, or `low` and `high`.
    """
    try:
        cells = pd.read_csv(path, dtype="str", keep_default_na=False, encoding="utf-8")
    except (ValueError, OSError, UnicodeDecodeError):
        raise DataError(str(path), "cannot be read as a CSV in UTF-8") from None
    if "measure" not in cells or not ("value" in cells or {"low", "high"} <= set(cells.columns)):
        raise DataError(str(path), "needs the columns `measure`, and `value` or `low` and `high`")
    return cells


def outside_facts(cells: pd.DataFrame, before: Table, dictionary: Dictionary, about: Mapping) -> Facts:
    """What an outside release tells of the collected rows.

    Parameters
    ----------
    cells : DataFrame of text
    before : Table, all rounds as ingested
    dictionary : Dictionary
    about : mapping of request, population, tier, organisation

    Returns
    -------
    Facts

    Raises
    ------
    DataError : for columns and measures that the dictionary does not have, for cells without a collected row, and for
        counts that the collected rows contradict: facts that are not true prove nothing.
    """
    spans = [name for name in cells.columns if name not in _TOLD]
    faults = [
        Fault(f"`{name}`", "is no key of the dictionary", "Name spanning columns as the dictionary does.")
        for name in spans
        if name not in before or before[name].role != Role.KEY
    ]
    faults += [
        Fault("`measure`", "names what is no count of the dictionary")
        for name in sorted(set(cells["measure"]))
        if name not in before or before[name].role != Role.COUNT
    ]
    if faults:
        raise DataError.of(faults)
    where = [*spans, *(["round"] if "round" in cells else [])]
    areas = cells[where].drop_duplicates().reset_index(drop=True)
    text = {
        name: before.rows[name].astype("object").map(str, na_action="ignore").fillna("").to_numpy() for name in where
    }
    keys = row_keys(before)
    members, empty = [], 0
    for row, area in enumerate(areas.itertuples(index=False)):
        inside = np.ones(len(before), dtype=bool)
        for name, code in zip(where, area, strict=True):
            inside &= (text[name] == code) if code else True
        empty += not inside.any()
        members.append(pd.DataFrame({"row": row, "key": keys[inside], "at": np.flatnonzero(inside)}))
    if empty:
        raise DataError("outside release", f"{empty} of {len(areas)} areas have no collected row", "Mend its codes.")
    held = pd.concat(members, ignore_index=True)
    counts = before.names(Role.COUNT)
    collected = before.rows[counts].iloc[held["at"]].astype("Float64").to_numpy(dtype=np.float64, na_value=np.nan)
    base = pd.DataFrame(collected, columns=counts)
    truth = base.groupby(held["row"].to_numpy()).sum(min_count=1)
    of_cell = areas.assign(row=np.arange(len(areas))).merge(cells.assign(cell=np.arange(len(cells))), on=where)
    told = _intervals(of_cell)
    true = truth.fillna(0).to_numpy()[told["row"], [counts.index(name) for name in told["column"]]]
    told["low"] = np.where(told["suppressed"] & (true >= 1), 1.0, told["low"])
    false = int(((told["low"] > true) | (told["high"] < true)).sum())
    if false:
        raise DataError("outside release", f"{false} of {len(told)} counts are not those of the collected rows")
    rounds = areas["round"].replace("", "0").astype("int64") if "round" in areas else pd.Series(0, index=areas.index)
    place = pd.Series("", index=areas.index)
    for name in spans:
        place = place + np.where(areas[name] != "", name + "=" + areas[name] + "|", "")
    depth = [_depth(before, [name for name in spans if area[name]]) for area in areas.to_dict("records")]
    rows = pd.DataFrame({"row": areas.index, "round": rounds, "place": place, "depth": depth})
    limits: dict = {}
    kept = {**about, "release_id": about["request"], "version": "outside", "kind": "counts", "policy": "", "rounds": []}
    return Facts(
        {**kept, "limits": limits, "columns": {name: {"role": "count", "level": 0} for name in counts}},
        held[["row", "key"]],
        told,
        rows,
        base.assign(key=held["key"]).drop_duplicates("key").reset_index(drop=True),
    )


def _intervals(cells: pd.DataFrame) -> pd.DataFrame:
    def numbers(name: str) -> np.ndarray:
        column = cells[name] if name in cells else pd.Series("", index=cells.index)
        return pd.to_numeric(column.replace("", None), errors="coerce").to_numpy(dtype=np.float64, na_value=np.nan)

    value = numbers("value")
    low = np.where(np.isnan(value), numbers("low"), value)
    high = np.where(np.isnan(value), numbers("high"), value)
    hidden = np.isnan(low) & np.isnan(high)
    return pd.DataFrame(
        {
            "row": cells["row"].to_numpy(),
            "column": cells["measure"].to_numpy(),
            "low": np.where(np.isnan(low), 0.0, low),
            "high": np.where(np.isnan(high), np.inf, high),
            "suppressed": hidden,
        }
    )


def _depth(before: Table, spans: list[str]) -> str:
    levels = [level for level in (before[name].geography for name in spans) if level is not None]
    return max(levels, key=lambda level: level.depth).value if levels else "total"
