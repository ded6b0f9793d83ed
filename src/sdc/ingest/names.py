"""Whether a text seems to name a person: common given names beside a second name, a title or a particle."""

import re
import unicodedata
from collections.abc import Iterable
from functools import cache
from importlib.resources import files

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

_MARK = r"[\u0300-\u036f\u064b-\u0655\u0670]"  # accents and vowel signs, which writers leave out as they like
_TITLE = re.compile(
    r"(?:^|[\s,;:(])(?:mr|mrs|ms|miss|dr|eng|sheikh|cheikh|haji|hajj|ustaz|don|doña|sr|sra|señor|señora|monsieur|madame|mme|mlle|"
    r"ato|weizero|u|daw|ko|ma|пан|пані|господин|госпожа|السيد|السيدة|الشيخ|الحاج|أبو|ابو|أم|ام|আমার নাম|জনাব|শ্রী|श्री|"
    r"श्रीमती|አቶ|ወይዘሮ|ወ/ሮ|my name is|named|called|je m'appelle|nommée?|me llamo|llamad[oa]|se llama"
    r"|اسمي|اسمه|اسمها|المدعو|"
    r"мене звати|меня зовут|на ім'я|по имени|ስሜ|मेरो नाम|मेरा नाम)\.?\s+\Z",
    re.IGNORECASE,
)
_PARTICLES = frozenset(
    [
        "بن",
        "ابن",
        "بنت",
        "عبد",
        "آل",
        "bin",
        "ibn",
        "bint",
        "ben",
        "bint",
        "al",
        "el",
        "de",
        "da",
        "dos",
        "abu",
        "abou",
        "ould",
    ]
)
_NAME_IS = "اسمي|اسمه|اسمها|المدعوة?|ስሜ|ስሙ|ስሟ|አቶ|ወይዘሮ|ወ/ሮ|ወ/ሪት|আমার নাম|তার নাম|তাঁর নাম|জনাব|मेरो नाम|मेरा नाम|उनको नाम|उसका नाम"
_NEAR_CUE = rf"\p{{Lu}}\p{{Ll}}+ \p{{Lu}}\p{{Ll}}|بن|بنت|ولد|ဦး|ဒေါ်|\b(?:bin|ibn|bint|ould|mint)\b|{_NAME_IS}"
_PLACES = frozenset(
    [
        "san",
        "santa",
        "santo",
        "saint",
        "st",
        "sainte",
        "camp",
        "village",
        "city",
        "town",
        "street",
        "st.",
        "lake",
        "rue",
        "villa",
        "puerto",
        "port",
        "beni",
        "bani",
        "bab",
        "ain",
        "wadi",
        "tel",
        "tell",
        "deir",
        "dayr",
        "umm",
        "el-haj",
        "kafr",
        "school",
        "hospital",
        "mosque",
        "church",
        "market",
        "river",
        "road",
        "centre",
        "center",
        "district",
        "quartier",
        "calle",
        "barrio",
        "escuela",
        "colegio",
        "école",
        "ecole",
        "clinic",
        "station",
        "مخيم",
        "قرية",
        "مدينة",
        "شارع",
        "حي",
        "منطقة",
        "ناحية",
        "قضاء",
        "مدرسة",
        "مستشفى",
        "جامع",
        "улица",
        "вулиця",
        "село",
        "місто",
        "город",
        "школа",
    ]
)
_OPENING = frozenset((  # words that begin a sentence: a family name after one of them has no given name
    "the", "this", "that", "old", "new", "our", "her", "his", "with", "for", "from", "les", "las", "los", "une", "des",
    "una", "uns", "para", "por", "con", "dans", "pour", "avec", "для",
))  # fmt: skip
_WORD = re.compile(r"[^\W\d_](?:[^\W\d_]|[\u0300-\u036f\u0900-\u0dff\u1000-\u109f\u064b-\u0655\u2019'-])*")
_CAPITAL = r"[A-ZÀ-ÖØ-ÞĀ-ſА-ЯІЇЄҐ][^\W\d_A-ZА-ЯІЇЄҐ]+(?:[-'’][^\W\d_]+)?"
_PAIR = rf"{_CAPITAL}(?:\s{_CAPITAL}){{1,3}}"
_CUED = re.compile(
    rf"(?:\b(?:contact|call|phone|ask|with|see|named|called|by|contacter|appeler|rappeler|joindre"
    rf"|avec|nommée?|contactar a|llamar a|"
    rf"hablar con|con|llamad[oa]|зв'язатися з|подзвонити|з|звати|связаться с|позвонить)\s+{_PAIR}(?!\w))"
    rf"|(?:(?:^|[.!?:]\s){_PAIR}\s(?:said|says|told|asked|reported|explained|a dit|a demandé"
    rf"|explique|dijo|pidió|comentó|каже|сказал[аи]?|"
    rf"говорит|сказав|повідоми\w+)(?!\w))"
)
_NAMED = re.compile(  # what a text calls a name, and the endings of Ukrainian and Russian family names and patronymics
    rf"(?:^|[\s,.:;(])(?:{_NAME_IS})\s*:?\s+(?!و|لا |في |هو |هي |غير )[^\s\d]{{2,}}\s+[^\s\d]{{2,}}"
    rf"|{_CAPITAL}\s[А-ЯІЇЄҐ]\w+(?:енко|чук|ович|евич|івна|ївна|овна|евна)(?!\w)"
)
_BETWEEN = re.compile(r"[^\W\d_]{2,}\s(?:بن|ابن|بنت|ولد|bin|ibn|bint|ould|mint)\s[^\W\d_]{2,}")
_NO_BURMESE_NAME = ("ဦးစား", "ဦးစွာ", "ဦးဆောင်", "ဦးရေ", "ဦးတည်", "ဒေါ်လာ")
_BURMESE_TITLE = re.compile(r"(?:^|\s)(?:ဦး|ဒေါ်)[က-အ][က-႟]{2,}(?=$|\s)")
_BURMESE = re.compile(r"(?:ဦး|ဒေါ်|မောင်|ကို|မ)\s?[က-အဥဦ][က-႟]+")


