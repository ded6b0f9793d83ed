"""Exports: each is read by a program that others wrote for its format, and says what the package says."""

import csv
import json
import shutil
import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree

import pytest

from release_samples import places, signed, survey
from sdc.errors import IntegrityError
from sdc.release.exports import SHAPES, export
from sdc.release.exports.ddi import NAMESPACE
from sdc.release.manifest import package_name
from sdc.release.package import build
from sdc.release.verify import verify

DDI = f"{{{NAMESPACE}}}"
# The order of children that the schema of DDI-Codebook 2.5 asks for, of the elements that are written.
ORDER = {
    "codeBook": ["docDscr", "stdyDscr", "fileDscr", "dataDscr"],
    "stdyDscr": ["citation", "stdyInfo", "method", "dataAccs"],
    "citation": ["titlStmt", "rspStmt", "prodStmt", "distStmt", "verStmt", "biblCit"],
    "titlStmt": ["titl", "IDNo"],
    "stdyInfo": ["subject", "abstract", "sumDscr"],
    "sumDscr": ["timePrd", "nation", "dataKind"],
    "method": ["notes", "anlyInfo"],
    "useStmt": ["restrctn", "contact", "citReq", "conditions"],
    "fileTxt": ["fileName", "dimensns", "fileType"],
    "dimensns": ["caseQnty", "varQnty"],
    "var": ["labl", "valrng", "txt", "catgry", "varFormat"],
    "catgry": ["catValu", "labl"],
}


@pytest.fixture(scope="module", params=["survey", "places", "public places"])
def release(request, tmp_path_factory):
    given = {"survey": survey, "places": places, "public places": lambda: places(tier="public")}[request.param]()
    folder = tmp_path_factory.mktemp("released") / package_name(given["request"])
    build(folder, **given)
    return signed(folder)


def manifest(release: Path) -> dict:
    return json.loads((release / "manifest.json").read_bytes())


def header(release: Path) -> list[str]:
    (path,) = (release / "data").glob("*.csv")
    with path.open(newline="") as content:
        return next(csv.reader(content))


def aside(code: str, *words: str) -> subprocess.CompletedProcess:
    """A library of others in a process of its own: their warnings are not ours."""
    command = [sys.executable, "-W", "ignore", "-c", code, *words]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def test_the_bag_is_valid_and_holds_the_whole_package(release, tmp_path):
    pytest.importorskip("bagit", reason="bagit is not installed")
    bag = export(release, "bagit", tmp_path)
    code = "import sys, bagit; bag = bagit.Bag(sys.argv[1]); bag.validate(); print(bag.version)"
    done = aside(code, str(bag))
    assert (done.returncode, done.stdout.strip()) == (0, "1.0"), done.stderr
    verify(bag / "data")
    readme = bag / "data" / "README.txt"
    readme.write_text(readme.read_text() + "x")
    assert aside(code, str(bag)).returncode != 0
    with pytest.raises(IntegrityError, match="already"):
        export(release, "bagit", tmp_path)


def test_csvw_is_read_and_the_rows_obey_it(release, tmp_path):
    pytest.importorskip("csvw", reason="csvw is not installed")
    shutil.copytree(release, tmp_path / "p")
    path = export(release, "csvw", tmp_path / "p")
    code = (
        "import sys, csvw; table = csvw.Table.from_file(sys.argv[1]); rows = list(table.iterdicts(strict=True)); "
        "print(len(rows), *table.tableSchema.columndict)"
    )
    done = aside(code, str(path))
    assert done.returncode == 0, done.stderr[-800:]
    number, *names = done.stdout.split()
    assert names == header(release)
    assert int(number) == next(f["rows"] for f in manifest(release)["files"] if "rows" in f)
    content = json.loads(path.read_bytes())
    if "record_id" in names:
        assert content["tableSchema"]["primaryKey"] == "record_id"
        (data,) = (tmp_path / "p" / "data").glob("*.csv")
        text = data.read_text()
        data.write_text(text.replace(",f,", ",q,", 1))
        assert aside(code, str(path)).returncode != 0


def test_prov_is_read_back_and_nobody_is_named(release, tmp_path):
    pytest.importorskip("prov", reason="prov is not installed")
    path = export(release, "prov", tmp_path)
    code = (
        "import sys; from prov.model import ProvDocument, ProvEntity, ProvActivity; "
        "d = ProvDocument.deserialize(sys.argv[1]); d.get_provn(); "
        "again = ProvDocument.deserialize(content=d.serialize()); assert again == d; "
        "print(len(list(d.get_records(ProvEntity))), len(list(d.get_records(ProvActivity))))"
    )
    done = aside(code, str(path))
    assert done.returncode == 0, done.stderr[-800:]
    told = manifest(release)
    assert done.stdout.split() == [str(2 + len(told["files"]) + len(told["provenance"]["inputs"])), "1"]
    assert {a["prov:label"] for n, a in json.loads(path.read_bytes())["agent"].items() if "actor" in n} == {"ACT-0001"}


def test_ddi_is_well_formed_in_the_order_of_its_schema_and_has_every_variable(release, tmp_path):
    root = ElementTree.parse(export(release, "ddi", tmp_path)).getroot()
    assert root.tag == f"{DDI}codeBook"
    for element in root.iter():
        order = ORDER.get(element.tag.removeprefix(DDI))
        if order:
            places = [order.index(child.tag.removeprefix(DDI)) for child in element]
            assert places == sorted(places), element.tag
    assert [variable.get("name") for variable in root.iter(f"{DDI}var")] == header(release)
    ids = [element.get("ID") for element in root.iter() if element.get("ID")]
    assert len(set(ids)) == len(ids)
    package = json.loads((release / "datapackage.json").read_bytes())
    for field, variable in zip(package["resources"][0]["schema"]["fields"], root.iter(f"{DDI}var"), strict=True):
        codes = [each.text for each in variable.iter(f"{DDI}catValu")]
        assert codes == field.get("constraints", {}).get("enum", [c["value"] for c in field.get("categories", [])])


def test_ckan_says_who_may_have_it(release, tmp_path):
    content = json.loads(export(release, "ckan", tmp_path).read_bytes())
    told = manifest(release)
    for needed in ("name", "title", "notes", "owner_org", "license_id", "dataset_source", "private", "methodology"):
        assert content[needed] not in (None, ""), needed
    assert content["private"] == (told["recipient"]["tier"] != "public")
    listed = {(each["name"], each["hash"]) for each in content["resources"]}
    data = {(f["path"][5:], f["sha256"]) for f in told["files"] if f["path"].startswith("data/")}
    assert listed == (data if told["recipient"]["tier"] == "public" else set())


@pytest.mark.parametrize("shape", SHAPES)
def test_an_export_is_the_same_every_time(release, tmp_path, shape):
    first, second = (export(release, shape, tmp_path / name) for name in "ab")
    if first.is_file():
        assert first.read_bytes() == second.read_bytes()
        return
    for path in first.rglob("*"):
        assert path.is_dir() or path.read_bytes() == (second / path.relative_to(first)).read_bytes()


def test_an_unknown_shape_is_refused(release, tmp_path):
    with pytest.raises(IntegrityError, match="no shape"):
        export(release, "parquet", tmp_path)
