"""Every registered layer: the compiled kernel computes what its NumPy twin computes."""

from __future__ import annotations

import components
import numpy as np
import pytest
from each import each

import nncore as nn
from nncore.plugin import Layer, native_kernel
from nncore.testing import numpy_twin

SIZES = [(1, 1), (4, 7), (7, 3), (8, 16), (9, 33), (130, 20), (3, 1023)]  # (rows, inputs)


def run(layer: Layer, n_rows: int, n_inputs: int, dtype: str) -> dict[str, np.ndarray]:
    """Results and gradients of a training step of a small network around `layer`."""
    rng = np.random.default_rng(n_rows * 1000 + n_inputs)
    n_inputs = components.width_for(layer, n_inputs)
    network = nn.Sequential(layer, nn.Dense(2)).build(n_inputs, loss="half_mse", rng=1, dtype=dtype)
    network.parameters[:] = rng.normal(size=network.parameters.shape)
    X, y = rng.normal(size=(n_rows, n_inputs)), rng.normal(size=(n_rows, 2))
    output = network.forward(X, training=True)
    network.backward(y)
    predicted = network.predict(X)
    buffers = np.concatenate([b.ravel() for b in network.named_buffers().values()] or [np.zeros(0)])
    return {"output": output, "gradients": network.gradients.copy(), "buffers": buffers, "predicted": predicted}


@each("dtype", ["float32", "float64"])
@each("n_rows, n_inputs", SIZES)
@pytest.mark.parametrize("layer", components.layers(), ids=repr)
def test_compiled_layer_equals_numpy(layer: Layer, n_rows: int, n_inputs: int, dtype: str) -> None:
    compiled, oracle = run(layer, n_rows, n_inputs, dtype), run(numpy_twin(layer), n_rows, n_inputs, dtype)
    eps = np.finfo(dtype).eps
    for name, value in compiled.items():
        scale = max(1.0, np.abs(oracle[name]).max(initial=0))
        tolerance = 16 * eps * scale * np.sqrt(n_inputs + n_rows)
        np.testing.assert_allclose(value, oracle[name], rtol=0, atol=tolerance, err_msg=name)


@pytest.mark.parametrize("layer", components.layers(), ids=repr)
def test_same_bits_every_time(layer: Layer) -> None:
    first, second = run(layer, 9, 33, "float32"), run(layer, 9, 33, "float32")
    for name, value in first.items():
        np.testing.assert_array_equal(value, second[name])


@pytest.mark.parametrize("layer", [layer for layer in components.layers() if native_kernel(layer)], ids=repr)
def test_row_of_a_batch_does_not_depend_on_its_neighbours_at_prediction(layer: Layer) -> None:
    network = nn.Sequential(layer, nn.Dense(3)).build(12, rng=0)
    X = np.random.default_rng(0).normal(size=(50, 12)).astype(np.float32)
    together = network.predict(X)
    for i in range(len(X)):
        np.testing.assert_array_equal(network.predict(X[i : i + 1])[0], together[i])
