"""Protection and audit of any table of counts, in counts and figures."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import product
from typing import Any

import numpy as np
import pandas as pd

from sdc.cells.intruder import (
    AT_LEAST_ONE,
    INTRUDERS,
    KNOWS_PRIMARY,
    LAST_ROUND,
    NOTHING_KNOWN,
    SINGLETON,
    Audit,
    Intruder,
    audit,
    box,
    insiders,
)
from sdc.cells.model import Cells, CountTable, find, register, require_additive
from sdc.cells.perturbed import audit_box, audit_independent, rounding_box
from sdc.cells.solver import Program
from sdc.cells.spanning import UNKNOWN, Span, text_codes
from sdc.engines.cellsuppression import suppress_cells
from sdc.engines.controlledrounding import controlled_rounding
from sdc.engines.rounding import cell_key_noise, noise_table, small_count_rounding
from sdc.errors import DataError, PolicyError

NAMES: Mapping[str, Intruder] = {
    "nothing-known": NOTHING_KNOWN,
    "at-least-one": AT_LEAST_ONE,
    "knows-primary": KNOWS_PRIMARY,
    "last-round": LAST_ROUND,
    "singleton": SINGLETON,
}
assert set(NAMES.values()) == set(INTRUDERS)
KNOWS_METHOD = "knows-method"
TOTAL = "Total"
_NODES = 20_000


@dataclass(frozen=True)
class Noise:
    """How counts are perturbed: greatest noise, variance, and the secret behind the keys."""

    most: int
    variance: float
    secret: bytes


def count_table(rows: pd.DataFrame, spans: Sequence[Span], count: str | None, total: str | None) -> CountTable:
    """A table as it stands in a file: records or inner cells, or every cell where ``total`` marks the totals.

    Parameters
    ----------
    rows : DataFrame, (rows, spanning columns and count)
    spans : sequence of Span
    count : str or None
        None where every row is one record.
    total : str or None
        The code of a total, besides an empty cell. None: the file holds no totals.

    Raises
    ------
    DataError : when a file that is said to hold no totals seems to hold some.
    """
    columns = [column for span in spans for column in span.columns]
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
    if count is not None:
        frame[count] = rows[count].to_numpy()
    return CountTable(frame, tuple(spans), count, margins=total is not None)


def registered(table: CountTable, tolerance: float = 0) -> Cells:
    """Its cells, every sum checked."""
    cells = register([table])
    require_additive(cells, "table", tolerance)
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
        Keys of ``NAMES``.
    minimum_count : int
    last : array of float, (cells,), optional
        What the last round published, NaN where nothing.
    amount, both
        As for ``suppress_cells``.

    Returns
    -------
    array of bool, (cells,)
    """
    free = cells.published & ((cells.counts > 0) | primary)
    lower = np.zeros(len(cells))
    upper = np.full(len(cells), np.inf)
    for name in intruders:
        low, up = box(cells, free, primary, NAMES[name], minimum_count=minimum_count, last=last)
        lower[free], upper[free] = np.maximum(lower, low)[free], np.minimum(upper, up)[free]
    frozen = (last == cells.counts) if last is not None and "last-round" in intruders else None
    known = insiders(cells, cells.counts == 1) if "singleton" in intruders else ()
    found = suppress_cells(
        cells, primary, lower=lower, upper=upper, amount=amount, both=both, frozen=frozen, insiders=known,
        weight=cells.counts.astype(np.float64) * np.maximum(cells.copies, 1),
    )  # fmt: skip
    return found.suppressed


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
        name: audit(cells, suppressed, primary, NAMES[name], minimum_count=minimum_count, last=last)
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


def fitting(asked: Sequence[str], *, known: bool, rule: bool, everyone: bool) -> list[str]:
    """The intruders that a published table can be held against.

    Parameters
    ----------
    asked : sequence of str
    known : bool
        Whether the counts behind suppressed cells are given: who knows some of them cannot be played without.
    rule : bool
        Whether the minimum count is given: needed by who knows which cells are primary.
    everyone : bool
        Whether ``all`` were asked for: those that do not fit are then left out, and refused otherwise.
    """
    unfit = {name for name in asked if not known and name in ("knows-primary", "last-round", "singleton")}
    unfit |= {name for name in asked if not rule and name == "knows-primary"}
    if unfit and not everyone:
        raise PolicyError(
            f"--intruder {', '.join(sorted(unfit))}",
            "needs the minimum count and the counts behind the suppressed cells.",
            "Give them, or choose nothing-known or at-least-one.",
        )
    return [name for name in asked if name not in unfit]


