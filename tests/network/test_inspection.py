"""Inspection of a network: outputs of its layers for a batch, and gradients of its parameters."""

from __future__ import annotations

import copy
from types import SimpleNamespace

import numpy as np
import pytest

import nncore as nn
from nncore.errors import NotBuiltError, ParameterError, ShapeError
from nncore.inspection import activations, gradients

RNG = np.random.default_rng(0)
X, Y = RNG.normal(size=(20, 6)), RNG.integers(0, 3, 20)


def network(dtype: str = "float64") -> nn.Sequential:
    layers = nn.Dense(8, activation="relu"), nn.BatchNorm(), nn.Dropout(0.5), nn.ActivationLayer("tanh"), nn.Dense(3)
    net = nn.Sequential(*layers).build(6, loss="softmax_cross_entropy", optimizer="adam", rng=0, dtype=dtype)
    net.fit(X, Y, epochs=3, batch_size=10, progress=False)
    return net


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_the_last_layer_gives_what_predict_gives(dtype: str):
    net = network(dtype)
    found = activations(net, X)
    assert list(found) == net.layer_names
    np.testing.assert_allclose(found["dense_2"], net.predict(X), rtol=1e-5 if dtype == "float32" else 1e-12, atol=1e-6)
    assert all(outputs.dtype == dtype for outputs in found.values())


def test_in_training_it_is_what_forward_gives():
    net = network()
    found = activations(net, X, training=True)
    np.testing.assert_allclose(found["dense_2"], net.forward(X, training=True), rtol=1e-10)
    assert (found["dropout_1"] == 0).any()


def test_each_layer_takes_what_the_one_before_gives():
    net = network()
    found, tensors = activations(net, X), net.named_parameters()
    np.testing.assert_allclose(found["dense_1"], np.maximum(X @ tensors["dense_1.weight"] + tensors["dense_1.bias"], 0))
    np.testing.assert_allclose(found["activation_1"], np.tanh(found["batch_norm_1"]))
    np.testing.assert_array_equal(found["dropout_1"], found["batch_norm_1"])


def test_shapes_of_samples():
    net = nn.Sequential(nn.ActivationLayer("tanh"), nn.Flatten(), nn.Dense(2)).build((2, 3), rng=0)
    found = activations(net, X.reshape(-1, 2, 3))
    assert [outputs.shape for outputs in found.values()] == [(20, 2, 3), (20, 6), (20, 2)]


def test_the_network_stays_as_it_is():
    net = network()
    kept = net.parameters.copy(), net.gradients.copy(), copy.deepcopy(net.optimizer_state), net.n_steps, net.n_epochs
    buffers = {name: buffer.copy() for name, buffer in net.named_buffers().items()}
    activations(net, X, training=True)
    gradients(net, X, Y)
    for before, after in zip(kept, (net.parameters, net.gradients, net.optimizer_state, net.n_steps, net.n_epochs), strict=True):
        np.testing.assert_equal(before, after)
    for name, buffer in net.named_buffers().items():
        np.testing.assert_array_equal(buffer, buffers[name])


def test_gradients_by_name():
    net = network()
    found = gradients(net, X, Y)
    net.forward(X, training=True)
    net.backward(Y)
    for name, gradient in net.named_gradients().items():
        np.testing.assert_array_equal(found[name], gradient)


def test_what_it_cannot_look_into():
    with pytest.raises(NotBuiltError, match="call fit"):
        activations(nn.Sequential(nn.Dense(1)), X)
    with pytest.raises(ShapeError, match="no samples"):
        activations(network(), X[:0])
    with pytest.raises(ShapeError, match="this network takes"):
        activations(network(), X[:, :2])


def test_layers_inside_layers():
    block = nn.Residual([nn.Dense(6, activation="relu"), nn.BatchNorm()], activation="tanh")
    net = nn.Sequential(block, nn.Concat([[], [nn.Dense(2)], nn.Dense(3, activation="relu")]), nn.Dense(3))
    net.fit(X, Y, loss="softmax_cross_entropy", epochs=3, batch_size=10, rng=0, progress=False, dtype="float64")
    found = activations(net, X)
    np.testing.assert_allclose(found["residual_1"], np.tanh(X + found["residual_1.batch_norm_1"]))
    assert found["concat_1"].shape == (20, 11)
    np.testing.assert_allclose(found["dense_1"], net.predict(X), rtol=1e-10)
    np.testing.assert_allclose(activations(net, X, training=True)["dense_1"], net.forward(X, training=True), rtol=1e-10)
    assert "residual_1.dense_1.weight" in gradients(net, X, Y)


def test_missing_values_where_a_layer_fills_them():
    net = nn.Sequential(nn.FillMissing(), nn.Dense(3)).build(6, rng=0, dtype="float64")
    holes = X.copy()
    holes[3, 1] = np.nan
    np.testing.assert_allclose(activations(net, holes)["dense_1"], net.predict(holes), rtol=1e-10)


def test_an_estimator_is_no_network():
    model = SimpleNamespace(network_=None)
    for look in (activations, lambda model, X: gradients(model, X, [0])):
        with pytest.raises(ParameterError, match="the network of an estimator is network_"):
            look(model, [[0.0]])
