"""Is a package genuine: hashes, unexpected files, schemas, and whether its data keep the promises of its manifest."""

import json
import os
import stat
from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from hashlib import file_digest
from pathlib import Path
from typing import Any, NamedTuple

import pandas as pd
from jsonschema import Draft202012Validator

from sdc.errors import Fault, IntegrityError
from sdc.release.catalogue import entry_of
from sdc.release.data import read_csv
from sdc.release.manifest import MANIFEST, MEDIA_TYPES, SIGNATURE, SUMS, manifest_schema
from sdc.release.promises import broken
from sdc.release.signers import Key, trusted
from sdc.release.spreadsheet import differences
from sdc.release.sshsig import fingerprint, signer_of

_MOST_BYTES = 64 << 20  # of a JSON document
_MOST_FILES = 1000
DO_NOT_USE = "Do not use the package; ask for it again."


class Check(NamedTuple):
    """One property of a package, and what is wrong with it."""

    name: str
    faults: tuple[Fault, ...]

    @property
    def passed(self) -> bool:
        """Whether nothing is wrong."""
        return not self.faults


def verify(path: Path, *, candidate: bool = False, keys: tuple[Key, ...] | None = None) -> list[str]:
    """Check a package.

    Parameters
    ----------
    path : Path
        Folder of a package, wherever it lies. In a store it is held against the store's catalogue too.
    candidate : bool
        Whether it is not published yet, and so not signed.
    keys : tuple of Key, optional
        Keys to trust; without them any key that the manifest names is taken, and its fingerprint is for people to
        compare.

    Returns
    -------
    list of str
        Names of the properties that hold: all of them.

    Raises
    ------
    IntegrityError : with all that is wrong; file and column names and counts only.

    Guarantees
    ----------
    * A file that was changed, added, removed, renamed, or made a link, is found.
    * Nothing outside the folder is read (but for the store's catalogue); no link is followed.
    """
    checks = inspect(path, candidate=candidate, keys=keys)
    refused = refusal(path, checks)
    if refused is not None:
        raise refused
    return [check.name for check in checks]


def refusal(path: Path, checks: Sequence[Check]) -> IntegrityError | None:
    """All that is wrong as one error; None where all checks hold."""
    faults = [fault for check in checks for fault in check.faults]
    if not faults:
        return None
    return IntegrityError.of([*faults, Fault(_shown(path.name), f"{len(faults)} faults", DO_NOT_USE)])


def inspect(path: Path, *, candidate: bool = False, keys: tuple[Key, ...] | None = None) -> list[Check]:
    """All checks of a package with what each found; a check that needs what another did not find is left out."""
    found, files = _files(path)
    checks = [Check("plain files only", tuple(found))]
    if found:
        return checks
    digests = {name: _digest(path / name) for name in files}
    checks.append(Check("SHA256SUMS", tuple(_against_sums(path, digests))))
    manifest, faults = _manifest(path)
    checks.append(Check("manifest.json", tuple(faults)))
    if manifest is None or faults:
        return checks
    listed = entry_of(path)
    if candidate:
        wrong = [Fault(SIGNATURE, "a candidate is not signed")] * (SIGNATURE in digests)
        checks.append(Check("not signed yet", tuple(wrong)))
    else:
        checks.append(Check("signature", tuple(_signature(path, manifest, digests, listed, keys))))
    checks.append(Check("files of the manifest", tuple(_against_manifest(path, manifest, digests))))
    record = _json(path / "metadata" / "sdc-record.json")
    checks.append(Check("SDC record", tuple(_against_record(manifest, record))))
    package = _json(path / "datapackage.json")
    resource, faults = _resource(package, manifest, digests)
    checks.append(Check("datapackage.json", tuple(faults)))
    if resource is not None:
        csv = path / "data" / f"{manifest['component']}.csv"
        rows, faults = read_csv(csv, resource["schema"]["fields"])
        size: Mapping = next((f for f in manifest["files"] if f["path"] == f"data/{csv.name}"), {})
        if not faults and (size.get("rows"), size.get("cols")) != rows.shape:
            faults.append(Fault(f"data/{csv.name}", "has not the rows and columns that the manifest tells"))
        checks.append(Check("data under their schema", tuple(faults)))
        if not faults:
            checks.append(Check("workbook equals data", tuple(_workbook(path, csv, resource, rows))))
            checks.append(Check("promises", tuple(broken(manifest["sdc"]["promises"], rows))))
    if listed is not None:
        wrong = [Fault(MANIFEST, "is not the one in the catalogue")] * (listed["manifest_sha256"] != digests[MANIFEST])
        wrong += [Fault(SUMS, "is not the one in the catalogue")] * (listed["sums_sha256"] != digests[SUMS])
        checks.append(Check("catalogue", tuple(wrong)))
        if listed["status"] == "withdrawn":
            checks.append(Check("not withdrawn", (Fault(listed["release_id"], "was withdrawn", "Do not use it."),)))
    return checks


