"""The expert's bench: what its commands answer, what they write, and what they refuse."""

import json
import os
from itertools import product
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from typer.testing import CliRunner

from sdc.bench import tables
from sdc.bench.sheets import read_sheet
from sdc.cells.perturbed import audit_box, rounding_box
from sdc.cells.spanning import parse_by
from sdc.cli import app
from sdc.errors import DataError, DisclosureError, PolicyError, SdcError

CANARY = "kanarienvogel"
RISK = {
    "records", "classes", "violations", "expected_reidentifications", "global_risk", "max_individual_risk",
    "expected_household_reidentifications", "suda", "diversity",
}  # fmt: skip
SUPPRESS = {"suppressed", "suppressed_total", "violations_after", "cpu_seconds"}
RECODE = {"score", "levels", "suppressed", "classes", "cpu_seconds"}
CELLS = {"cells", "primary", "secondary", "suppressed_sum", "recoverable", "narrowest_interval", "cpu_seconds"}


def said(*words: object, error: type[SdcError] | None = None) -> dict:
    """What a command answers in JSON, and nothing else on standard output; or its refusal, without a traceback."""
    result = CliRunner().invoke(app, [str(word) for word in words] + ["--json"])
    if error is not None:
        assert type(result.exception) is error, result.output
        assert CANARY not in str(result.exception)
        assert result.stdout == ""
        return {"error": str(result.exception)}
    assert result.exit_code == 0, (result.output, result.exception)
    return json.loads(result.stdout)


def told(*words: object) -> str:
    """What a command tells a person."""
    result = CliRunner(env={"COLUMNS": "200"}).invoke(app, [str(word) for word in words])
    assert result.exit_code == 0, result.output
    return result.stdout


@pytest.fixture
def survey(tmp_path) -> Path:
    """Two hundred people, a rare few among them, with a weight, a household and a cause."""
    draw = np.random.default_rng(5)
    n = 200
    frame = pd.DataFrame(
        {
            "area": draw.choice(["01", "1", "02", "10"], n, p=[0.4, 0.3, 0.2, 0.1]),
            "sex": draw.choice(["f", "m"], n),
            "age": draw.integers(0, 12, n),
            "cause": draw.choice(["flood", "drought", "conflict"], n, p=[0.6, 0.3, 0.1]),
            "w": draw.integers(5, 50, n) / 2,
            "hh": np.repeat(np.arange(50), 4),
            "note": [f'said "{i}", twice; and left ' for i in range(n)],
        }
    )
    frame.loc[draw.choice(n, 10, replace=False), "age"] = None
    frame["age"] = frame["age"].astype("Int64")
    path = tmp_path / "survey.csv"
    frame.to_csv(path, index=False)
    return path


@pytest.fixture
def idps(tmp_path) -> Path:
    """Counts by two levels of area, sex and age: some small, some empty."""
    draw = np.random.default_rng(3)
    rows = [
        (f"A{i // 3}", f"A{i // 3}{i % 3}", sex, age, int(draw.gamma(0.8, 15)))
        for i, sex, age in product(range(12), "fm", ("0-4", "5-17", "18+"))
    ]
    path = tmp_path / "idps.csv"
    pd.DataFrame(rows, columns=["adm1", "adm2", "sex", "age", "freq"]).to_csv(path, index=False)
    return path


# risk


def test_risk_of_a_file_that_can_be_counted_by_hand(tmp_path):
    """Three alike, two alike, one alone; the one alone is alone by area, and in a household with one of the three."""
    path = tmp_path / "six.csv"
    path.write_text("area;sex;hh\nn;f;1\nn;f;2\nn;f;3\nn;m;4\nn;m;5\ns;m;1\n")
    found = said("risk", path, "--keys", "area,sex", "--household", "hh")
    assert found.keys() >= RISK
    assert (found["records"], found["classes"]) == (6, 3)
    assert found["violations"] == {"2": 1, "3": 3, "5": 6, "10": 6}
    assert found["expected_reidentifications"] == pytest.approx(3.0)
    assert found["global_risk"] == pytest.approx(0.5)
    assert found["max_individual_risk"] == 1.0
    assert found["expected_household_reidentifications"] == pytest.approx(1 + 1 + 1 / 3 * 2 + 1)
    assert found["suda"]["minimal_uniques"] == {"1": 1, "2": 0}
    assert found["suda"]["contributions"] == {"area": 1.0, "sex": 0.0}