@cache
def _lists() -> tuple[frozenset[str], frozenset[str], tuple[str, ...]]:
    """Names between blanks, those of them that only families have, and Burmese names."""
    given, family = _listed("given_names.txt"), _listed("family_names.txt")
    burmese = {name for name in given if "\u1000" <= name[0] <= "\u109f"}
    return (given | family) - burmese, family - given, tuple(sorted(burmese))


def _listed(file: str) -> frozenset[str]:
    text = unicodedata.normalize("NFC", files("sdc.ingest").joinpath(file).read_text(encoding="utf-8"))
    return frozenset(plain(name) for line in text.splitlines() if not line.startswith("#") for name in line.split())


def plain(word: str) -> str:
    """A word as the list holds it: small letters without accents and without the signs of short vowels."""
    if word.isascii():
        return word.lower()
    if "\u0400" <= word[0] <= "\u04ff" or "\u0900" <= word[0] <= "\u1fff":
        return word.casefold()
    return re.sub(_MARK, "", unicodedata.normalize("NFD", word)).casefold().replace("أ", "ا").replace("إ", "ا")


def names_persons(values: pd.Series) -> np.ndarray:
    """Which texts seem to name a person.

    A common given name counts where a second capitalised or listed name, a particle (`bin`, `ould`) or a title stands
    beside it. In scripts without capitals the neighbour must itself be listed. Burmese, which puts no blanks between
    words, needs a title and a listed syllable.

    Parameters
    ----------
    values : Series of str, u distinct texts

    Returns
    -------
    array of bool, (u,)
    """
    found = np.zeros(len(values), dtype=bool)
    places = np.flatnonzero(_has_listed_word(_folded(values)))
    texts = values.to_numpy(dtype=object)
    found[places] = [_names_person(text) for text in texts[places]]
    cued = pc.match_substring_regex(pa.array(values, type=pa.string(), from_pandas=True), _NEAR_CUE)
    places = np.flatnonzero(cued.to_numpy(zero_copy_only=False) & ~found)
    found[places] = [_is_cued(text) for text in texts[places]]
    return found


