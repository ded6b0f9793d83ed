"""What each protection of counts does, drawn."""

from sdc.dictionary import Geography, Link, Role, Type, Variable
from sdc.steps.aggregation import aggregate_counts
from sdc.steps.countrounding import round_counts
from sdc.steps.counts import suppress_counts

SUM = (Link(total="all", parts=("men", "women")),)


def test_a_small_count_goes_with_the_smallest_count_that_would_give_it_back(spec):
    """7 is small; 60 - 53 would give it back, and so would nothing once 53 is gone too."""
    spec(
        suppress_counts,
        before="""
        all   | men   | women
        count | count | count
        ------+-------+------
        60    | 7     | 53
        90    | 40    | 50
        """,
        after="""
        all | men | women
        60  |     |
        90  | 40  | 50
        """,
        links=SUM,
        columns=["all", "men", "women"],
        minimum=10,
    )


def test_zeros_are_shown_and_never_chosen(spec):
    """With no men, the total is the women: both go. A zero tells nobody who is there."""
    spec(
        suppress_counts,
        before="""
        all   | men   | women
        count | count | count
        ------+-------+------
        7     | 0     | 7
        """,
        after="""
        all | men | women
            | 0   |
        """,
        links=SUM,
        columns=["all", "men", "women"],
        minimum=10,
    )


def test_the_same_count_under_two_names_goes_twice(spec):
    spec(
        suppress_counts,
        before="""
        here  | arrived
        count | count
        ------+--------
        4     | 4
        40    | 40
        """,
        after="""
        here | arrived
             |
        40   | 40
        """,
        links=(Link(total="arrived", parts=("here",)),),
        columns=["here", "arrived"],
        minimum=10,
    )


def test_two_ones_that_must_be_one_each_take_the_total_with_them(spec):
    """A total of 12 beside 10 leaves two suppressed counts of at least 1 no choice but 1 and 1."""
    spec(
        suppress_counts,
        before="""
        all   | men   | women | children
        count | count | count | count
        ------+-------+-------+---------
        12    | 1     | 1     | 10
        """,
        after="""
        all | men | women | children
        12  |     |       |
        """,
        links=(Link(total="all", parts=("men", "women", "children")),),
        columns=["all", "men", "women", "children"],
        minimum=10,
    )


def test_what_two_identities_say_together_is_closed_too(spec):
    """`all` is broken down twice; from both sums men and boys are known to differ by a shown amount."""
    spec(
        suppress_counts,
        before="""
        all   | men   | women | young | old
        count | count | count | count | count
        ------+-------+-------+-------+------
        40    | 5     | 35    | 5     | 35
        """,
        after="""
        all | men | women | young | old
        40  |     |       |       |
        """,
        links=(Link(total="all", parts=("men", "women")), Link(total="all", parts=("young", "old"))),
        columns=["all", "men", "women", "young", "old"],
        minimum=10,
    )


def test_a_larger_count_that_will_not_be_released_is_taken_as_known(spec):
    """Only men and women will leave; whoever knows the total of 60 must not learn the 7 men from the women."""
    spec(
        suppress_counts,
        before="""
        all   | men   | women
        count | count | count
        ------+-------+------
        60    | 7     | 53
        """,
        after="""
        all | men | women
        60  |     |
        """,
        links=SUM,
        columns=["men", "women"],
        minimum=10,
    )


def test_a_small_count_that_will_not_be_released_is_protected_too(spec):
    """The men will not leave, but all less women would tell them."""
    spec(
        suppress_counts,
        before="""
        all   | men   | women
        count | count | count
        ------+-------+------
        60    | 7     | 53
        """,
        after="""
        all | men | women
        60  | 7   |
        """,
        links=SUM,
        columns=["all", "women"],
        minimum=10,
    )


def test_rounded_parts_make_the_rounded_total(spec):
    """23 and 23 round to 25 each; the total follows them to 50, though 46 alone would go to 45."""
    spec(
        round_counts,
        before="""
        all   | men   | women
        count | count | count
        ------+-------+------
        46    | 23    | 23
              | 12    |
        0     | 0     | 0
        """,
        after="""
        all | men | women
        50  | 25  | 25
            | 10  |
        0   | 0   | 0
        """,
        links=SUM,
        columns=["all", "men", "women"],
        base=5,
    )


def test_rows_become_areas_and_a_sum_with_a_gap_is_not_shown(spec):
    """In A2 one place did not report its men: the men of A2 are unknown, its total is not."""
    area = Variable(name="area", type=Type.CODE, open_codes=True, role=Role.KEY, geography=Geography.ADMIN2)
    spec(
        aggregate_counts,
        before="""
        area | place | all   | men   | women
        key  | key   | count | count | count
        -----+-------+-------+-------+------
        A1   | x     | 10    | 4     | 6
        A2   | y     | 20    |       | 20
        A1   | z     | 30    | 10    | 20
        A2   | w     | 5     | 5     | 0
        """,
        after="""
        area | all | men | women | rows_aggregated
        A1   | 40  | 14  | 26    | 2
        A2   | 25  |     | 20    | 2
        """,
        entries={"area": area},
        links=SUM,
        by=["area"],
    )
