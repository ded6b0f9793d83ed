"""Promises on rows of places: which places, what is said of their people, where they stand, what repeats a count."""

from itertools import combinations

import numpy as np
import pandas as pd

from sdc.dictionary import Geography, Role, Type
from sdc.table import Table
from sdc.verdict.case import Case, Check
from sdc.verdict.filecounts import MERGED, SUMMED, sensitive_records
from sdc.verdict.shown import count_columns

_ALIKE = 0.9  # share of rows in which two columns that nobody linked hold the same count
_ROWS = 20  # rows in which they must, before it is called more than chance
_KM_PER_DEGREE = 111.2


def place_promises(case: Case) -> list[Check]:
    """Rows of places against the policy; rows that are sums have their own rules.

    Returns
    -------
    list of Check
    """
    merged = MERGED in case.after
    if merged:  # a row of several sites speaks of none of them
        single = case.after.rows[case.after.rows[MERGED] == 1]
        case = case._replace(after=case.after.with_rows(single))
    checks = [_followers(case), *_repeated(case)]
    if SUMMED in case.after:
        return checks
    sensitive = [check for check in _sensitive(case) if not (merged and check.name == "places_kept")]
    return [*checks, *sensitive, *_attributes(case), *_displaced(case)]


def _followers(case: Case) -> Check:
    """A column that follows a count is hidden wherever the count is."""
    before, after = case.before, case.after
    told = 0
    if SUMMED not in after:
        rows = before.rows.reindex(after.rows.index)
        for name in count_columns(after):
            hidden = (rows[name] > 0).fillna(False).to_numpy(dtype=bool) & after.rows[name].isna().to_numpy()
            for follower in after.followers(name):
                shown = after.rows[follower]
                empty = (shown == 0).fillna(False).to_numpy(dtype=bool) if shown.dtype.kind in "iufI" else False
                told += int((hidden & shown.notna().to_numpy() & ~np.asarray(empty)).sum())
    return Check("followers", "What follows a count is hidden where the count is", told, 0, told == 0, "stop")


def _repeated(case: Case) -> list[Check]:
    """Counts hidden in one column and shown in another that is nearly always the same, although no link says so."""
    before, after = case.before, case.after
    counts = count_columns(after)
    if SUMMED in after or len(counts) < 2:
        return []
    truth = before.rows.reindex(after.rows.index)
    values = {name: truth[name].to_numpy(dtype=np.float64, na_value=np.nan) for name in counts}
    gone = {name: ~np.isnan(values[name]) & after.rows[name].isna().to_numpy() for name in counts}
    linked = {frozenset((link.total, part)) for link in before.links for part in link.parts if len(link.parts) == 1}
    told = 0
    for one, other in combinations(counts, 2):
        filled = (values[one] > 0) & (values[other] > 0)
        equal = filled & (values[one] == values[other])
        if frozenset((one, other)) in linked or equal.sum() < max(_ROWS, _ALIKE * filled.sum()):
            continue
        told += int((equal & (gone[one] != gone[other])).sum())
    promise = f"No hidden count stands in another column that is the same in {_ALIKE:.0%} of the rows"
    return [Check("equal_columns", promise, told, 0, told == 0, "warn")]


def _sensitive(case: Case) -> list[Check]:
    """No row of a place that is shown to nobody, and every other row."""
    rule = case.policy.sensitive_sites
    guarded = pd.Series(sensitive_records(case.before), index=case.before.rows.index)
    left_out = int((~case.before.rows.index.isin(case.after.rows.index) & ~guarded.to_numpy()).sum())
    promise = "Every place is in the file but those that are shown to nobody"
    checks = [Check("places_kept", promise, left_out, 0, left_out == 0, "warn")]
    if rule.value != "remove":
        return checks
    rows = int(guarded.reindex(case.after.rows.index, fill_value=False).sum())
    promise = "No place is in the file that is shown to nobody"
    return [*checks, Check("sensitive_places", promise, rows, 0, rows == 0, rule.breach)]


def _attributes(case: Case) -> list[Check]:
    """What is said of people is said of enough of them: rows weighted by the persons that they speak of."""
    rule, before, after = case.policy.minimum_attribute_persons, case.before, case.after
    about = [v for v in after.variables if v.describes is not None and v.describes in before]
    if not about or rule.value <= 1:
        return []
    told = 0
    for variable in about:
        persons = before.rows[variable.describes].reindex(after.rows.index).to_numpy(dtype=np.float64, na_value=np.nan)
        few = (persons > 0) & (persons < rule.value)
        told += int((few & after.rows[variable.name].notna().to_numpy()).sum())
    promise = f"No attribute is told of the people of one place who are 1 to {rule.value - 1}"
    checks = [Check("attribute_persons", promise, told, 0, told == 0, rule.breach)]
    return [*checks, *_unique(case, rule.value)]


