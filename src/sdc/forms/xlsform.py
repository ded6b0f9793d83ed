"""An XLSForm as its rows: what each asks, within which groups, with which choices."""

import difflib
import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from sdc.dictionary import Group, Labels
from sdc.errors import DictionaryError, Fault
from sdc.forms.languages import language_code
from sdc.forms.sheets import Rows, form_sheets, records

_HEADERS = {
    "type": ("type",),
    "name": ("name",),
    "required": ("required", "bind::required", "bind:required"),
    "relevant": ("relevant", "relevance", "bind::relevant", "bind:relevant"),
    "constraint": ("constraint", "bind::constraint", "bind:constraint"),
    "calculation": ("calculation", "calculate", "bind::calculate", "bind:calculate"),
    "choice_filter": ("choice_filter",),
    "appearance": ("appearance", "control::appearance", "body::appearance"),
    "default": ("default",),
    "parameters": ("parameters",),
    "repeat_count": ("repeat_count",),
    "anonymise": ("anonymise", "anonymize", "anonymisation", "anonymization"),
    "list_name": ("list_name", "listname"),
    "hxl": ("hxl", "hxl_hashtag", "instance::hxl"),
    "id": ("question_id", "code", "dtm_id"),
    "indicator_type": ("indicator_type",),
    "unit": ("unit",),
    "disabled": ("disabled",),
}
_HEADER_OF = {synonym: name for name, synonyms in _HEADERS.items() for synonym in synonyms}
_MISSPELT = ("required", "relevant", "constraint", "calculation", "choice_filter", "list_name", "type", "name", "label")
_LABELLED = re.compile(r"(label|hint|constraint_message)(?:\s*::?\s*(.+))?", re.IGNORECASE)
_QUESTION_ID = re.compile(r"[a-z][0-9]{3,5}")
_INVISIBLE = re.compile("[\u200b-\u200f\u061c\u202a-\u202e\u2060-\u2069\ufeff]")
_SELECT = re.compile(
    r"(select[_ ]?(?:one|1)|select[_ ]?(?:multiple|all[_ ]that[_ ]apply)"
    r"|add[_ ]select[_ ](?:one|multiple)[_ ]prompt[_ ]using|rank)"
    r"(_from_file|_external)?(?:\s+from)?\s+(\S+)(.*)",
    re.IGNORECASE,
)
_BOUNDARY = re.compile(r"(begin|end)[_ ]+(group|repeat|lgroup|looped group)(?:\s.*)?", re.IGNORECASE)
_TYPES = {
    "int": "integer",
    "string": "text",
    "datetime": "dateTime",
    "gps": "geopoint",
    "location": "geopoint",
    "photo": "image",
    "trigger": "acknowledge",
    "phone number": "phonenumber",
    "start time": "start",
    "end time": "end",
    "device id": "deviceid",
    "imei": "deviceid",
    "subscriber id": "subscriberid",
    "sim id": "simserial",
}  # fmt: skip
SIMPLE_TYPES = frozenset((
    "integer", "decimal", "range", "text", "note", "calculate", "date", "time", "dateTime", "geopoint", "geotrace",
    "geoshape", "image", "audio", "video", "file", "start", "end", "today", "deviceid", "phonenumber", "username",
    "email", "subscriberid", "simserial", "audit", "barcode", "acknowledge", "hidden", "start-geopoint",
    "background-audio", "background-geopoint",
))  # fmt: skip
_NO_COLUMN = frozenset(("csv-external", "xml-external", "instanceid"))


@dataclass(frozen=True)
class Row:
    """One question of a form, in its place."""

    number: int
    type: str
    name: str
    group: str
    repeat: str | None
    conditional: bool
    list_name: str | None = None
    file: str | None = None
    or_other: bool = False
    label: Labels = field(default_factory=dict)
    hint: Labels = field(default_factory=dict)
    constraint_message: Labels = field(default_factory=dict)
    cells: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Form:
    """A form: its questions, its groups, its lists of choices, and what was read with a pinch of salt.

    Attributes
    ----------
    facts, component : dict
        What the sheets `dictionary` and `component` of an export say of each variable and of all; else empty.
    findings : tuple of str, for the person who imports it
    """

    title: str
    form_id: str
    version: str
    language: str
    rows: tuple[Row, ...]
    groups: tuple[Group, ...]
    lists: Mapping[str, Mapping[str, Labels]]
    facts: Mapping[str, Mapping[str, str]]
    component: Mapping[str, str]
    findings: tuple[str, ...]


def read_form(path: Path) -> Form:
    """Read an XLSForm.

    Parameters
    ----------
    path : Path of an .xlsx, .xls, .ods, or of a .csv that holds the survey sheet alone

    Raises
    ------
    DataError : when the file is broken, too large, or no workbook.
    DictionaryError : when it is no form, or a row of it cannot be read; all faults of the form at once.
    """
    return parse_form(form_sheets(path), str(path))


