"""Every refusal, as one tree, an exit code each.

An error says where (file, entry, column), what is wrong in one clause, and what to do. It never holds a
value from the data: columns and counts only.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Self


@dataclass(frozen=True)
class Fault:
    """One thing that is wrong: where it is, what it is, what to do about it."""

    where: str
    what: str
    do: str = ""

    def __str__(self) -> str:
        lines = [f"{self.where}: {self.what}"]
        lines += [f"  {line}" for line in self.do.splitlines()]
        return "\n".join(lines)


class SdcError(Exception):
    """A refusal. Its text is safe to log: no value from the data is ever in it."""

    exit_code = 1

    def __init__(self, where: str, what: str, do: str = "") -> None:
        self.faults: tuple[Fault, ...] = (Fault(where, what, do),)
        super().__init__(where, what, do)

    @classmethod
    def of(cls, faults: Iterable[Fault]) -> Self:
        """One error that tells all faults of a file at once."""
        found = tuple(faults)
        error = cls(found[0].where, found[0].what, found[0].do)
        error.faults = found
        return error

    def __str__(self) -> str:
        return "\n".join(str(fault) for fault in self.faults)


class DictionaryError(SdcError):
    """A data dictionary that cannot be read, or contradicts itself."""

    exit_code = 10


class PolicyError(SdcError):
    """A policy that cannot be read, or promises what cannot be kept."""

    exit_code = 10


class RequestError(SdcError):
    """A request that cannot be read, or asks for what does not exist."""

    exit_code = 10


class DataError(SdcError):
    """A data file that is not what its layout and its dictionary say."""

    exit_code = 11


class EngineError(SdcError):
    """An engine that is missing, or failed at its work."""

    exit_code = 12


class DisclosureError(SdcError):
    """A promise of the policy that does not hold: no package is written."""

    exit_code = 13


class IntegrityError(SdcError):
    """A package or a store whose bytes are not what its manifest says."""

    exit_code = 14


class ApprovalError(SdcError):
    """A request or a release without the approval that it needs."""

    exit_code = 15
