"""Enumerates the registered components, so that tests cover new ones without a change."""

from __future__ import annotations

from nncore import registry
from nncore.errors import ShapeError
from nncore.layers.concat import Concat
from nncore.layers.flatten import Flatten
from nncore.layers.repeat_members import RepeatMembers
from nncore.plugin import Activation, Layer, Loss
from nncore.testing.conformance import required_arguments

#: Shape of a vector that every layer accepts.
N_INPUTS = (4,)


def layers(trainable: bool = False) -> list[Layer]:
    """An instance of every registered layer, several where it has modes, between vectors."""
    classes = [registry.get("layers", name) for name in registry.names("layers")]
    examples = [cls(**arguments) for cls in classes for arguments in cls.examples or ({},)]
    examples = [layer for layer in examples if layer.trainable or not trainable]
    return [*map(framed, examples), registry.get("layers", "batch_norm")(mode="cumulative")]


def framed(layer: Layer) -> Layer:
    """A layer from vectors to vectors: a layer for members of an ensemble gets layers around it that make members and vectors of them."""
    before, shape = [], N_INPUTS
    if len(getattr(layer, "input_shapes", (N_INPUTS,))[0]) > 1:
        before, shape = [RepeatMembers(2)], (2, *N_INPUTS)
    plan = layer.plan(shape)
    if plan.branches or (not before and len(plan.output_shape) == 1):
        return layer
    return Concat([[*before, layer.named("framed"), Flatten()]])  # layers are named, since the default names of a twin's class differ


def width_for(layer: Layer, n_inputs: int) -> int:
    """The least number of inputs from `n_inputs` on that a layer accepts; layers with units need a multiple of their size."""
    if len(getattr(layer, "input_shapes", (N_INPUTS,))[0]) > 1:
        return n_inputs
    while True:
        try:
            layer.plan((n_inputs,))
        except ShapeError:
            n_inputs += 1
        else:
            return n_inputs


def activations(trainable: bool = False) -> list[Activation]:
    """An instance of every registered activation that takes any number of columns."""
    classes = [registry.get("activations", name) for name in registry.names("activations")]
    instances = [cls() for cls in classes if not required_arguments(cls)]
    return [a for a in instances if a.trainable or not trainable]


def losses() -> list[Loss]:
    """An instance of every registered loss, or one for each of its examples."""
    classes = [registry.get("losses", name) for name in registry.names("losses")]
    return [cls(**arguments) for cls in classes for arguments in cls.examples or ({},)]
