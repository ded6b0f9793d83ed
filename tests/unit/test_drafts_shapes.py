"""Shapes that missions send: totals at the end, repeats in sheets, labels, databases, lists, a second round."""

import sqlite3

import numpy as np
import pandas as pd
import pytest
from typer.testing import CliRunner

from sdc.cli import app
from sdc.dictionary import Geography, Role, Type, read_dictionary
from sdc.documents import parse_yaml
from sdc.drafts import draft
from sdc.errors import DataError, DictionaryError
from sdc.forms.proposals import propose, tokens
from sdc.ingest import Extract, ingest
from sdc.ingest.faulty import faulty_rows
from sdc.ingest.layout import Layout
from sdc.ingest.read import open_source
from sdc.pcodes import PlacesCheck

N = 60


def places(number=N):
    """Counts at places, of which the first two columns are filled in every row."""
    men, women = (np.arange(number) * 7) % 31 + 3, (np.arange(number) * 5) % 29 + 4
    return pd.DataFrame({
        "admin1": [f"ZZ{1 + place % 3:02}" for place in range(number)],
        "admin2": [f"ZZ{1 + place % 3:02}{1 + place % 2:02}" for place in range(number)],
        "num_men": men.astype(str), "num_women": women.astype(str), "num_total": (men + women).astype(str),
    })  # fmt: skip


def written(frame, path, *more):
    """A CSV with lines below its table."""
    path.write_text(frame.to_csv(index=False) + "".join(f"{line}\n" for line in more))
    return path


def ingested(path, made):
    return ingest(path, Extract(component="x", round=1, path=path, layout=made.layout), made.confirmed)


class TestRowsAtTheEnd:
    @pytest.mark.parametrize("label", ["Grand Total", "المجموع", "Total général", "Всього"])
    def test_a_total_is_no_record(self, tmp_path, label):
        frame = places()
        sums = [str(frame[name].astype(int).sum()) for name in ("num_men", "num_women", "num_total")]
        made = draft(written(frame, tmp_path / "x.csv", f"{label},,{','.join(sums)}"), component="x")
        assert (made.layout.skip_at_end, made.records) == (1, N)
        table, summary = ingested(tmp_path / "x.csv", made)
        assert (len(table), summary["rows_at_end"]) == (N, 1)
        assert table.rows["num_total"].sum() == int(sums[2])

    def test_a_total_without_the_word(self, tmp_path):
        frame = places()
        sums = [str(frame[name].astype(int).sum()) for name in ("num_men", "num_women", "num_total")]
        made = draft(written(frame, tmp_path / "x.csv", f",,{','.join(sums)}"), component="x")
        assert made.layout.skip_at_end == 1

    def test_footnotes(self, tmp_path):
        path = written(places(), tmp_path / "x.csv", "Source: the ministry,,,,", "* estimates,,,,")
        assert draft(path, component="x").layout.skip_at_end == 2

    def test_records_stay(self, tmp_path):
        assert draft(written(places(), tmp_path / "x.csv"), component="x").layout.skip_at_end == 0

    def test_a_total_as_full_as_a_record_is_told(self, tmp_path):
        made = draft(written(places(), tmp_path / "x.csv", "Total,all,999,999,1998"), component="x")
        assert made.layout.skip_at_end == 0
        assert any("take it out" in note for note in made.notes)

    def test_totals_within_the_table_are_told(self, tmp_path):
        frame = places()
        frame.loc[20, "admin2"] = "Subtotal"
        made = draft(written(frame, tmp_path / "x.csv"), component="x")
        assert any(note.startswith("1 rows call themselves totals") for note in made.notes)

    def test_a_record_is_never_left_out(self, tmp_path):
        path = written(places(), tmp_path / "x.csv")
        with pytest.raises(DataError, match="1 of the 1 rows that `skip_at_end` leaves out are as full as records"):
            open_source(path, Layout(format="csv", skip_at_end=1))
        with pytest.raises(DataError, match="holds no records above"):
            open_source(path, Layout(format="csv", skip_at_end=N))


