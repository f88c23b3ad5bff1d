"""What encodings have learned, as JSON holds it; nothing that is read is trusted."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nncore import registry
from nncore.arguments import shown
from nncore.data.encoding_part import MOST_COLUMNS
from nncore.errors import FileFormatError, ParameterError


def plain(array: NDArray[Any]) -> Any:
    """Nested lists of numbers; an array without any is told by its shape."""
    return array.tolist() if array.size else {"shape": list(array.shape)}


def array_of(name: str, numbers: object, dtype: str) -> NDArray[Any]:
    """An array of a file: nested lists of numbers, or the shape of one without any."""
    if isinstance(numbers, dict):
        shape = numbers.get("shape")
        if numbers.keys() == {"shape"} and isinstance(shape, list) and _is_empty(shape):
            return np.empty(shape, dtype)
    elif isinstance(numbers, list) and numbers:
        try:
            array = np.array(numbers)
        except (ValueError, OverflowError):
            array = np.array(None)
        if array.dtype.kind in "if":
            return array
    raise FileFormatError(f"what encodings have learned is damaged: {shown(name)} is no list of numbers")


def _is_empty(shape: list[Any]) -> bool:
    """Whether it is the shape of an array without numbers."""
    return 0 < len(shape) < 4 and 0 in shape and all(type(n) is int and 0 <= n <= MOST_COLUMNS for n in shape)


def learns_of(described: object) -> Mapping[str, str]:
    """What an encoding of a file learns; nothing if it cannot be resolved, which is told when the file is read."""
    try:
        learns: Mapping[str, str] = registry.resolve("encodings", described).learns
    except ParameterError:
        return {}
    return learns
