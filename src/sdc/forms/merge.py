"""A second form into a dictionary: what is new is added, what was there stays as it was."""

from collections.abc import Mapping, Sequence
from typing import Any, Literal

from sdc.dictionary import Dictionary, Group, Labels, Link, Question, Role, Type, Variable, version_key
from sdc.documents import build
from sdc.errors import DictionaryError, Fault

_FILLED = ("id", "indicator_type", "unit", "hxl", "relevant", "constraint", "calculate", "form")
_CODED = (Type.CODE, Type.CODES)


def merge(
    old: Dictionary, new: Dictionary, *, conflicts: Literal["refuse", "note"] = "refuse", retire: bool = False
) -> tuple[Dictionary, tuple[str, ...]]:
    """Add to a dictionary what another, drafted from a newer form, has more.

    A variable of `new` is the variable of `old` that has its name, or one of its names among the aliases. Where both
    say something of it, `old` is right: languages, codes and empty facts are added, nothing is changed. What `new`
    alone has goes to the end, its `since` the new version. What means missing is not taken from a form: it would read
    earlier rounds anew.

    Parameters
    ----------
    old, new : Dictionary
    conflicts : refuse or note
        What to do where the two contradict each other in a type, in the label of a code, or in a code that has no
        coarser code in a hierarchy: refuse the merge, all conflicts told, or keep `old` and note it at the variable.
    retire : bool
        Whether a variable that `new` lacks is no longer asked: its `until` becomes the version of `old`.

    Returns
    -------
    merged : Dictionary, its version one minor step up where anything changed
    kept : tuple of str
        Where the two differ and `old` was kept, in words.

    Raises
    ------
    DictionaryError : with one fault for each conflict, unless they are noted.

    Guarantees
    ----------
    * Nothing is lost: every variable, code, label and fact of `old` is in the result, unchanged.
    * Everything is there: every variable and code of `new` is in the result, or in a conflict.
    * A dictionary merged into itself does not change; merging twice is merging once.
    """
    version = bumped(old.version)
    matched = _matched(old, new)
    told: list[tuple[str, str]] = []  # variable, conflict
    kept: list[str] = []
    lists = _Lists(old, version)
    for variable in new.variables:
        own = matched.get(variable.name)
        if own is not None:
            lists.add(own, variable, told, kept)
    added = _added(old, new, matched, version, lists, told)
    others: dict[str, list[Variable]] = {}
    for variable in new.variables:
        if variable.name in matched:
            others.setdefault(matched[variable.name].name, []).append(variable)
    variables = [
        _joined(lists.apply(variable), others.get(variable.name, ()), told, kept) for variable in old.variables
    ]
    if retire:
        found = {own.name for own in matched.values()}
        variables = [
            variable.model_copy(update={"until": old.version}) if _retires(variable, found) else variable
            for variable in variables
        ]
    if told and conflicts == "refuse":
        do = "Mend the form, or keep what was there and note it: `--conflicts note`."
        raise DictionaryError.of(Fault(f"{old.component}, `{name}`", what, do) for name, what in dict.fromkeys(told))
    noted = _noted(variables, told)
    merged = _with(
        old,
        variables=[*noted, *(lists.apply(variable) for variable in added)],
        title={**new.title, **old.title} if set(new.title) - set(old.title) else old.title,
        groups=_groups(old, new),
        links=(*old.links, *(link for link in new.links if _is_new(link, old))),
    )
    told_kept = tuple(dict.fromkeys((*kept, *(f"`{name}`: {what}" for name, what in told))))
    return (merged if merged == old else _with(merged, version=version)), told_kept


def bumped(version: str) -> str:
    """The next minor version."""
    major, minor, *_ = (*version_key(version), 0)
    return f"{major}.{minor + 1}.0"


def replaced(dictionary: Dictionary, variable: Variable) -> Dictionary:
    """A dictionary with the variable of that name replaced, and checked anew."""
    variables = [variable if own.name == variable.name else own for own in dictionary.variables]
    return _with(dictionary, variables=variables)


def _matched(old: Dictionary, new: Dictionary) -> dict[str, Variable]:
    """The variable of `old` for each variable of `new` that has one."""
    owners = {name: variable for variable in old.variables for name in (variable.name, *variable.aliases)}
    found = {}
    for variable in new.variables:
        own = next((owners[name] for name in (variable.name, *variable.aliases) if name in owners), None)
        if own is not None:
            found[variable.name] = own
    return found


