"""From a raw extract to a typed table: direct identifiers end here."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from hashlib import blake2b
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from sdc.dictionary import Dictionary, Link, Role, Type, Variable
from sdc.errors import DataError, DictionaryError, Fault
from sdc.ingest.columns import ColumnMap, map_columns
from sdc.ingest.labels import as_codes
from sdc.ingest.layout import Extract, Layout
from sdc.ingest.multiples import choices, disagreements, rebuilt
from sdc.ingest.places import places_held, settle_several
from sdc.ingest.read import open_source
from sdc.ingest.scan import content_faults, personal_content
from sdc.ingest.text import Progress
from sdc.ingest.typed import TEXT, Distinct, distinct, missing_codes, presence_faults, typed
from sdc.ingest.validity import as_asked, require_confirmed
from sdc.table import Table

ROUND = "round"
_ROUND_VARIABLE = Variable(
    name=ROUND, label={"en": "Round", "fr": "Cycle"}, type=Type.INTEGER, role=Role.OTHER, scope="meta"
)


@dataclass
class _Found:
    """What was seen while columns were typed, in counts: for the summary."""

    missing: dict[str, dict[str, int]] = field(default_factory=dict)
    kept: dict[str, list[str]] = field(default_factory=dict)
    personal: dict[str, dict[str, int]] = field(default_factory=dict)

    def count(self, variable: Variable, column: Distinct, declared: tuple[str, ...]) -> None:
        """Records that are blank, and records of each declared code of missing; those that stay codes by name."""
        told = {reason or "blank": records for reason, records in column.reasons.items() if records}
        if told:
            self.missing[variable.name] = told
        kept = [code for code in dict.fromkeys(declared) if code in variable.codes]
        if kept:
            self.kept[variable.name] = kept


def ingest(
    path: Path, extract: Extract, dictionary: Dictionary, progress: Progress | None = None
) -> tuple[Table, dict[str, Any]]:
    """Read one raw extract as a typed table.

    Parameters
    ----------
    path : Path
    extract : Extract
    dictionary : Dictionary
    progress : called while the file is read, as `open_source` tells

    Returns
    -------
    table : Table
    summary : dict
        What came in and what ended here: names of variables and counts, no value from the file.

    Raises
    ------
    DataError
        When the file is not what its layout and its dictionary say; all faults of the file at once.
    DictionaryError
        When the extract and the dictionary do not fit each other.
    """
    if extract.component != dictionary.component:
        raise DictionaryError(
            str(path), f"is an extract of `{extract.component}`, the dictionary is of `{dictionary.component}`"
        )
    frame, tolerated = open_source(path, extract.layout, progress)
    return assemble(frame, extract, dictionary, str(path), tolerated)


def assemble(
    frame: pd.DataFrame, extract: Extract, dictionary: Dictionary, where: str, tolerated: dict[str, Any] | None = None
) -> tuple[Table, dict[str, Any]]:
    """Map, type and check the columns of a raw frame, and end its direct identifiers.

    Parameters
    ----------
    frame : DataFrame of str, n records
    extract : Extract
    dictionary : Dictionary
    where : str, name of the file, for faults
    tolerated : dict, what the reader left out, for the summary

    Returns
    -------
    table, summary : as `ingest`

    Raises
    ------
    DataError, DictionaryError : as `ingest`

    Guarantees
    ----------
    * No column with the role identifier is in the table, nor one that follows it.
    * Every column of the file was looked up in the dictionary; one without an entry is refused.
    * Household numbers are 1..h in an order that only somebody who has the whole file can compute; they do not depend
      on the order of records.
    * The table has the columns of the dictionary, in its order, as far as the file holds them, and `round`.
    """
    variables = _with_round(dictionary.variables, extract, where)
    mapping, faults = map_columns(list(frame.columns), variables, where, labels=extract.layout.headers == "labels")
    held = {*mapping.columns, *mapping.children}
    require_confirmed(dictionary, held, where)
    variables, version_faults = as_asked(variables, held, extract.form_version or dictionary.version, where)
    faults += version_faults
    declared = (*dictionary.missing, *extract.layout.missing)
    frame, several, places_faults = settle_several(frame, mapping.columns, variables, extract.places, where)
    faults += places_faults
    found = _Found()
    columns, column_faults = _columns(frame, mapping, variables, declared, extract.layout, where, found)
    faults += column_faults
    faults += _absent(columns, variables, where)
    faults += _other_rounds(columns, variables, extract.round, where)
    columns[ROUND] = _round(next(v for v in variables if v.name == ROUND), extract.round, len(frame))
    links, link_faults = _links(columns, dictionary.links, where)
    faults += link_faults
    places, places_faults = places_held(columns, variables, extract.places, several, where)
    faults += places_faults
    if faults:
        raise DataError.of(faults)

    ended = _ended(dictionary.by_name)
    household = next((v.name for v in variables if v.role == Role.HOUSEHOLD and v.name in columns), None)
    if household is not None:
        columns[household] = surrogates(columns[household], pd.DataFrame(columns))
    kept = [v for v in variables if v.name in columns and v.name not in ended]
    rows = pd.DataFrame({variable.name: columns[variable.name] for variable in kept})
    children = sum(len(codes) for codes in mapping.children.values())
    summary = {
        "records": len(frame),
        "columns": len(frame.columns),
        "variables": len(kept),
        "columns_removed": {
            "identifier": [name for name, why in ended.items() if name in columns and why == "identifier"],
            "follows_identifier": [name for name, why in ended.items() if name in columns and why != "identifier"],
            "choice_columns": children,
        },
        "variables_absent": sum(v.name not in columns for v in variables),
        "households": None if household is None else int(columns[household].nunique()),
        "links": links,
        "places": places,
        "missing": found.missing,
        "kept_as_a_code": found.kept,
        "personal_data": found.personal,
        **(tolerated or {}),
    }
    return Table(rows, _relinked(kept, dictionary), dictionary.links), summary


def _columns(
    frame: pd.DataFrame,
    mapping: ColumnMap,
    variables: tuple[Variable, ...],
    declared: tuple[str, ...],
    layout: Layout,
    where: str,
    found: _Found,
) -> tuple[dict[str, pd.Series], list[Fault]]:
    """Typed columns by variable, identifiers and household ids still as text; what is seen goes into `found`."""
    columns, faults = {}, []
    for variable in variables:
        missing = missing_codes(variable, declared)
        children = {
            code: distinct(frame[name], frozenset(declared))
            for code, name in mapping.children.get(variable.name, {}).items()
        }
        if variable.name in mapping.columns:
            column = distinct(frame[mapping.columns[variable.name]], missing)
            if layout.values == "labels":
                column, label_faults = as_codes(variable, column, where)
                faults += label_faults
        elif children:
            column = None
        else:
            continue
        if children:
            order = {code: place for place, code in enumerate(variable.codes)}
            codes = sorted(children, key=lambda code: (order.get(code, len(order)), code))
            chosen, child_faults = choices({code: children[code] for code in codes}, variable, where)
            faults += child_faults
            if column is None:
                column = distinct(rebuilt(codes, chosen), frozenset())
            else:
                faults += _disagreement(
                    variable, disagreements(column, codes, chosen, variable.separator), layout, where
                )
        assert column is not None  # it has a text, or children
        found.count(variable, column, declared)
        faults += presence_faults(variable, column, where)
        if variable.role in (Role.IDENTIFIER, Role.HOUSEHOLD):
            columns[variable.name] = column.dealt(column.values)
            continue
        personal = personal_content(variable, column)
        if personal:
            found.personal[variable.name] = personal
        faults += content_faults(variable, personal, column.observed, where)
        columns[variable.name], type_faults = typed(variable, column, layout, where)
        faults += type_faults
    return columns, faults


def _disagreement(variable: Variable, records: int, layout: Layout, where: str) -> list[Fault]:
    """The fault of a select_multiple whose text and 0/1 columns differ more often than the layout allows."""
    allowed = layout.multiples_broken_rows_allowed
    if records <= allowed:
        return []
    what = f"its text and its 0/1 columns differ in {records:,} records, {allowed:,} are allowed"
    do = "Mend the extract, or allow them with `multiples_broken_rows_allowed` in the layout: the text is kept."
    return [Fault(f"{where}, `{variable.name}`", what, do)]


def _absent(columns: Iterable[str], variables: Iterable[Variable], where: str) -> list[Fault]:
    """Faults of required variables that the file does not hold."""
    found = set(columns) | {ROUND}
    return [
        Fault(f"{where}, `{v.name}`", "a required column that the file does not hold", "Export it, or add its alias.")
        for v in variables
        if v.required and v.name not in found
    ]


def _with_round(variables: tuple[Variable, ...], extract: Extract, where: str) -> tuple[Variable, ...]:
    """With a variable for the round of the extract, which a dictionary may leave to ingest."""
    declared = next((variable for variable in variables if variable.name == ROUND), None)
    if declared is None:
        return (*variables, _ROUND_VARIABLE)
    listed = declared.type == Type.CODE and (declared.open_codes or str(extract.round) in declared.codes)
    if declared.type != Type.INTEGER and not listed:
        raise DictionaryError(f"{where}, `{ROUND}`", "must be an integer, or a code whose list holds the round")
    return variables


def _round(variable: Variable, number: int, n: int) -> pd.Series:
    """The round of the extract, once a record."""
    if variable.type == Type.INTEGER:
        return pd.Series(pd.array(np.full(n, number), dtype="Int64"))
    told = pd.Series([str(number)] * n, dtype=TEXT)
    return told if variable.open_codes else told.astype(pd.CategoricalDtype(pd.Index(list(variable.codes), dtype=TEXT)))


def _other_rounds(
    columns: Mapping[str, pd.Series], variables: Iterable[Variable], number: int, where: str
) -> list[Fault]:
    """Faults of `round`, and of columns with HXL's tag of it, that tell another round than the extract."""
    faults = []
    for variable in variables:
        column = columns.get(variable.name)
        tagged = variable.hxl == "#meta+round" and variable.type == Type.INTEGER
        if column is None or not (tagged or variable.name == ROUND):
            continue
        wanted = number if variable.type == Type.INTEGER else str(number)
        other = int(((column != wanted) & column.notna()).sum())
        if other:
            what = f"{other:,} of {len(column):,} records tell another round than the extract"
            do = "Mend `round` in `params.yaml`, or split the extract: one extract is one round."
            faults.append(Fault(f"{where}, `{variable.name}`", what, do))
    return faults


