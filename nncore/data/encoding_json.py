"""Convert what encodings have learned to JSON and back. Everything read is checked."""

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
    """An array as nested lists of numbers; an empty array as a dict with its shape."""
    return array.tolist() if array.size else {"shape": list(array.shape)}


def array_of(name: str, numbers: object, dtype: str) -> NDArray[Any]:
    """Convert nested lists of numbers, or the shape of an empty array, to an array."""
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
    raise FileFormatError(f"what encodings have learned is damaged: {shown(name)} is not a list of numbers")


def _is_empty(shape: list[Any]) -> bool:
    """Whether it is the shape of an empty array."""
    return 0 < len(shape) < 4 and 0 in shape and all(type(n) is int and 0 <= n <= MOST_COLUMNS for n in shape)


def learns_of(described: object) -> Mapping[str, str]:
    """Names and dtypes that an encoding learns. Empty if it cannot be resolved: reading the file raises an error for that later."""
    try:
        learns: Mapping[str, str] = registry.resolve("encodings", described).learns
    except ParameterError:
        return {}
    return learns
