"""A good extract becomes a typed table: columns found, types given, identifiers ended, households numbered."""

import numpy as np
import pandas as pd
import pytest
from ingest_cases import CANARY, DICTIONARY, GOOD, HEADER, ROWS, dictionary, extract, with_cell, with_column, workbook

from sdc.dictionary import Dictionary, Role
from sdc.errors import DictionaryError
from sdc.files import read_table, write_table
from sdc.ingest import Extract, ingest
from sdc.ingest.assemble import surrogates
from sdc.table import Table


@pytest.fixture
def ingested(tmp_path):
    """Ingest a text, or bytes."""

    def call(content: str | bytes, of: Dictionary | None = None, number: int = 1, **layout: object) -> Table:
        path = tmp_path / "raw.csv"
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        one = extract(**layout).model_copy(update={"round": number})
        return ingest(path, one, of or dictionary())[0]

    return call


def column(table: Table, name: str) -> list[object]:
    """Cells of a column, None where missing."""
    return [None if pd.isna(cell) else cell for cell in table.rows[name]]


def test_every_type(ingested):
    table = ingested(GOOD)
    assert column(table, "sex") == ["f", "m", "f"]
    assert column(table, "age") == [31, 33, None]
    assert column(table, "arrival") == [pd.Timestamp("2024-05-06")] * 2 + [None]
    assert column(table, "needs") == ["food water", "water", None]
    assert column(table, "weight") == [1.5, 1.5, 2.0]
    assert column(table, "admin2") == ["AA0101", "AA0101", f"{CANARY}place"]
    assert {name: str(dtype) for name, dtype in table.rows.dtypes.items()} == {
        "household": "Int64",
        "admin1": "category",
        "admin2": "str",
        "sex": "category",
        "age": "Int64",
        "arrival": "datetime64[s]",
        "needs": "str",
        "people": "Int64",
        "men": "Int64",
        "women": "Int64",
        "weight": "Float64",
        "remarks": "str",
        "round": "Int64",
    }


def test_a_table_survives_its_file(ingested, tmp_path):
    table = ingested(GOOD)
    write_table(table, tmp_path / "typed.parquet")
    again = read_table(tmp_path / "typed.parquet")
    pd.testing.assert_frame_equal(again.rows, table.rows)
    assert again.variables == table.variables


def test_identifiers_and_what_is_derived_from_them_end(ingested, tmp_path):
    text = with_column("phone_area", CANARY, CANARY, CANARY)
    table = ingested(text)
    assert not table.names(Role.IDENTIFIER)
    assert "phone_area" not in table
    _, summary = ingest(tmp_path / "raw.csv", extract(), dictionary())
    assert summary["columns_removed"] == {
        "identifier": ["record", "phone"],
        "follows_identifier": ["phone_area"],
        "choice_columns": 0,
    }
    assert CANARY not in str(summary)


def test_columns_stand_in_the_order_of_the_dictionary(ingested):
    lines = [line.split(",") for line in GOOD.splitlines()]
    turned = "\n".join(",".join(reversed(line)) for line in lines)
    pd.testing.assert_frame_equal(ingested(turned).rows, ingested(GOOD).rows)


@pytest.mark.parametrize("name", ["Sex", " SEX ", "grp/sex", "form.group_1.sex", "a/b/c/sex", '"sex"', "group_hc4/Sex"])
def test_a_column_is_found_under_its_other_shapes(ingested, name):
    assert column(ingested(GOOD.replace(",sex,", f",{name},")), "sex") == ["f", "m", "f"]


def test_white_space_and_letter_case_of_a_name_are_levelled(ingested):
    table = ingested(with_column("Admin2  Name", "a", "b", "c"))
    assert column(table, "admin2_name") == ["a", "b", "c"]


def test_a_name_that_is_only_like_another_is_not_taken_for_it(ingested):
    with pytest.raises(Exception, match="`sexe`"):
        ingested(GOOD.replace(",sex,", ",sexe,"))


def test_an_alias_is_found(ingested):
    assert "admin2" in ingested(GOOD.replace("admin2", "District"))


def test_a_leader_that_is_absent_is_skipped_in_the_chain(ingested):
    text = GOOD.replace("admin2,", "admin2_name,")
    assert ingested(text)["admin2_name"].follows == "admin1"


@pytest.mark.parametrize("separator", ["/", ".", "_"])
def test_choice_columns_beside_their_text_are_checked_and_dropped(ingested, separator):
    text = with_column(f"needs{separator}water", "1", "TRUE", "")
    table = ingested(text)
    assert column(table, "needs") == ["food water", "water", None]
    assert not [name for name in table.rows if name.startswith("needs") and name != "needs"]


def test_choice_columns_alone_become_text(ingested):
    head = HEADER.replace("needs", "grp/needs/water,grp/needs/food,grp/needs/none")
    cells = ("1,1,0", "1.0,0.0,0", ",,")
    rows = [
        row.replace(needs, cell) for row, needs, cell in zip(ROWS, ("food water", "water", ",,7"), cells, strict=True)
    ]
    rows[2] = ROWS[2].replace("dnk,,,7", "dnk,,,,,7")
    assert column(ingested("\n".join([head, *rows])), "needs") == ["food water", "water", None]


