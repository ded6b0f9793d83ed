"""The rules that the database itself keeps, written once and rendered as triggers of SQLite and of PostgreSQL."""

from typing import NamedTuple

from sdc.register.states import OBLIGATIONS
from sdc.register.tables import ACTOR, ACTOR_ROLE, EVENT, FACTS, OBLIGATION, PERMISSION, REQUEST, TRANSITION

PREFIX = "sdc rule: "


class Rule(NamedTuple):
    """A trigger: on which change of which table, when it refuses, and the words of the refusal."""

    name: str
    table: str
    change: str
    refused_when: str
    words: str
    do: str = ""


_LATEST = "(SELECT max(s.number) FROM submission s WHERE s.request_id = NEW.{key})"
_PREPARERS = (
    "SELECT p.actor FROM preparation p WHERE p.request_id = NEW.{key} "
    "UNION SELECT s.actor FROM submission s WHERE s.request_id = NEW.{key}"
)
_VOTES = (
    "(SELECT count(DISTINCT v.actor) FROM vote v WHERE v.request_id = NEW.request_id AND v.decision = 'approve' "
    f"AND v.submission = {_LATEST.format(key='request_id')} AND v.manifest_sha256 = NEW.manifest_sha256 "
    f"AND v.actor NOT IN ({_PREPARERS.format(key='request_id')}))"
)
_ANSWERED = (
    "SELECT 1 FROM appraisal a WHERE a.request_id = NEW.request_id AND a.cycle = NEW.cycle "
    "AND a.number = (SELECT max(b.number) FROM appraisal b WHERE b.request_id = NEW.request_id) "
    "AND 'no' NOT IN (a.projects, a.people, a.data, a.settings, a.outputs)"
)
_TOLD = (
    "coalesce((SELECT e.state_after FROM event e WHERE e.request_id = NEW.id ORDER BY e.seq DESC LIMIT 1), '') "
    "<> NEW.state"
)
_STATE = "coalesce((SELECT r.state FROM request r WHERE r.id = NEW.request_id), '')"

