"""Networks to files and back: what a file must say, checked field by field; how it says it is a `Format`'s affair.

A file holds a description (the layers, the loss, the optimizer, how far training has come) and the tensors ``parameters/<name>``,
``buffers/<name>`` and, once trained, ``optimizer/<slot>``, all of the network's dtype, so that a resumed run continues bit for bit.
"""

from __future__ import annotations

import contextlib
import errno
import json
import math
import os
import secrets
import shutil
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

import nncore
from nncore import registry
from nncore.errors import FileFormatError, MissingExtraError, NotBuiltError, ParameterError, PluginError, UnknownComponentError
from nncore.groups import check_groups
from nncore.planning import layer_names, plan_network
from nncore.plugin import Format, Optimizer, Schedule

if TYPE_CHECKING:
    from nncore.model import Sequential

__all__ = ["load", "save"]

#: The format of a file whose suffix no format claims.
DEFAULT_FORMAT = "safetensors"

_DTYPES = ("float32", "float64")


def format_for(path: Path) -> Format:
    """The registered format that claims the suffix of `path`."""
    formats = [registry.resolve("formats", name) for name in registry.names("formats")]
    claimed = [f for f in formats if path.suffix.lower() in f.suffixes]
    return claimed[0] if claimed else registry.resolve("formats", DEFAULT_FORMAT)


def save(network: Sequential, path: str | os.PathLike[str]) -> None:
    """Write a network to a file; see `load`. The built-in format needs the extra ``save``.

    The file appears whole or not at all: an older file of that name stays as it is if anything fails.

    Raises
    ------
    NotBuiltError
        If the network has no parameters yet.
    UnknownComponentError
        If a layer, the loss or the optimizer is of a class that no plugin registers, so that no file could name it.
    ParameterError
        If an argument of a component, or ``network.metadata``, is something JSON cannot hold.
    OSError
        If the file cannot be written.
    """
    if not network.is_built:
        raise NotBuiltError("this network has no parameters to save yet: call fit or build first")
    path = Path(path)
    _write_atomically(path, format_for(path).encode(_description(network), _tensors(network)))


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
    from nncore.model import Sequential  # the one arrow that points up: a file becomes a network

    path = Path(path)
    if path.exists() and not path.is_file():
        raise FileFormatError(f"{path} is a {'folder' if path.is_dir() else 'device'}, not a saved network")
    with path.open("rb") as file:  # a missing or forbidden file has its usual error
        if not file.read(1):
            raise FileFormatError(f"{path} is empty: it was never written, or lost in a crash")
    with _explained(path):
        document, tensors = format_for(path).read(path)
        _check_document(document)
        layers = [registry.resolve("layers", description) for description in document["layers"]]
        loss, optimizer, schedule = (None if document[k] is None else registry.resolve(kind, document[k]) for k, kind in _NESTED.items())
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
        for name in _COUNTERS:
            setattr(network, name, document[name])
        for name, view in _tensors(network).items():
            view[...] = tensors[name]
    return network


#: Keys of the document that hold a component or null, and its kind.
_NESTED = {"loss": "losses", "optimizer": "optimizers", "schedule": "schedules"}
#: Keys of the document that are attributes of a network as they are.
_COUNTERS = (
    "weight_decay", "clip_norm", "clip_value", "groups", "n_steps", "n_epochs", "seed", "schedule_begin", "schedule_steps", "average_begin",
    "metadata",
)  # fmt: skip


#: The tensor that holds where training stands, beside parameters that are an average.
TRAJECTORY = "trajectory"


def _tensors(network: Sequential) -> dict[str, np.ndarray]:
    """Everything that is saved as a tensor: live views by their names in the file."""
    tensors = {f"parameters/{name}": view for name, view in network.named_parameters().items()}
    tensors |= {f"buffers/{name}": view for name, view in network.named_buffers().items()}
    if network.optimizer is not None and network.n_steps:
        tensors |= {f"optimizer/{slot}": network.optimizer_state[slot] for slot in range(network.optimizer.n_slots)}
    if network.trajectory is not None:
        tensors[TRAJECTORY] = network.trajectory
    return tensors


def _expected_shapes(
    layers: list[Any], input_shape: tuple[int, ...], optimizer: Optimizer | None, has_trajectory: bool
) -> dict[str, tuple[int, ...]]:
    """Shapes of `_tensors` of a network that is not built yet: planned only, so that nothing is allocated."""
    blueprint = plan_network(layers, layer_names(layers), input_shape)
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


# ---- the description: a JSON object -----------------------------------------------------------------------------------------


