"""Information about a file of networks, without loading a network or importing a plugin."""

from __future__ import annotations

import importlib.metadata
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from nncore import registry
from nncore.contract import Format
from nncore.files import FileLike, FilePlace
from nncore.network.document import OPTIMIZER, TRAJECTORY, check_file, check_network, format_for, split
from nncore.network.loading import explained
from nncore.network.providers import RUN_TIME, Providers
from nncore.network.standing import TRAINING
from nncore.program import numbered
from nncore.registry import LAYER_NAME
from nncore.words import explains_calls


@explains_calls
@dataclass(frozen=True)
class LayerInfo:
    """A layer of a network in a file.

    Parameters
    ----------
    name : str
        Name in the network: ``"dense_1"``.
    kind : str
        Name of the component: ``"dense"``.
    arguments : dict
        Its arguments.
    n_parameters : int
        Number of its parameters.
    """

    name: str
    kind: str
    arguments: dict[str, Any]
    n_parameters: int


@explains_calls
@dataclass(frozen=True)
class ProviderInfo:
    """The plugin of a component that a file names.

    Parameters
    ----------
    kind, name : str
        Kind and name of the component.
    plugin, version : str
        Distribution and version in the file; empty for a class that was registered at run time.
    installed : str or None
        The installed version; None if it is not installed.
    """

    kind: str
    name: str
    plugin: str
    version: str
    installed: str | None


@explains_calls
@dataclass(frozen=True)
class NetworkInfo:
    """A network in a file.

    Parameters
    ----------
    name : str or None
        Its key in a file of several networks.
    input_shape : tuple of int
        Shape of a sample.
    dtype : str
        Type of its parameters.
    layers : tuple of LayerInfo
        Its layers in order.
    n_parameters : int
        Number of parameters of all layers.
    loss, optimizer, schedule : dict or None
        Descriptions of components, with name and arguments. Schedules are by the paths of the numbers they change.
    n_steps, n_epochs, seed : int
        Numbers of steps and epochs that it was trained for, and its seed.
    has_optimizer_state, has_average : bool
        Whether the file has the optimizer's state, and parameters that are an average.
    place : dict or None
        Position within an epoch of an interrupted fit.
    callbacks : tuple of str
        Callbacks of an interrupted fit that have state, with their arguments.
    shows_other_parameters : bool
        Whether a callback restored other parameters at the end of that fit (the best ones), and the file also has the last ones.
    columns : tuple of str
        Columns of the table that it was trained on, in order.
    target : str or None
        Target of the table.
    classes : tuple of str
        Labels of the target.
    notes : dict
        Other notes of `nncore train` about the training.
    metadata : dict
        The network's `metadata`.
    providers : tuple of ProviderInfo
        The plugins of its components.
    """

    name: str | None
    input_shape: tuple[int, ...]
    dtype: str
    layers: tuple[LayerInfo, ...]
    n_parameters: int
    loss: dict[str, Any] | None
    optimizer: dict[str, Any] | None
    schedule: dict[str, Any] | None
    n_steps: int
    n_epochs: int
    seed: int
    has_optimizer_state: bool
    has_average: bool
    place: dict[str, Any] | None
    callbacks: tuple[str, ...]
    shows_other_parameters: bool
    columns: tuple[str, ...]
    target: str | None
    classes: tuple[str, ...]
    notes: dict[str, Any]
    metadata: dict[str, Any]
    providers: tuple[ProviderInfo, ...]


@explains_calls
@dataclass(frozen=True)
class FileInfo:
    """A file of networks.

    Parameters
    ----------
    path : str
        The file.
    n_bytes : int
        Its size.
    format : str
        Name of the format.
    format_version : int or None
        Version of the format; None if it has none.
    nncore_version : str
        Version of nncore that wrote it.
    networks : tuple of NetworkInfo
        The networks, at least one.
    """

    path: str
    n_bytes: int
    format: str
    format_version: int | None
    nncore_version: str
    networks: tuple[NetworkInfo, ...]


