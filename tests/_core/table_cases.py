"""Run by test_tables.py in a separate process: networks whose tables lack one function, at every place, for every use.

``python table_cases.py KIND DTYPE`` prints a line for each case before it is tried, and one with the outcome after it.
"""

from __future__ import annotations

import itertools
import json
import sys
from types import ModuleType
from typing import Any

import numpy as np

import nncore as nn
from nncore import registry
from nncore.errors import PluginError
from nncore.plugin import TABLES, Kernel, OptimizerWrapper, function_table, native_kernel
from nncore.testing import tables

X, LABELS = np.random.default_rng(0).normal(size=(6, 4)), np.array([0, 1, 2, 0, 1, 2])


class Moving(OptimizerWrapper):
    """An optimizer with a second gradient, whose table moves parameters by a step of gradient descent."""

    def __init__(self, optimizer: Any = "sgd", *, rho: float = 0.1) -> None:
        self.optimizer = registry.resolve("optimizers", optimizer)
        self.rho = rho

    def perturb(self, w: np.ndarray, g: np.ndarray, norm: float) -> None:
        w -= self.rho * g


def functions(kind: str, kernel: Kernel | None) -> dict[str, int]:
    """Addresses of the functions that a table has."""
    assert kernel is not None
    there = vars(tables.open_table(kernel.load(), kind))
    return {name: function.pointer for name, function in there.items() if function is not None}


def complete(kind: str, hole: str) -> tuple[type[Any], dict[str, int]]:
    """A component whose table has the function, and the addresses of all functions in it."""
    stem, _, _ = hole.rpartition("_")
    if stem == "perturb":
        return Moving, {name.replace("step", "perturb"): address for name, address in functions(kind, native_kernel(nn.SGD)).items()}
    of_kind: dict[str, type[Any]] = {
        "activation": registry.get("activations", "gelu"),  # a complete table
        "loss": registry.get("losses", "softmax_cross_entropy"),
        "metric": registry.get("metrics", "accuracy"),
        "optimizer": nn.SGD if stem == "step" else nn.Lookahead,
        "layer": nn.BatchNorm if stem.endswith("_sums") else nn.Embedding if stem.startswith("touch") else nn.Dense,
        "regularizer": nn.L1,
        "constraint": nn.NonNegative,
        "transform": nn.GaussianNoise,
    }
    return of_kind[kind], functions(kind, native_kernel(of_kind[kind]))


def holed(kind: str, hole: str) -> type[Any]:
    """The component's class with one function missing from its table."""
    base, there = complete(kind, hole)
    module = ModuleType("holed_tables")
    module.table = function_table(kind, **{name: address for name, address in there.items() if name != hole})  # type: ignore[attr-defined]
    sys.modules[module.__name__] = module
    return type("Holed", (base,), {"kernel": Kernel("holed_tables:table"), "label": "holed"})  # a metric's column in histories


def use(kind: str, component_class: type[Any], how: str, dtype: str) -> None:
    activation = component_class() if kind == "activation" else "tanh"
    is_dense = kind == "layer" and issubclass(component_class, nn.Dense)
    arguments = (5, 1) if kind == "layer" and issubclass(component_class, nn.Embedding) else ()
    last = [component_class(3)] if is_dense else [nn.Dense(3), *([component_class(*arguments)] if kind == "layer" else [])]
    loss = component_class() if kind == "loss" else "softmax_cross_entropy"
    optimizer = component_class() if kind == "optimizer" else "sgd"
    rules = {f"weight_{kind}": component_class()} if kind in ("regularizer", "constraint") else {}
    metrics = [component_class()] if kind == "metric" else []
    network = nn.Sequential(nn.Dense(5, activation=activation, **rules), *last)
    if how == "predict":
        network.build(4, dtype=dtype, rng=0).predict(X)
    elif how == "jacobian":
        network.build(4, dtype=dtype, rng=0).jacobian(X)
    elif how == "evaluate":
        network.build(4, loss=loss, dtype=dtype, rng=0).evaluate(X, LABELS, metrics=metrics)
    else:
        transforms = [component_class()] if kind == "transform" else []
        validation = (X, np.eye(3)[LABELS]) if kind == "metric" else None
        network.fit(
            X, LABELS, transforms=transforms, loss=loss, optimizer=optimizer, dtype=dtype, epochs=2, batch_size=3, shards=2, progress=False,
            rng=0, validation=validation, metrics=metrics,
        )  # fmt: skip


def main(kind: str) -> None:
    for hole, dtype, how in itertools.product(TABLES[kind], ("float32", "float64"), ("predict", "evaluate", "jacobian", "train")):
        print(json.dumps([hole, dtype, how]), flush=True)
        try:
            use(kind, holed(kind, hole), how, dtype)
        except PluginError as error:
            print(json.dumps([hole, dtype, how, str(error)]), flush=True)
        else:
            print(json.dumps([hole, dtype, how, ""]), flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
