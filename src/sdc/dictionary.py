"""The central data dictionary: what each column means, and how far it may be coarsened."""

import itertools
from collections.abc import Mapping
from enum import StrEnum
from functools import cached_property
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import Field, field_validator, model_validator

from sdc.documents import Frozen, parse_document, read_text
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


class Confidence(StrEnum):
    """How sure a proposal is."""

    HIGH = "high"
    MEDIUM = "medium"
    LOW = "low"


Labels = dict[str, str]
Version = Annotated[str, Field(pattern=r"^[0-9]+(\.[0-9]+)*$")]
IndicatorType = Literal[
    "Core",
    "Core Central Data Warehouse",
    "Optional",
    "Recommended by Global Sectoral Experts",
    "Requested by Mission",
]


class Proposal(Frozen):
    """A role that nobody has confirmed yet: what it is, why, and how sure that is."""

    role: Role
    because: str = Field(min_length=1)
    confidence: Confidence


class Question(Frozen):
    """How a form asks for a variable: what an XLSForm holds besides the variable's own facts.

    `type` is XLSForm's, without its list; `derived` is a column that no row of the form asks for, such as a latitude
    beside its geopoint. `group` is the path of groups and repeats, `repeat` the innermost repeat.
    """

    type: str
    group: str = ""
    repeat: str | None = None
    file: str | None = None
    required: str | None = None
    hint: Labels = {}
    constraint_message: Labels = {}
    choice_filter: str | None = None
    appearance: str | None = None
    default: str | None = None
    parameters: str | None = None
    anonymise: str | None = None


class Group(Frozen):
    """A group or a repeat of a form, by its path."""

    path: str = Field(min_length=1)
    label: Labels = {}
    relevant: str | None = None
    repeat: bool = False
    repeat_count: str | None = None
    appearance: str | None = None


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
    """One column: its name, what it holds, its role, its hierarchy.

    An entry that a form or a file drafted says `confirmed: false` and what was `proposed`; ingest refuses it until a
    person confirms. `since` and `until` are the first and the last version of the dictionary in which it is asked.
    `min` and `max` bound a number; `relevant`, `constraint` and `calculate` are the form's own text, kept and not run.
    """

    name: str = Field(min_length=1)
    id: str | None = Field(default=None, pattern=r"^[a-z][0-9]{3,5}$")
    confirmed: bool = True
    proposed: Proposal | None = None
    aliases: tuple[str, ...] = ()
    label: Labels = {}
    type: Type
    role: Role
    scope: Literal["meta", "loc", "hh", "ind", "case"] = "loc"
    indicator_type: IndicatorType | None = None
    list_name: str | None = None
    codes: dict[str, Labels] = {}
    codes_since: dict[str, Version] = {}
    open_codes: bool = False
    separator: str | None = Field(default=None, min_length=1, max_length=3)  # between codes; blanks where none is given
    geography: Geography | None = None
    hierarchy: tuple[Level, ...] = ()
    level: int = 0
    follows: str | None = None
    sensitivity: Sensitivity = Sensitivity.LOW
    sensitive_codes: tuple[str, ...] = ()  # a row (a site) with one of these is shown to nobody
    describes: str | None = None  # the count of the people that this column of a place speaks of
    unit: str | None = None
    min: float | None = None
    max: float | None = None
    required: bool = False
    unique: bool = False
    formats: tuple[str, ...] = ()
    hxl: str | None = None
    relevant: str | None = None
    constraint: str | None = None
    calculate: str | None = None
    since: Version | None = None
    until: Version | None = None
    replaced_by: str | None = None
    notes: tuple[str, ...] = ()
    form: Question | None = None

    @model_validator(mode="after")
    def _coherent(self) -> Self:
        coded = self.type in (Type.CODE, Type.CODES)
        if coded and not self.codes and not self.open_codes:
            raise ValueError(f"`{self.name}`: a coded variable needs `codes`, or `open_codes: true`")
        if not coded and self.codes:
            raise ValueError(f"`{self.name}`: only a coded variable has `codes`")
        if self.separator is not None and self.type != Type.CODES:
            raise ValueError(f"`{self.name}`: only a select_multiple (`codes`) has a `separator`")
        if set(self.codes_since) - set(self.codes):
            raise ValueError(f"`{self.name}`: `codes_since` names a code that is not in the list")
        if self.since and self.until and version_key(self.until) < version_key(self.since):
            raise ValueError(f"`{self.name}`: `until` lies before `since`")
        if set(self.sensitive_codes) - set(self.codes):
            raise ValueError(f"`{self.name}`: `sensitive_codes` names codes outside its list")
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

    def asked_in(self, version: str) -> bool:
        """Whether a version of the dictionary asks for it."""
        at = version_key(version)
        return (self.since is None or version_key(self.since) <= at) and (
            self.until is None or at <= version_key(self.until)
        )

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


