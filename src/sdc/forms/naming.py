"""The naming scheme of the DTM central data dictionary: ``m0310_loc_num_idp_ind``."""

import re
from dataclasses import dataclass
from typing import Literal, cast

Scope = Literal["meta", "loc", "hh", "ind", "case"]
_NAME = re.compile(r"(_?)([a-z][0-9]{4})_(meta|loc|hh|ind|case)_([a-z0-9_]+)", re.IGNORECASE)
_PLACE = re.compile(r"_(latitude|longitude|altitude|precision)$", re.IGNORECASE)
_OTHER = re.compile(r"(?:_other(?:_specify|_text)?|_autres?|_specify|_otro|_أخرى)$", re.IGNORECASE)


@dataclass(frozen=True)
class DtmName:
    """A name of the central data dictionary, taken apart.

    Attributes
    ----------
    id : str, source letter and four digits, such as ``m0310``
    scope : meta, loc, hh, ind or case
    stem : str, what is left of the name, such as ``num_idp_ind``
    part_of : str or None
        The column that it is a part of: the geopoint of ``_m1650_loc_gps_coords_latitude``, the question of
        ``..._other``.
    part : str or None, ``latitude``, ``longitude``, ``altitude``, ``precision`` or ``other``
    """

    id: str
    scope: Scope
    stem: str
    part_of: str | None = None
    part: str | None = None


def dtm_name(name: str) -> DtmName | None:
    """Take a name apart; None where it does not follow the scheme."""
    found = _NAME.fullmatch(name)
    if not found:
        return None
    underscore, identifier, scope, stem = found.groups()
    part_of, part = part_of_name(name)
    if underscore and part == "other":
        part_of, part = None, None
    return DtmName(identifier.lower(), cast(Scope, scope.lower()), stem, part_of, part)


def part_of_name(name: str) -> tuple[str | None, str | None]:
    """The column that a name says it is a part of, and which part: of a geopoint, or the text of an "other"."""
    place = _PLACE.search(name)
    if place and name.startswith("_"):
        return name[1 : place.start()], place[1].lower()
    other = _OTHER.search(name)
    if other and other.start():
        return name[: other.start()], "other"
    return None, None


def choice_of_name(column: str) -> tuple[str, str] | None:
    """Question and code of a 0/1 column of a select_multiple, ``s2878_loc_top_3_priority_need_idp/choice``."""
    parent, sign, code = column.rpartition("/")
    return (parent, code) if sign and code and dtm_name(parent) else None
