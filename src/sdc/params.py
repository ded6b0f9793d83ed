"""The content of params.yaml: which extracts and which requests run, what is protected once, where the register lies.

It is apart from the rest of a request's inputs, because a command on the register should start at once.
"""

import re
from pathlib import Path
from typing import Literal

from pydantic import Field, field_validator

from sdc.documents import Frozen, build, parse_yaml, read_text
from sdc.errors import RequestError
from sdc.files import write_text
from sdc.ingest.layout import Extract
from sdc.request import Request


class Master(Frozen):
    """One population's master, as people write it in params.yaml.

    `tiers` names policies, the finer first: each is cut from the one before it. `variables` is what may be asked of it:
    every key among them is protected, whoever asks for which.
    """

    because: str = Field(min_length=10)
    tiers: tuple[str, ...] = Field(min_length=1)
    variables: Literal["all"] | tuple[str, ...] = "all"
    importance: dict[str, float] = {}


class Wiring(Frozen):
    """The two facts of a request that dvc.yaml needs to name its files; the request itself is the authority.

    `cut_from` says whether its release is cut from the protected master of its population or from a table of its own.
    """

    component: str
    policy: str
    cut_from: Literal["master", "own"] = "own"


class Params(Frozen):
    """The content of params.yaml.

    `components` are those that requests ask for: DVC keeps an index of what was released of each.
    """

    components: tuple[str, ...] = ()
    extracts: dict[str, Extract] = Field(min_length=1)
    requests: dict[str, Wiring] = {}
    masters: dict[str, Master] = {}
    register_at: str = Field(default="data/register/register.sqlite", alias="register")

    @field_validator("register_at")
    @classmethod
    def _without_password(cls, url: str) -> str:
        if re.search(r"//[^/@]*:[^/@]*@|[?&]password=", url):
            raise ValueError("a password stands in no file: use PGPASSWORD, ~/.pgpass, or SDC_REGISTER")
        return url


def read_params(path: Path) -> Params:
    """Read params.yaml: which extracts and which requests run."""
    if not path.exists():
        raise RequestError(str(path), "there is no such file", "Run this in a checkout, or name one: `--root FOLDER`.")
    content = parse_yaml(read_text(path, RequestError), str(path), RequestError)
    if not isinstance(content, dict):
        raise RequestError(str(path), "holds no entries", "It needs `extracts` and `requests`.")
    return build(content, str(path), Params, RequestError)


def require_component(params: Params, path: Path, component: str) -> None:
    """Refuse a request for a component of which nothing would tell what was released before.

    Raises
    ------
    RequestError
    """
    if component not in params.components:
        where, line = f"{path}, `components`", f"Write: `components: [{', '.join((*params.components, component))}]`."
        raise RequestError(where, f"lacks `{component}`, which a request asks for", line)


def wire(path: Path, order: Request) -> bool:
    """Name a request in params.yaml where it is not named yet, and leave the rest of the file as it is.

    Returns
    -------
    bool, whether it was added

    Raises
    ------
    RequestError : when the file is written in a way that a line cannot be added to.
    """
    params = read_params(path)
    if order.id in params.requests:
        return False
    master = params.masters.get(order.component)
    wiring = {"component": order.component, "policy": order.policy}
    wiring |= {"cut_from": "master"} if master is not None and order.policy in master.tiers else {}
    entry = f"  {order.id}: {{{', '.join(f'{name}: {value}' for name, value in wiring.items())}}}"
    old = read_text(path, RequestError)
    new = re.sub(r"(?m)^requests:[ \t]*(?:\{\})?[ \t]*$", lambda _: f"requests:\n{entry}", old, count=1)
    before = parse_yaml(old, str(path), RequestError)
    wanted = {**before, "requests": {**(before.get("requests") or {}), order.id: wiring}}
    if "components" in before and order.component not in params.components:
        wanted["components"] = [*params.components, order.component]
        line = f"components: [{', '.join(wanted['components'])}]"
        new = re.sub(r"(?m)^components:[ \t]*\[.*\]", lambda _: line, new, count=1)
    if parse_yaml(new, str(path), RequestError) != wanted:
        raise RequestError(str(path), "could not be added to", f"Under `requests`, write: `{entry.strip()}`.")
    write_text(path, new)
    return True


def register_url(params: Path, given: str = "") -> str:
    """Where the register lies: as given, or as params.yaml says; a path there starts at the folder of params.yaml."""
    url = given or read_params(params).register_at
    return url if given or "://" in url else str(params.parent / url)
