"""Columns that leave the file whole."""

from collections.abc import Sequence

from sdc.table import Table


def drop_columns(table: Table, columns: Sequence[str]) -> Table:
    """Remove columns: those nobody asked for, and those the policy does not let out.

    Parameters
    ----------
    table : Table
    columns : sequence of str
        Exactly these are removed; the plan names the columns that follow them.

    Guarantees
    ----------
    * None of `columns` is in the result, every other column is, in its order.
    """
    return table.drop(columns)
