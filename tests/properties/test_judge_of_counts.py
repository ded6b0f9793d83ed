"""Guarantees of the judge of counts, on files that Hypothesis draws and against trying every whole table."""

from itertools import product

import numpy as np
import pandas as pd
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sdc.cells.rows import row_cells
from sdc.dictionary import Link
from sdc.verdict.cellaudit import INTRUDERS, Shown, cells_of, learns

SUM = (Link(total="all", parts=("men", "women")),)
COUNTS = ["all", "men", "women"]
K = 3
FEW = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
_MOST = 9


@st.composite
def files(draw: st.DrawFn, rows: int = 2) -> tuple[pd.DataFrame, np.ndarray]:
    """Places with men and women, all of one area, and which of their counts are hidden: small ones, and some more."""
    people = [[draw(st.integers(0, 4)) for _ in range(2)] for _ in range(rows)]
    truth = pd.DataFrame([(men + women, men, women) for men, women in people], columns=COUNTS).astype("Int64")
    values = truth.to_numpy(dtype=float)
    more = np.array(draw(st.lists(st.booleans(), min_size=3 * rows, max_size=3 * rows))).reshape(rows, 3)
    return truth, (values > 0) & ((values < K) | more)


def shown_of(truth: pd.DataFrame, hidden: np.ndarray, *, area: bool, same: np.ndarray | None = None) -> Shown:
    areas = [np.zeros(len(truth), dtype=np.int64)] if area else []
    cells = cells_of(truth, SUM, np.ones(3, dtype=bool), areas)
    counts = cells.counts.astype(float)
    rows = (cells.labels["level"] == 0).to_numpy()
    gone = (counts > 0) & (counts < K)
    gone[rows] = hidden.ravel()
    return Shown(
        cells=cells, hidden=gone, low=counts, high=counts, primary=gone & (counts < K),
        least=np.full(len(cells), float(K)), may_be_zero=np.zeros(len(cells), dtype=bool),
        same=np.full(len(cells), -1) if same is None else same,
    )  # fmt: skip


def certain(shown: Shown, rows: int, *, hidden: np.ndarray, sums: bool) -> set[int]:
    """Guarded cells that are the same in every whole table that agrees with what is shown: all are tried."""
    people = np.array(list(product(range(_MOST), repeat=2 * rows)))
    men, women = people[:, :rows], people[:, rows:]
    tables = np.stack([men + women, men, women], axis=2).reshape(len(people), -1)
    if len(shown.cells) > tables.shape[1]:
        tables = np.hstack([tables, np.stack([(men + women).sum(1), men.sum(1), women.sum(1)], axis=1)])
    told = ~hidden
    if not sums:
        told = told & (shown.cells.labels["level"] == 0).to_numpy()
    agree = (tables[:, told] == shown.cells.counts[told]).all(axis=1)
    secret = hidden & ((shown.cells.labels["level"] == 0).to_numpy() | sums)
    agree &= (tables[:, secret] >= 1).all(axis=1)
    return {cell for cell in np.flatnonzero(shown.primary) if len(np.unique(tables[agree, cell])) == 1}


@FEW
@given(files())
def test_what_is_recoverable_is_what_trying_every_whole_table_says(drawn: tuple[pd.DataFrame, np.ndarray]) -> None:
    """With the sums over the area, but for what these give away alone; and without them, nothing excepted."""
    truth, hidden = drawn
    shown = shown_of(truth, hidden, area=True)
    everything = shown.hidden | ((shown.cells.labels["level"] == 0).to_numpy() & (shown.cells.counts > 0))
    with_sums = certain(shown, len(truth), hidden=shown.hidden, sums=True)
    alone = certain(shown, len(truth), hidden=everything, sums=True)
    rows = set(np.flatnonzero(shown.cells.labels["level"] == 0).tolist())
    from_rows = certain(shown, len(truth), hidden=shown.hidden, sums=False) & rows  # a small sum has a small part
    told = learns(shown, "at-least-one")
    assert set(told.exposed.tolist()) == (with_sums - alone) | (with_sums & from_rows)
    assert told.given_away == len((with_sums & alone) - from_rows)


@FEW
@given(files(rows=3))
def test_who_knows_more_recovers_no_less(drawn: tuple[pd.DataFrame, np.ndarray]) -> None:
    shown = shown_of(*drawn, area=False)
    found = {name: set(learns(shown, name).exposed.tolist()) for name in INTRUDERS}
    assert found["nothing-known"] <= found["at-least-one"]
    assert found["at-least-one"] <= found["last-round"]
    assert found["at-least-one"] <= found["knows-primary"]
    assert found["at-least-one"] <= found["singleton"]


@FEW
@given(files(rows=4), st.permutations(range(4)))
def test_the_order_of_rows_decides_nothing(drawn: tuple[pd.DataFrame, np.ndarray], order: list[int]) -> None:
    truth, hidden = drawn
    one = shown_of(truth, hidden, area=True)
    other = shown_of(truth.iloc[order].reset_index(drop=True), hidden[order], area=True)
    for name in INTRUDERS:
        first, second = learns(one, name), learns(other, name)
        assert (first.recoverable, first.given_away, first.narrowest) == (
            second.recoverable, second.given_away, second.narrowest,
        )  # fmt: skip


@FEW
@given(files(rows=4), st.integers(0, 11))
def test_one_more_hidden_count_never_helps_an_intruder(drawn: tuple[pd.DataFrame, np.ndarray], place: int) -> None:
    truth, hidden = drawn
    more = hidden.copy()
    more[place // 3, place % 3] |= bool(truth.iloc[place // 3, place % 3] > 0)
    before, after = (shown_of(truth, which, area=False) for which in (hidden, more))
    for name in ("nothing-known", "at-least-one"):
        lost = set(learns(before, name).exposed.tolist())
        new = set(np.flatnonzero(after.primary & ~before.primary).tolist())
        assert set(learns(after, name).exposed.tolist()) - new <= lost


@FEW
@given(files(rows=4))
def test_sums_over_areas_add_up_and_each_row_lies_in_one(drawn: tuple[pd.DataFrame, np.ndarray]) -> None:
    truth, _ = drawn
    areas = [np.array([0, 0, 1, 1]), np.zeros(4, dtype=np.int64)]
    cells = row_cells(truth, SUM, COUNTS, areas)
    assert not (cells.identities @ cells.counts).any()
    assert len(cells) == 12 + 6 + 3
    total = cells.labels["level"] == 2
    assert cells.counts[total].tolist() == truth.sum().tolist()


@FEW
@given(files(rows=4))
def test_a_round_that_repeats_another_adds_nothing_for_who_forgets(drawn: tuple[pd.DataFrame, np.ndarray]) -> None:
    """Two equal rounds: what one shows fills the other's holes for who remembers, and for nobody else."""
    truth, hidden = drawn
    both = pd.concat([truth, truth], ignore_index=True)
    gone = np.vstack([hidden, np.zeros_like(hidden)])
    same = np.tile(np.arange(12), 2)
    shown = shown_of(both, gone, area=False, same=same)
    once = learns(shown_of(truth, hidden, area=False), "at-least-one")
    assert learns(shown, "at-least-one").recoverable == once.recoverable
    assert learns(shown, "last-round").recoverable == int(shown.primary.sum())