def version_key(version: str) -> tuple[int, ...]:
    """A version as numbers that compare: ``1.10`` comes after ``1.9``, and ``1`` is ``1.0``."""
    numbers = [int(part) for part in version.split(".")]
    while len(numbers) > 1 and not numbers[-1]:
        numbers.pop()
    return tuple(numbers)


def band_labels(bands: tuple[int, ...]) -> tuple[str, ...]:
    """Names of the classes that begin at `bands`: ``(0, 18, 60)`` gives ``0-17, 18-59, 60+``, below 0 ``under 0``."""
    ends = itertools.pairwise(bands)
    inner = [f"{low}-{high - 1}" if high - 1 > low else f"{low}" for low, high in ends]
    return (f"under {bands[0]}", *inner, f"{bands[-1]}+")


class Link(Frozen):
    """An identity between counts of one row: `total` is the sum of `parts`. One part: the two are the same count.

    `broken_rows_allowed` is how many rows of one extract may break it before ingest refuses: real files hold a few.
    `sensitive` marks a breakdown by something that must not be told of a whole group (reasons, needs).
    """

    total: str
    parts: tuple[str, ...] = Field(min_length=1)
    broken_rows_allowed: int = 0
    sensitive: bool = False

    @property
    def members(self) -> tuple[str, ...]:
        """All columns of the identity."""
        return (self.total, *self.parts)


class Dictionary(Frozen):
    """All that is known of one component's columns."""

    component: str
    version: Version
    title: Labels
    unit: str
    missing: tuple[str, ...] = ()
    variables: tuple[Variable, ...] = Field(min_length=1)
    links: tuple[Link, ...] = ()
    groups: tuple[Group, ...] = ()

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
        lists: dict[str, Variable] = {}
        for variable in self.variables:
            if variable.replaced_by is not None and variable.replaced_by not in names:
                raise ValueError(f"`{variable.name}` is replaced by `{variable.replaced_by}`, which is no variable")
            shared = lists.setdefault(variable.list_name, variable) if variable.list_name else variable
            if (shared.codes, shared.codes_since) != (variable.codes, variable.codes_since):
                raise ValueError(f"`{shared.name}` and `{variable.name}` differ in the list `{variable.list_name}`")
            walk, leader = {variable.name}, variable.follows
            while leader is not None:
                if leader not in names:
                    raise ValueError(f"`{variable.name}` follows `{leader}`, which is no variable")
                if leader in walk:
                    raise ValueError(f"`{variable.name}` follows itself")
                walk.add(leader)
                leader = names[leader].follows
            if variable.describes is not None and names.get(variable.describes, variable).role != Role.COUNT:
                raise ValueError(f"`{variable.name}` describes `{variable.describes}`, which is no count")
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
    def unconfirmed(self) -> tuple[Variable, ...]:
        """Variables whose role was proposed and that nobody has confirmed."""
        return tuple(variable for variable in self.variables if not variable.confirmed)

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
                if not isinstance(lists, dict) or codes not in lists:
                    raise ValueError(f"`{variable.get('name')}`: there is no list `{codes}`")
                variable = {**variable, "list_name": codes}
                codes = lists[codes]
            if isinstance(variable, dict) and isinstance(codes, dict) and codes:
                variable = {**variable, **_with_since(codes)}
            resolved.append(variable)
        return {**content, "variables": resolved}


def _with_since(codes: dict) -> dict[str, dict]:
    """A list as people write it, `since` among the labels of a code, to `codes` and `codes_since`."""
    labels, since = {}, {}
    for code, told in codes.items():
        labels[str(code)] = told
        if isinstance(told, dict) and "since" in told:
            labels[str(code)] = {language: text for language, text in told.items() if language != "since"}
            since[str(code)] = str(told["since"])
    return {"codes": labels, "codes_since": since} if since else {"codes": labels}


def parse_dictionary(text: str, where: str) -> Dictionary:
    """A dictionary from its YAML text.

    Raises
    ------
    DictionaryError : with one fault for each wrong entry.
    """
    file = parse_document(text, where, _File, DictionaryError)
    return Dictionary(**{name: getattr(file, name) for name in Dictionary.model_fields})


def read_dictionary(path: Path) -> Dictionary:
    """Read one component's dictionary.

    Raises
    ------
    DictionaryError : with one fault for each wrong entry.
    """
    return parse_dictionary(read_text(path, DictionaryError), str(path))
