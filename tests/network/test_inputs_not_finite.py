"""Predictions refuse inputs that are not finite, also if only the first layer's outputs are checked."""

from __future__ import annotations

import numpy as np
import pytest

import nncore as nn
from nncore.errors import DataError
from nncore.testing import team_of

#: Numbers of inputs below and above the one from which outputs are checked; the bad input is the first, the last or another.
PLACES = [(5, 0), (5, 4), (63, 62), (64, 0), (64, 63), (100, 37), (784, 783)]
ROWS = 700  # more than a slice


def network(n_inputs: int, dtype: str, activation: str | None = "relu") -> nn.Sequential:
    return nn.Sequential(nn.Dense(9, activation), nn.Dense(3)).build(n_inputs, rng=0, dtype=dtype)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize(("n_inputs", "place"), PLACES)
@pytest.mark.parametrize("weight", [0.0, -1.0, 1.0])
def test_it_is_found_wherever_it_is(dtype: str, value: float, n_inputs: int, place: int, weight: float) -> None:
    """The message says where the input is: an infinity that a ReLU hides, one with a weight of 0, or NaN."""
    net = network(n_inputs, dtype)
    net.named_parameters()["dense_1.weight"][...] = weight
    X = np.random.default_rng(0).normal(size=(ROWS, n_inputs)).astype(dtype)
    for row in (0, ROWS - 1):
        bad = X.copy()
        bad[row, place] = value
        with pytest.raises(DataError, match=rf"X contains {value} at .*{row}.*{place}" if value == value else "X contains NaN at"):
            net.predict(bad)
        with team_of(3), pytest.raises(DataError, match="X contains"):
            net.predict(bad)
    assert np.isfinite(net.predict(X)).all()


@pytest.mark.parametrize("n_inputs", [5, 100])
def test_what_overflows_in_the_network_is_no_fault_of_the_inputs(n_inputs: int) -> None:
    net = network(n_inputs, "float32", None)
    net.named_parameters()["dense_1.weight"][...] = 1
    net.named_parameters()["dense_2.weight"][...] = 1
    X = np.ones((ROWS, n_inputs), np.float32)
    X[3] = 2e38
    outputs = net.predict(X)
    assert np.isinf(outputs[3]).all()
    assert np.isfinite(np.delete(outputs, 3, axis=0)).all()


@pytest.mark.parametrize("n_inputs", [5, 100])
def test_parameters_that_are_not_finite_are_no_fault_of_the_inputs(n_inputs: int) -> None:
    net = network(n_inputs, "float32")
    net.named_parameters()["dense_1.weight"][0, 0] = np.nan
    assert np.isnan(net.predict(np.ones((ROWS, n_inputs), np.float32))).all()


@pytest.mark.parametrize("n_inputs", [64, 200])
def test_rows_do_not_depend_on_their_neighbours(n_inputs: int) -> None:
    """Rows do not depend on their neighbours, also if a neighbour's outputs overflow, so that all inputs are checked."""
    net = network(n_inputs, "float32")
    X = np.random.default_rng(1).normal(size=(ROWS, n_inputs)).astype(np.float32)
    alone = net.predict(X)
    X[5] = 3e38
    np.testing.assert_array_equal(np.delete(net.predict(X), 5, axis=0), np.delete(alone, 5, axis=0))
