"""`sdc risk`, `sdc suppress`, `sdc recode`: the expert's bench for records, on any file, outside the pipeline."""

import json
import math
import time
from collections.abc import Sequence
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console
from rich.table import Table as Grid

from sdc.errors import PolicyError

if TYPE_CHECKING:
    from sdc.bench.sheets import Sheet


class Reading(StrEnum):
    """What a missing key value matches."""

    wildcard = "wildcard"
    category = "category"


class LossName(StrEnum):
    """What the search for levels keeps low."""

    granularity = "granularity"
    entropy = "entropy"
    discernibility = "discernibility"


PANEL = "The expert's bench: any CSV or Parquet file, nothing enters the pipeline"
FILES = "The file"
File = Annotated[Path, typer.Argument(help="CSV (names in the first row) or Parquet.", metavar="FILE")]
Keys = Annotated[
    str, typer.Option(help="Key variables: what an intruder may know. Separated by commas.", metavar="A,B,C")
]
Json = Annotated[bool, typer.Option("--json", help="Print one JSON object, for machines.")]
Separator = Annotated[
    str | None,
    typer.Option(help="Of a CSV; found in its first row if not given.", metavar="CHAR", rich_help_panel=FILES),
]
Encoding = Annotated[str, typer.Option(help="Of a CSV.", rich_help_panel=FILES)]
Na = Annotated[
    list[str] | None,
    typer.Option(
        "--na", help="Text that means missing, besides an empty cell, such as NA. Repeatable.", rich_help_panel=FILES
    ),
]
Out = Annotated[
    Path | None,
    typer.Option(
        help="Write the result: .csv or .parquet, whole or not at all, never over FILE.", rich_help_panel=FILES
    ),
]
K = Annotated[int, typer.Option("-k", "--k", min=2, help="Least number of records that share their keys.")]
Missing = Annotated[
    Reading,
    typer.Option(
        help="A missing key value matches any value (wildcard, as in sdcMicro), or a missing one only (category)."
    ),
]


def risk(
    file: File,
    keys: Keys,
    weight: Annotated[str | None, typer.Option(help="Column of sampling weights.", metavar="COLUMN")] = None,
    household: Annotated[
        str | None, typer.Option(help="Column that ties the members of a household.", metavar="COLUMN")
    ] = None,
    sensitive: Annotated[
        str | None, typer.Option(help="Columns that nobody should learn of a person: their diversity.", metavar="S,T")
    ] = None,
    missing: Missing = Reading.wildcard,
    alpha: Annotated[
        float, typer.Option(min=0, max=1, help="Share at which a match through a missing value counts (wildcard).")
    ] = 1.0,
    suda: Annotated[bool, typer.Option(help="Search special uniques (SUDA2); slow beyond some 12 keys.")] = True,
    separator: Separator = None,
    encoding: Encoding = "utf-8",
    na: Na = None,
    as_json: Json = False,
) -> None:
    """Measure the disclosure risk of a file of records: counts and figures only, nothing is changed.

    How many records stand alone on their keys, how likely a person or a household is to be found again, which keys
    single records out (SUDA2), and what the classes give away of sensitive columns.

    Example: `sdc risk survey.csv --keys admin1,sex,age --weight w --household hh --sensitive reason`
    """
    from sdc.bench import words
    from sdc.bench.records import risk_of

    names, told = listed(keys, "keys"), listed(sensitive, "sensitive")
    asked = [*names, *told, *filter(None, (weight, household))]
    sheet = read(file, asked, separator, encoding, na)
    start = time.process_time()
    found = risk_of(
        sheet, names, weight=weight, household=household, sensitive=told, missing=missing.value, alpha=alpha, suda=suda
    )
    found |= clock(start, time.process_time())
    tell(found, as_json, words.of_risk(found))


