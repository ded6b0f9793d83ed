"""A release after it left: replaced, withdrawn, destroyed, due, encrypted; and raw data purged with proof."""

import json
import shutil
import subprocess
import sys
import tarfile
from datetime import date, timedelta
from pathlib import Path

import pyrage
import pytest
import yaml

from release_samples import SECRET, TODAY, copy_of, places, read_notice, released, signer, survey
from sdc.errors import ApprovalError, DataError, IntegrityError, RequestError
from sdc.release import verify_package
from sdc.release.catalogue import read_catalogue
from sdc.release.notices import EVERYBODY, REASONS, destroyed, due, supersede, withdraw
from sdc.release.package import build_next
from sdc.release.pseudonyms import keyed
from sdc.release.purge import purge, waiting
from sdc.release.sealing import Recipient, open_sealed, pack, read_recipients, share
from sdc.release.verify import verify

BY = {"by": "ACT-0007", "today": TODAY}
KEYS = (signer().key,)


@pytest.fixture(scope="module")
def full(tmp_path_factory):
    """A store with a restricted release of counts and a public one of records."""
    root = tmp_path_factory.mktemp("house")
    for given in (places(), survey(n=60, id="REQ-2026-043")):
        package = build_next(root / "candidates" / given["request"].id, store=root / "releases", **given)
        released(root / "releases", package, given)
    return root / "releases"


@pytest.fixture
def store(full, tmp_path):
    return Path(shutil.copytree(full, tmp_path / "releases"))


def entry(store: Path, request: str = "REQ-2026-042") -> dict:
    return next(each for each in read_catalogue(store) if each["request_id"] == request)


def bytes_of(folder: Path) -> dict[Path, bytes]:
    return {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}


class TestWithdraw:
    def test_a_tombstone_says_why_and_who_must_delete_and_the_folder_stays(self, store):
        before = bytes_of(store / "REQ-2026-042")
        withdraw(store, "REQ-2026-042", reason="disclosure_risk", signer=signer(), note="cell 7 of 9", **BY)
        told = entry(store)
        assert told["status"] == "withdrawn"
        assert told["withdrawn"]["must_delete"] == ["Ministry of Relief (fictitious)"]
        path = store / "notices" / f"{told['release_id']}.withdrawn.json"
        tombstone = read_notice(path, KEYS, TODAY)
        assert (tombstone["reason"], tombstone["manifest_sha256"]) == ("disclosure_risk", told["manifest_sha256"])
        assert "cell 7" not in path.read_text()
        assert "ACT-0007" not in path.read_text()
        assert bytes_of(store / "REQ-2026-042") == before
        with pytest.raises(IntegrityError, match="was withdrawn"):
            verify(store / told["path"])

    def test_a_public_release_concerns_everybody(self, store):
        told = withdraw(store, "REQ-2026-043", reason="data_error", signer=signer(), **BY)
        assert told["withdrawn"]["must_delete"] == [EVERYBODY]

    def test_once_is_enough_and_another_reason_is_refused(self, store):
        withdraw(store, "REQ-2026-042", reason="legal", signer=signer(), **BY)
        before = bytes_of(store)
        withdraw(store, "REQ-2026-042", reason="legal", signer=signer(), **BY)
        assert bytes_of(store) == before
        with pytest.raises(IntegrityError, match="already"):
            withdraw(store, "REQ-2026-042", reason="other", signer=signer(), **BY)

    @pytest.mark.parametrize(
        ("changes", "error"),
        [
            ({"reason": "because"}, IntegrityError),
            ({"by": "Amina Example"}, ApprovalError),
            ({"by": ""}, ApprovalError),
        ],
    )
    def test_what_is_no_withdrawal_changes_nothing(self, store, changes, error):
        before = bytes_of(store)
        with pytest.raises(error):
            withdraw(store, "REQ-2026-042", **{"reason": REASONS[0], "signer": signer(), **BY, **changes})
        with pytest.raises(IntegrityError, match="no release"):
            withdraw(store, "REQ-2026-999", reason=REASONS[0], signer=signer(), **BY)
        assert bytes_of(store) == before

    def test_the_script_in_the_package_heeds_the_notice(self, store, tmp_path):
        package = copy_of(store / entry(store)["path"], tmp_path / "package")
        withdraw(store, "REQ-2026-042", reason="legal", signer=signer(), **BY)
        notices = str(store / "notices")
        assert verify_package.check(str(package))["faults"] == []
        told = verify_package.check(str(package), notes=notices)
        assert told["faults"] == ["the release was withdrawn: legal"]
        for path in (store / "notices").iterdir():
            path.chmod(0o644)
        tombstone = store / "notices" / f"{entry(store)['release_id']}.withdrawn.json"
        tombstone.write_text(tombstone.read_text().replace("legal", "other"))
        with pytest.raises(verify_package.Wrong):
            verify_package.check(str(package), notes=notices)
        with pytest.raises(IntegrityError):
            read_notice(tombstone, KEYS, TODAY)


