"""Counts moved a little instead of hidden: small-count rounding, keyed rounding, cell keys."""

import hashlib
import hmac
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy import sparse

from sdc.cells.model import Cells
from sdc.engines.controlledrounding import Rounded
from sdc.errors import PolicyError

_UNIT = 2.0**-64


def small_count_rounding(cells: Cells, base: int) -> Rounded:
    """Round away the small counts inside a table, and let all totals follow.

    Only inner cells below the base that feed a published count below the base are touched: each becomes 0 or the
    base, chosen one by one so that the published counts stay near. The result is one table of inner cells, so all
    tables summed from it agree.

    Parameters
    ----------
    cells : Cells
        Registered from inner cells (``members``).
    base : int, persons

    Returns
    -------
    Rounded
        ``steps`` is 0. Large counts may stay exact: this hides small counts and nothing else.

    Raises
    ------
    PolicyError : when the cells were given as margins.

    Guarantees
    ----------
    * No published count lies between 1 and ``base - 1``.
    * Every identity of the table holds for the rounded counts, exactly.
    * The result does not depend on the order of rows.

    References
    ----------
    Langsrud, Heldal (2018), An algorithm for small count rounding of tabular data, PSD 2018.
    """
    if cells.members is None:
        raise PolicyError("small-count rounding", "the table was given with its totals.", "Give the inner cells.")
    members = cells.members
    by_row = sparse.csc_array(members)
    rounded = cells.counts[_leaves(cells)].copy()
    while True:
        shown = np.rint(members @ rounded).astype(np.int64)
        small = (shown > 0) & (shown < base) & cells.published
        feeding = np.flatnonzero(
            (np.asarray(members.T @ small.astype(np.int64)) > 0) & (rounded > 0) & (rounded < base)
        )
        if not len(feeding):
            break
        rounded = _nearest(by_row, rounded, feeding, base)
    counts = np.rint(members @ rounded).astype(np.int64)
    return Rounded(counts, 0, int(np.abs(counts - cells.counts).max(initial=0)))


def _leaves(cells: Cells) -> np.ndarray:
    """The cell of each inner row: of those that hold it alone, the one that is told most exactly."""
    assert cells.members is not None
    alone = np.flatnonzero(np.diff(cells.members.indptr) == 1)
    told = cells.labels.notna().sum(axis=1).to_numpy()[alone]
    order = alone[np.argsort(told, kind="stable")]
    leaf = np.zeros(cells.members.shape[1], dtype=np.int64)
    leaf[cells.members.indices[cells.members.indptr[order]]] = order
    return leaf


def _nearest(by_row: sparse.csc_array, inner: np.ndarray, feeding: np.ndarray, base: int) -> np.ndarray:
    """Send each feeding inner count to 0 or the base, greedily: the one next that brings all totals nearest."""
    out = inner.copy()
    out[feeding] = 0
    part = sparse.csc_array(by_row[:, feeding])
    totals = sparse.csr_array(part)
    lacking = part @ inner[feeding].astype(np.float64)
    score = part.T @ lacking  # how much a choice brings its totals nearer, but for half its own square
    score -= base * np.diff(part.indptr) / 2
    for _ in range(int(np.rint(inner[feeding].sum() / base))):
        best = int(np.argmax(score))
        out[feeding[best]] = base
        score[best] = -np.inf
        for row in part.indices[part.indptr[best] : part.indptr[best + 1]]:
            score[totals.indices[totals.indptr[row] : totals.indptr[row + 1]]] -= base
    return out


def keyed_uniform(secret: bytes, parts: Sequence[pd.Series | np.ndarray]) -> np.ndarray:
    """A number between 0 and 1 for each row, the same whenever its parts and the secret are the same.

    Parameters
    ----------
    secret : bytes
        Kept in the vault: whoever has it can undo the noise.
    parts : sequence of arrays, (n,)
        What identifies a cell, and its count.

    Returns
    -------
    array of float64, (n,)
        HMAC-SHA256 of the parts, its first 64 bits as a fraction.
    """
    if len(secret) < 16:
        raise PolicyError("rounding secret", "the secret is shorter than 16 bytes.", "Draw 32 random bytes once.")
    frame = pd.DataFrame({str(i): pd.Series(np.asarray(part, dtype=object)) for i, part in enumerate(parts)})
    codes, uniques = pd.factorize(pd.MultiIndex.from_frame(frame.astype("str").where(frame.notna(), "\x00")))
    numbers = np.empty(len(uniques))
    for i, row in enumerate(uniques):
        text = "\x1f".join(f"{len(part)}:{part}" for part in row).encode()
        digest = hmac.new(secret, text, hashlib.sha256).digest()
        numbers[i] = int.from_bytes(digest[:8], "big") * _UNIT
    return numbers[codes]


