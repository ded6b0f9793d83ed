"""What the cells of one column are: numbers, dates, codes or text, what means missing, which scripts."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from sdc.dictionary import Type
from sdc.ingest.multiples import MARKS
from sdc.ingest.shapes import kinds_found, levelled
from sdc.ingest.typed import ISO, PERCENT, Distinct, distinct

RARE = 3  # a code of fewer records is not written into a dictionary: it may name somebody
_LISTED = 60  # codes of a list that a person still reads
_SEEN, _CHOICES = 3_000, 100  # distinct cells that are looked at; codes of a select_multiple at most
_RECURS = 10  # times that each answer of a list is given, on average
_SHORT, _LONG = 60, 80  # characters of a code at most; of a sentence at least
NO_VALUE = frozenset(
    [
        "NaT",
        "nat",
        "NAT",
        "NaN",
        "nan",
        "NAN",
        "NULL",
        "null",
        "Null",
        "None",
        "none",
        "NONE",
        "N/A",
        "n/a",
        "NA",
        "#N/A",
        "<NA>",
        "nil",
        "-",
        "--",
        "---",
        ".",
        "..",
        "?",
        "ND",
        "n.d.",
        "N/D",
        "n/d",
        "s/o",
        "S/O",
        "н/д",
        "Н/Д",
    ]
) | {"sin dato", "Sin dato", ""}  # as machines and offices write them: `Nan` is a province
NO_ANSWER = frozenset({
    "dnk", "dk", "pnta", "pna", "rta", "nsp", "don't know", "dont know", "do not know", "don't know / unsure",
    "prefer not to answer",
    "refused", "refuse to answer", "not available", "not applicable", "unknown", "no data", "no answer", "not asked",
    "ne sait pas", "ne se prononce pas", "préfère ne pas répondre", "non applicable", "non disponible", "inconnu",
    "no sabe", "no responde", "ns/nr", "no aplica", "no disponible", "prefiere no responder", "desconocido",
    "لا أعرف", "لا اعرف", "لا يعرف", "غير معروف", "غير متوفر", "لا ينطبق", "أفضل عدم الإجابة", "لا يوجد",
    "не знаю", "невідомо", "неизвестно", "не применимо", "не застосовується", "відмова", "отказ",
    "አላውቅም", "মন্তব্য নেই", "জানি না", "थाहा छैन", "मालूम नहीं", "မသိပါ", "ma garanayo",
})  # fmt: skip
_SENTINELS = ("-9999", "-999", "-998", "-99", "-98", "-97", "-88", "-77", "-9", "-8", "-1")
_UPPER = ("9999", "8888", "999", "998", "997", "888", "777", "99", "98", "97", "88", "77")
_TRUTH = tuple(frozenset(pair.split()) for pair in (
    "0 1", "true false", "yes no", "y n", "oui non", "sí no", "si no", "sim não", "نعم لا", "так ні", "да нет",
    "haa maya", "አዎ አይ", "হ্যাঁ না", "हाँ नहीं", "1 2"))  # fmt: skip
WRITTEN = ((",", "."), (".", ","), (" ", ","), (" ", "."), ("'", "."), ("", "."), ("", ","))
_DATELIKE = (
    r"^[0-9]{1,4}[-/. ](?:[0-9]{1,2}|[A-Za-z]{3,9})[-/. ,]+[0-9]{2,4}"
    r"(?:[T ,]+[0-9]{1,2}:[0-9]{2}.*)?$"
    r"|^[A-Za-z]{3,9} [0-9]{1,2},? [0-9]{4}$"
)
_FORMATS = tuple(
    f"{day}{time}"
    for time in ("", " %H:%M:%S", " %H:%M", " %I:%M %p", " %I:%M:%S %p")
    for day in ("%d/%m/%Y", "%m/%d/%Y", "%d-%m-%Y", "%m-%d-%Y", "%d.%m.%Y", "%Y/%m/%d", "%d %b %Y", "%d %B %Y",
                "%d-%b-%Y",
                "%d-%B-%Y", "%b %d, %Y", "%B %d, %Y", "%d/%m/%y", "%m/%d/%y", "%d-%b-%y", "%d-%m-%y", "%d.%m.%y")
)  # fmt: skip
_TWINS = {form: form.replace("%d", "%\0").replace("%m", "%d").replace("%\0", "%m") for form in _FORMATS}
_SCRIPTS = {
    "Latin": r"[A-Za-z\x{00C0}-\x{024F}]", "Arabic": r"\p{Arabic}", "Cyrillic": r"\p{Cyrillic}",
    "Ethiopic": r"\p{Ethiopic}",
    "Burmese": r"\p{Myanmar}", "Bengali": r"\p{Bengali}", "Devanagari": r"\p{Devanagari}", "Thai": r"\p{Thai}",
    "Greek": r"\p{Greek}",
    "Chinese or Japanese": r"\p{Han}",
}  # fmt: skip
_SIGNS = (" / ", "; ", ";", ", ", " | ", "|", ",", "/")


@dataclass(frozen=True, eq=False)
class Facts:
    """What was seen in one column; its distinct texts stay in `cells`, and are told to nobody.

    Attributes
    ----------
    name : str, of the column in the file
    cells : Distinct, without what means missing
    type : Type
    missing : dict, codes that mean missing here, by records; never the cells of people
    perhaps : dict, numbers such as 99 that may mean missing: a person decides
    formats : tuple, of dates
    separator : str or None, between the codes of a select_multiple
    unit : str or None, `%` where numbers are written with it
    listed : tuple, codes to write into the dictionary; empty: open codes
    personal : dict, kind to records, as the scan found
    scripts : tuple of str
    notes : tuple of str, in words without a cell of the file
    sure : bool
    """

    name: str
    cells: Distinct
    type: Type
    missing: Mapping[str, int] = field(default_factory=dict)
    perhaps: Mapping[str, int] = field(default_factory=dict)
    formats: tuple[str, ...] = ()
    separator: str | None = None
    unit: str | None = None
    listed: tuple[str, ...] = ()
    personal: Mapping[str, int] = field(default_factory=dict)
    scripts: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    sure: bool = True

    @property
    def blank(self) -> int:
        """Records whose cell is empty."""
        return self.cells.reasons.get("", 0)

    @property
    def observed(self) -> int:
        """Records with something in them that does not mean missing."""
        return self.cells.observed

    @property
    def unique(self) -> bool:
        """Whether each observed record has its own text."""
        return self.observed > 1 and len(self.cells.values) == self.observed


def written_numbers(columns: Mapping[str, pd.Series]) -> tuple[str, str]:
    """Signs of thousands and of decimals with which most columns are numbers; the usual ones where that is open."""
    scores = {}
    samples = [_texts(pd.Series(column.unique()[:2000])) for column in columns.values()]
    samples = [sample for sample in samples if len(sample)]
    for signs in WRITTEN:
        scores[signs] = sum(
            bool(pc.all(_matches(sample, number_form(*signs, whole=False))).as_py()) for sample in samples
        )
    return max(WRITTEN[:6], key=lambda signs: (scores[signs], -WRITTEN.index(signs)))


def _texts(column: pd.Series) -> pa.Array:
    """Distinct texts that say something, with ASCII digits."""
    said = column[~(column.isin(NO_VALUE) | column.str.casefold().isin(NO_ANSWER)).to_numpy(dtype=bool)]
    return pc.replace_substring_regex(levelled(said), PERCENT, "")


def _matches(texts: pa.Array, pattern: str) -> pa.Array:
    return pc.match_substring_regex(texts, pattern)


def number_form(thousands: str, decimal: str, *, whole: bool) -> str:
    """Search expression of a number, as typing takes it."""
    group, point = re.escape(thousands), re.escape(decimal)
    digits = f"(?:[0-9]{{1,3}}(?:{group}[0-9]{{3}})+|[0-9]+)" if thousands else "[0-9]+"
    if whole:
        return f"^[+-]?{digits}(?:{point}0*)?$"
    return f"^[+-]?(?:{digits}(?:{point}[0-9]*)?|{point}[0-9]+)(?:[eE][+-]?[0-9]{{1,3}})?$"


def facts(name: str, column: pd.Series, signs: tuple[str, str], *, written: bool = False) -> Facts:
    """Look at one column.

    Parameters
    ----------
    name : str
    column : Series of str, n records
    signs : of thousands and of decimals
    written : whether people write it beside a question (`..._other`): then words in it are no codes

    Returns
    -------
    Facts
    """
    every = distinct(column, frozenset())
    folded = every.values.str.casefold()
    nothing = every.values[every.values.isin(NO_VALUE).to_numpy(dtype=bool)]
    silent = every.values[folded.isin(NO_ANSWER).to_numpy(dtype=bool)]
    said = every.values[~every.values.isin([*nothing, *silent])]
    found = (
        _numbers(name, column, said, nothing, silent, signs)
        or _percents(name, column, said, [*nothing, *silent], signs)
        or _dates(name, column, said, nothing, silent)
    )
    if found is None and written and not folded.isin(MARKS).all():
        return _finished(name, column, list(nothing), type=Type.TEXT, notes=("written beside a question",))
    return found or _words(name, column, every, said, nothing)


def _finished(name: str, column: pd.Series, missing: list[str], **what: object) -> Facts:
    """Facts with their counts, scan and scripts."""
    cells = distinct(column, frozenset(missing))
    reasons = {code: records for code, records in cells.reasons.items() if code}
    text = what["type"] == Type.TEXT or (what["type"] == Type.CODE and not what.get("listed"))
    personal = {}
    if what["type"] in (Type.TEXT, Type.CODE, Type.INTEGER, Type.CODES):
        hits = kinds_found(cells.values, names=text)
        personal = {kind: int(cells.records[hit].sum()) for kind, hit in hits.items()}
    return Facts(name, cells, missing=reasons, personal=personal, scripts=scripts(cells.values), **what)  # type: ignore[arg-type]


def scripts(texts: pd.Series) -> tuple[str, ...]:
    """Scripts of a column's letters, the most frequent first."""
    array = pa.array(texts.head(5000), type=pa.string(), from_pandas=True)
    counts = {script: pc.sum(pc.match_substring_regex(array, form)).as_py() or 0 for script, form in _SCRIPTS.items()}
    return tuple(sorted((script for script, count in counts.items() if count), key=lambda script: -counts[script]))


