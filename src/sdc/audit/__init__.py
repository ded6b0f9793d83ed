"""What an intruder learns by joining this release with every earlier one."""

from sdc.audit.exceptions import read_exceptions, require_standing
from sdc.audit.facts import Facts, facts_of, row_keys
from sdc.audit.gate import bound, require_audit_pass, require_audited
from sdc.audit.judge import Clock, audit_release
from sdc.audit.prepare import candidate_facts, population_of
from sdc.audit.store import enter, make_index, read_facts, read_index, require_all_known, write_prepared

__all__ = [
    "Clock",
    "Facts",
    "audit_release",
    "bound",
    "candidate_facts",
    "enter",
    "facts_of",
    "make_index",
    "population_of",
    "read_exceptions",
    "read_facts",
    "read_index",
    "require_all_known",
    "require_audit_pass",
    "require_audited",
    "require_standing",
    "row_keys",
    "write_prepared",
]
