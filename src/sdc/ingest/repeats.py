"""A repeat group joined to its parents: one row a repeat."""

import pandas as pd

from sdc.errors import DataError, Fault
from sdc.ingest.layout import Repeat


def joined(parents: pd.DataFrame, repeats: pd.DataFrame, repeat: Repeat, where: str) -> tuple[pd.DataFrame, int]:
    """Rows of a repeat group, each with the columns of its parent before its own.

    Parameters
    ----------
    parents : DataFrame of str, n records
    repeats : DataFrame of str, m repeats
    repeat : Repeat
    where : str, for errors

    Returns
    -------
    DataFrame of str, m repeats
        The parent's key is left out: the repeat's column says the same.
    int, number of parents without a repeat: none of their cells is in the result

    Raises
    ------
    DataError
        When a key column is absent, a parent's key is missing or stands twice, a repeat has no parent, or a name
        stands in both tables.

    Guarantees
    ----------
    * There is one row for each repeat, in the order of the repeats.
    """
    faults = []
    for side, table, name in (("parent", parents, repeat.parent), ("child", repeats, repeat.child)):
        if name not in table.columns:
            faults.append(Fault(where, f"has no column `{name}`, the `{side}` of a repeat", "Mend `repeat`."))
    absent = [name for name in repeat.columns if name not in parents.columns]
    if absent:
        told = ", ".join(f"`{name}`" for name in absent)
        faults.append(Fault(where, f"the table above a repeat has no column {told}", "Mend `columns` of `repeat`."))
    if faults:
        raise DataError.of(faults)
    keys, wanted = parents[repeat.parent], repeats[repeat.child]
    missing, double = int((keys == "").sum()), int(keys[keys != ""].duplicated(keep=False).sum())
    if missing:
        what = f"{missing:,} of {len(keys):,} rows above a repeat have no index"
        faults.append(Fault(f"{where}, `{repeat.parent}`", what, "Export the file again."))
    if double:
        what = f"{double:,} of {len(keys):,} rows above a repeat share their index with another"
        faults.append(Fault(f"{where}, `{repeat.parent}`", what, "Export the file again."))
    taken = [name for name in repeat.columns or parents.columns if name != repeat.parent]
    both = [name for name in taken if name in repeats.columns]
    if both:
        what = f"{len(both):,} columns stand in a repeat and in the table above it"
        faults.append(Fault(where, what, "List in `columns` of `repeat` those that a repeat takes from its parent."))
    if faults:
        raise DataError.of(faults)
    places = pd.Index(keys).get_indexer(pd.Index(wanted))
    orphans = int((places < 0).sum())
    if orphans:
        what = f"{orphans:,} of {len(wanted):,} repeats have no parent"
        raise DataError(f"{where}, `{repeat.child}`", what, "Mend `repeat`, or export the file again.")
    above = parents[taken].take(places).reset_index(drop=True)
    return pd.concat([above, repeats.reset_index(drop=True)], axis=1), int((~keys.isin(wanted)).sum())
