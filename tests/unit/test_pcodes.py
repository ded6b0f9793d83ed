"""Places held against the official list: codes, lengths, names, and what lies within what."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from ingest_cases import extract

from sdc.dictionary import Geography, Variable, parse_dictionary
from sdc.errors import DataError, DictionaryError
from sdc.ingest.assemble import assemble
from sdc.pcodes import PlacesCheck, bare_name, check_places, read_places, with_places
from sdc.samples.country import CODE, Country

LIST = """Location,Admin Level,P-Code,Name,Parent P-Code,Valid from date,Other names
#country+code,#geo+admin_level,#adm+code,#adm+name,#adm+code+parent,#date+start,
AAA,1,AAA01,Nörth,AAA,2020-01-01,Nord|The North
AAA,1,AAA02,South,AAA,2020-01-01,
AAA,2,AAA0101,Goca Town,AAA01,2020-01-01,
AAA,2,AAA0102,Roti,AAA01,2020-01-01,
AAA,2,AAA0201,Muro,AAA02,2020-01-01,
AAA,3,AAA010101,,AAA0101,2020-01-01,
BBB,1,BBB01,Elsewhere,BBB,2020-01-01,
"""
DICTIONARY = """
component: camp
version: 1.0.0
title: {en: Camp}
unit: location
variables:
  - {name: adm0, type: code, role: key, open_codes: true, geography: admin0}
  - {name: adm1, type: code, role: key, open_codes: true, geography: admin1, follows: adm0}
  - {name: adm1_name, type: code, role: key, open_codes: true, geography: admin1, follows: adm1}
  - {name: adm2, type: code, role: key, open_codes: true, geography: admin2, follows: adm1}
  - {name: origin, type: code, role: key, open_codes: true, geography: admin1}
  - {name: people, type: integer, role: count}
