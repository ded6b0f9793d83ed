"""The draft of a layout and a dictionary for a new file: every entry with its reason, and no cell told."""

import re
import unicodedata
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pandas as pd

from sdc.dictionary import Confidence, Dictionary, Geography, Labels, Link, Role, Type, Variable
from sdc.documents import build
from sdc.drafts.content import NO_VALUE, Facts, facts, written_numbers
from sdc.drafts.derived import Derived, derived
from sdc.drafts.entries import Entries, numbers_of
from sdc.drafts.families import Family, families, is_marks, level_code
from sdc.drafts.identities import Identity, identities
from sdc.drafts.opening import opened
from sdc.drafts.places import country_of
from sdc.errors import DictionaryError
from sdc.forms.merge import merge
from sdc.forms.naming import part_of_name
from sdc.forms.proposals import tokens
from sdc.forms.wordlists import REMARKS
from sdc.ingest.columns import map_columns
from sdc.ingest.labels import as_codes, unreadable
from sdc.ingest.layout import Layout
from sdc.ingest.multiples import choices, disagreements
from sdc.ingest.typed import distinct
from sdc.pcodes import AREAS, Places, PlacesCheck, check_places, read_places

_MACHINE = re.compile(r"[A-Za-z_][\w./:#-]{0,99}")
_SLIPS = 0.05  # of the records, at most, hold a code that the list lacks: with more the list is another one
_ANY = Variable(name="x", type=Type.CODES, role=Role.OTHER, open_codes=True)
_HOW_LIKELY = {True: Confidence.HIGH, False: Confidence.MEDIUM}


@dataclass(frozen=True)
class Finding:
    """One thing that was found about several columns: what, with how many rows, and how sure it is."""

    kind: str
    what: str
    confidence: Confidence


@dataclass(frozen=True, eq=False)
class Draft:
    """A layout and a dictionary that nobody has confirmed, and what was seen.

    Attributes
    ----------
    layout : Layout
    dictionary : Dictionary, every variable `confirmed: false`
    columns : name in the file to Facts
    families : list of Family
    findings : tuple of Finding
    notes : tuple of str, on the file as a whole
    records : int
    of_column : name in the file to name of the variable
    fresh : names of variables without an entry in the dictionary that there is already; all, where there is none
    frame : the rows, as text
    sure : whether the header is beyond doubt
    known : the dictionary of the component that there is already
    standing : names of drafted variables that have an entry there, to the names of these entries
    places : how its p-codes are held against the official list, where one was given and has them
    """

    layout: Layout
    dictionary: Dictionary
    columns: Mapping[str, Facts]
    families: tuple[Family, ...]
    findings: tuple[Finding, ...]
    notes: tuple[str, ...]
    records: int
    sure: bool
    of_column: Mapping[str, str] = field(default_factory=dict)
    fresh: frozenset[str] = frozenset()
    frame: pd.DataFrame = field(default_factory=pd.DataFrame, repr=False)

    known: Dictionary | None = None
    standing: Mapping[str, str] = field(default_factory=dict)
    places: PlacesCheck | None = None

    @property
    def merged(self) -> Dictionary:
        """The dictionary to write: the draft, or the one that there is with entries for the columns that had none."""
        if self.known is None:
            return self.dictionary
        fresh = [v for v in self.dictionary.variables if v.name in self.fresh]
        taken = {name for variable in self.known.variables for name in (variable.name, *variable.aliases)}
        added = tuple(
            v.model_copy(update={"follows": self.standing.get(v.follows or "", v.follows)})
            for v in fresh
            if v.name not in taken
        )
        grown = self.grown
        names = {v.name for v in added} | set(self.standing.values())
        links = tuple(
            link.model_copy(update={"total": total, "parts": parts})
            for link in self.dictionary.links
            for total, *parts in [tuple(self.standing.get(name, name) for name in link.members)]
            if {total, *parts} & {v.name for v in added} and {total, *parts} <= names
        )
        addition = self.dictionary.model_copy(
            update={"variables": (*grown, *added), "links": links, "title": self.known.title}
        )
        return merge(self.known, addition)[0] if added or grown else self.known

    @property
    def grown(self) -> tuple[Variable, ...]:
        """Closed select_multiples that stand in the dictionary, with the codes that 0/1 columns have and they lack."""
        if self.known is None:
            return ()
        names = {**self.standing, **{name: name for name in self.of_column.values()}}
        mapped = {v.list_name for v in self.known.variables if v.list_name and any(step.map for step in v.hierarchy)}
        found = []
        for family in self.families:
            own = self.known.by_name.get(names.get(self.of_column[family.parent], ""))
            if own is None or own.type != Type.CODES or own.open_codes or not own.codes or own.list_name in mapped:
                continue
            levelled = {level_code(code) for code in own.codes}
            new: dict[str, Labels] = {code: {} for code in family.children if level_code(code) not in levelled}
            labels = {level_code(text) for told in own.codes.values() for text in told.values()}
            if new and not labels & set(map(level_code, new)):
                found.append(own.model_copy(update={"codes": {**own.codes, **new}}))
        return tuple(found)

    @property
    def confirmed(self) -> Dictionary:
        """The dictionary as it would be if somebody confirmed every entry as proposed: to try the draft."""
        variables = tuple(v.model_copy(update={"confirmed": True}) for v in self.merged.variables)
        return self.merged.model_copy(update={"variables": variables})


