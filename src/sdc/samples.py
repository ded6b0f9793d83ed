"""Synthetic raw extracts, shaped like real ones, defects included: no person, name or place in them exists."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from sdc.files import appearing

Words = np.ndarray  # of str, dtype object
Columns = dict[str, Words | np.ndarray]

SEED = 20261122
_COUNTRY, _PREFIX = "ZZZ", "ZZ"
_NAMES = (
    ("Amina", "أمينة"), ("Bakary", "بكاري"), ("Chadia", "شادية"), ("Daoud", "داود"), ("Esra", "إسراء"), ("Farid", "فريد"),
    ("Ghada", "غادة"), ("Hamza", "حمزة"), ("Ibtisam", "ابتسام"), ("Jamil", "جميل"), ("Karima", "كريمة"), ("Lamine", "لمين"),
    ("Mariam", "مريم"), ("Nasser", "ناصر"), ("Oumou", "أم"), ("Rachid", "رشيد"), ("Salma", "سلمى"), ("Tarek", "طارق"),
    ("Umayma", "أميمة"), ("Walid", "وليد"), ("Yasmin", "ياسمين"), ("Zakaria", "زكريا"),
)  # fmt: skip
_FAMILIES = (
    ("Abakoro", "أباكورو"), ("Belandi", "بلاندي"), ("Dorvane", "دورفان"), ("Elmasso", "الماسو"), ("Garouni", "غاروني"),
    ("Halikou", "هاليكو"), ("Jerimba", "جريمبا"), ("Kolasse", "كولاسي"), ("Mandoru", "ماندورو"), ("Nabiksa", "نابيكسا"),
    ("Oresti", "أوريستي"), ("Ruvenda", "روفندا"), ("Sabatou", "ساباتو"), ("Tolimar", "توليمار"), ("Wadongo", "وادونغو"),
    ("Zeroual", "زيروال"),
)  # fmt: skip
_SYLLABLES = "ba ca da fe go ha ji ko la mu na pe ro sa ti va wo ya zu bel dor gan kir mal nor tal".split()
_NEEDS = {
    "food": 30, "shelter": 18, "health": 13, "cash": 9, "drinking_water": 8, "sanitation": 6, "clothes": 4, "employment": 4,
    "nfi": 3, "hygiene": 2, "education": 2, "protection": 1, "security": 0.6, "information": 0.5, "other": 2,
}  # fmt: skip
_SITE_TYPES = {"dispersed": 78, "collective_centre": 8, "informal_settlement": 7, "camp": 4, "other": 2, "dnk": 1}
_YES_NO = {"yes": 58, "no": 40, "dnk": 1.5, "pnta": 0.5}
_INTERVIEWS = {"inperson_mobile": 80, "remote_inperson": 12, "phone": 6, "inperson_paper": 2}
_TEXTS = (
    "Land for cultivation",
    "Seeds and tools, since the rains are near",
    "They found work in the town",
    "The school is closed",
    "Ask the village chief, {phone}",
    "Marriage of a daughter",
)


def write_samples(folder: Path, *, seed: int = SEED, scale: float = 1.0) -> list[Path]:
    """Write the raw sample files of all components.

    Two rounds of mobility tracking (header drift between them), a site assessment as a Kobo workbook, a flow monitoring
    survey with weights, and a registration roster. What is wrong in real files is wrong in them, as far as a declared
    layout and the dictionaries can tell.

    Parameters
    ----------
    folder : Path
    seed : int
    scale : float
        1 gives about 800 locations, 5,000 respondents and 20,000 registered persons. The workbook keeps its 600 sites:
        nobody sends larger ones.

    Returns
    -------
    list of Path, the files written

    Guarantees
    ----------
    * The same seed and scale give the same bytes.
    * The files are readable by their owner only.
    * The arithmetic links of the dictionaries hold but in as many rows as they allow.
    """
    country = _Country.drawn(np.random.default_rng([seed, 0]))
    rounds = _mobility(np.random.default_rng([seed, 1]), country, max(20, round(800 * scale)))
    survey = _survey(np.random.default_rng([seed, 3]), country, max(20, round(5000 * scale)))
    roster = _registration(np.random.default_rng([seed, 4]), country, max(10, round(4000 * scale)))
    sites = _site_assessment(np.random.default_rng([seed, 2]), country, 600)
    paths = [folder / f"mobility_tracking_r{number:02d}.csv" for number in (1, 2)]
    for path, columns in zip(paths, rounds, strict=True):
        _write_csv(path, columns)
    paths.append(_write_workbook(folder / "site_assessment_r01.xlsx", sites))
    paths.append(_write_csv(folder / "flow_monitoring_survey_r01.csv", survey, separator=";", encoding="utf-8-sig"))
    paths.append(_write_csv(folder / "registration_r01.csv", roster))
    return paths


@dataclass(frozen=True, eq=False)
class _Country:
    """Admin areas of a country that does not exist; one entry an admin 3 area."""

    admin1: Words
    admin1_name: Words
    admin2: Words
    admin2_name: Words
    admin3: Words
    latitude: np.ndarray
    longitude: np.ndarray
    weight: np.ndarray

    @classmethod
    def drawn(cls, rng: np.random.Generator) -> "_Country":
        rows = []
        for first in range(1, 9):
            names = _place_names(rng, 9)
            for second in range(1, rng.integers(4, 9)):
                middle = rng.uniform(-0.6, 0.6, 2) + (10 + first % 3 * 1.5, 20 + first // 3 * 1.5)
                codes = [f"{_PREFIX}{first:02d}", names[0], f"{_PREFIX}{first:02d}{second:02d}", names[second]]
                for third in range(1, rng.integers(3, 7)):
                    point = middle + rng.uniform(-0.2, 0.2, 2)
                    rows.append((*codes, f"{codes[2]}{third:02d}", *point, rng.lognormal(0, 0.9)))
        a1, n1, a2, n2, a3, latitude, longitude, weight = (np.array(part) for part in zip(*rows, strict=True))
        words = (part.astype(object) for part in (a1, n1, a2, n2, a3))
        return cls(*words, latitude, longitude, weight / weight.sum())

    def places(self, area: np.ndarray, start: int = 0) -> Columns:
        """P-codes and names of the areas in `area`, in the dictionaries' names."""
        return {
            "m0302_meta_adm0_pcode": np.full(len(area), _COUNTRY, dtype=object),
            "m0303_meta_adm1_pcode": self.admin1[area],
            "m0303_meta_adm1_name": self.admin1_name[area],
            "m0304_meta_adm2_pcode": self.admin2[area],
            "m0304_meta_adm2_name": self.admin2_name[area],
            "m0305_meta_adm3_pcode": self.admin3[area],
        }


