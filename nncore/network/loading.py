"""Networks from files: everything is checked before memory is taken, and no code from the file is run."""

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
    """Read a network that `save` wrote, as it was: parameters, buffers, optimizer and its state, counters, metadata.

    No code from the file is run, and its sizes are checked against the file's length before memory is taken. Parameters
    that are not finite are read like any others.

    Parameters
    ----------
    path : str, path-like or binary file object
        The file. One that is open, such as `io.BytesIO`, is read from where it stands to its end, and need not be seekable.
    components : dict of str to type, optional
        Classes for names in the file that were registered at run time, for this load alone: ``{"yogi": Yogi}``. A name that
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
        If the plugin of the loss, an optimizer, the schedule, a regularizer or a constraint is not here. The network predicts; training
        raises `MissingPluginError` until it is given others; saving it again keeps what is missing as it was.
    """
    place = FilePlace.of("path", path)
    with _opened(place, components) as (document, tensors):
        if "networks" in document:
            n = len(document["networks"])
            raise FileFormatError(f"it holds {n} network{'s' * (n > 1)} that were saved together: use nncore.load_many")
        [network] = _networks(document, tensors)
    _tell_what_is_absent(place, [network])
    return network


@explains_calls
def load_many(path: FileLike, *, components: Mapping[str, type[Configurable]] | None = None) -> list[Sequential] | dict[str, Sequential]:
    """Read the networks that `save_many` wrote to one file.

    Parameters
    ----------
    path : str, path-like or binary file object
        The file, as in `load`. One that `Sequential.save` wrote is read as a list of one network.
    components : dict of str to type, optional
        As in `load`.

    Returns
    -------
    list of Sequential, or dict of str to Sequential
        As they were handed to `save_many`, each as `load` returns one.

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
    """What a file holds, for a ``with`` block in which its components have the classes given for them and errors name the file."""
    data = place.read("a saved network")
    with given({} if components is None else components), explained(place):
        document, tensors = format_for(place.path).decode(data)
        check_file(document)
        yield document, tensors


def _networks(document: dict[str, Any], tensors: dict[str, np.ndarray]) -> list[Sequential]:
    """All that a file holds: none is made before all are checked."""
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
