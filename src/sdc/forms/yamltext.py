"""A dictionary as YAML that people read, and an existing file changed only where the dictionary did."""

import itertools
import re
from collections.abc import Mapping
from typing import Any

import yaml

from sdc.dictionary import Dictionary, Variable, parse_dictionary
from sdc.errors import DictionaryError

_WIDE = 1 << 30  # one fact a line: a line that is broken anew makes a larger difference than the change
_KEY = 100  # a longer key needs YAML's long form
_ORDER = (
    "name", "id", "aliases", "label", "type", "codes", "list_name", "open_codes", "separator", "role", "confirmed",
    "proposed",
    "scope", "geography", "follows", "hierarchy", "level", "sensitivity", "unit", "min", "max", "required", "unique",
    "formats", "hxl", "indicator_type", "relevant", "constraint", "calculate", "since", "until", "replaced_by",
    "notes", "form",
)  # fmt: skip
_HEAD = ("component", "version", "title", "unit", "missing")
_BLOCKS = ("lists", "variables", "links", "groups")


class _Dumper(yaml.SafeDumper):
    """Quotes whatever YAML 1.1 or our own reader would take for something else than text."""

    def ignore_aliases(self, data: Any) -> bool:
        return True

    def represent_text(self, text: str) -> yaml.ScalarNode:
        """Text with line ends or unseen signs in double quotes, so that it stays on its line."""
        style = '"' if any(not sign.isprintable() for sign in text) else None
        return self.represent_scalar("tag:yaml.org,2002:str", text, style=style)


_Dumper.add_representer(str, _Dumper.represent_text)
_Dumper.add_implicit_resolver(  # our reader's decimals, which YAML 1.1 knows with a signed exponent only
    "tag:yaml.org,2002:float",
    re.compile(r"^[-+]?[0-9]+\.[0-9]+(?:[eE][-+]?[0-9]+)?$"),
    list("-+0123456789"),
)


def yaml_text(dictionary: Dictionary) -> str:
    """Write a dictionary as YAML: lists once, entries in order, one fact a line.

    Guarantees
    ----------
    * `parse_dictionary` of the text gives the dictionary back.
    * The same dictionary gives the same text.
    """
    head, blocks = _document(dictionary)
    parts = [_pair(key, value) for key, value in head.items()]
    for name, lines in blocks.items():
        if lines:
            parts.append(f"\n{name}:\n" + "".join(lines.values()))
    return "".join(parts)


def rewritten(old_text: str, dictionary: Dictionary) -> str:
    """The text of a dictionary's file with what has changed in it, and all else as it stood: comments and style too.

    Parameters
    ----------
    old_text : str
    dictionary : Dictionary, what the file shall say

    Returns
    -------
    str; where the file is not written one entry a line it is written anew, below the comment at its top

    Guarantees
    ----------
    * `parse_dictionary` of the text gives the dictionary.
    * Entries that did not change keep their lines, where the file has them on lines of their own.
    """
    spliced = _spliced(old_text, dictionary)
    if spliced is not None and _says(spliced, dictionary):
        return spliced
    lines = old_text.splitlines(keepends=True)
    top = "".join(itertools.takewhile(lambda line: line.startswith("#"), lines))
    return top + yaml_text(dictionary)


def _says(text: str, dictionary: Dictionary) -> bool:
    """Whether a text is the dictionary."""
    try:
        return parse_dictionary(text, dictionary.component) == dictionary
    except DictionaryError:
        return False


def _document(dictionary: Dictionary) -> tuple[dict[str, Any], dict[str, dict[str, str]]]:
    """The head of the file, and its blocks as the lines of each entry by its name."""
    plain = dictionary.model_dump(mode="json", exclude_defaults=True, exclude={"variables", "links", "groups"})
    return {key: plain[key] for key in _HEAD if key in plain}, {
        "lists": {name: _list(name, codes) for name, codes in _lists(dictionary).items()},
        "variables": {variable.name: _item(_variable(variable)) for variable in dictionary.variables},
        "links": {
            str(place): f"  - {_flow(link.model_dump(mode='json', exclude_defaults=True))}\n"
            for place, link in enumerate(dictionary.links)
        },
        "groups": {
            group.path: f"  - {_flow(group.model_dump(mode='json', exclude_defaults=True))}\n"
            for group in dictionary.groups
        },
    }


def _lists(dictionary: Dictionary) -> dict[str, dict[str, Any]]:
    named: dict[str, dict[str, Any]] = {}
    for variable in dictionary.variables:
        if variable.list_name and variable.codes and variable.list_name not in named:
            named[variable.list_name] = _codes(variable)
    return named


def _codes(variable: Variable) -> dict[str, Any]:
    since = variable.codes_since
    return {
        code: {**labels, "since": since[code]} if code in since else dict(labels)
        for code, labels in variable.codes.items()
    }


def _variable(variable: Variable) -> dict[str, Any]:
    """An entry's fields in the order in which people write them."""
    fields = variable.model_dump(mode="json", exclude_defaults=True, exclude={"codes", "codes_since"})
    if variable.codes:
        fields["codes"] = fields.pop("list_name", None) or _codes(variable)
    for bound in ("min", "max"):
        if bound in fields and float(fields[bound]).is_integer():
            fields[bound] = int(fields[bound])
    order = dict.fromkeys((*_ORDER, *Variable.model_fields))
    return {name: fields[name] for name in order if name in fields}


