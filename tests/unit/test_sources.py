"""Every format gives the same text; header lines, repeat groups, labels and databases are read as declared."""

import json
import sqlite3
import sys
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pyreadstat
import pytest
import sqlalchemy as sa
from ingest_cases import CANARY, dictionary, extract

from sdc.errors import DataError, DictionaryError
from sdc.ingest import ingest, sandbox
from sdc.ingest.layout import Layout
from sdc.ingest.peek import peek
from sdc.ingest.read import open_source

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "hostile"))

from forged import cells, ods_cells, ods_parts, xls, xlsx_parts, zipped

TABLE = [["place", "people", "share"], ["Á-1", "12", "0.5"], ["B-2", "", "3"], ["C-3", "-7", "1000000"]]
NUMBERS: list[list[object]] = [TABLE[0], ["Á-1", 12.0, 0.5], ["B-2", None, 3.0], ["C-3", -7.0, 1e6]]
FRAME = pd.DataFrame(NUMBERS[1:], columns=TABLE[0]).astype({"people": float, "share": float})


def database(path: Path) -> None:
    held = sqlite3.connect(path)
    FRAME.to_sql("t", held, index=False)
    held.close()


def write(folder: Path, kind: str) -> Path:
    """The table as a file of one format."""
    path = folder / f"raw.{kind}"
    if kind == "csv":
        path.write_text("\n".join(",".join(row) for row in TABLE))
    elif kind == "xlsx":
        body = "".join(
            "<row>" + "".join(f"<c><v>{c}</v></c>" if isinstance(c, float) else cell(c) for c in row) + "</row>"
            for row in NUMBERS
        )
        path.write_bytes(zipped(xlsx_parts(body)))
    elif kind == "xls":
        path.write_bytes(xls([["" if c is None else c for c in row] for row in NUMBERS]))
    elif kind == "ods":
        path.write_bytes(zipped(ods_parts(ods_cells(TABLE)), stored=("mimetype",)))
    elif kind == "json":
        rows = [dict(zip(TABLE[0], row, strict=True)) for row in NUMBERS[1:]]
        path.write_text(json.dumps({"page": {"result": rows}}))
    elif kind == "parquet":
        pq.write_table(pa.Table.from_pandas(FRAME), path)
    elif kind == "sav":
        pyreadstat.write_sav(FRAME, path)
    elif kind == "dta":
        pyreadstat.write_dta(FRAME, path)
    return path


def cell(text: object) -> str:
    return "<c/>" if text is None else f'<c t="inlineStr"><is><t>{text}</t></is></c>'


MORE = {"json": {"records": "page.result"}}


@pytest.mark.parametrize("kind", ["csv", "xlsx", "xls", "ods", "json", "parquet", "sav", "dta"])
def test_every_format_gives_the_same_text(tmp_path, kind):
    path = write(tmp_path, kind)
    frame, told = open_source(path, Layout(format=kind, **MORE.get(kind, {})))
    assert [list(frame.columns), *frame.to_numpy().tolist()] == TABLE
    assert told["format"] == kind
    assert (told["empty_rows"], told["empty_columns"]) == (0, 0)


@pytest.mark.parametrize("kind", ["csv", "xlsx", "xls", "ods", "json", "parquet", "sav", "dta"])
def test_peek_recognises_each_by_its_content(tmp_path, kind):
    seen = peek(write(tmp_path, kind), rows=2)
    assert seen.format == kind
    assert len(seen.grids) == 1
    assert seen.grids[0].rows[0] == tuple(TABLE[0])
    assert seen.grids[0].rows[1] == tuple(TABLE[1])
    assert seen.grids[0].height == 4
    assert seen.grids[0].named is (kind in ("json", "parquet", "sav", "dta"))
    assert seen.records == ("page.result" if kind == "json" else None)


