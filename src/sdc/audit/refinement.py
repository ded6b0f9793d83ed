"""The common refinement of what several releases tell: one registry of cells, one matrix, one interval a cell."""

from collections.abc import Container, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy import sparse

from sdc.audit.facts import Facts
from sdc.cells.model import Cells
from sdc.dictionary import Link

_ODD = np.uint64(0x9E3779B97F4A7C15)


@dataclass(frozen=True, eq=False)
class Refinement:
    """All that a knowledge set tells of counts.

    Attributes
    ----------
    cells : Cells
        Atoms (the finest areas that any release tells apart) and released sums of atoms, one cell a column each.
    lower, upper : array of float64, (cells,)
        What is told of each cell outright; the truth lies between.
    suppressed : array of bool, (cells,)
        Cells that some release holds and does not show.
    shown : array of bool, (cells,)
        Cells that some release shows exactly.
    about : DataFrame, (cells,)
        `column`, `round`, `place`, `depth`, and `rows`: how many collected rows a cell sums.
    """

    cells: Cells
    lower: np.ndarray
    upper: np.ndarray
    suppressed: np.ndarray
    shown: np.ndarray
    about: pd.DataFrame


def refine(facts: Sequence[Facts], links: Sequence[Link], silent: Container[int] = ()) -> Refinement:
    """Put what several releases tell into one system of cells.

    Rows that no release tells apart are one atom, so that the system grows with what was released and not with what
    was collected. Areas need not nest: old and new boundaries, sites and districts are all sums of atoms.

    Parameters
    ----------
    facts : sequence of Facts, of counts
    links : sequence of Link
        Identities between counts of one row; each is used in every area in which it is true.
    silent : container of int
        Positions of releases that shape the areas and tell nothing: what would be known without them.

    Returns
    -------
    Refinement

    Guarantees
    ----------
    * The true counts satisfy every identity and lie in every interval.
    * One more release never widens an interval.
    """
    base = pd.concat([one.base for one in facts], ignore_index=True)
    columns = [name for name in base.columns if name != "key"]
    base = base.groupby("key", sort=True)[columns].first()
    of_key = pd.Series(np.arange(len(base)), index=base.index)
    pieces, starts, first_row = [], [], 0
    for one in facts:
        starts.append(first_row)
        pieces.append(
            pd.DataFrame(
                {"row": one.members["row"].to_numpy() + first_row, "at": of_key[one.members["key"]].to_numpy()}
            )
        )
        first_row += len(one.rows)
    members = pd.concat(pieces, ignore_index=True)
    rows = pd.concat([one.rows for one in facts], ignore_index=True)
    area_of_row, atom_of_base, area_atoms = _areas(members, first_row, len(base))
    areas = len(area_atoms.indptr) - 1
    size = np.bincount(atom_of_base)
    truth = area_atoms @ _summed(base[columns].fillna(0).to_numpy(), atom_of_base, len(size))
    where = _of_area(rows, area_of_row, areas)
    told = pd.concat(
        [
            one.cells.assign(area=area_of_row[one.cells["row"] + start], silent=number in silent)
            for number, (one, start) in enumerate(zip(facts, starts, strict=True))
        ]
    )
    quiet = told["silent"].to_numpy()
    told["low"], told["high"] = told["low"].where(~quiet, 0.0), told["high"].where(~quiet, np.inf)
    told["suppressed"] &= ~quiet
    told["column"] = pd.Categorical(told["column"], categories=columns).codes
    told = told.groupby(["area", "column"]).agg(
        low=("low", "max"), high=("high", "min"), suppressed=("suppressed", "max")
    )
    used = sorted(set(told.index.get_level_values("column")) | _tied(columns, links, told))
    number = np.full((areas, len(columns)), -1, dtype=np.int64)
    wanted = np.zeros((areas, len(columns)), dtype=bool)
    wanted[: len(size), used] = True  # atoms come first
    wanted[told.index.get_level_values("area"), told.index.get_level_values("column")] = True
    number[wanted] = np.arange(int(wanted.sum()))
    at_area, at_column = np.nonzero(wanted)
    counts = truth[wanted]
    lower, upper = np.zeros(len(counts)), np.full(len(counts), np.inf)
    position = number[told.index.get_level_values("area"), told.index.get_level_values("column")]
    lower[position], upper[position] = told["low"].to_numpy(), told["high"].to_numpy()
    lower, upper = np.minimum(lower, counts), np.maximum(upper, counts)  # a belief that is false helps nobody
    suppressed, shown = np.zeros(len(counts), dtype=bool), np.zeros(len(counts), dtype=bool)
    suppressed[position] = told["suppressed"].to_numpy(dtype=bool)
    shown[position] = told["low"].to_numpy() >= told["high"].to_numpy()
    about = pd.DataFrame(
        {
            "column": np.array(columns, dtype=object)[at_column],
            "round": where["round"].to_numpy()[at_area],
            "place": where["place"].to_numpy()[at_area],
            "depth": where["depth"].to_numpy()[at_area],
            "rows": (area_atoms @ size)[at_area].astype(np.int64),
            "atom": at_area < len(size),
        }
    )
    identities, of_identity = _identities(area_atoms, number, truth, columns, links, len(size))
    return Refinement(
        _cells(counts, identities, of_identity, suppressed, position, about),
        lower,
        upper,
        suppressed,
        shown,
        about,
    )


