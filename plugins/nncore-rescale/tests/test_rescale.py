"""The layer's formula, and equal bits on both rungs except in sums over rows."""

from __future__ import annotations

import math

import numpy as np
import pytest
from nncore_rescale.rescale import Rescale
from nncore_rescale.rescale_numpy import RescaleNumPy

import nncore as nn
from nncore.errors import ParameterError

every_layer = pytest.mark.parametrize("layer_class", [RescaleNumPy, Rescale])
every_dtype = pytest.mark.parametrize("dtype", ["float32", "float64"])


def trained_once(layer: RescaleNumPy, shape: tuple[int, ...], dtype: str) -> dict[str, np.ndarray]:
    """State after one training step of a network that ends with the layer; `shape` is that of the batch.

    The gradient of the layer before it, of the same width, shows the layer's d_x.
    """
    rng = np.random.default_rng(shape)
    net = nn.Sequential(RescaleNumPy(0.5), layer).build(shape[1:], loss="half_mse", rng=0, dtype=dtype)
    net.parameters[:] = rng.normal(size=net.n_parameters)
    X, y = rng.normal(size=shape).astype(dtype), rng.normal(size=(shape[0], math.prod(shape[1:]))).astype(dtype)
    output = net.forward(X, training=True)
    net.backward(y)
    return {"output": output, "gradients": net.gradients.copy(), "prediction": net.predict(X)}


@every_dtype
@pytest.mark.parametrize("n_rows", [1, 2, 7, 130])
@pytest.mark.parametrize("shape", [(1,), (2,), (7,), (8,), (9,), (33,), (1023,), (3, 4)])
def test_both_rungs_differ_in_the_sums_alone(shape: tuple[int, ...], n_rows: int, dtype: str) -> None:
    """Both rungs differ only in sums: NumPy sums over the rows in float64, the kernel in the order of the rows."""
    native, numpy = (trained_once(layer, (n_rows, *shape), dtype) for layer in (Rescale(), RescaleNumPy()))
    np.testing.assert_array_equal(native["output"], numpy["output"])
    np.testing.assert_array_equal(native["prediction"], numpy["prediction"])
    scale = max(1.0, float(np.abs(numpy["gradients"]).max()))
    np.testing.assert_allclose(native["gradients"], numpy["gradients"], rtol=0, atol=math.sqrt(n_rows) * 16 * scale * np.finfo(dtype).eps)


@every_layer
@every_dtype
def test_formula(layer_class: type[RescaleNumPy], dtype: str) -> None:
    net = nn.Sequential(layer_class()).build(2, loss="half_mse", rng=0, dtype=dtype)
    net.parameters[:] = 2, -3, 10, 20  # gains, then shifts
    X = np.array([[1, 2], [3, 4]])
    np.testing.assert_array_equal(net.forward(X, training=True), [[12, 14], [16, 8]])
    net.backward([[8, 14], [16, 0]])  # d_y = (y − target) / 2 = [[2, 0], [0, 4]]
    np.testing.assert_array_equal(net.gradients, [2, 16, 2, 4])


@every_layer
def test_begins_as_a_constant_times_its_input(layer_class: type[RescaleNumPy]) -> None:
    net = nn.Sequential(layer_class(gain=0.125)).build((2, 3), rng=0)
    X = np.random.default_rng(5).normal(size=(4, 2, 3)).astype(np.float32)
    np.testing.assert_array_equal(net.predict(X), X / 8)
    shapes = {name.split(".")[1]: view.shape for name, view in net.named_parameters().items()}
    assert shapes == {"gain": (2, 3), "shift": (2, 3)}


@every_layer
def test_learns_a_line_for_each_feature(layer_class: type[RescaleNumPy]) -> None:
    X = np.random.default_rng(6).normal(size=(300, 3))
    gain, shift = np.array([2.0, -1.0, 0.5]), np.array([0.0, 3.0, -4.0])
    net = nn.Sequential(layer_class(gain=1e-4))
    net.fit(X, gain * X + shift, loss="half_mse", optimizer=nn.SGD(lr=0.5), epochs=30, batch_size=50, rng=0, progress=False)
    np.testing.assert_allclose(net.parameters, [*gain, *shift], atol=1e-4)


def test_rungs_are_what_their_names_say() -> None:
    layers = nn.Sequential("rescale_numpy", "rescale").build(2).describe()["layers"]
    assert [(layer["name"], layer["rung"]) for layer in layers] == [
        ("nncore-rescale/rescale_numpy", "numpy"),
        ("nncore-rescale/rescale", "native"),
    ]


@every_layer
@pytest.mark.parametrize("gain", [math.nan, math.inf, "1"])
def test_gains_that_are_no_number_are_refused(layer_class: type[RescaleNumPy], gain: object) -> None:
    with pytest.raises(ParameterError, match="gain"):
        layer_class(gain=gain)  # type: ignore[arg-type]
