"""Whatever bytes come, ingest gives a table or a refusal without data: about a minute of Hypothesis.

Of CSV and JSON some 480 files in twenty seconds; of each other format 180 with damage, of workbooks 540 more with
damage inside their parts: a minute.
"""

import io
import json
import subprocess
import sys
import tempfile
import traceback
import zipfile
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pyreadstat
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from ingest_cases import CANARY, GOOD, HEADER, ROWS, dictionary, extract, workbook

from sdc.errors import SdcError
from sdc.ingest import ingest
from sdc.ingest.objects import object_grid
from sdc.ingest.read import open_source

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "hostile"))

from forged import ods_cells, ods_parts, xls, zipped

STORM = Path(__file__).resolve().parents[1] / "hostile" / "storm.py"
BATCHES = settings(
    max_examples=3,
    deadline=None,
    derandomize=True,
    database=None,
    suppress_health_check=list(HealthCheck),
    phases=[Phase.generate],
)
DAMAGE = st.lists(st.tuples(st.integers(0, 50_000), st.binary(min_size=1, max_size=4)), min_size=1, max_size=5)
BOUNDED = settings(
    max_examples=120, deadline=None, derandomize=True, database=None, suppress_health_check=[HealthCheck.too_slow]
)
ALPHABET = st.one_of(st.sampled_from(list('",;\n\r\t \x00\ufeff\u202e%=@+-01/.')), st.characters(codec="utf-8"))
CELLS = st.text(ALPHABET, max_size=12)


