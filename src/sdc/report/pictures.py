"""Pictures of risk before and after, as SVG text that stands in the page; the only home of matplotlib."""

import html
import io
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any, NamedTuple

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Circle, Patch, Rectangle
from matplotlib.ticker import MaxNLocator
from matplotlib.transforms import IdentityTransform

from sdc.report.words import pair_in_words, share_in_words

_DOTS_AN_INCH = 72  # the unit of matplotlib's SVG: one point is one unit of the viewBox
_WIDTH = 440.0
_LONGEST = 62  # characters of a label above its bar

# Colours are drawn in the light theme and named in the page's style sheet, which has a dark theme too. The light
# colours differ in lightness, so that before and after stay apart in greyscale.
_COLOURS = {
    "#adc6e2": "before",
    "#4a6f9b": "before-edge",
    "#17457f": "after",
    "#17212f": "ink",
    "#4a586b": "muted",
    "#cbd5e1": "line",
    "#fbeee6": "zone",
    "#a33a0c": "limit",
    "#ffffff": "card",
}
_NAMES = {name: colour for colour, name in _COLOURS.items()}
_BAR: dict[str, Any] = {"clip_on": False, "linewidth": 1.0}
_BEFORE = _BAR | {"facecolor": _NAMES["before"], "edgecolor": _NAMES["before-edge"]}
_AFTER = _BAR | {"facecolor": _NAMES["after"], "edgecolor": _NAMES["after"]}

_STYLE: dict[Any, Any] = {
    "svg.fonttype": "none",  # text stays text: small, searchable, in the page's own font
    "svg.hashsalt": "dtm-sdc",
    "font.family": "sans-serif",
    "font.size": 12.0,
    "text.color": _NAMES["ink"],
    "path.simplify": False,
}


class Series(NamedTuple):
    """One line of a trade-off: what it measures, its marker (`circle`, `square`), and a place for each number."""

    label: str
    marker: str
    places: Sequence[tuple[float, float]]  # (cost, risk), shares
    limit: float | None = None


class Measure(NamedTuple):
    """One share before and after, with what the policy allows (None where it only asks to be told)."""

    label: str
    before: float | None
    after: float | None
    limit: float | None
    limit_name: str = "limit"


def histogram(
    alternative: str,
    classes: Sequence[tuple[str, int, int]],
    *,
    unsafe: tuple[int, int],
    zone: str,
) -> str:
    """Draw how many records (or cells) fall in each class of size, before and after.

    Parameters
    ----------
    alternative : str
        What the picture shows, for who does not see it.
    classes : sequence of (label, number before, number after)
        Drawn from top to bottom as shares of all before, and of all after.
    unsafe : (first, end)
        Places of the classes that the policy allows no one to be in; they stand on a tinted ground.
    zone : str
        What to write on that ground.

    Returns
    -------
    str : an `svg` element

    Guarantees
    ----------
    * The same figures give the same bytes.
    * The text refers to nothing outside itself.
    """
    all_before = sum(before for _, before, _ in classes) or 1
    all_after = sum(after for _, _, after in classes) or 1
    shares = [(label, before / all_before, after / all_after) for label, before, after in classes]
    widest = max((share for _, *pair in shares for share in pair), default=0) or 1
    row, top, bottom = 40.0, 34.0, 10.0
    height = top + row * len(shares) + bottom
    with _style():
        figure, axes = _canvas(height, left=70.0, right=62.0)
        axes.set_xlim(0, widest)
        axes.set_ylim(height, 0)
        first, end = unsafe
        if end > first:
            _ground(figure, top + row * first - 4, top + row * end - 4)
        for place, (label, before, after) in enumerate(shares):
            middle = top + row * place + row / 2 - 4
            axes.annotate(
                label, xy=(0, middle), xytext=(-10, 0), textcoords="offset points", ha="right", va="center", fontsize=12
            )
            _bar(axes, middle - 15, before, widest, _BEFORE)
            _bar(axes, middle + 1, after, widest, _AFTER)
        axes.plot([0, 0], [top - 4, height - bottom], color=_NAMES["muted"], linewidth=1, clip_on=False)
        _legend(figure, zone if end > first else None)
        return _svg(figure, alternative, height)


