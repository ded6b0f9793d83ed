"""Risk, local suppression and recoding of any file of records, in counts and figures."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from sdc.bench.sheets import Sheet, read_hierarchy
from sdc.engines.hierarchies import Hierarchy, hierarchy_of, leaf_codes, recoded
from sdc.engines.native import suppress_locally
from sdc.engines.recoding import Lattice, Loss, Promise, Recoding, best_recoding, broken, lattice
from sdc.errors import DataError
from sdc.keys import encode, key_classes, merged
from sdc.risk.frequencies import Missing, frequencies, violations
from sdc.risk.summary import assess_risk

KS = (2, 3, 5, 10)


def risk_of(
    sheet: Sheet,
    keys: Sequence[str],
    *,
    weight: str | None = None,
    household: str | None = None,
    sensitive: Sequence[str] = (),
    missing: Missing = "wildcard",
    alpha: float = 1.0,
    suda: bool = True,
) -> dict[str, Any]:
    """What the judge of records says of a file; see `sdc.risk.summary.assess_risk`.

    Parameters
    ----------
    sheet : Sheet, n records
    keys, weight, household, sensitive, missing, alpha, suda
        As for ``assess_risk``.

    Returns
    -------
    dict
    """
    rows = sheet.codes([*keys, *sensitive, *([household] if household else [])])
    if weight is not None:
        if weight in rows:
            raise DataError(f"`{weight}`", "is named as weight and as something else", "Name a column once.")
        rows[weight] = sheet.numbers(weight)
    return assess_risk(
        rows, keys, weight=weight, household=household, sensitive=sensitive,
        missing=missing, alpha=alpha, ks=KS, suda=suda,
    )  # fmt: skip


def violations_of(rows: pd.DataFrame, keys: Sequence[str], ks: Sequence[int]) -> dict[str, dict[str, int]]:
    """Records with fewer than k alike, for each k, in both readings of a missing value.

    Returns
    -------
    dict of reading (``wildcard``, ``category``) to (dict of k to records)
    """
    classes = key_classes(rows, keys)
    readings: tuple[Missing, ...] = ("wildcard", "category")
    return {
        reading: {
            str(k): count
            for k, count in violations(frequencies(classes, missing=reading).fk, classes, sorted({*KS, *ks})).items()
        }
        for reading in readings
    }


def violations_in_strata(rows: pd.DataFrame, keys: Sequence[str], strata: Sequence[str], k: int) -> dict[str, int]:
    """How the promise fares inside each stratum, judged stratum by stratum in the wildcard reading.

    Returns
    -------
    dict
        ``strata``; ``smaller_than_k`` (strata whose records are merged with others, as no suppression could help)
        and ``violations`` (records of all other strata with fewer than k alike inside their own).
    """
    number = key_classes(rows, strata).of_record
    size = np.bincount(number)
    short = 0
    for stratum in np.flatnonzero(size >= k).tolist():
        classes = key_classes(rows.loc[number == stratum], keys)
        short += violations(frequencies(classes).fk, classes, [k])[k]
    return {"strata": len(size), "smaller_than_k": int((size < k).sum()), "violations": short}


def suppressed_by_key(hidden: pd.DataFrame) -> dict[str, int]:
    """Values suppressed in each key."""
    return {name: int(hidden[name].sum()) for name in hidden.columns}


def without(rows: pd.DataFrame, hidden: pd.DataFrame) -> pd.DataFrame:
    """The keys with the hidden values missing."""
    return pd.DataFrame({name: rows[name].mask(hidden[name]) for name in hidden.columns})


def warm_up_suppression(missing: Missing) -> None:
    """Load compiled code before anything is timed."""
    toy = pd.DataFrame({"a": [1, 1, 2, 2, 3], "b": [1, 2, 1, 2, 3]})
    suppress_locally(toy, ["a", "b"], 2, missing=missing)


@dataclass(frozen=True, eq=False)
class RecodingTask:
    """A file of records with the hierarchies of its keys, ready for the search.

    Attributes
    ----------
    rows : DataFrame, n records, the keys
    hierarchies : tuple of Hierarchy, m keys
    lattice : Lattice
    of_record : array of int, (n,)
        Class of the lattice that each record is in.
    """

    rows: pd.DataFrame
    hierarchies: tuple[Hierarchy, ...]
    lattice: Lattice
    of_record: np.ndarray


def hierarchies_of(folder: Path, keys: Sequence[str]) -> tuple[Hierarchy, ...]:
    """Hierarchies of the keys from a folder of CSV files, leaf first."""
    return tuple(hierarchy_of(key, read_hierarchy(folder, key)) for key in keys)


def recoding_task(
    rows: pd.DataFrame, hierarchies: Sequence[Hierarchy], *, sensitive: str | None = None, loss: Loss = "granularity"
) -> RecodingTask:
    """Find the classes of the file and lay the lattice of levels over them.

    Raises
    ------
    DataError : when a key holds values outside its hierarchy, or a sensitive value is missing.
    """
    keys = [hierarchy.name for hierarchy in hierarchies]
    codes = leaf_codes(rows, hierarchies)
    values = None
    if sensitive is not None:
        values = encode(rows[sensitive])[0]
        if (values < 0).any():
            raise DataError(
                f"`{sensitive}`",
                f"{int((values < 0).sum())} of {len(rows)} sensitive values are missing",
                "Leave those records out, or give the missing values a code of their own.",
            )
    columns = codes if values is None else np.column_stack([codes, values])
    classes, of_record = merged(columns)
    given = lattice(
        classes[:, : len(keys)],
        np.bincount(of_record, minlength=len(classes)),
        hierarchies,
        sensitive=None if values is None else classes[:, -1],
        loss=loss,
    )
    return RecodingTask(rows[keys], tuple(hierarchies), given, of_record)


def recoded_rows(task: RecodingTask, found: Recoding, promise: Promise) -> pd.DataFrame:
    """The keys at the levels found, all missing in the records that are suppressed."""
    levels = dict(zip(task.rows.columns, found.levels, strict=True))
    labels = recoded(task.rows, task.hierarchies, levels)
    gone = broken(task.lattice, found.levels, promise)[task.of_record]
    return labels.mask(pd.Series(gone, index=labels.index), axis=0) if gone.any() else labels


def released_violations(rows: pd.DataFrame, protected: pd.DataFrame, ks: Sequence[int]) -> dict[str, int]:
    """Records released with fewer than k alike in all keys; a record suppressed whole is released by nobody.

    A missing value matches a missing value only, which is the stricter reading.
    """
    kept = protected.loc[protected.notna().any(axis=1) | rows.isna().all(axis=1)]
    return violations_of(kept, list(protected.columns), ks)["category"] if len(kept) else dict.fromkeys(map(str, ks), 0)


def warm_up_recoding() -> None:
    """Load compiled code before anything is timed."""
    labels = pd.DataFrame({"value": ["a", "b"], "all": ["*", "*"]})
    task = recoding_task(pd.DataFrame({"x": ["a", "b"]}), [hierarchy_of("x", labels)])
    best_recoding(task.lattice, Promise(2), 0.0)


def importance_of(text: str, keys: Sequence[str]) -> Mapping[str, float]:
    """Importance of keys from text such as ``age=2,sex=1``; ``inf`` for a key that must stay whole.

    Raises
    ------
    DataError : when it names no key, or no positive number.
    """
    found: dict[str, float] = {}
    for part in filter(None, (part.strip() for part in text.split(","))):
        name, _, number = part.rpartition("=")
        name = name.strip()
        try:
            value = float(number)
        except ValueError:
            value = 0.0
        if name not in keys or not value > 0:
            raise DataError(
                "importance", "is not `key=number`", "Write for example age=2,sex=1, with keys that are given."
            )
        found[name] = value
    return found