def _areas(members: pd.DataFrame, rows: int, collected: int) -> tuple[np.ndarray, np.ndarray, sparse.csr_array]:
    """Area of each released row, atom of each collected row, and which atoms each area holds; atoms come first."""
    weight = _ODD * (np.arange(rows, dtype=np.uint64) + np.uint64(1))
    weight ^= weight >> np.uint64(29)
    weight *= np.uint64(0xBF58476D1CE4E5B9)
    weight ^= weight >> np.uint64(32)
    weight *= np.uint64(0x94D049BB133111EB)
    signature = np.zeros((collected, 2), dtype=np.uint64)  # rows told apart by no release have one signature
    np.add.at(signature[:, 0], members["at"].to_numpy(), weight[members["row"]])
    np.add.at(signature[:, 1], members["at"].to_numpy(), weight[members["row"]] * weight[members["row"]] | np.uint64(1))
    atom_of_base = pd.MultiIndex.from_arrays([signature[:, 0], signature[:, 1]]).factorize()[0].astype(np.int64)
    atoms = int(atom_of_base.max(initial=-1)) + 1
    pairs = pd.DataFrame({"row": members["row"], "atom": atom_of_base[members["at"]]}).drop_duplicates()
    inside = sparse.csr_array(
        (np.ones(len(pairs)), (pairs["row"].to_numpy(), pairs["atom"].to_numpy())), shape=(rows, atoms)
    )
    inside.sort_indices()
    known: dict[bytes, int] = {np.array([atom], dtype=inside.indices.dtype).tobytes(): atom for atom in range(atoms)}
    held = [np.array([atom], dtype=np.int64) for atom in range(atoms)]
    area = np.empty(rows, dtype=np.int64)
    for row in range(rows):
        own = inside.indices[inside.indptr[row] : inside.indptr[row + 1]]
        found = known.setdefault(own.tobytes(), len(held))
        if found == len(held):
            held.append(own.astype(np.int64))
        area[row] = found
    lengths = [len(one) for one in held]
    area_atoms = sparse.csr_array(
        (np.ones(sum(lengths)), np.concatenate(held) if held else np.empty(0, np.int64), np.cumsum([0, *lengths])),
        shape=(len(held), atoms),
    )
    return area, atom_of_base, area_atoms


def _summed(values: np.ndarray, group: np.ndarray, groups: int) -> np.ndarray:
    matrix = sparse.csr_array((np.ones(len(group)), (group, np.arange(len(group)))), shape=(groups, len(group)))
    return matrix @ values


