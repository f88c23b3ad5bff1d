"""Rows M7, M9, M14: the notes' training loop, transcribed to NumPy, equals `fit` step for step."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest

import nncore as nn
from nncore._core.program import permutation


def sigmoid(z: np.ndarray) -> np.ndarray:
    return 1 / (1 + np.exp(-z))


def nn_forward(network: SimpleNamespace, batch_x: np.ndarray, batch_y: np.ndarray) -> None:
    """The notes' forward pass; samples are columns."""
    m = batch_x.shape[0]
    network.a = [batch_x.T]
    cost2 = 0.0
    for W, b in zip(network.W, network.b, strict=True):
        network.a.append(sigmoid(W @ network.a[-1] + b))
        cost2 += np.sum(W**2)
    network.cost.append(0.5 / m * np.sum((network.a[-1] - batch_y.T) ** 2) + 0.5 * network.weight_decay * cost2)


def nn_backpropagation(network: SimpleNamespace, batch_y: np.ndarray) -> None:
    m = batch_y.shape[0]
    a = network.a[-1]
    theta = (a - batch_y.T) * a * (1 - a)
    network.W_grad, network.b_grad = [], []
    for k in reversed(range(len(network.W))):
        network.W_grad.insert(0, theta @ network.a[k].T / m + network.weight_decay * network.W[k])
        network.b_grad.insert(0, theta.sum(axis=1, keepdims=True) / m)
        theta = (network.W[k].T @ theta) * network.a[k] * (1 - network.a[k])


def nn_applygradient(network: SimpleNamespace) -> None:
    for k in range(len(network.W)):
        network.W[k] = network.W[k] - network.learning_rate * network.W_grad[k]
        network.b[k] = network.b[k] - network.learning_rate * network.b_grad[k]


def nn_train(network: SimpleNamespace, iteration: int, batch_size: int, train_x: np.ndarray, train_y: np.ndarray, seed: int) -> None:
    """The notes' training loop; only the permutation comes from nncore, so that both use the same batches."""
    m = train_x.shape[0]
    num_batches = m / batch_size
    for k in range(iteration):
        kk = permutation(m, seed, k)
        for batch in range(int(num_batches)):
            batch_x = train_x[kk[batch * batch_size : (batch + 1) * batch_size], :]
            batch_y = train_y[kk[batch * batch_size : (batch + 1) * batch_size], :]
            nn_forward(network, batch_x, batch_y)
            nn_backpropagation(network, batch_y)
            nn_applygradient(network)


@pytest.mark.parametrize("weight_decay", [0.0, 0.01])
def test_fit_is_the_notes_nn_train(weight_decay: float) -> None:
    rng = np.random.default_rng(0)
    X, Y = rng.normal(size=(103, 6)), rng.uniform(size=(103, 2))
    net = nn.Sequential(nn.Dense(7, activation="sigmoid"), nn.Dense(5, activation="sigmoid"), nn.Dense(2, activation="sigmoid"))
    net.build(6, rng=1, dtype="float64")
    views = net.named_parameters()
    names = [f"dense_{k}" for k in (1, 2, 3)]
    notes = SimpleNamespace(
        W=[views[f"{name}.weight"].T.copy() for name in names],
        b=[views[f"{name}.bias"][:, None].copy() for name in names],
        learning_rate=0.7,
        weight_decay=weight_decay,
        cost=[],
    )
    history = net.fit(
        X, Y, loss="half_mse", optimizer=nn.SGD(lr=0.7), epochs=5, batch_size=10, drop_last=True, weight_decay=weight_decay, progress=False
    )
    nn_train(notes, 5, 10, X, Y, net.seed)
    for k, name in enumerate(names):
        np.testing.assert_allclose(views[f"{name}.weight"].T, notes.W[k], rtol=1e-10)
        np.testing.assert_allclose(views[f"{name}.bias"], notes.b[k][:, 0], rtol=1e-9)
    np.testing.assert_allclose(history["loss"], np.reshape(notes.cost, (5, 10)).mean(axis=1), rtol=1e-11)