def _numbers(
    name: str, column: pd.Series, said: pd.Series, nothing: pd.Series, silent: pd.Series, signs: tuple[str, str]
) -> Facts | None:
    """A column of numbers, or None."""
    texts = levelled(said)
    if not len(said) or not pc.all(_matches(texts, number_form(*signs, whole=False))).as_py():
        return None
    plain = pd.Series(texts.to_pylist(), dtype=object)
    notes: list[str] = []
    if plain.str.match(r"^[+-]?0[0-9]|^\+|^[0-9]{16}").any():
        return None  # a nought in front is part of a code
    if signs[0] and plain.str.contains(signs[0], regex=False).any():
        notes.append(f"thousands are written with `{signs[0]}`")
    if not said.str.match(r"^[\x00-\x7f]*$").all():
        notes.append("digits of another script")
    whole = bool(pc.all(_matches(texts, number_form(*signs, whole=True))).as_py())
    numbers = plain.str.replace(signs[0], "", regex=False) if signs[0] else plain
    numbers = numbers.str.replace(signs[1], ".", regex=False).astype(float)
    if not np.isfinite(numbers).all():
        return None
    records = distinct(column, frozenset()).values
    sentinel, perhaps = _sentinels(numbers.to_numpy(), said)
    left = [text for text in said if text not in sentinel]
    if {text.casefold() for text in left} in ({"0", "1"},):
        return _finished(
            name,
            column,
            [*nothing, *silent, *sentinel],
            type=Type.CODE,
            listed=("0", "1"),
            notes=("yes or no, as 0 and 1",),
        )
    counts = records.isin(perhaps)
    told = {text: int((column == text).sum()) for text in perhaps} if counts.any() else {}
    if sentinel:
        notes.append("numbers below nought that stand for missing")
    if told:
        notes.append("its largest numbers may stand for missing: look at them")
    kind = Type.INTEGER if whole else Type.NUMBER
    return _finished(name, column, [*nothing, *silent, *sentinel], type=kind, perhaps=told, notes=tuple(notes))