class TestSupersede:
    def test_links_stand_both_ways_and_the_folders_stay(self, store):
        before = bytes_of(store / "REQ-2026-042") | bytes_of(store / "REQ-2026-043")
        supersede(store, "REQ-2026-042", "REQ-2026-043", signer=signer(), **BY)
        old, new = entry(store), entry(store, "REQ-2026-043")
        assert (old["status"], old["superseded_by"]) == ("superseded", new["release_id"])
        assert new["supersedes"] == old["release_id"]
        notice = read_notice(store / "notices" / f"{old['release_id']}.superseded.json", KEYS, TODAY)
        assert notice["superseded_by"] == new["release_id"]
        assert bytes_of(store / "REQ-2026-042") | bytes_of(store / "REQ-2026-043") == before
        verify(store / old["path"])

    def test_what_cannot_be_is_refused(self, store):
        for old, new in (("REQ-2026-042", "REQ-2026-042"), ("REQ-2026-042", "REQ-2026-999")):
            with pytest.raises(IntegrityError):
                supersede(store, old, new, signer=signer(), **BY)
        withdraw(store, "REQ-2026-043", reason="legal", signer=signer(), **BY)
        with pytest.raises(IntegrityError, match="withdrawn"):
            supersede(store, "REQ-2026-042", "REQ-2026-043", signer=signer(), **BY)


class TestDestroyed:
    WHO = "Ministry of Relief (fictitious)"

    def test_a_certificate_ends_what_is_due(self, store):
        late = date(2028, 1, 10)
        assert [(row["organisation"], row["why"], row["days"]) for row in due(read_catalogue(store), late)] == [
            (self.WHO, "expired", 10)
        ]
        destroyed(store, "REQ-2026-042", organisation=self.WHO, on=TODAY, signer=signer(), evidence="letter 12", **BY)
        assert due(read_catalogue(store), late) == []
        certificate = read_notice(store / "notices" / f"{entry(store)['release_id']}.destroyed-01.json", KEYS, TODAY)
        assert (certificate["organisation"], certificate["evidence"]) == (self.WHO, "letter 12")
        before = bytes_of(store)
        destroyed(store, "REQ-2026-042", organisation=self.WHO, on=TODAY, signer=signer(), **BY)
        assert bytes_of(store) == before

    def test_a_stranger_or_a_day_ahead_is_refused(self, store):
        with pytest.raises(IntegrityError, match="was not given"):
            destroyed(store, "REQ-2026-042", organisation="Somebody else", on=TODAY, signer=signer(), **BY)
        with pytest.raises(IntegrityError, match="lies ahead"):
            ahead = TODAY + timedelta(1)
            destroyed(store, "REQ-2026-042", organisation=self.WHO, on=ahead, signer=signer(), **BY)

    def test_what_is_due_looks_ahead_and_knows_withdrawals(self, store):
        entries = read_catalogue(store)
        assert due(entries, TODAY, days=30) == []
        assert [row["why"] for row in due(entries, date(2027, 12, 11), days=30)] == ["soon"]
        withdraw(store, "REQ-2026-042", reason="legal", signer=signer(), **BY)
        assert [row["why"] for row in due(read_catalogue(store), TODAY)] == ["withdrawn"]


