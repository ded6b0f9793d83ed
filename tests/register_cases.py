"""A register with one actor for each role and one or two more, and the shortest way to each state."""

from datetime import UTC, date, datetime
from functools import cache
from pathlib import Path
from typing import Any

from sdc.policy import read_policy
from sdc.register import Register, create_register, verbs
from sdc.register.states import QUESTIONS
from sdc.request import Request

REPO = Path(__file__).resolve().parents[1]
AT = datetime(2026, 11, 2, 9, 0, tzinfo=UTC)
ID = "REQ-2026-042"
MANIFEST, OTHER = "a" * 64, "b" * 64
ACTORS = {
    "ACT-M1": ("manager",),
    "ACT-O1": ("officer",),
    "ACT-P1": ("appraiser",),
    "ACT-A1": ("approver",),
    "ACT-W1": ("preparer",),
    "ACT-W2": ("preparer", "reviewer"),
    "ACT-R1": ("reviewer",),
    "ACT-R2": ("reviewer",),
    "ACT-U1": ("auditor",),
}
MANAGER, OFFICER, APPRAISER, APPROVER, PREPARER, BOTH, REVIEWER, SECOND, AUDITOR = ACTORS
YES = dict.fromkeys(QUESTIONS, ("yes", "It is so."))


def order(**entries: Any) -> Request:
    """The technical order of a request."""
    return Request.model_validate(
        {
            "id": ID,
            "title": "A synthetic request",
            "requester": {"organisation": "Ministry of Relief (fictitious)", "type": "government"},
            "purpose": "To see that the register can be trusted.",
            "component": "mobility_tracking",
            "country": "ZZZ",
            "rounds": [1, 2],
            "variables": "all",
            "policy": "public",
            "expires": date(2027, 12, 31),
            **entries,
        }
    )


@cache
def policy_of(name: str):
    """A policy of the project."""
    return read_policy(REPO / "policies" / f"{name}.yaml")


def office(url: str) -> Register:
    """A new register with its actors."""
    register = create_register(url, actor=MANAGER, at=AT)
    for actor, roles in ACTORS.items():
        if actor != MANAGER:
            register.set_actor(actor, roles, actor=MANAGER, at=AT)
    return register


def received(register: Register, asked: Request, **entries: Any) -> dict:
    return verbs.receive(
        register, asked, actor=OFFICER, at=AT, **{"category": "table", "data_level": "aggregate", **entries}
    )


def entry(request_id: str = ID, version: str = "1.0.0", manifest: str = MANIFEST, **changes: Any) -> dict:
    """What the catalogue of a store says of a release."""
    return {
        "release_id": f"DTM-ZZZ-MT-R01-R02-{request_id}-v{version}",
        "request_id": request_id,
        "version": version,
        "manifest_sha256": manifest,
        "path": f"{request_id}/v{version}",
        "tier": "public",
        "organisation": "Ministry of Relief (fictitious)",
        "published_on": "2026-11-22",
        "delete_by": None,
        **changes,
    }


def go(register: Register, verb: str, actor: str | None = None, id: str = ID, **changes: Any) -> Any:
    """One verb with plain arguments, by the actor whose verb it is."""
    usual, call = VERBS[verb]
    return call(register, id, {"actor": actor or usual, "at": AT}, changes)


def _approve(register: Register, id: str, by: dict, changes: dict) -> Any:
    asked = changes.pop("order", None) or order(id=id)
    return verbs.approve(register, asked, policy_of(asked.policy), **by, **changes)


