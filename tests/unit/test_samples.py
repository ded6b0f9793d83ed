"""The synthetic extracts: the same bytes again, the same shapes as real ones, and no column that nobody knows."""

import stat

import pandas as pd
import pytest

from sdc.dictionary import Type, read_dictionary
from sdc.documents import parse_yaml
from sdc.errors import DictionaryError
from sdc.ingest import ingest, read_extract
from sdc.ingest.columns import map_columns
from sdc.ingest.read import open_source
from sdc.samples import write_samples

SCALE = 0.1


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("raw")
    write_samples(folder, scale=SCALE)
    return folder


@pytest.fixture(scope="module")
def frames(folder, repo):
    """Each sample as text, by the name of its extract, with its dictionary."""
    params = repo / "params.yaml"
    found = {}
    for name in parse_yaml(params.read_text(encoding="utf-8"), str(params), DictionaryError)["extracts"]:
        extract = read_extract(params, name)
        dictionary = read_dictionary(repo / "dictionary" / f"{extract.component}.yaml")
        frame, _ = open_source(folder / extract.path.name, extract.layout)
        found[name] = (frame, dictionary, extract)
    return found


def content(folder):
    return {path.name: path.read_bytes() for path in sorted(folder.iterdir())}


def test_the_same_seed_gives_the_same_bytes(folder, tmp_path):
    write_samples(tmp_path, scale=SCALE)
    assert content(tmp_path) == content(folder)


def test_another_seed_gives_other_bytes_in_every_file(folder, tmp_path):
    write_samples(tmp_path, seed=1, scale=SCALE)
    ours, others = content(folder), content(tmp_path)
    assert ours.keys() == others.keys()
    assert [name for name in ours if ours[name] == others[name]] == []


def test_nobody_else_may_read_them(folder):
    assert {stat.S_IMODE(path.stat().st_mode) for path in folder.iterdir()} == {0o600}


def test_scale_multiplies_the_sizes(frames, tmp_path, repo):
    paths = write_samples(tmp_path, scale=2 * SCALE)
    assert [path.name for path in paths] == [extract.path.name for _, _, extract in frames.values()]
    for frame, _, extract in frames.values():
        double, _ = open_source(tmp_path / extract.path.name, extract.layout)
        if extract.layout.format == "csv":
            assert 1.8 < len(double) / len(frame) < 2.2
        else:
            assert len(double) == len(frame) == 600


def test_every_column_has_an_entry_and_the_rounds_differ_in_their_names(frames):
    for name, (frame, dictionary, _) in frames.items():
        mapping, faults = map_columns(list(frame.columns), dictionary.variables, name)
        assert faults == []
        if not name.startswith("mobility_tracking"):
            assert mapping.columns.keys() == dictionary.by_name.keys()
    first, second = (set(frames[f"mobility_tracking_r0{number}"][0].columns) for number in (1, 2))
    assert "numPresentIdpInd" in second - first
    assert "m0310_loc_num_idp_ind" in first - second


def test_defects_of_real_files_are_there(frames):
    first = frames["mobility_tracking_r01"][0]
    cells = first.melt()["value"]
    for token in ("NaT", "NaN", "NULL"):
        assert (cells == token).any()
    assert cells.str.fullmatch(r"[1-9]\d?,\d{3}").any()
    assert (first["m0445_loc_site_id_ssid"] == "NULL").any()
    idps = pd.to_numeric(first["m0310_loc_num_idp_ind"].str.replace(",", ""))
    assert idps.between(1, 9).mean() > 0.1
    assert (
        first["m0310_loc_num_idp_ind"].str.replace(",", "")
        == first["m1536_loc_num_arrival_ind_period"].str.replace(",", "")
    ).all()
    assert len(first["m1855_meta_assessment_date"].str.len().unique()) > 1


def test_most_locations_are_unchanged_in_the_second_round(frames):
    first, second = (frames[f"mobility_tracking_r0{number}"][0] for number in (1, 2))
    first = first[first["m0445_loc_site_id_ssid"] != "NULL"].set_index("m0445_loc_site_id_ssid")
    second = second[second["m0445_loc_site_id_ssid"] != "NULL"].set_index("m0445_loc_site_id_ssid")
    common = first.index.intersection(second.index)
    before = first.loc[common, "m0310_loc_num_idp_ind"].str.replace(",", "").astype(int)
    after = second.loc[common, "numPresentIdpInd"].str.replace(",", "").astype(int)
    assert len(common) > 0.8 * len(first)
    assert 0.75 < (before == after).mean() < 1


def test_some_sites_are_alone_in_their_district(frames):
    districts = frames["site_assessment_r01"][0]["m0304_meta_adm2_pcode"].value_counts()
    assert (districts == 1).sum() >= 3


def test_links_hold_but_in_the_rows_that_the_dictionary_allows(frames, folder):
    for name, (_, dictionary, extract) in frames.items():
        table, _ = ingest(folder / extract.path.name, extract, dictionary)
        for link in dictionary.links:
            whole = table.rows[list(link.members)].dropna()
            broken = int((whole[link.total] != whole[list(link.parts)].sum(axis=1)).sum())
            assert len(whole) > 0.2 * len(table), name
            assert broken <= link.broken_rows_allowed, (name, link.total)
    assert [broken_links(frames, folder, f"mobility_tracking_r0{n}") for n in (1, 2)] == [2, 1]


def broken_links(frames, folder, name):
    _, dictionary, extract = frames[name]
    _, summary = ingest(folder / extract.path.name, extract, dictionary)
    return sum(link["broken"] for link in summary["links"])


def test_a_select_multiple_says_the_same_twice(frames):
    for frame, dictionary, _ in frames.values():
        mapping, _ = map_columns(list(frame.columns), dictionary.variables, "")
        for name, children in mapping.children.items():
            if name not in mapping.columns:
                continue
            assert set(children) <= set(dictionary.by_name[name].codes)
            text = frame[mapping.columns[name]]
            asked = text != "NULL"
            for code, column in children.items():
                told = text.str.split().map(lambda codes, code=code: code in codes)
                assert ((frame[column] == "1") == told)[asked].all()
                assert (frame[column][~asked] == "NULL").all()


def test_households_are_consistent(frames, repo):
    frame, dictionary, _ = frames["registration_r01"]
    mapping, _ = map_columns(list(frame.columns), dictionary.variables, "")
    homes = frame.groupby("household_id")
    assert (homes.size() == homes["r3116_hh_size"].first().astype(int)).all()
    assert (frame["r3112_ind_relationship"] == "head").groupby(frame["household_id"]).sum().eq(1).all()
    assert homes.size().mean() > 3
    shared = [mapping.columns[v.name] for v in dictionary.variables if v.scope == "hh" or v.geography is not None]
    assert len(shared) > 10
    assert homes[shared].nunique().max().max() == 1


def test_codes_are_in_the_lists_of_the_dictionary(frames):
    for frame, dictionary, _ in frames.values():
        mapping, _ = map_columns(list(frame.columns), dictionary.variables, "")
        for name, column in mapping.columns.items():
            variable = dictionary.by_name[name]
            if variable.type == Type.CODE and variable.codes:
                assert set(frame[column]) <= {*variable.codes, *dictionary.missing, "", "ND"}, name
