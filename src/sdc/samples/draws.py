"""Draws of what stands in an export: codes, counts, dates, names, phones and free text, all invented."""

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

Words = np.ndarray  # of str, dtype object
Columns = dict[str, Words]

YES_NO = {"yes": 58, "no": 40, "dnk": 1.5, "pnta": 0.5}
NEEDS = {
    "food": 30, "shelter": 18, "health": 13, "cash": 9, "drinking_water": 8, "sanitation": 6, "clothes": 4,
    "employment": 4, "nfi": 3, "hygiene": 2, "education": 2, "protection": 1, "security": 0.6, "information": 0.5,
    "other": 2,
}  # fmt: skip
_GIVEN = (
    ("Amina", "أمينة"), ("Bakary", "بكاري"), ("Chadia", "شادية"), ("Daoud", "داود"), ("Esra", "إسراء"),
    ("Farid", "فريد"), ("Ghada", "غادة"), ("Hamza", "حمزة"), ("Ibtisam", "ابتسام"), ("Jamil", "جميل"),
    ("Karima", "كريمة"), ("Lamine", "لمين"), ("Mariam", "مريم"), ("Nasser", "ناصر"), ("Oumou", "أم"),
    ("Rachid", "رشيد"), ("Salma", "سلمى"), ("Tarek", "طارق"), ("Umayma", "أميمة"), ("Walid", "وليد"),
)  # fmt: skip
_FAMILIES = (
    ("Abakoro", "أباكورو"), ("Belandi", "بلاندي"), ("Dorvane", "دورفان"), ("Elmasso", "الماسو"),
    ("Garouni", "غاروني"), ("Halikou", "هاليكو"), ("Jerimba", "جريمبا"), ("Kolasse", "كولاسي"),
    ("Mandoru", "ماندورو"), ("Nabiksa", "نابيكسا"), ("Oresti", "أوريستي"), ("Ruvenda", "روفندا"),
    ("Sabatou", "ساباتو"), ("Tolimar", "توليمار"), ("Wadongo", "وادونغو"), ("Zeroual", "زيروال"),
)  # fmt: skip
_TEXTS = (
    "Land for cultivation",
    "Seeds and tools, since the rains are near",
    "They found work in the town",
    "The school is closed",
    "Marriage of a daughter",
    "Ask the village chief, ",
)


def pick(rng: np.random.Generator, n: int, options: Mapping[str, float]) -> Words:
    """Draw codes by their weights."""
    weights = np.array(list(options.values()), dtype=float)
    return np.array(list(options), dtype=object)[rng.choice(len(options), n, p=weights / weights.sum())]


def several(
    rng: np.random.Generator,
    n: int,
    name: str,
    options: Mapping[str, float],
    most: int,
    asked: np.ndarray | None = None,
) -> Columns:
    """A select_multiple as Kobo exports it: the text with up to `most` codes, and a 0/1 column a code."""
    asked = np.ones(n, dtype=bool) if asked is None else asked
    codes = list(options)
    chances = np.log(rng.random((n, len(codes)))) / np.array(list(options.values()), dtype=float)
    best = np.argsort(-chances, axis=1)[:, :most]
    chosen = rng.integers(1, most + 1, n)
    if "none" in options:  # it stands by itself
        chosen = np.where(best[:, 0] == codes.index("none"), 1, chosen)
        swap = np.where((best[:, 1:] == codes.index("none")).any(axis=1))[0]
        chosen[swap] = 1
    text = np.full(n, "", dtype=object)
    flags = np.zeros((n, len(codes)), dtype=np.int8)
    words = np.array(codes, dtype=object)
    for place in range(most):
        taken = chosen > place
        text[taken] += ("" if place == 0 else " ") + words[best[taken, place]]
        flags[taken, best[taken, place]] = 1
    digits = np.array(["0", "1"], dtype=object)
    children = {f"{name}/{code}": where(asked, digits[flags[:, i]], "NULL") for i, code in enumerate(codes)}
    return {name: where(asked, text, "NULL"), **children}


def where(mask: np.ndarray, values: Words, otherwise: str) -> Words:
    """`values` where the mask holds, a token elsewhere."""
    return np.where(mask, values, otherwise).astype(object)


def people(rng: np.random.Generator, n: int, median: float, shares: Sequence[float], spread: float = 1.4) -> np.ndarray:
    """People of n places by kind, shape (n, kinds): mostly few, now and then thousands."""
    total = np.round(rng.lognormal(np.log(median), spread, n)).clip(1, 12000).astype(np.int64)
    return rng.multinomial(total, shares)


def count(rng: np.random.Generator, values: np.ndarray, asked: np.ndarray | None = None) -> Words:
    """Counts as text: half of the thousands with their comma, `NaN` where the question was not asked."""
    comma = (values >= 1000) & (rng.random(len(values)) < 0.5)
    text = values.astype(str).astype(object)
    text[comma] = [f"{value:,}" for value in values[comma]]
    return text if asked is None else where(asked, text, "NaN")


