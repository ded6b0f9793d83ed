"""Rows and what each column means: the one type that flows."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Self

import pandas as pd

from sdc.dictionary import Link, Role, Type, Variable


@dataclass(frozen=True, eq=False)
class Table:
    """A data file with the meaning of its columns.

    Attributes
    ----------
    rows : DataFrame
        Indexed by record number, which is never released. Columns in the order of `variables`.
    variables : tuple of Variable
        One a column; `level` says how far it has been recoded.
    links : tuple of Link
        Identities between counts of one row. Members that are no longer in the file still count: a total that was
        dropped can be asked for elsewhere.
    revealing : DataFrame of bool, (rows, counts), optional
        Sums that a rule on the places behind them forbids to show. Known between two steps only, never written.
    alone : DataFrame of int64, (rows, counts), optional
        Number of the only place with people behind each sum; -1 where none or several are. Known as `revealing` is.
    """

    rows: pd.DataFrame
    variables: tuple[Variable, ...]
    links: tuple[Link, ...] = ()
    revealing: pd.DataFrame | None = None
    alone: pd.DataFrame | None = None

    def __post_init__(self) -> None:
        names = [variable.name for variable in self.variables]
        assert list(self.rows.columns) == names, "columns and variables differ"  # ingest and steps build both

    def __len__(self) -> int:
        return len(self.rows)

    def __getitem__(self, name: str) -> Variable:
        return next(variable for variable in self.variables if variable.name == name)

    def __contains__(self, name: str) -> bool:
        return name in self.rows.columns

    def names(self, *roles: Role) -> list[str]:
        """Names of the columns with one of the roles, in column order."""
        return [variable.name for variable in self.variables if variable.role in roles]

    def name(self, role: Role) -> str | None:
        """Name of the only column with a role, or None."""
        return next(iter(self.names(role)), None)

    def with_rows(self, rows: pd.DataFrame) -> Self:
        """The same columns with other rows."""
        return replace(self, rows=rows)

    def drop(self, columns: Iterable[str]) -> Self:
        """Without some columns."""
        gone = set(columns)
        kept = tuple(self._relinked(variable, gone) for variable in self.variables if variable.name not in gone)
        return replace(self, rows=self.rows[[variable.name for variable in kept]], variables=kept)

    def _relinked(self, variable: Variable, gone: set[str]) -> Variable:
        """A column whose leader goes follows the nearest leader that stays."""
        leader, seen = variable.follows, {variable.name}
        while leader in gone and leader in self and leader not in seen:
            seen.add(leader)
            leader = self[leader].follows
        return variable if leader == variable.follows else variable.model_copy(update={"follows": leader})

    def with_variable(self, changed: Variable) -> Self:
        """With one column's meaning replaced."""
        return replace(self, variables=tuple(changed if old.name == changed.name else old for old in self.variables))

    def followers(self, name: str) -> list[str]:
        """Columns to hide wherever `name` is hidden: those that follow it, directly or through others."""
        found: list[str] = []
        wave = [name]
        while wave:
            wave = [variable.name for variable in self.variables if variable.follows in wave]
            found += wave
        return found

    def repeats_a_place(self, name: str) -> bool:
        """Whether a column names the same place as the column that it follows: a name beside its code."""
        leader = self[name].follows
        if leader is None or leader not in self or self[name].geography is None:
            return False
        return self[name].geography == self[leader].geography

    def keys(self) -> list[str]:
        """Key variables, without those that only repeat another key: a name beside its code.

        A key is left out when it follows another key and every value of that one has a single value of it.
        """
        keys = self.names(Role.KEY)
        return [name for name in keys if not any(self._repeats(name, leader) for leader in self._leaders(name, keys))]

    def _leaders(self, name: str, among: list[str]) -> list[str]:
        found, leader = [], self[name].follows
        while leader is not None and leader in self:
            if leader in among:
                found.append(leader)
            leader = self[leader].follows
        return found

    def _repeats(self, name: str, leader: str) -> bool:
        pairs = self.rows[[leader, name]].drop_duplicates()
        return not pairs[leader].duplicated().any()


def stack(tables: Sequence[Table]) -> Table:
    """Rounds of one component as one table; a column that a round does not have is missing there.

    Records are numbered anew, in the order of `tables`.
    """
    variables: dict[str, Variable] = {}
    for table in tables:
        variables |= {variable.name: variable for variable in table.variables if variable.name not in variables}
    rows = pd.concat([table.rows for table in tables], ignore_index=True)
    for name, variable in variables.items():
        if variable.codes and variable.type == Type.CODE:
            rows[name] = rows[name].astype(pd.CategoricalDtype(list(variable.codes)))
    return Table(rows[list(variables)], tuple(variables.values()), tables[0].links)
