"""The manifest of a package: what is in it, where it comes from, what it promises, and no more than may be told."""

import json
from collections.abc import Mapping, Sequence
from hashlib import sha256
from importlib.resources import files
from pathlib import Path
from typing import Any

from sdc.dictionary import Dictionary, Role
from sdc.files import sha256_of
from sdc.policy import Policy
from sdc.release.papers import citation
from sdc.release.pseudonyms import issued_columns
from sdc.release.sshsig import NAMESPACE
from sdc.release.wording import WORDS
from sdc.request import Request
from sdc.table import Table

SCHEMA_VERSION = "1.1"
MANIFEST, SUMS, SIGNATURE = "manifest.json", "SHA256SUMS", "SHA256SUMS.sig"
MEDIA_TYPES = {
    ".csv": "text/csv",
    ".xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    ".json": "application/json",
    ".txt": "text/plain",
    ".html": "text/html",
    ".py": "text/x-python",
}
# Rules whose numbers stand in a package; the others steer what an intruder would like to know.
TOLD = (
    "k",
    "missing",
    "ell",
    "max_individual_risk",
    "max_global_risk",
    "max_household_risk",
    "rounding_base",
    "coordinate_decimals",
    "lowest_geography_records",
    "lowest_geography_counts",
    "highest_sensitivity",
    "free_text",
    "household_links",
)
_RISK = (
    "records",
    "classes",
    "expected_reidentifications",
    "global_risk",
    "max_individual_risk",
    "expected_household_reidentifications",
    "global_household_risk",
)
# Vocabulary of UNHCR's Raw Internal Data Library: its words, not ours.
_CLASSES = {
    "public": ("anonymized", "anonymized_public", "open_access"),
    "restricted": ("anonymized", "anonymized_scientific", "licensed_use"),
    "internal": ("cleaned", "anonymized_enclave", "not_available"),
}


def manifest_schema() -> dict:
    """The published JSON Schema of the manifest."""
    return json.loads(files("sdc.release").joinpath("manifest.schema.json").read_text(encoding="utf-8"))


def series_of(request: Request) -> str:
    """Series of a release: ``DTM-SDN-MT``, country and initials of the component."""
    words = request.component.split("_")
    code = "".join(word[0] for word in words) if len(words) > 1 else words[0][:3]
    return f"DTM-{request.country}-{code.upper()}"


def package_name(request: Request) -> str:
    """Name of the package folder, which is the release id: series, rounds, request, version."""
    rounds = [f"R{number:02d}" for number in request.rounds]
    span = "-".join(rounds) if len(rounds) <= 4 else f"{rounds[0]}-to-{rounds[-1]}"
    return f"{series_of(request)}-{span}-{request.id}-v{request.version}"


def verdict_sha256(verdict: Mapping) -> str:
    """What ties a package to the verdict that let it out."""
    return sha256(json.dumps(verdict, sort_keys=True, ensure_ascii=False).encode("utf-8")).hexdigest()


def risk_told(risk: Mapping) -> dict:
    """Of a risk assessment, what a recipient may know.

    Of counts only how many cells there are: how many of them were small says which suppressed cells are small.
    """
    told = {name: _rounded(risk[name]) for name in _RISK if risk.get(name) is not None}
    if "violations" in risk:
        told["violations"] = dict(risk["violations"])
    elif "cells" in risk:
        told["cells"] = risk["cells"]
    return told


def loss_told(loss: Mapping, table: Table) -> dict:
    """Of the losses, what a recipient may know.

    Never the people missing from a count, nor any mean over such figures: where one cell is suppressed, it would be
    that cell. Shares to a tenth of a per cent.
    """
    counts = set(table.names(Role.COUNT))
    columns = [
        {
            "name": row["name"],
            "status": row["status"],
            "level_name": row.get("level_name"),
            "share_suppressed": _rounded(row["share_suppressed"], 2),
            "loss": None if counts and row["name"] in counts | _dropped(row) else _rounded(row["loss"], 3),
        }
        for row in loss["columns"]
        if row["status"] == "dropped" or row["name"] in table
    ]
    return {
        "information_loss": None if counts else _rounded(loss["information_loss"], 3),
        "share_suppressed": _rounded(loss["share_suppressed"], 3),
        "records_after": loss["records_after"],
        "columns": columns,
    }


