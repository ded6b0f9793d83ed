"""What a file says of each count: nothing, the count itself, or an interval that it lies in."""

import numpy as np
import pandas as pd

from sdc.cells.model import Cells
from sdc.dictionary import Role, Variable, band_labels
from sdc.table import Table
from sdc.verdict.case import Case
from sdc.verdict.cellaudit import Shown
from sdc.verdict.filecounts import Behind, least_shown

EXACT = ("suppress", "none")  # methods that show counts as they are; rounding on top of them is taken as no help


def shown_of(case: Case, found: Behind, cells: Cells, rules: dict[str, np.ndarray], same: np.ndarray | None) -> Shown:
    """Hold the cells against the file.

    Parameters
    ----------
    case : Case
    found : Behind
    cells : Cells
        Of ``found.truth``, its rows first.
    rules : mapping of rule to array of bool, (rows, counts)
        What is to be guarded.
    same : array of int64, (rows,), or None
        Number of the place of each row, equal in every round.

    Returns
    -------
    Shown
    """
    row, column = cells.labels["row"].to_numpy(), cells.labels["column"].to_numpy()
    of_row = np.flatnonzero(row >= 0)
    low, high = (ends[row[of_row], column[of_row]] for ends in _intervals(case, found))
    truth = cells.counts.astype(np.float64)
    lower, upper = truth.copy(), truth.copy()
    lower[of_row], upper[of_row] = low, high
    hidden = np.zeros(len(cells), dtype=bool)
    hidden[of_row] = np.isnan(low) & cells.published[of_row]
    least = np.array([least_shown(case.before[str(name)], case.policy) for name in found.truth.columns])[column]
    sums = row < 0
    small = sums & (truth < least) & ((truth > 0) | (case.policy.zeros.value == "hide"))
    hidden |= small & cells.published
    guarded = np.zeros(len(cells), dtype=bool)
    for broken in rules.values():
        guarded[of_row] |= broken[row[of_row], column[of_row]]
    guarded |= small & cells.published
    guarded &= hidden | ~cells.published | (lower < upper)
    return Shown(
        cells=cells,
        hidden=hidden,
        low=lower,
        high=upper,
        primary=guarded,
        least=least.astype(np.float64),
        may_be_zero=_may_be_zero(case, found, cells, hidden),
        same=_same_cells(cells, found, same),
        alone=_alone(case, found, cells) if found.summed else (),
    )


def _intervals(case: Case, found: Behind) -> tuple[np.ndarray, np.ndarray]:
    """Ends of what the file says of each count of each row; NaN where it says nothing."""
    truth = found.truth.to_numpy(dtype=np.float64, na_value=np.nan)
    low, high = (np.full(truth.shape, np.nan) for _ in range(2))
    inside = found.in_file >= 0
    for j, name in enumerate(found.truth.columns):
        if name not in case.after:
            continue
        column = case.after.rows[name].iloc[found.in_file[inside]]
        if case.after[str(name)].level:
            low[inside, j], high[inside, j] = band_ends(column, case.after[str(name)])
            continue
        values = column.to_numpy(dtype=np.float64, na_value=np.nan)
        if case.policy.count_method.value in EXACT:
            low[inside, j] = high[inside, j] = np.where(np.isnan(values), np.nan, truth[inside, j])
        else:
            low[inside, j], high[inside, j] = _reach(case, values, truth[inside, j], _is_total(case.after, str(name)))
    return low, high


def band_ends(column: pd.Series, variable: Variable) -> tuple[np.ndarray, np.ndarray]:
    """Least and greatest count of the band that each cell names; NaN where it names none."""
    bands = variable.hierarchy[variable.level - 1].bands or ()
    labels = band_labels(bands)
    at = pd.Index(labels).get_indexer(pd.Index(column.astype("str").fillna("")))
    low = np.array([0.0, *bands, np.nan])
    high = np.array([*(edge - 1.0 for edge in bands), np.inf, np.nan])
    return low[at], high[at]


def _is_total(table: Table, name: str) -> bool:
    return any(link.total == name and len(link.parts) > 1 for link in table.links)