class TestShare:
    @pytest.fixture
    def identity(self, tmp_path):
        made = pyrage.x25519.Identity.generate()
        (tmp_path / "identity.txt").write_text(f"# a key of the tests\n{made}\n")
        return str(made.to_public())

    def confirmed(self, key: str, organisation: str = "Ministry of Relief (fictitious)") -> Recipient:
        return Recipient(
            organisation=organisation, age=key, confirmed_by="ACT-0003", confirmed_on=TODAY, how="read out by phone"
        )

    def test_a_restricted_share_is_encrypted_and_opens_with_the_recipients_key_only(self, store, identity, tmp_path):
        out = tmp_path / "share.age"
        done = share(store, "REQ-2026-042", out, recipients=(self.confirmed(identity),), to=None, **BY)
        assert out.read_bytes().startswith(b"age-encryption.org/v1")
        assert entry(store)["shares"] == [{name: done[name] for name in done if name != "release_id"}]
        package = open_sealed(out, tmp_path / "identity.txt", tmp_path / "opened")
        assert package.name == entry(store)["release_id"]
        verify(package)
        (tmp_path / "other.txt").write_text(f"{pyrage.x25519.Identity.generate()}\n")
        with pytest.raises(IntegrityError, match="not opened"):
            open_sealed(out, tmp_path / "other.txt", tmp_path / "again")
        with pytest.raises(IntegrityError, match="already"):
            open_sealed(out, tmp_path / "identity.txt", tmp_path / "opened")

    @pytest.mark.skipif(shutil.which("age") is None, reason="age is not installed")
    def test_stock_age_opens_it(self, store, identity, tmp_path):
        share(store, "REQ-2026-042", tmp_path / "s.age", recipients=(), to=identity, **BY)
        command = ["age", "-d", "-i", str(tmp_path / "identity.txt"), "-o", str(tmp_path / "s.tar"), "s.age"]
        subprocess.run(command, cwd=tmp_path, check=True)
        with tarfile.open(tmp_path / "s.tar") as archive:
            archive.extractall(tmp_path / "out", filter="data")
        (package,) = (tmp_path / "out").iterdir()
        verify(package)

    def test_the_tar_is_the_same_whoever_packs_it(self, store, tmp_path):
        told = entry(store)
        copy = copy_of(store / told["path"], tmp_path / "elsewhere")
        assert pack(store / told["path"], told["release_id"]) == pack(copy, told["release_id"])

    def test_without_encryption_a_restricted_share_needs_a_reason_in_writing(self, store, tmp_path):
        for because in (None, "", "no"):
            with pytest.raises(ApprovalError):
                share(
                    store, "REQ-2026-042", tmp_path / "x.tar", recipients=(), to=None, unencrypted_because=because, **BY
                )
        assert not (tmp_path / "x.tar").exists()
        reason = "Handed over in person on a disk that is encrypted."
        share(store, "REQ-2026-042", tmp_path / "x.tar", recipients=(), to=None, unencrypted_because=reason, **BY)
        assert tarfile.is_tarfile(tmp_path / "x.tar")
        assert entry(store)["shares"][0]["unencrypted_because"] == reason

    def test_a_public_release_may_go_out_plain(self, store, tmp_path):
        share(store, "REQ-2026-043", tmp_path / "x.tar", recipients=(), to=None, **BY)
        assert entry(store, "REQ-2026-043")["shares"][0]["age"] is None

    def test_a_key_that_is_not_the_confirmed_one_is_refused(self, store, identity, tmp_path):
        other = str(pyrage.x25519.Identity.generate().to_public())
        with pytest.raises(ApprovalError, match="confirmed"):
            share(store, "REQ-2026-042", tmp_path / "x", recipients=(self.confirmed(identity),), to=other, **BY)
        with pytest.raises(RequestError, match="no age public key"):
            share(store, "REQ-2026-042", tmp_path / "x", recipients=(), to="ssh-ed25519 AAAA", **BY)
        stranger = self.confirmed(identity, "Another organisation")
        with pytest.raises(ApprovalError):
            share(store, "REQ-2026-042", tmp_path / "x", recipients=(stranger,), to=None, **BY)

    def test_what_was_withdrawn_has_expired_or_was_changed_is_not_shared(self, store, identity, tmp_path):
        given = {"recipients": (), "to": identity, "by": "ACT-0007"}
        with pytest.raises(IntegrityError, match="day of deletion"):
            share(store, "REQ-2026-042", tmp_path / "x", today=date(2028, 1, 1), **given)
        with pytest.raises(ApprovalError, match="actor id"):
            share(store, "REQ-2026-042", tmp_path / "x", today=TODAY, **{**given, "by": "Amina Example"})
        readme = store / entry(store)["path"] / "README.txt"
        readme.chmod(0o644)
        kept = readme.read_bytes()
        readme.write_text("changed")
        with pytest.raises(IntegrityError, match="README"):
            share(store, "REQ-2026-042", tmp_path / "x", today=TODAY, **given)
        readme.write_bytes(kept)
        withdraw(store, "REQ-2026-042", reason="legal", signer=signer(), **BY)
        with pytest.raises(IntegrityError, match="withdrawn"):
            share(store, "REQ-2026-042", tmp_path / "x", today=TODAY, **given)
        assert not (tmp_path / "x").exists()

    def test_a_share_that_would_write_elsewhere_is_refused(self, identity, tmp_path):
        with tarfile.open(tmp_path / "evil.tar", "w") as archive:
            archive.add(tmp_path / "identity.txt", "../../evil")
        sealed = pyrage.encrypt((tmp_path / "evil.tar").read_bytes(), [pyrage.x25519.Recipient.from_str(identity)])
        (tmp_path / "evil.age").write_bytes(sealed)
        with pytest.raises(IntegrityError, match="other than one folder"):
            open_sealed(tmp_path / "evil.age", tmp_path / "identity.txt", tmp_path / "deep" / "er")

    def test_recipients_are_read_and_held_to_their_form(self, identity, tmp_path):
        path = tmp_path / "recipients.yaml"
        assert read_recipients(path) == ()
        one = json.loads(self.confirmed(identity).model_dump_json())
        path.write_text(yaml.safe_dump({"recipients": [one]}))
        assert read_recipients(path) == (self.confirmed(identity),)
        path.write_text(yaml.safe_dump({"recipients": [one, one]}))
        with pytest.raises(RequestError, match="twice"):
            read_recipients(path)
        path.write_text(yaml.safe_dump({"recipients": [{**one, "age": "age1short"}]}))
        with pytest.raises(RequestError):
            read_recipients(path)


