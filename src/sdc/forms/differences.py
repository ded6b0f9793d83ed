"""What changed between two versions of a dictionary, in words, and what each change means for releases."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from sdc.dictionary import Dictionary, Link, Role, Variable

_ADDED = {
    Role.IDENTIFIER: "a new identifier: it ends at ingest and changes no release",
    Role.HOUSEHOLD: "ties records of a household: risks of households are judged from now on",
    Role.KEY: "a new key: an intruder may know it, so k is harder to reach and requests that ask for it change",
    Role.SENSITIVE: "a new sensitive column: classes must be diverse in it where it is released",
    Role.WEIGHT: "a sampling weight: risks are estimated for the population from now on",
    Role.COUNT: "a new count: it needs the minimum count, and links to the counts that it is part of",
    Role.OTHER: "a new column without a role in disclosure: it is released where a request asks for it",
}


@dataclass(frozen=True)
class Change:
    """One change: of which kind, at which variable or list, what it is, and what it means for releases."""

    kind: str
    name: str
    what: str
    means: str


def differences(old: Dictionary, new: Dictionary) -> tuple[Change, ...]:
    """Compare two versions of a dictionary.

    Parameters
    ----------
    old, new : Dictionary

    Returns
    -------
    tuple of Change
        In the order of the dictionary: what is new, gone and retired, then what changed in each variable. Empty when
        nothing but the version differs.
    """
    found: list[Change] = []
    before, after = old.by_name, new.by_name
    for variable in new.variables:
        if variable.name not in before:
            found.append(_added(variable))
    for variable in old.variables:
        if variable.name not in after:
            means = "requests that ask for it are refused, and earlier rounds that hold it no longer pass ingest"
            found.append(Change("removed", variable.name, "is gone", means))
    told: set[str] = set()
    for variable in new.variables:
        if variable.name in before:
            found += _changed(before[variable.name], variable, told)
    found += _links(old.links, new.links)
    found += _whole(old, new)
    return tuple(found)


def _added(variable: Variable) -> Change:
    waits = "" if variable.confirmed else " (proposed, not confirmed: ingest refuses it until somebody confirms)"
    what = f"is new: {variable.type}, {variable.role}{waits}"
    return Change("added", variable.name, what, _ADDED[variable.role])


def _changed(old: Variable, new: Variable, told: set[str]) -> Iterator[Change]:
    """Changes of one variable, those that matter most first; a shared list is told once."""

    def change(kind: str, what: str, means: str) -> Change:
        return Change(kind, new.name, what, means)

    if old.until is None and new.until is not None:
        yield change(
            "retired", f"is asked until version {new.until}", "newer rounds may lack it; older releases keep it"
        )
    elif old.until is not None and new.until is None:
        yield change("restored", "is asked again", "rounds of the new version must hold it where it is required")
    if new.replaced_by != old.replaced_by and new.replaced_by is not None:
        means = "the two are compared by nobody: releases of both rounds show two columns"
        yield change("replaced", f"is replaced by `{new.replaced_by}`", means)
    if not old.confirmed and new.confirmed:
        yield change("confirmed", f"is confirmed as {new.role}", "extracts that hold it pass ingest from now on")
    if old.confirmed and not new.confirmed:
        yield change("unconfirmed", "waits for a person's word again", "extracts that hold it are refused until then")
    if old.role != new.role:
        yield change("role", f"was {old.role}, is {new.role}", _role_means(old.role, new.role))
    if old.type != new.type:
        means = "rounds typed before differ from rounds typed now: run ingest again for all of them"
        yield change("type", f"was {old.type}, is {new.type}", means)
    yield from _codes(old, new, told)
    yield from _labels(old, new)
    for field, means in _FIELDS.items():
        mine, theirs = getattr(old, field), getattr(new, field)
        if mine != theirs:
            yield change(field, f"its `{field}` {_moved(mine, theirs)}", means)
    if old.hierarchy != new.hierarchy:
        means = "plans choose among other levels: releases before and after may differ in detail and can be compared"
        yield change("hierarchy", f"has {len(new.hierarchy)} levels, had {len(old.hierarchy)}", means)


_FIELDS = {
    "follows": "it is hidden together with another column than before",
    "geography": "the policy's lowest geography decides anew whether it may be released",
    "sensitivity": "the stricter of policy and sensitivity wins, so the tier of a release may change",
    "min": "numbers outside the range are refused at ingest",
    "max": "numbers outside the range are refused at ingest",
    "required": "an extract without it, or with gaps in it, is refused or passes",
    "unique": "records that share a value are refused or pass",
    "open_codes": "codes outside the list pass, or are refused",
    "unit": "figures before and after are not of the same unit",
    "scope": "it speaks of somebody else: look at its role again",
    "aliases": "columns of other names are recognised at ingest",
    "formats": "dates in other forms are read",
    "since": "rounds of earlier versions need not hold it",
    "hxl": "the hashtag of the released column changes",
    "id": "only documentation changes",
    "indicator_type": "only documentation changes",
    "relevant": "only documentation changes: it is kept, not run",
    "constraint": "only documentation changes: the range stands in min and max",
    "calculate": "only documentation changes: it is kept, not run",
    "notes": "only documentation changes",
    "form": "only documentation changes",
}


def _moved(mine: object, theirs: object) -> str:
    """How a fact moved; long ones are not quoted."""
    short = all(
        value is None or isinstance(value, bool | int | float) or len(str(value)) < 30 for value in (mine, theirs)
    )
    if not short or isinstance(mine, tuple) or hasattr(mine, "model_dump") or hasattr(theirs, "model_dump"):
        return "changed"
    if mine is None:
        return f"is {theirs} now, was not given"
    return f"was {mine}, is {'not given' if theirs is None else theirs}"


def _role_means(old: Role, new: Role) -> str:
    if old == Role.IDENTIFIER:
        return "it no longer ends at ingest: values of people reach the typed tables and may be released"
    if new == Role.IDENTIFIER:
        return "it ends at ingest from now on; earlier releases may hold it, so look whether one must be withdrawn"
    if new == Role.KEY:
        return "an intruder is taken to know it: risk rises, plans recode or suppress more"
    if old == Role.KEY:
        return "an intruder is no longer taken to know it: measured risk falls without the data having changed"
    if new == Role.COUNT or old == Role.COUNT:
        return "the minimum count and secondary suppression reach it, or no longer do"
    return "plans and suites treat it otherwise: write the suites again and read the next plan"


def _codes(old: Variable, new: Variable, told: set[str]) -> Iterator[Change]:
    name = f"list {new.list_name}" if new.list_name else new.name
    if name in told or (old.codes == new.codes and old.codes_since == new.codes_since):
        return
    told.add(name)
    added = [code for code in new.codes if code not in old.codes]
    gone = [code for code in old.codes if code not in new.codes]
    if added:
        means = "they pass ingest; they are rare at first, so they will be suppressed more often than others"
        yield Change("codes_added", name, f"{_many(added, 'code')} more: {_some(added)}", means)
    if gone:
        means = "earlier rounds that hold them no longer pass ingest"
        yield Change("codes_removed", name, f"{_many(gone, 'code')} fewer: {_some(gone)}", means)
    both = [code for code in new.codes if code in old.codes]
    if [code for code in old.codes if code in new.codes] != both:
        yield Change("codes_order", name, "its codes stand in another order", "orders of released categories change")
    reworded = [code for code in both if any(new.codes[code].get(k, t) != t for k, t in old.codes[code].items())]
    if reworded:
        means = "the same code reads otherwise: does it still mean the same?"
        yield Change("code_labels", name, f"{_many(reworded, 'code')} with another label: {_some(reworded)}", means)
    for kind, here, there in (("added", new, old), ("removed", old, new)):
        tongues = sorted({k for code in both for k in here.codes[code] if k not in there.codes[code]})
        if tongues:
            what = f"labels of codes {kind} in {', '.join(tongues)}"
            yield Change(f"code_labels_{kind}", name, what, "only documentation changes")


def _labels(old: Variable, new: Variable) -> Iterator[Change]:
    added = [language for language in new.label if language not in old.label]
    gone = [language for language in old.label if language not in new.label]
    other = [language for language, text in new.label.items() if old.label.get(language, text) != text]
    if added:
        yield Change("labels_added", new.name, f"has a label in {', '.join(added)}", "only documentation changes")
    if gone:
        yield Change("labels_removed", new.name, f"lost its label in {', '.join(gone)}", "only documentation changes")
    if other:
        means = "the question may not be the same: are rounds before and after comparable?"
        yield Change("labels", new.name, f"has another label in {', '.join(other)}", means)


def _links(old: Iterable[Link], new: Iterable[Link]) -> Iterator[Change]:
    mine, theirs = ({(link.total, link.parts): link for link in links} for links in (old, new))
    for total, parts in [key for key in theirs if key not in mine]:
        means = "suppression of counts protects them together"
        yield Change("link_added", total, f"is the sum of {_some(parts)}", means)
    for total, parts in [key for key in mine if key not in theirs]:
        means = "a suppressed count can be computed from the others again, unless another link says so"
        yield Change("link_removed", total, f"is no longer the sum of {_some(parts)}", means)
    for key in [key for key in theirs if key in mine and mine[key] != theirs[key]]:
        what = f"may be broken in {theirs[key].broken_rows_allowed:,} rows, was {mine[key].broken_rows_allowed:,}"
        yield Change("link_tolerance", key[0], what, "more or fewer extracts pass ingest")


def _whole(old: Dictionary, new: Dictionary) -> Iterator[Change]:
    """Changes of the dictionary as a whole."""
    looks: tuple[tuple[str, Callable[[Dictionary], object], str], ...] = (
        ("component", lambda d: d.component, "it is another component: requests and extracts must name it"),
        ("unit", lambda d: d.unit, "a row is something else: look at every role again"),
        ("title", lambda d: d.title, "only documentation changes"),
        ("missing", lambda d: d.missing, "other texts are read as missing at ingest"),
        (
            "kind",
            lambda d: d.kind,
            "counts are judged as cells, records as records: plans and suites are of another kind",
        ),
        ("groups", lambda d: d.groups, "only documentation changes"),
    )
    for kind, look, means in looks:
        if look(old) != look(new):
            yield Change(kind, new.component, f"its {kind} changed", means)


def _many(items: Iterable[str], noun: str) -> str:
    n = len(list(items))
    return f"{n:,} {noun}" if n == 1 else f"{n:,} {noun}s"


def _some(items: Iterable[str]) -> str:
    listed = [f"`{item}`" for item in items]
    return ", ".join(listed[:8]) + (f" and {len(listed) - 8:,} more" if len(listed) > 8 else "")
