"""Logistic regression by gradient descent against closed forms, scikit-learn's solver and the equations of the optimum."""

from __future__ import annotations

import _thread
import threading

import numpy as np
import pytest
from hypothesis import assume, given, settings, strategies as st
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import log_loss
from sklearn.preprocessing import StandardScaler

from nncore.errors import ConvergenceWarning, ParameterError, UnknownComponentError
from nncore.estimators import LogisticNeuron, MPNeuron
from nncore.optimizers.sgd import SGD


def overlapping(seed=0, n_samples=400, n_features=4, noise=1.0):
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n_samples, n_features)) @ rng.normal(size=(n_features, n_features))
    signal = X @ rng.normal(size=n_features)
    return X, (signal / signal.std() + noise * rng.logistic(size=n_samples) > 0).astype(int)


# --- the optimum ------------------------------------------------------------------------------------------------------


def test_closed_form_of_one_binary_feature():
    # P(1) is 1/4 where x = 0 and 3/4 where x = 1, and the log odds are -log 3 and log 3.
    X, y = [[0]] * 4 + [[1]] * 4, [0, 0, 0, 1, 0, 1, 1, 1]
    model = LogisticNeuron().fit(X, y)
    assert model.converged_
    np.testing.assert_allclose([model.coef_[0, 0], model.intercept_[0]], [2 * np.log(3), -np.log(3)], atol=1e-5)
    np.testing.assert_allclose(model.predict_proba([[0], [1]]), [[0.75, 0.25], [0.25, 0.75]], atol=1e-6)


def test_features_that_do_not_vary_get_no_weight():
    model = LogisticNeuron().fit(np.full((10, 2), 0.1), [1, 1, 1, 0, 0, 0, 0, 0, 0, 0])
    assert model.coef_.tolist() == [[0, 0]]
    np.testing.assert_allclose(model.intercept_, np.log(3 / 7), atol=1e-5)


def test_equal_features_share_their_weight():
    X, y = overlapping(n_features=1)
    one, two = LogisticNeuron().fit(X, y), LogisticNeuron().fit(np.column_stack([X, X]), y)
    np.testing.assert_allclose(two.coef_, one.coef_ * [[0.5, 0.5]], rtol=1e-10)


@pytest.mark.parametrize(
    ("scale", "offset"), [(1, 0), ([1, 1e4, 1e-4, 1e9], [0, 1e5, 1, -3e9])], ids=["features of one scale", "scales apart and offsets"]
)
@pytest.mark.parametrize("n_features", [1, 4])
@pytest.mark.parametrize("seed", range(3))
def test_same_optimum_as_scikit_learn(seed, n_features, scale, offset):
    X, y = overlapping(seed, n_features=4)
    X = (X * scale + offset)[:, :n_features]
    model = LogisticNeuron().fit(X, y)
    scaler = StandardScaler().fit(X)
    reference = LogisticRegression(C=np.inf, solver="newton-cholesky", tol=1e-12).fit(scaler.transform(X), y)
    assert model.converged_
    np.testing.assert_allclose(model.coef_ * scaler.scale_, reference.coef_, atol=1e-4)
    np.testing.assert_allclose(model.decision_function(X), reference.decision_function(scaler.transform(X)), atol=1e-4)


@settings(deadline=None, max_examples=30)
@given(st.integers(0, 2**32), st.integers(1, 8), st.floats(0.3, 3))
def test_optimum_has_no_gradient(seed, n_features, noise):
    X, y = overlapping(seed, 300, n_features, noise)
    assume(0.05 < y.mean() < 0.95)
    model = LogisticNeuron().fit(X, y)
    residual = model.predict_proba(X)[:, 1] - y
    assert abs(residual.mean()) < 1e-6
    # The stopping rule bounds the gradient in decorrelated coordinates; there are at most 8 of them.
    assert np.abs(StandardScaler().fit_transform(X).T @ residual / len(y)).max() < 1e-6


@pytest.mark.parametrize("scale", [1e-300, 1e-120, 1e120])
def test_extreme_scales(scale):
    X, y = overlapping()
    reference, model = LogisticNeuron().fit(X, y), LogisticNeuron().fit(X * scale, y)
    np.testing.assert_allclose(model.decision_function(X * scale), reference.decision_function(X), rtol=1e-6, atol=1e-6)


# --- prediction -------------------------------------------------------------------------------------------------------


def test_is_an_mp_neuron_with_a_sigmoid():
    X, y = overlapping()
    model = LogisticNeuron().fit(X, np.where(y == 1, "yes", "no"))
    neuron = MPNeuron(model.coef_, model.intercept_[0], "sigmoid")
    probability = neuron.predict(X)
    np.testing.assert_allclose(model.predict_proba(X)[:, 1], probability, rtol=1e-12)
    np.testing.assert_array_equal(model.predict(X), np.where(probability > 0.5, "yes", "no"))
    np.testing.assert_array_equal(model.decision(X), model.decision_function(X))


def test_a_score_of_zero_is_the_first_class():
    model = LogisticNeuron().fit(*overlapping(n_features=1))
    model.coef_[:], model.intercept_[:] = 1, 0
    assert model.predict([[0.0], [1e-300]]).tolist() == [0, 1]


