"""`sdc`: what an officer, a reviewer and a recipient type.

Each command imports what it needs when it runs: pandas and its like take seconds, and `--help` should not.
"""

from datetime import date
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.markdown import Markdown
from rich.markup import escape
from rich.table import Column
from rich.table import Table as Grid

from sdc import (
    cli_audit,
    cli_bench,
    cli_board,
    cli_cells,
    cli_dictionary,
    cli_ingest,
    cli_registry,
    cli_release,
    cli_request,
)
from sdc.cli_request import HERE, As, Json, RequestId, Root, acting, tell
from sdc.stage import run

app = typer.Typer(
    name="sdc",
    help="Statistical disclosure control for displacement data: from raw extract to verified release.\n\n"
    "The pipeline itself runs with `dvc repro`; these commands go before and after it.",
    epilog="Exit codes: 10 dictionary, policy, request; 11 data; 12 engine; 13 disclosure; 14 integrity; 15 approval.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode="markdown",
)
suites = typer.Typer(no_args_is_help=True, help="The Great Expectations suites.")
app.add_typer(suites, name="expectations")
app.add_typer(cli_dictionary.dictionary, name="dictionary")
app.add_typer(cli_dictionary.pcodes, name="pcodes")
app.add_typer(cli_board.app, name="request")
app.add_typer(cli_registry.app, name="registry")
app.add_typer(cli_release.app, name="release")
app.command()(cli_ingest.inspect)
for _command in (cli_bench.risk, cli_bench.suppress, cli_bench.recode):
    app.command(rich_help_panel=cli_bench.PANEL)(_command)
app.add_typer(cli_cells.cells, name="cells", rich_help_panel=cli_bench.PANEL)


@app.callback(invoke_without_command=True)
def _version(
    context: typer.Context, version: Annotated[bool, typer.Option("--version", help="Print the version.")] = False
) -> None:
    if version:
        from sdc import __version__

        typer.echo(__version__)
        raise typer.Exit
    if context.invoked_subcommand is None:
        typer.echo(context.get_help())


@app.command()
def samples(
    out: Annotated[Path, typer.Option(help="Folder for the raw extracts.")] = Path("data/raw"),
    seed: Annotated[int, typer.Option(help="Same seed, same bytes.")] = 20261122,
    scale: Annotated[float, typer.Option(min=0.01, help="Size; 20 gives a survey of 100,000 respondents.")] = 1.0,
    as_json: Json = False,
) -> None:
    """Write synthetic raw extracts, shaped like real ones with their defects, and a register of the sample requests.

    Nobody in them exists. A register that is there already is left as it is.
    """
    from sdc.samples import write_samples

    with Console(stderr=True).status("Writing samples"):
        written = [*write_samples(out, seed=seed, scale=scale), *cli_registry.write_samples(HERE)]
    tell({"written": [str(path) for path in written]}, as_json, [str(path) for path in written])


@app.command()
def check(root: Root = HERE, as_json: Json = False) -> None:
    """Read every dictionary, policy and request, and params.yaml, and hold them against each other.

    All faults are told at once. Approvals and expiry are told, not enforced: a request may wait.
    """
    from sdc.inspection import check_documents

    found = check_documents(_folders(root), root / "expectations", date.today())
    grid = Grid(Column("document", no_wrap=True, overflow="fold"), "what", "state")
    for row in found:
        grid.add_row(row["document"], row["what"], row["state"])
    tell({"documents": found}, as_json, grid)


@app.command()
def explain(request: RequestId, root: Root = HERE, as_json: Json = False) -> None:
    """Print the plan of a request in words, as `dvc repro` compiled it: what will be done, and why."""
    from sdc.files import read_json
    from sdc.inputs import read_brief
    from sdc.report.explain import plan_in_words

    brief = read_brief(request, _folders(root), date.today())
    plan = read_json(root / "data" / "assessed" / request / "plan.json")
    tell(plan, as_json, Markdown(plan_in_words(plan, brief)))


@app.command()
def frontier(
    request: RequestId,
    numbers: Annotated[
        str, typer.Option("--k", help="Values of k, or of the minimum count where the request is for counts.")
    ] = "2,3,5,10,20",
    out: Annotated[Path | None, typer.Option(help="Folder for the page and its figures.", file_okay=False)] = None,
    root: Root = HERE,
    as_json: Json = False,
) -> None:
    """Show what other numbers in the policy would cost a request, and what risk they would leave.

    Each number is planned, protected and judged as `dvc repro` would, and nothing of it enters the pipeline.
    """
    from sdc.files import write_json, write_text
    from sdc.frontier import frontier as measure
    from sdc.frontier import whole_numbers
    from sdc.inputs import read_brief, read_rounds, read_served
    from sdc.report.frontier import frontier_grids, frontier_page

    brief = read_brief(request, _folders(root), date.today())
    with Console(stderr=True).status("Protecting once for each number"):
        table = read_rounds(brief, _folders(root), root / "data" / "typed" / brief.request.component)
        found = measure(table, brief, whole_numbers(numbers), read_served(brief, _folders(root)))
    if out is not None:
        write_json(out / f"{request}.json", found)
        write_text(out / f"{request}.html", frontier_page(found, brief))
    tell(found, as_json, frontier_grids(found))


@app.command()
def status(root: Root = HERE, as_json: Json = False) -> None:
    """Say how far each request has come, and where its report and its package lie."""
    from sdc.inspection import standing

    rows = standing(root)
    lines = []
    for row in rows:
        lines += [f"[bold]{row['request']}[/bold]  {row['policy']}  gate: {row['gate']}"]
        lines += [f"  report   {row['report']}"] if row["report"] else []
        lines += [f"  package  {row['package']}"] if row["package"] else []
        lines += [f"  released {path}" for path in row["released"]]
    waiting = any(row["gate"] == "not built" for row in rows)
    lines += ["", "Next: dvc repro builds what is not built yet."] if waiting else [""]
    lines += ["Then: sdc request prepare, submit; two others read the report and sdc request review; sdc publish"]
    tell({"requests": rows}, as_json, lines)


