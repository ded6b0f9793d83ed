"""How long requests take, gross and net of waiting for the requester; what is due, overdue, expiring."""

import statistics
from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime, timedelta
from typing import Any, NamedTuple

from sdc.register.book import Register
from sdc.register.entry import rows_of
from sdc.register.history import moment
from sdc.register.states import DUE, GRANTED, OPEN

WEEKEND = (5, 6)
"""Saturday and Sunday, as `date.weekday` counts them."""
FOLLOW_UP_DAYS = 30
DAY = 86400.0


class Span(NamedTuple):
    """A request in one state."""

    state: str
    since: datetime
    until: datetime | None


def spans(events: Iterable[Mapping[str, Any]]) -> list[Span]:
    """The states of one request in their order, from its events."""
    found: list[Span] = []
    for event in events:
        if event["state_after"] is None or (found and found[-1].state == event["state_after"]):
            continue
        at = moment(event["at"])
        if found:
            found[-1] = found[-1]._replace(until=at)
        found.append(Span(event["state_after"], at, None))
    return found


def paused(way: Sequence[Span], since: datetime, until: datetime) -> float:
    """Seconds between two moments in which the clock stood, since the requester had to answer."""
    total = 0.0
    for span in way:
        if span.state == "needs_info":
            start, stop = max(span.since, since), min(span.until or until, until)
            total += max((stop - start).total_seconds(), 0.0)
    return total


def working_days_after(start: date, days: int, weekend: Sequence[int] = WEEKEND) -> date:
    """The day that many working days after another."""
    found = start
    while days > 0:
        found += timedelta(days=1)
        days -= found.weekday() not in weekend
    return found


def working_days_between(start: date, stop: date, weekend: Sequence[int] = WEEKEND) -> int:
    """Working days after one day, up to and with another."""
    whole = (stop - start).days
    return sum((start + timedelta(days=n)).weekday() not in weekend for n in range(1, whole + 1))


def due(way: Sequence[Span], urgency: str, step: str, now: datetime, weekend: Sequence[int] = WEEKEND) -> date:
    """The day by which a step is due: working days by urgency after receipt, and those in which the clock stood."""
    waits = [span for span in way if span.state == "needs_info"]
    stood = sum(working_days_between(s.since.date(), (s.until or now).date(), weekend) for s in waits)
    return working_days_after(way[0].since.date(), DUE[urgency][step] + stood, weekend)


def _first(way: Sequence[Span], *states: str) -> datetime | None:
    return next((span.since for span in way if span.state in states), None)


def durations(way: Sequence[Span]) -> dict[str, dict[str, float | None]]:
    """Days to acknowledge, decide, prepare and share one request, gross and net; None where it did not come to it."""
    got = way[0].since
    decided = _first(way, "approved", "rejected", "referred")
    steps = {
        "acknowledge": (got, way[1].since if len(way) > 1 else None),
        "decide": (got, decided),
        "prepare": (_first(way, "approved"), _first(way, "review")),
        "share": (got, _first(way, "shared")),
    }
    found: dict[str, dict[str, float | None]] = {}
    for step, (since, until) in steps.items():
        if since is None or until is None or until < since:
            found[step] = {"gross": None, "net": None}
            continue
        gross = (until - since).total_seconds()
        found[step] = {
            "gross": round(gross / DAY, 2),
            "net": round((gross - paused(way, since, until)) / DAY, 2),
        }
    return found


def ways(register: Register) -> dict[str, list[Span]]:
    """The states of every request in their order."""
    with register.reading() as connection:
        events = rows_of(connection, "event")
    found: dict[str, list] = {}
    for event in events:
        if event["request_id"] is not None:
            found.setdefault(event["request_id"], []).append(event)
    return {request: spans(own) for request, own in found.items()}


def figures(register: Register, now: datetime, weekend: Sequence[int] = WEEKEND) -> dict[str, Any]:
    """Times to acknowledge, decide, prepare and share, in days: median and longest; open by state; overdue."""
    each = {request: durations(way) for request, way in ways(register).items()}
    times = {}
    for step in ("acknowledge", "decide", "prepare", "share"):
        times[step] = {
            kind: _summary([took for own in each.values() if (took := own[step][kind]) is not None])
            for kind in ("gross", "net")
        }
    requests = register.requests()
    open_by_state = {state: sum(row["state"] == state for row in requests) for state in OPEN}
    overdue = [row for row in reminders(register, now, weekend=weekend) if row["overdue"]]
    return {
        "requests": len(requests),
        "open": sum(open_by_state.values()),
        "open_by_state": open_by_state,
        "days": times,
        "overdue": len(overdue),
        "by_request": each,
    }


def _summary(values: Sequence[float]) -> dict[str, float | int | None]:
    if not values:
        return {"requests": 0, "median": None, "longest": None}
    return {"requests": len(values), "median": round(statistics.median(values), 2), "longest": max(values)}


def reminders(
    register: Register, now: datetime, *, within_days: int = 14, weekend: Sequence[int] = WEEKEND
) -> list[dict[str, Any]]:
    """What is due within some days, or overdue: steps by urgency, agreements, expiries, deletions, follow-ups.

    Returns
    -------
    list of dict with request, what, due_on, overdue, owner; the soonest first
    """
    today, found = now.date(), []
    road = ways(register)
    with register.reading() as connection:
        grants = {row["request_id"]: row for row in rows_of(connection, "granted")}
        obligations = [row for row in rows_of(connection, "obligation") if row["done_on"] is None]
        rows = {row["id"]: row for row in rows_of(connection, "request")}
    for request, row in rows.items():
        way, state = road[request], row["state"]
        if state == "received":
            found.append((request, "acknowledge", due(way, row["urgency"], "acknowledge", now, weekend)))
        if state in ("received", "appraisal", "consultation"):
            found.append((request, "decide", due(way, row["urgency"], "decide", now, weekend)))
        if state == "needs_info":
            found.append((request, "ask the requester again", working_days_after(way[-1].since.date(), 10, weekend)))
        if state in ("approved", "preparing", "review"):
            found.append((request, "share", due(way, row["urgency"], "share", now, weekend)))
            if row["needed_on"]:
                found.append((request, "needed by the requester", date.fromisoformat(row["needed_on"])))
        if state == "shared":
            asked = row["completion_on"]
            shared = _first(way, "shared") or now
            then = date.fromisoformat(asked) if asked else shared.date() + timedelta(days=FOLLOW_UP_DAYS)
            found.append((request, "follow up", then))
        if state in GRANTED and request in grants:
            found.append((request, "the grant expires", date.fromisoformat(grants[request]["expires"])))
            if grants[request]["agreement_until"]:
                found.append((request, "the agreement ends", date.fromisoformat(grants[request]["agreement_until"])))
    found += [
        (row["request_id"], row["kind"].replace("_", " "), date.fromisoformat(row["due_on"])) for row in obligations
    ]
    soon = [each for each in found if each[2] <= today + timedelta(days=within_days)]
    return [
        {
            "request": request,
            "what": what,
            "due_on": on.isoformat(),
            "overdue": on < today,
            "owner": rows[request]["owner"],
        }
        for request, what, on in sorted(soon, key=lambda each: (each[2], each[0], each[1]))
    ]
