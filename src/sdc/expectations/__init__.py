"""Suites from the dictionary and the policies, and their verdict without values."""

import os
from importlib import import_module
from typing import TYPE_CHECKING, Any

from sdc.expectations.suites import drift, require_written, suites, write_suites

if TYPE_CHECKING:
    from sdc.expectations.run import Outcome, validate, validate_all

os.environ["GX_ANALYTICS_ENABLED"] = "false"  # set before anything below imports Great Expectations

__all__ = ["Outcome", "drift", "require_written", "suites", "validate", "validate_all", "write_suites"]


def __getattr__(name: str) -> Any:
    """Great Expectations takes seconds to import: only what runs a suite waits for it."""
    if name in {"Outcome", "validate", "validate_all"}:
        return getattr(import_module("sdc.expectations.run"), name)
    raise AttributeError(name)