def _dropped(row: Mapping) -> set[str]:
    return {row["name"]} if row["status"] == "dropped" else set()


def _rounded(figure: Any, digits: int = 4) -> Any:
    return round(figure, digits) if isinstance(figure, float) else figure


def sdc_record(
    table: Table,
    request: Request,
    policy: Policy,
    verdict: Mapping,
    provenance: Mapping,
    promises: Sequence[Mapping],
    methods: Sequence[Mapping],
    *,
    audited: bool,
) -> dict:
    """The disclosure criteria that were applied, for machines (SATRE 3.3.09).

    Guarantees
    ----------
    * Rules outside `TOLD` stand in it by name and without their number.
    """
    rules = []
    for name, rule in policy.model_copy(update={"components": {}}).rules():
        if name == "engine":
            continue
        told = rule.model_dump(mode="json")["value"] if name in TOLD else None
        rules.append({"rule": name, "value": told, "withheld": name not in TOLD, "breach": rule.breach})
    return {
        "release_id": package_name(request),
        "policy": {
            "name": policy.policy,
            "title": policy.title,
            "tier": policy.tier,
            "sha256": provenance["policy_sha256"],
        },
        "criteria": rules,
        "promises": [dict(promise) for promise in promises],
        "methods": [dict(method) for method in methods],
        "checks": [{name: check[name] for name in ("name", "passed", "breach", "by")} for check in verdict["checks"]],
        "gate": verdict["gate"],
        "cross_release": "pass" if audited else "not_audited",
        "risk_before": risk_told(verdict["risk_before"]),
        "risk_after": risk_told(verdict["risk_after"]),
        "loss": loss_told(verdict["loss"], table),
    }


def manifest(
    folder: Path,
    table: Table,
    request: Request,
    policy: Policy,
    dictionary: Dictionary,
    provenance: Mapping,
    record: Mapping,
    verdict: Mapping,
    signing: str | None,
    supersedes: str | None,
) -> dict:
    """The content of ``manifest.json`` for the files that lie in a folder.

    Parameters
    ----------
    folder : Path
        The package without its manifest and its hashes.
    record : mapping, from `sdc_record`
    signing : str, or None
        Fingerprint of the key that will sign.
    supersedes : str, or None
        Id of the release that this one replaces.
    """
    assert request.approval is not None, "the request is approved"
    release_id = package_name(request)
    process, identifiability, access = _CLASSES[policy.tier]
    public = policy.tier == "public"
    return {
        "schema_version": SCHEMA_VERSION,
        "release_id": release_id,
        "request_id": request.id,
        "series": series_of(request),
        "country": request.country,
        "component": dictionary.component,
        "dictionary_version": dictionary.version,
        "rounds": list(request.rounds),
        "population_id": f"{request.country}/{dictionary.component}",
        "version": request.version,
        "supersedes": supersedes,
        "created_at": f"{request.approval.on}",
        "title": request.title,
        "languages": list(request.languages),
        "recipient": {
            "organisation": request.requester.organisation,
            "type": request.requester.type,
            "tier": policy.tier,
        },
        "classification": {
            "category": verdict["kind"],
            "process_status": process,
            "identifiability": identifiability,
            "external_access_level": access,
        },
        "use": {
            "purpose": request.purpose,
            "conditions": list(policy.terms.conditions),
            "onward_sharing": public,
            "cite_as": citation(request, policy, release_id),
            "contact": policy.terms.contact,
            "agreement": request.agreement,
        },
        "provenance": {name: provenance[name] for name in sorted(provenance)},
        "sdc": {
            **{name: record[name] for name in ("promises", "methods", "risk_before", "risk_after", "loss")},
            "issued_columns": issued_columns(table),
        },
        "validation": {
            "gate": record["gate"],
            "checks": record["checks"],
            "verdict_sha256": verdict_sha256(verdict),
            "cross_release": record["cross_release"],
        },
        "approvals": [{"of": "request", "by": request.approval.by, "on": f"{request.approval.on}"}],
        "retention": {
            "delete_by": None if public else request.expires.isoformat(),
            "on_expiry": "none" if public else "delete_and_confirm",
        },
        "signing": None if signing is None else {"namespace": NAMESPACE, "fingerprint": signing},
        "files": [_file(folder, path, table) for path in sorted(_names(folder))],
    }


