"""What a request may be built from: its order held against what the register grants it."""

import json
from datetime import date

from sdc.errors import ApprovalError, Fault
from sdc.policy import Policy, policy_numbers, weaker_rules
from sdc.register.book import Grant
from sdc.register.history import canonical
from sdc.register.states import TIERS
from sdc.request import Request, order_sha256

AGAIN = "Take the change back, or have the request approved again: `sdc request approve`."


def require_granted(order: Request, policy: Policy, grant: Grant | None, state: str | None, today: date) -> Grant:
    """Refuse an order that the register does not grant as it stands.

    Parameters
    ----------
    order : Request
        The technical order, from its file.
    policy : Policy
        The one that the order names, as its document stands now.
    grant : Grant or None
        From `Register.grant`.
    state : str or None
        Of the request in the register, for the words of the refusal.

    Raises
    ------
    ApprovalError : with one fault for each thing that is not granted.

    Guarantees
    ----------
    * An order passes only while its request is approved, its agreement runs, and it has not expired.
    * An order passes only if its technical content is the one that was approved.
    * An order passes only if no rule of its policy promises less than it did at the approval.
    """
    if grant is None:
        told = f"the register holds it as `{state}`, not as approved" if state else "the register holds no such request"
        raise ApprovalError(
            order.id,
            told,
            f"Nothing is built before approval. See `sdc request show {order.id}`."
            if state
            else f"Enter it first: `sdc request receive {order.id} --as ACTOR`.",
        )
    where, again = f"requests, {order.id}", "Mend the request file, or have it approved again: `sdc request approve`."
    faults = []
    if TIERS.index(policy.tier) > TIERS.index(grant.tier):
        told = f"is weaker (`{policy.tier}`) than granted (`{grant.tier}`)"
        faults.append(Fault(f"{where}, `policy`", told, again))
    elif policy.policy == grant.policy:
        numbers = policy_numbers(policy.for_component(order.component))
        weaker = ", ".join(f"`{name}`" for name in weaker_rules(numbers, grant.policy_numbers))
        if weaker:
            told = f"promises less than when it was granted: {weaker}"
            faults.append(Fault(f"policy `{policy.policy}`", told, AGAIN))
    if order.requester.organisation != grant.organisation:
        faults.append(Fault(f"{where}, `requester`", "names another recipient than was approved", again))
    if (order.component, order.country) != (grant.component, grant.country):
        faults.append(Fault(f"{where}, `component`", "asks for other data than was approved", again))
    rounds = sorted(set(order.rounds) - set(grant.rounds))
    if rounds:
        faults.append(Fault(f"{where}, `rounds`", f"asks for {len(rounds)} rounds beyond those granted", again))
    if grant.variables != "all":
        more = "all" if order.variables == "all" else len(set(order.variables) - set(grant.variables))
        if more:
            faults.append(Fault(f"{where}, `variables`", f"asks for {more} beyond those granted", again))
    if order.agreement != grant.agreement:
        faults.append(Fault(f"{where}, `agreement`", "is another than was approved", again))
    if order.expires > grant.expires:
        faults.append(Fault(f"{where}, `expires`", f"is later than granted ({grant.expires.isoformat()})", again))
    if not faults and order_sha256(order) != grant.order_sha256:
        faults.append(Fault(where, "was changed after its approval", again))
    longer = f"`sdc request extend {order.id}` grants longer, or close it."
    if grant.expires < today:
        faults.append(Fault(order.id, f"the grant expired on {grant.expires.isoformat()}", longer))
    if grant.agreement_until is not None and grant.agreement_until < today:
        faults.append(Fault(order.id, f"the agreement ended on {grant.agreement_until.isoformat()}", longer))
    if faults:
        raise ApprovalError.of(faults)
    return grant


def grant_document(grant: Grant) -> dict:
    """What DVC watches of a grant: it changes when the decision does, and not with the state of the work.

    The code never reads it back: the register is the truth.
    """
    content = {name: value for name, value in grant._asdict().items() if name != "state"}
    return json.loads(canonical({n: v.isoformat() if isinstance(v, date) else v for n, v in content.items()}))
