"""The validation score of a fit follows its loss, and can be computed for the validation samples."""

from __future__ import annotations

import numpy as np
import pytest
from alternatives import quietly
from sklearn.metrics import (
    d2_absolute_error_score,
    d2_pinball_score,
    d2_tweedie_score,
    get_scorer_names,
    make_scorer,
    mean_absolute_error,
    r2_score,
)

import nncore as nn
from nncore.contract import bounds
from nncore.errors import DataError, NNCoreError, ParameterError
from nncore.estimators import MLPClassifier, MLPRegressor
from nncore.registry import get, names

rng = np.random.default_rng(0)
X = rng.normal(size=(300, 2))
y = 1.0 + rng.exponential(size=300) * np.exp(0.3 * X[:, 0])
labels = (X[:, 0] + 0.3 * rng.normal(size=300) > 0).astype(int)
FAST = {"hidden_layer_sizes": (8,), "max_iter": 40, "learning_rate_init": 0.02, "random_state": 0, "batch_size": 60}
QUANTILE = {"name": "quantile", "quantiles": (0.9,)}

SCORES = [
    ("squared_error", r2_score, {}),
    ("mse", r2_score, {}),
    ("absolute_error", d2_absolute_error_score, {}),
    (QUANTILE, d2_pinball_score, {"alpha": 0.9}),
    ("poisson", d2_tweedie_score, {"power": 1}),
]


@pytest.mark.parametrize("early_stopping", [False, True])
@pytest.mark.parametrize(("loss", "score", "arguments"), SCORES, ids=[str(loss) for loss, *_ in SCORES])
def test_scores_are_scikit_learns(loss, score, arguments, early_stopping):
    model = MLPRegressor(loss, **FAST, early_stopping=early_stopping)
    quietly(model.fit, X[:200], y[:200], X_val=X[200:], y_val=y[200:])
    expected = score(y[200:], model.predict(X[200:]), **arguments)
    assert model.score(X[200:], y[200:]) == pytest.approx(expected, rel=1e-9)
    assert model.best_validation_score_ == pytest.approx(expected, rel=1e-9)
    assert model.best_validation_score_ == max(model.validation_scores_)
    weights = np.linspace(0, 2, 100)
    weighted = score(y[200:], model.predict(X[200:]), sample_weight=weights, **arguments)
    assert model.score(X[200:], y[200:], weights) == pytest.approx(weighted, rel=1e-9)


@pytest.mark.parametrize("loss", names("losses"))
def test_the_best_epoch_is_that_of_the_loss(loss):
    """For every loss of one target, the epoch with the best validation score has the lowest validation loss."""
    model = MLPRegressor(loss, **FAST)
    try:
        quietly(model.fit, X[:200], y[:200], X_val=X[200:], y_val=y[200:])
    except (NNCoreError, TypeError):  # the loss is for classes or a range of numbers, or needs arguments
        assert get("losses", loss).targets != "real" or loss == "softmax_heads" or bounds(get("losses", loss).target_range)[1] < np.inf
        return
    assert np.argmax(model.validation_scores_) == np.argmin(model.validation_loss_curve_)
    assert model.best_validation_score_ == pytest.approx(model.score(X[200:], y[200:]), rel=1e-9)


@pytest.mark.parametrize("q", [0.1, 0.9])
def test_quantiles_cover_what_they_should(q):
    rng = np.random.default_rng(1)
    X = rng.normal(size=(2000, 2))
    y = 1.0 + rng.exponential(size=2000) * np.exp(0.3 * X[:, 0])
    model = MLPRegressor({"name": "quantile", "quantiles": (q,)}, **FAST, early_stopping=True, validation_fraction=0.3)
    quietly(model.fit, X, y)
    assert np.mean(y <= model.predict(X)) == pytest.approx(q, abs=0.05)


def test_losses_without_a_judge_rate_themselves():
    def cubic(output, target):
        d = output - target
        return (np.abs(d) ** 3).sum(axis=1), 3 * d * np.abs(d)

    for loss in (cubic, "gaussian_nll"):
        model = MLPRegressor(loss, **FAST)
        quietly(model.fit, X[:200], y[:200], X_val=X[200:], y_val=y[200:])
        assert model.best_validation_score_ == -min(model.validation_loss_curve_) == pytest.approx(model.score(X[200:], y[200:]))
    chosen = MLPRegressor("gaussian_nll", **FAST, scoring="neg_mean_absolute_error")
    quietly(chosen.fit, X[:200], y[:200], X_val=X[200:], y_val=y[200:])
    assert chosen.best_validation_score_ == pytest.approx(-mean_absolute_error(y[200:], chosen.predict(X[200:])))


