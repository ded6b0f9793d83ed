"""Files that want to hurt: each with the layout it is read with, and what must come of it.

Every one holds the canary, but for those that are nothing but their form. Of a case: the extension, how the file is
made, its layout, and words that must stand in the refusal, or the number of records that are read.
"""

import json
import os
import sqlite3
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pyreadstat

sys.path[:0] = [str(Path(__file__).resolve().parent), str(Path(__file__).resolve().parents[1] / "unit")]

from forged import XLSX_TYPE, cells, compound, ods_cells, ods_parts, xls, xlsx_parts, zipped  # noqa: E402
from ingest_cases import CANARY, GOOD, HEADER, ROWS, with_cell, with_column  # noqa: E402

Case = tuple[str, Callable[[Path], object], dict, "str | int"]
TABLE = [line.split(",") for line in GOOD.splitlines()]
X, ODS, J, P = {"format": "xlsx"}, {"format": "ods"}, {"format": "json"}, {"format": "parquet"}
MIB = 1 << 20
ROW = cells([TABLE[1]])
WORDS = f'office:value-type="string"><text:p>{CANARY}</text:p></table:table-cell>'
LAUGHS = "".join(f'<!ENTITY l{n} "{f"&l{n - 1};" * 10 if n else CANARY}">' for n in range(10))
XXE = '<!DOCTYPE r [<!ENTITY x SYSTEM "file:///etc/passwd">]>'
FRAME = pd.DataFrame(dict(zip(TABLE[0], zip(*TABLE[1:], strict=True), strict=True)))


def text(content: str | bytes) -> Callable[[Path], object]:
    return lambda path: path.write_bytes(
        content.encode("utf-8", "surrogatepass") if isinstance(content, str) else content
    )


def xlsx(data: str, change: Callable[[dict], object] = lambda parts: None, kind: str = XLSX_TYPE) -> Callable:
    def make(path: Path) -> None:
        parts = xlsx_parts(data, kind)
        change(parts)
        path.write_bytes(zipped(parts))

    return make


def ods(data: str, change: Callable[[dict], object] = lambda parts: None, prolog: str = "") -> Callable:
    def make(path: Path) -> None:
        parts = ods_parts(data, prolog)
        change(parts)
        path.write_bytes(zipped(parts, stored=("mimetype",)))

    return make


def streamed(*pieces: tuple[bytes, int]) -> Callable[[Path], object]:
    def make(path: Path) -> None:
        with path.open("wb") as out:
            for piece, times in pieces:
                for _ in range(times):
                    out.write(piece)

    return make


def parquet(frame: pa.Table | pd.DataFrame, **options: object) -> Callable[[Path], object]:
    def make(path: Path) -> None:
        table = frame if isinstance(frame, pa.Table) else pa.Table.from_pandas(frame)
        pq.write_table(table, path, **options)

    return make


def repeated_dictionary(path: Path) -> None:
    """Twenty million references to one cell of 1,000 characters: some KB on disk, 20 GB as text."""
    codes = pa.array(np.zeros(1_000_000, dtype=np.int32))
    chunk = pa.DictionaryArray.from_arrays(codes, pa.array([CANARY * 170]))
    table = pa.table({"record": pa.chunked_array([chunk] * 19)})
    pq.write_table(table, path)


def many_rows(path: Path) -> None:
    """A thousand million rows that say nothing."""
    schema = pa.schema([("record", pa.null())])
    with pq.ParquetWriter(path, schema) as writer:
        for _ in range(30):
            writer.write_table(pa.table({"record": pa.nulls(1_000_000)}))


def cut(make: Callable[[Path], object], keep: float) -> Callable[[Path], object]:
    def call(path: Path) -> None:
        make(path)
        content = path.read_bytes()
        path.write_bytes(content[: int(len(content) * keep)])

    return call


def changed(make: Callable[[Path], object], change: Callable[[bytes], bytes]) -> Callable[[Path], object]:
    def call(path: Path) -> None:
        make(path)
        path.write_bytes(change(path.read_bytes()))

    return call