@pytest.mark.parametrize("kind", ["xlsx", "ods", "json", "parquet", "sav"])
def test_a_wrong_extension_is_a_fault_that_says_so(tmp_path, kind):
    path = write(tmp_path, kind).rename(tmp_path / "raw.csv")
    for read in (peek, lambda p: open_source(p, Layout(format="csv"))):
        with pytest.raises(DataError, match="the content is"):
            read(path)


@pytest.mark.parametrize(
    ("encoding", "text"),
    [
        ("utf-8", "é"),
        ("utf-16", "é"),
        ("windows-1256", "المحافظة,القضاء\nالأنبار,الرمادي\nنينوى,الموصل\nمخيم النازحين,بغداد\n"),
        ("windows-1251", "Область,Район\nКиївська,Бориспіль\nХарківська,Ізюм\nпереміщені особи,Львів\n"),
        ("windows-1254", "İl,İlçe\nŞanlıurfa,Haliliye\nGaziantep,Şahinbey\nDiyarbakır,Bağlar\n"),
        ("windows-1250", "Województwo,Miejscowość\nŚląskie,Częstochowa\nŁódzkie,Łódź\nŹródło,Kraków\n"),
        ("windows-1252", "Région,Département\nExtrême-Nord,Logone\nÉvénement,Déplacés à cause\nÀ côté,été\n"),
    ],
)
@pytest.mark.parametrize("separator", [",", ";", "\t", "|"])
def test_encoding_and_separator_are_sniffed(tmp_path, encoding, text, separator):
    path = tmp_path / "raw.csv"
    path.write_bytes((f"a{separator}b\n" * 3 + text.replace(",", separator)).encode(encoding))
    seen = peek(path)
    assert (seen.encoding, seen.separator) == (encoding, separator)


@pytest.mark.parametrize("kind", ["csv", "xlsx"])
def test_two_header_lines_become_one(tmp_path, kind):
    rows = [
        ["Title", "", "", ""],
        ["Place", "People", "", ""],
        ["", "men", "women", "men (est.)"],
        ["x", "1", "2", "3"],
    ]
    path = tmp_path / f"raw.{kind}"
    if kind == "csv":
        path.write_text("\n".join(",".join(row) for row in rows))
    else:
        path.write_bytes(zipped(xlsx_parts(cells(rows))))
    frame, _ = open_source(path, Layout(format=kind, header_rows=[2, 3]))
    assert list(frame.columns) == ["Place", "People / men", "People / women", "People / men (est.)"]
    assert frame.to_numpy().tolist() == [["x", "1", "2", "3"]]


def book(tmp_path: Path, people: list[list[str]]) -> Path:
    """A Kobo export: households, their members, and the members' documents."""
    parts = xlsx_parts(cells([["hh", "camp", "_index"], ["h1", "A", "1"], ["h2", "B", "2"], ["h3", "B", "3"]]))
    main = str(parts["xl/workbook.xml"])
    parts["xl/workbook.xml"] = main.replace(
        "</sheets>", '<sheet name="people " sheetId="2" r:id="r2"/><sheet name="docs" sheetId="3" r:id="r3"/></sheets>'
    )
    links = str(parts["xl/_rels/workbook.xml.rels"])
    for number, rows in ((2, people), (3, [["doc", "_parent_index"], ["card", "1"], ["pass", "1"], ["card", "3"]])):
        one = links.split("<Relationship ")[1].split("/>")[0].replace("r1", f"r{number}")
        parts["xl/_rels/workbook.xml.rels"] = str(parts["xl/_rels/workbook.xml.rels"]).replace(
            "</Relationships>", f"<Relationship {one.replace('sheet1', f'sheet{number}')}/></Relationships>"
        )
        parts[f"xl/worksheets/sheet{number}.xml"] = str(parts["xl/worksheets/sheet1.xml"]).split("<sheetData>")[0] + (
            f"<sheetData>{cells(rows)}</sheetData></worksheet>"
        )
    path = tmp_path / "raw.xlsx"
    path.write_bytes(zipped(parts))
    return path


