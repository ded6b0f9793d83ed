"""Small sites grouped with their neighbours."""

import numpy as np
import pandas as pd

from sdc.errors import DataError

_KM_PER_DEGREE = 111.2


def merge_sites(
    sites: pd.DataFrame,
    *,
    site: str,
    area: str,
    count: str,
    least: int,
    latitude: str | None = None,
    longitude: str | None = None,
) -> pd.Series:
    """Group sites until every group in an area holds enough persons, near sites first.

    The smallest group of an area joins the group nearest to it, again and again, until none is below ``least`` or
    the area is one group. Areas never mix: sums over them stay what they were.

    Parameters
    ----------
    sites : DataFrame, n rows
    site : str
        Column that names each site once: it settles ties, so that nothing depends on the order of rows.
    area : str
        Column of the admin area that groups stay in.
    count : str
        Column of persons or households; a missing count adds nobody.
    least : int, persons
        Fewest that a group may hold.
    latitude, longitude : str, optional
        Columns of coordinates in degrees. A site without any, or all sites without these columns, join the smallest
        other group.

    Returns
    -------
    Series of int64, (n,)
        Group of each row, numbered from 0 by area and first site. A group below ``least`` is a whole area.

    Raises
    ------
    DataError : when a site is named twice or an area is missing.

    Guarantees
    ----------
    * Every group lies in one area, and holds ``least`` or is all of its area.
    * A site that holds ``least`` joins others only where one of them needs it.
    * The result does not depend on the order of rows.
    """
    doubled, nowhere = int(sites[site].duplicated().sum()), int(sites[area].isna().sum())
    if doubled or nowhere:
        what = f"{doubled} sites are named twice, {nowhere} have no area."
        raise DataError("merge sites", what, "Mend the site list, or sum its rows by site first.")
    ordered = sites.assign(_row=np.arange(len(sites))).sort_values([area, site], kind="stable")
    persons = ordered[count].to_numpy(dtype=np.float64, na_value=np.nan)
    persons = np.nan_to_num(persons)
    place = _kilometres(ordered, latitude, longitude)
    group = np.arange(len(ordered))
    for rows in ordered.reset_index(drop=True).groupby(area, sort=False).indices.values():
        group[rows] = rows[_merge(persons[rows], place[rows], least)]
    number = np.unique(group, return_inverse=True)[1]
    out = np.empty(len(sites), dtype=np.int64)
    out[ordered["_row"].to_numpy()] = number
    return pd.Series(out, index=sites.index, name="group")


def _kilometres(sites: pd.DataFrame, latitude: str | None, longitude: str | None) -> np.ndarray:
    """Places on a plane, (sites, 2), in kilometres; NaN where unknown."""
    if latitude is None or longitude is None:
        return np.full((len(sites), 2), np.nan)
    north = sites[latitude].to_numpy(dtype=np.float64, na_value=np.nan)
    east = sites[longitude].to_numpy(dtype=np.float64, na_value=np.nan) * np.cos(np.radians(north))
    return _KM_PER_DEGREE * np.column_stack([north, east])


def _merge(persons: np.ndarray, place: np.ndarray, least: int) -> np.ndarray:
    """First member of the group of each site of one area."""
    group = np.arange(len(persons))
    held, centre = persons.copy(), place.copy()
    alive = np.ones(len(persons), dtype=bool)
    while alive.sum() > 1:
        left = np.flatnonzero(alive)
        small = left[np.argmin(held[left])]
        if held[small] >= least:
            break
        others = left[left != small]
        away = ((centre[others] - centre[small]) ** 2).sum(axis=1)
        away = np.where(np.isnan(away), np.inf, away)
        near = others[np.lexsort((others, held[others], away))[0]]
        first, other = min(small, near), max(small, near)
        centre[first] = _middle(centre[[first, other]], held[[first, other]])
        held[first] += held[other]
        group[group == other] = first
        alive[other] = False
    return group


def _middle(centres: np.ndarray, persons: np.ndarray) -> np.ndarray:
    """The middle of two groups, weighted by their persons; that of the known one where one is unknown."""
    known = ~np.isnan(centres).any(axis=1)
    if not known.any():
        return centres[0]
    return np.average(centres[known], axis=0, weights=persons[known] + 1)