@dataclass(frozen=True, eq=False)
class Published:
    """Somebody's published table.

    Attributes
    ----------
    cells : Cells
    marked : array of bool, (cells,)
        Cells of which some row is marked as suppressed.
    suppressed : array of bool, (cells,)
        Those of them that no other row shows.
    known : bool
        Whether the counts behind suppressed cells are the true ones, or stand in for them.
    of_row : array of int, (rows,)
        Cell of each row.
    """

    cells: Cells
    marked: np.ndarray
    suppressed: np.ndarray
    known: bool
    of_row: np.ndarray


def published_table(rows: pd.DataFrame, spans: Sequence[Span], count: str, hidden: np.ndarray, total: str) -> Published:
    """Read a published table, with or without the counts behind the suppressed cells.

    Where those are missing, any whole counts that agree with what is shown stand in for them: what an intruder can
    solve depends on what is shown alone.

    Parameters
    ----------
    rows : DataFrame, (rows, spanning columns and count)
        Every cell that is published, a total with ``total`` or nothing in a spanning column; or inner cells only,
        and all totals count as shown.
    spans : sequence of Span
    count : str
    hidden : array of bool, (rows,)
    total : str

    Returns
    -------
    Published

    Raises
    ------
    DataError : when a shown count is missing, a cell stands twice, or no whole counts agree with what is shown.
    """
    values = rows[count].to_numpy(dtype=np.float64, na_value=np.nan)
    unknown = np.isnan(values)
    if (unknown & ~hidden).any():
        raise DataError(
            f"`{count}`",
            f"{int((unknown & ~hidden).sum())} counts are missing in rows that are not marked as suppressed",
            "Mark these rows, or fill them in.",
        )
    spanned = rows[[column for span in spans for column in span.columns]]
    if spanned.duplicated().any():
        raise DataError(
            "table", f"{int(spanned.duplicated().sum())} rows stand for a cell that another row stands for",
            "Add a spanning column that tells them apart, or sum them.",
        )  # fmt: skip
    totals = bool((spanned.isna() | (spanned.astype(object).astype(str) == total)).any(axis=None))
    if unknown.any() and not totals:
        raise DataError(
            f"`{count}`",
            "counts are missing, and the file shows no totals to audit them by",
            "Give every published cell, totals too.",
        )
    filled = rows.assign(**{count: np.where(unknown, 0, values)})
    table = count_table(filled, spans, count, total if totals else None)
    cells = register([table])
    codes = table.rows.drop(columns=count)
    at = find(cells, codes if totals else codes.fillna(UNKNOWN))
    shown = np.full(len(cells), np.nan)
    shown[at[~hidden]] = values[~hidden]
    marked_cells = np.zeros(len(cells), dtype=bool)
    marked_cells[at[hidden]] = True
    suppressed = marked_cells & np.isnan(shown)
    if not totals:  # a cell that is its own total is shown there
        suppressed &= cells.copies == 1
    if not unknown.any():
        require_additive(cells, "table")
        return Published(cells, marked_cells, suppressed, True, at)
    counts = _standing_in(cells, shown, suppressed)
    return Published(replace(cells, counts=counts, disagreements=0), marked_cells, suppressed, False, at)


def _standing_in(cells: Cells, shown: np.ndarray, suppressed: np.ndarray) -> np.ndarray:
    """Whole counts that agree with all that is shown; at least 1 in a suppressed cell wherever that is possible."""
    open_ = np.flatnonzero(np.isnan(shown))
    settled = np.where(np.isnan(shown), 0, shown)
    matrix = cells.identities[:, open_]
    target = -(cells.identities @ settled)
    rows = np.flatnonzero(np.diff(matrix.indptr) > 0)
    others = np.setdiff1d(np.arange(matrix.shape[0]), rows)
    solved = np.zeros(0)
    if not np.abs(target[others]).max(initial=0) > 0:
        for least in (1, 0):
            lower = np.where(suppressed[open_], least, 0).astype(np.float64)
            upper = np.full(len(open_), np.inf)
            every = np.ones(len(open_), dtype=bool)
            program = Program(
                matrix[rows],
                target[rows],
                target[rows],
                lower,
                upper,
                np.zeros(len(open_)),
                integer=every,
                nodes=_NODES,
            )
            solved = program.solve().x if len(open_) else solved
            if len(solved):
                break
    if len(open_) and not len(solved):
        raise DataError(
            "table",
            "no whole counts agree with what is shown",
            "Check that parts add up to their totals, and the marks.",
        )
    counts = settled.copy()
    counts[open_] = np.rint(solved)
    if np.abs(cells.identities @ counts).max(initial=0) > 0:
        raise DataError("table", "what is shown does not add up", "Mend the totals, or give the counts unrounded.")
    return counts.astype(np.int64)


def marked(column: pd.Series) -> np.ndarray:
    """Which rows a column marks: array of bool, (n,). A number other than 0, or anything but no, false, 0 and empty."""
    text = column.astype(object).where(column.notna(), "").astype(str).str.strip().str.casefold()
    return (~text.isin(["", "0", "0.0", "false", "f", "no", "n", "non"])).to_numpy()