# Mobility tracking


def _mobility(rng: np.random.Generator, country: _Country, n: int) -> tuple[Columns, Columns]:
    """Two rounds; in the second most locations are as before, and some columns have other names."""
    area = rng.choice(len(country.admin3), n, p=country.weight)
    present, returned = rng.random(n) < 0.6, rng.random(n) < 0.42
    parts = {
        "idp": _people(rng, n, 22) * present[:, None],
        "return": _people(rng, n, 26) * returned[:, None],
        "depart": _people(rng, n, 14) * (rng.random(n) < 0.5)[:, None],
    }
    fixed = _location_facts(rng, country, area, parts)
    first = _mobility_round(rng, fixed, parts, 1, "2026-02-02", broken=2)
    moved = {name: _changed(rng, people) for name, people in parts.items()}
    second = _mobility_round(rng, fixed, moved, 2, "2026-06-01", broken=1)
    kept = rng.random(n) > 0.02  # some locations are not reached again
    second = {name: values[kept] for name, values in second.items()}
    return first, _drifted(second)


def _people(rng: np.random.Generator, n: int, median: float) -> np.ndarray:
    """Men, women and children of n groups, often few."""
    total = np.maximum(1, np.round(rng.lognormal(np.log(median), 1.5, n))).astype(np.int64)
    return np.minimum(rng.multinomial(total, (0.23, 0.27, 0.5)), 9000)


def _changed(rng: np.random.Generator, people: np.ndarray) -> np.ndarray:
    """Four of five as they were; the others gain or lose a few, now and then many."""
    n = len(people)
    change = rng.integers(-4, 5, people.shape) * (rng.random(n) < 0.2)[:, None]
    change += np.where((rng.random(n) < 0.01)[:, None], rng.integers(0, 300, people.shape), 0)
    return np.maximum(0, people + change * (people.sum(axis=1) > 0)[:, None])


