"""The tables of the register: facts that are only added, and a few rows that say how things stand now."""

from sqlalchemy import CheckConstraint, Column, Integer, MetaData, Table, Text, UniqueConstraint

from sdc.register.states import (
    ANSWERS,
    CATEGORIES,
    CHANNELS,
    DATA_LEVELS,
    ENDS,
    LEVELS,
    MARKS,
    OBLIGATIONS,
    ONWARD,
    ORGANISATIONS,
    QUESTIONS,
    ROLES,
    STATES,
    TIERS,
    USES,
    WITHDRAWALS,
)

SCHEMA_VERSION = "1"
METADATA = MetaData()


def _text(name: str, among: tuple[str, ...] = (), *, key: bool = False, may_lack: bool = False) -> Column:
    return Column(name, Text, primary_key=key, nullable=may_lack, info={"among": among})


def _whole(name: str, *, key: bool = False, may_lack: bool = False) -> Column:
    return Column(name, Integer, primary_key=key, nullable=may_lack, autoincrement=False)


def _truth(name: str, *, may_lack: bool = False) -> Column:
    return Column(name, Integer, nullable=may_lack, info={"truth": True})


def _table(name: str, *parts: Column | CheckConstraint | UniqueConstraint) -> Table:
    """A strict table; a list of values, a truth and a day become checks of the database."""
    checks = []
    for column in (part for part in parts if isinstance(part, Column)):
        among = column.info.get("among")
        if among:
            listed = ", ".join(f"'{value}'" for value in among)
            checks.append(CheckConstraint(f"{column.name} IN ({listed})", name=f"{name}_{column.name}"))
        if column.info.get("truth"):
            checks.append(CheckConstraint(f"{column.name} IN (0, 1)", name=f"{name}_{column.name}"))
        if column.name.endswith(("_on", "_by_day", "_until")) or column.name == "expires":
            checks.append(CheckConstraint(f"{column.name} LIKE '____-__-__'", name=f"{name}_{column.name}"))
        if column.name.endswith("sha256") or column.name in ("hash", "previous_hash"):
            checks.append(CheckConstraint(f"length({column.name}) = 64", name=f"{name}_{column.name}"))
        if column.name == "actor":
            plain = f"length({column.name}) BETWEEN 2 AND 64 AND {column.name} NOT LIKE '% %'"
            checks.append(CheckConstraint(f"{plain} AND {column.name} NOT LIKE '%@%'", name=f"{name}_actor"))
    return Table(name, METADATA, *parts, *checks, sqlite_strict=True)


def _numbered(name: str, *parts: Column | CheckConstraint) -> Table:
    """Facts of a request, numbered: who entered each, and when."""
    columns = [part for part in parts if isinstance(part, Column)]
    checks = [part for part in parts if not isinstance(part, Column)]
    key = (_text("request_id", key=True), _whole("number", key=True))
    return _table(name, *key, *columns, _text("actor"), _text("at"), *checks)


META = _table("meta", _text("entry", key=True), _text("content"))
TRANSITION = _table("transition", _text("state_before", STATES, key=True), _text("state_after", STATES, key=True))
PERMISSION = _table("permission", _text("verb", key=True), _text("role", ROLES, key=True))

