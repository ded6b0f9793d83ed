"""What protection did to tables that a typical user makes: weighted margins, two-way tables, and their errors."""

from collections.abc import Iterable, Mapping, Sequence
from itertools import combinations

import numpy as np
import pandas as pd

from sdc.dictionary import Role, Type
from sdc.errors import DataError
from sdc.steps.recoding import coarsened
from sdc.table import Table

NUMBER_BANDS = 10


def table_distances(before: Table, after: Table, columns: Sequence[str], ways: Iterable[int] = (1, 2)) -> list[dict]:
    """How far the weighted distributions of columns, and of pairs of columns, moved.

    Both files are told at the level of the protected one, so that recoding is not counted here (its loss is
    `column_losses`) but suppression and perturbation are. A missing value is a category. Numbers are put into bands by
    the deciles of the original.

    Parameters
    ----------
    before, after : Table
        As ingested, and as read back; records need not be paired.
    columns : sequence of str, in both
    ways : iterable of int
        Sizes of tables: 1 for margins, 2 for two-way tables.

    Returns
    -------
    list of dict with columns, hellinger, total_variation
        Both from 0 (the same) to 1 (nothing in common).

    Guarantees
    ----------
    * 0 for a file compared with itself; the order of records does not matter.
    * Total variation lies between the square of the Hellinger distance and its product with the root of 2.
    """
    old, new = _comparable(before, after, columns)
    found = []
    for size in ways:
        for names in combinations(columns, size):
            p, q = (_shares(file, list(names)) for file in (old, new))
            p, q = p.align(q, fill_value=0.0)
            overlap = min(float(np.sqrt(p.to_numpy() * q.to_numpy()).sum()), 1.0)
            variation = float(np.abs(p.to_numpy() - q.to_numpy()).sum() / 2)
            found.append({
                "columns": list(names), "hellinger": float(np.sqrt(1 - overlap)), "total_variation": variation
            })  # fmt: skip
    return found


def tabulation(before: Table, after: Table, columns: Sequence[str]) -> pd.DataFrame:
    """A weighted table of columns before and after, cell by cell: for the people who know the data, not for a report.

    Parameters
    ----------
    before, after : Table
    columns : sequence of str, in both

    Returns
    -------
    DataFrame, one row a cell: the columns, `before` and `after` (sums of weights, in persons or households), `error`
        (after less before), `relative_error` (missing where there was nobody)
    """
    old, new = _comparable(before, after, columns)
    sums = [file.groupby(list(columns), sort=True, observed=True)["weight_persons"].sum() for file in (old, new)]
    first, second = sums[0].align(sums[1], fill_value=0.0)
    cells = pd.DataFrame({"before": first, "after": second})
    cells["error"] = cells["after"] - cells["before"]
    cells["relative_error"] = (cells["error"] / cells["before"]).where(cells["before"] > 0)
    return cells.reset_index()


def tabulation_errors(before: Table, after: Table, columns: Sequence[str]) -> Mapping[str, float]:
    """The same table's errors in a few numbers without codes, which may stand in a report.

    Returns
    -------
    mapping with cells, cells_lost (had somebody, have nobody), mean_absolute_error, max_absolute_error,
    mean_relative_error (over cells that had somebody, weighted by them), share_misplaced (of all persons)
    """
    cells = tabulation(before, after, columns)
    away, had = cells["error"].abs(), cells["before"] > 0
    total = float(cells["before"].sum())
    return {
        "cells": int(had.sum()),
        "cells_lost": int((had & (cells["after"] == 0)).sum()),
        "mean_absolute_error": float(away.mean()) if len(cells) else 0.0,
        "max_absolute_error": float(away.max()) if len(cells) else 0.0,
        "mean_relative_error": float(away[had].sum() / total) if total else 0.0,
        "share_misplaced": float(away.sum() / 2 / total) if total else 0.0,
    }


def _comparable(before: Table, after: Table, columns: Sequence[str]) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Both files as categories with one meaning, beside their weights."""
    absent = [name for name in columns if name not in before or name not in after]
    if absent:
        where = ", ".join(f"`{name}`" for name in absent)
        raise DataError(where, "not in both files.", "Compare columns that were released.")
    weight = before.name(Role.WEIGHT)
    files = []
    for table in (before, after):
        persons = table.rows[weight].to_numpy(np.float64, na_value=0) if weight is not None and weight in table else 1.0
        files.append(pd.DataFrame({"weight_persons": persons}, index=range(len(table))))
    for name in columns:
        level = after[name].level
        old, new = before.rows[name], after.rows[name]
        if level and not before[name].level:
            old = coarsened(old, after[name], level)
        elif before[name].type in (Type.INTEGER, Type.NUMBER) and not level:
            observed = old.dropna().to_numpy(np.float64)
            ends = np.quantile(observed, np.arange(1, NUMBER_BANDS) / NUMBER_BANDS) if len(observed) else np.empty(0)
            old, new = (_banded(side, np.unique(ends)) for side in (old, new))
        for file, side in zip(files, (old, new), strict=True):
            file[name] = side.astype("str").fillna("").to_numpy()
    return files[0], files[1]


def _banded(values: pd.Series, ends: np.ndarray) -> pd.Series:
    numbers = values.to_numpy(np.float64, na_value=np.nan)
    return pd.Series(np.searchsorted(ends, numbers).astype(str)).where(~np.isnan(numbers))


def _shares(file: pd.DataFrame, names: list[str]) -> pd.Series:
    sums = file.groupby(names, sort=True)["weight_persons"].sum()
    total = float(sums.sum())
    return sums / total if total else sums
