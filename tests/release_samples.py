"""Synthetic requests ready to be packaged: a survey of records and a table of counts, protected and judged for real.

`survey()` and `places()` give the keyword arguments of `sdc.release.package.build`; nothing in them is of a person.
"""

import hashlib
import json
import os
import shutil
from datetime import date
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from sdc.dictionary import Dictionary
from sdc.errors import IntegrityError
from sdc.plan import Brief, apply, compile_plan, dropped_because, plan_document
from sdc.policy import Policy, read_policy
from sdc.release.notices import NAMESPACE
from sdc.release.publish import publish
from sdc.release.signers import Key, Signer, trusted
from sdc.release.sshsig import fingerprint, public_line, signer_of
from sdc.request import Request
from sdc.table import Table
from sdc.verdict import Case, conclude, judge

POLICIES = Path(__file__).resolve().parents[1] / "policies"
TODAY = date(2026, 11, 22)
SECRET = b"a synthetic master key, of tests"
PROVENANCE = {
    "git_commit": "0123456789abcdef0123456789abcdef01234567",
    "git_dirty": False,
    "pipeline_version": "0.1.0",
    "policy_sha256": "1" * 64,
    "dictionary_sha256": "2" * 64,
    "request_sha256": "4" * 64,
    "plan_sha256": "5" * 64,
    "engine": "native",
    "inputs": [{"id": "survey_r01", "hmac_sha256": "3" * 64}],
}


@cache
def signer(number: int = 1) -> Signer:
    """A signing key of the tests: the same number, the same key."""
    private = Ed25519PrivateKey.from_private_bytes(bytes([number]) * 32)
    line = public_line(private.public_key())
    key = Key(id=f"KEY-2026-{number:02d}", public=line, fingerprint=fingerprint(line), since=date(2026, 11, 1))
    return Signer(key, private)


def signed(folder: Path, by: Signer | None = None) -> Path:
    """A candidate with its signature, as a recipient gets it."""
    path = folder / "SHA256SUMS.sig"
    path.unlink(missing_ok=True)
    path.write_text((by or signer()).sign((folder / "SHA256SUMS").read_bytes()))
    return folder


def policy(name: str = "public", **rules: dict) -> Policy:
    """A policy of the project; `rules` change some: ``k={"value": 3}``."""
    content = read_policy(POLICIES / f"{name}.yaml").model_dump(mode="json", exclude={"components"})
    return Policy.model_validate({**content, **{rule: {**content[rule], **change} for rule, change in rules.items()}})


def request(component: str, **entries: Any) -> Request:
    """An approved request."""
    return Request.model_validate(
        {
            "id": "REQ-2026-042",
            "title": "A synthetic request",
            "requester": {"organisation": "Ministry of Relief (fictitious)", "type": "government"},
            "purpose": "To see that packages can be trusted.",
            "component": component,
            "country": "ZZZ",
            "rounds": [1],
            "variables": "all",
            "policy": "public",
            "approval": {"by": "ACT-0001", "on": date(2026, 11, 2)},
            "expires": date(2027, 12, 31),
            "languages": ["en", "fr"],
            **entries,
        }
    )


def package(table: Table, dictionary: Dictionary, asked: Request, rules: Policy, *steps: Any) -> dict[str, Any]:
    """Protect and judge a table as the pipeline does; the arguments of `build`."""
    brief = Brief(dictionary, rules.for_component(dictionary.component), asked)
    plan = compile_plan(table, brief)
    after, entries = apply(plan, table)
    ledger = {"request": asked.id, "entries": entries}
    found = judge(Case(table, after, *brief), ledger, dropped_because(plan, table))
    verdict = conclude(found, [], ["none"], PROVENANCE["plan_sha256"])
    assert verdict["gate"] == "pass", [check for check in verdict["checks"] if not check["passed"]]
    return {
        "table": after,
        "request": asked,
        "policy": rules,
        "dictionary": dictionary,
        "plan": plan_document(plan, brief),
        "ledger": ledger,
        "verdict": verdict,
        "provenance": PROVENANCE,
        "secret": SECRET,
        "signing": signer().key.fingerprint,
    }