PEOPLE = [["age", "_index", "_parent_index"], ["30", "1", "1"], ["5", "2", "1"], [CANARY, "3", "3"]]


def test_a_repeat_is_joined_to_its_parents(tmp_path):
    layout = Layout(format="xlsx", sheet="data", repeat={"sheet": "people"})
    frame, told = open_source(book(tmp_path, PEOPLE), layout)
    assert list(frame.columns) == ["hh", "camp", "age", "_index", "_parent_index"]
    assert frame[["hh", "age"]].to_numpy().tolist() == [["h1", "30"], ["h1", "5"], ["h3", CANARY]]
    assert told["parents_without_repeats"] == [1]


def test_a_repeat_within_a_repeat(tmp_path):
    repeats = [{"sheet": "people", "columns": ["hh"]}, {"sheet": "docs", "columns": ["hh", "age"]}]
    frame, told = open_source(book(tmp_path, PEOPLE), Layout(format="xlsx", sheet="data", repeat=repeats))
    assert list(frame.columns) == ["hh", "age", "doc", "_parent_index"]
    assert frame.to_numpy().tolist() == [
        ["h1", "30", "card", "1"],
        ["h1", "30", "pass", "1"],
        ["h3", CANARY, "card", "3"],
    ]
    assert told["parents_without_repeats"] == [1, 1]


@pytest.mark.parametrize(
    ("people", "repeat", "words"),
    [
        ([*PEOPLE, [CANARY, "4", "9"]], {}, "1 of 4 repeats have no parent"),
        ([*PEOPLE, [CANARY, "4", ""]], {}, "1 of 4 repeats have no parent"),
        (PEOPLE, {"parent": "camp"}, "2 of 3 rows above a repeat share their index"),
        (PEOPLE, {"child": "nobody"}, "has no column `nobody`"),
        (PEOPLE, {"columns": ["nothing"]}, "has no column `nothing`"),
        ([["hh", "_index", "_parent_index"], [CANARY, "1", "1"]], {}, "1 columns stand in a repeat and in the table"),
    ],
)
def test_a_broken_join_is_counted_and_refused(tmp_path, people, repeat, words):
    layout = Layout(format="xlsx", sheet="data", repeat={"sheet": "people", **repeat})
    with pytest.raises(DataError) as refused:
        open_source(book(tmp_path, people), layout)
    assert words in str(refused.value)
    assert CANARY not in str(refused.value)


def test_a_repeat_in_a_further_file(tmp_path):
    (tmp_path / "main.csv").write_text("hh,_index\nh1,1\nh2,2\n")
    (tmp_path / "people.csv").write_text("age,_parent_index\n30,2\n31,2\n")
    layout = Layout(format="csv", repeat={"file": "people.csv"})
    frame, _ = open_source(tmp_path / "main.csv", layout)
    assert frame[["hh", "age"]].to_numpy().tolist() == [["h2", "30"], ["h2", "31"]]


@pytest.mark.parametrize("wanted", ["codes", "labels"])
def test_value_labels_and_declared_missing_codes_of_spss(tmp_path, wanted):
    path = tmp_path / "raw.sav"
    frame = pd.DataFrame({"sex": [1.0, 2.0, 9.0], "age": [3.0, 4.0, -99.0]})
    pyreadstat.write_sav(
        frame,
        path,
        column_labels=["Sex of head", "Age"],
        variable_value_labels={"sex": {1.0: "female", 2.0: "male"}},
        missing_ranges={"age": [-99.0]},
    )
    kept, _ = open_source(path, Layout(format="sav", value_labels=wanted))
    assert kept["sex"].tolist() == (["1", "2", "9"] if wanted == "codes" else ["female", "male", "9"])
    assert kept["age"].tolist() == ["3", "4", "-99"]
    blank, _ = open_source(path, Layout(format="sav", user_missing="blank"))
    assert blank["age"].tolist() == ["3", "4", ""]
    seen = peek(path).grids[0]
    assert seen.labels["sex"] == "Sex of head"
    assert seen.value_labels["sex"] == {"1": "female", "2": "male"}
    assert seen.missing_ranges == {"age": [["-99", "-99"]]}