def _item(fields: Mapping[str, Any]) -> str:
    """A variable as an item of the block: a line a fact, a line a code."""
    lines = []
    for key, value in fields.items():
        if key == "codes" and isinstance(value, dict):
            lines += ["codes:\n", *(f"  {_pair(code, labels, '      ')}" for code, labels in value.items())]
        else:
            lines.append(_pair(key, value))
    return "".join(("  - " if place == 0 else "    ") + line for place, line in enumerate(lines))


def _list(name: str, codes: Mapping[str, Any]) -> str:
    return f"  {_flow(name)}:\n" + "".join(f"    {_pair(code, labels, '    ')}" for code, labels in codes.items())


def _pair(key: str, value: Any, indent: str = "") -> str:
    if len(key) > _KEY:
        return f"? {_flow(key)}\n{indent}: {_flow(value)}\n"
    return f"{_flow(key)}: {_flow(value)}\n"


def _flow(value: Any) -> str:
    """A value on one line."""
    text = yaml.dump([value], Dumper=_Dumper, default_flow_style=True, sort_keys=False, allow_unicode=True, width=_WIDE)
    return text.rstrip("\n")[1:-1]


def _spliced(old_text: str, dictionary: Dictionary) -> str | None:
    """The old lines with those of changed entries replaced; None where entries do not stand on lines of their own."""
    old = parse_dictionary(old_text, dictionary.component)
    sections = _sections(old_text)
    if sections is None:
        return None
    old_head, old_blocks = _document(old)
    head, blocks = _document(dictionary)
    parts = []
    for name, text in sections:
        if name in _BLOCKS:
            if blocks[name] != old_blocks[name]:
                changed = _spliced_block(name, text, old_blocks[name], blocks[name])
                if changed is None:
                    return None
                text = changed
        elif name in head and head[name] != old_head.get(name):
            text = _pair(name, head[name]) + "".join(_tail(text.splitlines(keepends=True)))
        parts.append(text)
    written = {name for name, _ in sections}
    parts += [_pair(key, value) for key, value in head.items() if key not in written and key in _HEAD]
    due = [(name, lines) for name, lines in blocks.items() if lines and name not in written]
    parts += [f"\n{name}:\n" + "".join(lines.values()) for name, lines in due]
    return "".join(parts)


def _sections(text: str) -> list[tuple[str, str]] | None:
    """The file cut before each entry of its top level: name and lines; what stands before the first has no name."""
    node = yaml.compose(text, Loader=yaml.SafeLoader)
    if not isinstance(node, yaml.MappingNode) or node.flow_style or not text.endswith("\n"):
        return None
    lines = text.splitlines(keepends=True)
    if len(lines) != text.count("\n"):
        return None
    starts = [(key.value, key.start_mark.line) for key, _ in node.value]
    cuts = [line for _, line in starts]
    if len(set(cuts)) < len(cuts):
        return None
    found = [("", "".join(lines[: cuts[0]]))]
    for (name, start), end in zip(starts, [*cuts[1:], len(lines)], strict=True):
        found.append((name, "".join(lines[start:end])))
    return found


def _tail(lines: list[str]) -> list[str]:
    """The blank lines and comments at the end: they belong to what comes next."""
    tail = itertools.takewhile(lambda line: not line.strip() or line.lstrip().startswith("#"), reversed(lines))
    return list(tail)[::-1]


def _spliced_block(name: str, text: str, old: Mapping[str, str], new: Mapping[str, str]) -> str | None:
    """A block with the lines of its changed entries replaced, and those of new entries after the entry before them."""
    whole = yaml.compose(text, Loader=yaml.SafeLoader)
    node = whole.value[0][1] if isinstance(whole, yaml.MappingNode) else None
    if node is None or node.flow_style or name == "links":
        return None
    lines = text.splitlines(keepends=True)
    items = [key for key, _ in node.value] if isinstance(node, yaml.MappingNode) else node.value
    names = list(old) if isinstance(node, yaml.SequenceNode) else [key.value for key in items]
    starts = [item.start_mark.line for item in items]
    if len(set(starts)) < len(starts) or len(names) != len(starts) or starts[0] == 0:
        return None
    found: dict[str, str] = {}
    before = {}
    top = "".join(lines[: starts[0]])
    comment = ""
    for key, start, end in zip(names, starts, [*starts[1:], len(lines)], strict=True):
        own = lines[start:end]
        tail = _tail(own)
        found[key], before[key] = "".join(own[: len(own) - len(tail)]), comment
        comment = "".join(tail)
    kept = [key for key in names if key in new or key not in old]  # a list that nothing uses stays
    order = [*kept, *(key for key in new if key not in found)] if name == "lists" else list(new)
    if [key for key in order if key in found] != kept:
        return None
    parts = [top]
    for key in order:
        same = key in found and old.get(key) == new.get(key)
        parts += [before.get(key, ""), found[key] if same else new[key]]
    return "".join([*parts, comment])
