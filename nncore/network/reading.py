"""From what a file holds to the parts of a network, all of them checked: what loading begins with, and what saving ends with."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

import numpy as np

from nncore.contract import Layer, Loss, Optimizer, Schedule
from nncore.errors import FileFormatError, MissingExtraError, MissingPluginError, PluginError, UnknownComponentError
from nncore.network.absent import Absent
from nncore.network.document import NESTED, TRAJECTORY, check_network
from nncore.network.providers import named_in
from nncore.network.reviving import check_present, revived
from nncore.program import Blueprint, check_groups, group_tensors, layer_names, plan_network

#: Fields of the document that go with one that holds a component.
_BESIDE = {"loss": ("link",), "optimizer": (), "schedule": ("schedule_state",)}


@dataclass(frozen=True)
class Parts:
    """What a network is made of again; the tensors are those of the file, and as many and as large as the layers need."""

    layers: list[Layer]
    loss: Loss | None
    optimizer: Optimizer | None
    schedule: Schedule | None
    groups: dict[str, dict[str, Any]]
    absent: dict[str, Absent]
    has_trajectory: bool


def checked_parts(description: Any, tensors: dict[str, np.ndarray]) -> Parts:
    """The parts of a described network; no memory is taken for what the file does not hold.

    Raises
    ------
    FileFormatError
        If something is missing, too much, or of another kind or size. Components may raise errors of their own.
    MissingPluginError
        If a layer or an activation is not here.
    """
    check_network(description)
    if description["encoding"] is not None:
        from nncore.tabular import from_json  # for files of tables only

        from_json(description["encoding"])
    layers = [revived("layers", one, description["components"]) for one in description["layers"]]
    parts, absent = _for_training(description, tensors)
    if parts["schedule"] is not None:
        parts["schedule"].restore(description["schedule_state"])
    n_slots = _slots(parts["optimizer"], absent) if description["n_steps"] else 0
    try:
        blueprint = _planned(layers, tuple(description["input_shape"]))
    except UnknownComponentError:  # an argument names one, activation="snake"
        check_present(description["components"], ("layers", "activations"))
        raise
    _check_tensors(tensors, _expected_shapes(blueprint, n_slots, TRAJECTORY in tensors), np.dtype(description["dtype"]))
    groups = check_groups(description["groups"])
    group_tensors(groups, blueprint.spans)
    return Parts(layers, **parts, groups=groups, absent=absent, has_trajectory=TRAJECTORY in tensors)


def _for_training(description: dict[str, Any], tensors: dict[str, np.ndarray]) -> tuple[dict[str, Any], dict[str, Absent]]:
    """Loss, optimizer and schedule; and those of them that are not here, which prediction does without."""
    parts: dict[str, Any] = dict.fromkeys(NESTED)
    absent = {}
    table = description["components"]
    for what, kind in NESTED.items():
        if description[what] is None:
            continue
        try:
            parts[what] = revived(kind, description[what], table)
        except (MissingPluginError, MissingExtraError) as error:
            kept = {name: description[name] for name in (what, *_BESIDE[what])}
            # Copies: the tensors of a file may be views of all its bytes.
            state = {name: tensors[name].copy() for name in tensors if what == "optimizer" and re.fullmatch(r"optimizer/\d+", name)}
            absent[what] = Absent(str(error), kept, named_in(kept, table), state)
    return parts, absent


def _slots(optimizer: Optimizer | None, absent: dict[str, Absent]) -> int:
    """How many vectors of state a trained network has: those that are in the file, of an optimizer that cannot say."""
    if optimizer is not None:
        return optimizer.n_slots
    return len(absent["optimizer"].tensors) if "optimizer" in absent else 0


def _planned(layers: list[Layer], input_shape: tuple[int, ...]) -> Blueprint:
    """Planned only, so that nothing is allocated."""
    try:
        return plan_network(layers, layer_names(layers), input_shape)
    except PluginError as error:  # sizes that no plan may have
        raise FileFormatError(f"its layers do not take samples of shape {input_shape}: {error}") from error


def _expected_shapes(blueprint: Blueprint, n_slots: int, has_trajectory: bool) -> dict[str, tuple[int, ...]]:
    """Shapes of `tensors_of` of a network that is not built yet."""
    shapes = {f"parameters/{stage.name}.{tensor.name}": tensor.shape for stage in blueprint.stages for tensor in stage.own_tensors}
    shapes |= {f"buffers/{stage.name}.{buffer.name}": buffer.shape for stage in blueprint.stages for buffer in stage.plan.buffers}
    shapes |= {f"optimizer/{slot}": (blueprint.n_parameters,) for slot in range(n_slots)}
    if has_trajectory:
        shapes[TRAJECTORY] = (blueprint.n_parameters,)
    return shapes


def _check_tensors(tensors: dict[str, np.ndarray], shapes: dict[str, tuple[int, ...]], dtype: np.dtype) -> None:
    """Raise unless there are exactly the tensors of these names and shapes."""
    if missing := sorted(shapes.keys() - tensors.keys()):
        raise FileFormatError(f"the tensor {missing[0]!r} is missing ({len(missing)} in all)")
    if unknown := sorted(tensors.keys() - shapes.keys()):
        raise FileFormatError(f"the tensor {unknown[0]!r} belongs to no layer of this network ({len(unknown)} in all)")
    for name, shape in shapes.items():
        if tensors[name].shape != shape:
            raise FileFormatError(f"the tensor {name!r} has shape {tensors[name].shape}, but the layers need {shape}")
        if tensors[name].dtype != dtype:
            raise FileFormatError(f"the tensor {name!r} holds {tensors[name].dtype}, but the network is {dtype}")
