"""Small sites in bands, merged or moved: what the judge makes of the files, small ones and samples end to end."""

import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from test_judge_counts import case, check, judged, table

from sdc.dictionary import Dictionary, Link, Role, Type, Variable, read_dictionary
from sdc.ingest import ingest, read_extract
from sdc.plan import Brief, apply, compile_plan, dropped_because
from sdc.policy import Policy, read_policy
from sdc.request import Request
from sdc.samples import write_samples
from sdc.steps.aggregation import aggregate_counts
from sdc.steps.bands import band_counts
from sdc.steps.counts import suppress_counts
from sdc.steps.displacement import displace_coordinates
from sdc.steps.sites import MERGED, merge_sites
from sdc.table import Table, stack
from sdc.verdict import Case, judge
from sdc.verdict.cellaudit import cells_of, learns
from sdc.verdict.filecounts import area_numbers, behind, broken_rules
from sdc.verdict.places import place_promises
from sdc.verdict.shown import shown_of

PROMISED = ("nothing-known", "at-least-one", "last-round", "singleton")
SUM = (Link(total="all", parts=("men", "women")),)
MALAWI = {"format": "csv", "missing": ["NULL", "NaT", "NaN", "nan"], "multiples_broken_rows_allowed": 18}


def extract(path: Path, component: str, number: int, layout: dict, folder: Path) -> Table:
    """One extract, typed."""
    import yaml

    entry = {"component": component, "round": number, "path": str(path), "layout": layout}
    (folder / "params.yaml").write_text(yaml.safe_dump({"extracts": {"one": entry}}))
    dictionary = read_dictionary(Path(__file__).parents[2] / "dictionary" / f"{component}.yaml")
    return ingest(path, read_extract(folder / "params.yaml", "one"), dictionary)[0]


@pytest.fixture(scope="module", params=["site_assessment", "mobility_tracking", "mobility_tracking_malawi"])
def places(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, repo: Path) -> tuple[Table, str]:
    """Rows of places: a sample of one round, one of two rounds, a real file."""
    component, folder = request.param, tmp_path_factory.mktemp("raw")
    if component == "mobility_tracking_malawi":
        shared = request.getfixturevalue("shared")
        shutil.copyfile(shared / "data" / "dtm" / "iom_dtm_malawi_survey.csv", folder / "malawi.csv")
        return extract(folder / "malawi.csv", component, 5, MALAWI, folder), component
    write_samples(folder, scale=0.2)
    rounds = []
    for name in (
        ("site_assessment_r01",) if component == "site_assessment" else (f"{component}_r01", f"{component}_r02")
    ):
        entry = read_extract(repo / "params.yaml", name)
        dictionary = read_dictionary(repo / "dictionary" / f"{component}.yaml")
        rounds.append(ingest(folder / entry.path.name, entry, dictionary)[0])
    found = stack(rounds)
    first = sorted(found.rows["m0303_meta_adm1_pcode"].unique())[:2]
    return found.with_rows(found.rows[found.rows["m0303_meta_adm1_pcode"].isin(first)]), component


def released(before: Table, component: str, repo: Path, **rules: Any) -> tuple[Table, dict]:
    """Compiled, applied and judged under the restricted policy with some rules changed."""
    content = read_policy(repo / "policies" / "restricted.yaml").for_component(component).model_dump(mode="json")
    content = {name: value for name, value in content.items() if name != "components"}
    for name, value in rules.items():
        content[name] = {**content[name], "value": value, "breach": "stop"}
    dictionary: Dictionary = read_dictionary(repo / "dictionary" / f"{component}.yaml")
    rounds = tuple(sorted(int(number) for number in before.rows["round"].unique()))
    order = Request.model_construct(
        id="REQ-2026-900", title="t", component=component, country="ZZZ", rounds=rounds, variables="all",
        policy="restricted", importance={}, languages=("en",), version="1.0.0",
    )  # fmt: skip
    brief = Brief(dictionary, Policy.model_validate(content), order)
    steps = compile_plan(before, brief)
    after, ledger = apply(steps, before, b"secret of a test")
    return after, judge(Case(before, after, *brief), {"entries": ledger}, dropped_because(steps, before))


