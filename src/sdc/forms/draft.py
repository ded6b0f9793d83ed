"""From a form to a dictionary whose every entry waits for a person's word."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Any, Literal

from sdc.dictionary import Confidence, Dictionary, Geography, Labels, Question, Role, Sensitivity, Type, Variable
from sdc.documents import build
from sdc.errors import DictionaryError
from sdc.forms.facts import dictionary_from_facts
from sdc.forms.naming import Scope, choice_of_name, dtm_name, part_of_name
from sdc.forms.proposals import Guess, propose, tokens
from sdc.forms.questions import stated, variable_names, with_other
from sdc.forms.wordlists import TAKING_PART
from sdc.forms.xlsform import Form, Row

MISSING = ("NULL", "NaN", "nan", "NaT", "None", "N/A", "n/a", "-")
PARTS: tuple[tuple[str, float | None, float | None, Labels], ...] = (
    ("latitude", -90, 90, {"en": "Latitude", "fr": "Latitude"}),
    ("longitude", -180, 180, {"en": "Longitude", "fr": "Longitude"}),
    ("altitude", None, None, {"en": "Altitude", "fr": "Altitude"}),
    ("precision", 0, None, {"en": "Precision", "fr": "Précision"}),
)
_META = frozenset((
    "start", "end", "today", "deviceid", "phonenumber", "username", "email", "subscriberid", "simserial", "audit",
    "start-geopoint", "background-audio", "background-geopoint",
))  # fmt: skip
_REFERENCE = re.compile(r"\$\{\s*([^}\s]+)\s*\}")
_COPY = re.compile(r"(?:indexed-repeat\s*\(\s*)?\$\{\s*([^}\s]+)\s*\}(?:\s*,.*\))?", re.DOTALL)
_OTHER_OF = re.compile(
    r"\s*(?:selected\s*\(\s*\$\{\s*([^}\s]+)\s*\}\s*,\s*['\"](?i:other|autre|otro)[^'\"]*['\"]\s*\))\s*$"
)
ENVELOPE: tuple[tuple[str, tuple[str, ...], Type, Role, str], ...] = (
    ("_id", (), Type.TEXT, Role.IDENTIFIER, "the number of the submission on the server"),
    ("_uuid", ("uuid",), Type.TEXT, Role.IDENTIFIER, "the number of the submission"),
    ("instanceID", ("meta/instanceID",), Type.TEXT, Role.IDENTIFIER, "the number of the submission"),
    ("instanceName", ("meta/instanceName",), Type.TEXT, Role.IDENTIFIER, "the title of the submission"),
    ("meta/rootUuid", ("rootUuid",), Type.TEXT, Role.IDENTIFIER, "the number of the submission"),
    ("formhub/uuid", (), Type.TEXT, Role.OTHER, "the number of the form on the server"),
    ("_submission_time", ("SubmissionDate",), Type.DATE, Role.OTHER, "when the submission reached the server"),
    ("_submitted_by", ("SubmitterName",), Type.TEXT, Role.IDENTIFIER, "the account that sent it"),
    ("_validation_status", (), Type.TEXT, Role.OTHER, "what a supervisor decided"),
    ("_notes", (), Type.TEXT, Role.OTHER, "free text of a supervisor"),
    ("_status", (), Type.TEXT, Role.OTHER, "how it reached the server"),
    ("_tags", (), Type.TEXT, Role.OTHER, "free text of a supervisor"),
    ("_attachments", (), Type.TEXT, Role.IDENTIFIER, "links to pictures and recordings"),
    ("_geolocation", (), Type.TEXT, Role.IDENTIFIER, "coordinates of the submission"),
    ("_xform_id_string", (), Type.TEXT, Role.OTHER, "the name of the form"),
    ("__version__", ("_version_",), Type.TEXT, Role.OTHER, "the version of the form"),
    ("_index", ("index",), Type.TEXT, Role.IDENTIFIER, "the place of the record in the export"),
)
OF_PARENT: tuple[tuple[str, tuple[str, ...], Type, Role, str], ...] = (
    ("_parent_index", (), Type.TEXT, Role.HOUSEHOLD, "ties the records that one interview listed"),
    ("_parent_table_name", (), Type.TEXT, Role.OTHER, "the sheet of the interview"),
    ("_submission__id", (), Type.TEXT, Role.IDENTIFIER, "the number of the submission on the server"),
    ("_submission__uuid", (), Type.TEXT, Role.IDENTIFIER, "the number of the submission"),
    ("_submission__submission_time", (), Type.DATE, Role.OTHER, "when the submission reached the server"),
    ("_submission__submitted_by", (), Type.TEXT, Role.IDENTIFIER, "the account that sent it"),
    ("_submission__validation_status", (), Type.TEXT, Role.OTHER, "what a supervisor decided"),
    ("_submission__notes", (), Type.TEXT, Role.OTHER, "free text of a supervisor"),
    ("_submission__status", (), Type.TEXT, Role.OTHER, "how it reached the server"),
    ("_submission__tags", (), Type.TEXT, Role.OTHER, "free text of a supervisor"),
    ("_submission___version__", (), Type.TEXT, Role.OTHER, "the version of the form"),
)
"""Columns that Kobo adds to an export, and to the sheet of a repeat."""


def draft(
    form: Form,
    component: str,
    *,
    scope: Scope | None = None,
    unit: str = "",
    envelope: Literal["kobo", "none"] = "kobo",
    repeats: Sequence[str] | None = None,
) -> Dictionary:
    """Draft a dictionary from a form.

    A form that `xlsform_workbook` wrote gives back the dictionary that it was written from. Any other gives entries
    with `confirmed: false`, their roles proposed.

    Parameters
    ----------
    form : Form
    component : str
    scope : whom a question asks about that stands in no repeat; left out: hh where the form has repeats, else loc
    unit : str, what a row is; left out: from the scope
    envelope : whether the columns that Kobo adds to an export get entries
    repeats : names of the repeats to take, besides what stands in none; left out: all

    Returns
    -------
    Dictionary, in the order of the form

    Guarantees
    ----------
    * Every question that has a column in an export has an entry; so have the columns that exports derive from it.
    * No entry is confirmed, unless the form says so of a dictionary that it was written from.
    """
    if form.facts:
        return dictionary_from_facts(form)
    known = {group.path.rpartition("/")[2] for group in form.groups if group.repeat}
    for repeat in repeats or ():
        if repeat not in known:
            named = ", ".join(f"`{name}`" for name in sorted(known)) or "none"
            raise DictionaryError(component, f"the form has no repeat `{repeat}`", f"It has: {named}.")
    rows = [row for row in form.rows if row.repeat is None or repeats is None or row.repeat in repeats]
    scope = scope or ("hh" if known else "loc")
    entries = _entries(tuple(rows), form, scope)
    if envelope == "kobo":
        taken = {name for entry in entries for name in (entry["name"], *entry.get("aliases", ()))}
        nested = any(row.repeat for row in rows)
        entries += [_enveloped(*line) for line in (*ENVELOPE, *(OF_PARENT if nested else ())) if line[0] not in taken]
        _release_aliases(entries)
    _proposed(entries)
    _geography_linked(entries)
    _one_of_each(entries)
    content = {
        "component": component,
        "version": "1.0.0",
        "title": {form.language: form.title or component.replace("_", " ").capitalize()},
        "unit": unit
        or {"loc": "location", "hh": "household", "ind": "person", "case": "case", "meta": "record"}[scope],
        "missing": MISSING,
        "variables": entries,
        "groups": form.groups,
    }
    return build(content, component, Dictionary, DictionaryError)


def draft_from_names(names: Sequence[str], component: str, *, scope: Scope | None = None) -> Dictionary:
    """Draft a dictionary from names of columns alone, which the DTM naming scheme makes telling.

    ``…/choice`` columns become the codes of a select_multiple; their labels are unknown, and the types of the others
    are guessed from their words.

    Parameters
    ----------
    names : sequence of str, distinct
    component : str
    scope : of names outside the scheme; left out: loc

    Returns
    -------
    Dictionary, no entry confirmed
    """
    entries: dict[str, dict[str, Any]] = {}
    for column in names:
        chosen = choice_of_name(column)
        if chosen is not None:
            parent, code = chosen
            entry = entries.setdefault(parent, _named(parent, scope or "loc"))
            entry |= {"type": Type.CODES, "open_codes": False, "codes": {**entry.get("codes", {}), code: {}}}
        elif column not in entries:
            entries[column] = _named(column, scope or "loc")
    listed = list(entries.values())
    for entry in listed:
        leader = part_of_name(entry["name"])[0]
        if leader in entries:
            entry["follows"] = leader
    _proposed(listed)
    _geography_linked(listed)
    _one_of_each(listed)
    title = {"en": component.replace("_", " ").capitalize()}
    content = {"component": component, "version": "1.0.0", "title": title, "unit": "record", "missing": MISSING}
    return build({**content, "variables": listed}, component, Dictionary, DictionaryError)


_BY_NAME: tuple[tuple[Type, tuple[str, ...]], ...] = (
    (Type.NUMBER, ("latitude", "longitude", "altitude", "precision", "weight", "share", "percent", "ratio")),
    (Type.DATE, ("date", "start", "end", "today", "time")),
    (Type.INTEGER, ("num", "number", "count", "total", "nb", "age", "size")),
    (
        Type.TEXT,
        ("other", "specify", "name", "phone", "comment", "comments", "remarks", "notes", "coords", "gps", "email"),
    ),
)


def _named(name: str, scope: Scope) -> dict[str, Any]:
    """An entry from a name alone."""
    named = dtm_name(name)
    words = tokens(named.stem if named else name)
    last = words[-1] if words else ""
    kind = next(
        (kind for kind, said in _BY_NAME if last in said or (kind == Type.INTEGER and said[0] in words)), Type.CODE
    )
    entry: dict[str, Any] = {"name": name, "type": kind, "scope": named.scope if named else scope}
    if named:
        entry["id"] = named.id
    return entry | ({"open_codes": True} if kind == Type.CODE else {})


def _entries(rows: tuple[Row, ...], form: Form, scope: Scope) -> list[dict[str, Any]]:
    """Entries of the questions and of the columns that exports derive from them, without roles."""
    entries: list[dict[str, Any]] = []
    names = variable_names(rows)
    taken = set(names)
    for row, name in zip(rows, names, strict=True):
        entry = stated(row, name, form) | {"scope": _scope_of(row, scope)}
        if not entry.get("required"):
            entry.pop("required", None)
        entries.append(entry)
        derived: list[dict[str, Any]] = []
        if row.or_other:
            if "other" not in entry.get("codes", {}) and row.list_name:
                entry |= {"codes": with_other(entry.get("codes", {})), "list_name": f"{row.list_name}_or_other"}
                entry.pop("open_codes", None)
            asked = Question(type="text", group=row.group, repeat=row.repeat)
            other = {
                "name": f"{name}_other",
                "label": {"en": "Other: which?", "fr": "Autre : lequel ?"},
                "type": Type.TEXT,
            }
            derived.append({**other, "form": asked, "relevant": f"selected(${{{row.name}}}, 'other')"})
        if row.type in ("geopoint", "start-geopoint"):
            asked = Question(type="derived", group=row.group, repeat=row.repeat)
            for part, low, high, label in PARTS:
                place = {
                    "name": f"_{name}_{part}",
                    "label": label,
                    "type": Type.NUMBER,
                    "form": asked,
                    "min": low,
                    "max": high,
                }
                derived.append({field: value for field, value in place.items() if value is not None})
        for part_entry in derived:
            if part_entry["name"] not in taken:
                taken.add(part_entry["name"])
                entries.append({**part_entry, "scope": entry["scope"], "follows": name})
                entries[-1] |= {"id": entry["id"]} if "id" in entry else {}
    by_row = {row.name: name for row, name in zip(reversed(rows), reversed(names), strict=True)}
    _copied(entries, by_row)
    for entry in entries:
        if "follows" not in entry:
            leader = _leader(entry, by_row)
            if leader is not None:
                entry["follows"] = leader
    _uncircled(entries)
    return entries


def _scope_of(row: Row, scope: Scope) -> Scope:
    named = dtm_name(row.name)
    if named:
        return named.scope
    if row.repeat:
        return "ind"
    if row.type in _META or set(tokens(row.name)) & TAKING_PART:
        return "meta"
    return scope


def _leader(entry: dict[str, Any], by_row: dict[str, str]) -> str | None:
    """The variable that a column is derived from: an "other" from its question, a calculation from its only source."""
    if entry["type"] == Type.TEXT and "calculate" not in entry:
        whole, part = part_of_name(entry["name"])
        asked = _OTHER_OF.match(entry.get("relevant", ""))
        for leader in (whole if part == "other" else None, entry["name"].removeprefix("other_"), asked and asked[1]):
            if leader in by_row and by_row[leader] != entry["name"]:
                return by_row[leader]
    if "calculate" in entry:
        sources = set(_REFERENCE.findall(entry["calculate"]))
        if len(sources) == 1:
            source = by_row.get(sources.pop())
            return source if source != entry["name"] else None
    return None


def _copied(entries: list[dict[str, Any]], by_row: dict[str, str]) -> None:
    """A calculation that only repeats another question holds what that one holds."""
    by_name = {entry["name"]: entry for entry in entries}
    for entry in entries:
        copied = _COPY.fullmatch(entry.get("calculate", "").strip())
        source = by_name.get(by_row.get(copied[1], "")) if copied else None
        if source is None or source is entry or source["type"] == Type.TEXT:
            continue
        entry["type"] = source["type"]
        if source["type"] in (Type.CODE, Type.CODES):
            entry |= {field: source[field] for field in ("codes", "list_name", "open_codes") if field in source}


def _uncircled(entries: list[dict[str, Any]]) -> None:
    """Break circles of calculations: the last to close one follows nobody."""
    leads = {entry["name"]: entry.get("follows") for entry in entries}
    for entry in entries:
        seen, leader = {entry["name"]}, leads[entry["name"]]
        while leader is not None:
            if leader in seen:
                entry.pop("follows", None)
                leads[entry["name"]] = None
                break
            seen.add(leader)
            leader = leads.get(leader)


def _proposed(entries: Iterable[dict[str, Any]]) -> None:
    """Give each entry the role that is proposed for it."""
    by_name: dict[str, dict[str, Any]] = {}
    for entry in entries:
        by_name[entry["name"]] = entry
        if "proposed" in entry:
            continue
        asked: Question | None = entry.get("form")
        guess = propose(
            entry["name"].rpartition("/")[2],
            type=entry["type"],
            scope=entry["scope"],
            labels=entry.get("label", {}).values(),
            question=asked.type if asked else None,
            anonymise=asked.anonymise if asked else None,
        )
        leader = by_name.get(entry.get("follows", ""))
        if leader is not None:
            guess = _as_its_leader(entry, guess, leader)
        _take(entry, guess)


def _as_its_leader(entry: dict[str, Any], guess: Guess, leader: dict[str, Any]) -> Guess:
    """What follows from the leader's role; a number calculated from an identifier stands on its own."""
    if leader["role"] != Role.IDENTIFIER:
        return guess
    if "calculate" in entry and entry["type"] == Type.NUMBER:
        del entry["follows"]
        return guess
    because = f"derived from `{leader['name']}`, which is one"
    told = leader["proposed"]
    return replace(
        guess, role=Role.IDENTIFIER, because=because, confidence=told.confidence, sensitivity=leader["sensitivity"]
    )


