"""Repeat groups in further sheets: which sheet a repeat belongs to, and which columns it takes from there."""

import itertools
from collections.abc import Sequence
from dataclasses import dataclass

from sdc.dictionary import Geography
from sdc.drafts.places import level_of_name
from sdc.drafts.structure import structure
from sdc.forms.proposals import tokens
from sdc.forms.wordlists import HOUSEHOLD_IDS, WEIGHTS
from sdc.ingest.peek import Grid

_KEYS = (
    ("_index", "_parent_index"), ("index", "_parent_index"), ("_uuid", "_submission__uuid"),
    ("uuid", "_submission__uuid"), ("_id", "_submission__id"), ("KEY", "PARENT_KEY"),
)  # fmt: skip
_CHILD = frozenset(child for _, child in _KEYS)
_PARENT_SHEET = "_parent_table_name"
_DESIGN = frozenset({"cluster", "stratum", "strata", "psu", *WEIGHTS, *HOUSEHOLD_IDS})
_DEEPEST = 5


@dataclass(frozen=True)
class Join:
    """How a repeat is joined, as entries of the layout.

    Attributes
    ----------
    sheet : of the table at the top
    repeat : list of dict, the entries of `repeat`, from the top down
    """

    sheet: str
    repeat: tuple[dict[str, object], ...]


def is_repeat(grid: Grid) -> bool:
    """Whether a sheet names the rows of another."""
    return any((_CHILD | {_PARENT_SHEET}) & {cell.strip() for cell in row} for row in grid.rows[:5])


def join_of(grid: Grid, grids: Sequence[Grid]) -> Join | None:
    """The tables above a repeat, and the columns that it takes from each; None where none fits.

    A repeat takes what places a record or weighs it: areas, weights, clusters, ids of households; all columns where
    there are no such. A name that stands in both tables is left to the repeat.

    Parameters
    ----------
    grid : Grid, of the repeat
    grids : sequence of Grid, all sheets of the file
    """
    entries: list[dict[str, object]] = []
    at = grid
    tops = [other for other in grids if other is not grid and not is_repeat(other)]
    for _ in range(_DEEPEST):
        above = _above(at, grids, tops)
        if above is None:
            return None
        parent, own = _header(above), _header(at)
        key = next(((up, down) for up, down in _KEYS if up in parent and down in own), None)
        if key is None or _first_row(above) != _first_row(at):
            return None
        entries.insert(0, {"sheet": at.sheet, "parent": key[0], "child": key[1]})
        if not is_repeat(above):
            return Join(above.sheet, _with_columns(entries, above, grids))
        at = above
    return None


def _with_columns(
    entries: Sequence[dict[str, object]], top: Grid, grids: Sequence[Grid]
) -> tuple[dict[str, object], ...]:
    """Entries of `repeat` with the columns that each takes from the table above it."""
    by_sheet = {grid.sheet: grid for grid in grids}
    held, found = list(_header(top)), []
    for place, entry in enumerate(entries):
        own = _header(by_sheet[str(entry["sheet"])])
        free = [name for name in held if name not in own and name != entry["parent"]]
        wanted = [name for name in free if _places_or_weighs(name)] if place == 0 else free
        taken = wanted or free
        if place + 1 < len(entries):  # what the next repeat has too is left to it
            below = _header(by_sheet[str(entries[place + 1]["sheet"])])
            key = entries[place + 1]["parent"]
            taken = [name for name in taken if name not in below]
            held = [*taken, *(name for name in own if name == key or (name not in below and _places_or_weighs(name)))]
        found.append({**entry, "columns": taken})
    return tuple(found)


def _places_or_weighs(name: str) -> bool:
    """Whether a column places a record or weighs it, by its name."""
    words = tokens(name.rpartition("/")[2])
    if len(words) > 4:
        return False
    pairs = {*words, *(f"{one} {two}" for one, two in itertools.pairwise(words))}
    return level_of_name(name) not in (None, Geography.POINT) or bool(pairs & _DESIGN)


def _above(grid: Grid, grids: Sequence[Grid], tops: Sequence[Grid]) -> Grid | None:
    """The sheet that a repeat names as its parent, else the only table that is no repeat."""
    header = _header(grid)
    if _PARENT_SHEET in header:
        place = header.index(_PARENT_SHEET)
        named = {row[place].strip().casefold() for row in grid.rows[_first_row(grid) :] if row[place]}
        found = [other for other in grids if other.sheet.strip().casefold() in named and other is not grid]
        if len(found) == 1:
            return found[0]
    able = [top for top in tops if {up for up, down in _KEYS if down in header} & set(_header(top))]
    return able[0] if len(able) == 1 else None


def _first_row(grid: Grid) -> int:
    """Row of the header; 0 where there is none, or where it has more than one row."""
    found = structure(grid.rows)
    return found.header_rows[0] if len(found.header_rows) == 1 and not found.names else 0


def _header(grid: Grid) -> tuple[str, ...]:
    row = _first_row(grid)
    return tuple(grid.rows[row - 1]) if row else ()
