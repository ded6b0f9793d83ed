"""What the judge of records guarantees, on small random tables with missing values."""

from itertools import combinations
from math import factorial

import numpy as np
import pandas as pd
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from scipy.stats import binom, nbinom

from sdc.keys import key_classes, merged
from sdc.risk.diversity import (
    distinct_diversity,
    diversity_summary,
    entropy_diversity,
    recursive_diversity,
    sensitive_counts,
    t_closeness,
)
from sdc.risk.frequencies import frequencies, subset_violations, violations
from sdc.risk.individual import household_risk, individual_risk
from sdc.risk.log_linear import log_linear_risk
from sdc.risk.numeric import interval_risk, linkage_risk
from sdc.risk.population import population_uniques, snb_expected
from sdc.risk.suda import special_uniques
from sdc.risk.summary import assess_risk

CELL = st.one_of(st.none(), st.integers(0, 3))
ALPHA = st.sampled_from([0.0, 0.3, 1.0])


@st.composite
def tables(draw, least=1, cell=CELL):
    """A small table: keys k0, k1, ... with missing values, weights, households and a sensitive value."""
    m = draw(st.integers(1, 4))
    n = draw(st.integers(least, 25))
    rows = pd.DataFrame(
        {f"k{j}": pd.array(draw(st.lists(cell, min_size=n, max_size=n)), dtype="Int64") for j in range(m)}
    )
    rows["weight"] = draw(st.lists(st.integers(1, 50).map(float), min_size=n, max_size=n))
    rows["household"] = pd.array(draw(st.lists(CELL, min_size=n, max_size=n)), dtype="Int64")
    rows["reason"] = pd.array(draw(st.lists(CELL, min_size=n, max_size=n)), dtype="Int64")
    return rows


def keys_of(rows):
    """The key columns of a drawn table."""
    return [name for name in rows if name.startswith("k")]


def shuffled(rows):
    """The same records in the opposite order."""
    return rows.iloc[::-1]


def reference_frequencies(rows, alpha):
    """Every pair of records compared, straight from the definition."""
    keys = keys_of(rows)
    given = rows[keys].astype(object).where(rows[keys].notna(), None).to_numpy()
    n, m = given.shape
    weights = rows["weight"].to_numpy()
    fk, Fk = np.zeros(n), np.zeros(n)
    for i in range(n):
        mine = tuple(given[i])
        for j in range(n):
            other = tuple(given[j])
            if any(a is not None and b is not None and a != b for a, b in zip(mine, other, strict=True)):
                continue
            if mine == other or all(a is None for a in mine):
                share = 1.0
            elif None not in mine:
                share = 0.0 if m > 1 and all(b is None for b in other) else alpha
            else:
                share = 1.0 if None not in other else alpha
            fk[i] += share
            Fk[i] += share * weights[j]
    return fk, Fk


@given(tables())
def test_classes_hold_every_record_once(rows):
    classes = key_classes(rows, keys_of(rows))
    assert classes.records.sum() == len(rows)
    assert (np.bincount(classes.of_record) == classes.records).all()


@given(tables(), st.sampled_from(["Int64", "float64", "str", "category", "object"]))
def test_records_share_a_class_exactly_when_they_agree_in_every_key(rows, dtype):
    keys = keys_of(rows)
    typed = rows[keys].astype("float64" if dtype == "float64" else dtype)
    of = key_classes(typed, keys).of_record
    values = rows[keys].astype("float64").fillna(-9).to_numpy()
    equal = (values[:, None, :] == values[None, :, :]).all(axis=2)
    assert ((of[:, None] == of[None, :]) == equal).all()


@given(st.lists(st.lists(st.integers(-1, 2), min_size=3, max_size=3), max_size=20))
def test_merged_rows_are_the_distinct_rows_in_order(lists):
    codes = np.array(lists, dtype=np.int32).reshape(-1, 3)
    distinct, of_row = merged(codes)
    assert (distinct[of_row] == codes).all()
    assert [tuple(row) for row in distinct.tolist()] == sorted({tuple(row) for row in codes.tolist()})


@given(tables(), ALPHA)
def test_frequencies_equal_a_comparison_of_all_pairs(rows, alpha):
    classes = key_classes(rows, keys_of(rows))
    found = frequencies(classes, rows["weight"].to_numpy(), alpha=alpha).per_record(classes)
    fk, Fk = reference_frequencies(rows, alpha)
    assert found.fk == pytest.approx(fk)
    assert found.Fk == pytest.approx(Fk)


