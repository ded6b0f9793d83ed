"""Tables of counts against GaussSuppression, sdcTable and proven optima: primary cells, bounds, secondary cells."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy.optimize import linprog

from sdc.cells.intruder import AT_LEAST_ONE, KNOWS_PRIMARY, NOTHING_KNOWN, audit, bounds, box
from sdc.cells.model import Cells, CountTable, additivity, find, register
from sdc.cells.rules import contributions, dominance, minimum_count, p_percent
from sdc.cells.spanning import parse_by
from sdc.engines.celloptimum import optimal_suppression
from sdc.engines.cellsuppression import suppress_cells
from sdc.engines.controlledrounding import controlled_rounding
from sdc.errors import DisclosureError

pytestmark = pytest.mark.shared

Z2 = "fylke>region|kostragr>region,hovedint"
# case: input, spanning variables, minimum count, zeros too, all margins published
GAUSS = {
    "gs_z1_maxN3": ("z1", "region,hovedint", 4, True, True),
    "gs_z1_maxN5_nz": ("z1", "region,hovedint", 6, False, True),
    "gs_z2_maxN3": ("z2", Z2, 4, True, True),
    "gs_z2_linked_formula": ("z2", Z2, 4, True, True),
    "gs_z2_maxN5_nz": ("z2", Z2, 6, False, True),
    "gs_d2_full_maxN5_nz": ("d2", "county>region|k_group>region,main_income", 6, False, True),
    "gs_z3_maxN5_nz": ("z3", "fylke>region|kostragr>region,hovedint,mnd2>mnd", 6, False, True),
    "gs_example1_maxN2": ("example1", "eu>geo,age,year", 3, True, True),
    "gs_example1_formula": ("example1", "eu>geo,age,year", 3, True, False),
    "gs_d2_maxN3": ("d2", "county>region|k_group>region,main_income", 4, True, False),
}


def _published(golden: pd.DataFrame, source: pd.DataFrame, by: str, count: str) -> pd.DataFrame:
    """The cells that a golden file lists, each label in the column of the source that knows it."""
    rows = pd.DataFrame(index=golden.index)
    for span in parse_by(by):
        label = next(column for column in span.columns if column in golden.columns)
        for column in span.columns:
            known = source[column].astype(str)
            rows[column] = golden[label].where(golden[label].isin(known))
            for above, below in reversed(span.steps):
                if below == column and above:
                    parents = source[[above, below]].astype(str).drop_duplicates().set_index(below)[above]
                    rows[above] = (
                        rows[above].fillna(rows[column].map(parents)) if above in rows else rows[column].map(parents)
                    )
    rows[count] = golden[count]
    return rows


def _case(shared: Path, name: str) -> tuple[Cells, np.ndarray, np.ndarray, dict]:
    """Cells of a golden case, its primary cells and suppressed cells, and what its file says."""
    source_name, by, _, _, whole = GAUSS[name]
    golden = json.loads((shared / "golden" / "tables" / f"{name}.json").read_text())
    table = pd.DataFrame(golden["table"])
    count = "ant" if "ant" in table else "freq"
    source = pd.read_csv(shared / "data" / "tables" / f"{source_name}.csv")
    rows = _published(table, source, by, count)
    spans = parse_by(by)
    if whole:
        cells = register([CountTable(source, spans, count)])
    else:
        cells = register([CountTable(rows, spans, count, margins=True)])
    at = find(cells, rows.drop(columns=count))
    assert (at >= 0).all()
    assert (cells.counts[at] == table[count]).all()
    primary, suppressed = (np.zeros(len(cells), dtype=bool) for _ in range(2))
    primary[at[table["primary"]]] = True
    suppressed[at[table["suppressed"]]] = True
    return cells, primary, suppressed, golden


@pytest.mark.parametrize("name", GAUSS)
def test_primary_cells_are_those_of_gausssuppression(shared: Path, name: str) -> None:
    _, _, k, zeros, _ = GAUSS[name]
    cells, primary, _, golden = _case(shared, name)
    assert cells.copies.sum() == golden["cells"]
    found = minimum_count(cells.counts, k, zeros=zeros) & cells.published
    assert (found == primary).all()
    assert cells.copies[found].sum() == golden["n_primary"]
    assert additivity(cells).holds


@pytest.mark.parametrize("name", GAUSS)
def test_the_bounds_of_every_golden_pattern_agree_with_another_solver(shared: Path, name: str) -> None:
    """Each suppressed cell, both ends, by scipy on the whole table without any of our shortcuts."""
    cells, primary, suppressed, _ = _case(shared, name)
    lower, upper = box(cells, suppressed, primary, NOTHING_KNOWN)
    asked = np.flatnonzero(primary & suppressed)[:25]
    wanted = np.zeros(len(cells), dtype=bool)
    wanted[asked] = True
    low, up = bounds(cells, lower, upper, wanted)
    ends = np.column_stack([lower, upper])
    matrix, rest = cells.identities, np.zeros(cells.identities.shape[0])
    for cell in asked:
        cost = np.zeros(len(cells))
        for sign, found in ((1, low[cell]), (-1, up[cell])):
            cost[cell] = sign
            answer = linprog(cost, A_eq=matrix, b_eq=rest, bounds=ends)
            expected = sign * answer.fun if answer.status == 0 else np.inf
            # whole counts sharpen our ends, never beyond the nearest whole number
            assert np.isinf(expected) == np.isinf(found)
            if np.isfinite(expected):
                assert sign * found >= sign * expected - 1e-6
                assert abs(found - expected) < 1


@pytest.mark.parametrize("name", GAUSS)
def test_secondary_cells_are_safe_and_no_dearer_than_gausssuppression(shared: Path, name: str) -> None:
    _, _, _, zeros, _ = GAUSS[name]
    cells, primary, _, golden = _case(shared, name)
    intruder = NOTHING_KNOWN if zeros else AT_LEAST_ONE
    found = suppress_cells(cells, primary, weight=cells.counts * cells.copies)
    assert audit(cells, found.suppressed, primary, intruder).passed
    assert (cells.counts * cells.copies)[found.secondary].sum() <= golden["sum_secondary"]


def test_the_attack_on_primary_cells_alone_is_exact(shared: Path) -> None:
    """sdcTable's test problem: one primary cell of 2, lower bound 2, upper bound 2."""
    attack = json.loads((shared / "golden" / "tables" / "sdct_testproblem_attack_primary_only.json").read_text())
    cells, primary, _ = _test_problem(shared, "sdct_testproblem_OPT")
    low, up = bounds(cells, *box(cells, primary, primary, NOTHING_KNOWN), primary)
    assert cells.counts[primary].tolist() == [attack[0]["freq"]]
    assert (low[primary].tolist(), up[primary].tolist()) == ([attack[0]["low"]], [attack[0]["up"]])
    assert audit(cells, primary, primary, NOTHING_KNOWN).recoverable == 1


