"""What an officer, an appraiser, an approver, a preparer and a reviewer do with a request: one function a verb."""

import json
import re
from collections.abc import Mapping
from datetime import date, datetime
from typing import Any

import sqlalchemy as sa

from sdc.errors import ApprovalError, RequestError
from sdc.policy import Policy, policy_numbers
from sdc.register.entry import day, move, next_number, request_row, require_permission, rows_of, told
from sdc.register.history import append, canonical, stamp
from sdc.register.states import HOW, MOVES, QUESTIONS
from sdc.register.store import Store
from sdc.request import Request, order_sha256

_SHA = re.compile(r"[0-9a-f]{64}")


def receive(
    store: Store,
    order: Request,
    *,
    actor: str,
    at: datetime,
    category: str,
    data_level: str,
    urgency: str = "normal",
    importance: str = "normal",
    onward_sharing: str = "none",
    team: str | None = None,
    needed_on: date | str | None = None,
    completion_on: date | str | None = None,
    planned_outputs: str | None = None,
    planned_linkage: str | None = None,
    identity_checked: bool = False,
    source: str | None = None,
    verb: str = "receive",
) -> dict[str, Any]:
    """Enter a request as received. Its technical order is the request file; the rest is what the requester told.

    Raises
    ------
    ApprovalError : when the actor may not, or the request is in the register already.
    RequestError : when an entry is not among those the register takes.
    """
    row = {
        "id": order.id,
        "state": "received",
        "cycle": 1,
        "asked_from": None,
        "received_at": stamp(at),
        **_order_columns(order),
        "team": team,
        "category": category,
        "data_level": data_level,
        "urgency": urgency,
        "importance": importance,
        "needed_on": day(needed_on, "--needed"),
        "completion_on": day(completion_on, "--completion"),
        "planned_outputs": planned_outputs,
        "planned_linkage": planned_linkage,
        "onward_sharing": onward_sharing,
        "owner": actor,
        "identity_checked_by": actor if identity_checked else None,
        "source": source,
        "response": None,
        "reason": None,
        "closure": None,
    }
    with store.writing() as connection:
        require_permission(connection, actor, verb)
        if rows_of(connection, "request", id=order.id):
            raise ApprovalError(
                order.id, "the register holds this request already", f"See `sdc request show {order.id}`."
            )
        append(
            connection,
            verb=verb,
            actor=actor,
            at=at,
            request_id=order.id,
            after="received",
            rows=[("request", row)],
        )
    return row


def _order_columns(order: Request) -> dict[str, Any]:
    return {
        "title": order.title,
        "purpose": order.purpose,
        "organisation": order.requester.organisation,
        "organisation_type": order.requester.type,
        "component": order.component,
        "country": order.country,
        **_asked(order),
        "policy": order.policy,
    }


def _asked(order: Request) -> dict[str, str]:
    variables = order.variables if order.variables == "all" else sorted(order.variables)
    return {"rounds": json.dumps(sorted(order.rounds)), "variables": json.dumps(variables)}


def appraise(
    store: Store,
    request_id: str,
    *,
    actor: str,
    at: datetime,
    answers: Mapping[str, tuple[str, str]] | None = None,
    identity_checked: bool = False,
    verb: str = "appraise",
) -> dict[str, Any]:
    """Begin the appraisal of a request, or answer its five questions.

    Parameters
    ----------
    answers : mapping of question to (answer, note)
        All five of `QUESTIONS` or none; answering again takes the place of what was answered before.

    Raises
    ------
    RequestError : when a question lacks, or is none of the five.
    ApprovalError : when the actor may not, or the state does not allow it.
    """
    if answers and set(answers) != set(QUESTIONS):
        raise RequestError(request_id, f"an appraisal answers all of: {', '.join(QUESTIONS)}", "Answer each.")

    def change(connection: sa.Connection, row: dict) -> tuple[dict, list]:
        columns = {"state": "appraisal"} if row["state"] == "received" else {}
        columns |= {"identity_checked_by": actor} if identity_checked else {}
        if not answers:
            return columns, []
        fact: dict[str, Any] = {
            "number": next_number(connection, "appraisal", request_id=request_id),
            "cycle": row["cycle"],
            **told(actor, at),
        }
        for question, (answer, note) in answers.items():
            fact |= {question: answer, f"{question}_note": note}
        return columns, [("appraisal", fact)]

    return move(store, request_id, "appraise", under=verb, actor=actor, at=at, change=change)


