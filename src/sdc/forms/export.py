"""A dictionary as an XLSForm: the survey, its choices, and two sheets for what a form has no place for."""

import io
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

import xlsxwriter

from sdc.dictionary import Dictionary, Group, Labels, Type, Variable
from sdc.errors import DictionaryError
from sdc.forms.facts import COMPONENT_SHEET, SHEET, Table, component_table, facts_table
from sdc.forms.languages import language_code, language_header
from sdc.forms.xlsform import parse_form

CELL_CHARACTERS = 32_767
_EPOCH = datetime(2026, 1, 1)
_TYPES = {
    Type.INTEGER: "integer",
    Type.NUMBER: "decimal",
    Type.DATE: "date",
    Type.CODE: "select_one",
    Type.CODES: "select_multiple",
    Type.TEXT: "text",
}
_TEXTS = ("label", "hint", "constraint_message")
_PLAIN = (
    "required", "relevant", "constraint", "calculation", "choice_filter", "appearance", "default", "parameters",
    "repeat_count", "anonymise", "hxl", "unit", "indicator_type", "question_id",
)  # fmt: skip


def xlsform_sheets(dictionary: Dictionary) -> dict[str, Table]:
    """The sheets of the form that asks for what a dictionary describes.

    Parameters
    ----------
    dictionary : Dictionary

    Returns
    -------
    dict of sheet name to rows: survey, choices, settings, dictionary, component

    Guarantees
    ----------
    * `draft` of the form in these sheets gives the dictionary back, entry for entry.
    """
    survey, lists = _survey(dictionary)
    title = next(iter(dictionary.title.values()), dictionary.component)
    sheets = {
        "survey": survey,
        "choices": _choices(lists),
        "settings": [["form_title", "form_id", "version"], [title, dictionary.component, dictionary.version]],
    }
    read_back = parse_form(sheets, dictionary.component)
    return {**sheets, SHEET: facts_table(dictionary, read_back), COMPONENT_SHEET: component_table(dictionary)}


def xlsform_workbook(dictionary: Dictionary) -> bytes:
    """The form as a workbook.

    Raises
    ------
    DictionaryError : when a text is longer than a cell of a workbook.

    Guarantees
    ----------
    * The same dictionary gives the same bytes.
    * No cell is a formula or a link, whatever a label begins with.
    """
    sheets = xlsform_sheets(dictionary)
    content = io.BytesIO()
    options = {"strings_to_formulas": False, "strings_to_urls": False, "strings_to_numbers": False, "in_memory": True}
    with xlsxwriter.Workbook(content, options) as book:
        book.set_properties({"created": _EPOCH})
        bold = book.add_format({"bold": True})
        for name, rows in sheets.items():
            sheet = book.add_worksheet(name)
            sheet.freeze_panes(1, 0)
            for number, row in enumerate(rows):
                for place, text in enumerate(row):
                    if len(text) > CELL_CHARACTERS:
                        raise DictionaryError(dictionary.component, f"sheet `{name}`: a text is longer than a cell")
                    if text:
                        sheet.write_string(number, place, text, bold if number == 0 else None)
    return content.getvalue()


@dataclass
class _Node:
    """A group with what stands in it, in order."""

    group: Group | None = None
    inside: list["Variable | _Node"] = field(default_factory=list)


def _survey(dictionary: Dictionary) -> tuple[Table, dict[str, Mapping[str, Labels]]]:
    """The survey sheet, and the lists that it uses."""
    asked = [v for v in dictionary.variables if v.form is None or v.form.type != "derived"]
    lists: dict[str, Mapping[str, Labels]] = {}
    lines: list[dict[str, str]] = []
    _lines(_tree(dictionary, asked), lines, lists)
    languages = {
        text: _languages(getattr(holder, text, {}) for holder in _holders(dictionary, asked, text)) for text in _TEXTS
    }
    header = ["type", "name", *(f"{text}::{language_header(code)}" for text in _TEXTS for code in languages[text])]
    header += [name for name in _PLAIN if any(name in line for line in lines)]
    return [header, *([line.get(name, "") for name in header] for line in lines)], lists


