"""Record ids: new for each recipient and release, enough to name whose copy was leaked, and never a guess."""

import random
from datetime import date

import openpyxl
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given as drawn
from hypothesis import settings
from hypothesis import strategies as st

from release_samples import SECRET, survey
from sdc.dictionary import Variable
from sdc.errors import DataError
from sdc.release.leaks import texts_of
from sdc.release.package import build
from sdc.release.pseudonyms import LEAST_IDS, LENGTH, MOST_CHANCE, Ids, Line, issued_columns, lines_of, whose, with_ids
from sdc.table import Table

LINES = [Line(f"REQ-2026-{number:03d}", f"Organisation {number}", 1) for number in range(1, 41)]


def leaked(line: Line, rows: int, of: int = 2000, seed: int = 1) -> list[str]:
    """Ids of some rows of a release, in any order."""
    return random.Random(seed).sample(Ids(SECRET, line).records(range(of)), rows)


def test_the_same_record_has_the_same_id_in_a_line_and_another_in_any_other():
    numbers = range(500)
    first = Ids(SECRET, LINES[0]).records(numbers)
    assert first == Ids(SECRET, LINES[0]).records(numbers)
    assert first[:100] == Ids(SECRET, LINES[0]).records(range(100)), "rows that are added leave the others theirs"
    for changed in (LINES[0]._replace(major=2), LINES[0]._replace(organisation="Organisation 1 "), LINES[1]):
        assert not set(first) & set(Ids(SECRET, changed).records(numbers))
    assert not set(first) & set(Ids(SECRET + b"x", LINES[0]).records(numbers))
    assert not set(first) & set(Ids(SECRET, LINES[0]).households(numbers).values())


def test_names_that_run_together_do_not_share_a_key():
    """``ab`` + ``c`` is not ``a`` + ``bc``."""
    one, other = Line("REQ-2026-001", "ab", 1), Line("REQ-2026-001a", "b", 1)
    assert one.info("x") != other.info("x")
    assert Ids(SECRET, one).records([1]) != Ids(SECRET, other).records([1])


@settings(max_examples=50, deadline=None)
@drawn(st.lists(st.integers(0, 10**9), unique=True, min_size=1, max_size=300), st.integers(1, 9))
def test_no_two_records_share_an_id_and_each_is_known_again(numbers, major):
    ids = Ids(SECRET, Line("REQ-2026-001", "x", major))
    issued = ids.records(numbers)
    assert len(set(issued)) == len(numbers)
    assert all(len(each) == LENGTH and ids.knows(each) and ids.knows(each.upper()) for each in issued)


def test_ids_that_would_collide_are_told_apart_whatever_the_order(monkeypatch):
    """With two bytes in place of seven, 2,000 records collide often."""
    monkeypatch.setattr("sdc.release.pseudonyms._BODY", 2)
    ids = Ids(SECRET, LINES[0])
    numbers = list(range(2000))
    issued = dict(zip(numbers, ids.records(numbers), strict=True))
    assert len(set(issued.values())) == 2000
    random.Random(4).shuffle(numbers)
    assert issued == dict(zip(numbers, ids.records(numbers), strict=True))


def test_record_numbers_that_repeat_are_refused():
    with pytest.raises(DataError):
        Ids(SECRET, LINES[0]).records([1, 2, 1])


def test_order_of_ids_tells_nothing_of_the_order_of_records():
    issued = pd.Series(Ids(SECRET, LINES[0]).records(range(3000)))
    assert abs(issued.rank().corr(pd.Series(range(3000)))) < 0.06


@pytest.mark.parametrize("rows", [60, 10, LEAST_IDS])
def test_sixty_rows_and_fewer_name_the_recipient_and_nobody_else(rows):
    for line in LINES[::7]:
        found = whose(leaked(line, rows), LINES, SECRET)
        assert [trace.line for trace in found if trace.named] == [line]
        assert found[0].ids == rows
        assert found[0].share == 1
        assert found[0].chance <= MOST_CHANCE


def test_too_few_ids_name_nobody():
    found = whose(leaked(LINES[3], LEAST_IDS - 1), LINES, SECRET)
    assert [trace.line for trace in found] == [LINES[3]]
    assert not found[0].named


def test_a_file_without_ids_names_nobody():
    words = ["".join(random.Random(n).choices("abcdefghijklmnopqrstuvwxyz234567", k=LENGTH)) for n in range(20_000)]
    assert not [trace for trace in whose(words, LINES, SECRET) if trace.named]
    assert whose([], LINES, SECRET) == []
    assert whose(["short", "x" * LENGTH], LINES, SECRET) == []


