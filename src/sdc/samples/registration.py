"""Registration: a flat roster, one row a person, households of several members."""

import numpy as np
import pandas as pd

from sdc.samples.country import CODE, Country
from sdc.samples.draws import Columns, dates, other_text, person_names, phones, pick, uuids, where

_SIZES = {1: 6, 2: 9, 3: 12, 4: 15, 5: 17, 6: 15, 7: 11, 8: 7, 9: 4, 10: 2, 12: 1, 15: 0.4}
_OTHERS = {"child": 78, "sibling": 5, "parent": 4, "grandchild": 7, "other_relative": 5, "not_related": 1}
_NATIONALITIES = {CODE: 94, "NER": 1.6, "TCD": 1.6, "NGA": 1, "MLI": 0.5, "SDN": 0.7, "CMR": 0.4, "SSD": 0.2}
_STATUS = {"idp": 66, "returnee": 24, "refugee": 6, "host": 4}
_REASONS = {"conflict": 38, "floods": 24, "communal": 15, "drought": 14, "eviction": 5, "other": 3, "pnta": 1}
_INTENTIONS = {"return": 34, "stay": 32, "undecided": 24, "elsewhere": 10}
_SHELTERS = {"hosted": 30, "makeshift": 24, "rented": 18, "tent": 17, "collective_centre": 9, "open_air": 2}


def roster(rng: np.random.Generator, country: Country, homes: int) -> Columns:
    """The members of a number of households, about five each; facts on a household stand with each member."""
    sizes = pick(rng, homes, {str(size): share for size, share in _SIZES.items()}).astype(np.int64)
    home = np.repeat(np.arange(homes), sizes)
    n = len(home)
    member = np.arange(n) - np.repeat(np.cumsum(sizes) - sizes, sizes)
    relation, sex, age = _members(rng, home, member, sizes)
    return {
        **_people(rng, n, home, age, _registered(rng, homes)),
        "household_id": _household_ids(country, homes, area := country.draw(rng, homes))[home],
        "member_no": (member + 1).astype(str).astype(object),
        **country.places(area[home], names=False),
        "registration_site": (country.admin3[area] + "-S1")[home],
        "r3110_ind_sex": sex,
        "r3111_ind_age": age.astype(str).astype(object),
        "r3112_ind_relationship": relation,
        "r3113_ind_marital_status": _marital(rng, relation, age),
        "r3114_ind_education": _education(rng, age),
        "r3115_ind_nationality": pick(rng, homes, _NATIONALITIES)[home],
        "r3116_hh_size": sizes.astype(str).astype(object)[home],
        **{name: values[home] for name, values in _household_facts(rng, country, homes).items()},
        **_vulnerable(rng, sex, age),
    }