class TestPurge:
    @pytest.fixture
    def root(self, store, tmp_path):
        params = {
            "extracts": {
                "sites_r01": {
                    "component": "site_list",
                    "round": 1,
                    "path": "data/raw/sites_r01.csv",
                    "layout": {"format": "csv", "encoding": "utf-8", "separator": ",", "header_row": 1},
                }
            }
        }
        (tmp_path / "params.yaml").write_text(yaml.safe_dump(params))
        raw, typed = b"name,phone\nAmina,123\n", b"PAR1 typed content PAR1"
        for place, content in (
            ("data/raw/sites_r01.csv", raw),
            ("data/typed/site_list/sites_r01.parquet", typed),
            ("data/raw/copy of sites.csv", raw),
            (".dvc/cache/files/md5/ab/cdef", typed),
            ("data/raw/others.csv", b"another content, kept"),
            ("data/raw/same size.csv", b"x" * len(raw)),
        ):
            path = tmp_path / place
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)
            path.chmod(0o444)
        return tmp_path

    def go(self, root, **changes):
        given = {"because": "Past its retention period.", "signer": signer(), "secret": SECRET, **BY, **changes}
        return purge(root, ["sites_r01"], **given)

    def test_originals_and_every_copy_go_and_a_signed_record_proves_it(self, root):
        record = self.go(root)
        assert {(each["path"], each["role"]) for each in record["files"]} == {
            ("data/raw/sites_r01.csv", "original"),
            ("data/typed/site_list/sites_r01.parquet", "original"),
            ("data/raw/copy of sites.csv", "copy"),
            (".dvc/cache/files/md5/ab/cdef", "copy"),
        }
        assert not [each for each in record["files"] if (root / each["path"]).exists()]
        assert (root / "data/raw/others.csv").exists()
        assert (root / "data/raw/same size.csv").exists()
        path = root / "releases" / "purges" / f"{record['purge_id']}.json"
        assert read_notice(path, KEYS, TODAY) == record
        proof = next(each for each in record["files"] if each["path"] == "data/raw/sites_r01.csv")
        assert proof["hmac_sha256"] == keyed(SECRET, "purge", b"name,phone\nAmina,123\n")
        assert proof["hmac_sha256"] != keyed(SECRET + b"x", "purge", b"name,phone\nAmina,123\n")
        assert "Amina" not in path.read_text()
        with pytest.raises(DataError, match="no file"):
            self.go(root)

    def test_what_is_no_purge_deletes_nothing(self, root):
        before = bytes_of(root / "data")
        for changes, error in (
            ({"by": "Amina Example"}, ApprovalError),
            ({"because": "old"}, ApprovalError),
        ):
            with pytest.raises(error):
                self.go(root, **changes)
        with pytest.raises(DataError, match="no such extract"):
            purge(root, ["absent"], because="Past its retention.", signer=signer(), secret=SECRET, **BY)
        assert bytes_of(root / "data") == before

    def test_a_path_that_leads_out_of_the_checkout_is_refused(self, root, tmp_path_factory):
        outside = tmp_path_factory.mktemp("outside") / "kept.csv"
        outside.write_text("kept")
        params = yaml.safe_load((root / "params.yaml").read_text())
        for path in (str(outside), "../x.csv"):
            params["extracts"]["sites_r01"]["path"] = path
            (root / "params.yaml").write_text(yaml.safe_dump(params))
            with pytest.raises(DataError, match="out of the checkout"):
                self.go(root)
        assert outside.exists()

    def test_raw_data_that_no_release_needs_are_told(self, root):
        assert waiting(root, TODAY) == []
        assert [row["extract"] for row in waiting(root, date(2028, 1, 1))] == ["sites_r01"]
        self.go(root)
        assert waiting(root, date(2028, 1, 1)) == []


@pytest.mark.slow
def test_whoever_is_killed_at_any_moment_the_store_ends_as_if_nobody_was(tmp_path):
    """Publish a second version, supersede, withdraw, destroyed, purge: before and after every second call."""
    script = Path(__file__).resolve().parents[1] / "kill_lifecycle.py"
    done = subprocess.run(
        [sys.executable, str(script), str(tmp_path), "2"], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr[-2000:]
    killed = json.loads(done.stdout)
    assert set(killed) == {"publish", "supersede", "withdraw", "destroyed", "purge"}
    assert min(killed.values()) >= 4
    assert sum(killed.values()) >= 100
