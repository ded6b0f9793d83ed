"""What `sdc request` shows: one request, all of them, the board, and what is due."""

import json
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.markup import escape
from rich.table import Table as Grid

from sdc.cli_request import HERE, Json, RequestId, Root, app, now, opened, tell


@app.command()
def show(request: RequestId, root: Root = HERE, as_json: Json = False) -> None:
    """Tell all that the register holds of a request, and what can be done now."""
    from sdc.register.entry import can
    from sdc.register.verbs import show as read

    with opened(root) as register:
        found = read(register, request)
    plain = _entries(f"{request}: {found['state']}", {n: v for n, v in found.items() if n not in ("id", "state")})
    parts: list[Any] = [plain]
    for name in (n for n, value in found.items() if isinstance(value, list) and value and isinstance(value[0], dict)):
        rows = [{n: v for n, v in row.items() if n != "request_id"} for row in found[name]]
        title = name.replace("_", " ")
        if name == "events":
            parts.append(_columns(title, rows))
        else:
            parts += [_entries(f"{title} {number}", row) for number, row in enumerate(rows, start=1)]
    tell(found, as_json, [*parts, escape(can(found["state"]).replace("REQ", request))])


def _entries(title: str, row: dict) -> Grid:
    """One entry a line, so that a hash or an id stands whole."""
    grid = Grid(title=escape(title), title_justify="left", show_header=False)
    grid.add_column(no_wrap=True)
    grid.add_column(overflow="fold")
    for name, value in row.items():
        if isinstance(value, str | int) and name != "number":
            grid.add_row(name, escape(_readable(str(value))))
    return grid


def _readable(value: str) -> str:
    """A list as its parts, a set of numbers a line each; anything else as it stands."""
    try:
        content = json.loads(value) if value[:1] in ("[", "{") else value
    except json.JSONDecodeError:
        return value
    if isinstance(content, list):
        return ", ".join(map(str, content))
    if isinstance(content, dict):
        return "\n".join(f"{name}: {json.dumps(part)}" for name, part in content.items())
    return value


def _columns(title: str, rows: list[dict]) -> Grid:
    grid = Grid(title=title, title_justify="left")
    for name in rows[0]:
        grid.add_column(name.replace("state_", ""), overflow="fold")
    for row in rows:
        grid.add_row(*(escape("" if value is None else str(value)) for value in row.values()))
    return grid


@app.command("list")
def list_requests(
    state: Annotated[str | None, typer.Option(help="Only those in this state.")] = None,
    root: Root = HERE,
    as_json: Json = False,
) -> None:
    """List all requests with their states."""
    from sdc.errors import RequestError
    from sdc.register.states import STATES

    if state not in (None, *STATES):
        raise RequestError("--state", f"there is no state `{state}`", f"States are: {', '.join(STATES)}.")
    with opened(root) as register:
        rows = [row for row in register.requests() if state in (None, row["state"])]
    grid = Grid("request", "state", "urgency", "organisation", "title")
    for row in rows:
        grid.add_row(*(escape(row[name]) for name in ("id", "state", "urgency", "organisation", "title")))
    tell({"requests": rows}, as_json, grid if rows else "There is no such request.")


@app.command()
def reminders(
    within: Annotated[int, typer.Option(min=0, help="Days to look ahead.")] = 14,
    root: Root = HERE,
    as_json: Json = False,
) -> None:
    """Tell what is due or overdue: decisions, deliveries, follow-ups, agreements that end, data to delete."""
    from sdc.register.figures import reminders as find

    with opened(root) as register:
        rows = find(register, now(), within_days=within)
    tell({"reminders": rows}, as_json, reminder_grid(rows) if rows else f"Nothing is due within {within} days.")


def reminder_grid(rows: list[dict]) -> Grid:
    """Reminders as a table."""
    grid = Grid("due", "request", "what", "owner", title="due and overdue", title_justify="left")
    for row in rows:
        due_on = f"[bold red]{row['due_on']} overdue[/]" if row["overdue"] else row["due_on"]
        grid.add_row(due_on, row["request"], row["what"], row["owner"])
    return grid


@app.command()
def board(
    out: Annotated[Path | None, typer.Option(help="Write the page here, such as board.html.", dir_okay=False)] = None,
    root: Root = HERE,
    as_json: Json = False,
) -> None:
    """Show all requests by state, with figures and reminders: in the terminal, and as a page with `--out`."""
    from sdc.files import write_text
    from sdc.register.board import board_content
    from sdc.report.board import board_page

    with opened(root) as register:
        content = board_content(register, now())
    if out is not None:
        write_text(out, board_page(content))
    parts: list[Any] = []
    for column in content["columns"]:
        if column["requests"]:
            grid = Grid("request", "urgency", "organisation", "title", "due", title=column["state"])
            for row in column["requests"]:
                due = f"[bold red]{row['due']} overdue[/]" if row["overdue"] else row["due"] or ""
                plain = (row[name] for name in ("id", "urgency", "organisation", "title"))
                grid.add_row(*(escape(cell) for cell in plain), due)
            parts.append(grid)
    parts += [figure_grid(content["figures"]), reminder_grid(content["reminders"])]
    tell(content, as_json, [*parts, *([f"Page: {out}"] if out else [])])


def figure_grid(figures: dict) -> Grid:
    """Times as a table."""
    grid = Grid("days to", "requests", "median gross", "median net", "longest gross", "longest net")
    for step, kinds in figures["days"].items():
        values = [kinds[kind][name] for name in ("median", "longest") for kind in ("gross", "net")]
        grid.add_row(step, str(kinds["gross"]["requests"]), *("" if v is None else str(v) for v in values))
    return grid
