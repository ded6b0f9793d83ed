"""The engines by small files that can be followed by hand."""

from itertools import product

import numpy as np
import pandas as pd
import pytest

from sdc.engines import ENGINES, engine
from sdc.engines.hierarchies import flat, hierarchy_of, leaf_codes, recoded
from sdc.engines.holes import Holes, pooled_strata
from sdc.engines.native import frequencies, individual_risk, suppress_locally
from sdc.engines.optimum import least_suppression
from sdc.engines.packing import pack, project
from sdc.errors import DataError, DisclosureError, EngineError

MICRO = pd.DataFrame({"a": [1, 1, None, 2, None], "b": [1, None, 1, 2, None], "w": [2.0, 2, 2, 2, 2]})


def test_an_engine_is_found_by_its_name_and_no_other():
    assert engine("native").suppress_locally is suppress_locally
    assert set(ENGINES) == {"native", "sdcmicro"}
    with pytest.raises(EngineError, match="no engine of this name"):
        engine("magic")


@pytest.mark.parametrize(("alpha", "fk"), [(1, [3, 4, 4, 1, 5]), (0.5, [2, 3, 3, 1, 5]), (0, [1, 2, 2, 1, 5])])
def test_frequencies_of_the_drawn_example(alpha, fk):
    found = frequencies(MICRO, ["a", "b"], weight="w", alpha=alpha)
    assert found["fk"].tolist() == fk
    assert found["Fk"].tolist() == [2 * value for value in fk]


def test_one_key_counts_missing_values_for_all():
    rows = pd.DataFrame({"a": [1, 1, 2, None]})
    assert frequencies(rows, ["a"], alpha=0.5)["fk"].tolist() == [2.5, 2.5, 1.5, 4]


def test_individual_risk_by_its_three_cases():
    rows = pd.DataFrame({"a": [1, 2, 2, 3, 3, 3], "w": [10.0] * 6})
    p, log = 0.1, np.log(10)
    odds = p / (1 - p)
    expected = [odds * log, *[odds - odds**2 * log] * 2, *[p / (3 - (1 - p))] * 3]
    np.testing.assert_allclose(individual_risk(rows, ["a"], weight="w"), expected, rtol=1e-12)
    np.testing.assert_allclose(individual_risk(rows, ["a"]), [1, 1 / 2, 1 / 2, 1 / 3, 1 / 3, 1 / 3], rtol=1e-12)


def test_four_of_a_kind_need_one_star_and_not_four():
    """Four alike and k = 5: one value of one record beside them, instead of one value of each of the four."""
    rows = pd.DataFrame({"a": [1] * 4 + [2] * 20, "b": [1] * 24})
    assert suppress_locally(rows, ["a", "b"], 5).to_numpy().sum() == 1


def test_importance_decides_which_key_is_suppressed():
    rows = pd.DataFrame({"sex": ["f", "f", "f", "m", "m"], "age": [30, 30, 31, 31, 31]})
    for kept, lost in (("sex", "age"), ("age", "sex")):
        hidden = suppress_locally(rows, ["sex", "age"], 2, importance={kept: 5.0})
        assert hidden[lost].any()
        assert not hidden[kept].any()


def test_importance_is_above_zero():
    with pytest.raises(EngineError, match="importance"):
        suppress_locally(MICRO, ["a", "b"], 2, importance={"a": 0.0})


def test_fewer_records_than_k_are_refused_without_a_value():
    with pytest.raises(DisclosureError, match="5 records cannot make groups of 6"):
        suppress_locally(MICRO, ["a", "b"], 6)


def test_records_that_lose_all_keys_are_counted_as_the_judge_counts_them():
    """Two strangers and k = 3: nothing but the loss of every key helps, and then all must be counted anew."""
    rows = pd.DataFrame({"a": [1, 2, 3], "b": [1, 2, 3]})
    hidden = suppress_locally(rows, ["a", "b"], 3)
    assert (frequencies(rows.mask(hidden), ["a", "b"])["fk"] >= 3).all()


def test_small_strata_are_merged_upward():
    rows = pd.DataFrame(
        {
            "admin1": ["n"] * 7 + ["s"] * 3 + ["w"],
            "admin2": ["n1"] * 4 + ["n2"] * 2 + ["n3"] + ["s1"] * 2 + ["s2"] + ["w1"],
        }
    )
    pools = pd.Series(pooled_strata(rows, ["admin1", "admin2"], 3))
    parts = [list(part.index) for _, part in pools.groupby(pools)]
    # n2 and n3 are pooled, s1 and s2 as well; w has nobody beside it, goes up, and joins the smallest
    assert sorted(parts) == [[0, 1, 2, 3], [4, 5, 6, 10], [7, 8, 9]]
    assert len(np.unique(pooled_strata(rows, ["admin2"], 100))) == 1