VERBS: dict[str, tuple[str, Any]] = {
    "receive": (
        OFFICER,
        lambda r, id, by, c: verbs.receive(r, order(id=id), **by, **{"category": "table", "data_level": "site", **c}),
    ),
    "appraise": (APPRAISER, lambda r, id, by, c: verbs.appraise(r, id, **by, **c)),
    "answers": (APPRAISER, lambda r, id, by, c: verbs.appraise(r, id, **by, **{"answers": YES, **c})),
    "ask": (APPRAISER, lambda r, id, by, c: verbs.ask(r, id, **by, question="Which rounds?")),
    "consult": (APPRAISER, lambda r, id, by, c: verbs.consult(r, id, **by, question="Is it lawful?")),
    "answer": (OFFICER, lambda r, id, by, c: verbs.answer(r, id, **by, note="Both of them.")),
    "approve": (APPROVER, _approve),
    "extend": (APPROVER, lambda r, id, by, c: verbs.extend(r, id, **by, **{"expires": "2028-01-31", **c})),
    "prepare": (PREPARER, lambda r, id, by, c: verbs.prepare(r, id, **by)),
    "submit": (PREPARER, lambda r, id, by, c: verbs.submit(r, id, **by, **{"manifest_sha256": MANIFEST, **c})),
    "review": (
        REVIEWER,
        lambda r, id, by, c: verbs.review(r, id, "approve", **by, **{"manifest_sha256": MANIFEST, **c}),
    ),
    "return": (
        REVIEWER,
        lambda r, id, by, c: verbs.review(
            r, id, "return", **by, **{"manifest_sha256": MANIFEST, "note": "Mend it.", **c}
        ),
    ),
    "publish": (OFFICER, lambda r, id, by, c: r.released(entry(id, **c), by["actor"], by["at"])),
    "share": (OFFICER, lambda r, id, by, c: verbs.share(r, id, **by, **{"channel": "portal", **c})),
    "follow_up": (OFFICER, lambda r, id, by, c: verbs.follow_up(r, id, **by)),
    "use": (OFFICER, lambda r, id, by, c: verbs.use(r, id, **by, **{"kind": "report", **c})),
    "obligation": (
        OFFICER,
        lambda r, id, by, c: verbs.oblige(r, id, **by, **{"kind": "report_back", "due_on": "2027-01-31", **c}),
    ),
    "fulfil": (OFFICER, lambda r, id, by, c: verbs.fulfil(r, id, **{"number": 1, **c}, **by, note="A letter says so.")),
    "close": (OFFICER, lambda r, id, by, c: verbs.close(r, id, **by, closure="Used and told.")),
    "reopen": (OFFICER, lambda r, id, by, c: verbs.reopen(r, id, **by, reason="New questions.")),
    "refer": (OFFICER, lambda r, id, by, c: verbs.end(r, id, "referred", **by, reason="It is public already.")),
    "reject": (APPROVER, lambda r, id, by, c: verbs.end(r, id, "rejected", **by, reason="Not for loans.")),
    "withdraw": (OFFICER, lambda r, id, by, c: verbs.end(r, id, "withdrawn", **by, reason="They asked us to.")),
    "lapse": (OFFICER, lambda r, id, by, c: verbs.end(r, id, "lapsed", **by, reason="No answer in 60 days.")),
    "revoke": (APPROVER, lambda r, id, by, c: verbs.end(r, id, "revoked", **by, reason="A breach.")),
}

WAYS = {
    "": (),
    "received": ("receive",),
    "appraisal": ("receive", "appraise", "answers"),
    "needs_info": ("receive", "appraise", "answers", "ask"),
    "consultation": ("receive", "appraise", "answers", "consult"),
    "approved": ("receive", "appraise", "answers", "approve"),
}
WAYS |= {"preparing": (*WAYS["approved"], "prepare")}
WAYS |= {"review": (*WAYS["preparing"], "submit")}
WAYS |= {"shared": (*WAYS["review"], "review", "second", "publish", "share")}
WAYS |= {"follow_up": (*WAYS["shared"], "follow_up")}
WAYS |= {"closed": (*WAYS["follow_up"], "close")}
WAYS |= {
    "referred": (*WAYS["received"], "refer"),
    "rejected": (*WAYS["appraisal"], "reject"),
    "withdrawn": (*WAYS["received"], "withdraw"),
    "lapsed": (*WAYS["needs_info"], "lapse"),
    "revoked": (*WAYS["shared"], "revoke"),
}


def bring(register: Register, state: str, id: str = ID) -> None:
    """A new request, brought to a state."""
    for verb in WAYS[state]:
        go(register, *(("review", SECOND) if verb == "second" else (verb,)), id=id)
    assert register.state(id) == (state or None)
