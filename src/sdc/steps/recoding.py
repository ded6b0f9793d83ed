"""Global recoding: one column, in every record, to a coarser level of its hierarchy."""

import numpy as np
import pandas as pd

from sdc.dictionary import Level, Type, Variable, band_labels
from sdc.table import Table


def recode(table: Table, variable: str, level: int) -> Table:
    """Replace the values of one column by those of a higher level of its hierarchy.

    Parameters
    ----------
    table : Table
    variable : str
    level : int
        1 is the first level of the hierarchy. It must lie above the level that the column is at.

    Returns
    -------
    Table
        Columns that follow `variable` are gone: they would give the finer value back. Columns that it follows stay.

    Guarantees
    ----------
    * Records that agreed in `variable` agree afterwards; missing stays missing.
    * No other column changes.
    """
    entry = table[variable]
    coarse = coarsened_further if entry.level else coarsened
    rows = table.rows.assign(**{variable: coarse(table.rows[variable], entry, level)})
    changed = entry.model_copy(update={"level": level})
    return table.with_rows(rows).with_variable(changed).drop(table.followers(variable))


def coarsened(values: pd.Series, variable: Variable, level: int) -> pd.Series:
    """The values of one column, as collected, at a level of its hierarchy: a category of str, in the level's order.

    Raises
    ------
    KeyError : when a value has no coarser code; ingest has checked the codes, so it cannot happen to its tables.
    """
    result = values
    for step in variable.hierarchy[:level]:
        if step.bands is not None:
            result = _banded(values, step.bands)
        elif step.date is not None:
            result = _truncated(values, step)
        else:
            assert step.map is not None, "Level has checked it"
            codes, uniques = pd.factorize(result, use_na_sentinel=True)
            coarse = np.array([step.map[str(code)] for code in uniques] + [None], dtype=object)
            result = pd.Series(coarse[codes], index=values.index, name=values.name)
    allowed = variable.codes_at(level)
    if allowed is None:
        allowed = tuple(sorted(result.dropna().unique()))
    return result.astype(pd.CategoricalDtype(list(allowed)))


def coarsened_further(values: pd.Series, variable: Variable, level: int) -> pd.Series:
    """The same for values that are at `variable.level` already: what `coarsened` would have made of them as collected.

    A band is taken by its lower end, a month or quarter by its first day: levels nest, so every value in it agrees.
    """
    codes, labels = pd.factorize(values.astype("object"), use_na_sentinel=True)
    now = variable.hierarchy[variable.level - 1]
    firsts: pd.Series
    if now.bands is not None:
        ends = dict(zip(band_labels(now.bands), (now.bands[0] - 1, *now.bands), strict=True))
        firsts = pd.Series([float(ends[label]) for label in labels], dtype="float64")
    elif now.date is not None:
        firsts = pd.Series([pd.Period(label).start_time for label in labels], dtype="datetime64[s]")
    else:
        firsts = pd.Series(labels, dtype="object")
    if now.map is None:
        coarse = coarsened(firsts, variable, level)
    else:
        rest = variable.model_copy(update={"hierarchy": variable.hierarchy[variable.level : level]})
        coarse = coarsened(firsts, rest, level - variable.level)
    allowed = variable.codes_at(level)
    text = np.array([*coarse.astype("object"), None], dtype=object)[codes]
    result = pd.Series(text, index=values.index, name=values.name)
    return result.astype(pd.CategoricalDtype(list(allowed or sorted(result.dropna().unique()))))


def _banded(values: pd.Series, bands: tuple[int, ...]) -> pd.Series:
    labels = np.array([*band_labels(bands), None], dtype=object)
    missing = values.isna().to_numpy()
    numbers = values.to_numpy(dtype=np.float64, na_value=np.nan)
    place = np.searchsorted(np.asarray(bands, dtype=np.float64), numbers, side="right")
    place[missing] = len(labels) - 1
    return pd.Series(labels[place], index=values.index, name=values.name)


def _truncated(values: pd.Series, step: Level) -> pd.Series:
    codes, uniques = pd.factorize(values, use_na_sentinel=True)
    dates = pd.DatetimeIndex(uniques)
    if step.date == "quarter":
        text = [f"{year}-Q{quarter}" for year, quarter in zip(dates.year, dates.quarter, strict=True)]
    else:
        text = list(dates.strftime("%Y-%m" if step.date == "month" else "%Y"))
    labels = np.array([*text, None], dtype=object)
    return pd.Series(labels[codes], index=values.index, name=values.name)


def can_recode(variable: Variable) -> bool:
    """Whether a column has a hierarchy that can be climbed."""
    return bool(variable.hierarchy) and variable.level == 0 and variable.type != Type.CODES
