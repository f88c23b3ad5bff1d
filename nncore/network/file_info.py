"""What a file of networks holds, told without making a network of it and without importing a plugin."""

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
    """A layer as a file describes it.

    Parameters
    ----------
    name : str
        In the network: ``"dense_1"``.
    kind : str
        Of the component: ``"dense"``.
    arguments : dict
        What it was made with.
    n_parameters : int
        Of all its tensors.
    """

    name: str
    kind: str
    arguments: dict[str, Any]
    n_parameters: int


@explains_calls
@dataclass(frozen=True)
class ProviderInfo:
    """Who provides a component that a file names.

    Parameters
    ----------
    kind, name : str
        Of the component.
    plugin, version : str
        As the file says it; empty for a class that was registered at run time.
    installed : str or None
        The version that is installed here; None if there is none.
    """

    kind: str
    name: str
    plugin: str
    version: str
    installed: str | None


@explains_calls
@dataclass(frozen=True)
class NetworkInfo:
    """A network as a file describes it.

    Parameters
    ----------
    name : str or None
        Its key in a file of many networks.
    input_shape : tuple of int
        Of a sample.
    dtype : str
        Of its numbers.
    layers : tuple of LayerInfo
        In order.
    n_parameters : int
        Of all layers.
    loss, optimizer, schedule : dict or None
        Descriptions of components: name and arguments; schedules by the paths of what they move.
    n_steps, n_epochs, seed : int
        How long it was trained, and what its random numbers began with.
    has_optimizer_state, has_average : bool
        Whether the file holds the optimizer's state, and parameters that are an average.
    place : dict or None
        Where in an epoch a fit was cut short.
    callbacks : tuple of str
        Those of a fit that was cut short that remember something, each with its arguments.
    shows_other_parameters : bool
        Whether a callback put other parameters in at the end of that fit (the best ones), and the last ones are kept beside them.
    columns : tuple of str
        Of the table that it was trained on, in order.
    target : str or None
        The target of the table.
    classes : tuple of str
        The labels of the target.
    notes : dict
        What `nncore train` noted of its training beside the columns.
    metadata : dict
        As the network's.
    providers : tuple of ProviderInfo
        Of its components.
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
        Its length.
    format : str
        Name of the format.
    format_version : int or None
        None for a format that counts none.
    nncore_version : str
        Of the nncore that wrote it.
    networks : tuple of NetworkInfo
        At least one.
    """

    path: str
    n_bytes: int
    format: str
    format_version: int | None
    nncore_version: str
    networks: tuple[NetworkInfo, ...]


@explains_calls
def file_info(path: FileLike) -> FileInfo:
    """Read what a file of networks holds, without making a network of it and without importing a plugin (but one that is its format).

    The checksum is compared, and every field of the description is checked. Whether the tensors are those that the layers need is
    seen by `nncore.load` alone, which asks the layers.

    Parameters
    ----------
    path : str, path-like or binary file object
        A file that `Sequential.save` or `nncore.save_many` wrote.

    Returns
    -------
    FileInfo

    Raises
    ------
    FileFormatError
        If the file is damaged or no file of networks; the message says where.
    OSError
        If it cannot be read.

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
    """The format that claims the suffix of `path`, with its name. Only for a suffix that is not nncore's own, plugins are looked at."""
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
    """Its version, by what its installer wrote; nothing of it is imported."""
    try:
        return importlib.metadata.version(distribution)
    except (importlib.metadata.PackageNotFoundError, ValueError):  # a name that can be none
        return None
