"""Sparse initialisation: nncore's conformance kit, and the structure the paper describes."""

from __future__ import annotations

import math

import numpy as np
import pytest
from nncore_lecun.sparse import Sparse

from nncore.errors import ParameterError
from nncore.testing import InitializerConformance


class TestSparse(InitializerConformance):
    name = "nncore-lecun/sparse"
    arguments = ({}, {"n_connections": 1, "deviation": 0.25})


@pytest.mark.parametrize("shape", [(40, 30), (15, 9), (3, 20), (0, 4), (4, 0), (5, 8, 30)])
def test_every_unit_has_its_connections(shape: tuple[int, ...]) -> None:
    weight = Sparse().sample(np.random.default_rng(0), shape, 40, 30)
    assert weight.shape == shape
    n_inputs = math.prod(shape[:-1])
    np.testing.assert_array_equal((weight != 0).reshape(n_inputs, shape[-1]).sum(axis=0), min(15, n_inputs))


def test_every_input_is_as_likely() -> None:
    connected = Sparse(n_connections=2).sample(np.random.default_rng(1), (5, 50_000), 5, 1) != 0
    # Each input is one of two among five with probability 0.4, and each of the ten pairs with 0.1.
    assert np.abs(connected.mean(axis=1) - 0.4).max() < 5 * math.sqrt(0.24 / 50_000)
    pairs = connected.astype(float) @ connected.T.astype(float) / 50_000
    assert np.abs(pairs[~np.eye(5, dtype=bool)] - 0.1).max() < 5 * math.sqrt(0.09 / 50_000)


def test_connections_are_normal_with_the_deviation() -> None:
    weight = Sparse(n_connections=10, deviation=0.25).sample(np.random.default_rng(2), (30, 20_000), 30, 1)
    x = weight[weight != 0] / 0.25
    assert x.size == 200_000
    assert abs(x.mean()) < 5 / math.sqrt(x.size)
    assert abs((x**2).mean() - 1) < 5 * math.sqrt(2 / x.size)
    assert abs((x**4).mean() - 3) < 5 * math.sqrt(96 / x.size)


def test_a_vector_is_zero() -> None:
    np.testing.assert_array_equal(Sparse().sample(np.random.default_rng(3), (6,), 40, 6), 0)


@pytest.mark.parametrize("n_connections", [0, -1, 1.5, "3", None, True])
def test_only_whole_numbers_of_connections(n_connections: object) -> None:
    with pytest.raises(ParameterError, match="n_connections must be a"):
        Sparse(n_connections=n_connections)  # type: ignore[arg-type]
