"""What one release tells: for counts a predicate and an interval a cell, for records the values by internal row key."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from sdc.dictionary import Role
from sdc.errors import DataError
from sdc.steps.recoding import coarsened
from sdc.table import Table

OWN = "rows_aggregated"  # the pipeline's own column: how many rows went into a sum


@dataclass(frozen=True, eq=False)
class Facts:
    """What one release tells. It holds values: it never leaves the secure area.

    Attributes
    ----------
    about : mapping
        Plain values: release, request, version, population, kind, tier, organisation, the policy's numbers, columns.
    members : DataFrame of row, key
        Counts: which collected rows (by internal key) each released row sums.
    cells : DataFrame of row, column, low, high, suppressed
        Counts: one line for each cell of the release; `low` and `high` are what it tells of the true count.
    rows : DataFrame of row, round, place, depth
        Counts: when and where each released row is, the place under a name that is the same in every round.
    base : DataFrame of key and counts
        Counts: the true counts of every collected row that stands behind a released one.
    values : DataFrame, indexed by internal key
        Records: every released column.
    """

    about: Mapping
    members: pd.DataFrame = field(default_factory=pd.DataFrame)
    cells: pd.DataFrame = field(default_factory=pd.DataFrame)
    rows: pd.DataFrame = field(default_factory=pd.DataFrame)
    base: pd.DataFrame = field(default_factory=pd.DataFrame)
    values: pd.DataFrame = field(default_factory=pd.DataFrame)

    @property
    def release(self) -> str:
        """Id of the release."""
        return str(self.about["release_id"])

    def frames(self) -> dict[str, pd.DataFrame]:
        """The frames that this kind of release has."""
        names = ("members", "cells", "rows", "base") if self.about["kind"] == "counts" else ("values",)
        return {name: getattr(self, name) for name in names}

    def digest(self) -> str:
        """SHA-256 of what the release tells, whatever it is called: two releases of equal content are one fact."""
        told = {name: self.about[name] for name in ("population", "kind", "organisation", "tier")}
        found = hashlib.sha256(json.dumps(told, sort_keys=True).encode())
        for name, frame in self.frames().items():
            found.update(name.encode())
            found.update(pd.util.hash_pandas_object(frame.astype("str"), index=name == "values").to_numpy().tobytes())
        return found.hexdigest()


def row_keys(table: Table) -> np.ndarray:
    """The internal key of each collected row: a digest of its content.

    Parameters
    ----------
    table : Table, n rows, as ingested

    Returns
    -------
    array of int64, (n,)

    Guarantees
    ----------
    * The key of a row is the same in whatever company of rounds and columns it is read: a column that it has no value
      in does not count.
    * Rows of equal content get different keys, in their order; all other keys are independent of the order of rows.
    """
    mixed = np.zeros(len(table), dtype=np.uint64)
    for name in table.rows.columns:
        codes, values = pd.factorize(table.rows[name], use_na_sentinel=True)
        told = pd.Series([f"{name}={value}" for value in values], dtype="object")
        digests = np.append(pd.util.hash_pandas_object(told, index=False).to_numpy(dtype=np.uint64), np.uint64(0))
        mixed += digests[codes]  # sums wrap around: the order of columns does not count, nor does a missing value
    again = pd.Series(mixed).groupby(mixed).cumcount().to_numpy().astype(np.uint64)
    return (mixed + again * np.uint64(0x9E3779B97F4A7C15)).view(np.int64)


def facts_of(before: Table, after: Table, about: Mapping, *, base: int = 1) -> Facts:
    """What a release tells, worked out from the table as collected and the table as released.

    Parameters
    ----------
    before : Table, the rounds as ingested
    after : Table, as protected
    about : mapping
        See ``Facts``; `kind` is added.
    base : int, persons
        Counts are known to have been rounded to multiples of this.

    Returns
    -------
    Facts

    Raises
    ------
    DataError : when it cannot be said which collected rows a released row sums.

    Guarantees
    ----------
    * The true count lies in the interval of its cell.
    """
    kind = "counts" if after.names(Role.COUNT) else "records"
    keys = row_keys(before)
    columns = {v.name: {"role": v.role.value, "level": v.level} for v in after.variables}
    about = {**about, "kind": kind, "columns": columns}
    if kind == "records":
        place = before.rows.index.get_indexer(after.rows.index)
        if (place < 0).any():
            raise DataError("audit", f"{int((place < 0).sum())} released records were not collected", "Protect again.")
        return Facts(about, values=after.rows.set_axis(pd.Index(keys[place], name="key")))
    of_row = _members(before, after)
    members = pd.DataFrame({"row": of_row[0], "key": keys[of_row[1]]})
    names = after.names(Role.COUNT)
    linked = _linked(before, names)
    counts = before.rows[linked].to_numpy(dtype=np.float64, na_value=np.nan)[of_row[1]]
    truth = pd.DataFrame(counts, columns=linked).groupby(of_row[0]).sum(min_count=1)
    least = about.get("limits", {}).get("minimums", {})
    cells = pd.concat(
        [_told(after.rows[name], truth[name], base, least.get(name, 1)) for name in names], ignore_index=True
    )
    rows = _places(before, after, of_row)
    collected = pd.DataFrame(counts, columns=linked).assign(key=members["key"].to_numpy()).drop_duplicates("key")
    return Facts(about, members, cells, rows, collected.reset_index(drop=True))


def _linked(table: Table, names: Sequence[str]) -> list[str]:
    """Counts of a table, and those that identities tie to them."""
    found = set(names)
    wave = found
    while wave:
        wave = {m for link in table.links if wave & set(link.members) for m in link.members} - found
        found = found | wave
    return [name for name in table.names(Role.COUNT) if name in found]


def _members(before: Table, after: Table) -> tuple[np.ndarray, np.ndarray]:
    """Pairs (released row, collected row): which collected rows each released row sums."""
    if OWN not in after:
        place = before.rows.index.get_indexer(after.rows.index)
        if (place < 0).any():
            raise DataError("audit", f"{int((place < 0).sum())} released rows were not collected", "Protect again.")
        return np.arange(len(after)), place
    spans = [v.name for v in after.variables if v.role == Role.KEY and not after.repeats_a_place(v.name)]
    spans = list(dict.fromkeys([*spans, *(["round"] if "round" in after else [])]))
    left = pd.DataFrame({name: _text(after.rows[name]) for name in spans})
    right = pd.DataFrame({name: _text(_at_level(before, after, name)) for name in spans})
    if left.duplicated().any():
        raise DataError("audit", f"{int(left.duplicated().sum())} released rows stand for the same places")
    pairs = right.assign(collected=np.arange(len(right))).merge(
        left.assign(row=np.arange(len(left))), on=spans, how="inner"
    )
    sizes = np.bincount(pairs["row"], minlength=len(after))
    wrong = int((sizes != after.rows[OWN].to_numpy(dtype=np.int64, na_value=-1)).sum())
    if wrong:
        raise DataError("audit", f"of {wrong} released rows it cannot be said which rows they sum", "Protect again.")
    return pairs["row"].to_numpy(), pairs["collected"].to_numpy()


def _at_level(before: Table, after: Table, name: str) -> pd.Series:
    level = after[name].level
    return coarsened(before.rows[name], before[name], level) if level else before.rows[name]


def _text(column: pd.Series) -> np.ndarray:
    return column.astype("object").map(str, na_action="ignore").fillna("").to_numpy()


def _told(shown: pd.Series, truth: pd.Series, base: int, minimum: int) -> pd.DataFrame:
    """The interval that each cell of one column tells; rows in the order of `truth`'s index, the released rows.

    A count that is not as collected tells its true value no nearer than the widest change seen in its column: what an
    intruder knows of the method is that or less. Where small counts are suppressed before the others are changed, a
    shown 0 is a true 0 and any other count is no small one.
    """
    row = truth.index.to_numpy()
    true = truth.fillna(0).to_numpy()
    hidden = shown.isna().to_numpy()[row]
    if pd.api.types.is_numeric_dtype(shown.dtype):
        value = shown.to_numpy(dtype=np.float64, na_value=np.nan)[row]
        off = np.where(hidden, 0.0, true - value)
        down = max(-float(off.min(initial=0)), base // 2 if base > 1 else 0)
        up = max(float(off.max(initial=0)), (base + 1) // 2 - 1 if base > 1 else 0)
        low, high = np.maximum(value - down, 0), value + up
        none = ~hidden & (value == 0)
        if not (true[none] > 0).any():
            high = np.where(none, 0.0, high)
        some = ~hidden & (value > 0)
        if (true[some] >= minimum).all():
            low = np.where(some, np.maximum(low, minimum), low)
    else:  # bands: each tells no more than the counts that stand in it
        groups = pd.Series(true).groupby(_text(shown)[row])
        low, high = groups.transform("min").to_numpy(), groups.transform("max").to_numpy()
    unseen = truth.isna().to_numpy()
    low = np.where(hidden, np.where(unseen | (true < 1), 0.0, 1.0), low)
    return pd.DataFrame(
        {
            "row": row,
            "column": str(shown.name),
            "low": low,
            "high": np.where(hidden, np.inf, high),
            "suppressed": hidden,
        }
    )


def _places(before: Table, after: Table, of_row: tuple[np.ndarray, np.ndarray]) -> pd.DataFrame:
    """Round and place of each released row; a place has one name in every round."""
    merged = OWN in after
    table = after if merged else before
    first = pd.Series(of_row[1]).groupby(of_row[0]).min().to_numpy()
    at = np.arange(len(after)) if merged else first
    keys = [v for v in table.variables if v.role == Role.KEY and not table.repeats_a_place(v.name)]
    finest = max((v for v in keys if v.geography), key=lambda v: v.geography.depth if v.geography else 0, default=None)
    spans = [v.name for v in keys if v.geography is None or v is finest]
    told = table.rows[spans].iloc[at].reset_index(drop=True)
    place = pd.Series("", index=told.index, dtype="object")
    for name in spans:
        place = place + f"{name}=" + pd.Series(_text(told[name]), dtype="object") + "|"
    rounds = table.rows["round"].iloc[at].to_numpy(dtype=np.int64) if "round" in table else np.zeros(len(at), np.int64)
    depth = finest.geography.value if finest is not None and finest.geography is not None else ""
    return pd.DataFrame({"row": np.arange(len(after)), "round": rounds, "place": place.to_numpy(), "depth": depth})
