"""A small working checkout, its extracts full of tokens, and what looks for the tokens afterwards."""

import gzip
import hashlib
import html
import io
import json
import os
import re
import shlex
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pandas as pd
import pyarrow.parquet as pq
import yaml

from sdc.dictionary import Role, Type, read_dictionary
from sdc.documents import parse_yaml
from sdc.errors import DictionaryError

REPO = Path(__file__).resolve().parents[2]
COPIED = (".dvcignore", ".gitignore", "constraints.txt", "dvc.yaml", "exceptions.yaml", "params.yaml")
FOLDERS = ("codes", "pipelines", "policies", "src")
EXPECTATIONS = ("great_expectations.yml", ".gitignore")
COUNTS, SITES, PERSONS, UNAPPROVED = "REQ-2026-001", "REQ-2026-002", "REQ-2026-007", "REQ-2026-008"
BUILT = (COUNTS, SITES, PERSONS)
COMPONENTS = ("mobility_tracking", "registration")

SCALE = 0.2
UNIT = 86453
"""Every count of the extracts is multiplied by this prime: a small count is a number found nowhere else."""
MINIMUM = {"public": 9 * UNIT + 20, "restricted": 4 * UNIT + 20}
"""10 and 5 times the prime are the least counts that may be shown; the limits, which are told, are no counts."""
MARK = "qnr"


class Checkout:
    """A folder with all that the pipeline needs, and how to call it there."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def __truediv__(self, path: str) -> Path:
        return self.root / path

    def environment(self) -> dict[str, str]:
        """What the programs of the pipeline are told: this interpreter first, an empty home, nothing else."""
        home, scratch = self.root.parent / "home", self.root.parent / "scratch"
        home.mkdir(exist_ok=True)
        scratch.mkdir(exist_ok=True)
        return {
            "PATH": os.pathsep.join([str(Path(sys.executable).parent), "/usr/local/bin", "/usr/bin", "/bin"]),
            "HOME": str(home),
            "PYTHONPATH": str(self.root / "src"),
            "GX_ANALYTICS_ENABLED": "false",
            "DVC_NO_ANALYTICS": "1",
            "GIT_CONFIG_NOSYSTEM": "1",
            "TMPDIR": str(scratch),
            "LANG": "C.UTF-8",
        }

    def run(self, *words: str) -> subprocess.CompletedProcess:
        """One program to its end; its two outputs as text."""
        return subprocess.run(
            words, cwd=self.root, env=self.environment(), capture_output=True, text=True, check=False, timeout=600
        )

    def do(self, *words: str) -> str:
        """One program that must end well; what it told."""
        done = self.run(*words)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def start(self, *words: str) -> subprocess.Popen:
        """One program in a process group of its own, to be killed."""
        log = (self.root.parent / f"{self.root.name}.log").open("wb")
        with log:
            return subprocess.Popen(
                words, cwd=self.root, env=self.environment(), stdout=log, stderr=log, start_new_session=True
            )

    def log(self) -> str:
        """What the program that was started last has told until now."""
        return (self.root.parent / f"{self.root.name}.log").read_text()

    def command(self, stage: str) -> list[str]:
        """The command that DVC runs for a stage."""
        locked = yaml.safe_load((self.root / "dvc.lock").read_text())
        return shlex.split(locked["stages"][stage]["cmd"])

    def package(self, request: str) -> Path:
        """The candidate package of a request."""
        (found,) = (self.root / "data" / "candidates" / request).iterdir()
        return found

    def copy(self, folder: Path, *without: str) -> "Checkout":
        """Another checkout that holds the same files, links and modes as they are."""
        left_out = shutil.ignore_patterns(*without) if without else None
        return Checkout(Path(shutil.copytree(self.root, folder, symlinks=True, ignore=left_out)))

    def edit(self, path: str, change) -> None:
        """A YAML document changed in place."""
        content = parse_yaml((self.root / path).read_text(), path, DictionaryError)
        change(content)
        (self.root / path).write_text(yaml.safe_dump(content, sort_keys=False, allow_unicode=True))

    def replace(self, path: str, old: str, new: str) -> None:
        """Text of a file changed in place; it must be there."""
        text = (self.root / path).read_text()
        assert old in text, f"{path} does not hold the text to replace"
        (self.root / path).write_text(text.replace(old, new))

    def files(self, *without: str) -> dict[str, str]:
        """SHA-256 of every file by its relative path, without git's own and some other top folders."""
        return {
            path.relative_to(self.root).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
            for path in sorted(self.root.rglob("*"))
            if path.is_file() and path.relative_to(self.root).parts[0] not in (".git", *without)
        }


