"""Piecewise linear embeddings of numeric columns: PLE."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

import numpy as np

from nncore.arguments import numbers, shown
from nncore.errors import ParameterError, ShapeError
from nncore.layers.columns import as_columns, columns_of
from nncore.plugin import Graph, Initializer, Kernel, Layer, LayerCall, Plan, Tensor, Value


class PiecewiseLinearEmbedding(Layer):
    """Piecewise linear embeddings (PLE): replace numeric columns by learned vectors, e(x) = x·v + c + PLE(x)·V.

    PLE(x) is the position of x within each bin. The output has the other columns first, unchanged and in order, then the vectors in the
    order of `columns`.

    Parameters
    ----------
    bins : sequence of sequences of float
        Two or more ascending bin edges for each column. Use distinct quantiles of the training rows:
        ``[np.unique(np.quantile(x, np.linspace(0, 1, 49))) for x in X.T]`` for 48 bins.
    n_outputs : int, default 16
        Width of a vector.
    columns : sequence of int or None, default None
        Index of the column for each entry of `bins`. None is every column.
    name : str, optional
        Name of the layer, which its tensors, summaries and files use; by default kind and number, as in ``dense_1``.

    Raises
    ------
    ParameterError
        If `bins` are not ascending numbers, or `columns` has another length.
    ShapeError
        When the network is built, if samples are not vectors, or have other columns.

    Notes
    -----
    PLE(x)_t = (x − e_t) / (e_{t+1} − e_t), at least 0 except in the first bin and at most 1 except in the last one: outside all bins the
    functions continue as straight lines.

    Tensors: ``weight`` v and ``bias`` c of shape (n_columns, n_outputs), from U(−¼, ¼); ``bin_weight`` V of shape (n_columns, largest
    number of bins, n_outputs), initially zeros. So the functions start as straight lines. Rows of V for bins that a column does not have
    do not change.

    References
    ----------
    Gorishniy, Rubachev & Babenko, "On embeddings for numerical features in tabular deep learning", NeurIPS 2022; with x·v + c as in
    Gorishniy, Kotelnikov & Babenko, "TabM", ICLR 2025.
    """

    ranges: ClassVar[dict[str, str]] = {"n_outputs": "[1, 2147483647]"}
    whole: ClassVar[tuple[str, ...]] = ("n_outputs",)
    examples = ({"bins": [[-0.5, 0.1, 0.2, 1.0]], "n_outputs": 3, "columns": [0]},)
    kernel = Kernel("nncore._core.native:layer_piecewise_linear_embedding", never_fails=True)

    def __init__(
        self,
        bins: Sequence[Sequence[float]],
        n_outputs: int = 16,
        columns: Sequence[int] | None = None,
        *,
        name: str | None = None,
    ) -> None:
        self.bins = _edges(bins)
        self.n_outputs = n_outputs
        self.columns = as_columns("PiecewiseLinearEmbedding", columns)
        self.name = name

    def validate(self) -> None:
        if self.columns is not None and len(self.columns) != len(self.bins):
            raise ParameterError(f"PiecewiseLinearEmbedding: bins are for {len(self.bins)} columns, but columns={self.columns}")

    def hyper(self) -> list[float]:
        """How many columns and bins; for each column its number, its number of bins, and the edges; and all columns in ascending order."""
        columns = range(len(self.bins)) if self.columns is None else self.columns
        most = self._most_bins
        found: list[float] = [len(self.bins), most]
        for column, edges in zip(columns, self.bins, strict=True):
            found += [column, len(edges) - 1, *edges, *[0.0] * (most + 1 - len(edges))]
        return [float(number) for number in [*found, *sorted(columns)]]

    @property
    def _most_bins(self) -> int:
        return max(len(edges) for edges in self.bins) - 1

    def _columns_for(self, input_shape: tuple[int, ...]) -> list[int]:
        columns = columns_of("PiecewiseLinearEmbedding", self.columns, input_shape)
        if len(columns) != len(self.bins):
            raise ShapeError(
                f"PiecewiseLinearEmbedding: bins are for {len(self.bins)} columns, and samples have {len(columns)}: "
                "choose columns with columns="
            )
        return list(columns)

    def plan(self, input_shape: tuple[int, ...]) -> Plan:
        m, width = len(self._columns_for(input_shape)), self.n_outputs
        tensors = (
            Tensor("weight", (m, width), "weight", _QUARTER, 1, width),
            Tensor("bias", (m, width), "bias", _QUARTER, 1, width),
            Tensor("bin_weight", (m, self._most_bins, width), "weight", "zeros", self._most_bins, width),
        )
        return Plan(
            (input_shape[0] - m + m * width,),
            tensors,
            split_rows=True,
            gradient_unit=width,
            reads_parameters_in_gradient=True,  # it does not, but what it multiplies d_y with is bounded by no number known in advance
            output_domain="(-inf, inf)",
            flops=5 * m * width,
        )

    def _encoded(self, x: np.ndarray, edges: Sequence[float]) -> tuple[np.ndarray, np.ndarray]:
        """PLE of a column x (n_rows,), and its derivative: (n_rows, n_bins)."""
        e = np.asarray(edges, x.dtype)
        slopes = 1 / np.diff(e)
        u = (x[:, None] - e[:-1]) * slopes
        inside = np.ones(u.shape, bool)
        inside[:, 1:] &= u[:, 1:] >= 0
        inside[:, :-1] &= u[:, :-1] < 1
        u[:, 1:] = np.maximum(u[:, 1:], 0)
        u[:, :-1] = np.minimum(u[:, :-1], 1)
        return u, inside * slopes

    def forward(self, call: LayerCall) -> None:
        columns, width = self._columns_for(call.x.shape[1:]), self.n_outputs
        passed = np.delete(np.arange(call.x.shape[1]), columns)
        call.y[:, : len(passed)] = call.x[:, passed]
        p, begin = call.parameters, len(passed)
        for k, (column, edges) in enumerate(zip(columns, self.bins, strict=True)):
            x = call.x[:, column]
            encoded, _ = self._encoded(x, edges)
            y = x[:, None] * p["weight"][k] + p["bias"][k] + encoded @ p["bin_weight"][k, : len(edges) - 1]
            call.y[:, begin + k * width : begin + (k + 1) * width] = y

    def formula(self, g: Graph, x: Value, tensors: Mapping[str, Value]) -> Value:
        n_inputs = x.sample_shape[-1]
        columns = self._columns_for((n_inputs,))
        passed = [column for column in range(n_inputs) if column not in set(columns)]
        parts = [g.columns(x, passed)] if passed else []
        for k, (column, edges) in enumerate(zip(columns, self.bins, strict=True)):
            one, n_bins = g.columns(x, [column]), len(edges) - 1
            low, high = g.value(edges[:-1]), g.value(edges[1:])
            u = (one - low) * (1 / (high - low))
            first, last = np.arange(n_bins) == 0, np.arange(n_bins) == n_bins - 1
            u = g.where(first, u, g.maximum(u, 0))
            u = g.where(last, u, g.minimum(u, 1))
            row = g.rows(tensors["bin_weight"], k)  # (most bins, n_outputs)
            y = one * g.rows(tensors["weight"], k) + g.rows(tensors["bias"], k)
            parts.append(y + u @ g.rows(row, np.arange(n_bins)))
        return g.concat(parts)

    def backward(self, call: LayerCall) -> None:
        columns, width = self._columns_for(call.x.shape[1:]), self.n_outputs
        passed = np.delete(np.arange(call.x.shape[1]), columns)
        p, d, begin = call.parameters, call.d_parameters, len(passed)
        if call.d_x is not None:
            call.d_x[:, passed] = call.d_y[:, :begin]
        for k, (column, edges) in enumerate(zip(columns, self.bins, strict=True)):
            x, d_y, n_bins = call.x[:, column], call.d_y[:, begin + k * width : begin + (k + 1) * width], len(edges) - 1
            encoded, slopes = self._encoded(x, edges)
            d["weight"][k], d["bias"][k] = (x[:, None] * d_y).sum(axis=0, dtype=np.float64), d_y.sum(axis=0, dtype=np.float64)
            d["bin_weight"][k] = 0
            d["bin_weight"][k, :n_bins] = encoded.T @ d_y
            if call.d_x is not None:
                call.d_x[:, column] = d_y @ p["weight"][k] + ((d_y @ p["bin_weight"][k, :n_bins].T) * slopes).sum(axis=1)


class _Quarter(Initializer):
    """U(−¼, ¼)."""

    def sample(self, rng: np.random.Generator, shape: tuple[int, ...], fan_in: int, fan_out: int) -> np.ndarray:
        return rng.uniform(-0.25, 0.25, shape)


_QUARTER = _Quarter()


def _edges(bins: Any) -> list[list[float]]:
    """The edges of each column as lists of floats."""
    found = [numbers(edges) for edges in bins] if isinstance(bins, (list, tuple)) else []
    if not found or not all(edges is not None and len(edges) > 1 and _ascend(edges) for edges in found):
        raise ParameterError(
            f"PiecewiseLinearEmbedding: bins must be a list with the ascending, finite edges of each column, two or more, got {shown(bins)}"
        )
    return [[float(edge) for edge in edges] for edges in found if edges is not None]


def _ascend(edges: Sequence[float]) -> bool:
    return bool(np.isfinite(edges).all() and (np.diff(edges) > 0).all())
