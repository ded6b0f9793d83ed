"""The cheapest suppression pattern that exists: branch and cut for small tables, the yardstick of the fast method."""

from dataclasses import dataclass

import numpy as np
from scipy import sparse

from sdc.cells.model import Cells
from sdc.cells.solver import Program
from sdc.errors import DisclosureError

_NEAR = 1e-6


@dataclass(frozen=True, eq=False)
class Optimum:
    """A pattern, its weight, and a proof.

    Attributes
    ----------
    suppressed, secondary : array of bool, (cells,)
    weight : float
        Sum of the weights of the secondary cells.
    bound : float
        No pattern that protects weighs less.
    cuts : int
    proven : bool
        Whether weight and bound meet.
    """

    suppressed: np.ndarray
    secondary: np.ndarray
    weight: float
    bound: float
    cuts: int
    proven: bool


class _Attack:
    """The intruder's program: how far one primary cell can move inside a (fractional) pattern."""

    def __init__(self, cells: Cells, free: np.ndarray, down: np.ndarray, up: np.ndarray) -> None:
        matrix = cells.identities[:, free]
        matrix = matrix[np.flatnonzero(np.diff(matrix.indptr) > 0)]
        self.free, self.down, self.up = free, down[free], up[free]
        rest = np.zeros(matrix.shape[0])
        self.every = np.arange(len(free))
        self.program = Program(matrix, rest, rest, -self.down, self.up, np.zeros(len(free)))
        self.at = np.full(len(cells), -1)
        self.at[free] = self.every

    def within(self, shares: np.ndarray) -> None:
        """Let each cell move in proportion to how far it is in the pattern."""
        self.program.bounds(self.every, -self.down * shares, self.up * shares)

    def furthest(self, cell: int, sign: int) -> tuple[float, np.ndarray]:
        """How far the cell goes one way, and what each other cell's room is worth to it."""
        j = np.array([self.at[cell]])
        self.program.costs(j, np.array([-float(sign)]))
        x = self.program.solve().x
        worth = -self.program.reduced_costs()
        self.program.costs(j, np.zeros(1))
        return float(sign * x[j[0]]), self.up * np.maximum(worth, 0) + self.down * np.maximum(-worth, 0)


def optimal_suppression(
    cells: Cells,
    primary: np.ndarray,
    *,
    lower: np.ndarray,
    upper: np.ndarray | None = None,
    amount: float = 1,
    weight: np.ndarray | None = None,
    rounds: int = 400,
) -> Optimum:
    """Find the lightest pattern in which every primary cell can move up and down by an amount.

    A master program picks cells; for each primary cell the intruder's program tries to pin it down inside the
    pick; where it can, the dual of that program is a cut that every protecting pattern satisfies. First with
    fractions, until no cut is violated, then in whole cells.

    Parameters
    ----------
    cells : Cells, up to some two thousand
    primary : array of bool, (cells,)
    lower, upper : array of float, (cells,)
        What an intruder knows of each cell if it were suppressed.
    amount : float, persons
    weight : array of float, (cells,), optional
        The counts, if not given.
    rounds : int
        Masters solved, after which the best bound is returned unproven.

    Returns
    -------
    Optimum

    Raises
    ------
    DisclosureError : when no pattern protects, or none was found in ``rounds``.

    Guarantees
    ----------
    * With ``proven`` no pattern that gives every primary cell this room weighs less.

    References
    ----------
    Fischetti, Salazar-Gonzalez (2001), Solving the cell suppression problem on tabular data with linear
    constraints, Management Science 47(7), doi:10.1287/mnsc.47.7.1008.9805
    """
    truth = cells.counts.astype(np.float64)
    most = 1e3 + 10 * truth.max(initial=0)
    up = np.full(len(cells), most) if upper is None else np.minimum(upper - truth, most)
    down = np.maximum(truth - lower, 0)
    free = np.flatnonzero((truth > 0) | primary)
    price = (truth if weight is None else np.asarray(weight, dtype=np.float64))[free]
    own = primary[free]
    attack = _Attack(cells, free, down, up)
    master = _Master(np.where(own, 0.0, price), own)
    asked = [(cell, sign) for cell in np.flatnonzero(primary).tolist() for sign in (1, -1)]
    bound, cuts = 0.0, 0
    for whole in (False, True):
        for _ in range(rounds):
            shares, bound = master.solve(whole=whole)
            added = _cut(attack, master, shares, asked, amount, own)
            cuts += added
            if not added:
                break
        else:
            raise DisclosureError("cell suppression", "no optimum within the rounds given.", "Use suppress_cells.")
    suppressed = np.zeros(len(cells), dtype=bool)
    suppressed[free[shares > 0.5]] = True
    total = float(price[(shares > 0.5) & ~own].sum())
    return Optimum(suppressed, suppressed & ~primary, total, bound, cuts, total <= bound + 1e-4 * max(total, 1))


class _Master:
    """The program that picks cells, under all cuts so far."""

    def __init__(self, price: np.ndarray, own: np.ndarray) -> None:
        self.price, self.own = price, own
        self.rows: list[tuple[np.ndarray, np.ndarray, float]] = []
        self.fractions = Program(
            sparse.csr_array((0, len(price))), np.zeros(0), np.zeros(0), own.astype(float), np.ones(len(price)), price
        )

    def add(self, columns: np.ndarray, values: np.ndarray, least: float) -> None:
        """Add a cut."""
        self.rows.append((columns, values, least))
        self.fractions.add_row(columns, values, least)

    def solve(self, *, whole: bool) -> tuple[np.ndarray, float]:
        """The lightest pick, and a weight that no pick can go below."""
        if not whole:
            found = self.fractions.solve()
        else:
            data = np.concatenate([values for _, values, _ in self.rows])
            column = np.concatenate([columns for columns, _, _ in self.rows])
            row = np.repeat(np.arange(len(self.rows)), [len(columns) for columns, _, _ in self.rows])
            matrix = sparse.csr_array((data, (row, column)), shape=(len(self.rows), len(self.price)))
            least = np.array([least for _, _, least in self.rows])
            endless = np.full(len(least), np.inf)
            found = Program(
                matrix,
                least,
                endless,
                self.own.astype(float),
                np.ones(len(self.price)),
                self.price,
                integer=np.ones(len(self.price), dtype=bool),
            ).solve()
        if not len(found.x):
            raise DisclosureError("cell suppression", "no pattern protects every primary cell.", "Coarsen the table.")
        return np.clip(found.x, 0, 1), found.bound


def _cut(
    attack: _Attack,
    master: _Master,
    shares: np.ndarray,
    asked: list[tuple[int, int]],
    amount: float,
    own: np.ndarray,
) -> int:
    """Add a cut for every need that the pick leaves unmet; how many."""
    attack.within(shares)
    added = 0
    for cell, sign in asked:
        reach, room = attack.furthest(cell, sign)
        if reach >= amount - 1e-5:
            continue
        least = amount - float(room[own].sum())  # primary cells are in every pattern
        columns = np.flatnonzero((room > _NEAR) & ~own)
        if least <= _NEAR:
            continue
        values = np.minimum(room[columns], least)
        if not len(columns):
            raise DisclosureError("cell suppression", "some primary cell cannot be protected.", "Coarsen the table.")
        if values @ shares[columns] < least - 1e-6:
            master.add(columns, values / least, 1.0)
            added += 1
    return added
