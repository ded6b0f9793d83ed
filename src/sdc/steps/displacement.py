"""Coordinates moved by a fixed random distance, one for each place."""

import hashlib
import hmac
import math
from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

import numpy as np
import pandas as pd
from scipy.spatial import cKDTree

from sdc.errors import DataError
from sdc.steps.numbers import numbers, with_numbers
from sdc.table import Table

KILOMETRES_A_DEGREE = 111.32
TRIES = 64
EVERYWHERE = "*"
Spot = tuple[float, float]  # latitude and longitude, degrees


class Limit(NamedTuple):
    """Which spots will do for a place, and whether it moves less where none is found."""

    holds: Callable[[Spot], bool]
    shorter: bool


def displace_coordinates(
    table: Table,
    latitude: str,
    longitude: str,
    place: str,
    seed: int,
    distances: Mapping[str, Sequence[float]],
    *,
    kind: str | None = None,
    area: str | None = None,
    bounds: Mapping[str, Sequence[float]] | None = None,
) -> Table:
    """Move the coordinates of each place into a random direction by a random distance.

    The displacement is drawn from the place's identifier and the seed alone, so it is the same in every release and
    averaging over releases gives nothing back.

    Parameters
    ----------
    table : Table
    latitude, longitude : str, columns in degrees
    place : str
        Column that identifies the place. Where it is missing, the coordinates become missing.
    seed : int
        Secret, and the same for all releases: who knows it can move the places back. Draw it with 128 bits.
    distances : mapping of kind to (least, most) or (least, most, share, farthest), kilometres
        The distance is drawn evenly between least and most; a share of the places may go up to the farthest. The
        surveys of DHS use ``{"urban": [0, 2], "rural": [0, 5, 0.01, 10]}``. ``"*"`` stands for all other kinds.
    kind : str, optional
        Column that holds the kind of a place; without it ``"*"`` holds for all.
    area : str, optional
        Column of the administrative area that a place stays in. Without bounds a spot lies in the area of the place of
        this table that is nearest to it.
    bounds : mapping of area to (south, west, north, east), degrees, optional
        Box around each area that is known.

    Returns
    -------
    Table

    Raises
    ------
    DataError : when a place is of a kind for which there is no distance.

    Guarantees
    ----------
    * Every coordinate moves by at least the least and at most the greatest distance of its kind, but where its area's
      box leaves no room: there it moves less.
    * A place inside the box of its area stays inside it. Without boxes, the place nearest to where a place is shown is
      of its own area; where no such spot is found within the distances, the coordinates become missing.
    * Two records of one place and kind, at the same coordinates, stay at the same coordinates, in every release; where
      areas have no boxes, as long as no place is added or lost that decides which area a spot lies in.
    * No other column changes; columns that follow the coordinates are gone.

    References
    ----------
    Burgert, Colston, Roy, Zachary (2013), Geographic displacement procedure, DHS Spatial Analysis Reports 7
    """
    degrees = numbers(table, [latitude, longitude])
    spots = pd.DataFrame({"place": _text(table, place), "kind": _text(table, kind), "area": _text(table, area)})
    spots["latitude"], spots["longitude"] = degrees.T
    shown = np.flatnonzero((table.rows[place].notna() & ~np.isnan(degrees).any(axis=1)).to_numpy())
    number = spots.iloc[shown].groupby(list(spots.columns), sort=False).ngroup().to_numpy()
    first = shown[np.unique(number, return_index=True)[1]]
    rules = {name: _rule(distances, name) for name in spots["kind"].iloc[first].unique()}
    within = _within(spots.iloc[first], area, bounds)
    moved = [
        _moved(seed, name, (north, east), rules[what], within(where, (north, east)))
        for name, what, where, north, east in spots.iloc[first].itertuples(index=False)
    ]
    result = np.full_like(degrees, np.nan)
    result[shown] = np.array(moved).reshape(-1, 2)[number]
    return with_numbers(table, [latitude, longitude], result)


