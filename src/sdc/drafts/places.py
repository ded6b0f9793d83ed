"""Which columns hold p-codes, and of which level: by their form, by how they nest, and by their names."""

import re
from collections.abc import Iterable, Mapping

import numpy as np
import pandas as pd

from sdc.dictionary import Geography
from sdc.forms.proposals import tokens
from sdc.pcodes import Places

_PCODE = re.compile(r"([A-Z]{2,3})([0-9]{2,12})")
_COUNTRY = re.compile(r"[A-Z]{3}|[A-Z]{2}")
_NAMED = re.compile(r"(?:^|[^a-z])adm(?:in)?[ _.-]?([0-4])(?![0-9])", re.IGNORECASE)
_WORDS = {
    "country": Geography.ADMIN0, "countries": Geography.ADMIN0, "pays": Geography.ADMIN0, "iso": Geography.ADMIN0,
    "iso2": Geography.ADMIN0, "iso3": Geography.ADMIN0, "oblast": Geography.ADMIN1, "governorate": Geography.ADMIN1,
    "province": Geography.ADMIN1, "region": Geography.ADMIN1, "raion": Geography.ADMIN2, "district": Geography.ADMIN2,
    "departement": Geography.ADMIN2, "municipality": Geography.ADMIN3, "hromada": Geography.ADMIN3,
    "commune": Geography.ADMIN3,
    "subdistrict": Geography.ADMIN3, "sub district": Geography.ADMIN3, "place": Geography.SITE,
    "location": Geography.SITE,
    "village": Geography.SITE, "settlement": Geography.SITE, "site": Geography.SITE, "camp": Geography.SITE,
    "country code": Geography.ADMIN0, "ward": Geography.ADMIN3, "area": Geography.ADMIN4, "gps": Geography.POINT,
}  # fmt: skip
_LEVELS = (Geography.ADMIN1, Geography.ADMIN2, Geography.ADMIN3, Geography.ADMIN4)
_CODE_WORDS = {"pcode", "code", "codes", "name"}
_LISTED = 0.5  # of the distinct codes of a column stand in the official list: the others are slips
_MOST = 0.95  # of the distinct codes of a column have the form


def level_of_name(name: str) -> Geography | None:
    """The level that a column's name tells: ``admin2Pcode``, ``Raion pcode``."""
    told = _NAMED.search(name)
    if told:
        return list(Geography)[int(told[1])]
    words = " ".join(tokens(name))
    found = [word for word in _WORDS if re.search(rf"(?<![^\W_]){re.escape(word)}(?![^\W_])", words)]
    return _WORDS[max(found, key=len)] if found else None


def pcode_columns(values: Mapping[str, pd.Series]) -> dict[str, tuple[Geography, str]]:
    """Columns of p-codes with their level and why.

    Parameters
    ----------
    values : distinct texts of each column of codes

    Returns
    -------
    dict, column to (level, reason)
    """
    lengths: dict[str, int] = {}
    several: dict[str, bool] = {}
    for name, texts in values.items():
        codes = [_PCODE.fullmatch(text) for text in texts]
        good = [match for match in codes if match]
        if texts.empty or len(good) < _MOST * len(texts) or len({match[1] for match in good}) > max(5, 0.2 * len(good)):
            continue
        sizes = np.bincount([len(match[2]) for match in good])
        lengths[name], several[name] = int(sizes.argmax()), int((sizes > 0).sum()) > 1
    ranks = {length: place for place, length in enumerate(sorted(set(lengths.values())))}
    found = {}
    for name, length in lengths.items():
        told = level_of_name(name)
        parents = [other for other in lengths if lengths[other] < length and _nested(values[name], values[other])]
        why = f"its codes have the form of p-codes of {length} digits"
        why += ", not all as long" if several[name] else ""
        if parents:
            why += f" and begin with those of {', '.join(f'`{parent}`' for parent in parents)}"
        by_length = (
            _LEVELS[min(ranks[length], 3)] if len(ranks) > 1 else _LEVELS[0 if length <= 3 else 1 if length <= 5 else 2]
        )
        found[name] = (told or _level_beside(name, values) or by_length, why)
    return found


def _level_beside(name: str, others: Iterable[str]) -> Geography | None:
    """The level that the names of columns of the same places tell: `ADM 4 Muhalla (EN)` beside `Muhalla P Code`."""
    words = {word for word in tokens(name) if len(word) > 2} - _CODE_WORDS
    told = {level_of_name(other) for other in others if _NAMED.search(other) and words & set(tokens(other))}
    return told.pop() if len(told) == 1 else None


def listed_columns(values: Mapping[str, pd.Series], places: Places) -> dict[str, tuple[Geography, str]]:
    """Columns whose codes stand in the official list, with the level that most of them have there.

    Parameters
    ----------
    values : distinct texts of each column of codes
    places : Places
    """
    found = {}
    for name, texts in values.items():
        levels = texts.map(places.level_of).dropna()
        if len(levels) < max(1, _LISTED * len(texts)) or levels.empty:
            continue
        level = int(levels.mode().iloc[0])
        if level > Geography.ADMIN4.depth or (level == 0 and len(texts) > len(places.levels[0])):
            continue
        why = f"{len(levels):,} of its {len(texts):,} codes stand in the official list, most at admin {level}"
        found[name] = (list(Geography)[level], why)
    return found


def country_of(values: Iterable[pd.Series], places: Places) -> str | None:
    """The one country of a list that codes lie in; None where they lie in several."""
    codes = {code for texts in values for code in texts if code in places.level_of}
    countries = {places.around(code, 0) for code in codes} - {None}
    return countries.pop() if len(countries) == 1 else None


def country_column(name: str, texts: pd.Series) -> bool:
    """Whether a column holds codes of countries: two or three capitals, and a name that says so."""
    return (
        level_of_name(name) == Geography.ADMIN0
        and len(texts) > 0
        and all(_COUNTRY.fullmatch(text) for text in texts.head(300))
    )


def _nested(codes: pd.Series, parents: pd.Series) -> bool:
    """Whether nearly all codes begin with one of the parents."""
    tops = set(parents)
    sizes = {len(top) for top in tops}
    nested = sum(any(code[:size] in tops for size in sizes) for code in codes)
    return nested >= _MOST * len(codes)
