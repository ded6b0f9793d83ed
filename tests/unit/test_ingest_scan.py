"""What names a person, a device or a spot is found in nine scripts, and codes of places are not taken for it."""

import pandas as pd
import pytest

from sdc.dictionary import Variable
from sdc.ingest.checksums import CHECKED, card, iban, imei, lettered, luhn
from sdc.ingest.names import names_persons, share_of_names
from sdc.ingest.scan import content_faults, personal_content
from sdc.ingest.shapes import kinds_found
from sdc.ingest.typed import distinct


def faults(cells: list[str], **facts: object) -> list[str]:
    """What stops ingest in a column, of open codes where nothing else is said."""
    variable = Variable(**{"name": "x", "type": "code", "role": "key", "open_codes": True, **facts})
    column = distinct(pd.Series(cells, dtype="str"), frozenset())
    found = content_faults(variable, personal_content(variable, column), column.observed, "raw.csv")
    return [
        fault.what.partition(" look like " if "look like" in fault.what else " hold ")[2].split(",")[0]
        for fault in found
    ]


def kinds(text: str) -> set[str]:
    """Kinds found in one text that somebody wrote freely."""
    return set(kinds_found(pd.Series([text], dtype="str"), names=True))


TEXT = {"type": "text", "open_codes": False, "role": "other"}


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
        ("https://example.org/person/1", "web addresses"),
        ("https://kc.kobotoolbox.org/media/original?file=1", "links to recordings"),
        ("-13.6870378 34.9220021 531.9 4.9", "coordinates"),
        ("-13.687, 34.922", "coordinates"),
    ],
)
def test_found_in_a_column_of_codes(cell, kind):
    assert faults([cell, "AA01", "AA02"]) == [kind]


@pytest.mark.parametrize("cell", ["0791234567", "123e4567-e89b-12d3-a456-426614174000", "https://example.org/1"])
def test_a_shape_that_a_code_may_have_by_chance_needs_more_than_one_cell_of_fifty(cell):
    assert faults([cell] + ["AA01"] * 99) == []
    assert faults([cell] * 3 + ["AA01"] * 97) != []


@pytest.mark.parametrize("cell", ["somebody@example.org", "-13.6870378 34.9220021 531.9 4.9"])
def test_a_shape_that_no_code_has_stops_ingest_in_one_cell_of_a_thousand(cell):
    assert len(faults([cell] + ["AA01"] * 999)) == 1


@pytest.mark.parametrize(
    "cell", ["AA0101", "30108013017", "ANB-112", "2024-05-06", "12", "Sub-district 4", "0.5", "B2_01", "000", "2,380",
             "01-02-2024", "12.500 14.250 water", "PKG 12345678", "10:45-11:30"],
)  # fmt: skip
def test_not_found(cell):
    assert faults([cell]) == []


def test_numbers_as_long_as_a_device_number_are_none_unless_their_check_digits_fit():
    assert faults([f"49015420323{number:04}" for number in range(1000)]) == []


def test_a_point_may_hold_coordinates():
    assert faults(["-13.6870378 34.9220021"], geography="point") == []


def test_a_code_of_a_place_may_begin_with_a_nought():
    assert faults(["0102030405"], geography="admin3") == []
    assert faults(["+260 97 1234567"], geography="admin3") == ["telephone numbers"]


def test_identifiers_end_anyway():
    assert faults(["+260 97 1234567"], role="identifier") == []


def test_a_whole_number_may_be_a_telephone_number_too():
    assert faults(["0791234567"], type="integer", open_codes=False, role="other") == ["telephone numbers"]