def test_the_order_of_choosing_is_not_kept(ingested):
    text = with_cell("needs", "water food water")
    assert column(ingested(text), "needs")[0] == "food water"


def test_choices_may_differ_in_as_many_records_as_the_layout_allows(ingested):
    text = with_column("needs/food", "0", "0", "0")
    assert column(ingested(text, multiples_broken_rows_allowed=1), "needs")[0] == "food water"


def test_declared_codes_of_missing_become_missing_but_for_a_code_of_the_list(ingested):
    table = ingested(with_column("answered", "dnk", "yes", "-99"))
    assert column(table, "answered") == ["dnk", "yes", None]
    assert column(table, "age")[2] is None
    assert column(ingested(with_cell("age", "NULL"), missing=["NULL"]), "age")[0] is None


@pytest.mark.parametrize(
    ("written", "layout", "number"),
    [
        ("1003", {}, 1003),
        ('"1,003"', {}, 1003),
        ("+7", {}, 7),
        ("3.0", {}, 3),
        ("٣٢", {}, 32),
        ("1.234.567", {"thousands": ".", "decimal": ","}, 1234567),
        ("1 003", {"thousands": " "}, 1003),
        ("1\u202f003", {"thousands": " "}, 1003),
        ("1'003", {"thousands": "'"}, 1003),
    ],
)
def test_whole_numbers(ingested, written, layout, number):
    text = with_cell("people", written).replace("1.5", "2").replace(",2,2,", ",2,3,")
    assert column(ingested(text, **layout), "people")[0] == number


@pytest.mark.parametrize(
    ("written", "layout", "number"),
    [
        ("0.25", {}, 0.25),
        (".5", {}, 0.5),
        ("5.", {}, 5.0),
        ("1e-3", {}, 0.001),
        ('"1,5"', {"thousands": "", "decimal": ","}, 1.5),
    ],
)
def test_numbers(ingested, written, layout, number):
    text = with_cell("weight", written)
    if layout:
        text = text.replace(",1.5,", ',"1,5",')
    assert column(ingested(text, **layout), "weight")[0] == number


@pytest.mark.parametrize(
    "written",
    [
        "2024-12-03",
        "03/12/2024",
        "3/12/2024",
        "2024-12-03 10:46:52.000000",
        "2024-12-03T23:59:59Z",
        "2024-12-03T14:50:17+0200",
        "2024-12-03T14:50:17.123+02:00",
        "03 Dec 2024",
        "٠٣/١٢/٢٠٢٤",
    ],
)
def test_dates(ingested, written):
    table = ingested(with_cell("arrival", written), date_formats=["%d %b %Y"])
    assert column(table, "arrival")[0] == pd.Timestamp("2024-12-03")


@pytest.mark.parametrize(
    ("content", "layout"),
    [
        (GOOD, {}),
        ("\ufeff" + GOOD, {}),
        (GOOD.replace("\n", "\r\n"), {}),
        (GOOD.replace("\n", "\n\n"), {}),
        (GOOD.replace(",", ";"), {"separator": ";"}),
        (GOOD.replace(",", "\t"), {"separator": "\t"}),
        (GOOD.encode("utf-16"), {"encoding": "utf-16"}),
        (GOOD.encode("windows-1256"), {"encoding": "windows-1256"}),
        ("Title of the export\n\n" + GOOD, {"header_row": 3}),
        (HEADER + "\n" + "#x," * 13 + "#y\n" + "\n".join(ROWS), {"skip_after_header": 1}),
        ("\n".join(ROWS), {"header_row": None, "names": HEADER.split(",")}),
        ("x,y" + "," * 12 + "\n" + "\n".join(ROWS), {"names": HEADER.split(",")}),
        (GOOD.replace("\n", ",,\n"), {}),
        (GOOD + "," * 13 + "\n", {}),
    ],
)
def test_one_table_from_every_way_to_write_it(ingested, content, layout):
    pd.testing.assert_frame_equal(ingested(content, **layout).rows, ingested(GOOD).rows)


def test_a_workbook_gives_the_same_table(ingested, tmp_path):
    rows: list[list[object]] = [line.split(",") for line in GOOD.splitlines()]
    for row in rows[1:]:
        row[9:13] = [float(cell) if "." in str(cell) else int(str(cell)) for cell in row[9:13]]
        row[7] = pd.Timestamp("2024-05-06").to_pydatetime() if row[7] else None
    rows.append([None] * 14)
    rows.insert(0, ["A title"])
    path = workbook(tmp_path / "raw.xlsx", rows, "notes")
    table, summary = ingest(path, extract(format="xlsx", header_row=2, sheet="SHEET "), dictionary())
    pd.testing.assert_frame_equal(table.rows, ingested(GOOD).rows)
    assert summary["records"] == 3


def test_names_from_a_file(ingested, tmp_path):
    names = tmp_path / "names.txt"
    names.write_text(HEADER.replace(",", "\n") + "\n")
    table = ingested("\n".join(ROWS), header_row=None, names_file=names)
    pd.testing.assert_frame_equal(table.rows, ingested(GOOD).rows)


