"""Guarantees of merged sites."""

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sdc.engines.sites import merge_sites
from sdc.errors import DataError


@st.composite
def site_lists(draw: st.DrawFn) -> pd.DataFrame:
    """Sites in up to three areas, some without coordinates, some without a count."""
    n = draw(st.integers(1, 14))
    numbers = st.lists(st.integers(0, 60), min_size=n, max_size=n)
    degrees = st.lists(st.none() | st.floats(-30, 30), min_size=n, max_size=n)
    return pd.DataFrame(
        {
            "site": [f"S{i:02d}" for i in range(n)],
            "adm2": draw(st.lists(st.sampled_from("ABC"), min_size=n, max_size=n)),
            "persons": pd.array(draw(numbers), dtype="Int64"),
            "lat": pd.array(draw(degrees), dtype="Float64"),
            "lon": pd.array(draw(degrees), dtype="Float64"),
        }
    )


def groups_of(sites: pd.DataFrame, least: int = 20) -> pd.Series:
    return merge_sites(sites, site="site", area="adm2", count="persons", least=least, latitude="lat", longitude="lon")


@given(site_lists())
def test_every_group_lies_in_one_area_and_holds_enough_or_is_all_of_it(sites: pd.DataFrame) -> None:
    groups = groups_of(sites)
    held = sites.groupby(groups).agg({"adm2": "first", "persons": "sum"})
    assert len(sites[["adm2"]].assign(group=groups).drop_duplicates()) == groups.nunique()
    small = held[held["persons"] < 20]
    assert (held["adm2"].value_counts()[small["adm2"]] == 1).all()


@given(site_lists())
def test_a_site_that_holds_enough_joins_others_only_where_one_needs_it(sites: pd.DataFrame) -> None:
    groups = groups_of(sites)
    for _, members in sites.groupby(groups):
        assert len(members) == 1 or (members["persons"] < 20).any()


@given(site_lists(), st.integers(0, 2**32 - 1))
def test_groups_do_not_depend_on_the_order_of_rows(sites: pd.DataFrame, seed: int) -> None:
    shuffled = sites.sample(frac=1, random_state=seed)
    assert (groups_of(shuffled).sort_index() == groups_of(sites)).all()


def test_a_small_site_joins_the_nearest_of_its_area_not_the_nearest_of_all() -> None:
    sites = pd.DataFrame(
        {
            "site": ["far", "near", "small", "over the border"],
            "adm2": ["A", "A", "A", "B"],
            "persons": [50, 90, 5, 70],
            "lat": [0.0, 1.0, 1.1, 1.1001],
            "lon": [0.0, 0.0, 0.0, 0.0],
        }
    )
    groups = groups_of(sites)
    assert groups[2] == groups[1]
    assert groups.nunique() == 3


def test_sites_named_twice_are_refused() -> None:
    sites = pd.DataFrame(
        {"site": ["a", "a"], "adm2": ["A", None], "persons": [1, 2], "lat": [0.0, 0.0], "lon": [0.0, 0.0]}
    )
    with pytest.raises(DataError, match="1 sites are named twice, 1 have no area"):
        groups_of(sites)
