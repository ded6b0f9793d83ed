"""The Frictionless Data Package of a release: what a machine needs to read the data file rightly."""

from collections.abc import Mapping
from hashlib import sha256
from pathlib import Path

from sdc.dictionary import Role, Type, Variable
from sdc.policy import Policy
from sdc.release.data import released_type
from sdc.release.pseudonyms import LENGTH, RECORD_ID
from sdc.release.wording import PUBLISHER, WORDS
from sdc.request import Request
from sdc.table import Table

PROFILE = "https://datapackage.org/profiles/2.0/datapackage.json"
TABLE_PROFILE = "https://datapackage.org/profiles/2.0/tableschema.json"
_TRUNCATED = {
    "month": "[0-9]{4}-(?:0[1-9]|1[0-2])",
    "quarter": "[0-9]{4}-Q[1-4]",
    "year": "[0-9]{4}",
}


def fields_of(table: Table, language: str) -> list[dict]:
    """Table schema fields of the released columns, in column order."""
    return [_field(variable, language) for variable in table.variables]


def _field(variable: Variable, language: str) -> dict:
    """Name, titles, type, codes at the released level, and what a reader may rely on."""
    label = variable.label.get(language) or next(iter(variable.label.values()), variable.name)
    field: dict = {"name": variable.name, "type": released_type(variable), "title": label}
    if variable.label:
        field["titles"] = dict(variable.label)
    if variable.level:
        field["description"] = WORDS[language]["recoded"].format(level=variable.hierarchy[variable.level - 1].name)
    for name in ("unit", "hxl"):
        if getattr(variable, name):
            field[name] = getattr(variable, name)
    rules: dict = {}
    codes = variable.codes_at(variable.level)
    if codes is not None and variable.type == Type.CODES and variable.level == 0:
        rules["pattern"] = _several(codes)
    elif codes is not None:
        rules["enum"] = list(codes)
    if variable.level and variable.hierarchy[variable.level - 1].date:
        rules["pattern"] = f"^{_TRUNCATED[str(variable.hierarchy[variable.level - 1].date)]}$"
    if codes is not None and variable.level == 0 and not variable.open_codes:
        field["categories"] = [
            {
                "value": code,
                "label": variable.codes[code].get(language) or next(iter(variable.codes[code].values()), code),
            }
            for code in codes
        ]
    if (
        variable.level == 0
        and variable.role not in (Role.COUNT, Role.WEIGHT)
        and field["type"] in ("integer", "number")
    ):
        whole = int if field["type"] == "integer" else float
        for rule, limit in (("minimum", variable.min), ("maximum", variable.max)):
            if limit is not None:
                rules[rule] = whole(limit)
    if variable.open_codes and "enum" in rules and variable.level == 0:
        del rules["enum"]
    if variable.name == RECORD_ID:
        rules = {"required": True, "unique": True, "pattern": f"^[a-z2-7]{{{LENGTH}}}$"}
        field["description"] = WORDS[language]["issued"]
    if rules:
        field["constraints"] = rules
    return field


def _several(codes: tuple[str, ...]) -> str:
    """A pattern for select_multiple: codes of the list, single blanks between them."""
    one = "|".join("".join(c if c.isalnum() or c in "_-" else f"\\{c}" for c in code) for code in codes)
    return f"^(?:{one})(?: (?:{one}))*$"


def datapackage(table: Table, request: Request, policy: Policy, release_id: str, fields: list[dict], csv: Path) -> dict:
    """The content of ``datapackage.json``.

    Parameters
    ----------
    table : Table
    request, policy
    release_id : str
    fields : list of dict, from `fields_of`
    csv : Path of the data file, whose bytes are hashed
    """
    assert request.approval is not None, "the request is approved"
    language = request.languages[0]
    content = csv.read_bytes()
    schema: Mapping = {
        "$schema": TABLE_PROFILE,
        "fields": fields,
        "missingValues": [{"value": "", "label": WORDS[language]["missing_label"]}],
    }
    return {
        "$schema": PROFILE,
        "name": release_id.lower(),
        "id": release_id,
        "title": request.title,
        "description": request.purpose,
        "version": request.version,
        "created": f"{request.approval.on}T00:00:00Z",
        "licenses": [{"title": policy.terms.licence, "path": "docs/TERMS.txt"}],
        "contributors": [{"title": PUBLISHER, "roles": ["publisher"]}],
        "sources": [{"title": policy.terms.credit}],
        "resources": [
            {
                "name": csv.stem.replace("_", "-"),
                "type": "table",
                "title": request.title,
                "path": f"data/{csv.name}",
                "scheme": "file",
                "format": "csv",
                "mediatype": "text/csv",
                "encoding": "utf-8",
                "bytes": len(content),
                "hash": f"sha256:{sha256(content).hexdigest()}",
                "dialect": {"delimiter": ",", "lineTerminator": "\n", "quoteChar": '"', "doubleQuote": True},
                "schema": dict(schema),
            }
        ],
    }
