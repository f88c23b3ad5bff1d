"""Harrell's C against nncore's conformance kit, and against a count of all pairs."""

from __future__ import annotations

import math

import numpy as np
import pytest
from nncore_survival.concordance import Concordance

from nncore.errors import ShapeError
from nncore.testing import MetricConformance


class TestConcordance(MetricConformance):
    name = "nncore-survival/concordance"


def by_pairs(risk: np.ndarray, y: np.ndarray, weight: np.ndarray) -> float:
    concordant = comparable = 0.0
    for i, j in np.ndindex(len(y), len(y)):
        if y[i, 1] and (y[i, 0] < y[j, 0] or (y[i, 0] == y[j, 0] and not y[j, 1])):
            comparable += weight[i] * weight[j]
            concordant += weight[i] * weight[j] * (1.0 if risk[i] > risk[j] else 0.5 if risk[i] == risk[j] else 0.0)
    return concordant / comparable if comparable else math.nan


@pytest.mark.parametrize("seed", range(20))
def test_it_is_what_all_pairs_give(seed: int) -> None:
    rng = np.random.default_rng(seed)
    n = int(rng.integers(1, 60))
    y = np.column_stack([rng.integers(0, 1 + n // 3, n), rng.random(n) < rng.uniform()]).astype(float)
    risk, weight = rng.integers(0, 8, n).astype(float), rng.integers(0, 3, n) / 2
    expected = by_pairs(risk, y, weight)
    assert Concordance().score(risk[:, None], y, weight) == pytest.approx(expected, rel=1e-12, nan_ok=True)
    assert Concordance().score(risk[:, None], y) == pytest.approx(by_pairs(risk, y, np.ones(n)), rel=1e-12, nan_ok=True)


def test_values_by_hand() -> None:
    y = np.array([[1.0, 1], [2, 1], [3, 0], [3, 1]])
    assert Concordance().score(np.array([[4.0], [3], [1], [2]]), y) == 1
    assert Concordance().score(np.array([[1.0], [2], [4], [3]]), y) == 0
    assert Concordance().score(np.full((4, 1), 2.0), y) == 0.5
    # Six pairs: of the two at time 3 the censored one is later. Two of them are in the wrong order, one is tied.
    assert Concordance().score(np.array([[3.0], [1], [3], [1]]), y) == pytest.approx((3.5 - 0.5) / 6)


def test_of_hazards_the_sum_of_the_survival_curve_counts() -> None:
    y = np.array([[1.0, 1], [2, 1], [3, 0]])
    hazards = np.array([[0.9, 0.1], [0.5, 0.5], [0.2, 0.9]])
    assert Concordance().score(hazards, y) == 1
    assert Concordance().score(hazards[::-1], y) == 0


def test_without_a_pair_it_is_nan() -> None:
    assert math.isnan(Concordance().score(np.zeros((2, 1)), np.array([[1.0, 0], [2, 0]])))
    assert math.isnan(Concordance().score(np.zeros((0, 1)), np.zeros((0, 2))))


def test_a_hundred_thousand_samples_are_no_burden() -> None:
    rng = np.random.default_rng(0)
    y = np.column_stack([rng.exponential(size=100_000), np.ones(100_000)])
    assert Concordance().score(-y[:, :1], y) == pytest.approx(1)
    assert Concordance().score(rng.normal(size=(100_000, 1)), y) == pytest.approx(0.5, abs=0.005)


def test_other_targets_are_refused() -> None:
    with pytest.raises(ShapeError, match="two columns, time and event"):
        Concordance().score(np.zeros((3, 1)), np.zeros((3, 1)))
