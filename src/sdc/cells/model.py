"""Tables of counts as one registry of cells under one matrix of identities."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import product

import numpy as np
import pandas as pd
from scipy import sparse

from sdc.cells.spanning import UNKNOWN, Dimension, Span, dimension, text_codes
from sdc.errors import DataError
from sdc.keys import key_classes

_MOST = 2**62  # packed cell numbers stay below this
_WIDE = 60  # sisters in a block


@dataclass(frozen=True, eq=False)
class CountTable:
    """One table to publish, or known to exist.

    Attributes
    ----------
    rows : DataFrame
        Inner cells or records; with ``margins``, every cell that is given, a spanning column missing where the cell
        spans it.
    spans : tuple of Span
    count : str or None
        Column of counts; None where every row is one record.
    margins : bool
        True where ``rows`` holds totals too, as given by their source.
    published : bool
        False for a table that nobody publishes but whose cells exist, so that the intruder reasons with them.
    name : str
        For messages.
    """

    rows: pd.DataFrame
    spans: tuple[Span, ...]
    count: str | None = None
    margins: bool = False
    published: bool = True
    name: str = "table"


@dataclass(frozen=True, eq=False)
class Cells:
    """The registry: every distinct cell of all tables, and how they add up.

    Attributes
    ----------
    labels : DataFrame, (cells, spanning columns)
        What a cell is in each column; missing where it spans several codes.
    counts : array of int64 or float64, (cells,)
        Persons, households or the amount of a magnitude table.
    identities : scipy.sparse.csr_array, (rows, cells)
        ``identities @ counts == 0``: -1 at the parent, +1 at its children.
    of_identity : array of int64, (rows,)
        Spanning variable (number in ``dimensions``) along which each identity adds up.
    published : array of bool, (cells,)
        False for a cell that no table shows; the intruder knows only that it exists.
    copies : array of int64, (cells,)
        Published positions that show this cell (an admin 1 with a single admin 2 is one cell, shown twice).
    blocks : array of int64, (cells,)
        Cells of a few sister areas (admin 2 areas of one admin 1) share a number; -1 above them. Where to look
        first, and nothing else.
    dimensions : tuple of Dimension
    members : scipy.sparse.csr_array, (cells, inner rows), or None
        Which inner rows a cell sums; None where margins were given.
    of_record : array of int64, (records of the first table,)
        Inner row of each record.
    disagreements : int
        Published positions whose count differs from another position of the same cell.
    nodes : array of int64, (cells, dimensions)
    """

    labels: pd.DataFrame
    counts: np.ndarray
    identities: sparse.csr_array
    of_identity: np.ndarray
    published: np.ndarray
    copies: np.ndarray
    blocks: np.ndarray
    dimensions: tuple[Dimension, ...]
    members: sparse.csr_array | None
    of_record: np.ndarray
    disagreements: int
    nodes: np.ndarray = field(repr=False)

    def __len__(self) -> int:
        return len(self.counts)


@dataclass(frozen=True)
class Additivity:
    """How many identities hold: rows checked, rows off by more than the tolerance, positions that disagree."""

    rows: int
    rows_off: int
    largest: float
    disagreements: int

    @property
    def holds(self) -> bool:
        """Whether every identity holds within the tolerance and no cell has two counts."""
        return self.rows_off == 0 and self.disagreements == 0


def additivity(cells: Cells, tolerance: float = 0) -> Additivity:
    """Check that parts add up to their totals, before anything is protected.

    Parameters
    ----------
    cells : Cells
    tolerance : float, persons
        Largest difference that a row may show (rounding at the source).

    Returns
    -------
    Additivity
        Counts of rows only.
    """
    off = np.abs(cells.identities @ cells.counts)
    slack = tolerance + 1e-9 * float(np.abs(cells.counts).max(initial=0))
    return Additivity(len(off), int((off > slack).sum()), float(off.max(initial=0)), cells.disagreements)


def require_additive(cells: Cells, where: str, tolerance: float = 0) -> None:
    """Refuse a table whose parts do not add up to their totals.

    Raises
    ------
    DataError : when a row is off by more than ``tolerance`` or one cell has two counts.
    """
    found = additivity(cells, tolerance)
    if not found.holds:
        raise DataError(
            where,
            f"{found.rows_off} of {found.rows} sums are off by more than the tolerance, "
            f"{found.disagreements} cells have two counts.",
            "Mend the totals at their source, leave them out, or declare a tolerance in the policy.",
        )


def additive(cells: Cells, tolerance: float = 0) -> Cells:
    """Without the identities that do not hold: an intruder cannot solve with a sum that is wrong."""
    off = np.abs(cells.identities @ cells.counts) > tolerance + 1e-9 * float(np.abs(cells.counts).max(initial=0))
    return replace(cells, identities=cells.identities[~off], of_identity=cells.of_identity[~off])


def long_counts(rows: pd.DataFrame, columns: Mapping[str, Mapping[str, str]], count: str) -> pd.DataFrame:
    """Turn count columns (total, men, women) into rows, each with the codes that its column stands for.

    Parameters
    ----------
    rows : DataFrame, n rows
    columns : mapping of count column to its codes
        ``{"total": {}, "men": {"sex": "m"}, "women": {"sex": "f"}}``; a column without an entry is spanned.
    count : str
        Name of the column of counts in the result.

    Returns
    -------
    DataFrame, n rows for each count column
        To be read with ``margins=True``.
    """
    kept = rows.drop(columns=list(columns))
    named = list(dict.fromkeys(name for codes in columns.values() for name in codes))
    parts = [
        kept.assign(
            **{name: pd.Series(codes.get(name), index=rows.index, dtype=object) for name in named},
            **{count: rows[column]},
        )
        for column, codes in columns.items()
    ]
    return pd.concat(parts, ignore_index=True)


def register(tables: Sequence[CountTable]) -> Cells:
    """Put the cells of several tables in one registry, equal cells merged.

    Parameters
    ----------
    tables : sequence of CountTable
        Tables over the same population. Variables that share a column are one variable.

    Returns
    -------
    Cells
        In an order of their own, which does not depend on the order of rows.

    Raises
    ------
    DataError : a spanning column is absent; a count is missing in inner cells, or negative.

    Guarantees
    ----------
    * Every published position belongs to exactly one cell.
    * Inner cells give identities that hold; given margins may not (``additivity``).
    * The result does not depend on the order of rows.
    """
    frames = [
        text_codes(table.rows, table.spans, table.name, missing=None if table.margins else UNKNOWN) for table in tables
    ]
    groups = _shared_columns([span for table in tables for span in table.spans])
    dimensions = []
    for columns in groups:
        used = [
            (span, frame[list(span.columns)].drop_duplicates())
            for table, frame in zip(tables, frames, strict=True)
            for span in table.spans
            if set(span.columns) <= columns
        ]
        dimensions.append(dimension([span for span, _ in used], [frame for _, frame in used]))
    sizes = [len(d.column) for d in dimensions]
    if np.prod([float(size) for size in sizes]) > _MOST:
        raise DataError(
            "by", "too many cells: the spanning variables multiply beyond 4e18.", "Publish fewer variables."
        )
    strides = np.append(np.cumprod(sizes[::-1])[::-1][1:], 1).astype(np.int64)
    parts = [
        _given(table, frame, dimensions, strides) if table.margins else _summed(table, frame, dimensions, strides)
        for table, frame in zip(tables, frames, strict=True)
    ]
    return _joined(tables, parts, dimensions, strides)


@dataclass(frozen=True, eq=False)
class _Part:
    """Positions of one table: packed key, count, whether given, and the inner rows behind."""

    keys: np.ndarray
    counts: np.ndarray
    given: np.ndarray
    spans: list[tuple[int, Span]]
    pairs: tuple[np.ndarray, np.ndarray] | None = None  # (position, inner row)
    of_record: np.ndarray | None = None


def _shared_columns(spans: Sequence[Span]) -> list[set[str]]:
    """Columns of each dimension: spans that share a column are one dimension."""
    groups: list[set[str]] = []
    for span in spans:
        columns = set(span.columns)
        apart = [group for group in groups if not group & columns]
        together = [group for group in groups if group & columns]
        place = groups.index(together[0]) if together else len(groups)
        apart.insert(min(place, len(apart)), columns.union(*together))
        groups = apart
    return groups


def _counts(table: CountTable) -> np.ndarray:
    """The counts of a table, whole numbers where they can be; NaN where a margin is not given."""
    if table.count is None:
        return np.ones(len(table.rows), dtype=np.int64)
    if table.count not in table.rows.columns:
        raise DataError(table.name, f"the count column `{table.count}` is absent.", "Name a column of the file.")
    column = table.rows[table.count]
    values = pd.to_numeric(column, errors="coerce").to_numpy(dtype=np.float64, na_value=np.nan)
    bad = (
        int(np.isnan(values).sum()) if not table.margins else int((np.isnan(values) & column.notna().to_numpy()).sum())
    )
    below = int((values < 0).sum())
    if bad or below or np.isinf(values).any():
        raise DataError(
            table.name,
            f"`{table.count}`: {bad} of {len(values)} counts are missing or no numbers, {below} are negative.",
            "Mend the counts at their source; a table of counts holds 0 or more in every row.",
        )
    return values


def _placed(table: CountTable, dimensions: Sequence[Dimension]) -> list[tuple[int, Span]]:
    """Each span of a table with the number of its dimension."""
    return [
        (number, span)
        for span in table.spans
        for number, known in enumerate(dimensions)
        if set(span.columns) <= set(known.columns)
    ]


def _summed(table: CountTable, frame: pd.DataFrame, dimensions: Sequence[Dimension], strides: np.ndarray) -> _Part:
    """Every cell above the inner cells of one table."""
    spans = _placed(table, dimensions)
    columns = [column for _, span in spans for column in span.columns]
    classes = key_classes(frame, columns)
    values = _counts(table)
    weights = np.bincount(classes.of_record, weights=values, minlength=len(classes.records))
    inner = pd.DataFrame(
        {name: classes.categories[j].to_numpy()[classes.codes[:, j]] for j, name in enumerate(columns)}, dtype=object
    )
    choices = [
        [np.zeros(len(inner), np.int64), *(dimensions[d].nodes(column, inner[column]) for column in span.columns)]
        for d, span in spans
    ]
    keys, counts, cell_of, row_of = [], [], [], []
    done = 0
    for chosen in product(*choices):
        packed = np.zeros(len(inner), dtype=np.int64)
        for (d, _), nodes in zip(spans, chosen, strict=True):
            packed += nodes * strides[d]
        found, of_row = np.unique(packed, return_inverse=True)
        keys.append(found)
        counts.append(np.bincount(of_row, weights=weights, minlength=len(found)))
        cell_of.append(of_row + done)
        row_of.append(np.arange(len(inner)))
        done += len(found)
    packed = np.concatenate(keys)
    pairs = (np.concatenate(cell_of), np.concatenate(row_of))
    return _Part(packed, np.concatenate(counts), np.ones(len(packed), bool), spans, pairs, classes.of_record)


def _given(table: CountTable, frame: pd.DataFrame, dimensions: Sequence[Dimension], strides: np.ndarray) -> _Part:
    """The cells that a file gives, and the margins that its identities need although it does not give them."""
    spans = _placed(table, dimensions)
    nodes = np.zeros((len(frame), len(dimensions)), dtype=np.int64)
    for d, span in spans:
        nodes[:, d] = dimensions[d].deepest(frame[list(span.columns)])
    values = _counts(table)
    here = ~np.isnan(values.astype(np.float64))
    keys, first, times = np.unique((nodes @ strides)[here], return_index=True, return_counts=True)
    if (times > 1).any():
        raise DataError(
            table.name,
            f"{int((times > 1).sum())} cells are given more than once.",
            "Add a spanning variable that tells them apart, or sum the rows first.",
        )
    counts, given = values[here][first].astype(np.float64), np.ones(len(keys), bool)
    for d, span in spans:
        for above, below in reversed(span.steps):
            at, up = _children(keys, d, above, below, dimensions[d], strides)
            missing = ~np.isin(up, keys)
            fresh, of_child = np.unique(up[missing], return_inverse=True)
            sums = np.bincount(of_child, weights=counts[at][missing], minlength=len(fresh))
            keys, counts = np.append(keys, fresh), np.append(counts, sums)
            given = np.append(given, np.zeros(len(fresh), bool))
    return _Part(keys, counts, given, spans)


def _children(
    keys: np.ndarray, d: int, above: str, below: str, known: Dimension, strides: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Positions at column ``below`` of one dimension, and the packed keys of their parents."""
    node = keys // strides[d] % len(known.column)
    parent = known.parent[(above, below)][node]
    at = np.flatnonzero((known.column[node] == known.columns.index(below)) & (parent >= 0))
    return at, keys[at] + (parent[at] - node[at]) * strides[d]


