"""The official list of places: which p-codes there are, what they are called, which lie within which."""

import csv
import re
import unicodedata
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pandas as pd
from pydantic import Field

from sdc.dictionary import Geography, Labels, Level, Type, Variable
from sdc.documents import Frozen, read_text
from sdc.errors import DictionaryError, Fault

_HEADER = {
    "location": "country", "country": "country", "iso3": "country",
    "admin level": "level", "admin_level": "level", "level": "level",
    "p-code": "code", "pcode": "code", "p_code": "code", "code": "code",
    "name": "name",
    "parent p-code": "parent", "parent pcode": "parent", "parent_pcode": "parent", "parent": "parent",
    "other names": "aliases", "alternative names": "aliases", "aliases": "aliases",
}  # fmt: skip
_SEVERAL = re.compile(r"[\s,;/|&+]+")
AREAS = tuple(level for level in Geography if Geography.ADMIN0.depth <= level.depth <= Geography.ADMIN4.depth)


class PlacesCheck(Frozen):
    """How the places of one extract are held against the official list.

    Attributes
    ----------
    file : the list, in the format of HDX's global p-code list.
    country : ISO 3 code; left out: all countries of the list.
    columns : variables with p-codes; left out: every code with an admin area as its geography.
    several : what to do with a cell that holds several codes: refuse it, or take the first; nothing is guessed.
    unknown_rows_allowed, names_rows_allowed, nesting_rows_allowed :
        Records that may hold a code that the list lacks, a name that is not the code's, or areas that do not lie
        within one another, before ingest refuses.
    """

    file: Path
    country: str | None = Field(default=None, pattern=r"^[A-Z]{3}$")
    columns: tuple[str, ...] = ()
    several: Literal["refuse", "first"] = "refuse"
    unknown_rows_allowed: int = Field(default=0, ge=0)
    names_rows_allowed: int = Field(default=0, ge=0)
    nesting_rows_allowed: int = Field(default=0, ge=0)


@dataclass(frozen=True)
class Places:
    """A list of places.

    Attributes
    ----------
    levels : dict, level (0 for the country) to its codes in the order of the list
    parents : dict, code to the code of the area around it
    names : dict, code to its names as written, the official one first
    """

    levels: Mapping[int, tuple[str, ...]]
    parents: Mapping[str, str]
    names: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    @cached_property
    def level_of(self) -> Mapping[str, int]:
        """Level of each code."""
        return {code: level for level, codes in self.levels.items() for code in codes}

    def lengths(self, level: int) -> frozenset[int]:
        """How many characters the codes of a level have."""
        return frozenset(len(code) for code in self.levels.get(level, ()))

    def around(self, code: str, level: int) -> str | None:
        """The area of a level that a code lies in; None where the list does not say."""
        at: str | None = code
        while at is not None and self.level_of.get(at, -1) > level:
            at = self.parents.get(at)
        return at if at is not None and self.level_of.get(at) == level else None

    @cached_property
    def called(self) -> Mapping[str, frozenset[str]]:
        """Names of each code, levelled for comparison."""
        return {code: frozenset(bare_name(name) for name in names) for code, names in self.names.items()}


