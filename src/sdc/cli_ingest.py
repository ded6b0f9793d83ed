"""`sdc inspect`: a new file described, and the rows of a known one that are at fault; no cell of it is printed."""

import json
import re
import sys
from pathlib import Path
from typing import Annotated, Any

import typer
from rich import box
from rich.console import Console
from rich.markup import escape
from rich.progress import Progress
from rich.table import Table as Grid

HERE = Path()
_SHOWN = 20  # row numbers of one fault; most frequent cells of one column
_WIDE = 160  # characters of a line that no terminal breaks
_COLOUR = {"high": "green", "medium": "yellow", "low": "red"}
_ROUND = re.compile(r"[_ .-]*(?:r|round|rd)[_ -]?([0-9]{1,3})$", re.IGNORECASE)


def inspect(
    file: Annotated[Path, typer.Argument(help="The raw file.", dir_okay=False)],
    sheet: Annotated[str | None, typer.Option(help="Worksheet to describe, where there are several.")] = None,
    names: Annotated[
        Path | None, typer.Option(help="File of column names, one a line, where the file has none.")
    ] = None,
    url_from: Annotated[
        str | None,
        typer.Option(
            help="For a database: environment variable or keyring:service/user with its URL; FILE is a query."
        ),
    ] = None,
    places: Annotated[
        Path | None,
        typer.Option(help="Official list of p-codes; else the lists that params.yaml names.", dir_okay=False),
    ] = None,
    component: Annotated[
        str | None, typer.Option(help="Name of the dictionary; taken from the file's name else.")
    ] = None,
    number: Annotated[int, typer.Option("--round", min=0, help="Round of the extract.")] = 1,
    extract: Annotated[str | None, typer.Option(help="Name of the extract in params.yaml.")] = None,
    write: Annotated[bool, typer.Option("--write", help="Write the dictionary and the extract's block.")] = False,
    faults: Annotated[
        bool, typer.Option("--faults", help="Tell the rows that ingest refuses; needs --extract.")
    ] = False,
    show_values: Annotated[
        bool, typer.Option("--show-values", help="Show cells too; on a terminal only, never in a file or a pipe.")
    ] = False,
    root: Annotated[Path, typer.Option(help="The checkout that holds params.yaml.", file_okay=False)] = HERE,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON, for machines.")] = False,
) -> None:
    """Describe a file that nobody has described: draft its layout and its dictionary, each entry with its reason.

    No cell is printed. A person confirms the entries before the file can be ingested.
    """
    from sdc.errors import DataError

    if show_values and (as_json or not sys.stdout.isatty()):
        raise DataError("--show-values", "needs a terminal", "Values never go into a file, a pipe or JSON.")
    if faults:
        _tell_faults(file, extract, root, show_values, as_json)
        return
    made, name, path = _drafted(
        file, component, number, extract, root, sheet=sheet, names_file=names, url_from=url_from, places_file=places
    )
    written = _written(made, name, path, number, root) if write else []
    if as_json:
        typer.echo(
            json.dumps(
                {**_as_json(made, _block(made, name, path, number, root)), "written": written},
                indent=2,
                ensure_ascii=False,
            )
        )
        return
    _print(made, _block(made, name, path, number, root), show_values)
    _next_steps(made, file, name, written, path)


def _drafted(
    file: Path, component: str | None, number: int, extract: str | None, root: Path, **how: Any
) -> tuple[Any, str, str]:
    """The draft, the name of the extract, and the file's path as params.yaml tells it."""
    from sdc.dictionary import read_dictionary
    from sdc.drafts import draft
    from sdc.errors import DictionaryError

    stem = re.sub(r"\W+", "_", f"{_ROUND.sub('', file.stem)}_{how['sheet'] or ''}").strip("_").casefold()
    component = component or stem or "new"
    if not re.fullmatch(r"\w+", component):
        raise DictionaryError("--component", "is no name of a dictionary", "Use letters, digits and underscores.")
    known = root / "dictionary" / f"{component}.yaml"
    with Progress(console=Console(stderr=True), transient=True) as progress:
        task = progress.add_task("Reading the file", total=None)
        made = draft(
            file,
            component=component,
            **{**how, "places_file": how["places_file"] or _list_of(root)},
            known=read_dictionary(known) if known.is_file() else None,
            tell=lambda what, done, of: progress.update(task, description=what, completed=done, total=of),
        )
    inside = file.resolve().is_relative_to(root.resolve())
    path = file.resolve().relative_to(root.resolve()).as_posix() if inside else f"data/raw/{file.name}"
    return made, extract or f"{component}_r{number:02}", path


