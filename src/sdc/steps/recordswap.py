"""Households exchanged between areas, those first that stand out where they live."""

from collections.abc import Sequence

import numpy as np
import pandas as pd

from sdc.dictionary import Role
from sdc.engines.pairing import pair
from sdc.errors import DataError
from sdc.keys import key_classes
from sdc.steps.order import content_order
from sdc.table import Table


def swap_records(
    table: Table,
    geography: Sequence[str],
    keys: Sequence[str],
    k: int,
    share: float,
    seed: int,
    *,
    similar: Sequence[Sequence[str]] = ((),),
) -> Table:
    """Exchange the places of similar households (targeted record swapping).

    From the coarsest area to the finest, each household with a member who shares `keys` with fewer than k records of
    the area is exchanged with a similar one in another area of the same larger area, or else of any. Then, in each
    finest area, more are exchanged until a share of its households has been; those who share their keys with few are
    drawn more often. Without a household column each record is its own household.

    Parameters
    ----------
    table : Table
    geography : sequence of str
        Areas from coarse to fine.
    keys : sequence of str
        What a household is known by in its area.
    k : int, records
    share : float, 0 to 1
        Of the households of each finest area.
    seed : int
        Secret: who knows it can take the exchange back.
    similar : sequence of sequences of str
        What two households that are exchanged agree in, the first that finds a partner; columns of the household. They
        agree in the number of their members always.

    Returns
    -------
    Table
        A household without a partner stays where it is.

    Guarantees
    ----------
    * Only `geography` and the columns that follow it change, and each combination of their values is there as often
      as before: every area keeps its number of records.
    * Who is exchanged goes to another area, with all members of the household, and at most once.
    * In each finest area no more than the share of its households (rounded) is exchanged for another reason than that
      it, or its partner, stood out.
    * The result depends on the content of the records and the seed, not on their order.

    References
    ----------
    Gussenbauer, Templ, Kowarik, Meindl et al. (2023), Targeted record swapping, ESSnet on SDC of census data
    """
    if not geography or not 0 <= share <= 1:
        raise DataError("record swapping", "no areas, or no share from 0 to 1.", "Mend the step's parameters.")
    order = content_order(table)
    rows = table.rows.iloc[order].reset_index(drop=True)
    unit, members = _households(rows, table.name(Role.HOUSEHOLD))
    first = np.unique(unit, return_index=True)[1]
    areas = [key_classes(rows, list(geography[: level + 1])).of_record for level in range(len(geography))]
    whole = _settled(rows, geography, unit, areas[-1], first)
    counts = [_sharing(rows, [*geography[: level + 1], *keys]) for level in range(len(geography))]
    least = [np.minimum.reduceat(count[members], np.cumsum(np.r_[0, np.bincount(unit)[:-1]])) for count in counts]
    draws = np.random.default_rng(seed).random(len(first))
    partner = np.full(len(first), -1)
    enough = np.full(len(rows), len(rows))

    def exchange(level: int, chosen: np.ndarray, donors: np.ndarray, wanted: np.ndarray) -> None:
        """Within the larger area by each profile, then anywhere by each profile."""
        for larger in ([list(geography[:level])] if level else []) + [[]]:
            for profile in similar:
                block = _blocks(key_classes(rows.iloc[first], [*larger, *profile]).of_record, np.bincount(unit), whole)
                pair(partner, chosen, donors, block, areas[level][first].astype(np.int64), wanted)

    for level in range(len(geography)):
        risky = (least[level] < k) & whole & (partner < 0)
        donors = np.lexsort((draws, ~risky))
        exchange(level, donors[risky[donors]], donors, enough.copy())
    area = areas[-1][first]
    target = np.floor(share * np.bincount(area) + 0.5).astype(np.int64)
    wanted = np.maximum(target - np.bincount(area[partner >= 0], minlength=len(target)), 0)
    drawn = np.argsort(-np.log1p(-draws) * least[-1], kind="stable")
    exchange(len(geography) - 1, drawn, drawn, wanted)
    return _exchanged(table, geography, order, members, unit, partner)


def _households(rows: pd.DataFrame, household: str | None) -> tuple[np.ndarray, np.ndarray]:
    """Number of the household of each record, by first appearance, and the records household by household."""
    if household is None:
        unit = np.arange(len(rows))
    else:
        codes, labels = pd.factorize(rows[household], use_na_sentinel=True)
        alone = np.flatnonzero(codes < 0)
        codes[alone] = len(labels) + np.arange(len(alone))
        unit = pd.factorize(codes)[0].astype(np.int64)
    return unit, np.argsort(unit, kind="stable")


def _settled(
    rows: pd.DataFrame, geography: Sequence[str], unit: np.ndarray, area: np.ndarray, first: np.ndarray
) -> np.ndarray:
    """Households whose members all live in one known area."""
    astray = (area != area[first][unit]) | rows[list(geography)].isna().any(axis=1).to_numpy()
    return np.bincount(unit, weights=astray, minlength=len(first)) == 0


def _sharing(rows: pd.DataFrame, columns: Sequence[str]) -> np.ndarray:
    classes = key_classes(rows, list(columns))
    return classes.records[classes.of_record]


def _blocks(alike: np.ndarray, size: np.ndarray, whole: np.ndarray) -> np.ndarray:
    """Households that may be exchanged: alike, of one size; -1 for those that stay."""
    block = np.unique(alike.astype(np.int64) * (int(size.max(initial=0)) + 1) + size, return_inverse=True)[1]
    return np.where(whole, block, -1)


def _exchanged(
    table: Table,
    geography: Sequence[str],
    order: np.ndarray,
    members: np.ndarray,
    unit: np.ndarray,
    partner: np.ndarray,
) -> Table:
    """The table with the places of partners exchanged, member by member."""
    start = np.cumsum(np.r_[0, np.bincount(unit)[:-1]])
    of_member = unit[members]
    within = np.arange(len(members)) - start[of_member]
    target = np.where(partner < 0, np.arange(len(partner)), partner)[of_member]
    source = np.empty(len(order), dtype=np.int64)
    source[order[members]] = order[members[start[target] + within]]
    moved = set(geography) | {follower for name in geography for follower in table.followers(name)}
    columns = [name for name in table.rows.columns if name in moved]
    rows = table.rows.copy()
    for name in columns:
        rows[name] = table.rows[name].iloc[source].set_axis(rows.index)
    return table.with_rows(rows)
