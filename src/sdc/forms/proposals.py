"""What the role of a column may be, from its name, its labels and its question: a guess with its reason."""

import itertools
import re
import unicodedata
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from sdc.dictionary import Confidence, Geography, Proposal, Role, Sensitivity, Type
from sdc.forms.naming import part_of_name
from sdc.forms.wordlists import (
    ANONYMISE,
    AREAS,
    BARE_NAME,
    COUNTED,
    COUNTING,
    DEMOGRAPHIC,
    HOUSEHOLD_IDS,
    IDENTIFIERS,
    NO_NAME,
    ONLY_COUNTED,
    PERSON_NAME,
    PERSONS,
    PLACES,
    QUESTION_TYPES,
    SENSITIVE,
    TAKING_PART,
    WEIGHTS,
)

_REFERENCE = re.compile(r"\$\{[^}]*\}|<[^>]*>")
_TOKEN = re.compile(r"[^\W_]+")
_CAMEL = re.compile(r"(?<=[a-z])(?=[A-Z][A-Za-z])")  # `siteID` is two words, `DoB` is one
_NUMBER_OF = re.compile(r"^\s*(?:#|№|[Nn][°º])\s*(?=\w)")
_OF_PLACES = {"type", "types", "access", "management", "status", "multiple"}  # what is asked of a place, not which one
_LEVEL = re.compile(r"(?:^|[^a-z])adm(?:in)?[ _.-]?([0-4])(?![0-9])", re.IGNORECASE)


@dataclass(frozen=True)
class Guess:
    """A proposed role with what goes with it; nothing of it holds before a person confirms it."""

    role: Role
    because: str
    confidence: Confidence
    sensitivity: Sensitivity = Sensitivity.LOW
    geography: Geography | None = None

    @property
    def proposal(self) -> Proposal:
        """The part that the dictionary keeps until it is confirmed."""
        return Proposal(role=self.role, because=self.because, confidence=self.confidence)


def propose(
    name: str,
    *,
    type: Type,
    scope: str,
    labels: Iterable[str] = (),
    question: str | None = None,
    anonymise: str | None = None,
) -> Guess:
    """Propose the role of a column.

    The first of these that speaks decides: the form's own `anonymise` column, the type of the question, the words of
    the name, the words of the labels, the type of the cells.

    Parameters
    ----------
    name : str, of the column, without its groups
    type : Type, of its cells
    scope : meta, loc, hh, ind or case
    labels : iterable of str, in any language
    question : str, XLSForm's type of the question
    anonymise : str, cell of koboloadeR's column

    Returns
    -------
    Guess

    Guarantees
    ----------
    * A role that the type of the cells cannot have is never proposed.
    """
    personal = scope in ("hh", "ind", "case")
    told = ANONYMISE.get((anonymise or "").strip().casefold())
    by_name = _by_words(name, tokens(name), type, scope, "its name")
    if told is not None:
        role, because, confidence = told
        guess = Guess(
            role, f"the form's column `anonymise` says `{(anonymise or '').strip().casefold()}`: {because}", confidence
        )
        hint = by_name if by_name is not None else guess
        sensitivity = Sensitivity.SEVERE if role == Role.IDENTIFIER else hint.sensitivity
        return replace(guess, sensitivity=sensitivity, geography=hint.geography)
    if question in QUESTION_TYPES:
        role, because, confidence, sensitivity, geography = QUESTION_TYPES[question]
        if question == "geopoint" and not personal and scope != "meta":
            because = "the coordinates of the place; they follow its code and are displaced or dropped by the policy"
            return Guess(Role.OTHER, because, Confidence.MEDIUM, Sensitivity.HIGH, geography)
        return Guess(role, because, confidence, sensitivity, geography)
    told_else = type == Type.TEXT and part_of_name(name)[1] == "other"  # a free text, whatever its question is about
    if by_name is not None and not (told_else and by_name.role not in (Role.IDENTIFIER, Role.SENSITIVE)):
        return by_name
    by_label = _by_words(name, tokens(_REFERENCE.sub(" ", " ".join(labels))), type, scope, "its label")
    if by_label is not None:
        lower = {Confidence.HIGH: Confidence.MEDIUM}.get(by_label.confidence, Confidence.LOW)
        return replace(by_label, confidence=lower)
    if type == Type.TEXT:
        sensitivity = Sensitivity.HIGH if personal or part_of_name(name)[1] == "other" else Sensitivity.MODERATE
        return Guess(
            Role.OTHER, "free text: the policy drops it unless somebody reviews it", Confidence.MEDIUM, sensitivity
        )
    if type == Type.DATE:
        return Guess(Role.OTHER, "a date that its name does not tie to a person", Confidence.LOW)
    return Guess(Role.OTHER, "no word of it speaks of a person, a place or a count", Confidence.LOW)


def tokens(text: str) -> tuple[str, ...]:
    """Words of a name or a label, in lower case and without accents."""
    plain = unicodedata.normalize("NFKD", _CAMEL.sub(" ", _NUMBER_OF.sub("num ", text)))
    plain = "".join(sign for sign in plain if not unicodedata.combining(sign)).casefold()
    return tuple(_TOKEN.findall(plain))