def test_the_answer_is_the_same_from_every_kind_of_file(survey):
    frame = pd.read_csv(survey, dtype=str, keep_default_na=False)
    options = ("--keys", "area,sex,age", "--weight", "w", "--household", "hh", "--sensitive", "cause")
    answers = []
    for name, separator in (("a.csv", ","), ("b.csv", ";"), ("c.csv", "\t"), ("d.csv", "|")):
        frame.to_csv(survey.with_name(name), sep=separator, index=False)
        answers.append(said("risk", survey.with_name(name), *options))
    frame.to_csv(survey.with_name("e.csv"), index=False, encoding="utf-8-sig", lineterminator="\r\n")
    answers.append(said("risk", survey.with_name("e.csv"), *options))
    frame.to_csv(survey.with_name("f.csv"), sep="~", index=False, encoding="utf-16")
    answers.append(said("risk", survey.with_name("f.csv"), *options, "--separator", "~", "--encoding", "utf-16"))
    frame.to_parquet(survey.with_name("g.parquet"))
    answers.append(said("risk", survey.with_name("g.parquet"), *options))
    typed = frame.replace("", None).astype({"age": "float64", "w": "float64", "hh": "int32", "sex": "category"})
    typed.to_parquet(survey.with_name("h.parquet"))
    answers.append(said("risk", survey.with_name("h.parquet"), *options))
    frame.assign(age=frame["age"].replace("", "NA")).to_csv(survey.with_name("i.csv"), index=False)
    answers.append(said("risk", survey.with_name("i.csv"), *options, "--na", "NA"))
    for answer in answers:
        answer.pop("cpu_seconds"), answer.pop("cpu_seconds_parts")
        assert answer == answers[0]
    assert answers[0]["classes"] > 20
    assert answers[0]["diversity"]["cause"]["values"] == 3


def test_codes_stay_codes_and_numbers_sort_as_numbers(tmp_path):
    path = tmp_path / "codes.csv"
    path.write_text("plain,zeros,words\n10,01,b\n9,1,a\n-2,, a\n10,1,b \n")
    rows = read_sheet(path).codes()
    assert rows["plain"].dtype.kind == "i"
    assert rows["plain"].tolist() == [10, 9, -2, 10]
    assert list(rows["zeros"].cat.categories) == ["01", "1"]
    assert rows["zeros"].isna().tolist() == [False, False, True, False]
    assert list(rows["words"].cat.categories) == ["a", "b"]


def test_names_and_files_that_are_awkward(tmp_path):
    path, out = tmp_path / "awkward.csv", tmp_path / "out.csv"
    path.write_bytes(b'\xef\xbb\xbf"a;\nb";"say ""c"""\r\nx;1\r\nx;1\r\ny;1\r\n')
    assert said("risk", path, "--keys", "a;\nb")["violations"]["2"] == 1
    said("suppress", path, "--keys", 'say "c",a;\nb', "-k", 2, "--out", out)
    again = read_sheet(out)
    assert again.columns.column_names == ["a;\nb", 'say "c"']
    assert said("risk", out, "--keys", 'say "c",a;\nb')["violations"]["2"] == 0
    path.write_text("one\n1\n\n1\n\n2\n")
    found = said("suppress", path, "--keys", "one", "-k", 2, "--out", out)
    assert found["records"] == said("risk", out, "--keys", "one")["records"] == 5


def test_a_row_of_hashtags_is_no_record(survey, tmp_path):
    lines = survey.read_text().split("\n", 1)
    tagged, out = tmp_path / "tagged.csv", tmp_path / "out.csv"
    tagged.write_text(f"{lines[0]}\n#adm1+code,#sex,#age,,#weight,,\n{lines[1]}")
    plain = said("suppress", survey, "--keys", "area,sex,age", "-k", 3)
    found = said("suppress", tagged, "--keys", "area,sex,age", "-k", 3, "--out", out)
    assert found["suppressed"] == plain["suppressed"]
    assert found["records"] == plain["records"]
    assert out.read_text().split("\n")[1] == "#adm1+code,#sex,#age,,#weight,,"


def test_the_reading_of_missing_values_and_alpha_change_the_answer(survey):
    options = ("risk", survey, "--keys", "area,sex,age")
    wildcard, category = said(*options), said(*options, "--missing", "category")
    none = said(*options, "--alpha", 0)
    assert wildcard["violations"]["3"] < none["violations"]["3"]
    assert wildcard["violations"]["3"] < category["violations"]["3"]
    assert said(*options, "--no-suda")["suda"] is None


