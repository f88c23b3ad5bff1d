"""Layers have the values and gradients of PyTorch 2.13.0, recorded by make_torch_values.py."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import nncore as nn
from nncore.contract import Layer
from nncore.testing import numpy_twin
from nncore.testing.layer_calls import Call

VALUES = np.load(Path(__file__).with_name("torch_values.npz"))
#: Our layer, and the names of its tensors.
CASES: dict[str, tuple[Layer, list[str]]] = {
    "rms_norm": (nn.RMSNorm(1e-3), ["gamma"]),
    "prelu": (nn.PReLU(), ["slope"]),
    "glu": (nn.GLU(), []),
    "geglu": (nn.GLU("gelu"), []),
    "maxout": (nn.Maxout(3), []),
}
#: Layers that consist of layers.
COMPOSED: dict[str, Layer] = {"swiglu": nn.SwiGLU(3), "multiplicative_interaction": nn.MultiplicativeInteraction(3)}


def values(case: str, *names: str) -> np.ndarray:
    """Recorded arrays, one after the other."""
    return np.concatenate([np.zeros(0), *(VALUES[f"{case}/{name}"].ravel() for name in names)])


@pytest.mark.parametrize("compiled", [True, False])
@pytest.mark.parametrize("case", CASES)
def test_values_and_gradients(case: str, compiled: bool) -> None:
    layer, names = CASES[case]
    call = Call(layer if compiled else numpy_twin(layer), VALUES[f"{case}/x"], values(case, *names), np.zeros(0))
    np.testing.assert_allclose(call.forward(), VALUES[f"{case}/y"], rtol=1e-13, atol=1e-15)
    d_x, d_parameters = call.backward(VALUES[f"{case}/d_y"])
    np.testing.assert_allclose(d_x, VALUES[f"{case}/d_x"], rtol=1e-12, atol=1e-14)
    np.testing.assert_allclose(d_parameters, values(case, *(f"d_{name}" for name in names)), rtol=1e-12, atol=1e-14)


@pytest.mark.parametrize("case", COMPOSED)
def test_values_and_gradients_of_layers_of_layers(case: str) -> None:
    net = nn.Sequential(COMPOSED[case]).build(4, rng=0, dtype="float64")
    assert list(net.named_parameters()) == [f"{case}_1.dense_1.weight", f"{case}_1.dense_1.bias"]
    net.parameters[:] = values(case, "weight", "bias")
    np.testing.assert_allclose(net.forward(VALUES[f"{case}/x"], training=True), VALUES[f"{case}/y"], rtol=1e-12, atol=1e-14)
    net.backward(d_output=VALUES[f"{case}/d_y"])
    np.testing.assert_allclose(net.gradients, values(case, "d_weight", "d_bias"), rtol=1e-12, atol=1e-13)
    np.testing.assert_allclose(net.d_input, VALUES[f"{case}/d_x"], rtol=1e-12, atol=1e-13)


def test_alpha_dropout_moves_inputs_as_pytorch_does() -> None:
    """Alpha dropout changes inputs as PyTorch does; masks differ, so kept and dropped inputs are compared separately."""
    x, y, is_dropped = (VALUES[f"alpha_dropout/{name}"] for name in ("x", "y", "is_dropped"))
    assert 0 < is_dropped.sum() < is_dropped.size
    layer = nn.AlphaDropout(0.3)
    a, b = layer.hyper()[1:]
    np.testing.assert_allclose(y, np.where(is_dropped, a * -1.7580993408473766 + b, a * x + b), rtol=1e-12, atol=1e-13)
