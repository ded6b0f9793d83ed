"""Spanning variables: columns with hierarchies and groupings, as nodes and their parents."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from sdc.errors import DataError, PolicyError

TOTAL = 0  # the node that holds everything, in every dimension
UNKNOWN = "(missing)"  # in inner cells a missing code is a category of its own
ABOVE_ALL = ""  # the column name of the total


@dataclass(frozen=True)
class Span:
    """One spanning variable: its paths, each from the coarsest column to the finest.

    One path is a hierarchy (``adm1 > adm2``); several paths are groupings that need not nest
    (``county > region | size > region``).
    """

    paths: tuple[tuple[str, ...], ...]

    @property
    def columns(self) -> tuple[str, ...]:
        """Its columns, each once, in the order of the paths."""
        return tuple(dict.fromkeys(column for path in self.paths for column in path))

    @property
    def steps(self) -> tuple[tuple[str, str], ...]:
        """Every pair (parent column, child column); the parent of a first column is the total."""
        pairs = ((above, below) for path in self.paths for above, below in zip((ABOVE_ALL, *path), path, strict=False))
        return tuple(dict.fromkeys(pairs))


def parse_by(text: str) -> tuple[Span, ...]:
    """Read spanning variables from one line.

    Parameters
    ----------
    text : str
        Variables separated by commas; ``>`` goes from a coarse column to a finer one; ``|`` separates paths that
        do not nest: ``"adm1>adm2, sex, age"``, ``"county>region|size>region, income"``.

    Returns
    -------
    tuple of Span

    Raises
    ------
    PolicyError : when a name is empty, or a column stands in two variables or twice in one path.
    """
    spans = []
    for part in text.split(","):
        paths = tuple(tuple(name.strip() for name in path.split(">")) for path in part.split("|"))
        if any(len(set(path)) < len(path) for path in paths):
            raise PolicyError("by", "a column stands above itself.", "Write for example: adm1>adm2,sex,age")
        spans.append(Span(paths))
    names = [column for span in spans for column in span.columns]
    if "" in names:
        raise PolicyError("by", "an empty column name.", "Write for example: adm1>adm2,sex,age")
    doubled = {name for name in names if names.count(name) > 1}
    if doubled:
        raise PolicyError("by", f"{len(doubled)} columns stand in two variables.", "Join their paths with `|`.")
    return tuple(spans)


@dataclass(frozen=True, eq=False)
class Dimension:
    """Every category of one spanning variable, over all tables.

    Attributes
    ----------
    columns : tuple of str
    column : array of int64, (nodes,)
        Number of the column (in ``columns``) that names each node; -1 for the total, node 0.
    same : array of int64, (nodes,)
        The node that stands for each node: nodes that hold the same inner categories are one.
    parent : dict
        (parent column, child column) -> array (nodes,): the parent of each node, -1 where there is none.
    codes : DataFrame, (nodes, columns)
        What each node is in every column; missing where it spans several codes.
    names : dict
        Column -> (first node, Index of its codes).
    """

    columns: tuple[str, ...]
    column: np.ndarray
    same: np.ndarray
    parent: dict[tuple[str, str], np.ndarray]
    codes: pd.DataFrame
    names: dict[str, tuple[int, pd.Index]]

    def nodes(self, column: str, codes: pd.Series) -> np.ndarray:
        """Node of each code of one column; -1 where the code is missing or unknown."""
        return _nodes(self.names, column, codes)

    def deepest(self, rows: pd.DataFrame) -> np.ndarray:
        """Node of each row at its finest filled column: the total where none is, -1 where a code is unknown."""
        found = np.zeros(len(rows), dtype=np.int64)
        for column in self.columns:  # coarse to fine
            if column in rows.columns:
                filled = rows[column].notna().to_numpy()
                found[filled] = self.nodes(column, rows.loc[filled, column])
        return found


def text_codes(rows: pd.DataFrame, spans: Sequence[Span], where: str, *, missing: str | None) -> pd.DataFrame:
    """Text codes of the spanning columns; a missing value becomes ``missing`` (None keeps it missing).

    A code that stands under several parents ("other" in two areas) gets its parent's code in front, so that one
    code is one category.
    """
    columns = [column for span in spans for column in span.columns]
    absent = [column for column in columns if column not in rows.columns]
    if absent:
        raise DataError(where, f"spanning columns are absent: {', '.join(absent)}.", "Name columns of the file.")
    out = {}
    for column in columns:
        values, uniques = pd.factorize(rows[column], use_na_sentinel=True)
        text = np.array([*(_text(value) for value in uniques), missing], dtype=object)
        out[column] = pd.Series(text[values], dtype=object)
    frame = pd.DataFrame(out)
    for span in spans:
        for above, below in span.steps:
            if above:
                _qualify(frame, above, below)
    return frame


def _text(value: object) -> str:
    """A code as text: 300 and 300.0 are one code."""
    if isinstance(value, float | np.floating) and float(value).is_integer():
        return str(int(value))
    return str(value)


def _qualify(frame: pd.DataFrame, above: str, below: str) -> None:
    """Put the parent's code before the codes of ``below`` that have several parents."""
    pairs = frame[[above, below]].dropna().drop_duplicates()
    shared = pairs[below][pairs[below].duplicated()].unique()
    if len(shared):
        rows = frame[below].isin(shared) & frame[above].notna()
        frame.loc[rows, below] = frame.loc[rows, above] + " / " + frame.loc[rows, below]