def read_places(path: Path, country: str | None = None) -> Places:
    """Read a list of places.

    Parameters
    ----------
    path : Path of a CSV in UTF-8
        Columns ``Location, Admin Level, P-Code, Name, Parent P-Code`` as in HDX's global p-code list, and if wanted
        ``Other names``, separated by ``|``. A row of HXL hashtags is no place.
    country : str, ISO 3 code of the only country wanted

    Returns
    -------
    Places

    Raises
    ------
    DictionaryError
        When a column is absent, a level is no number, a code stands twice, or a parent is not in the list, one level
        above; with the number of such rows.
    """
    where = str(path)
    lines = read_text(path, DictionaryError).removeprefix("\ufeff").splitlines()
    rows = csv.reader(lines)
    header = [_HEADER.get(name.strip().casefold()) for name in next(rows, [])]
    for needed in ("country", "level", "code", "name", "parent"):
        if needed not in header:
            do = "Its columns: Location, Admin Level, P-Code, Name, Parent P-Code."
            raise DictionaryError(where, f"has no column for the {needed} of a place", do)
    place = {name: header.index(name) for name in header if name is not None}
    levels: dict[int, dict[str, None]] = {0: {}}
    parents: dict[str, str] = {}
    names: dict[str, tuple[str, ...]] = {}
    twice = wrong = 0
    for row in rows:
        if not row or row[0].startswith("#") or len(row) < len(header):
            continue
        at = row[place["country"]].strip()
        if country is not None and at != country:
            continue
        level, code = row[place["level"]].strip(), row[place["code"]].strip()
        if not code or not level.isdigit():
            wrong += 1
            continue
        levels[0].setdefault(at)
        if any(code in known for known in levels.values()) and int(level):
            twice += 1
            continue
        levels.setdefault(int(level), {})[code] = None
        if int(level):
            parents[code] = row[place["parent"]].strip()
        aliases = row[place["aliases"]].split("|") if "aliases" in place else []
        names[code] = tuple(name.strip() for name in (row[place["name"]], *aliases) if name.strip())
    found = Places({level: tuple(codes) for level, codes in sorted(levels.items())}, parents, names)
    adrift = sum(found.level_of.get(parent, -1) != found.level_of[code] - 1 for code, parent in parents.items())
    faults = [
        Fault(where, f"{count:,} rows {what}", do)
        for count, what, do in (
            (wrong, "have no code, or a level that is no number", "Mend them."),
            (twice, "hold a code that stands twice", "Keep one of each."),
            (adrift, "have a parent that is not in the list, one level above", "Add it, or mend it."),
        )
        if count
    ]
    if not found.parents and not faults:
        wanted = f" of {country}" if country else ""
        faults = [Fault(where, f"holds no places{wanted}", "Is it the right list?")]
    if faults:
        raise DictionaryError.of(faults)
    return found


def bare_name(name: str) -> str:
    """A name of a place levelled for comparison: no case, no accents, no signs; never by likeness."""
    plain = unicodedata.normalize("NFKD", name)
    return "".join(sign for sign in plain.casefold() if sign.isalnum() and not unicodedata.combining(sign))


def pcode_columns(variables: Iterable[Variable], check: PlacesCheck) -> dict[str, Variable]:
    """Variables that hold p-codes, by name: those declared, else coded areas that do not name another column's."""
    by_name = {variable.name: variable for variable in variables}
    if check.columns:
        unknown = [name for name in check.columns if name not in by_name or by_name[name].geography not in AREAS]
        if unknown:
            told = ", ".join(f"`{name}`" for name in unknown)
            do = "Give them `geography: admin1` or such in the dictionary, or mend `columns`."
            raise DictionaryError("`places.columns`", f"{told} is no variable with an admin area as geography", do)
        return {name: by_name[name] for name in check.columns}
    return {
        name: variable
        for name, variable in by_name.items()
        if variable.geography in AREAS and variable.type == Type.CODE and not _names_its_leader(variable, by_name)
    }


def _names_its_leader(variable: Variable, by_name: Mapping[str, Variable]) -> bool:
    leader = by_name.get(variable.follows or "")
    return leader is not None and leader.geography == variable.geography


def first_of_several(
    column: pd.Series, variable: Variable, places: Places, check: PlacesCheck, where: str
) -> tuple[pd.Series, int, list[Fault]]:
    """Settle the cells of a column that hold several codes.

    A cell holds several when, cut at blanks, commas, semicolons, slashes and bars, at least two of its parts are
    codes of the list; a name with a blank in it does not.

    Parameters
    ----------
    column : Series of str, n records
    variable : Variable
    places : Places
    check : PlacesCheck
    where : str, for faults

    Returns
    -------
    column : Series of str; with `several: first`, such cells hold their first code
    records : int, with several codes
    faults : list of Fault, unless the first is to be taken
    """
    firsts = {text: codes[0] for text in column.dropna().unique() if len(codes := _codes_in(str(text), places)) > 1}
    if not firsts:
        return column, 0, []
    several = column.isin(list(firsts))
    records = int(several.sum())
    if check.several == "first":
        return column.mask(several, column.map(firsts)).astype(column.dtype), records, []
    do = "Split the records, or declare `several: first` in `places` of the extract."
    return column, records, [Fault(f"{where}, `{variable.name}`", f"{records:,} records hold several p-codes", do)]


def _codes_in(text: str, places: Places) -> list[str]:
    parts = [part for part in _SEVERAL.split(text.strip()) if part]
    return [part for part in parts if part in places.level_of] if len(parts) > 1 else []


