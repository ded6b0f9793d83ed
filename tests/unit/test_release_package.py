"""A package: complete, valid for the tools that read it, the same bytes every time, and discreet."""

import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import openpyxl
import pandas as pd
import pytest
from jsonschema import Draft202012Validator

from release_samples import PROVENANCE, copy_of, places, policy, request, survey
from sdc.errors import ApprovalError, DataError, DisclosureError, IntegrityError, RequestError
from sdc.release import workbook
from sdc.release.manifest import manifest_schema, package_name
from sdc.release.package import build
from sdc.release.papers import given_as, summary
from sdc.release.pseudonyms import Ids, Line, with_ids
from sdc.release.spreadsheet import differences
from sdc.release.verify import verify
from sdc.release.wording import METHODS, WORDS

TESTS = Path(__file__).resolve().parents[1]
MEMBERS = {
    "README.txt",
    "SHA256SUMS",
    "datapackage.json",
    "docs/TERMS.txt",
    "docs/sdc-summary.html",
    "manifest.json",
    "metadata/sdc-record.json",
    "ro-crate-metadata.json",
    "verify.py",
}


@pytest.fixture(scope="module", params=["survey", "places", "public places"])
def built(request, tmp_path_factory):
    given = {"survey": survey, "places": places, "public places": lambda: places(tier="public")}[request.param]()
    folder = tmp_path_factory.mktemp("candidates") / package_name(given["request"])
    build(folder, **given)
    return folder, given


def names(folder: Path) -> set[str]:
    return {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}


def issued(given: dict) -> list[str]:
    """Columns of the data file: those of the table, behind a record id where rows are records."""
    columns = list(given["table"].rows.columns)
    return columns if given["table"].names("count") else ["record_id", *columns]


def load(path: Path) -> dict:
    return json.loads(path.read_bytes())


def test_a_package_is_complete_and_verifies(built):
    folder, given = built
    component = given["request"].component
    assert names(folder) == MEMBERS | {f"data/{component}.csv", f"data/{component}.xlsx"}
    assert "promises" in verify(folder, candidate=True)
    assert not list(folder.parent.glob(".*"))


def test_sha256sum_accepts_it(built):
    folder, _ = built
    done = subprocess.run(["sha256sum", "--strict", "-c", "SHA256SUMS"], cwd=folder, capture_output=True, check=False)
    assert done.returncode == 0
    assert len(done.stdout.splitlines()) == len(names(folder)) - 1


def test_frictionless_accepts_it(built):
    folder, _ = built
    code = "import sys, frictionless; sys.exit(not frictionless.validate(sys.argv[1]).valid)"
    descriptor = str(folder / "datapackage.json")
    assert subprocess.run([sys.executable, "-W", "ignore", "-c", code, descriptor], check=False).returncode == 0


def test_frictionless_refuses_a_code_outside_the_list(built, tmp_path):
    """The enum is what makes a reader notice: without it this test fails."""
    folder, given = built
    if "sex" not in given["table"]:
        pytest.skip("open codes have no list")
    broken = copy_of(folder, tmp_path / "p")
    csv = broken / "data" / "flow_survey.csv"
    csv.write_bytes(re.sub(rb"(?m)^(\w{16}),[fm],", rb"\1,q,", csv.read_bytes(), count=1))
    code = (
        "import sys, frictionless; r = frictionless.validate(sys.argv[1]); "
        "sys.exit(not any(e == ['constraint-error'] for e in r.flatten(['type'])))"
    )
    descriptor = str(broken / "datapackage.json")
    assert subprocess.run([sys.executable, "-W", "ignore", "-c", code, descriptor], check=False).returncode == 0


def test_the_manifest_obeys_its_published_schema(built, repo):
    folder, _ = built
    Draft202012Validator.check_schema(manifest_schema())
    content = load(folder / "manifest.json")
    Draft202012Validator(manifest_schema()).validate(content)
    assert load(repo / "docs" / "reference" / "manifest.schema.json") == manifest_schema()
    assert content["release_id"] == folder.name
    assert content["created_at"] == "2026-11-02"
    assert {entry["path"] for entry in content["files"]} == names(folder) - {"manifest.json", "SHA256SUMS"}
    assert "status" not in content


