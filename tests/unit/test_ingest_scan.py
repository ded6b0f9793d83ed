"""What names a person is found in coded columns, and codes of places are not taken for it."""

import pandas as pd
import pytest

from sdc.dictionary import Variable
from sdc.ingest.scan import content_faults
from sdc.ingest.typed import distinct


def faults(cells: list[str], **facts: object) -> list[str]:
    """What is found in a column of open codes."""
    variable = Variable(**{"name": "x", "type": "code", "role": "key", "open_codes": True, **facts})
    column = distinct(pd.Series(cells, dtype="str"), frozenset())
    return [fault.what.split("look like ")[1].split(",")[0] for fault in content_faults(variable, column, "raw.csv")]


@pytest.mark.parametrize(
    ("cell", "kind"),
    [
        ("+260 97 1234567", "telephone numbers"),
        ("+9647901234567", "telephone numbers"),
        ("00249 912 345 678", "telephone numbers"),
        ("0791234567", "telephone numbers"),
        ("(079) 123-45-67", "telephone numbers"),
        ("somebody@example.org", "e-mail addresses"),
        ("490154203237518", "device numbers (IMEI)"),
        ("123e4567-e89b-12d3-a456-426614174000", "universally unique ids"),
        ("https://example.org/audit/1", "web addresses"),
        ("-13.6870378 34.9220021 531.9 4.9", "coordinates"),
    ],
)
def test_found(cell, kind):
    assert faults([cell, "AA01", "AA02"]) == [kind]
    assert faults([cell] + ["AA01"] * 99) == []


@pytest.mark.parametrize(
    "cell", ["AA0101", "30108013017", "ANB-112", "2024-05-06", "12", "Sub-district 4", "0.5", "B2_01", "000", "2,380"]
)
def test_not_found(cell):
    assert faults([cell]) == []


def test_numbers_as_long_as_a_device_number_are_none_unless_their_check_digits_fit():
    assert faults([f"49015420323{number:04}" for number in range(1000)]) == []


def test_a_point_may_hold_coordinates():
    assert faults(["-13.6870378 34.9220021"], geography="point") == []


def test_a_code_of_a_place_may_begin_with_a_nought():
    assert faults(["0102030405"], geography="admin3") == []
    assert faults(["+260 97 1234567"], geography="admin3") == ["telephone numbers"]


@pytest.mark.parametrize("facts", [{"role": "identifier"}, {"type": "text", "open_codes": False, "role": "other"}])
def test_not_looked_for(facts):
    assert faults(["+260 97 1234567"], **facts) == []


def test_a_whole_number_may_be_a_telephone_number_too():
    assert faults(["0791234567"], type="integer", open_codes=False, role="other") == ["telephone numbers"]