RULES = (
    Rule(
        "event_next",
        "event",
        "INSERT",
        "NEW.seq <> coalesce((SELECT max(e.seq) FROM event e), 0) + 1",
        "an event takes the next number",
    ),
    Rule(
        "event_follows",
        "event",
        "INSERT",
        f"NEW.previous_hash <> coalesce((SELECT e.hash FROM event e ORDER BY e.seq DESC LIMIT 1), '{'0' * 64}')",
        "an event follows the last one",
    ),
    Rule(
        "event_permitted",
        "event",
        "INSERT",
        "NEW.seq > 1 AND NOT EXISTS (SELECT 1 FROM actor a JOIN actor_role r ON r.actor = a.actor "
        "JOIN permission p ON p.role = r.role WHERE a.actor = NEW.actor AND a.active = 1 AND r.active = 1 "
        "AND p.verb = NEW.verb)",
        "the actor holds no role that may do this",
        "See the permission matrix in docs/reference/register.md; `sdc registry actor` gives roles.",
    ),
    Rule("request_begins", "request", "INSERT", "NEW.state <> 'received'", "a request begins as received"),
    Rule("request_told", "request", "INSERT", _TOLD, "no state without an event that tells it"),
    Rule("request_told_again", "request", "UPDATE", _TOLD, "no state without an event that tells it"),
    Rule(
        "request_moves",
        "request",
        "UPDATE",
        "NEW.state <> OLD.state AND NOT EXISTS (SELECT 1 FROM transition t WHERE t.state_before = OLD.state "
        "AND t.state_after = NEW.state)",
        "there is no way from this state to that",
        "`sdc request show REQ` tells what can be done now.",
    ),
    Rule(
        "request_same",
        "request",
        "UPDATE",
        "NEW.id <> OLD.id OR NEW.received_at <> OLD.received_at OR NEW.cycle < OLD.cycle",
        "the id, the receipt and the cycle of a request stay",
    ),
    Rule(
        "request_approved",
        "request",
        "UPDATE",
        "NEW.state = 'approved' AND NOT EXISTS (SELECT 1 FROM granted g WHERE g.request_id = NEW.id "
        "AND g.cycle = NEW.cycle)",
        "no approval without a grant",
    ),
    Rule(
        "request_prepared",
        "request",
        "UPDATE",
        "NEW.state IN ('preparing', 'review') AND NOT EXISTS (SELECT 1 FROM preparation p WHERE p.request_id = NEW.id)",
        "somebody prepares it",
    ),
    Rule(
        "request_submitted",
        "request",
        "UPDATE",
        "NEW.state = 'review' AND NOT EXISTS (SELECT 1 FROM submission s WHERE s.request_id = NEW.id)",
        "a review is of a submitted manifest",
    ),
    Rule(
        "request_shared",
        "request",
        "UPDATE",
        "NEW.state = 'shared' AND NOT EXISTS (SELECT 1 FROM released r JOIN submission s "
        "ON s.request_id = r.request_id AND s.manifest_sha256 = r.manifest_sha256 WHERE r.request_id = NEW.id "
        f"AND s.number = {_LATEST.format(key='id')})",
        "no sharing without a released package",
        "Publish what was reviewed first: `sdc publish REQ`.",
    ),
    Rule(
        "request_closed",
        "request",
        "UPDATE",
        "NEW.state = 'closed' AND EXISTS (SELECT 1 FROM obligation o WHERE o.request_id = NEW.id "
        "AND o.done_on IS NULL)",
        "obligations are open",
        "Confirm each first: `sdc request obligation REQ --done NUMBER`.",
    ),
    Rule(
        "granted_appraised",
        "granted",
        "INSERT",
        f"NOT EXISTS ({_ANSWERED})",
        "no approval without an appraisal: five answers, none of them `no`",
        "`sdc request appraise REQ --projects yes:WHY --people … --data … --settings … --outputs …`",
    ),
    Rule(
        "granted_now",
        "granted",
        "INSERT",
        "NEW.cycle <> coalesce((SELECT r.cycle FROM request r WHERE r.id = NEW.request_id), 0)",
        "a grant is of the cycle that the request is in",
    ),
    Rule(
        "submission_again",
        "submission",
        "INSERT",
        f"{_STATE} <> 'preparing'",
        "a manifest is submitted while the request is prepared",
    ),
    Rule(
        "vote_in_review",
        "vote",
        "INSERT",
        f"{_STATE} <> 'review'",
        "votes are given in review",
    ),
    Rule(
        "vote_on_manifest",
        "vote",
        "INSERT",
        f"NEW.submission <> coalesce({_LATEST.format(key='request_id')}, 0) OR NEW.manifest_sha256 <> coalesce((SELECT "
        "s.manifest_sha256 FROM submission s WHERE s.request_id = NEW.request_id AND s.number = NEW.submission), '')",
        "a vote is about the manifest that was submitted last, and names its hash",
        "`sdc request show REQ` names it; read the report of that candidate.",
    ),
    Rule(
        "vote_by_another",
        "vote",
        "INSERT",
        f"NEW.actor IN ({_PREPARERS.format(key='request_id')})",
        "whoever prepared it does not vote on it",
        "Ask another reviewer.",
    ),
    Rule(
        "released_reviewed",
        "released",
        "INSERT",
        f"{_VOTES} < 2 OR {_STATE} <> 'review'",
        "a release needs two distinct approving votes on its manifest, none by a preparer",
        "`sdc request show REQ` tells the votes; `sdc request review REQ approve --manifest SHA256` gives one.",
    ),
    Rule(
        "delivery_of_release",
        "delivery",
        "INSERT",
        "NOT EXISTS (SELECT 1 FROM released r WHERE r.release_id = NEW.release_id "
        "AND r.request_id = NEW.request_id) OR EXISTS (SELECT 1 FROM mark m WHERE m.release_id = NEW.release_id "
        "AND m.kind IN ('withdrawn', 'destroyed', 'expired'))",
        "what is delivered is a standing release of the request",
        "Publish it first: `sdc publish REQ`.",
    ),
    Rule(
        "mark_of_release",
        "mark",
        "INSERT",
        "NOT EXISTS (SELECT 1 FROM released r WHERE r.release_id = NEW.release_id)",
        "there is no such release in the register",
    ),
    Rule(
        "obligation_done",
        "obligation",
        "UPDATE",
        "OLD.done_on IS NOT NULL OR NEW.kind <> OLD.kind OR NEW.due_on <> OLD.due_on",
        "an obligation is confirmed once, and else stays",
    ),
)
assert "deletion" in OBLIGATIONS

