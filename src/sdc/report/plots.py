"""Risk before and after, as the table that `dvc plots` draws."""

from collections.abc import Mapping


def plots(verdict: Mapping) -> str:
    """CSV, one row a class and moment: how many records are alike with so many, or how many counts are so large.

    Columns: ``moment`` (before, after), ``class``, ``number``.
    """
    histogram, label, number = (
        ("fk_histogram", "fk", "records")
        if "fk_histogram" in verdict["risk_after"]
        else ("count_histogram", "count", "cells")
    )
    lines = ["moment,class,number"]
    for moment in ("before", "after"):
        rows = verdict[f"risk_{moment}"].get(histogram, ())
        lines += [f"{moment},{row[label]},{row[number]}" for row in rows]
    return "\n".join(lines) + "\n"
