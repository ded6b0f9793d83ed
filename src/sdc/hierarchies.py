"""Hierarchies built rather than written: from numbers, dates, p-codes, code lists and rare codes to levels."""

import itertools
from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from sdc.dictionary import Level, Variable
from sdc.errors import DictionaryError

REST = "other"


def equidistant_breaks(values: np.ndarray, number: int) -> np.ndarray:
    """Ends of intervals of equal width from one below the least value to one above the greatest.

    Parameters
    ----------
    values : array of float, missing values left out
    number : int, intervals

    Returns
    -------
    array of float, (number + 1,), whole where no two of them would fall together
    """
    low, high = _range(values)
    return _whole(np.linspace(low - 1, high + 1, number + 1))


def logarithmic_breaks(values: np.ndarray, number: int) -> np.ndarray:
    """Ends of intervals of equal width on the logarithmic scale, beyond both ends by a factor of e.

    Parameters
    ----------
    values : array of float, all above 0
    number : int, intervals
    """
    low, high = _range(values)
    if low <= 0:
        raise DictionaryError("logarithmic bands", "values of 0 or less have no logarithm.", "Add a constant first.")
    return _whole(np.exp(np.linspace(np.log(low) - 1, np.log(high) + 1, number + 1)))


def equal_amount_breaks(values: np.ndarray, number: int) -> np.ndarray:
    """Ends of intervals that hold about equally many values; fewer intervals where quantiles fall together.

    Parameters
    ----------
    values : array of float
    number : int, intervals
    """
    _range(values)
    return np.unique(np.quantile(_observed(values), np.arange(number + 1) / number))


BREAKS = {"equidistant": equidistant_breaks, "equal_amount": equal_amount_breaks, "logarithmic": logarithmic_breaks}


def interval_of(values: np.ndarray, breaks: np.ndarray, *, lowest: bool = True) -> np.ndarray:
    """Number of the interval of each value, its upper end within it; -1 for missing values and those outside.

    Parameters
    ----------
    values : array of float
    breaks : array of float, rising
    lowest : bool
        Whether the lower end of the first interval is within it.
    """
    place = np.searchsorted(breaks, values, side="left") - 1
    if lowest:
        place = np.where(values == breaks[0], 0, place)
    return np.where(np.isnan(values) | (place >= len(breaks) - 1), -1, place)


def interval_labels(breaks: np.ndarray) -> tuple[str, ...]:
    """Intervals as mathematicians write them: ``[0,6], (6,12], (12,19]``."""
    ends = [f"{end:.8g}" for end in breaks]
    return tuple(f"{'(' if i else '['}{low},{high}]" for i, (low, high) in enumerate(itertools.pairwise(ends)))


def band_level(name: str, breaks: Sequence[float]) -> Level:
    """A level of a whole number from the ends of intervals: the same classes, told by their lower ends.

    Parameters
    ----------
    name : str
    breaks : sequence of float, rising
        As `interval_of` reads them. The last class is open, and what lies below the first has a class.
    """
    starts = [int(np.ceil(breaks[0])), *(int(np.floor(end)) + 1 for end in breaks[1:-1])]
    return Level(name=name, bands=tuple(sorted(set(starts))))


def nested_bands(name: str, first: int, last: int, widths: Sequence[int]) -> tuple[Level, ...]:
    """Levels of bands, each twice, three times, ... as wide as the one below: ``widths`` 5, 10, 20 from 0 to 80.

    Raises
    ------
    DictionaryError : when a width is no multiple of the one below, so that bands would overlap.
    """
    if not widths or any(wide % narrow for narrow, wide in itertools.pairwise(widths)) or min(widths) < 1:
        raise DictionaryError(f"bands of `{name}`", "a width is no multiple of the one below.", "Give 5, 10, 20.")
    return tuple(
        Level(name=f"{width}-{name}", bands=tuple(range(first, max(last, first + 1), width))) for width in widths
    )


def date_levels(*, finest: str = "month") -> tuple[Level, ...]:
    """Levels of a date: month, quarter, year, from the finest that is wanted."""
    ways = ("month", "quarter", "year")
    if finest not in ways:
        raise DictionaryError("dates", "no such level.", f"Choose one of {', '.join(ways)}.")
    found = {"month": Level(name="month", date="month"), "quarter": Level(name="quarter", date="quarter")}
    found["year"] = Level(name="year", date="year")
    return tuple(found[way] for way in ways[ways.index(finest) :])


