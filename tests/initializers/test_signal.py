"""Signal propagation at initialisation: the variance of z = x·W + b for inputs of mean 0 and variance 1.

Every z below has a row x, a column of W and a bias of its own, so that they are independent and the sampling error is known.
"""

from __future__ import annotations

import math

import numpy as np
import pytest
from manifest import classes

from nncore.plugin import Initializer

INITIALIZERS = classes("initializers")
N_UNITS = 100_000


def outputs(initializer: Initializer, fan_in: int, fan_out: int, *, bias: bool) -> np.ndarray:
    rng = np.random.default_rng(fan_in)
    x = rng.normal(size=(fan_in, N_UNITS))
    z = (x * initializer.sample(rng, (fan_in, N_UNITS), fan_in, fan_out)).sum(axis=0)
    return z + initializer.sample(rng, (N_UNITS,), fan_in, fan_out) if bias else z


def check_mean_square(values: np.ndarray, expected: float) -> float:
    """Compare the mean square within five standard errors; return that tolerance."""
    squares = values**2
    tolerance = 5 * float(squares.std()) / math.sqrt(len(squares))
    assert abs(squares.mean() - expected) < tolerance
    return tolerance


@pytest.mark.parametrize("fan_in", [1, 3, 10, 60])
def test_uniform_fan_in_gives_a_third(fan_in: int) -> None:
    """Uniform fan-in gives a third: n · Var(w) Var(x) = n / (3n) = 1/3 for every n; a bias from the same distribution adds 1/(3n)."""
    initializer = INITIALIZERS["uniform_fan_in"]()
    without = check_mean_square(outputs(initializer, fan_in, 5, bias=False), 1 / 3)
    check_mean_square(outputs(initializer, fan_in, 5, bias=True), 1 / 3 + 1 / (3 * fan_in))
    if fan_in <= 10:
        assert without < 1 / (3 * fan_in), "too few draws to tell the two apart"


@pytest.mark.parametrize(("gain", "expected"), [(1.0, 1.0), (2.0, 4.0)])
def test_xavier_of_the_notes_keeps_the_variance_and_its_stray_factor_does_not(gain: float, expected: float) -> None:
    check_mean_square(outputs(INITIALIZERS["xavier_notes"](gain=gain), 20, 5, bias=False), expected)


@pytest.mark.parametrize("name", ["glorot_uniform", "glorot_normal"])
def test_glorot_keeps_the_variance_where_the_sizes_are_equal(name: str) -> None:
    check_mean_square(outputs(INITIALIZERS[name](), 20, 20, bias=False), 1)
    check_mean_square(outputs(INITIALIZERS[name](), 20, 60, bias=False), 20 * 2 / (20 + 60))


@pytest.mark.parametrize("name", ["he_uniform", "he_normal"])
def test_he_keeps_the_mean_square_through_relu(name: str) -> None:
    check_mean_square(np.maximum(outputs(INITIALIZERS[name](), 20, 20, bias=False), 0), 1)
