"""From the shapes people send to a typed table."""

from sdc.ingest.assemble import ingest
from sdc.ingest.layout import Extract, Layout, read_extract

__all__ = ["Extract", "Layout", "ingest", "read_extract"]
