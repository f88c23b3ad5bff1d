"""The components of this plugin. nncore imports this module at the first lookup of a component by name, so it does not import autograd."""

from __future__ import annotations

from nncore.plugin import Component, hookimpl

NNCORE_API = (1, 0)


@hookimpl
def nncore_activations(api: tuple[int, int]) -> list[Component]:
    return [Component("smish", "nncore_autograd.smish:Smish", "z·tanh(log(1 + σ(z))); Wang et al. 2022")]


@hookimpl
def nncore_losses(api: tuple[int, int]) -> list[Component]:
    return [Component("robust", "nncore_autograd.robust:Robust", "from squared errors to losses that ignore outliers; Barron 2019")]


@hookimpl
def nncore_layers(api: tuple[int, int]) -> list[Component]:
    target = "nncore_autograd.factorization_machine:FactorizationMachine"
    return [Component("factorization_machine", target, "linear, and products of two features of low rank; Rendle 2010")]
