"""From the names in a file to the names in the dictionary: exact, by alias, then normalised; never by likeness."""

import difflib
import re
import unicodedata
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from sdc.dictionary import Type, Variable
from sdc.errors import Fault

_PRINTABLE = re.compile(r"[^\W\d][\w ./#():-]{0,99}|_[\w ./#():-]{0,99}")
_LIKE_DATA = re.compile(r"[0-9]{7}|[0-9][ -]?[0-9]{3}[ -][0-9]{3}|@|\s\S*\s\S*\s")
_SEPARATORS = "/._"
_LIKENESS = 0.75  # of a name that an error proposes; a likeness maps nothing


@dataclass(frozen=True)
class ColumnMap:
    """Which column of a file is which variable.

    Attributes
    ----------
    columns : dict, variable name to the column's name in the file
    children : dict, variable name to {code: column's name in the file}; 0/1 columns of a select_multiple
    """

    columns: dict[str, str] = field(default_factory=dict)
    children: dict[str, dict[str, str]] = field(default_factory=dict)


def map_columns(
    header: Sequence[str], variables: Sequence[Variable], where: str, *, labels: bool = False
) -> tuple[ColumnMap, list[Fault]]:
    """Map the columns of a file to variables.

    A column is looked up by its exact name, by alias, then with letter case, white space, punctuation and forms of
    Unicode levelled and group prefixes (``group/sub/name``, ``group.name``) taken off. A column
    ``<variable><separator><code>`` of a select_multiple is a child of that variable.

    Parameters
    ----------
    header : sequence of str
        Names of the columns, in file order, distinct.
    variables : sequence of Variable; where two claim a name, the first has it
    where : str, for faults
    labels : bool, the header may hold the labels of questions and choices, in any language of the dictionary

    Returns
    -------
    mapping : ColumnMap
    faults : list of Fault
        Columns without an entry, and variables that more than one column claims. An unknown column's name is told
        only where the row that holds it is clearly a header; otherwise its position is.
    """
    names = _Names(variables, labels=labels)
    found = [names.find(name) for name in header]
    is_header = 2 * sum(target is not None for target in found) >= len(header)
    claims: dict[tuple[str, str | None], list[int]] = defaultdict(list)
    faults, unknown = [], []
    for position, target in enumerate(found, start=1):
        if target is None:
            unknown.append(position)
        else:
            claims[target].append(position)
    if unknown and not is_header:
        faults.append(
            Fault(
                where,
                f"{len(unknown):,} of {len(header):,} columns have no entry in the dictionary",
                "So many that the header row may be no header. Their names are not shown here. "
                "Look at `header_row`, `separator`, `names` and `headers` in the layout; `sdc inspect` drafts one.",
            )
        )
    elif unknown:
        faults += [_unknown(header[position - 1], position, names, where) for position in unknown]
    mapping = ColumnMap()
    for (name, code), positions in claims.items():
        if len(positions) > 1:
            which = f"`{name}`" if code is None else f"`{name}/{code}`"
            told = ", ".join(map(str, positions))
            faults.append(Fault(where, f"columns {told} are all {which}", "Rename or remove all but one."))
        column = header[positions[0] - 1]
        if code is None:
            mapping.columns[name] = column
        else:
            mapping.children.setdefault(name, {})[code] = column
    return mapping, faults


