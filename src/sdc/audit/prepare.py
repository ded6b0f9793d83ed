"""From the files of a stage to the audit: what the candidate tells, what is known, who it is for."""

from collections.abc import Mapping

from sdc.audit.facts import Facts, facts_of
from sdc.audit.judge import limits_of
from sdc.plan import Brief
from sdc.table import Table


def population_of(brief: Brief) -> str:
    """Releases with the same id are about the same people: the country and what is tracked in it."""
    return f"{brief.request.country}/{brief.dictionary.component}"


def candidate_facts(before: Table, after: Table, brief: Brief) -> Facts:
    """What the release of a request would tell.

    Parameters
    ----------
    before : Table, the rounds as ingested
    after : Table, as protected
    brief : Brief
    """
    policy = brief.policy
    base = policy.rounding_base.value if policy.rounding_base.breach == "stop" else 1
    return facts_of(before, after, about_of(before, brief), base=base)


def about_of(before: Table, brief: Brief) -> Mapping:
    """What is known of a release besides what it tells."""
    policy, request = brief.policy, brief.request
    return {
        "release_id": f"{request.id} (candidate)",
        "request": request.id,
        "version": "candidate",
        "population": population_of(brief),
        "tier": policy.tier,
        "policy": policy.policy,
        "organisation": request.requester.organisation,
        "rounds": list(request.rounds),
        "limits": limits_of(policy, before),
    }
