"""Arguments of optimizers: lr first, the others by keyword, each inside its declared range."""

from __future__ import annotations

import inspect
import math
from typing import Any

import numpy as np
import pytest
from each import each
from manifest import classes
from optimizers.running import ARGUMENTS, OPTIMIZERS

from nncore.contract import alike
from nncore.errors import ParameterError
from nncore.optimizers.adam import Adam
from nncore.optimizers.block_coordinate import BlockCoordinate
from nncore.plugin import Optimizer, OptimizerWrapper

CLASSES = classes("optimizers")
RANGES = [(cls, name, interval) for cls in CLASSES.values() for name, interval in cls.ranges.items()]

every = pytest.mark.parametrize("optimizer", OPTIMIZERS, ids=repr)
every_class = pytest.mark.parametrize("cls", CLASSES.values(), ids=CLASSES.keys())
every_range = pytest.mark.parametrize(("cls", "name", "interval"), RANGES, ids=lambda value: getattr(value, "__name__", str(value)))


def bounds(interval: str) -> tuple[float, float]:
    low, high = (float(bound) for bound in interval[1:-1].split(","))
    return low, high


@every_class
def test_lr_comes_first_and_the_rest_by_keyword(cls: type[Optimizer]) -> None:
    """lr, or the inner optimizer that has it, is the first argument, and all others are keyword-only."""
    first, *others = inspect.signature(cls).parameters.values()
    assert first.name == ("optimizer" if issubclass(cls, OptimizerWrapper) else "lr")
    assert first.kind is first.POSITIONAL_OR_KEYWORD
    assert all(parameter.kind is parameter.KEYWORD_ONLY for parameter in others)
    assert all(parameter.default is not parameter.empty for parameter in [first, *others])


@every_class
def test_every_number_has_a_range(cls: type[Optimizer]) -> None:
    numbers = {name for name, value in cls().config().items() if not isinstance(value, (bool, str, Optimizer))}
    assert set(cls.ranges) == numbers


def test_every_optimizer_has_unusual_arguments_here() -> None:
    assert set(ARGUMENTS) == set(CLASSES)


@every_range
def test_bounds_as_declared(cls: type[Optimizer], name: str, interval: str) -> None:
    whole = isinstance(cls().config()[name], int)
    for bound, closed, beyond in zip(bounds(interval), (interval[0] == "[", interval[-1] == "]"), (-math.inf, math.inf), strict=True):
        if closed:
            value = int(bound) if whole else bound
            assert getattr(cls(**{name: value}), name) == value
        outside = bound + math.copysign(1, beyond) if whole else math.nextafter(bound, beyond)
        for rejected in [outside] if closed else [bound, outside]:
            with pytest.raises(ParameterError, match=f"{cls.__name__}: {name} must be"):
                cls(**{name: rejected})


@every_range
@each("value", [math.nan, math.inf, -math.inf, True, "0.1", None, [0.1], 0.1j])
def test_anything_but_a_number_is_refused(cls: type[Optimizer], name: str, interval: str, value: Any) -> None:
    with pytest.raises(ParameterError, match=f"{cls.__name__}: {name} must be"):
        cls(**{name: value})


@every
def test_config_makes_an_equal_one(optimizer: Optimizer) -> None:
    again = type(optimizer)(**optimizer.config())
    assert alike(again, optimizer)
    assert repr(again) == repr(optimizer)
    assert eval(repr(optimizer), {cls.__name__: cls for cls in CLASSES.values()}).settings() == optimizer.settings()


@every
def test_kernels_get_numbers(optimizer: Optimizer) -> None:
    """Kernels get as many numbers as they read, for any type of number in the arguments."""
    assert len(optimizer.hyper()) == len(optimizer.settings())
    as_scalars = {name: np.float64(value) if isinstance(value, float) else value for name, value in optimizer.config().items()}
    assert type(optimizer)(**as_scalars).hyper() == optimizer.hyper()


@pytest.mark.parametrize("value", [1, 0.0, "inside", None])
def test_adam_s_place_of_epsilon_is_a_bool(value: Any) -> None:
    with pytest.raises(ParameterError, match="epsilon_inside must be True or False"):
        Adam(epsilon_inside=value)


@pytest.mark.parametrize("value", ["layers", "", None, 1])
def test_block_is_one_of_two_words(value: Any) -> None:
    with pytest.raises(ParameterError, match="block must be 'layer' or 'tensor'"):
        BlockCoordinate(block=value)


@pytest.mark.parametrize("value", [1.5, 2.0, np.float32(3)])
def test_steps_per_block_is_whole(value: Any) -> None:
    with pytest.raises(ParameterError, match="steps_per_block must be a whole number"):
        BlockCoordinate(steps_per_block=value)
