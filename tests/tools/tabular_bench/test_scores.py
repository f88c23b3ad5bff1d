"""Scores against scikit-learn's, and calibration by hand."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.metrics import accuracy_score, brier_score_loss, log_loss, r2_score, root_mean_squared_error
from tabular_bench import scores


def test_classes() -> None:
    rng = np.random.default_rng(0)
    p = rng.dirichlet(np.ones(3), 200)
    y = rng.integers(0, 3, 200)
    came = scores.of_probabilities(y, p)
    assert came["accuracy"] == accuracy_score(y, p.argmax(axis=1))
    assert came["log loss"] == pytest.approx(log_loss(y, p, labels=[0, 1, 2]))
    assert came["Brier"] == pytest.approx(brier_score_loss(y, p, labels=[0, 1, 2], scale_by_half=False))


def test_calibration() -> None:
    """Calibration of two bins: 3 of 4 right at 0.9, 1 of 2 right at 0.6."""
    p = np.array([0.9, 0.9, 0.9, 0.9, 0.6, 0.6])
    y = np.array([0, 0, 0, 1, 0, 1])
    came = scores.of_probabilities(y, np.column_stack([p, 1 - p]))
    assert came["ECE"] == pytest.approx((4 * 0.15 + 2 * 0.1) / 6)


def test_certain_and_wrong_costs_a_finite_loss() -> None:
    assert np.isfinite(scores.of_probabilities(np.array([1]), np.array([[1.0, 0.0]]))["log loss"])


def test_numbers() -> None:
    rng = np.random.default_rng(0)
    y, answer = rng.normal(size=(2, 50))
    assert scores.of_numbers(y, answer) == pytest.approx({"R²": r2_score(y, answer), "RMSE": root_mean_squared_error(y, answer)})
