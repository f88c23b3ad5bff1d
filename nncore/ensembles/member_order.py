"""The members of a network of TabM in the order in which they help."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from nncore.ensembles.calibration import mean_loss
from nncore.layers.mean_members import MeanMembers
from nncore.network import Sequential, member_outputs
from nncore.registry import resolve

#: Predictions of one member that are looked at, at most: rows times outputs. The order changes little with more.
MOST_NUMBERS = 65536


def member_order(
    network: Sequential, inputs: NDArray[np.floating], target: np.ndarray, weights: NDArray[np.floating] | None
) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """A greedy selection: first the best member, then always the one with which the mean of the chosen ones has the smallest loss.

    Parameters
    ----------
    network : Sequential
        Trained, ending with `MeanMembers`.
    inputs : ndarray of shape (n_rows, n_inputs)
        Of validation rows. If a member had more than 65,536 predictions, rows at equal distances are taken.
    target : ndarray
        As the loss takes it.
    weights : ndarray of shape (n_rows,) or None

    Returns
    -------
    order : ndarray of shape (n_members,), int64
        Members by number, for `nncore.keep_members`.
    losses : ndarray of shape (n_members,), float64
        Loss of the mean of the first 1, 2, … of them.
    """
    loss, last = network.loss, network.layers[-1]
    assert loss is not None, "it was trained"
    assert isinstance(last, MeanMembers), "its members are those of the mean"
    rows = slice(None, None, -(-len(inputs) // max(1, MOST_NUMBERS // network.output_shape[0])))
    target, weights = target[rows], None if weights is None else weights[rows]
    given = member_outputs(network, inputs[rows]).astype(np.float64)
    link = None if loss.link is None else resolve("activations", loss.link)
    if link is not None and last.link != "identity":
        given = link.forward(given.reshape(-1, given.shape[2])).reshape(given.shape)
    left, order, losses = list(range(len(given))), list[int](), list[float]()
    total = np.zeros(given.shape[1:])
    while left:
        means = [(total + given[member]) / (len(order) + 1) for member in left]
        if link is not None and last.link == "identity":
            means = [link.forward(mean) for mean in means]
        found = [mean_loss(mean, target, weights, loss) for mean in means]
        best = int(np.argmin(found))
        losses.append(found[best])
        total += given[left[best]]
        order.append(left.pop(best))
    return np.array(order, np.int64), np.array(losses)
