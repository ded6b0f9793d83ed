"""Counts that were hidden, which of them and why, and what intruders can solve: for the reviewer only."""

from collections.abc import Mapping
from typing import Any, NamedTuple

from markupsafe import Markup

from sdc.dictionary import Dictionary
from sdc.report.pictures import stacked
from sdc.report.words import count_in_words, counted, label_of, share_in_words

_DRAWN = 12  # columns in the picture; the table has all
_INTRUDERS = {
    "nothing-known": ("Knows nothing else", "The file, and the sums over areas that are published."),
    "at-least-one": ("Knows that nobody hides a zero", "The same, and that a hidden count is 1 at least."),
    "last-round": ("Has the other rounds", "The same, and every count that is the same in another round."),
    "knows-primary": ("Knows which counts were small", "The same, and which counts were hidden for being small."),
    "singleton": ("Stands alone in a count", "The same, and a count of one that is their own."),
}
_RULES = {
    "minimum_count": "too few persons",
    "minimum_households": "too few households",
    "minimum_sensitive_count": "too few persons of a sensitive kind",
    "zeros": "a zero that tells",
    "minimum_contributors": "too few places behind a sum",
    "dominance": "a sum that a few places dominate",
    "p_percent": "a sum from which one place can estimate another",
    "group_disclosure": "everybody in one sensitive category",
    "sensitive_sites": "a place that is shown to nobody",
}
_LEVELS = {"row": "Each row", "admin2": "Admin 2", "admin1": "Admin 1", "admin0": "Country"}


class Solver(NamedTuple):
    """One intruder: who, what they have, what they can solve, and how near they come otherwise."""

    state: str
    who: str
    knows: str
    solved: str
    narrowest: str


class Hidden(NamedTuple):
    """Counts of one column: how many, how many of them are hidden and why, and the share of its people."""

    label: str
    name: str
    cells: str
    primary: str
    secondary: str
    persons: str


class Level(NamedTuple):
    """What is left at one level of places."""

    level: str
    cells: str
    complete: str
    persons: str
    mean: str
    most: str


def counts_section(verdict: Mapping, dictionary: Dictionary) -> dict[str, Any] | None:
    """The figures of hidden counts, in words; None where the verdict has none.

    Parameters
    ----------
    verdict : mapping
        As in verdict.json.
    dictionary : Dictionary

    Returns
    -------
    dict or None
        What the template of the page shows. Primary and secondary counts are told apart here and nowhere else.
    """
    cells = verdict.get("cells")
    if not cells:
        return None
    states = {check["name"]: check for check in verdict["checks"]}
    touched = [row for row in cells["columns"] if row["primary"] + row["secondary"]]
    touched.sort(key=lambda row: (-(row["primary"] + row["secondary"]) / max(row["cells"], 1), row["name"]))
    losses = (verdict["loss"].get("counts") or {}).get("levels", [])
    return {
        "cells": count_in_words(cells["published"] + cells["suppressed"]),
        "suppressed": counted(cells["suppressed"], "count"),
        "share": share_in_words(cells["suppressed"] / max(cells["published"] + cells["suppressed"], 1)),
        "primary": count_in_words(cells["primary"]),
        "secondary": count_in_words(cells["secondary"]),
        "persons": share_in_words(cells["persons_suppressed_share"]),
        "any": bool(cells["suppressed"]),
        "guarded": counted(cells["guarded"], "count"),
        "given_away": cells["given_away_by_sums"],
        "rules": [
            (_RULES.get(name, name.replace("_", " ")), count_in_words(n)) for name, n in cells["by_rule"].items()
        ],
        "solvers": [_solver(name, cells, states) for name in _INTRUDERS if name in cells["recoverable"]],
        "columns": [_column(row, dictionary) for row in touched],
        "untouched": len(cells["columns"]) - len(touched),
        "picture": _picture(touched, dictionary),
        "sums": [
            (_LEVELS.get(row["level"], row["level"]), count_in_words(row["cells"]), count_in_words(row["withheld"]))
            for row in cells["sums"]
        ],
        "levels": [_level(row) for row in losses],
    }


def _solver(name: str, cells: Mapping, checks: Mapping[str, Mapping]) -> Solver:
    solved, narrowest = cells["recoverable"][name], cells["narrowest_interval"].get(name)
    who, knows = _INTRUDERS[name]
    check = checks.get(f"recoverable:{name}", {"passed": not solved, "breach": "stop"})
    state = "holds" if check["passed"] is True else {"warn": "warns", "report": "told"}.get(check["breach"], "fails")
    near = "–" if narrowest is None or solved else f"one of {narrowest + 1:,.0f} values"
    return Solver(state, who, knows, count_in_words(solved), near)


def _column(row: Mapping, dictionary: Dictionary) -> Hidden:
    return Hidden(
        label_of(row["name"], dictionary),
        str(row["name"]),
        count_in_words(row["cells"]),
        count_in_words(row["primary"]),
        count_in_words(row["secondary"]),
        share_in_words(row["persons_share"]),
    )


def _level(row: Mapping) -> Level:
    return Level(
        _LEVELS.get(row["level"], str(row["level"])),
        count_in_words(row["cells"]),
        share_in_words(row["complete"]),
        share_in_words(row["persons_left"]),
        share_in_words(row["error_mean"]),
        share_in_words(row["error_most"]),
    )


def _picture(rows: list[Mapping], dictionary: Dictionary) -> Markup | None:
    """Shares of each column's counts that went, for a rule and for the others' sake."""
    if not rows:
        return None
    bars = [
        (label_of(row["name"], dictionary), row["primary"] / row["cells"], row["secondary"] / row["cells"])
        for row in rows[:_DRAWN]
    ]
    drawn = stacked(
        "Bar chart of the counts hidden in each column, as shares of the column's counts: first those that break a "
        "rule, then those hidden to protect them. The table holds the same figures.",
        bars,
        ("Break a rule (primary)", "Protect those (secondary)"),
    )
    return Markup(drawn)  # noqa: S704 - our own drawing, escaped where it is made