def test_the_optimum_is_the_least_of_all_suppressions():
    """Every way to suppress three records with two keys, and some with three, tried one by one."""
    rng = np.random.default_rng(5)
    for n, m, k in ((4, 2, 2), (4, 2, 3), (3, 3, 2), (5, 2, 2)):
        rows = pd.DataFrame(rng.integers(1, 4, (n, m)), columns=[f"q{j}" for j in range(m)]).astype("Int64")
        keys = list(rows)
        least = n * m
        for bits in product([False, True], repeat=n * m):
            hidden = np.array(bits).reshape(n, m)
            if hidden.sum() < least and (frequencies(rows.mask(hidden), keys)["fk"] >= k).all():
                least = int(hidden.sum())
        file = Holes.of(rows, keys, {}, {}, None)
        found = least_suppression(file.codes, file.records, k, np.ones(m), [], file.real, most=m)
        assert found.proven
        assert found.cost == least


def test_too_large_a_file_has_no_exact_answer():
    rows = pd.DataFrame(np.random.default_rng(1).integers(0, 10**6, (6000, 3)), columns=list("abc"))
    with pytest.raises(EngineError, match="too many for an exact answer"):
        suppress_locally(rows, list("abc"), 2, exact=True)


def test_keys_too_wide_for_one_word_are_still_told_apart():
    rng = np.random.default_rng(2)
    codes = rng.integers(0, 10**4, (500, 8))
    addends = pack(codes)
    every = np.arange(500)
    for keys in (0b1, 0b10110, 0b11111111):
        columns = [j for j in range(8) if keys >> j & 1]
        distinct = len(np.unique(codes[:, columns], axis=0))
        assert len(np.unique(project(addends, every, keys))) == distinct


def test_the_exchange_of_stars_only_ever_saves():
    rng = np.random.default_rng(3)
    rows = pd.DataFrame(rng.integers(0, 3, (60, 4)), columns=list("abcd"))
    least = suppress_locally(rows, list("abcd"), 3, exact=True).to_numpy().sum()
    found = suppress_locally(rows, list("abcd"), 3).to_numpy().sum()
    assert least <= found <= 1.35 * least


def test_a_hierarchy_is_read_as_arx_writes_it():
    labels = pd.DataFrame([["1", "0-4", "*"], ["2", "0-4", "*"], ["7", "5-9", "*"]])
    hierarchy = hierarchy_of("age", labels)
    assert hierarchy.share.tolist() == [[1 / 3] * 3, [2 / 3, 2 / 3, 1 / 3], [1.0] * 3]
    rows = pd.DataFrame({"age": [7, 1, 2]})
    assert leaf_codes(rows, [hierarchy]).ravel().tolist() == [2, 0, 1]
    assert recoded(rows, [hierarchy], {"age": 1})["age"].tolist() == ["5-9", "0-4", "0-4"]


@pytest.mark.parametrize(
    "labels",
    [
        [["1", "a"], ["1", "b"]],
        [["1", "a", "x"], ["2", "a", "y"]],
        [["1", None], ["2", "b"]],
    ],
)
def test_a_hierarchy_that_contradicts_itself_is_refused(labels):
    with pytest.raises(DataError, match="hierarchy of `age`"):
        hierarchy_of("age", pd.DataFrame(labels))


def test_values_outside_a_hierarchy_are_counted_and_not_shown():
    hierarchy = hierarchy_of("age", pd.DataFrame([["1", "*"], ["2", "*"]]))
    with pytest.raises(DataError) as refusal:
        leaf_codes(pd.DataFrame({"age": [1, 987654, 987654]}), [hierarchy])
    assert "2 of 3 records" in str(refusal.value)
    assert "987654" not in str(refusal.value)


def test_a_key_without_a_hierarchy_is_kept_or_dropped():
    hierarchy = flat("sex", pd.Index(["f", "m"]))
    rows = pd.DataFrame({"sex": ["m", None, "f"]})
    assert recoded(rows, [hierarchy], {"sex": 0})["sex"].fillna("?").tolist() == ["m", "?", "f"]
    assert recoded(rows, [hierarchy], {"sex": 1})["sex"].fillna("?").tolist() == ["*", "?", "*"]
