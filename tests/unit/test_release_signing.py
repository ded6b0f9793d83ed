"""Signatures and keys: what stock OpenSSH accepts, what pure Python accepts, and every change that both refuse."""

import ast
import base64
import json
import os
import random
import shutil
import subprocess
import sys
from datetime import date, timedelta
from pathlib import Path

import keyring
import keyring.backends.fail
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from keyring.backend import KeyringBackend

from release_samples import copy_of, seal, signed, signer, survey
from sdc.errors import IntegrityError
from sdc.release import signers, verify_package
from sdc.release.manifest import package_name
from sdc.release.package import build
from sdc.release.signers import Key, allowed_signers, export_keys, load_signer, new_key, read_keys, revoked_keys, rotate
from sdc.release.sshsig import NAMESPACE, fingerprint, public_of, sign, signer_of
from sdc.release.verify import inspect, verify

TODAY = date(2026, 11, 22)
SCRIPT = Path(verify_package.__file__)
needs_ssh = pytest.mark.skipif(shutil.which("ssh-keygen") is None, reason="ssh-keygen is not installed")


def oldest() -> str | None:
    """The oldest Python from 3.8 on that this machine has."""
    for minor in (8, 9, 10):
        found = shutil.which(f"python3.{minor}")
        pinned = sorted(Path.home().glob(f".pyenv/versions/3.{minor}.*/bin/python3.{minor}"))
        for each in [*map(str, pinned), *([found] if found else [])]:
            if subprocess.run([each, "-c", ""], capture_output=True, check=False).returncode == 0:
                return each
    return None


@pytest.fixture(scope="module")
def original(tmp_path_factory):
    given = survey(n=60)
    folder = tmp_path_factory.mktemp("signed") / package_name(given["request"])
    build(folder, **given)
    return signed(folder)


@pytest.fixture
def package(original, tmp_path):
    return copy_of(original, tmp_path / original.name)


@pytest.fixture(autouse=True)
def no_keyring():
    """Tests leave the keyring of this machine alone."""
    before = keyring.get_keyring()
    keyring.set_keyring(keyring.backends.fail.Keyring())
    yield
    keyring.set_keyring(before)


def standalone(folder: Path, *words: str, python: str = sys.executable) -> subprocess.CompletedProcess:
    return subprocess.run([python, "-I", str(SCRIPT), str(folder), *words], capture_output=True, text=True, check=False)


def openssh(folder: Path, work: Path, keys: tuple[Key, ...], *more: str) -> subprocess.CompletedProcess:
    (work / "allowed").write_text(allowed_signers(keys))
    (work / "revoked").write_text(revoked_keys(keys))
    command = ["ssh-keygen", "-Y", "verify", "-f", str(work / "allowed"), "-I", "dtm-sdc", "-n", NAMESPACE]
    command += ["-r", str(work / "revoked"), "-s", str(folder / "SHA256SUMS.sig"), *more]
    content = (folder / "SHA256SUMS").read_bytes()
    return subprocess.run(command, input=content, capture_output=True, check=False)


@needs_ssh
def test_stock_openssh_accepts_the_signature_and_no_other(package, tmp_path):
    day = "-Overify-time=20261122120000"
    assert openssh(package, tmp_path, (signer().key,), day).returncode == 0
    assert openssh(package, tmp_path, (signer(2).key,), day).returncode != 0
    with (package / "SHA256SUMS").open("a") as sums:
        sums.write("\n")
    assert openssh(package, tmp_path, (signer().key,), day).returncode != 0


@needs_ssh
def test_openssh_heeds_the_days_of_a_key_and_its_revocation(package, tmp_path):
    key = signer().key
    retired = key.model_copy(update={"until": date(2026, 11, 30)})
    revoked = retired.model_copy(update={"revoked": date(2026, 12, 1), "because": "lost"})
    for keys, time, good in (
        ((retired,), "20261115", True),
        ((retired,), "20261215", False),
        ((retired,), "20261015", False),
        ((revoked,), "20261115", False),
    ):
        assert (openssh(package, tmp_path, keys, f"-Overify-time={time}").returncode == 0) == good, (keys, time)


@needs_ssh
def test_openssh_prints_the_fingerprint_that_the_readme_names(package):
    command = ["ssh-keygen", "-Y", "check-novalidate", "-n", NAMESPACE, "-s", "SHA256SUMS.sig"]
    content = (package / "SHA256SUMS").read_bytes()
    done = subprocess.run(command, cwd=package, input=content, capture_output=True, check=False)
    assert done.returncode == 0
    assert signer().key.fingerprint.encode() in done.stdout
    assert signer().key.fingerprint in (package / "README.txt").read_text()


