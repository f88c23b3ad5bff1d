"""The file format of a network: safetensors, no pickle, nothing executed.

A file holds the tensors ``parameters/<name>``, ``buffers/<name>`` and, once trained, ``optimizer/<slot>``, all of the network's
dtype. Its metadata are strings: ``format`` ("nncore"), ``format_version`` ("1") and ``architecture``, a JSON object that describes
the layers, the loss, the optimizer and how far training has come, so that a resumed run continues bit for bit.
"""

from __future__ import annotations

import contextlib
import errno
import json
import math
import os
import secrets
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

import nncore
from nncore import registry
from nncore.compiler import layer_names, plan_network
from nncore.configuration import require
from nncore.errors import FileFormatError, MissingExtraError, NotBuiltError, ParameterError, PluginError, UnknownComponentError
from nncore.plugin import Optimizer

if TYPE_CHECKING:
    from nncore.model import Sequential

__all__ = ["load", "save"]

FORMAT = "nncore"
FORMAT_VERSION = 1
#: What safetensors calls the dtypes a network may have.
_DTYPES = {"float32": "F32", "float64": "F64"}


def save(network: Sequential, path: str | os.PathLike[str]) -> None:
    """Write a network to a file; see `load`. Needs the extra ``save``.

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
    library = require("safetensors.numpy", extra="save", purpose="saving a network")
    metadata = {"format": FORMAT, "format_version": str(FORMAT_VERSION), "architecture": _architecture(network)}
    tensors = {name: np.ascontiguousarray(view) for name, view in _tensors(network).items()}
    _write_atomically(Path(path), library.save(tensors, metadata=metadata))


def load(path: str | os.PathLike[str]) -> Sequential:
    """Read a network that `save` wrote, as it was: parameters, buffers, optimizer and its state, counters, metadata.

    No code from the file is run, and its sizes are checked against the file's length before memory is taken. Parameters
    that are not finite are read like any others.

    Raises
    ------
    FileFormatError
        If the file is not a network of this format or is damaged; the message says where.
    UnknownComponentError
        If the network uses a component that is not installed; the message names the plugin.
    OSError
        If the file cannot be read.
    """
    from nncore.model import Sequential  # the one arrow that points up: a file becomes a network

    path = Path(path)
    with _opened(path) as file, _explained(path):
        document = _document(file.metadata())
        dtype = document["dtype"]
        layers = [registry.resolve("layers", description) for description in document["layers"]]
        loss, optimizer = (None if document[k] is None else registry.resolve(kind, document[k]) for k, kind in _NESTED.items())
        shapes = _expected_shapes(layers, tuple(document["input_shape"]), optimizer if document["n_steps"] else None)
        _check_tensors(file, shapes, _DTYPES[dtype])
        network = Sequential(*layers)
        network.build(tuple(document["input_shape"]), loss=loss, optimizer=optimizer, rng=document["seed"], dtype=dtype)
        for name in ("weight_decay", "n_steps", "n_epochs", "seed", "metadata"):
            setattr(network, name, document[name])
        for name, view in _tensors(network).items():
            view[...] = file.get_tensor(name)
    return network


#: Keys of the document that hold a component or null, and its kind.
_NESTED = {"loss": "losses", "optimizer": "optimizers"}


def _tensors(network: Sequential) -> dict[str, np.ndarray]:
    """Everything that is saved as a tensor: live views by their names in the file."""
    tensors = {f"parameters/{name}": view for name, view in network.named_parameters().items()}
    tensors |= {f"buffers/{name}": view for name, view in network.named_buffers().items()}
    if network.optimizer is not None and network.n_steps:
        tensors |= {f"optimizer/{slot}": network.optimizer_state[slot] for slot in range(network.optimizer.n_slots)}
    return tensors


def _expected_shapes(layers: list[Any], input_shape: tuple[int, ...], optimizer: Optimizer | None) -> dict[str, tuple[int, ...]]:
    """Shapes of `_tensors` of a network that is not built yet: planned only, so that nothing is allocated."""
    blueprint = plan_network(layers, layer_names(layers), input_shape)
    shapes = {f"parameters/{stage.name}.{tensor.name}": tensor.shape for stage in blueprint.stages for tensor in stage.plan.tensors}
    shapes |= {f"buffers/{stage.name}.{buffer.name}": buffer.shape for stage in blueprint.stages for buffer in stage.plan.buffers}
    if optimizer is not None:
        shapes |= {f"optimizer/{slot}": (blueprint.n_parameters,) for slot in range(optimizer.n_slots)}
    return shapes


def _check_tensors(file: Any, shapes: dict[str, tuple[int, ...]], dtype: str) -> None:
    """Raise unless the file holds exactly the tensors of these names and shapes."""
    found = set(file.keys())
    if missing := sorted(shapes.keys() - found):
        raise FileFormatError(f"the tensor {missing[0]!r} is missing ({len(missing)} in all)")
    if unknown := sorted(found - shapes.keys()):
        raise FileFormatError(f"the tensor {unknown[0]!r} belongs to no layer of this network ({len(unknown)} in all)")
    for name, shape in shapes.items():
        tensor = file.get_slice(name)
        if tuple(tensor.get_shape()) != shape:
            raise FileFormatError(f"the tensor {name!r} has shape {tuple(tensor.get_shape())}, but the layers need {shape}")
        if tensor.get_dtype() != dtype:
            raise FileFormatError(f"the tensor {name!r} holds {tensor.get_dtype()}, but the network is {dtype}")


# ---- the architecture: a JSON object ----------------------------------------------------------------------------------------


def _architecture(network: Sequential) -> str:
    """The JSON text that describes `network`."""
    document: dict[str, Any] = {
        "nncore_version": nncore.__version__,
        "layers": [registry.config_of("layers", layer) for layer in network.layers],
        "input_shape": [int(size) for size in network.input_shape],
        "dtype": network.dtype.name,
        "loss": None if network.loss is None else registry.config_of("losses", network.loss),
        "optimizer": None if network.optimizer is None else registry.config_of("optimizers", network.optimizer),
        "weight_decay": float(network.weight_decay),
        "n_steps": int(network.n_steps),
        "n_epochs": int(network.n_epochs),
        "seed": int(network.seed),
        "metadata": network.metadata,
    }
    try:
        return json.dumps(document)
    except (TypeError, ValueError, RecursionError) as error:
        raise ParameterError(f"network.metadata cannot be written to a file: {error}; keep to numbers, strings, lists and dicts") from None


def _is_count(value: Any) -> bool:
    return type(value) is int and 0 <= value < 2**63  # bool is not a count; the core counts in int64


#: What each field must be: a test, and its name in the error message.
_FIELDS: dict[str, tuple[Callable[[Any], bool], str]] = {
    "layers": (lambda v: isinstance(v, list) and len(v) > 0 and all(isinstance(item, dict) for item in v), "a list of objects"),
    "input_shape": (lambda v: isinstance(v, list) and len(v) > 0 and all(_is_count(n) and n > 0 for n in v), "a list of positive integers"),
    "dtype": (lambda v: isinstance(v, str) and v in _DTYPES, " or ".join(_DTYPES)),
    "loss": (lambda v: v is None or isinstance(v, dict), "an object or null"),
    "optimizer": (lambda v: v is None or isinstance(v, dict), "an object or null"),
    "weight_decay": (lambda v: type(v) in (int, float) and 0 <= v < math.inf, "a number, 0 or greater"),
    "n_steps": (_is_count, "a whole number, 0 or greater"),
    "n_epochs": (_is_count, "a whole number, 0 or greater"),
    "seed": (lambda v: type(v) is int and 0 <= v < 2**64, "a whole number from 0 to 2^64 - 1"),
    "metadata": (lambda v: isinstance(v, dict), "an object"),
}


def _document(metadata: dict[str, str] | None) -> dict[str, Any]:
    """The checked architecture from a file's metadata."""
    metadata = metadata or {}
    if metadata.get("format") != FORMAT:
        raise FileFormatError("this is a safetensors file, but not one that nncore saved")
    version = metadata.get("format_version", "")
    if not version.isascii() or not version.isdigit() or len(version) > 9 or int(version) < 1:
        raise FileFormatError(f"format_version {version!r:.40} is not a number")
    if int(version) > FORMAT_VERSION:
        raise FileFormatError(
            f'format version {version} is newer than this nncore can read ({FORMAT_VERSION}): pip install -U "nncore-ml[save]"'
        )
    try:
        document = json.loads(metadata.get("architecture", ""))
    except (ValueError, RecursionError) as error:
        raise FileFormatError(f"the architecture is not JSON: {error}") from None
    if not isinstance(document, dict):
        raise FileFormatError("the architecture is not a JSON object")
    for field, (is_valid, wanted) in _FIELDS.items():
        if field not in document:
            raise FileFormatError(f"the architecture has no {field!r}")
        if not is_valid(document[field]):
            raise FileFormatError(f"the architecture's {field!r} must be {wanted}, got {document[field]!r:.80}")
    return document


# ---- the file ---------------------------------------------------------------------------------------------------------------


@contextlib.contextmanager
def _opened(path: Path) -> Iterator[Any]:
    """The file opened by safetensors, which checks the header and that the tensors fill the rest of the file."""
    safetensors = require("safetensors", extra="save", purpose="loading a network")
    if path.exists() and not path.is_file():
        raise FileFormatError(f"{path} is a {'folder' if path.is_dir() else 'device'}, not a saved network")
    with path.open("rb") as file:  # a missing or forbidden file has its usual error
        if not file.read(1):
            raise FileFormatError(f"{path} is empty: it was never written, or lost in a crash")
    try:
        opened = safetensors.safe_open(path, framework="numpy")
    except safetensors.SafetensorError as error:
        raise FileFormatError(f"{path} is damaged, or not a network that nncore saved: {error}") from error
    with opened as tensors:
        yield tensors


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
