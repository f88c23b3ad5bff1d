"""Layers from only a formula."""

from __future__ import annotations

from typing import Any

import numpy as np

from nncore.plugin import Layer, LayerCall, Plan, Tensor
from nncore_autograd.gradients import Function, gradients, value
from nncore_autograd.naming import class_from


class DifferentiableLayer(Layer):
    """Base class of layers that implement only ``f(self, x, **tensors)``, with functions of ``autograd.numpy``.

    `f` takes samples of shape ``(n_rows, *input_shape)`` and, by name, the tensors that `tensors` lists. It returns ``(n_rows,
    *output_shape)``, the same in training and prediction. Rows must not depend on each other. In each step, autograd traces `f` once more,
    and computes gradients as vector-Jacobian products.

    Examples
    --------
    >>> import autograd.numpy as np
    >>> class Slope(DifferentiableLayer):
    ...     def tensors(self, input_shape):
    ...         return (Tensor("slope", input_shape, "scale", {"name": "constant", "value": 1.0}, 1, 1),)
    ...     def f(self, x, slope):
    ...         return np.tanh(slope * x)
    >>> Slope().plan((4,)).output_shape
    (4,)
    """

    def tensors(self, input_shape: tuple[int, ...]) -> tuple[Tensor, ...]:
        """The trained tensors. By default none."""
        return ()

    def output_shape(self, input_shape: tuple[int, ...]) -> tuple[int, ...]:
        """Shape of one output sample; by default that of an input sample. Raise `ShapeError` for an input shape that the layer does not
        accept."""
        return input_shape

    def f(self, *arrays: Any, **tensors: Any) -> Any:
        """Outputs of some samples."""
        raise NotImplementedError(f"{type(self).__name__}.f")

    def plan(self, input_shape: tuple[int, ...]) -> Plan:
        return Plan(output_shape=self.output_shape(input_shape), tensors=self.tensors(input_shape))

    def forward(self, call: LayerCall) -> None:
        shape = (len(call.x), *call.output_shape)
        y = value(f"{type(self).__name__}.f", self._of(tuple(call.parameters)), (_samples(call), *call.parameters.values()), shape)
        call.y[...] = y.reshape(call.y.shape)

    def backward(self, call: LayerCall) -> None:
        names, who = tuple(call.parameters), f"{type(self).__name__}.f"
        # Gradients of tensors are sums over all rows, which autograd computes in the given dtype: float32 would lose precision.
        wide = np.float64 if names else call.x.dtype
        tensors = [call.parameters[name].astype(wide, copy=False) for name in names]
        x, f = _samples(call).astype(wide, copy=False), self._of(names)
        d_y = call.d_y.reshape(len(x), *call.output_shape).astype(wide, copy=False)
        if call.d_x is None:
            found = gradients(who, lambda *boxes: f(x, *boxes), tensors, d_y)
        else:
            d_x, *rest = gradients(who, f, [x, *tensors], d_y)
            found = tuple(rest)
            call.d_x[...] = d_x.reshape(call.d_x.shape)
        for name, gradient in zip(names, found, strict=True):
            call.d_parameters[name][...] = gradient

    def _of(self, names: tuple[str, ...]) -> Function:
        """`f` as a function of arrays in order."""
        return lambda x, *tensors: self.f(x, **dict(zip(names, tensors, strict=True)))


def _samples(call: LayerCall) -> np.ndarray:
    return call.x.reshape(len(call.x), *call.input_shape)


def differentiable_layer(function: Function) -> type[DifferentiableLayer]:
    """Make a layer class without tensors from a function of `x` that keeps its shape: ``differentiable_layer(function)()``.

    Parameters
    ----------
    function : callable
        See `DifferentiableLayer.f`, without `self`.

    Returns
    -------
    type
        Class with the name of the function. Networks with it can be saved after ``nn.register("layers", ...)``, or if a plugin provides it.
    """
    return class_from(function, DifferentiableLayer, {})
