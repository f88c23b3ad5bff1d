"""Losses from only a formula."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, overload

import numpy as np

from nncore.plugin import Loss
from nncore_autograd.gradients import Function, gradients, value
from nncore_autograd.naming import class_from


class DifferentiableLoss(Loss):
    """Base class of losses that implement only ``f(self, output, target)``, with functions of ``autograd.numpy``.

    `f` takes outputs of shape ``(n_rows, n_outputs)``, and targets of the same shape or, with ``targets = "labels"``, class indices of
    shape ``(n_rows,)``. It returns the loss of each row, ``(n_rows,)``: summed over outputs, not averaged over rows. With ``needs_batch =
    True`` it is ``f(self, output, target, weight)``, and the loss of a row may depend on the others, as `nncore.plugin.Loss` explains. In
    each step, autograd traces `f` once more, and computes gradients as vector-Jacobian products.

    Examples
    --------
    >>> import autograd.numpy as np
    >>> class LogCosh(DifferentiableLoss):
    ...     def f(self, output, target):
    ...         return np.sum(np.log(np.cosh(output - target)), axis=1)
    >>> LogCosh().backward(np.ones((1, 1)), np.zeros((1, 1))).round(3)
    array([[0.762]])
    """

    def f(self, *arrays: Any) -> Any:
        """The loss of each row."""
        raise NotImplementedError(f"{type(self).__name__}.f")

    def forward(self, output: np.ndarray, target: np.ndarray, *weight: np.ndarray) -> np.ndarray:
        return value(f"{type(self).__name__}.f", self.f, (output, target, *weight), output.shape[:1])

    def backward(self, output: np.ndarray, target: np.ndarray, *weight: np.ndarray) -> np.ndarray:
        # Losses of rows do not depend on each other, so the gradient of their sum has the gradient of each. For a batch they are weighted.
        share = weight[0] if weight else np.ones(len(output), output.dtype)
        return gradients(f"{type(self).__name__}.f", lambda y: self.f(y, target, *weight), (output,), share)[0]


@overload
def differentiable_loss(function: Function) -> type[DifferentiableLoss]: ...
@overload
def differentiable_loss(**attributes: Any) -> Callable[[Function], type[DifferentiableLoss]]: ...
def differentiable_loss(function: Function | None = None, **attributes: Any) -> Any:
    """Make a loss class from a function of outputs and targets: ``net.fit(X, y, loss=differentiable_loss(function))``.

    Parameters
    ----------
    function : callable
        See `DifferentiableLoss.f`, without `self`.
    **attributes
        Attributes of `nncore.plugin.Loss`: ``targets="labels"``, ``link="softmax"``, ``output_domain="positive"``, ``needs_batch=True``.

    Returns
    -------
    type, or a decorator if only attributes are given
        Class with the name of the function. Networks with it can be saved after ``nn.register("losses", ...)``, or if a plugin provides it.
    """
    if function is None:
        return lambda later: class_from(later, DifferentiableLoss, attributes)
    return class_from(function, DifferentiableLoss, attributes)
