"""Cells suppressed on sdcMicro's own data: at most those of sdcMicro with the re-check; the proven optimum beside."""

import numpy as np
import pandas as pd
import pytest

from sdc.engines.native import frequencies, suppress_locally

K5 = ["urbrur", "roof", "walls", "water", "electcon"]
K7 = [*K5, "relat", "sex"]
K6A = ["urbrur", "roof", "water", "relat", "sex", "age"]

# sdcMicro 5.8.0 with one re-check before each suppression (its own figures are two to four times these)
RECHECK = [
    ("testdata", K5, {2: 2, 3: 6, 5: 34}),
    ("testdata", K7, {2: 103, 3: 195, 5: 358}),
    ("testdata2", K7, {2: 64, 3: 99, 5: 145}),
    ("testdata", K6A, {2: 207, 3: 375, 5: 651}),
]
# solved once to proven optimality with `exact=True`, where no record loses more than it takes to make it safe
OPTIMUM = [("testdata", K5, 2, 2), ("testdata", K5, 3, 4), ("testdata", K5, 5, 18), ("testdata", K7, 2, 92)]


@pytest.mark.shared
@pytest.mark.parametrize(("name", "keys", "cells"), RECHECK, ids=lambda value: str(value)[:12])
def test_no_more_cells_than_sdcmicro_with_the_recheck(shared, name, keys, cells):
    rows = pd.read_csv(shared / "data" / "records" / f"{name}.csv")
    for k, most in cells.items():
        hidden = suppress_locally(rows, keys, k)
        assert hidden.to_numpy().sum() <= most
        assert (frequencies(rows[keys].mask(hidden), keys)["fk"] >= k).all()


@pytest.mark.shared
@pytest.mark.parametrize(("name", "keys", "k", "cells"), OPTIMUM, ids=lambda value: str(value)[:12])
def test_the_search_reaches_the_proven_optimum(shared, name, keys, k, cells):
    rows = pd.read_csv(shared / "data" / "records" / f"{name}.csv")
    least = suppress_locally(rows, keys, k, exact=True)
    assert least.to_numpy().sum() == cells
    assert (frequencies(rows[keys].mask(least), keys)["fk"] >= k).all()
    assert suppress_locally(rows, keys, k).to_numpy().sum() == cells


@pytest.mark.shared
def test_the_category_reading_leaves_no_pattern_below_k(shared):
    rows = pd.read_csv(shared / "data" / "records" / "testdata.csv")
    for k in (2, 3, 5, 10):
        protected = rows[K7].mask(suppress_locally(rows, K7, k, missing="category"))
        assert protected.groupby(K7, dropna=False).size().min() >= k


@pytest.mark.shared
@pytest.mark.parametrize("alpha", [1, 0.5, 0])
def test_frequencies_with_missing_keys_equal_sdcmicro(shared, alpha):
    rows = pd.read_csv(shared / "data" / "records" / "testdata_na3.csv")
    golden = pd.read_csv(shared / "golden" / "sdcmicro" / f"risk_testdata_na3_K7_alpha{alpha}.records.csv")
    found = frequencies(rows, K7, weight="sampling_weight", alpha=alpha)
    np.testing.assert_allclose(found["fk"], golden["fk"], rtol=1e-9)
    np.testing.assert_allclose(found["Fk"], golden["Fk"], rtol=1e-9)
