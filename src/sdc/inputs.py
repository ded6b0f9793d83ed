"""What a request is made of: its documents and its typed rounds, found from params.yaml."""

import argparse
import os
from datetime import date
from pathlib import Path
from typing import NamedTuple

from sdc.audit.exceptions import Exemption, read_exceptions
from sdc.dictionary import read_dictionary
from sdc.errors import ApprovalError, RequestError
from sdc.files import read_table
from sdc.ingest.layout import Extract
from sdc.master import Served
from sdc.params import Params, read_params, register_url
from sdc.plan import Brief
from sdc.policy import Policy, read_policy
from sdc.register import Grant, open_register
from sdc.register.obey import require_granted
from sdc.request import Approval, Request, read_request
from sdc.table import Table, stack


class Folders(NamedTuple):
    """Where the documents lie; `register` is the URL that SDC_REGISTER gives, and else stands in params.yaml."""

    params: Path
    dictionaries: Path
    policies: Path
    requests: Path
    register: str = ""


def folders_of(root: Path) -> Folders:
    """Where the documents of a checkout lie."""
    documents = (root / "params.yaml", root / "dictionary", root / "policies", root / "requests")
    return Folders(*documents, register=os.environ.get("SDC_REGISTER", ""))


def read_grant(order: Request, policy: Policy, folders: Folders, today: date) -> Grant:
    """What the register grants a request, which its order must not exceed.

    Raises
    ------
    ApprovalError : when there is no register, or it does not grant the order as it stands.
    """
    with open_register(register_url(folders.params, folders.register)) as register:
        state = register.state(order.id)
        grant = register.grant(order.id) if state else None
    return require_granted(order, policy, grant, state, today)


def registered_releases(folders: Folders) -> list[dict[str, str]]:
    """Ids and components of all releases that the register holds, as entries of a catalogue have them.

    Raises
    ------
    ApprovalError : when there is no register.
    """
    with open_register(register_url(folders.params, folders.register)) as register:
        components = {row["id"]: row["component"] for row in register.requests()}
        releases = register.releases()
    return [{"release_id": row["release_id"], "component": components[row["request_id"]]} for row in releases]


def exceptions_of(path: Path, request_id: str, folders: Folders) -> list[Exemption]:
    """The exceptions for a request, each by somebody who may approve and did not prepare it.

    Raises
    ------
    ApprovalError
    """
    found = [one for one in read_exceptions(path) if one.request == request_id]
    if found:
        with open_register(register_url(folders.params, folders.register)) as register:
            for one in found:
                register.require(one.by, "approve")
                if one.by in register.preparers(request_id):
                    told = f"`{one.by}` prepared the request, and excepts nothing from it"
                    raise ApprovalError(f"{path}, {request_id}", told, "Ask another approver.")
    return found


def read_brief(request_id: str, folders: Folders, today: date) -> Brief:
    """The documents of one request, checked against each other.

    Raises
    ------
    RequestError : when params.yaml does not wire the request, or wires it to another component or policy.
    ApprovalError : when the register does not grant the request as it stands, or it has expired.
    """
    params = read_params(folders.params)
    order = read_request(folders.requests / f"{request_id}.yaml")
    policy = read_policy(folders.policies / f"{order.policy}.yaml")
    grant = read_grant(order, policy, folders, today)
    request = order.model_copy(update={"approval": Approval(by=grant.by, on=grant.on)})
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
    if policy.tier == "restricted" and request.agreement is None:
        where = str(folders.requests / f"{request_id}.yaml")
        raise RequestError(where, f"names no agreement, and policy `{policy.policy}` needs one", "Add `agreement`.")
    dictionary = read_dictionary(folders.dictionaries / f"{request.component}.yaml")
    return Brief(dictionary, policy.for_component(request.component), request)


def read_served(brief: Brief, folders: Folders) -> Served | None:
    """The master that a request is cut from, with the policies of its tiers; None where it has a table of its own.

    Raises
    ------
    RequestError : when params.yaml names no master for the component, or the request's policy is none of its tiers.
    """
    params = read_params(folders.params)
    if params.requests[brief.request.id].cut_from == "own":
        return None
    master = params.masters.get(brief.request.component)
    if master is None or brief.request.policy not in master.tiers:
        raise RequestError(
            brief.request.id,
            f"is to be cut from a master, and {folders.params} has none for its component and policy",
            "Add it under `masters`, or write `cut_from: own`.",
        )
    names = master.tiers[: master.tiers.index(brief.request.policy) + 1]
    policies = (read_policy(folders.policies / f"{name}.yaml") for name in names)
    return Served(master, tuple(policy.for_component(brief.request.component) for policy in policies))


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
    documents = Folders._fields[:-1]
    for name in (*documents, *names):
        parser.add_argument(f"--{name}", type=Path, required=True)
    found = parser.parse_args()
    places = (found.params, found.dictionaries, found.policies, found.requests)
    return found, Folders(*places, register=os.environ.get("SDC_REGISTER", ""))