def test_a_person_is_told_what_the_figures_say(survey):
    text = told("risk", survey, "--keys", "area,sex,age", "--sensitive", "cause", "--household", "hh")
    assert "violations, k = 3" in text
    assert "persons in a household of which somebody is found" in text
    assert "the promise" in told("suppress", survey, "--keys", "area,sex,age", "-k", 3)


# suppress


def test_suppression_is_written_counted_and_judged(survey, tmp_path):
    out = tmp_path / "out.csv"
    found = said("suppress", survey, "--keys", "area,sex,age", "-k", 3, "--out", out)
    assert found.keys() >= SUPPRESS
    before, after = (pd.read_csv(path, dtype=str, keep_default_na=False) for path in (survey, out))
    changed = before != after
    assert changed.sum()[["area", "sex", "age"]].to_dict() == found["suppressed"]
    assert changed.to_numpy().sum() == found["suppressed_total"] > 0
    assert (after.to_numpy()[changed.to_numpy()] == "").all()
    assert not changed[["cause", "w", "hh", "note"]].any(axis=None)
    assert found["violations_after"]["2"] == found["violations_after"]["3"] == 0
    assert said("risk", out, "--keys", "area,sex,age")["violations"] == found["violations_after"]
    category = said("risk", out, "--keys", "area,sex,age", "--missing", "category")["violations"]
    assert category == found["violations_after_category"]


def test_suppression_does_not_depend_on_the_order_of_records_nor_on_the_format(survey, tmp_path):
    rows = pd.read_csv(survey, dtype=str, keep_default_na=False)
    shuffled, first, second = (tmp_path / name for name in ("shuffled.parquet", "first.parquet", "second.csv"))
    rows.sample(frac=1, random_state=1).to_parquet(shuffled)
    options = ("--keys", "area,sex,age", "-k", 4, "--out")
    one, two = said("suppress", survey, *options, first), said("suppress", shuffled, *options, second)
    assert one["suppressed"] == two["suppressed"]
    left = pd.read_parquet(first).fillna("").sort_values("note", ignore_index=True)
    right = pd.read_csv(second, dtype=str, keep_default_na=False).sort_values("note", ignore_index=True)
    assert left.astype(str).equals(right[left.columns].astype(str))


def test_the_category_reading_leaves_nobody_alone_in_it(survey):
    found = said("suppress", survey, "--keys", "area,sex,age", "-k", 3, "--missing", "category")
    assert found["violations_after"]["3"] == found["violations_after_category"]["3"] == 0


def test_importance_moves_suppression_away(survey):
    keys = ("--keys", "area,sex,age", "-k", 3)
    plain = said("suppress", survey, *keys)["suppressed"]
    dear = said("suppress", survey, *keys, "--importance", "age=9, area=1")["suppressed"]
    whole = said("suppress", survey, *keys, "--importance", "age=inf")
    assert dear["age"] < plain["age"]
    assert whole["suppressed"]["age"] == 0
    assert whole["violations_after"]["3"] == 0
    said("suppress", survey, *keys, "--importance", "note=2", error=DataError)


def test_strata_households_subsets_and_diversity(survey, tmp_path):
    inside = said("suppress", survey, "--keys", "sex,age", "-k", 3, "--strata", "area")["within_strata"]
    assert inside == {"strata": 4, "smaller_than_k": 0, "violations": 0}
    out = tmp_path / "out.csv"
    said(
        "suppress",
        survey,
        "--keys",
        "area,sex",
        "-k",
        12,
        "--household",
        "hh",
        "--household-keys",
        "area",
        "--out",
        out,
    )
    gone = pd.read_csv(out, dtype=str)["area"].isna().groupby(pd.read_csv(out)["hh"]).agg(["any", "all"])
    assert (gone["any"] == gone["all"]).all()
    pairs = said("suppress", survey, "--keys", "area,sex,age", "-k", 3, "--subsets", "2", "--out", out)
    assert pairs["suppressed_total"] < said("suppress", survey, "--keys", "area,sex,age", "-k", 3)["suppressed_total"]
    for pair in ("area,sex", "area,age", "sex,age"):
        assert said("risk", out, "--keys", pair)["violations"]["3"] == 0
    said("suppress", survey, "--keys", "area,age", "-k", 2, "--sensitive", "cause", "--ell", 2, "--out", out)
    diversity = said("risk", out, "--keys", "area,age", "--sensitive", "cause")["diversity"]["cause"]
    assert (diversity["wildcard"] or diversity)["violations"]["2"] == 0


