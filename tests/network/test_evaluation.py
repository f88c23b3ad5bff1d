"""Loss and metrics of a network on data."""

from __future__ import annotations

import numpy as np
import pytest
from network.small import X, Y, built


def test_evaluate_is_the_mean_over_samples_by_weight() -> None:
    net = built(dtype="float64")
    weights = np.random.default_rng(2).uniform(size=60)
    logits = net.predict(X)
    losses = np.log(np.exp(logits).sum(1)) - logits[np.arange(60), Y]
    scores = net.evaluate(X, Y, sample_weight=weights)
    assert scores["loss"] == pytest.approx(np.average(losses, weights=weights), rel=1e-12)
    assert scores["accuracy"] == pytest.approx(np.average(logits.argmax(1) == Y, weights=weights), rel=1e-12)
    assert net.evaluate(X, Y, metrics=[]) == {"loss": pytest.approx(losses.mean())}
