"""Content that tells of a person where the dictionary expects a code: phones, e-mails, device ids, positions."""

import re

import numpy as np
import pandas as pd

from sdc.dictionary import Geography, Role, Type, Variable
from sdc.errors import Fault
from sdc.ingest.typed import Distinct

SHARE = 0.02  # of the observed cells; one hit in fifty is no slip of the pen
_SCANNED = (Type.CODE, Type.CODES, Type.INTEGER)
_SHAPES = {
    "e-mail addresses": r"[^@\s]+@[^@\s]+\.[^@\s]{2,}",
    "universally unique ids": r"(?:uuid:)?[0-9a-fA-F]{8}(?:-?[0-9a-fA-F]{4}){3}-?[0-9a-fA-F]{12}",
    "web addresses": r"https?://\S+",
    "coordinates": r"[+-]?[0-9]{1,2}\.[0-9]{3,}[,; ]+[+-]?[0-9]{1,3}\.[0-9]{3,}.*",
}
_PHONE = r"(?:\+|00)[0-9][0-9 ()-]{6,18}[0-9]|\(?0[1-9][0-9 ()-]{6,13}[0-9]"
_PLAIN = r"[0-9]+"
_DIGITS = re.compile(r"[^0-9]")


def content_faults(variable: Variable, column: Distinct, where: str) -> list[Fault]:
    """Faults of a coded column whose cells have the shape of something that names a person or a device.

    Free text is not looked at: it is dropped unless a person reviews it. Identifiers end at ingest anyway.

    Parameters
    ----------
    variable : Variable
    column : Distinct, n records
    where : str, for faults
    """
    if variable.role == Role.IDENTIFIER or variable.type not in _SCANNED or not column.observed:
        return []
    if variable.codes and not variable.open_codes:
        return []  # a cell outside the list is a fault already
    faults = []
    for kind, hit in _hits(column.values, place=variable.geography is not None).items():
        if kind == "coordinates" and variable.geography == Geography.POINT:
            continue
        records = int(column.records[hit].sum())
        if records > SHARE * column.observed:
            what = (
                f"{records:,} of {column.observed:,} observed cells look like {kind}, and its role is `{variable.role}`"
            )
            do = "Give it the role `identifier`, or the type `text`; if they are none, mend the extract."
            faults.append(Fault(f"{where}, `{variable.name}`", what, do))
    return faults


def _hits(values: pd.Series, *, place: bool) -> dict[str, np.ndarray]:
    """Which distinct texts have which shape; codes of places may begin with a nought and be as long as a number."""
    hits = {kind: values.str.fullmatch(shape).to_numpy(dtype=bool, copy=True) for kind, shape in _SHAPES.items()}
    phone = values.str.fullmatch(_PHONE).to_numpy(dtype=bool, copy=True)
    phone[phone] = [8 <= len(_DIGITS.sub("", text)) <= 15 for text in values[phone]]
    if place:
        phone &= ~values.str.fullmatch(_PLAIN).to_numpy(dtype=bool, copy=True)
    imei = values.str.fullmatch(r"[0-9]{15,16}").to_numpy(dtype=bool, copy=True)
    as_long = int(imei.sum())
    imei[imei] = [_luhn(text[:15]) for text in values[imei]]
    if 2 * imei.sum() <= as_long:  # one number in ten passes by chance
        imei[:] = False
    return {"telephone numbers": phone, **hits, "device numbers (IMEI)": imei}


def _luhn(digits: str) -> bool:
    """Whether the last digit is the check digit of an IMEI."""
    doubled = [sum(divmod(2 * int(digit), 10)) if place % 2 else int(digit) for place, digit in enumerate(digits[::-1])]
    return sum(doubled) % 10 == 0