def _joined(
    tables: Sequence[CountTable], parts: Sequence[_Part], dimensions: Sequence[Dimension], strides: np.ndarray
) -> Cells:
    """Merge equal positions into cells and write the identities over them."""
    sizes = np.array([len(d.column) for d in dimensions])
    merged = []
    for part in parts:
        nodes = part.keys[:, None] // strides % sizes
        merged.append(sum(d.same[nodes[:, j]] * strides[j] for j, d in enumerate(dimensions)))
    all_keys = np.concatenate([np.asarray(keys, dtype=np.int64) for keys in merged])
    given = np.concatenate([part.given for part in parts])
    values = np.concatenate([part.counts for part in parts])
    shown = np.concatenate([part.given & table.published for table, part in zip(tables, parts, strict=True)])
    positions = np.concatenate([part.keys for part in parts])
    cell_keys, of_position = np.unique(all_keys, return_inverse=True)
    size = len(cell_keys)
    counts = np.full(size, np.nan)
    for chosen in (~given, given):  # a given count stands before a computed one; the first table before the next
        at = np.flatnonzero(chosen)[::-1]
        counts[of_position[at]] = values[at]
    scale = 1e-9 * float(np.abs(values).max(initial=0))
    differ = given & (np.abs(values - counts[of_position]) > scale)
    whole = bool((counts == np.rint(counts)).all())
    published = np.bincount(of_position, weights=shown, minlength=size) > 0
    _, once = np.unique(np.where(shown, positions, -1), return_index=True)
    copies = np.bincount(of_position[once[shown[once]]], minlength=size)
    identities, of_identity = _identities(parts, merged, dimensions, strides, cell_keys)
    nodes = cell_keys[:, None] // strides % sizes
    members = None
    if len(parts) == 1 and parts[0].pairs is not None:
        at, row = parts[0].pairs
        entries = sparse.csr_array(
            (np.ones(len(at)), (of_position[at], row)), shape=(size, int(row.max(initial=-1)) + 1)
        )
        entries.sum_duplicates()
        entries.data[:] = 1
        members = entries
    of_record = parts[0].of_record if parts[0].of_record is not None else np.zeros(0, np.int64)
    labels = pd.concat([d.codes.iloc[nodes[:, j]].reset_index(drop=True) for j, d in enumerate(dimensions)], axis=1)
    return Cells(
        labels,
        np.rint(counts).astype(np.int64) if whole else counts,
        identities,
        of_identity,
        published,
        copies,
        _blocks(nodes, dimensions),
        tuple(dimensions),
        members,
        of_record,
        int(differ.sum()),
        nodes,
    )


