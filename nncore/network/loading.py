"""Networks from files: everything is checked before memory is taken, and no code from the file is run."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from nncore import registry
from nncore.contract import Optimizer
from nncore.errors import FileFormatError, MissingExtraError, PluginError, UnknownComponentError
from nncore.network.document import COUNTERS, NESTED, TRAJECTORY, check_document, format_for, tensors_of
from nncore.network.sequential import Sequential
from nncore.program import check_groups, layer_names, plan_network


def load(path: str | os.PathLike[str]) -> Sequential:
    """Read a network that `save` wrote, as it was: parameters, buffers, optimizer and its state, counters, metadata.

    No code from the file is run, and its sizes are checked against the file's length before memory is taken. Parameters
    that are not finite are read like any others.

    Parameters
    ----------
    path : str or path-like
        The file.

    Returns
    -------
    Sequential
        A network whose training goes on as if it had never stopped.

    Raises
    ------
    FileFormatError
        If the file is not a network of its format or is damaged; the message says where.
    UnknownComponentError
        If the network uses a component that is not installed; the message names the plugin.
    OSError
        If the file cannot be read.
    """
    from nncore.network.sequential import Sequential  # the one arrow that points up: a file becomes a network

    path = Path(path)
    if path.exists() and not path.is_file():
        raise FileFormatError(f"{path} is a {'folder' if path.is_dir() else 'device'}, not a saved network")
    with path.open("rb") as file:  # a missing or forbidden file has its usual error
        if not file.read(1):
            raise FileFormatError(f"{path} is empty: it was never written, or lost in a crash")
    with _explained(path):
        document, tensors = format_for(path).read(path)
        check_document(document)
        layers = [registry.resolve("layers", description) for description in document["layers"]]
        loss, optimizer, schedule = (None if document[k] is None else registry.resolve(kind, document[k]) for k, kind in NESTED.items())
        input_shape, dtype = tuple(document["input_shape"]), np.dtype(document["dtype"])
        shapes = _expected_shapes(layers, input_shape, optimizer if document["n_steps"] else None, TRAJECTORY in tensors)
        _check_tensors(tensors, shapes, dtype)
        network = Sequential(*layers)
        network.groups = check_groups(document["groups"])
        network.allocate(input_shape, loss=loss, optimizer=optimizer, dtype=dtype)
        if TRAJECTORY in tensors:
            network.begin_average(document["average_begin"])
        network.schedule = schedule
        if schedule is not None:
            schedule.restore(document["schedule_state"])
        for name in COUNTERS:
            setattr(network, name, document[name])
        for name, view in tensors_of(network).items():
            view[...] = tensors[name]
    return network


def _expected_shapes(
    layers: list[Any], input_shape: tuple[int, ...], optimizer: Optimizer | None, has_trajectory: bool
) -> dict[str, tuple[int, ...]]:
    """Shapes of `tensors_of` of a network that is not built yet: planned only, so that nothing is allocated."""
    try:
        blueprint = plan_network(layers, layer_names(layers), input_shape)
    except PluginError as error:  # sizes that no plan may have
        raise FileFormatError(f"its layers do not take samples of shape {input_shape}: {error}") from error
    shapes = {f"parameters/{stage.name}.{tensor.name}": tensor.shape for stage in blueprint.stages for tensor in stage.plan.tensors}
    shapes |= {f"buffers/{stage.name}.{buffer.name}": buffer.shape for stage in blueprint.stages for buffer in stage.plan.buffers}
    if optimizer is not None:
        shapes |= {f"optimizer/{slot}": (blueprint.n_parameters,) for slot in range(optimizer.n_slots)}
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


@contextlib.contextmanager
def _explained(path: Path) -> Iterator[None]:
    """Turn whatever a damaged description makes components say into a `FileFormatError` that names the file."""
    try:
        yield
    except UnknownComponentError as error:
        error.add_note(f"It is used by the network in {path}.")
        raise
    except (PluginError, MissingExtraError, MemoryError):  # the file is not at fault
        raise
    except Exception as error:
        raise FileFormatError(f"{path} cannot be loaded: {error}") from error