def test_dates_and_truth_values_of_parquet(tmp_path):
    path = tmp_path / "raw.parquet"
    days = pd.to_datetime(["2024-05-06", "9999-12-31"]).astype("datetime64[us]")
    frame = pd.DataFrame({"day": days, "at": days + pd.Timedelta(hours=5), "yes": [True, False], "x": ["a", None]})
    frame["level"] = pd.Categorical(["b", "c"])
    frame["small"] = pd.Series([0.1, 2.0], dtype="float32")
    pq.write_table(pa.Table.from_pandas(frame), path)
    read, _ = open_source(path, Layout(format="parquet"))
    assert read.iloc[0].tolist() == ["2024-05-06", "2024-05-06 05:00:00", "TRUE", "a", "b", "0.1"]
    assert read.iloc[1].tolist() == ["9999-12-31", "9999-12-31 05:00:00", "FALSE", "", "c", "2"]


LABELS = """
component: camp
version: 1.0.0
title: {en: Camp}
unit: household
variables:
  - {name: sex, type: code, role: key, codes: {f: {en: Female, ar: أنثى}, m: {en: Male, ar: ذكر}}}
  - {name: needs, type: codes, role: sensitive,
     codes: {food: {en: Food}, water: {en: Water}, nfi: {en: Non food items}}}
"""


def test_labels_become_codes(tmp_path):
    path = tmp_path / "raw.csv"
    path.write_text("sex,needs\nFemale,Food Water\nذكر,Non food items Food\nf,food nfi\n male ,\n")
    table, _ = ingest(path, extract(values="labels"), dictionary(LABELS))
    assert table.rows["sex"].tolist() == ["f", "m", "f", "m"]
    assert table.rows["needs"].tolist()[:3] == ["food water", "food nfi", "food nfi"]  # in the order of the dictionary


def test_a_text_that_is_no_label_or_two_is_counted_and_refused(tmp_path):
    path = tmp_path / "raw.csv"
    path.write_text(f"sex,needs\n{CANARY},Food\nFemale,Food {CANARY}\n")
    with pytest.raises(DataError) as refused:
        ingest(path, extract(values="labels"), dictionary(LABELS))
    assert str(refused.value).count("1 of 2 records hold no label") == 2
    assert CANARY not in str(refused.value)
    twice = LABELS.replace("Male,", "Female,")
    with pytest.raises(DictionaryError, match="codes `f`, `m` have the same label"):
        ingest(path, extract(values="labels"), dictionary(twice))


URL = "SDC_TEST_URL"


def sql(query: str) -> Layout:
    return Layout(format="sql", url_from=URL, query=query)


def test_sqlite_is_read_and_never_written(tmp_path, monkeypatch):
    path = tmp_path / "x.db"
    database(path)
    monkeypatch.setenv(URL, f"sqlite:///{path}")
    frame, told = open_source(tmp_path / "x.sql", sql("SELECT place, people, share FROM t ORDER BY place DESC;"))
    assert [list(frame.columns), *sorted(frame.to_numpy().tolist())] == [TABLE[0], *sorted(TABLE[1:])]
    assert told["format"] == "sql"
    before = path.read_bytes()
    for query in ("SELECT 1; DELETE FROM t", "WITH a AS (SELECT 1) DELETE FROM t", "UPDATE t SET people = 0"):
        with pytest.raises(DataError, match="query"):
            open_source(tmp_path / "x.sql", sql(query))
    assert path.read_bytes() == before
    monkeypatch.setenv(URL, f"sqlite:///{tmp_path / 'absent.db'}")
    with pytest.raises(DataError, match="no such file"):
        open_source(tmp_path / "x.sql", sql("SELECT 1 AS a"))
    assert not (tmp_path / "absent.db").exists()