@app.command()
def publish(
    request: RequestId,
    actor: As = "",
    root: Root = HERE,
    as_json: Json = False,
) -> None:
    """Move the candidate of a request into the store, whole or not at all; enter it in catalogue and register.

    Two reviewers who did not prepare it must have approved this very candidate: `sdc request review`.
    """
    from sdc.chain import judged_on, require_current, require_judged
    from sdc.files import read_json, read_table, sha256_of
    from sdc.inputs import read_brief
    from sdc.release.anchors import require_register
    from sdc.release.catalogue import read_catalogue
    from sdc.release.provenance import KEY, publication, read_secret
    from sdc.release.publish import candidate_of
    from sdc.release.publish import publish as move
    from sdc.release.sameness import require_judged_data
    from sdc.release.signers import load_signer
    from sdc.release.store import opened

    by = acting(actor)
    brief = read_brief(request, _folders(root), date.today())
    candidate = candidate_of(root / "data" / "candidates" / request)
    require_current(candidate / "manifest.json", brief, _folders(root))
    with cli_request.opened(root) as register:
        register.require(by, "publish")
        enter = cli_audit.entering(root, register, by, cli_request.now)

        def end_killed() -> None:
            with opened(root / "releases", enter):
                pass

        with cli_audit.publishing(root, request, brief.request.component, candidate.name, end_killed):
            require_register(register, read_catalogue(root / "releases"))
            data, reviewed = root / "data", sha256_of(candidate / "manifest.json")
            protected, verdict = data / "protected" / request, read_json(data / "verdicts" / request / "verdict.json")
            plan, table = data / "assessed" / request / "plan.json", protected / "table.parquet"
            require_judged(verdict, judged_on(plan, protected / "ledger.json", table, brief, _folders(root)))
            require_judged_data(candidate, read_table(table), brief.request, read_secret(root / KEY, make=False))
            released = move(
                candidate,
                root / "releases",
                request=brief.request,
                verdict=verdict,
                today=date.today(),
                reviewed=reviewed,
                approved_by=register.approvers(request, reviewed),
                extra=publication(root, register.head()),
                papers=_papers(data, request),
                signer=load_signer(root),
                enter=enter,
            )
    tell({"released": str(released)}, as_json, f"Released: {released}")


def _papers(data: Path, request: str) -> dict[str, str]:
    """What a release rests on, to be kept with it: the next version is built in the same places."""
    from sdc.documents import read_text
    from sdc.errors import DataError

    places = {name: data / "assessed" / request / name for name in ("plan.json", "plan.md", "risk.json")}
    places |= {"ledger.json": data / "protected" / request / "ledger.json"}
    places |= {name: data / "verdicts" / request / name for name in ("verdict.json", "report.html")}
    places |= {"audit.json": data / "audits" / request / "audit.json"}
    places |= {"audit.html": data / "audits" / request / "report.html"}
    return {name: read_text(path, DataError) for name, path in places.items()}


@app.command()
def verify(
    path: Annotated[Path, typer.Argument(help="Folder of a package.", exists=False)],
    candidate: Annotated[bool, typer.Option("--candidate", help="It is not published yet, and so not signed.")] = False,
    root: Root = HERE,
    as_json: Json = False,
) -> None:
    """Check a package: hashes, unexpected files, signature, schema, and that its data keep the promises it makes."""
    from sdc.release.signers import SIGNERS, read_keys
    from sdc.release.verify import inspect, refusal

    checks = inspect(path, candidate=candidate, keys=read_keys(root / SIGNERS) or None)
    refused = refusal(path, checks)
    grid = Grid("check", "result")
    for check in checks:
        grid.add_row(check.name, "holds" if check.passed else "FAILS")
    told = [{"check": each.name, "holds": each.passed, "faults": [str(f) for f in each.faults]} for each in checks]
    holding = [each.name for each in checks if each.passed]
    answer = {"package": str(path), "verified": refused is None, "checks": holding, "results": told}
    if as_json or refused is None:
        tell(answer, as_json, grid)
    if refused is not None and as_json:
        raise typer.Exit(refused.exit_code)
    if refused is not None:
        raise refused


@suites.command("write")
def write_expectations(root: Root = HERE, as_json: Json = False) -> None:
    """Write the suites from the dictionaries and the policies. They are committed and never edited by hand."""
    from sdc.expectations import write_suites
    from sdc.inspection import read_all

    dictionaries, policies = read_all(_folders(root))
    written = write_suites(root / "expectations", dictionaries, policies)
    tell({"written": [str(path) for path in written]}, as_json, f"{len(written)} suites written")


@app.command()
def doctor(root: Root = HERE, as_json: Json = False) -> None:
    """Say what this machine can do and what is unsafe about this checkout, and how to mend it."""
    from sdc.inspection import examine_machine

    found = examine_machine(root)
    grid = Grid(*(Column(name, overflow="fold") for name in ("what", "state", "do")))
    for row in found:
        grid.add_row(row["what"], row["state"], escape(row["do"]))
    tell({"findings": found}, as_json, grid)
    if any(row["level"] == "unsafe" for row in found):
        raise typer.Exit(14)


def _folders(root: Path) -> Any:
    from sdc.inputs import folders_of

    return folders_of(root)


def _app() -> None:
    app()


def main() -> None:
    """Run the command line; a refusal prints its text and ends with its exit code."""
    run(_app)
