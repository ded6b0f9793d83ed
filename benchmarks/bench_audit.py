"""CPU seconds of the audit of counts across releases, by number of cells: two tiers, three rounds, one population."""

import argparse
import json
import time

import numpy as np
import pandas as pd

from sdc.audit.counts import Limits, audit_counts
from sdc.audit.facts import facts_of
from sdc.dictionary import Geography, Link, Role, Type, Variable
from sdc.steps.aggregation import aggregate_counts
from sdc.table import Table

PLACES = (
    ("admin1", Geography.ADMIN1, None),
    ("admin2", Geography.ADMIN2, "admin1"),
    ("site", Geography.SITE, "admin2"),
)
COUNTS = ("all", "men", "women")


def population(cells: int, rounds: int, seed: int = 1) -> Table:
    """Sites in districts in provinces, `cells` counts in all, most of them small."""
    draw = np.random.default_rng(seed)
    sites = max(cells // (len(COUNTS) * rounds), 4)
    men, women = (np.rint(draw.lognormal(2.6, 1.1, sites)) for _ in range(2))
    frames = []
    for number in range(1, rounds + 1):
        moved = draw.random((2, sites)) < 0.4
        men = np.where(moved[0], np.rint(men * draw.uniform(0.8, 1.25, sites)), men)
        women = np.where(moved[1], np.rint(women * draw.uniform(0.8, 1.25, sites)), women)
        place = np.arange(sites)
        names = {"admin1": place // 80, "admin2": place // 10, "site": place}
        frame = pd.DataFrame({name: pd.Series(values).astype("str") for name, values in names.items()})
        frames.append(frame.assign(all=men + women, men=men, women=women, round=number))
    rows = pd.concat(frames, ignore_index=True).astype(dict.fromkeys((*COUNTS, "round"), "int64"))
    keys = [
        Variable(name=name, type=Type.CODE, role=Role.KEY, open_codes=True, geography=geography, follows=above)
        for name, geography, above in PLACES
    ]
    counts = [Variable(name=name, type=Type.INTEGER, role=Role.COUNT) for name in COUNTS]
    variables = (*keys, *counts, Variable(name="round", type=Type.INTEGER, role=Role.OTHER))
    rows = rows.astype(dict.fromkeys((*COUNTS, "round"), "Int64"))
    return Table(rows, variables, (Link(total="all", parts=("men", "women")),))


def hidden(table: Table, minimum: int, seed: int) -> Table:
    """Small counts missing, and in each such row one more count; no protection that a policy would accept."""
    rows = table.rows.copy()
    draw = np.random.default_rng(seed)
    small = {name: ((rows[name] > 0) & (rows[name] < minimum)).to_numpy(dtype=bool) for name in COUNTS}
    touched = np.logical_or.reduce(list(small.values()))
    for name in COUNTS:
        rows.loc[small[name], name] = pd.NA
    other = draw.integers(1, 3, len(rows))
    for number, name in enumerate(COUNTS):
        rows.loc[touched & (other == number), name] = pd.NA
    return table.with_rows(rows)


def nearest(table: Table) -> Table:
    """Counts at the nearest multiple of 5."""
    return table.with_rows(table.rows.assign(**{name: (table.rows[name] + 2) // 5 * 5 for name in COUNTS}))


def measure(cells: int, rounds: int, minimum: int, case: str) -> dict:
    """One audit of sites (suppressed, or all rounded), districts (base 5) and provinces (as they are).

    In the case `one system` the country's total stands for those of the provinces, and holds everything together.
    """
    before = population(cells, rounds)
    limits = Limits(minimum_count=minimum, minimum_change=minimum)
    started = time.process_time()
    sites, rounding = (nearest(before), 5) if case != "suppressed" else (hidden(before, minimum, 1), 1)
    known = [facts_of(before, sites, {"release_id": "sites"}, base=rounding)]
    for name, base in (("admin2", 5), ("admin0" if case == "one system" else "admin1", 1)):
        by = [place for place, _, _ in PLACES if place <= name] + ["round"]
        sums = aggregate_counts(before, by)
        known.append(facts_of(before, nearest(sums) if base > 1 else sums, {"release_id": name}, base=base))
    prepared = time.process_time()
    found = audit_counts(known, before.links, limits, candidate=2)
    return {
        "case": case,
        "cells": len(found.protected),
        "protected": int(found.protected.sum()),
        "exposed": len(found.exposed),
        "changes": len(found.changes),
        "components": found.attack.components,
        "largest": found.attack.largest,
        "programs": found.attack.solves,
        "complete": found.complete,
        "seconds_facts": round(prepared - started, 2),
        "seconds_audit": round(time.process_time() - prepared, 2),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cells", type=int, nargs="+", default=[1_000, 3_000, 10_000, 30_000])
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--minimum", type=int, default=8)
    parser.add_argument(
        "--case", nargs="+", choices=["suppressed", "rounded", "one system"], default=["suppressed", "rounded"]
    )
    args = parser.parse_args()
    for case in args.case:
        for cells in args.cells:
            print(json.dumps(measure(cells, args.rounds, args.minimum, case)), flush=True)


if __name__ == "__main__":
    main()
