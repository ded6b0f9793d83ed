"""Mobility tracking, two rounds: in the second most places are as before, and some columns have other names."""

from collections.abc import Mapping

import numpy as np
import pandas as pd

from sdc.samples.country import Country, place_names
from sdc.samples.draws import (
    NEEDS,
    Columns,
    count,
    dates,
    degrees,
    earlier,
    envelope,
    informant,
    other_text,
    people,
    pick,
    several,
    spoilt,
    where,
)

_SITE_TYPES = {"dispersed": 78, "collective_centre": 8, "informal_settlement": 7, "camp": 4, "other": 2, "dnk": 1}
_INTERVIEWS = {"inperson_mobile": 80, "remote_inperson": 12, "phone": 6, "inperson_paper": 2}
_REASONS = {
    "climate_floods": 38, "climate_drought": 36, "conflict_displacement": 10, "other": 6, "nonclimate_disaster": 4,
    "climate_other": 4, "environment_health": 1.5, "dnk": 0.5,
}  # fmt: skip
_LOCATION_REASONS = {"livelihood": 60, "economic": 14, "climatic": 9, "network": 8, "safety": 4, "other": 5}
_ORIGINS = {"diff_adm3": 42, "diff_adm2": 28, "same_adm3": 18, "diff_adm1": 8, "diff_adm0": 4}
_RETURN_REASONS = {
    "rejoin_family": 46, "no_assistance_found": 33, "returned_assistance": 12, "security_improved": 6, "other": 5,
}  # fmt: skip
_SHARES = (0.23, 0.27, 0.5)  # men, women, children
_RENAMED = {
    "response_id": "_uuid",
    "m1469_meta_enum_name": "enumerator",
    "m1481_loc_ki_name": "key_informant_name",
    "m1482_loc_ki_phone": "ki_contact",
    "m0303_meta_adm1_pcode": "admin1Pcode",
    "m0304_meta_adm2_pcode": "admin2Pcode",
    "m0489_meta_survey_round": "roundNumber",
    "m1855_meta_assessment_date": "reportingDate",
    "m0448_loc_site_name": "settlement_name",
    "m0310_loc_num_idp_ind": "numPresentIdpInd",
    "m0329_loc_reason_disp_idp": "displacementReason",
}
_NOT_IN_ROUND_2 = {"m1470_meta_enum_sex", "m2694_loc_top_3_priority_need_returnee"}  # the latter's 0/1 columns are


def mobility_rounds(rng: np.random.Generator, country: Country, n: int) -> tuple[Columns, Columns]:
    """Two rounds of n locations."""
    groups = {}
    for name, median, share in (("idp", 22, 0.6), ("return", 26, 0.42), ("depart", 14, 0.5)):
        groups[name] = people(rng, n, median, _SHARES, spread=1.9) * (rng.random(n) < share)[:, None]
    facts = _facts(rng, country, groups)
    first = _round(rng, facts, groups, number=1, since="2026-02-02", broken=2)
    second = _round(rng, facts, _changed(rng, groups), number=2, since="2026-06-01", broken=1)
    reached = rng.random(n) > 0.02
    return first, _drifted({name: values[reached] for name, values in second.items()})


def _facts(rng: np.random.Generator, country: Country, groups: Mapping[str, np.ndarray]) -> Columns:
    """What stays the same from round to round."""
    n = len(groups["idp"])
    area, origin = country.draw(rng, n), country.draw(rng, n)
    there, left = (groups[name].sum(axis=1) > 0 for name in ("idp", "depart"))
    site = country.admin3[area] + np.char.mod("%05d", np.arange(1, n + 1)).astype(object)
    reason = where(there, pick(rng, n, _REASONS), "NULL")
    location = where(there, pick(rng, n, _LOCATION_REASONS), "NULL")
    return {
        **country.places(area),
        "m0445_loc_site_id_ssid": where(rng.random(n) < 0.89, site, "NULL"),
        "m0448_loc_site_name": place_names(rng, n),
        "_m1650_loc_gps_coords_latitude": degrees(rng, country.latitude[area], 0.08),
        "_m1650_loc_gps_coords_longitude": degrees(rng, country.longitude[area], 0.08),
        "s1534_loc_loc_access": pick(rng, n, {"yes": 92, "limited_access": 5, "no": 2.5, "dnk": 0.5}),
        "m0342_loc_site_type_multiple": pick(rng, n, _SITE_TYPES),
        "m2684_loc_arrivals_from_list": where(there, pick(rng, n, _ORIGINS), "NULL"),
        "m2686_loc_arrivals_origin_adm1": where(there, country.admin1[origin], "NULL"),
        "m2685_loc_arrivals_origin_adm2": where(there, country.admin2[origin], "NULL"),
        "m2688_loc_arrivals_site_type": where(there, pick(rng, n, _SITE_TYPES), "NULL"),
        "m0329_loc_reason_disp_idp": reason,
        "m0329_loc_reason_disp_idp_other": other_text(rng, reason == "other"),
        "m2967_loc_idp_reason_chose_loc": location,
        "m2967_loc_idp_reason_chose_loc_other": other_text(rng, location == "other"),
        "m1584_loc_main_depart_reason": where(left, pick(rng, n, _REASONS), "NULL"),
    }