def _identities(
    parts: Sequence[_Part],
    merged: Sequence[np.ndarray],
    dimensions: Sequence[Dimension],
    strides: np.ndarray,
    cell_keys: np.ndarray,
) -> tuple[sparse.csr_array, np.ndarray]:
    """One row for every parent and its children, over merged cells; rows that say the same are said once."""
    row, column, sign, along = [], [], [], []
    rows = 0
    for part, own in zip(parts, merged, strict=True):
        order = np.argsort(part.keys)
        cell = np.searchsorted(cell_keys, own)
        for d, span in part.spans:
            for above, below in span.steps:
                at, up = _children(part.keys, d, above, below, dimensions[d], strides)
                parents, of_child = np.unique(up, return_inverse=True)
                place = order[np.searchsorted(part.keys, parents, sorter=order)]
                row += [of_child + rows, np.arange(len(parents)) + rows]
                column += [cell[at], cell[place]]
                sign += [np.ones(len(at)), -np.ones(len(parents))]
                along.append(np.full(len(parents), d))
                rows += len(parents)
    if not rows:
        return sparse.csr_array((0, len(cell_keys))), np.zeros(0, dtype=np.int64)
    matrix = sparse.csr_array(
        (np.concatenate(sign), (np.concatenate(row), np.concatenate(column))), shape=(rows, len(cell_keys))
    )
    matrix.sum_duplicates()
    matrix.eliminate_zeros()
    keep = _distinct_rows(matrix)
    return matrix[keep], np.concatenate(along)[keep]


