"""What each protection of records does, drawn."""

import pytest

from sdc.dictionary import Level, Role, Type, Variable
from sdc.errors import DisclosureError
from sdc.steps import STEPS
from sdc.steps.coordinates import coarsen_coordinates
from sdc.steps.households import suppress_household_answers
from sdc.steps.order import sort_records
from sdc.steps.recoding import recode
from sdc.steps.removal import drop_columns
from sdc.steps.suppression import suppress_locally, suppress_sensitive

AGE = Variable(
    name="age",
    type=Type.INTEGER,
    role=Role.KEY,
    hierarchy=(Level(name="bands", bands=(0, 5, 18, 60)), Level(name="adult", bands=(0, 18))),
)


def test_what_was_not_asked_for_goes(spec):
    spec(
        drop_columns,
        before="""
        sex | age | note
        key | key | other
        ----+-----+------
        f   | 30  | x
        """,
        after="""
        sex | age
        f   | 30
        """,
        columns=["note"],
    )


def test_ages_become_bands_and_missing_stays_missing(spec):
    spec(
        recode,
        before="""
        sex | age
        key | key
        ----+----
        f   | 4
        m   | 5
        m   |
        f   | 60
        """,
        after="""
        sex | age
        f   | 0-4
        m   | 5-17
        m   |
        f   | 60+
        """,
        entries={"age": AGE},
        variable="age",
        level=1,
    )


def test_a_column_that_would_give_the_finer_value_back_goes_with_the_recoding(spec):
    spec(
        recode,
        before="""
        age | birth_year
        key | key
        ----+-----------
        17  | 2009
        40  | 1986
        """,
        after="""
        age
        0-17
        18+
        """,
        entries={"age": AGE},
        follows={"birth_year": "age"},
        variable="age",
        level=2,
    )


def test_the_record_that_stands_alone_loses_one_value(spec):
    """The man of 30 shares his key with nobody; without his sex he matches the women of 30."""
    spec(
        suppress_locally,
        before="""
        sex | age | reason
        key | key | sensitive
        ----+-----+----------
        f   | 30  | conflict
        f   | 30  | drought
        m   | 30  | conflict
        """,
        after="""
        sex | age | reason
        f   | 30  | conflict
        f   | 30  | drought
            | 30  | conflict
        """,
        keys=["sex", "age"],
        k=2,
    )


def test_a_name_is_hidden_where_its_code_is(spec):
    spec(
        suppress_locally,
        before="""
        sex | area | area_name
        key | key  | key
        ----+------+----------
        f   | A1   | North
        f   | A1   | North
        f   | A2   | South
        """,
        after="""
        sex | area | area_name
        f   | A1   | North
        f   | A1   | North
        f   |      |
        """,
        follows={"area_name": "area"},
        keys=["sex", "area"],
        k=2,
    )


def test_a_household_shows_its_variable_for_all_or_for_none(spec):
    size = Variable(name="size", type=Type.INTEGER, role=Role.KEY, scope="hh")
    spec(
        suppress_locally,
        before="""
        household | sex | size
        household | key | key
        ----------+-----+-----
        1         | f   | 2
        1         | f   | 2
        2         | f   | 9
        2         | m   | 9
        3         | m   | 2
        3         | m   | 2
        """,
        after="""
        household | sex | size
        1         | f   | 2
        1         | f   | 2
        2         | f   |
        2         | m   |
        3         | m   | 2
        3         | m   | 2
        """,
        entries={"size": size},
        keys=["sex", "size"],
        k=2,
        importance={"sex": 10},
        household="household",
    )


def test_answers_that_only_one_household_gave_are_hidden(spec):
    """Nobody else in N fled a flood: without its answer the household is one of three. Who is alone ties nobody."""
    spec(
        suppress_household_answers,
        before="""
        household | area | fled      | sex
        household | key  | sensitive | key
        ----------+------+-----------+----
        1         | N    | flood     | f
        1         | N    | flood     | m
        2         | N    | war       | f
        2         | N    | war       | f
        3         | N    | war       | m
        3         | N    | war       | f
                  | N    | drought   | f
        """,
        after="""
        household | area | fled    | sex
        1         | N    |         | f
        1         | N    |         | m
        2         | N    |         | f
        2         | N    |         | f
        3         | N    |         | m
        3         | N    |         | f
                  | N    | drought | f
        """,
        household="household",
        columns=["area", "fled"],
        households=3,
        importance={"area": 10},
    )


def test_too_few_records_for_k_is_refused(spec):
    with pytest.raises(DisclosureError):
        spec(
            suppress_locally,
            before="""
            sex
            key
            ---
            f
            """,
            after="sex",
            keys=["sex"],
            k=2,
        )


def test_a_choice_that_a_whole_class_made_is_given_away_however_the_others_differ(spec):
    multiple = Variable(name="harm", type=Type.CODES, open_codes=True, role=Role.SENSITIVE)
    spec(
        suppress_sensitive,
        before="""
        sex | harm
        key | sensitive
        ----+----------
        f   | theft fraud
        f   | fraud
        f   | debt fraud
        m   | theft fraud
        m   | fraud
        m   | debt
        """,
        after="""
        sex | harm
        f   |
        f   |
        f   |
        m   | theft fraud
        m   | fraud
        m   | debt
        """,
        entries={"harm": multiple},
        keys=["sex"],
        sensitive="harm",
        ell=2,
    )


def test_a_class_that_agrees_on_the_sensitive_value_loses_it(spec):
    spec(
        suppress_sensitive,
        before="""
        sex | harm
        key | sensitive
        ----+----------
        f   | yes
        f   | no
        m   | yes
        m   | yes
        m   |
        """,
        after="""
        sex | harm
        f   | yes
        f   | no
        m   |
        m   |
        m   |
        """,
        keys=["sex"],
        sensitive="harm",
        ell=2,
    )


def test_records_are_sorted_by_what_they_say(spec):
    spec(
        sort_records,
        before="""
        sex | age
        key | key
        ----+----
        m   | 30
        f   | 40
        f   | 4
        m   |
        """,
        after="""
        sex | age
        f   | 4
        f   | 40
        m   |
        m   | 30
        """,
        entries={"age": AGE},
    )


def test_coordinates_fall_on_a_grid():
    import pandas as pd

    from sdc.dictionary import Geography
    from sdc.table import Table

    lat = Variable(name="lat", type=Type.NUMBER, role=Role.KEY, geography=Geography.POINT)
    table = Table(pd.DataFrame({"lat": pd.array([12.34567, None, -0.00499], dtype="Float64")}), (lat,))
    result = coarsen_coordinates(table, ["lat"], 2).rows["lat"]
    assert result.isna().tolist() == [False, True, False]
    assert result.dropna().tolist() == [12.35, 0.0]


def test_every_step_of_the_menu_has_a_guarantee():
    for name, step in STEPS.items():
        assert "Guarantees" in (step.__doc__ or ""), name