def suppress(
    file: File,
    keys: Keys,
    k: K,
    importance: Annotated[
        str,
        typer.Option(
            help="Cost of losing one value of a key, default 1: the higher, the longer it is kept; inf for never "
            "suppressed. (sdcMicro numbers the other way round.)",
            metavar="A=2,B=1",
        ),
    ] = "",
    strata: Annotated[
        str | None,
        typer.Option(help="Columns, coarse to fine, inside which k must hold; small strata are merged.", metavar="S,T"),
    ] = None,
    missing: Missing = Reading.wildcard,
    subsets: Annotated[
        str | None,
        typer.Option(help="An intruder knows only so many of the keys, any of them: all-m.", metavar="2,3"),
    ] = None,
    household: Annotated[
        str | None, typer.Option(help="Column that ties the members of a household.", metavar="COLUMN")
    ] = None,
    household_keys: Annotated[
        str | None,
        typer.Option(help="Keys that belong to the household: suppressed for all its members or none.", metavar="A,B"),
    ] = None,
    sensitive: Annotated[
        str | None, typer.Option(help="Columns that must stay diverse in each class: with --ell.", metavar="S,T")
    ] = None,
    ell: Annotated[int, typer.Option(min=1, help="Least number of distinct sensitive values (l-diversity).")] = 1,
    exact: Annotated[bool, typer.Option("--exact", help="Prove the least suppression: small files only.")] = False,
    out: Out = None,
    separator: Separator = None,
    encoding: Encoding = "utf-8",
    na: Na = None,
    as_json: Json = False,
) -> None:
    """Set single key values to missing until every record shares its keys with at least k - 1 others.

    The last resort after recoding (`sdc recode`): as few values as can be found, wherever they mend most. The judge
    of `sdc risk` counts what is left. With `--out` the file is written with these values empty and all else as it was.

    Example: `sdc suppress survey.csv --keys admin1,sex,age -k 3 --importance sex=3 --out protected.csv`
    """
    from sdc.bench import records, words
    from sdc.bench.sheets import check_output, write_sheet
    from sdc.engines.native import suppress_locally

    names, within, told = listed(keys, "keys"), listed(strata, "strata"), listed(sensitive, "sensitive")
    ours = listed(household_keys, "household-keys")
    _require_among(ours, names, "household-keys")
    _require_apart(names, [*within, *told, *([household] if household else [])])
    costs = records.importance_of(importance, names)
    if out is not None:
        check_output(file, out)
    coded = list(dict.fromkeys([*names, *within, *told, *filter(None, [household])]))
    sheet = read(file, None if out else coded, separator, encoding, na, require=coded)
    rows = sheet.codes(coded).join(
        sheet.as_they_are([name for name in sheet.columns.column_names if name not in coded])
    )
    records.warm_up_suppression(missing.value)
    start = time.process_time()
    hidden = suppress_locally(
        rows, names, k, importance=costs, missing=missing.value, strata=within, sizes=_sizes(subsets, len(names)),
        household=household, household_keys=ours, sensitive=told, ell=ell, exact=exact,
    )  # fmt: skip
    end = time.process_time()
    after = records.without(rows, hidden)
    readings = records.violations_of(after, names, [k])
    found = {
        "records": len(rows),
        "suppressed": records.suppressed_by_key(hidden),
        "suppressed_total": int(hidden.to_numpy().sum()),
        "records_touched": int(hidden.to_numpy().any(axis=1).sum()),
        "violations_after": readings[missing.value],
        "violations_after_category": readings["category"],
    }
    if within:
        found["within_strata"] = records.violations_in_strata(after.join(rows[within]), names, within, k)
    found |= clock(start, end)
    if out is not None:
        write_sheet(sheet.masked(hidden), out)
        found["written"] = str(out)
    tell(found, as_json, words.of_suppression(found, k, missing.value))


def recode(
    file: File,
    keys: Keys,
    hierarchies: Annotated[
        Path,
        typer.Option(
            help="Folder with `KEY.csv` or `NAME_hierarchy_KEY.csv` for each key, as ARX writes them: a row for each "
            "value, `;` between levels, the value first, the coarsest last.",
            metavar="DIR",
        ),
    ],
    k: K,
    limit: Annotated[
        float, typer.Option(min=0, max=1, help="Largest share of records that may be suppressed whole.")
    ] = 0.0,
    loss: Annotated[LossName, typer.Option(help="What is kept low; granularity is ARX's Loss.")] = LossName.granularity,
    sensitive: Annotated[
        str | None, typer.Option(help="A column that must stay diverse in each class.", metavar="COLUMN")
    ] = None,
    ell: Annotated[int, typer.Option(min=1, help="Least number of distinct sensitive values (l-diversity).")] = 1,
    t: Annotated[
        float, typer.Option(min=0, max=1, help="Largest distance of a class's sensitive values from the file's.")
    ] = 1.0,
    out: Out = None,
    separator: Separator = None,
    encoding: Encoding = "utf-8",
    na: Na = None,
    as_json: Json = False,
) -> None:
    """Find the level of each key that loses least while every record shares its keys with at least k - 1 others.

    All combinations of levels are weighed (`optimal`: no other is better). Records that stay alone are suppressed
    whole, up to the limit. With `--out` the file is written with the keys at these levels.

    Example: `sdc recode adult.csv --keys sex,age,race --hierarchies hierarchies/ -k 5 --limit 0.05`
    """
    from sdc.bench import records, words
    from sdc.bench.sheets import check_output, write_sheet
    from sdc.engines.recoding import Promise, best_recoding

    names, told = listed(keys, "keys"), listed(sensitive, "sensitive")
    _require_apart(names, told)
    if len(told) > 1 or (not told and (ell > 1 or t < 1)):
        raise PolicyError("sensitive", "one column is needed for --ell and --t, and only one.", "Name it.")
    if out is not None:
        check_output(file, out)
    trees = records.hierarchies_of(hierarchies, names)
    sheet = read(file, None if out else [*names, *told], separator, encoding, na, require=[*names, *told])
    rows = sheet.codes([*names, *told])
    promise = Promise(k, ell=ell, t=t)
    records.warm_up_recoding()
    start = time.process_time()
    task = records.recoding_task(rows, trees, sensitive=told[0] if told else None, loss=loss.value)
    best = best_recoding(task.lattice, promise, limit)
    end = time.process_time()
    protected = records.recoded_rows(task, best, promise)
    found: dict[str, Any] = {
        "records": len(rows),
        "score": best.score,
        "levels": dict(zip(names, best.levels, strict=True)),
        "highest_levels": {name: len(tree.codes) - 1 for name, tree in zip(names, trees, strict=True)},
        "suppressed": best.suppressed,
        "classes": best.classes,
        "optimal": best.optimal,
        "checked": best.checked,
        "violations_after": records.released_violations(rows[names], protected, [k]),
    }
    found |= clock(start, end)
    if out is not None:
        write_sheet(sheet.replaced(protected), out)
        found["written"] = str(out)
    tell(found, as_json, words.of_recoding(found, k))


