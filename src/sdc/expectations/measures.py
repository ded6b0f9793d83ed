"""What an expectation counts in a table: one pure function a promise, rows in, counts out."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from sdc.keys import key_classes
from sdc.risk.diversity import distinct_diversity, sensitive_counts
from sdc.risk.frequencies import frequencies, violations
from sdc.risk.summary import assess_risk

Counts = dict[str, int | float]
ROUNDING = 1e-9  # slack for figures that are equal but for binary fractions


def known_columns(rows: pd.DataFrame, columns: Sequence[str], required: Sequence[str]) -> Counts:
    """Columns that nobody described, and columns that must be there and are not."""
    unknown = sum(name not in set(columns) for name in rows.columns)
    absent = sum(name not in rows.columns for name in required)
    return {"breaches": unknown + absent, "unknown_columns": unknown, "absent_columns": absent}


def forbidden_columns(rows: pd.DataFrame, columns: Sequence[str]) -> Counts:
    """Columns that must not be there, however an export groups or capitalises their names."""
    forbidden = {name.casefold() for name in columns}
    found = sum(not forbidden.isdisjoint((name.casefold(), bare(name).casefold())) for name in map(str, rows.columns))
    return {"breaches": found, "columns": len(rows.columns)}


def wrong_type(rows: pd.DataFrame, column: str, kind: str, recoded: bool) -> Counts:
    """Whether a column's storage is what its type asks for; text too where recoding may have made labels of it."""
    held = _storage(rows[column])
    fits = held in STORAGE[kind] or (recoded and held == "text") or rows[column].isna().all()
    return {"breaches": 0 if fits else 1}


def codes_outside(
    rows: pd.DataFrame,
    column: str,
    levels: Mapping[str, Sequence[str]],
    multiple: bool = False,
    as_collected: bool = False,
) -> Counts:
    """Cells whose code is in no list. The whole column must fit one level: levels do not mix."""
    values = rows[column]
    cells = int(values.notna().sum())
    if not cells or (_storage(values) != "text" and as_collected):
        return {"breaches": 0, "cells": cells}
    counted = values.astype("str").value_counts()
    codes = [cell.split() for cell in counted.index] if multiple else [[cell] for cell in counted.index]

    def outside(allowed: Sequence[str]) -> int:
        known = set(allowed)
        bad = [not cell or not known.issuperset(cell) or len(set(cell)) < len(cell) for cell in codes]
        return int(counted.to_numpy()[np.array(bad, dtype=bool)].sum())

    return {"breaches": min((outside(allowed) for allowed in levels.values()), default=cells), "cells": cells}


def dates_outside(rows: pd.DataFrame, column: str, patterns: Mapping[str, str], as_collected: bool = False) -> Counts:
    """Dates finer than allowed, or truncated in no known way. The whole column must fit one level."""
    values = rows[column]
    cells = int(values.notna().sum())
    if not cells or (_storage(values) == "date" and as_collected):
        return {"breaches": 0, "cells": cells}
    counted = values.astype("str").value_counts()
    texts = pd.Series(counted.index.astype("str"))

    def outside(pattern: str) -> int:
        return int(counted.to_numpy()[~texts.str.fullmatch(pattern).to_numpy(dtype=bool)].sum())

    return {"breaches": min((outside(p) for p in patterns.values()), default=cells), "cells": cells}


def coordinates_finer(rows: pd.DataFrame, column: str, decimals: int) -> Counts:
    """Cells with more decimals than allowed."""
    degrees = _numbers(rows[column]) * 10.0**decimals
    shown = degrees[~np.isnan(degrees)]
    return {"breaches": int((np.abs(shown - np.round(shown)) > 1e-6).sum()), "cells": len(shown)}


def below_k(rows: pd.DataFrame, keys: Sequence[str], k: int, missing: str) -> Counts:
    """Records that share their keys with fewer than ``k - 1`` others, as the judge of records counts them."""
    if not keys:
        return {"breaches": len(rows) if len(rows) < k else 0, "records": len(rows), "smallest_class": len(rows)}
    classes = key_classes(rows, keys)
    fk = frequencies(classes, missing="wildcard" if missing == "wildcard" else "category").fk
    found = violations(fk, classes, [k])[k]
    return {"breaches": found, "records": len(rows), "smallest_class": int(fk.min(initial=len(rows)))}


def below_ell(rows: pd.DataFrame, column: str, keys: Sequence[str], ell: int) -> Counts:
    """Records in classes of equal keys that hold fewer than ``ell`` distinct values of a sensitive column."""
    classes = key_classes(rows, keys)
    counts = sensitive_counts(classes, rows[column])
    distinct = distinct_diversity(counts)
    seen = counts.observed > 0
    least = int(distinct[seen].min()) if seen.any() else 0
    return {"breaches": int(classes.records[seen & (distinct < ell)].sum()), "fewest_values": least}


