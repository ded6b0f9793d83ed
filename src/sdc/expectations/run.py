"""One run of a suite in Great Expectations: outcomes in counts, and Data Docs, without any value from the data."""

import json
import shutil
import tempfile
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NamedTuple

import great_expectations as gx
from great_expectations.core.run_identifier import RunIdentifier

import sdc.expectations.custom  # noqa: F401 - registers our expectations
from sdc.errors import DataError, EngineError
from sdc.expectations.suites import SEVERITY, present
from sdc.files import appearing_folder
from sdc.table import Table

BREACH = {severity: breach for breach, severity in SEVERITY.items()}
CONTEXT = "great_expectations.yml"
SITE = Path("uncommitted", "data_docs")
RUN = RunIdentifier("run", datetime(2000, 1, 1, tzinfo=UTC))  # the library wants a time; a page must not change with it


class Outcome(NamedTuple):
    """One expectation as it was judged, in the shape of a check of the verdict.

    Attributes
    ----------
    name : str
        Type of the expectation, and the columns, the rule or the figure that it is about; unique in its suite.
    promise : str
        What is promised, as a sentence.
    observed : int, float or None
        What was counted, to be held against `limit`: breaches, or a risk. None where the library tells yes or no only.
    limit : int or float
    passed : bool
    breach : {"stop", "warn", "report"}
        What a breach does; the suite says it as the severity critical, warning, info.
    by : str
    suite : str
    columns : tuple of str
    because : str
        Why it is promised.
    counts : mapping of name to int or float
        All that was counted; ``not_measured`` where an expectation could not be evaluated, which is a breach.
    """

    name: str
    promise: str
    observed: int | float | None
    limit: int | float
    passed: bool
    breach: str
    by: str
    suite: str
    columns: tuple[str, ...]
    because: str
    counts: Mapping[str, int | float]


def validate(table: Table, suite_name: str, folder: Path, docs: Path) -> list[Outcome]:
    """Judge a table by one suite, and build its Data Docs.

    Parameters
    ----------
    table : Table
    suite_name : str
        ``typed_<component>`` or ``release_<component>_<policy>``.
    folder : Path
        The file context with its suites.
    docs : Path
        Folder of the Data Docs; ``index.html`` is its first page. A folder that stood there before is replaced.

    Returns
    -------
    list of Outcome, in the order of the suite

    Raises
    ------
    DataError : when there is no such suite.
    EngineError : when a page of the Data Docs could not be drawn.

    Guarantees
    ----------
    * An expectation that could not be evaluated has not passed; `counts` then holds ``not_measured``.
    * Neither the outcomes nor the Data Docs hold a value from the data.
    * `folder` stays as it was.
    * The same table and suite give the same outcomes and the same Data Docs, byte for byte.
    * No page of the Data Docs loads anything from a network.
    """
    return validate_all({suite_name: table}, folder, docs)


def validate_all(tables: Mapping[str, Table], folder: Path, docs: Path) -> list[Outcome]:
    """The same for several suites, each with its own table, in one site of Data Docs.

    Parameters
    ----------
    tables : mapping of suite name to Table
    folder, docs
        As for `validate`.
    """
    outcomes: list[Outcome] = []
    with tempfile.TemporaryDirectory() as copied, appearing_folder(docs) as site:
        context = _copy_context(tables, folder, Path(copied))
        source = context.data_sources.add_pandas("table")
        for name, table in tables.items():
            batch = source.add_dataframe_asset(name).add_batch_definition_whole_dataframe("rows")
            definition = gx.ValidationDefinition(name=name, data=batch, suite=context.suites.get(name))
            results = definition.run(
                batch_parameters={"dataframe": table.rows}, result_format="BOOLEAN_ONLY", run_id=RUN
            )
            outcomes += [_outcome(name, result) for result in _in_order(results.results, definition.suite)]
        context.build_data_docs()
        _keep_pages(Path(copied, SITE), site, tables)
    return outcomes


def _copy_context(tables: Mapping[str, Table], folder: Path, copied: Path) -> Any:
    """A file context of its own for this run, with the suites cut to the columns that are there."""
    shutil.copyfile(folder / CONTEXT, copied / CONTEXT)
    for name, table in tables.items():
        try:
            suite = json.loads((folder / f"{name}.json").read_text(encoding="utf-8"))
        except FileNotFoundError:
            raise DataError(
                str(folder / f"{name}.json"), "there is no such suite", "Run `sdc expectations write`."
            ) from None
        cut = present(suite, list(table.rows.columns))
        (copied / f"{name}.json").write_text(json.dumps(cut), encoding="utf-8")
    return gx.get_context(mode="file", context_root_dir=copied)


def _in_order(results: Iterable[Any], suite: Any) -> list[Any]:
    """Results in the order of the suite; the library groups them by column."""
    place = {expectation.id: number for number, expectation in enumerate(suite.expectations)}
    return sorted(results, key=lambda result: place[result.expectation_config.id])


def _outcome(suite: str, result: Any) -> Outcome:
    configuration = result.expectation_config
    kwargs, counts = configuration.kwargs, (result.result or {}).get("details", {})
    info = result.exception_info or {}
    if info.get("raised_exception", bool(info)):  # its text may quote data, so that it failed is all that is told
        counts = {"not_measured": 1}
    about = [kwargs[name] for name in ("column", "total") if name in kwargs] + list(kwargs.get("parts", ()))
    which = [kwargs[name] for name in ("figure", "rule") if name in kwargs]
    return Outcome(
        name=":".join([configuration.type, *about, *which]),
        promise=configuration.description,
        observed=(result.result or {}).get("observed_value"),
        limit=kwargs["limit"] if "figure" in kwargs else 0,
        passed=bool(result.success),
        breach=BREACH[str(getattr(configuration.severity, "value", configuration.severity))],
        by="expectations",
        suite=suite,
        columns=tuple(dict.fromkeys([*about, *kwargs.get("keys", ())])),
        because=configuration.meta["attributes"]["because"],
        counts=counts,
    )


def _keep_pages(built: Path, site: Path, tables: Mapping[str, Table]) -> None:
    """Keep the pages and leave the library's static files; a page that it failed to draw is an error."""
    pages = sorted(path.relative_to(built) for path in built.rglob("*.html"))
    if len(pages) != 1 + 2 * len(tables):
        raise EngineError("Data Docs", f"{len(pages)} of {1 + 2 * len(tables)} pages were drawn")
    for page in pages:
        (site / page).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(built / page, site / page)