def spoilt(rng: np.random.Generator, values: np.ndarray, among: np.ndarray, rows: int) -> np.ndarray:
    """With one person too many in a few rows, so that an identity breaks there."""
    broken = rng.choice(np.flatnonzero(among), rows, replace=False)
    return values + np.isin(np.arange(len(values)), broken)


def dates(rng: np.random.Generator, values: pd.DatetimeIndex, formats: Sequence[str]) -> Words:
    """Dates as text: nine in ten in the first format, the others in the rest."""
    which = np.where(rng.random(len(values)) < 0.9, 0, rng.integers(0, len(formats), len(values)))
    days, position = np.unique(values.to_numpy(dtype="datetime64[D]"), return_inverse=True)
    written = np.array([pd.DatetimeIndex(days).strftime(form) for form in formats], dtype=object)
    return written[which, position]


def earlier(rng: np.random.Generator, values: pd.DatetimeIndex, asked: np.ndarray, days: int = 420) -> Words:
    """A date before each of `values`, to the month; `NaT` where the question was not asked."""
    back = values - pd.to_timedelta(rng.integers(10, days, len(values)), unit="D")
    return where(asked, dates(rng, back.to_period("M").to_timestamp(), ("%Y-%m-%d 00:00:00", "%Y-%m-%d")), "NaT")


def degrees(rng: np.random.Generator, middle: np.ndarray, spread: float) -> Words:
    """Degrees near a middle, with six decimals."""
    return np.char.mod("%.6f", middle + rng.uniform(-spread, spread, len(middle))).astype(object)


def person_names(rng: np.random.Generator, n: int) -> tuple[Words, Words]:
    """Given and family names, in Latin and in Arabic script."""
    given, family = rng.integers(0, len(_GIVEN), n), rng.integers(0, len(_FAMILIES), n)
    both = np.array([[[f"{g[i]} {f[i]}" for f in _FAMILIES] for g in _GIVEN] for i in (0, 1)], dtype=object)
    return both[0, given, family], both[1, given, family]


def phones(rng: np.random.Generator, n: int) -> Words:
    """Phone numbers under the country code 999, which nobody has."""
    digits = np.char.mod("%08d", rng.integers(0, 10**8, n)).astype(object)
    return np.array([f"+999 {d[:2]} {d[2:5]} {d[5:]}" for d in digits], dtype=object)


def uuids(rng: np.random.Generator, n: int) -> Words:
    """Random identifiers in the form of a UUID."""
    text = rng.bytes(16 * n).hex()
    cut = (text[i : i + 32] for i in range(0, 32 * n, 32))
    return np.array([f"{t[:8]}-{t[8:12]}-{t[12:16]}-{t[16:20]}-{t[20:]}" for t in cut], dtype=object)


def other_text(rng: np.random.Generator, told: np.ndarray) -> Words:
    """Free text where something was told, `NULL` elsewhere; a few texts hold a phone number."""
    text = np.array(_TEXTS, dtype=object)[rng.integers(0, len(_TEXTS), len(told))]
    calls = text == _TEXTS[-1]
    text[calls] += phones(rng, int(calls.sum()))
    return where(told, text, "NULL")


def envelope(rng: np.random.Generator, n: int, date: pd.DatetimeIndex) -> Columns:
    """What a form records beside the answers: who asked, on which device, where and when it was opened."""
    team = rng.integers(0, 14, n)
    staff, numbers, devices = person_names(rng, 14)[0], phones(rng, 14), uuids(rng, 14)
    sexes = pick(rng, 14, {"male": 60, "female": 40})
    opened = date + pd.to_timedelta(rng.integers(7 * 3600, 17 * 3600, n), unit="s")
    closed = opened + pd.to_timedelta(rng.integers(600, 5400, n), unit="s")
    latitude, longitude = degrees(rng, np.full(n, 10.5), 2), degrees(rng, np.full(n, 21.5), 2)
    return {
        "response_id": uuids(rng, n),
        "m1658_meta_assessment_start": np.array(opened.strftime("%Y-%m-%d %H:%M:%S"), dtype=object),
        "m1844_meta_assessment_end": np.array(closed.strftime("%Y-%m-%d %H:%M:%S"), dtype=object),
        "deviceid": devices[team],
        "m1469_meta_enum_name": staff[team],
        "m1471_meta_enum_phone": numbers[team],
        "m1470_meta_enum_sex": sexes[team],
        "_m2696_meta_start_gps_latitude": latitude,
        "_m2696_meta_start_gps_longitude": longitude,
    }


def informant(rng: np.random.Generator, n: int) -> Columns:
    """The key informant of each place."""
    return {
        "m1481_loc_ki_name": person_names(rng, n)[0],
        "m1482_loc_ki_phone": where(rng.random(n) < 0.85, phones(rng, n), "NULL"),
        "m1483_loc_ki_sex": pick(rng, n, {"male": 72, "female": 27, "pnta": 1}),
    }
