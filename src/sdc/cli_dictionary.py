"""`sdc dictionary` and `sdc pcodes`: from forms and lists of places to the dictionary, and a person's word on it."""

import json
from collections import Counter
from collections.abc import Sequence
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table as Grid

from sdc.dictionary import Confidence, Dictionary, Role, Type, Variable, parse_dictionary
from sdc.documents import read_text
from sdc.errors import DictionaryError

if TYPE_CHECKING:
    from sdc.forms import Form
    from sdc.forms.naming import Scope

dictionary = typer.Typer(no_args_is_help=True, help="The data dictionary: import forms, merge, compare, confirm.")
pcodes = typer.Typer(no_args_is_help=True, help="The official lists of places.")

Json = Annotated[bool, typer.Option("--json", help="Print JSON, for machines.")]
Root = Annotated[Path, typer.Option(help="The checkout that holds dictionary/.", file_okay=False)]
Component = Annotated[str, typer.Argument(help="A component, such as site_assessment.", metavar="COMPONENT")]
FormFile = Annotated[
    Path,
    typer.Argument(help="An XLSForm (.xlsx, .xls, .ods, .csv), or a .txt with a column name a line.", metavar="FORM"),
]
Places = Annotated[Path, typer.Argument(help="A list in the format of HDX's global p-codes.", metavar="LIST")]
Country = Annotated[str | None, typer.Option(help="ISO 3 code of the only country wanted.")]
HERE = Path()


class About(StrEnum):
    """Whom a question asks about that stands in no repeat."""

    loc = "loc"
    hh = "hh"
    ind = "ind"
    case = "case"


class Envelope(StrEnum):
    """Which columns a server adds."""

    kobo = "kobo"
    none = "none"


class Conflicts(StrEnum):
    """What to do where a form contradicts the dictionary."""

    refuse = "refuse"
    note = "note"


@dictionary.command("import")
def import_form(
    form: FormFile,
    component: Annotated[str | None, typer.Option(help="Its name; left out: the form's id.")] = None,
    scope: Annotated[About | None, typer.Option(help="Whom questions outside repeats ask about.")] = None,
    unit: Annotated[str, typer.Option(help="What a row is.")] = "",
    repeat: Annotated[list[str] | None, typer.Option(help="Take this repeat; left out: all of them.")] = None,
    envelope: Annotated[Envelope, typer.Option(help="Which columns a server adds.")] = Envelope.kobo,
    root: Root = HERE,
    as_json: Json = False,
) -> None:
    """Draft a dictionary from a form: every question an entry, its role proposed with a reason, nothing confirmed."""
    from sdc.files import write_text
    from sdc.forms import yaml_text

    drafted, read = _drafted(form, component, scope, unit, repeat, envelope)
    path = _path(root, drafted.component)
    if path.exists():
        do = f"Add the form to it: sdc dictionary merge {drafted.component} {form}"
        raise DictionaryError(str(path), "is there already", do)
    write_text(path, yaml_text(drafted))
    told = _counts(drafted) | {"written": str(path), "findings": list(read.findings) if read else []}
    lines = [f"{escape(str(path))}: {told['variables']} variables, {told['unconfirmed']} to confirm"]
    lines += [escape(finding) for finding in told["findings"]]
    lines.append(f"Next: sdc dictionary confirm {drafted.component}")
    _tell(told, as_json, lines)


@dictionary.command("merge")
def merge_form(
    component: Component,
    form: FormFile,
    conflicts: Annotated[
        Conflicts, typer.Option(help="Refuse contradictions, or keep what was and note them.")
    ] = Conflicts.refuse,
    retire: Annotated[
        bool, typer.Option("--retire", help="What the form no longer asks ends with the present version.")
    ] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what would change, and write nothing.")] = False,
    root: Root = HERE,
    as_json: Json = False,
) -> None:
    """Add to a dictionary what a form has more; nothing that was there is changed or removed."""
    from sdc.files import write_text
    from sdc.forms import differences, merge, rewritten

    path, text, old = _held(component, root)
    scope = "loc" if old.kind == "counts" else None
    drafted, read = _drafted(form, component, About(scope) if scope else None, "", None, Envelope.kobo)
    merged, kept = merge(old, drafted, conflicts=conflicts.value, retire=retire)
    changes = differences(old, merged)
    if merged != old and not dry_run:
        write_text(path, rewritten(text, merged))
    found = {
        "component": component,
        "from": old.version,
        "to": merged.version,
        "changes": [vars(change) for change in changes],
        "kept": list(kept),
        "findings": list(read.findings) if read else [],
        "written": None if dry_run or merged == old else str(path),
    }
    lines: list[Any] = [f"{component}: {old.version} to {merged.version}, {len(changes)} changes", *_grids(changes)]
    if kept:
        lines += ["Kept as it was, where the form says otherwise:", *(f"  {escape(what)}" for what in kept)]
    _tell(found, as_json, lines)


