"""Texts with the shape of something that names a person, a device or a spot: which kinds, in which distinct texts."""

import re
from collections.abc import Callable

import numpy as np
import pandas as pd
import phonenumbers
import pyarrow as pa
import pyarrow.compute as pc

from sdc.ingest.checksums import CHECKED, LETTERED, card, iban, imei, lettered
from sdc.ingest.names import names_persons
from sdc.ingest.typed import DIGITS

_LEVELLED = DIGITS | str.maketrans(
    {"\u00a0": " ", "\u202f": " ", "\u2009": " ", "\u2010": "-", "\u2011": "-", "\u2012": "-", "\u2013": "-",
     "\u2014": "-", "\u2212": "-", "＋": "+", "＠": "@", "．": ".", "٫": ".", "،": ",", "٪": "%",
     **dict.fromkeys("\u200b\u200c\u200d\u200e\u200f\u061c\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069\ufeff")},
)  # fmt: skip

PHONE, EMAIL, WEB, MEDIA = "telephone numbers", "e-mail addresses", "web addresses", "links to recordings"
UUID, SPOT, DEVICE = "universally unique ids", "coordinates", "device numbers (IMEI)"
CARD, ACCOUNT, IDENTITY, NAME = "payment cards", "bank accounts (IBAN)", "identity numbers", "names of persons"
KINDS = (PHONE, EMAIL, WEB, MEDIA, UUID, SPOT, DEVICE, CARD, ACCOUNT, IDENTITY, NAME)
CERTAIN = frozenset({EMAIL, MEDIA, SPOT, DEVICE, CARD, ACCOUNT})

