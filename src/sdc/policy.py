"""How safe is safe enough: the numbers of a policy, each with its reason."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Generic, Literal, Self, TypeVar

from pydantic import Field, model_validator

from sdc.dictionary import Geography, Sensitivity
from sdc.documents import Frozen, build, read_document
from sdc.errors import PolicyError

T = TypeVar("T")


class Rule(Frozen, Generic[T]):
    """One number of a policy, why it is that number, and what a breach does.

    `stop`: the plan protects to it, and a breach is a failed verdict. `warn`: it is measured, and a breach is told
    to the reviewer. `report`: it is measured and told.
    """

    value: T
    because: str = Field(min_length=10)
    breach: Literal["stop", "warn", "report"] = "stop"
    warn_at: T | None = None


Share = float
Keep = Literal["keep", "drop"]
CountMethod = Literal["suppress", "controlled", "small_count", "random", "cell_key", "none"]


class Terms(Frozen):
    """What a recipient agrees to."""

    licence: str
    credit: str
    contact: str = Field(default="dtm-data@country.example", min_length=3)  # reaches nobody: see `sdc check`
    conditions: tuple[str, ...] = Field(min_length=1)


class Policy(Frozen):
    """The promises that a release keeps. Field by field: what is promised, in which unit."""

    policy: str
    title: str
    tier: Literal["public", "restricted", "internal"]
    free_text: Rule[Keep]
    highest_sensitivity: Rule[Sensitivity]
    household_links: Rule[Keep]
    minimum_alike_households: Rule[int]
    lowest_geography_records: Rule[Geography]
    lowest_geography_counts: Rule[Geography]
    coordinate_decimals: Rule[int | None]
    missing: Rule[Literal["wildcard", "category"]]
    k: Rule[int]
    ell: Rule[int]
    max_individual_risk: Rule[Share]
    max_global_risk: Rule[Share]
    max_household_risk: Rule[Share]
    minimum_count: Rule[int]
    minimum_households: Rule[int]
    minimum_sensitive_count: Rule[int]
    zeros: Rule[Literal["show", "hide"]]
    minimum_contributors: Rule[int]
    dominance: Rule[tuple[int, float] | None]
    p_percent: Rule[float | None]
    group_disclosure: Rule[Literal["show", "hide"]]
    margins: Rule[tuple[Geography, ...]]
    secondary_suppression: Rule[Literal["required", "none"]]
    last_round: Rule[Literal["known", "unknown"]]
    own_count: Rule[Literal["known", "unknown"]]
    which_primary: Rule[Literal["known", "unknown"]]
    count_method: Rule[CountMethod]
    rounding_base: Rule[int]
    cell_noise: Rule[tuple[int, float] | None]
    small_sites: Rule[Literal["suppress", "band", "merge"]]
    count_bands: Rule[tuple[int, ...]]
    sensitive_sites: Rule[Literal["remove", "keep"]]
    minimum_attribute_persons: Rule[int]
    coordinate_displacement: Rule[tuple[float, float] | None]
    sensitive_amounts: Rule[Literal["keep", "recode", "drop"]]
    minimum_width: Rule[float]
    minimum_change: Rule[int]
    max_linked: Rule[Share]
    max_suppressed_counts: Rule[Share]
    max_suppressed_values: Rule[Share]
    max_suppressed_records: Rule[Share]
    engine: Rule[Literal["native", "sdcmicro"]]
    terms: Terms
    components: dict[str, dict[str, dict]] = {}

    @model_validator(mode="after")
    def _sane(self) -> Self:
        for name, low, high in (
            ("k", 1, None),
            ("ell", 1, None),
            ("minimum_alike_households", 1, None),
            ("minimum_count", 1, None),
            ("minimum_households", 1, None),
            ("minimum_sensitive_count", 1, None),
            ("minimum_contributors", 1, None),
            ("minimum_attribute_persons", 1, None),
            ("rounding_base", 1, None),
            ("minimum_width", 1, None),
            ("minimum_change", 1, None),
            ("max_linked", 0, 1),
            ("max_suppressed_counts", 0, 1),
            ("max_individual_risk", 0, 1),
            ("max_global_risk", 0, 1),
            ("max_household_risk", 0, 1),
            ("max_suppressed_values", 0, 1),
            ("max_suppressed_records", 0, 1),
        ):
            value = getattr(self, name).value
            if value < low or (high is not None and value > high):
                raise ValueError(f"`{name}` must lie from {low} to {high if high is not None else 'any number above'}")
        return self

    @model_validator(mode="after")
    def _counts_agree(self) -> Self:
        method, least = self.count_method.value, max(self.minimum_count.value, self.minimum_households.value)
        if method in ("controlled", "small_count", "random") and self.rounding_base.value < least:
            raise ValueError(f"`rounding_base` must be {least} at least, the least count that is shown, for `{method}`")
        if method == "cell_key" and (self.cell_noise.value is None or self.cell_noise.value[0] < least):
            raise ValueError(f"`cell_noise` must reach {least} at least, the least count that is shown")
        bands = self.count_bands.value
        if list(bands) != sorted(set(bands)) or min(bands, default=2) < 2:
            raise ValueError("`count_bands` must rise from 2 or more")
        if self.small_sites.value == "band" and (not bands or bands[0] < least):
            raise ValueError(f"`count_bands` must begin at {least} or above, the least count that is shown")
        if self.dominance.value is not None and not (
            self.dominance.value[0] >= 1 and 0 < self.dominance.value[1] <= 100
        ):
            raise ValueError("`dominance` is a number of places and a share from 0 to 100 per cent")
        if self.p_percent.value is not None and not 0 < self.p_percent.value <= 100:
            raise ValueError("`p_percent` must lie from 0 to 100")
        return self

    def rules(self) -> Iterator[tuple[str, Rule]]:
        """All rules with their names, in the order of the document."""
        for name in type(self).model_fields:
            rule = getattr(self, name)
            if isinstance(rule, Rule):
                yield name, rule

    def least_count(self, unit: str | None) -> Rule[int]:
        """The rule of the least count that is shown, for a count of this unit."""
        return self.minimum_households if unit == "households" else self.minimum_count

    def for_component(self, component: str) -> "Policy":
        """The policy as it stands for one component, its overrides applied."""
        changes = self.components.get(component, {})
        content = self.model_dump(mode="json", exclude={"components"})
        for name in changes:
            if not isinstance(content.get(name), dict) or name == "terms":
                raise PolicyError(f"policy `{self.policy}`, components.{component}", f"`{name}` is no rule")
            if "because" not in changes[name]:
                where = f"policy `{self.policy}`, components.{component}.{name}"
                raise PolicyError(where, "changes a rule without a reason of its own", "Add `because`.")
        merged = {**content, **{name: {**content[name], **change} for name, change in changes.items()}}
        return build(merged, f"policy `{self.policy}`, components.{component}", Policy, PolicyError)


_LESS_IS_WEAKER = ("k", "ell", "minimum_", "rounding_base")
_MORE_IS_WEAKER = ("max_individual_risk", "max_global_risk", "max_household_risk", "max_linked")
_RANKED: dict[str, tuple[str, ...]] = {
    "highest_sensitivity": tuple(Sensitivity),
    "lowest_geography_": tuple(Geography),
    **dict.fromkeys(("last_round", "own_count", "which_primary"), ("known", "unknown")),
}
_NO_PROTECTION = ("engine", "max_suppressed_")  # who does the work, and what it may cost
_BREACHES = ("stop", "warn", "report")


def policy_numbers(policy: Policy) -> dict[str, list]:
    """What a policy promises, without its words: value and breach of each rule, as plain values."""
    content = policy.model_dump(mode="json")
    return {name: [content[name]["value"], content[name]["breach"]] for name, _ in policy.rules()}


def weaker_rules(now: Mapping[str, list], granted: Mapping[str, list]) -> list[str]:
    """Names of the rules that promise less than they did when they were granted.

    Parameters
    ----------
    now, granted : mapping
        From `policy_numbers`.

    Returns
    -------
    list of str
        A rule counts where its number went the weaker way, where a breach no longer stops what it stopped, where it was
        not there, and, of rules that know no order, where it is another at all.
    """
    return [name for name in sorted({*now, *granted}) if _is_weaker(name, now.get(name), granted.get(name))]


def _is_weaker(name: str, now: list | None, granted: list | None) -> bool:
    if name.startswith(_NO_PROTECTION) or now == granted:
        return False
    if now is None or granted is None or _BREACHES.index(now[1]) > _BREACHES.index(granted[1]):
        return True
    value, before = now[0], granted[0]
    if name.startswith(_LESS_IS_WEAKER):
        return value < before
    if name.startswith(_MORE_IS_WEAKER):
        return value > before
    for ranked, order in _RANKED.items():
        if name.startswith(ranked):
            return order.index(value) > order.index(before)
    return value != before


def read_policy(path: Path) -> Policy:
    """Read a policy, and check each component's overrides too.

    Raises
    ------
    PolicyError : with one fault for each wrong entry.
    """
    policy = read_document(path, Policy, PolicyError)
    if policy.policy != path.stem:
        raise PolicyError(str(path), f"is named `{policy.policy}` inside", "Name the file as the policy.")
    for component in policy.components:
        policy.for_component(component)
    return policy
