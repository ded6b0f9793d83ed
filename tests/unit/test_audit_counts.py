"""Known answers of the audit of counts: pooled tables, rounds, differences of areas, what is not complete."""

import itertools

import numpy as np
import pandas as pd
import pytest

from audit_samples import ALL, SUM, about, cross_table, dictionary, published, released, sites
from sdc.audit.counts import Limits, audit_counts, gives_away, protected_cells, smallest_combination
from sdc.audit.facts import Facts, facts_of, row_keys
from sdc.audit.learned import intervals
from sdc.audit.outside import outside_facts
from sdc.audit.refinement import refine
from sdc.cells.model import CountTable, find, register
from sdc.cells.spanning import parse_by
from sdc.engines.cellsuppression import suppress_cells
from sdc.errors import DataError
from sdc.steps.aggregation import aggregate_counts

FOUR = (("district", "sex"), ("district", "age"), ("sex",), ("district",))


def pooled(**how):
    table = cross_table()
    return table, [published(table, by, "-".join(by), **how) for by in FOUR]


def test_each_of_four_tables_alone_gives_none_of_its_suppressed_cells_away():
    _, four = pooled()
    for one in four:
        assert gives_away([one], (), ALL) is False
    assert sum(int(one.cells["suppressed"].sum()) for one in four) == 40


def test_four_tables_pooled_give_all_40_suppressed_cells_back():
    """A district's men are its total less its women: 40 of 40, each with its true value."""
    table, four = pooled()
    found = audit_counts(four, (), ALL, candidate=3)
    men = table.rows[table.rows["sex"] == "m"].groupby("district")["persons"].sum()
    assert found.suppressed_exact == 40
    assert found.complete
    system = found.refinement
    held = np.isin(np.arange(len(system.about)), found.exposed) & system.suppressed
    low, high = intervals(system.cells, system.lower, system.upper, held)
    assert (low[held] == high[held]).all()
    assert sorted(low[held]) == sorted(men)


def test_the_smallest_combination_names_the_tables_that_are_needed_and_no_other():
    """District by sex with district by age, or with the district totals: either pair suffices."""
    _, four = pooled()
    kept = smallest_combination(four, lambda some: gives_away(some, (), ALL), 3)
    assert kept == [0, 3]


def test_the_same_four_rounded_each_on_its_own_give_none_back_exactly():
    _, four = pooled(base=5)
    found = audit_counts(four, (), ALL, candidate=3)
    assert found.complete
    assert found.suppressed_exact == 0
    system = found.refinement
    wanted = protected_cells(system, ALL)
    low, high = intervals(system.cells, system.lower, system.upper, wanted)
    assert (high - low)[wanted].min() >= 1


def test_four_tables_cut_from_one_protected_master_give_nothing_back():
    """One pattern over all cells at once; each table shows what the pattern shows."""
    table = cross_table()
    spans = parse_by("district, sex, age")
    cells = register([CountTable(table.rows.astype({"persons": "int64"}), spans, "persons")])
    small = (cells.counts > 0) & (cells.counts < 5)
    pattern = suppress_cells(cells, small)
    hidden = set()
    for by in FOUR:
        areas = table.rows[list(by)].drop_duplicates()
        for area, cell in zip(areas.to_dict("records"), find(cells, areas), strict=True):
            if pattern.suppressed[cell]:
                hidden.add(tuple(area.get(name, "") for name in ("district", "sex", "age")))
    four = [published(table, by, "-".join(by), hidden=hidden) for by in FOUR]
    assert sum(int(one.cells["suppressed"].sum()) for one in four) >= 40
    for size in range(1, 5):
        for some in itertools.combinations(four, size):
            assert len(audit_counts(some, (), ALL).exposed) == 0


def test_a_difference_of_old_and_new_boundaries_is_found():
    """Two districts of the old map and two of the new one differ by a strip in which 3 people live."""
    before = sites(1, districts=1, per_district=4)
    rows = before.rows.assign(
        men=pd.array([20, 3, 40, 50], dtype="Int64"), women=pd.array([10, 0, 10, 10], dtype="Int64")
    )
    before = before.with_rows(rows.assign(all=rows["men"] + rows["women"]))
    releases = []
    for name, north in (("old", ("S000", "S001")), ("new", ("S000",))):
        total = int(before.rows.loc[before.rows["site"].isin(north), "men"].sum())
        keys = row_keys(before)[before.rows["site"].isin(north).to_numpy()]
        base = before.rows[["all", "men", "women"]].astype("float64").assign(key=row_keys(before))
        releases.append(
            Facts(
                {**about(name), "kind": "counts", "columns": {}},
                pd.DataFrame({"row": 0, "key": keys}),
                pd.DataFrame({"row": [0], "column": ["men"], "low": [total], "high": [total], "suppressed": [False]}),
                pd.DataFrame({"row": [0], "round": [1], "place": [name], "depth": ["admin2"]}),
                base[base["key"].isin(keys)].reset_index(drop=True),
            )
        )
    for one in releases:
        assert not gives_away([one], (), ALL)
    found = audit_counts(releases, (), ALL, candidate=1)
    assert (found.suppressed_exact, found.differences_exact) == (0, 1)
    assert found.refinement.about.iloc[found.exposed]["depth"].tolist() == ["difference"]