def parse_form(sheets: Mapping[str, Rows], where: str) -> Form:
    """A form from the rows of its sheets, by the sheets' names in lower case."""
    survey = sheets.get("survey")
    if survey is None and len(sheets) == 1:
        survey = next(iter(sheets.values()))
    if survey is None:
        raise DictionaryError(where, "has no sheet `survey`", "Is it an XLSForm? Its questions stand in `survey`.")
    settings = records(sheets.get("settings", []))[1]
    told = {_key(name): value for name, value in settings[0][1].items()} if settings else {}
    language = language_code(told.get("default_language", "en")) if told.get("default_language") else "en"
    findings: list[str] = []
    faults: list[Fault] = []
    rows, groups = _survey(survey, language, where, findings, faults)
    choices = {name: sheets[name] for name in ("choices", "external_choices") if name in sheets}
    lists = _choices(choices, language, findings, faults, where)
    if faults:
        raise DictionaryError.of(faults)
    if not rows:
        raise DictionaryError(where, "its survey sheet asks nothing", "Is it the right sheet?")
    facts = {cells["name"]: cells for _, cells in records(sheets.get("dictionary", []))[1] if "name" in cells}
    component = {cells.get("entry", ""): cells.get("value", "") for _, cells in records(sheets.get("component", []))[1]}
    return Form(
        title=told.get("form_title", ""),
        form_id=told.get("form_id", told.get("id_string", "")),
        version=told.get("version", ""),
        language=language,
        rows=tuple(rows),
        groups=tuple(groups),
        lists=lists,
        facts=facts,
        component=component if facts else {},
        findings=tuple(findings),
    )


def _key(header: str) -> str:
    return re.sub(r"\s+", "_", header.strip().casefold())


def _columns(header: list[str], language: str, sheet: str, findings: list[str]) -> dict[str, tuple[str, str]]:
    """What each header means: (field, language); a misspelt one is read as the word that it is nearest to."""
    found: dict[str, tuple[str, str]] = {}
    exact = {_HEADER_OF.get(_key(name)) for name in header}
    for name in header:
        labelled = _LABELLED.fullmatch(name.strip())
        if labelled:
            found[name] = (labelled[1].lower(), language_code(labelled[2]) if labelled[2] else language)
        elif _key(name) in _HEADER_OF:
            found[name] = (_HEADER_OF[_key(name)], "")
        else:
            stem, sign, tongue = name.partition("::")
            near = difflib.get_close_matches(_key(stem), _MISSPELT, n=1, cutoff=0.8)
            if near and (near[0] == "label") == bool(sign) and near[0] not in exact:
                found[name] = (near[0], language_code(tongue) if sign else "")
                findings.append(f"sheet `{sheet}`: the header `{name}` was read as `{near[0]}`")
    return found


def _cells(
    columns: Mapping[str, tuple[str, str]], cells: Mapping[str, str]
) -> tuple[dict[str, str], dict[str, Labels]]:
    """Plain cells by field, and texts by field and language; the first of two headers for one field wins."""
    plain: dict[str, str] = {}
    texts: dict[str, Labels] = {"label": {}, "hint": {}, "constraint_message": {}}
    for name, value in cells.items():
        if name not in columns or not value.strip():
            continue
        kind, language = columns[name]
        text = unicodedata.normalize("NFC", value.strip())
        if kind in texts:
            texts[kind].setdefault(language, text)
        else:
            plain.setdefault(kind, text)
    return plain, texts


def _survey(
    sheet: Rows, language: str, where: str, findings: list[str], faults: list[Fault]
) -> tuple[list[Row], list[Group]]:
    """The questions in order, and the groups around them."""
    header, lines = records(sheet)
    columns = _columns(header, language, "survey", findings)
    if not {"type", "name"} <= {kind for kind, _ in columns.values()}:
        raise DictionaryError(where, "its survey sheet has no columns `type` and `name`", "Is it an XLSForm?")
    rows: list[Row] = []
    groups: list[Group] = []
    open_groups: list[tuple[str, bool, bool]] = []  # name, whether a repeat, whether it has a condition
    skipped = disabled = 0
    for number, raw in lines:
        plain, texts = _cells(columns, raw)
        written = " ".join(plain.get("type", "").split())
        if plain.get("disabled", "").casefold() in ("yes", "true", "1") and not _BOUNDARY.fullmatch(written):
            disabled += 1
            continue
        if not written or written.startswith("#"):
            skipped += bool(plain.get("name"))
            continue
        boundary = _BOUNDARY.fullmatch(written)
        if boundary and boundary[1].lower() == "end":
            if not open_groups:
                faults.append(
                    Fault(f"{where}, survey row {number}", "ends a group that nothing began", "Mend the form.")
                )
            else:
                open_groups.pop()
            continue
        name = plain.get("name", "")
        if boundary:
            repeat = boundary[2].lower() != "group" and boundary[2].lower() != "lgroup"
            name = name or f"group_{number}"
            open_groups.append((name, repeat, "relevant" in plain or repeat))
            groups.append(
                Group(
                    path="/".join(part for part, *_ in open_groups),
                    label=texts["label"],
                    relevant=plain.get("relevant"),
                    repeat=repeat,
                    repeat_count=plain.get("repeat_count"),
                    appearance=plain.get("appearance"),
                )
            )
            continue
        row = _question(number, written, name, plain, texts, open_groups, where, faults)
        if row is not None:
            rows.append(row)
    if open_groups:
        faults.append(Fault(where, f"{len(open_groups)} groups of its survey sheet never end", "Mend the form."))
    if skipped:
        findings.append(f"sheet `survey`: {skipped} rows have a name and no type, and were left out")
    if disabled:
        findings.append(f"sheet `survey`: {disabled} questions are disabled, and were left out")
    unread = [name for name in header if name not in columns]
    if unread:
        findings.append(
            f"sheet `survey`: {len(unread)} columns hold nothing that a dictionary keeps: {', '.join(unread)}"
        )
    return rows, groups


