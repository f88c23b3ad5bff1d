"""Random networks of registered components, with random data and random arguments of a fit."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import components
import numpy as np
from test_gradients import make_target

import nncore as nn
from nncore import registry
from nncore.contract import activation_for
from nncore.errors import NNCoreError
from nncore.plugin import Configurable, Layer, Loss, Optimizer
from nncore.testing import numpy_twin
from nncore.testing.conformance import required_arguments
from nncore.testing.widths import outputs_for

#: Layers that are only used at the front, where the data are made for them.
OF_THE_FRONT = (nn.Embedding, nn.FillMissing)


@dataclass
class Case:
    """A network that is not built yet, its data, and the arguments of its fit."""

    layers: list[Layer]
    X: np.ndarray
    y: np.ndarray
    fit: dict[str, Any]
    n_parts: int

    def network(self) -> nn.Sequential:
        return nn.Sequential(*self.layers)


def random_case(seed: int) -> Case:
    """The case of this number, the same on every machine."""
    rng = np.random.default_rng(seed)
    n_rows, n_inputs = int(rng.integers(2, 70)), int(rng.integers(1, 40))
    # Not Triplet, whose hardest sample may change by a rounding error.
    loss = pick(rng, [loss for loss in components.losses() if not isinstance(loss, nn.Triplet)])
    n_outputs = outputs_for(loss, int(rng.integers(1, 20)))
    X, front = random_front(rng, rng.normal(size=(n_rows, n_inputs)))
    last = nn.Dense(n_outputs, activation=instance(activation_for(loss, n_outputs)))
    layers = [*front, *random_layers(rng, front, last, X.shape[1:], int(rng.integers(0, 5))), last]
    for number, layer in enumerate(layers):
        layer.name = layer.name or f"layer_{number}"  # layers are named, since the default names of a twin's class differ
    kind = loss.targets_for(n_outputs)
    labels = kind == "labels" or (kind == "both" and rng.random() < 0.5)
    y = make_target(loss, rng, n_outputs, labels=labels, n_rows=n_rows)
    case = Case(layers, X, y, random_fit(rng, loss, n_rows), n_parts=int(rng.integers(1, 4)))
    names = [*case.network().build(X.shape[1:], rng=0).named_parameters()]
    if rng.random() < 0.3 and len(names) > 1:  # the last tensor is never frozen
        case.fit["groups"] = {pick(rng, names[:-1]): {"frozen": True}} if rng.random() < 0.7 else {pick(rng, names): {"lr_factor": 0.5}}
    try:
        case.network().fit(X, y, **case.fit | {"epochs": 0})
    except NNCoreError:  # not every loss accepts the targets of a transform
        del case.fit["transforms"]
    return case


def pick(rng: np.random.Generator, choices: Sequence[Any]) -> Any:
    return choices[int(rng.integers(len(choices)))]


def instance(name: str | None) -> Any:
    return None if name is None else registry.resolve("activations", name)


def made(rng: np.random.Generator, kind: str) -> Any:
    """A component of `kind` without required arguments, with numbers that keep rounding errors small."""
    cls = pick(rng, [cls for cls in (registry.get(kind, name) for name in registry.names(kind)) if not required_arguments(cls)])
    if kind != "optimizers":
        return cls(**(cls.examples or ({},))[0])
    wanted: dict[str, Callable[[], Any]] = {
        "lr": lambda: 1e-3,
        "epsilon": lambda: 1e-2,  # an optimizer that divides by the size of a gradient would magnify one that consists of rounding
        "optimizer": lambda: nn.Momentum(1e-3),
    }
    return cls(**{name: value() for name, value in wanted.items() if name in inspect.signature(cls).parameters})


def random_front(rng: np.random.Generator, X: np.ndarray) -> tuple[np.ndarray, list[Layer]]:
    """Data, sometimes with gaps or with a column of categories, and the layer that takes them."""
    chance = rng.random()
    if chance < 0.15:
        X[rng.random(X.shape) < 0.2] = np.nan
        X[0] = 0  # no column of missing values alone
        return X, [nn.FillMissing(indicator=bool(rng.random() < 0.5))]
    if chance < 0.3:
        X[:, 0] = rng.integers(5, size=len(X))
        return X, [nn.Embedding(5, int(rng.integers(1, 6)), columns=[0])]
    return X, []


def random_dense(rng: np.random.Generator, **arguments: Any) -> nn.Dense:
    activation = pick(rng, [None, *components.activations(trainable=True)])
    rules = {"weight_regularizer": "regularizers", "bias_regularizer": "regularizers", "weight_constraint": "constraints"}
    chosen = {name: made(rng, kind) for name, kind in rules.items() if rng.random() < 0.15}
    use_bias = "bias_regularizer" in chosen or bool(rng.random() < 0.8)
    # Not zeros: if a bias consists of rounding errors, a norm's gradient has any direction.
    chosen |= {"bias_initializer": {"name": "constant", "value": 0.1}} if use_bias else {}
    return nn.Dense(int(rng.integers(1, 40)), activation=activation, use_bias=use_bias, **chosen, **arguments)


def random_layers(rng: np.random.Generator, front: list[Layer], last: Layer, shape: tuple[int, ...], depth: int) -> list[Layer]:
    """Layers between the front and the last layer; one that does not fit there is left out."""
    others = [layer for layer in components.layers(trainable=True) if not isinstance(layer, OF_THE_FRONT)]
    makers: list[Callable[[], Layer]] = [
        lambda: random_dense(rng),
        lambda: pick(rng, others),
        lambda: nn.Dropout(float(rng.uniform(0, 0.9))),
        lambda: random_dense(rng, name=f"shared_{len(layers)}"),
        lambda: nn.Dense(1, tied_to=pick(rng, shared)) if (shared := [one.name for one in layers if one.name]) else nn.Flatten(),
    ]
    layers: list[Layer] = []
    for _ in range(depth):
        layer = pick(rng, makers)()
        if getattr(layer, "tied_to", None) is not None:
            origin = next(one for one in layers if one.name == layer.tied_to)
            layer = nn.Dense(origin.n_outputs, activation=origin.activation, tied_to=origin.name)
        try:
            nn.Sequential(*front, *layers, layer, last).build(shape, rng=0)
        except NNCoreError:
            continue
        layers.append(layer)
    return layers


def random_fit(rng: np.random.Generator, loss: Loss, n_rows: int) -> dict[str, Any]:
    """Arguments of `fit`."""
    fit: dict[str, Any] = {
        "loss": loss, "optimizer": made(rng, "optimizers"), "epochs": 2, "batch_size": int(rng.integers(min(2, n_rows), n_rows + 1)),
        "shuffle": bool(rng.random() < 0.5), "drop_last": bool(rng.random() < 0.2), "rng": int(rng.integers(2**16)), "progress": False,
        "dtype": pick(rng, ["float32", "float64", "float64"]), "metrics": [],
    }  # fmt: skip
    sometimes: dict[str, Callable[[], Any]] = {
        "sample_weight": lambda: rng.uniform(0.1, 2, n_rows),
        "weight_decay": lambda: 0.01,
        "clip_norm": lambda: float(rng.uniform(0.1, 10)),
        "accumulate": lambda: 1 if loss.needs_batch else int(rng.integers(1, 4)),
        "schedule": lambda: "cosine",
        "shards": lambda: int(rng.integers(1, fit["batch_size"] + 1)),
    }
    for name, make in sometimes.items():
        if rng.random() < 0.3:
            fit[name] = make()
    if rng.random() < 0.2 and not loss.needs_batch:
        fit["transforms"] = [made(rng, "transforms")]
    return fit


def on_numpy(value: Any) -> Any:
    """The same components without any kernel, including those that they contain."""
    if isinstance(value, Configurable):
        twin = numpy_twin(value) if getattr(value, "kernel", None) is not None else _copied(value)
        for name, part in vars(twin).items():
            setattr(twin, name, on_numpy(part))
        return twin
    if isinstance(value, (list, tuple)):
        return type(value)(on_numpy(part) for part in value)
    if isinstance(value, dict):
        return {name: on_numpy(part) for name, part in value.items()}
    return value


def _copied(component: Any) -> Any:
    made = object.__new__(type(component))
    vars(made).update(vars(component))
    return made


def twin_of(case: Case) -> Case:
    return Case(on_numpy(case.layers), case.X, case.y, on_numpy(case.fit), case.n_parts)


def written(case: Case) -> str:
    """Text of the case for failure messages."""
    fit = {
        name: value if np.ndim(value) == 0 else type(value).__name__ for name, value in case.fit.items() if not isinstance(value, Optimizer)
    }
    return f"{case.layers}\nX {case.X.shape}, y {case.y.shape}, {case.n_parts} threads\n{fit}\n{case.fit['optimizer']}"
