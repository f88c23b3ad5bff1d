"""Outputs of every stage of a network for a batch, by the layers' NumPy methods."""

from __future__ import annotations

import numpy as np

from nncore.contract import LayerCall
from nncore.network.network import Network
from nncore.program import NETWORK_INPUT, Blueprint, Stage


def stage_values(network: Network, blueprint: Blueprint, inputs: np.ndarray, *, training: bool = False) -> dict[int, np.ndarray]:
    """Outputs of the stages by their numbers, and the inputs as those of `NETWORK_INPUT`, as matrices of n_samples rows.

    Compiled layers would overwrite outputs that are no longer needed.

    Parameters
    ----------
    network : Network
        Built network; it is not changed.
    blueprint : Blueprint
        Of the network.
    inputs : ndarray of shape (n_samples, n_inputs)
        In the network's dtype.
    training : bool, default False
        As in `fit`, with dropout and the statistics of the batch.
    """
    values, buffers = {NETWORK_INPUT: inputs}, network.named_buffers()
    for stage in blueprint.stages:
        state = {buffer.name: buffers[f"{stage.name}.{buffer.name}"].copy() for buffer in stage.plan.buffers}
        y = _run(stage, [values[source] for source in stage.sources], stage.views(network.parameters), state, network, training)
        values[stage.index] = y if stage.activation is None else _activated(stage, y)
    return values


def _run(
    stage: Stage,
    inputs: list[np.ndarray],
    tensors: dict[str, np.ndarray],
    state: dict[str, np.ndarray],
    network: Network,
    training: bool,
) -> np.ndarray:
    """Outputs of a layer before its activation, shape (n_samples, n_outputs)."""
    plan, x = stage.plan, inputs[0]
    if plan.branches:
        merged: np.ndarray = np.sum(inputs, axis=0) if plan.merge == "sum" else np.concatenate(inputs, axis=1)
        return merged
    if plan.is_view or (plan.training_only and not training):
        return x
    call = LayerCall(
        x=x,
        y=np.empty((len(x), stage.n_outputs), x.dtype),
        parameters=tensors,
        buffers=state,
        cache=np.empty(plan.cache + plan.cache_per_row * len(x), x.dtype),
        numbers=plan.numbers,
        input_shape=stage.input_shape,
        output_shape=plan.output_shape,
        seed=network.seed,
        step=network.n_steps + 1,
        layer=stage.index,
        training=training,
    )
    stage.layer.forward(call)
    return call.y


def _activated(stage: Stage, y: np.ndarray) -> np.ndarray:
    """Outputs of a layer after its activation."""
    assert stage.activation is not None, "it has one"
    return np.reshape(stage.activation.forward(y.reshape(-1, stage.activation_columns)), y.shape)
