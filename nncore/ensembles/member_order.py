"""Order the members of a TabM network by how much they improve the mean."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from nncore.data import SparseSamples, some_rows
from nncore.ensembles.calibration import mean_loss
from nncore.layers.mean_members import MeanMembers
from nncore.network import Sequential, member_outputs
from nncore.registry import resolve

#: Largest number of predictions (rows × outputs) used of each member. The order changes little with more.
MOST_NUMBERS = 65536


def member_order(
    network: Sequential, inputs: NDArray[np.floating] | SparseSamples, target: np.ndarray, weights: NDArray[np.floating] | None
) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Greedy selection: first the best member, then in each step the one that gives the mean the smallest loss.

    Parameters
    ----------
    network : Sequential
        Trained network that ends with `MeanMembers`.
    inputs : ndarray or SparseSamples of shape (n_rows, n_inputs)
        Inputs of validation rows. With more than 65,536 predictions a member, evenly spaced rows are used.
    target : ndarray
        Targets in the form that the loss takes.
    weights : ndarray of shape (n_rows,) or None

    Returns
    -------
    order : ndarray of shape (n_members,), int64
        Numbers of the members, for `nncore.keep_members`.
    losses : ndarray of shape (n_members,), float64
        Loss of the mean of the first 1, 2, … members.
    """
    loss, last = network.loss, network.layers[-1]
    assert loss is not None, "it was trained"
    assert isinstance(last, MeanMembers), "its members are those of the mean"
    rows = slice(None, None, -(-len(inputs) // max(1, MOST_NUMBERS // network.output_shape[0])))
    target, weights = target[rows], None if weights is None else weights[rows]
    given = member_outputs(network, some_rows(inputs, rows)).astype(np.float64)
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