def _members(
    rng: np.random.Generator, home: np.ndarray, member: np.ndarray, sizes: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Relationship to the head, sex and age of each person."""
    n, homes = len(home), len(sizes)
    couple = (rng.random(homes) < 0.72) & (sizes > 1)
    head_sex = np.where(rng.random(homes) < np.where(couple, 0.08, 0.78), "female", "male").astype(object)
    head_age = np.round(19 + rng.gamma(3.2, 7.0, homes)).clip(18, 92).astype(np.int64)
    is_head, is_spouse = member == 0, (member == 1) & couple[home]
    relation = np.where(is_head, "head", np.where(is_spouse, "spouse", pick(rng, n, _OTHERS))).astype(object)
    sex = pick(rng, n, {"female": 51, "male": 49})
    sex = np.where(is_head, head_sex[home], sex)
    sex = np.where(is_spouse, np.where(head_sex[home] == "male", "female", "male"), sex).astype(object)
    head = head_age[home]
    age = (rng.random(n) * np.minimum(head - 15, 27)).astype(np.int64)  # sons and daughters
    age = np.where(relation == "grandchild", (rng.random(n) * 12).astype(np.int64), age)
    age = np.where(relation == "parent", (head + 18 + rng.integers(0, 12, n)).clip(40, 99), age)
    age = np.where(np.isin(relation, ["sibling", "other_relative", "not_related"]), rng.integers(4, 62, n), age)
    age = np.where(is_spouse, (head + rng.integers(-9, 6, n)).clip(16, 95), age)
    return relation, sex, np.where(is_head, head, age)


def _registered(rng: np.random.Generator, homes: int) -> pd.DatetimeIndex:
    """Day of registration of each household, in the order of registration."""
    return pd.Timestamp("2026-03-01") + pd.to_timedelta(np.sort(rng.integers(0, 120, homes)), unit="D")


def _people(
    rng: np.random.Generator, n: int, home: np.ndarray, age: np.ndarray, registered: pd.DatetimeIndex
) -> Columns:
    """What names a person: number, names, birth, phone; and who wrote it down."""
    homes = len(registered)
    latin, arabic = person_names(rng, n)
    birth = registered[home] - pd.to_timedelta(age * 365.25 + rng.integers(1, 364, n), unit="D").floor("D")
    clerk = rng.integers(0, 9, homes)
    return {
        "r3100_ind_registration_number": np.char.mod(f"{CODE}-%07d", np.arange(1, n + 1)).astype(object),
        "full_name": latin,
        "full_name_ar": where(rng.random(n) < 0.7, arabic, ""),
        "phone": where(rng.random(homes) < 0.6, phones(rng, homes), "ND")[home],
        "dob": where(rng.random(n) < 0.8, dates(rng, birth, ("%Y-%m-%d", "%d/%m/%Y")), "ND"),
        "enumerator": person_names(rng, 9)[0][clerk][home],
        "deviceid": uuids(rng, 9)[clerk][home],
        "m0489_meta_survey_round": np.full(n, "1", dtype=object),
        "registration_date": dates(rng, registered, ("%Y-%m-%d", "%d/%m/%Y"))[home],
    }


def _household_ids(country: Country, homes: int, area: np.ndarray) -> np.ndarray:
    """Household numbers, with the p-code of the district in them."""
    return country.admin2[area] + np.char.mod("-H%06d", np.arange(1, homes + 1)).astype(object)


def _household_facts(rng: np.random.Generator, country: Country, homes: int) -> Columns:
    """Facts on households; the host community was not displaced."""
    status = pick(rng, homes, _STATUS)
    displaced = status != "host"
    origin = country.draw(rng, homes)
    reason = where(displaced, pick(rng, homes, _REASONS), "ND")
    since = pd.Timestamp("2026-02-28") - pd.to_timedelta(rng.integers(0, 700, homes), unit="D")
    return {
        "r3117_hh_displacement_date": where(displaced, dates(rng, since, ("%Y-%m-%d", "%d/%m/%Y")), "ND"),
        "r3120_hh_status": status,
        "previous_residence_adm1": where(displaced, country.admin1[origin], "ND"),
        "previous_residence_adm2": where(displaced, country.admin2[origin], "ND"),
        "r3123_hh_reason_displacement": reason,
        "r3123_hh_reason_displacement_other": other_text(rng, reason == "other"),
        "r3124_hh_intention": pick(rng, homes, _INTENTIONS),
        "r3125_hh_shelter": pick(rng, homes, _SHELTERS),
        "r3128_hh_received_assistance": pick(rng, homes, {"yes": 44, "no": 54, "dnk": 2}),
        "r3129_hh_comments": other_text(rng, rng.random(homes) < 0.02),
    }


def _marital(rng: np.random.Generator, relation: np.ndarray, age: np.ndarray) -> np.ndarray:
    """Marital status by age and place in the household."""
    n = len(age)
    adult = pick(rng, n, {"single": 45, "married": 38, "divorced": 6, "widowed": 11})
    alone = pick(rng, n, {"single": 18, "married": 44, "divorced": 12, "widowed": 26})
    parent = pick(rng, n, {"married": 30, "widowed": 66, "divorced": 4})
    return np.select(
        [relation == "spouse", age < 18, relation == "head", relation == "parent"],
        ["married", "single", np.where(rng.random(n) < 0.55, "married", alone), parent],
        adult,
    ).astype(object)


def _education(rng: np.random.Generator, age: np.ndarray) -> np.ndarray:
    """Highest education completed, by age."""
    n = len(age)
    young = pick(rng, n, {"none": 58, "primary": 42})
    adult = pick(rng, n, {"none": 46, "primary": 31, "secondary": 17, "vocational": 3, "tertiary": 3})
    return np.select([age < 10, age < 16], ["none", young], adult).astype(object)


def _vulnerable(rng: np.random.Generator, sex: np.ndarray, age: np.ndarray) -> Columns:
    """Vulnerabilities as text and as 0/1 columns, each where it can be."""
    n = len(age)
    grown_woman = (sex == "female") & (age >= 15) & (age < 48)
    chances = {
        "disability": np.full(n, 0.04),
        "chronic_illness": np.where(age > 40, 0.12, 0.02),
        "pregnant": np.where(grown_woman, 0.13, 0),
        "unaccompanied": np.where(age < 18, 0.01, 0),
        "elderly_risk": np.where(age >= 60, 0.25, 0),
        "single_parent": np.where(grown_woman, 0.08, 0),
        "survivor": np.where(age >= 12, 0.01, 0),
    }
    flags = {code: rng.random(n) < chance for code, chance in chances.items()}
    flags = {"none": ~np.logical_or.reduce(list(flags.values())), **flags}
    text = np.full(n, "", dtype=object)
    for code, marked in flags.items():
        text[marked & (text != "")] += " "
        text[marked] += code
    digits = np.array(["0", "1"], dtype=object)
    children = {f"r3126_ind_vulnerability/{code}": digits[marked.astype(int)] for code, marked in flags.items()}
    ill = flags["disability"] | flags["chronic_illness"] | (rng.random(n) < 0.05)
    return {
        "r3126_ind_vulnerability": text,
        **children,
        "r3127_ind_health_care_needed": np.where(ill, "yes", "no").astype(object),
    }
