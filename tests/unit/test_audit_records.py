"""Known answers of the audit of records: recodings joined, rows linked, weights averaged, a master cut in tiers."""

from datetime import date

import numpy as np

from audit_samples import about, survey
from sdc.audit.counts import Limits
from sdc.audit.facts import facts_of, row_keys
from sdc.audit.judge import audit_release
from sdc.audit.records import audit_records
from sdc.steps import STEPS

FINE_AGE = {"age": 1, "nationality": 1, "work": 1}
FINE_NATION = {"age": 2, "nationality": 0, "work": 1}
K3 = Limits(k=3, missing="category")


def recoded(table, levels, *dropped):
    for name, level in levels.items():
        table = STEPS["recode"](table, name, level) if level else table
    return table.drop(dropped)


def two(table):
    first = facts_of(table, recoded(table, FINE_AGE), about("fine age"))
    second = facts_of(table, recoded(table, FINE_NATION), about("fine nationality"))
    return first, second


def test_two_recodings_of_one_survey_joined_single_out_far_more_people_than_either():
    """Unique alone, unique joined: counted here by hand on the two recodings side by side."""
    table = survey()
    first, second = two(table)
    found = audit_records([first, second], table, K3, candidate=1)
    keys = ["age", "nationality", "sex", "area", "work"]
    sizes = {}
    for name, levels in (("fine age", FINE_AGE), ("fine nationality", FINE_NATION)):
        rows = recoded(table, levels).rows[keys].astype("str")
        sizes[name] = int((rows.groupby(keys)["age"].transform("size") == 1).sum())
    both = recoded(table, FINE_AGE).rows[keys].astype("str")
    both["nationality"] = table.rows["nationality"]
    joined = int((both.groupby(keys)["age"].transform("size") == 1).sum())
    assert dict(found.alone) == sizes
    assert found.uniques == joined
    assert joined > 2 * max(sizes.values())


def test_the_gate_stops_the_second_recoding():
    table = survey(records=2_000)
    first, second = two(table)
    found = audit_release(second, [first], table, today=date(2026, 11, 22)).document
    assert found["gate"] == "fail"
    assert found["complete"]
    assert {held["name"] for held in found["sets"]} == {"itself", "public and this recipient"}


def test_rows_are_linked_on_columns_that_both_show_as_collected():
    """Some 95 % on all shared columns, and on weight, sex and nationality alone a good third: measured by hand too."""
    table = survey()
    some = ("age", "area", "work", "reason", "wish", "needs")
    for dropped in ((), some):
        one = facts_of(table, table.drop(dropped), about("one"))
        other = facts_of(table, table.drop(dropped), about("other", organisation="B"))
        (link,) = audit_records([one, other], table, K3).linked
        columns = [name for name in table.rows.columns if name not in (*dropped, "round")]
        alone = ~table.rows[columns].astype("str").duplicated(keep=False)
        assert link.linked == int(alone.sum())
        assert link.records == len(table)
        assert link.share > (0.94 if not dropped else 0.3)


def test_a_key_that_is_hidden_in_one_file_and_shown_in_another_is_known():
    table = survey(records=300)
    hidden = table.with_rows(table.rows.assign(age=table.rows["age"].where(table.rows.index % 2 == 0)))
    found = audit_records([facts_of(table, hidden, about("a")), facts_of(table, table, about("b"))], table, K3)
    plain = audit_records([facts_of(table, table, about("b"))], table, K3)
    assert found.uniques == plain.uniques


def test_averaged_weights_link_nobody_and_keep_every_weighted_table_of_keys():
    table = survey()
    keys = ["sex", "area"]
    averaged = STEPS["average_weights"](table, "weight", keys)
    before = table.rows.groupby(keys)["weight"].sum().to_numpy(dtype=float)
    after = averaged.rows.groupby(keys)["weight"].sum().to_numpy(dtype=float)
    assert np.allclose(before, after)
    assert averaged.rows.groupby(keys)["weight"].nunique().max() == 1
    (link,) = audit_records(
        [facts_of(table, table, about("a")), facts_of(table, averaged, about("b"))], table, K3
    ).linked
    assert link.by_weight == 0
    assert "weight" not in link.columns


def test_internal_keys_do_not_depend_on_the_order_or_the_company_of_rows():
    table = survey(records=400)
    keys = row_keys(table)
    assert len(np.unique(keys)) == len(keys)
    order = np.random.default_rng(1).permutation(len(table))
    once = ~table.rows.astype("str").duplicated(keep=False).to_numpy()
    shuffled = table.with_rows(table.rows.iloc[order].reset_index(drop=True))
    assert (row_keys(shuffled)[once[order]] == keys[order][once[order]]).all()
    half = table.with_rows(table.rows.iloc[:200])
    assert (row_keys(half) == keys[:200]).all()


def test_a_column_recoded_twice_is_what_it_would_be_recoded_once():
    table = survey(records=200)
    once = STEPS["recode"](table, "age", 2).rows["age"]
    again = STEPS["recode"](STEPS["recode"](table, "age", 1), "age", 2).rows["age"]
    assert (once.astype("str") == again.astype("str")).all()
    assert list(once.cat.categories) == list(again.cat.categories)
