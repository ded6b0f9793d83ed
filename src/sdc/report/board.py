"""The page of the board: every request by its state, what is due, and how long things take."""

from collections.abc import Mapping
from typing import Any

from sdc.pages import render
from sdc.register.states import STATES

NAMES = {"needs_info": "Waiting for the requester", "follow_up": "Follow-up"}


def board_page(content: Mapping[str, Any]) -> str:
    """The board as one HTML file that asks for nothing else."""
    named = {state: NAMES.get(state, state.replace("_", " ").capitalize()) for state in STATES}
    return render("report/board.html", filters={"days": "{:g}".format}, **content, names=named)
