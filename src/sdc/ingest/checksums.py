"""Numbers that carry their own check: devices, cards, bank accounts and national identity numbers."""

import re
from collections.abc import Callable

_CHECK_97 = str.maketrans({chr(65 + place): str(10 + place) for place in range(26)})
_DNI = "TRWAGMYFPDXBNJZSQVHLCKE"
_DEVICE_BODIES = ("01", "10", "30", "33", "35", "44", "45", "49", "50", "51", "52", "53", "54", "86", "91", "98", "99")
_VERHOEFF = (
    (0, 1, 2, 3, 4, 5, 6, 7, 8, 9), (1, 2, 3, 4, 0, 6, 7, 8, 9, 5), (2, 3, 4, 0, 1, 7, 8, 9, 5, 6),
    (3, 4, 0, 1, 2, 8, 9, 5, 6, 7), (4, 0, 1, 2, 3, 9, 5, 6, 7, 8), (5, 9, 8, 7, 6, 0, 4, 3, 2, 1),
    (6, 5, 9, 8, 7, 1, 0, 4, 3, 2), (7, 6, 5, 9, 8, 2, 1, 0, 4, 3), (8, 7, 6, 5, 9, 3, 2, 1, 0, 4),
    (9, 8, 7, 6, 5, 4, 3, 2, 1, 0),
)  # fmt: skip
_PERMUTED = (1, 5, 7, 6, 2, 8, 3, 0, 9, 4)


def luhn(digits: str) -> bool:
    """Whether the last digit is the check digit of ISO/IEC 7812: of cards, and of devices (IMEI)."""
    doubled = [sum(divmod(2 * int(digit), 10)) if place % 2 else int(digit) for place, digit in enumerate(digits[::-1])]
    return sum(doubled) % 10 == 0


def imei(digits: str) -> bool:
    """Whether 15 or 16 digits are a device's: a reporting body that exists, and the check digit."""
    return len(digits) in (15, 16) and digits.startswith(_DEVICE_BODIES) and luhn(digits[:15])


def card(digits: str) -> bool:
    """Whether 15 or 16 digits are a payment card's."""
    visa_or_other = digits[0] == "4" or "51" <= digits[:2] <= "55" or "2221" <= digits[:4] <= "2720"
    american = len(digits) == 15 and digits[:2] in ("34", "37")
    return (american or (len(digits) == 16 and visa_or_other)) and luhn(digits)


def iban(text: str) -> bool:
    """Whether a text is a bank account by ISO 13616, its blanks taken out."""
    plain = re.sub(r"[\s-]", "", text).upper()
    if not re.fullmatch(r"[A-Z]{2}[0-9]{2}[A-Z0-9]{11,30}", plain):
        return False
    return int((plain[4:] + plain[:4]).translate(_CHECK_97)) % 97 == 1


def _weighted(digits: str, weights: tuple[int, ...]) -> int:
    return sum(int(digit) * weight for digit, weight in zip(digits, weights, strict=False))


def _date(year: str, month: str, day: str) -> bool:
    return year.isdigit() and 1 <= int(month) <= 12 and 1 <= int(day) <= 31


def _ukraine(d: str) -> bool:
    return _weighted(d, (-1, 5, 7, 9, 4, 6, 10, 5, 7)) % 11 % 10 == int(d[9])


def _turkey(d: str) -> bool:
    odd, even = sum(map(int, d[0:9:2])), sum(map(int, d[1:8:2]))
    return d[0] != "0" and (7 * odd - even) % 10 == int(d[9]) and sum(map(int, d[:10])) % 10 == int(d[10])


def _poland(d: str) -> bool:
    month = int(d[2:4]) % 20
    return 1 <= month <= 12 and -_weighted(d, (1, 3, 7, 9, 1, 3, 7, 9, 1, 3)) % 10 == int(d[10])


