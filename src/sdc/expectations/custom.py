"""The expectations of this project, as Great Expectations knows them; importing this registers them."""

import json
from typing import Any, ClassVar

from great_expectations.core import ExpectationValidationResult
from great_expectations.core.metric_domain_types import MetricDomainTypes
from great_expectations.execution_engine import PandasExecutionEngine
from great_expectations.expectations.expectation import BatchExpectation
from great_expectations.expectations.metrics.metric_provider import metric_value
from great_expectations.expectations.metrics.table_metric_provider import TableMetricProvider
from great_expectations.validator.metric_configuration import MetricConfiguration
from great_expectations.validator.validator import ValidationDependencies

from sdc.expectations.measures import measure

METRIC = "table.sdc.counts"


class TableCounts(TableMetricProvider):
    """The counts of one measure of `sdc.expectations.measures`."""

    metric_name = METRIC
    value_keys = ("measure", "arguments")

    @metric_value(engine=PandasExecutionEngine)
    def _pandas(
        cls,
        execution_engine: PandasExecutionEngine,
        metric_domain_kwargs: dict,
        metric_value_kwargs: dict,
        metrics: dict[str, Any],
        runtime_configuration: dict,
    ) -> dict:
        rows, _, _ = execution_engine.get_compute_domain(metric_domain_kwargs, domain_type=MetricDomainTypes.TABLE)
        try:
            return measure(metric_value_kwargs["measure"], rows, json.loads(metric_value_kwargs["arguments"]))
        except Exception:  # noqa: BLE001 - the text of any error may quote data, and the library would print it
            return {"breaches": len(rows) or 1, "not_measured": 1}


class Counted(BatchExpectation):
    """An expectation that passes when its measure counts no breach, and returns counts only."""

    metric_dependencies: ClassVar[tuple[str, ...]] = (METRIC,)

    @classmethod
    def is_abstract(cls) -> bool:
        """Only this base is no expectation of its own."""
        return cls.__name__ == "Counted"

    def get_validation_dependencies(self, execution_engine: Any = None, runtime_configuration: Any = None) -> Any:
        """Ask for the one metric, with this expectation's own fields as its arguments."""
        result_format = super(BatchExpectation, self).get_validation_dependencies(
            execution_engine, runtime_configuration
        )
        arguments = {name: getattr(self, name) for name in type(self).arguments()}
        metric = MetricConfiguration(
            METRIC,
            metric_domain_kwargs={"batch_id": self.batch_id},
            metric_value_kwargs={"measure": self.expectation_type, "arguments": json.dumps(arguments)},
        )
        return ValidationDependencies(metric_configurations={METRIC: metric}, result_format=result_format.result_format)

    @classmethod
    def arguments(cls) -> list[str]:
        """Names of the fields that go to the measure."""
        return [name for name in cls.__annotations__ if name not in cls.unmeasured]

    unmeasured: ClassVar[tuple[str, ...]] = ()

    def _validate(self, metrics: dict, runtime_configuration: Any = None, execution_engine: Any = None) -> dict:
        counts = metrics[METRIC]
        return {"success": counts["breaches"] == 0, "counts": counts}

    def _build_evr(self, raw_response: Any, **kwargs: dict) -> ExpectationValidationResult:
        """BOOLEAN_ONLY empties results, since they quote data. Ours are counts: they are put back."""
        counts = raw_response.pop("counts")
        observed = counts.get("observed", counts["breaches"])
        raw_response["result"] = {"observed_value": observed, "details": counts}
        return super()._build_evr(raw_response, **kwargs)


class ExpectOnlyKnownColumns(Counted):
    """Expect no column that nobody described, and all that must be there."""

    columns: list[str]
    required: list[str]


class ExpectNoIdentifierColumns(Counted):
    """Expect no column that names a person or household outright."""

    columns: list[str]


class ExpectNoRestrictedColumns(Counted):
    """Expect no column that a rule of the policy does not let out."""

    columns: list[str]
    rule: str
    limit: str | int | None = None
    unmeasured = ("rule", "limit")


class ExpectColumnOfType(Counted):
    """Expect a column to be stored as its type asks."""

    column: str
    kind: str
    recoded: bool


class ExpectCodesInList(Counted):
    """Expect the codes of a column, one or several a cell, to fit one level of its lists."""

    column: str
    levels: dict[str, list[str]]
    multiple: bool
    as_collected: bool


class ExpectTruncatedDates(Counted):
    """Expect whole dates, or dates truncated at one level."""

    column: str
    patterns: dict[str, str]
    as_collected: bool


class ExpectCoarseCoordinates(Counted):
    """Expect coordinates with few decimals."""

    column: str
    decimals: int


class ExpectKAnonymity(Counted):
    """Expect every record to share its keys with ``k - 1`` others."""

    keys: list[str]
    k: int
    missing: str


class ExpectLDiversity(Counted):
    """Expect ``ell`` distinct values of a sensitive column, or none, in each class of equal keys."""

    column: str
    keys: list[str]
    ell: int


class ExpectRiskAtMost(Counted):
    """Expect a figure of the judge of records to stay under a limit."""

    figure: str
    keys: list[str]
    limit: float
    missing: str
    weight: str | None = None
    household: str | None = None


class ExpectMinimumCount(Counted):
    """Expect no count from 1 to one under the minimum."""

    column: str
    minimum: int


class ExpectRoundedCounts(Counted):
    """Expect counts that are multiples of a base."""

    column: str
    base: int


class ExpectLinkToHold(Counted):
    """Expect a total to be the sum of its parts."""

    total: str
    parts: list[str]
    slack: float
    rows_allowed: int


class ExpectNoCountGivenAway(Counted):
    """Expect no small count to follow from the others of its row."""

    total: str
    parts: list[str]
    minimum: int
    slack: float
