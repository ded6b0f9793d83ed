"""Whatever bytes come, ingest gives a table or a refusal without data: about ten seconds of Hypothesis."""

import io
import tempfile
import traceback
import zipfile
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from ingest_cases import CANARY, GOOD, HEADER, ROWS, dictionary, extract, workbook

from sdc.errors import SdcError
from sdc.ingest import ingest
from sdc.ingest.read import read_text_frame

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


@BOUNDED
@given(
    st.lists(st.tuples(st.integers(0, 10_000), st.binary(min_size=1, max_size=4)), min_size=1, max_size=5), st.data()
)
def test_a_workbook_with_damage(good_workbook, damage, data):
    content = bytearray(good_workbook)
    for place, put_in in damage:
        place %= len(content)
        content[place : place + len(put_in)] = put_in
    table_or_refusal(bytes(content), ".xlsx", format="xlsx")


@BOUNDED
@given(st.integers(0, 10_000), st.integers(0, 200), st.text("<>/&;'\" vcfrs=0123456789A!x", max_size=20))
def test_a_workbook_with_damage_inside_its_sheet(good_workbook, place, cut, put_in):
    parts = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(good_workbook)) as old, zipfile.ZipFile(parts, "w") as new:
        for name in old.namelist():
            content = old.read(name)
            if "sheet1" in name:
                at = place % len(content)
                content = content[:at] + put_in.encode() + content[at + cut :]
            new.writestr(name, content)
    table_or_refusal(parts.getvalue(), ".xlsx", format="xlsx")


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
        frame, _ = read_text_frame(path, extract().layout)
    assert frame.to_numpy().tolist() == [
        [unicodedata.normalize("NFC", cell.strip()) for cell in row] for row in lines[1:]
    ]


@pytest.fixture(scope="module")
def good_workbook(tmp_path_factory):
    path = tmp_path_factory.mktemp("book") / "raw.xlsx"
    return workbook(path, [line.split(",") for line in GOOD.splitlines()]).read_bytes()
