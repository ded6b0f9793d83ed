"""`sdc cells` and `sdc cells audit`: the expert's bench for counts, on any file, outside the pipeline."""

import time
from collections.abc import Sequence
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from sdc.cli_bench import Encoding, File, Json, Na, Out, Separator, clock, read, tell
from sdc.errors import DataError, PolicyError


class Method(StrEnum):
    """What is done to a table of counts."""

    suppress = "suppress"
    controlled = "controlled"
    small_count = "small-count"
    cell_key = "cell-key"


class _OrProtect(TyperGroup):
    """`sdc cells FILE ...` without a verb protects."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Put the verb in front where there is none."""
        return super().parse_args(ctx, args if args and args[0] in self.commands else ["protect", *args])


cells = typer.Typer(
    cls=_OrProtect, help="Protect a table of counts, or audit somebody else's.", rich_markup_mode="markdown"
)
By = Annotated[
    str,
    typer.Option(
        help="Spanning columns: commas between variables, `>` from a coarse column to a finer one, `|` between "
        "groupings that do not nest. Example: adm1>adm2,sex,age",
        metavar="COLUMNS",
    ),
]
Count = Annotated[
    str | None, typer.Option(help="Column of counts; without it each row is one record.", metavar="COLUMN")
]
Intruders = Annotated[
    list[str] | None,
    typer.Option(
        "--intruder",
        help="Whom the table must withstand: nothing-known, at-least-one (knows that a suppressed count is no 0), "
        "knows-primary, singleton (alone fills a cell), last-round (with --last), or all. Repeatable.",
        metavar="NAME",
        show_default="at-least-one",
    ),
]
Last = Annotated[
    Path | None, typer.Option(help="The table as released last round, every cell: for last-round.", metavar="FILE")
]


@cells.command("protect")
def protect(
    file: File,
    by: By,
    minimum_count: Annotated[int, typer.Option(min=1, help="Least count that may be shown.")],
    count: Count = None,
    intruder: Intruders = None,
    method: Annotated[
        Method,
        typer.Option(
            help="suppress: hide cells; controlled: round all, sums still hold; small-count: round small counts away; "
            "cell-key: add keyed noise."
        ),
    ] = Method.suppress,
    zeros: Annotated[bool, typer.Option("--zeros", help="Empty cells reveal too: suppress them.")] = False,
    both_sides: Annotated[
        bool,
        typer.Option("--both-sides", help="Each primary cell must be able to move up and down, not one of the two."),
    ] = False,
    move: Annotated[int, typer.Option(min=1, help="By how much each primary cell must be able to move.")] = 1,
    last: Last = None,
    base: Annotated[int | None, typer.Option(min=2, help="Of rounding.", show_default="the minimum count")] = None,
    noise: Annotated[
        int | None, typer.Option(min=1, help="Greatest noise of cell keys.", show_default="the minimum count")
    ] = None,
    variance: Annotated[
        float | None, typer.Option(min=0.1, help="Of that noise.", show_default="half the greatest noise")
    ] = None,
    secret: Annotated[
        Path | None,
        typer.Option(
            help="File of 16 bytes or more behind the cell keys: the same secret, the same noise. Without it, one is "
            "drawn for this run and forgotten.",
            metavar="FILE",
        ),
    ] = None,
    total: Annotated[
        str | None,
        typer.Option(help="FILE holds totals, marked by this code or an empty cell.", metavar="CODE"),
    ] = None,
    tolerance: Annotated[float, typer.Option(min=0, help="By how much given totals may be off.")] = 0.0,
    out: Out = None,
    separator: Separator = None,
    encoding: Encoding = "utf-8",
    na: Na = None,
    as_json: Json = False,
) -> None:
    """Protect a table of counts with all its totals, and say what an intruder can still solve.

    FILE holds inner cells or records. All totals over the spanning columns are published with them, so a small count
    is hidden (primary) together with what would give it back by subtraction (secondary); then each intruder tries.

    Example: `sdc cells idps.csv --by "adm1>adm2,sex,age" --count freq --minimum-count 5 --out protected.csv`

    Somebody else's table: `sdc cells audit --help`.
    """
    from sdc.bench import tables, words
    from sdc.bench.sheets import check_output, frame_as_sheet, write_sheet
    from sdc.cells.rules import minimum_count as below
    from sdc.cells.spanning import parse_by

    spans = parse_by(by)
    asked = _intruders(intruder or (["at-least-one", "last-round"] if last is not None else None), last)
    if out is not None:
        check_output(file, out)
    columns = [column for span in spans for column in span.columns]
    sheet = read(file, [*columns, *([count] if count else [])], separator, encoding, na)
    rows = sheet.codes(columns)
    if count is not None:
        rows[count] = sheet.numbers(count)
    table = tables.count_table(rows, spans, count, total, file.name)
    begun = time.process_time()
    known = tables.registered(table, tolerance)
    primary = below(known.counts, minimum_count, zeros=zeros) & known.published
    before = _last_round(last, known, columns, count, total, separator, encoding, na)
    start = time.process_time()
    if method is Method.suppress:
        hidden = tables.suppressed_cells(
            known, primary, asked, minimum_count=minimum_count, last=before, amount=move, both=both_sides
        )
        shown, middle = known.counts, time.process_time()
        audits = tables.audits(known, hidden, primary, asked, minimum_count=minimum_count, last=before)
    else:
        drawn = _noise(noise, variance, secret, minimum_count) if method is Method.cell_key else None
        shown, reach = tables.changed_counts(known, method.value, base=base or minimum_count, noise=drawn)
        hidden, middle = primary & False, time.process_time()
        audits = tables.audit_changed(known, method.value, shown, reach, primary)
    end = time.process_time()
    found = tables.figures(known, hidden, primary, audits)
    if method is not Method.suppress:
        found |= tables.changes(known, shown)
    found["method"] = method.value
    found |= clock(start, end, register=start - begun, protect=middle - start, audit=end - middle)
    if out is not None:
        written = tables.released(known, table, shown, hidden if method is Method.suppress else None)
        write_sheet(frame_as_sheet(written, sheet), out)
        found["written"] = str(out)
    tell(found, as_json, words.of_cells(found))
    if count is None and not as_json and len(rows) > 1 and not rows[columns].duplicated().any():
        typer.echo("Each row was taken as one record. If FILE has a column of counts: --count COLUMN", err=True)