def test_a_query_in_a_file(tmp_path, monkeypatch):
    database(tmp_path / "x.db")
    monkeypatch.setenv(URL, f"sqlite:///{tmp_path / 'x.db'}")
    (tmp_path / "q.sql").write_text(
        "-- who is where; as collected\nSELECT place AS \"update\" FROM t WHERE place <> ';'"
    )
    frame, _ = open_source(tmp_path / "q.sql", Layout(format="sql", url_from=URL))
    assert frame.columns.tolist() == ["update"]


def test_postgresql_is_read_and_never_written(postgres_database, monkeypatch, tmp_path):
    engine = sa.create_engine(postgres_database, poolclass=sa.NullPool)
    with engine.begin() as held:
        held.execute(sa.text("CREATE TABLE t (place text, people int, share numeric, day date, at timestamp, ok bool)"))
        held.execute(sa.text("INSERT INTO t SELECT 'Á-' || n, n, n / 4.0, DATE '2024-05-06', NULL, TRUE "
                             "FROM generate_series(1, 25000) AS n"))  # fmt: skip
        held.execute(
            sa.text("CREATE FUNCTION wipe() RETURNS int LANGUAGE plpgsql AS 'BEGIN DELETE FROM t; RETURN 1; END'")
        )
    monkeypatch.setenv(URL, postgres_database)
    frame, _ = open_source(tmp_path / "x.sql", sql("SELECT * FROM t ORDER BY people"))
    assert len(frame) == 25_000
    assert frame.iloc[1].tolist()[:2] == ["Á-2", "2"]
    assert float(frame.iloc[1]["share"]) == 0.5
    assert frame.iloc[1].tolist()[3:] == ["2024-05-06", "", "TRUE"]
    for query in ("SELECT wipe()", "SELECT * INTO u FROM t", f"SELECT '{CANARY}'::int", "SELECT * FROM absent"):
        with pytest.raises(DataError) as refused:
            open_source(tmp_path / "x.sql", sql(query))
        assert CANARY not in str(refused.value)
        assert postgres_database.split(":")[2].split("@")[0] not in str(refused.value)
    with engine.connect() as held:
        assert held.execute(sa.text("SELECT count(*) FROM t")).scalar() == 25_000


@pytest.mark.parametrize("url", ["", "nonsense", "mysql://u:secret@h/d", f"postgresql://u:{CANARY}@127.0.0.1:1/d"])
def test_a_url_is_never_told(tmp_path, monkeypatch, url):
    monkeypatch.setenv(URL, url)
    with pytest.raises(DataError) as refused:
        open_source(tmp_path / "x.sql", sql("SELECT 1 AS a"))
    assert not {CANARY, "secret", "nonsense"} & set(str(refused.value).replace("/", " ").replace(":", " ").split())


def test_a_url_from_the_keyring(tmp_path, monkeypatch):
    import keyring

    database(tmp_path / "x.db")
    asked = []
    monkeypatch.setattr(keyring, "get_password", lambda *names: asked.append(names) or f"sqlite:///{tmp_path / 'x.db'}")
    layout = Layout(format="sql", url_from="keyring:dtm/reader", query="SELECT place FROM t")
    assert len(open_source(tmp_path / "x.sql", layout)[0]) == 3
    assert asked == [("dtm", "reader")]