def _list_of(root: Path) -> Path | None:
    """The official list that the extracts of params.yaml name, where they name a single one."""
    from sdc.documents import parse_yaml, read_text
    from sdc.errors import DictionaryError

    params = root / "params.yaml"
    content = parse_yaml(read_text(params, DictionaryError), str(params), DictionaryError) if params.is_file() else {}
    extracts = (content.get("extracts") or {}).values() if isinstance(content, dict) else ()
    files = {entry["places"]["file"] for entry in extracts if isinstance(entry, dict) and entry.get("places")}
    found = root / files.pop() if len(files) == 1 else None
    return found if found is not None and found.is_file() else None


def _trial(made: Any) -> list[str]:
    """Faults that the draft itself would meet, were it confirmed as it stands; empty where it reads the file."""
    from sdc.errors import SdcError
    from sdc.ingest.assemble import assemble
    from sdc.ingest.layout import Extract

    extract = Extract(
        component=made.dictionary.component, round=1, path=Path("x"), layout=made.layout, places=made.places
    )
    try:
        assemble(made.frame, extract, made.confirmed, "the file")
    except SdcError as refusal:
        return [str(fault) for fault in refusal.faults]
    return []


def _written(made: Any, name: str, path: str, number: int, root: Path) -> list[str]:
    """Write the dictionary, and the extract's block into params.yaml."""
    from sdc.documents import parse_yaml, read_text
    from sdc.drafts import with_extract
    from sdc.errors import DictionaryError
    from sdc.files import write_text
    from sdc.forms import rewritten, yaml_text

    target, params = root / "dictionary" / f"{made.dictionary.component}.yaml", root / "params.yaml"
    old = read_text(params, DictionaryError)
    new = with_extract(old, name, _block(made, name, path, number, root))
    before, after = (parse_yaml(text, str(params), DictionaryError) for text in (old, new))
    if {**after, "extracts": {k: v for k, v in after["extracts"].items() if k != name}} != {
        **before,
        "extracts": before["extracts"] or {},
    }:
        raise DictionaryError(
            str(params), "could not be added to without a change elsewhere", "Paste the block by hand."
        )
    written = []
    if made.known is None:
        write_text(target, yaml_text(made.dictionary))
        written.append(target.as_posix())
    elif made.merged != made.known:
        write_text(target, rewritten(read_text(target, DictionaryError), made.merged))
        more = f", new codes of {', '.join(f'`{variable.name}`' for variable in made.grown)}" if made.grown else ""
        written.append(f"{target.as_posix()} ({len(made.fresh):,} new entries{more}, version {made.merged.version})")
    write_text(params, new)
    return [*written, params.as_posix()]


def _block(made: Any, name: str, path: str, number: int, root: Path) -> str:
    """The extract's entry of params.yaml, the list of places by its name within the checkout."""
    from sdc.drafts import extract_text

    places = made.places
    if places is not None and places.file.resolve().is_relative_to(root.resolve()):
        places = places.model_copy(update={"file": Path(places.file.resolve().relative_to(root.resolve()).as_posix())})
    return extract_text(name, made.dictionary.component, number, path, made.layout, places)


def _as_json(made: Any, block: str) -> dict[str, Any]:
    """The draft without a cell: codes of lists are counted, not told."""
    of = {variable: column for column, variable in made.of_column.items()}
    columns = []
    for variable in made.dictionary.variables:
        fact = made.columns.get(of[variable.name])
        columns.append({
            "column": of[variable.name], "variable": variable.name, "type": variable.type, "role": variable.role,
            "confidence": variable.proposed.confidence, "because": variable.proposed.because,
            "geography": variable.geography,
            "follows": variable.follows, "sensitivity": variable.sensitivity, "codes": len(variable.codes),
            "open_codes": variable.open_codes, "separator": variable.separator, "formats": list(variable.formats),
            "observed": fact.observed if fact else None, "blank": fact.blank if fact else None,
            "distinct": len(fact.cells.values) if fact else None, "missing": dict(fact.missing) if fact else {},
            "perhaps_missing": dict(fact.perhaps) if fact else {}, "personal_data": dict(fact.personal) if fact else {},
            "scripts": list(fact.scripts) if fact else [], "notes": list(fact.notes) if fact else [],
            "has_entry": variable.name not in made.fresh,
        })  # fmt: skip
    return {
        "records": made.records, "columns_read": len(made.columns), "header_sure": made.sure, "notes": list(made.notes),
        "extract": block,
        "columns": columns, "links": [link.model_dump() for link in made.dictionary.links],
        "findings": [{"kind": f.kind, "what": f.what, "confidence": f.confidence} for f in made.findings],
        "faults_of_the_draft": _trial(made),
    }  # fmt: skip