_EMAIL = re.compile(
    r"[\w.+-]+@[\w-]+(?:\.[\w-]{2,})+|[\w.+-]{2,}\s?[\[(]\s?at\s?[\])]\s?[\w-]+\s?(?:\.|[\[(]\s?dot\s?[\])])\s?\w{2,}"
)
_WEB = re.compile(r"(?:https?|ftp)://\S+|www\.\w[\w-]*\.\w\S*", re.IGNORECASE)
_MEDIA = re.compile(
    r"(?:https?://\S*(?:kobo|ona\.io|odk|enketo|surveycto|audit|media|attachment|uuid|original)\S*|"
    r"https?://\S+\.(?:jpe?g|png|amr|m4a|mp3|mp4|3gp|wav|csv))(?:$|[?\s])|^[\w-]+\.(?:jpe?g|amr|m4a|3gp|wav)$|^audit\.csv$",
    re.IGNORECASE,
)
_UUID = re.compile(r"(?<![\w-])(?:uuid:)?[0-9a-fA-F]{8}(?:-?[0-9a-fA-F]{4}){3}-?[0-9a-fA-F]{12}(?![\w-])")
_PAIR = re.compile(
    r"(?<![\d.])[+-]?([0-9]{1,3}\.[0-9]{4,})\s*°?\s*[NSEWns]?\s*[,;/ ]\s*[+-]?([0-9]{1,3}\.[0-9]{4,})(?![\d])"
)
_PAIR_ALONE = re.compile(
    r"[+-]?([0-9]{1,3}\.[0-9]{3,})°?\s?[NSns]?[,;/ ]\s?"
    r"[+-]?([0-9]{1,3}\.[0-9]{3,})°?\s?[EWew]?(?:[ ,;]+[+-]?[0-9.]+){0,2}"
)
_DMS = re.compile(
    r"[0-9]{1,3}\s?[°º˚]\s?[0-9]{1,2}(?:\.[0-9]+)?\s?['′’ʹ]|[0-9]{1,3}\s?[°º˚]\s?[0-9]{1,2}\.[0-9]+|"
    r"[0-9]{1,3}-[0-9]{2}-[0-9]{2}(?:\.[0-9]+)?\s?[NSns][ ,;]+[0-9]{1,3}-[0-9]{2}-[0-9]{2}"
)
_PLUS_CODE = re.compile(r"(?<![\w+])[23456789CFGHJMPQRV][23456789CFGHJMPQRVWX]{7}\+[23456789CFGHJMPQRVWX]{2,3}(?!\w)")
_ABROAD = re.compile(r"(?<![\w+])(?:\+|00)[ (]?[1-9][0-9 ().-]{6,18}[0-9](?!\w)")
_HOME = re.compile(r"(?<![\w.,/+-])\(?0[1-9][0-9 ().-]{6,13}[0-9](?![\w/])")
_CALL = (
    "tel|phone|mobile|mob|cell|call|calls|contact|contacter|contactar|reach|llamar a|whats ?app"
    "|viber|telegram|téléphone|telephone|"
    "teléfono|telefono|celular|llamar|llame|appeler|appelez|joindre|тел|телефон|дзвоніть|звонить|телефону"
)
_CALL_ELSEWHERE = "هاتف|تلفون|موبايل|جوال|اتصل|واتساب|ስልክ|ፎን|ဖုန်း|ফোন|মোবাইল|फोन|मोबाइल"
_PAPER = (
    "id|nid|national id|identity|passport|ration card|case no|case number|registration no"
    "|registration number|c[ée]dula|dni|nie|curp|rut|"
    "carte d'identit[ée]|cni|passeport|pasaporte|nin|unhcr|паспорт|ідентифікаційний|инн|іпн|рнокпп|снилс"
)
_PAPER_ELSEWHERE = (
    "هوية|رقم وطني|الرقم الوطني|جواز|بطاقة|መታወቂያ|ፓስፖርት|မှတ်ပုံတင်|နိုင်ငံသား"
    "|পরিচয়পত্র|পাসপোর্ট|एनआईडी|आधार|राहदानी|नागरिकता|परिचयपत्र"
)
_CALLED = re.compile(
    rf"(?:\b(?:{_CALL})\b|{_CALL_ELSEWHERE})[^0-9+]{{0,24}}(\+?[0-9][0-9 ().-]{{5,16}}[0-9])(?!\w)", re.IGNORECASE
)
_KNOWN = re.compile(
    rf"(?:\b(?:{_PAPER})\b|{_PAPER_ELSEWHERE})[^0-9A-Z]{{0,24}}((?:[A-Z]{{1,3}}[ -]?)?[0-9][0-9 -]{{4,18}}[0-9])(?!\w)",
    re.IGNORECASE,
)
_ACCOUNT = re.compile(r"(?<!\w)[A-Z]{2}[0-9]{2}(?:[ -]?[A-Z0-9]{2,4}){3,8}(?!\w)")
_LONG = re.compile(
    r"(?<![\w.+-])(?:[0-9]{13,16}|[0-9]{4}(?:[ -][0-9]{4}){3}|[0-9]{2}[ -][0-9]{6}[ -][0-9]{6}[ -][0-9])(?![\w.])"
)
_DAY = re.compile(
    r"(?<![0-9-])(?:[0-9]{1,2}[-./ ][0-9]{1,2}[-./ ](?:[0-9]{4}|[0-9]{2})"
    r"|[0-9]{4}[-./][0-9]{1,2}[-./][0-9]{1,2})(?![0-9-])"
)
_MAYBE = r"[0-9](?:[^0-9A-Za-z]{0,3}[0-9]){4}|@|\(at\)|\[at\]|://|www\.|°|º|˚|\+[23456789CFGHJMPQRVWX]{2}|\.(?:jpe?g|amr|m4a|3gp|wav|csv)$"
_NEAR = {  # what a text must hold for its kind to be looked for at all: these run over a whole column at once
    PHONE: rf"(?i)\+|00[ (]?[1-9]|(?:^|[^0-9])0[1-9][0-9 ().-]{{7}}|(?:{_CALL}|{_CALL_ELSEWHERE})[^0-9+]{{0,24}}[0-9]",
    EMAIL: r"@|[(\[]\s?at",
    WEB: r"(?i)://|www\.",
    MEDIA: r"(?i)://|\.(?:jpe?g|amr|m4a|3gp|wav|csv)$",
    UUID: r"[0-9a-fA-F]{8}-?[0-9a-fA-F]{4}",
    SPOT: r"\.[0-9]{3,}|[°º˚]|[0-9]-[0-9]{2}-[0-9]{2}|\+[23456789CFGHJMPQRVWX]{2}",
    ACCOUNT: r"[A-Z]{2}[0-9]{2}[ -]?[A-Z0-9]{2}",
    IDENTITY: rf"(?i)(?:{_PAPER}|{_PAPER_ELSEWHERE})[^0-9]{{0,28}}[0-9]|[0-9]{{7}}-?[A-Z]"
    rf"|[0-9]{{3}}-[0-9K](?:$|[^0-9])|/[^/]{{3,26}}[(]",
}
_NEAR_CHECKED = r"[0-9]{10}|[0-9]{4}[ -][0-9]{4}[ -]|[0-9]{2}[ -][0-9]{6}[ -]"
_SEEN = 400  # distinct texts that decide whether a column is one of checked numbers
_REGIONS = [
    "AF",
    "AM",
    "AO",
    "AZ",
    "BA",
    "BD",
    "BF",
    "BI",
    "BJ",
    "BO",
    "BR",
    "BY",
    "CD",
    "CF",
    "CG",
    "CI",
    "CL",
    "CM",
    "CO",
    "DJ",
    "DO",
    "DZ",
    "EC",
    "EG",
    "ER",
    "ES",
    "ET",
    "FR",
    "GE",
    "GH",
    "GM",
    "GN",
    "GR",
    "GT",
    "GW",
    "HN",
    "HT",
    "ID",
    "IN",
    "IQ",
    "IR",
    "IT",
    "JO",
    "KE",
    "KG",
    "KH",
    "KM",
    "KZ",
    "LB",
    "LK",
    "LR",
    "LY",
    "MA",
    "MD",
    "MG",
    "ML",
    "MM",
    "MR",
    "MW",
    "MX",
    "MZ",
    "NE",
    "NG",
    "NI",
    "NP",
    "PA",
    "PE",
    "PG",
    "PH",
    "PK",
    "PL",
    "PS",
    "RO",
    "RS",
    "RU",
    "RW",
    "SD",
    "SL",
    "SN",
    "SO",
    "SS",
    "SV",
    "SY",
    "TD",
    "TG",
    "TH",
    "TJ",
    "TN",
    "TR",
    "TZ",
    "UA",
    "UG",
    "UZ",
    "VE",
    "VN",
    "YE",
    "ZA",
    "ZM",
    "ZW",
]


