"""Promises on counts: none too small, and none that can be solved from its row."""

import numpy as np
import pandas as pd

from sdc.cells.intruder import AT_LEAST_ONE, NOTHING_KNOWN, Audit, audit
from sdc.cells.rows import row_cells
from sdc.dictionary import Role
from sdc.verdict.case import Case, Check


def count_promises(case: Case) -> list[Check]:
    """Minimum count, rounding, and what a row gives away."""
    after, policy = case.after, case.policy
    columns = after.names(Role.COUNT)
    values = after.rows[columns].to_numpy(dtype=np.float64, na_value=np.nan)
    small = int(((values > 0) & (values < policy.minimum_count.value)).sum())
    checks = [
        Check(
            "minimum_count",
            f"No count from 1 to {policy.minimum_count.value - 1}",
            small,
            0,
            small == 0,
            policy.minimum_count.breach,
        )
    ]
    base = policy.rounding_base
    if base.value > 1:
        odd = int((np.nan_to_num(values) % base.value != 0).sum())
        checks.append(Check("rounding", f"Counts are multiples of {base.value}", odd, 0, odd == 0, base.breach))
    return [*checks, *_unrecoverable(case)]


def _unrecoverable(case: Case) -> list[Check]:
    """No small count of a row, released or not, follows from what the file shows of that row.

    Shown counts are taken as exact, though they may be rounded. A last intruder also knows every count that was not
    asked for and is not small: somebody else may have asked for it. That one is told, and does not stop.
    """
    after, rule = case.after, case.policy.minimum_count
    truth = _truth(case)
    if truth is None:
        return [Check("unrecoverable", "Rows of the file are those of the extract", "no", "yes", False, rule.breach)]
    observed = truth.notna().to_numpy()
    values = truth.to_numpy(dtype=np.float64, na_value=np.nan)
    small = ((values > 0) & (values < rule.value))[observed]
    own = np.broadcast_to(truth.columns.isin(after.rows.columns), observed.shape)[observed]
    gone = after.rows.reindex(columns=truth.columns).isna().to_numpy()[observed]
    checks = []
    for intruder in (NOTHING_KNOWN, AT_LEAST_ONE):
        cells = row_cells(truth, after.links, [str(name) for name in truth.columns if name in after.rows.columns])
        found = audit(cells, gone & own, small & gone, intruder)
        promise = f"No small count of {found.primary:,} can be solved from its row (intruder: {intruder.name})"
        checks.append(_audited(intruder.name, promise, found, rule.breach))
    if not own.all():
        cells = row_cells(truth, after.links, list(truth.columns))
        hidden = (gone & own) | (small & ~own)
        found = audit(cells, hidden, hidden & own & small, AT_LEAST_ONE)
        promise = "Nor by somebody who knows the larger counts that were not asked for"
        breach = "warn" if rule.breach == "stop" else rule.breach
        checks.append(_audited("larger counts known", promise, found, breach))
    return checks


def _audited(intruder: str, promise: str, found: Audit, breach: str) -> Check:
    left = found.recoverable if found.finished else max(found.recoverable, 1)
    return Check(f"unrecoverable:{intruder}", promise, left, 0, found.passed, breach)


def _truth(case: Case) -> pd.DataFrame | None:
    """The counts behind the rows of the file, for every count of the extract; None where rows cannot be matched."""
    before, after = case.before, case.after
    counts = before.names(Role.COUNT)
    if "rows_aggregated" not in after:
        return before.rows.loc[after.rows.index, counts]
    areas = [name for name in after.names(Role.KEY) if not after.repeats_a_place(name)]
    areas = list(dict.fromkeys([*areas, *(["round"] if "round" in after else [])]))
    text = {name: before.rows[name].astype("str").fillna("") for name in areas}
    sums = before.rows[counts].groupby(list(text.values()), dropna=False).sum(min_count=1)
    wanted = pd.MultiIndex.from_frame(pd.DataFrame({n: after.rows[n].astype("str").fillna("") for n in areas}))
    if len(areas) == 1:
        sums.index = pd.MultiIndex.from_arrays([sums.index], names=areas)
    if not wanted.is_unique or not wanted.isin(sums.index).all():
        return None
    return sums.reindex(wanted).set_axis(after.rows.index)
