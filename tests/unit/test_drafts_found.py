"""What real files of missions taught `sdc inspect`, each in a synthetic file of the same shape."""

import numpy as np
import pandas as pd
import pyreadstat
import pytest
import sqlalchemy as sa
from typer.testing import CliRunner

from sdc.cli import app
from sdc.dictionary import Confidence, Dictionary, Geography, Role, Type, Variable, parse_dictionary, read_dictionary
from sdc.documents import parse_yaml
from sdc.drafts import draft, extract_text
from sdc.errors import DataError, DictionaryError
from sdc.forms import yaml_text
from sdc.forms.proposals import propose
from sdc.ingest import Extract, ingest
from sdc.ingest.layout import Layout
from sdc.ingest.typed import distinct, typed

N = 60


def written(path, columns):
    pd.DataFrame(columns).to_csv(path, index=False)
    return path


def ingested(path, made):
    return ingest(path, Extract(component="x", round=1, path=path, layout=made.layout), made.confirmed)


@pytest.mark.parametrize("listed", [None, "support"])
def test_a_long_code_is_written_and_read_again(listed):
    code = "Work_on_the_shelter_such_as_" + "patching_of_the_roof_and_" * 6 + "the_floor"
    many = Variable(
        name="q", type=Type.CODES, role=Role.OTHER, list_name=listed, codes={code: {}, "none": {"en": "No"}}
    )
    made = Dictionary(component="x", version="1", title={"en": "X"}, unit="place", variables=(many,))
    assert parse_dictionary(yaml_text(made), "x") == made


def test_a_file_of_one_table_is_not_its_own_repeat(tmp_path):
    rows = {
        "_index": range(1, N + 1),
        "_parent_table_name": [""] * N,
        "_parent_index": [-1] * N,
        "water": ["yes", "no"] * 30,
    }
    made = draft(written(tmp_path / "x.csv", rows), component="x")
    assert not [note for note in made.notes if "repeat" in note]
    assert made.dictionary.by_name["_parent_index"].role != Role.HOUSEHOLD  # all of them have none


@pytest.mark.parametrize("name", ["HH_number_of_children", "hh_number_12-14y", "household number of rooms"])
def test_a_number_of_people_is_no_number_of_a_household(name):
    assert propose(name, type=Type.INTEGER, scope="hh").role not in (Role.HOUSEHOLD, Role.IDENTIFIER)
    assert propose("hh_number", type=Type.INTEGER, scope="hh").role == Role.HOUSEHOLD


def by_nationality():
    """Three nationalities at each of twenty places; names of areas tell levels, the code's name tells none."""
    place = np.repeat(np.arange(20), 3)
    return {
        "ADM 1 Part (EN)": [f"Part {number % 2}" for number in place],
        "ADM 3 Town (EN)": [f"Town {number // 2}" for number in place],
        "ADM 4 Quarter (EN)": [f"Quarter {number}" for number in place],
        "Quarter P Code": [f"ZZ{1 + number % 2:02}{number // 2:02}{number:02}" for number in place],
        "Migrant Nationality": ["ABC", "DEF", "GHI"] * 20,
        "Migrant Individuals": [str(5 + 7 * number % 41) for number in range(N)],
        "Lat": [f"{10 + number / 7:.5f}" for number in place],
        "Long": [f"{20 + number / 9:.5f}" for number in place],
    }  # fmt: skip


def test_a_table_of_counts_by_nationality(tmp_path):
    by_name = draft(written(tmp_path / "x.csv", by_nationality()), component="x").dictionary.by_name
    assert by_name["quarter_p_code"].geography == Geography.ADMIN4  # by the name of its quarter, not by its length
    assert by_name["migrant_nationality"].role == Role.KEY
    assert by_name["migrant_individuals"].role == Role.COUNT
    assert [by_name[name].geography for name in ("Lat", "Long")] == [Geography.POINT] * 2


def test_one_row_a_place_is_no_breakdown(tmp_path):
    rows = {name: cells[::3] for name, cells in by_nationality().items()}
    by_name = draft(written(tmp_path / "x.csv", rows), component="x").dictionary.by_name
    assert by_name["migrant_nationality"].role == Role.OTHER


