"""Cox's partial likelihood: nncore's conformance kit, values from the definition, and coefficients recovered by training."""

from __future__ import annotations

from typing import ClassVar

import numpy as np
import pytest
from nncore_survival.cox import Cox

import nncore as nn
from nncore.errors import DataError, ParameterError, ShapeError
from nncore.testing import LossConformance


class TestCox(LossConformance):
    name = "nncore-survival/cox"


class TestEfron(LossConformance):
    name = "nncore-survival/cox"
    arguments: ClassVar = [{"ties": "efron"}]


def by_definition(eta: np.ndarray, y: np.ndarray, weight: np.ndarray, ties: str) -> float:
    """The loss of a batch, sum by sum."""
    total, risk, time, event = 0.0, weight * np.exp(eta), y[:, 0], (y[:, 1] > 0) & (weight > 0)
    for moment in np.unique(time[event]):
        at_risk, tied = risk[time >= moment].sum(), event & (time == moment)
        for place, i in enumerate(np.flatnonzero(tied)):
            spared = place / tied.sum() * risk[tied].sum() if ties == "efron" else 0.0
            mean_weight = weight[tied].mean()
            total += mean_weight * np.log(at_risk - spared) - weight[i] * eta[i]
    return total


def problem(n: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Outputs, targets with many ties, and shares of which some are 0."""
    rng = np.random.default_rng(seed)
    weight = rng.uniform(0.2, 3, n) * (rng.random(n) < 0.9)
    return rng.normal(size=n), np.column_stack([rng.integers(1, 7, n), rng.random(n) < 0.6]).astype(float), weight / weight.sum()


@pytest.mark.parametrize("ties", ["breslow", "efron"])
@pytest.mark.parametrize("n", [2, 5, 40])
def test_value_and_gradient_are_those_of_the_definition(n: int, ties: str) -> None:
    eta, y, weight = problem(n)
    loss, h = Cox(ties), 1e-6
    assert loss.forward(eta[:, None], y, weight) @ weight == pytest.approx(by_definition(eta, y, weight, ties), rel=1e-12, abs=1e-14)
    gradient = loss.backward(eta[:, None], y, weight)[:, 0]
    numeric = [
        (by_definition(eta + h * unit, y, weight, ties) - by_definition(eta - h * unit, y, weight, ties)) / (2 * h) for unit in np.eye(n)
    ]
    np.testing.assert_allclose(gradient, numeric, atol=2e-9)
    assert gradient.sum() == pytest.approx(0, abs=1e-15)  # a constant added to η changes nothing


def test_values_by_hand() -> None:
    y, weight = np.array([[2.0, 1], [1, 1], [3, 0], [1, 1]]), np.full(4, 0.25)
    eta = np.log([[1.0], [2], [3], [4]])
    first = np.log(0.25 * np.array([4, 10, 1, 10])) - eta[:, 0]
    np.testing.assert_allclose(Cox().forward(eta, y, weight), [first[0], first[1], 0, first[3]], rtol=1e-14, atol=1e-15)
    efron = Cox("efron").forward(eta, y, weight)
    assert efron.sum() == pytest.approx(first[0] + np.log(2.5) + np.log(2.5 - 0.75) - np.log(8), rel=1e-13)


def test_without_ties_both_ways_agree() -> None:
    eta, y, weight = problem(30)
    y[:, 0] = np.random.default_rng(1).permutation(30)
    for method in ("forward", "backward"):
        one, other = (getattr(Cox(ties), method)(eta[:, None], y, weight) for ties in ("breslow", "efron"))
        np.testing.assert_allclose(one, other, rtol=1e-13, atol=1e-16)


def test_a_batch_without_events_has_no_loss() -> None:
    eta, y, weight = problem(6)
    y[:, 1] = 0
    for ties in ("breslow", "efron"):
        assert not Cox(ties).forward(eta[:, None], y, weight).any()
        assert not Cox(ties).backward(eta[:, None], y, weight).any()


@pytest.mark.parametrize("ties", ["breslow", "efron"])
def test_outputs_far_apart_neither_overflow_nor_vanish(ties: str) -> None:
    y, weight = np.array([[1.0, 1], [2, 1], [3, 1], [3, 1]]), np.full(4, 0.25)
    eta = np.array([[1e4], [-1e4], [-3e4], [-3e4]])
    value, gradient = Cox(ties).forward(eta, y, weight), Cox(ties).backward(eta, y, weight)
    last = np.log(0.5) if ties == "breslow" else (np.log(0.5) + np.log(0.25)) / 2
    np.testing.assert_allclose(value, [np.log(0.25), np.log(0.25), last, last], rtol=1e-9)
    np.testing.assert_allclose(gradient, 0, atol=1e-10)


def test_a_weight_of_two_is_the_sample_twice() -> None:
    eta, y, _ = problem(20)
    times = np.random.default_rng(3).integers(0, 4, 20)
    shares, rows = times / times.sum(), np.repeat(np.arange(20), times)
    value = Cox().forward(eta[:, None], y, shares) @ shares
    again = np.full(len(rows), 1 / len(rows))
    assert value == pytest.approx(Cox().forward(eta[rows, None], y[rows], again) @ again, rel=1e-12)


@pytest.mark.parametrize("ties", ["breslow", "efron"])
def test_the_coefficients_of_proportional_hazards_are_found(ties: str) -> None:
    """Training recovers the coefficients of hazard exp(x·β): 4000 samples, 30 % censored, standard errors of about 0.02."""
    rng = np.random.default_rng(0)
    beta = np.array([0.8, -0.5, 0.0])
    X = rng.normal(size=(4000, 3))
    time, censored = rng.exponential(np.exp(-X @ beta)), rng.exponential(2.5, 4000)
    y = np.column_stack([np.minimum(time, censored), time <= censored])
    net = nn.Sequential(nn.Dense(1, use_bias=False))
    net.fit(X, y, loss={"name": "cox", "ties": ties}, optimizer=nn.Adam(lr=0.05), epochs=150, batch_size=4000, rng=0, progress=False)
    np.testing.assert_allclose(net.named_parameters()["dense_1.weight"][:, 0], beta, atol=0.06)
    scores = net.evaluate(X, y)
    assert 0.7 < scores["nncore-survival/concordance"] < 0.8
    shares = np.full(4000, 1 / 4000)
    assert scores["loss"] == pytest.approx(by_definition(net.predict(X)[:, 0].astype(float), y, shares, ties), rel=1e-5)


def test_what_it_is_not_for_is_refused() -> None:
    X, y = np.zeros((4, 2)), np.array([[1.0, 1], [2, 0], [3, 1], [4, 0]])
    with pytest.raises(ParameterError, match="ties must be 'breslow' or 'efron', got 'exact'"):
        Cox("exact")
    with pytest.raises(ShapeError, match="needs 1 output"):
        nn.Sequential(nn.Dense(2)).fit(X, y, loss="cox", progress=False)
    with pytest.raises(ParameterError, match="relu"):
        nn.Sequential(nn.Dense(1, activation="relu")).fit(X, y, loss="cox", progress=False)
    for column, value, message in [(1, 2.0, "2 at row 1, column 1: 1 is an event"), (0, -1.0, "-1 at row 1, column 0: a time is")]:
        wrong = y.copy()
        wrong[1, column] = value
        with pytest.raises(DataError, match=message):
            nn.Sequential(nn.Dense(1)).fit(X, wrong, loss="cox", progress=False)
