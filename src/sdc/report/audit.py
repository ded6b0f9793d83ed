"""The page of the audit across releases: sets of knowledge, promises, cause and remedy."""

from collections.abc import Mapping
from typing import NamedTuple

from sdc.dictionary import Dictionary
from sdc.pages import render
from sdc.report.words import FILTERS, count_in_words, label_of, share_in_words, whole_promise


class Promise(NamedTuple):
    """One promise held against one set of knowledge: what was found, what was out before, what is allowed."""

    state: str
    promise: str
    found: str
    before: str
    allowed: str


def audit_page(audit: Mapping, *, title: str, dictionary: Dictionary) -> str:
    """Write the page of an audit.

    Parameters
    ----------
    audit : mapping
        As in audit.json: counts, column names, levels and release ids.
    title : str
        Title of the request.
    dictionary : Dictionary
        Labels of columns are taken from it.

    Returns
    -------
    str : HTML, one self-contained document without scripts

    Guarantees
    ----------
    * The same document gives the same bytes; nothing outside the page is referred to; all text is escaped.
    * An audit that is not complete, or in which a set does not pass, shows as a failed gate, whatever its `gate` says.
    """
    passes = audit["gate"] == "pass" and audit["complete"] is True
    passes = passes and all(held["gate"] == "pass" for held in audit["sets"])
    columns = {row["column"] for held in audit["sets"] for row in held["worst"]}
    labels = {name: label_of(name, dictionary) for name in columns}
    sets = [{**held, "promises": [_promise(check) for check in held["checks"]]} for held in audit["sets"]]
    return render(
        "report/audit.html",
        filters=FILTERS,
        audit=audit,
        sets=sets,
        title=title,
        passes=passes,
        labels=labels,
        warned=sum(promise.state == "warns" for held in sets for promise in held["promises"]),
        mend=next(
            (f"mend{place}" for place, held in enumerate(sets, 1) if held["remedy"] and held["gate"] != "pass"), ""
        ),
    )


def _promise(check: Mapping) -> Promise:
    say = share_in_words if check["name"] == "linkage" else _number
    found, before, allowed = (say(check[name]) for name in ("observed", "already", "limit"))
    state = "holds" if check["passed"] else "warns" if check["breach"] != "stop" else "fails"
    return Promise(state, whole_promise(check["promise"], allowed), found, before, allowed)


def _number(value: float) -> str:
    return count_in_words(int(value)) if float(value).is_integer() else f"{value:.4g}"