def _of_area(rows: pd.DataFrame, area_of_row: np.ndarray, areas: int) -> pd.DataFrame:
    """Round, place and depth of each area; the finest name that a release gives it."""
    named = rows.assign(area=area_of_row).drop_duplicates("area").set_index("area")
    return named.reindex(range(areas)).assign(
        round=lambda frame: frame["round"].fillna(-1).astype(np.int64),
        place=lambda frame: frame["place"].fillna(""),
        depth=lambda frame: frame["depth"].fillna("difference"),
    )


def _tied(columns: Sequence[str], links: Sequence[Link], told: pd.DataFrame) -> set[int]:
    """Columns that identities tie to columns that were told."""
    names = {columns[at] for at in set(told.index.get_level_values("column"))}
    wave = names
    while wave:
        wave = {m for link in links if wave & set(link.members) for m in link.members if m in columns} - names
        names = names | wave
    return {columns.index(name) for name in names}


def _identities(
    area_atoms: sparse.csr_array,
    number: np.ndarray,
    truth: np.ndarray,
    columns: Sequence[str],
    links: Sequence[Link],
    atoms: int,
) -> tuple[sparse.csr_array, np.ndarray]:
    """Sums over atoms, and identities of rows in every area that has all their members and in which they are true."""
    entries: list[np.ndarray] = []
    signs: list[np.ndarray] = []
    of_row: list[np.ndarray] = []
    along: list[np.ndarray] = []
    done = 0
    lengths = np.diff(area_atoms.indptr)
    for j in range(len(columns)):
        sums = np.flatnonzero((number[:, j] >= 0) & (np.arange(len(lengths)) >= atoms))
        parts = [area_atoms.indices[area_atoms.indptr[a] : area_atoms.indptr[a + 1]] for a in sums]
        inside = np.concatenate(parts) if parts else np.empty(0, np.int64)
        entries += [number[inside, j], number[sums, j]]
        signs += [np.ones(len(inside)), -np.ones(len(sums))]
        of_row += [np.repeat(np.arange(len(sums)), lengths[sums]) + done, np.arange(len(sums)) + done]
        along.append(np.zeros(len(sums), dtype=np.int64))
        done += len(sums)
    for i, link in enumerate(links):
        if not all(member in columns for member in link.members):
            continue
        at = [columns.index(member) for member in link.members]
        sign = np.array([-1.0] + [1.0] * len(link.parts))
        true = (number[:, at] >= 0).all(axis=1) & (truth[:, at] @ sign == 0)
        found = np.flatnonzero(true)
        entries.append(number[np.ix_(found, np.array(at))].ravel())
        signs.append(np.tile(sign, len(found)))
        of_row.append(np.repeat(np.arange(len(found)) + done, len(at)))
        along.append(np.full(len(found), i + 1))
        done += len(found)
    shape = (done, int(number.max(initial=-1)) + 1)
    place = (np.concatenate(of_row).astype(np.int64), np.concatenate(entries).astype(np.int64))
    return sparse.csr_array((np.concatenate(signs), place), shape=shape), np.concatenate(along)


def _cells(
    counts: np.ndarray,
    identities: sparse.csr_array,
    of_identity: np.ndarray,
    suppressed: np.ndarray,
    told: np.ndarray,
    about: pd.DataFrame,
) -> Cells:
    published = np.zeros(len(counts), dtype=bool)
    published[told] = True
    return Cells(
        labels=about[["column", "depth"]],
        counts=np.rint(counts).astype(np.int64),
        identities=identities,
        of_identity=of_identity,
        published=published & ~suppressed,
        copies=np.ones(len(counts), dtype=np.int64),
        blocks=np.full(len(counts), -1, dtype=np.int64),
        dimensions=(),
        members=None,
        of_record=np.empty(0, dtype=np.int64),
        disagreements=0,
        nodes=np.empty((len(counts), 0), dtype=np.int64),
    )