def _question(
    number: int,
    written: str,
    name: str,
    plain: dict[str, str],
    texts: dict[str, Labels],
    open_groups: list[tuple[str, bool, bool]],
    where: str,
    faults: list[Fault],
) -> Row | None:
    """One question, or nothing and a fault."""
    place = f"{where}, survey row {number}"
    chosen = _SELECT.fullmatch(written)
    list_name = file = None
    or_other = False
    if chosen:
        stem = chosen[1].lower()
        kind = "rank" if stem == "rank" else "select_one" if "one" in stem or "1" in stem else "select_multiple"
        or_other = bool(re.search(r"\bor[_ ](?:other|specify[_ ]other)\b", chosen[4], re.IGNORECASE))
        if chosen[2] == "_from_file":
            kind, file = f"{kind}_from_file", chosen[3]
        else:
            list_name = chosen[3]
    else:
        bare = written.removeprefix("uri:")  # `uri:deviceid` is the older way to ask for the same
        kind = _TYPES.get(bare.casefold(), bare)
        kind = next((known for known in SIMPLE_TYPES if known.casefold() == kind.casefold()), kind)
        if kind.casefold() in _NO_COLUMN:
            return None
        if kind not in SIMPLE_TYPES:
            faults.append(Fault(place, f"`{written}` is no type of question", "Mend the `type`, or take the row out."))
            return None
    if not name and kind == "note":
        name = f"generated_note_name_{number}"  # as pyxform names them
    if not name:
        faults.append(Fault(place, "a question without a name", "Give it one in the column `name`."))
        return None
    if _INVISIBLE.search(name):
        faults.append(Fault(place, "its name holds invisible characters", "Type the name anew."))
        return None
    return Row(
        number=number,
        type=kind,
        name=name,
        group="/".join(part for part, *_ in open_groups),
        repeat=next((part for part, repeat, _ in reversed(open_groups) if repeat), None),
        conditional="relevant" in plain or any(condition for *_, condition in open_groups),
        list_name=list_name,
        file=file,
        or_other=or_other,
        label=texts["label"],
        hint=texts["hint"],
        constraint_message=texts["constraint_message"],
        cells={key: value for key, value in plain.items() if key not in ("type", "name")},
    )


def question_id(row: Row) -> str | None:
    """The id of the question in the central data dictionary, where the form has a column for it."""
    told = row.cells.get("id", "").casefold()
    return told if _QUESTION_ID.fullmatch(told) else None


def _choices(
    sheets: Mapping[str, Rows], language: str, findings: list[str], faults: list[Fault], where: str
) -> dict[str, dict[str, Labels]]:
    """Lists of choices by name: codes in order, with their labels."""
    lists: dict[str, dict[str, Labels]] = {}
    for sheet, rows in sheets.items():
        header, lines = records(rows)
        columns = _columns(header, language, sheet, findings)
        twice = differing = unseen = nameless = 0
        for _, raw in lines:
            plain, texts = _cells(columns, raw)
            list_name, code = plain.get("list_name", ""), plain.get("name", "")
            if not list_name or not code:
                nameless += bool(list_name or code)
                continue
            if _INVISIBLE.search(code):
                unseen += 1
                continue
            codes = lists.setdefault(list_name, {})
            if code in codes:
                twice += 1
                differing += any(codes[code].get(tongue, text) != text for tongue, text in texts["label"].items())
                codes[code] = {**texts["label"], **codes[code]}
            else:
                codes[code] = texts["label"]
        if unseen:
            faults.append(
                Fault(f"{where}, sheet `{sheet}`", f"{unseen} codes hold invisible characters", "Type them anew.")
            )
        if twice:
            told = f"{twice} codes stand twice in their list, {differing} with another label; the first was kept"
            findings.append(f"sheet `{sheet}`: {told}")
        if nameless:
            findings.append(f"sheet `{sheet}`: {nameless} rows lack a list name or a code, and were left out")
    return lists
