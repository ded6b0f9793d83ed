"""Columns that are one question: the 0/1 columns of a select_multiple beside their text, or alone."""

import re
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from sdc.ingest.multiples import MARKS

_LEAST = 2  # children of a question whose text is absent
_UNDER = re.compile(r"[^_]_[^_]")


@dataclass(frozen=True)
class Family:
    """A select_multiple: its text column where there is one, and its 0/1 columns by code."""

    parent: str
    text: bool
    sign: str
    children: Mapping[str, str]


def families(
    columns: Sequence[str], marks: Mapping[str, bool], vocabulary: Mapping[str, frozenset[str]]
) -> list[Family]:
    """Find the select_multiples among the columns of a file.

    Parameters
    ----------
    columns : names, in file order
    marks : whether a column holds nothing but 0 and 1 (or true and false)
    vocabulary : codes that the text columns hold, levelled; only of columns that may be select_multiples

    Returns
    -------
    list of Family
        ``/`` and ``.`` make a family of any two 0/1 columns; ``_`` only beside a text whose codes the columns name,
        as it stands in most names anyway.
    """
    names = set(columns)
    children: dict[tuple[str, str], dict[str, str]] = defaultdict(dict)
    for name in columns:
        if not marks.get(name):
            continue
        for sign in "/.":
            parent, found, code = name.rpartition(sign)
            if found and parent and code:
                children[parent, sign][code] = name
                break
        else:
            for cut in (place + 1 for place in range(len(name)) if _UNDER.match(name, place)):
                parent, code = name[:cut], name[cut + 1 :]
                if parent in vocabulary and level_code(code) in vocabulary[parent]:
                    children[parent, "_"][code] = name
                    break
    unmarked = {
        name[:place] for name in columns if not marks.get(name) for place, sign in enumerate(name) if sign in "/."
    }
    result = []
    for (parent, sign), held in children.items():
        codes = vocabulary.get(parent)
        if codes is not None:
            known = sum(level_code(code) in codes for code in held)
            if known >= 1 or (sign == "/" and len(held) >= _LEAST):
                result.append(Family(parent, True, sign, held))
        elif parent not in names and parent not in unmarked and len(held) >= (_LEAST if sign == "/" else 2 * _LEAST):
            result.append(Family(parent, False, sign, held))
        elif parent in names and sign == "/":
            result.append(Family(parent, True, sign, held))
    return result


def level_code(code: str) -> str:
    """A code as the name of a 0/1 column may write it."""
    return re.sub(r"[\s_]+", "_", code.strip().casefold())


def is_marks(texts: Sequence[str]) -> bool:
    """Whether distinct texts are nothing but the marks of chosen and not chosen."""
    return bool(texts) and {text.casefold() for text in texts} <= MARKS and len(texts) <= 4