def test_the_csv_is_plain(built):
    folder, given = built
    raw = next((folder / "data").glob("*.csv")).read_bytes()
    assert not raw.startswith(b"\xef\xbb\xbf")
    assert b"\r" not in raw
    assert raw.endswith(b"\n")
    header, *lines = raw.decode().split("\n")[:-1]
    assert header == ",".join(issued(given))
    assert len(lines) == len(given["table"])


def test_the_csv_is_the_table(built):
    folder, given = built
    read = pd.read_csv(next((folder / "data").glob("*.csv")), keep_default_na=False, dtype=str)
    for name in given["table"].rows.columns:
        column = given["table"].rows[name]
        if pd.api.types.is_datetime64_any_dtype(column.dtype):
            column = column.dt.strftime("%Y-%m-%d")
        expected = ["" if pd.isna(value) else str(value) for value in column]
        assert list(read[name]) == expected, name


def test_each_record_has_an_id_of_its_own_and_counts_have_none(built):
    folder, given = built
    read = pd.read_csv(next((folder / "data").glob("*.csv")), dtype=str)
    manifest = load(folder / "manifest.json")
    fields = load(folder / "datapackage.json")["resources"][0]["schema"]["fields"]
    if given["table"].names("count"):
        assert "record_id" not in read.columns
        assert manifest["sdc"]["issued_columns"] == []
        return
    assert read["record_id"].is_unique
    assert read["record_id"].str.fullmatch("[a-z2-7]{16}").all()
    assert manifest["sdc"]["issued_columns"] == ["record_id"]
    assert fields[0]["constraints"] == {"required": True, "unique": True, "pattern": "^[a-z2-7]{16}$"}
    assert "record_id" in (folder / "README.txt").read_text()


def test_record_numbers_are_not_released(built):
    folder, given = built
    text = "".join(path.read_text() for path in folder.rglob("*") if path.suffix in (".csv", ".json", ".txt", ".html"))
    if given["table"].rows.index.min() >= 777_000:
        assert "777" not in re.sub(r"[0-9a-f]{64}|[0-9]+\.[0-9]+", "", text)
    assert "record" not in given["table"].rows.columns
    assert list(pd.read_csv(next((folder / "data").glob("*.csv"))).columns) == issued(given)


def test_the_workbook_holds_the_same_and_no_formula(built):
    folder, given = built
    xlsx = next((folder / "data").glob("*.xlsx"))
    book = openpyxl.load_workbook(xlsx)
    assert book.sheetnames == ["README", "data", "dictionary", "codes"]
    for sheet in book:
        assert not [cell for row in sheet.iter_rows() for cell in row if cell.data_type == "f"]
    data = book["data"]
    assert data.max_row == len(given["table"]) + 1
    assert data.freeze_panes == "A2"
    assert [cell.value for cell in data[1]] == issued(given)
    described = [row[0].value for row in book["dictionary"].iter_rows(min_row=2)]
    assert described == issued(given)
    with zipfile.ZipFile(xlsx) as archive:
        assert {entry.date_time[0] for entry in archive.infolist()} == {1980}


def test_what_a_step_changed_is_not_said_to_be_as_collected():
    """Averaged weights are told as changed; a column that only lost cells is as collected, and has lost some."""
    table = survey()["table"]
    loss = {"status": "released", "level_name": None, "share_suppressed": 0.0, "loss": 0.0}
    record = {
        "promises": [],
        "methods": [
            {"step": "average_weights", "columns": ["weight"]},
            {"step": "suppress_locally", "columns": ["sex"]},
        ],
        "checks": [],
        "cross_release": "pass",
        "loss": {"share_suppressed": 0.0, "columns": [{"name": name, **loss} for name in ("weight", "sex", "reason")]},
    }
    given = given_as(table, record, "en")
    assert given["weight"].startswith("changed")
    assert given["sex"] == given["reason"] == "as collected"
    page = summary(table, survey(languages=["en"])["request"], record, "R")
    assert "Weights are means over similar records" in page
    assert "Weights are released unchanged" not in page
    assert page.count("&lt; 0.5 %") == 1


