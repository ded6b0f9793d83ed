"""The central data dictionary: what each column means, and how far it may be coarsened."""

import itertools
from collections.abc import Mapping
from enum import StrEnum
from functools import cached_property
from pathlib import Path
from typing import Literal, Self

from pydantic import Field, field_validator, model_validator

from sdc.documents import Frozen, read_document
from sdc.errors import DictionaryError


class Role(StrEnum):
    """What a column is to somebody who tries to find a person in the file."""

    IDENTIFIER = "identifier"
    HOUSEHOLD = "household"
    KEY = "key"
    SENSITIVE = "sensitive"
    WEIGHT = "weight"
    COUNT = "count"
    OTHER = "other"


class Type(StrEnum):
    """What a cell holds. `codes` is a select_multiple: codes separated by blanks."""

    INTEGER = "integer"
    NUMBER = "number"
    DATE = "date"
    CODE = "code"
    CODES = "codes"
    TEXT = "text"


class Geography(StrEnum):
    """How finely a column places a row; ordered from coarse to fine."""

    ADMIN0 = "admin0"
    ADMIN1 = "admin1"
    ADMIN2 = "admin2"
    ADMIN3 = "admin3"
    ADMIN4 = "admin4"
    SITE = "site"
    POINT = "point"

    @property
    def depth(self) -> int:
        """0 for the country, 6 for a point."""
        return list(Geography).index(self)


class Sensitivity(StrEnum):
    """OCHA's four classes of information sensitivity, ordered."""

    LOW = "low"
    MODERATE = "moderate"
    HIGH = "high"
    SEVERE = "severe"

    @property
    def rank(self) -> int:
        """0 for low, 3 for severe."""
        return list(Sensitivity).index(self)


Labels = dict[str, str]


class Level(Frozen):
    """One level of a hierarchy: exactly one of `map`, `bands`, `date`.

    `map` takes each code of the level below to a coarser code. `bands` are the lower ends of classes of a number, as
    collected. `date` truncates a date.
    """

    name: str
    map: dict[str, str] | None = None
    bands: tuple[int, ...] | None = None
    date: Literal["month", "quarter", "year"] | None = None

    @model_validator(mode="after")
    def _one_way(self) -> Self:
        if sum(way is not None for way in (self.map, self.bands, self.date)) != 1:
            raise ValueError("a level needs exactly one of `map`, `bands`, `date`")
        if self.bands is not None and (not self.bands or list(self.bands) != sorted(set(self.bands))):
            raise ValueError("`bands` must rise and must not be empty")
        return self


class Variable(Frozen):
    """One column: its name, what it holds, its role, its hierarchy."""

    name: str = Field(min_length=1)
    aliases: tuple[str, ...] = ()
    label: Labels = {}
    type: Type
    role: Role
    scope: Literal["meta", "loc", "hh", "ind", "case"] = "loc"
    codes: dict[str, Labels] = {}
    open_codes: bool = False
    geography: Geography | None = None
    hierarchy: tuple[Level, ...] = ()
    level: int = 0
    follows: str | None = None
    sensitivity: Sensitivity = Sensitivity.LOW
    unit: str | None = None
    min: float | None = None
    max: float | None = None
    required: bool = False
    unique: bool = False
    formats: tuple[str, ...] = ()
    hxl: str | None = None

    @model_validator(mode="after")
    def _coherent(self) -> Self:
        coded = self.type in (Type.CODE, Type.CODES)
        if coded and not self.codes and not self.open_codes:
            raise ValueError(f"`{self.name}`: a coded variable needs `codes`, or `open_codes: true`")
        if not coded and self.codes:
            raise ValueError(f"`{self.name}`: only a coded variable has `codes`")
        if self.role == Role.COUNT and self.type != Type.INTEGER:
            raise ValueError(f"`{self.name}`: a count is an integer")
        if self.role == Role.WEIGHT and self.type not in (Type.INTEGER, Type.NUMBER):
            raise ValueError(f"`{self.name}`: a weight is a number")
        below: frozenset[str] = frozenset(self.codes)
        finer: tuple[int, ...] | None = None
        for level in self.hierarchy:
            where = f"`{self.name}`, level `{level.name}`"
            if level.bands is not None:
                if self.type not in (Type.INTEGER, Type.NUMBER):
                    raise ValueError(f"{where}: bands need a number")
                if finer is not None and not set(level.bands) <= set(finer):
                    raise ValueError(f"{where}: its bands must be ends of the level below")
                finer = level.bands
                below = frozenset(band_labels(level.bands))
            elif level.map is not None:
                if self.type in (Type.DATE, Type.CODES):
                    raise ValueError(f"{where}: a map needs single codes")
                if below and below - set(level.map):
                    missing = len(below - set(level.map))
                    raise ValueError(f"{where}: {missing} codes of the level below have no coarser code")
                below, finer = frozenset(level.map.values()), ()
            elif self.type != Type.DATE:
                raise ValueError(f"{where}: `date` needs a date")
        return self

    @property
    def is_free_text(self) -> bool:
        """Whether people wrote what they liked; a household's number as text is none."""
        return self.type == Type.TEXT and self.role != Role.HOUSEHOLD

    @property
    def top(self) -> int:
        """The highest level; one above it the column is dropped."""
        return len(self.hierarchy)

    def codes_at(self, level: int) -> tuple[str, ...] | None:
        """Codes that a cell may hold at a level, in order; None where any value may stand."""
        if level == 0:
            return tuple(self.codes) if self.codes else None
        step = self.hierarchy[level - 1]
        if step.bands is not None:
            return band_labels(step.bands)
        if step.map is not None:
            return tuple(dict.fromkeys(step.map.values()))
        return None