def sav(path: Path) -> None:
    pyreadstat.write_sav(FRAME, path)


def dta(path: Path) -> None:
    pyreadstat.write_dta(FRAME, path)


def claims_cases(content: bytes) -> bytes:
    """The header of an SPSS file that says it holds two thousand million cases."""
    return content[:80] + (2**31 - 1).to_bytes(4, "little") + content[84:]


def shorter_than_it_says(content: bytes) -> bytes:
    """An archive whose table of contents says that its parts are small."""
    at = content.rfind(b"PK\x01\x02")
    while at > 0:
        content = content[: at + 24] + (10).to_bytes(4, "little") + content[at + 28 :]
        at = content.rfind(b"PK\x01\x02", 0, at)
    return content


def link(path: Path) -> None:
    target = path.with_suffix(".target")
    target.write_text(GOOD)
    path.symlink_to(target)


def database(path: Path) -> None:
    path.unlink(missing_ok=True)
    held = sqlite3.connect(path.with_suffix(".db"))
    held.execute("CREATE TABLE t (record TEXT)")
    held.execute("INSERT INTO t VALUES (?)", (CANARY,))
    held.execute(
        "CREATE VIEW endless AS WITH RECURSIVE c(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM c) SELECT x FROM c"
    )
    held.commit()
    held.close()


def query(words: str) -> tuple[Callable[[Path], object], dict]:
    def make(path: Path) -> None:
        database(path)
        path.write_text(words)
        os.environ["SDC_HOSTILE_URL"] = f"sqlite:///{path.with_suffix('.db')}"

    return make, {"format": "sql", "url_from": "SDC_HOSTILE_URL"}


def records(*items: object) -> str:
    return json.dumps([dict(zip(TABLE[0], TABLE[1], strict=True)), *items])


ERROR_CELL = '<row><c t="e"><v>#DIV/0!</v></c></row>'
HEAD = cells([TABLE[0]])

