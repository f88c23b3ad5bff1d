"""Components of nncore from one differentiable NumPy function: you write the formula, and HIPS autograd computes gradients."""

from __future__ import annotations

from importlib import import_module
from typing import Any

#: Public names and their modules. They are imported at first use: the manifest is in the same package, and must not import autograd.
_NAMES = {
    "DifferentiableActivation": "activation",
    "DifferentiableLayer": "layer",
    "DifferentiableLoss": "loss",
    "differentiable_activation": "activation",
    "differentiable_layer": "layer",
    "differentiable_loss": "loss",
}

__all__ = list(_NAMES)


def __getattr__(name: str) -> Any:
    if name not in _NAMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_NAMES[name]}"), name)
