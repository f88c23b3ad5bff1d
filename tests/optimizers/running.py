"""The optimizers under test, with unusual hyperparameters too, and tensors for those that need them."""

from __future__ import annotations

from typing import Any

from manifest import classes

from nncore.plugin import Optimizer, TensorSpan

#: Unusual hyperparameters beside the defaults, all different, so that a kernel that mixes them up is found.
ARGUMENTS: dict[str, list[dict[str, Any]]] = {
    "sgd": [{"lr": 0.7}],
    "momentum": [{"lr": 0.7, "momentum": 0.6}, {"momentum": 0.0}],
    "nesterov": [{"lr": 0.7, "momentum": 0.6}, {"momentum": 0.0}],
    "adagrad": [{"lr": 0.7, "epsilon": 0.2}],
    "rmsprop": [{"lr": 0.7, "rho": 0.6, "epsilon": 0.2}, {"rho": 0.0}],
    "adam": [
        {"lr": 0.7, "beta1": 0.6, "beta2": 0.8, "epsilon": 0.2},
        {"lr": 0.7, "beta1": 0.6, "beta2": 0.8, "epsilon": 0.2, "epsilon_inside": True},
        {"beta1": 0.0, "beta2": 0.0},
    ],
    "adamw": [{"lr": 0.7, "beta1": 0.6, "beta2": 0.8, "epsilon": 0.2, "weight_decay": 0.3}],
    "block_coordinate": [{"lr": 0.7}, {"lr": 0.7, "block": "tensor"}, {"lr": 0.7, "block": "tensor", "steps_per_block": 2}],
}
OPTIMIZERS: list[Optimizer] = [
    cls(**arguments) for name, cls in classes("optimizers").items() for arguments in [{}, *ARGUMENTS.get(name, [])]
]


def spans(n: int) -> list[TensorSpan]:
    """The tensors of a network of two layers with `n` parameters, with a layer that has none between them."""
    cuts = [0, n // 2, n // 2 + n // 4, n - n // 8, n]
    kinds = [("weight", 0), ("bias", 0), ("weight", 2), ("bias", 2)]
    return [
        TensorSpan(f"dense_{1 + layer // 2}.{role}", role, layer, start, 1, stop - start)
        for (role, layer), start, stop in zip(kinds, cuts[:-1], cuts[1:], strict=True)
    ]
