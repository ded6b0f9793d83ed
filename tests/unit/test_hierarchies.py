"""Hierarchies that are built: from numbers, dates, p-codes, code lists and rare codes."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sdc.dictionary import Role, Type, Variable
from sdc.errors import DictionaryError
from sdc.hierarchies import (
    REST,
    band_level,
    code_list_levels,
    date_levels,
    equal_amount_breaks,
    equidistant_breaks,
    interval_labels,
    interval_of,
    logarithmic_breaks,
    nested_bands,
    pcode_levels,
    rare_codes_level,
    with_levels,
)
from sdc.steps.recoding import coarsened

AGE = Variable(name="age", type=Type.INTEGER, role=Role.KEY)
AREA = Variable(name="area", type=Type.CODE, open_codes=True, role=Role.KEY)


def test_equidistant_ends_lie_beyond_the_values():
    assert equidistant_breaks(np.array([0.0, 95, np.nan]), 6).tolist() == [-1, 15, 31, 48, 64, 80, 96]


def test_ends_that_would_fall_together_are_not_rounded():
    assert equidistant_breaks(np.array([0.0, 1.0]), 6).tolist() == pytest.approx([-1, -0.5, 0, 0.5, 1, 1.5, 2])


def test_equal_amounts_merge_where_quantiles_are_equal():
    values = np.array([0.0] * 8 + [1, 2])
    breaks = equal_amount_breaks(values, 4)
    assert (np.diff(breaks) > 0).all()
    assert (interval_of(values, breaks) >= 0).all()


def test_there_is_no_logarithm_of_nothing():
    with pytest.raises(DictionaryError):
        logarithmic_breaks(np.array([0.0, 3.0]), 2)
    with pytest.raises(DictionaryError):
        equidistant_breaks(np.array([np.nan]), 2)


def test_an_upper_end_is_within_and_the_lowest_only_when_asked():
    breaks = np.array([0.0, 10, 20])
    values = np.array([0, 1, 10, 11, 20, 21, np.nan])
    assert interval_of(values, breaks).tolist() == [0, 0, 0, 1, 1, -1, -1]
    assert interval_of(values, breaks, lowest=False).tolist() == [-1, 0, 0, 1, 1, -1, -1]
    assert interval_labels(breaks) == ("[0,10]", "(10,20]")


@given(st.lists(st.integers(-40, 120), min_size=2, max_size=60), st.integers(2, 8))
def test_a_level_of_bands_has_the_classes_of_the_intervals(numbers, number):
    values = np.array(numbers, dtype=float)
    for build in (equidistant_breaks, equal_amount_breaks):
        breaks = build(values, number)
        if len(breaks) < 2:
            continue
        variable = with_levels(AGE, [band_level("bands", breaks)])
        labels = coarsened(pd.Series(values), variable, 1).astype("str")
        pairs = pd.DataFrame({"interval": interval_of(values, breaks), "label": labels}).drop_duplicates()
        assert pairs["interval"].is_unique and pairs["label"].is_unique


def test_wider_bands_are_made_of_narrower_ones():
    levels = nested_bands("years", 0, 80, [5, 10, 20])
    variable = with_levels(AGE, levels)
    assert [level.name for level in variable.hierarchy] == ["5-years", "10-years", "20-years"]
    assert levels[2].bands == (0, 20, 40, 60)
    with pytest.raises(DictionaryError):
        nested_bands("years", 0, 80, [5, 8])


def test_dates_climb_from_month_to_year():
    day = Variable(name="day", type=Type.DATE, role=Role.KEY)
    variable = with_levels(day, date_levels())
    dates = pd.Series(pd.to_datetime(["2025-05-17", None, "2025-01-02"]))
    shown = [
        coarsened(dates, variable, level).astype(object).where(dates.notna(), None).tolist() for level in (1, 2, 3)
    ]
    assert shown == [["2025-05", None, "2025-01"], ["2025-Q2", None, "2025-Q1"], ["2025", None, "2025"]]
    assert [level.date for level in date_levels(finest="quarter")] == ["quarter", "year"]


def test_the_first_characters_of_a_pcode_are_the_larger_area():
    levels = pcode_levels(["AF0101", "AF0102", "AF0201"], {"admin1": 4, "admin0": 2})
    assert levels[0].map == {"AF0101": "AF01", "AF0102": "AF01", "AF0201": "AF02"}
    assert levels[1].map == {"AF01": "AF", "AF02": "AF"}
    assert with_levels(AREA, levels).top == 2
    with pytest.raises(DictionaryError, match="1 of 2"):
        pcode_levels(["AF0101", "AF01"], {"admin1": 4})
    with pytest.raises(DictionaryError):
        pcode_levels(["AF0101"], {"admin0": 2, "admin1": 4})


def test_a_code_without_a_parent_keeps_its_name():
    levels = code_list_levels(["a", "b", "c"], {"one": {"a": "x", "b": "x"}, "two": {"x": "top", "c": "top"}})
    assert levels[0].map == {"a": "x", "b": "x", "c": "c"}
    assert levels[1].map == {"x": "top", "c": "top"}


def test_rare_codes_join_and_the_next_rarest_joins_them_when_they_are_too_few():
    values = pd.Series(["a"] * 9 + ["b"] * 5 + ["c"] + [None])
    assert rare_codes_level("common", values, ["a", "b", "c", "d"], 5).map == {
        "a": "a",
        "b": REST,
        "c": REST,
        "d": REST,
    }


@given(st.lists(st.sampled_from("abcdefg"), max_size=60), st.integers(1, 12))
def test_every_code_is_held_by_enough_or_by_none(held, least):
    values, codes = pd.Series(held, dtype="str"), list("abcdefgh")
    level = rare_codes_level("common", values, codes, least)
    assert set(level.map) == set(codes)
    counts = values.map(level.map).value_counts()
    assert (counts >= least).all() or len(counts) == 1
    counted = values.value_counts()
    kept = [code for code in codes if level.map[code] == code]
    assert all(counted.get(code, 0) >= least for code in kept)
    mixed = rare_codes_level("common", values.sample(frac=1, random_state=1), codes, least)
    assert mixed == level


def test_persons_count_where_there_are_weights():
    values = pd.Series(["a", "a", "b"])
    level = rare_codes_level("common", values, ["a", "b"], 5, weights=np.array([1.0, 1.0, 9.0]))
    assert level.map == {"a": REST, "b": REST}


def test_levels_that_do_not_fit_are_refused_without_their_codes():
    levels = code_list_levels(["secret"], {"one": {"secret": "x"}})
    with pytest.raises(DictionaryError) as refusal:
        with_levels(AGE.model_copy(update={"type": Type.DATE}), levels)
    assert "secret" not in str(refusal.value)