def test_classifiers():
    for loss, of_loss in (("log_loss", False), ("hinge", True), ("softmax_cross_entropy", True)):
        model = MLPClassifier(**FAST, loss=loss, early_stopping=True)
        quietly(model.fit, X[:200], labels[:200], X_val=X[200:], y_val=labels[200:])
        best = -min(model.validation_loss_curve_) if of_loss else model.score(X[200:], labels[200:])
        assert model.best_validation_score_ == pytest.approx(best)


# ---- scores that cannot be computed -------------------------------------------------------------------------------------------


def refused(model, match, target, **validation):
    model.set_params(max_iter=3)
    with pytest.raises(DataError, match=match):
        model.fit(X, target, **validation)
    assert not hasattr(model, "network_")


@pytest.mark.parametrize(
    "scoring", [None, "r2", "d2_absolute_error", "d2_tweedie", "d2_huber", "explained_variance", "d2_absolute_error_score"]
)
def test_one_sample_and_constant_targets(scoring):
    for rows in (X[:1], X[:5]):
        if not (scoring == "explained_variance" and len(rows) == 1):
            refused(MLPRegressor(scoring=scoring), "cannot score the", y, X_val=rows, y_val=np.full(len(rows), 2.0))
    quietly(MLPRegressor(scoring=scoring, max_iter=2).fit, X, y, X_val=X[:5], y_val=y[:5])


@pytest.mark.parametrize("scoring", ["roc_auc", "average_precision", "neg_log_loss"])
def test_one_class(scoring):
    refused(
        MLPClassifier(scoring=scoring), f"{scoring}' cannot score the 5 validation samples", labels, X_val=X[:5], y_val=np.zeros(5, int)
    )


def test_what_is_held_out_by_early_stopping():
    refused(MLPRegressor(early_stopping=True, scoring="r2"), "cannot score the 30 validation samples", np.ones(300))
    by_loss = MLPRegressor(early_stopping=True, max_iter=5)
    quietly(by_loss.fit, X, np.ones(300))
    assert by_loss.best_validation_score_ == -min(by_loss.validation_loss_curve_)
    rare = (np.arange(300) == 7).astype(int)
    with pytest.raises(ValueError, match="least populated class"):
        MLPClassifier(early_stopping=True, scoring="roc_auc").fit(X, rare)


def test_a_function_that_gives_no_number():
    def undefined(estimator, X, y):
        return float("nan")

    refused(MLPRegressor(scoring=undefined), "it is NaN", y, X_val=X[:5], y_val=y[:5])


@pytest.mark.parametrize("scoring", [*names("metrics"), *get_scorer_names()])
def test_every_score_is_a_number_or_refused_before_training(scoring):
    """Every metric of the registry and every scorer of scikit-learn gives a number or is refused before training, also for one class."""
    for cls, target, degenerate in ((MLPRegressor, y, np.full(4, 3.0)), (MLPClassifier, labels, np.ones(4, int))):
        for X_val, y_val in ((X[:40], target[:40]), (X[:4], degenerate), (X[:1], target[:1])):
            model = cls(hidden_layer_sizes=(4,), scoring=scoring, max_iter=2)
            try:
                quietly(model.fit, X[:60], target[:60], X_val=X_val, y_val=y_val)
            except (NNCoreError, TypeError, ValueError):
                assert not hasattr(model, "network_")
            else:
                assert len(model.validation_scores_) == 2
                assert not np.isnan(model.validation_scores_).any()


# ---- directions -------------------------------------------------------------------------------------------------------------------


def my_error(estimator, X, y):
    return np.abs(estimator.predict(X) - y).max()


def neg_error(estimator, X, y):
    return -my_error(estimator, X, y)


def test_a_scorer_by_the_name_of_an_error():
    with pytest.raises(ParameterError, match="return the negative, and call it neg_my_error"):
        MLPRegressor(scoring=my_error).fit(X, y)
    with pytest.raises(ParameterError, match=r"make_scorer\(mean_absolute_error\)"):
        MLPRegressor(scoring=mean_absolute_error).fit(X, y)
    for scoring in (neg_error, make_scorer(mean_absolute_error, greater_is_better=False)):
        model = MLPRegressor(scoring=scoring, **FAST | {"max_iter": 5})
        quietly(model.fit, X[:200], y[:200], X_val=X[200:], y_val=y[200:])
        assert max(model.validation_scores_) < 0


def thing(output, target, sample_weight):
    return float(np.abs(output - target).max())


def test_a_metric_without_direction():
    with pytest.raises(ParameterError, match="whether larger or smaller values of 'thing' are better"):
        MLPRegressor(scoring=nn.FunctionMetric(thing)).fit(X, y)
    model = MLPRegressor(scoring=nn.FunctionMetric(thing, higher_is_better=False), **FAST | {"max_iter": 5})
    quietly(model.fit, X[:200], y[:200], X_val=X[200:], y_val=y[200:])
    np.testing.assert_array_equal(model.validation_scores_, -model.history_["val_thing"])
