"""Promises on records of people: k-anonymity, diversity, risk, and the budget of suppression."""

from collections.abc import Mapping, Sequence
from typing import Literal

import numpy as np
import pandas as pd

from sdc.dictionary import Role, Type
from sdc.keys import key_classes
from sdc.risk.frequencies import frequencies
from sdc.table import Table
from sdc.verdict.case import Case, Check, limit_checks

_MIXED = 0.01  # of the households may differ inside in an answer that was given for all


def record_promises(case: Case, risk: Mapping, losses: Sequence[Mapping]) -> list[Check]:
    """K in both readings of missing values, l of each sensitive variable, risks, and the budget of suppression."""
    policy, after = case.policy, case.after
    k, ell = policy.k, policy.ell
    keys = after.names(Role.KEY)
    violations: dict[str, int] = {}
    classes = key_classes(after.rows, keys)
    readings: tuple[Literal["wildcard", "category"], ...] = ("wildcard", "category")
    for one in readings:
        fk = frequencies(classes, missing=one).fk
        violations[one] = int(classes.records[fk < k.value].sum())
    promised = violations[policy.missing.value]
    other = "category" if policy.missing.value == "wildcard" else "wildcard"
    reading = {"wildcard": "a missing value matches any value", "category": "a missing value matches only itself"}
    checks = [
        Check(
            "k_anonymity",
            f"Every record shares its keys with at least {k.value - 1} others ({reading[policy.missing.value]})",
            promised,
            0,
            promised == 0,
            k.breach,
        ),
        Check(
            "k_anonymity_other_reading",
            f"Every record shares its keys with at least {k.value - 1} others ({reading[other]})",
            violations[other],
            0,
            violations[other] == 0,
            "report",
        ),
    ]
    for sensitive in after.names(Role.SENSITIVE):
        alike = _homogeneous_records(after, keys, sensitive, ell.value)
        promise = f"Every class that shows `{sensitive}` shows at least {ell.value} values of it"
        checks.append(Check(f"l_diversity:{sensitive}", promise, alike, 0, alike == 0, ell.breach))
    for name, rule, observed, promise in (
        (
            "max_individual_risk",
            policy.max_individual_risk,
            risk["max_individual_risk"],
            "No record's risk of re-identification is above",
        ),
        ("global_risk", policy.max_global_risk, risk["global_risk"], "Mean risk of re-identification is at most"),
        (
            "household_risk",
            policy.max_household_risk,
            risk["global_household_risk"],
            "Mean risk that somebody of the household is re-identified is at most",
        ),
    ):
        if observed is not None:
            checks += limit_checks(name, promise, observed, rule)
    checks += _households_alike(case)
    kept = [row for row in losses if row["status"] == "released" and row["role"] == "key"]
    worst = max((row["share_suppressed"] for row in kept), default=0.0)
    before = case.before.rows.reindex(after.rows.index)
    touched = np.zeros(len(after), dtype=bool)
    for key in keys:
        touched |= before[key].notna().to_numpy() & after.rows[key].isna().to_numpy()
    share = float(touched.mean()) if len(touched) else 0.0
    return [
        *checks,
        *limit_checks("suppressed_values", "No key loses more of its values than", worst, policy.max_suppressed_values),
        *limit_checks("suppressed_records", "No more records lose a value than", share, policy.max_suppressed_records),
    ]


def _households_alike(case: Case) -> list[Check]:
    """Whether answers stand in for a household number that is not released."""
    rule = case.policy.minimum_alike_households
    household = case.before.name(Role.HOUSEHOLD)
    if household is None or household in case.after:
        return []
    households, _ = tied_members(case.before, case.after, rule.value)
    promise = f"What all members of a household answered alike, {rule.value} households answered at least"
    return [Check("households_alike", promise, households, 0, households == 0, rule.breach)]


def _homogeneous_records(table: Table, keys: Sequence[str], sensitive: str, ell: int) -> int:
    """Records that show a sensitive value in a class of equal keys that gives it away.

    A class does where it shows fewer than `ell` distinct values, or, of a select_multiple, a choice that fewer than
    ``ell - 1`` of its records left out.
    """
    shown = table.rows[[*keys, sensitive]].dropna(subset=[sensitive])
    if not len(shown):
        return 0
    text = shown[sensitive].astype("str")
    everybody = pd.Series(0, index=shown.index)
    of_class = text.groupby([everybody, *(shown[key].astype("str") for key in keys)], dropna=False)
    alike = of_class.transform("nunique") < ell
    if table[sensitive].type == Type.CODES:
        number, size = of_class.ngroup(), of_class.transform("size")
        choices = pd.DataFrame({"number": number, "choice": text.str.split()}).explode("choice").dropna()
        choices = choices[~choices.set_index("choice", append=True).index.duplicated()]
        made = choices.groupby(["number", "choice"]).size().groupby("number").max()
        alike |= size - number.map(made).fillna(0) < ell - 1
    return int(alike.sum())


def tied_members(before: Table, after: Table, least: int) -> tuple[int, int]:
    """Households whose members can be grouped although no household number is released, and how many members they have.

    What the members of a household answered alike (where they live, why they fled) stands in each of their records.
    Where too few other households answered the same, those answers are nearly a household number.

    Parameters
    ----------
    before : Table
        As collected, with a household number or without.
    after : Table
        The released records; their index says which collected records they are.
    least : int, households
        Who shares the answers of fewer can be grouped.

    Returns
    -------
    (households that show two records or more of such answers, these records)
    """
    household = before.name(Role.HOUSEHOLD)
    if household is None or household in after:
        return 0, 0
    rows = after.rows.assign(**{household: before.rows[household].reindex(after.rows.index)})
    several = rows[rows[household].notna() & rows[household].duplicated(keep=False)]
    number = several[household].nunique()
    alike = [
        variable.name
        for variable in after.variables
        if variable.role != Role.WEIGHT
        and len(several[[household, variable.name]].drop_duplicates()) <= number * (1 + _MIXED)
    ]
    if not alike or not number:
        return 0, 0
    classes = pd.Series(key_classes(rows, alike).of_record, index=rows.index)
    own = rows[household].astype("object")
    few = own.groupby(classes).transform("nunique") < least
    together = classes.groupby([own, classes]).transform("size").fillna(0) > 1
    tied = few & together
    return int(own[tied].nunique()), int(tied.sum())
