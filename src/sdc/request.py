"""Who asked for what, why, approved by whom, until when."""

from datetime import date
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from sdc.documents import Frozen, read_document
from sdc.errors import ApprovalError, RequestError


class Requester(Frozen):
    """The organisation that asks; people are named by actor ids in the register only."""

    organisation: str = Field(min_length=2)
    type: Literal["un", "ngo", "government", "donor", "academia", "red_cross_red_crescent", "private", "public"]


class Approval(Frozen):
    """The decision on a request."""

    status: Literal["received", "appraisal", "approved", "rejected", "withdrawn", "revoked"]
    by: str | None = None
    on: date | None = None

    @model_validator(mode="after")
    def _decided(self) -> Self:
        if self.status == "approved" and (self.by is None or self.on is None):
            raise ValueError("an approval names who gave it (`by`, an actor id) and when (`on`)")
        return self


class Request(Frozen):
    """One data request."""

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
    approval: Approval
    expires: date
    agreement: str | None = None
    version: str = Field(default="1.0.0", pattern=r"^[0-9]+\.[0-9]+\.[0-9]+$")
    languages: tuple[Literal["en", "fr"], ...] = ("en",)

    def require_approval(self, today: date) -> None:
        """Refuse to go on unless the request is approved and has not expired.

        Raises
        ------
        ApprovalError
        """
        if self.approval.status != "approved":
            raise ApprovalError(
                self.id,
                f"the request is `{self.approval.status}`, not approved",
                "Nothing is built before approval.",
            )
        if self.expires < today:
            raise ApprovalError(
                self.id,
                f"the request expired on {self.expires.isoformat()}",
                "Ask for an extension, or close it.",
            )


def read_request(path: Path) -> Request:
    """Read a request file.

    Raises
    ------
    RequestError : with one fault for each wrong entry.
    """
    request = read_document(path, Request, RequestError)
    if request.id != path.stem:
        raise RequestError(str(path), f"holds the request `{request.id}`", "Name the file as the request's id.")
    return request
