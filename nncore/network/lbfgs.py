"""L-BFGS: the minimum of a smooth function of many numbers, whose gradient is known."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple, Protocol

import numpy as np

from nncore._core import Descent
from nncore.network.line_search import LineSearch

#: Number of steps in memory, and largest number of evaluations of a line search.
MEMORY, MOST_TRIALS = 10, 20
#: An iteration that gains less than this part of the value (of 1, if the value is smaller) is the last.
LEAST_GAIN = 1e7 * float(np.finfo(np.float64).eps)

_EPSILON = float(np.finfo(np.float64).eps)


class Function(Protocol):
    """The function to minimise."""

    @property
    def parameters(self) -> np.ndarray:
        """Point of evaluation, shape (n,), float64."""

    @property
    def gradients(self) -> np.ndarray:
        """Gradient of the last evaluation, shape (n,), float64."""

    def evaluate(self) -> float:
        """Compute the value at the current parameters, and update the gradients."""


class Minimum(NamedTuple):
    """Result of a minimisation, with the fields of SciPy's ``minimize``."""

    value: float
    status: int  # 0: it has converged; 1: a limit was reached; 2: something else ended it
    message: str
    n_iterations: int
    n_evaluations: int


def minimize(
    function: Function, *, gtol: float, max_iter: int, max_fun: int, on_iteration: Callable[[float], bool] = lambda value: False
) -> Minimum:
    """Move the parameters of a function to where it has a minimum.

    The steps are those of SciPy's L-BFGS-B without bounds, but for rounding. An error, or Ctrl-C, leaves the parameters where the last
    iteration ended.

    Parameters
    ----------
    function : Function
    gtol : float
        Converged where no number of the gradient is larger.
    max_iter : int
        Iterations, of which each is a line that was searched.
    max_fun : int
        Largest number of evaluations. The last iteration is completed.
    on_iteration : callable
        Called with the value after each iteration; True ends the minimisation.

    Returns
    -------
    Minimum

    References
    ----------
    Nocedal, "Updating quasi-Newton matrices with limited storage", Mathematics of Computation 35, 1980.
    Byrd, Lu, Nocedal & Zhu, "A limited memory algorithm for bound constrained optimization", SIAM Journal on Scientific Computing 16, 1995.
    """
    descent = Descent(function.parameters, function.gradients, MEMORY)
    value, n_iterations, n_evaluations = function.evaluate(), 0, 1

    def ended(status: int, message: str) -> Minimum:
        return Minimum(value, status, message, n_iterations, n_evaluations)

    if descent.largest() <= gtol:
        return ended(0, "CONVERGENCE: NORM OF PROJECTED GRADIENT <= PGTOL")
    while True:
        before, first_slope = value, descent.aim()
        found = None
        if first_slope < 0:  # otherwise rounding errors have spoiled the memory
            step = 1.0 if n_iterations else min(1 / descent.length(), LineSearch.LARGEST)
            found = _search(function, descent, LineSearch(before, first_slope, step))
            n_evaluations += MOST_TRIALS if found is None else found.n_trials
        if found is None:
            if descent.n_kept == 0:
                return ended(2, "ABNORMAL: ")
            descent.forget()
            continue
        value, n_iterations = found.value, n_iterations + 1
        if on_iteration(value):
            return ended(2, "STOP: CALLBACK REQUESTED HALT")
        if n_iterations >= max_iter:
            return ended(1, "STOP: TOTAL NO. OF ITERATIONS REACHED LIMIT")
        if n_evaluations > max_fun:
            return ended(1, "STOP: TOTAL NO. OF F,G EVALUATIONS EXCEEDS LIMIT")
        if descent.largest() <= gtol:
            return ended(0, "CONVERGENCE: NORM OF PROJECTED GRADIENT <= PGTOL")
        if before - value <= LEAST_GAIN * max(abs(before), abs(value), 1.0):
            return ended(0, "CONVERGENCE: RELATIVE REDUCTION OF F <= FACTR*EPSMCH")
        curvature = (found.slope - first_slope) * found.step
        if curvature > _EPSILON * -first_slope * found.step:
            descent.learn(found.step, curvature)


class _Found(NamedTuple):
    """A step along a line, and how many were tried."""

    step: float
    value: float
    slope: float
    n_trials: int


def _search(function: Function, descent: Descent, line: LineSearch) -> _Found | None:
    """Move along the line; back to its start if no step is found or an error is raised."""
    found = None
    try:
        for n_trials in range(1, MOST_TRIALS + 1):
            descent.go(line.step)
            value, slope = function.evaluate(), descent.slope()
            if line.judge(value, slope):
                found = _Found(line.step, value, slope, n_trials)
                break
    finally:
        if found is None:
            descent.go_back()
    return found