def _has_listed_word(folded: pa.Array) -> np.ndarray:
    """Which texts have a word of the lists among theirs, or a letter of Burmese, which puts no blanks between words."""
    words = pc.split_pattern_regex(pc.utf8_lower(folded), r"[^\pL\pM]+")
    held = pc.is_in(words.flatten(), value_set=pa.array(sorted(_lists()[0]), type=pa.string()))
    found = pc.match_substring_regex(folded, "[က-႟]").to_numpy(zero_copy_only=False).copy()
    found[pc.list_parent_indices(words).to_numpy()[held.to_numpy(zero_copy_only=False)]] = True
    return found


def _is_cued(text: str) -> bool:
    """Whether words around two others say that these are a person, or an ending, a particle or a title does."""
    for cue in (_CUED.search(text), _NAMED.search(text)):
        near = text[max(cue.start() - 12, 0) : cue.end()] if cue else ""
        if cue and not {plain(word[0]) for word in _WORD.finditer(near)} & _PLACES:
            return True
    title = _BURMESE_TITLE.search(text)
    return bool(_BETWEEN.search(text)) or bool(title and not title[0].strip().startswith(_NO_BURMESE_NAME))


def _folded(values: pd.Series) -> pa.Array:
    """Texts without accents, fast where all are ASCII already."""
    array = pa.array(values, type=pa.string(), from_pandas=True)
    if pc.all(pc.string_is_ascii(array)).as_py():
        return array
    return pa.array([plain_text(text) for text in array.to_pylist()], type=pa.string())


def plain_text(text: str) -> str:
    """A whole text, each word as `plain`."""
    return text if text.isascii() else _WORD.sub(lambda word: plain(word[0]), text)


def _names_person(text: str) -> bool:
    """Whether a listed name has a neighbour that makes it a person's."""
    listed, family, burmese = _lists()
    words = list(_WORD.finditer(text))
    folded = [plain(word[0]) for word in words]
    for place, (word, name) in enumerate(zip(words, folded, strict=True)):
        if name not in listed:
            continue
        cased = word[0][0].lower() != word[0][0].upper()
        if cased and not word[0][0].isupper():
            continue
        if any(0 <= other < len(words) and folded[other] in _PLACES for other in (place - 1, place + 1, place + 2)):
            continue
        if _TITLE.search(text[: word.start()]):
            return True
        for other in (place - 1, place + 1):
            if 0 <= other < len(words) and _touch(text, words[min(other, place)], words[max(other, place)]):
                beside = words[other][0]
                if folded[other] in listed or folded[other] in _PARTICLES:
                    return True
                sure = other > place or place > 1 or (name in family and folded[other] not in _OPENING)
                if cased and beside[0].isupper() and len(beside) > 2 and sure:
                    return True
    return bool(burmese) and any(any(name in match[0] for name in burmese) for match in _BURMESE.finditer(text))


def _touch(text: str, left: re.Match[str], right: re.Match[str]) -> bool:
    """Whether only a blank stands between two words."""
    return text[left.end() : right.start()].strip() == "" and right.start() - left.end() <= 2


def share_of_names(values: Iterable[str]) -> float:
    """Share of texts that are nothing but two to five words of which one is a listed given name: a column of names."""
    listed, *_ = _lists()
    texts = list(values)
    named = sum(2 <= len(words) <= 5 and any(word in listed for word in words) for words in map(_plain_words, texts))
    return named / len(texts) if texts else 0.0


def _plain_words(text: str) -> list[str]:
    return [plain(word[0]) for word in _WORD.finditer(text)]