def dimension(spans: Sequence[Span], frames: Sequence[pd.DataFrame]) -> Dimension:
    """Join what several tables know of one spanning variable.

    Parameters
    ----------
    spans : sequence of Span
        The variable as each table uses it.
    frames : sequence of DataFrame
        Distinct text codes of each table, missing where a row is a margin.

    Returns
    -------
    Dimension
    """
    columns = _coarse_to_fine(spans)
    names: dict[str, tuple[int, pd.Index]] = {}
    size = 1
    for column in columns:
        held = pd.concat([frame[column].dropna() for frame in frames if column in frame.columns])
        index = pd.Index(sorted(held.unique()), dtype=object)
        names[column] = (size, index)
        size += len(index)
    of_column = np.full(size, -1, dtype=np.int64)
    for number, (start, index) in enumerate(names.values()):
        of_column[start : start + len(index)] = number
    parent: dict[tuple[str, str], np.ndarray] = {}
    for span, frame in zip(spans, frames, strict=True):
        for above, below in span.steps:
            known = parent.setdefault((above, below), np.full(size, -1, dtype=np.int64))
            filled = frame[frame[below].notna()]
            if above:
                filled = filled[filled[above].notna()]
            children = _nodes(names, below, filled[below])
            known[children] = _nodes(names, above, filled[above]) if above else TOTAL
    whole = [frame[list(columns)].dropna() for frame in frames if set(columns) <= set(frame.columns)]
    leaves = pd.concat(whole).drop_duplicates() if whole else pd.DataFrame(columns=list(columns), dtype=object)
    of_leaf = np.column_stack([np.zeros(len(leaves), np.int64), *(_nodes(names, c, leaves[c]) for c in columns)])
    same = _merged(of_leaf, of_column)
    return Dimension(columns, of_column, same, parent, _codes(names, of_leaf, parent, of_column), names)


def _coarse_to_fine(spans: Sequence[Span]) -> tuple[str, ...]:
    """All columns, every parent before its children."""
    depth: dict[str, int] = {}
    for _ in range(sum(len(span.columns) for span in spans)):  # as often as the longest chain may need
        for span in spans:
            for above, below in span.steps:
                depth[below] = max(depth.get(below, 0), depth.get(above, 0) + 1)
    return tuple(sorted(depth, key=lambda column: depth[column]))


def _nodes(names: dict[str, tuple[int, pd.Index]], column: str, codes: pd.Series) -> np.ndarray:
    """Node numbers of codes of one column, -1 where unknown."""
    start, index = names[column]
    found = index.get_indexer(pd.Index(codes, dtype=object))
    return np.where(found >= 0, found + start, -1)


def _merged(of_leaf: np.ndarray, of_column: np.ndarray) -> np.ndarray:
    """For each node the finest node that holds exactly the same leaves."""
    same = np.arange(len(of_column))
    node = of_leaf.ravel()
    leaf = np.repeat(np.arange(len(of_leaf)), of_leaf.shape[1])
    order = np.lexsort((leaf, node))
    nodes, start = np.unique(node[order], return_index=True)
    held = np.split(leaf[order], start[1:])
    first: dict[bytes, int] = {}
    for i in np.argsort(-of_column[nodes], kind="stable").tolist():  # the finest column stands for all
        same[nodes[i]] = first.setdefault(held[i].tobytes(), int(nodes[i]))
    return same


def _codes(
    names: dict[str, tuple[int, pd.Index]],
    of_leaf: np.ndarray,
    parent: dict[tuple[str, str], np.ndarray],
    of_column: np.ndarray,
) -> pd.DataFrame:
    """What each node is in every column: its own code, its ancestors', and what all its leaves share."""
    size, columns = len(of_column), list(names)
    known = np.full((size, len(columns)), -1, dtype=np.int64)
    held = pd.DataFrame(of_leaf, columns=["", *columns])
    for level in ["", *columns]:
        ranges = held.groupby(level)[columns].agg(["min", "max"])
        for number, column in enumerate(columns):
            one = ranges[(column, "min")] == ranges[(column, "max")]
            known[ranges.index[one], number] = ranges.loc[one, (column, "min")]
    for number, column in enumerate(columns):
        own = np.flatnonzero(of_column == number)
        known[own, number] = own
        for above, below in parent:
            if below == column and above:
                parents = parent[(above, below)][own]
                inherited = np.where(parents[:, None] >= 0, known[parents], -1)
                known[own] = np.where(known[own] >= 0, known[own], inherited)
    out = {}
    for number, (column, (start, index)) in enumerate(names.items()):
        text = np.array([*index, None], dtype=object)
        out[column] = text[np.where(known[:, number] >= 0, known[:, number] - start, len(index))]
    return pd.DataFrame(out, dtype=object)
