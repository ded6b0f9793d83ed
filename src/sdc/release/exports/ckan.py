"""A release as a dataset of CKAN, with the extra fields that the Humanitarian Data Exchange asks for."""

import re
from collections.abc import Mapping
from typing import Any

from sdc.release.wording import PUBLISHER


def ckan_package(manifest: Mapping, package: Mapping) -> dict[str, Any]:
    """The content for CKAN's `package_create`; a restricted release becomes a private dataset of metadata only."""
    (resource,) = package["resources"]
    public = manifest["recipient"]["tier"] == "public"
    methods = ", ".join(dict.fromkeys(method["step"] for method in manifest["sdc"]["methods"])) or "none needed"
    licence = package["licenses"][0]["title"]
    open_licence = "CC BY 4.0" in licence
    return {
        "name": re.sub(r"[^a-z0-9_-]", "-", manifest["release_id"].lower())[:100],
        "title": manifest["title"],
        "notes": manifest["use"]["purpose"],
        "version": manifest["version"],
        "owner_org": "international-organization-for-migration",
        "maintainer_email": manifest["use"]["contact"],
        "private": not public,
        "license_id": "cc-by" if open_licence else "other",
        "license_title": licence,
        "license_other": None if open_licence else " ".join(manifest["use"]["conditions"]),
        "dataset_source": PUBLISHER,
        "data_update_frequency": "-2",
        "methodology": "Other",
        "methodology_other": f"Statistical disclosure control: {methods}. See docs/sdc-summary.html in the package.",
        "caveats": "Empty cells were not collected or were suppressed to protect people; they are not zeros.",
        "groups": [{"name": manifest["country"].lower()}],
        "tags": [{"name": "displacement"}, {"name": "internally displaced persons-idp"}],
        "extras": [
            {"key": "release_id", "value": manifest["release_id"]},
            {"key": "rounds", "value": " ".join(str(number) for number in manifest["rounds"])},
            {"key": "cite_as", "value": manifest["use"]["cite_as"]},
        ],
        "resources": [_resource(manifest, entry, resource) for entry in manifest["files"] if public and _data(entry)],
    }


def _data(entry: Mapping) -> bool:
    return entry["path"].startswith("data/")


def _resource(manifest: Mapping, entry: Mapping, resource: Mapping) -> dict[str, Any]:
    kind = entry["path"].rsplit(".", 1)[-1].upper()
    return {
        "name": entry["path"].removeprefix("data/"),
        "description": resource["title"],
        "format": kind,
        "mimetype": entry["media_type"],
        "size": entry["bytes"],
        "hash": entry["sha256"],
        "url_type": "upload",
        "microdata": manifest["classification"]["category"] == "records",
    }
