"""The register and other registers: approved requests in, the release catalogue out, a table for each role."""

import csv
import io
import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from importlib.resources import files
from pathlib import Path
from typing import Any, NamedTuple

import jsonschema
import xlsxwriter

from sdc.documents import build
from sdc.errors import ApprovalError, Fault, RequestError
from sdc.files import appearing, write_json, write_text
from sdc.policy import Policy, policy_numbers
from sdc.register import verbs
from sdc.register.book import Register, require_actor
from sdc.register.entry import require_permission, rows_of
from sdc.register.figures import figures, reminders
from sdc.register.states import DECIDING, GRANTED, QUESTIONS
from sdc.request import Request, order_sha256

Sheets = dict[str, list[dict[str, Any]]]
_LISTS = ("rounds", "variables", "languages")
_RUNS = ("=", "+", "-", "@", "\t", "\r")
_WIDEST = 320  # pixels of a column


def schema(name: str) -> dict:
    """A published schema: `import` or `catalogue`."""
    return json.loads(files("sdc.register").joinpath(f"{name}.schema.json").read_text(encoding="utf-8"))


class Imported(NamedTuple):
    """What an import did: ids of requests that are new, changed, and the same as before."""

    added: tuple[str, ...]
    changed: tuple[str, ...]
    same: tuple[str, ...]
    orders: tuple[Request, ...]


def read_requests(path: Path) -> list[dict[str, Any]]:
    """Approved requests of another register, from JSON or CSV; all faults are told at once, without values.

    Raises
    ------
    RequestError
    """
    try:
        text = path.read_text(encoding="utf-8-sig")
        in_json = path.suffix.lower() == ".json"
        content: Any = json.loads(text) if in_json else {"schema_version": "1.0", "requests": _rows(text)}
    except FileNotFoundError:
        raise RequestError(str(path), "there is no such file", "Mend the name.") from None
    except (ValueError, OSError, csv.Error, RecursionError):
        raise RequestError(str(path), "is neither JSON nor CSV in UTF-8", "See docs/reference/register.md.") from None
    wrong = sorted(jsonschema.Draft202012Validator(schema("import")).iter_errors(content), key=lambda e: str(e.path))
    if wrong:
        raise RequestError.of(
            [
                Fault(
                    f"{path}, `{'.'.join(str(part) for part in fault.absolute_path) or 'document'}`",
                    f"breaks the rule `{fault.validator}` of the schema",
                    "See docs/reference/register-import.schema.json.",
                )
                for fault in wrong
            ]
        )
    ids = [row["id"] for row in content["requests"]]
    if len(set(ids)) != len(ids):
        raise RequestError(str(path), "holds a request twice", "Keep the later one.")
    return content["requests"]


def _rows(text: str) -> list[dict[str, Any]]:
    """Rows of a CSV as nested entries; an empty cell is no entry."""
    found = []
    for row in csv.DictReader(io.StringIO(text), strict=True):
        entry: dict[str, Any] = {}
        for name, cell in row.items():
            if name is None or cell is None:
                raise ValueError("a row has more or fewer cells than the header")
            if cell == "":
                continue
            value: Any = cell
            if name in _LISTS and not (name == "variables" and cell == "all"):
                value = [int(part) if name == "rounds" else part for part in cell.split()]
            place = entry
            *path, last = name.split(".")
            for part in path:
                place = place.setdefault(part, {})
            place[last] = value
        found.append(entry)
    return found


