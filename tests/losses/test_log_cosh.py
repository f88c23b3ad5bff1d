"""Log-cosh loss: small errors, large ones, and its limits."""

from __future__ import annotations

import math

import numpy as np
import pytest
from losses.training import minimised

from nncore.losses.half_mse import HalfMSE
from nncore.losses.log_cosh import LogCosh
from nncore.losses.mae import MAE
from nncore.testing.losses import Rung
from nncore.testing.twin import numpy_twin

RUNGS = (LogCosh(), numpy_twin(LogCosh()))


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_keeps_its_digits_from_tiny_to_huge_errors(dtype: type) -> None:
    """The loss keeps its digits: ½d² − d⁴/12 + d⁶/45 near 0, and |d| − log 2 for large d, where cosh overflows."""
    small = np.array([1e-15, 1e-8, 1e-3], dtype)
    large = np.array([50.0, 1e4, 1e30], dtype)
    errors, d = np.concatenate([small, large]), small.astype(np.float64)
    expected = np.concatenate([d**2 / 2 - d**4 / 12 + d**6 / 45, large.astype(np.float64) - math.log(2)])
    for rung in RUNGS:
        for sign in (1, -1):
            value, d_output = Rung(rung)(sign * errors[:, None], np.zeros((6, 1), dtype), np.ones(6, dtype))
            np.testing.assert_allclose(value, expected, rtol=8 * np.finfo(dtype).eps)
            np.testing.assert_allclose(d_output[:, 0], sign * np.tanh(errors), rtol=8 * np.finfo(dtype).eps)


def test_both_forms_meet_where_one_takes_over() -> None:
    errors = np.nextafter(1.0, [0, 1, 2])[:, None]
    for rung in RUNGS:
        value, _ = Rung(rung)(errors, np.zeros((3, 1)), np.ones(3))
        np.testing.assert_allclose(value, math.log(math.cosh(1)), rtol=1e-15)


def test_lies_between_its_limits() -> None:
    y, target = np.random.default_rng(0).normal(size=(2, 5, 3))
    np.testing.assert_allclose(LogCosh().forward(y / 1e3, target / 1e3) * 1e6, HalfMSE().forward(y, target) / 3, rtol=1e-5)
    np.testing.assert_allclose(LogCosh().forward(y * 1e6, target * 1e6) / 1e6, MAE().forward(y, target), rtol=1e-5)


def test_outliers_hardly_move_it() -> None:
    """Outliers hardly change the best constant c, for which Σ tanh(c − y) = 0."""
    y = np.concatenate([np.random.default_rng(1).normal(2, 0.5, 80), np.full(20, 50.0)])
    centre = minimised("log_cosh", np.ones((100, 1)), y, 1).predict(np.ones((1, 1)))[0, 0]
    assert abs(np.tanh(centre - y).sum()) < 1e-3
    assert abs(centre - 2) < 0.6 < abs(y.mean() - 2)
