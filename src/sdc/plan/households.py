"""Household numbers that do not leave, and the answers that would stand in for them."""

from collections.abc import Mapping, Sequence

import numpy as np

from sdc.dictionary import Role, Variable
from sdc.errors import DisclosureError
from sdc.keys import key_classes
from sdc.plan.brief import NOT_ASKED, Brief, Step, dropping, with_followers
from sdc.plan.run import take
from sdc.table import Table

_MIXED = 0.01  # of the households may differ inside in an answer that was given for all


def withheld(brief: Brief, table: Table) -> list[str]:
    """Household numbers that do not leave, and stay in the table until no answer stands in for them."""
    rule = brief.policy.minimum_alike_households
    if brief.dictionary.kind == "counts" or rule.breach != "stop" or rule.value < 2:
        return []
    return [v.name for v in table.variables if v.role == Role.HOUSEHOLD and _why_withheld(brief, v)]


def drop_unaffordable(brief: Brief, table: Table, _: Table) -> tuple[Step, ...]:
    """Drop answers of households until the policy's budget pays for hiding what is rare in the others.

    Answers are kept one by one as long as it does: first keys, whose levels are chosen already, then what the request
    calls important, then what has few different values.
    """
    rule = brief.policy.minimum_alike_households
    steps: tuple[Step, ...] = ()
    for household in withheld(brief, table):
        kept: list[str] = []
        gone: list[str] = []
        for name in _by_worth(brief, table, _shared(table, household)):
            if _affordable(brief, table, household, [*kept, name]):
                kept.append(name)
            else:
                gone.append(name)
        because = f"with what else a household answered it stands in for the household's number. {rule.because}"
        steps += dropping(with_followers(table, gone), because)
    return steps


def hide_answers(brief: Brief, table: Table) -> tuple[Step, ...]:
    """Hide rare combinations of what households answered."""
    rule = brief.policy.minimum_alike_households
    return tuple(
        Step("suppress_household_answers", _params(brief, table, household), rule.because)
        for household in withheld(brief, table)
        if _shared(table, household)
    )


def drop_numbers(brief: Brief, table: Table, _: Table) -> tuple[Step, ...]:
    """Drop the numbers at last, with what follows them."""
    steps: tuple[Step, ...] = ()
    for household in withheld(brief, table):
        because = f"{_why_withheld(brief, table[household])} It stayed until no answers stand in for it"
        steps += dropping(with_followers(table, [household]), because)
    return steps


def _why_withheld(brief: Brief, variable: Variable) -> str | None:
    policy, asked = brief.policy, brief.request.variables
    if asked != "all" and variable.name not in asked:
        return f"{NOT_ASKED}."
    if variable.sensitivity.rank > policy.highest_sensitivity.value.rank:
        return f"more sensitive than `{policy.highest_sensitivity.value}`. {policy.highest_sensitivity.because}"
    if policy.household_links.value == "drop":
        return f"ties the members of a household. {policy.household_links.because}"
    return None


def _shared(table: Table, household: str) -> list[str]:
    """Answers of households, by the dictionary or alike in nearly all of two members or more; not the constant."""
    number = table.rows[household]
    several = table.rows[number.notna() & number.duplicated(keep=False)]
    most = several[household].nunique() * (1 + _MIXED)
    return [
        v.name
        for v in table.variables
        if v.role not in (Role.HOUSEHOLD, Role.WEIGHT)
        and table.rows[v.name].nunique(dropna=False) > 1
        and (v.scope == "hh" or len(key_classes(several, [household, v.name]).records) <= most)
    ]


def _by_worth(brief: Brief, table: Table, names: Sequence[str]) -> list[str]:
    importance = brief.request.importance

    def worth(name: str) -> tuple:
        return table[name].role != Role.KEY, -importance.get(name, 1.0), table.rows[name].nunique()

    return sorted(names, key=worth)


def _affordable(brief: Brief, table: Table, household: str, columns: Sequence[str]) -> bool:
    """Whether no answer loses more of its values than the policy spends on suppression."""
    policy = brief.policy
    tied = table.rows[table.rows[household].notna()]
    if not len(tied):
        return True
    units = key_classes(tied, [household, *columns])
    patterns = np.unique(units.codes[:, 1:], axis=0, return_inverse=True, return_counts=True)
    short = (patterns[2] < policy.minimum_alike_households.value)[patterns[1].ravel()]
    if short[units.of_record].mean() > policy.max_suppressed_records.value:
        return False  # more records than may lose a value at all
    params = {**_params(brief, table, household), "columns": list(columns)}
    try:
        after = take(Step("suppress_household_answers", params, ""), table, None)
    except DisclosureError:
        return False
    before = table.rows[list(columns)].notna().sum()
    lost = before - after.rows[list(columns)].notna().sum()
    return bool((lost <= policy.max_suppressed_values.value * before).all())


def _params(brief: Brief, table: Table, household: str) -> Mapping:
    columns = _shared(table, household)
    importance = {name: brief.request.importance[name] for name in columns if name in brief.request.importance}
    least = brief.policy.minimum_alike_households.value
    return {"household": household, "columns": columns, "households": least, "importance": importance}
