"""What a release lost, for those who use it: hand-worked figures, and what each measure promises."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sdc.dictionary import Level, Role, Type, Variable
from sdc.errors import DataError
from sdc.steps.recoding import recode
from sdc.table import Table
from sdc.utility.numbers import (
    correlation_change,
    eigenvalue_change,
    il1,
    il1s,
    inverse_correlation_change,
    number_losses,
)
from sdc.utility.propensity import propensity
from sdc.utility.tables import table_distances, tabulation, tabulation_errors

SEX = Variable(name="sex", type=Type.CODE, open_codes=True, role=Role.KEY)
HARM = Variable(name="harm", type=Type.CODE, open_codes=True, role=Role.SENSITIVE)
WEIGHT = Variable(name="weight", type=Type.NUMBER, role=Role.WEIGHT)
AGE = Variable(name="age", type=Type.INTEGER, role=Role.KEY, hierarchy=(Level(name="adult", bands=(0, 18)),))
VARIABLES = (SEX, HARM, AGE, WEIGHT)


def people(sex, harm=None, age=None, weight=None) -> Table:
    n = len(sex)
    rows = pd.DataFrame({
        "sex": pd.Series(list(sex), dtype="str"),
        "harm": pd.Series(["no"] * n if harm is None else list(harm), dtype="str"),
        "age": pd.array([30] * n if age is None else list(age), dtype="Int64"),
        "weight": pd.array([1.0] * n if weight is None else list(weight), dtype="Float64"),
    })  # fmt: skip
    return Table(rows, VARIABLES)


@st.composite
def files(draw) -> tuple[Table, Table]:
    tables = []
    for _ in range(2):
        n = draw(st.integers(4, 40))
        rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
        ages = rng.integers(0, 90, n).astype(object)
        ages[rng.random(n) < 0.1] = None
        tables.append(people(rng.choice(["f", "m", None], n), rng.choice(["yes", "no"], n), ages, rng.random(n) + 1))
    return tables[0], tables[1]


def test_il1s_by_hand():
    """Standard deviation of 1, 2, 3 is 1: one value moved by 2 loses 2 over the root of 2."""
    before, after = pd.DataFrame({"x": [1.0, 2, 3]}), pd.DataFrame({"x": [3.0, 2, 3]})
    assert il1s(before, after) == pytest.approx(np.sqrt(2))
    assert il1(before, after) == pytest.approx(200)


def test_what_is_missing_or_zero_does_not_count():
    before, after = pd.DataFrame({"x": [0.0, 2, np.nan, 4]}), pd.DataFrame({"x": [5.0, 1, 3, np.nan]})
    assert il1(before, after) == pytest.approx(50)
    assert il1s(before, after) == pytest.approx(6 / (2 * np.sqrt(2)))


def test_eigenvalues_of_two_columns_are_one_plus_and_minus_their_correlation():
    before = pd.DataFrame({"x": [1.0, 2, 3, 4], "y": [1.0, 3, 2, 4]})  # correlation 0.8
    after = pd.DataFrame({"x": [1.0, 2, 3, 4], "y": [2.0, 4, 1, 3]})  # correlation 0
    assert eigenvalue_change(before, after) == pytest.approx(0.8 / 1.8 + 0.8 / 0.2)
    assert correlation_change(before, after) == pytest.approx(0.8)
    assert inverse_correlation_change(before, after) == pytest.approx(0)  # two columns explain each other equally


def test_what_does_not_vary_has_no_correlation():
    before = pd.DataFrame({"x": [1.0, 2, 3], "y": [5.0, 5, 5]})
    assert eigenvalue_change(before, before) is None
    assert number_losses(before, before)["il1s"] == 0


def test_correlations_use_the_pairs_that_both_columns_have():
    rng = np.random.default_rng(1)
    before = pd.DataFrame(rng.normal(size=(50, 3)), columns=list("abc"))
    after = before.mask(rng.random((50, 3)) < 0.2)
    z = (after - after.mean()) / after.std()
    old, new = np.linalg.eigvalsh(before.corr())[::-1], np.linalg.eigvalsh(z.cov())[::-1]
    assert eigenvalue_change(before, after) == pytest.approx((np.abs(old - new) / old).sum())


@given(st.integers(0, 2**32 - 1), st.floats(0.001, 1000))
def test_another_unit_or_order_changes_nothing(seed, unit):
    rng = np.random.default_rng(seed)
    before = pd.DataFrame(rng.normal(size=(20, 3)), columns=list("abc"))
    after = before + rng.normal(size=(20, 3))
    order = rng.permutation(20)
    for measure in (il1s, eigenvalue_change, correlation_change, inverse_correlation_change):
        value = measure(before, after)
        assert value > 0
        assert measure(before * unit, after * unit) == pytest.approx(value, rel=1e-6)
        assert measure(before.iloc[order], after.iloc[order]) == pytest.approx(value, rel=1e-6)
        assert measure(before, before) == pytest.approx(0, abs=1e-9)


def test_files_that_cannot_be_paired_are_refused():
    with pytest.raises(DataError):
        il1s(pd.DataFrame({"x": [1.0]}), pd.DataFrame({"x": [1.0, 2.0]}))
    with pytest.raises(DataError):
        il1s(pd.DataFrame({"x": ["a"]}), pd.DataFrame({"x": ["a"]}))


def test_distances_of_a_margin_by_hand():
    """Half women before, all women after: total variation 1/2, Hellinger the root of 1 less the root of 1/2."""
    found = table_distances(people("fm"), people("ff"), ["sex"])
    assert found[0]["total_variation"] == pytest.approx(0.5)
    assert found[0]["hellinger"] == pytest.approx(np.sqrt(1 - np.sqrt(0.5)))


def test_margins_can_stay_while_the_table_is_gone():
    before, after = people("ffmm", ["a", "a", "b", "b"]), people("ffmm", ["b", "b", "a", "a"])
    found = {
        tuple(entry["columns"]): entry["total_variation"] for entry in table_distances(before, after, ["sex", "harm"])
    }
    assert found == {("sex",): 0, ("harm",): 0, ("sex", "harm"): 1}


def test_weights_count_persons_and_recoding_is_no_distance():
    before = people("fm", age=[5, 40], weight=[1, 3])
    assert table_distances(before, recode(before, "age", 1), ["age", "sex"], [1, 2])[0]["hellinger"] == 0
    heavier = people("fm", age=[5, 40], weight=[3, 1])
    assert table_distances(before, heavier, ["sex"])[0]["total_variation"] == pytest.approx(0.5)


@given(files())
def test_distances_keep_their_bounds(pair):
    before, after = pair
    for entry in table_distances(before, after, ["sex", "harm", "age"]):
        h, tv = entry["hellinger"], entry["total_variation"]
        assert -1e-12 <= h**2 <= tv + 1e-9
        assert tv <= h * np.sqrt(2) + 1e-6
        assert tv <= 1 + 1e-12
    mixed = before.with_rows(before.rows.sample(frac=1, random_state=2))
    for entry in table_distances(before, mixed, ["sex", "age"]):
        assert entry["hellinger"] == pytest.approx(0, abs=1e-6)
        assert entry["total_variation"] == pytest.approx(0, abs=1e-9)


def test_a_table_before_and_after_with_its_error():
    before, after = people("ffm", weight=[2, 2, 6]), people(["f", None, "m"], weight=[2, 2, 6])
    cells = tabulation(before, after, ["sex"]).set_index("sex")
    assert cells.loc["f", ["before", "after", "error", "relative_error"]].tolist() == [4, 2, -2, -0.5]
    assert cells.loc["", ["before", "after"]].tolist() == [0, 2]
    errors = tabulation_errors(before, after, ["sex"])
    assert errors["cells"] == 2 and errors["cells_lost"] == 0
    assert errors["max_absolute_error"] == 2
    assert errors["share_misplaced"] == pytest.approx(0.2)


def test_a_column_that_was_not_released_cannot_be_compared():
    with pytest.raises(DataError):
        table_distances(people("fm"), people("fm").drop(["sex"]), ["sex"])


def test_a_file_cannot_be_told_from_itself():
    rng = np.random.default_rng(0)
    table = people(rng.choice(["f", "m"], 200), rng.choice(["yes", "no"], 200), rng.integers(0, 90, 200))
    assert propensity(table, table, ["sex", "harm", "age"], ways=2)["pmse"] == pytest.approx(0, abs=1e-12)


def test_a_second_sample_has_a_ratio_near_two():
    """Both samples vary, where a file drawn from a model of the original varies alone."""
    rng = np.random.default_rng(0)
    ratios = []
    for _ in range(60):
        old, new = (people(rng.choice(["f", "m"], 400), rng.choice(["yes", "no", "dk"], 400)) for _ in range(2))
        ratios.append(propensity(old, new, ["sex", "harm"])["ratio"])
    assert 1.5 < np.mean(ratios) < 2.6


def test_files_that_have_nothing_in_common_are_told_apart():
    found = propensity(people("f" * 50), people("m" * 50), ["sex"])
    assert found["pmse"] == pytest.approx(0.25, abs=0.01)
    assert found["ratio"] > 50


def test_the_two_way_model_sees_what_margins_hide():
    before, after = people("ffmm" * 25, list("aabb") * 25), people("ffmm" * 25, list("bbaa") * 25)
    assert propensity(before, after, ["sex", "harm"])["pmse"] == pytest.approx(0, abs=1e-9)
    assert propensity(before, after, ["sex", "harm"], ways=2)["pmse"] > 0.2


@given(files(), st.sampled_from([1, 2]))
def test_pmse_lies_between_nothing_and_all(pair, ways):
    before, after = pair
    share = len(after) / (len(before) + len(after))
    found = propensity(before, after, ["sex", "harm", "age"], ways=ways)
    assert 0 <= found["pmse"] <= share * (1 - share) + 1e-6