def _percents(
    name: str, column: pd.Series, said: pd.Series, missing: list[str], signs: tuple[str, str]
) -> Facts | None:
    """A column of numbers written with `%`, but for a bare 0; or None."""
    texts = levelled(said)
    signed = _matches(texts, PERCENT).to_numpy(zero_copy_only=False)
    if not signed.any() or not pd.Series(texts.to_pylist(), dtype=object)[~signed].str.fullmatch("0+").all():
        return None
    bare = pc.replace_substring_regex(texts, PERCENT, "")
    if not pc.all(_matches(bare, number_form(*signs, whole=False))).as_py():
        return None
    return _finished(name, column, missing, type=Type.NUMBER, unit="%", notes=("per cents, read as they are written",))


def _sentinels(numbers: np.ndarray, texts: pd.Series) -> tuple[list[str], list[str]]:
    """Texts of numbers that mean missing, and of those that may: -99 where nothing else is negative, a lone 999."""
    held = dict(zip(texts, numbers, strict=True))
    below = [code for code in _SENTINELS if code in held]
    others = [number for text, number in held.items() if text not in below]
    sure = below if others and min(others) >= 0 and all(float(code) < -8 for code in below) else []
    upper = [code for code in _UPPER if code in held]
    rest = sorted(number for text, number in held.items() if text not in (*upper, *sure))
    perhaps = [code for code in upper if rest and held[code] > 2 * max(rest[-1], 10)]
    return sure, perhaps


