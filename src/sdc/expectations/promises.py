"""What each expectation promises, as a sentence for a reviewer."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

FIGURES = {
    "max_individual_risk": "The risk of the record most at risk",
    "global_risk": "The average risk of a record",
    "global_household_risk": "The average risk of a record through its household",
}


def promise(kind: str, kwargs: Mapping[str, Any]) -> str:
    """One sentence without any value from the data: column names and the policy's numbers."""
    return PROMISES[kind](kwargs)


def _known(kwargs: Mapping) -> str:
    needed = kwargs["required"]
    there = f"{_columns(needed)} {'is' if len(needed) == 1 else 'are'} there" if needed else ""
    return f"No column is there but the {len(kwargs['columns'])} that may be" + (f"; {there}." if there else ".")


def _between(kwargs: Mapping) -> str:
    low, high = kwargs.get("min_value"), kwargs.get("max_value")
    if low is not None and high is not None:
        return f"`{kwargs['column']}` lies from {low} to {high}."
    return f"`{kwargs['column']}` is {low} or more." if high is None else f"`{kwargs['column']}` is {high} or less."


def _codes(kwargs: Mapping) -> str:
    levels = list(kwargs["levels"])
    what = "Every code" if kwargs["multiple"] else "Every cell"
    known = f"is one of its list ({levels[0]})" if len(levels) == 1 else f"fits one level ({_listed(levels, 'or')})"
    number = ", or the column is a number as collected" if kwargs["as_collected"] else ""
    return f"{what} of `{kwargs['column']}` {known}{number}."


def _type(kwargs: Mapping) -> str:
    recoded = ", or the labels of a coarser level" if kwargs["recoded"] else ""
    return f"`{kwargs['column']}` holds {HELD[kwargs['kind']]}{recoded}."


def _k(kwargs: Mapping) -> str:
    if not kwargs["keys"]:
        return f"There are at least {kwargs['k']} records; no key is in the file."
    reading = "any value" if kwargs["missing"] == "wildcard" else "a missing value only"
    return (
        f"Every record shares {_columns(kwargs['keys'])} with at least {kwargs['k'] - 1} others; "
        f"a missing key matches {reading}."
    )


def _link(kwargs: Mapping) -> str:
    slack = f", give or take {kwargs['slack']} from rounding" if kwargs["slack"] else ""
    allowed = kwargs["rows_allowed"]
    but = f"; {allowed} rows a round may break it, as collected" if allowed else ""
    same = "equals" if len(kwargs["parts"]) == 1 else "is the sum of"
    return f"`{kwargs['total']}` {same} {_columns(kwargs['parts'])} where all are shown{slack}{but}."


RESTRICTED: dict[str, Callable[[Any], str]] = {
    "free_text": lambda limit: "of free text",
    "household_links": lambda limit: "that tie the members of a household",
    "highest_sensitivity": lambda limit: f"more sensitive than `{limit}`",
    "lowest_geography_counts": lambda limit: f"that place a row more finely than {limit}",
    "lowest_geography_records": lambda limit: f"that place a record more finely than {limit}",
    "coordinate_decimals": lambda limit: "of exact coordinates",
}

HELD = {
    "integer": "whole numbers",
    "number": "numbers",
    "date": "dates",
    "code": "codes as text",
    "codes": "lists of codes as text",
    "text": "text",
}

PROMISES: dict[str, Callable[[Mapping], str]] = {
    "expect_table_row_count_to_be_between": lambda kw: "There is at least one record.",
    "expect_column_values_to_not_be_null": lambda kw: f"`{kw['column']}` is never missing.",
    "expect_column_values_to_be_unique": lambda kw: f"`{kw['column']}` never repeats.",
    "expect_column_values_to_be_between": _between,
    "expect_only_known_columns": _known,
    "expect_no_identifier_columns": lambda kw: "No column names one person or household outright.",
    "expect_no_restricted_columns": lambda kw: f"There are no columns {RESTRICTED[kw['rule']](kw['limit'])}.",
    "expect_column_of_type": _type,
    "expect_codes_in_list": _codes,
    "expect_truncated_dates": lambda kw: (
        f"`{kw['column']}` holds whole dates, or dates truncated at one level ({_listed(list(kw['patterns']), 'or')})."
    ),
    "expect_coarse_coordinates": lambda kw: f"`{kw['column']}` has at most {kw['decimals']} decimals.",
    "expect_k_anonymity": _k,
    "expect_l_diversity": lambda kw: (
        f"Records with equal {_columns(kw['keys'])} hold no value of `{kw['column']}`, "
        f"or at least {kw['ell']} different ones."
    ),
    "expect_risk_at_most": lambda kw: (
        f"{FIGURES[kw['figure']]} is at most {kw['limit']:g} for one who knows {_columns(kw['keys'])}."
    ),
    "expect_minimum_count": lambda kw: f"No count of `{kw['column']}` lies from 1 to {kw['minimum'] - 1}.",
    "expect_rounded_counts": lambda kw: f"Every count of `{kw['column']}` is a multiple of {kw['base']}.",
    "expect_link_to_hold": _link,
    "expect_no_count_given_away": lambda kw: (
        f"No count from 1 to {kw['minimum'] - 1} follows from the others in "
        f"`{kw['total']}` = {' + '.join(f'`{part}`' for part in kw['parts'])}."
    ),
}


def _columns(names: Sequence[str]) -> str:
    return _listed([f"`{name}`" for name in names], "and")


def _listed(words: Sequence[str], last: str) -> str:
    return f"{', '.join(words[:-1])} {last} {words[-1]}" if len(words) > 1 else "".join(words)
