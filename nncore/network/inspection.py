"""Activations and gradients of a network for a batch. The network is not changed."""

from __future__ import annotations

import copy
from typing import Any

import numpy as np

from nncore.data import as_matrix, as_samples
from nncore.errors import ParameterError, ShapeError
from nncore.network.sequential import Sequential
from nncore.network.stage_values import stage_values
from nncore.program import plan_network
from nncore.words import explains_calls


@explains_calls
def activations(network: Sequential, X: Any, *, training: bool = False) -> dict[str, np.ndarray]:
    """Compute the outputs of every layer for a batch, by the layer's name.

    Parameters
    ----------
    network : Sequential
        A built network.
    X : array-like of shape (n_samples, ...)
        A batch.
    training : bool, default False
        True computes them as in `fit`, with dropout and the statistics of the batch.

    Returns
    -------
    dict of str to ndarray of shape (n_samples, ...)
        Outputs in the order of the layers. Layers inside a layer (``residual_1.dense_1``) come before it.

    Notes
    -----
    The layers' NumPy methods compute them, since compiled layers overwrite outputs that are no longer needed.

    Examples
    --------
    >>> import numpy as np, nncore as nn
    >>> from nncore.inspection import activations
    >>> network = nn.Sequential(nn.Dense(3, activation="relu"), nn.Dense(1)).build(2, rng=0)
    >>> {name: outputs.shape for name, outputs in activations(network, np.zeros((5, 2))).items()}
    {'dense_1': (5, 3), 'dense_2': (5, 1)}
    """
    check_network(network)
    blueprint = plan_network(network.layers, network.layer_names, network.input_shape)
    samples = as_samples(X, "X", network.input_shape, network.dtype, blueprint.accepts_nan)
    if not len(samples):
        raise ShapeError("X has no samples")
    values = stage_values(network, blueprint, as_matrix(samples, network.dtype), training=training)
    return {stage.name: values[stage.index].reshape(len(samples), *stage.plan.output_shape) for stage in blueprint.stages}


def check_network(network: object) -> None:
    """Raise `ParameterError` unless it is a network."""
    if not isinstance(network, Sequential):
        remedy = "; the network of an estimator is network_, which takes encoded X" if hasattr(network, "network_") else ""
        raise ParameterError(f"network must be a nncore.Sequential, got {type(network).__name__}{remedy}")


@explains_calls
def gradients(network: Sequential, X: Any, y: Any, sample_weight: Any = None) -> dict[str, np.ndarray]:
    """Compute the gradient of the mean loss with respect to every tensor, as in the next training step.

    Parameters
    ----------
    network : Sequential
        A built network with a loss.
    X, y, sample_weight : array-like
        A batch, as in `Sequential.forward` and `backward`.

    Returns
    -------
    dict of str to ndarray
        Gradients by the names of the tensors, as copies.
    """
    check_network(network)
    trial = copy.deepcopy(network)  # a forward pass in training changes running statistics
    trial.n_passes = 0
    trial.forward(X, training=True)
    trial.backward(y, sample_weight)
    return trial.named_gradients()