def test_probabilities_keep_their_digits_in_the_tails():
    model = LogisticNeuron().fit(*overlapping(n_features=1))
    model.coef_[:], model.intercept_[:] = 1, 0
    probabilities = model.predict_proba([[50.0], [-50.0], [1e6], [-1e6]])
    np.testing.assert_allclose(probabilities[:2, 0], [np.exp(-50.0), 1], rtol=1e-12)
    np.testing.assert_allclose(probabilities[:2, 1], [1, np.exp(-50.0)], rtol=1e-12)
    assert probabilities[2:].tolist() == [[0, 1], [1, 0]]


# --- training ---------------------------------------------------------------------------------------------------------


def test_loss_curve():
    X, y = overlapping()
    model = LogisticNeuron().fit(X, y)
    assert len(model.loss_curve_) == model.n_iter_ < 1000
    np.testing.assert_allclose(model.loss_curve_[0], np.log(2), rtol=1e-12)  # all weights are zero
    np.testing.assert_allclose(model.loss_curve_[-1], log_loss(y, model.predict_proba(X)), rtol=1e-10)


@pytest.mark.parametrize("seed", range(5))
def test_a_learning_rate_of_four_never_overshoots(seed):
    X, y = overlapping(seed, noise=0.3)
    model = LogisticNeuron(optimizer=SGD(lr=4.0), tol=1e-5).fit(X, y)
    assert (np.diff(model.loss_curve_) <= 1e-15).all()


@pytest.mark.parametrize("optimizer", ["adam", {"name": "momentum", "lr": 0.5}, SGD(lr=2.0)])
def test_any_optimizer(optimizer):
    X, y = overlapping()
    model = LogisticNeuron(20_000, optimizer=optimizer, tol=1e-6).fit(X, y)
    assert model.converged_
    np.testing.assert_allclose(model.coef_, LogisticNeuron().fit(X, y).coef_, rtol=1e-3)


def test_mini_batches_come_near_the_optimum():
    X, y = overlapping(n_samples=2000)
    best = LogisticNeuron().fit(X, y).loss_curve_[-1]
    model = LogisticNeuron(30, batch_size=32, random_state=0).fit(X, y)
    assert (model.n_iter_, model.converged_) == (30, False)
    assert best <= log_loss(y, model.predict_proba(X)) < 1.01 * best
    twin, other = (LogisticNeuron(30, batch_size=32, random_state=state).fit(X, y) for state in (0, 1))
    assert twin.coef_.tobytes() == model.coef_.tobytes() != other.coef_.tobytes()


@pytest.mark.parametrize("batch_size", [1, 7, 399])
def test_default_learning_rate_suits_any_batch(batch_size):
    X, y = overlapping(n_features=20)
    model = LogisticNeuron(30, batch_size=batch_size, random_state=0).fit(X, y)
    assert log_loss(y, model.predict_proba(X)) < 1.2 * LogisticNeuron().fit(X, y).loss_curve_[-1]


def test_a_batch_larger_than_the_data_is_full():
    X, y = overlapping()
    assert LogisticNeuron(batch_size=10**6).fit(X, y).coef_.tobytes() == LogisticNeuron().fit(X, y).coef_.tobytes()


def test_too_few_epochs():
    with pytest.warns(ConvergenceWarning, match="after 3 epochs: raise max_epochs or tol"):
        model = LogisticNeuron(3).fit(*overlapping())
    assert (model.n_iter_, len(model.loss_curve_), model.converged_) == (3, 3, False)


def test_classes_that_a_hyperplane_separates():
    with pytest.warns(ConvergenceWarning, match="a hyperplane separates the classes"):
        model = LogisticNeuron(100).fit([[0.0], [1.0], [2.0], [3.0]], [0, 0, 1, 1])
    assert model.predict([[0.0], [3.0]]).tolist() == [0, 1]


def test_more_features_than_samples():
    X = np.random.default_rng(0).normal(size=(10, 50))
    with pytest.warns(ConvergenceWarning, match="separates"):
        model = LogisticNeuron(100).fit(X, np.arange(10) % 2)
    assert model.coef_.shape == (1, 50)
    assert model.score(X, np.arange(10) % 2) == 1


@pytest.mark.parametrize(
    "parameters", [{"max_epochs": 0}, {"batch_size": 0}, {"batch_size": 1.5}, {"tol": -1.0}, {"tol": np.nan}, {"tol": "no"}]
)
def test_parameters_out_of_range(parameters):
    with pytest.raises(ParameterError, match=next(iter(parameters))):
        LogisticNeuron(**parameters).fit(*overlapping())


def test_unknown_optimizer():
    with pytest.raises(UnknownComponentError, match="adamm"):
        LogisticNeuron(optimizer="adamm").fit(*overlapping())


def test_interrupt_ends_the_fit():
    model = LogisticNeuron(max_epochs=10**9, tol=0.0)
    X, y = overlapping()
    timer = threading.Timer(0.1, _thread.interrupt_main)
    with pytest.raises(KeyboardInterrupt):  # noqa: PT012 (the interrupt may come as soon as the timer runs)
        timer.start()
        try:
            model.fit(X, y)
        finally:
            timer.cancel()
    assert not hasattr(model, "coef_")
