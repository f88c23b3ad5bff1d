"""Test values of hyperparameters: the ends of their declared intervals, and unusual distinct values."""

from __future__ import annotations

import math
from typing import Any, TypeVar

import numpy as np

from nncore.arguments import is_whole
from nncore.contract import Configurable, bounds
from nncore.errors import ParameterError
from nncore.testing.expectations import expect

C = TypeVar("C", bound=Configurable)


def unusual(component: C) -> list[C]:
    """Copies in which all numbers with a declared range have distinct values; empty if the component refuses such values.

    A kernel that reads hyperparameters in the wrong order would be correct by chance if two of them were equal.
    """
    config = component.config()
    changed = {}
    for position, (name, interval) in enumerate(component.ranges.items()):
        low, high = bounds(interval)
        if is_whole(config.get(name)):
            changed[name] = config[name] + 1 if config[name] + 1 <= high else config[name] - 1
        elif name in config:
            fraction = 0.55 + 0.33 / (position + 1)  # 0.88, 0.715, 0.66, …
            start = low if math.isfinite(low) else 0.0
            changed[name] = start + fraction * (min(high, start + 1) - start)
    try:
        return [type(component)(**config | changed)] if changed else []
    except ParameterError:
        return []  # arguments that depend on each other


def _with_word(component: Configurable, name: str, word: str) -> Configurable:
    """A component with a word argument set: this one, or the class's first example that accepts the word."""
    refused = ""
    for config in (component.config(), *(type(component).examples or ())):
        try:
            return type(component)(**{**config, name: word})
        except ParameterError as error:
            refused = refused or str(error)
    raise AssertionError(f"`choices` declares {name}={word!r}, which is refused: {refused}")


def check_ranges(component: Configurable) -> None:
    """Check that both ends of every declared interval are accepted or refused as declared, NaN is refused, every number has an interval,
    and flags are True or False."""
    config = component.config()
    for name in component.flags:
        expect(name in config, f"`flags` declares {name!r}, which is no argument of __init__: the arguments are {', '.join(config)}")
        for other in ("false", 1, None):
            _expect_refused(component, name, other, "it is one of `flags`")
    for name, words in component.choices.items():
        expect(name in config, f"`choices` declares {name!r}, which is no argument of __init__: the arguments are {', '.join(config)}")
        for word in words:
            expect(word in repr(_with_word(component, name, word).config()[name]), f"{name}={word!r} is not kept")
        for other in ("no such word", 1):
            _expect_refused(component, name, other, "it is one of `choices`")
    for name, value in config.items():
        is_number = isinstance(value, (int, float, np.number)) and not isinstance(value, (bool, np.bool_))
        if is_number and name not in component.ranges:
            _expect_refused(component, name, math.nan, "declare its interval in `ranges`, or refuse it in `validate`")
    for name, interval in component.ranges.items():
        expect(name in config, f"`ranges` declares {name!r}, which is no argument of __init__: the arguments are {', '.join(config)}")
        whole = is_whole(config[name])
        for value in (math.nan, "0.1"):
            _expect_refused(component, name, value, f"its interval is {interval}")
        for bound, closed, beyond in zip(bounds(interval), (interval[0] == "[", interval[-1] == "]"), (-math.inf, math.inf), strict=True):
            if closed:
                _expect_taken(component, name, int(bound) if whole else bound, interval)
            else:
                _expect_refused(component, name, bound, f"its interval is {interval}")
            if math.isfinite(bound):
                _expect_refused(component, name, math.nextafter(bound, beyond), f"its interval is {interval}")


def _expect_taken(component: Configurable, name: str, value: Any, interval: str) -> None:
    try:
        changed = type(component)(**component.config() | {name: value})
    except Exception as error:
        raise AssertionError(f"{name}={value!r} is refused ({error}) although its interval is {interval}") from error
    expect(getattr(changed, name) == value, f"{name}={value!r} is taken, but the attribute {name} is {getattr(changed, name)!r}")


def _expect_refused(component: Configurable, name: str, value: Any, why: str) -> None:
    try:
        type(component)(**component.config() | {name: value})
    except (ParameterError, TypeError):
        return
    raise AssertionError(f"{name}={value!r} is not refused; {why}")
