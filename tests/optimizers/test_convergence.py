"""Every optimizer reaches the minimum of a quadratic function and follows Rosenbrock's valley, in NumPy and compiled."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from manifest import classes

from nncore.plugin import Optimizer, TensorSpan
from nncore.testing.stepping import native_step, numpy_step, zeros

OPTIMIZERS = classes("optimizers")
CURVATURE, BOTTOM = np.array([1.0, 3.0, 10.0]), np.array([2.0, -1.0, 0.5])

#: Arguments for the quadratic function and for the valley.
ARGUMENTS: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "sgd": ({"lr": 0.1}, {"lr": 1e-3}),
    "momentum": ({"lr": 0.02}, {"lr": 5e-4}),
    "nesterov": ({"lr": 0.02}, {"lr": 5e-4}),
    "adagrad": ({"lr": 1.0}, {"lr": 0.5}),
    "rmsprop": ({"lr": 0.01}, {"lr": 2e-3}),
    "adam": ({"lr": 0.05}, {"lr": 0.02}),
    "adamw": ({"lr": 0.05, "weight_decay": 1e-4}, {"lr": 0.02, "weight_decay": 1e-4}),
    "nadam": ({"lr": 0.05}, {"lr": 0.02}),
    "radam": ({"lr": 0.05}, {"lr": 5e-3}),
    "adamax": ({"lr": 0.1}, {"lr": 0.02}),
    "adadelta": ({"lr": 3.0}, {"lr": 0.1}),
    "lion": ({"lr": 0.01}, {"lr": 1e-3}),
    "lamb": ({"lr": 5e-3}, {"lr": 5e-3}),
    "muon": ({"lr": 1.0}, {"lr": 0.4}),
    "schedule_free": ({"lr": 0.1}, {"lr": 0.02}),
    "schedule_free_sgd": ({"lr": 0.1}, {"lr": 1e-3}),
    "sam": ({"optimizer": {"name": "adam", "lr": 0.05}}, {"optimizer": {"name": "adam", "lr": 0.02}}),
    "lookahead": ({"optimizer": {"name": "adam", "lr": 0.1}}, {"optimizer": {"name": "adam", "lr": 0.04}}),
    "adafactor": ({"lr": 0.05, "scale_parameter": False}, {"lr": 2e-3, "scale_parameter": False}),
    "block_coordinate": ({"lr": 0.1, "block": "tensor"}, {"lr": 1e-3, "block": "tensor"}),
}

#: Steps relative to the size of a tensor cannot move a single number past 0: for these all coordinates are one tensor.
RELATIVE = {"lamb"}

every = pytest.mark.parametrize("name", OPTIMIZERS)
either = pytest.mark.parametrize("step", [numpy_step, native_step])


def bowl(w: np.ndarray) -> tuple[float, np.ndarray]:
    return float(CURVATURE @ (w - BOTTOM) ** 2) / 2, CURVATURE * (w - BOTTOM)


def rosenbrock(w: np.ndarray) -> tuple[float, np.ndarray]:
    x, y = w
    return (1 - x) ** 2 + 100 * (y - x * x) ** 2, np.array([2 * (x - 1) - 400 * x * (y - x * x), 200 * (y - x * x)])


def descend(
    optimizer: Optimizer, step: Callable[..., None], function: Callable[[np.ndarray], tuple[float, np.ndarray]], start: list[float], n: int
) -> np.ndarray:
    """Parameters after `n` steps; every coordinate is a tensor of its own, unless steps are relative to tensors."""
    w = np.array(start)
    tensors = [TensorSpan(f"dense_{i}.weight", "weight", i, i, 1, 1) for i in range(w.size)]
    if isinstance(optimizer, tuple(OPTIMIZERS[name] for name in RELATIVE)):
        tensors = [TensorSpan("dense_1.weight", "weight", 0, 0, 1, w.size)]
    state = zeros(optimizer, w.size, np.float64, tensors)
    for t in range(1, n + 1):
        step(optimizer, w, function(w)[1], state, t, tensors)
    return w


@every
@either
def test_bowl(name: str, step: Callable[..., None]) -> None:
    w = descend(OPTIMIZERS[name](**ARGUMENTS[name][0]), step, bowl, [-1.0, 1.0, 3.0], 600)
    # RMSProp steps lr at a time to the end; weight decay moves the bottom by less than itself.
    np.testing.assert_allclose(w, BOTTOM, rtol=0, atol=0.01)


@pytest.mark.slow  # the kit also tests each of them in the valley
@every
@either
def test_rosenbrock(name: str, step: Callable[..., None]) -> None:
    """Each optimizer gets from 24.2, at the usual start, past the flat valley floor near (−1, 1), where the function is 4."""
    w = descend(OPTIMIZERS[name](**ARGUMENTS[name][1]), step, rosenbrock, [-1.2, 1.0], 5000)
    assert rosenbrock(w)[0] < 0.1


@pytest.mark.parametrize(("fast", "slow"), [("momentum", "sgd"), ("nesterov", "sgd")])
def test_momentum_is_faster_along_a_valley(fast: str, slow: str) -> None:
    def ravine(w: np.ndarray) -> tuple[float, np.ndarray]:
        return float(np.array([1.0, 100.0]) @ w**2) / 2, np.array([1.0, 100.0]) * w

    ends = {name: descend(OPTIMIZERS[name](lr=0.01), numpy_step, ravine, [1.0, 1.0], 100) for name in (fast, slow)}
    assert ravine(ends[fast])[0] < 0.1 * ravine(ends[slow])[0]