def test_text_is_brought_to_one_form_of_unicode(ingested):
    table = ingested(with_cell("admin2", "Cafe\u0301  du\nNord".replace("\n", " ")))
    assert column(table, "admin2")[0] == "Caf\u00e9 du Nord"


def test_a_line_break_within_quotation_marks_ends_no_record(ingested):
    assert column(ingested(with_cell("remarks", '"two\nlines"', row=3)), "remarks")[2] == "two\nlines"


def test_the_round_is_that_of_the_extract(ingested):
    table = ingested(GOOD, number=7)
    assert column(table, "round") == [7, 7, 7]
    assert table["round"].role == Role.OTHER


def test_the_round_may_be_a_code(ingested):
    declared = "  - {name: round, type: code, role: other, codes: {1: {en: One}, 2: {en: Two}}}\nlinks:"
    coded = dictionary(DICTIONARY.replace("links:", declared))
    assert column(ingested(with_column("round", "2", "", "2"), coded, number=2), "round") == ["2"] * 3
    with pytest.raises(DictionaryError, match="whose list holds the round"):
        ingested(GOOD, coded, number=3)


def test_a_column_with_the_tag_of_the_round_must_agree(ingested):
    declared = "  - {name: cycle, type: integer, role: other, hxl: '#meta+round'}\nlinks:"
    tagged = dictionary(DICTIONARY.replace("links:", declared))
    assert "cycle" in ingested(with_column("cycle", "1", "1", ""), tagged)
    with pytest.raises(Exception, match="2 of 3 records tell another round"):
        ingested(with_column("cycle", "1", "1", ""), tagged, number=2)


def test_links_are_counted(ingested, tmp_path):
    ingested(with_cell("men", "9"))
    _, summary = ingest(tmp_path / "raw.csv", extract(), dictionary())
    assert summary["links"] == [{"total": "people", "parts": ["men", "women"], "checked": 3, "broken": 1}]


def test_a_link_with_a_missing_member_is_not_judged(ingested, tmp_path):
    ingested(with_cell("men", ""))
    _, summary = ingest(tmp_path / "raw.csv", extract(), dictionary())
    assert summary["links"][0]["checked"] == 2


def test_free_text_may_hold_what_it_likes(ingested):
    assert column(ingested(with_cell("remarks", "call +260 97 1234567")), "remarks")[0] == "call +260 97 1234567"


class TestHouseholds:
    def test_members_share_a_number_and_strangers_do_not(self, ingested):
        numbers = column(ingested(GOOD), "household")
        assert numbers[0] == numbers[1] != numbers[2]
        assert sorted(set(numbers)) == [1, 2]

    def test_a_missing_id_stays_missing(self, ingested):
        assert column(ingested(with_cell("household", "")), "household")[0] is None

    def test_numbers_do_not_depend_on_the_order_of_records(self):
        rng = np.random.default_rng(3)
        ids = pd.Series([f"hh{number}" for number in rng.integers(0, 400, 1000)], dtype="str")
        frame = pd.DataFrame({"id": ids, "x": pd.Series(rng.integers(0, 9, 1000)).astype("str")})
        given = surrogates(ids, frame)
        order = rng.permutation(1000)
        again = surrogates(ids.iloc[order].reset_index(drop=True), frame.iloc[order].reset_index(drop=True))
        assert list(again) == list(given.iloc[order])
        assert given.groupby(ids).nunique().eq(1).all()
        assert set(given) == set(range(1, ids.nunique() + 1))

    def test_numbers_do_not_follow_the_ids_or_the_file(self):
        ids = pd.Series([f"{number:04}" for number in range(1000)], dtype="str")
        numbers = surrogates(ids, pd.DataFrame({"id": ids}))
        assert abs(np.corrcoef(numbers.to_numpy(dtype=float), np.arange(1000))[0, 1]) < 0.1

    def test_the_same_ids_in_another_file_get_other_numbers(self):
        ids = pd.Series([f"{number:04}" for number in range(1000)], dtype="str")
        one = surrogates(ids, pd.DataFrame({"id": ids, "x": ["1"] * 1000}))
        other = surrogates(ids, pd.DataFrame({"id": ids, "x": ["2"] * 1000}))
        assert (one != other).sum() > 900


def test_two_runs_give_the_same(ingested):
    pd.testing.assert_frame_equal(ingested(GOOD).rows, ingested(GOOD).rows)


def test_an_extract_is_read_from_params(tmp_path):
    from sdc.ingest import read_extract

    params = tmp_path / "params.yaml"
    params.write_text("extracts:\n  a: {component: camp, round: 2, path: data/raw/a.csv, layout: {format: csv}}\n")
    assert read_extract(params, "a").round == 2
    assert isinstance(read_extract(params, "a"), Extract)
    with pytest.raises(DictionaryError, match="no extract `b`"):
        read_extract(params, "b")
    params.write_text("extracts:\n  a: {component: camp, round: 2, path: data/raw/a.csv, layout: {format: tsv}}\n")
    with pytest.raises(DictionaryError, match=r"`layout\.format`"):
        read_extract(params, "a")
