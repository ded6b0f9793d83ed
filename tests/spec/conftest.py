"""The drawing board: a table before, a step, a table after."""

from collections.abc import Callable

import pandas as pd
import pytest

from sdc.dictionary import Link, Role, Type, Variable
from sdc.table import Table


def drawn(picture: str, *, follows: dict[str, str] | None = None, links: tuple[Link, ...] = (), **entries) -> Table:
    """A table from a drawing: names, roles, a rule, rows; `|` between columns, an empty cell is missing."""
    lines = [line for line in picture.strip("\n").splitlines() if line.strip()]
    cells = [[cell.strip() for cell in line.split("|")] for line in lines if set(line.strip()) - set("-+")]
    names, roles, *rows = cells
    variables, columns = [], {}
    for j, (name, role) in enumerate(zip(names, roles, strict=True)):
        values = [row[j] or None for row in rows]
        if name in entries:
            variable = entries[name]
        elif role in ("count", "weight"):
            variable = Variable(name=name, type=Type.INTEGER, role=Role(role))
        else:
            follow = (follows or {}).get(name)
            variable = Variable(name=name, type=Type.CODE, open_codes=True, role=Role(role), follows=follow)
        variables.append(variable)
        if variable.type == Type.INTEGER and variable.level == 0:
            columns[name] = pd.array([None if v is None else int(v) for v in values], dtype="Int64")
        else:
            columns[name] = pd.Series(values, dtype="str")
    return Table(pd.DataFrame(columns), tuple(variables), links)


@pytest.fixture
def spec() -> Callable:
    """Hold a step against its drawing."""

    def holds(step, *, before: str, after: str, follows=None, links=(), entries=None, **params) -> None:
        table = drawn(before, follows=follows, links=links, **(entries or {}))
        untouched = table.rows.copy(deep=True)
        result = step(table, **params)
        pd.testing.assert_frame_equal(table.rows, untouched)
        lines = [line for line in after.strip("\n").splitlines() if set(line.strip()) - set("-+")]
        names, *rows = [[cell.strip() for cell in line.split("|")] for line in lines]
        shown = [["" if pd.isna(v) else str(v) for v in row] for row in result.rows.itertuples(index=False)]
        assert list(result.rows.columns) == names
        assert shown == rows

    return holds