def _distinct_rows(matrix: sparse.csr_array) -> np.ndarray:
    """Numbers of the rows that are not empty, each distinct row once."""
    seen: dict[bytes, int] = {}
    for i in range(matrix.shape[0]):
        part = slice(matrix.indptr[i], matrix.indptr[i + 1])
        if part.stop > part.start:
            seen.setdefault(matrix.indices[part].tobytes() + matrix.data[part].tobytes(), i)
    return np.fromiter(seen.values(), dtype=np.int64, count=len(seen))


def _blocks(nodes: np.ndarray, dimensions: Sequence[Dimension]) -> np.ndarray:
    """Cells of a few neighbours in the largest dimension, below one parent; -1 above them and in small tables."""
    j = max(range(len(dimensions)), key=lambda j: len(dimensions[j].column))
    known = dimensions[j]
    above = next(parent for (_, below), parent in known.parent.items() if below == known.columns[-1])
    finest = np.flatnonzero((known.column == len(known.columns) - 1) & (above >= 0))
    block = np.full(len(known.column), -1, dtype=np.int64)
    parents, of_node, sisters = np.unique(above[finest], return_inverse=True, return_counts=True)
    if len(parents) == 1 and len(finest) <= _WIDE:
        return block[nodes[:, j]]
    order = np.argsort(of_node, kind="stable")
    rank = np.empty(len(finest), dtype=np.int64)
    rank[order] = np.arange(len(finest)) - np.repeat(np.cumsum(sisters) - sisters, sisters)
    parts = -(-sisters // _WIDE)  # a wide group is cut in even parts
    part = rank * parts[of_node] // sisters[of_node]
    block[finest] = np.unique(of_node * (len(finest) + 1) + part, return_inverse=True)[1]
    return block[nodes[:, j]]


def find(cells: Cells, rows: pd.DataFrame) -> np.ndarray:
    """Cell of each row of codes, a column missing or absent where the row spans it.

    Parameters
    ----------
    cells : Cells
    rows : DataFrame, n rows

    Returns
    -------
    array of int64, (n,)
        Cell numbers; -1 where no table holds such a cell.
    """
    spans = [Span(tuple(((column),) for column in d.columns if column in rows.columns)) for d in cells.dimensions]
    codes = text_codes(rows, [span for span in spans if span.paths], "cells", missing=None)
    sizes = [len(d.column) for d in cells.dimensions]
    strides = np.append(np.cumprod(sizes[::-1])[::-1][1:], 1).astype(np.int64)
    nodes = np.column_stack(
        [d.deepest(codes) if len(codes.columns) else np.zeros(len(rows), np.int64) for d in cells.dimensions]
    )
    known = (nodes >= 0).all(axis=1)
    same = np.column_stack([d.same[nodes[:, j]] for j, d in enumerate(cells.dimensions)])
    keys = same @ strides
    own = cells.nodes @ strides
    order = np.argsort(own)
    place = np.minimum(np.searchsorted(own, keys, sorter=order), len(own) - 1)
    found = order[place]
    return np.where(known & (own[found] == keys), found, -1)
