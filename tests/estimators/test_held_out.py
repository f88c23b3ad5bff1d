"""Validation data: given or split off, scored by many metrics; the best network is restored."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.metrics import get_scorer, log_loss

from nncore.estimators import MLPClassifier, MLPRegressor
from nncore.metrics.accuracy import Accuracy

pytestmark = [
    pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning"),
    pytest.mark.filterwarnings("ignore:.*is ignored, as in scikit-learn"),
]

rng = np.random.default_rng(1)
X, X_val = rng.normal(size=(60, 6)), rng.normal(size=(200, 6))
y, y_val = (np.where(points[:, 0] + rng.normal(size=len(points)) > 0, "up", "down") for points in (X, X_val))
OVERFITS = {"hidden_layer_sizes": 100, "learning_rate_init": 0.02, "max_iter": 60, "random_state": 0, "alpha": 0}


def one_scorer(estimator, X, y):
    return estimator.score(X, y)


@pytest.mark.parametrize(
    ("scoring", "score"),
    [
        (None, lambda model: model.score(X_val, y_val)),
        ("accuracy", lambda model: model.score(X_val, y_val)),
        (Accuracy(), lambda model: model.score(X_val, y_val)),
        ("loss", lambda model: -log_loss(y_val, model.predict_proba(X_val)[:, 1])),
        ("neg_log_loss", lambda model: -log_loss(y_val, model.predict_proba(X_val)[:, 1])),
        ("roc_auc", lambda model: get_scorer("roc_auc")(model, X_val, y_val)),
        (one_scorer, lambda model: model.score(X_val, y_val)),
    ],
    ids=["default", "name", "metric", "loss", "scorer for losses", "scorer", "function"],
)
@pytest.mark.parametrize("early_stopping", [False, True])
def test_the_best_network_is_kept(scoring, score, early_stopping):
    model = MLPClassifier(**OVERFITS, scoring=scoring, early_stopping=early_stopping)
    model.fit(X, y, X_val=X_val, y_val=y_val)
    assert len(model.validation_scores_) == len(model.validation_loss_curve_) == model.n_iter_
    assert model.best_validation_score_ == max(model.validation_scores_)
    assert score(model) == pytest.approx(model.best_validation_score_, rel=1e-9)
    assert (model.n_iter_ < 60) == early_stopping
    assert (model.best_loss_ is None) == early_stopping
    np.testing.assert_array_equal(model.history_["val_loss"], model.validation_loss_curve_)


def test_weights_of_validation_samples():
    weights = (y_val == "up") * 1.0
    model = MLPClassifier(**OVERFITS).fit(X, y, X_val=X_val, y_val=y_val, sample_weight_val=weights)
    assert model.best_validation_score_ == pytest.approx(model.score(X_val[y_val == "up"], y_val[y_val == "up"]))


def test_a_metric_that_is_better_lower():
    model = MLPRegressor(random_state=0, max_iter=5, scoring="mae").fit(X, X[:, 0], X_val=X_val, y_val=X_val[:, 0])
    np.testing.assert_array_equal(model.validation_scores_, -model.history_["val_mae"])


def test_without_validation_data():
    model = MLPClassifier(max_iter=2).fit(X, y)
    assert model.validation_scores_ is None
    assert model.best_validation_score_ is None
    assert model.validation_loss_curve_ == []


def test_negative_weights():
    with pytest.raises(ValueError, match="sample_weight must not be negative"):
        MLPClassifier().fit(X, y, sample_weight=-np.ones(60))


def test_unknown_classes_in_validation():
    with pytest.raises(ValueError, match="classes not in"):
        MLPClassifier(max_iter=2).fit(X, y, X_val=X_val, y_val=["sideways"] * 200)


def test_a_fit_that_diverges_keeps_its_best():
    model = MLPRegressor(activation="identity", solver="sgd", learning_rate_init=0.3, random_state=0, early_stopping=True, max_iter=1000)
    with pytest.warns(UserWarning, match="diverged in epoch"):
        model.fit(X * 10, X[:, 0])
    assert np.isnan(model.validation_scores_[-1])
    assert model.n_iter_ == len(model.loss_curve_) == len(model.validation_scores_)
    assert len(model.history_) == model.n_iter_ - 1  # the failed epoch has no row
    assert np.isfinite(model.predict(X)).all()


@pytest.mark.parametrize("solver", ["sgd", "lbfgs"])
def test_a_warm_start_keeps_the_best_of_all_fits(solver):
    model = MLPClassifier(**OVERFITS | {"max_iter": 15}, solver=solver, warm_start=True, scoring="loss")
    best = model.fit(X, y, X_val=X_val, y_val=y_val).best_validation_score_
    probabilities = model.predict_proba(X_val)
    model.set_params(learning_rate_init=1.0, max_iter=1 if solver == "lbfgs" else 15).fit(X, y[::-1], X_val=X_val, y_val=y_val)
    assert model.best_validation_score_ == best
    np.testing.assert_array_equal(model.predict_proba(X_val), probabilities)


def test_partial_fit_after_early_stopping():
    model = MLPClassifier(max_iter=3, early_stopping=True).fit(X, y)
    with pytest.raises(ValueError, match="partial_fit does not support early_stopping=True"):
        model.partial_fit(X, y)
    model.set_params(early_stopping=False).partial_fit(X, y)
    assert model.best_loss_ == model.loss_


@pytest.mark.parametrize("scoring", [one_scorer, "roc_auc", None])
def test_scorers_with_and_without_weights(scoring):
    rng = np.random.default_rng(0)
    model = MLPClassifier(max_iter=2, early_stopping=True, validation_fraction=0.3, class_weight="balanced", scoring=scoring)
    assert len(model.fit(X, y, sample_weight=rng.uniform(1, 2, 60)).validation_scores_) == 2
