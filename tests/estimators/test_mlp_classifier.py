"""Classes of every kind, their weights, losses and probabilities."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from scipy.sparse import csr_matrix, issparse
from sklearn.datasets import load_iris
from sklearn.metrics import balanced_accuracy_score

import nncore as nn
from nncore.contract import written
from nncore.errors import DataError, ParameterError
from nncore.estimators import MLPClassifier

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

X, y = load_iris(return_X_y=True)
X = (X - X.mean(axis=0)) / X.std(axis=0)
names = np.array(["a", "b", "c"])[y]
QUICK = {"random_state": 0, "max_iter": 150, "learning_rate_init": 0.02}


@pytest.mark.parametrize("labels", [names, names.astype(object), y - 1, y.astype(float), y == 1, np.where(y == 1, "yes", "no")])
def test_labels(labels):
    model = MLPClassifier(**QUICK).fit(X, labels)
    assert model.classes_.tolist() == sorted(set(labels.tolist()))
    assert model.score(X, labels) > 0.9
    assert model.predict(X).dtype == labels.dtype
    probabilities = model.predict_proba(X)
    assert probabilities.shape == (150, len(model.classes_))
    np.testing.assert_allclose(probabilities.sum(axis=1), 1)
    np.testing.assert_array_equal(model.classes_[probabilities.argmax(axis=1)], model.predict(X))
    np.testing.assert_allclose(model.predict_log_proba(X), np.log(probabilities))


def test_a_single_class():
    model = MLPClassifier(max_iter=3).fit(X, ["only"] * 150)
    assert set(model.predict(X)) == {"only"}
    assert (model.predict_proba(X) == np.ones((150, 1))).all()


@pytest.mark.parametrize("container", [np.asarray, csr_matrix])
def test_multilabel(container):
    labels = np.column_stack([y == 0, y != 1, X[:, 0] > 0]).astype(int)
    model = MLPClassifier(**QUICK).fit(X, container(labels))
    assert model.out_activation_ == "logistic"
    assert model.score(X, labels) > 0.9
    answers = model.predict(X)
    assert isinstance(answers, type(container(labels)))  # as in scikit-learn: sparse labels, sparse predictions
    np.testing.assert_array_equal(answers.toarray() if issparse(answers) else answers, model.predict_proba(X) > 0.5)


class TestSeveralTargets:
    targets = np.column_stack([names, np.where(X[:, 0] > 0, "long", "short")]).astype(object)

    def test_fit(self):
        model = MLPClassifier(**QUICK).fit(X, self.targets)
        assert [classes.tolist() for classes in model.classes_] == [["a", "b", "c"], ["long", "short"]]
        assert model.n_outputs_ == 5
        assert model.score(X, self.targets) > 0.85
        parts = model.predict_proba(X)
        assert [part.shape for part in parts] == [(150, 3), (150, 2)]
        for column, (classes, part) in enumerate(zip(model.classes_, parts, strict=True)):
            np.testing.assert_allclose(part.sum(axis=1), 1)
            np.testing.assert_array_equal(classes[part.argmax(axis=1)], model.predict(X)[:, column])
        np.testing.assert_allclose(model.predict_log_proba(X)[1], np.log(parts[1]))

    def test_weights_of_classes(self):
        weights = [{"a": 1, "b": 1, "c": 1}, {"long": 100, "short": 0.01}]
        model = MLPClassifier(**QUICK, class_weight=weights).fit(X, self.targets)
        assert (model.predict(X)[:, 1] == "long").mean() > (self.targets[:, 1] == "long").mean()

    def test_early_stopping_and_partial_fit(self):
        model = MLPClassifier(**QUICK, early_stopping=True).fit(X, self.targets)
        assert 0.5 < model.best_validation_score_ <= 1
        model = MLPClassifier(**QUICK)
        for _ in range(100):
            model.partial_fit(X, self.targets, classes=[["a", "b", "c"], ["long", "short"]])
        assert model.score(X, self.targets) > 0.85
        with pytest.raises(DataError, match="not the same as on last call"):
            model.partial_fit(X, self.targets, classes=[["a", "b"], ["long", "short"]])

    def test_other_losses(self):
        with pytest.raises(ParameterError, match="need loss='log_loss'"):
            MLPClassifier(loss="hinge").fit(X, self.targets)


# ---- losses -----------------------------------------------------------------------------------------------------------------


def squared(output, target):
    return ((output - target) ** 2).sum(axis=1), 2 * (output - target)


@pytest.mark.parametrize("labels", [names, y == 1], ids=["three", "two"])
@pytest.mark.parametrize(
    ("loss", "has_probabilities"),
    [
        ("log_loss", True),
        ("softmax_cross_entropy", True),
        ("binary_cross_entropy", True),
        ({"name": "softmax_cross_entropy", "label_smoothing": 0.1}, True),
        ("hinge", False),
        ("mse", False),
        (squared, False),
    ],
    ids=written,
)
def test_losses(loss, has_probabilities, labels):
    model = MLPClassifier(**QUICK, loss=loss).fit(X, labels)
    assert model.score(X, labels) > 0.9
    assert hasattr(model, "predict_proba") == hasattr(model, "predict_log_proba") == has_probabilities
    if has_probabilities:
        np.testing.assert_allclose(model.predict_proba(X).sum(axis=1), 1)


@pytest.mark.parametrize("scoring", [None, "accuracy"])
def test_labels_of_which_every_sample_has_one_are_scored_as_labels(scoring):
    chosen = np.arange(len(X)) % 2
    labels = np.column_stack([chosen, 1 - chosen])
    model = MLPClassifier(max_iter=4, random_state=0, scoring=scoring).fit(X, labels, X_val=X, y_val=labels)
    assert model.best_validation_score_ == model.score(X, labels)


@pytest.mark.parametrize("missing", [None, np.nan])
@pytest.mark.parametrize("container", [list, lambda y: np.array(y, dtype=object), pd.Series, lambda y: pd.Series(y, dtype="category")])
def test_a_missing_class_has_its_row(container, missing):
    y = container(["a", "b", "a", missing, "b", missing])
    with pytest.raises(DataError, match="at row 3 first: leave such samples out"):
        MLPClassifier().fit(X[:6], y)
    with pytest.raises(DataError, match="at row 3 first"):
        MLPClassifier(max_iter=1).fit(X[:4], list("abab"), X_val=X[:6], y_val=y)


def test_a_loss_of_one_class_a_sample_refuses_labels_that_go_together():
    labels = np.column_stack([y == 0, y != 1]).astype(int)
    for loss in ("hinge", "softmax_cross_entropy"):
        with pytest.raises(ParameterError, match="y is multilabel"):
            MLPClassifier(loss=loss).fit(X, labels)


# ---- weights ----------------------------------------------------------------------------------------------------------------


def test_class_weight_is_sample_weight():
    weights = {"a": 1.0, "b": 2.0, "c": 0.5}
    by_class = MLPClassifier(**QUICK, class_weight=weights).fit(X, names, sample_weight=np.arange(150.0) + 1)
    by_sample = MLPClassifier(**QUICK).fit(X, names, sample_weight=(np.arange(150.0) + 1) * [weights[name] for name in names])
    assert by_class.network_.parameters.tobytes() == by_sample.network_.parameters.tobytes()


def test_balanced_helps_the_rare():
    rng = np.random.default_rng(0)
    rare = rng.random(2000) < 0.03
    points = rng.normal(size=(2000, 2)) + rare[:, np.newaxis]
    plain, balanced = (MLPClassifier(**QUICK | {"max_iter": 20}, class_weight=weight).fit(points, rare) for weight in (None, "balanced"))
    assert balanced_accuracy_score(rare, balanced.predict(points)) > balanced_accuracy_score(rare, plain.predict(points)) + 0.1


@pytest.mark.parametrize("weight", [-1.0, np.nan, np.inf])
def test_class_weights_that_are_no_weights(weight):
    with pytest.raises(ParameterError, match="class_weight must hold finite numbers of at least 0"):
        MLPClassifier(class_weight={0: weight}).fit(X, y)


@pytest.mark.parametrize("solver", ["adam", "lbfgs"])
def test_weights_that_leave_nothing(solver):
    with pytest.raises(DataError, match="all training samples have weight 0"):
        MLPClassifier(class_weight={0: 0.0}, solver=solver).fit(X, y, sample_weight=(y == 0) * 1.0)


def test_balanced_and_partial_fit():
    with pytest.raises(ParameterError, match="compute_class_weight"):
        MLPClassifier(class_weight="balanced").partial_fit(X, y, classes=[0, 1, 2])
    MLPClassifier(class_weight={0: 2.0}).partial_fit(X, y, classes=[0, 1, 2])


# ---- partial_fit, warm_start ------------------------------------------------------------------------------------------------


def test_classes_of_partial_fit():
    with pytest.raises(ValueError, match="classes must be passed on the first call to partial_fit"):
        MLPClassifier().partial_fit(X, y)
    model = MLPClassifier(random_state=0).partial_fit(X[:50], y[:50], classes=[0, 1, 2])
    assert model.predict_proba(X).shape == (150, 3)
    model.partial_fit(X, y).partial_fit(X, y, classes=[2, 1, 0])
    with pytest.raises(DataError, match="classes not in"):
        model.partial_fit(X, y + 1)


def test_a_first_partial_fit_that_fails_leaves_no_classes_behind():
    model = MLPClassifier(random_state=0)
    with pytest.raises(ValueError, match="infinity"):
        model.partial_fit(np.full_like(X, np.inf), y, classes=[0, 1])
    assert not hasattr(model, "classes_")
    assert list(model.partial_fit(X, y, classes=[0, 1, 2]).classes_) == [0, 1, 2]


def test_warm_start_has_to_have_all_classes():
    model = MLPClassifier(max_iter=2, warm_start=True).fit(X, y)
    with pytest.raises(DataError, match=r"Previously got \[0 1 2\], `y` has \[0 1\]"):
        model.fit(X[:100], y[:100])


# ---- architecture -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "arguments",
    [
        {"hidden_layer_sizes": (20, 10), "activation": ["gelu", nn.get("activations", "leaky_relu")(slope=0.1)]},
        {"hidden_layer_sizes": (20, 10), "dropout": [0.2, 0.0], "normalization": "batch_norm"},
        {"normalization": "layer_norm", "activation": "silu"},
        {"layers": [nn.Dense(16, activation="relu"), nn.Residual([nn.Dense(16, activation="tanh")])]},
        {"solver": "adamw", "learning_rate": "cosine"},
        {"solver": nn.RMSProp(lr=0.005), "learning_rate_init": 0.001, "learning_rate": {"name": "warmup"}},
        {"solver": "momentum", "learning_rate": "one_cycle", "clip_norm": 1.0},
        {"callbacks": [nn.EMA(0.9)]},
    ],
    ids=str,
)
def test_parts_of_the_registry(arguments):
    model = MLPClassifier(**QUICK | arguments).fit(X, names)
    assert model.score(X, names) > 0.9


def test_a_schedule_spans_the_fit():
    rates = MLPClassifier(max_iter=10, learning_rate="cosine", learning_rate_init=0.02, batch_size=10).fit(X, y).history_["lr"]
    assert (np.diff(rates) < 0).all()
    assert rates[0] > 0.019
    assert rates[-1] < 0.001
