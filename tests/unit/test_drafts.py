"""What `sdc inspect` sees in a file that nobody has described: header, types, families, identities, places, roles."""

import numpy as np
import pandas as pd
import pytest

from sdc.dictionary import Geography, Role, Type
from sdc.documents import parse_yaml
from sdc.drafts import draft, extract_text, with_extract
from sdc.drafts.content import facts, written_numbers
from sdc.drafts.derived import derived
from sdc.drafts.families import families
from sdc.drafts.identities import identities
from sdc.drafts.places import level_of_name, pcode_columns
from sdc.drafts.structure import structure
from sdc.errors import DataError, DictionaryError
from sdc.ingest import Layout

DATA = [["AA01", "f", "31", "2024-05-06"], ["AA02", "m", "33", "2024-05-07"], ["AA01", "f", "8", "2024-05-08"]] * 3
NAMES = ["place", "sex", "age", "date"]


def series(*cells: str, times: int = 1) -> pd.Series:
    return pd.Series(list(cells) * times, dtype=pd.StringDtype("pyarrow", na_value=np.nan))


def seen(*cells: str, times: int = 1, signs: tuple[str, str] = (",", ".")):
    return facts("x", series(*cells, times=times), signs)


class TestHeader:
    @pytest.mark.parametrize(
        ("above", "rows", "skipped"),
        [
            ([NAMES], (1,), 0),
            ([["Title", "", "", ""], ["", "", "", ""], NAMES], (3,), 0),
            ([NAMES, ["#adm1+code", "#sex", "#age", "#date"]], (1,), 1),
            ([["Title", "", "", ""], NAMES, ["#adm1+code", "", "#age", "#date"]], (2,), 1),
            ([NAMES, ["Which place?", "What sex?", "How old?", "Which day?"]], (1,), 1),
            ([["Where", "", "Who", ""], NAMES], (2,), 0),
        ],
    )
    def test_found_under_titles_and_above_tags_and_labels(self, above, rows, skipped):
        found = structure([*above, *DATA])
        assert (found.header_rows, found.skip_after_header, found.names) == (rows, skipped, ())

    def test_none(self):
        found = structure(DATA)
        assert (found.header_rows, found.names) == ((), ("column_1", "column_2", "column_3", "column_4"))

    def test_two_rows_that_name_the_columns_together(self):
        head = [["Camps", "", "Villages", ""], ["Men", "Women", "Men", "Women"]]
        found = structure([*head, *[["1", "2", "3", "4"], ["4", "3", "2", "1"], ["2", "2", "2", "2"]]])
        assert (found.header_rows, found.names) == ((1, 2), ())

    def test_blank_and_repeated_names_and_addresses_are_mended(self):
        header = ["place", "place", "", "https://example.org/data"]
        found = structure([header, *DATA])
        assert found.names == ("place", "place (2)", "column_3", "column_4")
        assert structure([header, *[[*row[:3], ""] for row in DATA]]).names[3] == ""

    def test_a_header_of_years_is_one(self):
        assert structure(
            [["place", "cases", "deaths", "sex", "age", "2024"], *[["a", "1", "2", "f", "3", "4"]] * 4]
        ).header_rows == (1,)


