"""The coefficient of determination equals scikit-learn's."""

from __future__ import annotations

import math

import numpy as np
import pytest
from sklearn.metrics import r2_score

from nncore.errors import ShapeError
from nncore.metrics.r2 import R2


@pytest.mark.parametrize("n_rows", [2, 7, 8, 9, 1023])
@pytest.mark.parametrize("n_outputs", [1, 3])
@pytest.mark.parametrize("weighted", [False, True])
def test_agrees_with_scikit_learn(n_rows: int, n_outputs: int, weighted: bool):
    rng = np.random.default_rng(n_rows)
    target = 5 + rng.normal(size=(n_rows, n_outputs))
    output = target + 0.5 * rng.normal(size=target.shape)
    weight = rng.random(n_rows) + 0.1 if weighted else None
    # Sums of n_rows terms in another order: relative differences of a few eps times n_rows at most.
    tolerance = 4 * n_rows * np.finfo(float).eps
    assert R2().score(output, target, weight) == pytest.approx(r2_score(target, output, sample_weight=weight), rel=tolerance, abs=tolerance)


def test_float32_is_summed_in_float64():
    target = (1e4 + np.random.default_rng(0).normal(size=(1000, 1))).astype(np.float32)
    output = target + np.float32(0.25)
    expected = r2_score(target.astype(float), output.astype(float))
    assert R2().score(output, target) == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize("error", [0.0, 1.0])
def test_a_constant_target_scores_as_in_scikit_learn(error: float):
    target = np.column_stack([np.full(5, 2.0), np.arange(5.0)])
    output = target + error
    assert R2().score(output, target) == pytest.approx(r2_score(target, output), rel=1e-14)
    assert R2().score(output[:, :1], target[:, :1]) == (1.0 if error == 0 else 0.0)


def test_targets_may_be_a_vector():
    target = np.arange(6.0)
    output = target[:, None] * 0.9
    assert R2().score(output, target) == pytest.approx(r2_score(target, output[:, 0]))


def test_too_little_to_score_is_nan():
    assert math.isnan(R2().score(np.ones((1, 1)), np.ones(1)))
    assert math.isnan(R2().score(np.empty((0, 2)), np.empty((0, 2))))
    assert math.isnan(R2().score(np.ones((3, 1)), np.arange(3.0), np.zeros(3)))


def test_shapes_that_do_not_fit():
    with pytest.raises(ShapeError, match="R2"):
        R2().score(np.ones((3, 2)), np.ones(3))
    with pytest.raises(ShapeError, match="R2"):
        R2().score(np.ones((3, 1)), np.ones((4, 1)))