def kinds_found(values: pd.Series, *, names: bool = False, place: bool = False) -> dict[str, np.ndarray]:
    """Which distinct texts hold what names a person, a device or a spot.

    Digits of Arabic, Persian, Devanagari, Bengali, Burmese and other scripts count as digits; invisible characters are
    passed over.

    Parameters
    ----------
    values : Series of str, u distinct texts
    names : bool, look for names of persons too; only in what people wrote freely
    place : bool, the texts are codes of places: digits alone are then no telephone number

    Returns
    -------
    dict, kind to array of bool (u,); kinds that were found only
    """
    texts = levelled(values)
    near = _matching(texts, _MAYBE)
    places = np.flatnonzero(near)
    found: dict[str, np.ndarray] = {}
    candidates = texts.take(pa.array(places))
    for kind, test in _TESTS.items() if len(places) else ():
        held = np.flatnonzero(_matching(candidates, _NEAR[kind]))
        cells = candidates.take(pa.array(held)).to_pylist()
        hits = [test(text) and not (place and kind == PHONE and text.isdigit()) for text in cells]
        found[kind] = _spread(np.array(hits, dtype=bool), places[held], len(values))
    if len(places):
        held = np.flatnonzero(_matching(candidates, _NEAR_CHECKED))
        _numbers_with_checks(candidates.take(pa.array(held)).to_pylist(), places[held], len(values), found)
    if names:
        found[NAME] = names_persons(pd.Series(texts.to_pylist(), dtype=object))
    return {kind: hit for kind, hit in found.items() if hit.any()}


def _matching(texts: pa.Array, pattern: str) -> np.ndarray:
    return pc.match_substring_regex(texts, pattern).to_numpy(zero_copy_only=False)


def levelled(values: pd.Series) -> pa.Array:
    """Texts with ASCII digits and signs, and without characters that cannot be seen."""
    array = pa.array(values, type=pa.string(), from_pandas=True)
    if pc.all(pc.string_is_ascii(array)).as_py():
        return array
    return pa.array([text if text.isascii() else text.translate(_LEVELLED) for text in array.to_pylist()], pa.string())


def _spread(hits: np.ndarray, places: np.ndarray, n: int) -> np.ndarray:
    full = np.zeros(n, dtype=bool)
    full[places] = hits
    return full