def test_the_readme_answers_the_questions_of_a_recipient(built):
    folder, given = built
    text = (folder / "README.txt").read_text()
    for heading in (
        "IS IT GENUINE?",
        "WHO MAY USE IT",
        "EMPTY CELLS",
        "HOW TO CITE",
        "CONTACT",
        "DELETE BY",
        "CELLULES VIDES",
    ):
        assert heading in text, heading
    assert given["policy"].terms.credit in " ".join(text.split())
    restricted = given["policy"].tier == "restricted"
    assert ("2027-12-31" in text) == restricted
    assert max(len(line) for line in text.splitlines()) <= 80
    terms = " ".join((folder / "docs" / "TERMS.txt").read_text().split())
    assert ("Ministry of Relief" in terms) == restricted
    for condition in given["policy"].terms.conditions:
        assert condition in terms


def test_no_withheld_number_and_no_step_parameter_is_in_a_package(built):
    """The least count of the policy, its budgets, reasons and the steps' parameters stay in the house."""
    folder, given = built
    record = load(folder / "metadata" / "sdc-record.json")
    rules = {rule["rule"]: rule for rule in record["criteria"]}
    for name in ("minimum_count", "max_suppressed_values", "max_suppressed_records"):
        assert rules[name]["value"] is None
        assert rules[name]["withheld"]
    told = "".join((folder / name).read_text() for name in MEMBERS - {"SHA256SUMS", "verify.py"})
    for entry in given["ledger"]["entries"]:
        assert entry["because"] not in told
    for _, rule in given["policy"].rules():
        assert rule.because not in told
    for check in given["verdict"]["checks"]:
        if check["name"] == "minimum_count":
            assert check["promise"] not in told
    for word in ("seed", "below_minimum", "importance", "histogram"):
        assert word not in told


def test_the_loss_of_a_count_is_not_told(built):
    """The people missing from a count are the count that is hidden, where only one is."""
    folder, given = built
    loss = load(folder / "manifest.json")["sdc"]["loss"]
    counts = [v.name for v in given["table"].variables if v.role == "count"]
    if not counts:
        assert loss["information_loss"] > 0
        return
    assert loss["information_loss"] is None
    assert {row["name"]: row["loss"] for row in loss["columns"] if row["name"] in counts} == dict.fromkeys(counts)
    assert "below_minimum" not in json.dumps(load(folder / "manifest.json"))


def test_nothing_outside_the_package_is_asked_for(built):
    folder, _ = built
    page = (folder / "docs" / "sdc-summary.html").read_text()
    assert not re.search(r"(?:src|href)\s*=\s*[\"'](?!#)", page)
    assert "@import" not in page
    assert "url(" not in page
    assert "<script" not in page


def test_the_data_package_refers_to_its_own_file_only(built):
    folder, given = built
    (resource,) = load(folder / "datapackage.json")["resources"]
    raw = (folder / resource["path"]).read_bytes()
    assert resource["path"] == f"data/{given['request'].component}.csv"
    assert resource["bytes"] == len(raw)
    assert resource["hash"] == f"sha256:{hashlib.sha256(raw).hexdigest()}"
    assert resource["schema"]["missingValues"][0]["value"] == ""


def test_fields_carry_types_lists_and_hashtags(tmp_path):
    given = survey()
    build(tmp_path / "p", **given)
    fields = {
        field["name"]: field for field in load(tmp_path / "p" / "datapackage.json")["resources"][0]["schema"]["fields"]
    }
    level = given["table"]["age"].level
    assert fields["sex"]["constraints"]["enum"] == ["f", "m"]
    assert fields["age"]["type"] == ("integer" if level == 0 else "string")
    assert level == 0 or fields["age"]["constraints"]["enum"] == list(given["table"]["age"].codes_at(level))
    assert fields["reason"]["hxl"] == "#cause+code"
    assert fields["reason"]["categories"][0] == {"value": "yes", "label": "Yes"}
    assert fields["weight"]["type"] == "number"
    assert fields["started"]["type"] == "date"
    assert re.fullmatch(fields["needs"]["constraints"]["pattern"], "food water")
    assert not re.fullmatch(fields["needs"]["constraints"]["pattern"], "food  water")