def ask(store: Store, request_id: str, *, actor: str, at: datetime, question: str) -> dict[str, Any]:
    """Ask the requester something; the clock stops until the answer."""
    _words(request_id, question, "the question")
    return move(
        store,
        request_id,
        "ask",
        actor=actor,
        at=at,
        change=lambda _, row: ({"asked_from": row["state"], "response": question}, []),
    )


def consult(store: Store, request_id: str, *, actor: str, at: datetime, question: str) -> dict[str, Any]:
    """Ask somebody in the house for advice; the clock goes on."""
    _words(request_id, question, "the question")
    return move(store, request_id, "consult", actor=actor, at=at, change=lambda _c, _r: ({"response": question}, []))


def answer(store: Store, request_id: str, *, actor: str, at: datetime, note: str) -> dict[str, Any]:
    """Enter what came back: the request returns to where it was asked from."""
    _words(request_id, note, "the answer")

    def change(_: sa.Connection, row: dict) -> tuple[dict, list]:
        back = row["asked_from"] if row["state"] == "needs_info" else "appraisal"
        return {"state": back, "asked_from": None, "response": note}, []

    return move(store, request_id, "answer", actor=actor, at=at, change=change)


def end(store: Store, request_id: str, how: str, *, actor: str, at: datetime, reason: str) -> dict[str, Any]:
    """End a request other than by closing it: referred, rejected, withdrawn, lapsed, or revoked."""
    _words(request_id, reason, "the reason")
    if how not in HOW:
        raise RequestError(request_id, "ends in no such way", f"Write one of: {', '.join(HOW)}.")
    change = {"reason": reason, "asked_from": None}
    return move(store, request_id, HOW[how], actor=actor, at=at, change=lambda _c, _r: (change, []))


def approve(
    store: Store,
    order: Request,
    policy: Policy,
    *,
    actor: str,
    at: datetime,
    agreement_until: date | str | None = None,
    conditions: str | None = None,
    response: str | None = None,
    verb: str = "approve",
) -> dict[str, Any]:
    """Grant what the request file asks, as it stands: its hash is what the pipeline will build, and nothing else.

    In `approved`, `preparing` and `follow_up` it grants a changed order anew, and the state stays.

    Raises
    ------
    ApprovalError : when the actor may not, the appraisal lacks or holds a `no`, or the agreement lacks.
    RequestError : when the order has expired.
    """
    if policy.policy != order.policy:
        raise RequestError(order.id, "its policy is another than the one given", "Mend the request.")
    if order.expires < at.date():
        raise RequestError(f"{order.id}, `expires`", "lies in the past", "Mend the request file first.")
    if policy.tier == "restricted" and order.agreement is None:
        raise ApprovalError(order.id, f"names no agreement, and policy `{order.policy}` needs one", "Add `agreement`.")

    def change(connection: sa.Connection, row: dict) -> tuple[dict, list]:
        fact = {
            "number": next_number(connection, "granted", request_id=order.id),
            "cycle": row["cycle"],
            "policy": order.policy,
            "tier": policy.tier,
            "organisation": order.requester.organisation,
            "component": order.component,
            "country": order.country,
            **_asked(order),
            "agreement": order.agreement,
            "agreement_until": day(agreement_until, "--agreement-until"),
            "expires": order.expires.isoformat(),
            "order_sha256": order_sha256(order),
            "policy_numbers": canonical(policy_numbers(policy.for_component(order.component))),
            "conditions": conditions,
            **told(actor, at),
        }
        columns = {**_order_columns(order), "response": response or row["response"]}
        return columns, [("granted", fact)]

    return move(store, order.id, "approve", under=verb, actor=actor, at=at, change=change)


def extend(
    store: Store,
    request_id: str,
    *,
    actor: str,
    at: datetime,
    expires: date | str,
    agreement_until: date | str | None = None,
) -> dict[str, Any]:
    """Grant the same for longer."""

    def change(connection: sa.Connection, _: dict) -> tuple[dict, list]:
        latest = rows_of(connection, "granted", request_id=request_id)
        if not latest:
            raise ApprovalError(request_id, "was never approved", "Approve it first.")
        fact = {
            **latest[-1],
            "number": latest[-1]["number"] + 1,
            "expires": day(expires, "--expires"),
            "agreement_until": day(agreement_until, "--agreement-until") or latest[-1]["agreement_until"],
            **told(actor, at),
        }
        return {}, [("granted", fact)]

    return move(store, request_id, "extend", actor=actor, at=at, change=change)


