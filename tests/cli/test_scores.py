from __future__ import annotations

import numpy as np
import pytest

from nncore.cli.scores import accuracy, classification_score, real_errors, regression_score


def test_classification() -> None:
    assert accuracy(["a", "b", "b"], ["a", "b", "a"]) == pytest.approx(2 / 3)
    text = classification_score(["a", "b", "b", "a"], ["a", "b", "a", "a"], "b")
    assert text == "accuracy 75.0 % on 4 rows held out (always 'b': 25.0 %)"


def test_regression() -> None:
    true, predicted = np.array([1.0, 2.0, 3.0, 6.0]), np.array([1.0, 2.0, 5.0, 6.0])
    assert real_errors(predicted, true) == "R² 0.714, RMSE 1, MAE 0.5"
    assert regression_score(predicted, true, 3.0).endswith("(always the mean 3: RMSE 1.8708, MAE 1.5)")


def test_regression_agrees_with_scikit_learn() -> None:
    metrics = pytest.importorskip("sklearn.metrics")
    rng = np.random.default_rng(0)
    true, predicted = rng.normal(size=50), rng.normal(size=50)
    r2, rmse, mae = (
        metrics.r2_score(true, predicted),
        metrics.root_mean_squared_error(true, predicted),
        metrics.mean_absolute_error(true, predicted),
    )
    assert real_errors(predicted, true) == f"R² {r2:.3f}, RMSE {rmse:.5g}, MAE {mae:.5g}"


def test_no_r2_where_the_truth_does_not_vary() -> None:
    assert real_errors(np.array([1.0, 3.0]), np.array([2.0, 2.0])) == "RMSE 1, MAE 1"
