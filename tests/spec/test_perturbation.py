"""What each protection of numbers, codes and places does, drawn."""

import pandas as pd
import pytest

from sdc.dictionary import Geography, Role, Type, Variable
from sdc.errors import DataError, DisclosureError
from sdc.steps.bands import recode_to_bands
from sdc.steps.displacement import displace_coordinates
from sdc.steps.microaggregation import microaggregate
from sdc.steps.noise import add_noise
from sdc.steps.order import shuffle_records
from sdc.steps.pram import post_randomise
from sdc.steps.rankswap import swap_ranks
from sdc.steps.recordswap import swap_records
from sdc.steps.rounding import round_numbers
from sdc.steps.topcoding import bottom_code, top_code
from sdc.table import Table

INCOME = Variable(name="income", type=Type.INTEGER, role=Role.KEY)
RENT = Variable(name="rent", type=Type.INTEGER, role=Role.KEY)
MONEY = {"income": INCOME, "rent": RENT}


def test_the_highest_incomes_are_told_as_one_value(spec):
    spec(
        top_code,
        before="""
        sex | income
        key | key
        ----+-------
        f   | 100
        m   | 900
        m   | 250
        f   |
        """,
        after="""
        sex | income
        f   | 100
        m   | 250
        m   | 250
        f   |
        """,
        entries=MONEY,
        column="income",
        limit=250,
    )


def test_the_lowest_are_told_as_one_value_beyond_the_limit(spec):
    spec(
        bottom_code,
        before="""
        income
        key
        -------
        -40
        20
        100
        """,
        after="""
        income
        10
        20
        100
        """,
        entries=MONEY,
        column="income",
        limit=20,
        replacement=10,
    )


def test_a_replacement_among_the_values_that_stay_is_refused(spec):
    with pytest.raises(DataError):
        spec(
            top_code,
            before="""
            income
            key
            -------
            100
            """,
            after="income",
            entries=MONEY,
            column="income",
            limit=250,
            replacement=100,
        )


def test_what_follows_a_number_goes_when_it_is_changed(spec):
    spec(
        top_code,
        before="""
        income | income_in_words
        key    | key
        -------+----------------
        900    | nine hundred
        """,
        after="""
        income
        250
        """,
        entries=MONEY,
        follows={"income_in_words": "income"},
        column="income",
        limit=250,
    )


def test_numbers_fall_into_the_bands_of_the_request(spec):
    spec(
        recode_to_bands,
        before="""
        sex | income
        key | key
        ----+-------
        f   | -5
        f   | 0
        m   | 99
        m   | 100
        m   |
        """,
        after="""
        sex | income
        f   | under 0
        f   | 0-99
        m   | 0-99
        m   | 100+
        m   |
        """,
        entries=MONEY,
        column="income",
        bands=[0, 100],
    )


def test_numbers_become_multiples_and_halves_go_up(spec):
    spec(
        round_numbers,
        before="""
        sex | income
        key | key
        ----+-------
        f   | 124
        f   | 125
        m   | -125
        m   |
        """,
        after="""
        sex | income
        f   | 100
        f   | 150
        m   | -100
        m   |
        """,
        entries=MONEY,
        columns=["income"],
        base=50,
    )


def test_alike_records_get_their_mean(spec):
    """The two poorest and the three richest are alike, in both columns together."""
    spec(
        microaggregate,
        before="""
        sex | income | rent
        key | key    | key
        ----+--------+-----
        f   | 100    | 30
        m   | 900    | 300
        m   | 120    | 50
        f   | 1000   | 320
        f   | 1100   | 310
        """,
        after="""
        sex | income | rent
        f   | 110    | 40
        m   | 1000   | 310
        m   | 110    | 40
        f   | 1000   | 310
        f   | 1000   | 310
        """,
        entries=MONEY,
        columns=["income", "rent"],
        k=2,
    )


def test_each_column_alone_loses_less_and_shares_less(spec):
    spec(
        microaggregate,
        before="""
        income | rent
        key    | key
        -------+-----
        10     | 5
        20     | 1
        90     | 3
        80     | 7
        """,
        after="""
        income | rent
        15     | 6
        15     | 2
        85     | 2
        85     | 6
        """,
        entries=MONEY,
        columns=["income", "rent"],
        k=2,
        method="onedims",
    )


def test_groups_stay_inside_their_stratum(spec):
    spec(
        microaggregate,
        before="""
        area  | income
        other | key
        ------+-------
        A     | 10
        B     | 20
        A     | 90
        B     | 80
        """,
        after="""
        area | income
        A    | 50
        B    | 50
        A    | 50
        B    | 50
        """,
        entries=MONEY,
        columns=["income"],
        k=2,
        strata=["area"],
    )


def test_a_mean_is_never_of_fewer_values_than_k(spec):
    """The two records that are alike have only one rent: it is averaged with the next one."""
    spec(
        microaggregate,
        before="""
        income | rent
        key    | key
        -------+-----
        10     | 4
        12     |
        90     | 6
        92     | 8
        """,
        after="""
        income | rent
        11     | 6
        11     |
        91     | 6
        91     | 6
        """,
        entries=MONEY,
        columns=["income", "rent"],
        k=2,
    )