def test_the_same_package_has_the_same_bytes_everywhere(tmp_path):
    """Another folder, working folder, time zone, language, hash seed and umask; in all four languages."""
    code = (
        "import os, sys; sys.path.insert(0, sys.argv[1]); os.umask(int(sys.argv[4], 8)); from pathlib import Path; "
        "from release_samples import survey, places; from sdc.release.package import build, package_name; "
        "given = {'s': survey, 'p': places}[sys.argv[2]](languages=['en', 'fr', 'es', 'ar']); "
        "build(Path(sys.argv[3]) / package_name(given['request']), **given)"
    )
    setups = [
        ("a", {"TZ": "UTC", "LANG": "C", "PYTHONHASHSEED": "1"}, "022"),
        (
            "b/deeper/é",
            {"TZ": "Pacific/Kiritimati", "LANG": "fr_FR.UTF-8", "LC_ALL": "C.UTF-8", "PYTHONHASHSEED": "77"},
            "077",
        ),
        ("c", {"TZ": "America/Caracas", "LC_ALL": "ar_SD.UTF-8", "LANGUAGE": "ar", "PYTHONHASHSEED": "3"}, "027"),
    ]
    for which in "sp":
        found = []
        for place, env, umask in setups:
            target = tmp_path / which / place
            target.mkdir(parents=True)
            command = [sys.executable, "-W", "error", "-c", code, str(TESTS), which, str(target), umask]
            subprocess.run(command, check=True, env={**os.environ, **env}, cwd=target.parent)
            (folder,) = target.iterdir()
            found.append({name: (folder / name).read_bytes() for name in sorted(names(folder))})
        assert found[0] == found[1] == found[2]


ARABIC = re.compile("[\u0600-\u06ff]")


def test_the_readme_speaks_four_languages_and_arabic_runs_from_right_to_left(tmp_path):
    given = survey(languages=["ar", "en", "fr", "es"])
    build(tmp_path / "p", **given)
    arabic, english, french, spanish = (tmp_path / "p" / "README.txt").read_text().split("-" * 78)
    for page, word in ((english, "EMPTY CELLS"), (french, "CELLULES VIDES"), (spanish, "CELDAS VACÍAS")):
        assert word in page
        assert not ARABIC.search(page)
    assert "الخلايا الفارغة" in arabic
    for line in filter(str.strip, arabic.splitlines()):
        command = line.startswith(("ssh-keygen ", "sha256sum "))
        assert line.startswith("\u200f") != command, "a command is copied as it is"
    page = (tmp_path / "p" / "docs" / "sdc-summary.html").read_text()
    assert 'id="ar" lang="ar" dir="rtl"' in page
    assert 'id="en" lang="en" dir="ltr"' in page
    book = openpyxl.load_workbook(tmp_path / "p" / "data" / "flow_survey.xlsx")
    turned = {sheet.title: bool(sheet.sheet_view.rightToLeft) for sheet in book}
    assert turned == {"README": True, "data": False, "dictionary": True, "codes": True}
    assert ARABIC.search(book["README"]["A2"].value)


def test_every_language_says_everything_with_the_same_figures():
    """No sentence is missing in a language, none is left in English, and each names the same figures."""
    for part in (WORDS, METHODS):
        for language, words in part.items():
            assert set(words) == set(part["en"]), language
            for name, text in words.items():
                figures = [sorted(re.findall(r"{\w+}", each)) for each in (text, part["en"][name])]
                assert figures[0] == figures[1], (language, name)
                assert language in ("en", "fr") or len(text) < 25 or text != part["en"][name], (language, name)
    assert all(ARABIC.search(text) for text in WORDS["ar"].values())


