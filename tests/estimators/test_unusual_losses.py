"""Losses with their own decision rule, with a final activation, or with more target columns than outputs."""

from __future__ import annotations

import numpy as np
import pytest
from losses.cox import Cox, partial_likelihood
from losses.ordinal import Ordinal
from sklearn.base import clone
from sklearn.metrics import d2_tweedie_score
from sklearn.model_selection import cross_val_score

from nncore.errors import ParameterError
from nncore.estimators import MLPClassifier, MLPRegressor
from nncore.plugin import Loss

QUICK = {"hidden_layer_sizes": (16,), "solver": "adam", "learning_rate_init": 0.02, "max_iter": 60, "random_state": 0, "tol": 0.0}

X = np.random.default_rng(0).normal(size=(200, 3))
GRADES = np.array(["1 low", "2 fair", "3 good", "4 high"])
grade = GRADES[np.digitize(X[:, 0] + 0.5 * X[:, 1], [-0.8, 0.0, 0.8])]

pytestmark = pytest.mark.filterwarnings("ignore:Stochastic Optimizer")


class Gamma(Loss):
    """Deviance of positive values from positive means."""

    output_domain = "positive"
    judge = {"name": "d2_tweedie", "power": 2.0}

    def forward(self, output: np.ndarray, target: np.ndarray) -> np.ndarray:
        return (target / output + np.log(output)).sum(axis=1)

    def backward(self, output: np.ndarray, target: np.ndarray) -> np.ndarray:
        return (1 - target / output) / output


def test_a_loss_with_an_output_for_each_threshold_classifies() -> None:
    model = MLPClassifier(**QUICK, loss=Ordinal()).fit(X, grade)
    assert model.n_outputs_ == 3
    assert model.score(X, grade) > 0.85
    assert set(model.predict(X)) == set(GRADES)
    assert not hasattr(model, "predict_proba")
    kept = MLPClassifier(**QUICK, loss=Ordinal(), early_stopping=True).fit(X, grade)
    assert -1 < kept.best_validation_score_ == -min(kept.validation_loss_curve_)
    two = MLPClassifier(**QUICK, loss=Ordinal()).fit(X, X[:, 0] > 0)
    assert two.n_outputs_ == 1
    assert two.score(X, X[:, 0] > 0) > 0.9


@pytest.mark.parametrize("labels", [grade, X[:, 0] > 0], ids=["four", "two"])
def test_cross_entropy_of_probabilities_gets_its_softmax(labels: np.ndarray) -> None:
    model = MLPClassifier(**QUICK, loss="cross_entropy").fit(X, labels)
    twin = MLPClassifier(**QUICK, loss="softmax_cross_entropy").fit(X, labels)
    assert model.out_activation_ == twin.out_activation_ == "softmax"
    np.testing.assert_allclose(model.predict_proba(X), twin.predict_proba(X), atol=1e-6)
    assert model.score(X, labels) > 0.9
    np.testing.assert_allclose(model.network_.predict(X).sum(axis=1), 1)


def test_cross_entropy_refuses_what_is_no_class() -> None:
    with pytest.raises(ParameterError, match="y is multilabel"):
        MLPClassifier(loss="cross_entropy").fit(X, np.column_stack([X[:, 0] > 0, X[:, 1] > 0]).astype(int))
    with pytest.raises(ParameterError, match="is for classes"):
        MLPRegressor("cross_entropy").fit(X, X[:, 0])


def test_a_loss_of_positive_numbers_gets_them() -> None:
    mean = np.exp(0.5 * X[:, 0])
    model = MLPRegressor(Gamma(), **{**QUICK, "max_iter": 150}).fit(X, mean)
    assert not hasattr(model, "out_activation_")  # scikit-learn has no softplus
    assert model.predict(X).min() > 0
    assert model.score(X, mean) == pytest.approx(d2_tweedie_score(mean, model.predict(X), power=2))
    assert model.score(X, mean) > 0.9