class _Lists:
    """Code lists of the old dictionary as they grow; variables that share a list grow together."""

    def __init__(self, old: Dictionary, version: str) -> None:
        self.version = version
        self.codes: dict[str, dict[str, Labels]] = {}
        self.since: dict[str, dict[str, str]] = {}
        self.mapped: dict[str, bool] = {}
        for variable in old.variables:
            key = self.key(variable)
            if variable.codes:
                self.codes.setdefault(key, {code: dict(labels) for code, labels in variable.codes.items()})
                self.since.setdefault(key, dict(variable.codes_since))
                closed = any(level.map is not None for level in variable.hierarchy)
                self.mapped[key] = self.mapped.get(key, False) or closed

    @staticmethod
    def key(variable: Variable) -> str:
        return f"list {variable.list_name}" if variable.list_name else f"variable {variable.name}"

    def add(self, own: Variable, other: Variable, told: list[tuple[str, str]], kept: list[str]) -> None:
        """Codes and labels of another variable's list to the list of `own`."""
        key = self.key(own)
        if own.type not in _CODED or other.type not in _CODED or not other.codes:
            return
        if key not in self.codes:
            kept.append(f"`{own.name}`: its codes stay open, the form lists {len(other.codes)}")
            return
        self.grow(key, own.name, other, told)

    def grow(self, key: str, name: str, other: Variable, told: list[tuple[str, str]]) -> None:
        """Codes that the list lacks, with the version in which they came, and labels in languages that it lacks."""
        codes = self.codes[key]
        for code, labels in other.codes.items():
            if code not in codes:
                if self.mapped[key]:
                    told.append((name, f"the code `{code}` is new, and its hierarchy has no coarser code for it"))
                    continue
                codes[code] = dict(labels)
                self.since[key][code] = other.codes_since.get(code, self.version)
                continue
            for language, text in labels.items():
                if codes[code].setdefault(language, text) != text:
                    told.append((name, f"the code `{code}` has another label in `{language}`"))

    def apply(self, variable: Variable) -> Variable:
        """The variable with its list as it has grown."""
        key = self.key(variable)
        if not variable.codes or key not in self.codes:
            return variable
        if (self.codes[key], self.since[key]) == (variable.codes, variable.codes_since):
            return variable
        return variable.model_copy(update={"codes": self.codes[key], "codes_since": self.since[key]})


def _added(
    old: Dictionary,
    new: Dictionary,
    matched: Mapping[str, Variable],
    version: str,
    lists: _Lists,
    told: list[tuple[str, str]],
) -> list[Variable]:
    """The variables that only `new` has, fit to stand in `old`."""
    taken = {name for variable in old.variables for name in (variable.name, *variable.aliases)}
    single = {role for role in (Role.HOUSEHOLD, Role.WEIGHT) if any(v.role == role for v in old.variables)}
    names = {variable.name for variable in new.variables if variable.name not in matched}
    renamed = {name: own.name for name, own in matched.items()}
    found = []
    for variable in new.variables:
        if variable.name in matched:
            continue
        change: dict[str, Any] = {"since": variable.since or version}
        change["aliases"] = tuple(alias for alias in variable.aliases if alias not in taken)
        leader = renamed.get(variable.follows or "", variable.follows)
        change["follows"] = leader if leader in taken or leader in names else None
        if variable.role in single:
            change |= _demoted(variable, f"the dictionary has a {variable.role} already")
        elif variable.role == Role.COUNT and old.kind == "records":
            change |= _demoted(variable, "the rows of this component are people, not places")
        if variable.codes and variable.list_name:
            change |= _list_of(variable, lists, told)
        found.append(variable.model_copy(update=change))
    return found


def _demoted(variable: Variable, why: str) -> dict[str, Any]:
    """A role that the old dictionary has no room for, back to one that a person must look at."""
    role = Role.IDENTIFIER if variable.role == Role.HOUSEHOLD else Role.OTHER
    proposed = variable.proposed
    if proposed is not None:
        proposed = proposed.model_copy(update={"role": role, "because": f"{proposed.because}; {why}"})
    return {"role": role, "confirmed": False, "proposed": proposed}


