"""Check that an optimizer minimises a quadratic bowl and Rosenbrock's function."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from nncore.contract import Optimizer, TensorSpan, with_settings
from nncore.testing.expectations import expect
from nncore.testing.guarded import Guarded
from nncore.testing.stepping import Step, evaluate, steps, zeros

#: Value and gradient at a point.
Function = Callable[[np.ndarray], tuple[float, np.ndarray]]

CURVATURE, BOTTOM = np.array([1.0, 3.0, 10.0]), np.array([2.0, -1.0, 0.5])


def bowl(w: np.ndarray) -> tuple[float, np.ndarray]:
    """½ Σ cᵢ (wᵢ − bᵢ)²."""
    return float(CURVATURE @ (w - BOTTOM) ** 2) / 2, CURVATURE * (w - BOTTOM)


def rosenbrock(w: np.ndarray) -> tuple[float, np.ndarray]:
    """(1 − x)² + 100 (y − x²)²; Rosenbrock 1960."""
    x, y = w
    return float((1 - x) ** 2 + 100 * (y - x * x) ** 2), np.array([2 * (x - 1) - 400 * x * (y - x * x), 200 * (y - x * x)])


def descend(optimizer: Optimizer, step: Step, function: Function, start: Sequence[float], n_steps: int, enough: float) -> float:
    """The lowest value in at most `n_steps`, until one is below `enough`. Every coordinate is a separate tensor."""
    guarded_w = Guarded(np.array(start, np.float64), "w")
    w = guarded_w.array
    tensors = [TensorSpan(f"dense_{i + 1}.weight", "weight", i, i, 1, 1) for i in range(w.size)]
    guarded_state = [Guarded(kept, "state") for kept in zeros(optimizer, w.size, np.float64, tensors)]
    state = [guarded.array for guarded in guarded_state]
    lowest, gradient = function(w)
    evaluated = np.empty_like(w)
    with np.errstate(all="ignore"):  # too large a learning rate overflows; the next one is tried
        for t in range(1, n_steps + 1):
            step(optimizer, w, gradient, state, t, tensors)
            evaluate(optimizer, w, state, evaluated, tensors)
            (value, _), (_, gradient) = function(evaluated), function(w)
            if not np.isfinite(value):
                break
            lowest = min(lowest, value)
            if lowest < enough:
                break
    for guarded in (guarded_w, *guarded_state):
        guarded.check()
    return lowest


def _check(
    optimizer: Optimizer, rates: Sequence[float], name: str, function: Function, start: Sequence[float], n: int, enough: float
) -> None:
    for rung, step in steps(optimizer).items():
        lowest = np.inf
        for rate in (*rates, optimizer.settings()["lr"]):
            lowest = min(lowest, descend(with_settings(optimizer, {"lr": rate}), step, function, start, n, enough))
            if lowest < enough:
                break
        initial = function(np.array(start))[0]
        expect(
            lowest < enough,
            f"{rung}: {n} steps on {name} reach {lowest:.4g} from {initial:.4g} at the best of the learning rates {list(rates)}, "
            f"below {enough} is expected; set `learning_rates` if this optimizer needs others",
        )


def check_bowl(optimizer: Optimizer, rates: Sequence[float]) -> None:
    """Check that 600 steps with the best learning rate decrease the value from 41.75 to less than 0.01."""
    _check(optimizer, rates, "a quadratic bowl", bowl, [-1.0, 1.0, 3.0], 600, 0.01)


def check_rosenbrock(optimizer: Optimizer, rates: Sequence[float]) -> None:
    """Check that 5000 steps decrease the value from 24.2 to less than 1: through the valley, which descent enters at 4."""
    _check(optimizer, rates, "Rosenbrock's function", rosenbrock, [-1.2, 1.0], 5000, 1.0)