def _by_words(name: str, words: tuple[str, ...], type: Type, scope: str, source: str) -> Guess | None:
    """The first rule whose words are there."""
    said = set(words)
    pairs = said | {f"{one} {two}" for one, two in itertools.pairwise(words)}
    personal = scope in ("hh", "ind", "case")

    def first(found: Iterable[str] | Mapping[str, object]) -> str | None:
        return next((word for word in found if word in pairs), None)

    def because(word: str, what: str) -> str:
        return f"{source} says `{word}`: {what}"

    level = _LEVEL.search(name) if source == "its name" else None
    if level:
        geography = Geography(f"admin{level[1]}")
        return Guess(
            Role.KEY, because(level[0].strip("_"), "an area"), Confidence.HIGH, _sensitivity(geography), geography
        )
    if word := first(PERSON_NAME):
        person, place = first(PERSONS), first(PLACES)
        if type in (Type.TEXT, Type.CODE) and (person or not place) and not first(NO_NAME):
            sure = Confidence.HIGH if person or word not in BARE_NAME else Confidence.MEDIUM
            sure = sure if type == Type.TEXT else Confidence.LOW
            return Guess(Role.IDENTIFIER, because(word, "the name of a person"), sure, Sensitivity.SEVERE)
    for what, listed, types, confidence in IDENTIFIERS:
        word = first(listed)
        if word and type in types:
            point = Geography.POINT if what == "coordinates" else None
            if what == "coordinates" and not personal and scope != "meta":
                return Guess(
                    Role.OTHER,
                    because(word, "coordinates of the place"),
                    Confidence.MEDIUM,
                    Sensitivity.HIGH,
                    point,
                )
            return Guess(Role.IDENTIFIER, because(word, what), confidence, Sensitivity.SEVERE, point)
    if ({"id", "code"} & said or len(words) == 1) and said & TAKING_PART and type != Type.DATE:
        word = min({"id", "code"} & said or said)
        what = because(word, "a name or a number for somebody who takes part in the interview")
        return Guess(Role.IDENTIFIER, what, Confidence.MEDIUM, Sensitivity.HIGH)
    numbers = (Type.TEXT, Type.INTEGER, Type.CODE)
    if (word := first(HOUSEHOLD_IDS)) and type in numbers and not _counts_on(words, word):
        return Guess(
            Role.HOUSEHOLD, because(word, "ties the records of one household"), Confidence.MEDIUM, Sensitivity.HIGH
        )
    if (word := first(WEIGHTS)) and type in (Type.NUMBER, Type.INTEGER) and len(words) <= 2:
        return Guess(Role.WEIGHT, because(word, "a sampling weight"), Confidence.MEDIUM)
    if type == Type.INTEGER and scope == "loc" and (counted := first(COUNTED)):
        counting = first(COUNTING)
        if counting:
            what = because(f"{counting} {counted}", "people counted at a place")
            return Guess(
                Role.COUNT, what, Confidence.HIGH if source == "its name" else Confidence.MEDIUM, Sensitivity.MODERATE
            )
    if type == Type.INTEGER and scope == "loc" and pairs & set(COUNTED) and said <= ONLY_COUNTED | _digits(said):
        what = because(" ".join(words), "it names people and nothing else, and holds whole numbers")
        return Guess(Role.COUNT, what, Confidence.MEDIUM, Sensitivity.MODERATE)
    if word := first(SENSITIVE):
        sure = Confidence.HIGH if personal and source == "its name" else Confidence.MEDIUM
        severity = Sensitivity.SEVERE if personal else Sensitivity.HIGH
        if type == Type.TEXT and part_of_name(name)[1] == "other":
            return Guess(Role.OTHER, because(word, "free text on a sensitive matter"), Confidence.MEDIUM, severity)
        return Guess(Role.SENSITIVE, because(word, SENSITIVE[word]), sure, severity)
    if (word := first(DEMOGRAPHIC)) and type != Type.TEXT:
        what = because(word, DEMOGRAPHIC[word])
        if personal:
            sure = Confidence.HIGH if source == "its name" else Confidence.MEDIUM
            return Guess(Role.KEY, f"{what}, which a neighbour knows", sure, Sensitivity.MODERATE)
        if first(PERSONS) or said & TAKING_PART:
            return Guess(Role.OTHER, f"{what} of somebody who took part", Confidence.MEDIUM, Sensitivity.MODERATE)
    if (word := first(AREAS)) and type in (Type.CODE, Type.TEXT) and len(words) <= 6 and not said & _OF_PLACES:
        geography = AREAS[word]
        sure = Confidence.MEDIUM if source == "its name" else Confidence.LOW
        return Guess(Role.KEY, because(word, "a place"), sure, _sensitivity(geography), geography)
    return None


def _counts_on(words: tuple[str, ...], pair: str) -> bool:
    """Whether what seems to number a household goes on as a count: `hh number of children`, `hh number 12 14y`."""
    after = words[words.index(pair.split()[-1]) + 1 :]
    return len(after) > 1 and (after[0] in ("of", "de") or after[0].isdigit())


def _digits(words: set[str]) -> set[str]:
    """Those that are numbers: `men 18 59`."""
    return {word for word in words if word.isdigit()}


def _sensitivity(geography: Geography) -> Sensitivity:
    """OCHA's class of an area: finer ones weigh more."""
    if geography.depth >= Geography.SITE.depth:
        return Sensitivity.HIGH
    return Sensitivity.MODERATE if geography.depth >= Geography.ADMIN3.depth else Sensitivity.LOW
