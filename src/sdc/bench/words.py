"""What the figures of the bench say, for a person."""

from typing import Any

Line = tuple[str, str, str]


def of_risk(found: dict[str, Any]) -> list[Line]:
    """Figure, value and meaning, line by line; the fields are those of the JSON."""
    n = max(found["records"], 1)
    lines = [
        ("records", _count(found["records"]), "rows of the file"),
        ("classes", _count(found["classes"]), "different combinations of the keys"),
    ]
    for k, count in found["violations"].items():
        lines.append((f"violations, k = {k}", _share(count, n), f"records that share their keys with fewer than {k}"))
    lines += [
        (
            "expected re-identifications",
            f"{found['expected_reidentifications']:,.2f}",
            "persons found again, if an intruder tried all",
        ),
        ("global risk", f"{found['global_risk']:.3%}", "the same, as a share of the records"),
        ("max individual risk", f"{found['max_individual_risk']:.3%}", "of the record at greatest risk"),
    ]
    if found["expected_household_reidentifications"] is not None:
        lines.append(
            (
                "household re-identifications",
                f"{found['expected_household_reidentifications']:,.2f}",
                "persons in a household of which somebody is found",
            )
        )
        lines.append(("household risk", f"{found['global_household_risk']:.3%}", "the same, as a share"))
    suda = found["suda"]
    if suda is not None:
        lines.append(("special uniques", _share(suda["records"], n), "records singled out by some of the keys (SUDA2)"))
        sizes = [f"{size}: {count}" for size, count in suda["minimal_uniques"].items() if count]
        lines.append(
            ("smallest sets of keys", ", ".join(sizes) or "none", "sets that single a record out, by number of keys")
        )
        ranked = sorted(suda["contributions"].items(), key=lambda item: -item[1])
        most = ", ".join(f"{key} {share:.0%}" for key, share in ranked[:4])
        lines.append(("keys behind them", most, "share of the SUDA score: recode the first"))
    for name, figures in found["diversity"].items():
        short = figures["violations"].get("2", 0)
        lines.append((f"diversity of {name}", str(figures["distinct_min"]), "fewest distinct values in a class"))
        lines.append((f"  one value only: {name}", _share(short, n), "records whose class gives the value away"))
        lines.append(
            (f"  t-closeness: {name}", f"{figures['t_closeness_max']:.3f}", "farthest class from the whole file")
        )
    return lines


def of_suppression(found: dict[str, Any], k: int, reading: str) -> list[Line]:
    """Figure, value and meaning, line by line."""
    n = max(found["records"], 1)
    lines = [("records", _count(found["records"]), "rows of the file")]
    for key, count in found["suppressed"].items():
        lines.append((f"suppressed: {key}", _share(count, n), "values set to missing"))
    lines.append(("suppressed, all keys", _count(found["suppressed_total"]), "values set to missing"))
    lines.append(("records touched", _share(found["records_touched"], n), "records that lose a value or more"))
    for j, count in found["violations_after"].items():
        other = found["violations_after_category"][j]
        said = f"as {reading}, the reading asked for" + (
            f"; {_count(other)} as category" if reading == "wildcard" else ""
        )
        lines.append((f"violations left, k = {j}", _count(count), f"the promise: {said}" if int(j) == k else said))
    if "within_strata" in found:
        inside = found["within_strata"]
        lines.append(
            (
                "violations inside strata",
                _count(inside["violations"]),
                f"of {inside['strata']} strata, {inside['smaller_than_k']} have fewer than {k} records and were merged",
            )
        )
    return lines


def of_recoding(found: dict[str, Any], k: int) -> list[Line]:
    """Figure, value and meaning, line by line."""
    n = max(found["records"], 1)
    proof = "no other levels lose less" if found["optimal"] else "the best found; not proven"
    lines = [
        ("records", _count(found["records"]), "rows of the file"),
        ("score", f"{found['score']:.6f}", f"loss, 0 to 1, lower is better: {proof}"),
    ]
    for key, level in found["levels"].items():
        top = found["highest_levels"][key]
        said = "as collected" if level == 0 else ("the coarsest" if level == top else "")
        lines.append((f"level of {key}", f"{level} of {top}", said))
    lines += [
        ("suppressed", _share(found["suppressed"], n), f"records still with fewer than {k} alike, taken out whole"),
        ("classes", _count(found["classes"]), "different combinations left"),
        (f"violations left, k = {k}", _count(found["violations_after"][str(k)]), "as the judge counts them"),
    ]
    return lines


def of_cells(found: dict[str, Any]) -> list[Line]:
    """Figure, value and meaning, line by line."""
    lines = [
        ("cells", _count(found["cells"]), "inner cells and all totals over the spanning columns"),
        ("primary", _count(found["primary"]), "cells to protect"),
    ]
    if found.get("method", "suppress") == "suppress":
        lines.append(("secondary", _count(found["secondary"]), "cells hidden so that the primary cannot be solved"))
        if found["suppressed_sum"] is not None:
            lines.append(("suppressed sum", _count(found["suppressed_sum"]), "persons in the secondary cells"))
    else:
        lines.append(("changed", _count(found["changed"]), "cells that show another count than the true one"))
        lines.append(
            ("largest change", _count(found["largest_change"]), f"persons; {found['mean_change']:.2f} on average")
        )
    if found.get("primary_shown"):
        lines.append(
            ("primary shown", _count(found["primary_shown"]), "protected cells that the table shows: a breach")
        )
    for name, count in found["recoverable"].items():
        lines.append((f"recoverable: {name}", _count(count), "primary cells whose exact count this intruder solves"))
    narrow = found["narrowest_interval"]
    lines.append(("narrowest interval", "none" if narrow is None else f"{narrow:,g}", "persons: how near anyone comes"))
    return lines


def _count(number: float) -> str:
    return f"{number:,}"


def _share(count: int, n: int) -> str:
    return f"{count:,} ({count / n:.1%})"
