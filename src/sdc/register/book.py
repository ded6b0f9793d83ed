"""The register as the pipeline and the store ask it: what is granted, who voted, what was released."""

import json
from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import Any, NamedTuple

from sdc.errors import ApprovalError, IntegrityError, RequestError, SdcError
from sdc.register.entry import next_number, request_row, require_permission, rows_of, told
from sdc.register.history import Head, append, head, require_whole
from sdc.register.states import GRANTED as GRANTED_STATES
from sdc.register.states import ROLES
from sdc.register.store import (
    Store,
    connect,
    create_rules,
    create_tables,
    has_schema,
    making,
    refusals,
    require_current,
    require_rules,
)


class Grant(NamedTuple):
    """What was granted to a request, until when.

    `order_sha256` names the request file that it was granted to, `policy_numbers` is what its policy promised then.
    """

    request_id: str
    state: str
    policy: str
    tier: str
    organisation: str
    component: str
    country: str
    rounds: tuple[int, ...]
    variables: str | tuple[str, ...]
    agreement: str | None
    agreement_until: date | None
    expires: date
    order_sha256: str
    policy_numbers: dict[str, list]
    by: str
    on: date


class Vote(NamedTuple):
    """One reviewer's word on a manifest."""

    actor: str
    decision: str
    at: str
    note: str | None