def make_checkout(root: Path) -> tuple[Checkout, dict[str, list[str]]]:
    """A checkout of three requests on extracts full of tokens; nothing is built yet.

    Returns
    -------
    Checkout, and the tokens by kind: identifier, household, text, open (codes without a list), code (of a list)
    """
    root.mkdir(parents=True)
    for name in COPIED:
        shutil.copy2(REPO / name, root / name)
    for name in FOLDERS:
        shutil.copytree(REPO / name, root / name)
    shutil.copytree(REPO / ".dvc" / "plots", root / ".dvc" / "plots")
    (root / ".sdc").mkdir(mode=0o700)  # as `make setup` does
    for folder, names in (
        (".dvc", ("config",)),
        ("expectations", EXPECTATIONS),
        ("dictionary", [f"{name}.yaml" for name in COMPONENTS]),
        ("requests", [f"{name}.yaml" for name in (*BUILT, UNAPPROVED)]),
    ):
        (root / folder).mkdir(exist_ok=True)
        for name in names:
            shutil.copy2(REPO / folder / name, root / folder / name)
    checkout = Checkout(root)
    checkout.edit("params.yaml", _only_these)
    samples = checkout.run("sdc", "samples", "--scale", str(SCALE))
    assert samples.returncode == 0, samples.stderr
    tokens: dict[str, list[str]] = {"identifier": [], "household": [], "text": [], "open": [], "code": []}
    for component in COMPONENTS:
        _plant(checkout, component, tokens)
    for policy, minimum in MINIMUM.items():
        because = "The number of the policy, in the unit of this extract."
        rules = {name: {"value": minimum, "because": because} for name in ("minimum_count", "minimum_households")}
        checkout.edit(
            f"policies/{policy}.yaml",
            lambda content, rules=rules: content["components"].update(mobility_tracking=rules),
        )
    checkout.edit(
        f"requests/{PERSONS}.yaml",
        lambda content: content["variables"].extend(
            ["r3120_hh_status", "r3121_hh_previous_adm1_pcode", "r3129_hh_comments", "r3100_ind_registration_number"]
        ),
    )
    # or the plan drops it: with other answers of households it would stand in for their number
    checkout.edit(f"requests/{PERSONS}.yaml", lambda found: found["importance"].update(r3121_hh_previous_adm1_pcode=5))
    checkout.do("sdc", "request", "approve", PERSONS, "--as", APPROVER)
    checkout.do("sdc", "release", "keys", "new", "--file")
    return checkout, tokens


OFFICER, APPROVER, PREPARER, REVIEWERS = "ACT-0002", "ACT-0012", "ACT-0021", ("ACT-0031", "ACT-0032")
"""Actors of the synthetic register."""
ACTOR = ("--as", OFFICER)


def approved_again(checkout: Checkout, request: str) -> None:
    """The request file as it stands now, granted anew: taken back first where it is in review."""
    if json.loads(checkout.do("sdc", "request", "show", request, "--json"))["state"] == "review":
        checkout.do("sdc", "request", "prepare", request, "--as", PREPARER)
    checkout.do("sdc", "request", "approve", request, "--as", APPROVER)


def reviewed(checkout: Checkout, request: str) -> None:
    """The candidate of a request prepared by one and approved by two others."""
    checkout.do("sdc", "request", "prepare", request, "--as", PREPARER)
    checkout.do("sdc", "request", "submit", request, "--as", PREPARER)
    told = json.loads(checkout.do("sdc", "request", "show", request, "--json"))
    for reviewer in REVIEWERS:
        manifest = told["submission"][-1]["manifest_sha256"]
        checkout.do("sdc", "request", "review", request, "approve", "--manifest", manifest, "--as", reviewer)


def commit(checkout: Checkout, message: str) -> None:
    """The checkout as a commit of a repository of its own."""
    for words in (
        ("init", "--quiet"),
        ("add", "--all"),
        ("-c", "user.name=t", "-c", "user.email=t@example.org", "commit", "--quiet", "--message", message),
    ):
        done = checkout.run("git", *words)
        assert done.returncode == 0, done.stderr


def _only_these(params: dict) -> None:
    params["extracts"] = {n: e for n, e in params["extracts"].items() if e["component"] in COMPONENTS}
    params["requests"] = {n: w for n, w in params["requests"].items() if n in BUILT}


def _plant(checkout: Checkout, component: str, tokens: dict[str, list[str]]) -> None:
    """Tokens into each identifier, household, free text, open code and sensitive column of a component's extracts."""
    path = f"dictionary/{component}.yaml"
    dictionary = read_dictionary(checkout / path)
    chosen = {}
    for number, variable in enumerate(dictionary.variables):
        kind = _kind(variable)
        if kind is not None:
            chosen[variable.name] = (kind, f"{MARK}{component[0]}{number:02}{kind[:2]}")
            tokens[kind].append(chosen[variable.name][1])
    checkout.edit(path, lambda content: _add_codes(content, chosen))
    for raw in sorted((checkout / "data/raw").glob(f"{component}_r*.csv")):
        frame = pd.read_csv(raw, dtype="str", keep_default_na=False)
        for variable in dictionary.variables:
            column = next((n for n in (variable.name, *variable.aliases) if n in frame), None)
            if variable.role == Role.COUNT and column is not None:
                frame[column] = [_multiplied(cell) for cell in frame[column]]
            elif variable.name in chosen and column is not None:
                frame = _planted(frame, column, *chosen[variable.name])
        frame.to_csv(raw, index=False)


