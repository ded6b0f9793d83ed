"""A person's word on what was proposed."""

from collections.abc import Sequence
from fnmatch import fnmatchcase
from typing import Any

from sdc.dictionary import Confidence, Dictionary, Role, Type, Variable
from sdc.documents import build
from sdc.errors import DictionaryError, Fault

_RANK = {Confidence.HIGH: 2, Confidence.MEDIUM: 1, Confidence.LOW: 0}


def confirm(
    dictionary: Dictionary,
    names: Sequence[str],
    *,
    role: Role | None = None,
    type: Type | None = None,
    confidence: Confidence = Confidence.LOW,
) -> tuple[Dictionary, tuple[str, ...]]:
    """Confirm entries that a form or a file drafted, as they were proposed or otherwise.

    Parameters
    ----------
    dictionary : Dictionary
    names : sequence of str
        Names of variables; ``*`` and ``?`` stand for any letters.
    role : Role, in place of the proposed one
    type : Type, in place of the drafted one
    confidence : Confidence
        With patterns: only proposals that are at least so sure.

    Returns
    -------
    dictionary : Dictionary, the entries confirmed and their proposals gone
    confirmed : tuple of str, their names

    Raises
    ------
    DictionaryError : when a name is no variable, is confirmed already, or cannot have the role or the type.

    Guarantees
    ----------
    * Only entries that the names reach change.
    """
    faults, chosen = [], set()
    for name in names:
        if any(sign in name for sign in "*?["):
            found = {v.name for v in dictionary.unconfirmed if fnmatchcase(v.name, name) and _sure(v, confidence)}
            chosen |= found
            continue
        variable = dictionary.by_name.get(name)
        if variable is None:
            faults.append(Fault(f"{dictionary.component}, `{name}`", "is no variable", "Mend the name."))
        elif variable.confirmed:
            do = "Change its entry in the file, so that the change is read and approved."
            faults.append(Fault(f"{dictionary.component}, `{name}`", f"is confirmed already, as {variable.role}", do))
        else:
            chosen.add(name)
    if faults:
        raise DictionaryError.of(faults)
    variables: list[Any] = [
        _confirmed(variable, role, type) if variable.name in chosen else variable for variable in dictionary.variables
    ]
    content = {name: getattr(dictionary, name) for name in Dictionary.model_fields} | {"variables": variables}
    result = build(content, dictionary.component, Dictionary, DictionaryError)
    return result, tuple(variable.name for variable in dictionary.variables if variable.name in chosen)


def _sure(variable: Variable, confidence: Confidence) -> bool:
    """Whether the proposal is at least so sure; one without is not sure at all."""
    return _RANK[variable.proposed.confidence if variable.proposed else Confidence.LOW] >= _RANK[confidence]


def _confirmed(variable: Variable, role: Role | None, type: Type | None) -> dict[str, Any]:
    """The entry as confirmed, as fields that are checked anew."""
    fields = {name: getattr(variable, name) for name in variable.model_fields_set}
    fields |= {"confirmed": True, "proposed": None}
    if role is not None:
        fields["role"] = role
    if type is not None and type != variable.type:
        fields["type"] = type
        coded = type in (Type.CODE, Type.CODES)
        if coded and not variable.codes:
            fields["open_codes"] = True
        if not coded:
            fields |= {"codes": {}, "codes_since": {}, "list_name": None, "open_codes": False}
    return fields
