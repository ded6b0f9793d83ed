"""Disclosure risk of a table, before and after, in counts and figures."""

from collections.abc import Sequence

import numpy as np
import pandas as pd

from sdc.dictionary import Role
from sdc.keys import key_classes
from sdc.policy import Policy
from sdc.risk.frequencies import frequencies
from sdc.risk.summary import assess_risk
from sdc.table import Table

FK_BANDS = ((1, "1"), (2, "2"), (3, "3-4"), (5, "5-9"), (10, "10-19"), (20, "20-49"), (50, "50+"))
COUNT_BANDS = ((0, "0"), (1, "1-4"), (5, "5-9"), (10, "10-19"), (20, "20-49"), (50, "50-99"), (100, "100+"))


def risk_of(table: Table, policy: Policy, links: Table | None = None) -> dict:
    """Disclosure risk of a table, in counts and figures.

    Parameters
    ----------
    table : Table
    policy : Policy, as it stands for the component
    links : Table, optional
        Where weights and households stand when the table no longer has them; the worst case is that an intruder does.
    """
    if table.names(Role.COUNT) or not table.keys():
        return _risk_of_counts(table, policy)
    source = links if links is not None else table
    rows = table.rows.copy()
    weight, household = source.name(Role.WEIGHT), source.name(Role.HOUSEHOLD)
    for name in (weight, household):
        if name is not None:
            rows[name] = source.rows[name].reindex(rows.index)
    keys = table.names(Role.KEY)
    risk = assess_risk(
        rows,
        keys,
        weight=weight,
        household=household,
        sensitive=table.names(Role.SENSITIVE),
        missing=policy.missing.value,
        ks=sorted({2, 3, 5, 10, policy.k.value}),
    )
    return {"keys": keys, **risk, "fk_histogram": fk_histogram(rows, keys, policy)}


def fk_histogram(rows: pd.DataFrame, keys: Sequence[str], policy: Policy) -> list[dict]:
    """Records by the number of records that share their key."""
    classes = key_classes(rows, keys)
    fk = frequencies(classes, missing=policy.missing.value).fk
    place = np.searchsorted([low for low, _ in FK_BANDS], fk, side="right") - 1
    records = np.bincount(place, weights=classes.records, minlength=len(FK_BANDS))
    return [{"fk": label, "records": int(n)} for (_, label), n in zip(FK_BANDS, records, strict=True)]


def _risk_of_counts(table: Table, policy: Policy) -> dict:
    minimum = policy.minimum_count.value
    columns, cells = {}, []
    for name in table.names(Role.COUNT):
        if table[name].level:  # recoded to bands
            continue
        values = table.rows[name].dropna().to_numpy(dtype=np.float64)
        cells.append(values)
        columns[name] = {
            "cells": len(values),
            "zero": int((values == 0).sum()),
            "missing": len(table) - len(values),
            "below_minimum": int(((values > 0) & (values < minimum)).sum()),
        }
    every = np.concatenate(cells) if cells else np.empty(0)
    place = np.searchsorted([low for low, _ in COUNT_BANDS], every, side="right") - 1
    sizes = np.bincount(place, minlength=len(COUNT_BANDS))
    return {
        "records": len(table),
        "cells": len(every),
        "below_minimum": sum(column["below_minimum"] for column in columns.values()),
        "counts": columns,
        "count_histogram": [
            {"count": label, "cells": int(n)} for (_, label), n in zip(COUNT_BANDS, sizes, strict=True)
        ],
    }