class Register(Store):
    """An opened register. Close it, or use it as a context."""

    def __enter__(self) -> "Register":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def head(self) -> Head:
        """The end of the chain of events."""
        with self.reading() as connection:
            return head(connection)

    def verify(self, anchors: Sequence[Head] = ()) -> Head:
        """Refuse a register that was changed by other means than its verbs.

        Raises
        ------
        IntegrityError : with all faults that were found: events, tables, rules.
        """
        with self.reading() as connection:
            require_rules(connection, self.where)
            return require_whole(connection, self.where, anchors)

    def grant(self, request_id: str) -> Grant | None:
        """What is granted to a request now; None where it is not, or no longer, or not yet.

        Raises
        ------
        ApprovalError : when the register holds no such request.
        IntegrityError : when the register was changed by other means than its verbs.
        """
        with self.reading() as connection:
            require_whole(connection, self.where)
            row = request_row(connection, request_id)
            latest = rows_of(connection, "granted", request_id=request_id, cycle=row["cycle"])
        if row["state"] not in GRANTED_STATES or not latest:
            return None
        found = latest[-1]
        variables = json.loads(found["variables"])
        return Grant(
            request_id,
            row["state"],
            found["policy"],
            found["tier"],
            found["organisation"],
            found["component"],
            found["country"],
            tuple(json.loads(found["rounds"])),
            variables if isinstance(variables, str) else tuple(variables),
            found["agreement"],
            date.fromisoformat(found["agreement_until"]) if found["agreement_until"] else None,
            date.fromisoformat(found["expires"]),
            found["order_sha256"],
            json.loads(found["policy_numbers"]),
            found["actor"],
            date.fromisoformat(found["at"][:10]),
        )

    def state(self, request_id: str) -> str | None:
        """State of a request; None where the register does not hold it."""
        with self.reading() as connection:
            found = rows_of(connection, "request", id=request_id)
        return found[0]["state"] if found else None

    def votes(self, request_id: str, manifest_sha256: str) -> tuple[Vote, ...]:
        """Votes on what was submitted last, where that is this manifest."""
        with self.reading() as connection:
            submissions = rows_of(connection, "submission", request_id=request_id)
            if not submissions or submissions[-1]["manifest_sha256"] != manifest_sha256:
                return ()
            votes = rows_of(connection, "vote", request_id=request_id, submission=submissions[-1]["number"])
        return tuple(Vote(vote["actor"], vote["decision"], vote["at"], vote["note"]) for vote in votes)

    def approvers(self, request_id: str, manifest_sha256: str) -> tuple[str, ...]:
        """The reviewers who approved a manifest in review: two or more, none of whom prepared it.

        Raises
        ------
        ApprovalError : when there are fewer.
        IntegrityError : when the register was changed by other means than its verbs.
        """
        with self.reading() as connection:
            require_whole(connection, self.where)
            state = request_row(connection, request_id)["state"]
            known = rows_of(connection, "released", request_id=request_id, manifest_sha256=manifest_sha256)
            submitted = rows_of(connection, "submission", request_id=request_id)
        if state != "review" and not known:
            what = f"is `{state}`: a candidate is published while it is in review"
            raise ApprovalError(request_id, what, f"See `sdc request show {request_id}`.")
        if not submitted or submitted[-1]["manifest_sha256"] != manifest_sha256:
            raise ApprovalError(
                request_id,
                "0 of 2 reviewers approved this candidate: another one was submitted",
                f"Take that back and submit this one: `sdc request prepare {request_id}`, then `sdc request submit "
                f"{request_id}`; two others review it.",
            )
        votes = self.votes(request_id, manifest_sha256)
        found = tuple(sorted({vote.actor for vote in votes if vote.decision == "approve"} - self.preparers(request_id)))
        if len(found) < 2:
            raise ApprovalError(
                request_id,
                f"{len(found)} of 2 reviewers approved this candidate",
                f"Two others read its report, then `sdc request review {request_id} approve --manifest "
                f"{manifest_sha256}`.",
            )
        return found

    def preparers(self, request_id: str) -> set[str]:
        """Who prepared a request or handed its candidate in: they decide nothing about it."""
        with self.reading() as connection:
            tables = [rows_of(connection, name, request_id=request_id) for name in ("preparation", "submission")]
        return {row["actor"] for rows in tables for row in rows}

    def require(self, actor: str, verb: str) -> None:
        """Refuse an actor whose roles do not hold a verb, before anything is done.

        Raises
        ------
        ApprovalError
        """
        with self.reading() as connection:
            require_permission(connection, actor, verb)

    def released(self, entry: Mapping[str, Any], actor: str, at: datetime) -> None:
        """Enter a release as the store holds it; entering the same one again changes nothing.

        Parameters
        ----------
        entry : mapping
            Of the catalogue: release_id, request_id, version, manifest_sha256, path, tier, organisation,
            published_on, delete_by.

        Raises
        ------
        ApprovalError : when two distinct reviewers have not approved this manifest, or the actor may not.
        IntegrityError : when another package is entered under this id or version.
        """
        row = {name: entry[name] for name in ("release_id", "request_id", "version", "manifest_sha256", "path")}
        row |= {name: entry[name] for name in ("tier", "organisation", "published_on")}
        row |= {"delete_on": entry.get("delete_by"), **told(actor, at)}
        with self.writing() as connection:
            known = [
                *rows_of(connection, "released", release_id=row["release_id"]),
                *rows_of(connection, "released", request_id=row["request_id"], version=row["version"]),
            ]
            if known:
                if any(found[name] != row[name] for found in known for name in ("release_id", "manifest_sha256")):
                    raise IntegrityError(
                        f"{row['request_id']}, v{row['version']}", "another package is entered under this version"
                    )
                return
            state = request_row(connection, row["request_id"])["state"]
            require_permission(connection, actor, "publish")
            append(
                connection,
                verb="publish",
                actor=actor,
                at=at,
                request_id=row["request_id"],
                before=state,
                after=state,
                rows=[("released", row)],
            )

    def entered(self, entry: Mapping[str, Any], actor: str, at: datetime) -> None:
        """Enter what a store's catalogue says of a release now: that it was released, and what became of it since."""
        self.released(entry, actor, at)
        name = entry["release_id"]
        if entry.get("superseded_by"):
            self.marked(name, "superseded", actor, at, note=entry["superseded_by"])
        if entry.get("withdrawn"):
            gone = entry["withdrawn"]
            self.marked(name, "withdrawn", actor, at, reason=gone["reason"], note=gone.get("note"))
        for copies in entry.get("destroyed", ()):
            self.marked(name, "deletion_confirmed", actor, at, note=copies["organisation"])

    def marked(
        self,
        release_id: str,
        kind: str,
        actor: str,
        at: datetime,
        *,
        reason: str | None = None,
        note: str | None = None,
    ) -> None:
        """Enter what became of a release: superseded, withdrawn, expired, deletion_confirmed, destroyed.

        Entering the same again changes nothing. Where the organisation that a release was made for confirms its
        deletion, the obligation to delete it is met.

        Raises
        ------
        ApprovalError : when there is no such release, or the actor may not.
        RequestError : when the kind is none of these, or a withdrawal has no reason of the list.
        """
        fact = {"release_id": release_id, "kind": kind, "reason": reason or None, "note": note or None}
        with self.writing() as connection:
            released = rows_of(connection, "released", release_id=release_id)
            if not released:
                raise ApprovalError(
                    release_id, "there is no such release in the register", "See `sdc registry catalogue`."
                )
            marks = rows_of(connection, "mark", release_id=release_id, kind=kind)
            if any(kind != "deletion_confirmed" or row["note"] == fact["note"] for row in marks):
                return
            verb = "publish" if kind == "superseded" else "mark"  # a new version replaces the one before it
            require_permission(connection, actor, verb)
            number = next_number(connection, "mark", release_id=release_id)
            request_id = released[0]["request_id"]
            state = request_row(connection, request_id)["state"]
            met: list[tuple[str, dict]] = []
            if kind == "deletion_confirmed" and note == released[0]["organisation"]:
                owed = rows_of(connection, "obligation", request_id=request_id, kind="deletion", note=release_id)
                done = {"done_on": at.date().isoformat(), "done_note": "Certificate of destruction."}
                met = [("obligation", {**row, **done}) for row in owed if row["done_on"] is None]
            append(
                connection,
                verb=verb,
                actor=actor,
                at=at,
                request_id=request_id,
                before=state,
                after=state,
                rows=[("mark", {**fact, "number": number, **told(actor, at)}), *met],
            )

    def releases(self, request_id: str | None = None) -> list[dict[str, Any]]:
        """Releases in the order they were entered, each with its `status`: `released`, or what became of it last."""
        with self.reading() as connection:
            rows = rows_of(connection, "released", **({"request_id": request_id} if request_id else {}))
            marks = rows_of(connection, "mark")
        last = {mark["release_id"]: mark["kind"] for mark in marks}
        found = [{**row, "status": last.get(row["release_id"], "released")} for row in rows]
        return sorted(found, key=lambda row: (row["at"], row["release_id"]))

    def requests(self) -> list[dict[str, Any]]:
        """All requests as they stand."""
        with self.reading() as connection:
            return rows_of(connection, "request")

    def actors(self) -> list[dict[str, Any]]:
        """Actor ids with the roles they hold."""
        with self.reading() as connection:
            held = rows_of(connection, "actor_role", active=1)
            return [
                {**row, "roles": [own["role"] for own in held if own["actor"] == row["actor"]]}
                for row in rows_of(connection, "actor")
            ]

    def set_actor(self, who: str, roles: Sequence[str], *, actor: str, at: datetime, active: bool = True) -> None:
        """Give an actor these roles and no others, or shut the actor out.

        Raises
        ------
        RequestError : when a role is none of the register's, or the id names a person.
        ApprovalError : when the one who asks is no manager, or is the last one and would be none.
        """
        require_actor(who)
        unknown = sorted(set(roles) - set(ROLES))
        if unknown:
            raise RequestError("--role", f"there is no role `{unknown[0]}`", f"Roles are: {', '.join(ROLES)}.")
        with self.writing() as connection:
            require_permission(connection, actor, "actor")
            before = rows_of(connection, "actor", actor=who)
            held = {row["role"] for row in rows_of(connection, "actor_role", actor=who)}
            rows: list[tuple[str, dict]] = [
                (
                    "actor",
                    {
                        "actor": who,
                        "active": int(active),
                        "added_at": (before or [told(who, at)])[0].get("added_at", told(who, at)["at"]),
                    },
                )
            ]
            rows += [
                ("actor_role", {"actor": who, "role": role, "active": int(role in roles)})
                for role in sorted(held | set(roles))
            ]
            append(connection, verb="actor", actor=actor, at=at, rows=rows)
            managers = [row["actor"] for row in rows_of(connection, "actor_role", role="manager", active=1)]
            acting = {row["actor"] for row in rows_of(connection, "actor", active=1)}
            if not acting & set(managers):
                raise ApprovalError(f"actor `{who}`", "is the last manager", "Give somebody else the role first.")


