"""What the judge of records refuses, and what its reports hold."""

import json

import numpy as np
import pandas as pd
import pytest

from sdc.errors import DataError
from sdc.keys import encode, key_classes
from sdc.risk.diversity import delta_presence, sensitive_counts, t_closeness
from sdc.risk.frequencies import frequencies
from sdc.risk.individual import (
    expected_reidentifications,
    global_risk,
    journalist_risk,
    marketer_risk,
    population_sizes,
    prosecutor_risk,
)
from sdc.risk.log_linear import log_linear_risk
from sdc.risk.numeric import interval_risk, linkage_risk
from sdc.risk.population import population_uniques
from sdc.risk.summary import assess_risk

TOKEN = "Amina-of-the-canary"


@pytest.fixture
def rows():
    """Six people in two households; the token is a name that no message may repeat."""
    return pd.DataFrame(
        {
            "sex": ["f", "f", "m", "m", "f", TOKEN],
            "age": [30, 30, 30, 40, 40, 40],
            "weight": [2.0] * 6,
            "household": [1, 1, 1, 2, 2, 2],
            "reason": ["a", "b", "a", "a", "a", None],
            "note": [TOKEN] * 6,
        }
    )


REFUSALS = {
    "a column that is not there": lambda rows: assess_risk(rows, ["sex", "nobody"]),
    "no keys": lambda rows: assess_risk(rows, []),
    "a weight that is text": lambda rows: assess_risk(rows, ["sex"], weight="note"),
    "a weight that is missing": lambda rows: assess_risk(
        rows.assign(weight=[1.0, np.nan, 1, 1, 1, 1]), ["sex"], weight="weight"
    ),
    "a weight that is negative": lambda rows: assess_risk(rows.assign(weight=-1.0), ["sex"], weight="weight"),
    "weights of another file": lambda rows: frequencies(key_classes(rows, ["sex"]), np.ones(5)),
    "a share above one": lambda rows: frequencies(key_classes(rows, ["sex"]), alpha=1.5),
    "a key of mixed types": lambda rows: key_classes(rows.assign(sex=[1, (2,), "x", None, 3.0, TOKEN]), ["sex"]),
    "a population that lacks records": lambda rows: population_sizes(rows, rows.iloc[:3], ["sex"]),
    "a population smaller than the file": lambda rows: population_uniques(key_classes(rows, ["sex"]), 5),
    "a population without these people": lambda rows: delta_presence(rows, rows.iloc[:3], ["sex"]),
    "a hierarchy with holes": lambda rows: t_closeness(
        sensitive_counts(key_classes(rows, ["age"]), rows["note"]), distance="hierarchical", levels=[{"a": "b"}]
    ),
    "numbers beside text": lambda rows: interval_risk(rows[["age", "note"]], rows[["age", "note"]], 0.05),
    "files of different records": lambda rows: linkage_risk(rows[["age"]], rows[["age"]].iloc[:3]),
    "a weight of zero in a model": lambda rows: log_linear_risk(rows.assign(weight=0.0), ["sex"], "weight"),
    "a text as a quantity": lambda rows: log_linear_risk(rows, ["sex"], "weight", quantities=["sex"]),
}


@pytest.mark.parametrize("name", REFUSALS)
def test_refusals_hold_no_value(rows, name):
    with pytest.raises(DataError) as refused:
        REFUSALS[name](rows)
    assert TOKEN not in str(refused.value)
    assert refused.value.__cause__ is None


def test_a_table_too_large_to_fit_is_refused():
    rows = pd.DataFrame({name: range(200) for name in "abcd"}).assign(w=2.0)
    with pytest.raises(DataError, match="too many cells"):
        log_linear_risk(rows, list("abcd"), "w", interactions=[("a", "b")])
    assert log_linear_risk(rows, list("abcd"), "w").sample_uniques == 200


@pytest.mark.parametrize(
    "column",
    [
        pd.Series([True, False, True]),
        pd.Series([5, -3, 5], dtype="int8"),
        pd.Series([2**63, 1, 2**63], dtype="uint64"),
        pd.Series([10**12, 0, 10**12]),
        pd.Series([0.5, -1.0, 0.5]),
        pd.Series(["b", "a", "b"]),
        pd.Series(pd.Categorical(["b", "a", "b"], categories=["c", "b", "a"])),
        pd.to_datetime(pd.Series(["2025-02-01", "2025-01-01", "2025-02-01"])),
    ],
)
def test_codes_follow_the_order_of_values(column):
    codes, values = encode(column)
    assert codes.tolist() == [1, 0, 1]
    assert list(values) == sorted(set(column))
    blank = column.astype("boolean" if column.dtype == bool else column.dtype)
    if pd.api.types.is_integer_dtype(blank.dtype):
        blank = blank.astype("Int64" if column.dtype != "uint64" else "UInt64")
    blank = pd.concat([blank, pd.Series([None], dtype=blank.dtype)], ignore_index=True)
    assert encode(blank)[0].tolist() == [1, 0, 1, -1]


def test_an_ordered_categorical_keeps_its_order():
    column = pd.Series(pd.Categorical(["old", "child", "old"], categories=["child", "adult", "old"], ordered=True))
    codes, values = encode(column)
    assert codes.tolist() == [1, 0, 1]
    assert list(values) == ["child", "old"]


def test_a_column_without_values_is_all_missing():
    for dtype in ("Int64", "float64", "str", "category"):
        codes, values = encode(pd.Series([None, None], dtype=dtype))
        assert codes.tolist() == [-1, -1]
        assert len(values) == 0


def test_an_empty_file_is_judged_without_risk(rows):
    found = assess_risk(
        rows.iloc[:0], ["sex", "age"], weight="weight", household="household", sensitive=["reason"], suda=True
    )
    assert found["records"] == found["classes"] == 0
    assert found["global_risk"] == found["max_individual_risk"] == found["global_household_risk"] == 0


def test_the_summary_is_plain_json_without_values(rows):
    found = assess_risk(
        rows, ["sex", "age"], weight="weight", household="household", sensitive=["reason", "note"], suda=True
    )
    text = json.dumps(found)
    assert TOKEN not in text
    assert found["violations"] == {"2": 4, "3": 6, "5": 6, "10": 6}
    assert list(found) == [
        "records",
        "classes",
        "violations",
        "expected_reidentifications",
        "global_risk",
        "max_individual_risk",
        "expected_household_reidentifications",
        "global_household_risk",
        "suda",
        "diversity",
    ]
    assert found["suda"]["records"] == 4
    assert found["diversity"]["reason"]["missing"] == 1


def test_attacks_on_a_sample_of_a_known_population(rows):
    """One of two, one of one: the journalist's best and average chance."""
    population = pd.DataFrame({"sex": ["f", "f", "m"]})
    classes, sizes = population_sizes(population.iloc[1:], population, ["sex"])
    assert sizes.tolist() == [2, 1]
    found = journalist_risk(classes, sizes, threshold=0.6)
    assert (found.highest, found.average, found.records_at_risk) == (1.0, 0.75, 1)
    assert prosecutor_risk(classes, threshold=0.6).records_at_risk == 2
    assert marketer_risk(classes, sizes) == 0.75
    assert marketer_risk(classes) == 1.0


def test_expected_reidentifications_by_class_and_by_record():
    risk, records = np.array([0.5, 0.1]), np.array([1, 5])
    assert expected_reidentifications(risk, records) == pytest.approx(1.0)
    assert global_risk(risk, records) == pytest.approx(1 / 6)
    assert global_risk(np.repeat(risk, records)) == pytest.approx(1 / 6)