def _dates(name: str, column: pd.Series, said: pd.Series, nothing: pd.Series, silent: pd.Series) -> Facts | None:
    """A column of dates, or None."""
    if not len(said):
        return None
    texts = levelled(said)
    iso = _matches(texts, ISO).to_numpy(zero_copy_only=False)
    like = iso | _matches(texts, _DATELIKE).to_numpy(zero_copy_only=False)
    if not like.all():
        return None
    rest = pd.Series(texts.to_pylist(), dtype=object)[~iso]
    formats, ambiguous, notes = [], False, []
    read = {}
    for form in _FORMATS if len(rest) else ():
        good = pd.to_datetime(rest, format=form, errors="coerce").notna()
        if good.any():
            read[form] = good
    left = pd.Series(True, index=rest.index)
    while left.any() and read:
        form = max(read, key=lambda form: (int((read[form] & left).sum()), -_FORMATS.index(form)))
        covered = read.pop(form) & left
        if not covered.any():
            return None
        twin = _TWINS[form]
        if twin != form and twin in read:
            other = read.pop(twin)
            if (other & ~(left & covered) & left).any():
                return None  # some read only day first, others only month first
            ambiguous |= bool((other & covered).sum() == covered.sum())
        formats.append(form)
        left &= ~covered
    if (
        left.any()
        or pd.to_datetime(pd.Series(texts.to_pylist(), dtype=object)[iso].str[:10], format="%Y-%m-%d", errors="coerce")
        .isna()
        .any()
    ):
        return None
    if len(formats) + bool(iso.any()) > 1:
        notes.append(f"dates in {len(formats) + bool(iso.any())} forms")
    if ambiguous:
        notes.append("day and month cannot be told apart: the day is taken to come first; ask who sent it")
    missing = [*nothing, *silent]
    return _finished(
        name, column, missing, type=Type.DATE, formats=tuple(formats), notes=tuple(notes), sure=not ambiguous
    )