def _kind(variable) -> str | None:
    if variable.role == Role.IDENTIFIER:
        return "identifier"
    if variable.role == Role.HOUSEHOLD:
        return "household"
    if variable.type == Type.TEXT:
        return "text"
    if variable.open_codes and (variable.geography is None or variable.geography == "site"):
        return "open"
    if variable.role == Role.SENSITIVE and variable.codes:
        return "code"
    return None


def _add_codes(content: dict, chosen: dict) -> None:
    """The token of each coded variable into a list of its own."""
    for variable in content["variables"]:
        kind, token = chosen.get(variable["name"], (None, None))
        if kind == "code":
            codes = variable["codes"]
            listed = content["lists"][codes] if isinstance(codes, str) else codes
            variable["codes"] = {**listed, token: {"en": "Some answer", "fr": "Une réponse"}}


def _multiplied(cell: str) -> str:
    plain = cell.replace(",", "")
    return str(int(plain) * UNIT) if plain.isdigit() else cell


def _planted(frame: pd.DataFrame, column: str, kind: str, token: str) -> pd.DataFrame:
    """One column with its token: in every cell, or in every eighth record where the cells must keep their variety."""
    frame = frame.copy()
    if kind == "identifier":
        frame[column] = [f"{token}x{number}" for number in range(len(frame))]
    elif kind == "household":
        frame[column] = token + "x" + frame[column]
    elif kind == "text":
        frame[column] = [f"{token} said in record {number}" for number in range(len(frame))]
    elif kind == "open" and frame[column].nunique() > len(frame) / 4:
        frame[column] = token + frame[column]
    else:
        hit = (pd.RangeIndex(len(frame)) % 8 == 3) & frame[column].str.fullmatch(r"[\w -]+").to_numpy()
        frame.loc[hit, column] = token
        children = [name for name in frame if name.startswith(f"{column}/")]
        if children:
            frame.loc[hit, children] = "0"
            frame[f"{column}/{token}"] = ["1" if one else "0" for one in hit]
    return frame


def leaks(paths: list[Path], tokens: list[str]) -> list[str]:
    """Files, or parts of files, in which a token stands: opened as far as they can be opened."""
    wanted = re.compile("|".join(map(re.escape, tokens)).encode(), re.IGNORECASE)
    return _found(paths, wanted)


def told(paths: list[Path], tokens: list[str]) -> set[str]:
    """The tokens that stand in any of the files."""
    wanted = re.compile("|".join(map(re.escape, tokens)).encode(), re.IGNORECASE)
    contents = (content for path in paths for _, content in _contents(path.name, path.read_bytes()))
    return {token.decode().lower() for content in contents for token in set(wanted.findall(content))}


def number_leaks(paths: list[Path], numbers: tuple[int, ...]) -> list[str]:
    """Files, or parts of files, in which one of the numbers stands by itself, however its thousands are set off."""
    plain = "|".join(map(str, numbers))
    parted = "|".join(f"{n:,}".replace(",", "[, \u00a0\u202f]") for n in numbers)
    wanted = rf"(?<![\w.])(?:{plain})(?:\.0+)?(?!\w|\.\d)|(?<![\w.])(?<!\d,)(?:{parted})(?!,?\w|\.\d)"
    return _found(paths, re.compile(wanted.encode()))


def _found(paths: list[Path], wanted: re.Pattern[bytes]) -> list[str]:
    found = []
    for path in paths:
        if wanted.search(path.as_posix().encode()):
            found.append(f"name of {path}")
        for part, content in _contents(path.name, path.read_bytes()):
            if wanted.search(content) or wanted.search(content.replace(b"\x00", b"")):
                found.append(f"{path}{part}")
    return found


def _contents(name: str, content: bytes) -> Iterator[tuple[str, bytes]]:
    """What a file holds: itself, and what is packed in it."""
    yield "", content
    if b"&" in content and content.lstrip()[:1] == b"<":
        yield " (unescaped)", html.unescape(content.decode("utf-8", "replace")).encode()
    if content.startswith(b"PK\x03\x04"):
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            for part in archive.namelist():
                for deeper, inner in _contents(part, archive.read(part)):
                    yield f"!{part}{deeper}", inner
    elif content.startswith(b"\x1f\x8b"):
        yield " (unpacked)", gzip.decompress(content)
    elif content.startswith(b"PAR1"):
        table = pq.read_table(io.BytesIO(content))
        yield " (schema)", str(table.schema.metadata).encode() + str(table.schema.names).encode()
        yield " (rows)", table.to_pandas().to_csv().encode()
        yield " (categories)", b"\n".join(_categories(table))


def _categories(table) -> Iterator[bytes]:
    for column in table.to_pandas().select_dtypes("category"):
        yield "\n".join(map(str, table.to_pandas()[column].cat.categories)).encode()