def test_a_name_that_tells_its_level_keeps_it(tmp_path):
    rows = {
        "admin1_code": ["ZZ01", "ZZ02"] * 30, "admin2_code": ["ZZ0101", "ZZ0201"] * 30,
        "admin2_name": ["Upper", "Lower"] * 30, "population": [str(100 + number) for number in range(N)],
    }  # fmt: skip
    by_name = draft(written(tmp_path / "x.csv", rows), component="x").dictionary.by_name
    assert (by_name["admin2_name"].geography, by_name["admin2_name"].follows) == (Geography.ADMIN2, "admin2_code")


@pytest.mark.parametrize("name", ["In Need", "Targeted", "Hombres", "new_displacements", "beneficiaries"])
def test_words_for_people_counted(name):
    assert propose(name, type=Type.INTEGER, scope="loc").role == Role.COUNT


def test_a_column_of_iso_codes_names_countries():
    assert propose("ISO3", type=Type.CODE, scope="loc").geography == Geography.ADMIN0
    assert propose("Countries and areas", type=Type.CODE, scope="loc").geography == Geography.ADMIN0


def test_answers_that_are_sentences_and_recur_are_told(tmp_path):
    answers = [f"women of {age} who live on their own" for age in range(20, 32)]
    made = draft(written(tmp_path / "x.csv", {"who": answers * 20, "n": range(240)}), component="x")
    assert made.dictionary.by_name["who"].type == Type.TEXT
    assert "give it the type `code`" in made.columns["who"].notes[0]


def test_times_whose_zone_has_no_minutes(tmp_path):
    rows = {"start": [f"2024-05-06T{number % 24:02}:10:09.119+03" for number in range(N)], "water": ["yes", "no"] * 30}
    path = written(tmp_path / "x.csv", rows)
    made = draft(path, component="x")
    assert made.dictionary.by_name["start"].type == Type.DATE
    assert ingested(path, made)[0].rows["start"].notna().all()


def test_columns_whose_names_differ_by_signs_alone(tmp_path):
    rows = {"a b": ["yes", "no"] * 30, "a_b": ["x", "y"] * 30, "A-b": range(N), "عمر": range(N)}
    path = written(tmp_path / "x.csv", rows)
    made = draft(path, component="x")
    assert [(v.name, v.aliases) for v in made.dictionary.variables] == [
        ("a_b_2", ("a b",)), ("a_b", ()), ("A-b", ()), ("عمر", ()),
    ]  # fmt: skip
    assert len(ingested(path, made)[0]) == N


def test_a_date_that_no_calendar_has_is_named_as_the_fault(tmp_path):
    pyreadstat.write_sav(
        pd.DataFrame({"seen": [6.3e12, 1.3e10]}), tmp_path / "x.sav", variable_format={"seen": "DATETIME20"}
    )
    with pytest.raises(DataError, match="holds a date outside the years 1 to 9999"):
        draft(tmp_path / "x.sav", component="x")


class TestPerCents:
    @pytest.mark.parametrize(("cells", "first"), [
        (["12%", "0", "99.5 %"], 12.0), (["12,5 %", "7,25 %", "0"], 12.5), (["١٢٪", "٧٪", "٠"], 12.0),
    ])  # fmt: skip
    def test_they_are_read_as_they_are_written(self, tmp_path, cells, first):
        path = written(tmp_path / "x.csv", {"place": ["a", "b", "c"] * 20, "share": cells * 20})
        made = draft(path, component="x")
        share = made.dictionary.by_name["share"]
        assert (share.type, share.unit) == (Type.NUMBER, "%")
        assert ingested(path, made)[0].rows["share"].iloc[0] == first

    @pytest.mark.parametrize(("unit", "cells", "words"), [
        ("%", ["12%", "0.5"], "1 of 2 records are written without `%`, others with it"),
        (None, ["12%", "0.5"], "1 of 2 records are written with `%`"),
        ("%", ["12 %%", "5%"], "1 of 2 records are not numbers"),
    ])  # fmt: skip
    def test_what_is_not_clear_is_refused(self, unit, cells, words):
        variable = Variable(name="share", type=Type.NUMBER, role=Role.OTHER, unit=unit)
        column, faults = typed(variable, distinct(pd.Series(cells), frozenset()), Layout(format="csv"), "f")
        assert [words in fault.what for fault in faults] == [True]
        assert column.isna().sum() == 1

    def test_a_declared_per_cent_may_stand_without_the_sign(self):
        variable = Variable(name="share", type=Type.NUMBER, role=Role.OTHER, unit="%")
        column, faults = typed(variable, distinct(pd.Series(["12", "0.5"]), frozenset()), Layout(format="csv"), "f")
        assert (column.tolist(), faults) == ([12.0, 0.5], [])


