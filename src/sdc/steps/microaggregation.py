"""Numbers to the means of small groups of alike records."""

from collections.abc import Sequence

import numpy as np

from sdc.engines.microaggregation import GROUPINGS, NEED_WHOLE_RECORDS, filled_up, group_means, grouped
from sdc.errors import DataError, DisclosureError
from sdc.steps.numbers import numbers, strata_of, with_numbers
from sdc.steps.order import content_order
from sdc.table import Table


def microaggregate(
    table: Table, columns: Sequence[str], k: int, *, method: str = "mdav", strata: Sequence[str] | None = None
) -> Table:
    """Replace numbers by the means of groups of at least k alike records.

    Parameters
    ----------
    table : Table
    columns : sequence of str
    k : int, records
    method : str
        ``"mdav"`` groups whole records by all columns together; so do ``"rmd"`` (from the outside inwards by a robust
        distance), ``"pca"`` and ``"mcdpca"`` (along a main axis), ``"influence"`` (inside clusters) and ``"single"``
        (by the first column). ``"onedims"`` groups each column on its own: least loss, and only each single number is
        shared, not the record.
    strata : sequence of str, optional
        Groups are formed inside each combination of these; combinations of fewer than k records are put together.

    Returns
    -------
    Table, the same records in the same order

    Raises
    ------
    DisclosureError : when there are fewer than k records to be grouped.
    DataError : when a column is no number, or the method needs whole records and values are missing.

    Guarantees
    ----------
    * Every value that is shown in a column is shown by at least k records; with a method that groups whole records, so
      is every combination of them, where no value is missing.
    * The mean of each column is kept (of integers to half a unit); missing stays missing.
    * No other column changes; columns that follow `columns` are gone.
    * The result does not depend on the order of records.

    References
    ----------
    Domingo-Ferrer, Mateo-Sanz (2002), IEEE Trans. Knowledge and Data Engineering 14(1), 189-201
    """
    values = numbers(table, columns)
    if method not in (*GROUPINGS, "onedims") or method == "simple":
        raise DataError("microaggregation", "there is no such method.", "See the step's description for the methods.")
    observed = ~np.isnan(values)
    if method in NEED_WHOLE_RECORDS and not observed.all():
        gaps = ", ".join(f"`{name}`" for name, whole in zip(columns, observed.all(axis=0), strict=True) if not whole)
        raise DataError(gaps, f"`{method}` needs whole records, and values are missing.", "Use `mdav` or `onedims`.")
    short = [name for name, number in zip(columns, observed.sum(axis=0), strict=True) if 0 < number < k]
    if short:
        where = ", ".join(f"`{name}`" for name in short)
        raise DisclosureError(where, f"fewer than {k} values, which cannot be grouped.", "Drop the column.")
    stratum = strata_of(table, strata, k)
    order = content_order(table)  # of equal values, the rest of the record decides who goes into which group
    order = order[np.lexsort((*values[order].T[::-1], stratum[order]))]
    x, groups, used = values[order], np.zeros(values.shape, dtype=np.int64), 0
    for number in np.unique(stratum):
        members = np.flatnonzero((stratum[order] == number) & observed[order].any(axis=1))
        if len(members):
            groups[members] = used + grouped(x[members], k, method)
            used = int(groups[members].max()) + 1
    for j in range(len(columns)):
        groups[:, j] = filled_up(x[:, j], groups[:, j], k)
    result = np.empty_like(values)
    result[order] = group_means(x, groups)
    return with_numbers(table, columns, result)