@dictionary.command("diff")
def diff(
    old: Annotated[str, typer.Argument(help="A component, or the file of a version.", metavar="OLD")],
    new: Annotated[str, typer.Argument(help="The same, later.", metavar="NEW")],
    root: Root = HERE,
    as_json: Json = False,
) -> None:
    """Say in words what changed between two versions of a dictionary, and what it means for releases."""
    from sdc.forms import differences

    before, after = (_read(name, root) for name in (old, new))
    changes = differences(before, after)
    found = {"from": before.version, "to": after.version, "changes": [vars(change) for change in changes]}
    _tell(found, as_json, _grids(changes) or ["Nothing but the version differs."])


@dictionary.command("confirm")
def confirm_entries(
    component: Component,
    names: Annotated[
        list[str] | None, typer.Argument(help="Variables; * stands for any letters.", metavar="NAME")
    ] = None,
    every: Annotated[bool, typer.Option("--all", help="All that wait, as they are proposed.")] = False,
    role: Annotated[Role | None, typer.Option(help="In place of the proposed role.")] = None,
    kind: Annotated[Type | None, typer.Option("--type", help="In place of the drafted type.")] = None,
    confidence: Annotated[
        Confidence, typer.Option(help="With * and --all: proposals at least so sure.")
    ] = Confidence.LOW,
    root: Root = HERE,
    as_json: Json = False,
) -> None:
    """Confirm what was proposed, or another role; without names, show what waits and why it was proposed."""
    from sdc.files import write_text
    from sdc.forms import confirm, rewritten

    path, text, old = _held(component, root)
    chosen = [*(names or ()), *(["*"] if every else [])]
    if not chosen:
        _tell(_counts(old) | {"proposals": [_proposal(v) for v in old.unconfirmed]}, as_json, _waiting(old))
        return
    changed, confirmed = confirm(old, chosen, role=role, type=kind, confidence=confidence)
    if confirmed:
        write_text(path, rewritten(text, changed))
    left = len(changed.unconfirmed)
    told = _counts(changed) | {"confirmed": list(confirmed), "written": str(path) if confirmed else None}
    _tell(told, as_json, [f"{len(confirmed)} confirmed, {left} still wait", "Then: sdc expectations write"])


@dictionary.command("export")
def export_form(
    component: Component,
    out: Annotated[Path, typer.Option(help="The workbook to write.", dir_okay=False)],
    root: Root = HERE,
    as_json: Json = False,
) -> None:
    """Write a dictionary as an XLSForm, from which `import` gives the same dictionary back."""
    from sdc.files import appearing
    from sdc.forms import xlsform_workbook

    found = _read(component, root)
    content = xlsform_workbook(found)
    with appearing(out) as unfinished:
        unfinished.write_bytes(content)
    _tell(
        {"component": component, "written": str(out)},
        as_json,
        [f"{escape(str(out))}: {len(found.variables)} variables"],
    )


@pcodes.command("check")
def check_list(places: Places, country: Country = None, as_json: Json = False) -> None:
    """Read a list of places and say what it holds: how many codes of each level, and how long they are."""
    from sdc.pcodes import read_places

    found = read_places(places, country)
    rows: list[dict[str, Any]] = [
        {"level": level, "codes": len(codes), "lengths": sorted(found.lengths(level)),
         "named": sum(bool(found.names.get(code)) for code in codes)}
        for level, codes in found.levels.items()
    ]  # fmt: skip
    grid = Grid("admin", "codes", "characters", "with a name")
    for row in rows:
        grid.add_row(str(row["level"]), f"{row['codes']:,}", ", ".join(map(str, row["lengths"])), f"{row['named']:,}")
    _tell({"list": str(places), "levels": rows}, as_json, [grid])


