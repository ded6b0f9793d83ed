"""Which version a release is, by what changed: the tool decides, and publishing holds it to that.

MAJOR: a value, a row or the protection is another. MINOR: columns or rows were added and all that was there stands.
PATCH: documents only, every file in `data/` as it was.
"""

import json
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

import pandas as pd

from sdc.errors import IntegrityError
from sdc.files import sha256_of
from sdc.release.manifest import MANIFEST, SIGNATURE, SUMS
from sdc.release.pseudonyms import RECORD_ID

Change = Literal["patch", "minor", "major"]
Version = tuple[int, int, int]


def parsed(version: str) -> Version:
    """``1.2.3`` as numbers."""
    major, minor, patch = (int(part) for part in version.split("."))
    return major, minor, patch


def latest(entries: Sequence[Mapping], request_id: str) -> dict | None:
    """The entry of the highest version of a request, withdrawn or not; None before the first."""
    own = [dict(entry) for entry in entries if entry["request_id"] == request_id]
    return max(own, key=lambda entry: parsed(entry["version"]), default=None)


def first_version(least: str) -> str:
    """1.0.0, or the least version that the request names."""
    return _text(max((1, 0, 0), parsed(least)))


def next_version(released: Path, built: Path, least: str) -> str:
    """The version of a package that comes after a released one.

    Parameters
    ----------
    released, built : Path
        Packages; the second was built with the ids of the first.
    least : str
    """
    last = parsed(_manifest(released)["version"])
    return _text(max(_raised(last, change(released, built)), parsed(least)))


def _raised(last: Version, changed: Change) -> Version:
    major, minor, patch = last
    return {"major": (major + 1, 0, 0), "minor": (major, minor + 1, 0), "patch": (major, minor, patch + 1)}[changed]


def _text(version: Version) -> str:
    return ".".join(str(part) for part in version)


def require_version(package: Path, manifest: Mapping, previous: Mapping | None, store: Path) -> None:
    """Refuse a package that is numbered lower than its changes ask, or was built before the last release.

    Raises
    ------
    IntegrityError
    """
    replaced = None if previous is None else previous["release_id"]
    if manifest["supersedes"] != replaced:
        said = "was built before the last release of this request, or for another store"
        raise IntegrityError(manifest["release_id"], said, "Run `dvc repro --force release@REQ`.")
    if previous is not None:
        changed = change(store / previous["path"], package)
        if parsed(manifest["version"]) < _raised(parsed(previous["version"]), changed):
            said = f"is numbered lower than its {changed.upper()} change asks"
            raise IntegrityError(manifest["release_id"], said, "Run `dvc repro --force release@REQ`.")


def change(released: Path, built: Path) -> Change:
    """What kind of change lies between two packages of a request.

    Guarantees
    ----------
    * `patch` only where every file in `data/` has the same hash and the protection is the same.
    * `minor` only where every released row and value stands in the other package, under the same record id.
    """
    if _protection(released) != _protection(built):
        return "major"
    if _data(released) == _data(built):
        return "patch" if _fields(released) == _fields(built) else "major"
    return "minor" if _stands(released, built) else "major"


def unchanged(released: Path, built: Path) -> bool:
    """Whether a package tells a recipient the same as a released one: all but commit, hashes of sources and key."""
    return _told(released) == _told(built)


def _told(package: Path) -> dict[str, Any]:
    """Files of a package without what a rebuild from other sources or for another key changes."""
    manifest = _manifest(package)
    noise = [value for value in manifest["provenance"].values() if isinstance(value, str) and len(value) >= 20]
    noise += [manifest["signing"]["fingerprint"]] if manifest["signing"] else []
    found: dict[str, Any] = {}
    for path in sorted(package.rglob("*")):
        name = path.relative_to(package).as_posix()
        if not path.is_file() or name in (MANIFEST, SUMS, SIGNATURE):
            continue
        if name.startswith("data/"):
            found[name] = sha256_of(path)
            continue
        text = path.read_bytes()
        for each in noise:
            wrapped = r"\s*".join(re.escape(part) for part in each.split())
            text = re.sub(wrapped.encode(), b"...", text)
        found[name] = re.sub(rb"\s+", b" ", text)
    left_out = ("provenance", "signing", "files", "supersedes", "validation")
    found[MANIFEST] = {name: value for name, value in manifest.items() if name not in left_out}
    found["validation"] = {name: manifest["validation"][name] for name in ("gate", "checks", "cross_release")}
    return found


def _manifest(package: Path) -> dict:
    return json.loads((package / MANIFEST).read_bytes())


def _data(package: Path) -> dict[str, str]:
    return {path.name: sha256_of(path) for path in sorted((package / "data").iterdir())}


def _protection(package: Path) -> Any:
    """What was asked of the data, as the package tells it; the columns it is asked of may grow."""
    record = json.loads((package / "metadata" / "sdc-record.json").read_bytes())
    return record["policy"]["name"], record["criteria"], _manifest(package)["provenance"]["engine"]


def _fields(package: Path) -> dict[str, Any]:
    """Type and rules of each column: its level of detail among them."""
    (resource,) = json.loads((package / "datapackage.json").read_bytes())["resources"]
    return {f["name"]: (f["type"], f.get("constraints"), f.get("categories")) for f in resource["schema"]["fields"]}


def _stands(released: Path, built: Path) -> bool:
    """Whether all columns, rows and values of one package stand in another."""
    old_fields, new_fields = _fields(released), _fields(built)
    if any(new_fields.get(name, (None, None))[:2] != kept[:2] for name, kept in old_fields.items()):
        return False
    old, new = _rows(released), _rows(built)
    columns = list(old.columns)
    if RECORD_ID in columns:
        old, new = old.set_index(RECORD_ID), new.set_index(RECORD_ID)
        return bool(old.index.isin(new.index).all()) and old.equals(new.loc[old.index, columns[1:]])
    times = old.value_counts(dropna=False)
    return bool((new[columns].value_counts(dropna=False).reindex(times.index, fill_value=0) >= times).all())


def _rows(package: Path) -> pd.DataFrame:
    (path,) = (package / "data").glob("*.csv")
    return pd.read_csv(path, dtype="str", keep_default_na=False)
