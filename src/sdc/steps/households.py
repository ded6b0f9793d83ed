"""What all members of a household answered alike, hidden where it would stand in for the household's number."""

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from sdc.dictionary import Role
from sdc.engines.native import suppress_locally
from sdc.errors import DisclosureError
from sdc.keys import key_classes
from sdc.steps.suppression import closed_pairs
from sdc.table import Table


def suppress_household_answers(
    table: Table,
    household: str,
    columns: Sequence[str],
    households: int,
    *,
    importance: Mapping[str, float] | None = None,
) -> Table:
    """Hide what the members of a household answered alike until enough households share each combination.

    Where no other household gave the same answers, they are a household number: they group its members, whose ages and
    sexes together tell the household. A missing answer is an answer. Records without a household number are tied
    to nobody: they hide nobody, and stay as they are.

    Parameters
    ----------
    table : Table
    household : str
        Column that ties the records of one household.
    columns : sequence of str
        Answers of households, keys among them: these stay where they can, since others would stand out by the holes.
    households : int
        Least number of households that must share a combination.
    importance : mapping of column to weight, optional
        Cost of hiding one household's answer; default 1 each.

    Raises
    ------
    DisclosureError : when the file holds fewer households.

    Guarantees
    ----------
    * Every combination that a household shows is shown by at least so many households.
    * Only `columns`, and what follows them, change, and only to missing; keys only where too few households share all
      of them.
    * The result does not depend on the order of records.
    """
    keys = [name for name in columns if table[name].role == Role.KEY]
    fewest = table.rows.loc[table.rows[household].notna(), household].nunique()
    if 0 < fewest < households:
        raise DisclosureError(
            f"`{household}`",
            f"the file holds fewer than {households} households, so no answer hides whose it is",
            "Wait for more households, or leave out what households answered.",
        )
    table = _shared_by(table, household, keys, households, importance or {})
    whole = {**(importance or {}), **dict.fromkeys(keys, np.inf)}
    return _shared_by(table, household, columns, households, whole)


def _shared_by(
    table: Table, household: str, columns: Sequence[str], households: int, importance: Mapping[str, float]
) -> Table:
    """Hide values of these columns until each combination of them is shown by so many households."""
    rows = table.rows.copy()
    known = np.flatnonzero(rows[household].notna())
    while True:
        units = key_classes(rows.iloc[known], [household, *columns])  # a household with two combinations is two
        answers = pd.DataFrame(units.codes[:, 1:], columns=list(columns)).mask(units.codes[:, 1:] < 0)
        if not columns or not (key_classes(answers, columns).records < households).any():
            return table.with_rows(rows)
        closed = closed_pairs(table, columns)
        hidden = suppress_locally(
            answers, columns, households, importance=importance, closed=closed, missing="category"
        ).to_numpy()
        for j, column in enumerate(columns):
            hide = rows.index[known[hidden[units.of_record, j]]]
            if len(hide):
                rows.loc[hide, [column, *table.followers(column)]] = pd.NA