@pytest.mark.slow
@pytest.mark.parametrize("way", ["band", "merge"])
def test_small_sites_in_bands_or_merged_end_to_end(places: tuple[Table, str], repo: Path, way: str) -> None:
    """Nothing is recoverable by the intruders who are promised, and every promise that stops is kept."""
    before, component = places
    more = {"minimum_count": 30} if (component, way) == ("site_assessment", "merge") else {}  # its sites are large
    after, verdict = released(before, component, repo, small_sites=way, **more)
    broken = [one["name"] for one in verdict["checks"] if not one["passed"] and one["breach"] == "stop"]
    assert broken == []
    assert verdict["cells"]["guarded"] > 0
    assert [verdict["cells"]["recoverable"][name] for name in PROMISED] == [0, 0, 0, 0]
    if way == "merge":
        assert after.rows["round"].notna().all()
        assert after.rows[MERGED.name].max() > 1
    sensitive = {v.name: v.sensitive_codes for v in before.variables if v.sensitive_codes}
    for name, codes in sensitive.items():
        gone = before.rows[before.rows[name].isin(codes)]
        assert len(gone)
        named = " + ".join(after.rows["m0445_loc_site_id_ssid"].dropna().astype(str)).split(" + ")
        assert not set(gone["m0445_loc_site_id_ssid"].astype(str)) & set(named)


@pytest.mark.slow
def test_coordinates_moved_end_to_end(places: tuple[Table, str], repo: Path) -> None:
    """As far as the policy asks, inside admin 2, the same in a request for one round and in one for all."""
    before, component = places
    after, verdict = released(before, component, repo, coordinate_displacement=[2, 5], coordinate_decimals=3)
    found = {one["name"]: one for one in verdict["checks"] if one["name"].startswith("displacement")}
    assert {name: one["observed"] for name, one in found.items()} == dict.fromkeys(
        ("displacement", "displacement_most", "displacement_area"), 0
    )
    assert not [one["name"] for one in verdict["checks"] if not one["passed"] and one["breach"] == "stop"]
    assert after.rows["_m1650_loc_gps_coords_latitude"].notna().mean() > 0.8


MOVED = {"latitude": "latitude", "longitude": "longitude", "place": "site", "seed": 7, "distances": {"*": [2, 5]}}


def test_a_place_moves_only_to_where_its_own_area_is_nearest() -> None:
    """Two areas meet at 20 degrees east; a lone place between others finds no spot and is not shown."""
    rng = np.random.default_rng(1)
    east = np.where(np.arange(200) % 2, 1, -1) * rng.uniform(0.005, 0.3, 200)
    rows = [
        ("A", "A1" if x < 0 else "A2", f"s{i}", 60, float(rng.uniform(9.7, 10.3)), 20 + x) for i, x in enumerate(east)
    ]
    before = table("adm1 adm2 site all latitude longitude", *rows)
    after = displace_coordinates(before, **MOVED, area="adm2")
    free = displace_coordinates(before, **MOVED)
    wrong = [
        check(place_promises(case(before, moved, coordinate_displacement=[2, 5], coordinate_decimals=6)), name).observed
        for moved in (free, after)
        for name in ("displacement_area", "displacement")
    ]
    assert wrong[0] > 0
    assert wrong[1:] == [0, 0, 0]
    ring = [(10 + 0.009 * np.sin(t), 20 + 0.009 * np.cos(t)) for t in np.linspace(0, 6.2, 40)]
    rows = [("A", "A2", f"r{i}", 60, *at) for i, at in enumerate(ring)]
    closed = table("adm1 adm2 site all latitude longitude", ("A", "A1", "lone", 60, 10.0, 20.0), *rows)
    assert displace_coordinates(closed, **MOVED, area="adm2").rows["latitude"].isna()[0]


def merged(*rows: tuple) -> Table:
    """A file of merged rows, whose row numbers are given first."""
    shown = table("adm1 site all men women", *(row[1:6] for row in rows), links=SUM)
    frame = shown.rows.set_index(pd.Index([row[0] for row in rows])).assign(**{MERGED.name: [row[6] for row in rows]})
    return Table(frame, (*shown.variables, Variable(name=MERGED.name, type=Type.INTEGER, role=Role.OTHER)), SUM)


MERGEABLE = table(
    "adm1 site all men women",
    ("A", "s1", 4, 1, 3), ("A", "s2", 90, 40, 50), ("A", None, 6, 3, 3), ("A", None, 70, 30, 40),
    ("B", "s1", 50, 20, 30),
    links=SUM,
)  # fmt: skip


