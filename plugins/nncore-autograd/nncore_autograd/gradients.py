"""Values and vector-Jacobian products of a user's function, with errors that say what to write instead."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np
from autograd.core import make_vjp

from nncore.errors import PluginError

Function = Callable[..., Any]

#: autograd counts traced functions in a global, which concurrent fits would corrupt. The lock is reentrant, since the user's function may
#: use autograd itself.
_lock = threading.RLock()


def _renew_lock() -> None:
    global _lock
    _lock = threading.RLock()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_renew_lock)  # another thread of the parent may have held it


def value(who: str, function: Function, arguments: Sequence[np.ndarray], shape: tuple[int, ...]) -> np.ndarray:
    """Call the function, and return an array of `shape` in the dtype of the first argument. `who` is its name in errors."""
    return _checked(who, np.asarray(function(*arguments)), shape).astype(arguments[0].dtype, copy=False)


def gradients(who: str, function: Function, arguments: Sequence[np.ndarray], d_value: np.ndarray) -> tuple[np.ndarray, ...]:
    """∂E/∂argument for each argument, from ``d_value`` = ∂E/∂value.

    Raises
    ------
    PluginError
        If autograd cannot trace the function: it calls NumPy itself, assigns to elements, or returns another shape than that of `d_value`.
    """
    if not arguments:
        return ()
    with _lock, _told(who):
        follow, result = make_vjp(lambda boxes: function(*boxes), tuple(arguments))
        _checked(who, np.asarray(result), d_value.shape)
        # A NumPy number in the function, such as np.sqrt(2), converts float32 to float64.
        return tuple(found.astype(argument.dtype, copy=False) for found, argument in zip(follow(d_value), arguments, strict=True))


def _checked(who: str, result: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
    if result.shape != shape:
        raise PluginError(f"{who} must give an array of shape {shape}, it gives {result.shape}")
    if result.dtype.kind not in "fiub":
        raise PluginError(f"{who} must give real numbers, it gives {result.dtype}: call functions of autograd.numpy in place of numpy's")
    return result


@contextmanager
def _told(who: str) -> Iterator[None]:
    """Convert errors about autograd's boxes to one that says what to write instead."""
    try:
        yield
    except (TypeError, ValueError, AttributeError, NotImplementedError) as error:
        if "Box" not in str(error) and not isinstance(error, NotImplementedError):
            raise
        raise PluginError(
            f"autograd cannot follow {who}: use functions of autograd.numpy and autograd.scipy in place of numpy's and scipy's, and make "
            f"new arrays instead of assigning to elements ({error})"
        ) from error