def table_or_refusal(content: bytes, suffix: str, **layout: object) -> None:
    """Ingest must end in one of two ways, and tell no cell."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / f"raw{suffix}"
        path.write_bytes(content)
        try:
            table, _ = ingest(path, extract(**layout), dictionary())
        except SdcError as refusal:
            link: BaseException | None = refusal
            while link is not None:
                assert CANARY not in "".join(traceback.format_exception(link)) + repr(link.args)
                link = link.__cause__ or link.__context__
        else:
            assert len(table) > 0


@BOUNDED
@given(st.binary(max_size=300))
def test_any_bytes_as_csv(content):
    table_or_refusal(content, ".csv")


@BOUNDED
@given(
    st.lists(st.tuples(st.integers(0, len(GOOD) - 1), CELLS, st.integers(0, 30)), min_size=1, max_size=4),
    st.sampled_from([",", ";", "\t"]),
)
def test_a_good_csv_with_damage(damage, separator):
    text = GOOD
    for place, put_in, cut in damage:
        text = text[:place] + put_in + text[place + cut :]
    table_or_refusal(text.encode("utf-8", errors="surrogatepass"), ".csv", separator=separator)


@BOUNDED
@given(st.lists(st.lists(CELLS, min_size=14, max_size=14), min_size=1, max_size=3))
def test_any_cells_under_a_good_header(cells):
    rows = ['"' + '","'.join(cell.replace('"', '""') for cell in row) + '"' for row in cells]
    table_or_refusal("\n".join([HEADER, *ROWS, *rows]).encode("utf-8"), ".csv")


@BATCHES
@given(st.lists(DAMAGE, min_size=60, max_size=60))
@pytest.mark.parametrize("kind", ["xlsx", "xls", "ods", "json", "parquet", "sav", "dta"])
def test_a_file_of_any_format_with_damage(good_files, kind, damages):
    """Sixty damaged files a batch in one parsing process; where it dies, a new one goes on behind the file."""
    good = good_files[kind]
    contents = []
    for damage in damages:
        content = bytearray(good)
        for place, put_in in damage:
            place %= len(content)
            content[place : place + len(put_in)] = put_in
        contents.append(bytes(content))
    all_refused_or_read(contents, kind)


@BATCHES
@given(
    st.lists(
        st.tuples(st.integers(0, 10_000), st.integers(0, 200), st.text("<>/&;'\" vcfrs=0123456789A!x", max_size=20)),
        min_size=60,
        max_size=60,
    )
)
@pytest.mark.parametrize(("kind", "part"), [("xlsx", "sheet1"), ("xlsx", "workbook.xml"), ("ods", "content.xml")])
def test_a_workbook_with_damage_inside_a_part(good_files, kind, part, damages):
    contents = []
    for place, cut, put_in in damages:
        made = io.BytesIO()
        with zipfile.ZipFile(io.BytesIO(good_files[kind])) as old, zipfile.ZipFile(made, "w") as new:
            for name in old.namelist():
                content = old.read(name)
                if part in name and "rels" not in name:
                    at = place % len(content)
                    content = content[:at] + put_in.encode() + content[at + cut :]
                new.writestr(name, content)
        contents.append(made.getvalue())
    all_refused_or_read(contents, kind)


JSON_VALUES = st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), CELLS, st.just(CANARY))
NESTED = st.one_of(JSON_VALUES, st.lists(JSON_VALUES, max_size=2), st.dictionaries(CELLS, JSON_VALUES, max_size=2))


@BOUNDED
@given(st.lists(st.dictionaries(CELLS, NESTED, max_size=4), max_size=3))
def test_any_records_as_json(records):
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "raw.json"
        path.write_text(json.dumps(records))
        try:
            grid = object_grid(path, None, "raw.json")
        except SdcError as refusal:
            assert CANARY not in str(refusal) + repr(refusal.__cause__)
        else:
            assert len(grid) == len(records) + 1


@BOUNDED
@given(
    st.lists(
        st.lists(st.text(st.characters(codec="utf-8", exclude_characters="\x00"), max_size=8), min_size=3, max_size=3),
        min_size=1,
        max_size=5,
    )
)
def test_what_is_written_is_read(cells):
    """Every cell comes back, but for the white space around it and the form of its Unicode."""
    import unicodedata

    lines = [["a", "b", "c"], *([f"x{cell}" for cell in row] for row in cells)]
    text = "\r\n".join(",".join('"' + cell.replace('"', '""') + '"' for cell in row) for row in lines)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "raw.csv"
        path.write_bytes(text.encode())
        frame, _ = open_source(path, extract().layout)
    assert frame.to_numpy().tolist() == [
        [unicodedata.normalize("NFC", cell.strip()) for cell in row] for row in lines[1:]
    ]


@pytest.fixture(scope="module")
def good_files(tmp_path_factory):
    """The good file of the tests in each format."""
    folder, rows = tmp_path_factory.mktemp("good"), [line.split(",") for line in GOOD.splitlines()]
    frame = pd.DataFrame(rows[1:], columns=rows[0])
    frame["age"] = [1.0, 2.0, 3.0]
    pq.write_table(pa.Table.from_pandas(frame), folder / "raw.parquet")
    pyreadstat.write_sav(frame, folder / "raw.sav", variable_value_labels={"age": {1.0: CANARY}})
    pyreadstat.write_dta(frame, folder / "raw.dta")
    return {
        "xlsx": workbook(folder / "raw.xlsx", rows).read_bytes(),
        "xls": xls(rows),
        "ods": zipped(ods_parts(ods_cells(rows)), stored=("mimetype",)),
        "json": frame.to_json(orient="records").encode(),
        **{kind: (folder / f"raw.{kind}").read_bytes() for kind in ("parquet", "sav", "dta")},
    }


def all_refused_or_read(contents: list[bytes], kind: str) -> None:
    """Let the parsing process read files one after the other; it may die, but not hang, nor tell a cell."""
    with tempfile.TemporaryDirectory() as folder:
        for number, content in enumerate(contents):
            (Path(folder) / f"{number:03d}.{kind}").write_bytes(content)
        first = 0
        while first < len(contents):
            arguments = [sys.executable, str(STORM), folder, kind, str(first)]
            done = subprocess.run(arguments, capture_output=True, text=True, timeout=300)
            told = done.stdout.splitlines()
            assert CANARY not in done.stdout
            assert all(line.startswith(("read", "refused", "gave up")) for line in told), told
            first += len(told) + 1  # the file behind the last that was told of ended the process
            if done.returncode == 0:
                assert first > len(contents)