def draft(
    path: Path,
    *,
    component: str,
    sheet: str | None = None,
    names_file: Path | None = None,
    url_from: str | None = None,
    places_file: Path | None = None,
    known: Dictionary | None = None,
    seed: int = 5,
    tell: Callable[[str, int, int], None] = lambda what, done, of: None,
) -> Draft:
    """Draft the layout and the dictionary of a file.

    Parameters
    ----------
    path : Path
    component : str, name of the dictionary
    sheet : worksheet, where there are several
    names_file : column names, where the file has none
    url_from : where the URL of a database is, as `Layout` takes it; then the file holds a query
    places_file : official list of places, in the format of HDX's
    known : dictionary of the component, where there is one: its entries stand as they are
    seed : int, of the random weights by which identities are looked for
    tell : called with what is done, how many columns, of how many

    Returns
    -------
    Draft

    Raises
    ------
    DataError : when the file cannot be read at all

    Guarantees
    ----------
    * No cell of the file is in the draft's notes, findings and reasons; codes of a list are in its dictionary, each
      of at least three records and none that the scan takes for a person's.
    * The draft, every entry confirmed as proposed, reads the file that it was drafted from.
    """
    file = opened(path, sheet=sheet, names_file=names_file, url_from=url_from)
    frame = file.frame
    signs = written_numbers({name: frame[name] for name in map(str, frame)})
    columns: dict[str, Facts] = {}
    for place, name in enumerate(map(str, frame)):
        tell("Looking at columns", place, frame.shape[1])
        columns[name] = facts(name, frame[name], signs, written=_is_written(name))
    tell("Comparing columns", 0, 1)
    rng = np.random.default_rng(seed)
    found = _families(columns)
    children = {child for family in found for child in family.children.values()}
    own = {name: fact for name, fact in columns.items() if name not in children}
    sums = _identities(own, signs, rng)
    decided = _derived(own, len(frame), rng)
    names = _names(own, found)
    places = read_places(places_file) if places_file is not None else None
    made = Entries(file, own, found, names, sums, places)
    made.labelled = _labelled(frame, found, own)
    variables = made.variables(sums, decided)
    links = made.links(variables, sums)
    missing = sorted({code for fact in columns.values() for code in fact.missing})
    broken = _broken(frame, found, columns, missing, made.labelled)
    layout = file.layout.model_copy(
        update={
            "thousands": signs[0],
            "decimal": signs[1],
            "multiples_broken_rows_allowed": max(broken.values(), default=0),
            **({"headers": "labels", "values": "labels"} if made.labelled else {}),
            **({"missing": tuple(code for code in missing if code not in known.missing)} if known else {}),
        }
    )
    content = {
        "component": component, "version": "0.1.0", "title": {"en": component.replace("_", " ").capitalize()},
        "unit": made.unit, "missing": tuple(missing), "variables": tuple(variables), "links": tuple(links),
    }  # fmt: skip
    dictionary = build(content, f"{path}, draft of the dictionary", Dictionary, DictionaryError)
    findings = (
        *_told_identities(sums, made.repeats, links, names),
        *_told_derived(made.followed, decided),
        *_told_families(found, broken),
    )
    standing = _standing(frame, own, names, known)
    fresh = frozenset(name for name in names.values() if name not in standing)
    check = None
    if places is not None and places_file is not None and made.listed:
        check = _places_check(dictionary, own, names, made.listed, places, places_file)
    if check is not None:
        findings += (_told_places(check),)
    return Draft(
        layout, dictionary, columns, tuple(found), findings, file.notes, len(frame), file.sure, names, fresh, frame,
        known, standing, check,
    )  # fmt: skip