class _Names:
    """What a column may be called, built once a file."""

    def __init__(self, variables: Sequence[Variable], *, labels: bool) -> None:
        self.exact = {name: v.name for v in reversed(variables) for name in (v.name, *v.aliases)}
        self.spaced = _unambiguous((_level_code(name), owner) for name, owner in self.exact.items())
        self.levelled = _unambiguous((level(name), owner) for name, owner in self.exact.items())
        self.labels = _unambiguous((level(text), v.name) for v in variables for text in v.label.values() if labels)
        self.multiples = {v.name: v for v in variables if v.type == Type.CODES}
        self.codes = {
            name: _unambiguous(
                (_level_code(text), code)
                for code, told in variable.codes.items()
                for text in (code, *(told.values() if labels else ()))
            )
            for name, variable in self.multiples.items()
        }

    def find(self, column: str) -> tuple[str, str | None] | None:
        """Variable, and the code where the column is a child of a select_multiple; None when it is neither."""
        if column in self.exact:
            return self.exact[column], None
        for name in _without_prefixes(column):
            variable = self.variable(name)
            if variable is not None:
                return variable, None
            child = self.child(name)
            if child is not None:
                return child
            variable = self.loosely(name)
            if variable is not None:
                return variable, None
        return None

    def variable(self, name: str) -> str | None:
        """The variable of this name or alias, letter case and white space levelled, or of this label."""
        return self.exact.get(name) or self.spaced.get(_level_code(name)) or self.labels.get(level(name))

    def loosely(self, name: str) -> str | None:
        """The variable of this name or alias, all that `level` levels apart."""
        return self.levelled.get(level(name))

    def like(self, column: str) -> str | None:
        """The variable whose name or alias is most like a column's, for a person to look at."""
        last = level(re.split(r"[/.]", column)[-1] or column)
        near = difflib.get_close_matches(last, self.levelled, n=1, cutoff=_LIKENESS)
        return self.levelled[near[0]] if near else None

    def child(self, name: str) -> tuple[str, str] | None:
        """A select_multiple and one of its codes."""
        for place in (place for place, sign in enumerate(name) if sign in _SEPARATORS and place):
            parent, code = self.variable(name[:place]), name[place + 1 :]
            if parent not in self.multiples or not code:
                continue
            variable = self.multiples[parent]
            known = code if code in variable.codes else self.codes[parent].get(_level_code(code))
            if known is not None:
                return parent, known
            if variable.open_codes and name[place] == "/" and _tellable(code):
                return parent, code
        return None

    def parent(self, column: str) -> str | None:
        """A select_multiple of which the column seems to be a child, its code not in the list."""
        places = [place for place, sign in enumerate(column) if sign in "/." and place]
        return next((self.variable(column[:p]) for p in places if self.variable(column[:p]) in self.multiples), None)


def level(name: str) -> str:
    """A name with letter case, white space, punctuation and forms of Unicode levelled.

    ``< > = + %`` stay: they make another name.
    """
    text = unicodedata.normalize("NFKC", name).strip().casefold()
    kept = "".join(sign if sign.isalnum() or sign in "<>=+%" or unicodedata.category(sign)[0] == "M" else "_"
                   for sign in text)  # fmt: skip
    return re.sub(r"_+", "_", kept).rstrip("_") or text


def _level_code(code: str) -> str:
    """A code with letter case and white space levelled; its signs may be all that tells it from another."""
    return re.sub(r"[\s_]+", "_", code.strip().casefold())


def _without_prefixes(column: str) -> list[str]:
    """The name, then without its first group, then without its first two..."""
    cuts = [match.end() for match in re.finditer(r"[/.]", column)]
    return [column, *(column[cut:] for cut in cuts if cut < len(column))]


def _unambiguous(pairs: Iterable[tuple[str, str]]) -> dict[str, str]:
    """A look-up of the keys that lead to one value only."""
    owners: dict[str, set[str]] = defaultdict(set)
    for key, owner in pairs:
        owners[key].add(owner)
    return {key: next(iter(several)) for key, several in owners.items() if len(several) == 1}


def _unknown(column: str, position: int, names: _Names, where: str) -> Fault:
    """The fault of a column without an entry, with the line that would give it one."""
    if not _tellable(column):
        return Fault(
            where,
            f"column {position} has no entry in the dictionary",
            "Its name is not shown: it does not look like one. Look at the header row.",
        )
    parent = names.parent(column)
    if parent is not None:
        return Fault(
            where, f"`{column}` is a code that `{parent}` does not have", f"Add it to the codes of `{parent}`."
        )
    near = names.like(column)
    alias = f"If it is `{near}`, add to that entry:\n  aliases: [{_quoted(column)}]\n" if near else ""
    return Fault(
        where,
        f"`{column}` (column {position}) has no entry in the dictionary",
        f"{alias}Add it to the dictionary, or as an alias to the variable that it is:\n"
        f"- {{name: {_quoted(column)}, label: {{en: ...}}, type: ..., role: ...}}",
    )


def _tellable(name: str) -> bool:
    """Whether a name looks like the name of a column, and not like a cell."""
    return bool(_PRINTABLE.fullmatch(name)) and not _LIKE_DATA.search(name)


def _quoted(name: str) -> str:
    """As a YAML scalar within braces."""
    return name if re.fullmatch(r"\w+", name) else f'"{name}"'
