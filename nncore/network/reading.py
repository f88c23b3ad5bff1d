"""Check the content of a file and turn it into the parts of a network: the first step of loading, and the last of saving."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np

from nncore.contract import Buffer, Layer, Loss, Optimizer, Schedule, is_inside
from nncore.errors import FileFormatError, MissingExtraError, MissingPluginError, PluginError, UnknownComponentError
from nncore.network.absent import Absent
from nncore.network.document import AVERAGE_REST, NESTED, OPTIMIZER, TRAJECTORY, array_names, check_network
from nncore.network.providers import named_in
from nncore.network.remembering import DTYPES, Memory
from nncore.network.reviving import check_present, revived
from nncore.network.rules import revived_groups, without_absent_rules
from nncore.program import Blueprint, Grouping, check_groups, declared_state, group_tensors, layer_names, plan_network

#: Fields of the document that belong to a field with a component.
_BESIDE = {"loss": ("link",), "optimizer": (), "groups": (), "schedule": ("schedule_state",)}

#: Shape and dtype of tensors by name.
Expected = dict[str, tuple[tuple[int, ...], np.dtype]]


@dataclass(frozen=True)
class Parts:
    """The parts of a network from a file. The tensors are those of the file, with the shapes that the layers need."""

    layers: list[Layer]
    loss: Loss | None
    optimizer: Optimizer | None
    schedule: dict[str, Schedule]
    groups: dict[str, dict[str, Any]]
    absent: dict[str, Absent]
    memories: tuple[Memory, ...]
    has_trajectory: bool
    has_rest: bool  # of an average over steps


def checked_parts(description: Any, tensors: dict[str, np.ndarray]) -> Parts:
    """The parts of a described network. No memory is allocated beyond the content of the file.

    Raises
    ------
    FileFormatError
        If something is missing, unknown, or of another type or size. Components may raise errors of their own.
    MissingPluginError
        If the plugin of a layer or an activation is not installed.
    """
    check_network(description)
    if description["encoding"] is not None:
        from nncore.tabular import from_json  # for files of tables only

        from_json(description["encoding"])
    description, absent_rules = without_absent_rules(description)
    with _explained(description):
        layers = [revived("layers", one, description["components"]) for one in description["layers"]]
    parts, absent = _for_training(description, tensors)
    for path, one in parts["schedule"].items():
        one.restore(description["schedule_state"][path])
    groups, optimizer, dtype = check_groups(parts.pop("groups")), parts["optimizer"], np.dtype(description["dtype"])
    with _explained(description):
        blueprint = _planned(layers, tuple(description["input_shape"]))
    grouping = group_tensors(groups, blueprint)
    grouping.check(optimizer)
    has_trajectory, has_rest = TRAJECTORY in tensors, TRAJECTORY in tensors and AVERAGE_REST in tensors
    expected = _expected(blueprint, [TRAJECTORY] * has_trajectory + [AVERAGE_REST] * has_rest, dtype)
    for missing in absent.values():
        expected |= {name: (values.shape, values.dtype) for name, values in missing.tensors.items()}
    if optimizer is not None and description["n_steps"] and "groups" not in absent:
        expected |= _expected_state(blueprint, grouping, optimizer, dtype)
    memories = _memories(description, tensors)
    for number, memory in enumerate(memories):
        expected |= {name: (array.shape, array.dtype) for name, array in array_names(number, memory.arrays).items()}
    _check_tensors(tensors, expected)
    _check_intervals(tensors, blueprint)
    absent |= absent_rules
    return Parts(layers, **parts, groups=groups, absent=absent, memories=memories, has_trajectory=has_trajectory, has_rest=has_rest)


def _memories(description: dict[str, Any], tensors: dict[str, np.ndarray]) -> tuple[Memory, ...]:
    """The state of callbacks. They check it when a fit resumes."""
    memories = []
    for number, memory in enumerate(description["callbacks"]):
        names = array_names(number, {name: name for name in memory["arrays"]})
        if missing := sorted(names.keys() - tensors.keys()):
            raise FileFormatError(f"the tensor {missing[0]!r} is missing ({len(missing)} in all)")
        arrays = {own: tensors[name].copy() for name, own in names.items()}
        if wrong := next((name for name in names if tensors[name].dtype.name not in DTYPES), None):
            raise FileFormatError(f"the tensor {wrong!r} holds {tensors[wrong].dtype}, and states of callbacks {', '.join(DTYPES)}")
        memories.append(Memory(memory["callback"], memory["numbers"], arrays))
    return tuple(memories)


def _for_training(description: dict[str, Any], tensors: dict[str, np.ndarray]) -> tuple[dict[str, Any], dict[str, Absent]]:
    """Loss, optimizer, schedules and groups, and those that are not installed, which prediction does not need."""
    parts: dict[str, Any] = dict.fromkeys(NESTED) | {"schedule": {}, "groups": {}}
    absent = {}
    table = description["components"]
    for what in parts:
        try:
            if what == "groups":
                parts[what] = revived_groups(description[what], table)
            elif what == "schedule":
                parts[what] = {path: revived(NESTED[what], one, table) for path, one in description[what].items()}
            elif description[what] is not None:
                parts[what] = revived(NESTED[what], description[what], table)
        except (MissingPluginError, MissingExtraError) as error:
            kept = {name: description[name] for name in (what, *_BESIDE[what])}
            # Without one optimizer the state of all is useless. Copies: the tensors of a file may be views of all its bytes.
            names = [name for name in tensors if what in ("optimizer", "groups") and name.startswith(OPTIMIZER)]
            state = {name: tensors[name].copy() for name in names}
            absent[what] = Absent(str(error), kept, named_in(kept, table), state)
    return parts, absent


@contextmanager
def _explained(description: dict[str, Any]) -> Iterator[None]:
    """Name the plugin of an argument, activation="snake", that is not installed."""
    try:
        yield
    except UnknownComponentError:
        check_present(description["components"], ("layers", "activations", "initializers"))
        raise


def _planned(layers: list[Layer], input_shape: tuple[int, ...]) -> Blueprint:
    """Planned only, so that nothing is allocated."""
    try:
        return plan_network(layers, layer_names(layers), input_shape)
    except PluginError as error:  # sizes that no plan may have
        raise FileFormatError(f"its layers do not take samples of shape {input_shape}: {error}") from error


def _expected(blueprint: Blueprint, averages: Sequence[str], dtype: np.dtype) -> Expected:
    """Shapes and dtypes of `tensors_of` of a network that is not built yet, without the state of optimizers."""
    shapes = {f"parameters/{name}": shape for name, shape in blueprint.tensor_shapes().items()}
    shapes |= dict.fromkeys(averages, (blueprint.n_parameters,))
    expected = {name: (shape, dtype) for name, shape in shapes.items()}
    for name, buffer in _named_buffers(blueprint):
        expected[name] = buffer.shape, dtype if buffer.dtype is None else np.dtype(buffer.dtype)
    return expected


def _named_buffers(blueprint: Blueprint) -> Iterator[tuple[str, Buffer]]:
    """The buffers of all layers by their names in the file."""
    return ((f"buffers/{stage.name}.{buffer.name}", buffer) for stage in blueprint.stages for buffer in stage.plan.buffers)


def _check_intervals(tensors: dict[str, np.ndarray], blueprint: Blueprint) -> None:
    """Raise if a buffer holds a number outside the interval of its layer."""
    for name, buffer in _named_buffers(blueprint):
        if buffer.interval is not None and not is_inside(tensors[name], buffer.interval).all():
            raise FileFormatError(f"the tensor {name!r} holds a number outside of {buffer.interval}")


def _expected_state(blueprint: Blueprint, grouping: Grouping, optimizer: Optimizer, dtype: np.dtype) -> Expected:
    """Read the state of optimizers."""
    shapes, expected = blueprint.tensor_shapes(), {}
    for number, own in enumerate(grouping.optimizers(optimizer)):
        tensors = grouping.tensors_of(number)
        for tensor, states in zip(tensors, declared_state(own, tensors), strict=True):
            for state in states:
                shape = shapes[tensor.name] if state.shape == tensor.shape else state.shape
                expected[f"{OPTIMIZER}{tensor.name}/{state.name}"] = shape, state.dtype_in(dtype)
    return expected


def _check_tensors(tensors: dict[str, np.ndarray], expected: Expected) -> None:
    """Raise unless there are exactly the tensors of these names, shapes and dtypes."""
    if missing := sorted(expected.keys() - tensors.keys()):
        raise FileFormatError(f"the tensor {missing[0]!r} is missing ({len(missing)} in all)")
    if unknown := sorted(tensors.keys() - expected.keys()):
        raise FileFormatError(f"the tensor {unknown[0]!r} belongs to no layer of this network ({len(unknown)} in all)")
    for name, (shape, dtype) in expected.items():
        if tensors[name].shape != shape:
            raise FileFormatError(f"the tensor {name!r} has shape {tensors[name].shape}, but the layers need {shape}")
        if tensors[name].dtype != dtype:
            raise FileFormatError(f"the tensor {name!r} holds {tensors[name].dtype}, but it must be {dtype} in this network")
