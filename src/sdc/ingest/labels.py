"""Cells that hold the labels of choices, back to their codes."""

import re
import unicodedata

import numpy as np
import pandas as pd

from sdc.dictionary import Type, Variable
from sdc.errors import DictionaryError, Fault
from sdc.ingest.typed import TEXT, Distinct


def as_codes(variable: Variable, column: Distinct, where: str) -> tuple[Distinct, list[Fault]]:
    """A column of labels as a column of codes.

    A text that is a code already stays. A label counts in any language, letter case and white space levelled. Labels of
    a select_multiple stand one after the other, with the variable's separator between them, or blanks; as labels hold
    blanks themselves, the text must be cut into labels in exactly one way.

    Parameters
    ----------
    variable : Variable of codes; another is returned as it is
    column : Distinct, n records
    where : str, for faults

    Returns
    -------
    column : Distinct, n records
    faults : list of Fault
        Records whose text is no sequence of labels, or more than one.

    Raises
    ------
    DictionaryError : when two codes of the variable have the same label.
    """
    if variable.type not in (Type.CODE, Type.CODES) or not variable.codes:
        return column, []
    owners = _owners(variable, where)
    read = [_read(str(text), variable, owners) for text in column.values]
    records = column.records
    unknown = int(sum(count for codes, count in zip(read, records, strict=True) if codes is None))
    faults = []
    if unknown and not variable.open_codes:
        what = f"{unknown:,} of {len(column.of_record):,} records hold no label of its codes, or one that can be two"
        do = "The labels are not shown here. Add the label to its code, or say `values: codes` in the layout."
        faults.append(Fault(f"{where}, `{variable.name}`", what, do))
    texts = [str(text) if codes is None else codes for text, codes in zip(column.values, read, strict=True)]
    places, values = pd.factorize(pd.Series(texts, dtype=TEXT))
    of_record = places[column.of_record] if len(places) else column.of_record.copy()
    of_record[column.of_record < 0] = -1
    return Distinct(pd.Series(values, dtype=TEXT), of_record, column.reasons), faults


def unreadable(variable: Variable, column: Distinct, where: str) -> np.ndarray:
    """Records, (n,) bool, whose text is no sequence of labels of a closed list, or several: as `as_codes` counts."""
    wrong = np.zeros(len(column.values) + 1, dtype=bool)
    if variable.type in (Type.CODE, Type.CODES) and variable.codes and not variable.open_codes:
        owners = _owners(variable, where)
        wrong[:-1] = [_read(str(text), variable, owners) is None for text in column.values]
    return wrong[column.of_record]


def _owners(variable: Variable, where: str) -> dict[str, str]:
    """The code of each label, and of each code."""
    owners: dict[str, str] = {}
    clashes = set()
    for code, labels in variable.codes.items():
        for text in {_level(label) for label in labels.values()}:
            if owners.setdefault(text, code) != code:
                clashes |= {owners[text], code}
    if clashes:
        told = ", ".join(f"`{code}`" for code in sorted(clashes))
        raise DictionaryError(
            f"{where}, `{variable.name}`",
            f"codes {told} have the same label",
            "Tell their labels apart, or export codes and say `values: codes`.",
        )
    return owners | {code: code for code in variable.codes}


def _read(text: str, variable: Variable, owners: dict[str, str]) -> str | None:
    """The code, or the codes with blanks between them; None where there is none or more than one reading."""
    if variable.type == Type.CODE:
        return text if text in variable.codes else owners.get(_level(text))
    parts = text.split(variable.separator) if variable.separator else text.split()
    if all(part.strip() in variable.codes for part in parts):
        return text
    join = variable.separator or " "
    if variable.separator:
        codes = [owners.get(_level(part)) for part in parts]
        return None if None in codes else join.join(code for code in codes if code)
    words = _level(text).split(" ")
    longest = max(len(label.split(" ")) for label in owners)
    ways: list[list[tuple[str, ...]]] = [[()], *([] for _ in words)]
    for end in range(1, len(words) + 1):
        for begin in range(max(0, end - longest), end):
            code = owners.get(" ".join(words[begin:end]))
            if code is not None:
                ways[end] += [(*way, code) for way in ways[begin]][:2]
        ways[end] = ways[end][:2]
    return join.join(ways[-1][0]) if len(ways[-1]) == 1 else None


def _level(label: str) -> str:
    """A label with letter case and white space levelled."""
    return re.sub(r"\s+", " ", unicodedata.normalize("NFC", label).strip().casefold())
