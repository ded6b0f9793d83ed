"""Phases for records of people: keys recoded, values suppressed, amounts coarsened."""

import numpy as np

from sdc.dictionary import Role, Type
from sdc.errors import DisclosureError
from sdc.plan.brief import Brief, Step, dropping, with_followers
from sdc.plan.households import hide_answers, withheld
from sdc.plan.run import take
from sdc.search import lowest_levels
from sdc.table import Table


def coarsen_keys(brief: Brief, table: Table, collected: Table) -> tuple[Step, ...]:
    """Recode keys to the lowest levels at which suppression stays inside the policy's budget."""
    policy = brief.policy
    if brief.dictionary.kind == "counts" or policy.k.breach != "stop":
        return ()
    keys = table.keys()
    if keys and len(table) < policy.k.value:
        raise DisclosureError(
            brief.request.id,
            f"its rounds hold fewer records than the k = {policy.k.value} of policy `{policy.policy}`",
            "Wait for more records, or release sums: no suppression can help.",
        )
    levels = lowest_levels(table.drop(withheld(brief, table)), collected, policy, brief.request.importance)
    if keys and all(levels.get(name, 0) > table[name].top for name in keys):
        raise DisclosureError(
            brief.request.id,
            f"policy `{policy.policy}` cannot be met with any of the {len(keys)} keys, however far they are recoded",
            "Ask for fewer keys, for fewer sensitive variables, or under a policy that fits the recipient.",
        )
    steps: tuple[Step, ...] = ()
    for name, level in levels.items():
        top = table[name].top
        if level > top:
            because = f"no level of its hierarchy keeps the policy's promises. {policy.max_suppressed_values.because}"
            gone = {column for step in steps if step.name == "drop_columns" for column in step.params["columns"]}
            steps += dropping([c for c in with_followers(table, [name]) if c not in gone], because)
        elif level:
            what = table[name].hierarchy[level - 1].name
            because = f"{what}: the smallest change that keeps the policy's promises with few suppressed values"
            steps += (Step("recode", {"variable": name, "level": level}, because),)
    return steps


def suppress_records(brief: Brief, table: Table, _: Table) -> tuple[Step, ...]:
    """Local suppression to k, then what households and classes give away of answers.

    A value that one of them hides can undo what another did. Where answers of households are hidden, all are taken
    again until nothing changes; each only hides, so this ends.
    """
    answers = hide_answers(brief, table)
    planned = (*_suppress_keys(brief, table), *answers, *_diversify(brief, table))
    if not answers:
        return planned
    steps: tuple[Step, ...] = ()
    while True:
        shown = _shown(table)
        for step in planned:
            before, table = table, take(step, table, None)
            if len(steps) < len(planned) or _shown(table) < _shown(before):
                steps += (step,)
        if _shown(table) == shown:
            return steps


def _shown(table: Table) -> int:
    return int(table.rows.notna().to_numpy().sum())


def _suppress_keys(brief: Brief, table: Table) -> tuple[Step, ...]:
    policy, keys = brief.policy, table.keys()
    if brief.dictionary.kind == "counts" or not keys or policy.k.breach != "stop":
        return ()
    params = {
        "keys": keys,
        "k": policy.k.value,
        "missing": policy.missing.value,
        "importance": {key: brief.request.importance[key] for key in keys if key in brief.request.importance},
        "engine": policy.engine.value,
    }
    released = [name for name in table.names(Role.HOUSEHOLD) if name not in withheld(brief, table)]
    params |= {"household": released[0]} if released else {}
    return (Step("suppress_locally", params, f"k = {policy.k.value}. {policy.k.because}"),)


def _diversify(brief: Brief, table: Table) -> tuple[Step, ...]:
    ell, keys = brief.policy.ell, table.keys()
    if brief.dictionary.kind == "counts" or not keys or ell.breach != "stop" or ell.value < 2:
        return ()
    because = f"l = {ell.value}. {ell.because}"
    return tuple(
        Step("suppress_sensitive", {"keys": keys, "sensitive": sensitive, "ell": ell.value}, because)
        for sensitive in table.names(Role.SENSITIVE)
    )


def coarsen_amounts(brief: Brief, table: Table, _: Table) -> tuple[Step, ...]:
    """Exact sensitive amounts in bands: those of the dictionary, or else rising ones of the series 1, 2, 5."""
    rule = brief.policy.sensitive_amounts
    if brief.dictionary.kind == "counts" or rule.breach != "stop" or rule.value == "keep":
        return ()
    amounts = [v for v in table.variables if v.role == Role.SENSITIVE and v.type in (Type.INTEGER, Type.NUMBER)]
    if rule.value == "drop":
        return dropping(with_followers(table, [v.name for v in amounts]), f"an exact sensitive amount. {rule.because}")
    steps: tuple[Step, ...] = ()
    for variable in amounts:
        if variable.level > 0:
            continue
        if variable.top:
            steps += (Step("recode", {"variable": variable.name, "level": 1}, rule.because),)
        else:
            params = {"column": variable.name, "bands": _series(table, variable.name, brief.policy.k.value)}
            steps += (Step("recode_to_bands", params, rule.because),)
    return steps


def _series(table: Table, column: str, k: int) -> list[int]:
    """Band ends 0, 1, 2, 5, 10, 20, ... as far as at least k records lie above the last."""
    values = table.rows[column].to_numpy(dtype=np.float64, na_value=np.nan)
    ends = [0]
    for step in (factor * 10**power for power in range(12) for factor in (1, 2, 5)):
        if (values >= step).sum() < max(k, 1):
            break
        ends.append(step)
    return ends
