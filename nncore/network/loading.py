"""Networks from files: everything is checked before memory is taken, and no code from the file is run."""

from __future__ import annotations

import contextlib
import os
import re
import warnings
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from nncore.contract import Configurable, Optimizer
from nncore.errors import FileFormatError, MissingExtraError, MissingPluginError, PluginError, PluginWarning, UnknownComponentError
from nncore.network.absent import Absent
from nncore.network.document import COUNTERS, NESTED, TRAJECTORY, check_document, format_for, tensors_of
from nncore.network.providers import named_in
from nncore.network.reviving import check_present, revived
from nncore.network.sequential import Sequential
from nncore.program import check_groups, layer_names, plan_network
from nncore.registry import given

#: Fields of the document that go with one that holds a component.
_BESIDE = {"loss": ("link",), "optimizer": (), "schedule": ("schedule_state",)}


def load(path: str | os.PathLike[str], *, components: Mapping[str, type[Configurable]] | None = None) -> Sequential:
    """Read a network that `save` wrote, as it was: parameters, buffers, optimizer and its state, counters, metadata.

    No code from the file is run, and its sizes are checked against the file's length before memory is taken. Parameters
    that are not finite are read like any others.

    Parameters
    ----------
    path : str or path-like
        The file.
    components : dict of str to type, optional
        Classes for names in the file that were registered at run time, for this load alone: ``{"lamb": Lamb}``. A name that
        `nncore.register` knows needs none.

    Returns
    -------
    Sequential
        A network whose training goes on as if it had never stopped.

    Raises
    ------
    FileFormatError
        If the file is not a network of its format or is damaged; the message says where.
    MissingPluginError
        If a layer or an activation is not here; the message names the plugin, its version and the command that installs it, or what to do
        about a class that was registered at run time.
    PluginError
        If ``upgrade`` of a component fails for what an older version of its plugin saved.
    ParameterError
        If `components` holds something else than classes by sound names.
    OSError
        If the file cannot be read.

    Warns
    -----
    PluginWarning
        If the plugin of the loss, the optimizer or the schedule is not here. The network predicts; training raises `MissingPluginError`
        until it is given others; saving it again keeps what is missing as it was.
    """
    path = Path(path)
    if path.exists() and not path.is_file():
        raise FileFormatError(f"{path} is a {'folder' if path.is_dir() else 'device'}, not a saved network")
    with path.open("rb") as file:  # a missing or forbidden file has its usual error
        if not file.read(1):
            raise FileFormatError(f"{path} is empty: it was never written, or lost in a crash")
    with given({} if components is None else components), _explained(path):
        document, tensors = format_for(path).read(path)
        check_document(document)
        layers = [revived("layers", description, document["components"]) for description in document["layers"]]
        parts, absent = _for_training(document, tensors)
        loss, optimizer, schedule = (parts[what] for what in NESTED)
        input_shape, dtype = tuple(document["input_shape"]), np.dtype(document["dtype"])
        n_slots = _slots(optimizer, absent) if document["n_steps"] else 0
        try:
            shapes = _expected_shapes(layers, input_shape, n_slots, TRAJECTORY in tensors)
        except UnknownComponentError:  # an argument names one, activation="snake"
            check_present(document["components"], ("layers", "activations"))
            raise
        _check_tensors(tensors, shapes, dtype)
        network = Sequential(*layers)
        network.groups = check_groups(document["groups"])
        network.allocate(input_shape, loss=loss, optimizer=optimizer, dtype=dtype)
        if TRAJECTORY in tensors:
            network.begin_average(document["average_begin"])
        network._own_schedule(schedule)
        if network.schedule is not None:
            network.schedule.restore(document["schedule_state"])
        for name in COUNTERS:
            setattr(network, name, document[name])
        for name, view in tensors_of(network).items():
            view[...] = tensors[name]
        network.absent.update(absent)
    for missing in absent.values():
        warnings.warn(f"{path}: loaded for prediction: {missing.reason}", PluginWarning, stacklevel=2)
    return network


def _for_training(document: dict[str, Any], tensors: dict[str, np.ndarray]) -> tuple[dict[str, Any], dict[str, Absent]]:
    """Loss, optimizer and schedule; and those of them that are not here, which prediction does without."""
    parts: dict[str, Any] = dict.fromkeys(NESTED)
    absent = {}
    table = document["components"]
    for what, kind in NESTED.items():
        description = document[what]
        if description is None:
            continue
        try:
            parts[what] = revived(kind, description, table)
        except (MissingPluginError, MissingExtraError) as error:
            kept = {name: document[name] for name in (what, *_BESIDE[what])}
            state = {name: tensors[name] for name in tensors if what == "optimizer" and re.fullmatch(r"optimizer/\d+", name)}
            absent[what] = Absent(str(error), kept, named_in(kept, table), state)
    return parts, absent


def _slots(optimizer: Optimizer | None, absent: dict[str, Absent]) -> int:
    """How many vectors of state a trained network has: those that are in the file, of an optimizer that cannot say."""
    if optimizer is not None:
        return optimizer.n_slots
    return len(absent["optimizer"].tensors) if "optimizer" in absent else 0


def _expected_shapes(layers: list[Any], input_shape: tuple[int, ...], n_slots: int, has_trajectory: bool) -> dict[str, tuple[int, ...]]:
    """Shapes of `tensors_of` of a network that is not built yet: planned only, so that nothing is allocated."""
    try:
        blueprint = plan_network(layers, layer_names(layers), input_shape)
    except PluginError as error:  # sizes that no plan may have
        raise FileFormatError(f"its layers do not take samples of shape {input_shape}: {error}") from error
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