def test_the_exact_answer_is_never_worse(tmp_path):
    path = tmp_path / "small.csv"
    draw = np.random.default_rng(2)
    pd.DataFrame({"a": draw.integers(0, 4, 30), "b": draw.integers(0, 4, 30)}).to_csv(path, index=False)
    options = ("suppress", path, "--keys", "a,b", "-k", 2)
    assert said(*options, "--exact")["suppressed_total"] <= said(*options)["suppressed_total"]


def test_the_original_is_never_overwritten(survey, tmp_path):
    before = survey.read_bytes()
    link = tmp_path / "link.csv"
    link.symlink_to(survey)
    hard = tmp_path / "hard.csv"
    os.link(survey, hard)
    for out in (survey, link, hard, tmp_path / "out.xlsx"):
        said("suppress", survey, "--keys", "area", "-k", 3, "--out", out, error=DataError)
    assert survey.read_bytes() == before


# recode


@pytest.fixture
def ladders(tmp_path) -> Path:
    """Hierarchies as ARX writes them."""
    folder = tmp_path / "ladders"
    folder.mkdir()
    (folder / "my_hierarchy_area.csv").write_text("01;north;*\n1;north;*\n02;south;*\n10;south;*\n")
    (folder / "sex.csv").write_text("f;*\nm;*\n")
    (folder / "age.csv").write_text("".join(f"{age};{age // 4 * 4}-{age // 4 * 4 + 3};*\n" for age in range(12)))
    return folder


def test_recoding_that_can_be_computed_by_hand(tmp_path):
    """Four leaves, two a label: at level 1 a loss of (2/4 - 1/4) / (1 - 1/4), and of the other key none."""
    path, folder = tmp_path / "eight.csv", tmp_path / "ladders"
    folder.mkdir()
    path.write_text("x,y\n" + "\n".join(f"{x},{y}" for x, y in product("abcd", "uv")) + "\n")
    (folder / "x.csv").write_text("a;ab;*\nb;ab;*\nc;cd;*\nd;cd;*\n")
    (folder / "y.csv").write_text("u;*\nv;*\n")
    found = said("recode", path, "--keys", "x,y", "--hierarchies", folder, "-k", 2)
    assert found.keys() >= RECODE
    assert found["levels"] == {"x": 1, "y": 0}
    assert found["score"] == pytest.approx((1 + 1 / 3) ** 0.5 - 1)
    assert (found["suppressed"], found["classes"], found["optimal"]) == (0, 4, True)


def test_recoding_is_written_and_keeps_its_limit(survey, ladders, tmp_path):
    rows = pd.read_csv(survey, dtype=str).dropna(subset=["age"])
    rows.to_csv(survey, index=False)
    out = tmp_path / "out.csv"
    options = ("recode", survey, "--keys", "area,sex,age", "--hierarchies", ladders, "-k", 4)
    free = said(*options, "--limit", 0.1, "--out", out)
    assert 0 < free["suppressed"] <= 0.1 * len(rows)
    assert free["violations_after"]["3"] == 0
    after = pd.read_csv(out, dtype=str)
    kept = after[["area", "sex", "age"]].dropna(how="all")
    assert len(rows) - len(kept) == free["suppressed"]
    assert kept.groupby(["area", "sex", "age"]).ngroups == free["classes"]
    assert kept.groupby(["area", "sex", "age"]).size().min() >= 4
    assert after[["cause", "note"]].equals(rows[["cause", "note"]].reset_index(drop=True))
    none = said(*options)
    assert none["suppressed"] == 0
    assert none["score"] > free["score"]
    diverse = said(*options, "--limit", 0.1, "--sensitive", "cause", "--ell", 2)
    assert diverse["score"] >= free["score"]


def test_hierarchies_that_do_not_fit_are_refused(survey, ladders):
    options = ("recode", survey, "--keys", "area,sex", "--hierarchies", ladders, "-k", 3)
    (ladders / "sex.csv").write_text("f;*\n")
    assert "hold a value outside" in said(*options, error=DataError)["error"]
    (ladders / "sex.csv").write_text(f"f;*\nm;{CANARY};*\n")
    said(*options, error=DataError)
    (ladders / "other_hierarchy_sex.csv").write_text("f;*\nm;*\n")
    assert "2 files" in said(*options, error=DataError)["error"]
    (ladders / "sex.csv").unlink()
    said(*options)
    (ladders / "other_hierarchy_sex.csv").unlink()
    said(*options, error=DataError)
    said(*options, "--ell", 2, error=PolicyError)