def risk_figure(
    rows: pd.DataFrame,
    figure: str,
    keys: Sequence[str],
    limit: float,
    missing: str,
    weight: str | None = None,
    household: str | None = None,
) -> Counts:
    """One figure of the judge's report, and whether it is above the limit."""
    report = assess_risk(
        rows,
        keys,
        weight=weight,
        household=household,
        missing="wildcard" if missing == "wildcard" else "category",
        ks=(),
    )
    observed = report[figure] or 0.0
    return {"breaches": int(observed > limit + ROUNDING), "observed": round(float(observed), 9)}


def below_minimum(rows: pd.DataFrame, column: str, minimum: int) -> Counts:
    """Counts from 1 to ``minimum - 1``."""
    values = _numbers(rows[column])
    shown = values[~np.isnan(values)]
    return {"breaches": int(((shown > 0) & (shown < minimum)).sum()), "cells": len(shown)}


def unrounded(rows: pd.DataFrame, column: str, base: int) -> Counts:
    """Counts that are no multiple of the base."""
    values = _numbers(rows[column])
    shown = values[~np.isnan(values)]
    return {"breaches": int((np.mod(shown, base) != 0).sum()), "cells": len(shown)}


def broken_links(
    rows: pd.DataFrame, total: str, parts: Sequence[str], slack: float = 0, rows_allowed: int = 0
) -> Counts:
    """Rows, all members observed, whose total is not the sum of its parts; some are allowed in each round."""
    gap = np.abs(_numbers(rows[total]) - sum(_numbers(rows[part]) for part in parts))
    broken = gap > slack + ROUNDING  # a missing member makes the gap NaN, and no breach
    per_round = pd.Series(broken).groupby(_rounds(rows)).sum()
    excess = int((per_round - rows_allowed).clip(lower=0).sum())
    return {"breaches": excess, "broken_rows": int(broken.sum()), "rows": int((~np.isnan(gap)).sum())}


def derivable(rows: pd.DataFrame, total: str, parts: Sequence[str], minimum: int, slack: float = 0) -> Counts:
    """Rows in which the one count that is not shown follows from the others, and lies under the minimum."""
    members = np.column_stack([_numbers(rows[total]), *(-_numbers(rows[part]) for part in parts)])
    hidden = np.isnan(members)
    single = hidden.sum(axis=1) == 1
    rest = np.nansum(members, axis=1)
    value = np.where(hidden[:, 0], -rest, rest)  # what the total, or the part, must be
    found = single & (value - slack > 0) & (value + slack < minimum)
    return {"breaches": int(found.sum()), "rows_with_one_hidden": int(single.sum())}


MEASURES: dict[str, Callable[..., Counts]] = {
    "expect_only_known_columns": known_columns,
    "expect_no_identifier_columns": forbidden_columns,
    "expect_no_restricted_columns": forbidden_columns,
    "expect_column_of_type": wrong_type,
    "expect_codes_in_list": codes_outside,
    "expect_truncated_dates": dates_outside,
    "expect_coarse_coordinates": coordinates_finer,
    "expect_k_anonymity": below_k,
    "expect_l_diversity": below_ell,
    "expect_risk_at_most": risk_figure,
    "expect_minimum_count": below_minimum,
    "expect_rounded_counts": unrounded,
    "expect_link_to_hold": broken_links,
    "expect_no_count_given_away": derivable,
}

STORAGE: dict[str, tuple[str, ...]] = {
    "integer": ("integer",),
    "number": ("integer", "number"),
    "date": ("date",),
    "code": ("text",),
    "codes": ("text",),
    "text": ("text",),
}


def measure(name: str, rows: pd.DataFrame, arguments: Mapping[str, Any]) -> Counts:
    """Count what one expectation asks for; keys that the table no longer has are left out."""
    if "keys" in arguments:
        arguments = {**arguments, "keys": [key for key in arguments["keys"] if key in rows.columns]}
    return MEASURES[name](rows, **arguments)


def _storage(column: pd.Series) -> str:
    """The family of a column's dtype."""
    dtype = column.dtype
    if isinstance(dtype, pd.CategoricalDtype):
        dtype = dtype.categories.dtype
    for family, test in (
        ("date", pd.api.types.is_datetime64_any_dtype),
        ("integer", pd.api.types.is_integer_dtype),
        ("number", pd.api.types.is_float_dtype),
        ("text", pd.api.types.is_string_dtype),
    ):
        if test(dtype):
            return family
    return "other"


def _numbers(column: pd.Series) -> np.ndarray:
    return column.to_numpy(dtype=np.float64, na_value=np.nan)


def _rounds(rows: pd.DataFrame) -> np.ndarray:
    return rows["round"].astype("str").to_numpy() if "round" in rows else np.zeros(len(rows), dtype=np.int8)


def bare(name: str) -> str:
    """The last part of a grouped name: ``Group/KI_Name`` is ``KI_Name``."""
    return name.rsplit("/", 1)[-1].rsplit(".", 1)[-1]