CASES: list[Case] = [
    # text
    (".csv", text(""), {}, "is empty"),
    (".csv", text(HEADER + "\n"), {}, "holds no records"),
    (".csv", text(GOOD.replace("r2", "r\x00")), {}, "NUL bytes"),
    (".csv", text(GOOD.replace("sex,age", "sex,sex")), {}, "have the same name"),
    (".csv", text(GOOD + f"{CANARY},\n" + ROWS[0] + ",x\n"), {}, "2 rows do not have 14 columns"),
    (".csv", text(GOOD + f'"{CANARY}\n' * 3), {}, "quotation mark is not closed"),
    (".csv", text(GOOD.encode() + f"{CANARY} محافظة".encode("windows-1256") + b"\n"), {}, "is not text in utf-8"),
    (".csv", text(GOOD.encode() + b"\xc0\xaf\xed\xa0\x80\n"), {}, "is not text in utf-8"),
    (".csv", text(GOOD.encode("utf-16")), {}, "is not text in utf-8"),
    (".csv", text(GOOD.encode("utf-16")), {"encoding": "utf-16"}, 3),
    (".csv", text(GOOD.encode("utf-16")[:-1]), {"encoding": "utf-16"}, "is not text in utf-16"),
    (".csv", text(GOOD.replace("\n", "\r")), {}, 3),
    (".csv", text(with_cell("admin2", "AA\u202e10")), {}, "invisible or direction-changing"),
    (".csv", text(with_cell("admin2", "AA\u200b01")), {}, "invisible or direction-changing"),
    (".csv", text(GOOD.replace("sex,", "s\u200bex,")), {}, "the name of column 6 holds invisible"),
    (".csv", text(GOOD.replace("sex,", "s\u202eex,")), {}, "the name of column 6 holds invisible"),
    (".csv", text(GOOD.replace(",age", ",\u0430ge")), {}, "(column 7) has no entry"),
    (".csv", text(with_cell("age", "-0")), {}, 3),
    (".csv", text(with_cell("arrival", "9999-12-31")), {}, 3),
    (".csv", text(with_cell("arrival", "10000-01-01")), {}, "no dates"),
    (".csv", text(with_cell("weight", "Infinity")), {}, "not numbers"),
    (".csv", text(with_cell("weight", "9" * 5000)), {}, "larger than a number"),
    (".csv", text(with_cell("people", "9" * 400)), {}, "larger than a number"),
    (".csv", text(with_cell("sex", f"=cmd|'{CANARY}'!A1")), {}, "hold a code outside the list"),
    (".csv", text("," * 16_384 + f"\n{CANARY}\n"), {}, "more than 4,000 columns"),
    (".csv", text(with_column(f"{CANARY}\x07", "", "", "")), {}, "the name of column 15 holds invisible"),
    (".csv", streamed((b"," * MIB, 200), (CANARY.encode(), 1)), {}, "header row is longer"),
    (".csv", streamed((HEADER.encode() + b"\n", 1), (b"," * MIB, 200)), {}, "row longer than a row can be"),
    (
        ".csv",
        streamed(
            (b"c" * 1, 0), (",".join(f"c{n}" for n in range(3000)).encode() + b"\n", 1), (b"," * 2999 + b"\n", 70_000)
        ),
        {},
        "hardly anything but separators",
    ),
    (
        ".csv",
        streamed((HEADER.encode() + b"\n", 1), (CANARY.encode() * (MIB // len(CANARY)), 1024)),
        {},
        "row longer than a row can be",
    ),
    (".csv", streamed((HEADER.encode() + b'\n"', 1), ((CANARY.encode() + b"\n") * 20_000, 300), (b'"\n', 1)), {}, ""),
    (".csv", lambda path: os.truncate(os.open(path, os.O_CREAT | os.O_WRONLY), 3 << 30), {}, "larger than 2 GiB"),
    (".csv", text(b"\x1f\x8b\x08\x00" + CANARY.encode()), {}, "a gzip archive"),
    (".csv", text(zipped(xlsx_parts(HEAD + ROW))), {}, "the content is xlsx"),
    (".csv", text(f"<html>{CANARY}</html>"), {}, "page of HTML or XML"),
    (".csv", text(f'[{{"record": "{CANARY}"}}]'), {}, "the content is JSON"),
    (".exe", text(GOOD), {}, "does not end in"),
    (".csv", link, {}, "symbolic link"),
    (".csv", lambda path: path.mkdir(), {}, "no regular file"),
    (".csv", lambda path: os.mkfifo(path), {}, "no regular file"),
    (".csv", lambda path: None, {}, "no such file"),
    # xlsx
    (".xlsx", xlsx(HEAD + ROW), X, 1),
    (
        ".xlsx",
        xlsx(HEAD + f'<row r="1048576"><c r="XFD1048576" t="inlineStr"><is><t>{CANARY}</t></is></c></row>'),
        X,
        "beyond column 4,000",
    ),
    (
        ".xlsx",
        xlsx(HEAD + f'<row r="1048576"><c r="EVV1048576" t="inlineStr"><is><t>{CANARY}</t></is></c></row>'),
        X,
        "more memory",
    ),
    (
        ".xlsx",
        xlsx(HEAD + f'<row r="99999999"><c r="A99999999" t="inlineStr"><is><t>{CANARY}</t></is></c></row>'),
        X,
        "",
    ),
    (".xlsx", xlsx("<row>" + "<c><v>1</v></c>" * 16_384 + "</row>" + HEAD), X, "beyond column 4,000"),
    (
        ".xlsx",
        lambda path: path.write_bytes(zipped(xlsx_parts(HEAD) | {"xl/media/a.bin": b"\0" * (600 * MIB)})),
        X,
        "unpacks to more",
    ),
    (".xlsx", lambda path: path.write_bytes(zipped(xlsx_parts(HEAD + ROW * 200_000))), X, ""),
    (".xlsx", changed(xlsx(HEAD + ROW * 20_000), shorter_than_it_says), X, "damaged archive"),
    (
        ".xlsx",
        lambda path: path.write_bytes(zipped(xlsx_parts(HEAD) | {f"xl/x{n}.txt": "" for n in range(3_000)})),
        X,
        "too many parts",
    ),
    (
        ".xlsx",
        lambda path: path.write_bytes(zipped(xlsx_parts(HEAD) | {f"xl/x{n}.txt": "" for n in range(60_000)})),
        X,
        "too many parts",
    ),
    (
        ".xlsx",
        xlsx(HEAD + ROW, lambda p: p.update({"xl/sharedStrings.xml": f"{XXE}<sst><si><t>&x;</t></si></sst>"})),
        X,
        "document type",
    ),
    (
        ".xlsx",
        xlsx(
            HEAD + ROW, lambda p: p.update({"xl/workbook.xml": f"<!DOCTYPE r [{LAUGHS}]>" + str(p["xl/workbook.xml"])})
        ),
        X,
        "document type",
    ),
    (
        ".xlsx",
        xlsx(HEAD + ROW, lambda p: p.update({"xl/styles.xml": "<?xml version='1.0' encoding='UTF-7'?><s/>"})),
        X,
        "not in UTF-8",
    ),
    (
        ".xlsx",
        xlsx(HEAD + ROW, lambda p: p.update({"xl/styles.xml": f"<s>{CANARY}</s>".encode("utf-16")})),
        X,
        "not in UTF-8",
    ),
    (".xlsx", xlsx(HEAD + "<row><c><f>1+1</f><v></v></c></row>"), X, "formulas that were saved without"),
    (".xlsx", xlsx(HEAD + f"<row><c><f>WEBSERVICE({CANARY})</f></c></row>"), X, "1 formulas that were saved without"),
    (".xlsx", xlsx(HEAD + ERROR_CELL), X, "1 cells hold a spreadsheet error"),
    (
        ".xlsx",
        xlsx(HEAD + ROW, lambda p: p.update({"xl/externalLinks/externalLink1.xml": CANARY})),
        X,
        "links to other",
    ),
    (".xlsx", xlsx(HEAD + ROW, lambda p: p.update({"xl/vbaProject.bin": CANARY})), X, "macros"),
    (".xlsx", xlsx(HEAD + ROW, kind="ms-excel.sheet.macroEnabled"), X, "macros"),
    (".xlsx", xlsx(HEAD + ROW, lambda p: p.update({"xl/macrosheets/sheet1.xml": CANARY})), X, "macros"),
    (".xlsx", xlsx(HEAD + ROW, lambda p: p.update({"../../evil.xml": CANARY})), X, "outside its folder"),
    (".xlsx", xlsx(HEAD + ROW, lambda p: p.update({"/etc/cron.d/evil": CANARY})), X, "outside its folder"),
    (".xlsx", xlsx(HEAD + ROW, lambda p: p.update({"C:\\evil.xml": CANARY})), X, "outside its folder"),
    (
        ".xlsx",
        xlsx(HEAD + ROW, lambda p: p.update({"xl/workbook.bin": p.pop("xl/workbook.xml")})),
        X,
        "binary workbook",
    ),
    (".xlsx", cut(xlsx(HEAD + ROW), 0.6), X, "damaged archive"),
    (".xlsx", text(compound({"EncryptedPackage": CANARY.encode()})), X, "encrypted"),
    (".xlsx", text(xls(TABLE)), X, "the content is xls"),
    (".xlsx", text(GOOD), X, "the content is text"),
    (".xlsx", xlsx(HEAD + "<a>" * 200_000), X, ""),
    (".xlsx", xlsx(HEAD + "<row><c t='s'><v>99999999</v></c></row>"), X, "cannot be read"),
    (".xlsx", xlsx(HEAD + "<row><c><v>1e999</v></c></row>"), X, ""),
    (
        ".xlsx",
        xlsx(HEAD + "<row>" + "".join(f"<c><v>{n * 7919 % 1000003}</v></c>" for n in range(900_000)) + "</row>"),
        X,
        "row longer than a row can be",
    ),
    (".xlsx", xlsx(HEAD + f"<row><c t='inlineStr'><is><t>{CANARY * 20_000}</t></is></c></row>"), X, ""),
    # ods
    (".ods", ods(ods_cells(TABLE)), ODS, 3),
    (".ods", ods(ods_cells(TABLE), prolog=f"<!DOCTYPE r [{LAUGHS}]>"), ODS, "document type"),
    (".ods", ods(ods_cells(TABLE), prolog=XXE), ODS, "document type"),
    (
        ".ods",
        ods(
            ods_cells(TABLE[:1])
            + f'<table:table-row><table:table-cell table:number-columns-repeated="2147483647" {WORDS}</table:table-row>'
        ),
        ODS,
        "",
    ),
    (
        ".ods",
        ods(
            ods_cells(TABLE[:1])
            + f'<table:table-row table:number-rows-repeated="1000000000"><table:table-cell {WORDS}</table:table-row>'
        ),
        ODS,
        "",
    ),
    (
        ".ods",
        ods(ods_cells(TABLE[:1]) + '<table:table-row><table:table-cell table:formula="of:=1/0"/></table:table-row>'),
        ODS,
        "1 formulas",
    ),
    (".ods", ods(ods_cells([*TABLE, ["#DIV/0!"]])), ODS, "1 cells hold a spreadsheet error"),
    (".ods", ods(ods_cells(TABLE), lambda p: p.update({"Basic/Standard/Module1.xml": CANARY})), ODS, "macros"),
    (".ods", ods('<table:table-source xlink:href="file:///etc/passwd"/>' + ods_cells(TABLE)), ODS, "links to other"),
    (
        ".ods",
        ods(ods_cells(TABLE), lambda p: p.update({"META-INF/manifest.xml": "<m><encryption-data/></m>"})),
        ODS,
        "encrypted",
    ),
    (".ods", cut(ods(ods_cells(TABLE)), 0.5), ODS, "damaged archive"),
    # xls
    (".xls", text(xls(TABLE)), {"format": "xls"}, 3),
    (".xls", text(xls(TABLE, macro_sheet=True)), {"format": "xls"}, "macros"),
    (".xls", text(compound({"Workbook": CANARY.encode() * 900, "_VBA_PROJECT_CUR": b""})), {"format": "xls"}, "macros"),
    (".xls", text(xls(TABLE, before=b"\x2f\x00\x06\x00\x01\x00\x01\x00\x01\x00")), {"format": "xls"}, ""),
    (".xls", text(xls([*TABLE, ["x"] * 14])[:3000]), {"format": "xls"}, ""),
    (".xls", text(compound({"Workbook": CANARY.encode() * 900})), {"format": "xls"}, ""),
    (
        ".xls",
        changed(
            text(xls(TABLE)),
            lambda c: c.replace(
                b"\x00\x02\x0e\x00\x00\x00\x00\x00\x04\x00", b"\x00\x02\x0e\x00\x00\x00\x00\x00\xff\xff"
            ),
        ),
        {"format": "xls"},
        3,
    ),
    (".xls", text(xls(TABLE, in_sheet=b"\x03\x02\x0e\x00\xff\xff\xff\xff" + b"\0" * 10)), {"format": "xls"}, ""),
    # JSON
    (".json", text(records()), J, 1),
    (".json", text("[" * 200_000), J, "nested deeper"),
    (".json", text('[{"record": ' * 50_000 + "1" + "}]" * 50_000), J, "nested deeper"),
    (".json", text(f'[{{"{CANARY}": {"9" * 2_000_000}}}]'), J, "a cell holds more than"),
    (".json", text(records({"age": float("nan"), "record": CANARY})), J, "NaN or Infinity"),
    (".json", text(records({"age": float("-inf")})), J, "NaN or Infinity"),
    (".json", text(f'[{{"record": "{CANARY}", "record": "b"}}]'), J, "one entry twice"),
    (".json", text(records({"record": [[CANARY]]})), J, "holds a list of records"),
    (".json", text(records([CANARY])), J, "something else than records"),
    (".json", text(records()[:-9]), J, "cannot be read as JSON"),
    (".json", text('[{"record": "' + CANARY + '\\ud800"}]'), J, "cannot be read"),
    (".json", text(json.dumps([{f"c{n}": CANARY for n in range(5_000)}])), J, "more than 4,000 columns"),
    (".json", text(json.dumps([{f"{CANARY}{n}": 1} for n in range(5_000)])), J, "more than 4,000 columns"),
    (".json", text(json.dumps({"result": CANARY})), J, "is no list of records"),
    (".json", text(records().encode("utf-16")), J, "the content is"),
    (
        ".json",
        streamed((b"[", 1), ((b'{"a":"' + CANARY.encode() + b'"},') * 4_000, 900), (b"{}]", 1)),
        J,
        "more memory",
    ),
    # Parquet
    (".parquet", parquet(FRAME), P, 3),
    (".parquet", parquet(pa.table({"record": [[CANARY]], "age": [{"a": 1}]})), P, "2 columns hold lists"),
    (".parquet", parquet(pa.table({"record": [CANARY.encode()]})), P, "1 columns hold lists"),
    (".parquet", parquet(pa.table([[CANARY], [CANARY]], names=["sex", "sex"])), P, "have the same name"),
    (".parquet", cut(parquet(FRAME), 0.7), P, "cannot be read as Parquet"),
    (".parquet", changed(parquet(FRAME), lambda c: c[:8] + b"\xff" * 200 + c[208:]), P, ""),
    (".parquet", repeated_dictionary, P, "memory"),
    (".parquet", many_rows, P, "unpacks to more"),
    (".parquet", text(b"PAR1" + CANARY.encode()), P, "cannot be read as Parquet"),
    # SPSS, Stata
    (".sav", sav, {"format": "sav"}, 3),
    (".sav", cut(sav, 0.4), {"format": "sav"}, "cannot be read as an SPSS"),
    (".sav", changed(sav, claims_cases), {"format": "sav"}, 3),
    (".sav", text(b"$FL2" + CANARY.encode() * 99), {"format": "sav"}, "cannot be read as an SPSS"),
    (".dta", dta, {"format": "dta"}, 3),
    (".dta", cut(dta, 0.5), {"format": "dta"}, "cannot be read as an SPSS"),
    (".dta", changed(dta, lambda c: c.replace(b"<K>\x0e\x00", b"<K>\xff\x7f")), {"format": "dta"}, ""),
    (".sav", text(GOOD), {"format": "sav"}, "the content is text"),
    # databases
    (".sql", *query("SELECT record FROM t; DROP TABLE t"), "not one SELECT"),
    (".sql", *query("DELETE FROM t"), "not one SELECT"),
    (".sql", *query(f"WITH x AS (SELECT '{CANARY}') INSERT INTO t SELECT * FROM x"), "a statement that writes"),
    (".sql", *query("SELECT record FROM t -- ; \n; ATTACH 'x' AS y"), "not one SELECT"),
    (".sql", *query("SELECT load_extension('x')"), "a statement that writes"),
    (".sql", *query(f"SELECT {CANARY} FROM t"), "database"),
    (".sql", *query("SELECT zeroblob(999999999)"), "database"),
    (".sql", *query("PRAGMA writable_schema = 1"), "not one SELECT"),
]


def build(folder: Path) -> list[dict]:
    """Write all files; their paths, layouts and what must come of them."""
    built = []
    for number, (suffix, make, layout, wanted) in enumerate(CASES):
        path = folder / f"h{number:03d}{suffix}"
        make(path)
        built.append({"path": str(path), "layout": layout, "wanted": wanted})
    return built


if __name__ == "__main__":
    target = Path(sys.argv[1])
    (target / "cases.json").write_text(json.dumps(build(target)))
