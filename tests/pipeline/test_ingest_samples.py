"""The samples that the project ships, defects and all, become typed tables without what names a person."""

import pandas as pd
import pytest

from sdc.dictionary import Role, read_dictionary
from sdc.documents import parse_yaml
from sdc.errors import DictionaryError
from sdc.ingest import ingest, read_extract
from sdc.ingest.read import open_source
from sdc.samples import write_samples


@pytest.fixture(scope="module")
def samples(tmp_path_factory):
    folder = tmp_path_factory.mktemp("raw")
    write_samples(folder, scale=0.2)
    return folder


def names(repo):
    params = repo / "params.yaml"
    return list(parse_yaml(params.read_text(), str(params), DictionaryError)["extracts"])


def test_every_extract_of_params_ingests(samples, repo):
    for name in names(repo):
        extract = read_extract(repo / "params.yaml", name)
        dictionary = read_dictionary(repo / "dictionary" / f"{extract.component}.yaml")
        path = samples / extract.path.name
        table, summary = ingest(path, extract, dictionary)
        frame, _ = open_source(path, extract.layout)
        assert len(table) == len(frame) == summary["records"]
        assert not table.names(Role.IDENTIFIER)
        kept = pd.concat(
            [table.rows[column].astype("str") for column in table.rows if table.rows[column].dtype == "str"]
        )
        gone = [column for column in frame if "phone" in column or ("name" in column and "ind_" in column)]
        for column in gone:
            cells = frame[column][frame[column].str.len() > 6]
            assert not kept.isin(cells).any(), column


def test_households_of_the_roster_keep_their_members(samples, repo):
    extract = read_extract(repo / "params.yaml", "registration_r01")
    dictionary = read_dictionary(repo / "dictionary" / "registration.yaml")
    path = samples / extract.path.name
    table, summary = ingest(path, extract, dictionary)
    frame, _ = open_source(path, extract.layout)
    household = table.name(Role.HOUSEHOLD)
    raw = next(frame[name] for name in (household, *dictionary.by_name[household].aliases) if name in frame)
    pairs = pd.DataFrame({"raw": raw, "number": table.rows[household]}).drop_duplicates()
    assert pairs["raw"].is_unique
    assert pairs["number"].is_unique
    assert summary["households"] == len(pairs)
