"""Protection and audit of any table of counts, in counts and figures."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from typing import Any

import numpy as np
import pandas as pd

from sdc.cells.intruder import INTRUDERS, Audit, audit
from sdc.cells.model import Cells, CountTable, find, register, require_additive
from sdc.cells.perturbed import audit_box, audit_independent, rounding_box
from sdc.cells.spanning import UNKNOWN, Span, text_codes
from sdc.engines.cellknowledge import known_bounds, own_counts
from sdc.engines.cellsuppression import suppress_cells
from sdc.engines.controlledrounding import controlled_rounding
from sdc.engines.rounding import cell_key_noise, noise_table, small_count_rounding
from sdc.errors import DataError, DisclosureError, PolicyError

KNOWS_METHOD = "knows-method"
TOTAL = "Total"


@dataclass(frozen=True)
class Noise:
    """How counts are perturbed: greatest noise, variance, and the secret behind the keys."""

    most: int
    variance: float
    secret: bytes


def count_table(
    rows: pd.DataFrame, spans: Sequence[Span], count: str | None, total: str | None, name: str = "table"
) -> CountTable:
    """A table as it stands in a file: records or inner cells, or every cell where ``total`` marks the totals.

    Parameters
    ----------
    rows : DataFrame, (rows, spanning columns and count)
    spans : sequence of Span
    count : str or None
        None where every row is one record.
    total : str or None
        The code of a total, besides an empty cell. None: the file holds no totals.
    name : str
        Of the file, for messages.

    Raises
    ------
    DataError : when a file that is said to hold no totals seems to hold some, an inner cell of one with totals has no
        count, or a variable goes from its finer column to the coarser one.
    """
    columns = [column for span in spans for column in span.columns]
    if count in columns:
        raise PolicyError(f"`{count}`", "is the count and a spanning column too", "Name it in one of the two.")
    absent = [column for column in columns if column not in rows.columns]
    if absent:
        raise DataError(", ".join(f"`{name}`" for name in absent), "no such column", "Name columns of the file.")
    codes = {column: rows[column].astype(object).where(rows[column].notna(), None) for column in columns}
    if total is None:
        marked = [name for name, column in codes.items() if (column.astype(str).str.casefold() == "total").any()]
        if marked:
            raise DataError(
                ", ".join(f"`{name}`" for name in marked),
                "seems to hold totals, which would be counted twice",
                "Say `--total Total` if they are totals (they are then checked and used as given), or take them out.",
            )
    else:
        codes = {name: column.where(column.astype(str) != total, None) for name, column in codes.items()}
    frame = pd.DataFrame(codes, dtype=object)
    for above, below in (step for span in spans for step in span.steps if step[0]):
        _require_order(frame, above, below)
    if count is not None:
        frame[count] = rows[count].to_numpy()
        holes = int((frame[count].isna() & frame[columns].notna().all(axis=1)).sum())
        if total is not None and holes:
            raise DataError(
                f"`{count}`",
                f"{holes} of {len(frame)} counts are missing in rows that are no totals",
                "Give the table as it was before anything was hidden; for one with holes: `sdc cells audit`.",
            )
    return CountTable(frame, tuple(spans), count, margins=total is not None, name=name)


def _require_order(frame: pd.DataFrame, above: str, below: str) -> None:
    """Refuse a path that is turned round: each code of its first column has one of the second, and not the reverse."""
    pairs = frame[[above, below]].dropna().drop_duplicates()
    if len(pairs) and not pairs[above].duplicated().any() and pairs[below].duplicated().any():
        raise DataError(
            f"`{above}>{below}`",
            f"each code of `{above}` lies in one of `{below}`",
            f"Name the coarse column first: {below}>{above}",
        )


def registered(table: CountTable, tolerance: float = 0) -> Cells:
    """Its cells, every sum checked."""
    cells = register([table])
    require_additive(cells, table.name, tolerance)
    return cells


def suppressed_cells(
    cells: Cells,
    primary: np.ndarray,
    intruders: Sequence[str],
    *,
    minimum_count: int,
    last: np.ndarray | None = None,
    amount: float = 1,
    both: bool = False,
) -> np.ndarray:
    """Cells to suppress, primary and secondary, so that none of the intruders, nor all together, can solve.

    Parameters
    ----------
    cells : Cells
    primary : array of bool, (cells,)
    intruders : sequence of str
        Keys of ``INTRUDERS``.
    minimum_count : int
    last : array of float, (cells,), optional
        What the last round published, NaN where nothing.
    amount, both
        As for ``suppress_cells``.

    Returns
    -------
    array of bool, (cells,)
    """
    primary_known = "knows-primary" in intruders
    remembered = last if "last-round" in intruders else None
    lower, upper = known_bounds(
        cells,
        primary,
        at_least=0 if set(intruders) <= {"nothing-known"} else 1,
        below=minimum_count if primary_known else None,
        last=remembered,
    )
    try:
        return suppress_cells(
            cells,
            primary,
            lower=lower,
            upper=upper,
            amount=amount,
            both=both,
            frozen=None if remembered is None else remembered == cells.counts,
            insiders=own_counts(cells.identities, cells.counts) if "singleton" in intruders else (),
            weight=cells.counts.astype(np.float64) * np.maximum(cells.copies, 1),
        ).suppressed
    except DisclosureError as refusal:
        if not primary_known:
            raise
        fault = refusal.faults[0]
        more = "Or leave knows-primary out: one symbol stands for all that is suppressed."
        raise DisclosureError(fault.where, fault.what, f"{fault.do}\n{more}") from None


def audits(
    cells: Cells,
    suppressed: np.ndarray,
    primary: np.ndarray,
    intruders: Sequence[str],
    *,
    minimum_count: int | None,
    last: np.ndarray | None = None,
) -> dict[str, Audit]:
    """What each intruder learns of the primary cells."""
    return {
        name: audit(cells, suppressed, primary, INTRUDERS[name], minimum_count=minimum_count, last=last)
        for name in intruders
    }


def changed_counts(cells: Cells, method: str, *, base: int, noise: Noise | None) -> tuple[np.ndarray, int]:
    """Counts under a method that moves them, and how far the truth can lie from what is shown.

    Parameters
    ----------
    cells : Cells
    method : {"controlled", "small-count", "cell-key"}
    base : int, persons
        Of the rounding.
    noise : Noise, for ``cell-key``

    Returns
    -------
    shown : array of int64, (cells,)
    reach : int, persons
        For ``small-count``, of inner counts only.
    """
    if not np.issubdtype(cells.counts.dtype, np.integer):
        raise DataError("counts", "are not whole numbers", "Suppress in this table, or give whole counts.")
    if method == "controlled":
        found = controlled_rounding(cells, base)
        return found.counts, base - 1 + found.steps * base
    if method == "small-count":
        return small_count_rounding(cells, base).counts, base - 1
    assert noise is not None
    return cell_key_noise(cells, noise_table(noise.most, noise.variance), noise.secret), noise.most


def audit_changed(cells: Cells, method: str, shown: np.ndarray, reach: int, primary: np.ndarray) -> dict[str, Audit]:
    """What someone learns who knows the method, and that true counts add up.

    Parameters
    ----------
    cells, method
        As for ``changed_counts``, which gives ``shown`` and ``reach``.
    primary : array of bool, (cells,)
    """
    if method == "small-count":
        inner = shown[_leaves(cells)]
        small = inner <= reach + 1  # 0 or the base: of a larger inner count nothing was changed
        low = np.where(small, np.where(inner > 0, 1, 0), inner).astype(np.float64)
        high = np.where(small, np.where(inner > 0, inner, reach), inner).astype(np.float64)
        return {KNOWS_METHOD: audit_independent(cells, low, high, primary, name=KNOWS_METHOD)}
    lower, upper = rounding_box(shown, reach)
    if method == "cell-key":  # an empty cell stays empty
        lower = np.where(shown > 0, np.maximum(lower, 1), lower)
    return {KNOWS_METHOD: audit_box(cells, lower, upper, primary, name=KNOWS_METHOD)}


def figures(cells: Cells, suppressed: np.ndarray, primary: np.ndarray, found: Mapping[str, Audit]) -> dict[str, Any]:
    """The answer, in counts: cells, primary, secondary, their sums, and what the intruders learn.

    A cell that stands twice in print (an admin 1 with a single admin 2) counts twice, as a reader would count it.
    """
    secondary = suppressed & ~primary
    narrowest = min((a.narrowest for a in found.values()), default=np.inf)
    copies = np.where(cells.published, np.maximum(cells.copies, 1), 0)
    return {
        "cells": int(copies.sum()),
        "primary": int(copies[primary].sum()),
        "secondary": int(copies[secondary].sum()),
        "suppressed_sum": _plain((copies * cells.counts)[secondary].sum()),
        "suppressed_sum_with_primary": _plain((copies * cells.counts)[suppressed].sum()),
        "distinct_cells": int(cells.published.sum()),
        "recoverable": {name: int(copies[a.exposed].sum()) for name, a in found.items()},
        "narrowest_interval": None if np.isinf(narrowest) else _plain(round(narrowest, 6)),
        "audit_finished": all(a.finished for a in found.values()),
    }


def _plain(value: float) -> int | float:
    """A whole number as such."""
    return int(value) if float(value).is_integer() else float(value)


def changes(cells: Cells, shown: np.ndarray) -> dict[str, Any]:
    """By how much a method moved the counts."""
    moved = np.abs(shown - cells.counts)[cells.published]
    return {
        "changed": int((moved > 0).sum()),
        "largest_change": _plain(moved.max(initial=0)),
        "mean_change": float(moved.mean()) if len(moved) else 0.0,
    }


def released(cells: Cells, table: CountTable, shown: np.ndarray, hidden: np.ndarray | None) -> pd.DataFrame:
    """The table as it may be published: every cell, one symbol for suppressed.

    Parameters
    ----------
    cells : Cells
    table : CountTable
    shown : array, (cells,)
    hidden : array of bool, (cells,), optional

    Returns
    -------
    DataFrame
        Spanning columns, the count (missing where suppressed), and ``suppressed`` (0 or 1) where ``hidden`` is given.
    """
    rows = positions(cells, table)
    cell = rows.pop("cell").to_numpy()
    gone = np.zeros(len(rows), dtype=bool) if hidden is None else hidden[cell]
    whole = np.issubdtype(shown.dtype, np.integer)
    counts: Any = pd.array(shown[cell], dtype="Int64" if whole else "Float64")
    counts[gone] = pd.NA
    rows[table.count or "count"] = counts
    return rows if hidden is None else rows.assign(suppressed=gone.astype(np.int64))


def last_published(cells: Cells, rows: pd.DataFrame, count: str, total: str) -> np.ndarray:
    """What an earlier release of the same table showed: array of float, (cells,), NaN where nothing.

    Parameters
    ----------
    cells : Cells
    rows : DataFrame
        Every cell of that release: spanning columns, ``total`` or empty where a row spans them, and the count,
        empty where it was suppressed.
    count, total : str
    """
    columns = [column for d in cells.dimensions for column in d.columns]
    absent = [column for column in (*columns, count) if column not in rows.columns]
    if absent:
        raise DataError(
            "last round", f"{len(absent)} columns of the table are absent", "Give the file of that release."
        )
    codes = rows[columns].astype(object)
    codes = codes.where(codes.notna() & (codes.astype(str) != total), None)
    at = find(cells, codes)
    values = pd.to_numeric(rows[count], errors="coerce").to_numpy(dtype=np.float64, na_value=np.nan)
    last = np.full(len(cells), np.nan)
    known = (at >= 0) & ~np.isnan(values)
    last[at[known]] = values[known]
    return last


def positions(cells: Cells, table: CountTable) -> pd.DataFrame:
    """Every cell to be published, as rows of codes with ``Total`` where a row spans a column, and its cell number.

    Returns
    -------
    DataFrame
        Spanning columns and ``cell``.
    """
    columns = [column for span in table.spans for column in span.columns]
    if table.margins:
        frame = table.rows[columns].reset_index(drop=True)
    else:
        inner = text_codes(table.rows, table.spans, table.name, missing=UNKNOWN).drop_duplicates()
        choices = [[[], *(_line(span, column) for column in span.columns)] for span in table.spans]
        parts = []
        for chosen in product(*choices):
            kept = [column for line in chosen for column in line]
            parts.append(inner[kept].drop_duplicates() if kept else pd.DataFrame(index=[0]))
        frame = pd.concat(parts, ignore_index=True).reindex(columns=columns)
    frame = frame.astype(object).where(frame.notna(), None)
    cell = find(cells, frame)
    out = frame.fillna(TOTAL).assign(cell=cell)
    return out.sort_values(columns, kind="stable", ignore_index=True) if not table.margins else out


def _line(span: Span, column: str) -> list[str]:
    """A column and all those above it."""
    above = {name for path in span.paths if column in path for name in path[: path.index(column)]}
    return [name for name in span.columns if name in above or name == column]


def _leaves(cells: Cells) -> np.ndarray:
    """A cell that holds each inner row alone."""
    assert cells.members is not None
    alone = np.flatnonzero(np.diff(cells.members.indptr) == 1)
    leaf = np.zeros(cells.members.shape[1], dtype=np.int64)
    leaf[cells.members.indices[cells.members.indptr[alone]]] = alone
    return leaf
