"""Batch normalisation against its definition and against the notes' own code."""

from __future__ import annotations

import ctypes
import sys
from types import ModuleType

import numpy as np
import pytest

import nncore as nn
from nncore.errors import ParameterError
from nncore.plugin import TABLES, Kernel, function_table, native_kernel
from nncore.testing import LayerConformance, tables


def only_batch_norm(n: int, **arguments: object) -> nn.Sequential:
    return nn.Sequential(nn.BatchNorm(**arguments)).build(n, loss="half_mse", optimizer="sgd", rng=0, dtype="float64")


def test_batch_mode_by_definition() -> None:
    rng = np.random.default_rng(0)
    X = rng.normal(3, 5, (40, 4))
    network = only_batch_norm(4, momentum=0.25, epsilon=1e-3)
    parameters, buffers = network.named_parameters(), network.named_buffers()
    parameters["batch_norm_1.gamma"][:] = [1, 2, 3, 4]
    parameters["batch_norm_1.beta"][:] = [0, 1, 0, -1]
    output = network.forward(X, training=True)
    expected = np.array([1, 2, 3, 4]) * (X - X.mean(0)) / np.sqrt(X.var(0) + 1e-3) + [0, 1, 0, -1]
    np.testing.assert_allclose(output, expected, rtol=1e-12)
    np.testing.assert_allclose(buffers["batch_norm_1.mean"], 0.25 * X.mean(0), rtol=1e-12)
    np.testing.assert_allclose(buffers["batch_norm_1.variance"], 0.75 + 0.25 * X.var(0, ddof=1), rtol=1e-12)
    predicted = network.predict(X[:3])
    running = (X[:3] - 0.25 * X.mean(0)) / np.sqrt(buffers["batch_norm_1.variance"] + 1e-3)
    np.testing.assert_allclose(predicted, [1, 2, 3, 4] * running + [0, 1, 0, -1], rtol=1e-12)


class NotesBatchNorm:
    """Section 5.3 of the notes, line by line; samples are columns there."""

    def __init__(self, n: int) -> None:
        self.E, self.S, self.vecNum = np.zeros((n, 1)), np.zeros((n, 1)), 0
        self.Gamma, self.Beta = 1.0, 0.0

    def forward(self, y: np.ndarray) -> np.ndarray:
        m = y.shape[1]
        self.E = self.E * self.vecNum + y.sum(axis=1, keepdims=True)
        self.S = self.S**2 * (self.vecNum - 1) + (m - 1) * y.std(axis=1, ddof=1, keepdims=True) ** 2
        self.vecNum = self.vecNum + m
        self.E = self.E / self.vecNum
        self.S = np.sqrt(self.S / (self.vecNum - 1))
        self.x = (y - self.E) / (self.S + 0.0001 * np.ones(self.S.shape))
        return self.Gamma * self.x + self.Beta

    def backward(self, theta: np.ndarray) -> np.ndarray:
        self.Gamma_grad = np.sum(np.mean(theta * self.x, axis=1))
        self.Beta_grad = np.sum(np.mean(theta, axis=1))
        return self.Gamma * theta / (self.S + 0.0001)


def test_cumulative_mode_is_the_notes_code() -> None:
    rng = np.random.default_rng(1)
    network = nn.Sequential(nn.Dense(3), nn.BatchNorm(mode="cumulative")).build(5, loss="half_mse", optimizer="sgd", rng=0, dtype="float64")
    notes = NotesBatchNorm(3)
    views, gradients = network.named_parameters(), network.named_gradients()
    for _ in range(6):
        X, Y = rng.normal(2, 3, (8, 5)), rng.normal(size=(8, 3))
        notes.Gamma, notes.Beta = views["batch_norm_1.gamma"][0], views["batch_norm_1.beta"][0]
        z = views["dense_1.weight"].T @ X.T + views["dense_1.bias"][:, None]
        output = notes.forward(z)
        np.testing.assert_allclose(network.forward(X, training=True), output.T, rtol=1e-11)
        network.backward(Y)
        theta = output - Y.T
        through = notes.backward(theta)
        np.testing.assert_allclose(gradients["batch_norm_1.gamma"][0], notes.Gamma_grad, rtol=1e-10)
        np.testing.assert_allclose(gradients["batch_norm_1.beta"][0], notes.Beta_grad, rtol=1e-10)
        np.testing.assert_allclose(gradients["dense_1.weight"].T, through @ X / 8, rtol=1e-9, atol=1e-12)
        np.testing.assert_allclose(gradients["dense_1.bias"], through.sum(axis=1) / 8, rtol=1e-9, atol=1e-12)
        network.step()


