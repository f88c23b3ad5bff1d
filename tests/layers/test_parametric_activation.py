"""Activations with a learned share of each unit, for built-in and user-defined activations."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import nncore as nn
from nncore import registry
from nncore.errors import NoFormulaError, ParameterError, ShapeError, UnknownComponentError
from nncore.inspection import NumPyBuilder, formula
from nncore.plugin import Activation, native_kernel
from nncore.testing import numpy_twin
from nncore.testing.layer_calls import Call

TRAINABLE = [name for name in registry.names("activations") if registry.get("activations", name).trainable]


def example(name: str) -> Activation:
    cls = registry.get("activations", name)
    activation: Activation = registry.resolve("activations", {"name": name, **(cls.examples or ({},))[0]})
    return activation


class Cube(Activation):
    """A cube without a kernel."""

    needs_input = True

    def forward(self, z: np.ndarray) -> np.ndarray:
        return z**3

    def backward(self, z: np.ndarray, a: np.ndarray, d_a: np.ndarray) -> np.ndarray:
        return 3 * z**2 * d_a


def test_it_begins_as_the_activation_and_ends_as_the_identity() -> None:
    X = np.random.default_rng(0).normal(size=(10, 4)).astype(np.float32)
    net = nn.Sequential(nn.ParametricActivation("mish")).build(4)
    np.testing.assert_allclose(net.predict(X), nn.Sequential(nn.ActivationLayer("mish")).build(4).predict(X), rtol=1e-6, atol=1e-7)
    net.named_parameters()["parametric_activation_1.alpha"][...] = 0
    np.testing.assert_array_equal(net.predict(X), X)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("name", TRAINABLE)
def test_kernel_of_every_activation_agrees_with_numpy(name: str, dtype: type) -> None:
    layer = nn.ParametricActivation(example(name))
    assert (native_kernel(layer) is None) == (native_kernel(layer.activation) is None)
    rng, n = np.random.default_rng(1), 10
    x, d_y = rng.normal(size=(2, 40, n)).astype(dtype)
    alpha, nothing = rng.normal(size=n).astype(dtype), np.zeros(0, dtype)
    results = []
    for one in (layer, numpy_twin(layer)):
        call = Call(one, x, alpha, nothing)
        results.append([call.forward(), *call.backward(d_y)])
    for actual, expected in zip(*results, strict=True):
        np.testing.assert_allclose(actual, expected, rtol=100 * np.finfo(dtype).eps, atol=200 * np.finfo(dtype).eps)


def test_an_activation_without_a_kernel_runs_on_numpy() -> None:
    rng = np.random.default_rng(3)
    X, y = rng.normal(size=(64, 3)), rng.normal(size=64)
    layer = nn.ParametricActivation(Cube())
    assert native_kernel(layer) is None
    net = nn.Sequential(nn.Dense(5), layer, nn.Dense(1))
    history = net.fit(X, y, loss="mse", optimizer="adam", epochs=3, rng=0, progress=False)
    assert np.isfinite(history["loss"]).all()
    with pytest.raises(NoFormulaError, match="Cube"):
        formula(net, NumPyBuilder(), X.astype(np.float32))


def test_a_network_goes_through_a_file_with_the_numbers_of_its_activation(tmp_path: Path) -> None:
    X = np.random.default_rng(4).normal(size=(20, 3)).astype(np.float32)
    net = nn.Sequential(nn.Dense(4), nn.ParametricActivation({"name": "leaky_relu", "slope": 0.3}), nn.Dense(2)).build(3, rng=0)
    net.save(tmp_path / "net.nnc")
    loaded = nn.load(tmp_path / "net.nnc")
    np.testing.assert_array_equal(loaded.predict(X), net.predict(X))
    assert loaded.layers[1].activation.slope == 0.3


def test_two_numbers_of_one_kind_share_no_program() -> None:
    """Activations of one class with different numbers get different programs; the class decides which function is called."""
    X = np.random.default_rng(5).normal(size=(8, 3)).astype(np.float32)
    for activation in ({"name": "leaky_relu", "slope": 0.5}, {"name": "leaky_relu", "slope": 0.1}, "selu"):
        net = nn.Sequential(nn.ParametricActivation(activation)).build(3)
        expected = nn.Sequential(nn.ActivationLayer(activation)).build(3).predict(X)
        np.testing.assert_allclose(net.predict(X), expected, rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize("name", ["step", "sign"])
def test_an_activation_without_a_derivative_is_refused(name: str) -> None:
    with pytest.raises(ParameterError, match="no useful derivative"):
        nn.ParametricActivation(name)


def test_what_is_no_activation() -> None:
    with pytest.raises(UnknownComponentError, match="ParametricActivation: activation"):
        nn.ParametricActivation("selo")
    with pytest.raises(ParameterError, match="ParametricActivation: activation"):
        nn.ParametricActivation(None)  # type: ignore[arg-type]


def test_columns_that_the_activation_cannot_take() -> None:
    with pytest.raises(ShapeError):
        nn.Sequential(nn.ParametricActivation({"name": "softmax_heads", "n_classes": [2, 2]})).build(3)
