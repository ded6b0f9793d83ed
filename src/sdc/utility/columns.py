"""What a release lost in each column, and over all that was asked for."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from sdc.dictionary import Role, Variable
from sdc.steps.recoding import coarsened
from sdc.table import Table


def granularity_loss(variable: Variable, level: int, labels: pd.Series) -> np.ndarray:
    """Loss of each cell of a recoded column, 0 (as collected) to 1 (nothing left).

    A label that stands for `s` of the `d` values of the domain loses ``(s - 1) / (d - 1)``. The domain is the code
    list, or the whole numbers from the first band (or `min`) to the last (or `max`), or the dates seen.

    Parameters
    ----------
    variable : Variable
    level : int
    labels : Series of str, the recoded cells

    Returns
    -------
    array of float, one a cell; missing cells get 1.

    References
    ----------
    The measure called Loss in Iyengar (2002), Transforming data to satisfy privacy constraints, KDD.
    """
    share = label_shares(variable, level)
    codes, found = pd.factorize(labels, use_na_sentinel=True)
    if share is None:
        shares = np.full(len(found), 1 / max(len(found), 1))
    else:
        shares = np.array([share.get(str(label), 1.0) for label in found])
    return np.append(shares, 1.0)[codes]


def label_shares(variable: Variable, level: int) -> Mapping[str, float] | None:
    """Loss of each label at a level; None where the dictionary does not say the domain (dates, open codes)."""
    if variable.codes:
        domain = pd.Series(list(variable.codes))
    elif variable.hierarchy[0].bands is not None:
        bands = variable.hierarchy[0].bands
        low = bands[0] if variable.min is None else int(variable.min)
        high = bands[-1] if variable.max is None else int(variable.max)
        domain = pd.Series(np.arange(low, max(high, low) + 1))
    else:
        return None
    leaves = coarsened(domain, variable, level).value_counts()
    return {str(label): (n - 1) / max(len(domain) - 1, 1) for label, n in leaves.items() if n}


def column_losses(before: Table, after: Table, asked: Sequence[str], reasons: Mapping[str, str]) -> list[dict]:
    """What became of each column that was asked for: counts and shares, no values.

    Parameters
    ----------
    before, after : Table
        As ingested, and as read back from disk.
    asked : sequence of str
    reasons : mapping of column to why it was dropped

    Returns
    -------
    list of dict with name, label, role, status, level, level_name, suppressed, share_suppressed, loss, because
        `suppressed` counts cells that held a value before and hold none now. In an aggregated file cells cannot be
        paired: every gap in a count is taken for a suppressed one. Losses are shares of cells and never of people: the
        share of people in a single suppressed cell would give that cell back.
    """
    aligned = (
        after.rows.index.isin(before.rows.index).all()
        and len(after) <= len(before)
        and ("rows_aggregated" not in after)
    )
    losses = []
    for name in asked:
        entry = before[name]
        row: dict[str, Any] = {"name": name, "label": entry.label.get("en", name), "role": str(entry.role)}
        if name not in after:
            row |= {"status": "dropped", "level": None, "level_name": None, "suppressed": 0}
            row |= {"share_suppressed": 0.0, "loss": 1.0, "because": reasons.get(name, "")}
            losses.append(row)
            continue
        variable = after[name]
        if aligned:
            old = before.rows[name].reindex(after.rows.index)
            had = old.notna().to_numpy()
            gone = had & after.rows[name].isna().to_numpy()
            gone_records = int(before.rows[name].notna().sum() - had.sum())
            cells = np.where(gone, 1.0, 0.0)
            if variable.level:
                cells = np.maximum(cells, granularity_loss(variable, variable.level, after.rows[name]))
            total = int(had.sum()) + gone_records
            suppressed = int(gone.sum())
            loss = float((cells[had].sum() + gone_records) / total) if total else 0.0
        else:
            suppressed = int(after.rows[name].isna().sum()) if entry.role == Role.COUNT else 0
            total = len(after)
            loss = suppressed / total if total else 0.0
        row |= {
            "status": "released",
            "level": variable.level,
            "level_name": variable.hierarchy[variable.level - 1].name if variable.level else None,
            "suppressed": suppressed,
            "share_suppressed": suppressed / total if total else 0.0,
            "loss": loss,
            "because": "",
        }
        losses.append(row)
    return losses


def information_loss(losses: Sequence[Mapping], importance: Mapping[str, float]) -> float:
    """Mean loss over the columns asked for, each weighted by its importance (1 where the request names none)."""
    weights = np.array([importance.get(row["name"], 1.0) for row in losses])
    values = np.array([row["loss"] for row in losses])
    return float((weights * values).sum() / weights.sum()) if weights.sum() else 0.0
