"""Components of the package against nncore's conformance checks and against their definitions."""

from __future__ import annotations

import itertools
from typing import ClassVar

import numpy as np
import pytest
from nncore_autograd.factorization_machine import FactorizationMachine
from nncore_autograd.robust import Robust
from nncore_autograd.smish import Smish

import nncore as nn
from nncore.errors import ParameterError, ShapeError
from nncore.plugin import LayerCall
from nncore.testing import ActivationConformance, LayerConformance, LossConformance


class TestSmish(ActivationConformance):
    name = "nncore-autograd/smish"


class TestRobust(LossConformance):
    name = "nncore-autograd/robust"
    arguments: ClassVar = [{"alpha": alpha, "scale": scale} for alpha, scale in ((2, 1), (1, 0.5), (0, 2), (-2, 1))]


class TestFactorizationMachine(LayerConformance):
    name = "nncore-autograd/factorization_machine"
    arguments: ClassVar = [{}, {"n_outputs": 3, "rank": 2}]


def test_smish_by_its_definition() -> None:
    z = np.array([[-3.0, 0.0, 0.5, 20.0]])
    np.testing.assert_allclose(Smish().forward(z), z * np.tanh(np.log(1 + 1 / (1 + np.exp(-z)))), rtol=1e-15)
    assert Smish().forward(np.array([[-1e4, 1e4]])).tolist() == [[0.0, pytest.approx(6000)]]
    assert Smish().forward(np.linspace(-5, 5, 10001)[None]).min() == pytest.approx(-0.25, abs=0.01)


@pytest.mark.parametrize("alpha", [2, 0])
def test_robust_has_limits(alpha: float) -> None:
    output, target = np.linspace(-3, 3, 7)[:, None], np.zeros((7, 1))
    for near in (alpha - 1e-9, alpha + 1e-9):
        for method in ("forward", "backward"):
            np.testing.assert_allclose(
                getattr(Robust(near), method)(output, target), getattr(Robust(alpha), method)(output, target), rtol=0, atol=1e-7
            )


def test_robust_by_hand() -> None:
    error = np.array([[3.0], [-4.0]])
    np.testing.assert_allclose(Robust(2.0, 2.0).forward(error, 0 * error), [1.125, 2.0])
    np.testing.assert_allclose(Robust(1.0).forward(error, 0 * error), np.sqrt([10, 17]) - 1)
    np.testing.assert_allclose(Robust(0.0).forward(error, 0 * error), np.log([5.5, 9]))
    np.testing.assert_allclose(Robust(-2.0).forward(error, 0 * error), [2 * 9 / 13, 2 * 16 / 20])
    np.testing.assert_allclose(Robust(1.0).backward(error, 0 * error), error / np.sqrt(error**2 + 1))


def test_a_factorization_machine_by_pairs() -> None:
    rng = np.random.default_rng(0)
    x, weight, factors, bias = rng.normal(size=(3, 4)), rng.normal(size=(4, 2)), rng.normal(size=(4, 2, 5)), rng.normal(size=2)
    expected = bias + x @ weight
    for i, j in itertools.combinations(range(4), 2):
        expected += (x[:, i] * x[:, j])[:, None] * (factors[i] * factors[j]).sum(axis=1)
    parameters = {"weight": weight, "factors": factors.reshape(4, 10), "bias": bias}
    call = LayerCall(x, np.empty((3, 2)), parameters=parameters, input_shape=(4,), output_shape=(2,))
    FactorizationMachine(2, 5).forward(call)
    np.testing.assert_allclose(call.y, expected, rtol=1e-13)


def test_a_factorization_machine_learns_products() -> None:
    rng = np.random.default_rng(0)
    X = rng.normal(size=(400, 5))
    y = X[:, :1] * X[:, 1:2] - X[:, 2:3] * X[:, 3:4] + X[:, 4:]
    net = nn.Sequential(FactorizationMachine(1, 3))
    history = net.fit(X, y, loss="mse", optimizer=nn.Adam(lr=0.05), epochs=60, batch_size=50, rng=0, progress=False)
    assert history["loss"][-1] < 0.01 < 1 < history["loss"][0]


def test_what_does_not_fit_is_refused() -> None:
    with pytest.raises(ParameterError, match="scale must be a number"):
        Robust(scale=0)
    with pytest.raises(ParameterError, match="rank must be a whole number"):
        FactorizationMachine(rank=0)
    with pytest.raises(ShapeError, match=r"takes vectors, not samples of shape \(4, 4\)"):
        nn.Sequential(FactorizationMachine()).build((4, 4), rng=0)