def check_places(
    columns: Mapping[str, pd.Series],
    variables: Sequence[Variable],
    places: Places,
    check: PlacesCheck,
    where: str,
) -> tuple[list[Fault], list[dict[str, Any]]]:
    """Hold the places of a file against the list.

    Parameters
    ----------
    columns : mapping of variable name to Series, n records; codes as text or categories
    variables : sequence of Variable
    places : Places
    check : PlacesCheck
    where : str, for faults

    Returns
    -------
    faults : list of Fault
        Of columns with more unknown codes, wrong names or areas that do not nest than are allowed.
    report : list of dict with column, level, records, unknown, wrong_length, other_level, names_differ, not_nested
        Counts of records, one dict a p-code column; null where there is nothing to compare with.

    Guarantees
    ----------
    * No code and no name is told: counts only.
    * Nothing is changed.
    """
    by_name = {variable.name: variable for variable in variables}
    coded = {name: v for name, v in pcode_columns(variables, check).items() if name in columns}
    faults: list[Fault] = []
    report = []
    for name, variable in coded.items():
        level = _level(variable)
        codes = _text(columns[name])
        row, found = _existence(codes, level, places)
        place = f"{where}, `{name}`"
        if row["unknown"] > check.unknown_rows_allowed:
            lengths = " or ".join(map(str, sorted(places.lengths(level)))) or "no"
            what = (
                f"{row['unknown']:,} of {row['records']:,} records hold no p-code of admin {level}: "
                f"{row['wrong_length']:,} have another length than {lengths}, {row['other_level']:,} are of another "
                f"level; {check.unknown_rows_allowed:,} are allowed"
            )
            do = "Mend the codes, or the list, or `unknown_rows_allowed` in `places` of the extract."
            faults.append(Fault(place, what, do))
        row["names_differ"] = row["not_nested"] = None
        for other, follower in by_name.items():
            if follower.follows == name and follower.geography == variable.geography and other in columns:
                differ = int(_differing_names(codes.where(found), _text(columns[other]), places).sum())
                row["names_differ"] = (row["names_differ"] or 0) + differ
                if differ > check.names_rows_allowed:
                    allowed = f"{check.names_rows_allowed:,} are allowed"
                    what = f"{differ:,} records hold another name than that of `{name}`, {allowed}"
                    do = "Mend code or name, add the name to `Other names` of the list, or raise `names_rows_allowed`."
                    faults.append(Fault(f"{where}, `{other}`", what, do))
        outer = _around(variable, by_name, coded)
        if outer is not None:
            apart = int(_apart(codes.where(found), _text(columns[outer.name]), _level(outer), places).sum())
            row["not_nested"] = apart
            if apart > check.nesting_rows_allowed:
                what = f"{apart:,} records lie outside their `{outer.name}`, {check.nesting_rows_allowed:,} are allowed"
                faults.append(Fault(place, what, "Mend one of the two codes, or raise `nesting_rows_allowed`."))
        report.append({"column": name, "level": level, **row})
    return faults, report


def _level(variable: Variable) -> int:
    assert variable.geography is not None  # `pcode_columns` takes no other
    return variable.geography.depth


def _text(column: pd.Series) -> pd.Series:
    """A column as plain text with missing values, whatever it is stored as."""
    return column.astype(object).where(column.notna(), None)


def _existence(codes: pd.Series, level: int, places: Places) -> tuple[dict[str, Any], pd.Series]:
    """Counts of codes that the list lacks at a level, and which records hold one that it has."""
    given = codes.notna()
    found = codes.isin(places.levels.get(level, ())) & given
    lost = codes[given & ~found].value_counts()
    lengths = places.lengths(level)
    size = np.array([len(code) not in lengths for code in lost.index], dtype=bool)
    elsewhere = np.array([code in places.level_of for code in lost.index], dtype=bool)
    counts = {
        "records": int(given.sum()),
        "unknown": int(lost.sum()),
        "wrong_length": int(lost[size & ~elsewhere].sum()),
        "other_level": int(lost[elsewhere].sum()),
    }
    return counts, found


