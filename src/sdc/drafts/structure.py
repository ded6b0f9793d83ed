"""Where the table begins in a file: title rows, header rows, a row of HXL hashtags, or no header at all."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field

import pandas as pd

from sdc.ingest.shapes import EMAIL, NAME, PHONE, kinds_found

_HXL = re.compile(r"#[A-Za-z]\w*(?:\s*\+\s*[A-Za-z]\w*)*")
_VALUE = re.compile(
    r"[+-]?[0-9][0-9.,'\u00a0 ]*%?|[0-9]{1,4}[-/.][0-9]{1,2}[-/.][0-9]{1,4}(?:[T ].*)?"
    r"|[0-9]{1,2}[ -][A-Za-z]{3,9}[ -][0-9]{2,4}"
    r"|(?:uuid:)?[0-9a-f]{8}-[0-9a-f]{4}-.*|[^@\s]+@[^@\s]+\.[^@\s]+|true|false|yes|no|null|nat|nan|n/a",
    re.IGNORECASE,
)
_URL = re.compile(r"(?:https?|ftp)://|www\.", re.IGNORECASE)
_MACHINE = re.compile(r"[\w./:#\[\]-]+")
FIRST_ROWS = 25  # the header stands in one of these
_TEXT, _FILLED, _RECURRING = 0.2, 0.5, 0.1  # most values, least cells, most cells that stand again below, of a header


@dataclass(frozen=True)
class Structure:
    """How a table stands in its file.

    Attributes
    ----------
    header_rows : 1-based rows that hold the names together; none where there is no header
    skip_after_header : rows between header and data
    names : names in file order where those of the file will not do; else empty
    notes : what was seen, in words without a cell of the file
    sure : whether the evidence is strong
    """

    header_rows: tuple[int, ...]
    skip_after_header: int = 0
    names: tuple[str, ...] = ()
    notes: tuple[str, ...] = field(default=())
    sure: bool = True


def structure(rows: Sequence[Sequence[str]]) -> Structure:
    """Find the header of a table.

    Parameters
    ----------
    rows : the first rows of the file as text, as wide as the widest

    Returns
    -------
    Structure
    """
    tags = next((place for place, row in enumerate(rows[:FIRST_ROWS]) if _is_tags(row)), None)
    if tags is not None:
        return _tagged(rows, tags)
    for place in range(min(FIRST_ROWS, len(rows))):
        below = rows[place + 1 :]
        if _is_header(rows[place], below):
            return _headed(rows, place)
        if place + 1 < len(rows) and _is_group_row(rows[place], rows[place + 1], rows[place + 2 :]):
            notes = (
                f"two header rows, {place + 1} and {place + 2}: the names of the second stand under several groups",
            )
            joined = _joined(rows[place], rows[place + 1])
            return Structure(
                (place + 1, place + 2), 0, _mended(joined, rows[place + 2 :]), _titled(place, notes), sure=False
            )
    width = max((len(row) for row in rows), default=0)
    names = tuple(f"column_{number}" for number in range(1, width + 1))
    return Structure(
        (), 0, names, ("no header row: the first row holds cells like those below it",), sure=len(rows) > 5
    )


def _titled(place: int, notes: tuple[str, ...]) -> tuple[str, ...]:
    return (f"{place} title row{'s' if place > 1 else ''} above the header", *notes) if place else notes


def _is_tags(row: Sequence[str]) -> bool:
    """Whether a row holds HXL hashtags: most of what stands in it."""
    cells = [cell for cell in row if cell]
    return bool(cells) and 2 * sum(bool(_HXL.fullmatch(cell)) for cell in cells) > len(cells)


def _tagged(rows: Sequence[Sequence[str]], tags: int) -> Structure:
    """A table with hashtags: the names stand above them, or they are the names."""
    above = next((place for place in reversed(range(tags)) if sum(map(bool, rows[place])) > 1), None)
    data = rows[tags + 1 :]
    if above is None:
        return Structure((tags + 1,), 0, _mended(rows[tags], data), _titled(tags, ("HXL hashtags for a header",)))
    notes: tuple[str, ...] = ("a row of HXL hashtags under the header",)
    names = _mended(rows[above], data, tags=rows[tags])
    if names:
        notes += ("names of the header were mended: blank, twice, or an address",)
        return Structure((tags + 1,), 0, names, _titled(above, notes))
    return Structure((above + 1,), tags - above, (), _titled(above, notes))


def _headed(rows: Sequence[Sequence[str]], place: int) -> Structure:
    """A table under one row of names, or two: of names and of labels."""
    notes: tuple[str, ...] = ()
    header, skipped = place, 0
    under = place + 1
    if (
        under + 1 < len(rows)
        and _is_header(rows[under], rows[under + 1 :])
        and _contrast(rows[under], rows[under + 1 :])
    ):
        if _machine(rows[place]) < _machine(rows[under]) or _filled(rows[place]) < _filled(rows[under]):
            header, notes = under, ("two header rows: the second is taken, it is fuller or made of names",)
        else:
            skipped, notes = 1, ("two header rows: the first is taken, the second holds labels or units",)
    elif under < len(rows) and _is_group_row(rows[place], rows[under], rows[under + 1 :]):
        notes = (f"two header rows, {place + 1} and {under + 1}: the names of the second stand under several groups",)
        joined = _joined(rows[place], rows[under])
        return Structure(
            (place + 1, under + 1), 0, _mended(joined, rows[under + 1 :]), _titled(place, notes), sure=False
        )
    elif _is_units(rows[under] if under < len(rows) else (), rows[under + 1 :]):
        skipped, notes = 1, ("a row of units or labels under the header",)
    data = rows[header + 1 + skipped :]
    names = _mended(rows[header], data)
    if names:
        notes += ("names of the header were mended: blank, twice, or an address",)
    sure = len(data) > 2 and (_contrast(rows[header], data) or bool(names) or len(data) > 20)
    return Structure((header + 1,), skipped, names, _titled(header, notes), sure=sure)


def _is_header(row: Sequence[str], below: Sequence[Sequence[str]]) -> bool:
    """Whether a row names the columns below it: full, of text, each name once, none of them a cell below."""
    used = _used(below) or {place for place, cell in enumerate(row) if cell}
    cells = [(place, cell) for place, cell in enumerate(row) if cell]
    if not cells or len([place for place, _ in cells if place in used]) <= _FILLED * len(used):
        return False
    texts = [cell for _, cell in cells]
    values = sum(bool(_VALUE.fullmatch(text)) for text in texts)
    again = sum(any(place < len(other) and other[place] == cell for other in below) for place, cell in cells)
    once = len(set(texts)) > 0.9 * len(texts) or len(texts) - len(set(texts)) <= 1
    return values <= _TEXT * len(texts) and once and again <= _RECURRING * len(texts) and not _tells_of_persons(texts)


def _tells_of_persons(texts: Sequence[str]) -> bool:
    """Whether cells name persons or reach them, as those of a first record do: as a header they would be told."""
    hits = kinds_found(pd.Series(texts, dtype="str"), names=True)
    return any(hit.sum() > _RECURRING * len(texts) for kind, hit in hits.items() if kind in (NAME, PHONE, EMAIL))


def _is_group_row(row: Sequence[str], under: Sequence[str], below: Sequence[Sequence[str]]) -> bool:
    """Whether two rows name the columns together: groups above, the same few names below each."""
    groups, cells = [cell for cell in row if cell], [cell for cell in under if cell]
    if (
        len(groups) < 2
        or len(cells) < 4
        or len(set(cells)) > 0.9 * len(cells)
        or len(cells) < _FILLED * len(_used(below))
    ):
        return False
    if any(_VALUE.fullmatch(cell) for cell in (*groups, *cells)) or not _contrast(under, below):
        return False
    joined = [name for name in _joined(row, under) if name]
    again = sum(
        any(place < len(other) and cell and other[place] == cell for other in below) for place, cell in enumerate(under)
    )
    return len(set(joined)) > len(set(cells)) and again <= _RECURRING * len(cells)


def _is_units(row: Sequence[str], below: Sequence[Sequence[str]]) -> bool:
    """Whether a row names units: words over two columns of values or more, a value over none."""
    worded = 0
    for place, cell in enumerate(row):
        column = [other[place] for other in below[:200] if place < len(other) and other[place]]
        if len(column) > 5 and sum(map(bool, map(_VALUE.fullmatch, column))) > 0.9 * len(column):
            if _VALUE.fullmatch(cell):
                return False
            worded += bool(cell)
    return worded >= 2


def _joined(row: Sequence[str], under: Sequence[str]) -> tuple[str, ...]:
    """Names of two rows, the upper one filled forward, as the reader joins them."""
    names, group = [], ""
    for upper, lower in zip(row, under, strict=False):
        group = upper or group
        names.append(" / ".join(part for part in (group, lower) if part))
    return tuple(names)


def _used(rows: Sequence[Sequence[str]]) -> set[int]:
    return {place for row in rows[:200] for place, cell in enumerate(row) if cell}


def _filled(row: Sequence[str]) -> int:
    return sum(map(bool, row))


def _machine(row: Sequence[str]) -> float:
    cells = [cell for cell in row if cell]
    return sum(bool(_MACHINE.fullmatch(cell)) for cell in cells) / len(cells) if cells else 0


def _contrast(row: Sequence[str], below: Sequence[Sequence[str]]) -> bool:
    """Whether some column holds values under a text."""
    for place, cell in enumerate(row):
        column = [other[place] for other in below[:200] if place < len(other) and other[place]]
        if (
            cell
            and not _VALUE.fullmatch(cell)
            and column
            and sum(map(bool, map(_VALUE.fullmatch, column))) > 0.6 * len(column)
        ):
            return True
    return False


def _mended(header: Sequence[str], data: Sequence[Sequence[str]], tags: Sequence[str] = ()) -> tuple[str, ...]:
    """Names where the header's own will not do: blank over cells, an address, or twice; empty where they will."""
    used = _used(data)
    width = max([len(header), *(len(row) for row in data[:200])])
    names: list[str] = []
    for place in range(width):
        name = header[place] if place < len(header) else ""
        tag = tags[place] if place < len(tags) else ""
        if _URL.match(name):
            name = f"column_{place + 1}" if place in used else ""
        elif not name and (place in used or tag):
            name = tag if place in used and _HXL.fullmatch(tag) else f"column_{place + 1}" if place in used else ""
        names.append(name)
    seen: dict[str, int] = {}
    for place, name in enumerate(names):
        seen[name] = seen.get(name, 0) + 1
        if name and seen[name] > 1:
            names[place] = f"{name} ({seen[name]})"
    return () if list(header) == names[: len(header)] and not any(names[len(header) :]) else tuple(names)
