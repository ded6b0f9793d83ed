"""Tables that somebody else has suppressed, read so that an intruder can be held against them."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from sdc.bench.tables import count_table
from sdc.cells.model import Cells, find, register, require_additive
from sdc.cells.solver import Program
from sdc.cells.spanning import UNKNOWN, Span
from sdc.errors import DataError, PolicyError

_NODES = 20_000


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
