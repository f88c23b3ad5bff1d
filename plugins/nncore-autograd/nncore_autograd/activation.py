"""Activations from only a formula."""

from __future__ import annotations

from typing import Any

import numpy as np

from nncore.plugin import Activation
from nncore_autograd.gradients import Function, gradients, value
from nncore_autograd.naming import class_from


class DifferentiableActivation(Activation):
    """Base class of activations that implement only ``f(self, z)``, with functions of ``autograd.numpy``.

    `f` takes an array of shape ``(n_rows, n_columns)``, and returns one of the same shape. Rows must not depend on each other. In each
    step, autograd traces `f` once more, and computes ∂E/∂z as the vector-Jacobian product.

    Examples
    --------
    >>> import autograd.numpy as np
    >>> class Swish(DifferentiableActivation):
    ...     def __init__(self, beta=1.0):
    ...         self.beta = beta
    ...     def f(self, z):
    ...         return z / (1 + np.exp(-self.beta * z))
    >>> Swish().backward(np.zeros((1, 1)), np.zeros((1, 1)), np.ones((1, 1)))
    array([[0.5]])
    """

    needs_input = True

    def f(self, z: Any) -> Any:
        """φ(z)."""
        raise NotImplementedError(f"{type(self).__name__}.f")

    def forward(self, z: np.ndarray) -> np.ndarray:
        return value(f"{type(self).__name__}.f", self.f, (z,), z.shape)

    def backward(self, z: np.ndarray, a: np.ndarray, d_a: np.ndarray) -> np.ndarray:
        return gradients(f"{type(self).__name__}.f", self.f, (z,), d_a)[0]


def differentiable_activation(function: Function) -> type[DifferentiableActivation]:
    """Make an activation class from a function of `z`: ``nn.Dense(8, activation=differentiable_activation(function))``.

    Parameters
    ----------
    function : callable
        See `DifferentiableActivation.f`, without `self`.

    Returns
    -------
    type
        Class with the name of the function. Networks with it can be saved after ``nn.register("activations", ...)``, or if a plugin
        provides it.
    """
    return class_from(function, DifferentiableActivation, {})
