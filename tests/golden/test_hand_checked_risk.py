"""Risk figures that can be checked with pencil and paper, or stand in print."""

import math

import numpy as np
import pandas as pd
import pytest

from sdc.keys import key_classes
from sdc.risk.diversity import (
    beta_likeness,
    delta_presence,
    distinct_diversity,
    entropy_diversity,
    recursive_bound,
    recursive_diversity,
    sensitive_counts,
    t_closeness,
)
from sdc.risk.frequencies import frequencies, subset_violations, violations
from sdc.risk.individual import household_risk, individual_risk
from sdc.risk.log_linear import log_linear_risk
from sdc.risk.numeric import interval_risk, linkage_risk
from sdc.risk.suda import special_uniques

NA = None


@pytest.mark.parametrize(("alpha", "fk"), [(1, [3, 4, 4, 1, 5]), (0.5, [2, 3, 3, 1, 5]), (0, [1, 2, 2, 1, 5])])
def test_missing_values_match_any_value(alpha, fk):
    """Keys (1,1) (1,NA) (NA,1) (2,2) (NA,NA): the record without any key counts for nobody but itself."""
    rows = pd.DataFrame({"a": [1, 1, NA, 2, NA], "b": [1, NA, 1, 2, NA]})
    classes = key_classes(rows, ["a", "b"])
    assert frequencies(classes, alpha=alpha).per_record(classes).fk.tolist() == fk


def test_a_missing_value_as_a_category():
    rows = pd.DataFrame({"a": [1, 1, NA, NA, NA], "b": [1, NA, 1, NA, NA]})
    classes = key_classes(rows, ["a", "b"])
    assert frequencies(classes, missing="category").per_record(classes).fk.tolist() == [1, 1, 1, 2, 2]


def test_one_key_alone():
    """With one key the records without it count for every value, at the share alpha."""
    rows = pd.DataFrame({"a": ["x", "x", "y", NA]})
    classes = key_classes(rows, ["a"])
    weights = np.array([10.0, 20.0, 5.0, 4.0])
    found = frequencies(classes, weights, alpha=0.5).per_record(classes)
    assert found.fk.tolist() == [2.5, 2.5, 1.5, 4]
    assert found.Fk.tolist() == [32, 32, 7, 39]


def test_violations_on_subsets_of_keys():
    """Nobody is alone on one key; on both, two records are."""
    rows = pd.DataFrame({"a": [1, 1, 1, 2, 2, 2], "b": [1, 1, 2, 2, 2, 1]})
    classes = key_classes(rows, ["a", "b"])
    assert violations(frequencies(classes).fk, classes, (2, 3)) == {2: 2, 3: 6}
    assert subset_violations(classes, (2,), (1, 2)) == {("a",): {2: 0}, ("b",): {2: 0}, ("a", "b"): {2: 2}}


def test_individual_risk_in_closed_form():
    """The formulas for one and two records, and both for three, at a sampling share of one half and one tenth."""
    for p in (0.5, 0.1):
        q = 1 - p
        fk = np.array([1, 2, 3])
        first = individual_risk(fk, fk / p)
        exact = individual_risk(fk, fk / p, method="exact")
        one = p / q * math.log(1 / p)
        two = p / q - (p / q) ** 2 * math.log(1 / p)
        three = p / (2 * q**3) * (q * (3 * q - 2) - 2 * p**2 * math.log(p))
        assert first == pytest.approx([one, two, p / (3 - q)], rel=1e-12)
        assert exact == pytest.approx([one, two, three], rel=1e-12)


def test_without_weights_the_risk_is_one_over_fk():
    assert individual_risk(np.array([1, 2, 4]), np.array([1, 2, 4])).tolist() == [1, 0.5, 0.25]


def test_individual_risk_keeps_its_digits_near_a_full_enumeration():
    """The closed form for two loses all digits here; the risk goes to 1 / fk."""
    assert individual_risk(np.array([2.0]), np.array([2.0 * (1 + 1e-12)]))[0] == pytest.approx(0.5, rel=1e-11)


