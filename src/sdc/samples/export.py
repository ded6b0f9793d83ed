"""Columns to the files that people send: CSV, and the workbook of a Kobo export."""

from datetime import UTC, datetime
from pathlib import Path

import pandas as pd
import xlsxwriter

from sdc.files import appearing
from sdc.samples.draws import Columns

_HASHTAGS = {
    "m0489_meta_survey_round": "#meta+round",
    "m1855_meta_assessment_date": "#date+reported",
    "m0302_meta_adm0_pcode": "#country+code",
    "m0303_meta_adm1_pcode": "#adm1+code",
    "m0304_meta_adm2_pcode": "#adm2+code",
    "m0445_loc_site_id_ssid": "#loc+code",
    "m0448_loc_site_name": "#loc+name",
    "population/hh": "#affected+idps+hh",
    "population/ind": "#affected+idps+ind",
}


def write_csv(path: Path, columns: Columns, *, separator: str = ",", encoding: str = "utf-8") -> Path:
    """Write text columns as CSV, whole or not at all, readable by the owner only."""
    with appearing(path) as unfinished:
        frame = pd.DataFrame(columns, copy=False)
        frame.to_csv(unfinished, sep=separator, encoding=encoding, index=False, lineterminator="\n")
    return path


def write_workbook(path: Path, columns: Columns, *, sheet: str, title: str) -> Path:
    """Write text columns as a workbook: a title, the header, a row of HXL hashtags, the data; counts as numbers."""
    with appearing(path) as unfinished:
        book = xlsxwriter.Workbook(unfinished, {"strings_to_urls": False, "in_memory": True})
        book.set_properties({"created": datetime(2026, 11, 22, tzinfo=UTC).replace(tzinfo=None)})
        page = book.add_worksheet(sheet)
        page.write_string(0, 0, title)
        for place, (name, cells) in enumerate(columns.items()):
            page.write_string(1, place, name)
            page.write_string(2, place, _HASHTAGS.get(name, ""))
            counted = "_num_" in name or name.startswith("population/")
            for row, cell in enumerate(cells, start=3):
                if counted and cell.isdigit():
                    page.write_number(row, place, int(cell))
                elif cell:
                    page.write_string(row, place, cell)
        book.close()
    return path
