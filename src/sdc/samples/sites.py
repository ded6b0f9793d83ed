"""Site assessment: one row a site, with its people by sex and age, its services and its needs."""

import numpy as np
import pandas as pd

from sdc.samples.country import Country, place_names
from sdc.samples.draws import (
    NEEDS,
    YES_NO,
    Columns,
    count,
    dates,
    degrees,
    envelope,
    informant,
    other_text,
    people,
    pick,
    several,
    spoilt,
)

_SITE_TYPES = {
    "informal_settlement": 44, "host_village": 26, "collective_centre": 15, "camp": 11, "transit": 3, "other": 1,
}  # fmt: skip
_MANAGERS = {"none": 30, "community": 38, "ngo": 14, "government": 9, "un": 6, "dnk": 3}
_REASONS = {"conflict": 40, "floods": 28, "drought": 16, "communal": 11, "other": 4, "dnk": 1}
_DISTANCES = {"on_site": 34, "under_30": 36, "30_to_60": 17, "over_60": 9, "none": 3, "dnk": 1}
_AMOUNTS = {"none": 8, "few": 24, "some": 34, "most": 32, "dnk": 2}
_SERVICES = {
    "wash": 24, "health": 22, "education": 15, "food": 18, "nfi": 8, "cash": 6, "protection": 5, "none": 6,
}  # fmt: skip
_CONCERNS = {
    "none": 55, "theft": 20, "tension": 10, "armed_presence": 4, "recruitment": 1, "gbv": 3, "eviction": 5, "pnta": 2,
}  # fmt: skip
_AGES = ("0_5", "6_17", "18_59", "60")
_SHARES = (0.11, 0.17, 0.21, 0.03, 0.11, 0.17, 0.16, 0.04)  # female by age, then male


def sites(rng: np.random.Generator, country: Country, n: int) -> Columns:
    """One round of n sites; in some districts a site is alone."""
    area = _areas(rng, country, n)
    members = people(rng, n, 160, _SHARES)
    female, male, total = members[:, :4].sum(axis=1), members[:, 4:].sum(axis=1), members.sum(axis=1)
    children = members[:, [0, 1, 4, 5]].sum(axis=1)
    date = pd.Timestamp("2026-07-06") + pd.to_timedelta(np.sort(rng.integers(0, 21, n)), unit="D")
    reason = pick(rng, n, _REASONS)
    needs = several(rng, n, "s2878_loc_top_3_priority_need_idp", NEEDS, 3)
    concerns = several(rng, n, "s2600_loc_protection_concerns", _CONCERNS, 2)
    return {
        **envelope(rng, n, date),
        **informant(rng, n),
        "response_sensitivity": np.full(n, "public", dtype=object),  # set by hand, and wrong
        "m0489_meta_survey_round": np.full(n, "1", dtype=object),
        "m1855_meta_assessment_date": dates(rng, date, ("%Y-%m-%d", "%d-%m-%Y")),
        **country.places(area),
        "m0445_loc_site_id_ssid": country.admin3[area] + np.char.mod("%04d", np.arange(1, n + 1)).astype(object),
        "m0448_loc_site_name": place_names(rng, n),
        "_m1650_loc_gps_coords_latitude": degrees(rng, country.latitude[area], 0.08),
        "_m1650_loc_gps_coords_longitude": degrees(rng, country.longitude[area], 0.08),
        "m0342_loc_site_type": pick(rng, n, _SITE_TYPES),
        "m2401_loc_site_management": pick(rng, n, _MANAGERS),
        "m2402_loc_site_protected": pick(rng, n, {"no": 93, "yes": 4, "dnk": 2, "pnta": 1}),
        "population/hh": count(rng, np.maximum(1, total // 5)),
        "population/ind": count(rng, spoilt(rng, total, total > 0, 2)),
        "m2410_loc_num_female": count(rng, female),
        "m2420_loc_num_male": count(rng, male),
        **{f"m{2411 + i}_loc_num_female_{age}": count(rng, members[:, i]) for i, age in enumerate(_AGES)},
        **{f"m{2421 + i}_loc_num_male_{age}": count(rng, members[:, 4 + i]) for i, age in enumerate(_AGES)},
        "m2430_loc_num_children": count(rng, children),
        "m2441_loc_num_unaccompanied_children": count(rng, rng.binomial(children, 0.01)),
        "m2442_loc_num_disability": count(rng, rng.binomial(total, 0.03)),
        "m2443_loc_num_pregnant": count(rng, rng.binomial(members[:, 2], 0.09)),
        "m0329_loc_reason_disp_idp": reason,
        "m0329_loc_reason_disp_idp_other": other_text(rng, reason == "other"),
        "m2686_loc_arrivals_origin_adm1": country.admin1[country.draw(rng, n)],
        "wash/water_distance": pick(rng, n, _DISTANCES),
        "wash/latrines": pick(rng, n, _AMOUNTS),
        "health/distance": pick(rng, n, _DISTANCES),
        "education/distance": pick(rng, n, _DISTANCES),
        "food/access": pick(rng, n, _AMOUNTS),
        **several(rng, n, "s2540_loc_services", _SERVICES, 3),
        **needs,
        "s2878_loc_top_3_priority_need_idp_other": other_text(
            rng, needs["s2878_loc_top_3_priority_need_idp/other"] == "1"
        ),
        **concerns,
        "s2600_loc_protection_concerns_other": other_text(rng, rng.random(n) < 0.03),
        "protection/feel_safe": pick(rng, n, YES_NO),
        "m1999_loc_comments": other_text(rng, rng.random(n) < 0.05),
    }


def _areas(rng: np.random.Generator, country: Country, n: int) -> np.ndarray:
    """An admin 3 area for each site; every ninth district has one site only."""
    lonely = np.isin(country.admin2, np.unique(country.admin2)[::9])
    alone = [np.flatnonzero(country.admin2 == code)[0] for code in np.unique(country.admin2[lonely])]
    share = np.where(lonely, 0, country.weight)
    crowded = rng.choice(len(share), n - len(alone), p=share / share.sum())
    return rng.permutation(np.concatenate([alone, crowded]))