@given(tables(), ALPHA)
def test_compatible_sums_do_not_depend_on_how_patterns_are_numbered(rows, alpha):
    """Tables too large for direct lookup, and keys too many for one number, take other paths to the same sums."""
    classes = key_classes(rows, keys_of(rows))
    weights = rows["weight"].to_numpy()
    direct = frequencies(classes, weights, alpha=alpha)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("sdc.risk.frequencies.DIRECT_CELLS", 0)
        sorted_once = frequencies(classes, weights, alpha=alpha)
        patch.setattr("sdc.risk.frequencies.CHUNK_CELLS", 4)
        in_chunks = frequencies(classes, weights, alpha=alpha)
    for other in (sorted_once, in_chunks):
        assert (other.fk == direct.fk).all()
        assert other.Fk == pytest.approx(direct.Fk)


@given(tables(), ALPHA)
def test_Fk_is_not_below_fk_where_every_weight_is_one_or_more(rows, alpha):
    classes = key_classes(rows, keys_of(rows))
    found = frequencies(classes, rows["weight"].to_numpy(), alpha=alpha)
    assert (found.Fk >= found.fk - 1e-9).all()


@given(tables(), ALPHA)
def test_recoding_a_key_never_lowers_fk(rows, alpha):
    keys = keys_of(rows)
    coarse = rows.assign(k0=rows["k0"] // 2)
    before, after = key_classes(rows, keys), key_classes(coarse, keys)
    was = frequencies(before, alpha=alpha).per_record(before).fk
    now = frequencies(after, alpha=alpha).per_record(after).fk
    assert (now >= was - 1e-9).all()


@given(tables())
def test_wildcard_fk_is_not_below_category_fk(rows):
    classes = key_classes(rows, keys_of(rows))
    assert (frequencies(classes).fk >= frequencies(classes, missing="category").fk).all()


@given(tables())
def test_a_larger_k_never_has_fewer_violations(rows):
    classes = key_classes(rows, keys_of(rows))
    found = violations(frequencies(classes).fk, classes, range(1, 30))
    assert list(found.values()) == sorted(found.values())
    assert found[1] == 0


@given(tables(cell=st.integers(0, 3)))
def test_all_keys_have_at_least_the_violations_of_any_subset(rows):
    keys = keys_of(rows)
    classes = key_classes(rows, keys)
    found = subset_violations(classes, (2, 3), range(1, len(keys) + 1))
    for k in (2, 3):
        assert all(counts[k] <= found[tuple(keys)][k] for counts in found.values())


@given(tables(), ALPHA)
def test_violations_on_a_subset_are_those_of_a_file_with_these_keys(rows, alpha):
    keys = keys_of(rows)
    found = subset_violations(key_classes(rows, keys), (2, 4), range(1, len(keys) + 1), alpha=alpha)
    for subset, counts in found.items():
        classes = key_classes(rows, subset)
        assert counts == violations(frequencies(classes, alpha=alpha).fk, classes, (2, 4))


@given(st.integers(1, 200), st.floats(1e-9, 1.0), st.sampled_from(["first_order", "exact"]))
def test_every_risk_lies_in_0_to_1_and_falls_with_fk(fk, p, method):
    risk = individual_risk(np.array([fk, fk + 1.0]), np.array([fk, fk + 1.0]) / p, method=method)
    assert (risk >= 0).all()
    assert (risk <= 1).all()
    assert risk[1] <= risk[0] * (1 + 1e-12)


@given(st.lists(st.tuples(st.floats(0, 1), st.integers(-1, 3)), min_size=1, max_size=20))
def test_household_risk_is_shared_and_not_below_the_individual_risk(members):
    risk = np.array([member[0] for member in members])
    household = np.array([member[1] for member in members])
    found = household_risk(risk, household)
    assert (found >= risk - 1e-12).all()
    assert (found <= 1).all()
    for h in set(household.tolist()) - {-1}:
        assert len(set(found[household == h].tolist())) == 1
        assert found[household == h][0] == pytest.approx(1 - np.prod(1 - risk[household == h]))


def reference_suda(rows):
    """Minimal sample uniques by trying every set of keys on every record."""
    keys = keys_of(rows)
    given = rows[keys].astype("float64").to_numpy()
    n, m = given.shape
    scores, sizes = np.zeros(n), np.zeros((n, m), dtype=int)
    for i in range(n):
        minimal = []
        for s in range(1, m + 1):
            for members in combinations(range(m), s):
                if any(set(small) <= set(members) for small in minimal):
                    continue
                mine = given[i, list(members)]
                if np.isnan(mine).any():
                    continue
                if (given[:, list(members)] == mine).all(axis=1).sum() == 1:
                    minimal.append(members)
                    scores[i] += factorial(m - s)
                    sizes[i, s - 1] += 1
    return scores, sizes


@given(tables())
@settings(deadline=None)
def test_suda_finds_every_minimal_sample_unique(rows):
    classes = key_classes(rows, keys_of(rows))
    found = special_uniques(classes)
    scores, sizes = reference_suda(rows)
    assert found.score[classes.of_record] == pytest.approx(scores)
    assert (found.sizes[classes.of_record] == sizes).all()
    dis = found.dis[classes.of_record]
    assert ((dis > 0) == (scores > 0)).all()
    assert (dis <= 1).all()
    order = np.argsort(scores)
    assert (np.diff(dis[order]) >= -1e-12).all()


@given(tables(), st.integers(1, 3))
@settings(deadline=None)
def test_suda_up_to_a_size_finds_the_small_ones(rows, most):
    classes = key_classes(rows, keys_of(rows))
    all_sizes, small = special_uniques(classes).sizes, special_uniques(classes, max_size=most).sizes
    assert (small[:, :most] == all_sizes[:, :most]).all()
    assert not small[:, most:].any()


def reference_compatible(rows, i):
    """Sensitive values of the records that count for record i under wildcards."""
    keys = keys_of(rows)
    given = rows[keys].astype("float64").to_numpy()
    mine = given[i]
    meets = ((given == mine) | np.isnan(given) | np.isnan(mine)).all(axis=1)
    if not np.isnan(mine).any() and len(keys) > 1:
        meets &= ~np.isnan(given).all(axis=1)
    return rows["reason"][meets].dropna()


@given(tables(), st.sampled_from([0.5, 1.0, 2.0, 3.0]))
def test_diversity_equals_its_definition(rows, c):
    """Distinct, entropy, recursive, and both distances, class by class, in both readings of missing values."""
    keys = keys_of(rows)
    classes = key_classes(rows, keys)
    for missing in ("category", "wildcard"):
        counts = sensitive_counts(classes, rows["reason"], missing=missing)
        figures = [
            distinct_diversity(counts),
            entropy_diversity(counts),
            recursive_diversity(counts, c),
            t_closeness(counts),
            t_closeness(counts, distance="ordered"),
        ]
        whole = rows["reason"].dropna().value_counts(normalize=True).sort_index()
        for i in range(len(rows)):
            if missing == "category":
                members = rows["reason"][classes.of_record == classes.of_record[i]].dropna()
            else:
                members = reference_compatible(rows, i)
            ours = [float(figure[classes.of_record[i]]) for figure in figures]
            if members.empty:
                assert ours == [0, 0, 0, 0, 0]
                continue
            p = members.value_counts(normalize=True).reindex(whole.index, fill_value=0.0).astype(float)
            some = p[p > 0].to_numpy()
            counted = np.sort(members.value_counts().to_numpy())[::-1]
            ell = max([1, *(e for e in range(2, len(counted) + 1) if counted[0] < c * counted[e - 1 :].sum())])
            away = (p - whole).astype(float).to_numpy()
            ordered = np.abs(np.cumsum(away)).sum() / max(len(whole) - 1, 1)
            expected = [len(some), np.exp(-(some * np.log(some)).sum()), ell, np.abs(away).sum() / 2, ordered]
            assert ours == pytest.approx(expected, abs=1e-9)


@given(tables())
def test_bounds_of_diversity(rows):
    classes = key_classes(rows, keys_of(rows))
    counts = sensitive_counts(classes, rows["reason"])
    seen = counts.observed > 0
    distinct, entropy = distinct_diversity(counts)[seen], entropy_diversity(counts)[seen]
    assert (entropy >= 1 - 1e-12).all()
    assert (entropy <= distinct + 1e-9).all()
    strict, loose = recursive_diversity(counts, 1.0)[seen], recursive_diversity(counts, 3.0)[seen]
    assert (strict >= 1).all()
    assert (strict <= loose).all()
    assert (loose <= distinct).all()
    tree = [{value: int(value) // 2 for value in counts.values}]
    for distance in ("equal", "ordered", "hierarchical"):
        t = t_closeness(counts, distance=distance, levels=tree)
        assert (t >= 0).all()
        assert (t <= 1).all()


@given(tables())
def test_a_class_with_the_shares_of_the_whole_file_is_at_distance_0(rows):
    counts = sensitive_counts(key_classes(rows.assign(k0=1), ["k0"]), rows["reason"])
    tree = [{value: int(value) // 2 for value in counts.values}]
    for distance in ("equal", "ordered", "hierarchical"):
        assert t_closeness(counts, distance=distance, levels=tree) == pytest.approx([0.0], abs=1e-12)


@given(tables())
def test_a_flat_tree_is_the_equal_distance(rows):
    counts = sensitive_counts(key_classes(rows, keys_of(rows)), rows["reason"])
    assert t_closeness(counts, distance="hierarchical") == pytest.approx(t_closeness(counts), abs=1e-9)


@given(tables(), st.integers(1, 20))
@settings(deadline=None)
def test_population_uniques_lie_between_none_and_all(rows, times):
    classes = key_classes(rows, keys_of(rows))
    found = population_uniques(classes, len(rows) * times)
    for estimate in (found.zayatz, found.pitman, found.snb, found.estimate):
        assert estimate is None or -1e-9 <= estimate <= len(rows) * times + 1e-6
    if not (classes.records == 1).any():
        assert found.estimate == 0


@given(st.floats(0.1, 5), st.floats(0.05, 0.95), st.floats(0.01, 0.9))
def test_snb_model_expects_what_the_law_says(alpha, beta, fraction):
    """A class has 1 plus a negative binomial number of persons, each sampled with the same probability."""
    extra = np.arange(5000)
    law = nbinom.pmf(extra, alpha, beta)
    one, two = snb_expected(1.0, alpha, beta, fraction)
    assert one == pytest.approx((law * binom.pmf(1, extra + 1, fraction)).sum(), rel=1e-6)
    assert two == pytest.approx((law * binom.pmf(2, extra + 1, fraction)).sum(), rel=1e-6)


@given(tables())
@settings(deadline=None)
def test_log_linear_risk_is_bounded_by_the_sample_uniques(rows):
    for method in ("plain", "clogg_eliason"):
        found = log_linear_risk(rows, ["k0"], "weight", method=method)
        assert 0 <= found.population_uniques <= found.correct_matches + 1e-9
        assert found.correct_matches <= found.sample_uniques + 1e-9


@given(
    st.lists(st.tuples(st.floats(-9, 9), st.floats(-9, 9)), min_size=2, max_size=15),
    st.floats(0, 1),
    st.floats(0, 1),
)
@example([(0.0, 0.0), (1.4e-154, 1.0)], 0.0, 0.0)
def test_numeric_risk_grows_with_the_interval_and_is_1_for_unchanged_data(pairs, narrow, more):
    original = pd.DataFrame({"x": [pair[0] for pair in pairs]})
    protected = pd.DataFrame({"x": [pair[1] for pair in pairs]})
    assert interval_risk(original, protected, narrow) <= interval_risk(original, protected, narrow + more)
    assert interval_risk(original, original, narrow) == 1
    assert linkage_risk(shuffled(original), shuffled(protected)) == pytest.approx(linkage_risk(original, protected))


@given(tables())
@settings(deadline=None)
def test_no_measure_depends_on_the_order_of_records(rows):
    options = {"weight": "weight", "household": "household", "sensitive": ["reason"], "suda": True}
    one = assess_risk(rows, keys_of(rows), **options)
    other = assess_risk(shuffled(rows), keys_of(rows), **options)
    assert flat(one) == pytest.approx(flat(other))
    assert one["expected_household_reidentifications"] >= one["expected_reidentifications"] - 1e-9
    assert 0 <= one["max_individual_risk"] <= 1
    assert 0 <= one["global_risk"] <= one["global_household_risk"] + 1e-12 <= 1 + 1e-9


def flat(figures, name=""):
    """Nested figures as one dictionary of numbers."""
    if isinstance(figures, dict):
        return {k: v for key, value in figures.items() for k, v in flat(value, f"{name}/{key}").items()}
    return {name: -1.0 if figures is None else float(figures)}


@given(tables())
def test_a_summary_of_diversity_holds_the_worst_class(rows):
    classes = key_classes(rows, keys_of(rows))
    found = diversity_summary(classes, rows["reason"], c=2, ells=(2,))
    counts = sensitive_counts(classes, rows["reason"])
    seen = counts.observed > 0
    short = seen & (distinct_diversity(counts) < 2)
    assert found["violations"]["2"] == classes.records[short].sum()
    assert found["distinct_min"] == (distinct_diversity(counts)[seen].min() if seen.any() else 0)
