"""Mean absolute error and the root of the mean squared error."""

from __future__ import annotations

import math

import numpy as np
import pytest
from sklearn.metrics import mean_absolute_error, root_mean_squared_error

from nncore.errors import ShapeError
from nncore.metrics.mae import MAE
from nncore.metrics.rmse import RMSE
from nncore.plugin import Metric

both = pytest.mark.parametrize(("metric", "reference"), [(MAE(), mean_absolute_error), (RMSE(), root_mean_squared_error)])


@both
@pytest.mark.parametrize("n_rows", [1, 7, 1023])
@pytest.mark.parametrize("n_outputs", [1, 3])
@pytest.mark.parametrize("weighted", [False, True])
def test_agrees_with_scikit_learn(metric: Metric, reference, n_rows: int, n_outputs: int, weighted: bool):
    rng = np.random.default_rng(n_rows)
    target = rng.normal(size=(n_rows, n_outputs))
    output = target + rng.normal(size=target.shape) * [1.0, 10.0, 0.1][:n_outputs]
    weight = rng.random(n_rows) + 0.1 if weighted else None
    assert metric.score(output, target, weight) == pytest.approx(reference(target, output, sample_weight=weight), rel=1e-12)
    if n_outputs == 1:
        assert metric.score(output, target[:, 0], weight) == metric.score(output, target, weight)
    assert not metric.higher_is_better


@both
def test_float32_is_summed_in_float64(metric: Metric, reference):
    target = (1e4 + np.random.default_rng(0).normal(size=(1000, 1))).astype(np.float32)
    output = target + np.float32(0.25)
    assert metric.score(output, target) == pytest.approx(reference(target.astype(float), output.astype(float)), rel=1e-12)


@both
def test_nothing_to_score_is_nan(metric: Metric, reference):
    assert math.isnan(metric.score(np.empty((0, 2)), np.empty((0, 2))))
    assert math.isnan(metric.score(np.ones((3, 1)), np.arange(3.0), np.zeros(3)))


@both
def test_shapes_that_do_not_fit(metric: Metric, reference):
    with pytest.raises(ShapeError, match=type(metric).__name__):
        metric.score(np.ones((3, 2)), np.ones(3))
