"""Flow monitoring survey: one row a respondent, with weights, and answers that can do harm."""

import numpy as np
import pandas as pd

from sdc.samples.country import Country, place_names
from sdc.samples.draws import YES_NO, Columns, dates, envelope, other_text, person_names, phones, pick, several, where

_NATIONALITIES = {
    "NGA": 19, "NER": 16, "MLI": 12, "TCD": 11, "SDN": 9, "BFA": 7, "GIN": 5, "SEN": 4, "CMR": 4, "GMB": 2.5, "CIV": 2,
    "GHA": 1.5, "TGO": 1, "BEN": 1, "ETH": 1, "ERI": 1, "SOM": 0.7, "SSD": 0.7, "CAF": 0.5, "EGY": 0.4, "LBY": 0.3,
    "DZA": 0.3, "MAR": 0.2, "TUN": 0.1, "SYR": 0.4, "BGD": 0.3, "PAK": 0.1,
}  # fmt: skip
_EDUCATION = {
    "none": 27, "religious": 14, "primary": 26, "lower_secondary": 15, "upper_secondary": 11, "vocational": 4,
    "tertiary": 3,
}  # fmt: skip
_TRANSPORT = {"bus": 48, "pickup": 20, "car": 13, "motorbike": 9, "foot": 7, "animal": 2, "boat": 1}
_REASONS = {
    "work": 42, "family": 17, "conflict": 13, "environment": 9, "violence": 6, "services": 5, "education": 5,
    "other": 2, "pnta": 1,
}  # fmt: skip
_DESTINATIONS = {
    "stay": 24, "neighbour": 30, "north_africa": 17, "europe": 10, "gulf": 3, "return": 12, "dnk": 3, "pnta": 1,
}  # fmt: skip
_EMPLOYMENT = {
    "self_employed": 38, "unemployed_looking": 25, "employed": 17, "student": 10, "unemployed_not_looking": 7,
    "other": 3,
}  # fmt: skip
_INCIDENTS = {
    "none": 70, "theft": 13, "physical": 6, "detention": 4, "forced_work": 2, "exploitation": 2, "gbv": 1.5, "pnta": 3,
}  # fmt: skip
_NEEDS = {
    "food": 28, "drinking_water": 18, "cash": 16, "shelter": 12, "health": 11, "transport": 9, "information": 5,
    "legal": 3, "protection": 2, "none": 6, "other": 2,
}  # fmt: skip


def interviews(rng: np.random.Generator, country: Country, n: int) -> Columns:
    """Interviews at two dozen flow monitoring points."""
    points = 24
    area, names = country.draw(rng, points), place_names(rng, points)
    stratum = rng.lognormal(np.log(14), 0.7, points).clip(2, 90)
    point = rng.choice(points, n, p=stratum / stratum.sum())
    date = pd.Timestamp("2026-07-01") + pd.to_timedelta(rng.integers(0, 92, n), unit="D")
    asked = envelope(rng, n, date)
    sex = pick(rng, n, {"male": 66, "female": 34})
    age = np.round(14 + rng.gamma(2.6, 6.0, n)).clip(14, 88).astype(np.int64)
    nationality = pick(rng, n, _NATIONALITIES)
    group = np.where(rng.random(n) < 0.36, 1, 1 + rng.geometric(0.3, n)).clip(1, 60)
    group = np.where(rng.random(n) < 0.02, "NULL", group.astype(str)).astype(object)
    reason = pick(rng, n, _REASONS)
    needs = several(rng, n, "m3028_ind_needs", _NEEDS, 3)
    moved = rng.random(n) < 0.12
    return {
        "_uuid": asked["response_id"],
        "deviceid": asked["deviceid"],
        "enumerator": asked["m1469_meta_enum_name"],
        "m1470_meta_enum_sex": asked["m1470_meta_enum_sex"],
        "_start_geopoint_latitude": asked["_m2696_meta_start_gps_latitude"],
        "_start_geopoint_longitude": asked["_m2696_meta_start_gps_longitude"],
        "m3001_ind_consent": np.full(n, "yes", dtype=object),
        "m0489_meta_survey_round": np.full(n, "1", dtype=object),
        "interview_date": dates(rng, date, ("%Y-%m-%d", "%d/%m/%Y")),
        **country.places(area[point], names=False),
        "fmp_id": country.admin3[area[point]] + np.char.mod("-F%02d", point).astype(object),
        "fmp_name": names[point],
        "m3040_ind_resp_first_name": where(rng.random(n) < 0.4, person_names(rng, n)[0], "NULL"),
        "m3041_ind_resp_phone": where(rng.random(n) < 0.25, phones(rng, n), "NULL"),
        "m3010_ind_sex": sex,
        "m3011_ind_age": where(rng.random(n) > 0.01, age.astype(str), "NaN"),
        "m3012_ind_nationality": nationality,
        "m3013_ind_marital_status": _marital(rng, age),
        "m3014_ind_education": pick(rng, n, _EDUCATION),
        "m3015_ind_group_size": group,
        "m3016_ind_transport": pick(rng, n, _TRANSPORT),
        "m3020_ind_reason_leaving": reason,
        "m3020_ind_reason_leaving_other": other_text(rng, reason == "other"),
        "m3021_ind_departure_country": np.where(moved, pick(rng, n, _NATIONALITIES), nationality).astype(object),
        "m3022_ind_intended_destination": pick(rng, n, _DESTINATIONS),
        "m3023_ind_employment_before": pick(rng, n, _EMPLOYMENT),
        "m3024_ind_journey_cost": np.char.mod("%.2f", rng.lognormal(5, 1.1, n)).astype(object),
        "m3025_ind_smuggler_used": pick(rng, n, {"no": 74, "yes": 16, "dnk": 3, "pnta": 7}),
        **several(rng, n, "m3026_ind_protection_incident", _INCIDENTS, 2),
        "m3027_ind_health_problem": pick(rng, n, YES_NO),
        **needs,
        "m3028_ind_needs_other": other_text(rng, needs["m3028_ind_needs/other"] == "1"),
        "m3029_ind_comments": other_text(rng, rng.random(n) < 0.03),
        "m3002_ind_weight": np.char.mod("%.3f", _weights(rng, stratum, point)).astype(object),
    }


def _marital(rng: np.random.Generator, age: np.ndarray) -> np.ndarray:
    """Marital status by age."""
    n = len(age)
    young = pick(rng, n, {"single": 88, "married": 9, "union": 3})
    middle = pick(rng, n, {"single": 38, "married": 48, "union": 6, "divorced": 4, "separated": 3, "widowed": 1})
    old = pick(rng, n, {"single": 6, "married": 66, "union": 4, "divorced": 6, "separated": 4, "widowed": 14})
    return np.select([age < 20, age < 38], [young, middle], old).astype(object)


def _weights(rng: np.random.Generator, stratum: np.ndarray, point: np.ndarray) -> np.ndarray:
    """Persons for whom each respondent stands: by point, with some spread."""
    return (rng.lognormal(np.log(20), 0.5, len(stratum))[point] * rng.uniform(0.8, 1.25, len(point))).clip(1.0)