def _is_written(name: str) -> bool:
    """Whether a column's name says that people write in it: `..._other`, `comments`."""
    words = tokens(name.rpartition("/")[2])
    return part_of_name(name)[1] == "other" or (len(words) <= 3 and bool(set(words) & REMARKS))


def _standing(
    frame: pd.DataFrame, own: Mapping[str, Facts], names: Mapping[str, str], known: Dictionary | None
) -> dict[str, str]:
    """Drafted variables that a dictionary has an entry for, to the names of the entries."""
    if known is None:
        return {}
    mapping, _ = map_columns(list(map(str, frame)), known.variables, "")
    owner = {column: name for name, column in mapping.columns.items()}
    owner |= {child: name for name, codes in mapping.children.items() for child in codes.values()}
    held = {names[column]: owner[column] for column in own if column in owner}
    entries = {variable.name for variable in known.variables}
    parents = [parent for parent in names if parent not in own and names[parent] in entries]
    return held | {names[parent]: names[parent] for parent in parents}


def _places_check(
    dictionary: Dictionary, own: Mapping[str, Facts], names: Mapping[str, str],
    listed: Mapping[str, tuple[Geography, str]], places: Places, file: Path,
) -> PlacesCheck | None:  # fmt: skip
    """The check of the p-codes as this file passes it: what the list contradicts today is allowed, and told."""
    coded = tuple(names[column] for column in listed if dictionary.by_name[names[column]].geography in AREAS)
    if not coded:
        return None
    country = country_of([own[column].cells.values for column in listed], places)
    check = PlacesCheck(file=file, country=country, columns=coded)
    texts = {names[column]: fact.cells.dealt(fact.cells.values) for column, fact in own.items()}
    _, report = check_places(texts, dictionary.variables, places, check, "")
    coded = tuple(row["column"] for row in report if row["unknown"] <= _SLIPS * row["records"])
    if not coded:
        return None
    check = check.model_copy(update={"columns": coded})
    _, report = check_places(texts, dictionary.variables, places, check, "")
    counted = {
        f"{what}_rows_allowed": max((row[key] or 0 for row in report), default=0)
        for what, key in (("unknown", "unknown"), ("names", "names_differ"), ("nesting", "not_nested"))
    }
    return check.model_copy(update=counted)


def _labelled(frame: pd.DataFrame, found: list[Family], own: Mapping[str, Facts]) -> dict[str, dict[str, str]]:
    """Select_multiples whose text holds labels with blanks between them: their codes, made of the labels."""
    labelled = {}
    for family in found:
        codes = {re.sub(r"\s+", "_", label): label for label in family.children}
        blanks = family.text and own[family.parent].separator is None and any(" " in label for label in codes.values())
        if not blanks or len(codes) < len(family.children):
            continue
        closed = _ANY.model_copy(
            update={"codes": {code: {"en": label} for code, label in codes.items()}, "open_codes": False}
        )
        column = distinct(frame[family.parent], NO_VALUE)
        if unreadable(closed, column, "").sum() <= 0.05 * max(column.observed, 1):
            labelled[family.parent] = codes
    return labelled


def _families(columns: Mapping[str, Facts]) -> list[Family]:
    """Select_multiples among the columns."""
    marks = {name: is_marks(list(fact.cells.values)) for name, fact in columns.items()}
    words = {
        name: frozenset(level_code(code) for text in fact.cells.values for code in text.split())
        for name, fact in columns.items()
        if (fact.type == Type.CODES and fact.separator is None)
        or (fact.type in (Type.CODE, Type.TEXT) and not marks[name])
    }
    spelled = {
        name: words.get(name, frozenset())
        | {
            level_code(code)
            for text in fact.cells.values
            for code in (text.split(fact.separator) if fact.separator else [text])
        }
        for name, fact in columns.items()
        if fact.type in (Type.CODES, Type.CODE, Type.TEXT) and not marks[name]
    }
    return families(list(columns), marks, spelled)


def _identities(own: Mapping[str, Facts], signs: tuple[str, str], rng: np.random.Generator) -> list[Identity]:
    """Equal columns and sums among the columns of whole numbers."""
    numeric = [name for name, fact in own.items() if fact.type == Type.INTEGER]
    if len(numeric) < 2:
        return []
    values = np.column_stack([numbers_of(own[name], signs) for name in numeric])
    return identities(numeric, values, rng)


def _derived(own: Mapping[str, Facts], n: int, rng: np.random.Generator) -> list[Derived]:
    """Columns that another decides."""
    able = [name for name, fact in own.items() if fact.type not in (Type.TEXT, Type.CODES) and fact.observed]
    if len(able) < 2:
        return []
    return derived(able, np.column_stack([own[name].cells.of_record for name in able]).astype(np.int32), rng)


