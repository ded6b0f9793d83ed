"""The board: every request by its state, what is due, and how long things take."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sdc.register.book import Register
from sdc.register.figures import WEEKEND, due, figures, reminders, ways
from sdc.register.states import DECIDING, LEVELS, STATES

_STEPS = dict.fromkeys(DECIDING, "decide") | dict.fromkeys(("approved", "preparing", "review"), "share")
_SHOWN = ("id", "title", "organisation", "state", "urgency", "importance", "owner")


def board_content(register: Register, now: datetime, weekend: Sequence[int] = WEEKEND) -> dict[str, Any]:
    """What the board shows.

    Returns
    -------
    dict with columns (state, requests), figures, reminders, at
    """
    road = ways(register)
    rows = []
    for row in register.requests():
        step = _STEPS.get(row["state"])
        on = due(road[row["id"]], row["urgency"], step, now, weekend) if step else None
        rows.append(
            {
                **{name: row[name] for name in _SHOWN},
                "due": on.isoformat() if on else None,
                "overdue": bool(on and on < now.date() and row["state"] != "needs_info"),
                "since": road[row["id"]][-1].since.date().isoformat(),
            }
        )
    rows.sort(key=lambda row: (LEVELS.index(row["urgency"]), LEVELS.index(row["importance"]), row["id"]))
    return {
        "at": f"{now:%Y-%m-%d %H:%M} UTC",
        "columns": [{"state": state, "requests": [row for row in rows if row["state"] == state]} for state in STATES],
        "figures": figures(register, now, weekend),
        "reminders": reminders(register, now, weekend=weekend),
    }