@explains_calls
def file_info(path: FileLike) -> FileInfo:
    """Read information about a file of networks without loading them: layers, sizes, training, plugins.

    No plugin is imported, except one that provides the file's format. The checksum and every field of the description are checked. Only
    `nncore.load` checks whether the tensors fit the layers.

    Parameters
    ----------
    path : str, path-like or binary file object
        A file that `Sequential.save` or `nncore.save_many` wrote.

    Returns
    -------
    FileInfo
        The content of the file.

    Raises
    ------
    FileFormatError
        If the file is damaged or is not a file of networks; the message says where.
    OSError
        If the file cannot be read.

    Examples
    --------
    >>> import nncore as nn
    >>> from nncore.inspection import file_info
    >>> nn.Sequential(nn.Dense(3, activation="relu"), nn.Dense(1)).build(2, rng=0).save("net.nncore")
    >>> [network] = file_info("net.nncore").networks
    >>> [(layer.name, layer.n_parameters) for layer in network.layers]
    [('dense_1', 9), ('dense_2', 4)]
    """
    place = FilePlace.of("path", path)
    data = place.read("a saved network")
    with explained(place):
        name, one = _format(place.path)
        document, tensors = one.decode(data)
        check_file(document)
        many = document.get("networks")
        keys: list[str | None] = list(many) if isinstance(many, dict) else [None] * len(many or [None])
        networks = tuple(_network(key, *parts) for key, parts in zip(keys, split(document, tensors), strict=True))
    return FileInfo(str(place), len(data), name, one.version, document["nncore_version"], networks)


def _format(path: Path) -> tuple[str, Format]:
    """The format that claims the suffix of `path`, with its name. Plugins are searched only for suffixes that nncore does not have."""
    own = registry.Registry(policy=registry.Policy(only=()))
    for name in own.names("formats"):
        if path.suffix.lower() in own.get("formats", name).suffixes:
            return name, own.resolve("formats", name)
    one = format_for(path)
    return registry.qualified_name("formats", type(one)), one


def _network(key: str | None, description: dict[str, Any], tensors: dict[str, np.ndarray]) -> NetworkInfo:
    check_network(description)
    columns, target, classes, notes = _table(description["encoding"])
    return NetworkInfo(
        name=key,
        input_shape=tuple(description["input_shape"]),
        dtype=description["dtype"],
        layers=_layers(description["layers"], tensors),
        n_parameters=sum(tensor.size for name, tensor in tensors.items() if name.startswith("parameters/")),
        loss=description["loss"],
        optimizer=description["optimizer"],
        schedule=description["schedule"] or None,
        n_steps=description["n_steps"],
        n_epochs=description["n_epochs"],
        seed=description["seed"],
        has_optimizer_state=any(name.startswith(OPTIMIZER) for name in tensors),
        has_average=TRAJECTORY in tensors,
        place=description["place"],
        callbacks=tuple(memory["callback"] for memory in description["callbacks"] if memory["callback"] != TRAINING),
        shows_other_parameters=any(memory["callback"] == TRAINING for memory in description["callbacks"]),
        columns=columns,
        target=target,
        classes=classes,
        notes=notes,
        metadata=description["metadata"],
        providers=_providers(description["components"]),
    )


def _layers(described: list[dict[str, Any]], tensors: dict[str, np.ndarray]) -> tuple[LayerInfo, ...]:
    kinds = [str(layer.get("name")) for layer in described]
    given = [layer.get(LAYER_NAME) for layer in described]
    names = numbered([(kind.rpartition("/")[2], None if name is None else str(name)) for kind, name in zip(kinds, given, strict=True)])
    counts = dict.fromkeys(names, 0)
    for name, tensor in tensors.items():
        what, _, rest = name.partition("/")
        if what == "parameters":
            own = rest.partition(".")[0]
            counts[own] = counts.get(own, 0) + tensor.size
    arguments = [{key: value for key, value in layer.items() if key not in ("kind", "name", LAYER_NAME)} for layer in described]
    return tuple(LayerInfo(name, kind, own, counts[name]) for name, kind, own in zip(names, kinds, arguments, strict=True))


def _table(encoding: dict[str, Any] | None) -> tuple[tuple[str, ...], str | None, tuple[str, ...], dict[str, Any]]:
    """Columns, target, classes and notes."""
    if encoding is None:
        return (), None, (), {}
    from nncore.tabular import ClassTarget, from_json, notes_of  # for files of tables only

    encoder = from_json(encoding)
    classes = encoder.target.classes if isinstance(encoder.target, ClassTarget) else ()
    return tuple(column.name for column in encoder.columns), encoder.target.name, tuple(classes), dict(notes_of(encoding))


def _providers(table: Providers) -> tuple[ProviderInfo, ...]:
    installed: dict[str, str | None] = {}
    found = []
    for kind, by_name in table.items():
        for name, provider in by_name.items():
            if provider == RUN_TIME:
                found.append(ProviderInfo(kind, name, "", "", None))
                continue
            plugin = provider["plugin"]
            if plugin not in installed:
                installed[plugin] = _installed(plugin)
            found.append(ProviderInfo(kind, name, plugin, provider["version"], installed[plugin]))
    return tuple(found)


def _installed(distribution: str) -> str | None:
    """Its version from the metadata of its installer; nothing of it is imported."""
    try:
        return importlib.metadata.version(distribution)
    except (importlib.metadata.PackageNotFoundError, ValueError):  # a name that can be none
        return None
