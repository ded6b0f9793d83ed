"""Local suppression keeps each line of its Guarantees, judged by a count written here."""

from itertools import combinations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sdc.engines.native import frequencies, suppress_locally
from sdc.errors import DisclosureError


def compatible(rows: pd.DataFrame, missing: str) -> np.ndarray:
    """Who counts for whom, pair by pair, from the definition: bool, n by n."""
    seen, values = rows.notna().to_numpy(), rows.fillna(-1).to_numpy()
    n, m = values.shape
    out = np.zeros((n, n), dtype=bool)
    for i in range(n):
        for j in range(n):
            free = ~(seen[i] & seen[j]) if missing == "wildcard" else ~(seen[i] | seen[j])
            blank = missing == "wildcard" and m > 1 and seen[i].all() and not seen[j].any()
            out[i, j] = not blank and ((values[i] == values[j]) | free).all()
    return out


def alike(rows: pd.DataFrame, missing: str) -> np.ndarray:
    """fk of each record."""
    return compatible(rows, missing).sum(axis=1)


@st.composite
def files(draw):
    """A small file of up to 4 keys, few values, some missing, and one column that is no key."""
    n, m = draw(st.integers(2, 25)), draw(st.integers(1, 4))
    gaps = draw(st.sampled_from([0.0, 0.0, 0.2, 0.6]))
    sizes = draw(st.lists(st.integers(1, 6), min_size=m, max_size=m))
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    rows = pd.DataFrame({f"q{j}": rng.integers(0, size, n) for j, size in enumerate(sizes)}, dtype="Int64")
    rows = rows.mask(pd.DataFrame(rng.random((n, m)) < gaps, columns=rows.columns))
    return rows.assign(other=rng.integers(0, 3, n))


readings = st.sampled_from(["wildcard", "category"])


@settings(max_examples=300, deadline=None)
@given(files(), st.integers(1, 6), readings)
def test_every_record_shares_its_key_with_at_least_k_minus_1_others(rows, k, missing):
    keys = [name for name in rows if name != "other"]
    if len(rows) < k:
        with pytest.raises(DisclosureError):
            suppress_locally(rows, keys, k, missing=missing)
        return
    before = rows.copy()
    hidden = suppress_locally(rows, keys, k, missing=missing)
    pd.testing.assert_frame_equal(rows, before)
    assert not (hidden & rows[keys].isna()).any(axis=None)
    assert (alike(rows[keys].mask(hidden), missing) >= k).all()


@settings(max_examples=100, deadline=None)
@given(files(), st.integers(1, 5), readings, st.randoms(use_true_random=False))
def test_the_protected_records_do_not_depend_on_their_order(rows, k, missing, random):
    keys = [name for name in rows if name != "other"]
    if len(rows) < k:
        return
    order = list(range(len(rows)))
    random.shuffle(order)

    def protected(given):
        hidden = suppress_locally(given, keys, k, missing=missing)
        out = given.assign(**given[keys].mask(hidden))
        return out.sort_values(list(out)).reset_index(drop=True)

    pd.testing.assert_frame_equal(protected(rows), protected(rows.iloc[order]))


@settings(max_examples=100, deadline=None)
@given(files(), st.integers(1, 5), readings)
def test_finer_keys_are_suppressed_where_coarser_ones_are(rows, k, missing):
    keys = [name for name in rows if name != "other"]
    if len(rows) < k or len(keys) < 3:
        return
    hidden = suppress_locally(rows, keys, k, missing=missing, closed={"q2": "q1", "q1": "q0"})
    gone = hidden | rows[keys].isna()
    assert gone["q1"][hidden["q0"]].all()
    assert gone["q2"][hidden["q1"]].all()
    assert (alike(rows[keys].mask(hidden), missing) >= k).all()


@settings(max_examples=100, deadline=None)
@given(files(), st.integers(1, 5), readings)
def test_a_key_of_infinite_importance_stays_whole(rows, k, missing):
    keys = [name for name in rows if name != "other"]
    try:
        hidden = suppress_locally(rows, keys, k, missing=missing, importance={"q0": np.inf})
    except DisclosureError:
        gone = rows[keys].mask(pd.DataFrame({name: [name != "q0"] * len(rows) for name in keys}))
        assert len(rows) < k or (alike(gone, missing) < k).any()
        return
    assert not hidden["q0"].any()
    assert (alike(rows[keys].mask(hidden), missing) >= k).all()


