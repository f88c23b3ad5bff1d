"""Some members of a trained ensemble."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from nncore.arguments import shown, whole_numbers
from nncore.contract import Layer, copied_deeply
from nncore.errors import ParameterError
from nncore.network.inspection import check_network
from nncore.network.sequential import Sequential
from nncore.words import explains_calls


@explains_calls
def keep_members(network: Sequential, members: Sequence[int]) -> Sequential:
    """Keep some members of a trained ensemble, for faster predictions: return a network that averages only these.

    Parameters
    ----------
    network : Sequential
        A built network with a `RepeatMembers` or `RepeatedDense`.
    members : sequence of int
        Numbers of the members to keep, from 0, in any order.

    Returns
    -------
    Sequential
        A network with copies of these members and of what they share, with the loss, the optimizer without its state, and the metadata. It
        can be trained further.

    Raises
    ------
    ParameterError
        If the network is not an ensemble, `members` has a number twice or out of range, or another layer depends on the number of members.

    Examples
    --------
    >>> import numpy as np, nncore as nn
    >>> net = nn.Sequential(nn.RepeatMembers(8), nn.MembersDense(16, "relu"), nn.MemberHeads(1), nn.MeanMembers()).build(3, rng=0)
    >>> best = nn.keep_members(net, [1, 4, 5])
    >>> best.predict(np.ones((2, 3))).shape
    (2, 1)
    """
    check_network(network)
    layers: list[Layer] = list(network.layers)
    repeating = [layer for layer in layers if "n_members" in type(layer).argument_names]
    if len(repeating) != 1:
        raise ParameterError("keep_members: the network must have exactly one RepeatMembers or RepeatedDense, which makes its members")
    [repeats] = repeating
    n_members: int = repeats.config()["n_members"]
    chosen = _checked(members, n_members)
    kept = Sequential(*(copied_layer(one, n_members=len(chosen)) if one is repeats else copied_layer(one) for one in layers))
    kept.allocate(network.input_shape, copied_deeply(network.loss), copied_deeply(network.optimizer), network.dtype)
    per_member = {f"{stage.name}.{tensor.name}" for stage in network._built.stages for tensor in stage.own_tensors if tensor.per_member}
    views = {**kept.named_parameters(), **kept.named_buffers()}
    for name, values in {**network.named_parameters(), **network.named_buffers()}.items():
        some = values[chosen] if name in per_member else values
        if some.shape != views[name].shape:
            raise ParameterError(f"keep_members: {name} depends on the number of members; use layers for members, such as MembersDense")
        views[name][...] = some
    kept.metadata = copied_deeply(network.metadata)
    return kept


def member_outputs(network: Sequential, X: Any) -> np.ndarray:
    """Outputs of each member before the mean, shape (n_members, n_rows, ...).

    Parameters
    ----------
    network : Sequential
        A built network that ends with `MeanMembers`.
    X : ndarray or SparseSamples of shape (n_rows, ...)

    Raises
    ------
    ParameterError
        If the network does not end with the mean of members.
    """
    check_network(network)
    if not network._built.n_members:
        raise ParameterError("member_outputs: the network does not end with nn.MeanMembers, so there are no members")
    before = Sequential(*map(copied_layer, network.layers[:-1]))
    before.allocate(network.input_shape, None, None, network.dtype)
    values = {**network.named_parameters(), **network.named_buffers()}
    for name, view in {**before.named_parameters(), **before.named_buffers()}.items():
        view[...] = values[name]
    return np.asarray(before.predict(X)).swapaxes(0, 1)


def copied_layer(layer: Layer, **changes: Any) -> Layer:
    """A copy of a layer with `changes` of its arguments, for another network."""
    return type(layer)(**copied_deeply(layer.config()) | changes)


def _checked(members: Any, n_members: int) -> list[int]:
    chosen = whole_numbers(members)
    if not chosen or min(chosen) < 0 or max(chosen) >= n_members or len(set(chosen)) < len(chosen):
        raise ParameterError(
            f"keep_members: members must be different whole numbers from 0 to {n_members - 1}, one or more, got {shown(members)}"
        )
    return chosen
