"""Values that a JSON file preserves, and checks of them."""

from __future__ import annotations

import math
import sys
from typing import Any

from nncore.arguments import LARGEST_COUNT, shown
from nncore.errors import ParameterError


def check_plain(value: Any, where: str) -> None:
    """Raise unless a file preserves `value`.

    Parameters
    ----------
    value : object
    where : str
        Its name in the message.

    Raises
    ------
    ParameterError
    """
    try:
        _check(value, where)
    except RecursionError:
        raise ParameterError(f"{where} cannot be written to a file: it is nested too deeply, or contains itself") from None


def _check(value: Any, where: str) -> None:
    if isinstance(value, dict):
        for key, inner in value.items():
            if not isinstance(key, str):
                raise ParameterError(
                    f"{where} cannot be written to a file: the key {shown(key)} is not a string; write {shown(key)[:40]!r}"
                )
            _check(inner, f"{where}[{shown(key)}]")
    elif isinstance(value, list):
        for index, inner in enumerate(value):
            _check(inner, f"{where}[{index}]")
    elif isinstance(value, float) and not math.isfinite(value):
        raise ParameterError(f"{where} cannot be written to a file: JSON has no {value!r}; write None, or a text")
    elif value is not None and not isinstance(value, (str, bool, int, float)):
        remedy = (
            "list(...)" if isinstance(value, (tuple, set, frozenset)) else "numbers, texts, lists and dicts, array.tolist() for an array"
        )
        raise ParameterError(f"{where} cannot be written to a file: it is {shown(value)}; write {remedy}")


def is_count(value: Any) -> bool:
    return type(value) is int and 0 <= value <= LARGEST_COUNT  # bool is not a count


def is_size(value: Any) -> bool:
    return type(value) is int and 0 <= value < 2**64


def is_finite(value: Any) -> bool:
    return type(value) in (int, float) and -sys.float_info.max <= value <= sys.float_info.max


def is_state(value: Any) -> bool:
    largest = sys.float_info.max  # an integer of JSON may be beyond it
    return isinstance(value, dict) and all(
        isinstance(name, str) and isinstance(number, (int, float)) and not isinstance(number, bool) and -largest <= number <= largest
        for name, number in value.items()
    )
