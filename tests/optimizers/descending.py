"""An ill-conditioned function, on which trajectories of other libraries are recorded, and the format of a trajectory.

E(w) = Σ cᵢ(½uᵢ² + 0.1·sin(3uᵢ)) with u = w − target and c from 1 to 1000, whose gradient is given here in closed form. Optimizers of
matrices descend it with twelve numbers in a matrix.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np

N_STEPS = 150
CURVATURE = np.array([1.0, 4.0, 30.0, 200.0, 1000.0])
TARGET = np.array([0.5, -1.0, 2.0, -0.25, 1.0])
START = np.array([1.5, -2.0, 2.5, 0.25, 0.5])


def gradient(w: np.ndarray) -> np.ndarray:
    n = w.size
    u = w - np.resize(TARGET, n).reshape(w.shape)
    return np.resize(CURVATURE, n).reshape(w.shape) * (u + 0.3 * np.cos(3 * u))


def start(shape: tuple[int, int] | None) -> np.ndarray:
    """A vector, or a matrix; one of a single row is a vector elsewhere."""
    if shape is None:
        return START
    matrix = np.resize(START, shape)
    return matrix[0] if len(matrix) == 1 else matrix


def trajectory(w: np.ndarray, step: Callable[[np.ndarray], np.ndarray]) -> dict[str, np.ndarray]:
    """Parameters w before the first and after every step, (N_STEPS + 1, *shape); gradients g of every step, (N_STEPS, *shape)."""
    path, gradients = [w], []
    for _ in range(N_STEPS):
        gradients.append(gradient(path[-1]))
        path.append(step(gradients[-1]))
    return {"w": np.array(path), "g": np.array(gradients)}


def save(path: Path, version: str, found: Mapping[str, tuple[str, Mapping[str, Any], Mapping[str, np.ndarray]]]) -> None:
    """Write trajectories by name, each with the equivalent component of nncore and its arguments, as JSON.

    A trajectory is parameters w and gradients g, and for an optimizer that evaluates others those, x, after each step.
    """
    arrays: dict[str, np.ndarray] = {}
    for name, (component, arguments, of_steps) in found.items():
        arrays |= {f"{name}/{what}": array for what, array in of_steps.items()}
        arrays[f"{name}/optimizer"] = np.array(json.dumps({"name": component, **arguments}))
    np.savez_compressed(path, version=np.array(version), **arrays)