class TestTypes:
    @pytest.mark.parametrize(
        ("cells", "kind"),
        [
            (("1", "2,000", "13"), Type.INTEGER),
            (("1.5", "2", ".25"), Type.NUMBER),
            (("٣٢", "١٢"), Type.INTEGER),
            (("007", "012", "100"), Type.CODE),
            (("2024-05-06", "2024-05-06T10:00:00Z"), Type.DATE),
            (("0", "1"), Type.CODE),
            (("yes", "no"), Type.CODE),
            (("food water", "food", "water", "shelter food"), Type.CODES),
            (("Food / Water", "Food", "Water", "Food / Shelter", "Shelter"), Type.CODES),
        ],
    )
    def test_types(self, cells, kind):
        assert seen(*cells, times=4).type == kind

    def test_sentences_are_text(self):
        cells = [f"they left the place number {n} because of the floods" for n in range(30)]
        assert seen(*cells).type == Type.TEXT

    @pytest.mark.parametrize(
        ("cells", "formats", "sure"),
        [
            (("31/12/2024", "01/02/2024"), ("%d/%m/%Y",), True),
            (("12/31/2024", "01/02/2024"), ("%m/%d/%Y",), True),
            (("01/02/2024", "03/04/2024"), ("%d/%m/%Y",), False),
            (("18 Aug 2014", "18-08-2014", "2014-08-18"), ("%d-%m-%Y", "%d %b %Y"), True),
            (("31.12.2024", "01.02.2024"), ("%d.%m.%Y",), True),
        ],
    )
    def test_formats_of_dates(self, cells, formats, sure):
        found = seen(*cells, times=2)
        assert (found.type, set(found.formats), found.sure) == (Type.DATE, set(formats), sure)

    def test_dates_of_two_minds_are_no_dates(self):
        assert seen("31/12/2024", "12/31/2024").type != Type.DATE

    def test_an_ambiguous_date_is_told_as_such(self):
        assert "cannot be told apart" in seen("01/02/2024", "03/04/2024").notes[0]

    @pytest.mark.parametrize(
        ("columns", "signs"),
        [
            ({"a": ("1,000", "20"), "b": ("1.5", "2")}, (",", ".")),
            ({"a": ("1.000", "20"), "b": ("1,5", "2")}, (".", ",")),
            ({"a": ("1 000", "20"), "b": ("1,5", "2")}, (" ", ",")),
            ({"a": ("10", "20")}, (",", ".")),
        ],
    )
    def test_how_numbers_are_written(self, columns, signs):
        assert written_numbers({name: series(*cells) for name, cells in columns.items()}) == signs


class TestMissing:
    @pytest.mark.parametrize(
        "code", ["NaT", "NULL", "N/A", "dnk", "pnta", "Ne sait pas", "لا أعرف", "не знаю", "-99", "Not available"]
    )
    def test_codes_of_missing_among_numbers(self, code):
        found = seen("1", "2", "30", code, "", times=3)
        assert (found.type, dict(found.missing), found.blank) == (Type.INTEGER, {code: 3}, 3)

    def test_a_large_number_is_asked_about_and_not_taken(self):
        found = seen("1", "2", "3", "999", times=3)
        assert (dict(found.perhaps), dict(found.missing)) == ({"999": 3}, {})
        assert not seen("1", "50", "99", times=3).perhaps

    def test_a_negative_number_among_negative_ones_is_a_number(self):
        assert not seen("-5", "-99", "3", times=3).missing

    def test_answers_stay_codes(self):
        found = seen("yes", "no", "dnk", "NULL", times=4)
        assert set(found.listed) == {"yes", "no", "dnk"}
        assert dict(found.missing) == {"NULL": 4}

    def test_a_province_is_no_missing_code(self):
        assert not seen("Nan", "Phrae", "Loei", times=4).missing


class TestLists:
    def test_a_list_holds_codes_of_three_records_at_least(self):
        assert seen("a", "b", times=3).listed == ("a", "b")
        assert seen(*["a", "b"] * 3, "c").listed == ()

    def test_a_code_that_looks_like_a_person_is_written_nowhere(self):
        assert seen("Maria Gonzalez", "none known", times=9).listed == ()


class TestFamilies:
    def test_slash_dot_and_underscore(self):
        marks = dict.fromkeys(["n/a", "n/b", "m.x", "m.y", "k_p", "k_q", "stem_one", "stem_two"], True) | {
            "k": False,
            "m": False,
        }
        columns = ["m", "k", *marks]
        found = families(list(dict.fromkeys(columns)), marks, {"m": frozenset({"x", "y"}), "k": frozenset({"p", "q"})})
        assert {(f.parent, f.text, f.sign, tuple(f.children)) for f in found} == {
            ("n", False, "/", ("a", "b")),
            ("m", True, ".", ("x", "y")),
            ("k", True, "_", ("p", "q")),
        }

    def test_questions_of_one_group_are_no_family(self):
        marks = {"g.a": True, "g.b": True, "g.c": True, "g.d": True, "g.name": False}
        assert families(list(marks), marks, {}) == []


