"""Targets of several columns, and losses with several outputs for each."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.metrics import d2_pinball_score, r2_score
from sklearn.model_selection import cross_val_score

from nncore.errors import DataError, ParameterError
from nncore.estimators import MLPRegressor

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

rng = np.random.default_rng(0)
X = rng.uniform(-2, 2, size=(600, 1))
noise = rng.normal(size=600) * (0.1 + 0.3 * (X[:, 0] > 0))
y = np.sin(2 * X[:, 0]) + noise
QUICK = {"hidden_layer_sizes": 30, "activation": "tanh", "random_state": 0, "max_iter": 100, "learning_rate_init": 0.02}


@pytest.mark.parametrize("loss", ["squared_error", "half_mse", "mse", "absolute_error", "mae", "huber", "quantile"])
def test_losses_of_one_output(loss):
    model = MLPRegressor(loss, **QUICK).fit(X, y)
    assert model.predict(X).shape == (600,)
    assert r2_score(y, model.predict(X)) > 0.8
    assert model.score(X, y) > 0.6


@pytest.mark.parametrize("sizes", [(32,), [32, 16], 32])
def test_sizes_of_layers_in_the_place_of_the_loss(sizes):
    with pytest.raises(ParameterError, match=r"by name: hidden_layer_sizes="):
        MLPRegressor(sizes).fit(X, y)


def test_a_function_as_loss():
    def log_cosh(output, target):
        return np.log(np.cosh(output - target)).sum(axis=1), np.tanh(output - target)

    model = MLPRegressor(log_cosh, **QUICK).fit(X, y)
    assert r2_score(y, model.predict(X)) > 0.8
    assert model.score(X, y) == pytest.approx(-log_cosh(model.predict(X)[:, None], y[:, None])[0].mean())


def test_several_quantiles_at_once():
    loss = {"name": "quantile", "quantiles": (0.1, 0.5, 0.9)}
    low, middle, high = MLPRegressor(loss, **QUICK).fit(X, y).predict(X).T
    assert np.mean(y < low) == pytest.approx(0.1, abs=0.06)
    assert np.mean(y < middle) == pytest.approx(0.5, abs=0.1)
    assert np.mean(y < high) == pytest.approx(0.9, abs=0.06)
    both = MLPRegressor(loss, **QUICK | {"max_iter": 2}).fit(X, np.column_stack([y, y]))
    assert both.predict(X).shape == (600, 2, 3)


def test_several_quantiles_have_one_score():
    rng = np.random.default_rng(0)
    quantiles = (0.1, 0.5, 0.9)
    model = MLPRegressor({"name": "quantile", "quantiles": quantiles}, **QUICK).fit(X, y)
    weights = rng.uniform(1, 2, size=len(y))
    outputs, in_order = (
        np.mean([d2_pinball_score(y, found[:, k], alpha=q, sample_weight=weights) for k, q in enumerate(quantiles)])
        for found in (model.network_.predict(X), model.predict(X))
    )
    assert model.score(X, y, weights) == pytest.approx(outputs)
    assert in_order >= outputs, "sorted quantiles are no worse"
    assert 0.1 < cross_val_score(model.set_params(max_iter=30), X, y, cv=2).mean() < 1
    both = model.fit(X, np.column_stack([y, -y]))
    assert 0.1 < both.score(X, np.column_stack([y, -y])) < 1


def test_deviations_are_learned():
    model = MLPRegressor("gaussian_nll", **QUICK).fit(X, y)
    mean, deviation = model.predict(X, return_std=True)
    np.testing.assert_array_equal(mean, model.predict(X))
    assert model.score(X, y) > 0.8
    assert np.median(deviation[X[:, 0] < -0.3]) == pytest.approx(0.1, rel=0.5)
    assert np.median(deviation[X[:, 0] > 0.3]) == pytest.approx(0.4, rel=0.5)
    two = MLPRegressor("gaussian_nll", **QUICK | {"max_iter": 2}).fit(X, np.column_stack([y, y]))
    assert [part.shape for part in two.predict(X, return_std=True)] == [(600, 2), (600, 2)]
    with pytest.raises(ParameterError, match="return_std=True needs a loss that learns deviations"):
        MLPRegressor(max_iter=1).fit(X, y).predict(X, return_std=True)


def test_counts():
    rng = np.random.default_rng(0)
    counts = rng.poisson(np.exp(np.sin(2 * X[:, 0])))
    model = MLPRegressor("poisson", **QUICK).fit(X, counts)
    np.testing.assert_allclose(model.predict(X), np.exp(np.sin(2 * X[:, 0])), rtol=0.6)
    with pytest.raises(DataError, match=r"\[0, inf\)"):
        MLPRegressor("poisson").fit(X, y)


def test_several_targets():
    Y = np.column_stack([y, -y, 0 * y])
    model = MLPRegressor(**QUICK).fit(X, Y)
    assert model.predict(X).shape == (600, 3)
    assert model.n_outputs_ == 3
    with pytest.raises(DataError, match="y has 1 targets, this estimator was trained on 3"):
        model.partial_fit(X, y)


def test_a_loss_of_classes():
    with pytest.raises(ParameterError, match="MLPClassifier"):
        MLPRegressor("softmax_cross_entropy").fit(X, y)
