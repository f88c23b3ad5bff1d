"""Activations from their formula alone."""

from __future__ import annotations

from typing import Any

import numpy as np

from nncore.plugin import Activation
from nncore_autograd.gradients import Function, gradients, value
from nncore_autograd.naming import class_from


class DifferentiableActivation(Activation):
    """An activation whose author writes ``f(self, z)``, with functions of ``autograd.numpy``.

    `f` gets an array ``(n_rows, n_columns)`` and gives one of that shape. No row may depend on another. ∂E/∂z is the
    vector-Jacobian product that autograd finds by following `f` once more, in each step.

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
    """A class of activations from a function of `z` alone: ``nn.Dense(8, activation=differentiable_activation(function))``.

    Parameters
    ----------
    function : callable
        See `DifferentiableActivation.f`, without `self`.

    Returns
    -------
    type
        Named like the function. A file can name it once ``nn.register("activations", ...)`` or a plugin has given it a name.
    """
    return class_from(function, DifferentiableActivation, {})