def _files(path: Path) -> tuple[list[Fault], list[str]]:
    """Relative names of all files; links, pipes and other things that are no plain file or folder are refused."""
    faults: list[Fault] = []
    names: list[str] = []
    if path.is_symlink() or not path.is_dir():
        return [Fault(_shown(path.name), "is no folder", "Name the folder of a package.")], []
    waiting = [path]
    while waiting:
        for entry in sorted(os.scandir(waiting.pop()), key=lambda e: e.name):
            name = Path(entry.path).relative_to(path).as_posix()
            mode = entry.stat(follow_symlinks=False).st_mode
            if stat.S_ISDIR(mode):
                waiting.append(Path(entry.path))
                if name.count("/") > 8:
                    return [Fault(_shown(name), "lies too deep for a package")], []
            elif stat.S_ISREG(mode):
                names.append(name)
            else:
                faults.append(Fault(_shown(name), "is a link or a special file"))
        if len(names) > _MOST_FILES:
            return [Fault(_shown(path.name), f"holds more than {_MOST_FILES} files")], []
    for needed in (MANIFEST, SUMS, "datapackage.json"):
        if needed not in names:
            faults.append(Fault(needed, "is missing"))
    return faults, sorted(names)


def _digest(path: Path) -> str:
    with path.open("rb") as content:
        return file_digest(content, "sha256").hexdigest()


def _signature(
    path: Path, manifest: Mapping, digests: Mapping[str, str], listed: Mapping | None, keys: tuple[Key, ...] | None
) -> Iterator[Fault]:
    """The signature on `SHA256SUMS`: there, whole, by the key that the manifest names, and by one to trust."""
    named = (manifest["signing"] or {}).get("fingerprint")
    if named is None:
        yield Fault(f"{MANIFEST}, signing", "names no key: this is a draft", DO_NOT_USE)
        return
    if SIGNATURE not in digests:
        yield Fault(SIGNATURE, "is missing", "A candidate is checked with `--candidate`.")
        return
    try:
        with (path / SIGNATURE).open("rb") as content:
            text = content.read(10_000).decode("ascii")
        line = signer_of((path / SUMS).read_bytes(), text)
    except (IntegrityError, UnicodeDecodeError):
        yield Fault(SIGNATURE, "does not hold for SHA256SUMS")
        return
    if fingerprint(line) != named:
        yield Fault(SIGNATURE, "is by another key than the one that the manifest names")
    if listed is not None and listed["signer"] != line:
        yield Fault(SIGNATURE, "is by another key than the catalogue tells")
    if keys is not None:
        day = date.fromisoformat(listed["published_on"]) if listed else None
        said = trusted(keys, line, day)
        if said:
            yield Fault(SIGNATURE, said)


def _against_sums(path: Path, digests: Mapping[str, str]) -> Iterator[Fault]:
    """`SHA256SUMS` against the files: each once, none missing, none more."""
    try:
        lines = (path / SUMS).read_bytes().decode("ascii").split("\n")
    except UnicodeDecodeError:
        yield Fault(SUMS, "holds other than plain names")
        return
    told: dict[str, str] = {}
    if lines.pop() != "":
        yield Fault(SUMS, "does not end with a line end")
    for number, line in enumerate(lines, start=1):
        digest, gap, name = line[:64], line[64:66], line[66:]
        if gap != "  " or not name or set(digest) - set("0123456789abcdef") or name in told:
            yield Fault(f"{SUMS}, line {number}", "is no hash and name, or names a file twice")
            return
        told[name] = digest
    yield from _compared(
        SUMS, told, {name: digest for name, digest in digests.items() if name not in (SUMS, SIGNATURE)}
    )


def _against_manifest(path: Path, manifest: Mapping, digests: Mapping[str, str]) -> Iterator[Fault]:
    told: dict[str, str] = {}
    for entry in manifest["files"]:
        name = entry["path"]
        if name in told:
            yield Fault(f"{MANIFEST}, `files`", "names a file twice")
        told[name] = entry["sha256"]
        if name in digests and entry["bytes"] != (path / name).stat().st_size:
            yield Fault(name, "has another size than the manifest tells")
        if MEDIA_TYPES.get(Path(name).suffix) != entry["media_type"]:
            yield Fault(name, "has another type than the manifest tells")
    yield from _compared(
        MANIFEST, told, {name: d for name, d in digests.items() if name not in (MANIFEST, SUMS, SIGNATURE)}
    )
    for needed in (f"data/{manifest['component']}.csv", f"data/{manifest['component']}.xlsx"):
        if needed not in told:
            yield Fault(needed, "is missing")


