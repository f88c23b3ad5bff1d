"""Accuracy of classes and of binary outputs equals scikit-learn's."""

from __future__ import annotations

import math

import numpy as np
import pytest
from sklearn.metrics import accuracy_score

from nncore.errors import ParameterError, ShapeError
from nncore.metrics.accuracy import Accuracy

SIZES = [1, 7, 8, 9, 1023]


def probabilities(rng: np.random.Generator, n_rows: int, n_classes: int, dtype: str) -> np.ndarray:
    return rng.dirichlet(np.ones(n_classes), n_rows).astype(dtype)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("n_rows", SIZES)
@pytest.mark.parametrize("weighted", [False, True])
def test_classes_agree_with_scikit_learn(n_rows: int, dtype: str, weighted: bool):
    rng = np.random.default_rng(n_rows)
    output = probabilities(rng, n_rows, 4, dtype)
    labels = rng.integers(0, 4, n_rows)
    weight = rng.random(n_rows).astype(dtype) if weighted else None
    exact_weight = None if weight is None else weight.astype(float)
    expected = accuracy_score(labels, output.argmax(axis=1), sample_weight=exact_weight)
    one_hot = np.eye(4, dtype=dtype)[labels]
    tolerance = n_rows * float(np.finfo(float).eps)  # weights are summed in float64, in another order
    assert Accuracy().score(output, labels, weight) == pytest.approx(expected, rel=tolerance)
    assert Accuracy().score(output, one_hot, weight) == pytest.approx(expected, rel=tolerance)
    smoothed = (0.9 * one_hot + 0.1 / 4).astype(dtype)
    assert Accuracy().score(output, smoothed, weight) == pytest.approx(expected, rel=tolerance)


@pytest.mark.parametrize("n_rows", SIZES)
def test_yes_no_questions_agree_with_scikit_learn(n_rows: int):
    rng = np.random.default_rng(n_rows)
    output = rng.random((n_rows, 3))
    target = rng.integers(0, 2, (n_rows, 3))
    target[0] = [1, 1, 0]  # so that not every row sums to 1
    expected = accuracy_score(target, (output > 0.5).astype(int))
    assert Accuracy().score(output, target.astype(float)) == pytest.approx(expected, rel=1e-15)
    assert Accuracy("labels").score(output, target.astype(float)) == pytest.approx(expected, rel=1e-15)


@pytest.mark.parametrize("shape", [(4,), (4, 1)])
@pytest.mark.parametrize("dtype", [np.int64, np.float32, bool])
def test_a_single_output_is_yes_above_one_half(shape: tuple[int, ...], dtype: type):
    output = np.array([[0.2], [0.5], [0.51], [0.9]])
    assert Accuracy().score(output, np.array([0, 0, 1, 1], dtype).reshape(shape)) == 1.0
    assert Accuracy().score(output, np.array([0, 1, 1, 0], dtype).reshape(shape)) == 0.5
    assert Accuracy("classes").score(output, np.array([0, 1, 1, 0], dtype).reshape(shape)) == 0.5


def test_the_threshold_separates_yes_from_no():
    output, truth = np.array([[-0.2], [0.3], [2.0], [0.0]]), np.array([-1.0, 1.0, -1.0, -1.0])
    assert Accuracy(threshold=0.0).score(output, truth) == 0.75
    assert Accuracy().score(output, truth) == 0.5
    with pytest.raises(ParameterError, match="threshold"):
        Accuracy(threshold=math.nan)


def test_mode_decides_where_the_targets_do_not():
    output = np.array([[0.6, 0.7], [0.1, 0.2]])
    target = np.array([[0.0, 1.0], [0.0, 1.0]])
    assert Accuracy().score(output, target) == 1.0
    assert Accuracy("labels").score(output, target) == 0.0


def test_a_nan_is_wrong():
    output = np.array([[math.nan, 0.3], [0.9, 0.1]])
    assert Accuracy().score(output, np.array([0, 0])) == 0.5
    assert Accuracy().score(np.array([[math.nan], [0.1]]), np.array([0, 0])) == 0.5


def test_nothing_to_score_is_nan():
    assert math.isnan(Accuracy().score(np.empty((0, 3)), np.empty(0, np.int64)))
    assert math.isnan(Accuracy().score(np.empty((0, 1)), np.empty(0)))
    assert math.isnan(Accuracy().score(np.ones((2, 1)), np.ones(2), np.zeros(2)))


def test_a_weight_of_zero_leaves_a_sample_out():
    output, labels = np.array([[0.9, 0.1], [0.9, 0.1]]), np.array([0, 1])
    assert Accuracy().score(output, labels, np.array([1.0, 0.0])) == 1.0
    assert Accuracy().score(output, labels, np.array([1.0, 3.0])) == 0.25


@pytest.mark.parametrize(
    ("metric", "target"),
    [
        (Accuracy(), np.zeros(4, int)),
        (Accuracy(), np.zeros((5, 2))),
        (Accuracy(), np.zeros((4, 3))),
        (Accuracy("labels"), np.zeros(5, int)),
    ],
)
def test_shapes_that_do_not_fit(metric: Accuracy, target: np.ndarray):
    with pytest.raises(ShapeError, match="Accuracy"):
        metric.score(np.ones((5, 3)), target)


def test_mode_is_checked():
    with pytest.raises(ParameterError, match="mode"):
        Accuracy("multiclass")
    assert Accuracy().config() == {"mode": "auto", "threshold": 0.5}
    assert Accuracy.higher_is_better
