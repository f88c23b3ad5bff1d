"""Lion against nncore's conformance kit, and against a transcription of the paper's program 1."""

from __future__ import annotations

import numpy as np
import pytest
from nncore_lion.lion import Lion

import nncore as nn
from nncore.errors import ParameterError
from nncore.testing import OptimizerConformance


class TestLion(OptimizerConformance):
    name = "nncore-lion/lion"


def program_1(weight: float, gradient: float, momentum: float, lion: Lion) -> tuple[float, float]:
    """``train(weight, gradient, momentum, lr)`` of the paper for one number, where ``interp(x, y, a) = (1 - a) * x + a * y``."""
    update = (1 - lion.beta1) * gradient + lion.beta1 * momentum
    update = 0.0 if update == 0 else update / abs(update)
    momentum = (1 - lion.beta2) * gradient + lion.beta2 * momentum
    update = (update + weight * lion.weight_decay) * lion.lr
    return weight - update, momentum


@pytest.mark.parametrize("arguments", [{}, {"lr": 0.01, "beta1": 0.5, "beta2": 0.7, "weight_decay": 0.3}, {"beta1": 0, "beta2": 0}])
def test_program_of_the_paper(arguments: dict[str, float]) -> None:
    lion = Lion(**arguments)
    rng = np.random.default_rng(0)
    w, gradients, state = rng.normal(size=9), rng.normal(size=(20, 9)), np.zeros((1, 9))
    gradients[:, 0] = 0  # a parameter without gradient only decays
    expected = [(float(weight), 0.0) for weight in w]
    for t, g in enumerate(gradients, start=1):
        lion.step(w, g, state, t)
        expected = [program_1(weight, d, momentum, lion) for (weight, momentum), d in zip(expected, g, strict=True)]
    weights, momenta = zip(*expected, strict=True)
    np.testing.assert_allclose(w, weights, rtol=1e-14, atol=1e-15)
    np.testing.assert_allclose(state[0], momenta, rtol=1e-13, atol=1e-15)


@pytest.mark.skipif("lion" not in nn.names("optimizers"), reason="nncore has no built-in lion here")
@pytest.mark.parametrize("arguments", [{}, {"lr": 0.01, "beta1": 0.5, "beta2": 0.7, "weight_decay": 0.3}])
def test_steps_are_those_of_the_one_that_nncore_has(arguments: dict[str, float]) -> None:
    ours, theirs = Lion(**arguments), nn.get("optimizers", "lion")(**arguments)
    assert type(theirs) is not Lion
    rng = np.random.default_rng(0)
    w, state = rng.normal(size=9), np.zeros((1, 9))
    w_theirs, state_theirs = w.copy(), state.copy()
    for t in range(1, 21):
        g = rng.normal(size=9)
        ours.step(w, g, state, t)
        theirs.step(w_theirs, g, state_theirs, t)
        np.testing.assert_allclose(w_theirs, w, rtol=1e-14, atol=1e-15)
        np.testing.assert_array_equal(state_theirs, state)


def test_every_step_is_as_long_as_lr() -> None:
    lion = Lion(lr=0.25)
    w, g, state = np.zeros(3), np.array([1e-30, -1e30, 0.0]), np.zeros((1, 3))
    lion.step(w, g, state, 1)
    np.testing.assert_array_equal(w, [-0.25, 0.25, 0])


def test_by_name_in_a_network() -> None:
    rng = np.random.default_rng(0)
    X = rng.normal(size=(200, 4))
    y = (X[:, 0] * X[:, 1] > 0).astype(np.int64)
    net = nn.Sequential(nn.Dense(16, activation="tanh"), nn.Dense(2))
    optimizer = {"name": "nncore-lion/lion", "lr": 0.003}
    history = net.fit(X, y, loss="softmax_cross_entropy", optimizer=optimizer, epochs=40, batch_size=20, rng=0, progress=False)
    assert history["loss"][-1] < history["loss"][0] / 2


def test_hyperparameters_are_checked() -> None:
    with pytest.raises(ParameterError, match=r"Lion: beta1 must be a number in \[0, 1\), got 1"):
        Lion(beta1=1)