def _description(network: Sequential) -> dict[str, Any]:
    """What a file says of `network`; anything JSON cannot hold is refused here."""
    document: dict[str, Any] = {
        "nncore_version": nncore.__version__,
        "layers": [registry.config_of("layers", layer) for layer in network.layers],
        "input_shape": [int(size) for size in network.input_shape],
        "dtype": network.dtype.name,
    }
    for what, kind in _NESTED.items():
        component = getattr(network, what)
        document[what] = None if component is None else registry.config_of(kind, component)
    document |= {name: getattr(network, name) for name in _COUNTERS}
    document["schedule_state"] = {} if network.schedule is None else _state_of(network.schedule)
    try:
        json.dumps(document)
    except (TypeError, ValueError, RecursionError) as error:
        raise ParameterError(f"network.metadata cannot be written to a file: {error}; keep to numbers, strings, lists and dicts") from None
    return document


def _state_of(schedule: Schedule) -> dict[str, float]:
    state = schedule.state()
    if not _is_state(state):
        raise PluginError(f"{schedule!r}.state must return finite numbers by name, got {state!r:.200}")
    return state


def _is_state(value: Any) -> bool:
    largest = sys.float_info.max  # an integer of JSON may be beyond it
    return isinstance(value, dict) and all(
        isinstance(name, str) and isinstance(number, (int, float)) and not isinstance(number, bool) and -largest <= number <= largest
        for name, number in value.items()
    )


def _is_count(value: Any) -> bool:
    return type(value) is int and 0 <= value < 2**63  # bool is not a count; the core counts in int64


def _is_limit(value: Any) -> bool:
    return type(value) in (int, float) and 0 <= value < math.inf


#: What each field must be: a test, and its name in the error message.
_FIELDS: dict[str, tuple[Callable[[Any], bool], str]] = {
    "layers": (lambda v: isinstance(v, list) and len(v) > 0 and all(isinstance(item, dict) for item in v), "a list of objects"),
    "input_shape": (lambda v: isinstance(v, list) and len(v) > 0 and all(_is_count(n) and n > 0 for n in v), "a list of positive integers"),
    "dtype": (lambda v: isinstance(v, str) and v in _DTYPES, " or ".join(_DTYPES)),
    "loss": (lambda v: v is None or isinstance(v, dict), "an object or null"),
    "optimizer": (lambda v: v is None or isinstance(v, dict), "an object or null"),
    "schedule": (lambda v: v is None or isinstance(v, dict), "an object or null"),
    "schedule_state": (_is_state, "an object of finite numbers"),
    "schedule_begin": (_is_count, "a whole number, 0 or greater"),
    "schedule_steps": (_is_count, "a whole number, 0 or greater"),
    "weight_decay": (_is_limit, "a number, 0 or greater"),
    "clip_norm": (_is_limit, "a number, 0 or greater"),
    "clip_value": (_is_limit, "a number, 0 or greater"),
    "groups": (lambda v: isinstance(v, dict), "an object"),
    "average_begin": (_is_count, "a whole number, 0 or greater"),
    "n_steps": (_is_count, "a whole number, 0 or greater"),
    "n_epochs": (_is_count, "a whole number, 0 or greater"),
    "seed": (lambda v: type(v) is int and 0 <= v < 2**64, "a whole number from 0 to 2^64 - 1"),
    "metadata": (lambda v: isinstance(v, dict), "an object"),
}


def _check_document(document: Any) -> None:
    """Raise unless every field of the description is there and of its kind."""
    if not isinstance(document, dict):
        raise FileFormatError("the architecture is not a JSON object")
    for field, (is_valid, wanted) in _FIELDS.items():
        if field not in document:
            raise FileFormatError(f"the architecture has no {field!r}")
        if not is_valid(document[field]):
            raise FileFormatError(f"the architecture's {field!r} must be {wanted}, got {document[field]!r:.80}")


# ---- the file ---------------------------------------------------------------------------------------------------------------


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


def _write_atomically(path: Path, data: bytes) -> None:
    """Write to a new file beside `path`, wait until the disk has it, and only then give it the name."""
    path = Path(os.path.realpath(path))  # a link stays a link
    if not path.parent.is_dir():
        raise FileNotFoundError(errno.ENOENT, "there is no such folder; make it first", str(path.parent))
    if path.is_dir():
        raise IsADirectoryError(errno.EISDIR, "this is a folder; give the name of a file", str(path))
    if path.exists() and not path.is_file():  # a device that was replaced would be gone for the whole machine
        raise OSError(errno.EINVAL, "this is a device or a pipe; give the name of a file", str(path))
    temporary = path.with_name(f".{path.name[:200]}.{secrets.token_hex(4)}.tmp")
    try:
        with temporary.open("xb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        if path.exists():
            shutil.copymode(path, temporary)
        os.replace(temporary, path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
    if os.name == "posix":  # the new name is an entry of the folder, which has a disk block of its own
        with contextlib.suppress(OSError):  # some network file systems cannot sync a folder; the file itself is safe
            folder = os.open(path.parent, os.O_RDONLY)
            try:
                os.fsync(folder)
            finally:
                os.close(folder)
