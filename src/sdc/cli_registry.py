"""`sdc registry`: the register as a whole: made, checked, kept safe, exchanged with others, and its actors."""

import os
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.markup import escape
from rich.table import Column
from rich.table import Table as Grid

from sdc.cli_board import figure_grid
from sdc.cli_request import EXIT_CODES, HERE, As, Json, Root, acting, now, opened, tell, write_grants

app = typer.Typer(
    no_args_is_help=True,
    epilog=EXIT_CODES,
    help="The register as a whole: `init`, `verify`, `backup`, `restore`, `export`, `figures` …\n\n"
    "It is one SQLite file, `data/register/register.sqlite`, unless `register` in params.yaml or SDC_REGISTER names "
    "another place or a PostgreSQL database (`postgresql://host/name`; the password from PGPASSWORD or ~/.pgpass).",
    rich_markup_mode="markdown",
)


def _url(root: Path) -> str:
    from sdc.params import register_url

    return register_url(root / "params.yaml", os.environ.get("SDC_REGISTER", ""))


def _anchors(paths: list[Path] | None) -> list[Any]:
    from sdc.register.keeping import read_anchor

    return [read_anchor(path) for path in paths or []]


@app.command()
def init(actor: As = "", root: Root = HERE, as_json: Json = False) -> None:
    """Make an empty register. You are its first manager; give the others their roles with `sdc registry actor`."""
    from sdc.register import create_register

    with create_register(_url(root), actor=acting(actor), at=now()) as register:
        where, head = register.where, register.head()
    told = f"{where} is made; `{acting(actor)}` is its manager. Next: sdc registry actor ACT-0002 --role officer"
    tell({"register": where, "events": head.events, "hash": head.hash}, as_json, escape(told))


@app.command("actor")
def set_actor(
    who: Annotated[str | None, typer.Argument(help="Actor id, such as ACT-0012; none lists all.", metavar="ID")] = None,
    role: Annotated[
        list[str] | None,
        typer.Option(help="officer, appraiser, approver, preparer, reviewer, manager, auditor; once for each."),
    ] = None,
    shut: Annotated[bool, typer.Option("--shut", help="Shut the actor out.")] = False,
    actor: As = "",
    root: Root = HERE,
    as_json: Json = False,
) -> None:
    """Give an actor these roles and no others; without an id, list the actors.

    Who is behind an id stands nowhere in the register: keep that list elsewhere.
    """
    with opened(root) as register:
        if who is not None:
            register.set_actor(who, role or [], actor=acting(actor), at=now(), active=not shut)
        rows = register.actors()
    grid = Grid("actor", "roles", "state")
    for row in rows:
        grid.add_row(row["actor"], ", ".join(row["roles"]), "active" if row["active"] else "shut out")
    tell({"actors": rows}, as_json, grid)


@app.command()
def verify(
    anchor: Annotated[list[Path] | None, typer.Option(help="An anchor kept elsewhere; once for each.")] = None,
    root: Root = HERE,
    as_json: Json = False,
) -> None:
    """Check the chain of events, the tables against the events, and the rules of the database.

    An edited, removed, added or moved event is found. What was cut off the end, or a chain that was made anew, is
    found with an anchor: each release in the store is one, `sdc registry anchor` writes others.
    """
    from sdc.release.anchors import require_register
    from sdc.release.catalogue import read_catalogue

    with opened(root) as register:
        head = require_register(register, read_catalogue(root / "releases"), _anchors(anchor))
    told = f"{head.events} events, unbroken; tables and rules hold. Head: {head.hash}"
    tell({"events": head.events, "hash": head.hash, "verified": True}, as_json, told)


@app.command()
def anchor(
    out: Annotated[Path | None, typer.Argument(help="File to write, to be kept elsewhere or committed.")] = None,
    root: Root = HERE,
    as_json: Json = False,
) -> None:
    """Tell the end of the chain, to be kept where those who write the register cannot reach: a commit, a mail."""
    from sdc.register.keeping import write_anchor

    with opened(root) as register:
        head = write_anchor(register, out) if out else register.verify()
    tell({"events": head.events, "hash": head.hash}, as_json, f"{head.events} events, head {head.hash}")


@app.command()
def backup(
    out: Annotated[Path, typer.Argument(help="File to write; it must not be there.", dir_okay=False)],
    root: Root = HERE,
    as_json: Json = False,
) -> None:
    """Write a consistent copy, and its head beside it (`FILE.head.json`); of a PostgreSQL register too."""
    from sdc.register.keeping import backup as write

    with opened(root) as register:
        head = write(register, out)
    tell({"backup": str(out), "events": head.events, "hash": head.hash}, as_json, f"{out}: {head.events} events")


@app.command()
def restore(
    source: Annotated[Path, typer.Argument(help="A backup.", dir_okay=False)],
    anchor: Annotated[list[Path] | None, typer.Option(help="An anchor that the backup must hold.")] = None,
    root: Root = HERE,
    as_json: Json = False,
) -> None:
    """Put a backup in the place of the register. A broken backup is refused; what is there now is kept aside.

    Then look whether it knows all releases of the store: `sdc registry verify`.
    """
    from sdc.register.keeping import restore as put

    head, aside = put(_url(root), source, aside=_folder(root), anchors=_anchors(anchor))
    _all_grants(root)
    told = f"Restored: {head.events} events." + (f" The register that was there: {aside}" if aside else "")
    tell({"events": head.events, "hash": head.hash, "aside": str(aside) if aside else None}, as_json, told)


