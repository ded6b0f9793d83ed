"""YAML documents to frozen models, all faults of a document told at once.

YAML 1.1 turns the codes ``yes``, ``no`` and ``on`` into booleans and silently lets the second of two equal keys
win. Both would change what a code list or a policy says, so this reader does neither.
"""

import re
from dataclasses import replace
from pathlib import Path
from typing import Any, TypeVar

import yaml
from pydantic import BaseModel, ConfigDict, ValidationError

from sdc.errors import Fault, SdcError


class Frozen(BaseModel):
    """Base of every model that people write as YAML: no unknown entries, no change afterwards."""

    model_config = ConfigDict(frozen=True, extra="forbid")


M = TypeVar("M", bound=Frozen)


class _Loader(yaml.SafeLoader):
    """Plain scalars: null, true/false, integers, decimals; everything else is text."""

    yaml_implicit_resolvers: dict = {}

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict:
        seen = set()
        for key, _ in node.value:
            name = self.construct_object(key, deep=True)
            if name in seen:
                raise yaml.constructor.ConstructorError(None, None, "an entry stands twice", key.start_mark)
            seen.add(name)
        return super().construct_mapping(node, deep)


for _tag, _pattern, _first in (
    ("tag:yaml.org,2002:null", r"^(?:~|null|)$", ["~", "n", ""]),
    ("tag:yaml.org,2002:bool", r"^(?:true|false)$", list("tf")),
    ("tag:yaml.org,2002:int", r"^[-+]?(?:0|[1-9][0-9]*)$", list("-+0123456789")),
    (
        "tag:yaml.org,2002:float",
        r"^[-+]?(?:0|[1-9][0-9]*)\.[0-9]+(?:[eE][-+]?[0-9]+)?$",
        list("-+0123456789"),
    ),
):
    _Loader.add_implicit_resolver(_tag, re.compile(_pattern), _first)


def parse_yaml(text: str, where: str, error: type[SdcError]) -> Any:
    """Plain YAML to Python values; refuses broken YAML and entries that stand twice."""
    try:
        return yaml.load(text, Loader=_Loader)  # noqa: S506 - a SafeLoader with fewer resolvers
    except yaml.YAMLError as broken:
        mark = getattr(broken, "problem_mark", None)
        line = f", line {mark.line + 1}" if mark else ""
        problem = getattr(broken, "problem", None) or "broken YAML"
        raise error(f"{where}{line}", f"not readable as YAML ({problem})", "Mend the line.") from None


def parse_document(text: str, where: str, model: type[M], error: type[SdcError]) -> M:
    """One YAML document to a frozen model.

    Parameters
    ----------
    text : str
    where : str
        Name of the file, for errors.
    model : subclass of Frozen
    error : subclass of SdcError, raised with one fault for each wrong entry
    """
    content = parse_yaml(text, where, error)
    if not isinstance(content, dict):
        raise error(where, "holds no entries", "Write the document as `entry: value` lines.")
    return build(content, where, model, error)


def build(content: dict, where: str, model: type[M], error: type[SdcError]) -> M:
    """Entries to a frozen model; pydantic's faults become ours, without the values they quote."""
    try:
        return model.model_validate(content)
    except ValidationError as invalid:
        faults = []
        for fault in invalid.errors(include_input=False, include_url=False):
            place = ".".join(str(part) for part in fault["loc"])
            what = fault["msg"].removeprefix("Value error, ")
            faults.append(Fault(f"{where}, `{place}`" if place else where, what))
        faults[-1] = replace(faults[-1], do="Mend the document; `sdc check` reads all of them.")
        raise error.of(faults) from None


def read_document(path: Path, model: type[M], error: type[SdcError]) -> M:
    """Read one YAML file as a frozen model."""
    return parse_document(read_text(path, error), str(path), model, error)


def read_text(path: Path, error: type[SdcError]) -> str:
    """Text of a UTF-8 file, with our error when it is absent or is not text."""
    try:
        return path.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise error(str(path), "there is no such file", "Write it, or mend the name that asks for it.") from None
    except (UnicodeDecodeError, IsADirectoryError, PermissionError):
        raise error(str(path), "cannot be read as UTF-8 text", "Save it as UTF-8, readable by you.") from None
