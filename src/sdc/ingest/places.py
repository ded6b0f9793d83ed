"""The p-codes of an extract, held against the list that it declares."""

from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd

from sdc.dictionary import Variable
from sdc.errors import Fault
from sdc.pcodes import PlacesCheck, check_places, first_of_several, pcode_columns, read_places


def settle_several(
    frame: pd.DataFrame,
    columns: Mapping[str, str],
    variables: Sequence[Variable],
    check: PlacesCheck | None,
    where: str,
) -> tuple[pd.DataFrame, dict[str, int], list[Fault]]:
    """Cells with several p-codes refused or cut to the first, as the extract declares, before their column is typed.

    Parameters
    ----------
    frame : DataFrame of str, n records
    columns : mapping of variable name to the column's name in the file
    variables : sequence of Variable
    check : PlacesCheck, or None where the extract declares no list
    where : str, for faults

    Returns
    -------
    frame : DataFrame of str, n records; the one given where nothing had to be cut
    several : dict of variable name to records with several codes
    faults : list of Fault
    """
    if check is None:
        return frame, {}, []
    places = read_places(check.file, check.country)
    several: dict[str, int] = {}
    faults: list[Fault] = []
    cut: dict[str, pd.Series] = {}
    for name, variable in pcode_columns(variables, check).items():
        if name not in columns:
            continue
        column, records, found = first_of_several(frame[columns[name]], variable, places, check, where)
        faults += found
        if records:
            several[name] = records
            cut[columns[name]] = column
    return (frame.assign(**cut) if cut else frame), several, faults


def places_held(
    columns: Mapping[str, pd.Series],
    variables: Sequence[Variable],
    check: PlacesCheck | None,
    several: Mapping[str, int],
    where: str,
) -> tuple[list[dict[str, Any]], list[Fault]]:
    """What was seen of the places of a file, in counts a column, and faults beyond what the extract allows.

    Returns
    -------
    report : list of dict, as `check_places`, with `several`; empty where the extract declares no list
    faults : list of Fault
    """
    if check is None:
        return [], []
    places = read_places(check.file, check.country)
    faults, report = check_places(columns, variables, places, check, where)
    return [{**row, "several": several.get(row["column"], 0)} for row in report], faults
