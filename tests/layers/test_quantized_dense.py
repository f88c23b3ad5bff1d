"""8-bit products give exact integer sums, bit for bit, at every level (test_levels.py) and with any number of threads."""

from __future__ import annotations

import numpy as np
import pytest

import nncore as nn
from nncore.errors import NotTrainableError, ParameterError, ShapeError
from nncore.testing import numpy_twin, team_of

#: Rows, inputs and outputs around the sizes of blocks: 12, 4 or 1 rows, 2 or 4 inputs, 8, 16 or 32 outputs.
SIZES = [(1, 1, 1), (3, 2, 7), (4, 4, 8), (5, 3, 9), (11, 63, 15), (12, 64, 16), (13, 65, 17), (25, 129, 33), (40, 784, 100)]


def network(weight: np.ndarray, dtype: str, **arguments: object) -> nn.Sequential:
    k, n = weight.shape
    net = nn.Sequential(nn.QuantizedDense(n, **arguments)).build(k, dtype=dtype)  # type: ignore[arg-type]
    net.named_buffers()["quantized_dense_1.weight"][...] = weight
    return net


def sums(codes: np.ndarray, zero: int, weight: np.ndarray) -> np.ndarray:
    """Outputs of a layer with scales of 1, by an oracle in int32."""
    return (codes.astype(np.int32) - np.int32(zero)) @ weight.astype(np.int32)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("zero", [0, 77, 255])
@pytest.mark.parametrize("size", SIZES, ids=str)
def test_sums_are_those_of_whole_numbers(size: tuple[int, int, int], zero: int, dtype: str) -> None:
    n_rows, k, n = size
    rng = np.random.default_rng([n_rows, zero])
    codes, weight = rng.integers(0, 256, (n_rows, k)), rng.integers(-128, 128, (k, n)).astype(np.int8)
    codes[0], weight[:, 0] = 255, -128
    net = network(weight, dtype, input_scale=0.25, input_zero_point=zero)
    X = (codes - zero) * 0.25 + rng.uniform(-0.12, 0.12, codes.shape)
    expected = sums(codes, zero, weight).astype(dtype)
    np.testing.assert_array_equal(net.predict(X), expected)
    for n_threads in (2, 3):
        with team_of(n_threads):
            np.testing.assert_array_equal(net.predict(X), expected)


@pytest.mark.parametrize("code", [0, 255])
def test_the_longest_sums_fit(code: int) -> None:
    weight = np.full((2**16, 1), -128, np.int8)
    net = network(weight, "float64", input_scale=1.0, input_zero_point=255 - code)
    assert net.predict(np.full((1, 2**16), 2.0 * code - 255))[0, 0] == 2**16 * (2 * code - 255) * -128
    with pytest.raises(ShapeError, match="at most 65,536 inputs"):
        nn.Sequential(nn.QuantizedDense(1)).build(2**16 + 1)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_inputs_are_rounded_to_even_and_kept_in_range(dtype: str) -> None:
    net = network(np.eye(1, dtype=np.int8), dtype, input_scale=2.0, input_zero_point=3)
    X = np.array([[-1e30], [-7.0], [-5.0], [-3.0], [-1.0], [1.0], [3.0], [4.9], [503.0], [1e30]])
    np.testing.assert_array_equal(net.predict(X)[:, 0], [-3, -3, -2, -2, 0, 0, 2, 2, 252, 252])
    np.testing.assert_array_equal(nn.Sequential(numpy_twin(net.layers[0])).build(1, dtype=dtype).predict(X), np.zeros((10, 1)))


def test_outputs_are_scaled_and_shifted() -> None:
    rng = np.random.default_rng(0)
    weight = rng.integers(-127, 128, (50, 20)).astype(np.int8)
    net = network(weight, "float32", activation="tanh", input_scale=0.1)
    scale, bias = rng.uniform(1e-4, 1e-3, 20).astype("f"), rng.normal(size=20).astype("f")
    net.named_buffers()["quantized_dense_1.scale"][...], net.named_buffers()["quantized_dense_1.bias"][...] = scale, bias
    codes = rng.integers(0, 256, (30, 50))
    expected = np.tanh(sums(codes, 128, weight) * scale.astype(float) + bias)
    np.testing.assert_allclose(net.predict((codes - 128) * np.float32(0.1)), expected, rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize("arguments", [{"input_scale": 0.0}, {"input_scale": np.inf}, {"input_zero_point": 256}, {"input_zero_point": 0.5}])
def test_arguments_without_a_meaning_are_refused(arguments: dict[str, float]) -> None:
    with pytest.raises(ParameterError, match="QuantizedDense: input_"):
        nn.QuantizedDense(3, **arguments)  # type: ignore[arg-type]


def test_it_predicts_only() -> None:
    with pytest.raises(ShapeError, match=r"put nn\.Flatten"):
        nn.Sequential(nn.QuantizedDense(2)).build((2, 3))
    net = nn.Sequential(nn.Dense(3), nn.QuantizedDense(2)).build(4, loss="mse", rng=0)
    with pytest.raises(NotTrainableError, match=r"quantized_dense_1: this layer is only for prediction, .* quantize it again"):
        net.fit(np.eye(4), np.zeros((4, 2)))
    with pytest.raises(NotTrainableError, match="only for prediction"):
        net.jacobian(np.eye(4))
    with pytest.raises(NotTrainableError, match="only for prediction"):
        net[1:].fit(np.eye(3), np.zeros((3, 2)), loss="mse")