def _names(folder: Path) -> list[str]:
    return [path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()]


def _file(folder: Path, name: str, table: Table) -> dict:
    path = folder / name
    size = {"rows": len(table), "cols": len(table.variables)} if path.suffix == ".csv" else {}
    return {
        "path": name,
        "bytes": path.stat().st_size,
        "sha256": sha256_of(path),
        "media_type": MEDIA_TYPES[path.suffix],
        **size,
    }


def sums(folder: Path) -> str:
    """The content of ``SHA256SUMS`` for all files in a folder."""
    return "".join(
        f"{sha256_of(folder / name)}  {name}\n" for name in sorted(_names(folder)) if name not in (SUMS, SIGNATURE)
    )


def ro_crate(folder: Path, content: Mapping, policy: Policy) -> dict:
    """The content of ``ro-crate-metadata.json``: the package as a research object, valid for RO-Crate 1.3."""
    publisher, contact, licence = "https://www.iom.int/", "#contact", "docs/TERMS.txt"
    described = [name for name in sorted(_names(folder)) if name != "ro-crate-metadata.json"]
    words = WORDS[content["languages"][0]]
    parts = [
        {
            "@id": name,
            "@type": ["File", "CreativeWork"] if name == licence else "File",
            "name": policy.terms.licence if name == licence else name,
            "description": words[_DESCRIBED.get(Path(name).name, _DESCRIBED.get(Path(name).suffix, "files"))],
            "contentSize": str((folder / name).stat().st_size),
            "encodingFormat": MEDIA_TYPES[Path(name).suffix],
        }
        for name in described
    ]
    return {
        "@context": "https://w3id.org/ro/crate/1.3/context",
        "@graph": [
            {
                "@id": "ro-crate-metadata.json",
                "@type": "CreativeWork",
                "name": "ro-crate-metadata.json",
                "about": {"@id": "./"},
                "conformsTo": {"@id": "https://w3id.org/ro/crate/1.3"},
            },
            {
                "@id": "./",
                "@type": "Dataset",
                "identifier": content["release_id"],
                "name": content["title"],
                "description": content["use"]["purpose"],
                "datePublished": content["created_at"],
                "version": content["version"],
                "inLanguage": list(content["languages"]),
                "license": {"@id": licence},
                "publisher": {"@id": publisher},
                "creditText": policy.terms.credit,
                "hasPart": [{"@id": name} for name in described],
            },
            {
                "@id": publisher,
                "@type": "Organization",
                "name": "International Organization for Migration",
                "url": publisher,
                "contactPoint": {"@id": contact},
            },
            {"@id": contact, "@type": "ContactPoint", "name": policy.terms.contact, "email": policy.terms.contact},
            *parts,
        ],
    }


# What a file is, as a word of the README: by its name, or by its kind.
_DESCRIBED = {
    ".csv": "file_csv",
    ".xlsx": "file_xlsx",
    "datapackage.json": "file_datapackage",
    "TERMS.txt": "file_terms",
    "sdc-summary.html": "file_summary",
    "sdc-record.json": "file_record",
    "verify.py": "file_verify",
}