def _test_problem(shared: Path, name: str) -> tuple[Cells, np.ndarray, np.ndarray]:
    """sdcTable's microdata1 by region and gender: cells, primary (u) and all suppressed (u, x)."""
    table = pd.DataFrame(json.loads((shared / "golden" / "tables" / f"{name}.json").read_text())["table"])
    records = pd.read_csv(shared / "data" / "tables" / "microdata1.csv")
    cells = register([CountTable(records, parse_by("region,gender"))])
    at = find(cells, table[["region", "gender"]].replace("total", None))
    assert (cells.counts[at] == table["Freq"]).all()
    primary, suppressed = (np.zeros(len(cells), dtype=bool) for _ in range(2))
    primary[at[table["sdcStatus"] == "u"]] = True
    suppressed[at[table["sdcStatus"].isin(["u", "x"])]] = True
    return cells, primary, suppressed


@pytest.mark.parametrize("rule", ["rule_freq_10", "rule_nk_1_60", "rule_nk_2_75", "rule_p_30", "rule_pq_30_60"])
def test_primary_rules_agree_with_sdctable(shared: Path, rule: str) -> None:
    cells, primary, suppressed = _test_problem(shared, f"sdct_{rule}")
    records = pd.read_csv(shared / "data" / "tables" / "microdata1.csv")
    shares = contributions(cells, records["val"].to_numpy())
    found = {
        "rule_freq_10": lambda: minimum_count(cells.counts, 11),
        "rule_nk_1_60": lambda: dominance(shares, 1, 60),
        "rule_nk_2_75": lambda: dominance(shares, 2, 75),
        "rule_p_30": lambda: p_percent(shares, 30),
        "rule_pq_30_60": lambda: p_percent(shares, 30, 60),
    }[rule]()
    assert (found == primary).all()
    ours = suppress_cells(cells, primary, lower=np.zeros(len(cells)))
    assert audit(cells, ours.suppressed, primary, NOTHING_KNOWN).passed
    assert cells.counts[ours.secondary].sum() <= cells.counts[suppressed & ~primary].sum()


