"""Learned values in place of missing ones."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from nncore.arguments import as_number, numbers, shown
from nncore.errors import ParameterError, ShapeError
from nncore.layers.columns import as_columns, columns_of
from nncore.plugin import Graph, Kernel, Layer, LayerCall, Plan, Tensor, Value


class FillMissing(Layer):
    """Fill missing values (NaN) with a learned value for each column, and append indicators of missing values.

    As the first layer, or behind an `Embedding`, it makes the network accept samples with NaN, in training and in prediction.

    Parameters
    ----------
    columns : sequence of int or None, default None
        Indices of the columns to fill. None is all. Other columns pass through unchanged, with their NaN.
    indicator : bool, default True
        Append, for each filled column in the order of `columns`, a feature that is 1 where the value was missing, else 0. So the network
        can learn from the fact that a value is missing.
    values : float or sequence of float, default 0.0
        Initial fill values: one for all columns, or one for each. 0 is the mean of standardised columns.
    name : str, optional
        Name of the layer, which its tensors, summaries and files use; by default kind and number, as in ``dense_1``.

    Notes
    -----
    Tensor: ``value`` of shape ``(n_columns,)``, with the role of a bias: `weight_decay` does not apply to it. Its gradient is the sum of
    ``d_y`` over the rows where the column was missing. ``d_x`` is ``d_y``, and 0 where ``x`` was missing. Put category codes into an
    `Embedding` before this layer: it has a vector for missing ones.
    """

    flags = ("indicator",)
    kernel = Kernel("nncore._core.native:layer_fill_missing", never_fails=True)
    examples = ({}, {"columns": [0], "indicator": False})

    def __init__(
        self,
        columns: Sequence[int] | None = None,
        indicator: bool = True,
        values: float | Sequence[float] | np.ndarray = 0.0,
        *,
        name: str | None = None,
    ) -> None:
        self.columns = as_columns("FillMissing", columns)
        self.indicator = indicator
        self.values = _numbers(values)
        self.name = name

    def validate(self) -> None:
        super().validate()
        if isinstance(self.values, list) and self.columns is not None and len(self.values) != len(self.columns):
            raise ParameterError(f"FillMissing: there are {len(self.values)} values for {len(self.columns)} columns: give one for each")

    def hyper(self) -> list[float]:
        columns = self.columns or []
        return [float(self.indicator), float(len(columns)), *map(float, columns)]

    def plan(self, input_shape: tuple[int, ...]) -> Plan:
        n = len(columns_of("FillMissing", self.columns, input_shape))
        if isinstance(self.values, list) and len(self.values) != n:
            raise ShapeError(f"FillMissing: there are {len(self.values)} values for {n} features: choose columns with columns=")
        value = Tensor("value", (n,), "bias", {"name": "constant", "value": self.values}, 1, 1)
        n_outputs = input_shape[0] + n * self.indicator
        return Plan((n_outputs,), (value,), split_rows=True, gradient_unit=1, accepts_nan=True, flops=0)

    def _missing(self, x: np.ndarray) -> tuple[Sequence[int], np.ndarray]:
        """The filled columns, and where those of `x` are missing, (n_rows, n_columns)."""
        columns = columns_of("FillMissing", self.columns, x.shape[1:])
        return columns, np.isnan(x[:, columns])

    def forward(self, call: LayerCall) -> None:
        columns, missing = self._missing(call.x)
        n_inputs = call.x.shape[1]
        call.y[:, :n_inputs] = call.x
        call.y[:, columns] = np.where(missing, call.parameters["value"], call.x[:, columns])
        if self.indicator:
            call.y[:, n_inputs:] = missing

    def formula(self, g: Graph, x: Value, tensors: Mapping[str, Value]) -> Value:
        n_inputs = x.sample_shape[-1]
        columns = columns_of("FillMissing", self.columns, (n_inputs,))
        place = {column: n_inputs + k for k, column in enumerate(columns)}
        given = g.columns(x, columns)
        missing = g.is_nan(given)
        both = g.concat([x, g.where(missing, tensors["value"], given)])
        filled = g.columns(both, [place.get(column, column) for column in range(n_inputs)])
        return g.concat([filled, g.where(missing, 1, 0)]) if self.indicator else filled

    def backward(self, call: LayerCall) -> None:
        columns, missing = self._missing(call.x)
        d_filled = call.d_y[:, columns]
        call.d_parameters["value"][...] = np.where(missing, d_filled, 0).sum(axis=0, dtype=np.float64)
        if call.d_x is not None:
            call.d_x[...] = call.d_y[:, : call.x.shape[1]]
            call.d_x[:, columns] = np.where(missing, 0, d_filled)


def _numbers(values: Any) -> float | list[float]:
    """A finite number, or a list of them."""
    found: float | list[float] | None = as_number(values)
    found = numbers(values) if found is None else found
    if found is None or not np.isfinite(found).all():
        raise ParameterError(f"FillMissing: values must be a finite number, or one for each column, got {shown(values)}")
    return found
