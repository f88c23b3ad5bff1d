"""Half the Poisson deviance."""

from __future__ import annotations

import numpy as np
import pytest
from losses.training import minimised, one_hot
from sklearn.metrics import mean_absolute_error, mean_poisson_deviance
from sklearn.neural_network._base import LOSS_FUNCTIONS

import nncore as nn
from nncore.errors import DataError, NonFiniteError
from nncore.losses.poisson import Poisson


def test_closed_form() -> None:
    """Values for rates of 1 and 4 and counts of 0 and 2: 1 and 4 − 2 + 2 log(2/4)."""
    z, target = np.log([[1.0, 4.0]]), np.array([[0.0, 2.0]])
    np.testing.assert_allclose(Poisson().forward(z, target), [1 + 2 - 2 * np.log(2)], rtol=1e-15)
    np.testing.assert_allclose(Poisson().backward(z, target), [[1, 2]], rtol=1e-15)
    np.testing.assert_allclose(Poisson().forward(np.log([[3.0, 5.0]]), np.array([[3.0, 5.0]])), 0, atol=1e-14)


@pytest.mark.parametrize("n_outputs", [1, 3])
def test_has_the_values_of_scikit_learns_regressor(n_outputs: int) -> None:
    rng = np.random.default_rng(0)
    z, target = rng.normal(size=(50, n_outputs)), rng.poisson(2.0, (50, n_outputs)).astype(float)
    value = Poisson().forward(z, target).mean()
    np.testing.assert_allclose(value, LOSS_FUNCTIONS["poisson"](target, np.exp(z)), rtol=1e-13)
    if n_outputs == 1:
        np.testing.assert_allclose(value, mean_poisson_deviance(target, np.exp(z)) / 2, rtol=1e-13)


def test_finds_the_rate_of_each_group() -> None:
    """Training finds each group's mean count; a group with no counts has a rate of almost 0."""
    rng = np.random.default_rng(1)
    groups = np.repeat([0, 1, 2], 100)
    counts = rng.poisson(np.array([0.5, 7.0, 0.0])[groups])
    X = one_hot(groups)
    net = minimised("poisson", X, counts, 1)
    rates = [counts[groups == group].mean() for group in (0, 1)]
    np.testing.assert_allclose(net.predict(np.eye(3)[:2])[:, 0], np.log(rates), atol=1e-6)
    np.testing.assert_allclose(net.predict_proba(np.eye(3)[:2])[:, 0], rates, atol=1e-6)
    assert net.predict_proba(np.eye(3))[2, 0] < 1e-2
    scores = net.evaluate(X, counts)
    np.testing.assert_allclose(scores["mae"], mean_absolute_error(counts, net.predict_proba(X)), rtol=1e-12)


def test_negative_counts_are_refused() -> None:
    with pytest.raises(DataError, match=r"y is -1.* at row 2; Poisson\(\) takes targets in \[0, inf\)"):
        nn.Sequential(nn.Dense(1)).fit(np.zeros((3, 2)), np.array([0, 1, -1]), loss="poisson")


def test_a_rate_that_overflows_stops_training() -> None:
    net = nn.Sequential(nn.Dense(1, weight_initializer={"name": "constant", "value": 1.0}))
    with pytest.raises(NonFiniteError, match="loss"):
        net.fit(np.full((4, 1), 1e3), np.ones(4), loss="poisson", progress=False)
    assert net.parameters[0] == 1