def _changed(rng: np.random.Generator, groups: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Four of five places as they were; the others gain or lose a few people, now and then many."""
    changed = {}
    for name, before in groups.items():
        n = len(before)
        few = rng.integers(-4, 5, before.shape) * (rng.random(n) < 0.2)[:, None]
        many = rng.integers(0, 300, before.shape) * (rng.random(n) < 0.01)[:, None]
        after = np.maximum(0, before + few + many)
        changed[name] = np.where((before.any(axis=1) & after.any(axis=1))[:, None], after, before)
    return changed


def _round(
    rng: np.random.Generator, facts: Columns, groups: Mapping[str, np.ndarray], *, number: int, since: str, broken: int
) -> Columns:
    """One round as the export has it."""
    n = len(facts["m0448_loc_site_name"])
    persons = {name: members.sum(axis=1) for name, members in groups.items()}
    homes = {name: np.where(total > 0, np.maximum(1, total // 5), 0) for name, total in persons.items()}
    there, back, left = (persons[name] > 0 for name in ("idp", "return", "depart"))
    date = pd.Timestamp(since) + pd.to_timedelta(np.sort(rng.integers(0, 30, n)), unit="D")
    idp, returned = groups["idp"], groups["return"]
    columns: Columns = {
        **envelope(rng, n, date),
        "m2696_meta_start_gps": np.full(n, "", dtype=object),
        **informant(rng, n),
        "response_sensitivity": np.full(n, "public", dtype=object),  # set by hand, and wrong
        "m1725_meta_interview_type": pick(rng, n, _INTERVIEWS),
        "m0489_meta_survey_round": np.full(n, str(number), dtype=object),
        "m1855_meta_assessment_date": dates(rng, date, ("%Y-%m-%d 00:00:00", "%d-%m-%Y", "%d %b %Y")),
        **facts,
        "m1535_loc_arrival_time": np.where(there, "yes", "no").astype(object),
        "m0310_loc_num_idp_ind": count(rng, persons["idp"]),
        "m1536_loc_num_arrival_ind_period": count(rng, persons["idp"]),
        "m1537_loc_num_arrivals_hh": count(rng, homes["idp"]),
        "m2968_loc_num_men_idp": count(rng, spoilt(rng, idp[:, 0], there, broken), there),
        "m2969_loc_num_women_idp": count(rng, idp[:, 1], there),
        "m2970_loc_num_children_idp": count(rng, idp[:, 2], there),
        "m1727_loc_main_group_arrival_date": earlier(rng, date, there),
        **several(rng, n, "s2878_loc_top_3_priority_need_idp", NEEDS, 3, there),
        "m1461_loc_return_obs_unit": np.where(back, "yes", "no").astype(object),
        "m0851_loc_num_return_idp_ind": count(rng, persons["return"]),
        "m0847_loc_num_return_idp_hh": count(rng, homes["return"]),
        "m2971_loc_num_men_return": count(rng, returned[:, 0], back),
        "m2972_loc_num_women_return": count(rng, returned[:, 1], back),
        "m2973_loc_num_children_return": count(rng, returned[:, 2], back),
        "s1322_loc_return_main_arrival": earlier(rng, date, back),
        **several(rng, n, "m2692_loc_reason_return", _RETURN_REASONS, 2, back),
        **several(rng, n, "m2694_loc_top_3_priority_need_returnee", NEEDS, 3, back),
        "m0860_loc_num_present_ind": count(rng, persons["idp"] + persons["return"]),
        "m0861_loc_num_present_hh": count(rng, homes["idp"] + homes["return"]),
        "m1690_loc_depart_hh": np.where(left, "yes", "no").astype(object),
        "m1540_loc_num_depart_ind_period": count(rng, persons["depart"], left),
        "m1541_loc_num_depart_hh_period": count(rng, homes["depart"], left),
        "m1999_loc_comments": other_text(rng, rng.random(n) < 0.04),
    }
    start = (columns["_m2696_meta_start_gps_latitude"], columns["_m2696_meta_start_gps_longitude"])
    columns["m2696_meta_start_gps"] = start[0] + " " + start[1] + " 0 4.8"
    for name in (
        "s2878_loc_top_3_priority_need_idp",
        "m2692_loc_reason_return",
        "m2694_loc_top_3_priority_need_returnee",
    ):
        columns[f"{name}_other"] = other_text(rng, columns[f"{name}/other"] == "1")
    return columns


def _drifted(columns: Columns) -> Columns:
    """Other names, another order, another separator of 0/1 columns, and two columns fewer."""
    order = sorted(columns.keys() - _NOT_IN_ROUND_2, key=lambda name: ("_meta_" in name, list(columns).index(name)))
    dotted = {name: name.replace("/", ".") for name in order if name.startswith("s2878")}
    return {_RENAMED.get(name, dotted.get(name, name)): columns[name] for name in order}
