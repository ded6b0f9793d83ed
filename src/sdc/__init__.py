"""Statistical disclosure control for displacement data: ingest, assess, protect, validate, release."""

from importlib.metadata import version

__version__ = version("dtm-sdc")
