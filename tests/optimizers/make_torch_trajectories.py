"""Records what torch.optim does, as data for test_torch.py; run with a Python that has PyTorch (CPU) when a case is added.

Every case descends the same ill-conditioned function in float64, E(w) = Σ cᵢ(½uᵢ² + 0.1·sin(3uᵢ)) with u = w − target and c from
1 to 1000, whose gradient is written down here in closed form; parameters and gradients of every step go to
torch_trajectories.npz, and with them, as JSON, the optimizer of nncore that should do the same. Optimizers of matrices descend it with
twelve numbers in a matrix.
"""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import torch

N_STEPS = 150
CURVATURE = np.array([1.0, 4.0, 30.0, 200.0, 1000.0])
TARGET = np.array([0.5, -1.0, 2.0, -0.25, 1.0])
START = np.array([1.5, -2.0, 2.5, 0.25, 0.5])

#: name: (component and arguments in nncore, class and arguments in torch.optim)
CASES = {
    "sgd": ("sgd", {"lr": 1e-3}, "SGD", {"lr": 1e-3}),
    "momentum": ("momentum", {"lr": 2e-4, "momentum": 0.9}, "SGD", {"lr": 2e-4, "momentum": 0.9}),
    "nesterov": ("nesterov", {"lr": 2e-4, "momentum": 0.8}, "SGD", {"lr": 2e-4, "momentum": 0.8, "nesterov": True}),
    "adagrad": ("adagrad", {"lr": 0.1}, "Adagrad", {"lr": 0.1}),
    "adagrad, large epsilon": ("adagrad", {"lr": 0.1, "epsilon": 1e-3}, "Adagrad", {"lr": 0.1, "eps": 1e-3}),
    "rmsprop": ("rmsprop", {}, "RMSprop", {"lr": 1e-3}),
    "rmsprop, short memory": ("rmsprop", {"lr": 0.01, "rho": 0.9, "epsilon": 0.1}, "RMSprop", {"lr": 0.01, "alpha": 0.9, "eps": 0.1}),
    "adam": ("adam", {}, "Adam", {}),
    "adam, other betas": (
        "adam",
        {"lr": 0.02, "beta1": 0.8, "beta2": 0.95, "epsilon": 1e-2},
        "Adam",
        {"lr": 0.02, "betas": (0.8, 0.95), "eps": 1e-2},
    ),
    "adamw": ("adamw", {}, "AdamW", {}),
    "adamw, strong decay": ("adamw", {"lr": 0.02, "weight_decay": 0.5}, "AdamW", {"lr": 0.02, "weight_decay": 0.5}),
}
#: The same for optimizers of matrices, with the shape.
MATRIX_CASES = {
    "adafactor, a vector": ("adafactor", {"relative_step": True}, "Adafactor", {}, (1, 12)),
    "adafactor": ("adafactor", {"relative_step": True}, "Adafactor", {}, (3, 4)),
    "adafactor, wide": ("adafactor", {"lr": 0.05, "relative_step": True}, "Adafactor", {"lr": 0.05}, (2, 6)),
    "adafactor, other numbers": (
        "adafactor",
        {"lr": 0.2, "beta2_decay": 0.5, "scale_floor": 0.1, "clip": 1.5, "weight_decay": 0.1, "relative_step": True},
        "Adafactor",
        {"lr": 0.2, "beta2_decay": -0.5, "eps": (None, 0.1), "d": 1.5, "weight_decay": 0.1},
        (4, 3),
    ),
}


def gradient(w: np.ndarray) -> np.ndarray:
    n = w.size
    u = w - np.resize(TARGET, n).reshape(w.shape)
    return np.resize(CURVATURE, n).reshape(w.shape) * (u + 0.3 * np.cos(3 * u))


def trajectory(optimizer_class: str, arguments: dict[str, object], start: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Parameters before the first and after every step, (N_STEPS + 1, *shape); gradients of every step, (N_STEPS, *shape)."""
    w = torch.tensor(start, dtype=torch.float64, requires_grad=True)
    optimizer = getattr(torch.optim, optimizer_class)([w], **arguments)
    path, gradients = [start], []
    for _ in range(N_STEPS):
        gradients.append(gradient(w.detach().numpy()))
        w.grad = torch.tensor(gradients[-1])
        optimizer.step()
        path.append(w.detach().numpy().copy())
    return np.array(path), np.array(gradients)


def main() -> None:
    arrays: dict[str, np.ndarray] = {}
    for name, (component, arguments, optimizer_class, torch_arguments, *shapes) in {**CASES, **MATRIX_CASES}.items():
        start = np.resize(START, shapes[0]) if shapes else START  # a matrix of one row is a vector for torch
        arrays[f"{name}/w"], arrays[f"{name}/g"] = trajectory(optimizer_class, torch_arguments, start[0] if len(start) == 1 else start)
        arrays[f"{name}/optimizer"] = np.array(json.dumps({"name": component, **arguments}))
    np.savez_compressed(Path(__file__).with_name("torch_trajectories.npz"), torch_version=np.array(torch.__version__), **arrays)


if __name__ == "__main__":
    main()
