"""Class weights: by the estimator's classes, and computed only from training samples."""

from __future__ import annotations

import numpy as np
import pytest
from alternatives import quietly
from sklearn.utils import compute_sample_weight

from nncore.errors import ParameterError
from nncore.estimators import MLPClassifier
from nncore.estimators.class_targets import ClassTargets
from nncore.estimators.class_weights import ClassWeights

rng = np.random.default_rng(0)
X = rng.normal(size=(60, 3))
binary, several = rng.integers(2, size=60), rng.choice(["a", "b", "c"], size=60, p=[0.7, 0.2, 0.1])
labels = (rng.random((60, 3)) < 0.3).astype(int)
heads = np.column_stack([rng.integers(3, size=60), 5 + rng.integers(2, size=60)])


@pytest.mark.parametrize(
    ("y", "class_weight"),
    [
        (binary, "balanced"), (binary, {0: 2.0, 1: 0.5}), (binary, {1: 5.0}), (several, "balanced"), (several, {"c": 9.0}),
        (labels, "balanced"), (labels, [{0: 1.0, 1: 4.0}] * 3), (heads, "balanced"), (heads, [{0: 2.0, 1: 1.0, 2: 3.0}, {5: 1.0, 6: 0.1}]),
    ],
    ids=str,
)  # fmt: skip
def test_weights_are_scikit_learns(y, class_weight):
    weights = ClassWeights(class_weight, ClassTargets(y), y).of(y)
    np.testing.assert_allclose(weights, compute_sample_weight(class_weight, y))


@pytest.mark.parametrize("missing", [0, 1])
@pytest.mark.parametrize("class_weight", [{0: 0.5}, {1: 5.0}, {0: 2.0, 1: 3.0}, {}], ids=str)
def test_a_batch_without_a_class(class_weight, missing):
    weighted, by_hand = (MLPClassifier((4,), random_state=0, class_weight=weight) for weight in (class_weight, None))
    for rows in (slice(0, 30), np.flatnonzero(binary != missing), [0], slice(30, 60)):
        each = np.array([class_weight.get(label, 1.0) for label in binary[rows]])
        weighted.partial_fit(X[rows], binary[rows], classes=[0, 1])
        by_hand.partial_fit(X[rows], binary[rows], sample_weight=each, classes=[0, 1])
    np.testing.assert_array_equal(weighted.network_.parameters, by_hand.network_.parameters)


@pytest.mark.parametrize("y", [labels, heads], ids=["labels", "heads"])
def test_a_batch_without_a_class_of_several_targets(y):
    class_weight = [{column.max(): 3.0} for column in y.T]
    classes = None if y is labels else [np.unique(column) for column in y.T]
    model = MLPClassifier((4,), random_state=0, class_weight=class_weight)
    rows = np.flatnonzero((y != y.max(axis=0)).all(axis=1))
    named = {} if classes is None else {"classes": classes}
    model.partial_fit(X[rows], y[rows], **named).partial_fit(X, y)
    assert np.isfinite(model.loss_)


def test_validation_samples_have_the_weights_of_the_training():
    """Validation samples have the class weights of the training samples, from which "balanced" computes them."""
    counts = np.bincount(binary)
    by_hand = {label: 60 / (2 * counts[label]) for label in (0, 1)}
    rows = np.concatenate([np.flatnonzero(binary == 0)[:4], np.flatnonzero(binary == 1)[:9]])
    models = [MLPClassifier((4,), random_state=0, class_weight=weight, max_iter=5) for weight in ("balanced", by_hand)]
    for model in models:
        quietly(model.fit, X, binary, X_val=X[rows], y_val=binary[rows])
    assert models[0].validation_scores_ == models[1].validation_scores_
    assert models[0].validation_loss_curve_ == models[1].validation_loss_curve_


@pytest.mark.parametrize(
    ("y", "class_weight", "message"),
    [
        (binary, {2: 1.0}, "names 2, which is not one of the classes"),
        (several, {"a": -1.0}, "finite numbers of at least 0"),
        (several, {"a": np.inf}, "finite numbers of at least 0"),
        (several, {"a": "much"}, "finite numbers of at least 0"),
        (several, "even", "must be a dict, 'balanced'"),
        (several, 3, "must be a dict, 'balanced'"),
        (several, [{"a": 1.0}], "is a list for several targets"),
        (heads, {0: 1.0}, "a list with a dict for each of 2 targets"),
        (heads, [{0: 1.0}], "lists 1 dicts for 2 targets"),
    ],
    ids=str,
)
def test_what_is_no_weight(y, class_weight, message):
    with pytest.raises(ParameterError, match=message):
        MLPClassifier(class_weight=class_weight).fit(X, y)