def _links(
    columns: dict[str, pd.Series], links: tuple[Link, ...], where: str
) -> tuple[list[dict[str, Any]], list[Fault]]:
    """How often each identity between counts holds, and faults where it is broken too often."""
    told, faults = [], []
    for link in links:
        if any(member not in columns for member in link.members):
            continue
        checked = int(pd.DataFrame({member: columns[member] for member in link.members}).notna().all(axis=1).sum())
        broken = int(broken_rows(columns, link).sum())
        told.append({"total": link.total, "parts": list(link.parts), "checked": checked, "broken": broken})
        if broken > link.broken_rows_allowed:
            what = (
                f"is not the sum of {', '.join(f'`{part}`' for part in link.parts)} in {broken:,} of {checked:,} "
                f"records, {link.broken_rows_allowed:,} are allowed"
            )
            do = "Mend the extract, or `broken_rows_allowed` of the link in the dictionary."
            faults.append(Fault(f"{where}, `{link.total}`", what, do))
    return told, faults


def broken_rows(columns: Mapping[str, pd.Series], link: Link) -> np.ndarray:
    """Records in which a total is not the sum of its parts, (n,) bool; one with a missing member breaks nothing."""
    values = pd.DataFrame({member: columns[member] for member in link.members})
    broken = values.notna().all(axis=1) & (values[link.total] != values[list(link.parts)].sum(axis=1))
    return broken.fillna(False).to_numpy(dtype=bool)


