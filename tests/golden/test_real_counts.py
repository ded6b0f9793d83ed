"""Real DTM extracts, all rounds: nothing recoverable inside a round, nor with last round's values in hand."""

from pathlib import Path

import pytest
from real_rounds import protected_rounds, read_country

pytestmark = pytest.mark.shared


@pytest.mark.parametrize("k", [10, 20])
@pytest.mark.parametrize("country", ["AFG", "HTI", "TCD"])
def test_no_round_gives_a_small_count_away(shared: Path, country: str, k: int) -> None:
    """All three admin levels as the API gives them, by sex; a cell that was shown unchanged last round stays shown."""
    rows = read_country(shared / "data" / "dtm" / "hdx-dtm-global-iom-dtm-from-api-admin-0-to-2.csv", country)
    rounds = list(protected_rounds(rows, k))
    assert len(rounds) == {"AFG": 16, "HTI": 58, "TCD": 29}[country]
    assert all(one["passed"] for one in rounds)
    assert not any(sum(one["recoverable"].values()) for one in rounds)
    primary, alone = (sum(one[name] for one in rounds) for name in ("primary", "primary_alone"))
    assert (primary > 0) == (country != "TCD")  # the least count of Chad is 143
    assert (alone > 0) == (country != "TCD")  # which hiding the small counts alone would give away
    hidden, persons = (sum(one[name].sum() for one in rounds) for name in ("persons_hidden", "persons"))
    assert hidden < 0.01 * persons
