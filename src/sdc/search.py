"""How far each key must be recoded so that the policy's promises cost few suppressed values."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from sdc.dictionary import Role, Variable
from sdc.errors import DisclosureError
from sdc.keys import key_classes
from sdc.policy import Policy
from sdc.risk.frequencies import frequencies
from sdc.risk.summary import assess_risk
from sdc.steps.recoding import can_recode, coarsened
from sdc.steps.suppression import suppress_locally, suppress_sensitive
from sdc.table import Table
from sdc.utility import granularity_loss

Levels = tuple[int, ...]

# Suppression is tried only where it can succeed. Where more records want it than may lose a value at all, their share
# guides the search instead, far above any excess that is really measured.
FAR = 1e6

# Which of several records with equal keys loses a value hangs on columns that come and go after the search. With
# weights or households that moves the risk a little, so the search stays a little below its limit.
NEAR = 0.99


@dataclass(eq=False)
class _Trial:
    """What is known while levels are searched: the table, the budget, and each column at each level tried."""

    table: Table
    collected: Table
    policy: Policy
    importance: Mapping[str, float]
    keys: list[str]
    columns: dict[tuple[str, int], pd.Series] = field(default_factory=dict)
    losses: dict[tuple[str, int], float] = field(default_factory=dict)
    excesses: dict[Levels, float] = field(default_factory=dict)

    @property
    def ties(self) -> list[str]:
        """Weights and households as collected: the worst case is that an intruder has them, released or not."""
        return self.collected.names(Role.WEIGHT, Role.HOUSEHOLD)

    def top(self, key: str) -> int:
        """One level above the hierarchy the key is dropped."""
        variable = self.table[key]
        return (variable.top if can_recode(variable) else 0) + 1

    def column(self, key: str, level: int) -> pd.Series:
        if (key, level) not in self.columns:
            values = self.table.rows[key]
            self.columns[key, level] = coarsened(values, self.table[key], level) if level else values
        return self.columns[key, level]

    def closed(self, levels: Levels) -> Levels:
        """A key that follows a dropped or recoded one would give it back: it is dropped too."""
        level = dict(zip(self.keys, levels, strict=True))
        for key in self.keys:
            if level[key]:
                for follower in self.table.followers(key):
                    if follower in level:
                        level[follower] = self.top(follower)
        return tuple(level[key] for key in self.keys)

    def loss(self, levels: Levels) -> float:
        """Sum over keys of the mean granularity loss, each weighted by its importance."""
        total = 0.0
        for key, level in zip(self.keys, levels, strict=True):
            if (key, level) not in self.losses:
                self.losses[key, level] = self._column_loss(self.table[key], key, level)
            total += self.losses[key, level] * self.importance.get(key, 1.0)
        return total

    def _column_loss(self, variable: Variable, key: str, level: int) -> float:
        if level == 0:
            return 0.0
        if level == self.top(key):
            return 1.0
        cells = granularity_loss(variable, level, self.column(key, level))
        observed = self.table.rows[key].notna().to_numpy()
        return float(cells[observed].mean()) if observed.any() else 0.0

    def recoded(self, levels: Levels) -> Table:
        """The table as it would be at these levels, reduced to what the budget speaks of."""
        level = dict(zip(self.keys, levels, strict=True))
        kept = [key for key in self.keys if level[key] < self.top(key)]
        others = [name for name in self.table.names(Role.HOUSEHOLD, Role.SENSITIVE) if name not in kept]
        rows = pd.DataFrame({key: self.column(key, level[key]) for key in kept} | dict(self.table.rows[others].items()))
        return Table(rows, tuple(self.table[name] for name in [*kept, *others]), ())

    def excess(self, levels: Levels) -> float:
        """By how much these levels overdraw the policy's budget, in sum; 0 when they keep it."""
        if levels not in self.excesses:
            self.excesses[levels] = self._excess(self.recoded(levels))
        return self.excesses[levels]

    def _excess(self, table: Table) -> float:
        policy, keys = self.policy, [key for key in self.keys if key in table]
        if not keys:
            return 0.0
        classes = key_classes(table.rows, keys)
        short = classes.records[frequencies(classes, missing=policy.missing.value).fk < policy.k.value].sum()
        share = float(short) / max(len(table), 1)
        if share > policy.max_suppressed_records.value:
            return FAR + share
        hidden = suppress_locally(
            table,
            keys,
            policy.k.value,
            missing=policy.missing.value,
            importance=self.importance,
            household=table.name(Role.HOUSEHOLD),
        )
        gone = {key: table.rows[key].notna().to_numpy() & hidden.rows[key].isna().to_numpy() for key in keys}
        shares = [gone[key].sum() / max(int(table.rows[key].notna().sum()), 1) for key in keys]
        touched = np.logical_or.reduce([gone[key] for key in keys]).mean() if len(table) else 0.0
        if policy.ell.breach == "stop" and policy.ell.value > 1:
            for sensitive in table.names(Role.SENSITIVE):
                before = int(hidden.rows[sensitive].notna().sum())
                after = int(suppress_sensitive(hidden, keys, sensitive, policy.ell.value).rows[sensitive].notna().sum())
                shares.append((before - after) / max(before, 1))
        over = [_over(share, policy.max_suppressed_values.value) for share in shares]
        over.append(_over(float(touched), policy.max_suppressed_records.value))
        if "stop" in (policy.max_global_risk.breach, policy.max_household_risk.breach):
            risk = assess_risk(
                hidden.rows[keys].assign(**{name: self.collected.rows[name] for name in self.ties}),
                keys,
                weight=self.collected.name(Role.WEIGHT),
                household=self.collected.name(Role.HOUSEHOLD),
                missing=policy.missing.value,
            )
            if policy.max_global_risk.breach == "stop":
                over.append(_over(risk["global_risk"], NEAR * policy.max_global_risk.value))
            if policy.max_household_risk.breach == "stop" and risk["global_household_risk"] is not None:
                over.append(_over(risk["global_household_risk"], NEAR * policy.max_household_risk.value))
        return float(sum(over))


