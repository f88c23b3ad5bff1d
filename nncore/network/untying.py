"""Untie layers that are tied to layers outside a slice of a network."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from nncore.contract import Layer, components_in
from nncore.program import Blueprint


def untie(blueprint: Blueprint, parameters: np.ndarray, chosen: Sequence[Layer], copies: Sequence[Layer]) -> None:
    """Give copies of layers their own tensors if they are tied to layers outside the slice."""
    twins = {id(part): twin for pair in zip(chosen, copies, strict=True) for part, twin in zip(*map(components_in, pair), strict=True)}
    kept = {stage.name for stage in blueprint.stages if any(stage.layer is layer for layer in chosen)}
    for stage in blueprint.stages:
        cut = [tensor.name for tensor in stage.plan.tensors if tensor.tied_to is not None and tensor.tied_to.split(".")[0] not in kept]
        if cut and id(stage.layer) in twins and stage.layer.tied_to is not None:
            twin, values = vars(twins[id(stage.layer)]), stage.views(parameters)
            twin["tied_to"] = twin["transposed"] = None
            twin["_carried"] = twin.get("_carried", {}) | {name: values[name].copy() for name in cut}
