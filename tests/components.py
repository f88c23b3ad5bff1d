"""Enumerates the registered components, so that a new one is tested by existing."""

from __future__ import annotations

from nncore import registry
from nncore.plugin import Activation, Layer, Loss
from nncore.testing.conformance import required_arguments


def layers() -> list[Layer]:
    """An instance of every registered layer, several where it has modes."""
    classes = [registry.get("layers", name) for name in registry.names("layers")]
    examples = [cls(**arguments) for cls in classes for arguments in cls.examples or ({},)]
    return [*examples, registry.get("layers", "batch_norm")(mode="cumulative")]


def activations(trainable: bool = False) -> list[Activation]:
    """An instance of every registered activation that takes any number of columns."""
    classes = [registry.get("activations", name) for name in registry.names("activations")]
    instances = [cls() for cls in classes if not required_arguments(cls)]
    return [a for a in instances if a.trainable or not trainable]


def losses() -> list[Loss]:
    """An instance of every registered loss, several where its examples say so."""
    classes = [registry.get("losses", name) for name in registry.names("losses")]
    return [cls(**arguments) for cls in classes for arguments in cls.examples or ({},)]
