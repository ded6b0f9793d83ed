"""The frame of every page: one head, one style, and the function that fills a template in."""

import re
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup, escape

from sdc import __version__

_NONE: Mapping[str, Callable] = MappingProxyType({})


def render(template: str, *, filters: Mapping[str, Callable] = _NONE, **values: Any) -> str:
    """Fill a template in.

    Parameters
    ----------
    template : str
        Path below `sdc`, as in ``report/page.html``; it extends ``pages/base.html``.
    filters : mapping of str to function
        Beside `prose`, which all templates have.
    **values
        What the template names; `version` of the software is there already.

    Returns
    -------
    str : HTML, one self-contained document without scripts

    Guarantees
    ----------
    * All text is escaped; a value that the template names and nobody gives is refused.
    * The same values give the same bytes.
    """
    environment = Environment(
        loader=PackageLoader("sdc", ""),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {"prose": prose, **filters}
    return environment.get_template(template).render(version=__version__, **values)


def prose(text: str) -> Markup:
    """Escaped text, with what stands between backticks as code."""
    return Markup(re.sub(r"`([^`]+)`", r"<code>\1</code>", str(escape(text))))  # noqa: S704 - escaped first