METHODS = ["OPT", "HITAS", "HYPERCUBE", "SIMPLEHEURISTIC", "SIMPLEHEURISTIC_OLD", "GAUSS"]


@pytest.mark.parametrize("method", METHODS)
def test_patterns_of_sdctable_pass_the_audit_and_ours_is_the_optimum(shared: Path, method: str) -> None:
    """Optimum: 3 secondary cells, sum 40."""
    cells, primary, suppressed = _test_problem(shared, f"sdct_testproblem_{method}")
    assert audit(cells, suppressed, primary, NOTHING_KNOWN).passed
    ours = suppress_cells(cells, primary, lower=np.zeros(len(cells)))
    assert audit(cells, ours.suppressed, primary, NOTHING_KNOWN).passed
    assert (ours.secondary.sum(), cells.counts[ours.secondary].sum()) == (3, 40)


def test_every_golden_case_is_reproduced_here(shared: Path) -> None:
    known = {*GAUSS, *(f"sdct_testproblem_{method}" for method in METHODS), "sdct_testproblem_attack_primary_only"}
    known |= {f"sdct_rule_{rule}" for rule in ("freq_10", "nk_1_60", "nk_2_75", "p_30", "pq_30_60")}
    assert {path.stem for path in (shared / "golden" / "tables").glob("*.json")} == known


@pytest.mark.parametrize("name", ["T05", "T2"])
@pytest.mark.parametrize("amount", [2, 5])
def test_wide_intervals_are_given_where_they_are_asked_for(shared: Path, name: str, amount: int) -> None:
    """Every primary cell can move up and down by the amount, or either way: the judge finds intervals that wide."""
    cells, primary = _synthetic(shared, name)
    nothing = np.zeros(len(cells))
    wide = suppress_cells(cells, primary, lower=nothing, upper=None, amount=amount)
    assert audit(cells, wide.suppressed, primary, NOTHING_KNOWN, need=amount).passed
    narrow = suppress_cells(cells, primary, lower=nothing)
    assert cells.counts[wide.secondary].sum() >= cells.counts[narrow.secondary].sum()
    low, up = bounds(cells, *box(cells, wide.suppressed, primary, NOTHING_KNOWN), primary)
    truth = cells.counts
    assert np.maximum(truth - low, up - truth)[primary].min() >= amount - 1e-6


def test_who_knows_which_cells_are_small_solves_an_area_of_four_whatever_is_hidden(shared: Path) -> None:
    """T15 holds an area of 4 persons with no room in it: 10 of its cells cannot be protected, which is proven here."""
    cells, primary = _synthetic(shared, "T15")
    everything = cells.counts > 0
    alone = audit(cells, everything, primary, KNOWS_PRIMARY, minimum_count=5)
    assert alone.finished
    assert alone.recoverable == 10
    lower, upper = box(cells, everything, primary, KNOWS_PRIMARY, minimum_count=5)
    with pytest.raises(DisclosureError, match="10 cells cannot be protected") as refusal:
        suppress_cells(cells, primary, lower=lower, upper=upper)
    assert "that is proved" in str(refusal.value)
    assert "Coarsen `sex`" in str(refusal.value)


