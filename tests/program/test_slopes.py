"""Activations that store their slope in place of z: gradients are unchanged, and no value still needed is overwritten."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

import nncore as nn
from nncore.layers.activation import ActivationLayer
from nncore.testing import team_of
from nncore.testing.twin import numpy_twin

RNG = np.random.default_rng(0)
X, Y = RNG.normal(size=(200, 6)), RNG.normal(size=(200, 3))

#: Cases: z is a layer's output without other uses, the input, or also used by the activation before or a branch.
NETWORKS: dict[str, Callable[[nn.plugin.Activation], list[nn.plugin.Layer]]] = {
    "alone": lambda phi: [nn.Dense(8, activation=phi), nn.Dense(8, activation=phi), nn.Dense(3)],
    "last": lambda phi: [nn.Dense(8), nn.Dense(3, activation=phi)],
    "the input": lambda phi: [ActivationLayer(phi), nn.Dense(3)],
    "after another": lambda phi: [nn.Dense(8, activation="tanh"), ActivationLayer(phi), nn.Dense(3)],
    "twice": lambda phi: [nn.Dense(8, activation=phi), ActivationLayer(phi), nn.Dense(3)],
    "beside others": lambda phi: [nn.Dense(8), nn.Residual([ActivationLayer(phi), nn.Dense(8)]), nn.Dense(3)],
}


@pytest.mark.parametrize("name", ["mish", "silu", "gelu"])
@pytest.mark.parametrize("where", NETWORKS)
@pytest.mark.parametrize("asks", ["parameters", "inputs"])
def test_gradients_are_those_of_numpy(name: str, where: str, asks: str) -> None:
    phi, found = nn.get("activations", name)(), []
    for one in (phi, numpy_twin(phi)):
        net = nn.Sequential(*NETWORKS[where](one)).build(6, loss="mse", rng=1, dtype="float64")
        given = X.copy()
        with team_of(3):
            net.forward(given, training=True)
            net.backward(Y)
            found.append(net.gradients.copy() if asks == "parameters" else net.input_gradients(given, y=Y))
        np.testing.assert_array_equal(given, X)
    np.testing.assert_allclose(found[0], found[1], rtol=1e-11, atol=1e-13)


def test_bits_do_not_depend_on_threads() -> None:
    ends = []
    for n_parts in (1, 2, 3):
        net = nn.Sequential(*NETWORKS["alone"](nn.get("activations", "mish")())).build(6, loss="mse", optimizer="adam", rng=1)
        with team_of(n_parts):
            net.fit(X, Y, epochs=3, batch_size=64, progress=False)
        ends.append(net.parameters.copy())
    np.testing.assert_array_equal(ends[1], ends[0])
    np.testing.assert_array_equal(ends[2], ends[0])
