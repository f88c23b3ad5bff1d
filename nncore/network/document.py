"""What a file says of a network: a JSON object, checked field by field, and tensors by their names.

The tensors are ``parameters/<name>``, ``buffers/<name>``, of the network's dtype, and, once trained, ``optimizer/<name>/<what>``: what the
optimizer keeps of a parameter, so that a resumed run continues bit for bit. How a file holds them is a `Format`'s affair.
"""

from __future__ import annotations

import math
import sys
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from nncore import registry
from nncore.contract import Format
from nncore.errors import FileFormatError, MissingExtraError, PluginError, PluginWarning
from nncore.network.network import Network
from nncore.network.providers import are_providers

#: The format of a file whose suffix no format claims.
DEFAULT_FORMAT = "safetensors"


_DTYPES = ("float32", "float64")


def format_for(path: Path) -> Format:
    """The format that claims the suffix of `path`.

    Built-in formats are asked first, so that no plugin is imported, and none can fail, where one of them is meant. Of the others, one that
    cannot be imported is left out with a warning if no other claims the suffix.
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
        warnings.warn(f"{path.name}: a format that may be meant is left out: {failure}", PluginWarning, stacklevel=4)
    return registry.resolve("formats", DEFAULT_FORMAT)


#: Keys of the document that hold a component or null, and its kind.
NESTED = {"loss": "losses", "optimizer": "optimizers", "schedule": "schedules"}


#: Keys of the document that are attributes of a network as they are.
COUNTERS = (
    "weight_decay", "clip_norm", "clip_value", "n_steps", "n_epochs", "seed", "schedule_begin", "schedule_steps", "average_begin",
    "metadata",
)  # fmt: skip


#: Names of tensors that optimizers keep begin with this.
OPTIMIZER = "optimizer/"

#: The tensor that holds where training stands, beside parameters that are an average.
TRAJECTORY = "trajectory"


def tensors_of(network: Network) -> dict[str, np.ndarray]:
    """Everything that is saved as a tensor: live views by their names in the file."""
    tensors = {f"parameters/{name}": view for name, view in network.named_parameters().items()}
    tensors |= {f"buffers/{name}": view for name, view in network.named_buffers().items()}
    if network.optimizer is not None and network.n_steps and "groups" not in network.absent:
        tensors |= {f"{OPTIMIZER}{name}": view for name, view in network.optimizer_state.items()}
    for absent in network.absent.values():
        tensors |= absent.tensors
    if network.trajectory is not None:
        tensors[TRAJECTORY] = network.trajectory
    return tensors


def is_state(value: Any) -> bool:
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
    "link": (lambda v: v is None or isinstance(v, (str, dict)), "a name, an object or null"),
    "components": (are_providers, "an object of plugins and versions by kind and name"),
    "schedule_state": (is_state, "an object of finite numbers"),
    "schedule_begin": (_is_count, "a whole number, 0 or greater"),
    "schedule_steps": (_is_count, "a whole number, 0 or greater"),
    "weight_decay": (_is_limit, "a number, 0 or greater"),
    "clip_norm": (_is_limit, "a number, 0 or greater"),
    "clip_value": (_is_limit, "a number, 0 or greater"),
    "groups": (lambda v: isinstance(v, dict) and all(isinstance(item, dict) for item in v.values()), "an object of objects"),
    "average_begin": (_is_count, "a whole number, 0 or greater"),
    "n_steps": (_is_count, "a whole number, 0 or greater"),
    "n_epochs": (_is_count, "a whole number, 0 or greater"),
    "seed": (lambda v: type(v) is int and 0 <= v < 2**64, "a whole number from 0 to 2^64 - 1"),
    "metadata": (lambda v: isinstance(v, dict), "an object"),
}


def check_document(document: Any) -> None:
    """Raise unless every field of the description is there and of its kind."""
    if not isinstance(document, dict):
        raise FileFormatError("the architecture is not a JSON object")
    for field, (is_valid, wanted) in _FIELDS.items():
        if field not in document:
            raise FileFormatError(f"the architecture has no {field!r}")
        if not is_valid(document[field]):
            raise FileFormatError(f"the architecture's {field!r} must be {wanted}, got {document[field]!r:.80}")
