"""Plain functions as metrics."""

from __future__ import annotations

import numpy as np
import pytest
from metrics.functions import data, network

import nncore as nn


def worst_error(output: np.ndarray, target: np.ndarray, sample_weight: np.ndarray | None) -> float:
    return float(np.abs(output - target).max())


def test_metric_has_the_name_of_its_function() -> None:
    X, y = data()
    net = network()
    history = net.fit(X, y, loss="mse", epochs=2, rng=0, metrics=[worst_error], validation=(X, y))
    assert history["val_worst_error"][-1] == pytest.approx(np.abs(net.predict(X) - y).max(), rel=1e-5)
    named = nn.FunctionMetric(worst_error, higher_is_better=False, label="worst")
    assert net.evaluate(X, y, metrics=[named])["worst"] == history["val_worst_error"][-1]


def test_direction_of_a_metric_reaches_the_history() -> None:
    X, y = data()
    metric = nn.FunctionMetric(worst_error, higher_is_better=False)
    history = network().fit(X, y, loss="mse", epochs=2, rng=0, metrics=[metric], validation=(X, y))
    assert history.mode("val_worst_error") == "min"
