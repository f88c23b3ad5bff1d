"""Networks to files: a file appears whole or not at all."""

from __future__ import annotations

import contextlib
import errno
import json
import os
import shutil
from pathlib import Path
from typing import Any

import nncore
from nncore import registry
from nncore.contract import Schedule
from nncore.errors import NotBuiltError, ParameterError, PluginError
from nncore.network.document import COUNTERS, NESTED, format_for, is_state, tensors_of
from nncore.network.network import Network
from nncore.network.providers import merged, providers
from nncore.program import plan_network


def save(network: Network, path: str | os.PathLike[str]) -> None:
    """Write a network to a file; see `load`. The built-in format needs the extra ``save``.

    The file appears whole or not at all: an older file of that name stays as it is if anything fails.

    Raises
    ------
    NotBuiltError
        If the network has no parameters yet.
    UnknownComponentError
        If a layer, the loss or the optimizer is of a class that is not registered, so that no file could name it.
    ParameterError
        If an argument of a component, or ``network.metadata``, is something JSON cannot hold.
    OSError
        If the file cannot be written.
    """
    if not network.is_built:
        raise NotBuiltError("this network has no parameters to save yet: call fit or build first")
    path = Path(path)
    with network.at_rest():
        data = format_for(path).encode(_description(network), tensors_of(network))
    _write_atomically(path, data)


def _description(network: Network) -> dict[str, Any]:
    """What a file says of `network`; anything JSON cannot hold is refused here."""
    with registry.recorded() as looked_up:
        document: dict[str, Any] = {
            "nncore_version": nncore.__version__,
            "layers": [registry.config_of("layers", layer) for layer in network.layers],
            "input_shape": [int(size) for size in network.input_shape],
            "dtype": network.dtype.name,
            "link": None if network.loss is None else _link(network.loss.link),
        }
        for what, kind in NESTED.items():
            component = getattr(network, what)
            document[what] = None if component is None else registry.config_of(kind, component)
        # An argument may name a component, activation="relu": which ones do is seen where they are looked up.
        plan_network(network.layers, network.layer_names, network.input_shape)
    document["components"] = providers(looked_up)
    document |= {name: getattr(network, name) for name in COUNTERS}
    document["schedule_state"] = {} if network.schedule is None else _state_of(network.schedule)
    for absent in network.absent.values():
        document |= absent.document
        document["components"] = merged(document["components"], absent.providers)
    try:
        json.dumps(document)
    except (TypeError, ValueError, RecursionError) as error:
        raise ParameterError(f"network.metadata cannot be written to a file: {error}; keep to numbers, strings, lists and dicts") from None
    return document


def _link(link: str | dict[str, Any] | None) -> str | dict[str, Any] | None:
    """An activation's name or description; what it is made of is looked up, so that the file says who provides it."""
    if link is None:
        return None
    activation = registry.resolve("activations", link)
    return link if isinstance(link, str) else registry.config_of("activations", activation)


def _state_of(schedule: Schedule) -> dict[str, float]:
    state = schedule.state()
    if not is_state(state):
        raise PluginError(f"{schedule!r}.state must return finite numbers by name, got {state!r:.200}")
    return state


def _write_atomically(path: Path, data: bytes) -> None:
    """Write to a new file beside `path`, wait until the disk has it, and only then give it the name."""
    path = Path(os.path.realpath(path))  # a link stays a link
    if not path.parent.is_dir():
        raise FileNotFoundError(errno.ENOENT, "there is no such folder; make it first", str(path.parent))
    if path.is_dir():
        raise IsADirectoryError(errno.EISDIR, "this is a folder; give the name of a file", str(path))
    if path.exists() and not path.is_file():  # a device that was replaced would be gone for the whole machine
        raise OSError(errno.EINVAL, "this is a device or a pipe; give the name of a file", str(path))
    temporary = path.with_name(f".{path.name[:200]}.{os.urandom(4).hex()}.tmp")
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
