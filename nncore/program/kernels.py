"""What a program calls of a compiled component, and what messages call the component."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from nncore import registry
from nncore.contract import TABLES

#: Kinds of components whose tables a program calls, and what one is called.
_NOUNS = {
    "activations": "activation", "layers": "layer", "losses": "loss", "optimizers": "optimizer", "regularizers": "regularizer",
    "constraints": "constraint", "transforms": "transform",
}  # fmt: skip


@dataclass(frozen=True)
class Needed:
    """A function that a table must have, or must not have."""

    name: str
    position: int  # among the functions of the table
    is_wanted: bool
    why: str


def needed(kind: str, stems: Sequence[str], dtype: np.dtype, why: str = "", is_wanted: bool = True) -> list[Needed]:
    """Those of a table that are for a network of `dtype`."""
    names = [f"{stem}_f{8 * dtype.itemsize}" for stem in stems]
    why = why or f"this network is {dtype.name}"
    return [Needed(name, TABLES[kind].index(name), is_wanted, why) for name in names]


def named(kind: str, component: object) -> str:
    """``"nncore-focal 1.2, loss 'focal'"``, or the class where no plugin provides it."""
    try:
        found = registry.component(kind, registry.qualified_name(kind, type(component)))
    except LookupError:  # a class of the user's own
        return f"{_NOUNS[kind]} {type(component).__name__}"
    return f"{found.plugin.distribution} {found.plugin.version}, {_NOUNS[kind]} {found.component.name!r}"
