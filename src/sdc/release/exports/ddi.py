"""A release as DDI-Codebook 2.5: what data archives and microdata catalogues read."""

from collections.abc import Mapping
from xml.etree import ElementTree as Xml

from sdc.release.wording import PUBLISHER

NAMESPACE = "ddi:codebook:2_5"
_SCHEMA = "http://www.ddialliance.org/Specification/DDI-Codebook/2.5/XMLSchema/codebook.xsd"
_XSI = "http://www.w3.org/2001/XMLSchema-instance"


def ddi_codebook(manifest: Mapping, package: Mapping) -> str:
    """The codebook as XML: the study, the file, one `var` for each column with its categories.

    Elements stand in the order that the schema asks for.
    """
    (resource,) = package["resources"]
    root = Xml.Element(
        "codeBook",
        {
            "xmlns": NAMESPACE,
            "xmlns:xsi": _XSI,
            "xsi:schemaLocation": f"{NAMESPACE} {_SCHEMA}",
            "version": "2.5",
            "xml:lang": manifest["languages"][0],
        },
    )
    _citation(_add(_add(root, "docDscr"), "citation"), manifest, of="Codebook: ")
    study = _add(root, "stdyDscr")
    _study(study, manifest, package)
    file_entry = next(each for each in manifest["files"] if each["path"] == resource["path"])
    told = _add(root, "fileDscr", ID="F1", URI=resource["path"])
    text = _add(told, "fileTxt")
    _add(text, "fileName", resource["path"])
    size = _add(text, "dimensns")
    _add(size, "caseQnty", str(file_entry["rows"]))
    _add(size, "varQnty", str(file_entry["cols"]))
    _add(text, "fileType", "CSV, UTF-8, comma, one header row")
    data = _add(root, "dataDscr")
    for number, field in enumerate(resource["schema"]["fields"], start=1):
        _variable(data, number, field)
    Xml.indent(root)
    return '<?xml version="1.0" encoding="UTF-8"?>\n' + Xml.tostring(root, encoding="unicode") + "\n"


def _study(study: Xml.Element, manifest: Mapping, package: Mapping) -> None:
    _citation(_add(study, "citation"), manifest)
    info = _add(study, "stdyInfo")
    subject = _add(info, "subject")
    _add(subject, "keyword", "displacement")
    _add(info, "abstract", manifest["use"]["purpose"])
    summary = _add(info, "sumDscr")
    for number in manifest["rounds"]:
        _add(summary, "timePrd", f"round {number}", cycle=f"R{number:02d}")
    _add(summary, "nation", manifest["country"], abbr=manifest["country"])
    _add(summary, "dataKind", manifest["classification"]["category"])
    method = _add(study, "method")
    steps = ", ".join(dict.fromkeys(each["step"] for each in manifest["sdc"]["methods"])) or "none needed"
    _add(method, "notes", f"Statistical disclosure control: {steps}.", type="disclosure control")
    _add(_add(method, "anlyInfo"), "respRate", "not applicable")
    use = _add(_add(study, "dataAccs"), "useStmt")
    _add(use, "restrctn", package["licenses"][0]["title"])
    _add(use, "contact", PUBLISHER, email=manifest["use"]["contact"])
    _add(use, "citReq", manifest["use"]["cite_as"])
    _add(use, "conditions", " ".join(manifest["use"]["conditions"]))


def _citation(citation: Xml.Element, manifest: Mapping, of: str = "") -> None:
    titles = _add(citation, "titlStmt")
    _add(titles, "titl", of + manifest["title"])
    _add(titles, "IDNo", manifest["release_id"])
    _add(_add(citation, "rspStmt"), "AuthEnty", PUBLISHER)
    _add(_add(citation, "prodStmt"), "producer", PUBLISHER, abbr="IOM DTM")
    _add(_add(citation, "distStmt"), "distDate", manifest["created_at"], date=manifest["created_at"])
    _add(_add(citation, "verStmt"), "version", manifest["version"])
    if not of:
        _add(citation, "biblCit", manifest["use"]["cite_as"])


def _variable(data: Xml.Element, number: int, field: Mapping) -> None:
    rules = field.get("constraints", {})
    numeric = field["type"] in ("integer", "number")
    variable = _add(
        data, "var", ID=f"V{number}", name=field["name"], files="F1", intrvl="contin" if numeric else "discrete"
    )
    _add(variable, "labl", field["title"])
    if numeric and ("minimum" in rules or "maximum" in rules):
        limits = {short: str(rules[long]) for short, long in (("min", "minimum"), ("max", "maximum")) if long in rules}
        _add(_add(variable, "valrng"), "range", **limits)
    if "description" in field:
        _add(variable, "txt", field["description"])
    labels = {each["value"]: each["label"] for each in field.get("categories", ())}
    for code in rules.get("enum", labels):
        category = _add(variable, "catgry")
        _add(category, "catValu", code)
        if code in labels:
            _add(category, "labl", labels[code])
    _add(variable, "varFormat", type="numeric" if numeric else "character")


def _add(parent: Xml.Element, tag: str, text: str | None = None, **given: str) -> Xml.Element:
    element = Xml.SubElement(parent, tag, given)
    element.text = text
    return element
