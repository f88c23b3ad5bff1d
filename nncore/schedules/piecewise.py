"""Piecewise constant learning rate."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from nncore.arguments import numbers, shown
from nncore.errors import ParameterError
from nncore.plugin import Schedule


class PiecewiseConstant(Schedule):
    """Piecewise constant learning rate: a factor for each part of the fit.

    Parameters
    ----------
    boundaries : sequence of float, default (0.5, 0.75)
        Where the second and later parts begin: ascending fractions of the fit from 0 to 1.
    factors : sequence of float, default (1.0, 0.1, 0.01)
        Factor of the learning rate in each part: one more than `boundaries`, none negative.

    Notes
    -----
    Times are fractions of the fit, as in `nncore.StepDecay`; a part begins at the step nearest to its boundary. The factors are those of
    the rate itself, as the `values` of Keras' ``PiecewiseConstantDecay``; those of ``optax.piecewise_constant_schedule`` multiply the rate
    of the part before.
    """

    def __init__(self, boundaries: Sequence[float] = (0.5, 0.75), factors: Sequence[float] = (1.0, 0.1, 0.01)) -> None:
        self.boundaries = boundaries
        self.factors = factors

    def validate(self) -> None:
        super().validate()
        times, factors = numbers(self.boundaries), numbers(self.factors)
        if times is None or times != sorted(times) or not all(0 <= time <= 1 for time in times):
            raise ParameterError(
                f"PiecewiseConstant: boundaries must be ascending fractions of the fit from 0 to 1, got {shown(self.boundaries)}"
            )
        if factors is None or not all(0 <= factor < math.inf for factor in factors):
            raise ParameterError(f"PiecewiseConstant: factors must be finite numbers, none negative, got {shown(self.factors)}")
        if len(factors) != len(times) + 1:
            raise ParameterError(
                f"PiecewiseConstant: {len(times)} boundaries make {len(times) + 1} parts, each with a factor, got {len(factors)} factors"
            )
        self.boundaries, self.factors = tuple(times), tuple(factors)  # lists from a file are the same schedule

    def factor(self, step: np.ndarray, n_steps: int) -> np.ndarray:
        # Half a step later is past all times that round to this step.
        part = np.searchsorted(np.multiply(self.boundaries, n_steps), step + 0.5, side="right")
        return np.asarray(self.factors, np.float64)[part]
