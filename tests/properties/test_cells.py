"""Guarantees of the judge and the protectors of counts, on tables that Hypothesis draws."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sdc.cells.intruder import (
    AT_LEAST_ONE,
    KNOWS_PRIMARY,
    LAST_ROUND,
    NOTHING_KNOWN,
    SINGLETON,
    audit,
    bounds,
    box,
    insiders,
)
from sdc.cells.model import Cells, CountTable, additive, additivity, find, long_counts, register, require_additive
from sdc.cells.rules import (
    contributions,
    few_contributors,
    group_disclosure,
    minimum_count,
    sensitive_categories,
)
from sdc.cells.spanning import Span, parse_by
from sdc.engines.cellknowledge import own_counts
from sdc.engines.cellsuppression import suppress_cells
from sdc.engines.controlledrounding import controlled_rounding
from sdc.engines.rounding import (
    cell_key_noise,
    noise_table,
    random_rounding,
    small_count_rounding,
)
from sdc.errors import DataError, DisclosureError, PolicyError

SECRET = b"0123456789abcdef"
NOISE = noise_table(3, 2.0)
K = 5
FEW = settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])


@st.composite
def inner_cells(draw: st.DrawFn) -> pd.DataFrame:
    """Counts by area (two levels), sex and age; many are small."""
    areas = [f"A{i}{j}" for i in range(draw(st.integers(1, 3))) for j in range(draw(st.integers(1, 3)))]
    rows = pd.MultiIndex.from_product([areas, ["f", "m"], ["0-17", "18+"]], names=["adm2", "sex", "age"]).to_frame(
        index=False
    )
    counts = draw(st.lists(st.sampled_from([0, 1, 2, 3, 4, 6, 9, 15, 40]), min_size=len(rows), max_size=len(rows)))
    return rows.assign(adm1=rows["adm2"].str[:2], persons=counts)


def cells_of(rows: pd.DataFrame, by: str = "adm1>adm2,sex,age") -> Cells:
    return register([CountTable(rows, parse_by(by), "persons")])


def protected(cells: Cells) -> tuple[np.ndarray, np.ndarray]:
    primary = minimum_count(cells.counts, K)
    return primary, suppress_cells(cells, primary).suppressed


@FEW
@given(inner_cells(), st.integers(0, 2**32 - 1))
def test_the_truth_lies_in_every_interval(rows: pd.DataFrame, seed: int) -> None:
    cells = cells_of(rows)
    primary = minimum_count(cells.counts, K)
    suppressed = primary | ((np.random.default_rng(seed).random(len(cells)) < 0.3) & (cells.counts > 0))
    for intruder in (NOTHING_KNOWN, AT_LEAST_ONE, KNOWS_PRIMARY):
        low, up = bounds(cells, *box(cells, suppressed, primary, intruder, minimum_count=K), suppressed)
        assert (low <= cells.counts + 1e-6).all()
        assert (cells.counts <= up + 1e-6).all()


@FEW
@given(inner_cells(), st.integers(0, 2**32 - 1))
def test_one_more_shown_cell_never_widens_an_interval(rows: pd.DataFrame, seed: int) -> None:
    cells = cells_of(rows)
    primary = minimum_count(cells.counts, K)
    rng = np.random.default_rng(seed)
    suppressed = primary | ((rng.random(len(cells)) < 0.4) & (cells.counts > 0))
    secondary = np.flatnonzero(suppressed & ~primary)
    if not len(secondary):
        return
    fewer = suppressed.copy()
    fewer[rng.choice(secondary)] = False
    before = bounds(cells, *box(cells, suppressed, primary, AT_LEAST_ONE), primary)
    after = bounds(cells, *box(cells, fewer, primary, AT_LEAST_ONE), primary)
    assert (after[0] >= before[0] - 1e-6).all()
    assert (after[1] <= before[1] + 1e-6).all()


@FEW
@given(inner_cells())
def test_a_pattern_that_is_safe_from_someone_is_safe_from_who_knows_less(rows: pd.DataFrame) -> None:
    cells = cells_of(rows)
    primary = minimum_count(cells.counts, K)
    lower, upper = box(cells, np.ones(len(cells), bool) & (cells.counts > 0), primary, KNOWS_PRIMARY, minimum_count=K)
    try:
        pattern = suppress_cells(cells, primary, lower=lower, upper=upper)
    except DisclosureError:
        return
    for intruder in (KNOWS_PRIMARY, AT_LEAST_ONE, NOTHING_KNOWN):
        assert audit(cells, pattern.suppressed, primary, intruder, minimum_count=K).passed


@FEW
@given(inner_cells())
def test_no_primary_cell_of_a_protected_table_is_recoverable(rows: pd.DataFrame) -> None:
    cells = cells_of(rows)
    primary, suppressed = protected(cells)
    assert suppressed[primary].all()
    assert not suppressed[cells.counts == 0].any()
    assert audit(cells, suppressed, primary, AT_LEAST_ONE).passed


@FEW
@given(inner_cells())
def test_recoverable_is_what_trying_every_whole_table_says(rows: pd.DataFrame) -> None:
    """One area, four inner cells: all tables that agree with what is shown, one by one."""
    rows = rows[rows["adm2"] == rows["adm2"].iloc[0]]
    cells = cells_of(rows.assign(persons=rows["persons"].clip(upper=6)), "sex,age")
    primary = minimum_count(cells.counts, K)
    suppressed = primary | (find(cells, pd.DataFrame({"sex": ["f"], "age": [None]}))[0] == np.arange(len(cells)))
    inner = cells.labels.notna().all(axis=1).to_numpy()
    grid = np.stack(np.meshgrid(*[np.arange(25)] * int(inner.sum()), indexing="ij"), -1).reshape(-1, int(inner.sum()))
    shown = ~suppressed
    assert cells.members is not None
    order = cells.members.indices[cells.members.indptr[np.flatnonzero(inner)]]
    tables = grid[:, np.argsort(order)] @ cells.members.T.toarray().astype(int)
    agree = (tables[:, shown] == cells.counts[shown]).all(axis=1) & (
        tables[:, suppressed] >= 1 * (cells.counts[suppressed] > 0)
    ).all(axis=1)
    certain = [cell for cell in np.flatnonzero(primary) if len(np.unique(tables[agree, cell])) == 1]
    assert audit(cells, suppressed, primary, AT_LEAST_ONE).exposed.tolist() == certain


@FEW
@given(inner_cells())
def test_an_insider_recovers_nothing_where_the_pattern_was_made_against_insiders(rows: pd.DataFrame) -> None:
    cells = cells_of(rows)
    primary = minimum_count(cells.counts, K)
    groups = insiders(cells, cells.counts == 1)
    try:
        pattern = suppress_cells(cells, primary, insiders=groups)
    except DisclosureError:
        return
    assert audit(cells, pattern.suppressed, primary, SINGLETON, groups=groups).passed


@FEW
@given(inner_cells(), st.integers(0, 2**32 - 1))
def test_insiders_who_share_cells_recover_nothing_but_what_is_told(rows: pd.DataFrame, seed: int) -> None:
    """Places know several cells each, some of them the same as others do."""
    cells = cells_of(rows)
    primary = minimum_count(cells.counts, K)
    filled, rng = np.flatnonzero(cells.counts > 0), np.random.default_rng(seed)
    if len(filled) < 4:
        return
    groups = [np.sort(rng.choice(filled, int(rng.integers(1, 5)), replace=False)) for _ in range(4)]
    pattern = suppress_cells(cells, primary, insiders=groups, infeasible="tell")
    for group in groups:
        found = audit(cells, pattern.suppressed, primary, SINGLETON, groups=[group])
        assert set(found.exposed.tolist()) <= set(pattern.unprotected.tolist()) | set(group.tolist())


@FEW
@given(inner_cells())
def test_judge_and_protector_agree_on_what_a_person_alone_in_a_count_knows(rows: pd.DataFrame) -> None:
    """Two makes of the same: cells of 1 under each other."""
    cells = cells_of(rows)
    judged, made = insiders(cells, cells.counts == 1), own_counts(cells.identities, cells.counts)
    assert sorted(group.tolist() for group in judged) == sorted(group.tolist() for group in made)


@FEW
@given(inner_cells(), st.integers(0, 2**32 - 1))
def test_nothing_depends_on_row_order(rows: pd.DataFrame, seed: int) -> None:
    shuffled = rows.sample(frac=1, random_state=seed)
    one, other = cells_of(rows), cells_of(shuffled)
    pd.testing.assert_frame_equal(one.labels, other.labels)
    assert (one.counts == other.counts).all()
    assert (one.identities != other.identities).nnz == 0
    assert (protected(one)[1] == protected(other)[1]).all()
    assert (controlled_rounding(one, 5).counts == controlled_rounding(other, 5).counts).all()
    assert (small_count_rounding(one, 5).counts == small_count_rounding(other, 5).counts).all()


@FEW
@given(inner_cells(), st.sampled_from([3, 5, 10]))
def test_rounding_keeps_identities(rows: pd.DataFrame, base: int) -> None:
    cells = cells_of(rows)
    strict = controlled_rounding(cells, base)
    assert not (cells.identities @ strict.counts).any()
    assert not (strict.counts % base).any()
    assert (strict.counts >= 0).all()
    assert not strict.counts[cells.counts == 0].any()
    assert strict.steps or strict.deviation < base
    small = small_count_rounding(cells, base)
    assert not (cells.identities @ small.counts).any()
    assert not ((small.counts > 0) & (small.counts < base)).any()


@FEW
@given(inner_cells(), st.sampled_from([3, 5]))
def test_keyed_noise_is_the_same_for_the_same_cell_and_count(rows: pd.DataFrame, base: int) -> None:
    cells = cells_of(rows)
    first = random_rounding(cells.labels, cells.counts, base, SECRET)
    again = random_rounding(cells.labels[::-1], cells.counts[::-1], base, SECRET)[::-1]
    assert (first == again).all()
    assert (np.abs(first - cells.counts) < base).all()
    assert not (first % base).any()
    noisy = cell_key_noise(cells, NOISE, SECRET)
    coarser = cells_of(rows, "adm1>adm2,sex")
    at = find(cells, coarser.labels)
    assert (cell_key_noise(coarser, NOISE, SECRET)[coarser.counts == 0] == 0).all()
    assert (noisy >= 0).all()
    assert (np.abs(noisy - cells.counts) <= 3).all()
    assert (cells.counts[at] == coarser.counts).all()


@FEW
@given(inner_cells())
def test_additivity_holds_for_inner_cells_and_every_position_is_one_cell(rows: pd.DataFrame) -> None:
    cells = cells_of(rows)
    assert additivity(cells).holds
    whole = (1 + rows["adm1"].nunique() + rows["adm2"].nunique()) * 3 * 3
    assert cells.copies.sum() == whole
    assert (find(cells, cells.labels) == np.arange(len(cells))).all()


def test_parse_by_reads_hierarchies_and_groupings_that_do_not_nest() -> None:
    spans = parse_by("adm1>adm2, sex,county>region|size>region")
    assert spans[0] == Span((("adm1", "adm2"),))
    assert spans[2].steps == (("", "county"), ("county", "region"), ("", "size"), ("size", "region"))
    with pytest.raises(PolicyError, match="two variables"):
        parse_by("sex,sex")
    with pytest.raises(PolicyError, match="empty"):
        parse_by("adm1>,sex")


def table(rows: list[tuple], columns: str) -> pd.DataFrame:
    return pd.DataFrame(rows, columns=columns.split())


def test_all_zeros_need_no_protection() -> None:
    cells = cells_of(table([("A", "A1", "f", "x", 0), ("A", "A2", "m", "y", 0)], "adm1 adm2 sex age persons"))
    primary, suppressed = protected(cells)
    assert not primary.any()
    assert not suppressed.any()
    assert audit(cells, suppressed, primary, AT_LEAST_ONE).passed
    assert not controlled_rounding(cells, 5).counts.any()


def test_one_row_is_one_cell_and_can_be_hidden() -> None:
    cells = cells_of(table([("A", "A1", "f", "x", 3)], "adm1 adm2 sex age persons"))
    primary, suppressed = protected(cells)
    assert (len(cells), cells.copies.tolist()) == (1, [12])
    assert suppressed.all()
    assert audit(cells, suppressed, primary, AT_LEAST_ONE).passed


def test_nothing_to_suppress_suppresses_nothing() -> None:
    rows = pd.MultiIndex.from_product(
        [["A"], ["A1", "A2"], list("fm"), list("xy")], names=["adm1", "adm2", "sex", "age"]
    )
    cells = cells_of(rows.to_frame(index=False).assign(persons=50))
    primary, suppressed = protected(cells)
    assert not primary.any()
    assert not suppressed.any()


def test_a_table_of_small_counts_only_is_hidden_up_to_totals_that_are_large_enough() -> None:
    rows = pd.MultiIndex.from_product(
        [["A", "B"], ["1", "2"], list("fm"), list("xy")], names=["adm1", "adm2", "sex", "age"]
    )
    rows = rows.to_frame(index=False).assign(persons=2)
    cells = cells_of(rows.assign(adm2=rows["adm1"] + rows["adm2"]))
    primary, suppressed = protected(cells)
    assert primary[cells.labels.notna().all(axis=1)].all()
    assert audit(cells, suppressed, primary, AT_LEAST_ONE).passed
    assert not suppressed[find(cells, pd.DataFrame({"adm1": [None]}))].any()


def test_what_cannot_be_protected_is_said_with_the_variable_to_coarsen() -> None:
    """The total was shown last round and stays; one small cell, and nobody to hide behind."""
    rows = table([("A", "f", 2), ("A", "m", 0), ("B", "f", 0), ("B", "m", 0)], "adm1 sex persons")
    cells = cells_of(rows, "adm1,sex")
    primary = minimum_count(cells.counts, K)
    frozen = np.zeros(len(cells), dtype=bool)
    top = find(cells, pd.DataFrame({"adm1": [None]}))
    primary[top] = False
    frozen[top] = True
    with pytest.raises(DisclosureError, match="cannot be protected") as refusal:
        suppress_cells(cells, primary, frozen=frozen)
    assert "Coarsen `" in str(refusal.value)


def test_more_than_100_000_cells_are_judged_and_protected() -> None:
    """Two hundred areas of a country, one of them with small counts."""
    rng = np.random.default_rng(3)
    rows = pd.MultiIndex.from_product(
        [range(1_400), list("fm"), list("abcdef"), list("uvwx")], names=["adm2", "sex", "age", "reason"]
    ).to_frame(index=False)
    rows["adm1"] = rows["adm2"] // 20
    rows["persons"] = rng.integers(100, 10_000, len(rows))
    rows.loc[rows["adm2"] == 7, "persons"] = rng.integers(0, 30, 48)
    cells = cells_of(rows, "adm1>adm2,sex,age,reason")
    primary, suppressed = protected(cells)
    assert len(cells) > 100_000
    assert 0 < primary.sum() < suppressed.sum()
    assert audit(cells, suppressed, primary, AT_LEAST_ONE).passed


def test_totals_that_do_not_add_up_are_counted_and_refused() -> None:
    """A site file in wide shape: men and women do not give the total in one of two rows."""
    sites = table([("A", 30, 14, 16), ("B", 20, 9, 10)], "site total men women")
    rows = long_counts(sites, {"total": {}, "men": {"sex": "m"}, "women": {"sex": "f"}}, "persons")
    cells = register([CountTable(rows, parse_by("site,sex"), "persons", margins=True, name="sites")])
    found = additivity(cells)
    assert (found.rows, found.rows_off, found.largest) == (6, 2, 1)
    assert not found.holds
    assert additivity(cells, tolerance=1).holds
    assert additive(cells).identities.shape[0] == 4
    with pytest.raises(DataError, match="2 of 6 sums"):
        require_additive(cells, "sites")


def test_a_sole_site_is_its_area() -> None:
    """The site, its admin 2 and its admin 1 are one cell: hiding one hides all."""
    rows = table([("A", "A1", "s1", 30), ("A", "A1", "s2", 40), ("B", "B1", "s3", 3)], "adm1 adm2 site persons")
    cells = cells_of(rows, "adm1>adm2>site")
    at = find(cells, table([("B", None, None), ("B", "B1", None), ("B", "B1", "s3")], "adm1 adm2 site"))
    assert len(set(at.tolist())) == 1
    assert cells.copies[at[0]] == 3


def test_several_tables_share_their_common_cells() -> None:
    """By area and sex, and by area and age: the area totals are the same cells."""
    rows = table(
        [("A", "f", "x", 3), ("A", "m", "y", 9), ("B", "f", "y", 7), ("B", "m", "x", 8)], "adm1 sex age persons"
    )
    cells = register(
        [
            CountTable(rows, parse_by("adm1,sex"), "persons", name="by sex"),
            CountTable(rows, parse_by("adm1,age"), "persons", name="by age"),
        ]
    )
    assert len(cells) == 3 + 3 * 2 + 3 * 2
    assert additivity(cells).holds
    primary = minimum_count(cells.counts, K)
    pattern = suppress_cells(cells, primary)
    assert audit(cells, pattern.suppressed, primary, AT_LEAST_ONE).passed


def test_tables_that_contradict_each_other_are_counted() -> None:
    one = table([("A", "f", 3), ("B", "m", 8)], "adm1 sex persons")
    other = table([("A", "x", 3), ("B", "y", 9)], "adm1 age persons")
    cells = register(
        [CountTable(one, parse_by("adm1,sex"), "persons"), CountTable(other, parse_by("adm1,age"), "persons")]
    )
    assert additivity(cells).disagreements > 0
    assert not additivity(cells).holds


def test_a_code_under_two_parents_is_two_cells() -> None:
    rows = table([("A", "other", 30), ("B", "other", 20), ("B", "town", 10)], "adm1 adm2 persons")
    cells = cells_of(rows, "adm1>adm2")
    assert sorted(cells.counts.tolist()) == [10, 20, 30, 30, 60]
    assert cells.copies.sum() == 6


def test_negative_and_missing_counts_are_refused_without_their_values() -> None:
    rows = table([("A", -7), ("B", None)], "adm1 persons")
    with pytest.raises(DataError, match="1 of 2 counts are missing or no numbers, 1 are negative") as refusal:
        cells_of(rows, "adm1")
    assert "-7" not in str(refusal.value)


def test_group_disclosure_marks_the_one_reason_of_an_area_and_its_zeros() -> None:
    rows = table(
        [("A", "conflict", 40), ("A", "drought", 0), ("B", "conflict", 30), ("B", "drought", 20)], "adm1 reason persons"
    )
    cells = cells_of(rows, "adm1,reason")
    found = group_disclosure(cells, ["reason"])
    assert (cells.labels["adm1"][found] == "A").all()
    assert found.sum() == 2
    pattern = suppress_cells(cells, found)
    assert audit(cells, pattern.suppressed, found, NOTHING_KNOWN).passed


def test_few_contributors_and_sensitive_categories() -> None:
    sites = table([("A", "s1", 40), ("A", "s2", 30), ("B", "s3", 90)], "adm1 site persons")
    cells = cells_of(sites, "adm1")
    shares = contributions(cells, sites["persons"].to_numpy(), sites["site"])
    assert (cells.labels["adm1"][few_contributors(shares, 2)] == "B").all()
    found = sensitive_categories(cells, {"adm1": ["A"]})
    assert cells.labels["adm1"][found].tolist() == ["A"]


def test_last_round_helps_only_where_it_is_still_true() -> None:
    rows = table([("A", "f", 3), ("A", "m", 20), ("B", "f", 8), ("B", "m", 30)], "adm1 sex persons")
    cells = cells_of(rows, "adm1,sex")
    primary, suppressed = protected(cells)
    assert audit(cells, suppressed, primary, AT_LEAST_ONE).passed
    last = np.where(suppressed & ~primary, cells.counts, np.nan).astype(float)
    known = audit(cells, suppressed, primary, LAST_ROUND, last=last)
    assert known.recoverable == primary.sum() == 1
    changed = audit(cells, suppressed, primary, LAST_ROUND, last=last + 1)
    assert changed.recoverable == 0


def test_an_audit_that_ends_early_fails() -> None:
    rng = np.random.default_rng(0)
    rows = pd.MultiIndex.from_product([range(12), list("fm"), list("abcd")], names=["adm2", "sex", "age"]).to_frame(
        index=False
    )
    cells = cells_of(rows.assign(adm1=rows["adm2"] // 4, persons=rng.integers(0, 12, len(rows))))
    primary, suppressed = protected(cells)
    stopped = audit(cells, suppressed, primary, AT_LEAST_ONE, budget=1)
    assert not stopped.finished
    assert not stopped.passed
    assert audit(cells, suppressed, primary, AT_LEAST_ONE).passed


def test_frozen_cells_stay_shown() -> None:
    rng = np.random.default_rng(1)
    rows = pd.MultiIndex.from_product([range(12), list("fm"), list("abcd")], names=["adm2", "sex", "age"]).to_frame(
        index=False
    )
    cells = cells_of(rows.assign(adm1=rows["adm2"] // 4, persons=rng.integers(1, 30, len(rows))))
    primary, suppressed = protected(cells)
    frozen = np.zeros(len(cells), dtype=bool)
    frozen[np.flatnonzero(suppressed & ~primary)[::3]] = True
    again = suppress_cells(cells, primary, frozen=frozen)
    assert not again.secondary[frozen].any()
    assert audit(cells, again.suppressed, primary, AT_LEAST_ONE).passed


def test_noise_is_unbiased_bounded_and_skips_small_counts() -> None:
    noise = noise_table(5, 4.0, least_shown=3)
    moves = np.arange(-5, 6)
    assert np.allclose(noise.probability.sum(axis=1), 1)
    assert np.allclose(noise.probability @ moves, 0, atol=1e-9)
    assert np.allclose(noise.probability[1:] @ moves**2, 4, atol=1e-6)
    for count, row in enumerate(noise.probability):
        shown = count + moves[row > 1e-12]
        assert not ((shown < 0) | (shown == 1) | (shown == 2)).any()
    with pytest.raises(PolicyError):
        noise_table(1, 2.0, least_shown=5)
