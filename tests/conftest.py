"""Fixtures for all tests: where the reference files lie, when they are there."""

import os
from pathlib import Path

import pytest

from postgres import postgres_database, postgres_url

__all__ = ["postgres_database", "postgres_url"]

REPO = Path(__file__).resolve().parents[1]


@pytest.fixture(scope="session")
def repo() -> Path:
    """The checkout."""
    return REPO


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder of reference files (real data, golden results); skips where it is absent."""
    folder = Path(os.environ.get("SDC_SHARED", REPO.parent / "shared"))
    if not (folder / "data").is_dir():
        pytest.skip("reference files are absent: set SDC_SHARED to their folder")
    return folder