def _list_of(variable: Variable, lists: _Lists, told: list[tuple[str, str]]) -> dict[str, Any]:
    """The list of a new variable: its own, joined with the old one of that name, or under another name."""
    name = variable.list_name or ""
    key = f"list {name}"
    number = 2
    while key in lists.codes and _blocked(lists, key, variable):
        name, number = f"{variable.list_name}_{number}", number + 1
        key = f"list {name}"
    if key in lists.codes:
        lists.grow(key, variable.name, variable, told)
    else:
        lists.codes[key] = {code: dict(labels) for code, labels in variable.codes.items()}
        lists.since[key], lists.mapped[key] = dict(variable.codes_since), False
    return {"list_name": name, "codes": lists.codes[key], "codes_since": lists.since[key]}


def _blocked(lists: _Lists, key: str, variable: Variable) -> bool:
    """Whether the old list of that name cannot take the codes: it shares none, is closed, or a label contradicts."""
    codes = lists.codes[key]
    if not set(codes) & set(variable.codes):
        return True
    if lists.mapped[key] and set(variable.codes) - set(codes):
        return True
    return any(
        codes[code].get(language, text) != text
        for code, labels in variable.codes.items()
        if code in codes
        for language, text in labels.items()
    )


def _joined(variable: Variable, others: Sequence[Variable], told: list[tuple[str, str]], kept: list[str]) -> Variable:
    """An old variable with languages and facts that it lacks and the same question of the new form has."""
    for other in others:
        derived = other.form is not None and other.form.type == "derived"
        if other.type != variable.type and not derived:
            told.append((variable.name, f"is `{variable.type}`, the form asks for `{other.type}`"))
        change: dict[str, Any] = {}
        if set(other.label) - set(variable.label):
            change["label"] = {**variable.label, **{k: t for k, t in other.label.items() if k not in variable.label}}
        kept += [
            f"`{variable.name}`: another label in `{language}`"
            for language, text in other.label.items()
            if variable.label.get(language, text) != text
        ]
        for field in _FILLED:
            mine, theirs = getattr(variable, field), getattr(other, field)
            if mine is None and theirs is not None and not (derived and field == "form"):
                change[field] = theirs
            elif field == "form" and mine is not None and theirs is not None:
                joined = _asked(mine, theirs)
                change |= {"form": joined} if joined != mine else {}
            elif field in ("relevant", "constraint", "calculate") and theirs is not None and mine != theirs:
                kept.append(f"`{variable.name}`: another `{field}`")
        if change:
            variable = variable.model_copy(update=change)
    return variable


def _asked(mine: Question, theirs: Question) -> Question:
    """A question with hints and messages in languages that it lacks."""
    texts = {
        field: {**getattr(theirs, field), **getattr(mine, field)}
        for field in ("hint", "constraint_message")
        if set(getattr(theirs, field)) - set(getattr(mine, field))
    }
    return mine.model_copy(update=texts) if texts else mine


def _retires(variable: Variable, found: set[str]) -> bool:
    derived = variable.form is not None and variable.form.type == "derived"
    return variable.name not in found and variable.until is None and not derived


def _noted(variables: Sequence[Variable], told: Sequence[tuple[str, str]]) -> list[Variable]:
    """Variables with the conflicts as notes, each once."""
    by_name: dict[str, list[str]] = {}
    for name, what in dict.fromkeys(told):
        by_name.setdefault(name, []).append(what)
    noted = []
    for variable in variables:
        due = [what for what in by_name.get(variable.name, ()) if what not in variable.notes]
        noted.append(variable.model_copy(update={"notes": (*variable.notes, *due)}) if due else variable)
    return noted


def _groups(old: Dictionary, new: Dictionary) -> tuple[Group, ...]:
    """Groups of both; of a group in both, the old one with languages that it lacks."""
    labels = {group.path: group.label for group in new.groups}
    known = {group.path for group in old.groups}
    joined = [
        group.model_copy(update={"label": {**labels[group.path], **group.label}})
        if set(labels.get(group.path, {})) - set(group.label)
        else group
        for group in old.groups
    ]
    return (*joined, *(group for group in new.groups if group.path not in known))


def _is_new(link: Link, old: Dictionary) -> bool:
    """Whether a link is not in the old dictionary and can stand there."""
    counts = {variable.name for variable in old.variables if variable.role == Role.COUNT}
    return set(link.members) <= counts and (link.total, link.parts) not in {(own.total, own.parts) for own in old.links}


def _with(dictionary: Dictionary, **changes: Any) -> Dictionary:
    """A dictionary with some entries replaced, and checked anew."""
    content = {name: getattr(dictionary, name) for name in Dictionary.model_fields} | changes
    return build(content, dictionary.component, Dictionary, DictionaryError)
