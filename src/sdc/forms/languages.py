"""The language of a label column: ``label::English (en)``, ``label::french``, ``label``."""

import re

_NAMES = {
    "am": ("amharic", "አማርኛ"),
    "ar": ("arabic", "arabe", "العربية", "عربي", "عربى"),
    "bn": ("bengali", "bangla"),
    "ckb": ("sorani",),
    "en": ("english", "anglais", "ingles", "inglés"),
    "es": ("spanish", "español", "espanol", "espagnol", "castellano"),
    "fa": ("farsi", "persian", "dari", "فارسی"),
    "fr": ("french", "français", "francais", "francés"),
    "ha": ("hausa",),
    "ht": ("haitian creole", "creole", "kreyòl", "kreyol"),
    "ku": ("kurdish", "kurmanji", "كردي"),
    "my": ("burmese", "myanmar"),
    "ne": ("nepali",),
    "ny": ("chichewa", "nyanja"),
    "ps": ("pashto", "پښتو"),
    "pt": ("portuguese", "português", "portugues", "portugais"),
    "ru": ("russian", "русский"),
    "so": ("somali", "soomaali", "af-soomaali"),
    "sw": ("swahili", "kiswahili"),
    "ti": ("tigrinya", "ትግርኛ"),
    "tr": ("turkish", "türkçe", "turkce"),
    "uk": ("ukrainian", "українська"),
    "ur": ("urdu", "اردو"),
}
_CODES = {name: code for code, names in _NAMES.items() for name in (code, *names)}
_TAGGED = re.compile(r"\(\s*([a-z]{2,3})(?:[-_][A-Za-z]+)?\s*\)\s*$", re.IGNORECASE)


def language_code(written: str) -> str:
    """Code of a language as a form writes it: ``English (en)``, ``french``, ``العربية``; unknown ones in lower case."""
    tagged = _TAGGED.search(written)
    if tagged:
        return tagged[1].lower()
    plain = " ".join(written.split()).casefold()
    return _CODES.get(plain, plain)


def language_header(code: str) -> str:
    """A language as an XLSForm writes it in its headers: ``English (en)``."""
    names = _NAMES.get(code)
    return f"{names[0].capitalize()} ({code})" if names else code