def _names(own: Mapping[str, Facts], found: list[Family]) -> dict[str, str]:
    """Name of the variable of each column: its own where it can be one, else made of its letters."""
    columns = [*own, *(family.parent for family in found if not family.text)]
    taken = set(columns)  # a column's own name is its alias: no other variable may have it
    names = {}
    for column in columns:
        name = column if _MACHINE.fullmatch(column) else _slug(column)
        while name in taken and name != column:
            name += "_2"
        taken.add(name)
        names[column] = name
    return names


def _slug(text: str) -> str:
    """A name of letters, digits and underscores; letters of other scripts stay."""
    plain = unicodedata.normalize("NFKD", text)
    if not re.search(r"[^\W\d_]", plain.encode("ascii", "ignore").decode()):
        plain = unicodedata.normalize("NFC", text)
    else:
        plain = plain.encode("ascii", "ignore").decode()
    slug = re.sub(r"\W+", "_", plain.casefold()).strip("_")[:60].strip("_")
    return slug if slug and not slug[0].isdigit() else f"c_{slug}"


def _told_identities(
    sums: list[Identity], repeats: Mapping[str, str], links: list[Link], names: Mapping[str, str]
) -> tuple[Finding, ...]:
    """Identities in words."""
    told = []
    declared = {(link.total, link.parts) for link in links}
    for one in sums:
        parts = " + ".join(f"`{part}`" for part in one.parts)
        rows = f"{one.checked - one.broken:,} of {one.checked:,} rows"
        named = (names[one.total], tuple(names[part] for part in one.parts))
        state = "a link" if named in declared else "told only: not all are counts"
        kind = "the same number twice" if len(one.parts) == 1 else "a total and its parts"
        state = "it follows" if one.parts[0] in repeats and len(one.parts) == 1 else state
        told.append(Finding(kind, f"`{one.total}` = {parts} in {rows} ({state})", _HOW_LIKELY[not one.broken]))
    return tuple(told)


def _told_derived(followed: Mapping[str, tuple[str, str]], decided: list[Derived]) -> tuple[Finding, ...]:
    """Followers in words, but for those that only their names show."""
    seen = {(one.column, one.of) for one in decided}
    return tuple(
        Finding("derived", f"`{name}` follows `{leader}`: {why}", _HOW_LIKELY[(name, leader) in seen])
        for name, (leader, why) in followed.items()
        if not why.startswith("the ")
    )


def _told_places(check: PlacesCheck) -> Finding:
    """What the official list contradicts, in words."""
    told = (
        f"at most {check.unknown_rows_allowed:,} records with codes that it lacks, {check.names_rows_allowed:,} with "
        f"another name than the code's, {check.nesting_rows_allowed:,} with areas that do not lie in one another"
    )
    columns = ", ".join(f"`{name}`" for name in check.columns)
    return Finding("official list", f"{columns}: {told}; the layout allows them as they are", Confidence.HIGH)


def _broken(
    frame: pd.DataFrame, found: list[Family], columns: Mapping[str, Facts], missing: list[str],
    labelled: Mapping[str, Mapping[str, str]],
) -> dict[str, int]:  # fmt: skip
    """Rows in which a select_multiple's text and its 0/1 columns differ, by question."""
    differ = {}
    for family in found:
        if family.text:
            codes = sorted(family.children)
            cells = {code: distinct(frame[family.children[code]], frozenset(missing)) for code in codes}
            marks, _ = choices(cells, _ANY, "")
            text = distinct(frame[family.parent], frozenset(missing))
            if family.parent in labelled:
                told = {code: {"en": label} for code, label in labelled[family.parent].items()}
                text, _ = as_codes(_ANY.model_copy(update={"codes": told}), text, "")
                codes = [re.sub(r"\s+", "_", code) for code in codes]
            differ[family.parent] = disagreements(text, codes, marks, columns[family.parent].separator)
    return differ


def _told_families(found: list[Family], broken: Mapping[str, int]) -> tuple[Finding, ...]:
    """Select_multiples in words."""
    return tuple(
        Finding(
            "select_multiple",
            f"`{one.parent}`: {len(one.children):,} columns of 0 and 1 after `{one.sign}`"
            + ("" if one.text else ", without their text")
            + (f"; they differ from the text in {broken[one.parent]:,} rows" if broken.get(one.parent) else ""),
            Confidence.HIGH if one.text else Confidence.MEDIUM,
        )
        for one in found
    )
