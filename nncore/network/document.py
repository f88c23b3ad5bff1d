"""The content of a file of networks: a JSON object, checked field by field, and tensors by name.

The tensors are ``parameters/<name>`` and ``buffers/<name>``, of the network's dtype. After training there are also
``optimizer/<name>/<what>``, the optimizer's state of a parameter, so that a resumed run has the same bits. In a file of several networks,
the number of the network and a slash come first. A `Format` decides how a file stores them.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import numpy as np

from nncore import registry
from nncore.arguments import shown
from nncore.contract import Format
from nncore.errors import FileFormatError, MissingExtraError, PluginError, PluginWarning, warn_user
from nncore.network.network import Network
from nncore.network.plain import check_plain, is_count, is_state
from nncore.network.providers import are_providers
from nncore.network.resuming import is_place

T = TypeVar("T")

#: The format of a file whose suffix no format claims.
DEFAULT_FORMAT = "safetensors"

#: How the numbers of a network may be held in a file.
PRECISIONS = ("float32", "float64")


def format_for(path: Path) -> Format:
    """The format that claims the suffix of `path`.

    Built-in formats are asked first, so no plugin is imported for their suffixes. A format of a plugin that cannot be imported is left out,
    with a warning if no other claims the suffix.
    """
    suffix, failures = path.suffix.lower(), []
    names = sorted(registry.names("formats"), key=lambda name: not registry.component("formats", name).plugin.built_in)
    for name in names if suffix else ():
        try:
            claims = suffix in registry.get("formats", name).suffixes
        except (PluginError, MissingExtraError) as error:
            failures.append(str(error))
        else:
            if claims:
                return registry.resolve("formats", name)
    for failure in failures:
        warn_user(f"{path.name}: a format of a plugin, which may claim this suffix, cannot be used: {failure}", PluginWarning)
    return registry.resolve("formats", DEFAULT_FORMAT)


#: Fields of a network for training, and their kind: a component or null; schedules by the paths of the numbers they change.
NESTED = {"loss": "losses", "optimizer": "optimizers", "schedule": "schedules"}


#: Names of tensors that optimizers keep begin with this.
OPTIMIZER = "optimizer/"

#: The tensor of the trained parameters, where the parameters are an average.
TRAJECTORY = "trajectory"

#: The tensor of the rounding errors of an average over steps.
AVERAGE_REST = "average_rest"


def tensors_of(network: Network) -> dict[str, np.ndarray]:
    """Everything that is saved as a tensor: live views by their names in the file."""
    tensors = {f"parameters/{name}": view for name, view in network.named_parameters().items()}
    tensors |= {f"buffers/{name}": view for name, view in network.named_buffers().items()}
    if network.optimizer is not None and network.n_steps and "groups" not in network.absent:
        tensors |= {f"{OPTIMIZER}{name}": view for name, view in network.optimizer_state.items()}
    for absent in network.absent.values():
        tensors |= absent.tensors
    tensors |= {name: array for number, memory in enumerate(network.memories) for name, array in array_names(number, memory.arrays).items()}
    if network.trajectory is not None:
        tensors[TRAJECTORY] = network.trajectory
    if network.average_rest is not None:
        tensors[AVERAGE_REST] = network.average_rest
    return tensors


def array_names(number: int, arrays: Mapping[str, T]) -> dict[str, T]:
    """Arrays of the state of the callback of this number, by names in the file."""
    return {f"callbacks/{number}/{name}": array for name, array in arrays.items()}


def _is_limit(value: Any) -> bool:
    return type(value) in (int, float) and 0 <= value < math.inf


def _is_object(value: Any) -> bool:
    return isinstance(value, dict)


def _is_object_or_null(value: Any) -> bool:
    return value is None or isinstance(value, dict)


def _is_precision(value: Any) -> bool:
    return isinstance(value, str) and value in PRECISIONS


def _are_memories(value: Any) -> bool:
    return isinstance(value, list) and all(
        isinstance(memory, dict)
        and memory.keys() == {"callback", "numbers", "arrays"}
        and isinstance(memory["callback"], str)
        and is_state(memory["numbers"])
        and isinstance(memory["arrays"], list)
        and all(isinstance(name, str) for name in memory["arrays"])
        and len({*memory["arrays"], *memory["numbers"]}) == len(memory["arrays"]) + len(memory["numbers"])
        for memory in value
    )


@dataclass(frozen=True)
class Field:
    """Rule for a field of the description.

    Attributes
    ----------
    is_valid : callable
        The test.
    wanted : str
        Its name in the error message.
    is_attribute : bool
        Whether it is an attribute of a network, saved and set without conversion.
    """

    is_valid: Callable[[Any], bool]
    wanted: str
    is_attribute: bool = False


_COUNT = "a whole number, 0 or greater"
_LIMIT = "a number, 0 or greater"

#: All fields of a network in a file, in order.
FIELDS: dict[str, Field] = {
    "layers": Field(lambda v: isinstance(v, list) and len(v) > 0 and all(map(_is_object, v)), "a list of objects"),
    "input_shape": Field(
        lambda v: isinstance(v, list) and len(v) > 0 and all(is_count(n) and n > 0 for n in v), "a list of positive integers"
    ),
    "dtype": Field(_is_precision, " or ".join(PRECISIONS)),
    "precision": Field(_is_precision, " or ".join(PRECISIONS)),
    "link": Field(lambda v: v is None or isinstance(v, (str, dict)), "a name, an object or null"),
    "loss": Field(_is_object_or_null, "an object or null"),
    "optimizer": Field(_is_object_or_null, "an object or null"),
    "schedule": Field(lambda v: isinstance(v, dict) and all(map(_is_object, v.values())), "an object of objects"),
    "schedule_state": Field(lambda v: isinstance(v, dict) and all(map(is_state, v.values())), "an object of objects of finite numbers"),
    "components": Field(are_providers, "an object of plugins and versions by kind and name"),
    "weight_decay": Field(_is_limit, _LIMIT, True),
    "clip_norm": Field(_is_limit, _LIMIT, True),
    "clip_value": Field(_is_limit, _LIMIT, True),
    "groups": Field(lambda v: isinstance(v, dict) and all(map(_is_object, v.values())), "an object of objects"),
    "n_steps": Field(is_count, _COUNT, True),
    "n_passes": Field(is_count, _COUNT, True),
    "n_epochs": Field(is_count, _COUNT, True),
    "seed": Field(lambda v: type(v) is int and 0 <= v < 2**64, "a whole number from 0 to 2^64 - 1", True),
    "schedule_begin": Field(is_count, _COUNT, True),
    "schedule_steps": Field(is_count, _COUNT, True),
    "average_begin": Field(is_count, _COUNT, True),
    "place": Field(is_place, "an object that says where an epoch was cut short, or null", True),
    "callbacks": Field(_are_memories, "a list of callbacks, each with numbers and the names of its arrays"),
    "encoding": Field(_is_object_or_null, "an object or null", True),
    "metadata": Field(_is_object, "an object", True),
}

#: Fields that are attributes of a network, without conversion.
ATTRIBUTES = tuple(name for name, field in FIELDS.items() if field.is_attribute)


def check_network(description: Any) -> None:
    """Raise unless a network's description has exactly the known fields, each of its type."""
    if not isinstance(description, dict):
        raise FileFormatError("the description of a network is not a JSON object")
    for name, field in FIELDS.items():
        if name not in description:
            raise FileFormatError(f"the network has no {name!r}")
        if not field.is_valid(description[name]):
            remedy = "; a newer nncore may read it: pip install -U nncore-ml" if name in ("dtype", "precision") else ""
            raise FileFormatError(f"the network's {name!r} must be {field.wanted}, got {shown(description[name])}{remedy}")
        if field.is_attribute:
            check_plain(description[name], f"the network's {name}")
    if unknown := description.keys() - FIELDS.keys():
        raise FileFormatError(
            f"the network's {min(unknown)!r} is unknown to this nncore; a newer one may read it: pip install -U nncore-ml"
        )
    if (paths := sorted(description["schedule"])) != (states := sorted(description["schedule_state"])):
        raise FileFormatError(f"the network has schedules of {paths}, but states of schedules of {states}")
    if description["precision"] != description["dtype"]:
        raise FileFormatError(f"the network's 'precision' must be that of its 'dtype', {description['dtype']}")