"""
COLUMNS = ["adm0", "adm1", "adm1_name", "adm2", "origin", "people"]
GOOD = [["AAA", "AAA01", "nord", "AAA0101", "AAA02", "5"], ["AAA", "AAA02", "SOUTH", "AAA0201", "", "6"]]


@pytest.fixture
def listed(tmp_path) -> Path:
    path = tmp_path / "aaa.csv"
    path.write_text(LIST, encoding="utf-8")
    return path


def held(listed: Path, *rows: list[str], **check: object):
    """Ingest of rows against the list: table and the report by column."""
    extracted = extract().model_copy(update={"places": PlacesCheck(file=listed, **check)})
    frame = pd.DataFrame(list(rows), columns=COLUMNS, dtype="str")
    table, summary = assemble(frame, extracted, parse_dictionary(DICTIONARY, "camp"), "raw.csv")
    return table, {row["column"]: row for row in summary["places"]}


def refused(listed: Path, *rows: list[str], **check: object) -> str:
    with pytest.raises(DataError) as fault:
        held(listed, *rows, **check)
    return str(fault.value)


def changed(column: str, value: str) -> list[str]:
    row = list(GOOD[0])
    row[COLUMNS.index(column)] = value
    return row


def test_a_good_file_passes_and_its_places_are_counted(listed):
    table, report = held(listed, *GOOD)
    assert len(table) == 2
    assert report["adm1"] == {
        "column": "adm1", "level": 1, "records": 2, "unknown": 0, "wrong_length": 0, "other_level": 0,
        "names_differ": 0, "not_nested": 0, "several": 0,
    }  # fmt: skip
    assert report["origin"]["records"] == 1 and report["origin"]["names_differ"] is None
    assert "adm1_name" not in report


def test_without_a_declared_list_nothing_is_checked():
    frame = pd.DataFrame([changed("adm1", "nowhere")], columns=COLUMNS, dtype="str")
    _, summary = assemble(frame, extract(), parse_dictionary(DICTIONARY, "camp"), "raw.csv")
    assert summary["places"] == []


def test_a_code_cut_short_is_told_from_one_of_another_level_and_one_that_is_not_there(listed):
    told = refused(listed, *GOOD, changed("adm1", "AA01"), changed("adm1", "AAA0101"), changed("adm1", "AAA09"))
    assert (
        "`adm1`: 3 of 5 records hold no p-code of admin 1: 1 have another length than 5, 1 are of another level" in told
    )


def test_unknown_codes_pass_as_far_as_the_extract_allows(listed):
    _, report = held(listed, *GOOD, changed("origin", "AA1"), unknown_rows_allowed=1)
    assert report["origin"]["unknown"] == report["origin"]["wrong_length"] == 1
    assert "1 of 2 records" in refused(listed, changed("origin", "AA1"), GOOD[0], unknown_rows_allowed=0)


@pytest.mark.parametrize("name", ["Nörth", "north", "NORD", "the-north", "N O R T H"])
def test_names_are_compared_without_case_accents_and_signs(listed, name):
    held(listed, changed("adm1_name", name))


def test_a_name_that_is_not_the_codes_is_counted(listed):
    told = refused(listed, *GOOD, changed("adm1_name", "Nort"))
    assert "`adm1_name`: 1 records hold another name than that of `adm1`, 0 are allowed" in told
    _, report = held(listed, *GOOD, changed("adm1_name", "Nort"), names_rows_allowed=1)
    assert report["adm1"]["names_differ"] == 1


def test_areas_that_do_not_nest_are_counted(listed):
    told = refused(listed, *GOOD, changed("adm2", "AAA0201"))
    assert "`adm2`: 1 records lie outside their `adm1`, 0 are allowed" in told
    assert held(listed, *GOOD, changed("adm2", "AAA0201"), nesting_rows_allowed=1)[1]["adm2"]["not_nested"] == 1


def test_an_area_of_another_country_is_outside(listed):
    assert "outside their `adm0`" in refused(listed, ["AAA", "BBB01", "Elsewhere", "", "", "5"])
    assert "`adm1`: 1 of 1 records hold no p-code" in refused(listed, ["AAA", "BBB01", "", "", "", "5"], country="AAA")


@pytest.mark.parametrize("cell", ["AAA01 AAA02", "AAA01,AAA02", "AAA01; AAA02", "AAA01/AAA02"])
def test_several_codes_in_a_cell_are_refused_or_cut_as_declared(listed, cell):
    assert "`origin`: 1 records hold several p-codes" in refused(listed, *GOOD, changed("origin", cell))
    table, report = held(listed, *GOOD, changed("origin", cell), several="first")
    assert report["origin"]["several"] == 1
    assert list(table.rows["origin"].fillna("")) == ["AAA02", "", "AAA01"]


def test_all_faults_of_all_columns_are_told_at_once_and_hold_no_value(listed):
    told = refused(listed, ["AAA", "Qanari1", "Qanari2", "AAA0201", "Qanari3", "5"], GOOD[0])
    assert told.count("hold no p-code") == 2
    assert "Qanari" not in told


def test_columns_can_be_named(listed):
    held(listed, changed("origin", "not a p-code"), columns=("adm1", "adm2"))
    with pytest.raises(DictionaryError, match="`people` is no variable with an admin area"):
        held(listed, *GOOD, columns=("people",))


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("a,b\n", "no column for the country"),
        (LIST + "AAA,1,AAA01,Again,AAA,,\n", "1 rows hold a code that stands twice"),
        (LIST + "AAA,3,AAA030101,X,AAA0301,,\n", "1 rows have a parent that is not in the list"),
        (LIST + "AAA,x,AAA05,X,AAA,,\n", "1 rows have no code, or a level that is no number"),
        (LIST.splitlines()[0] + "\n", "holds no places"),
    ],
)
def test_a_list_that_contradicts_itself_is_refused(tmp_path, text, what):
    path = tmp_path / "list.csv"
    path.write_text(text, encoding="utf-8-sig")
    with pytest.raises(DictionaryError, match=what):
        read_places(path)


def test_the_hierarchy_of_a_variable_is_built_from_the_list(listed):
    variable = Variable(name="adm3", type="code", role="key", open_codes=True, geography="admin3")
    found = with_places(variable, read_places(listed, "AAA"))
    assert list(found.codes) == ["AAA010101"] and not found.open_codes
    assert [(level.name, level.map) for level in found.hierarchy] == [
        ("admin2", {"AAA010101": "AAA0101"}),
        ("admin1", {"AAA0101": "AAA01"}),
    ]
    second = with_places(variable.model_copy(update={"geography": Geography.ADMIN2}), read_places(listed, "AAA"))
    assert second.hierarchy[0].map == {"AAA0101": "AAA01", "AAA0102": "AAA01", "AAA0201": "AAA02"}
    assert second.codes["AAA0101"] == {"en": "Goca Town"}
    with pytest.raises(DictionaryError, match="is no code of an admin area"):
        with_places(variable.model_copy(update={"geography": Geography.SITE}), read_places(listed, "AAA"))


def test_names_of_other_scripts_are_levelled_too():
    assert bare_name("Al-Ḥasakah") == bare_name("al hasakah")
    assert bare_name("أربيل") == bare_name("اربيل")
    assert bare_name("Goca") != bare_name("Gocas")


def test_the_shipped_list_is_that_of_the_country_of_the_samples(repo):
    country = Country.drawn(np.random.default_rng([20261122, 0]))
    rows = {}
    columns = (country.admin1, country.admin1_name, country.admin2, country.admin2_name, country.admin3)
    for admin1, name1, admin2, name2, admin3 in zip(*columns, strict=True):
        rows |= {admin1: (1, name1, CODE), admin2: (2, name2, admin1), admin3: (3, "", admin2)}
    order = sorted((level, code, name, parent) for code, (level, name, parent) in rows.items())
    lines = (f"{CODE},{level},{code},{name},{parent}\n" for level, code, name, parent in order)
    text = "Location,Admin Level,P-Code,Name,Parent P-Code\n" + "".join(lines)
    assert (repo / "codes" / "zzz.csv").read_text(encoding="utf-8") == text


@pytest.mark.shared
def test_the_global_list_and_the_dtm_api_export(shared):
    """The export marks "not available" as a code in one column; all other p-codes stand in the list, or are counted."""
    places = read_places(shared / "data" / "codes" / "hdx-dtm-download-global-pcodes-adm-1-2.csv")
    assert sum(len(codes) for level, codes in places.levels.items() if level) == 33_363
    assert places.lengths(1) and places.around("TCD0101", 1) == "TCD01"
    rows = pd.read_csv(
        shared / "data" / "dtm" / "hdx-dtm-global-iom-dtm-from-api-admin-0-to-2.csv",
        skiprows=[1],
        dtype=str,
        keep_default_na=False,
    )
    kinds = {"admin1Pcode": "admin1", "admin1Name": "admin1", "admin2Pcode": "admin2"}
    leads = {"admin1Name": "admin1Pcode", "admin2Pcode": "admin1Pcode"}
    variables = [
        Variable(name=name, type="code", role="key", open_codes=True, geography=level, follows=leads.get(name))
        for name, level in kinds.items()
    ]
    columns = {name: rows[name].mask(rows[name] == "") for name in kinds}
    faults, report = check_places(columns, variables, places, PlacesCheck(file=Path("x")), "export")
    told = {row["column"]: row for row in report}
    assert told["admin1Pcode"]["records"] > 10_000
    assert all(row["unknown"] <= 0.2 * row["records"] for row in report)
    assert all(str(code) not in str(faults) for code in columns["admin1Pcode"].dropna().unique())
