"""The functions of a compiled component that a program calls, and names of components for messages."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from nncore import registry
from nncore.contract import TABLES, Optimizer, OptimizerWrapper, does, native_kernel, wrappers_of

#: Kinds of components whose tables a program calls, and their names in messages.
_NOUNS = {
    "activations": "activation", "layers": "layer", "losses": "loss", "optimizers": "optimizer", "regularizers": "regularizer",
    "constraints": "constraint", "transforms": "transform", "metrics": "metric",
}  # fmt: skip


@dataclass(frozen=True)
class Needed:
    """A function that a table must have, or must not have."""

    name: str
    position: int  # index among the functions of the table
    is_wanted: bool
    why: str


def needed(kind: str, stems: Sequence[str], dtype: np.dtype, why: str = "", is_wanted: bool = True) -> list[Needed]:
    """The functions of a table for a network of `dtype`."""
    return [_of_table(kind, stem, 8 * dtype.itemsize, why, is_wanted) for stem in stems]


@functools.lru_cache(maxsize=256)
def _of_table(kind: str, stem: str, bits: int, why: str, is_wanted: bool) -> Needed:
    name = f"{stem}_f{bits}"
    return Needed(name, TABLES[kind].index(name), is_wanted, why or f"this network is float{bits}")


@dataclass(frozen=True)
class Around:
    """The compiled part of an `OptimizerWrapper`.

    Attributes
    ----------
    wrapper : OptimizerWrapper
    capsule : PyCapsule
    needed : list of Needed
    first_number : int
        Index of its own numbers among those of the whole optimizer.
    first_slot, n_slots : int
        Its own slots of state.
    """

    wrapper: OptimizerWrapper
    capsule: object
    needed: list[Needed]
    first_number: int
    first_slot: int
    n_slots: int

    def who(self) -> str:
        """Name of the wrapper for messages."""
        return named("optimizers", self.wrapper)


def compiled_wrappers(optimizer: Optimizer, dtype: np.dtype) -> list[Around]:
    """Wrappers of an optimizer with a kernel, outermost first."""
    found, slot = [], 0
    for wrapper in wrappers_of(optimizer)[0]:
        kernel = native_kernel(type(wrapper))
        assert kernel is not None, "the whole has a kernel"
        functions = needed("optimizer", ["step"], dtype, "an OptimizerWrapper has no step of its own", is_wanted=False)
        for stem, is_wanted in does(wrapper).items():
            why = f"its class {'overrides' if is_wanted else 'does not override'} {stem}"
            functions += needed("optimizer", [stem], dtype, why, is_wanted)
        found.append(Around(wrapper, kernel.load(), functions, len(wrapper.optimizer.hyper()), slot, wrapper.own_slots))
        slot += wrapper.own_slots
    return found


def named(kind: str, component: object) -> str:
    """Name for messages: ``"nncore-focal 1.2, loss 'focal'"``, or the class if no plugin provides it."""
    try:
        found = registry.component(kind, registry.qualified_name(kind, type(component)))
    except LookupError:  # a class of the user
        return f"{_NOUNS[kind]} {type(component).__name__}"
    provider = f"{found.plugin.distribution} {found.plugin.version}".rstrip()  # classes registered at run time have no version
    return f"{provider}, {_NOUNS[kind]} {found.component.name!r}"