@app.command()
def migrate(
    to: Annotated[str | None, typer.Option(help="URL of an empty database to move to.", metavar="URL")] = None,
    actor: As = "",
    root: Root = HERE,
    as_json: Json = False,
) -> None:
    """Write the register anew as this program keeps it, after an upgrade; or, with `--to`, into another database.

    The events stay as they are, and the old register is kept.
    """
    from sdc.register.keeping import migrate as move

    head, aside = move(_url(root), actor=acting(actor), aside=_folder(root), target=to)
    told = f"{head.events} events." + (f" The old register: {aside}" if aside else " Set `register` or SDC_REGISTER.")
    tell({"events": head.events, "hash": head.hash, "aside": str(aside) if aside else None}, as_json, told)


@app.command()
def export(
    out: Annotated[Path, typer.Argument(help="FILE.xlsx, FILE.json, or a folder for CSV files.")],
    role: Annotated[str, typer.Option("--for", help="One of the roles.")],
    root: Root = HERE,
    as_json: Json = False,
) -> None:
    """Write what a role works from, as tables. No cell runs in a spreadsheet."""
    from sdc.register.exchange import sheets, write_sheets

    with opened(root) as register:
        written = write_sheets(sheets(register, role, now()), out)
    tell({"written": [str(path) for path in written]}, as_json, [str(path) for path in written])


@app.command("import")
def import_(
    source: Annotated[Path, typer.Argument(help="FILE.json or FILE.csv.", dir_okay=False)],
    name: Annotated[str, typer.Option("--from", help="Which register it comes from.")] = "an external register",
    orders: Annotated[bool, typer.Option("--write-requests", help="Write requests/REQ.yaml too.")] = False,
    actor: As = "",
    root: Root = HERE,
    as_json: Json = False,
) -> None:
    """Enter the approved requests of another register. Doing it again changes nothing.

    Schema: docs/reference/register-import.schema.json. Five answers and an approver stand in each request there.
    """
    from sdc.policy import read_policy
    from sdc.register.exchange import import_requests, read_requests

    policies = {path.stem: read_policy(path) for path in sorted((root / "policies").glob("*.yaml"))}
    given = read_requests(source)
    with opened(root) as register:
        done = import_requests(register, given, policies, actor=acting(actor), at=now(), source=name)
        write_grants(root, register, *(order.id for order in done.orders))
    written = [_write_order(root, order) for order in done.orders] if orders else []
    content = {"added": list(done.added), "changed": list(done.changed), "same": list(done.same)}
    told = f"{len(done.added)} added, {len(done.changed)} changed, {len(done.same)} as before"
    tell({**content, "requests_written": [path for path in written if path]}, as_json, told)


def _write_order(root: Path, order: Any) -> str | None:
    import yaml

    from sdc.files import write_text

    path = root / "requests" / f"{order.id}.yaml"
    if path.exists():
        return None
    content = order.model_dump(mode="json", exclude={"approval"}, exclude_defaults=True)
    write_text(path, yaml.safe_dump({**content, "version": order.version}, sort_keys=False, allow_unicode=True))
    return str(path)


@app.command()
def catalogue(
    out: Annotated[Path | None, typer.Argument(help="FILE.json, FILE.xlsx or FILE.csv.")] = None,
    root: Root = HERE,
    as_json: Json = False,
) -> None:
    """Write every release once, with what became of it, for an external register.

    Schema: docs/reference/register-catalogue.schema.json.
    """
    from sdc.register.exchange import catalogue as read
    from sdc.register.exchange import write_catalogue

    with opened(root) as register:
        rows = read(register)
    if out is not None:
        write_catalogue(rows, out)
    grid = Grid(Column("release", no_wrap=True, overflow="fold"), "status", "organisation", "published", "delete by")
    for row in rows:
        grid.add_row(
            row["release_id"], row["status"], escape(row["organisation"]), row["published_on"], row["delete_on"]
        )
    tell({"schema_version": "1.0", "releases": rows}, as_json, grid if rows else "Nothing was released yet.")


@app.command()
def figures(root: Root = HERE, as_json: Json = False) -> None:
    """Days to acknowledge, decide, prepare and share, gross and net of waiting for the requester; open; overdue."""
    from sdc.register.figures import figures as measure

    with opened(root) as register:
        found = measure(register, now())
    states = ", ".join(f"{number} {state}" for state, number in found["open_by_state"].items() if number)
    tell(
        found,
        as_json,
        [figure_grid(found), f"Open: {found['open']} ({states or 'none'}). Overdue: {found['overdue']}."],
    )


@app.command()
def grants(root: Root = HERE, as_json: Json = False) -> None:
    """Write anew what DVC watches of each grant, where another machine wrote the register."""
    written = _all_grants(root)
    tell({"requests": written}, as_json, f"{len(written)} requests looked at")


def _all_grants(root: Path) -> list[str]:
    with opened(root) as register:
        ids = [row["id"] for row in register.requests()]
        write_grants(root, register, *ids)
    return ids


def write_samples(root: Path) -> list[Path]:
    """Make the synthetic register of the sample requests where there are requests and no register yet."""
    from sdc.policy import read_policy
    from sdc.register.samples import write_register
    from sdc.request import read_request

    paths = sorted((root / "requests").glob("REQ-2026-00?.yaml"))
    url = _url(root) if (root / "params.yaml").exists() else ""
    if not paths or "://" in url or Path(url).exists():
        return []
    policies = {path.stem: read_policy(path) for path in sorted((root / "policies").glob("*.yaml"))}
    orders = [read_request(path) for path in paths]
    with write_register(url, orders, policies) as register:
        write_grants(root, register, *(order.id for order in orders))
    return [Path(url)]


def _folder(root: Path) -> Path:
    return root / "data" / "register"
