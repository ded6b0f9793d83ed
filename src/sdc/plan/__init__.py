"""Compile a policy into steps, apply them, observe what they did."""

from sdc.plan.brief import Brief, Step
from sdc.plan.compiling import PHASES, TRIAL, compile_plan
from sdc.plan.run import apply, dropped_because, observe, plan_document, steps_of

__all__ = [
    "PHASES",
    "TRIAL",
    "Brief",
    "Step",
    "apply",
    "compile_plan",
    "dropped_because",
    "observe",
    "plan_document",
    "steps_of",
]
