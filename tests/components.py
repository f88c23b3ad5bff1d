"""Enumerates the registered components, so that a new one is tested by existing."""

from __future__ import annotations

from typing import Any

from nncore import registry
from nncore.plugin import Activation, Layer, Loss

#: Arguments for layers that have no defaults for all of theirs.
LAYER_ARGUMENTS: dict[str, list[dict[str, Any]]] = {
    "dense": [{"n_outputs": 5}, {"n_outputs": 5, "use_bias": False}],
    "activation": [{"activation": "tanh"}],
    "batch_norm": [{}, {"mode": "cumulative"}],
    "dropout": [{"rate": 0.4}],
}


def layers() -> list[Layer]:
    """An instance of every registered layer, several where it has modes."""
    return [registry.get("layers", n)(**arguments) for n in registry.names("layers") for arguments in LAYER_ARGUMENTS.get(n, [{}])]


def activations(trainable: bool = False) -> list[Activation]:
    """An instance of every registered activation."""
    instances = [registry.get("activations", name)() for name in registry.names("activations")]
    return [a for a in instances if a.trainable or not trainable]


def losses() -> list[Loss]:
    """An instance of every registered loss."""
    return [registry.get("losses", name)() for name in registry.names("losses")]
