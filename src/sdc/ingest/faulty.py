"""Which rows of a file are at fault: for the officer who mends it, on the machine where the file lies."""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from sdc.dictionary import Dictionary, Role
from sdc.ingest.columns import map_columns
from sdc.ingest.layout import NAMED, Extract
from sdc.ingest.scan import content_faults, personal_content
from sdc.ingest.shapes import kinds_found
from sdc.ingest.typed import distinct, missing_codes, problems_of


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

    Parameters
    ----------
    frame : DataFrame of str, as `open_source` reads it
    extract : Extract
    dictionary : Dictionary
    where : str, name of the file

    Returns
    -------
    list of FaultyRows, in the order of the dictionary
    """
    mapping, _ = map_columns(
        list(frame.columns), dictionary.variables, where, labels=extract.layout.headers == "labels"
    )
    declared = (*dictionary.missing, *extract.layout.missing)
    found = []
    for variable in dictionary.variables:
        name = mapping.columns.get(variable.name)
        if name is None:
            continue
        column = distinct(frame[name], missing_codes(variable, declared))
        cells = frame[name].to_numpy(dtype=object)
        told = (
            [] if variable.role in (Role.IDENTIFIER, Role.HOUSEHOLD) else problems_of(variable, column, extract.layout)
        )
        personal = personal_content(variable, column)
        if content_faults(variable, personal, column.observed, where):
            hits = kinds_found(column.values, names=True, place=variable.geography is not None)
            told += [
                (f"look like {kind}", np.flatnonzero(np.append(hit, False)[column.of_record]))
                for kind, hit in hits.items()
                if kind in personal
            ]
        found += [FaultyRows(name, what, places + 1, cells[places]) for what, places in told]
    return found


def row_of_first_record(extract: Extract) -> int | None:
    """Row of the file in which the first record stands; None where the format has no rows of its own."""
    layout = extract.layout
    if layout.format in NAMED:
        return None
    return layout.first_row + layout.header_height + layout.skip_after_header
