"""Factorization machines."""

from __future__ import annotations

from typing import Any, ClassVar

import autograd.numpy as np

from nncore.errors import ShapeError
from nncore.plugin import Tensor
from nncore_autograd.layer import DifferentiableLayer


class FactorizationMachine(DifferentiableLayer):
    """y = b + x·W + ½ Σᵣ ((x·Vᵣ)² − x²·Vᵣ²): a linear layer plus all products of two features, with low-rank weights.

    The weight of features i and j in an output is the dot product of rows i and j of that output's V, `rank` numbers each.

    Parameters
    ----------
    n_outputs : int, default 1
    rank : int, default 4

    Raises
    ------
    ParameterError
        For a number outside its range.
    ShapeError
        If samples are not vectors.

    References
    ----------
    Rendle, "Factorization machines", ICDM 2010, equation 5.
    """

    ranges: ClassVar[dict[str, str]] = {"n_outputs": "[1, 2147483647]", "rank": "[1, 2147483647]"}
    whole = ("n_outputs", "rank")

    def __init__(self, n_outputs: int = 1, rank: int = 4) -> None:
        self.n_outputs = n_outputs
        self.rank = rank

    def tensors(self, input_shape: tuple[int, ...]) -> tuple[Tensor, ...]:
        (n_inputs,) = input_shape
        n_factors = self.n_outputs * self.rank
        return (
            Tensor("weight", (n_inputs, self.n_outputs), "weight", "glorot_uniform", n_inputs, self.n_outputs),
            Tensor("factors", (n_inputs, n_factors), "weight", "glorot_uniform", n_inputs, n_factors),
            Tensor("bias", (self.n_outputs,), "bias", "zeros", n_inputs, self.n_outputs),
        )

    def output_shape(self, input_shape: tuple[int, ...]) -> tuple[int, ...]:
        if len(input_shape) != 1:
            raise ShapeError(f"FactorizationMachine takes vectors, not samples of shape {input_shape}: put Flatten before it")
        return (self.n_outputs,)

    def f(self, x: Any, weight: Any, factors: Any, bias: Any) -> Any:
        pairs = np.dot(x, factors) ** 2 - np.dot(x**2, factors**2)
        return bias + np.dot(x, weight) + 0.5 * np.sum(np.reshape(pairs, (-1, self.n_outputs, self.rank)), axis=2)
