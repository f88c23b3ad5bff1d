"""Half the Tweedie deviance: scikit-learn's values, targets of 0, and the minimum."""

from __future__ import annotations

import numpy as np
import pytest
from losses.training import minimised, one_hot
from sklearn.metrics import mean_tweedie_deviance

import nncore as nn
from nncore.errors import DataError, ParameterError
from nncore.losses.poisson import Poisson
from nncore.losses.tweedie import Tweedie
from nncore.testing.losses import Rung
from nncore.testing.twin import numpy_twin


def amounts(rng: np.random.Generator, n_rows: int) -> np.ndarray:
    """Sums of a Poisson number of gamma-distributed amounts; many are 0."""
    return np.array([rng.gamma(2.0, 1.0, n).sum() for n in rng.poisson(0.8, n_rows)])


@pytest.mark.parametrize("power", [1.01, 1.3, 1.5, 1.99])
def test_is_half_of_scikit_learns(power: float) -> None:
    rng = np.random.default_rng(0)
    z, y = rng.normal(0, 2, (60, 1)), amounts(rng, 60)[:, None]
    assert 0 < (y == 0).sum() < 60
    for loss in (Tweedie(power), numpy_twin(Tweedie(power))):
        value, _ = Rung(loss)(z, y, np.ones(60))
        np.testing.assert_allclose(value.mean(), mean_tweedie_deviance(y, np.exp(z), power=power) / 2, rtol=1e-11)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("power", [1.001, 1.5, 1.999])
def test_is_zero_where_the_prediction_is_right(dtype: type, power: float) -> None:
    """The loss is exactly 0 for right predictions, although its three terms are up to a thousand times as large as the target."""
    target = np.array([[1e-6], [0.3], [1.0], [7.0], [1e5]], dtype)
    for loss in (Tweedie(power), numpy_twin(Tweedie(power))):
        value, _ = Rung(loss)(np.log(target), target, np.ones(5, dtype))
        np.testing.assert_allclose(value, 0, atol=0.1 * np.finfo(dtype).eps * 1e5)


def test_towards_a_power_of_1_it_is_poisson() -> None:
    rng = np.random.default_rng(1)
    z, y = rng.normal(size=(20, 2)), rng.poisson(2, (20, 2)).astype(float)
    np.testing.assert_allclose(Tweedie(1 + 1e-9).forward(z, y), Poisson().forward(z, y), atol=1e-6)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_targets_of_zero_and_far_predictions_are_finite(dtype: type) -> None:
    z, target = np.array([[80.0], [-80.0], [-80.0], [80.0], [-300.0]], dtype), np.array([[0], [0], [1e-30], [1e-30], [0]], dtype)
    for loss in (Tweedie(1.9), numpy_twin(Tweedie(1.9))):
        value, d_z = Rung(loss)(z, target, np.ones(5, dtype))
        assert np.isfinite(value).all()
        assert np.isfinite(d_z).all()
        assert (value >= 0).all()


@pytest.mark.parametrize("power", [1, 2, 0.5, np.nan, "1.5"])
def test_power_is_checked(power: object) -> None:
    with pytest.raises(ParameterError, match=r"power must be a number in \(1, 2\)"):
        Tweedie(power)  # type: ignore[arg-type]


def test_finds_the_mean_of_each_group_and_weighs_by_exposure() -> None:
    """Training finds each group's rate: all amounts divided by all exposures, which are the weights."""
    rng = np.random.default_rng(2)
    groups, exposure = np.repeat([0, 1], 100), rng.uniform(0.2, 3, 200)
    y = amounts(rng, 200) * (1 + groups)
    plain = minimised("tweedie", one_hot(groups), y, 1)
    np.testing.assert_allclose(plain.predict_proba(np.eye(2))[:, 0], [y[groups == g].mean() for g in (0, 1)], rtol=1e-5)
    net = nn.Sequential(nn.Dense(1, use_bias=False))
    settings = {"batch_size": 200, "shuffle": False, "rng": 0, "dtype": "float64", "progress": False, "schedule": "cosine"}
    net.fit(one_hot(groups), y / exposure, sample_weight=exposure, loss="tweedie", optimizer=nn.Adam(lr=0.05), epochs=2000, **settings)
    expected = [y[groups == g].sum() / exposure[groups == g].sum() for g in (0, 1)]
    np.testing.assert_allclose(net.predict_proba(np.eye(2))[:, 0], expected, rtol=1e-5)


def test_negative_amounts_are_refused() -> None:
    with pytest.raises(DataError, match=r"y is -1.* at row 2; Tweedie\(power=1.5\) takes targets in \[0, inf\)"):
        nn.Sequential(nn.Dense(1)).fit(np.zeros((3, 2)), np.array([0, 1, -1]), loss="tweedie")