@pcodes.command("write")
def write_codes(
    component: Component,
    variable: Annotated[str, typer.Argument(help="Its variable with p-codes.", metavar="VARIABLE")],
    places: Places,
    country: Country = None,
    root: Root = HERE,
    as_json: Json = False,
) -> None:
    """Write the codes of a list into a variable, with the hierarchy of the areas around them."""
    from sdc.files import write_text
    from sdc.forms import rewritten
    from sdc.forms.merge import replaced
    from sdc.pcodes import read_places, with_places

    path, text, old = _held(component, root)
    if variable not in old.by_name:
        raise DictionaryError(f"{path}, `{variable}`", "is no variable", "Mend the name.")
    changed = with_places(old.by_name[variable], read_places(places, country))
    write_text(path, rewritten(text, replaced(old, changed)))
    told = {"component": component, "variable": variable, "codes": len(changed.codes), "levels": len(changed.hierarchy)}
    _tell(told, as_json, [f"{variable}: {len(changed.codes):,} codes, {len(changed.hierarchy)} coarser levels"])


def _drafted(
    path: Path,
    component: str | None,
    scope: About | None,
    unit: str,
    repeats: Sequence[str] | None,
    envelope: Envelope,
) -> tuple[Dictionary, "Form | None"]:
    """A dictionary from a form, or from names."""
    from sdc.forms import draft, draft_from_names, read_form

    about: Scope | None = scope.value if scope else None
    if path.suffix.lower() == ".txt":
        names = [line.strip() for line in read_text(path, DictionaryError).splitlines() if line.strip()]
        return draft_from_names(list(dict.fromkeys(names)), _component(component or path.stem), scope=about), None
    form = read_form(path)
    name = _component(component or form.component.get("component") or form.form_id or path.stem)
    return draft(form, name, scope=about, unit=unit, envelope=envelope.value, repeats=repeats or None), form


def _component(name: str) -> str:
    """A name that can be a file's."""
    if not name.replace("_", "").replace("-", "").isalnum() or not name.isascii():
        do = "Give it one of letters, digits and `_`: --component NAME."
        raise DictionaryError("the component", "has a name that cannot be a file's", do)
    return name


def _path(root: Path, component: str) -> Path:
    return root / "dictionary" / f"{_component(component)}.yaml"


def _held(component: str, root: Path) -> tuple[Path, str, Dictionary]:
    """The file of a component, its text, and what that says: to be rewritten."""
    path = _path(root, component)
    text = read_text(path, DictionaryError)
    return path, text, parse_dictionary(text, str(path))


def _read(name: str, root: Path) -> Dictionary:
    """A dictionary by its component or its file."""
    if not name.endswith((".yaml", ".yml")):
        return _held(name, root)[2]
    return parse_dictionary(read_text(Path(name), DictionaryError), name)


def _counts(found: Dictionary) -> dict[str, Any]:
    return {
        "component": found.component,
        "version": found.version,
        "variables": len(found.variables),
        "unconfirmed": len(found.unconfirmed),
        "roles": dict(Counter(variable.role.value for variable in found.variables)),
        "types": dict(Counter(variable.type.value for variable in found.variables)),
    }


def _proposal(variable: Variable) -> dict[str, Any]:
    told = variable.proposed
    return {
        "name": variable.name,
        "type": variable.type.value,
        "role": variable.role.value,
        "confidence": told.confidence.value if told else None,
        "because": told.because if told else None,
    }


def _waiting(found: Dictionary) -> list[Any]:
    """What waits for a person's word: the least sure first, as those need it most."""
    if not found.unconfirmed:
        return ["Every entry is confirmed."]
    grid = Grid("variable", "type", "proposed", "sure", "because")
    order = {"low": 0, "medium": 1, "high": 2}
    rows = [_proposal(variable) for variable in found.unconfirmed]
    for row in sorted(rows, key=lambda row: order.get(row["confidence"] or "low", 0)):
        grid.add_row(*(escape(str(row[name] or "")) for name in ("name", "type", "role", "confidence", "because")))
    do = f"sdc dictionary confirm {found.component} NAME --role ROLE, or --all --confidence high"
    return [grid, f"{len(rows)} wait. {do}"]


def _grids(changes: Sequence[Any]) -> list[Any]:
    if not changes:
        return []
    grid = Grid("what", "change", "for releases")
    for change in changes:
        grid.add_row(*(escape(text) for text in (change.name, change.what, change.means)))
    return [grid]


def _tell(content: dict[str, Any], as_json: bool, lines: Sequence[Any]) -> None:
    """One answer, for a machine or for a person."""
    if as_json:
        typer.echo(json.dumps(content, indent=2, ensure_ascii=False))
        return
    for line in lines:
        Console(soft_wrap=isinstance(line, str), highlight=False).print(line)
