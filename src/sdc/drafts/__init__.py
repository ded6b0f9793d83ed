"""From a file nobody has described to a layout and a dictionary that a person confirms."""

from sdc.drafts.draft import Draft, Finding, draft
from sdc.drafts.writing import extract_text, with_extract

__all__ = ["Draft", "Finding", "draft", "extract_text", "with_extract"]