def survey(n: int = 300, **entries: Any) -> dict[str, Any]:
    """Records: three keys, a sensitive answer, a select_multiple, a date, a weight."""
    rng = np.random.default_rng(5)
    yes_no = {"yes": {"en": "Yes", "fr": "Oui"}, "no": {"en": "No", "fr": "Non"}}
    needs = {code: {"en": code.title()} for code in ("food", "shelter", "water")}
    dictionary = Dictionary.model_validate(
        {
            "component": "flow_survey",
            "version": "1.0.0",
            "title": {"en": "Flow survey", "fr": "Enquête de flux"},
            "unit": "respondent",
            "variables": [
                {"name": "sex", "type": "code", "role": "key", "codes": {"f": {"en": "Female"}, "m": {"en": "Male"}}},
                {
                    "name": "age",
                    "label": {"en": "Age in years", "fr": "Âge en années"},
                    "type": "integer",
                    "role": "key",
                    "min": 0,
                    "max": 99,
                    "hierarchy": [
                        {"name": "10-year bands", "bands": [0, 20, 40, 60]},
                        {"name": "adult", "bands": [0, 20]},
                    ],
                },
                {
                    "name": "day",
                    "type": "date",
                    "role": "key",
                    "hierarchy": [{"name": "month", "date": "month"}, {"name": "year", "date": "year"}],
                },
                {
                    "name": "reason",
                    "label": {"en": "Reason for leaving"},
                    "type": "code",
                    "role": "sensitive",
                    "codes": yes_no,
                    "hxl": "#cause+code",
                },
                {"name": "needs", "type": "codes", "role": "other", "codes": needs},
                {"name": "weight", "type": "number", "role": "weight"},
                {"name": "started", "type": "date", "role": "other"},
            ],
        }
    )
    picks = [" ".join(np.array(list(needs))[rng.random(3) < 0.5]) for _ in range(n)]
    days = pd.Series(pd.to_datetime("2026-01-01") + pd.to_timedelta(rng.integers(0, 100, n), unit="D"))
    rows = pd.DataFrame(
        {
            "sex": pd.Categorical(rng.choice(["f", "m"], n), ["f", "m"]),
            "age": pd.array(rng.integers(0, 90, n), dtype="Int64"),
            "day": days.astype("datetime64[s]").array,
            "reason": pd.Categorical(rng.choice(["yes", "no"], n), ["yes", "no"]),
            "needs": pd.array([pick or None for pick in picks], dtype="str"),
            "weight": pd.array(rng.uniform(40, 90, n).round(3), dtype="Float64"),
            "started": days.astype("datetime64[s]").array,
        },
        index=pd.Index(rng.permutation(n) + 777_000, name="record"),
    )
    return package(Table(rows, dictionary.variables), dictionary, request("flow_survey", **entries), policy())


def places(n: int = 60, tier: str = "restricted", **entries: Any) -> dict[str, Any]:
    """Counts: a row is a place; men and women add up to persons, coordinates follow the p-code."""
    rng = np.random.default_rng(6)
    count = {"type": "integer", "role": "count", "unit": "persons"}
    dictionary = Dictionary.model_validate(
        {
            "component": "site_list",
            "version": "1.0.0",
            "title": {"en": "Site list", "fr": "Liste de sites"},
            "unit": "site",
            "variables": [
                {"name": "admin1", "type": "code", "role": "key", "open_codes": True, "geography": "admin1"},
                {
                    "name": "admin2",
                    "type": "code",
                    "role": "key",
                    "open_codes": True,
                    "geography": "admin2",
                    "follows": "admin1",
                },
                {"name": "persons", **count},
                {"name": "men", **count},
                {"name": "women", **count},
            ],
            "links": [{"total": "persons", "parts": ["men", "women"]}],
        }
    )
    men, women = rng.integers(0, 60, n), rng.integers(0, 60, n)
    men[:6], women[:6] = [0, 2, 3, 9, 0, 1], [1, 40, 3, 0, 0, 30]
    areas = rng.integers(1, 4, n)
    rows = pd.DataFrame(
        {
            "admin1": pd.Categorical([f"ZZ{a:02d}" for a in areas]),
            "admin2": pd.Categorical([f"ZZ{a:02d}{b:02d}" for a, b in zip(areas, rng.integers(1, 4, n), strict=True)]),
            "persons": pd.array(men + women, dtype="Int64"),
            "men": pd.array(men, dtype="Int64"),
            "women": pd.array(women, dtype="Int64"),
        },
        index=pd.Index(rng.permutation(n), name="record"),
    )
    table = Table(rows, dictionary.variables, dictionary.links)
    return package(table, dictionary, request("site_list", policy=tier, **entries), policy(tier))