def check_file(document: Any) -> None:
    """Raise unless a description has the version of nncore that wrote it, and one network, a list of them, or an object of them."""
    if not isinstance(document, dict):
        raise FileFormatError("the description is not a JSON object")
    many = document.get("networks", [None])
    if (
        len(document) != 2
        or not isinstance(document.get("nncore_version"), str)
        or ("network" in document) == ("networks" in document)
        or not isinstance(many, (list, dict))
        or not many
    ):
        raise FileFormatError("the description must have 'nncore_version' (a string) and 'network', or 'networks' (a list or an object)")


def split(document: dict[str, Any], tensors: dict[str, np.ndarray]) -> list[tuple[dict[str, Any], dict[str, np.ndarray]]]:
    """The descriptions of the networks in a checked document, each with the tensors that are its own."""
    if "network" in document:
        return [(document["network"], tensors)]
    many = document["networks"]
    descriptions = list(many.values()) if isinstance(many, dict) else many
    parts: list[tuple[dict[str, Any], dict[str, np.ndarray]]] = [(description, {}) for description in descriptions]
    for name, tensor in tensors.items():
        number, _, own = name.partition("/")
        if not number.isdecimal() or not number.isascii() or str(int(number[:9])) != number or int(number) >= len(parts):
            raise FileFormatError(f"the tensor {name!r} does not belong to one of its {len(parts)} networks")
        parts[int(number)][1][own] = tensor
    return parts


def joined(tensors: list[dict[str, np.ndarray]]) -> dict[str, np.ndarray]:
    """The tensors of many networks by their names in one file."""
    return {f"{number}/{name}": tensor for number, own in enumerate(tensors) for name, tensor in own.items()}