def test_a_survival_loss_has_fewer_outputs_than_targets() -> None:
    rng = np.random.default_rng(1)
    y = np.column_stack([rng.exponential(np.exp(-X[:, 0])), rng.random(200) < 0.7]).astype(float)
    model = MLPRegressor(Cox(), **{**QUICK, "max_iter": 80}, batch_size=200).fit(X, y, sample_weight=np.ones(200))
    risk = model.predict(X)
    assert risk.shape == (200,)
    assert np.corrcoef(risk, X[:, 0])[0, 1] > 0.8
    assert model.n_outputs_ == 1
    assert model.score(X, y) == pytest.approx(-partial_likelihood(risk, y), rel=1e-9)
    assert np.isfinite(cross_val_score(clone(model).set_params(batch_size="auto"), X, y, cv=3)).all()
    by_lbfgs = MLPRegressor(Cox(), (4,), solver="lbfgs", alpha=0.01, max_iter=50, random_state=0)
    with pytest.warns(match="lbfgs failed to converge"):
        by_lbfgs.fit(X, y)
    assert np.corrcoef(by_lbfgs.predict(X), X[:, 0])[0, 1] > 0.8
    with pytest.raises(ParameterError, match="for 1 targets: it takes a y of 2 columns"):
        MLPRegressor(Cox()).fit(X, y[:, 0])
    kept = MLPRegressor(Cox(), **QUICK).fit(X[:150], y[:150], X_val=X[150:], y_val=y[150:])
    assert kept.validation_scores_[-1] == -kept.validation_loss_curve_[-1]


class Bins(Loss):
    """Bins of a survival time that counts only if its event was observed; the mean time is predicted."""

    def __init__(self, n_bins: int) -> None:
        self.n_bins = n_bins
        self.link = {"name": "softmax_heads", "n_classes": [n_bins]}

    def n_targets(self, n_outputs: int) -> int:
        if n_outputs != self.n_bins:
            raise ParameterError("another number of outputs is needed")
        return 2

    def decide(self, output: np.ndarray) -> np.ndarray:
        return output @ np.arange(self.n_bins)[:, None]

    def _wanted(self, target: np.ndarray) -> np.ndarray:
        return np.eye(self.n_bins)[np.clip(target[:, 0], 0, self.n_bins - 1).astype(int)] * target[:, 1:]

    def forward(self, output: np.ndarray, target: np.ndarray) -> np.ndarray:
        return target[:, 1] * np.log(np.exp(output).sum(axis=1)) - (self._wanted(target) * output).sum(axis=1)

    def backward(self, output: np.ndarray, target: np.ndarray) -> np.ndarray:
        e = np.exp(output)
        return target[:, 1:] * e / e.sum(axis=1, keepdims=True) - self._wanted(target)


@pytest.mark.parametrize("n_bins", [2, 3, 4])
def test_a_loss_that_predicts_no_targets_scores_itself(n_bins: int) -> None:
    rng = np.random.default_rng(1)
    y = np.column_stack([np.clip(X[:, 0] + 1.5, 0, 3), rng.random(200) < 0.7]).astype(float)
    model = MLPRegressor(Bins(n_bins), **QUICK).fit(X, y)
    assert model.n_outputs_ == n_bins
    assert model.predict(X).shape == (200,)
    assert np.corrcoef(model.predict(X), X[:, 0])[0, 1] > 0.8
    loss = model.network_.evaluate(X, y, metrics=[])["loss"]
    assert model.score(X, y) == pytest.approx(-loss, rel=1e-9)
    kept = MLPRegressor(Bins(n_bins), **QUICK, early_stopping=True).fit(X, y)
    assert kept.validation_scores_[-1] == -kept.validation_loss_curve_[-1]


def test_predictions_follow_the_loss_that_was_trained() -> None:
    model = MLPClassifier(**QUICK, loss=Ordinal()).fit(X, grade)
    before = model.predict(X)
    assert (model.set_params(loss="log_loss").predict(X) == before).all()