def test_each_place_is_found_in_the_row_that_names_it_or_has_room_for_it() -> None:
    after = merged((1, "A", "s1 + s2", 100, 44, 56, 3), (3, "A", None, 70, 30, 40, 1), (4, "B", "s1", 50, 20, 30, 1))
    found = behind(case(MERGEABLE, after))
    assert found is not None
    assert found.of_record.tolist() == [0, 0, 0, 1, 2]
    assert found.truth["all"].tolist() == [100, 70, 50]
    assert judged(MERGEABLE, after).cells["guarded"] == 0


@pytest.mark.parametrize(
    "rows",
    [
        ((1, "A", "s1 + s2", 100, 44, 56, 3), (3, "A", None, 70, 30, 40, 1)),  # a place is missing
        ((0, "A", "s1", 74, 31, 43, 2), (1, "A", "s2", 96, 43, 53, 2), (4, "B", "s1", 50, 20, 30, 1)),  # who is where?
        ((1, "A", "s1 + s2 + s9", 100, 44, 56, 3), (3, "A", None, 70, 30, 40, 1), (4, "B", "s1", 50, 20, 30, 1)),
        ((9, "A", "s1 + s2", 100, 44, 56, 3), (3, "A", None, 70, 30, 40, 1), (4, "B", "s1", 50, 20, 30, 1)),
    ],
)
def test_rows_of_places_that_cannot_be_told_fail(rows: tuple) -> None:
    assert behind(case(MERGEABLE, merged(*rows))) is None
    assert not check(judged(MERGEABLE, merged(*rows)), "recoverable").passed


def test_a_place_without_a_name_is_no_place_named_by_a_number() -> None:
    before = table("adm1 site all", ("A", None, 4), ("A", "0", 60), ("A", None, 5), ("A", "s", 80))
    after = merge_sites(before, "site", ["adm1"], "all", 10)
    assert after.rows[MERGED.name].sum() == 4
    found = behind(case(before, after))
    assert found is not None
    assert len(np.unique(found.of_record[[0, 2]])) == 1


def test_a_gap_that_a_row_does_not_tell_of_is_no_gap_of_the_sum() -> None:
    """Departures were not asked of the second site: the sum over both is what the first one had."""
    before = table("adm1 site all gone", ("A", "s1", 4, 7), ("A", "s2", 60, None))
    after = merge_sites(before, "site", ["adm1"], "all", 10)
    assert after.rows[["all", "gone"]].to_numpy().tolist() == [[64, 7]]


def test_a_sensitive_site_joins_no_other() -> None:
    before = table("adm1 site kind all", ("A", "s1", "shelter", 4), ("A", "s2", "camp", 60), ("A", "s3", "camp", 5))
    after = merge_sites(before, "site", ["adm1"], "all", 10, rounds="round", sensitive_sites={"kind": ["shelter"]})
    assert set(after.rows["site"]) == {"s1", "s2 + s3"}


def test_the_only_place_behind_a_sum_knows_it_and_solves_its_neighbour() -> None:
    """The sum over A is known: the only place of A1 subtracts itself and has the few men of A2, whatever rows hide."""
    before = table(
        "adm1 adm2 site all men women",
        ("A", "A1", "s1", 60, 20, 40), ("A", "A2", "s2", 40, 2, 38), ("A", "A2", "s3", 45, 1, 44),
        links=SUM,
    )  # fmt: skip
    shown = table(
        "adm1 adm2 all men women rows_aggregated", ("A", "A1", 60, None, None, 1), ("A", "A2", 85, None, None, 2)
    )
    after = Table(shown.rows, shown.variables, SUM)
    two = table(
        "adm1 adm2 site all men women",
        ("A", "A1", "s1", 30, 10, 20), ("A", "A1", "s4", 30, 10, 20),
        ("A", "A2", "s2", 40, 2, 38), ("A", "A2", "s3", 45, 1, 44),
        links=SUM,
    )  # fmt: skip
    for truth, places, sole in ((before, [1, 2], 1), (two, [2, 2], 0)):
        file = case(truth, after.with_rows(after.rows.assign(rows_aggregated=places)))
        found = behind(file)
        assert found is not None
        areas = [number for _, number in area_numbers(file, found, file.policy.margins.value)]
        cells = cells_of(found.truth, SUM, np.ones(3, dtype=bool), areas)
        shown = shown_of(file, found, cells, broken_rules(file, found), None)
        filled = [sorted(cells.labels["column"].to_numpy()[group]) for group in shown.alone]
        assert filled == [[0, 1, 2]] * sole
        assert (learns(shown, "at-least-one").given_away, learns(shown, "singleton").given_away) == (0, sole)