def prepare(store: Store, request_id: str, *, actor: str, at: datetime) -> dict[str, Any]:
    """Take a request up to prepare its release; whoever does will not vote on it."""

    def change(connection: sa.Connection, _: dict) -> tuple[dict, list]:
        number = next_number(connection, "preparation", request_id=request_id)
        return {"state": "preparing"}, [("preparation", {"number": number, **told(actor, at)})]

    return move(store, request_id, "prepare", actor=actor, at=at, change=change)


def submit(store: Store, request_id: str, *, actor: str, at: datetime, manifest_sha256: str) -> dict[str, Any]:
    """Hand a candidate in for review, by the hash of its manifest."""
    _sha(request_id, manifest_sha256)

    def change(connection: sa.Connection, _: dict) -> tuple[dict, list]:
        number = next_number(connection, "submission", request_id=request_id)
        return {}, [("submission", {"number": number, "manifest_sha256": manifest_sha256, **told(actor, at)})]

    return move(store, request_id, "submit", actor=actor, at=at, change=change)


def review(
    store: Store,
    request_id: str,
    decision: str,
    *,
    actor: str,
    at: datetime,
    manifest_sha256: str,
    note: str | None = None,
) -> dict[str, Any]:
    """Vote on what was submitted: approve it, or return it with a note to the preparer."""
    _sha(request_id, manifest_sha256)

    def change(connection: sa.Connection, _: dict) -> tuple[dict, list]:
        submissions = rows_of(connection, "submission", request_id=request_id)
        number = submissions[-1]["number"] if submissions else 0
        if any(
            vote["actor"] == actor for vote in rows_of(connection, "vote", request_id=request_id, submission=number)
        ):
            raise ApprovalError(request_id, f"actor `{actor}` has voted on this submission", "A vote stays.")
        fact = {
            "submission": number,
            "manifest_sha256": manifest_sha256,
            "decision": decision,
            "note": note,
            **told(actor, at),
        }
        return {"state": "preparing"} if decision == "return" else {}, [("vote", fact)]

    return move(store, request_id, "review", actor=actor, at=at, change=change)


def share(
    store: Store,
    request_id: str,
    *,
    actor: str,
    at: datetime,
    channel: str,
    received_by: str | None = None,
    release_id: str | None = None,
) -> dict[str, Any]:
    """Enter that a release was sent, and how; what must be deleted one day becomes an obligation."""

    def change(connection: sa.Connection, _: dict) -> tuple[dict, list]:
        releases = sorted(rows_of(connection, "released", request_id=request_id), key=lambda r: (r["at"], r["version"]))
        chosen = next((row for row in reversed(releases) if release_id in (None, row["release_id"])), None)
        if chosen is None:
            raise ApprovalError(request_id, "has no such release in the register", "Publish first: `sdc publish REQ`.")
        number = next_number(connection, "delivery", request_id=request_id)
        delivered = {
            "number": number,
            "release_id": chosen["release_id"],
            "channel": channel,
            "received_by": received_by,
            **told(actor, at),
        }
        facts: list[tuple[str, dict]] = [("delivery", delivered)]
        known = [row["note"] for row in rows_of(connection, "obligation", request_id=request_id)]
        if chosen["delete_on"] and chosen["release_id"] not in known:
            facts.append(
                (
                    "obligation",
                    {
                        "number": next_number(connection, "obligation", request_id=request_id),
                        "kind": "deletion",
                        "due_on": chosen["delete_on"],
                        "note": chosen["release_id"],
                        "done_on": None,
                        "done_note": None,
                        **told(actor, at),
                    },
                )
            )
        return {"state": "shared"}, facts

    return move(store, request_id, "share", actor=actor, at=at, change=change)


def follow_up(store: Store, request_id: str, *, actor: str, at: datetime) -> dict[str, Any]:
    """Ask what came of it."""
    return move(store, request_id, "follow_up", actor=actor, at=at)


