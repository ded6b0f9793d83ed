"""A select_multiple that is stored twice, as text and as 0/1 columns, to one column of text."""

from collections.abc import Mapping

import numpy as np
import pandas as pd

from sdc.dictionary import Variable
from sdc.errors import Fault
from sdc.ingest.typed import TEXT, Distinct, chosen_codes
from sdc.keys import merged

_CHOSEN = {"1": 1, "0": 0, "true": 1, "false": 0, "1.0": 1, "0.0": 0, "yes": 1, "no": 0, "oui": 1, "non": 0}
MARKS = frozenset(_CHOSEN)


def choices(children: Mapping[str, Distinct], variable: Variable, where: str) -> tuple[np.ndarray, list[Fault]]:
    """0/1 columns as a matrix.

    Parameters
    ----------
    children : mapping, m codes to their columns of n records
    variable : Variable
    where : str, for faults

    Returns
    -------
    chosen : array of int8, (n, m); -1 where the cell is missing or at fault
    faults : list of Fault, cells that are neither 0 nor 1
    """
    faults, chosen = [], []
    for code, child in children.items():
        marks = np.array([_CHOSEN.get(text.casefold(), -2) for text in child.values], dtype=np.int8)
        column = np.append(marks, np.int8(-1))[child.of_record]
        wrong = int((column == -2).sum())
        if wrong:
            what = f"{wrong:,} of {len(column):,} records hold neither 0 nor 1"
            do = "Is it a column of its own? Then give it its own entry in the dictionary."
            faults.append(Fault(f"{where}, `{variable.name}/{code}`", what, do))
        chosen.append(np.where(column == -2, -1, column))
    return np.column_stack(chosen), faults


def differing(text: Distinct, codes: list[str], chosen: np.ndarray, separator: str | None = None) -> np.ndarray:
    """Records whose text and 0/1 columns tell different choices.

    A missing 0/1 cell tells nothing; a chosen code beside a missing text differs from it.

    Parameters
    ----------
    text : Distinct, n records
    codes : list of str, m codes
    chosen : array of int8, (n, m)
    separator : str, between the codes of the text; blanks where none is given

    Returns
    -------
    array of bool, (n,)
    """
    sets = [frozenset(chosen_codes(value, separator)) for value in text.values]
    member = np.array(
        [[code in chosen_codes for code in codes] for chosen_codes in (*sets, frozenset())], dtype=np.int8
    )
    differs = (chosen >= 0) & (chosen != member[text.of_record])
    found: np.ndarray = differs.any(axis=1)
    return found


def disagreements(text: Distinct, codes: list[str], chosen: np.ndarray, separator: str | None = None) -> int:
    """Number of records whose text and 0/1 columns tell different choices, as `differing` finds them."""
    return int(differing(text, codes, chosen, separator).sum())


def no_marks(child: Distinct) -> np.ndarray:
    """Records of a 0/1 column that hold neither, (n,) bool; a missing cell is none of them."""
    wrong = np.array([text.casefold() not in MARKS for text in child.values], dtype=bool)
    return np.append(wrong, False)[child.of_record]


def rebuilt(codes: list[str], chosen: np.ndarray) -> pd.Series:
    """Text of the chosen codes, separated by blanks, one a record.

    Where no code is chosen the text is missing: the 0/1 columns do not tell "none" from "not asked".
    """
    patterns, of_record = merged(chosen.astype(np.int32))
    texts = [" ".join(code for code, mark in zip(codes, row, strict=True) if mark == 1) or None for row in patterns]
    return pd.Series(pd.array(texts, dtype=TEXT).take(of_record))
