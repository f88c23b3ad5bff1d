"""The D² scores equal scikit-learn's where it has them."""

from __future__ import annotations

import math
import tracemalloc

import numpy as np
import pytest
from scipy.optimize import minimize_scalar
from sklearn import metrics

from nncore.errors import ParameterError, ShapeError
from nncore.metrics.d2_absolute_error import D2AbsoluteError
from nncore.metrics.d2_huber import D2Huber
from nncore.metrics.d2_pinball import D2Pinball
from nncore.metrics.d2_tweedie import D2Tweedie
from nncore.metrics.r2 import R2

CASES = [
    (D2AbsoluteError(), metrics.d2_absolute_error_score, {}),
    (D2Pinball(), metrics.d2_pinball_score, {}),
    (D2Pinball((0.9,)), metrics.d2_pinball_score, {"alpha": 0.9}),
    (D2Pinball(0.05), metrics.d2_pinball_score, {"alpha": 0.05}),
    *((D2Tweedie(power), metrics.d2_tweedie_score, {"power": power}) for power in (0, 1, 1.5, 2, 3)),
]


@pytest.mark.parametrize("n_rows", [2, 3, 10, 200])
@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize(("metric", "score", "arguments"), CASES, ids=[repr(metric) for metric, *_ in CASES])
def test_agrees_with_scikit_learn(metric, score, arguments, weighted, n_rows):
    rng = np.random.default_rng(n_rows)
    truth, predicted = rng.exponential(size=n_rows) + 0.1, rng.exponential(size=n_rows) + 0.1
    weight = rng.integers(1, 4, n_rows).astype(float) if weighted else None
    expected = score(truth, predicted, sample_weight=weight, **arguments)
    assert metric.score(predicted[:, None], truth[:, None], weight) == pytest.approx(expected, rel=1e-9, abs=1e-12)


def test_several_targets_and_quantiles():
    rng = np.random.default_rng(0)
    truth, predicted = rng.normal(size=(50, 2)), rng.normal(size=(50, 6))
    quantiles = (0.1, 0.5, 0.9)
    each = [metrics.d2_pinball_score(truth[:, t], predicted[:, 3 * t + k], alpha=q) for t in range(2) for k, q in enumerate(quantiles)]
    assert D2Pinball(quantiles).score(predicted, truth) == pytest.approx(np.mean(each))
    both = metrics.d2_absolute_error_score(truth, predicted[:, :2])
    assert D2AbsoluteError().score(predicted[:, :2], truth) == pytest.approx(both)
    with pytest.raises(ShapeError, match="3 outputs for each target"):
        D2Pinball(quantiles).score(predicted[:, :4], truth)


@pytest.mark.parametrize("delta", [0.01, 0.3, 1.0, 100.0])
def test_huber_is_about_the_best_constant(delta):
    rng = np.random.default_rng(1)
    truth, predicted, weight = rng.exponential(size=60), rng.exponential(size=60), rng.uniform(0.5, 2, 60)
    metric = D2Huber(delta)
    best = minimize_scalar(lambda c: weight @ metric._deviation(np.full(60, c), truth, 0), bounds=(0, 5), method="bounded")
    expected = 1 - weight @ metric._deviation(predicted, truth, 0) / best.fun
    assert metric.score(predicted[:, None], truth[:, None], weight) == pytest.approx(expected, rel=1e-4)


@pytest.mark.parametrize("metric", [D2AbsoluteError(), D2Pinball(), D2Huber(), D2Tweedie()], ids=repr)
def test_edges(metric):
    constant = np.full((5, 1), 2.0)
    assert metric.score(constant, constant) == 1
    assert metric.score(constant + 1, constant) == 0
    assert math.isnan(metric.score(constant[:1], constant[:1]))
    assert math.isnan(metric.score(constant, constant, np.zeros(5)))


def test_predictions_without_deviance():
    truth = np.array([[0.0], [1.0], [2.0]])
    assert D2Tweedie().score(np.array([[0.0], [1.0], [2.0]]), truth) == 1
    assert D2Tweedie().score(np.array([[1.0], [-1.0], [2.0]]), truth) == -math.inf
    assert D2Tweedie().score(np.array([[1.0], [-1.0], [2.0]]), truth, np.array([1.0, 0.0, 1.0])) > -math.inf


def test_refused():
    for make in (lambda: D2Pinball((0.0,)), lambda: D2Pinball("all"), lambda: D2Pinball(()), lambda: D2Tweedie(0.5), lambda: D2Huber(0)):
        with pytest.raises(ParameterError):
            make()


@pytest.mark.parametrize("metric", [R2(), D2AbsoluteError(), D2Pinball((0.1, 0.9))], ids=repr)
def test_many_targets_are_looked_at_one_after_the_other(metric):
    """Targets are processed one by one: all of them in float64, with constants and deviations, took eight times their memory."""
    targets, weight = np.random.default_rng(0).random((100, 1000), np.float32), np.ones(100)
    metric.for_targets(targets[:, :2], weight)  # modules imported by the first call
    tracemalloc.start()
    try:
        metric.for_targets(targets, weight)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < targets.nbytes / 2
