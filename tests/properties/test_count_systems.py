"""Guarantees of suppression and rounding where rows add up over areas and rounds, on tables that nobody drew."""

import numpy as np
import pandas as pd
from hypothesis import given, settings
from hypothesis import strategies as st

from sdc.cells.intruder import AT_LEAST_ONE, KNOWS_PRIMARY, SINGLETON, Intruder, audit
from sdc.cells.rows import row_cells
from sdc.dictionary import Link, Role, Type, Variable
from sdc.errors import DisclosureError
from sdc.steps.countrounding import round_counts
from sdc.steps.counts import suppress_counts
from sdc.table import Table

LINKS = (Link(total="all", parts=("men", "women")),)
COUNTS = ["all", "men", "women"]
MINIMUM = 5


@st.composite
def places(draw) -> Table:
    """Places in areas over two rounds, half of them unchanged."""
    n = draw(st.integers(1, 9))
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    first = rng.integers(0, draw(st.sampled_from([4, 12, 40])), (n, 2))
    second = np.where(rng.random((n, 1)) < 0.5, first, rng.integers(0, 30, (n, 2)))
    parts = np.concatenate([first, second])
    areas = np.tile(rng.choice(["A", "B"], n), 2)
    rows = pd.DataFrame(
        {
            "area": pd.array(areas, dtype="str"),
            "place": pd.array(np.tile([f"p{i}" for i in range(n)], 2), dtype="str"),
            "round": pd.array(np.repeat([1, 2], n), dtype="Int64"),
            "all": pd.array(parts.sum(axis=1), dtype="Int64"),
            "men": pd.array(parts[:, 0], dtype="Int64"),
            "women": pd.array(parts[:, 1], dtype="Int64"),
        }
    )
    keys = [Variable(name=name, type=Type.CODE, open_codes=True, role=Role.KEY) for name in ("area", "place")]
    others = [Variable(name="round", type=Type.INTEGER, role=Role.OTHER)]
    counts = [Variable(name=name, type=Type.INTEGER, role=Role.COUNT) for name in COUNTS]
    return Table(rows, (*keys, *others, *counts), LINKS)


TIES = {"margins": [["area"], []], "rounds": "round", "place": ["area", "place"]}


def judged(table: Table, result: Table, who: Intruder = AT_LEAST_ONE) -> int:
    """Primary counts of rows that follow from what is left with the sums, but for those that the sums alone give."""
    truth = table.rows[COUNTS]
    period = table.rows["round"].to_numpy(dtype=int)
    area = np.unique(table.rows["area"].astype(str), return_inverse=True)[1]
    cells = row_cells(truth, LINKS, COUNTS, [area * 2 + period, period])
    of_row = (cells.labels["level"] == 0).to_numpy()
    small = (cells.counts > 0) & (cells.counts < MINIMUM)
    gone = np.zeros(len(cells), dtype=bool)
    gone[of_row] = result.rows[COUNTS].isna().to_numpy().ravel()
    hidden = np.where(of_row, gone, small)
    found = audit(cells, hidden, small & of_row, who, minimum_count=MINIMUM).exposed
    every = np.where(of_row, cells.counts > 0, small)
    alone = audit(cells, every, small & of_row, who, minimum_count=MINIMUM).exposed
    return len(np.setdiff1d(found, alone))


@given(places())
def test_no_small_count_follows_from_what_is_left_with_the_sums_over_areas(table):
    result = suppress_counts(table, COUNTS, MINIMUM, **TIES)
    values = result.rows[COUNTS].to_numpy(dtype=float, na_value=np.nan)
    assert not ((values > 0) & (values < MINIMUM)).any()
    assert judged(table, result) == 0
    pd.testing.assert_frame_equal(result.rows[["area", "place", "round"]], table.rows[["area", "place", "round"]])
    zero = (table.rows[COUNTS] == 0).to_numpy(dtype=bool)
    assert (values[zero] == 0).all()


@settings(max_examples=40)
@given(places())
def test_nobody_who_is_alone_in_a_count_has_the_count_of_another(table):
    assert judged(table, suppress_counts(table, COUNTS, MINIMUM, **TIES), SINGLETON) == 0


@settings(max_examples=40)
@given(places())
def test_nobody_who_knows_which_counts_are_small_has_one_of_them(table):
    try:
        result = suppress_counts(table, COUNTS, MINIMUM, **TIES, which_primary="known")
    except DisclosureError:
        return
    assert judged(table, result, KNOWS_PRIMARY) == 0


@given(places(), st.integers(0, 2**32 - 1))
def test_what_is_shown_does_not_depend_on_the_order_of_rows(table, seed):
    mixed = table.with_rows(table.rows.sample(frac=1, random_state=seed))
    one = suppress_counts(table, COUNTS, MINIMUM, **TIES).rows
    other = suppress_counts(mixed, COUNTS, MINIMUM, **TIES).rows.loc[one.index]
    pd.testing.assert_frame_equal(one, other)


@given(places())
def test_a_count_that_did_not_change_is_shown_in_both_rounds_or_in_none(table):
    result = suppress_counts(table, COUNTS, MINIMUM, rounds="round", place=["area", "place"])
    half = len(table) // 2
    before, after = (frame.rows[COUNTS].to_numpy(dtype=float, na_value=np.nan) for frame in (table, result))
    same = before[:half] == before[half:]
    assert (np.isnan(after[:half]) == np.isnan(after[half:]))[same].all()


@settings(max_examples=20)
@given(places(), st.sampled_from(["controlled", "small_count", "random", "cell_key"]))
def test_every_method_keeps_zeros_and_shows_no_small_count(table, method):
    extra = {"seed": 2**100 + 7, "noise": [8, 9.0], "least": MINIMUM} if method in ("random", "cell_key") else {}
    result = round_counts(table, COUNTS, MINIMUM, method=method, **TIES, **extra)
    before, after = (frame.rows[COUNTS].to_numpy(dtype=float) for frame in (table, result))
    assert (after[before == 0] == 0).all()
    assert not ((after > 0) & (after < MINIMUM)).any()
    if method in ("controlled", "small_count"):
        assert (after[:, 0] == after[:, 1] + after[:, 2]).all()
    if method in ("controlled", "random"):
        assert (after % MINIMUM == 0).all()


@given(places())
def test_keyed_methods_move_equal_counts_of_a_place_alike_in_every_round(table):
    moved = round_counts(table, COUNTS, 5, method="random", seed=2**100 + 7, **TIES).rows
    known = {}
    for place, count, shown in zip(table.rows["place"], table.rows["men"], moved["men"], strict=True):
        assert known.setdefault((place, count), shown) == shown