@cells.command("audit")
def audit(
    file: File,
    by: By,
    count: Annotated[str, typer.Option(help="Column of counts; may be empty in suppressed rows.", metavar="COLUMN")],
    suppressed: Annotated[
        str, typer.Option(help="Column that marks suppressed rows: anything but empty, 0, no, false.", metavar="COLUMN")
    ],
    minimum_count: Annotated[
        int | None,
        typer.Option(
            min=1,
            help="The rule behind: counts below it are what must not be found out. Without it: every suppressed count.",
        ),
    ] = None,
    primary: Annotated[
        str | None, typer.Option(help="Column that marks the rows to protect, in place of a rule.", metavar="COLUMN")
    ] = None,
    intruder: Intruders = None,
    last: Last = None,
    total: Annotated[str, typer.Option(help="Code of a total, besides an empty cell.", metavar="CODE")] = "Total",
    separator: Separator = None,
    encoding: Encoding = "utf-8",
    na: Na = None,
    as_json: Json = False,
) -> None:
    """Audit a table that somebody has suppressed: how many protected counts can be solved from what is shown.

    FILE holds every cell, with a total where a spanning column says `Total` or nothing; or inner cells only, and all
    totals are taken as shown. The counts behind suppressed rows may be given or empty: what can be solved depends on
    what is shown alone.

    Example: `sdc cells audit table.csv --by "adm1>adm2,sex" --count freq --suppressed hidden`
    """
    import numpy as np

    from sdc.bench import published, tables, words
    from sdc.cells.rules import minimum_count as below
    from sdc.cells.spanning import parse_by

    spans = parse_by(by)
    asked = _intruders(intruder or (["at-least-one", "last-round"] if last is not None else None), last)
    columns = [column for span in spans for column in span.columns]
    if suppressed in (*columns, count):
        raise PolicyError("--suppressed", "is a spanning column, or the count", "Name the column that marks rows.")
    sheet = read(file, [*columns, count, suppressed, *([primary] if primary else [])], separator, encoding, na)
    rows = sheet.codes(columns)
    rows[count] = sheet.numbers(count)
    marks = sheet.codes([suppressed, *([primary] if primary else [])])
    begun = time.process_time()
    table = published.published_table(rows, spans, count, published.marked(marks[suppressed]), total)
    asked = published.fitting(
        asked, known=table.known, rule=minimum_count is not None, everyone="all" in (intruder or [])
    )
    known = table.cells
    wanted = table.marked
    if primary is not None:
        wanted = np.zeros(len(known), dtype=bool)
        wanted[table.of_row[published.marked(marks[primary])]] = True
    elif minimum_count is not None and table.known:
        wanted = below(known.counts, minimum_count) & known.published
    before = _last_round(last, known, columns, count, total, separator, encoding, na)
    start = time.process_time()
    audits = tables.audits(known, table.suppressed, wanted, asked, minimum_count=minimum_count, last=before)
    end = time.process_time()
    found = tables.figures(known, table.suppressed, wanted, audits)
    if not table.known:
        found |= {"suppressed_sum": None, "suppressed_sum_with_primary": None}
    found["primary_shown"] = int((wanted & ~table.suppressed).sum())
    found |= clock(start, end, register=start - begun)
    tell(found, as_json, words.of_cells(found))


def _intruders(given: Sequence[str] | None, last: Path | None) -> list[str]:
    """Names of intruders; `all` are those that this table can be held against."""
    from sdc.cells.intruder import INTRUDERS

    asked: list[str] = []
    for name in (part.strip() for text in given or ["at-least-one"] for part in text.split(",")):
        if name == "all":
            asked += [other for other in INTRUDERS if other != "last-round" or last is not None]
        elif name in INTRUDERS:
            asked.append(name)
        else:
            raise PolicyError("--intruder", "there is none of this name.", f"Choose of {', '.join(INTRUDERS)}, all.")
    if "last-round" in asked and last is None:
        raise PolicyError("--intruder last-round", "the table of last round is not given.", "Give --last FILE.")
    return list(dict.fromkeys(asked))


def _last_round(
    last: Path | None,
    known: Any,
    columns: Sequence[str],
    count: str | None,
    total: str | None,
    separator: str | None,
    encoding: str,
    na: Sequence[str] | None,
) -> Any:
    """Counts that the last release of this table showed, by cell."""
    from sdc.bench.tables import TOTAL, last_published

    if last is None:
        return None
    name = count or "count"
    sheet = read(last, [*columns, name], separator, encoding, na)
    return last_published(known, sheet.codes(columns).assign(**{name: sheet.numbers(name)}), name, total or TOTAL)


def _noise(most: int | None, variance: float | None, secret: Path | None, minimum_count: int) -> Any:
    import secrets

    from sdc.bench.tables import Noise

    if secret is None:
        drawn = secrets.token_bytes(32)
    else:
        try:
            drawn = secret.read_bytes()
        except OSError:
            raise DataError(str(secret), "cannot be read", "Give a file of 16 bytes or more.") from None
    greatest = most or minimum_count
    return Noise(greatest, variance or greatest / 2, drawn)