def require_actor(who: str) -> None:
    """Refuse an actor id that is none, or that names a person.

    Raises
    ------
    RequestError
    """
    plain = who.replace("-", "").replace("_", "").replace(".", "")
    if not (2 <= len(who) <= 64 and who.isascii() and plain.isalnum() and any(sign.isdigit() for sign in who)):
        raise RequestError(
            "the actor id", "is not one: letters, digits and `-`, with a digit in it", "As in ACT-0012, never a name."
        )


def open_register(url: str) -> Register:
    """Open a register by its path or URL.

    Raises
    ------
    ApprovalError : when there is none.
    IntegrityError : when it is of another version, damaged, or others can read it.
    """
    found = connect(url)
    register = Register(found.engine, found.where, found.path)
    try:
        require_current(register)
    except SdcError:
        register.close()
        raise
    return register


def create_register(url: str, *, actor: str, at: datetime) -> Register:
    """Make a register; who makes it is its first manager.

    Raises
    ------
    ApprovalError : when there is one already.
    """
    require_actor(actor)
    found = connect(url, create=True)
    register = Register(found.engine, found.where, found.path)
    with refusals(found.where), making(register) as connection:
        if has_schema(connection):
            raise ApprovalError(found.where, "holds a register already", "Nothing was changed.")
        create_tables(connection)
        create_rules(connection)
        rows: list[tuple[str, dict]] = [
            ("actor", {"actor": actor, "active": 1, "added_at": told(actor, at)["at"]}),
            ("actor_role", {"actor": actor, "role": "manager", "active": 1}),
        ]
        append(connection, verb="init", actor=actor, at=at, rows=rows)
    return register
