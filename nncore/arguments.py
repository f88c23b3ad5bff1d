"""Checks of the plain arguments that users pass: dtypes, seeds, counts; and names in messages."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from nncore.errors import ParameterError

#: What counts is exact in float64 up to here, and no product of it with a number of samples is asked for.
LARGEST_COUNT = 2**53


def is_whole(value: object) -> bool:
    """Whether it is an int, of NumPy or not; True is none."""
    return isinstance(value, (int, np.integer)) and not isinstance(value, bool)


def is_number(value: object) -> bool:
    """Whether it is an int or a float, of NumPy or not; True is none."""
    return is_whole(value) or isinstance(value, (float, np.floating))


def as_dtype(dtype: Any) -> np.dtype:
    """float32 or float64, from whatever NumPy takes as a dtype."""
    try:
        number_type = np.dtype(dtype)
    except TypeError:
        number_type = np.dtype(object)
    if number_type not in (np.dtype(np.float32), np.dtype(np.float64)):
        raise ParameterError(f'dtype must be "float32" or "float64", got {dtype!r}')
    return number_type


def as_seed(rng: Any) -> int:
    """64 bits from what users call a seed."""
    if isinstance(rng, np.random.Generator):
        return int(rng.integers(2**64, dtype=np.uint64))
    if isinstance(rng, np.random.SeedSequence):
        return int(rng.generate_state(1, np.uint64)[0])
    if rng is None or (is_whole(rng) and rng >= 0):
        return int(np.random.SeedSequence(rng).generate_state(1, np.uint64)[0])
    raise ParameterError(f"rng must be a whole number of at least 0, a numpy Generator or SeedSequence, or None, got {rng!r}")


def number(name: str, value: Any, least: float) -> float:
    """`value` as a finite float of at least `least`; `name` is that of the argument."""
    if not is_number(value) or not least <= value < math.inf:
        raise ParameterError(f"{name} must be a number of at least {least}, got {value!r}")
    return float(value)


def whole_number(name: str, value: Any, least: int) -> int:
    """`value` as an int of at least `least`; `name` is that of the argument."""
    if not is_whole(value) or value < least:
        raise ParameterError(f"{name} must be a whole number of at least {least}, got {value!r}")
    return int(value)


def rescaled(weights: np.ndarray) -> np.ndarray:
    """Weights in float64, times the power of two that brings the largest into [1, 2): only their ratios count, and sums stay in range."""
    weights = np.asarray(weights, np.float64)
    largest = float(weights.max(initial=0.0))
    return weights if not 0 < largest < math.inf or 1 <= largest < 2 else np.ldexp(weights, 1 - math.frexp(largest)[1])


def is_list(value: object) -> bool:
    """Whether it holds several things one after the other; a text, which holds letters, and a dict with the name of one thing do not."""
    return isinstance(value, Iterable) and not isinstance(value, (str, Mapping))


def several(name: str, values: Any) -> list[Any]:
    """`values` as a list; `name` is that of the argument."""
    if not is_list(values):
        raise ParameterError(f"{name} must be a list, also of one thing: [...]; got {values!r}")
    return list(values)


def listed(names: Sequence[str], most: int = 12) -> str:
    """``a, b, c and 4 more``."""
    shown = ", ".join(names[:most])
    return shown if len(names) <= most else f"{shown} and {len(names) - most} more"
