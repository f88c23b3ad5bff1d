"""A small network for every component of the registry that a file can contain, and the other content of files."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import components
import numpy as np
import pytest

import nncore as nn
from nncore import registry
from nncore.contract import activation_for
from nncore.errors import NNCoreError
from nncore.testing.widths import outputs_for

X = np.random.default_rng(0).normal(size=(12, 6)).astype(np.float32)
Y = (X[:, 0] > 0).astype(np.int64)

#: Kinds of components that are arguments of a fit.
GIVEN: dict[str, Callable[[Any], dict[str, Any]]] = {
    "optimizers": lambda one: {"optimizer": one},
    "schedules": lambda one: {"schedule": one},
    "regularizers": lambda one: {"groups": {"*.weight": {"regularizer": one}}},
    "constraints": lambda one: {"groups": {"*.weight": {"constraint": one}}},
}


def instances(kind: str) -> list[Any]:
    """Components of a kind, one for each example of every class."""
    classes = [registry.get(kind, name) for name in registry.names(kind)]
    return [cls(**arguments) for cls in classes for arguments in cls.examples or ({},)]


def networks() -> Iterator[tuple[str, nn.Sequential]]:
    """Networks, each with a name for messages."""
    for layer in components.layers():
        yield repr(layer), _with_layer(layer)
    for activation in instances("activations"):
        for width in range(1, 40):
            try:
                network = nn.Sequential(nn.Dense(width, activation=activation)).build(6, rng=0)
            except NNCoreError:  # the activation needs another number of columns
                continue
            yield repr(activation), network
            break
        else:
            pytest.fail(f"no width goes with {activation!r}")
    for loss in components.losses():
        n_outputs = outputs_for(loss, 2)
        yield repr(loss), nn.Sequential(nn.Dense(n_outputs, activation=activation_for(loss, n_outputs))).build(6, loss=loss, rng=0)
    for initializer in instances("initializers"):
        yield repr(initializer), nn.Sequential(nn.Dense(6, weight_initializer=initializer)).build(6, rng=0, batch=X)
    for kind, options in GIVEN.items():
        for one in instances(kind):
            yield repr(one), fitted(**options(one), validation=(X, Y))
    yield "a fit cut short", cut_short()


def _with_layer(layer: nn.Layer) -> nn.Sequential:
    for shape in (6, (2, 3)):
        try:
            return nn.Sequential(layer, nn.Flatten(), nn.Dense(2)).build(shape, loss="mse", optimizer="sgd", rng=0)
        except NNCoreError:
            continue
    pytest.fail(f"no network was made with {layer!r}")


def fitted(**options: Any) -> nn.Sequential:
    network = nn.Sequential(nn.Dense(4), nn.BatchNorm(), nn.Dense(2))
    network.fit(X, Y, **{"loss": "softmax_cross_entropy", "epochs": 2, "batch_size": 4, "rng": 0, "progress": False, **options})
    return network


def cut_short() -> nn.Sequential:
    """A fit interrupted in the second epoch, with callback state, an average and metadata."""

    def stop(training: Any) -> None:
        if training.network.n_steps == 4:
            training.stop("cut short for a test")

    class Every(nn.LambdaCallback):
        pause_every = 1

    network = fitted(
        callbacks=[nn.EMA(0.9), nn.EarlyStopping(monitor="loss", mode="max"), Every(on_progress=stop)], schedule="cosine", epochs=3
    )
    assert network.place is not None
    assert len(network.memories) == 2
    network.metadata = {"names": ["a"], "n": 3, "nested": {"x": [0.5, None, True]}}
    return network