def _take(entry: dict[str, Any], guess: Guess) -> None:
    entry |= {"role": guess.role, "confirmed": False, "proposed": guess.proposal, "sensitivity": guess.sensitivity}
    if guess.geography is not None:
        entry["geography"] = guess.geography


def _enveloped(name: str, aliases: tuple[str, ...], kind: Type, role: Role, because: str) -> dict[str, Any]:
    """An entry of a column that the server adds."""
    sensitivity = Sensitivity.HIGH if role in (Role.IDENTIFIER, Role.HOUSEHOLD) else Sensitivity.LOW
    guess = Guess(role, because, Confidence.HIGH, sensitivity)
    entry: dict[str, Any] = {"name": name, "type": kind, "scope": "meta", "form": Question(type="derived")}
    if aliases:
        entry["aliases"] = aliases
    _take(entry, guess)
    return entry


def _release_aliases(entries: list[dict[str, Any]]) -> None:
    """Take an alias from an entry of the envelope where a question has that name."""
    names = {entry["name"] for entry in entries}
    for entry in entries:
        if "aliases" in entry:
            entry["aliases"] = tuple(alias for alias in entry["aliases"] if alias not in names)


def _geography_linked(entries: list[dict[str, Any]]) -> None:
    """Areas of one family follow the next coarser one that is there, and a name follows its code."""
    families: dict[str, dict[Geography, dict[str, Any]]] = {}
    for entry in entries:
        geography = entry.get("geography")
        if geography is None or entry["role"] != Role.KEY or geography.depth >= Geography.SITE.depth:
            continue
        family, named = _family(entry["name"])
        if not named:
            families.setdefault(family, {}).setdefault(geography, entry)
    for entry in entries:
        geography = entry.get("geography")
        family, named = _family(entry["name"])
        if geography is None or "follows" in entry or family not in families or geography.depth >= Geography.SITE.depth:
            continue
        members = families[family]
        if named and geography in members:
            entry["follows"] = members[geography]["name"]
        elif members.get(geography) is entry:
            coarser = [level for level in members if level.depth < geography.depth]
            if coarser:
                entry["follows"] = members[max(coarser, key=lambda level: level.depth)]["name"]