def _romania(d: str) -> bool:
    check = _weighted(d, (2, 7, 9, 1, 4, 6, 3, 5, 8, 2, 7, 9)) % 11
    return d[0] in "12345678" and _date(d[1:3], d[3:5], d[5:7]) and (1 if check == 10 else check) == int(d[12])


def _moldova(d: str) -> bool:
    return d[0] in "0912" and _weighted(d, (7, 3, 1) * 4) % 10 == int(d[12])


def _bulgaria(d: str) -> bool:
    month = int(d[2:4]) % 20
    return 1 <= month <= 12 and _weighted(d, (2, 4, 8, 5, 10, 9, 7, 3, 6)) % 11 % 10 == int(d[9])


def _egypt(d: str) -> bool:
    return d[0] in "23" and _date(d[1:3], d[3:5], d[5:7]) and int(d[7:9]) in {*range(1, 36), 88}


def _south_africa(d: str) -> bool:
    return _date(d[:2], d[2:4], d[4:6]) and d[10] in "012" and luhn(d)


def _brazil(d: str) -> bool:
    if len(set(d)) == 1:
        return False
    first = 11 - _weighted(d[:9], tuple(range(10, 1, -1))) % 11
    second = 11 - _weighted(d[:10], tuple(range(11, 1, -1))) % 11
    return (first % 11 if first < 10 else 0) == int(d[9]) and (second if second < 10 else 0) == int(d[10])


def _ecuador(d: str) -> bool:
    doubled = [int(digit) * (2 - place % 2) for place, digit in enumerate(d[:9])]
    folded = sum(number - 9 if number > 9 else number for number in doubled)
    return (1 <= int(d[:2]) <= 24 or d[:2] == "30") and int(d[2]) < 6 and -folded % 10 == int(d[9])


def _india(d: str) -> bool:
    check, row = 0, list(range(10))
    for digit in reversed(d):
        check = _VERHOEFF[check][row[int(digit)]]
        row = [_PERMUTED[place] for place in row]
    return d[0] not in "01" and check == 0


def _france(d: str) -> bool:
    return d[0] in "123478" and 1 <= int(d[3:5]) <= 42 and 97 - int(d[:13]) % 97 == int(d[13:])


CHECKED: dict[int, tuple[Callable[[str], bool], ...]] = {
    10: (_ukraine, _bulgaria, _ecuador),
    11: (_turkey, _poland, _brazil),
    12: (_india,),
    13: (_romania, _moldova, _south_africa),
    14: (_egypt,),
    15: (_france,),
}
"""Checks of national identity numbers by their length; each is the published rule of one country."""

LETTERED = re.compile(
    r"(?<![\w])(?:[0-9XYZ][0-9]{7}-?[A-HJ-NP-TV-Z]"  # Spain
    r"|[0-9]{1,2}\.?[0-9]{3}\.?[0-9]{3}-[0-9Kk]"  # Chile
    r"|[0-9]{1,2}\s?/\s?[A-Za-z\u1000-\u109f]{3,24}\s?\(\s?(?:[NPEACTnpeact]"
    r"|[\u1000-\u109f]{1,6})\s?\)\s?[0-9]{6}"  # Myanmar
    r")(?![\w])"
)


def lettered(text: str) -> bool:
    """Whether a text that `LETTERED` matches passes the check of its country, where there is one."""
    if "/" in text:
        return True
    if re.fullmatch(r"[0-9.]+-[0-9Kk]", text):
        body, check = re.sub(r"[.]", "", text).upper().split("-")
        rest = 11 - sum(int(digit) * (2 + place % 6) for place, digit in enumerate(reversed(body))) % 11
        return {11: "0", 10: "K"}.get(rest, str(rest)) == check
    plain = text.replace("-", "").upper()
    number = {"X": "0", "Y": "1", "Z": "2"}.get(plain[0], plain[0]) + plain[1:8]
    return _DNI[int(number) % 23] == plain[8]
