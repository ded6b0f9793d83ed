"""Phases for records of people: keys recoded, values suppressed, amounts coarsened."""

import numpy as np

from sdc.dictionary import Role, Type
from sdc.errors import DisclosureError
from sdc.plan.brief import Brief, Step, dropping, with_followers
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
    levels = lowest_levels(table, collected, policy, brief.request.importance)
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
    """Local suppression to k, then what classes give away of sensitive values."""
    policy = brief.policy
    keys = table.keys()
    if brief.dictionary.kind == "counts" or not keys:
        return ()
    steps: tuple[Step, ...] = ()
    if policy.k.breach == "stop":
        params = {
            "keys": keys,
            "k": policy.k.value,
            "missing": policy.missing.value,
            "importance": {key: brief.request.importance[key] for key in keys if key in brief.request.importance},
            "engine": policy.engine.value,
        }
        steps += (Step("suppress_locally", params, f"k = {policy.k.value}. {policy.k.because}"),)
    if policy.ell.breach == "stop" and policy.ell.value > 1:
        because = f"l = {policy.ell.value}. {policy.ell.because}"
        for sensitive in table.names(Role.SENSITIVE):
            params = {"keys": keys, "sensitive": sensitive, "ell": policy.ell.value}
            steps += (Step("suppress_sensitive", params, because),)
    return steps


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