def seal(folder: Path) -> None:
    """Make hashes and signature of a changed package consistent again, as somebody would who holds the key."""
    manifest = json.loads((folder / "manifest.json").read_bytes())
    data = f"data/{manifest['component']}.csv"
    content = json.loads((folder / "datapackage.json").read_bytes())
    raw = (folder / data).read_bytes()
    content["resources"][0] |= {"bytes": len(raw), "hash": f"sha256:{hashlib.sha256(raw).hexdigest()}"}
    _write(folder / "datapackage.json", content)
    names = sorted(p.relative_to(folder).as_posix() for p in folder.rglob("*") if p.is_file())
    kept = {entry["path"]: entry for entry in manifest["files"]}
    manifest["files"] = [
        {
            **kept.get(name, {"path": name, "media_type": "text/plain"}),
            "bytes": (folder / name).stat().st_size,
            "sha256": _sha256(folder / name),
        }
        for name in names
        if name not in ("manifest.json", "SHA256SUMS", "SHA256SUMS.sig")
    ]
    _write(folder / "manifest.json", manifest)
    lines = "".join(
        f"{_sha256(folder / name)}  {name}\n" for name in names if name not in ("SHA256SUMS", "SHA256SUMS.sig")
    )
    (folder / "SHA256SUMS").write_text(lines)
    if (folder / "SHA256SUMS.sig").exists():
        signed(folder)


def _write(path: Path, content: object) -> None:
    path.write_text(json.dumps(content, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")


def _sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def copy_of(folder: Path, to: Path) -> Path:
    """A writable copy of a package."""
    shutil.copytree(folder, to)
    for path in (to, *to.rglob("*")):
        os.chmod(path, 0o755 if path.is_dir() else 0o644)  # noqa: PTH101
    return to


def released(store: Path, candidate: Path, given: dict[str, Any], **changes: Any) -> Path:
    """A candidate published, as two reviewers approved it; `given` are the arguments it was built with."""
    manifest = candidate / "manifest.json"
    entries = {
        "request": given["request"],
        "verdict": given["verdict"],
        "today": TODAY,
        "reviewed": _sha256(manifest) if manifest.is_file() else "0" * 64,
        "approved_by": ("ACT-0002", "ACT-0003"),
        "extra": {"dvc_lock_sha256": "a" * 64},
        "papers": {"verdict.json": json.dumps(given["verdict"])},
        "signer": signer(),
        "enter": None,
    }
    return publish(candidate, store, **{**entries, **changes})


def read_notice(path: Path, keys: tuple[Key, ...], today: date) -> dict:
    """A notice whose signature holds, by a key that signed on its day; an IntegrityError where it does not."""
    try:
        raw = path.read_bytes()
        line = signer_of(raw, path.with_name(f"{path.name}.sig").read_text(encoding="ascii"), NAMESPACE)
        content = json.loads(raw)
        day = date.fromisoformat(content.get("on") or content["recorded_on"])
    except (OSError, ValueError, KeyError, AttributeError):
        raise IntegrityError(path.name, "is no signed notice") from None
    wrong = trusted(keys, line, day) or ("is of a day that lies ahead" if day > today else "")
    if wrong:
        raise IntegrityError(path.name, wrong)
    return content