def test_site_tables_and_district_sums_are_one_system():
    """One site of a district is hidden; the district's sum, published elsewhere, gives it back."""
    before = sites(3, districts=2, per_district=3)
    rows = before.rows.assign(men=pd.array([3, 20, 30, 40, 50, 60], dtype="Int64"))
    before = before.with_rows(rows.assign(all=rows["men"] + rows["women"]))
    hide = np.arange(6) == 0
    by_site = released(before, {"men": hide, "women": hide}, "sites", tier="restricted", organisation="A")
    sums = aggregate_counts(before, ["district", "round"])
    by_district = facts_of(before, sums, about("districts"))
    assert not gives_away([by_site], (SUM,), ALL)
    found = audit_counts([by_site, by_district], (SUM,), ALL, candidate=1)
    assert found.suppressed_exact >= 1
    assert found.already.narrow == 0


def test_changes_of_1_to_4_between_rounds_are_found_and_are_gone_after_rounding():
    """Of 500 sites about a third changes by 1 to 4 people; rounded to base 5 no change is known exactly."""
    draw = np.random.default_rng(5)
    before = sites(11, districts=50, per_district=10, rounds=2, most=200)
    first = before.rows["round"] == 1
    men, women = draw.integers(20, 200, (2, 500))
    step = np.where(
        draw.random(500) < 0.37, draw.integers(1, 5, 500) * draw.choice([-1, 1], 500), draw.choice([0, 25], 500)
    )
    rows = before.rows.copy()
    for name, values in (("men", men), ("women", women)):
        rows.loc[first, name] = values
        rows.loc[~first, name] = values + (step if name == "men" else 0)
    before = before.with_rows(rows.assign(all=rows["men"] + rows["women"]))
    asked = Limits(minimum_count=5, minimum_change=5)
    expected = int(((np.abs(step) > 0) & (np.abs(step) < 5)).sum())
    exact = released(before, {}, "exact")
    found = audit_counts([exact], (SUM,), asked)
    men_changes = found.refinement.about.iloc[found.changes["first"]]["column"] == "men"
    assert int(men_changes.sum()) == expected
    assert expected / 500 == pytest.approx(0.37, abs=0.04)
    rounded = before.with_rows(
        before.rows.assign(**{n: (before.rows[n] + 2) // 5 * 5 for n in ("all", "men", "women")})
    )
    found = audit_counts([facts_of(before, rounded, about("rounded"), base=5)], (SUM,), asked)
    assert found.changes_asked >= expected
    assert len(found.changes) == 0


def test_somebody_who_takes_last_rounds_count_for_this_rounds_is_heard():
    """The hidden women did not change since last round, when they were shown: so the hidden men are known."""
    before = sites(2, districts=1, per_district=1, rounds=2)
    rows = before.rows.assign(men=pd.array([30, 3], dtype="Int64"), women=pd.array([40, 40], dtype="Int64"))
    before = before.with_rows(rows.assign(all=rows["men"] + rows["women"]))
    hide = np.array([False, True])
    found = audit_counts([released(before, {"men": hide, "women": hide}, "both")], (SUM,), ALL)
    assert len(found.exposed) == 0
    assert len(found.persistent) == 1


def test_an_audit_that_is_stopped_is_not_complete():
    before = sites(4, districts=10, per_district=10, most=8)
    small = {n: ((before.rows[n] > 0) & (before.rows[n] < 5)).to_numpy(dtype=bool) for n in ("men", "women", "all")}
    looks = iter([False] * 3 + [True] * 1000)
    found = audit_counts([released(before, small, "one")], (SUM,), ALL, stop=lambda: next(looks))
    assert not found.complete


def test_rows_that_no_release_tells_apart_are_one_atom():
    before = sites(6, districts=5, per_district=20)
    sums = aggregate_counts(before, ["district", "round"])
    system = refine([facts_of(before, sums, about("districts"))], (SUM,))
    assert len(system.cells) == 5 * 3
    assert int(system.about["rows"].max()) == 20


def test_an_outside_release_that_is_not_true_is_refused():
    table = cross_table(4)
    line = pd.DataFrame({"district": ["D00"], "measure": ["persons"], "value": ["999"]})
    who = {"request": "x", "population": "ZZZ/synthetic", "tier": "public", "organisation": "everybody"}
    with pytest.raises(DataError, match="not those of the collected rows"):
        outside_facts(line, table, dictionary(table), who)
    with pytest.raises(DataError, match="no collected row"):
        outside_facts(line.assign(district="nowhere"), table, dictionary(table), who)
    with pytest.raises(DataError, match="no count of the dictionary"):
        outside_facts(line.assign(measure="people"), table, dictionary(table), who)
