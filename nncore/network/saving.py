"""Save networks to files: a file appears whole or not at all."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np

import nncore
from nncore import registry
from nncore.arguments import shown
from nncore.contract import Format, Schedule
from nncore.errors import NNCoreError, NotBuiltError, ParameterError, PluginError, UnknownComponentError
from nncore.files import FileLike, FilePlace
from nncore.network.document import ATTRIBUTES, FIELDS, NESTED, check_file, format_for, joined, split, tensors_of
from nncore.network.network import Network
from nncore.network.plain import check_plain, is_state
from nncore.network.providers import merged, providers
from nncore.network.reading import checked_parts
from nncore.network.rules import described_groups, replaced
from nncore.network.turns import at_rest
from nncore.program import plan_network
from nncore.words import explains_calls


def save(network: Network, path: FileLike) -> None:
    """Save a network to a file; see `load`.

    The file appears whole or not at all, after it was decoded again and passed all checks of `load`. If anything fails, an existing file is
    not changed. The same network gives the same bytes.

    Raises
    ------
    NotBuiltError
        If the network has no parameters yet.
    UnknownComponentError
        If the class of a layer, the loss or the optimizer is not registered, so that a file cannot name it.
    ParameterError
        If a file cannot preserve an argument of a component, or ``network.metadata``.
    PluginError
        If the format of a plugin does not return the same content.
    OSError
        If the file cannot be written.
    """
    place = FilePlace.of("path", path)
    place.write(_file([network], None, format_for(place.path)))


def check_save(network: Network, path: FileLike) -> None:
    """Raise the errors of `save` without writing."""
    place = FilePlace.of("path", path)
    place.try_to_write(_file([network], None, format_for(place.path)))


@explains_calls
def save_many(networks: Sequence[Network] | Mapping[str, Network], path: FileLike) -> None:
    """Save several networks to one file, such as folds or members of an ensemble; `load_many` reads them.

    Parameters
    ----------
    networks : sequence of Sequential, or dict of str to Sequential
        One or more built networks. `load_many` returns a list for a list, and a dict in the same order for a dict.
    path : str, path-like or binary file object
        The file, as in `Sequential.save`.

    Raises
    ------
    ParameterError
        If `networks` is empty or not a list or dict of networks; other errors as in `Sequential.save`.

    Examples
    --------
    >>> import numpy as np, nncore as nn
    >>> X, y = np.eye(4), np.arange(4)
    >>> ensemble = [nn.Sequential(nn.Dense(4)).build(4, loss="softmax_cross_entropy", rng=seed) for seed in range(3)]
    >>> nn.save_many(ensemble, "ensemble.nncore")
    >>> mean = np.mean([net.predict_proba(X) for net in nn.load_many("ensemble.nncore")], axis=0)
    >>> mean.shape
    (4, 4)
    """
    place = FilePlace.of("path", path)
    many = list(networks.values()) if isinstance(networks, Mapping) else networks
    if not isinstance(many, (list, tuple)) or not many or not all(isinstance(network, Network) for network in many):
        raise ParameterError(f"networks must be a list or a dict of one network or more, got {shown(networks)}")
    if isinstance(networks, Mapping) and not all(isinstance(name, str) for name in networks):
        raise ParameterError(f"the keys of networks must be strings, got {shown(list(networks))}")
    place.write(_file(many, list(networks) if isinstance(networks, Mapping) else range(len(many)), format_for(place.path)))


def _file(networks: Sequence[Network], keys: Sequence[str] | range | None, one: Format) -> bytes:
    """The bytes of a file of one network, without a key, or of several by their keys."""
    with _at_rest(networks):
        described, classes = zip(*map(_description, networks), strict=True)
        document: dict[str, Any] = {"nncore_version": nncore.__version__}
        if keys is None:
            [document["network"]] = described
            tensors = tensors_of(networks[0])
        else:
            document["networks"] = list(described) if isinstance(keys, range) else dict(zip(keys, described, strict=True))
            tensors = joined(list(map(tensors_of, networks)))
        return _encoded(one, document, tensors, {name: cls for of in classes for name, cls in of.items()})


@contextlib.contextmanager
def _at_rest(networks: Sequence[Network]) -> Iterator[None]:
    """For callbacks that save: each set of parameters is in its place."""
    with contextlib.ExitStack() as stack:
        stack.enter_context(at_rest(*networks))
        for network in networks:
            if not network.is_built:
                raise NotBuiltError("this network has no parameters to save yet: call fit or build first")
            stack.enter_context(network._each_in_place())
        yield


def _encoded(one: Format, document: dict[str, Any], tensors: dict[str, np.ndarray], classes: Mapping[str, type[Any]]) -> bytes:
    """The bytes of a file, after the checks of a reader that knows these classes."""
    try:
        data = one.encode(document, tensors)
        again, arrays = one.decode(data)
        if json.dumps(again) != json.dumps(document) or not _are_same(arrays, tensors):  # as texts, since NaN equals nothing
            raise PluginError(f"{one!r} does not read back what it wrote: use another suffix")
        check_file(again)
        with registry.given(classes):
            for parts in split(again, arrays):
                checked_parts(*parts)
    except PluginError:
        raise
    except (NNCoreError, ValueError, TypeError, RecursionError) as error:
        raise ParameterError(f"this network cannot be saved, since its file could not be loaded: {error}") from error
    return data


def _are_same(arrays: Mapping[str, np.ndarray], tensors: Mapping[str, np.ndarray]) -> bool:
    return arrays.keys() == tensors.keys() and all(
        arrays[name].dtype == tensor.dtype
        and arrays[name].shape == tensor.shape
        and np.array_equal(_bytes_of(arrays[name]), _bytes_of(tensor))
        for name, tensor in tensors.items()
    )


def _bytes_of(array: np.ndarray) -> np.ndarray:
    """The bytes of an array, without a copy if it is contiguous. Bytes are compared, since NaN is not equal to itself."""
    return array.reshape(-1).view(np.uint8)


def _description(network: Network) -> tuple[dict[str, Any], dict[str, type[Any]]]:
    """The description of `network` in a file, and its unregistered classes. Raises for values that a file does not preserve."""
    for name in ATTRIBUTES:
        if not FIELDS[name].is_valid(getattr(network, name)):
            raise ParameterError(f"network.{name} must be {FIELDS[name].wanted}, got {shown(getattr(network, name))}")
        check_plain(getattr(network, name), f"network.{name}")
    with registry.recorded() as looked_up:
        document: dict[str, Any] = {
            "layers": [registry.config_of("layers", layer) for layer in network.layers],
            "input_shape": [int(size) for size in network.input_shape],
            "dtype": network.dtype.name,
            "precision": network.dtype.name,
            "link": None if network.loss is None else _link(network.loss.link),
            "schedule_state": {path: _state_of(schedule) for path, schedule in network.schedules.items()},
        }
        for what, kind in NESTED.items():
            if what == "schedule":
                document[what] = {path: registry.config_of(kind, schedule) for path, schedule in network.schedules.items()}
            else:
                component = getattr(network, what)
                document[what] = None if component is None else registry.config_of(kind, component)
        document["groups"] = described_groups(network.groups)
        check_plain(document["groups"], "network.groups")
        # An argument may name a component, activation="relu": the look-up shows which ones do.
        plan_network(network.layers, network.layer_names, network.input_shape)
        _ = network.rules  # a plan may name some
    document["components"] = providers(looked_up)
    document |= {name: getattr(network, name) for name in ATTRIBUTES}
    document["callbacks"] = [
        {"callback": memory.callback, "numbers": memory.numbers, "arrays": list(memory.arrays)} for memory in network.memories
    ]
    for absent in network.absent.values():
        document = replaced(document | absent.document, absent.rules)
        document["components"] = merged(document["components"], absent.providers)
    document = {name: document[name] for name in FIELDS}
    for name in ("layers", *NESTED, "groups", "link"):
        try:
            json.dumps(document[name])
        except (TypeError, ValueError, RecursionError) as error:
            raise ParameterError(f"{name} cannot be written to a file: {error}; keep to numbers, texts, lists and dicts") from None
    return document, {name: found.cls for (kind, name), found in looked_up.items() if found.cls and not _is_known(kind, name, found.cls)}


def _is_known(kind: str, name: str, cls: type[Any]) -> bool:
    """Whether it can be looked up, unlike a class that was passed to `load`."""
    try:
        return registry.get(kind, name) is cls
    except UnknownComponentError:
        return False


def _link(link: str | dict[str, Any] | None) -> str | dict[str, Any] | None:
    """An activation's name or description. Its components are looked up, so that the file lists their plugins."""
    if link is None:
        return None
    activation = registry.resolve("activations", link)
    return link if isinstance(link, str) else registry.config_of("activations", activation)


def _state_of(schedule: Schedule) -> dict[str, float]:
    state = schedule.state()
    if not is_state(state):
        raise PluginError(f"{schedule!r}.state must return finite numbers by name, got {shown(state)}")
    return state
