"""Accuracy of several classifications at once is the mean of their accuracies."""

from __future__ import annotations

import math

import numpy as np
import pytest
from sklearn.metrics import accuracy_score

from nncore.errors import ParameterError, ShapeError
from nncore.metrics.head_accuracy import HeadAccuracy


@pytest.mark.parametrize("n_rows", [1, 7, 1023])
@pytest.mark.parametrize("weighted", [False, True])
def test_is_the_mean_of_the_accuracies(n_rows: int, weighted: bool):
    rng = np.random.default_rng(n_rows)
    output = rng.random((n_rows, 10)).astype(np.float32)
    target = rng.integers((3, 2, 5), size=(n_rows, 3)).astype(np.float32)
    weight = rng.random(n_rows) + 0.1 if weighted else None
    choices = np.column_stack([output[:, :3].argmax(axis=1), output[:, 3:5].argmax(axis=1), output[:, 5:].argmax(axis=1)])
    expected = np.mean([accuracy_score(target[:, head], choices[:, head], sample_weight=weight) for head in range(3)])
    assert HeadAccuracy((3, 2, 5)).score(output, target, weight) == pytest.approx(expected, rel=1e-12)


def test_a_nan_is_wrong_for_its_head_only():
    output = np.array([[0.9, 0.1, math.nan, 0.3]])
    assert HeadAccuracy((2, 2)).score(output, np.array([[0.0, 0.0]])) == 0.5


def test_nothing_to_score_is_nan():
    assert math.isnan(HeadAccuracy((2, 1)).score(np.empty((0, 3)), np.empty((0, 2))))
    assert math.isnan(HeadAccuracy((2, 1)).score(np.ones((1, 3)), np.zeros((1, 2)), np.zeros(1)))


@pytest.mark.parametrize(("output", "target"), [((5, 4), (5, 2)), ((5, 3), (5, 3)), ((5, 3), (5,)), ((5, 3), (4, 2))])
def test_shapes_that_do_not_fit(output: tuple[int, ...], target: tuple[int, ...]):
    with pytest.raises(ShapeError, match=r"HeadAccuracy.*do not fit"):
        HeadAccuracy((2, 1)).score(np.ones(output), np.zeros(target))


def test_what_is_no_number_of_classes_is_refused():
    with pytest.raises(ParameterError, match="n_classes"):
        HeadAccuracy([0, 2])
