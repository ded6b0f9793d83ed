"""The menu of protections: each takes a table and plain values, and returns a new table."""

from collections.abc import Callable, Mapping

from sdc.steps.coordinates import coarsen_coordinates
from sdc.steps.counts import aggregate_counts, round_counts, suppress_counts
from sdc.steps.order import sort_records
from sdc.steps.recoding import recode
from sdc.steps.removal import drop_columns
from sdc.steps.suppression import suppress_locally, suppress_sensitive
from sdc.table import Table

STEPS: Mapping[str, Callable[..., Table]] = {
    "drop_columns": drop_columns,
    "aggregate_counts": aggregate_counts,
    "recode": recode,
    "coarsen_coordinates": coarsen_coordinates,
    "suppress_locally": suppress_locally,
    "suppress_sensitive": suppress_sensitive,
    "suppress_counts": suppress_counts,
    "round_counts": round_counts,
    "sort_records": sort_records,
}
