"""Small synthetic populations for the audit across releases: sites with counts, and a survey."""

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from sdc.audit.counts import Limits
from sdc.audit.facts import Facts, facts_of
from sdc.audit.outside import outside_facts
from sdc.dictionary import Dictionary, Geography, Level, Link, Role, Type, Variable
from sdc.table import Table

DISTRICT = Variable(name="district", type=Type.CODE, role=Role.KEY, open_codes=True, geography=Geography.ADMIN2)
SITE = Variable(
    name="site", type=Type.CODE, role=Role.KEY, open_codes=True, geography=Geography.SITE, follows="district"
)
SEX = Variable(name="sex", type=Type.CODE, role=Role.KEY, open_codes=True)
AGE = Variable(name="age", type=Type.CODE, role=Role.KEY, open_codes=True)
ROUND = Variable(name="round", type=Type.INTEGER, role=Role.OTHER)


def count(name: str) -> Variable:
    """A column of counts of persons."""
    return Variable(name=name, type=Type.INTEGER, role=Role.COUNT)


PERSONS = count("persons")
BY_SEX = (count("all"), count("men"), count("women"))
SUM = Link(total="all", parts=("men", "women"))


def about(release: str, tier: str = "public", organisation: str = "everybody", **limits: object) -> dict:
    """What is said of a release besides its content."""
    numbers = {
        "minimum_count": 5,
        "minimums": {},
        "minimum_width": 1.0,
        "minimum_change": 1,
        "change_stops": True,
        "k": 3,
        "missing": "category",
        "max_linked": 0.05,
        "linked_stops": False,
    }
    return {
        "release_id": release,
        "request": f"REQ-2026-{sum(map(ord, release)) % 900 + 100}",
        "version": "1.0.0",
        "population": "ZZZ/synthetic",
        "tier": tier,
        "policy": tier,
        "organisation": organisation,
        "rounds": [1],
        "limits": {**numbers, **limits},
    }


def cross_table(rows: int = 40) -> Table:
    """Inner cells district x sex x age: in every district 1 to 4 men, the young and old women many."""
    cells = []
    for number in range(rows):
        men = number % 4 + 1
        young = number % (men + 1)
        for sex, age, persons in (
            ("m", "young", young),
            ("m", "old", men - young),
            ("f", "young", 20 + number % 7),
            ("f", "old", 30 + number % 11),
        ):
            cells.append((f"D{number:02}", sex, age, persons, 1))
    frame = pd.DataFrame(cells, columns=["district", "sex", "age", "persons", "round"])
    frame = frame.astype({"district": "str", "sex": "str", "age": "str", "persons": "Int64", "round": "Int64"})
    return Table(frame, (DISTRICT, SEX, AGE, PERSONS, ROUND))


def dictionary(table: Table) -> Dictionary:
    """A dictionary of a table's columns."""
    return Dictionary(
        component="synthetic",
        version="1",
        title={"en": "Synthetic"},
        unit="row",
        variables=table.variables,
        links=table.links,
    )