def test_an_id_of_a_recipient_the_store_does_not_know_names_nobody():
    assert whose(leaked(Line("REQ-2026-999", "elsewhere", 1), 60), LINES, SECRET) == []


def test_two_leaks_in_one_file_name_both_and_other_rows_do_not_hide_them():
    mixed = leaked(LINES[0], 40) + leaked(LINES[1], 25) + leaked(Line("REQ-2026-999", "elsewhere", 1), 500)
    found = whose(mixed, LINES, SECRET)
    assert [(trace.line, trace.ids) for trace in found if trace.named] == [(LINES[0], 40), (LINES[1], 25)]


@pytest.mark.parametrize("form", ["csv", "xlsx", "parquet", "utf-16", "tsv in capitals", "prose"])
def test_a_leak_is_named_whatever_its_form_its_columns_and_its_order(tmp_path, form):
    given = survey()
    build(tmp_path / "p", **given)
    rows = pd.read_csv(tmp_path / "p" / "data" / "flow_survey.csv", dtype=str)
    part = rows.sample(60, random_state=3)[["reason", "record_id"]].rename(columns={"record_id": "Nr."})
    path = tmp_path / "leak"
    if form == "csv":
        part.to_csv(path, index=False)
    elif form == "xlsx":
        book = openpyxl.Workbook()
        for row in part.itertuples(index=False):
            book.active.append([str(row[1]), str(row[0])])
        book.save(path)
    elif form == "parquet":
        pq.write_table(pa.Table.from_pandas(part, preserve_index=False), path)
    elif form == "utf-16":
        path.write_text(part.to_csv(index=False), encoding="utf-16")
    elif form == "tsv in capitals":
        path.write_text(part.to_csv(index=False, sep="\t").upper())
    else:
        path.write_text("I have seen " + ", and ".join(part["Nr."]) + ".")
    own = Line("REQ-2026-042", "Ministry of Relief (fictitious)", 1)
    found = whose(texts_of(path), [*LINES, own], SECRET)
    assert [(trace.line, trace.ids) for trace in found if trace.named] == [(own, 60)]


def test_a_file_larger_than_a_chunk_loses_no_id(tmp_path, monkeypatch):
    monkeypatch.setattr("sdc.release.leaks._CHUNK", 64)
    issued = Ids(SECRET, LINES[0]).records(range(500))
    (tmp_path / "x").write_text("\n".join(f"{n};{each};x" for n, each in enumerate(issued)))
    assert set(issued) <= texts_of(tmp_path / "x")


def test_a_file_that_is_not_there_is_refused(tmp_path):
    with pytest.raises(DataError):
        texts_of(tmp_path / "absent")
    (tmp_path / "broken").write_bytes(b"PK\x03\x04junk")
    with pytest.raises(DataError, match="cannot be unpacked"):
        texts_of(tmp_path / "broken")


def test_households_keep_their_members_and_lose_their_numbers():
    """The link between members stays; the number that another recipient has too goes."""
    rows = pd.DataFrame({"household": pd.array([1, 1, 2, None, 3, 2], dtype="Int64"), "age": [1, 2, 3, 4, 5, 6]})
    variables = (
        Variable(name="household", type="code", role="household", open_codes=True),
        Variable(name="age", type="integer", role="other"),
    )
    table = Table(rows, variables)
    one, other = (with_ids(table, Ids(SECRET, line)) for line in LINES[:2])
    assert issued_columns(one) == ["record_id", "household"]
    assert list(one.rows["household"].isna()) == list(rows["household"].isna())
    shown, given = one.rows["household"].dropna(), rows["household"].dropna()
    assert (pd.factorize(shown)[0] == pd.factorize(given)[0]).all()
    assert not set(shown) & set(other.rows["household"].dropna())
    assert list(table.rows.columns) == ["household", "age"], "the table given is left as it was"


def test_a_column_that_has_the_name_of_the_id_is_refused():
    table = Table(pd.DataFrame({"record_id": [1]}), (Variable(name="record_id", type="integer", role="other"),))
    with pytest.raises(DataError, match="record_id"):
        with_ids(table, Ids(SECRET, LINES[0]))


def test_lines_of_a_catalogue_stand_once():
    entries = [
        {"request_id": "REQ-2026-001", "organisation": "x", "version": version, "on": date(2026, 1, 1)}
        for version in ("1.0.0", "1.1.0", "2.0.0")
    ]
    assert lines_of(entries) == [Line("REQ-2026-001", "x", 1), Line("REQ-2026-001", "x", 2)]