def _over(observed: float, limit: float) -> float:
    return max(0.0, observed - limit) / max(limit, 1e-6)


def lowest_levels(table: Table, collected: Table, policy: Policy, importance: Mapping[str, float]) -> dict[str, int]:
    """The levels of all keys at which suppression, diversity and risk stay inside the policy's budget.

    Two searches, one up from nothing recoded, one down from everything dropped; each then comes down wherever a step
    proves unneeded, and exchanges a step of one key for a step of another while that costs less. The better of the
    two is taken. Deterministic; a local optimum: no key can be one level finer, alone or for one level of another.

    Parameters
    ----------
    table : Table, records
        As it would leave but for its levels: with a household number only where that leaves.
    collected : Table
        The same records as ingested: weights and households count even where they are not released.
    policy : Policy
        Its `k`, `ell`, budgets of suppression and limits of risk, as far as their breach is `stop`.
    importance : mapping of key to weight
        What each key is worth to the requester; default 1.

    Returns
    -------
    dict of key to level, keys above level 0 only
        One level above the hierarchy means that the key is dropped.

    Raises
    ------
    DisclosureError : when not even dropping keys keeps the promises.
    """
    trial = _Trial(table, collected, policy, importance, table.keys())
    found = [_exchanged(trial, _lowered(trial, start)) for start in (_climbed(trial), _top(trial))]
    best = min(found, key=lambda levels: (trial.loss(levels), levels))
    return {key: level for key, level in zip(trial.keys, best, strict=True) if level}


def _climbed(trial: _Trial) -> Levels:
    """From nothing recoded upwards, each time by the step that relieves the budget most for what it costs."""
    levels = tuple(0 for _ in trial.keys)
    while trial.keys and trial.excess(levels) > 0:
        steps = [step for step in (_moved(trial, levels, key, 1) for key in trial.keys) if step is not None]
        if not steps:
            raise DisclosureError(
                f"policy `{trial.policy.policy}`",
                "cannot be met for this file, whatever is recoded or dropped",
                "Ask for more records, fewer sensitive variables, or a policy that fits the tier.",
            )
        now, cost = trial.excess(levels), trial.loss(levels)
        relief = [(now - trial.excess(step)) / (trial.loss(step) - cost + 0.01) for step in steps]
        levels = steps[int(np.argmax(relief))]
    return levels


def _top(trial: _Trial) -> Levels:
    """Every key dropped: nothing to protect."""
    return tuple(trial.top(key) for key in trial.keys)


def _lowered(trial: _Trial, levels: Levels) -> Levels:
    """Take back every step that the budget can spare, the costliest first."""
    while True:
        finer = [step for step in (_moved(trial, levels, key, -1) for key in trial.keys) if step is not None]
        better = _cheapest(trial, levels, finer)
        if better is None:
            return levels
        levels = better


def _exchanged(trial: _Trial, levels: Levels) -> Levels:
    """Make one key coarser where another becomes finer for it, as long as the two together cost less."""
    while True:
        pairs: set[Levels] = set()
        for key in trial.keys:
            coarser = _moved(trial, levels, key, 1)
            if coarser is not None:
                finer = (_moved(trial, coarser, other, -1) for other in trial.keys if other != key)
                pairs |= {step for step in finer if step is not None}
        better = _cheapest(trial, levels, pairs)
        if better is None:
            return levels
        levels = _lowered(trial, better)


def _cheapest(trial: _Trial, levels: Levels, steps: Iterable[Levels]) -> Levels | None:
    """The step of least loss that keeps the budget and costs less than now; None where there is none."""
    now = trial.loss(levels)
    cheaper = sorted((loss, step) for loss, step in ((trial.loss(step), step) for step in steps) if loss < now)
    return next((step for _, step in cheaper if trial.excess(step) == 0), None)


def _moved(trial: _Trial, levels: Levels, key: str, by: int) -> Levels | None:
    """The levels with one key moved; None where it cannot move."""
    place = trial.keys.index(key)
    level = levels[place] + by
    if not 0 <= level <= trial.top(key):
        return None
    moved = trial.closed((*levels[:place], level, *levels[place + 1 :]))
    return moved if moved != levels else None
