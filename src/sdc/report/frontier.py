"""The page from which an officer picks a number of a policy: risk left, and what it costs."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from markupsafe import Markup
from rich.table import Table as Grid

from sdc.errors import IntegrityError
from sdc.pages import render
from sdc.plan import Brief
from sdc.report.pictures import Series, trade_off
from sdc.report.words import FILTERS, count_in_words, counted, listed, share_in_words

_NOBODY = "–"
_SHORT = {  # heads that fit a terminal
    "Average risk": "Mean risk",
    "Expected found": "Found",
    "Highest risk": "Top risk",
    "Through the household": "Household risk",
    "Values hidden": "Hidden",
    "Information lost": "Lost",
}


class Line(NamedTuple):
    """One number of the table: its state, and its figures by column."""

    number: str
    own: bool
    state: str
    words: str
    why: str
    cells: list[str]


class Fate(NamedTuple):
    """What becomes of a key at one number: in words, and how much of it is lost."""

    words: str
    hidden: str
    shade: int


def frontier_page(found: Mapping, brief: Brief) -> str:
    """Write the page that an officer picks a number from.

    Parameters
    ----------
    found : dict, as `sdc.frontier.frontier` gives it
    brief : Brief
        Of the same request; labels are taken from its dictionary, limits from its policy.

    Returns
    -------
    str : HTML, one self-contained document without scripts

    Raises
    ------
    IntegrityError : when the frontier is of another request.

    Guarantees
    ----------
    * The same frontier gives the same bytes.
    * Nothing outside the page is referred to.
    """
    if (found["request"], found["policy"]) != (brief.request.id, brief.policy.policy):
        raise IntegrityError(brief.request.id, "its frontier is of another request", "Run `sdc frontier` again.")
    points = [point for point in found["points"] if not point["refused"]]
    return render(
        "report/frontier.html",
        filters=FILTERS,
        found=found,
        request=brief.request,
        policy=brief.policy,
        dictionary_title=brief.dictionary.title.get("en", brief.dictionary.component),
        records=_of_records(found),
        sign=_sign(found),
        heads=_heads(found),
        lines=[_line(point, found) for point in found["points"]],
        numbers=[(point["number"], point["number"] == found["policy_number"]) for point in points],
        keys=_keys(points),
        picture=_picture(found, points, brief),
        advice=_advice(found, points),
    )


def frontier_grids(found: Mapping) -> list[Any]:
    """The frontier for the terminal: the figures of each number, why some fail, the level of each key that changes."""
    title = f"{found['request']}, policy {found['policy']}"
    figures = Grid(title=title, caption=f"* stands in the policy. As collected: {_as_collected(found)}.")
    for head in (_sign(found), *(_SHORT.get(head, head) for head in _heads(found))):
        figures.add_column(head, justify="right")
    figures.add_column("Verdict", no_wrap=True)
    why = []
    for point in found["points"]:
        line = _line(point, found)
        figures.add_row(_marked(point, found), *(line.cells or [_NOBODY] * len(_heads(found))), line.words)
        why += [f"{_sign(found)} = {line.number}: {line.words.lower()}. {line.why}"] if line.why else []
    points = [point for point in found["points"] if not point["refused"]]
    levels = Grid(
        "Key", *(_marked(point, found) for point in points), title="Level of each key that is not as collected"
    )
    for label, _, fates in _keys(points):
        if any(fate.shade for fate in fates):
            levels.add_row(label, *(fate.words if fate.shade else _NOBODY for fate in fates))
    return [figures, *why, levels] if levels.row_count else [figures, *why]


def _marked(point: Mapping, found: Mapping) -> str:
    return f"{point['number']}{'*' if point['number'] == found['policy_number'] else ''}"


def _of_records(found: Mapping) -> bool:
    return bool(found["rule"] == "k")


def _sign(found: Mapping) -> str:
    return "k" if _of_records(found) else "Minimum count"


def _heads(found: Mapping) -> list[str]:
    if not _of_records(found):
        return ["Counts shown", "Counts of 1–19 shown", "Values hidden", "Information lost"]
    household = found["before"].get("global_household_risk") is not None
    through = ["Through the household"] if household else []
    return ["Average risk", "Expected found", "Highest risk", *through, "Values hidden", "Information lost"]


def _line(point: Mapping, found: Mapping) -> Line:
    """One number: `refused` by the planner, `broken` by the judge, `beaten` by another number, or `holds`."""
    number, own = str(point["number"]), point["number"] == found["policy_number"]
    if point["refused"]:
        return Line(number, own, "fails", "No plan", str(point["refused"]), [])
    if point["broken"]:
        broken = listed([name.replace("_", " ").replace(":", ": ") for name in point["broken"]])
        state, words, why = "fails", "Would be refused", f"Another promise does not hold: {broken}."
    elif point["beaten_by"]:
        state, words = "warns", f"{point['beaten_by']} is better"
        why = "It protects at least as well, and costs no more."
    else:
        state, words, why = "holds", "Could be picked", ""
    return Line(number, own, state, words, why, _cells(point, found))


def _cells(point: Mapping, found: Mapping) -> list[str]:
    risk = point["risk"]
    loss = [share_in_words(point["share_suppressed"]), share_in_words(point["information_loss"])]
    if not _of_records(found):
        return [count_in_words(risk["cells"]), count_in_words(risk["small_counts"]), *loss]
    if "global_risk" not in risk:  # no key is left
        return [_NOBODY] * (len(_heads(found)) - 2) + loss
    cells = [
        share_in_words(risk["global_risk"]),
        _persons(risk["expected_reidentifications"]),
        share_in_words(risk["max_individual_risk"]),
    ]
    if found["before"].get("global_household_risk") is not None:
        household = risk.get("global_household_risk")
        cells.append(_NOBODY if household is None else share_in_words(household))
    return cells + loss


def _persons(number: float) -> str:
    return f"{number:,.0f}" if number >= 100 else f"{number:,.1f}"


def _as_collected(found: Mapping) -> str:
    before = found["before"]
    if not _of_records(found):
        return f"{count_in_words(before['cells'])} counts, {count_in_words(before['small_counts'])} of them 1–19"
    if "global_risk" not in before:
        return "no keys"
    lost = f"{_persons(before['expected_reidentifications'])} of {counted(found['records'], 'record')}"
    return f"average risk {share_in_words(before['global_risk'])}, {lost} expected to be found"


def _keys(points: Sequence[Mapping]) -> list[tuple[str, str, list[Fate]]]:
    """Each key with its fate at every number that has a plan."""
    if not points:
        return []
    rows = []
    for place, key in enumerate(points[0]["keys"]):
        rows.append((key["label"], key["name"], [_fate(point["keys"][place]) for point in points]))
    return rows


def _fate(key: Mapping) -> Fate:
    if key["status"] == "dropped":
        return Fate("dropped", "", 4)
    words = str(key["level_name"]) if key["level"] else "as collected"
    hidden = f"{share_in_words(key['share_suppressed'])} hidden" if key["share_suppressed"] else ""
    return Fate(words, hidden, 0 if not key["level"] else min(3, 1 + int(3 * key["level"] / (key["levels"] + 1))))


def _picture(found: Mapping, points: Sequence[Mapping], brief: Brief) -> Markup | None:
    """Risk against loss; None where fewer than two numbers have a plan."""
    policy = brief.policy
    measures: tuple[tuple[str, str, str, float | None], ...] = (
        ("global_risk", "Average risk of a record", "circle", policy.max_global_risk.value),
        ("global_household_risk", "Risk through the household", "square", policy.max_household_risk.value),
    )
    if not _of_records(found):
        measures = (("share_small", "Counts of 1–19, as a share of the counts shown", "circle", None),)
    series = []
    for name, label, marker, limit in measures:
        places = [(point["information_loss"], _share(point["risk"], name)) for point in points]
        if all(risk is not None for _, risk in places):
            series.append(Series(label, marker, [(x, y) for x, y in places if y is not None], limit))
    if len(points) < 2 or not series:
        return None
    numbers = [point["number"] for point in points]
    own = numbers.index(found["policy_number"]) if found["policy_number"] in numbers else -1
    return Markup(  # noqa: S704 - our own drawing, its texts escaped
        trade_off(
            f"Risk left against information lost, for {_sign(found)} = {', '.join(map(str, numbers))}. "
            "The figures are in the table.",
            [str(number) for number in numbers],
            series,
            own=own,
            hollow=[place for place, point in enumerate(points) if point["broken"] or point["beaten_by"]],
            axes=("information lost", "chance of being found" if _of_records(found) else "small counts"),
        )
    )


def _share(risk: Mapping, name: str) -> float | None:
    if name == "share_small":
        return risk["small_counts"] / risk["cells"] if risk.get("cells") else 0.0
    return risk.get(name)


def _advice(found: Mapping, points: Sequence[Mapping]) -> dict[str, Any]:
    """Which numbers are worth weighing, and how things stand as collected."""
    worth = [str(point["number"]) for point in points if not point["broken"] and not point["beaten_by"]]
    return {"worth": listed(worth), "collected": _as_collected(found)}