def _text(table: Table, column: str | None) -> np.ndarray:
    """A column as text, `EVERYWHERE` in cells without a value, and in all where there is no column."""
    if column is None:
        return np.full(len(table), EVERYWHERE, dtype=object)
    return table.rows[column].astype("str").astype(object).fillna(EVERYWHERE).to_numpy()


def _rule(distances: Mapping[str, Sequence[float]], kind: str) -> tuple[float, float, float, float]:
    """Least and most distance of a kind, the share that may go farther, and how far."""
    given = distances.get(kind, distances.get(EVERYWHERE))
    if given is None:
        raise DataError(
            "displacement", "places are of a kind that has no distance.", 'Name all kinds, or give `"*"` for the rest.'
        )
    least, most, share, farthest = (*given, 0.0, given[1]) if len(given) == 2 else given
    if not 0 <= least <= most <= farthest or not 0 <= share <= 1:
        raise DataError("displacement", "distances do not rise.", "Give least, most, a share, and the farthest.")
    return least, most, share, farthest


def _within(
    spots: pd.DataFrame, area: str | None, bounds: Mapping[str, Sequence[float]] | None
) -> Callable[[str, Spot], Limit | None]:
    """What says, for the area and coordinates of a place, which spots will do."""
    if area is not None and bounds is None:
        tree, areas = cKDTree(_on_sphere(spots[["latitude", "longitude"]].to_numpy())), spots["area"].to_numpy()
        return lambda where, at: Limit(
            lambda spot: areas[tree.query(_on_sphere(np.array([spot])), k=1)[1][0]] == where, shorter=False
        )
    boxes = bounds or {}

    def boxed(where: str, at: Spot) -> Limit | None:
        box = boxes.get(where)
        return Limit(lambda spot: _inside(spot, box), shorter=True) if box is not None and _inside(at, box) else None

    return boxed


def _on_sphere(degrees: np.ndarray) -> np.ndarray:
    """Points of a sphere, (points, 3): as near to each other as the places are."""
    north, east = np.radians(degrees).T
    return np.column_stack([np.cos(north) * np.cos(east), np.cos(north) * np.sin(east), np.sin(north)])


def _moved(
    seed: int, place: str, at: Spot, rule: tuple[float, float, float, float], limit: Limit | None
) -> tuple[float, float]:
    """Where a place is shown; drawn again until the spot will do, then less and less far, or nowhere."""
    least, most, share, farthest = rule
    for number in range(2 * TRIES):
        turn, far, exception = _draws(seed, place, number)
        reach = farthest if exception < share else most
        distance = least + far * (reach - least)
        if number >= TRIES and limit is not None and limit.shorter:
            distance *= 0.5 ** (number - TRIES + 1)
        north = distance * math.cos(2 * math.pi * turn) / KILOMETRES_A_DEGREE
        east = (
            distance * math.sin(2 * math.pi * turn) / (KILOMETRES_A_DEGREE * max(math.cos(math.radians(at[0])), 0.01))
        )
        shown = (min(max(at[0] + north, -90.0), 90.0), (at[1] + east + 180) % 360 - 180)
        if limit is None or limit.holds(shown):
            return shown
    return at if limit is not None and limit.shorter else (math.nan, math.nan)


def _inside(at: tuple[float, float], box: Sequence[float]) -> bool:
    south, west, north, east = box
    return south <= at[0] <= north and west <= at[1] <= east


def _draws(seed: int, place: str, number: int) -> tuple[float, float, float]:
    """Three numbers from 0 to 1 that a place always gets."""
    key = seed.to_bytes(32, "big", signed=True)
    digest = hmac.new(key, f"{number}:{place}".encode(), hashlib.sha256).digest()
    turn, far, exception = (int.from_bytes(digest[i : i + 8], "big") / 2**64 for i in (0, 8, 16))
    return turn, far, exception
