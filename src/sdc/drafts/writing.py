"""The block of an extract as people write it in `params.yaml`, and that file with the block in it."""

import re
from typing import Any

import yaml

from sdc.errors import DictionaryError
from sdc.ingest.layout import Layout
from sdc.pcodes import PlacesCheck

_ORDER = (
    *("format", "url_from", "encoding", "separator", "sheet", "header_row", "header_rows", "names_file", "names"),
    *("skip_after_header", "skip_at_end", "records", "missing", "thousands", "decimal", "date_formats"),
)


def extract_text(
    name: str, component: str, number: int, path: str, layout: Layout, places: PlacesCheck | None = None
) -> str:
    """The entry of one extract, as lines of YAML to stand under `extracts:`.

    Parameters
    ----------
    name : str, of the extract
    component : str
    number : int, the round
    path : str, of the raw file
    layout : Layout
    places : PlacesCheck, where the p-codes are held against a list
    """
    content = layout.model_dump(mode="json")
    given = {"format", "header_row"} if not layout.header_rows else {"format"}
    if layout.format == "csv":
        given |= {"encoding", "separator"}
    if layout.format in ("json", "sav", "dta", "parquet", "sql"):
        given.discard("header_row")
    default = {field: info.default for field, info in Layout.model_fields.items()}
    facts = {
        field: content[field]
        for field in (*_ORDER, *(f for f in content if f not in _ORDER))
        if field in given
        or (content[field] != _plain(default[field]) and not (field == "header_row" and layout.header_rows))
    }
    if layout.format in ("json", "sav", "dta", "parquet", "sql"):
        facts.pop("header_row", None)
    if layout.repeat:
        facts["repeat"] = [
            {name: fact for name, fact in repeat.model_dump(mode="json").items() if fact} for repeat in layout.repeat
        ]
    entry: dict[str, Any] = {name: {"component": component, "round": number, "path": path, "layout": facts}}
    if places is not None:
        entry[name]["places"] = places.model_dump(mode="json", exclude_defaults=True)
    text = yaml.safe_dump(entry, sort_keys=False, allow_unicode=True, width=110, default_flow_style=False)
    return "".join(f"  {line}\n" for line in text.splitlines())


def _plain(value: object) -> object:
    return list(value) if isinstance(value, tuple) else value


def with_extract(text: str, name: str, block: str) -> str:
    """A params file with one more extract, every other line as it was.

    Parameters
    ----------
    text : str, of the params file
    name : str, of the extract
    block : str, as `extract_text`

    Raises
    ------
    DictionaryError : when there is such an extract already, or the file has no place for it.
    """
    lines = text.splitlines(keepends=True)
    start = next((place for place, line in enumerate(lines) if re.match(r"extracts:\s*(#.*)?$", line)), None)
    if start is None:
        raise DictionaryError("params.yaml", "has no line `extracts:`", "Add it, or paste the block where it belongs.")
    end = next((place for place in range(start + 1, len(lines)) if re.match(r"[^\s#]", lines[place])), len(lines))
    if any(re.match(rf"  {re.escape(name)}:\s*(#.*)?$", line) for line in lines[start:end]):
        raise DictionaryError(
            "params.yaml, `extracts`", f"there is an extract `{name}` already", "Give it another name."
        )
    while end > start + 1 and not lines[end - 1].strip():
        end -= 1
    return "".join([*lines[:end], block, *lines[end:]])
