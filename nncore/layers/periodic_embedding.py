"""Periodic embeddings of numeric columns: PBLD."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import numpy as np

from nncore.layers.columns import as_columns, columns_of
from nncore.plugin import Graph, Initializer, Kernel, Layer, LayerCall, Plan, Tensor, Value

#: Rows that the compiled kernel works on together: ROWS of periodic_embedding.c.
ROWS = 128


class PeriodicEmbedding(Layer):
    """Periodic embeddings of numeric columns (PBLD, as in RealMLP): append learned waves of each column.

    For a column x, o = cos(2πx·f + b₁)·W₂ + b₂ with frequencies f and phases b₁. Columns share no parameters. A sample becomes
    (x, o of the first column, o of the second, …). The inputs keep their positions, so an `Embedding` or a `FillMissing` before or behind
    this layer uses the same column numbers.

    Parameters
    ----------
    n_frequencies : int, default 16
        Number of waves of each column.
    n_outputs : int, default 3
        Number of outputs that the waves of a column are combined to. With x itself, a column has ``n_outputs + 1`` numbers.
    sigma : float in (0, inf), default 0.1
        Standard deviation of the initial frequencies. Larger ones separate near values from the beginning, but overfit more.
    columns : sequence of int or None, default None
        Indices of the columns to embed. None is all. Others, such as category codes, pass through unchanged.
    name : str, optional
        Name of the layer, which its tensors, summaries and files use; by default kind and number, as in ``dense_1``.

    Notes
    -----
    Scale the columns first: robust scaling with a smooth clip, or to a normal distribution. NaN gives NaN: put a `FillMissing` before this
    layer.

    Tensors, for N columns, K = `n_frequencies` and J = `n_outputs`: ``frequency`` (N, K), from N(0, sigma²); ``phase`` (N, K), from
    U(−π, π); ``weight`` (N, K, J) and ``bias`` (N, J), from U(−1/√K, 1/√K). The first and the third have the role of weights, the other two
    that of biases. With u = 2πx·f + b₁ and ``d_u`` = −sin(u) ⊙ (``d_o``·W₂ᵀ), summed over the rows: ``d_W₂`` = Σ cos(u)ᵀ·``d_o``,
    ``d_b₂`` = Σ ``d_o``, ``d_f`` = Σ 2πx·``d_u``, ``d_b₁`` = Σ ``d_u``; and ``d_x`` = ``d_y`` + 2π Σ f ⊙ ``d_u``.

    As the first layer of a network it needs no ``d_x``, and is faster than behind an `Embedding`.

    References
    ----------
    Holzmüller, Grinsztajn & Steinwart, "Better by default: strong pre-tuned MLPs and boosted trees on tabular data", NeurIPS 2024: periodic
    bias linear DenseNet embeddings, at a tenth of the learning rate. They come from Gorishniy, Rubachev & Babenko, "On embeddings for
    numerical features in tabular deep learning", NeurIPS 2022.

    Examples
    --------
    >>> import nncore as nn
    >>> net = nn.Sequential(nn.PeriodicEmbedding(columns=[0, 2]), nn.Dense(8, activation="selu"), nn.Dense(1)).build(4)
    >>> net.named_parameters()["dense_1.weight"].shape
    (10, 8)
    """

    ranges = {"n_frequencies": "[1, 2147483647]", "n_outputs": "[1, 2147483647]", "sigma": "(0, inf)"}
    whole = ("n_frequencies", "n_outputs")
    kernel = Kernel("nncore._core.native:layer_periodic_embedding", never_fails=True)
    examples = ({}, {"n_frequencies": 5, "n_outputs": 2, "columns": [0]})

    def __init__(
        self,
        n_frequencies: int = 16,
        n_outputs: int = 3,
        sigma: float = 0.1,
        columns: Sequence[int] | None = None,
        *,
        name: str | None = None,
    ) -> None:
        self.n_frequencies = n_frequencies
        self.n_outputs = n_outputs
        self.sigma = sigma
        self.columns = as_columns("PeriodicEmbedding", columns)
        self.name = name

    def hyper(self) -> list[float]:
        columns = self.columns or []
        return [float(number) for number in (self.n_frequencies, self.n_outputs, len(columns), *columns)]

    def plan(self, input_shape: tuple[int, ...]) -> Plan:
        n, k, j = len(columns_of("PeriodicEmbedding", self.columns, input_shape)), self.n_frequencies, self.n_outputs
        tensors = (
            Tensor("frequency", (n, k), "weight", _Normal(self.sigma), 1, k),
            Tensor("phase", (n, k), "bias", _ANGLES, 1, k),
            Tensor("weight", (n, k, j), "weight", "uniform_fan_in", k, j),
            Tensor("bias", (n, j), "bias", "uniform_fan_in", k, j),
        )
        flops = n * (k * (3 + 2 * j) + j)  # of a wave 2 for its angle and 1 for the cosine
        return Plan(
            (input_shape[0] + n * j,), tensors, work=ROWS * j, split_rows=True, gradient_unit=1, reads_parameters_in_gradient=True,
            output_domain="(-inf, inf)", flops=flops,
        )  # fmt: skip

    def _angles(self, call: LayerCall) -> tuple[Sequence[int], np.ndarray, np.ndarray]:
        """The columns that have waves; their values, (N, n_rows, 1); and the angles of all waves, (N, n_rows, K)."""
        columns = columns_of("PeriodicEmbedding", self.columns, call.x.shape[1:])
        x = call.x[:, columns].T[:, :, np.newaxis]
        turns = x * call.parameters["frequency"][:, np.newaxis]
        return columns, x, 2 * math.pi * (turns - np.rint(turns)) + call.parameters["phase"][:, np.newaxis]

    def forward(self, call: LayerCall) -> None:
        _, _, angles = self._angles(call)
        o = np.cos(angles) @ call.parameters["weight"] + call.parameters["bias"][:, np.newaxis]  # (N, n_rows, J)
        call.y[...] = np.hstack([call.x, o.transpose(1, 0, 2).reshape(len(call.x), -1)])

    def formula(self, g: Graph, x: Value, tensors: Mapping[str, Value]) -> Value:
        columns, k = columns_of("PeriodicEmbedding", self.columns, x.sample_shape), self.n_frequencies
        n = len(columns)
        values = g.reshape(g.columns(x, columns), (n, 1))
        turns = values * tensors["frequency"]
        waves = g.cos(2 * math.pi * (turns - g.floor(turns)) + tensors["phase"])  # (N, K)
        weights = (g.reshape(g.columns(tensors["weight"], [j]), (n, k)) for j in range(self.n_outputs))
        o = g.concat([g.sum(waves * weight) for weight in weights]) + tensors["bias"]  # (N, J)
        g.named("waves", o, values, *(tensors[name] for name in ("frequency", "phase", "weight", "bias")))
        return g.concat([x, g.reshape(o, (n * self.n_outputs,))])

    def backward(self, call: LayerCall) -> None:
        columns, x, angles = self._angles(call)
        n_inputs = call.x.shape[1]
        d_o = call.d_y[:, n_inputs:].reshape(len(call.x), len(columns), self.n_outputs).transpose(1, 0, 2)  # (N, n_rows, J)
        d_angles = -np.sin(angles) * (d_o @ call.parameters["weight"].transpose(0, 2, 1))
        gradients = call.d_parameters
        gradients["frequency"][...] = 2 * math.pi * (d_angles * x).sum(axis=1, dtype=np.float64)
        gradients["phase"][...] = d_angles.sum(axis=1, dtype=np.float64)
        gradients["weight"][...] = np.cos(angles).transpose(0, 2, 1) @ d_o
        gradients["bias"][...] = d_o.sum(axis=1, dtype=np.float64)
        if call.d_x is not None:
            call.d_x[...] = call.d_y[:, :n_inputs]
            call.d_x[:, columns] += 2 * math.pi * (d_angles @ call.parameters["frequency"][:, :, np.newaxis])[:, :, 0].T


class _Normal(Initializer):
    """N(0, sigma²). One is as good as another with the same sigma, so that plans are equal."""

    def __init__(self, sigma: float) -> None:
        self.sigma = sigma

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Normal) and other.sigma == self.sigma

    def __hash__(self) -> int:
        return hash(self.sigma)

    def sample(self, rng: np.random.Generator, shape: tuple[int, ...], fan_in: int, fan_out: int) -> np.ndarray:
        return rng.normal(0, self.sigma, shape)


class _Angles(Initializer):
    """U(−π, π): all phases alike, and smaller than from 0 to 2π, for the sake of a decay."""

    def sample(self, rng: np.random.Generator, shape: tuple[int, ...], fan_in: int, fan_out: int) -> np.ndarray:
        return rng.uniform(-math.pi, math.pi, shape)


_ANGLES = _Angles()
