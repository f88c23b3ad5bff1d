"""A linear model with `soft_threshold` has the solution of scikit-learn's Lasso; with `l1` its solution is close."""

from __future__ import annotations

import numpy as np
import pytest

import nncore as nn

pytest.importorskip("sklearn")
from sklearn.linear_model import ElasticNet, Lasso

RNG = np.random.default_rng(7)
X = RNG.normal(size=(80, 12))
Y = X @ np.where(np.arange(12) % 3 == 0, RNG.normal(size=12), 0) + 0.3 * RNG.normal(size=80) + 1


def fitted(*, epochs: int = 4000, **rules: object) -> np.ndarray:
    """Weights of a linear model trained on all samples at once; scikit-learn's loss is ½·mse."""
    net = nn.Sequential(nn.Dense(1, **rules))  # type: ignore[arg-type]
    settings = {"batch_size": len(X), "shuffle": False, "rng": 0, "dtype": "float64", "progress": False}
    net.fit(X, Y, loss="half_mse", optimizer=nn.SGD(lr=0.1), epochs=epochs, **settings)  # type: ignore[arg-type]
    return net.named_parameters()["dense_1.weight"][:, 0]


@pytest.mark.parametrize("alpha", [0.03, 0.2, 0.6])
def test_soft_threshold_is_lasso(alpha: float) -> None:
    expected = Lasso(alpha=alpha, tol=1e-14, max_iter=100_000).fit(X, Y).coef_
    found = fitted(weight_constraint=nn.SoftThreshold(alpha))
    np.testing.assert_allclose(found, expected, atol=1e-10)
    np.testing.assert_array_equal(found == 0, expected == 0)
    assert 0 < (found == 0).sum() < 12


def test_l1_comes_near_without_zeros() -> None:
    expected = Lasso(alpha=0.2, tol=1e-14, max_iter=100_000).fit(X, Y).coef_
    found = fitted(weight_regularizer=nn.L1(0.2))
    np.testing.assert_allclose(found, expected, atol=2 * 0.1 * 0.2)  # steps of lr·λ oscillate around 0
    assert (found != 0).all()


def test_with_l2_it_is_the_elastic_net() -> None:
    expected = ElasticNet(alpha=0.4, l1_ratio=0.5, tol=1e-14, max_iter=100_000).fit(X, Y).coef_
    found = fitted(weight_constraint=nn.SoftThreshold(0.2), weight_regularizer=nn.L2(0.2))
    np.testing.assert_allclose(found, expected, atol=1e-10)
