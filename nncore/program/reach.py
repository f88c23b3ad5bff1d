"""How far steps can go: gradients so small that parameters and state stay finite, known without a look at every step."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from nncore.contract import Optimizer, with_settings, wrappers_of
from nncore.errors import ParameterError
from nncore.program.specification import Course
from nncore.program.state import NetworkState

#: Exponents of what is tried: a smaller gradient is not worth knowing.
_SMALLEST = -64
#: What a step is: a class that changes one of these has to say anew what it says of its steps.
_STEPS = ("step", "before_step", "after_step", "kernel")


def safe_gradient(optimizers: Sequence[Optimizer], parameters: np.ndarray, state: NetworkState, rate_factor: float, n_steps: int) -> float:
    """A magnitude: with gradients up to it no optimizer overflows in `n_steps` from where parameters and state are. 0: none is known.

    Parameters
    ----------
    optimizers : sequence of Optimizer
        For each group, with its numbers.
    parameters : ndarray of shape (n_parameters,)
    state : tuple of GroupState
    rate_factor : float
        The largest that a schedule multiplies learning rates with.
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
    largest = float(kind.max) / 4  # so that what is added up on the way stays below it, too

    asked = list(zip(optimizers, ranges, strict=True))

    def is_safe(exponent: int) -> bool:
        gradient = math.ldexp(1.0, exponent)
        return all(own.bound(w, gradient, slots, n_steps) <= largest for own, slots in asked)

    low_exponent, high_exponent = _SMALLEST, int(kind.maxexp)
    with np.errstate(all="ignore"):  # a learning rate may be a number of NumPy
        if not is_safe(low_exponent):
            return 0.0
        while high_exponent - low_exponent > 1:
            middle = (low_exponent + high_exponent) // 2
            low_exponent, high_exponent = (middle, high_exponent) if is_safe(middle) else (low_exponent, middle)
    return math.ldexp(1.0, low_exponent)


def _knows_its_bound(optimizer: Optimizer) -> bool:
    """Whether its class says it of its own steps, and not of those of a class that it inherits from; and so on inside a wrapper."""
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
    """The largest factor of a learning rate in some courses; infinity if another number of an optimizer moves."""
    largest = 1.0
    for course in courses:
        if course.op is None and not course.limit and np.shares_memory(course.numbers, hyper):
            largest = max(largest, float(course.factors.max()) if course.index % hyper.shape[1] == 0 else math.inf)
    return largest
