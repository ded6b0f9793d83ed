"""Content that tells of a person where the dictionary expects none: what stops ingest, and what is only counted."""

from sdc.dictionary import Geography, Role, Sensitivity, Type, Variable
from sdc.errors import Fault
from sdc.ingest.shapes import CERTAIN, NAME, PHONE, SPOT, kinds_found
from sdc.ingest.typed import Distinct

SHARE = 0.02  # of the observed cells, for shapes that a code may have by chance; one in fifty is no slip of the pen
_CODED = (Type.CODE, Type.CODES, Type.INTEGER)


def personal_content(variable: Variable, column: Distinct) -> dict[str, int]:
    """Records of a column whose cells hold what names a person, a device or a spot, by kind.

    Parameters
    ----------
    variable : Variable
    column : Distinct, n records
    """
    listed = bool(variable.codes) and not variable.open_codes  # a cell outside the list is a fault already
    if variable.role == Role.IDENTIFIER or not column.observed or listed or variable.type not in (*_CODED, Type.TEXT):
        return {}
    text, place = variable.type == Type.TEXT, variable.geography is not None
    found = kinds_found(column.values, names=text and not place, place=place)
    if variable.geography == Geography.POINT:
        found.pop(SPOT, None)
    return {kind: int(column.records[hit].sum()) for kind, hit in found.items()}


def content_faults(variable: Variable, found: dict[str, int], observed: int, where: str) -> list[Fault]:
    """Faults of a column whose content contradicts its role.

    Text whose sensitivity is high or severe is declared to hold such things: they are counted, not refused, and the
    policy decides about the text. In every other column a kind that no code has by chance (an e-mail address, a pair
    of coordinates) stops ingest in the first cell, any other kind in more than one cell of fifty.

    Parameters
    ----------
    variable : Variable
    found : dict, as `personal_content`
    observed : int, records whose cell is not empty
    where : str, for faults
    """
    text = variable.type == Type.TEXT
    if text and variable.sensitivity.rank >= Sensitivity.HIGH.rank:
        return []
    faults = []
    for kind, records in found.items():
        certain = kind in CERTAIN or (text and kind == PHONE)
        if not certain and records <= SHARE * observed:
            continue
        seen = "hold" if text else "look like"
        what = f"{records:,} of {observed:,} observed cells {seen} {kind}, and its role is `{variable.role}`"
        do = (
            "Give it the role `identifier`, which ends at ingest, or `sensitivity: high`; or mend the extract."
            if text
            else "Give it the role `identifier`, or the type `text`; if they are none, mend the extract."
        )
        if kind == NAME:
            do += " Names are guessed: look at the column first."
        faults.append(Fault(f"{where}, `{variable.name}`", what, do))
    return faults
