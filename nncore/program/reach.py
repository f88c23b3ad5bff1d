"""Bounds of gradients below which parameters and state stay finite, so that not every step needs a check."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from nncore.contract import Optimizer, with_settings, wrappers_of
from nncore.errors import ParameterError
from nncore.program.specification import Course
from nncore.program.state import NetworkState

#: Exponents to try; a smaller bound is not useful.
_SMALLEST = -64
#: Methods that define a step. A class that overrides one of them must also override its declarations about steps.
_STEPS = ("step", "before_step", "after_step", "kernel")


def safe_gradient(optimizers: Sequence[Optimizer], parameters: np.ndarray, state: NetworkState, rate_factor: float, n_steps: int) -> float:
    """Largest magnitude of gradients with which no optimizer overflows in `n_steps` from the current parameters and state. 0 if unknown.

    Parameters
    ----------
    optimizers : sequence of Optimizer
        Optimizer of each group, with its hyperparameters.
    parameters : ndarray of shape (n_parameters,)
    state : tuple of GroupState
    rate_factor : float
        Largest factor of learning rates in the schedules.
    n_steps : int
    """
    if math.isinf(rate_factor) or not all(map(_knows_its_bound, optimizers)):
        return 0.0
    if any(own.needs_tensors and any(group.tensors) for own, group in zip(optimizers, state, strict=True)):
        return 0.0
    try:
        if rate_factor > 1:
            optimizers = [with_settings(own, {"lr": own.settings()["lr"] * rate_factor}) for own in optimizers]
    except ParameterError:
        return 0.0
    low, high = _range(parameters)
    w, ranges = max(-low, high), [[_range(slot) for slot in group.slots] for group in state]
    kind = np.finfo(parameters.dtype)
    largest = float(kind.max) / 4  # so that intermediate sums stay below the maximum too

    asked = list(zip(optimizers, ranges, strict=True))

    def is_safe(exponent: int) -> bool:
        gradient = math.ldexp(1.0, exponent)
        return all(own.bound(w, gradient, slots, n_steps) <= largest for own, slots in asked)

    low_exponent, high_exponent = _SMALLEST, int(kind.maxexp)
    with np.errstate(all="ignore"):  # a learning rate may be a NumPy number
        if not is_safe(low_exponent):
            return 0.0
        while high_exponent - low_exponent > 1:
            middle = (low_exponent + high_exponent) // 2
            low_exponent, high_exponent = (middle, high_exponent) if is_safe(middle) else (low_exponent, middle)
    return math.ldexp(1.0, low_exponent)


def _knows_its_bound(optimizer: Optimizer) -> bool:
    """Whether the class itself declares the bound for its own step, not for an inherited one; for a wrapper, also the inner optimizer."""
    around, inner = wrappers_of(optimizer)
    return all(_says_itself(own, "bound") for own in (*around, inner))


def _says_itself(optimizer: Optimizer, name: str) -> bool:
    owner = next(cls for cls in type(optimizer).__mro__ if not {name, *_STEPS}.isdisjoint(vars(cls)))
    return owner is not Optimizer and name in vars(owner)


def skips_zero(optimizer: Optimizer) -> bool:
    """Whether a step with a gradient of zero changes nothing."""
    around, inner = wrappers_of(optimizer)
    return not around and inner.skips_zero and not inner.needs_tensors and _says_itself(inner, "skips_zero")


def _range(numbers: np.ndarray) -> tuple[float, float]:
    return (float(np.minimum.reduce(numbers)), float(np.maximum.reduce(numbers))) if numbers.size else (0.0, 0.0)


def rate_factor(courses: Sequence[Course], hyper: np.ndarray) -> float:
    """Largest factor of a learning rate in some courses; infinity if another hyperparameter of an optimizer is scheduled."""
    largest = 1.0
    for course in courses:
        if course.op is None and not course.limit and np.shares_memory(course.numbers, hyper):
            largest = max(largest, float(course.factors.max()) if course.index % hyper.shape[1] == 0 else math.inf)
    return largest