def _location_facts(rng: np.random.Generator, country: _Country, area: np.ndarray, parts: Mapping) -> Columns:
    """What stays the same from round to round."""
    n = len(area)
    site = np.char.add(country.admin3[area].astype(str), np.char.zfill(np.arange(1, n + 1).astype(str), 5))
    origin = rng.choice(len(country.admin3), n, p=country.weight)
    present, returned = (parts[name].sum(axis=1) > 0 for name in ("idp", "return"))
    fixed: Columns = {
        **country.places(area),
        "m0445_loc_site_id_ssid": np.where(rng.random(n) < 0.11, "NULL", site).astype(object),
        "m0448_loc_site_name": _place_names(rng, n),
        "_m1650_loc_gps_coords_latitude": _degrees(rng, country.latitude[area], 0.08),
        "_m1650_loc_gps_coords_longitude": _degrees(rng, country.longitude[area], 0.08),
        "s1534_loc_loc_access": _pick(rng, n, {"yes": 92, "limited_access": 5, "no": 2.5, "dnk": 0.5}),
        "m0342_loc_site_type_multiple": _pick(rng, n, _SITE_TYPES),
        "m2686_loc_arrivals_origin_adm1": _asked(present, country.admin1[origin]),
        "m2685_loc_arrivals_origin_adm2": _asked(present, country.admin2[origin]),
        "m1461_loc_return_obs_unit": np.where(returned, "yes", "no").astype(object),
    }
    for group, asked, name, reasons in (
        ("arrivals_site_type", present, "m2688_loc_arrivals_site_type", _SITE_TYPES),
        ("reason", present, "m0329_loc_reason_disp_idp", _MOBILITY_REASONS),
        ("location", present, "m2967_loc_idp_reason_chose_loc", _LOCATION_REASONS),
        ("from", present, "m2684_loc_arrivals_from_list", _ORIGINS),
        ("departure", parts["depart"].sum(axis=1) > 0, "m1584_loc_main_depart_reason", _MOBILITY_REASONS),
    ):
        assert group
        fixed[name] = _asked(asked, _pick(rng, n, reasons))
    for name in ("m0329_loc_reason_disp_idp", "m2967_loc_idp_reason_chose_loc"):
        fixed[f"{name}_other"] = _other_text(rng, fixed[name] == "other")
    return fixed


_MOBILITY_REASONS = {
    "climate_floods": 38, "climate_drought": 36, "conflict_displacement": 10, "other": 6, "nonclimate_disaster": 4,
    "climate_other": 4, "environment_health": 1.5, "dnk": 0.5,
}  # fmt: skip
_LOCATION_REASONS = {"livelihood": 60, "economic": 14, "climatic": 9, "network": 8, "safety": 4, "other": 5}
_ORIGINS = {"diff_adm3": 42, "diff_adm2": 28, "same_adm3": 18, "diff_adm1": 8, "diff_adm0": 4}


