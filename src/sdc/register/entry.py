"""One change of one request: read it, see that the verb may lead on from its state, write the event with its rows."""

from collections.abc import Callable, Mapping
from datetime import date, datetime
from typing import Any

import sqlalchemy as sa

from sdc.errors import ApprovalError, RequestError
from sdc.register.history import Rows, append, stamp
from sdc.register.states import HOW, MOVES, ROAD
from sdc.register.store import Store
from sdc.register.tables import ACTOR, ACTOR_ROLE, METADATA, PERMISSION, REQUEST


def request_row(connection: sa.Connection, request_id: str) -> dict[str, Any]:
    """How a request stands.

    Raises
    ------
    ApprovalError : when the register holds no such request.
    """
    found = connection.execute(sa.select(REQUEST).where(REQUEST.c.id == request_id)).mappings().first()
    if found is None:
        raise ApprovalError(
            request_id, "the register holds no such request", f"Enter it: `sdc request receive {request_id}`."
        )
    return dict(found)


def rows_of(connection: sa.Connection, name: str, **equal: Any) -> list[dict[str, Any]]:
    """Rows of a table in the order of their keys."""
    table = METADATA.tables[name]
    asked = sa.select(table).where(*(table.c[column] == value for column, value in equal.items()))
    return [dict(row) for row in connection.execute(asked.order_by(*table.primary_key)).mappings()]


def next_number(connection: sa.Connection, name: str, **equal: Any) -> int:
    """The next number among the rows of a request or a release."""
    return max((row["number"] for row in rows_of(connection, name, **equal)), default=0) + 1


def require_permission(connection: sa.Connection, actor: str, verb: str) -> None:
    """Refuse an actor whose roles do not hold a verb; the database would too, with fewer words.

    Raises
    ------
    ApprovalError
    """
    held = {
        row.role
        for row in connection.execute(
            sa.select(ACTOR_ROLE.c.role)
            .join(ACTOR, ACTOR.c.actor == ACTOR_ROLE.c.actor)
            .where(ACTOR.c.actor == actor, ACTOR.c.active == 1, ACTOR_ROLE.c.active == 1)
        )
    }
    asked = sorted(connection.execute(sa.select(PERMISSION.c.role).where(PERMISSION.c.verb == verb)).scalars())
    if not held & set(asked):
        raise ApprovalError(
            f"actor `{actor}`",
            f"holds no role that may `{verb.replace('_', '-')}`" if held else "is not an actor of this register",
            f"That takes one of: {', '.join(asked)}. A manager gives roles: `sdc registry actor ID --role ROLE`.",
        )


def move(
    store: Store,
    request_id: str,
    verb: str,
    *,
    actor: str,
    at: datetime,
    under: str | None = None,
    change: Callable[[sa.Connection, dict[str, Any]], tuple[Mapping[str, Any], Rows]] = lambda _c, _r: ({}, ()),
) -> dict[str, Any]:
    """Take a request one step further.

    Parameters
    ----------
    verb : str
        Says which ways there are, from which state to which.
    under : str or None
        The verb that is permitted and told, where it is another one: an import.
    change : callable of the connection and the request as it stood
        Gives the columns of the request that change, and the rows of other tables.

    Returns
    -------
    dict, the request as it stands now

    Raises
    ------
    ApprovalError : when the actor may not, the state does not allow it, or a rule of the database refuses.
    """
    with store.writing() as connection:
        row = request_row(connection, request_id)
        require_permission(connection, actor, under or verb)
        before = row["state"]
        ways = [to for start, to in MOVES[verb] if start == before]
        if not ways:
            raise ApprovalError(request_id, f"is `{before}`: there is no `{verb.replace('_', '-')}` now", can(before))
        columns, rows = change(connection, row)
        wanted = columns.get("state") or (before if before in ways else ways[0])
        if wanted not in ways:
            raise ApprovalError(request_id, f"is `{before}`: there is no `{verb.replace('_', '-')}` now", can(before))
        now = {**row, **columns, "state": wanted}
        facts = [(table, {"request_id": request_id, **fact}) for table, fact in rows]
        ordered = [*facts, ("request", now)] if now != row else facts
        append(
            connection,
            verb=under or verb,
            actor=actor,
            at=at,
            request_id=request_id,
            before=before,
            after=wanted,
            rows=ordered,
        )
    return now


def can(state: str) -> str:
    """What can be done with a request in a state, as a hint."""
    possible = [verb for verb, pairs in MOVES.items() if any(start == state for start, _ in pairs)]
    verbs = [verb.replace("_", "-") for verb in possible if verb not in HOW.values()]
    verbs += [f"end ({', '.join(how)})"] if (how := [end for end, verb in HOW.items() if verb in possible]) else []
    if not verbs:
        return "This is an end. Receive a new request."
    following = f"Next: {ROAD[state]}. " if state in ROAD else ""
    return f"{following}What can be done: {', '.join(verbs)}."


def day(value: date | str | None, where: str) -> str | None:
    """A day as the register writes it.

    Raises
    ------
    RequestError : when it is none.
    """
    try:
        return date.fromisoformat(str(value)).isoformat() if value is not None else None
    except ValueError:
        raise RequestError(where, "is no date", "Write it as 2027-06-30.") from None


def told(actor: str, at: datetime) -> dict[str, str]:
    """Who and when, as the end of a row."""
    return {"actor": actor, "at": stamp(at)}
