"""Real extracts become typed tables with the dictionaries that the project ships; nothing of them is in the project."""

from pathlib import Path

import pandas as pd
import pytest

from sdc.dictionary import Role, read_dictionary
from sdc.errors import DataError
from sdc.ingest import Extract, Layout, ingest
from sdc.table import Table

pytestmark = pytest.mark.shared

MALAWI = {"format": "csv", "missing": ["NULL", "NaT"], "multiples_broken_rows_allowed": 18}
IRAQ = {"18082014": (4, 2077), "01092014": (5, 2488), "14092014": (6, 2586)}


@pytest.fixture
def read(shared, repo):
    """Ingest one file of the reference data."""

    def call(name: str, component: str, number: int, **layout: object) -> tuple[Table, dict]:
        path = shared / "data" / "dtm" / name
        extract = Extract(component=component, round=number, path=path, layout=Layout(**layout))
        return ingest(path, extract, read_dictionary(repo / "dictionary" / f"{component}.yaml"))

    return call


def raw(shared: Path, name: str, **options: object) -> pd.DataFrame:
    """The file as text, read by another reader."""
    return pd.read_csv(shared / "data" / "dtm" / name, dtype=str, keep_default_na=False, **options)


def test_malawi(read, shared):
    """776 places in 151 columns: choices folded, identifiers gone, counts equal to the raw ones."""
    table, summary = read("iom_dtm_malawi_survey.csv", "mobility_tracking_malawi", 1, **MALAWI)
    before = raw(shared, "iom_dtm_malawi_survey.csv")
    assert (len(table), summary["columns"]) == (776, 151)
    assert summary["columns_removed"]["choice_columns"] == sum("/" in name for name in before)
    assert summary["variables_absent"] == 0
    assert not table.names(Role.IDENTIFIER)
    removed = summary["columns_removed"]
    ended = len(removed["identifier"]) + len(removed["follows_identifier"])
    assert ended + removed["choice_columns"] + len(table.variables) == 151 + 1  # and the round
    for name in table.names(Role.COUNT):
        wanted = pd.to_numeric(before[name].replace("NULL", None)).astype("Int64")
        pd.testing.assert_series_equal(table.rows[name], wanted, check_names=False)
    for name in ("m0304_meta_adm2_pcode", "m0305_meta_adm3_pcode"):
        assert (table.rows[name].astype("str") == before[name]).all()
    assert {link["checked"] for link in summary["links"]} == {313, 444}
    assert all(link["broken"] == 0 for link in summary["links"])


def test_malawi_choices_that_disagree_are_counted(read):
    with pytest.raises(DataError) as caught:
        read(
            "iom_dtm_malawi_survey.csv", "mobility_tracking_malawi", 1, **{**MALAWI, "multiples_broken_rows_allowed": 0}
        )
    assert [fault.what for fault in caught.value.faults] == [
        "its text and its 0/1 columns differ in 18 records, 0 are allowed"
    ]


def test_malawi_without_its_missing_codes_is_refused_with_all_faults(read):
    with pytest.raises(DataError) as caught:
        read("iom_dtm_malawi_survey.csv", "mobility_tracking_malawi", 1, format="csv")
    assert "differ in 18 records" in str(caught.value)


@pytest.mark.parametrize("day", IRAQ)
def test_iraq(read, shared, day):
    """Three rounds of a master list without a header row."""
    number, records = IRAQ[day]
    name = f"iraq2014_DTM_Dataset_{day}.csv"
    header = shared / "data" / "dtm" / "iraq2014_HEADER_41cols.txt"
    layout = {"format": "csv", "header_row": None, "names_file": header}
    table, summary = read(name, "mobility_tracking_iraq", number, **layout)
    before = raw(shared, name, header=None, names=header.read_text().split("\n"))
    assert (len(table), summary["columns"], summary["variables_absent"]) == (records, 41, 0)
    assert (table.rows["round"] == number).all()
    assert (table.rows["num_families"] == pd.to_numeric(before["Master.Families"].str.replace(",", ""))).all()
    assert summary["links"][0]["checked"] == records
    assert summary["links"][0]["broken"] <= 1
    assert table.rows["displacement_date"].notna().all()


def test_iraq_read_as_if_it_had_a_header_tells_none_of_it(read, shared):
    name = "iraq2014_DTM_Dataset_18082014.csv"
    with pytest.raises(DataError) as caught:
        read(name, "mobility_tracking_iraq", 4, format="csv")
    first = raw(shared, name, header=None, nrows=1).iloc[0]
    told = str(caught.value).replace(str(shared), "").replace(name, "")
    assert not [cell for cell in first if len(cell) > 3 and cell in told]


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("ukraine_DTM_Ukraine_Zakarpatska_AreaBaseline_5_15_April_2022_0.csv", "have no entry"),
        ("hdx-dtm-global-iom-dtm-from-api-admin-0-to-2.csv", "have no entry"),
        ("hdx-dtm-displacement-admin2-admin0pcode-tcd.json", "does not end in"),
    ],
)
def test_a_file_of_another_shape_is_refused(read, name, words):
    with pytest.raises(DataError, match=words):
        read(name, "mobility_tracking_malawi", 1, format="csv")
