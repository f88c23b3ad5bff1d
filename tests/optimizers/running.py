"""The optimizers under test, also with unusual hyperparameters."""

from __future__ import annotations

from typing import Any

from manifest import classes

from nncore.plugin import Optimizer

#: Unusual hyperparameters in addition to the defaults, all different, so that a kernel that mixes them up fails.
ARGUMENTS: dict[str, list[dict[str, Any]]] = {
    "sgd": [{"lr": 0.7}],
    "momentum": [{"lr": 0.7, "momentum": 0.6}, {"momentum": 0.0}],
    "nesterov": [{"lr": 0.7, "momentum": 0.6}, {"momentum": 0.0}],
    "adagrad": [{"lr": 0.7, "epsilon": 0.2}],
    "rmsprop": [{"lr": 0.7, "rho": 0.6, "epsilon": 0.2}, {"rho": 0.0}, {"lr": 0.7, "rho": 0.6, "epsilon": 0.2, "centered": True}],
    "adam": [
        {"lr": 0.7, "beta1": 0.6, "beta2": 0.8, "epsilon": 0.2},
        {"lr": 0.7, "beta1": 0.6, "beta2": 0.8, "epsilon": 0.2, "epsilon_inside": True},
        {"beta1": 0.0, "beta2": 0.0},
        {"lr": 0.7, "beta1": 0.6, "beta2": 0.8, "epsilon": 0.2, "amsgrad": True},
        {"lr": 0.7, "beta1": 0.6, "beta2": 0.8, "epsilon": 0.2, "epsilon_inside": True, "amsgrad": True},
    ],
    "adamw": [
        {"lr": 0.7, "beta1": 0.6, "beta2": 0.8, "epsilon": 0.2, "weight_decay": 0.3},
        {"lr": 0.7, "beta1": 0.6, "beta2": 0.8, "epsilon": 0.2, "weight_decay": 0.3, "amsgrad": True},
    ],
    "nadam": [{"lr": 0.7, "beta1": 0.6, "beta2": 0.8, "epsilon": 0.2, "momentum_decay": 0.5}, {"beta1": 0.0, "momentum_decay": 0.0}],
    "radam": [{"lr": 0.7, "beta1": 0.6, "beta2": 0.9, "epsilon": 0.2}, {"lr": 0.7, "beta1": 0.4, "beta2": 0.5}],
    "adamax": [{"lr": 0.7, "beta1": 0.6, "beta2": 0.8, "epsilon": 0.2}, {"beta1": 0.0, "beta2": 0.0}],
    "adadelta": [{"lr": 0.7, "rho": 0.6, "epsilon": 0.2}, {"rho": 0.0}],
    "lion": [{"lr": 0.7, "beta1": 0.6, "beta2": 0.8, "weight_decay": 0.3}, {"beta1": 0.0, "beta2": 0.0}],
    "lamb": [{"lr": 0.7, "beta1": 0.6, "beta2": 0.8, "epsilon": 0.2, "weight_decay": 0.3}, {"lr": 0.7, "beta1": 0.0, "beta2": 0.0}],
    "schedule_free": [
        {"lr": 0.7, "beta1": 0.6, "beta2": 0.8, "epsilon": 0.2, "weight_decay": 0.3, "warmup_steps": 4},
        {"lr": 0.7, "beta1": 0.6, "warmup_steps": 1},
    ],
    "schedule_free_sgd": [{"lr": 0.7, "beta": 0.6, "weight_decay": 0.3, "warmup_steps": 4}],
    "muon": [
        {
            "lr": 0.7,
            "momentum": 0.6,
            "n_iterations": 3,
            "weight_decay": 0.3,
            "adamw_ratio": 1.0,
            "beta1": 0.5,
            "beta2": 0.8,
            "epsilon": 0.2,
        },
        {"lr": 0.1, "nesterov": False, "match_adamw": True},
    ],
    "sam": [{"optimizer": {"name": "momentum", "lr": 0.7, "momentum": 0.6}, "rho": 0.2}, {"optimizer": "adafactor"}],
    "lookahead": [
        {"optimizer": {"name": "adam", "lr": 0.7, "beta1": 0.6}, "every": 3, "alpha": 0.8},
        {"optimizer": "sgd", "every": 1, "alpha": 1.0},
        {"optimizer": {"name": "block_coordinate", "lr": 0.7}, "every": 2},
    ],
    "adafactor": [
        {"lr": 0.7, "beta2_decay": 0.6, "epsilon": 0.2, "scale_floor": 0.4, "clip": 0.3, "weight_decay": 0.1},
        {"lr": 0.7, "relative_step": True},
        {"lr": 0.01, "scale_parameter": False},
    ],
    "block_coordinate": [{"lr": 0.7}, {"lr": 0.7, "block": "tensor"}, {"lr": 0.7, "block": "tensor", "steps_per_block": 2}],
}
OPTIMIZERS: list[Optimizer] = [
    cls(**arguments) for name, cls in classes("optimizers").items() for arguments in [{}, *ARGUMENTS.get(name, [])]
]
