"""State of optimizers, separate for each parameter group."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from nncore.arguments import is_whole, shown
from nncore.contract import Optimizer, State, TensorSpan, slot_name, wrappers_of
from nncore.errors import PluginError
from nncore.program.groups import Grouping
from nncore.program.memory import ALIGNMENT, PAGE, STAGGER, aligned_zeros


@dataclass(frozen=True)
class GroupState:
    """The state of one group's optimizer.

    Attributes
    ----------
    slots : ndarray of shape (n_slots, n)
        For an optimizer of flat vectors: each slot has one number for each parameter of the group.
    tensors : tuple of dict of str to ndarray
        For each tensor of the group, live views of its state, by name.
    blocks : tuple of ndarray
        The same memory, without overlaps.
    """

    slots: np.ndarray
    tensors: tuple[dict[str, np.ndarray], ...]
    blocks: tuple[np.ndarray, ...]


#: State of all groups of a network.
NetworkState = tuple[GroupState, ...]


def declared_state(optimizer: Optimizer, tensors: Sequence[TensorSpan]) -> list[list[State]]:
    """The state that an optimizer declares for each tensor, checked.

    Raises
    ------
    PluginError
        If it does not declare a list of `State` with distinct names for each tensor.
    """
    if not optimizer.needs_tensors:
        if type(wrappers_of(optimizer)[1]).state is not Optimizer.state:
            raise PluginError(f"{optimizer!r} declares state for tensors: set needs_tensors = True, or use n_slots for flat vectors")
        return [[State(slot_name(slot), tensor.shape) for slot in range(optimizer.n_slots)] for tensor in tensors]
    declared = [list(states) for states in optimizer.state(tensors)]
    if len(declared) != len(tensors) or any(not isinstance(state, State) for states in declared for state in states):
        raise PluginError(f"{optimizer!r}.state must return a list of State for each of the {len(tensors)} tensors, got {shown(declared)}")
    for tensor, states in zip(tensors, declared, strict=True):
        if len({state.name for state in states}) < len(states):
            raise PluginError(f"{optimizer!r}.state declares a name twice for {tensor.name}: {', '.join(state.name for state in states)}")
    return declared


def needed_work(optimizer: Optimizer, tensors: Sequence[TensorSpan]) -> int:
    """Size of the working memory that an optimizer's kernel needs in a call, in numbers, checked."""
    work = optimizer.work(tensors)
    if not is_whole(work) or not 0 <= work <= 2**40 or (work and not optimizer.needs_tensors):
        raise PluginError(f"{optimizer!r}.work must be a whole number from 0 to 2^40, and 0 unless it needs_tensors; got {shown(work)}")
    return int(work)


def zero_state(grouping: Grouping, optimizer: Optimizer, dtype: np.dtype) -> NetworkState:
    """The state of all groups before the first step; `optimizer` is the network's."""
    pairs = enumerate(grouping.optimizers(optimizer))
    return tuple(_of_group(own, grouping.tensors_of(number), dtype) for number, own in pairs)


def _of_group(optimizer: Optimizer, tensors: Sequence[TensorSpan], dtype: np.dtype) -> GroupState:
    declared = declared_state(optimizer, tensors)
    if optimizer.needs_tensors:
        return _of_tensors(declared, dtype)
    n = sum(tensor.size for tensor in tensors)
    stride = n + (STAGGER - n * dtype.itemsize) % PAGE // dtype.itemsize  # every vector is aligned, and at a different offset in a page
    slots = aligned_zeros(optimizer.n_slots * stride, dtype).reshape(optimizer.n_slots, stride)[:, :n]
    views, begin = [], 0
    for tensor, states in zip(tensors, declared, strict=True):
        end = begin + tensor.size
        views.append({state.name: slot[begin:end].reshape(tensor.shape) for state, slot in zip(states, slots, strict=True)})
        begin = end
    return GroupState(slots, tuple(views), tuple(slots))


def _of_tensors(declared: Sequence[Sequence[State]], dtype: np.dtype) -> GroupState:
    sizes = [math.prod(state.shape) * state.dtype_in(dtype).itemsize for states in declared for state in states]
    begins = np.cumsum([0, *(-(-size // ALIGNMENT) * ALIGNMENT for size in sizes)])
    room, pieces = aligned_zeros(int(begins[-1]), np.dtype(np.uint8)), zip(begins, sizes, strict=False)
    views = []
    for states in declared:
        own = {}
        for state, (begin, size) in zip(states, pieces, strict=False):
            own[state.name] = room[begin : begin + size].view(state.dtype_in(dtype)).reshape(state.shape)
        views.append(own)
    return GroupState(np.zeros((0, 0), dtype), tuple(views), (room,))


def named_state(state: NetworkState, grouping: Grouping, shapes: Mapping[str, tuple[int, ...]]) -> dict[str, np.ndarray]:
    """Live views by ``"<tensor>/<name>"``, in the order of the network's tensors. A view with the size of its tensor also has its shape.

    `shapes` are the shapes of the tensors, by name.
    """
    return {
        f"{tensor.name}/{name}": view.reshape(shapes[tensor.name]) if view.shape == tensor.shape else view
        for tensor, views in _by_place(state, grouping)
        for name, view in views.items()
    }


def _by_place(state: NetworkState, grouping: Grouping) -> Iterator[tuple[TensorSpan, dict[str, np.ndarray]]]:
    pairs = [
        pair for number, group in enumerate(state) for pair in zip(grouping.tensors_of(number), group.tensors, strict=True)
    ]  # fmt: skip
    yield from sorted(pairs, key=lambda pair: pair[0].offset)


def pieces(optimizer: Optimizer, number: int, grouping: Grouping, state: NetworkState, *vectors: np.ndarray) -> Iterator[tuple[Any, ...]]:
    """Arguments for each call of a group's optimizer: its part of each of the `vectors`, then of its state.

    These are lists with an entry for each tensor if it needs tensors, else flat vectors for each stretch of the group.
    """
    own = state[number]
    if optimizer.needs_tensors:
        spans = grouping.tensors_of(number)
        matrices = ([vector[s.offset : s.offset + s.size].reshape(s.shape) for s in spans] for vector in vectors)
        yield *matrices, list(own.tensors)
        return
    for begin, end, member, place in grouping.stretches():
        if member == number:
            yield *(vector[begin:end] for vector in vectors), own.slots[:, place : place + end - begin]


def evaluated(trained: np.ndarray, state: NetworkState, grouping: Grouping, optimizer: Optimizer) -> np.ndarray:
    """The parameters for prediction, from the trained ones. `optimizer` is the network's."""
    out = trained.copy()
    for number, (group, own) in enumerate(zip(grouping.groups, grouping.optimizers(optimizer), strict=True)):
        if own.has_evaluation:
            with_numbers = group.of_group(own)
            for w, to, kept in pieces(own, number, grouping, state, trained, out):
                with_numbers.evaluation(w, kept, to)
    return out
