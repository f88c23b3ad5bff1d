"""The two-loop recursion of L-BFGS against the explicit inverse Hessian, for vectors of any length."""

from __future__ import annotations

import numpy as np
import pytest

from nncore._core import Descent
from nncore.errors import DataError, DtypeError, ShapeError


def learnt(n: int, capacity: int, n_steps: int) -> tuple[Descent, np.ndarray, np.ndarray, list[tuple[np.ndarray, np.ndarray]]]:
    """An L-BFGS state after several steps, its point and gradient, and the steps with the changes of the gradient."""
    rng = np.random.default_rng(n)
    point, gradient, history = rng.normal(size=n), rng.normal(size=n), []
    descent = Descent(point, gradient, capacity)
    for _ in range(n_steps):
        assert descent.aim() < 0
        origin, before = point.copy(), gradient.copy()
        descent.go(0.5)
        step = point - origin
        gradient += 3 * step + 0.1 * rng.normal(size=n) * np.abs(step)
        curvature = float(step @ (gradient - before))
        if curvature > 0:
            descent.learn(0.5, curvature)
            history.append((step, gradient - before))
    return descent, point, gradient, history


def inverse(history: list[tuple[np.ndarray, np.ndarray]], n: int) -> np.ndarray:
    """BFGS's inverse Hessian after the steps, starting from a multiple of the identity."""
    if not history:
        return np.eye(n)
    step, change = history[-1]
    H = step @ change / (change @ change) * np.eye(n)
    for step, change in history:
        rho = 1 / (step @ change)
        left = np.eye(n) - rho * np.outer(step, change)
        H = left @ H @ left.T + rho * np.outer(step, step)
    return H


@pytest.mark.parametrize("n", [1, 2, 3, 7, 8, 15, 16, 17, 31, 32, 33, 100])
@pytest.mark.parametrize(("capacity", "n_steps"), [(1, 0), (1, 1), (1, 3), (3, 2), (3, 3), (3, 8), (10, 12)])
def test_direction(n: int, capacity: int, n_steps: int) -> None:
    descent, point, gradient, history = learnt(n, capacity, n_steps)
    assert descent.n_kept == min(len(history), capacity)
    origin, direction = point.copy(), -inverse(history[-capacity:], n) @ gradient
    slope = descent.aim()
    descent.go(1.0)
    np.testing.assert_allclose(point - origin, direction, rtol=1e-7, atol=1e-9 * np.abs(direction).max())
    np.testing.assert_allclose(slope, gradient @ direction, rtol=1e-7)
    np.testing.assert_allclose(descent.slope(), gradient @ direction, rtol=1e-7)
    np.testing.assert_allclose(descent.length(), np.linalg.norm(direction), rtol=1e-7)


def test_way_back() -> None:
    descent, point, gradient, _ = learnt(9, 4, 5)
    descent.aim()
    origin, before = point.copy(), gradient.copy()
    descent.go(3.0)
    gradient[...] = 7
    descent.go_back()
    np.testing.assert_array_equal(point, origin)
    np.testing.assert_array_equal(gradient, before)
    descent.forget()
    assert descent.n_kept == 0
    descent.aim()
    descent.go(1.0)
    np.testing.assert_array_equal(point, origin - gradient)


@pytest.mark.parametrize("place", [0, 5, 16])
def test_largest(place: int) -> None:
    gradient = np.full(17, -1.0)
    descent = Descent(np.zeros(17), gradient, 1)
    assert descent.largest() == 1
    gradient[place] = -3
    assert descent.largest() == 3
    gradient[place] = np.inf
    assert descent.largest() == np.inf
    gradient[(place + 1) % 17] = np.nan
    assert np.isnan(descent.largest())


def test_what_it_refuses() -> None:
    good = np.zeros(3)
    with pytest.raises(ShapeError, match="a point of 3 numbers with a gradient of 4"):
        Descent(good, np.zeros(4), 1)
    with pytest.raises(ShapeError, match="0 steps to remember"):
        Descent(good, good.copy(), 0)
    with pytest.raises(DtypeError, match="gradient must be an ndarray of float64"):
        Descent(good, np.zeros(3, np.float32), 1)
    with pytest.raises(DataError, match="point is written to where it lies"):
        Descent(np.zeros(6)[::2], good, 1)