@pytest.mark.skipif(shutil.which("soffice") is None, reason="LibreOffice is not installed")
@pytest.mark.slow
def test_libreoffice_opens_the_workbook_and_shows_what_is_in_it(tmp_path):
    given = survey(n=60, languages=["ar"])
    build(tmp_path / "p", **given)
    for form, name in (
        ("csv:Text - txt - csv (StarCalc):44,34,76,1,,0,false,true,false,false,false,2", "csv"),
        ("pdf", "pdf"),
    ):
        command = ["soffice", f"-env:UserInstallation=file://{tmp_path}/profile", "--headless", "--convert-to", form]
        command += ["--outdir", str(tmp_path), str(tmp_path / "p" / "data" / "flow_survey.xlsx")]
        subprocess.run(command, check=True, capture_output=True, timeout=240)
        assert list(tmp_path.glob(f"flow_survey*.{name}")), form
    (sheet,) = tmp_path.glob("flow_survey*.csv")
    shown = pd.read_csv(sheet, dtype=str, keep_default_na=False)
    written = pd.read_csv(tmp_path / "p" / "data" / "flow_survey.csv", dtype=str, keep_default_na=False)
    pd.testing.assert_frame_equal(shown, written)
    if shutil.which("pdftotext"):
        done = subprocess.run(["pdftotext", str(tmp_path / "flow_survey.pdf"), "-"], capture_output=True, check=True)
        assert ARABIC.search(done.stdout.decode())


@pytest.mark.skipif(
    shutil.which("rocrate-validator") is None, reason="rocrate-validator (roc-validator) is not installed"
)
def test_a_validator_of_ro_crate_1_3_accepts_it(built):
    """Its profile is bundled; the JSON-LD context it gets from its cache or the network."""
    folder, _ = built
    command = ["rocrate-validator", "validate", "-p", "ro-crate-1.3", "-l", "required", "--no-paging", str(folder)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    told = "".join(done.stdout.split())  # lines break anywhere
    if done.returncode and (
        "UnabletoretrievetheJSON-LDcontext" in told or "requests.exceptions.ConnectionError" in told
    ):
        pytest.skip("the context of RO-Crate 1.3 can be fetched neither from a cache nor from the network")
    assert done.returncode == 0, done.stdout[-800:]


def test_the_research_object_describes_every_file(built):
    folder, _ = built
    graph = {entity["@id"]: entity for entity in load(folder / "ro-crate-metadata.json")["@graph"]}
    assert graph["ro-crate-metadata.json"]["conformsTo"] == {"@id": "https://w3id.org/ro/crate/1.3"}
    parts = {part["@id"] for part in graph["./"]["hasPart"]}
    assert parts == names(folder) - {"ro-crate-metadata.json", "manifest.json", "SHA256SUMS"}
    for part in parts:
        assert graph[part]["contentSize"] == str((folder / part).stat().st_size)
        assert graph[part]["name"]
        assert graph[part]["description"]
    for name in ("publisher", "license"):
        assert graph["./"][name]["@id"] in graph
    assert graph[graph["./"]["publisher"]["@id"]]["contactPoint"]["@id"] in graph


@pytest.mark.parametrize(
    "text",
    [
        "=1+1",
        "+1",
        "-1",
        "@SUM(A1)",
        "\t=1",
        "\r=1",
        "\uff1d1",
        " =1",
        "\ufeff@x",
        "a\x00b",
        "a\rb",
        "\u200b-x",
        "x" * 32768,
    ],
    ids=lambda text: ascii(text)[1:9],
)
def test_a_cell_that_a_spreadsheet_would_run_stops_the_release(tmp_path, text):
    given = survey()
    rows = given["table"].rows.copy()
    rows["needs"] = rows["needs"].astype("object")
    rows.iloc[3, rows.columns.get_loc("needs")] = text
    with pytest.raises(DataError) as refusal:
        build(tmp_path / "p", **{**given, "table": given["table"].with_rows(rows)})
    assert "`needs`" in str(refusal.value)
    assert "1 cells" in str(refusal.value)
    assert text.strip() not in str(refusal.value)
    assert list(tmp_path.iterdir()) == []


def test_all_unsafe_columns_are_told_at_once(tmp_path):
    given = survey()
    rows = given["table"].rows.copy()
    for name in ("needs", "reason"):
        rows[name] = rows[name].astype("object")
        rows.iloc[0, rows.columns.get_loc(name)] = "=cmd"
    rows.iloc[1, rows.columns.get_loc("weight")] = float("inf")
    with pytest.raises(DataError) as refusal:
        build(tmp_path / "p", **{**given, "table": given["table"].with_rows(rows)})
    assert [fault.where for fault in refusal.value.faults] == ["`reason`", "`needs`", "`weight`"]


def test_hostile_text_in_the_workbook_stays_text(tmp_path):
    """Behind the guard there is a second one: the workbook itself never makes a formula or a link."""
    given = survey()
    hostile = ["=1+1", '=HYPERLINK("http://x.example")', "http://x.example", "{=A1}", "_x0041_", "12", "mailto:a@b.c"]
    rows = given["table"].rows.copy()
    rows["needs"] = (hostile * len(rows))[: len(rows)]
    table = given["table"].with_rows(rows)
    shown = pd.DataFrame({name: rows[name].astype("str") if name == "needs" else rows[name].array for name in rows})
    shown["started"] = rows["started"].dt.strftime("%Y-%m-%d").to_numpy()
    for name, column in rows.items():
        if isinstance(column.dtype, pd.CategoricalDtype):
            shown[name] = column.astype("str").to_numpy()
    path = tmp_path / "x.xlsx"
    how = {"given": {"needs": "=1+1"}, "language": "en", "created": given["request"].approval.on}
    workbook.write_workbook(path, table, shown.reset_index(drop=True), [("=A1", "=B1")], **how)
    cells = [cell for sheet in openpyxl.load_workbook(path) for row in sheet.iter_rows() for cell in row]
    assert not [cell for cell in cells if cell.data_type == "f" or cell.hyperlink]
    assert {"=1+1", "12", "http://x.example"} <= {cell.value for cell in cells}


def test_a_file_too_large_for_a_workbook_names_the_csv(tmp_path, monkeypatch):
    given = survey()
    monkeypatch.setattr(workbook, "MOST_CELLS", 100)
    monkeypatch.setattr("sdc.release.spreadsheet.MOST_CELLS", 100)
    build(tmp_path / "p", **given)
    data = openpyxl.load_workbook(tmp_path / "p" / "data" / "flow_survey.xlsx")["data"]
    assert data.max_row == 1
    assert "data/flow_survey.csv" in data["A1"].value
    assert "workbook equals data" in verify(tmp_path / "p", candidate=True)


@pytest.mark.parametrize(
    ("change", "error"),
    [
        ({"verdict": {"gate": "fail"}}, DisclosureError),
        ({"verdict": {"request": "REQ-2026-999"}}, IntegrityError),
        ({"plan": {"request": "REQ-2026-999"}}, IntegrityError),
        ({"ledger": {"request": "REQ-2026-999"}}, IntegrityError),
    ],
)
def test_documents_that_do_not_fit_build_nothing(tmp_path, change, error):
    given = survey()
    ((name, entries),) = change.items()
    with pytest.raises(error):
        build(tmp_path / "p", **{**given, name: {**given[name], **entries}})
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("entries", "error"),
    [
        ({"approval": None}, ApprovalError),
        ({"approval": {"by": "Amina Example", "on": "2026-11-02"}}, ApprovalError),
        ({"title": "=1+1"}, RequestError),
        ({"requester": {"organisation": "@home", "type": "ngo"}}, RequestError),
    ],
)
def test_requests_that_do_not_fit_build_nothing(tmp_path, entries, error):
    given = survey()
    with pytest.raises(error):
        build(tmp_path / "p", **{**given, "request": request("flow_survey", **entries)})
    assert list(tmp_path.iterdir()) == []