class TestRepeats:
    @pytest.fixture
    def workbook(self, tmp_path):
        main = pd.DataFrame({
            "admin1": [f"ZZ{1 + place % 3:02}" for place in range(N)], "water": ["yes", "no"] * (N // 2),
            "weight": ["1.5"] * N, "_index": range(1, N + 1), "_uuid": [f"u{place}" for place in range(N)],
        })  # fmt: skip
        roster = pd.DataFrame({
            "sex": ["male", "female"] * N, "age": np.arange(2 * N) % 70, "_index": range(1, 2 * N + 1),
            "_parent_table_name": "main", "_parent_index": np.repeat(range(1, N + 1), 2),
        })  # fmt: skip
        visits = pd.DataFrame({
            "clinic": ["a", "b", "c"] * N, "_index": range(1, 3 * N + 1), "_parent_table_name": "roster",
            "_parent_index": np.arange(3 * N) % (2 * N) + 1,
        })  # fmt: skip
        path = tmp_path / "x.xlsx"
        with pd.ExcelWriter(path) as book:
            for sheet, frame in (("main", main), ("roster", roster), ("visits", visits)):
                frame.to_excel(book, sheet_name=sheet, index=False)
        return path

    def test_a_repeat_is_joined_to_its_parents(self, workbook):
        made = draft(workbook, component="x", sheet="roster")
        (repeat,) = made.layout.repeat
        assert (made.layout.sheet, repeat.sheet, repeat.parent, repeat.child) == (
            "main",
            "roster",
            "_index",
            "_parent_index",
        )
        assert repeat.columns == ("admin1", "weight")
        assert made.dictionary.by_name["_parent_index"].role == Role.HOUSEHOLD
        table, summary = ingested(workbook, made)
        assert (len(table), summary["households"]) == (2 * N, N)

    def test_a_repeat_in_a_repeat(self, workbook):
        made = draft(workbook, component="x", sheet="visits")
        assert [repeat.sheet for repeat in made.layout.repeat] == ["roster", "visits"]
        assert len(ingested(workbook, made)[0]) == 3 * N

    def test_the_main_sheet_names_them(self, workbook):
        made = draft(workbook, component="x")
        assert (made.records, made.layout.repeat) == (N, ())
        assert any("`roster`, `visits`" in note for note in made.notes)


def test_labels_with_blanks_between_labels_with_blanks(tmp_path):
    chosen = [("Food", "Drinking water"), ("Drinking water",), ("Food", "Health care"), ("Health care",)] * 15
    frame = pd.DataFrame({"place": [f"p{number % 5}" for number in range(N)], "Needs?": [" ".join(c) for c in chosen]})
    for label in ("Food", "Drinking water", "Health care"):
        frame[f"Needs?/{label}"] = [str(int(label in c)) for c in chosen]
    path = written(frame, tmp_path / "x.csv")
    made = draft(path, component="x")
    assert (made.layout.values, made.layout.multiples_broken_rows_allowed) == ("labels", 0)
    table, _ = ingested(path, made)
    assert set(table.rows["needs"]) == {"Food Drinking_water", "Drinking_water", "Food Health_care", "Health_care"}


def test_units_under_the_header_are_no_record(tmp_path):
    frame = places()
    lines = frame.to_csv(index=False).splitlines()
    (tmp_path / "x.csv").write_text("\n".join([lines[0], ",,persons,persons,persons", *lines[1:]]) + "\n")
    made = draft(tmp_path / "x.csv", component="x")
    assert (made.layout.skip_after_header, made.records) == (1, N)
    assert made.dictionary.by_name["num_men"].type == Type.INTEGER


def test_a_database_is_described_by_its_query(tmp_path, monkeypatch):
    with sqlite3.connect(tmp_path / "x.db") as database:
        places().to_sql("assessed", database, index=False)
    database.close()
    monkeypatch.setenv("THE_DATABASE", f"sqlite:///{tmp_path / 'x.db'}")
    (tmp_path / "x.sql").write_text("SELECT * FROM assessed")
    made = draft(tmp_path / "x.sql", component="x", url_from="THE_DATABASE")
    assert made.dictionary.by_name["num_total"].role == Role.COUNT
    assert len(ingested(tmp_path / "x.sql", made)[0]) == N
    with pytest.raises(DataError, match="--url-from"):
        draft(tmp_path / "x.db", component="x")


LIST = """Location,Admin Level,P-Code,Name,Parent P-Code
ZZZ,0,ZZZ,Zed,
ZZZ,1,ZZ01,One,ZZZ
ZZZ,1,ZZ02,Two,ZZZ
ZZZ,1,ZZ03,Three,ZZZ
""" + "".join(f"ZZZ,2,ZZ0{one}0{two},N{one}{two},ZZ0{one}\n" for one in (1, 2, 3) for two in (1, 2))


def test_the_official_list_tells_levels(tmp_path):
    (tmp_path / "list.csv").write_text(LIST)
    frame = places().rename(columns={"admin1": "here", "admin2": "there"})
    frame.loc[3, "there"] = "ZZ9999"
    made = draft(written(frame, tmp_path / "x.csv"), component="x", places_file=tmp_path / "list.csv")
    by_name = made.dictionary.by_name
    assert (by_name["here"].geography, by_name["there"].geography) == (Geography.ADMIN1, Geography.ADMIN2)
    assert made.places == PlacesCheck(
        file=tmp_path / "list.csv", country="ZZZ", columns=("here", "there"), unknown_rows_allowed=1
    )
    told = next(finding.what for finding in made.findings if finding.kind == "official list")
    assert "1 records with codes that it lacks" in told


def test_words_of_names():
    assert tokens("DoB") == ("dob",)
    assert tokens("siteID") == ("site", "id")
    assert tokens("# IDP HH") == ("num", "idp", "hh")
    assert propose("Кількість ВПО", type=Type.INTEGER, scope="loc").role == Role.COUNT
    assert propose("Personas", type=Type.INTEGER, scope="loc").role == Role.COUNT
    assert propose("Personas", type=Type.INTEGER, scope="ind").role == Role.OTHER
    assert propose("people per borehole", type=Type.INTEGER, scope="loc").role == Role.OTHER


def test_roles_of_a_registration(tmp_path):
    frame = pd.DataFrame({
        "Household ID": np.repeat([f"HH-{number:03}" for number in range(N // 3)], 3),
        "Sex (M/F)": ["M", "F"] * (N // 2),
        "DoB": [f"{1 + number % 28:02}-11-{1950 + number}" for number in range(N)],
        "Comments": ["came alone", "waits for kin", "came alone"] * (N // 3),
        "Bill": [str(7 * number + 13) for number in range(N)],
    })  # fmt: skip
    by_name = draft(written(frame, tmp_path / "x.csv"), component="x").dictionary.by_name
    assert (by_name["sex_m_f"].role, by_name["DoB"].role) == (Role.KEY, Role.IDENTIFIER)
    assert by_name["Comments"].type == Type.TEXT
    assert by_name["Bill"].role == Role.OTHER


class TestTheNextRound:
    @pytest.fixture
    def checkout(self, tmp_path):
        (tmp_path / "dictionary").mkdir()
        (tmp_path / "data" / "raw").mkdir(parents=True)
        (tmp_path / "params.yaml").write_text("extracts:\n\nrequests: {}\n")
        written(places(), tmp_path / "data" / "raw" / "camp_r1.csv")
        later = places().assign(num_elderly="4", school=["yes", "NaT"] * (N // 2))
        written(later, tmp_path / "data" / "raw" / "camp_r2.csv")
        self.run(tmp_path, "inspect", tmp_path / "data" / "raw" / "camp_r1.csv", "--write")
        self.run(tmp_path, "dictionary", "confirm", "camp", "--all")
        return tmp_path

    @staticmethod
    def run(root, *command):
        result = CliRunner().invoke(app, [*map(str, command), "--root", str(root)])
        assert result.exit_code == 0, (result.output, result.exception)
        return result.output

    def test_new_columns_are_added_and_nothing_else_changes(self, checkout):
        path = checkout / "dictionary" / "camp.yaml"
        before, text = read_dictionary(path), path.read_text()
        raw = checkout / "data" / "raw" / "camp_r2.csv"
        told = self.run(checkout, "inspect", raw, "--round", 2, "--write")
        assert "2 new entries" in told
        after = read_dictionary(path)
        assert after.variables[: len(before.variables)] == before.variables
        assert [v.name for v in after.unconfirmed] == ["num_elderly", "school"]
        assert all(line in path.read_text() for line in text.splitlines() if not line.startswith("version"))
        entry = parse_yaml((checkout / "params.yaml").read_text(), "params", DictionaryError)["extracts"]["camp_r02"]
        assert entry["layout"]["missing"] == ["NaT"]
        self.run(checkout, "dictionary", "confirm", "camp", "--all")
        table, _ = ingest(
            raw, Extract(path=raw, **{k: v for k, v in entry.items() if k != "path"}), read_dictionary(path)
        )
        assert len(table) == N

    def test_all_that_ingest_refuses_has_its_rows(self, checkout):
        (checkout / "list.csv").write_text(LIST)
        frame = places()
        frame.loc[3, "num_total"] = "9999"
        frame.loc[5, "num_men"] = "ten"
        frame.loc[7, "admin2"] = "ZZ0301"
        frame.loc[9, "admin1"] = "ZZ01 ZZ02"
        path = written(frame, checkout / "bad.csv")
        dictionary = read_dictionary(checkout / "dictionary" / "camp.yaml")
        places_open = [
            v.model_copy(update={"open_codes": True, "codes": {}}) if v.type == Type.CODE else v
            for v in dictionary.variables
        ]
        dictionary = dictionary.model_copy(update={"variables": tuple(places_open)})
        check = PlacesCheck(file=checkout / "list.csv", country="ZZZ")
        extract = Extract(component="camp", round=1, path=path, layout=Layout(format="csv"), places=check)
        frame, _ = open_source(path, extract.layout)
        found = {(one.column, one.what): list(one.records) for one in faulty_rows(frame, extract, dictionary, "x")}
        assert found == {
            ("num_men", "are not whole numbers in the form that the layout declares"): [6],
            ("num_total", "are not the sum of `num_men`, `num_women`"): [4],
            ("admin2", "lie outside their `admin1`"): [8],
            ("admin1", "hold several p-codes"): [10],
            ("admin1", "hold no p-code of admin 1"): [10],
        }
        with pytest.raises(DataError) as refusal:
            ingest(path, extract, dictionary)
        assert len(refusal.value.faults) == len(found)

    def test_choices_and_labels_have_their_rows(self, tmp_path):
        chosen = ["food", "food water", "water"] * 20
        frame = pd.DataFrame({"place": ["a", "b"] * 30, "needs": chosen})
        frame["needs/food"], frame["needs/water"] = (["1", "1", "0"] * 20, ["0", "1", "1"] * 20)
        made = draft(written(frame, tmp_path / "x.csv"), component="x")
        frame.loc[4, "needs/food"], frame.loc[6, "needs/water"] = "0", "maybe"
        extract = Extract(component="x", round=1, path=tmp_path / "x.csv", layout=made.layout)
        found = {(one.column, one.what): list(one.records) for one in faulty_rows(frame, extract, made.confirmed, "x")}
        assert found == {
            ("needs", "tell other choices than the 0/1 columns"): [5],
            ("needs/water", "hold neither 0 nor 1"): [7],
        }
        labelled = extract.model_copy(update={"layout": made.layout.model_copy(update={"values": "labels"})})
        closed = [
            v.model_copy(update={"open_codes": False, "codes": {"a": {"en": "A place"}}}) if v.name == "place" else v
            for v in made.confirmed.variables
        ]
        dictionary = made.confirmed.model_copy(update={"variables": tuple(closed)})
        frame["place"] = ["a place"] * 59 + ["elsewhere"]
        told = [(one.column, one.what, list(one.records)) for one in faulty_rows(frame, labelled, dictionary, "x")]
        assert ("place", "hold no label of its codes", [60]) in told