def _print(made: Any, block: str, show_values: bool) -> None:
    """The draft for a person; as wide as its tables need where it goes into a file or a pipe."""
    console = Console(highlight=False, width=None if sys.stdout.isatty() else _WIDE)
    console.print(f"[bold]{made.records:,} records, {len(made.columns):,} columns[/bold], {_read_as(made.layout)}")
    if not made.sure:
        console.print(
            "[yellow]Where the header stands is not beyond doubt: look at the first rows of the file.[/yellow]"
        )
    for note in made.notes:
        console.print(f"- {escape(note)}")
    for code in made.dictionary.missing:
        where = [fact.missing[code] for fact in made.columns.values() if code in fact.missing]
        console.print(
            f"- `{escape(code)}` means missing in {sum(where):,} cells of {len(where):,} columns, apart from empty ones"
        )
    console.print("\n[bold]1. Layout[/bold], to stand under `extracts:` in params.yaml")
    console.print(escape(_shortened(block)), soft_wrap=True)
    console.print("[bold]2. Columns[/bold], one entry each in the dictionary; nothing is confirmed")
    console.print(_columns(made))
    if show_values:
        console.print(_cells(made))
    if made.findings:
        console.print("[bold]3. Between columns[/bold]")
        grid = Grid("what", "found", "sure", box=box.SIMPLE_HEAD)
        for found in made.findings:
            grid.add_row(found.kind, escape(found.what), _sure(found.confidence))
        console.print(grid)


def _read_as(layout: Any) -> str:
    """Format and header in words."""
    parts = [layout.format]
    if layout.format == "csv":
        sign = {"\t": "tab"}.get(layout.separator, layout.separator)
        parts += [layout.encoding, f"separated by `{sign}`"]
    rows = layout.header_rows or ((layout.header_row,) if layout.header_row else ())
    if layout.format in ("csv", "xlsx", "xls", "ods"):
        parts.append(f"header in row {', '.join(map(str, rows))}" if rows else "no header row")
    return ", ".join(parts)


def _shortened(block: str) -> str:
    """A block of which long lists are cut for the screen; the file has all of it."""
    lines, run = [], 0
    for line in block.splitlines():
        run = run + 1 if line.strip().startswith("- ") else 0
        if run <= 8:
            lines.append(line)
        elif run == 9:
            lines.append(f"{line[: len(line) - len(line.lstrip())]}# and so on: `--write` writes all of them")
    return "\n".join(lines) + "\n"


def _columns(made: Any) -> Grid:
    """One line a variable that has no entry yet."""
    grid = Grid("", "column", "type", "role", "filled", "distinct", "sure", "why", box=box.SIMPLE_HEAD, padding=(0, 1))
    for place in (4, 5):
        grid.columns[place].justify = "right"
    grid.columns[1].max_width, grid.columns[1].overflow, grid.columns[3].overflow = 42, "fold", "fold"
    of = {variable: column for column, variable in made.of_column.items()}
    order = {name: place for place, name in enumerate(made.columns, start=1)}
    for variable in made.dictionary.variables:
        if variable.name not in made.fresh:
            continue
        column = of[variable.name]
        fact = made.columns.get(column)
        kind = str(variable.type)
        if variable.codes and not variable.open_codes:
            kind += f" ({len(variable.codes)})"
        elif variable.open_codes:
            kind += " (open)"
        role = f"{variable.role}, {variable.geography}" if variable.geography else str(variable.role)
        why = [variable.proposed.because, *(fact.notes if fact else ())]
        if fact and fact.personal and variable.role != "identifier" and "cells" not in variable.proposed.because:
            why.append(", ".join(f"{n:,} cells look like {k}" for k, n in fact.personal.items()))
        if fact and [script for script in fact.scripts if script != "Latin"]:
            why.append(f"in {' and '.join(fact.scripts)} script")
        if variable.formats:
            why.append(f"written {' and '.join(variable.formats)}")
        filled = f"{fact.observed / made.records:.0%}" if fact and made.records else ""
        distinct = f"{len(fact.cells.values):,}" if fact else ""
        colour = {"identifier": "red", "key": "yellow", "sensitive": "magenta", "count": "cyan"}.get(
            variable.role, "default"
        )
        grid.add_row(
            str(order.get(column, "")), escape(column), kind, f"[{colour}]{role}[/{colour}]", filled, distinct,
            _sure(variable.proposed.confidence), escape("; ".join(why)),
        )  # fmt: skip
    return grid


