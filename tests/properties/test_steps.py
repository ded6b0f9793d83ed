"""Each Guarantees line of the menu, on tables that nobody drew."""

import numpy as np
import pandas as pd
from hypothesis import given
from hypothesis import strategies as st

from sdc.cells.intruder import AT_LEAST_ONE, NOTHING_KNOWN, audit
from sdc.cells.rows import row_cells
from sdc.dictionary import Level, Link, Role, Type, Variable
from sdc.plan import Step, apply
from sdc.steps.countrounding import round_counts
from sdc.steps.counts import suppress_counts
from sdc.steps.order import sort_records
from sdc.steps.recoding import coarsened, recode
from sdc.steps.suppression import suppress_locally, suppress_sensitive
from sdc.table import Table
from sdc.verdict.records import _homogeneous_records

AGE = Variable(
    name="age",
    type=Type.INTEGER,
    role=Role.KEY,
    min=0,
    max=99,
    hierarchy=(Level(name="bands", bands=(0, 10, 20, 40)), Level(name="half", bands=(0, 20))),
)
SEX = Variable(name="sex", type=Type.CODE, role=Role.KEY, codes={"f": {}, "m": {}, "x": {}})
AREA = Variable(name="area", type=Type.CODE, open_codes=True, role=Role.KEY)
NAME = Variable(name="area_name", type=Type.CODE, open_codes=True, role=Role.KEY, follows="area")
HARM = Variable(name="harm", type=Type.CODE, open_codes=True, role=Role.SENSITIVE)
LINKS = (Link(total="all", parts=("men", "women", "children")), Link(total="again", parts=("all",)))
COUNTS = ("all", "men", "women", "children", "again")