def random_rounding(labels: pd.DataFrame, counts: np.ndarray, base: int, secret: bytes) -> np.ndarray:
    """Round to one of the two nearest multiples, unbiased, and the same for equal cell and count.

    Parameters
    ----------
    labels : DataFrame, (cells, spanning columns)
        What each cell is; the round is not among them, so that an unchanged count stays unchanged.
    counts : array of int, (cells,)
    base : int, persons
    secret : bytes

    Returns
    -------
    array of int64, (cells,)
        Not additive: use ``controlled_rounding`` where sums must hold.

    Guarantees
    ----------
    * Every count is a multiple of the base nearer than the base to the true one; multiples stay.
    * Equal cell and count give equal results in every table and round: nothing averages out.
    """
    whole, rest = np.divmod(np.asarray(counts, dtype=np.int64), base)
    draw = keyed_uniform(secret, [*(labels[column] for column in labels.columns), counts])
    return base * (whole + (draw < rest / base))


@dataclass(frozen=True, eq=False)
class NoiseTable:
    """The p-table: how likely each noise is for each small count.

    Attributes
    ----------
    probability : array of float64, (counts 0 .. largest, 2 * most + 1)
        Column j is the noise ``j - most``; the last row serves all greater counts too.
    most : int, persons
    """

    probability: np.ndarray
    most: int


def noise_table(most: int, variance: float, *, least_shown: int = 0) -> NoiseTable:
    """Noise of greatest entropy that is bounded, unbiased and makes no count negative.

    Parameters
    ----------
    most : int, persons
        Greatest noise, D.
    variance : float, persons squared
        Of the noise, where a count is far enough from zero to allow it.
    least_shown : int
        Counts from 1 to ``least_shown - 1`` never appear; 0 and 1 allow all.

    Returns
    -------
    NoiseTable
        Row 0 is no noise: an empty cell stays empty.

    Raises
    ------
    PolicyError : when no such noise exists for these numbers.

    References
    ----------
    Giessing (2016), Computational issues in the design of transition probabilities, PSD 2016; Thompson, Broadfoot,
    Elazar (2013) for the method of cell keys.
    """
    noise = np.arange(-most, most + 1)
    last = most + max(least_shown, 1)
    table = np.zeros((last + 1, len(noise)))
    table[0, most] = 1
    for count in range(1, last + 1):
        shown = count + noise
        allowed = (shown >= 0) & ~((shown > 0) & (shown < least_shown))
        table[count, allowed] = _greatest_entropy(noise[allowed].astype(np.float64), variance)
    return NoiseTable(table, most)


def _greatest_entropy(noise: np.ndarray, variance: float) -> np.ndarray:
    """Probabilities proportional to exp(a x - b x^2) with mean 0 and the variance asked, as near as it can be."""
    if noise.min() > 0 or noise.max() < 0:
        raise PolicyError("noise table", "no unbiased noise exists for some count.", "Raise the greatest noise.")
    low, high = 0.0, 50.0

    def tilted(curve: float) -> np.ndarray:
        left, right = -50.0, 50.0
        for _ in range(100):
            tilt = (left + right) / 2
            weight = tilt * noise - curve * noise**2
            share = np.exp(weight - weight.max())
            share /= share.sum()
            left, right = (tilt, right) if share @ noise < 0 else (left, tilt)
        return share

    low = -2.0
    for _ in range(100):
        curve = (low + high) / 2
        share = tilted(curve)
        low, high = (low, curve) if share @ noise**2 < variance else (curve, high)
    return tilted((low + high) / 2)


def cell_key_noise(
    cells: Cells, table: NoiseTable, secret: bytes, *, record_keys: np.ndarray | None = None
) -> np.ndarray:
    """Perturb every count by noise that its members decide: the same cell, the same noise, in every table.

    Parameters
    ----------
    cells : Cells
        Registered from records or inner cells (``members``).
    table : NoiseTable
    secret : bytes
    record_keys : array of float64, (records,), optional
        A random number between 0 and 1 for each record, drawn once for all releases. Without them the inner cell
        and its count give the key.

    Returns
    -------
    array of int64, (cells,)
        Not additive, never negative; an empty cell stays empty.

    Guarantees
    ----------
    * Two cells with the same members have the same noise, whatever the table.
    * A cell whose members and counts are unchanged keeps its noise from round to round.

    References
    ----------
    Thompson, Broadfoot, Elazar (2013), Methodology for the automatic confidentialisation of statistical outputs.
    """
    if cells.members is None:
        raise PolicyError("cell keys", "the table was given with its totals.", "Give the records or inner cells.")
    if record_keys is None:
        leaf = _leaves(cells)
        inner, labels = cells.counts[leaf], cells.labels.iloc[leaf]
        keys = np.where(inner > 0, keyed_uniform(secret, [*(labels[name] for name in labels), inner]), 0.0)
    else:
        keys = np.bincount(cells.of_record, weights=record_keys, minlength=cells.members.shape[1]) % 1
    fine = np.floor(keys * 2**40)  # whole numbers add up the same in any order
    cell_key = (np.rint(cells.members @ fine) % 2**40) / 2**40
    row = np.minimum(cells.counts, len(table.probability) - 1)
    reach = np.cumsum(table.probability, axis=1)[row]
    column = np.minimum((cell_key[:, None] >= reach - 1e-12).sum(axis=1), 2 * table.most)
    return cells.counts + column - table.most
