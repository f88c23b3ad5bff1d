"""What a network from a file was trained with and cannot find here: it predicts without it, and no saved word of it is lost."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np

from nncore.network.providers import Providers

#: Keys and indices that lead from a document to something in it.
Path = tuple[str | int, ...]


@dataclass(frozen=True)
class Absent:
    """A loss, an optimizer or a schedule whose class is not here, or all regularizers and constraints of which that is so.

    Attributes
    ----------
    reason : str
        What is missing, and what to do: the error of whoever needs it.
    document : dict
        The fields of the file that are about it, as they were.
    providers : dict
        What the file says of the plugins behind it.
    tensors : dict of str to ndarray
        Its state, by the names in the file.
    rules : dict of tuple to object
        The descriptions of regularizers and constraints, by the path to them in the document.
    """

    reason: str
    document: dict[str, Any]
    providers: Providers
    tensors: dict[str, np.ndarray] = field(default_factory=dict)
    rules: dict[Path, Any] = field(default_factory=dict)