def _words(name: str, column: pd.Series, every: Distinct, said: pd.Series, nothing: pd.Series) -> Facts:
    """A column of codes, of several codes, or of free text. Answers such as `dnk` stay among the codes."""
    missing = [
        text for text in nothing if text.casefold() != "none" or not len(said)
    ]  # "none" is an answer among codes
    cells = distinct(column, frozenset(missing))
    values, n = cells.values, cells.observed
    if not n:
        return _finished(name, column, missing, type=Type.CODE, notes=("empty",), sure=False)
    lengths, words = values.str.len(), values.str.count(r"\S+")
    few = len(values) <= _LISTED and len(values) <= max(2, 0.5 * n)
    folded = frozenset(said.str.casefold())
    if len(folded) > 0 and any(folded <= pair for pair in _TRUTH):
        listed = tuple(sorted(values)) if len(values) <= 6 else ()
        return _finished(name, column, missing, type=Type.CODE, listed=listed, notes=("yes or no",))
    several = separator_of(values, cells.records)
    if several is not None:
        sign = None if several == " " else several
        told = (
            f"several codes in a cell, separated by `{sign.strip()}`"
            if sign
            else "several codes in a cell, separated by blanks"
        )
        return _finished(name, column, missing, type=Type.CODES, separator=sign, notes=(told,))
    weights = cells.records / n
    if (
        (float((words * weights).sum()) >= 4 and len(values) > 10)
        or lengths.max() > 4 * _LONG
        or (lengths.max() > _LONG and not few)
    ):
        again = " that recur: where they are answers of a list, give it the type `code`"
        told = "sentences" + (again if few and n >= _RECURS * len(values) else "")
        return _finished(name, column, missing, type=Type.TEXT, notes=(told,))
    scanned = kinds_found(values, names=True)
    safe = few and lengths.max() <= _SHORT and cells.records.min() >= RARE and not scanned
    notes = () if safe or not few else ("open list: some codes are rare",)
    return _finished(
        name,
        column,
        missing,
        type=Type.CODE,
        listed=tuple(sorted(values)) if safe else (),
        notes=notes,
        sure=few or len(values) == n,
    )


def separator_of(values: pd.Series, records: np.ndarray) -> str | None:
    """The sign between the codes of a select_multiple, where few codes make many cells; else None."""
    step = max(1, len(values) // _SEEN)
    seen, weights = values[::step], records[::step]
    for sign in (*_SIGNS, " "):
        held = seen.str.contains(sign, regex=False).to_numpy(dtype=bool)
        if held.sum() < 2 or weights[held].sum() < 0.05 * weights.sum():
            continue
        parts = [[part.strip() for part in text.split(sign) if part.strip()] for text in seen]
        codes = {code for chosen in parts for code in chosen}
        if (
            not 1 < len(codes) <= _CHOICES
            or max(map(len, codes)) > _SHORT
            or sum(len(set(c)) < len(c) for c in parts) > 0.05 * len(parts)
        ):
            continue
        if sign == " " and not all(re.fullmatch(r"[a-z0-9_.\-]+", code) for code in codes):
            continue
        together = {code for chosen in parts if len(chosen) > 1 for code in chosen}
        singles = [chosen[0] for chosen in parts if len(chosen) == 1]
        alone = sum(code in together for code in singles)
        if alone and (len(codes) <= 0.7 * len(seen) or (2 * alone >= len(singles) and len(codes) <= 1.5 * len(seen))):
            return sign
    return None
