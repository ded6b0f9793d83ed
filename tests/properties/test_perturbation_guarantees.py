"""Each Guarantees line of the steps that change numbers, codes and places, on tables that nobody drew."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sdc.dictionary import Geography, Role, Type, Variable
from sdc.steps.bands import recode_to_bands
from sdc.steps.displacement import displace_coordinates
from sdc.steps.microaggregation import microaggregate
from sdc.steps.noise import add_noise
from sdc.steps.order import shuffle_records
from sdc.steps.pram import post_randomise, transition
from sdc.steps.rankswap import swap_ranks
from sdc.steps.recordswap import swap_records
from sdc.steps.rounding import round_numbers
from sdc.steps.topcoding import bottom_code, top_code
from sdc.table import Table

NUMBERS = ["income", "rent", "debt"]
WHOLE_RECORDS = ["mdav", "rmd", "pca", "mcdpca", "influence", "single"]
INCOME = Variable(name="income", type=Type.NUMBER, role=Role.KEY)
RENT = Variable(name="rent", type=Type.INTEGER, role=Role.KEY)
DEBT = Variable(name="debt", type=Type.NUMBER, role=Role.SENSITIVE, min=0)
SEX = Variable(name="sex", type=Type.CODE, role=Role.KEY, codes={"f": {}, "m": {}, "x": {}})
LARGE = Variable(name="large", type=Type.CODE, open_codes=True, role=Role.KEY)
SMALL = Variable(name="small", type=Type.CODE, open_codes=True, role=Role.KEY)
NAME = Variable(name="small_name", type=Type.CODE, open_codes=True, role=Role.KEY, follows="small")
WORDS = Variable(name="rent_in_words", type=Type.CODE, open_codes=True, role=Role.OTHER, follows="rent")
WEIGHT = Variable(name="weight", type=Type.NUMBER, role=Role.WEIGHT)
HOUSEHOLD = Variable(name="household", type=Type.INTEGER, role=Role.HOUSEHOLD)
GROUP = Variable(name="group", type=Type.CODE, open_codes=True, role=Role.KEY)
KIND = Variable(name="kind", type=Type.CODE, open_codes=True, role=Role.OTHER, scope="hh")
SEEDS = st.integers(0, 2**32 - 1)


@st.composite
def households(draw, least: int = 6, gaps: bool = True) -> Table:
    """Records with numbers (some missing, many ties), a code, an area within a larger one, a weight, a household."""
    n = draw(st.integers(least, 45))
    rng = np.random.default_rng(draw(SEEDS))
    step = draw(st.sampled_from([0.1, 1.0, 25.0]))
    income = np.round(rng.lognormal(4, 1, n) / step) * step
    rent = np.round(income / 3 + rng.normal(0, 10, n))
    debt = np.where(rng.random(n) < 0.4, 0.0, np.round(rng.lognormal(3, 1, n), 1))
    holes = {name: gaps & (rng.random(n) < 0.15) for name in NUMBERS}
    for hole in holes.values():
        hole[:5] = False
    household = np.sort(rng.integers(0, max(n // 2, 1), n))
    small = rng.integers(0, 4, household.max() + 1)[household]
    kind = rng.choice(["town", "camp"], household.max() + 1)[household]
    rows = pd.DataFrame({
        "household": pd.array(household, dtype="Int64"),
        "income": pd.arrays.FloatingArray(income, holes["income"]),
        "rent": pd.arrays.IntegerArray(rent.astype(np.int64), holes["rent"]),
        "rent_in_words": pd.Series([f"number {r}" for r in rent], dtype="str"),
        "debt": pd.arrays.FloatingArray(debt, holes["debt"]),
        "sex": pd.Categorical(rng.choice(["f", "m", None], n, p=[0.5, 0.4, 0.1]), ["f", "m", "x"]),
        "group": pd.Series(rng.choice(["a", "b", "c"], n, p=[0.6, 0.3, 0.1]), dtype="str"),
        "kind": pd.Series(kind, dtype="str"),
        "large": pd.Series(np.array(["L1", "L2"])[small // 2], dtype="str"),
        "small": pd.Series(np.array(["S1", "S2", "S3", "S4"])[small], dtype="str"),
        "small_name": pd.Series([f"name of {s}" for s in small], dtype="str"),
        "weight": pd.array(np.round(1 + rng.exponential(3, n), 2), dtype="Float64"),
    })  # fmt: skip
    variables = (HOUSEHOLD, INCOME, RENT, WORDS, DEBT, SEX, GROUP, KIND, LARGE, SMALL, NAME, WEIGHT)
    return Table(rows, variables)


def floats(rows: pd.DataFrame, names: list[str] = NUMBERS) -> np.ndarray:
    return rows[names].to_numpy(np.float64, na_value=np.nan)


def only_changed(before: Table, after: Table, columns: set[str], gone: set[str] = frozenset()) -> None:
    """The same records in the same order; every other column as it was, and what follows a changed one gone."""
    assert after.rows.index.equals(before.rows.index)
    assert [v.name for v in after.variables] == list(after.rows.columns)
    assert set(before.rows.columns) - set(after.rows.columns) == set(gone)
    for name in set(after.rows.columns) - columns:
        pd.testing.assert_series_equal(after.rows[name], before.rows[name])
    for name in columns:
        assert after.rows[name].isna().equals(before.rows[name].isna())
        assert after.rows[name].dtype == before.rows[name].dtype


def same_whatever_the_order(step, table: Table, **params) -> None:
    """The same records come out when they go in mixed."""
    mixed = table.with_rows(table.rows.sample(frac=1, random_state=5))
    one, other = (step(t, **params).rows for t in (table, mixed))
    shown = [frame.astype("str").fillna("").sort_values(list(frame.columns)).to_numpy() for frame in (one, other)]
    assert (shown[0] == shown[1]).all()


@given(households(), st.floats(0, 200))
def test_no_value_lies_beyond_the_limit_and_the_others_stay(table, limit):
    for step, sign in ((top_code, 1), (bottom_code, -1)):
        result = step(table, "income", limit)
        only_changed(table, result, {"income"})
        old, new = floats(table.rows, ["income"])[:, 0], floats(result.rows, ["income"])[:, 0]
        inside = sign * old <= sign * limit
        assert (new[inside] == old[inside]).all()
        assert (new[~inside & ~np.isnan(old)] == limit).all()


@given(households(), st.sampled_from([1, 5, 50]))
def test_every_value_is_the_nearest_multiple(table, base):
    result = round_numbers(table, ["income", "rent"], base)
    only_changed(table, result, {"income", "rent"}, {"rent_in_words"})
    old, new = floats(table.rows, ["income", "rent"]), floats(result.rows, ["income", "rent"])
    seen = ~np.isnan(old)
    assert (np.abs(old - new)[seen] <= base / 2 + 1e-9).all()
    assert (new[seen] % base == 0).all()


@given(households(), st.lists(st.integers(-50, 300), min_size=1, max_size=6, unique=True))
def test_values_of_one_band_agree_and_of_two_bands_do_not(table, ends):
    result = recode_to_bands(table, "rent", sorted(ends))
    old, new = floats(table.rows, ["rent"])[:, 0], result.rows["rent"]
    assert (new.isna() == np.isnan(old)).all()
    place = np.searchsorted(sorted(ends), old[~np.isnan(old)], side="right")
    pairs = pd.DataFrame({"band": place, "label": new.dropna().astype("str").to_numpy()}).drop_duplicates()
    assert pairs["band"].is_unique and pairs["label"].is_unique
    assert result["rent"].codes_at(result["rent"].level) is not None
    assert "rent_in_words" not in result


@given(households(least=10), st.integers(2, 4), st.sampled_from(["mdav", "onedims", "single"]))
def test_every_value_shown_is_shown_by_at_least_k(table, k, method):
    result = microaggregate(table, NUMBERS, k, method=method)
    only_changed(table, result, set(NUMBERS), {"rent_in_words"})
    for name in NUMBERS:
        assert (result.rows[name].value_counts() >= k).all()
    old, new = floats(table.rows), floats(result.rows)
    unit = np.array([1e-9 * (1 + np.nanmax(np.abs(old[:, 0]))), 0.5, 1e-9 * (1 + np.nanmax(np.abs(old[:, 2])))])
    assert (np.abs(np.nanmean(old, axis=0) - np.nanmean(new, axis=0)) <= unit + 1e-12).all()


@settings(max_examples=20)
@given(households(least=25, gaps=False), st.integers(2, 4), st.sampled_from(WHOLE_RECORDS))
def test_every_combination_is_shown_by_at_least_k(table, k, method):
    result = microaggregate(table, NUMBERS, k, method=method).rows
    assert (result.groupby(NUMBERS).size() >= k).all()


@given(households(least=12, gaps=False), st.integers(2, 3))
def test_groups_are_formed_inside_strata_that_are_large_enough(table, k):
    result = microaggregate(table, ["income"], k, strata=["large"]).rows
    sizes = table.rows["large"].value_counts()
    for area in sizes[sizes >= k].index:
        if (sizes >= k).all():
            inside = (table.rows["large"] == area).to_numpy()
            means = [frame["income"][inside].astype(float).mean() for frame in (table.rows, result)]
            assert means[0] == pytest.approx(means[1])


@settings(max_examples=20)
@given(households(least=25, gaps=False), st.sampled_from([*WHOLE_RECORDS, "onedims"]))
def test_microaggregation_does_not_depend_on_the_order_of_records(table, method):
    same_whatever_the_order(microaggregate, table, columns=NUMBERS, k=3, method=method)


@given(households(), st.sampled_from(["additive", "correlated", "rescaled"]), st.floats(0.01, 1), SEEDS)
def test_noise_keeps_gaps_and_the_range_of_the_dictionary(table, method, share, seed):
    result = add_noise(table, NUMBERS, share, seed, method=method)
    only_changed(table, result, set(NUMBERS), {"rent_in_words"})
    assert (result.rows["debt"].dropna() >= 0).all()
    pd.testing.assert_frame_equal(result.rows, add_noise(table, NUMBERS, share, seed, method=method).rows)
    same_whatever_the_order(add_noise, table, columns=NUMBERS, share=share, seed=seed, method=method)


def test_noise_has_the_size_and_the_correlations_that_were_asked_for():
    rng = np.random.default_rng(0)
    x = rng.multivariate_normal([0, 100], [[1, 0.8], [0.8, 1]], 20_000) * [10, 1]
    rows = pd.DataFrame({"income": pd.array(x[:, 0], "Float64"), "debt": pd.array(x[:, 1], "Float64")})
    table = Table(rows, (INCOME, DEBT))
    spread, correlation = x.std(axis=0), np.corrcoef(x.T)[0, 1]
    for method, grown, kept in (("additive", 1.25, False), ("correlated", 1.25, True), ("rescaled", 1.0, True)):
        y = floats(add_noise(table, ["income", "debt"], 0.5, 1, method=method).rows, ["income", "debt"])
        np.testing.assert_allclose((y.std(axis=0) / spread) ** 2, grown, rtol=0.03)
        np.testing.assert_allclose(y.mean(axis=0), x.mean(axis=0), atol=0.3)
        assert (abs(np.corrcoef(y.T)[0, 1] - correlation) < 0.01) == kept


@given(households(), st.floats(0.01, 1), SEEDS)
def test_each_column_holds_the_same_values_and_none_moves_beyond_the_window(table, window, seed):
    result = swap_ranks(table, NUMBERS, window, seed)
    only_changed(table, result, set(NUMBERS), {"rent_in_words"})
    for name in NUMBERS:
        old, new = (frame[name].dropna().to_numpy(np.float64) for frame in (table.rows, result.rows))
        ranked = np.sort(old)
        assert (np.sort(new) == ranked).all()
        reach = max(int(window * len(old)), 1)
        low, high = np.searchsorted(ranked, old, side="left"), np.searchsorted(ranked, old, side="right") - 1
        first, last = np.searchsorted(ranked, new, side="left"), np.searchsorted(ranked, new, side="right") - 1
        assert (np.maximum(first - high, low - last) <= reach).all()
    same_whatever_the_order(swap_ranks, table, columns=NUMBERS, window=window, seed=seed)


@given(st.lists(st.integers(0, 1000), min_size=1, max_size=8), st.floats(0, 1), st.floats(0, 1))
def test_the_matrix_keeps_the_expected_totals(totals, retain, alpha):
    counts = np.array(totals, dtype=float)
    matrix = transition(counts, retain, alpha)
    assert (matrix >= -1e-15).all()
    np.testing.assert_allclose(matrix.sum(axis=1), 1, rtol=1e-12)
    np.testing.assert_allclose(counts @ matrix, counts, rtol=1e-9, atol=1e-9)
    nobody = counts == 0
    assert (matrix[np.ix_(~nobody, nobody)] == 0).all()
    assert (matrix[nobody] == np.eye(len(counts))[nobody]).all()


@given(households(), SEEDS, st.sampled_from([None, ["large"]]))
def test_only_codes_of_the_stratum_appear(table, seed, strata):
    for column in ("sex", "group"):
        result = post_randomise(table, column, 0.5, seed, alpha=0.9, strata=strata)
        only_changed(table, result, {column})
        areas = table.rows["large"] if strata else pd.Series("all", index=table.rows.index)
        for area in areas.unique():
            inside = (areas == area).to_numpy()
            assert set(result.rows[column][inside].dropna()) <= set(table.rows[column][inside].dropna())
    same_whatever_the_order(post_randomise, table, column="sex", retain=0.5, seed=seed, strata=strata)


def test_weighted_counts_stay_on_average():
    rng = np.random.default_rng(0)
    n = 40_000
    rows = pd.DataFrame({
        "group": pd.Series(rng.choice(["a", "b", "c", "d"], n, p=[0.6, 0.25, 0.1, 0.05]), dtype="str"),
        "weight": pd.array(1 + rng.exponential(3, n), dtype="Float64"),
    })  # fmt: skip
    table = Table(rows, (GROUP, WEIGHT))
    result = post_randomise(table, "group", 0.3, 1, alpha=1.0).rows
    assert (result["group"] != rows["group"]).mean() > 0.3
    weights = rows["weight"]
    old, new = (weights.groupby(frame["group"]).sum() for frame in (rows, result))
    np.testing.assert_allclose(new, old, rtol=0.05)


@given(households(least=12), st.integers(2, 5), st.sampled_from([0.0, 0.1, 0.5, 1.0]), SEEDS)
def test_every_area_keeps_its_records_and_households_move_whole(table, k, share, seed):
    params = {"geography": ["large", "small"], "keys": ["group", "sex"], "k": k, "share": share, "seed": seed}
    params["similar"] = [["kind"], []]
    result = swap_records(table, **params)
    places = ["large", "small", "small_name"]
    for name in set(table.rows.columns) - set(places):
        pd.testing.assert_series_equal(result.rows[name], table.rows[name])
    old, new = (frame.value_counts(places).sort_index() for frame in (table.rows, result.rows))
    pd.testing.assert_series_equal(old, new)
    assert (result.rows.groupby("household")["small"].agg(lambda areas: len(set(areas))) == 1).all()
    moved = pd.DataFrame({"household": table.rows["household"], "area": table.rows["small"]}).drop_duplicates()
    moved["now"] = moved["household"].map(result.rows.groupby("household")["small"].first())
    exchanged = moved[moved["area"] != moved["now"]]
    assert len(exchanged) % 2 == 0
    same_whatever_the_order(swap_records, table, **params)


@given(households(least=12), st.sampled_from([0.0, 0.1, 0.3, 0.5]), SEEDS)
def test_no_more_than_the_share_moves_where_nobody_stands_out(table, share, seed):
    result = swap_records(table, ["large", "small"], ["group"], 1, share, seed)  # k = 1: nobody stands out
    moved = table.rows["small"] != result.rows["small"]
    members = pd.DataFrame({"household": table.rows["household"], "area": table.rows["small"], "moved": moved})
    units = members.drop_duplicates()
    for _, area in units.groupby("area"):
        assert area["moved"].sum() <= np.floor(share * len(area) + 0.5)


@given(SEEDS, st.floats(-60, 70), st.floats(-170, 170), st.booleans())
def test_places_move_within_their_distances_and_stay_in_their_box(seed, north, east, boxed):
    n = 30
    rng = np.random.default_rng(seed)
    lat, lon = north + rng.uniform(-0.02, 0.02, n), east + rng.uniform(-0.02, 0.02, n)
    kinds = rng.choice(["urban", "rural"], n)
    rows = pd.DataFrame({
        "site": pd.Series([f"place {i}" for i in range(n)], dtype="str"),
        "kind": pd.Series(kinds, dtype="str"),
        "large": pd.Series(["here"] * n, dtype="str"),
        "lat": pd.array(lat, dtype="Float64"), "lon": pd.array(lon, dtype="Float64"),
    })  # fmt: skip
    site = Variable(name="site", type=Type.CODE, open_codes=True, role=Role.KEY)
    points = [Variable(name=c, type=Type.NUMBER, role=Role.KEY, geography=Geography.POINT) for c in ("lat", "lon")]
    table = Table(rows, (site, KIND, LARGE, *points))
    params = {"latitude": "lat", "longitude": "lon", "place": "site", "kind": "kind", "area": "large", "seed": seed}
    params["distances"] = {"urban": [0.5, 2], "rural": [0, 5, 0.1, 10]}
    params["bounds"] = {"here": [north - 0.03, east - 0.03, north + 0.03, east + 0.03]} if boxed else None
    result = displace_coordinates(table, **params)
    new = result.rows[["lat", "lon"]].astype(float).to_numpy()
    away = great_circle(lat, lon, *new.T)
    assert (away <= np.where(kinds == "urban", 2, 10) * 1.01).all()
    if boxed:
        assert (np.abs(new - [north, east]) <= 0.03 + 1e-9).all()
    else:
        assert (away >= np.where(kinds == "urban", 0.5, 0) * 0.99).all()
    same_whatever_the_order(displace_coordinates, table, **params)


def great_circle(lat, lon, lat2, lon2) -> np.ndarray:
    a, b, c, d = map(np.radians, (lat, lon, lat2, lon2))
    h = np.sin((c - a) / 2) ** 2 + np.cos(a) * np.cos(c) * np.sin((d - b) / 2) ** 2
    return 2 * 6371.0 * np.arcsin(np.sqrt(h))


@given(households(), SEEDS)
def test_a_shuffled_file_holds_the_same_records_in_an_order_of_its_seed(table, seed):
    result = shuffle_records(table, seed).rows
    pd.testing.assert_frame_equal(result.sort_index(), table.rows)
    mixed = shuffle_records(table.with_rows(table.rows.sample(frac=1, random_state=3)), seed).rows
    pd.testing.assert_frame_equal(result.reset_index(drop=True), mixed.reset_index(drop=True))
