"""Weights of a chosen sign for each input."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from nncore.arguments import numbers, shown
from nncore.errors import ParameterError, ShapeError
from nncore.plugin import Constraint, Kernel


class Monotone(Constraint):
    """w ← max(w, 0) in the rows of features with which the network shall rise, w ← min(w, 0) where it shall fall; others are left alone.

    It is for the first weight (n_features, n_outputs) of a network. The whole network rises (falls) with these features, whatever the
    others are, if all weights behind it are `NonNegative` and no activation falls: identity, tanh, sigmoid, ReLU, softplus, ELU; not GELU,
    SiLU or Mish. Biases are free. Each layer then rises with what comes into it, so the signs of the first weight are those of all slopes.

    Parameters
    ----------
    increasing : sequence of int, default ()
        Features, by their index from 0, with which the output rises.
    decreasing : sequence of int, default ()
        Features with which it falls.

    Raises
    ------
    ParameterError
        If no feature is named, one is named twice, or an index is no whole number of at least 0.
    ShapeError
        When the network is built, if the weight has no such row.

    Notes
    -----
    Features that are standardised keep their direction. With ReLU alone such a network is convex in all its features: tanh bends both
    ways. What goes past the first weight, as in a residual block around it, needs a sign of its own.

    References
    ----------
    Sill, "Monotonic networks", NeurIPS 1997. Archer & Wang, "Application of the back propagation neural network algorithm with monotonicity
    constraints for two-group classification problems", 1993.
    """

    split = "columns"
    kernel = Kernel("nncore._core.native:constraint_monotone", never_fails=True)
    examples = ({"increasing": (0,)}, {"decreasing": (0,)})

    def __init__(self, increasing: Sequence[int] = (), decreasing: Sequence[int] = ()) -> None:
        self.increasing = _indices("increasing", increasing)
        self.decreasing = _indices("decreasing", decreasing)

    def validate(self) -> None:
        named = (*self.increasing, *self.decreasing)
        if not named:
            raise ParameterError("Monotone: name the features, Monotone(increasing=(0,)); all of them are what NonNegative is for")
        if twice := sorted(feature for feature in set(named) if named.count(feature) > 1):
            raise ParameterError(
                f"Monotone: feature {twice[0]} is named twice, in increasing={self.increasing}, decreasing={self.decreasing}"
            )

    def hyper(self) -> list[float]:
        """How many rise, how many fall, and which."""
        return [float(n) for n in (len(self.increasing), len(self.decreasing), *self.increasing, *self.decreasing)]

    def validate_tensor(self, n_rows: int, n_columns: int) -> None:
        """Raise `ShapeError` for a feature that is no row of it."""
        if (last := max(*self.increasing, *self.decreasing, 0)) >= n_rows:
            raise ShapeError(f"Monotone: there is no feature {last} among the {n_rows} rows of the weight, which are 0 to {n_rows - 1}")

    def project(self, w: np.ndarray, rate: float) -> None:
        for features, wrong in ((self.increasing, np.less), (self.decreasing, np.greater)):
            for feature in features:
                w[feature][wrong(w[feature], 0)] = 0

    def is_feasible(self, w: np.ndarray) -> bool:
        return bool((w[list(self.increasing)] >= 0).all() and (w[list(self.decreasing)] <= 0).all())


def _indices(name: str, features: Sequence[int]) -> tuple[int, ...]:
    found = numbers(features)
    if found is None or not all(feature >= 0 and feature.is_integer() for feature in found):
        raise ParameterError(f"Monotone: {name} must be a sequence of feature indices, whole numbers from 0, got {shown(features)}")
    return tuple(map(int, found))
