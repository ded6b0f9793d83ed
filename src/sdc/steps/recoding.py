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
        1 is the first level of the hierarchy. The column must be as collected (level 0).

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
    rows = table.rows.assign(**{variable: coarsened(table.rows[variable], entry, level)})
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