def risk_bars(alternative: str, measures: Sequence[Measure]) -> str:
    """Draw some shares before and after, each on its own scale, with the limit of the policy.

    Parameters
    ----------
    alternative : as for `histogram`
    measures : sequence of Measure

    Returns
    -------
    str : an `svg` element
    """
    row, top = 78.0, 34.0
    height = top + row * len(measures) + 4
    with _style():
        figure, axes = _canvas(height, left=8.0, right=62.0)
        axes.set_xlim(0, 1)
        axes.set_ylim(height, 0)
        for place, measure in enumerate(measures):
            start = top + row * place
            known = [share for share in measure[1:4] if share is not None]
            longest = max(known, default=0) or 1
            beyond = 0 if measure.limit is None else measure.limit / longest
            axes.annotate(measure.label, xy=(0, start + 12), ha="left", va="baseline", fontsize=12, fontweight="bold")
            for offset, share, look in ((20, measure.before, _BEFORE), (38, measure.after, _AFTER)):
                if share is not None:
                    _bar(axes, start + offset, share / longest, 1, look, pair_in_words(share, measure.limit)[0], beyond)
            axes.plot([0, 0], [start + 17, start + 56], color=_NAMES["muted"], linewidth=1, clip_on=False)
            if measure.limit is not None:
                axes.plot(
                    [beyond] * 2,
                    [start + 16, start + 58],
                    color=_NAMES["limit"],
                    linewidth=1.6,
                    dashes=(3, 2),
                    clip_on=False,
                )
                axes.annotate(
                    f"{measure.limit_name} {share_in_words(measure.limit)}",
                    xy=(beyond, start + 68),
                    ha="left" if beyond < 0.5 else "right",
                    va="baseline",
                    fontsize=11,
                    color=_NAMES["limit"],
                )
        _legend(figure)
        return _svg(figure, alternative, height)


def stacked(alternative: str, bars: Sequence[tuple[str, float, float]], legend: tuple[str, str]) -> str:
    """Draw two shares of each of some things, one behind the other, on a common scale.

    Parameters
    ----------
    alternative : as for `histogram`
    bars : sequence of (label, first share, second share)
        Drawn from top to bottom.
    legend : (str, str)
        What the two shares are.

    Returns
    -------
    str : an `svg` element
    """
    widest = max((first + second for _, first, second in bars), default=0) or 1
    row, top = 40.0, 34.0
    height = top + row * len(bars) + 4
    with _style():
        figure, axes = _canvas(height, left=8.0, right=62.0)
        axes.set_xlim(0, widest)
        axes.set_ylim(height, 0)
        for place, (label, first, second) in enumerate(bars):
            start = top + row * place
            short = label if len(label) <= _LONGEST else label[: _LONGEST - 1].rstrip() + "…"
            axes.annotate(short, xy=(0, start + 10), ha="left", va="baseline", fontsize=12)
            for left, length, look in ((first, second, _BEFORE), (0.0, first, _AFTER)):
                if length > 0:
                    axes.add_patch(Rectangle((left, start + 15), max(length, widest / 300), 14, **look))
            axes.annotate(
                share_in_words(first + second), xy=(max(first + second, widest / 300), start + 22.5), xytext=(5, 0),
                textcoords="offset points", va="center", ha="left", fontsize=11,
            )  # fmt: skip
        _legend(figure, looks=((legend[0], _AFTER), (legend[1], _BEFORE)))
        return _svg(figure, alternative, height)