class TestIdentities:
    @staticmethod
    def numbers(rows: int = 400, columns: int = 8) -> np.ndarray:
        return np.random.default_rng(3).poisson(20, (rows, columns)).astype(float)

    @staticmethod
    def found(values: np.ndarray) -> set[tuple[str, frozenset[str], int]]:
        names = [f"c{place}" for place in range(values.shape[1])]
        return {(i.total, frozenset(i.parts), i.broken) for i in identities(names, values, np.random.default_rng(1))}

    @pytest.mark.parametrize("parts", [(0, 1), (1, 4, 6), (0, 2, 5, 7), (0, 1, 2, 3, 4, 5, 6, 7), (0, 2, 4, 6)])
    def test_a_total_of_some_columns(self, parts):
        values = self.numbers()
        total = values[:, list(parts)].sum(axis=1)
        assert self.found(np.column_stack([values, total])) == {("c8", frozenset(f"c{p}" for p in parts), 0)}

    def test_with_missing_cells_and_broken_rows(self):
        values = self.numbers()
        values = np.column_stack([values, values[:, :3].sum(axis=1)])
        values[5:9, 8] += 1
        values[np.random.default_rng(0).random(values.shape) < 0.2] = np.nan
        ((total, parts, broken),) = self.found(values)
        assert (total, parts) == ("c8", frozenset({"c0", "c1", "c2"}))
        assert 0 < broken <= 4

    def test_a_part_that_is_nearly_always_nought(self):
        values = self.numbers()
        values[:, 3] = 0
        values[7, 3] = 4
        found = self.found(np.column_stack([values, values[:, :6].sum(axis=1)]))
        assert found == {("c8", frozenset(f"c{p}" for p in range(6)), 0)}

    def test_equal_columns(self):
        values = self.numbers(columns=3)
        assert self.found(np.column_stack([values, values[:, 1]])) == {("c1", frozenset({"c3"}), 0)}

    def test_nothing_among_independent_columns(self):
        assert self.found(self.numbers(columns=20)) == set()
        assert self.found(np.zeros((50, 4))) == set()

    def test_what_follows_from_others_is_not_told_again(self):
        values = self.numbers(columns=4)
        adults, all_ = values[:, :2].sum(axis=1), values.sum(axis=1)
        assert len(self.found(np.column_stack([values, adults, all_]))) == 2


