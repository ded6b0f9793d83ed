"""Which rows of a file are at fault: for the officer who mends it, on the machine where the file lies."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd

from sdc.dictionary import Dictionary, Role, Variable
from sdc.ingest.assemble import broken_rows
from sdc.ingest.columns import map_columns
from sdc.ingest.labels import as_codes, unreadable
from sdc.ingest.layout import NAMED, Extract, Layout
from sdc.ingest.multiples import choices, differing, no_marks
from sdc.ingest.places import settle_several
from sdc.ingest.scan import content_faults, personal_content
from sdc.ingest.shapes import kinds_found
from sdc.ingest.typed import distinct, missing_codes, problems_of, typed
from sdc.pcodes import PlacesCheck, first_of_several, misplaced, pcode_columns, read_places


@dataclass(frozen=True, eq=False)
class FaultyRows:
    """Records of one column that are wrong in one way.

    Attributes
    ----------
    column : name in the file
    what : what is wrong with them
    records : array of int, numbers of the records from 1
    cells : array of str, what stands there; a value of the file
    """

    column: str
    what: str
    records: np.ndarray
    cells: np.ndarray


def faulty_rows(frame: pd.DataFrame, extract: Extract, dictionary: Dictionary, where: str) -> list[FaultyRows]:
    """Find the records that ingest would refuse, by column.

    Cells that their type or their content refuses, broken links between counts, select_multiples whose text and 0/1
    columns differ, labels that are none, and p-codes that the list contradicts.

    Parameters
    ----------
    frame : DataFrame of str, as `open_source` reads it
    extract : Extract
    dictionary : Dictionary
    where : str, name of the file

    Returns
    -------
    list of FaultyRows, in the order of the dictionary; links and places last
    """
    layout = extract.layout
    mapping, _ = map_columns(list(frame.columns), dictionary.variables, where, labels=layout.headers == "labels")
    declared = (*dictionary.missing, *layout.missing)
    found: list[FaultyRows] = []
    columns: dict[str, pd.Series] = {}
    several: list[tuple[str, str, np.ndarray]] = []
    if extract.places is not None:
        several = _several(frame, mapping.columns, dictionary, extract.places)
        frame, _, _ = settle_several(frame, mapping.columns, dictionary.variables, extract.places, where)
    for variable in dictionary.variables:
        name, children = mapping.columns.get(variable.name), mapping.children.get(variable.name, {})
        if children:
            found += _marks(frame, variable, name, children, declared, layout, where)
        if name is None:
            continue
        column = distinct(frame[name], missing_codes(variable, declared))
        cells = frame[name].to_numpy(dtype=object)
        if layout.values == "labels":
            wrong = unreadable(variable, column, where)
            if wrong.any():
                found.append(FaultyRows(name, "hold no label of its codes", np.flatnonzero(wrong) + 1, cells[wrong]))
            column, _ = as_codes(variable, column, where)
        columns[variable.name] = typed(variable, column, layout, where)[0]
        told = [] if variable.role in (Role.IDENTIFIER, Role.HOUSEHOLD) else problems_of(variable, column, layout)
        personal = personal_content(variable, column)
        if content_faults(variable, personal, column.observed, where):
            hits = kinds_found(column.values, names=True, place=variable.geography is not None)
            told += [
                (f"look like {kind}", np.flatnonzero(np.append(hit, False)[column.of_record]))
                for kind, hit in hits.items()
                if kind in personal
            ]
        found += [FaultyRows(name, what, places + 1, cells[places]) for what, places in told]
    several += _broken(columns, dictionary, extract)
    return found + [
        FaultyRows(
            mapping.columns[name], what, np.flatnonzero(wrong) + 1, frame[mapping.columns[name]].to_numpy()[wrong]
        )
        for name, what, wrong in several
    ]


def _marks(
    frame: pd.DataFrame,
    variable: Variable,
    name: str | None,
    children: Mapping[str, str],
    declared: tuple[str, ...],
    layout: Layout,
    where: str,
) -> list[FaultyRows]:
    """0/1 columns that hold something else, and records whose text tells other choices."""
    codes = sorted(children)
    cells = {code: distinct(frame[children[code]], frozenset(declared)) for code in codes}
    found = []
    for code in codes:
        wrong = no_marks(cells[code])
        if wrong.any():
            held = frame[children[code]].to_numpy(dtype=object)[wrong]
            found.append(FaultyRows(children[code], "hold neither 0 nor 1", np.flatnonzero(wrong) + 1, held))
    if name is not None:
        text = distinct(frame[name], missing_codes(variable, declared))
        text = as_codes(variable, text, where)[0] if layout.values == "labels" else text
        chosen, _ = choices(cells, variable, where)
        differ = differing(text, codes, chosen, variable.separator)
        if differ.sum() > layout.multiples_broken_rows_allowed:
            told = "tell other choices than the 0/1 columns"
            held = frame[name].to_numpy(dtype=object)[differ]
            found.append(FaultyRows(name, told, np.flatnonzero(differ) + 1, held))
    return found


def _several(
    frame: pd.DataFrame, columns: Mapping[str, str], dictionary: Dictionary, check: PlacesCheck
) -> list[tuple[str, str, np.ndarray]]:
    """Records whose cell holds several p-codes, where the extract refuses them."""
    if check.several == "first":
        return []
    places = read_places(check.file, check.country)
    taken = check.model_copy(update={"several": "first"})
    found = []
    for name, variable in pcode_columns(dictionary.variables, check).items():
        if name in columns:
            column = frame[columns[name]]
            first, records, _ = first_of_several(column, variable, places, taken, "")
            if records:
                found.append((name, "hold several p-codes", (first != column).to_numpy(dtype=bool)))
    return found


def _broken(
    columns: Mapping[str, pd.Series], dictionary: Dictionary, extract: Extract
) -> list[tuple[str, str, np.ndarray]]:
    """Records that break an identity, or that the list of places contradicts, more often than is allowed."""
    found = []
    for link in dictionary.links:
        if all(member in columns for member in link.members):
            broken = broken_rows(columns, link)
            if broken.sum() > link.broken_rows_allowed:
                parts = ", ".join(f"`{part}`" for part in link.parts)
                found.append((link.total, f"are not the sum of {parts}", broken))
    check = extract.places
    if check is not None:
        wrong = misplaced(columns, dictionary.variables, read_places(check.file, check.country), check)
        allowed = {"p-code": check.unknown_rows_allowed, "name": check.names_rows_allowed}
        for name, what, records in wrong:
            limit = next((n for word, n in allowed.items() if word in what), check.nesting_rows_allowed)
            if records.sum() > limit:
                found.append((name, what, records))
    return found


def row_of_first_record(extract: Extract) -> int | None:
    """Row of the file in which the first record stands; None where the format has no rows of its own."""
    layout = extract.layout
    if layout.format in NAMED:
        return None
    return layout.first_row + layout.header_height + layout.skip_after_header