def pcode_levels(pcodes: Sequence[str], lengths: Mapping[str, int]) -> tuple[Level, ...]:
    """Levels of an area from its p-code, whose first characters are the p-code of the larger area.

    Parameters
    ----------
    pcodes : sequence of str
        All codes of the finest area.
    lengths : mapping of level name to number of characters, from fine to coarse
        ``{"admin1": 4, "admin0": 2}`` for a p-code such as AF0101.

    Raises
    ------
    DictionaryError : when lengths do not fall, or a code is not longer than the first of them.
    """
    cuts = list(lengths.values())
    if cuts != sorted(set(cuts), reverse=True) or not cuts or cuts[-1] < 1:
        raise DictionaryError("p-codes", "the lengths do not fall.", "Give them from the finer area to the coarser.")
    short = sum(len(code) <= cuts[0] for code in pcodes)
    if short:
        raise DictionaryError(
            "p-codes", f"{short} of {len(pcodes)} codes are no longer than their larger area's.", "Mend the lengths."
        )
    levels, below = [], sorted(set(pcodes))
    for name, cut in lengths.items():
        step = {code: code[:cut] for code in below}
        levels.append(Level(name=name, map=step))
        below = sorted(set(step.values()))
    return tuple(levels)


def code_list_levels(leaves: Sequence[str], parents: Mapping[str, Mapping[str, str]]) -> tuple[Level, ...]:
    """Levels from code lists that name each code's parent, from fine to coarse.

    Parameters
    ----------
    leaves : sequence of str
    parents : mapping of level name to mapping of code to parent
        A code without a parent keeps its own name.

    Returns
    -------
    tuple of Level
    """
    levels, below = [], list(dict.fromkeys(leaves))
    for name, parent in parents.items():
        step = {code: parent.get(code, code) for code in below}
        levels.append(Level(name=name, map=step))
        below = list(dict.fromkeys(step.values()))
    return tuple(levels)


def rare_codes_level(
    name: str, values: pd.Series, codes: Sequence[str], least: int, *, weights: np.ndarray | None = None
) -> Level:
    """A level that joins the codes held by fewer than `least` records into one.

    The code `other` takes them in; where it is still too small, the next rarest join until it is not.

    Parameters
    ----------
    name : str
    values : Series of str
    codes : sequence of str
        The whole code list: the map must know codes that do not occur.
    least : int, records (persons, with weights)
    weights : array of float, (records,), optional

    Returns
    -------
    Level, with a `map`

    Guarantees
    ----------
    * Every code of the level is held by `least` records, or by none, unless all together are fewer.
    * Codes that are frequent enough keep their name, but for those that had to join.
    * The result does not depend on the order of records.
    """
    held = pd.Series(1.0 if weights is None else weights, index=range(len(values)), dtype="float64")
    sums = held.groupby(values.astype("str").to_numpy()).sum().reindex(list(codes), fill_value=0.0)
    rising = sums.iloc[np.lexsort((sums.index.to_numpy(dtype=str), sums.to_numpy()))]
    joined = [code for code in rising.index if rising[code] < least]
    for code in rising.index[len(joined) :]:
        if not joined or not 0 < float(rising[joined].sum()) < least:
            break
        joined.append(code)
    rest = REST if REST not in set(codes) - set(joined) else f"{REST} codes"
    return Level(name=name, map={code: rest if code in joined else code for code in codes})


def with_levels(variable: Variable, levels: Sequence[Level]) -> Variable:
    """A variable with another hierarchy, checked as the dictionary checks it.

    Raises
    ------
    DictionaryError : when the levels do not fit the variable or each other.
    """
    content = variable.model_dump()
    content["hierarchy"] = [level.model_dump() for level in levels]
    try:
        return Variable.model_validate(content)
    except ValueError:
        raise DictionaryError(
            f"`{variable.name}`", "these levels do not fit the column, or each other.", "Check their codes or bands."
        ) from None


def _observed(values: np.ndarray) -> np.ndarray:
    return values[~np.isnan(values)]


def _range(values: np.ndarray) -> tuple[float, float]:
    seen = _observed(values)
    if not len(seen):
        raise DictionaryError("bands", "there are no values to cut.", "Give explicit bands.")
    return float(seen.min()), float(seen.max())


def _whole(breaks: np.ndarray) -> np.ndarray:
    """Rounded to whole numbers, unless two ends would then be the same."""
    rounded = np.round(breaks)
    return rounded if len(np.unique(rounded)) == len(rounded) else breaks
