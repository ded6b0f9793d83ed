"""The recoding search against all levels, tried one by one with a count written here."""

from itertools import product

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import sdc.engines.recoding as recoding
from sdc.engines.hierarchies import Hierarchy, leaf_codes, recoded
from sdc.engines.local_recoding import recode_locally
from sdc.engines.recoding import Promise, best_recoding, lattice
from sdc.errors import DisclosureError
from sdc.keys import encode, merged


def coarsened(rng, leaves: int) -> np.ndarray:
    """Codes of a random hierarchy, each level a coarsening of the one before, the last one label."""
    levels = [np.arange(leaves)]
    while levels[-1].max() > 0:
        groups = max(1, int(levels[-1].max() + 1) // 2)
        levels.append(np.unique(rng.integers(0, groups, levels[-1].max() + 1)[levels[-1]], return_inverse=True)[1])
    return np.stack(levels).astype(np.int32)


@st.composite
def files(draw):
    """Rows of 1 to 3 keys with their hierarchies and a sensitive column."""
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    n, m = draw(st.integers(3, 60)), draw(st.integers(1, 3))
    hierarchies, columns = [], {}
    for j in range(m):
        leaves = int(rng.integers(1, 7))
        codes = coarsened(rng, leaves)
        labels = tuple(
            pd.Index([f"{level}-{code}" for code in range(row.max() + 1)]) for level, row in enumerate(codes)
        )
        hierarchies.append(Hierarchy(f"q{j}", labels[0][codes[0]], codes, labels))
        columns[f"q{j}"] = labels[0][codes[0]][rng.integers(0, leaves, n)]
    rows = pd.DataFrame(columns).mask(
        pd.DataFrame(rng.random((n, m)) < draw(st.sampled_from([0, 0.1])), columns=[*columns])
    )
    return rows.assign(other=rng.integers(0, 3, n)), hierarchies


def prepared(rows, hierarchies, loss="granularity"):
    codes = np.column_stack([leaf_codes(rows, hierarchies), encode(rows["other"])[0]])
    classes, number = merged(codes.astype(np.int32))
    return lattice(classes[:, :-1], np.bincount(number), hierarchies, sensitive=classes[:, -1], loss=loss), number


def exhaustive(rows, hierarchies, promise, limit):
    """Least score over all levels, from the released table itself."""
    best = np.inf
    for levels in product(*(range(len(h.codes)) for h in hierarchies)):
        names = [h.name for h in hierarchies]
        table = recoded(rows, hierarchies, dict(zip(names, levels, strict=True)))
        for h, level in zip(hierarchies, levels, strict=True):
            if len(h.labels[level]) == 1:
                table[h.name] = "*"
        groups = rows["other"].groupby([table[name].fillna("?") for name in names])
        lost = (groups.transform("size") < promise.k) | (groups.transform("nunique") < promise.ell)
        lost = lost.to_numpy()
        if lost.sum() > limit * len(rows):
            continue
        logs = []
        for h, level in zip(hierarchies, levels, strict=True):
            leaves = len(h.leaves)
            at = h.leaves.get_indexer(rows[h.name])
            share = np.where(at < 0, 1.0, np.bincount(h.codes[level])[h.codes[level]][at] / leaves)
            total = np.where(lost, 1.0, share).sum() / len(rows)
            logs.append(np.log1p((total - 1 / leaves) / (1 - 1 / leaves) if leaves > 1 else 0.0))
        best = min(best, np.exp(np.mean(logs)) - 1)
    return best


@settings(max_examples=80, deadline=None)
@given(files(), st.integers(1, 6), st.sampled_from([1, 2]), st.sampled_from([0.0, 0.1, 0.5, 1.0]))
def test_no_other_levels_within_the_limit_have_a_lower_score(file, k, ell, limit):
    rows, hierarchies = file
    promise, least = Promise(k, ell), exhaustive(*file, Promise(k, ell), limit)
    given_lattice, _ = prepared(rows, hierarchies)
    if np.isinf(least):
        with pytest.raises(DisclosureError):
            best_recoding(given_lattice, promise, limit)
        return
    found = best_recoding(given_lattice, promise, limit)
    assert found.optimal
    assert found.score == pytest.approx(least, abs=1e-9)
    assert found.suppressed <= limit * len(rows)


@settings(max_examples=40, deadline=None)
@given(files(), st.integers(1, 5), st.sampled_from(["granularity", "entropy", "discernibility"]), st.integers(0, 99))
def test_the_same_file_gives_the_same_levels_in_whatever_order(file, k, loss, seed):
    rows, hierarchies = file
    first = best_recoding(prepared(rows, hierarchies, loss)[0], Promise(k), 1.0)
    again = best_recoding(prepared(rows.sample(frac=1, random_state=seed), hierarchies, loss)[0], Promise(k), 1.0)
    assert first == again


@settings(max_examples=40, deadline=None)
@given(files(), st.integers(1, 5), st.sampled_from([0.05, 1.0]))
def test_the_search_without_proof_keeps_the_limit_and_is_no_better_than_the_optimum(file, k, limit):
    given_lattice, _ = prepared(*file)
    try:
        best = best_recoding(given_lattice, Promise(k), limit)
    except DisclosureError:
        return
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(recoding, "_LARGEST", 0)
        found = best_recoding(given_lattice, Promise(k), limit)
    assert not found.optimal
    assert found.suppressed <= limit * len(file[0])
    assert found.score >= best.score - 1e-9


@settings(max_examples=60, deadline=None)
@given(files(), st.integers(1, 5), st.sampled_from([1, 2]))
def test_local_recoding_keeps_the_promise_and_is_no_worse(file, k, ell):
    rows, hierarchies = file
    given_lattice, number = prepared(rows, hierarchies)
    promise = Promise(k, ell)
    best = best_recoding(given_lattice, promise, 1.0)
    found = recode_locally(given_lattice, promise, best.levels)
    assert found.score <= best.score + 1e-9
    levels, lost = found.levels[number], found.suppressed[number]
    released = pd.DataFrame(index=rows.index)
    for j, h in enumerate(hierarchies):
        at = h.leaves.get_indexer(rows[h.name])
        code = np.where(at < 0, -1, h.codes[levels[:, j], at])
        top = np.array([len(labels) == 1 for labels in h.labels])[levels[:, j]]
        released[h.name] = np.where(top, "*", [f"{a}:{b}" for a, b in zip(levels[:, j], code, strict=True)])
    kept = released[~lost]
    if len(kept):
        groups = rows.loc[~lost, "other"].groupby([kept[name] for name in kept])
        assert groups.size().min() >= k
        assert groups.nunique().min() >= ell
