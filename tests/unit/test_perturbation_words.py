"""The sentences of the steps that change numbers, codes and places: their columns and numbers, never a seed."""

import pytest

import report_samples as samples
from sdc.report.words import step_in_words

SEED = 987654321
SENTENCES = [
    ("recode_to_bands", {"column": "a", "bands": [0, 18, 60]}, "Recode a to 3 bands."),
    ("top_code", {"column": "a", "limit": 2500.0}, "Tell every a above 2500 as one value."),
    ("bottom_code", {"column": "a", "limit": 5}, "Tell every a below 5 as one value."),
    ("round_numbers", {"columns": ["a"], "base": 10}, "Round a to multiples of 10."),
    (
        "microaggregate",
        {"columns": ["a", "b"], "k": 3, "strata": ["c"]},
        "Replace a and b by the means of groups of at least 3 records that are alike, the columns "
        "together inside each c (microaggregation, mdav).",
    ),
    (
        "add_noise",
        {"columns": ["a"], "share": 0.1, "seed": SEED},
        "Add correlated random noise of 10 % of a standard deviation to a.",
    ),
    (
        "swap_ranks",
        {"columns": ["a"], "window": 0.05, "seed": SEED},
        "Exchange values of a between records whose ranks are at most 5 % apart.",
    ),
    (
        "post_randomise",
        {"column": "a", "retain": 0.8, "alpha": 0.5, "seed": SEED},
        "Change codes of a at random, so that their expected counts stay (PRAM, retain 0.8, alpha 0.5).",
    ),
    (
        "swap_records",
        {"geography": ["a", "b"], "keys": ["c"], "k": 3, "share": 0.05, "seed": SEED},
        "Exchange the places (a and b) of similar households: those with a member who shares c with fewer than 3 "
        "records of the area, and up to 5 % of the households of each area.",
    ),
    (
        "displace_coordinates",
        {
            "latitude": "a",
            "longitude": "b",
            "place": "c",
            "seed": SEED,
            "distances": {"urban": [0, 2], "rural": [0, 5, 0.01, 10]},
        },
        "Move each c by a random distance of at most 10 km, the same in every release (a and b).",
    ),
    ("shuffle_records", {"seed": SEED}, "Put the records into a random order."),
]


@pytest.mark.parametrize(("name", "params", "sentence"), SENTENCES, ids=[name for name, _, _ in SENTENCES])
def test_the_step_reads_as_a_sentence_that_does_not_tell_its_seed(name, params, sentence):
    said = step_in_words({"name": name, "params": params}, samples.passing_records()["dictionary"])
    assert said == sentence
    assert str(SEED) not in said
