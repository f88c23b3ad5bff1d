"""Rates that ensembles predict for the training samples sum to the targets, as in a linear Poisson regression."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from nncore.estimators import RealMLPRegressor, TabMRegressor
from nncore.plugin import Loss

N = 300
X = np.random.default_rng(0).normal(size=(N, 2)).astype(np.float32)
EXPOSURE = np.random.default_rng(1).uniform(0.2, 3, N)
COUNTS = np.random.default_rng(2).poisson(EXPOSURE * np.exp(X[:, 0] - 2)).astype(float)
QUICK: dict[str, Any] = {"hidden_layer_sizes": (8,), "max_iter": 16, "random_state": 0, "n_threads": 1}
TWEEDIE = {"name": "tweedie", "power": 1.3}


class HalfPoisson(Loss):
    """A loss that is not built in."""

    target_range = "[0, inf)"
    link = "exp"
    output_domain = "logits"
    predicts_rates = True

    def forward(self, output: np.ndarray, target: np.ndarray) -> np.ndarray:
        return 0.5 * (np.exp(output) - target * output).sum(axis=1)

    def backward(self, output: np.ndarray, target: np.ndarray) -> np.ndarray:
        return 0.5 * (np.exp(output) - target)


@pytest.mark.parametrize("loss", ["poisson", TWEEDIE, HalfPoisson()], ids=str)
@pytest.mark.parametrize(
    "model",
    [
        *(RealMLPRegressor(preset, **QUICK, n_cv=1, n_refit=1) for preset in ("td", "td-s", "fast")),
        RealMLPRegressor("fast", **QUICK, n_cv=1, n_ens=2, n_refit=2),
        RealMLPRegressor("td-s", **QUICK, n_refit=1, tune=2),
        TabMRegressor(**QUICK, n_members=3, n_refit=1),
    ],
    ids=repr,
)
def test_rates_add_up_to_the_targets(model: Any, loss: Any) -> None:
    """Predicted rates sum to the targets, exactly here, since after `n_refit` all samples belong to one fold."""
    model.set_params(loss=loss).fit(X, COUNTS, exposure=EXPOSURE)
    assert model.predict(X).std() > 0
    assert model.predict(X, exposure=EXPOSURE).sum() == pytest.approx(COUNTS.sum(), rel=1e-5)


def test_each_target_adds_up_with_its_weights() -> None:
    y, weights = np.column_stack([COUNTS, 100 * np.exp(X[:, 1])]), np.random.default_rng(3).uniform(0, 2, N)
    model = RealMLPRegressor("td-s", **QUICK, n_refit=1, loss="poisson").fit(X, y, weights)
    np.testing.assert_allclose(weights @ model.predict(X), weights @ y, rtol=1e-5)


def test_samples_that_are_read_in_blocks(tmp_path: Path) -> None:
    features, path = pd.DataFrame(X, columns=["a", "b"]), tmp_path / "policies.parquet"
    features.assign(claims=COUNTS / EXPOSURE, years=EXPOSURE).to_parquet(path)
    model = RealMLPRegressor("td-s", **QUICK, n_refit=1, loss="poisson").fit(path, "claims", "years")
    assert model.predict(features, exposure=EXPOSURE).sum() == pytest.approx(COUNTS.sum(), rel=1e-5)


def test_without_any_count_rates_stay_small() -> None:
    model = RealMLPRegressor("td-s", **QUICK, loss="poisson").fit(X, np.zeros(N))
    assert np.isfinite(model.predict(X)).all()


def test_other_losses_are_left_alone() -> None:
    model = RealMLPRegressor("td-s", **QUICK, n_refit=1).fit(X, COUNTS)
    assert model.predict(X).sum() != pytest.approx(COUNTS.sum(), rel=1e-5)
