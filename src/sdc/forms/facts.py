"""What a dictionary knows and an XLSForm has no place for, as two more sheets, and back."""

import json
from collections.abc import Mapping
from typing import Any

from sdc.dictionary import Dictionary, Variable
from sdc.documents import build
from sdc.errors import DictionaryError
from sdc.forms.questions import stated, variable_names
from sdc.forms.xlsform import Form

SHEET, COMPONENT_SHEET = "dictionary", "component"
_PLAIN = frozenset((
    "name", "id", "type", "role", "scope", "indicator_type", "list_name", "geography", "follows", "sensitivity",
    "unit", "hxl", "relevant", "constraint", "calculate", "since", "until", "replaced_by",
))  # fmt: skip
_NOTHING = "-"
_FIRST = ("name", "role", "confirmed", "sensitivity", "type", "scope", "geography", "follows", "proposed")

Table = list[list[str]]


def plain_fields(variable: Variable) -> dict[str, Any]:
    """The fields of a variable that are not at their default, as plain values."""
    return variable.model_dump(mode="json", exclude_defaults=True)


def facts_table(dictionary: Dictionary, form: Form) -> Table:
    """The sheet `dictionary`: of each variable, what the survey and choices sheets do not say, or say otherwise.

    Parameters
    ----------
    dictionary : Dictionary
    form : Form, read back from the survey and choices sheets that the dictionary writes
    """
    said = {name: _plain(stated(row, name, form)) for row, name in _named_rows(form)}
    lines = []
    for variable in dictionary.variables:
        actual, base = plain_fields(variable), said.get(variable.name, {})
        facts = {field: value for field, value in actual.items() if base.get(field) != value}
        facts |= dict.fromkeys((field for field in base if field not in actual), None)
        lines.append({"name": variable.name, **{field: _written(field, value) for field, value in facts.items()}})
    order = [*_FIRST, *(field for field in Variable.model_fields if field not in _FIRST)]
    used = [field for field in order if field in ("name", "role") or any(field in line for line in lines)]
    return [used, *([line.get(field, "") for field in used] for line in lines)]


def component_table(dictionary: Dictionary) -> Table:
    """The sheet `component`: what is known of all variables together."""
    whole = dictionary.model_dump(mode="json", exclude={"variables"}, exclude_defaults=True)
    return [
        ["entry", "value"],
        *([entry, _written(entry, value, plain=("component", "version", "unit"))] for entry, value in whole.items()),
    ]


def dictionary_from_facts(form: Form) -> Dictionary:
    """The dictionary that an export was written from, with what people changed in its survey and choices since.

    Raises
    ------
    DictionaryError : when the sheets contradict each other or cannot be read; one fault for each wrong entry.
    """
    where = form.component.get("component") or form.form_id or "form"
    said = {name: _plain(stated(row, name, form)) for row, name in _named_rows(form)}
    names = [*form.facts, *(name for name in said if name not in form.facts)]
    variables = []
    for name in names:
        facts = {field: _read(field, text, where) for field, text in form.facts.get(name, {}).items()}
        entry = {**said.get(name, {}), **facts}
        variables.append({field: value for field, value in entry.items() if value is not None})
    content = {
        entry: _read(entry, text, where, plain=("component", "version", "unit"))
        for entry, text in form.component.items()
    }
    return build({**content, "variables": variables}, where, Dictionary, DictionaryError)


def _named_rows(form: Form) -> list[tuple[Any, str]]:
    return list(zip(form.rows, variable_names(form.rows), strict=True))


def _plain(fields: Mapping[str, Any]) -> dict[str, Any]:
    """Stated fields as plain values, like those that a variable dumps."""
    plain = dict(fields)
    plain["type"] = str(plain["type"])
    plain["form"] = plain["form"].model_dump(mode="json", exclude_defaults=True)
    return plain


def _written(field: str, value: Any, plain: tuple[str, ...] | frozenset[str] = _PLAIN) -> str:
    """A value as the text of a cell: plain where it is text that reads back, else JSON; `-` takes a fact away."""
    if value is None:
        return _NOTHING
    if field in plain and isinstance(value, str) and value == value.strip() and value[:1] not in ('"', "", "-"):
        return value
    return json.dumps(value, ensure_ascii=False)


def _read(field: str, text: str, where: str, plain: tuple[str, ...] | frozenset[str] = _PLAIN) -> Any:
    if text == _NOTHING:
        return None
    if field in plain and not text.startswith('"'):
        return text
    try:
        return json.loads(text)
    except ValueError:
        pass
    raise DictionaryError(f"{where}, sheet `{SHEET}`, `{field}`", "holds what cannot be read", "Export the form again.")
