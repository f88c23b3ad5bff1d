"""Data of the benchmark, equal for every side."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np


def samples(task: dict[str, Any]) -> tuple[np.ndarray, np.ndarray]:
    """Inputs, float32 of shape (rows, n_inputs), and int64 labels of shape (rows,) or, for ``mse``, float32 targets (rows, n_outputs)."""
    rng = np.random.default_rng(0)
    n_rows, (n_inputs, *_, n_outputs) = task["rows"], task["widths"]
    X = rng.standard_normal((n_rows, n_inputs), np.float32)
    if task["loss"] == "mse":
        return X, rng.standard_normal((n_rows, n_outputs), np.float32)
    return X, rng.integers(n_outputs, size=n_rows)


def parameters(task: dict[str, Any]) -> list[tuple[np.ndarray, np.ndarray]]:
    """Weights of shape (n_in, n_out) and biases of shape (n_out,), float32, He's scale, layer by layer."""
    rng = np.random.default_rng(1)
    widths = task["widths"]
    return [
        (np.float32((2 / n_in) ** 0.5) * rng.standard_normal((n_in, n_out), np.float32), np.zeros(n_out, np.float32))
        for n_in, n_out in itertools.pairwise(widths)
    ]
