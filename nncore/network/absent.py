"""Components that a file names and no installed plugin provides: the network predicts without them and keeps their descriptions."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np

from nncore.network.providers import Providers

#: Keys and indices that lead from a document to something in it.
Path = tuple[str | int, ...]


@dataclass(frozen=True)
class Absent:
    """A loss, an optimizer or a schedule whose class is not installed, or all such regularizers and constraints.

    Attributes
    ----------
    reason : str
        What is missing, and what to do: the message of the error when it is needed.
    document : dict
        Its fields of the file, unchanged.
    providers : dict
        The plugins that provided it, from the file.
    tensors : dict of str to ndarray
        Its state, by the names in the file.
    rules : dict of tuple to object
        Descriptions of regularizers and constraints, by their path in the document.
    """

    reason: str
    document: dict[str, Any]
    providers: Providers
    tensors: dict[str, np.ndarray] = field(default_factory=dict)
    rules: dict[Path, Any] = field(default_factory=dict)
