"""Scaled targets, as networks get them, and the inverse."""

from __future__ import annotations

import numpy as np
import pytest

from nncore.ensembles.target_scale import TargetScale, TargetStatistics
from nncore.errors import DataError
from nncore.estimators.real_targets import RealTargets
from nncore.registry import resolve


def fitted(y, loss, weights=None, clips=False):
    y = np.asarray(y, float)
    return TargetScale.fit(y, weights, resolve("losses", loss), RealTargets(y).n_outputs(resolve("losses", loss)), clips=clips)


def test_places_get_mean_0_and_deviation_1_by_weight():
    y, weights = np.array([[1.0, 10], [2, 20], [3, 90]]), np.array([2.0, 1, 1])
    scale = fitted(y, "half_mse", weights)
    seen = np.repeat(scale.transform(y), [2, 1, 1], axis=0)
    np.testing.assert_allclose(seen.mean(axis=0), 0, atol=1e-12)
    np.testing.assert_allclose(seen.std(axis=0), 1)
    np.testing.assert_allclose(scale.inverse(scale.transform(y), resolve("losses", "half_mse")), y)


def test_rates_get_mean_1():
    scale = fitted([0, 1, 5], "poisson")
    np.testing.assert_allclose(scale.transform(np.array([0.0, 1, 5])), [0, 0.5, 2.5])


def test_a_loss_of_a_bounded_range_keeps_its_targets():
    assert fitted([[0.0], [1.0]], "binary_cross_entropy") is None


def test_quantiles_of_several_targets_go_back_each_by_its_own():
    loss = resolve("losses", {"name": "quantile", "quantiles": (0.1, 0.9)})
    scale = fitted([[0.0, 0], [2, 200]], loss)
    np.testing.assert_allclose(scale.inverse(np.array([[-1.0, 1, -1, 1]]), loss), [[0, 2, 0, 200]])


def test_a_normal_distribution_goes_back_with_its_deviation():
    loss = resolve("losses", "gaussian_nll")
    scale = fitted([0.0, 20], loss)
    mean, log_variance = scale.inverse(np.array([[0.5, np.log(0.04)]]), loss)[0]
    assert (mean, np.exp(log_variance / 2)) == pytest.approx((15, 2))


def test_only_scales_of_the_loss_fit():
    of_places, of_rates, nll = fitted([0.0, 20], "half_mse"), fitted([0.0, 20], "poisson"), resolve("losses", "gaussian_nll")
    assert of_places.fits(nll)
    assert of_rates.fits(resolve("losses", "poisson"))
    assert not of_rates.fits(nll)


def test_numbers_too_large_are_named():
    with pytest.raises(DataError, match=r"^y holds numbers too large"):
        fitted([1e300, -1e300], "half_mse")
    with pytest.raises(DataError, match=r"^column 1 of y holds numbers too large"):
        fitted([[1, 1e300], [2, -1e300]], "half_mse")


def test_places_are_clipped_to_the_range_of_the_training():
    loss = resolve("losses", "half_mse")
    scale = fitted([1.0, 2, 3], "half_mse", clips=True)
    np.testing.assert_allclose(scale.inverse(np.array([[-9.0], [0], [9]]), loss).ravel(), [1, 2, 3])


@pytest.mark.parametrize("clips", [False, True])
@pytest.mark.parametrize("loss", ["half_mse", "poisson", "binary_cross_entropy"])
def test_blocks_teach_the_scale_of_any_loss(loss, clips):
    rng = np.random.default_rng(0)
    y, weights = rng.uniform(size=(900, 2)), rng.integers(0, 3, 900).astype(float)
    statistics = TargetStatistics(2)
    for start in range(0, 900, 70):
        rows = slice(start, start + 70)
        statistics.add(y[rows], weights[rows] / 2)
    expected = fitted(y, loss, weights, clips=clips)
    for _ in range(2):  # a second time, too
        found = statistics.scale(resolve("losses", loss), 2, clips=clips)
        assert (found is None) == (expected is None)
        assert found is None or found.chain == expected.chain
