"""What the judge is given, and what a finding looks like."""

from collections.abc import Sequence
from typing import NamedTuple

from sdc.dictionary import Dictionary
from sdc.policy import Policy, Rule
from sdc.request import Request
from sdc.table import Table


class Check(NamedTuple):
    """One promise held against the file."""

    name: str
    promise: str
    observed: float | int | str | None
    limit: float | int | str | None
    passed: bool
    breach: str
    by: str = "judge"


class Case(NamedTuple):
    """What the judge is given."""

    before: Table
    after: Table
    dictionary: Dictionary
    policy: Policy
    request: Request


def column_check(name: str, promise: str, found: Sequence[str], breach: str) -> Check:
    """A promise that some columns would break; their names are what was observed."""
    return Check(name, promise, ", ".join(found) if found else 0, 0, not found, breach)


def limit_checks(name: str, promise: str, observed: float, rule: Rule) -> list[Check]:
    """A figure against its limit, and against the level at which the policy wants to be told."""
    checks = [Check(name, promise, observed, rule.value, observed <= rule.value + 1e-12, rule.breach)]
    if rule.warn_at is not None and checks[0].passed:
        checks.append(Check(f"{name}_warning", promise, observed, rule.warn_at, observed <= rule.warn_at, "warn"))
    return checks