def misplaced(
    columns: Mapping[str, pd.Series], variables: Sequence[Variable], places: Places, check: PlacesCheck
) -> list[tuple[str, str, np.ndarray]]:
    """Records that `check_places` counts, for whoever mends the file.

    Returns
    -------
    list of (column, what is wrong, array of bool, (n,))
    """
    by_name = {variable.name: variable for variable in variables}
    coded = {name: v for name, v in pcode_columns(variables, check).items() if name in columns}
    wrong = []
    for name, variable in coded.items():
        codes = _text(columns[name])
        _, found = _existence(codes, _level(variable), places)
        wrong.append((name, f"hold no p-code of admin {_level(variable)}", (codes.notna() & ~found).to_numpy()))
        for other, follower in by_name.items():
            if follower.follows == name and follower.geography == variable.geography and other in columns:
                differ = _differing_names(codes.where(found), _text(columns[other]), places)
                wrong.append((other, f"hold another name than that of `{name}`", differ))
        outer = _around(variable, by_name, coded)
        if outer is not None:
            apart = _apart(codes.where(found), _text(columns[outer.name]), _level(outer), places)
            wrong.append((name, f"lie outside their `{outer.name}`", apart))
    return [(name, what, records) for name, what, records in wrong if records.any()]


def _differing_names(codes: pd.Series, names: pd.Series, places: Places) -> np.ndarray:
    """Records whose name is none of the code's; a code without names in the list agrees with any."""
    return _paired(
        codes, names, lambda code, name: bool(places.called.get(code)) and bare_name(name) not in places.called[code]
    )


def _paired(one: pd.Series, other: pd.Series, wrong: Callable[[str, str], bool]) -> np.ndarray:
    """Records whose two values are wrong together, each pair looked at once; those with a missing one are not."""
    first, firsts = pd.factorize(one)
    second, seconds = pd.factorize(other)
    pairs = pd.Series(np.where((first < 0) | (second < 0), -1, first * (len(seconds) + 1) + second))
    places, distinct = pd.factorize(pairs)
    told = [
        pair >= 0 and wrong(str(firsts[pair // (len(seconds) + 1)]), str(seconds[pair % (len(seconds) + 1)]))
        for pair in distinct
    ]
    return np.array(told, dtype=bool)[places]


def _around(variable: Variable, by_name: Mapping[str, Variable], coded: Mapping[str, Variable]) -> Variable | None:
    """The nearest p-code column that a column follows and that is coarser."""
    leader = by_name.get(variable.follows or "")
    while leader is not None:
        if leader.name in coded and _level(leader) < _level(variable):
            return leader
        leader = by_name.get(leader.follows or "")
    return None


def _apart(codes: pd.Series, outer: pd.Series, level: int, places: Places) -> np.ndarray:
    """Records whose area does not lie in the coarser one beside it; the country may stand as any code of the list."""
    known = set(places.levels.get(level, ()))
    return _paired(codes, outer, lambda code, around: around in known and places.around(code, level) != around)


def with_places(variable: Variable, places: Places) -> Variable:
    """A variable with the codes of its level from the list, and the areas around them as its hierarchy.

    Parameters
    ----------
    variable : Variable, its geography an admin area
    places : Places, of one country

    Returns
    -------
    Variable
        `codes` with the official names, `open_codes` off, one level of `map` for each coarser admin area.

    Raises
    ------
    DictionaryError : when its geography is no admin area, or the list has no such level.
    """
    if variable.geography not in AREAS or variable.type != Type.CODE:
        raise DictionaryError(
            f"`{variable.name}`", "is no code of an admin area", "Give it `geography: admin2` or such."
        )
    level = _level(variable)
    codes = places.levels.get(level, ())
    if not codes or not level:
        raise DictionaryError(f"`{variable.name}`", f"the list has no places of admin {level}", "Take another list.")
    labels: dict[str, Labels] = {code: {"en": names[0]} if (names := places.names.get(code)) else {} for code in codes}
    hierarchy = []
    for coarser in range(level - 1, 0, -1):
        inner = dict.fromkeys(code if coarser == level - 1 else places.around(code, coarser + 1) for code in codes)
        hierarchy.append(Level(name=f"admin{coarser}", map={code: places.parents[code] for code in inner if code}))
    fields = {name: getattr(variable, name) for name in variable.model_fields_set}
    fields |= {
        "codes": labels,
        "codes_since": {},
        "list_name": None,
        "open_codes": False,
        "hierarchy": tuple(hierarchy),
    }
    return Variable.model_validate(fields)