@needs_ssh
def test_what_openssh_signs_is_read(tmp_path):
    """The other way round: our reader is no mirror of our writer."""
    made = ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "x", "-f", str(tmp_path / "key")]
    subprocess.run(made, check=True)
    (tmp_path / "text").write_text("hello\n")
    command = ["ssh-keygen", "-q", "-Y", "sign", "-f", str(tmp_path / "key"), "-n", NAMESPACE, str(tmp_path / "text")]
    subprocess.run(command, check=True, capture_output=True)
    armoured = (tmp_path / "text.sig").read_text()
    line = signer_of(b"hello\n", armoured)
    assert line == " ".join((tmp_path / "key.pub").read_text().split()[:2])
    public = verify_package.signer(b"hello\n", armoured, NAMESPACE.encode())
    assert verify_package.fingerprint(public) == fingerprint(line)
    assert public_of(line)


def test_a_signature_is_the_same_every_time_and_of_its_namespace_only():
    key = Ed25519PrivateKey.from_private_bytes(b"\x07" * 32)
    assert sign(b"x", key) == sign(b"x", key)
    signer_of(b"x", sign(b"x", key, "other"), "other")
    with pytest.raises(IntegrityError):
        signer_of(b"x", sign(b"x", key, "other"))


RFC_8032 = [  # section 7.1, tests 1 to 3
    ("d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a", "",
     "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b"),
    ("3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c", "72",
     "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00"),
    ("fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025", "af82",
     "6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac18ff9b538d16f290ae67f760984dc6594a7c15e9716ed28dc027beceea1ec40a"),
]  # fmt: skip


@pytest.mark.parametrize(("public", "message", "signature"), RFC_8032)
def test_the_pure_python_verifier_accepts_the_examples_of_the_rfc(public, message, signature):
    raw = [bytes.fromhex(each) for each in (public, message, signature)]
    assert verify_package.ed25519_holds(*raw)
    for part in range(3):
        for bit in (0, 3):
            changed = [bytearray(each or b"\x00") for each in raw]
            changed[part][-1] ^= 1 << bit
            assert not verify_package.ed25519_holds(*map(bytes, changed))


def test_the_pure_python_verifier_agrees_with_cryptography():
    drawn = random.Random(8)
    for _ in range(20):
        private = Ed25519PrivateKey.from_private_bytes(drawn.randbytes(32))
        message = drawn.randbytes(drawn.randrange(100))
        public, signature = private.public_key().public_bytes_raw(), bytearray(private.sign(message))
        assert verify_package.ed25519_holds(public, message, bytes(signature))
        signature[drawn.randrange(64)] ^= 1 << drawn.randrange(8)
        assert not verify_package.ed25519_holds(public, message, bytes(signature))


def test_the_pure_python_verifier_refuses_what_is_malleable_or_of_small_order():
    public, message, signature = (bytes.fromhex(each) for each in RFC_8032[1])
    s = int.from_bytes(signature[32:], "little") + verify_package.ORDER
    assert not verify_package.ed25519_holds(public, message, signature[:32] + s.to_bytes(32, "little"))
    neutral = (1).to_bytes(32, "little")
    assert not verify_package.ed25519_holds(neutral, message, neutral + bytes(32))
    assert not verify_package.ed25519_holds(b"\xff" * 32, message, signature)
    assert not verify_package.ed25519_holds(public, message, signature[:63])


def test_the_script_in_the_package_is_plain_python_3_8_with_nothing_but_its_library(package):
    text = (package / "verify.py").read_text()
    assert text == SCRIPT.read_text()
    tree = ast.parse(text, feature_version=(3, 8))
    names = {alias.name for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names}
    assert names <= set(sys.stdlib_module_names)
    assert not [node for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)]


@pytest.mark.skipif(oldest() is None, reason="no Python older than 3.11 is installed")
def test_the_script_runs_on_the_oldest_python(package):
    done = standalone(package, "--json", python=oldest())
    assert done.returncode == 0, done.stdout + done.stderr
    assert json.loads(done.stdout)["key"] == signer().key.fingerprint
    with (package / "README.txt").open("a") as readme:
        readme.write("x")
    assert standalone(package, python=oldest()).returncode == 14