def test_cumulative_statistics_pool_the_batches_as_in_the_notes() -> None:
    rng = np.random.default_rng(2)
    network = only_batch_norm(4, mode="cumulative")
    parts = [rng.normal(size=(n, 4)) for n in (1, 5, 2, 9)]
    for part in parts:
        network.forward(part, training=True)
    buffers = network.named_buffers()
    np.testing.assert_allclose(buffers["batch_norm_1.mean"], np.concatenate(parts).mean(0), rtol=1e-12)
    squares = sum(((part - part.mean(0)) ** 2).sum(axis=0) for part in parts)
    np.testing.assert_allclose(buffers["batch_norm_1.std"], np.sqrt(squares / (17 - 1)), rtol=1e-12)
    assert buffers["batch_norm_1.count"][0] == 17


def test_one_row_leaves_the_running_variance() -> None:
    network = only_batch_norm(3)
    output = network.forward([[1.0, 2.0, 3.0]], training=True)
    np.testing.assert_array_equal(output, 0)
    np.testing.assert_array_equal(network.named_buffers()["batch_norm_1.variance"], 1)


def test_constant_feature_does_not_divide_by_zero() -> None:
    for mode in ("batch", "cumulative"):
        network = only_batch_norm(2, mode=mode)
        output = network.forward(np.full((6, 2), 7.0), training=True)
        np.testing.assert_array_equal(output, 0)


@pytest.mark.parametrize("first_row", [None, 0.0, 3e4], ids=["ordinary", "zero", "far"])
@pytest.mark.parametrize("n_rows", [5, 64, 1023])
def test_a_large_mean_does_not_eat_the_variance(n_rows: int, first_row: float | None) -> None:
    """A large mean does not cancel the variance: in float32 with mean 1e4 and deviation 1, E[x²] − E[x]² would lose all digits."""
    n = 150
    X = np.random.default_rng(5).normal(1e4, 1, (n_rows, n)).astype(np.float32)
    if first_row is not None:
        X[0, ::2] = first_row
    network = nn.Sequential(nn.BatchNorm(momentum=1)).build(n, loss="half_mse", rng=0)
    output = network.forward(X, training=True)
    exact = X.astype(np.float64)
    spread = np.sqrt(exact.var(axis=0) + 1e-5)
    # The mean itself is a float32 near 1e4, whose last place is 1e-3.
    np.testing.assert_allclose(output * spread, exact - exact.mean(axis=0), rtol=1e-5, atol=1e-3)
    variance = network.named_buffers()["batch_norm_1.variance"]
    np.testing.assert_allclose(variance, exact.var(axis=0, ddof=1), rtol=1e-5)
    predicted = network.predict(X) * np.sqrt(variance + 1e-5)  # momentum 1: from the statistics of this batch
    np.testing.assert_allclose(predicted, exact - exact.mean(axis=0), rtol=1e-5, atol=1e-3)


def test_bad_arguments() -> None:
    with pytest.raises(ParameterError, match="mode must be"):
        nn.BatchNorm(mode="layer")
    with pytest.raises(ParameterError, match="momentum"):
        nn.BatchNorm(momentum=2)


def test_the_kit_catches_sums_that_are_not_joined(monkeypatch: pytest.MonkeyPatch) -> None:
    kernel = native_kernel(nn.BatchNorm)
    assert kernel is not None
    there = tables.layer(kernel.load())
    addresses = {name: function.pointer for name in TABLES["layer"] if (function := getattr(there, name)) is not None}
    leave = ctypes.CFUNCTYPE(ctypes.c_int32, ctypes.c_void_p)(lambda call: 0)
    module = ModuleType("unjoined_tables")
    address = ctypes.cast(leave, ctypes.c_void_p).value
    module.table = function_table("layer", **addresses | {"join_sums_f32": address, "join_sums_f64": address})  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, module.__name__, module)

    class Unjoined(nn.BatchNorm):
        kernel = Kernel("unjoined_tables:table")

    kit = LayerConformance()
    kit._check_sums(nn.BatchNorm())
    with pytest.raises(AssertionError, match="by joined sums"):
        kit._check_sums(Unjoined())