def test_an_identifier_stops_the_release(tmp_path):
    given = survey()
    table = given["table"]
    named = table.with_variable(table["started"].model_copy(update={"role": "identifier"}))
    with pytest.raises(DisclosureError, match="`started`"):
        build(tmp_path / "p", **{**given, "table": named})


def test_a_broken_promise_builds_nothing_whatever_the_verdict_says(tmp_path):
    """The package reads its own data file back: a table that was changed after the verdict does not get out."""
    given = places()
    rows = given["table"].rows.copy()
    rows.iloc[0, rows.columns.get_loc("men")] = 1
    with pytest.raises(DisclosureError, match="`men`"):
        build(tmp_path / "p", **{**given, "table": given["table"].with_rows(rows)})
    given = survey()
    rows = given["table"].rows.copy()
    rows = rows.iloc[[0, *range(20, len(rows))]]
    rows = rows.drop_duplicates(["sex", "age", "day"])
    with pytest.raises(DisclosureError, match="k_anonymity"):
        build(tmp_path / "p", **{**given, "table": given["table"].with_rows(rows)})
    assert list(tmp_path.iterdir()) == []


def test_a_package_that_stood_there_is_replaced_whole(tmp_path):
    given = survey()
    (tmp_path / "p").mkdir()
    (tmp_path / "p" / "old.txt").write_text("old")
    build(tmp_path / "p", **given)
    assert "old.txt" not in names(tmp_path / "p")
    verify(tmp_path / "p", candidate=True)