def test_the_script_runs_inside_the_package_and_says_what_to_compare(package):
    command = [sys.executable, "verify.py"]
    done = subprocess.run(command, cwd=package, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "GOOD" in done.stdout
    assert signer().key.fingerprint in done.stdout
    assert "Compare it" in done.stdout
    assert "(the sender's)" in standalone(package, "--key", signer().key.fingerprint).stdout


def forged(folder: Path) -> None:
    """Somebody changes the data, and signs all of it anew with a key of their own that the manifest then names."""
    manifest = json.loads((folder / "manifest.json").read_bytes())
    manifest["signing"]["fingerprint"] = signer(9).key.fingerprint
    (folder / "manifest.json").write_text(json.dumps(manifest, indent=2, ensure_ascii=False) + "\n")
    seal(folder)
    signed(folder, signer(9))


def edit(path: Path) -> None:
    raw = bytearray(path.read_bytes())
    raw[len(raw) // 2] ^= 1
    path.write_bytes(raw)


def linked(path: Path) -> None:
    elsewhere = path.parent.parent / "elsewhere"
    path.rename(elsewhere)
    path.symlink_to(elsewhere)


def flipped(folder: Path) -> None:
    lines = (folder / "SHA256SUMS.sig").read_text().split("\n")
    body = bytearray(base64.b64decode("".join(lines[1:-2])))
    body[-1] ^= 1
    text = base64.b64encode(body).decode()
    armoured = [lines[0], *[text[at : at + 70] for at in range(0, len(text), 70)], lines[-2], ""]
    (folder / "SHA256SUMS.sig").write_text("\n".join(armoured))


TAMPERED = {
    **{
        f"{what} {name}": (lambda p, act=act, name=name: act(p / name))
        for name in ("README.txt", "data/flow_survey.csv", "manifest.json", "SHA256SUMS", "SHA256SUMS.sig", "verify.py")
        for what, act in {
            "edit": edit,
            "empty": lambda path: path.write_bytes(b""),
            "remove": Path.unlink,
            "rename": lambda path: path.rename(path.with_name(f"{path.name}x")),
            "symlink": linked,
        }.items()
    },
    "add": lambda p: (p / "docs" / "more.txt").write_text("x"),
    "add hidden": lambda p: (p / ".more").write_text("x"),
    "add pipe": lambda p: os.mkfifo(p / "data" / "pipe"),
    "swap": lambda p: [(p / "README.txt").rename(p / "x"), (p / "docs/TERMS.txt").rename(p / "README.txt"),
                       (p / "x").rename(p / "docs/TERMS.txt")],
    "seal without the key": lambda p: [edit(p / "README.txt"), seal_without_key(p)],
    "signature of another file": lambda p: (p / "SHA256SUMS.sig").write_text(signer().sign(b"other")),
    "signature with one bit changed": flipped,
    "signature of another namespace": lambda p: (p / "SHA256SUMS.sig").write_text(
        sign((p / "SHA256SUMS").read_bytes(), signer().private, "dtm-sdc-notice")),
    "signature by another key": lambda p: signed(p, signer(9)),
    "signed twice": lambda p: (p / "SHA256SUMS.sig").write_text(2 * (p / "SHA256SUMS.sig").read_text()),
}  # fmt: skip


def seal_without_key(folder: Path) -> None:
    kept = (folder / "SHA256SUMS.sig").read_text()
    seal(folder)
    (folder / "SHA256SUMS.sig").write_text(kept)


@pytest.mark.parametrize("change", TAMPERED)
def test_each_change_is_found_by_both_verifiers(package, change):
    TAMPERED[change](package)
    assert any(not check.passed for check in inspect(package)), change
    done = standalone(package)
    assert done.returncode == 14, done.stdout + done.stderr
    assert "Traceback" not in done.stderr


def test_a_package_signed_by_a_stranger_is_found_by_whoever_knows_the_key(package, tmp_path):
    """Consistent in itself: only the key tells, and the script says so."""
    forged(package)
    assert "signature" in verify(package)
    with pytest.raises(IntegrityError, match="not among the signers"):
        verify(package, keys=(signer().key,))
    (tmp_path / "allowed").write_text(allowed_signers((signer().key,)))
    assert "Compare it" in standalone(package).stdout
    assert standalone(package, "--key", signer().key.fingerprint).returncode == 14
    assert standalone(package, "--allowed-signers", str(tmp_path / "allowed")).returncode == 14
    if shutil.which("ssh-keygen"):
        assert openssh(package, tmp_path, (signer().key,), "-Overify-time=20261122120000").returncode != 0


def test_a_draft_and_a_package_without_its_signature_are_not_genuine(tmp_path):
    given = survey(n=60)
    build(tmp_path / "draft", **{**given, "signing": None})
    with pytest.raises(IntegrityError, match="draft"):
        verify(tmp_path / "draft")
    assert "draft" in standalone(tmp_path / "draft").stdout
    build(tmp_path / "unsigned", **given)
    with pytest.raises(IntegrityError, match=r"SHA256SUMS\.sig: is missing"):
        verify(tmp_path / "unsigned")
    assert "not signed yet" in verify(tmp_path / "unsigned", candidate=True)


class TestKeys:
    def test_a_key_is_made_once_kept_shut_and_never_told(self, tmp_path):
        key = new_key(tmp_path, TODAY)
        (private,) = (tmp_path / ".sdc" / "signing").glob("*.key")
        assert private.stat().st_mode & 0o777 == 0o600
        assert private.parent.stat().st_mode & 0o077 == 0
        public = (tmp_path / "signers" / "signers.json").read_text()
        assert private.read_text() not in public
        assert load_signer(tmp_path).key == key
        assert signer_of(b"x", load_signer(tmp_path).sign(b"x")) == key.public
        with pytest.raises(IntegrityError, match="there is a signing key"):
            new_key(tmp_path, TODAY)

    def test_a_key_that_others_can_read_is_refused(self, tmp_path):
        key = new_key(tmp_path, TODAY)
        (tmp_path / ".sdc" / "signing" / f"{key.id}.key").chmod(0o640)
        with pytest.raises(IntegrityError, match="others than its owner"):
            load_signer(tmp_path)

    def test_a_key_that_is_lost_spoiled_or_swapped_is_refused(self, tmp_path):
        key = new_key(tmp_path, TODAY)
        path = tmp_path / ".sdc" / "signing" / f"{key.id}.key"
        for content in (base64.b64encode(b"\x01" * 32).decode(), "not base64", ""):
            path.write_text(content)
            with pytest.raises(IntegrityError):
                load_signer(tmp_path)
        path.unlink()
        with pytest.raises(IntegrityError, match="not on this machine"):
            load_signer(tmp_path)

    def test_old_releases_verify_with_the_key_of_their_time(self, original, tmp_path):
        old = signer().key
        keys = (old.model_copy(update={"until": TODAY}), signer(2).key)
        assert signers.trusted(keys, old.public, TODAY) == ""
        assert signers.trusted(keys, old.public, TODAY + timedelta(1)) != ""
        assert "signature" in verify(original, keys=keys)
        revoked = (keys[0].model_copy(update={"revoked": TODAY}), keys[1])
        with pytest.raises(IntegrityError, match="revoked"):
            verify(original, keys=revoked)

    def test_rotation_keeps_the_old_key_and_signs_with_the_new_one(self, tmp_path):
        first = new_key(tmp_path, TODAY)
        second = rotate(tmp_path, TODAY + timedelta(30))
        keys = read_keys(tmp_path / "signers" / "signers.json")
        assert [key.id for key in keys] == [first.id, second.id] == ["KEY-2026-01", "KEY-2026-02"]
        assert keys[0].until == TODAY + timedelta(30)
        assert load_signer(tmp_path).key == second
        with pytest.raises(IntegrityError, match="without a reason"):
            rotate(tmp_path, TODAY, revoke=True)
        rotate(tmp_path, TODAY + timedelta(60), revoke=True, because="the laptop was stolen")
        written = export_keys(tmp_path, tmp_path / "out")
        assert [path.name for path in written] == ["allowed_signers", "revoked_keys", "signers.json"]
        assert second.public not in written[0].read_text()
        assert second.public in written[1].read_text()
        assert first.public in written[0].read_text()

    def test_a_public_list_that_was_tampered_with_is_refused(self, tmp_path):
        new_key(tmp_path, TODAY)
        path = tmp_path / "signers" / "signers.json"
        content = json.loads(path.read_text())
        content["keys"][0]["public"] = signer(9).key.public
        path.write_text(json.dumps(content))
        with pytest.raises(IntegrityError, match="another fingerprint"):
            read_keys(path)

    def test_a_killed_run_leaves_no_key_that_stops_the_next(self, tmp_path):
        (tmp_path / ".sdc" / "signing").mkdir(parents=True)
        (tmp_path / ".sdc" / "signing" / "KEY-2026-01.key").write_text("of a killed run")
        assert new_key(tmp_path, TODAY).id == "KEY-2026-01"
        assert load_signer(tmp_path).sign(b"x")

    def test_a_keyring_is_used_where_there_is_one(self, tmp_path):
        class Memory(KeyringBackend):
            priority = 9
            kept: dict = {}

            def get_password(self, service, username):
                return self.kept.get((service, username))

            def set_password(self, service, username, password):
                self.kept[service, username] = password

            def delete_password(self, service, username):
                del self.kept[service, username]

        keyring.set_keyring(Memory())
        key = new_key(tmp_path, TODAY)
        assert not list(tmp_path.rglob("*.key"))
        assert load_signer(tmp_path).key == key
        assert list(Memory.kept) == [("dtm-sdc", key.id)]