def _unique(case: Case, least: int) -> list[Check]:
    """Rows weighted by persons: combinations of attributes that few people have, areas with a single answer."""
    before, after = case.before, case.after
    about = [v for v in after.variables if v.describes is not None and v.describes in before]
    main = before.rows[str(about[0].describes)].reindex(after.rows.index)
    persons = np.nan_to_num(main.to_numpy(dtype=np.float64, na_value=np.nan))
    answers = after.rows[[v.name for v in about]].astype("str").fillna("")
    told = after.rows[[v.name for v in about]].notna().any(axis=1).to_numpy() & (persons > 0)
    held = pd.Series(persons).groupby([answers[name].to_numpy() for name in answers]).transform("sum").to_numpy()
    few = int((told & (held < least)).sum())
    checks = [
        Check(
            "attribute_classes",
            f"Every combination of attributes is shared by {least} persons of the file",
            few,
            0,
            few == 0,
            "report",
        )
    ]
    areas = [v.name for v in after.variables if v.role == Role.KEY and v.geography == Geography.ADMIN2]
    for variable in about:
        if variable.role == Role.SENSITIVE and areas:
            shown = after.rows[[areas[0], variable.name]].dropna().astype("str").drop_duplicates()
            alone = int((shown[areas[0]].value_counts() == 1).sum())
            promise = f"No area shows a single answer to `{variable.name}`"
            checks.append(Check(f"attribute_diversity:{variable.name}", promise, alone, 0, alone == 0, "report"))
    return checks


def _displaced(case: Case) -> list[Check]:
    """Coordinates stand as far from the place as the policy asks."""
    rule, before, after = case.policy.coordinate_displacement, case.before, case.after
    points = [v for v in after.variables if v.geography == Geography.POINT and v.type == Type.NUMBER]
    if rule.value is None or len(points) != 2:
        return []
    north, east = sorted((v.name for v in points), key=lambda name: before[name].max != 90)
    rows = before.rows.reindex(after.rows.index)
    old, new = (
        {name: frame[name].to_numpy(dtype=np.float64, na_value=np.nan) for name in (north, east)}
        for frame in (rows, after.rows)
    )
    up = (new[north] - old[north]) * _KM_PER_DEGREE
    across = (new[east] - old[east]) * _KM_PER_DEGREE * np.cos(np.radians(old[north]))
    away = np.hypot(up, across)
    least, most = rule.value
    decimals = case.policy.coordinate_decimals.value
    slack = _KM_PER_DEGREE * 10.0**-decimals if decimals is not None else 1e-6  # what rounding adds or takes
    near = int((away < least - slack).sum())
    far = int((away > most + slack).sum())
    checks = [
        Check(
            "displacement", f"Coordinates stand at least {least:g} km from the place", near, 0, near == 0, rule.breach
        ),
        Check("displacement_most", f"Coordinates stand at most {most:g} km from the place", far, 0, far == 0, "warn"),
    ]
    areas = [v.name for v in before.variables if v.role == Role.KEY and v.geography == Geography.ADMIN2]
    if not areas:
        return checks
    outside = _outside(
        before, areas[0], (north, east), after.rows.index, np.column_stack([new[north], new[east]]), slack
    )
    promise = "Coordinates stand nearest to a place of their own area"
    return [*checks, Check("displacement_area", promise, outside, 0, outside == 0, "warn")]


def _outside(before: Table, area: str, points: tuple[str, str], rows: pd.Index, shown: np.ndarray, slack: float) -> int:
    """Coordinates shown to which the nearest place collected is of another area, by more than rounding explains."""
    at = before.rows[list(points)].to_numpy(dtype=np.float64, na_value=np.nan)
    own = before.rows[area].astype("str").fillna("")
    there = ~np.isnan(at).any(axis=1)
    count = 0
    for name, inside in own[there].groupby(own[there]).groups.items():
        home = before.rows.index.isin(inside) & there
        mine = np.flatnonzero((own.reindex(rows) == name).to_numpy() & ~np.isnan(shown).any(axis=1))
        for one in mine.tolist():
            north = (at[there, 0] - shown[one, 0]) * _KM_PER_DEGREE
            east = (at[there, 1] - shown[one, 1]) * _KM_PER_DEGREE * np.cos(np.radians(shown[one, 0]))
            away = np.hypot(north, east)
            count += int(away[home[there]].min() > away.min() + 2 * slack)
    return count
