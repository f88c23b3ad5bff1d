"""Sums over the rows of a batch keep their digits in float32: gradients, statistics, losses."""

from __future__ import annotations

import numpy as np
import pytest

import nncore as nn
from nncore import registry
from nncore.contract import Layer
from nncore.testing import team_of

EPS = float(np.finfo(np.float32).eps)
N_INPUTS = 3

#: Layers whose gradients are sums over rows, their inputs, and the allowed error in roundings of the largest sum.
LAYERS = {
    "dense": (lambda: nn.Dense(5), "numbers", 8),
    "dense without bias": (lambda: nn.Dense(5, use_bias=False), "numbers", 8),
    "scaled_dense": (lambda: nn.ScaledDense(5), "numbers", 8),
    "repeated_dense": (lambda: nn.RepeatedDense(2, 3), "numbers", 8),
    "repeated_dense that shares its bias": (lambda: nn.RepeatedDense(2, 3, scale_outputs=False, share_bias=True), "numbers", 8),
    "batch_norm": (nn.BatchNorm, "numbers", 8),
    "batch_norm, cumulative": (lambda: nn.BatchNorm(mode="cumulative"), "numbers", 8),
    "layer_norm": (nn.LayerNorm, "numbers", 8),
    "embedding": (lambda: nn.Embedding(2, 4), "codes", 8),
    "fill_missing": (nn.FillMissing, "gaps", 8),
    "scale": (nn.Scale, "numbers", 8),
    "rms_norm": (nn.RMSNorm, "numbers", 8),
    "prelu": (nn.PReLU, "negative numbers", 8),
    "parametric_activation": (lambda: nn.ParametricActivation("mish"), "numbers", 8),
    "periodic_embedding": (nn.PeriodicEmbedding, "numbers", 8),
    "members_dense": (lambda: [nn.RepeatMembers(2), nn.MembersDense(3, scale_outputs=False)], "numbers", 8),
    "members_dense that shares its bias": (
        lambda: [nn.RepeatMembers(2), nn.MembersDense(3, scale_inputs=False, scale_outputs=False, share_bias=True)],
        "numbers",
        8,
    ),
    "piecewise_linear_embedding": (lambda: nn.PiecewiseLinearEmbedding([[0.2, 0.5], [0, 0.5, 1]], 3, columns=[0, 2]), "numbers", 8),
    "member_heads": (lambda: [nn.RepeatMembers(2), nn.MemberHeads(3)], "numbers", 8),
}
SIZES = [10_000, 200_000, *(pytest.param(n_rows, marks=pytest.mark.slow) for n_rows in (1_000_000, 10_000_000))]


def inputs(what: str, n_rows: int) -> np.ndarray:
    """Positive numbers, whose sums grow with every row."""
    X = np.random.default_rng(n_rows).random((n_rows, N_INPUTS), np.float32)
    if what == "codes":
        return np.floor(3 * X)  # of two categories and an unknown one
    if what == "negative numbers":
        return -X
    if what == "gaps":
        X[X > 0.5] = np.nan
    return X


def gradients(layer: Layer | list[Layer], X: np.ndarray, parameters: np.ndarray | None, dtype: str) -> tuple[np.ndarray, np.ndarray]:
    """Parameters and gradients of a network with only this layer, where every row has the same gradient."""
    network = nn.Sequential(layer).build(X.shape[1:], rng=1, dtype=dtype)
    if parameters is not None:
        network.parameters[...] = parameters
    output = network.forward(X.astype(dtype), training=True)
    network.backward(d_output=np.full(output.shape, np.float32(1 / 3), dtype))
    return network.parameters.copy(), network.gradients.copy()


def test_every_layer_with_parameters_is_here() -> None:
    """Every layer with parameters is tested here, since its gradients are sums over rows."""
    names = {name.split(",")[0].split(" ")[0] for name in LAYERS}
    for name in registry.names("layers"):
        cls = registry.get("layers", name)
        if not cls.__module__.startswith("nncore.layers") or name in names:
            continue
        for arguments in cls.examples or ({},):
            plan = registry.resolve("layers", {"name": name, **arguments}).plan(getattr(cls, "input_shapes", ((N_INPUTS,),))[0])
            assert not plan.tensors, f"{name} has parameters: add it to LAYERS"


@pytest.mark.parametrize("n_rows", SIZES)
@pytest.mark.parametrize("name", LAYERS)
def test_gradients(name: str, n_rows: int) -> None:
    make, what, roundings = LAYERS[name]
    X = inputs(what, n_rows)
    parameters, gradient = gradients(make(), X, None, "float32")
    _, truth = gradients(make(), X, parameters, "float64")
    assert np.abs(gradient - truth).max() <= roundings * EPS * n_rows / 3


@pytest.mark.parametrize("name", LAYERS)
def test_same_bits_for_any_number_of_threads(name: str) -> None:
    """Gradients have the same bits with any number of threads, since blocks of rows do not depend on the division of parameters."""
    make, what, _ = LAYERS[name]
    X = inputs(what, 5_000)
    _, alone = gradients(make(), X, None, "float32")
    with team_of(3):
        _, together = gradients(make(), X, None, "float32")
    assert np.array_equal(alone, together)


@pytest.mark.parametrize("n_rows", SIZES)
def test_statistics_of_batch_norm(n_rows: int) -> None:
    """Mean and variance far from zero, where a long sum would lose most."""
    X = 100 + np.random.default_rng(2).normal(size=(n_rows, N_INPUTS)).astype(np.float32)
    layer = nn.BatchNorm(momentum=1.0)
    network = nn.Sequential(layer).build(N_INPUTS, rng=1)
    network.forward(X, training=True)
    X64 = X.astype(np.float64)
    buffers = network.named_buffers()
    mean, variance = buffers["batch_norm_1.mean"], buffers["batch_norm_1.variance"]
    assert np.abs(mean - X64.mean(axis=0)).max() <= 100 * EPS
    assert np.abs(variance - X64.var(axis=0, ddof=1)).max() <= 8 * EPS


@pytest.mark.parametrize("n_rows", SIZES)
def test_loss_of_a_batch(n_rows: int) -> None:
    """The mean loss of one batch with all rows, and that of an evaluation."""
    X = inputs("numbers", n_rows)
    y = np.full((n_rows, 1), 1 / 3, np.float32)
    network = nn.Sequential(nn.Dense(1)).build(N_INPUTS, loss="mse", rng=1)
    output = network.forward(X, training=True)
    truth = float(((output.astype(np.float64) - y) ** 2).mean())
    assert network.backward(y) == pytest.approx(truth, rel=4 * EPS)
    assert network.evaluate(X, y)["loss"] == pytest.approx(truth, rel=4 * EPS)
