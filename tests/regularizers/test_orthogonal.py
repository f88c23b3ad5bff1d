"""Orthogonality of units: the formula, both orientations, and training with it."""

from __future__ import annotations

import numpy as np
import pytest

import nncore as nn
from nncore.errors import ParameterError

TALL = np.random.default_rng(0).normal(size=(7, 3))


@pytest.mark.parametrize("mode", ["auto", "columns", "rows"])
def test_formula(mode: str) -> None:
    regularizer = nn.Orthogonality(0.3, mode)
    for w in (TALL, TALL.T.copy()):
        has_columns = mode == "columns" or (mode == "auto" and w.shape[0] >= w.shape[1])
        excess = w.T @ w - np.eye(w.shape[1]) if has_columns else w @ w.T - np.eye(w.shape[0])
        assert regularizer.value(w) == pytest.approx(0.3 * np.linalg.norm(excess) ** 2, rel=1e-13)


def test_orthonormal_units_cost_nothing() -> None:
    q = np.linalg.qr(TALL)[0]
    for w in (q, q.T.copy()):
        g = np.zeros_like(w)
        nn.Orthogonality().add_gradient(w, g)
        assert nn.Orthogonality().value(w) < 1e-28
        np.testing.assert_allclose(g, 0, atol=1e-14)


@pytest.mark.parametrize("shape", [(12, 5), (5, 12), (8, 8)])
def test_training_makes_units_orthonormal(shape: tuple[int, int]) -> None:
    n_in, n_out = shape
    net = nn.Sequential(nn.Dense(n_out, weight_regularizer="orthogonal", use_bias=False), nn.Dense(1))
    X = np.random.default_rng(1).normal(size=(40, n_in))
    net.fit(X, 0 * X[:, 0], loss="mse", optimizer=nn.Adam(lr=0.02), schedule="cosine", epochs=800, batch_size=40, dtype="float64", rng=0)
    w = net.named_parameters()["dense_1.weight"]
    np.testing.assert_allclose(w.T @ w if n_out <= n_in else w @ w.T, np.eye(min(shape)), atol=1e-3)


def test_mode_is_checked() -> None:
    with pytest.raises(ParameterError, match="mode must be"):
        nn.Orthogonality(mode="both")
