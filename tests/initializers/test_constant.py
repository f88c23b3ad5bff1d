"""Constant values: a number or an array, stored as data that JSON can represent."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest

import nncore as nn
from nncore import registry
from nncore.errors import ParameterError, ShapeError
from nncore.initializers.constant import Constant


@pytest.mark.parametrize("value", [0.5, -3, np.float32(0.25), np.int64(7), np.array(2.0)])
def test_a_number_fills_any_shape(value: Any) -> None:
    rng = np.random.default_rng(0)
    initializer = Constant(value)
    assert initializer.value == float(value)
    assert type(initializer.value) is float
    assert repr(initializer) == f"Constant(value={float(value)!r})"
    np.testing.assert_array_equal(initializer.sample(rng, (2, 3), 2, 3), np.full((2, 3), float(value)))


def test_default_is_zero() -> None:
    rng = np.random.default_rng(0)
    np.testing.assert_array_equal(Constant().sample(rng, (4,), 2, 4), 0)


@pytest.mark.parametrize("shape", [(1,), (5,), (2, 3), (2, 3, 4)])
def test_an_array_of_the_tensor_s_shape(shape: tuple[int, ...]) -> None:
    rng = np.random.default_rng(0)
    values = np.random.default_rng(1).normal(size=shape)
    for given in (values, values.tolist(), np.asfortranarray(values)):
        sample = Constant(given).sample(rng, shape, 2, 3)
        np.testing.assert_array_equal(sample, values)
        assert sample.flags.c_contiguous


def test_survives_json_bit_for_bit() -> None:
    rng = np.random.default_rng(0)
    values = np.random.default_rng(2).normal(size=(3, 4)) / 3
    described = json.loads(json.dumps(registry.config_of("initializers", Constant(values))))
    assert described["name"] == "constant"
    again = registry.resolve("initializers", described)
    np.testing.assert_array_equal(again.sample(rng, (3, 4), 3, 4), values)


def test_neither_the_user_s_array_nor_the_sample_is_shared() -> None:
    rng = np.random.default_rng(0)
    values = np.ones(3)
    initializer = Constant(values)
    values[:] = 2
    sample = initializer.sample(rng, (3,), 1, 3)
    sample[:] = 3
    np.testing.assert_array_equal(initializer.sample(rng, (3,), 1, 3), 1)


def test_repr_of_an_array_is_short() -> None:
    assert repr(Constant(np.zeros((784, 256)))) == "Constant(value=<array of shape (784, 256)>)"


@pytest.mark.parametrize("shape", [(3, 2), (6,), (2, 3, 1), ()])
def test_another_shape_is_an_error(shape: tuple[int, ...]) -> None:
    rng = np.random.default_rng(0)
    with pytest.raises(ShapeError, match=r"values of shape \(2, 3\), the tensor has shape"):
        Constant(np.zeros((2, 3))).sample(rng, shape, 2, 3)


@pytest.mark.parametrize("value", [np.nan, np.inf, [1, -np.inf], "1", ["1"], None, 1j, [[1, 2], [3]], {"a": 1}, object()])
def test_only_finite_numbers(value: Any) -> None:
    with pytest.raises(ParameterError, match="Constant: value must be"):
        Constant(value)


def test_in_a_network() -> None:
    weight, bias = np.arange(6.0).reshape(2, 3), [0.5, -0.5, 1.0]
    network = nn.Sequential(nn.Dense(3, weight_initializer=Constant(weight), bias_initializer=Constant(bias))).build(2, dtype="float64")
    np.testing.assert_array_equal(network.predict(np.array([[1.0, 2.0]])), [[6.5, 8.5, 13.0]])