def _reach(case: Case, values: np.ndarray, truth: np.ndarray, total: bool) -> tuple[np.ndarray, np.ndarray]:
    """Ends between which a count lies that a method of perturbation shows.

    The method and its base are in the policy, which everybody can read.
    """
    method, base = case.policy.count_method.value, case.policy.rounding_base.value
    if method == "small_count" and total:
        return np.where(np.isnan(values), np.nan, 0.0), np.where(np.isnan(values), np.nan, np.inf)
    if method == "small_count":
        moved = (values == 0) | (values == base)
        low = np.where(moved, np.where(values > 0, 1.0, 0.0), values)
        return low, np.where(moved, np.where(values > 0, base, base - 1.0), values)
    if method == "cell_key":
        noise = case.policy.cell_noise.value
        reach = float(noise[0]) if noise is not None else 0.0
        floor = np.where(values > 0, 1.0, np.where(np.isnan(values), np.nan, 0.0))  # an empty cell stays empty
        return np.maximum(values - reach, floor), values + reach
    away = float(np.nanmax(np.abs(values - truth), initial=0))
    reach = base * (away // base + 1) - 1  # further than the two nearest multiples only where strict rounding fails
    return np.maximum(values - reach, 0), values + reach


def _may_be_zero(case: Case, found: Behind, cells: Cells, hidden: np.ndarray) -> np.ndarray:
    """Cells that may be empty ones for all that a reader knows: by the policy, or as it was done."""
    column, level = cells.labels["column"].to_numpy(), cells.labels["level"].to_numpy()
    whole = np.zeros((len(found.truth.columns), int(level.max(initial=0)) + 1), dtype=bool)
    whole |= case.policy.zeros.value == "hide"
    if case.policy.group_disclosure.value == "hide":
        names = list(found.truth.columns)
        for link in case.before.links:
            if link.sensitive:
                whole[[names.index(part) for part in link.parts if part in names], 0] = True
    row = cells.labels["row"].to_numpy()
    away = (row >= 0) & (found.in_file[row] < 0)
    empty = hidden & ~away & (cells.counts == 0)
    whole[column[empty], level[empty]] = True
    return whole[column, level] | away


def _same_cells(cells: Cells, found: Behind, same: np.ndarray | None) -> np.ndarray:
    """Number of the place and column of each cell of a row, equal in every round; -1 for the others."""
    out = np.full(len(cells), -1, dtype=np.int64)
    if same is None:
        return out
    row, column = cells.labels["row"].to_numpy(), cells.labels["column"].to_numpy()
    there = (row >= 0) & (same[row] >= 0)
    out[there] = same[row[there]] * len(found.truth.columns) + column[there]
    return out


def _alone(case: Case, found: Behind, cells: Cells) -> list[np.ndarray]:
    """Cells to which a single place contributes, for each such place: counts of rows, then sums over areas."""
    row, column, level = (cells.labels[name].to_numpy() for name in ("row", "column", "level"))
    who = np.full(len(cells), -1, dtype=np.int64)  # -1 where nobody or several contribute
    at = np.full(found.truth.shape, -1, dtype=np.int64)
    at[row[row >= 0], column[row >= 0]] = np.flatnonzero(row >= 0)
    for j, name in enumerate(found.truth.columns):
        there = np.flatnonzero((case.before.rows[name] > 0).fillna(False).to_numpy(dtype=bool))
        sole = there[np.bincount(found.of_record[there], minlength=len(at))[found.of_record[there]] == 1]
        cell = at[found.of_record[sole], j]
        who[cell[cell >= 0]] = sole[cell >= 0]
    entries = cells.identities.tocoo()
    for number in range(1, int(level.max(initial=0)) + 1):
        total = (entries.data < 0) & (level[entries.col] == number)
        parent = np.full(cells.identities.shape[0], -1, dtype=np.int64)
        parent[entries.row[total]] = entries.col[total]
        part = (parent[entries.row] >= 0) & (entries.data > 0) & (cells.counts[entries.col] > 0)
        behind = pd.DataFrame({"sum": parent[entries.row[part]], "who": who[entries.col[part]]})
        ends = behind.groupby("sum")["who"].agg(["min", "max"])
        one = ends[ends["min"] == ends["max"]]
        who[one.index.to_numpy()] = one["min"].to_numpy()
    known = np.flatnonzero(who >= 0)
    order = known[np.argsort(who[known], kind="stable")]
    return np.split(order, np.flatnonzero(np.diff(who[order])) + 1) if len(order) else []


def count_columns(table: Table) -> list[str]:
    """Count columns that still hold numbers: not those recoded to bands."""
    return [name for name in table.names(Role.COUNT) if not table[name].level]
