"""The role that a column may have: what its content shows first, then what its name says; a guess with its reason."""

from collections.abc import Mapping

from sdc.dictionary import Confidence, Geography, Role, Sensitivity, Type
from sdc.drafts.content import Facts
from sdc.drafts.places import country_column, level_of_name
from sdc.forms.draft import ENVELOPE, OF_PARENT
from sdc.forms.proposals import Guess, propose, tokens
from sdc.forms.wordlists import QUESTION_TYPES
from sdc.ingest.names import share_of_names
from sdc.ingest.shapes import CERTAIN, NAME, PHONE, SPOT

_MANY = 0.3  # of the observed cells: the column is one of such things
_ROW_WORDS = frozenset(
    [
        "id",
        "index",
        "uuid",
        "key",
        "seq",
        "serial",
        "number",
        "no",
        "num",
        "rowid",
        "row",
        "instanceid",
        "submission",
        "response",
        "record",
        "line",
    ]
)
_KINDS = frozenset(["type", "types", "kind", "category", "status", "access", "reason", "condition"])
_RECORD_NUMBERS = frozenset(
    {"_id", "_index", "_uuid", "uuid", "instanceid", "instance id", "_submission__id", "seq", "index", "response_id"}
)
_ENVELOPE = {name: (role, why) for name, _, _, role, why in (*ENVELOPE, *OF_PARENT) if name.startswith(("_", "inst"))}


def role_of(
    facts: Facts, bare: str, scope: str, labels: tuple[str, ...], pcodes: Mapping[str, tuple[Geography, str]]
) -> Guess:
    """Propose a role for one column.

    Parameters
    ----------
    facts : Facts
    bare : str, its name without its groups
    scope : meta, loc, hh, ind or case
    labels : of the question, where the file has them
    pcodes : columns of p-codes, as `pcode_columns`

    Returns
    -------
    Guess
    """
    name = facts.name
    if facts.type == Type.NUMBER and tokens(bare) == ("long",):
        bare = "longitude"  # a word that says it in no longer name: `how_long`
    share = {kind: records / max(facts.observed, 1) for kind, records in facts.personal.items()}
    if name in pcodes:
        level, why = pcodes[name]
        return Guess(Role.KEY, why, Confidence.HIGH, _class_of(level), level)
    if name in _ENVELOPE:
        role, why = _ENVELOPE[name]
        sensitivity = Sensitivity.HIGH if role in (Role.IDENTIFIER, Role.HOUSEHOLD) else Sensitivity.LOW
        if not (role == Role.HOUSEHOLD and len(facts.cells.values) < 2):  # a main table may have the column too
            return Guess(role, why, Confidence.HIGH, sensitivity)
    if facts.type == Type.DATE and bare in ("start", "end", "today"):
        role, why, sure, sensitivity, _ = QUESTION_TYPES[bare]
        return Guess(role, why, sure, sensitivity)
    own = facts.type == Type.CODE and not facts.listed and 2 * len(facts.cells.values) > facts.observed
    by_name = propose(bare, type=Type.TEXT if own else facts.type, scope=scope, labels=labels)
    if own and by_name.role == Role.OTHER and by_name.geography is None:
        by_name = propose(bare, type=facts.type, scope=scope, labels=labels)
    finer = level_of_name(bare)
    if (
        by_name.role == Role.IDENTIFIER
        and by_name.confidence != Confidence.HIGH
        and finer not in (None, Geography.POINT)
    ):
        by_name = Guess(Role.KEY, "names a place", Confidence.MEDIUM, _class_of(finer), finer)
    if by_name.role == Role.KEY and by_name.geography and finer and finer.depth > by_name.geography.depth:
        by_name = Guess(Role.KEY, by_name.because, by_name.confidence, _class_of(finer), finer)
    if facts.type == Type.CODE and country_column(name, facts.cells.values):
        return Guess(
            Role.KEY, "its codes have the form of countries'", Confidence.MEDIUM, Sensitivity.LOW, Geography.ADMIN0
        )
    if by_name.geography not in (None, Geography.POINT) and _KINDS & set(tokens(bare)):
        by_name = Guess(Role.OTHER, "speaks of a kind of place, not of a place", Confidence.LOW)
    place = by_name.geography is not None and by_name.geography != Geography.POINT
    for kind, part in share.items():
        if kind == PHONE and place and by_name.confidence == Confidence.HIGH:
            continue
        if kind != NAME and part >= _MANY and by_name.role != Role.COUNT:
            geography = Geography.POINT if kind == SPOT else None
            if kind == SPOT and scope == "loc" and by_name.role != Role.IDENTIFIER:
                why = f"coordinates of the place: {facts.personal[kind]:,} of {facts.observed:,} cells look like some"
                return Guess(Role.OTHER, why, Confidence.MEDIUM, Sensitivity.HIGH, geography)
            why = f"{facts.personal[kind]:,} of {facts.observed:,} cells look like {kind}"
            return Guess(Role.IDENTIFIER, why, Confidence.HIGH, Sensitivity.SEVERE, geography)
    if facts.type in (Type.TEXT, Type.CODE) and not facts.listed and not place and _holds_names(facts):
        return Guess(
            Role.IDENTIFIER, "many of its cells are like names of persons", Confidence.MEDIUM, Sensitivity.SEVERE
        )
    if facts.type == Type.TEXT and by_name.role != Role.IDENTIFIER:
        told = ", ".join(f"{records:,} with {kind}" for kind, records in facts.personal.items())
        why = f"free text; cells {told}" if told else by_name.because
        why = why if why.startswith("free text") else f"free text; {why}"
        severity = Sensitivity.SEVERE if told else max(by_name.sensitivity, Sensitivity.HIGH, key=lambda s: s.rank)
        role = by_name.role if by_name.role in (Role.SENSITIVE, Role.KEY) else Role.OTHER
        return Guess(role, why, Confidence.MEDIUM, severity, by_name.geography)
    certain = [kind for kind in facts.personal if kind in CERTAIN]
    if certain and by_name.role != Role.IDENTIFIER:
        why = f"{facts.personal[certain[0]]:,} of its cells look like {certain[0]}"
        return Guess(Role.IDENTIFIER, why, Confidence.MEDIUM, Sensitivity.SEVERE)
    if by_name.role == Role.OTHER and by_name.confidence == Confidence.LOW:
        return _by_content(facts, bare, by_name)
    return by_name