def _holders(dictionary: Dictionary, asked: list[Variable], text: str) -> list[object]:
    if text == "label":
        return [*asked, *dictionary.groups]
    return [variable.form for variable in asked if variable.form is not None]


def _languages(texts: object) -> list[str]:
    """Languages in order of their first use, English before all others."""
    found = list(dict.fromkeys(code for labels in texts for code in labels))  # type: ignore[attr-defined]
    return sorted(
        (code for code in found if language_code(language_header(code)) == code), key=lambda code: code != "en"
    )


def _tree(dictionary: Dictionary, asked: list[Variable]) -> _Node:
    """Questions within their groups; a group stands where its first question does, an empty one at the end."""
    groups = {group.path: group for group in dictionary.groups}
    root = _Node()
    nodes: dict[str, _Node] = {"": root}

    def node(path: str) -> _Node:
        if path not in nodes:
            nodes[path] = _Node(groups.get(path, Group(path=path)))
            node(path.rpartition("/")[0]).inside.append(nodes[path])
        return nodes[path]

    for variable in asked:
        node(variable.form.group if variable.form else "").inside.append(variable)
    for path in groups:
        node(path)
    return root


def _lines(node: _Node, lines: list[dict[str, str]], lists: dict[str, Mapping[str, Labels]]) -> None:
    for item in node.inside:
        if isinstance(item, Variable):
            lines.append(_question(item, lists))
            continue
        group = item.group
        assert group is not None  # only the root has none
        kind = "repeat" if group.repeat else "group"
        begin = {"type": f"begin_{kind}", "name": group.path.rpartition("/")[2], **_texts("label", group.label)}
        told = {"relevant": group.relevant, "repeat_count": group.repeat_count, "appearance": group.appearance}
        lines.append(begin | {name: text for name, text in told.items() if text})
        _lines(item, lines, lists)
        lines.append({"type": f"end_{kind}"})


def _question(variable: Variable, lists: dict[str, Mapping[str, Labels]]) -> dict[str, str]:
    form = variable.form
    kind = form.type if form else _TYPES[variable.type]
    if kind in ("select_one", "select_multiple", "rank"):
        if variable.codes:
            list_name = "_".join((variable.list_name or variable.name).split())
            if lists.setdefault(list_name, variable.codes) != variable.codes:
                list_name = f"{list_name}__{variable.name}"
                lists[list_name] = variable.codes
            kind = f"{kind} {list_name}"
        elif form and kind != "rank":
            kind = f"{kind} {variable.list_name or 'not_in_the_form'}"
        else:
            kind = "text"
    elif form and form.file:
        kind = f"{kind} {form.file}"
    name = variable.name
    if form and form.group and name.startswith(f"{form.group}/"):
        name = name.removeprefix(f"{form.group}/")
    told = {
        "required": form.required if form else ("yes" if variable.required else None),
        "relevant": variable.relevant,
        "constraint": variable.constraint,
        "calculation": variable.calculate,
        "hxl": variable.hxl,
        "unit": variable.unit,
        "indicator_type": variable.indicator_type,
        "question_id": variable.id,
    }
    if form:
        told |= {
            name: getattr(form, name) for name in ("choice_filter", "appearance", "default", "parameters", "anonymise")
        }
    line = {"type": kind, "name": name, **_texts("label", variable.label)}
    if form:
        line |= _texts("hint", form.hint) | _texts("constraint_message", form.constraint_message)
    return line | {name: text for name, text in told.items() if text}


def _texts(kind: str, labels: Labels) -> dict[str, str]:
    return {f"{kind}::{language_header(code)}": text for code, text in labels.items()}


def _choices(lists: Mapping[str, Mapping[str, Labels]]) -> Table:
    languages = _languages(labels for codes in lists.values() for labels in codes.values())
    rows = [["list_name", "name", *(f"label::{language_header(code)}" for code in languages)]]
    for list_name, codes in lists.items():
        rows += [
            [list_name, code, *(labels.get(language, "") for language in languages)] for code, labels in codes.items()
        ]
    return rows