def trade_off(
    alternative: str,
    labels: Sequence[str],
    series: Sequence[Series],
    *,
    own: int,
    hollow: Sequence[int],
    axes: tuple[str, str],
) -> str:
    """Draw what is left of risk against what it costs, one mark for each number that could be picked.

    Parameters
    ----------
    alternative : as for `histogram`
    labels : sequence of str
        What to write beside each mark of the first series.
    series : sequence of Series
        Lines over the same numbers, in the same order.
    own : int
        Place of the number that stands in the policy; its marks are ringed.
    hollow : sequence of int
        Places of numbers that would be refused; their marks are empty.
    axes : (str, str)
        What lies along the bottom, and up the side.

    Returns
    -------
    str : an `svg` element
    """
    height, left, right, top, bottom = 330.0, 58.0, 26.0, 26.0 + 20 * len(series), 50.0
    looks = ((_NAMES["after"], _NAMES["after"]), (_NAMES["before"], _NAMES["before-edge"]))
    costs = [x for line in series for x, _ in line.places]
    risks = [y for line in series for _, y in line.places]
    limits = [line.limit for line in series if line.limit is not None and line.limit <= 2.5 * max(risks)]
    low, high = min(costs), max(costs)
    margin = max(0.22 * (high - low), 0.01)
    with _style():
        figure, plane = _canvas(height, left=left, right=right)
        plane.set_position(
            (left / _WIDTH, bottom / height, (_WIDTH - left - right) / _WIDTH, (height - top - bottom) / height)
        )
        plane.axis("on")
        plane.patch.set_visible(False)
        plane.set_xlim(max(0, low - margin), min(1.02, high + margin))
        plane.set_ylim(0, 1.18 * max([*risks, *limits, 1e-4]))
        plane.spines[["top", "right"]].set_visible(False)
        plane.spines[["left", "bottom"]].set_color(_NAMES["muted"])
        plane.tick_params(colors=_NAMES["muted"], labelsize=11, length=0)
        plane.xaxis.set_major_locator(MaxNLocator(5, steps=[1, 2, 5, 10]))
        plane.yaxis.set_major_locator(MaxNLocator(5, steps=[1, 2, 5, 10]))
        for axis in (plane.xaxis, plane.yaxis):
            axis.set_major_formatter(lambda share, _: share_in_words(round(share, 9)))
        plane.grid(axis="y", color=_NAMES["line"], linewidth=0.7, clip_on=False)
        plane.set_axisbelow(True)
        plane.set_xlabel(f"{axes[0]} →", fontsize=12, color=_NAMES["muted"], labelpad=6)
        figure.text(0, 1 - 2 / height, f"↑ {axes[1]}", fontsize=12, color=_NAMES["muted"], va="top")
        for row, limit in enumerate(dict.fromkeys(limits)):
            plane.axhline(limit, color=_NAMES["limit"], linewidth=1.6, dashes=(3, 2), clip_on=False)
            plane.annotate(
                f"limit {share_in_words(limit)}", xy=(1, limit), xycoords=("axes fraction", "data"),
                xytext=(0, 4 + 12 * row),
                textcoords="offset points", ha="right", fontsize=11, color=_NAMES["limit"],
            )  # fmt: skip
        for line, look in zip(series, looks, strict=False):
            plane.plot(*zip(*line.places, strict=True), color=look[1], linewidth=1.2, clip_on=False)
            for place, at in enumerate(line.places):
                x, y = plane.transData.transform(at)
                spot = (float(x), float(y))
                if place == own:
                    _mark(figure, line.marker, spot, 8, ("none", look[1]))
                _mark(figure, line.marker, spot, 4.5, (_NAMES["card"] if place in hollow else look[0], look[1]))
        _write_beside(plane, labels, series, own, limits)
        for row, (line, look) in enumerate(zip(series, looks, strict=False)):
            y = height - 32 - 20 * row
            _mark(figure, line.marker, (8, y), 4.5, look)
            figure.text(20 / _WIDTH, y / height, line.label, fontsize=12, va="center_baseline")
        return _svg(figure, alternative, height)


def _mark(figure: Figure, marker: str, spot: tuple[float, float], size: float, look: tuple[str, str]) -> None:
    """A circle or a square, in points from the lower left: matplotlib's own markers need ids."""
    x, y = spot
    colours: dict[str, Any] = {"facecolor": look[0], "edgecolor": look[1], "linewidth": 1.5, "zorder": 4}
    shape = (
        Circle((x, y), size, **colours)
        if marker == "circle"
        else Rectangle((x - 0.9 * size, y - 0.9 * size), 1.8 * size, 1.8 * size, **colours)
    )
    shape.set_transform(IdentityTransform())
    figure.add_artist(shape)


