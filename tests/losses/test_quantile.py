"""Pinball loss: several quantiles of several targets."""

from __future__ import annotations

import numpy as np
import pytest
from losses.training import minimised, one_hot
from sklearn.exceptions import ConvergenceWarning
from sklearn.metrics import mean_pinball_loss

import nncore as nn
from nncore.errors import ParameterError, ShapeError
from nncore.estimators import MLPRegressor
from nncore.losses.mae import MAE
from nncore.losses.quantile import Quantile
from nncore.testing.formulas import decided_by_formula


def test_closed_form() -> None:
    """Values for a target of 1, with one quantile too low by 1 and one too high by 2."""
    loss, output, target = Quantile((0.25, 0.75)), np.array([[0.0, 3.0]]), np.array([[1.0]])
    np.testing.assert_array_equal(loss.forward(output, target), [(0.25 * 1 + 0.25 * 2) / 2])
    np.testing.assert_array_equal(loss.backward(output, target), [[-0.125, 0.125]])
    np.testing.assert_array_equal(loss.backward(np.array([[1.0, 1.0]]), target), [[0, 0]])


def test_is_the_mean_of_scikit_learns() -> None:
    """The loss is the mean of scikit-learn's over 2 targets and 3 quantiles, those of the first target first."""
    rng, quantiles = np.random.default_rng(0), (0.1, 0.5, 0.9)
    output, target = rng.normal(size=(40, 6)), rng.normal(size=(40, 2))
    parts = [mean_pinball_loss(target[:, t], output[:, t * 3 + k], alpha=q) for t in range(2) for k, q in enumerate(quantiles)]
    np.testing.assert_allclose(Quantile(quantiles).forward(output, target).mean(), np.mean(parts), rtol=1e-14)


def test_the_median_is_half_the_absolute_error() -> None:
    output, target = np.random.default_rng(0).normal(size=(2, 9, 3))
    np.testing.assert_allclose(Quantile().forward(output, target), MAE().forward(output, target) / 2, rtol=1e-15)
    np.testing.assert_allclose(Quantile().backward(output, target), MAE().backward(output, target) / 2, rtol=1e-15)


@pytest.mark.parametrize(
    "quantiles", [(), 0, 1.0, (0.5, 1.0), (-0.1,), (0.5, np.nan), "median", None, ((0.1, 0.2), (0.3, 0.4)), [[0.1], [0.2, 0.3]]]
)
def test_quantiles_are_checked(quantiles: object) -> None:
    with pytest.raises(ParameterError, match=r"quantiles must be numbers in \(0, 1\)"):
        Quantile(quantiles)  # type: ignore[arg-type]


def test_quantiles_may_be_one_number_or_an_array() -> None:
    assert Quantile(0.9).quantiles == (0.9,)
    assert Quantile(np.array([0.1, 0.9])).config() == {"quantiles": (0.1, 0.9)}
    assert Quantile([0.1, 0.9]).hyper() == [0.1, 0.9]


def test_a_network_of_another_width_is_refused() -> None:
    with pytest.raises(ShapeError, match="3 quantiles need 3 outputs for each target, the network has 4"):
        nn.Sequential(nn.Dense(4)).fit(np.zeros((5, 2)), np.zeros(5), loss=nn.Quantile((0.1, 0.5, 0.9)))
    with pytest.raises(ShapeError, match=r"needs \(n_samples, 2\)"):
        nn.Sequential(nn.Dense(6)).fit(np.zeros((5, 2)), np.zeros((5, 6)), loss=nn.Quantile((0.1, 0.5, 0.9)))


def test_finds_the_quantiles_of_each_group() -> None:
    rng, quantiles = np.random.default_rng(2), (0.1, 0.5, 0.9)
    groups = np.repeat([0, 1], 501)
    y = np.where(groups == 0, rng.normal(0, 1, 1002), rng.exponential(2, 1002))
    output = minimised(Quantile(quantiles), one_hot(groups), y, 3).predict(np.eye(2))
    exact = [np.quantile(y[groups == group], quantiles) for group in (0, 1)]
    np.testing.assert_allclose(output, exact, atol=0.05)


def test_decided_quantiles_do_not_cross() -> None:
    """Predicted quantiles of each target do not cross, in whatever order the levels are given."""
    output = np.array([[3.0, 1.0, 2.0, 7.0, 9.0, 8.0]])
    np.testing.assert_array_equal(Quantile((0.1, 0.5, 0.9)).decide(output), [[1, 2, 3, 7, 8, 9]])
    np.testing.assert_array_equal(Quantile((0.9, 0.1, 0.5)).decide(output), [[3, 1, 2, 9, 7, 8]])
    assert Quantile(0.3).decide(output) is output
    rng, grid = np.random.default_rng(4), tuple((np.arange(19) + 1) / 20)
    output, target = rng.normal(size=(30, 38)), rng.normal(size=(30, 2))
    loss = Quantile(grid)
    decided = loss.decide(output)
    assert (np.diff(decided.reshape(30, 2, 19), axis=2) >= 0).all()
    assert (loss.forward(decided, target) <= loss.forward(output, target) + 1e-15).all(), "sorting never increases the loss"
    np.testing.assert_array_equal(decided_by_formula(loss, output), decided)


def test_an_estimator_predicts_them_in_order() -> None:
    """An estimator predicts quantiles in order, even with initial weights, whose outputs cross."""
    rng = np.random.default_rng(5)
    X, y = rng.normal(size=(50, 3)), rng.normal(size=(50, 2))
    model = MLPRegressor({"name": "quantile", "quantiles": (0.2, 0.5, 0.8)}, (8,), max_iter=1, learning_rate_init=1e-9, random_state=0)
    with pytest.warns(ConvergenceWarning):
        model.fit(X, y)
    assert (np.diff(model.network_.predict(X).reshape(50, 2, 3), axis=2) < 0).any()
    assert (np.diff(model.predict(X), axis=2) >= 0).all()


def test_a_network_covers_as_many_as_it_says() -> None:
    """The outer quantiles contain four fifths of new samples everywhere, although the noise grows with x."""
    rng = np.random.default_rng(3)

    def sample(n: int) -> tuple[np.ndarray, np.ndarray]:
        x = rng.uniform(0, 1, n)
        return x[:, None], np.sin(4 * x) + rng.normal(0, 0.1 + x)

    X, y = sample(4000)
    net = nn.Sequential(nn.Dense(32, activation="tanh"), nn.Dense(3))
    net.fit(X, y, loss=nn.Quantile((0.1, 0.5, 0.9)), optimizer=nn.Adam(lr=0.01), schedule="cosine", epochs=60, rng=0, progress=False)
    X, y = sample(4000)
    output = net.predict(X)
    for part in (X[:, 0] < 0.5, X[:, 0] >= 0.5):
        np.testing.assert_allclose((y[part, None] <= output[part]).mean(axis=0), [0.1, 0.5, 0.9], atol=0.04)
