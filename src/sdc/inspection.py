"""What can be said of a checkout without touching data: its documents, its machine, its file modes."""

import os
import stat
import subprocess
import sys
from collections.abc import Callable
from datetime import date
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from sdc.dictionary import Dictionary, read_dictionary
from sdc.engines import sdcmicro
from sdc.errors import ApprovalError, DictionaryError, Fault, PolicyError, RequestError, SdcError
from sdc.files import read_json
from sdc.inputs import Folders, extracts_of
from sdc.params import read_params, register_url, require_component
from sdc.plan import Brief
from sdc.policy import Policy, read_policy
from sdc.register import open_register
from sdc.register.states import GRANTED
from sdc.release.papers import is_placeholder
from sdc.release.signers import PRIVATE, SIGNERS, current, read_keys
from sdc.request import Request, read_request
from sdc.stage import SECURE


def read_all(folders: Folders) -> tuple[list[Dictionary], list[Policy]]:
    """Every dictionary and every policy of a checkout.

    Raises
    ------
    DictionaryError, PolicyError : when one is faulty, or when there is no dictionary at all.
    """
    dictionaries = [read_dictionary(path) for path in sorted(folders.dictionaries.glob("*.yaml"))]
    if not dictionaries:
        line = "Run this in a checkout, or name one: `--root FOLDER`."
        raise DictionaryError(str(folders.dictionaries), "holds no dictionary", line)
    policies = [read_policy(path) for path in sorted(folders.policies.glob("*.yaml"))]
    return dictionaries, policies


def check_documents(folders: Folders, expectations: Path, today: date) -> list[dict]:
    """Hold all documents against each other.

    Returns
    -------
    list of dict with document, what, state

    Raises
    ------
    SdcError : of the class of the first fault, with all faults of all documents.
    """
    faults: list[Fault] = []
    first: type[SdcError] | None = None

    def attempt(read: Callable[..., Any], *values: Any) -> Any:
        nonlocal first
        try:
            return read(*values)
        except SdcError as wrong:
            faults.extend(wrong.faults)
            first = first or type(wrong)

    found: list[dict] = []
    dictionaries: dict[str, Dictionary] = {}
    for path in sorted(folders.dictionaries.glob("*.yaml")):
        dictionary = attempt(read_dictionary, path)
        if dictionary:
            dictionaries[dictionary.component] = dictionary
            waiting = len(dictionary.unconfirmed)
            state = f"{waiting} to confirm" if waiting else "ok"
            found.append(_row(path, f"{len(dictionary.variables)} variables, {dictionary.kind}", state))
    policies: dict[str, Policy] = {}
    for path in sorted(folders.policies.glob("*.yaml")):
        policy = attempt(read_policy, path)
        if policy:
            policies[policy.policy] = policy
            contact = "ok, but `terms.contact` is a placeholder" if is_placeholder(policy.terms.contact) else "ok"
            found.append(_row(path, policy.title, contact))
    for policy in policies.values():
        attempt(_overrides_known, policy, dictionaries)
    params = attempt(read_params, folders.params)
    states = _states(folders) if params else {}
    for path in sorted(folders.requests.glob("*.yaml")):
        request = attempt(read_request, path)
        if request and params:
            attempt(_wired, request, dictionaries, policies, params)
            wired = request.id in params.requests
            found.append(_row(path, request.title, _state(request, states.get(request.id), wired, today)))
    if dictionaries and policies and not faults:
        attempt(_suites_are_current, expectations, list(dictionaries.values()), list(policies.values()))
        found.append(_row(expectations, "suites written from dictionaries and policies", "ok"))
    if faults:
        assert first is not None, "a fault has a class"
        raise first.of(faults)
    return found


def _row(path: Path, what: str, state: str) -> dict:
    return {"document": str(path), "what": what, "state": state}


def _states(folders: Folders) -> dict[str, str]:
    """State of each request in the register; none where there is no register, which `dvc repro` refuses."""
    try:
        with open_register(register_url(folders.params, folders.register)) as register:
            return {row["id"]: row["state"] for row in register.requests()}
    except ApprovalError:
        return {}


def _state(request: Request, state: str | None, wired: bool, today: date) -> str:
    if state is None:
        return "not in the register"
    if state not in GRANTED:
        return state
    if request.expires < today:
        return "expired"
    return state if wired else f"{state}, not in params.yaml"


def _wired(request: Request, dictionaries: dict, policies: dict, params: Any) -> None:
    for known, name in ((dictionaries, request.component), (policies, request.policy)):
        if name not in known:
            raise RequestError(request.id, f"names `{name}`, of which there is no document", "Mend the request.")
    if request.id in params.requests:
        require_component(params, Path("params.yaml"), request.component)
        policy = policies[request.policy].for_component(request.component)
        extracts_of(Brief(dictionaries[request.component], policy, request), params)


def _overrides_known(policy: Policy, dictionaries: dict) -> None:
    unknown = [component for component in policy.components if component not in dictionaries]
    if unknown:
        names = ", ".join(f"`{name}`" for name in unknown)
        raise PolicyError(
            f"policy `{policy.policy}`, components",
            f"changes rules for {names}, of which there is no dictionary",
            "Mend the name, or take the entry out.",
        )


def _suites_are_current(folder: Path, dictionaries: list[Dictionary], policies: list[Policy]) -> None:
    from sdc.expectations import drift

    stale = drift(folder, dictionaries, policies)
    if stale:
        raise DictionaryError(
            str(folder),
            f"{len(stale)} suites differ from the dictionaries and policies",
            "Run `sdc expectations write`.",
        )