def _digits(text: str) -> str:
    return re.sub(r"[^0-9]", "", text)


def _phone(text: str) -> bool:
    """A number with its country, one after a word for telephone, or a local one that some country issues."""
    if _spot(text) and "+" not in text:
        return False
    plain = _DAY.sub("#", text) if _DAY.search(text) and "+" not in text else text
    if any(8 <= len(_digits(found[0]).lstrip("0")) <= 15 for found in _ABROAD.finditer(plain)):
        return True
    if any(7 <= len(_digits(found[1])) <= 13 for found in _CALLED.finditer(plain)):
        return not _KNOWN.search(text)
    return any(_issued(_digits(found[0])) for found in _HOME.finditer(plain))


def _issued(digits: str) -> bool:
    """Whether a local number is one that a country of displacement could have issued."""
    if not 9 <= len(digits) <= 12:
        return False
    for region in _REGIONS:
        try:
            if phonenumbers.is_valid_number_for_region(phonenumbers.parse(digits, region), region):
                return True
        except phonenumbers.NumberParseException:
            continue
    return False


def _spot(text: str) -> bool:
    """Two decimal degrees, degrees with minutes, or a plus code."""
    alone = _PAIR_ALONE.fullmatch(text)
    written = [*_PAIR.findall(text), *([alone.groups()] if alone else [])]
    pairs = (min(float(n), float(m)) <= 90 and max(float(n), float(m)) <= 180 for n, m in written)
    return any(pairs) or bool(_DMS.search(text)) or bool(_PLUS_CODE.search(text))


def _identity(text: str) -> bool:
    """A number after a word for identity papers, or one with letters that passes its country's check."""
    if any(5 <= len(_digits(found[1])) <= 17 for found in _KNOWN.finditer(text)):
        return True
    return any(lettered(found[0]) for found in LETTERED.finditer(text))


def _web(text: str) -> bool:
    return bool(_WEB.search(text)) and not _MEDIA.search(text)


_TESTS: dict[str, Callable[[str], bool]] = {
    PHONE: _phone,
    EMAIL: lambda text: bool(_EMAIL.search(text)),
    WEB: _web,
    MEDIA: lambda text: bool(_MEDIA.search(text)),
    UUID: lambda text: bool(_UUID.search(text)),
    SPOT: _spot,
    ACCOUNT: lambda text: any(iban(found[0]) for found in _ACCOUNT.finditer(text)),
    IDENTITY: _identity,
}


def _numbers_with_checks(texts: list[str], places: np.ndarray, n: int, found: dict[str, np.ndarray]) -> None:
    """Devices, cards and national numbers. One number in ten passes a check by chance, so a column is judged whole.

    Where most of the column's numbers of one length pass, those are what they seem. A single long number within a
    sentence counts when it passes: sentences hold few.
    """
    whole = [text if text.isascii() and text.isdigit() else "" for text in texts]
    for kind, lengths, test in ((DEVICE, (15, 16), imei), (CARD, (15, 16), card)):
        hits = _majority(whole, lengths, test)
        loose = [
            not w and any(test(_digits(m[0])) for m in _LONG.finditer(t)) for w, t in zip(whole, texts, strict=True)
        ]
        if kind == CARD and DEVICE in found:
            hits &= ~found[DEVICE][places]
        found[kind] = _spread(hits | np.array(loose, dtype=bool), places, n)
    identity = found[IDENTITY][places]
    for length, tests in CHECKED.items():
        for rule in tests:
            identity |= _majority(whole, (length,), rule, least=3)
    found[IDENTITY] |= _spread(identity, places, n)


def _majority(whole: list[str], lengths: tuple[int, ...], test: Callable[[str], bool], least: int = 1) -> np.ndarray:
    """Which texts pass a check, none where half of the same length fail it."""
    of_length = [place for place, text in enumerate(whole) if len(text) in lengths]
    hits = np.zeros(len(whole), dtype=bool)
    if len(of_length) < least:
        return hits
    seen = of_length[:: max(1, len(of_length) // _SEEN)]
    passed = sum(test(whole[place]) for place in seen)
    needed = 0.5 if least == 1 else 0.9
    if passed > needed * len(seen):
        hits[[place for place in of_length if test(whole[place])]] = True
    return hits
