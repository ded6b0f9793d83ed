"""An intruder with solvers of their own: hidden counts from all that is shown, and a package of another table."""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from scipy.optimize import linprog

from release_samples import SECRET, places
from sdc.dictionary import Geography, Link, Role, Type, Variable
from sdc.errors import IntegrityError
from sdc.release.package import build_next
from sdc.release.sameness import require_judged_data
from sdc.release.verify import verify
from sdc.steps import suppress_counts
from sdc.table import Table
from sdc.verdict.records import tied_members

COUNTS = ["total", "men", "women", "children"]
AREAS = (["adm1", "adm2"], ["adm1"])
LINK = (Link(total="total", parts=("men", "women", "children")),)


def two_rounds(n: int, seed: int) -> Table:
    """Places in two rounds; most counts did not change, many are small."""
    rng = np.random.default_rng(seed)
    adm2 = rng.integers(0, 8, n)
    parts = rng.geometric(0.12, (n, 3)) - 1
    moved = np.where(rng.random((n, 3)) < 0.2, rng.integers(0, 4, (n, 3)), 0)
    frames = []
    for number, counts in ((1, parts), (2, parts + moved)):
        frame = pd.DataFrame(counts, columns=COUNTS[1:])
        frame.insert(0, "total", frame.sum(axis=1))
        place = {"adm1": adm2 // 4, "adm2": adm2, "site": np.arange(n)}
        named = {name: [f"{name}-{value}" for value in values] for name, values in place.items()}
        frames.append(pd.DataFrame(named).join(frame.astype("Int64")).assign(round=number))
    rows = pd.concat(frames, ignore_index=True).astype(dict.fromkeys(("adm1", "adm2", "site"), "string"))
    where = {"adm1": Geography.ADMIN1, "adm2": Geography.ADMIN2, "site": Geography.SITE}
    variables = [
        Variable(name=name, type=Type.CODE, role=Role.KEY, open_codes=True, geography=level)
        for name, level in where.items()
    ]
    variables += [Variable(name=name, type=Type.INTEGER, role=Role.COUNT, unit="persons") for name in COUNTS]
    variables.append(Variable(name="round", type=Type.INTEGER, role=Role.OTHER))
    rows["round"] = rows["round"].astype("Int64")
    return Table(rows[[variable.name for variable in variables]], tuple(variables), LINK)


def solved(truth: pd.DataFrame, shown: pd.DataFrame, *, unchanged: bool) -> set[tuple[int, str]]:
    """Hidden counts that one whole number alone fits: identities, sums over areas, and what the other round shows."""
    hidden = [(row, name) for name in COUNTS for row in shown.index[shown[name].isna()]]
    at = {cell: place for place, cell in enumerate(hidden)}
    known = shown[COUNTS].astype("float64")
    if unchanged:  # a count of another round stands in for one that did not change
        half = len(truth) // 2
        for row, name in hidden:
            other = row + half if row < half else row - half
            if truth.loc[row, name] == truth.loc[other, name] and pd.notna(shown.loc[other, name]):
                known.loc[row, name] = float(shown.loc[other, name])
    equations, sums = [], []

    def equation(cells: list[tuple[int, str, float]], value: float) -> None:
        line = np.zeros(len(hidden))
        for row, name, sign in cells:
            seen = known.loc[row, name]
            if np.isnan(seen):
                line[at[row, name]] += sign
            else:
                value -= sign * seen
        if line.any():
            equations.append(line)
            sums.append(value)

    for row in shown.index:
        equation([(row, "total", 1.0), *((row, part, -1.0) for part in COUNTS[1:])], 0.0)
    for area in AREAS:
        for _, group in truth.groupby([*area, "round"]):
            for name in COUNTS:
                equation([(row, name, 1.0) for row in group.index], float(group[name].sum()))
    found = {cell for cell in hidden if not np.isnan(known.loc[cell])}
    bounds = [(1.0, None)] * len(hidden)
    for cell, place in at.items():
        if cell in found:
            continue
        cost = np.zeros(len(hidden))
        cost[place] = 1.0
        ends = [linprog(way * cost, A_eq=np.array(equations), b_eq=sums, bounds=bounds) for way in (1.0, -1.0)]
        if ends[1].status == 3:  # unbounded
            continue
        assert all(end.status == 0 for end in ends), "the truth is a solution, so there is one"
        if np.floor(-ends[1].fun + 1e-6) - np.ceil(ends[0].fun - 1e-6) < 1:
            found.add(cell)
    return found


def hide(table: Table, **rules: Any) -> pd.DataFrame:
    margins = {"margins": AREAS, "rounds": "round", "place": ["site"], **rules}
    return suppress_counts(table, COUNTS, 5, **margins).rows


@pytest.mark.parametrize("seed", [11, 12])
def test_no_small_count_is_solved_but_those_that_the_sums_alone_tell(seed):
    table = two_rounds(24, seed)
    truth = table.rows
    small = {(r, c) for c in COUNTS for r in truth.index if 0 < truth.loc[r, c] < 5}
    everything = truth.copy()
    for name in COUNTS:
        everything[name] = truth[name].where(truth[name] == 0)
    told_by_sums = solved(truth, everything, unchanged=False)
    shown = hide(table)
    for unchanged in (False, True):
        assert solved(truth, shown, unchanged=unchanged) & small <= told_by_sums
    assert len(told_by_sums & small) < len(small) / 4, "the sums tell so much that the test would prove nothing"


def test_the_intruder_does_solve_counts_that_are_hidden_alone():
    table = two_rounds(24, 11)
    alone = hide(table, secondary="none")
    assert len(solved(table.rows, alone, unchanged=False)) > 20


@pytest.fixture
def candidate(tmp_path) -> tuple[dict[str, Any], Path]:
    given = places()
    return given, build_next(tmp_path / "candidates", store=tmp_path / "releases", **given)


def test_a_package_is_the_table_that_was_judged(candidate):
    given, package = candidate
    require_judged_data(package, given["table"], given["request"], SECRET)
    assert [path.name for path in package.parent.iterdir()] == [package.name], "nothing is left behind"


def test_a_whole_package_of_another_table_is_refused(candidate, tmp_path):
    given, _ = candidate
    rows = given["table"].rows.copy()
    name = next(name for name in given["table"].names(Role.COUNT) if rows[name].isna().any())
    rows[name] = rows[name].fillna(99)
    forged = build_next(
        tmp_path / "forged", store=tmp_path / "releases", **{**given, "table": given["table"].with_rows(rows)}
    )
    verify(forged, candidate=True)  # its hashes and promises fit
    with pytest.raises(IntegrityError, match="not the table that was judged"):
        require_judged_data(forged, given["table"], given["request"], SECRET)


def test_members_are_counted_whom_their_common_answers_group():
    home = Variable(name="home", type=Type.CODE, role=Role.HOUSEHOLD, open_codes=True)
    area, fled, sex = (
        Variable(name=name, type=Type.CODE, role=role, open_codes=True)
        for name, role in (("area", Role.KEY), ("fled", Role.SENSITIVE), ("sex", Role.KEY))
    )
    rows = pd.DataFrame(
        {
            "home": ["a", "a", "a", "b", "b", "c", "c", "d"],
            "area": ["n", "n", "n", "n", "n", "n", "n", "s"],
            "fled": ["war", "war", "war", "flood", "flood", "flood", "flood", "war"],
            "sex": ["f", "m", "f", "f", "m", "m", "f", "f"],
        },
        dtype="string",
    )
    before = Table(rows, (home, area, fled, sex))
    after = Table(rows[["area", "fled", "sex"]].iloc[::-1], (area, fled, sex))
    assert tied_members(before, after, 2) == (1, 3)  # `a`; `b` and `c` answered alike, `d` is one person
    assert tied_members(before, after, 3) == (3, 7)  # `b` would know `c`
    assert tied_members(before, before, 3) == (0, 0)  # the number is there: nothing is asked of the answers
    assert tied_members(after, after, 3) == (0, 0)
