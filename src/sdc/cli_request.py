"""`sdc request`: a request from its receipt to its end, as those who work on it type it."""

import json
import os
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.markup import escape

from sdc.errors import ApprovalError, RequestError

EXIT_CODES = "Exit codes: 2 wrong use; 10 a wrong entry; 11 no such file; 13 disclosure; 14 not whole; 15 not allowed."
app = typer.Typer(
    no_args_is_help=True,
    epilog=EXIT_CODES,
    help="The register of requests: who asked for what and why, who decided, what was sent, what came of it.\n\n"
    "`received → appraisal ⇄ needs_info ⇄ consultation → approved → preparing ⇄ review → shared → follow_up → closed`; "
    "ends: referred, rejected, withdrawn, lapsed, revoked.",
    rich_markup_mode="markdown",
)
RequestId = Annotated[str, typer.Argument(help="Id of the request, such as REQ-2026-001.", metavar="REQ")]
As = Annotated[
    str,
    typer.Option(
        "--as", envvar="SDC_ACTOR", help="Your actor id, such as ACT-0012.", metavar="ACTOR", show_default=False
    ),
]
Root = Annotated[Path, typer.Option(help="The checkout that holds params.yaml.", file_okay=False)]
Json = Annotated[bool, typer.Option("--json", help="Print JSON, for machines.")]
HERE = Path()


def opened(root: Path) -> Any:
    """The register of a checkout: SDC_REGISTER, or `register` in params.yaml."""
    from sdc.params import register_url
    from sdc.register import open_register

    return open_register(register_url(root / "params.yaml", os.environ.get("SDC_REGISTER", "")))


def acting(given: str) -> str:
    """Who acts: `--as`, or SDC_ACTOR.

    Raises
    ------
    ApprovalError : when nobody is named.
    """
    if not given:
        raise ApprovalError("--as", "says not who acts", "Give your actor id: `--as ACT-0012`, or set SDC_ACTOR.")
    return given


def now() -> datetime:
    """The moment, to the second."""
    return datetime.now(UTC).replace(microsecond=0)


def write_grants(root: Path, register: Any, *requests: str) -> None:
    """Tell DVC what is granted now: one small file a request, none where nothing is granted."""
    from sdc.files import write_json
    from sdc.register.obey import grant_document

    for request in requests:
        path, grant = root / "data" / "register" / "grants" / f"{request}.json", register.grant(request)
        if grant is None:
            path.unlink(missing_ok=True)
        else:
            write_json(path, grant_document(grant))


def _order(root: Path, request: str) -> Any:
    from sdc.request import read_request

    return read_request(root / "requests" / f"{request}.yaml")


def _done(root: Path, as_json: bool, request: str, verb: str, *values: Any, **entries: Any) -> None:
    """Do a verb by its name, tell DVC, and say how the request stands."""
    from sdc.register import verbs
    from sdc.register.entry import can

    actor, manifest = acting(entries.pop("actor")), entries.get("manifest_sha256")
    with opened(root) as register:
        row = getattr(verbs, verb)(register, *values, actor=actor, at=now(), **entries)
        write_grants(root, register, request)
    hint = can(row["state"]).replace("REQ", request)
    told = {"request": request, "state": row["state"]} | ({"manifest_sha256": manifest} if manifest else {})
    lines = [f"{request}: [bold]{row['state']}[/bold]. {escape(hint)}"]
    tell(told, as_json, [*([f"Manifest: {manifest}"] if manifest else []), *lines])


def tell(content: Any, as_json: bool, text: Any) -> None:
    """One answer, for a machine or for a person."""
    if as_json:
        typer.echo(json.dumps(content, indent=2, ensure_ascii=False))
        return
    for line in text if isinstance(text, list) else [text]:
        Console(soft_wrap=isinstance(line, str), highlight=False).print(line)


