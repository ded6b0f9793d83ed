"""Rows and what each column means: the one type that flows."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Self

import pandas as pd

from sdc.dictionary import Link, Role, Variable


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
    """

    rows: pd.DataFrame
    variables: tuple[Variable, ...]
    links: tuple[Link, ...] = ()

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
        kept = tuple(variable for variable in self.variables if variable.name not in gone)
        return replace(self, rows=self.rows[[variable.name for variable in kept]], variables=kept)

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