def import_requests(
    register: Register,
    given: Sequence[Mapping[str, Any]],
    policies: Mapping[str, Policy],
    *,
    actor: str,
    at: datetime,
    source: str,
) -> Imported:
    """Enter the approved requests of another register: received, appraised and approved there, granted here.

    Guarantees
    ----------
    * Importing the same again changes nothing; a request that changed there is granted anew.
    * A request that was ended or is being decided here is not brought back.

    Raises
    ------
    RequestError : when an entry is wrong; nothing of the file is entered then.
    ApprovalError : when the actor may not, or a request is not open to it here.
    """
    orders = [_order(row) for row in given]
    for row, order in zip(given, orders, strict=True):
        require_actor(row["approved_by"])
        if order.policy not in policies:
            raise RequestError(order.id, "names a policy of which there is no document", "Mend the import.")
        if order.expires < at.date():
            raise RequestError(f"{order.id}, `expires`", "lies in the past", "Leave it out of the import.")
        if policies[order.policy].tier == "restricted" and order.agreement is None:
            raise RequestError(order.id, "names no agreement, and its policy needs one", "Add `agreement`.")
    with register.reading() as connection:
        require_permission(connection, actor, "import")
    stands = {row["id"]: row["state"] for row in register.requests()}
    shut = [id for order in orders if (id := order.id) in stands and stands[id] not in (*GRANTED, *DECIDING[:2])]
    if shut:
        faults = [
            Fault(id, f"is `{stands[id]}` here", "Decide it here, and leave it out of the import.") for id in shut
        ]
        raise ApprovalError.of(faults)
    done: dict[str, list[str]] = {"added": [], "changed": [], "same": []}
    for row, order in zip(given, orders, strict=True):
        state = register.state(order.id)
        grant = register.grant(order.id) if state in GRANTED else None
        until = row.get("agreement_until")
        numbers = policy_numbers(policies[order.policy].for_component(order.component))
        terms = (order_sha256(order), numbers, order.expires, until or "")
        if grant and terms == (
            grant.order_sha256,
            grant.policy_numbers,
            grant.expires,
            str(grant.agreement_until or ""),
        ):
            done["same"].append(order.id)
            continue
        told = f"{source}: approved by {row['approved_by']} on {row['approved_on']}"
        by: dict[str, Any] = {"actor": actor, "at": at, "verb": "import"}
        if state is None:
            verbs.receive(
                register,
                order,
                **by,
                source=told,
                **{name: row[name] for name in _RECEIVED if row.get(name) is not None},
            )
        if state in (None, "received", "appraisal"):
            answers = {
                question: (row["appraisal"][question]["answer"], row["appraisal"][question]["note"])
                for question in QUESTIONS
            }
            verbs.appraise(register, order.id, answers=answers, **by)
        verbs.approve(register, order, policies[order.policy], agreement_until=until, conditions=told, **by)
        done["added" if state is None else "changed"].append(order.id)
    return Imported(tuple(done["added"]), tuple(done["changed"]), tuple(done["same"]), tuple(orders))


_ORDER = ("id", "title", "requester", "purpose", "component", "country", "rounds", "variables", "policy", "expires")
_RECEIVED = (
    "category",
    "data_level",
    "urgency",
    "importance",
    "onward_sharing",
    "needed_on",
    "completion_on",
    "planned_outputs",
    "planned_linkage",
    "team",
)


def _order(row: Mapping[str, Any]) -> Request:
    """The technical order in an imported request."""
    content = {name: row[name] for name in (*_ORDER, "agreement", "version", "languages") if row.get(name) is not None}
    if row.get("importance_of_variables"):
        content["importance"] = row["importance_of_variables"]
    return build(content, str(row["id"]), Request, RequestError)


def catalogue(register: Register) -> list[dict[str, Any]]:
    """Every release once, with what became of it, as an external register takes it."""
    requests = {row["id"]: row for row in register.requests()}
    with register.reading() as connection:
        deliveries = [row["release_id"] for row in rows_of(connection, "delivery")]
    found = []
    for row in register.releases():
        asked = requests[row["request_id"]]
        found.append(
            {
                **{
                    name: row[name]
                    for name in ("release_id", "request_id", "version", "status", "tier", "organisation")
                },
                **{name: row[name] for name in ("published_on", "delete_on", "manifest_sha256", "path")},
                **{name: asked[name] for name in ("title", "component", "country")},
                "rounds": json.loads(asked["rounds"]),
                "request_state": asked["state"],
                "deliveries": deliveries.count(row["release_id"]),
            }
        )
    return found


def write_catalogue(rows: list[dict[str, Any]], path: Path) -> None:
    """The catalogue as JSON by its schema, as a workbook, or as a CSV."""
    if path.suffix == ".json":
        write_json(path, {"schema_version": "1.0", "releases": rows})
    else:
        write_sheets({"releases": rows}, path)


_SEEN: dict[str, tuple[str, ...]] = {
    "officer": ("requests", "obligations", "deliveries", "use", "releases", "reminders"),
    "appraiser": ("to_decide", "appraisals"),
    "approver": ("to_decide", "appraisals", "grants"),
    "preparer": ("to_prepare", "grants"),
    "reviewer": ("to_review", "submissions", "votes", "releases"),
    "manager": ("requests", "reminders", "figures", "releases", "obligations", "actors"),
    "auditor": (
        "requests",
        "appraisals",
        "grants",
        "preparations",
        "submissions",
        "votes",
        "releases",
        "marks",
        "deliveries",
        "use",
        "obligations",
        "actors",
        "events",
    ),
}