def _compared(where: str, told: Mapping[str, str], found: Mapping[str, str]) -> Iterator[Fault]:
    for name in sorted(set(told) | set(found)):
        if name not in found:
            yield Fault(_shown(name), f"is missing, {where} tells of it")
        elif name not in told:
            yield Fault(_shown(name), f"is unexpected, {where} does not tell of it")
        elif told[name] != found[name]:
            yield Fault(_shown(name), f"was changed: another hash than in {where}")


def _json(path: Path) -> Any:
    """A JSON document of a package; None where it is none, or too large."""
    try:
        if path.stat().st_size > _MOST_BYTES:
            return None
        return json.loads(path.read_bytes().decode("utf-8"), object_pairs_hook=_once, parse_constant=_refused)
    except (OSError, ValueError, RecursionError):
        return None


def _once(pairs: list[tuple[str, Any]]) -> dict:
    """An object whose entries stand once: readers differ on which of two they take."""
    content = dict(pairs)
    if len(content) != len(pairs):
        raise ValueError
    return content


def _refused(_: str) -> float:
    raise ValueError


def _manifest(path: Path) -> tuple[dict | None, list[Fault]]:
    content = _json(path / MANIFEST)
    if not isinstance(content, dict):
        return None, [Fault(MANIFEST, "cannot be read as JSON")]
    errors = Draft202012Validator(manifest_schema()).iter_errors(content)
    places = sorted({"/".join(str(part) for part in error.absolute_path) or "the whole" for error in errors})
    faults = [Fault(f"{MANIFEST}, {_shown(place)}", "breaks the published schema") for place in places]
    if not faults:
        parts = (content["series"], content["request_id"], f"v{content['version']}")
        if not all(part in content["release_id"] for part in parts):
            faults.append(Fault(f"{MANIFEST}, release_id", "does not match series, request and version"))
    return content, faults


def _against_record(manifest: Mapping, record: Any) -> Iterator[Fault]:
    """The SDC record tells the same as the manifest, and its criteria the same as its promises."""
    where = "metadata/sdc-record.json"
    if not isinstance(record, dict):
        yield Fault(where, "cannot be read as JSON")
        return
    for entry in ("promises", "methods", "risk_before", "risk_after", "loss"):
        if record.get(entry) != manifest["sdc"][entry]:
            yield Fault(f"{where}, {entry}", "differs from the manifest")
    if record.get("release_id") != manifest["release_id"]:
        yield Fault(f"{where}, release_id", "differs from the manifest")
    yield from _promised_enough(manifest, record, where)


def _promised_enough(manifest: Mapping, record: Mapping, where: str) -> Iterator[Fault]:
    """A criterion that stops a release is promised: a promise cannot be taken out without its criterion."""
    try:
        rules = {rule["rule"]: rule for rule in record["criteria"] if rule["breach"] == "stop"}
        names = [check["name"] for check in manifest["validation"]["checks"]]
    except (KeyError, TypeError):
        yield Fault(f"{where}, criteria", "cannot be read")
        return
    promises = {promise["promise"]: promise for promise in manifest["sdc"]["promises"]}
    for rule, judged, promise, number in _PROMISED:
        if rule in rules and any(name.startswith(judged) for name in names) and (rules[rule].get("value") or 0) > 1:
            kept = promises.get(promise, {}).get(number)
            if kept != rules[rule]["value"]:
                yield Fault(f"{MANIFEST}, sdc/promises", f"`{promise}` is not what the criterion `{rule}` asks")


# A criterion, the judge's check of it, the promise that follows, and where in it the number stands.
_PROMISED = (
    ("k", "k_anonymity", "k_anonymity", "k"),
    ("ell", "l_diversity:", "l_diversity", "ell"),
    ("rounding_base", "rounding", "multiples", "base"),
)


def _resource(package: Any, manifest: Mapping, digests: Mapping[str, str]) -> tuple[dict | None, list[Fault]]:
    """The one resource of the Data Package, when it is the data file of the manifest."""
    where, name = "datapackage.json", f"data/{manifest['component']}.csv"
    try:
        (resource,) = package["resources"]
        fields = resource["schema"]["fields"]
        sound = all(isinstance(f["name"], str) and f["type"] in _TYPES for f in fields) and bool(fields)
        told = (package["id"], resource["path"], resource["hash"])
    except (KeyError, TypeError, ValueError):
        return None, [Fault(where, "is no Data Package with one table")]
    if not sound or told != (manifest["release_id"], name, f"sha256:{digests.get(name)}"):
        return None, [Fault(where, "does not describe the data file of the manifest")]
    return resource, []


_TYPES = {"string", "integer", "number", "date"}


def _workbook(path: Path, csv: Path, resource: Mapping, rows: pd.DataFrame) -> list[Fault]:
    xlsx = csv.with_suffix(".xlsx")
    return [Fault(f"data/{xlsx.name}", said) for said in differences(xlsx, resource["schema"]["fields"], rows)]


def _shown(name: str) -> str:
    """A file name as it may be printed on a terminal."""
    return ascii(name)[1:-1][:120]
