"""The draft of a layout and a dictionary for a new file: every entry with its reason, and no cell told."""

import re
import unicodedata
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pandas as pd

from sdc.dictionary import Confidence, Dictionary, Link, Role, Type, Variable
from sdc.drafts.content import Facts, facts, written_numbers
from sdc.drafts.derived import Derived, derived
from sdc.drafts.entries import Entries, numbers_of
from sdc.drafts.families import Family, families, is_marks, level_code
from sdc.drafts.identities import Identity, identities
from sdc.drafts.opening import opened
from sdc.ingest.columns import map_columns
from sdc.ingest.layout import Layout
from sdc.ingest.multiples import choices, disagreements
from sdc.ingest.typed import distinct

_MACHINE = re.compile(r"[A-Za-z_][\w./:#-]{0,99}")
_PERSONAL = frozenset(
    ["age", "sex", "gender", "sexe", "genre", "edad", "sexo", "birth", "dob", "relationship", "relat", "marital"]
)
_HOMES = frozenset(["hh", "household", "households", "menage", "hogar", "hoh", "hohh", "hhsize"])
_GROUP = 5  # columns that share what stands before a dot: then it is a group
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

    @property
    def confirmed(self) -> Dictionary:
        """The dictionary as it would be if somebody confirmed every entry as proposed: to try the draft."""
        variables = tuple(v.model_copy(update={"confirmed": True}) for v in self.dictionary.variables)
        return self.dictionary.model_copy(update={"variables": variables})


def draft(
    path: Path,
    *,
    component: str,
    sheet: str | None = None,
    names_file: Path | None = None,
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
    file = opened(path, sheet=sheet, names_file=names_file)
    frame = file.frame
    signs = written_numbers({name: frame[name] for name in map(str, frame)})
    columns: dict[str, Facts] = {}
    for place, name in enumerate(map(str, frame)):
        tell("Looking at columns", place, frame.shape[1])
        columns[name] = facts(name, frame[name], signs)
    tell("Comparing columns", 0, 1)
    rng = np.random.default_rng(seed)
    found = _families(columns)
    children = {child for family in found for child in family.children.values()}
    own = {name: fact for name, fact in columns.items() if name not in children}
    sums = _identities(own, signs, rng)
    decided = _derived(own, len(frame), rng)
    names = _names(own, found)
    made = Entries(file, own, found, names, sums)
    variables = made.variables(sums, decided)
    links = made.links(variables, sums)
    missing = sorted({code for fact in own.values() for code in fact.missing})
    broken = _broken(frame, found, columns, missing)
    layout = file.layout.model_copy(
        update={
            "thousands": signs[0],
            "decimal": signs[1],
            "multiples_broken_rows_allowed": max(broken.values(), default=0),
        }
    )
    dictionary = Dictionary(
        component=component, version="0.1.0", title={"en": component.replace("_", " ").capitalize()}, unit=made.unit,
        missing=tuple(missing), variables=tuple(variables), links=tuple(links),
    )  # fmt: skip
    findings = (
        *_told_identities(sums, made.repeats, links),
        *_told_derived(made.followed, decided),
        *_told_families(found, broken),
    )
    fresh = _without_entry(frame, own, names, known)
    return Draft(
        layout, dictionary, columns, tuple(found), findings, file.notes, len(frame), file.sure, names, fresh, frame
    )


def _without_entry(
    frame: pd.DataFrame, own: Mapping[str, Facts], names: Mapping[str, str], known: Dictionary | None
) -> frozenset[str]:
    """Variables of columns that a dictionary has no entry for."""
    if known is None:
        return frozenset(names.values())
    mapping, _ = map_columns(list(map(str, frame)), known.variables, "")
    held = {*mapping.columns.values(), *(child for codes in mapping.children.values() for child in codes.values())}
    return frozenset(names[column] for column in own if column not in held)


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
        name: words.get(name, frozenset()) | frozenset(
            level_code(code) for text in fact.cells.values for code in ([text] if fact.separator is None else text.split(fact.separator)))  # noqa: E501
        for name, fact in columns.items() if fact.type in (Type.CODES, Type.CODE, Type.TEXT) and not marks[name]
    }  # fmt: skip
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
    taken: dict[str, str] = {}
    for column in [*own, *(family.parent for family in found if not family.text)]:
        name = column if _MACHINE.fullmatch(column) else _slug(column)
        while name in taken.values():
            name += "_2"
        taken[column] = name
    return taken


def _slug(text: str) -> str:
    """A name of letters, digits and underscores; letters of other scripts stay."""
    plain = unicodedata.normalize("NFKD", text)
    if not re.search(r"[^\W\d_]", plain.encode("ascii", "ignore").decode()):
        plain = unicodedata.normalize("NFC", text)
    else:
        plain = plain.encode("ascii", "ignore").decode()
    slug = re.sub(r"\W+", "_", plain.casefold()).strip("_")[:60].strip("_")
    return slug if slug and not slug[0].isdigit() else f"c_{slug}"


def _told_identities(sums: list[Identity], repeats: Mapping[str, str], links: list[Link]) -> tuple[Finding, ...]:
    """Identities in words."""
    told = []
    declared = {(link.total, link.parts) for link in links}
    for one in sums:
        parts = " + ".join(f"`{part}`" for part in one.parts)
        rows = f"{one.checked - one.broken:,} of {one.checked:,} rows"
        state = "a link" if (one.total, one.parts) in declared else "told only: not all are counts"
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


def _broken(
    frame: pd.DataFrame, found: list[Family], columns: Mapping[str, Facts], missing: list[str]
) -> dict[str, int]:
    """Rows in which a select_multiple's text and its 0/1 columns differ, by question."""
    differ = {}
    for family in found:
        if family.text:
            codes = sorted(family.children)
            cells = {code: distinct(frame[family.children[code]], frozenset(missing)) for code in codes}
            marks, _ = choices(cells, _ANY, "")
            text = distinct(frame[family.parent], frozenset(missing))
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