@pytest.mark.parametrize(
    "layout",
    [
        {"format": "sql", "url_from": "postgresql://u:secret@h/d"},
        {"format": "sql", "url_from": "sqlite:///x.db"},
        {"format": "sql"},
        {"format": "json", "header_row": 2},
        {"format": "csv", "records": "result"},
        {"format": "csv", "value_labels": "labels"},
        {"format": "xlsx", "encoding": "utf-16"},
        {"format": "csv", "header_rows": [3, 2]},
        {"format": "csv", "header_rows": [2, 4]},
        {"format": "csv", "header_rows": [1, 2], "header_row": 1},
        {"format": "csv", "repeat": {"sheet": "x"}},
        {"format": "csv", "repeat": {"file": "../x.csv"}},
        {"format": "csv", "repeat": {"file": "/etc/passwd"}},
        {"format": "xlsx", "repeat": {}},
    ],
)
def test_a_layout_that_cannot_be_meant_is_refused(layout):
    with pytest.raises(ValueError, match="validation error") as refused:
        Layout(**layout)
    assert "secret" not in str(refused.value.errors(include_input=False, include_url=False))


def test_the_parsing_process_is_told_no_secret(tmp_path, monkeypatch):
    """Of the environment only what Python needs to start is passed on."""
    monkeypatch.setenv("SDC_DATABASE_URL", CANARY)
    started = {}
    real = sandbox.subprocess.Popen

    def spy(*args, **options):
        started.update(options["env"])
        return real(*args, **options)

    monkeypatch.setattr(sandbox.subprocess, "Popen", spy)
    open_source(write(tmp_path, "xlsx"), Layout(format="xlsx"))
    assert started
    assert CANARY not in started.values()


def test_a_process_that_takes_too_long_is_ended(tmp_path, monkeypatch):
    monkeypatch.setattr(sandbox, "WALL_SECONDS", 0.01)
    with pytest.raises(DataError, match="takes longer to read"):
        open_source(write(tmp_path, "xlsx"), Layout(format="xlsx"))


def test_progress_is_told(tmp_path):
    rows = [["a"], *([str(n)] for n in range(10_000))]
    (tmp_path / "raw.xlsx").write_bytes(zipped(xlsx_parts(cells(rows))))
    seen = []
    open_source(tmp_path / "raw.xlsx", Layout(format="xlsx"), lambda *done: seen.append(done))
    assert seen == [(4_096, 10_001), (8_192, 10_001)]


KOBO = """
component: camp
version: 1.0.0
title: {en: Camp}
unit: household
variables:
  - {name: sex, type: code, role: key, label: {en: Sex of head}, codes: {f: {en: Female}, m: {en: Male}}}
  - {name: needs, type: codes, role: sensitive, label: {en: Needs},
     codes: {food: {en: Food}, nfi: {en: Non food items}}}
"""
TEXTS = {"codes": ("f", "food nfi"), "labels": ("Female", "Food Non food items")}


@pytest.mark.parametrize("prefix", ["", "hh/", "hh.", "hh/inner/"])
@pytest.mark.parametrize("values", ["codes", "labels"])
@pytest.mark.parametrize("multiple", ["text", "details", "both"])
def test_every_switch_of_a_kobo_export_gives_the_same_table(tmp_path, prefix, values, multiple):
    """Group prefixes, codes or labels as cells, a select_multiple as text, as 0/1 columns, as both."""
    between = "." if prefix.endswith(".") else "/"
    sex, needs = TEXTS[values]
    cells = {f"{prefix}sex": sex}
    if multiple != "details":
        cells[f"{prefix}needs"] = needs
    if multiple != "text":
        cells |= {f"{prefix}needs{between}{code}": "1" for code in ("food", "nfi")}
    path = tmp_path / "raw.csv"
    path.write_text("\n".join(";".join(row) for row in (cells, cells.values())))
    table, _ = ingest(path, extract(values=values, separator=";"), dictionary(KOBO))
    assert table.rows[["sex", "needs"]].astype(str).to_numpy().tolist() == [["f", "food nfi"]]


def test_labels_of_questions_as_header(tmp_path):
    path = tmp_path / "raw.csv"
    path.write_text("Sex of head,Needs\nFemale,Food\n")
    table, _ = ingest(path, extract(values="labels", headers="labels"), dictionary(KOBO))
    assert table.rows[["sex", "needs"]].astype(str).to_numpy().tolist() == [["f", "food"]]
