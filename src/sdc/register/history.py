"""The events of the register: appended under a chain of hashes, and held against the tables they tell of."""

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, NamedTuple

import sqlalchemy as sa

from sdc.errors import Fault, IntegrityError
from sdc.register.tables import EVENT, KEPT

START = "0" * 64
_TABLES = {table.name: table for table in KEPT}
Rows = Sequence[tuple[str, Mapping[str, Any]]]
_DO = "Restore the last good backup: `sdc registry restore FILE`."


class Head(NamedTuple):
    """Where a chain ends: how many events it has and the hash of the last one. Kept elsewhere, it is an anchor."""

    events: int
    hash: str


def canonical(content: object) -> str:
    """The one text of some JSON content: entries sorted, no blanks, UTF-8."""
    return json.dumps(content, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)


def stamp(at: datetime) -> str:
    """A moment as the register writes it: UTC, to the second."""
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def moment(text: str) -> datetime:
    """The moment that a stamp tells."""
    return datetime.strptime(text, "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=UTC)


def hash_of(event: Mapping) -> str:
    """SHA-256 of an event's canonical JSON, in which the hash of the event before it stands."""
    return hashlib.sha256(canonical({name: event[name] for name in event if name != "hash"}).encode()).hexdigest()


def append(
    connection: sa.Connection,
    *,
    verb: str,
    actor: str,
    at: datetime,
    rows: Rows,
    request_id: str | None = None,
    before: str | None = None,
    after: str | None = None,
) -> Head:
    """Add one event and the rows that it tells, within the caller's transaction.

    Parameters
    ----------
    rows : sequence of (table, whole row)
        A row whose key is there already takes the place of the old one, where the database lets it.

    Guarantees
    ----------
    * The tables equal what all events tell, row by row.
    """
    last = head(connection)
    event = {
        "seq": last.events + 1,
        "at": stamp(at),
        "actor": actor,
        "verb": verb,
        "request_id": request_id,
        "state_before": before,
        "state_after": after,
        "content": canonical([[table, dict(row)] for table, row in rows]),
        "previous_hash": last.hash,
    }
    event["hash"] = hash_of(event)
    connection.execute(EVENT.insert(), event)
    for name, row in rows:
        put(connection, name, row)
    return Head(last.events + 1, str(event["hash"]))


def put(connection: sa.Connection, name: str, row: Mapping[str, Any]) -> None:
    """One row into its table: added, or in the place of the one with its key."""
    table = _TABLES[name]
    own = sa.and_(*(column == row[column.name] for column in table.primary_key))
    there = connection.execute(sa.select(sa.literal(1)).where(sa.exists().where(own))).first()
    connection.execute(table.update().where(own).values(**row) if there else table.insert().values(**row))


def head(connection: sa.Connection) -> Head:
    """The end of the chain as it stands."""
    found = connection.execute(sa.select(EVENT.c.seq, EVENT.c.hash).order_by(EVENT.c.seq.desc()).limit(1)).first()
    return Head(found.seq, found.hash) if found else Head(0, START)


def check(connection: sa.Connection, anchors: Iterable[Head] = ()) -> list[Fault]:
    """What is wrong with a register: its chain, what was taken off its end, tables that differ from its events.

    Parameters
    ----------
    anchors : iterable of Head
        Heads that were kept elsewhere; without one, events taken off the end are not found.

    Guarantees
    ----------
    * An event that was edited, removed, added or moved is found, wherever the chain was not made anew after it.
    * A chain that was cut, or made anew, before an anchor is found.
    * A row of a table that no event tells, or tells otherwise, is found.
    """
    faults: list[Fault] = []
    kept = {anchor.events: anchor.hash for anchor in anchors}
    told: dict[str, dict[tuple, dict]] = {name: {} for name in _TABLES}
    count, previous = 0, START
    for event in connection.execute(sa.select(EVENT).order_by(EVENT.c.seq)).mappings():
        count += 1
        where = f"event {event['seq']}"
        if event["seq"] != count:
            faults.append(Fault(where, f"stands where event {count} belongs: events were removed, added or moved", _DO))
            return faults
        if event["previous_hash"] != previous:
            faults.append(Fault(where, "does not follow the event before it", _DO))
        if event["hash"] != hash_of(dict(event)):
            faults.append(Fault(where, "was changed", _DO))
        if kept.get(count, event["hash"]) != event["hash"]:
            faults.append(Fault(where, "is not the one that was anchored: the chain was made anew", _DO))
        if faults:
            return faults
        previous = event["hash"]
        for name, row in json.loads(event["content"]):
            told[name][tuple(row[column.name] for column in _TABLES[name].primary_key)] = row
    if kept and max(kept) > count:
        faults.append(Fault("the events", f"end at {count}, and {max(kept)} were anchored: the end was cut off", _DO))
    return faults + [fault for name in _TABLES for fault in _differs(connection, name, told[name])]


def _differs(connection: sa.Connection, name: str, told: Mapping[tuple, Mapping]) -> list[Fault]:
    """Rows of a table that are not what the events tell."""
    table = _TABLES[name]
    there = {  # with the columns that the database has: an older register is held against its events too
        tuple(row[column.name] for column in table.primary_key): dict(row)
        for row in connection.execute(sa.select(sa.text("*")).select_from(table)).mappings()
    }
    counts = {
        "rows that no event tells": len(there.keys() - told.keys()),
        "rows fewer than the events tell": len(told.keys() - there.keys()),
        "rows that differ from what the events tell": sum(
            {name: told[key].get(name) for name in there[key]} != there[key] for key in there.keys() & told.keys()
        ),
    }
    return [Fault(f"table `{name}`", f"{number} {what}", _DO) for what, number in counts.items() if number]


def require_whole(connection: sa.Connection, where: str, anchors: Iterable[Head] = ()) -> Head:
    """Refuse a register whose events or tables were changed by other means than its verbs.

    Raises
    ------
    IntegrityError : with all faults that were found.
    """
    faults = check(connection, anchors)
    if faults:
        raise IntegrityError.of([Fault(f"{where}, {fault.where}", fault.what, fault.do) for fault in faults])
    return head(connection)
