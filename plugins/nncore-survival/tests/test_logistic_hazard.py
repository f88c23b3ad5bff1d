"""Hazards of intervals: nncore's conformance kit, values by hand, and survival curves recovered by training."""

from __future__ import annotations

import numpy as np
import pytest
from nncore_survival.logistic_hazard import LogisticHazard, survival_curve

import nncore as nn
from nncore.errors import DataError, ParameterError, ShapeError
from nncore.testing import LossConformance

CUTS = [1.0, 2.0, 4.0]


class TestLogisticHazard(LossConformance):
    name = "nncore-survival/logistic_hazard"


@pytest.mark.parametrize(
    ("time", "event", "survived", "happened"),
    [
        (0.0, 1, [0, 0, 0], [1, 0, 0]),
        (1.0, 1, [0, 0, 0], [1, 0, 0]),
        (1.1, 1, [1, 0, 0], [0, 1, 0]),
        (4.0, 1, [1, 1, 0], [0, 0, 1]),
        (4.1, 1, [1, 1, 1], [0, 0, 0]),
        (0.4, 0, [0, 0, 0], [0, 0, 0]),
        (0.5, 0, [1, 0, 0], [0, 0, 0]),
        (2.9, 0, [1, 1, 0], [0, 0, 0]),
        (3.0, 0, [1, 1, 1], [0, 0, 0]),
    ],
)
def test_what_is_known_of_a_sample(time: float, event: int, survived: list[int], happened: list[int]) -> None:
    z = np.array([[0.3, -1.2, 2.0]])
    h = 1 / (1 + np.exp(-z[0]))
    target = np.array([[time, event]])
    expected = -np.array(survived) @ np.log(1 - h) - np.array(happened) @ np.log(h)
    assert LogisticHazard(CUTS).forward(z, target)[0] == pytest.approx(expected, rel=1e-13, abs=1e-15)
    gradient = survived * h - happened * (1 - h)
    np.testing.assert_allclose(LogisticHazard(CUTS).backward(z, target)[0], gradient, rtol=1e-13)


def test_logits_of_any_size_are_finite() -> None:
    loss, target = LogisticHazard(CUTS), np.array([[4.0, 1.0]])
    z = np.array([[1e4, -1e4, -1e4]], np.float32)
    assert loss.forward(z, target)[0] == pytest.approx(2e4)
    np.testing.assert_array_equal(loss.backward(z, target), [[1, 0, -1]])


def test_hazards_are_those_of_the_data() -> None:
    """For two groups with constant hazards, training recovers each interval's share of events and the mean survival time."""
    rng = np.random.default_rng(0)
    group = rng.integers(2, size=6000)
    y = np.column_stack([rng.exponential([1.0, 3.0], (6000, 2))[np.arange(6000), group], np.ones(6000)])
    X, cuts = group[:, None].astype(float), [0.5, 1.0, 1.5, 2.0]
    net = nn.Sequential(nn.Dense(4))
    loss = {"name": "logistic_hazard", "cuts": cuts}
    net.fit(X, y, loss=loss, optimizer=nn.Adam(lr=0.05), epochs=60, batch_size=500, rng=0, progress=False)
    hazards = net.predict_proba([[0.0], [1.0]])
    np.testing.assert_allclose(hazards, 1 - np.exp([[-0.5] * 4, [-0.5 / 3] * 4]), atol=0.03)
    curve = survival_curve(hazards)
    np.testing.assert_allclose(curve[:, -1], np.exp([-2.0, -2.0 / 3]), atol=0.03)
    mean = LogisticHazard(cuts).decide(hazards)
    np.testing.assert_allclose(mean[:, 0], [1 - np.exp(-2), 3 * (1 - np.exp(-2 / 3))], atol=0.04)
    assert net.evaluate(X, y)["nncore-survival/concordance"] == pytest.approx(0.625, abs=0.01)


def test_what_it_is_not_for_is_refused() -> None:
    for cuts in ([], [0.0, 1.0], [2.0, 1.0], [1.0, 1.0], [1.0, np.inf], [1.0, np.nan], "1", 3.0, [[1.0]], None, ["a"]):
        with pytest.raises(ParameterError, match="cuts must be increasing numbers above 0"):
            LogisticHazard(cuts)
    X, y = np.zeros((2, 2)), np.array([[1.0, 1], [2, 0]])
    loss = LogisticHazard(CUTS)
    with pytest.raises(ShapeError, match="an output for each of 3 intervals, it has 2"):
        nn.Sequential(nn.Dense(2)).fit(X, y, loss=loss, progress=False)
    with pytest.raises(DataError, match="column 1: 1 is an event"):
        nn.Sequential(nn.Dense(3)).fit(X, y[:, ::-1], loss=loss, progress=False)