def test_a_place_alone_behind_a_sum_finds_no_neighbour_once_its_own_count_is_known() -> None:
    """A1 is one place: it subtracts itself from the sum over A and has A2, until a third area is hidden."""
    places = (("A1", "s1", 8), ("A2", "s2", 2), ("A2", "s3", 3), ("A3", "s4", 30), ("A3", "s5", 40), ("A4", "s6", 300))
    before = table("adm1 adm2 site all", *(("A", *place) for place in places))
    summed = aggregate_counts(before, ["adm1", "adm2"])
    assert summed.alone is not None
    assert summed.alone["all"].tolist() == [0, -1, -1, 5]
    for known, hidden in (("unknown", [True, True, False, False]), ("known", [True, True, True, False])):
        after = suppress_counts(summed, ["all"], 10, margins=[["adm1"], []], own_count=known)
        assert after.rows["all"].isna().tolist() == hidden
        found = judged(before, after, minimum_count=10, own_count=known).cells["recoverable"]
        assert (found["at-least-one"], found["singleton"]) == (0, 1 if known == "unknown" else 0)


def test_two_small_areas_with_a_sum_of_two_small_ones_need_a_third_once_it_is_known_that_they_are_small() -> None:
    """Nine and nine: eighteen can be nothing else, for whoever knows that both are below ten."""
    before = table("adm1 site all", ("A", "s1", 9), ("A", "s2", 9), ("A", "s3", 50), ("A", "s4", 80))
    for known, hidden in (("unknown", [True, True, False, False]), ("known", [True, True, True, False])):
        after = suppress_counts(before, ["all"], 10, margins=[["adm1"], []], which_primary=known)
        assert after.rows["all"].isna().tolist() == hidden
        found = judged(before, after, minimum_count=10, which_primary=known).cells["recoverable"]
        assert found["knows-primary"] == (2 if known == "unknown" else 0)


def test_a_person_alone_in_a_band_finds_no_neighbour() -> None:
    """1, 9 and 19 men: the last two stand at the ends of their bands, so the one man knows them from the sum."""
    before = table("adm1 site men", ("A", "s1", 1), ("A", "s2", 9), ("A", "s3", 19), ("B", "s4", 40))
    limits = {"minimum_count": 10, "count_bands": [10, 20], "small_sites": "band"}
    for known, hidden in (("unknown", 0), ("known", 1)):
        after = band_counts(before, ["men"], [10, 20], minimum=10, margins=[["adm1"], []], own_count=known)
        found = judged(before, after, **limits, own_count=known).cells["recoverable"]
        assert (int(after.rows["men"].isna().sum()), found["singleton"]) == (hidden, 1 - hidden)


def test_bands_that_several_sums_fix_together_are_hidden() -> None:
    """Neither sum alone fixes a count; the row and the area together do, and the cheapest band goes."""
    before = table("adm1 site all men women", ("A", "s1", 11, 1, 10), ("A", "s2", 30, 10, 20), links=SUM)
    after = band_counts(before, ["all", "men", "women"], [10, 20], margins=[["adm1"]])
    assert after.rows.isna().to_numpy().sum() > 0
    assert [
        judged(before, after, count_bands=[10, 20], minimum_count=10).cells["recoverable"][n] for n in PROMISED
    ] == [0] * 4


def test_the_share_of_hidden_counts_is_told_where_it_passes_the_limit() -> None:
    before = table("adm1 site all", ("A", "s1", 3), ("A", "s2", 50), ("A", "s3", 60), ("A", "s4", 70))
    rows = before.rows.copy()
    rows.loc[[0, 1], "all"] = pd.NA
    found = check(judged(before, before.with_rows(rows), max_suppressed_counts=0.4), "max_suppressed_counts")
    assert (found.observed, found.limit, found.passed, found.breach) == (0.5, 0.4, False, "stop")
    found = check(judged(before, before.with_rows(rows), max_suppressed_counts=0.5), "max_suppressed_counts")
    assert found.passed
