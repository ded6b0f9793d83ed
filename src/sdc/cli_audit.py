"""`sdc release audit` and `sdc release known`: what earlier releases give away, for a person at any time."""

import json
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import date, datetime
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.progress import Progress
from rich.table import Table as Grid

from sdc import cli_request
from sdc.cli_request import HERE, As, Json, RequestId, Root, acting
from sdc.errors import IntegrityError, SdcError


def audit(
    request: RequestId,
    seconds: Annotated[int, typer.Option(min=1, help="Time limit; an audit that does not end fails.")] = 3600,
    root: Root = HERE,
    as_json: Json = False,
) -> None:
    """Hold the protected table of a request against every release that is known today.

    Nothing is written. Exit code 13 when something protected would be given away, or the audit did not end.
    """
    from sdc.audit import (
        Clock,
        audit_release,
        candidate_facts,
        population_of,
        read_facts,
        require_all_known,
        require_audit_pass,
    )
    from sdc.files import read_table
    from sdc.inputs import exceptions_of, folders_of, read_brief, read_rounds, registered_releases
    from sdc.release.catalogue import read_catalogue

    folders = folders_of(root)
    brief = read_brief(request, folders, date.today())
    component = brief.dictionary.component
    store = root / "data" / "facts" / component
    require_all_known(store, [*read_catalogue(root / "releases"), *registered_releases(folders)], component)
    before = read_rounds(brief, folders, root / "data" / "typed" / component)
    facts = candidate_facts(before, read_table(root / "data" / "protected" / request / "table.parquet"), brief)
    known = read_facts(store, population_of(brief))
    end = time.monotonic() + seconds
    with Progress(console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("Solving", total=None)
        clock = Clock(lambda: time.monotonic() > end, lambda done, of: bar.update(task, completed=done, total=of))
        exceptions = exceptions_of(root / "exceptions.yaml", request, folders)
        found = audit_release(facts, known, before, exceptions=exceptions, today=date.today(), clock=clock).document
    if as_json:
        typer.echo(json.dumps(found, indent=2, ensure_ascii=False))
    else:
        _print(found)
    require_audit_pass(found)


def known(
    file: Annotated[Path, typer.Argument(help="CSV of counts: one row a cell.", exists=True, dir_okay=False)],
    population: Annotated[str, typer.Option(help="Country and component, such as ZZZ/mobility_tracking.")],
    name: Annotated[str, typer.Option(help="What to call it: where and when it was published.")],
    tier: Annotated[str, typer.Option(help="public, or restricted to one organisation.")] = "public",
    organisation: Annotated[str, typer.Option(help="Who holds it, where it is restricted.")] = "everybody",
    actor: As = "",
    root: Root = HERE,
    as_json: Json = False,
) -> None:
    """Tell the facts store of counts that were published outside this pipeline, so that audits know them.

    Columns: `round`, any spanning columns of the dictionary (blank: the cell spans all), `measure` (a count column),
    `value` (blank: suppressed), or `low` and `high`. An approver answers for it: what is known already stops nothing.
    """
    from sdc.audit.outside import outside_facts, read_cells
    from sdc.audit.store import enter, write_prepared
    from sdc.dictionary import read_dictionary
    from sdc.files import read_table
    from sdc.params import read_params
    from sdc.table import stack

    refuse_name(name)
    by = acting(actor)
    with cli_request.opened(root) as register:
        register.require(by, "approve")
    _, _, component = population.partition("/")
    dictionary = read_dictionary(root / "dictionary" / f"{component}.yaml")
    extracts = [n for n, e in read_params(root / "params.yaml").extracts.items() if e.component == component]
    before = stack([read_table(root / "data" / "typed" / component / f"{each}.parquet") for each in extracts])
    about = {"request": name, "population": population, "tier": tier, "organisation": organisation}
    facts = outside_facts(read_cells(file), before, dictionary, about)
    prepared = root / "data" / "facts" / component / f".{name}.prepared"
    try:
        write_prepared(facts, prepared)
        ids = {"release_id": name, "request": name, "version": f"outside ({by})"}
        enter(prepared, root / "data" / "facts" / component, **ids, today=date.today())
    finally:
        _remove(prepared)
    told = {"known": name, "population": population, "cells": len(facts.cells)}
    typer.echo(json.dumps(told) if as_json else f"{name}: {len(facts.cells):,} cells are known now")


def entering(root: Path, register: Any, actor: str, now: Callable[[], datetime]) -> Callable[[Mapping], None]:
    """What tells facts store and register of an entry of the catalogue, the same for every command on the store.

    Telling the same again changes nothing, so whatever command comes next finishes what a killed one left.
    """

    def enter(entry: Mapping) -> None:
        _enter_facts(root, entry, now().date())
        register.entered(entry, actor, now())

    return enter


def _enter_facts(root: Path, entry: Mapping, today: date) -> None:
    """Add what a release tells to the facts store, as it was laid aside when its publication began."""
    from sdc.audit import enter

    store = root / "data" / "facts" / entry["component"]
    aside = _aside(store, entry["release_id"])
    if not aside.is_dir():
        return  # known since it was published: what is out stays known
    ids = {"release_id": entry["release_id"], "request": entry["request_id"], "version": entry["version"]}
    enter(aside, store, **ids, today=today)
    _remove(aside)


def _aside(store: Path, release: str) -> Path:
    return store / f".{release}.publishing"


@contextmanager
def publishing(root: Path, request: str, component: str, release: str, finish: Callable[[], None]) -> Iterator[None]:
    """Publish inside this: one release of a component at a time, audited against all that is out at that moment.

    What the release tells is laid aside first: `dvc repro` may write other facts before a killed run is finished.

    Parameters
    ----------
    release : str
        Id of the release.
    finish : callable
        Ends what a killed publication left, so that its facts are known before anything else goes out.

    Raises
    ------
    DisclosureError : when the audit did not pass, or did not come to its end.
    ApprovalError : when it passed by an exception that stands no more.
    IntegrityError : when it is of another table or older facts, or another publication is under way. A release that
        tells nothing new to anybody, since its facts are known already, needs no newer audit.
    """
    from sdc.audit import read_index, require_all_known, require_audited, require_standing
    from sdc.audit.store import INDEX, read_prepared, write_prepared
    from sdc.files import alone, read_json, sha256_of
    from sdc.inputs import exceptions_of, folders_of, registered_releases
    from sdc.release.catalogue import read_catalogue
    from sdc.release.store import JOURNAL

    store, audited, folders = root / "data" / "facts" / component, root / "data" / "audits" / request, folders_of(root)
    store.mkdir(parents=True, exist_ok=True, mode=0o700)
    with alone(store / ".publishing", "another publication"):
        finish()
        require_all_known(store, [*read_catalogue(root / "releases"), *registered_releases(folders)], component)
        table = root / "data" / "protected" / request / "table.parquet"
        found, facts = read_json(audited / "audit.json"), read_prepared(audited / "facts")
        out = {entry["facts_sha256"] for entry in read_index(store) if entry["request"] == request}
        if found.get("facts_sha256") not in out or not table.is_file() or found.get("table_sha256") != sha256_of(table):
            require_audited(found, request, table, store / INDEX)
            require_standing(found, exceptions_of(root / "exceptions.yaml", request, folders), date.today())
        if facts.digest() != found.get("facts_sha256"):
            raise IntegrityError(str(audited / "facts"), "are not the facts that were audited", "Run `dvc repro`.")
        write_prepared(facts, _aside(store, release))
        try:
            yield
        except SdcError:
            if not (root / "releases" / JOURNAL).exists():  # refused, and nothing waits to be finished
                _remove(_aside(store, release))
            raise


def _print(found: Mapping[str, Any]) -> None:
    console = Console(highlight=False)
    for held in found["sets"]:
        grid = Grid("promise", "found", "before", "limit", title=f"{held['name']}: {held['of']}", title_justify="left")
        for check in held["checks"]:
            state = (
                ""
                if check["passed"]
                else " [red]BROKEN[/red]"
                if check["breach"] == "stop"
                else " [yellow]warning[/yellow]"
            )
            grid.add_row(
                check["promise"] + state, f"{check['observed']:g}", f"{check['already']:g}", f"{check['limit']:g}"
            )
        console.print(grid)
        for line in held["remedy"]:
            console.print(f"  {line}")
    console.print(f"{len(found['known'])} earlier releases known. Gate: {found['gate']}")


def _remove(folder: Path) -> None:
    for path in folder.glob("*"):
        path.unlink()
    if folder.is_dir():
        folder.rmdir()


def refuse_name(name: str) -> None:
    """A name becomes a folder of the facts store: letters, digits, dots, lines."""
    if not name or not all(letter.isalnum() or letter in "._-" for letter in name) or name.startswith("."):
        raise IntegrityError("--name", "is no name for a folder", "Use letters, digits, `.`, `_` and `-`.")
