"""What is said of the people of a place, hidden where they are too few to be spoken of."""

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from sdc.dictionary import Role
from sdc.steps.aggregation import rows_with
from sdc.table import Table


def suppress_attributes(
    table: Table,
    describes: Mapping[str, str],
    minimum: int,
    *,
    sensitive_sites: Mapping[str, Sequence[str]] | None = None,
) -> Table:
    """Hide attributes of places that speak of too few people.

    k-anonymity of rows that are places, each row weighing as many persons as it counts. The place is named, so no
    other row shares its key: what is said of a place of four persons is said of four persons.

    Parameters
    ----------
    table : Table
    describes : mapping of column to count column
        Attributes, and the count of the people whom each speaks of.
    minimum : int, persons or households
    sensitive_sites : mapping of column to codes, optional
        Rows with one of these codes leave the file after this step, and stay as they are until they go.

    Returns
    -------
    Table

    Guarantees
    ----------
    * No attribute is left that speaks of 1 to ``minimum - 1`` people, or of nobody knows how many.
    * Only attributes change and the columns that follow them, and only to missing.
    """
    rows = table.rows.copy()
    counts = set(table.names(Role.COUNT))
    stay = ~rows_with(table, sensitive_sites or {})
    for name, count in describes.items():
        persons = table.rows[count].to_numpy(dtype=np.float64, na_value=np.nan)
        few = stay & ~((persons == 0) | (persons >= minimum))
        for hidden in [name, *(follower for follower in table.followers(name) if follower not in counts)]:
            rows.loc[few, hidden] = pd.NA
    return table.with_rows(rows)