def surrogates(households: pd.Series, content: pd.DataFrame) -> pd.Series:
    """Household ids to the numbers 1..h.

    The numbers follow a keyed hash of the ids; its key is the content of all records, in whatever order. So nobody
    without the whole file can compute them, and no seed has to be kept secret. Another round numbers anew.

    Parameters
    ----------
    households : Series of str, n records
    content : DataFrame, n records
        All columns of the file, its identifiers among them.

    Returns
    -------
    Series of Int64, n records
    """
    records = np.sort(pd.util.hash_pandas_object(content, index=False).to_numpy())
    key = blake2b(records.tobytes(), digest_size=32).digest()
    places, ids = pd.factorize(households)
    hashed = [blake2b(str(household).encode(), key=key, digest_size=16).digest() for household in ids]
    rank = np.empty(len(ids) + 1, dtype=np.int64)
    rank[np.argsort(np.array(hashed, dtype="S16"), kind="stable")] = np.arange(1, len(ids) + 1)
    numbers = pd.array(rank[places], dtype="Int64")
    numbers[places < 0] = pd.NA
    return pd.Series(numbers)


def _ended(by_name: Mapping[str, Variable]) -> dict[str, str]:
    """Variables that end at ingest, and why: identifiers, and what is derived from them."""
    ended = {}
    for name, variable in by_name.items():
        leader: Variable | None = variable
        while leader is not None and leader.role != Role.IDENTIFIER:
            leader = by_name[leader.follows] if leader.follows else None
        if leader is not None:
            ended[name] = "identifier" if leader is variable else "follows_identifier"
    return ended


def _relinked(kept: list[Variable], dictionary: Dictionary) -> tuple[Variable, ...]:
    """Variables that follow the nearest leader that the file holds: a chain must not break where a link is absent."""
    names = {variable.name for variable in kept}
    linked = []
    for variable in kept:
        leader = variable.follows
        while leader is not None and leader not in names:
            leader = dictionary.by_name[leader].follows
        linked.append(variable if leader == variable.follows else variable.model_copy(update={"follows": leader}))
    return tuple(linked)
