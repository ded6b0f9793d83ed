"""Counts of people rounded, or moved by keyed noise."""

from collections.abc import Sequence
from typing import Literal

import numpy as np
import pandas as pd

from sdc.dictionary import Link
from sdc.engines.controlledrounding import controlled_rounding
from sdc.engines.countmatrix import whole
from sdc.engines.rounding import cell_key_noise, noise_table, random_rounding, small_count_rounding
from sdc.errors import PolicyError
from sdc.steps.aggregation import parts_first
from sdc.steps.counts import system_of
from sdc.steps.order import content_order
from sdc.table import Table


def round_counts(
    table: Table,
    columns: Sequence[str],
    base: int,
    *,
    method: Literal["nearest", "controlled", "small_count", "random", "cell_key"] = "nearest",
    margins: Sequence[Sequence[str]] = (),
    rounds: str | None = None,
    place: Sequence[str] = (),
    noise: Sequence[float] | None = None,
    least: int = 1,
    seed: int | None = None,
) -> Table:
    """Round counts to multiples of a base, or move them by keyed noise.

    Parameters
    ----------
    table : Table
    columns : sequence of str
    base : int, persons or households
    method : str
        `nearest`: each count for itself; totals whose parts are all shown become the sum of the rounded parts.
        `controlled`: as near as sums of rows and areas can still hold. `small_count`: counts below the base become 0 or
        the base, totals follow, larger counts stay. `random`: up or down by a draw that a place, a column and a count
        always get. `cell_key`: noise that the inner counts behind a cell always get.
    margins, rounds, place : see `suppress_counts`
    noise : (greatest, variance), persons, for `cell_key`
    least : int, persons, for `cell_key`
        No count from 1 to ``least - 1`` appears.
    seed : int, for `random` and `cell_key`
        Secret, and the same for all releases: who knows it can undo the draw.

    Guarantees
    ----------
    * Every value in `columns` is a multiple of `base` (but for `small_count`, where counts below it are, and
      `cell_key`); zero stays zero and missing stays missing; no other column changes.
    * `nearest`: an identity that held, with all members shown, holds afterwards, unless its total is broken down in a
      second way too: then the breakdown that the dictionary names first holds.
    * `controlled`: every identity of a row that held, holds.
    * `random`, `cell_key`: equal counts of one place are moved alike in every round and every release.

    Raises
    ------
    DisclosureError : when the identities run in a circle (a total that is a part of its own part), or no controlled
        rounding exists.
    PolicyError : when a seed or the noise is not given.
    """
    shown = [name for name in columns if name in table]
    if not len(table) or not shown:
        return table
    if method == "nearest":
        moved = _nearest(table, shown, base)
    else:
        moved = _moved(table, shown, base, method, margins, rounds, place, noise, least, seed)
    rows = table.rows.copy()
    for name, values in moved.items():
        there = ~np.isnan(values)
        rows[name] = pd.array(np.where(there, values, 0).astype(np.int64), dtype="Int64")
        rows.loc[~there, name] = pd.NA
    return table.with_rows(rows)


def _nearest(table: Table, columns: Sequence[str], base: int) -> dict[str, np.ndarray]:
    """Each count at its nearest multiple, totals as the sums of their parts."""
    exact = {name: table.rows[name].to_numpy(dtype=np.float64, na_value=np.nan) for name in columns}
    rounded = {name: np.floor(values / base + 0.5) * base for name, values in exact.items()}
    built: set[str] = set()
    for link in parts_first(_away_from_sums(table.links)):
        if link.total in built or not all(member in exact for member in link.members):
            continue
        held = sum(exact[part] for part in link.parts) == exact[link.total]
        rounded[link.total] = np.where(held, sum(rounded[part] for part in link.parts), rounded[link.total])
        built.add(link.total)
    return rounded


def _moved(
    table: Table,
    columns: Sequence[str],
    base: int,
    method: str,
    margins: Sequence[Sequence[str]],
    rounds: str | None,
    place: Sequence[str],
    noise: Sequence[float] | None,
    least: int,
    seed: int | None,
) -> dict[str, np.ndarray]:
    """The counts that a method for whole tables gives, missing where the table has none."""
    order = content_order(table)
    ordered = table.with_rows(table.rows.iloc[order])
    labels = ordered.rows[[name for name in place if name in table]]
    counts = system_of(ordered, columns, margins, rounds, place if method == "controlled" else ())
    cells, system = whole(counts, labels)
    if method == "controlled":
        found = controlled_rounding(cells, base).counts
    elif method == "small_count":
        found = small_count_rounding(cells, base).counts
    elif method == "random":
        found = random_rounding(cells.labels, cells.counts, base, _secret(seed))
    else:
        if noise is None:
            raise PolicyError("cell_noise", "the greatest noise and its variance are not given", "Add `cell_noise`.")
        found = cell_key_noise(cells, noise_table(int(noise[0]), float(noise[1]), least_shown=least), _secret(seed))
    seen = system.entry >= 0
    values = np.full(system.entry.shape, np.nan)
    values[seen] = found[system.of[system.entry[seen]]]
    back = np.empty_like(order)
    back[order] = np.arange(len(order))
    return dict(zip(columns, values[back].T, strict=True))


def _secret(seed: int | None) -> bytes:
    if seed is None:
        raise PolicyError("round_counts", "draws at random, and no seed is given", "Name a key in the plan.")
    return seed.to_bytes(32, "big")


def _away_from_sums(links: Sequence[Link]) -> list[Link]:
    """Equal counts turned so that the one that is a sum is the source: ``a = b`` and ``a = c + d`` give ``b = a``."""
    sums = {link.total for link in links if len(link.parts) > 1}
    turned = []
    for link in links:
        twin = link.parts[0]
        turn = len(link.parts) == 1 and link.total in sums and twin not in sums
        turned.append(Link(total=twin, parts=(link.total,)) if turn else link)
    return turned