def examine_machine(root: Path) -> list[dict]:
    """Versions, optional engines, and what others on this machine could read.

    Returns
    -------
    list of dict with what, state, do, level (ok, note, unsafe)
    """
    found = [_finding("Python", sys.version.split()[0], "ok" if sys.version_info >= (3, 11) else "unsafe")]
    for package in ("pandas", "numpy", "pyarrow", "great-expectations", "dvc"):
        try:
            found.append(_finding(package, version(package), "ok"))
        except PackageNotFoundError:
            found.append(_finding(package, "absent", "unsafe", "Install the project again: `make setup`."))
    found += [_r_engine(), _site_cache(root)]
    found += [_modes(root / name) for name in SECURE]
    found += [_key(root / ".sdc" / "key"), *_signing_keys(root)]
    ignored = (root / ".gitignore").read_text().split() if (root / ".gitignore").exists() else []
    safe = "/data/" in ignored and "/releases/" in ignored
    found.append(
        _finding(
            "data/ and releases/ outside git",
            "yes" if safe else "no",
            "ok" if safe else "unsafe",
            "" if safe else "Put `/data/` and `/releases/` into .gitignore.",
        )
    )
    return found


def _finding(what: str, state: str, level: str, do: str = "") -> dict:
    return {"what": what, "state": state, "level": level, "do": do}


def _r_engine() -> dict:
    what = "R engine (optional)"
    obstacle = sdcmicro.obstacle()
    do = "Install R, in R `install.packages('sdcMicro')`, then `pip install 'dtm-sdc[r]'`." if obstacle else ""
    return _finding(what, obstacle or "ready", "note" if obstacle else "ok", do)


def _site_cache(root: Path) -> dict:
    config = root / ".dvc" / "config"
    inside = config.exists() and "site_cache_dir" in config.read_text()
    do = "" if inside else "Run `dvc config core.site_cache_dir .sdc/dvc-site-cache`."
    return _finding("DVC site cache inside the checkout", "yes" if inside else "no", "ok" if inside else "unsafe", do)


def _key(path: Path) -> dict:
    what = "secret key readable by its owner only"
    if not path.exists():
        return _finding(what, "not made yet", "ok")
    shut = os.name != "posix" or not stat.S_IMODE(path.stat().st_mode) & 0o077
    return _finding(
        what, "yes" if shut else "no", "ok" if shut else "unsafe", "" if shut else f"Run `chmod 600 {path}`."
    )


def _signing_keys(root: Path) -> list[dict]:
    """Who signs releases, whether others can read the private half, and whether any key came into git."""
    found = []
    keys = [_key(path) for path in sorted((root / PRIVATE).glob("*.key"))]
    found += [{**row, "what": "signing key readable by its owner only"} for row in keys if row["level"] != "ok"]
    signing = current(read_keys(root / SIGNERS))
    state = "none" if signing is None else f"{signing.id}, {signing.fingerprint}"
    do = "" if signing else "`sdc release keys new`; nothing is published without one."
    found.append(_finding("signing key", state, "ok" if signing else "note", do))
    tracked = _tracked(root)
    inside = [name for name in tracked if name.startswith(".sdc/") or name.endswith((".key", ".age"))]
    safe = _finding("no key in git", "yes" if not inside else f"{len(inside)} files", "unsafe" if inside else "ok")
    do = "Take them out of git and of its history; rotate the key with `--revoke`." if inside else ""
    return [*found, {**safe, "do": do}]


def _tracked(root: Path) -> list[str]:
    """Names of the files that git knows; none where there is no git."""
    try:
        done = subprocess.run(["git", "-C", str(root), "ls-files", "-z"], capture_output=True, text=True, check=True)  # noqa: S603, S607
    except (OSError, subprocess.CalledProcessError):
        return []
    return done.stdout.split("\0")


def _modes(folder: Path) -> dict:
    """Whether others on the machine can reach the files of a folder."""
    what = f"{folder}/ readable by its owner only"
    if os.name != "posix":
        return _finding(what, "not checked on this system", "note", "Restrict the folder's permissions by hand.")
    if not folder.exists():
        return _finding(what, "not there yet", "ok")
    if not stat.S_IMODE(folder.stat().st_mode) & 0o077:
        return _finding(what, "yes", "ok")
    open_files = sum(bool(stat.S_IMODE(p.stat().st_mode) & 0o077) for p in folder.rglob("*") if p.is_file())
    if not open_files:
        return _finding(what, "yes", "ok")
    return _finding(what, f"{open_files} files are open to others", "unsafe", f"Run `chmod 700 {folder}`.")


def standing(root: Path) -> list[dict]:
    """How far each request has come: its gate, the page to read, the package, the versions released.

    Returns
    -------
    list of dict with request, policy, gate, report, package, released
    """
    rows = []
    for name, wiring in read_params(root / "params.yaml").requests.items():
        verdict = root / "data" / "verdicts" / name / "verdict.json"
        report = verdict.with_name("report.html")
        packages = sorted(path for path in (root / "data" / "candidates" / name).glob("*") if path.is_dir())
        released = sorted(path for path in (root / "releases" / name).glob("v*") if path.is_dir())
        rows.append(
            {
                "request": name,
                "policy": wiring.policy,
                "gate": read_json(verdict)["gate"] if verdict.exists() else "not built",
                "report": str(report) if report.exists() else None,
                "package": str(packages[-1]) if packages else None,
                "released": [str(path) for path in released],
            }
        )
    return rows
