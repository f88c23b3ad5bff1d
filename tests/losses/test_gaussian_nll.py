"""A mean and a variance for each target."""

from __future__ import annotations

import math

import numpy as np
import pytest
from losses.training import minimised, one_hot
from scipy.stats import norm

import nncore as nn
from nncore.errors import ParameterError, ShapeError
from nncore.losses.gaussian_nll import GaussianNLL
from nncore.testing.losses import Rung


def test_is_the_likelihood_but_for_its_constant() -> None:
    """The loss is the negative log-likelihood except for its constant; outputs are both means, then both log-variances."""
    rng = np.random.default_rng(0)
    output, target = rng.normal(size=(9, 4)), rng.normal(size=(9, 2))
    likelihood = norm.logpdf(target, output[:, :2], np.exp(output[:, 2:] / 2)).mean(axis=1)
    np.testing.assert_allclose(GaussianNLL().forward(output, target), -likelihood - math.log(2 * math.pi) / 2, rtol=1e-13)


def test_below_the_smallest_variance() -> None:
    """Below the smallest variance the loss is that of the smallest variance, and the gradient leads back above it."""
    loss, target = GaussianNLL(min_variance=0.25), np.array([[1.0], [1.0]])
    output = np.array([[3.0, math.log(0.01)], [3.0, math.log(0.25)]])
    for rung in (loss.forward(output, target), Rung(loss)(output, target, np.ones(2))[0]):
        np.testing.assert_allclose(rung, (math.log(0.25) + 4 / 0.25) / 2, rtol=1e-15)
    for rung in (loss.backward(output, target), Rung(loss)(output, target, np.ones(2))[1]):
        np.testing.assert_allclose(rung, [[8, 0.04 * (1 - 16) / 2], [8, (1 - 16) / 2]], rtol=1e-14)


def test_exact_predictions_do_not_lead_to_infinity() -> None:
    """Exact predictions do not diverge: for constant targets the variance falls to about the smallest one."""
    X, y = np.ones((10, 1)), np.full(10, 2.0)
    net = minimised(GaussianNLL(min_variance=1e-4), X, y, 2)
    mean, log_variance = net.predict(X[:1])[0]
    assert abs(mean - 2) < 1e-3
    assert math.log(1e-4) - 5 < log_variance < math.log(1e-4) + 0.5


def test_finds_mean_and_variance_of_each_group() -> None:
    rng = np.random.default_rng(1)
    groups = np.repeat([0, 1], 200)
    y = np.column_stack([rng.normal(groups * 3, 0.2 + groups), rng.normal(-1, 0.5, 400)])
    output = minimised("gaussian_nll", one_hot(groups), y, 4).predict(np.eye(2))
    for group in (0, 1):
        np.testing.assert_allclose(output[group, :2], y[groups == group].mean(axis=0), atol=1e-4)
        np.testing.assert_allclose(np.exp(output[group, 2:]), y[groups == group].var(axis=0), rtol=1e-3)


def test_a_network_knows_where_it_is_unsure() -> None:
    rng = np.random.default_rng(2)
    x = rng.uniform(-1, 1, 4000)
    spread = np.where(x < 0, 0.1, 0.6)
    net = nn.Sequential(nn.Dense(32, activation="tanh"), nn.Dense(2))
    settings = {"optimizer": nn.Adam(lr=0.01), "schedule": "cosine", "epochs": 60, "rng": 0, "progress": False}
    net.fit(x[:, None], np.sin(3 * x) + rng.normal(0, spread), loss="gaussian_nll", **settings)
    points = np.array([-0.8, -0.4, 0.4, 0.8])
    mean, log_variance = net.predict(points[:, None]).T
    np.testing.assert_allclose(mean, np.sin(3 * points), atol=0.15)
    np.testing.assert_allclose(np.exp(log_variance / 2), [0.1, 0.1, 0.6, 0.6], rtol=0.2)


def test_an_odd_number_of_outputs_is_refused() -> None:
    with pytest.raises(ShapeError, match="even number of outputs, got 3"):
        nn.Sequential(nn.Dense(3)).fit(np.zeros((5, 2)), np.zeros(5), loss="gaussian_nll")
    with pytest.raises(ParameterError, match="min_variance"):
        GaussianNLL(min_variance=0)