# cells

BY = ("--by", "adm1>adm2,sex,age", "--count", "freq")
RULE = ("--minimum-count", 5)


def test_a_table_is_protected_written_and_audited(idps, tmp_path):
    out = tmp_path / "out.csv"
    found = said("cells", idps, *BY, *RULE, "--out", out)
    assert found.keys() >= CELLS
    table = pd.read_csv(out, dtype={"freq": "Int64"})
    assert len(table) == found["cells"] == (1 + 4 + 12) * 3 * 4
    assert table["suppressed"].sum() == found["primary"] + found["secondary"]
    assert not table["freq"].between(1, 4).any()
    assert (table["freq"].isna() == (table["suppressed"] == 1)).all()
    rows = pd.read_csv(idps)
    assert found["primary"] >= rows["freq"].between(1, 4).sum() > 5
    assert found["secondary"] > 0
    assert found["recoverable"] == {"at-least-one": 0}
    assert found["narrowest_interval"] >= 1
    assert (
        table.loc[(table[["adm1", "adm2", "sex", "age"]] == "Total").all(axis=1), "freq"].item() == rows["freq"].sum()
    )
    audited = said("cells", "audit", out, *BY, "--suppressed", "suppressed", "--intruder", "all")
    assert audited.keys() >= CELLS
    assert audited["primary"] == found["primary"] + found["secondary"]
    assert set(audited["recoverable"]) == {"nothing-known", "at-least-one"}


def test_hiding_the_small_counts_alone_hides_nothing(idps, tmp_path):
    """Every inner count comes back from the totals; those below totals that are small themselves are shown there."""
    rows = pd.read_csv(idps)
    path = tmp_path / "naive.csv"
    rows.assign(hidden=rows["freq"].between(1, 4).map({True: "yes", False: "no"})).to_csv(path, index=False)
    found = said("cells", "audit", path, *BY, "--suppressed", "hidden")
    assert found["primary"] == rows["freq"].between(1, 4).sum()
    assert found["recoverable"]["at-least-one"] > 0.5 * found["primary"]
    assert found["narrowest_interval"] == 0


def test_an_audit_needs_no_counts_behind_the_suppressed(idps, tmp_path):
    """The same pattern, with the true counts and without: the same cells come back."""
    cells = tables.registered(tables.count_table(pd.read_csv(idps), parse_by(BY[1]), "freq", None))
    table = tables.count_table(pd.read_csv(idps), parse_by(BY[1]), "freq", None)
    rows = tables.released(cells, table, cells.counts, np.zeros(len(cells), dtype=bool))
    draw = np.random.default_rng(1)
    rows["suppressed"] = ((draw.random(len(rows)) < 0.6) & (rows["freq"] > 0)).astype(int)
    known, unknown = tmp_path / "known.csv", tmp_path / "unknown.csv"
    rows.to_csv(known, index=False)
    rows.assign(freq=rows["freq"].mask(rows["suppressed"] == 1)).to_csv(unknown, index=False)
    options = (*BY, "--suppressed", "suppressed", "--intruder", "nothing-known,at-least-one")
    first, second = said("cells", "audit", known, *options), said("cells", "audit", unknown, *options)
    assert first["recoverable"] == second["recoverable"]
    assert 0 < first["recoverable"]["nothing-known"] <= first["recoverable"]["at-least-one"] < first["primary"]
    assert second["suppressed_sum"] is None
    said("cells", "audit", unknown, *options[:-1], "knows-primary", error=PolicyError)
    said("cells", "audit", known, *options[:-1], "knows-primary", "--minimum-count", 5)


def test_every_intruder_that_is_asked_for_is_withstood(idps):
    found = said("cells", idps, *BY, *RULE, "--intruder", "all")
    assert found["recoverable"] == dict.fromkeys(("nothing-known", "at-least-one", "knows-primary", "singleton"), 0)
    weak = said("cells", idps, *BY, *RULE, "--intruder", "nothing-known")
    assert weak["suppressed_sum"] <= found["suppressed_sum"]
    both = said("cells", idps, *BY, *RULE, "--intruder", "nothing-known", "--both-sides")
    assert both["narrowest_interval"] >= 2
    said("cells", idps, *BY, *RULE, "--intruder", "spy", error=PolicyError)
    said("cells", idps, *BY, *RULE, "--intruder", "last-round", error=PolicyError)


