"""Whether the documents of a release belong together: plan, ledger, table, verdict, package, and what they rest on.

DVC runs again what its inputs change. A file that was changed by hand between two stages, or a candidate that was built
before a policy was, is found here.
"""

import json
from collections.abc import Mapping
from pathlib import Path

from sdc.errors import DataError, Fault, IntegrityError
from sdc.files import sha256_of
from sdc.inputs import Folders
from sdc.plan import Brief

AGAIN = "Run `dvc repro`."


def require_own(request_id: str, **documents: Mapping) -> None:
    """Refuse a plan, ledger or verdict of another request.

    Raises
    ------
    IntegrityError
    """
    for what, document in documents.items():
        if document.get("request") != request_id:
            raise IntegrityError(request_id, f"the {what} is another request's", AGAIN)


def require_followed(plan: Mapping, ledger: Mapping) -> None:
    """Refuse a ledger whose steps are not those of the plan: one of the two was changed since.

    Raises
    ------
    IntegrityError
    """
    planned = [(step["name"], step["params"], step["because"]) for step in plan["steps"]]
    taken = [(entry["step"], entry["params"], entry["because"]) for entry in ledger["entries"]]
    if planned != taken:
        raise IntegrityError(str(plan["request"]), "the steps of the ledger are not the steps of the plan", AGAIN)


def judged_on(plan: Path, ledger: Path, table: Path, brief: Brief, folders: Folders) -> dict[str, Path]:
    """What a verdict is given on: the outcome of the stages before, and the documents that say what is safe enough."""
    return {"plan": plan, "ledger": ledger, "table": table, **_documents(brief, folders)}


def judged(on: Mapping[str, Path]) -> dict[str, str]:
    """What a verdict was given on, as its entries."""
    return {f"{what}_sha256": sha256_of(path) for what, path in on.items()}


def require_judged(verdict: Mapping, on: Mapping[str, Path]) -> None:
    """Refuse to go on where anything that the verdict was given on has changed since.

    Parameters
    ----------
    verdict : mapping
    on : mapping
        From `judged_on`.

    Raises
    ------
    DataError : when one is absent.
    IntegrityError
    """
    for path in on.values():
        if not path.exists():
            raise DataError(str(path), "there is no such file", AGAIN)
    for path, (entry, digest) in zip(on.values(), judged(on).items(), strict=True):
        if verdict.get(entry) != digest:
            raise IntegrityError(str(path), "is not the one that was judged", AGAIN)


def _documents(brief: Brief, folders: Folders) -> dict[str, Path]:
    return {
        "policy": folders.policies / f"{brief.request.policy}.yaml",
        "dictionary": folders.dictionaries / f"{brief.request.component}.yaml",
        "request": folders.requests / f"{brief.request.id}.yaml",
    }


def require_current(manifest: Path, brief: Brief, folders: Folders) -> None:
    """Refuse a candidate that was built from another policy, dictionary or request than stand now.

    A manifest that is absent or broken is left to `publish`, which refuses it.

    Raises
    ------
    IntegrityError
    """
    try:
        origin = json.loads(manifest.read_bytes())["provenance"]
    except (OSError, ValueError, KeyError, TypeError):
        return
    faults = [
        Fault(
            str(path), f"the {what} was changed after the candidate was built", "Run `dvc repro`, and read the report."
        )
        for what, path in _documents(brief, folders).items()
        if origin.get(f"{what}_sha256") != sha256_of(path)
    ]
    if faults:
        raise IntegrityError.of(faults)
