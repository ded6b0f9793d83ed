"""The hard gate: no release without a passed and complete audit of its table against what is known today."""

from collections.abc import Mapping
from pathlib import Path

from sdc.errors import DataError, DisclosureError, Fault, IntegrityError
from sdc.files import sha256_of

AGAIN = "Run `dvc repro`, and read the report."


def bound(table: Path, index: Path) -> dict[str, str]:
    """What ties an audit to the table that it judged and to the releases that were known."""
    return {"table_sha256": sha256_of(table), "known_sha256": sha256_of(index)}


def require_audited(audit: Mapping, request: str, table: Path, index: Path) -> None:
    """Refuse to go on without a passed and complete audit of this very table against today's facts.

    Raises
    ------
    DataError : when the table or the index is absent.
    DisclosureError : when the gate is not `pass`, or the audit did not come to its end.
    IntegrityError : when the audit is of another request, another table, or older facts.
    """
    for path in (table, index):
        if not path.is_file():
            raise DataError(str(path), "there is no such file", AGAIN)
    if audit.get("request") != request:
        raise IntegrityError(request, "the audit is another request's", AGAIN)
    for entry, digest in bound(table, index).items():
        if audit.get(entry) != digest:
            if entry == "table_sha256":
                raise IntegrityError(request, "the audit is of another table than there is now", AGAIN)
            raise IntegrityError(
                request,
                "the audit was made before another release of its population went out, or was taken note of",
                "Run `dvc repro`, which audits again; then publish. Votes stand where the candidate stays the same.",
            )
    require_audit_pass(audit)


def require_audit_pass(audit: Mapping) -> None:
    """Refuse to go on from an audit whose gate is not `pass`.

    Raises
    ------
    DisclosureError : that names the knowledge sets and promises that do not hold, in counts.
    """
    if audit.get("gate") == "pass" and audit.get("complete") is True:
        return
    faults = []
    for held in audit.get("sets", ()):
        for check in held["checks"]:
            if not check["passed"] and check["breach"] == "stop" and held["gate"] != "pass":
                where = f"{audit.get('request')}, {held['name']}, {check['name']}"
                told = (
                    f"{check['observed']}, of which {check['already']} before"
                    if check["already"]
                    else check["observed"]
                )
                faults.append(Fault(where, f"{check['promise']}: {told} (limit {check['limit']})"))
    faults.append(Fault(str(audit.get("request")), "no package is written", "Read the report of the audit."))
    raise DisclosureError.of(faults)
