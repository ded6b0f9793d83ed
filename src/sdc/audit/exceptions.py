"""Exceptions in writing: who lets which knowledge set through, why, and until when."""

from collections.abc import Mapping, Sequence
from datetime import date
from pathlib import Path
from typing import Literal

from pydantic import Field

from sdc.documents import Frozen, build, parse_yaml, read_text
from sdc.errors import ApprovalError


class Exemption(Frozen):
    """One exception. The hard gate knows none: what one recipient can join with public files always stops."""

    request: str = Field(pattern=r"^REQ-[0-9]{4}-[0-9]{3,5}$")
    set: Literal["all recipients together"]
    reason: str = Field(min_length=20)
    by: str = Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*$")
    until: date


class Exemptions(Frozen):
    """The content of exceptions.yaml."""

    exceptions: tuple[Exemption, ...] = ()


def read_exceptions(path: Path) -> tuple[Exemption, ...]:
    """Read the exceptions of a checkout.

    Raises
    ------
    ApprovalError : with one fault for each wrong entry.
    """
    content = parse_yaml(read_text(path, ApprovalError), str(path), ApprovalError)
    return build(content or {}, str(path), Exemptions, ApprovalError).exceptions


def standing(exceptions: Sequence[Exemption], request: str, name: str, today: date) -> Exemption | None:
    """The exception for one request and knowledge set that has not expired."""
    return next((e for e in exceptions if (e.request, e.set) == (request, name) and e.until >= today), None)


def require_standing(audit: Mapping, exceptions: Sequence[Exemption], today: date) -> None:
    """Refuse an audit that passed by an exception which was taken back, changed, or has expired since.

    Raises
    ------
    ApprovalError
    """
    for held in audit.get("sets", ()):
        now = standing(exceptions, str(audit["request"]), held["name"], today)
        if held.get("exception") and (now is None or now.model_dump(mode="json") != held["exception"]):
            told = f"the exception for `{held['name']}` that the audit passed by stands no more"
            raise ApprovalError(str(audit["request"]), told, "Run `dvc repro`, and read the report.")