def test_cells_published_last_round_and_unchanged_are_no_secondary(idps, tmp_path):
    first = tmp_path / "first.csv"
    said("cells", idps, *BY, *RULE, "--out", first)
    rows = pd.read_csv(idps)
    at = np.flatnonzero(rows["freq"].between(5, 12))[:4]
    rows.loc[at, "freq"] = 3
    rows.to_csv(tmp_path / "next.csv", index=False)
    second = tmp_path / "second.csv"
    found = said(
        "cells", tmp_path / "next.csv", *BY, *RULE, "--intruder", "last-round", "--last", first, "--out", second
    )
    assert found["recoverable"] == {"last-round": 0}
    both = pd.read_csv(first).merge(pd.read_csv(second), on=["adm1", "adm2", "sex", "age"], suffixes=("", "_now"))
    truth = tables.registered(tables.count_table(rows, parse_by(BY[1]), "freq", None))
    whole = tables.released(
        truth, tables.count_table(rows, parse_by(BY[1]), "freq", None), truth.counts, np.zeros(len(truth), bool)
    )
    both = both.merge(whole.drop(columns="suppressed"), on=["adm1", "adm2", "sex", "age"], suffixes=("", "_true"))
    shown_before = (both["freq"] == both["freq_true"]) & (both["suppressed"] == 0)
    assert shown_before.any()
    assert not (shown_before & (both["suppressed_now"] == 1)).any()


@pytest.mark.parametrize("method", ["controlled", "small-count", "cell-key"])
def test_methods_that_move_counts_protect_them(idps, tmp_path, method):
    secret = tmp_path / "secret"
    secret.write_bytes(b"0123456789abcdef0123456789abcdef")
    out, again = tmp_path / "out.csv", tmp_path / "again.csv"
    options = ("cells", idps, *BY, *RULE, "--method", method, "--secret", secret, "--out")
    found = said(*options, out)
    assert found.keys() >= CELLS
    assert (found["secondary"], found["suppressed_sum"]) == (0, 0)
    assert found["recoverable"] == {"knows-method": 0}
    assert found["narrowest_interval"] >= 1
    said(*options, again)
    assert out.read_bytes() == again.read_bytes()
    table = pd.read_csv(out)
    wide = table.set_index(["adm1", "adm2", "sex", "age"])["freq"]
    inner = table[(table[["adm2", "sex", "age"]] != "Total").all(axis=1)]
    if method == "cell-key":
        assert found["largest_change"] <= 5
    else:
        assert wide["Total", "Total", "Total", "Total"] == inner["freq"].sum()
        assert not table["freq"].between(1, 4).any()
    if method == "controlled":
        assert (table["freq"] % 5 == 0).all()


def test_the_audit_of_a_rounded_table_is_what_trying_all_tables_gives():
    """Two by two: all true tables that the rounded one could come from, and what they leave certain."""
    rows = pd.DataFrame({"a": list("xxyy"), "b": list("uvuv"), "n": [1, 2, 6, 4]})
    cells = tables.registered(tables.count_table(rows, parse_by("a,b"), "n", None))
    shown, reach = tables.changed_counts(cells, "controlled", base=3, noise=None)
    lower, upper = rounding_box(shown, reach)
    assert (shown % 3 == 0).all()
    primary = (cells.counts > 0) & (cells.counts < 3)
    leaves = np.flatnonzero(cells.labels.notna().all(axis=1))
    sums = cells.members.toarray()[:, [int(cells.members[[leaf]].indices[0]) for leaf in leaves]]
    ranges = [range(int(lower[leaf]), int(upper[leaf]) + 1) for leaf in leaves]
    possible = np.array([sums @ inner for inner in product(*ranges)])
    possible = possible[((possible >= lower) & (possible <= upper)).all(axis=1)]
    width = possible.max(axis=0) - possible.min(axis=0)
    found = audit_box(cells, lower, upper, primary, name="all tables")
    assert found.recoverable == (width[primary] == 0).sum() == 0
    assert found.narrowest == width[primary].min()
    tight = cells.counts.astype(float)
    assert audit_box(cells, tight, tight, primary, name="no noise").recoverable == primary.sum()


def test_given_totals_are_used_when_they_are_said_to_be_some_and_refused_otherwise(idps, tmp_path):
    whole = tmp_path / "whole.csv"
    table = tables.count_table(pd.read_csv(idps), parse_by(BY[1]), "freq", None)
    cells = tables.registered(table)
    rows = tables.released(cells, table, cells.counts, None)
    rows.to_csv(whole, index=False)
    inner, given = said("cells", idps, *BY, *RULE), said("cells", whole, *BY, *RULE, "--total", "Total")
    for field in ("cells", "primary", "secondary", "suppressed_sum", "recoverable"):
        assert given[field] == inner[field]
    assert "counted twice" in said("cells", whole, *BY, *RULE, error=DataError)["error"]
    rows.loc[0, "freq"] += 1
    rows.to_csv(whole, index=False)
    assert "sums are off" in said("cells", whole, *BY, *RULE, "--total", "Total", error=DataError)["error"]


