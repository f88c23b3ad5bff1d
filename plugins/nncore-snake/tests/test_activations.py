"""Closed forms, digits and extremes of the activations, on both rungs."""

from __future__ import annotations

import math

import numpy as np
import pytest
from nncore_snake.snake import Snake
from nncore_snake.squareplus import Squareplus
from rungs import RUNGS, compiled, numpy, sweep, ulps

from nncore.errors import ParameterError
from nncore.plugin import Activation

PI = math.pi
CLOSED_FORMS = [
    (Snake(), [(0.0, 0.0), (PI / 2, PI / 2 + 1), (-PI / 2, -PI / 2 + 1), (PI / 6, PI / 6 + 0.25)]),
    (Snake(frequency=2.0), [(0.0, 0.0), (PI / 4, PI / 4 + 0.5), (-PI / 12, -PI / 12 + 0.125)]),
    (Squareplus(), [(0.0, 1.0), (1.5, 2.0), (-1.5, 0.5)]),
    (Squareplus(b=9.0), [(0.0, 1.5), (4.0, 4.5), (-4.0, 0.5)]),
]
EXTREMES = [-np.inf, -1e30, -1e4, -3.0, -1e-40, -0.0, 0.0, 1e-40, 3.0, 1e4, 1e30, np.inf, np.nan]

every_rung = pytest.mark.parametrize("rung", RUNGS.values(), ids=RUNGS.keys())
every_dtype = pytest.mark.parametrize("dtype", [np.float32, np.float64])
every_activation = pytest.mark.parametrize("phi", [Snake(), Squareplus()], ids=repr)


@every_rung
@pytest.mark.parametrize(("phi", "pairs"), CLOSED_FORMS, ids=lambda value: repr(value) if isinstance(value, Activation) else "")
def test_closed_form(phi: Activation, pairs: list[tuple[float, float]], rung) -> None:
    z, expected = np.array(pairs).T.copy()
    np.testing.assert_allclose(rung(phi, z), expected, rtol=4e-16)


@every_rung
@every_dtype
@every_activation
def test_limits(phi: Activation, dtype: type, rung) -> None:
    z = np.array(EXTREMES, dtype)
    a, slope = rung(phi, z), rung(phi, z, np.ones_like(z))
    assert np.isnan(a[-1])
    assert a[-2] == np.inf
    assert a[-3] == dtype(1e30)
    assert a[0] == (-np.inf if isinstance(phi, Snake) else 0)
    assert slope[-2] == 1
    assert slope[0] == (1 if isinstance(phi, Snake) else 0)
    assert np.isfinite(a[1:-2]).all()
    assert np.isfinite(slope[:-1]).all()


@every_dtype
@pytest.mark.parametrize("phi", [Squareplus(), Squareplus(b=1e-3)], ids=repr)
def test_both_rungs_give_the_same_bits(phi: Activation, dtype: type) -> None:
    """Both rungs give the same bits: they add, multiply, divide and take square roots in the same order."""
    z = np.concatenate([np.random.default_rng(1).normal(size=1023).astype(dtype) * 4, np.array(EXTREMES, dtype)])
    d_a = np.random.default_rng(2).normal(size=z.shape).astype(dtype)
    np.testing.assert_array_equal(compiled(phi, z), numpy(phi, z))
    np.testing.assert_array_equal(compiled(phi, z, d_a), numpy(phi, z, d_a))


@every_rung
@pytest.mark.parametrize("phi", [Squareplus(), Squareplus(b=0.01)], ids=repr)
def test_float32_error_of_squareplus(phi: Activation, rung) -> None:
    """squareplus keeps its digits in float32 also for large negative z, where z + √(z² + b) would lose all of them."""
    z = sweep(1e18)
    assert ulps(rung(phi, z), numpy(phi, z.astype(np.float64))) <= 4


@every_rung
def test_float32_error_of_snake(rung) -> None:
    """The error of snake in float32 is bounded; for z < 0 up to 0.73 of |z| cancels, so errors of sin² count 0.73 / 0.27 times."""
    for phi in (Snake(), Snake(frequency=8.0)):  # powers of two: the product f·z is exact
        z = sweep(1 / np.finfo(np.float32).eps / phi.frequency)[1:-1]
        assert ulps(rung(phi, z), numpy(phi, z.astype(np.float64))) <= 8


def test_snake_derivative_agrees_wherever_there_is_a_phase() -> None:
    eps = np.finfo(np.float32).eps
    z = sweep(0.999 / eps)
    exact = 1 + np.sin(2 * z.astype(np.float64))
    for rung in RUNGS.values():
        np.testing.assert_allclose(rung(Snake(), z, np.ones_like(z)), exact, rtol=0, atol=4 * eps)


@every_rung
@every_dtype
def test_snake_goes_on_as_the_identity_where_its_phase_has_no_digits(dtype: type, rung) -> None:
    z = np.array([1, 1.5, 1e3]).astype(dtype) / np.finfo(dtype).eps
    np.testing.assert_array_equal(rung(Snake(), z), z)
    np.testing.assert_array_equal(rung(Snake(), z, np.ones_like(z)), np.ones_like(z))


@every_rung
def test_snake_never_falls(rung) -> None:
    z = np.linspace(-50, 50, 20_001, dtype=np.float32)
    assert (rung(Snake(), z, np.ones_like(z)) >= -np.finfo(np.float32).eps).all()


@pytest.mark.parametrize("make", [lambda value: Snake(frequency=value), lambda value: Squareplus(b=value)], ids=["Snake", "Squareplus"])
@pytest.mark.parametrize("value", [0.0, -1.0, math.nan, math.inf, "1"])
def test_hyperparameters_outside_their_range_are_refused(make, value: object) -> None:
    with pytest.raises(ParameterError, match=r"\(0, inf\)"):
        make(value)