@app.command()
def receive(
    request: RequestId,
    category: Annotated[str, typer.Option(help="microdata, table, map, report, other.")],
    data_level: Annotated[str, typer.Option(help="individual, household, site, aggregate.")],
    urgency: Annotated[str, typer.Option(help="critical, high, normal, low: decides when it is due.")] = "normal",
    importance: Annotated[str, typer.Option(help="critical, high, normal, low.")] = "normal",
    onward_sharing: Annotated[str, typer.Option(help="none, with_consent, free.")] = "none",
    needed: Annotated[str | None, typer.Option(help="Day by which the requester needs it: 2027-06-30.")] = None,
    completion: Annotated[str | None, typer.Option(help="Day on which their work ends; follow-up is due then.")] = None,
    outputs: Annotated[str | None, typer.Option(help="What they plan to publish.")] = None,
    linkage: Annotated[str | None, typer.Option(help="Other data they plan to link it with.")] = None,
    team: Annotated[str | None, typer.Option(help="Unit of the organisation that will work with it.")] = None,
    identity_checked: Annotated[bool, typer.Option("--identity-checked", help="You verified who asks.")] = False,
    actor: As = "",
    root: Root = HERE,
    as_json: Json = False,
) -> None:
    """Enter a request as received. Write `requests/REQ.yaml` first: what is asked for stands there.

    Example: `sdc request receive REQ-2026-009 --category table --data-level aggregate --urgency high --as ACT-0002`
    """
    entries: dict[str, Any] = {
        "category": category,
        "data_level": data_level,
        "urgency": urgency,
        "importance": importance,
    }
    entries |= {"onward_sharing": onward_sharing, "needed_on": needed, "completion_on": completion, "team": team}
    entries |= {"planned_outputs": outputs, "planned_linkage": linkage, "identity_checked": identity_checked}
    _done(root, as_json, request, "receive", _order(root, request), actor=actor, **entries)


_ANSWER = "`yes: why`, `conditional: why`, or `no: why`."


@app.command()
def appraise(
    request: RequestId,
    projects: Annotated[str | None, typer.Option(help=f"Lawful, useful, and in need of this data? {_ANSWER}")] = None,
    people: Annotated[str | None, typer.Option(help=f"Requester known, able and bound? {_ANSWER}")] = None,
    data: Annotated[str | None, typer.Option(help=f"The least that serves the purpose? {_ANSWER}")] = None,
    settings: Annotated[str | None, typer.Option(help=f"A safe place to keep and use it? {_ANSWER}")] = None,
    outputs: Annotated[str | None, typer.Option(help=f"Publications that disclose nobody? {_ANSWER}")] = None,
    identity_checked: Annotated[bool, typer.Option("--identity-checked", help="You verified who asks.")] = False,
    actor: As = "",
    root: Root = HERE,
    as_json: Json = False,
) -> None:
    """Begin an appraisal (the receipt is acknowledged), or answer its five questions; again to change the answers.

    Example: `sdc request appraise REQ-2026-009 --projects "yes: relief planning" --people "yes: partner since 2020"
    --data "conditional: admin 2 only" --settings "yes: own server" --outputs "yes: sums only" --as ACT-0003`
    """
    given = {"projects": projects, "people": people, "data": data, "settings": settings, "outputs": outputs}
    answers = {question: _answer(question, text) for question, text in given.items() if text is not None}
    _done(
        root,
        as_json,
        request,
        "appraise",
        request,
        actor=actor,
        answers=answers or None,
        identity_checked=identity_checked,
    )


def _answer(question: str, text: str) -> tuple[str, str]:
    from sdc.register.states import ANSWERS

    answer, _, note = (part.strip() for part in text.partition(":"))
    if answer not in ANSWERS or len(note) < 3:
        raise RequestError(f"--{question}", "is no answer with its reason", f"Write {_ANSWER}")
    return answer, note


@app.command()
def ask(
    request: RequestId,
    question: Annotated[str, typer.Option(help="What the requester is asked.")],
    actor: As = "",
    root: Root = HERE,
    as_json: Json = False,
) -> None:
    """Ask the requester something. The clock stops until `sdc request answer`."""
    _done(root, as_json, request, "ask", request, actor=actor, question=question)


@app.command()
def consult(
    request: RequestId,
    question: Annotated[str, typer.Option(help="Who in the house is asked what.")],
    actor: As = "",
    root: Root = HERE,
    as_json: Json = False,
) -> None:
    """Ask for advice in the house: legal, protection, the country office. The clock goes on."""
    _done(root, as_json, request, "consult", request, actor=actor, question=question)


