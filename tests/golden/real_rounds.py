"""Real DTM extracts through suppression, round by round: what is hidden, and what intruders recover.

Run: ``python tests/golden/real_rounds.py FILE``; FILE is the DTM API's sums at admin 0 to 2, a row of hashtags under
the header. Prints one line for each country and threshold.
"""

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from sdc.cells.intruder import AT_LEAST_ONE, LAST_ROUND, NOTHING_KNOWN, audit
from sdc.cells.model import CountTable, additive, additivity, long_counts, register
from sdc.cells.rules import minimum_count
from sdc.cells.spanning import parse_by
from sdc.engines.cellsuppression import suppress_cells

BY = "admin1Pcode>admin2Pcode,displacementReason,idpOriginAdmin1Name,sex"
COUNT = "numPresentIdpInd"
SEX = {COUNT: {}, "numberMales": {"sex": "m"}, "numberFemales": {"sex": "f"}}
LEVELS = ("admin0", "admin1", "admin2")


def read_country(file: Path, country: str) -> pd.DataFrame:
    """All rows of one country that hold a count."""
    rows = pd.read_csv(file, skiprows=[1], low_memory=False)
    return rows[rows["admin0Pcode"] == country].dropna(subset=[COUNT])


def protected_rounds(rows: pd.DataFrame, k: int) -> Iterator[dict[str, Any]]:
    """Protect each round of each operation, all three admin levels together, and attack it.

    Totals, men and women; a cell that was shown unchanged last round stays shown.
    """
    for _, operation in rows.groupby(["operation", "assessmentType"]):
        shown = pd.Series(dtype=float)
        for _, now in operation.groupby(["roundNumber", "reportingDate"]):
            rows_by_sex = long_counts(now, SEX, COUNT).dropna(subset=[COUNT])
            given = register([CountTable(rows_by_sex, parse_by(BY), COUNT, margins=True, name="round")])
            cells = additive(given)  # of Haiti's rows a few break men + women = all; nobody can subtract in those
            primary = minimum_count(cells.counts, k) & cells.published
            names = pd.MultiIndex.from_frame(cells.labels.astype(object).where(cells.labels.notna(), ""))
            last = shown.reindex(names).to_numpy(dtype=float)
            pattern = suppress_cells(cells, primary, frozen=last == cells.counts)
            audits = {
                who.name: audit(cells, pattern.suppressed, primary, who, last=last)
                for who in (NOTHING_KNOWN, AT_LEAST_ONE, LAST_ROUND)
            }
            alone = audit(cells, primary, primary, AT_LEAST_ONE)
            gone = pattern.suppressed & cells.published
            shown = pd.Series(np.where(cells.published & ~gone, cells.counts, np.nan), index=names)
            yield {
                "broken_sums": additivity(given).rows_off,
                "cells": int(cells.published.sum()),
                "primary": int(primary.sum()),
                "secondary": int((gone & ~primary).sum()),
                "primary_alone": alone.recoverable,
                "recoverable": {name: found.recoverable for name, found in audits.items()},
                "passed": all(found.passed for found in audits.values()),
                "persons": _by_level(cells.labels, np.where(cells.published, cells.counts, 0)),
                "persons_hidden": _by_level(cells.labels, np.where(gone, cells.counts, 0)),
            }


def _by_level(labels: pd.DataFrame, counts: np.ndarray) -> np.ndarray:
    """Persons at admin 0, 1 and 2, summed over all cells of the level."""
    first, second = (labels[name].notna().to_numpy() for name in ("admin1Pcode", "admin2Pcode"))
    level = first.astype(np.int64) + (first & second)
    return np.bincount(level, weights=counts, minlength=3)


def summary(file: Path, country: str, k: int) -> dict[str, Any]:
    """All rounds of a country added up; persons hidden in per cent of those published, by level."""
    found = list(protected_rounds(read_country(file, country), k))
    persons, hidden = (sum(one[name] for one in found) for name in ("persons", "persons_hidden"))
    return {
        "rounds": len(found),
        **{
            name: sum(one[name] for one in found)
            for name in ("cells", "broken_sums", "primary", "secondary", "primary_alone")
        },
        "recoverable": {who: sum(one["recoverable"][who] for one in found) for who in found[0]["recoverable"]},
        "persons_hidden_per_cent": {
            level: round(100 * float(hidden[i] / persons[i]), 3) for i, level in enumerate(LEVELS) if persons[i]
        },
        "persons_hidden_per_cent_all": round(100 * float(hidden.sum() / persons.sum()), 3),
    }


if __name__ == "__main__":
    for name in ("AFG", "HTI", "TCD"):
        for least in (10, 20):
            print(name, least, summary(Path(sys.argv[1]), name, least), flush=True)
