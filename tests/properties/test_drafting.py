"""A drafted layout and dictionary, confirmed as proposed, read the file that they were drafted from."""

import tempfile
from pathlib import Path

import pandas as pd
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sdc.dictionary import parse_dictionary
from sdc.documents import parse_yaml
from sdc.drafts import draft, extract_text
from sdc.errors import DictionaryError
from sdc.forms import yaml_text
from sdc.ingest import Extract, Layout, ingest

WORDS = st.sampled_from(
    [
        "north",
        "south",
        "floods",
        "conflict",
        "مياه",
        "вода",
        "ውሃ",
        "camp_a",
        "AB01",
        "AB02",
        "-99",
        "NULL",
        "NaT",
        "dnk",
        "none",
        "7",
        "007",
        "1.5",
        "2,000",
    ]
)
COLUMNS = st.one_of(
    st.lists(st.integers(-5, 2000).map(str), min_size=1),
    st.lists(st.floats(-90, 90, allow_nan=False).map(lambda number: f"{number:.4f}"), min_size=1),
    st.lists(st.dates().map(lambda day: day.strftime("%d/%m/%Y")), min_size=1),
    st.lists(st.dates().map(str), min_size=1),
    st.lists(st.sampled_from(["yes", "no", "dnk", ""]), min_size=1),
    st.lists(st.sampled_from(["0", "1", "#N/A"]), min_size=1),
    st.lists(st.sampled_from(["12%", "7.5 %", "0", "٣٪", "-"]), min_size=1),
    st.lists(st.datetimes().map(lambda moment: f"{moment:%Y-%m-%dT%H:%M:%S}+03"), min_size=1),
    st.lists(st.lists(st.sampled_from(["food", "water", "cash"]), unique=True).map(" ".join), min_size=1),
    st.lists(WORDS, min_size=1),
    st.lists(st.lists(WORDS, min_size=3, max_size=9).map(" ".join), min_size=1),
    st.lists(st.text(st.characters(codec="utf-8", exclude_categories=("Cc", "Cs", "Cf", "Zl", "Zp"),
             exclude_characters='"'), max_size=12), min_size=1),
)  # fmt: skip
NAMES = st.lists(st.sampled_from(["age", "sex", "adm1", "site name", "site_name", "phone", "Total (hh)", "اسم",
                 "needs", "needs/food", "needs/water", "q1", "q2", "date", "Long"]),
                 min_size=1, max_size=6, unique=True)  # fmt: skip


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    st.data(),
    NAMES,
    st.integers(12, 30),
    st.sampled_from(["", "Title of the export"]),
    st.sampled_from([",", ";", "\t"]),
)
def test_the_draft_reads_its_own_file(data, names, rows, title, separator):
    """Guarantee of `draft`: every entry confirmed as proposed, it reads the file that it was drafted from."""
    columns = {name: data.draw(COLUMNS) for name in names}
    frame = pd.DataFrame({name: (cells * rows)[:rows] for name, cells in columns.items()})
    frame["row"] = [f"row {number}" for number in range(rows)]  # so that no line of the file is blank
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "raw.csv"
        text = frame.to_csv(index=False, sep=separator, quoting=1)
        path.write_text((f'"{title}"' + separator * len(names) + "\n" if title else "") + text, encoding="utf-8")
        made = draft(path, component="x")
        block = parse_yaml("extracts:\n" + extract_text("e", "x", 1, "p", made.layout), "p", DictionaryError)
        layout = Layout(**block["extracts"]["e"]["layout"])
        dictionary = parse_dictionary(yaml_text(made.confirmed), "dictionary/x.yaml")
        table, summary = ingest(path, Extract(component="x", round=1, path=path, layout=layout), dictionary)
    assert len(table) == summary["records"] == made.records