def test_too_few_values_for_a_group_are_refused(spec):
    with pytest.raises(DisclosureError):
        spec(
            microaggregate,
            before="""
            income
            key
            -------
            1
            2
            """,
            after="income",
            entries=MONEY,
            columns=["income"],
            k=3,
        )


def test_noise_leaves_what_does_not_vary_and_what_is_missing(spec):
    spec(
        add_noise,
        before="""
        sex | income
        key | key
        ----+-------
        f   | 7
        m   |
        m   | 7
        """,
        after="""
        sex | income
        f   | 7
        m   |
        m   | 7
        """,
        entries=MONEY,
        columns=["income"],
        share=0.5,
        seed=1,
    )


def test_neighbours_in_rank_exchange_their_values(spec):
    """With a window of one rank there is only one way."""
    spec(
        swap_ranks,
        before="""
        sex | income
        key | key
        ----+-------
        f   | 40
        f   | 10
        m   | 30
        m   |
        m   | 20
        """,
        after="""
        sex | income
        f   | 30
        f   | 20
        m   | 40
        m   |
        m   | 10
        """,
        entries=MONEY,
        columns=["income"],
        window=0.25,
        seed=1,
    )


def test_a_code_that_stands_alone_in_its_stratum_cannot_change(spec):
    spec(
        post_randomise,
        before="""
        area  | sex
        other | key
        ------+----
        A     | f
        A     | f
        B     | m
        B     |
        """,
        after="""
        area | sex
        A    | f
        A    | f
        B    | m
        B    |
        """,
        column="sex",
        retain=0.1,
        alpha=1.0,
        seed=1,
        strata=["area"],
    )


def test_the_household_that_stands_out_changes_places_with_a_similar_one(spec):
    """Only household 2 has an x in its area; of the others only 3 has two members too."""
    spec(
        swap_records,
        before="""
        household | area | area_name | group
        household | key  | key       | key
        ----------+------+-----------+------
        1         | A    | North     | y
        2         | A    | North     | x
        2         | A    | North     | y
        3         | B    | South     | y
        3         | B    | South     | y
        4         | B    | South     | y
        """,
        after="""
        household | area | area_name | group
        1         | A    | North     | y
        2         | B    | South     | x
        2         | B    | South     | y
        3         | A    | North     | y
        3         | A    | North     | y
        4         | B    | South     | y
        """,
        follows={"area_name": "area"},
        geography=["area"],
        keys=["group"],
        k=2,
        share=0,
        seed=1,
    )


def test_without_a_similar_household_elsewhere_nothing_moves(spec):
    picture = """
        household | area | group
        household | key  | key
        ----------+------+------
        1         | A    | x
        2         | B    | y
        2         | B    | y
        """
    after = "\n".join(line for i, line in enumerate(picture.splitlines()) if i != 2)
    spec(swap_records, before=picture, after=after, geography=["area"], keys=["group"], k=2, share=0, seed=1)


def test_a_shuffled_file_holds_the_same_records_in_the_order_of_the_seed(spec):
    spec(
        shuffle_records,
        before="""
        sex
        key
        ---
        a
        b
        c
        d
        """,
        after="""
        sex
        d
        c
        a
        b
        """,
        seed=2,
    )


LATITUDE = Variable(name="lat", type=Type.NUMBER, role=Role.KEY, geography=Geography.POINT)
LONGITUDE = Variable(name="lon", type=Type.NUMBER, role=Role.KEY, geography=Geography.POINT)
SITE = Variable(name="site", type=Type.CODE, open_codes=True, role=Role.KEY, geography=Geography.SITE)


def sites(*rows: tuple) -> Table:
    frame = pd.DataFrame(rows, columns=["site", "lat", "lon"])
    frame = frame.astype({"site": "str", "lat": "Float64", "lon": "Float64"})
    return Table(frame, (SITE, LATITUDE, LONGITUDE))


def moved(table: Table, **params) -> pd.DataFrame:
    where = {"latitude": "lat", "longitude": "lon", "place": "site", "seed": 11, "distances": {"*": [1, 5]}}
    return displace_coordinates(table, **{**where, **params}).rows


def test_a_place_moves_to_the_same_spot_in_every_release():
    """Whatever else is in the file, and however often the place is."""
    first = moved(sites(("camp", 12.5, 14.1), ("camp", 12.5, 14.1), ("town", 12.5, 14.1)))
    later = moved(sites(("well", 3.0, 4.0), ("camp", 12.5, 14.1)))
    assert first.iloc[0].tolist() == first.iloc[1].tolist() == later.iloc[1].tolist()
    assert first.iloc[2].tolist()[1:] != first.iloc[0].tolist()[1:]


def test_a_place_without_a_name_loses_its_coordinates():
    rows = moved(sites((None, 12.5, 14.1), ("camp", None, 14.1), ("town", 12.5, 14.1)))
    assert rows["lat"].isna().tolist() == rows["lon"].isna().tolist() == [True, True, False]


def test_a_kind_without_a_distance_is_refused():
    with pytest.raises(DataError):
        moved(sites(("camp", 12.5, 14.1)), distances={"urban": [0, 2]})


def test_another_seed_moves_places_elsewhere():
    table = sites(("camp", 12.5, 14.1))
    assert moved(table).iloc[0].tolist() != moved(table, seed=12).iloc[0].tolist()