def sheets(register: Register, role: str, now: datetime) -> Sheets:
    """What a role works from, as tables.

    Raises
    ------
    RequestError : when there is no such role.
    """
    if role not in _SEEN:
        raise RequestError("--for", f"there is no role `{role}`", f"Roles are: {', '.join(_SEEN)}.")
    plain = {
        "appraisals": "appraisal",
        "grants": "granted",
        "preparations": "preparation",
        "submissions": "submission",
        "votes": "vote",
        "marks": "mark",
        "deliveries": "delivery",
        "use": "use_record",
        "obligations": "obligation",
        "events": "event",
    }
    among = {"to_decide": DECIDING, "to_prepare": ("approved", "preparing", "follow_up"), "to_review": ("review",)}
    found: Sheets = {}
    for name in _SEEN[role]:
        if name in plain:
            with register.reading() as connection:
                found[name] = rows_of(connection, plain[name])
        elif name == "requests":
            found[name] = register.requests()
        elif name in among:
            found[name] = [row for row in register.requests() if row["state"] in among[name]]
        elif name == "releases":
            found[name] = register.releases()
        elif name == "actors":
            found[name] = [{**row, "roles": " ".join(row["roles"])} for row in register.actors()]
        elif name == "reminders":
            found[name] = reminders(register, now)
        else:
            found[name] = _flat(figures(register, now))
    return found


def _flat(content: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Figures as rows of a table."""
    rows: list[dict[str, Any]] = [{"figure": name, "value": content[name]} for name in ("requests", "open", "overdue")]
    rows += [{"figure": f"open: {state}", "value": number} for state, number in content["open_by_state"].items()]
    for step, kinds in content["days"].items():
        for kind, told in kinds.items():
            rows += [{"figure": f"days to {step}, {kind}, {name}", "value": value} for name, value in told.items()]
    return rows


def write_sheets(content: Sheets, path: Path) -> list[Path]:
    """Write tables: one JSON or XLSX file, a CSV where there is one table, or a folder of CSV files.

    Raises
    ------
    RequestError : when one CSV is to hold several tables.

    Guarantees
    ----------
    * No cell runs in a spreadsheet.
    """
    if path.suffix == ".json":
        write_json(path, content)
        return [path]
    if path.suffix == ".xlsx":
        _workbook(content, path)
        return [path]
    if path.suffix == ".csv":
        if len(content) != 1:
            raise RequestError(str(path), f"cannot hold {len(content)} tables", "Name a folder, a .xlsx or a .json.")
        (rows,) = content.values()
        path, content = path.parent, {path.stem: rows}
    written = []
    for name, rows in content.items():
        written.append(path / f"{name}.csv")
        write_text(written[-1], as_csv(rows))
    return written


def as_csv(rows: Sequence[Mapping[str, Any]]) -> str:
    """Rows as CSV; lists are joined by blanks, text that would run in a spreadsheet is set off by an apostrophe."""
    buffer = io.StringIO()
    table = csv.writer(buffer, lineterminator="\n")
    if rows:
        table.writerow(rows[0])
    for row in rows:
        table.writerow([_cell(value) for value in row.values()])
    return buffer.getvalue()


def _cell(value: Any) -> Any:
    if isinstance(value, list | tuple):
        value = " ".join(str(part) for part in value)
    if isinstance(value, str) and value.startswith(_RUNS):
        return f"'{value}"
    return "" if value is None else value


def _workbook(content: Sheets, path: Path) -> None:
    options = {"strings_to_formulas": False, "strings_to_urls": False, "strings_to_numbers": False, "in_memory": True}
    with appearing(path) as unfinished:
        book = xlsxwriter.Workbook(str(unfinished), options)
        bold = book.add_format({"bold": True, "bottom": 1})
        for name, rows in content.items():
            sheet = book.add_worksheet(name[:31])
            sheet.freeze_panes(1, 1)
            for column, title in enumerate(rows[0] if rows else ("nothing",)):
                sheet.write_string(0, column, title, bold)
            for number, row in enumerate(rows, start=1):
                for column, value in enumerate(row.values()):
                    cell = _cell(value)
                    if isinstance(cell, bool | int | float):
                        sheet.write_number(number, column, float(cell))
                    elif cell != "":
                        sheet.write_string(number, column, str(cell))
            sheet.autofit(_WIDEST)
        book.close()
