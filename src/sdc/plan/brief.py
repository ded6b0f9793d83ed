"""What a plan is compiled for, and what it is made of."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from sdc.dictionary import Dictionary
from sdc.policy import Policy
from sdc.request import Request
from sdc.table import Table

NOT_ASKED = "not asked for in the request: the least data that serves the purpose"


class Step(NamedTuple):
    """One protection: its name on the menu, its plain values, and why it is taken."""

    name: str
    params: Mapping
    because: str


class Brief(NamedTuple):
    """What a plan is compiled for."""

    dictionary: Dictionary
    policy: Policy
    request: Request


def dropping(columns: Sequence[str], because: str) -> tuple[Step, ...]:
    """The step that drops columns; none where there are none."""
    return (Step("drop_columns", {"columns": list(columns)}, because),) if columns else ()


def with_followers(table: Table, names: Sequence[str]) -> list[str]:
    """Columns with all that follow them, in column order."""
    hidden = {name for leader in names for name in (leader, *table.followers(leader))}
    return [name for name in table.rows.columns if name in hidden]