def _holds_names(facts: Facts) -> bool:
    """Whether a column is one of names of persons."""
    return len(facts.cells.values) > 5 and share_of_names(facts.cells.values.head(400)) >= _MANY


def _by_content(facts: Facts, bare: str, by_name: Guess) -> Guess:
    """A role for a column whose name says nothing."""
    words = tokens(bare)
    if bare.casefold() in _RECORD_NUMBERS and (facts.unique or not facts.observed):
        return Guess(Role.IDENTIFIER, "numbers the records: each has its own", Confidence.HIGH, Sensitivity.MODERATE)
    if facts.unique and facts.observed >= 20 and facts.type in (Type.INTEGER, Type.CODE):
        sure = Confidence.HIGH if set(words) & _ROW_WORDS else Confidence.LOW
        if sure == Confidence.LOW and facts.type == Type.INTEGER and not _numbers_rows(facts):
            why = "every record has its own number, as an amount may have: is it an amount, or does it name records?"
            return Guess(Role.OTHER, why, Confidence.LOW, Sensitivity.MODERATE)
        return Guess(Role.IDENTIFIER, "every record has its own", sure, Sensitivity.MODERATE)
    level = level_of_name(bare)
    placed = facts.type in (Type.CODE, Type.TEXT) or (facts.type == Type.INTEGER and "id" in words)
    if (
        level not in (None, Geography.POINT)
        and placed
        and len(words) <= 3
        and not facts.listed
        and not _KINDS & set(words)
    ):
        assert level is not None
        return Guess(Role.KEY, "its name speaks of a place", Confidence.LOW, _class_of(level), level)
    if not facts.observed:
        return Guess(Role.OTHER, "empty in this file", Confidence.LOW)
    return Guess(Role.OTHER, "nothing speaks for another role", Confidence.LOW, by_name.sensitivity)


def _numbers_rows(facts: Facts) -> bool:
    """Whether different whole numbers run on without gaps, or are all equally long: amounts do neither."""
    texts = facts.cells.values
    if not texts.str.fullmatch(r"[0-9]{1,18}").all():
        return False
    numbers = texts.astype("int64")
    return bool(numbers.max() - numbers.min() < 2 * len(numbers)) or bool(
        texts.str.len().nunique() == 1 and len(texts.iloc[0]) >= 6
    )


def _class_of(level: Geography) -> Sensitivity:
    """OCHA's class of an area."""
    if level.depth >= Geography.SITE.depth:
        return Sensitivity.HIGH
    return Sensitivity.MODERATE if level.depth >= Geography.ADMIN3.depth else Sensitivity.LOW