def _write_beside(
    plane: Axes, labels: Sequence[str], series: Sequence[Series], own: int, limits: Sequence[float]
) -> None:
    """Labels above the marks of each series, below where a limit lies; marks that coincide share one label."""
    wide, high = plane.get_xlim()[1] - plane.get_xlim()[0], plane.get_ylim()[1]
    for line in series:
        groups: list[list[int]] = []
        for place, (x, y) in enumerate(line.places):
            near = next(
                (
                    g for g in groups
                    if abs(line.places[g[0]][0] - x) < 0.09 * wide and abs(line.places[g[0]][1] - y) < 0.09 * high
                ),
                None,
            )  # fmt: skip
            if near is None:
                groups.append([place])
            else:
                near.append(place)
        for group in groups:
            spots = [line.places[place] for place in group]
            x, (low, *_, top) = sum(x for x, _ in spots) / len(spots), sorted([y for _, y in spots] * 2)
            below = any(0 <= limit - top < 0.12 * high for limit in limits)
            plane.annotate(
                ", ".join(labels[place] for place in group), xy=(x, low if below else top),
                xytext=(0, -12 if below else 12),
                textcoords="offset points", ha="center", va="top" if below else "bottom", fontsize=12,
                fontweight="bold" if own in group else "normal",
            )  # fmt: skip


@contextmanager
def _style() -> Iterator[None]:
    """Matplotlib's own defaults and ours, whatever a machine's matplotlibrc says."""
    with mpl.rc_context():
        mpl.rcdefaults()
        mpl.rcParams.update(_STYLE)
        yield


def _canvas(height: float, left: float, right: float) -> tuple[Figure, Axes]:
    """Axes without a frame, one unit of y a point."""
    figure = Figure(figsize=(_WIDTH / _DOTS_AN_INCH, height / _DOTS_AN_INCH), dpi=_DOTS_AN_INCH)
    figure.patch.set_visible(False)
    axes = figure.add_axes((left / _WIDTH, 0, (_WIDTH - left - right) / _WIDTH, 1))
    axes.axis("off")
    return figure, axes


def _ground(figure: Figure, top: float, bottom: float) -> None:
    """A tinted ground over the picture's whole width."""
    height = figure.get_figheight() * _DOTS_AN_INCH
    figure.add_artist(
        Rectangle((0, 1 - bottom / height), 1, (bottom - top) / height, facecolor=_NAMES["zone"], linewidth=0, zorder=0)
    )


def _bar(
    axes: Axes, top: float, length: float, widest: float, look: dict, text: str | None = None, limit: float = 0
) -> None:
    """One bar with its figure behind it, clear of a limit's line; nothing has no bar."""
    if length > 0:
        axes.add_patch(Rectangle((0, top), max(length, widest / 300), 14, **look))
    axes.annotate(
        text or share_in_words(length),
        xy=(limit if length <= limit < length + 0.16 else length, top + 7.5),
        xytext=(5, 0),
        textcoords="offset points",
        va="center",
        ha="left",
        fontsize=11,
    )


def _legend(
    figure: Figure,
    zone: str | None = None,
    looks: Sequence[tuple[str, dict]] = (("Before", _BEFORE), ("After", _AFTER)),
) -> None:
    handles = [Patch(label=label, **look) for label, look in looks]
    if zone:
        handles.append(Patch(label=zone, facecolor=_NAMES["zone"], edgecolor=_NAMES["limit"], linewidth=0.8))
    figure.legend(
        handles=handles,
        loc="upper left",
        bbox_to_anchor=(0, 1),
        ncols=len(handles),
        frameon=False,
        fontsize=12,
        handlelength=1.2,
        handleheight=0.9,
        handletextpad=0.5,
        borderaxespad=0,
        borderpad=0.2,
        columnspacing=1.4,
    )


def _svg(figure: Figure, alternative: str, height: float) -> str:
    """The drawing as one element: no prolog, no metadata, no ids, colours by the page's names for them."""
    text = io.StringIO()
    figure.savefig(text, format="svg", metadata={"Date": None, "Creator": None, "Format": None, "Type": None})
    body = text.getvalue()
    body = body[body.index(">", body.index("<svg")) + 1 : body.rindex("</svg>")]
    body = re.sub(r"<(metadata|style)\b.*?</\1>|<!--.*?-->", "", body, flags=re.DOTALL)
    body = re.sub(r"<defs>\s*</defs>", "", body)
    body = re.sub(r' id="[^"]*"', "", body)
    body = re.sub(r"font-family: [^;\"]*(; )?", "", body)
    for colour, word in _COLOURS.items():
        body = body.replace(colour, f"var(--{word}, {colour})")
    body = re.sub(r"\s*\n\s*", "\n", body).strip()
    return (
        f'<svg viewBox="0 0 {_WIDTH:g} {height:g}" role="img" aria-label="{html.escape(alternative)}" '
        f'stroke-linejoin="round" stroke-linecap="butt">\n{body}\n</svg>'
    )