@app.command()
def answer(
    request: RequestId,
    note: Annotated[str, typer.Option(help="What came back.")],
    actor: As = "",
    root: Root = HERE,
    as_json: Json = False,
) -> None:
    """Enter the answer or the advice that came back: the request returns to where it was asked from."""
    _done(root, as_json, request, "answer", request, actor=actor, note=note)


@app.command()
def approve(
    request: RequestId,
    agreement_until: Annotated[str | None, typer.Option(help="Day on which the data sharing agreement ends.")] = None,
    conditions: Annotated[str | None, typer.Option(help="Conditions of the approval.")] = None,
    response: Annotated[str | None, typer.Option(help="What the requester is told.")] = None,
    actor: As = "",
    root: Root = HERE,
    as_json: Json = False,
) -> None:
    """Grant what `requests/REQ.yaml` asks, exactly as the file stands now; needs five answers, none of them `no`.

    Where the file is changed later, nothing is built until it is approved again with this command.
    """
    from sdc.policy import read_policy

    order = _order(root, request)
    policy = read_policy(root / "policies" / f"{order.policy}.yaml")
    entries = {"agreement_until": agreement_until, "conditions": conditions, "response": response}
    _done(root, as_json, request, "approve", order, policy, actor=actor, **entries)


@app.command()
def extend(
    request: RequestId,
    expires: Annotated[str, typer.Option(help="The new last day: 2028-06-30.")],
    agreement_until: Annotated[str | None, typer.Option(help="Day on which the agreement ends now.")] = None,
    actor: As = "",
    root: Root = HERE,
    as_json: Json = False,
) -> None:
    """Grant the same for longer."""
    _done(root, as_json, request, "extend", request, actor=actor, expires=expires, agreement_until=agreement_until)


@app.command()
def end(
    request: RequestId,
    how: Annotated[str, typer.Argument(help="referred, rejected, withdrawn, lapsed, revoked.", metavar="HOW")],
    reason: Annotated[str, typer.Option(help="Why; the requester may be told.")],
    actor: As = "",
    root: Root = HERE,
    as_json: Json = False,
) -> None:
    """End a request: `referred` (public data answers it), `rejected`, `withdrawn` (by the requester), `lapsed` (no
    answer), `revoked` (an approval taken back: nothing is built or sent any more).
    """
    _done(root, as_json, request, "end", request, how, actor=actor, reason=reason)


@app.command()
def prepare(request: RequestId, actor: As = "", root: Root = HERE, as_json: Json = False) -> None:
    """Take an approved request up. You are its preparer, and will not vote on it.

    From review it takes a candidate back; after follow-up it begins a new version. Where params.yaml does not name the
    request yet, it is added there, cut from the protected master of its population where there is one.
    """
    from sdc.params import wire

    order = _order(root, request)
    _done(root, as_json, request, "prepare", request, actor=actor)
    if wire(root / "params.yaml", order) and not as_json:
        tell({}, False, "params.yaml names it now.")


@app.command()
def submit(
    request: RequestId,
    manifest: Annotated[str | None, typer.Option(help="SHA-256 of manifest.json; else of the candidate here.")] = None,
    actor: As = "",
    root: Root = HERE,
    as_json: Json = False,
) -> None:
    """Hand the candidate that `dvc repro` built in for review, by the hash of its manifest."""
    _done(root, as_json, request, "submit", request, actor=actor, manifest_sha256=manifest or _candidate(root, request))


def _candidate(root: Path, request: str) -> str:
    from sdc.files import sha256_of

    found = sorted((root / "data" / "candidates" / request).glob("*/manifest.json"))
    if len(found) != 1:
        raise ApprovalError(request, "there is no single candidate here", "Run `dvc repro`, or give `--manifest`.")
    return sha256_of(found[0])


