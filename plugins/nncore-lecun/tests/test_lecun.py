"""LeCun's initializers: nncore's conformance kit, and the moments of the distributions."""

from __future__ import annotations

import math

import numpy as np
import pytest
from nncore_lecun.lecun import LeCunNormal, LeCunUniform

from nncore.plugin import Initializer
from nncore.testing import InitializerConformance

N = 200_000
SIGMAS = 5  # a correct generator fails a test of this width once in two million seeds


class TestLeCunNormal(InitializerConformance):
    name = "nncore-lecun/lecun_normal"


class TestLeCunUniform(InitializerConformance):
    name = "nncore-lecun/lecun_uniform"


@pytest.mark.parametrize(("initializer", "fourth", "eighth"), [(LeCunNormal(), 3, 105), (LeCunUniform(), 9 / 5, 9)])
def test_moments(initializer: Initializer, fourth: float, eighth: float) -> None:
    """Weights have mean 0, variance 1/n_in, and the fourth moment that tells normal, uniform and truncated distributions apart."""
    x = initializer.sample(np.random.default_rng(0), (N,), 30, 20) * math.sqrt(30)
    assert abs(x.mean()) < SIGMAS / math.sqrt(N)
    assert abs((x**2).mean() - 1) < SIGMAS * math.sqrt((fourth - 1) / N)
    assert abs((x**4).mean() - fourth) < SIGMAS * math.sqrt((eighth - fourth**2) / N)


def test_standardised_inputs_give_sums_of_variance_one() -> None:
    rng = np.random.default_rng(1)
    x = rng.normal(size=(500, 300))
    for initializer in (LeCunNormal(), LeCunUniform()):
        z = x @ initializer.sample(rng, (300, 400), 300, 400)
        # Each unit's variance is that of a mean of 300 squared weights and 500 samples.
        assert abs((z**2).mean() - 1) < SIGMAS * math.sqrt(2 / 300 + 2 / 500)


def test_uniform_ends_where_it_should() -> None:
    x = LeCunUniform().sample(np.random.default_rng(2), (N,), 12, 1)
    assert 0.4999 < np.abs(x).max() <= 0.5