def test_records_are_counted_where_no_count_is_named(survey):
    found = said("cells", survey, "--by", "area,sex,cause", "--minimum-count", 3)
    rows = pd.read_csv(survey, dtype=str)
    names = [
        [name for name in ("area", "sex", "cause") if name in chosen] for chosen in _subsets("area", "sex", "cause")
    ]
    assert found["cells"] == sum(len(rows[kept].drop_duplicates()) if kept else 1 for kept in names)
    assert found["recoverable"] == {"at-least-one": 0}


def _subsets(*names):
    return [{name for name, kept in zip(names, flags, strict=True) if kept} for flags in product((0, 1), repeat=3)]


def test_options_may_stand_before_the_file(idps):
    found = said("cells", *BY, *RULE, idps)
    assert found["cells"] == 204
    assert "recoverable: at-least-one" in told("cells", idps, *BY, *RULE)


@pytest.mark.parametrize("counts", ["all primary", "none", "one row", "all empty"])
def test_tables_at_the_edge(idps, counts):
    rows = pd.read_csv(idps)
    rows["freq"] = {"all primary": 1, "none": 100, "all empty": 0, "one row": 3}[counts]
    rows = rows.iloc[:1] if counts == "one row" else rows
    rows.to_csv(idps, index=False)
    found = said("cells", idps, *BY, *RULE)
    assert found["recoverable"] == {"at-least-one": 0}
    assert (found["primary"] == 0) == (counts in ("none", "all empty"))
    if counts == "one row":  # one cell, in print at 12 places and hidden at all of them
        assert (found["cells"], found["distinct_cells"], found["primary"]) == (12, 1, 12)
    if counts != "all primary":
        assert (found["secondary"], found["narrowest_interval"]) == (0, None)


def test_what_cannot_be_protected_names_the_variable_to_coarsen_and_says_that_it_is_proved(tmp_path):
    """Four persons, one of each age, known to be below the minimum: one table alone is left. Rounding still works."""
    ages = ["g1", "g2", "g3", "g4"]
    rows = pd.DataFrame({"area": ["A"] * 4 + ["B"] * 4, "age": ages * 2, "freq": [1] * 4 + [50] * 4})
    rows.to_csv(tmp_path / "few.csv", index=False)
    words = ("cells", tmp_path / "few.csv", "--by", "area,age", "--count", "freq", *RULE)
    refusal = said(*words, "--intruder", "knows-primary", error=DisclosureError)["error"]
    assert "5 cells cannot be protected, whatever else is suppressed (that is proved" in refusal
    assert "Coarsen `age`, or round this table" in refusal
    rows.assign(age=rows["age"].replace({"g2": "g1", "g4": "g3"})).to_csv(tmp_path / "few.csv", index=False)
    assert said(*words, "--intruder", "knows-primary")["recoverable"] == {"knows-primary": 0}


@pytest.mark.parametrize(
    ("words", "error"),
    [
        (("--by", "adm2>adm1,sex", "--count", "freq"), DataError),
        (("--by", "adm1>adm1", "--count", "freq"), PolicyError),
        (("--by", "freq,sex", "--count", "freq"), PolicyError),
    ],
)
def test_a_mistyped_by_is_refused(idps, words, error):
    said("cells", idps, *words, *RULE, error=error)


def test_a_table_with_holes_is_not_protected_again(idps, tmp_path):
    out = tmp_path / "out.csv"
    said("cells", idps, *BY, *RULE, "--out", out)
    refusal = said("cells", out, *BY, *RULE, "--total", "Total", error=DataError)["error"]
    assert "sdc cells audit" in refusal
    said("cells", "audit", out, *BY, "--suppressed", "sex", error=PolicyError)


def test_last_round_is_withstood_where_its_file_is_given(idps, tmp_path):
    out = tmp_path / "out.csv"
    said("cells", idps, *BY, *RULE, "--out", out)
    found = said("cells", idps, *BY, *RULE, "--last", out)["recoverable"]
    assert found == {"at-least-one": 0, "last-round": 0}


