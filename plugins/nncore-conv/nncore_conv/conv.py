"""Convolutions: the NumPy methods, and the plan with the shapes for a kernel."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import astuple
from typing import ClassVar

import numpy as np

from nncore.errors import ShapeError
from nncore.plugin import Activation, Graph, Initializer, Kernel, Layer, LayerCall, Plan, Tensor, Value
from nncore_conv.windows import Windows, axis, check_padding, flat

#: Elements of the patches that a thread copies at a time: they and the weights should stay in the second-level cache.
PATCH_NUMBERS = 32768


class Conv2D(Layer):
    """y[i, j] = W · (the window of x at i, j) + b, for images of shape (height, width, channels).

    Parameters
    ----------
    n_filters : int
        Channels of the output.
    kernel_size : int, default 3
        Height and width of the window.
    activation : str or Activation, optional
        Applied to the output by the host.
    stride : int, default 1
        Pixels from one window to the next.
    padding : {"valid", "same"}, default "valid"
        ``"same"`` surrounds the image by zeros so that the output has ⌈n / stride⌉ rows and columns.
    weight_initializer : str or Initializer, optional
        Initial values of W. Default: the activation's recommendation.
    bias_initializer : str or Initializer, default "zeros"
        Initial values of b.
    use_bias : bool, default True
        False leaves b out.

    Raises
    ------
    ParameterError
        For an argument outside its range.

    Notes
    -----
    Tensors: ``weight`` of shape ``(kernel_size² · channels, n_filters)``, its rows in the order of a window's pixels, and ``bias``
    of shape ``(n_filters,)``.
    """

    ranges: ClassVar[dict[str, str]] = {"n_filters": "[1, 1000000]", "kernel_size": "[1, 1000]", "stride": "[1, 1000]"}
    whole: ClassVar[tuple[str, ...]] = ("n_filters", "kernel_size", "stride")
    examples = ({"n_filters": 3}, {"n_filters": 4, "padding": "same", "stride": 2, "use_bias": False})
    kernel = Kernel("nncore_conv.native:conv", never_fails=True)

    def __init__(
        self,
        n_filters: int,
        kernel_size: int = 3,
        activation: str | Activation | None = None,
        *,
        stride: int = 1,
        padding: str = "valid",
        weight_initializer: str | Initializer | None = None,
        bias_initializer: str | Initializer = "zeros",
        use_bias: bool = True,
    ) -> None:
        self.n_filters = n_filters
        self.kernel_size = kernel_size
        self.activation = activation
        self.stride = stride
        self.padding = padding
        self.weight_initializer = weight_initializer
        self.bias_initializer = bias_initializer
        self.use_bias = use_bias

    def validate(self) -> None:
        super().validate()
        check_padding(self.padding, type(self).__name__)

    def hyper(self) -> list[float]:
        """Nothing: a kernel finds the numbers of the plan."""
        return []

    def windows(self, input_shape: tuple[int, ...]) -> Windows:
        """The windows of a sample."""
        who = type(self).__name__
        if len(input_shape) != 3:
            raise ShapeError(f"{who} takes images of shape (height, width, channels), but each sample has shape {input_shape}")
        height, width, channels = input_shape
        rows, columns = (axis(n, self.kernel_size, self.stride, self.padding, who) for n in (height, width))
        return Windows(
            height, width, channels, rows.n, columns.n, self.kernel_size, self.kernel_size, self.stride, self.stride, rows.before,
            columns.before,
        )  # fmt: skip

    def output_shape(self, windows: Windows) -> tuple[int, ...]:
        """Output shape of a sample."""
        return (windows.n_rows, windows.n_columns, self.n_filters)

    def plan(self, input_shape: tuple[int, ...]) -> Plan:
        windows, n = self.windows(input_shape), self.n_filters
        fans = (windows.size, windows.window_height * windows.window_width * n)
        tensors = [Tensor("weight", (windows.size, n), "weight", self.weight_initializer, *fans)]
        if self.use_bias:
            tensors.append(Tensor("bias", (n,), "bias", self.bias_initializer, *fans))
        at_once = max(1, min(windows.count, PATCH_NUMBERS // windows.size))
        return Plan(
            self.output_shape(windows),
            tuple(tensors),
            activation=self.activation,
            work=at_once * windows.size,
            numbers=(*astuple(windows), at_once),
            split_rows=True,
            gradient_unit=n,
            gradient_terms=windows.count,
            output_domain="(-inf, inf)",
            flops=2 * windows.count * windows.size * n,
        )

    def forward(self, call: LayerCall) -> None:
        windows = self.windows(call.input_shape)
        patches = windows.patches(call.x).reshape(len(call.x) * windows.count, windows.size)
        y = patches @ call.parameters["weight"]
        if self.use_bias:
            y += call.parameters["bias"]
        call.y[...] = y.reshape(call.y.shape)

    def formula(self, g: Graph, x: Value, tensors: Mapping[str, Value]) -> Value:
        windows = self.windows(x.sample_shape)
        places = windows.places().reshape(windows.count, windows.size)
        seen = g.reshape(g.columns(flat(g, x), np.maximum(places, 0).ravel().tolist()), places.shape)
        y = (seen if places.min() >= 0 else g.where(places >= 0, seen, 0)) @ tensors["weight"]
        return y + tensors["bias"] if self.use_bias else y

    def backward(self, call: LayerCall) -> None:
        windows, n = self.windows(call.input_shape), len(call.x)
        d_y = call.d_y.reshape(n * windows.count, self.n_filters)
        call.d_parameters["weight"][...] = windows.patches(call.x).reshape(n * windows.count, windows.size).T @ d_y
        if self.use_bias:
            call.d_parameters["bias"][...] = d_y.sum(axis=0, dtype=np.float64)
        if call.d_x is not None:
            windows.add_patches(d_y @ call.parameters["weight"].T, call.d_x)


class Conv1D(Conv2D):
    """`Conv2D` along one axis: for sequences of shape (length, channels).

    Parameters
    ----------
    n_filters : int
        Channels of the output.
    kernel_size : int, default 3
        Length of the window.
    activation, stride, padding, weight_initializer, bias_initializer, use_bias
        See `Conv2D`.
    """

    kernel = Kernel("nncore_conv.native:conv", never_fails=True)

    def windows(self, input_shape: tuple[int, ...]) -> Windows:
        who = type(self).__name__
        if len(input_shape) != 2:
            raise ShapeError(f"{who} takes sequences of shape (length, channels), but each sample has shape {input_shape}")
        along = axis(input_shape[0], self.kernel_size, self.stride, self.padding, who)
        return Windows(1, *input_shape, 1, along.n, 1, self.kernel_size, 1, self.stride, 0, along.before)

    def output_shape(self, windows: Windows) -> tuple[int, ...]:
        return (windows.n_columns, self.n_filters)