def test_names_say_series_rounds_request_and_version():
    assert package_name(request("mobility_tracking", rounds=[1, 2])) == "DTM-ZZZ-MT-R01-R02-REQ-2026-042-v1.0.0"
    assert package_name(request("registration", version="2.1.0")) == "DTM-ZZZ-REG-R01-REQ-2026-042-v2.1.0"
    assert package_name(request("site_list", rounds=list(range(1, 17)))) == "DTM-ZZZ-SL-R01-to-R16-REQ-2026-042-v1.0.0"


def test_rules_that_only_warn_promise_nothing(tmp_path):
    given = survey()
    lenient = policy(k={"breach": "warn"}, ell={"breach": "report"})
    build(tmp_path / "p", **{**given, "policy": lenient})
    promised = {promise["promise"] for promise in load(tmp_path / "p" / "manifest.json")["sdc"]["promises"]}
    assert not promised & {"k_anonymity", "l_diversity"}
    verify(tmp_path / "p", candidate=True)


def test_an_unknown_policy_hash_is_refused_by_the_schema(tmp_path):
    given = survey()
    build(tmp_path / "p", **{**given, "provenance": {**PROVENANCE, "policy_sha256": "short"}})
    with pytest.raises(IntegrityError, match="policy_sha256"):
        verify(tmp_path / "p", candidate=True)


def test_a_foreign_workbook_is_read_with_distrust(tmp_path):
    given = survey()
    build(tmp_path / "p", **given)
    fields = load(tmp_path / "p" / "datapackage.json")["resources"][0]["schema"]["fields"]
    rows = with_ids(given["table"], Ids(given["secret"], Line("REQ-2026-042", "x", 1))).rows
    xlsx = tmp_path / "p" / "data" / "flow_survey.xlsx"

    def rewritten(change) -> Path:
        target = tmp_path / "changed.xlsx"
        with zipfile.ZipFile(xlsx) as old, zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as new:
            for entry in old.infolist():
                new.writestr(entry, change(entry.filename, old.read(entry)))
        return target

    def formula(name, content):
        return content.replace(b"<v>", b"<f>1+1</f><v>", 1) if name.endswith("sheet2.xml") else content

    def bomb(name, content):
        return b" " * (300 << 20) if name.endswith("theme1.xml") else content

    def entity(name, content):
        return content.replace(b"<worksheet", b'<!DOCTYPE x [<!ENTITY a "b">]><worksheet', 1)

    assert differences(rewritten(formula), fields, rows) == ["holds a formula, a link or a drawing"]
    assert differences(rewritten(bomb), fields, rows) == ["unpacks to more than it should"]
    assert differences(rewritten(entity), fields, rows) == ["has a document type"]
    (tmp_path / "junk.xlsx").write_bytes(b"PK\x03\x04 junk")
    assert differences(tmp_path / "junk.xlsx", fields, rows) == ["cannot be read as a workbook of ours"]
    with zipfile.ZipFile(xlsx, "a") as archive:
        archive.writestr("xl/vbaProject.bin", b"macro")
    assert differences(xlsx, fields, rows) == ["has 1 parts that our workbooks do not have"]


def test_an_average_has_no_more_digits_than_a_workbook_keeps(tmp_path):
    """Weights that are averaged have 17 digits; the two files would differ in the last of them."""
    given = survey()
    rows = given["table"].rows.copy()
    rows["weight"] = rows["weight"] / 7 + 1 / 3
    assert (rows["weight"].map(lambda value: float(f"{value:.15g}")) != rows["weight"]).any()
    build(tmp_path / "package", **{**given, "table": given["table"].with_rows(rows)})
    verify(tmp_path / "package", candidate=True)