def test_both_sides_and_zeros_ask_for_what_room_there_is(idps):
    """A count of 0 or 1 has none below. Three up and three down is proved to be too much for one of 1 at least."""
    for more in ((), ("--zeros",)):
        assert said("cells", idps, *BY, *RULE, "--both-sides", *more)["recoverable"] == {"at-least-one": 0}
    far = said("cells", idps, *BY, *RULE, "--both-sides", "--move", 3, "--intruder", "nothing-known")
    assert far["recoverable"] == {"nothing-known": 0}
    refused = said("cells", idps, *BY, *RULE, "--both-sides", "--move", 3, error=DisclosureError)["error"]
    assert "1 cells cannot be protected" in refused
    assert "that is proved" in refused


@pytest.mark.slow
def test_more_than_a_hundred_thousand_cells(tmp_path):
    """6,000 areas in 120 of the first level, by sex and age: protected and audited in well under two minutes."""
    rng = np.random.default_rng(1)
    adm1, pop = np.sort(rng.integers(0, 120, 6_000)), rng.lognormal(5.5, 1.6, 6_000)
    share = rng.dirichlet(np.array([0.03, 0.14, 0.36, 0.41, 0.06]) * 60, 6_000)
    area, sex, age = np.indices((6_000, 2, 5)).reshape(3, -1)
    rows = pd.DataFrame({"adm1": adm1[area], "adm2": area, "sex": sex, "age": age})
    rows["freq"] = rng.poisson(pop[area] / 2 * share[area, age])
    rows.to_csv(tmp_path / "large.csv", index=False)
    found = said("cells", tmp_path / "large.csv", *BY, *RULE)
    assert found["cells"] == (1 + rows["adm1"].nunique() + 6_000) * 3 * 6 > 100_000
    assert found["primary"] > 10_000
    assert (found["recoverable"], found["audit_finished"]) == ({"at-least-one": 0}, True)
    assert found["cpu_seconds"] < 120


# refusals


def test_no_refusal_holds_a_value_of_the_file(survey, idps, tmp_path):
    bad = tmp_path / "bad.csv"
    keys = ("--keys", "a,b")
    bad.write_text(f"a,b,w\n1,2,{CANARY}\n")
    said("risk", bad, *keys, "--weight", "w", error=DataError)
    said("cells", bad, "--by", "a,b", "--count", "w", "--minimum-count", 3, error=DataError)
    said("risk", bad, "--keys", "a,c", error=DataError)
    said("risk", bad, "--keys", "a,B", error=DataError)
    said("risk", bad, "--keys", "a,,b", error=PolicyError)
    said("risk", bad, "--keys", "a,a", error=PolicyError)
    bad.write_text(f"a,b\n1,2\n3,4,{CANARY}\n")
    said("risk", bad, *keys, error=DataError)
    bad.write_text(f"a,b,a\n1,2,{CANARY}\n")
    said("risk", bad, *keys, error=DataError)
    bad.write_text("a,b\n")
    said("risk", bad, *keys, error=DataError)
    bad.write_text("")
    said("risk", bad, *keys, error=DataError)
    bad.write_bytes(b"a,b\n1,\xff" + CANARY.encode() + b"\n")
    said("risk", bad, *keys, error=DataError)
    bad.write_bytes(b"PAR1" + CANARY.encode())
    said("risk", bad, *keys, error=DataError)
    bad.write_bytes(b"PK\x03\x04\x00" + CANARY.encode())
    said("risk", bad, *keys, error=DataError)
    said("risk", tmp_path / "absent.csv", *keys, error=DataError)
    said("risk", tmp_path, *keys, error=DataError)
    said("suppress", survey, "--keys", "area", "-k", 500, error=DisclosureError)
    said("suppress", survey, "--keys", "area,sex", "-k", 3, "--strata", "sex", error=PolicyError)
    rows = pd.read_csv(idps).assign(hidden=0, freq=pd.NA)
    rows.to_csv(bad, index=False)
    said("cells", "audit", bad, *BY, "--suppressed", "hidden", error=DataError)
    said("cells", "audit", idps, *BY, "--suppressed", "adm3", error=DataError)


def test_each_command_of_the_bench_is_documented(repo):
    text = (repo / "docs" / "reference" / "commands.md").read_text()
    for name in ("risk", "suppress", "recode", "cells", "cells audit"):
        assert f"## sdc {name}\n" in text, name
    for field in RISK | SUPPRESS | RECODE | CELLS:
        assert f"`{field}`" in text, field