def test_what_means_missing_in_0_1_columns_alone(tmp_path):
    marks = {"needs/food": ["1", "0", "#N/A"] * 20, "needs/water": ["0", "1", "#N/A"] * 20}
    path = written(tmp_path / "x.csv", {"place": ["a", "b"] * 30, **marks})
    made = draft(path, component="x")
    assert made.dictionary.missing == ("#N/A",)
    assert ingested(path, made)[0].rows["needs"].notna().sum() == 40


class TestNewCodesOfTheNextRound:
    @staticmethod
    def run(root, *command):
        result = CliRunner().invoke(app, [*map(str, command), "--root", str(root)])
        assert result.exit_code == 0, (result.output, result.exception)
        return result.output

    @staticmethod
    def answers(*codes):
        chosen = [" ".join({codes[number % len(codes)], codes[0]}) for number in range(N)]
        marks = {f"needs/{code}": ["1" if code in text.split() else "0" for text in chosen] for code in codes}
        return {"place": [f"p{number % 5}" for number in range(N)], "needs": chosen} | marks

    def test_they_come_with_their_version(self, tmp_path):
        (tmp_path / "dictionary").mkdir()
        (tmp_path / "params.yaml").write_text("extracts:\n")
        written(tmp_path / "camp_r1.csv", self.answers("food", "water"))
        self.run(tmp_path, "inspect", tmp_path / "camp_r1.csv", "--write")
        path = tmp_path / "dictionary" / "camp.yaml"
        path.write_text(path.read_text().replace("    open_codes: true\n    role: other\n", "    role: other\n"))
        self.run(tmp_path, "dictionary", "confirm", "camp", "--all")
        raw = written(tmp_path / "camp_r2.csv", self.answers("food", "water", "seeds"))
        told = " ".join(self.run(tmp_path, "inspect", raw, "--round", 2, "--write").split())
        assert "new codes of `needs`" in told
        assert "reads this file without a fault" in told
        needs = read_dictionary(path).by_name["needs"]
        assert (list(needs.codes), needs.codes_since) == (["food", "water", "seeds"], {"seeds": "0.2.0"})
        assert needs.confirmed  # a code is a name in the header; what it is a code of was confirmed


def test_a_first_record_with_a_name_is_no_header(tmp_path):
    """Without a header the first person would become the name of a column, and columns are told."""
    people = ["Maria Hernandez", "John Banda", "Fatima Oumar", "Grace Phiri", "Ana Quispe"]
    places = ["Zomba", "Lac", "Ndola", "Goma", "Arua"]
    path = tmp_path / "x.csv"
    path.write_text(
        "".join(
            f"{who},{where},arrived {n} weeks ago\n" for n, (who, where) in enumerate(zip(people, places, strict=True))
        )
    )
    made = draft(path, component="x")
    assert made.layout.header_row is None
    assert list(made.columns) == ["column_1", "column_2", "column_3"]


def book(path, main, roster):
    with pd.ExcelWriter(path, engine="xlsxwriter") as made:
        for sheet, rows in (("main", main), ("roster", roster)):
            pd.DataFrame(rows).to_excel(made, sheet_name=sheet, index=False)
    return path