@settings(max_examples=100, deadline=None)
@given(files(), readings)
def test_frequencies_agree_with_the_definition(rows, missing):
    keys = [name for name in rows if name != "other"]
    counts = frequencies(rows, keys, missing=missing)
    assert counts["fk"].tolist() == alike(rows[keys], missing).tolist()
    assert counts["Fk"].tolist() == counts["fk"].tolist()


@settings(max_examples=60, deadline=None)
@given(files(), st.integers(1, 4), readings, st.sampled_from([(1,), (2,), (1, 2), (2, 3)]))
def test_every_subset_of_keys_of_these_sizes_reaches_k(rows, k, missing, sizes):
    keys = [name for name in rows if name != "other"]
    if len(rows) < k:
        return
    hidden = suppress_locally(rows, keys, k, missing=missing, sizes=sizes, closed={"q1": "q0"})
    for size in sizes:
        for chosen in combinations(keys, size):
            assert (alike(rows[list(chosen)].mask(hidden[list(chosen)]), missing) >= k).all()
    if len(keys) > 1:
        assert (hidden["q1"] | rows["q1"].isna())[hidden["q0"]].all()


@settings(max_examples=100, deadline=None)
@given(files(), st.integers(1, 4), readings, st.integers(1, 8))
def test_every_stratum_of_k_records_or_more_reaches_k_by_itself(rows, k, missing, strata):
    keys = [name for name in rows if name != "other"]
    if len(rows) < k:
        return
    rows = rows.assign(stratum=np.random.default_rng(strata).integers(0, strata, len(rows)))
    hidden = suppress_locally(rows, keys, k, missing=missing, strata=["stratum"])
    sizes = rows["stratum"].map(rows["stratum"].value_counts())
    protected = rows[keys].mask(hidden)
    if (sizes >= k).all():
        for _, part in protected.groupby(rows["stratum"]):
            assert (alike(part, missing) >= k).all()
    assert (alike(protected, missing) >= k).all() or missing == "wildcard"


@settings(max_examples=100, deadline=None)
@given(files(), st.integers(1, 4), readings, st.integers(1, 10))
def test_a_household_key_is_suppressed_for_all_members_or_for_none(rows, k, missing, households):
    keys = [name for name in rows if name != "other"]
    if len(rows) < k:
        return
    rows = rows.assign(household=np.random.default_rng(households).integers(0, households, len(rows)))
    hidden = suppress_locally(
        rows, keys, k, missing=missing, household="household", household_keys=keys[:1], closed={"q1": "q0"}
    )
    gone = hidden | rows[keys].isna()
    for _, part in gone.groupby(rows["household"]):
        assert part[keys[0]].all() or not hidden.loc[part.index, keys[0]].any()
    assert (alike(rows[keys].mask(hidden), missing) >= k).all()
    if len(keys) > 1:
        assert gone["q1"][hidden["q0"]].all()


@settings(max_examples=150, deadline=None)
@given(files(), st.integers(1, 4), st.integers(2, 3), readings, st.sampled_from([0.0, 0.3]))
def test_every_key_leaves_ell_sensitive_values_open_or_none_is_known(rows, k, ell, missing, gaps):
    keys = [name for name in rows if name != "other"]
    if len(rows) < k:
        return
    rng = np.random.default_rng(len(rows))
    rows["other"] = rows["other"].astype("Int64").mask(rng.random(len(rows)) < gaps)
    try:
        hidden = suppress_locally(rows, keys, k, missing=missing, sensitive=["other"], ell=ell)
    except DisclosureError:
        assert rows["other"].nunique() < ell
        return
    protected = rows[keys].mask(hidden)
    assert (alike(protected, missing) >= k).all()
    open_values = [rows["other"][mates].nunique() for mates in compatible(protected, missing)]
    assert all(count == 0 or count >= ell for count in open_values)


@settings(max_examples=40, deadline=None)
@given(files(), st.integers(1, 4))
def test_the_search_is_never_better_than_the_proven_optimum_and_both_are_safe(rows, k):
    keys = [name for name in rows if name != "other"]
    if len(rows) < k:
        return
    least = suppress_locally(rows, keys, k, exact=True)
    found = suppress_locally(rows, keys, k)
    assert (alike(rows[keys].mask(least), "wildcard") >= k).all()
    assert least.to_numpy().sum() <= found.to_numpy().sum()
