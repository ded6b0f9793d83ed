"""From the shapes people send to a typed table.

The names below are imported when they are first used: the process that parses a hostile file imports this package, and
must not need the memory and the second that all of it takes.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from sdc.ingest.assemble import ingest
    from sdc.ingest.layout import Extract, Layout, read_extract

__all__ = ["Extract", "Layout", "ingest", "read_extract"]

_HOMES = {"ingest": "assemble", "Extract": "layout", "Layout": "layout", "read_extract": "layout"}


def __getattr__(name: str) -> Any:
    """Import a name of the package on its first use."""
    if name not in _HOMES:
        raise AttributeError(name)
    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