def test_household_risk():
    """Two members at one half: 1 - 1/4. A record without a household stands alone."""
    found = household_risk(np.array([0.5, 0.5, 0.2, 0.3, 1.0]), np.array([0, 0, -1, -1, 1]))
    assert found == pytest.approx([0.75, 0.75, 0.2, 0.3, 1.0])


def test_minimal_sample_uniques():
    """Row 3 has {b}, row 4 {a, c}, row 5 {c}: scores 2, 1, 2 of three keys; one pattern occurs twice."""
    rows = pd.DataFrame({"a": [1, 1, 1, 2, 2], "b": [1, 1, 2, 1, 1], "c": [1, 1, 1, 1, 2]})
    classes = key_classes(rows, ["a", "b", "c"])
    found = special_uniques(classes)
    assert found.score[classes.of_record].tolist() == [0, 0, 2, 1, 2]
    assert found.contributions[classes.of_record][3].tolist() == [1, 0, 1]
    assert found.key_contributions() == pytest.approx([0.2, 0.4, 0.6])
    ihsn = special_uniques(classes, scoring="ihsn")
    assert ihsn.score[classes.of_record] == pytest.approx([0, 0, 3 / 3, 1 / 3, 3 / 3])


@pytest.fixture
def salaries():
    """The table of Li, Li, Venkatasubramanian (2007): nine people in three classes of three."""
    rows = pd.DataFrame(
        {
            "class": [1, 1, 1, 2, 2, 2, 3, 3, 3],
            "salary": [3, 4, 5, 6, 11, 8, 7, 9, 10],
            "disease": [
                *("gastric ulcer", "gastritis", "stomach cancer"),
                *("gastritis", "flu", "bronchitis"),
                *("bronchitis", "pneumonia", "stomach cancer"),
            ],
        }
    )
    return rows, key_classes(rows, ["class"])


def test_li_et_al_salary_and_disease(salaries):
    rows, classes = salaries
    salary, disease = (sensitive_counts(classes, rows[name]) for name in ("salary", "disease"))
    assert classes.records.min() == 3
    assert distinct_diversity(salary).tolist() == distinct_diversity(disease).tolist() == [3, 3, 3]
    assert entropy_diversity(salary) == pytest.approx([3, 3, 3])
    ordered = t_closeness(salary, distance="ordered")
    assert ordered[:2] == pytest.approx([0.375, 1 / 6])
    assert t_closeness(disease).max() == pytest.approx(0.4444, abs=5e-5)


def test_li_et_al_hierarchical_distance(salaries):
    """Class 1 has all its mass among the digestive diseases: half of the file's lies there, none of it elsewhere.

    Digestive: gastric ulcer 1, gastritis 2, stomach cancer 2 of nine; respiratory: flu 1, bronchitis 2,
    pneumonia 1. Four ninths move between the branches (height 2 of 2); within digestive, 2/9 moves to gastric
    ulcer and 1/9 to each other, all from outside, so nothing moves between leaves.
    """
    rows, classes = salaries
    branch = dict.fromkeys(["gastric ulcer", "gastritis", "stomach cancer"], "digestive")
    branch |= dict.fromkeys(["flu", "bronchitis", "pneumonia"], "respiratory")
    found = t_closeness(sensitive_counts(classes, rows["disease"]), distance="hierarchical", levels=[branch])
    assert found[0] == pytest.approx(4 / 9)


def test_two_classes_of_five():
    """Values x3 y1 z1 and x2 y2 z1."""
    rows = pd.DataFrame({"a": [1] * 5 + [2] * 5, "s": list("xxxyz") + list("xxyyz")})
    classes = key_classes(rows, ["a"])
    counts = sensitive_counts(classes, rows["s"])
    assert classes.records.tolist() == [5, 5]
    assert distinct_diversity(counts).tolist() == [3, 3]
    assert entropy_diversity(counts).min() == pytest.approx(2.586, abs=5e-4)
    assert recursive_bound(counts, 3).tolist() == [3, 2]
    assert recursive_diversity(counts, 3).tolist() == [2, 3]
    assert recursive_diversity(counts, 3.01).tolist() == [3, 3]
    assert t_closeness(counts) == pytest.approx([0.1, 0.1])
    assert beta_likeness(counts) == pytest.approx([0.2, 1 / 3])


