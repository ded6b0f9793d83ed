"""Every change to a package is found: an edit, an addition, a removal, a link, and changes made consistent again."""

import hashlib
import itertools
import json
import os
import re

import pandas as pd
import pytest

from release_samples import copy_of, places, seal, signed, survey
from sdc.errors import IntegrityError
from sdc.release.manifest import package_name
from sdc.release.package import build
from sdc.release.verify import inspect, verify


@pytest.fixture(scope="module")
def originals(tmp_path_factory):
    folder = tmp_path_factory.mktemp("packages")
    made = {}
    for name, given in (("survey", survey()), ("places", places()), ("areas", places(tier="public"))):
        made[name] = folder / name / package_name(given["request"])
        build(made[name], **given)
        signed(made[name])
    return made


@pytest.fixture
def package(originals, tmp_path):
    number = itertools.count()
    return lambda name="survey": copy_of(originals[name], tmp_path / f"{name}{next(number)}")


def refused(folder) -> str:
    with pytest.raises(IntegrityError) as refusal:
        verify(folder)
    return str(refusal.value)


def failing(folder) -> set[str]:
    return {check.name for check in inspect(folder) if not check.passed}


def edit_json(path, change) -> None:
    content = json.loads(path.read_bytes())
    change(content)
    path.write_text(json.dumps(content, indent=2, ensure_ascii=False) + "\n")


def edit_csv(folder, change) -> None:
    """Change the rows of the data file, as text, and make the workbook's absence the only other trace."""
    (csv,) = (folder / "data").glob("*.csv")
    rows = pd.read_csv(csv, dtype=str, keep_default_na=False)
    change(rows)
    csv.write_bytes(rows.to_csv(index=False, lineterminator="\n").encode())


def test_the_originals_verify_wherever_they_lie(package):
    for name in ("survey", "places", "areas"):
        assert len(verify(package(name))) == 10


FILES = (
    "README.txt",
    "docs/TERMS.txt",
    "docs/sdc-summary.html",
    "data/flow_survey.csv",
    "data/flow_survey.xlsx",
    "datapackage.json",
    "metadata/sdc-record.json",
    "ro-crate-metadata.json",
    "manifest.json",
    "SHA256SUMS",
    "SHA256SUMS.sig",
    "verify.py",
)


