"""Mean absolute error and Huber's loss: closed forms, and their minima."""

from __future__ import annotations

import numpy as np
import pytest
from losses.training import minimised
from scipy.optimize import brentq

from nncore.errors import ParameterError
from nncore.losses.huber import Huber
from nncore.losses.mae import MAE

Y = np.array([[0.0, 0.0, 0.0, 0.0]])
D = np.array([[0.5, -1.0, 3.0, 0.0]])


def test_mae_closed_form() -> None:
    np.testing.assert_array_equal(MAE().forward(D, Y), [4.5 / 4])
    np.testing.assert_array_equal(MAE().backward(D, Y), [[0.25, -0.25, 0.25, 0]])


def test_huber_closed_form() -> None:
    np.testing.assert_array_equal(Huber().forward(D, Y), [(0.125 + 0.5 + 2.5) / 4])
    np.testing.assert_array_equal(Huber().backward(D, Y), [[0.125, -0.25, 0.25, 0]])
    np.testing.assert_array_equal(Huber(delta=2.0).forward(D, Y), [(0.125 + 0.5 + 4.0) / 4])
    np.testing.assert_array_equal(Huber(delta=2.0).backward(D, Y), [[0.125, -0.25, 0.5, 0]])


def test_huber_lies_between_its_limits() -> None:
    """Huber's loss tends to half the squared error for large δ, and to δ times the absolute error for small δ."""
    y, target = np.random.default_rng(0).normal(size=(2, 5, 3))
    np.testing.assert_allclose(Huber(delta=1e6).forward(y, target), ((y - target) ** 2).mean(axis=1) / 2, rtol=1e-14)
    np.testing.assert_allclose(Huber(delta=1e-9).forward(y, target) / 1e-9, MAE().forward(y, target), rtol=1e-7)


@pytest.mark.parametrize("delta", [0, -1, np.inf, np.nan, "1"])
def test_delta_is_checked(delta: object) -> None:
    with pytest.raises(ParameterError, match=r"delta must be a number in \(0, inf\)"):
        Huber(delta=delta)  # type: ignore[arg-type]


def test_outliers_do_not_move_them() -> None:
    """Outliers do not move the best constant: the median, and the root of Σ clip(c − y, −δ, δ), with a fifth of the numbers far off."""
    rng = np.random.default_rng(1)
    y = np.concatenate([rng.normal(2, 0.5, 81), rng.normal(50, 5, 20)])
    X = np.ones((len(y), 1))
    median = minimised("mae", X, y, 1).predict(X[:1])[0, 0]
    np.testing.assert_allclose(median, np.median(y), atol=0.01)
    centre = minimised(Huber(delta=0.5), X, y, 1).predict(X[:1])[0, 0]
    np.testing.assert_allclose(centre, brentq(lambda c: np.clip(c - y, -0.5, 0.5).sum(), y.min(), y.max()), atol=1e-4)
    assert abs(centre - 2) < 0.5 < abs(y.mean() - 2)
