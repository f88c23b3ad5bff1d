from __future__ import annotations

import numpy as np
import pytest

from nncore.cli.scores import RunningAccuracy, RunningErrors, class_reports, class_scores, in_words, regression_scores, spread_in_words


def test_classification_by_hand() -> None:
    true, predicted = np.array([0, 1, 1, 1]), np.array([0, 0, 1, 1])
    scores = class_scores(true, np.array([[0.5, 0.5], [0.75, 0.25], [0.25, 0.75], [0.0, 1.0]]), predicted)
    assert scores["accuracy"] == 0.75
    assert scores["balanced_accuracy"] == pytest.approx((1 + 2 / 3) / 2)
    assert scores["log_loss"] == pytest.approx(-np.log([0.5, 0.25, 0.75, 1]).mean())
    assert scores["roc_auc"] == pytest.approx(2 / 3)  # of the pairs (0, 1): 0.5 against 0.25, 0.75, 1
    assert "log_loss" not in class_scores(true, None, predicted)


def test_ties_count_half() -> None:
    probabilities = np.full((4, 2), 0.5)
    assert class_scores(np.array([0, 1, 1, 0]), probabilities, np.zeros(4, int))["roc_auc"] == 0.5


def test_classification_agrees_with_scikit_learn() -> None:
    metrics = pytest.importorskip("sklearn.metrics")
    rng = np.random.default_rng(0)
    true = rng.integers(0, 2, 60)
    p = np.round(np.clip(0.3 * true + rng.random(60) * 0.7, 0.01, 0.99), 1)  # rounded: with ties
    probabilities = np.stack([1 - p, p], axis=1)
    predicted = probabilities.argmax(axis=1)
    scores = class_scores(true, probabilities, predicted)
    assert scores["roc_auc"] == pytest.approx(metrics.roc_auc_score(true, p))
    assert scores["log_loss"] == pytest.approx(metrics.log_loss(true, probabilities))
    assert scores["balanced_accuracy"] == pytest.approx(metrics.balanced_accuracy_score(true, predicted))
    expected = metrics.precision_recall_fscore_support(true, predicted)
    reports = class_reports(true, predicted, ["no", "yes"])
    assert np.allclose(np.array([[r.precision, r.recall, r.f1, r.n_rows] for r in reports]).T, expected)


def test_a_class_never_predicted_has_precision_0() -> None:
    (_, never) = class_reports(np.array([0, 1]), np.array([0, 0]), ["a", "b"])
    assert (never.n_rows, never.precision, never.recall, never.f1) == (1, 0.0, 0.0, 0.0)


def test_regression() -> None:
    true, predicted = np.array([1.0, 2.0, 3.0, 6.0]), np.array([1.0, 2.0, 5.0, 6.0])
    assert in_words(regression_scores(true, predicted)) == "R² 0.714, RMSE 1, MAE 0.5"


def test_regression_agrees_with_scikit_learn_in_blocks() -> None:
    metrics = pytest.importorskip("sklearn.metrics")
    rng = np.random.default_rng(0)
    true = 1e3 + rng.normal(size=50)
    predicted = true + rng.normal(size=50)
    errors = RunningErrors()
    for block in (slice(0, 7), slice(7, 7), slice(7, 49), slice(49, 50)):
        errors.add(true[block], predicted[block])
    scores = errors.scores()
    assert scores["r2"] == pytest.approx(metrics.r2_score(true, predicted), abs=1e-12)
    assert scores["rmse"] == pytest.approx(metrics.root_mean_squared_error(true, predicted))
    assert scores["mae"] == pytest.approx(metrics.mean_absolute_error(true, predicted))


def test_no_r2_where_the_truth_does_not_vary() -> None:
    assert in_words(regression_scores(np.array([2.0, 2.0]), np.array([1.0, 3.0]))) == "RMSE 1, MAE 1"


def test_accuracy_in_blocks_remembers_unknown_classes() -> None:
    accuracy = RunningAccuracy()
    accuracy.add(["a", "b"], ["a", "a"], frozenset("ab"))
    accuracy.add(["z"], ["a"], frozenset("ab"))
    assert accuracy.scores() == {"accuracy": 1 / 3}
    assert accuracy.strangers == {"z"}


def test_spread() -> None:
    assert spread_in_words("accuracy", [0.9, 0.8]) == "accuracy 85.0 % ± 5.0 %"
    assert spread_in_words("r2", [0.9, 0.8]) == "R² 0.850 ± 0.050"
    assert spread_in_words("rmse", [90.0, 80.0]) == "RMSE 85 ± 5"


def test_a_zero_has_no_sign() -> None:
    assert in_words({"r2": -0.0001}) == "R² 0.000"