def published(
    table: Table, by: Sequence[str], release: str, *, minimum: int = 5, base: int = 1, hidden: set[tuple] | None = None
) -> Facts:
    """A table of persons by some columns, small cells suppressed or all rounded, as an outside release."""
    sums = table.rows.groupby(list(by))["persons"].sum() if by else pd.Series({(): table.rows["persons"].sum()})
    lines = []
    for key, value in sums.items():
        codes = dict(zip(by, key if isinstance(key, tuple) else (key,), strict=True))
        shown = str(int(value)) if value == 0 or value >= minimum else ""
        if hidden is not None:
            shown = (
                "" if tuple(codes.get(name, "") for name in ("district", "sex", "age")) in hidden else str(int(value))
            )
        line = {name: codes.get(name, "") for name in ("district", "sex", "age")} | {
            "measure": "persons",
            "value": shown,
        }
        if base > 1:
            near = base * int(np.floor(value / base + 0.5))
            line |= {"value": "", "low": str(max(near - base // 2, 0)), "high": str(near + base // 2)}
        lines.append(line)
    who = {"request": release, "population": "ZZZ/synthetic", "tier": "public", "organisation": "everybody"}
    return outside_facts(pd.DataFrame(lines), table, dictionary(table), who)


def sites(seed: int, districts: int = 4, per_district: int = 4, rounds: int = 1, most: int = 30) -> Table:
    """Sites in districts with men, women and their sum."""
    draw = np.random.default_rng(seed)
    frames = []
    for number in range(1, rounds + 1):
        men, women = draw.integers(0, most, (2, districts * per_district))
        frames.append(
            pd.DataFrame(
                {
                    "district": [f"D{i // per_district}" for i in range(districts * per_district)],
                    "site": [f"S{i:03}" for i in range(districts * per_district)],
                    "all": men + women,
                    "men": men,
                    "women": women,
                    "round": number,
                }
            )
        )
    frame = pd.concat(frames, ignore_index=True)
    frame = frame.astype({"district": "str", "site": "str"} | dict.fromkeys(("all", "men", "women", "round"), "Int64"))
    return Table(frame, (DISTRICT, SITE, *BY_SEX, ROUND), (SUM,))


def released(before: Table, hide: Mapping[str, np.ndarray], release: str, **more: object) -> Facts:
    """Sites as released with some cells missing."""
    rows = before.rows.copy()
    for name, cells in hide.items():
        rows.loc[cells, name] = pd.NA
    return facts_of(before, before.with_rows(rows), about(release, **more))  # type: ignore[arg-type]


def survey(seed: int = 7, records: int = 5_000) -> Table:
    """Persons with five keys, a weight and four answers."""
    draw = np.random.default_rng(seed)
    ages = draw.integers(15, 75, records)
    frame = pd.DataFrame(
        {
            "age": ages,
            "nationality": draw.choice([f"N{i:02}" for i in range(24)], records, p=_falling(24)),
            "sex": draw.choice(["f", "m"], records),
            "area": draw.choice([f"A{i}" for i in range(6)], records, p=_falling(6)),
            "work": draw.choice([f"W{i}" for i in range(9)], records, p=_falling(9)),
            "weight": np.round(draw.lognormal(2.0, 0.55, records), 1),
            "reason": draw.choice([f"R{i}" for i in range(8)], records, p=_falling(8)),
            "wish": draw.choice([f"C{i:02}" for i in range(15)], records, p=_falling(15)),
            "needs": draw.choice([f"X{i:02}" for i in range(40)], records, p=_falling(40)),
            "round": 1,
        }
    )
    text = ("nationality", "sex", "area", "work", "reason", "wish", "needs")
    frame = frame.astype(dict.fromkeys(text, "str") | {"age": "Int64", "weight": "Float64", "round": "Int64"})
    bands = (Level(name="5 years", bands=tuple(range(15, 80, 5))), Level(name="15 years", bands=(15, 30, 45, 60, 75)))
    region = Level(name="region", map={f"N{i:02}": f"region {i % 4}" for i in range(24)})
    sector = Level(name="sector", map={f"W{i}": f"sector {i % 3}" for i in range(9)})
    key = {"type": Type.CODE, "role": Role.KEY}
    variables = (
        Variable(name="age", type=Type.INTEGER, role=Role.KEY, hierarchy=bands, scope="ind"),
        Variable(name="nationality", codes={f"N{i:02}": {} for i in range(24)}, hierarchy=(region,), **key),
        Variable(name="sex", codes={"f": {}, "m": {}}, **key),
        Variable(name="area", codes={f"A{i}": {} for i in range(6)}, **key),
        Variable(name="work", codes={f"W{i}": {} for i in range(9)}, hierarchy=(sector,), **key),
        Variable(name="weight", type=Type.NUMBER, role=Role.WEIGHT),
        *(Variable(name=name, type=Type.CODE, role=Role.SENSITIVE, open_codes=True) for name in ("reason", "wish")),
        Variable(name="needs", type=Type.CODE, role=Role.OTHER, open_codes=True),
        ROUND,
    )
    return Table(frame, variables)


def _falling(n: int) -> np.ndarray:
    shares = 1.0 / np.arange(1, n + 1)
    return shares / shares.sum()


ALL = Limits(minimum_count=5)