def use(
    store: Store,
    request_id: str,
    *,
    actor: str,
    at: datetime,
    kind: str,
    url: str | None = None,
    dtm_cited: bool | None = None,
    accurate: bool | None = None,
    sensitive_issue: bool = False,
    note: str | None = None,
) -> dict[str, Any]:
    """Enter what was published or done with the data: cited properly? accurate? a sensitive issue?"""

    def change(connection: sa.Connection, _: dict) -> tuple[dict, list]:
        fact = {
            "number": next_number(connection, "use_record", request_id=request_id),
            "kind": kind,
            "url": url,
            "dtm_cited": None if dtm_cited is None else int(dtm_cited),
            "accurate": None if accurate is None else int(accurate),
            "sensitive_issue": int(sensitive_issue),
            "note": note,
            **told(actor, at),
        }
        return {}, [("use_record", fact)]

    return move(store, request_id, "use", actor=actor, at=at, change=change)


def oblige(
    store: Store, request_id: str, *, actor: str, at: datetime, kind: str, due_on: date | str, note: str | None = None
) -> dict[str, Any]:
    """Enter what the requester owes us: deletion, a report back."""

    def change(connection: sa.Connection, _: dict) -> tuple[dict, list]:
        fact = {
            "number": next_number(connection, "obligation", request_id=request_id),
            "kind": kind,
            "due_on": day(due_on, "--due"),
            "note": note,
            "done_on": None,
            "done_note": None,
            **told(actor, at),
        }
        return {}, [("obligation", fact)]

    return move(store, request_id, "obligation", actor=actor, at=at, change=change)


def fulfil(store: Store, request_id: str, number: int, *, actor: str, at: datetime, note: str) -> dict[str, Any]:
    """Enter that an obligation was met, and how that is known."""
    _words(request_id, note, "the proof")

    def change(connection: sa.Connection, _: dict) -> tuple[dict, list]:
        found = rows_of(connection, "obligation", request_id=request_id, number=number)
        if not found:
            raise RequestError(request_id, "has no such obligation", "See `sdc request show REQ`.")
        if found[0]["done_on"] is not None:
            raise ApprovalError(request_id, f"obligation {number} is confirmed already", "It is confirmed once.")
        return {}, [("obligation", {**found[0], "done_on": at.date().isoformat(), "done_note": note})]

    return move(store, request_id, "obligation", actor=actor, at=at, change=change)


def close(store: Store, request_id: str, *, actor: str, at: datetime, closure: str) -> dict[str, Any]:
    """Close a request whose use is known and whose obligations are met."""
    _words(request_id, closure, "the closure")
    return move(store, request_id, "close", actor=actor, at=at, change=lambda _c, _r: ({"closure": closure}, []))


def reopen(store: Store, request_id: str, *, actor: str, at: datetime, reason: str) -> dict[str, Any]:
    """Take a closed request up again: it is appraised and approved anew."""
    _words(request_id, reason, "the reason")
    return move(
        store,
        request_id,
        "reopen",
        actor=actor,
        at=at,
        change=lambda _, row: ({"cycle": row["cycle"] + 1, "response": reason}, []),
    )


def show(store: Store, request_id: str) -> dict[str, Any]:
    """All that the register holds of a request."""
    with store.reading() as connection:
        row = request_row(connection, request_id)
        kept = ("appraisal", "granted", "preparation", "submission", "vote", "released", "delivery", "use_record")
        return {
            **row,
            **{name: rows_of(connection, name, request_id=request_id) for name in (*kept, "obligation")},
            "events": [
                {name: event[name] for name in ("seq", "at", "actor", "verb", "state_before", "state_after")}
                for event in rows_of(connection, "event", request_id=request_id)
            ],
            "next": sorted({verb for verb, pairs in MOVES.items() for start, _ in pairs if start == row["state"]}),
        }


def _words(request_id: str, text: str, what: str) -> None:
    if len(text.strip()) < 3:
        raise RequestError(request_id, f"{what} says nothing", "Write it in a few words.")


def _sha(request_id: str, text: str) -> None:
    if not _SHA.fullmatch(text):
        raise RequestError(
            request_id, "the manifest's hash is no SHA-256", "Give it as `sha256sum manifest.json` does."
        )
