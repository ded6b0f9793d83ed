"""A file that nobody has described, opened: its layout as far as it can be seen, and all its rows as text."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pandas as pd

from sdc.documents import build
from sdc.drafts.ending import rows_at_end
from sdc.drafts.joins import is_repeat, join_of
from sdc.drafts.structure import Structure, structure
from sdc.errors import DataError, DictionaryError
from sdc.ingest.layout import NAMED, WORKBOOKS, Layout
from sdc.ingest.peek import Grid, Peek, peek
from sdc.ingest.read import open_source

_PEEKED = 400
_FORM = {"survey", "choices"}
_ASIDE = frozenset(
    [
        "readme",
        "notes",
        "note",
        "about",
        "cover",
        "info",
        "settings",
        "metadata",
        "lists",
        "dictionary",
        "variables",
        "codebook",
        "log",
        "deletion_log",
    ]
)


@dataclass(frozen=True, eq=False)
class Opened:
    """A file's rows under names that are each there once, and how it was read."""

    frame: pd.DataFrame
    layout: Layout
    grid: Grid
    notes: tuple[str, ...]
    sure: bool
    tolerated: dict[str, Any] = field(default_factory=dict)


def opened(
    path: Path, *, sheet: str | None = None, names_file: Path | None = None, url_from: str | None = None
) -> Opened:
    """Look at a file, choose its layout, and read it with that.

    Parameters
    ----------
    path : Path
    sheet : name of the worksheet; the largest that holds records, where none is given
    names_file : file of column names, one a line, for a table without a header
    url_from : where the URL of a database is; then the file holds a query

    Raises
    ------
    DataError : when the file cannot be read, or is a form and no data
    """
    if url_from is not None:
        layout = build({"format": "sql", "url_from": url_from}, "--url-from", Layout, DictionaryError)
        frame, tolerated = open_source(path, layout)
        return Opened(frame, layout, Grid("", (), len(frame) + 1, named=True), (), True, tolerated)
    seen = peek(path, rows=_PEEKED)
    grid, notes = _chosen(seen, sheet, str(path))
    found = Structure((1,)) if grid.named else structure(grid.rows)
    notes += found.notes
    if names_file is not None:
        found = Structure((), 0, (), (), sure=True)
        notes = (*(note for note in notes if "no header row" not in note), "names from the file that was given")
    facts = _layout_facts(seen, grid, found, names_file)
    try:
        frame, tolerated = _read(path, facts)
    except DataError as refusal:
        mended = None if names_file or grid.named else _all_named(grid, found)
        if mended is None or ("has no name" not in str(refusal) and "same name" not in str(refusal)):
            raise
        facts = _layout_facts(seen, grid, mended, None)
        frame, tolerated = _read(path, facts)
    if sheet is not None and is_repeat(grid):
        facts, frame, told = _joined_to_parents(path, seen, grid, facts, frame)
        notes += told
    elif seen.format in ("csv", *WORKBOOKS):
        rows, told = rows_at_end(frame)
        notes += told
        if rows:
            facts["skip_at_end"], frame = rows, frame.iloc[:-rows].reset_index(drop=True)
    return Opened(frame, _layout(path, facts), grid, notes, found.sure, tolerated)


def _layout(path: Path, facts: dict[str, Any]) -> Layout:
    return build(facts, f"{path}, draft of the layout", Layout, DictionaryError)


def _read(path: Path, facts: dict[str, Any]) -> tuple[pd.DataFrame, dict[str, Any]]:
    """The rows of a file by a layout that is still its entries."""
    return open_source(path, _layout(path, facts))


def _joined_to_parents(
    path: Path, seen: Peek, grid: Grid, facts: dict[str, Any], frame: pd.DataFrame
) -> tuple[dict[str, Any], pd.DataFrame, tuple[str, ...]]:
    """The layout and the rows of a repeat joined to the tables above it; as they were where that cannot be."""
    join = join_of(grid, seen.grids)
    if join is None:
        told = "it is a repeat group, and no sheet was found that it belongs to: declare `repeat` by hand"
        return facts, frame, (told,)
    wanted: dict[str, Any] = {**facts, "sheet": join.sheet, "repeat": list(join.repeat)}
    notes: tuple[str, ...] = ()
    try:
        try:
            joined, _ = _read(path, wanted)
        except DataError:
            wanted, notes = _without_ends(path, wanted)
            joined, _ = _read(path, wanted)
    except DataError as refusal:
        told = "; ".join(fault.what for fault in refusal.faults)
        return facts, frame, (f"it is a repeat group that cannot be joined to `{join.sheet.strip()}`: {told}",)
    return wanted, joined, (f"a repeat group, joined to `{join.sheet.strip()}`: one row is one repeat", *notes)


