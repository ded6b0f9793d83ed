"""Real files that nobody has described: a draft that reads them, or a refusal that says why; no cell is printed."""

import functools
import re
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from sdc.cli import app
from sdc.drafts import draft
from sdc.errors import DataError
from sdc.ingest import Extract, ingest

pytestmark = pytest.mark.shared

READ = {  # file: records, columns, links, families; None: whatever it is
    "dtm/iom_dtm_malawi_survey.csv": (776, 151, 3, 3),
    "dtm/iraq2014_DTM_Dataset_18082014.csv": (2077, 41, 1, 0),
    "dtm/iraq2014_DTM_Dataset_01092014.csv": (2488, 41, 1, 0),
    "dtm/iraq2014_DTM_Dataset_14092014.csv": (2586, 41, 1, 0),
    "dtm/ukraine_DTM_Ukraine_Zakarpatska_AreaBaseline_5_15_April_2022_0.csv": (58, 12, 0, 0),
    "dtm/hdx-dtm-global-iom-dtm-from-api-admin-0-to-2.csv": (13367, 21, 1, 0),
    "dtm/hdx-dtm-displacement-admin2-admin0pcode-hti.json": (1384, 19, 1, 0),
    "dtm/hdx-dtm-displacement-admin2-admin0pcode-tcd.json": (145, 19, 1, 0),
    "kobo/reach_2024_msna_dummy_raw_data.xlsx": (241, 367, 0, 16),
    "kobo/koboloadeR_MainDataFrame.csv": (381, 243, 0, 0),
    "kobo/irq_wash_kobo_choices.csv": (1717, 5, 0, 0),
    "cases/ctdc_synthetic_2025_northamerica_subset.csv": (91043, 19, 0, 0),
    "adult/adult.csv": (30162, 9, 0, 0),
    "records/testdata.csv": (4580, 15, 0, 0),
    "hxl/hxl_test_input-multiple-headers.csv": (2, 4, 0, 0),
    "hxl/hxl_test_input-valid.csv": (4, 9, 0, 0),
    "hxl/hxl_test_input-valid-latin1.csv": (4, 9, 0, 0),
    "hxl/hxl_test_input-merged.xlsx": (4, 9, 0, 0),
    "hxl/hxl_test_input-quality.xlsx": (4, 9, 0, 0),
    "hxl/hxl_test_wide-tagging.csv": (1, 192, 0, 0),
}
REFUSED = {
    "hxl/hxl_test_input-fuzzy.csv": "rows do not have 8 columns as the header has",
    "hxl/hxl_test_input-untagged.csv": "rows do not have 8 columns as the header has",
    "kobo/reach_2024_msna_kobo_tool_v11.xlsx": "is an XLSForm",
    "kobo/reach_somalia_DSA_site_assessment_xlsform_v7.xlsx": "is an XLSForm",
    "kobo/koboloadeR_form.xls": "is an XLSForm",
}
PRINTED = (
    "dtm/iom_dtm_malawi_survey.csv",
    "dtm/iraq2014_DTM_Dataset_14092014.csv",
    "kobo/koboloadeR_MainDataFrame.csv",
    "dtm/hdx-dtm-displacement-admin2-admin0pcode-tcd.json",
    "hxl/hxl_test_input-valid.csv",
)


@functools.cache
def drafted(path):
    """One draft a file for all tests."""
    return draft(path, component="x")


@pytest.mark.parametrize("name", READ)
def test_the_draft_reads_the_file(shared, name):
    path = shared / "data" / name
    made = drafted(path)
    links = made.dictionary.links
    assert (made.records, len(made.columns), len(links), len(made.families)) == READ[name]
    table, summary = ingest(path, Extract(component="x", round=1, path=path, layout=made.layout), made.confirmed)
    assert len(table) == made.records
    assert all(link["broken"] <= 0.01 * link["checked"] for link in summary["links"])


@pytest.mark.parametrize("name", REFUSED)
def test_a_file_that_is_refused_says_why(shared, name):
    with pytest.raises(DataError, match=REFUSED[name]):
        draft(shared / "data" / name, component="x")


def test_what_is_known_of_malawi_and_iraq_is_found(shared):
    malawi = {link.members for link in drafted(shared / "data" / next(iter(READ))).dictionary.links}
    assert ("m0310_loc_num_idp_ind", "m1536_loc_num_arrival_ind_period") in malawi
    assert any(m[0] == "m0310_loc_num_idp_ind" and len(m) == 4 for m in malawi)
    header = shared / "data" / "dtm" / "iraq2014_HEADER_41cols.txt"
    iraq = draft(shared / "data" / "dtm" / "iraq2014_DTM_Dataset_14092014.csv", component="x", names_file=header)
    (link,) = iraq.dictionary.links
    assert (link.total, len(link.parts), link.broken_rows_allowed) == ("Master.Families", 13, 0)


@pytest.mark.parametrize("name", PRINTED)
def test_no_cell_is_printed(shared, tmp_path, monkeypatch, name, repo):
    monkeypatch.setenv("COLUMNS", "400")
    path = shared / "data" / name
    made = drafted(path)
    monkeypatch.setattr("sdc.drafts.draft", lambda *_, **__: made)
    told = ""
    for option in ((), ("--json",)):
        result = CliRunner().invoke(app, ["inspect", str(path), "--component", "x", "--root", str(tmp_path), *option])
        assert result.exit_code == 0, result.output
        told += result.output
    assert len(told) > 50 * len(made.columns)
    words = {
        repo / "src" / "sdc" / "cli_ingest.py",
        *(repo / "src/sdc/drafts").glob("*.py"),
        *(repo / "src/sdc/forms").glob("*.py"),
    }
    ours = (
        " ".join(path.read_text() for path in words).casefold()
        + " ".join(made.frame.columns).casefold()
        + name.casefold()
    )
    for column in made.frame:
        for cell in made.frame[column].drop_duplicates():
            if len(cell) >= 6 and cell in told:
                assert cell.casefold() in ours or re.fullmatch(r"[0-9.,]+", cell), column


@pytest.mark.skipif(sys.platform == "win32", reason="terminals")
def test_cells_are_shown_on_a_terminal_only(shared, tmp_path):
    path: Path = shared / "data" / "records" / "testdata.csv"
    result = CliRunner().invoke(app, ["inspect", str(path), "--show-values", "--root", str(tmp_path)])
    assert isinstance(result.exception, DataError)
    assert "needs a terminal" in str(result.exception)
