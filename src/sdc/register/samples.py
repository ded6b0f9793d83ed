"""A synthetic register for the sample requests: received, appraised and approved by actors that do not exist."""

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta

from sdc.policy import Policy
from sdc.register import verbs
from sdc.register.book import Register, create_register
from sdc.request import Request

ACTORS = {
    "ACT-0001": ("manager",),
    "ACT-0002": ("officer",),
    "ACT-0003": ("appraiser",),
    "ACT-0011": ("approver",),
    "ACT-0012": ("approver",),
    "ACT-0013": ("approver",),
    "ACT-0021": ("preparer",),
    "ACT-0022": ("preparer", "reviewer"),
    "ACT-0031": ("reviewer",),
    "ACT-0032": ("reviewer",),
    "ACT-0041": ("auditor",),
}
UNDECIDED = ("REQ-2026-008",)
"""Stays in appraisal: nothing may be built for it."""
_FIRST = datetime(2026, 11, 2, 8, 30, tzinfo=UTC)
_MANAGER, _OFFICER, _APPRAISER, *_ = ACTORS
_APPROVERS = [actor for actor, roles in ACTORS.items() if "approver" in roles]
_ANSWERS = {
    "projects": ("yes", "The purpose serves displaced people, and needs this data."),
    "people": ("yes", "The organisation is known, and its focal point was verified."),
    "data": ("conditional", "The columns and rounds of the request file, and no others."),
    "settings": ("yes", "The tier of the policy fits the place where it will be kept."),
    "outputs": ("yes", "Only what the policy lets out; drafts come to us first."),
}


def write_register(url: str, orders: Iterable[Request], policies: Mapping[str, Policy]) -> Register:
    """Make the register of the samples, through the same verbs that people use.

    Guarantees
    ----------
    * The same orders give the same events, so the same head.
    """
    register = create_register(url, actor=_MANAGER, at=_FIRST)
    for actor, roles in ACTORS.items():
        if actor != _MANAGER:
            register.set_actor(actor, roles, actor=_MANAGER, at=_FIRST)
    for number, order in enumerate(sorted(orders, key=lambda order: order.id), start=1):
        got = _FIRST + timedelta(days=number - 1)
        microdata = order.component not in ("mobility_tracking", "site_assessment")
        verbs.receive(
            register,
            order,
            actor=_OFFICER,
            at=got,
            category="microdata" if microdata else "table",
            data_level="individual" if microdata else "site" if order.policy == "restricted" else "aggregate",
            urgency="high" if number % 3 == 2 else "normal",
            importance="normal",
            onward_sharing="free" if order.policy == "public" else "none",
            identity_checked=True,
        )
        verbs.appraise(register, order.id, actor=_APPRAISER, at=got + timedelta(days=1))
        if order.id in UNDECIDED:
            continue
        verbs.appraise(register, order.id, actor=_APPRAISER, at=got + timedelta(days=2, hours=3), answers=_ANSWERS)
        verbs.approve(
            register,
            order,
            policies[order.policy],
            actor=_APPROVERS[number % len(_APPROVERS)],
            at=got + timedelta(days=8),
            agreement_until=order.expires if order.agreement else None,
        )
    return register
