"""What a package promises of its data, in a form that anybody who holds it can check again.

A package tells no number that its data do not tell already, but for k, the reading of missing values, l and the
rounding base; `docs/decisions` says why. The least count, for one, is the one seen in the file, not the policy's.
"""

from collections.abc import Iterator, Mapping, Sequence

import numpy as np
import pandas as pd

from sdc.dictionary import Geography, Role
from sdc.errors import Fault
from sdc.keys import key_classes
from sdc.policy import Policy
from sdc.risk.diversity import distinct_diversity, sensitive_counts
from sdc.risk.frequencies import frequencies
from sdc.table import Table


def promises_of(table: Table, rows: pd.DataFrame, policy: Policy) -> list[dict]:
    """The promises of one package.

    Parameters
    ----------
    table : Table
        Roles, links and what follows what.
    rows : DataFrame
        The released rows, as read back from the data file.
    policy : Policy, as it stands for the component

    Returns
    -------
    list of dict
        Each with `promise`, its name, and what `broken` needs to check it: column names and publishable numbers.

    Guarantees
    ----------
    * A rule of the policy gives a promise only where its breach stops a release.
    * Facts taken from the rows themselves (least count, blank together, no single gap) hold in these rows.
    """
    counts, keys = table.names(Role.COUNT), table.names(Role.KEY)
    found: list[dict] = []
    if keys and not counts:
        if policy.k.breach == "stop" and policy.k.value > 1:
            found.append(
                {"promise": "k_anonymity", "columns": keys, "k": policy.k.value, "missing": policy.missing.value}
            )
        sensitive = table.names(Role.SENSITIVE)
        if sensitive and policy.ell.breach == "stop" and policy.ell.value > 1:
            found.append({"promise": "l_diversity", "columns": sensitive, "keys": keys, "ell": policy.ell.value})
    if counts:
        base = policy.rounding_base
        if base.breach == "stop" and base.value > 1:
            found.append({"promise": "multiples", "columns": counts, "base": base.value})
        shown = rows[counts].to_numpy(dtype=np.float64, na_value=np.nan)
        positive = shown[shown > 0]
        if policy.minimum_count.breach == "stop" and len(positive):
            found.append({"promise": "least_count", "columns": counts, "least": int(positive.min())})
    points = [variable.name for variable in table.variables if variable.geography == Geography.POINT]
    decimals = policy.coordinate_decimals
    if points and decimals.value is not None and decimals.breach == "stop":
        found.append({"promise": "coordinates", "columns": points, "decimals": decimals.value})
    return found + list(_seen(table, rows))


def broken(promises: Sequence[Mapping], rows: pd.DataFrame) -> list[Fault]:
    """The promises that rows do not keep: one fault each, with counts and column names only."""
    faults = []
    for promise in promises:
        said = _breach(promise, rows)
        if said:
            faults.append(Fault(f"promise `{promise['promise']}`", said))
    return faults


def below_minimum(table: Table, rows: pd.DataFrame, policy: Policy) -> list[Fault]:
    """Columns with counts below the policy's minimum: what the publishable promises do not say."""
    faults = []
    for name in table.names(Role.COUNT):
        least = policy.least_count(table[name].unit)
        values = rows[name].to_numpy(dtype=np.float64, na_value=np.nan)
        small = int(((values > 0) & (values < least.value)).sum())
        if small and least.breach == "stop":
            faults.append(Fault(f"`{name}`", f"{small} counts below the policy's minimum", "No package is written."))
    return faults


def _seen(table: Table, rows: pd.DataFrame) -> Iterator[dict]:
    """Regularities of the blanks, where the rows keep them: what undoing a suppression would break."""
    for variable in table.variables:
        if variable.follows is not None and variable.follows in table:
            promise = {"promise": "blank_together", "columns": [variable.name], "with": variable.follows}
            if rows[variable.follows].isna().any() and not _breach(promise, rows):
                yield promise
    for link in table.links:
        if all(member in table for member in link.members):
            promise = {"promise": "no_single_gap", "columns": list(link.members)}
            if rows[list(link.members)].isna().to_numpy().any() and not _breach(promise, rows):
                yield promise


def _breach(promise: Mapping, rows: pd.DataFrame) -> str:
    """What is wrong with one promise; empty where it holds."""
    columns = list(promise["columns"])
    absent = [name for name in (*columns, *promise.get("keys", ())) if name not in rows.columns]
    if absent:
        return f"{len(absent)} of its columns are not in the data"
    return _CHECKS[promise["promise"]](promise, rows, columns)


def _k_anonymity(promise: Mapping, rows: pd.DataFrame, columns: list[str]) -> str:
    classes = key_classes(rows, columns)
    fk = frequencies(classes, missing=promise["missing"]).fk
    short = int(classes.records[fk < promise["k"]].sum())
    return f"{short} records share their keys with fewer than {promise['k'] - 1} others" if short else ""


def _l_diversity(promise: Mapping, rows: pd.DataFrame, columns: list[str]) -> str:
    classes = key_classes(rows, promise["keys"])
    alike = []
    for name in columns:
        counts = sensitive_counts(classes, rows[name])
        short = (counts.observed > 0) & (distinct_diversity(counts) < promise["ell"])
        if short.any():
            alike.append(f"`{name}` ({int(counts.observed[short].sum())} records)")
    return f"classes with fewer than {promise['ell']} values of {', '.join(alike)}" if alike else ""


def _multiples(promise: Mapping, rows: pd.DataFrame, columns: list[str]) -> str:
    return _counts_where(rows, columns, lambda v: v % promise["base"] != 0, "are no multiples of the base")


def _least_count(promise: Mapping, rows: pd.DataFrame, columns: list[str]) -> str:
    return _counts_where(rows, columns, lambda v: (v != 0) & (v < promise["least"]), "lie below the least count")


def _coordinates(promise: Mapping, rows: pd.DataFrame, columns: list[str]) -> str:
    def finer(degrees: np.ndarray) -> np.ndarray:
        return ~np.isclose(degrees, np.round(degrees, promise["decimals"]), rtol=0, atol=1e-9)

    return _counts_where(rows, columns, finer, "have more decimals")


def _counts_where(rows: pd.DataFrame, columns: list[str], wrong, said: str) -> str:
    found = []
    for name in columns:
        if not pd.api.types.is_numeric_dtype(rows[name].dtype):
            return f"`{name}` holds no numbers"
        bad = int(wrong(rows[name].dropna().to_numpy(dtype=np.float64)).sum())
        if bad:
            found.append(f"`{name}` ({bad} values)")
    return f"values of {', '.join(found)} {said}" if found else ""


def _blank_together(promise: Mapping, rows: pd.DataFrame, columns: list[str]) -> str:
    if promise["with"] not in rows.columns:
        return "one of its columns is not in the data"
    alone = int((rows[promise["with"]].isna() & rows[columns[0]].notna()).sum())
    return f"`{columns[0]}` is shown in {alone} rows that hide `{promise['with']}`" if alone else ""


def _no_single_gap(promise: Mapping, rows: pd.DataFrame, columns: list[str]) -> str:
    single = int((rows[columns].isna().sum(axis=1) == 1).sum())
    return f"{single} rows hide one member of an identity only, which gives it back" if single else ""


_CHECKS = {
    "k_anonymity": _k_anonymity,
    "l_diversity": _l_diversity,
    "multiples": _multiples,
    "least_count": _least_count,
    "coordinates": _coordinates,
    "blank_together": _blank_together,
    "no_single_gap": _no_single_gap,
}
