"""A leaky ReLU with learned slopes."""

from __future__ import annotations

import numpy as np

import nncore as nn


def test_it_begins_as_a_leaky_relu_and_takes_samples_of_any_shape() -> None:
    X = np.random.default_rng(0).normal(size=(6, 3, 4)).astype(np.float32)
    net = nn.Sequential(nn.PReLU(0.125)).build((3, 4))
    leaky = nn.Sequential(nn.ActivationLayer({"name": "leaky_relu", "slope": 0.125})).build((3, 4))
    np.testing.assert_array_equal(net.predict(X), leaky.predict(X))
    net.named_parameters()["prelu_1.slope"][...] = -1
    np.testing.assert_array_equal(net.predict(X), np.abs(X))


def test_it_is_the_parametric_relu_of_the_other_layer() -> None:
    """PReLU equals the parametric activation of ReLU: slope a is 1 − α, where α is the share of the ReLU."""
    X = np.random.default_rng(1).normal(size=(9, 5))
    ours, other = (nn.Sequential(layer).build(5, dtype="float64") for layer in (nn.PReLU(), nn.ParametricActivation("relu")))
    other.parameters[:] = np.linspace(-1, 2, 5)
    ours.parameters[:] = 1 - other.parameters
    np.testing.assert_allclose(ours.predict(X), other.predict(X), rtol=1e-14)
    for net in (ours, other):
        net.forward(X, training=True)
        net.backward(d_output=X)
    np.testing.assert_allclose(ours.gradients, -other.gradients, rtol=1e-14)


def test_weight_decay_leaves_slopes_alone() -> None:
    net = nn.Sequential(nn.PReLU(), nn.Dense(1, use_bias=False))
    net.fit(np.zeros((32, 3)), np.zeros(32), loss="mse", optimizer="sgd", weight_decay=0.5, epochs=2, rng=0, progress=False)
    np.testing.assert_array_equal(net.named_parameters()["prelu_1.slope"], 0.25)
