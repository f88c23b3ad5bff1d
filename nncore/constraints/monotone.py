"""Monotone networks: weights of a chosen sign for each feature."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from nncore.arguments import numbers, shown
from nncore.errors import ParameterError, ShapeError
from nncore.plugin import Constraint, Kernel


class Monotone(Constraint):
    """Monotonicity constraint for chosen features, on the first weight of a network.

    w ← max(w, 0) in the rows of increasing features, w ← min(w, 0) in those of decreasing ones; other rows are not changed.

    The outputs are monotone in these features if all later weights are `NonNegative` and all activations are monotone: identity, tanh,
    sigmoid, ReLU, softplus, ELU; not GELU, SiLU or Mish. Biases need no constraint. Each layer is then increasing in its inputs, so the
    signs of the first weight are those of all slopes.

    Parameters
    ----------
    increasing : sequence of int, default ()
        Indices, from 0, of the features in which the output increases.
    decreasing : sequence of int, default ()
        Indices of the features in which the output decreases.

    Raises
    ------
    ParameterError
        If no feature is named, one is named twice, or an index is not a whole number of at least 0.
    ShapeError
        When the network is built, if the weight has no such row.

    Notes
    -----
    Standardising features does not change their direction. With only ReLU, the network is convex in the constrained features; tanh avoids
    this. Paths around the first weight, as in a residual block, need a constraint of their own.

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
            raise ParameterError("Monotone needs features, Monotone(increasing=(0,)); for all features use NonNegative")
        if twice := sorted(feature for feature in set(named) if named.count(feature) > 1):
            raise ParameterError(
                f"Monotone: feature {twice[0]} is named twice, in increasing={self.increasing}, decreasing={self.decreasing}"
            )

    def hyper(self) -> list[float]:
        """Number of increasing and of decreasing features, and their indices."""
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
