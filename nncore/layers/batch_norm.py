"""Batch normalisation, as in the paper and in a variant of lecture notes."""

from __future__ import annotations

import math
from collections.abc import Mapping

import numpy as np

from nncore.plugin import Buffer, Graph, Kernel, Layer, LayerCall, Plan, Tensor, Value

#: Samples are counted in two digits, of samples and of so many: float32 itself has no number for the next one after 2²⁴.
COUNT_BASE = 2.0**23


class BatchNorm(Layer):
    """Batch normalisation: x̂ = (x − μ) / σ, y = γx̂ + β for each feature.

    It usually stands between a linear layer and its activation.

    Parameters
    ----------
    mode : {"batch", "cumulative"}, default "batch"
        Which mean μ and standard deviation σ to use.

        - ``"batch"``: those of the batch, σ² = mean((x − μ)²) and σ = √(σ² + ε), with one γ and β for each feature. The gradient goes
          through μ and σ. Prediction uses running statistics, r ← (1 − momentum)·r + momentum·(of the batch; variance with n − 1).
        - ``"cumulative"``: a variant of lecture notes. Mean and standard deviation of all samples so far, also in training, one scalar γ
          and β, and ε added to σ. The gradient treats the statistics as constants. σ² pools the squared deviations from each batch's own
          mean, over n − 1 samples in all.
    momentum : float, default 0.1
        Weight of the newest batch in the running statistics (mode ``"batch"``).
    epsilon : float or None, default None
        ε. None is 1e-5, or 1e-4 in mode ``"cumulative"``.
    name : str, optional
        Name of the layer, which its tensors, summaries and files use; by default kind and number, as in ``dense_1``.

    Notes
    -----
    In mode ``"batch"``, a batch of one row normalises to zero, and does not change the running variance.

    References
    ----------
    Ioffe & Szegedy, "Batch normalization: accelerating deep network training by reducing internal covariate shift", 2015.
    """

    ranges = {"momentum": "[0, 1]", "epsilon": "(0, inf)"}
    choices = {"mode": ("batch", "cumulative")}
    kernel = Kernel("nncore._core.native:layer_batch_norm", never_fails=True)

    def __init__(self, mode: str = "batch", momentum: float = 0.1, epsilon: float | None = None, *, name: str | None = None) -> None:
        self.mode = mode
        self.momentum = momentum
        self.epsilon = (1e-4 if self.mode == "cumulative" else 1e-5) if epsilon is None else epsilon
        self.name = name

    def hyper(self) -> list[float]:
        return [float(self.mode == "cumulative"), self.momentum, self.epsilon]

    def plan(self, input_shape: tuple[int, ...]) -> Plan:
        n = math.prod(input_shape)
        cumulative = self.mode == "cumulative"
        shape = (1,) if cumulative else input_shape
        tensors = (Tensor("gamma", shape, "scale", {"name": "constant", "value": 1.0}, 1, 1), Tensor("beta", shape, "bias", "zeros", 1, 1))
        buffers: tuple[Buffer, ...]
        if cumulative:
            buffers = (Buffer("mean", input_shape), Buffer("std", input_shape, 1.0), Buffer("count", (2,)))
        else:
            buffers = (Buffer("mean", input_shape), Buffer("variance", input_shape, 1.0))
        flops = 4 * n  # − μ, / σ, · γ, + β
        return Plan(
            input_shape, tensors, buffers, cache=2 * n, split_columns=not cumulative, batch_sums=2, output_domain="(-inf, inf)", flops=flops
        )

    def forward(self, call: LayerCall) -> None:
        mean, scale = self._statistics(call)
        call.cache[...] = np.concatenate([mean, scale])
        call.y[...] = call.parameters["gamma"].ravel() * ((call.x - mean) * scale) + call.parameters["beta"].ravel()

    def _statistics(self, call: LayerCall) -> tuple[np.ndarray, np.ndarray]:
        """μ and 1/σ, both of shape (n_inputs,), after updating the running statistics."""
        mean = call.buffers["mean"].reshape(-1)
        spread = call.buffers["std" if self.mode == "cumulative" else "variance"].reshape(-1)
        n_rows = len(call.x)
        batch_mean = call.x.mean(axis=0, dtype=np.float64).astype(call.x.dtype)
        squares = ((call.x - batch_mean) ** 2).sum(axis=0, dtype=np.float64).astype(call.x.dtype)
        if self.mode == "cumulative":
            count = call.buffers["count"]
            if call.training:
                before = float(count[0]) + COUNT_BASE * float(count[1])
                after = before + n_rows
                mean[...] = (mean.astype(np.float64) * before + batch_mean.astype(np.float64) * n_rows) / after
                pooled = spread.astype(np.float64) ** 2 * max(before - 1, 0) + squares
                spread[...] = np.sqrt(pooled / (after - 1)) if after > 1 else 0
                count[...] = after % COUNT_BASE, after // COUNT_BASE
            return mean, 1 / (spread + call.x.dtype.type(self.epsilon))
        if not call.training:
            return mean, 1 / np.sqrt(spread + call.x.dtype.type(self.epsilon))
        mean += self.momentum * (batch_mean - mean)
        if n_rows > 1:
            spread += self.momentum * (squares / (n_rows - 1) - spread)
        return batch_mean, 1 / np.sqrt(squares / n_rows + call.x.dtype.type(self.epsilon))

    def formula(self, g: Graph, x: Value, tensors: Mapping[str, Value]) -> Value:
        sigma = tensors["std"] + self.epsilon if self.mode == "cumulative" else g.sqrt(tensors["variance"] + self.epsilon)
        return (x - tensors["mean"]) * (tensors["gamma"] / sigma) + tensors["beta"]

    def backward(self, call: LayerCall) -> None:
        d_y = call.d_y
        n_rows, n = d_y.shape
        mean, scale = call.cache[:n], call.cache[n:]
        normalised = (call.x - mean) * scale
        gamma = call.parameters["gamma"].ravel()
        if not call.training:  # the statistics are constants, and nothing is trained
            if call.d_x is not None:
                call.d_x[...] = gamma * scale * d_y
            return
        d_gamma, d_beta = (terms.sum(axis=0, dtype=np.float64).astype(d_y.dtype) for terms in (d_y * normalised, d_y))
        if self.mode == "cumulative":
            call.d_parameters["gamma"][0], call.d_parameters["beta"][0] = d_gamma.sum(), d_beta.sum()
            if call.d_x is not None:
                call.d_x[...] = gamma * scale * d_y
            return
        call.d_parameters["gamma"][...] = d_gamma.reshape(call.d_parameters["gamma"].shape)
        call.d_parameters["beta"][...] = d_beta.reshape(call.d_parameters["beta"].shape)
        if call.d_x is not None:
            call.d_x[...] = gamma * scale * (d_y - (d_beta + normalised * d_gamma) / n_rows)
