"""Common properties of all initializers, and the moments of each within sampling error."""

from __future__ import annotations

import json
import math

import numpy as np
import pytest
from manifest import classes

from nncore import registry
from nncore.errors import ParameterError
from nncore.initializers.xavier_notes import XavierNotes
from nncore.plugin import Initializer

CLASSES = classes("initializers")
N = 200_000
SIGMAS = 5  # a correct generator fails a test of this width once in two million seeds

#: E x⁴ / σ⁴ and E x⁸ / σ⁸.
UNIFORM, NORMAL = (9 / 5, 9.0), (3.0, 105.0)
#: Instance, variance for fan-in 30 and fan-out 20, shape of the distribution.
RANDOM = {
    "uniform_fan_in": (CLASSES["uniform_fan_in"](), 1 / 90, UNIFORM),
    "xavier_notes": (CLASSES["xavier_notes"](), 1 / 30, NORMAL),
    "xavier_notes, gain 2": (CLASSES["xavier_notes"](gain=2.0), 4 / 30, NORMAL),
    "glorot_uniform": (CLASSES["glorot_uniform"](), 2 / 50, UNIFORM),
    "glorot_normal": (CLASSES["glorot_normal"](), 2 / 50, NORMAL),
    "he_uniform": (CLASSES["he_uniform"](), 2 / 30, UNIFORM),
    "he_normal": (CLASSES["he_normal"](), 2 / 30, NORMAL),
}

every_class = pytest.mark.parametrize("cls", CLASSES.values(), ids=CLASSES.keys())
every_random = pytest.mark.parametrize(("initializer", "variance", "moments"), RANDOM.values(), ids=RANDOM.keys())


#: Initializers without independent draws; each has a test file of its own.
ELSEWHERE = {"zeros", "constant", "orthogonal", "random_walk", "data_dependent", "data_hull", "lsuv", "random_signs"}


def test_every_random_initializer_is_here() -> None:
    assert {type(initializer) for initializer, _, _ in RANDOM.values()} == {c for name, c in CLASSES.items() if name not in ELSEWHERE}


@every_random
def test_moments(initializer: Initializer, variance: float, moments: tuple[float, float]) -> None:
    x = initializer.sample(np.random.default_rng(0), (N,), 30, 20) / math.sqrt(variance)
    fourth, eighth = moments
    assert abs(x.mean()) < SIGMAS / math.sqrt(N)
    assert abs((x**2).mean() - 1) < SIGMAS * math.sqrt((fourth - 1) / N)
    assert abs((x**4).mean() - fourth) < SIGMAS * math.sqrt((eighth - fourth**2) / N)


@every_random
def test_bounds_of_the_uniform_ones(initializer: Initializer, variance: float, moments: tuple[float, float]) -> None:
    """Values stay within ±√3 σ and come close to it: the nearest of N draws is 2√3 σ / N away on average."""
    x = initializer.sample(np.random.default_rng(1), (N,), 30, 20)
    limit = math.sqrt(3 * variance)
    if moments is UNIFORM:
        assert np.abs(x).max() <= limit * (1 + 4e-16)
        assert min(x.max(), -x.min()) > limit * (1 - 40 / N)
    else:
        assert np.abs(x).max() > 1.5 * limit


@every_class
@pytest.mark.parametrize("shape", [(), (0,), (5,), (0, 3), (4, 3), (2, 3, 4)])
def test_shape_and_dtype(cls: type[Initializer], shape: tuple[int, ...]) -> None:
    values = cls().sample(np.random.default_rng(0), shape, 4, 3)
    assert isinstance(values, np.ndarray)
    assert values.shape == shape
    assert values.dtype == np.float64


@every_class
def test_the_generator_decides_everything(cls: type[Initializer]) -> None:
    first, again, other = (cls().sample(np.random.default_rng(seed), (6, 5), 6, 5) for seed in (3, 3, 4))
    np.testing.assert_array_equal(first, again)
    assert np.array_equal(first, other) == (cls in (CLASSES["zeros"], CLASSES["constant"]))


@every_class
def test_the_generator_goes_on(cls: type[Initializer]) -> None:
    """Two tensors drawn one after the other differ, since the generator advances."""
    rng = np.random.default_rng(3)
    first, second = (cls().sample(rng, (6, 5), 6, 5) for _ in range(2))
    assert np.array_equal(first, second) == (cls in (CLASSES["zeros"], CLASSES["constant"]))


@every_class
@pytest.mark.parametrize(("fan_in", "fan_out"), [(0, 0), (0, 1), (1, 0), (1, 1), (10**9, 10**9)])
def test_few_and_many_connections(cls: type[Initializer], fan_in: int, fan_out: int) -> None:
    values = cls().sample(np.random.default_rng(0), (100,), fan_in, fan_out)
    assert np.isfinite(values).all()
    assert np.abs(values).max() < 10


@every_class
def test_config_and_registry(cls: type[Initializer]) -> None:
    described = json.loads(json.dumps(registry.config_of("initializers", cls())))
    again = registry.resolve("initializers", described)
    assert type(again) is cls
    assert repr(again) == repr(cls())


@pytest.mark.parametrize("gain", [-1.0, math.nan, math.inf, True, "2"])
def test_gain_out_of_range(gain: object) -> None:
    with pytest.raises(ParameterError, match="gain must be a number"):
        XavierNotes(gain=gain)  # type: ignore[arg-type]


def test_gain_scales() -> None:
    one, two = (XavierNotes(gain).sample(np.random.default_rng(0), (9, 4), 9, 4) for gain in (1.0, 2.0))
    np.testing.assert_allclose(two, 2 * one, rtol=1e-15)
    np.testing.assert_array_equal(XavierNotes(0.0).sample(np.random.default_rng(0), (3,), 1, 1), 0)


def test_notes_code() -> None:
    """Initializers equal the notes' ``2*randn(height, width)/sqrt(width)`` and ``2*rand(height, width)/sqrt(width) - 1/sqrt(width)``."""
    width, height = 7, 4
    randn = 2 * np.random.default_rng(0).standard_normal((width, height)) / math.sqrt(width)
    np.testing.assert_allclose(XavierNotes(gain=2.0).sample(np.random.default_rng(0), (width, height), width, height), randn, rtol=1e-15)
    rand = 2 * np.random.default_rng(0).random((width, height)) / math.sqrt(width) - 1 / math.sqrt(width)
    uniform = CLASSES["uniform_fan_in"]().sample(np.random.default_rng(0), (width, height), width, height)
    np.testing.assert_allclose(uniform, rand, rtol=0, atol=1e-15)