def _sure(confidence: Any) -> str:
    return f"[{_COLOUR[str(confidence)]}]{confidence}[/]"


def _cells(made: Any) -> Grid:
    """The most frequent cells of each column, for whoever sits before the terminal."""
    grid = Grid("column", "most frequent cells", box=box.SIMPLE_HEAD)
    for name, fact in made.columns.items():
        order = fact.cells.records.argsort()[::-1][:5]
        grid.add_row(escape(name), escape(" | ".join(str(fact.cells.values[place])[:40] for place in order)))
    return grid


def _next_steps(made: Any, file: Path, name: str, written: list[str], path: str) -> None:
    """What to do now, in order."""
    console = Console(highlight=False)
    faults = _trial(made)
    console.print("\n[bold]Next[/bold]")
    if faults:
        console.print(f"[red]The draft does not read the file yet, {len(faults):,} faults:[/red]")
        for fault in faults[:_SHOWN]:
            console.print(f"  {escape(fault)}")
    else:
        console.print("[green]The draft, once confirmed, reads this file without a fault.[/green]")
    doubts = [v.name for v in made.dictionary.variables if v.name in made.fresh and v.proposed.confidence == "low"]
    perhaps = [column for column, fact in made.columns.items() if fact.perhaps]
    unsure = [column for column, fact in made.columns.items() if fact.type == "date" and not fact.sure]
    steps = []
    if path.startswith("data/raw/") and not Path(path).exists():
        steps.append(f"Put the file where the layout says: {path}")
    if not written:
        steps.append(f"Write the drafts: sdc inspect {file} --component {made.dictionary.component} --write")
    else:
        steps.append(f"Written: {', '.join(written)}")
    if unsure:
        steps.append(f"Ask whether the day or the month comes first in: {', '.join(unsure)}")
    if perhaps:
        steps.append(f"Ask what the largest numbers mean in: {', '.join(perhaps)} (99 or 999 for `do not know`?)")
    component = made.dictionary.component
    if made.fresh:
        told = f"Read the entries ({len(doubts):,} are doubtful), mend roles"
        steps.append(f"{told}, confirm: sdc dictionary confirm {component}")
    steps.append("Write the suites and hold all against each other: sdc expectations write; sdc check")
    steps.append(f"Read the file: dvc repro ingest@{name}; rows at fault: sdc inspect {file} --faults --extract {name}")
    for place, step in enumerate(steps, start=1):
        console.print(f"{place}. {escape(step)}", soft_wrap=True)


def _tell_faults(file: Path, extract: str | None, root: Path, show_values: bool, as_json: bool) -> None:
    """Numbers of the rows that ingest refuses, by column."""
    from sdc.dictionary import read_dictionary
    from sdc.errors import DataError
    from sdc.ingest.faulty import faulty_rows, row_of_first_record
    from sdc.ingest.layout import read_extract
    from sdc.ingest.read import open_source

    if extract is None:
        raise DataError("--faults", "needs to know the extract", "Add --extract NAME, as params.yaml names it.")
    entry = read_extract(root / "params.yaml", extract)
    known = read_dictionary(root / "dictionary" / f"{entry.component}.yaml")
    frame, tolerated = open_source(file, entry.layout)
    found = faulty_rows(frame, entry, known, str(file))
    first = None if tolerated.get("empty_rows") or entry.layout.repeat else row_of_first_record(entry)
    unit = "record" if first is None else "row"
    shift = 0 if first is None else first - 1
    if as_json:
        rows = [
            {"column": f.column, "what": f.what, "unit": unit, "rows": [int(n) + shift for n in f.records]}
            for f in found
        ]
        typer.echo(json.dumps({"extract": extract, "faults": rows}, indent=2, ensure_ascii=False))
        return
    console = Console(highlight=False)
    if not found:
        console.print(
            "No cell is at fault. `dvc repro` tells what else there may be, such as a column without an entry."
        )
        return
    grid = Grid("column", "what is wrong", "how many", f"{unit}s", box=box.SIMPLE_HEAD)
    if show_values:
        grid.add_column("cells")
    for one in found:
        shown = ", ".join(str(int(n) + shift) for n in one.records[:_SHOWN]) + (
            " ..." if len(one.records) > _SHOWN else ""
        )
        cells = [escape(" | ".join(str(cell)[:40] for cell in one.cells[:5]))] if show_values else []
        grid.add_row(escape(one.column), escape(one.what), f"{len(one.records):,}", shown, *cells)
    console.print(grid)
