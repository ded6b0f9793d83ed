"""Who asked for what, why, until when: the technical order; who approved it stands in the register."""

import hashlib
import json
from datetime import date
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field

from sdc.documents import Frozen, read_document
from sdc.errors import ApprovalError, RequestError


class Requester(Frozen):
    """The organisation that asks; people are named by actor ids in the register only."""

    organisation: str = Field(min_length=2)
    type: Literal["un", "ngo", "government", "donor", "academia", "red_cross_red_crescent", "private", "public"]


class Approval(Frozen):
    """The decision on a request as a package tells it: an actor id and a day, taken from the register."""

    by: str
    on: date


class Request(Frozen):
    """One data request: what to build. `approval` is filled from the register, and never stands in the file."""

    id: str = Field(pattern=r"^REQ-[0-9]{4}-[0-9]{3,5}$")
    title: str
    requester: Requester
    purpose: str = Field(min_length=10)
    component: str
    country: str = Field(pattern=r"^[A-Z]{3}$")
    rounds: tuple[int, ...] = Field(min_length=1)
    variables: Literal["all"] | tuple[str, ...]
    policy: str
    importance: dict[str, Annotated[float, Field(gt=0, allow_inf_nan=False)]] = {}
    approval: Approval | None = None
    expires: date
    agreement: str | None = None
    version: str = Field(default="1.0.0", pattern=r"^[0-9]+\.[0-9]+\.[0-9]+$")
    languages: tuple[Literal["en", "fr", "es", "ar"], ...] = ("en",)

    def require_approval(self, today: date) -> None:
        """Refuse to go on unless the request carries its approval and has not expired.

        Raises
        ------
        ApprovalError
        """
        if self.approval is None:
            raise ApprovalError(self.id, "the request is not approved", "Nothing is built before approval.")
        if self.expires < today:
            raise ApprovalError(
                self.id,
                f"the request expired on {self.expires.isoformat()}",
                "Ask for an extension, or close it.",
            )


def order_sha256(request: Request) -> str:
    """What an approval is of: the technical content of a request, as one hash.

    The version and the expiry are left out: the one follows from what changed, the other may only be sooner than
    granted. How the file is laid out does not matter.
    """
    content = request.model_dump(mode="json", exclude={"approval", "version", "expires"})
    return hashlib.sha256(json.dumps(content, sort_keys=True, ensure_ascii=False).encode("utf-8")).hexdigest()


def read_request(path: Path) -> Request:
    """Read a request file.

    Raises
    ------
    RequestError : with one fault for each wrong entry.
    """
    request = read_document(path, Request, RequestError)
    if request.id != path.stem:
        raise RequestError(str(path), f"holds the request `{request.id}`", "Name the file as the request's id.")
    if request.approval is not None:
        raise RequestError(
            f"{path}, `approval`", "stands in the register only", "Remove the entry, and use `sdc request approve`."
        )
    return request