def test_totals_below_a_repeat_and_below_its_parents(tmp_path):
    main = {"admin1": ["ZZ01", "ZZ02"] * 30 + ["Total"], "weight": [1.5] * N + [90.0], "water": [2] * N + [120],
            "_index": [*range(1, N + 1), None]}  # fmt: skip
    roster = {"age": [*(number % 70 for number in range(2 * N)), None], "sex": [*["f", "m"] * N, "Source: round 1"],
              "_index": [*range(1, 2 * N + 1), None], "_parent_table_name": ["main"] * 2 * N + [None],
              "_parent_index": [*(number // 2 + 1 for number in range(2 * N)), None]}  # fmt: skip
    path = book(tmp_path / "x.xlsx", main, roster)
    made = draft(path, component="x", sheet="roster")
    assert (made.layout.skip_at_end, made.layout.repeat[0].skip_at_end) == (1, 1)
    table, summary = ingested(path, made)
    assert (len(table), summary["rows_at_end"]) == (2 * N, 2)
    block = "extracts:\n" + extract_text("b", "x", 1, "p", made.layout)
    assert Layout(**parse_yaml(block, "p", DictionaryError)["extracts"]["b"]["layout"]) == made.layout


def test_rows_left_out_of_a_repeat_hold_no_record(tmp_path):
    main = {"admin1": ["ZZ01"] * N, "_index": range(1, N + 1)}
    path = book(tmp_path / "x.xlsx", main, {"age": range(N), "_parent_index": range(1, N + 1)})
    layout = draft(path, component="x", sheet="roster").layout
    repeat = layout.repeat[0].model_copy(update={"skip_at_end": 1})
    with pytest.raises(DataError, match="as full as records"):
        ingest(path, Extract(component="x", round=1, path=path, layout=layout.model_copy(update={"repeat": (repeat,)})),
               draft(path, component="x", sheet="roster").confirmed)  # fmt: skip


def test_names_in_a_language_without_words_wait_for_a_person(tmp_path):
    """No word list speaks Georgian: the guess is `other`, unsure, and ingest refuses it until somebody confirms."""
    path = written(tmp_path / "x.csv", {"სქესი": ["ა", "ბ"] * 30, "ასაკი": range(N)})
    made = draft(path, component="x")
    assert {(v.role, v.confirmed, v.proposed.confidence) for v in made.dictionary.variables} <= {
        (Role.OTHER, False, Confidence.LOW), (Role.IDENTIFIER, False, Confidence.LOW),
    }  # fmt: skip
    with pytest.raises(DictionaryError, match="2 of"):
        ingest(path, Extract(component="x", round=1, path=path, layout=made.layout), made.dictionary)


def test_a_postgresql_is_described_by_its_query(postgres_database, monkeypatch, tmp_path):
    engine = sa.create_engine(postgres_database, poolclass=sa.NullPool)
    with engine.begin() as held:
        held.execute(sa.text("CREATE TABLE assessed (adm1_pcode text, num_men int, num_women int, day date)"))
        held.execute(sa.text("INSERT INTO assessed SELECT 'ZZ0' || n % 3, n * 7 % 31, n * 5 % 29, "
                             "DATE '2024-05-06' FROM generate_series(1, 60) AS n"))  # fmt: skip
    monkeypatch.setenv("THE_DATABASE", postgres_database)
    query = tmp_path / "x.sql"
    query.write_text("SELECT *, num_men + num_women AS num_idp FROM assessed ORDER BY num_men")
    made = draft(query, component="x", url_from="THE_DATABASE")
    by_name = made.dictionary.by_name
    assert (by_name["num_idp"].role, by_name["adm1_pcode"].geography, by_name["day"].type) == (
        Role.COUNT, Geography.ADMIN1, Type.DATE,
    )  # fmt: skip
    assert made.dictionary.links[0].members == ("num_idp", "num_men", "num_women")
    assert len(ingested(query, made)[0]) == N
    result = CliRunner().invoke(app, ["inspect", str(query), "--url-from", "THE_DATABASE", "--root", str(tmp_path)])
    assert result.exit_code == 0
    assert postgres_database.split(":")[2].split("@")[0] not in result.output