def band_labels(bands: tuple[int, ...]) -> tuple[str, ...]:
    """Names of the classes that begin at `bands`: ``(0, 18, 60)`` gives ``0-17, 18-59, 60+``, below 0 ``under 0``."""
    ends = itertools.pairwise(bands)
    inner = [f"{low}-{high - 1}" if high - 1 > low else f"{low}" for low, high in ends]
    return (f"under {bands[0]}", *inner, f"{bands[-1]}+")


class Link(Frozen):
    """An identity between counts of one row: `total` is the sum of `parts`. One part: the two are the same count.

    `broken_rows_allowed` is how many rows of one extract may break it before ingest refuses: real files hold a few.
    """

    total: str
    parts: tuple[str, ...] = Field(min_length=1)
    broken_rows_allowed: int = 0

    @property
    def members(self) -> tuple[str, ...]:
        """All columns of the identity."""
        return (self.total, *self.parts)


class Dictionary(Frozen):
    """All that is known of one component's columns."""

    component: str
    version: str
    title: Labels
    unit: str
    missing: tuple[str, ...] = ()
    variables: tuple[Variable, ...] = Field(min_length=1)
    links: tuple[Link, ...] = ()

    @field_validator("variables")
    @classmethod
    def _names_once(cls, variables: tuple[Variable, ...]) -> tuple[Variable, ...]:
        seen: dict[str, str] = {}
        for variable in variables:
            for name in (variable.name, *variable.aliases):
                if name in seen:
                    raise ValueError(f"`{name}` names both `{seen[name]}` and `{variable.name}`")
                seen[name] = variable.name
        return variables

    @model_validator(mode="after")
    def _references(self) -> Self:
        names = {variable.name: variable for variable in self.variables}
        for variable in self.variables:
            walk, leader = {variable.name}, variable.follows
            while leader is not None:
                if leader not in names:
                    raise ValueError(f"`{variable.name}` follows `{leader}`, which is no variable")
                if leader in walk:
                    raise ValueError(f"`{variable.name}` follows itself")
                walk.add(leader)
                leader = names[leader].follows
        for link in self.links:
            for member in link.members:
                if member not in names or names[member].role != Role.COUNT:
                    raise ValueError(f"link of `{link.total}`: `{member}` is no count")
        for role in (Role.WEIGHT, Role.HOUSEHOLD):
            if sum(variable.role == role for variable in self.variables) > 1:
                raise ValueError(f"more than one variable has the role `{role}`")
        return self

    @cached_property
    def by_name(self) -> Mapping[str, Variable]:
        """Variables by their names (not their aliases)."""
        return {variable.name: variable for variable in self.variables}

    @property
    def kind(self) -> Literal["counts", "records"]:
        """`counts` where rows are places with people counted in them, `records` where they are people."""
        return "counts" if any(variable.role == Role.COUNT for variable in self.variables) else "records"


class _File(Dictionary):
    """A dictionary as people write it: code lists once, variables refer to them by name."""

    lists: dict[str, dict[str, Labels]] = {}

    @model_validator(mode="before")
    @classmethod
    def _resolve_lists(cls, content: dict) -> dict:
        lists = content.get("lists") or {}
        resolved = []
        for variable in content.get("variables") or ():
            codes = variable.get("codes") if isinstance(variable, dict) else None
            if isinstance(codes, str):
                if codes not in lists:
                    raise ValueError(f"`{variable.get('name')}`: there is no list `{codes}`")
                codes = lists[codes]
            if isinstance(variable, dict) and codes:
                variable = {**variable, "codes": {str(code): labels for code, labels in codes.items()}}
            resolved.append(variable)
        return {**content, "variables": resolved}


def read_dictionary(path: Path) -> Dictionary:
    """Read one component's dictionary.

    Raises
    ------
    DictionaryError : with one fault for each wrong entry.
    """
    return read_document(path, _File, DictionaryError)
