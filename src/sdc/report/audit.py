"""The page of the audit across releases: sets of knowledge, promises, cause and remedy."""

from collections.abc import Mapping

from jinja2 import Environment, PackageLoader, StrictUndefined

from sdc import __version__
from sdc.dictionary import Dictionary
from sdc.report.words import count_in_words, label_of, share_in_words


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
    environment = Environment(
        loader=PackageLoader("sdc.report", ""),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {"n": _number, "share": share_in_words}
    passes = audit["gate"] == "pass" and audit["complete"] is True
    passes = passes and all(held["gate"] == "pass" for held in audit["sets"])
    columns = {row["column"] for held in audit["sets"] for row in held["worst"]}
    labels = {name: label_of(name, dictionary) for name in columns}
    template = environment.get_template("audit.html")
    return template.render(audit=audit, title=title, passes=passes, labels=labels, version=__version__)


def _number(value: float) -> str:
    return count_in_words(int(value)) if float(value).is_integer() else f"{value:.4g}"
