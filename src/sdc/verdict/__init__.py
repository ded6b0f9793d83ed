"""The judge's verdict on a file that somebody else protected."""

from sdc.verdict.case import Case, Check
from sdc.verdict.judge import conclude, judge, metrics, require_pass
from sdc.verdict.measures import risk_of

__all__ = ["Case", "Check", "conclude", "judge", "metrics", "require_pass", "risk_of"]
