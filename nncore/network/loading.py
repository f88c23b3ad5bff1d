"""Load networks from files: everything is checked before memory is allocated, and no code from the file is run."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from nncore.contract import Configurable
from nncore.errors import FileFormatError, MissingExtraError, PluginError, PluginWarning, UnknownComponentError, warn_user
from nncore.files import FileLike, FilePlace
from nncore.network.document import ATTRIBUTES, check_file, format_for, split, tensors_of
from nncore.network.reading import Parts, checked_parts
from nncore.network.sequential import Sequential
from nncore.registry import given
from nncore.words import explains_calls


@explains_calls
def load(path: FileLike, *, components: Mapping[str, type[Configurable]] | None = None) -> Sequential:
    """Load a network from a file that `Sequential.save` wrote, with optimizer state and metadata.

    No code from the file is run. Sizes are checked against the file's length before memory is allocated. Parameters that are not finite are
    loaded like any others.

    Parameters
    ----------
    path : str, path-like or binary file object
        The file. An open file, such as `io.BytesIO`, is read from its current position to its end, and need not be seekable.
    components : dict of str to type, optional
        Classes for names in the file that were registered at run time, for this call only: ``{"yogi": Yogi}``. Names that
        `nncore.register` knows need none.

    Returns
    -------
    Sequential
        The network. Its training can be resumed with the same result as without interruption.

    Raises
    ------
    FileFormatError
        If the file is damaged, or is not a network of its format; the message says where.
    MissingPluginError
        If the plugin of a layer or an activation is not installed. The message names the plugin, its version and the command that installs
        it, or says how to pass a class that was registered at run time.
    PluginError
        If ``upgrade`` of a component fails for arguments that an older version of its plugin saved.
    ParameterError
        If `components` is not a dict of classes by valid names.
    OSError
        If the file cannot be read.

    Warns
    -----
    PluginWarning
        If the plugin of the loss, an optimizer, the schedule, a regularizer or a constraint is not installed. The network can predict.
        Training raises `MissingPluginError` until you pass others. Saving the network again keeps the missing descriptions.
    """
    place = FilePlace.of("path", path)
    with _opened(place, components) as (document, tensors):
        if "networks" in document:
            n = len(document["networks"])
            raise FileFormatError(f"it holds {n} network{'s' * (n > 1)} that save_many wrote: use nncore.load_many")
        [network] = _networks(document, tensors)
    _tell_what_is_absent(place, [network])
    return network


@explains_calls
def load_many(path: FileLike, *, components: Mapping[str, type[Configurable]] | None = None) -> list[Sequential] | dict[str, Sequential]:
    """Load the networks that `save_many` wrote to one file.

    Parameters
    ----------
    path : str, path-like or binary file object
        The file, as in `load`. A file of `Sequential.save` is a list of one network.
    components : dict of str to type, optional
        As in `load`.

    Returns
    -------
    list of Sequential, or dict of str to Sequential
        The networks as they were passed to `save_many`.

    Raises
    ------
    FileFormatError, MissingPluginError, PluginError, ParameterError, OSError
        As `load`.
    """
    place = FilePlace.of("path", path)
    with _opened(place, components) as (document, tensors):
        networks = _networks(document, tensors)
    _tell_what_is_absent(place, networks)
    many = document.get("networks")
    return dict(zip(many, networks, strict=True)) if isinstance(many, dict) else networks


@contextlib.contextmanager
def _opened(
    place: FilePlace, components: Mapping[str, type[Configurable]] | None
) -> Iterator[tuple[dict[str, Any], dict[str, np.ndarray]]]:
    """The content of a file, for a ``with`` block in which `components` are known and errors name the file."""
    data = place.read("a saved network")
    with given({} if components is None else components), explained(place):
        document, tensors = format_for(place.path).decode(data)
        check_file(document)
        yield document, tensors


def _networks(document: dict[str, Any], tensors: dict[str, np.ndarray]) -> list[Sequential]:
    """All networks of a file; none is made before all are checked."""
    described = split(document, tensors)
    checked = [checked_parts(*parts) for parts in described]
    return [_made(description, own, parts) for (description, own), parts in zip(described, checked, strict=True)]


def _made(description: dict[str, Any], tensors: dict[str, np.ndarray], parts: Parts) -> Sequential:
    network = Sequential(*parts.layers)
    network.groups = parts.groups
    network.allocate(tuple(description["input_shape"]), loss=parts.loss, optimizer=parts.optimizer, dtype=np.dtype(description["dtype"]))
    if parts.has_trajectory:
        network.begin_average(description["average_begin"])
        network.keep_rest(parts.has_rest)
    network._own_schedules(parts.schedule)
    for name in ATTRIBUTES:
        setattr(network, name, description[name])
    network._leave_fit(network.place, parts.memories)
    network.absent.update(parts.absent)
    for name, view in tensors_of(network).items():
        view[...] = tensors[name]
    return network


def _tell_what_is_absent(place: FilePlace, networks: list[Sequential]) -> None:
    reasons = dict.fromkeys(missing.reason for network in networks for missing in network.absent.values())
    for reason in reasons:
        warn_user(f"{place}: loaded for prediction: {reason}", PluginWarning)


@contextlib.contextmanager
def explained(path: FilePlace) -> Iterator[None]:
    """Turn errors of components about a damaged description into a `FileFormatError` that names the file."""
    try:
        yield
    except UnknownComponentError as error:
        error.add_note(f"It is used by the network in {path}.")
        raise
    except (PluginError, MissingExtraError, MemoryError):  # the file is not at fault
        raise
    except Exception as error:
        raise FileFormatError(f"{path} cannot be loaded: {error}") from error