def _mobility_round(
    rng: np.random.Generator, fixed: Columns, parts: Mapping[str, np.ndarray], number: int, since: str, broken: int
) -> Columns:
    """One round as the export has it."""
    n = len(fixed["m0448_loc_site_name"])
    idp, back, gone = parts["idp"], parts["return"], parts["depart"]
    persons = {name: people.sum(axis=1) for name, people in parts.items()}
    homes = {name: np.where(total > 0, np.maximum(1, total // 5), 0) for name, total in persons.items()}
    date = pd.Timestamp(since) + pd.to_timedelta(np.sort(rng.integers(0, 30, n)), unit="D")
    present, returned, left = (persons[name] > 0 for name in ("idp", "return", "depart"))
    columns: Columns = {
        **_envelope(rng, n, date),
        "m1483_loc_ki_sex": _pick(rng, n, {"male": 74, "female": 25, "pnta": 1}),
        "m1725_meta_interview_type": _pick(rng, n, _INTERVIEWS),
        "m0489_meta_survey_round": np.full(n, str(number), dtype=object),
        "m1855_meta_assessment_date": _dates(rng, date, ("%Y-%m-%d 00:00:00", "%d-%m-%Y", "%d %b %Y")),
        **{name: values for name, values in fixed.items() if not name.startswith("m1584")},
        "m1535_loc_arrival_time": np.where(present, "yes", "no").astype(object),
        "m0310_loc_num_idp_ind": _count(rng, persons["idp"]),
        "m1536_loc_num_arrival_ind_period": _count(rng, persons["idp"]),
        "m1537_loc_num_arrivals_hh": _count(rng, homes["idp"]),
        "m2968_loc_num_men_idp": _count(rng, _spoilt(rng, idp[:, 0], present, broken), present),
        "m2969_loc_num_women_idp": _count(rng, idp[:, 1], present),
        "m2970_loc_num_children_idp": _count(rng, idp[:, 2], present),
        "m1727_loc_main_group_arrival_date": _earlier(rng, date, present),
        **_several(rng, n, "s2878_loc_top_3_priority_need_idp", _NEEDS, 3, present),
        "m0851_loc_num_return_idp_ind": _count(rng, persons["return"]),
        "m0847_loc_num_return_idp_hh": _count(rng, homes["return"]),
        "m2971_loc_num_men_return": _count(rng, back[:, 0], returned),
        "m2972_loc_num_women_return": _count(rng, back[:, 1], returned),
        "m2973_loc_num_children_return": _count(rng, back[:, 2], returned),
        "s1322_loc_return_main_arrival": _earlier(rng, date, returned),
        **_several(rng, n, "m2692_loc_reason_return", _RETURN_REASONS, 2, returned),
        **_several(rng, n, "m2694_loc_top_3_priority_need_returnee", _NEEDS, 3, returned),
        "m0860_loc_num_present_ind": _count(rng, persons["idp"] + persons["return"]),
        "m0861_loc_num_present_hh": _count(rng, homes["idp"] + homes["return"]),
        "m1690_loc_depart_hh": np.where(left, "yes", "no").astype(object),
        "m1540_loc_num_depart_ind_period": _count(rng, gone.sum(axis=1), left),
        "m1541_loc_num_depart_hh_period": _count(rng, homes["depart"], left),
        "m1584_loc_main_depart_reason": fixed["m1584_loc_main_depart_reason"],
        "m1999_loc_comments": _other_text(rng, rng.random(n) < 0.04),
    }
    for name in ("s2878_loc_top_3_priority_need_idp", "m2694_loc_top_3_priority_need_returnee"):
        columns[f"{name}_other"] = _other_text(rng, columns[f"{name}/other"] == "1")
    columns["m2692_loc_reason_return_other"] = _other_text(rng, columns["m2692_loc_reason_return/other"] == "1")
    return columns


_RETURN_REASONS = {"rejoin_family": 46, "no_assistance_found": 33, "returned_assistance": 12, "security_improved": 6, "other": 5}


def _drifted(columns: Columns) -> Columns:
    """The second round's export: other names, another order, one select_multiple without its text."""
    renamed = {
        "m0303_meta_adm1_pcode": "admin1Pcode",
        "m0304_meta_adm2_pcode": "admin2Pcode",
        "m0489_meta_survey_round": "roundNumber",
        "m1855_meta_assessment_date": "reportingDate",
        "m0310_loc_num_idp_ind": "numPresentIdpInd",
        "m0448_loc_site_name": "settlement_name",
        "m1481_loc_ki_name": "key_informant_name",
        "m1482_loc_ki_phone": "ki_contact",
        "m1469_meta_enum_name": "enumerator",
        "m0329_loc_reason_disp_idp": "displacementReason",
        "response_id": "_uuid",
    }
    absent = {"m1470_meta_enum_sex", "m2694_loc_top_3_priority_need_returnee"}
    order = sorted(columns, key=lambda name: "_meta_" in name)  # the envelope comes last
    dotted = {name: name.replace("/", ".") for name in columns if name.startswith("s2878")}
    return {renamed.get(name, dotted.get(name, name)): columns[name] for name in order if name not in absent}


# Site assessment


def _site_assessment(rng: np.random.Generator, country: _Country, n: int) -> Columns:
    """Sites with their people by sex and age; some sites are alone in their admin 2."""
    areas = np.arange(len(country.admin3))
    lonely = np.isin(country.admin2, np.unique(country.admin2)[::9])
    area = rng.choice(areas[~lonely], n, p=country.weight[~lonely] / country.weight[~lonely].sum())
    alone = [areas[country.admin2 == code][0] for code in np.unique(country.admin2[lonely])]
    area[: len(alone)] = alone
    rng.shuffle(area)
    total = np.maximum(1, np.round(rng.lognormal(np.log(160), 1.4, n))).astype(np.int64)
    people = rng.multinomial(np.minimum(total, 12000), (0.11, 0.17, 0.21, 0.03, 0.11, 0.17, 0.16, 0.04))
    female, male = people[:, :4].sum(axis=1), people[:, 4:].sum(axis=1)
    total, children = female + male, people[:, [0, 1, 4, 5]].sum(axis=1)
    date = pd.Timestamp("2026-07-06") + pd.to_timedelta(np.sort(rng.integers(0, 21, n)), unit="D")
    site = np.char.add(country.admin3[area].astype(str), np.char.zfill(np.arange(1, n + 1).astype(str), 4))
    origin = rng.choice(len(country.admin3), n, p=country.weight)
    ages = ("0_5", "6_17", "18_59", "60")
    reason = _pick(rng, n, {"conflict": 40, "floods": 28, "drought": 16, "communal": 11, "other": 4, "dnk": 1})
    concerns = _several(rng, n, "s2600_loc_protection_concerns", _CONCERNS, 2)
    needs = _several(rng, n, "s2878_loc_top_3_priority_need_idp", _NEEDS, 3)
    distance = {"on_site": 34, "under_30": 36, "30_to_60": 17, "over_60": 9, "none": 3, "dnk": 1}
    share = {"none": 8, "few": 24, "some": 34, "most": 32, "dnk": 2}
    columns: Columns = {
        **_envelope(rng, n, date),
        "m1483_loc_ki_sex": _pick(rng, n, {"male": 70, "female": 29, "pnta": 1}),
        "m0489_meta_survey_round": np.full(n, "1", dtype=object),
        "m1855_meta_assessment_date": _dates(rng, date, ("%Y-%m-%d", "%d-%m-%Y")),
        **country.places(area),
        "m0445_loc_site_id_ssid": site.astype(object),
        "m0448_loc_site_name": _place_names(rng, n),
        "_m1650_loc_gps_coords_latitude": _degrees(rng, country.latitude[area], 0.08),
        "_m1650_loc_gps_coords_longitude": _degrees(rng, country.longitude[area], 0.08),
        "m0342_loc_site_type": _pick(rng, n, _SITES),
        "m2401_loc_site_management": _pick(rng, n, _MANAGERS),
        "m2402_loc_site_protected": _pick(rng, n, {"no": 93, "yes": 4, "dnk": 2, "pnta": 1}),
        "population/hh": _count(rng, np.maximum(1, total // 5)),
        "population/ind": _count(rng, total),
        "m2410_loc_num_female": _count(rng, _spoilt(rng, female, total > 0, 0)),
        "m2420_loc_num_male": _count(rng, male),
        **{f"m241{1 + i}_loc_num_female_{ages[i]}": _count(rng, people[:, i]) for i in range(4)},
        **{f"m242{1 + i}_loc_num_male_{ages[i]}": _count(rng, people[:, 4 + i]) for i in range(4)},
        "m2430_loc_num_children": _count(rng, children),
        "m2441_loc_num_unaccompanied_children": _count(rng, rng.binomial(children, 0.01)),
        "m2442_loc_num_disability": _count(rng, rng.binomial(total, 0.03)),
        "m2443_loc_num_pregnant": _count(rng, rng.binomial(people[:, 2], 0.09)),
        "m0329_loc_reason_disp_idp": reason,
        "m0329_loc_reason_disp_idp_other": _other_text(rng, reason == "other"),
        "m2686_loc_arrivals_origin_adm1": country.admin1[origin],
        "wash/water_distance": _pick(rng, n, distance),
        "wash/latrines": _pick(rng, n, share),
        "health/distance": _pick(rng, n, distance),
        "education/distance": _pick(rng, n, distance),
        "food/access": _pick(rng, n, share),
        **_several(rng, n, "s2540_loc_services", _SERVICES, 3),
        **needs,
        "s2878_loc_top_3_priority_need_idp_other": _other_text(rng, needs["s2878_loc_top_3_priority_need_idp/other"] == "1"),
        **concerns,
        "s2600_loc_protection_concerns_other": _other_text(rng, rng.random(n) < 0.03),
        "protection/feel_safe": _pick(rng, n, _YES_NO),
        "m1999_loc_comments": _other_text(rng, rng.random(n) < 0.05),
    }
    return columns
