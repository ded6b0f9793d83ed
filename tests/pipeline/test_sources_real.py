"""Every real file of the reference data: the layout that reads it, and what is read; or the refusal that must come."""

import pytest

from sdc.errors import DataError
from sdc.ingest.layout import Layout
from sdc.ingest.peek import peek
from sdc.ingest.read import open_source

pytestmark = pytest.mark.shared

CSV, JSON, XLSX, XLS = ({"format": kind} for kind in ("csv", "json", "xlsx", "xls"))
UKRAINE = "dtm/ukraine_DTM_Ukraine_Zakarpatska_AreaBaseline_5_15_April_2022_0.csv"
IRAQ = {**CSV, "header_row": None, "names_file": "dtm/iraq2014_HEADER_41cols.txt"}
HXL = {**CSV, "header_row": 3, "names": ["no", "what", "sub", "who", "f", "m", "country", "adm1", "when"]}
MSNA = {**XLSX, "sheet": "main"}
MEMBERS = {"parent": "index", "child": "_parent_index", "columns": ["admin1", "weight"]}

READ = [
    # file, layout, records, columns, empty rows, empty columns
    ("dtm/iom_dtm_malawi_survey.csv", CSV, 776, 151, 0, 0),
    ("dtm/iraq2014_DTM_Dataset_18082014.csv", IRAQ, 2_077, 41, 0, 0),
    ("dtm/iraq2014_DTM_Dataset_01092014.csv", IRAQ, 2_488, 41, 0, 0),
    ("dtm/iraq2014_DTM_Dataset_14092014.csv", IRAQ, 2_586, 41, 0, 0),
    (UKRAINE, {**CSV, "skip_after_header": 1}, 58, 13, 0, 3),  # an HXL row, three empty columns, a URL as a name
    ("dtm/hdx-dtm-global-iom-dtm-from-api-admin-0-to-2.csv", {**CSV, "skip_after_header": 1}, 13_367, 21, 0, 0),
    ("dtm/hdx-dtm-displacement-admin2-admin0pcode-hti.json", {**JSON, "records": "result"}, 1_384, 19, 0, 0),
    ("dtm/hdx-dtm-displacement-admin2-admin0pcode-tcd.json", {**JSON, "records": "result"}, 145, 19, 0, 0),
    ("kobo/reach_2024_msna_dummy_raw_data.xlsx", MSNA, 241, 367, 0, 0),
    ("kobo/reach_2024_msna_kobo_tool_v11.xlsx", {**XLSX, "sheet": "survey"}, 321, 23, 0, 0),
    ("kobo/reach_somalia_DSA_site_assessment_xlsform_v7.xlsx", {**XLSX, "sheet": "survey"}, 423, 28, 0, 0),
    ("kobo/reach_somalia_DSA_site_assessment_xlsform_v7.xlsx", {**XLSX, "sheet": "choices"}, 838, 9, 0, 0),
    ("kobo/koboloadeR_form.xls", {**XLS, "sheet": "survey"}, 414, 24, 0, 0),
    ("kobo/koboloadeR_form.xls", {**XLS, "sheet": "choices"}, 626, 8, 75, 0),
    ("kobo/koboloadeR_MainDataFrame.csv", CSV, 381, 243, 0, 0),
    ("kobo/koboloadeR_dico_form.xls.csv", CSV, 714, 34, 0, 0),
    ("kobo/irq_wash_kobo_choices.csv", {**CSV, "encoding": "windows-1256"}, 1_717, 5, 20, 0),
    ("cases/ctdc_synthetic_2025_northamerica_subset.csv", CSV, 91_043, 19, 0, 0),
    ("hxl/hxl_test_input-valid.csv", HXL, 4, 9, 0, 0),
    ("hxl/hxl_test_input-valid-latin1.csv", {**HXL, "encoding": "iso-8859-1"}, 4, 9, 0, 0),
    ("hxl/hxl_test_input-multiple-headers.csv", {**CSV, "header_row": 2, "skip_after_header": 1}, 2, 4, 0, 0),
    ("hxl/hxl_test_input-merged.xlsx", {**XLSX, "header_rows": [1, 2], "skip_after_header": 1}, 4, 9, 0, 0),
    ("hxl/hxl_test_wide-tagging.csv", CSV, 1, 192, 0, 0),
    ("adult/adult.csv", {**CSV, "separator": ";"}, 30_162, 9, 0, 0),
]

