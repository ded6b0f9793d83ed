"""Where a release comes from, as W3C PROV-JSON."""

from collections.abc import Mapping
from typing import Any


def prov_document(manifest: Mapping, package: Mapping) -> dict[str, Any]:
    """Inputs, plan, protection, package and who approved, as entities, activities and agents; no times of day."""
    origin = manifest["provenance"]
    release, plan, activity = "dtm:release", "dtm:plan", "dtm:protection"
    inputs = {
        f"dtm:input-{number}": {"prov:label": each["id"], "dtm:hmac_sha256": each["hmac_sha256"]}
        for number, each in enumerate(origin["inputs"], start=1)
    }
    files = {
        f"dtm:file-{number}": {"prov:label": each["path"], "dtm:sha256": each["sha256"], "dtm:bytes": each["bytes"]}
        for number, each in enumerate(manifest["files"], start=1)
    }
    actors = list(dict.fromkeys(each["by"] for each in manifest["approvals"]))
    agents: dict[str, Any] = {
        f"dtm:actor-{number}": {"prov:label": actor} for number, actor in enumerate(actors, start=1)
    }
    agents["dtm:pipeline"] = {
        "prov:type": {"$": "prov:SoftwareAgent", "type": "prov:QUALIFIED_NAME"},
        "prov:label": f"dtm-sdc {origin['pipeline_version']}",
        "dtm:git_commit": origin["git_commit"] or "unknown",
        "dtm:engine": origin["engine"],
    }
    document: dict[str, Any] = {
        "prefix": {"dtm": "urn:dtm-sdc:"},
        "entity": {
            release: {
                "prov:label": manifest["release_id"],
                "prov:type": {"$": "prov:Collection", "type": "prov:QUALIFIED_NAME"},
                "dtm:version": manifest["version"],
                "dtm:created_at": manifest["created_at"],
            },
            plan: {
                "prov:label": f"plan of {manifest['request_id']}",
                "prov:type": {"$": "prov:Plan", "type": "prov:QUALIFIED_NAME"},
                "dtm:sha256": origin["plan_sha256"],
                "dtm:policy_sha256": origin["policy_sha256"],
                "dtm:dictionary_sha256": origin["dictionary_sha256"],
            },
            **inputs,
            **files,
        },
        "activity": {
            activity: {"prov:label": "statistical disclosure control", "dtm:gate": manifest["validation"]["gate"]}
        },
        "agent": agents,
        "used": {
            f"_:used-{number}": {"prov:activity": activity, "prov:entity": name}
            for number, name in enumerate(inputs, start=1)
        },
        "wasGeneratedBy": {"_:generated": {"prov:entity": release, "prov:activity": activity}},
        "wasAssociatedWith": {
            "_:associated": {"prov:activity": activity, "prov:agent": "dtm:pipeline", "prov:plan": plan}
        },
        "wasAttributedTo": {
            f"_:attributed-{number}": {"prov:entity": release, "prov:agent": f"dtm:actor-{number}"}
            for number in range(1, len(actors) + 1)
        },
        "hadMember": {
            f"_:member-{number}": {"prov:collection": release, "prov:entity": name}
            for number, name in enumerate(files, start=1)
        },
        "wasDerivedFrom": {
            f"_:derived-{number}": {"prov:generatedEntity": release, "prov:usedEntity": name}
            for number, name in enumerate(inputs, start=1)
        },
    }
    if manifest["supersedes"] is not None:
        document["entity"]["dtm:previous"] = {"prov:label": manifest["supersedes"]}
        document["wasDerivedFrom"]["_:revision"] = {
            "prov:generatedEntity": release,
            "prov:usedEntity": "dtm:previous",
            "prov:type": {"$": "prov:Revision", "type": "prov:QUALIFIED_NAME"},
        }
    return document