def test_enhanced_beta_likeness():
    """A value of half the file fills a class: the gain of 1 exceeds ln 2, so no beta will do there."""
    rows = pd.DataFrame({"a": [1, 1, 2, 2, 2], "s": list("xx") + list("yyy")})
    counts = sensitive_counts(key_classes(rows, ["a"]), rows["s"])
    assert beta_likeness(counts) == pytest.approx([1.5, 2 / 3])
    assert np.isinf(beta_likeness(counts, form="enhanced")).all()


def test_a_shuffled_index_changes_nothing():
    rows = pd.DataFrame({"a": [1, 1, 2, 2], "s": list("xyxx")}, index=[3, 1, 0, 2])
    counts = sensitive_counts(key_classes(rows, ["a"]), rows["s"])
    assert distinct_diversity(counts).tolist() == [2, 1]


def test_missing_sensitive_values_are_no_diversity():
    """One value and two blanks: one distinct value. Blanks alone: nothing is disclosed, and the figure is 0."""
    rows = pd.DataFrame({"a": [1, 1, 1, 2, 2], "s": ["x", NA, NA, NA, NA]})
    counts = sensitive_counts(key_classes(rows, ["a"]), rows["s"])
    assert distinct_diversity(counts).tolist() == [1, 0]
    assert entropy_diversity(counts).tolist() == [1, 0]
    assert recursive_diversity(counts, 2).tolist() == [1, 0]


def test_diversity_over_compatible_records():
    """The record without `b` hides among both values of `b`, and they count it too."""
    rows = pd.DataFrame({"a": [1, 1, 1], "b": [1, 2, NA], "s": list("xyz")})
    classes = key_classes(rows, ["a", "b"])
    of = classes.of_record
    exact = distinct_diversity(sensitive_counts(classes, rows["s"]))[of]
    wide = distinct_diversity(sensitive_counts(classes, rows["s"], missing="wildcard"))[of]
    assert exact.tolist() == [1, 1, 1]
    assert wide.tolist() == [2, 2, 3]


def test_delta_presence():
    """Two of four people of one kind and none of the other are in the file."""
    population = pd.DataFrame({"a": list("xxxxyy")})
    assert delta_presence(population.iloc[:2], population, ["a"]) == (0.0, 0.5)


def test_log_linear_risk_of_independent_keys():
    """Four records on a 2 x 2 table: margins 3:1 and 3:1, so the lone record expects 1/4 in the sample."""
    rows = pd.DataFrame({"a": [1, 1, 1, 2], "b": [1, 1, 1, 2], "w": [2.0] * 4})
    found = log_linear_risk(rows, ["a", "b"], "w")
    v = 0.5 * 0.25 / 0.5
    assert found.sample_uniques == 1
    assert found.population_uniques == pytest.approx(math.exp(-v))
    assert found.correct_matches == pytest.approx((1 - math.exp(-v)) / v)


def test_numeric_risk():
    """Of three records one keeps its value; swapped values link to the wrong record."""
    original = pd.DataFrame({"x": [0.0, 10.0, 20.0]})
    assert interval_risk(original, pd.DataFrame({"x": [0.0, 13.0, 27.0]}), 0.05) == pytest.approx(1 / 3)
    assert linkage_risk(original, original) == 1
    assert linkage_risk(original, pd.DataFrame({"x": [10.0, 0.0, 20.0]})) == pytest.approx(1 / 3)
    assert linkage_risk(original, pd.DataFrame({"x": [5.0, 5.0, 20.0]})) == pytest.approx((0.5 + 0.5 + 1) / 3)
