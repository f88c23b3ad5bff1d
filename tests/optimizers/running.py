"""Runs a step of any optimizer, in NumPy or compiled, on tensors cut out of the vectors."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import capsules
import numpy as np
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

TENSOR = np.dtype([("offset", "i8"), ("rows", "i8"), ("columns", "i8"), ("layer", "i4"), ("role", "i4")])  # nnc_tensor
ROLES = {"weight": 0, "bias": 1, "scale": 2}


def spans(n: int) -> list[TensorSpan]:
    """The tensors of a network of two layers with `n` parameters, with a layer that has none between them."""
    cuts = [0, n // 2, n // 2 + n // 4, n - n // 8, n]
    kinds = [("weight", 0), ("bias", 0), ("weight", 2), ("bias", 2)]
    return [
        TensorSpan(f"dense_{1 + layer // 2}.{role}", role, layer, start, 1, stop - start)
        for (role, layer), start, stop in zip(kinds, cuts[:-1], cuts[1:], strict=True)
    ]


def numpy_step(o: Optimizer, w: np.ndarray, g: np.ndarray, state: np.ndarray, t: int, tensors: Sequence[TensorSpan] = ()) -> None:
    o.step(w, g, state, t, *([tensors] if o.needs_tensors else []))


def native_step(o: Optimizer, w: np.ndarray, g: np.ndarray, state: np.ndarray, t: int, tensors: Sequence[TensorSpan] = ()) -> None:
    assert o.kernel is not None
    table, suffix = capsules.optimizer(o.kernel.load()), capsules.SUFFIXES[w.dtype]
    arguments: list[Any] = [w, g, state, w.size, t, np.array(o.hyper())]
    if o.needs_tensors:
        rows = [(s.offset, s.rows, s.columns, s.layer, ROLES[s.role]) for s in tensors]
        arguments += [np.array(rows, TENSOR), len(rows)]
    assert getattr(table, f"step{'_tensors' if o.needs_tensors else ''}_{suffix}")(*arguments) == 0
