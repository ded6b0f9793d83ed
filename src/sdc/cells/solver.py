"""Linear and integer programs on HiGHS: the one room that knows the solver."""

from dataclasses import dataclass

import highspy
import numpy as np
from scipy import sparse

from sdc.errors import EngineError

INFINITY = highspy.kHighsInf
_OPTIMAL = highspy.HighsModelStatus.kOptimal
_NO_POINT = {highspy.HighsModelStatus.kInfeasible, highspy.HighsModelStatus.kUnboundedOrInfeasible}
_FEASIBLE_POINT = 2
_NO_BOUND = {highspy.HighsModelStatus.kUnbounded}
_STOPPED = {
    highspy.HighsModelStatus.kIterationLimit,
    highspy.HighsModelStatus.kSolutionLimit,
    highspy.HighsModelStatus.kTimeLimit,
    highspy.HighsModelStatus.kInterrupt,
}


@dataclass(frozen=True, eq=False)
class Solution:
    """What a solve gave: "optimal", "infeasible", "unbounded" or "stopped" (its budget ended), and its best point.

    ``x`` is empty where no point was found; ``bound`` is what no point can beat.
    """

    status: str
    x: np.ndarray
    objective: float
    bound: float


class Program:
    """One program, solved again and again from its last basis after changes of bounds and costs.

    Parameters
    ----------
    matrix : scipy.sparse array, (rows, columns)
    row_lower, row_upper : array, (rows,)
    lower, upper : array, (columns,)
    cost : array, (columns,), minimised
    integer : array of bool, (columns,), optional
    nodes : int, optional
        Branch-and-bound nodes after which an integer program stops, wherever it is: a deterministic budget.
    gap : float
        Relative gap at which an integer program is called solved.
    restart : bool
        Whether each solve starts from the empty basis and not from the last one: half the time where bounds and
        costs both change, and a result that does not hang on what was solved before.

    Attributes
    ----------
    iterations : int
        Simplex iterations so far: a measure of work that is the same on every machine.
    """

    def __init__(
        self,
        matrix: sparse.sparray,
        row_lower: np.ndarray,
        row_upper: np.ndarray,
        lower: np.ndarray,
        upper: np.ndarray,
        cost: np.ndarray,
        *,
        integer: np.ndarray | None = None,
        nodes: int | None = None,
        gap: float = 1e-6,
        restart: bool = False,
    ) -> None:
        self.highs = highspy.Highs()
        self.restart = restart
        self.iterations = 0
        for option, value in (("output_flag", False), ("threads", 1), ("random_seed", 0), ("parallel", "off")):
            self.highs.setOptionValue(option, value)
        self.integer = integer is not None
        if self.integer:
            self.highs.setOptionValue("mip_rel_gap", gap)
            if nodes is not None:
                self.highs.setOptionValue("mip_max_nodes", nodes)
        else:
            self.highs.setOptionValue("presolve", "off")
            self.highs.setOptionValue("solver", "simplex")
        by_column = sparse.csc_array(matrix)
        program = highspy.HighsLp()
        program.num_row_, program.num_col_ = by_column.shape
        program.col_cost_ = np.asarray(cost, dtype=np.float64)
        program.col_lower_, program.col_upper_ = np.asarray(lower, np.float64), np.asarray(upper, np.float64)
        program.row_lower_, program.row_upper_ = np.asarray(row_lower, np.float64), np.asarray(row_upper, np.float64)
        program.a_matrix_.format_ = highspy.MatrixFormat.kColwise
        program.a_matrix_.start_ = by_column.indptr.astype(np.int32)
        program.a_matrix_.index_ = by_column.indices.astype(np.int32)
        program.a_matrix_.value_ = by_column.data.astype(np.float64)
        if integer is not None:
            kinds = (highspy.HighsVarType.kContinuous, highspy.HighsVarType.kInteger)
            program.integrality_ = [kinds[int(whole)] for whole in integer]
        self._require(self.highs.passModel(program))

    def bounds(self, columns: np.ndarray, lower: np.ndarray, upper: np.ndarray) -> None:
        """Change the bounds of some columns, each named once."""
        columns = np.asarray(columns, np.int32)
        ends = np.asarray(lower, np.float64), np.asarray(upper, np.float64)
        self._require(self.highs.changeColsBounds(len(columns), columns, *ends))

    def costs(self, columns: np.ndarray, cost: np.ndarray) -> None:
        """Change the costs of some columns, each named once."""
        columns = np.asarray(columns, np.int32)
        self._require(self.highs.changeColsCost(len(columns), columns, np.asarray(cost, np.float64)))

    def add_row(self, columns: np.ndarray, values: np.ndarray, lower: float, upper: float = INFINITY) -> None:
        """Add one row."""
        entries = np.asarray(columns, np.int32), np.asarray(values, np.float64)
        self._require(self.highs.addRow(lower, upper, len(columns), *entries))

    @staticmethod
    def _require(status: highspy.HighsStatus) -> None:
        """Stop where the solver refuses a change, which it would else leave out without a word."""
        if status == highspy.HighsStatus.kError:
            raise EngineError("solver", "HiGHS refused a change of the program.", "Report the shape of the table.")

    def solve(self) -> Solution:
        """Solve, from where the last solve ended unless the program restarts.

        Raises
        ------
        EngineError : when the solver itself fails.
        """
        if self.restart:
            self.highs.setBasis()
        self.highs.run()
        status = self.highs.getModelStatus()
        info = self.highs.getInfo()
        self.iterations += max(info.simplex_iteration_count, 0) + 1
        if status in _NO_POINT:
            return Solution("infeasible", np.zeros(0), INFINITY, INFINITY)
        if status in _NO_BOUND:
            return Solution("unbounded", np.zeros(0), -INFINITY, -INFINITY)
        if status != _OPTIMAL and status not in _STOPPED:
            raise EngineError("solver", f"HiGHS stopped with status {int(status)}.", "Report the shape of the table.")
        held = info.primal_solution_status == _FEASIBLE_POINT
        x = np.array(self.highs.getSolution().col_value) if held else np.zeros(0)
        value = info.objective_function_value if held else INFINITY
        bound = info.mip_dual_bound if self.integer else value
        return Solution("optimal" if status == _OPTIMAL else "stopped", x, value, bound)

    def reduced_costs(self) -> np.ndarray:
        """Reduced costs of the last linear solve, (columns,)."""
        return np.array(self.highs.getSolution().col_dual)