EVENT = _table(
    "event",
    _whole("seq", key=True),
    _text("at"),
    _text("actor"),
    _text("verb"),
    _text("request_id", may_lack=True),
    _text("state_before", may_lack=True),
    _text("state_after", may_lack=True),
    _text("content"),
    _text("previous_hash"),
    _text("hash"),
)
ACTOR = _table("actor", Column("actor", Text, primary_key=True), _truth("active"), _text("added_at"))
ACTOR_ROLE = _table(
    "actor_role", Column("actor", Text, primary_key=True), _text("role", ROLES, key=True), _truth("active")
)
REQUEST = _table(
    "request",
    _text("id", key=True),
    _text("state", STATES),
    _whole("cycle"),
    _text("asked_from", may_lack=True),
    _text("received_at"),
    _text("title"),
    _text("purpose"),
    _text("organisation"),
    _text("organisation_type", ORGANISATIONS),
    _text("team", may_lack=True),
    _text("component"),
    _text("country"),
    _text("rounds"),
    _text("variables"),
    _text("policy"),
    _text("category", CATEGORIES),
    _text("data_level", DATA_LEVELS),
    _text("urgency", LEVELS),
    _text("importance", LEVELS),
    _text("needed_on", may_lack=True),
    _text("completion_on", may_lack=True),
    _text("planned_outputs", may_lack=True),
    _text("planned_linkage", may_lack=True),
    _text("onward_sharing", ONWARD),
    _text("owner"),
    _text("identity_checked_by", may_lack=True),
    _text("source", may_lack=True),
    _text("response", may_lack=True),
    _text("reason", may_lack=True),
    _text("closure", may_lack=True),
    CheckConstraint("id LIKE 'REQ-____-%'", name="request_id"),
    CheckConstraint("cycle >= 1", name="request_cycle"),
    CheckConstraint("length(purpose) >= 10", name="request_purpose"),
    CheckConstraint(
        f"state NOT IN ({', '.join(repr(state) for state in ENDS)}) OR length(coalesce(reason, '')) >= 3",
        name="request_ends_with_a_reason",
    ),
    CheckConstraint("state <> 'closed' OR length(coalesce(closure, '')) >= 3", name="request_closes_with_words"),
    CheckConstraint("state <> 'needs_info' OR asked_from IS NOT NULL", name="request_asked_from"),
)
APPRAISAL = _numbered(
    "appraisal",
    _whole("cycle"),
    *(
        column
        for question in QUESTIONS
        for column in (_text(question, ANSWERS), Column(f"{question}_note", Text, nullable=False))
    ),
    *(CheckConstraint(f"length({question}_note) >= 3", name=f"appraisal_{question}_note") for question in QUESTIONS),
)
GRANTED = _numbered(
    "granted",
    _whole("cycle"),
    _text("policy"),
    _text("tier", TIERS),
    _text("organisation"),
    _text("component"),
    _text("country"),
    _text("rounds"),
    _text("variables"),
    _text("agreement", may_lack=True),
    _text("agreement_until", may_lack=True),
    _text("expires"),
    _text("order_sha256"),
    _text("policy_numbers"),
    _text("conditions", may_lack=True),
    CheckConstraint("tier <> 'restricted' OR agreement IS NOT NULL", name="granted_agreement"),
)
PREPARATION = _numbered("preparation")
SUBMISSION = _numbered("submission", _text("manifest_sha256"))
VOTE = _table(
    "vote",
    _text("request_id", key=True),
    _whole("submission", key=True),
    Column("actor", Text, primary_key=True),
    _text("manifest_sha256"),
    _text("decision", ("approve", "return")),
    _text("note", may_lack=True),
    _text("at"),
    CheckConstraint("decision = 'approve' OR length(coalesce(note, '')) >= 3", name="vote_returns_with_a_note"),
)
RELEASED = _table(
    "released",
    _text("release_id", key=True),
    _text("request_id"),
    _text("version"),
    _text("manifest_sha256"),
    _text("path"),
    _text("tier", TIERS),
    _text("organisation"),
    _text("published_on"),
    _text("delete_on", may_lack=True),
    _text("actor"),
    _text("at"),
    UniqueConstraint("request_id", "version"),
)
MARK = _table(
    "mark",
    _text("release_id", key=True),
    _whole("number", key=True),
    _text("kind", MARKS),
    _text("reason", may_lack=True),
    _text("note", may_lack=True),
    _text("actor"),
    _text("at"),
    CheckConstraint(
        f"kind <> 'withdrawn' OR coalesce(reason, '') IN ({', '.join(repr(code) for code in WITHDRAWALS)})",
        name="mark_withdrawn_with_a_reason",
    ),
)
DELIVERY = _numbered(
    "delivery",
    _text("release_id"),
    _text("channel", CHANNELS),
    _text("received_by", may_lack=True),
)
USE_RECORD = _numbered(
    "use_record",
    _text("kind", USES),
    _text("url", may_lack=True),
    _truth("dtm_cited", may_lack=True),
    _truth("accurate", may_lack=True),
    _truth("sensitive_issue"),
    _text("note", may_lack=True),
)
OBLIGATION = _numbered(
    "obligation",
    _text("kind", OBLIGATIONS),
    _text("due_on"),
    _text("note", may_lack=True),
    _text("done_on", may_lack=True),
    _text("done_note", may_lack=True),
)

FACTS = (APPRAISAL, GRANTED, PREPARATION, SUBMISSION, VOTE, RELEASED, MARK, DELIVERY, USE_RECORD)
"""Only ever added to."""
STANDING = (ACTOR, ACTOR_ROLE, REQUEST, OBLIGATION)
"""How things stand now; what they were is in the events."""
KEPT = (*STANDING, *FACTS)
"""All that the events tell, so that the events can be held against it."""
