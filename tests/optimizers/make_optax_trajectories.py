"""Records trajectories of optax, as data for test_trajectories.py; run with a Python that has optax when a case is added.

Every case descends the function of descending.py in float64; optax_trajectories.npz holds the trajectories.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import jax
import numpy as np
import optax
from descending import save, start, trajectory
from optax.contrib import schedule_free_adamw, schedule_free_eval_params, schedule_free_sgd

jax.config.update("jax_enable_x64", True)

#: name: (component and arguments in nncore, the optimizer of optax, shape of a matrix or None)
CASES = {
    "lion": ("lion", {"lr": 1e-3}, optax.lion(1e-3, weight_decay=0.0), None),
    "lion, other numbers": (
        "lion",
        {"lr": 0.01, "beta1": 0.8, "beta2": 0.95, "weight_decay": 0.3},
        optax.lion(0.01, b1=0.8, b2=0.95, weight_decay=0.3),
        None,
    ),
    "radam": ("radam", {}, optax.radam(1e-3), None),
    "radam, other numbers": (
        "radam",
        {"lr": 2e-3, "beta1": 0.8, "beta2": 0.95, "epsilon": 1e-2},
        optax.radam(2e-3, b1=0.8, b2=0.95, eps=1e-2),
        None,
    ),
    "schedule_free": ("schedule_free", {"lr": 0.01}, schedule_free_adamw(0.01), None),
    "schedule_free, other numbers": (
        "schedule_free",
        {"lr": 0.02, "beta1": 0.95, "beta2": 0.9, "epsilon": 1e-2, "weight_decay": 0.3},
        schedule_free_adamw(0.02, b1=0.95, b2=0.9, eps=1e-2, weight_decay=0.3),
        None,
    ),
    "schedule_free_sgd": ("schedule_free_sgd", {"lr": 1e-3}, schedule_free_sgd(1e-3), None),
    "schedule_free_sgd, other numbers": (
        "schedule_free_sgd",
        {"lr": 5e-4, "beta": 0.7, "weight_decay": 0.3},
        schedule_free_sgd(5e-4, b1=0.7, weight_decay=0.3),
        None,
    ),
    "lamb, a vector": ("lamb", {}, optax.lamb(1e-3), (1, 12)),
    "lamb": ("lamb", {"lr": 0.01}, optax.lamb(0.01), (3, 4)),
    "lamb, other numbers": (
        "lamb",
        {"lr": 0.02, "beta1": 0.8, "beta2": 0.95, "epsilon": 1e-2, "weight_decay": 0.3},
        optax.lamb(0.02, b1=0.8, b2=0.95, eps=1e-2, weight_decay=0.3),
        (4, 3),
    ),
}


def optax_step(
    optimizer: optax.GradientTransformation, first: np.ndarray, evaluated: list[np.ndarray] | None
) -> Callable[[np.ndarray], np.ndarray]:
    """A function that takes gradients, steps, and returns parameters; the parameters to evaluate are appended to a list."""
    w = jax.numpy.asarray(first)
    state = optimizer.init(w)

    def step(g: np.ndarray) -> np.ndarray:
        nonlocal w, state
        updates, state = optimizer.update(jax.numpy.asarray(g), state, w)
        w = optax.apply_updates(w, updates)
        if evaluated is not None:
            evaluated.append(np.asarray(schedule_free_eval_params(state, w)))
        return np.asarray(w)

    return step


def main() -> None:
    found = {}
    for name, (component, arguments, optimizer, shape) in CASES.items():
        first, evaluated = start(shape), [] if component.startswith("schedule_free") else None
        of_steps = trajectory(first, optax_step(optimizer, first, evaluated))
        found[name] = component, arguments, of_steps | ({} if evaluated is None else {"x": np.array(evaluated)})
    save(Path(__file__).with_name("optax_trajectories.npz"), f"optax {optax.__version__}", found)


if __name__ == "__main__":
    main()
