"""Records trajectories of torch.optim, as data for test_trajectories.py; run with a Python that has PyTorch (CPU) when a case is added.

Every case descends the function of descending.py in float64; torch_trajectories.npz holds the trajectories.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from descending import save, start, trajectory

torch.set_default_dtype(torch.float64)  # also for scalars that an optimizer stores
torch.Tensor.bfloat16 = torch.Tensor.clone  # no rounding where Muon orthogonalises in bfloat16

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
    "adam, amsgrad": ("adam", {"lr": 0.02, "amsgrad": True}, "Adam", {"lr": 0.02, "amsgrad": True}),
    "adamw": ("adamw", {}, "AdamW", {}),
    "adamw, strong decay": ("adamw", {"lr": 0.02, "weight_decay": 0.5}, "AdamW", {"lr": 0.02, "weight_decay": 0.5}),
    "adamw, amsgrad": ("adamw", {"beta2": 0.9, "amsgrad": True}, "AdamW", {"betas": (0.9, 0.9), "amsgrad": True}),
    "rmsprop, centered": ("rmsprop", {"epsilon": 1e-3, "centered": True}, "RMSprop", {"lr": 1e-3, "eps": 1e-3, "centered": True}),
    "nadam": ("nadam", {}, "NAdam", {}),
    "nadam, other numbers": (
        "nadam",
        {"lr": 0.02, "beta1": 0.8, "beta2": 0.95, "epsilon": 1e-2, "momentum_decay": 0.1},
        "NAdam",
        {"lr": 0.02, "betas": (0.8, 0.95), "eps": 1e-2, "momentum_decay": 0.1},
    ),
    "radam, no epsilon": ("radam", {"epsilon": 1e-30}, "RAdam", {"eps": 1e-30}),  # which torch adds elsewhere
    "adamax": ("adamax", {}, "Adamax", {}),
    "adamax, other numbers": (
        "adamax",
        {"lr": 0.02, "beta1": 0.8, "beta2": 0.95, "epsilon": 1e-2},
        "Adamax",
        {"lr": 0.02, "betas": (0.8, 0.95), "eps": 1e-2},
    ),
    "adadelta": ("adadelta", {}, "Adadelta", {}),
    "adadelta, other numbers": ("adadelta", {"lr": 0.5, "rho": 0.8, "epsilon": 1e-3}, "Adadelta", {"lr": 0.5, "rho": 0.8, "eps": 1e-3}),
}
#: The same for optimizers of matrices, with the shape.
MATRIX_CASES = {
    "adafactor, a vector": ("adafactor", {"relative_step": True}, "Adafactor", {}, (1, 12)),
    "adafactor": ("adafactor", {"relative_step": True}, "Adafactor", {}, (3, 4)),
    "adafactor, wide": ("adafactor", {"lr": 0.05, "relative_step": True}, "Adafactor", {"lr": 0.05}, (2, 6)),
    "muon": ("muon", {"lr": 0.02}, "Muon", {"lr": 0.02, "weight_decay": 0.0}, (3, 4)),
    "muon, tall": ("muon", {"lr": 0.01, "nesterov": False}, "Muon", {"lr": 0.01, "weight_decay": 0.0, "nesterov": False}, (6, 2)),
    "muon, other numbers": (
        "muon",
        {"lr": 0.05, "momentum": 0.8, "n_iterations": 3, "weight_decay": 0.3, "match_adamw": True},
        "Muon",
        {"lr": 0.05, "momentum": 0.8, "ns_steps": 3, "weight_decay": 0.3, "adjust_lr_fn": "match_rms_adamw"},
        (4, 3),
    ),
    "adafactor, other numbers": (
        "adafactor",
        {"lr": 0.2, "beta2_decay": 0.5, "scale_floor": 0.1, "clip": 1.5, "weight_decay": 0.1, "relative_step": True},
        "Adafactor",
        {"lr": 0.2, "beta2_decay": -0.5, "eps": (None, 0.1), "d": 1.5, "weight_decay": 0.1},
        (4, 3),
    ),
}


def torch_step(optimizer_class: str, arguments: dict[str, object], first: np.ndarray) -> Callable[[np.ndarray], np.ndarray]:
    """A function that takes gradients, steps, and returns parameters."""
    is_turned = optimizer_class == "Muon"  # whose weights are (n_out, n_in)
    w = torch.tensor(first.T.copy() if is_turned else first, dtype=torch.float64, requires_grad=True)
    optimizer = getattr(torch.optim, optimizer_class)([w], **arguments)

    def step(g: np.ndarray) -> np.ndarray:
        w.grad = torch.tensor(g.T.copy() if is_turned else g)
        optimizer.step()
        after = w.detach().numpy().copy()
        return after.T if is_turned else after

    return step


def main() -> None:
    found = {}
    for name, (component, arguments, optimizer_class, torch_arguments, *shapes) in {**CASES, **MATRIX_CASES}.items():
        first = start(shapes[0] if shapes else None)
        found[name] = component, arguments, trajectory(first, torch_step(optimizer_class, torch_arguments, first))
    save(Path(__file__).with_name("torch_trajectories.npz"), f"torch {torch.__version__}", found)


if __name__ == "__main__":
    main()
