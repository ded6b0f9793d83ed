"""Site counts without exact small numbers: bands, and small sites merged with their neighbours."""

from collections.abc import Sequence
from itertools import pairwise

import numpy as np
import pandas as pd

from sdc.errors import DataError, PolicyError

_KM_PER_DEGREE = 111.2


def band_counts(counts: pd.Series, edges: Sequence[int]) -> pd.Series:
    """Show each count as the band that it lies in.

    Parameters
    ----------
    counts : Series of whole numbers, (sites,), persons or households; missing allowed
    edges : sequence of int, rising
        Where bands begin: ``(20, 50, 100)`` gives 0, 1-19, 20-49, 50-99, 100+.

    Returns
    -------
    Series of str, (sites,)
        Missing where the count is missing.

    Raises
    ------
    PolicyError : when the edges do not rise from 2 or more.

    Guarantees
    ----------
    * Every count lies within the limits of its band (``band_limits``).
    """
    starts = _starts(edges)
    ends = [str(end - 1) for end in starts[1:]]
    names = [f"{start}-{end}" if str(start) != end else end for start, end in zip(starts, ends, strict=False)]
    labels = np.array([*names, f"{starts[-1]}+", None], dtype=object)
    return pd.Series(labels[_band(counts, starts)], index=counts.index, name=counts.name, dtype="str")


def band_limits(counts: pd.Series, edges: Sequence[int]) -> tuple[np.ndarray, np.ndarray]:
    """Least and greatest count of the band of each count: what bands tell an intruder.

    Parameters
    ----------
    counts : Series of whole numbers, (sites,)
    edges : sequence of int, rising

    Returns
    -------
    lower, upper : array of float64, (sites,)
        For ``cells.intruder.bounds``: totals shown beside bands may narrow them.
    """
    starts = _starts(edges)
    band = _band(counts, starts)
    lower = np.array([*starts, np.nan])[band]
    upper = np.array([*(end - 1.0 for end in starts[1:]), np.inf, np.nan])[band]
    return lower, upper


def _starts(edges: Sequence[int]) -> list[int]:
    """First count of every band, zero a band of its own."""
    starts = [0, 1, *edges]
    if len(starts) < 3 or any(low >= high for low, high in pairwise(starts)):
        raise PolicyError("bands", "the edges do not rise from 2 or more.", "Write for example: 20, 50, 100.")
    return starts


def _band(counts: pd.Series, starts: Sequence[int]) -> np.ndarray:
    """Number of the band of each count; the number after the last where the count is missing."""
    values = counts.to_numpy(dtype=np.float64, na_value=np.nan)
    if (values < 0).any():
        raise DataError("bands", f"{int((values < 0).sum())} counts are negative.", "Mend them at their source.")
    return np.where(np.isnan(values), len(starts), np.searchsorted(starts, np.nan_to_num(values), side="right") - 1)


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


def merged_rows(sites: pd.DataFrame, groups: pd.Series, *, area: str, counts: Sequence[str]) -> pd.DataFrame:
    """One row for each group of sites: its area, how many sites it holds, and its sums.

    Parameters
    ----------
    sites : DataFrame, n rows
    groups : Series of int, (n,)
        From ``merge_sites``.
    area : str
    counts : sequence of str
        Columns to sum; a sum is missing where no site of the group has a count.

    Returns
    -------
    DataFrame, (groups, area, sites, counts)

    Guarantees
    ----------
    * Sums over each area are what they were.
    """
    grouped = sites.groupby(groups, sort=True)
    out = pd.DataFrame({area: grouped[area].first(), "sites": grouped.size()})
    return out.join(grouped[list(counts)].sum(min_count=1)).reset_index(drop=True)