def _without_ends(path: Path, facts: dict[str, Any]) -> tuple[dict[str, Any], tuple[str, ...]]:
    """The layout of joined sheets that leaves out the rows at the end of each that are no records."""
    notes: list[str] = []
    ends = []
    alone = {name: fact for name, fact in facts.items() if name != "repeat"}
    for sheet in (facts["sheet"], *(repeat["sheet"] for repeat in facts["repeat"])):
        rows, told = rows_at_end(_read(path, {**alone, "sheet": sheet})[0])
        ends.append({"skip_at_end": rows} if rows else {})
        notes += [f"sheet `{sheet.strip()}`: {what}" for what in told]
    repeats = [{**repeat, **end} for repeat, end in zip(facts["repeat"], ends[1:], strict=True)]
    return {**facts, **ends[0], "repeat": repeats}, tuple(notes)


def _chosen(seen: Peek, sheet: str | None, where: str) -> tuple[Grid, tuple[str, ...]]:
    """The table to describe: the one that is asked for, or the largest; and what else the file holds."""
    grids = [grid for grid in seen.grids if any(any(row) for row in grid.rows)]
    if not grids:
        raise DataError(where, "holds no rows")
    titles = {grid.sheet.strip().casefold() for grid in seen.grids}
    if titles >= _FORM and sheet is None:
        raise DataError(
            where,
            "is an XLSForm (it has the sheets `survey` and `choices`), not data",
            "Import it: sdc dictionary import",
        )
    if sheet is not None:
        named = [grid for grid in grids if grid.sheet.strip().casefold() == sheet.strip().casefold()]
        if not named:
            raise DataError(where, f"has no sheet of the name given among its {len(grids):,}", "Look at `--sheet`.")
        return named[0], ()
    likely = [grid for grid in grids if grid.sheet.strip().casefold() not in _ASIDE] or grids
    mains = [grid for grid in likely if not is_repeat(grid)] or likely
    best = max(mains, key=lambda grid: grid.height * max(map(len, grid.rows)))
    repeats = [grid for grid in likely if is_repeat(grid) and grid is not best]
    notes: tuple[str, ...] = ()
    if len(grids) > 1:
        notes += (f"{len(grids):,} sheets; the largest is described, choose another with --sheet",)
    if repeats:
        told = ", ".join(f"`{grid.sheet.strip()}`" for grid in repeats)
        notes += (f"repeat groups of it: {told}; describe each on its own with --sheet, which joins it to this one",)
    return best, notes


def _layout_facts(seen: Peek, grid: Grid, found: Structure, names_file: Path | None) -> dict[str, Any]:
    """The layout as its entries."""
    facts: dict[str, Any] = {"format": seen.format}
    if seen.format == "csv":
        facts |= {"encoding": seen.encoding or "utf-8", "separator": seen.separator or ","}
    if seen.format in WORKBOOKS and len(seen.grids) > 1:
        facts["sheet"] = grid.sheet
    if seen.format == "json":
        facts["records"] = seen.records or ""
    if seen.format in NAMED:
        return facts
    if len(found.header_rows) > 1:
        facts["header_rows"] = list(found.header_rows)
    else:
        facts["header_row"] = found.header_rows[0] if found.header_rows else None
    if found.skip_after_header:
        facts["skip_after_header"] = found.skip_after_header
    if names_file is not None:
        facts["names_file"] = str(names_file)
    elif found.names:
        facts["names"] = list(found.names)
    return facts


def _all_named(grid: Grid, found: Structure) -> Structure | None:
    """The same table with a name for every column: the first rows did not show which are empty."""
    if not found.header_rows:
        return None
    header = grid.rows[found.header_rows[-1] - 1]
    given = found.names or header
    names: list[str] = []
    for place, name in enumerate(given, start=1):
        name = name or f"column_{place}"
        names.append(name if name not in names else f"{name} ({place})")
    return Structure(found.header_rows[-1:], found.skip_after_header, tuple(names), found.notes, sure=False)