@pytest.mark.parametrize("name", FILES)
class TestEachFile:
    def test_a_changed_byte_is_found(self, package, name):
        folder = package()
        raw = bytearray((folder / name).read_bytes())
        raw[len(raw) // 2] ^= 1
        (folder / name).write_bytes(raw)
        refused(folder)

    def test_an_added_byte_is_found(self, package, name):
        folder = package()
        with (folder / name).open("ab") as content:
            content.write(b"\n")
        refused(folder)

    def test_an_emptied_file_is_found(self, package, name):
        folder = package()
        (folder / name).write_bytes(b"")
        refused(folder)

    def test_a_removed_file_is_found(self, package, name):
        folder = package()
        (folder / name).unlink()
        refused(folder)

    def test_a_renamed_file_is_found(self, package, name):
        folder = package()
        (folder / name).rename(folder / f"{name}.bak")
        assert "unexpected" in refused(folder) or "missing" in refused(folder)

    def test_a_link_to_the_same_bytes_is_found(self, package, tmp_path, name):
        folder = package()
        (folder / name).rename(tmp_path / "elsewhere")
        (folder / name).symlink_to(tmp_path / "elsewhere")
        assert "link" in refused(folder)

    def test_a_folder_in_its_place_is_found(self, package, name):
        folder = package()
        (folder / name).unlink()
        (folder / name).mkdir()
        refused(folder)


@pytest.mark.parametrize(
    "name", ["extra.txt", ".hidden", "data/flow_survey.csv~", "docs/deep/er.txt", "data/\x1b[31m.csv"]
)
def test_an_added_file_is_found(package, name):
    folder = package()
    (folder / name).parent.mkdir(exist_ok=True)
    (folder / name).write_text("x")
    text = refused(folder)
    assert "unexpected" in text
    assert "\x1b" not in text


@pytest.mark.parametrize("kind", ["file link", "folder link", "dangling link", "pipe", "hard to read"])
def test_what_is_no_plain_file_is_found(package, tmp_path, kind):
    folder = package()
    place = folder / "docs" / "more"
    if kind == "pipe":
        os.mkfifo(place)
    elif kind == "folder link":
        place.symlink_to(tmp_path)
    elif kind == "dangling link":
        place.symlink_to(tmp_path / "nowhere")
    elif kind == "file link":
        place.symlink_to("/etc/hostname")
    else:
        (folder / "a/b/c/d/e/f/g/h/i/j").mkdir(parents=True)
        place = folder / "a"
    refused(folder)


def test_the_folder_itself_may_not_be_a_link(package, tmp_path):
    (tmp_path / "link").symlink_to(package())
    assert "no folder" in refused(tmp_path / "link")
    assert "no folder" in refused(tmp_path / "absent")


def test_two_files_swapped_are_found(package):
    folder = package()
    first, second = folder / "README.txt", folder / "docs" / "TERMS.txt"
    one, two = first.read_bytes(), second.read_bytes()
    first.write_bytes(two)
    second.write_bytes(one)
    assert refused(folder).count("was changed") == 4  # two files, told by SHA256SUMS and by the manifest


def test_hashes_swapped_are_found(package):
    folder = package()
    lines = (folder / "SHA256SUMS").read_text().splitlines()
    lines[0], lines[1] = lines[1][:64] + lines[0][64:], lines[0][:64] + lines[1][64:]
    (folder / "SHA256SUMS").write_text("\n".join(lines) + "\n")
    assert failing(folder) == {"SHA256SUMS", "signature"}


@pytest.mark.parametrize(
    "line",
    [
        "{0}  ../outside",
        "{0} *README.txt",
        "{0}  README.txt",
        "",
        "zz",
        "{0}  /etc/passwd",
        "\u00e9{0}  README.txt",
    ],
)
def test_odd_lines_in_sha256sums_are_found(package, line):
    folder = package()
    with (folder / "SHA256SUMS").open("a", encoding="utf-8") as content:
        content.write(line.format("0" * 64) + "\n")
    assert "SHA256SUMS" in failing(folder)


def test_sha256sums_without_the_manifest_are_found(package):
    folder = package()
    text = (folder / "SHA256SUMS").read_text()
    (folder / "SHA256SUMS").write_text(re.sub(r"(?m)^.*manifest\.json\n", "", text))
    assert "unexpected" in refused(folder)


def test_sealing_alone_changes_nothing(package):
    """The seal of these tests is good: what follows is found for its content alone."""
    for name in ("survey", "places", "areas"):
        folder = package(name)
        seal(folder)
        assert "promises" in verify(folder)


def csv_only(folder, change) -> set[str]:
    """Edit the data, and seal: hashes agree, the content does not."""
    edit_csv(folder, change)
    seal(folder)
    assert not failing(folder) & {"SHA256SUMS", "files of the manifest", "datapackage.json"}
    return failing(folder)


class TestSealedChanges:
    """The attacker recomputes every hash; what is left to find him is the content."""

    def test_a_record_that_stands_alone_breaks_k(self, package):
        folder = package()

        def change(rows):
            rows.loc[0, ["sex", "day"]] = ["f", "2019" if len(rows.loc[0, "day"]) == 4 else "2019-01"]

        assert "promises" in csv_only(folder, change)
        assert "k_anonymity" in refused(folder)

    def test_a_class_that_gives_its_answer_away_breaks_l(self, package):
        folder = package()

        def change(rows):
            keys = ["sex", "age", "day"]
            first = tuple(rows.loc[rows[keys].ne("").all(axis=1)].iloc[0][keys])
            rows.loc[(rows[keys] == list(first)).all(axis=1), "reason"] = "yes"

        assert "promises" in csv_only(folder, change)
        assert "l_diversity" in refused(folder)

    def test_a_small_count_is_found(self, package):
        for name, value in (("places", "1"), ("areas", "5"), ("areas", "11")):
            folder = package(name)
            found = csv_only(folder, lambda rows, value=value: rows.__setitem__("men", [value, *rows["men"][1:]]))
            assert "promises" in found
            text = refused(folder)
            assert "least_count" in text or "multiples" in text

    def test_a_suppressed_member_filled_in_is_found(self, package):
        """Two of persons, men, women are hidden; filling one in gives the other back."""
        folder = package("places")

        def change(rows):
            gaps = rows[["persons", "men", "women"]].eq("")
            row = gaps.index[gaps.sum(axis=1) == 2][0]
            column = gaps.columns[gaps.loc[row]][0]
            rows.loc[row, column] = "77"

        assert "promises" in csv_only(folder, change)
        assert "no_single_gap" in refused(folder)

    def test_a_code_outside_its_list_is_found(self, package):
        assert "data under their schema" in csv_only(package(), lambda rows: rows.__setitem__("sex", "q"))

    def test_a_word_in_a_count_is_found(self, package):
        folder = package("places")
        assert "data under their schema" in csv_only(folder, lambda rows: rows.__setitem__("men", "many"))

    @pytest.mark.parametrize("value", ["1.5", "01", "1e3", "+3", " 3", "١"])
    def test_an_odd_number_in_a_count_is_found(self, package, value):
        folder = package("places")

        def change(rows):
            rows.loc[0, "men"] = value

        assert "data under their schema" in csv_only(folder, change)

    @pytest.mark.parametrize("value", ["2026-02-30", "2026-2-3", "26-02-03", "2026-01-01T00:00:00"])
    def test_what_is_no_day_is_found(self, package, value):
        def change(rows):
            rows.loc[0, "started"] = value

        assert "data under their schema" in csv_only(package(), change)

    def test_a_formula_is_found(self, package):
        def change(rows):
            rows.loc[0, "admin2"] = "=1+1"

        assert "data under their schema" in csv_only(package("places"), change)

    def test_a_row_more_or_less_is_found(self, package):
        for change in (lambda lines: lines[:-1], lambda lines: [*lines, lines[-1]]):
            folder = package()
            csv = folder / "data" / "flow_survey.csv"
            csv.write_text("\n".join(change(csv.read_text().splitlines())) + "\n")
            seal(folder)
            assert "data under their schema" in failing(folder)

    def test_a_column_more_is_found(self, package):
        found = csv_only(package(), lambda rows: rows.__setitem__("name", "x"))
        assert "data under their schema" in found

    @pytest.mark.parametrize("how", ["bom", "crlf", "latin-1", "short row", "no end"])
    def test_another_form_of_csv_is_found(self, package, how):
        folder = package()
        csv = folder / "data" / "flow_survey.csv"
        raw = csv.read_bytes()
        csv.write_bytes(
            {
                "bom": b"\xef\xbb\xbf" + raw,
                "crlf": raw.replace(b"\n", b"\r\n"),
                "latin-1": raw.replace(b"food", b"caf\xe9", 1),
                "short row": raw + b"f,2\n",
                "no end": raw.rstrip(b"\n"),
            }[how]
        )
        seal(folder)
        assert "data under their schema" in failing(folder)

    def test_a_change_in_the_workbook_alone_is_found(self, package, originals):
        """The workbook of another file under the same name, with the hashes made to fit."""
        folder = package()
        other = survey(n=301)
        build(folder.parent / "other", **other)
        (folder / "data" / "flow_survey.xlsx").write_bytes(
            (folder.parent / "other" / "data" / "flow_survey.xlsx").read_bytes()
        )
        seal(folder)
        assert failing(folder) == {"workbook equals data"}

    def test_a_change_in_the_data_alone_leaves_the_workbook_behind(self, package):
        def change(rows):
            rows.loc[0, "weight"] = "12.5"

        assert csv_only(package(), change) == {"workbook equals data"}

    @pytest.mark.parametrize(
        ("entry", "value"),
        [("k", 4), ("k", 6), ("missing", "wildcard"), ("columns", ["sex"]), ("columns", ["absent"]), ("columns", [])],
    )
    def test_a_weaker_promise_is_found(self, package, entry, value):
        """The manifest alone, then the record too: the criterion still tells what was asked."""
        folder = package()

        def change(content):
            promises = content["sdc"]["promises"] if "sdc" in content else content["promises"]
            next(p for p in promises if p["promise"] == "k_anonymity")[entry] = value

        edit_json(folder / "manifest.json", change)
        seal(folder)
        assert failing(folder)
        if entry in ("k",):
            edit_json(folder / "metadata" / "sdc-record.json", change)
            seal(folder)
            assert "SDC record" in failing(folder)

    def test_a_promise_taken_out_is_found(self, package):
        for name, promise in (("survey", "k_anonymity"), ("survey", "l_diversity"), ("areas", "multiples")):
            folder = package(name)

            def change(content, promise=promise):
                where = content.get("sdc", content)
                where["promises"] = [p for p in where["promises"] if p["promise"] != promise]

            for document in ("manifest.json", "metadata/sdc-record.json"):
                edit_json(folder / document, change)
            seal(folder)
            assert failing(folder) == {"SDC record"}

    @pytest.mark.parametrize(
        "change",
        [
            lambda m: m.update(status="released"),
            lambda m: m.pop("validation"),
            lambda m: m["validation"].update(gate="fail"),
            lambda m: m.update(version="9.9.9"),
            lambda m: m["files"].append(m["files"][0]),
            lambda m: m["recipient"].update(tier="everybody"),
            lambda m: m["approvals"][0].update(by="Amina Example"),
            lambda m: m["files"][0].update(path="../outside"),
            lambda m: m["files"][0].update(bytes=1),
            lambda m: m.update(component="other"),
        ],
    )
    def test_a_manifest_that_says_otherwise_is_found(self, package, change):
        folder = package()
        edit_json(folder / "manifest.json", change)
        manifest = (folder / "manifest.json").read_bytes()
        lines = (folder / "SHA256SUMS").read_text().splitlines()
        digest = hashlib.sha256(manifest).hexdigest()
        text = "".join(f"{digest}  manifest.json\n" if s.endswith("  manifest.json") else f"{s}\n" for s in lines)
        (folder / "SHA256SUMS").write_text(text)
        assert failing(folder) - {"SHA256SUMS"}

    @pytest.mark.parametrize(
        "change",
        [
            lambda d: d["resources"][0].update(path="https://example.org/x.csv"),
            lambda d: d["resources"][0].update(path="../x.csv"),
            lambda d: d["resources"].append(d["resources"][0]),
            lambda d: d.update(id="another"),
            lambda d: d["resources"][0]["schema"]["fields"].pop(),
            lambda d: d["resources"][0]["schema"]["fields"][0].update(type="object"),
            lambda d: d["resources"][0].pop("schema"),
        ],
    )
    def test_a_data_package_that_says_otherwise_is_found(self, package, change):
        folder = package()
        edit_json(folder / "datapackage.json", change)
        digest_all(folder)
        assert failing(folder) & {"datapackage.json", "data under their schema", "workbook equals data"}

    @pytest.mark.parametrize(
        "raw", [b"", b"[]", b"null", b"{", b'{"a": NaN}', b"\xff", b"[" * 200_000, b'{"version": "1", "version": "2"}']
    )
    def test_documents_that_are_no_json_are_found(self, package, raw):
        for name in ("manifest.json", "datapackage.json", "metadata/sdc-record.json"):
            folder = package()
            (folder / name).write_bytes(raw)
            refused(folder)


def digest_all(folder) -> None:
    """Bring the manifest's and SHA256SUMS' hashes up to date, and nothing else."""
    manifest = json.loads((folder / "manifest.json").read_bytes())
    for entry in manifest["files"]:
        raw = (folder / entry["path"]).read_bytes()
        entry.update(bytes=len(raw), sha256=hashlib.sha256(raw).hexdigest())
    (folder / "manifest.json").write_text(json.dumps(manifest))
    names = sorted(p.relative_to(folder).as_posix() for p in folder.rglob("*") if p.is_file())
    lines = [f"{hashlib.sha256((folder / n).read_bytes()).hexdigest()}  {n}\n" for n in names if n != "SHA256SUMS"]
    (folder / "SHA256SUMS").write_text("".join(lines))


def test_all_faults_are_told_at_once(package):
    folder = package()
    (folder / "extra.txt").write_text("x")
    (folder / "docs" / "TERMS.txt").unlink()
    (folder / "README.txt").write_text("changed")
    text = refused(folder)
    for said in ("extra.txt: is unexpected", "docs/TERMS.txt: is missing", "README.txt: was changed"):
        assert said in text


def test_no_value_of_the_data_is_told(package):
    """What is wrong is told by column and count."""
    folder = package()
    edit_csv(folder, lambda rows: rows.__setitem__("sex", "CANARY-7f3a"))
    seal(folder)
    assert "CANARY" not in refused(folder)
    (folder / "data" / "flow_survey.csv").write_bytes(b'sex,age\n"CANARY-7f3a,1\n')
    seal(folder)
    assert "CANARY" not in refused(folder)
