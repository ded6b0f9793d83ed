"""A plan as text: what `sdc explain` prints and a person reads before it runs."""

from collections.abc import Mapping

from sdc.plan import Brief
from sdc.report.words import step_in_words


def plan_in_words(plan: Mapping, brief: Brief) -> str:
    """The plan of a request as Markdown: who asked for what, then each step and why it is taken."""
    request, policy = brief.request, brief.policy
    asked = "all variables" if request.variables == "all" else f"{len(request.variables)} variables"
    rounds = ", ".join(str(number) for number in request.rounds)
    lines = [
        f"# {request.id}: {request.title}",
        "",
        f"{request.requester.organisation} asks for {asked} of `{request.component}`, round {rounds}, "
        f"under the policy `{policy.policy}` ({policy.title}), until {request.expires.isoformat()}.  ",
        f"Purpose: {request.purpose}",
        "",
        "## What will be done",
        "",
    ]
    for number, step in enumerate(plan["steps"], 1):
        lines += [f"{number}. {step_in_words(step, brief.dictionary)}  ", f"   Why: {step['because']}", ""]
    return "\n".join(lines)