def test_what_another_column_decides():
    rng = np.random.default_rng(0)
    district = rng.integers(0, 30, 900)
    codes = np.column_stack([district, district // 5, 29 - district, rng.integers(0, 4, 900)]).astype(np.int32)
    found = {(one.column, one.of, one.both) for one in derived(["d", "p", "n", "x"], codes, rng)}
    assert found == {("p", "d", False), ("p", "n", False), ("n", "d", True), ("d", "n", True)}


def test_pcodes_nest_and_their_names_tell_the_level():
    found = pcode_columns({
        "a": series("AB01", "AB02"), "b": series("AB0101", "AB0201"), "c": series("AB010101",
        "AB020101"), "d": series("x", "y"),
    })  # fmt: skip
    assert {name: level for name, (level, _) in found.items()} == {
        "a": Geography.ADMIN1, "b": Geography.ADMIN2, "c": Geography.ADMIN3,
    }  # fmt: skip
    assert "begin with those of `a`" in found["b"][1]
    assert level_of_name("Raion pcode") == level_of_name("admin2Pcode") == Geography.ADMIN2
    assert level_of_name("Sub.District") == Geography.ADMIN3
    assert level_of_name("age") is None


ROWS = 60
FILE = {
    "_uuid": [f"123e4567-e89b-12d3-a456-4266141{n:05}" for n in range(ROWS)],
    "adm1_pcode": [f"AB0{n % 3 + 1}" for n in range(ROWS)],
    "adm1_name": [("North", "South", "West")[n % 3] for n in range(ROWS)],
    "ki_phone": [f"+999 12 345 {n:03}" for n in range(ROWS)],
    "gps": [f"{10 + n / 7:.5f} {20 + n / 9:.5f}" for n in range(ROWS)],
    "num_men_ind": [str(n * 7 % 31) for n in range(ROWS)],
    "num_women_ind": [str(n * 5 % 29) for n in range(ROWS)],
    "num_idp_ind": [str(n * 7 % 31 + n * 5 % 29) for n in range(ROWS)],
    "needs": [("food water", "food", "water", "shelter food")[n % 4] for n in range(ROWS)],
    "needs_other": [f"they also need seeds and tools for {n} fields" for n in range(ROWS)],
}


@pytest.fixture
def drafted(tmp_path):
    path = tmp_path / "round.csv"
    pd.DataFrame(FILE).to_csv(path, index=False)
    return draft(path, component="camp")


def test_roles_follow_from_content_and_names(drafted):
    roles = {v.name: (v.role, v.follows) for v in drafted.dictionary.variables}
    assert roles == {
        "_uuid": (Role.IDENTIFIER, None),
        "adm1_pcode": (Role.KEY, None),
        "adm1_name": (Role.KEY, "adm1_pcode"),
        "ki_phone": (Role.IDENTIFIER, None),
        "gps": (Role.OTHER, "adm1_pcode"),
        "num_men_ind": (Role.COUNT, None),
        "num_women_ind": (Role.COUNT, None),
        "num_idp_ind": (Role.COUNT, None),
        "needs": (Role.OTHER, None),
        "needs_other": (Role.OTHER, "needs"),
    }
    assert all(not v.confirmed and v.proposed and v.proposed.because for v in drafted.dictionary.variables)
    assert drafted.dictionary.links[0].members == ("num_idp_ind", "num_men_ind", "num_women_ind")


def test_the_draft_tells_no_cell(drafted):
    told = " ".join(
        (
            *drafted.notes,
            *(f.what for f in drafted.findings),
            *(v.proposed.because for v in drafted.dictionary.variables),
        )
    )
    assert not [cell for cells in FILE.values() for cell in cells if len(cell) > 4 and cell in told]


def test_only_columns_without_an_entry_are_new(tmp_path, drafted):
    path = tmp_path / "round.csv"
    pd.DataFrame(FILE).rename(columns={"adm1_name": "region"}).to_csv(path, index=False)
    again = draft(path, component="camp", known=drafted.dictionary)
    assert again.fresh == {"region"}


def test_a_form_is_no_data(tmp_path):
    path = tmp_path / "form.xlsx"
    with pd.ExcelWriter(path, engine="openpyxl") as book:
        for sheet in ("survey", "choices"):
            pd.DataFrame({"type": ["text"], "name": ["x"]}).to_excel(book, sheet_name=sheet, index=False)
    with pytest.raises(DataError, match="is an XLSForm"):
        draft(path, component="camp")


class TestParams:
    TEXT = "# which\nextracts:\n  a:  # first\n    component: x\n\n\nrequests:\n  R: {component: x}\n"

    def test_a_block_is_added_and_nothing_else_changes(self):
        block = extract_text(
            "b", "camp", 2, "data/raw/b.csv", Layout(format="csv", names=("x", "y: z"), date_formats=("%d/%m/%Y",))
        )
        new = with_extract(self.TEXT, "b", block)
        assert new.replace(block, "") == self.TEXT
        content = parse_yaml(new, "params.yaml", DictionaryError)
        assert content["extracts"]["b"]["layout"]["names"] == ["x", "y: z"]
        assert Layout(**content["extracts"]["b"]["layout"]) == Layout(
            format="csv", names=("x", "y: z"), date_formats=("%d/%m/%Y",)
        )

    def test_an_extract_of_that_name_is_left_alone(self):
        with pytest.raises(DictionaryError, match="already"):
            with_extract(self.TEXT, "a", "  a: {}\n")

    def test_no_place_for_it(self):
        with pytest.raises(DictionaryError, match="has no line"):
            with_extract("requests: {}\n", "a", "  a: {}\n")

    def test_a_layout_survives_its_block(self):
        for layout in (
            Layout(format="xlsx", sheet="MSLA R1 ", header_rows=(2, 3), multiples_broken_rows_allowed=4),
            Layout(format="json", records="result"),
            Layout(format="csv", separator="\t", encoding="windows-1256", header_row=None, names=("yes", "12")),
        ):
            text = "extracts:\n" + extract_text("b", "camp", 2, "p", layout)
            assert Layout(**parse_yaml(text, "p", DictionaryError)["extracts"]["b"]["layout"]) == layout