def _family(name: str) -> tuple[str, bool]:
    """A name without its id, its level and its last word, and whether it holds names rather than codes."""
    named = dtm_name(name)
    stem = re.sub(
        r"(adm(?:in)?)[ _.-]?[0-4]", r"\1", f"{named.scope}_{named.stem}" if named else name, flags=re.IGNORECASE
    )
    bare = re.sub(r"_?(?:pcode|p_code|code|name|label)$", "", stem, flags=re.IGNORECASE)
    return bare.casefold(), bool(re.search(r"(?:name|label)$", stem, re.IGNORECASE))


def _one_of_each(entries: list[dict[str, Any]]) -> None:
    """Leave the roles household and weight to one entry each, the surest."""
    for role, instead in ((Role.HOUSEHOLD, Role.IDENTIFIER), (Role.WEIGHT, Role.OTHER)):
        found = [entry for entry in entries if entry["role"] == role]
        ranked = sorted(found, key=lambda entry: ["high", "medium", "low"].index(entry["proposed"].confidence))
        for entry in ranked[1:]:
            because = f"{entry['proposed'].because}; `{ranked[0]['name']}` has the role {role}"
            entry["role"] = instead
            entry["proposed"] = entry["proposed"].model_copy(update={"role": instead, "because": because})


def unread(dictionary: Dictionary) -> tuple[Variable, ...]:
    """Coded variables whose list the form does not hold."""
    return tuple(v for v in dictionary.variables if v.open_codes and not v.codes)