@st.composite
def people(draw) -> Table:
    """Records with an age, a sex, an area with its name, and something sensitive; some values missing."""
    n = draw(st.integers(5, 40))
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    age = pd.array(rng.integers(0, 60, n) // draw(st.integers(1, 15)), dtype="Int64")
    age[rng.random(n) < 0.1] = pd.NA
    area = rng.choice(["A1", "A2", "A3"], n).astype(object)
    area[rng.random(n) < 0.1] = None
    rows = pd.DataFrame(
        {
            "age": age,
            "sex": pd.Categorical(rng.choice(["f", "m", "x"], n, p=[0.5, 0.45, 0.05]), ["f", "m", "x"]),
            "area": pd.Series(area, dtype="str"),
            "area_name": pd.Series([None if a is None else f"name of {a}" for a in area], dtype="str"),
            "harm": pd.Series(rng.choice(["yes", "no", None], n), dtype="str"),
        }
    )
    return Table(rows, (AGE, SEX, AREA, NAME, HARM))


@st.composite
def places(draw) -> Table:
    """Rows of counts with a total, its parts and its twin; some rows without any."""
    n = draw(st.integers(1, 25))
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    parts = rng.integers(0, draw(st.sampled_from([3, 15, 60])), (n, 3))
    values = {"men": parts[:, 0], "women": parts[:, 1], "children": parts[:, 2], "all": parts.sum(axis=1)}
    values["again"] = values["all"]
    blank = rng.random(n) < 0.1
    rows = pd.DataFrame({name: pd.array(values[name], dtype="Int64") for name in COUNTS})
    rows.loc[blank] = pd.NA
    variables = tuple(Variable(name=name, type=Type.INTEGER, role=Role.COUNT) for name in COUNTS)
    return Table(rows, variables, LINKS)


def wildcard_fk(rows: pd.DataFrame, keys: list[str]) -> np.ndarray:
    """By definition: records that agree wherever both are observed."""
    values = rows[keys].astype("str").fillna("").to_numpy(dtype=object)
    missing = rows[keys].isna().to_numpy()
    agree = (values[:, None, :] == values[None, :, :]) | missing[:, None, :] | missing[None, :, :]
    return np.asarray(agree, dtype=bool).all(axis=2).sum(axis=1)


@given(people(), st.integers(2, 4))
def test_every_record_shares_its_key_with_at_least_k_minus_1_others(table, k):
    keys = table.keys()
    result = suppress_locally(table, keys, k)
    assert (wildcard_fk(result.rows, table.names(Role.KEY)) >= k).all()


@given(people(), st.integers(2, 4))
def test_only_keys_and_their_followers_change_and_only_to_missing(table, k):
    before = table.rows.copy(deep=True)
    result = suppress_locally(table, table.keys(), k)
    pd.testing.assert_frame_equal(table.rows, before)
    pd.testing.assert_series_equal(result.rows["harm"], before["harm"])
    for name in before.columns:
        kept = result.rows[name].notna()
        assert (result.rows[name][kept].astype("str") == before[name][kept].astype("str")).all()
    hidden = result.rows["area"].isna()
    assert result.rows.loc[hidden, "area_name"].isna().all()


@given(people())
def test_what_is_shown_of_keys_does_not_depend_on_the_order_of_records(table):
    keys = table.keys()
    mixed = table.with_rows(table.rows.sample(frac=1, random_state=1))
    one, other = suppress_locally(table, keys, 3).rows, suppress_locally(mixed, keys, 3).rows
    shown = [frame[table.names(Role.KEY)].astype("str").fillna("") for frame in (one, other)]
    count = [frame.value_counts().sort_index() for frame in shown]
    pd.testing.assert_series_equal(*count)


@given(people(), st.integers(2, 3))
def test_every_class_holds_no_value_or_at_least_ell(table, ell):
    result = suppress_sensitive(table, ["sex", "area"], "harm", ell).rows
    shown = result[result["harm"].notna()]
    distinct = shown.groupby([shown["sex"].astype("str"), shown["area"].fillna("")])["harm"].nunique()
    assert (distinct >= ell).all()


@given(people(), st.integers(2, 3), st.integers(0, 2**32 - 1))
def test_every_choice_was_left_out_by_enough_of_a_class(table, ell, seed):
    rng = np.random.default_rng(seed)
    chosen = [" ".join(c for c in ("a", "b", "c") if rng.random() < 0.7) or None for _ in range(len(table))]
    multiple = Variable(name="harm", type=Type.CODES, codes={"a": {}, "b": {}, "c": {}}, role=Role.SENSITIVE)
    table = Table(table.rows.assign(harm=pd.Series(chosen, dtype="str")), (AGE, SEX, AREA, NAME, multiple), ())
    result = suppress_sensitive(table, ["sex", "area"], "harm", ell)
    assert _homogeneous_records(result, ["sex", "area"], "harm", ell) == 0
    for _, answers in result.rows.groupby([result.rows["sex"].astype("str"), result.rows["area"].fillna("")])["harm"]:
        given_away = answers.dropna().str.split()
        for choice in "abc" if len(given_away) else "":
            assert sum(choice not in made for made in given_away) >= ell - 1


@given(people(), st.integers(1, 2))
def test_records_that_agreed_agree_after_recoding(table, level):
    result = recode(table, "age", level).rows["age"]
    assert (result.isna() == table.rows["age"].isna()).all()
    pairs = pd.DataFrame({"old": table.rows["age"], "new": result.astype("str")}).dropna().drop_duplicates()
    assert not pairs["old"].duplicated().any()
    assert set(result.dropna()) <= set(AGE.codes_at(level))


@given(people())
def test_a_higher_level_only_merges(table):
    ages = table.rows["age"]
    fine, coarse = coarsened(ages, AGE, 1).astype("str"), coarsened(ages, AGE, 2).astype("str")
    pairs = pd.DataFrame({"fine": fine, "coarse": coarse}).dropna().drop_duplicates()
    assert not pairs["fine"].duplicated().any()


@given(people())
def test_the_order_of_collection_is_gone(table):
    mixed = table.with_rows(table.rows.sample(frac=1, random_state=7))
    one, other = sort_records(table).rows, sort_records(mixed).rows
    pd.testing.assert_frame_equal(one.reset_index(drop=True), other.reset_index(drop=True))


@given(places(), st.sampled_from([5, 10]))
def test_no_small_count_is_left_and_none_can_be_solved(table, minimum):
    result = suppress_counts(table, list(COUNTS), minimum)
    values = result.rows.to_numpy(dtype=float, na_value=np.nan)
    assert not ((values > 0) & (values < minimum)).any()
    cells = row_cells(table.rows, LINKS, COUNTS)
    suppressed = (table.rows.notna() & result.rows.isna()).to_numpy()[table.rows.notna().to_numpy()]
    for intruder in (NOTHING_KNOWN, AT_LEAST_ONE):
        assert audit(cells, suppressed, suppressed, intruder).recoverable == 0


@given(places(), st.sampled_from([3, 5, 10]))
def test_every_value_is_a_multiple_and_identities_hold(table, base):
    rows = round_counts(table, list(COUNTS), base).rows
    shown = rows.dropna()
    assert (rows.isna() == table.rows.isna()).all(axis=None)
    assert (shown % base == 0).all(axis=None)
    assert (shown["men"] + shown["women"] + shown["children"] == shown["all"]).all()
    assert (shown["all"] == shown["again"]).all()


@given(people(), st.integers(2, 3))
def test_the_ledger_counts_the_cells_that_differ(table, k):
    keys = table.keys()
    steps = (
        Step("recode", {"variable": "age", "level": 1}, "test"),
        Step("suppress_locally", {"keys": keys, "k": k}, "test"),
        Step("sort_records", {}, "test"),
    )
    result, ledger = apply(steps, table)
    for name in result.rows.columns:
        old = table.rows[name].reindex(result.rows.index)
        gone = int((old.notna() & result.rows[name].isna()).sum())
        assert gone == sum(entry["suppressed"].get(name, 0) for entry in ledger)
    assert ledger[0]["recoded"] == (
        {"age": int(table.rows["age"].notna().sum())} if table.rows["age"].notna().any() else {}
    )
    assert len(result) == len(table)