REFUSED = [
    # file, layout, why
    (UKRAINE, {**CSV, "encoding": "utf-16"}, "is not text in utf-16"),
    ("dtm/hdx-dtm-displacement-admin2-admin0pcode-tcd.json", JSON, "is no list of records"),
    ("dtm/hdx-dtm-displacement-admin2-admin0pcode-tcd.json", CSV, "does not end in .csv"),
    ("kobo/reach_2024_msna_dummy_raw_data.xlsx", XLSX, "has 5 sheets, and the layout names none"),
    ("kobo/reach_2024_msna_dummy_raw_data.xlsx", {**XLSX, "sheet": "mian"}, "has no sheet `mian` among its 5"),
    ("kobo/reach_2024_msna_dummy_raw_data.xlsx", {**MSNA, "repeat": {"sheet": "roster"}}, "has no column `_index`"),
    (
        "kobo/reach_2024_msna_dummy_raw_data.xlsx",
        {**MSNA, "repeat": {**MEMBERS, "sheet": "roster", "columns": []}},
        "3 columns stand in a repeat and in the table above",
    ),
    ("kobo/irq_wash_kobo_choices.csv", CSV, "is not text in utf-8"),
    ("hxl/hxl_test_input-valid-latin1.csv", HXL, "is not text in utf-8"),
    ("hxl/hxl_test_input-valid.csv", {**CSV, "header_row": 2}, "5 rows do not have 8 columns"),
    ("hxl/hxl_test_input-fuzzy.csv", {**CSV, "header_row": 2}, "rows do not have 8 columns"),
    ("hxl/hxl_test_input-untagged.csv", {**CSV, "header_rows": [1, 2]}, "1 rows do not have 9 columns"),
    (
        "hxl/hxl_test_input-quality.xlsx",
        {**XLSX, "sheet": "input-quality-hxl", "header_row": 2},
        "column 9 holds cells but has no name",
    ),
]


def layout(shared, entries: dict) -> Layout:
    file = entries.get("names_file")
    return Layout(**entries | ({"names_file": shared / "data" / file} if file else {}))


@pytest.mark.parametrize(
    ("name", "entries", "records", "columns", "rows", "nameless"),
    READ,
    ids=[f"{c[0]}-{c[1].get('sheet')}" for c in READ],
)
def test_a_real_file_is_read_with_its_layout(shared, name, entries, records, columns, rows, nameless):
    frame, told = open_source(shared / "data" / name, layout(shared, entries))
    assert frame.shape == (records, columns)
    assert (told["empty_rows"], told["empty_columns"]) == (rows, nameless)


@pytest.mark.parametrize(("name", "entries", "words"), REFUSED, ids=[f"{c[0]}-{c[2][:30]}" for c in REFUSED])
def test_a_real_file_is_refused_for_what_is_wrong(shared, name, entries, words):
    with pytest.raises(DataError, match=words):
        open_source(shared / "data" / name, layout(shared, entries))


@pytest.mark.parametrize("sheet", ["roster", "edu_ind", "health_ind", "nut_ind"])
@pytest.mark.parametrize("keys", [("index", "_parent_index"), ("uuid", "uuid")])
def test_the_repeats_of_the_msna_are_joined_to_their_households(shared, sheet, keys):
    path = shared / "data" / "kobo" / "reach_2024_msna_dummy_raw_data.xlsx"
    repeat = {**MEMBERS, "sheet": sheet, "parent": keys[0], "child": keys[1]}
    joined, told = open_source(path, Layout(**MSNA, repeat=repeat))
    main, _ = open_source(path, Layout(**MSNA))
    alone, _ = open_source(path, Layout(**{**XLSX, "sheet": sheet}))
    assert len(joined) == len(alone) == 965
    assert joined.shape[1] == alone.shape[1] + 2
    wanted = main.set_index(keys[0])["admin1"].loc[alone[keys[1]]].tolist()
    assert joined["admin1"].tolist() == wanted
    assert told["parents_without_repeats"] == [0]


@pytest.mark.parametrize("folder", ["dtm", "kobo", "cases", "hxl", "codes", "adult"])
def test_every_real_file_is_recognised(shared, folder):
    kinds = {".csv": "csv", ".txt": "csv", ".json": "json", ".xlsx": "xlsx", ".xls": "xls"}
    files = [path for path in sorted((shared / "data" / folder).iterdir()) if path.is_file()]
    assert files
    for path in files:
        seen = peek(path, rows=10)
        assert seen.format == kinds[path.suffix]
        assert all(grid.rows for grid in seen.grids)