@pytest.mark.parametrize(("name", "strict"), [("T2", True), ("T15", True), ("T3r", True)])
def test_controlled_rounding_adds_up_and_stays_within_the_base(shared: Path, name: str, strict: bool) -> None:
    cells, _ = _synthetic(shared, name)
    found = controlled_rounding(cells, 5)
    assert not (cells.identities @ found.counts).any()
    assert not (found.counts % 5).any()
    assert (found.steps == 0) == strict
    assert found.deviation < 5
    nearest = np.abs(5 * np.rint(cells.counts / 5) - cells.counts).sum()
    assert np.abs(found.counts - cells.counts).sum() <= 1.3 * nearest


def _synthetic(shared: Path, name: str) -> tuple[Cells, np.ndarray]:
    """A synthetic DTM baseline table and its cells of 1 to 4."""
    rows = pd.read_csv(shared / "data" / "tables" / f"{name}.csv")
    by = "adm1>adm2,sex,age" + (",reason" if "reason" in rows else "")
    cells = register([CountTable(rows, parse_by(by), "freq")])
    return cells, minimum_count(cells.counts, 5)


@pytest.mark.parametrize(("name", "optimum"), [("T05", 1204), ("T1", 2364), ("T2", 5370)])
def test_suppressed_sum_lies_within_5_per_cent_of_the_proven_optimum(shared: Path, name: str, optimum: int) -> None:
    """Each primary cell may go one up and one down, nothing known of a suppressed cell: proven by branch and cut."""
    cells, primary = _synthetic(shared, name)
    found = suppress_cells(cells, primary, lower=np.zeros(len(cells)), both=True)
    assert audit(cells, found.suppressed, primary, NOTHING_KNOWN, need=2).passed
    assert cells.counts[found.secondary].sum() <= 1.05 * optimum


@pytest.mark.parametrize(
    ("name", "optimum"),
    [("T05", 1204), ("T1", 2364), pytest.param("T2", 5370, marks=pytest.mark.slow)],
)
def test_branch_and_cut_finds_the_proven_optimum(shared: Path, name: str, optimum: int) -> None:
    cells, primary = _synthetic(shared, name)
    found = optimal_suppression(cells, primary, lower=np.zeros(len(cells)))
    assert found.proven
    assert cells.counts[found.secondary].sum() == optimum
    assert audit(cells, found.suppressed, primary, NOTHING_KNOWN, need=2).passed


# GaussSuppression 1.x, the same tables: secondary cells, their sum
PEER = [
    ("T5", 458, 6524),
    ("T15", 1254, 14548),
    ("T3r", 544, 9447),
    pytest.param("T26", 4092, 98982, marks=pytest.mark.slow),
]


@pytest.mark.parametrize(("name", "secondary", "total"), PEER)
def test_counts_of_at_least_1_cannot_be_recovered_at_no_more_than_the_peers_cost(
    shared: Path, name: str, secondary: int, total: int
) -> None:
    cells, primary = _synthetic(shared, name)
    found = suppress_cells(cells, primary)
    verdict = audit(cells, found.suppressed, primary, AT_LEAST_ONE)
    assert verdict.passed
    assert found.secondary.sum() <= secondary
    assert cells.counts[found.secondary].sum() <= total


@pytest.mark.parametrize(("name", "nothing", "at_least_one"), [("T2", 249, 257), ("T15", 1496, 1937)])
def test_primary_suppression_alone_gives_most_cells_away(
    shared: Path, name: str, nothing: int, at_least_one: int
) -> None:
    """Exact recoveries by an audit of another make."""
    cells, primary = _synthetic(shared, name)
    assert audit(cells, primary, primary, NOTHING_KNOWN).recoverable == nothing
    assert audit(cells, primary, primary, AT_LEAST_ONE).recoverable == at_least_one
