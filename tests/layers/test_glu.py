"""Gated linear units, and the dense layers made of them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import nncore as nn
from nncore import registry
from nncore.errors import ParameterError, ShapeError, UnknownComponentError
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


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("name", TRAINABLE)
def test_kernel_of_every_activation_agrees_with_numpy(name: str, dtype: type) -> None:
    layer, rng = nn.GLU(example(name)), np.random.default_rng(1)
    x, d_y = rng.normal(size=(40, 20)).astype(dtype), rng.normal(size=(40, 10)).astype(dtype)
    results = []
    for one in (layer, numpy_twin(layer)):
        call = Call(one, x, np.zeros(0, dtype), np.zeros(0, dtype))
        results.append([call.forward(), *call.backward(d_y)])
    for actual, expected in zip(*results, strict=True):
        np.testing.assert_allclose(actual, expected, rtol=100 * np.finfo(dtype).eps, atol=200 * np.finfo(dtype).eps)


def test_an_activation_without_a_kernel_runs_on_numpy() -> None:
    rng = np.random.default_rng(3)
    X, y = rng.normal(size=(64, 3)), rng.normal(size=64)
    layer = nn.GLU(Cube())
    assert native_kernel(layer) is None
    net = nn.Sequential(nn.Dense(10), layer, nn.Dense(1))
    history = net.fit(X, y, loss="mse", optimizer="adam", epochs=3, rng=0, progress=False)
    assert np.isfinite(history["loss"]).all()


def test_what_it_cannot_take() -> None:
    with pytest.raises(ShapeError, match=r"glu_1: .*even number of features.*got 3: put nn.Dense\(2 \* n\) before it"):
        nn.Sequential(nn.GLU()).build(3)
    with pytest.raises(ShapeError, match="Flatten"):
        nn.Sequential(nn.GLU()).build((2, 2))
    with pytest.raises(ShapeError):
        nn.Sequential(nn.GLU({"name": "softmax_heads", "n_classes": [2, 2]})).build(6)
    with pytest.raises(UnknownComponentError, match="GLU: activation"):
        nn.GLU("selo")
    for make in (nn.GLU, lambda activation: nn.SwiGLU(3, activation)):
        with pytest.raises(ParameterError, match="no useful derivative"):
            make("step")


@pytest.mark.parametrize("layer", [nn.SwiGLU(5, "gelu", use_bias=False), nn.MultiplicativeInteraction(5, use_bias=False)], ids=repr)
def test_layers_made_of_it_go_through_a_file(layer: nn.plugin.Layer, tmp_path: Path) -> None:
    X = np.random.default_rng(4).normal(size=(20, 3)).astype(np.float32)
    net = nn.Sequential(layer, nn.Dense(2)).build(3, rng=0)
    net.save(tmp_path / "net.nnc")
    loaded = nn.load(tmp_path / "net.nnc")
    np.testing.assert_array_equal(loaded.predict(X), net.predict(X))
    assert repr(loaded.layers[0]) == repr(layer)
    assert not [name for name in net.named_parameters() if name.endswith("dense_1.bias") and "." in name.removesuffix(".bias")]


@pytest.mark.parametrize("make", [nn.SwiGLU, nn.MultiplicativeInteraction])
def test_layers_made_of_it_hand_on_how_weights_begin(make: type) -> None:
    name = "swiglu_1" if make is nn.SwiGLU else "multiplicative_interaction_1"
    net = nn.Sequential(make(4, weight_initializer=nn.plugin.resolve("initializers", "zeros"), bias_initializer="zeros")).build(3, rng=0)
    assert not net.named_parameters()[f"{name}.dense_1.weight"].any()
    assert not net.named_parameters()[f"{name}.dense_1.bias"].any()


def test_a_multiplicative_interaction_is_a_product_exactly() -> None:
    net = nn.Sequential(nn.MultiplicativeInteraction(1, use_bias=False)).build(2, rng=0)
    net.parameters[:] = [1, 0, 0, 1]  # one factor is the first column, the other the second
    X = np.random.default_rng(5).normal(size=(10, 2)).astype(np.float32)
    np.testing.assert_array_equal(net.predict(X)[:, 0], X[:, 0] * X[:, 1])


def test_it_learns_a_product_that_a_dense_layer_of_its_size_does_not() -> None:
    rng = np.random.default_rng(6)
    X = rng.normal(size=(400, 2))
    y = X[:, 0] * X[:, 1]
    losses = []
    for layer in (nn.MultiplicativeInteraction(2), nn.Dense(4, activation="tanh")):
        net = nn.Sequential(layer, nn.Dense(1))
        losses.append(net.fit(X, y, loss="mse", optimizer=nn.Adam(lr=0.02), epochs=60, rng=0, progress=False)["loss"][-1])
    assert losses[0] < 1e-3 < losses[1]
