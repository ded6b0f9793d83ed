"""Real DTM extracts, all rounds: nothing recoverable inside a round, nor with last round's values in hand."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from sdc.cells.intruder import AT_LEAST_ONE, LAST_ROUND, NOTHING_KNOWN, audit
from sdc.cells.model import CountTable, additivity, register
from sdc.cells.rules import minimum_count
from sdc.cells.spanning import parse_by
from sdc.engines.cellsuppression import suppress_cells

pytestmark = pytest.mark.shared

BY = "admin1Pcode>admin2Pcode,displacementReason,idpOriginAdmin1Name"
COUNT = "numPresentIdpInd"


@pytest.mark.parametrize("k", [10, 20])
@pytest.mark.parametrize("country", ["AFG", "HTI", "TCD"])
def test_no_round_gives_a_small_count_away(shared: Path, country: str, k: int) -> None:
    """All three admin levels as the API gives them; a cell that was shown unchanged last round stays shown."""
    file = shared / "data" / "dtm" / "hdx-dtm-global-iom-dtm-from-api-admin-0-to-2.csv"
    rows = pd.read_csv(file, skiprows=[1], low_memory=False)
    rows = rows[rows["admin0Pcode"] == country].dropna(subset=[COUNT])
    rounds = 0
    for _, operation in rows.groupby(["operation", "assessmentType"]):
        shown = pd.Series(dtype=float)
        for _, now in operation.groupby(["roundNumber", "reportingDate"]):
            cells = register([CountTable(now, parse_by(BY), COUNT, margins=True, name=country)])
            assert additivity(cells).holds
            primary = minimum_count(cells.counts, k) & cells.published
            names = pd.MultiIndex.from_frame(cells.labels.astype(object).where(cells.labels.notna(), ""))
            last = shown.reindex(names).to_numpy(dtype=float)
            found = suppress_cells(cells, primary, frozen=last == cells.counts)
            for intruder in (NOTHING_KNOWN, AT_LEAST_ONE, LAST_ROUND):
                assert audit(cells, found.suppressed, primary, intruder, last=last).passed
            shown = pd.Series(np.where(cells.published & ~found.suppressed, cells.counts, np.nan), index=names)
            rounds += 1
    assert rounds == {"AFG": 16, "HTI": 58, "TCD": 29}[country]