class TestFreeText:
    def test_one_number_among_a_thousand_texts_stops_ingest(self):
        cells = ["please call +260 97 1234567"] + [f"no water since week {n}" for n in range(999)]
        assert faults(cells, **TEXT) == ["telephone numbers"]

    def test_text_that_is_declared_to_hold_such_things_is_counted_and_not_refused(self):
        variable = Variable(name="x", sensitivity="high", **TEXT)
        column = distinct(pd.Series(["call +260 97 1234567", "no water", ""], dtype="str"), frozenset())
        found = personal_content(variable, column)
        assert found == {"telephone numbers": 1}
        assert content_faults(variable, found, column.observed, "raw.csv") == []

    @pytest.mark.parametrize(
        ("text", "kind"),
        [
            ("هاتف: ٠٧٩٠١٢٣٤٥٦٧", "telephone numbers"),
            ("дзвоніть 067 123 4567", "telephone numbers"),
            ("ስልክ 0911234567", "telephone numbers"),
            ("ဖုန်း ၀၉၄၅၀၁၂၃၄၅၆", "telephone numbers"),
            ("ফোন ০১৭১২৩৪৫৬৭৮", "telephone numbers"),
            ("फोन ९८४१२३४५६७", "telephone numbers"),
            ("write to a.b [at] example.org", "e-mail addresses"),
            ("33°18'55\"N 44°21'58\"E", "coordinates"),
            ("near 8FVC9G8F+6X", "coordinates"),
            ("to GB82 WEST 1234 5698 7654 32 please", "bank accounts (IBAN)"),
            ("card 4111 1111 1111 1111", "payment cards"),
            ("his ID 123456789", "identity numbers"),
            ("رقم الهوية ١٢٣٤٥٦٧٨٩", "identity numbers"),
            ("Паспорт КМ 123456", "identity numbers"),
            ("12/KaMaYa(N)123456", "identity numbers"),
            ("Maria Gonzalez said so", "names of persons"),
            ("محمد علي حسن", "names of persons"),
            ("دلشاد بن ميران", "names of persons"),
            ("Олена Петренко", "names of persons"),
            ("ዳዊት አበበ", "names of persons"),
            ("ဦးအောင်မြင့်", "names of persons"),
            ("মোহাম্মদ রহিম", "names of persons"),
            ("राम सीता", "names of persons"),
            ("Zorbel Hernandez came alone", "names of persons"),
            ("اسمها زورة ميلاني", "names of persons"),
            ("አቶ ዞርቤ ሚላ መጥተዋል", "names of persons"),
            ("जनाब मेरो नाम ज़ोर मिल", "names of persons"),
            ("Зорян Криленко живе тут", "names of persons"),
            ("Зорян Милович живет здесь", "names of persons"),
        ],
    )
    def test_found_in_nine_scripts(self, text, kind):
        assert kind in kinds(text)

    @pytest.mark.parametrize(
        "text",
        [
            "San Juan", "Camp Ibrahim", "quality of water", "مخيم محمد", "نحتاج ٤٥٠٠ حصة",
            "Ціна 14 250 грн", "ရေမရှိ ၁၂ အိမ်ထောင်",
            "ဦးစားပေး လိုအပ်ချက်", "১২৫০ জন", "1,250 people and 3 wells", "left on 05/03/2024",
            "grace period of three days", "The Hernandez", "لا نعرف اسمه ولا عنوانه", "вулиця Тараса Шевченка",
            "Cruz Roja came", "El Salvador", "Santiago Centro", "hope and faith",
        ],
    )  # fmt: skip
    def test_not_found(self, text):
        assert kinds(text) == set()

    def test_invisible_characters_hide_nothing(self):
        assert "telephone numbers" in kinds(
            "+260\u200b97\u202c1234567".replace("\u200b", "\u200b ").replace("\u202c", "\u202c ")
        )
        assert "e-mail addresses" in kinds("some\u200bbody@exam\u200dple.org")


class TestChecks:
    def test_luhn(self):
        assert luhn("79927398713")
        assert not luhn("79927398710")

    def test_devices_cards_and_accounts(self):
        assert imei("490154203237518")
        assert not imei("490154203237519")
        assert not imei("200154203237518")
        assert card("4111111111111111")
        assert not card("9111111111111111")
        assert iban("DE89 3704 0044 0532 0130 00")
        assert not iban("DE88 3704 0044 0532 0130 00")

    @pytest.mark.parametrize(
        "number",
        [
            "1759013776",
            "10000000146",
            "44051401359",
            "52998224725",
            "8001015009087",
            "255081416802538",
            "1710034065",
            "7523169263",
        ],
    )
    def test_published_examples_of_national_numbers_pass(self, number):
        assert any(test(number) for test in CHECKED[len(number)])

    def test_few_other_numbers_pass(self):
        for length, tests in CHECKED.items():
            for test in tests:
                passed = sum(test(f"{number * 7919:0{length}d}"[:length]) for number in range(1, 2000))
                assert passed < 0.15 * 2000, (length, test.__name__) if length != 14 else passed < 2000

    def test_letters(self):
        assert lettered("12345678Z")
        assert not lettered("12345678A")
        assert lettered("12.345.678-5")
        assert not lettered("12.345.678-6")


def test_a_column_of_names_is_told_from_a_column_of_places():
    assert share_of_names(["Fatima Oumar", "John Banda", "محمد جاسم"]) == 1
    assert share_of_names(["North Kivu", "Lac", "Anbar"]) == 0
    assert names_persons(pd.Series([], dtype=object)).tolist() == []