def listed(text: str | None, option: str) -> list[str]:
    """Column names from a line with commas."""
    if text is None:
        return []
    names = [name.strip() for name in text.split(",")]
    if "" in names or len(set(names)) != len(names):
        raise PolicyError(f"--{option}", "a name is empty or stands twice.", "Write for example a,b,c")
    return names


def _require_among(names: Sequence[str], keys: Sequence[str], option: str) -> None:
    if not set(names) <= set(keys):
        raise PolicyError(f"--{option}", "names a column that is no key.", "Name it in --keys too.")


def _require_apart(keys: Sequence[str], others: Sequence[str]) -> None:
    if set(keys) & set(others):
        raise PolicyError(
            "--keys",
            "a key is named as something else too.",
            "Give each column one part to play: a stratum, say, is known to the intruder as it is.",
        )


def _sizes(text: str | None, keys: int) -> list[int]:
    """Sizes of subsets from a line such as 2,3."""
    if text is None:
        return []
    sizes = [int(part) if part.strip().isdecimal() else 0 for part in text.split(",")]
    if not all(1 <= size <= keys for size in sizes):
        raise PolicyError("--subsets", f"a size lies outside 1 to {keys}.", "Write for example 2,3")
    return sizes


def read(
    file: Path,
    names: Sequence[str] | None,
    separator: str | None,
    encoding: str,
    na: Sequence[str] | None,
    require: Sequence[str] = (),
) -> "Sheet":
    """The columns that are needed (all, if none are named), after a look that those required are there."""
    from sdc.bench.sheets import read_sheet

    separator = {"tab": "\t", "\\t": "\t"}.get(separator or "", separator)
    sheet = read_sheet(file, names, separator=separator, encoding=encoding, missing=na or ())
    sheet.require(require)
    return sheet


def clock(start: float, end: float, **parts: float) -> dict[str, Any]:
    """CPU seconds of the method; and of what stands around it: start-up with reading, judging what came out."""
    now = time.process_time()
    around = {"start_and_read": start, **parts, "judge": now - end}
    return {"cpu_seconds": round(end - start, 6), "cpu_seconds_parts": {k: round(v, 6) for k, v in around.items()}}


def _plain(value: Any) -> Any:
    """JSON knows no infinity."""
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()}
    return None if isinstance(value, float) and not math.isfinite(value) else value


def tell(found: dict[str, Any], as_json: bool, lines: Sequence[tuple[str, str, str]]) -> None:
    """One answer, for a machine or for a person."""
    if as_json:
        typer.echo(json.dumps(_plain(found), indent=2, ensure_ascii=False, allow_nan=False))
        return
    grid = Grid("figure", "value", "what it says")
    grid.columns[1].justify = "right"
    for line in lines:
        grid.add_row(*line)
    console = Console(highlight=False)
    console.print(grid)
    note = f"{found['cpu_seconds']:.3f} CPU seconds"
    console.print(f"{note}; written: {found['written']}" if "written" in found else note, soft_wrap=True)