_NEVER = tuple(table.name for table in (EVENT, *FACTS, TRANSITION, PERMISSION))
_STAYS = tuple(table.name for table in (REQUEST, OBLIGATION, ACTOR, ACTOR_ROLE))
_KEYS = {table.name: [column.name for column in table.primary_key] for table in (EVENT, *FACTS)}


def _appended() -> list[Rule]:
    """No change and no removal of what is only added to; REPLACE in SQLite is a removal that fires no trigger."""
    found = []
    for table in _NEVER:
        for change in ("UPDATE", "DELETE"):
            found.append(
                Rule(f"{table}_no_{change.lower()}", table, change, "1 = 1", f"a row of `{table}` never changes")
            )
    for table in _STAYS:
        found.append(Rule(f"{table}_no_delete", table, "DELETE", "1 = 1", f"a row of `{table}` is never removed"))
    for table, keys in _KEYS.items():
        same = " AND ".join(f"x.{key} = NEW.{key}" for key in keys)
        found.append(
            Rule(
                f"{table}_once",
                table,
                "INSERT",
                f"EXISTS (SELECT 1 FROM {table} x WHERE {same})",
                f"this row of `{table}` is there",
            )
        )
    return found


ALL = (*RULES, *_appended())
WORDS = {rule.name: rule for rule in ALL}


def sqlite_triggers() -> list[str]:
    """The rules as SQLite keeps them."""
    return [
        f"CREATE TRIGGER {rule.name} BEFORE {rule.change} ON {rule.table} WHEN {rule.refused_when} "
        f"BEGIN SELECT RAISE(ABORT, '{PREFIX}{rule.name}'); END"
        for rule in ALL
    ]


def postgresql_triggers() -> list[str]:
    """The rules as PostgreSQL keeps them."""
    found = []
    for rule in ALL:
        row = "OLD" if rule.change == "DELETE" else "NEW"
        found += [
            f"CREATE FUNCTION rule_{rule.name}() RETURNS trigger LANGUAGE plpgsql AS $rule$ BEGIN "
            f"IF {rule.refused_when} THEN RAISE EXCEPTION '{PREFIX}{rule.name}'; END IF; RETURN {row}; END $rule$",
            f"CREATE TRIGGER {rule.name} BEFORE {rule.change} ON {rule.table} FOR EACH ROW "
            f"EXECUTE FUNCTION rule_{rule.name}()",
        ]
    found.append(
        "CREATE FUNCTION rule_no_truncate() RETURNS trigger LANGUAGE plpgsql AS $rule$ BEGIN "
        f"RAISE EXCEPTION '{PREFIX}event_no_delete'; END $rule$"
    )
    found += [
        f"CREATE TRIGGER {table}_no_truncate BEFORE TRUNCATE ON {table} FOR EACH STATEMENT "
        "EXECUTE FUNCTION rule_no_truncate()"
        for table in (*_NEVER, *_STAYS)
    ]
    return found
