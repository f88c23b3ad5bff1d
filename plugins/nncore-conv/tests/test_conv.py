"""The formulas, shapes, refusals, and a small network that learns."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from nncore_conv.conv import Conv1D, Conv2D
from nncore_conv.max_pool import MaxPool2D

import nncore as nn
from nncore.errors import ParameterError, ShapeError
from nncore.testing import numpy_twin, team_of

every_padding = pytest.mark.parametrize("padding", ["valid", "same"])


def correlated(x: np.ndarray, weight: np.ndarray, stride: int, padding: str) -> np.ndarray:
    """One image with one kernel (size, size, channels, filters), number by number."""
    size, (height, width) = weight.shape[0], x.shape[:2]
    if padding == "same":
        outs = [-(-n // stride) for n in (height, width)]
        reach = [max((out - 1) * stride + size - n, 0) for out, n in zip(outs, (height, width), strict=True)]
        x = np.pad(x, [(r // 2, r - r // 2) for r in reach] + [(0, 0)])
    else:
        outs = [(n - size) // stride + 1 for n in (height, width)]
    y = np.zeros((*outs, weight.shape[3]))
    for i in range(outs[0]):
        for j in range(outs[1]):
            window = x[i * stride : i * stride + size, j * stride : j * stride + size]
            y[i, j] = np.tensordot(window, weight, 3)
    return y


@every_padding
@pytest.mark.parametrize("stride", [1, 2, 3])
@pytest.mark.parametrize("size", [1, 2, 3, 5])
@pytest.mark.parametrize("is_native", [False, True])
def test_conv2d_is_a_correlation(size: int, stride: int, padding: str, is_native: bool) -> None:
    layer = Conv2D(4, size, stride=stride, padding=padding)
    net = nn.Sequential(layer if is_native else numpy_twin(layer)).build((7, 9, 2), rng=0, dtype="float64")
    rng = np.random.default_rng(0)
    net.parameters[:] = rng.normal(size=net.n_parameters)
    x, weight = rng.normal(size=(3, 7, 9, 2)), net.parameters[:-4].reshape(size, size, 2, 4)
    expected = np.stack([correlated(image, weight, stride, padding) for image in x]) + net.parameters[-4:]
    np.testing.assert_allclose(net.predict(x), expected, rtol=1e-12, atol=1e-12)


@every_padding
@pytest.mark.parametrize("is_native", [False, True])
def test_conv1d_is_a_correlation_along_one_axis(padding: str, is_native: bool) -> None:
    rng, layer = np.random.default_rng(1), Conv1D(5, 4, padding=padding, stride=2)
    net = nn.Sequential(layer if is_native else numpy_twin(layer)).build((11, 3), rng=0, dtype="float64")
    x, weight = rng.normal(size=(4, 11, 3)), net.parameters[:-5].reshape(4, 3, 5)
    padded = np.pad(x, ((0, 0), (1, 2), (0, 0))) if padding == "same" else x
    starts = range(0, padded.shape[1] - 3, 2)
    expected = np.stack([np.tensordot(padded[:, i : i + 4], weight, 2) for i in starts], axis=1)
    np.testing.assert_allclose(net.predict(x), expected, rtol=1e-12, atol=1e-12)


def test_max_pool2d() -> None:
    x = np.arange(2 * 5 * 6, dtype=np.float64).reshape(1, 5, 6, 2)
    net = nn.Sequential(MaxPool2D()).build((5, 6, 2), rng=0, dtype="float64")
    np.testing.assert_array_equal(net.predict(x), x[:, 1:4:2, 1::2])
    assert MaxPool2D(3).plan((5, 6, 2)).output_shape == (1, 2, 2)


@pytest.mark.parametrize("n_parts", [2, 3])
def test_threads_change_no_bit(n_parts: int) -> None:
    ends = []
    for parts in (1, n_parts):
        net = nn.Sequential(Conv2D(6, activation="relu"), MaxPool2D(), Conv2D(5, padding="same"), nn.Flatten(), nn.Dense(3))
        rng = np.random.default_rng(2)
        with team_of(parts):
            net.fit(
                rng.normal(size=(64, 10, 9, 2)), rng.integers(3, size=64), loss="softmax_cross_entropy", epochs=2, batch_size=32, rng=0,
                progress=False,
            )  # fmt: skip
        ends.append(net.parameters.copy())
    np.testing.assert_array_equal(ends[0], ends[1])


@pytest.mark.parametrize("is_native", [False, True])
def test_jacobian_of_a_prediction(is_native: bool) -> None:
    layers = Conv2D(3, activation="tanh"), MaxPool2D(), nn.Flatten(), nn.Dense(2)
    net = nn.Sequential(*(layer if is_native else numpy_twin(layer) for layer in layers)).build((6, 7, 2), rng=0, dtype="float64")
    x, step = np.random.default_rng(4).normal(size=(3, 6, 7, 2)), 1e-6
    moves = step * np.eye(84).reshape(84, 6, 7, 2)
    expected = np.stack([(net.predict(x + move) - net.predict(x - move)) / (2 * step) for move in moves], axis=2)
    np.testing.assert_allclose(net.jacobian(x).reshape(3, 2, 84), expected, rtol=1e-6, atol=1e-8)


def test_outputs_of_a_convolution_may_be_any_number() -> None:
    net = nn.Sequential(Conv1D(3), nn.Flatten())
    with pytest.raises(ParameterError, match="which gives any numbers"):
        net.build((3, 2), loss="cross_entropy")


@pytest.mark.parametrize(
    ("layer", "shape", "message"),
    [
        (Conv2D(3), (5, 5), "takes images of shape"),
        (Conv1D(3), (5, 5, 1), "takes sequences of shape"),
        (MaxPool2D(), (5, 5), "takes images of shape"),
        (Conv2D(3, 6), (5, 5, 1), "a window of 6 does not fit 5 pixels"),
        (MaxPool2D(6), (5, 5, 1), "a window of 6 does not fit 5 pixels"),
    ],
)
def test_shapes_that_do_not_fit(layer: Any, shape: tuple[int, ...], message: str) -> None:
    with pytest.raises(ShapeError, match=message):
        nn.Sequential(layer).build(shape)


@pytest.mark.parametrize("arguments", [{"n_filters": 0}, {"n_filters": 3, "kernel_size": 0}, {"n_filters": 3, "padding": "full"}])
def test_bad_arguments(arguments: dict[str, Any]) -> None:
    with pytest.raises(ParameterError):
        Conv2D(**arguments)


def test_one_layer_object_holds_nothing_of_a_network() -> None:
    layer = Conv2D(2, padding="same")
    before = dict(vars(layer))
    assert layer.plan((4, 4, 1)).output_shape == (4, 4, 2)
    assert layer.plan((6, 5, 3)).output_shape == (6, 5, 2)
    assert vars(layer) == before


def test_learns_to_tell_lines() -> None:
    """A small network learns to tell horizontal from vertical lines at any position."""
    rng = np.random.default_rng(3)
    x, y = np.zeros((400, 8, 8, 1)), rng.integers(2, size=400)
    for image, place, is_upright in zip(x, rng.integers(8, size=400), y, strict=True):
        image[(slice(None), place) if is_upright else (place, slice(None))] = 1
    x += rng.normal(size=x.shape) * 0.1
    net = nn.Sequential(Conv2D(8, activation="relu"), MaxPool2D(2), nn.Flatten(), nn.Dense(2))
    net.fit(x[:300], y[:300], loss="softmax_cross_entropy", optimizer=nn.Adam(lr=0.01), epochs=30, rng=0, progress=False)
    assert net.evaluate(x[300:], y[300:])["accuracy"] > 0.97
