"""The menu of protections: each takes a table and plain values, and returns a new table."""

from collections.abc import Callable, Mapping

from sdc.steps.aggregation import aggregate_counts
from sdc.steps.attributes import suppress_attributes
from sdc.steps.bands import band_counts, recode_to_bands
from sdc.steps.coordinates import coarsen_coordinates
from sdc.steps.countrounding import round_counts
from sdc.steps.counts import suppress_counts
from sdc.steps.displacement import displace_coordinates
from sdc.steps.households import suppress_household_answers
from sdc.steps.microaggregation import microaggregate
from sdc.steps.noise import add_noise
from sdc.steps.order import shuffle_records, sort_records
from sdc.steps.pram import post_randomise
from sdc.steps.rankswap import swap_ranks
from sdc.steps.recoding import recode
from sdc.steps.recordswap import swap_records
from sdc.steps.removal import drop_columns
from sdc.steps.rounding import round_numbers
from sdc.steps.sites import merge_sites, remove_sensitive_sites
from sdc.steps.suppression import suppress_locally, suppress_sensitive
from sdc.steps.topcoding import bottom_code, top_code
from sdc.steps.weights import average_weights
from sdc.table import Table

STEPS: Mapping[str, Callable[..., Table]] = {
    "drop_columns": drop_columns,
    "aggregate_counts": aggregate_counts,
    "recode": recode,
    "recode_to_bands": recode_to_bands,
    "top_code": top_code,
    "bottom_code": bottom_code,
    "round_numbers": round_numbers,
    "microaggregate": microaggregate,
    "add_noise": add_noise,
    "swap_ranks": swap_ranks,
    "post_randomise": post_randomise,
    "swap_records": swap_records,
    "coarsen_coordinates": coarsen_coordinates,
    "displace_coordinates": displace_coordinates,
    "suppress_locally": suppress_locally,
    "suppress_sensitive": suppress_sensitive,
    "suppress_household_answers": suppress_household_answers,
    "suppress_attributes": suppress_attributes,
    "merge_sites": merge_sites,
    "suppress_counts": suppress_counts,
    "band_counts": band_counts,
    "remove_sensitive_sites": remove_sensitive_sites,
    "round_counts": round_counts,
    "average_weights": average_weights,
    "sort_records": sort_records,
    "shuffle_records": shuffle_records,
}
