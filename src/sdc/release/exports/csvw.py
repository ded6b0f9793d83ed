"""A release as W3C CSV on the Web metadata: types, lists and labels beside the CSV."""

from collections.abc import Mapping
from typing import Any

_DATATYPES = {"integer": "integer", "number": "double", "date": "date"}


def csvw_metadata(manifest: Mapping, package: Mapping) -> dict[str, Any]:
    """The content of a CSVW metadata document for the data file of a package."""
    (resource,) = package["resources"]
    fields = resource["schema"]["fields"]
    schema: dict[str, Any] = {"columns": [_column(field) for field in fields]}
    keys = [field["name"] for field in fields if field.get("constraints", {}).get("unique")]
    if keys:
        schema["primaryKey"] = keys[0]
    return {
        "@context": "http://www.w3.org/ns/csvw",
        "url": resource["path"],
        "dc:title": manifest["title"],
        "dc:identifier": manifest["release_id"],
        "dc:description": manifest["use"]["purpose"],
        "dc:license": package["licenses"][0]["title"],
        "dc:bibliographicCitation": manifest["use"]["cite_as"],
        "dc:issued": {"@value": manifest["created_at"], "@type": "xsd:date"},
        "dialect": {"header": True, "delimiter": ",", "quoteChar": '"', "doubleQuote": True, "encoding": "utf-8"},
        "tableSchema": schema,
    }


def _column(field: Mapping) -> dict[str, Any]:
    rules = field.get("constraints", {})
    column: dict[str, Any] = {
        "name": field["name"],
        "titles": [field["name"]],
        "dc:description": field["title"],
        "datatype": _datatype(field["type"], rules),
        "null": "",
    }
    if rules.get("required"):
        column["required"] = True
    return column


def _datatype(kind: str, rules: Mapping) -> Any:
    """A base type and what CSVW can say of its values; a list of codes is a pattern here."""
    found: dict[str, Any] = {"base": _DATATYPES.get(kind, "string")}
    if kind == "date":
        found["format"] = "yyyy-MM-dd"
    if kind == "string" and "enum" in rules:
        found["format"] = "|".join(_escaped(code) for code in rules["enum"])
    elif kind == "string" and "pattern" in rules:
        found["format"] = rules["pattern"].removeprefix("^").removesuffix("$")
    for name in ("minimum", "maximum"):
        if name in rules:
            found[name] = rules[name]
    return found if len(found) > 1 else found["base"]


def _escaped(code: str) -> str:
    return "".join(c if c.isalnum() or c in "_ -" else f"\\{c}" for c in code)
