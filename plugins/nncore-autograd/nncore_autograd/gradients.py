"""Values and vector-Jacobian products of an author's function, with errors that say what to write instead."""

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

#: autograd counts the functions that it is following in a global, and threads that fit at the same time would miscount. Reentrant, since
#: the author's function may use autograd itself.
_lock = threading.RLock()


def _renew_lock() -> None:
    global _lock
    _lock = threading.RLock()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_renew_lock)  # another thread of the parent may have held it


def value(who: str, function: Function, arguments: Sequence[np.ndarray], shape: tuple[int, ...]) -> np.ndarray:
    """What the function gives, as an array of `shape` in the dtype of the first argument; `who` is what errors call it."""
    return _checked(who, np.asarray(function(*arguments)), shape).astype(arguments[0].dtype, copy=False)


def gradients(who: str, function: Function, arguments: Sequence[np.ndarray], d_value: np.ndarray) -> tuple[np.ndarray, ...]:
    """∂E/∂argument for each argument, from ``d_value`` = ∂E/∂value.

    Raises
    ------
    PluginError
        If autograd cannot follow the function: it calls NumPy itself, assigns to elements, or gives another shape than that of `d_value`.
    """
    if not arguments:
        return ()
    with _lock, _told(who):
        follow, result = make_vjp(lambda boxes: function(*boxes), tuple(arguments))
        _checked(who, np.asarray(result), d_value.shape)
        # A NumPy number in the function, such as np.sqrt(2), makes float64 of float32.
        return tuple(found.astype(argument.dtype, copy=False) for found, argument in zip(follow(d_value), arguments, strict=True))


def _checked(who: str, result: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
    if result.shape != shape:
        raise PluginError(f"{who} must give an array of shape {shape}, it gives {result.shape}")
    if result.dtype.kind not in "fiub":
        raise PluginError(f"{who} must give real numbers, it gives {result.dtype}: call functions of autograd.numpy in place of numpy's")
    return result


@contextmanager
def _told(who: str) -> Iterator[None]:
    """Turn errors about the boxes in which autograd hands numbers to the function into one that says what to write."""
    try:
        yield
    except (TypeError, ValueError, AttributeError, NotImplementedError) as error:
        if "Box" not in str(error) and not isinstance(error, NotImplementedError):
            raise
        raise PluginError(
            f"autograd cannot follow {who}: use functions of autograd.numpy and autograd.scipy in place of numpy's and scipy's, and make "
            f"new arrays instead of assigning to elements ({error})"
        ) from error
