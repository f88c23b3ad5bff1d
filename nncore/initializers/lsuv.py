"""Layer-sequential unit variance (LSUV): orthonormal weights, scaled until outputs have variance 1 over samples."""

from __future__ import annotations

import math
from typing import ClassVar

import numpy as np

from nncore.errors import ConvergenceWarning, DataError, warn_user
from nncore.initializers.data_dependent import output_statistics
from nncore.initializers.orthogonal import Orthogonal
from nncore.plugin import Initializer


class LSUV(Initializer):
    """Layer-sequential unit variance (LSUV): orthonormal weights, scaled until the outputs of each layer have variance 1.

    It starts with `Orthogonal` and repeats W ← W / √Var(x·W + b) until |Var − 1| is below the tolerance, from the first layer on. Var is
    the variance of all outputs of the layer, over units and rows of the batch. Without a bias one division is exact. With a bias, a
    division scales only a part of the variance; use zero biases, as in the paper.

    Parameters
    ----------
    tolerance : float, default 0.1
        Stop when |Var − 1| is below this; the paper's Tol_var.
    max_iterations : int, default 10
        Largest number of divisions; the paper's T_max.

    References
    ----------
    Mishkin & Matas, "All you need is a good init", 2015.
    """

    needs_batch: ClassVar[bool] = True
    ranges: ClassVar[dict[str, str]] = {"tolerance": "(0, inf)", "max_iterations": "[1, inf)"}
    whole = ("max_iterations",)

    def __init__(self, tolerance: float = 0.1, max_iterations: int = 10) -> None:
        self.tolerance = tolerance
        self.max_iterations = max_iterations

    def sample(self, rng: np.random.Generator, shape: tuple[int, ...], fan_in: int, fan_out: int) -> np.ndarray:
        """As `Orthogonal`, with gain 1."""
        return Orthogonal().sample(rng, shape, fan_in, fan_out)

    def refine(self, rng: np.random.Generator, x: np.ndarray, weight: np.ndarray, bias: np.ndarray | None) -> None:
        """Scale `weight` in place; `bias` is only read.

        Raises
        ------
        DataError
            If the rows of `x` are all alike, or not finite, or so small that the weights overflow. Nothing is changed then.

        Warns
        -----
        ConvergenceWarning
            If |Var − 1| is not below the tolerance after `max_iterations`.
        """
        mean, variance = output_statistics(x, weight)
        within = math.sqrt(variance.mean())
        fixed = np.zeros(len(mean)) if bias is None else bias.astype(np.float64)

        def total(scale: float) -> float:
            """Variance of all outputs for scale · W: that within units plus that of their means."""
            return (scale * within) ** 2 + float((scale * mean + fixed).var())

        scale, current = 1.0, total(1.0)
        for _ in range(self.max_iterations):
            if abs(current - 1) < self.tolerance:
                break
            scale /= math.sqrt(current)
            current = total(scale)
        with np.errstate(over="ignore"):
            new_weight = (weight * np.float64(scale)).astype(weight.dtype)
        if not np.isfinite(new_weight).all():
            raise DataError(f"the inputs of a layer vary too little for weights in {weight.dtype}: scale the samples to variance 1")
        weight[...] = new_weight
        if abs(current - 1) >= self.tolerance:
            warn_user(
                f"LSUV: after {self.max_iterations} iterations the outputs of a layer have the variance {current:.3g} instead of 1: "
                'use bias_initializer="zeros" or raise max_iterations',
                ConvergenceWarning,
            )
