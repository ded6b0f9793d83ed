"""sdcMicro in real R beside our own engine; skipped, with the reason, where it is not installed."""

import numpy as np
import pandas as pd
import pytest

from sdc.engines import native, sdcmicro
from sdc.errors import DisclosureError, EngineError

REASON = sdcmicro.obstacle()
needs_r = pytest.mark.skipif(bool(REASON), reason=REASON or "sdcMicro runs here")


@pytest.fixture
def rows():
    """400 records of four keys as text, numbers and categories, some missing, with weights."""
    rng = np.random.default_rng(11)
    frame = pd.DataFrame(
        {
            "admin": rng.choice(["n", "s", "w", "e"], 400, p=[0.5, 0.3, 0.15, 0.05]),
            "sex": pd.Categorical(rng.choice(["f", "m"], 400)),
            "age": rng.integers(0, 9, 400) * 10,
            "size": rng.poisson(3, 400),
        }
    )
    frame = frame.mask(rng.random(frame.shape) < 0.03)
    return frame.assign(w=rng.uniform(1, 50, 400).round(1))


KEYS = ["admin", "sex", "age", "size"]


@needs_r
@pytest.mark.parametrize("alpha", [1.0, 0.5, 0.0])
def test_frequencies_and_risk_are_equal(rows, alpha):
    for weight in (None, "w"):
        theirs = sdcmicro.frequencies(rows, KEYS, weight=weight, alpha=alpha)
        ours = native.frequencies(rows, KEYS, weight=weight, alpha=alpha)
        pd.testing.assert_frame_equal(theirs, ours, rtol=1e-9)
    if alpha == 1:
        for weight in (None, "w"):
            theirs = sdcmicro.individual_risk(rows, KEYS, weight=weight)
            pd.testing.assert_series_equal(theirs, native.individual_risk(rows, KEYS, weight=weight), rtol=1e-9)


@needs_r
@pytest.mark.parametrize("importance", [None, {"admin": 9.0, "age": 2.0}])
def test_both_engines_reach_k_and_ours_suppresses_no_more(rows, importance):
    for k in (2, 3, 5):
        theirs = sdcmicro.suppress_locally(rows, KEYS, k, importance=importance, closed={"age": "admin"})
        ours = native.suppress_locally(rows, KEYS, k, importance=importance, closed={"age": "admin"})
        for hidden in (theirs, ours):
            assert not (hidden & rows[KEYS].isna()).any(axis=None)
            assert (hidden["age"] | rows["age"].isna())[hidden["admin"]].all()
            assert (native.frequencies(rows[KEYS].mask(hidden), KEYS)["fk"] >= k).all()
        if importance is None:
            assert ours.to_numpy().sum() <= theirs.to_numpy().sum()


@needs_r
def test_strata_and_subsets_run_in_r_too(rows):
    rows = rows.assign(area=np.arange(400) % 3)
    hidden = sdcmicro.suppress_locally(rows, KEYS, 2, strata=["area"])
    for _, part in rows[KEYS].mask(hidden).groupby(rows["area"]):
        assert (native.frequencies(part, KEYS)["fk"] >= 2).all()
    hidden = sdcmicro.suppress_locally(rows, KEYS, 2, sizes=[2])
    assert (
        native.frequencies(rows[["admin", "age"]].mask(hidden[["admin", "age"]]), ["admin", "age"])["fk"] >= 2
    ).all()


@needs_r
@pytest.mark.shared
@pytest.mark.parametrize(("k", "cells"), [(2, 157), (3, 293)])
def test_sdcmicro_s_own_figures_come_back(shared, k, cells):
    rows = pd.read_csv(shared / "data" / "records" / "testdata.csv")
    keys = ["urbrur", "roof", "walls", "water", "electcon", "relat", "sex"]
    assert sdcmicro.suppress_locally(rows, keys, k).to_numpy().sum() == cells


def test_what_sdcmicro_cannot_do_is_refused(rows):
    with pytest.raises(EngineError, match="a missing value matches any value"):
        sdcmicro.frequencies(rows, KEYS, missing="category")
    with pytest.raises(EngineError, match="households, diversity and exact"):
        sdcmicro.suppress_locally(rows, KEYS, 2, exact=True)
    with pytest.raises(DisclosureError, match="cannot make groups"):
        sdcmicro.suppress_locally(rows, KEYS, 401)


@pytest.mark.parametrize("part", ["R", "rpy2"])
def test_a_missing_part_is_named_in_one_sentence(rows, part, monkeypatch):
    monkeypatch.setattr(sdcmicro, "which", lambda name: None if part == "R" else name)
    monkeypatch.setattr(sdcmicro, "find_spec", lambda name: None)
    with pytest.raises(EngineError, match=f"{part} is not installed"):
        sdcmicro.frequencies(rows, KEYS)
    assert sdcmicro.obstacle().startswith(f"{part} is not installed")


def test_a_child_that_ends_without_a_result_is_an_engine_error(rows, monkeypatch):
    monkeypatch.setattr(sdcmicro, "which", lambda name: name)
    monkeypatch.setattr(sdcmicro, "find_spec", lambda name: object())
    monkeypatch.setattr(sdcmicro.sys, "executable", "/bin/true")
    with pytest.raises(EngineError, match="R ended without a result"):
        sdcmicro.frequencies(rows, KEYS)
