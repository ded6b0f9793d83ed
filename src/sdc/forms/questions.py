"""What a row of a form says by itself: a variable's type, codes, texts and range, and nothing proposed."""

import re
from collections.abc import Mapping
from typing import Any

from sdc.dictionary import Labels, Question, Type
from sdc.forms.naming import dtm_name
from sdc.forms.xlsform import Form, Row, question_id

_TYPES = {
    "integer": Type.INTEGER,
    "decimal": Type.NUMBER,
    "date": Type.DATE,
    "dateTime": Type.DATE,
    "start": Type.DATE,
    "end": Type.DATE,
    "today": Type.DATE,
    "select_one": Type.CODE,
    "select_one_from_file": Type.CODE,
    "select_multiple": Type.CODES,
    "select_multiple_from_file": Type.CODES,
    "rank": Type.CODES,
}
_NUMERIC = re.compile(
    r"\s*(?:(?:count|count-selected|sum|min|max|number|int|round|position|once|decimal-date-time|string-length)\s*\(.*\)"
    r"|if\s*\(.*,\s*-?[0-9.]+\s*,\s*-?[0-9.]+\s*\)|[-+*0-9.\s()]*(?:\$\{[^}]+\}|div|mod|[-+*0-9.\s()])+)\s*",
    re.DOTALL,
)
_COMPARED = re.compile(r"\(*\s*(?:\.|current\(\)/\.)\s*(>=|<=|>|<|=)\s*(-?[0-9]+(?:\.[0-9]+)?)\s*\)*")
_INDICATORS = {
    "core": "Core",
    "core central data warehouse": "Core Central Data Warehouse",
    "core cdw": "Core Central Data Warehouse",
    "optional": "Optional",
    "recommended by global sectoral experts": "Recommended by Global Sectoral Experts",
    "requested by mission": "Requested by Mission",
}
_YES = frozenset(("yes", "true", "true()", "1", "oui", "si", "sí"))


def stated(row: Row, name: str, form: Form) -> dict[str, Any]:
    """The fields of a variable that its row and its list state, without guesses.

    Parameters
    ----------
    row : Row
    name : str, of the variable: the row's own, or with its groups where another row has it
    form : Form

    Returns
    -------
    dict of fields of Variable, without `role`; a field at its default is left out
    """
    cells = row.cells
    kind = type_of(row)
    codes = form.lists.get(row.list_name or "", {}) if kind in (Type.CODE, Type.CODES) else {}
    named = dtm_name(row.name)
    low, high = bounds(row, kind)
    asked = Question(
        type=row.type,
        group=row.group,
        repeat=row.repeat,
        file=row.file,
        required=cells.get("required"),
        hint=row.hint,
        constraint_message=row.constraint_message,
        choice_filter=cells.get("choice_filter"),
        appearance=cells.get("appearance"),
        default=cells.get("default"),
        parameters=cells.get("parameters"),
        anonymise=cells.get("anonymise"),
    )
    fields: dict[str, Any] = {
        "name": name,
        "id": question_id(row) or (named.id if named else None),
        "label": row.label,
        "type": kind,
        "indicator_type": _INDICATORS.get(cells.get("indicator_type", "").casefold()),
        "list_name": row.list_name if codes else None,
        "codes": codes,
        "open_codes": kind in (Type.CODE, Type.CODES) and not codes,
        "unit": cells.get("unit"),
        "min": low,
        "max": high,
        "required": is_required(row),
        "hxl": cells.get("hxl"),
        "relevant": cells.get("relevant"),
        "constraint": cells.get("constraint"),
        "calculate": cells.get("calculation"),
        "form": asked,
    }
    return {field: value for field, value in fields.items() if value is not None and value is not False and value != {}}


def type_of(row: Row) -> Type:
    """What the cells of a question hold. A rank loses its order: it is read as a set of codes."""
    if row.type == "range":
        return Type.INTEGER if all(part.lstrip("-").isdigit() for part in parameters(row).values()) else Type.NUMBER
    if row.type == "calculate" and _NUMERIC.fullmatch(row.cells.get("calculation", "")):
        return Type.NUMBER
    return _TYPES.get(row.type, Type.TEXT)


def is_required(row: Row) -> bool:
    """Whether every record must answer: asked of everybody, with no condition on it or on its groups."""
    return (
        row.cells.get("required", "").casefold() in _YES
        and not row.conditional
        and row.type not in ("note", "calculate")
    )


def parameters(row: Row) -> Mapping[str, str]:
    """Numbers of a range: ``start=0 end=10 step=1``."""
    return dict(re.findall(r"(start|end|step)\s*=\s*(-?[0-9.]+)", row.cells.get("parameters", "")))


def bounds(row: Row, kind: Type) -> tuple[float | None, float | None]:
    """Least and greatest number that the constraint allows, where it says so plainly.

    Only comparisons with a number that `and` joins count; anything with `or`, `if` or `not` gives no bound, as it may
    allow more. A strict bound of a decimal is taken as its end.
    """
    if kind not in (Type.INTEGER, Type.NUMBER):
        return None, None
    if row.type == "range":
        told = parameters(row)
        return (float(told["start"]) if "start" in told else None), (float(told["end"]) if "end" in told else None)
    text = row.cells.get("constraint", "")
    if re.search(r"\bor\b|\bnot\b|\bif\b|\bcoalesce\b|!=", text):
        return None, None
    low: float | None = None
    high: float | None = None
    for part in re.split(r"\band\b", text):
        compared = _COMPARED.fullmatch(part.strip())
        if not compared:
            continue
        sign, number = compared[1], float(compared[2])
        step = 1.0 if kind == Type.INTEGER and number.is_integer() else 0.0
        if sign in (">", ">=", "="):
            least = number + (step if sign == ">" else 0)
            low = least if low is None else max(low, least)
        if sign in ("<", "<=", "="):
            most = number - (step if sign == "<" else 0)
            high = most if high is None else min(high, most)
    return low, high


def variable_names(rows: tuple[Row, ...]) -> list[str]:
    """A name for each row: its own, or with its groups where an earlier row has it, or with its row number."""
    seen: set[str] = set()
    names = []
    for row in rows:
        path = f"{row.group}/{row.name}" if row.group else row.name
        name = next(option for option in (row.name, path, f"{path}#{row.number}") if option not in seen)
        seen.add(name)
        names.append(name)
    return names


def with_other(codes: Mapping[str, Labels]) -> dict[str, Labels]:
    """A list with the code that `or_other` adds."""
    return {**codes, "other": codes.get("other", {"en": "Other", "fr": "Autre"})}
