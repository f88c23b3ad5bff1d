"""State of callbacks: stored with the network while a fit runs or after it was interrupted, for a fit that resumes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from nncore.arguments import shown
from nncore.contract import Callback
from nncore.errors import PluginError, ResumptionWarning, warn_user
from nncore.network.plain import is_state

#: What arrays of a state may hold.
DTYPES = ("float32", "float64", "int64", "int8")


@dataclass(frozen=True)
class Memory:
    """The state of a callback.

    Attributes
    ----------
    callback : str
        Class and arguments, as in its ``repr``: the callback that the state belongs to.
    numbers : dict of str to float
    arrays : dict of str to ndarray
    """

    callback: str
    numbers: dict[str, float]
    arrays: dict[str, np.ndarray]

    def state(self) -> dict[str, Any]:
        """As `Callback.state` returned it."""
        return {**self.numbers, **self.arrays}

    def copied(self) -> Memory:
        """With arrays of its own."""
        return Memory(self.callback, self.numbers, {name: array.copy() for name, array in self.arrays.items()})


def memories(callbacks: Sequence[Callback]) -> tuple[Memory, ...]:
    """The states of these callbacks, without empty ones; arrays may be their own.

    Raises
    ------
    PluginError
        If a state is not a dict of finite numbers and arrays.
    """
    return tuple(memory for callback in callbacks if (memory := _memory(callback)) is not None)


def _memory(callback: Callback) -> Memory | None:
    state = callback.state()
    numbers: dict[str, float] = {}
    arrays: dict[str, np.ndarray] = {}
    for name, value in state.items() if isinstance(state, dict) else [(None, state)]:
        if isinstance(name, str) and isinstance(value, np.ndarray) and value.dtype.name in DTYPES:
            arrays[name] = value
        elif is_state({name: value}):
            numbers[name] = value
        else:
            raise PluginError(
                f"{type(callback).__name__}.state must return finite numbers and arrays of {', '.join(DTYPES)} by name, got {shown(state)}"
            )
    return Memory(repr(callback), numbers, arrays) if state else None


def matched(kept: Sequence[Memory], callbacks: Sequence[Callback]) -> tuple[list[tuple[Callback, Memory]], list[Memory]]:
    """Each state with its callback, of the same class and arguments, in order; and the states without a callback."""
    free, pairs, left = list(callbacks), [], []
    for memory in kept:
        owner = next((callback for callback in free if repr(callback) == memory.callback), None)
        if owner is None:
            left.append(memory)
        else:
            free = [callback for callback in free if callback is not owner]
            pairs.append((owner, memory))
    return pairs, left


def warn_forgotten(forgotten: Sequence[Memory], why: str) -> None:
    """Warn the caller of `fit` about states that no callback restores."""
    for memory in forgotten:
        warn_user(
            f"this fit resumes one that was cut short, but discards the state of {memory.callback}, since {why}",
            ResumptionWarning,
        )