@app.command()
def review(
    request: RequestId,
    decision: Annotated[str, typer.Argument(help="approve or return.", metavar="DECISION")],
    manifest: Annotated[str, typer.Option(help="SHA-256 of the manifest you reviewed; `sdc request show` names it.")],
    note: Annotated[str | None, typer.Option(help="What must be mended, or what you looked at.")] = None,
    actor: As = "",
    root: Root = HERE,
    as_json: Json = False,
) -> None:
    """Vote on a submitted candidate: `approve`, or `return` it with a note. Two others than its preparer must approve.

    Read `data/verdicts/REQ/report.html` first: a vote says that you did.
    """
    _done(root, as_json, request, "review", request, decision, actor=actor, manifest_sha256=manifest, note=note)


@app.command()
def share(
    request: RequestId,
    channel: Annotated[str, typer.Option(help="portal, encrypted_mail, secure_transfer, in_person, public_site.")],
    received_by: Annotated[str | None, typer.Option(help="Actor id of who received it.")] = None,
    release: Annotated[str | None, typer.Option(help="Release id; else the latest.")] = None,
    actor: As = "",
    root: Root = HERE,
    as_json: Json = False,
) -> None:
    """Enter that the published release was sent. Its deletion date becomes an obligation."""
    entries = {"channel": channel, "received_by": received_by, "release_id": release}
    _done(root, as_json, request, "share", request, actor=actor, **entries)


@app.command("follow-up")
def follow_up(request: RequestId, actor: As = "", root: Root = HERE, as_json: Json = False) -> None:
    """Begin the follow-up: ask what came of it, then `sdc request use`."""
    _done(root, as_json, request, "follow_up", request, actor=actor)


@app.command()
def use(
    request: RequestId,
    kind: Annotated[str, typer.Option(help="report, article, dashboard, map, dataset, programme, none, other.")],
    url: Annotated[str | None, typer.Option(help="Where it was published.")] = None,
    cited: Annotated[bool | None, typer.Option("--cited/--not-cited", help="DTM is cited as asked.")] = None,
    accurate: Annotated[bool | None, typer.Option("--accurate/--not-accurate", help="It is right.")] = None,
    sensitive: Annotated[bool, typer.Option("--sensitive", help="It raises a sensitive issue.")] = False,
    note: Annotated[str | None, typer.Option(help="What there is to say.")] = None,
    actor: As = "",
    root: Root = HERE,
    as_json: Json = False,
) -> None:
    """Enter what was published or done with the data: cited properly? accurate? a sensitive issue?"""
    entries: dict[str, Any] = {
        "kind": kind,
        "url": url,
        "dtm_cited": cited,
        "accurate": accurate,
        "sensitive_issue": sensitive,
    }
    _done(root, as_json, request, "use", request, actor=actor, note=note, **entries)


@app.command()
def obligation(
    request: RequestId,
    kind: Annotated[str | None, typer.Option(help="deletion, report_back, other.")] = None,
    due: Annotated[str | None, typer.Option(help="The day it is due: 2027-06-30.")] = None,
    done: Annotated[int | None, typer.Option(help="Number of the obligation that was met.")] = None,
    note: Annotated[str | None, typer.Option(help="What it is; or how it is known that it was met.")] = None,
    actor: As = "",
    root: Root = HERE,
    as_json: Json = False,
) -> None:
    """Enter what the requester owes (`--kind`, `--due`), or that it was met (`--done NUMBER --note PROOF`)."""
    if done is not None:
        _done(root, as_json, request, "fulfil", request, done, actor=actor, note=note or "")
    elif kind and due:
        _done(root, as_json, request, "oblige", request, actor=actor, kind=kind, due_on=due, note=note)
    else:
        raise RequestError("sdc request obligation", "says not what to do", "Give `--kind` and `--due`, or `--done`.")


@app.command()
def close(
    request: RequestId,
    closure: Annotated[str, typer.Option(help="How it ended.")],
    actor: As = "",
    root: Root = HERE,
    as_json: Json = False,
) -> None:
    """Close a request whose use is known and whose obligations are met."""
    _done(root, as_json, request, "close", request, actor=actor, closure=closure)


@app.command()
def reopen(
    request: RequestId,
    reason: Annotated[str, typer.Option(help="Why.")],
    actor: As = "",
    root: Root = HERE,
    as_json: Json = False,
) -> None:
    """Take a closed request up again. It is appraised and approved anew."""
    _done(root, as_json, request, "reopen", request, actor=actor, reason=reason)
