"""Sites that cannot be shown by themselves: merged with their neighbours, or left out."""

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from sdc.dictionary import Role, Type, Variable
from sdc.engines.sites import merge_sites as groups_of
from sdc.steps.aggregation import observed_sums, only_places, rows_with, with_implied_zeros
from sdc.steps.order import content_order
from sdc.table import Table

MERGED = Variable(
    name="sites_merged",
    label={"en": "Number of sites in this row", "fr": "Nombre de sites dans cette ligne"},
    type=Type.INTEGER,
    role=Role.OTHER,
    scope="meta",
    unit="places",
)
AND = " + "
NAMELESS = "\x00"  # before the number of a site without a name of its own


def remove_sensitive_sites(table: Table, sites: Mapping[str, Sequence[str]]) -> Table:
    """Leave out the rows of sites that are shown to nobody.

    Parameters
    ----------
    table : Table
    sites : mapping of column to codes
        A row with one of these codes goes.

    Guarantees
    ----------
    * No row with one of the codes is left, and all others are as they were.
    """
    return table.with_rows(table.rows[~rows_with(table, sites)])


def merge_sites(
    table: Table,
    site: str,
    area: Sequence[str],
    count: str,
    least: int,
    *,
    rounds: str | None = None,
    latitude: str | None = None,
    longitude: str | None = None,
    sensitive_sites: Mapping[str, Sequence[str]] | None = None,
) -> Table:
    """Put small sites of an area together, near ones first, until each row holds enough persons.

    Parameters
    ----------
    table : Table
    site : str
        Column that names a site. Merged rows hold the names of all their sites.
    area : sequence of str
        Columns of the admin area that sites stay in.
    count : str
        Persons or households that are to be enough.
    least : int
    rounds : str, optional
        Column of the round. A site belongs to the same others in every round, by its smallest count.
    latitude, longitude : str, optional
        Columns in degrees; without them the smallest sites join.
    sensitive_sites : mapping of column to codes, optional
        Sites with one of these codes in some round leave the file after this step: they join no other.

    Returns
    -------
    Table
        With `sites_merged`, how many sites a row holds. A merged row has the number of one of its records, its counts
        are sums (missing where one was that the row tells of), and of its other columns only those of its area and
        round are left.

    Guarantees
    ----------
    * Sums over each area stay what they were.
    * Sites of an area that have no name of their own in a round stand in one of its merged rows, or by themselves.
    * Every row holds `least` in its smallest round, or is all of its area that stays in the file.
    * Nothing depends on the order of rows.
    """
    order = content_order(table)
    table = with_implied_zeros(table)
    table = table.with_rows(table.rows.iloc[order])
    period = [rounds] if rounds is not None and rounds in table else []
    rows = table.rows
    name = rows[site].astype("str").fillna("")
    unnamed = (name == "").to_numpy() | pd.concat([name, rows[period]], axis=1).duplicated(keep=False).to_numpy()
    identity = np.where(unnamed, np.array([f"{NAMELESS}{i}" for i in range(len(rows))], dtype=object), name)
    where = rows[list(area)].astype("str").fillna("").agg("\x1f".join, axis=1)
    sites = pd.DataFrame({"site": identity, "area": where.to_numpy(), "count": rows[count].to_numpy(dtype=float)})
    for column, source in (("latitude", latitude), ("longitude", longitude)):
        sites[column] = rows[source].to_numpy(dtype=float, na_value=np.nan) if source is not None else np.nan
    sites["leaves"] = rows_with(table, sensitive_sites or {})
    leaves = sites.groupby(["area", "site"], sort=True)["leaves"].transform("any")
    sites.loc[leaves, "area"] += "\x1f\x1f" + sites["site"]  # an area of its own
    once = sites.drop(columns="leaves").groupby(["area", "site"], sort=True).agg("min").reset_index()
    once["name"] = once["area"] + "\x1f" + once["site"]
    group = groups_of(
        once, site="name", area="area", count="count", least=least, latitude="latitude", longitude="longitude"
    )
    of_site = pd.Series(_nameless_together(once, group.to_numpy()), index=once["name"])
    number = of_site.loc[sites["area"] + "\x1f" + sites["site"]].to_numpy()
    keys = pd.DataFrame({"group": number, **{p: rows[p].to_numpy() for p in period}})
    of_row = keys.groupby(list(keys.columns), sort=True, dropna=False).ngroup().to_numpy()
    return _joined(table, of_row, site, [*area, *period])


def _nameless_together(once: pd.DataFrame, group: np.ndarray) -> np.ndarray:
    """Sites without a name of their own that joined others stand in one row of their area: nothing else tells which."""
    nameless = once["site"].str.startswith(NAMELESS).to_numpy() & pd.Series(group).duplicated(keep=False).to_numpy()
    frame = pd.DataFrame({"area": once["area"], "group": group})
    first = frame[nameless].groupby("area")["group"].agg("min")
    moved = frame["group"].where(~frame["group"].isin(frame["group"][nameless]), frame["area"].map(first))
    return moved.to_numpy(dtype=np.int64)


def _joined(table: Table, of_row: np.ndarray, site: str, kept: Sequence[str]) -> Table:
    """One row for each group of rows."""
    _, first, size = np.unique(of_row, return_index=True, return_counts=True)
    rows = table.rows.iloc[first].copy()
    several = size > 1
    stay = {*kept, *table.names(Role.COUNT), *(v.name for v in table.variables if table.repeats_a_place(v.name))}
    stay -= {v.name for v in table.variables if v.follows == site}
    for name in rows.columns:
        if name not in stay:
            rows.loc[several, name] = pd.NA
    for name, values in observed_sums(table, of_row).items():
        rows[name] = values
    names = table.rows[site].astype("str").groupby(of_row).agg(lambda held: AND.join(sorted(held.dropna())))
    rows[site] = pd.array([held or None for held in names], dtype="str")
    rows[MERGED.name] = pd.array(size, dtype="Int64")
    entry = table[site].model_copy(update={"codes": {}, "open_codes": True})
    result = table.with_rows(rows[[*table.rows.columns]]).with_variable(entry)
    alone = only_places(table, of_row).set_axis(rows.index)
    return Table(rows, (*result.variables, MERGED), table.links, alone=alone)
