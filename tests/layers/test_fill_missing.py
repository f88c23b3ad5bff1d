"""FillMissing: values in place of NaN, trained values, and indicators of missing values."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import nncore as nn
from nncore.errors import ParameterError, ShapeError
from nncore.testing import numpy_twin
from nncore.testing.expectations import expect_same_bits
from nncore.testing.layer_calls import Call

NAN = np.nan
X = np.array([[1, NAN, 3, NAN], [NAN, NAN, 6, 7], [8, NAN, 10, 11]])
every_dtype = pytest.mark.parametrize("dtype", [np.float32, np.float64])
both_ways = pytest.mark.parametrize("training", [False, True])


def only_filling(dtype: Any = "float64", **arguments: Any) -> nn.Sequential:
    return nn.Sequential(nn.FillMissing(**arguments)).build(4, loss="half_mse", optimizer="sgd", rng=0, dtype=dtype)


@both_ways
@every_dtype
def test_fills_and_says_where(dtype: type, training: bool) -> None:
    net = only_filling(dtype)
    net.parameters[:] = [10, 20, 30, 40]
    expected = [[1, 20, 3, 40, 0, 1, 0, 1], [10, 20, 6, 7, 1, 1, 0, 0], [8, 20, 10, 11, 0, 1, 0, 0]]
    np.testing.assert_array_equal(net.forward(X.astype(dtype), training), np.array(expected, dtype))


@both_ways
def test_only_the_columns_asked_for_in_their_order(training: bool) -> None:
    net = only_filling(columns=[3, 1], values=[40, 20])
    complete = np.where(np.isnan(X[:, [0]]) & [True, False, False, False], -5, X)
    expected = [[1, 20, 3, 40, 1, 1], [-5, 20, 6, 7, 0, 1], [8, 20, 10, 11, 0, 1]]
    np.testing.assert_array_equal(net.forward(complete, training), expected)


def test_without_indicator() -> None:
    np.testing.assert_array_equal(only_filling(indicator=False, values=-1.5).predict(X), np.nan_to_num(X, nan=-1.5))


@every_dtype
def test_nothing_missing_changes_nothing(dtype: type) -> None:
    complete = np.random.default_rng(0).normal(size=(7, 4)).astype(dtype)
    net = only_filling(dtype, values=[1, 2, 3, 4])
    np.testing.assert_array_equal(net.forward(complete, training=True), np.hstack([complete, np.zeros_like(complete)]))
    net.backward(np.zeros((7, 8)))
    assert not net.gradients.any()


@every_dtype
def test_gradient_is_the_sum_over_the_rows_that_miss_the_value(dtype: type) -> None:
    """The gradient is the sum over the rows without the value; the test's numbers have exact sums."""
    net = only_filling(dtype, columns=[1, 0, 3])
    rng = np.random.default_rng(0)
    inputs = rng.integers(-5, 6, (64, 4)).astype(dtype)
    missing = rng.random((64, 4)) < [0.5, 1, 0, 0]
    inputs[missing] = np.nan
    target = rng.integers(-8, 9, (64, 7)).astype(dtype)
    d_y = (net.forward(inputs, training=True) - target) / 64
    net.backward(target)
    expected = np.where(missing, d_y[:, :4], 0).sum(axis=0)[[1, 0, 3]]
    np.testing.assert_array_equal(net.named_gradients()["fill_missing_1.value"], expected)


@every_dtype
@pytest.mark.parametrize("arguments", [{}, {"indicator": False}, {"columns": [30, 0, 7]}])
def test_kernel_gives_the_bits_of_numpy(arguments: dict[str, Any], dtype: type) -> None:
    layer, rng = nn.FillMissing(**arguments), np.random.default_rng(1)
    plan = layer.plan((31,))
    parameters = rng.normal(size=plan.tensors[0].size).astype(dtype)
    inputs = rng.normal(size=(50, 31)).astype(dtype)
    inputs[rng.random(inputs.shape) < 0.2] = np.nan
    inputs[::9, 3] = np.inf  # passes through
    d_y = rng.normal(size=(50, *plan.output_shape)).astype(dtype)
    results = []
    for rung in (layer, numpy_twin(layer)):
        call = Call(rung, inputs, parameters, np.zeros(0, dtype))
        results.append((call.forward().copy(), *call.backward(d_y)))
    for name, ours, theirs in zip(("y", "d_x"), *(result[:2] for result in results), strict=True):
        expect_same_bits(ours, theirs, name)
    np.testing.assert_allclose(results[0][2], results[1][2], rtol=20 * np.finfo(dtype).eps, atol=20 * np.finfo(dtype).eps)


def test_values_are_learned_but_not_decayed() -> None:
    """Fill values are trained but not decayed: y is x, and 3 where x is missing."""
    x = np.linspace(-1, 1, 60)
    y = x.copy()
    x[::3], y[::3] = np.nan, 3.0
    net = nn.Sequential(nn.FillMissing(indicator=False), nn.Dense(1))
    net.fit(x[:, None], y, loss="mse", optimizer=nn.Adam(lr=0.05), epochs=300, rng=0, progress=False)
    parameters = net.named_parameters()
    np.testing.assert_allclose(
        parameters["fill_missing_1.value"] * parameters["dense_1.weight"] + parameters["dense_1.bias"], [[3.0]], atol=0.05
    )
    assert nn.FillMissing().plan((3,)).tensors[0].role == "bias"


def test_arguments_are_kept_as_plain_numbers() -> None:
    layer = nn.FillMissing(columns=np.array([2, 0]), values=np.array([1, 2], np.float32))
    assert layer.config() == {"columns": [2, 0], "indicator": True, "values": [1.0, 2.0]}


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"columns": []}, "columns must be None or whole numbers of at least 0"),
        ({"columns": [0.5]}, "columns must be None or whole numbers of at least 0"),
        ({"columns": [1, 1]}, "columns names a column twice"),
        ({"indicator": 1}, "indicator must be True or False, got 1"),
        ({"values": np.nan}, "values must be a finite number, or one for each column, got nan"),
        ({"values": [1, np.inf]}, "values must be a finite number"),
        ({"values": "none"}, "values must be a finite number"),
        ({"values": None}, "values must be a finite number"),
        ({"values": [[1.0]]}, "values must be a finite number"),
        ({"values": [1, [2]]}, "values must be a finite number"),
        ({"values": [1, 2], "columns": [0]}, "there are 2 values for 1 columns"),
    ],
)
def test_bad_arguments(arguments: dict[str, Any], message: str) -> None:
    with pytest.raises(ParameterError, match=message):
        nn.FillMissing(**arguments)


@pytest.mark.parametrize(
    ("arguments", "n_inputs", "message"),
    [
        ({"columns": [4]}, 4, "fill_missing_1: FillMissing: there is no column 4, each sample has 4 features, numbered from 0"),
        ({"values": [1, 2]}, 3, "there are 2 values for 3 features: choose columns with columns="),
        ({}, (2, 2), "takes vectors"),
    ],
)
def test_samples_that_do_not_fit(arguments: dict[str, Any], n_inputs: Any, message: str) -> None:
    with pytest.raises(ShapeError, match=message):
        nn.Sequential(nn.FillMissing(**arguments)).build(n_inputs)
