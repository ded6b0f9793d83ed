"""What a request is made of: its documents and its typed rounds, found from params.yaml."""

import argparse
from datetime import date
from pathlib import Path
from typing import NamedTuple

from pydantic import Field

from sdc.dictionary import read_dictionary
from sdc.documents import Frozen, build, parse_yaml, read_text
from sdc.errors import RequestError
from sdc.files import read_table
from sdc.ingest.layout import Extract
from sdc.plan import Brief
from sdc.policy import read_policy
from sdc.request import read_request
from sdc.table import Table, stack


class Wiring(Frozen):
    """The two facts of a request that dvc.yaml needs to name its files; the request itself is the authority."""

    component: str
    policy: str


class Params(Frozen):
    """The content of params.yaml."""

    extracts: dict[str, Extract] = Field(min_length=1)
    requests: dict[str, Wiring] = {}


class Folders(NamedTuple):
    """Where the documents lie."""

    params: Path
    dictionaries: Path
    policies: Path
    requests: Path


def read_params(path: Path) -> Params:
    """Read params.yaml: which extracts and which requests run."""
    content = parse_yaml(read_text(path, RequestError), str(path), RequestError)
    if not isinstance(content, dict):
        raise RequestError(str(path), "holds no entries", "It needs `extracts` and `requests`.")
    return build(content, str(path), Params, RequestError)


def read_brief(request_id: str, folders: Folders, today: date) -> Brief:
    """The documents of one request, checked against each other.

    Raises
    ------
    RequestError : when params.yaml does not wire the request, or wires it to another component or policy.
    ApprovalError : when the request is not approved, or has expired.
    """
    params = read_params(folders.params)
    request = read_request(folders.requests / f"{request_id}.yaml")
    request.require_approval(today)
    wiring = params.requests.get(request_id)
    if wiring is None:
        raise RequestError(request_id, f"is not among the requests of {folders.params}", "Add its entry there.")
    for name in ("component", "policy"):
        if getattr(wiring, name) != getattr(request, name):
            raise RequestError(
                f"{folders.params}, `requests.{request_id}`",
                f"its {name} is `{getattr(wiring, name)}`, the request says `{getattr(request, name)}`",
                "The request is the authority: mend params.yaml.",
            )
    policy = read_policy(folders.policies / f"{request.policy}.yaml")
    if policy.tier == "restricted" and request.agreement is None:
        where = str(folders.requests / f"{request_id}.yaml")
        raise RequestError(where, f"names no agreement, and policy `{policy.policy}` needs one", "Add `agreement`.")
    dictionary = read_dictionary(folders.dictionaries / f"{request.component}.yaml")
    return Brief(dictionary, policy.for_component(request.component), request)


def extracts_of(brief: Brief, params: Params) -> list[tuple[str, Extract]]:
    """Names and layouts of the extracts that a request is made of, in the order of their rounds.

    Raises
    ------
    RequestError : when a round has no extract, or more than one.
    """
    found = []
    for number in sorted(set(brief.request.rounds)):
        names = [
            (name, extract)
            for name, extract in params.extracts.items()
            if extract.component == brief.request.component and extract.round == number
        ]
        if len(names) != 1:
            raise RequestError(
                brief.request.id,
                f"round {number} of `{brief.request.component}` has {len(names)} extracts in params.yaml",
                "A round needs exactly one.",
            )
        found += names
    return found


def read_rounds(brief: Brief, folders: Folders, typed: Path) -> Table:
    """The typed rounds of a request as one table."""
    names = [name for name, _ in extracts_of(brief, read_params(folders.params))]
    return stack([read_table(typed / f"{name}.parquet") for name in names])


def arguments(description: str, *names: str) -> tuple[argparse.Namespace, Folders]:
    """Arguments of a stage: the request, where the documents lie, and the paths that dvc.yaml names."""
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("request", help="id of the request")
    for name in (*Folders._fields, *names):
        parser.add_argument(f"--{name}", type=Path, required=True)
    found = parser.parse_args()
    return found, Folders(*(getattr(found, name) for name in Folders._fields))
